"""Link functions: the distribution F in P(Y <= j | x) = F(theta_j - x'beta).

Each link gives the distribution itself (``cdf``, ``pdf``, ``ppf``) and :meth:`Link.terms`, the logarithm of
F(a) - F(b) with its first and second derivatives in ``a`` and ``b``. Written out link by link, because the
plain difference F(a) - F(b) loses every digit in the tails, where the rare worst classes live.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from p2prisk.errors import ModelError

# |a| beyond this is numerically plus or minus infinity for every link, and all formulas stay finite
_LIMIT = 700.0
_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


class Terms(NamedTuple):
    """log(F(a) - F(b)) and its derivatives, one entry a row."""

    log_probability: np.ndarray
    d_a: np.ndarray
    d_b: np.ndarray
    d_aa: np.ndarray
    d_ab: np.ndarray
    d_bb: np.ndarray


class Link:
    """A distribution with log-concave density; subclasses give its formulas."""

    name = ""
    # variance of F: the scale on which McKelvey and Zavoina's pseudo-R2 weighs the linear predictor
    variance = np.nan

    def cdf(self, x):
        raise NotImplementedError

    def pdf(self, x):
        raise NotImplementedError

    def ppf(self, probability):
        raise NotImplementedError

    def d_pdf(self, x):
        """Derivative of the density."""
        raise NotImplementedError

    def log_difference(self, a, b):
        """log(F(a) - F(b)) without cancellation; ``-inf`` where ``a <= b``."""
        raise NotImplementedError

    def terms(self, a, b):
        """log(F(a) - F(b)) with first and second derivatives in a and b.

        Parameters
        ----------
        a, b : ndarray, shape (n,)
            Upper and lower bound of the class of each row on the latent scale; may be infinite.

        Returns
        -------
        Terms
        """
        a = np.clip(a, -_LIMIT, _LIMIT)
        b = np.clip(b, -_LIMIT, _LIMIT)
        logp = self.log_difference(a, b)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ratio_a = self._density_ratio(a, logp)
            ratio_b = self._density_ratio(b, logp)
            d_aa = ratio_a * self._log_pdf_slope(a) - ratio_a**2
            d_bb = -ratio_b * self._log_pdf_slope(b) - ratio_b**2
        return Terms(logp, ratio_a, -ratio_b, d_aa, ratio_a * ratio_b, d_bb)

    def binary_terms(self, x, below):
        """log F(x) where ``below``, log(1 - F(x)) elsewhere, with first and second derivatives in x.

        Parameters
        ----------
        x : ndarray
        below : ndarray of bool, shape of x

        Returns
        -------
        tuple of ndarray
            Value, first and second derivative.
        """
        out = self.terms(np.where(below, x, np.inf), np.where(below, -np.inf, x))
        return out.log_probability, np.where(below, out.d_a, out.d_b), np.where(below, out.d_aa, out.d_bb)

    def _density_ratio(self, x, logp):
        """f(x) / (F(a) - F(b)), from logarithms so that neither under- nor overflows alone."""
        return np.exp(self.log_pdf(x) - logp)

    def log_pdf(self, x):
        raise NotImplementedError

    def _log_pdf_slope(self, x):
        """f'(x) / f(x)."""
        raise NotImplementedError

    def __repr__(self):
        return f"<link {self.name}>"


class Logit(Link):
    name = "logit"
    variance = np.pi**2 / 3

    def cdf(self, x):
        return special.expit(x)

    def pdf(self, x):
        return special.expit(x) * special.expit(-np.asarray(x))

    def d_pdf(self, x):
        f = self.pdf(x)
        return f * (1 - 2 * special.expit(x))

    def ppf(self, probability):
        return special.logit(probability)

    def log_difference(self, a, b):
        gap = a - b
        with np.errstate(divide="ignore", invalid="ignore"):
            log_gap = np.where(gap > 0, np.log(-np.expm1(-np.maximum(gap, 0))), -np.inf)
        return special.log_expit(a) + special.log_expit(-b) + log_gap

    def terms(self, a, b):
        # log p = log F(a) + log F(-b) + log(1 - exp(-(a - b))): three concave parts and no cancellation
        a = np.clip(a, -_LIMIT, _LIMIT)
        b = np.clip(b, -_LIMIT, _LIMIT)
        logp = self.log_difference(a, b)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            r = 1.0 / np.expm1(a - b)
        upper, lower = special.expit(-a), special.expit(b)
        curvature = r * (1 + r)
        return Terms(
            logp, upper + r, -lower - r, -upper * (1 - upper) - curvature, curvature, -lower * (1 - lower) - curvature
        )

    def binary_terms(self, x, below):
        # one exponential serves all three; scipy's log_expit and expit take ten times as long
        signed = np.where(below, x, -x)
        small = np.exp(-np.abs(signed))
        rest = np.where(signed > 0, small, 1.0) / (1.0 + small)
        value = np.minimum(signed, 0.0) - np.log1p(small)
        return value, np.where(below, rest, -rest), -rest * (1 - rest)


