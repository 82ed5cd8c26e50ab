"""Every number that predicts says the day of its decision and what was known."""

import ast
import importlib
import json
import os
import re
import traceback
from pathlib import Path

import pytest

from bookkit.chapters import read_chapter
from p2pbook.known import Descriptive, Known, current, stamp
from p2pbook.replications import replication, run
from p2pbook.replications.store import Replication
from p2pbook.values import Value
from p2prisk.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
#: parts of the names, in chapters and in stored results, of numbers that rank, calibrate, cut off, stress or alarm
PREDICTS = re.compile(
    r"auc|area|gini|rank|lead|skill|rps|c_index|kolmogorov|\bks\b|calibrat|slope_(?!s)|predicted|forecast|drift"
    r"|cut_?off|stress|shock|alarm|noticed|warned|hindsight|real_?time"
)
#: what captions of such numbers say; and words by which they say what was known
SHOWS = re.compile(
    r"area under the curve|\brank[s ]|calibrat|\bforecasts?\b|predicted|cut-?off|alarm|noticed|repetition of"
    r"|earn nothing|same shock",
    re.I,
)
WHEN = re.compile(
    r"\b(on (the|each|no) day|hindsight|final outcomes?|decision date|decided|(was|were) known|known until|"
    r"end of 20\d\d|simulated|known seventeen months after|Outcomes: those)\b",
    re.I,
)
#: modules with stored results whose numbers are made anew by the test
READ_ANEW = (
    "findings",
    "realtime",
    *(f"chapters.{name}" for name in ("assessment", "borrowers", "causes", "decisions", "repayment", "stages")),
    *(f"chapters.{name}" for name in ("stress", "travel", "verification")),
)
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.qmd")) + ["index"]


def _values(chapter, every=False):
    """Inline expressions of a chapter that predict, with their values; those of names that visible cells make are left.

    With `every`, all expressions.
    """
    page = read_chapter(ROOT / ("index.qmd" if chapter == "index" else f"chapters/{chapter}.qmd"), ROOT)
    hidden = [cell.source for cell in page.cells if cell.options.get("include") is False]
    known = {}
    for inline in page.inlines:
        root = inline.source.split(".")[0]
        path = inline.source.partition(".")[2]
        if not every and not PREDICTS.search(path):
            continue
        if not known:
            for source in hidden:
                exec(compile(source, chapter, "exec"), known)
        if root in known:
            yield inline, eval(inline.source, known)


#: chapters that predict on every page: each number that they print says its day, or why it needs none
THROUGHOUT = ("assessment", "causes", "conclusions", "decisions", "model-card", "stress", "watching")


@pytest.mark.parametrize("chapter", THROUGHOUT)
def test_every_number_of_a_chapter_that_predicts_says_its_day(chapter):
    found = [(inline, value) for inline, value in _values(chapter, every=True) if isinstance(value, Value)]
    lacking = [
        f"line {inline.line}: {inline.source}"
        for inline, value in found
        if not isinstance(value.known, Known | Descriptive)
    ]
    assert len(found) >= 10 and not lacking, f"{chapter}: {lacking}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_number_made_on_the_page_that_predicts_is_made_inside_its_day(chapter):
    # what a visible cell makes is not run here: whatever makes it must be stamped
    page = read_chapter(ROOT / ("index.qmd" if chapter == "index" else f"chapters/{chapter}.qmd"), ROOT)
    makers = {}
    for cell in page.cells:
        if cell.options.get("include") is not False:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    makers |= {ast.unparse(target): ast.unparse(node.value.func) for target in node.targets}
    for inline in page.inlines:
        maker = makers.get(re.split(r"[.\[]", inline.source)[0], "")
        module, _, name = maker.partition(".")
        if PREDICTS.search(inline.source) and module == chapter:
            function = getattr(importlib.import_module(f"p2pbook.chapters.{chapter}"), name)
            assert hasattr(function, "__wrapped__"), f"{chapter}, line {inline.line}: {maker} says no day"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_number_that_predicts_says_the_day_of_its_decision(chapter):
    lacking = [
        f"line {inline.line}: {inline.source}"
        for inline, value in _values(chapter)
        if isinstance(value, Value) and not isinstance(value.known, Known | Descriptive)
    ]
    assert not lacking, (
        f"{chapter} prints numbers that predict without p2pbook.known.stamp or replications.stamped: "
        + "; ".join(lacking)
    )


