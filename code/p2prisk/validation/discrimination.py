"""Does the score rank loans? ROC, CAP, AUC, KS, C index, DeLong intervals.

A score ranks loans from safe to bad: a higher score means a worse outcome. All functions take `freq_weights`
(how many loans a row stands for); results then equal those with the rows repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.validation._input import (
    as_event,
    as_numbers,
    as_weights,
    both_kinds,
    check_share,
    cut_labels,
    cut_scores,
    outcome_codes,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _placements(event, score, weights):
    """Share of the other kind that each loan is ranked correctly against, ties counting one half.

    One sort, hence O(n log n); see Sun and Xu (2014), IEEE Signal Processing Letters 21(11), who gave
    DeLong's estimator in this form.
    """
    _, group = np.unique(score, return_inverse=True)
    events = np.bincount(group, weights * event)
    others = np.bincount(group, weights * ~event)
    lower_others = (np.cumsum(others) - others / 2) / others.sum()
    higher_events = 1 - (np.cumsum(events) - events / 2) / events.sum()
    return np.where(event, lower_others[group], higher_events[group])


def auc(event: ArrayLike, score: ArrayLike, freq_weights: ArrayLike | None = None) -> float:
    """Area under the ROC curve: the chance that a random bad loan has a higher score than a random good one.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
        Whether the loan went bad.
    score : array_like, shape (n,)
        Higher means worse.
    freq_weights : array_like, shape (n,), optional
        Loans a row stands for.

    Returns
    -------
    float
        Between 0 and 1; ties count one half.

    Raises
    ------
    DataError
        When only one kind of loan is present, or a score is missing.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    event = as_event(event)
    score = as_numbers(score, "score", event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    both_kinds(event, weights)
    placement = _placements(event, score, weights)
    return float(np.average(placement[event], weights=weights[event]))


@dataclass(frozen=True)
class DeLongResult:
    """AUCs of one or more scores on the same loans, with their joint covariance.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a score: ``auc, se, ci_low, ci_high, gini, events, nonevents``.
    cov : pandas.DataFrame
        Covariance of the AUCs.
    comparisons : pandas.DataFrame
        One row a pair of scores: ``first, second, difference, se, ci_low, ci_high, z, pvalue``.
    """

    table: pd.DataFrame
    cov: pd.DataFrame
    comparisons: pd.DataFrame


def delong(
    event: ArrayLike, scores: Any, freq_weights: ArrayLike | None = None, confidence: float = 0.95
) -> DeLongResult:
    """AUC of each score with DeLong's standard error, and paired comparisons of all of them.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
        Whether the loan went bad.
    scores : array_like (n,), dict of name to array_like, or pandas.DataFrame
        One or several scores of the same loans; higher means worse.
    freq_weights : array_like, shape (n,), optional
        Loans a row stands for; the result equals that with rows repeated.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DeLongResult

    Raises
    ------
    DataError
        When fewer than two events or two non-events are present, or a score is missing.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3), equations (4)-(6), computed from one sort a
    score. Intervals are Wald intervals cut at 0 and 1. A score that separates perfectly has a standard error
    of zero, which says that the sample cannot tell, not that the AUC is known.

    Examples
    --------
    >>> r = delong([0, 0, 1, 1, 0, 1], {"a": [1, 2, 3, 4, 2, 1], "b": [1, 1, 2, 2, 1, 2]})
    >>> r.table["auc"].round(3).to_dict()
    {'a': 0.722, 'b': 1.0}
    """
    event = as_event(event)
    check_share(confidence, "confidence")
    if isinstance(scores, pd.DataFrame):
        scores = {str(name): scores[name] for name in scores.columns}
    elif not isinstance(scores, dict):
        scores = {"score": scores}
    if not scores:
        raise DataError("no score was given")
    weights = as_weights(freq_weights, event.shape[0])
    both_kinds(event, weights)
    events, others = weights[event].sum(), weights[~event].sum()
    if events < 2 or others < 2:
        raise DataError(f"{events:g} events and {others:g} non-events: DeLong's variance needs two of each")
    names = list(scores)
    placements = np.column_stack(
        [_placements(event, as_numbers(scores[name], f"score {name!r}", event.shape[0]), weights) for name in names]
    )
    values = np.average(placements[event], axis=0, weights=weights[event])
    cov = np.zeros((len(names), len(names)))
    for kind, total in ((event, events), (~event, others)):
        centred = placements[kind] - values
        cov += (centred * weights[kind, None]).T @ centred / (total - 1) / total
    se = np.sqrt(np.diag(cov))
    z = scipy.stats.norm.ppf(0.5 + confidence / 2)
    table = pd.DataFrame(
        {
            "auc": values,
            "se": se,
            "ci_low": np.clip(values - z * se, 0, 1),
            "ci_high": np.clip(values + z * se, 0, 1),
            "gini": 2 * values - 1,
            "events": events,
            "nonevents": others,
        },
        index=pd.Index(names, name="score"),
    )
    rows = []
    for i, j in combinations(range(len(names)), 2):
        difference = values[i] - values[j]
        spread = np.sqrt(max(cov[i, i] + cov[j, j] - 2 * cov[i, j], 0.0))
        # Scores that rank all loans alike differ by exactly nothing.
        ratio = difference / spread if spread > 1e-15 else (0.0 if abs(difference) < 1e-12 else np.inf)
        rows.append(
            (
                names[i],
                names[j],
                difference,
                spread,
                difference - z * spread,
                difference + z * spread,
                ratio,
                2 * scipy.stats.norm.sf(abs(ratio)),
            )
        )
    comparisons = pd.DataFrame(
        rows, columns=["first", "second", "difference", "se", "ci_low", "ci_high", "z", "pvalue"]
    )
    return DeLongResult(table, pd.DataFrame(cov, index=names, columns=names), comparisons)


def delong_by_cut(
    y: ArrayLike, scores: dict[Any, ArrayLike], freq_weights: ArrayLike | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Paired comparison of several scores at every cut of an ordinal outcome.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ordinal outcome (ordered Categorical or integers).
    scores : dict of name to array_like
        Each either a score (n,) or a table of class probabilities (n, J), which gives ``P(Y > j)`` at cut j.
    freq_weights, confidence
        As in :func:`delong`.

    Returns
    -------
    pandas.DataFrame
        The comparisons of :func:`delong` with a first column ``cut``.

    Examples
    --------
    >>> delong_by_cut([0, 0, 1, 1, 2, 2], {"a": [1, 2, 1, 3, 3, 4], "b": [1, 1, 2, 3, 2, 3]})["cut"].tolist()
    ['0|1', '1|2']
    """
    codes, labels = outcome_codes(y)
    by_cut = {name: cut_scores(score, labels, codes.shape[0]) for name, score in scores.items()}
    frames = []
    for j, cut in enumerate(cut_labels(labels)):
        result = delong(codes > j, {name: value[j] for name, value in by_cut.items()}, freq_weights, confidence)
        frames.append(result.comparisons.assign(cut=cut))
    frame = pd.concat(frames, ignore_index=True)
    return frame[["cut", *[column for column in frame if column != "cut"]]]


def discrimination_by_cut(
    y: ArrayLike, score: Any, freq_weights: ArrayLike | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """AUC, Gini and Kolmogorov-Smirnov distance at every cut of an ordinal outcome.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ordinal outcome (ordered Categorical or integers), higher is worse.
    score : array_like (n,) or table of class probabilities (n, J)
        A table gives ``P(Y > j)`` at cut j; one score is used at every cut.
    freq_weights, confidence
        As in :func:`delong`.

    Returns
    -------
    pandas.DataFrame
        Index ``cut`` ("A|B": worse than A); columns ``events, nonevents, auc, se, ci_low, ci_high, gini,
        ks``.

    Examples
    --------
    >>> discrimination_by_cut([0, 0, 1, 1, 2, 2], [1, 2, 2, 3, 3, 4])["auc"].round(4).tolist()
    [0.9375, 0.9375]
    """
    codes, labels = outcome_codes(y)
    weights = as_weights(freq_weights, codes.shape[0])
    rows = []
    for j, values in enumerate(cut_scores(score, labels, codes.shape[0])):
        table = delong(codes > j, values, weights, confidence).table.iloc[0]
        rows.append(
            [
                *table[["events", "nonevents", "auc", "se", "ci_low", "ci_high", "gini"]],
                kolmogorov_smirnov(codes > j, values, weights).distance,
            ]
        )
    return pd.DataFrame(
        rows,
        index=pd.Index(cut_labels(labels), name="cut"),
        columns=["events", "nonevents", "auc", "se", "ci_low", "ci_high", "gini", "ks"],
    )


def roc_curve(event: ArrayLike, score: ArrayLike, freq_weights: ArrayLike | None = None) -> pd.DataFrame:
    """Points of the ROC curve.

    Returns
    -------
    pandas.DataFrame
        ``false_positive_rate, true_positive_rate, threshold``: rates when every loan with a score of at least
        ``threshold`` is called bad.

    Examples
    --------
    >>> roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])["true_positive_rate"].tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """
    from sklearn.metrics import roc_curve as curve

    event = as_event(event)
    score = as_numbers(score, "score", event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    both_kinds(event, weights)
    false_positive, true_positive, threshold = curve(event, score, sample_weight=weights)
    return pd.DataFrame(
        {"false_positive_rate": false_positive, "true_positive_rate": true_positive, "threshold": threshold}
    )


def cap_curve(event: ArrayLike, score: ArrayLike, freq_weights: ArrayLike | None = None) -> pd.DataFrame:
    """Points of the cumulative accuracy profile: share of all bad loans among the worst-scored share of
    loans.

    Returns
    -------
    pandas.DataFrame
        ``share_of_loans, share_of_events``, from (0, 0) to (1, 1); the attribute ``attrs["event_rate"]``
        gives the perfect profile, which reaches 1 at that share. The accuracy ratio equals ``2 AUC - 1``
        (the Gini).

    Examples
    --------
    >>> cap_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])["share_of_loans"].tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    event = as_event(event)
    weights = as_weights(freq_weights, event.shape[0])
    curve = roc_curve(event, score, weights)
    rate = float(weights[event].sum() / weights.sum())
    frame = pd.DataFrame(
        {
            "share_of_loans": rate * curve["true_positive_rate"] + (1 - rate) * curve["false_positive_rate"],
            "share_of_events": curve["true_positive_rate"],
        }
    )
    frame.attrs["event_rate"] = rate
    return frame


