"""Tables that are no text files: Parquet and Excel."""

import zipfile
from contextlib import contextmanager

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, P2PRiskError
from p2prisk.tape.bounds import (
    CELL,
    FREE,
    RATIO,
    check_archive,
    check_columns,
    check_marks,
    check_parquet,
    columns_of_deltas,
    free_memory,
    unfolded,
    within,
)
from p2prisk.tape.choose import find_mapping, known_at_issue_only, wanted_columns
from p2prisk.tape.footer import read_footer
from p2prisk.tape.header import LOOKED_AT, find_header
from p2prisk.tape.mapping import builtin, builtin_names
from p2prisk.tape.privacy import masked_name, personal_columns
from p2prisk.tape.rows import read_beside, with_currency
from p2prisk.tape.text_file import DAMAGED

#: rows that Excel has; cells that are taken, empty ones too
ROWS_OF_A_SHEET, CELLS_OF_A_SHEET = 1 << 20, 10**8
#: bytes of a cell that has the same number of them in every row
WIDEST = 1024
_FIRST_DAY, _LAST_DAY = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")


def is_excel(path):
    """Whether a file that begins like a zip is an Excel workbook; a broken zip is an error."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):  # lengths that lie send it before its begin
        raise DataError(DAMAGED.format(path.name)) from None


@contextmanager
def _whole(path, kind):
    """While a library reads a file of its kind, whatever it makes of a damaged one is one error with the remedy."""
    try:
        yield
    except (P2PRiskError, MemoryError):
        raise
    except Exception as error:
        # not in the library's words, which may repeat a cell
        raise DataError(f"{path.name} is not a whole {kind} file ({type(error).__name__}); copy it again") from None


def read_parquet(path, mapping):
    """Read the wanted columns of a Parquet file; parameters and result as of :func:`~p2prisk.tape.read.read_raw`."""
    import pyarrow.parquet as parquet

    with _whole(path, "Parquet"):
        file = _opened(path)
        schema = parquet.read_schema(path)
        header = schema.names
        wanted = columns_to_read(header, mapping)
        _refuse_nested(path, schema, wanted)
        check_parquet(path, file.metadata, [schema.field(name).type for name in wanted], free_memory())
        frame = _whole_frame(path, file, wanted)
        flat = [name for name in header if _is_flat(schema.field(name).type)]
        sample = next(file.iter_batches(batch_size=2000, columns=flat), None)
        personal = personal_columns(_frame(path, sample)[0]) if sample is not None else {}
    read = set(wanted)
    facts = {
        "encoding": "Parquet",
        "rows_read": len(frame),
        "personal": personal,
        "not_read": [name for name in header if name not in read],
    }
    return frame, facts, [], []


def parquet_pieces(path, format, rows):
    """Batches of a Parquet file: frames, the mapping, the columns with personal data, the number of rows."""
    import pyarrow.parquet as parquet

    with _whole(path, "Parquet"):
        file = _opened(path)
        schema = parquet.read_schema(path)
        header = schema.names
        mapping = known_at_issue_only(find_mapping(format, header, path))
        wanted = with_currency(wanted_columns(header, mapping), header, mapping)
        _refuse_nested(path, schema, wanted)
        check_parquet(path, file.metadata, [schema.field(name).type for name in wanted], None)
        sample = next(file.iter_batches(batch_size=2000, columns=wanted), None)
        personal = personal_columns(_frame(path, sample)[0]) if sample is not None else {}

    def pieces():
        batches = file.iter_batches(batch_size=rows, columns=wanted)
        while True:
            with _whole(path, "Parquet"):
                batch = next(batches, None)
                frame = None if batch is None else _frame(path, batch)[0]
            if frame is None:
                return
            yield frame

    return pieces(), mapping, personal, file.metadata.num_rows


def _opened(path):
    """A Parquet file whose texts come as codes of a dictionary: one long text in a million rows is there once."""
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(path)
    check_columns(file.metadata.num_columns, path.name)
    plain = columns_of_deltas(path, read_footer(path, file.metadata.num_columns))  # which are never codes
    header = set(file.schema_arrow.names)
    # by how they are stored: the type that a file names for its texts may be any of six
    stored = [file.schema.column(place) for place in range(len(file.schema)) if place not in plain]
    texts = [each.path for each in stored if each.physical_type == "BYTE_ARRAY" and each.logical_type.type != "DECIMAL"]
    names = [name for name in texts if name in header]
    return parquet.ParquetFile(path, read_dictionary=names, metadata=file.metadata) if names else file


def _whole_frame(path, file, wanted):
    """All rows of the wanted columns, piece by piece as long as the texts take a part of the free memory."""
    parts, size = [], 0
    for batch in file.iter_batches(batch_size=1 << 17, columns=wanted):
        frame, more = _frame(path, batch, size)
        parts.append(frame)
        size += more
    return pd.concat(parts, ignore_index=True) if parts else _frame(path, file.read(columns=wanted))[0]


def columns_to_read(header, mapping):
    """The columns to read, with those that may say of which day a row is."""
    if mapping is None:
        return header
    chosen = mapping(header)
    return [name for name in header if name in {*wanted_columns(header, chosen), *read_beside(header, chosen)}]


def _frame(path, table, before=0):
    """A frame of a table or a batch, and the bytes of its texts, beside those `before`.

    Bytes are the UTF-8 text that writers without types mean by them.
    """
    import pyarrow

    table = pyarrow.Table.from_batches([table]) if isinstance(table, pyarrow.RecordBatch) else table
    size = unfolded(path, table, free_memory(), before)
    fields = []
    for field in table.schema:
        kind = field.type.value_type if pyarrow.types.is_dictionary(field.type) else field.type
        if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            kind = pyarrow.string()
        fields.append(pyarrow.field(field.name, kind))
    try:
        frame = table.cast(pyarrow.schema(fields)).to_pandas(ignore_metadata=True)
    except (pyarrow.ArrowInvalid, UnicodeDecodeError):
        raise DataError(f"{path.name} holds text that is not UTF-8; write it again as UTF-8") from None
    for name in frame.columns:
        if frame[name].dtype.kind == "M" and frame[name].dt.tz is None:
            values = frame[name].to_numpy()
            if (
                (values < _FIRST_DAY) | (values > _LAST_DAY)
            ).any():  # no calendar has them: text, to be refused as text
                text = pd.Series(values.astype(str), frame.index, dtype=object)
                frame[name] = text.mask(frame[name].isna(), None)
    return frame, size


def _is_flat(kind):
    """Whether a column has a value a cell and no kind of its own, whose texts would not come as codes."""
    import pyarrow

    return not pyarrow.types.is_nested(kind) and (
        not isinstance(kind, pyarrow.BaseExtensionType) or pyarrow.types.is_fixed_size_binary(kind.storage_type)
    )


def _refuse_nested(path, schema, wanted):
    import pyarrow

    for name in wanted:
        kind = schema.field(name).type
        if isinstance(kind, pyarrow.BaseExtensionType):
            if not _is_flat(kind):
                raise DataError(
                    f"{path.name}, column {name!r}: has a type of its own ({kind.extension_name[:40]!r}); write it "
                    "again with plain texts or numbers"
                )
            kind = kind.storage_type
        if pyarrow.types.is_fixed_size_binary(kind) and kind.byte_width > WIDEST:
            raise DataError(
                f"{path.name}, column {name!r}: {kind.byte_width:,d} bytes in every cell: no table of loans"
            )
        if pyarrow.types.is_nested(kind):
            raise DataError(
                f"{path.name}, column {name!r}: row 1 holds a list; one value a cell is needed: spread the "
                "list over columns or rows"
            )


def read_excel(path, sheet, on_error, mapping, header=None, expected=()):
    """Read the wanted columns of a sheet; a formula in one of them is an error.

    What a workbook says of its own size is not believed: all rows are read.
    """
    from openpyxl.utils import get_column_letter

    size = check_archive(path, free_memory())
    with _whole(path, "Excel"):
        check_marks(path)
    try:
        with within(20 * size + (1 << 30)):  # a sheet of 70 MB takes 800 as cells; other parts may take anything
            rows, number, names, epoch, marked = _rows_of_sheet(path, sheet)
    except MemoryError:
        raise DataError(
            f"{path.name} unfolds to more than a workbook of {size:,d} bytes does; save the sheet as CSV"
        ) from None
    name, *others = map(masked_name, [names[number - 1], *names[: number - 1], *names[number:]])
    place = f"{path.name}, sheet {name!r}"
    hint = f"; other sheets: {', '.join(others)} (--sheet NAME, sheet=)" if others else ""
    if not any(any(cell is not None for cell in row) for row in rows):
        raise DataError(f"{path.name}: the sheet {name!r} is empty{hint or '; save the loans in it'}")
    known = [builtin(format)["recognised_by"] for format in builtin_names()]
    top = [["" if cell is None else str(cell) for cell in row] for row in rows[:LOOKED_AT]]
    try:
        start, header = find_header(top, known, expected, header, place)
    except DataError as error:
        raise DataError(f"{error}{hint}") from None
    while header and not header[-1]:
        header.pop()
    numbered = [
        (number, row)
        for number, row in enumerate(rows[start + 1 :], start + 2)
        if any(cell is not None and cell != "" for cell in row)
    ]
    body = [row for _, row in numbered]
    if not body:
        raise DataError(f"{place}: a header but no rows; export it again with the loans{hint}")
    width = len(header)
    beyond = [number for number, row in numbered if any(cell is not None for cell in row[width:])]
    body = [(*row[:width], *[None] * (width - len(row))) for row in body]
    table = pd.DataFrame(body, columns=range(width))
    try:
        chosen = None if mapping is None else mapping(header)
    except DataError as error:
        raise DataError(f"{error}{hint}") from None
    wanted = list(filter(None, header)) if chosen is None else wanted_columns(header, chosen)
    if not wanted:
        raise DataError(
            f"{place}: none of the columns that the mapping names is in its header "
            f"({', '.join(header[:8])}); is it the right sheet, and line {start + 1} its header (--header-row)?{hint}"
        )
    if chosen is not None:
        wanted = [column for column in header if column in {*wanted, *read_beside(header, chosen)}]
    for column in wanted:
        if header.count(column) > 1:
            raise DataError(f"{path.name}: the column {column!r} is there {header.count(column)} times; rename one")
    frame = table[[header.index(column) for column in wanted]].copy()
    frame.columns = wanted
    frame.index = [number - 1 for number, _ in numbered]
    frame.attrs["epoch"] = pd.Timestamp(epoch)  # day 0 of its serial days: 1899-12-30, or 1904-01-01
    told = {"blank lines skipped": len(rows) - start - 1 - len(body), "lines above the header skipped": start}
    notes = [{"column": "", "what": what, "rows": count} for what, count in told.items() if count]
    notes += _marked_rows(marked, {number for number, _ in numbered})
    if others:
        notes.append({"column": "", "what": f"sheet {name!r} read{hint}", "rows": 0})
    if beyond:
        what = f"cells in columns without a name, not read (first in row {beyond[0]:,d})"
        remedy = "give each column a name in the header if it belongs to the loans"
        notes.append({"column": "", "what": what, "rows": len(beyond), "level": "warning", "remedy": remedy})
    for column in wanted:
        notes += _without_formulas(frame, column, on_error, path, get_column_letter(header.index(column) + 1))
    sample = table.head(2000).copy()
    sample.columns = header
    facts = {
        "encoding": "Excel",
        "sheet": name,
        "sheet_number": number,
        "header_line": start + 1,
        "rows_read": len(body),
        "personal": personal_columns(sample.loc[:, ~sample.columns.duplicated()]),
        "not_read": [column for column in header if column not in wanted],
    }
    return frame, facts, [], notes


def _rows_of_sheet(path, sheet):
    """All rows of a sheet, the first that is not hidden or one given by name or place.

    Also its place, the names of all, the day 0 of its dates, and the rows that are marked.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:  # its words may repeat what the file says of its author
        raise DataError(f"{path.name} is not a whole Excel file ({type(error).__name__}); save it again") from None
    tables = {page.title: page for page in book.worksheets}
    if not tables:
        raise DataError(f"{path.name} has no sheet with a table; save it again")
    names = list(tables)
    name = sheet
    if sheet is None:
        name = next((shown for shown, page in tables.items() if page.sheet_state == "visible"), names[0])
    elif not isinstance(sheet, str):
        name = names[sheet] if sheet < len(names) else sheet
    elif sheet not in names and sheet.isdigit() and 1 <= int(sheet) <= len(names):
        name = names[int(sheet) - 1]
    if name not in tables:
        raise DataError(
            f"{path.name} has no sheet {sheet!r}; it has {', '.join(map(masked_name, names))} (--sheet NAME, sheet=)"
        )
    page = tables[name]
    page.reset_dimensions()
    rows, cells, texts = [], 0, _Texts(path)
    try:
        struck = {place for place, style in enumerate(book._cell_styles) if book._fonts[style.fontId].strike}
        with _as_it_stands(struck) as marked:
            for row in page.iter_rows(values_only=True):
                rows.append(row)
                cells += len(row)
                texts.see(row)
                if len(rows) > ROWS_OF_A_SHEET or cells > CELLS_OF_A_SHEET:
                    raise DataError(
                        f"{path.name}, sheet {name!r}, reaches to row {len(rows):,d} and over {cells:,d} cells, most "
                        "of them empty: remove what stands far beyond the table, or save the sheet as CSV"
                    )
    except (DataError, MemoryError):
        raise
    except Exception as error:  # whatever a broken or hostile sheet makes of its XML
        raise DataError(f"{path.name}, sheet {name!r}, is broken ({type(error).__name__}); save it again") from None
    check_columns(max(map(len, rows), default=0), f"{path.name}, sheet {name!r},")
    book.close()
    return rows, names.index(name) + 1, names, book.epoch, marked


