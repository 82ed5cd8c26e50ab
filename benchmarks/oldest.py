"""Do the oldest versions that pyproject.toml allows compute what the lock file's versions compute?

    .venv/bin/python benchmarks/oldest.py .venv-oldest/bin/python

`make oldest` makes that environment from requirements-oldest.lock and calls this. The reference fits of the ordinal
family (tests/test_ordered_reference.py) run in both; every estimate, standard error and log-likelihood must agree to
eight digits. Then the other environment runs `p2prisk selftest` and the tests of the ordinal family.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CLOSE = 1e-8
SHOWN = ("numpy", "scipy", "pandas", "formulaic", "statsmodels", "scikit-learn", "pyarrow", "numba")
TESTS = ("ordered_reference", "ordered", "ordered_anysize", "classifiers", "sequential")


def fits() -> dict:
    """Numbers of every reference fit, by fit and part."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tests" / "test_ordered_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    warnings.simplefilter("ignore")
    found = {}
    for name, model in module.FITS.items():
        result = model().fit()
        numbers = {"params": result.params, "bse": result.bse, "llf": [result.llf]}
        found[name] = {part: np.asarray(values, float).ravel().tolist() for part, values in numbers.items()}
    return found


def furthest(one: dict, other: dict) -> float:
    """The largest relative gap between two sets of numbers; infinite where they are not the same fits."""
    if one.keys() != other.keys():
        return np.inf
    gaps = [0.0]
    for part, values in one.items():
        a, b = np.asarray(values), np.asarray(other[part])
        if a.shape != b.shape or not (np.isfinite(a) & np.isfinite(b)).all():
            return np.inf
        gaps.append(float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-3), initial=0)))
    return max(gaps)


def _state() -> dict:
    return {"versions": {name: importlib.metadata.version(name) for name in SHOWN if _there(name)}, "fits": fits()}


def _there(name):
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def main() -> int:
    """Compare this Python with another one."""
    if sys.argv[1:] == ["--numbers"]:
        print(json.dumps(_state()))
        return 0
    python = sys.argv[1]
    command = [python, str(Path(__file__)), "--numbers"]
    here, there = _state(), json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print("| package | oldest | lock |\n|---|---|---|")
    for name, version in there["versions"].items():
        print(f"| {name} | {version} | {here['versions'].get(name, 'not installed')} |")
    print("\n| fit | largest relative gap |\n|---|---:|")
    gaps = {name: furthest(values, there["fits"].get(name, {})) for name, values in here["fits"].items()}
    for name, gap in gaps.items():
        print(f"| {name} | {gap:.0e} |")
    programs = Path(python).parent
    self_test = subprocess.run([str(programs / "p2prisk"), "selftest"])
    tests = [f"tests/test_{name}.py" for name in TESTS]
    tried = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT)
    return int(max(gaps.values()) > CLOSE or self_test.returncode != 0 or tried.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
