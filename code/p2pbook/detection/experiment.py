"""What would have caught it? Five ways to turn bad, seventeen instruments, one rate of false alarms.

Run as ``python -m p2pbook.detection`` to make ``data/detection_study.csv`` and ``data/detection_limits.csv`` again
(about a quarter of an hour on one core). Everything in them is simulated.
"""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from p2pbook.detection.instruments import FAMILIES, INSTRUMENTS, statistics
from p2prisk.datasets import table
from p2prisk.simulate import CAUSES, TurningBad, simulate_platform

#: Entropy of every seed; the platform of a cell and replicate has the spawn key (cell, replicate).
ENTROPY = 20190704

LOANS, MONTHS, ONSET = 8000, 42, 18

REFERENCE = np.arange(6, ONSET)

WATCH = np.arange(ONSET, MONTHS)

DOSES = (0.25, 0.5, 1.0, 2.0)

FALSE_ALARM = 0.05

CALIBRATION_CELL, CHECK_CELL = 0, 1

HEALTHY_CALIBRATION, HEALTHY_CHECK, REPLICATES = 400, 200, 50

#: columns of the study's result beside the instruments
KEYS = ("cause", "dose", "replicate", "at_risk")

#: what an alarm is read from: single instruments, families
READINGS = (*INSTRUMENTS, *FAMILIES)


def cells():
    """Cause and dose of every cell: cells 0 and 1 are healthy platforms.

    Examples
    --------
    >>> cells()[2], len(cells())
    (('repayment', 0.25), 22)
    """
    return [("healthy", 0.0), ("healthy", 0.0), *((cause, dose) for cause in CAUSES for dose in DOSES)]


def one_platform(cell, replicate):
    """Simulate one platform of the study and read its instruments.

    Parameters
    ----------
    cell : int
        Position in :func:`cells`.
    replicate : int
        Number of the replicate.

    Returns
    -------
    values : numpy.ndarray, shape (instruments, months watched)
        Statistics.
    at_risk : float
        Money lost or exposed because the platform turned bad, as share of the balance at the end: credit losses
        above those of the healthy twin with the same seed, and connected, diverted and pooled money.
    """
    cause, dose = cells()[cell]
    seed = np.random.SeedSequence(ENTROPY, spawn_key=(cell, replicate))
    bad = None if cause == "healthy" else TurningBad(cause, dose, ONSET)
    platform = simulate_platform(LOANS, MONTHS, seed=seed, turning_bad=bad)
    at_risk = 0.0
    if bad is not None:
        truth = platform.truth
        exposed = sum(truth[name][-1] for name in ("connected_balance", "diverted", "pooled"))
        if cause in ("repayment", "environment", "management"):
            twin = simulate_platform(LOANS, MONTHS, seed=seed).truth
            exposed += truth["credit_loss"].sum() - twin["credit_loss"].sum()
        at_risk = float(exposed / truth["balance"][-1])
    return statistics(platform, REFERENCE, WATCH), at_risk


def calibrate(values):
    """Limits that give every reading the same false-alarm rate.

    Parameters
    ----------
    values : numpy.ndarray, shape (replicates, instruments, months)
        Statistics of healthy platforms.

    Returns
    -------
    centre, spread : numpy.ndarray, shape (instruments, months)
        Mean and standard deviation by month.
    limits : numpy.ndarray, shape (readings,)
        A reading signals when its standardised statistic is above its limit. The limit is the quantile of the
        largest value over the months watched; that of a family is taken over its instruments, too.
    """
    centre, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    spread = np.maximum(spread, 1e-9)
    peaks = _readings((values - centre) / spread).max(axis=2)
    limits = np.quantile(peaks, 1 - FALSE_ALARM, axis=0, method="higher")
    return centre, spread, limits


def _readings(standardised):
    """Single instruments, then the largest of each family."""
    family = np.array(list(INSTRUMENTS.values()))
    groups = [standardised[:, family == name].max(axis=1, keepdims=True) for name in FAMILIES]
    return np.concatenate([standardised, *groups], axis=1)


def alarms(values, centre, spread, limits):
    """Month of the first alarm of every reading, counted from the onset (1 = the month of the onset).

    Parameters
    ----------
    values : numpy.ndarray, shape (replicates, instruments, months)
        Statistics.
    centre, spread, limits
        From :func:`calibrate`.

    Returns
    -------
    numpy.ndarray, shape (replicates, readings)
        0 where no alarm came.
    """
    above = _readings((values - centre) / spread) > limits[:, None]
    return np.where(above.any(axis=2), above.argmax(axis=2) + 1, 0)


