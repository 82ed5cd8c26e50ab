"""The traits, samples and tables of the study."""

import numpy as np
import pandas as pd
import pytest

from p2pbook import reading, traits, travel
from p2prisk import OrderedLogit, effects, load
from p2prisk.errors import DataError, ModelError
from p2prisk.scorecard import classes
from p2prisk.tape import COLUMNS


@pytest.fixture(scope="module")
def grade_fit():
    loans, gaps = traits.complete(traits.design(load("lendingclub-2018").frame, traits.GRADE_TRAITS, "grade"))
    assert gaps.empty
    result = OrderedLogit.from_formula(traits.formula("grade", traits.GRADE_TRAITS), loans).fit()
    return loans, result, reading.coefficient_table(result, traits.GRADE_TRAITS)


@pytest.mark.parametrize(
    "traits", [traits.GRADE_TRAITS, traits.OUTCOME_BASE, *traits.OUTCOME_STEPS.values()], ids=lambda t: t[0].name
)
def test_every_trait_is_made_of_columns_known_at_issue(traits):
    for trait in traits:
        assert trait.columns and all(COLUMNS[column].known == "issue" for column in trait.columns), trait.name


def test_grade_traits_take_nothing_from_the_platform():
    used = {column for trait in traits.GRADE_TRAITS for column in trait.columns}
    assert not used & {"grade", "sub_grade", "rate", "instalment", "verification"}


def test_design_reads_only_the_declared_columns():
    frame = load("lendingclub-2018").frame
    for trait in traits.GRADE_TRAITS:
        alone = frame[[c for c in trait.columns if c in frame]]
        assert len(trait.compute(alone)) == len(frame), trait.name


def test_a_later_column_is_refused():
    leak = traits.Trait("leak", "payments", "loan", ("total_paid",), lambda f: f["total_paid"])
    with pytest.raises(DataError, match="known only after issue"):
        traits.design(load("lendingclub-2018").frame, [leak], "grade")


def test_an_absent_column_is_named():
    with pytest.raises(DataError, match="'inquiries'.*'inquiries'"):
        traits.design(pd.DataFrame({"term": [36]}), [t for t in traits.OUTCOME_BASE if t.name == "inquiries"])


def test_complete_counts_each_gap_once_a_column():
    table = pd.DataFrame({"a": [1.0, np.nan, 2.0, -np.inf], "b": ["x", "y", None, "z"]})
    kept, reasons = traits.complete(table)
    assert kept.index.tolist() == [0]
    assert dict(zip(reasons["column"], reasons["rows"], strict=True)) == {"a": 2, "b": 1}


def test_a_hinge_bends_at_its_mark_and_is_flat_below():
    trait = next(t for t in traits.OUTCOME_STEPS["bends of income"] if t.name == "income_above_40k")
    assert trait.compute(pd.DataFrame({"income": [20_000.0, 40_000.0, 80_000.0]})).tolist() == [0.0, 0.0, 1.0]


def test_vintage_carries_the_last_year_forward():
    frame = pd.DataFrame({"issue_date": pd.to_datetime(["2007-06-01", "2010-12-01", "2011-05-01"])})
    assert list(traits.vintage(frame)) == ["2007", "2010", "2010"]


def test_blank_counts_stay_blank_in_a_flag():
    assert np.isnan(traits._flag_with_gaps([np.nan, 0, 2])[0])
    assert traits._flag_with_gaps([np.nan, 0, 2])[1:].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("sign", [1, -1])
def test_classes_are_monotone_whichever_way(sign):
    rng = np.random.default_rng(3)
    x = rng.normal(size=4000)
    bad = rng.random(4000) < 1 / (1 + np.exp(2 - sign * x))
    x[:50] = np.nan
    table = classes.monotone_classes(x, bad)
    known = table[table["lower"].notna()]
    rates = known["bad"] / known["loans"]
    assert (np.diff(sign * rates) > 0).all() and len(known) >= 4
    assert table["loans"].sum() == 4000 and table["bad"].sum() == bad.sum()
    assert (known["lower"].to_numpy()[1:] > known["upper"].to_numpy()[:-1]).all()
    assert known["loans"].min() >= 0.05 * 4000
    assert table.iloc[-1]["loans"] == 50 and np.isnan(table.iloc[-1]["lower"])


