"""Checks of the ordered logit against R on real loans (E1), identities, and behaviour on simulated samples."""

import json
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import kstest, logistic

from p2prisk import OrderedLogit
from p2prisk import assumptions as check
from p2prisk.errors import ModelError, SeparationError

FOLDER = Path(__file__).parent / "reference/checks"
REFERENCE = json.loads((FOLDER / "assumptions.json").read_text())


def sample(n=1500, seed=0, tilt=0.0, square=0.0, J=4):
    """Ordered logit with one continuous predictor and a factor; `tilt` makes the slope of x differ by threshold."""
    rng = np.random.default_rng(seed)
    x, kind = rng.normal(size=n), rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    cuts = np.array([-1.0, 0.5, 2.0])[: J - 1]
    eta = x + 0.6 * (kind == "b") - 0.4 * (kind == "c") + square * (x**2 - 1)
    latent = cuts - eta[:, None] - tilt * x[:, None] * np.arange(J - 1)
    below = np.minimum.accumulate(logistic.cdf(latent)[:, ::-1], axis=1)[:, ::-1]
    y = (rng.random(n)[:, None] > below).sum(axis=1)
    return pd.DataFrame({"y": y, "x": x, "kind": kind})


@pytest.fixture(scope="module")
def loans():
    script = runpy.run_path(str(FOLDER / "assumptions_data.py"))
    formula, frame = script["FORMULA"], script["loans"]()
    frame["grade"] = pd.Categorical(frame["grade"], ordered=True)
    return OrderedLogit.from_formula(formula, frame).fit(), frame, formula


@pytest.fixture(scope="module")
def small():
    frame = sample()
    return OrderedLogit.from_formula("y ~ x + C(kind)", frame).fit(), frame


def short(term):
    return term.removeprefix("C(").removesuffix(")")


# against R


def test_fit_is_the_one_of_r(loans):
    result = loans[0]
    assert result.nobs == REFERENCE["rows"]
    assert_allclose(result.llf, REFERENCE["loglik"], rtol=1e-12)


def test_brant_equals_r(loans):
    table = check.brant(loans[0])
    table.index = [short(term) for term in table.index]
    for term, chi2, df in zip(*REFERENCE["brant"].values(), strict=True):
        assert_allclose(table.loc[term, "chi2"], chi2, rtol=1e-8, err_msg=term)
        assert table.loc[term, "df"] == df
    assert table["departure"].abs().idxmax() == "long" and table.loc["long", "cut"] == "A|B"


def test_slopes_by_threshold_equal_r(loans):
    frame = check.slopes_by_threshold(loans[0])
    # R orders columns as the formula does, formulaic alike except that single columns of a factor follow the term
    wide = frame.pivot(index="cut", columns="column", values="slope")
    se = frame.pivot(index="cut", columns="column", values="se")
    order = [name for names in loans[0].terms.values() for name in names]
    assert_allclose(wide[order], REFERENCE["slopes"], rtol=1e-7, atol=1e-9)
    assert_allclose(se[order], REFERENCE["slopes_se"], rtol=1e-6)


def test_likelihood_ratio_equals_nominal_test(loans):
    table = check.likelihood_ratio_parallel(loans[0], omnibus=False)
    table.index = [short(term) for term in table.index]
    for term, lr, df in zip(*REFERENCE["nominal"].values(), strict=True):
        # nominal_test stops at a gradient of 1e-6; the freed log-likelihood is ours to that
        assert_allclose(table.loc[term, "chi2"], lr, rtol=1e-5, atol=1e-5, err_msg=term)
        assert table.loc[term, "df"] == df


def test_freed_slopes_equal_vgam(loans):
    freed = check.free_terms(loans[0], ["long"])
    assert_allclose(freed.llf, REFERENCE["freed"]["loglik"], rtol=1e-7)
    slopes = freed.params[[name for name in freed.params.index if name.startswith("long:")]]
    assert_allclose(slopes, REFERENCE["freed"]["long"], rtol=2e-4)


