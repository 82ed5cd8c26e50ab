"""Every factual sentence of the chapters on the case and the industry has a row in the audit."""

import csv

import pytest

from p2pbook import audit
from p2pbook.facts import facts
from p2prisk.datasets import data_directory

PATH = data_directory() / "audit_case.csv"


@pytest.fixture(scope="module")
def rows():
    with PATH.open(encoding="utf-8", newline="") as file:
        return {row["sentence"]: row for row in csv.DictReader(file)}


def test_every_factual_sentence_was_audited(rows):
    absent = audit.missing(rows)
    assert not absent, "\n".join(f"{key} {text}" for key, text in absent.items())


def test_verdicts_and_facts_are_known(rows):
    for row in rows.values():
        assert row["verdict"] in audit.VERDICTS, row
        assert all(fact in facts() for fact in row["facts"].split()), row
        assert row["note"] or row["verdict"] == "supported", row


def test_no_sentence_stands_that_was_to_go(rows):
    standing = {key for chapter in audit.CHAPTERS for key in audit.sentences(chapter)}
    assert not [key for key in standing if key in rows and rows[key]["verdict"] == "removed"]


def test_an_edited_sentence_has_another_id(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "chapters").mkdir()
    text = "# A\n\nIn 2018 WDZJ counted `{python} n.a` of them. Nobody knows why. So says one source [@src-x, p. 1].\n"
    names = {"WDZJ"}
    monkeypatch.setattr(audit, "data_directory", lambda: tmp_path / "data")
    monkeypatch.setattr(audit, "organisations", lambda: names)
    path = tmp_path / "chapters" / "a.qmd"
    path.write_text(text)
    first = audit.sentences("a")
    assert list(first.values()) == [
        "In 2018 WDZJ counted `{python} n.a` of them.",
        "So says one source [@src-x, p. 1].",
    ]
    path.write_text(text.replace("2018", "2019"))
    assert len(set(first) & set(audit.sentences("a"))) == 1
    assert len(audit.missing(first, ["a"])) == 1
