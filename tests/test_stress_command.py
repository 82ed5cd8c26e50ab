"""`p2prisk stress`: money from probabilities by stated assumptions; scenarios of a file; a code for a broken limit."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import expit

from made_tapes import book, ended, tape_of
from p2prisk.cli import exits, main
from p2prisk.errors import DataError
from p2prisk.policy import Costs, contract_value, stress_model
from p2prisk.policy.stressed import _Loans
from p2prisk.policy.value import monthly_default
from p2prisk.standard import fit_standard
from p2prisk.tape import study_sample
from p2prisk.terms import FitSettings


def priced(size=2500):
    loans = ended(size=size, seed=2)
    return loans.assign(rate=8.0 + loans["dti"] / 5, term=np.where(np.arange(size) % 2, 60, 36))


@pytest.fixture(scope="module")
def case():
    sample, _ = study_sample(tape_of(priced(), record_date="2021-06-30"))
    return fit_standard(sample, predictors=["dti", "income", "home"]), sample


def plan(**shock):
    return {"recovery": 0.2, "scenarios": [{"name": "s", "story": "because", **shock}]}


def whole(found, scenario="s"):
    table = found.table
    return table[(table["scenario"] == scenario) & (table["grade"] == "all") & table["term"].isna()].iloc[0]


@pytest.mark.parametrize("term, rate", [(36, 0.12), (60, 0.0), (1, 0.3), (120, 0.05), (60, 1e-5), (36, 1e-11)])
@pytest.mark.parametrize("funding", [0.07, 0.0, 1e-4])
def test_the_sums_over_the_months_are_those_of_the_months(term, rate, funding):
    odds = np.array([-40.0, -6.0, -2.0, 0.0, 3.0])
    costs = Costs(funding=funding, servicing=0.02, recovery_lag=9)
    full = np.ones(len(odds))
    loans = _Loans(term * full, rate * full, term * full, 0.3, costs)
    for prepayment in (0.0, 0.02):
        default = expit(odds) * (0.5 if prepayment else 1.0)
        hazard, month = monthly_default(default, term, prepayment), costs.monthly_discount
        lost, value, owed, alive = 0.0 * full, -full, 1.0, full
        payment = rate / 12 / -np.expm1(-term * np.log1p(rate / 12)) if rate else 1 / term
        for step in range(1, term + 1):
            after = owed * (1 + rate / 12) - payment
            paid = (1 - hazard) * payment + prepayment * after
            value = value + alive * month**step * (0.98 * paid + hazard * 0.3 * owed * month**9)
            lost = lost + alive * hazard * owed * 0.7
            owed, alive = after, alive * (1 - hazard - prepayment)
        got = contract_value(rate, term, default, recovery=0.3, prepayment=prepayment, costs=costs)
        np.testing.assert_allclose(got, value, rtol=0, atol=1e-10)
        if not prepayment:
            np.testing.assert_allclose(loans.value(odds, funding), value, rtol=0, atol=1e-10)
            np.testing.assert_allclose(loans.loss(odds), lost, rtol=0, atol=1e-10)


def test_shifts_do_what_they_say(case):
    model, tape = case
    odds, _ = model.log_odds(tape.frame)
    weight = tape.frame["amount"] / tape.frame["amount"].sum()
    found = stress_model(model, tape, plan(odds=2.0))
    assert np.isclose(whole(found)["pd"], weight @ expit(odds + np.log(2)))
    assert np.isclose(whole(found, "as it is")["pd"], weight @ model.score(tape.frame)["pd"])
    long = (tape.frame["term"] == 60).to_numpy()
    found = stress_model(model, tape, plan(odds_by={"term": {60: 3.0}}))
    assert np.isclose(whole(found)["pd"], weight @ expit(odds + np.log(3) * long))
    found = stress_model(model, tape, plan(traits={"dti": {"times": 1.1, "plus": 2}}))
    moved = model.score(tape.frame.assign(dti=tape.frame["dti"] * 1.1 + 2))["pd"]
    assert np.isclose(whole(found)["pd"], weight @ moved)
    assert any("leave the range of dti" in note for note in found.notes)
    less = whole(stress_model(model, tape, plan(recovery={"to": 0.0})))
    base = whole(found, "as it is")
    assert np.isclose(less["expected_loss"] * 0.8, base["expected_loss"]) and less["pd"] == base["pd"]
    assert base["low"] < base["expected_loss"] < base["high"]
    parts = found.table[(found.table["scenario"] == "s") & found.table["term"].notna()]
    assert parts["loans"].sum() == len(tape) and np.isclose(
        (parts["expected_loss"] * parts["amount"]).sum() / parts["amount"].sum(), whole(found)["expected_loss"]
    )


def test_at_the_break_even_shift_lenders_earn_the_floor(case):
    model, tape = case
    limits = {"limits": {"lenders_return": 0.02}}
    base = whole(stress_model(model, tape, plan(odds=1.0) | limits), "as it is")
    again = stress_model(model, tape, plan(odds=float(base["break_even"])) | limits)
    assert np.isclose(whole(again)["lenders_return"], 0.02, atol=1e-6) and np.isclose(whole(again)["break_even"], 1.0)
    assert base["lenders_return"] > 0.02 and base["break_even"] > 1


def test_the_interval_is_that_of_drawn_coefficients(case):
    model, tape = case
    found = whole(stress_model(model, tape, plan(odds=1.5)))
    rng, params = np.random.default_rng(0), model.results.params
    draws = rng.multivariate_normal(params, model.results.cov_params(), 400)
    odds, jacobian = model.log_odds(tape.frame)
    weight = (tape.frame["amount"] / tape.frame["amount"].sum()).to_numpy()
    term, rate = tape.frame["term"].to_numpy(float), tape.frame["rate"].to_numpy() / 100
    loans = _Loans(term, rate, term, 0.2, Costs())
    losses = [weight @ loans.loss(odds + np.log(1.5) + jacobian @ (draw - params)) for draw in draws]
    assert np.isclose(found["high"] - found["low"], 2 * 1.96 * np.std(losses), rtol=0.12)


def test_a_horizon_short_of_the_end_has_no_return_and_a_term_of_a_formula_is_shifted():
    sample, _ = study_sample(tape_of(book(size=6000, dated=True)), 12)
    model = fit_standard(sample, settings=FitSettings(formula="np.log1p(dti) + home"))
    found = stress_model(model, sample, plan(traits={"dti": {"times": 1.5}}))
    assert found.table["lenders_return"].isna().all() and found.table["break_even"].isna().all()
    assert whole(found)["pd"] > whole(found, "as it is")["pd"] and "No lenders' return" in found.notes[-2]
    with pytest.raises(DataError, match="lenders_return cannot be judged"):
        stress_model(model, sample, plan(odds=2.0) | {"limits": {"lenders_return": 0.0}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stress")
    priced(1200).to_csv(folder / "loans.csv", index=False)
    day = ["--record-date", "2021-06-30"]
    assert main(["fit", str(folder / "loans.csv"), "--output", str(folder / "m.json"), *day]) == 0
    return folder


def stress(folder, given, *more, tape="loans.csv"):
    if not isinstance(given, str):
        (folder / "s.yml").write_text(yaml.safe_dump(given), encoding="utf-8")
        given = str(folder / "s.yml")
    return main(["stress", str(folder / tape), "--model", str(folder / "m.json"), "--scenario", given, *more])


def test_the_command_its_page_and_its_codes(folder, capsys):
    page, data = folder / "s.html", folder / "s.json"
    assert stress(folder, "example", "--html", str(page), "--json", str(data)) in (exits.FINE, exits.BROKEN)
    assert "recession without recovery" in page.read_text(encoding="utf-8")
    assert json.loads(data.read_text(encoding="utf-8"))["plan"]["recovery"] == 0.1
    assert stress(folder, plan(odds=2.0) | {"limits": {"expected_loss": 0.01}}) == exits.BROKEN
    assert "s: the expected loss is" in capsys.readouterr().out
    assert stress(folder, plan(odds=2.0) | {"limits": {"expected_loss": 1.0}}) == exits.FINE


@pytest.mark.parametrize(
    "given, says",
    [
        (plan(odds="high"), "scenarios.0.odds"),
        (plan(odds=0.0), "scenarios.0.odds"),
        (plan(), "give one of odds or odds_by or traits or recovery"),
        (plan(odds=2.0, code="import os"), "code"),
        (plan(traits={"grade": {"times": 2}}), "'grade' is no number that the model reads; it reads "),
        (plan(traits={"home": {"times": 2}}), "'home' is no number that the model reads"),
        (plan(odds_by={"term": {48: 2.0}}), "no loan has term = 48; the tape has 36, 60"),
        (plan(odds_by={"status": {"paid": 2.0}}), "no column 'status' known at issue"),
        ({"scenarios": [*plan(odds=2.0)["scenarios"], *plan(odds=2.0)["scenarios"]]}, "two scenarios have one name"),
        ("nowhere.yml", "there is no such file of scenarios"),
    ],
)
def test_a_wrong_file_is_refused_by_place(folder, capsys, given, says):
    assert stress(folder, given) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_odd_tapes(folder, capsys):
    loans = pd.read_csv(folder / "loans.csv")
    for name, frame, says in (
        ("no_amount.csv", loans.drop(columns="amount"), "amount"),
        ("no_trait.csv", loans.drop(columns="dti"), "dti"),
        ("empty.csv", loans.head(0), "no rows"),
    ):
        frame.to_csv(folder / name, index=False)
        assert stress(folder, plan(odds=2.0), "--format", "canonical", tape=name) == 2
        assert says in capsys.readouterr().err
    loans.head(24).to_csv(folder / "few.csv", index=False)
    assert stress(folder, plan(odds=2.0), tape="few.csv") == 0
    loans.head(24).assign(amount=[0.0] + [1000.0] * 23).to_csv(folder / "zero.csv", index=False)
    assert stress(folder, plan(odds=2.0), tape="zero.csv") == 0
    assert "1 loan without an amount" in capsys.readouterr().out
    before = (folder / "loans.csv").read_bytes()
    assert stress(folder, plan(odds=2.0), "--html", str(folder / "loans.csv")) == 2
    assert stress(folder, str(folder / "s.yml"), "--json", str(folder / "s.yml")) == 2
    assert (folder / "loans.csv").read_bytes() == before


def test_a_rate_that_the_model_does_not_read_is_not_said_to_be_absent(folder, capsys):
    """A model keeps the mapping of what is known of an applicant; its tape was told to have no rate."""
    own = pd.read_csv(folder / "loans.csv").rename(columns={"rate": "apr"})
    own.to_csv(folder / "own.csv", index=False)
    columns = {
        name: {"from": "apr" if name == "rate" else name} for name in [*own.columns[own.columns != "apr"], "rate"]
    }
    (folder / "own.yml").write_text(yaml.safe_dump({"format": "own", "columns": columns}), encoding="utf-8")
    named = ["--map", str(folder / "own.yml")]
    fit = ["fit", str(folder / "own.csv"), "--output", str(folder / "own.json"), "--record-date", "2021-06-30"]
    assert main([*fit, *named]) == 0
    asked = ["stress", str(folder / "own.csv"), "--model", str(folder / "own.json"), "--scenario", "example"]
    assert main(asked) in (exits.FINE, exits.BROKEN)
    out = capsys.readouterr().out
    assert "no rate was read (if the tape has one, give the mapping that names its column: --map)" in out
    assert "rate: not read: what is owed falls in equal parts" in out
    assert main([*asked, *named]) in (exits.FINE, exits.BROKEN)
    assert "no rate was read" not in (out := capsys.readouterr().out) and "rate: of each loan" in out


def test_a_model_of_the_grade_has_no_event():
    tape = tape_of(book(size=900))
    with pytest.raises(DataError, match="no event whose odds"):
        stress_model(fit_standard(tape, "grade"), tape, plan(odds=2.0))


def test_what_the_shipped_example_shows_between_its_comments_is_of_the_schema():
    import jsonschema

    from p2prisk.cli import stress as command

    text = command._asset("scenarios.yml").read_text(encoding="utf-8")
    full = yaml.safe_load("\n".join(re.sub("^# ", "  ", line) for line in text.split("\n\n", 1)[1].splitlines()))
    assert len(full["scenarios"]) == 4 and set(full["limits"]) == {"expected_loss", "lenders_return"}
    jsonschema.validate(full, command.schema())
