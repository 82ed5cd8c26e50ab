"""Read a tape from a file or a database, whatever its encoding, and say clearly when it cannot be read.

What can go wrong, and what is said:

=============================  ==========================================================================
empty file                     ``FILE is empty``
header only                    ``FILE has a header but no rows``
file truncated                 ``FILE ends early: line N, the last, has k of n fields``, or, if compressed,
                               ``FILE: the compressed data end early``
row with too few or too many   ``FILE, line N: k fields, the header has n``
encodings mixed                ``FILE mixes encodings: line N is not UTF-8, others are``
encoding unknown               ``FILE, line N: neither UTF-8 nor GBK``
column missing                 ``FILE: no column 'X' (needed for 'Y')``
column twice                   ``FILE: the column 'X' is there k times``
value of the wrong type        ``FILE, column 'X' (for 'Y'): k value(s) cannot be read (row N: 'text')``
column of lists                ``FILE, column 'X': row N holds a list``
formula in a cell              ``FILE, cell D7: holds a formula`` (Excel), ``starts like a formula`` (text)
larger than the memory         ``FILE needs about k GB of memory, m GB are free``
mapping names no column        ``FILE: no column 'X' (needed for 'Y')``; ``none of the columns ... is in the header``
not a table                    ``FILE is a ... file``
=============================  ==========================================================================

Each message ends with the remedy. Files are opened for reading only. With ``on_error="missing"`` a value that cannot
be read becomes missing and a broken line is set aside; both are counted in the quality report.
"""

import codecs
import csv
import gzip
import hashlib
import io
import lzma
import os
import zipfile
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.core import LoanTape
from p2prisk.tape.mapping import apply_mapping, builtin, builtin_names, check_mapping
from p2prisk.tape.privacy import personal_columns

_BLOCK = 1 << 22
_DELIMITERS = ",;\t|"
_SQL_BEGINS = ("select", "with", "table", "values")


def read_tape(
    source,
    format=None,
    *,
    query=None,
    on_error="raise",
    record_date=None,
    encoding=None,
    delimiter=None,
    sheet=0,
    instalments=None,
):
    """Read a loan tape.

    Parameters
    ----------
    source : path-like or str
        CSV (plain, ``.gz``, ``.zip``, ``.xz``; any usual delimiter; UTF-8, GBK or UTF-16), Parquet, Excel, or an
        SQLAlchemy URL such as ``postgresql+psycopg://host/db``, with `query`.
    format : str, path-like or dict, optional
        Name of a built-in format (``lendingclub``, ``openintro``, ``prosper``, ``ppdai``, ``renrendai``, ...), a
        mapping file (YAML), or a mapping. By default the header decides.
    query : str, optional
        SELECT statement, for a database.
    on_error : {"raise", "missing"}
        What becomes of values that cannot be read and of broken lines: an error, or missing / set aside and counted.
    record_date : datetime-like, optional
        Day of the snapshot, where neither the file nor the mapping says it.
    encoding, delimiter : str, optional
        Where the reader's own finding is wrong.
    sheet : int or str
        Of an Excel file.
    instalments : path-like, optional
        The instalment file (PPDai ``LP.csv``) from which the outcomes are made.

    Returns
    -------
    LoanTape

    Raises
    ------
    DataError
        See the module's docstring; every message names file, row or line and column, and the remedy.
    """
    mapping_of = []

    def choose(header):
        mapping_of.append(find_mapping(format, header, source))
        return mapping_of[0]

    raw, facts, set_aside, notes = read_raw(
        source, query=query, on_error=on_error, encoding=encoding, delimiter=delimiter, sheet=sheet, mapping=choose
    )
    header = [*raw.columns, *facts["not_read"]]
    raw = without_personal(raw, facts["personal"], mapping_of[0])
    raw.attrs["header"] = header
    mapping = mapping_of[0]
    if record_date is not None:
        mapping = {**mapping, "record_date": record_date}
    if instalments is not None:
        raw, mapping, more = join_instalments(raw, mapping, instalments, on_error)
        set_aside, facts = set_aside + more, {**facts, "instalments": Path(instalments).name}
    tape = apply_mapping(raw, mapping, facts["name"], on_error)
    tape.provenance.update(facts)
    tape.provenance["rows_read"] = facts["rows_read"]
    tape.set_aside[:0] = set_aside
    tape.notes[:0] = notes
    for name, why in facts["personal"].items():
        tape.unused[name] = f"personal data ({why}): not kept"
    for name in facts["not_read"]:
        tape.unused.setdefault(name, (mapping.get("unused") or {}).get(name, "no canonical column"))
    del tape.provenance["not_read"]
    return tape


