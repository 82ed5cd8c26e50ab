"""The sequential logit: derivatives, identities, refusals, effects, checks, and any size."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from p2prisk import assumptions as check
from p2prisk.effects import average_marginal_effects, expected_effects, odds_ratios
from p2prisk.errors import DataError, ModelError, SeparationError
from p2prisk.ordered import OrderedLogit, OrderedResults, SequentialLogit, fit_batches, fit_dask

LINKS = ["logit", "probit", "cloglog", "loglog"]
MIRROR = {"logit": "logit", "probit": "probit", "cloglog": "loglog", "loglog": "cloglog"}
WAYS = ["forward", "backward"]
FORMULA = "outcome ~ income + utilisation + C(home)"


def loans(n=1500, seed=3):
    """Simulated loans in stages: dollars next to ratios, a rare worst class."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(11, 0.6, n),
            "utilisation": rng.uniform(0, 1.2, n),
            "home": rng.choice(["MORTGAGE", "OWN", "RENT"], n, p=[0.5, 0.15, 0.35]),
            "n": rng.integers(1, 5, n),
            "known": rng.normal(0, 0.2, n),
            "borrower": rng.integers(0, n // 4, n),
        }
    )
    eta = -0.8 * np.log(frame.income / 6e4) + 1.2 * frame.utilisation + 0.4 * (frame.home == "RENT") + frame.known
    going_on = eta.to_numpy()[:, None] + rng.logistic(size=(n, 3)) > [0.6, 1.0, 2.2]
    code = np.where(going_on[:, 0], 1 + np.where(going_on[:, 1], 1 + going_on[:, 2], 0), 0)
    frame["outcome"] = pd.Categorical.from_codes(code, ["paid", "late", "early loss", "loss"], ordered=True)
    return frame


@pytest.fixture(scope="module")
def frame():
    return loans()


def make(frame, formula=FORMULA, **options):
    return SequentialLogit.from_formula(formula, frame, **options)


@pytest.fixture(scope="module", params=WAYS)
def result(frame, request):
    return make(frame, direction=request.param).fit()


def assert_same_fit(one, other, rtol=1e-11):
    np.testing.assert_allclose(one.params, other.params, rtol=rtol)
    np.testing.assert_allclose(one.bse, other.bse, rtol=rtol * 10)
    assert one.llf == pytest.approx(other.llf, rel=1e-13)


def central(function, at, size):
    """Derivative of a vector function along each parameter, in steps of a fraction of ``size``."""
    step = np.diag(size) * 1e-5
    return np.stack([(function(at + s) - function(at - s)) / 2e-5 for s in step], axis=-1)


# -- derivatives ---------------------------------------


@pytest.mark.parametrize("nonparallel", [None, ["C(home)", "income"]], ids=["parallel", "freed"])
@pytest.mark.parametrize("direction", WAYS)
@pytest.mark.parametrize("link", LINKS)
def test_derivatives_are_those_of_the_log_likelihood(frame, link, direction, nonparallel):
    model = make(
        frame.assign(income=np.log(frame.income) - 11),
        link=link,
        direction=direction,
        nonparallel=nonparallel,
        offset="known",
        freq_weights="n",
    )
    result = model.fit()
    at, size = result.params.to_numpy() * 1.02, result.bse.to_numpy()
    np.testing.assert_allclose(model.score(at) * size, central(model.loglike, at, size), atol=1e-6)
    hessian = central(model.score, at, size) * size[:, None]
    np.testing.assert_allclose(model.hessian(at) * np.outer(size, size), hessian, atol=1e-7)
    weighted = model.score_obs(at) * model.weights[:, None]
    np.testing.assert_allclose(weighted.sum(axis=0) * size, model.score(at) * size, atol=1e-10)
    assert model.loglike_obs(at) @ model.weights == pytest.approx(model.loglike(at), rel=1e-13)
    exog, offset = model.exog[:7], model.offset[:7]
    probability = central(lambda p: model.family.probabilities(model.layout.latent(p, exog, offset)), at, size)
    at_result = OrderedResults(**{**result.__dict__, "params": pd.Series(at, result.param_names)})
    np.testing.assert_allclose(at_result.probability_jacobian(exog, offset) * size, probability, atol=1e-9)


