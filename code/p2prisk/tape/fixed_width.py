"""Tables whose cells stand at fixed places of a line, with no mark between them: recognised, and refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import numpy as np

from p2prisk.errors import DataError

_MARKS = ",;\t|^~\x01"
_FEWEST, _LINES = 3, 20_000


def refuse_fixed_width(name: str, lines: Iterable[str]) -> None:
    """Refuse lines that no mark divides and whose cells stand at the same places.

    Parameters
    ----------
    name : str
        Of the file, for the message.
    lines : iterable of str
        As many as are there; the first 20,000 are looked at.

    Raises
    ------
    DataError
        With the places of the columns, where blanks part them, as ``pandas.read_fwf`` takes them: numbers may grow to
        the left, words to the right.

    Examples
    --------
    >>> refuse_fixed_width("a.txt", ["id   sum state", "L1   500 charged off", "L2   900 paid", "L3    70 in grace"])
    Traceback (most recent call last):
    p2prisk.errors.DataError: a.txt is a table of fixed widths: ... colspecs=[(0, 2), (2, 8), (9, 20)]) ...
    """
    head = _filled(islice(lines := iter(lines), 40))
    if len(head) < _FEWEST or sum(any(mark in line for mark in _MARKS) for line in head) > 0.5 * len(head):
        return
    same = len({len(line) for line in head}) == 1 and len(head[0]) >= 20 and bool(re.search(r"\d", head[-1]))
    if len(_columns(head)) < _FEWEST and not same:
        return
    whole = [*head, *_filled(islice(lines, _LINES))]
    places = _columns(whole)
    how = f"blanks seem to part its columns: pandas.read_fwf(file, colspecs={places})"
    if len(places) < _FEWEST:
        how = (
            "the places of its columns are in the description that came with it: pandas.read_fwf(file, colspecs=[...])"
        )
    raise DataError(
        f"{name} is a table of fixed widths: no mark stands between the cells of its lines; {how} reads it, and "
        ".to_csv(index=False) writes it as CSV. Or export it with a mark between the cells"
    )


def _filled(lines):
    return [line.rstrip("\r\n\x1a") for line in lines if line.strip()]


def _columns(lines):
    """Where columns begin and end: parted by a blank that all lines have at the same place."""
    width = max(map(len, lines))
    text = np.frombuffer("".join(line.ljust(width) for line in lines).encode("utf-32-le"), dtype="<u4")
    filled = text.reshape(len(lines), width) != ord(" ")
    edges = np.diff(np.concatenate([[0], filled.any(axis=0).astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not any(map(str.isdigit, lines[0])):  # a header: what has no name is the second word of a cell
        named = np.array([bool(lines[0][begin:end].strip()) for begin, end in zip(begins, ends, strict=True)])
        begins, ends = begins[named], ends[np.append(named[1:], [True])]
    to_the_right = filled[1:, ends - 1].mean(axis=0) > 0.9  # numbers end at one place, and grow to the left
    first = [int(ends[k - 1] if k and to_the_right[k] else begin) for k, begin in enumerate(begins)]
    return [
        (one, int(max(end, following - 1))) for one, end, following in zip(first, ends, [*first[1:], 0], strict=True)
    ]
