"""A score depends on the applicant alone, and says what the card says."""

import json
import os
import re
import sys

import numpy as np
import pandas as pd
import pytest

from made_tapes import book, ended, tape_of
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.scorecard import card_of_tape, scale_of_tape
from p2prisk.scorecard.scoring import LoanScorer, reading_for
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import study_sample
from p2prisk.terms import FitSettings

MAPPING = """format: lender
title: a lender
currency: EUR
record_date: 2018-06-30
missing: ["999"]
columns:
  loan_id: {from: id}
  issue_date: {from: issued}
  amount: {from: lent}
  term: {from: months}
  income: {from: pay, missing: [-1]}
  utilisation: {from: used, unit: detect}
  home: {from: lives, recode: {O: own, R: rent, M: mortgage}}
  status: {from: state, recode: {P: paid, C: charged off}}
"""


def lender(fraction, size=1200):
    frame = ended(size=size)
    used = (frame["dti"] * 2.2).round(1)
    out = pd.DataFrame(
        {
            "id": frame["loan_id"],
            "issued": frame["issue_date"].dt.strftime("%Y-%m-%d"),
            "lent": frame["amount"],
            "months": 12,
            "pay": frame["income"],
            "used": (used / 100).round(3) if fraction else used,
            "lives": frame["home"].map({"own": "O", "rent": "R", "mortgage": "M"}),
            "state": frame["status"].map({"paid": "P", "charged off": "C"}),
        }
    )
    out.loc[::50, "pay"] = -1
    return out


@pytest.fixture(scope="module", params=["per cent", "fraction"])
def fitted(request, tmp_path_factory):
    """Tape, mapping and model of a lender that writes utilisation in one of two units."""
    folder = tmp_path_factory.mktemp("lender")
    frame = lender(request.param == "fraction")
    frame.to_csv(folder / "tape.csv", index=False)
    (folder / "map.yml").write_text(MAPPING)
    arguments = ["fit", folder / "tape.csv", "--map", folder / "map.yml", "--output", folder / "m.json"]
    assert main([str(argument) for argument in arguments]) == 0
    return folder, frame.drop(columns="state")


def score(folder, frame, *more, name="new"):
    frame.to_csv(folder / f"{name}.csv", index=False)
    target = folder / f"{name}-scores.csv"
    arguments = ["score", folder / f"{name}.csv", "--model", folder / "m.json", "--output", target, *more]
    assert main([str(argument) for argument in arguments]) == 0
    return target


@pytest.mark.parametrize("named", [False, True])
def test_alone_in_pairs_and_in_the_whole_to_the_last_digit(fitted, named):
    folder, frame = fitted
    more = ("--map", folder / "map.yml") if named else ()
    lines = score(folder, frame, *more).read_text().splitlines()
    header, whole = lines[0], [line.split(",", 1)[1] for line in lines[1:]]
    assert header.startswith("row,loan_id,points,grade,pd,pd_low,pd_high,p_paid,p_loss,log_odds,reason_1,lost_1")
    low = int(frame["used"].idxmin())
    for place in (0, 7, 50, 60, low):
        alone = score(folder, frame.iloc[[place]], *more, name="one").read_text().splitlines()[1]
        assert alone.split(",", 1)[1] == whole[place]
    for first, second in ((0, low), (50, 60)):
        pair = score(folder, frame.iloc[[first, second]], *more, name="two").read_text().splitlines()[1:]
        assert [line.split(",", 1)[1] for line in pair] == [whole[first], whole[second]]


def test_pieces_and_order_change_no_digit(fitted):
    folder, frame = fitted
    whole = score(folder, frame).read_bytes()
    first = b"".join(whole.splitlines(keepends=True)[:371])  # ten pieces of the smallest kind
    assert score(folder, frame[:370], "--rows", 37, name="pieces").read_bytes() == first
    turned = score(folder, frame.iloc[::-1], name="turned").read_text().splitlines()[1:]
    straight = whole.decode().splitlines()[1:]
    assert [line.split(",", 1)[1] for line in turned[::-1]] == [line.split(",", 1)[1] for line in straight]


def test_the_units_of_the_fit_are_in_the_model(fitted):
    folder, frame = fitted
    model = StandardModel.from_json(folder / "m.json")
    assert model.reading["decisions"]["utilisation"] == (frame["used"][frame["used"] < 900].max() < 1.5)
    rule = next(rule for rule in model.rules if rule["column"] == "utilisation")
    assert 50 < rule["most"] <= 100  # per cent, whatever the file


def test_a_mapping_that_reads_otherwise_is_refused(fitted, capsys):
    folder, frame = fitted
    frame.to_csv(folder / "new.csv", index=False)
    for old, new, word in (
        ("R: rent", "R: mortgage", "recode"),
        ("missing: [-1]", "missing: [-2]", "missing"),
        ("unit: detect", "unit: fraction", "unit"),
        ('missing: ["999"]', "missing: []", "missing codes"),
    ):
        (folder / "other.yml").write_text(MAPPING.replace(old, new))
        arguments = ["score", folder / "new.csv", "--model", folder / "m.json", "--output", folder / "s.csv"]
        assert main([str(a) for a in [*arguments, "--map", folder / "other.yml"]]) == 2
        err = capsys.readouterr().err
        assert word in err and "would mean something else" in err and not (folder / "s.csv").exists()


