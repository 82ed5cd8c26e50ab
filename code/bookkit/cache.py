"""The execution cache: what a chapter's cells gave, kept as long as nothing that they depend on has changed.

The key covers the chapter's code (cells and inline expressions, not its prose), the project's files that code may
read, the installed packages, the Python version and the chosen environment variables with the files they name.
Which files those are is said in `pyproject.toml`::

    [tool.bookkit]
    inputs = ["code/p2prisk", "data", "requirements.lock"]  # files and folders, hashed
    outside = ["../shared/data"]                            # large optional inputs: names, sizes, times
    environment = ["P2PRISK_TAPE"]                          # variables; a file or folder they name is included

Quarto's own ``freeze`` looks at the chapter's text alone: with changed data it shows old numbers.
:func:`drop_stale_freeze` drops such entries before Quarto renders.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import tomllib
from pathlib import Path

from bookkit import execute
from bookkit.chapters import Cell
from bookkit.config import read_book

_DEFAULTS = {"inputs": ["code", "data", "requirements.lock"], "outside": [], "environment": []}
#: Options of a cell that change what running it gives.
_RUN_OPTIONS = ("eval", "error")
#: Results kept of every chapter, for switching between tapes and branches.
_KEEP = 4


def inputs_digest(root):
    """Digest of everything but the chapters that results depend on.

    Parameters
    ----------
    root : pathlib.Path
        The project.

    Returns
    -------
    str
    """
    project = Path(root) / "pyproject.toml"
    settings = dict(_DEFAULTS)
    if project.exists():
        settings |= tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}).get("bookkit", {})
    digest = hashlib.sha256()

    def add(*parts):
        digest.update(json.dumps([str(part) for part in parts]).encode())

    add(platform.python_version(), hashlib.sha256(Path(execute.__file__).read_bytes()).hexdigest())
    add(*sorted({f"{package.metadata['Name']}=={package.version}" for package in importlib.metadata.distributions()}))
    for name in settings["inputs"]:
        for path in _files(Path(root) / name):
            add(name, path.relative_to(root), hashlib.sha256(path.read_bytes()).hexdigest())
    places = [(name, Path(root) / name) for name in settings["outside"]]
    for variable in settings["environment"]:
        value = os.environ.get(variable)
        add(variable, value)
        places += [(variable, Path(root) / value)] if value else []
    for name, place in places:
        for path in _files(place):
            # A tape may be larger than memory: one chosen file is hashed piece by piece, folders by size and time.
            state = path.stat()
            add(name, path, _file_digest(path) if path == place else (state.st_size, state.st_mtime_ns))
    return digest.hexdigest()


def _files(place):
    if place.is_file():
        return [place]
    return (
        sorted(
            path
            for path in place.rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and not any(part.startswith(".") or part.endswith(".egg-info") for part in path.relative_to(place).parts)
        )
        if place.is_dir()
        else []
    )


def _file_digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def chapter_key(chapter, inputs, defaults):
    """Key of a chapter's results.

    Parameters
    ----------
    chapter : bookkit.chapters.Chapter
    inputs : str
        From :func:`inputs_digest`.
    defaults : dict
        The book's ``execute`` options.

    Returns
    -------
    str
    """
    parts = [inputs, {name: defaults.get(name) for name in _RUN_OPTIONS}]
    for block in chapter.blocks:
        if isinstance(block, Cell):
            parts.append([block.source, {name: block.options.get(name) for name in _RUN_OPTIONS}])
        elif block.inlines:
            parts.append([inline.source for inline in block.inlines])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class ResultCache:
    """Results on disk, one file a chapter and key.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are kept; made when needed.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def _path(self, chapter, key):
        return self.folder / f"{chapter.path.as_posix().replace('/', '--')}-{key[:24]}.json"

    def load(self, chapter, key):
        """The results kept under `key`, or None."""
        path = self._path(chapter, key)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if kept.get("key") != key:
            return None
        os.utime(path)
        return kept["result"]

    def store(self, chapter, key, result):
        """Keep results, and drop the oldest of the chapter."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(chapter, key)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        aside.write_text(json.dumps({"key": key, "result": result}), encoding="utf-8")
        os.replace(aside, path)
        stem = path.name[: -len(path.name.split("-")[-1])]
        kept = sorted(
            (p for p in self.folder.glob("*.json") if p.name[: -len(p.name.split("-")[-1])] == stem),
            key=lambda p: p.stat().st_mtime,
            reverse=True,
        )
        for old in kept[_KEEP:]:
            old.unlink(missing_ok=True)


def drop_stale_freeze(root=".", profile=None):
    """Drop Quarto's frozen results that no longer belong to the code, data and packages at hand.

    Run as Quarto's ``pre-render`` step. The keys the frozen results were made under are kept in
    `_freeze/bookkit-keys.json`; an entry without a key, or with another, goes.

    Parameters
    ----------
    root : str or pathlib.Path
        The project.
    profile : str, optional
        Quarto's profile.

    Returns
    -------
    list of pathlib.Path
        The chapters whose frozen results were dropped.
    """
    from bookkit.chapters import read_chapter

    root = Path(root).resolve()
    book = read_book(root, profile)
    freeze, dropped, keys = root / "_freeze", [], {}
    if not freeze.is_dir():
        freeze.mkdir()
    state = freeze / "bookkit-keys.json"
    try:
        old = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        old = {}
    inputs = inputs_digest(root)
    for path in book.chapters:
        key = chapter_key(read_chapter(path, root), inputs, book.execute)
        entry = freeze / path.with_suffix("")
        if entry.is_dir() and old.get(path.as_posix()) != key:
            shutil.rmtree(entry)
            dropped.append(path)
        keys[path.as_posix()] = key
    state.write_text(json.dumps(keys, indent=1) + "\n", encoding="utf-8")
    return dropped
