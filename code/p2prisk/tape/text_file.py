"""Text files: containers, encodings, delimiters, broken lines; read whole or piece by piece."""

import bz2
import codecs
import contextlib
import csv
import errno
import gzip
import io
import lzma
import re
import zipfile
import zlib
from itertools import islice

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.bounds import (
    BROKEN,
    CELL,
    LINE,
    Unfolding,
    check_begin,
    check_cells,
    check_columns,
    check_packing,
    check_text,
    free_memory,
)
from p2prisk.tape.choose import find_mapping, known_at_issue_only, wanted_columns
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.encodings import other_encoding
from p2prisk.tape.fixed_width import refuse_fixed_width
from p2prisk.tape.header import LOOKED_AT, find_header
from p2prisk.tape.mapping import builtin, builtin_names
from p2prisk.tape.numerals import looks_grouped, may_hide_groups
from p2prisk.tape.plain_lines import NotPlainError, PlainLines, read_plain
from p2prisk.tape.privacy import masked_names, personal_columns
from p2prisk.tape.rows import read_beside, with_currency
from p2prisk.tape.shifted import candidates, shifted_rows, told
from p2prisk.tape.stray_marks import Quoted, SwallowedError, quoted_anew
from p2prisk.tape.watch import ToldStream, blocks_told

_BLOCK = 1 << 22
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_DELIMITERS = ",;\t|^~\x01"
#: kinds of column whose cells are words, whatever they look like: 007 is not 7, and 1e20 is a level
_WORDS = {"text", "category", "ordered", "flag"}

DAMAGED = "{}: the compressed data end early or are damaged; copy or download it again"


def open_binary(path):
    """Open a plain or compressed file; a zip must hold one table.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    binary file object

    Raises
    ------
    DataError
        A zip with no table or several, or a broken one.
    """
    if isinstance(path, Quoted):
        return io.BytesIO(path.data)
    with open(path, "rb") as stream:
        head = stream.read(6)
    if head[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if head[:3] == b"BZh":
        return bz2.open(path, "rb")
    if head == b"\xfd7zXZ\x00":
        return lzma.open(path, "rb")
    if head[:4] == b"PK\x03\x04":
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):  # lengths that lie
            raise DataError(DAMAGED.format(path.name)) from None
        check_packing(path, archive.infolist())
        names = [
            info.filename
            for info in archive.infolist()
            if not info.is_dir() and not info.filename.startswith("__MACOSX")
        ]
        try:
            if "mimetype" in names and archive.open("mimetype").read(40).startswith(b"application/vnd.oasis"):
                raise DataError(f"{path.name} is an OpenDocument file; save it as .xlsx or CSV")
            if len(names) != 1:
                told = masked_names(names, 5)
                raise DataError(f"{path.name} holds {len(names)} files ({told}); unpack it and give one")
            return archive.open(names[0])
        except DataError:
            raise
        except (RuntimeError, NotImplementedError):  # locked by a password, or packed in a way not known here
            raise DataError(
                f"{path.name}: what it holds is locked by a password, or packed in a way not known here; unpack it and "
                "give that"
            ) from None
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError):
            raise DataError(DAMAGED.format(path.name)) from None
    return open(path, "rb")


def _blocks(path):
    seen = Unfolding(path)
    try:
        with open_binary(path) as stream:
            while block := stream.read(_BLOCK):
                if not seen.size:
                    check_begin(path, block[:512])
                seen.see(block)
                yield block
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError):
        raise DataError(DAMAGED.format(path.name)) from None
    except OSError as error:
        # the disk's own has a number; bz2 and gzip name damage by an OSError without one, a zip seeks before its begin
        if error.errno not in (None, errno.EINVAL):
            raise
        raise DataError(DAMAGED.format(path.name)) from None


