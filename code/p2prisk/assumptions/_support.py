"""What the checks share: the fitted model's data, new models beside it, groups of loans by score."""

import re

import numpy as np
import pandas as pd

from p2prisk.errors import ModelError


def fitted_model(result):
    """The model of a result, refusing what a check cannot use."""
    model = getattr(result, "model", None)
    if model is None:
        raise ModelError(
            "this check needs the data of the fit, and the result holds none; refit, or use the result "
            "before remove_data() or to_json()"
        )
    if getattr(result, "penalty", None):
        raise ModelError("a penalised fit is no maximum likelihood estimate; refit without penalty for this check")
    return model


def likelihood_model(result):
    """The model of a result for a check that compares log-likelihoods."""
    model = fitted_model(result)
    if getattr(result, "estimator", "ml") != "ml":
        raise ModelError(
            "this check compares log-likelihoods, and a bias-reduced fit does not maximise its own; merge the level "
            "that separates (on_separation='merge') and refit for this check"
        )
    return model


def row_weights(model):
    """Loans each row stands for (ones without frequency weights)."""
    return np.ones(model.n_rows) if model.weights is None else np.asarray(model.weights, dtype=float)


def is_indicator(values):
    """Whether a column holds only zeros and ones."""
    head = values[:1000]
    return bool(((head == 0) | (head == 1)).all() and ((values == 0) | (values == 1)).all())


def column_spread(model):
    """Standard deviation of every column, over the loans."""
    weights = row_weights(model)
    mean = np.average(model.exog, axis=0, weights=weights)
    spread = [np.sqrt(np.average((model.exog[:, i] - m) ** 2, weights=weights)) for i, m in enumerate(mean)]
    return pd.Series(spread, model.exog_names)


def weighted_quantiles(values, weights, shares):
    """Smallest value at or below which at least each share of the loans lies; weights equal repeated rows."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    places = np.searchsorted(cumulative, np.asarray(shares) * cumulative[-1])
    return values[order][np.minimum(places, len(values) - 1)]


def term_of(model):
    """Term of every column."""
    return {column: term for term, columns in model.terms.items() for column in columns}


def level_name(column):
    """Level that a coded column stands for: ``"C(home)[T.RENT]"`` gives ``"RENT"``; other columns their own name."""
    found = re.search(r"\[(?:T\.)?(.+)\]$", column)
    return found.group(1) if found else column


def ordinal_score(result):
    """Expected category of each row, counted from 1: the score by which goodness-of-fit tests group loans."""
    return 1.0 + np.asarray(result.predict(which="expected"), dtype=float)


def equal_groups(score, weights, groups):
    """Group 0..groups-1 of each row by its score, of equal weight; rows with equal scores stay together."""
    values, place = np.unique(np.round(score, 12), return_inverse=True)
    count = np.bincount(place, weights)
    middle = (np.cumsum(count) - count / 2) / count.sum()
    group = np.minimum((middle * groups).astype(int), groups - 1)
    present, compact = np.unique(group, return_inverse=True)
    return compact[place], present.size


def observed_expected(result, cells):
    """Observed and expected counts of each category in each cell.

    Returns
    -------
    observed, expected : ndarray, shape (cells, J)
    """
    model = result.model
    weights = row_weights(model)
    probability = np.asarray(result.predict(), dtype=float)
    n_cells, classes = int(cells.max()) + 1, probability.shape[1]
    observed = np.bincount(cells * classes + model.endog_codes, weights, n_cells * classes).reshape(n_cells, classes)
    expected = np.column_stack([np.bincount(cells, weights * probability[:, k], n_cells) for k in range(classes)])
    return observed, expected
