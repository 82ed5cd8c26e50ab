"""The frozen replications: as stored, and computed again where the micro file is at hand."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from p2pbook import traits
from p2pbook.replications import decisions, order, outcome, selection, store
from p2pbook.replications import run as replicate
from p2prisk.datasets import _MICRO, load, micro_file
from p2prisk.errors import DataError


def _micro(name):
    try:
        return micro_file(replicate.STUDIES[name][0], verify=False)
    except DataError as absent:
        pytest.skip(str(absent))


@pytest.mark.parametrize("name", list(replicate.STUDIES))
def test_stored_file_says_what_made_it(name):
    document = replicate.replication(name).document
    source = replicate.STUDIES[name][0]
    assert document["name"] == name and document["input"]["data"] == source
    assert document["input"]["sha256"] == _MICRO[source]["sha256"]
    assert document["seed"] == store.SEED and {"python", "numpy", "pandas"} <= set(document["versions"])
    assert document["facts"] and document["tables"]
    text = (replicate.directory() / f"{name}.json").read_text(encoding="utf-8")
    assert text == replicate.dump(json.loads(text))
    assert "NaN" not in text and "Infinity" not in text


@pytest.mark.parametrize("name", list(replicate.STUDIES))
def test_stored_results_come_out_again(name):
    path = _micro(name)
    if name == "e2-selection" and not os.environ.get("P2PRISK_LONG"):
        pytest.skip(
            "130 cross-validated fits; set P2PRISK_LONG=1 (or: python -m p2pbook.replications e2-selection --check)"
        )
    if name == "e2-order" and not os.environ.get("P2PRISK_LONG"):
        pytest.skip("600 fits; set P2PRISK_LONG=1. Its estimates are computed again below, its resamples are not")
    if name in ("e2-realtime", "e2-level") and not os.environ.get("P2PRISK_LONG"):
        pytest.skip(
            "hundreds of fits; set P2PRISK_LONG=1. What needs no resamples is computed again in test_realtime.py"
        )
    if name == "e2-decisions" and not os.environ.get("P2PRISK_LONG"):
        pytest.skip("100 refits; set P2PRISK_LONG=1. All but the intervals of the rules is computed again below")
    stored, computed = replicate.replication(name).document, replicate.replicate(name, path)
    for part in ("input", "facts", "tables"):
        size, where = replicate.difference(stored[part], json.loads(json.dumps(computed[part])), part)
        assert size <= 1e-8, where


def test_the_order_of_traits_comes_out_again_but_for_its_resamples():
    tape = load("lendingclub-2007-2011", path=_micro("e2-order"))
    with threadpool_limits(1):
        facts, tables = order.order_study(tape, draws=2)
    stored = replicate.replication("e2-order")
    own = ["group", "slopes", "share", "gap_wald", "points", "sample"]
    pd.testing.assert_frame_equal(tables["shares"][own].reset_index(drop=True), stored.table("shares")[own], rtol=1e-8)
    assert facts["share_exceptions"] == pytest.approx(stored["share_exceptions"])


def test_decisions_come_out_again_but_for_the_resamples_of_the_rules():
    tape = load("lendingclub-2007-2011", path=_micro("e2-decisions"))
    with threadpool_limits(1):
        facts, tables = decisions.decisions_study(tape, draws=0)
    stored = replicate.replication("e2-decisions")
    made = {name: store.stored_table(table) for name, table in tables.items()}
    ends = ["cutoff_low", "cutoff_high", "low", "high"]
    rules = stored.table("rules")
    pd.testing.assert_frame_equal(tables["rules"].drop(columns=ends), rules.drop(columns=ends), rtol=1e-8)
    shown = rules[rules["rule"] != decisions.PEAK]
    assert (shown["low"] < shown["gain"]).all() and (shown["gain"] < shown["high"]).all()
    for part, computed in (("facts", facts), ("tables", {**made, "rules": stored.document["tables"]["rules"]})):
        size, where = replicate.difference(stored.document[part], json.loads(json.dumps(computed)), part)
        assert size <= 1e-8, where


def test_difference_finds_a_change_in_the_ninth_digit():
    a = {"t": {"rows": [[1.0, "x", None], [2.0, "y", True]]}}
    b = json.loads(json.dumps(a))
    assert replicate.difference(a, b) == (0.0, "")
    b["t"]["rows"][1][0] = 2.0 + 4e-8
    size, where = replicate.difference(a, b)
    assert 1e-8 < size < 3e-8 and where == "/t/rows/1/0"
    for change in ("z", None, 3.0):
        b = json.loads(json.dumps(a))
        b["t"]["rows"][0][1] = change
        assert replicate.difference(a, b)[0] == np.inf
    assert replicate.difference([1], [1, 2])[0] == np.inf
    assert replicate.difference(True, 1)[0] == np.inf


def test_unknown_names_are_refused():
    with pytest.raises(DataError, match="known: e2-profile"):
        replicate.replicate("nonsense")
    with pytest.raises(DataError, match="python -m p2pbook.replications nonsense"):
        replicate.replication("nonsense")
    with pytest.raises(DataError, match="no table 'x'"):
        replicate.replication("e2-profile").table("x")


def test_another_file_than_the_projects_is_refused(tmp_path):
    other = tmp_path / "loans.csv"
    other.write_text("a\n1\n")
    with pytest.raises(DataError, match="SHA-256"):
        replicate.replicate("e2-profile", other)


def test_auc_within_ignores_what_only_tells_the_group():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 2000)
    event = rng.random(4000) < np.where(group == 1, 0.4, 0.1)
    assert selection.auc_within(event, group + 0.01 * rng.normal(size=4000), group) == pytest.approx(0.5, abs=0.03)


def test_no_choice_used_the_test_year():
    chosen = replicate.replication("e2-selection")
    made = replicate.replication("e2-outcome")
    assert chosen["loans"] == made["train"]
    kept = chosen.table("steps").query("kept and step != 'base'")["step"]
    names = [t.name for t in traits.OUTCOME_BASE] + [t.name for step in kept for t in traits.OUTCOME_STEPS[step]]
    assert chosen["chosen"] == names == [t.name for t in selection.chosen_traits()]
    assert set(made.table("coefficients")["trait"]) == set(names)
    steps = chosen.table("steps").iloc[1:]
    assert (steps.loc[steps["kept"], "gain"] >= chosen["least_gain"]).all()


def test_command_checks_and_writes(tmp_path, monkeypatch, capsys):
    document = {
        "name": "toy",
        "descriptive": "a toy",
        "input": {},
        "seed": 1,
        "versions": {},
        "facts": {"a": 1.5},
        "tables": {"t": store.stored_table(pd.DataFrame({"x": [1, 2], "y": [0.5, np.nan]}))},
    }
    monkeypatch.setattr(store, "directory", lambda: tmp_path)
    monkeypatch.setattr(replicate, "directory", lambda: tmp_path)
    monkeypatch.setattr(replicate, "STUDIES", {"toy": None})
    monkeypatch.setattr(replicate, "replicate", lambda name, path: document)
    assert replicate.main(["toy"]) == 0
    assert json.loads((tmp_path / "toy.json").read_text()) == document
    assert replicate.main(["toy", "--check"]) == 0
    document["tables"]["t"]["rows"][0][1] = 0.6
    assert replicate.main(["toy", "--check"]) == 1
    assert "tables/t/rows/0/1" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        replicate.main(["all", "--input", "x"])


def test_blocks_called_otherwise_start_from_the_book_and_end_with_the_record():
    stored = replicate.replication("e2-outcome")
    ways, blocks, groups = (stored.table(name) for name in ("assignments", "blocks", "groups"))
    pd.testing.assert_frame_equal(ways[ways["assignment"] == "as in the book"].drop(columns="assignment"), blocks)
    named = [name for _, names in outcome._GROUPS for name in names]
    assert sorted(named) == sorted(t.name for t in selection.chosen_traits() if t.block == "willingness")
    assert groups["slopes"].sum() == blocks["slopes"].sum()
    # the sentence of the chapter: the lead turns when limits and inquiries are called ability
    lead = ways.pivot(index="assignment", columns="block", values="share_added")
    lead = lead["willingness"] - lead["ability"]
    assert lead["as in the book"] > lead["and use of limits to ability"] > 0 > lead["and inquiries to ability"]


def test_every_stored_table_is_read_by_a_page_a_test_or_another_result():
    root = Path(__file__).parents[1]
    files = [*root.glob("code/p2pbook/**/*.py"), *root.glob("tests/**/test_*.py"), root / "data/claims.csv"]
    text, made = "", ""
    for file in files:
        if file.parent.name == "replications":
            made += file.read_text(encoding="utf-8")
        else:
            text += file.read_text(encoding="utf-8")
    # of what makes results only what reads another one counts
    text += " ".join(re.findall(r"replication\(\"[^\n]*", made))
    idle = []
    for name in replicate.STUDIES:
        tables = replicate.replication(name).document["tables"]
        idle += [name] * (f'"{name}"' not in text)
        idle += [f"{name}: {table}" for table in tables if f'"{table}"' not in text and f"{name}: {table}[" not in text]
    assert not idle, f"frozen, and read by no page and no test: {', '.join(idle)}"
    assert {path.stem for path in replicate.directory().glob("*.json")} == set(replicate.STUDIES)
