"""Class probabilities of an ordered logit from its linear predictors, for whoever holds no fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def class_probabilities(eta: ArrayLike, thresholds: ArrayLike) -> np.ndarray:
    """Probability of every class for each linear predictor.

    Parameters
    ----------
    eta : array_like, shape (n,)
        Linear predictors; where one is missing, so are its probabilities.
    thresholds : array_like, shape (k - 1,)
        Increasing thresholds.

    Returns
    -------
    numpy.ndarray, shape (n, k)

    Notes
    -----
    ``P(Y <= j) = F(threshold_j - eta)`` with the logistic F. With a and b the bounds of a class,
    ``F(a) - F(b) = F(a) F(-b) (1 - exp(-(a - b)))``, and a - b is the same in every row: nothing cancels, so that
    small probabilities keep their digits at both ends.

    Examples
    --------
    >>> class_probabilities([0.0], [0.0]).tolist()
    [[0.5, 0.5]]
    """
    theta = np.asarray(thresholds, float)
    bound = theta[None, :] - np.asarray(eta, float)[:, None]
    probability = np.ones((len(bound), len(theta) + 1))
    probability[:, :-1] *= expit(bound)
    probability[:, 1:] *= expit(-bound)
    probability[:, 1:-1] *= -np.expm1(-np.diff(theta))
    return probability
