"""A folder for what only this run needs. What a killed run left goes with the next one."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing tells a dead run's folder from a living one's, so nothing is cleared
    fcntl = None

_PREFIX = "bookkit-run-"


@contextlib.contextmanager
def temporary_folder():
    """A new folder that only this user may enter (:class:`~pathlib.Path`); gone at the end."""
    _clear()
    while True:
        made = Path(tempfile.mkdtemp(prefix=_PREFIX))
        held = _hold(made)
        if made.is_dir():  # another run that cleared may have come between
            break
        held.close()
    try:
        with held:
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _clear():
    """Remove our folders that no living run holds."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*") if fcntl else ():
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                with _hold(path):
                    shutil.rmtree(path, ignore_errors=True)


def _hold(folder):
    """Lock a folder until the process ends or what is returned is closed; `OSError` if another run holds it."""
    stack = contextlib.ExitStack()
    with contextlib.suppress(FileNotFoundError):  # cleared meanwhile: the caller looks
        handle = os.open(folder, os.O_RDONLY) if fcntl else None
        if handle is not None:
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                stack.close()
                raise
    return stack