def without_personal(raw, personal, mapping, names=None):
    """Replace keys that are personal data by running numbers, and leave other personal columns out.

    Parameters
    ----------
    raw : pandas.DataFrame
    personal : dict
        Column -> what was recognised.
    mapping : dict
    names : dict, optional
        Filled with the running numbers by key, so that further pieces of the same file go on with them.

    Returns
    -------
    pandas.DataFrame
    """
    rules = mapping.get("columns") or {}
    names = {} if names is None else names
    for name in personal:
        if name not in raw:
            continue
        keys = (
            [
                key
                for key in rules
                if COLUMNS[key].known == "key" and name in wanted_columns([name], {"columns": {key: rules[key]}})
            ]
            if set(rules) <= set(COLUMNS)
            else []
        )
        if keys:
            known = names.setdefault(name, {})
            for key in raw[name].dropna().unique():
                known.setdefault(key, f"k{len(known) + 1:08d}")
            raw = raw.assign(**{name: raw[name].map(known)})
        else:
            raw = raw.drop(columns=name)
    return raw


def iter_tape(path, format=None, *, rows=200_000, on_error="raise", encoding=None, delimiter=None):
    """Read a tape piece by piece, the columns known at issue and the keys only; for files larger than the memory.

    Parameters
    ----------
    path : path-like
        CSV (also compressed) or Parquet; an Excel file comes in one piece.
    format, on_error, encoding, delimiter
        As of :func:`read_tape`.
    rows : int
        Rows of a piece.

    Yields
    ------
    LoanTape

    Raises
    ------
    DataError
        As :func:`read_tape`.
    """
    path = Path(path)
    decisions, first = {}, True
    with path.open("rb") if path.is_file() else io.BytesIO() as stream:
        head = stream.read(4)
    if head == b"PAR1":
        pieces, mapping, personal = _parquet_pieces(path, format, rows)
    elif not path.is_file() or (head == b"PK\x03\x04" and _is_excel(path)):
        yield read_tape(path, format, on_error=on_error)
        return
    else:
        pieces, mapping, personal = _csv_pieces(path, format, rows, on_error, encoding, delimiter)
    names, done = {}, 0
    for piece in pieces:
        piece = without_personal(piece.reset_index(drop=True), personal, mapping, names)
        tape = apply_mapping(
            piece, mapping, f"{path.name} (from data row {done + 1:,d})" if done else path.name, on_error, decisions
        )
        done += len(piece)
        first = False
        yield tape
    if first:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")


def _at_issue(mapping):
    """The mapping without the columns known only later: a tape of applications does not have them."""
    columns = {name: rule for name, rule in mapping["columns"].items() if COLUMNS[name].known in ("issue", "key")}
    return {**mapping, "columns": columns, "record_date_from": [], "strict": False}


def _parquet_pieces(path, format, rows):
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(path)
    except Exception as error:
        raise DataError(f"{path.name} is not a whole Parquet file ({str(error)[:80]}); copy it again") from None
    header = file.schema_arrow.names
    mapping = _at_issue(find_mapping(format, header, path))
    wanted = wanted_columns(header, mapping)
    _refuse_nested(path, file.schema_arrow, wanted)
    sample = next(file.iter_batches(batch_size=2000, columns=wanted), None)
    personal = personal_columns(sample.to_pandas()) if sample is not None else {}
    return (batch.to_pandas() for batch in file.iter_batches(batch_size=rows, columns=wanted)), mapping, personal