def find_encoding(path):
    """Encoding of a text file: UTF-8 (with or without mark), UTF-16, or what :mod:`p2prisk.tape.encodings` finds.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    encoding : str
    size : int
        Bytes after decompression.

    Raises
    ------
    DataError
        Mixed encodings, or none of these, with the line.
    """
    size, first, decoder, failed, plain = 0, b"", None, False, True
    for block in _blocks(path):
        if not size:
            first = block[:4]
            if block[:2000].count(0) > 0.6 * len(block[:2000]) > 0:
                name = "utf-32" if block[:4] in _UTF_32 else "utf-32-be" if not block[0] else "utf-32-le"
                raise DataError(f"{path.name} is UTF-32: export as UTF-8, or name it: --encoding {name} (encoding=)")
            if unmarked := _utf16_without_mark(block):
                return unmarked, sum(len(part) for part in _blocks(path))
            if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                decoder = codecs.getincrementaldecoder("utf-16")()
            else:
                decoder = codecs.getincrementaldecoder("utf-8")()
        size += len(block)
        if b"\x1b" in block or b"~" in block and b"~{" in block:  # a single byte is found much faster
            _refuse_seven_bits(path, block)
        if not failed and not (plain := plain and block.isascii()):
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                failed = True
    if not size:
        raise DataError(f"{path.name} is empty; export it again")
    if not failed:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            failed = True
    utf16 = first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if not failed:
        return ("utf-16" if utf16 else "utf-8-sig" if first[:3] == codecs.BOM_UTF8 else "utf-8"), size
    if utf16:
        raise DataError(
            f"{path.name} begins like UTF-16 but breaks off inside a character: it ends early or mixes "
            "encodings; export it again"
        )
    with open_binary(path) as stream:
        check_text(path, stream.read(4096))
    with open_binary(path) as stream:
        encoding = other_encoding(path, stream)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise DataError(
            f"{path.name} is not UTF-8, and {encoding}, which fits its first lines, cannot read all of it; name the "
            "encoding (--encoding, encoding=), or export as UTF-8"
        ) from None
    return encoding, size


#: how encodings begin their letters that hide them in ASCII
_SEVEN_BITS = {
    rb"\x1b\$\)C": "iso2022_kr",
    rb"\x1b\$(?:[@B]|\([DOPQ])": "iso2022_jp",
    rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}": "hz",
}


def _refuse_seven_bits(path, block):
    """Refuse text of an encoding that is ASCII by its bytes: it would be read as signs and letters."""
    for begin, name in _SEVEN_BITS.items():
        if found := re.search(begin, block):
            line = block[: found.start()].count(b"\n") + 1
            raise DataError(
                f"{path.name}, near line {line:,d}: letters in the encoding {name}, hidden in ASCII; name it: "
                f"--encoding {name} (encoding={name!r}), or export as UTF-8"
            )


