"""A tape in pieces: the Parquet files of a folder or of a pattern, or several queries of a database, read as one table.

What a column means is decided by all of its cells (units, decimal marks, which grade is better), so pieces are read as
they are and joined, and the joined table is mapped as one file of the same rows would be. Where the pieces are read is
one argument, `over`: Python's ``map`` reads them here, one after the other, and that of
:func:`p2prisk.tape.cluster.workers` on the workers of a cluster. Whatever goes through pieces takes the same argument.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.choose import find_mapping, shown
from p2prisk.tape.mapping import builtin_names
from p2prisk.tape.own import with_own
from p2prisk.tape.privacy import masked_name, masked_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from p2prisk.kinds import PathLike

#: files and folders that are looked at for the Parquet files of a tape: half a second
MOST_BELOW = 50_000


@dataclass(frozen=True)
class Piece:
    """One file, or one query of a database.

    Attributes
    ----------
    source : str
        Path or URL; not in its ``repr``, which workers log, as a URL may hold a password.
    query : str, optional
    """

    source: str = field(repr=False)
    query: str | None = field(default=None, repr=False)


def pieces_of(source: PathLike | str, query: str | list[str] | None = None) -> list[Piece]:
    """The pieces of a tape, in the order of their names; a file is one piece, and so is a query.

    Parameters
    ----------
    source : path-like or str
        A file, a folder of Parquet files, a pattern of them (``loans/part-*.parquet``), or a database URL.
    query : str or list of str, optional
        Of a database; each is a piece.

    Returns
    -------
    list of Piece

    Raises
    ------
    DataError
        No Parquet file, or folders that hold a value of their rows in their names.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for place in (10, 9):
    ...         _ = Path(folder, f"part-{place}.parquet").touch()
    ...     [Path(piece.source).name for piece in pieces_of(folder)]
    ['part-9.parquet', 'part-10.parquet']
    """
    text, path = str(source), Path(source)
    queries = [query] if query is None or isinstance(query, str) else list(query)
    if "://" in text:
        return [Piece(text, one) for one in queries]
    if len(queries) > 1:
        raise DataError(f"{len(queries)} queries, and {masked_name(path.name)} is no database URL; give one")
    if path.is_dir():
        files = _parquet_below(path)
    elif glob.has_magic(text) and not path.exists():
        files = [Path(name) for name in glob.glob(text, recursive=True) if Path(name).is_file()]
    else:
        return [Piece(text, queries[0])]
    other = [each.name for each in files if each.suffix != ".parquet"]
    if not files:
        what = "is a folder; give the file, or a folder of" if path.is_dir() else "is a pattern that fits no file; name"
        raise DataError(f"{_named(path)} {what} Parquet files (*.parquet)")
    if other:
        raise DataError(f"{masked_name(path.name)}: {masked_names(other, 3)}: pieces of a tape are Parquet files")
    for each in files:
        if "=" in each.parent.name:
            raise DataError(
                f"{masked_name(path.name)}: the files lie in folders such as {each.parent.name!r}, whose value is not "
                "in their rows; write the column into the files"
            )
    return [Piece(str(each)) for each in sorted(files, key=_natural)]


def _named(path):
    """What a folder is called in a message; ``/``, ``.`` and ``..`` have no name of their own."""
    return masked_name(path.name) if path.name else str(path)


def _parquet_below(path):
    """The Parquet files below a folder; one that holds very many other files is no tape."""
    files, seen = [], 0
    for place, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        names = [name for name in names if not name.startswith((".", "_"))]
        seen += len(folders) + len(names)
        files += [Path(place, name) for name in names if name.endswith(".parquet") and Path(place, name).is_file()]
        if seen > MOST_BELOW:
            raise DataError(
                f"{_named(path)} is a folder of more than {MOST_BELOW:,d} files and folders; give the file, or the "
                "folder of its Parquet files (*.parquet) alone"
            )
    return files


def _natural(path):
    """Parts 9 and 10 in the order of their numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path)) if part]


