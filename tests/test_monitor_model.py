"""A stored model on new loans: one verdict by the written rule, at its rate of false alarms, from what was known."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_tapes import book, ended, tape_of, with_noise
from p2prisk.cli import exits, main
from p2prisk.errors import DataError
from p2prisk.monitor import Simulation, watch_model
from p2prisk.scorecard import card_of_tape
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import study_sample
from p2prisk.tape.event import Event
from p2prisk.tape.observed import observe

LATER = "2021-06-30"
FAST = Simulation(draws=400)


@pytest.fixture(scope="module")
def model():
    sample, _ = study_sample(tape_of(ended(size=4000, seed=1)))
    made = fit_standard(sample)
    made.scale = card_of_tape(made, sample.frame).card.scale.to_plain()
    return StandardModel.from_json(made.to_json())


def later(size=1500, seed=9, **how):
    frame = ended(size=size, seed=seed, **how)
    return frame.assign(issue_date=frame["issue_date"] + pd.DateOffset(years=3))


def watch(model, frame, **how):
    return watch_model(model, tape_of(frame, record_date=LATER), simulation=FAST, **how)


def test_nothing_has_changed(model):
    found = watch(model, later())
    assert found.verdict == "keep" and not found.measures["alarm"].any() and not found.stability["shifted"].any()
    assert found.stability["variable"].iloc[0] == "score" and (found.measures["loans"] == 1500).all()
    assert found.grades["loans"].sum() == 1500 and 0 < found.false_alarm < 0.06
    level = found.measures.set_index("measure").loc["level"]
    assert level["low"] < level["value"] < level["high"] and level["detectable"] > 1.1


def test_a_product_that_the_fit_never_saw_is_named(model):
    frame = later()
    assert set(frame["term"]) == {12} and not any("every loan of the fit" in note for note in watch(model, frame).notes)
    frame.loc[frame.index[::5], "term"] = 24
    told = [note for note in watch(model, frame).notes if note.startswith("term: every loan of the fit had 12; 20% of")]
    assert len(told) == 1


def test_a_miss_just_short_of_an_alarm_is_named():
    from p2prisk.monitor import Limits
    from p2prisk.monitor.watch import _verdict

    row = {"value": 0.6, "expected": 0.64, "low": 0.598, "high": 0.7, "loans": 900, "events": 90, "alarm": False}
    names = ("level", "slope", "area", "grades")
    measures = pd.DataFrame([{"measure": name, **row, "pvalue": 0.5, "near": False} for name in names])
    stability = pd.DataFrame({"variable": ["score"], "shifted": [False], "psi": [0.0]})
    plain = _verdict(stability, measures, Limits(), 900)
    measures.loc[2, ["near", "pvalue"]] = True, 0.013
    verdict, reasons = _verdict(stability, measures, Limits(), 900)
    assert (verdict, plain[0]) == ("keep", "keep") and len(plain[1]) == 1
    assert reasons[1].startswith("Near redevelop: the area is 0.600") and "1.3% of the cases" in reasons[1]


def test_a_wrong_level_is_recalibrated_and_a_lost_rank_redeveloped(model):
    frame = later(size=2500)
    # fewer of the good ones: the odds rise by one factor for all, and the rank stays
    worse = frame[(frame["status"] != "paid") | (np.random.default_rng(0).random(len(frame)) < 0.5)]
    found = watch(model, worse.reset_index(drop=True))
    assert found.verdict == "recalibrate" and found.reasons[0].startswith("The rate is ")
    assert found.measures.set_index("measure").loc["level", "alarm"]
    found = watch(model, later(noise=True))
    assert found.verdict == "redevelop" and "area under the curve" in found.reasons[0]
    fewer = watch(model, later(size=300, noise=True)).measures.set_index("measure")
    many = found.measures.set_index("measure")
    assert fewer.loc["area", "low"] < many.loc["area", "low"] and fewer.loc["area", "detectable"] > 0.05


def test_limits_hold_at_the_rate_they_say(model):
    """Outcomes drawn from the model itself: the level leaves its limits about as often as promised."""
    tape = tape_of(later(size=400), record_date=LATER)
    chance = model.score(tape.frame)["pd"].to_numpy()
    rng, out = np.random.default_rng(5), []
    found = watch_model(model, tape, simulation=FAST).measures.set_index("measure").loc["level"]
    for _ in range(400):
        out.append(not found["low"] <= (rng.random(400) < chance).mean() <= found["high"])
    assert np.mean(out) < 0.025  # 1 per cent less what the error of estimation takes, with room for chance
    inner = found["expected"] + 0.4 * (found[["low", "high"]] - found["expected"]).to_numpy()
    inside = [inner[0] <= (rng.random(400) < chance).mean() <= inner[1] for _ in range(400)]
    assert 0.5 < np.mean(inside) < 0.9  # and they are no wider than chance needs


def test_a_model_of_few_loans_is_not_blamed_for_its_noise():
    """Nothing has changed between fit and test: estimates of many coefficients on few loans rank worse on others."""
    off, level, told = [], [], []
    for seed in range(12):
        sample, _ = study_sample(tape_of(with_noise(500, seed)))
        small, frame = fit_standard(sample), with_noise(4000, seed + 100)
        tape = tape_of(frame.assign(issue_date=frame["issue_date"] + pd.DateOffset(years=3)), record_date=LATER)
        found = watch_model(small, tape, simulation=FAST)
        measures = found.measures.set_index("measure")
        off.append(measures["value"] - measures["expected"])
        level.append(measures.loc["level", "expected"] - small.score(tape.frame)["pd"].mean())
        told.append(any(note.startswith("The model has many coefficients") for note in found.notes))
        assert found.verdict == "keep" and not measures["alarm"].any()
    mean = pd.DataFrame(off).mean()
    assert abs(mean["area"]) < 0.02 and abs(mean["slope"]) < 0.15 and sum(told) >= 9
    assert abs(np.mean(level)) < 0.004  # the mean of what the model says, not of what its noise makes of it


def test_no_verdict_from_few_loans(model):
    found = watch(model, later(size=24))
    assert found.verdict == "no verdict" and not len(found.measures) and np.isnan(found.false_alarm)
    assert "24 loans with one" in found.reasons[0] and "needs 200 loans and 20 of each kind" in found.reasons[0]
    assert any("24 loans" in note for note in found.notes) and found.stability["psi"].isna().all()


def test_without_outcomes_a_shift_decides(model):
    frame = later()
    quiet = watch(model, frame.drop(columns="status"))
    assert quiet.verdict == "no verdict" and "has not shifted" in quiet.reasons[0]
    assert quiet.reasons[0].startswith("No outcome is judged: the tape ")  # and why not
    far = frame.assign(dti=(frame["dti"] / 2 + 20).round(2)).drop(columns="status")
    found = watch(model, far)
    assert found.verdict == "redevelop" and "score has shifted" in found.reasons[0]
    assert list(found.stability["variable"][found.stability["shifted"]]) == ["score", "dti"]


def test_the_models_own_months_are_no_test_of_it(model):
    with pytest.raises(DataError, match="not judged by the loans it was fitted on"):
        watch(model, ended(seed=5))
    assert watch(model, ended(size=1500, seed=5), same_months=True).verdict == "keep"
    mixed = watch(model, pd.concat([ended(size=500, seed=5), later()], ignore_index=True))
    assert mixed.about["judged"] == 1500 and any(
        note.startswith("Set aside: 500 loans of the model's own") for note in mixed.notes
    )


def test_a_common_shock_widens_the_limits_of_the_level(model):
    tape = tape_of(later(), record_date=LATER)
    alone, common = (
        watch_model(model, tape, simulation=replace(FAST, common_shock=shock)).measures.set_index("measure")
        for shock in (0.0, 0.8)
    )
    width = [table.loc["level", "high"] - table.loc["level", "low"] for table in (alone, common)]
    assert width[1] > 1.2 * width[0]


def test_only_what_was_known_on_the_day():
    frame = book(size=3000, dated=True, years=4.0)
    tape, day = tape_of(frame), "2017-06-30"
    event = Event("within", "charged off", 12, "")
    early = observe(tape.as_of(day), event).frame
    assert (early["issue_date"] <= pd.Timestamp(day) - pd.DateOffset(months=12)).all()
    after = pd.to_datetime(frame["closed_date"]) > pd.Timestamp(day)
    changed = frame.assign(
        status=frame["status"].mask(after, "paid"),
        closed_date=frame["closed_date"].mask(after, pd.Timestamp("2018-01-01")),
    )
    again = observe(tape_of(changed).as_of(day), event).frame
    assert (early["bad"].to_numpy() == again["bad"].to_numpy()).all() and early["bad"].sum() > 50
    real = frame.set_index("loan_id").loc[early["loan_id"]]
    by = real["issue_date"] + pd.DateOffset(months=12)
    assert (
        early["bad"].to_numpy() == ((real["status"] == "charged off") & (real["closed_date"] <= by)).to_numpy()
    ).all()


def test_a_final_event_waits_for_the_losses():
    frame = book(size=3000, dated=False, years=8.0, term=36).assign(term=36)
    frame["last_payment_date"] = frame["issue_date"] + pd.to_timedelta(300, "D")
    seen = observe(tape_of(frame), Event("final", "charged off"))
    assert (seen.frame["issue_date"] <= pd.Timestamp("2018-06-30") - pd.DateOffset(months=41)).all() and len(seen) > 500


def test_a_live_book_is_judged_at_the_age_of_its_loans():
    sample, _ = study_sample(tape_of(book(size=4000, seed=2)))
    made = StandardModel.from_json(fit_standard(sample).to_json())
    new = book(size=1500, seed=8, record="2021-06-30")
    found = watch(made, new)
    assert found.verdict == "keep" and found.about["event"].startswith("more than 30 days late")
    level = found.measures.set_index("measure").loc["level"]
    assert abs(level["value"] - level["expected"]) < 0.04
    older = new.assign(issue_date=new["issue_date"] - pd.DateOffset(months=6))
    own = new["issue_date"] > "2018-12-31"  # months that the model has not seen, before and after
    assert watch(made, older[own]).measures.set_index("measure").loc["level", "expected"] > level["expected"]


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("monitor")
    model.to_json(folder / "m.json")
    later().assign(issue_date=lambda frame: frame["issue_date"].dt.strftime("%Y-%m-%d")).to_csv(
        folder / "new.csv", index=False
    )
    return folder


def command(folder, *more, tape="new.csv"):
    arguments = ["monitor", folder / tape, "--model", folder / "m.json", "--record-date", LATER, *more]
    return main([str(argument) for argument in arguments])


def test_the_command_prints_its_rule_and_writes_page_and_json(files, capsys):
    assert command(files, "--html", files / "m.html", "--json", files / "out.json") == exits.FINE
    out = capsys.readouterr().out
    assert out.startswith("verdict: keep") and "Redevelop: the area under the curve" in out
    assert "If nothing had changed, a verdict other than keep would come in" in out
    page = (files / "m.html").read_text(encoding="utf-8")
    assert "<h2>Rule</h2>" in page and "<script" not in page and "default-src 'none'" in page and "://" not in page
    plain = json.loads((files / "out.json").read_text(encoding="utf-8"))
    assert plain["verdict"] == "keep" and len(plain["measures"]) == 4 and plain["stability"][0]["variable"] == "score"


def test_exit_codes_for_schedulers(files, capsys):
    frame = pd.read_csv(files / "new.csv")
    frame.head(24).to_csv(files / "few.csv", index=False)
    frame.assign(status="charged off", dti=frame["dti"].where(frame.index % 3 > 0, 1.0)).iloc[:1450].to_csv(
        files / "bad.csv", index=False
    )
    both = pd.concat([pd.read_csv(files / "bad.csv"), frame.iloc[1450:]])
    both.to_csv(files / "bad.csv", index=False)
    assert command(files, tape="few.csv") == exits.NO_VERDICT
    assert command(files, tape="bad.csv") in (exits.RECALIBRATE, exits.REDEVELOP)
    frame.assign(dti=np.random.default_rng(1).permutation(frame["dti"])).to_csv(files / "random.csv", index=False)
    assert command(files, tape="random.csv") == exits.REDEVELOP
    assert "verdict: redevelop" in capsys.readouterr().out
    frame.assign(dti=frame["dti"] * 1.1).drop(columns="status").to_csv(files / "a bit.csv", index=False)
    assert command(files, tape="a bit.csv") == exits.NO_VERDICT
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("dti"))
    assert re.search(r"small, beyond chance: .", row)  # an index over its limit is not said to be none
    assert command(files, tape="none.csv") == exits.UNREADABLE


def test_a_model_of_an_earlier_day_is_refused_by_name(files, capsys):
    plain = json.loads((files / "m.json").read_text())
    from p2prisk.saved import save

    plain.pop("population")
    (files / "old.json").write_text(save(plain))
    arguments = ["monitor", files / "new.csv", "--model", files / "old.json", "--record-date", LATER]
    assert main([str(argument) for argument in arguments]) == 2
    assert "fit it again" in capsys.readouterr().err
