"""How far are predicted probabilities from a smooth curve of what came? Calibration without bins and without a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.validation._input import as_event, as_weights, both_kinds
from p2prisk.validation.calibration import _probability

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: share of the loans in each local line, as in R's lowess
SPAN = 2 / 3


def flexible_calibration(
    event: ArrayLike, probability: ArrayLike, freq_weights: ArrayLike | None = None, span: float = SPAN
) -> pd.DataFrame:
    """Smooth curve of the observed rate over the predicted probability.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
    probability : array_like, shape (n,)
        Predicted probability of the event.
    freq_weights : array_like of int, optional
        Loans a row stands for; rows are repeated.
    span : float
        Share of the loans in each local line.

    Returns
    -------
    pandas.DataFrame
        One row a distinct probability, in order: ``predicted``, ``observed`` (on the curve), ``loans``.

    Raises
    ------
    DataError
        Fewer than three distinct probabilities, weights that are not whole, or loans of one kind only.

    Notes
    -----
    Cleveland's lowess without robust steps (Austin and Steyerberg 2014, Statistics in Medicine 33, 517-535): a local
    line over the nearest `span` of the loans, at points a hundredth of the range apart and straight between them.

    Examples
    --------
    >>> p = np.repeat([0.1, 0.3, 0.5], 20)
    >>> y = np.r_[np.arange(20) < 2, np.arange(20) < 8, np.arange(20) < 12]
    >>> flexible_calibration(y, p)["loans"].tolist()
    [20, 20, 20]
    """
    from statsmodels.nonparametric.smoothers_lowess import lowess

    event, probability, weights = _loans(event, probability, freq_weights)
    if not 0 < span <= 1:
        raise DataError(f"span must lie between 0 and 1, not {span}")
    distinct, group = np.unique(probability, return_inverse=True)
    if len(distinct) < 3:
        raise DataError(f"{len(distinct)} distinct probabilities; a curve needs three")
    order = np.argsort(probability, kind="stable")
    values, outcome = np.repeat(probability[order], weights[order]), np.repeat(event[order], weights[order])
    delta = 0.01 * float(np.ptp(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        curve = lowess(outcome.astype(float), values, frac=span, it=0, delta=delta, is_sorted=True, return_sorted=False)
    if not np.isfinite(curve).all():
        raise DataError("the curve cannot be drawn: too many loans share one probability; use calibration_by_cut")
    first = np.searchsorted(values, distinct)
    return pd.DataFrame(
        {"predicted": distinct, "observed": curve[first], "loans": np.bincount(group, weights).astype(int)}
    )


def calibration_distance(
    event: ArrayLike, probability: ArrayLike, freq_weights: ArrayLike | None = None, span: float = SPAN
) -> pd.Series:
    """Distance of predicted probabilities from the smooth curve of what came.

    Parameters
    ----------
    event, probability, freq_weights, span
        As of :func:`flexible_calibration`.

    Returns
    -------
    pandas.Series
        ``ici`` (integrated calibration index, the mean distance over the loans), ``e50`` and ``e90`` (its median and
        ninetieth percentile), ``emax``. All are in units of probability; zero is perfect. They are above zero even
        for perfect probabilities, by the noise of the curve.

    Notes
    -----
    Austin and Steyerberg (2019), Statistics in Medicine 38, 4051-4065. For an interval, resample and refit.

    Examples
    --------
    >>> p = np.repeat([0.1, 0.3, 0.5], 20)
    >>> y = np.r_[np.arange(20) < 2, np.arange(20) < 6, np.arange(20) < 10]
    >>> calibration_distance(y, p).round(6).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    curve = flexible_calibration(event, probability, freq_weights, span)
    away = np.repeat((curve["observed"] - curve["predicted"]).abs().to_numpy(), curve["loans"].to_numpy())
    return pd.Series(
        {"ici": away.mean(), "e50": np.quantile(away, 0.5), "e90": np.quantile(away, 0.9), "emax": away.max()}
    )


def _loans(event, probability, freq_weights):
    event = as_event(event)
    probability = _probability(probability, event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    if (weights != np.round(weights)).any():
        raise DataError("freq_weights must be whole: a smooth curve is drawn over single loans")
    both_kinds(event, weights, "the sample to calibrate on")
    return event, probability, weights.astype(int)
