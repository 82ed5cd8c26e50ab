"""The standard model: its rules, its repairs, and the same numbers after a journey through JSON."""

import numpy as np
import pandas as pd
import pytest

from made_tapes import book, ended, tape_of
from p2prisk import OrderedLogit, SequentialLogit, load, standard
from p2prisk.errors import DataError, ModelError
from p2prisk.ordered import likelihood
from p2prisk.scorecard import Scorecard
from p2prisk.standard import StandardModel, design_of, drop_copies, fit_standard, make_rules
from p2prisk.tape import study_sample
from p2prisk.terms import FitSettings


@pytest.fixture(scope="module")
def tape():
    return load("lendingclub-2018")


@pytest.fixture(scope="module")
def model(tape):
    return fit_standard(tape, "grade")


def test_it_is_the_ordered_logit_on_its_design(tape, model):
    design, flags = model.design(tape.frame)
    again = OrderedLogit(tape.frame["grade"], design[model.results.exog_names]).fit()
    assert np.allclose(again.params, model.results.params, rtol=1e-8, atol=1e-10)
    assert not flags["new_level"].any() and not flags["out_of_range"].any()


def test_no_predictor_is_known_later_or_protected(model):
    used = {rule["column"] for rule in model.rules}
    assert not used & {
        "rate",
        "sub_grade",
        "instalment",
        "severity",
        "status",
        "principal_paid",
        "sex",
        "age",
        "marital_status",
    }
    assert {"income", "dti", "inquiries", "term"} <= used
    with pytest.raises(DataError, match="rate .set by the platform's own model"):
        fit_standard(load("lendingclub-2018"), "grade", ["income", "rate"])


def test_json_gives_the_same_scores(tape, model, tmp_path):
    model.to_json(tmp_path / "model.json")
    again = StandardModel.from_json(tmp_path / "model.json")
    pd.testing.assert_frame_equal(again.score(tape.frame), model.score(tape.frame), check_exact=False, rtol=1e-12)
    scores = model.score(tape.frame)
    probabilities = scores[[name for name in scores if name.startswith("p_")]].to_numpy()
    assert np.allclose(probabilities.sum(axis=1), 1) and (probabilities > 0).all()


def test_missing_has_its_own_coefficient(tape):
    frame = tape.frame.copy()
    frame.loc[frame["grade"] >= "D", "dti"] = np.nan  # missing where the grade is bad
    model = fit_standard(type(tape)(frame), "grade", ["dti", "income"])
    assert "dti: missing" in model.results.params.index and model.results.params["dti: missing"] > 1
    assert model.score(frame)["missing"].sum() == frame["dti"].isna().sum()


def test_new_levels_and_values_are_flagged_or_refused(tape, model):
    frame = tape.frame.head(4).copy()
    frame["home"] = frame["home"].cat.add_categories("tent")
    frame.loc[0, "home"] = "tent"
    frame.loc[1, "dti"] = 900.0
    scores = model.score(frame)
    assert scores["new_level"].tolist() == [True, False, False, False]
    assert scores["out_of_range"].tolist() == [False, True, False, False]
    assert scores.notna().all().all()
    with pytest.raises(DataError, match="2 of 4 loans with an attribute outside"):
        model.score(frame, drift="refuse")


def test_numbers_are_held_inside_their_quantiles_and_counts_enter_as_logarithms(tape):
    rules, _ = make_rules(tape.frame, ["income", "dti", "inquiries"])
    design, _ = design_of(tape.frame, rules)
    income, dti, inquiries = tape.frame["income"], tape.frame["dti"], tape.frame["inquiries"]
    assert design["income"].max() == pytest.approx(np.log1p(income.quantile(0.995)))
    assert design["dti"].max() == pytest.approx(dti.quantile(0.995)) and design["dti"].max() < dti.max()
    assert design.loc[dti.isna(), "dti"].eq(dti.median()).all() and dti.isna().any()
    inside = inquiries.between(rules[2]["low"], rules[2]["high"])
    assert np.allclose(design.loc[inside, "inquiries"], np.log1p(inquiries[inside]))


def test_rare_levels_are_known_not_new(tape):
    rules, _ = make_rules(tape.frame, ["purpose"])
    assert "renewable energy" in rules[0]["rare"] and rules[0]["spare"] == "other"


def test_scoring_needs_its_columns(tape, model):
    with pytest.raises(DataError, match="the model needs dti"):
        model.score(tape.frame.drop(columns="dti"))


def test_copies_are_left_out_and_named():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 500))
    design = pd.DataFrame({"a": a, "b": b, "sum": a + b, "near": a + 0.01 * b, "c": rng.normal(size=500), "one": 1.0})
    why = {}
    assert drop_copies(design, why) == ["a", "b", "c"]
    assert set(why) == {"sum", "near", "one"} and "100 %" in why["sum"]


