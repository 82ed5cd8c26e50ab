"""Roll rates: how loans move between delinquency states from one month to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.monitor.panel import month_name, read_panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from p2prisk.monitor.panel import Panel


@dataclass(frozen=True)
class RollRates:
    """A matrix of monthly transition rates with intervals.

    Attributes
    ----------
    counts : pandas.DataFrame
        Loan-months that moved from the row's state to the column's.
    rate, low, high : pandas.DataFrame
        Share of the row, and its interval; missing where no loan was in the row's state.
    gaps : int
        Pairs of rows of one loan that are not consecutive months; they are not counted.
    absorbing : tuple of str
        States nobody was seen to leave.
    """

    counts: pd.DataFrame
    rate: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    gaps: int
    absorbing: tuple


def goodman_interval(counts: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Simultaneous intervals of the shares of one multinomial sample.

    Parameters
    ----------
    counts : array_like, shape (..., k)
        Counts of the k classes.
    confidence : float
        Level at which all k intervals hold together.

    Returns
    -------
    low, high : numpy.ndarray, shape (..., k)

    Notes
    -----
    Goodman (1965, Technometrics 7(2)): Wilson's interval with the chi-square point of level
    ``1 - (1 - confidence) / k``.

    Examples
    --------
    >>> low, high = goodman_interval([50, 30, 20])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.384, 0.204, 0.122], [0.616, 0.418, 0.311])
    """
    counts = np.asarray(counts, dtype=float)
    total = counts.sum(axis=-1, keepdims=True)
    point = scipy.stats.chi2.ppf(1 - (1 - confidence) / counts.shape[-1], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = np.sqrt(point * (point + 4 * counts * (total - counts) / total))
        low = (point + 2 * counts - half) / (2 * (total + point))
        high = (point + 2 * counts + half) / (2 * (total + point))
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def _intervals(counts, interval, confidence):
    total = counts.sum(axis=-1, keepdims=True)
    if interval == "goodman":
        low, high = goodman_interval(counts, confidence)
    elif interval == "jeffreys":
        # marginals of the Dirichlet posterior with the Jeffreys prior: a half in every class
        classes = counts.shape[-1]
        tail = (1 - confidence) / 2
        first, second = counts + 0.5, total - counts + 0.5 * (classes - 1)
        low, high = scipy.stats.beta.ppf(tail, first, second), scipy.stats.beta.ppf(1 - tail, first, second)
        low, high = np.where(counts == 0, 0.0, low), np.where(counts == total, 1.0, high)
    else:
        raise DataError(f"no interval is called {interval!r}; use 'jeffreys' or 'goodman'")
    empty = np.broadcast_to(total == 0, counts.shape)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _moves(panel):
    """Positions of rows whose successor is the same loan a month later, and the number of gaps."""
    same = panel.loan[1:] == panel.loan[:-1]
    step = panel.month[1:] - panel.month[:-1]
    return np.flatnonzero(same & (step == 1)), int((same & (step > 1)).sum())


def roll_rates(
    frame: pd.DataFrame | Panel,
    *,
    interval: Literal["jeffreys", "goodman"] = "jeffreys",
    confidence: float = 0.95,
    weights: Literal["balance"] | None = None,
) -> RollRates:
    """Transition matrix of a panel, all months together.

    Parameters
    ----------
    frame : pandas.DataFrame or Panel
        Monthly performance.
    interval : {"jeffreys", "goodman"}
        One interval a cell, or intervals that hold together within a row.
    confidence : float
        Level.
    weights : {"balance"}, optional
        Weigh moves by the balance before the move; then no interval is given, as money is not a sample of loans.

    Returns
    -------
    RollRates

    Raises
    ------
    DataError
        If no loan is seen in two consecutive months.
    """
    panel = read_panel(frame)
    rows, gaps = _moves(panel)
    if not len(rows):
        raise DataError("no loan is reported in two consecutive months; roll rates need a monthly panel")
    size = len(panel.states)
    weight = None
    if weights is not None:
        if weights != "balance" or panel.balance is None:
            raise DataError("weights must be 'balance', and the panel must have that column")
        weight = panel.balance[rows]
    code = panel.state[rows].astype(np.int64) * size + panel.state[rows + 1]
    counts = np.bincount(code, weight, minlength=size * size).reshape(size, size).astype(float)
    total = counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = counts / total
    low, high = _intervals(counts, interval, confidence)
    if weight is not None:
        low = high = np.full_like(rate, np.nan)
    names = list(panel.states)
    # a state no one was seen to leave: either everyone stayed, or loans end there and report no more
    absorbing = tuple(name for i, name in enumerate(names) if counts[i].sum() == counts[i, i])

    def table(values):
        return pd.DataFrame(values, index=pd.Index(names, name="from"), columns=pd.Index(names, name="to"))

    whole = counts if weight is not None else counts.astype(np.int64)
    return RollRates(table(whole), table(rate), table(low), table(high), gaps, absorbing)


def roll_rates_by_month(
    frame: pd.DataFrame | Panel, moves: Sequence[tuple[str, str]], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Selected roll rates month by month.

    Parameters
    ----------
    frame : pandas.DataFrame or Panel
        Monthly performance.
    moves : sequence of (str, str)
        Pairs of states; ``"worse"`` as second name means any worse state but the last.
    confidence : float
        Level of the Jeffreys intervals.

    Returns
    -------
    pandas.DataFrame
        ``month, from, to, loans, moved, rate, low, high``: every month of the panel's span has its row; where no
        loan was in the first state `loans` is 0 and the rate is missing.
    """
    panel = read_panel(frame)
    rows, _ = _moves(panel)
    begin, end = int(panel.month.min()) + 1, int(panel.month.max())
    span = max(end - begin + 1, 0)
    month = panel.month[rows + 1] - begin
    before, after = panel.state[rows], panel.state[rows + 1]
    parts = []
    for source, target in moves:
        code = panel.code(source)
        hit = ((after > code) & (after < len(panel.states) - 1)) if target == "worse" else after == panel.code(target)
        there = before == code
        loans = np.bincount(month[there], minlength=span)
        moved = np.bincount(month[there & hit], minlength=span)
        low, high = _intervals(np.stack([moved, loans - moved], axis=1).astype(float), "jeffreys", confidence)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = moved / loans
        parts.append(
            pd.DataFrame(
                {
                    "month": month_name(begin + np.arange(span)),
                    "from": source,
                    "to": target,
                    "loans": loans,
                    "moved": moved,
                    "rate": rate,
                    "low": low[:, 0],
                    "high": high[:, 0],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