def _csv_pieces(path, format, rows, on_error, encoding, delimiter):
    if encoding is None:
        encoding, _ = find_encoding(path)
    scan = _scan(path, encoding, delimiter, [builtin(name)["recognised_by"] for name in builtin_names()])
    if on_error == "raise":
        _refuse_broken_lines(path, scan)
    header = scan["header"]
    mapping = _at_issue(find_mapping(format, header, path))
    wanted = wanted_columns(header, mapping)
    positions = [header.index(name) for name in wanted]
    text = {
        header.index(name)
        for key, rule in mapping["columns"].items()
        if COLUMNS[key].known == "key"
        for name in wanted_columns(header, {"columns": {key: rule}})
    }
    drop = {index for index, *_ in scan["text_lines"] + scan["short"] + scan["long"]}
    options = {
        "sep": scan["delimiter"],
        "encoding": encoding,
        "skiprows": scan["header_row"] + 1,
        "header": None,
        "names": range(scan["widest"]),
        "index_col": False,
        "keep_default_na": False,
        "na_values": [""],
        "usecols": positions,
        "dtype": dict.fromkeys(text, str),
    }
    with open_binary(path) as stream:
        sample = pd.read_csv(stream, nrows=2000, **{**options, "dtype": str})[positions]
    sample.columns = wanted

    def pieces():
        with open_binary(path) as stream, pd.read_csv(stream, chunksize=rows, low_memory=False, **options) as reader:
            for piece in reader:
                piece = piece[positions]
                piece.columns = wanted
                yield piece.drop(index=[index for index in piece.index if index in drop]) if drop else piece

    return pieces(), mapping, personal_columns(sample)


def find_mapping(format, header, where):
    """The mapping that `format` means for a table with this header.

    Parameters
    ----------
    format : str, path-like, dict or None
        As of :func:`read_tape`.
    header : sequence of str
        Columns of the table.
    where : str
        File, for messages.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        Unknown format, an unreadable mapping file, or no format recognised.
    """
    import yaml

    if isinstance(format, dict):
        check_mapping(format)
        return format
    if format is None:
        for name in builtin_names():
            mapping = builtin(name)
            if set(mapping["recognised_by"]) <= set(header):
                return mapping
        if {"amount", "term"} <= set(header):
            return canonical_mapping(header)
        raise DataError(
            f"{_shown(where)}: the header fits none of the formats {', '.join(builtin_names())}. Name the "
            f"format, or write a mapping: p2prisk map {_shown(where)}"
        )
    if str(format) == "canonical":
        return canonical_mapping(header)
    if str(format) in builtin_names():
        return builtin(str(format))
    path = Path(format)
    if not path.is_file():
        raise DataError(
            f"format {str(format)!r} is neither a built-in format ({', '.join(builtin_names())}, canonical) "
            "nor a mapping file"
        )
    try:
        mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DataError(f"mapping {path.name}{place}: not valid YAML ({reason}); correct it there") from None
    if not isinstance(mapping, dict) or not isinstance(mapping.get("columns"), dict):
        raise DataError(f"mapping {path.name} has no 'columns'; p2prisk map FILE drafts a mapping")
    wrong = [name for name, rule in mapping["columns"].items() if not isinstance(rule, dict)]
    if wrong:
        raise DataError(
            f"mapping {path.name}: the rule of {wrong[0]!r} is not a set of keys; write for instance "
            f"{wrong[0]}: {{from: your_column}}"
        )
    check_mapping(mapping)
    return {"format": path.stem, "strict": True, **mapping}


