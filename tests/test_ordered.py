"""The ordered logit in memory: estimates, identities, refusals, results."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from p2prisk.errors import ConvergenceError, DataError, ModelError, SeparationError
from p2prisk.ordered import OrderedLogit, OrderedResults, SequentialLogit
from p2prisk.ordered.design import check_finite
from p2prisk.ordered.encoding import from_plain, to_plain

LINKS = ["logit", "probit", "cloglog", "loglog"]


def loans(n=1500, seed=3, categories="ABCD"):
    """Simulated loans with dollars next to ratios, a rare worst class and a text column."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(11, 0.6, n),
            "utilisation": rng.uniform(0, 1.2, n),
            "home": rng.choice(["MORTGAGE", "OWN", "RENT"], n, p=[0.5, 0.15, 0.35]),
            "n": rng.integers(1, 5, n),
            "borrower": rng.integers(0, n // 4, n),
        }
    )
    latent = (
        -0.8 * np.log(frame.income / 6e4)
        + 1.2 * frame.utilisation
        + 0.4 * (frame.home == "RENT")
        + rng.logistic(size=n)
    )
    cuts = [-np.inf, *np.quantile(latent, [0.35, 0.7, 0.96]), np.inf]
    frame["grade"] = pd.cut(latent, cuts, labels=list(categories))
    return frame


FORMULA = "grade ~ income + utilisation + C(home)"


@pytest.fixture(scope="module")
def frame():
    return loans()


@pytest.fixture(scope="module")
def result(frame):
    return OrderedLogit.from_formula(FORMULA, frame).fit()


def assert_same_fit(one, other, rtol=1e-11):
    np.testing.assert_allclose(one.params, other.params, rtol=rtol)
    np.testing.assert_allclose(one.bse, other.bse, rtol=rtol * 10)
    np.testing.assert_allclose(one.llf, other.llf, rtol=1e-13)


# -- derivatives ---------------------------------------


@pytest.mark.parametrize("nonparallel", [None, ["C(home)", "income"]], ids=["parallel", "freed"])
@pytest.mark.parametrize("link", LINKS)
def test_score_and_hessian_are_derivatives_of_the_log_likelihood(frame, link, nonparallel):
    model = OrderedLogit.from_formula(
        "grade ~ np.log(income) + utilisation + C(home)".replace("np.log(income)", "income"),
        frame.assign(income=np.log(frame.income) - 11),
        link=link,
        nonparallel=nonparallel,
        offset=frame.utilisation.to_numpy() / 10,
        freq_weights="n",
    )
    at = model.fit().params.to_numpy() * 1.02
    step = 1e-6

    def derivative(function):
        columns = []
        for i in range(len(at)):
            move = np.zeros(len(at))
            move[i] = step
            columns.append((function(at + move) - function(at - move)) / (2 * step))
        return np.array(columns)

    size = np.sqrt(np.abs(np.diag(model.hessian(at))))
    np.testing.assert_allclose(model.score(at) / size, derivative(model.loglike) / size, atol=1e-5)
    np.testing.assert_allclose(
        model.hessian(at) / np.outer(size, size), derivative(model.score) / np.outer(size, size), atol=1e-6
    )
    weighted = model.score_obs(at) * model.weights[:, None]
    np.testing.assert_allclose(weighted.sum(axis=0) / size, model.score(at) / size, atol=1e-10)


# -- identities ---------------------------------------


@pytest.mark.parametrize("link", LINKS)
def test_weights_give_what_repeated_rows_give(frame, link):
    weighted = OrderedLogit.from_formula(FORMULA, frame, link=link, freq_weights="n").fit(cov_type="HC1")
    repeated = frame.loc[frame.index.repeat(frame.n)]
    rows = OrderedLogit.from_formula(FORMULA, repeated, link=link).fit(cov_type="HC1")
    assert_same_fit(weighted, rows)
    assert weighted.nobs == rows.nobs == len(repeated)
    assert weighted.llnull == pytest.approx(rows.llnull, rel=1e-14)
    assert weighted.df_resid == rows.df_resid


def test_two_classes_are_the_binary_logit(frame):
    import statsmodels.api as sm

    bad = (frame.grade >= "C").astype(int)
    result = OrderedLogit(bad, frame[["utilisation"]]).fit()
    logit = sm.Logit(bad, sm.add_constant(frame[["utilisation"]])).fit(disp=0, tol=1e-14)
    assert result.params["utilisation"] == pytest.approx(logit.params["utilisation"], rel=1e-10)
    assert result.params["0|1"] == pytest.approx(-logit.params["const"], rel=1e-10)
    np.testing.assert_allclose(result.bse, logit.bse[["utilisation", "const"]], rtol=1e-9)


