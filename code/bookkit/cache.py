"""The execution cache: what a chapter's cells gave, kept as long as nothing that they used has changed.

The key covers what is known before a run: the chapter's code (cells with the options that change what they give, and
inline expressions, not its prose), the Python version, the installed packages, the tools that run it and the files that
hold for all chapters. With the results is kept what the run used (:mod:`bookkit.used`): the project's files that it
opened, looked for or imported, the folders it listed, the environment variables it read, each with its state.
`pyproject.toml` says::

    [tool.bookkit]
    always = ["requirements.lock"]              # files that every chapter depends on
    inputs = ["code/mine", "data", "../large"]  # what counts as used where a C library or a child process reads unseen
    environment = ["MY_TAPE"]                   # variables that count there too

Results are kept only if nothing that was used changed while the chapter ran. Quarto's own ``freeze`` and ``cache`` look
at the text alone: with changed data they show old numbers, so that :mod:`bookkit.config` refuses them.
"""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import tomllib
from pathlib import Path

from bookkit import execute, used
from bookkit.chapters import Cell

_DEFAULTS = {"always": ["requirements.lock"], "inputs": ["code", "data"], "environment": []}
#: Options of a cell that change what running it gives.
_RUN_OPTIONS = ("eval", "error")
#: Results kept of every chapter, for switching between tapes and branches.
_KEEP = 4


class State:
    """The project in the folder `root` as it is now: digests of what chapters may have used, each taken once."""

    def __init__(self, root):
        self.root = Path(root)
        project, settings = self.root / "pyproject.toml", dict(_DEFAULTS)
        if project.exists():
            settings |= tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}).get("bookkit", {})
        self.settings = settings
        self.file, self.folder = functools.cache(self._file), functools.cache(self._folder)
        self.everything, self.base = functools.cache(self._everything), functools.cache(self._base)

    def _file(self, name):
        """Digest of a file, "folder" for a folder, None where nothing is."""
        path = self.root / name
        try:
            with open(path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except IsADirectoryError:
            return "folder"
        except OSError:
            return None

    def _folder(self, name):
        """Digest of the names in a folder, None where there is none."""
        try:
            entries = sorted(entry.name for entry in os.scandir(self.root / name) if used.is_of_book(entry.name))
        except OSError:
            return None
        return _digest(entries)

    def _everything(self):
        """Digest of all `inputs`, and of the variables that name others."""
        files = [path for name in self.settings["inputs"] for path in _files(self.root / name)]
        variables = [os.environ.get(name) for name in self.settings["environment"]]
        files += [path for value in variables if value for path in _files(self.root / value)]
        return _digest([variables, [[os.path.relpath(path, self.root), self.file(path)] for path in files]])

    def _base(self):
        """Digest of what all chapters depend on."""
        folders = tuple(os.stat(path).st_mtime_ns for path in sys.path if os.path.isdir(path))
        tools = [self.file(Path(module.__file__)) for module in (execute, used)]
        always = [self.file(name) for name in self.settings["always"]]
        return _digest([platform.python_version(), _packages(folders), tools, always])

    def key(self, chapter, defaults):
        """Key of a chapter's results; `defaults` are the book's ``execute`` options."""
        parts = [self.base(), {name: defaults.get(name) for name in _RUN_OPTIONS}]
        for block in chapter.blocks:
            if isinstance(block, Cell):
                parts.append([block.source, {name: block.options.get(name) for name in _RUN_OPTIONS}])
            elif block.inlines:
                parts.append([inline.source for inline in block.inlines])
        return _digest(parts)

    def record(self, seen):
        """What a run used, each with its state now; None if something changed since the run began.

        `seen` comes from :mod:`bookkit.used`, with ``started``, the time in nanoseconds.
        """
        record = {"files": {}, "folders": {}, "everything": None}
        for kind, state in (("files", self.file), ("folders", self.folder)):
            for place, was_there in seen.get(kind, {}).items():
                name = os.path.relpath(place, self.root) if Path(place).is_relative_to(self.root) else place
                record[kind][name] = state(name)
                if (record[kind][name] is not None) != was_there or self._changed(name, kind, seen["started"]):
                    return None
        record["variables"] = {name: os.environ.get(name) for name in seen.get("variables", ())}
        if seen.get("unseen"):
            record["everything"] = self.everything()
        return record

    def _changed(self, name, kind, since):
        """Whether a file, or the names in a folder that was listed, changed after a time."""
        try:
            state = os.stat(self.root / name)
        except OSError:
            return False
        return state.st_ctime_ns > since and (kind == "folders" or self.file(name) != "folder")

    def difference(self, record):
        """The first thing in which a record differs from now, or None if it holds."""
        for kind, state in (("files", self.file), ("folders", self.folder), ("variables", os.environ.get)):
            for name, was in record[kind].items():
                if state(name) != was:
                    return name
        unseen = record["everything"]
        return "inputs" if unseen is not None and unseen != self.everything() else None


@functools.lru_cache(1)
def _packages(folders):
    """Installed packages with versions, each parsed once; `folders` are the times at which some was last installed."""
    return sorted({"{Name}=={Version}".format_map(one.metadata) for one in importlib.metadata.distributions()})


def _digest(parts):
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _files(place):
    """The files of a folder and below, or the one file, without what is made from others."""
    found = [place] if place.is_file() else sorted(place.rglob("*"))
    return [path for path in found if path.is_file() and (path == place or used.is_of_book(path.relative_to(place)))]


class ResultCache:
    """Results on disk in a folder, one file a chapter and run."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def _kept(self, chapter):
        """Files of a chapter's results, the newest first."""
        name = chapter.path.as_posix().replace("/", "--")
        return sorted(self.folder.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def load(self, chapter, key, state):
        """Results that still hold: ``result`` and ``record`` of what it used, or None; and why there is none."""
        reason = "has not run yet"
        for path in self._kept(chapter):
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                changed = "code, packages or tools" if kept["key"] != key else state.difference(kept["record"])
            except (OSError, ValueError, KeyError):
                continue
            if changed is None:
                os.utime(path)
                return kept, ""
            reason = reason if reason.endswith("changed") else f"{changed} changed"
        return None, reason

    def store(self, chapter, key, result, record):
        """Keep results, and drop the oldest of the chapter."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = json.dumps({"key": key, "record": record, "result": result})
        name = f"{chapter.path.as_posix().replace('/', '--')}-{hashlib.sha256(words.encode()).hexdigest()[:24]}"
        aside = self.folder / f"{name}.{os.getpid()}.tmp"
        aside.write_text(words, encoding="utf-8")
        os.replace(aside, self.folder / f"{name}.json")
        for old in self._kept(chapter)[_KEEP:]:
            old.unlink(missing_ok=True)