def canonical_mapping(header):
    """The mapping of a table whose columns are canonical already."""
    derived = {
        "resolved",
        "mature",
        "severity",
        "bad",
        "delinquency_recency",
        "record_recency",
        "employment",
        "bureau_missing",
        "currency",
    }
    columns = {name: {"from": name} for name in header if name in COLUMNS and name not in derived}
    if "status" not in header:
        columns.update({name: {"from": name} for name in ("severity", "bad") if name in header})
    return {"format": "canonical", "columns": columns}


def _shown(source):
    """A source fit for a message: the file's name, or the URL without its password."""
    text = str(source)
    if "://" not in text:
        return Path(text).name
    from sqlalchemy.engine import make_url

    try:
        return make_url(text).render_as_string(hide_password=True)
    except Exception:  # an unreadable URL may hold a password: show its kind alone
        return text.split("://", 1)[0] + "://..."


def read_raw(source, *, query=None, on_error="raise", encoding=None, delimiter=None, sheet=0, mapping=None):
    """Read the table as it is.

    Parameters
    ----------
    source, query, on_error, encoding, delimiter, sheet
        As of :func:`read_tape`.
    mapping : callable, optional
        Given the header, returns the mapping; only the columns that it names are read.

    Returns
    -------
    frame : pandas.DataFrame
    facts : dict
        ``name``, ``path``, ``bytes``, ``sha256``, ``encoding``, ``delimiter``, ``header_line``, ``rows_read``,
        ``personal``, ``not_read``.
    set_aside, notes : list of dict
    """
    if "://" in str(source):
        return _read_sql(str(source), query, mapping)
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder; give the file")
    if not path.is_file():
        raise DataError(f"{path} is not there; check the path")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty (0 bytes); export it again")
    with open(path, "rb") as stream:
        head = stream.read(8)
    facts = {"name": path.name, "path": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path)}
    if head[:4] == b"PAR1":
        frame, more, set_aside, notes = _read_parquet(path, mapping)
    elif head[:4] == b"PK\x03\x04" and _is_excel(path):
        frame, more, set_aside, notes = _read_excel(path, sheet, on_error, mapping)
    elif head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise DataError(f"{path.name} is an Excel 97-2003 file (.xls); save it as .xlsx or CSV")
    elif head[:5] == b"%PDF-":
        raise DataError(f"{path.name} is a PDF file; export the table as CSV")
    else:
        frame, more, set_aside, notes = _read_csv(path, on_error, encoding, delimiter, mapping)
    if not len(frame):
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    return frame, {**facts, **more}, set_aside, notes


