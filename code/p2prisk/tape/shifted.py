"""Rows whose number of cells fits although a mark inside a cell has moved all cells behind it by one column.

``L7,12,000,,36`` may be an amount of 12 and an income of 0, or an amount of 12,000 written without quotation marks in a
row that has lost an empty cell. No count of cells shows it; the cells themselves do, beside those of their columns.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from itertools import islice

import numpy as np
import pandas as pd

from p2prisk.tape.numerals import read_cells
from p2prisk.tape.privacy import masked, masked_name

#: rows that are looked at cell by cell, and rows of which it is learnt how a column looks
_MOST, _SAMPLE = 50_000, 2_000
#: cells that look unlike their column, fewer in the other reading, from which on a row is held to be shifted
_CLEARLY = 2
_RARE = 0.005
_LEVELS = 50
#: bytes of a file that are taken at once
_READ = 1 << 18


class _Column:
    """How the cells of a column look."""

    def __init__(self, cells):
        counted = Counter(cell.strip() for cell in cells)
        numbers = read_cells(list(counted)).point
        looks = [_kind(cell, number) for cell, number in zip(counted, numbers, strict=True)]
        times, of_numbers = np.array(list(counted.values())), np.array([look == "number" for look in looks])
        kinds = Counter()
        for look, count in zip(looks, counted.values(), strict=True):
            kinds[look] += count
        self.kinds = {look for look, count in kinds.items() if count > _RARE * len(cells)}
        numbers = np.repeat(numbers[of_numbers], times[of_numbers])
        self.low, self.high = np.quantile(numbers, [0.005, 0.995]) if len(numbers) else (0.0, 0.0)
        self.whole = bool((numbers == np.round(numbers)).all())
        texts = {cell for cell, look in zip(counted, looks, strict=True) if look == "text"}
        self.levels = texts if len(texts) <= _LEVELS < len(cells) else None
        self.known: dict = {}

    def unlike(self, cell):
        """Whether a cell looks unlike the others, as 0 or 1."""
        if cell not in self.known:
            self.known[cell] = int(self._unlike(cell))
        return self.known[cell]

    def _unlike(self, cell):
        cell = cell.strip()
        value = float(read_cells([cell]).point[0])
        kind = _kind(cell, value)
        if kind not in self.kinds:
            return True
        if kind == "text":
            return self.levels is not None and cell not in self.levels
        if kind != "number":
            return False
        below = self.low / 3 if self.low > 0 else 3 * self.low
        return not below <= value <= max(3 * self.high, 0) or (self.whole and value != round(value))


_ZEROS = re.compile(r"0\d+$")
_DAY = re.compile(r"\d{1,4}([-/.:])\d{1,2}(\1\d{1,4})?([ T].*)?$")


def _kind(cell, number):
    if not cell:
        return "empty"
    if _ZEROS.match(cell):
        return "zeros before a number"
    if not np.isnan(number):
        return "number"
    return "day" if _DAY.match(cell) else "text"


def candidates(frame: pd.DataFrame, mark: str) -> np.ndarray:
    """Index of odd rows in which a number below 1,000 stands in a column of thousands, before three digits at most.

    Parameters
    ----------
    frame : pandas.DataFrame
        As parsed; its columns are named by their place in the file.
    mark : str
        Between the cells.

    Examples
    --------
    >>> candidates(pd.DataFrame({1: [9000, 12, 8000], 2: [500, 0, 4000], 3: [1.0, None, 2.0]}), ",").tolist()
    [1]
    """
    found = np.zeros(len(frame), dtype=bool)
    if mark != "," or not len(frame):
        return frame.index[found]
    for place in frame.columns:
        low = _of_thousands(frame[place])
        if low is not None and low.any():
            if place + 1 in frame and pd.api.types.is_numeric_dtype(frame[place + 1].dtype):
                after = frame[place + 1].to_numpy()[low]
                low[low] = (after >= 0) & (after < 1000) & (after == np.round(after))
            found |= low
    rows = np.flatnonzero(found)
    odd = np.zeros(len(rows), dtype=int)
    for place in frame.columns if len(rows) else ():
        odd += _odd(_spread(frame[place]), frame[place].iloc[rows])
    return frame.index[rows[odd >= 1]] if len(rows) <= 100 else frame.index[rows[odd >= _CLEARLY]]


def _odd(sample, some):
    """Which of some cells are unlike a sample of their column: rarely empty, far from its numbers, no level of it."""
    odd = some.isna().to_numpy(dtype=bool) & (sample.isna().mean() <= _RARE)
    if pd.api.types.is_numeric_dtype(some.dtype):
        if not sample.notna().any():
            return odd
        low, high = sample.astype(float).quantile([0.005, 0.995])
        values = some.to_numpy(dtype=float)
        return odd | (values < (low / 3 if low > 0 else 3 * low)) | (values > 3 * high)
    levels = sample.dropna().unique()
    if len(levels) <= _LEVELS < len(sample):
        odd |= some.notna().to_numpy(dtype=bool) & ~some.isin(levels).to_numpy(dtype=bool)
    return odd


def _of_thousands(column):
    """Rows below 1,000 of a column in which most are above; None of another column."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy()
        if not pd.Series(_spread(values)).median() >= 1000:
            return None
        low = (values >= 1) & (values < 1000)
        low[low] = values[low] == np.round(values[low])
        return low
    levels = column.cat.categories.astype("str") if isinstance(column.dtype, pd.CategoricalDtype) else None
    cells = (_spread(column) if levels is None else _spread(levels.to_series())).dropna().astype("str")
    if not len(cells) or cells.str.match(r"\W*\d{1,3}(,\d{3})+\b").mean() <= 0.5:
        return None
    short = (column.astype("str") if levels is None else levels.to_series()).str.fullmatch(r"\s*[1-9]\d{0,2}\s*")
    if levels is None:
        return short.fillna(False).to_numpy(dtype=bool)
    return np.append(short.to_numpy(dtype=bool), False)[column.cat.codes.to_numpy()]


