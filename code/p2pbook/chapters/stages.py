"""Chapter *Stages of repayment*: the sequential logit on coarse classes, and when loans fail (frozen replication)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from p2pbook.lendingclub import CLASSES, lending_club_model
from p2pbook.replications import came_out_again, replication
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count
from p2prisk.assumptions import brant, compare_families, free_terms, probability_departure, slopes_by_threshold
from p2prisk.effects import odds_ratios
from p2prisk.ordered import SequentialLogit

#: question that a stage asks, in the order of the cuts
STAGES = ("not paid\non time", "of those:\ncharged off", "of those:\nearly")

#: columns drawn, with their printed names
DRAWN = {
    "C(income_band)[T.66,000 and over]": "income 66,000 and over",
    "C(utilisation_band)[T.80 and over]": "limits used 80 % and over",
    "C(public_record)[T.1 and over]": "public record",
    "C(purpose_group)[T.higher loss]": "purpose of higher loss",
    "C(term)[T.60]": "60 months",
}
LEVEL = 0.05

#: causes of an end, as the figure names them
ENDS = {"default": "last payment, and lost", "repaid": "repaid in full"}

_CLEAR = 1.959963984540054  # half width of a 95 % interval, in standard errors


@dataclass(frozen=True)
class Stages:
    """Numbers and tables of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    loans: Value
    #: loans that reach the second and the third stage
    late_or_lost: Value
    lost: Value
    #: Vuong's z of the cumulative model against the forward one
    cumulative: Value
    #: slope of every column at every stage, and the rows that are drawn
    slopes: pd.DataFrame
    drawn: pd.DataFrame
    #: sentences on the slopes: largest at the first stage; against the first stage's sign at a later one
    first_largest: str
    turned: str
    #: odds ratios at the "first", "second" and "third" stage
    income: dict[str, Value]
    record: dict[str, Value]
    #: Holm's p-value, over the slopes of the later stages, of the record's turn
    record_holm: Value
    chi2: Value
    df: Value
    #: share of probability that freeing the slopes moves between the classes, averaged over the loans
    moved: Value
    when: "When"


