"""Pieces of a tape on the workers of a Dask cluster (optional extra ``scale``).

What travels to a worker is what is done with a piece and where the piece lies; what comes back is its result, in the
order of the pieces. A worker that dies loses nothing: its pieces are read again from their source by another. Workers
keep nothing: results are let go as soon as they are here, and a worker that would write to its disk what does not fit
into its memory, as Dask's do unless told not to, is refused, because no lender's loans are left on a disk.

Dask's protocol runs what it is sent: scheduler, workers and caller trust each other, and ``tls://`` addresses keep what
travels between them (loans, and the password of a database URL) from others.
"""

from __future__ import annotations

import re
import traceback
from collections import deque
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import p2prisk
from p2prisk.errors import DataError, P2PRiskError
from p2prisk.tape.privacy import scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: how a worker is started that writes nothing to disk
WORKER = (
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET=False DASK_DISTRIBUTED__WORKER__MEMORY__SPILL=False dask worker ADDRESS"
)
#: seconds for a scheduler to answer, for a first worker to be there, and without any worker before the run is given up
ANSWER, FIRST, NOBODY = 10, 30, 60
#: pieces on their way for each thread of a worker: one that is worked on, one that waits
_AHEAD = 2


@contextmanager
def workers(address: str | None) -> Iterator[Callable[[Callable, Iterable], Iterable]]:
    """Where pieces are worked on: Python's ``map`` without an address, else one over a cluster's workers.

    Parameters
    ----------
    address : str or None
        Of a Dask scheduler, such as ``tcp://10.0.0.5:8786``.

    Yields
    ------
    callable
        Called as ``map`` is: a function that can be pickled, and pieces; results come in the order of the pieces.

    Raises
    ------
    DataError
        Dask is not installed, no scheduler answers, it has no worker, or a worker has another version of p2prisk.

    Examples
    --------
    >>> with workers(None) as over:
    ...     list(over(len, ["ab", "c"]))
    [2, 1]
    """
    if address is None:
        yield map
        return
    try:
        from distributed import Client
    except ImportError:
        raise DataError("--scheduler needs Dask: pip install 'p2prisk[scale]'") from None
    nobody = f"no Dask scheduler answers at {scrubbed(address)}: "
    if not re.fullmatch(r"(tcp|tls|ucx|ws|wss)://[^/]+:\d+/?", address):  # Dask takes long to say so
        raise DataError(nobody + "an address looks like tcp://HOST:8786")
    try:
        client = Client(address, timeout=ANSWER, set_as_default=False, name="p2prisk")
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # a timeout is an OSError
        raise DataError(
            f"{nobody}{type(error).__name__} within {ANSWER} s; check the address, start one with 'dask scheduler', "
            f"and workers with '{WORKER}'"
        ) from None
    try:
        _check(client)
        yield lambda function, pieces: _over(client, function, pieces)
    finally:
        client.close()


def _check(client):
    """Whether there are workers, and each has this version of the package."""
    try:
        client.wait_for_workers(1, timeout=FIRST)
    except TimeoutError:
        raise DataError(f"the scheduler has had no worker for {FIRST} s; start some with '{WORKER}'") from None
    for worker, version in client.run(_version, on_error="return").items():
        if version != p2prisk.__version__:
            found = "cannot load it" if isinstance(version, Exception) else f"has {version}"
            raise DataError(
                f"worker {worker} {found}: every worker needs p2prisk {p2prisk.__version__} (pip install "
                f"'p2prisk[scale]=={p2prisk.__version__}')"
            )


def _version():
    return p2prisk.__version__


def _over(client, function, pieces):
    """Results in the order of the pieces; only so many are on their way as the workers can use."""
    left, running = deque(pieces), deque()
    while left or running:
        while left and len(running) < max(2, _AHEAD * sum(client.nthreads().values())):
            running.append(client.submit(_there, function, left.popleft(), pure=False))
        future = running.popleft()
        told, result = _awaited(client, future)
        del future  # the worker lets go of it
        if told == "refused":
            raise DataError(result)
        if told == "fault":
            raise P2PRiskError(f"a fault of this program, not of your data: {result}. Please report it")
        yield result


def _awaited(client, future):
    """What a worker made of a piece; an error where nobody is left who could."""
    import distributed

    alone = 0
    while True:
        try:
            return future.result(timeout=5)
        except TimeoutError:
            alone = 0 if client.nthreads() else alone + 5
            if alone >= NOBODY:
                raise DataError(
                    f"the cluster has had no worker for {NOBODY} s; start some with '{WORKER}' and run again"
                ) from None
        except distributed.scheduler.KilledWorker:
            raise DataError(
                "workers died one after the other on the same piece, most likely for want of memory; give them more, "
                "fewer threads, or write the tape in smaller pieces"
            ) from None
        except (CancelledError, OSError):
            raise DataError("the connection to the scheduler was lost; look at its log and run again") from None


def _there(function: Callable, piece: Any) -> tuple[str, Any]:
    """Work on a piece, on a worker; no exception leaves, as Dask logs it with its arguments."""
    import distributed

    try:
        if isinstance(distributed.get_worker().data, distributed.spill.SpillBuffer):
            return "refused", (
                "a worker would write loans to its disk when its memory is short; start each with "
                f"'{WORKER}', or in Python with distributed.worker.memory.target and .spill set to False"
            )
        result = function(piece)
        return "done", result if isinstance(result, tuple) else list(result)
    except P2PRiskError as error:
        where = " (the files must lie where every worker sees them)" if "is not there" in str(error) else ""
        return "refused", str(scrubbed(error)) + where
    except MemoryError:
        return "refused", "the memory of a worker is not enough for a piece; write the tape in smaller pieces"
    except OSError as error:
        return "refused", f"{error.strerror or type(error).__name__} on a worker: {Path(str(error.filename)).name}"
    except Exception as error:  # its words may hold values of the tape: its kind and its place say enough
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "fault", f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno} on a worker"
