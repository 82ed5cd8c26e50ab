"""The reference of the commands says what the code does, and `p2prisk columns` what the column table holds."""

import json
import re
import shlex
from pathlib import Path

import pytest

from made_tapes import ended
from p2prisk.cli import exits, main, reference
from p2prisk.cli.examples import EXAMPLES
from p2prisk.report.decisions import Decisions
from p2prisk.tape import mapping
from p2prisk.tape.columns import COLUMNS

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_the_book_is_that_of_the_code():
    stored = (ROOT / "chapters" / "commands.qmd").read_text(encoding="utf-8")
    remedy = "python -m p2prisk.cli.reference > chapters/commands.qmd; bookkit notebooks chapters/commands.qmd"
    assert stored == reference.page(), remedy


def test_every_command_and_option_says_what_it_is_for():
    assert (reference.commands()["what"].str.len() > 10).all()
    assert (reference.options()["what"].str.len() > 3).all() and (
        reference.shared_options()["what"].str.len() > 3
    ).all()
    assert {"check", "columns", "fit", "score"} <= set(reference.commands()["command"])


def test_every_key_that_a_mapping_may_hold_is_described():
    keys, rule_keys = reference.mapping_keys()
    assert set(keys["key"]) == set(mapping._MAPPING_KEYS)
    assert set(rule_keys["key"]) == set(mapping._RULE_KEYS) - {"levels_text"}  # of built-in formats alone
    assert (keys["what"].str.len() > 5).all() and (rule_keys["what"].str.len() > 5).all()


def test_a_file_of_decisions_is_described_and_its_example_is_one(tmp_path):
    keys, example = reference.decisions()
    assert set(keys["key"]) == {"exclude", "merge", "grade_order", "horizon", "grades", "cutoff"}
    (tmp_path / "decisions.yml").write_text(example, encoding="utf-8")
    taken = Decisions.read(tmp_path / "decisions.yml").plain
    assert set(taken) == set(keys["key"]) - {"grade_order"} and example in reference.page()
    for name in ("decisions.yml", "limits.yml", "lineage.json"):
        assert name in set(reference.files()["file"])
    assert reference.limits() in reference.page()


def test_columns_as_json_and_as_text(capsys):
    assert main(["columns", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in plain] == list(COLUMNS)
    income = next(row for row in plain if row["name"] == "income")
    assert (
        income["unit"] == "currency" and income["known"] == "issue" and income["maximum"] == COLUMNS["income"].maximum
    )
    assert main(["columns", "--known", "platform"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + sum(column.known == "platform" for column in COLUMNS.values())
    assert main(["columns", "dti", "term"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["column", "dti", "term"]


def test_an_unknown_column_is_named(capsys):
    assert main(["columns", "dti", "shoe_size"]) == 2
    assert "no canonical column: shoe_size" in capsys.readouterr().err


def test_the_example_of_each_help_works_from_an_empty_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    loans = ended(size=600, seed=2).assign(rate=12.0)
    loans.to_csv("loans.csv", index=False)
    assert set(EXAMPLES) == set(reference.commands()["command"])
    for name, example in EXAMPLES.items():
        if name in ("report", "rerun", "obtain", "selftest"):  # by tests of their own; obtain needs a network
            continue
        words = shlex.split(example)
        assert words[:2] == ["p2prisk", name]
        if name == "keys":
            (tmp_path / "secret.txt").write_text("ab" * 32)
        assert main(words[1:]) in (0, exits.RECALIBRATE, exits.BROKEN), capsys.readouterr().err
        for option in ("--output", "--html"):
            if option in words:
                assert (tmp_path / words[words.index(option) + 1]).stat().st_size > 0


@pytest.mark.parametrize("command", ["check", "fit", "report"])
def test_a_format_beside_a_mapping_is_refused_and_not_left_aside(command, tmp_path, capsys):
    (tmp_path / "my.yml").write_text("columns: {amount: {from: a}}\n")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    words = [command, str(tmp_path / "x.csv"), "--map", str(tmp_path / "my.yml"), "--format", "prosper"]
    assert main(words + ["--output", str(tmp_path / "out")] * (command != "check")) == 2
    assert "give one of them" in capsys.readouterr().err


def test_no_option_is_printed_with_a_long_dash():
    words = re.sub(r"```.*?```|`[^`]*`", "", reference.page(), flags=re.DOTALL)
    assert re.search(r"\\-\\-key", words) and not re.search(r"(?<!\\)--\w", words)
