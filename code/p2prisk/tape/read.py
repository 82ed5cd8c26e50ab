"""Read a tape from a file or a database, whatever its encoding, and say clearly when it cannot be read.

``data/README.md`` lists what can go wrong, with every message as it is printed: file, row or line and column, and the
remedy. Files are opened for reading only. With ``on_error="missing"`` a value that cannot be read becomes missing and a
broken line is set aside; both are counted in the quality report.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.bounds import check_file
from p2prisk.tape.choose import wanted_columns
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.containers import is_excel, parquet_pieces, read_excel, read_parquet
from p2prisk.tape.database import read_sql
from p2prisk.tape.instalments import RULES, join_instalments
from p2prisk.tape.mapping import apply_mapping, check_mapping, check_record_date
from p2prisk.tape.mapping_file import read_mapping
from p2prisk.tape.own import refuse_personal
from p2prisk.tape.pieces import Choice, Reading, pieces_of, read_pieces
from p2prisk.tape.privacy import coded, key_forms, masked_name, odd_keys
from p2prisk.tape.rows import (
    currency_columns,
    date_of_rows,
    latest_of_panel,
    not_loans,
    refuse_currencies,
    snapshot_columns,
)
from p2prisk.tape.text_file import csv_pieces, read_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from p2prisk.kinds import DateLike, PathLike
    from p2prisk.tape.core import LoanTape


def read_tape(
    source: PathLike | str,
    format: str | PathLike | dict | None = None,
    *,
    query: str | list[str] | None = None,
    on_error: Literal["raise", "missing"] = "raise",
    record_date: DateLike | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: int | str | None = None,
    header_row: int | str | None = None,
    instalments: PathLike | None = None,
    key: bytes | None = None,
    decisions: dict | None = None,
    own: dict[str, dict] | None = None,
    over: Callable[[Callable, Iterable], Iterable] = map,
) -> LoanTape:
    """Read a loan tape.

    Parameters
    ----------
    source : path-like or str
        CSV (plain, ``.gz``, ``.zip``, ``.xz``; any usual delimiter; UTF-8, UTF-16, GBK, Windows and East Asian
        encodings), Parquet (a file, a folder, or a pattern such as ``loans/part-*.parquet``), Excel, or an SQLAlchemy
        URL such as ``postgresql+psycopg://host/db``, with `query`.
    format : str, path-like or dict, optional
        Name of a built-in format (``lendingclub``, ``openintro``, ``prosper``, ``ppdai``, ``renrendai``, ...), a
        mapping file (YAML), or a mapping. By default the header decides.
    query : str or list of str, optional
        SELECT statement, for a database; of several, each gives a piece of the tape.
    on_error : {"raise", "missing"}
        What becomes of values that cannot be read and of broken lines: an error, or missing / set aside and counted.
    record_date : datetime-like, optional
        Day of the snapshot, where neither the file nor the mapping says it.
    encoding, delimiter : str, optional
        Where the reader's own finding is wrong.
    sheet : int or str, optional
        Of an Excel file; the first that is not hidden by default.
    header_row : int or str, optional
        Line of the header, from 1, where the reader's own finding is wrong; ``"2,3"`` for names over two lines.
    instalments : path-like, optional
        The instalment file (PPDai ``LP.csv``) from which the outcomes are made.
    key : bytes, optional
        Personal keys of loans become codes under it (:func:`p2prisk.tape.privacy.coded`), the same in every file;
        without it, running numbers.
    decisions : dict, optional
        What the data of another tape decided (units, decimal marks), as ``provenance["decisions"]`` has it: it holds
        here too, so that a loan reads alike in any company.
    own : dict, optional
        Rules of the lender's own columns, which join the mapping (:func:`p2prisk.tape.own.read_own`).
    over : callable, optional
        As ``map``: where the pieces of the tape are read (:func:`p2prisk.tape.cluster.workers`).

    Returns
    -------
    LoanTape

    Raises
    ------
    DataError
        Every message names file, row or line and column, and the remedy.
    """
    options = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet, "header_row": header_row}
    reading = Reading(Choice.of(format, own, source), on_error, expected_names(format), options)
    raw, facts, set_aside, notes = read_pieces(source, pieces_of(source, query), reading, over)
    header, told = [*raw.columns, *facts["not_read"]], {"text": False} | raw.attrs
    mapping = chosen = facts.pop("mapping")
    if record_date is not None:
        check_record_date(record_date)
        mapping = {**mapping, "record_date": record_date}
    refuse_personal(mapping, facts["personal"], facts["name"])
    raw, aside = not_loans(raw, mapping)
    set_aside = set_aside + aside
    if not len(raw):
        raise DataError(
            f"{facts['name']}: no row is a loan ({aside[0]['rows']:,d}: {aside[0]['reason']}); export it again"
        )
    refuse_currencies(raw, mapping, facts["name"])
    raw, mapping, aside, more = _one_row_a_loan(raw, mapping, header)
    set_aside, notes = set_aside + aside, notes + more
    raw = without_personal(raw, facts["personal"], mapping, key=key)
    facts["personal"] = dict(facts["personal"])
    raw.attrs |= told | {"header": header}
    if instalments is not None:
        lp, lp_facts, more, _ = read_raw(instalments, on_error=on_error, mapping=lambda header: RULES)
        set_aside = set_aside + more
        raw, mapping, more = join_instalments(raw, mapping, lp, lp_facts["name"])
        set_aside, facts = set_aside + more, {**facts, "instalments": lp_facts["name"]}
    decisions = dict(decisions or {})
    tape = apply_mapping(raw, mapping, facts["name"], on_error, decisions)
    tape.provenance.update(facts)
    tape.provenance["mapping"] = json.loads(json.dumps(mapping, default=str))
    tape.provenance["decisions"] = decisions
    tape.provenance["rows_read"] = facts["rows_read"]
    tape.set_aside[:0] = set_aside
    tape.notes[:0] = notes
    for name, why in facts["personal"].items():
        tape.unused[name] = f"personal data ({why}): not kept"
    for name in snapshot_columns(header, chosen):
        tape.unused[name] = "says of which day a row is, nothing else"
    for name in currency_columns(header, chosen):
        tape.unused[name] = "says in which currency the amounts are, nothing else"
    for name in facts["not_read"]:
        tape.unused.setdefault(name, (mapping.get("unused") or {}).get(name, "no canonical column"))
    del tape.provenance["not_read"]
    return tape


def expected_names(format):
    """Source columns that a mapping names, by which the header is found; none where the header decides the format."""
    if isinstance(format, dict):
        check_mapping(format)
        mapping = format
    elif format is None or str(format) in ("auto", "canonical") or not Path(format).is_file():
        return set(COLUMNS) if str(format) == "canonical" else set()
    else:
        mapping = read_mapping(Path(format))
    names = set()
    for rule in mapping.get("columns", {}).values():
        options = rule.get("from", []) if isinstance(rule, dict) else []
        names.update(map(str, options if isinstance(options, list) else [options]))
    return names


def _one_row_a_loan(raw, mapping, header):
    """The latest row of each loan of a panel, and the day that the rows are of."""
    raw, aside, notes = latest_of_panel(raw, mapping, header)
    stacked = [entry.pop("by") for entry in aside if "by" in entry]
    names = list(dict.fromkeys([*stacked, *(name for name in snapshot_columns(header, mapping) if name in raw)]))
    if names and not mapping.get("record_date_from") and not mapping.get("record_date"):
        day = date_of_rows(raw, names, mapping)
        if day is not None and day <= pd.Timestamp.now() + pd.Timedelta(days=1):
            mapping = {**mapping, "record_date": f"{day:%Y-%m-%d}"}
            notes = [*notes, {"column": names[0], "what": f"gives the record date, {day:%Y-%m-%d}", "rows": 0}]
    return raw, mapping, aside, notes


def without_personal(raw, personal, mapping, names=None, key=None):
    """Replace keys that are personal data by codes or running numbers, and leave other personal columns out.

    A key column that is not personal as a whole may hold single keys that are (:func:`~p2prisk.tape.privacy.odd_keys`);
    these are replaced alone. A day of birth stays if the mapping makes an age of it.

    Parameters
    ----------
    raw : pandas.DataFrame
    personal : dict
        Column -> what was recognised.
    mapping : dict
    names : dict, optional
        Filled with the running numbers by key, so that further pieces of the same file go on with them.
    key : bytes, optional
        As of :func:`read_tape`.

    Returns
    -------
    pandas.DataFrame
    """
    rules = {name: rule for name, rule in (mapping.get("columns") or {}).items() if name in COLUMNS}
    names = {} if names is None else names

    def sources(chosen):
        return [name for name in raw.columns if name in wanted_columns(raw.columns, {"columns": chosen})]

    keys = {
        source: name
        for name, rule in rules.items()
        if COLUMNS[name].known == "key" and COLUMNS[name].kind == "text"
        for source in sources({name: rule})
    }
    lived = {name: rule for name, rule in rules.items() if str(rule.get("unit")) == "days before as years"}
    ages = sources(lived | {name: rule for name, rule in rules.items() if rule.get("years_before")})
    for source, name in keys.items():
        values = raw[source]
        if source in personal:
            odd = values.notna().to_numpy()
        else:
            if ("forms", source) not in names:
                seen = getattr(personal, "sample", None)
                names["forms", source] = key_forms(seen[source] if seen is not None and source in seen else values)
            odd = odd_keys(values, names["forms", source], persons=name in ("loan_id", "borrower_id"))
        if not odd.any():
            continue
        if key is not None:
            codes = coded(values[odd], key, name)
        else:
            known = names.setdefault(source, {})
            for value in values[odd].unique():
                known.setdefault(value, f"k{len(known) + 1:08d}")
            codes = values[odd].map(known)
        raw = raw.assign(**{source: values.astype(object).where(~odd, codes)})
    return raw.drop(columns=[name for name in personal if name in raw and name not in keys and name not in ages])


def iter_tape(
    path: PathLike,
    format: Any = None,
    *,
    rows: int = 200_000,
    on_error: Literal["raise", "missing"] = "raise",
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: int | str | None = None,
    header_row: int | str | None = None,
    key: bytes | None = None,
    decisions: dict | None = None,
) -> Iterator:
    """Read a tape piece by piece, the columns known at issue and the keys only; for files larger than the memory.

    Parameters
    ----------
    path : path-like
        CSV (also compressed) or Parquet; an Excel file comes in one piece.
    format, on_error, encoding, delimiter, sheet, header_row, key
        As of :func:`read_tape`.
    rows : int
        Rows of a piece.
    decisions : dict, optional
        As of :func:`read_tape`.

    Yields
    ------
    LoanTape
        ``set_aside`` of the first has the lines that are no rows, of each its own rows that are no loans; ``rows`` has
        the row numbers of the file.

    Raises
    ------
    DataError
        As :func:`read_tape`.
    """
    path = Path(path)
    if rows < 1:
        raise DataError(f"pieces of {rows} rows: give 1 or more")
    with at_rest(path):
        yield from _tapes(path, format, rows, on_error, (encoding, delimiter, sheet, header_row), key, decisions)


def _tapes(path, format, rows, on_error, how, key, decisions):
    encoding, delimiter, sheet, header_row = how
    decisions = dict(decisions or {})
    if path.is_file():
        check_file(path)  # before it is opened: one of the system's, which has no size, may keep its reader waiting
    with path.open("rb") if path.is_file() else io.BytesIO() as stream:
        head = stream.read(4)
    set_aside: list = []
    if head == b"PAR1":
        pieces, mapping, personal, whole = parquet_pieces(path, format, rows)
    elif not path.is_file() or (head == b"PK\x03\x04" and is_excel(path)):
        yield read_tape(
            path, format, on_error=on_error, sheet=sheet, header_row=header_row, key=key, decisions=decisions
        )
        return
    else:
        pieces, mapping, personal, set_aside, whole = csv_pieces(
            path, format, rows, on_error, encoding, delimiter, header_row, expected_names(format)
        )
    names: dict = {}
    first, begin = True, 0
    for piece in pieces:
        if head == b"PAR1":
            piece.index = pd.RangeIndex(begin, begin + len(piece))
        begin, text, moved = begin + len(piece), piece.attrs.get("text", False), piece.attrs.pop("aside", [])
        read = len(piece) + sum(entry["rows"] for entry in moved)
        piece, aside = not_loans(piece, mapping)
        refuse_currencies(piece, mapping, path.name)
        piece = piece.drop(columns=currency_columns(piece.columns, mapping))
        piece = without_personal(piece, personal, mapping, names, key)
        piece.attrs["text"] = text
        tape = apply_mapping(piece, mapping, path.name, on_error, decisions)
        tape.set_aside[:0] = [*(set_aside if first else []), *moved, *aside]
        tape.provenance["rows_read"] = read + (sum(entry["rows"] for entry in set_aside) if first else 0)
        tape.provenance["rows_of_file"] = whole
        first = False
        yield tape
    if first:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")


def read_raw(
    source,
    *,
    query=None,
    on_error="raise",
    encoding=None,
    delimiter=None,
    sheet=None,
    header_row=None,
    mapping=None,
    expected=(),
):
    """Read the table as it is.

    Parameters
    ----------
    source, query, on_error, encoding, delimiter, sheet, header_row
        As of :func:`read_tape`.
    mapping : callable, optional
        Given the header, returns the mapping; only the columns that it names are read.
    expected : set of str
        Names by which the header is found.

    Returns
    -------
    frame : pandas.DataFrame
    facts : dict
        ``name``, ``path``, ``bytes``, ``sha256``, ``encoding``, ``delimiter``, ``header_line``, ``rows_read``,
        ``personal``, ``not_read``.
    set_aside, notes : list of dict
    """
    if "://" in str(source):
        return read_sql(str(source), query, mapping)
    path = Path(source)
    check_file(path)
    with at_rest(path), ThreadPoolExecutor(1) as beside:  # the hash is taken while the file is read
        with open(path, "rb") as stream:
            head = stream.read(8)
        sha256 = beside.submit(file_sha256, path)
        more = {"mapping": mapping, "expected": expected, "header": header_row}
        frame, told, set_aside, notes = _read_file(path, head, on_error, (encoding, delimiter), sheet, more)
        name = masked_name(path.name)
        facts = {"name": name, "path": name, "bytes": path.stat().st_size, "sha256": sha256.result()}
    if not len(frame):
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    return frame, {**facts, **told}, set_aside, notes


def _read_file(path, head, on_error, text, sheet, more):
    """Read a file by what its first bytes say that it is."""
    if head[:4] == b"PAR1":
        return read_parquet(path, more["mapping"])
    if head[:4] == b"PK\x03\x04" and is_excel(path):
        return read_excel(path, sheet, on_error, more["mapping"], more["header"], more["expected"])
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise DataError(
            f"{path.name} is an Excel 97-2003 file (.xls) or a workbook under a password; save it as .xlsx or "
            "CSV, without one"
        )
    if head[:5] == b"%PDF-":
        raise DataError(f"{path.name} is a PDF file; export the table as CSV")
    return read_csv(path, on_error, *text, **more)


@contextlib.contextmanager
def at_rest(path: Path) -> Iterator[None]:
    """Refuse a file that another program replaces or changes while it is read.

    It is gone through several times (for its hash, its encoding, its lines, its cells), each of which may otherwise
    meet another file: half of the loans of one day and half of the next, or a hash of loans that were not read.

    Raises
    ------
    DataError
    """
    before = _state(path)
    try:
        yield
    except Exception:  # whatever half a file looks like to whatever reads it: why it does so comes first
        _refuse_changed(path, before)
        raise
    _refuse_changed(path, before)


def _refuse_changed(path, before):
    if _state(path) != before:
        raise DataError(
            f"{path.name} was changed while it was read: wait until its writer is done, or copy it and give the copy"
        ) from None


def _state(path):
    """Which file a name is of, its size and when it was last written; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def file_sha256(path):
    """SHA-256 of a file, read in blocks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