def test_null_model_has_the_exact_log_likelihood(frame):
    null = OrderedLogit.from_formula("grade ~ 1", frame).fit()
    counts = frame.grade.value_counts()
    assert null.llf == pytest.approx(float((counts * np.log(counts / counts.sum())).sum()), rel=1e-14)
    assert null.llf == pytest.approx(null.llnull, rel=1e-14)


@pytest.mark.parametrize("formula", ["grade ~ 0 + C(home)", "grade ~ C(home) - 1", "grade ~ 1 + C(home)"])
def test_written_intercepts_change_nothing(frame, formula):
    assert list(OrderedLogit.from_formula(formula, frame).fit().params.index) == [
        "C(home)[T.OWN]",
        "C(home)[T.RENT]",
        "A|B",
        "B|C",
        "C|D",
    ]


# -- refusals ---------------------------------------


@pytest.mark.parametrize(
    ("change", "formula", "error", "message"),
    [
        (lambda f: f.assign(grade=f.grade.astype(str)), "grade ~ income", DataError, "categories=.*ordered=True"),
        (lambda f: f.assign(grade=f.grade.cat.as_unordered()), "grade ~ income", DataError, "as_ordered"),
        (lambda f: f[f.grade == "A"], "grade ~ income", DataError, "one level only"),
        (lambda f: f[f.grade != "B"], "grade ~ income", DataError, r"no row has level \['B'\].*remove_unused"),
        (lambda f: f.assign(income=f.income.where(f.index > 4)), "grade ~ income", DataError, r"income \(5\)"),
        (lambda f: f.assign(k=0.1), "grade ~ income + k", ModelError, "k is constant"),
        (
            lambda f: f.assign(k=2 * f.income + 20000 * f.utilisation),
            "grade ~ income + utilisation + k",
            ModelError,
            "k is a linear combination of income, utilisation",
        ),
        (
            lambda f: f.assign(k=np.where(f.grade == "D", "late", "fine")),
            "grade ~ income + C(k)",
            SeparationError,
            r"quasi-completely separated by C\(k\)\[T.late\]",
        ),
        (
            lambda f: f.assign(k=np.where((f.grade == "A") & (f.utilisation < 0.2), "x", "o")),
            "grade ~ income + C(k)",
            SeparationError,
            r"C\(k\)\[T.x\].*A: \d+, B: 0, C: 0, D: 0",
        ),
        (
            lambda f: f.assign(k=f.grade.cat.codes + np.linspace(0, 0.5, len(f))),
            "grade ~ k",
            SeparationError,
            r"are completely separated by k \(estimate runs to \+infinity\)",
        ),
        (
            lambda f: f.assign(grade=np.where(f.index % 3, 1.0, np.inf)),
            "grade ~ income",
            DataError,
            "not whole numbers",
        ),
        (lambda f: f.assign(grade=f.index / 2), "grade ~ income", DataError, "not whole numbers; .*pd.cut"),
        (lambda f: f.assign(grade=f.index * 1000.0), "grade ~ income", DataError, "1500 distinct integers"),
        (lambda f: f, "grade ~ np.log(n - 1)", DataError, r"np.log\(n - 1\) \(\d+ infinite, first in row"),
        (lambda f: f, "grade ~ incme", DataError, "incme"),
        (lambda f: f, "grde ~ income", DataError, "grde"),
        (
            lambda f: f.assign(k=f.income * 1e200),
            "grade ~ utilisation + k",
            DataError,
            r"k \(up to \S+\) leave the range",
        ),
        (lambda f: f.assign(k=f.income * 1e-200), "grade ~ utilisation + k", DataError, r"k \(up to .*in other units"),
        (lambda f: f, "grade ~ C(a ``b)", ModelError, "cannot be read"),  # formulaic's IndexError
        (lambda f: f.rename(columns={"income": "A|B"}), "grade ~ `A|B`", ModelError, r"A\|B would name two parameters"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(frame, change, formula, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        OrderedLogit.from_formula(formula, change(frame)).fit()


@pytest.mark.parametrize(
    ("endog", "exog", "options", "message"),
    [
        (None, pd.DataFrame(np.ones((9, 2)), columns=["a", "a"]), {}, "two columns of the same name"),
        (None, np.ones((9, 1), complex), {}, "dtype complex128; give real numbers"),
        (None, pd.DataFrame({"a": np.ones(9, complex)}), {}, "column a is not numeric"),
        (None, np.ma.masked_equal(np.arange(9.0), 3), {}, "exog is a masked array"),
        (np.ma.masked_equal(np.arange(9) % 3, 1), np.arange(9.0), {}, "response is a masked array"),
        (None, np.arange(9.0), {"offset": np.arange(9) * 1e3}, "offset reaches from 0 to 8000.*not exposure"),
    ],
)
def test_arrays_that_are_not_what_they_seem_are_refused(endog, exog, options, message):
    with pytest.raises(DataError, match=message):
        OrderedLogit(np.arange(9) % 3 if endog is None else endog, exog, **options)


@pytest.mark.parametrize("kind", [OrderedLogit, SequentialLogit])
@pytest.mark.parametrize("method", ["ml", "bias_reduced"])
def test_a_level_of_the_offset_moves_the_thresholds_alone(frame, kind, method):
    few = frame.head(300)
    known = 0.3 * np.sin(np.arange(len(few)))
    plain, moved = (
        kind(few.grade.cat.codes, few[["utilisation"]], offset=known + level).fit(method=method) for level in (0, 1e4)
    )
    np.testing.assert_allclose(moved.slopes, plain.slopes, rtol=1e-9)
    np.testing.assert_allclose(moved.thresholds - 1e4, plain.thresholds, atol=1e-9)
    np.testing.assert_allclose([*moved.bse, moved.llf], [*plain.bse, plain.llf], rtol=1e-9)


def test_whole_numbers_in_a_column_of_objects_are_numbers(frame, result):
    numbers = frame.grade.cat.codes.astype(object)
    fit = OrderedLogit.from_formula(FORMULA, frame.assign(grade=numbers)).fit()
    np.testing.assert_array_equal(fit.params, result.params)


@pytest.mark.parametrize("kind", [float, "Float64", "int64"])
def test_whole_numbers_are_classes_in_their_order(frame, result, kind):
    """Also numbers far apart, and as many classes as half of the rows."""
    for numbers in ([1, 2, 3, 4], [-5, 0, 70_000, 80_000]):
        endog = frame.grade.cat.codes.map(dict(enumerate(numbers))).astype(kind)
        fit = OrderedLogit.from_formula(FORMULA, frame.assign(grade=endog)).fit()
        np.testing.assert_array_equal(fit.params, result.params)
        assert list(fit.categories) == numbers
    half = OrderedLogit(pd.Series(np.arange(240) // 2 * 1000).astype(kind), np.sin(np.arange(240.0))[:, None])
    assert len(half.categories) == 120


def test_values_that_are_not_finite_are_named_by_column_and_row():
    values = np.array([[1.0, 2, np.inf], [1, np.nan, 3], [1, np.nan, -np.inf], [4, 5, 6]])
    message = r"columns have values .* in b \(2 NaN, first in row 1\), c \(2 infinite, first in row 0\);"
    with pytest.raises(DataError, match=message):
        check_finite(values, list("abc"), "columns")
    values[3, 2] = np.nan
    with pytest.raises(DataError, match=r"in c \(1 NaN and 2 infinite, first in row 0\)"):
        check_finite(values[:, 2:], ["c"], "columns")
    check_finite(values[:, :1], ["a"], "columns")
    check_finite(values[:, :0], [], "columns")


def test_thresholds_out_of_order_have_no_likelihood(frame, result):
    """Newton's step is halved until they are in order: the log-likelihood there is minus infinity."""
    crossed = result.params.to_numpy().copy()
    crossed[[-3, -2]] = crossed[[-2, -3]]
    assert result.model.loglike(crossed) == -np.inf
    tied = result.params.to_numpy().copy()
    tied[-2] = tied[-3]
    assert result.model.loglike(tied) == -np.inf


def test_weights_are_checked(frame):
    for weights, message in ((-frame.n, "negative"), (0 * frame.n, "all zero")):
        with pytest.raises(DataError, match=message):
            OrderedLogit.from_formula("grade ~ income", frame, freq_weights=weights)


def test_a_fit_that_does_not_settle_returns_nothing(frame):
    with pytest.raises(ConvergenceError, match="within 2 iterations"):
        OrderedLogit.from_formula(FORMULA, frame).fit(maxiter=2)


def test_dropped_rows_are_counted(frame):
    holes = frame.assign(income=frame.income.where(frame.index > 4))
    model = OrderedLogit.from_formula("grade ~ income", holes, missing="drop")
    assert model.n_dropped == 5 and model.dropped_by_column == {"income": 5}
    assert "dropped" in model.fit().summary().as_text()
    arrays = OrderedLogit(holes.grade, holes[["income"]], missing="drop")
    assert_same_fit(model.fit(), arrays.fit())


# -- results ---------------------------------------


def test_the_summary_prints_each_number_with_its_digits(frame):
    result = OrderedLogit(frame.grade, frame[["utilisation", "n"]]).fit()
    row = next(line.split() for line in result.summary().as_text().splitlines() if line.startswith("utilisation"))
    ends = result.conf_int().loc["utilisation"]
    values = (result.params["utilisation"], result.bse["utilisation"], result.tvalues["utilisation"])
    assert row[1:4] == [f"{values[0]:.4g}", f"{values[1]:.3g}", f"{values[2]:.3g}"]
    assert row[5:7] == [f"{ends.iloc[0]:.3g}", f"{ends.iloc[1]:.3g}"]
    assert all(len(cell.strip("-0.")) >= 3 for cell in row[5:7])  # or the test could not tell three digits from two


def test_measures_of_fit_are_those_of_statsmodels(frame):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    exog = frame[["utilisation", "n"]]
    ours = OrderedLogit(frame.grade, exog).fit()
    theirs = OrderedModel(frame.grade, exog, distr="logit").fit(method="newton", tol=1e-14, disp=0)
    for name in ("llf", "llnull", "llr", "aic", "bic", "nobs", "df_model", "df_resid", "prsquared"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-9), name
    assert ours.llr_pvalue == pytest.approx(theirs.llr_pvalue, rel=1e-6)
    # they hold logarithms of gaps between thresholds: only slopes compare; their standard errors come from differences,
    # which a far tail multiplies
    np.testing.assert_allclose(ours.tvalues.iloc[:2], theirs.tvalues.iloc[:2], rtol=1e-5)
    np.testing.assert_allclose(ours.pvalues.iloc[:2], theirs.pvalues.iloc[:2], rtol=1e-3)
    np.testing.assert_allclose(ours.pvalues, 2 * stats.norm.sf(np.abs(ours.tvalues)), rtol=1e-13)
    for alpha in (0.05, 0.2):
        interval = ours.conf_int(alpha)
        assert list(interval.columns) == ["lower", "upper"]
        np.testing.assert_allclose(interval.iloc[:2], theirs.conf_int(alpha).iloc[:2], atol=1e-6)
    assert OrderedLogit.from_formula("grade ~ 1", frame).fit().llr == pytest.approx(0, abs=1e-9)


def test_pseudo_r_squared_by_their_definitions(frame, result):
    gain = 1 - np.exp(2 * (result.llnull - result.llf) / result.nobs)
    eta = result.predict(frame, which="linear")
    expected = {
        "mcfadden": 1 - result.llf / result.llnull,
        "CoxSnell": gain,
        "nagelkerke": gain / (1 - np.exp(2 * result.llnull / result.nobs)),
        "mckelvey_zavoina": eta.var(ddof=0) / (eta.var(ddof=0) + np.pi**2 / 3),
    }
    for kind, value in expected.items():
        assert result.pseudo_rsquared(kind) == pytest.approx(value, rel=1e-10), kind
    with pytest.raises(ModelError, match="choose mcfadden, coxsnell"):
        result.pseudo_rsquared("efron")


def test_unseen_level_is_refused(frame, result):
    with pytest.raises(DataError, match=r"in 6 row\(s\) that the fit has not seen, first in row 0: \['BOAT'\]"):
        result.predict(frame.head(6).assign(home="BOAT"))


@pytest.mark.parametrize(
    "wrong", ["9", pd.Timestamp("2020-01-01"), pd.Timedelta("1D"), 9 + 1j, pd.Categorical([9.0, 9.0])], ids=repr
)
@pytest.mark.parametrize("formula", ["grade ~ income + C(home)", "grade ~ np.sqrt(income)"])
def test_text_in_place_of_numbers_is_refused_and_leaves_the_model_as_it_was(frame, formula, wrong):
    result = OrderedLogit.from_formula(formula, frame).fit()
    before = result.to_json()
    if not (isinstance(wrong, complex) and "sqrt" in formula):
        with pytest.raises(DataError, match="income"):
            result.predict(frame.head(2).assign(income=wrong))
    assert result.to_json() == before


def test_predictions_agree_with_the_definition(frame, result):
    probability = result.predict(frame)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)
    eta = result.predict(frame, which="linear")
    cumulative = 1 / (1 + np.exp(-(result.thresholds.to_numpy() - eta.to_numpy()[:, None])))
    np.testing.assert_allclose(result.predict(frame, which="cumulative"), cumulative, rtol=1e-12)
    np.testing.assert_allclose(np.cumsum(probability.to_numpy(), axis=1)[:, :-1], cumulative, rtol=1e-11)
    np.testing.assert_allclose(result.predict(frame, which="expected"), probability @ np.arange(4), rtol=1e-12)
    assert result.predict(frame, which="class").cat.ordered


def test_json_restores_the_scoring_model(frame):
    formula = "grade ~ bs(income, df=4) + scale(utilisation) * C(home)"
    result = OrderedLogit.from_formula(formula, frame).fit()
    restored = OrderedResults.from_json(result.to_json())
    few = frame[frame.home != "OWN"].head(7)
    pd.testing.assert_frame_equal(restored.predict(few, interval=0.9), result.predict(few, interval=0.9))
    assert restored.summary().as_text() == result.summary().as_text()
    with pytest.raises(DataError, match="BOAT"):
        restored.predict(few.assign(home="BOAT"))
    again = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(again.predict(few), result.predict(few))


def test_states_survive_json_exactly():
    """Also names that look like our own marks, and numbers that JSON has no word for."""
    state = {
        "knots": [0.1, 1 / 3, 1e-300, -0.0],
        "bounds": (float("-inf"), float("inf")),
        "levels": {1: "one", ("a", 2): pd.Interval(0, 1.5, closed="left")},
        "__float__": "text",
        "counts": np.arange(6).reshape(2, 3),
        "since": pd.Timestamp("2018-02-03"),
        "single": [np.float64(0.2), np.int8(3), np.bool_(True)],
    }
    text = json.dumps(to_plain(state), allow_nan=False)
    back = from_plain(json.loads(text))
    np.testing.assert_array_equal(back.pop("counts"), state.pop("counts"))
    assert back == state and list(back) == list(state)
    assert [type(value) for value in back["single"]] == [float, int, bool]
    assert isinstance(back["bounds"], tuple) and np.signbit(back["knots"][3])
    assert np.isnan(from_plain(to_plain(float("nan"))))
    # a plain record stays readable
    assert to_plain({"a": 1, "b": {"c": 2.5}}) == {"a": 1, "b": {"c": 2.5}}
    with pytest.raises(ModelError, match="state of type set, which cannot be written as JSON"):
        to_plain({"a": {1}})


def test_penalised_fit_is_named_as_such(frame):
    separated = frame.assign(k=np.where(frame.grade == "D", "late", "fine"))
    result = OrderedLogit.from_formula("grade ~ income + C(k)", separated).fit(penalty=1.0)
    assert "Penalised" in result.summary().as_text() and "not maximum likelihood" in result.summary().as_text()


def test_missing_values_inside_stateful_transforms_are_seen(frame):
    holes = frame.assign(income=frame.income.where(frame.index > 4))
    formula = "grade ~ bs(income, df=4) + scale(utilisation)"
    with pytest.raises(DataError, match=r"income \(5\)"):
        OrderedLogit.from_formula(formula, holes)
    assert OrderedLogit.from_formula(formula, holes, missing="drop").n_dropped == 5


def test_memory_stays_within_a_fifth_of_the_data():
    import tracemalloc

    rng = np.random.default_rng(0)
    exog = rng.normal(size=(250_000, 20))
    codes = np.digitize(exog[:, 0] + rng.logistic(size=len(exog)), [-2, 0, 1, 3]).astype(np.int8)
    OrderedLogit(codes[:100], exog[:100, :2]).fit()
    tracemalloc.start()
    OrderedLogit(codes, exog).fit()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.2 * exog.nbytes


def test_separation_is_found_in_many_rows():
    rng = np.random.default_rng(1)
    n = 90_000
    exog = np.column_stack([rng.normal(size=n), rng.uniform(size=n) < 0.0005])
    codes = np.digitize(exog[:, 0] + rng.logistic(size=n), [-2, 0, 1, 3])
    codes[exog[:, 1] == 1] = 4
    with pytest.raises(SeparationError, match="quasi-completely separated by x2"):
        OrderedLogit(codes, exog).fit()
    assert OrderedLogit(codes, exog).fit(penalty=1.0).penalty == 1.0


def test_negative_probabilities_are_counted():
    rng = np.random.default_rng(3)
    exog = rng.normal(size=(300, 1))
    codes = np.digitize(exog[:, 0] * rng.choice([-1, 1.5], 300) + rng.logistic(size=300), [-0.2, 0.3])
    with pytest.warns(UserWarning, match=r"negative probability for \d+ of 300 rows"):
        result = OrderedLogit(codes, exog, nonparallel=["x1"]).fit()
    beta, theta = result.slopes.to_numpy(), result.thresholds.to_numpy()
    crossed = (np.diff(theta - exog * beta, axis=1) <= 0).any(axis=1).sum()
    assert result.negative_probability_rows == crossed > 0
    assert f"negative probability in {crossed} rows" in result.summary().as_text()


def test_tests_of_linear_hypotheses(result):
    one = result.t_test("C(home)[T.RENT] = C(home)[T.OWN]").iloc[0]
    covariance, names = result.cov_params(), ["C(home)[T.RENT]", "C(home)[T.OWN]"]
    contrast = np.array([1.0, -1.0])
    assert one["estimate"] == pytest.approx(contrast @ result.params[names])
    assert one["se"] == pytest.approx(np.sqrt(contrast @ covariance.loc[names, names] @ contrast))
    term = result.wald_test("C(home)")
    inverse = np.linalg.inv(covariance.loc[names, names])
    assert term["chi2"] == pytest.approx(result.params[names] @ inverse @ result.params[names]) and term["df"] == 2
    both = result.wald_test("C(home)[T.RENT] = 0.1, 2*utilisation - C(home)[T.OWN] = 1")
    assert both["df"] == 2
    small = result.model.with_columns(["income", "utilisation"]).fit()
    assert result.lr_test(small)["chi2"] == pytest.approx(2 * (result.llf - small.llf))
    assert both["pvalue"] == pytest.approx(np.exp(-both["chi2"] / 2))  # two degrees of freedom
    # a combination is known by its text where there is one for each, else by its number
    texts = result.t_test(["utilisation = 1", "2 * utilisation - C(home)[T.OWN]"])
    assert list(texts.index) == ["utilisation = 1", "2 * utilisation - C(home)[T.OWN]"]
    assert list(texts["value"]) == [1, 0]
    np.testing.assert_allclose(texts.z, (texts.estimate - texts["value"]) / texts.se, rtol=1e-12)
    np.testing.assert_allclose((texts.upper - texts.lower) / texts.se, 2 * 1.959963984540054, rtol=1e-12)
    matrix = np.eye(len(result.params))[:2].tolist()
    for constraints in (matrix, np.array(matrix), matrix + [matrix[0]]):
        table = result.t_test(constraints)
        assert list(table.index) == [f"c{i}" for i in range(len(constraints))]
        np.testing.assert_allclose(table.pvalue.iloc[:2], result.pvalues.iloc[:2], rtol=1e-12)
    weighed = result.t_test({"utilisation": 2.0, "C(home)[T.OWN]": -1.0})
    np.testing.assert_allclose(weighed.iloc[0].drop("value"), texts.iloc[1].drop("value"), rtol=1e-12)
    with pytest.raises(ModelError, match="no slope incme"):
        result.t_test({"incme": 1.0})
    with pytest.raises(ModelError, match="has 2 columns; there are 7 parameters"):
        result.t_test([[1.0, 0.0]])
    with pytest.raises(ModelError, match="rank 1"):
        result.wald_test(["income = 0", "2*income = 0"])
    with pytest.raises(ModelError, match="neither a number nor a parameter"):
        result.t_test("incme = 0")


def test_every_public_name_of_the_family_has_an_example():
    """The examples run as doctests."""
    from p2prisk import hazard, ordered

    public = [getattr(module, name) for module in (ordered, hazard) for name in module.__all__]
    assert [thing.__name__ for thing in public if callable(thing) and ">>>" not in (thing.__doc__ or "")] == []
