"""How large a part of a stranger's file may be: checked before memory is taken, as a few bytes can unfold to many.

A table of loans packs to a fifth or a twentieth of its size; one with the same loan in every row to a hundredth or two.
What unfolds more is no table of loans. A line, a header and a mapping have bounds that no lender's file comes near.
"""

from __future__ import annotations

import os
import re
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from p2prisk.tape.footer import Chunk

#: bytes that a file may unfold to whatever its packed size
FREE = 1 << 26
#: how many times its packed size a larger one may unfold to
RATIO = 250
#: bytes of a line, characters of a cell, columns of a table
LINE, CELL, COLUMNS = 1 << 24, 1 << 20, 20_000
#: columns beyond which a table may have so many cells and no more
WIDE, WIDE_CELLS = 5_000, 20_000_000
_END = re.compile(rb"[\r\n]")
#: what YAML takes for a number and computes with, minutes long
_LONG_NUMBER = re.compile(r"[-+.\w:]*[\d_:]{300}", re.ASCII)
#: letters from which on a text of a cell is a description
LONG = 1024
#: tags and attributes of the parts of a workbook: so many whatever its size (a few hundred thousand cells), or so many
#: for each byte of it. Measured: 0.5 for a byte of numbers at random, 2.3 where every row is the same
MARKS, MARKS_A_BYTE = 2_000_000, 6
#: and of its other parts: twenty thousand styles
MARKS_BESIDE = 200_000
#: how a part begins that may hold rows
_TABLE = re.compile(rb"[\xef\xbb\xbf\xff\xfe\s]*(?:<\?[^>]*>|<!--[^>]*>|\s)*<(?:\w+:)?(?:worksheet|sst)\b")
#: bytes between two tags of a workbook: the longest cell in any way to write it
BETWEEN = 4 * CELL
#: encodings of XML in which a tag begins with the byte that it begins with in ASCII
_ASCII = re.compile(rb"(?i)utf-?(8|16)|us-ascii|iso-8859-1")
#: lines of another width than the header, of which each is remembered
BROKEN = 1_000_000
#: bytes of a mapping file, depth of what is in it, and how many values and keys
MAPPING, DEPTH, VALUES = 1 << 20, 20, 1 << 16


def free_memory() -> float | None:
    """Bytes of free memory, or None where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") + _cached()
    except (ValueError, OSError, AttributeError):
        return None


def _cached():
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("Cached:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


@contextmanager
def within(more: float) -> Iterator[None]:
    """Hold this program to so many bytes beyond what it has, whichever library asks for them.

    The other bounds know how a file may unfold; this one holds for the ways that nobody knows. What would take more is
    a MemoryError here, where without it the system ends this program, or another. Only Linux counts so.
    """
    try:
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        before = resource.getrlimit(resource.RLIMIT_DATA)
        known = [end for end in before if end != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min([*known, int(held + more)]), before[1]))
    except (ImportError, OSError, ValueError, AttributeError, IndexError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


class Unfolding:
    """Watch the blocks of a file as they are unpacked: their sum and their longest line.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    DataError
        From :meth:`see`, when either is beyond its bound.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.packed = path, path.stat().st_size
        self.size = self.line = 0

    def see(self, block: bytes) -> None:
        """Count a block."""
        self.size += len(block)
        if self.size > max(FREE, RATIO * self.packed):
            raise DataError(
                f"{self.path.name} unfolds to more than {RATIO} times its {self.packed:,d} bytes: no table of loans "
                "does. If it is one, unpack it and give the file"
            )
        end = _END.search(block)
        longest = self.line + (end.start() if end else len(block))
        self.line = len(block) - 1 - max(block.rfind(b"\n"), block.rfind(b"\r")) if end else longest
        if longest > LINE or self.line > LINE:
            raise DataError(
                f"{self.path.name} has a line of more than {LINE:,d} bytes: is it a table, with one loan a line?"
            )