def test_a_mapping_of_another_file_must_say_its_unit(fitted, capsys):
    folder, frame = fitted
    other = MAPPING.replace("{from: used, unit: detect}", "{from: ratio, unit: detect}")
    (folder / "other.yml").write_text(other)
    low = frame.assign(used=0.8).rename(columns={"used": "ratio"})
    low.head(1).to_csv(folder / "one.csv", index=False)
    pd.concat([low.head(1), low.iloc[1:2].assign(ratio=70.0)]).to_csv(folder / "two.csv", index=False)
    found = []
    for name in ("one", "two"):
        arguments = ["score", folder / f"{name}.csv", "--model", folder / "m.json", "--map", folder / "other.yml"]
        assert main([str(a) for a in [*arguments, "--output", folder / "s.csv"]]) == 0
        assert "unit: detect asks other rows" in capsys.readouterr().err
        found.append(pd.read_csv(folder / "s.csv")["pd"].iloc[0])
    assert found[0] == found[1]


def test_a_model_without_a_reading_scores_alike_in_any_company():
    model = StandardModel.from_json(fit_standard(tape_of(ended()), predictors=["dti", "income"]).to_json())
    mapping, decisions, notes = reading_for(model, {"columns": {"dti": {"from": "x", "unit": "detect"}}})
    assert decisions == {"dti": False} and "dti: unit: detect" in notes[0]
    assert reading_for(model, None) == (None, {}, [])


# ---------------------------------------------------------------- what is written


@pytest.fixture(scope="module")
def made():
    sample, _ = study_sample(tape_of(ended(size=2500)))
    model = fit_standard(sample)
    card = card_of_tape(model, sample.frame).card
    model.scale = card.scale.to_plain()
    return sample.frame, model, card


def test_points_grade_reasons_and_interval_are_those_of_the_card(made):
    frame, model, card = made
    scored, own = LoanScorer(model).score(frame), card.score(frame, drift="flag")
    assert (scored["points"] == own["score"]).all() and np.allclose(scored["pd"], own["pd"], rtol=1e-12)
    assert (scored["grade"].astype(str) == own["grade"].astype(str)).all()
    interval = card.intervals(frame)["pd"]
    assert np.allclose(scored["pd_low"], interval["lower"]) and np.allclose(scored["pd_high"], interval["upper"])
    reasons = card.reasons(frame, 4)
    pd.testing.assert_frame_equal(scored[list(reasons)], reasons)
    lost = scored[[f"lost_{place}" for place in range(1, 5)]].to_numpy()
    assert (np.diff(lost, axis=1) <= 0).all()
    assert np.allclose(scored[["p_paid", "p_loss"]].sum(axis=1), 1)


def test_the_summary_by_grade_adds_up(made):
    frame, model, _ = made
    scorer = LoanScorer(model)
    parts = [scorer.score(frame.iloc[:700]), scorer.score(frame.iloc[700:])]
    table, scored = scorer.summary().set_index("grade"), pd.concat(parts)
    assert table["loans"].sum() == len(frame) and table["share"].sum() == pytest.approx(1)
    for grade, own in scored.groupby("grade", observed=True):
        assert table.loc[grade, "loans"] == len(own) and table.loc[grade, "mean_pd"] == pytest.approx(own["pd"].mean())
    assert table["mean_points"].is_monotonic_decreasing and len(table) > 2
    assert list(table.index) == [label for label in scorer.card.scale.labels if label in table.index]


def test_a_gap_without_points_is_referred_and_counted(made):
    frame, model, _ = made
    gap = frame.head(40).copy()
    gap["home"] = gap["home"].where(gap.index % 2 == 0)
    scorer = LoanScorer(model)
    scored = scorer.score(gap)
    assert scored["refer"].sum() == scorer.flags["refer"] == 20 and scored.loc[scored["refer"], "points"].isna().all()
    assert scorer.summary().set_index("grade").loc["referred", "loans"] == 20


def test_a_model_without_points_has_a_summary_by_grade_too(made, tmp_path, capsys):
    frame, _, _ = made
    frame.head(600).to_csv(tmp_path / "new.csv", index=False)
    sample, _ = study_sample(tape_of(ended(size=2500)))
    model = fit_standard(sample, settings=FitSettings(link="probit"))
    model.scale = scale_of_tape(model, sample.frame)[0].to_plain()
    (tmp_path / "model.json").write_text(model.to_json(), encoding="utf-8")
    names = [str(tmp_path / name) for name in ("new.csv", "model.json", "scores.csv")]
    assert main(["score", names[0], "--model", names[1], "--output", names[2]]) == 0
    told = capsys.readouterr().out
    counts = pd.read_csv(names[2], dtype={"grade": str})["grade"].value_counts()
    assert len(counts) > 1 and all(re.search(rf"^{grade} +{loans} ", told, re.M) for grade, loans in counts.items())


