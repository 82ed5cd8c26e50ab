"""Where a report comes from, and the same report again: byte for byte, in another folder."""

import json
import shutil

import pytest

from made_tapes import book
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.report import lineage
from p2prisk.report.assemble import CHAPTERS

DECISIONS = """\
exclude: [{trait: amount, reason: set after the application}]
merge: [{trait: home, classes: [own], into: mortgage, reason: few of them}]
horizon: {months: 12, reason: a year of provisions}
cutoff: {accept: 0.7, reason: decided by the committee}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report with decisions, PDF and workbook, in a folder whose name must not be in it."""
    place = tmp_path_factory.mktemp("secret-place")
    book(size=1500, years=4, dated=True).to_csv(place / "loans.csv", index=False)
    (place / "d.yml").write_text(DECISIONS)
    monkey = pytest.MonkeyPatch()
    monkey.setenv("RENDERER", "preview")
    monkey.chdir(place)
    chapters = place / "chapters"  # a page, figures, the card and the record: kernels are slow to start
    shutil.copytree(CHAPTERS, chapters)
    for name in ("quality", "identification", "model", "verification", "validation"):
        (chapters / f"{name}.qmd").unlink()
    config = (chapters / "_quarto.yml").read_text().splitlines(keepends=True)
    (chapters / "_quarto.yml").write_text("".join(x for x in config if "qmd" not in x or (chapters / x[6:-1]).exists()))
    index = (chapters / "index.qmd").read_text()
    (chapters / "index.qmd").write_text(index.replace('linked(study["review"]', 'show(study["review"]'))
    for name in ("record", "control", "assessment"):
        text = (chapters / f"{name}.qmd").read_text()
        (chapters / f"{name}.qmd").write_text(text.replace("linked(", "show("))
    monkey.setattr("p2prisk.report.assemble.CHAPTERS", chapters)
    options = ["--decisions", "d.yml", "--record-date", "2018-06-30", "--to", "html,pdf", "--excel", "--anyway"]
    assert main(["report", "loans.csv", *options, "--output", "out"]) == 0
    yield place
    monkey.undo()


def test_lineage_tells_files_program_decisions_and_inferences(made):
    plain = lineage.read(made / "out")
    assert plain["tape"]["sha256"] == lineage.sha256(made / "loans.csv") and plain["tape"]["rows_read"] == 1500
    assert plain["files"]["decisions"] == {"name": "decisions.yml", "sha256": lineage.sha256(made / "d.yml")}
    assert plain["model_sha256"] == lineage.sha256(made / "out" / "model.json")
    assert plain["decisions"]["horizon"]["months"] == 12 and plain["command"]["to"] == "html,pdf"
    assert {"numpy", "pandas", "p2prisk"} <= set(plain["program"]["versions"]) and lineage.changes(
        plain["program"]
    ) == []
    about = {row["about"] for row in plain["inferences"]}
    assert {"format", "record date", "cohort", "event", "test", "classes", "predictor"} <= about
    assert all(row["rule"] for row in plain["inferences"])


def test_no_path_of_the_machine_and_no_row_is_in_what_is_written(made):
    (key,) = {line.split(",")[0] for line in (made / "loans.csv").read_text().splitlines()[700:701]}
    for path in (made / "out").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"secret-place" not in data and key.encode() not in data, path.name


def test_a_rerun_gives_the_same_bytes_in_another_folder(made, tmp_path, monkeypatch, capsys):
    shutil.copytree(made / "out", tmp_path / "report")
    shutil.copy(made / "loans.csv", tmp_path / "report.csv")
    monkeypatch.chdir(tmp_path)
    assert main(["rerun", "report/lineage.json", "--tape", "report.csv", "--output", "again"]) == 0
    count = int(capsys.readouterr().out.split("the same report, byte for byte: ")[1].split()[0])
    names = {path.name for path in (tmp_path / "again").iterdir()}
    assert count > 30 and {"loan-tape-study.pdf", "tables.xlsx", "decisions.yml", "index.html"} <= names


def test_another_tape_or_another_report_is_not_the_same(made, tmp_path, monkeypatch, capsys):
    (tmp_path / "loans.csv").write_text((made / "loans.csv").read_text().replace("mortgage", "rent"))
    assert (
        main(["rerun", str(made / "out"), "--tape", str(tmp_path / "loans.csv"), "--output", str(tmp_path / "o")]) == 2
    )
    assert "another file than the one of the report" in capsys.readouterr().err
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for folder, text in (("one", "a"), ("two", "b")):
        (tmp_path / folder / "index.html").write_text(text)
        (tmp_path / folder / "same").write_text("x")
    assert lineage.compare(tmp_path / "one", tmp_path / "two") == (1, ["index.html"])


def test_what_is_no_lineage_is_refused(tmp_path):
    (tmp_path / "lineage.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(DataError, match="no lineage"):
        lineage.read(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        lineage.read(tmp_path / "absent.json")
    with pytest.raises(DataError, match="cannot be read again"):
        lineage.find("loans", None, None, [tmp_path])


def test_a_change_of_the_program_is_told():
    then = lineage.program()
    then["versions"] = {**then["versions"], "numpy": "1.0"}
    (told,) = lineage.changes(then)
    assert told.startswith("numpy 1.0 then, ")


def test_open_decisions_stop_the_run(made, capsys, monkeypatch):
    monkeypatch.chdir(made)
    (made / "few.yml").write_text("cutoff: {accept: 0.7, reason: decided by the committee}\n")
    assert main(["report", "loans.csv", "--decisions", "few.yml", "--record-date", "2018-06-30", "--anyway"]) == 1
    said = capsys.readouterr()
    assert 'horizon: {months: 12, reason: ""}' in said.out and "yours alone" in said.err
    assert not (made / "_book-tape").exists()
