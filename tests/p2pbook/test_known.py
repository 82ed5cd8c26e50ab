"""Every number that predicts says the day of its decision and what was known."""

import json
import re
from pathlib import Path

import pytest

from bookkit.chapters import read_chapter
from p2pbook.known import Descriptive, Known, stamp
from p2pbook.replications import replication, run, stamped
from p2pbook.values import Value

ROOT = Path(__file__).resolve().parents[2]
#: parts of the names, in chapters and in stored results, of numbers that rank, calibrate, cut off, stress or alarm
PREDICTS = re.compile(
    r"auc|area|gini|rank|lead|skill|rps|c_index|kolmogorov|\bks\b|calibrat|slope_(?!s)|predicted|forecast|drift"
    r"|cut_?off|stress|shock|alarm|noticed|warned|hindsight|real_?time"
)
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.qmd")) + ["index"]


def _values(chapter):
    """Inline expressions of a chapter that predict, with their values; those of names that its cells make are left."""
    page = read_chapter(ROOT / ("index.qmd" if chapter == "index" else f"chapters/{chapter}.qmd"), ROOT)
    hidden = [cell.source for cell in page.cells if cell.options.get("include") is False]
    known = {}
    for inline in page.inlines:
        root = inline.source.split(".")[0]
        path = inline.source.partition(".")[2]
        if not PREDICTS.search(path):
            continue
        if not known:
            for source in hidden:
                exec(compile(source, chapter, "exec"), known)
        if root in known:
            yield inline, eval(inline.source, known)


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


def test_a_record_without_its_day_has_none(tmp_path, monkeypatch):
    document = {key: entry for key, entry in replication("e2-outcome").document.items() if key != "known_until"}
    (tmp_path / "bare.json").write_text(json.dumps(document))
    monkeypatch.setattr("p2pbook.replications.store.directory", lambda: tmp_path)
    assert replication("bare").known is None
    with stamped("bare"):
        assert Value(0.7).known is None


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
