"""Chapter *Verification*: is the model allowed, does it predict, is the reading stable.

The cells of the chapter run the live tests of the grade model; :func:`compute` returns the frozen part and what stands
in the first paragraph. The functions between take the result of one test each and say what the page prints of it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook import findings
from p2pbook.findings import CHARGED_OFF, MARK_SLOPE
from p2pbook.known import Descriptive, stamp
from p2pbook.reading import coefficient_table, p_words
from p2pbook.replications import replication, stamped
from p2pbook.traits import GRADE_TRAITS
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count, in_words, part_of

#: trait -> its words
LABELS = {trait.name: trait.label for trait in GRADE_TRAITS}

#: traits whose slopes are drawn by cut
DRAWN = {
    "long_term": "60 months",
    "cards_with_balance": "cards with balance",
    "card_limit": "card limits",
    "never_late": "never late",
    "accounts": "credit lines ever",
}

#: level of the tests for bent lines
LEVEL = 0.001

_INCOME = "income doubled, 40k to 80k"

_CUTS = {"paid|paid late": "any trouble", CHARGED_OFF: "charged off", "loss after half|loss early": "charged off early"}


# ---------------------------------------------------------------- the grade model, live


@dataclass(frozen=True)
class ParallelLines:
    """Brant's test and the slopes of the term at each cut."""

    table: pd.DataFrame
    chi2: Value
    df: Value
    term_chi2: Value
    #: odds of 60 months: leaving grade A, being C or worse, being D or worse
    leaving_a: Value
    c_or_worse: Value
    d_or_worse: Value


def parallel_lines(tests, slopes):
    """What the page says of parallel lines.

    Parameters
    ----------
    tests : pandas.DataFrame
        From :func:`p2prisk.brant`.
    slopes : pandas.DataFrame
        From :func:`p2prisk.assumptions.slopes_by_threshold`.

    Returns
    -------
    ParallelLines
    """
    shown = _by_trait(tests)
    columns = ["trait", "chi-square", "df", "p", "departure", "departure_low", "departure_high", "cut"]
    term = slopes[slopes["column"] == "long_term"].set_index("cut")[["slope", "ci_low", "ci_high"]]
    odds = [estimate(row, "slope", 1) for _, row in np.exp(term).iterrows()]
    return ParallelLines(
        table=shown[columns].rename(columns={"departure_low": "from", "departure_high": "to"}),
        chi2=Value(tests.loc["Omnibus", "chi2"], 0),
        df=count(tests.loc["Omnibus", "df"]),
        term_chi2=Value(tests.loc["long_term", "chi2"], 0),
        leaving_a=odds[0],
        c_or_worse=odds[1],
        d_or_worse=odds[2],
    )


def likelihood_ratios(tests):
    """The likelihood-ratio tests of single traits as they are printed.

    Parameters
    ----------
    tests : pandas.DataFrame
        From :func:`p2prisk.assumptions.likelihood_ratio_parallel`.

    Returns
    -------
    pandas.DataFrame
        ``trait``, ``chi-square``, ``df``, ``p``.
    """
    return _by_trait(tests)[["trait", "chi-square", "df", "p"]]


def _by_trait(tests):
    shown = tests.reset_index()
    return shown.assign(trait=shown["term"].map(LABELS).fillna("all together"), p=shown["pvalue"].map(p_words)).rename(
        columns={"chi2": "chi-square"}
    )


def goodness(tests):
    """Tests of fit as they are printed.

    Parameters
    ----------
    tests : pandas.DataFrame
        ``test``, ``chi2``, ``df``, ``pvalue``, ``note``.

    Returns
    -------
    pandas.DataFrame
        ``test``, ``chi-square``, ``df``, ``p``, ``note``; blank where nothing was computed.
    """
    shown = tests.assign(pvalue=tests["pvalue"].map(p_words))[["test", "chi2", "df", "pvalue", "note"]].fillna("")
    return shown.rename(columns={"chi2": "chi-square", "pvalue": "p"})


