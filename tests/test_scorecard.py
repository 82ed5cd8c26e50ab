"""The score card: points equal the model, exports equal the card, grades are tested, nothing missing becomes zero."""

import json
import sqlite3
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import chi2_contingency

from p2pbook.lendingclub import LABELS, book_card
from p2prisk import LoanTape, OrderedLogit, Scorecard, load
from p2prisk.errors import DataError, ModelError
from p2prisk.saved import save
from p2prisk.scorecard import (
    MasterScale,
    OverridePolicy,
    apply_overrides,
    apply_shift,
    build_master_scale,
    card_of_tape,
    grade_table,
    homogeneity,
    map_to_ratings,
    missing_as_level,
    most_prudent,
    override_audit,
    separation,
    shift_to_target,
)
from p2prisk.standard import StandardModel, fit_standard


@pytest.fixture(scope="module")
def made():
    return book_card()


@pytest.fixture(scope="module")
def tape():
    return load("lendingclub-2018")


@pytest.fixture(scope="module")
def standard(tape):
    model = fit_standard(tape, "grade", ["income", "dti", "home", "term", "utilisation_all", "employment"])
    return model, Scorecard.from_result(model)


@pytest.fixture(scope="module")
def numbers(tape):
    """A formula with a logarithm, a plain number and a class."""
    frame = tape.frame[tape.frame["income"] > 0].dropna(subset=["dti"]).reset_index(drop=True)
    model = OrderedLogit.from_formula("grade ~ np.log(income) + dti + C(home)", frame)
    return frame, Scorecard.from_result(model.fit()), model


def test_refusals_name_what_is_possible(made):
    with pytest.raises(ModelError, match="default_from is 'paid'; it is one of " + ", ".join(made.card.categories[1:])):
        Scorecard.from_result(made.result, default_from="paid")
    for level in (0, 1, 1.5):
        with pytest.raises(DataError, match=f"level is {level}; it lies between 0 and 1"):
            made.card.intervals(made.test, level)


def test_gaps_of_classes_and_texts_become_a_level_those_of_numbers_stay():
    frame = pd.DataFrame({"home": pd.Categorical(["own", None]), "city": ["a", None], "rate": [1.0, np.nan]})
    filled, report = missing_as_level(frame, fewest=1)
    assert filled["home"].tolist() == ["own", "missing"] and filled["city"].tolist() == ["a", "missing"]
    assert filled["rate"].isna().tolist() == [False, True] and len(report) == 2


# -- points and the model ----------------------------------------------------------------------------------------------


def test_probabilities_and_intervals_are_those_of_the_model(made):
    own = made.card.intervals(made.test)
    model = made.result.predict(made.test, interval=0.95)
    for category in made.card.categories:
        for part in ("estimate", "lower", "upper"):
            np.testing.assert_allclose(own[(category, part)], model[(category, part)], rtol=0, atol=1e-12)
    scored = made.card.score(made.test)
    default = model[[("loss after half", "estimate"), ("loss early", "estimate")]].sum(axis=1)
    np.testing.assert_allclose(scored["pd"], default, atol=1e-12)
    np.testing.assert_allclose(own[("pd", "estimate")], scored["pd"], atol=1e-12)
    good = made.result.predict(made.test, which="cumulative", interval=0.95)["paid late|loss after half"]
    np.testing.assert_allclose(own[("pd", "lower")], 1 - good["upper"], atol=1e-12)
    np.testing.assert_allclose(own[("pd", "upper")], 1 - good["lower"], atol=1e-12)
    assert (own[("pd", "lower")] < scored["pd"]).all() and (own[("pd", "upper")] > scored["pd"]).all()


def test_points_double_the_odds_and_sit_at_the_base(made):
    exact = made.card.with_points(base_score=500, base_odds=10, points_to_double=40, digits=None)
    assert exact.score(made.test)["pd"].equals(made.card.score(made.test)["pd"])
    scored = exact.score(made.test)
    odds = (1 - scored["pd"]) / scored["pd"]
    np.testing.assert_allclose(scored["score"], 500 + 40 * np.log2(odds / 10), atol=1e-9)
    np.testing.assert_allclose(exact.score_at(scored["pd"]), scored["score"], atol=1e-9)


