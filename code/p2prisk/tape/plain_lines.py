"""Text files without oddities, counted and read at once: the same result as line by line, a tenth of the time.

What is odd, in a line or in the whole file, is left to the careful way (:mod:`p2prisk.tape.text_file`); the tests
read every tape by both.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from p2prisk.tape.bounds import CELL

#: encodings in which a byte below 128 is always that letter
_TRANSPARENT = {"utf-8", "utf-8-sig"}
#: bytes of a number up to which any sound parser gives the same double: 15 digits and powers of ten up to 22 are exact
_EXACT = 15
#: bytes from which a whole number may be too large for pandas, which then keeps empty cells of the column as text
_OVERFLOW = 19
_LEAST, _MOST = 1e-7, 1e15


class NotPlainError(Exception):
    """The file has something that only the careful way can judge."""


class PlainLines:
    """Lines of a text in which every line end ends a record.

    Parameters
    ----------
    blocks : iterator of bytes
    encoding, delimiter : str
    width : int
        Cells of the header.
    first : int
        Lines up to and with the header.

    Attributes
    ----------
    lines : int
        Seen so far, those up to the header included.
    longest : ndarray of int
        Bytes of the longest cell of each column.
    regular : bool
        Whether every line below the header has as many cells as it and no cell is quoted.
    tail : bytes
        The last ones of the file.
    """

    def __init__(self, blocks, encoding: str, delimiter: str, width: int, first: int) -> None:
        if encoding not in _TRANSPARENT or width < 2 or delimiter in ' "\r\n' or not delimiter.isascii():
            raise NotPlainError
        self._blocks, self._mark, self._width, self._first = blocks, ord(delimiter), width, first
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.lines, self.tail = 0, b""
        self.longest, self.regular = np.zeros(width, dtype=np.int64), True

    def odd(self) -> Iterator[tuple[int, str]]:
        """Numbers (from 0) and texts of the lines below the header that need a closer look.

        Raises
        ------
        NotPlainError
            The file must be read line by line.
        UnicodeDecodeError
        """
        rest = b""
        for block in self._blocks:
            self._decoder.decode(block)
            self.tail = block[-4:]
            if b"\0" in block:
                raise NotPlainError
            block = rest + block
            cut = block.rfind(b"\n") + 1
            if len(block) - cut > CELL // 4:
                raise NotPlainError
            if cut:
                yield from self._of(block[:cut])
            rest = block[cut:]
        self._decoder.decode(b"", final=True)
        if rest:
            yield from self._of(rest + b"\n")

    def _of(self, text):
        if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
            raise NotPlainError
        letters = np.frombuffer(text, dtype=np.uint8)
        quoted = b'"' in text
        marks = letters == self._mark
        ends = np.flatnonzero(letters == 10)
        if quoted:
            marks &= ~self._inside(letters)
        before, self.lines = self.lines, self.lines + len(ends)
        skip = min(max(self._first - before, 0), len(ends))  # lines up to the header
        begins = np.append(0, ends[:-1] + 1)
        if len(ends) and (ends - begins).max() > CELL // 4:
            raise NotPlainError
        if skip:
            begins, ends = begins[skip:], ends[skip:]
            if not len(ends):
                return
            marks[: begins[0]] = False
        places = np.flatnonzero(marks)
        counts = np.diff(np.searchsorted(places, np.append(begins[0], ends)))
        stops = ends - (letters[ends - 1] == 13) if b"\r" in text else ends
        fits = counts == self._width - 1
        odd = ~fits
        if quoted:
            self.regular = False
            last = letters[np.maximum(stops - 1, 0)]
            odd |= (last == self._mark) | (last == 34) & (letters[np.maximum(stops - 2, 0)] == 34)
        if fits.all():
            cells = places.reshape(-1, self._width - 1)
            odd |= cells[:, 0] + self._width - 1 == stops  # nothing but the first cell
            if self.regular and not _hexadecimal(letters):
                edges = np.column_stack([begins - 1, cells, stops])
                self.longest = np.maximum(self.longest, np.diff(edges, axis=1).max(axis=0) - 1)
            else:
                self.regular = False
        else:
            self.regular = False
            odd |= letters[np.maximum(stops - 1, 0)] == self._mark
        for place in np.flatnonzero(odd):
            yield before + skip + int(place), text[begins[place] : ends[place] + 1].decode("utf-8")

    def _inside(self, letters):
        """Letters inside quotation marks, where every mark stands at the edge of its cell and holds no line end."""
        quotes = np.flatnonzero(letters == 34)
        if len(quotes) % 2:
            raise NotPlainError
        opens, closes = quotes[::2], quotes[1::2]
        edges = np.zeros(256, dtype=bool)
        edges[[self._mark, 10, 13]] = True
        again = np.zeros(len(quotes), dtype=bool)
        again[1:] = np.diff(quotes) == 1  # a doubled mark inside a cell closes and opens at once
        fine = (opens == 0) | edges[letters[np.maximum(opens - 1, 0)]] | again[::2]
        after = np.append(again[2::2], False)
        fine &= edges[letters[np.minimum(closes + 1, len(letters) - 1)]] | after
        depth = np.zeros(len(letters), dtype=np.int8)
        depth[opens], depth[closes] = 1, -1
        inside = np.cumsum(depth, dtype=np.int8).astype(bool)
        if not fine.all() or (inside & ((letters == 10) | (letters == 13))).any():
            raise NotPlainError
        return inside


def _hexadecimal(letters):
    """Whether a number may be hexadecimal, which pyarrow would read and pandas would not."""
    return any((letters[np.flatnonzero(letters == mark) - 1] == 48).any() for mark in (88, 120))


def read_plain(stream, places: list[int], texts: set[int], head: pd.DataFrame, scan: dict) -> pd.DataFrame | None:
    """Read columns of a regular file with pyarrow, to the same types and bits as pandas; None where it might differ.

    Parameters
    ----------
    stream : binary file object
    places : list of int
        Columns of the file.
    texts : set of int
        Those whose cells stay as they are written.
    head : pandas.DataFrame
        The first rows as pandas reads them, columns named by place.
    scan : dict
        Of :func:`p2prisk.tape.text_file.scan_lines`.
    """
    import pyarrow
    from pyarrow import csv

    kinds = {}
    for place in places:
        kind = head[place].dtype
        if place in texts or isinstance(kind, pd.StringDtype):
            if place not in texts and scan["longest"][place] >= _OVERFLOW:
                return None
            if place not in texts and set(head[place].dropna().str.lower()) <= {"true", "false"}:
                return None
            kinds[place] = pyarrow.string()
            continue
        if kind not in (np.dtype("int64"), np.dtype("float64")) or scan["longest"][place] > _EXACT:
            return None
        known = head[place].dropna()
        kinds[place] = pyarrow.int64() if (known == known.round()).all() else pyarrow.float64()
    names, demoted = [str(place) for place in range(len(scan["longest"]))], set()
    for _ in range(len(places) + 1):
        stream.seek(0)
        try:
            table = csv.read_csv(
                stream,
                csv.ReadOptions(skip_rows=scan["header_row"] + 1, column_names=names, block_size=1 << 22),
                csv.ParseOptions(delimiter=scan["delimiter"], quote_char=False),
                csv.ConvertOptions(
                    column_types={str(place): kind for place, kind in kinds.items()},
                    include_columns=[str(place) for place in places],
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
            break
        except pyarrow.ArrowInvalid as error:  # a column of whole numbers may have others further down
            found = re.search(r"column #(\d+): CSV conversion error to int64", str(error))
            if not found or kinds.get(int(found[1])) != pyarrow.int64():
                return None
            kinds[int(found[1])] = pyarrow.float64()
            demoted.add(int(found[1]))
    else:
        return None
    columns = {}
    for place in places:
        column = table.column(str(place))
        table = table.drop_columns([str(place)])  # of numbers only one copy is kept
        if kinds[place] == pyarrow.string():
            if column.null_count == len(column):
                return None
            columns[place] = pd.Series(column.to_pandas(), dtype="str")
            continue
        if column.null_count == len(column):
            columns[place] = pd.Series(np.full(len(column), np.nan))
            continue
        values = column.to_pandas()
        size = np.abs(values.to_numpy(dtype=float))
        known = size[size > 0] if kinds[place] == pyarrow.float64() else size[:0]
        if len(known) and (known.min() < _LEAST or known.max() >= _MOST):
            return None
        if column.null_count != int(np.isnan(size).sum()):
            return None
        if place in demoted and not column.null_count and (size == np.floor(size)).all():
            return None  # whole after all, such as +7: pandas says which it is
        columns[place] = values
    return pd.DataFrame(columns, copy=False)  # not stacked into blocks: that would hold every number twice