def check_archive(path: Path, free: float | None) -> int:
    """Refuse a workbook that unfolds to more than a workbook does, or than the memory holds.

    Parameters
    ----------
    path : pathlib.Path
        A zip archive; what it says of the size of its parts is what :mod:`zipfile` reads of them at most.
    free : float, optional
        Bytes of free memory.

    Returns
    -------
    int
        Bytes that it unfolds to.

    Raises
    ------
    DataError
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    check_packing(path, parts)
    size = sum(part.file_size for part in parts)
    worst = max((part.file_size / max(part.compress_size, 1) for part in parts if part.file_size > FREE), default=0)
    if worst > RATIO or size > max(FREE, RATIO * path.stat().st_size) or len(parts) > 10_000:
        raise DataError(
            f"{path.name} unfolds to {size:,d} bytes in {len(parts):,d} parts: no workbook of loans does; save the "
            "sheet as CSV"
        )
    need = 12.0 * size  # measured: a sheet of 70 MB of XML takes 800 MB as cells
    if free is not None and size > FREE and need > free:
        raise DataError(
            f"{path.name} needs about {need / 1e9:.1f} GB of memory as cells, {free / 1e9:.1f} GB are free; save the "
            "sheet as CSV"
        )
    return size


def check_marks(path: Path) -> None:
    """Refuse a workbook whose parts have more tags and attributes than a table of its size, before any is parsed.

    A sheet of 60 MB packs to 60 kB if it says little: ten million rows or styles with nothing in them. Each takes a
    parser microseconds and hundreds of bytes, and to count them takes a fraction of a second.

    Raises
    ------
    DataError
    """
    marks = {True: 0, False: 0}
    most = {True: max(MARKS, MARKS_A_BYTE * path.stat().st_size), False: MARKS_BESIDE}
    with zipfile.ZipFile(path) as archive:
        beside = _beside(path, archive)
        for part in archive.infolist():
            since, table = 0, False
            with archive.open(part) as stream:
                for number, block in enumerate(iter(partial(stream.read, 1 << 20), b"")):
                    if number == 0:
                        _check_encoding(path, block)
                        table = part.filename not in beside and _TABLE.match(block.replace(b"\0", b"")) is not None
                    marks[table] += block.count(b"<") + block.count(b"=")
                    since = len(block) - 1 - block.rfind(b"<") if b"<" in block else since + len(block)
                    if marks[table] > most[table]:
                        what = "cells and rows" if table else "styles, names and the like"
                        raise DataError(
                            f"{path.name} has more than {most[table]:,d} tags and attributes for {what} in "
                            f"{path.stat().st_size:,d} bytes, nearly all of them empty: save the sheet with the loans "
                            "alone as a new workbook, or as CSV"
                        )
                    if since > BETWEEN and part.filename.endswith((".xml", ".rels")):
                        raise DataError(
                            f"{path.name} has a tag or a cell of more than {BETWEEN:,d} bytes; save the sheet as CSV"
                        )


def _beside(path, archive):
    """Names of the parts that no rows are read from, however they begin."""
    parts = archive.namelist()
    name = "[Content_Types].xml"
    types = b""
    if name in parts:
        with archive.open(name) as stream:
            types = stream.read(BETWEEN).replace(b"\0", b"")
    if b"&" in types or len(types) >= BETWEEN:  # which may hide what a part is
        raise DataError(f"{path.name} does not say plainly what its parts are; save it again as .xlsx")
    books = re.findall(rb"<[^<>]*main\+xml[^<>]*>", types)
    named = {
        found.decode("latin-1").lstrip("/") for book in books for found in re.findall(rb"[\"']([^\"']*)[\"']", book)
    }
    return {part for part in parts if part in named or part in (name, "xl/styles.xml") or part.endswith(".rels")} | {
        part for part in parts if part.startswith("docProps/")
    }


def _check_encoding(path, begin):
    begin = begin[:1000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    named = re.match(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", begin)
    if named and not _ASCII.fullmatch(named[1]):
        raise DataError(f"{path.name} is written in an encoding that no workbook has; save it again as .xlsx")


def check_parquet(path: Path, about: Any, kinds: list, free: float | None) -> None:
    """Refuse a Parquet file that unfolds to more than a table does, or than the memory holds.

    Parameters
    ----------
    path : pathlib.Path
    about : pyarrow.parquet.FileMetaData
    kinds : list of pyarrow.DataType
        Of the columns that are read.
    free : float, optional
        Bytes of free memory; None where the file is read in pieces.

    Raises
    ------
    DataError
    """
    check_columns(about.num_columns, path.name)
    groups = [about.row_group(place) for place in range(about.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if size > max(FREE, RATIO * path.stat().st_size):
        raise DataError(
            f"{path.name} unfolds to {size:,d} bytes, more than {RATIO} times its own size: no table of loans does"
        )
    # one value over and over takes no room in the file
    need = 3.0 * max(size, about.num_rows * sum(map(_width, kinds)))
    if free is not None and need > FREE and need > free:
        raise DataError(
            f"{path.name} needs about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free; name fewer columns "
            "in a mapping, or split it by issue date and score it with 'p2prisk score', which streams"
        )


def check_packing(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    """Refuse members of an archive that are not stored or deflated.

    Python unpacks those of bzip2 4 kB at a time, which may be 5 GB, whatever size the archive names.

    Raises
    ------
    DataError
    """
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise DataError(f"{path.name} is packed in a way not known here; unpack it and give what it holds")


def _width(kind):
    """Bytes of a cell: of a number its own, of what becomes an object of Python (measured) a hundred more."""
    import pyarrow

    if pyarrow.types.is_fixed_size_binary(kind):
        return 100 + kind.byte_width
    objects = (pyarrow.types.is_decimal, pyarrow.types.is_date, pyarrow.types.is_time)
    return 100 if any(is_object(kind) for is_object in objects) else 8


def columns_of_deltas(path: Path, chunks: Iterable[Chunk]) -> set[int]:
    """Places of the columns that are stored as changes of the cell before, where they cannot unfold to too much.

    Raises
    ------
    DataError
    """
    chunks = list(chunks)
    size = max((chunk.cells * chunk.size for chunk in chunks if chunk.texts_of_deltas), default=0)
    if size > RATIO * FREE:
        raise DataError(
            f"{path.name} stores texts as changes of the text before (DELTA_BYTE_ARRAY), which may unfold without a "
            "bound; write it again with plain texts or a dictionary"
        )
    return {chunk.place for chunk in chunks if chunk.deltas}


def unfolded(path: Path, table: Any, free: float | None, before: int = 0) -> int:
    """Bytes that the texts of a table take once each cell has its own.

    Raises
    ------
    DataError
        A cell is longer than any, long ones repeat more than in any table of this size, or the texts and those `before`
        take more than a fourth of the `free` memory.
    """
    import pyarrow
    from pyarrow import compute

    size = long = 0
    for column in table.columns:
        for chunk in column.chunks if isinstance(column, pyarrow.ChunkedArray) else [column]:
            kind = chunk.type.value_type if pyarrow.types.is_dictionary(chunk.type) else pyarrow.null()
            texts = (pyarrow.types.is_string, pyarrow.types.is_large_string, pyarrow.types.is_binary)
            if any(is_text(kind) for is_text in texts) and len(chunk.dictionary):
                lengths = compute.binary_length(chunk.dictionary)
                if (compute.max(lengths).as_py() or 0) > CELL:
                    raise DataError(f"{path.name} has a cell of more than {CELL:,d} bytes: is it a table of loans?")
                taken = compute.cast(lengths, "int64").take(chunk.indices)
                size += compute.sum(taken).as_py() or 0
                long += compute.sum(taken.filter(compute.greater(taken, LONG))).as_py() or 0
    # words of a few letters repeat in every row of a small file, descriptions of a page do not
    most = max(FREE, RATIO * path.stat().st_size)
    if long > most or (free is not None and before + size > max(FREE, free / 4)):
        raise DataError(f"{path.name} unfolds to {before + size:,d} bytes of text and more: no table of loans does")
    return size


def check_columns(count: int, name: str) -> None:
    """Refuse a header of more columns than any table of loans has."""
    if count > COLUMNS:
        raise DataError(f"{name} has {count:,d} columns, more than {COLUMNS:,d}: is it a table, with one loan a row?")


def check_cells(columns: int, rows: int, name: str) -> None:
    """Refuse a table that is very wide and long: each of its columns is looked at, and takes memory of its own."""
    if columns > WIDE and columns * rows > WIDE_CELLS:
        raise DataError(
            f"{name} has {columns:,d} columns and {rows:,d} rows: a table of more than {WIDE:,d} columns may have "
            f"{WIDE_CELLS:,d} cells. Export the columns of the loans alone, or fewer rows at a time"
        )


def check_file(path: Path) -> None:
    """Refuse what is no file with something in it: absent, a folder, a pipe or device, empty.

    Raises
    ------
    DataError
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; give the file")
    if not path.is_file():
        if path.exists():
            raise DataError(
                f"{path} is no ordinary file but a pipe or a device; save the loans to a file and give that"
            )
        raise DataError(f"{path} is {'a link to nothing' if path.is_symlink() else 'not there'}; check the path")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty (0 bytes); export it again")