# -- identities ---------------------------------------


def expanded(frame, direction, free=()):
    """The binary response, design and row of every stage that a loan reaches, written out the long way."""
    columns = {
        "income": frame.income,
        "utilisation": frame.utilisation,
        "C(home)[T.OWN]": (frame.home == "OWN") * 1.0,
        "C(home)[T.RENT]": (frame.home == "RENT") * 1.0,
    }
    code, names = frame.outcome.cat.codes.to_numpy(), list(frame.outcome.cat.categories)
    stopped, rows, origin = [], [], []
    for i in range(len(frame)):
        for j in range(3):
            if code[i] < j if direction == "forward" else code[i] > j + 1:
                continue
            row = {name: -values.iloc[i] for name, values in columns.items() if name not in free}
            for name in free:
                row |= {f"{name}:{names[k]}|{names[k + 1]}": -columns[name].iloc[i] * (k == j) for k in range(3)}
            row |= {f"{names[k]}|{names[k + 1]}": float(k == j) for k in range(3)}
            stopped.append(float(code[i] <= j))
            rows.append(row)
            origin.append(i)
    return np.array(stopped), pd.DataFrame(rows), np.array(origin)


@pytest.mark.parametrize("free", [(), ("utilisation",)], ids=["parallel", "freed"])
@pytest.mark.parametrize("direction", WAYS)
def test_equals_the_binary_logit_on_the_repeated_rows(frame, direction, free):
    stopped, rows, origin = expanded(frame, direction, free)
    scale = rows.abs().max()
    # statsmodels iterates in the columns it is given: even ones leave it its digits
    binary = sm.Logit(stopped, rows / scale).fit(disp=0, tol=1e-14, maxiter=100)
    model = make(frame, direction=direction, nonparallel=list(free) or None)
    result = model.fit()
    np.testing.assert_allclose(result.params, (binary.params / scale)[result.param_names], rtol=1e-12)
    np.testing.assert_allclose(result.bse, (binary.bse / scale)[result.param_names], rtol=1e-11)
    assert result.llf == pytest.approx(binary.llf, rel=1e-14)
    # a loan is one observation however many stages it reaches: the robust covariances cluster its rows
    robust = sm.Logit(stopped, rows / scale).fit(
        disp=0, tol=1e-14, maxiter=100, cov_type="cluster", cov_kwds={"groups": origin, "use_correction": False}
    )
    found = result.with_covariance("HC0").bse
    np.testing.assert_allclose(found, (robust.bse / scale)[result.param_names], rtol=1e-10)


@pytest.mark.parametrize("direction", WAYS)
def test_equals_the_ordered_engine_on_two_classes(frame, direction):
    bad = (frame.outcome != "paid").astype(int)
    exog = frame[["income", "utilisation"]]
    for link in LINKS:
        ordered = OrderedLogit(bad, exog, link=link, offset=frame.known, freq_weights=frame.n).fit()
        assert_same_fit(
            SequentialLogit(bad, exog, direction, link, offset=frame.known, freq_weights=frame.n).fit(), ordered
        )


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("direction", WAYS)
def test_weights_give_what_repeated_rows_give(frame, direction, link):
    options = {"direction": direction, "link": link}
    weighted = make(frame, freq_weights="n", **options).fit(cov_type="HC1")
    rows = make(frame.loc[frame.index.repeat(frame.n)], **options).fit(cov_type="HC1")
    assert_same_fit(weighted, rows)
    assert weighted.nobs == rows.nobs and weighted.llnull == pytest.approx(rows.llnull, rel=1e-14)
    # cells of a contingency table
    coarse = frame.assign(used=frame.utilisation > 0.6)
    counts = coarse.groupby(["used", "home", "outcome"], observed=True).n.sum().reset_index()
    formula = "outcome ~ C(used) + C(home)"
    grouped = make(counts, formula, freq_weights="n", **options).fit()
    assert_same_fit(grouped, make(coarse, formula, freq_weights="n", **options).fit(), rtol=1e-10)