@pytest.mark.parametrize("name", ["base_odds", "points_to_double"])
def test_odds_and_points_to_double_them_are_positive(made, name):
    with pytest.raises(ModelError, match=f"{name} must be positive, not 0"):
        made.card.with_points(**{name: 0})


def test_rounded_points_are_whole_and_near_the_exact_score(made):
    scored = made.card.score(made.test)
    assert (scored["score"] == scored["score"].round()).all()
    assert np.abs(scored["score"] - made.card.score_at(scored["pd"])).max() <= 0.5 * len(made.card.characteristics)
    assert (made.card.points(made.test).sum(axis=1) == scored["score"]).all()


@pytest.mark.parametrize(
    "points, digits, rounded", [(2.5, 0, 3), (-2.5, 0, -3), (3.5, 0, 4), (0.25, 1, 0.3), (-0.5, 0, -1)]
)
def test_points_are_rounded_half_away_from_zero(made, points, digits, rounded):
    # every attribute at the neutral points, which are exactly `points`
    thresholds = made.card.thresholds - made.card.thresholds.iloc[made.card.cut]
    flat = replace(
        made.card,
        slopes=made.card.slopes * 0,
        thresholds=thresholds,
        base_odds=1.0,
        base_score=points * len(made.card.characteristics),
        digits=digits,
    )
    assert set(flat.attributes["points"].dropna()) == {rounded}
    # half a point makes the same card in SQL, which rounds half away from zero
    with sqlite3.connect(":memory:") as connection:
        assert connection.execute(f"SELECT ROUND({points}, {digits})").fetchone() == (rounded,)


def test_attribute_table_holds_every_level_once(made):
    table = made.card.attributes
    assert set(table["characteristic"]) == set(LABELS)
    known = table[table["estimated"]]
    for name, part in known.groupby("characteristic"):
        assert (part["lost"] >= 0).all() and part["lost"].min() == 0
        for attribute, points in zip(part["attribute"], part["points"], strict=True):
            assert made.card.points_of(name, attribute) == points


def test_standard_model_of_any_tape_becomes_a_card(tape, standard):
    model, card = standard
    own, other = card.score(tape.frame, drift="flag"), model.score(tape.frame)
    for category in card.categories:
        np.testing.assert_allclose(own[f"p_{category}"], other[f"p_{category}"], atol=1e-12)
    for flag in ("missing", "new_level", "out_of_range"):
        assert (own[flag] == other[flag]).all()


def test_any_tape_gets_a_card_and_grades_where_it_can(tape):
    model = fit_standard(tape, "severity", ["income", "dti", "home", "term", "inquiries"])
    made_of_it = card_of_tape(model, tape.frame)
    assert made_of_it.card.default_from == "late 31-120"
    assert (made_of_it.grades is None) == bool(made_of_it.why) and len(made_of_it.scored) == len(tape.frame)
    columns = ["grade", "up_to", "points_from", "loans", "assigned", "observed", "low", "high"]
    assert list(made_of_it.grades_in_per_cent()) == columns
    other = load("modeldata-lendingclub")
    graded = card_of_tape(fit_standard(other, "bad"), other.frame)
    assert graded.grades["loans"].sum() == (~graded.scored["refer"]).sum() and "grade" in graded.scored
    printed, bounds = graded.grades_in_per_cent(), graded.card.scale.bounds
    assert list(printed) == columns and list(printed["up_to"][:-1]) == [100 * bound for bound in bounds]
    odds = 20 * 2 ** ((printed["points_from"][:-1] - 600) / 20)  # of no default, as the card says of its points
    assert 1 / (1 + odds.to_numpy()) == pytest.approx(bounds)
    with pytest.raises(DataError, match="how loans end"):
        card_of_tape(fit_standard(tape, "grade", ["income", "home"]), tape.frame)