#: how files begin that are no text -> what to do with what was packed into an archive, or given for a text file
_BEGINS = {
    b"\x1f\x8b\x08": "a gzip file",
    b"\xfd7zXZ\x00": "an xz file",
    b"]\x00\x00": "an lzma file",
    b"\x1f\x9d": "a file of compress (.Z)",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"\x02\x21\x4c\x18": "an lz4 file",
    b"\xff\x06\x00\x00sNaPpY": "a snappy file",
    b"\x89LZO\x00": "an lzop file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an Excel 97-2003 file",
    b"%PDF-": "a PDF file",
}


#: beginnings of tables that other programs write
_TABLES = (
    (re.compile(rb"<stata_dta>|[\x71-\x73][\x01\x02]\x01"), "a Stata file"),
    (re.compile(rb"\$FL[23]"), "an SPSS file"),
    (re.compile(rb"\x00{12}\xc2\xea\x81\x60"), "a SAS file"),
    (re.compile(rb"RD[XA]\d\n|X\n\x00"), "an R file"),
    (re.compile(rb"\x80[\x02-\x05]"), "a pickle of Python"),
    (re.compile(rb"ARROW1|FEA1"), "an Arrow file"),
    (re.compile(rb"\x89HDF"), "an HDF5 file"),
    (re.compile(rb"Obj\x01"), "an Avro file"),
    (re.compile(rb"(?i)<(\?xml|!doctype|html|table|workbook|head|body)"), "a page or a table in HTML or XML"),
    (re.compile(rb"\[?\s*\{\s*\""), "JSON"),
)