def _utf16_without_mark(block):
    """UTF-16 by its zero bytes: every other byte of plain letters is one."""
    if block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return None
    head = block[:2000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and max(even, odd) > 0.4 * len(head) / 2 and min(even, odd) < 0.02 * len(head):
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


#: lines of which the scan keeps where they are
_LISTS = ("text_lines", "short", "long", "quoted", "trailing_rows")


def scan_lines(path, encoding, delimiter, names, expected=(), header=None, piece=0):
    """Go through the lines once: find delimiter, header, broken lines, and quotation marks that swallow lines."""
    csv.field_size_limit(CELL)
    scan: dict = {"blank": 0, "trailing": 0, "widest": 0}
    scan |= {name: [] for name in _LISTS}
    with io.TextIOWrapper(open_binary(path), encoding=encoding, newline="") as text:
        lines = list(islice(text, LOOKED_AT + 15))
    try:
        delimiter = _delimiter(lines) if delimiter is None else delimiter
        rows = list(islice(_records(lines, delimiter), LOOKED_AT))
    except csv.Error as error:
        raise DataError(f"{path.name}: {error} in its first lines: is it a table?") from None
    if sum(len(row) == 1 for row in rows) > 0.5 * len(rows):
        with io.TextIOWrapper(open_binary(path), encoding=encoding) as text:
            refuse_fixed_width(path.name, text)
    usual = len(rows[1]) if len(rows) > 2 and len(rows[1]) == len(rows[2]) > 2 else 0
    rows = [_split_again(row) if delimiter == " " or len(_split_again(row)) == usual else row for row in rows]
    scan["delimiter"] = delimiter
    scan["header_row"], names = find_header(rows, names, expected, header, path.name)
    check_columns(len(names), path.name)
    names = [name.strip().lstrip("\ufeff") for name in names]
    width = len(names)
    while delimiter in "\t ;," and width > 1 and not names[width - 1] and all(len(row) < width for row in rows[1:]):
        width -= 1  # a mark at the end of the header alone
    names = names[:width]
    scan["widest"] = width

    def judge(row, index, begin, line):
        """What a row has that others have not."""
        if len(row) != width or not row[-1]:
            if len(row) > width:
                scan["widest"] = max(scan["widest"], len(row))
                if any(row[width:]):
                    scan["long"].append((index, line, len(row)))
                else:
                    scan["trailing"] += 1
                    if scan["trailing"] <= BROKEN:
                        scan["trailing_rows"].append(index)
            elif len(row) == 1 and width >= 3 and row[0].count(delimiter) >= 0.6 * (width - 1):
                scan["quoted"].append((index, begin, 1))
            elif width >= 4 and " " in row[0].strip() and not any(row[1:]):
                scan["text_lines"].append((index, line))
            elif len(row) < width:
                scan["short"].append((index, begin, len(row)))
            check_columns(len(row), f"{path.name}, line {line:,d},")
            if len(scan["short"]) + len(scan["long"]) + len(scan["quoted"]) + len(scan["text_lines"]) > BROKEN:
                raise DataError(
                    f"{path.name}: more than {BROKEN:,d} lines do not fit the header (line {scan['header_row'] + 1}, "
                    f"{width} fields); is it the header (--header-row), and {delimiter!r} the mark between the cells "
                    "(--delimiter)?"
                )

    try:
        _scan_plain(path, encoding, delimiter, width, scan, judge, piece)
    except NotPlainError:
        _scan_records(path, encoding, delimiter, width, scan, judge)
    check_cells(width, scan["records"], path.name)
    scan["header"], scan["width"] = names, width
    if scan["trailing"] > 0.5 * scan["records"]:  # all rows end so: none of them is shifted
        scan["trailing_rows"] = []
    if scan["open_quote"] and [index for index, *_ in scan["short"] + scan["long"][-1:]][-1:] != [scan["records"] - 1]:
        scan["short"].append((scan["records"] - 1, scan["last_begin"], width))
    return scan


def _scan_plain(path, encoding, delimiter, width, scan, judge, piece):
    """Count the lines of a text in which each is a record; only the odd ones are parsed."""
    blocks = blocks_told(_blocks(path), path.stat().st_size)
    lines = PlainLines(blocks, encoding, delimiter, width, scan["header_row"] + 1, piece)
    for number, text in lines.odd():
        row = next(csv.reader([text], delimiter=delimiter)) if len(text) > 2 or text.strip("\r\n") else []
        if not row:
            _count_blank(path, scan, number)
        else:
            judge(row, number - scan["header_row"] - 1 - scan["blank"], number + 1, number + 1)
    scan["records"] = lines.lines - scan["header_row"] - 1 - scan["blank"]
    scan["last_line"] = scan["last_begin"] = lines.lines
    scan["last_line_open"], scan["open_quote"] = not lines.tail.endswith((b"\n", b"\r")), False
    scan["longest"], scan["begins"] = lines.longest, lines.begins
    scan["regular"] = lines.regular and not scan["blank"] and not scan["text_lines"]


def _count_blank(path, scan, number):
    scan["blank"] += 1
    if scan["blank"] > BROKEN and scan["blank"] > 0.9 * number:
        raise DataError(f"{path.name}: more than {BROKEN:,d} lines and nine in ten are blank: is it a table?")


def _scan_records(path, encoding, delimiter, width, scan, judge, strict=True):
    """Parse every record with the csv module, and judge it; once more, leniently, where a cell is quoted amiss."""
    scan |= {name: [] for name in _LISTS}
    scan |= {"blank": 0, "trailing": 0, "widest": width, "regular": False}
    with io.TextIOWrapper(open_binary(path), encoding=encoding, newline="") as text:
        reader = _records(text, delimiter, strict)
        index, before, begin = -1, 0, 0
        try:
            for number, row in enumerate(reader):
                begin, before = before + 1, reader.line_num
                if number <= scan["header_row"]:
                    continue
                if not row:
                    _count_blank(path, scan, number)
                    continue
                index += 1
                if before - begin and width >= 3:
                    _refuse_swallowed(path, row, width, scan, begin, before)
                judge(row, index, begin, reader.line_num)
        except csv.Error as error:
            if strict and ("expected after" in str(error) or "end of data" in str(error)):
                scan["stray"] = "expected after" in str(error)
                return _scan_records(path, encoding, delimiter, width, scan, judge, strict=False)
            remedy = (
                "it holds binary data: is it a table?"
                if "NUL" in str(error)
                else "a quotation mark may not be closed there: correct it"
            )
            raise DataError(f"{path.name}, line {reader.line_num:,d}: {error}; {remedy}") from None
    scan["records"] = index + 1
    scan["last_line"], scan["last_begin"] = before, begin
    for block in _blocks(path):
        last = block[-4:]
    scan["last_line_open"] = not last.rstrip(b"\x00").endswith((b"\n", b"\r"))
    scan["open_quote"] = _open_quote(path, encoding, scan)


class _records:
    """Rows of a text, none without an end; where blanks divide the cells, any number of them is one."""

    def __init__(self, lines, delimiter, strict=False):
        self.size = 0
        lines = (
            (" ".join(line.split()) + "\n" if line.strip() else "\n" for line in lines) if delimiter == " " else lines
        )
        self.reader = csv.reader(self._seen(lines), delimiter=delimiter, strict=strict)

    def _seen(self, lines):
        for line in lines:
            self.size += len(line)
            if self.size > LINE:
                raise csv.Error(f"a row of more than {LINE:,d} letters")
            yield line

    def __iter__(self):
        for row in self.reader:
            self.size = 0
            yield row

    @property
    def line_num(self):
        return self.reader.line_num


def _split_again(row):
    """A header whose names are divided by another mark than the cells below."""
    if len(row) == 1:
        for mark in _DELIMITERS:
            if mark in row[0]:
                return row[0].split(mark)
    return row


def _delimiter(lines):
    """The mark by which most of the first lines have the same number of cells."""
    best, found = (0.0, 0), ","
    lines = [line for line in lines if line.strip()]
    for mark in _DELIMITERS + " ":
        if mark == " ":
            widths = [len(line.split()) for line in lines]
        else:
            widths = [len(row) for row in csv.reader(io.StringIO("".join(lines), newline=""), delimiter=mark) if row]
        usual = max((width for width in set(widths) if width > 1), key=lambda w: (widths.count(w), w), default=0)
        if mark == " " and (usual < 3 or widths.count(usual) < 0.9 * len(widths) or best[0] >= 0.5):
            continue
        score = (widths.count(usual) / max(len(widths), 1) if usual else 0.0, usual)
        if score > best:
            best, found = score, mark
    return found


def _refuse_swallowed(path, row, width, scan, begin, end):
    """Refuse a cell that has swallowed whole lines, because a quotation mark was opened and not closed."""
    delimiter = scan["delimiter"]
    lines = [line for line in delimiter.join(row).split("\n") if line.strip()]
    whole = sum(line.count(delimiter) + 1 >= width for line in lines)
    if len(lines) > 1 and whole > 0.5 * len(lines):
        raise SwallowedError(
            f"{path.name}, line {begin:,d}: a quotation mark opens a cell that holds lines {begin:,d} to {end:,d}, and "
            f"{whole:,d} of them look like rows of their own. If the mark begins the cell, close it behind the cell, "
            'or remove the mark; if it belongs to the text, as in 24" (inches), write it twice in a quoted cell: '
            '"24"" tv"',
            scan | {"width": width},
        )


def _open_quote(path, encoding, scan):
    """Whether the file ends inside quotation marks."""
    if not scan["records"]:
        return False
    with io.TextIOWrapper(open_binary(path), encoding=encoding, newline="") as text:
        return "".join(islice(text, scan["last_begin"] - 1, None)).count('"') % 2 == 1


def read_csv(path, on_error, encoding, delimiter, mapping, header=None, expected=()):
    """Read the wanted columns of a text file; parameters and result as of :func:`~p2prisk.tape.read.read_raw`.

    Every line is counted with the csv module before pandas parses the file, because pandas fills short rows with
    missing values without a word.
    """
    encoding, size = _encoding_and_size(path, encoding)
    scan = _scanned(path, encoding, delimiter, on_error, header, expected)
    path, size = scan["path"], scan["path"].stat().st_size if "marks" in scan else size
    header, width, scan["bytes"] = scan["header"], scan["width"], size
    chosen = mapping(header) if mapping is not None else None
    wanted = [name for name in header if name] if chosen is None else wanted_columns(header, chosen)
    _refuse_another_header(path, scan, wanted)
    beside = read_beside(header, chosen) if chosen is not None else []
    wanted = [name for name in header if name in {*wanted, *beside}]
    _check_wanted(path, scan, wanted, on_error)
    _check_memory(path, size, len(wanted) / max(width, 1), scan["regular"])
    positions, text, options = [header.index(name) for name in wanted], _kept_as_text(header, chosen), _options(scan)
    source = _source(path, scan, on_error)
    try:
        sample = _head(source, header, options)
        how = options | {"usecols": positions, "dtype": dict.fromkeys(text.values(), str), "low_memory": False}
        frame = _plain_frame(source, scan, positions, how, _levels(header, chosen))
        if frame is None:
            with source() as stream:
                frame = pd.read_csv(stream, **how)
    except (pd.errors.ParserError, ValueError) as error:
        raise _unparsed(path, error) from None
    _check_count(path, scan, len(frame))
    frame = _grouped_as_text(frame[positions], source, options, scan=scan)
    drop, set_aside = _not_loans(scan, on_error)
    moved, more = _shifted(path, frame, source, scan, on_error)
    drop, set_aside = [*drop, *moved], set_aside + more
    frame.columns = wanted
    if drop:
        frame = frame.drop(index=drop)
    frame.attrs["text"] = True
    facts = {
        "encoding": encoding,
        "delimiter": scan["delimiter"],
        "header_line": scan["header_row"] + 1,
        "rows_read": scan["records"],
        "personal": personal_columns(sample),
        "not_read": [name for name in header if name not in wanted],
    }
    return frame, facts, set_aside, _what_was_skipped(scan)


def _shifted(path, frame, source, scan, on_error, trailing=True):
    """Rows whose cells stand one column too far right, which are refused or set aside; and what is said of them."""
    some = {} if trailing else {"trailing_rows": []}
    found = shifted_rows(source, scan | some, candidates(frame, scan["delimiter"]))
    if not found:
        return [], []
    if on_error == "raise":
        raise DataError(told(found[0], path.name, scan, len(found)))
    reason = "its cells fit their columns only if two of them are one cell: a mark inside a cell without quotation"
    entry = {"reason": f"{reason} marks", "rows": len(found), "unit": "line", "fault": True}
    return [row["index"] for row in found], [entry | {"lines": [row["line"] for row in found[:5]]}]


def _refuse_another_header(path, scan, wanted):
    """Refuse a header that has none of the columns to be read."""
    if not wanted:
        raise DataError(
            f"{path.name}: none of the columns that the mapping names is in its header "
            f"({masked_names(scan['header'], 8)}); names are taken letter by letter. Is it the right mapping, is line "
            f"{scan['header_row'] + 1} the header (--header-row), and {scan['delimiter']!r} the mark between the cells "
            "(--delimiter)?"
        )


def _check_wanted(path, scan, wanted, on_error):
    """Refuse a column that is there twice, and a table of which no row fits its header."""
    for name in wanted:
        if scan["header"].count(name) > 1:
            raise DataError(f"{path.name}: the column {name!r} is there {scan['header'].count(name)} times; rename one")
    if on_error == "missing" and len(scan["short"]) + len(scan["long"]) == scan["records"]:
        raise DataError(
            f"{path.name}: every row has another number of fields than the header ({scan['width']}); is line "
            f"{scan['header_row'] + 1} the header, and {scan['delimiter']!r} the delimiter?"
        )


def _check_count(path, scan, read):
    """Refuse a file of which the parser made another number of rows than were counted."""
    if read != scan["records"]:
        raise DataError(
            f"{path.name}: {scan['records']:,d} records were counted but {read:,d} read; quotation "
            "marks may be unbalanced: export the file again"
        )


def csv_pieces(path, format, rows, on_error, encoding, delimiter, header=None, expected=()):
    """Pieces of a text file: iterator of frames, the mapping, the columns with personal data, the rows set aside."""
    encoding, size = _encoding_and_size(path, encoding)
    scan = _scanned(path, encoding, delimiter, on_error, header, expected, rows)
    path, size = scan["path"], scan["path"].stat().st_size if "marks" in scan else size
    header = scan["header"]
    mapping = known_at_issue_only(find_mapping(format, header, path))
    wanted = wanted_columns(header, mapping)
    wanted = wanted and with_currency(wanted, header, mapping)
    _refuse_another_header(path, scan, wanted)
    _check_wanted(path, scan, wanted, on_error)
    positions, text, options = [header.index(name) for name in wanted], _kept_as_text(header, mapping), _options(scan)
    options |= {"usecols": positions, "dtype": dict.fromkeys(text.values(), str), "low_memory": False}
    drop, set_aside = _not_loans(scan, on_error)
    drop, source = set(drop), _source(path, scan, on_error)

    def parsed():
        if scan["regular"]:
            begins, levels = scan["begins"], _levels(header, mapping)
            with source() as stream:
                stream.read(begins[0])
                for place, (begin, end) in enumerate(zip(begins, [*begins[1:], size], strict=True)):
                    of_it = scan | {"records": min((place + 1) * rows, scan["records"])}
                    yield _plain_piece(stream.read(end - begin), place * rows, positions, options, of_it, levels)
            return
        readers: dict = {}
        with source() as stream, pd.read_csv(stream, chunksize=rows, **options) as reader:
            for piece in reader:
                begin = int(piece.index[0]) if len(piece) else 0
                yield _grouped_as_text(piece[positions], source, options, begin, rows, readers=readers)

    def pieces():
        read = 0
        try:
            with contextlib.closing(parsed()) as whole:
                for piece in whole:
                    moved, aside = _shifted(path, piece, source, scan, on_error, trailing=not read)
                    read += len(piece)
                    piece.columns = wanted
                    drop.update(moved)
                    piece = piece.drop(index=[index for index in piece.index if index in drop]) if drop else piece
                    piece.attrs |= {"text": True, "aside": aside}
                    yield piece
        except (pd.errors.ParserError, ValueError) as error:
            raise _unparsed(path, error) from None
        _check_count(path, scan, read)

    try:
        personal = personal_columns(_head(source, header, _options(scan))[wanted])
    except (pd.errors.ParserError, ValueError) as error:
        raise _unparsed(path, error) from None
    return pieces(), mapping, personal, set_aside, scan["records"]


def _unparsed(path, error):
    """What pandas makes of a table that is none; in its words only where they are of fields and lines."""
    words = str(error) if isinstance(error, pd.errors.ParserError) else type(error).__name__
    return DataError(f"{path.name} cannot be parsed as a table: {words}; export it again")


def _encoding_and_size(path, encoding):
    """The encoding, found or as given, and the bytes after decompression."""
    if encoding is None:
        return find_encoding(path)
    try:
        "a".encode(encoding)  # which asks for an encoding of text: rot13 and zlib are codecs too
    except (LookupError, ValueError):
        raise DataError(f"{encoding!r} is no encoding; name one such as 'utf-8', 'cp1252' or 'gb18030'") from None
    return encoding, sum(len(block) for block in _blocks(path))


def _scanned(path, encoding, delimiter, on_error, header, expected, rows=0):
    """The lines counted, with the encoding; broken ones are refused unless they may be set aside."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter == '"'):
        raise DataError(f"delimiter {delimiter!r}: give one character, such as ';'")
    known = [builtin(name)["recognised_by"] for name in builtin_names()]
    swallowed = None
    try:
        scan = scan_lines(path, encoding, delimiter, known, expected, header, rows)
    except SwallowedError as error:
        swallowed, scan = error, error.scan
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError | UnicodeEncodeError) else type(error).__name__
        raise DataError(f"{path.name} is not {encoding}: {reason}; name the right encoding") from None
    if swallowed or scan["short"] or scan["long"] or scan["open_quote"] or scan.get("stray"):
        with io.TextIOWrapper(open_binary(path), encoding=encoding) as text:
            anew = quoted_anew(text, scan["header_row"], scan["width"], scan["delimiter"])
        if anew is not None:
            path, encoding = Quoted(path.name, anew[0]), "utf-8"
            scan = scan_lines(path, encoding, scan["delimiter"], known, expected, header, rows) | {"marks": anew[1]}
        elif swallowed:
            raise swallowed
    if not scan["records"]:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    if on_error == "raise":
        _refuse_broken_lines(path, scan)
    return scan | {"encoding": encoding, "path": path}


def _options(scan):
    """How pandas is to parse the file: header skipped, every cell of the widest row kept, nothing guessed missing."""
    return {
        "sep": r"\s+" if scan["delimiter"] == " " else scan["delimiter"],
        "encoding": scan["encoding"],
        "skiprows": scan["header_row"] + 1,
        "header": None,
        "names": range(scan["widest"]),
        "index_col": False,
        "keep_default_na": False,
        "na_values": [""],
    }


def _kept_as_text(header, mapping):
    """Source columns of words, and their places: their cells stay as they are written."""
    return {
        name: header.index(name)
        for key, rule in (mapping or {"columns": {}})["columns"].items()
        if COLUMNS[key].kind in _WORDS or rule.get("recode")
        for name in wanted_columns(header, {"columns": {key: rule}})
    }


def _source(path, scan, on_error):
    """How the file is opened for pandas: whole, or without a last record that ends inside quotation marks."""
    if not scan["open_quote"] or on_error != "missing":
        return lambda: open_binary(path)

    def opened():
        with io.TextIOWrapper(open_binary(path), encoding=scan["encoding"], newline="") as text:
            kept = "".join(islice(text, scan["last_begin"] - 1))
        empty = scan["delimiter"] * (scan["width"] - 1) if scan["width"] > 1 else '""'
        return io.BytesIO(f"{kept}{empty}\n".encode(scan["encoding"]))

    return opened


def _plain_frame(source, scan, positions, options, levels=frozenset()):
    """The columns of a regular file, or None where pandas has to read it."""
    if not scan["regular"]:
        return None
    with source() as stream:
        head = pd.read_csv(stream, nrows=2000, **options)
    with source() as stream:
        stream = ToldStream(stream, scan["bytes"]) if "bytes" in scan else stream
        return read_plain(stream, positions, set(options["dtype"]), head, scan, levels)


def _levels(header, mapping):
    """Places of columns that are converted level by level: classes, flags and dates."""
    rules = (mapping or {"columns": {}})["columns"].items()
    chosen = {key: rule for key, rule in rules if COLUMNS[key].kind in {"category", "ordered", "flag", "date"}}
    others = {key: rule for key, rule in rules if key not in chosen}
    names = set(wanted_columns(header, {"columns": chosen})) - set(wanted_columns(header, {"columns": others}))
    return frozenset(header.index(name) for name in names)


def _plain_piece(data, begin, positions, options, scan, levels):
    """A piece of a regular file, as pandas reads these lines."""
    how, scan = options | {"skiprows": 0}, scan | {"header_row": -1, "records": scan["records"] - begin}
    source = lambda: io.BytesIO(data)  # noqa: E731
    piece = _plain_frame(source, scan, positions, how, levels)
    piece = pd.read_csv(source(), **how) if piece is None else piece
    piece = _grouped_as_text(piece[positions], source, how, scan=scan)
    return piece.set_axis(pd.RangeIndex(begin, begin + len(piece)))


def _pieces_of(source, size, options):
    """The file in pieces."""
    with source() as stream, pd.read_csv(stream, chunksize=size, **options) as pieces:
        yield from pieces


def _grouped_as_text(frame, source, options, begin=0, size=None, scan=None, readers=None):
    """Read columns again as text whose numbers may have a thousands point that pandas took for a decimal one.

    `readers` keeps the second readers of a file that comes in pieces: each goes through it once, not from its begin for
    every piece.
    """
    real = [place for place in frame.columns if frame[place].dtype == float]
    again = [place for place in real if looks_grouped(frame[place])]
    hidden = [place for place in real if place not in again and may_hide_groups(frame[place])]
    again += _with_groups(source, options, hidden) if hidden else []
    if not again:
        return frame
    if scan is not None:
        text = _plain_frame(source, scan, again, options | {"usecols": again, "dtype": dict.fromkeys(again, str)})
        if text is not None:
            return pd.DataFrame({**frame, **text}, copy=False)[list(frame.columns)]
    how = options | {"usecols": again, "dtype": dict.fromkeys(again, str)}
    readers = {} if readers is None else readers
    pieces = readers.setdefault(tuple(again), _pieces_of(source, size or max(len(frame), 1), how))
    text = next(piece for piece in pieces if piece.index[0] == begin)
    return frame.drop(columns=again).join(text[again])[list(frame.columns)]


def _with_groups(source, options, places):
    """Those of the columns that write ``45.000`` in their first rows, and no number with other decimals."""
    with source() as stream:
        head = pd.read_csv(stream, nrows=2000, **options | {"usecols": places, "dtype": dict.fromkeys(places, str)})
    cells = {place: head[place].dropna().str.strip() for place in places}
    three = {place: texts.str.fullmatch(r"[+-]?\d{1,3}\.\d{3}") for place, texts in cells.items()}
    return [
        place
        for place in places
        if three[place].any() and not cells[place][~three[place]].str.contains(".", regex=False).any()
    ]


def _head(source, header, options):
    """The first rows as text, every column of the header."""
    with source() as stream:
        sample = pd.read_csv(stream, nrows=2000, dtype=str, **options).iloc[:, : len(header)]
    sample.columns = header
    return sample.loc[:, ~sample.columns.duplicated()]


def _not_loans(scan, on_error):
    """Positions of lines that are no loans, and what is said of them."""
    aside, gone = [], list(scan["text_lines"])

    def say(reason, lines, **more):
        aside.append({"reason": reason, "rows": len(lines), "lines": lines[:5], "unit": "line", **more})

    if scan["text_lines"]:
        reason = "line with text in its first cell only (title, divider or total)"
        say(reason, [line for _, line in scan["text_lines"]])
    if on_error == "missing":
        broken = sorted(scan["short"] + scan["long"], key=lambda entry: entry[1])
        if broken:
            reason = "broken line: number of fields differs from the header"
            say(reason, [line for _, line, _ in broken], fault=True)
        if scan["quoted"]:
            say("line quoted as a whole: one cell holds the row", [line for _, line, _ in scan["quoted"]], fault=True)
        gone += broken + scan["quoted"]
    return [index for index, *_ in gone], aside


def _what_was_skipped(scan):
    told = {
        "blank lines skipped": scan["blank"],
        "rows with empty cells beyond the header": scan["trailing"],
        "lines above the header skipped": scan["header_row"],
        "lines with inch marks, or other quotation marks behind a digit; each is read as a row": scan.get("marks", 0),
    }
    return [{"column": "", "what": what, "rows": rows} for what, rows in told.items() if rows]


def _refuse_broken_lines(path, scan):
    width = scan["width"]
    if scan["quoted"]:
        _, line, _ = scan["quoted"][0]
        raise DataError(
            f"{path.name}, line {line:,d}: the line is quoted as a whole, so that one cell holds the row; so are "
            f"{len(scan['quoted']):,d} of {scan['records']:,d} lines. Remove the quotation "
            f"marks around them (a spreadsheet "
            "sets them when it saves a text that it had not split), or read with on_error='missing' to set them aside"
        )
    if scan["open_quote"]:
        raise DataError(
            f"{path.name} ends inside quotation marks: the record that begins in "
            f"line {scan['last_begin']:,d} is not whole; "
            "copy or export the file again, or read it with on_error='missing' to set it aside"
        )
    if scan["short"]:
        index, line, fields = scan["short"][0]
        if line == scan["last_line"] and scan["last_line_open"] and len(scan["short"]) == 1:
            raise DataError(
                f"{path.name} ends early: line {line:,d}, the last, has {fields} of {width} fields and no "
                "line end; copy or export the file again, or read it with on_error='missing'"
                if not (after := _after_the_end(path))
                else f"{path.name} ends with {after}, which is no text: cut it off, or read with on_error='missing' to "
                "set it aside"
            )
    broken = sorted(scan["short"] + scan["long"], key=lambda entry: entry[1])
    if broken:
        _, line, fields = broken[0]
        more = f" and {len(broken) - 1:,d} more such line(s)" if len(broken) > 1 else ""
        raise DataError(
            f"{path.name}, line {line:,d}: {fields} fields, the header (line {scan['header_row'] + 1}) has "
            f"{width}{more}; a delimiter inside a cell must be quoted. Repair the line, read with on_error='missing' "
            "to set it aside, or say where the header is (header_row=, --header-row)"
        )


def _after_the_end(path):
    """What stands behind the last line end: zero bytes, or the end mark of DOS; empty if it is text."""
    for block in _blocks(path):
        last = block[-4:]
    zeros, mark = last.endswith(b"\0"), last.endswith(b"\x1a")
    return "zero bytes" if zeros else "the end mark of DOS (Ctrl-Z)" if mark else ""


def _check_memory(path, size, share, regular):
    """Refuse a file that will not fit into memory."""
    # measured: three million rows of 396 MB peak at 0.92 GB; quoted cells are read by pandas, which holds more
    need = (2.4 if regular else 4.0) * size * share + 2e8
    free = free_memory()
    if free is not None and need > free:
        raise DataError(
            f"{path.name} needs about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free. Convert it "
            "to Parquet, name fewer columns in a mapping, or split it by issue date and score it with "
            "'p2prisk score', which streams"
        )