def test_the_card_of_a_fit_is_that_of_its_file():
    """Who prints the card while the loans are at hand gives the points that ``p2prisk score`` gives later."""
    loans = load("modeldata-lendingclub")
    model = fit_standard(loans, "bad")
    fresh, stored = Scorecard.from_result(model), Scorecard.from_result(StandardModel.from_json(model.to_json()))
    pd.testing.assert_frame_equal(fresh.attributes, stored.attributes)
    pd.testing.assert_frame_equal(fresh.points(loans.frame), stored.points(loans.frame))
    assert fresh.to_sql() == stored.to_sql()


def test_the_usual_loan_has_its_exact_points_to_half_a_point():
    """Most loans have the usual value of most traits: rounded alike for each, they all erred to the same side."""
    model = fit_standard(load("modeldata-lendingclub"), "bad")
    card, off = Scorecard.from_result(model), []
    assert all(item.usual for item in card.characteristics)
    commonest = dict(load("modeldata-lendingclub").frame.select_dtypes("category").agg(lambda column: column.mode()[0]))
    classes = [
        item for item in card.characteristics if item.kind == "class" and commonest.get(item.name) in item.levels
    ]
    assert len(classes) >= 2
    for item in classes:
        assert item.mean == item.rows[item.levels.index(commonest[item.name])]
    for moved in range(20):  # wherever the constant falls
        shifted = card.with_points(base_score=600 + moved / 20)
        at = [float(np.dot(item.mean, shifted._slopes_of[item.name])) for item in shifted.characteristics]
        points = sum(shifted._points(item, value) for item, value in zip(shifted.characteristics, at, strict=True))
        off.append(points - shifted.score_at(expit(sum(at) - shifted.thresholds.iloc[shifted.cut])))
    assert max(map(abs, off)) <= 0.5 + 1e-9 and max(off) > 0.4


def test_rounding_is_measured_on_the_loans():
    loans = load("modeldata-lendingclub").frame
    made = card_of_tape(fit_standard(load("modeldata-lendingclub"), "bad"), loans)
    scored = made.scored[~made.scored["refer"]]
    exact = 600 + 20 * np.log2((1 - scored["pd"]) / scored["pd"] / 20)
    off = made.rounding()
    assert off["largest"] == pytest.approx((scored["score"] - exact).abs().max()) and 0.5 < off["largest"] < 8
    assert off["mean"] == pytest.approx((scored["score"] - exact).mean())
    by_points = pd.cut(
        1 / (1 + 20 * 2 ** ((scored["score"] - 600) / 20)), [0, *made.card.scale.bounds, 1], labels=False
    )
    other = (by_points != scored["grade"].cat.codes).mean()
    assert off["other_grade"] == pytest.approx(other) and 0 < other < 0.25
    twice = np.where(made.scored.index < 100, 3.0, 1.0)
    known = ~made.scored["refer"].to_numpy()
    assert made.rounding(twice)["mean"] == pytest.approx(np.average(scored["score"] - exact, weights=twice[known]))
    plain = replace(made, card=replace(made.card, scale=None))
    assert np.isnan(plain.rounding()["other_grade"])


def test_numbers_score_as_the_model_predicts(numbers):
    frame, card, model = numbers
    expected = model.fit().predict(frame)
    np.testing.assert_allclose(card.score(frame)[[f"p_{c}" for c in card.categories]], expected, atol=1e-12)


def test_what_cannot_be_a_card_is_refused(tape):
    frame = tape.frame.dropna(subset=["dti"]).reset_index(drop=True)
    for formula, words in (
        ("grade ~ C(home) * dti", "one column"),
        ("grade ~ np.sin(dti)", "cut 'dti' into classes"),
        ("grade ~ dti + np.log1p(dti)", "two terms read 'dti'"),
    ):
        with pytest.raises(ModelError, match=words):
            Scorecard.from_result(OrderedLogit.from_formula(formula, frame).fit())
    with pytest.raises(ModelError, match="logit link"):
        Scorecard.from_result(OrderedLogit.from_formula("grade ~ dti", frame, link="probit").fit())
    free = OrderedLogit.from_formula("grade ~ C(term)", frame, nonparallel=["C(term)"]).fit()
    with pytest.raises(ModelError, match="no single score"):
        Scorecard.from_result(free)