@pytest.mark.parametrize("nonparallel", [None, ["utilisation"]], ids=["parallel", "freed"])
@pytest.mark.parametrize("link", LINKS)
def test_backward_is_forward_on_the_reversed_categories(frame, link, nonparallel):
    forward = make(frame, link=link, nonparallel=nonparallel).fit()
    turned = frame.assign(outcome=3 - frame.outcome.cat.codes.astype(int))
    backward = make(turned, direction="backward", link=MIRROR[link], nonparallel=nonparallel).fit()
    assert forward.llf == pytest.approx(backward.llf, rel=1e-13)
    shared = [n for n in forward.param_names if "|" not in n]
    np.testing.assert_allclose(forward.params[shared], -backward.params[shared], rtol=1e-10)
    np.testing.assert_allclose(forward.thresholds, -backward.thresholds[::-1], rtol=1e-9)
    np.testing.assert_allclose(forward.predict(), backward.predict().iloc[:, ::-1], rtol=1e-10)


@pytest.mark.parametrize(("link", "direction"), [("cloglog", "forward"), ("loglog", "backward")])
def test_proportional_hazards_are_cumulative_and_sequential_at_once(frame, link, direction):
    sequential = make(frame, link=link, direction=direction).fit()
    cumulative = OrderedLogit.from_formula(FORMULA, frame, link=link).fit()
    assert sequential.llf == pytest.approx(cumulative.llf, rel=1e-13)
    np.testing.assert_allclose(sequential.slopes, cumulative.slopes, rtol=1e-11)
    np.testing.assert_allclose(sequential.predict(), cumulative.predict(), rtol=1e-11)


@pytest.mark.parametrize("direction", WAYS)
def test_all_slopes_free_are_the_stages_one_by_one_and_collapsing_leaves_them(frame, direction):
    terms = ["income", "utilisation", "C(home)"]
    free = make(frame, direction=direction, nonparallel=terms).fit()
    code = frame.outcome.cat.codes.to_numpy()
    names, total = free.threshold_names, 0.0
    for j, name in enumerate(names):
        reached = code >= j if direction == "forward" else code <= j + 1
        bad = (code > j)[reached].astype(int)
        stage = OrderedLogit.from_formula("bad ~ income + utilisation + C(home)", frame[reached].assign(bad=bad)).fit()
        own = [n for n in free.param_names if n.endswith(f":{name}")] + [name]
        np.testing.assert_allclose(free.params[own], stage.params, rtol=1e-9)
        np.testing.assert_allclose(free.bse[own], stage.bse, rtol=1e-9)
        total += stage.llf
    assert free.llf == pytest.approx(total, rel=1e-13)
    # merging categories at the far end leaves the stages before it alone
    merged = code.clip(max=2) if direction == "forward" else code.clip(min=1) - 1
    small = make(frame.assign(outcome=merged), direction=direction, nonparallel=terms).fit()
    kept = names[:2] if direction == "forward" else names[1:]
    own = [n for n in free.param_names if n.endswith(tuple(f":{k}" for k in kept))] + kept
    np.testing.assert_allclose(np.sort(free.params[own]), np.sort(small.params), rtol=1e-9)


def test_null_model_is_exact_and_the_same_in_every_family(frame):
    counts = frame.outcome.value_counts()
    exact = float((counts * np.log(counts / counts.sum())).sum())
    for direction in WAYS:
        null = make(frame, "outcome ~ 1", direction=direction).fit()
        assert null.llf == pytest.approx(exact, rel=1e-14) and null.llnull == pytest.approx(exact, rel=1e-14)
        shifted = make(frame, direction=direction, offset="known").fit()
        nothing = make(frame, "outcome ~ 1", direction=direction, offset="known").fit()
        assert shifted.llnull == pytest.approx(nothing.llf, rel=1e-14)


def test_recovers_the_truth(frame):
    result = make(loans(40_000, 5), "outcome ~ np.log(income) + utilisation + C(home)", offset="known").fit()
    truth = pd.Series({"np.log(income)": -0.8, "utilisation": 1.2, "C(home)[T.OWN]": 0.0, "C(home)[T.RENT]": 0.4})
    assert (np.abs(result.params[truth.index] - truth) < 3.5 * result.bse[truth.index]).all()
    # the cumulative model is another model: its worst class is predicted otherwise
    assert check.compare_families(result).index[0] == "forward"


# -- refusals ---------------------------------------


