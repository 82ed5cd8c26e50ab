"""Run every test: the packages and the book with pytest, then the executed notebooks with nbval."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("--jobs", default=str(os.cpu_count() or 1), help="processes at a time")
    parser.add_argument("pytest", nargs="*", help="more arguments for pytest (after --)")


def run(arguments):
    """Run the command."""
    notebooks = Path("tests/notebooks")
    spread = ["-p", "xdist", "-n", arguments.jobs, "--dist", "loadfile"]
    parts = {"tests": [*spread, "-rs", *arguments.pytest]}
    if any(notebooks.glob("*.ipynb")):
        parts["notebooks"] = [
            *spread,
            "--nbval",
            "--nbval-current-env",
            "--nbval-cell-timeout=600",
            "--nbval-sanitize-with",
            str(notebooks / "sanitize.cfg"),
            str(notebooks),
        ]
    totals, failed, start = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}, False, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, options in parts.items():
            report = Path(folder) / f"{name}.xml"
            done = subprocess.run([sys.executable, "-m", "pytest", f"--junitxml={report}", *options])
            failed |= done.returncode != 0
            if report.exists():
                suite = ElementTree.parse(report).getroot().find("testsuite")
                for key in totals:
                    totals[key] += int(suite.get(key, 0))
    bad = totals["failures"] + totals["errors"]
    print(f"all parts in {time.perf_counter() - start:.0f} s:")
    print(f"{totals['tests'] - bad - totals['skipped']} passed, {bad} failed, {totals['skipped']} skipped")
    return 1 if failed else 0
