"""Commands killed at random moments leave whole outputs and nothing of the tape: a part of benchmarks/faults.py."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from p2prisk import outputs, selftest
from p2prisk.cli import main

ROOT = Path(__file__).resolve().parents[1]

if sys.platform == "win32":
    pytest.skip("signals as on POSIX", allow_module_level=True)


@pytest.fixture(scope="module")
def faults():
    spec = importlib.util.spec_from_file_location("faults", ROOT / "benchmarks" / "faults.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def place(faults, tmp_path):
    return faults.Place(tmp_path, rows=1200)


@pytest.mark.parametrize("name", ["score", "fit"])
def test_killed_commands_leave_whole_outputs(name, faults, place):
    found = faults.attack(place, name, 4, random.Random(name))
    assert found["killed"] >= 1
    assert (found["output broken"], found["tape changed"], found["left behind"]) == (0, 0, 0), found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_report_that_is_killed_leaves_nothing_of_the_tape(number, faults, place):
    """Killed while chapters run on results in the temporary folder: by force, only until the next run."""
    words, _ = faults.COMMANDS["report"]
    (place.root / "study").mkdir()
    process = subprocess.Popen(place.command(words), cwd=place.root, env=place.environment, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not any("words.json" in files for *_, files in os.walk(place.temporary)):  # walks past what goes meanwhile
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    private = next(place.temporary.iterdir())
    assert private.stat().st_mode & 0o777 == 0o700
    assert not [name for *_, files in os.walk(private) for name in files if name.endswith((".pickle", ".pkl"))]
    process.send_signal(number)
    assert process.wait(15) == (-9 if number == signal.SIGKILL else 128 + number)
    assert place.wait_for_children()
    assert list((place.root / "study").iterdir()) == []
    if number == signal.SIGKILL:
        assert place.run(["check", "loans.csv"]) == 0
    assert place.left() == []


ORPHAN = """
import os, sys, time
from pathlib import Path
from p2prisk.cli.report import _with_parent
before = _with_parent()
if os.fork() == 0:
    time.sleep(0.3)
    before()
    Path("goes-on").touch()
    os._exit(0)
time.sleep(float(sys.argv[1]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a child with its parent")
@pytest.mark.parametrize(("lives", "goes_on"), [("1", True), ("0", False)])
def test_a_child_does_not_outlive_a_parent_that_dies_while_it_starts(lives, goes_on, tmp_path):
    subprocess.run([sys.executable, "-c", ORPHAN, lives], cwd=tmp_path, timeout=60, check=True)
    time.sleep(0 if goes_on else 0.8)
    assert (tmp_path / "goes-on").exists() == goes_on


def test_a_command_that_is_interrupted_says_so_without_a_traceback(place):
    process = subprocess.Popen(
        place.command(["score", "loans.csv", "--model", "m.json", "--output", "s.csv", "--rows", "1"]),
        cwd=place.root,
        env=place.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "loans scored" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "stopped; nothing was replaced" in told and "Traceback" not in told
    assert not (place.root / "s.csv").exists() and place.left() == []


SWALLOWED = """
import os, signal
from {package} import {names}
class Ends:
    def __del__(self):
        os.kill(os.getpid(), signal.{number})
        for _ in range(1000): pass
end_orderly()
one = Ends()
del one
print("goes on", flush=True)
{then}
print("replaced")
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("package", "names", "then"),
    [("p2prisk.outputs", "end_orderly, write_text", "write_text('a.txt', 'new')"), ("bookkit.folders", "*", "heed()")],
)
def test_a_stop_that_a_finalizer_swallows_is_heeded_before_anything_is_replaced(number, package, names, then, tmp_path):
    program = SWALLOWED.format(number=number, package=package, names=names, then=then)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == "goes on\n" and done.returncode and not list(tmp_path.iterdir()), done


def test_a_fault_of_the_program_shows_no_value_of_the_tape(monkeypatch, capsys, tmp_path):
    def broken(*args, **kwargs):
        raise KeyError("13812345678")

    monkeypatch.setattr("p2prisk.tape.read_tape", broken)
    assert main(["check", "x.csv"]) == 3
    told = capsys.readouterr().err
    assert "KeyError at test_faults.py" in told and "138" not in told and "Traceback" not in told


@pytest.mark.parametrize(
    "words",
    [
        ["score", "x", "--model", "m", "--output", "o.csv", "--rows", "0"],
        ["score", "x", "--model", "m", "--output", "o.csv", "--rows", "-5"],
        ["check", "x", "--record-date", "NaT"],
        ["check", "x", "--record-date", "2024-13-01"],
        ["check", "x", "--on-error", "perhaps"],
        ["frobnicate"],
        [],
    ],
)
def test_wrong_words_are_usage_errors(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2 and "Traceback" not in capsys.readouterr().err


def test_a_narrow_console_shows_codes_for_letters_it_lacks(place):
    text = (place.root / "loans.csv").read_text().replace("home", "住房")
    (place.root / "z.csv").write_text(text, encoding="utf-8")
    environment = {**place.environment, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(place.command(["map", "z.csv"]), cwd=place.root, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"\\u4f4f" in done.stdout


def test_what_a_dead_run_left_goes_with_the_next_command(place):
    left = place.temporary / f"p2prisk-{outputs.os.getuid()}" / "left"
    left.mkdir(parents=True)
    (left / "frame.parquet").write_text("a tape")
    assert place.run(["check", "loans.csv"]) == 0
    assert not left.exists()


# ---------------------------------------------------------------- the self-test


def test_the_selftest_holds_here(capsys):
    started = time.monotonic()
    assert main(["selftest"]) == 0
    out = capsys.readouterr().out
    assert out.count("ok ") == len(selftest.checks()) and "FAILED" not in out
    assert time.monotonic() - started < 60


def test_the_selftest_finds_a_wrong_number_and_an_open_door(monkeypatch, capsys):
    wrong = selftest.expected()
    wrong["estimates"]["params"][0] *= 1 + 3e-8
    monkeypatch.setattr(selftest, "expected", lambda: wrong)
    monkeypatch.setattr(selftest, "read_formula", lambda text: [])
    monkeypatch.setattr(selftest, "checks", lambda: {"estimates": selftest.estimates, "guards": selftest.guards})
    assert main(["selftest"]) == 1
    out = capsys.readouterr().out
    assert "FAILED estimates" in out and "params differs by 3.0e-08" in out
    assert "FAILED guards" in out and "something was accepted" in out


def test_the_numbers_of_the_selftest_are_those_of_statsmodels():
    import numpy as np
    import pandas as pd
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    from p2prisk import load

    counts = load("lendingclub-2007-2011-counts").frame
    rows = counts.loc[counts.index.repeat(counts["n"])]
    exog = pd.get_dummies(rows[["inquiries_band", "utilisation_band"]], drop_first=True).astype(float)
    exog.insert(0, "term", (rows["term"] == rows["term"].max()).astype(float))
    fitted = OrderedModel(rows["severity"].cat.codes.to_numpy(), exog.to_numpy(), distr="logit").fit(
        method="bfgs", disp=False, maxiter=500, gtol=1e-8
    )
    wanted = np.array(selftest.expected()["estimates"]["params"])
    slopes = exog.shape[1]
    np.testing.assert_allclose(fitted.params[:slopes], wanted[:slopes], rtol=2e-4)
    thresholds = fitted.model.transform_threshold_params(fitted.params)[1:-1]
    np.testing.assert_allclose(thresholds, wanted[slopes:], rtol=2e-4)