# -- missing, new and drifted ------------------------------------------------------------------------------------------


def test_missing_is_never_zero_by_accident(made):
    frame = made.test.head(3).copy()
    frame.loc[1, "income_band"] = None
    scored = made.card.score(frame)
    assert scored["refer"].tolist() == [False, True, False] and scored["missing"].tolist() == [False, True, False]
    assert np.isnan(scored.loc[1, ["score", "pd"]].to_numpy(dtype=float)).all() and scored["grade"].isna().tolist()[1]
    assert made.card.reasons(frame).loc[1, "reason_1"] == "income_band"


def test_a_missing_flag_without_a_coefficient_is_no_false():
    generator = np.random.default_rng(2)
    flag = pd.Series(generator.random(2000) < 0.4).astype("boolean")
    bad = generator.random(2000) < np.where(flag, 0.4, 0.1)
    flag[0] = pd.NA
    frame = pd.DataFrame({"verified_phone": flag, "bad": bad, "dti": generator.uniform(0, 30, 2000)})
    frame.loc[1, "dti"] = np.nan
    card = Scorecard.from_result(fit_standard(LoanTape(frame), "bad"))
    scored = card.score(frame)
    assert scored["refer"].tolist()[:3] == [True, False, False]
    table = card.attributes.set_index(["characteristic", "attribute"])
    assert table.loc[("dti", "missing"), "points"] == card.points_of("dti", frame["dti"].median())
    assert not table.loc[("dti", "missing"), "estimated"] and not table.loc[("verified_phone", "missing"), "estimated"]


def test_a_level_that_no_loan_of_the_fit_had_is_no_other_level(made):
    """Where there is no class for the rest, a new level has no points; it never takes those of the first level."""
    item = next(item for item in made.card.characteristics if item.kind == "class")
    frame = made.test.head(3).copy()
    frame[item.name] = frame[item.name].astype(object)
    frame.loc[frame.index[0], item.name] = "a level of another lender"
    for spare in (None, "no such level"):
        codes, missing, new = replace(item, spare=spare).codes(frame)
        assert codes[0] == -1 and new.tolist() == [True, False, False] and not missing.any()
    codes, _, _ = replace(item, spare=item.levels[1]).codes(frame)
    assert codes[0] == 1


def test_missing_with_a_level_has_its_own_points():
    generator = np.random.default_rng(0)
    home = generator.choice(["own", "rent", None], 3000, p=[0.5, 0.4, 0.1])
    late = generator.random(3000) < np.select([home == "own", home == "rent"], [0.1, 0.2], 0.5)
    frame = pd.DataFrame(
        {"home": home, "late": pd.Categorical(np.where(late, "bad", "good"), ["good", "bad"], ordered=True)}
    )
    frame, report = missing_as_level(frame, ["home"])
    assert report["level"].tolist() == [True] and report["missing"].tolist() == [int((home == None).sum())]  # noqa: E711
    card = Scorecard.from_result(OrderedLogit.from_formula("late ~ C(home)", frame).fit())
    points = card.attributes.set_index("attribute")["points"]
    assert points["missing"] < points["rent"] < points["own"]
    raw = card.score(pd.DataFrame({"home": ["own", None, np.nan]}))
    assert raw["score"].tolist() == [points["own"], points["missing"], points["missing"]]
    assert raw["missing"].tolist() == [False, True, True] and not raw["refer"].any()
    _, few = missing_as_level(pd.DataFrame({"home": ["own", None]}), ["home"])
    assert few["level"].tolist() == [False]


def test_drift_is_refused_or_flagged(made, numbers):
    frame = made.test.head(2).copy().astype({"income_band": object})
    frame.loc[0, "income_band"] = "millions"
    with pytest.raises(DataError, match="1 of 2 loans drifted .*row 0"):
        made.card.score(frame)
    flagged = made.card.score(frame, drift="flag")
    assert flagged["new_level"].tolist() == [True, False] and flagged["refer"].tolist() == [True, False]
    data, card, _ = numbers
    outside = data.head(2).assign(income=[1e9, 50_000.0])
    with pytest.raises(DataError, match="outside the range"):
        card.score(outside)
    held = card.score(outside, drift="flag")
    assert held["out_of_range"].tolist() == [True, False]
    most = data.head(2).assign(income=[data["income"].max(), 50_000.0])
    np.testing.assert_allclose(held["pd"], card.score(most)["pd"], rtol=1e-8)
    with pytest.raises(DataError, match="does not have"):
        made.card.score(frame.drop(columns="term"))