def limits_frame(centre, spread, limits):
    """Limits as a table: one row a reading and month, with the threshold on the instrument's own scale."""
    rows = []
    for index, name in enumerate(READINGS):
        single = index < len(INSTRUMENTS)
        for position, month in enumerate(WATCH):
            rows.append(
                (
                    name,
                    int(month - ONSET + 1),
                    limits[index],
                    centre[index, position] if single else np.nan,
                    spread[index, position] if single else np.nan,
                )
            )
    return pd.DataFrame(rows, columns=["reading", "month", "limit", "centre", "spread"])


def read_limits():
    """The stored limits: ``centre, spread, limits`` as :func:`calibrate` returns them."""
    frame = table("detection_limits")
    shape = (len(INSTRUMENTS), len(WATCH))
    single = frame[frame["reading"].isin(list(INSTRUMENTS))]
    limits = frame.groupby("reading", sort=False)["limit"].first().loc[list(READINGS)].to_numpy(dtype=float)
    centre, spread = (single[name].to_numpy(dtype=float).reshape(shape) for name in ("centre", "spread"))
    return centre, spread, limits


def stored_study():
    """The stored study: one row a simulated platform, the month of the first alarm of every reading (0 = none)."""
    frame = table("detection_study")
    frame.attrs["simulated"] = True
    return frame


def detection_table(result=None, *, by=("cause", "dose"), within=None, confidence=0.95):
    """How surely and how early each reading notices.

    Parameters
    ----------
    result : pandas.DataFrame, optional
        From :func:`stored_study`.
    by : sequence of str
        Columns that define a row.
    within : int, optional
        Count only alarms within so many months of the onset; all months watched by default.
    confidence : float
        Level of the interval of Clopper and Pearson: exact, and so never shorter than it says. All of 50 is 93 to 100.

    Returns
    -------
    pandas.DataFrame
        `by`, ``reading, family, platforms, detected, share, low, high, median_month`` (missing where fewer than half
        were noticed) and ``at_risk`` (mean).
    """
    result = stored_study() if result is None else result
    last = len(WATCH) if within is None else int(within)
    rows = []
    for key, part in result.groupby(list(by), sort=False):
        for name in READINGS:
            month = part[name].to_numpy()
            hit = (month > 0) & (month <= last)
            filled = np.sort(np.where(hit, month, np.inf))
            middle = filled[(len(filled) - 1) // 2]
            interval = binomtest(int(hit.sum()), len(hit)).proportion_ci(confidence, method="exact")
            rows.append(
                (
                    *key,
                    name,
                    INSTRUMENTS.get(name, name),
                    len(hit),
                    int(hit.sum()),
                    hit.mean(),
                    interval.low,
                    interval.high,
                    middle if np.isfinite(middle) else np.nan,
                    part["at_risk"].mean(),
                )
            )
    frame = pd.DataFrame(
        rows,
        columns=[*by, "reading", "family", "platforms", "detected", "share", "low", "high", "median_month", "at_risk"],
    )
    frame.attrs["simulated"] = True
    return frame


def run(workers=1, progress=print):
    """Run the whole study.

    Parameters
    ----------
    workers : int
        Processes.
    progress : callable
        Told about every finished cell.

    Returns
    -------
    result, limits : pandas.DataFrame
        As stored.
    """
    from concurrent.futures import ProcessPoolExecutor

    sizes = [HEALTHY_CALIBRATION, HEALTHY_CHECK, *[REPLICATES] * (len(cells()) - 2)]
    rows, limits = [], None
    with ProcessPoolExecutor(workers) as pool:
        for cell, ((cause, dose), size) in enumerate(zip(cells(), sizes, strict=True)):
            found = list(pool.map(one_platform, [cell] * size, range(size), chunksize=10))
            values = np.stack([value for value, _ in found])
            if cell == CALIBRATION_CELL:
                # stored with ten digits; the alarms are read with what is stored
                limits = limits_frame(*calibrate(values)).round(10)
                centre, spread = (
                    limits[name].dropna().to_numpy().reshape(values.shape[1:]) for name in ("centre", "spread")
                )
                bounds = limits.groupby("reading", sort=False)["limit"].first().to_numpy()
            else:
                month = alarms(values, centre, spread, bounds)
                for replicate in range(size):
                    rows.append((cause, dose, replicate, round(found[replicate][1], 6), *month[replicate]))
            progress(f"cell {cell + 1} of {len(sizes)}: {cause}, dose {dose:g}")
    return pd.DataFrame(rows, columns=[*KEYS, *READINGS]), limits
