"""What CONTRIBUTING.md says, done in a copy of the repository: a fact, a source, a chapter and so on.

The rows, cells and files are those of the text itself, so that the text cannot drift from what works.
"""

import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NOT_COPIED = shutil.ignore_patterns(
    ".*", "_book*", "*_files", "__pycache__", "*.egg-info", "replication", "benchmarks", "docs"
)


def example(heading, language):
    """The first block in `language` under a heading of the text."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.search(rf"^(`{{3,4}}){language}\n(.*?)^\1$", section, re.M | re.S)[2]


@pytest.fixture
def copy(tmp_path):
    """A copy without anything beside it, and nothing of `../shared` within reach."""
    return copy_to(tmp_path)


def copy_to(folder):
    return Path(shutil.copytree(ROOT, folder / "alone" / "copy", ignore=NOT_COPIED))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A copy with a source and a chapter more, and the files that each changed; the linter passes both at one look."""
    copy, changes, text = copy_to(tmp_path_factory.mktemp("written")), {}, example("A chapter", "markdown")
    append(copy / "data/sources_case.csv", example("A source", "csv"))
    append(copy / "chapters/system.qmd", "\nSo it was reported [@src-example-2019; @doe2020example].\n")
    bibliography = copy / "references.bib"
    work = "@book{doe2020example,\n  checked = {record},\n  author = {Doe, Jo},\n  title = {A}, year = {2020}\n}\n"
    bibliography.write_text(work + bibliography.read_text(encoding="utf-8"), encoding="utf-8")
    run(copy, "data/build_case_tables.py")
    changes["source"] = changed(copy)
    text = text.replace("`{python} n.rate`", "`{python} use_house_style.__name__`")
    (copy / "chapters/name.qmd").write_text(text, encoding="utf-8")
    line = "        - chapters/conclusions.qmd\n"
    words = (copy / "_quarto.yml").read_text(encoding="utf-8")
    (copy / "_quarto.yml").write_text(words.replace(line, line + line.replace("conclusions", "name")), encoding="utf-8")
    run(copy, "-m", "bookkit", "lint")
    changes["chapter"] = changed(copy) - changes["source"]
    return copy, changes


def run(root, *command):
    environment = {**os.environ, "PYTHONPATH": str(root / "code"), "P2PRISK_SHARED": str(root.parent / "nowhere")}
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def changed(root):
    """Files of the copy that differ from the repository's or are new, without what is executed."""
    found = set()
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not re.search(r"(^|/)\.|__pycache__|\.ipynb$", name):
            if not (ROOT / name).exists() or not filecmp.cmp(path, ROOT / name, shallow=False):
                found.add(name)
    return found


def test_a_fact_is_one_row(copy):
    append(copy / "data/facts_case.csv", example("A fact", "csv"))
    assert "data/README.md" in run(copy, "data/build_case_tables.py")
    assert changed(copy) == {"data/facts_case.csv", "data/README.md"}
    shown = run(copy, "-c", "from p2pbook.facts import facts; print(facts().value('CAS900', digits=1))")
    assert shown.strip() == "12.5"
    run(copy, "data/build_case_tables.py", "--check")


def test_a_source_is_one_row_and_a_work_one_entry(written):
    copy, changes = written
    entry = (copy / "references.bib").read_text(encoding="utf-8").split("@misc{src-example-2019,")[1].split("\n}")[0]
    assert "2019-07-04" in entry and "source grade B" in entry and "https://example.org/2019/" in entry
    assert changes["source"] == {"data/sources_case.csv", "references.bib", "chapters/system.qmd", "data/README.md"}
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_references.py", "-k", "checked or verified")


def test_a_chapter_is_one_file_and_one_line(written):
    copy, changes = written
    run(copy, "-m", "bookkit", "notebooks", "chapters/name.qmd")
    assert (copy / "tests/notebooks/chapters-name.ipynb").exists()
    assert changes["chapter"] == {"chapters/name.qmd", "_quarto.yml"}


def test_a_claim_is_one_row(copy):
    shutil.copytree(ROOT / "data/replication", copy / "data/replication")  # the frozen result that the number is from
    append(copy / "data/claims.csv", example("A claim", "csv"))
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/p2pbook/test_claims.py", "-k", "example or whole")
    shown = run(copy, "-c", "from p2pbook.chapters import claims; print(claims.register()['example_lead'].text)")
    assert re.fullmatch(r"The readable model ranks −?0\.\d{3} above gradient boosting\.", shown.strip()), shown
    assert changed(copy) == {"data/claims.csv"}


def test_a_figure_is_a_cell_of_one_file(copy):
    cell = example("A figure", "markdown")
    called = re.search(r"^draw\.\w+\(", cell, re.M)[0]
    assert any(called in path.read_text(encoding="utf-8") for path in (ROOT / "chapters").glob("*.qmd")), called
    cell = cell.replace("draw.evidence_balance(counts);", "import matplotlib.pyplot as plt\nplt.plot([0, 1]);")
    append(copy / "chapters/question.qmd", "\n" + cell)
    run(copy, "-m", "bookkit", "lint")
    run(copy, "-m", "bookkit", "notebooks", "chapters/question.qmd")
    assert changed(copy) == {"chapters/question.qmd"}
    without = cell.replace("#| fig-alt", "#| other")
    path = copy / "chapters/question.qmd"
    path.write_text(path.read_text(encoding="utf-8").replace(cell, without), encoding="utf-8")
    with pytest.raises(AssertionError, match="fig-name: fig-alt is missing"):
        run(copy, "-m", "bookkit", "lint")


def test_a_tape_format_is_one_file(copy):
    name = "code/p2prisk/assets/formats/example.yml"
    (copy / name).write_text(example("A tape format", "yaml"), encoding="utf-8")
    tape = copy.parent / "loans.csv"
    tape.write_text("Vertrag;Auszahlung;Betrag;Laufzeit\n1;03.02.2015;1000;36\n2;04.02.2015;2000;60\n")
    script = (
        f"from p2prisk import read_tape; t = read_tape({str(tape)!r}); "
        "print(t.provenance['format'], t.frame['amount'].tolist(), t.frame['issue_date'].dt.month.tolist())"
    )
    assert run(copy, "-c", script).strip() == "example [1000.0, 2000.0] [2, 2]"
    assert changed(copy) == {name}
