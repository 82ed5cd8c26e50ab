"""Surrogate residuals: continuous residuals of an ordinal model (Liu and Zhang 2018).

The ordered logit says that a latent variable ``x'beta + error`` fell between two thresholds. Drawing that
variable from its distribution given the observed category and subtracting ``x'beta`` gives a residual that
follows the error's distribution, independent of x, when the model is right. A wrong curve, link, spread or
missing interaction then shows in a plot against the predictor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from p2prisk.assumptions._support import fitted_model, is_indicator, row_weights
from p2prisk.errors import ModelError
from p2prisk.ordered.families import Cumulative

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from p2prisk.ordered.results import OrderedResults

_ROWS = 131072


def surrogate_residuals(result: OrderedResults, seed: int = 0, draws: int = 1, per_loan: bool = False) -> np.ndarray:
    """Surrogate residuals of every row.

    Parameters
    ----------
    result : OrderedResults
        Any link; with slopes freed by threshold each category's own bounds are used.
    seed : int
        Seed of the draws; the same seed gives the same residuals.
    draws : int
        Residuals a row. One is usual; a few make the plots of small samples steadier.
    per_loan : bool
        For grouped data: one residual for each loan instead of each row, rows repeated by their frequency
        weight.

    Returns
    -------
    ndarray, shape (n_rows,) or (n_rows, draws); with `per_loan` shape (nobs,)
        Under the model a sample of the link's error distribution (for the logit: logistic, mean 0, variance
        pi^2/3). A row of grouped data gets `draws` residuals whatever its weight.

    Notes
    -----
    Liu and Zhang (2018), Journal of the American Statistical Association 113, 845-854. Drawn as the quantile
    of a uniform number between the two cumulative probabilities, in the tail where these are exact.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> residual = surrogate_residuals(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), seed=1)
    >>> bool(abs(residual.mean()) < 0.2), residual.shape
    (True, (800,))
    """
    model = fitted_model(result)
    if not isinstance(model.family, Cumulative):
        raise ModelError(
            "surrogate residuals belong to the one latent variable of a cumulative model; a sequential model has one "
            "a stage. Look at its stages with goodness_of_fit or brant"
        )
    if int(draws) < 1:
        raise ModelError(f"draws={draws!r}; at least one is needed")
    if per_loan:
        if int(draws) != 1:
            raise ModelError("with per_loan=True each loan gets one residual; leave draws at 1")
        rows = _loan_rows(model)
        out = np.empty(rows.size)
        rng = np.random.default_rng(seed)
        for start in range(0, rows.size, _ROWS):
            pick = rows[start : start + _ROWS]
            offset = None if model.offset is None else model.offset[pick]
            latent = model.layout.latent(result.params.to_numpy(), model.exog[pick], offset)
            upper, lower = model.family.bounds(latent, model.endog_codes[pick])
            out[start : start + _ROWS] = _truncated(model.link, lower, upper, rng.random(pick.size))
        return out
    rng = np.random.default_rng(seed)
    params = result.params.to_numpy()
    out = np.empty((model.n_rows, int(draws)))
    for start in range(0, model.n_rows, _ROWS):
        rows = slice(start, min(start + _ROWS, model.n_rows))
        offset = None if model.offset is None else model.offset[rows]
        latent = model.layout.latent(params, model.exog[rows], offset)
        upper, lower = model.family.bounds(latent, model.endog_codes[rows])
        uniform = rng.random((len(upper), int(draws)))
        out[rows] = _truncated(model.link, lower[:, None], upper[:, None], uniform)
    return out[:, 0] if int(draws) == 1 else out


def _loan_rows(model):
    """Row of every loan; rows of grouped data are repeated by their weight."""
    if model.weights is None:
        return np.arange(model.n_rows)
    counts = np.rint(model.weights).astype(int)
    if np.abs(model.weights - counts).max() > 1e-9:
        raise ModelError("freq_weights are not whole numbers, so loans cannot be told apart; draw a residual a row")
    return np.repeat(np.arange(model.n_rows), counts)


def _sample(result, seed):
    """Residuals with their rows and weights: one a loan, or one a row where weights are not whole numbers."""
    model = result.model
    weights = row_weights(model)
    if np.abs(weights - np.rint(weights)).max() > 1e-9:
        return surrogate_residuals(result, seed), np.arange(model.n_rows), weights
    rows = _loan_rows(model)
    return surrogate_residuals(result, seed, per_loan=True), rows, np.ones(rows.size)


def _truncated(link, lower, upper, uniform):
    """Quantiles of the link's distribution between two bounds."""
    if link.name in ("logit", "probit"):
        # symmetric: work in the lower tail, where the distribution function is exact
        flip = lower + upper > 0
        flip = np.where(np.isinf(lower) & np.isinf(upper), False, flip)
        low = np.where(flip, -upper, lower)
        high = np.where(flip, -lower, upper)
        p, q = link.cdf(low), link.cdf(high)
        value = link.ppf(p + uniform * (q - p))
        value = np.where(flip, -value, value)
    else:
        p, q = link.cdf(lower), link.cdf(upper)
        value = link.ppf(p + uniform * (q - p))
    # a category that the model calls impossible to the last bit: the draw sits on its bound
    middle = np.where(np.isfinite(lower), lower, upper)
    value = np.where(np.isfinite(value), value, middle)
    return np.clip(value, lower, upper)


