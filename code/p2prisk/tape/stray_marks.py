"""Inch marks in text: read where each line of the file then is one row, in one way; other stray marks are refused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from types import SimpleNamespace

from p2prisk.errors import DataError

#: letters up to which a file is held to be read so
_MOST = 300_000_000
_NO_INCHES = re.compile(r'(?<!\d)"')


class SwallowedError(DataError):
    """A quotation mark has swallowed lines; `scan` is what was found until then."""

    def __init__(self, message: str, scan: dict) -> None:
        super().__init__(message)
        self.scan = scan


class Quoted:
    """A text whose cells are quoted anew, in place of the path of its file."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.data = name, text.encode("utf-8")

    def stat(self) -> SimpleNamespace:
        """Its size, as that of a file."""
        return SimpleNamespace(st_size=len(self.data))


def quoted_anew(lines: Iterable[str], header_row: int, width: int, mark: str) -> tuple[str, int] | None:
    """The text with its cells quoted as they must be, and how many lines had a mark in a cell; None if not clear.

    A line is clear if it is a row of CSV as it stands, or if its cells can be parted in one way only such that there
    are as many as in the header, and each quotation mark in them stands behind a digit: a cell that holds the mark
    between cells begins and ends with a quotation mark. Any other stray mark is an accident, and no line says of which
    cell.

    Parameters
    ----------
    lines : iterable of str
    header_row : int
        Line of the header, from 0.
    width : int
        Cells of the header.
    mark : str
        Between the cells.

    Examples
    --------
    >>> quoted_anew(["id,use,sum\\n", '1,5\\'10" door,9\\n', '2,"24" tv, black",8\\n'], 0, 3, ",")
    ('id,use,sum\\n1,"5\\'10"" door",9\\n2,"24"" tv, black",8\\n', 2)
    >>> quoted_anew(["id,use,sum\\n", '1,"24 tv, black,9\\n'], 0, 3, ",") is None
    True
    """
    out, marked, size = io.StringIO(), 0, 0
    writer = csv.writer(out, delimiter=mark, lineterminator="\n")
    for place, line in enumerate(lines):
        size += len(line)
        if size > _MOST:
            return None
        cells = None
        if place > header_row and '"' in line:
            whole = line.endswith(("\n", "\r"))
            cells = _cells(line.rstrip("\r\n"), width, mark)
            if cells is None or (not whole and line.count('"') % 2):  # the file may be cut there
                return None
            marked += any('"' in cell for cell in cells)
        if cells is None:
            out.write(line.rstrip("\r\n") + "\n")
        else:
            writer.writerow(cells)
    return (out.getvalue(), marked) if marked else None


def _cells(line, width, mark):
    """The cells of a line; None if they cannot be parted, or in more than one way."""
    try:
        (strict,) = csv.reader([line], delimiter=mark, strict=True)
        if len(strict) == width:
            return strict
    except csv.Error:
        pass
    pieces = line.split(mark)
    ways: list[list[list[str]]] = [[[]]] + [[] for _ in pieces]  # the ways to part the first so many pieces
    for end in range(1, len(pieces) + 1):
        for begin in range(end):
            part = pieces[begin:end]
            if len(part) == 1 or _one_cell(part):
                ways[end] += [[*way, mark.join(part)] for way in ways[begin] if len(way) < width][:9]
    found = [way for way in ways[-1] if len(way) == width]
    cells = [_content(cell) for cell in found[0]] if len(found) == 1 else ['"']
    return None if any(_NO_INCHES.search(cell) for cell in cells) else cells


def _one_cell(part):
    """Whether pieces may be one cell: quoted as a whole, and not two that are quoted each."""
    inner = any(a.endswith('"') and b.startswith('"') for a, b in zip(part, part[1:], strict=False))
    return part[0].startswith('"') and part[-1].endswith('"') and not inner


def _content(cell):
    if len(cell) > 1 and cell.startswith('"') and cell.endswith('"'):
        return cell[1:-1].replace('""', '"')
    return cell
