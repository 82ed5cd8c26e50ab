"""What commands write: whole or not at all, never in the place of what is read or of what belongs to somebody else."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pandas as pd
import pytest

from p2prisk import outputs
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.outputs import Output, check_folder, scratch
from tape_fixtures import random_loans

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tape of 1,500 loans, and a model fitted to it."""
    folder = tmp_path_factory.mktemp("made")
    frame = random_loans(3, 1500).drop(columns="rate")
    frame.to_csv(folder / "loans.csv", index=False)
    assert main(["fit", str(folder / "loans.csv"), "--output", str(folder / "m.json")]) == 0
    return folder


@pytest.fixture
def place(made, tmp_path):
    for name in ("loans.csv", "m.json"):
        shutil.copy(made / name, tmp_path)
    return tmp_path


COMMANDS = {
    "map": ["map", "TAPE", "--output", "OUT"],
    "fit": ["fit", "TAPE", "--output", "OUT"],
    "check": ["check", "TAPE", "--html", "OUT"],
    "score": ["score", "TAPE", "--model", "MODEL", "--output", "OUT", "--rows", "50"],
}


def call(name, place, out, tape="loans.csv"):
    words = {"TAPE": str(place / tape), "MODEL": str(place / "m.json"), "OUT": str(out)}
    return main([words.get(word, word) for word in COMMANDS[name]])


def states(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.is_symlink()}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("how", ["itself", "another spelling", "a hard link", "a symbolic link", "the model"])
def test_no_command_writes_over_what_it_reads(name, how, place, capsys):
    out = place / "loans.csv"
    if how == "another spelling":
        (place / "sub").mkdir()
        out = place / "sub" / ".." / "loans.csv"
    elif how == "a hard link":
        out = place / "hard.csv"
        os.link(place / "loans.csv", out)
    elif how == "a symbolic link":
        out = place / "soft.csv"
        out.symlink_to(place / "loans.csv")
    elif how == "the model":
        if name != "score":
            pytest.skip("reads no model")
        out = place / "also.csv"
        os.link(place / "m.json", out)
    before = states(place)
    assert call(name, place, out) == 2
    assert states(place) == before
    assert capsys.readouterr().err.count("p2prisk: ") == 1


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("what", ["link", "dangling link", "folder", "no folder", "write-protected", "device", "NUL"])
def test_what_cannot_be_an_output_is_said_before_the_tape_is_read(name, what, place, capsys, monkeypatch):
    def read(*args, **kwargs):
        raise AssertionError("the tape was read first")

    for module in ("p2prisk.tape.read_tape", "p2prisk.tape.iter_tape", "p2prisk.tape.read.read_raw"):
        monkeypatch.setattr(module, read)
    out, victim = place / "out.csv", place / "victim"
    victim.write_text("precious")
    if what == "link":
        out.symlink_to(victim)
    elif what == "dangling link":
        out.symlink_to(place / "absent")
    elif what == "folder":
        out.mkdir()
    elif what == "no folder":
        out = place / "absent" / "out.csv"
    elif what == "write-protected":
        out.write_text("old")
        out.chmod(0o444)
    elif what == "device":
        out = place / "pipe.csv"
        os.mkfifo(out)
    else:
        out = f"{place}/a\0b.csv"
    assert call(name, place, out) == 2
    assert victim.read_text() == "precious" and not (place / "absent").exists()
    assert capsys.readouterr().err.startswith("p2prisk: ")


TWICE = {
    "score": ["score", "loans.csv", "--model", "m.json", "--key", "x.csv", "--output", "X"],
    "monitor": ["monitor", "loans.csv", "--model", "m.json", "--html", "x.csv", "--json", "X"],
    "stress": ["stress", "loans.csv", "--model", "m.json", "--scenario", "example", "--html", "x.csv", "--json", "X"],
}


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("other", ["x.csv", "./x.csv", "sub/../x.csv", "hard.csv"])
def test_two_outputs_have_two_names(name, other, place, capsys, monkeypatch):
    """The scores took the place of the key by which alone their codes can be undone."""
    monkeypatch.chdir(place)
    (place / "sub").mkdir()
    if other == "hard.csv":
        (place / "x.csv").write_text("earlier")
        os.link("x.csv", other)
    before = states(place)
    assert main([other if word == "X" else word for word in TWICE[name]]) == 2
    assert "named twice" in capsys.readouterr().err and states(place) == before


