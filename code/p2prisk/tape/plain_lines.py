"""Text files without oddities, counted and read at once: the same result as line by line, a tenth of the time.

What is odd, in a line or in the whole file, is left to the careful way (:mod:`p2prisk.tape.text_file`); the tests
read every tape by both.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pandas as pd

from p2prisk.tape.abreast import in_order
from p2prisk.tape.bounds import CELL
from p2prisk.tape.numerals import looks_grouped

#: encodings in which a byte below 128 is always that letter
_TRANSPARENT = {"utf-8", "utf-8-sig"}
#: bytes of a number up to which any sound parser gives the same double: 15 digits and powers of ten up to 22 are exact
_EXACT = 15
#: bytes from which a whole number may be too large for pandas, which then keeps empty cells of the column as text
_OVERFLOW = 19
_LEAST, _MOST = 1e-7, 1e15
#: bytes looked at in one step: what is made of them stays near the processor
_PART = 1 << 17
#: bytes of a file that are parsed in one step
_BLOCK = 1 << 22
#: levels up to which a library looks them up for each block anew
_MANY = 20_000


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
    rows : int
        Lines of a piece, where the file is to be read in pieces.

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
    begins : list of int
        Bytes before each piece.
    """

    def __init__(self, blocks, encoding: str, delimiter: str, width: int, first: int, rows: int = 0) -> None:
        if encoding not in _TRANSPARENT or width < 2 or delimiter in ' "\r\n' or not delimiter.isascii():
            raise NotPlainError
        self._blocks, self._mark, self._width, self._first = blocks, ord(delimiter), width, first
        self._decoder, self._plain = codecs.getincrementaldecoder("utf-8")(), True
        self.lines, self.tail = 0, b""
        self._rows, self._size = rows, 0
        self.begins: list[int] = []
        self.longest, self.regular = np.zeros(width, dtype=np.int64), True

    def odd(self) -> Iterator[tuple[int, str]]:
        """Numbers (from 0) and texts of the lines below the header that need a closer look.

        Raises
        ------
        NotPlainError
            The file must be read line by line.
        UnicodeDecodeError
        """
        for parts in in_order(self._looked_at, self._whole_lines()):
            for text, even in parts:
                if even is None or self.lines < self._first:
                    yield from self._of(text)
                else:
                    self._count(len(text), *even)

    def _whole_lines(self):
        """The blocks, each cut behind a line."""
        rest = b""
        for block in self._blocks:
            self._plain = self._plain and block.isascii()
            if not self._plain:
                self._decoder.decode(block)
            self.tail = block[-4:]
            if b"\0" in block:
                raise NotPlainError
            block = rest + block
            cut = block.rfind(b"\n") + 1
            if len(block) - cut > CELL // 4:
                raise NotPlainError
            yield block[:cut]
            rest = block[cut:]
        self._decoder.decode(b"", final=True)
        if rest:
            yield rest + b"\n"

    def _looked_at(self, block):
        """The parts of a block, each with what is counted of it if its lines are even; None if they are not."""
        parts, begin = [], 0
        while begin < len(block):
            end = (block.rfind(b"\n", begin, begin + _PART) + 1) or (block.index(b"\n", begin) + 1)
            text = block[begin:end]
            parts.append((text, self._even(text)))
            begin = end
        return parts

    def _of(self, text):
        if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
            raise NotPlainError
        letters = np.frombuffer(text, dtype=np.uint8)
        quoted = b'"' in text
        marks = letters == self._mark
        ends = np.flatnonzero(letters == 10)
        if quoted:
            marks &= ~self._inside(letters)
        before = self.lines
        self._note(ends, len(text))
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
            if self.regular and not _hexadecimal(text, letters):
                edges = np.column_stack([begins - 1, cells, stops])
                self.longest = np.maximum(self.longest, np.diff(edges, axis=1).max(axis=0) - 1)
            else:
                self.regular = False
        else:
            self.regular = False
            odd |= letters[np.maximum(stops - 1, 0)] == self._mark
        for place in np.flatnonzero(odd):
            yield before + skip + int(place), text[begins[place] : ends[place] + 1].decode("utf-8")

    def _even(self, text):
        """Where the lines end and the longest cell of each column, if every line has as many cells as the header.

        None if not, or if a line has nothing but the first cell filled; no sizes if a number may be hexadecimal.
        """
        width, carriage = self._width, b"\r" in text
        if b'"' in text or carriage and text.count(b"\r") != text.count(b"\r\n"):
            return None
        letters = np.frombuffer(text, dtype=np.uint8)
        places = np.flatnonzero((letters == self._mark) | (letters == 10))
        ends = places[width - 1 :: width]
        if len(places) != len(ends) * width or (letters[ends] != 10).any():
            return None
        if text.count(b"\n") != len(ends) or carriage and text.count(b"\r") != len(ends):
            return None
        sizes = np.diff(places, prepend=-1).reshape(-1, width)
        sizes -= 1
        if sizes.max() > CELL // 4 or (ends - places[::width] == width - 1 + carriage).any():
            return None
        if np.diff(ends, prepend=-1).max() > CELL // 4:
            return None
        longest = sizes.max(axis=0)
        longest[-1] -= carriage
        return ends, None if _hexadecimal(text, letters) else longest

    def _count(self, size, ends, longest):
        """Count a part whose lines are even."""
        self._note(ends, size)
        self.regular = self.regular and longest is not None
        if self.regular:
            self.longest = np.maximum(self.longest, longest)

    def _note(self, ends, size):
        """Note where the lines begin at which the file is cut into pieces, and how many lines are seen."""
        while self._rows and (line := self._first + len(self.begins) * self._rows) < self.lines + len(ends):
            place = line - self.lines
            self.begins.append(self._size + (int(ends[place - 1]) + 1 if place else 0))
        self.lines, self._size = self.lines + len(ends), self._size + size

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


