"""Effects against R, against numerical derivatives of averaged probabilities, and in coverage."""

import json
import runpy
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from p2prisk import OrderedLogit, effects
from p2prisk.errors import DataError, ModelError

FOLDER = Path(__file__).parent / "reference/checks"
REFERENCE = json.loads((FOLDER / "assumptions.json").read_text())


def sample(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(10, 0.6, n),
            "rate": rng.normal(size=n),
            "home": rng.choice(["mortgage", "own", "rent"], n),
            "late": rng.integers(0, 2, n),
        }
    )
    eta = -0.8 * np.log1p(frame["income"] / 1e4) + 0.7 * frame["rate"] + 0.5 * (frame["home"] == "rent")
    frame["y"] = np.digitize(eta + 0.4 * frame["late"] + rng.logistic(size=n), [-2.0, -0.5, 1.0])
    return frame


@pytest.fixture(scope="module")
def fitted():
    frame = sample()
    return OrderedLogit.from_formula("y ~ np.log1p(income) + rate + C(home) + late", frame).fit(), frame


def test_effects_on_real_loans_equal_r():
    script = runpy.run_path(str(FOLDER / "assumptions_data.py"))
    formula, frame = script["FORMULA"], script["loans"]()
    frame["grade"] = pd.Categorical(frame["grade"], ordered=True)
    result = OrderedLogit.from_formula(formula, frame).fit()
    for data in (None, frame):
        table = effects.average_marginal_effects(result, data).set_index(["term", "contrast"])["effect"]
        home = ("C(home)" if data is None else "home", "rent - mortgage")
        # R's fit and its numerical derivative carry about nine digits
        assert_allclose(table.loc["dti", "derivative"], REFERENCE["ame"]["dti"], atol=2e-10)
        assert_allclose(table.loc["long", "1 - 0"], REFERENCE["ame"]["long"], atol=1e-9)
        assert_allclose(table.loc[home], REFERENCE["ame"]["home"], atol=1e-9)


def mean_probability(result, frame, weights=None):
    return np.average(result.predict(frame).to_numpy(), axis=0, weights=weights)


def numerical(result, frame, name, weights=None):
    """Derivative of the averaged probabilities in one variable: central differences of order six, relative steps."""
    unit = frame[name].abs().mean() * 2e-3

    def at(k):
        return mean_probability(result, frame.assign(**{name: frame[name] + k * unit}), weights)

    return (45 * (at(1) - at(-1)) - 9 * (at(2) - at(-2)) + (at(3) - at(-3))) / (60 * unit)


FORMULAS = [
    ("y ~ np.log1p(income) + rate + C(home) + late", {}),
    ("y ~ np.log1p(income) + rate * C(home) + I(rate**2) + late", {}),
    ("y ~ bs(rate, df=4) + scale(np.log(income)) + C(home)", {}),
    ("y ~ np.log1p(income) + rate + C(home) + late", {"nonparallel": ["rate", "C(home)"]}),
    ("y ~ np.log1p(income) + rate + C(home) + late", {"link": "probit"}),
    ("y ~ np.log1p(income) + rate + C(home) + late", {"link": "cloglog"}),
]


@pytest.mark.parametrize("formula, options", FORMULAS)
def test_effects_equal_numerical_derivatives_to_eight_digits(formula, options):
    frame = sample()
    if "bs(" in formula:  # the spline's outer knots are the range of the data: stay inside
        frame["rate"] = frame["rate"].clip(-2, 2)
        inside = frame["rate"].abs() < 1.9
        result = OrderedLogit.from_formula(formula, frame, **options).fit()
        frame = frame[inside]
    else:
        result = OrderedLogit.from_formula(formula, frame, **options).fit()
    table = effects.average_marginal_effects(result, frame)
    for name in ("income", "rate"):
        mine = table.query("term == @name")["effect"].to_numpy()
        tolerance = 2e-5 if "bs(" in formula else 1e-8  # a cubic spline has only two derivatives at its knots
        assert_allclose(mine, numerical(result, frame, name), atol=tolerance * np.abs(mine).max(), err_msg=name)
    for level in ("own", "rent"):
        change = mean_probability(result, frame.assign(home=level)) - mean_probability(
            result, frame.assign(home="mortgage")
        )
        mine = table.query("term == 'home' and contrast == @level + ' - mortgage'")["effect"]
        assert_allclose(mine, change, rtol=1e-10, atol=1e-14)
    assert table.groupby(["term", "contrast"])["effect"].sum().abs().max() < 1e-14


def rebuilt(result, params):
    """The result with other parameter values."""
    other = type(result)(**result.__dict__)
    other.params = pd.Series(params, result.params.index)
    return other