def test_classes_start_from_quantiles_and_neighbours_are_pooled():
    """By hand: shares 0, 0.4, 0.2, 0.6 in quarters; the second and third break the order and become one of 0.3."""
    x = np.arange(40.0)
    bad = np.zeros(40, bool)
    bad[[10, 11, 12, 13, 20, 21, 30, 31, 32, 33, 34, 35]] = True
    table = classes.monotone_classes(x, bad, bins=4)
    assert table.to_numpy().tolist() == [[0, 9, 10, 0], [10, 29, 20, 6], [30, 39, 10, 6]]
    assert classes.monotone_classes(-x, bad, bins=4)["bad"].tolist() == [6, 6, 0]
    # a class that is too small joins the smaller of its neighbours, and so on
    ties = np.repeat([0, 1, 2, 3], [20, 4, 10, 16])
    rising = np.concatenate([np.arange(n) < share * n for n, share in ((20, 0), (4, 0.25), (10, 0.5), (16, 0.75))])
    for smallest, loans in ((0.05, [20, 4, 10, 16]), (0.1, [20, 14, 16]), (0.3, [20, 30]), (0.5, [50])):
        assert classes.monotone_classes(ties, rising, bins=25, smallest=smallest)["loans"].tolist() == loans
    # a weak relation has its direction too
    weak = np.zeros(40, bool)
    weak[[0, 38]] = True
    weak[[1, 2]] = True
    assert classes.monotone_classes(x, weak, bins=2)["bad"].tolist() == [3, 1]
    assert classes.monotone_classes(-x, weak, bins=2)["bad"].tolist() == [1, 3]


def test_information_value_by_hand_and_under_noise():
    table = pd.DataFrame({"loans": [100, 100], "bad": [10, 30]})
    b, g = np.array([10.5, 30.5]) / 41, np.array([90.5, 70.5]) / 161
    value, noise = classes.information_value(table)
    assert value == pytest.approx(((g - b) * np.log(g / b)).sum(), rel=1e-12)
    assert noise == pytest.approx(1 / 160 + 1 / 40, rel=1e-12)
    with_blanks = pd.DataFrame({"loans": [100, 100, 50], "bad": [10, 30, 0]})
    assert classes.information_value(with_blanks)[1] == pytest.approx(2 * (1 / 210 + 1 / 40), rel=1e-12)
    rng = np.random.default_rng(5)
    values = []
    for _ in range(300):
        drawn = rng.integers(0, 6, 3000)
        bad = rng.random(3000) < 0.2
        counts = pd.DataFrame({"loans": np.bincount(drawn), "bad": np.bincount(drawn, bad).astype(int)})
        values.append(classes.information_value(counts))
    found, noise = np.mean(values, axis=0)
    assert found == pytest.approx(noise, rel=0.1)


def test_coefficients_have_words_and_the_models_numbers(grade_fit):
    _, result, slopes = grade_fit
    assert slopes["name"].tolist() == list(result.slopes.index)
    np.testing.assert_allclose(slopes["odds_ratio"], np.exp(result.slopes), rtol=1e-13)
    interval = np.exp(result.conf_int().loc[slopes["name"]])
    np.testing.assert_allclose(slopes[["low", "high"]], interval, rtol=1e-9)
    assert slopes["label"].is_unique and not slopes["label"].str.contains(r"\[").any()


