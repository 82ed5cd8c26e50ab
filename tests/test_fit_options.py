"""`p2prisk fit` with what the analyst asks for: terms, own columns, weights, horizon, day, link and family."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from made_tapes import book, ended, tape_of
from p2prisk.cli import main
from p2prisk.errors import DataError, ModelError
from p2prisk.monitor import Simulation, watch_model
from p2prisk.saved import checksum
from p2prisk.scorecard.scoring import LoanScorer
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import study_sample
from p2prisk.terms import FitSettings, computed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A lender's file with columns of his own: a branch that matters, an outcome in disguise, an address, weights."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(5)
    loans = ended(size=3000, seed=4)
    bad = (loans["status"] != "paid").to_numpy()
    loans["Branch Code"] = np.where(bad & (rng.random(3000) < 0.4), "North", rng.choice(["East", "West"], 3000))
    loans["score 2"] = rng.normal(600, 50, 3000).round(0)
    loans["note"] = np.where(bad, 1.0, 0.0) + rng.normal(0, 0.1, 3000)
    loans["totalPaid"] = rng.random(3000)
    loans["contact"] = [f"p{place}@bank.example" for place in range(3000)]
    loans["stands_for"] = rng.integers(1, 4, 3000)
    loans.to_csv(folder / "loans.csv", index=False)
    book(size=6000, dated=True).to_csv(folder / "live.csv", index=False)
    return folder


def fit(folder, *options, tape="loans.csv", day="2018-06-30"):
    record = ["--record-date", day]
    return main(["fit", str(folder / tape), "--output", str(folder / "m.json"), *record, *options])


def scored(folder, tape="loans.csv", *options):
    assert (
        main(["score", str(folder / tape), "--model", str(folder / "m.json"), "--output", str(folder / "s.csv")]) == 0
    )
    return pd.read_csv(folder / "s.csv")


OWN = "class.branch=Branch Code,number.score2=score 2"


def test_terms_and_own_columns_travel_with_the_model_and_a_score_is_of_the_row_alone(folder, capsys):
    terms = (
        "np.log1p(income) + dti + np.maximum(dti - 20, 0) + class.branch + number.score2 + home:C(term) + dti:amount"
    )
    assert fit(folder, "--own", OWN, "--formula", terms) == 0
    model = StandardModel.from_json(folder / "m.json")
    assert {rule["column"] for rule in model.rules} >= {"np.log1p(income)", "np.maximum(dti - 20, 0)", "class.branch"}
    assert set(model.inputs) <= {"income", "dti", "amount", "home", "term", "class.branch", "number.score2"}
    assert model.about["settings"]["formula"] == terms
    whole = scored(folder)
    assert {"points", "grade", "pd", "pd_low", "pd_high", "reason_4", "refer"} <= set(whole)
    pd.read_csv(folder / "loans.csv").iloc[[17]].drop(columns=["status"]).to_csv(folder / "one.csv", index=False)
    alone = scored(folder, "one.csv").drop(columns="row")
    pd.testing.assert_frame_equal(
        alone, whole.iloc[[17]].drop(columns="row").reset_index(drop=True), check_dtype=False, check_exact=True
    )
    later = pd.read_csv(folder / "loans.csv").assign(
        issue_date=lambda t: pd.to_datetime(t["issue_date"]) + pd.DateOffset(years=3)
    )
    later.to_csv(folder / "later.csv", index=False)
    assert main(["monitor", str(folder / "later.csv"), "--model", str(folder / "m.json")]) in (0, 10, 11)
    assert "class.branch " in capsys.readouterr().out
    later.drop(columns="Branch Code").to_csv(folder / "later.csv", index=False)
    assert main(["monitor", str(folder / "later.csv"), "--model", str(folder / "m.json")]) == 2
    assert "no column 'Branch Code' (needed for class.branch)" in capsys.readouterr().err


def test_two_models_with_own_columns_meet(folder, capsys):
    assert fit(folder, "--predictors", "dti,home") == 0
    (folder / "m.json").rename(folder / "plain.json")
    assert fit(folder, "--own", OWN) == 0
    later = pd.read_csv(folder / "loans.csv")
    later["issue_date"] = pd.to_datetime(later["issue_date"]) + pd.DateOffset(years=3)
    later.to_csv(folder / "later.csv", index=False)
    ask = ["challenge", str(folder / "later.csv"), "--model", str(folder / "plain.json")]
    assert main([*ask, "--against", str(folder / "m.json"), "--by", "class.branch"]) == 0
    assert "The challenger ranks these loans better" in capsys.readouterr().out  # the branch was made of the outcome


@pytest.mark.parametrize(
    "options, says",
    [
        (["--own", "Branch Code"], "class.Branch_Code"),
        (["--own", "class.branch=Branch"], "did you mean 'Branch Code'? Say --own class.branch=Branch Code"),
        (["--own", "number.x=income"], "income, which is known: issue; name it so: --predictors income"),
        (["--own", "class.x=status"], "status, which is known: later; it cannot predict"),
        (["--own", "number.x=totalPaid"], "say so: --known-at-issue number.x"),
        (["--own", "class.x=contact"], "holds personal data (e-mail address)"),
        (["--own", "number.note"], "number.note alone ranks the loans with an area of"),
        (["--known-at-issue", "number.note"], "name these columns with --own, too"),
        (["--formula", "dti + grade"], "grade (set by the platform's own model)"),
        (["--formula", "dti + ().__class__"], "cannot be read at character"),
        (["--formula", "dti + bs(income, df=4)"], "np.maximum(dti - 20, 0)"),
        (["--formula", "dti:home"], "crosses a number with classes"),
        (["--formula", "grade ~ dti"], "said by --outcome"),
        (["--formula", "dti", "--predictors", "home"], "not both"),
        (["--formula", "dti + branch"], "branch (not a canonical column: map it first, or name it with --own)"),
        (["--predictors", "incme"], "incme (did you mean income? Else map it first"),
        (["--predictors", "rate"], "'p2prisk columns --known issue' lists the admissible ones"),
        (["--predictors", ""], "--predictors is empty: give a value, or leave it out"),
        (["--weights", "number.w=Branch Code"], "cannot be read"),
        (["--horizon", "12"], "neither closed_date nor last_payment_date"),
        (["--as-of", "1999-01-01"], "no loan had been issued by 1999-01-01"),
        (["--as-of", "2016-12-31"], "cannot be wound back; map closed_date or last_payment_date"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_remedy(folder, capsys, options, says):
    (folder / "m.json").unlink(missing_ok=True)
    assert fit(folder, *options) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (folder / "m.json").exists()


def test_a_hazard_is_sent_to_where_it_is(folder, capsys):
    for method, says in (("hazard", "'p2prisk report' fits it"), ("trees", "choose from cumulative, sequential")):
        with pytest.raises(SystemExit, match="2"):
            fit(folder, "--method", method)
        assert says in " ".join(capsys.readouterr().err.split())


def test_bias_reduced_estimates_are_those_of_firth(folder, capsys):
    asked = ["--outcome", "bad", "--predictors", "dti,home", "--method", "bias-reduced"]
    frame = pd.read_csv(folder / "loans.csv").head(260)
    frame.to_csv(folder / "few.csv", index=False)
    assert fit(folder, *asked, "--anyway", tape="few.csv") == 0
    assert "bias-reduced" in capsys.readouterr().out
    model = StandardModel.from_json(folder / "m.json")
    design = model.design(tape_of(frame).frame)[0][model.results.exog_names]
    values, bad = sm.add_constant(design).to_numpy(float), (frame["status"] != "paid").to_numpy(float)
    slopes = np.zeros(values.shape[1])
    for _ in range(60):
        chance = 1 / (1 + np.exp(-values @ slopes))
        weighted = values * np.sqrt(chance * (1 - chance))[:, None]
        inverse = np.linalg.inv(weighted.T @ weighted)
        hat = (weighted @ inverse * weighted).sum(axis=1)
        slopes += inverse @ values.T @ (bad - chance + hat * (0.5 - chance))
    assert np.allclose(model.results.slopes, slopes[1:], atol=1e-6)
    assert len(scored(folder, "few.csv")) == 260 and model.in_points


def test_the_remedies_work(folder):
    assert fit(folder, "--own", "number.x=totalPaid", "--known-at-issue", "number.x") == 0
    assert fit(folder, "--own", "number.note", "--known-at-issue", "number.note") == 0
    mapping = {"columns": {name: {"from": name} for name in ("amount", "term", "dti", "status", "issue_date")}}
    mapping["columns"]["number.note"] = {"from": "note", "known_at_issue": True}
    (folder / "map.yml").write_text(json.dumps(mapping), encoding="utf-8")
    assert fit(folder, "--map", str(folder / "map.yml")) == 0


def test_weights_are_those_of_a_survey(folder, capsys):
    assert fit(folder, "--weights", "number.w=stands_for", "--outcome", "bad", "--predictors", "dti,home") == 0
    assert re.search(r"Observations: +3,000 ", capsys.readouterr().out)
    model = StandardModel.from_json(folder / "m.json")
    raw = pd.read_csv(folder / "loans.csv")
    design = model.design(tape_of(raw).frame)[0][model.results.exog_names]
    weights = raw["stands_for"] / raw["stands_for"].mean()
    peer = sm.GLM(
        (raw["status"] != "paid").astype(float), sm.add_constant(design), sm.families.Binomial(), freq_weights=weights
    )
    slopes = peer.fit().params
    assert np.allclose(model.results.slopes, slopes.iloc[1:], atol=1e-6)
    # sandwich of the weighted scores, as survey::svyglm has it
    values = sm.add_constant(design).to_numpy(float)
    chance = 1 / (1 + np.exp(-values @ slopes.to_numpy()))
    score = values * (weights * ((raw["status"] != "paid") - chance)).to_numpy()[:, None]
    bread = np.linalg.inv((values * (weights * chance * (1 - chance)).to_numpy()[:, None]).T @ values)
    error = np.sqrt(np.diag(bread @ (score.T @ score) @ bread))[1:]
    assert np.allclose(model.results.bse.iloc[:-1], error, rtol=2e-3)
    assert "number.w" not in model.reading["mapping"]["columns"]  # an applicant has no weight
    assert len(scored(folder)) == 3000


def test_a_model_of_a_day_knows_nothing_of_later_ones(folder, capsys):
    how = ["--as-of", "2017-12-31", "--horizon", "6", "--predictors", "dti,home,income"]
    assert fit(folder, *how, tape="live.csv") == 0
    first = StandardModel.from_json(folder / "m.json")
    assert first.about["as_of"] == "2017-12-31" and first.event["horizon"] == 6 and first.reading["mapping"]
    live = pd.read_csv(folder / "live.csv")
    later = pd.to_datetime(live["issue_date"]) > "2017-12-31"
    closed = pd.to_datetime(live["closed_date"]) > "2017-12-31"
    live.loc[closed, "status"], live.loc[closed, "closed_date"] = "current", None
    live[~later].to_csv(folder / "cut.csv", index=False)
    assert fit(folder, *how, tape="cut.csv", day="2017-12-31") == 0
    assert np.allclose(first.results.params, StandardModel.from_json(folder / "m.json").results.params)


@pytest.mark.parametrize("link, method", [("probit", "cumulative"), ("cloglog", "cumulative"), ("logit", "sequential")])
def test_other_links_and_families_score_with_an_interval_and_are_watched(link, method):
    tape, _ = study_sample(tape_of(ended(size=4000, seed=1)))
    model = fit_standard(tape, "severity", settings=FitSettings(("dti", "home"), link=link, method=method))
    model = StandardModel.from_json(model.to_json())
    table = LoanScorer(model).score(tape.frame)
    results, cut = model.results, model._cut
    probability = results.predict(model.design(tape.frame)[0])
    assert np.allclose(table["pd"], probability.iloc[:, cut + 1 :].sum(axis=1), atol=1e-12)
    assert "points" not in table and (table["pd_low"] < table["pd"]).all() and (table["pd"] < table["pd_high"]).all()
    alone = LoanScorer(model).score(tape.frame.iloc[[5]])
    pd.testing.assert_frame_equal(alone, table.iloc[[5]], check_exact=True)
    # the interval is that of a numerical derivative
    step, base = 1e-5, results.params.to_numpy()
    slopes = []
    for place in range(len(base)):
        moved = []
        for sign in (1, -1):
            shifted = base.copy()
            shifted[place] += sign * step
            linear = model.design(tape.frame.iloc[[5]])[0].to_numpy(float) @ shifted[: len(results.slopes)]
            chances = results.family.probabilities(shifted[len(results.slopes) :][None, :] - linear[:, None])
            bad = chances[:, cut + 1 :].sum()
            moved.append(np.log(bad / (1 - bad)))
        slopes.append((moved[0] - moved[1]) / (2 * step))
    half = 1.959963984540054 * np.sqrt(np.array(slopes) @ results.cov_params().to_numpy() @ np.array(slopes))
    odds = np.log(table["pd"] / (1 - table["pd"]))[5]
    assert np.isclose(np.log(table["pd_high"] / (1 - table["pd_high"]))[5], odds + half, atol=1e-6)
    new = ended(size=1500, seed=9).assign(issue_date=lambda t: t["issue_date"] + pd.DateOffset(years=3))
    found = watch_model(model, tape_of(new, record_date="2021-06-30"), simulation=Simulation(draws=200))
    assert found.verdict == "keep"


def test_a_term_is_of_its_row_and_gaps_stay_gaps():
    frame = pd.DataFrame({"income": [0.0, 9.0, None], "home": ["own", None, "rent"], "term": [36, 60, 36]})
    assert computed("np.log(income)", frame).isna().tolist() == [True, False, True]
    assert computed("home:C(term)", frame).tolist() == ["own x 36", None, "rent x 36"]
    with pytest.raises(ModelError, match="names no column"):
        FitSettings(formula="income + I(2 ** 3)")
    with pytest.raises(DataError, match="needs numbers"):
        computed("np.log(home)", frame)


@pytest.mark.parametrize(
    "term", ["().__class__", "I(rate * dti)", "os.system(dti)", "dti", "bs(dti, df=3)", "dti + income"]
)
def test_a_forged_term_is_refused(term):
    tape = tape_of(ended(size=900))
    model = fit_standard(tape, "bad", settings=FitSettings(formula="I(dti / 10) + home"))
    text = model.to_json().replace("I(dti / 10)", term)
    plain = json.loads(text)
    plain["model"]["checksum"] = checksum(plain["model"])
    with pytest.raises(DataError):
        StandardModel.from_json(json.dumps({**plain, "checksum": checksum(plain)}))
    assert StandardModel.from_json(model.to_json()).inputs == ["dti", "home"]


def test_few_loans_carry_no_model_unless_asked_and_another_unit_is_seen_when_scoring(folder, capsys):
    loans = pd.read_csv(folder / "loans.csv")
    loans.head(24).to_csv(folder / "few.csv", index=False)
    (folder / "m.json").unlink(missing_ok=True)
    assert fit(folder, tape="few.csv") == 1
    assert "too few for a model (200 loans, 20 of each kind)" in capsys.readouterr().err
    assert not (folder / "m.json").exists()
    assert fit(folder, "--anyway", tape="few.csv") == 0
    assert "24 loans" in capsys.readouterr().err
    assert fit(folder, "--predictors", "dti,home") == 0
    capsys.readouterr()
    scored(folder)
    assert "another unit" not in capsys.readouterr().err
    loans.assign(dti=loans["dti"] / 100).to_csv(folder / "share.csv", index=False)
    scored(folder, "share.csv")
    assert "warning: dti: 100% of these loans lie where the lowest 10%" in capsys.readouterr().err
