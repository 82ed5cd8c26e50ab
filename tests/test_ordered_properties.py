"""Properties over random designs, and the coverage study."""

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from p2prisk.errors import P2PRiskError, SeparationError
from p2prisk.ordered import OrderedLogit
from p2prisk.ordered.links import LINKS

HERE = Path(__file__).parent / "reference" / "ordered"
PROFILE = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MIRROR = {"logit": "logit", "probit": "probit", "cloglog": "loglog", "loglog": "cloglog"}


@st.composite
def designs(draw):
    """Random rows with columns of very different size, and a response that depends on them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p, classes = draw(st.integers(80, 300)), draw(st.integers(1, 4)), draw(st.integers(2, 6))
    sizes = 10.0 ** rng.integers(-3, 6, p)
    exog = (rng.normal(size=(n, p)) + rng.integers(-2, 5, p)) * sizes
    latent = (exog / sizes) @ rng.normal(0, 0.5, p) + rng.logistic(size=n)
    cuts = np.sort(rng.choice(latent, classes - 1, replace=False))
    codes = np.searchsorted(cuts, latent)
    assume(len(np.unique(codes)) == classes and np.bincount(codes).min() >= 3)
    return exog, codes, draw(st.sampled_from(list(LINKS))), rng


def fit(codes, exog, **options):
    try:
        return OrderedLogit(codes, exog, **options).fit()
    except SeparationError:
        assume(False)


def close(one, other, bse, atol=1e-9):
    """Equal on the scale of the standard errors, the only one on which a coefficient has a size."""
    np.testing.assert_allclose(np.asarray(one) / bse, np.asarray(other) / bse, atol=atol, rtol=1e-10)


@PROFILE
@given(designs())
def test_order_of_rows_does_not_matter(design):
    exog, codes, link, rng = design
    result, order = fit(codes, exog, link=link), rng.permutation(len(codes))
    again = fit(codes[order], exog[order], link=link)
    close(result.params, again.params, result.bse)
    np.testing.assert_allclose(result.bse, again.bse, rtol=1e-9)


@PROFILE
@given(designs())
def test_weights_are_repeated_rows(design):
    exog, codes, link, rng = design
    weights = rng.integers(0, 4, len(codes))
    assume(len(np.unique(codes[weights > 0])) == len(np.unique(codes)))
    weighted = fit(codes, exog, link=link, freq_weights=weights)
    repeated = fit(np.repeat(codes, weights), np.repeat(exog, weights, axis=0), link=link)
    close(weighted.params, repeated.params, weighted.bse)
    np.testing.assert_allclose(weighted.bse, repeated.bse, rtol=1e-9)
    assert weighted.llf == pytest.approx(repeated.llf, rel=1e-12)
    assert weighted.llnull == pytest.approx(repeated.llnull, rel=1e-12)


@PROFILE
@given(designs())
def test_reversed_response_flips_the_signs(design):
    exog, codes, link, _ = design
    result = fit(codes, exog, link=link)
    flipped = fit(codes.max() - codes, exog, link=MIRROR[link])
    p = exog.shape[1]
    close(flipped.slopes, -result.slopes, result.bse[:p])
    close(flipped.thresholds, -result.thresholds[::-1], result.bse[p:][::-1])


@PROFILE
@given(designs())
def test_units_scale_and_shift_the_coefficients(design):
    exog, codes, link, rng = design
    scale, shift = 10.0 ** rng.integers(-4, 5, exog.shape[1]), rng.normal(size=exog.shape[1])
    result, p = fit(codes, exog, link=link), exog.shape[1]
    moved = fit(codes, (exog + shift) * scale, link=link)
    close(moved.slopes, result.slopes / scale, moved.bse[:p])
    close(moved.thresholds, result.thresholds + shift @ result.slopes.to_numpy(), moved.bse[p:])
    assert moved.llf == pytest.approx(result.llf, rel=1e-12)


@PROFILE
@given(designs())
def test_nested_models_order_their_likelihoods(design):
    exog, codes, link, _ = design
    full = fit(codes, exog, link=link)
    assert full.llnull <= full.llf + 1e-9
    if exog.shape[1] > 1:
        small = full.model.with_columns(["x1"]).fit()
        assert full.llnull - 1e-9 <= small.llf <= full.llf + 1e-9
        test = full.lr_test(small)
        assert test["df"] == exog.shape[1] - 1 and 0 <= test["pvalue"] <= 1
    if codes.max() > 1:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                free = OrderedLogit(codes, exog, link=link, nonparallel=["x1"]).fit()
        except P2PRiskError:
            assume(False)
        assert free.llf >= full.llf - 1e-9


@PROFILE
@given(designs())
def test_collapsing_to_two_classes_is_the_binary_model(design):
    import statsmodels.api as sm

    exog, codes, link, rng = design
    scaled = exog / np.abs(exog).max(axis=0)
    cut = int(rng.integers(0, codes.max()))
    result = fit((codes > cut).astype(int), scaled, link=link)
    family = {
        "logit": sm.families.links.Logit(),
        "probit": sm.families.links.Probit(),
        # P(Y <= 0) = F(theta - x'b), so P(Y = 1) = 1 - F: the mirrored link
        "cloglog": sm.families.links.LogLog(),
        "loglog": sm.families.links.CLogLog(),
    }[link]
    model = sm.GLM(codes > cut, sm.add_constant(scaled), family=sm.families.Binomial(link=family))
    assert result.llf == pytest.approx(model.loglike(np.append(-result.thresholds, result.slopes)), rel=1e-10)
    assert model.fit(tol=1e-12).llf <= result.llf + 1e-8


@PROFILE
@given(designs())
def test_probabilities_and_scores_are_coherent(design):
    exog, codes, link, _ = design
    result = fit(codes, exog, link=link)
    probability = result.predict(exog).to_numpy()
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-10)
    assert result.llf == pytest.approx(np.log(probability[np.arange(len(codes)), codes]).sum(), rel=1e-10)
    np.testing.assert_allclose(result.score_obs().sum(axis=0) * result.bse, 0, atol=1e-9)
    if link == "logit":
        # intervals contain their estimate and stay inside (0, 1)
        interval = result.predict(exog[:5], interval=0.9)
        for name in result.categories:
            part = interval[name]
            assert ((part.lower <= part.estimate) & (part.estimate <= part.upper)).all()
            assert (part.lower >= 0).all() and (part.upper <= 1).all()


def test_delta_method_interval_is_that_of_simulated_parameters():
    rng = np.random.default_rng(4)
    exog = rng.normal(size=(2000, 2))
    codes = np.digitize(exog @ [1, -0.5] + rng.logistic(size=2000), [-1, 1])
    result = OrderedLogit(codes, exog).fit()
    at = np.array([[0.5, -1.0]])
    draws = rng.multivariate_normal(result.params, result.cov_params(), 20_000)
    latent = draws[:, 2:] - (draws[:, :2] @ at[0])[:, None]
    cumulative = np.hstack([np.zeros((len(draws), 1)), 1 / (1 + np.exp(-latent)), np.ones((len(draws), 1))])
    simulated = np.diff(cumulative, axis=1)
    table = result.predict(at, interval=0.95).iloc[0]
    np.testing.assert_allclose([table[c, "se"] for c in range(3)], simulated.std(axis=0), rtol=0.03)
    expected = result.predict(at, which="expected", interval=0.95).iloc[0]
    assert expected["se"] == pytest.approx((simulated @ np.arange(3)).std(), rel=0.03)


def test_cluster_covariance_of_single_loans_is_the_sandwich_and_of_copies_is_not():
    rng = np.random.default_rng(8)
    exog = rng.normal(size=(400, 2))
    codes = np.digitize(exog @ [1, -0.5] + rng.logistic(size=400), [-1, 1])
    model = OrderedLogit(codes, exog)
    n, k = 400, 4
    robust = model.fit(cov_type="HC0").cov_params()
    single = model.fit(cov_type="cluster", groups=np.arange(n)).cov_params()
    np.testing.assert_allclose(single, robust * n / (n - 1) * (n - 1) / (n - k), rtol=1e-9)
    np.testing.assert_allclose(model.fit(cov_type="HC1").cov_params(), robust * n / (n - k), rtol=1e-12)
    # every loan twice in one cluster: the cluster covariance knows there is no new information
    copies = OrderedLogit(np.tile(codes, 2), np.tile(exog, (2, 1)))
    twice = copies.fit(cov_type="cluster", groups=np.tile(np.arange(n), 2)).bse
    np.testing.assert_allclose(twice, np.sqrt(np.diag(robust)), rtol=0.01)
    assert (copies.fit(cov_type="HC0").bse < 0.75 * twice).all()


def test_robust_covariance_against_statsmodels_binary_logit():
    import statsmodels.api as sm

    rng = np.random.default_rng(9)
    exog = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"])
    bad = (exog.a - exog.b + rng.logistic(size=300) > 0).astype(int)
    groups = rng.integers(0, 40, 300)
    binary = sm.Logit(bad, sm.add_constant(exog))
    for kind, options in (("HC0", {}), ("cluster", {"groups": groups})):
        expected = binary.fit(disp=0, cov_type=kind, tol=1e-14, **({"cov_kwds": options} if options else {})).bse[
            ["a", "b", "const"]
        ]
        found = OrderedLogit(bad, exog).fit(cov_type=kind, **options).bse
        np.testing.assert_allclose(found, expected, rtol=1e-7)


# -- coverage -----------------------------------------------------------------------------------------------------


def study_module():
    spec = importlib.util.spec_from_file_location("coverage_study", HERE / "coverage_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUDY = json.loads((HERE / "coverage.json").read_text())


@pytest.mark.parametrize("design", list(STUDY["designs"]))
def test_intervals_cover(design):
    stored = STUDY["designs"][design]
    assert STUDY["replications"] >= 2000 and stored["refused"] <= 2
    assert all(0.935 <= share <= 0.965 for share in stored["coverage"])


@pytest.mark.filterwarnings("ignore:the slopes that differ")
@pytest.mark.parametrize("design", list(STUDY["designs"]))
def test_stored_coverage_is_what_the_code_gives(design):
    found = study_module().hits(design, STUDY["first"])
    assert np.nansum(found, axis=0).astype(int).tolist() == STUDY["designs"][design]["first_hits"]
