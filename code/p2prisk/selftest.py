"""Does this machine compute what the project's machine computed, and do the guards hold here? In less than a minute.

:func:`checks` lists what is tried. The numbers to be met are in ``assets/selftest.json``; they come from the same
checks, and a test compares the estimates among them with those of statsmodels.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import os
import platform
import sqlite3
import time
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from p2prisk.datasets import load
from p2prisk.errors import P2PRiskError
from p2prisk.ordered import OrderedLogit
from p2prisk.ordered.formula import read_formula
from p2prisk.outputs import Output, scratch
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import read_tape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: relative difference up to which two numbers are the same: eight digits
CLOSE = 1e-8
_PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "scikit-learn", "pyarrow")
#: what a report needs beside the package itself
_FOR_REPORTS = ("ipykernel", "nbclient", "nbformat", "pypandoc")


class Failed(Exception):
    """A check that did not hold; its words say what was found."""


def expected() -> dict:
    """Numbers to be met, by check."""
    return json.loads((resources.files("p2prisk") / "assets" / "selftest.json").read_text(encoding="utf-8"))


def loans() -> str:
    """A made-up tape of 800 loans as CSV, the same on every machine: no library draws the numbers."""
    state, lines = 20181015, ["loan_id,issue_date,amount,term,income,dti,home,status,备注"]

    def draw(most):
        nonlocal state
        state = (1103515245 * state + 12345) % 2**31
        return state / 2**31 * most

    for number in range(800):
        income, dti, home = 20_000 + draw(80_000), draw(35), ("own", "rent")[int(draw(2))]
        bad = draw(1) < 0.08 + 0.004 * dti + 0.08 * (home == "rent") + 0.1 * (income < 45_000)
        day = f"20{15 + int(draw(2))}-{1 + int(draw(12)):02d}-{1 + int(draw(28)):02d}"
        amount, term = 1000 + int(draw(29_000)), (36, 60)[int(draw(2))]
        status = "charged off" if bad else "paid"
        lines.append(f"L{number:05d},{day},{amount},{term},{income:.2f},{dti:.2f},{home},{status},按时")
    return "\n".join(lines) + "\n"


def estimates(folder: Path) -> dict:
    """Estimates and standard errors of an ordered logit on the published counts of Lending Club."""
    counts = load("lendingclub-2007-2011-counts").frame
    counts["term"] = counts["term"].astype(str)
    formula = "severity ~ C(term) + C(inquiries_band) + C(utilisation_band)"
    result = OrderedLogit.from_formula(formula, counts, freq_weights="n").fit()
    return {"log-likelihood": result.llf, "params": list(result.params), "bse": list(result.bse)}


def readers(folder: Path) -> dict:
    """One tape as CSV in two encodings, compressed, and in a database gives one frame."""
    text = loans()
    (folder / "utf8.csv").write_text(text, encoding="utf-8")
    (folder / "gbk.csv").write_text(text, encoding="gbk")
    (folder / "z.csv.gz").write_bytes(gzip.compress(text.encode("utf-8")))
    connection = sqlite3.connect(folder / "t.db")
    read_tape(folder / "utf8.csv").frame[["loan_id", "amount", "term", "dti"]].to_sql("loans", connection, index=False)
    connection.close()
    # two Chinese letters are too few to tell an encoding by
    encodings = {"utf8.csv": None, "gbk.csv": "gb18030", "z.csv.gz": None}
    frames = [read_tape(folder / name, encoding=encoding).frame for name, encoding in encodings.items()]
    if not all(frame.equals(frames[0]) for frame in frames):
        raise Failed("the same tape reads differently in another encoding or compressed")
    before = (folder / "t.db").read_bytes()
    stored = read_tape(f"sqlite:///{folder / 't.db'}", query="SELECT * FROM loans").frame
    if not (stored["dti"].to_numpy() == frames[0]["dti"].to_numpy()).all():
        raise Failed("the database gives other numbers than the file")
    _refused(lambda: read_tape(f"sqlite:///{folder / 't.db'}", query="WITH x AS (SELECT 1) DELETE FROM loans"))
    if (folder / "t.db").read_bytes() != before:
        raise Failed("a query changed the database")
    return {"rows": len(frames[0]), "sum of dti": float(frames[0]["dti"].sum())}


def scores(folder: Path) -> dict:
    """The standard model of a tape, its file, and scores that depend on the borrower alone."""
    (folder / "loans.csv").write_text(loans(), encoding="utf-8")
    tape = read_tape(folder / "loans.csv", record_date="2023-01-01")
    fit_standard(tape).to_json(folder / "m.json")
    model = StandardModel.from_json(folder / "m.json")
    together = model.score(tape.frame)
    alone = [model.score(tape.frame.iloc[[row]])["score"].iloc[0] for row in (0, 400, 799)]
    if alone != [together["score"].iloc[row] for row in (0, 400, 799)]:
        raise Failed("a score depends on which loans are scored with it")
    text = (folder / "m.json").read_text(encoding="utf-8")
    slope = repr(float(model.results.slopes.iloc[0]))
    for broken in (text.replace(slope, slope[:-2], 1), text[:-100], text.replace('"llf"', '"x": NaN, "llf"', 1)):
        (folder / "broken.json").write_text(broken, encoding="utf-8")
        _refused(lambda: StandardModel.from_json(folder / "broken.json"))
    return {"slopes": list(model.results.slopes), "scores": list(together["score"].iloc[:20])}


def guards(folder: Path) -> dict:
    """No formula runs code, no output replaces an input, no data lie open."""
    for text in ("().__class__.__base__", "__import__('os').system('true')", "np.load('x')", "C(lambda: 1)"):
        _refused(lambda text=text: read_formula(text))
    (folder / "tape.csv").write_text("a tape")
    os.link(folder / "tape.csv", folder / "also.csv")
    (folder / "link.csv").symlink_to(folder / "tape.csv")
    for name in ("tape.csv", "also.csv", "link.csv"):
        _refused(lambda name=name: Output(folder / name, [folder / "tape.csv"]))
    with Output(folder / "out.csv") as out:
        out.stream.write(b"half")
        if (folder / "out.csv").exists():
            raise Failed("an output is there before it is whole")
    with scratch() as private:
        if hasattr(os, "getuid") and private.parent.stat().st_mode & 0o077:
            raise Failed(f"others may look into {private.parent}")
    return {}


def _refused(action):
    try:
        action()
    except P2PRiskError:
        return
    raise Failed("something was accepted that must be refused")


def checks() -> dict[str, Callable[[Path], dict]]:
    """What is tried, by name."""
    return {"estimates": estimates, "readers": readers, "scores": scores, "guards": guards}


def run(say: Callable[[str], None] = print) -> bool:
    """Try all checks.

    Parameters
    ----------
    say : callable
        Called with one line a check.

    Returns
    -------
    bool
        Whether all held.
    """
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    say(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; {versions}")
    wanted, held = expected(), True
    for name, check in checks().items():
        started = time.monotonic()
        with scratch() as folder:
            try:
                fault = _difference(check(folder), wanted[name])
            except Failed as error:
                fault = str(error)
            except Exception as error:  # whatever it is, it is the finding
                fault = f"{type(error).__name__}: {error}"
        held &= not fault
        verdict = "FAILED" if fault else "ok    "
        say(f"{verdict} {name} ({time.monotonic() - started:.1f} s){': ' if fault else ''}{fault}")
    missing = [name for name in _FOR_REPORTS if find_spec(name) is None]
    say(f"reports: {'ready' if not missing else 'need ' + ', '.join(missing) + chr(58) + ' pip install p2prisk[book]'}")
    return held


def _difference(found, wanted):
    """The first number that is not met, in words; empty if all are."""
    for name, value in wanted.items():
        one, other = np.atleast_1d(np.asarray(found.get(name, np.nan), float)), np.atleast_1d(np.asarray(value, float))
        if one.shape != other.shape:
            return f"{name} has {one.size} numbers, not {other.size}"
        gap = np.abs(one - other) / np.maximum(np.abs(other), 1e-3)
        if not (gap <= CLOSE).all():
            return f"{name} differs by {gap.max():.1e} of its size from what the project's machine found"
    return ""