def test_reasons_are_the_largest_losses(made):
    frame = made.test.head(200)
    reasons = made.card.reasons(frame, 2)
    points = made.card.points(frame)
    best = made.card.attributes.groupby("characteristic")["points"].max()
    lost = best[points.columns] - points
    assert (reasons["lost_1"] == lost.max(axis=1)).all()
    first = reasons[reasons["reason_1"] != ""]
    assert (lost.to_numpy()[first.index, lost.columns.get_indexer(first["reason_1"])] == first["lost_1"]).all()
    assert (reasons["lost_1"] >= reasons["lost_2"]).all()


# -- exports ----------------------------------------------------------------------------------------------------------


def _raw(rows=400):
    """Loans with raw columns, borders of the classes and missing values among them."""
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "term": generator.choice([36, 60], rows),
            "income": generator.choice([5e3, 26_999.99, 27e3, 66e3, 9e4], rows),
            "dti": generator.choice([0.0, 12.99, 13.0, 29.0], rows),
            "employment": generator.choice(["not stated", "under 2 years", "10 years and over"], rows),
            "inquiries": generator.choice([0.0, 1, 2, 3, 4, 5, 30], rows),
            "utilisation": generator.uniform(0, 110, rows),
            "public_records": generator.choice([0.0, 1, 3], rows),
            "purpose": generator.choice(["car", "small business", "debt consolidation"], rows),
        }
    )
    frame.loc[:9, "income"] = np.nan
    return frame


def _answers(card, frame, dialect):
    query = f"SELECT {card.to_sql(dialect)} AS score FROM loans"
    if dialect == "sqlite":
        connection = sqlite3.connect(":memory:")
        frame.to_sql("loans", connection, index=False)
        return pd.read_sql_query(query, connection)["score"].to_numpy(dtype=float)
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: make more")
    connection = duckdb.connect()
    connection.register("loans", frame)
    return connection.sql(query).df()["score"].to_numpy(dtype=float)


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
def test_sql_gives_the_same_scores(made, tape, standard, numbers, dialect):
    raw = _raw()
    np.testing.assert_array_equal(_answers(made.card, raw, dialect), made.card.score(raw)["score"])
    assert np.isnan(_answers(made.card, raw, dialect)[:10]).all()
    for card, frame in ((standard[1], tape.frame), (numbers[1], numbers[0])):
        frame = frame[[item.name for item in card.characteristics]].copy()
        for name in frame:
            if isinstance(frame[name].dtype, pd.CategoricalDtype):
                frame[name] = frame[name].astype(object)
        np.testing.assert_array_equal(_answers(card, frame, dialect), card.score(frame, drift="flag")["score"])


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
def test_a_level_merged_in_the_fit_has_the_points_of_the_level_that_took_it(tape, dialect):
    frame = tape.frame[["grade", "home", "income"]].dropna().head(1500).copy()
    frame["home"] = frame["home"].cat.add_categories("boat")
    frame.loc[frame.index[:30], "home"], frame.loc[frame.index[:30], "grade"] = "boat", frame["grade"].cat.categories[0]
    standard = fit_standard(LoanTape(frame), "grade", ["home", "income"])
    fit = OrderedLogit.from_formula("grade ~ C(home) + income", frame).fit(on_separation="merge")
    into = {rule["column"]: rule["merged"] for rule in standard.rules if rule.get("merged")}
    assert into == fit.design.merges and set(into["home"]) == {"boat"}
    boats = frame.head(3)
    others = boats.assign(home=pd.Categorical([into["home"]["boat"]] * 3, boats["home"].cat.categories))
    for card in (Scorecard.from_result(standard), Scorecard.from_result(fit)):
        scores = card.score(boats)  # refuses what has drifted: a merged level has not
        np.testing.assert_array_equal(scores["score"], card.score(others)["score"])
        plain = boats[["home", "income"]].astype({"home": object})
        np.testing.assert_array_equal(_answers(card, plain, dialect), scores["score"])


