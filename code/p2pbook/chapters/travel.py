"""Chapter *Does it travel?*: another period, another platform, published counts of China."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook import travel
from p2pbook.grade_model import grade_model
from p2pbook.known import Known, stamp
from p2pbook.reading import coefficient_table, drawn_areas
from p2pbook.replications import came_out_again, replication, stamped
from p2pbook.traits import GRADE_TRAITS, LATER_TRAITS, complete, design, formula
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count, joined, part_of
from p2prisk import OrderedLogit
from p2prisk.datasets import load, table

#: reference level of each variable in the counts of overdue listings, and in the shares of money late
COUNTED = {
    "grade": "AA",
    "sex": "male",
    "age": "22-28",
    "verified_education": "no",
    "verified_identity": "no",
    "verified_bureau": "no",
    "verified_video": "no",
    "verified_phone": "no",
    "verified_shop": "no",
    "first_loan": "no",
}
WEIGHED = {"grade": "A", "amount": "0-2000", "age": "15-20", "sex": "female", "product": "e-commerce"}

#: heading of each source in the table of directions
HEADINGS = {
    "grade": "grade\nLC 2018",
    "early": "outcome\nLC 07–11",
    "later": "outcome\nLC later",
    "prosper": "outcome\nProsper",
    "ppdai": "late\nPPDai",
    "United States": "studies\nU.S.",
    "China": "studies\nChina",
}

_SIGNS = {"worse": "+", "better": "−", "none": "0", "mixed": "±"}

_DRAWN = ("traits and rating", "rating", "traits", "traits without score", "Lending Club slopes")


@dataclass(frozen=True)
class Travel:
    """Numbers and tables of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    #: slopes of Lending Club 2007-2011 on the traits that the later sample has
    early: pd.DataFrame
    later_loans: Value
    later_bad: Value
    #: month by which ended loans of 2010-2011, in the same mix of terms, had lost as many
    later_age: Value
    prosper: "Prosper"
    ppdai: "PPDai"
    directions: "Directions"


@dataclass(frozen=True)
class Later:
    """The later sample of Lending Club."""

    table: pd.DataFrame
    #: "6 of 8" traits
    agree: str


@dataclass(frozen=True)
class LaterAreas:
    """How well the later loans are ranked."""

    carried: Value
    own: Value
    grade: Value


@dataclass(frozen=True)
class Prosper:
    """The other platform (frozen replication)."""

    loans: Value
    bad: Value
    drawn: pd.DataFrame
    #: areas under the curve
    carried: Value
    without_score: Value
    with_score: Value
    rating: Value
    #: what the carried slopes lose against Prosper's own
    lost: Value
    #: odds ratios: twenty points of score; income doubled, here and at Lending Club; small business likewise
    score: Value
    income: Value
    income_lending_club: Value
    business: Value
    business_lending_club: Value


@dataclass(frozen=True)
class PPDai:
    """Published counts and shares of PPDai."""

    #: odds ratios of being overdue
    grade_e: Value
    diploma: Value
    credit_report: Value
    #: what a borrower could have checked, by whether it goes with more lateness, less, or neither: names, and how many
    more: str
    less: str
    neither: str
    checked: Value
    #: late or unpaid, per cent of the money
    late_a: Value
    late_f: Value
    #: odds ratio of the highest class of amount, against the lowest
    large: Value


