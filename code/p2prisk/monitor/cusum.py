"""Risk-adjusted CUSUM on the default rate: small lasting changes, found early, at a known rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Cusum:
    """A one-sided CUSUM chart on failures against their forecast.

    Attributes
    ----------
    odds_ratio : float
        Change it is tuned to find: odds of failure multiplied by this.
    threshold : float
        The chart signals when it reaches this.
    false_alarm : float
        Probability of any false signal within `horizon` periods, as simulated.
    horizon : int
        Periods the false-alarm rate refers to.
    period_sd : float
        Standard deviation, on the log-odds scale, of ordinary common shocks allowed for.
    simulations : int
        Replications behind the threshold.
    """

    odds_ratio: float
    threshold: float
    false_alarm: float
    horizon: int
    period_sd: float
    simulations: int

    def path(self, period: Any, events: Any, expected: Any, loans: Any = None) -> pd.DataFrame:
        """Run the chart over data.

        Parameters
        ----------
        period, events, expected, loans
            As in :func:`~p2prisk.monitor.drift.calibration_drift`.

        Returns
        -------
        pandas.DataFrame
            ``period, loans, events, expected, score, cusum, signal``.
        """
        code, labels, events, expected, loans = _grouped(period, events, expected, loans)
        score = _score(code, len(labels), events, expected, loans, self.odds_ratio)
        chart = _accumulate(score)
        return pd.DataFrame(
            {
                "period": labels,
                "loans": np.bincount(code, loans).astype(np.int64),
                "events": np.bincount(code, events).astype(np.int64),
                "expected": np.bincount(code, loans * expected),
                "score": score,
                "cusum": chart,
                "signal": chart >= self.threshold,
            }
        )


def _grouped(period, events, expected, loans):
    events, expected = np.asarray(events, float), np.asarray(expected, float)
    loans = np.ones_like(expected) if loans is None else np.asarray(loans, float)
    if ((expected <= 0) | (expected >= 1)).any():
        bad = np.flatnonzero((expected <= 0) | (expected >= 1))
        raise DataError(f"{len(bad)} forecasts are not strictly between 0 and 1, the first in row {bad[0]}")
    if ((events < 0) | (events > loans)).any():
        raise DataError("failures must lie between 0 and the number of loans")
    code, labels = pd.factorize(pd.Series(period), sort=True)
    return code, labels, events, expected, loans


def _score(code, size, events, expected, loans, odds_ratio):
    """Log-likelihood ratio of odds multiplied by `odds_ratio` against the forecast, summed by period."""
    gain = events * np.log(odds_ratio) - loans * np.log1p(expected * (odds_ratio - 1))
    return np.bincount(code, gain, size)


def _accumulate(score):
    chart = np.zeros(np.shape(score))
    level = np.zeros(np.shape(score)[:-1])
    for at in range(np.shape(score)[-1]):
        level = np.maximum(level + score[..., at], 0.0)
        chart[..., at] = level
    return chart


def calibrate_cusum(
    period: ArrayLike,
    expected: ArrayLike,
    loans: ArrayLike | None = None,
    *,
    odds_ratio: float = 1.5,
    false_alarm: float = 0.05,
    period_sd: float = 0.0,
    simulations: int = 4000,
    seed: int = 0,
) -> Cusum:
    """Find the threshold that gives a CUSUM chart its false-alarm rate over the periods of the data.

    Parameters
    ----------
    period : array_like
        Period of each row.
    expected : array_like
        Forecast probability of the row's loans.
    loans : array_like, optional
        Loans a row stands for.
    odds_ratio : float
        Change to be found: above 1 deterioration, below 1 improvement.
    false_alarm : float
        Wanted probability of any signal while nothing has changed.
    period_sd : float
        Ordinary common shocks: the log odds of a period's loans move together with this standard deviation. With 0
        the loans are independent, which a real book is not; the chart then cries wolf.
    simulations : int
        Replications.
    seed : int
        Seed.

    Returns
    -------
    Cusum

    Notes
    -----
    Risk-adjusted CUSUM of Steiner, Cook, Farewell and Treasure (2000, Biostatistics 1(4)); the threshold is the
    quantile of the chart's maximum over simulated healthy histories with the same loans and forecasts.

    Examples
    --------
    >>> chart = calibrate_cusum(range(24), [0.05] * 24, [400] * 24, simulations=500)
    >>> chart.horizon, 1 < chart.threshold < 8
    (24, True)
    """
    if not odds_ratio > 0 or odds_ratio == 1:
        raise DataError("the odds ratio must be positive and not 1: above 1 finds deterioration, below 1 improvement")
    if not 0 < false_alarm < 1:
        raise DataError("the false-alarm rate must lie strictly between 0 and 1")
    code, labels, _, expected, loans = _grouped(period, np.zeros(np.shape(expected)), expected, loans)
    rng = np.random.default_rng(seed)
    size = len(labels)
    loss = np.bincount(code, -loans * np.log1p(expected * (odds_ratio - 1)), size)
    scores = np.empty((simulations, size))
    offset = logit(expected)
    counts = loans.astype(np.int64)
    for at in range(simulations):
        shock = rng.standard_normal(size) * period_sd
        failed = rng.binomial(counts, expit(offset + shock[code]) if period_sd else expected)
        scores[at] = np.bincount(code, failed, size) * np.log(odds_ratio) + loss
    peak = _accumulate(scores).max(axis=1)
    threshold = float(np.quantile(peak, 1 - false_alarm, method="higher"))
    # the maximum is discrete: a signal needs to exceed what false histories reach too often
    threshold = float(np.nextafter(threshold, np.inf)) if (peak >= threshold).mean() > false_alarm else threshold
    return Cusum(float(odds_ratio), threshold, float((peak >= threshold).mean()), size, float(period_sd), simulations)