@dataclass(frozen=True)
class KolmogorovSmirnov:
    """Largest distance between the score distributions of bad and good loans, and the score where it is
    reached."""

    distance: float
    threshold: float


def kolmogorov_smirnov(event: ArrayLike, score: ArrayLike, freq_weights: ArrayLike | None = None) -> KolmogorovSmirnov:
    """Kolmogorov-Smirnov distance of a score (largest true positive minus false positive rate).

    Returns
    -------
    KolmogorovSmirnov
        ``distance`` and ``threshold``: calling every loan at or above the threshold bad reaches the distance.

    Examples
    --------
    >>> kolmogorov_smirnov([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).distance
    0.5
    """
    curve = roc_curve(event, score, freq_weights)
    gap = curve["true_positive_rate"] - curve["false_positive_rate"]
    best = int(gap.to_numpy().argmax())
    return KolmogorovSmirnov(float(gap[best]), float(curve["threshold"][best]))


@dataclass(frozen=True)
class Concordance:
    """Ordinal concordance of a score.

    Attributes
    ----------
    c_index : float
        Chance that, of two loans with different outcomes, the worse one has the higher score (ties one half).
    somers_d : float
        ``2 c_index - 1``; for a binary outcome the Gini.
    se : float
        Standard error of `c_index`.
    ci_low, ci_high : float
        Interval of `c_index`.
    pairs : float
        Pairs of loans with different outcomes.
    """

    c_index: float
    somers_d: float
    se: float
    ci_low: float
    ci_high: float
    pairs: float


