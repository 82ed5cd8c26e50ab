"""The doctests of the package leave out what needs numba where it is not installed (`make more`)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("numba") else ["p2prisk/*/compiled.py"]