def test_the_search_finds_what_predicts():
    found = [inline.source for inline, value in _values("verification") if isinstance(value, Value)]
    assert len(found) >= 10 and all(PREDICTS.search(source) for source in found)


@pytest.mark.parametrize("name", list(run.STUDIES))
def test_every_replication_carries_the_day_or_its_reason(name):
    stored = replication(name)
    assert stored.known == run.STUDIES[name][2], f"{name}: {stored.known}"
    if isinstance(stored.known, Known):
        return
    # a description states nothing that predicts
    names = [*stored.facts, *stored.document["tables"]]
    names += [column for table in stored.document["tables"].values() for column in table["columns"]]
    assert isinstance(stored.known, Descriptive) and stored.known.reason
    assert [name for name in names if PREDICTS.search(name)] == []


def test_a_record_without_its_day_is_not_read(tmp_path, monkeypatch):
    document = {key: entry for key, entry in replication("e2-outcome").document.items() if key != "known_until"}
    (tmp_path / "bare.json").write_text(json.dumps(document))
    monkeypatch.setattr("p2pbook.replications.store.directory", lambda: tmp_path)
    with pytest.raises(DataError, match="neither its decision_date"):
        replication("bare")


def test_no_chapter_reads_a_record_that_predicts_outside_its_day(monkeypatch):
    # whatever a number, a table or a sentence made of it is called: it is read inside stamp or stamped, or fails here
    outside = set()

    def watched(method):
        def read(self, name):
            if isinstance(self.known, Known) and current() is None:
                calls = [call for call in traceback.extract_stack() if f"p2pbook{os.sep}" in call.filename]
                calls = [call for call in calls if "replications" not in call.filename and "tests" not in call.filename]
                outside.update(
                    (Path(call.filename).name, call.name, self.document["name"], name) for call in calls[-1:]
                )
            return method(self, name)

        return read

    monkeypatch.setattr(Replication, "table", watched(Replication.table))
    monkeypatch.setattr(Replication, "__getitem__", watched(Replication.__getitem__))
    for name in READ_ANEW:
        importlib.import_module(f"p2pbook.{name}").compute.__wrapped__()
    claims = importlib.import_module("p2pbook.chapters.claims")
    assert claims.compute().ranks is not None and all(claim.text for claim in claims.register().values())
    assert not outside, f"read without the day of its decision: {sorted(outside)}"


def test_the_watch_over_records_covers_all_modules_that_read_them():
    readers = [path for path in (ROOT / "code/p2pbook").rglob("*.py") if path.parent.name != "replications"]
    readers = {path for path in readers if re.search(r"\breplication\(\"", path.read_text(encoding="utf-8"))}
    seen = {ROOT / "code/p2pbook" / f"{name.replace('.', '/')}.py" for name in READ_ANEW}
    # the register is read by the test above, the card of the model by what it says of the day itself
    assert readers - seen == {ROOT / "code/p2pbook/chapters/claims.py", ROOT / "code/p2pbook/model_card.py"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_caption_that_predicts_says_what_was_known(chapter):
    page = read_chapter(ROOT / ("index.qmd" if chapter == "index" else f"chapters/{chapter}.qmd"), ROOT)
    for cell in page.cells:
        caption = cell.options.get("fig-cap") or cell.options.get("tbl-cap") or ""
        if SHOWS.search(caption):
            assert WHEN.search(caption), f"{chapter}, {cell.options.get('label')}: {caption}"


def test_the_stamp_is_inherited_and_ends():
    @stamp(Known("2010-12-31", "2011-06-30"))
    def made():
        return Value(0.1234, 3, low=0.1, high=0.2)

    value = made()
    assert value.known.hindsight
    assert value.whole.known == value.high.known == (-value).known == value.known
    assert Value(1.0).known is None
    with pytest.raises(ValueError, match="no ISO day"):
        Known("2010", "2010")
    with pytest.raises(ValueError, match="3 days known for 2"):
        Known("2009-12-31 2010-12-31", "2009-12-31 2010-12-31 2011-12-31")
