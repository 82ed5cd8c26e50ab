"""Which line is the header: below titles, above the loans, in one row or two."""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest

from p2prisk.errors import DataError

#: lines that are looked at
LOOKED_AT = 25
_VALUE = re.compile(
    r"^[\s$€£¥(+-]*\d[\d.,'\s]*%?\)?$|^\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([ T]\d{1,2}:\d{2}.*)?$|^[A-Za-z]{3}-\d{2,4}$"
)


def find_header(rows, known=(), expected=(), asked=None, where="the file"):
    """Find the header among the first rows.

    Parameters
    ----------
    rows : list of list of str
        The first rows, as cells.
    known : sequence of set of str
        Names any of which, if all found, make a header (built-in formats).
    expected : set of str
        Source columns of the mapping.
    asked : str or int, optional
        Row asked for, from 1; two joined by a comma are one header over two rows.
    where : str
        For messages.

    Returns
    -------
    last : int
        Index of the (last) row of the header.
    names : list of str

    Raises
    ------
    DataError
        No such row, or no row of names above the values.

    Examples
    --------
    >>> find_header([["Loan book 2019", "", ""], ["", "", ""], ["id", "amount", "term"], ["1", "1000", "36"]])
    (2, ['id', 'amount', 'term'])
    >>> find_header([["", "X1", "X2"], ["ID", "LIMIT", "SEX"], ["1", "20000", "2"], ["2", "9000", "1"]])
    (1, ['ID', 'LIMIT', 'SEX'])
    >>> find_header([["id", "loan", "", "late", ""], ["", "n", "sum", "n", "sum"], ["a", "1", "2", "3", "4"]])
    (1, ['id', 'loan n', 'loan sum', 'late n', 'late sum'])
    >>> find_header([["", "status", ""], ["id", "", "term"], ["a", "paid", "36"], ["b", "paid", "36"]])
    (1, ['id', 'status', 'term'])
    """
    rows = [[" ".join(str(cell).lstrip("\ufeff").split()) for cell in row] for row in rows[:LOOKED_AT]]
    if asked is not None:
        return _asked(rows, asked, where)
    place, names = _found(rows, known, expected, where)
    if place + 1 < len(rows) and _beside(names, rows[place + 1]):
        place, names = place + 1, _filled(names, rows[place + 1])
    return place, _filled(rows[place - 1], names) if place else names


def _found(rows, known, expected, where):
    for place, row in enumerate(rows):
        if any(set(names) <= set(row) for names in known):
            return place, row
    if expected:
        two = [(place, _joined(rows[place - 1], row)) for place, row in enumerate(rows) if place]
        two += [(place, _filled(rows[place - 1], row)) for place, row in enumerate(rows) if place]
        options = [*enumerate(rows), *two]  # one row, if it holds as many of the names
        hits = [len(set(row) & set(expected)) for _, row in options]
        best = max(hits, default=0)
        if best >= min(2, len(expected)):
            return options[hits.index(best)]
    filled = [sum(map(bool, row)) for row in rows]
    usual = max(filled, default=0)
    if not usual:
        raise DataError(f"{where} holds blank lines alone; export it again with the loans")
    place = next(place for place, count in enumerate(filled) if count >= 0.7 * usual and count)
    two = _second(rows, place, usual)
    if two is not None:
        return two
    row = rows[place]
    values = sum(bool(_VALUE.match(cell)) for cell in row if cell)
    if values and place >= 2 and all(map(_is_names, rows[place - 2 : place])) and not _is_title(rows[place - 2]):
        names = _joined(*rows[place - 2 : place])
        if sum(map(bool, names)) >= 0.9 * usual:
            return place - 1, names
    if usual > 1 and values >= 0.5 * filled[place]:
        raise DataError(
            f"{where}: line {place + 1} seems to be a loan and no header ({values} of {filled[place]} cells "
            f"are numbers or "
            "dates); write the names of the columns above it, or say which line holds them: --header-row (header_row=)"
        )
    return place, row


def _is_names(row):
    cells = [cell for cell in row if cell]
    return bool(cells) and not any(_VALUE.match(cell) for cell in cells)


def _second(rows, place, usual):
    """A header over two rows: the second is all names too, though the rows below hold numbers there."""
    if place + 2 >= len(rows) or not _is_names(rows[place]):
        upper = place - 1
    else:
        lower, below = rows[place + 1], rows[place + 2 : place + 12]
        numeric = [
            column
            for column, cell in enumerate(lower)
            if cell
            and (cells := [row[column] for row in below if column < len(row) and row[column]])
            and all(_VALUE.match(text) for text in cells)
        ]
        if _is_names(lower) and len(numeric) >= 2 and len(numeric) >= 0.4 * sum(map(bool, lower)):
            names = [cell for cell in lower if cell]
            if len(names) >= 0.9 * usual and len(set(names)) == len(names):
                return place + 1, lower
            return place + 1, _joined(rows[place], lower)
        upper = place - 1
    row = rows[place]
    if (
        upper >= 0
        and any(rows[upper])
        and sum(map(bool, rows[upper])) > 1
        and len(set(filter(None, row))) < sum(map(bool, row))
    ):
        return place, _joined(rows[upper], row)
    return None


def _filled(upper, lower):
    """Names of the lower row, and where it has none those of the upper one; a title above the first column is none."""
    if not _is_names(upper) or _is_title(upper):
        return lower
    taken = Counter(filter(None, [*upper, *lower]))
    above = [more if taken[more] == 1 else "" for more in upper]
    return [name or more for name, more in zip_longest(lower, above, fillvalue="")]


def _is_title(row):
    """Whether one cell of several words stands alone, at the left."""
    return not any(row[1:]) and not re.fullmatch(r"[^\W\d]+([ _.-][^\W\d]+)?", row[0] if row else "")


def _beside(upper, lower):
    """Whether the lower row holds names where the upper one has none, and nothing else."""
    both = zip_longest(upper, lower, fillvalue="")
    return _is_names(lower) and all(not more or not name for name, more in both)


def _joined(upper, lower):
    """Names over two rows: a name of the upper row holds for the empty cells right of it."""
    names, group = [], ""
    for place in range(max(len(upper), len(lower))):
        above = upper[place] if place < len(upper) else ""
        below = lower[place] if place < len(lower) else ""
        group = "" if above and not below else above or group  # a name of its own is that of no group
        names.append(above if not below else f"{group} {below}" if group else below)
    return names


def _asked(rows, asked, where):
    try:
        wanted = [int(part) for part in str(asked).split(",")]
    except ValueError:
        raise DataError(f"header row {asked!r}: give the number of the line, such as 3, or 2,3 for two") from None
    if len(wanted) > 2 or any(row < 1 or row > len(rows) for row in wanted) or sorted(wanted) != wanted:
        raise DataError(f"{where}: no header in line {asked}; only the first {len(rows)} lines are looked at")
    last = wanted[-1] - 1
    return last, rows[last] if len(wanted) == 1 else _joined(rows[wanted[0] - 1], rows[last])