@dataclass(frozen=True)
class Directions:
    """Directions of every variable in every source."""

    table: pd.DataFrame
    #: sentences: variables whose own directions are opposite; against which the studies state the opposite
    opposite: str
    against_united_states: str
    against_china: str
    #: amount up to which the direction of 2007-2011 is read
    amount: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Travel
    """
    borrowed, later = replication("e2-transfer").table("coefficients"), load("modeldata-lendingclub")
    mixed = travel.share_odds_ratios(load("ppdai-repayment-mix").frame, WEIGHED, "late_or_unpaid")
    ratios = travel.count_odds_ratios(load("ppdai-overdue-counts").frame, COUNTED)
    return Travel(
        again=came_out_again("e2-transfer", "e2-hazard", "e2-outcome", "e3-prosper"),
        early=borrowed[borrowed["compared_with"] == "modeldata"].set_index("name"),
        later_loans=count(len(later)),
        later_bad=share(later.frame["bad"].mean()),
        later_age=count(
            age_of_share(
                replication("e2-hazard").table("incidence"),
                later.frame["term"].value_counts(normalize=True),
                later.frame["bad"].mean(),
            )
        ),
        prosper=_prosper(replication("e3-prosper"), borrowed[borrowed["compared_with"] == "prosper"].set_index("name")),
        ppdai=_ppdai(ratios, mixed, load("ppdai-repayment-mix").frame),
        directions=_directions(ratios, replication("e2-outcome"), replication("e3-prosper")),
    )


def age_of_share(incidence, mix, reached):
    """First month by which loans of a mix of terms had lost a given share.

    Parameters
    ----------
    incidence : pandas.DataFrame
        ``term``, ``age``, ``cause``, ``share``.
    mix : pandas.Series
        Share of the loans by term.
    reached : float
        Share lost.

    Returns
    -------
    int

    Examples
    --------
    >>> lost = pd.DataFrame({"term": [36, 36, 60, 60], "age": [1, 2, 1, 2], "cause": "default",
    ...                      "share": [0.01, 0.03, 0.03, 0.05]})
    >>> age_of_share(lost, pd.Series({36: 0.5, 60: 0.5}), 0.03)
    2
    """
    lost = incidence[incidence["cause"] == "default"].pivot(index="age", columns="term", values="share").ffill()
    whole = lost[mix.index] @ mix
    return int(whole.index[whole >= reached].min())


@cache
def later_model():
    """The model of the later loans: the cell on the page shows the same fit.

    Returns
    -------
    OrderedResults
    """
    loans, _ = complete(design(load("modeldata-lendingclub").frame, LATER_TRAITS, "bad"))
    return OrderedLogit.from_formula(formula("bad", LATER_TRAITS), loans.astype({"bad": int})).fit()


def side_by_side(early, result):
    """Slopes of both periods, as odds ratios with intervals.

    Parameters
    ----------
    early : pandas.DataFrame
        Indexed by name: ``odds_ratio``, ``low``, ``high``.
    result : OrderedResults
        As of :func:`later_model`.

    Returns
    -------
    Later
    """
    later = coefficient_table(result, LATER_TRAITS).set_index("name").loc[early.index]
    agree = (early["odds_ratio"] > 1) == (later["odds_ratio"] > 1)
    shown = {
        "trait": later["label"],
        "2007–2011": early["odds_ratio"],
        "from": early["low"],
        "to": early["high"],
        "later": later["odds_ratio"],
        "from ": later["low"],
        "to ": later["high"],
    }
    return Later(pd.DataFrame(shown), part_of(int(agree.sum()), len(agree)))


#: loans of the first quarter of 2016, and slopes that know how every loan of 2007 to 2011 ended
BEFORE_THE_LATER_LOANS = Known("2015-12-31", "2017-04-30")


@stamp(BEFORE_THE_LATER_LOANS)
def later_areas(areas):
    """What the page says of the ranking of the later loans.

    Parameters
    ----------
    areas : pandas.DataFrame
        From :func:`p2prisk.validation.delong`, of ``carried``, ``own`` and ``grade``.

    Returns
    -------
    LaterAreas
    """
    return LaterAreas(*(estimate(areas.loc[name], "auc", 3) for name in ("carried", "own", "grade")))


@stamped("e3-prosper")
def _prosper(prosper, lending_club):
    auc = prosper.table("auc").set_index("model")
    lost = prosper.table("auc_differences").set_index(["first", "second"])
    own = prosper.table("coefficients").set_index("name")
    shared = prosper.table("shared_coefficients").set_index("name")
    return Prosper(
        loans=count(prosper["loans"]),
        bad=share(prosper["bad"] / prosper["loans"]),
        drawn=drawn_areas(auc, _DRAWN),
        carried=estimate(auc.loc["Lending Club slopes"], "auc", 3),
        without_score=estimate(auc.loc["traits without score"], "auc", 3),
        with_score=estimate(auc.loc["traits"], "auc", 3),
        rating=estimate(auc.loc["rating"], "auc", 3),
        lost=estimate(lost.loc[("traits without score", "Lending Club slopes")], "difference", 3),
        score=_odds(own, "score"),
        income=_odds(shared, "income"),
        income_lending_club=_odds(lending_club, "income"),
        business=_odds(shared, "business_purpose"),
        business_lending_club=_odds(lending_club, "business_purpose"),
    )


def _odds(slopes, name):
    return estimate(slopes.loc[name], "odds_ratio", 2, "low", "high")


def _ppdai(ratios, mixed, mix):
    overdue = ratios.set_index(["variable", "level"])["odds_ratio"]
    late = mix.set_index(["variable", "level"])["late_or_unpaid"]
    weighed = mixed.set_index(["variable", "level"])["odds_ratio"]
    found = papers(ratios)
    return PPDai(
        **{name: joined(items) for name, items in found.items()},
        checked=count(sum(map(len, found.values()))),
        grade_e=Value(overdue["grade", "E"], 1),
        diploma=Value(overdue["verified_education", "yes"]),
        credit_report=Value(overdue["verified_bureau", "yes"]),
        late_a=Value(late["grade", "A"], 1),
        late_f=Value(late["grade", "F"], 1),
        large=Value(weighed["amount", "6000+"]),
    )


#: what a borrower could have checked, in words
_PAPERS = {
    "verified_education": "a diploma",
    "verified_shop": "a shop on Taobao (淘宝)",
    "verified_phone": "a telephone",
    "verified_identity": "the household register",
    "verified_video": "a video interview",
    "verified_bureau": "a credit report",
}


def papers(ratios, clear=0.1):
    """What a borrower could have checked, by direction; a ratio within `clear` of one, on the log scale, is neither.

    Examples
    --------
    >>> ratios = pd.DataFrame({"variable": list(_PAPERS)[:3], "level": "yes", "odds_ratio": [0.7, 1.3, 1.02]})
    >>> papers(ratios)
    {'more': ['a shop on Taobao (淘宝)'], 'less': ['a diploma'], 'neither': ['a telephone']}
    """
    checked = ratios[ratios["variable"].isin(_PAPERS) & (ratios["level"] == "yes")].sort_values("odds_ratio")
    size = np.log(checked["odds_ratio"])
    parts = {"more": size > clear, "less": size < -clear, "neither": size.abs() <= clear}
    return {name: [_PAPERS[one] for one in checked.loc[mine, "variable"]] for name, mine in parts.items()}


def overdue_ratios(ratios):
    """The odds ratios from counts as they are printed."""
    checked = {name: f"{words.partition(' ')[2]}, checked" for name, words in _PAPERS.items()}
    written = {r"(?<=\d)-(?=\d)": "–", "^>=(.*)": r"\1 and over"}
    ages = {column: ratios[column].replace(written, regex=True) for column in ("level", "reference")}
    variable = ratios["variable"].replace(checked).str.replace("_", " ")
    shown = ratios.assign(share=100 * ratios["share"], variable=variable, **ages)
    return shown.rename(columns={"share": "overdue, %", "odds_ratio": "odds ratio"})


@stamped("e2-outcome")
def _directions(ratios, outcome, prosper):
    amount = outcome.table("curves").query("label.str.startswith('amount')").iloc[-1]
    extra = pd.DataFrame(
        [
            ("amount_step", amount["low"], amount["high"]),
            ("sub_grade_step", *outcome["odds_ratio_sub_grade_alone"][1:3]),
        ],
        columns=["name", "low", "high"],
    )
    rating = pd.DataFrame([("grade_step", *prosper["odds_ratio_rating"][1:3])], columns=["name", "low", "high"])
    estimates = {
        "grade": coefficient_table(grade_model(), GRADE_TRAITS),
        "early": pd.concat([outcome.table("coefficients"), extra]),
        "later": coefficient_table(later_model(), LATER_TRAITS),
        "prosper": pd.concat([prosper.table("coefficients"), rating]),
    }
    shown = travel.directions(estimates, ratios, table("literature_signs"), HEADINGS)
    ours = [HEADINGS[source] for source in estimates]
    against = {
        country: against_sentence(
            travel.against(shown, HEADINGS[country], [*ours[1:], HEADINGS["ppdai"]]),
            int(shown[HEADINGS[country]].isin(["worse", "better"]).sum()),
            adjective,
        )
        for country, adjective in (("United States", "American"), ("China", "Chinese"))
    }
    return Directions(
        table=shown,
        opposite=opposite_sentence(travel.opposite(shown, ours), len(shown)),
        against_united_states=against["United States"],
        against_china=against["China"],
        amount=count(amount["value"]),
    )


def opposite_sentence(names, whole):
    """Say which variables point in opposite directions among our own fits.

    Examples
    --------
    >>> opposite_sentence([], 16)
    'No variable is clearly riskier in one of our own fits and clearly safer in another'
    >>> opposite_sentence(["income"], 16)
    'One variable is clearly riskier in one of our own fits and clearly safer in another: income'
    """
    words = by_count(
        len(names),
        whole,
        none="No variable is",
        one="One variable is",
        some="{part} variables are",
        every="All {whole} variables are",
    )
    tail = " clearly riskier in one of our own fits and clearly safer in another"
    return words + tail + (f": {joined(names)}" if names else "")


def against_sentence(names, whole, adjective):
    """Say which variables point, in our outcomes, against the single sign that the studies of a country state.

    Examples
    --------
    >>> against_sentence(["term, longer"], 6, "Chinese")
    'One of the 6 variables with a single sign in Chinese studies has the opposite sign in ours (term, longer)'
    >>> against_sentence([], 6, "Chinese")
    'None of the 6 variables with a single sign in Chinese studies has the opposite sign in ours'
    """
    words = by_count(
        len(names),
        whole,
        none="None of the {whole} variables with a single sign in",
        one="One of the {whole} variables with a single sign in",
        some="{part} of the {whole} variables with a single sign in",
        every="All {whole} variables with a single sign in",
    )
    have = "have" if len(names) > 1 else "has"
    tail = f" {adjective} studies {have} the opposite sign in ours"
    return words + tail + (f" ({'; '.join(names)})" if names else "")
