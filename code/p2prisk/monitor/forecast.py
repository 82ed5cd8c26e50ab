"""Multi-period forecasts and their check: states by transition matrix, vintages by development of older ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.monitor.panel import month_index, month_name, read_panel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from p2prisk.kinds import DateLike
    from p2prisk.monitor.panel import Panel
    from p2prisk.monitor.roll_rates import RollRates

#: Weight of the prior of a vintage's relative risk, in expected failures (our choice).
STRENGTH = 25.0


def forecast_states(
    rates: RollRates, start: ArrayLike, horizon: int, *, draws: int = 2000, seed: int = 0, confidence: float = 0.95
) -> pd.DataFrame:
    """Forecast how many loans are in each state over the coming months.

    Parameters
    ----------
    rates : RollRates
        Estimated transitions.
    start : array_like, shape (states,)
        Loans by state now.
    horizon : int
        Months ahead.
    draws : int
        Simulated futures: each draws a matrix from the Dirichlet posterior and then the loans' moves, so that the
        interval holds both what is not known of the matrix and the luck of the loans.
    seed : int
        Seed of the draws.
    confidence : float
        Level of the intervals.

    Returns
    -------
    pandas.DataFrame
        ``step, state, expected, low, high``. A state never seen in the past keeps its loans.

    Notes
    -----
    The chain is taken as homogeneous: the next months are like the months the matrix was estimated on. The check,
    :func:`check_forecast`, shows when they are not.
    """
    counts = rates.counts.to_numpy(dtype=float)
    size = len(counts)
    start = np.asarray(start)
    if start.shape != (size,) or (start < 0).any():
        raise DataError(f"start needs {size} counts of loans, none negative")
    if horizon < 1:
        raise DataError("the horizon is one month at least")
    rng = np.random.default_rng(seed)
    fixed = counts.sum(axis=1) == 0
    prior = np.where(counts.sum(axis=0) + counts.sum(axis=1) > 0, 0.5, 0.0)
    matrix = np.zeros((draws, size, size))
    for i in range(size):
        if fixed[i]:
            matrix[:, i, i] = 1.0
            continue
        # states nobody was ever in stay impossible
        use = np.flatnonzero(prior > 0) if counts[i].sum() != counts[i, i] else np.array([i])
        matrix[:, i, use] = rng.dirichlet(counts[i, use] + prior[use] / len(use), size=draws)
    now = np.broadcast_to(start.astype(np.int64), (draws, size)).copy()
    mean = np.where(fixed[:, None], np.eye(size), counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    expected = start.astype(float)
    rows = []
    tail = (1 - confidence) / 2
    for step in range(1, horizon + 1):
        expected = expected @ mean
        now = np.sum([rng.multinomial(now[:, i], matrix[:, i]) for i in range(size)], axis=0)
        low, high = np.quantile(now, [tail, 1 - tail], axis=0)
        rows += [(step, name, expected[k], low[k], high[k]) for k, name in enumerate(rates.counts.index)]
    return pd.DataFrame(rows, columns=["step", "state", "expected", "low", "high"])


def check_forecast(forecast: pd.DataFrame, frame: pd.DataFrame | Panel, *, origin: DateLike) -> pd.DataFrame:
    """Set a forecast of states against what happened to the same loans.

    Parameters
    ----------
    forecast : pandas.DataFrame
        From :func:`forecast_states`.
    frame : pandas.DataFrame or Panel
        Performance that includes the months after `origin`.
    origin : date-like
        Month the forecast was made in; loans issued later are left out.

    Returns
    -------
    pandas.DataFrame
        The forecast with ``month``, ``observed`` and ``inside`` (whether the interval holds it).
    """
    panel = read_panel(frame)
    at = month_index(origin)
    last = int(panel.month.max())
    inside = panel.month[panel.first] <= at
    rows = inside[panel.loan] & (panel.month >= at)
    size = len(panel.states)
    running = rows & (panel.month == at)
    alive = np.zeros(len(panel.first), dtype=bool)
    alive[panel.loan[running]] = True
    rows &= alive[panel.loan]
    steps = int(forecast["step"].max())
    if at + steps > last:
        raise DataError(f"the panel ends in {month_name(last)}, before the {steps} months of the forecast have passed")
    count = np.bincount((panel.month[rows] - at) * size + panel.state[rows], minlength=(steps + 1) * size)[
        : (steps + 1) * size
    ].reshape(steps + 1, size)
    # a loan that ended and reports no more stays where it ended
    last_row = np.append(panel.first[1:], len(panel.loan)) - 1
    ended = alive & (panel.month[last_row] < last)
    end_month = panel.month[last_row[ended]] - at
    end_state = panel.state[last_row[ended]]
    for month, state in zip(end_month, end_state, strict=True):
        count[month + 1 :, state] += 1
    checked = forecast.copy()
    code = pd.Index(panel.states).get_indexer(checked["state"])
    checked["month"] = month_name(at + checked["step"].to_numpy())
    checked["observed"] = count[checked["step"].to_numpy(), code]
    checked["inside"] = checked["observed"].between(checked["low"], checked["high"])
    return checked


def forecast_vintages(
    curves: pd.DataFrame, *, age: int, strength: float = STRENGTH, confidence: float = 0.9
) -> pd.DataFrame:
    """Forecast the cumulative failures of every vintage at `age` from how older vintages developed.

    Parameters
    ----------
    curves : pandas.DataFrame
        Curves as known at the date of the forecast, from :func:`~p2prisk.monitor.vintages.vintage_curves`.
    age : int
        Age at which the vintage is forecast, in months.
    strength : float
        Weight of the prior, in expected failures: a vintage with as many expected failures so far is believed half.
    confidence : float
        Level of the interval.

    Returns
    -------
    pandas.DataFrame
        ``vintage, loans, observed_age, events, relative_risk, forecast, low, high`` with shares of the vintage's
        loans.

    Notes
    -----
    The development f(a), failures at age a over loans issued, is pooled over all vintages that have reached a. A
    vintage's failures so far are Poisson with mean theta times their expectation, theta a priori Gamma with mean 1
    and shape `strength`; failures to come are then negative binomial (Bühlmann's credibility).

    Raises
    ------
    DataError
        If no vintage has reached `age`.
    """
    wide = curves.pivot(index="vintage", columns="age", values="events").reindex(columns=range(age + 1))
    loans = curves.groupby("vintage")["loans"].first().reindex(wide.index).to_numpy(dtype=float)
    table = wide.to_numpy(dtype=float)
    reached = ~np.isnan(table)
    if not reached[:, age].any():
        raise DataError(f"no vintage has reached {age} months; forecast a smaller age or wait")
    increments = np.diff(np.nan_to_num(table), axis=1, prepend=0.0)
    exposure = (reached * loans[:, None]).sum(axis=0)
    development = np.where(reached, increments, 0.0).sum(axis=0) / exposure
    cumulative = development.cumsum()
    seen = reached.sum(axis=1) - 1
    events = table[np.arange(len(table)), seen]
    expected = loans * cumulative[seen]
    to_come = loans * (cumulative[age] - cumulative[seen])
    risk = (events + strength) / (expected + strength)
    shape = events + strength
    probability = (expected + strength) / (expected + strength + to_come)
    tail = (1 - confidence) / 2
    low, high = (scipy.stats.nbinom.ppf(q, shape, probability) for q in (tail, 1 - tail))
    return pd.DataFrame(
        {
            "vintage": wide.index,
            "loans": loans.astype(np.int64),
            "observed_age": seen,
            "events": events.astype(np.int64),
            "relative_risk": risk,
            "forecast": (events + risk * to_come) / loans,
            "low": (events + low) / loans,
            "high": (events + high) / loans,
        }
    )


def check_vintages(forecast: pd.DataFrame, observed: pd.Series) -> pd.DataFrame:
    """Set a forecast of vintages against what came.

    Parameters
    ----------
    forecast : pandas.DataFrame
        From :func:`forecast_vintages`.
    observed : pandas.Series
        Share of each vintage that failed by the age of the forecast; index: vintage.

    Returns
    -------
    pandas.DataFrame
        The forecast with ``observed`` and ``side``: ``inside`` the interval, ``below`` or ``above`` it.

    Raises
    ------
    DataError
        If the outcome of a vintage is missing.
    """
    came = observed.reindex(forecast["vintage"]).to_numpy(dtype=float)
    if np.isnan(came).any():
        missing = forecast.loc[np.isnan(came), "vintage"]
        raise DataError(
            f"no outcome for {len(missing)} vintages, the first is {missing.iloc[0]}; wait, or leave them out"
        )
    side = np.select([came < forecast["low"], came > forecast["high"]], ["below", "above"], "inside")
    return forecast.assign(observed=came, side=side)