def check_begin(path: Path, begin: bytes) -> None:
    """Refuse a text file that begins as another kind of file does, for instance what an archive in an archive holds.

    Raises
    ------
    DataError
    """
    if begin.startswith(b"SQLite format 3\x00"):
        raise DataError(f"{path.name} is or holds an SQLite database; give sqlite:///{path.name} with --query")
    plain = begin.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    other = next((kind for form, kind in _TABLES if form.match(begin) or form.match(plain)), "")
    if other:
        raise DataError(f"{path.name} is or holds {other}, not a table in text; export the loans as CSV or .xlsx")
    packed = b"BZh" == begin[:3] and begin[4:10] == b"1AY&SY"
    kind = "a bzip2 file" if packed else "a tar archive" if begin[257:262] == b"ustar" else ""
    kind = kind or next((kind for head, kind in _BEGINS.items() if begin.startswith(head)), "")
    if kind:
        raise DataError(
            f"{path.name} is or holds {kind}; unpack it and give the table itself, as CSV, Parquet or .xlsx"
        )


def check_text(path: Path, begin: bytes) -> None:
    """Refuse bytes that are no UTF-8 and hold many control characters of many kinds, as no text in any encoding does.

    So look files of brotli and raw snappy, which begin with no mark of their own, and encrypted ones.

    Raises
    ------
    DataError
    """
    control = [byte for byte in begin if byte < 32 and byte not in b"\t\n\v\f\r\x1a\x1b"]
    if len(control) > 0.03 * len(begin) and len(set(control)) >= 8:
        raise DataError(
            f"{path.name} is no text: its bytes look compressed or encrypted (brotli and snappy leave no mark to tell "
            "them by); unpack it, or export the loans as CSV or .xlsx"
        )


def check_mapping_size(path: Path) -> None:
    """Refuse a mapping file larger than any, or one without a size, whose reader the system may keep waiting."""
    if path.stat().st_size == 0:
        raise DataError(f"mapping {path.name} is empty (0 bytes); p2prisk map FILE drafts a mapping")
    if path.stat().st_size > MAPPING:
        raise DataError(f"mapping {path.name} has more than {MAPPING:,d} bytes: no mapping has")


def check_yaml(text: str, name: str, yaml: Any) -> None:
    """Refuse a mapping, or another file of settings, before it is built: deep, by aliases or tags, a key twice.

    Raises
    ------
    DataError
    yaml.YAMLError
        It is no YAML.
    """
    within: list[set[str] | None] = []  # keys of each mapping that is open, None for a list
    at_key: list[bool] = []
    values = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"{name}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            raise DataError(f"{place}: aliases such as *{event.anchor[:20]} are not read; write the value out")
        if isinstance(event, yaml.CollectionEndEvent):
            within.pop()
            at_key.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        values += 1
        if values > VALUES:
            raise DataError(f"{place}: more than {VALUES:,d} values and keys: no such file has")
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and _LONG_NUMBER.match(event.value):
            raise DataError(
                f"{place}: a value looks like a number or a date and is none (more than 300 figures); put "
                "it in quotation marks if it is text"
            )
        if event.tag is not None and event.tag != "!":  # a "!" alone is what a quoted text has
            raise DataError(f"{place}: tags such as {event.tag[:40]} are not read; put a text in quotation marks")
        if within and within[-1] is not None:
            if at_key[-1]:
                _check_key(event, within[-1], place, yaml)
            at_key[-1] = not at_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            within.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            at_key.append(True)
            if len(within) > DEPTH:
                raise DataError(f"{place}: nested deeper than any such file is")


def _check_key(event, keys, place, yaml):
    if not isinstance(event, yaml.ScalarEvent):
        raise DataError(f"{place}: a list or a group of keys stands where a key is needed")
    if event.value in keys:
        raise DataError(f"{place}: the key {event.value[:60]!r} is there twice in one group; keep one")
    keys.add(event.value)


@contextmanager
def building(name: str) -> Iterator[None]:
    """While YAML is built, what only looks like a number or a date is an error that names the file.

    Raises
    ------
    DataError
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        if type(error).__module__.startswith(("yaml", "p2prisk")) or isinstance(error, UnicodeDecodeError):
            raise
        raise DataError(
            f"{name}: a value looks like a number or a date and is none; correct it, or put it in quotation marks if "
            "it is text"
        ) from None
