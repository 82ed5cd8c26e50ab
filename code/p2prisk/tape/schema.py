"""The schema of the canonical tape.

Types and levels are binding: a frame that breaks them is refused. Ranges are not: a value outside its range is kept
and counted, because a tape with an income of nine millions is still a tape, and its owner must see the row.

The ceilings of money are for currencies of which a loan is some thousands to a hundred thousand units. On a tape in
dong or rupiah they rise with the median loan or income (:func:`money_scale`), so that a single absurd value is still
seen, and a whole tape of millions is not taken for one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS, in_order, is_own
from p2prisk.tape.tally import Tallies

_KINDS = {
    "number": (pd.api.types.is_numeric_dtype, "a number"),
    "integer": (pd.api.types.is_numeric_dtype, "a number"),
    "flag": (pd.api.types.is_bool_dtype, "a flag"),
    "date": (pd.api.types.is_datetime64_any_dtype, "a date"),
    "category": (lambda kind: isinstance(kind, pd.CategoricalDtype), "a category"),
    "ordered": (lambda kind: isinstance(kind, pd.CategoricalDtype) and kind.ordered, "an ordered category"),
    "text": (lambda kind: pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind), "text"),
}


#: median loan or income up to which the ceilings of money hold as they stand
_USUAL = 1e5


def money_scale(frame: pd.DataFrame, tallies: Tallies | None = None) -> float:
    """By how much the ceilings of money rise on a tape: its median loan or income in units of a hundred thousand.

    Examples
    --------
    >>> money_scale(pd.DataFrame({"amount": [9e3, 2e4]})), money_scale(pd.DataFrame({"amount": [5e7, 5e7, 4e12]}))
    (1.0, 500.0)
    """
    tallies = Tallies(frame) if tallies is None else tallies
    known = [tallies[name] for name in ("amount", "income") if name in frame]
    known = [tally.part(tally.values > 0) for tally in known]
    return max([1.0, *(float(tally.median()) / _USUAL for tally in known if tally.known)])


def ceiling(name: str, scale: float) -> Any:
    """The largest admissible value of a column on a tape of this :func:`money_scale`; None if it has no ceiling."""
    column = COLUMNS[name]
    return column.maximum if column.maximum is None or column.unit != "currency" else column.maximum * scale


def validate(frame: pd.DataFrame, tallies: Tallies | None = None) -> pd.DataFrame:
    """Check a frame against the schema.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns.
    tallies : Tallies, optional
        Of the frame.

    Returns
    -------
    pandas.DataFrame
        Values outside their range: ``column``, ``rows`` (count), ``first_row`` (from 1), ``worst`` (value) and the
        ``ceiling``.

    Raises
    ------
    DataError
        A column of the wrong type or with unknown levels, or a column that is not canonical.

    Examples
    --------
    >>> validate(pd.DataFrame({"dti": [12.0, -3.0], "term": [36, 60]}))
      column  rows  first_row  worst  ceiling
    0    dti     1          2   -3.0   1000.0
    """
    tallies = Tallies(frame) if tallies is None else tallies
    names = [name for name in frame if not is_own(name)]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise DataError(
            f"not canonical columns: {', '.join(map(str, unknown))}; map them or leave them out "
            "(p2prisk.tape.column_table() lists the canonical ones)"
        )
    names = in_order(names)
    broken = [(name, what) for name in names for what in _broken(COLUMNS[name], frame[name].dtype)]
    if broken:
        (name, what), more = broken[0], len(broken)
        raise DataError(
            f"column {name!r} must be {what} ({f'{more:,d} entries' if more > 1 else 'one entry'} of the schema "
            "broken); read the file with read_tape, which converts and reports"
        )
    rows, scale = [], money_scale(frame, tallies)
    for name in names:
        column, most = COLUMNS[name], ceiling(name, scale)
        if column.minimum is None or not pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        tally = tallies[name]
        beyond = (tally.values < column.minimum) | (tally.values > most)
        if not beyond.any():
            continue
        values = frame[name]
        outside = values.notna() & ~values.between(column.minimum, most)
        distance = (values[outside] - values[outside].clip(column.minimum, most)).abs()
        rows.append(
            {
                "column": name,
                "rows": tally.sum_of(beyond),
                "first_row": int(np.argmax(np.asarray(outside, dtype=bool))) + 1,
                "worst": float(values[distance.idxmax()]),
                "ceiling": most,
            }
        )
    return pd.DataFrame(rows, columns=["column", "rows", "first_row", "worst", "ceiling"])


def _broken(column, kind):
    """What a column of this type must be and is not."""
    fits, what = _KINDS[column.kind]
    if not fits(kind):
        yield what
    if column.levels and column.kind == "category":
        if not isinstance(kind, pd.CategoricalDtype) or not set(kind.categories) <= set(column.levels):
            yield "one of " + ", ".join(column.levels)