def test_sql_quotes_and_refuses_unknown_dialects(made):
    from p2prisk.scorecard.sql import identifier, literal

    assert literal("o'x") == "'o''x'" and identifier('a"b') == '"a""b"'
    with pytest.raises(DataError, match="dialect"):
        made.card.to_sql("oracle")


def test_json_restores_the_card(made, standard, tape, tmp_path):
    shifted = made.card.calibrated(made.test, 0.2, made.test["n"])
    for card, frame in ((shifted, made.test), (standard[1], tape.frame)):
        path = tmp_path / "card.json"
        text = card.to_json(path)
        for source in (text, path):
            again = Scorecard.from_json(source)
            pd.testing.assert_frame_equal(again.score(frame, "flag"), card.score(frame, "flag"), check_exact=True)
            assert again.to_json() == text
    with pytest.raises(DataError, match="no score card"):
        Scorecard.from_json(json.dumps({"format": "x"}))
    with pytest.raises(DataError, match="not there"):
        Scorecard.from_json(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("not of one model", lambda card: card["thresholds"].popitem()),
        ("not of one model", lambda card: card["slopes"].popitem()),
        ("not of one model", lambda card: card["losses"].pop()),
        ("none of its classes", lambda card: card.update(default_from=card["categories"][0])),
        ("do not rise", lambda card: card["thresholds"].update(dict.fromkeys(card["thresholds"], 1.0))),
        ("its covariance is none", lambda card: card["covariance"].pop()),
        ("its covariance is none", lambda card: card["covariance"][0].__setitem__(0, -1.0)),
        ("is not whole", lambda card: card["characteristics"][0]["rows"].pop()),
        ("is not whole", lambda card: card["characteristics"][0]["mean"].append(0.0)),
        ("is not whole", lambda card: card["characteristics"][0].update(low=2.0, high=1.0)),
        ("is not whole", lambda card: card["characteristics"][0].update(least=2.0, most=1.0)),
    ],
)
def test_a_card_whose_parts_do_not_belong_together_is_refused(made, words, change):
    plain = json.loads(made.card.to_json())
    change(plain)
    with pytest.raises(DataError, match=words):
        Scorecard.from_json(save(plain))


def test_raw_tape_is_put_into_the_same_classes_as_the_counts(made):
    raw = _raw().dropna()
    banded = pd.DataFrame({item.name: item.values(raw).to_numpy() for item in made.card.characteristics})
    assert banded["income_band"].astype(str)[raw["income"].to_numpy() == 27e3].eq("27,000 to 66,000").all()
    assert banded["inquiries_band"].astype(str)[raw["inquiries"].to_numpy() == 2].eq("1 to 2").all()
    assert (made.card.score(banded)["score"].to_numpy() == made.card.score(raw)["score"].to_numpy()).all()


# -- calibration ------------------------------------------------------------------------------------------------------


def test_calibration_meets_the_target_and_goes_back(made):
    weights = made.test["n"]
    moved = made.card.calibrated(made.test, 0.25, weights)
    scored, plain = moved.score(made.test), made.card.score(made.test)
    assert np.average(scored["pd"], weights=weights) == pytest.approx(0.25, abs=1e-12)
    np.testing.assert_allclose(logit(scored["pd"]) - logit(plain["pd"]), moved.shift, atol=1e-10)
    np.testing.assert_allclose(scored[[f"p_{c}" for c in made.card.categories]].sum(axis=1), 1.0, atol=1e-12)
    assert (scored["score"] == plain["score"]).all()
    pd.testing.assert_frame_equal(moved.uncalibrated().score(made.test), plain)
    p = np.array([0.01, 0.2, 0.5])
    shift = shift_to_target(p, 0.4)
    np.testing.assert_allclose(apply_shift(apply_shift(p, shift), -shift), p, atol=1e-14)
    assert type(apply_shift(0.2, shift)) is float
    left_out = shift_to_target([*p, np.nan, 0.9], 0.4, [1, 1, 1, 1, 0])
    assert left_out == pytest.approx(shift, abs=1e-12)  # without a probability, without weight
    for target in (0.0, 1.0):
        with pytest.raises(DataError, match="strictly"):
            shift_to_target(p, target)


