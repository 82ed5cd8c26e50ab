"""Tables that are no text files: Parquet and Excel."""

import zipfile

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.choose import find_mapping, known_at_issue_only, wanted_columns
from p2prisk.tape.mapping import builtin, builtin_names
from p2prisk.tape.privacy import personal_columns
from p2prisk.tape.text_file import header_row


def is_excel(path):
    """Whether a file that begins like a zip is an Excel workbook; a broken zip is an error."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except zipfile.BadZipFile:
        raise DataError(f"{path.name}: the compressed data end early; copy or download it again") from None


def read_parquet(path, mapping):
    """Read the wanted columns of a Parquet file; parameters and result as of :func:`~p2prisk.tape.read.read_raw`."""
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


def parquet_pieces(path, format, rows):
    """Batches of a Parquet file: iterator of frames, the mapping, and the columns that hold personal data."""
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(path)
    except Exception as error:
        raise DataError(f"{path.name} is not a whole Parquet file ({str(error)[:80]}); copy it again") from None
    header = file.schema_arrow.names
    mapping = known_at_issue_only(find_mapping(format, header, path))
    wanted = wanted_columns(header, mapping)
    _refuse_nested(path, file.schema_arrow, wanted)
    sample = next(file.iter_batches(batch_size=2000, columns=wanted), None)
    personal = personal_columns(sample.to_pandas()) if sample is not None else {}
    return (batch.to_pandas() for batch in file.iter_batches(batch_size=rows, columns=wanted)), mapping, personal


def _refuse_nested(path, schema, wanted):
    import pyarrow

    for name in wanted:
        if pyarrow.types.is_nested(schema.field(name).type):
            raise DataError(
                f"{path.name}, column {name!r}: row 1 holds a list; one value a cell is needed: spread the "
                "list over columns or rows"
            )


def read_excel(path, sheet, on_error, mapping):
    """Read the wanted columns of a sheet; a formula in one of them, or a cell beyond the header, is an error."""
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
    start = header_row(top, known)
    header = [cell.strip() for cell in top[start]]
    while header and not header[-1]:
        header.pop()
    numbered = [
        (number, row)
        for number, row in enumerate(rows[start + 1 :], start + 2)
        if any(cell is not None for cell in row)
    ]
    body = [row for _, row in numbered]
    blank = len(rows) - start - 1 - len(body)
    if not body:
        raise DataError(f"{path.name} has a header but no rows; export it again with the loans")
    for number, row in numbered:
        if any(cell is not None for cell in row[len(header) :]):
            raise DataError(
                f"{path.name}, row {number:,d}: cells beyond the header; give each column a name, or remove them"
            )
    width = len(header)
    body = [(*row[:width], *[None] * (width - len(row))) for row in body]
    table = pd.DataFrame(body, columns=range(width))
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
