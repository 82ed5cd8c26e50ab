"""The tables of a study as one Excel workbook, the same bytes for the same tables.

Text is text: a cell that begins as a formula does (``=``, ``+``, ``-``, ``@``) is stored as a string and marked so that
no program runs it.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from p2prisk.escape import visible

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike
    from p2prisk.report.results import Results

#: a workbook has no day of its own, so that the same study gives the same bytes
_DAY = datetime.datetime(2000, 1, 1)


#: "_x0041_" in a cell is a code that a spreadsheet shows as "A"; its first mark has a code, too
_CODE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def write_workbook(results: Results, path: PathLike) -> None:
    """Write every table of a study, a sheet each, after a sheet that says what is where.

    Parameters
    ----------
    results : Results
    path : path-like
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    book.properties.created = book.properties.modified = _DAY
    book.properties.creator = "p2prisk"
    tables = {name: table for name, table in sorted(results.tables.items()) if len(table.columns)}
    contents = pd.DataFrame(
        {"sheet": [name[:31] for name in tables], "rows": [len(table) for table in tables.values()]}
    )
    for name, table in {"contents": contents, **tables}.items():
        sheet = book.create_sheet(name[:31])
        if table.index.name or not pd.api.types.is_integer_dtype(table.index.dtype):  # others are running numbers
            table = table.reset_index(names=table.index.name or "what")
        rows = [list(map(str, table.columns)), *table.itertuples(index=False, name=None)]
        for i, row in enumerate(rows, 1):
            for j, value in enumerate(row, 1):
                _put(sheet.cell(i, j), value)
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "A2"
        for j in range(1, len(rows[0]) + 1):
            longest = max(_shown(row[j - 1]) for row in rows[:200])
            sheet.column_dimensions[get_column_letter(j)].width = min(max(9, longest + 1), 60)
            for cell in next(sheet.iter_cols(j, j)):
                cell.alignment = Alignment(wrap_text=longest > 58, vertical="top")
    made = io.BytesIO()
    book.save(made)
    _without_day(made, Path(path))


def _put(cell, value):
    if value is None or value is pd.NA or value != value:
        return
    if isinstance(value, str):
        # no length is cut: a reason of the lender may be longer than what a page shows of a cell
        cell.value = _CODE.sub("_x005F_", visible(value, 32_000))
        cell.data_type, cell.quotePrefix = "s", value[:1] in ("=", "+", "-", "@")
    else:
        value = value.item() if hasattr(value, "item") else value
        cell.value = value if isinstance(value, bool | int | float) else visible(value, 32_000)
        cell.number_format = _format(value)


def _format(value):
    """How a number is shown; the cell holds all of it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "General"
    if isinstance(value, int):
        return "#,##0"
    size = abs(value)
    return "0" if not size else "0.0E+00" if size < 1e-4 else "0.0000" if size < 10 else "#,##0.00"


def _shown(value):
    """Letters that a cell takes."""
    return 10 if isinstance(value, float) else len(str(value))


def _without_day(made, path):
    """The archive with its parts in order and dated alike; the day of its making is not among its properties."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(
                    rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + _DAY.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), data
                )
            new.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
