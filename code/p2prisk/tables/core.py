"""The Markdown table and the formatting of numbers."""

from __future__ import annotations

import math
import numbers
from typing import Any

import pandas as pd

from p2prisk.escape import escaped


def number(value: float, digits: int = 2) -> str:
    """Format a number for print: thousands separated by commas, a true minus sign, an en dash for missing.

    Parameters
    ----------
    value : number
        What to print; integers are printed whole whatever `digits` says.
    digits : int
        Digits after the point.

    Returns
    -------
    str

    Examples
    --------
    >>> number(12345.678), number(9181), number(-0.5, 1), number(-0.04, 1), number(float("nan"))
    ('12,345.68', '9,181', '−0.5', '0.0', '–')
    """
    if value is None or value is pd.NA or (isinstance(value, numbers.Real) and math.isnan(value)):
        return "–"
    if isinstance(value, numbers.Integral):
        text = f"{int(value):,d}"
    else:
        text = f"{float(value):z,.{digits}f}"  # what rounds to nought has no sign
    return text.replace("-", "−")


def percent(value: float, digits: int = 1) -> Any:
    """Format a share as a percentage.

    Examples
    --------
    >>> percent(0.1234), percent(1)
    ('12.3 %', '100.0 %')
    """
    text = number(float(value) * 100, digits)
    return text if text == "–" else text + " %"


class MarkdownTable:
    """A table that represents itself as a Markdown pipe table.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show. Columns of text are aligned left, the others right.
    digits : int or dict
        Digits after the point, for all columns or by column name.
    index : bool
        Whether the index is printed as first column(s).
    text : bool
        Cells and headings are text of a tape, shown as it is; otherwise a text is Markdown.

    Examples
    --------
    >>> import pandas as pd
    >>> print(MarkdownTable(pd.DataFrame({"grade": ["A"], "share": [0.25]}), index=False))
    | grade | share |
    |:---|---:|
    | A | 0.25 |
    """

    def __init__(self, frame: pd.DataFrame, digits: int | dict = 2, index: bool = False, text: bool = False) -> None:
        self.frame = frame.reset_index() if index else frame
        self.digits, self.text = digits, text

    def _words(self, value):
        return escaped(value, "markdown") if self.text else str(value).replace("|", "\\|").replace("\n", " ")

    def _cell(self, value, column):
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, numbers.Real) or value is None or value is pd.NA:
            digits = self.digits.get(column, 2) if isinstance(self.digits, dict) else self.digits
            return number(value, digits)
        return self._words(value)

    @staticmethod
    def _dashes(rows):
        """Dashes under each heading: three, but in a table that pandoc wraps in proportion to the columns.

        Pandoc lets a pipe table with a source line of more than 72 characters take the whole width and divides
        it by these dashes; three under every heading would give a column of numbers the room of one of sentences.
        """
        if max(len(" | ".join(cells)) + 4 for cells in rows) <= 72:
            return [3] * len(rows[0])
        return [min(max(len(cells[i]) for cells in rows), 40) + 2 for i in range(len(rows[0]))]

    def __str__(self):
        frame = self.frame
        numeric = [
            pd.api.types.is_numeric_dtype(frame.dtypes.iloc[i]) and not pd.api.types.is_bool_dtype(frame.dtypes.iloc[i])
            for i in range(frame.shape[1])
        ]
        rows = [[self._words(column) for column in frame.columns]]
        for row in frame.itertuples(index=False, name=None):
            rows.append([self._cell(value, column) for value, column in zip(row, frame.columns, strict=True)])
        dashes = self._dashes(rows)
        lines = ["| " + " | ".join(cells) + " |" for cells in rows]
        lines.insert(
            1,
            "|"
            + "|".join(
                "-" * count + ":" if right else ":" + "-" * count for count, right in zip(dashes, numeric, strict=True)
            )
            + "|",
        )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self):
        return str(self)


def show(
    frame: pd.DataFrame, digits: int | dict = 2, index: bool = False, columns: dict | None = None, text: bool = False
) -> MarkdownTable:
    """Make a :class:`MarkdownTable`, with its columns renamed for print.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show.
    digits : int or dict
        Digits after the point, for all columns or by (printed) column name.
    index : bool
        Whether the index is printed.
    columns : dict, optional
        From name in `frame` to printed heading; columns not named keep their name.
    text : bool
        The words are a tape's, not ours: see :class:`MarkdownTable`.

    Returns
    -------
    MarkdownTable
    """
    return MarkdownTable(frame.rename(columns=columns or {}), digits=digits, index=index, text=text)