def _sha256(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_excel(path):
    with zipfile.ZipFile(path) as archive:
        return any(name.startswith("xl/") for name in archive.namelist())


def wanted_columns(header, mapping):
    """Columns of the header that a mapping reads, in the header's order."""
    names = set()
    for rule in (mapping.get("columns") or {}).values():
        options = rule.get("from", [])
        names.update(options if isinstance(options, list) else [options])
        names.update(rule.get("share_of", ()))
    names.update(mapping.get("record_date_from") or ())
    return [name for name in header if name in names]


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


def _scan(path, encoding, delimiter, names):
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
    scan["header_row"] = _header_row(rows, names)
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
            raise DataError(
                f"{path.name}, line {reader.line_num:,d}: {error}; a quotation mark may not be closed there"
            ) from None
        scan["records"] = index + 1
        scan["last_line"] = reader.line_num
    for block in _blocks(path):
        last = block[-4:]
    scan["last_line_open"] = not last.rstrip(b"\x00").endswith((b"\n", b"\r"))
    scan["header"], scan["width"] = header, width
    return scan


def _header_row(rows, names):
    """The header: the first of the first lines that holds the names asked for, or has the usual number of fields."""
    for number, row in enumerate(rows[:10]):
        found = {cell.strip().lstrip("\ufeff") for cell in row}
        if any(set(asked) <= found for asked in names):
            return number
    counts = Counter(len(row) for row in rows if row)
    usual = max(counts, key=lambda width: (counts[width], width), default=0)
    return next((number for number, row in enumerate(rows) if len(row) >= usual), 0)


def _read_csv(path, on_error, encoding, delimiter, mapping):
    if encoding is None:
        encoding, size = find_encoding(path)
    else:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise DataError(f"{encoding!r} is no encoding; try 'utf-8' or 'gb18030'") from None
        size = sum(len(block) for block in _blocks(path))
    names = [builtin(name)["recognised_by"] for name in builtin_names()]
    try:
        scan = _scan(path, encoding, delimiter, names)
    except UnicodeError as error:
        raise DataError(f"{path.name} is not {encoding}: {error}; name the right encoding") from None
    header = scan["header"]
    width = scan["width"]
    if on_error == "raise":
        _refuse_broken_lines(path, scan)
    if not scan["records"]:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    chosen = mapping(header) if mapping is not None else None
    wanted = header if chosen is None else wanted_columns(header, chosen)
    for name in wanted:
        if header.count(name) > 1:
            raise DataError(f"{path.name}: the column {name!r} is there {header.count(name)} times; rename one")
    _check_memory(path, size, len(wanted) / max(width, 1))
    options = {
        "sep": scan["delimiter"],
        "encoding": encoding,
        "skiprows": scan["header_row"] + 1,
        "header": None,
        "names": range(scan["widest"]),
        "index_col": False,
        "keep_default_na": False,
        "na_values": [""],
        "low_memory": False,
    }
    positions = [header.index(name) for name in wanted]
    keys = {"loan_id", "borrower_id", "custody_account", "counterparty"}
    text = {
        header.index(name)
        for key, rule in (chosen or {"columns": {}})["columns"].items()
        if key in keys
        for name in wanted_columns(header, {"columns": {key: rule}})
    }
    with open_binary(path) as stream:
        sample = pd.read_csv(stream, nrows=2000, dtype=str, **{**options, "low_memory": True})
    sample = sample.iloc[:, :width]
    sample.columns = header
    sample = sample.loc[:, ~sample.columns.duplicated()]
    with open_binary(path) as stream:
        frame = pd.read_csv(stream, usecols=positions, dtype=dict.fromkeys(text, str), **options)
    if len(frame) != scan["records"]:
        raise DataError(
            f"{path.name}: {scan['records']:,d} records were counted but {len(frame):,d} read; quotation "
            "marks may be unbalanced: export the file again"
        )
    frame = frame[positions]
    frame.columns = wanted
    set_aside = []
    drop = [index for index, _ in scan["text_lines"]]
    if drop:
        set_aside.append(
            {
                "reason": "line with text in its first cell only (title, divider or total)",
                "rows": len(drop),
                "lines": [line for _, line in scan["text_lines"][:5]],
            }
        )
    if on_error == "missing" and (scan["short"] or scan["long"]):
        drop += [index for index, *_ in scan["short"] + scan["long"]]
        set_aside.append(
            {
                "reason": "broken line: number of fields differs from the header",
                "rows": len(scan["short"]) + len(scan["long"]),
                "lines": sorted(line for _, line, _ in (scan["short"] + scan["long"])[:5]),
            }
        )
    if drop:
        frame = frame.drop(index=drop).reset_index(drop=True)
        for name in wanted:  # text lines make a number column a text column
            if name not in {header[place] for place in text} and not pd.api.types.is_numeric_dtype(frame[name].dtype):
                try:
                    frame[name] = pd.to_numeric(frame[name])
                except (ValueError, TypeError):
                    continue
    notes = []
    for key, what in (("blank", "blank lines skipped"), ("trailing", "rows with empty cells beyond the header")):
        if scan.get(key):
            notes.append({"column": "", "what": what, "rows": scan[key]})
    if scan["header_row"]:
        notes.append({"column": "", "what": "lines above the header skipped", "rows": scan["header_row"]})
    facts = {
        "encoding": encoding,
        "delimiter": scan["delimiter"],
        "header_line": scan["header_row"] + 1,
        "rows_read": scan["records"],
        "personal": personal_columns(sample),
        "not_read": [name for name in header if name not in wanted],
    }
    return frame, facts, set_aside, notes


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
    need = 2.0 * size * share + 2e8
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


def _read_parquet(path, mapping):
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        schema = parquet.read_schema(path)
        header = schema.names
        wanted = header if mapping is None else wanted_columns(header, mapping(header))
        _refuse_nested(path, schema, wanted)
        table = parquet.read_table(path, columns=wanted)
        flat = [name for name in header if not pyarrow.types.is_nested(schema.field(name).type)]
        sample = parquet.ParquetFile(path).iter_batches(batch_size=2000, columns=flat)
        sample = next(sample, None)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path.name} is not a whole Parquet file ({str(error).splitlines()[0][:80]}); copy it again"
        ) from None
    frame = table.to_pandas()
    facts = {
        "encoding": "Parquet",
        "rows_read": len(frame),
        "personal": personal_columns(sample.to_pandas()) if sample is not None else {},
        "not_read": [name for name in header if name not in wanted],
    }
    return frame, facts, [], []


