"""Where a report comes from, and the same report again: byte for byte, in another folder."""

import json
import re
import shutil
import sys
import zipfile

import pandas as pd
import pytest

from made_tapes import book
from p2prisk import read_tape, selftest
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.report import Results, lineage
from p2prisk.report.assemble import CHAPTERS
from p2prisk.report.decisions import Decisions
from p2prisk.report.workbook import write_workbook
from p2prisk.tape.choose import canonical_mapping

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
    (chapters / "index.qmd").write_text(
        index.replace('linked(study["review"]', 'show(study["review"]') + "\nSee @sec-record.\n"
    )
    for name in ("record", "control", "assessment"):
        text = (chapters / f"{name}.qmd").read_text()
        (chapters / f"{name}.qmd").write_text(text.replace("linked(", "show("))
    monkey.setattr("p2prisk.report.assemble.CHAPTERS", chapters)
    options = [
        "--loans",
        "1200",
        "--decisions",
        "d.yml",
        "--record-date",
        "2018-06-30",
        "--to",
        "html,pdf",
        "--docx",
        "--excel",
        "--anyway",
    ]
    assert main(["report", "loans.csv", *options, "--editable", "project", "--output", "out"]) == 0
    yield place
    monkey.undo()


def test_lineage_tells_files_program_decisions_and_inferences(made):
    plain = lineage.read(made / "out")
    assert plain["tape"]["sha256"] == lineage.sha256(made / "loans.csv") and plain["tape"]["rows_read"] == 1500
    assert plain["files"]["decisions"] == {"name": "decisions.yml", "sha256": lineage.sha256(made / "d.yml")}
    assert plain["model_sha256"] == lineage.sha256(made / "out" / "model.json")
    assert plain["decisions"]["horizon"]["months"] == 12 and plain["command"]["to"] == "html,pdf,docx"
    assert {"numpy", "pandas", "p2prisk"} <= set(plain["program"]["versions"]) and lineage.changes(
        plain["program"]
    ) == []
    about = {row["about"] for row in plain["inferences"]}
    assert {"format", "record date", "cohort", "event", "test", "classes", "predictor"} <= about
    assert all(row["rule"] for row in plain["inferences"])


def test_no_path_of_the_machine_and_no_row_is_in_what_is_written(made):
    (key,) = {line.split(",")[0] for line in (made / "loans.csv").read_text().splitlines()[700:701]}
    for path in [*(made / "out").rglob("*"), *(made / "project").rglob("*")]:
        if path.is_file():
            data = path.read_bytes()
            if path.suffix in (".docx", ".xlsx"):
                with zipfile.ZipFile(path) as parts:
                    data = b"".join(parts.read(name) for name in parts.namelist())
            assert b"secret-place" not in data and key.encode() not in data, path.name


def test_a_rerun_gives_the_same_bytes_in_another_folder(made, tmp_path, monkeypatch, capsys):
    shutil.copytree(made / "out", tmp_path / "report")
    shutil.copy(made / "loans.csv", tmp_path / "report.csv")
    monkeypatch.chdir(tmp_path)
    assert main(["rerun", "report/lineage.json", "--tape", "report.csv", "--output", "again"]) == 0
    count = int(capsys.readouterr().out.split("the same report, byte for byte: ")[1].split()[0])
    names = {path.name for path in (tmp_path / "again").iterdir()}
    assert (
        count > 30
        and {"loan-tape-study.pdf", "loan-tape-study.docx", "tables.xlsx", "decisions.yml", "index.html"} <= names
    )


def test_the_word_file_has_text_tables_figures_and_links(made):
    with zipfile.ZipFile(made / "out" / "loan-tape-study.docx") as parts:
        text = parts.read("word/document.xml").decode()
        style = re.search(r'w:styleId="Table".*?</w:style>', parts.read("word/styles.xml").decode(), re.S)[0]
        pictures = [name for name in parts.namelist() if name.startswith("word/media/")]
    words = re.sub(r"<[^>]+>", "", text)
    assert "a year of provisions" in words and "What to review" in words and "Table 6.1:" not in words[:200]
    assert '<w:rPr><w:sz w:val="15"/></w:rPr><w:tblPr>' in style  # at twelve points words broke letter by letter
    assert text.count("<w:tbl>") >= 8 and pictures and all(name.endswith(".png") for name in pictures)
    assert '<w:pgSz w:w="11906" w:h="16838"/>' in text and text.count('w:left="1134"') == 1  # A4, 482 points of text
    for table in re.findall(r"<w:tbl>.*?</w:tbl>", text, re.S):
        share = int(re.search(r'<w:tblW w:type="pct" w:w="(\d+)', table)[1]) / 5000
        grid = [int(wide) for wide in re.findall(r'<w:gridCol w:w="(\d+)', table)]
        for row in re.findall(r"<w:tr>.*?</w:tr>", table, re.S):
            for cell, wide in zip(re.findall(r"<w:tc>.*?</w:tc>", row, re.S), grid, strict=False):
                said = re.sub(r"<[^>]+>", "", cell)
                if re.fullmatch(r"[\d.,%\u2212-]{1,12}", said):  # no number or date breaks: digits are 0.55 em wide
                    assert 0.55 * 7.5 * len(said) <= 482 * share * wide / sum(grid) - 10.8, said
    anchors = set(re.findall(r'w:anchor="([^"]+)"', text))
    assert anchors and anchors <= set(re.findall(r'w:bookmarkStart[^>]*w:name="([^"]+)"', text))


