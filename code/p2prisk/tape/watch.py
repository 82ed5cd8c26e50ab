"""How far the reading and checking of a tape is, told to whoever watches; nobody does unless he asks."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: what is told: the step, and which part of it is done
_WATCHERS: list[Callable[[str, float], None]] = []


def told(step: str, done: float, whole: float) -> None:
    """Tell how far a step is.

    Parameters
    ----------
    step : str
        ``lines`` (counted), ``cells`` (read), ``columns`` (converted), ``checks``, ``sample``.
    done, whole : float

    Examples
    --------
    >>> heard = []
    >>> listen(lambda step, part: heard.append((step, part)))
    >>> told("columns", 1, 4)
    >>> listen(None)
    >>> told("columns", 2, 4)
    >>> heard
    [('columns', 0.25)]
    """
    for watcher in _WATCHERS:
        watcher(step, min(done / whole, 1.0) if whole else 1.0)


def listen(watcher: Callable[[str, float], None] | None) -> None:
    """Let one watcher be told from now on; None for nobody."""
    _WATCHERS[:] = [] if watcher is None else [watcher]


def blocks_told(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The blocks of a file, each told when it has been counted."""
    seen = 0
    for block in blocks:
        yield block
        seen += len(block)
        told("lines", seen, size)


class ToldStream(io.RawIOBase):
    """A file that tells how far it is read."""

    def __init__(self, stream: io.IOBase, size: int) -> None:
        self.stream, self.size, self.seen = stream, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        self.seen = 0
        return self.stream.seek(place, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)  # type: ignore[attr-defined]
        self.seen += len(data)
        told("cells", self.seen, self.size)
        return data