@pytest.mark.parametrize(
    ("change", "formula", "error", "message"),
    [
        (lambda f: f.assign(outcome=f.outcome.astype(str)), FORMULA, DataError, "ordered=True"),
        (lambda f: f.assign(k=0.1), "outcome ~ income + k", ModelError, "k is constant"),
        (
            lambda f: f.assign(k=np.where(f.outcome == "loss", "late", "fine")),
            "outcome ~ income + C(k)",
            SeparationError,
            r"quasi-completely separated by C\(k\)\[T.late\]",
        ),
        (
            lambda f: f.assign(k=f.outcome.cat.codes + np.linspace(0, 0.5, len(f))),
            "outcome ~ k",
            SeparationError,
            r"are completely separated by k \(estimate runs to \+infinity\)",
        ),
    ],
)
@pytest.mark.parametrize("direction", WAYS)
def test_what_cannot_be_fitted_is_refused_by_name(frame, direction, change, formula, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        make(change(frame), formula, direction=direction).fit()


def test_a_level_without_loans_at_a_stage_is_named(frame):
    # loans of the level are paid, or late and then paid; none of them decides at the last stage
    odd = frame.assign(k=np.where((frame.outcome < "early loss") & (frame.utilisation < 0.3), "x", "o"))
    assert make(odd, "outcome ~ income + C(k)").fit().converged
    with pytest.raises(ModelError, match=r"C\(k\)\[T.x\] at stage early loss\|loss is constant"):
        make(odd, "outcome ~ income + C(k)", nonparallel=["C(k)"]).fit()
    # backwards the first stage knows the two best outcomes only; the level is of the others
    worst = frame.assign(
        k=np.where((frame.outcome > frame.outcome.cat.categories[1]) & (frame.utilisation < 0.3), "x", "o")
    )
    first = r"C\(k\)\[T.x\] at stage " + r"\|".join(frame.outcome.cat.categories[:2]) + " is constant"
    with pytest.raises(ModelError, match=first):
        make(worst, "outcome ~ income + C(k)", nonparallel=["C(k)"], direction="backward").fit()
    three = odd.assign(outcome=odd.outcome.cat.codes.clip(upper=2).astype(int))
    with pytest.raises(SeparationError, match=r"separated by C\(k\)\[T.x\] at stage 1\|2 \(estimate runs to -inf"):
        make(three, "outcome ~ income + C(k)", nonparallel=["C(k)"]).fit()


def test_direction_and_family_are_checked(frame):
    with pytest.raises(ModelError, match="direction='sideways'; choose 'forward' or 'backward'"):
        make(frame, direction="sideways")
    with pytest.raises(ModelError, match="family 'stopping' is not known; choose one of cumulative, forward"):
        fit_batches([], FORMULA, family="stopping")


def test_what_needs_one_latent_variable_refuses_stages(frame, result):
    from p2prisk import Scorecard

    with pytest.raises(ModelError, match="one latent variable"):
        result.pseudo_rsquared("mckelvey-zavoina")
    with pytest.raises(ModelError, match="surrogate residuals"):
        check.surrogate_residuals(result)
    with pytest.raises(ModelError, match="sequential model has several"):
        Scorecard.from_result(result)
    with pytest.raises(ModelError, match="has no stages"):
        OrderedLogit.from_formula(FORMULA, frame).fit().predict(which="stage")


# -- results ---------------------------------------


def test_predictions_agree_with_the_definition(frame, result):
    stage = result.predict(which="stage").to_numpy()
    eta = result.predict(which="linear").to_numpy()
    np.testing.assert_allclose(stage, 1 / (1 + np.exp(eta[:, None] - result.thresholds.to_numpy())), rtol=1e-12)
    probability = np.empty((len(frame), 4))
    if result.family.forward:
        left = np.ones(len(frame))
        for j in range(3):
            probability[:, j] = left * stage[:, j]
            left = left * (1 - stage[:, j])
        probability[:, 3] = left
    else:
        left = np.ones(len(frame))
        for j in (2, 1, 0):
            probability[:, j + 1] = left * (1 - stage[:, j])
            left = left * stage[:, j]
        probability[:, 0] = left
    np.testing.assert_allclose(result.predict(), probability, rtol=1e-11)
    np.testing.assert_allclose(result.predict(which="cumulative"), probability.cumsum(axis=1)[:, :3], rtol=1e-11)
    np.testing.assert_allclose(result.predict(which="expected"), probability @ np.arange(4), rtol=1e-11)
    assert (result.predict(which="class").cat.codes == probability.argmax(axis=1)).all()
    # a worse loan is worse in both directions: more utilisation, higher expected class
    assert result.params["utilisation"] > 0
    worse = result.predict(frame.assign(utilisation=frame.utilisation + 0.1), which="expected")
    assert (worse > result.predict(which="expected")).all()


def test_intervals_are_those_of_simulated_parameters(frame, result):
    few = frame.head(3)
    exog = result.design_matrix(few)
    draws = np.random.default_rng(1).multivariate_normal(result.params, result.cov_params(), 4000)
    for which, function in (("prob", result.family.probabilities), ("cumulative", result.family.cumulative)):
        simulated = np.array([function(result.layout.latent(d, exog)) for d in draws])
        wide = result.predict(few, which=which, interval=0.95)
        # the delta method is first order: good to some per cent
        np.testing.assert_allclose(wide.xs("se", axis=1, level=1), simulated.std(axis=0), rtol=0.12)
    stage = result.predict(few, which="stage", interval=0.9)
    assert (stage.xs("lower", axis=1, level=1) < stage.xs("upper", axis=1, level=1)).all(axis=None)


@pytest.mark.parametrize("direction", WAYS)
def test_json_and_pickle_restore_the_scoring_model(frame, direction):
    formula = "outcome ~ bs(income, df=4) + scale(utilisation) * C(home)"
    result = make(frame, formula, direction=direction, offset="known").fit()
    restored = OrderedResults.from_json(result.to_json())
    few = frame.head(7)
    pd.testing.assert_frame_equal(restored.predict(few, interval=0.9), result.predict(few, interval=0.9))
    assert restored.summary().as_text() == result.summary().as_text()
    assert f"Sequential Logit ({direction}) Results" in result.summary().as_text()
    assert restored.family == result.family and '"p2prisk.SequentialLogit/2"' in result.to_json()
    again = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(again.predict(few), result.predict(few))
    assert again.with_covariance("HC0").bse.gt(0).all()


def test_tests_and_likelihood_ratios(frame, result):
    small = result.model.with_columns(["income", "utilisation"]).fit()
    test = result.lr_test(small)
    assert test["chi2"] == pytest.approx(2 * (result.llf - small.llf)) and test["df"] == 2
    with pytest.raises(ModelError, match="family"):
        result.lr_test(OrderedLogit.from_formula("outcome ~ income", frame).fit())
    assert result.wald_test("C(home)")["df"] == 2
    assert result.model.with_response(frame.outcome.cat.codes.clip(upper=2), list("abc")).direction == (
        result.model.direction
    )


# -- effects ---------------------------------------


@pytest.mark.parametrize("nonparallel", [None, ["utilisation", "C(home)"]], ids=["parallel", "freed"])
@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize("direction", WAYS)
def test_effects_are_derivatives_of_mean_probabilities(frame, direction, link, nonparallel):
    formula = "outcome ~ np.log(income) + utilisation + C(home)"
    result = make(frame, formula, direction=direction, link=link, nonparallel=nonparallel, freq_weights="n").fit()
    model, at, size = result.model, result.params.to_numpy(), result.bse.to_numpy()
    place = {name: i for i, name in enumerate(model.exog_names)}

    def mean(params, change):
        exog = model.exog.copy()
        change(exog)
        value = model.family.probabilities(model.layout.latent(params, exog))
        return np.average(value, axis=0, weights=model.weights)

    def moved(step):
        def change(exog):
            exog[:, place["utilisation"]] += step

        return change

    def level(one):
        def change(exog):
            exog[:, [place["C(home)[T.OWN]"], place["C(home)[T.RENT]"]]] = [0.0, one]

        return change

    def income(step):
        def change(exog):
            exog[:, place["np.log(income)"]] = np.log(frame.income + step)

        return change

    effects = {
        "utilisation": lambda p: (mean(p, moved(1e-4)) - mean(p, moved(-1e-4))) / 2e-4,
        "RENT - MORTGAGE": lambda p: mean(p, level(1.0)) - mean(p, level(0.0)),
        "income": lambda p: (mean(p, income(100.0)) - mean(p, income(-100.0))) / 200,
    }
    table = average_marginal_effects(result, frame)
    for name, effect in effects.items():
        own = table[(table.term == name) | (table.contrast == name)]
        jacobian = central(effect, at, size) / size
        se = np.sqrt(np.einsum("jk,kl,jl->j", jacobian, result.cov_params(), jacobian))
        np.testing.assert_allclose(own.effect, effect(at), rtol=1e-5, atol=1e-10)
        np.testing.assert_allclose(own.se, se, rtol=1e-4)
        assert abs(own.effect.sum()) < 1e-12
    columns = average_marginal_effects(result)
    same = columns[columns.contrast == "RENT - MORTGAGE"]
    np.testing.assert_allclose(same.se, table[table.contrast == "RENT - MORTGAGE"].se, rtol=1e-10)
    worth = expected_effects(result, frame).set_index("term").loc["utilisation", "effect"]
    assert worth == pytest.approx(effects["utilisation"](at) @ np.arange(4), rel=1e-6)


def test_odds_ratios_are_those_of_going_on(frame, result):
    ratio = odds_ratios(result).loc["C(home)[T.RENT]", "odds_ratio"]
    renter, owner = (result.predict(frame.head(1).assign(home=h), which="stage") for h in ("RENT", "MORTGAGE"))
    odds = ((1 - renter) / renter) / ((1 - owner) / owner)
    np.testing.assert_allclose(odds, ratio, rtol=1e-10)


# -- checks ---------------------------------------


def test_brant_is_the_wald_test_of_the_freed_slopes(frame, result):
    test = check.brant(result)
    free = result.model.with_columns(result.exog_names, nonparallel=["income", "utilisation", "C(home)"]).fit()
    cuts = free.threshold_names
    for term, columns in result.terms.items():
        equal = [f"{c}:{cuts[0]} = {c}:{cut}" for c in columns for cut in cuts[1:]]
        wald = free.wald_test(equal)
        assert test.loc[term, "chi2"] == pytest.approx(wald["chi2"], rel=1e-7)
        assert test.loc[term, "df"] == wald["df"]
    slopes = check.slopes_by_threshold(result, cov_type="HC0")
    names = [f"{row.column}:{row.cut}" for row in slopes.itertuples()]
    np.testing.assert_allclose(slopes.se, free.with_covariance("HC0").bse[names], rtol=1e-8)
    cluster = check.slopes_by_threshold(result, cov_type="cluster", groups=frame.borrower)
    assert (np.abs(cluster.se / slopes.se - 1) < 0.2).all()
    ratio = check.likelihood_ratio_parallel(result)
    assert ratio.loc["Omnibus", "chi2"] == pytest.approx(2 * (free.llf - result.llf), rel=1e-9)
    assert ratio.loc["Omnibus", "chi2"] == pytest.approx(test.loc["Omnibus", "chi2"], rel=0.3)


def test_brant_finds_what_is_not_parallel(frame):
    rng = np.random.default_rng(2)
    x, z = rng.normal(size=(2, 4000))
    going_on = np.column_stack([x + z, -0.5 * x + z]) + rng.logistic(size=(4000, 2)) > [0, 0.3]
    y = np.where(going_on[:, 0], 1 + going_on[:, 1], 0)
    test = check.brant(SequentialLogit(y, pd.DataFrame({"x": x, "z": z})).fit())
    assert test.loc["x", "pvalue"] < 1e-10 and test.loc["z", "pvalue"] > 0.01


def test_brant_merges_where_a_stage_has_no_estimate(frame):
    odd = frame.assign(k=np.where((frame.outcome < "loss") & (frame.utilisation < 0.4), "x", "o"))
    result = make(odd, "outcome ~ utilisation + C(k)").fit()
    with pytest.raises(SeparationError, match=r"cut early loss\|loss: term C\(k\), level x"):
        check.brant(result)
    merged = check.brant(result, merge="categories")
    assert merged.attrs["categories"] == ["paid", "late", "early loss+loss"]
    code = odd.outcome.cat.codes.clip(upper=2).astype(int)
    by_hand = check.brant(make(odd.assign(outcome=code), "outcome ~ utilisation + C(k)").fit())
    np.testing.assert_allclose(merged.chi2, by_hand.chi2, rtol=1e-8)
    # nobody with the level gets beyond the first stage: there is no slope to compare, and the message says so
    gone = odd.assign(k=np.where((odd.outcome == "paid") & (odd.utilisation < 0.4), "x", "o"))
    gone.loc[gone.index[gone.outcome == "late"][:3], "k"] = "x"
    gone = gone.assign(k=np.where((gone.outcome > "late"), "o", gone.k))
    with pytest.raises(SeparationError, match=r"cut early loss\|loss: .*level x: no loan that reaches the cut has it"):
        check.brant(make(gone, "outcome ~ utilisation + C(k)").fit())


def test_checks_of_fit_links_and_influence_work(frame, result):
    fit = check.goodness_of_fit(result)
    assert (fit.pvalue > 1e-4).all() and (fit.df > 0).all()
    assert set(check.compare_links(result).index) == set(LINKS)
    assert check.linearity(result, ["utilisation"])["pvalue"].between(0, 1).all()
    row = check.influence(result, top=1).index[0]
    refit = result.model.with_response(
        result.model.endog_codes, result.categories, np.arange(result.n_rows) != row
    ).fit()
    assert np.abs((refit.params - result.params) / result.bse).max() < 1


# -- Vuong ---------------------------------------


def test_vuong_is_its_definition_and_counts_weights(frame):
    sequential = make(frame, freq_weights="n").fit()
    cumulative = OrderedLogit.from_formula(FORMULA, frame, freq_weights="n").fit()
    test = check.vuong(sequential, cumulative)
    place = frame.outcome.cat.codes.to_numpy().astype(int), np.arange(len(frame))
    own = [np.log(r.predict().to_numpy()[place[1], place[0]]) for r in (sequential, cumulative)]
    gap = np.repeat(own[0] - own[1], frame.n)
    assert test["ratio"] == pytest.approx(gap.sum(), rel=1e-9) == pytest.approx(sequential.llf - cumulative.llf)
    assert test["z"] == pytest.approx(gap.sum() / (np.sqrt(len(gap)) * gap.std()), rel=1e-9)
    repeated = frame.loc[frame.index.repeat(frame.n)]
    rows = check.vuong(make(repeated).fit(), OrderedLogit.from_formula(FORMULA, repeated).fit())
    np.testing.assert_allclose(rows, test, rtol=1e-7)
    turned = check.vuong(cumulative, sequential)
    assert turned["z"] == pytest.approx(-test["z"]) and turned["pvalue"] == pytest.approx(test["pvalue"])
    assert turned["indistinguishable_pvalue"] == pytest.approx(test["indistinguishable_pvalue"], abs=1e-9)
    more = make(frame, FORMULA + " + known", freq_weights="n").fit()
    plain, aic, bic = (check.vuong(more, cumulative, c)["ratio"] for c in (None, "aic", "bic"))
    assert plain - aic == pytest.approx(1) and plain - bic == pytest.approx(np.log(cumulative.nobs) / 2)


def test_the_variance_of_one_model_against_itself_has_no_weight(frame):
    # with the cloglog link both families are one model in other thresholds: Vuong's matrix is then nilpotent
    from p2prisk.assumptions.specification import _vuong_weights

    sequential = make(frame, link="cloglog", freq_weights="n").fit()
    cumulative = OrderedLogit.from_formula(FORMULA, frame, link="cloglog", freq_weights="n").fit()
    weights = sequential.model.weights
    assert _vuong_weights(sequential, cumulative, weights, sequential.nobs).max() < 1e-10
    other = OrderedLogit.from_formula("outcome ~ known", frame, link="cloglog", freq_weights="n").fit()
    assert _vuong_weights(sequential, other, weights, sequential.nobs).max() > 0.5


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0, 1.0], [2.0, 1.0, 0.25, 1e-6], [0.01] * 24])
def test_sums_of_weighted_chi_squares(weights):
    from scipy.stats import chi2

    from p2prisk.assumptions.specification import _weighted_chi2_sf

    weights = np.array(weights)
    if len(set(weights)) == 1:
        for share in (0.9, 0.5, 0.01, 1e-6):
            x = weights[0] * chi2.isf(share, len(weights))
            assert _weighted_chi2_sf(x, weights) == pytest.approx(share, rel=1e-4)
    draws = np.random.default_rng(0).chisquare(1, (200_000, len(weights))) @ weights
    for x in np.quantile(draws, [0.2, 0.8, 0.99]):
        assert _weighted_chi2_sf(x, weights) == pytest.approx((draws > x).mean(), abs=0.004)
    assert _weighted_chi2_sf(1e6, weights) == 0.0


