"""Are the loans still those the model was built on? Population stability with its sampling distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.validation._input import as_weights, check_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class PopulationStability:
    """Population stability index with what chance alone would give.

    Attributes
    ----------
    psi : float
        The index.
    degrees_of_freedom : int
        Classes less one.
    threshold : float
        Value that two samples of these sizes from one population exceed with probability ``1 - confidence``
        (chi-square approximation).
    threshold_normal : float
        The same by the normal approximation.
    pvalue : float
        Chance of an index at least this large when nothing has changed (chi-square approximation).
    rule : str
        What the 0.10 / 0.25 rule of thumb says: ``stable``, ``watch`` or ``shifted``.
    table : pandas.DataFrame
        One row a class: ``expected, actual`` (counts), their shares and the class's ``contribution``.
    adjusted : int
        Classes with no loan in one of the samples; one half loan was added to every class then.
    """

    psi: float
    degrees_of_freedom: int
    threshold: float
    threshold_normal: float
    pvalue: float
    rule: str
    table: pd.DataFrame
    adjusted: int


def _classes(expected, actual, bins, weights):
    """Class of every loan: numbers by quantiles of `expected`, anything else by value; missing is a class."""
    first, second = pd.Series(expected).reset_index(drop=True), pd.Series(actual).reset_index(drop=True)
    if first.empty or second.empty:
        raise DataError("one of the two samples is empty; stability compares two samples")
    numeric = (
        pd.api.types.is_numeric_dtype(first)
        and pd.api.types.is_numeric_dtype(second)
        and not pd.api.types.is_bool_dtype(first)
    )
    if not numeric:
        both = pd.concat([first.astype(object), second.astype(object)], ignore_index=True)
        values = both.where(both.notna(), "missing").astype(str)
        if isinstance(first.dtype, pd.CategoricalDtype):
            order = [str(category) for category in first.cat.categories]
            order += sorted(set(values) - set(order))
            order = [value for value in order if value in set(values)]
        else:
            order = sorted(set(values))
        codes = pd.Index(order).get_indexer(values)
        return codes[: len(first)], codes[len(first) :], order
    x, z = first.to_numpy(dtype=float), second.to_numpy(dtype=float)
    if np.isinf(x).any() or np.isinf(z).any():
        raise DataError("infinite values cannot be classed")
    if np.isscalar(bins):
        if int(bins) < 2:
            raise DataError("at least two bins are needed")
        known = ~np.isnan(x)
        if not known.any():
            raise DataError("the expected sample has no known value; no class limits can be found")
        # The inverse of the weighted distribution function, so that weights equal repeated rows.
        order = np.argsort(x[known], kind="stable")
        cumulative = np.cumsum(weights[known][order])
        position = np.searchsorted(cumulative, np.arange(1, int(bins)) / int(bins) * cumulative[-1])
        edges = np.unique(x[known][order][position])
        edges = edges[edges < x[known].max()]
    else:
        edges = np.unique(np.asarray(bins, dtype=float))
    limits = [-np.inf, *edges, np.inf]
    labels = [f"({low:.6g}, {high:.6g}]" for low, high in zip(limits[:-1], limits[1:], strict=True)]
    codes = [np.where(np.isnan(v), len(labels), np.searchsorted(edges, v, side="left")) for v in (x, z)]
    if np.isnan(x).any() or np.isnan(z).any():
        labels.append("missing")
    return codes[0], codes[1], labels


def population_stability(
    expected: ArrayLike,
    actual: ArrayLike,
    bins: int | Sequence[float] = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> PopulationStability:
    """Population stability index of one variable or score between two samples.

    Parameters
    ----------
    expected, actual : array_like
        The sample the model was built on, and the one of today. Numbers are classed by quantiles of
        `expected`; text, booleans and Categoricals by value. Missing values are a class of their own.
    bins : int or sequence of float
        Number of quantile classes, or the inner class limits (a class includes its upper limit).
    expected_weights, actual_weights : array_like, optional
        Loans a row stands for.
    confidence : float
        Level of the sampling thresholds.

    Returns
    -------
    PopulationStability

    Notes
    -----
    ``sum (a - e) log(a / e)`` over classes. When both samples come from one population it is distributed as
    ``(1/N + 1/M) chi2(B - 1)``, whence its threshold; with a normal approximation of that,
    ``(1/N + 1/M) (B - 1 + z sqrt(2 (B - 1)))`` (Yurdakul and Naranjo 2020, Journal of Risk Model Validation
    14(4)). The 0.10/0.25 rule ignores N, M and B: it cries wolf in small samples and sleeps in large ones.
    The threshold answers whether anything changed, the index how much. Class limits come from `expected`;
    that they are estimated matters little for quantiles, but B must be small against both samples.

    A class with loans in one sample and none in the other would make the index infinite, whatever the size of the
    change. Then half a loan is added to every class of both samples (``adjusted`` counts the empty classes), so that
    the index is finite and shrinks with the class; another rule, such as a least share, gives another number.

    Examples
    --------
    >>> r = population_stability(["a"] * 50 + ["b"] * 50, ["a"] * 60 + ["b"] * 40)
    >>> round(r.psi, 4), r.degrees_of_freedom, round(r.threshold, 4), r.rule
    (0.0405, 1, 0.0768, 'stable')
    >>> gone = population_stability(["a"] * 50 + ["b"] * 50, ["a"] * 100)  # 50.5 of 101 against 100.5 of 101, and so on
    >>> round(gone.psi, 3), gone.adjusted
    (2.625, 1)
    """
    check_share(confidence, "confidence")
    first_weights = as_weights(expected_weights, np.size(expected))
    second_weights = as_weights(actual_weights, np.size(actual))
    first, second, labels = _classes(expected, actual, bins, first_weights)
    counts = np.vstack(
        [np.bincount(first, first_weights, len(labels)), np.bincount(second, second_weights, len(labels))]
    )
    keep = counts.sum(axis=0) > 0
    counts, labels = counts[:, keep], [label for label, k in zip(labels, keep, strict=True) if k]
    if len(labels) < 2:
        raise DataError("the variable has a single class in both samples; there is nothing to compare")
    sizes = counts.sum(axis=1)
    empty = int((counts == 0).any(axis=0).sum())
    used = counts + 0.5 if empty else counts
    share = used / used.sum(axis=1, keepdims=True)
    contribution = (share[1] - share[0]) * np.log(share[1] / share[0])
    psi = float(contribution.sum())
    scale, df = float((1 / sizes).sum()), len(labels) - 1
    table = pd.DataFrame(
        {
            "expected": counts[0],
            "actual": counts[1],
            "expected_share": share[0],
            "actual_share": share[1],
            "contribution": contribution,
        },
        index=pd.Index(labels, name="class"),
    )
    return PopulationStability(
        psi,
        df,
        float(scale * scipy.stats.chi2.ppf(confidence, df)),
        float(scale * (df + scipy.stats.norm.ppf(confidence) * np.sqrt(2 * df))),
        float(scipy.stats.chi2.sf(psi / scale, df)),
        "stable" if psi < 0.1 else "watch" if psi < 0.25 else "shifted",
        table,
        empty,
    )


def stability_table(
    expected: pd.DataFrame,
    actual: pd.DataFrame,
    columns: Sequence[str] | None = None,
    bins: int = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """:func:`population_stability` of several variables (and scores) in one table.

    Parameters
    ----------
    expected, actual : pandas.DataFrame
        The two samples, with the same columns.
    columns : sequence of str, optional
        Variables to compare; by default all columns of `expected`.
    bins, expected_weights, actual_weights, confidence
        As in :func:`population_stability`.

    Returns
    -------
    pandas.DataFrame
        Index ``variable``, the largest index first: ``psi, classes, threshold, threshold_normal, pvalue,
        rule, largest_class, adjusted``.

    Examples
    --------
    >>> a = pd.DataFrame({"home": ["own", "rent"] * 50, "income": range(100)})
    >>> stability_table(a, a)["psi"].tolist()
    [0.0, 0.0]
    """
    columns = list(expected.columns) if columns is None else list(columns)
    absent = [c for c in columns if c not in expected.columns or c not in actual.columns]
    if absent:
        raise DataError(f"columns {absent} are not in both samples")
    rows = []
    for column in columns:
        try:
            r = population_stability(
                expected[column], actual[column], bins, expected_weights, actual_weights, confidence
            )
        except DataError as error:
            raise DataError(f"column {column!r}: {error}") from error
        rows.append(
            (
                r.psi,
                len(r.table),
                r.threshold,
                r.threshold_normal,
                r.pvalue,
                r.rule,
                r.table["contribution"].idxmax(),
                r.adjusted,
            )
        )
    frame = pd.DataFrame(
        rows,
        index=pd.Index(columns, name="variable"),
        columns=["psi", "classes", "threshold", "threshold_normal", "pvalue", "rule", "largest_class", "adjusted"],
    )
    return frame.sort_values("psi", ascending=False, kind="stable")