def _hexadecimal(text, letters):
    """Whether a number may be hexadecimal, which pyarrow would read and pandas would not."""
    return any(mark in text and (letters[np.flatnonzero(letters == mark) - 1] == 48).any() for mark in b"xX")


def read_plain(
    stream, places: list[int], texts: set[int], head: pd.DataFrame, scan: dict, levels: frozenset[int] = frozenset()
) -> pd.DataFrame | None:
    """Read columns of a regular file with pyarrow, to the same types and bits as pandas; None where it might differ.

    The file comes in blocks, and each block goes to its place in the columns before the next one is read: beside the
    columns themselves nothing is held.

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
        Of :func:`p2prisk.tape.text_file.scan_lines`; its ``records`` are the most rows that may come.
    levels : set of int
        Those columns of text that may come as a Categorical: each text is then held, and later judged, once.
    """
    import pyarrow

    kinds = {place: _kind(place, texts, head[place], scan["longest"][place], levels) for place in places}
    if None in kinds.values():
        return None
    demoted: set[int] = set()
    for _ in range(len(kinds) + 1):
        stream.seek(0)
        columns = {place: _collector(kinds[place], scan["records"], place in demoted) for place in places}
        try:
            with closing(_batches(stream, kinds, scan)) as batches:
                if not all(columns[place].take(*part) for batch in batches for place, part in batch):
                    return None
            break
        except pyarrow.ArrowInvalid as error:
            found = re.search(r"column #(\d+): (?:Row #\d+: )?CSV conversion error to int64", str(error))
            if not found or kinds.get(int(found[1])) != pyarrow.int64():
                return None
            kinds[int(found[1])] = pyarrow.float64()  # whole numbers at first, and others further down
            demoted.add(int(found[1]))
    made = {}
    for place in places:
        made[place] = columns.pop(place).made(grouped=not isinstance(head[place].dtype, pd.StringDtype))
        if made[place] is None:
            return None
    pyarrow.default_memory_pool().release_unused()
    return pd.DataFrame(made, copy=False)  # not stacked into blocks: that would hold every number twice


def _kind(place, texts, head, longest, levels):
    """How pyarrow is to read a column; None where pandas might read it in another way."""
    import pyarrow

    kind, level = head.dtype, pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    if place in texts or isinstance(kind, pd.StringDtype):
        if place not in texts and longest >= _OVERFLOW:
            return None
        if place not in texts and set(head.dropna().str.lower()) <= {"true", "false"}:
            return None
        return level if place in levels and head.nunique() <= 0.9 * len(head) else pyarrow.string()
    if kind not in (np.dtype("int64"), np.dtype("float64")) or longest > _EXACT:
        return None
    if kind == np.dtype("float64") and looks_grouped(head):  # the text may have to decide what its marks are
        return level
    # with gaps pandas has a column of doubles, whole or not; without them its first rows say what it is
    return pyarrow.int64() if kind == np.dtype("int64") else pyarrow.float64()


def _batches(stream, kinds, scan):
    """The places and cells of each block of the file, in their order; blocks are parsed on all cores."""
    import pyarrow
    from pyarrow import csv

    names = [str(place) for place in range(len(scan["longest"]))]
    how = csv.ParseOptions(delimiter=scan["delimiter"], quote_char=False)
    cells = csv.ConvertOptions(
        column_types={str(place): kind for place, kind in kinds.items()},
        include_columns=[str(place) for place in kinds],
        null_values=[""],
        strings_can_be_null=True,
    )

    def parsed(block):
        whole = csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False)
        columns = csv.read_csv(pyarrow.BufferReader(block), whole, how, cells).columns
        parts = (column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in columns)
        return [(place, _ready(kinds[place], part)) for place, part in zip(kinds, parts, strict=True)]

    yield from in_order(parsed, _blocks_of_lines(stream, scan["header_row"] + 1))


def _blocks_of_lines(stream, skip):
    """The lines of a file below the first ones, some at a time."""
    rest = b""
    while block := stream.read(_BLOCK):
        block = rest + block
        while skip and (end := block.find(b"\n") + 1):
            block, skip = block[end:], skip - 1
        cut = 0 if skip else block.rfind(b"\n") + 1
        rest = block[cut:]
        if cut:
            yield block[:cut]
    if rest and not skip:
        yield rest