def test_a_model_of_the_grade_gives_its_classes_alone():
    frame = ended(size=1500)
    seen = frame["dti"] + np.random.default_rng(3).normal(0, 8, len(frame))
    frame["grade"] = np.array(list("ABCD"))[np.digitize(seen, [10, 20, 30])]
    scorer = LoanScorer(fit_standard(tape_of(frame), "grade", ["dti", "income"]))
    assert list(scorer.score(tape_of(frame).frame))[:5] == ["p_A", "p_B", "p_C", "p_D", "log_odds"]
    with pytest.raises(DataError, match="no chance of an event"):
        scorer.summary()


def test_a_live_book_scores_applicants_at_its_horizon(tmp_path, capsys):
    book().to_csv(tmp_path / "book.csv", index=False)
    arguments = ["fit", tmp_path / "book.csv", "--record-date", "2018-06-30", "--output", tmp_path / "m.json"]
    assert main([str(a) for a in arguments]) == 0
    out = capsys.readouterr().out
    assert "the event: more than 30 days late, in default or charged off 12 months after issue" in out
    assert "no grades: the loans are seen at different ages" in out
    applicants = book(size=50, seed=99).drop(columns=["issue_date", "status", "grade"])
    applicants.to_csv(tmp_path / "new.csv", index=False)
    target = tmp_path / "s.parquet"
    arguments = ["score", tmp_path / "new.csv", "--model", tmp_path / "m.json", "--output", target]
    assert main([str(a) for a in arguments]) == 0
    out = capsys.readouterr().out
    assert "50 rows read, 50 scored, 0 set aside" in out
    assert "pd: the chance of being more than 30 days late, in default or charged off 12 months after issue" in out
    scored = pd.read_parquet(target)
    assert len(scored) == 50 and ((scored["pd_low"] < scored["pd"]) & (scored["pd"] < scored["pd_high"])).all()


def test_rows_set_aside_are_counted(tmp_path, capsys):
    frame = lender(False)
    frame.to_csv(tmp_path / "tape.csv", index=False)
    (tmp_path / "map.yml").write_text(MAPPING)
    fit = ["fit", tmp_path / "tape.csv", "--map", tmp_path / "map.yml", "--output", tmp_path / "m.json"]
    assert main([str(a) for a in fit]) == 0
    assert "1,200 rows read, 1,200 kept" in capsys.readouterr().out


def test_who_reads_the_first_lines_of_a_fit_has_its_model(tmp_path, monkeypatch):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            pass

        def fileno(self):
            return os.open(tmp_path / "nobody", os.O_CREAT | os.O_WRONLY)

    ended(size=600).to_csv(tmp_path / "loans.csv", index=False)
    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["fit", str(tmp_path / "loans.csv"), "--output", str(tmp_path / "model.json")]) == 0
    assert StandardModel.from_json(tmp_path / "model.json").bad_from


def test_a_fit_that_is_refused_tells_what_it_read(tmp_path, capsys):
    ended(size=600).to_csv(tmp_path / "loans.csv", index=False)
    words = [
        "fit",
        str(tmp_path / "loans.csv"),
        "--output",
        str(tmp_path / "model.json"),
        "--predictors",
        "rate,nothing",
    ]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "600 rows read" in said.out and "not admissible" in said.err and not (tmp_path / "model.json").exists()


def test_fit_stops_at_the_quality_gate(tmp_path, capsys):
    frame = ended()
    frame["dti"] /= 100
    frame.to_csv(tmp_path / "tape.csv", index=False)
    fit = ["fit", str(tmp_path / "tape.csv"), "--record-date", "2018-06-30", "--output", str(tmp_path / "m.json")]
    assert main(fit) == 1
    err = capsys.readouterr().err
    assert "dti: looks like a fraction" in err and "--anyway" in err and not (tmp_path / "m.json").exists()
    assert main([*fit, "--anyway"]) == 0
    assert "going on with 1 error(s)" in capsys.readouterr().err and (tmp_path / "m.json").exists()


def test_the_reading_in_a_model_names_no_column_known_only_later(fitted):
    folder, _ = fitted
    plain = json.loads((folder / "m.json").read_text())
    assert "status" not in plain["reading"]["mapping"]["columns"] and "999" in plain["reading"]["mapping"]["missing"]
    tape = read_tape(folder / "tape.csv", folder / "map.yml")
    assert tape.provenance["decisions"] == plain["reading"]["decisions"]


def test_canonical_columns_can_be_named_as_the_format(tmp_path, capsys):
    ended().to_csv(tmp_path / "tape.csv", index=False)
    fit = ["fit", tmp_path / "tape.csv", "--record-date", "2018-06-30", "--output", tmp_path / "m.json"]
    assert main([str(a) for a in fit]) == 0
    found = []
    for more in ([], ["--format", "canonical"]):
        arguments = ["score", tmp_path / "tape.csv", "--model", tmp_path / "m.json", "--output", tmp_path / "s.csv"]
        assert main([str(a) for a in [*arguments, *more]]) == 0
        found.append((tmp_path / "s.csv").read_bytes())
    assert found[0] == found[1] and found[0].count(b"\n") == 901