def test_goodness_of_fit_equals_r(loans):
    result = loans[0]
    fagerland = check.fagerland_hosmer(result)
    assert_allclose(fagerland.chi2, REFERENCE["fagerland_hosmer"], rtol=1e-7)
    assert fagerland.df == 8 * 4 + 3
    assert_allclose(check.lipsitz(result).chi2, REFERENCE["lipsitz"], rtol=1e-6)
    expected = REFERENCE["pulkstenis_robinson"]
    terms = ["long", "bankrupt", "C(home)"]
    for statistic in ("chi2", "deviance"):
        test = check.pulkstenis_robinson(result, terms, statistic)
        assert_allclose(test.chi2, expected[statistic], rtol=1e-7)
        assert (test.df, test.groups) == (expected["df"], expected["cells"])
    table = test.table
    assert_allclose(table.xs("observed", level=1).sum(axis=1), table.xs("expected", level=1).sum(axis=1))


def test_spline_links_and_inflation_equal_r(loans):
    result, frame, _ = loans
    knots = REFERENCE["spline"]["knots"]
    basis = check.restricted_cubic_spline(frame["dti"], knots)
    assert_allclose(basis[:5], REFERENCE["spline"]["basis"], rtol=1e-12, atol=1e-12)
    wide = result.model.with_extra_columns({"s1": basis[:, 0], "s2": basis[:, 1]}).fit()
    assert_allclose(2 * (wide.llf - result.llf), REFERENCE["spline"]["lr"], rtol=1e-7)
    links = check.compare_links(result)
    for link, value in REFERENCE["links"].items():
        assert_allclose(links.loc[link, "loglike"], value, rtol=1e-9, err_msg=link)
    inflation = check.variance_inflation(result)
    assert_allclose(inflation["gvif_per_column"] ** (2 * inflation["df"]), inflation["gvif"], rtol=1e-12)
    gvif = inflation["gvif"]
    gvif.index = [short(term) for term in gvif.index]
    for term, value in REFERENCE["gvif"].items():
        assert_allclose(gvif[term], value, rtol=1e-7, err_msg=term)


# identities


def test_weights_are_repeated_rows():
    frame = sample(500, seed=4)
    frame["n"] = np.random.default_rng(4).integers(0, 4, 500)
    frame["x"] = frame["x"].round(1)
    long = frame.loc[frame.index.repeat(frame["n"])].reset_index(drop=True)
    a = OrderedLogit.from_formula("y ~ x + C(kind)", frame, freq_weights="n").fit()
    b = OrderedLogit.from_formula("y ~ x + C(kind)", long).fit()
    for one, two in (
        (check.brant(a), check.brant(b)),
        (check.brant(a, cov_type="HC0"), check.brant(b, cov_type="HC0")),
        (check.likelihood_ratio_parallel(a), check.likelihood_ratio_parallel(b)),
        (check.goodness_of_fit(a), check.goodness_of_fit(b)),
        (check.linearity(a), check.linearity(b)),
        (check.compare_links(a), check.compare_links(b)),
        (check.variance_inflation(a), check.variance_inflation(b)),
    ):
        numbers = one.select_dtypes("number").columns
        assert_allclose(one[numbers], two[numbers], rtol=2e-6, atol=1e-8)


def test_brant_does_not_depend_on_units_coding_or_reference_cut(small):
    result, frame = small
    base = check.brant(result)
    other = frame.assign(x=frame["x"] * 1e6 + 5e7, kind=frame["kind"].map({"a": "z", "b": "b", "c": "c"}))
    again = check.brant(OrderedLogit.from_formula("y ~ x + C(kind)", other).fit())
    assert_allclose(base["chi2"], again["chi2"], rtol=1e-6)
    # turning the outcome round makes the last cut the first
    turned = check.brant(OrderedLogit.from_formula("y ~ x + C(kind)", frame.assign(y=3 - frame["y"])).fit())
    assert_allclose(base["chi2"], turned["chi2"], rtol=1e-6)


def test_clusters_of_one_loan_are_hc0(small):
    result, frame = small
    n = len(frame)
    one = check.brant(result, cov_type="cluster", groups=np.arange(n))
    hc0 = check.brant(result, cov_type="HC0")
    assert_allclose(one["chi2"] * n / (n - 1), hc0["chi2"], rtol=1e-9)
    # HC0 and the model's covariance agree when the model is right
    assert_allclose(
        check.slopes_by_threshold(result)["se"], check.slopes_by_threshold(result, cov_type="HC0")["se"], rtol=0.15
    )