def test_outcome_good_or_bad():
    model = fit_standard(load("modeldata-lendingclub"), predictors=["income", "term", "inquiries"])
    assert model.outcome == "bad" and model.results.categories == ["good", "bad"]


def test_errors(tape, tmp_path):
    with pytest.raises(ModelError, match="outcome is one of"):
        fit_standard(tape, "rate")
    with pytest.raises(DataError, match="no column age"):
        fit_standard(tape, "grade", ["age"])
    with pytest.raises(ModelError, match="no predictor is left: term: the same in every row"):
        fit_standard(tape.keep(tape.frame["term"] == 36, "x"), "grade", ["term"])
    (tmp_path / "x.json").write_text("{}")
    for name, pattern in (("no.json", "is not there"), ("x.json", "no model of 'p2prisk fit'")):
        with pytest.raises(DataError, match=pattern):
            StandardModel.from_json(tmp_path / name)
    (tmp_path / "y.json").write_text("not json")
    with pytest.raises(DataError, match="is not JSON"):
        StandardModel.from_json(tmp_path / "y.json")


@pytest.fixture(scope="module")
def separated(tape):
    """Thirty loans of a level of their own, all of the best grade."""
    frame = tape.frame.head(1500).copy()
    best = frame["grade"].cat.categories[0]
    frame["home"] = frame["home"].cat.add_categories("boat")
    frame.loc[frame.index[:30], "home"], frame.loc[frame.index[:30], "grade"] = "boat", best
    return type(tape)(frame)


def test_a_rare_level_that_separates_is_merged_and_said(separated, tmp_path):
    model = fit_standard(separated, "grade", ["home", "income", "dti"])
    (note,) = model.notes
    assert "In home the level boat (30 loans, 2.0% of all" in note and note in str(model.results.summary())
    (rule,) = [rule for rule in model.rules if rule["column"] == "home"]
    into = rule["merged"]["boat"]
    assert "boat" not in rule["levels"] and into in rule["levels"]
    # the merge travels: an applicant is scored alike, alone or in company, before and after the journey
    model.to_json(tmp_path / "model.json")
    again = StandardModel.from_json(tmp_path / "model.json")
    assert again.notes == model.notes
    boats = separated.frame.head(3)
    scores = again.score(boats)
    assert not scores["new_level"].any()
    other = again.score(boats.assign(home=pd.Categorical([into] * 3, boats["home"].cat.categories)))
    pd.testing.assert_frame_equal(scores, other)
    pd.testing.assert_frame_equal(again.score(separated.frame).head(3), scores)


def test_what_no_merge_cures_is_bias_reduced_and_said(separated):
    frame = separated.frame.copy()
    # missing where the grade is best: a column of its own, and no level
    frame["dti"] = frame["dti"].fillna(20.0).where(frame["home"] != "boat")
    frame["home"] = frame["home"].where(frame["home"] != "boat", "rent")
    model = fit_standard(type(separated)(frame), "grade", ["home", "income", "dti"])
    assert model.results.estimator == "bias_reduced" and np.isfinite(model.results.bse).all()
    (note,) = model.notes
    assert "dti: missing" in note and "the fit is bias-reduced" in note


def test_a_predictor_merged_to_one_level_is_left_out_with_the_reason(separated):
    frame = separated.frame.copy()
    two = np.where(frame["home"] == "boat", "boat", "rent")
    frame["home"] = pd.Categorical(two, ["rent", "boat"])
    model = fit_standard(type(separated)(frame), "grade", ["home", "income"])
    assert [rule["column"] for rule in model.rules] == ["income"]
    assert "drops out" in model.left_out["home"] and "drops out" in model.notes[0]


def test_the_search_for_copies_holds_no_copy_of_the_design():
    """The products are added up piece by piece; whole, they held the design twice more and waited for each other."""
    import tracemalloc

    from p2prisk.standard import drop_copies

    values = np.asfortranarray(np.random.default_rng(3).normal(size=(40_001, 12)))
    values[:, 7] = values[:, 2] + 0.01 * values[:, 7]
    values[:, 9] = 4.0
    design = pd.DataFrame(values, columns=[f"x{place}" for place in range(12)])
    tracemalloc.start()
    try:
        left_out: dict = {}
        kept = drop_copies(design, left_out)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept == [f"x{place}" for place in range(12) if place not in (7, 9)]
    assert left_out == {"x7": "explained to 100 % by the earlier columns", "x9": "the same in every row"}
    assert peak < 1.5 * values.nbytes


