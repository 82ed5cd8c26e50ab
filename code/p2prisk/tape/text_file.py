"""Text files: containers, encodings, delimiters, broken lines; read whole or piece by piece."""

import codecs
import csv
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.choose import find_mapping, known_at_issue_only, wanted_columns
from p2prisk.tape.mapping import builtin, builtin_names
from p2prisk.tape.privacy import personal_columns

_BLOCK = 1 << 22
_DELIMITERS = ",;\t|"
#: columns that name something: 007 is not 7
_KEYS = {"loan_id", "borrower_id", "custody_account", "counterparty"}


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
    with open(path, "rb") as stream:
        head = stream.read(6)
    if head[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if head == b"\xfd7zXZ\x00":
        return lzma.open(path, "rb")
    if head[:4] == b"PK\x03\x04":
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            raise DataError(f"{path.name}: the compressed data end early; copy or download it again") from None
        names = [
            info.filename
            for info in archive.infolist()
            if not info.is_dir() and not info.filename.startswith("__MACOSX")
        ]
        if len(names) != 1:
            raise DataError(f"{path.name} holds {len(names)} files ({', '.join(names[:5])}); unpack it and give one")
        return archive.open(names[0])
    return open(path, "rb")


def _blocks(path):
    try:
        with open_binary(path) as stream:
            while block := stream.read(_BLOCK):
                yield block
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile):
        raise DataError(f"{path.name}: the compressed data end early; copy or download it again") from None


