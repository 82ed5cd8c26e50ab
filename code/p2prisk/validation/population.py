"""A sample by classes, small enough to travel with a model, so that later loans can be compared with it.

Kept are counts of classes, never loans: a class with fewer than five loans is pooled or left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.privacy import LEAST, kind_of
from p2prisk.validation.stability import PopulationStability, population_stability

#: rows beyond which every k-th is counted: the index of a sample of this size has no error that matters
ENOUGH = 200_000
_REST, _GAP = "other levels", "missing"


def thinned(frame: pd.DataFrame, most: int = ENOUGH) -> pd.DataFrame:
    """The frame, or every k-th row of a large one."""
    return frame.iloc[:: -(-len(frame) // most)] if len(frame) > most else frame


def by_class(values: pd.Series, weights: np.ndarray | None = None, bins: int = 10) -> dict[str, Any]:
    """Counts of a variable by class: numbers by quantiles, anything else by level; missing is the last class.

    Parameters
    ----------
    values : pandas.Series
    weights : array, optional
        Loans a row stands for.
    bins : int
        Quantile classes of a number; fewer where they would hold fewer than five loans.

    Returns
    -------
    dict
        ``edges`` (inner limits, upper one included) or ``levels``, and ``counts``.

    Examples
    --------
    >>> by_class(pd.Series(["a"] * 6 + ["b"] * 5 + ["c", None]))
    {'levels': ['a', 'b', 'other levels', 'missing'], 'counts': [6.0, 5.0, 0.0, 0.0]}
    """
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        known = ~np.isnan(numbers)
        if not known.any():
            raise DataError(f"{values.name} has no known value; it cannot be classed")
        if weights is None:
            ranked = np.sort(numbers[known])
            total = np.arange(1.0, len(ranked) + 1)
        else:
            order = np.argsort(numbers[known], kind="stable")
            ranked, total = numbers[known][order], np.cumsum(np.asarray(weights, float)[known][order])
        # of few loans fewer classes, or each of them would be left out
        bins = max(1, min(bins, int(total[-1] // LEAST)))
        edges = np.unique(ranked[np.searchsorted(total, np.arange(1, bins) / bins * total[-1])])
        kept: dict[str, Any] = {"edges": [float(edge) for edge in edges if edge < ranked[-1]]}
    else:
        codes, texts = _coded(values)
        loans = pd.Series(np.bincount(codes, weights, len(texts)), texts).groupby(level=0).sum()
        kept = {
            "levels": [str(n) for n, k in loans.items() if k >= LEAST and n != _GAP and not kind_of(n)] + [_REST, _GAP]
        }
    counts = class_counts(values, kept, weights)
    return {**kept, "counts": [float(count) if count >= LEAST else 0.0 for count in counts]}


def class_counts(values: pd.Series, classes: dict[str, Any], weights: np.ndarray | None = None) -> np.ndarray:
    """Loans of `values` in the classes that :func:`by_class` made; a new level counts among the other levels."""
    if "edges" in classes:
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        size = len(classes["edges"]) + 2
        codes = np.where(np.isnan(numbers), size - 1, np.searchsorted(classes["edges"], numbers, side="left"))
    else:
        size = len(classes["levels"])
        codes, texts = _coded(values)
        places = pd.Index(classes["levels"]).get_indexer(texts)
        codes = np.where(places < 0, size - 2, places)[codes]
    return np.bincount(codes, weights, minlength=size).astype(float)


def check_classes(name: str, classes: dict[str, Any]) -> None:
    """Refuse counts of a model file that :func:`by_class` does not make.

    Raises
    ------
    DataError
        Limits that do not rise, or another number of counts than of classes.
    """
    edges = classes.get("edges")
    size = len(classes["levels"]) if edges is None else len(edges) + 2
    if len(classes["counts"]) != size or (edges and not (np.diff(edges) > 0).all()) or not sum(classes["counts"]):
        raise DataError(f"the counts of the loans of the fit by {name} contradict its classes")


def class_names(classes: dict[str, Any]) -> list[str]:
    """Names of the classes, in the order of the counts."""
    if "levels" in classes:
        return list(classes["levels"])
    limits = [-np.inf, *classes["edges"], np.inf]
    return [f"({low:.6g}, {high:.6g}]" for low, high in zip(limits[:-1], limits[1:], strict=True)] + [_GAP]


def stability_against(
    values: pd.Series, classes: dict[str, Any], weights: np.ndarray | None = None, confidence: float = 0.99
) -> PopulationStability:
    """:func:`~p2prisk.validation.population_stability` of later loans against stored counts.

    Examples
    --------
    >>> kept = by_class(pd.Series(["a"] * 50 + ["b"] * 50))
    >>> round(stability_against(pd.Series(["a"] * 60 + ["b"] * 40), kept).psi, 4)
    0.0405
    """
    names = class_names(classes)
    actual = class_counts(values, classes, weights)
    return population_stability(
        names, names, expected_weights=classes["counts"], actual_weights=actual, confidence=confidence
    )


def _coded(values):
    """The place of each row among the texts of its levels, and these; those of a Categorical are made once each."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return pd.factorize(_texts(values))
    codes = values.cat.codes.to_numpy().astype(np.int64)
    return np.where(codes < 0, len(values.cat.categories), codes), np.array([*map(str, values.cat.categories), _GAP])


def _texts(values):
    if pd.api.types.is_bool_dtype(values) or str(values.dtype) == "boolean":
        values = values.astype("boolean").map({True: "yes", False: "no"})
    return values.astype(object).where(values.notna(), _GAP).astype(str).to_numpy()
