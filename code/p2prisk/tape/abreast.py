"""Pieces of work on all cores, the results in the order of the pieces, so that no result depends on the cores."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: a file comes no faster than a few of them can read it
_MOST = 4
#: rows from which threads gain more than they cost, and up to which what several hold on the way is small beside a tape
_ROWS = (20_000, 1_500_000)


def in_order(function: Callable[[Any], Any], items: Iterable, ahead: int | None = None) -> Iterator:
    """Apply a function to items in threads: as ``map``, but a few items ahead.

    It gains where the function leaves the interpreter, as NumPy and pyarrow do in long loops. What is raised, by the
    function or by the items, is raised where its turn is.

    Parameters
    ----------
    function : callable
        Changes nothing that another call reads.
    items : iterable
        Taken in the thread of the caller.
    ahead : int, optional
        How many items are taken before the first result is given: they are held in memory. Two of each core by default.

    Yields
    ------
    object

    Examples
    --------
    >>> list(in_order(abs, [-3, 2, -1]))
    [3, 2, 1]
    """
    workers = min(_cores(), _MOST)
    ahead = 2 * workers if ahead is None else ahead
    if workers < 2:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="p2prisk-tape")
    try:
        yield from _turns(pool, function, iter(items), ahead)
    finally:
        pool.shutdown(cancel_futures=True)


def over_columns(function: Callable[[Any], Any], items: Iterable, rows: int) -> Iterator:
    """As :func:`in_order`, for work on whole columns: of a large tape one after the other, as each holds memory."""
    return in_order(function, items) if _ROWS[0] <= rows <= _ROWS[1] else map(function, items)


def _cores():
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _turns(pool, function, items, ahead):
    waiting: deque = deque()
    last = None
    while True:
        while last is None and len(waiting) < ahead:
            try:
                waiting.append(pool.submit(function, next(items)))
            except (StopIteration, Exception) as error:
                last = error
        if not waiting:
            break
        yield waiting.popleft().result()
    if not isinstance(last, StopIteration):
        raise last