# -- master scale -----------------------------------------------------------------------------------------------------


def test_scale_is_monotone_large_enough_and_separated(made):
    probability = made.card.score(made.train)["pd"]
    table = grade_table(made.card.scale, probability, made.train["bad"], made.train["n"])
    assert len(table) >= 5 and (table["share"] >= 0.05).all() and (table["events"] >= 20).all()
    assert table["observed"].is_monotonic_increasing and table["pd"].is_monotonic_increasing
    assert (separation(made.card.scale, probability, made.train["bad"], made.train["n"])["pvalue_holm"] < 0.05).all()
    assert table["loans"].sum() == made.train["n"].sum() and (table["prudent"] >= table["observed"]).all()


def test_homogeneity_finds_a_mixed_grade_and_spares_a_pure_one():
    probability = np.repeat([0.05, 0.06, 0.3], 4000)
    truth = np.repeat([0.05, 0.2, 0.3], 4000)
    event = np.random.default_rng(3).random(12_000) < truth
    scale = MasterScale(("good", "poor"), (0.1,), (0.055, 0.3))
    table = homogeneity(scale, probability, event).set_index("grade")
    assert table.loc["good", "pvalue_holm"] < 1e-6
    assert table.loc["poor", "parts"] == 1 and np.isnan(table.loc["poor", "pvalue"])
    event = np.random.default_rng(3).random(12_000) < np.repeat([0.1, 0.1, 0.3], 4000)
    pure = homogeneity(scale, probability, event)
    assert pure["pvalue_holm"].dropna().min() > 0.05
    halves = np.array([event[:4000].sum(), event[4000:8000].sum()])
    chi2, pvalue, df, _ = chi2_contingency([halves, 4000 - halves], correction=False)
    found = pure.iloc[0]
    assert (found["chi2"], found["df"], found["parts"]) == (pytest.approx(chi2, rel=1e-12), df, 2)
    assert found["pvalue"] == pytest.approx(pvalue, rel=1e-9) and found["lowest"] == halves.min() / 4000


def test_scale_gives_up_grades_that_data_do_not_separate():
    generator = np.random.default_rng(5)
    probability = expit(generator.normal(-2, 1, 4000))
    assert len(build_master_scale(probability, generator.random(4000) < probability).labels) < 7
    with pytest.raises(DataError, match="no two grades"):
        build_master_scale(probability, generator.random(4000) < 0.1)


def test_grade_without_loans_and_bad_scales():
    scale = MasterScale(("1", "2", "3"), (0.1, 0.2), (0.05, 0.15, 0.3))
    table = grade_table(scale, [0.05, 0.3], [0, 1])
    assert table["loans"].tolist() == [1, 0, 1] and np.isnan(table["observed"][1])
    assert np.isnan(separation(scale, [0.05, 0.3], [0, 1])["z"]).all()
    with pytest.raises(DataError, match="must increase"):
        MasterScale(("1", "2", "3"), (0.2, 0.1), (0.05, 0.15, 0.3))
    with pytest.raises(DataError, match="missing"):
        build_master_scale([0.1, np.nan], [0, 1])


def test_a_scale_of_given_bounds_has_the_mean_of_its_loans():
    probability, weights = [0.02, 0.04, 0.3], [1, 3, 2]
    assert MasterScale.of_bounds([0.1], probability).pds == pytest.approx((0.03, 0.3))
    scale = MasterScale.of_bounds([0.1], probability, weights)
    assert scale.pds == pytest.approx((0.035, 0.3)) and scale.labels == ("1", "2")
    assert scale.table()[["pd_low", "pd_high"]].to_numpy().tolist() == [[0.0, 0.1], [0.1, 1.0]]
    for bounds, empty in (([0.5], 2), ([0.01], 1), ([0.1, 0.2], 2)):
        with pytest.raises(DataError, match=f"grade {empty} of the given bounds holds no loan"):
            MasterScale.of_bounds(bounds, probability)


