"""Point-in-time calibration: move probabilities to the default rate of the time, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def shift_to_target(probability: ArrayLike, target: float, freq_weights: ArrayLike | None = None) -> float:
    """Shift of the log-odds after which the mean probability meets a target.

    Parameters
    ----------
    probability : array_like, shape (n,)
        Probabilities strictly between 0 and 1; missing ones are left out.
    target : float
        Mean to meet, strictly between 0 and 1.
    freq_weights : array_like, optional
        Loans a row stands for.

    Returns
    -------
    float
        Applied with :func:`apply_shift`; the opposite shift undoes it exactly.

    Notes
    -----
    A shift of the intercept keeps the order of borrowers and the odds ratios between them: only the level moves.
    It is right when bad times multiply everybody's odds, and wrong when they change who fails.

    Examples
    --------
    >>> p = np.array([0.05, 0.10, 0.30])
    >>> moved = apply_shift(p, shift_to_target(p, 0.25))
    >>> round(float(moved.mean()), 12)
    0.25
    """
    from scipy.optimize import brentq  # a tenth of a second, and few commands need it

    probability = np.asarray(probability, dtype=float)
    weights = np.ones(probability.shape) if freq_weights is None else np.asarray(freq_weights, dtype=float)
    if weights.shape != probability.shape:
        raise DataError(f"{weights.size} weights are given for {probability.size} probabilities")
    keep = ~np.isnan(probability) & (weights > 0)
    probability, weights = probability[keep], weights[keep]
    if not probability.size:
        raise DataError("no loan has a probability; there is nothing to calibrate")
    if ((probability <= 0) | (probability >= 1)).any():
        raise DataError("probabilities must lie strictly between 0 and 1")
    if not 0 < target < 1:
        raise DataError(f"the target rate is {target!r}; it must lie strictly between 0 and 1")
    odds = logit(probability)
    # the shifts of the worst and of the best loan alone, and a little more
    ends = logit(target) - odds.max() - 1, logit(target) - odds.min() + 1
    return float(brentq(lambda d: np.average(expit(odds + d), weights=weights) - target, *ends, xtol=1e-14, rtol=1e-15))


def apply_shift(probability: ArrayLike, shift: float) -> np.ndarray | float:
    """Probabilities with their log-odds moved by `shift`.

    Examples
    --------
    >>> round(apply_shift(0.5, np.log(3.0)), 6)
    0.75
    """
    moved = expit(logit(np.asarray(probability, dtype=float)) + shift)
    return float(moved) if np.ndim(moved) == 0 else moved