@pytest.mark.parametrize("formula, options", FORMULAS[:5])
def test_standard_errors_equal_the_delta_method_by_differences(formula, options):
    frame = sample(400)
    result = OrderedLogit.from_formula(formula, frame, **options).fit(cov_type="HC0")
    inside = frame[frame["rate"].between(frame["rate"].quantile(0.02), frame["rate"].quantile(0.98))]
    table = effects.average_marginal_effects(result, inside)
    params, jacobian = result.params.to_numpy(), []
    for k in range(params.size):
        step = 1e-5 * max(abs(params[k]), 1e-2)
        up, down = params.copy(), params.copy()
        up[k] += step
        down[k] -= step
        difference = (
            effects.average_marginal_effects(rebuilt(result, up), inside)["effect"]
            - effects.average_marginal_effects(rebuilt(result, down), inside)["effect"]
        )
        jacobian.append(difference / (2 * step))
    jacobian = np.array(jacobian).T
    se = np.sqrt(np.diag(jacobian @ result.cov_params().to_numpy() @ jacobian.T))
    assert_allclose(table["se"], se, rtol=1e-5, atol=1e-12)


def test_columns_and_variables_agree_where_they_mean_the_same(fitted):
    result, frame = fitted
    by_column = effects.average_marginal_effects(result).set_index(["term", "contrast", "category"])
    by_variable = effects.average_marginal_effects(result, frame).set_index(["term", "contrast", "category"])
    assert list(dict.fromkeys(by_variable.index.get_level_values("term"))) == ["income", "rate", "home", "late"]
    for column, variable in (("rate", "rate"), ("late", "late"), ("C(home)", "home")):
        assert_allclose(by_column.loc[column, ["effect", "se"]], by_variable.loc[variable, ["effect", "se"]], rtol=1e-8)
    # the log's own effect is per log unit, the variable's per unit of income
    logs = effects.average_marginal_effects(result, variables=["np.log1p(income)"])["effect"]
    units = effects.average_marginal_effects(result, frame, variables=["income"])["effect"]
    assert logs.abs().max() > 1e3 * units.abs().max()


def test_short_cut_equals_the_way_through_the_formula(fitted, monkeypatch):
    result, frame = fitted
    quick = effects.average_marginal_effects(result, frame)
    monkeypatch.setattr(effects, "_direct", lambda *arguments: None)
    slow = effects.average_marginal_effects(result, frame)
    pd.testing.assert_frame_equal(quick, slow, rtol=1e-8)


def test_weights_are_repeated_rows(fitted):
    _, frame = fitted
    frame = frame.assign(n=np.random.default_rng(2).integers(0, 4, len(frame)))
    long = frame.loc[frame.index.repeat(frame["n"])].reset_index(drop=True)
    formula = "y ~ np.log1p(income) + rate + C(home) + late"
    a = OrderedLogit.from_formula(formula, frame, freq_weights="n").fit()
    b = OrderedLogit.from_formula(formula, long).fit()
    for first, second in ((None, None), (frame, long)):
        one, two = effects.average_marginal_effects(a, first), effects.average_marginal_effects(b, second)
        assert_allclose(one.select_dtypes("number"), two.select_dtypes("number"), rtol=1e-7, atol=1e-12)


def test_dropped_rows_are_dropped_again(fitted):
    _, frame = fitted
    holes = frame.copy()
    holes.loc[::7, "rate"] = np.nan
    formula = "y ~ np.log1p(income) + rate + C(home) + late"
    a = OrderedLogit.from_formula(formula, holes, missing="drop").fit()
    b = OrderedLogit.from_formula(formula, holes.dropna()).fit()
    assert_allclose(
        effects.average_marginal_effects(a, holes).select_dtypes("number"),
        effects.average_marginal_effects(b, holes.dropna()).select_dtypes("number"),
        rtol=1e-9,
    )


def test_offset_moves_the_effects(fitted):
    _, frame = fitted
    frame = frame.assign(shift=0.5 * frame["rate"])
    with_offset = OrderedLogit.from_formula("y ~ rate + late", frame, offset="shift").fit()
    without = OrderedLogit.from_formula("y ~ rate + late", frame).fit()
    assert_allclose(with_offset.params["rate"] + 0.5, without.params["rate"], rtol=1e-7)
    a = effects.average_marginal_effects(with_offset).query("term == 'late'")
    b = effects.average_marginal_effects(without).query("term == 'late'")
    assert_allclose(a["effect"], b["effect"], rtol=1e-7)


def logistic_cdf(u):
    return 1 / (1 + np.exp(-u))


def true_effects(x, d):
    """Average effects of x and d on the three classes at the true parameters, over these borrowers."""
    eta = 0.8 * x + 0.5 * d
    f = logistic_cdf(np.array([-1, 1])[:, None] - eta)
    slopes = (-0.8 * f * (1 - f)).mean(axis=1)
    high, low = (logistic_cdf(np.array([-1, 1])[:, None] - 0.8 * x - 0.5 * level).mean(axis=1) for level in (1, 0))
    return np.concatenate([np.diff([0, *slopes, 0]), np.diff([0, *(high - low), 0])])