def test_representative_borrowers_are_ordered(grade_fit):
    loans, result, slopes = grade_fit
    people = reading.representative_borrowers(loans, slopes)
    good = result.predict(people)[["A", "B"]].sum(axis=1)
    for term in (36, 60):
        assert good[f"strong, {term} months"] > good[f"typical, {term} months"] > good[f"weak, {term} months"]
    assert people.loc["typical, 36 months", "dti"] == loans["dti"].median()


def test_interval_of_the_explained_share_holds_it(grade_fit):
    _, result, _ = grade_fit
    share = effects.explained(result)["mckelvey_zavoina"]
    low, high = effects.explained_interval(result)
    assert low < share < high and 0.01 < high - low < 0.05
    a, b = effects.explained_interval(result, confidence=0.5)
    assert low < a < share < b < high


def test_explained_and_blocks(grade_fit):
    loans, result, _ = grade_fit
    measures = effects.explained(result)
    assert measures["mcfadden"] == pytest.approx(1 - result.llf / result.llnull)
    eta = result.predict(which="linear").to_numpy()
    assert measures["mckelvey_zavoina"] == pytest.approx(eta.var() / (eta.var() + np.pi**2 / 3))
    np.testing.assert_allclose(result.predict(loans, which="linear"), eta, rtol=1e-10, atol=1e-10)
    blocks = reading.block_contributions(loans, "grade", traits.GRADE_TRAITS).set_index("block")
    short = [t for t in traits.GRADE_TRAITS if t.block != "ability"]
    without = OrderedLogit.from_formula(traits.formula("grade", short), loans).fit()
    assert blocks.loc["ability", "chi2_added"] == pytest.approx(2 * (result.llf - without.llf))
    assert blocks["slopes"].sum() == result.df_model


def test_shares_if_everybody_had_a_value(grade_fit):
    loans, result, _ = grade_fit
    as_is = result.predict(loans).mean(axis=0)
    parts = [effects.class_shares_if(result, loans[loans["long_term"] == v], long_term=v) for v in (0.0, 1.0)]
    weight = loans["long_term"].mean()
    np.testing.assert_allclose((1 - weight) * parts[0] + weight * parts[1], as_is, rtol=1e-12)
    # the score equations of the thresholds: average predicted classes equal the observed ones closely
    observed = loans["grade"].value_counts(normalize=True).reindex(as_is.index)
    np.testing.assert_allclose(as_is, observed, atol=0.01)


def test_contrast_of_two_slopes(grade_fit):
    _, result, _ = grade_fit
    estimate, se, ratio, low, high = effects.contrast(result, {"dti": 1.0, "income": -2.0})
    cov = result.cov_params()
    variance = cov.loc["dti", "dti"] + 4 * cov.loc["income", "income"] - 4 * cov.loc["dti", "income"]
    assert estimate == pytest.approx(result.params["dti"] - 2 * result.params["income"])
    assert se == pytest.approx(np.sqrt(variance)) and low < ratio < high
    with pytest.raises(ModelError, match="no slope nonsense"):
        effects.contrast(result, {"nonsense": 1.0})


def test_effect_curve_is_one_at_the_reference_and_follows_the_bends(grade_fit):
    loans, result, _ = grade_fit
    curve = reading.effect_curve(result, traits.GRADE_TRAITS, "inquiries", [0, 1, 3], 0, "inquiries")
    assert curve["odds_ratio"].iloc[0] == 1.0
    assert curve["odds_ratio"].iloc[1] == pytest.approx(np.exp(result.params["inquiries"]))
    assert curve["odds_ratio"].iloc[2] == pytest.approx(np.exp(2 * result.params["inquiries"]))


def test_purposes_of_both_samples_fill_every_group():
    groups = traits.purpose_group(load("lendingclub-2018").frame)
    assert set(groups.categories) == set(traits.PURPOSES) == set(groups)


def test_blanks_know_every_column_they_name():
    assert set(reading.BLANKS) <= set(COLUMNS) and set(reading.BLANKS) == set(reading._BLANK_LABELS)


