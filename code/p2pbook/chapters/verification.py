"""Chapter *Verification*: is the model allowed, does it predict, is the reading stable.

The cells of the chapter run the live tests of the grade model; :func:`compute` returns the frozen part.
The functions between take the result of one test each and say what the page prints of it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import norm

from p2pbook import findings, realtime
from p2pbook.findings import CHARGED_OFF, MARK_SLOPE
from p2pbook.lendingclub import TESTED_ON, lending_club_model
from p2pbook.reading import coefficient_table, p_words
from p2pbook.replications import came_out_again, replication, stamped
from p2pbook.traits import GRADE_TRAITS
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count, in_words, joined, part_of
from p2prisk.datasets import table
from p2prisk.validation import auc, holm, jeffreys_interval

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

_CUTS = {"paid|paid late": "any trouble", CHARGED_OFF: "charged off", "loss after half|loss early": "charged off early"}


# ---------------------------------------------------------------- the grade model, live


@dataclass(frozen=True)
class ParallelLines:
    """Brant's test and the slopes of the term at each cut."""

    table: pd.DataFrame
    chi2: Value
    df: Value
    #: "5 of 12" traits that a test at five per cent rejects after Holm's correction
    rejected: str
    #: odds of 60 months: leaving grade A, being D or worse
    leaving_a: Value
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
    single = tests.drop(index="Omnibus")
    columns = ["trait", "chi-square", "df", "p, Holm", "departure", "departure_low", "departure_high", "cut"]
    term = slopes[slopes["column"] == "long_term"]
    # the cuts were picked by what they show: an interval for each of them at once (Bonferroni), as in the findings
    half = norm.isf(0.025 / len(term)) * term["se"]
    odds = [
        Value(np.exp(b), 1, low=np.exp(b - h), high=np.exp(b + h)) for b, h in zip(term["slope"], half, strict=True)
    ]
    return ParallelLines(
        table=shown[columns].rename(columns={"departure_low": "from", "departure_high": "to"}),
        chi2=Value(tests.loc["Omnibus", "chi2"], 0),
        df=count(tests.loc["Omnibus", "df"]),
        rejected=part_of(int((holm(single["pvalue"]) < 0.05).sum()), len(single)),
        leaving_a=odds[0],
        d_or_worse=odds[2],
    )


def _by_trait(tests):
    """Tests by trait, with Holm's correction for their number; the test of all together is one test and keeps its p."""
    shown = tests.reset_index()
    single = (shown["term"] != "Omnibus").to_numpy()
    adjusted = shown["pvalue"].copy()
    adjusted[single] = holm(shown.loc[single, "pvalue"])
    shown = shown.assign(trait=shown["term"].map(LABELS).fillna("all together"))
    return shown.assign(**{"p, Holm": adjusted.map(lambda p: p_words(p, 3))}).rename(columns={"chi2": "chi-square"})


@dataclass(frozen=True)
class FreedTerm:
    """What changes when the slope of the term is free at every cut."""

    #: largest move of another slope, in standard errors
    largest_shift: Value
    #: "none changes its sign" of the slopes that were clear before
    signs: str
    #: share of a borrower's probability that moves between grades on average
    moved: Value


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
    """Link, straight lines, traits that repeat each other, single loans."""

    #: what the best link moves of the probability
    link_moves: Value
    #: "5 of 12" traits whose line a spline beats
    bent: str
    largest_gap: Value
    bent_most: str
    inflation: Value
    #: largest move of an estimate without the most influential loan, in standard errors
    loudest: Value


def other_checks(links, straight, inflation, loud):
    """What the page says of the checks that have no table.

    Parameters
    ----------
    links, straight, inflation, loud : pandas.DataFrame
        From `compare_links`, `linearity`, `variance_inflation` and `influence`.

    Returns
    -------
    OtherChecks
    """
    return OtherChecks(
        link_moves=share(links["mean_departure"].iloc[0]),
        bent=_bent(straight),
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
        gain=Value(-scores.loc["binary logits, one a cut", "rps_difference"], 4),
    )


_DIFFERENCE = {"rps_difference": "difference", "rps_difference_low": "from", "rps_difference_high": "to"}