def test_intervals_cover():
    """95 % intervals cover the true average effects over the borrowers at hand."""
    hits = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x, d = rng.normal(size=800), rng.integers(0, 2, 800)
        y = np.digitize(0.8 * x + 0.5 * d + rng.logistic(size=800), [-1, 1])
        table = effects.average_marginal_effects(OrderedLogit(y, pd.DataFrame({"x": x, "d": d})).fit())
        truth = true_effects(x, d)
        hits.append((table["ci_low"].to_numpy() <= truth) & (truth <= table["ci_high"].to_numpy()))
    coverage = np.mean(hits, axis=0)
    assert ((coverage > 0.92) & (coverage < 0.98)).all(), coverage


def test_odds_ratios(fitted):
    result, frame = fitted
    table = effects.odds_ratios(result)
    assert_allclose(np.log(table["odds_ratio"]), result.slopes, rtol=1e-12)
    ten = effects.odds_ratios(result, per={"rate": 10})
    assert_allclose(ten.loc["rate", "odds_ratio"], table.loc["rate", "odds_ratio"] ** 10, rtol=1e-10)
    sd = effects.odds_ratios(result, per="sd")
    assert_allclose(sd.loc["rate", "per"], frame["rate"].std(ddof=0))
    assert sd.loc["late", "per"] == 1
    freed = OrderedLogit.from_formula("y ~ rate + late", frame, nonparallel=["rate"]).fit()
    assert list(effects.odds_ratios(freed).index) == ["late", "rate:0|1", "rate:1|2", "rate:2|3"]


def test_representative_borrowers(fitted):
    result, frame = fitted
    at = pd.DataFrame(
        {"income": [2e4, 8e4], "rate": [1.0, -1.0], "home": ["rent", "own"], "late": [1, 0]}, index=["risky", "safe"]
    )
    table = effects.marginal_effects_at(result, at)
    for name in at.index:
        one = effects.average_marginal_effects(result, at.loc[[name]], weights=[1.0])
        mine = table.query("borrower == @name").reset_index(drop=True)
        assert_allclose(mine[["effect", "se"]], one[["effect", "se"]])
        assert_allclose(mine.query("term == 'rate'")["effect"], numerical(result, at.loc[[name]], "rate"), atol=1e-9)
    p = effects.predicted_probabilities(result, at)
    wide = p.pivot(index="borrower", columns="category", values="probability")
    assert_allclose(wide.loc[at.index], result.predict(at), rtol=1e-12)
    assert p["ci_low"].gt(0).all() and p["ci_high"].lt(1).all()
    assert wide.loc["risky", 3] > wide.loc["safe", 3]


def test_expected_effect_is_the_sum_over_classes(fitted):
    result, frame = fitted
    by_class = effects.average_marginal_effects(result, frame)
    total = by_class["effect"] * by_class["category"]
    expected = effects.expected_effects(result, frame)
    assert_allclose(expected["effect"], total.groupby([by_class["term"], by_class["contrast"]], sort=False).sum())


def test_a_million_rows_in_seconds():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1_000_000, 12))
    y = np.digitize(x @ np.linspace(0.1, 0.5, 12) + rng.logistic(size=len(x)), [-2, 0, 2, 3])
    result = OrderedLogit(y, x).fit()
    begin = time.perf_counter()
    table = effects.average_marginal_effects(result)
    assert time.perf_counter() - begin < 15  # about two on an idle core
    assert len(table) == 12 * 5


@pytest.mark.parametrize(
    "formula", ["y ~ rate + I(rate**2)", "y ~ C(home):C(late)", "y ~ rate * C(home)", "y ~ bs(rate, df=4)"]
)
def test_columns_that_move_together_need_the_data(formula, fitted):
    _, frame = fitted
    result = OrderedLogit.from_formula(formula, frame).fit()
    with pytest.raises(ModelError, match="Give data="):
        effects.average_marginal_effects(result)
    assert np.isfinite(effects.average_marginal_effects(result, frame.query("-1.5 < rate < 1.5"))["effect"]).all()


def test_refusals(fitted):
    result, frame = fitted
    with pytest.raises(ModelError, match="no variables of the model"):
        effects.average_marginal_effects(result, frame, variables=["age"])
    with pytest.raises(ModelError, match="no terms of the model"):
        effects.average_marginal_effects(result, variables=["age"])
    with pytest.raises(ModelError, match="holds no data"):
        effects.average_marginal_effects(result.remove_data())
    with pytest.raises(DataError, match="weights must be"):
        effects.average_marginal_effects(result, weights=[1.0])
    with pytest.raises(DataError, match="lack column home"):
        effects.marginal_effects_at(result, pd.DataFrame({"rate": [1.0]}))
    with pytest.raises(ModelError, match="no log-odds"):
        effects.odds_ratios(OrderedLogit.from_formula("y ~ rate", frame, link="probit").fit())
    with pytest.raises(ModelError, match="strictly between 0 and 1"):
        effects.average_marginal_effects(result, confidence=95)
    # without the data, but with loans to average over, a scoring model has effects all the same
    light = effects.average_marginal_effects(result.remove_data(), frame)
    assert_allclose(light["se"], effects.average_marginal_effects(result, frame)["se"], rtol=1e-12)