def test_the_project_that_is_left_holds_results_and_no_row(made):
    project = made / "project"
    assert {"_quarto.yml", "index.qmd", "computed", "lineage.json"} <= {path.name for path in project.iterdir()}
    stored = Results.stored(project)
    assert max(len(table) for table in stored.tables.values()) < 400 and "cutoff_words" in stored
    assert main(["report", "loans.csv", "--editable", str(project), "--output", "other"]) == 2


def test_numbers_of_a_workbook_are_short_to_the_eye_and_whole_in_the_cell(tmp_path):
    from openpyxl import load_workbook

    table = pd.DataFrame({"share": [1 / 3, 1.5e-10, 1234.5678, 0.0, float("nan")], "loans": [6000, 1, 2, 3, 4]})
    named = pd.DataFrame({"n": [1, 2]}, index=["income", "dti"])
    write_workbook(Results({"a": table[table["loans"] != 1], "b": named}), tmp_path / "x.xlsx")
    book = load_workbook(tmp_path / "x.xlsx")
    assert [cell.value for cell in book["a"][1]] == ["share", "loans"] and book["b"]["A1"].value == "what"
    cells = [book["a"].cell(row, 1) for row in range(2, 6)]
    assert [cell.value for cell in cells] == [1 / 3, 1234.5678, 0, None]
    assert [cell.number_format for cell in cells[:3]] == ["0.0000", "#,##0.00", "0"]
    assert book["a"]["B2"].number_format == "#,##0" and book["a"].column_dimensions["A"].width < 12


def test_text_of_a_workbook_is_text(tmp_path):
    from openpyxl import load_workbook

    table = pd.DataFrame({"=level": ["=1+1", "+49", "-x", "@a", "plain\x07", None], "n": [1, 2, 3, 4, 5, 6]})
    for name in ("one.xlsx", "two.xlsx"):
        write_workbook(Results({"a": table, "words": "no table"}), tmp_path / name)
    sheet = load_workbook(tmp_path / "one.xlsx")["a"]
    assert [cell.value for cell in sheet["A"]] == ["=level", "=1+1", "+49", "-x", "@a", "plain␇", None]
    assert {cell.data_type for cell in sheet["A"]} <= {"s", "n"} and all(cell.quotePrefix for cell in sheet["A"][:5])
    assert [cell.value for cell in sheet["B"]][1:] == [1, 2, 3, 4, 5, 6]
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


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


def lineage_of(folder, **changed):
    plain = {"format": lineage.FORMAT, "command": {}, "files": {}, "tape": {}, "program": lineage.program()}
    loans = folder / "loans.csv"
    loans.write_text(selftest.loans())
    plain["tape"] = {"name": "loans.csv", "sha256": lineage.sha256(loans)}
    (folder / "lineage.json").write_text(json.dumps(plain | changed))
    return plain


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"command": {"output": "elsewhere"}}, "output"),
        ({"command": {"editable": "elsewhere"}}, "editable"),
        ({"command": {"out": "elsewhere"}}, "out"),
        ({"command": {"query": "DELETE FROM loans"}}, "query"),
        ({"command": {"format": "../settings.yml"}}, "command.format"),
        ({"command": {"sheet": ["a"]}}, "command.sheet"),
        ({"files": {"output": {"name": "x", "sha256": "0" * 64}}}, "files"),
        ({"files": {"map": {"name": "../x", "sha256": "0" * 64}}}, "files.map.name"),
        ({"files": {"map": {"name": "x"}}}, "files.map"),
        ({"tape": {"name": "../planted", "sha256": "0" * 64}}, "tape.name"),
        ({"tape": {"name": "..", "sha256": "0" * 64}}, "tape.name"),
        ({"tape": {}}, "tape"),
        ({"program": 1}, "program"),
        ({"program": {"versions": {"Maria Roth": "1"}}}, "program.versions"),
        ({"command": {"format": "settings"}}, "the format 'settings' is none"),
    ],
)
def test_a_strangers_lineage_names_no_option_and_no_path(changed, place, tmp_path, monkeypatch, capsys):
    """Its options became words of the command line, and the name of its tape that of a link, wherever it pointed."""
    monkeypatch.chdir(tmp_path)
    lineage_of(tmp_path, **changed)
    before = sorted(tmp_path.iterdir())
    assert main(["rerun", "lineage.json", "--output", "again"]) == 2
    told = capsys.readouterr().err
    assert place in told and sorted(tmp_path.iterdir()) == before