@dataclass(frozen=True)
class Choice:
    """Which mapping a header is read with; it can travel to a worker, and decides there as it does here.

    Attributes
    ----------
    format : str, dict or None
        As of :func:`p2prisk.tape.read_tape`; a mapping file has been read.
    own : dict or None
    source : str
        For messages.
    """

    format: Any
    own: dict | None
    source: str

    @classmethod
    def of(cls, format: Any, own: dict | None, source: Any) -> Choice:
        """The choice for a format; a mapping file is read here, as a worker may not see it."""
        named = isinstance(format, dict) or format is None or str(format) in ("auto", "canonical", *builtin_names())
        return cls(format if named else find_mapping(format, (), source), own, str(source))

    def __call__(self, header: Any) -> dict:
        """The mapping."""
        return with_own(
            find_mapping(self.format, header, self.source), self.own, header, masked_name(Path(self.source).name)
        )


@dataclass(frozen=True)
class Reading:
    """How each piece is read as it is: the arguments of :func:`p2prisk.tape.read.read_raw`."""

    choice: Choice
    on_error: str
    expected: Any
    how: dict

    def __call__(self, piece: Piece) -> tuple:
        """Read a piece: frame, facts with the ``mapping`` chosen, set_aside, notes."""
        from p2prisk.tape.read import read_raw

        chosen = {}

        def choose(header):
            chosen["mapping"] = self.choice(header)
            return chosen["mapping"]

        more = {"mapping": choose, "expected": self.expected, **self.how}
        frame, facts, set_aside, notes = read_raw(piece.source, query=piece.query, on_error=self.on_error, **more)
        return frame, {**facts, **chosen}, set_aside, notes


def read_pieces(
    source: Any, pieces: list[Piece], reading: Reading, over: Callable[[Any, Iterable], Iterable] = map
) -> tuple:
    """Read the pieces of a tape and join them.

    Parameters
    ----------
    source : path-like or str
        What was asked for, for messages.
    pieces : list of Piece
    reading : Reading
    over : callable
        As ``map``.

    Returns
    -------
    frame, facts, set_aside, notes
        As of :func:`p2prisk.tape.read.read_raw`; rows are numbered through, piece after piece.

    Raises
    ------
    DataError
        A piece has other columns than the first.
    """
    read = list(over(reading, pieces))
    if len(read) == 1:
        return read[0]
    frames = [one[0] for one in read]
    header = set(frames[0].columns) | set(read[0][1]["not_read"])
    for place, (frame, facts, _, _) in enumerate(read[1:], 2):
        differs = header ^ (set(frame.columns) | set(facts["not_read"]))
        if differs:
            where = facts["name"] if "sha256" in facts else f"query {place}"
            raise DataError(
                f"{where} and the first piece differ in the columns {masked_names(sorted(differs), 5)}; all pieces of "
                "a tape have the same"
            )
    names, facts = list(frames[0].columns), read[0][1]
    for one in read[1:]:
        for name, why in one[1]["personal"].items():
            facts["personal"].setdefault(name, why)
    joined = {
        **facts,
        "name": shown(source),
        "path": shown(source),
        "pieces": len(pieces),
        "rows_read": sum(len(frame) for frame in frames),
    }
    if all("sha256" in one[1] for one in read):
        joined |= {"bytes": sum(one[1]["bytes"] for one in read)}
        joined |= {"sha256": joined_sha256([one[1]["sha256"] for one in read])}
    if "query" in facts:
        joined["query"] = [one[1]["query"] for one in read]
    notes: dict = {}
    for one in read:
        for note in one[3]:
            known = notes.setdefault((note["column"], note["what"]), {**note, "rows": 0})
            known["rows"] += note["rows"]
    frame = pd.concat([_alike(each[names], frames) for each in frames], ignore_index=True)
    return frame, joined, [entry for one in read for entry in one[2]], list(notes.values())


def joined_sha256(digests: list[str]) -> str:
    """The hash of a tape of several files: of their hashes, in their order; of one file, its own.

    Examples
    --------
    >>> joined_sha256(["ab"]), joined_sha256(["ab", "cd"])[:8]
    ('ab', '88d4266f')
    """
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode("ascii")).hexdigest()


def _alike(frame, frames):
    """A piece in which a column is empty has no type of its own: it takes that of the others."""
    for name in frame.columns:
        if frame[name].dtype == object and frame[name].isna().all():
            other = next((each[name].dtype for each in frames if each[name].notna().any()), None)
            if other is not None and (pd.api.types.is_float_dtype(other) or other.kind == "M"):
                frame = frame.assign(**{name: frame[name].astype(other)})
            elif other is not None and pd.api.types.is_integer_dtype(other):
                frame = frame.assign(**{name: frame[name].astype(float)})
    return frame