class Probit(Link):
    name = "probit"
    variance = 1.0

    def cdf(self, x):
        return special.ndtr(x)

    def pdf(self, x):
        return np.exp(self.log_pdf(np.asarray(x, float)))

    def log_pdf(self, x):
        return -0.5 * x * x - _LOG_SQRT_2PI

    def d_pdf(self, x):
        x = np.asarray(x, float)
        return -x * self.pdf(x)

    def _log_pdf_slope(self, x):
        return -x

    def ppf(self, probability):
        return special.ndtri(probability)

    def log_difference(self, a, b):
        # reflect so that the difference is taken in the lower tail, where log F is exact
        flip = a + b > 0
        high = np.where(flip, -b, a)
        low = np.where(flip, -a, b)
        log_high, log_low = special.log_ndtr(high), special.log_ndtr(low)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(high > low, log_high + np.log(-np.expm1(log_low - log_high)), -np.inf)


class ComplementaryLogLog(Link):
    """F(x) = 1 - exp(-exp(x)): the minimum extreme value distribution (proportional hazards)."""

    name = "cloglog"
    variance = np.pi**2 / 6

    def cdf(self, x):
        return -np.expm1(-np.exp(np.minimum(x, _LIMIT)))

    def pdf(self, x):
        return np.exp(self.log_pdf(np.clip(x, -_LIMIT, _LIMIT)))

    def log_pdf(self, x):
        return x - np.exp(x)

    def _log_pdf_slope(self, x):
        return 1 - np.exp(x)

    def d_pdf(self, x):
        return self.pdf(x) * self._log_pdf_slope(np.clip(x, -_LIMIT, _LIMIT))

    def ppf(self, probability):
        return np.log(-np.log1p(-np.asarray(probability, float)))

    def log_difference(self, a, b):
        hazard_a, hazard_b = np.exp(a), np.exp(b)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(a > b, -hazard_b + np.log(-np.expm1(-(hazard_a - hazard_b))), -np.inf)

    def terms(self, a, b):
        out = super().terms(a, b)
        # f(a) is exactly zero for a far above the mode; 0 * inf must be 0
        return Terms(*(np.nan_to_num(part, nan=0.0) if i else part for i, part in enumerate(out)))


class LogLog(Link):
    """F(x) = exp(-exp(-x)): the maximum extreme value (Gumbel) distribution."""

    name = "loglog"
    variance = np.pi**2 / 6
    _mirror = ComplementaryLogLog()

    def cdf(self, x):
        return np.exp(-np.exp(-np.maximum(x, -_LIMIT)))

    def pdf(self, x):
        return self._mirror.pdf(-np.asarray(x, float))

    def d_pdf(self, x):
        return -self._mirror.d_pdf(-np.asarray(x, float))

    def ppf(self, probability):
        return -np.log(-np.log(np.asarray(probability, float)))

    def log_difference(self, a, b):
        return self._mirror.log_difference(-b, -a)

    def terms(self, a, b):
        logp, d_a, d_b, d_aa, d_ab, d_bb = self._mirror.terms(-b, -a)
        return Terms(logp, -d_b, -d_a, d_bb, d_ab, d_aa)


LINKS = {link.name: link for link in (Logit(), Probit(), ComplementaryLogLog(), LogLog())}


def get_link(name):
    """The link of this name: ``"logit"``, ``"probit"``, ``"cloglog"`` or ``"loglog"``.

    >>> get_link("logit").cdf(0.0)
    np.float64(0.5)
    """
    if isinstance(name, Link):
        return name
    try:
        return LINKS[name]
    except KeyError:
        raise ModelError(f"link {name!r} is not known; choose one of {', '.join(LINKS)}") from None
