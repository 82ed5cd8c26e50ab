"""A table as CSV text, the same bytes as pandas writes, a fifth of the time: whole columns become text at once."""

from __future__ import annotations

import pandas as pd

from p2prisk.escape import FORMULA
from p2prisk.tape.abreast import in_order

#: what makes a cell of text be quoted
_QUOTED = '[,"\n]'
#: sizes between which pyarrow and Python write a double alike, but for the ".0" of whole numbers
_LEAST, _MOST = 1e-4, 1e9
_ROWS = 50_000
#: of so many numbers so few that differ: a column of points
_LOOKED_AT, _FEW = 1000, 250


def without_formulas(cells: pd.Series) -> pd.Series:
    """Texts that no spreadsheet takes for a formula: an apostrophe stands before one that it would.

    Examples
    --------
    >>> without_formulas(pd.Series(["=1+1", "L1", " @x"])).tolist()
    ["'=1+1", 'L1', "' @x"]
    """
    texts = cells.astype("str")
    risky = texts.str.contains(FORMULA, regex=True, na=False)
    return cells.where(~risky, "'" + texts) if risky.any() else cells


def csv_bytes(frame: pd.DataFrame, header: bool) -> bytes:
    """Rows as ``frame.to_csv(index=False, lineterminator="\\n")`` has them.

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"a": [0.5, 2.0], "b": ["x", "y, z"]}), header=True).decode().split()[:2]
    ['a,b', '0.5,x']
    """
    if frame.shape[1] < 2 or not len(frame) or not frame.columns.is_unique:
        return _usual(frame, header)

    def lines(start):
        part = frame.iloc[start : start + _ROWS]
        made = _lines(part)
        return _usual(part, False) if made is None else made  # what is something else is left to pandas

    return b"".join([_usual(frame.iloc[:0], header), *in_order(lines, range(0, len(frame), _ROWS))])


def _usual(frame, header):
    return frame.to_csv(header=header, index=False, lineterminator="\n").encode("utf-8")


def _lines(frame):
    """The lines of a table as bytes; None where a column is of another kind."""
    from pyarrow import compute

    columns = []
    for name in frame.columns:
        cells = _cells(frame[name])
        if cells is None:
            return None
        columns.append(compute.fill_null(cells, "") if cells.null_count else cells)
    columns[-1] = _joined(columns[-1], "\n")
    return _joined(*columns, by=",").buffers()[2].to_pybytes()


def _joined(*parts, by=""):
    """Texts put together row by row."""
    import pyarrow
    from pyarrow import compute

    text = pyarrow.large_string()
    given = [pyarrow.scalar(part, text) if isinstance(part, str) else part for part in parts]
    return compute.binary_join_element_wise(*given, pyarrow.scalar(by, text))


def _cells(values):
    """The cells of a column as text, with null where they are missing."""
    import pyarrow
    from pyarrow import compute

    text, kind = pyarrow.large_string(), values.dtype
    if str(kind) == "bool":
        return compute.if_else(
            pyarrow.array(values.to_numpy()), pyarrow.scalar("True", text), pyarrow.scalar("False", text)
        )
    if kind in ("int8", "int16", "int32", "int64"):
        return compute.cast(pyarrow.array(values.to_numpy()), text)
    if kind == "float64":
        return _numbers(values.to_numpy())
    if isinstance(kind, pd.CategoricalDtype):
        levels = _cells(pd.Series(kind.categories))
        codes = values.cat.codes.to_numpy()
        return None if levels is None else levels.take(pyarrow.array(codes, type=pyarrow.int32(), mask=codes < 0))
    if not isinstance(kind, pd.StringDtype) and (
        str(kind) != "object" or pd.api.types.infer_dtype(values, skipna=True) not in ("string", "empty")
    ):
        return None
    try:
        cells = pyarrow.array(values, type=text, from_pandas=True)
    except (pyarrow.ArrowException, UnicodeEncodeError):
        return None
    cells = cells.combine_chunks() if isinstance(cells, pyarrow.ChunkedArray) else cells
    if compute.any(compute.match_substring(cells, "\r")).as_py():
        return None
    quoted = compute.match_substring_regex(cells, _QUOTED)
    if not compute.any(quoted).as_py():
        return cells
    doubled = compute.replace_substring(cells, '"', '""')
    return compute.if_else(quoted, _joined('"', doubled, '"'), cells)


def _numbers(values):
    """Doubles as Python writes them: the shortest digits that give the number back."""
    import numpy as np
    import pyarrow

    if len(np.unique(values[:_LOOKED_AT])) <= _FEW:  # points, of which there are few: each is written once
        levels = pyarrow.array(values, mask=np.isnan(values)).dictionary_encode()
        return _distinct_numbers(levels.dictionary.to_numpy()).take(levels.indices)
    return _distinct_numbers(values)


def _distinct_numbers(values):
    import numpy as np
    import pyarrow
    from pyarrow import compute

    text = pyarrow.large_string()
    size = np.abs(values)
    cells = compute.cast(pyarrow.array(values, mask=np.isnan(values)), text)
    whole = (size < _MOST) & (size == np.floor(size))
    if whole.any():
        cells = compute.if_else(pyarrow.array(whole), _joined(cells, ".0"), cells)
    odd = (size >= _MOST) | (size < _LEAST) & (size > 0)
    if odd.any():
        by_hand = pyarrow.array([repr(value) for value in values[odd].tolist()], type=text)
        cells = compute.replace_with_mask(cells, pyarrow.array(odd), by_hand)
    return cells