def surrogate_quantiles(result: OrderedResults, seed: int = 0, points: Any = 200) -> pd.DataFrame:
    """Quantiles of the surrogate residuals beside those of the error distribution, for a Q-Q plot.

    Returns
    -------
    pandas.DataFrame
        ``probability, theoretical, observed, low, high``; low and high bound 95 % of the observed quantiles
        of a sample of this size under the model, point by point.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> frame = surrogate_quantiles(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), points=50)
    >>> bool(frame["observed"].between(frame["low"], frame["high"]).mean() > 0.8)
    True
    """
    model = fitted_model(result)
    residual, _, weights = _sample(result, seed)
    order = np.argsort(residual)
    cumulative = np.cumsum(weights[order])
    total = cumulative[-1]
    position = (cumulative - weights[order] / 2) / total
    probability = (np.arange(points) + 0.5) / points
    observed = np.interp(probability, position, residual[order])
    # the number of residuals that fall below a quantile is binomial
    effective = total**2 / (weights**2).sum()
    below = probability * effective
    low = special.betaincinv(np.maximum(below, 0.5), np.maximum(effective - below + 1, 0.5), 0.025)
    high = special.betaincinv(np.maximum(below + 1, 0.5), np.maximum(effective - below, 0.5), 0.975)
    return pd.DataFrame(
        {
            "probability": probability,
            "theoretical": model.link.ppf(probability),
            "observed": observed,
            "low": model.link.ppf(np.clip(low, 1e-12, 1 - 1e-12)),
            "high": model.link.ppf(np.clip(high, 1e-12, 1 - 1e-12)),
        }
    )


def surrogate_by_predictor(
    result: OrderedResults, column: str, seed: int = 0, bins: int = 20, values: ArrayLike | None = None
) -> pd.DataFrame:
    """Mean surrogate residual along one predictor, for a residual plot.

    Parameters
    ----------
    result : OrderedResults
    column : str
        Column of the design; or any name when `values` is given.
    seed : int
    bins : int
        Classes of equal weight (levels, when the predictor has no more values than that).
    values : array_like, shape (n_rows,), optional
        A predictor that is not in the model: one left out, or the raw value behind a transformed column.

    Returns
    -------
    pandas.DataFrame
        ``value`` (mean of the predictor in the class), ``loans, mean, ci_low, ci_high`` of the residual,
        ``variance``. Under the model the mean is that of the link's distribution in every class;
        ``attrs["centre"]`` holds it.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=3000)
    >>> y = np.digitize(x**2 + rng.logistic(size=3000), [-1, 0.5, 2])
    >>> frame = surrogate_by_predictor(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), "x", bins=10)
    >>> bool(frame["mean"].iloc[0] > 1), bool(frame["mean"].iloc[5] < 0)
    (True, True)
    """
    model = fitted_model(result)
    if values is None:
        if column not in model.exog_names:
            raise ModelError(f"{column!r} is no column of the model ({model.exog_names}); give its values")
        values = model.exog[:, model.exog_names.index(column)]
    values = np.asarray(values, dtype=float)
    if values.shape != (model.n_rows,) or not np.isfinite(values).all():
        raise ModelError(f"values must be {model.n_rows} finite numbers, one for each row of the fit")
    residual, rows, weights = _sample(result, seed)
    values = values[rows]
    distinct, place = np.unique(values, return_inverse=True)
    if distinct.size > bins and not is_indicator(distinct):
        count = np.bincount(place, weights)
        middle = (np.cumsum(count) - count / 2) / count.sum()
        place = np.minimum((middle * bins).astype(int), bins - 1)[place]
        place = np.unique(place, return_inverse=True)[1]
    size = np.bincount(place, weights)
    mean = np.bincount(place, weights * residual) / size
    variance = np.bincount(place, weights * (residual - mean[place]) ** 2) / size
    effective = size**2 / np.bincount(place, weights**2)
    half = 1.959963984540054 * np.sqrt(variance / np.maximum(effective - 1, 1))
    frame = pd.DataFrame(
        {
            "value": np.bincount(place, weights * values) / size,
            "loans": size,
            "mean": mean,
            "ci_low": mean - half,
            "ci_high": mean + half,
            "variance": variance,
        }
    )
    centre = {"cloglog": -np.euler_gamma, "loglog": np.euler_gamma}.get(model.link.name, 0.0)
    frame.attrs.update(centre=centre, variance=model.link.variance, column=column)
    return frame


def surrogate_summary(result: OrderedResults, seed: int = 0) -> pd.Series:
    """Mean, variance and distance of the surrogate residuals from the error distribution.

    Returns
    -------
    pandas.Series
        ``mean, expected_mean, variance, expected_variance, ks_distance`` (largest gap between the
        distribution of the residuals and the link's), ``ks_critical`` (what chance alone exceeds once in
        twenty times if the parameters were known; with estimated ones it is exceeded more rarely).

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> s = surrogate_summary(OrderedLogit(y, pd.DataFrame({"x": x})).fit())
    >>> bool(s["ks_distance"] < s["ks_critical"])
    True
    """
    model = fitted_model(result)
    residual, _, weights = _sample(result, seed)
    order = np.argsort(residual)
    share = np.cumsum(weights[order]) / weights.sum()
    expected = model.link.cdf(residual[order])
    before = np.concatenate([[0.0], share[:-1]])
    distance = max(np.abs(share - expected).max(), np.abs(expected - before).max())
    mean = np.average(residual, weights=weights)
    effective = weights.sum() ** 2 / (weights**2).sum()
    return pd.Series(
        {
            "mean": mean,
            "expected_mean": {"cloglog": -np.euler_gamma, "loglog": np.euler_gamma}.get(model.link.name, 0.0),
            "variance": np.average((residual - mean) ** 2, weights=weights),
            "expected_variance": model.link.variance,
            "ks_distance": distance,
            "ks_critical": 1.358 / np.sqrt(effective),
        }
    )
