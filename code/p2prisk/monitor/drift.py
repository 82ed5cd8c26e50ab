"""Has the population moved, and does the model still hold its level? By month, with what chance alone would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit, logit

from p2prisk.errors import DataError
from p2prisk.monitor.panel import month_index, month_name
from p2prisk.monitor.vintages import period_start
from p2prisk.validation import jeffreys_interval, population_stability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from p2prisk.kinds import DateLike

#: Below this index a shift is too small to matter, however significant (the usual rule of thumb).
MATERIAL = 0.10


def _classes(column, reference, bins):
    """Class codes of a column by quantiles of its reference rows (numbers) or by value; missing is a class."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy() + 1, ["missing", *map(str, column.cat.categories)]
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        codes, values = pd.factorize(column, sort=True)
        return codes + 1, ["missing", *map(str, values)]
    values = column.to_numpy(dtype=float)
    base = values[reference]
    base = base[~np.isnan(base)]
    if not len(base):
        raise DataError(f"column {column.name!r} has no known value in the reference months; no classes can be made")
    edges = np.unique(np.quantile(base, np.arange(1, bins) / bins))
    codes = np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="left"))
    limits = [-np.inf, *edges, np.inf]
    return codes, ["missing", *[f"({low:.6g}, {high:.6g}]" for low, high in zip(limits[:-1], limits[1:], strict=True)]]