def _refuse_nested(path, schema, wanted):
    import pyarrow

    for name in wanted:
        if pyarrow.types.is_nested(schema.field(name).type):
            raise DataError(
                f"{path.name}, column {name!r}: row 1 holds a list; one value a cell is needed: spread the "
                "list over columns or rows"
            )


def _read_excel(path, sheet, on_error, mapping):
    import openpyxl
    from openpyxl.utils import get_column_letter

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except Exception as error:
        raise DataError(f"{path.name} is not a whole Excel file ({error}); save it again") from None
    names = book.sheetnames
    if (isinstance(sheet, str) and sheet not in names) or (isinstance(sheet, int) and sheet >= len(names)):
        raise DataError(f"{path.name} has no sheet {sheet!r}; it has {', '.join(names)}")
    cells = book[sheet if isinstance(sheet, str) else names[sheet]].iter_rows(values_only=True)
    rows = list(cells)
    book.close()
    if not rows:
        raise DataError(f"{path.name}: the sheet is empty; name another with sheet=")
    known = [builtin(name)["recognised_by"] for name in builtin_names()]
    top = [["" if cell is None else str(cell) for cell in row] for row in rows[:10]]
    start = _header_row(top, known)
    header = [cell.strip() for cell in top[start]]
    numbered = [
        (number, row)
        for number, row in enumerate(rows[start + 1 :], start + 2)
        if any(cell is not None for cell in row)
    ]
    body = [row for _, row in numbered]
    blank = len(rows) - start - 1 - len(body)
    if not body:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    table = pd.DataFrame(body, columns=range(len(header)))
    wanted = [name for name in header if name] if mapping is None else wanted_columns(header, mapping(header))
    for name in wanted:
        if header.count(name) > 1:
            raise DataError(f"{path.name}: the column {name!r} is there {header.count(name)} times; rename one")
    frame = table[[header.index(name) for name in wanted]].copy()
    frame.columns = wanted
    notes = [{"column": "", "what": "blank lines skipped", "rows": blank}] if blank else []
    for name in wanted:
        formulas = frame[name].map(lambda cell: isinstance(cell, str) and cell.startswith("="))
        if formulas.any():
            if on_error == "raise":
                row = int(np.flatnonzero(formulas)[0])
                cell = f"{get_column_letter(header.index(name) + 1)}{numbered[row][0]}"
                raise DataError(
                    f"{path.name}, cell {cell} (column {name!r}): holds a formula; paste the values, or read "
                    "with on_error='missing'"
                )
            notes.append({"column": name, "what": "formulas set to missing", "rows": int(formulas.sum())})
            frame[name] = frame[name].mask(formulas)
        frame[name] = frame[name].infer_objects()
    sample = table.head(2000).copy()
    sample.columns = header
    facts = {
        "encoding": "Excel",
        "header_line": start + 1,
        "rows_read": len(body),
        "personal": personal_columns(sample.loc[:, ~sample.columns.duplicated()]),
        "not_read": [name for name in header if name not in wanted],
    }
    return frame, facts, [], notes


