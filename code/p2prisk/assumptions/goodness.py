"""Does the model fit? Tests of an ordinal model against the loans it was fitted to, with observed and
expected tables.

Each test sees another kind of misfit, so all of them are run together (Fagerland and Hosmer 2017, Stata
Journal 17). Frequency weights count as repeated loans; loans with equal scores are never split between
groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import scipy

from p2prisk.assumptions._support import (
    equal_groups,
    fitted_model,
    is_indicator,
    likelihood_model,
    observed_expected,
    ordinal_score,
    row_weights,
)
from p2prisk.errors import ConvergenceError, ModelError, SeparationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p2prisk.ordered.results import OrderedResults


@dataclass(frozen=True)
class GoodnessOfFit:
    """A goodness-of-fit test.

    Attributes
    ----------
    name : str
    chi2, df, pvalue : float, int, float
    table : pandas.DataFrame
        Observed and expected counts: index (cell, "observed" / "expected"), one column a category.
    groups : int
        Cells.
    smallest_expected : float
    share_below_five : float
        Share of the expected counts below five; with many, the chi-square distribution is a poor
        approximation.
    note : str
        A warning in words, or empty.
    """

    name: str
    chi2: float
    df: int
    pvalue: float
    table: pd.DataFrame
    groups: int
    smallest_expected: float
    share_below_five: float
    note: str


def _result(name, statistic, df, observed, expected, categories):
    note = ""
    index = pd.MultiIndex.from_product([range(1, len(observed) + 1), ["observed", "expected"]], names=["cell", ""])
    table = pd.DataFrame(
        np.stack([observed, expected], axis=1).reshape(-1, observed.shape[1]), index=index, columns=list(categories)
    )
    share = float((expected < 5).mean())
    if share > 0.2 and name != "Lipsitz":
        remedy = "name fewer factors in terms=" if name.startswith("Pulkstenis") else "use fewer groups"
        note = f"{share:.0%} of the expected counts are below five; the p-value is not to be relied on: {remedy}"
    return GoodnessOfFit(
        name,
        float(statistic),
        int(df),
        float(scipy.stats.chi2.sf(statistic, df)),
        table,
        len(observed),
        float(expected.min()),
        share,
        note,
    )


def _grouping(result, groups):
    model = fitted_model(result)
    if not isinstance(groups, (int, np.integer)) or groups < 3:
        raise ModelError(f"groups={groups!r}; at least three groups are needed (ten are usual)")
    cells, found = equal_groups(ordinal_score(result), row_weights(model), int(groups))
    if found < 3:
        raise ModelError(
            f"the predicted scores have so few distinct values that only {found} groups can be formed; the model has "
            "too few covariate patterns for this test, use pulkstenis_robinson"
        )
    return model, cells, found


def fagerland_hosmer(result: OrderedResults, groups: int = 10) -> GoodnessOfFit:
    """Ordinal Hosmer-Lemeshow test.

    Parameters
    ----------
    result : OrderedResults
    groups : int
        Groups of equal size by the ordinal score (expected category).

    Returns
    -------
    GoodnessOfFit
        Pearson's chi-square over groups and categories, with ``(g - 2)(c - 1) + (c - 2)`` degrees of freedom.

    Notes
    -----
    Fagerland and Hosmer (2013), Statistics in Medicine 32, 2235-2249.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> fagerland_hosmer(OrderedLogit(y, pd.DataFrame({"x": x})).fit()).df
    26
    """
    model, cells, found = _grouping(result, groups)
    observed, expected = observed_expected(result, cells)
    classes = len(model.categories)
    statistic = ((observed - expected) ** 2 / expected).sum()
    df = (found - 2) * (classes - 1) + (classes - 2)
    return _result("Fagerland-Hosmer", statistic, df, observed, expected, model.categories)


def lipsitz(result: OrderedResults, groups: int = 10) -> GoodnessOfFit:
    """Lipsitz test: do indicators of the score groups add to the model?

    Parameters
    ----------
    result : OrderedResults
    groups : int

    Returns
    -------
    GoodnessOfFit
        Likelihood-ratio statistic with ``g - 1`` degrees of freedom.

    Raises
    ------
    ModelError
        When the model with the indicators has no finite estimate (a group without some categories); fewer
        groups help.

    Notes
    -----
    Lipsitz, Fitzmaurice and Molenberghs (1996), Applied Statistics 45, 175-190.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> lipsitz(OrderedLogit(y, pd.DataFrame({"x": x})).fit()).df
    9
    """
    likelihood_model(result)
    model, cells, found = _grouping(result, groups)
    extra = {f"score group {k + 1}": (cells == k).astype(float) for k in range(1, found)}
    try:
        wide = model.with_extra_columns(extra).fit()
    except (SeparationError, ConvergenceError, ModelError) as error:
        raise ModelError(
            f"the Lipsitz test with {found} groups is not computable: {error}. Use fewer groups"
        ) from error
    observed, expected = observed_expected(result, cells)
    statistic = max(2 * (wide.llf - result.llf), 0.0)
    return _result("Lipsitz", statistic, found - 1, observed, expected, model.categories)


def pulkstenis_robinson(
    result: OrderedResults, terms: Sequence[str] | None = None, statistic: Literal["chi2", "deviance"] = "chi2"
) -> GoodnessOfFit:
    """Pulkstenis-Robinson test for models with both factors and continuous predictors.

    Parameters
    ----------
    result : OrderedResults
    terms : sequence of str, optional
        Factors whose patterns make the cells; by default every term whose columns are all 0/1. With many
        factors name the few that matter, or most cells are almost empty.
    statistic : {"chi2", "deviance"}

    Returns
    -------
    GoodnessOfFit
        Cells are the observed patterns of the factors, each split at its median score. Degrees of freedom
        ``(cells - 1)(c - 1) - k - 1``, k the number of columns of the factors.

    Raises
    ------
    ModelError
        When there is no factor, or nothing else varies within the patterns to split them by.

    Notes
    -----
    Pulkstenis and Robinson (2004), Statistics in Medicine 23, 999-1014. A pattern whose loans all have the
    same score is not split. Some software counts factors instead of their columns in k; for two-level
    factors it is the same, with more levels the columns are what was estimated.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = pd.DataFrame({"x": rng.normal(size=800), "d": rng.integers(0, 2, 800)})
    >>> y = np.digitize(x["x"] + x["d"] + rng.logistic(size=800), [-1, 0.5, 2])
    >>> pulkstenis_robinson(OrderedLogit(y, x).fit()).df
    7
    """
    model = fitted_model(result)
    if statistic not in ("chi2", "deviance"):
        raise ModelError(f"statistic={statistic!r}; use 'chi2' or 'deviance'")
    place = {column: i for i, column in enumerate(model.exog_names)}
    factors = {
        term: names
        for term, names in model.terms.items()
        if all(is_indicator(model.exog[:, place[name]]) for name in names)
    }
    if terms is None:
        terms = list(factors)
    unknown = [term for term in terms if term not in factors]
    if unknown:
        raise ModelError(f"terms {unknown} are no factors of the model; its factors are {list(factors)}")
    columns = [place[name] for term in terms for name in factors[term]]
    if not columns:
        raise ModelError("the model has no factor; use fagerland_hosmer and lipsitz")
    weights = row_weights(model)
    pattern = np.unique(model.exog[:, columns], axis=0, return_inverse=True)[1].ravel()
    score = np.round(ordinal_score(result), 12)
    order = np.lexsort((score, pattern))
    n_patterns = int(pattern.max()) + 1
    upper = np.zeros(model.n_rows, dtype=bool)
    edges = np.searchsorted(pattern[order], np.arange(n_patterns + 1))
    split = 0
    for k in range(n_patterns):
        rows = order[edges[k] : edges[k + 1]]
        rows = rows[weights[rows] > 0]
        if not rows.size:
            continue
        cumulative = np.cumsum(weights[rows])
        half = cumulative[-1] / 2
        at = np.searchsorted(cumulative, half)
        # the median of repeated rows: the mean of the two middle ones when the count is even
        median = score[rows[at]]
        if cumulative[at] == half and at + 1 < rows.size:
            median = (median + score[rows[at + 1]]) / 2
        high = score[rows] > median
        upper[rows[high]] = True
        split += bool(high.any())
    if not split:
        raise ModelError(
            "no pattern of factors can be split: within each, all loans have the same score. Name fewer factors in "
            "terms=, so that the other predictors vary within a pattern"
        )
    used = weights > 0
    cells = np.zeros(model.n_rows, dtype=int)
    cells[used] = np.unique(2 * pattern[used] + upper[used], return_inverse=True)[1]
    observed, expected = observed_expected(result, cells)
    classes = len(model.categories)
    df = (len(observed) - 1) * (classes - 1) - len(columns) - 1
    if df < 1:
        raise ModelError(f"{len(observed)} cells leave {df} degrees of freedom; name fewer factors in terms=")
    if statistic == "chi2":
        value = ((observed - expected) ** 2 / expected).sum()
    else:
        seen = observed > 0
        value = 2 * (observed[seen] * np.log(observed[seen] / expected[seen])).sum()
    name = f"Pulkstenis-Robinson {'chi-square' if statistic == 'chi2' else 'deviance'}"
    return _result(name, value, df, observed, expected, model.categories)


def goodness_of_fit(result: OrderedResults, groups: int = 10, terms: Sequence[str] | None = None) -> pd.DataFrame:
    """All four tests in one table.

    Parameters
    ----------
    result : OrderedResults
    groups : int
        For the Fagerland-Hosmer and Lipsitz tests.
    terms : sequence of str, optional
        Factors for the Pulkstenis-Robinson tests.

    Returns
    -------
    pandas.DataFrame
        Index ``test``: ``chi2, df, pvalue, cells, smallest_expected, note``; a test that cannot be computed
        has a note that says why.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = pd.DataFrame({"x": rng.normal(size=800), "d": rng.integers(0, 2, 800)})
    >>> y = np.digitize(x["x"] + x["d"] + rng.logistic(size=800), [-1, 0.5, 2])
    >>> goodness_of_fit(OrderedLogit(y, x).fit())["df"].tolist()
    [26, 9, 7, 7]
    """
    calls = {
        "Fagerland-Hosmer": lambda: fagerland_hosmer(result, groups),
        "Lipsitz": lambda: lipsitz(result, groups),
        "Pulkstenis-Robinson chi-square": lambda: pulkstenis_robinson(result, terms, "chi2"),
        "Pulkstenis-Robinson deviance": lambda: pulkstenis_robinson(result, terms, "deviance"),
    }
    fitted_model(result)
    rows = {}
    for name, call in calls.items():
        try:
            test = call()
            rows[name] = (test.chi2, test.df, test.pvalue, test.groups, test.smallest_expected, test.note)
        except ModelError as error:
            rows[name] = (np.nan, 0, np.nan, 0, np.nan, str(error))
    frame = pd.DataFrame(rows, index=["chi2", "df", "pvalue", "cells", "smallest_expected", "note"]).T
    frame.index.name = "test"
    return frame.astype({"chi2": float, "df": int, "pvalue": float, "cells": int, "smallest_expected": float})