@dataclass(frozen=True)
class FreedTerm:
    """What changes when the slope of the term is free at every cut."""

    #: largest move of another slope, in standard errors
    largest_shift: Value
    #: "none changes its sign" of the slopes that were clear before
    signs: str
    #: share of a borrower's probability that moves between grades on average; share of borrowers with more than five
    #: points
    moved: Value
    moved_much: Value


def freed_term(parallel, freed, moved):
    """Compare a model with its partial proportional odds.

    Parameters
    ----------
    parallel, freed : OrderedResults
        With the term under parallel lines, and free.
    moved : pandas.DataFrame
        From :func:`p2prisk.assumptions.probability_departure`.

    Returns
    -------
    FreedTerm
    """
    before, after = (
        coefficient_table(result, GRADE_TRAITS).set_index("name")["estimate"] for result in (parallel, freed)
    )
    shared = before.index.intersection(after.index)
    before, after, se = before[shared], after[shared], parallel.bse[shared]
    clear = (before / se).abs() > 2
    turned = clear & (np.sign(after) != np.sign(before))
    return FreedTerm(
        largest_shift=Value(((after - before) / se).abs().max(), 1),
        signs=signs_changed(int(turned.sum()), int(clear.sum())),
        moved=share(moved.loc["all", "mean_absolute"]),
        moved_much=share(moved.loc["all", "share_above_5_points"], 0),
    )


def signs_changed(turned, clear):
    """How many of the clear slopes change their signs, with the verb.

    Examples
    --------
    >>> [signs_changed(turned, 9) for turned in (0, 1, 3, 9)]
    ['none changes its sign', 'one changes its sign', '3 change their signs', 'all change their signs']
    """
    return by_count(
        turned,
        clear,
        "none changes its sign",
        "one changes its sign",
        "{part} change their signs",
        "all change their signs",
    )


@dataclass(frozen=True)
class OtherChecks:
    """Residuals, link, straight lines, traits that repeat each other, single loans."""

    #: largest distance of the residuals from the logistic distribution, and its five-per-cent limit
    distance: Value
    critical: Value
    #: points of AIC that the best link is ahead of the logit, and what it moves of the probability
    link_gain: Value
    link_moves: Value
    #: "5 of 12" traits whose line a spline beats
    bent: str
    level: Value
    largest_gap: Value
    bent_most: str
    inflation: Value
    #: largest move of an estimate without the most influential loan, in standard errors
    loudest: Value


def other_checks(residuals, links, straight, inflation, loud):
    """What the page says of the checks that have no table.

    Parameters
    ----------
    residuals : mapping
        From :func:`p2prisk.assumptions.surrogate_summary`.
    links, straight, inflation, loud : pandas.DataFrame
        From `compare_links`, `linearity`, `variance_inflation` and `influence`.

    Returns
    -------
    OtherChecks
    """
    return OtherChecks(
        distance=Value(residuals["ks_distance"], 4),
        critical=Value(residuals["ks_critical"], 4),
        link_gain=Value(links.loc["logit", "aic"] - links["aic"].min(), 0),
        link_moves=share(links["mean_departure"].iloc[0]),
        bent=_bent(straight),
        level=Value(LEVEL, 3),
        largest_gap=Value(straight["largest_gap"].max()),
        bent_most=LABELS[straight["largest_gap"].idxmax()],
        inflation=Value(inflation["gvif_per_column"].max()),
        loudest=Value(loud["largest_shift"].abs().max()),
    )


def _bent(straight):
    known = straight["pvalue"].dropna()
    return part_of(int((known < LEVEL).sum()), len(known))


@dataclass(frozen=True)
class Rivals:
    """The cross-validated comparison."""

    table: pd.DataFrame
    rps: Value
    #: what freeing every slope gains
    gain: Value