def _read_sql(url, query, mapping):
    import sqlalchemy

    shown = _shown(url)
    try:
        engine = sqlalchemy.create_engine(url)
    except Exception as error:
        raise DataError(
            f"{shown}: cannot be opened as a database ({type(error).__name__}); an SQLAlchemy URL looks like "
            "sqlite:///file.db or postgresql+psycopg://user@host/database"
        ) from None
    try:
        with engine.connect() as connection:
            if query is None:
                tables = sqlalchemy.inspect(connection).get_table_names()
                raise DataError(
                    f"{shown}: say which rows with query='SELECT ...'; tables: {', '.join(tables) or 'none'}"
                )
            if query.lstrip().split(None, 1)[:1] == [] or query.lstrip().split(None, 1)[0].lower() not in _SQL_BEGINS:
                raise DataError(f"{shown}: the query must be a SELECT; the tape is never changed")
            frame = pd.read_sql_query(sqlalchemy.text(query), connection)
            connection.rollback()
    except (sqlalchemy.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
        cause = error.__cause__ if isinstance(error, pd.errors.DatabaseError) and error.__cause__ else error
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0][:200]
        raise DataError(f"{shown}: the query failed: {reason}; check table, columns and access") from None
    finally:
        engine.dispose()
    if not len(frame):
        raise DataError(f"{shown}: the query gives no rows; check its conditions")
    frame.columns = [str(name) for name in frame.columns]
    if frame.columns.duplicated().any():
        name = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{shown}: the column {name!r} is there twice; name columns apart in the query")
    header = list(frame.columns)
    wanted = header if mapping is None else wanted_columns(header, mapping(header))
    for name in wanted:  # NUMERIC comes as Decimal
        if frame[name].dtype == object:
            frame[name] = frame[name].map(lambda cell: float(cell) if type(cell).__name__ == "Decimal" else cell)
            frame[name] = frame[name].infer_objects()
    facts = {
        "name": shown,
        "path": shown,
        "query": query,
        "encoding": "database",
        "rows_read": len(frame),
        "personal": personal_columns(frame),
        "not_read": [name for name in header if name not in wanted],
    }
    return frame[wanted], facts, [], []


