"""Chapter *Who borrows, and what goes wrong*: the two samples of Lending Club, described."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import pandas as pd

from p2pbook import reading, traits
from p2pbook.replications import came_out_again, replication
from p2pbook.values import Value, count, share
from p2pbook.words import dated
from p2prisk.datasets import load
from p2prisk.tables import number

#: traits whose classes are drawn
_DRAWN = [
    "inquiries in 6 months",
    "used share of card limits",
    "income",
    "debt-to-income ratio",
    "amount",
    "public records",
]

#: least loans of a cell of the map that is read aloud
_LEAST = 100


class Corner(NamedTuple):
    """A cell of the map of purpose and term."""

    purpose: str
    term: Value
    rate: Value


class Worth(NamedTuple):
    """A trait and its information value."""

    label: str
    value: Value


@dataclass(frozen=True)
class Borrowers:
    """Numbers and tables of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    samples: pd.DataFrame
    blanks: pd.DataFrame
    by_grade: pd.DataFrame
    ended: "Ended"
    issued: "Issued"
    singles: "Singles"
    #: share of the loans of 2018 that still run, and of those without a stated time with the employer
    unstated_2018: Value
    #: share of the loans with the grades A to C, and loans with F and G
    grades_a_to_c: Value
    loans_f_and_g: Value


@dataclass(frozen=True)
class Ended:
    """The loans of 2007-2011, all ended (frozen replication)."""

    loans: Value
    charged_off: Value
    principal_lost: Value
    not_verified: Value
    #: loans called exceptions to the credit policy, the last month with one, and what became of them and of the others
    exceptions: Value
    last_exception: str
    exceptions_charged_off: Value
    others_charged_off: Value
    #: first months with an unstated time with the employer and with loans of 60 months
    first_unstated_job: str
    first_long_term: str
    #: charged off in 2010, by whether the time with the employer is stated
    stated_job: Value
    unstated_job: Value


@dataclass(frozen=True)
class Issued:
    """How loans ended by the time of their issue, and by grade."""

    vintages: pd.DataFrame
    #: charged off: issued in 2007, policy exceptions and others; and in the last quarter by term
    first_year: Value
    first_exceptions: Value
    first_others: Value
    share_exceptions: Value
    last_36: Value
    last_60: Value