@contextmanager
def _as_it_stands(struck):
    """While a sheet is read, a formula that cells share is not written anew for each: a long one took minutes.

    That a cell has a formula is all that is asked. Gives the numbers of the rows that are hidden, and of those with a
    cell of a style that strikes out.
    """
    from openpyxl.worksheet import _read_only, _reader

    marked: dict[str, list[int]] = {"hidden": [], "struck": []}

    class Parser(_reader.WorkSheetParser):
        def parse_formula(self, element):
            formula = element.find(_reader.FORMULA_TAG)
            return "=" if formula.get("t") == "shared" else super().parse_formula(element)

        def parse_row(self, row):
            number, cells = super().parse_row(row)
            if row.get("hidden") in ("1", "true"):
                marked["hidden"].append(number)
            if struck and any(cell["style_id"] in struck and cell["value"] is not None for cell in cells):
                marked["struck"].append(number)
            return number, cells

    before = _read_only.WorkSheetParser
    _read_only.WorkSheetParser = Parser
    try:
        yield marked
    finally:
        _read_only.WorkSheetParser = before


def _marked_rows(marked, loans):
    """Notes of rows that whoever made the sheet hid or struck out, which are read all the same."""
    words = {
        "hidden": ("hidden in the sheet", "show all rows, and delete those that do not belong to the loans"),
        "struck": ("with a cell that is struck out", "delete those that no longer count"),
    }
    notes = []
    for mark, (what, remedy) in words.items():
        found = [number for number in marked[mark] if number in loans]
        if found:
            what = f"rows {what}, read like the others (first in row {found[0]:,d})"
            notes.append({"column": "", "what": what, "rows": len(found), "level": "warning", "remedy": remedy})
    return notes


