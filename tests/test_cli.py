"""The command line, run as a user runs it."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import tape_fixtures as fixtures
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.report import Results, TapeStudy
from p2prisk.standard import StandardModel


@pytest.fixture
def loans(tmp_path):
    frame = fixtures.random_loans(11, 3000)
    path = tmp_path / "loans.csv"
    frame.to_csv(path, index=False)
    return path


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_check(loans, tmp_path, capsys):
    code, out, _ = run(capsys, "check", loans, "--html", tmp_path / "q.html", "--record-date", "2023-01-01")
    assert code == 0 and "3,000 read, 3,000 kept" in out and "0 errors" in out
    page = (tmp_path / "q.html").read_text(encoding="utf-8")
    assert "No error was found" in page and "data:image/png;base64," in page and "<script" not in page
    assert "://" not in page


def test_check_fails_on_errors_and_unreadable_files(loans, tmp_path, capsys):
    frame = pd.read_csv(loans)
    frame["rate"] /= 100
    frame.to_csv(loans, index=False)
    code, out, _ = run(capsys, "check", loans)
    assert code == 1 and "looks like a fraction" in out
    (tmp_path / "empty.csv").write_bytes(b"")
    code, out, err = run(capsys, "check", tmp_path / "empty.csv")
    assert code == 2 and "empty.csv is empty" in err and not out


def test_html_is_escaped(tmp_path, capsys):
    text = "amount,term,purpose,<script>alert(1)</script>\n" + "1000,36,<u>home</u>,x\n" * 5
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "x.yml").write_text(
        "title: A <b>bold</b> tape\ncolumns:\n"
        + "".join(f"  {name}: {{from: {name}}}\n" for name in ("amount", "term", "purpose"))
    )
    run(capsys, "check", tmp_path / "x.csv", "--map", tmp_path / "x.yml", "--html", tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert not any(tag in page for tag in ("<script>", "<b>", "<u>"))
    assert all(shown in page for shown in ("&lt;script&gt;", "&lt;b&gt;bold", "&lt;u&gt;home"))


def test_map_drafts_a_mapping_that_reads_the_file(loans, tmp_path, capsys):
    frame = pd.read_csv(loans).rename(
        columns={
            "amount": "Loan Amount",
            "term": "Tenor",
            "income": "Annual Income",
            "rate": "Intrest Rate",
            "status": "Loan Status",
            "home": "Housing",
        }
    )
    frame["Loan Status"] = frame["Loan Status"].map({"paid": "Fully Paid", "charged off": "Written Off"})
    frame["Shoe Size"] = 42
    frame["Mobile"] = "13812345678"
    frame["Guarantor"] = "11010119900307123X"
    path = tmp_path / "bank.csv"
    frame.to_csv(path, index=False)
    code, _, err = run(capsys, "map", path, "--output", tmp_path / "bank.yml")
    assert code == 0 and "1 column(s) not placed: Shoe Size" in err
    text = (tmp_path / "bank.yml").read_text(encoding="utf-8")
    assert "13812345678" not in text and "110101" not in text and "counterparty" not in text
    assert "Guarantor: personal data (identity number)" in text and "guessed from a similar name" in text
    assert yaml.safe_load(text)["columns"]["status"]["recode"] == {"Fully Paid": "paid", "Written Off": "charged off"}
    tape = read_tape(path, format=tmp_path / "bank.yml")
    assert (
        tape.frame["severity"].value_counts().to_dict() == read_tape(loans).frame["severity"].value_counts().to_dict()
    )
    assert "Mobile" in tape.provenance["personal"]


def test_map_of_a_known_format_says_so(tmp_path, capsys):
    (tmp_path / "lc.csv").write_text(fixtures.LENDINGCLUB_RAW)
    code, out, _ = run(capsys, "map", tmp_path / "lc.csv")
    assert code == 0 and "--format lendingclub needs no mapping" in out
    drafted = yaml.safe_load(out)
    (tmp_path / "lc.yml").write_text(out)
    assert drafted["columns"]["home"]["recode"]["NONE"] == "other"
    assert read_tape(tmp_path / "lc.csv", format=tmp_path / "lc.yml").frame["severity"].tolist() == [
        "paid",
        "loss early",
        "paid late",
        "loss after half",
    ]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_fit_and_score(loans, tmp_path, capsys, kind):
    code, out, _ = run(capsys, "fit", loans, "--output", tmp_path / "m.json", "--record-date", "2023-01-01")
    assert code == 0 and "Every loan has ended" in out and "income" in out
    source = pd.read_csv(loans)
    applications = source.drop(columns=["status", "rate"])  # new loans have no outcome yet
    if kind == "parquet":
        path = tmp_path / "new.parquet"
        applications.to_parquet(path, row_group_size=500)
    else:
        path = tmp_path / f"new.{kind}"
        applications.to_csv(path, index=False)
    target = tmp_path / f"scores.{kind}"
    code, out, err = run(capsys, "score", path, "--model", tmp_path / "m.json", "--output", target, "--rows", "700")
    assert code == 0 and "3,000 loans" in out and err.count("loans scored") >= 5
    scores = pd.read_parquet(target) if kind == "parquet" else pd.read_csv(target)
    expected = StandardModel.from_json(tmp_path / "m.json").score(read_tape(loans).frame)
    assert scores["loan_id"].tolist() == source["loan_id"].tolist()
    assert np.allclose(scores["p_loss"], expected["p_loss"], rtol=1e-12)
    assert not list(tmp_path.glob(".*part*"))


def test_score_neither_overwrites_nor_leaves_half_a_file(loans, tmp_path, capsys):
    run(capsys, "fit", loans, "--output", tmp_path / "m.json")
    before = loans.read_bytes()
    code, _, err = run(capsys, "score", loans, "--model", tmp_path / "m.json", "--output", loans)
    assert code == 2 and "never changed" in err and loans.read_bytes() == before
    frame = pd.read_csv(loans)
    frame["dti"] = frame["dti"].astype(object)
    frame.loc[2500, "dti"] = "many"
    frame.to_csv(tmp_path / "bad.csv", index=False)
    code, _, err = run(
        capsys,
        "score",
        tmp_path / "bad.csv",
        "--model",
        tmp_path / "m.json",
        "--output",
        tmp_path / "s.csv",
        "--rows",
        "1000",
    )
    assert code == 2 and "row 2,501: like 'aaaa'" in err
    assert not (tmp_path / "s.csv").exists() and not list(tmp_path.glob(".*part*"))
    code, _, err = run(capsys, "score", loans, "--model", tmp_path / "m.json", "--output", tmp_path / "s.docx")
    assert code == 2 and ".csv, .csv.gz or .parquet" in err


def test_scores_are_no_formulas(loans, tmp_path, capsys):
    frame = pd.read_csv(loans)
    frame.loc[0, "loan_id"] = "=HYPERLINK(1)"
    frame.to_csv(loans, index=False)
    run(capsys, "fit", loans, "--output", tmp_path / "m.json", "--on-error", "missing")
    code, _, err = run(
        capsys, "score", loans, "--model", tmp_path / "m.json", "--output", tmp_path / "s.csv", "--on-error", "missing"
    )
    assert code == 0, err
    assert not (tmp_path / "s.csv").read_text().splitlines()[1].startswith("=")


def test_drift_can_be_refused(loans, tmp_path, capsys):
    run(capsys, "fit", loans, "--output", tmp_path / "m.json")
    frame = pd.read_csv(loans)
    frame.loc[5, "dti"] = 400
    frame.to_csv(tmp_path / "new.csv", index=False)
    code, _, err = run(
        capsys,
        "score",
        tmp_path / "new.csv",
        "--model",
        tmp_path / "m.json",
        "--output",
        tmp_path / "s.csv",
        "--drift",
        "refuse",
    )
    assert code == 2 and "1 of 3,000 loans" in err


def test_report_stops_at_a_tape_with_errors(loans, capsys, tmp_path, monkeypatch):
    frame = pd.read_csv(loans)
    frame["dti"] /= 100
    frame.to_csv(loans, index=False)
    code, _, err = run(capsys, "report", loans, "--output", tmp_path / "out")
    assert code == 1 and "--anyway" in err


def test_report_hands_results_and_no_row_to_the_renderer(loans, capsys, tmp_path, monkeypatch):
    seen = {}

    def renderer(command, folder):
        project = Path(command[command.index("--project") + 1])
        seen.update(command=command, project=project, study=Results.stored(project))
        seen["files"] = {path.name for path in project.iterdir()}
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("p2prisk.cli.report._run", renderer)
    code, out, _ = run(capsys, "report", loans, "--record-date", "2023-01-01")
    assert code == 0 and "Every loan has ended" in out
    assert seen["command"][1:6] == ["-P", "-m", "bookkit", "book", "--to"]
    assert seen["command"][-2:] == ["--output", str(tmp_path / "_book-tape")]
    assert {"_quarto.yml", "index.qmd", "model.qmd"} <= seen["files"]
    made = TapeStudy(read_tape(loans, record_date="2023-01-01"))
    pd.testing.assert_frame_equal(seen["study"]["by_vintage"], made.vintages())
    assert seen["study"]["note"] == made.note and seen["study"]["answer"] == made.answer()
    frame = pd.read_csv(loans)
    assert max(len(table) for table in seen["study"].tables.values()) < len(frame) / 10
    assert not seen["project"].exists()


def test_as_a_program(loans):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "code")}
    done = subprocess.run(
        [sys.executable, "-m", "p2prisk", "check", str(loans)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "p2prisk", "check", "no.csv"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2 and done.stderr.startswith("p2prisk: no.csv is not there")


def test_compressed_file_scores_the_same(loans, tmp_path, capsys):
    run(capsys, "fit", loans, "--output", tmp_path / "m.json")
    (tmp_path / "z.csv.gz").write_bytes(gzip.compress(loans.read_bytes()))
    for name, source in (("a.csv", loans), ("b.csv", tmp_path / "z.csv.gz")):
        run(capsys, "score", source, "--model", tmp_path / "m.json", "--output", tmp_path / name, "--rows", "999")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