def test_covariance_across_cuts_by_simulation():
    """The covariance between binary logits, whose omission is the classic mistake, against repeated samples."""
    slopes, cov = [], []
    for seed in range(250):
        fits = check.fit_by_cut(OrderedLogit.from_formula("y ~ x", sample(500, seed=seed)).fit())
        slopes.append(fits.params["x"].to_numpy())
        cov.append(fits.cov)
    empirical = np.cov(np.array(slopes).T)
    assert_allclose(np.mean(cov, axis=0), empirical, rtol=0.25)
    assert empirical[0, 1] > 0.3 * empirical[0, 0]


def test_freed_fit_is_the_anova_between_the_two_fits(small):
    result, frame = small
    table = check.likelihood_ratio_parallel(result)
    free = OrderedLogit.from_formula("y ~ x + C(kind)", frame, nonparallel=["x"]).fit()
    assert_allclose(table.loc["x", "chi2"], 2 * (free.llf - result.llf), rtol=1e-9)
    # with x already free only the factor is left
    rest = check.likelihood_ratio_parallel(free)
    assert list(rest.index) == ["C(kind)"]


def test_probability_departure_is_zero_against_itself(small):
    result, _ = small
    assert check.probability_departure(result, result).to_numpy().max() == 0
    moved = check.probability_departure(result, check.free_terms(result, ["x"]))
    assert 0 < moved.loc["all", "mean_absolute"] < 0.05


# separation


@pytest.fixture(scope="module")
def separated():
    frame = sample(800, seed=9)
    rare = np.random.default_rng(1).random(800) < 0.08
    frame.loc[rare & (frame["y"] < 3), "kind"] = "rare"  # the level never meets the worst class
    return OrderedLogit.from_formula("y ~ x + C(kind)", frame).fit(), frame


def test_separated_cut_is_named_with_its_remedies(separated):
    with pytest.raises(SeparationError) as caught:
        check.brant(separated[0])
    message = str(caught.value)
    for part in ("cut 2|3", "C(kind)", "level rare", "merge='categories'", "0, 1, 2+3", "merge='levels'"):
        assert part in message, part
    assert caught.value.problems["cut"].tolist() == ["2|3"]


def test_merging_categories_equals_merging_by_hand(separated):
    result, frame = separated
    merged = check.brant(result, merge="auto")
    by_hand = check.brant(OrderedLogit.from_formula("y ~ x + C(kind)", frame.assign(y=frame["y"].clip(upper=2))).fit())
    assert_allclose(merged["chi2"], by_hand["chi2"], rtol=1e-8)
    assert_allclose(merged["departure"], by_hand["departure"], rtol=1e-6)
    assert merged.attrs["categories"] == ["0", "1", "2+3"] and "2+3" in merged.attrs["merged"]
    freed = check.likelihood_ratio_parallel(result, merge="categories", omnibus=False)
    assert np.isfinite(freed["chi2"]).all() and freed.attrs["categories"] == ["0", "1", "2+3"]


def test_merging_levels_equals_merging_by_hand(separated):
    result, frame = separated
    merged = check.brant(result, merge="levels")
    by_hand = check.brant(OrderedLogit.from_formula("y ~ x + C(kind)", frame.replace({"kind": {"rare": "a"}})).fit())
    assert_allclose(merged["chi2"], by_hand["chi2"], rtol=1e-8)
    assert "rare" in merged.attrs["merged"]


def test_freed_separated_term_says_so(separated):
    table = check.likelihood_ratio_parallel(separated[0], omnibus=False)
    assert "not computable" in table.loc["C(kind)", "note"] and np.isnan(table.loc["C(kind)", "chi2"])
    assert np.isfinite(table.loc["x", "chi2"])


def test_continuous_separation_is_caught():
    frame = sample(300, seed=2)
    frame["z"] = np.where(frame["y"] == 3, 10.0, 0.0) + np.random.default_rng(0).normal(size=300)
    result = OrderedLogit.from_formula("y ~ x + z", frame).fit()
    with pytest.raises(SeparationError, match="cut 2|3"):
        check.brant(result)
    assert check.brant(result, merge="auto").attrs["categories"] == ["0", "1", "2+3"]


# power and refusals (sizes: see benchmarks/power_study.py and data/power_study.csv)