def test_settings_are_copied_without_comments_and_their_words_hold_nobodys_number(tmp_path):
    """A mapping's comments went into the folder of the report as they stood, and its title onto every page."""
    text = "# 13812345678\ntitle: 'a # b'  # Maria Roth\nnote: |  # hers\n  a # b\n"
    text += "columns:\n  # hers\n  amount: {from: x}\n"
    (tmp_path / "m.yml").write_text(text)
    made = lineage.copied(tmp_path / "m.yml")
    assert made == "title: 'a # b'\nnote: |\n  a # b\ncolumns:\n  amount: {from: x}\n"
    (tmp_path / "m.yml").write_text(made)
    assert lineage.copied(tmp_path / "m.yml") == made  # what a rerun copies is the same file
    (tmp_path / "d.yml").write_text(DECISIONS.replace("few of them", "ask 13812345678"))
    with pytest.raises(DataError, match=r"d.yml: at merge.0.reason: holds personal data \(phone number\)"):
        Decisions.read(tmp_path / "d.yml")
    rules = canonical_mapping(["amount", "term"]) | {"title": "told by jo@bank.example"}
    (tmp_path / "x.csv").write_text("amount,term\n" + "1000,36\n" * 9)
    assert read_tape(tmp_path / "x.csv", rules).provenance["title"] == "(hidden: e-mail address)"


def test_a_lineage_that_is_deep_is_refused(tmp_path, capsys):
    (tmp_path / "lineage.json").write_text("[" * 200_000)
    assert main(["rerun", str(tmp_path / "lineage.json"), "--output", str(tmp_path / "again")]) == 2
    assert "no lineage" in capsys.readouterr().err


def test_what_is_no_lineage_is_refused(tmp_path):
    (tmp_path / "lineage.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(DataError, match="no lineage"):
        lineage.read(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        lineage.read(tmp_path / "absent.json")
    with pytest.raises(DataError, match="cannot be read again"):
        lineage.find("loans", None, None, [tmp_path])


def report_parser():
    from p2prisk import cli

    return next(action for action in cli._parser()._actions if action.dest == "command").choices["report"]


def test_a_rerun_repeats_every_option_of_report_or_says_why_not():
    """`--loans` was told by no lineage, so that a rerun of a report of few loans was another report."""
    actions = {action.dest: action for action in report_parser()._actions if action.option_strings}
    told = {*lineage.REPEATED, *lineage.ROLES, *lineage.NOT_REPEATED, "help"}
    assert set(actions) == told
    plain = {}
    for name in lineage.REPEATED:
        action = actions[name]
        plain[name] = (
            True if action.nargs == 0 else action.choices[-1] if action.choices else 77 if action.type else "2020-02-29"
        )
    plain["record_date"] = "2020-02-29"
    assert all(plain[name] != action.default for name, action in actions.items() if name in plain)
    again = vars(report_parser().parse_args([*lineage.options(json.loads(json.dumps(plain))), "--", "x.csv"]))
    assert {name: again[name] for name in lineage.REPEATED} == plain


def test_a_mapping_that_is_given_as_the_format_is_copied_and_its_path_is_not_told(tmp_path, monkeypatch):
    """The lineage held the whole path, with the name of the user's folder, and no rerun took it."""
    (tmp_path / "my.yml").write_text("columns: {amount: {from: a}}\n")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    seen = []
    monkeypatch.setattr("p2prisk.report.Settings", lambda *parts: seen.append(parts) or sys.exit(9))
    for option in ("--map", "--format"):
        with pytest.raises(SystemExit):
            main(["report", str(tmp_path / "x.csv"), option, str(tmp_path / "my.yml"), "--output", str(tmp_path / "o")])
    (*_, command, files), (*_, same, held) = seen
    assert command == same and str(tmp_path) not in str(command) and files == held
    assert files["map"] == str(tmp_path / "my.yml")


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
