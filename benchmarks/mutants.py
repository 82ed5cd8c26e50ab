"""Do the tests catch what breaks? Seeded mutants of the code that the results rest on, each tried by its tests.

``make mutants`` draws mutants of every target (cosmic-ray makes them), writes each into a copy of the repository, runs
the tests of that target and prints the share caught, with its Wilson interval, and each survivor as a changed line.
A mutant is caught when its tests fail or take four times as long as they usually do. The survivors of the last run are
explained in ``tests/README.md``.
"""

import argparse
import ast
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import parso
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from statsmodels.stats.proportion import proportion_confint

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
SEED = 20
COPIES = 2


@dataclass(frozen=True)
class Target:
    """Code, the tests that are to catch what breaks in it, how many mutants are drawn, and which tests are too slow."""

    code: str
    tests: tuple
    drawn: int
    left: str = ""

    def files(self, root):
        """Python files of the target."""
        place = root / "code" / self.code
        found = [place] if place.is_file() else sorted(place.rglob("*.py"))
        return [path.relative_to(root) for path in found if path.name != "__init__.py"]


TARGETS = (
    Target(
        "p2prisk/ordered",
        (
            "tests/test_ordered*.py",
            "tests/test_sequential*.py",
            "tests/test_model_files.py",
            "tests/test_classifiers.py",
        ),
        60,
        "coverage or dask or killed or machine_code or as_rare",
    ),
    Target("p2prisk/scorecard", ("tests/test_score*.py", "tests/test_study.py"), 60, "million"),
    Target("p2prisk/policy/value.py", ("tests/test_policy.py",), 60),
    Target("bookkit/cache.py", ("tests/bookkit/test_cache.py",), 60),
    Target("bookkit/linter.py", ("tests/bookkit/test_linter.py",), 60),
)


def mutants(source):
    """The mutants of a source text by place: place -> [(operator, occurrence)]."""
    tree, places = parso.parse(source), {}
    for name in operator_names():
        try:
            operator = get_operator(name)()
        except TypeError:  # the few that need to be told a variable
            continue
        occurrence = 0
        for node in _walk(tree):
            for start, _ in operator.mutation_positions(node):
                places.setdefault(start, []).append((name, occurrence))
                occurrence += 1
    return places


def runs_otherwise(source, changed):
    """Whether a text can run and differs in more than type hints, which nothing evaluates."""

    def bare(text):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            for hint in {"annotation", "returns"} & set(node._fields):
                setattr(node, hint, None if hint == "returns" or isinstance(node, ast.arg) else ast.Constant(0))
        return ast.dump(tree)

    try:
        changed = bare(changed)
    except SyntaxError:  # an operator put for the star of keyword-only arguments
        return False
    return "from __future__ import annotations" not in source or bare(source) != changed


def _walk(node):
    yield node
    for child in getattr(node, "children", ()):
        yield from _walk(child)


def run_tests(copy, target, timeout=None):
    """Whether the tests pass in a copy of the repository; a run past the timeout does not."""
    found = sorted(str(path.relative_to(copy)) for pattern in target.tests for path in copy.glob(pattern))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *found]
    if target.left:
        command += ["-k", f"not ({target.left})"]
    environment = {**os.environ, "PYTHONPATH": str(copy / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=timeout).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def try_mutant(copies, target, path, operator, occurrence, timeout):
    """Try one mutant in a free copy: the changed lines, and whether the tests caught it."""
    source = (ROOT / path).read_text(encoding="utf-8")
    changed = mutate_code(source, get_operator(operator)(), occurrence)
    if changed is None or not runs_otherwise(source, changed):
        return None
    copy = copies.get()
    try:
        (copy / path).write_text(changed, encoding="utf-8")
        caught = not run_tests(copy, target, timeout)
    finally:
        (copy / path).write_text(source, encoding="utf-8")
        copies.put(copy)
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0)
    return {
        "target": target.code,
        "file": str(path),
        "operator": operator,
        "occurrence": occurrence,
        "caught": caught,
        "change": [line for line in lines if line[:1] in "+-@" and line[:3] not in ("+++", "---")],
    }


def study(target, copies, drawn, seed):
    """Draw and try the mutants of a target."""
    draw = random.Random(f"{seed} {target.code}")
    found = [
        (path, *draw.choice(here))  # one mutant a place: an addition alone could become ten other operations
        for path in target.files(ROOT)
        for here in mutants((ROOT / path).read_text(encoding="utf-8")).values()
    ]
    draw.shuffle(found)
    copy = copies.get()
    started = time.monotonic()
    whole = run_tests(copy, target)
    usual = time.monotonic() - started
    copies.put(copy)
    if not whole:
        raise SystemExit(f"{target.code}: its tests fail without any mutant")
    with ThreadPoolExecutor(copies.qsize()) as pool:
        tried = pool.map(lambda one: try_mutant(copies, target, *one, timeout=20 + 4 * usual), found[:drawn])
        results = [result for result in tried if result]
    caught = sum(result["caught"] for result in results)
    low, high = proportion_confint(caught, len(results), method="wilson")
    print(
        f"{target.code}: {caught} of {len(results)} caught, {caught / len(results):.0%} ({low:.0%} to {high:.0%}), "
        f"of {len(found):,d} places",
        flush=True,
    )
    for result in results:
        if not result["caught"]:
            print("   survives:", result["file"], *result["change"], sep="\n      ", flush=True)
    return results


def main():
    """Run the study of all targets, or of those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="part of a target's path; all without")
    parser.add_argument("--drawn", type=int, help="mutants of each target, instead of the usual number")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another draw than that of {SEED}")
    parser.add_argument("--copies", type=int, default=COPIES, help="mutants tried at a time")
    arguments = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        copies = Queue()
        for number in range(arguments.copies):
            copy = Path(folder) / f"copy-{number}" / "main"
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", "_book*", ".bookkit", "out"))
            copies.put(copy)
        for target in TARGETS:
            if not arguments.targets or any(part in target.code for part in arguments.targets):
                results += study(target, copies, arguments.drawn or target.drawn, arguments.seed)
    (OUT / "mutants.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