class _Texts:
    """The letters of the cells of a sheet: one long text may be named by every row, and be there once."""

    def __init__(self, path):
        self.path, self.size, self.most = path, 0, max(FREE, RATIO * path.stat().st_size)

    def see(self, row):
        """Count a row."""
        lengths = [len(cell) for cell in row if type(cell) is str]
        self.size += sum(lengths)
        if self.size > self.most:
            raise DataError(f"{self.path.name} unfolds to {self.size:,d} letters and more: no table of loans does")
        if lengths and max(lengths) > CELL:
            raise DataError(f"{self.path.name} has a cell of more than {CELL:,d} letters: is it a table of loans?")


def _without_formulas(frame, name, on_error, path, letter):
    """Refuse the formulas in a column of a sheet, or set them to missing; notes of what was done."""
    formulas, notes = frame[name].map(lambda cell: isinstance(cell, str) and cell.startswith("=")), []
    if formulas.any():
        if on_error == "raise":
            row = int(frame.index[formulas][0]) + 1
            raise DataError(
                f"{path.name}, cell {letter}{row} (column {name!r}): holds a formula; paste the values, or read "
                "with on_error='missing'"
            )
        notes = [{"column": name, "what": "formulas set to missing", "rows": int(formulas.sum())}]
        frame[name] = frame[name].mask(formulas)
    frame[name] = frame[name].infer_objects()
    return notes