def test_segment_in_which_every_loan_fails():
    scale = MasterScale(("1", "2"), (0.1,), (0.05, 0.3))
    table = grade_table(scale, [0.05] * 50 + [0.3] * 50, [0] * 50 + [1] * 50)
    assert table["observed"].tolist() == [0.0, 1.0] and table["ci_high"].tolist()[1] == 1.0
    assert table["ci_low"].tolist()[0] == 0.0 and table["prudent"].tolist()[1] == 1.0
    assert np.isnan(homogeneity(scale, [0.05, 0.3], [0, 1])["pvalue"]).all()
    with pytest.raises(DataError, match="no two grades"):
        build_master_scale(np.linspace(0.01, 0.9, 500), np.ones(500))


def test_prudent_bounds_pool_with_worse_grades():
    bound = most_prudent([100, 400, 300], [0, 0, 0])
    assert (np.diff(bound) > 0).all()
    alone = most_prudent([800], [0])
    assert bound[0] == pytest.approx(alone[0])


def test_ratings_out_of_order_are_pooled():
    scale = MasterScale(("1", "2", "3"), (0.08, 0.2), (0.05, 0.12, 0.26))
    ratings = pd.DataFrame(
        {"rating": ["AA", "A", "E", "HR"], "loans": [1000, 1000, 1000, 1000], "events": [44, 120, 257, 254]}
    )
    mapping, pooled = map_to_ratings(scale, ratings)
    assert pooled["rating"].tolist() == ["AA", "A", "E/HR"] and pooled["loans"].tolist() == [1000, 1000, 2000]
    assert mapping["rating"].tolist() == ["AA", "A", "E/HR"]


# -- overrides --------------------------------------------------------------------------------------------------------


def test_overrides_follow_the_policy():
    loans = pd.DataFrame(
        {"loan_id": list("abcdef"), "grade": pd.Categorical(list("232213"), list("123"), ordered=True)}
    )
    reason = OverridePolicy().reasons[0]
    wanted = pd.DataFrame(
        {
            "loan_id": list("abcde"),
            "grade": list("11133"),
            "reason": [reason, reason, reason, reason, "a friend"],
            "by": "x",
            "second": ["y", "y", None, None, None],
        }
    )
    graded, log, alarm = apply_overrides(loans, wanted)
    assert log["accepted"].tolist() == [True, False, False, True, False] and alarm
    assert log["why"].tolist() == [
        "",
        "more than 1 up",
        "no second signature by another person",
        "",
        "not an admissible reason",
    ]
    assert graded["final_grade"].astype(str).tolist() == ["1", "3", "2", "3", "1", "3"]
    audit = override_audit(graded, [1, 0, 0, 1, 0, 1]).set_index("direction")
    assert audit["loans"].tolist() == [1, 4, 1] and audit["events"].sum() == 3
    with pytest.raises(DataError, match="unknown loan: z"):
        apply_overrides(loans, wanted.assign(loan_id=list("abcdz")))
    with pytest.raises(DataError, match="not on the scale"):
        apply_overrides(loans, wanted.assign(grade="9"))


# -- speed ------------------------------------------------------------------------------------------------------------


def test_a_million_loans_take_seconds(made):
    """Two seconds on an idle machine (benchmarks/scorecard.py); the bound leaves room for busy ones."""
    import time

    frame = made.test.iloc[np.random.default_rng(0).integers(0, len(made.test), 1_000_000)].reset_index(drop=True)
    start = time.process_time()
    scored = made.card.score(frame)
    assert time.process_time() - start < 6 and len(scored) == 1_000_000


def test_a_million_loans_take_less_than_a_gigabyte(made):
    import tracemalloc

    frame = made.test.iloc[np.random.default_rng(0).integers(0, len(made.test), 1_000_000)].reset_index(drop=True)
    tracemalloc.start()
    try:
        scored = made.card.score(frame)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(scored) == 1_000_000 and 1e6 < peak < 1e9