def _ready(kind, part):
    """What can be made of a part of a column without knowing the others: what its collector takes."""
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        size = np.min_scalar_type(-len(part.dictionary) - 1)
        codes = part.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(size)
        return part.dictionary, codes, part.null_count
    if kind == pyarrow.string():
        return (part,)
    values = part.to_numpy(zero_copy_only=False)
    sound = kind == pyarrow.int64() or (
        part.null_count == np.count_nonzero(np.isnan(values)) and _in_reach(np.abs(values))
    )
    return values, part.null_count, sound


def _collector(kind, rows, demoted):
    """What takes the parts of a column."""
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        return _Levels(rows)
    return _Texts() if kind == pyarrow.string() else _Numbers(kind, rows, demoted)


class _Numbers:
    """A column of numbers as pandas has it."""

    def __init__(self, kind, rows, demoted):
        import pyarrow

        self.exact, self.demoted = kind == pyarrow.int64(), demoted
        self.values = np.empty(rows, dtype=np.int64 if self.exact else float)  # no page is taken before it is written
        self.rows = self.missing = 0

    def take(self, values, missing, sound):
        """Put a part to its place; False where pandas might read it in another way."""
        begin, self.rows = self.rows, self.rows + len(values)
        self.missing += missing
        if self.rows > len(self.values) or not sound:
            return False
        if missing and self.values.dtype != float:
            whole, self.values = self.values, np.empty(len(self.values))
            self.values[:begin] = whole[:begin]
        self.values[begin : self.rows] = values
        return True

    def made(self, grouped):
        """The column; None where pandas might differ."""
        values = self.values[: self.rows]
        if self.demoted and not self.missing and (values == np.floor(values)).all():
            return None  # whole after all, such as +7: pandas says which it is
        return pd.Series(values, copy=False)


def _in_reach(size):
    """Whether numbers are such that any sound parser gives the same double."""
    known = size[size > 0]
    return not len(known) or (known.min() >= _LEAST and known.max() < _MOST)


class _Levels:
    """A column of texts, each of them held once, in the order in which they come."""

    def __init__(self, rows):
        import pyarrow

        self.codes, self.levels = np.empty(rows, dtype=np.int8), pyarrow.array([], pyarrow.string())
        self.known: dict = {}
        self.rows = self.missing = 0

    def take(self, texts, codes, missing):
        """Put a part to its place; False where there are more rows than were counted."""
        begin, self.rows = self.rows, self.rows + len(codes)
        self.missing += missing
        if self.rows > len(self.codes):
            return False
        place = np.append(self._places(texts), -1)
        while len(self.levels) > np.iinfo(self.codes.dtype).max:
            self.codes = self.codes.astype(f"i{2 * self.codes.dtype.itemsize}")
        self.codes[begin : self.rows] = place[codes]
        return True

    def _places(self, texts):
        """The place of each text among the levels; new ones come last."""
        import pyarrow
        from pyarrow import compute

        if len(self.levels) < _MANY:
            place = compute.index_in(texts, value_set=self.levels)
            if not place.null_count:
                return place.to_numpy()
        new = [text for text in texts.to_pylist() if text not in self.known]
        if new:
            self.known |= {text: len(self.known) + step for step, text in enumerate(new)}
            self.levels = pyarrow.concat_arrays([self.levels, pyarrow.array(new, pyarrow.string())])
        return np.array([self.known[text] for text in texts.to_pylist()], dtype=np.int64)

    def made(self, grouped):
        """The column as a Categorical; of numbers that may have a thousands point the texts, of others the numbers."""
        if grouped:
            return self._grouped_or_not()
        return None if self.missing == self.rows else self._categorical()

    def _categorical(self):
        texts = pd.Index(self.levels.to_pandas(), dtype="str")
        return pd.Series(pd.Categorical.from_codes(self.codes[: self.rows], texts), copy=False)

    def _grouped_or_not(self):
        import pyarrow
        from pyarrow import compute

        if not compute.all(compute.match_substring_regex(self.levels, r"\A-?[0-9]+(\.[0-9]*)?\z")).as_py():
            return None
        read = np.append(self.levels.cast(pyarrow.float64()).to_numpy(zero_copy_only=False), np.nan)
        if not _in_reach(np.abs(read[:-1])):
            return None
        return self._categorical() if looks_grouped(pd.Series(read)) else pd.Series(read[self.codes[: self.rows]])


class _Texts:
    """A column of texts that nearly all differ."""

    def __init__(self):
        self.parts: list = []

    def take(self, part):
        """Keep a part."""
        self.parts.append(part)
        return True

    def made(self, grouped):
        """The column; None if it is empty."""
        import pyarrow

        column = pyarrow.chunked_array(self.parts)
        return None if column.null_count == len(column) else pd.Series(column.to_pandas(), dtype="str")