def join_instalments(raw, mapping, path, on_error):
    """Make outcomes of a PPDai instalment file and join them to the loans.

    An instalment is late if it was paid after its due day, or is unpaid (or paid in part only) and due before the
    record date. Days past due are counted from the oldest unpaid instalment. A loan whose instalments are all paid is
    ``paid``; more than 120 days past due is ``default``.

    Parameters
    ----------
    raw : pandas.DataFrame
        Loans, with ``ListingId``.
    mapping : dict
        Of the loans.
    path : path-like
        ``LP.csv``: ListingId, 期数, 还款状态, 应还本金, 应还利息, 剩余本金, 剩余利息, 到期日期, 还款日期, recorddate.
    on_error : str

    Returns
    -------
    raw : pandas.DataFrame
        With ``lp_*`` columns; loans without an instalment are left out.
    mapping : dict
        With rules for them.
    set_aside : list of dict
    """
    needed = ["ListingId", "期数", "还款状态", "应还本金", "应还利息", "剩余本金", "到期日期", "还款日期", "recorddate"]
    rules = {"columns": {"loan_id": {"from": needed}}, "recognised_by": needed[:3]}
    frame, facts, _, _ = read_raw(path, on_error=on_error, mapping=lambda header: rules)
    absent = [name for name in needed if name not in frame]
    if absent:
        raise DataError(f"{facts['name']}: no column {', '.join(absent)}; an instalment file has {', '.join(needed)}")
    text = {name: frame[name].astype(str).str.strip() for name in ("到期日期", "还款日期", "recorddate")}
    dates = {
        name: pd.to_datetime(
            column.mask(column.isin(["\\N", "nan", "None", ""])).str.replace("/", "-"), errors="coerce", format="mixed"
        )
        for name, column in text.items()
    }
    unreadable = dates["到期日期"].isna() | dates["recorddate"].isna()
    if unreadable.any():
        row = int(np.flatnonzero(unreadable)[0])
        raise DataError(
            f"{facts['name']}, row {row + 1:,d}: due date or record date cannot be read; a date looks like "
            "2016-07-05 or 2016/7/5"
        )
    state = pd.to_numeric(frame["还款状态"], errors="coerce")
    due, paid, record = dates["到期日期"], dates["还款日期"], dates["recorddate"]
    settled = paid.notna() & (state != 4)
    overdue = ~settled & (due < record)
    late = (settled & (paid > due)) | overdue
    principal = pd.to_numeric(frame["应还本金"], errors="coerce")
    remaining = pd.to_numeric(frame["剩余本金"], errors="coerce")
    principal_paid = principal.where(settled, (principal - remaining).clip(lower=0).fillna(0))
    loans = (
        pd.DataFrame(
            {
                "ListingId": frame["ListingId"].astype(str),
                "late": late,
                "unpaid": ~settled,
                "principal": principal_paid,
                "owed": principal - principal_paid,
                "dpd": (record - due).dt.days.where(overdue, 0),
                "record": record,
                "last": paid,
            }
        )
        .groupby("ListingId")
        .agg(
            lp_late=("late", "sum"),
            lp_unpaid=("unpaid", "sum"),
            lp_principal=("principal", "sum"),
            lp_owed=("owed", "sum"),
            lp_dpd=("dpd", "max"),
            lp_record=("record", "max"),
            lp_last=("last", "max"),
            lp_rows=("late", "size"),
        )
    )
    loans["lp_status"] = np.select(
        [loans["lp_unpaid"] == 0, loans["lp_dpd"] > 120, loans["lp_dpd"] > 30, loans["lp_dpd"] > 0],
        ["paid", "default", "late 31-120", "late 1-30"],
        default="current",
    )
    key = raw["ListingId"].astype(str)
    known = key.isin(loans.index)
    strangers = int((~loans.index.isin(key)).sum())
    set_aside = []
    if (~known).any():
        set_aside.append({"reason": f"loan without any instalment in {facts['name']}", "rows": int((~known).sum())})
    if strangers:
        set_aside.append(
            {
                "reason": f"instalments of loans that are not in the loan file ({facts['name']})",
                "rows": 0,
                "instalments": int(loans.loc[~loans.index.isin(key), "lp_rows"].sum()),
            }
        )
    if not known.any():
        raise DataError(f"{facts['name']}: no ListingId of the loan file is in it; do the two files belong together?")
    joined = raw[known].reset_index(drop=True)
    joined = joined.assign(**{name: loans[name].loc[key[known]].to_numpy() for name in loans.columns})
    columns = {
        **mapping["columns"],
        "status": {"from": "lp_status"},
        "days_past_due": {"from": "lp_dpd"},
        "instalments_late": {"from": "lp_late"},
        "principal_paid": {"from": "lp_principal"},
        "balance": {"from": "lp_owed"},
        "last_payment_date": {"from": "lp_last"},
    }
    unused = {
        **(mapping.get("unused") or {}),
        "lp_unpaid": "part of the status",
        "lp_rows": "count of instalments",
        "lp_record": "gives the record date",
    }
    return (
        joined,
        {**mapping, "columns": columns, "unused": unused, "record_date": f"{joined['lp_record'].max():%Y-%m-%d}"},
        set_aside,
    )


__all__ = ["LoanTape", "find_mapping", "iter_tape", "read_raw", "read_tape"]
