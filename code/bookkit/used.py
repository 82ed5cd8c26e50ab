"""What a chapter used: runs in its kernel and notes what the code opens, looks for, lists, imports and reads.

An audit hook (:func:`sys.addaudithook`) sees every file that Python opens and every folder it lists. What it cannot see
is taken up otherwise:

- a module that comes from its cached ``.pyc``: every module loaded at the end counts, by its source;
- an import that fails and a look whether a file is there (``os.stat``, ``os.access``): a place where nothing is counts
  too, so that a file that appears there is noticed;
- environment variables: those that the book's own code reads (`os.environ` is watched by caller);
- files that a C library opens by itself, and child processes: the modules and programs that do so are named
  (:data:`NATIVE_READERS`), and a chapter that uses one counts as a reader of everything in the project's `inputs`.

Not seen, and not used by a book that wants to be cached: ``pyarrow.memory_map`` and other C calls that open a file
without one of these modules, the time of day, the network, and the times and sizes of files apart from their contents.
Files of the machine (the installed packages, fonts, settings in the home folder) are left out; the cache's key names
the packages with their versions.
"""

import json
import os
import sys
import sysconfig
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path

#: Modules that open files by themselves, unseen by Python.
NATIVE_READERS = ("pyarrow.csv", "pyarrow.feather", "pyarrow.json", "pyarrow.orc", "pyarrow.parquet")
NATIVE_READERS += ("duckdb", "h5py", "polars", "pyreadstat", "tables")
#: One more, but pandas loads it also for sums in memory: it counts when its function of the same name is called.
_DATASET = "pyarrow.dataset"
#: Child processes that only ask about the machine.
_HARMLESS = {"fc-list", "ldconfig", "lscpu", "uname"}
_CHILDREN = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}

_root = _machine = None
#: Place -> whether something was there when it was first looked at.
_files, _folders = {}, {}
_written, _imports, _variables, _unseen = set(), set(), set(), set()
_stat = os.stat


def start(root):
    """Note from now on what is used by the project in `root`."""
    global _root, _machine
    home = Path.home()
    places = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), os.environ.get("IPYTHONDIR", sys.prefix)]
    places += ["/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/usr", "/var", "/Library", "/System"]
    places += [str(home / name) for name in (".cache", ".config", ".ipython", ".jupyter", ".local", ".matplotlib")]
    _root = os.path.join(str(root), "")
    _machine = tuple(os.path.join(place, "") for place in places if not _root.startswith(os.path.join(place, "")))
    sys.addaudithook(_hook)
    sys.meta_path.insert(0, _DatasetFinder())
    for name in ("stat", "lstat", "access"):
        _watch(name)
    os._Environ.__getitem__ = _reading(os._Environ.__getitem__)
    SourceFileLoader.path_stats = _finely(SourceFileLoader.path_stats)


def _finely(path_stats):
    """Python takes a cached .pyc for good if the second of its source agrees; a second is long for a book.

    Not for installed packages: a kernel would compile each of them again, two seconds of every chapter.
    """

    def finely(loader, path):
        if path.startswith(_machine):
            return path_stats(loader, path)
        state = _stat(path)
        return {"mtime": state.st_mtime_ns // 1_000_000, "size": state.st_size}

    return finely


def report(target):
    """Write what was used so far to the file `target`, as JSON; see :mod:`bookkit.cache`."""
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None):
            _note(module.__file__, _files)
    for name in _imports - set(sys.modules):
        package, _, tail = name.rpartition(".")
        for place in sys.path if not package else getattr(sys.modules.get(package), "__path__", ()):
            for file in (f"{tail}.py", f"{tail}/__init__.py"):
                _note(os.path.join(place or _root, file), _files)
    unseen = sorted(_unseen | (set(NATIVE_READERS) & set(sys.modules)))
    seen = {"files": dict(_files), "folders": dict(_folders), "variables": sorted(_variables), "unseen": unseen}
    Path(target).write_text(json.dumps(seen), encoding="utf-8")


def is_of_book(path):
    """Whether a path within the project is a source, and not something made from sources."""
    made = ("_book", "_freeze", "__pycache__")
    return not any(part.startswith((".", *made)) and part not in (".", "..") for part in Path(path).parts)


def _note(path, places):
    """Add a place to those that are used, unless it is the machine's, was made here, or is an open file's number."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    path = os.path.abspath(os.fsdecode(path))
    if path in places or path in _written or path.startswith(_machine):
        return
    if not path.startswith(_root) or is_of_book(path[len(_root) :]):
        try:
            _stat(path)
            places[path] = True
        except OSError:
            places[path] = False


def _made(path):
    """What the chapter itself wrote anew is no input."""
    if isinstance(path, (str, bytes, os.PathLike)):
        path = os.path.abspath(os.fsdecode(path))
        if path not in _files:
            _written.add(path)


def _hook(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if flags & (os.O_TRUNC | os.O_EXCL):
            _made(path)
        elif not flags & os.O_WRONLY:
            _note(path, _files)
    elif event in ("os.listdir", "os.scandir"):
        if "importlib" not in sys._getframe(1).f_code.co_filename:
            _note("." if arguments[0] is None else arguments[0], _folders)
    elif event == "import":
        _imports.add(arguments[0])
    elif event == "os.mkdir":
        _made(arguments[0])
    elif event == "os.rename":
        _made(arguments[1])
    elif event == "sqlite3.connect":
        _note(arguments[0], _files)
    elif event in _CHILDREN:
        program = os.path.basename(os.fsdecode(arguments[0])) if event == "subprocess.Popen" else event
        if program not in _HARMLESS:
            _unseen.add(program)


class _DatasetFinder:
    """Watches the function :func:`pyarrow.dataset.dataset` from the moment its module is loaded."""

    def find_spec(self, name, path=None, target=None):
        if name != _DATASET:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (load(module), self.watch(module))
        return spec

    def watch(self, module):
        opened = module.dataset

        def watched(*arguments, **options):
            _unseen.add(_DATASET)
            return opened(*arguments, **options)

        module.dataset = watched


def _watch(name):
    """Note the first argument of a function of :mod:`os`: looking whether a file is there is using it."""
    function = getattr(os, name)

    def watched(path, *arguments, **options):
        _note(path, _files)
        return function(path, *arguments, **options)

    for group in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if function in group:
            group.add(watched)
    setattr(os, name, watched)


def _reading(function):
    """Note the variables that the book's code, or a cell of a chapter, reads."""

    def watched(self, name):
        frame = sys._getframe(1)
        while frame and frame.f_code.co_filename.endswith(("os.py", "_collections_abc.py", ">")):
            frame = frame.f_back
        if frame and not frame.f_code.co_filename.startswith(_machine):
            _variables.add(name)
        return function(self, name)

    return watched