def rivals(comparison):
    """What the page says of the rivals.

    Parameters
    ----------
    comparison : Comparison
        From :func:`p2prisk.validation.compare_models`.

    Returns
    -------
    Rivals
    """
    scores = comparison.table
    printed = {"rps": "RPS", "rps_skill": "skill against shares", "c_index": "C index"} | _DIFFERENCE
    return Rivals(
        table=scores[list(printed)].rename(columns=printed).rename_axis("model").reset_index(),
        rps=Value(scores.loc["ordered logit", "rps"], 3),
        gain=Value(-scores.loc["binary logits, one a cut", "rps_difference"], 4),
    )


@dataclass(frozen=True)
class Calibration:
    """Calibration slopes of the grade model at the first and the third cut."""

    first: Value
    third: Value


@stamp(Descriptive("calibration on the loans that the model is fitted to"))
def calibration(table):
    """What the page says of calibration.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`p2prisk.validation.calibration_by_cut`.

    Returns
    -------
    Calibration
    """
    first, third = (estimate(table.iloc[place], "slope", 2, "slope_low", "slope_high") for place in (0, 2))
    return Calibration(first, third)


_DIFFERENCE = {"rps_difference": "difference", "rps_difference_low": "from", "rps_difference_high": "to"}


# ---------------------------------------------------------------- the repayment model, frozen


@dataclass(frozen=True)
class Verification:
    """Numbers of the first paragraph, and the frozen part of the chapter."""

    #: odds ratio of the term, common and over the cuts
    term: Value
    term_lowest: Value
    term_highest: Value
    allowed: "Allowed"
    time: "OutOfTime"
    stable: "Stable"


@dataclass(frozen=True)
class Allowed:
    """Assumptions of the repayment model."""

    chi2: Value
    df: Value
    #: odds ratio of 60 months at each cut
    any_trouble: Value
    charged_off: Value
    early: Value
    #: chi-square of the bend of the amount, by likelihood ratio and by Brant's test
    amount_by_likelihood: Value
    amount_by_brant: Value
    moved: Value
    moved_much: Value
    #: log scores on the loans of 2011
    log_score_freed: Value
    log_score: Value
    probit_gain: Value
    probit_moves: Value
    goodness: pd.DataFrame
    #: "none of 11" traits whose line a spline beats
    bent: str
    level: Value
    inflation: Value
    loudest: Value


@dataclass(frozen=True)
class OutOfTime:
    """The loans of 2011."""

    scores: pd.DataFrame
    reliability: pd.DataFrame
    drift: pd.DataFrame
    #: calibration slopes, and the mark
    slope_any_trouble: Value
    slope_charged_off: Value
    slope_early: Value
    mark_low: Value
    mark_high: Value
    #: how the three estimates lie to the mark
    within_mark: str
    #: shares charged off: all loans, 60 months
    observed: Value
    predicted: Value
    missing: Value
    observed_60: Value
    predicted_60: Value
    slope_60: Value
    #: predicted by binary logits, and what parallel lines cost of it
    predicted_binary: Value
    price_of_parallel: Value
    #: areas within a term, and leads over the sub-grade
    auc_36: Value
    sub_grade_36: Value
    lead_36: Value
    auc_60: Value
    sub_grade_60: Value
    lead_60: Value
    #: stability index of the score with its limit, and of the two traits that moved most
    score_index: Value
    score_limit: Value
    inquiries_index: Value
    amount_index: Value
    tenants: "Home"
    owners: "Home"


@dataclass(frozen=True)
class Home:
    """Observed over predicted, and area, by home."""

    ratio: Value
    auc: Value


@dataclass(frozen=True)
class Stable:
    """The reading under other specifications."""

    forest: pd.DataFrame
    specifications: Value
    #: "never flipped", "flipped once", ...
    flipped: str
    #: label of the reading -> lowest and highest odds ratio
    lowest: dict
    highest: dict

    @property
    def income_lowest(self):
        """Lowest odds ratio of a doubled income."""
        return self.lowest[_INCOME]

    @property
    def income_highest(self):
        """Highest odds ratio of a doubled income."""
        return self.highest[_INCOME]