def concordance(
    y: ArrayLike, score: ArrayLike, freq_weights: ArrayLike | None = None, confidence: float = 0.95
) -> Concordance:
    """Ordinal C index and Somers' D of a score, with a standard error from its projections.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ordinal outcome, higher is worse.
    score : array_like, shape (n,)
        For an ordered logit the linear predictor or the expected category.
    freq_weights, confidence
        As in :func:`delong`.

    Returns
    -------
    Concordance

    Notes
    -----
    Pairs that tie on the outcome do not count; pairs that tie on the score count one half: Somers (1962), D
    of the score given the outcome, which is Harrell's Dxy. The variance is that of a ratio of two
    U-statistics by its first-order projection. Work is O(n log n + nJ), J categories; no pair is visited.

    Examples
    --------
    >>> round(concordance([0, 1, 2, 2], [1, 2, 3, 1]).c_index, 3)
    0.7
    """
    codes, labels = outcome_codes(y)
    rows = codes.shape[0]
    score = as_numbers(score, "score", rows)
    weights = as_weights(freq_weights, rows)
    check_share(confidence, "confidence")
    _, group = np.unique(score, return_inverse=True)
    concordant, comparable = np.zeros(rows), np.zeros(rows)
    total = weights.sum()
    for category in range(len(labels)):
        inside = codes == category
        count = np.bincount(group, weights * inside)
        below = (np.cumsum(count) - count / 2)[group]
        size = weights[inside].sum()
        concordant += np.where(codes > category, below, np.where(codes < category, size - below, 0.0))
        comparable[inside] = total - size
    pairs = float(weights @ comparable) / 2
    if pairs <= 0:
        raise DataError("all loans have the same outcome; no pair can be compared")
    value = float(weights @ concordant) / 2 / pairs
    # Each projection counts a loan's pairs; total/(total - 1) is the small-sample factor DeLong has as well.
    spread = float(weights @ (concordant - value * comparable) ** 2) / pairs**2
    variance = spread * total / max(total - 1, 1)
    se = float(np.sqrt(variance))
    z = scipy.stats.norm.ppf(0.5 + confidence / 2)
    return Concordance(value, 2 * value - 1, se, max(value - z * se, 0.0), min(value + z * se, 1.0), pairs)
