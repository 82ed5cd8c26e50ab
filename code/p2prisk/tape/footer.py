"""What the footer of a Parquet file says of its groups of rows, read here before it is trusted.

pyarrow takes the number of rows of a group at its word and ends Python, without an error to catch, where it is asked
for a column of a group whose footer contradicts itself. So the footer is read by its grammar (Thrift's compact
protocol) and held to what it says elsewhere; nothing but numbers is taken from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

#: bytes of a footer: a hundred and fifty columns in two thousand groups
LARGEST = 1 << 25
#: structures within each other; the format has seven
_DEEPEST = 20
#: encodings that store a cell as a change of the one before, of texts the last two
_DELTAS, _DELTA_BYTE_ARRAY = {5, 6, 7}, 7


class Chunk(NamedTuple):
    """A column of a group of rows."""

    place: int
    deltas: bool
    texts_of_deltas: bool
    cells: int
    size: int


def read_footer(path: Path, columns: int) -> list[Chunk]:
    """The columns of all groups of rows of a Parquet file with so many columns.

    Raises
    ------
    DataError
        The footer is none, contradicts itself, or says that columns are encrypted.
    """
    with open(path, "rb") as stream:
        whole = stream.seek(0, 2)
        stream.seek(max(whole - 8, 0))
        length = int.from_bytes(stream.read(4), "little")
        if not 0 < length <= min(LARGEST, whole - 12):
            raise DataError(f"{path.name} has a footer of {length:,d} bytes: no table of loans does; write it again")
        stream.seek(whole - 8 - length)
        text = stream.read(length)
    try:
        return _checked(_struct(text, 0)[0], columns, path.name)
    except (LookupError, TypeError, AttributeError, RecursionError):
        raise DataError(f"{path.name} is not a whole Parquet file (its footer ends early); copy it again") from None


def _checked(about, columns, name):
    groups, rows, chunks = about.get(4, []), 0, []
    stored = [each.get(1) for each in about[2] if not each.get(5)]  # a column has no parts, which are columns
    for number, group in enumerate(groups, 1):
        place = f"{name}, group {number} of {len(groups)}"
        if len(group[1]) != columns:
            raise DataError(f"{place}: has {len(group[1])} columns where the file has {columns}; write it again")
        if group[3] < 0 or group[2] < 0:
            raise DataError(f"{place}: says that it has {group[3]:,d} rows in {group[2]:,d} bytes; write it again")
        rows += group[3]
        for where, column in enumerate(group[1]):
            if 8 in column or 9 in column or 3 not in column:
                raise DataError(f"{place}: column {where + 1} is encrypted or not described; write it again, plainly")
            told = column[3]
            if told[5] < 0 or told[6] < 0:
                raise DataError(f"{place}: column {where + 1} says that it has {told[5]:,d} cells; write it again")
            if where >= len(stored) or told[1] != stored[where]:
                raise DataError(f"{place}: column {where + 1} is stored as another type than it has; write it again")
            ways = set(told[2])
            chunks.append(Chunk(where, bool(ways & _DELTAS), _DELTA_BYTE_ARRAY in ways, told[5], told[6]))
    if rows != about[3]:
        raise DataError(
            f"{name} says that it has {about[3]:,d} rows, and its groups that they have {rows:,d}: it is damaged; "
            "write it again"
        )
    return chunks


def _varint(text, at):
    made = shift = 0
    while True:
        byte = text[at]
        at += 1
        made |= (byte & 127) << shift
        if byte < 128:
            return made, at
        shift += 7
        if shift > 63:
            raise IndexError


def _struct(text, at, depth=0):
    """Fields of a structure by their number, and where it ends."""
    if depth > _DEEPEST:
        raise IndexError
    fields, number = {}, 0
    while True:
        head = text[at]
        at += 1
        if not head:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            made, at = _varint(text, at)
            number = made >> 1 ^ -(made & 1)
        kind = head & 15
        if kind <= 2:
            fields[number] = kind == 1
        else:
            fields[number], at = _value(text, at, kind, depth)


def _value(text, at, kind, depth):
    if kind in (4, 5, 6):
        made, at = _varint(text, at)
        return made >> 1 ^ -(made & 1), at
    if kind == 8:  # what a text says is nobody's business here
        length, at = _varint(text, at)
        if at + length > len(text):
            raise IndexError
        return length, at + length
    if kind == 12:
        return _struct(text, at, depth + 1)
    if kind in (9, 10):
        head = text[at]
        count, at = (head >> 4, at + 1) if head >> 4 < 15 else _varint(text, at + 1)
        if count > len(text) - at:
            raise IndexError
        made = []
        for _ in range(count):
            value, at = _value(text, at, head & 15, depth + 1)
            made.append(value)
        return made, at
    if kind in (1, 2, 3):
        return text[at], at + 1
    if kind == 7:
        return 0.0, at + 8
    raise IndexError