def test_vuong_tells_indistinguishable_models(frame):
    """Where no trait matters the families say the same: the variance test keeps its size."""
    found = []
    for seed in range(120):
        rng = np.random.default_rng([5, seed])
        exog, codes = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
        test = check.vuong(SequentialLogit(codes, exog).fit(), OrderedLogit(codes, exog).fit())
        found.append(test["indistinguishable_pvalue"])
    assert 0.0 <= np.mean(np.array(found) < 0.05) < 0.12
    assert np.mean(found) > 0.4


def test_vuong_refuses_what_it_cannot_compare(frame):
    full = make(frame).fit()
    for other, message in (
        (make(frame, "outcome ~ income").fit(), "special case"),
        (make(frame, nonparallel=["income"]).fit(), "special case"),
        (make(frame.iloc[:-1]).fit(), "not of the same loans"),
        (OrderedLogit.from_formula(FORMULA, frame).fit(penalty=1.0), "penalised"),
    ):
        with pytest.raises(ModelError, match=message):
            check.vuong(full, other)
    with pytest.raises(ModelError, match="same probability"):
        check.vuong(make(frame, link="cloglog").fit(), OrderedLogit.from_formula(FORMULA, frame, link="cloglog").fit())


# -- any size ---------------------------------------


@pytest.fixture(scope="module")
def files(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages")
    for i, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_parquet(folder / f"part{i}.parquet")
    return folder


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"freq_weights": "n", "offset": "known"},
        {"link": "cloglog", "nonparallel": ["utilisation"]},
        {"cov_type": "HC1"},
        {"cov_type": "cluster", "groups": "borrower", "freq_weights": "n"},
    ],
    ids=["plain", "weights and offset", "freed", "HC1", "cluster"],
)
@pytest.mark.parametrize("direction", WAYS)
def test_files_give_what_memory_gives(frame, files, direction, options):
    streamed = fit_batches(files, FORMULA, batch_rows=300, family=direction, **options)
    fit = {k: options[k] for k in ("cov_type",) if k in options}
    if "groups" in options:
        fit["groups"] = frame[options["groups"]]
    memory = make(
        frame, direction=direction, **{k: v for k, v in options.items() if k not in ("cov_type", "groups")}
    ).fit(**fit)
    assert_same_fit(streamed, memory)
    assert streamed.llnull == pytest.approx(memory.llnull, rel=1e-13) and streamed.digits >= 11
    restored = OrderedResults.from_json(streamed.to_json())
    np.testing.assert_allclose(restored.predict(frame.head(9)), memory.predict(frame.head(9)), rtol=1e-11)


def test_dask_gives_what_memory_gives(frame):
    dd = pytest.importorskip("dask.dataframe", reason="dask is the optional extra 'scale'")
    import dask

    with dask.config.set(scheduler="synchronous"):
        spread = fit_dask(FORMULA, dd.from_pandas(frame, npartitions=4), family="backward", freq_weights="n")
    assert_same_fit(spread, make(frame, direction="backward", freq_weights="n").fit())


def test_large_data_start_from_samples_and_end_at_the_same_optimum(monkeypatch):
    from p2prisk.ordered import newton

    frame = loans(80_000, 8)
    exog = np.column_stack([frame.income, frame.utilisation, frame.home == "RENT"]).astype(float)
    codes = frame.outcome.cat.codes.to_numpy()
    large = SequentialLogit(codes, exog).fit()
    monkeypatch.setattr(newton, "sample_strides", lambda n_rows: [])
    assert_same_fit(large, SequentialLogit(codes, exog).fit())