@dataclass(frozen=True)
class When:
    """When loans fail: ages at the last payment (frozen replication)."""

    loans: Value
    loan_months: Value
    #: age in months that parts early from late, and share of the defaults up to it
    turn: Value
    early: Value
    #: to draw: share ended by age; slopes on default early and late
    incidence: pd.DataFrame
    drawn: pd.DataFrame
    #: (term, age) -> share defaulted, and repaid
    lost: dict
    repaid: dict
    #: 60 months against 36: the lowest and the highest ratio over the ages
    term_lowest: Value
    term_highest: Value
    #: slopes whose change with age is clear after Holm's correction: weaker later, and stronger
    fading: str
    growing: str
    #: of the fading ones, how many keep the change without the policy exceptions, at twice its standard error
    fading_without_exceptions: str
    #: odds ratios on default of inquiries and of small business, early and late
    effect: dict


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Stages
    """
    counts = lending_club_model()[1]
    formula = "severity ~ " + " + ".join(f"C({name})" for name in CLASSES)
    common = SequentialLogit.from_formula(formula, counts, freq_weights="n").fit()
    free = free_terms(common, list(common.terms))
    slopes = slopes_by_threshold(common)
    slopes["pvalue"] = 2 * norm.sf((slopes["slope"] / slopes["se"]).abs())
    families = compare_families(common)
    by_stage = {name: _by_stage(odds_ratios(free), name) for name in DRAWN}
    later = slopes[slopes["cut"] != slopes["cut"].iloc[0]]
    later = later.assign(holm=multipletests(later["pvalue"], method="holm")[1])
    record = later[later["column"] == "C(public_record)[T.1 and over]"].iloc[-1]
    omnibus = brant(common).loc["Omnibus"]
    moved = probability_departure(common, free).loc["all"]
    severity = counts.groupby("severity", observed=True)["n"].sum().to_numpy()
    named = slopes.assign(cut=slopes["cut"].map(dict(zip(slopes["cut"].unique(), STAGES, strict=True))))
    return Stages(
        again=came_out_again("e2-hazard"),
        loans=count(severity.sum()),
        late_or_lost=count(severity[1:].sum()),
        lost=count(severity[2:].sum()),
        cumulative=Value(families.loc["cumulative", "vuong_z"], 1),
        slopes=slopes,
        drawn=named[named["column"].isin(DRAWN)],
        first_largest=first_largest_sentence(slopes),
        turned=turned_sentence(slopes),
        income=by_stage["C(income_band)[T.66,000 and over]"],
        record=by_stage["C(public_record)[T.1 and over]"],
        record_holm=Value(record["holm"], 2),
        chi2=Value(omnibus["chi2"], 0),
        df=count(omnibus["df"]),
        moved=share(moved["mean_absolute"]),
        when=_when(replication("e2-hazard")),
    )


def _when(hazard):
    incidence, effects, term = hazard.table("incidence"), hazard.table("effects"), hazard.table("term")
    at = incidence.set_index(["cause", "term", "age"])

    def shares(cause):
        return {
            f"{months} at {age}": estimate(at.loc[(cause, months, age)], "share", 0, "low", "high", percent=True)
            for months in (36, 60)
            for age in (12, 24, 36)
        }

    changed = effects[effects["default_change_holm"] < LEVEL]
    # a change against the sign of the early slope makes it weaker
    weaker = np.sign(changed["default_change"]) != np.sign(changed["default_early"])
    faded = changed[weaker]
    kept = faded["others_change"].abs() > 2 * faded["others_change_se"]
    same = np.sign(faded["others_change"]) == np.sign(faded["default_change"])
    size = (effects["default_early"] / effects["default_early_se"]).abs()
    shown = effects[size.rank(ascending=False) <= 10].sort_values("default_early", ascending=False)
    parts = []
    for when, name in (("early", f"months 1 to {hazard['turn']}"), ("late", "later")):
        value, se = shown[f"default_{when}"], shown[f"default_{when}_se"]
        ends = {"low": np.exp(value - _CLEAR * se), "high": np.exp(value + _CLEAR * se)}
        parts.append(pd.DataFrame({"label": shown["label"], "set": name, "value": np.exp(value), **ends}))
    by_name = effects.set_index("name")
    return When(
        loans=count(hazard["loans"]),
        loan_months=count(hazard["loan_months"]),
        turn=count(hazard["turn"]),
        early=share(hazard["early_defaults"] / hazard["defaults"], 0),
        incidence=incidence.assign(cause=incidence["cause"].map(ENDS)),
        drawn=pd.concat(parts),
        lost=shares("default"),
        repaid=shares("repaid"),
        term_lowest=Value(term["odds_ratio"].min(), 1),
        term_highest=Value(term["odds_ratio"].max(), 1),
        fading="; ".join(faded["label"]),
        growing=by_count(
            len(changed) - len(faded),
            len(effects),
            none="no slope grows stronger",
            one="one slope grows stronger",
            some="{part} slopes grow stronger",
            every="all slopes grow stronger",
        ),
        fading_without_exceptions=by_count(
            int((kept & same).sum()),
            len(faded),
            none="none of these changes is clear",
            one="one of these {whole} changes is clear",
            some="{part} of these {whole} changes are clear",
            every="all {whole} changes are clear",
        ),
        effect={
            f"{name} {when}": Value(np.exp(by_name.loc[column, f"default_{when}"]))
            for name, column in (("inquiries", "inquiries"), ("small business", "purpose[T.small business]"))
            for when in ("early", "late")
        },
    )


def _by_stage(ratios, column):
    rows = ratios[[name.startswith(f"{column}:") for name in ratios.index]]
    return {
        stage: Value(row.odds_ratio, 2, low=row.ci_low, high=row.ci_high)
        for stage, row in zip(("first", "second", "third"), rows.itertuples(), strict=True)
    }


def _signs(slopes):
    wide = slopes.pivot(index="column", columns="cut", values="slope")[list(slopes["cut"].unique())]
    sure = slopes.pivot(index="column", columns="cut", values="pvalue")[wide.columns] < LEVEL
    return wide, sure


def first_largest_sentence(slopes):
    """Say how many columns have their largest slope at the first stage."""
    wide, _ = _signs(slopes)
    return by_count(
        int((wide.abs().idxmax(axis=1) == wide.columns[0]).sum()),
        len(wide),
        none="None of the {whole} slopes is largest at the first stage",
        one="{part} of the {whole} slopes is largest at the first stage",
        some="{part} of the {whole} slopes are largest at the first stage",
        every="All {whole} slopes are largest at the first stage",
    )


def turned_sentence(slopes):
    """Say how many columns have, at a later stage, a sign other than at the first, both clear of zero."""
    wide, sure = _signs(slopes)
    first = wide.iloc[:, [0]].to_numpy()
    turned = ((wide * first < 0) & sure & sure.iloc[:, [0]].to_numpy()).any(axis=1)
    return by_count(
        int(turned.sum()),
        len(wide),
        none="None of the {whole} turns its sign at a later stage clear of zero",
        one="{part} of the {whole} turns its sign at a later stage clear of zero",
        some="{part} of the {whole} turn their sign at a later stage clear of zero",
        every="All {whole} turn their sign at a later stage clear of zero",
    )