def stability_by_month(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    reference: tuple[DateLike, DateLike],
    month: str = "issue_date",
    bins: int = 10,
    period: Literal["month", "quarter", "half-year", "year"] = "month",
    confidence: float = 0.99,
) -> pd.DataFrame:
    """Population stability of a score or of characteristics, month by month against reference months.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a loan (or a loan and month).
    columns : sequence of str
        Score and characteristics; numbers are cut at quantiles of the reference, the rest is taken by value.
    reference : (date-like, date-like)
        First and last month the others are compared with.
    month : str
        Column with the date.
    bins : int
        Quantile classes of a number.
    period : {"month", "quarter", "half-year", "year"}
        How long a compared period is.
    confidence : float
        Level of the sampling threshold, a variable and month.

    Returns
    -------
    pandas.DataFrame
        ``month, variable, loans, psi, threshold, pvalue, largest_class, alert``. An alert needs both: more than
        chance gives at this sample size (Yurdakul and Naranjo 2020), and an index above :data:`MATERIAL`. A month
        without loans has its row, with nothing in it.

    Raises
    ------
    DataError
        If the reference holds no loan.
    """
    index = month_index(frame[month])
    begin, end = (month_index(value) for value in reference)
    is_reference = (index >= begin) & (index <= end)
    if not is_reference.any():
        raise DataError(f"no loan falls in the reference months {month_name(begin)} to {month_name(end)}")
    later = index > end
    if not later.any():
        raise DataError(f"no loan is later than the reference, which ends in {month_name(end)}")
    start = period_start(index, period)
    first = int(start[later].min())
    step = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}[period]
    periods = np.arange(first, int(start[later].max()) + 1, step)
    slot = np.where(later, (start - first) // step, -1)
    rows = []
    for name in columns:
        if name not in frame:
            raise DataError(f"the frame has no column {name!r}")
        codes, labels = _classes(frame[name], is_reference, bins)
        width = len(labels)
        expected = np.bincount(codes[is_reference], minlength=width)
        actual = np.bincount(slot[later] * width + codes[later], minlength=len(periods) * width)
        rows += _stability_rows(name, labels, expected, actual.reshape(len(periods), width), periods, confidence)
    return pd.DataFrame(rows, columns=_STABILITY_COLUMNS)


_STABILITY_COLUMNS = ["month", "variable", "loans", "psi", "threshold", "pvalue", "largest_class", "alert"]


def _stability_rows(name, labels, expected, actual, periods, confidence):
    rows = []
    for at, counts in zip(periods, actual, strict=True):
        total = int(counts.sum())
        if total == 0 or ((counts + expected) > 0).sum() < 2:
            rows.append((month_name(at), name, total, np.nan, np.nan, np.nan, "", False))
            continue
        result = population_stability(
            labels, labels, expected_weights=expected, actual_weights=counts, confidence=confidence
        )
        alert = bool(result.psi > result.threshold and result.psi > MATERIAL)
        rows.append(
            (
                month_name(at),
                name,
                total,
                result.psi,
                result.threshold,
                result.pvalue,
                str(result.table["contribution"].idxmax()),
                alert,
            )
        )
    return rows


def stability_from_counts(
    counts: pd.DataFrame, *, reference: tuple[DateLike, DateLike], confidence: float = 0.99
) -> pd.DataFrame:
    """The same from a table of counts.

    Parameters
    ----------
    counts : pandas.DataFrame
        ``month, variable, band, n``.
    reference : (date-like, date-like)
        First and last month the others are compared with.
    confidence : float
        Level of the sampling threshold.

    Returns
    -------
    pandas.DataFrame
        As :func:`stability_by_month`.

    Examples
    --------
    >>> counts = pd.DataFrame({"month": ["2010-01", "2010-01", "2010-02", "2010-02"], "variable": "home",
    ...                        "band": ["own", "rent"] * 2, "n": [500, 500, 700, 300]})
    >>> stability_from_counts(counts, reference=("2010-01", "2010-01"))[["month", "alert"]].to_numpy().tolist()
    [['2010-02', True]]
    """
    index = month_index(counts["month"])
    begin, end = (month_index(value) for value in reference)
    known = (index >= begin) & (index <= end)
    if not known.any():
        raise DataError(f"no count falls in the reference months {month_name(begin)} to {month_name(end)}")
    rows = []
    for name, part in counts.assign(month=index).groupby("variable", sort=False):
        labels = list(dict.fromkeys(part["band"].astype(str)))
        code = pd.Index(labels).get_indexer(part["band"].astype(str))
        n = part["n"].to_numpy(dtype=float)
        if (n < 0).any():
            raise DataError(f"variable {name!r} has a negative count")
        month = part["month"].to_numpy()
        inside = (month >= begin) & (month <= end)
        expected = np.bincount(code[inside], n[inside], minlength=len(labels))
        later = month > end
        periods = np.arange(end + 1, month[later].max() + 1) if later.any() else np.array([], dtype=int)
        actual = np.bincount(
            (month[later] - end - 1) * len(labels) + code[later], n[later], minlength=len(periods) * len(labels)
        ).reshape(len(periods), len(labels))
        rows += _stability_rows(name, labels, expected, actual, periods, confidence)
    return pd.DataFrame(rows, columns=_STABILITY_COLUMNS)


def calibration_drift(
    period: ArrayLike,
    events: ArrayLike,
    expected: ArrayLike,
    loans: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Does the model's level hold, period by period?

    Parameters
    ----------
    period : array_like
        Period of each row (a label; sorted in the result).
    events : array_like
        Failures: 0 or 1 a loan, or counts of a group.
    expected : array_like
        Forecast probability of the row's loans.
    loans : array_like, optional
        Loans a row stands for; 1 by default.
    confidence : float
        Level of the intervals.

    Returns
    -------
    pandas.DataFrame
        ``period, loans, events, expected`` (counts), ``rate, low, high`` (Jeffreys), ``expected_rate``,
        ``shift`` (log odds by which the model must be moved to fit the period, maximum likelihood), ``shift_low``,
        ``shift_high`` and two-sided ``pvalue``. Where all or none failed the shift is infinite and its
        interval open on that side.

    Examples
    --------
    >>> drift = calibration_drift(["a", "a", "b"], [10, 20, 30], [0.1, 0.2, 0.1], loans=[100, 100, 100])
    >>> drift["shift"].round(2).tolist()
    [0.0, 1.35]
    """
    events, expected = np.asarray(events, float), np.asarray(expected, float)
    loans = np.ones_like(events) if loans is None else np.asarray(loans, float)
    if ((expected <= 0) | (expected >= 1)).any():
        bad = np.flatnonzero((expected <= 0) | (expected >= 1))
        raise DataError(f"{len(bad)} forecasts are not strictly between 0 and 1, the first in row {bad[0]}")
    if ((events < 0) | (events > loans)).any():
        raise DataError("failures must lie between 0 and the number of loans")
    code, labels = pd.factorize(pd.Series(period), sort=True)
    size = len(labels)
    total, failed = np.bincount(code, loans, size), np.bincount(code, events, size)
    forecast = np.bincount(code, loans * expected, size)
    offset = logit(expected)
    shift = np.where(failed == 0, -np.inf, np.where(failed == total, np.inf, 0.0))
    inner = np.isfinite(shift)
    information = np.zeros(size)
    for _ in range(50):
        probability = expit(offset + np.where(inner, shift, 0.0)[code])
        score = failed - np.bincount(code, loans * probability, size)
        information = np.bincount(code, loans * probability * (1 - probability), size)
        step = np.where(inner, np.clip(score / np.maximum(information, 1e-300), -1, 1), 0.0)
        shift = np.where(inner, shift + step, shift)
        if np.abs(step).max(initial=0) < 1e-12:
            break
    with np.errstate(divide="ignore"):
        error = np.where(inner, 1 / np.sqrt(np.maximum(information, 1e-300)), np.inf)
    z = scipy.stats.norm.ppf((1 + confidence) / 2)
    low, high = jeffreys_interval(failed, total, confidence)
    with np.errstate(invalid="ignore"):
        pvalue = np.where(inner, 2 * scipy.stats.norm.sf(np.abs(shift) / error), np.nan)
        shift_low = np.where(inner, shift - z * error, -np.inf)
        shift_high = np.where(inner, shift + z * error, np.inf)
    return pd.DataFrame(
        {
            "period": labels,
            "loans": total.astype(np.int64),
            "events": failed.astype(np.int64),
            "expected": forecast,
            "rate": failed / total,
            "low": low,
            "high": high,
            "expected_rate": forecast / total,
            "shift": shift,
            "shift_low": shift_low,
            "shift_high": shift_high,
            "pvalue": pvalue,
        }
    )