def find_encoding(path):
    """Encoding of a text file: UTF-8 (with or without mark), UTF-16, or GBK.

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
    size, first, decoder, failed = 0, b"", None, False
    for block in _blocks(path):
        if not size:
            first = block[:4]
            if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                decoder = codecs.getincrementaldecoder("utf-16")()
            else:
                decoder = codecs.getincrementaldecoder("utf-8")()
        size += len(block)
        if not failed:
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
    return _other_encoding(path), size


def _other_encoding(path):
    """GBK, if every line that is not ASCII is; otherwise an error with the line."""
    utf8, other, first_other, number = 0, 0, None, 0
    with open_binary(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                utf8 += 1
            except UnicodeDecodeError:
                other += 1
                first_other = first_other or number
                try:
                    line.decode("gb18030")
                except UnicodeDecodeError:
                    raise DataError(
                        f"{path.name}, line {number:,d}: neither UTF-8 nor GBK; name the encoding, for "
                        "instance encoding='latin-1', or export as UTF-8"
                    ) from None
    # two bytes of GBK are rarely valid UTF-8 by chance, so some lines of each kind mean two encodings
    if utf8 > 0.02 * (utf8 + other):
        raise DataError(
            f"{path.name} mixes encodings: line {first_other:,d} is not UTF-8, {utf8:,d} other line(s) are; "
            "export it again in one encoding, or give encoding="
        )
    return "gb18030"


def scan_lines(path, encoding, delimiter, names):
    """Go through the lines once: find delimiter, header and broken lines."""
    csv.field_size_limit(1 << 27)
    scan = {"blank": 0, "trailing": 0, "text_lines": [], "short": [], "long": [], "widest": 0}
    with io.TextIOWrapper(open_binary(path), encoding=encoding, newline="") as text:
        lines = list(islice(text, 15))
    if delimiter is None:
        top = "".join(lines)
        counts = {mark: max((line.count(mark) for line in top.splitlines()), default=0) for mark in _DELIMITERS}
        delimiter = max(counts, key=counts.get) if max(counts.values()) else ","
    rows = list(csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter))
    scan["delimiter"] = delimiter
    scan["header_row"] = header_row(rows, names)
    header = [name.strip().lstrip("\ufeff") for name in rows[scan["header_row"]]]
    width = len(header)
    scan["widest"] = width
    with io.TextIOWrapper(open_binary(path), encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        index = -1
        try:
            for number, row in enumerate(reader):
                if number <= scan["header_row"]:
                    continue
                if not row:
                    scan["blank"] += 1
                    continue
                index += 1
                if len(row) != width or not row[-1]:
                    if len(row) > width:
                        scan["widest"] = max(scan["widest"], len(row))
                        if any(row[width:]):
                            scan["long"].append((index, reader.line_num, len(row)))
                        else:
                            scan["trailing"] += 1
                    elif width >= 4 and " " in row[0].strip() and not any(row[1:]):
                        scan["text_lines"].append((index, reader.line_num))
                    elif len(row) < width:
                        scan["short"].append((index, reader.line_num, len(row)))
        except csv.Error as error:
            remedy = (
                "it holds binary data: is it a table?"
                if "NUL" in str(error)
                else "a quotation mark may not be closed there: correct it"
            )
            raise DataError(f"{path.name}, line {reader.line_num:,d}: {error}; {remedy}") from None
        scan["records"] = index + 1
        scan["last_line"] = reader.line_num
    for block in _blocks(path):
        last = block[-4:]
    scan["last_line_open"] = not last.rstrip(b"\x00").endswith((b"\n", b"\r"))
    scan["header"], scan["width"] = header, width
    return scan


def header_row(rows, names):
    """The header: the first of the first lines that holds the names asked for, or has the usual number of fields."""
    for number, row in enumerate(rows[:10]):
        found = {cell.strip().lstrip("\ufeff") for cell in row}
        if any(set(asked) <= found for asked in names):
            return number
    counts = Counter(len(row) for row in rows if row)
    usual = max(counts, key=lambda width: (counts[width], width), default=0)
    return next((number for number, row in enumerate(rows) if len(row) >= usual), 0)


def read_csv(path, on_error, encoding, delimiter, mapping):
    """Read the wanted columns of a text file; parameters and result as of :func:`~p2prisk.tape.read.read_raw`.

    Every line is counted with the csv module before pandas parses the file, because pandas fills short rows with
    missing values without a word.
    """
    encoding, size = _encoding_and_size(path, encoding)
    scan = _scanned(path, encoding, delimiter, on_error)
    header, width = scan["header"], scan["width"]
    if not scan["records"]:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    chosen = mapping(header) if mapping is not None else None
    wanted = header if chosen is None else wanted_columns(header, chosen)
    for name in wanted:
        if header.count(name) > 1:
            raise DataError(f"{path.name}: the column {name!r} is there {header.count(name)} times; rename one")
    _check_memory(path, size, len(wanted) / max(width, 1))
    if on_error == "missing" and len(scan["short"]) + len(scan["long"]) == scan["records"]:
        raise DataError(
            f"{path.name}: every row has another number of fields than the header ({width}); is line "
            f"{scan['header_row'] + 1} the header, and {scan['delimiter']!r} the delimiter?"
        )
    positions, text, options = [header.index(name) for name in wanted], _kept_as_text(header, chosen), _options(scan)
    try:
        sample = _head(path, header, options)
        with open_binary(path) as stream:
            frame = pd.read_csv(
                stream, usecols=positions, dtype=dict.fromkeys(text.values(), str), low_memory=False, **options
            )
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{path.name} cannot be parsed as a table: {error}; export it again") from None
    if len(frame) != scan["records"]:
        raise DataError(
            f"{path.name}: {scan['records']:,d} records were counted but {len(frame):,d} read; quotation "
            "marks may be unbalanced: export the file again"
        )
    frame = frame[positions]
    frame.columns = wanted
    drop, set_aside = _not_loans(scan, on_error)
    if drop:
        frame = _numbers_again(frame.drop(index=drop).reset_index(drop=True), text)
    facts = {
        "encoding": encoding,
        "delimiter": scan["delimiter"],
        "header_line": scan["header_row"] + 1,
        "rows_read": scan["records"],
        "personal": personal_columns(sample),
        "not_read": [name for name in header if name not in wanted],
    }
    return frame, facts, set_aside, _what_was_skipped(scan)


def csv_pieces(path, format, rows, on_error, encoding, delimiter):
    """Pieces of a text file: iterator of frames, the mapping, and the columns that hold personal data."""
    encoding, _ = _encoding_and_size(path, encoding)
    scan = _scanned(path, encoding, delimiter, on_error)
    header = scan["header"]
    mapping = known_at_issue_only(find_mapping(format, header, path))
    wanted = wanted_columns(header, mapping)
    positions, text, options = [header.index(name) for name in wanted], _kept_as_text(header, mapping), _options(scan)
    options |= {"usecols": positions, "dtype": dict.fromkeys(text.values(), str), "low_memory": False}
    drop = {index for index, *_ in scan["text_lines"] + scan["short"] + scan["long"]}

    def pieces():
        with open_binary(path) as stream, pd.read_csv(stream, chunksize=rows, **options) as reader:
            for piece in reader:
                piece = piece[positions]
                piece.columns = wanted
                yield piece.drop(index=[index for index in piece.index if index in drop]) if drop else piece

    return pieces(), mapping, personal_columns(_head(path, header, _options(scan))[wanted])


def _encoding_and_size(path, encoding):
    """The encoding, found or as given, and the bytes after decompression."""
    if encoding is None:
        return find_encoding(path)
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise DataError(f"{encoding!r} is no encoding; try 'utf-8' or 'gb18030'") from None
    return encoding, sum(len(block) for block in _blocks(path))


def _scanned(path, encoding, delimiter, on_error):
    """The lines counted, with the encoding; broken ones are refused unless they may be set aside."""
    try:
        scan = scan_lines(path, encoding, delimiter, [builtin(name)["recognised_by"] for name in builtin_names()])
    except UnicodeError as error:
        raise DataError(f"{path.name} is not {encoding}: {error}; name the right encoding") from None
    if on_error == "raise":
        _refuse_broken_lines(path, scan)
    return scan | {"encoding": encoding}


def _options(scan):
    """How pandas is to parse the file: header skipped, every cell of the widest row kept, nothing guessed missing."""
    return {
        "sep": scan["delimiter"],
        "encoding": scan["encoding"],
        "skiprows": scan["header_row"] + 1,
        "header": None,
        "names": range(scan["widest"]),
        "index_col": False,
        "keep_default_na": False,
        "na_values": [""],
    }


def _kept_as_text(header, mapping):
    """Source columns of keys and their places."""
    return {
        name: header.index(name)
        for key, rule in (mapping or {"columns": {}})["columns"].items()
        if key in _KEYS
        for name in wanted_columns(header, {"columns": {key: rule}})
    }


def _head(path, header, options):
    """The first rows as text, every column of the header."""
    with open_binary(path) as stream:
        sample = pd.read_csv(stream, nrows=2000, dtype=str, **options).iloc[:, : len(header)]
    sample.columns = header
    return sample.loc[:, ~sample.columns.duplicated()]


def _not_loans(scan, on_error):
    """Positions of lines that are no loans, and what is said of them."""
    aside, broken = [], scan["short"] + scan["long"] if on_error == "missing" else []
    if scan["text_lines"]:
        reason = "line with text in its first cell only (title, divider or total)"
        lines = [line for _, line in scan["text_lines"][:5]]
        aside.append({"reason": reason, "rows": len(scan["text_lines"]), "lines": lines})
    if broken:
        reason = "broken line: number of fields differs from the header"
        aside.append({"reason": reason, "rows": len(broken), "lines": sorted(line for _, line, _ in broken[:5])})
    return [index for index, *_ in scan["text_lines"] + broken], aside


def _numbers_again(frame, text):
    """Columns of numbers that a line of text had made columns of text."""
    for name in frame.columns:
        if name not in text and not pd.api.types.is_numeric_dtype(frame[name].dtype):
            try:
                frame[name] = pd.to_numeric(frame[name])
            except (ValueError, TypeError):
                continue
    return frame


def _what_was_skipped(scan):
    told = {
        "blank lines skipped": scan["blank"],
        "rows with empty cells beyond the header": scan["trailing"],
        "lines above the header skipped": scan["header_row"],
    }
    return [{"column": "", "what": what, "rows": rows} for what, rows in told.items() if rows]


def _refuse_broken_lines(path, scan):
    width = scan["width"]
    if scan["short"]:
        index, line, fields = scan["short"][0]
        if line == scan["last_line"] and scan["last_line_open"] and len(scan["short"]) == 1:
            raise DataError(
                f"{path.name} ends early: line {line:,d}, the last, has {fields} of {width} fields and no "
                "line end; copy or export the file again, or read it with on_error='missing'"
            )
    broken = sorted(scan["short"] + scan["long"], key=lambda entry: entry[1])
    if broken:
        _, line, fields = broken[0]
        more = f" and {len(broken) - 1:,d} more such line(s)" if len(broken) > 1 else ""
        raise DataError(
            f"{path.name}, line {line:,d}: {fields} fields, the header has {width}{more}; a delimiter inside "
            "a cell must be quoted. Repair the line, or read with on_error='missing' to set it aside"
        )


def _check_memory(path, size, share):
    """Refuse a file that will not fit into memory."""
    need = 6.0 * size * share + 2e8  # measured: a million rows of 131 MB peak at 1.0 GB
    free = free_memory()
    if free is not None and need > free:
        raise DataError(
            f"{path.name} needs about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free. Convert it "
            "to Parquet, name fewer columns in a mapping, or split it by issue date and score it with "
            "'p2prisk score', which streams"
        )


def free_memory():
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
