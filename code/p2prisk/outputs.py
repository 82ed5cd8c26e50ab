"""What commands write: whole or not at all, never in the place of what they read, nothing left behind.

A file is written to a draft in its own folder, which has no name as long as it is written (``O_TMPFILE``, where the
system has it), brought to the disk and then put in the place of the earlier file in one step. A run that is killed
therefore leaves the earlier file as it was; two runs into one file leave that of the later one, whole. Data that only a
run needs lie in one folder that nobody else may enter, and the next run clears what a killed one left there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import signal
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from p2prisk.kinds import PathLike

#: what bookkit writes into a folder that it made, in the file of this name
FOLDER_MARK, _MARK_BEGINS = ".bookkit", "Made by bookkit"
_LEAST_FREE = 1 << 16


#: signals that asked this program to end
_stops: list[int] = []


def end_orderly() -> None:
    """End in order when interrupted, terminated or hung up on, so that nothing is replaced or left behind."""

    def stop(number, frame):
        _stops.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, signal.SIGINT)
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)


def heed() -> None:
    """Stop here if a stop was raised where Python swallows it: in a finalizer, or while a module is imported."""
    if _stops:
        raise KeyboardInterrupt if _stops[0] == signal.SIGINT else SystemExit(128 + _stops[0])


class Output:
    """A file to be written, checked before the work begins; a context manager.

    Parameters
    ----------
    path : path-like
    inputs : iterable of path-like
        What the command reads: none of them is replaced, by whatever name or link it is called.
    expect : int
        Bytes that will be written at least, as far as one knows; a disk with less is refused at once.

    Attributes
    ----------
    stream : binary file
        The draft, inside the ``with`` block.

    Raises
    ------
    DataError
        The output is an input, a link, a folder, write-protected, or its folder cannot be written to.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Output(Path(folder) / "a.txt") as out:
    ...         _ = out.stream.write(b"whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """

    def __init__(self, path: PathLike, inputs: Iterable[PathLike] = (), expect: int = 0) -> None:
        self.path = Path(path)
        try:
            self._mode = _check_file(self.path, inputs)
            _check_room(self.path.parent, expect)
        except OSError as error:
            raise _refused(self.path, error) from None
        _clear_drafts(self.path)
        self._draft: Path | None = None
        self.stream: Any = None

    def __enter__(self) -> Output:
        folder = self.path.parent
        try:
            try:
                descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
            except (AttributeError, OSError):  # the system, or the file system, has no files without a name
                name = _draft_name(self.path)
                descriptor = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
                self._draft = folder / name
        except OSError as error:
            raise _refused(self.path, error) from None
        self.stream = os.fdopen(descriptor, "w+b")
        _lock(descriptor, wait=True)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
                self._put()
            elif isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise _refused(self.path, error) from None
        except OSError as failed:
            raise _refused(self.path, failed) from None
        finally:
            with contextlib.suppress(OSError):
                self.stream.close()
            if self._draft is not None:
                self._draft.unlink(missing_ok=True)

    def _put(self):
        heed()
        self.stream.flush()
        descriptor = self.stream.fileno()
        with contextlib.suppress(OSError, AttributeError):  # a file system without rights of its own
            os.fchmod(descriptor, self._mode)
        os.fsync(descriptor)
        if self._draft is None:
            draft = self.path.with_name(_draft_name(self.path))
            _name_draft(self.stream, draft)
            self._draft = draft
        os.replace(self._draft, self.path)
        self._draft = None
        with contextlib.suppress(OSError):
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def write_text(path: PathLike, text: str, inputs: Iterable[PathLike] = ()) -> None:
    """Write a text as :class:`Output` does."""
    with Output(path, inputs) as out:
        out.stream.write(text.encode("utf-8"))


def refuse_twice(*paths: PathLike | None) -> None:
    """Refuse one name for two things that a command writes: the later would be all that is left.

    Raises
    ------
    DataError
    """
    given = [path for path in paths if path]
    for place, path in enumerate(given):
        if any(_same(path, other) for other in given[:place]):
            raise DataError(f"{path} is named twice; each output needs a name of its own")


def check_folder(path: PathLike, inputs: Iterable[PathLike] = (), expect: int = 0) -> Path:
    """Refuse a folder that a rendered study must not replace.

    Parameters
    ----------
    path : path-like
    inputs, expect
        As of :class:`Output`.

    Returns
    -------
    pathlib.Path
        Absolute, without links.

    Raises
    ------
    DataError
        It is a file or a link, holds an input or anything that is not of an earlier study, or cannot be written to.
    """
    given = Path(path)
    try:
        return _checked_folder(given, inputs, expect)
    except OSError as error:
        raise _refused(given, error) from None


def _checked_folder(given, inputs, expect):
    _refuse_links(given)
    target = given.resolve()
    if target.exists():
        if not target.is_dir():
            raise DataError(f"{given} is a file; name a folder for the study")
        mark = target / FOLDER_MARK
        ours = mark.is_file() and not mark.is_symlink() and mark.read_bytes()[:64].decode(errors="replace")
        if any(target.iterdir()) and not (ours and ours.startswith(_MARK_BEGINS)):
            raise DataError(
                f"{given} holds files that are not of an earlier study, and a study replaces its folder as a whole; "
                "name a new or an empty folder with --output"
            )
    for source in inputs:
        if _exists(source) and Path(source).resolve().is_relative_to(target):
            raise DataError(f"{given} holds {Path(source).name}, which is read; name another folder with --output")
    parent = next(folder for folder in target.parents if folder.exists())
    if not parent.is_dir():
        raise DataError(f"{parent} is no folder; name another with --output")
    _check_room(parent, expect)
    probe = parent / f".{target.name[:50]}.{secrets.token_hex(8)}"
    probe.mkdir()
    probe.rmdir()
    return target


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A new folder for what only this run needs, in one that only this user may enter; gone at the end.

    What a killed run left in it goes first.

    Raises
    ------
    DataError
        The folder in the place of ours belongs to somebody else.
    """
    base = _private()
    try:
        with contextlib.suppress(FileExistsError):
            base.mkdir(mode=0o700)
        found = base.lstat()
        if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            raise DataError(f"{base} belongs to somebody else; set TMPDIR to a folder of your own")
        base.chmod(0o700)
        with _locked(base):
            _clear(base)
            made = Path(tempfile.mkdtemp(dir=base))
            held = _locked(made)
            held.__enter__()
    except OSError as error:
        raise _refused(base, error) from None
    try:
        yield made
    finally:
        held.__exit__(None, None, None)
        shutil.rmtree(made, ignore_errors=True)


def clear_scratch() -> None:
    """Clear what killed runs left in the folder of :func:`scratch`, if it is there and ours; every command does."""
    base = _private()
    with contextlib.suppress(OSError):
        found = base.lstat()
        if stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid()):
            with _locked(base):
                _clear(base)


def _private():
    return Path(tempfile.gettempdir()) / f"p2prisk-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def _clear(base):
    for left in base.iterdir():
        with _locked(left, wait=False) as dead:
            if dead:
                shutil.rmtree(left, ignore_errors=True)


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


def _check_file(path, inputs):
    """Refuse what must not be replaced; the rights that the file is to have."""
    _refuse_links(path)
    try:
        found = path.lstat()
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no name of a file ({getattr(error, 'strerror', None) or error})") from None
    if found is not None:
        if stat.S_ISDIR(found.st_mode):
            raise DataError(f"{path} is a folder; name a file in it")
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path} is no ordinary file; name another")
    for source in inputs:
        if "://" not in str(source) and _same(source, path):
            raise DataError(
                f"the output {path} is {Path(source).name} itself, which is read and never changed; name another file"
            )
    if found is not None:
        if not found.st_mode & 0o222:
            raise DataError(f"{path} is write-protected; name another file or allow writing")
        return stat.S_IMODE(found.st_mode)
    if not path.parent.is_dir():
        raise DataError(f"the folder {path.parent} is not there; make it, or name another")
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _refuse_links(path):
    """A link in the place of an output would let another choose what is overwritten."""
    if path.is_symlink():
        raise DataError(f"{path} is a link to {os.readlink(path)}; name what is to be written itself")
    if hasattr(os, "geteuid"):
        for folder in Path(os.path.abspath(path)).parents:
            if folder.is_symlink() and folder.lstat().st_uid not in (0, os.geteuid()):
                raise DataError(f"{folder} is a link that another user made; name the folder itself")


def _check_room(folder, expect):
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(folder, OSError(errno.EROFS if _read_only(folder) else errno.EACCES, ""))
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    need = max(expect, _LEAST_FREE)
    if free < need:
        raise DataError(f"the disk of {folder} is full: {free:,d} bytes are free, at least {need:,d} are needed")


def _read_only(folder):
    flags = os.statvfs(folder).f_flag if hasattr(os, "statvfs") else 0
    return bool(flags & getattr(os, "ST_RDONLY", 0))


def _refused(path, error):
    why = {errno.ENOSPC: "the disk is full", errno.EROFS: "the disk is read-only", errno.EACCES: "no permission"}
    reason = why.get(error.errno, error.strerror or str(error))
    return DataError(f"{path} cannot be written: {reason}; what was there before is unchanged")


def _exists(source):
    try:
        return "://" not in str(source) and Path(source).exists()
    except (OSError, ValueError):
        return False


def _same(one, other):
    """Whether two names are of one file, also of one that is not there yet."""
    try:
        if os.path.exists(one) and os.path.exists(other):
            return os.path.samefile(one, other)
        return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
    except (OSError, ValueError):
        return False


def _draft_name(path):
    # a name has 255 bytes at most, and a letter up to four of them
    return f".{path.name[:50]}.{secrets.token_hex(8)}.part"


def _clear_drafts(path):
    """Remove the drafts of runs that were killed: those that nobody holds."""
    begins, ends = f".{path.name[:50]}.", ".part"
    with contextlib.suppress(OSError):
        for entry in os.scandir(path.parent):
            token = entry.name[len(begins) : -len(ends)]
            if not (entry.name.startswith(begins) and entry.name.endswith(ends) and len(token) == 16):
                continue
            if entry.is_file(follow_symlinks=False) and set(token) <= set("0123456789abcdef"):
                with _locked(Path(entry.path), wait=False) as dead, contextlib.suppress(OSError):
                    if dead:
                        os.unlink(entry.path)


def _name_draft(stream, draft):
    """Give a draft without a name one; where the system cannot, copy it."""
    try:
        folder = os.open("/proc/self/fd", os.O_RDONLY)
        try:  # with a folder given, Python follows the link to the file behind the descriptor
            os.link(str(stream.fileno()), draft, src_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)
    except OSError:
        descriptor = os.open(
            draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
        )
        with os.fdopen(descriptor, "wb") as copy:
            stream.seek(0)
            shutil.copyfileobj(stream, copy)
            copy.flush()
            os.fsync(copy.fileno())


def _lock(descriptor, wait):
    """Whether an open file or folder is ours alone now; it stays so until it is closed, or the run ends or dies."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: what may be in use stays
        return wait
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _locked(path, wait=True):
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        yield False
        return
    try:
        yield _lock(descriptor, wait)
    finally:
        os.close(descriptor)