def _spread(values):
    """About two thousand of the values, from the whole."""
    return values[:: max(len(values) // _SAMPLE, 1)]


def shifted_rows(source: Callable, scan: dict, index: np.ndarray) -> list[dict]:
    """Of some rows those whose cells fit their columns better if two of them are one cell.

    Parameters
    ----------
    source : callable
        Opens the file.
    scan : dict
        Of :func:`p2prisk.tape.text_file.scan_lines`.
    index : ndarray of int
        Rows, counted from 0 below the header.

    Returns
    -------
    list of dict
        ``index``, ``line``, ``column`` (its name), ``cell`` (the two as one), ``before`` and ``after``: the cells that
        look unlike their columns as the row stands, and as it would be read.
    """
    index = set(np.asarray(index)[:_MOST].tolist()) | set(scan["trailing_rows"])
    if not index or scan["width"] < 4 or scan["delimiter"] == " ":
        return []
    rows, sample, step = {}, [], max(scan["records"] // _SAMPLE, 1)
    for place, line, row in _some_rows(source, scan, index.union(range(0, scan["records"], step))):
        if place in index and len(row) >= scan["width"] and not any(row[scan["width"] :]):
            rows[place] = line, row
        elif place % step == 0 and len(row) == scan["width"]:
            sample.append(row)
    if len(sample) < 20:
        return []
    columns = [_Column(cells) for cells in zip(*sample, strict=True)]
    made = ((place, line, _other_reading(row, columns, scan["delimiter"])) for place, (line, row) in rows.items())
    return [{"index": place, "line": line, **other} for place, line, other in made if other]


def _some_rows(source, scan, places):
    """Place, line and cells of some rows; where each line is a record only these are parsed."""
    first, mark, next_one = scan["header_row"] + 1, scan["delimiter"], 0
    encoding = scan["encoding"]
    regular = scan["regular"] and len("\n\n".encode(encoding)) - len("\n".encode(encoding)) == 1  # not UTF-16
    with source() as stream:
        if regular:  # each line end ends a record, so that lines that nobody looks at need not become text
            rows = islice(io.BufferedReader(stream, _READ), first, None)
        else:
            reader = csv.reader(io.TextIOWrapper(stream, encoding=encoding, newline=""), delimiter=mark)
            rows = filter(None, islice(reader, first, None))
        for place in sorted(places):
            row = next(islice(rows, place - next_one, None), None)
            if row is None:
                return
            next_one = place + 1
            if regular:
                yield place, first + next_one, next(csv.reader([row.decode(encoding)], delimiter=mark))
            else:
                yield place, reader.line_num, row


def _other_reading(row, columns, mark):
    """The two cells that are one, if the row then fits better: a cell behind them was empty, and has been left out."""
    width, trailing = len(columns), len(row) > len(columns)
    row = row[:width]
    stays = np.array([column.unlike(cell) for column, cell in zip(columns, row, strict=True)])
    moves = np.array([0, *(column.unlike(cell) for column, cell in zip(columns[:-1], row[1:], strict=True))])
    moves[0] = 0  # of the cell behind, in this column
    empty = np.array([column.unlike("") for column in columns])
    best, found = int(stays.sum()) - _CLEARLY, None
    for first in range(width - 1):
        split = re.fullmatch(r"\s*[-+]?\W?[1-9]\d{0,2}", row[first]) and re.fullmatch(r"\d{3}\s*", row[first + 1])
        if not (trailing or (mark == "," and split)):
            continue
        cell = row[first] + mark + row[first + 1]
        written = (cell, cell.replace(mark, ""), cell.replace(mark, ".")) if cell[-1:].isdigit() else (cell,)
        begin = int(stays[:first].sum()) + min(map(columns[first].unlike, written))
        for gap in [width - 1] if trailing else range(first + 1, width):
            cost = begin + int(moves[first + 2 : gap + 1].sum() + empty[gap] + stays[gap + 1 :].sum())
            if cost <= best:
                best, found = cost - 1, {"place": first, "cell": cell, "before": int(stays.sum()), "after": cost}
    return found


def told(found: dict, name: str, scan: dict, most: int) -> str:
    """The two readings of a shifted row, and the remedy.

    Parameters
    ----------
    found : dict
        Of :func:`shifted_rows`.
    name : str
        The file.
    scan : dict
    most : int
        Rows found.
    """
    column = masked_name(scan["header"][found["place"]])
    more = f" and {most - 1:,d} more such line(s)" if most > 1 else ""
    return (
        f"{name}, line {found['line']:,d}{more}: as it stands {found['before']} of its cells look unlike their "
        f"columns; if {masked(found['cell'])} were one cell of {column!r}, and an empty cell behind it left out, it "
        f"would be {found['after']}. A {scan['delimiter']!r} inside a cell must be quoted, and every empty cell be "
        "there: repair the line, or read with on_error='missing' to set it aside"
    )