@pytest.mark.parametrize("kind, ends", [("sqlite", ("", "-wal", "-shm", "-journal")), ("duckdb", ("", ".wal"))])
@pytest.mark.parametrize("there", [True, False])
def test_what_a_database_keeps_beside_its_file_is_no_output(kind, ends, there, place, capsys):
    """What was written into a WAL file and not yet into the database was lost by a model of its name."""
    for end in ends:
        out = place / f"loans.{kind}{end}"
        if there:
            out.write_text("precious")
        words = ["fit", f"{kind}:///{place}/loans.{kind}", "--query", "SELECT * FROM loans", "--output", str(out)]
        assert main(words) == 2
        assert "never changed" in capsys.readouterr().err and out.exists() == there


@contextlib.contextmanager
def small_disk(size="256k", options=""):
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a small disk can be mounted by root alone")
    folder = tempfile.mkdtemp()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "tmpfs", folder], capture_output=True)
    if done.returncode:
        os.rmdir(folder)
        pytest.skip("no file system can be mounted here")
    try:
        yield Path(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_a_disk_that_fills_up_leaves_the_earlier_scores_whole(kind, place, capsys, monkeypatch):
    with small_disk("128k") as disk:
        out = disk / f"s.{kind}"
        out.write_text("earlier")
        (disk / "filler").write_bytes(b"0" * (108 << 10))  # sixteen kilobytes are left: too few for the scores
        monkeypatch.setattr(outputs, "_LEAST_FREE", 1 << 12)
        assert call("score", place, out) == 2
        assert out.read_text() == "earlier" and sorted(os.listdir(disk)) == ["filler", out.name]
    assert "the disk is full" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_or_read_only_disk_is_said_before_the_work(name, place, capsys, monkeypatch):
    monkeypatch.setattr("p2prisk.tape.read.read_raw", lambda *a, **k: pytest.fail("the tape was read first"))
    with small_disk("64k") as disk:
        (disk / "filler").write_bytes(b"0" * (60 << 10))
        assert call(name, place, disk / "out.csv") == 2
        assert os.listdir(disk) == ["filler"]
        assert "is full" in capsys.readouterr().err
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert call(name, place, disk / "out.csv") == 2
        assert "read-only" in capsys.readouterr().err


def test_no_permission_is_said_before_the_work():
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may write anywhere, and setpriv is not installed")
    script = "import sys; from p2prisk.outputs import Output\ntry: Output(sys.argv[1])\nexcept Exception as e: print(e)"
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        command = [*as_nobody, sys.executable, "-c", script, f"{folder}/x"]
        done = subprocess.run(command, capture_output=True, text=True)
    if "Permission" in done.stderr and not done.stdout:
        pytest.skip("another user cannot start this Python")
    assert "cannot be written: no permission" in done.stdout, done.stderr


def test_two_scores_into_one_file_end_as_one_of_them(place, made):
    other = pd.read_csv(place / "loans.csv").head(700)
    other.to_csv(place / "other.csv", index=False)
    alone = {}
    for tape in ("loans.csv", "other.csv"):
        assert call("score", place, place / f"alone-{tape}", tape) == 0
        alone[tape] = (place / f"alone-{tape}").read_bytes()
    command = [sys.executable, "-m", "p2prisk", "score", "--model", "m.json", "--output", "both.csv", "--rows", "50"]
    runs = [subprocess.Popen([*command, tape], cwd=place, stderr=subprocess.DEVNULL) for tape in alone for _ in "12"]
    assert [run.wait(120) for run in runs] == [0] * 4
    assert (place / "both.csv").read_bytes() in alone.values()
    assert not list(place.glob(".*"))


def test_a_draft_is_nobodys_to_guess_and_has_no_name(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (".s.csv.part", "s.csv.part", "s.csv.tmp", ".s.csv.0000000000000000.part"):
        (tmp_path / name).symlink_to(victim)
    with Output(tmp_path / "s.csv") as out:
        out.stream.write(b"mine")
        names = set(os.listdir(tmp_path))
    assert victim.read_text() == "precious" and (tmp_path / "s.csv").read_text() == "mine"
    if hasattr(os, "O_TMPFILE") and out._draft is None:
        assert "s.csv" not in names and sum(name.endswith(".part") for name in names) == 3


@pytest.mark.parametrize("nameless", [True, False])
def test_a_fault_leaves_nothing_and_the_earlier_file(tmp_path, nameless, monkeypatch):
    if not nameless:  # a system without files that have no name
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    (tmp_path / "a").write_text("earlier")
    with pytest.raises(ZeroDivisionError), Output(tmp_path / "a") as out:
        out.stream.write(b"half")
        1 / 0  # noqa: B018
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "earlier"
    with Output(tmp_path / "a") as out:
        out.stream.write(b"whole")
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "whole"


def test_the_next_run_clears_the_drafts_of_dead_runs_and_of_no_other(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    dead, foreign = tmp_path / f".a.{'0' * 16}.part", tmp_path / ".a.notes.part"
    dead.write_text("half of a tape")
    foreign.write_text("mine")
    with Output(tmp_path / "a") as running:
        running.stream.write(b"first")
        with Output(tmp_path / "a") as second:
            second.stream.write(b"second")
        assert running._draft.exists() and not dead.exists()
    assert (tmp_path / "a").read_text() == "first" and sorted(os.listdir(tmp_path)) == [".a.notes.part", "a"]


def test_a_file_keeps_its_rights_and_a_new_one_gets_the_usual(tmp_path):
    (tmp_path / "old").write_text("")
    (tmp_path / "old").chmod(0o640)
    mask = os.umask(0o022)
    try:
        for name in ("old", "new"):
            with Output(tmp_path / name):
                pass
    finally:
        os.umask(mask)
    assert [oct(os.stat(tmp_path / name).st_mode & 0o777) for name in ("old", "new")] == ["0o640", "0o644"]


def test_a_folder_of_somebody_else_is_never_replaced(place, capsys):
    for name, file in (("paper", "my.pdf"), ("page", "index.html"), ("hidden", ".keep")):
        (place / name).mkdir()
        (place / name / file).write_text("mine")
        assert main(["report", str(place / "loans.csv"), "--output", str(place / name)]) == 2
        assert (place / name / file).read_text() == "mine"
        assert "not of an earlier study" in capsys.readouterr().err
    (place / "to").symlink_to(place / "page")
    assert main(["report", str(place / "loans.csv"), "--output", str(place / "to")]) == 2
    assert main(["report", str(place / "loans.csv"), "--output", str(place / "loans.csv")]) == 2
    (place / "ours").mkdir()
    (place / "ours" / ".bookkit").write_text("Made by bookkit; replaced as a whole.\n")
    shutil.move(place / "loans.csv", place / "ours" / "loans.csv")
    assert main(["report", str(place / "ours" / "loans.csv"), "--output", str(place / "ours")]) == 2
    assert "which is read" in capsys.readouterr().err and (place / "ours" / "loans.csv").exists()
    assert check_folder(place / "new" / "deep") == (place / "new" / "deep").resolve()
    assert not (place / "new").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--editable", "dangling"], "is there already"),
        (["--output", "new", "--editable", "./new"], "lie in each other"),
        (["--editable", "out/project"], "lie in each other"),
        (["--editable", "absent/project"], "is no folder"),
        (["--output", "new/out", "--editable", "new"], "lie in each other"),
        (["--to", ""], "--to is empty: give a value, or leave it out"),
        (["--to", "html,../x"], "give html, pdf or docx"),
        (["--to=--version"], "give html, pdf or docx"),
    ],
)
def test_what_a_report_cannot_leave_is_said_before_the_work(options, words, place, capsys, monkeypatch):
    """A project inside the report's folder went with the next report; the rest was found after a minute's work."""
    monkeypatch.chdir(place)
    monkeypatch.setattr("p2prisk.tape.read_tape", lambda *a, **k: pytest.fail("the tape was read first"))
    (place / "dangling").symlink_to(place / "absent")
    (place / "out").mkdir()
    before = sorted(os.listdir(place))
    assert main(["report", "loans.csv", "--output", "out", *options]) == 2
    assert words in capsys.readouterr().err and sorted(os.listdir(place)) == before


def test_data_of_a_run_lie_where_nobody_else_may_look_and_the_next_run_clears_them(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch() as running:
        base = running.parent
        assert (base.stat().st_mode & 0o777, running.stat().st_mode & 0o777) == (0o700, 0o700)
        (base / "left").mkdir()
        (base / "left" / "frame.parquet").write_text("a tape")
        with scratch() as second:
            assert running.exists() and second.exists() and not (base / "left").exists()
    assert os.listdir(base) == []
    os.rmdir(base)
    (tmp_path / "elsewhere").mkdir()
    base.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="TMPDIR"), scratch():
        pass
    assert os.listdir(tmp_path / "elsewhere") == []


def test_many_at_once_keep_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    faults = []

    def work(number):
        try:
            for _ in range(10):
                with scratch() as folder:
                    (folder / "x").write_text(str(number))
                    assert (folder / "x").read_text() == str(number)
        except Exception as error:  # a thread's own assertion is not seen otherwise
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


# ---------------------------------------------------------------- nothing runs


def test_programs_and_chapters_come_from_the_package_wherever_one_stands(place):
    """A `bookkit.py`, a folder of chapters and tables in the working directory or above it are nobody's business."""
    trap = "import pathlib; pathlib.Path(r'{}').touch()\n".format(place / "RAN")
    for folder in (place, place / "below"):
        folder.mkdir(exist_ok=True)
        for name in (
            "bookkit",
            "nbclient",
            "sitecustomize",
            "usercustomize",
            "matplotlibrc",
            "pandas",
            "numpy",
            "yaml",
        ):
            (folder / f"{name}.py").write_text(trap)
        (folder / "matplotlibrc").write_text("backend: module://bookkit\ntext.usetex: True\n")
        (folder / "tape").mkdir()
        (folder / "tape" / "_quarto.yml").write_text("book: {title: planted}\n")
        (folder / "tape" / "index.qmd").write_text("```{python}\n" + trap + "```\n")
        (folder / "data").mkdir()
        (folder / "data" / "facts_case.csv").write_text("id\nplanted\n")
    environment = {**os.environ, "RENDERER": "preview"}
    program = Path(sys.executable).with_name("p2prisk")
    done = subprocess.run(
        [
            program,
            "report",
            "../loans.csv",
            "--record-date",
            "2023-01-01",
            "--output",
            "out",
            "--anyway",
            "--to",
            "html",
        ],
        cwd=place / "below",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (place / "RAN").exists()
    assert "planted" not in (place / "below" / "out" / "index.html").read_text()
    done = subprocess.run(
        [program, "check", str(place / "loans.csv"), "--html", "q.html"], cwd=place / "below", capture_output=True
    )
    assert done.returncode == 0 and not (place / "RAN").exists()
    words = [sys.executable, "-m", "p2prisk", "columns", "amount"]
    done = subprocess.run(words, cwd=place / "below", capture_output=True, text=True)
    assert done.returncode == 0 and not (place / "RAN").exists(), done.stderr
    script = "from p2prisk.datasets import data_directory; print(data_directory())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=place / "below", capture_output=True, text=True, check=True
    )
    assert not Path(done.stdout.strip()).is_relative_to(place)


HOSTILE = ["x$(shell touch RAN)", "`touch RAN`", '"; touch RAN; "', "'; touch RAN; '", "$(touch RAN)", "a\\\\b c$$HOME"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["TAPE", "MAP", "FORMAT"])
@pytest.mark.parametrize("way", ["argument", "environment"])
def test_make_passes_values_as_values(value, name, way, tmp_path):
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    program = tmp_path / ".venv" / "bin" / "p2prisk"
    program.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    program.chmod(0o755)
    for stamp in ("requirements.lock", "pyproject.toml", ".venv/.ready"):
        (tmp_path / stamp).touch()
        os.utime(tmp_path / stamp, (1, 1 + (stamp == ".venv/.ready")))
    given = {"TAPE": "loans.csv", name: value}
    clean = {key: text for key, text in os.environ.items() if key not in ("MAKEFLAGS", "TAPE", "MAP", "FORMAT")}
    words = [f"{key}={text}" for key, text in given.items()] if way == "argument" else []
    done = subprocess.run(
        ["make", "tape", *words],
        cwd=tmp_path,
        env=clean | (given if way == "environment" else {}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    seen = done.stdout.splitlines()
    flag = {"TAPE": "", "MAP": "--map=", "FORMAT": "--format="}[name]
    assert flag + value in seen and not (tmp_path / "RAN").exists()


def test_a_long_name_of_letters_of_several_bytes_is_written_and_a_folder_of_one_checked(tmp_path):
    """It was refused when the work was done: the draft's name was counted in letters, and disks count bytes."""
    from p2prisk.outputs import Output, check_folder

    for name in ("\u8d37" * 80 + ".csv", "a" * 255, "\U0001f600" * 60):
        with Output(tmp_path / name) as out:
            out.stream.write(b"whole")
        assert (tmp_path / name).read_bytes() == b"whole"
        assert check_folder(tmp_path / f"x{name[:-5]}").name
    assert len(list(tmp_path.iterdir())) == 3


def test_a_disk_that_is_full_while_a_folder_is_copied_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    """The list of every file that shutil could not copy was printed."""
    import shutil

    from p2prisk import cli

    def run(arguments):
        words = "[Errno 28] No space left on device: 'a' -> '/full/study/b'"
        raise shutil.Error([("a", "/full/study/b", words)] * 9)

    monkeypatch.setattr(cli, "_check", run)
    assert cli.main(["check", str(tmp_path / "x.csv")]) == 2
    assert capsys.readouterr().err == "p2prisk: No space left on device: /full/study\n"
