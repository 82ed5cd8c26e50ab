"""How good are the class probabilities? Scores that know that the classes are ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.validation._input import as_weights, check_share, outcome_and_probabilities, outcome_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


def ranked_probability_scores(y: ArrayLike, probabilities: ArrayLike | pd.DataFrame) -> np.ndarray:
    """Ranked probability score of each loan: squared distance of the cumulative forecast from what happened.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ordinal outcome: ordered Categorical, labels of the columns of `probabilities`, or codes 0..J-1.
    probabilities : array_like or pandas.DataFrame, shape (n, J)
        Predicted class probabilities.

    Returns
    -------
    ndarray, shape (n,)
        ``sum_j (P(Y <= j) - 1[y <= j])**2`` over the J-1 cuts; 0 is perfect, J-1 the worst.

    Notes
    -----
    Epstein (1969), Journal of Applied Meteorology 8, in the quadratic form; the sum of the Brier scores of
    the J-1 cumulative events. Proper, and it charges more for being further off.

    Examples
    --------
    >>> ranked_probability_scores([0, 2], [[1, 0, 0], [1, 0, 0]]).tolist()
    [0.0, 2.0]
    """
    codes, labels, matrix = outcome_and_probabilities(y, probabilities)
    below = np.cumsum(matrix, axis=1)[:, :-1]
    happened = codes[:, None] <= np.arange(len(labels) - 1)
    return ((below - happened) ** 2).sum(axis=1)


def ranked_probability_score(y: ArrayLike, probabilities: ArrayLike, freq_weights: ArrayLike | None = None) -> float:
    """Mean ranked probability score over the loans (see :func:`ranked_probability_scores`); smaller is
    better.

    Examples
    --------
    >>> ranked_probability_score([0, 1], [[1, 0], [0, 1]])
    0.0
    """
    values = ranked_probability_scores(y, probabilities)
    return float(np.average(values, weights=as_weights(freq_weights, values.shape[0])))


def log_scores(y: ArrayLike, probabilities: ArrayLike) -> Any:
    """Logarithmic score of each loan, ``-log p(y)``; infinite where an outcome happened that was called
    impossible.

    Examples
    --------
    >>> log_scores([0, 1], [[0.5, 0.5], [0.0, 1.0]]).round(4).tolist()
    [0.6931, -0.0]
    """
    codes, _, matrix = outcome_and_probabilities(y, probabilities)
    with np.errstate(divide="ignore"):
        return -np.log(matrix[np.arange(codes.shape[0]), codes])


def log_score(y: ArrayLike, probabilities: ArrayLike, freq_weights: ArrayLike | None = None) -> float:
    """Mean logarithmic score over the loans (see :func:`log_scores`); smaller is better.

    Examples
    --------
    >>> round(log_score([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 4)
    0.6931
    """
    values = log_scores(y, probabilities)
    return float(np.average(values, weights=as_weights(freq_weights, values.shape[0])))


def predicted_category(probabilities: ArrayLike, rule: Literal["median", "mode", "mean"] = "median") -> np.ndarray:
    """One category a loan from its class probabilities.

    Parameters
    ----------
    probabilities : array_like, shape (n, J)
    rule : {"median", "mode", "mean"}
        ``median``: first category whose cumulative probability reaches one half; ``mode``: the most likely
        one, which never names a rare class; ``mean``: the rounded expected code.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> predicted_category([[0.4, 0.3, 0.3]], "median"), predicted_category([[0.4, 0.3, 0.3]], "mode")
    (array([1]), array([0]))
    """
    matrix = np.asarray(probabilities, dtype=float)
    if rule == "median":
        return np.argmax(np.cumsum(matrix, axis=1) >= 0.5 - 1e-12, axis=1)
    if rule == "mode":
        return np.argmax(matrix, axis=1)
    if rule == "mean":
        return np.rint(matrix @ np.arange(matrix.shape[1])).astype(int)
    raise DataError(f"rule {rule!r} is unknown; use 'median', 'mode' or 'mean'")


def quadratic_weighted_kappa(
    y: ArrayLike, predicted: ArrayLike, freq_weights: ArrayLike | None = None, labels: Sequence | None = None
) -> float:
    """Agreement of two ordinal classifications beyond chance, disagreement weighted by its squared distance.

    Parameters
    ----------
    y, predicted : array_like, shape (n,)
        Ordered Categoricals with the same categories, or integers on the same scale.
    freq_weights : array_like, optional
        Loans a row stands for.
    labels : sequence, optional
        All categories in order, when `y` alone does not show them.

    Returns
    -------
    float
        1 is full agreement, 0 what chance with the same margins gives.

    Notes
    -----
    Cohen (1968), Psychological Bulletin 70(4). The value is that of ``sklearn.metrics.cohen_kappa_score``
    with ``weights="quadratic"``; the categories are equally spaced codes, whatever their labels.

    Examples
    --------
    >>> quadratic_weighted_kappa([0, 1, 2, 2], [0, 1, 2, 1])
    0.8
    """
    from sklearn.metrics import cohen_kappa_score

    if labels is None:
        if isinstance(pd.Series(y).dtype, pd.CategoricalDtype):
            labels = outcome_codes(y)[1]
        else:
            both = np.concatenate([np.asarray(y).ravel(), np.asarray(predicted).ravel()])
            labels = outcome_codes(both)[1]
    first, second = outcome_codes(y, labels)[0], outcome_codes(predicted, labels)[0]
    if first.shape != second.shape:
        raise DataError(f"{first.shape[0]} outcomes but {second.shape[0]} predictions")
    weights = as_weights(freq_weights, first.shape[0])
    used = weights > 0
    if np.unique(np.concatenate([first[used], second[used]])).size < 2:
        raise DataError("outcome and prediction are one and the same category throughout; kappa is undefined")
    return float(
        cohen_kappa_score(first, second, labels=list(range(len(labels))), weights="quadratic", sample_weight=weights)
    )


def _skill(values, base, weights, z):
    """Skill ``1 - mean(values)/mean(base)`` with a delta-method standard error (the pairs are kept)."""
    total = weights.sum()
    mean, base_mean = weights @ values / total, weights @ base / total
    skill = 1 - mean / base_mean
    influence = -(values - mean) / base_mean + mean * (base - base_mean) / base_mean**2
    se = np.sqrt(weights @ influence**2 / total / max(total - 1, 1))
    return mean, base_mean, skill, se, skill - z * se, skill + z * se


def ordinal_scores(
    y: ArrayLike,
    probabilities: ArrayLike | pd.DataFrame,
    freq_weights: ArrayLike | None = None,
    base: ArrayLike | None = None,
    confidence: float = 0.95,
    rule: Literal["median", "mode", "mean"] = "median",
) -> pd.DataFrame:
    """Ordinal scores of a forecast beside those of the base rate, with skill and intervals.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ordinal outcome.
    probabilities : array_like or pandas.DataFrame, shape (n, J)
        Predicted class probabilities.
    freq_weights : array_like, optional
        Loans a row stands for.
    base : array_like, shape (J,) or (n, J), optional
        Forecast to beat: class shares known beforehand (those of the training sample) or another model's
        probabilities. By default the shares in `y` itself, which is a little harder to beat than what was
        known.
    confidence : float
        Level of the intervals.
    rule : str
        How one category is named for kappa (see :func:`predicted_category`).

    Returns
    -------
    pandas.DataFrame
        Rows ``ranked probability score``, ``log score``, ``quadratic weighted kappa``; columns ``value,
        base, skill, se, ci_low, ci_high``. Skill is ``1 - value/base``, above zero when better than the
        base; for kappa, whose base is zero by construction, skill is the value itself. The standard error is
        that of the skill, by the delta method (for kappa: Fleiss, Cohen and Everitt 1969).

    Examples
    --------
    >>> p = [[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]]
    >>> ordinal_scores([0, 1, 0, 1], p)["skill"].round(3).tolist()
    [0.67, 0.526, 1.0]
    """
    codes, labels, matrix = outcome_and_probabilities(y, probabilities)
    rows, classes = matrix.shape
    weights = as_weights(freq_weights, rows)
    z = scipy.stats.norm.ppf(0.5 + check_share(confidence, "confidence") / 2)
    if base is None:
        base = np.bincount(codes, weights, classes) / weights.sum()
    base = np.asarray(base, dtype=float)
    base = np.broadcast_to(base, (rows, classes)) if base.ndim == 1 else base
    out = []
    for score in (ranked_probability_scores, log_scores):
        values, against = score(codes, matrix), score(codes, base)
        if not np.isfinite(values[weights > 0]).all():
            out.append((np.inf, weights @ against / weights.sum(), -np.inf, np.nan, np.nan, np.nan))
            continue
        out.append(_skill(values, against, weights, z))
    named = predicted_category(matrix, rule)
    kappa = quadratic_weighted_kappa(codes, named, weights, list(range(classes)))
    se = _kappa_se(np.bincount(codes * classes + named, weights, classes**2).reshape(classes, classes))
    out.append((kappa, 0.0, kappa, se, kappa - z * se, kappa + z * se))
    return pd.DataFrame(
        out,
        columns=["value", "base", "skill", "se", "ci_low", "ci_high"],
        index=pd.Index(["ranked probability score", "log score", "quadratic weighted kappa"], name="score"),
    )


def _kappa_se(table):
    """Delta-method standard error of the quadratic weighted kappa (Fleiss, Cohen and Everitt 1969)."""
    total = table.sum()
    share = table / total
    codes = np.arange(table.shape[0])
    agree = 1 - (codes[:, None] - codes[None, :]) ** 2 / max(table.shape[0] - 1, 1) ** 2
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, chance = (agree * share).sum(), (agree * np.outer(rows, columns)).sum()
    row_mean, column_mean = agree @ columns, agree.T @ rows
    inner = agree * (1 - chance) - (row_mean[:, None] + column_mean[None, :]) * (1 - observed)
    variance = ((share * inner**2).sum() - (observed * chance - 2 * chance + observed) ** 2) / (1 - chance) ** 4
    return float(np.sqrt(max(variance, 0.0) / total))
