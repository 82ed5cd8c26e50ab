"""Folders that one run has to itself: for what only this run needs, or to stand in for another folder at once.

A run holds its folders until its end or its death. What a killed run left goes with the next one.
"""

import contextlib
import glob
import os
import secrets
import shutil
import signal
import stat
import tempfile
from pathlib import Path

_PREFIX = "bookkit-run-"


@contextlib.contextmanager
def held(path, wait=True):
    """Hold a folder or file until the end, or until this run dies; whether it is held by this run, not by another.

    None on a system without such locks: what may be in use stays, and nobody is refused.
    """
    try:
        import fcntl
    except ImportError:
        yield None
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        mine = True
    except OSError:
        mine = False
    try:
        yield mine
    finally:
        os.close(descriptor)


def _remove_dead(pattern):
    """Remove the folders of our own that no living run holds; a link is none."""
    for path in map(Path, glob.glob(pattern)):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                with held(path, wait=False) as mine:
                    if mine:
                        shutil.rmtree(path, ignore_errors=True)


#: signals that asked this program to end
STOPS = []


def end_orderly():
    """End in order when interrupted or terminated: kernels stop, nothing is left behind, nothing is replaced."""

    def stop(number, frame):
        STOPS.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)


def heed():
    """Stop here, before anything is replaced, if a stop was raised in a finalizer, where Python swallows it."""
    if STOPS:
        raise KeyboardInterrupt


@contextlib.contextmanager
def temporary_folder():
    """A new folder that only this user may enter (:class:`~pathlib.Path`); gone at the end."""
    _remove_dead(os.path.join(glob.escape(tempfile.gettempdir()), f"{_PREFIX}*"))
    new = Path(tempfile.mkdtemp(prefix=".bookkit-"))  # a name that no other run clears, until it is held
    with held(new):
        made = new.rename(new.with_name(f"{_PREFIX}{new.name[9:]}"))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def beside(target):
    """A new folder beside another, on the same file system, for nobody else to enter; gone at the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.new-{secrets.token_hex(8)}")
    with contextlib.ExitStack() as end:
        with held(target.parent):
            clear_beside(target)
            aside.mkdir(mode=0o700)
            end.callback(shutil.rmtree, aside, ignore_errors=True)
            end.enter_context(held(aside))
        yield aside


def clear_beside(target):
    """Clear away what killed runs left beside a folder, and put an old one back that lost its place."""
    for old in sorted(glob.glob(f"{glob.escape(str(target))}.old-*")):
        if not target.exists():  # killed between the two renames of swap
            os.rename(old, target)
    for kind in ("old", "new"):
        _remove_dead(f"{glob.escape(str(target))}.{kind}-*")


def swap(new, target):
    """Put a folder in the place of another; the next run puts the old one back if this is killed in between."""
    old = target.with_name(f"{target.name}.old-{secrets.token_hex(8)}")
    if target.exists():
        os.rename(target, old)
    os.rename(new, target)
    shutil.rmtree(old, ignore_errors=True)