def test_tests_reject_what_they_should():
    tilted = OrderedLogit.from_formula("y ~ x + C(kind)", sample(3000, seed=1, tilt=0.25)).fit()
    assert check.brant(tilted).loc["x", "pvalue"] < 1e-4
    assert check.likelihood_ratio_parallel(tilted).loc["x", "pvalue"] < 1e-4
    assert check.brant(tilted).loc["C(kind)", "pvalue"] > 1e-3
    bent = OrderedLogit.from_formula("y ~ x + C(kind)", sample(3000, seed=1, square=0.3)).fit()
    tests = check.goodness_of_fit(bent)
    assert (tests["pvalue"].iloc[:2] < 0.001).all()
    assert check.linearity(bent).loc["x", "pvalue"] < 1e-6
    right = OrderedLogit.from_formula("y ~ x + I(x**2) + C(kind)", sample(3000, seed=1, square=0.3)).fit()
    assert (check.goodness_of_fit(right)["pvalue"] > 0.001).all()


def test_departure_measures_the_tilt():
    result = OrderedLogit.from_formula("y ~ x + C(kind)", sample(60_000, seed=3, tilt=0.2)).fit()
    frame = check.slopes_by_threshold(result).query("term == 'x'")
    assert_allclose(frame["slope"], [1.0, 1.2, 1.4], atol=0.06)
    row = check.brant(result).loc["x"]
    assert row["departure_low"] < row["departure"] < row["departure_high"]
    assert_allclose(row["departure"], {"0|1": -0.18, "1|2": 0.0, "2|3": 0.22}[row["cut"]], atol=0.05)
    assert frame["ci_low"].lt([1.0, 1.2, 1.4]).all() and frame["ci_high"].gt([1.0, 1.2, 1.4]).all()


# surrogate residuals


def test_surrogate_residuals_follow_the_link_and_ignore_x():
    for link, peer in (("logit", "logistic"), ("probit", "norm"), ("cloglog", None), ("loglog", None)):
        frame = sample(4000, seed=6)
        result = OrderedLogit.from_formula("y ~ x + C(kind)", frame, link=link).fit()
        residual = check.surrogate_residuals(result, seed=1)
        # each residual lies between the thresholds of its own category
        below = np.r_[-np.inf, result.thresholds.to_numpy()][frame["y"]]
        above = np.r_[result.thresholds.to_numpy(), np.inf][frame["y"]]
        latent = residual + result.predict(which="linear").to_numpy()
        assert ((latent >= below - 1e-9) & (latent <= above + 1e-9)).all()
        if peer == "logistic":
            assert kstest(residual, peer).pvalue > 0.01
            assert abs(np.corrcoef(residual, frame["x"])[0, 1]) < 0.05
    summary = check.surrogate_summary(OrderedLogit.from_formula("y ~ x + C(kind)", sample(4000, seed=6)).fit())
    assert summary["ks_distance"] < summary["ks_critical"]
    assert_allclose(summary["variance"], summary["expected_variance"], rtol=0.1)


def test_surrogate_residuals_are_seeded_and_show_a_missing_square():
    frame = sample(4000, seed=6, square=0.5)
    result = OrderedLogit.from_formula("y ~ x + C(kind)", frame).fit()
    assert_allclose(check.surrogate_residuals(result, seed=3), check.surrogate_residuals(result, seed=3))
    assert check.surrogate_residuals(result, seed=3, draws=4).shape == (4000, 4)
    trend = check.surrogate_by_predictor(result, "x", bins=10)
    assert trend["ci_low"].iloc[0] > 0 and trend["ci_high"].iloc[5] < 0
    right = OrderedLogit.from_formula("y ~ x + I(x**2) + C(kind)", frame).fit()
    flat = check.surrogate_by_predictor(right, "x", bins=10)
    assert ((flat["ci_low"] < 0) & (flat["ci_high"] > 0)).sum() >= 8


def test_surrogate_residuals_stay_finite_in_the_tails():
    x = np.r_[np.random.default_rng(0).normal(size=500), 400.0, -400.0]
    y = np.r_[np.digitize(x[:500] + np.random.default_rng(1).logistic(size=500), [-1, 1]), 0, 2]
    model = OrderedLogit(y, pd.DataFrame({"x": x}))
    for link in ("logit", "probit"):
        result = OrderedLogit(y[:500], pd.DataFrame({"x": x[:500]}), link=link).fit()
        result.model = model if link == "logit" else OrderedLogit(y, pd.DataFrame({"x": x}), link=link)
        assert np.isfinite(check.surrogate_residuals(result)).all()