@cache
def compute():
    """Compute the frozen part of the chapter and the first paragraph.

    Returns
    -------
    Verification
    """
    found, outcome = findings.compute(), replication("e2-outcome")
    return Verification(
        term=found.grade.term,
        term_lowest=found.stability.term_lowest,
        term_highest=found.stability.term_highest,
        allowed=_allowed(replication("e2-verification"), outcome),
        time=_out_of_time(outcome, found.ranking),
        stable=_stable(replication("e2-robustness")),
    )


def _allowed(verified, outcome):
    slopes = verified.table("slopes_by_cut").query("column == 'long_term'").set_index("cut")["slope"]
    term = {name: Value(np.exp(slopes[cut])) for cut, name in _CUTS.items()}
    ratios, lines = verified.table("likelihood_ratio").set_index("term"), verified.table("brant").set_index("term")
    moved = verified.table("moved").set_index("category").loc["all"]
    links, straight = verified.table("links").set_index("link"), verified.table("linearity")
    scores = outcome.table("scores").set_index("model")["log_score"]
    return Allowed(
        chi2=Value(verified["brant_chi2"], 0),
        df=count(verified["brant_df"]),
        any_trouble=term["any trouble"],
        charged_off=term["charged off"],
        early=term["charged off early"],
        amount_by_likelihood=Value(ratios.loc["amount_above_6k", "chi2"], 0),
        amount_by_brant=Value(lines.loc["amount_above_6k", "chi2"], 1),
        moved=share(moved["mean_absolute"]),
        moved_much=share(moved["share_above_5_points"]),
        log_score_freed=Value(scores["partial proportional odds"], 3),
        log_score=Value(scores["ordered logit"], 3),
        probit_gain=Value(links.loc["logit", "aic"] - links["aic"].min(), 0),
        probit_moves=share(links.loc["probit", "mean_departure"]),
        goodness=goodness(verified.table("goodness")),
        bent=_bent(straight),
        level=Value(LEVEL, 3),
        inflation=Value(verified.table("inflation")["gvif_per_column"].max(), 1),
        loudest=Value(verified.table("influence")["largest_shift"].abs().max()),
    )


@stamped("e2-outcome")
def _out_of_time(outcome, ranking):
    slopes = outcome.table("calibration").set_index("cut")
    slope = {name: estimate(slopes.loc[cut], "slope", 2, "slope_low", "slope_high") for cut, name in _CUTS.items()}
    long = outcome.table("calibration_by_term").set_index(["term", "cut"]).loc[(60, CHARGED_OFF)]
    area = outcome.table("auc_by_term").set_index(["term", "model"])["auc"]
    lead = outcome.table("auc_by_term_differences").set_index(["term", "first", "second"])
    moved = outcome.table("stability").set_index("variable")["psi"]
    home = outcome.table("by_home").set_index("home")
    binary = outcome["predicted_bad"]["binary logits, one a cut"]
    return OutOfTime(
        scores=_scores(outcome),
        reliability=outcome.table("reliability")
        .rename(columns={"ci_low": "low", "ci_high": "high"})
        .assign(cut=lambda table: table["cut"].map(_CUTS)),
        drift=_drift(outcome.table("drift")),
        slope_any_trouble=slope["any trouble"],
        slope_charged_off=slope["charged off"],
        slope_early=slope["charged off early"],
        mark_low=Value(MARK_SLOPE[0], 1),
        mark_high=Value(MARK_SLOPE[1], 1),
        within_mark=within_mark(list(slope.values()), *MARK_SLOPE),
        observed=ranking.observed,
        predicted=ranking.predicted,
        missing=ranking.missing,
        observed_60=share(long["observed"]),
        predicted_60=share(long["predicted"]),
        slope_60=estimate(long, "slope", 2, "slope_low", "slope_high"),
        predicted_binary=share(binary),
        price_of_parallel=share(binary - outcome["predicted_bad"]["ordered logit"]),
        auc_36=Value(area[36, "ordered logit"], 3),
        sub_grade_36=Value(area[36, "sub-grade"], 3),
        lead_36=estimate(lead.loc[(36, "ordered logit", "sub-grade")], "difference", 3),
        auc_60=Value(area[60, "ordered logit"], 3),
        sub_grade_60=Value(area[60, "sub-grade"], 3),
        lead_60=estimate(lead.loc[(60, "ordered logit", "sub-grade")], "difference", 3),
        score_index=Value(outcome["psi_score"], 4),
        score_limit=Value(outcome["psi_score_threshold"], 4),
        inquiries_index=Value(moved["inquiries"]),
        amount_index=Value(moved["amount"]),
        tenants=_home(home.loc["rent"]),
        owners=_home(home.loc["mortgage"]),
    )


