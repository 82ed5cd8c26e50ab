"""Two stored models meet on loans that neither has seen."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from made_tapes import book, ended, tape_of
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.monitor import Terms, challenge, challenge_model
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import study_sample
from p2prisk.validation import auc, delong

LATER = "2021-06-30"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The trees' threads wait for each other where several tests run at once: minutes instead of seconds."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def models():
    sample, _ = study_sample(tape_of(ended(size=3000, seed=1)))
    fits = (fit_standard(sample, predictors=names) for names in (["dti", "income", "home"], ["income", "home"]))
    return [StandardModel.from_json(model.to_json()) for model in fits]


@pytest.fixture(scope="module")
def later():
    frame = ended(size=1500, seed=9)
    return frame.assign(issue_date=frame["issue_date"] + pd.DateOffset(years=3))


@pytest.fixture(scope="module")
def found(models, later):
    return challenge_model(*models, tape_of(later, record_date=LATER), Terms(by=("home",)))


def test_rank_level_and_trees_are_those_of_the_scores(models, later, found):
    tape = tape_of(later, record_date=LATER)
    bad = (later["status"] == "charged off").to_numpy()
    first, second = (model.score(tape.frame)["pd"].to_numpy() for model in models)
    areas = found.areas.set_index("score")["auc"]
    assert areas["model"] == pytest.approx(auc(bad, first)) and areas["against"] == pytest.approx(auc(bad, second))
    pair = delong(bad, {"a": first, "b": second}).comparisons.iloc[0]
    assert found.differences.iloc[0]["pvalue"] == pytest.approx(pair["pvalue"])
    assert found.answer.startswith("The model ranks these loans better")
    assert 0.6 < areas["trees"] < areas["model"] + 0.02
    level = found.calibration.set_index("score")
    assert level.loc["model", "predicted"] == pytest.approx(first.mean()) and (level["observed"] == bad.mean()).all()
    assert level.loc["model", "slope_low"] < 1 < level.loc["model", "slope_high"]


def test_the_answer_turns_with_the_models_and_a_tie_is_a_tie(models, later):
    tape = tape_of(later, record_date=LATER)
    turned = challenge_model(models[1], models[0], tape)
    assert turned.answer.startswith("The challenger ranks") and not len(turned.segments)
    assert challenge_model(models[0], models[0], tape).answer.startswith("These loans show no difference")


def test_loans_without_an_outcome_are_counted_aloud(models, later, monkeypatch):
    monkeypatch.setattr(challenge, "_trees", lambda frame, *_: (frame, np.linspace(0.1, 0.2, len(frame))))
    whole = challenge_model(*models, tape_of(later, record_date=LATER))
    assert whole.about["loans"] == len(later) and not any("no outcome" in note for note in whole.notes)
    day = later["issue_date"].max() + pd.DateOffset(months=int(later["term"].max()) - 3)
    some = challenge_model(*models, tape_of(later, record_date=f"{day:%Y-%m-%d}"))
    without = len(later) - some.about["loans"]
    assert without and any(note.startswith(f"{without:,d} loans without an outcome yet") for note in some.notes)


def test_the_swap_set_adds_up(later, found):
    table = found.swap_set.set_index("decision")
    assert table["loans"].sum() == 1500 and table["events"].sum() == (later["status"] == "charged off").sum()
    alone = table.loc[["accepted by the model alone", "accepted by its challenger alone"]]
    assert alone["loans"].nunique() == 1 and table.loc["accepted by both", "loans"] + alone["loans"].iloc[0] == 1200
    assert alone["rate"].iloc[0] < alone["rate"].iloc[1]  # the better model keeps the better loans


def test_segments_have_an_area_only_where_loans_are_enough(models, later, found):
    assert found.segments["loans"].sum() == 1500 and (found.segments["difference"] > 0).all()
    few = challenge_model(*models, tape_of(later.head(400), record_date=LATER), Terms(by=("home",)))
    assert few.segments["area_model"].isna().all() and few.segments["loans"].sum() == 400


def test_trees_of_an_earlier_part_are_judged_later(models, later):
    day = "2017-12-31"
    found = challenge_model(*models, tape_of(later, record_date=LATER), Terms(trees_until=day))
    assert found.about["loans"] == (later["issue_date"] > day).sum() and any(
        "up to 2017-12-31, with outcomes that the tape knows now (hindsight" in n for n in found.notes
    )


def test_what_cannot_be_compared_is_refused(models, later):
    sample, _ = study_sample(tape_of(book(size=3000, dated=True)))
    other = fit_standard(sample)
    with pytest.raises(DataError, match="different events"):
        challenge_model(models[0], other, tape_of(later, record_date=LATER))
    with pytest.raises(DataError, match="needs 200 loans"):
        challenge_model(*models, tape_of(later.head(60), record_date=LATER))
    with pytest.raises(DataError, match="not judged by the loans it was fitted on"):
        challenge_model(*models, tape_of(ended(seed=4)))


def test_the_command(models, later, tmp_path, capsys):
    for name, model in zip("ab", models, strict=True):
        model.to_json(tmp_path / f"{name}.json")
    later.to_csv(tmp_path / "new.csv", index=False)
    arguments = ["challenge", tmp_path / "new.csv", "--model", tmp_path / "a.json", "--against", tmp_path / "b.json"]
    more = ["--record-date", LATER, "--by", "home,term", "--html", tmp_path / "c.html"]
    assert main([str(argument) for argument in [*arguments, *more]]) == 0
    out = capsys.readouterr().out
    assert out.startswith("ANSWER\nThe model ranks these loans better") and "accepted by its challenger alone" in out
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<h2>Swap set</h2>" in page and "<script" not in page
    assert main([str(argument) for argument in [*arguments, "--by", "shoe_size", "--record-date", LATER]]) == 2
    assert np.isfinite(float(page.split('model</td><td class="n">')[1].split("<")[0]))