@dataclass(frozen=True)
class Singles:
    """What single traits tell about being charged off."""

    classes: pd.DataFrame
    information: pd.DataFrame
    #: information values of three traits: all loans to 2010, without policy exceptions, 2011
    by_sample: pd.DataFrame
    #: loans to 2010 that the three sets leave out for a blank in a trait of the repayment model
    left_out: Value
    map: pd.DataFrame
    #: column -> information value
    worth: dict
    #: the traits after the first one
    second: Worth
    third: Worth
    #: what noise alone would give the states
    noise_of_states: Value
    best: Corner
    worst: Corner


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Borrowers
    """
    tape, profile = load("lendingclub-2018"), replication("e2-profile")
    grades = reading.class_shares(tape.frame["grade"]).rename(columns={"level": "grade"})
    by_grade = grades.set_index("grade")
    return Borrowers(
        again=came_out_again("e2-profile", "e2-order"),
        samples=_samples(tape, profile),
        blanks=pd.concat([reading.blanks(tape.frame, "Lending Club 2018"), profile.table("blanks")]),
        by_grade=_spread(tape.frame),
        ended=_ended(profile),
        issued=_issued(profile),
        singles=_singles(profile),
        unstated_2018=share(tape.frame["employment_years"].isna().mean()),
        grades_a_to_c=share(by_grade.loc[["A", "B", "C"], "share"].sum(), 0),
        loans_f_and_g=count(by_grade.loc[["F", "G"], "loans"].sum()),
    )


def _samples(tape, profile):
    return pd.DataFrame(
        {
            "": ["loans", "chosen", "issued", "terms (months)", "outcome", "used for", "numbers in this book"],
            "Lending Club 2018 (E1)": [
                number(len(tape)),
                "in a way not stated",
                tape.provenance["period"],
                "36, 60",
                "grade A to G",
                "what the platform's grade sees",
                "live",
            ],
            "Lending Club 2007–2011 (E2)": [
                number(profile["loans"]),
                "every loan issued",
                f"{_month(profile['first'])} to {_month(profile['last'])}",
                "36, 60",
                "how the loan ended",
                "what repayment shows",
                "frozen replication",
            ],
        }
    )


def _month(date):
    return date[:7]


def _spread(frame):
    """Quartiles of six traits by grade, incomes and amounts in thousands."""
    columns = {
        "income, $1,000": traits.household_income(frame) / 1000,
        "debt service, % of income": traits.household_dti(frame),
        "used share of credit, %": traits.used_share(frame),
        "inquiries in 12 months": frame["inquiries"],
        "bank card limits, $1,000": frame["bank_card_limit"] / 1000,
        "amount, $1,000": frame["amount"] / 1000,
    }
    return reading.spread_by_level(frame.assign(**columns), "grade", {label: label for label in columns})


def _ended(profile):
    return Ended(
        loans=count(profile["loans"]),
        charged_off=share(profile["bad_rate"]),
        principal_lost=share(profile["principal_lost"] / profile["amount"]),
        not_verified=share(profile["not_verified"], 0),
        exceptions=count(profile["exceptions"]),
        last_exception=dated(_month(profile["last_exception"])),
        exceptions_charged_off=share(profile["bad_rate_exceptions"]),
        others_charged_off=share(profile["bad_rate_others"]),
        first_unstated_job=dated(_month(profile["first_unstated_job"])),
        first_long_term=dated(_month(profile["first_long_term"])),
        stated_job=share(profile["bad_rate_stated_job_2010"], 0),
        unstated_job=share(profile["bad_rate_unstated_job_2010"], 0),
    )


def _issued(profile):
    vintages = profile.table("vintages").assign(date=lambda table: pd.to_datetime(table["date"]))
    last = vintages[vintages["date"] == vintages["date"].max()].set_index("term")["rate"]
    first = profile.table("by_year").query("year == 2007")
    return Issued(
        vintages=vintages,
        first_year=share(first["bad"].sum() / first["loans"].sum(), 0),
        first_exceptions=share(profile["bad_rate_exceptions_2007"], 0),
        first_others=share(profile["bad_rate_others_2007"], 0),
        share_exceptions=share(profile["share_exceptions_2007"], 0),
        last_36=share(last[36], 0),
        last_60=share(last[60], 0),
    )


def _singles(profile):
    information = profile.table("information").sort_values("information_value", ascending=False, ignore_index=True)
    by_column = information.set_index("column")
    single = information[~information["column"].isin(["grade", "sub_grade"])].reset_index(drop=True)
    classes = profile.table("classes")
    classes = classes[classes["label"].isin(_DRAWN) & (classes["class_label"] != "blank")]
    cells, order = profile.table("risk_map"), replication("e2-order")
    return Singles(
        classes=reading.relabel_classes(classes, thousands=("income", "amount")).assign(
            overall=profile["early_bad_rate"]
        ),
        information=single,
        by_sample=_by_sample(order.table("information")),
        left_out=count(profile["early_loans"] - order.table("samples")["loans"].iloc[0]),
        map=cells,
        worth={column: Value(value, 3) for column, value in by_column["information_value"].items()},
        second=_worth(single, 1),
        third=_worth(single, 2),
        noise_of_states=Value(by_column.loc["region", "noise"], 3),
        best=corner(cells, "lowest"),
        worst=corner(cells, "highest"),
    )


def _by_sample(information):
    """Information values of single columns, one column a set of loans."""
    wide = information.pivot(index="column", columns="sample", values="information_value")
    wide = wide.loc[information["column"].unique(), information["sample"].unique()]
    labels = {"inquiries": "inquiries in 6 months", "utilisation": "used share of card limits"}
    return wide.rename(index=labels).rename_axis("trait", axis=0).rename_axis(None, axis=1).reset_index()


def _worth(single, place):
    return Worth(single.loc[place, "label"], Value(single.loc[place, "information_value"], 3))


def corner(cells, which, least=_LEAST):
    """The cell of the map of purpose and term with the lowest or the highest share charged off.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``purpose``, ``term``, ``rate``, ``loans``.
    which : {"lowest", "highest"}
    least : int
        Cells with fewer loans are left out.

    Returns
    -------
    Corner

    Examples
    --------
    >>> cells = pd.DataFrame({"purpose": ["car", "boat"], "term": 36, "rate": [0.1, 0.0], "loans": [500, 3]})
    >>> corner(cells, "lowest").purpose
    'car'
    """
    row = cells[cells["loans"] >= least].sort_values("rate").iloc[0 if which == "lowest" else -1]
    return Corner(row["purpose"], count(row["term"]), share(row["rate"], 0))