def _home(row):
    return Home(estimate(row, "ratio", 2, "ratio_low", "ratio_high"), Value(row["auc"], 3))


def within_mark(slopes, low, high):
    """How many slopes lie within a mark, and how many with their whole interval.

    Parameters
    ----------
    slopes : list of Value
    low, high : float

    Examples
    --------
    >>> slopes = [Value(1.0, low=0.95, high=1.05), Value(1.0, low=0.8, high=1.2), Value(0.95, low=0.7, high=1.0)]
    >>> within_mark(slopes, 0.9, 1.1)
    'all three estimates lie within, one with its whole interval'
    >>> within_mark(slopes, 0.96, 1.0)
    'two of the three estimates lie within, none with its whole interval'
    >>> within_mark(slopes, 2, 3)
    'none of the three estimates lies within'
    """
    inside = [slope for slope in slopes if low <= slope <= high]
    whole = sum(low <= slope.low and slope.high <= high for slope in inside)
    words = {"part": in_words(len(inside)), "whole": in_words(len(slopes))}
    first = by_count(
        len(inside),
        len(slopes),
        f"none of the {words['whole']} estimates lies within",
        f"one of the {words['whole']} estimates lies within",
        f"{words['part']} of the {words['whole']} estimates lie within",
        f"all {words['whole']} estimates lie within",
    )
    if not inside:
        return first
    return first + by_count(
        whole,
        len(inside),
        ", none with its whole interval",
        ", one with its whole interval",
        f", {in_words(whole)} with their whole intervals",
        ", with the whole interval" if len(inside) == 1 else ", all with their whole intervals",
    )


def _scores(outcome):
    printed = {"auc": "AUC", "rps": "RPS", "rps_skill": "skill"} | _DIFFERENCE
    scores = outcome.table("scores").set_index("model").join(outcome.table("auc").set_index("model")["auc"])
    return scores[list(printed)].rename(columns=printed).reset_index()


def _drift(drift):
    """Shares charged off by quarter, in per cent."""
    printed = {"predicted": "predicted, %", "rate": "charged off, %", "low": "from", "high": "to"}
    shown = drift[["quarter", "term", "loans"]].assign(quarter=drift["quarter"].str[:7])
    return shown.join(100 * drift[list(printed)]).rename(columns={"quarter": "quarter from", **printed})


def _stable(robust):
    forest = robust.table("specifications")
    odds = forest.groupby("label")["odds_ratio"]
    readings = int((forest["specification"] != "main").sum())
    return Stable(
        forest=forest,
        specifications=count(robust["specifications"]),
        flipped=by_count(
            robust["flipped_signs"],
            readings,
            "never flipped",
            "flipped once",
            "flipped {part} times",
            "flipped every time",
        ),
        lowest={label: Value(ratio) for label, ratio in odds.min().items()},
        highest={label: Value(ratio) for label, ratio in odds.max().items()},
    )