def test_effects_in_points_add_up_to_nothing(grade_fit):
    from p2prisk import average_marginal_effects

    _, result, _ = grade_fit
    effects = average_marginal_effects(result)
    points = reading.effects_in_points(effects, traits.GRADE_TRAITS, rows=["dti", "long_term"])
    assert points["trait"].tolist() == ["debt service, 10 points of income", "term 60 months (36)"]
    np.testing.assert_allclose(points[list("ABCDEFG")].sum(axis=1), 0, atol=1e-9)
    one = effects.query("term == 'dti' and category == 'A'")["effect"].iloc[0]
    assert points.loc[0, "A"] == pytest.approx(100 * one)
    every = reading.effects_in_points(effects, traits.GRADE_TRAITS)
    assert len(every) == result.df_model and every["trait"].is_unique


def test_merge_top_keeps_the_order():
    grades = load("lendingclub-2018").frame["grade"]
    five = reading.merge_top(grades, "E", "E-G")
    assert five.cat.categories.tolist() == ["A", "B", "C", "D", "E-G"] and five.cat.ordered
    assert (five == "E-G").sum() == grades.isin(["E", "F", "G"]).sum()
    assert (five[grades < "E"].astype(str) == grades[grades < "E"].astype(str)).all()


def test_count_odds_ratios_against_a_grouped_logit():
    counts = load("ppdai-overdue-counts").frame
    ratios = travel.count_odds_ratios(counts, {"verified_video": "no", "grade": "AA"})
    part = counts[counts["variable"] == "verified_video"]
    good = part["snapshots"] - part["overdue"]
    rows = pd.concat([part.assign(late=1, n=part["overdue"]), part.assign(late=0, n=good)])
    fit = OrderedLogit.from_formula("late ~ C(level)", rows, freq_weights="n").fit()
    found = ratios.query("variable == 'verified_video'")["odds_ratio"].iloc[0]
    assert found == pytest.approx(np.exp(fit.slopes.iloc[0]), rel=1e-9)
    assert "se" not in ratios and "AA" not in ratios.query("variable == 'grade'")["level"].tolist()
    with pytest.raises(DataError, match="no level 'Z' of 'grade'"):
        travel.count_odds_ratios(counts, {"grade": "Z"})


def test_directions_read_intervals_turn_signs_and_count_studies():
    names = {
        source: [slopes[source][0] for slopes, _, _ in travel.TRAVEL.values() if source in slopes]
        for source in ("grade", "early", "later", "prosper")
    }
    estimates = {source: pd.DataFrame({"name": mine, "low": 1.1, "high": 1.3}) for source, mine in names.items()}
    ratios = travel.count_odds_ratios(
        load("ppdai-overdue-counts").frame,
        {"grade": "AA", "sex": "male", "verified_education": "no", "verified_identity": "no", "verified_bureau": "no"},
    )
    signs = pd.DataFrame(
        {
            "variable": ["Income, higher", "Income, higher", "Home owner"],
            "country": ["China", "China", "United States"],
            "sign": ["+", "-", "?"],
        }
    )
    sources = ("grade", "early", "later", "prosper", "ppdai", "United States", "China")
    columns = dict(zip(sources, "abcdefg", strict=True))
    table = travel.directions(estimates, ratios, signs, columns)
    assert table.loc["income, higher"].tolist() == ["worse", "worse", "worse", "worse", "", "", "mixed"]
    assert table.loc["home owner", ["a", "b", "d"]].tolist() == ["better", "better", "worse"]
    assert table.loc["home owner", "f"] == "" and table.loc["female", "e"] == "better"
    assert table.loc["platform grade, worse", "e"] == "worse"


def test_variables_of_the_comparison_exist_in_the_sign_table():
    from p2prisk.datasets import table

    known = set(table("literature_signs")["variable"])
    assert {variable for _, _, variable in travel.TRAVEL.values() if variable} <= known