# ---------------------------------------------------------------- the repayment model, frozen


@dataclass(frozen=True)
class Verification:
    """The frozen part of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    allowed: "Allowed"
    #: the test on the day, and the one in hindsight
    day: realtime.RealTime
    time: "OutOfTime"
    level: "Level"
    stable: "Stable"


@dataclass(frozen=True)
class Allowed:
    """Assumptions of the repayment model."""

    chi2: Value
    df: Value
    #: odds ratio of 60 months at the first and the last cut
    any_trouble: Value
    early: Value
    moved: Value
    #: log scores on the loans of 2011
    log_score_freed: Value
    log_score: Value
    #: "none of 11" traits whose line a spline beats
    bent: str


@dataclass(frozen=True)
class OutOfTime:
    """The loans of 2011."""

    #: calibration slope, and the mark
    slope_charged_off: Value
    mark_low: Value
    mark_high: Value
    #: how the three estimates lie to the mark
    within_mark: str
    #: shares charged off
    observed: Value
    predicted: Value
    slope_60: Value


@dataclass(frozen=True)
class Level:
    """The miss of level taken apart, and intervals that refit."""

    #: share of the miss that is the form, all loans
    form_share: Value
    #: for which loans the year's part is beyond doubt, in a half-sentence
    year_clear: str
    table: pd.DataFrame
    #: share charged off in 2010 and 2011, and points of the rise that the mix of terms made
    rate_before: Value
    rate_after: Value
    rise_by_mix: Value
    #: differences from the sub-grade: DeLong's interval and the one that refits
    ranks: pd.DataFrame
    #: calibration slope, integrated calibration index, ninetieth percentile
    distance: pd.DataFrame
    #: the models of the book on the same loans
    models: pd.DataFrame
    #: draws behind the intervals, and the standard error that an end has from so few, of the half-width
    draws: Value
    end_error: Value


@dataclass(frozen=True)
class Stable:
    """The reading under other specifications."""

    specifications: Value
    #: "never flipped", "flipped once", ...
    flipped: str
    #: label of the reading -> lowest and highest odds ratio
    lowest: dict
    highest: dict


@cache
def compute():
    """Compute the frozen part of the chapter and the first paragraph.

    Returns
    -------
    Verification
    """
    outcome = replication("e2-outcome")
    return Verification(
        again=came_out_again("e2-realtime", "e2-outcome", "e2-level", "e2-verification", "e2-robustness"),
        allowed=_allowed(replication("e2-verification"), outcome),
        day=realtime.compute(),
        time=_out_of_time(outcome, findings.compute().ranking),
        level=_level(),
        stable=_stable(replication("e2-robustness")),
    )


@stamped("e2-outcome")
def _allowed(verified, outcome):
    slopes = verified.table("slopes_by_cut").query("column == 'long_term'").set_index("cut")["slope"]
    term = {name: Value(np.exp(slopes[cut])) for cut, name in _CUTS.items()}
    moved = verified.table("moved").set_index("category").loc["all"]
    scores = outcome.table("scores").set_index("model")["log_score"]
    return Allowed(
        chi2=Value(verified["brant_chi2"], 0),
        df=count(verified["brant_df"]),
        any_trouble=term["any trouble"],
        early=term["charged off early"],
        moved=share(moved["mean_absolute"]),
        log_score_freed=Value(scores["partial proportional odds"], 3),
        log_score=Value(scores["ordered logit"], 3),
        bent=_bent(verified.table("linearity")),
    )


@stamped("e2-outcome")
def _out_of_time(outcome, ranking):
    slopes = outcome.table("calibration").set_index("cut")
    slope = {name: estimate(slopes.loc[cut], "slope", 2, "slope_low", "slope_high") for cut, name in _CUTS.items()}
    long = outcome.table("calibration_by_term").set_index(["term", "cut"]).loc[(60, CHARGED_OFF)]
    return OutOfTime(
        slope_charged_off=slope["charged off"],
        mark_low=Value(MARK_SLOPE[0], 1),
        mark_high=Value(MARK_SLOPE[1], 1),
        within_mark=within_mark(list(slope.values()), *MARK_SLOPE),
        observed=ranking.observed,
        predicted=ranking.predicted,
        slope_60=estimate(long, "slope", 2, "slope_low", "slope_high"),
    )


#: measures of the stored table of the miss -> how they are printed
_PARTS = {
    "observed": "charged off, %",
    "predicted": "parallel lines, %",
    "predicted free": "free, %",
    "miss": "miss, points",
    "form": "of it form",
    "year": "of it year",
}

_LOANS = {"both": "both terms", "36": "36 months", "60": "60 months"}

_MODELS = {"parallel lines": "in hindsight", "on the day": "on the day"}


@stamped("e2-level")
def _level():
    stored = replication("e2-level")
    table = stored.table("miss").set_index(["group", "measure"])
    spread = stored.table("calibration").set_index(["group", "measure"])
    part = {
        (group, what): estimate(table.loc[(group, what)], "value", 1, "low", "high", percent=True)
        for group in _LOANS
        for what in _PARTS
    }
    clear = [name for group, name in _LOANS.items() if part[group, "year"].low > 0]
    return Level(
        form_share=share(part["both", "form"] / part["both", "miss"], 0),
        year_clear=year_sentence(clear, len(_LOANS)),
        table=_miss(table),
        rate_before=share(stored["rate_before"]),
        rate_after=share(stored["rate_after"]),
        rise_by_mix=share(stored["rise_by_mix"]),
        ranks=_refitted_ranks(stored.table("ranks")),
        distance=_distance(spread),
        models=reconciled(),
        draws=count(stored["resamples"]),
        end_error=share((2 * (stored["resamples"] - 1)) ** -0.5, 0),
    )


def year_sentence(clear, of):
    """Say for which loans the year's part of the miss is beyond doubt.

    Examples
    --------
    >>> [year_sentence(clear, 3) for clear in ([], ["60 months"], ["both terms", "36 months", "60 months"])][1]
    "the year's part is beyond doubt for 60 months alone"
    """
    return by_count(
        len(clear),
        of,
        none="the year's part is beyond doubt for neither term, nor for both together",
        one=f"the year's part is beyond doubt for {joined(clear)} alone",
        some=f"the year's part is beyond doubt for {joined(clear)}",
        every="the year's part is beyond doubt for each term and for both together",
    )


def _miss(table):
    """The parts in points, and the interval of the last of them."""
    wide = 100 * table["value"].unstack()[list(_PARTS)].rename(columns=_PARTS)
    year = 100 * table.xs("year", level="measure")[["low", "high"]]
    wide = wide.assign(**{"from": year["low"], "to": year["high"]}).loc[list(_LOANS)]
    return wide.rename(index=_LOANS).rename_axis("loans", axis=0).rename_axis(columns=None).reset_index()


def _refitted_ranks(ranks):
    shown = ranks[ranks["model"].isin(_MODELS)]
    return pd.DataFrame(
        {
            "loans": shown["group"].map(_LOANS),
            "fitted": shown["model"].map(_MODELS),
            "AUC less sub-grade": shown["difference"],
            "DeLong: from": shown["delong_low"],
            "to": shown["delong_high"],
            "refitted: from": shown["low"],
            "to ": shown["high"],
        }
    ).reset_index(drop=True)


def _distance(spread):
    """Slope, and index and percentile in points; an index is never below nothing, whatever its interval says."""
    rows = []
    for group, loans in _LOANS.items():
        for model, words in _MODELS.items():
            slope, ici, e90 = (spread.loc[(group, f"{what} {model}")] for what in ("slope", "ici", "e90"))
            rows.append(
                {
                    "loans": loans,
                    "fitted": words,
                    "slope": slope["value"],
                    "from": slope["low"],
                    "to": slope["high"],
                    "ICI, points": 100 * ici["value"],
                    "from ": 100 * max(ici["low"], 0),
                    "to ": 100 * ici["high"],
                    "E90, points": 100 * e90["value"],
                }
            )
    return pd.DataFrame(rows)


def reconciled():
    """The models of the book on the loans of 2011: what each ranks, what it said of each term, and the verdict.

    Returns
    -------
    pandas.DataFrame
        One row a model: ``model``, ``outcomes`` that it was fitted to, ``AUC``, ``AUC, 36`` (36-month loans), what it
        said of each term and of both, ``verdict``. The last row is what came.
    """
    outcome, day = replication("e2-outcome"), replication("e2-realtime")
    term = outcome.table("calibration_by_term").set_index(["term", "cut"])["predicted"]
    area = outcome.table("auc_by_term").set_index(["term", "model"])["auc"]
    hazard = day.table("rank").query("model == 'readable' and window == 12").set_index("group")
    came = {group: (hazard.loc[group, "events"], hazard.loc[group, "loans"]) for group in ("all", "36", "60")}
    card, watch = _card(), _watch()
    rows = {
        "repayment model": (
            "2007–10, final",
            outcome.table("auc").set_index("model").loc["ordered logit", "auc"],
            area[36, "ordered logit"],
            {
                "36": term[36, CHARGED_OFF],
                "60": term[60, CHARGED_OFF],
                "all": outcome["predicted_bad"]["ordered logit"],
            },
        ),
        "scorecard": ("2007–10, final", *card),
        "watch model": ("each month, on file", np.nan, *watch),
        "hazard on the day": (
            "2007–10, on file",
            hazard.loc["all", "auc"],
            hazard.loc["36", "auc"],
            hazard["predicted"].to_dict(),
        ),
    }
    table = [
        {
            "model": name,
            "outcomes": sample,
            "AUC": both,
            "AUC, 36": short,
            **{words: 100 * said.get(group, np.nan) for group, words in _SAID.items()},
            "verdict": verdict(said, came),
        }
        for name, (sample, both, short, said) in rows.items()
    ]
    rates = {words: 100 * came[group][0] / came[group][1] for group, words in _SAID.items()}
    table.append({"model": "what came", "outcomes": "", "AUC": np.nan, "AUC, 36": np.nan, **rates, "verdict": ""})
    return pd.DataFrame(table)


_SAID = {"36": "36: said, %", "60": "60: said, %", "all": "both, %"}


def verdict(said, came):
    """Say for each term whether a predicted share lies in the 95 % Jeffreys interval of what came.

    Parameters
    ----------
    said : dict of str to float
        Term -> predicted share; a term without one is left out.
    came : dict of str to tuple
        Term -> events, loans.

    Examples
    --------
    >>> verdict({"36": 0.09, "60": 0.3}, {"36": (100, 1000), "60": (200, 1000)})
    '36: right; 60: too high'
    """
    words = []
    for term in ("36", "60"):
        if term in said:
            low, high = jeffreys_interval(*came[term])
            word = "too low" if said[term] < low else "too high" if said[term] > high else "right"
            words.append(f"{term}: {word}")
    return "; ".join(words)


def _card():
    """The scorecard on the loans of 2011: areas and predicted shares."""
    fit, counts = lending_club_model()
    late = counts[counts["issue_year"] == TESTED_ON]
    chance, weight = fit.predict(late).iloc[:, -2:].sum(axis=1).to_numpy(), late["n"].to_numpy()
    short = (late["term"] == "36").to_numpy()
    said = {
        "36": np.average(chance[short], weights=weight[short]),
        "60": np.average(chance[~short], weights=weight[~short]),
        "all": np.average(chance, weights=weight),
    }
    bad = late["bad"].to_numpy()
    return auc(bad, chance, weight), auc(bad[short], chance[short], weight[short]), said


def _watch():
    """The model of the watch on the 36-month loans of 2011: area over tenths of its forecast, and predicted share."""
    scores = table("lendingclub_monthly_scores")
    scores = scores[scores["month"].str[:4] == str(TESTED_ON)]
    bad, good = scores["charged_off"].to_numpy(), (scores["loans"] - scores["charged_off"]).to_numpy()
    forecast = (scores["expected"] / scores["loans"]).to_numpy()
    event = np.repeat([1, 0], len(scores))
    area = auc(event, np.r_[forecast, forecast], np.r_[bad, good])
    return area, {"36": scores["expected"].sum() / scores["loans"].sum()}


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


def _stable(robust):
    forest = robust.table("specifications")
    odds = forest.groupby("label")["odds_ratio"]
    readings = int((forest["specification"] != "main").sum())
    return Stable(
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