def _cases(tape, separated):
    gaps = separated.frame.copy()
    gaps["dti"] = gaps["dti"].fillna(20.0).where(gaps["home"] != "boat")
    gaps["home"] = gaps["home"].where(gaps["home"] != "boat", "rent")
    live, _ = study_sample(tape_of(book(size=3000)))
    return {
        "grades": (tape, "grade", FitSettings()),
        "a formula": (load("modeldata-lendingclub"), "bad", FitSettings(formula="np.log1p(income) + term")),
        "stages": (tape, "grade", FitSettings(("income", "dti"), method="sequential")),
        "probit, bias-reduced": (tape, "grade", FitSettings(("income", "home"), link="probit", method="bias-reduced")),
        "a live book": (live, "bad", FitSettings()),
        "a level that separates": (separated, "grade", FitSettings(("home", "income", "dti"))),
        "what no merge cures": (type(tape)(gaps), "grade", FitSettings(("home", "income", "dti"))),
    }


@pytest.mark.parametrize(
    "case",
    [
        "grades",
        "a formula",
        "stages",
        "probit, bias-reduced",
        "a live book",
        "a level that separates",
        "what no merge cures",
    ],
)
def test_a_design_that_is_never_whole_gives_the_same_model(tape, separated, case, monkeypatch):
    loans, outcome, settings = _cases(tape, separated)[case]
    whole = fit_standard(loans, outcome, settings=settings, held=False)  # few loans are held all the same
    assert whole.results.model is not None
    monkeypatch.setattr(standard, "_WHOLE", 100)
    monkeypatch.setattr(likelihood, "BATCH_ROWS", 333)
    assert fit_standard(loans, outcome, settings=settings).results.model is not None
    parts = fit_standard(loans, outcome, settings=settings, held=False)
    assert parts.results.model is None and isinstance(parts.results.rows, likelihood.PartRows)
    assert (parts.rules, parts.left_out, parts.notes) == (whole.rules, whole.left_out, whole.notes)
    for name in ("params", "bse"):
        ours, theirs = getattr(parts.results, name), getattr(whole.results, name)
        assert list(ours.index) == list(theirs.index)
        assert np.abs((ours - theirs) / whole.results.bse).max() < 1e-8
    assert parts.results.llf == pytest.approx(whole.results.llf, rel=1e-12)
    assert parts.results.llnull == pytest.approx(whole.results.llnull, rel=1e-12)
    if settings.link == "logit" and settings.method == "cumulative":
        assert parts.results.pseudo_rsquared("mckelvey-zavoina") == pytest.approx(
            whole.results.pseudo_rsquared("mckelvey-zavoina"), rel=1e-9
        )
    if parts.in_points and outcome == "bad":
        cards = [Scorecard.from_result(model) for model in (parts, whole)]
        assert cards[0].characteristics == cards[1].characteristics
    again = StandardModel.from_json(parts.to_json())
    assert again.results.rows is None
    pd.testing.assert_frame_equal(again.score(loans.frame), whole.score(loans.frame), rtol=1e-7)


def test_a_model_of_parts_says_what_it_cannot_do(monkeypatch):
    rng = np.random.default_rng(1)
    x, groups = rng.normal(size=(500, 2)), np.arange(500) // 5
    late = pd.Series(np.digitize(x[:, 0] + rng.logistic(size=500), [-1, 1]))
    monkeypatch.setattr(likelihood, "BATCH_ROWS", 33)  # clusters lie across blocks
    for kind in (OrderedLogit, SequentialLogit):
        whole, parts = kind(late, x), kind.from_parts(late, ["x1", "x2"], lambda rows: x[rows])
        assert parts.family.name == whole.family.name
        for asked in ({"cov_type": "HC0"}, {"cov_type": "cluster", "groups": groups}):
            assert np.allclose(parts.fit(**asked).bse, whole.fit(**asked).bse, rtol=1e-10)
        results = parts.fit()
        for call in (
            lambda model=parts, results=results: model.score_obs(results.params),
            lambda model=parts: model.with_columns(["x1"]),
            lambda model=parts: model.with_family(link="probit"),
            lambda model=parts: model.with_extra_columns({"x3": x[:, 0] ** 2}),
            lambda model=parts: model.with_response(late > 0, ["no", "yes"]),
        ):
            with pytest.raises(ModelError, match="are made part by part and not held; make it from arrays"):
                call()


def test_a_design_by_parts_takes_the_memory_of_a_part(monkeypatch):
    import tracemalloc

    rng = np.random.default_rng(8)
    frame = ended(size=60_000)
    for place, name in enumerate(("income", "utilisation", "open_accounts", "revolving_balance", "total_accounts")):
        frame[name] = rng.integers(1, 1000 + place, len(frame))
    loans = tape_of(frame)
    fit_standard(loans, "bad", held=False)
    monkeypatch.setattr(likelihood, "BATCH_ROWS", 2048)
    peaks = {}
    for most in (10**6, 100):
        monkeypatch.setattr(standard, "_WHOLE", most)
        tracemalloc.start()
        try:
            model = fit_standard(loans, "bad", held=False)
            peaks[most] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peaks[10**6] - peaks[100] > 8 * len(frame) * len(model.results.exog_names) / 2
