"""Distinct values of a column and how many rows hold each: what checks ask of a column is asked of these.

A million rows hold a few thousand interest rates. A count, a quantile, an area under a curve are the same to the last
bit whether they are taken of the rows or of the distinct values with their counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from p2prisk.tape.abreast import over_columns
from p2prisk.tape.watch import told

_DAY = 86_400_000_000
#: decimals of money and rates: whole hundredths are counted, not sorted
_HUNDREDTHS = 100.0
_MOST = 1e15
#: rows that are counted in one step
_PART = 1 << 18


class Tally:
    """The known values of a column, in order.

    Parameters
    ----------
    values : pandas.Series
        Numbers, flags, dates or a Categorical (whose codes are counted; those of a missing value are none).

    Attributes
    ----------
    values : ndarray
        Distinct, ascending.
    counts : ndarray of int
        Rows of each.
    rows, missing : int

    Examples
    --------
    >>> tally = Tally(pd.Series([5.25, 1.0, None, 1.0]))
    >>> tally.values.tolist(), tally.counts.tolist(), tally.missing, float(tally.median())
    ([1.0, 5.25], [2, 1], 1, 1.0)
    """

    def __init__(self, values: pd.Series) -> None:
        numbers = _as_numbers(values)
        self.rows = len(values)
        if numbers.dtype.kind == "f":
            gap = np.isnan(numbers)
            numbers = numbers[~gap] if gap.any() else numbers
        elif numbers.dtype.kind == "M":
            gap = np.isnat(numbers)
            numbers = numbers[~gap] if gap.any() else numbers
        elif isinstance(values.dtype, pd.CategoricalDtype) and len(numbers) and numbers.min() < 0:
            numbers = numbers[numbers >= 0]
        self.missing = self.rows - len(numbers)
        self.values, self.counts = counted(numbers)

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    def sum_of(self, chosen: np.ndarray) -> int:
        """Rows that hold the distinct values of a mask."""
        return int(self.counts[chosen].sum())

    def share_of(self, chosen: np.ndarray) -> float:
        """Share of the known rows that hold the distinct values of a mask."""
        return self.sum_of(chosen) / self.known

    def at(self, place: int) -> Any:
        """The value that stands at a place of the sorted rows."""
        return self.values[int(np.searchsorted(np.cumsum(self.counts), place, side="right"))]

    def median(self) -> Any:
        """As of the rows."""
        low, high = self.at((self.known - 1) // 2), self.at(self.known // 2)
        return low if low == high else low + (high - low) / 2 if self.values.dtype.kind == "M" else (low + high) / 2

    def quantile(self, share: float) -> float:
        """As ``numpy.quantile`` of the rows, to the last bit."""
        place = (self.known - 1) * share
        low = int(np.floor(place))
        pair = [float(self.at(low)), float(self.at(min(low + 1, self.known - 1)))]
        return float(np.quantile(pair, place - low))

    def part(self, chosen: np.ndarray) -> Tally:
        """The tally of the rows that hold the distinct values of a mask."""
        found = object.__new__(Tally)
        found.values, found.counts, found.missing = self.values[chosen], self.counts[chosen], 0
        found.rows = int(found.counts.sum())
        return found

    def counts_in(self, other: Tally) -> np.ndarray:
        """Rows of each of another tally's values here; this one's values are among them."""
        found = np.zeros(len(other.values), dtype=np.int64)
        found[np.searchsorted(other.values, self.values)] = self.counts
        return found


class Tallies(dict):
    """The tallies of a frame, each made when it is asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.frame = frame

    def __missing__(self, name: str) -> Tally:
        self.make([name])
        return self[name]

    def make(self, names: list[str]) -> None:
        """Make the tallies of several columns, on all cores."""
        columns = [self.frame[name] for name in names]
        for name, tally in zip(names, over_columns(Tally, columns, len(self.frame)), strict=True):
            told("checks", len(self), len(self.frame.columns))
            self[name] = tally


def _as_numbers(values):
    """Numbers, days or codes; doubles where there may be gaps, NaN for a gap."""
    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return values.cat.codes.to_numpy()
    if pd.api.types.is_datetime64_any_dtype(kind):
        return values.to_numpy()
    if str(kind) == "boolean":
        return values.to_numpy(dtype=float, na_value=np.nan)
    if isinstance(kind, np.dtype):
        return values.to_numpy()
    return values.to_numpy(dtype=float, na_value=np.nan)


def counted(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of an array without gaps, ascending, and how often each is there.

    Numbers on a grid (whole ones, hundredths, days) are counted by their place on it, the others sorted. It is done
    part by part: what is made on the way stays near the processor.
    """
    kind = numbers.dtype.kind
    if not len(numbers):
        return numbers, np.zeros(0, dtype=np.int64)
    if kind == "b":
        found, counts = counted(numbers.view(np.int8))
        return found.astype(bool), counts
    own = numbers.astype("M8[us]", copy=False).view(np.int64) if kind == "M" else numbers
    grids: dict[str, list] = {"f": [(_whole, 1), (_hundredths, _HUNDREDTHS)], "M": [(_days, _DAY)]}
    for to_grid, step in grids.get(kind, [(_same, 1)]):
        ends = _ends(own, to_grid)
        if ends is not None and ends[1] - ends[0] <= max(2 * len(own), 1000):
            places, counts = _on_grid(own, to_grid, *ends)
            found = places / step if kind == "f" else places * step
            return (found.view("M8[us]") if kind == "M" else found).astype(numbers.dtype), counts
        if kind == "f" and ends is not None and max(-ends[0], ends[1]) < 2**31:  # whole numbers are sorted faster
            whole = np.empty(len(own), dtype=np.int32)
            for begin in range(0, len(own), _PART):
                whole[begin : begin + _PART] = to_grid(own[begin : begin + _PART])
            places, counts = np.unique(whole, return_counts=True)
            return (places / step).astype(numbers.dtype), counts
    found, counts = np.unique(own, return_counts=True)
    return (found.view("M8[us]").astype(numbers.dtype) if kind == "M" else found), counts


def _same(part):
    return part


def _whole(part):
    """Whole numbers; None where a number is between them."""
    grid = np.rint(part)
    return grid if (grid == part).all() and np.abs(grid).max() <= _MOST else None


def _hundredths(part):
    """Whole hundredths; None where a number is between them."""
    with np.errstate(over="ignore"):
        grid = np.rint(part * _HUNDREDTHS)
    return grid if np.abs(grid).max() <= _MOST and (grid / _HUNDREDTHS == part).all() else None


def _days(part):
    """Days since 1970; None where a time of day is given."""
    grid = part // _DAY
    return grid if (grid * _DAY == part).all() else None


def _ends(own, to_grid):
    """The least and the greatest place on a grid; None where a number has none."""
    ends = []
    for begin in range(0, len(own), _PART):
        grid = to_grid(own[begin : begin + _PART])
        if grid is None:
            return None
        ends += [int(grid.min()), int(grid.max())]
    return min(ends), max(ends)


def _on_grid(own, to_grid, least, most):
    """The places on a grid that are taken, ascending, and how often each is."""
    counts = np.zeros(most - least + 1, dtype=np.int64)
    for begin in range(0, len(own), _PART):
        part = to_grid(own[begin : begin + _PART]).astype(np.int64) - least
        if len(counts) <= 4 * _PART:
            counts += np.bincount(part, minlength=len(counts))
        else:
            np.add.at(counts, part, 1)
    places = np.flatnonzero(counts)
    return places + least, counts[places]