def test_surrogate_residuals_of_counts_are_those_of_the_loans():
    frame = sample(3000, seed=8)
    frame["x"] = frame["x"].round()
    counts = frame.groupby(["x", "kind", "y"], as_index=False).size()
    r = OrderedLogit.from_formula("y ~ x + C(kind)", counts, freq_weights="size").fit()
    residual = check.surrogate_residuals(r, seed=2, per_loan=True)
    assert residual.shape == (3000,) and kstest(residual, "logistic").pvalue > 0.01
    trend = check.surrogate_by_predictor(r, "x")
    assert trend["loans"].sum() == 3000 and trend["loans"].tolist() == frame.groupby("x").size().tolist()
    assert_allclose(check.surrogate_summary(r)["ks_critical"], 1.358 / np.sqrt(3000))
    band = check.surrogate_quantiles(r)
    assert band["observed"].between(band["low"], band["high"]).mean() > 0.85
    halves = OrderedLogit.from_formula("y ~ x + C(kind)", counts.assign(w=counts["size"] / 2), freq_weights="w").fit()
    with pytest.raises(ModelError, match="not whole numbers"):
        check.surrogate_residuals(halves, per_loan=True)
    assert np.isfinite(check.surrogate_summary(halves)).all()


# influence


def test_one_step_deltas_equal_refits(small):
    result, frame = small
    listed = check.influence(result, top=5)
    assert listed["distance"].is_monotonic_decreasing
    for row, line in listed.iterrows():
        exact = check.influence_refit(result, [row])["shift"]
        assert_allclose(line["largest_shift"], exact[line["parameter"]], rtol=0.15)
        assert exact.abs().idxmax() == line["parameter"]
    row = listed.index[0]
    assert listed.loc[row, "category"] == frame["y"].iloc[row]
    assert_allclose(listed.loc[row, "probability"], result.predict(frame).iloc[row, frame["y"].iloc[row]])


# refusals


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda r: check.brant(r.remove_data()), "needs the data"),
        (lambda r: check.brant(r, merge="all"), "merge='all' is unknown"),
        (lambda r: check.brant(r, cov_type="cluster"), "go together"),
        (lambda r: check.likelihood_ratio_parallel(r, ["income"]), "cannot be freed"),
        (lambda r: check.fagerland_hosmer(r, groups=2), "at least three groups"),
        (lambda r: check.pulkstenis_robinson(r, ["x"]), "no factors of the model"),
        (lambda r: check.surrogate_by_predictor(r, "income"), "no column of the model"),
        (lambda r: check.linearity(r, knots=9), "choose 3, 4 or 5"),
        (lambda r: check.influence_refit(r, [-1]), "positions between"),
    ],
)
def test_refusals_say_what_to_do(small, call, message):
    with pytest.raises(ModelError, match=message):
        call(small[0])


def test_two_categories_other_links_and_penalty_are_refused():
    frame = sample(300)
    with pytest.raises(ModelError, match="one cut only"):
        check.brant(OrderedLogit.from_formula("y ~ x", frame.assign(y=frame["y"].clip(upper=1))).fit())
    with pytest.raises(ModelError, match="likelihood_ratio_parallel"):
        check.brant(OrderedLogit.from_formula("y ~ x", frame, link="probit").fit())
    with pytest.raises(ModelError, match="penalised"):
        check.brant(OrderedLogit.from_formula("y ~ x", frame).fit(penalty=1.0))


def test_checks_that_compare_log_likelihoods_refuse_a_bias_reduced_fit():
    r = OrderedLogit.from_formula("y ~ x", sample(300)).fit(method="bias_reduced")
    calls = (
        check.lipsitz,
        check.linearity,
        check.compare_links,
        check.compare_families,
        check.likelihood_ratio_parallel,
        lambda result: check.vuong(result, result.model.with_family("forward").fit()),
    )
    for call in calls:
        with pytest.raises(ModelError, match="a bias-reduced fit does not maximise its own"):
            call(r)
    table = check.goodness_of_fit(r)
    assert "bias-reduced" in table.loc["Lipsitz", "note"] and table.loc["Fagerland-Hosmer", "pvalue"] > 0
