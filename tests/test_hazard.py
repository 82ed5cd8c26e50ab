"""The discrete-time hazard against the table of loan-periods that it never makes."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from p2prisk.errors import DataError, ModelError, SeparationError
from p2prisk.hazard import HazardLogit, HazardResults, Simulated
from p2prisk.ordered import OrderedLogit


def simulate(seed=0, n=2500, ages=15, late=0.3):
    """Loans with two competing ends, censoring, and some under observation only from a later age."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"dti": rng.normal(size=n), "renter": (rng.random(n) < 0.3).astype(float)})
    frame["term"] = np.where(rng.random(n) < 0.4, 60, 36)
    frame["entry"] = rng.integers(0, 4, n) * (rng.random(n) < late)
    leaves = rng.integers(5, ages + 4, n)
    exit, end = np.zeros(n, int), np.zeros(n, int)
    alive = np.ones(n, bool)
    for age in range(1, ages + 1):
        risk = alive & (frame["entry"].to_numpy() < age)
        default = np.exp(-4 + 0.1 * age - 0.005 * age**2 + 0.5 * frame["dti"] + 0.8 * frame["renter"])
        repaid = np.exp(-3.4 - 0.3 * frame["dti"] + 0.2 * frame["renter"])
        draw, total = rng.random(n), 1 + default + repaid
        now = np.where(draw < default / total, 1, np.where(draw < (default + repaid) / total, 2, 0))
        exit[risk], end[risk] = age, now[risk]
        alive &= ~(risk & ((now > 0) | (leaves <= age)))
    frame["age"], frame["ending"] = exit, pd.Categorical.from_codes(end, ["open", "default", "repaid"])
    frame["defaulted"], frame["n"] = end == 1, rng.integers(1, 4, n)
    return frame


def expand(frame):
    """The table of loan-periods: the row of each, its age, and what happened in it."""
    spans = (frame["age"] - frame["entry"]).to_numpy()
    rows = np.repeat(np.arange(len(frame)), spans)
    age = np.concatenate([np.arange(e + 1, x + 1) for e, x in zip(frame["entry"], frame["age"], strict=True)])
    outcome = np.where(age == frame["age"].to_numpy()[rows], frame["ending"].cat.codes.to_numpy()[rows], 0)
    return rows, age, outcome


LOANS = simulate()
ROWS, AGE, OUTCOME = expand(LOANS)
TRAITS = LOANS[["dti", "renter"]].to_numpy()
DUMMIES = (AGE[:, None] == np.unique(AGE)).astype(float)


def model(formula="ending ~ dti + renter", frame=LOANS, **options):
    return HazardLogit.from_formula(formula, frame, exit="age", entry="entry", **options)


# -- the table of loan-periods ------------------------------------------------------------


def test_one_end_is_the_binary_logit_of_the_loan_periods():
    ours = model("defaulted ~ dti + renter").fit()
    assert not ours.notes and ours.digits > 12
    theirs = sm.Logit(OUTCOME == 1, np.column_stack([TRAITS[ROWS], DUMMIES])).fit(method="newton", tol=1e-14, disp=0)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-12)
    np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-11)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-13)
    assert (ours.nobs, ours.exposure) == (len(LOANS), len(ROWS))


def test_one_end_is_the_ordered_logit_of_the_loan_periods():
    steps = np.column_stack([TRAITS[ROWS], DUMMIES[:, 1:]])
    theirs = OrderedLogit((OUTCOME == 1).astype(int), steps).fit()
    ours = model("defaulted ~ dti + renter").fit()
    np.testing.assert_allclose(ours.params.iloc[:2], theirs.params.iloc[:2], rtol=1e-12)
    np.testing.assert_allclose(ours.params["age 1"], -theirs.params.iloc[-1], rtol=1e-12)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-13)


def test_competing_ends_are_the_multinomial_logit_of_the_loan_periods():
    ours = model().fit()
    theirs = sm.MNLogit(OUTCOME, np.column_stack([TRAITS[ROWS], DUMMIES])).fit(method="newton", tol=1e-14, disp=0)
    np.testing.assert_allclose(ours.params, theirs.params.T.ravel(), rtol=1e-12)
    np.testing.assert_allclose(ours.bse, theirs.bse.T.ravel(), rtol=1e-11)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-13)


def test_cloglog_is_the_binary_cloglog_of_the_loan_periods():
    family = sm.families.Binomial(sm.families.links.CLogLog())
    theirs = sm.GLM((OUTCOME == 1) * 1.0, np.column_stack([TRAITS[ROWS], DUMMIES]), family=family).fit(tol=1e-15)
    ours = model("defaulted ~ dti + renter", link="cloglog").fit()
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-8)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-12)


def test_splines_and_effects_that_vary_with_age_are_columns_of_the_expanded_table():
    ours = model("defaulted ~ dti + renter", baseline="np.log(age)", varying={"dti": "np.log(age)", "renter": [5, 10]})
    fitted = ours.fit()
    log_age, dti, renter = np.log(AGE), TRAITS[ROWS, 0], TRAITS[ROWS, 1]
    columns = [dti, renter, dti * log_age, renter * (AGE > 5), renter * (AGE > 10), np.ones(len(AGE)), log_age]
    theirs = sm.Logit(OUTCOME == 1, np.column_stack(columns)).fit(method="newton", tol=1e-14, disp=0)
    np.testing.assert_allclose(fitted.params, theirs.params, rtol=1e-11)
    names = ["dti", "renter", "dti x np.log(age)", "renter x age>5", "renter x age>10", "baseline", "np.log(age)"]
    assert list(fitted.params.index) == names


def test_strata_have_baselines_of_their_own():
    fitted = model("defaulted ~ dti + renter", baseline=[4, 8], strata="term").fit()
    group = np.searchsorted([4, 8], AGE, side="left") + 3 * (LOANS["term"].to_numpy()[ROWS] == 60)
    columns = np.column_stack([TRAITS[ROWS], np.eye(6)[group]])
    theirs = sm.Logit(OUTCOME == 1, columns).fit(method="newton", tol=1e-14, disp=0)
    np.testing.assert_allclose(fitted.params, theirs.params, rtol=1e-12)
    assert fitted.params.index[-1] == "ages 9-15 [60]"


# -- identities ------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_weights_are_repeated_rows(link):
    one = model(link=link, freq_weights="n").fit()
    two = model(frame=LOANS.loc[LOANS.index.repeat(LOANS["n"])].reset_index(drop=True), link=link).fit()
    np.testing.assert_allclose(one.params, two.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(one.bse, two.bse, rtol=1e-10)
    assert one.llf == pytest.approx(two.llf, rel=1e-13) and one.exposure == two.exposure
    robust = [result.with_covariance("HC0").bse for result in (one, two)]
    np.testing.assert_allclose(*robust, rtol=1e-9)


def test_codes_of_any_type_and_one_weight_for_all():
    codes = LOANS["ending"].map({"open": 0, "default": 1, "repaid": 2}).astype(int)
    plain = HazardLogit(codes, LOANS["age"], LOANS[["dti"]], entry=LOANS["entry"], baseline="age").fit()
    for kind in ("int8", "Int64", float, object):
        fit = HazardLogit(codes.astype(kind), LOANS["age"], LOANS[["dti"]], entry=LOANS["entry"], baseline="age").fit()
        np.testing.assert_array_equal(fit.params, plain.params)
    double = HazardLogit(
        codes, LOANS["age"], LOANS[["dti"]], entry=LOANS["entry"], baseline="age", freq_weights=2
    ).fit()
    np.testing.assert_allclose(double.bse * np.sqrt(2), plain.bse, rtol=1e-11)
    assert double.nobs == 2 * plain.nobs


def test_late_entry_is_the_loss_of_the_early_periods():
    whole = simulate(late=0)
    cut = whole.assign(entry=3)[whole["age"] > 3]
    rows, age, outcome = expand(whole)
    keep = age > 3
    dummies = (age[keep, None] == np.unique(age[keep])).astype(float)
    columns = np.column_stack([whole[["dti", "renter"]].to_numpy()[rows[keep]], dummies])
    theirs = sm.MNLogit(outcome[keep], columns).fit(method="newton", tol=1e-14, disp=0)
    fitted = model(frame=cut).fit()
    np.testing.assert_allclose(fitted.params, theirs.params.T.ravel(), rtol=1e-11)
    with pytest.raises(DataError, match="ages 1 to 12 are asked for; loans were at risk at ages 4 to 15"):
        fitted.predict(cut.head(), horizon=12)
    assert fitted.predict(cut.head(), horizon=12, given=3).notna().all(axis=None)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_a_spell_may_be_cut_in_two(link):
    """Start-stop rows, by which a trait may change with time."""
    first = LOANS[LOANS["age"] > 6].assign(age=6, ending="open")
    first = first[first["entry"] < 6]
    rest = LOANS.assign(entry=np.where(LOANS["age"] > 6, np.maximum(LOANS["entry"], 6), LOANS["entry"]))
    both = pd.concat([first, rest], ignore_index=True)
    both["ending"] = pd.Categorical(both["ending"], ["open", "default", "repaid"])
    one, two = model(link=link).fit(), model(frame=both, link=link).fit()
    np.testing.assert_allclose(one.params, two.params, rtol=1e-10, atol=1e-12)
    assert two.exposure == one.exposure and two.nobs > one.nobs
    loan = np.concatenate([first.index, rest.index])
    once = model(link=link).fit(cov_type="cluster", groups=LOANS.index)
    np.testing.assert_allclose(model(frame=both, link=link).fit("cluster", loan).bse, once.bse, rtol=1e-9)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize("strata", [None, "term"])
def test_incidences_and_survival_sum_to_one(link, strata):
    fitted = model(link=link, strata=strata, varying={"dti": "np.log(age)"}).fit()
    horizons = [1, 5, 11]
    ends = fitted.predict(LOANS, horizons, given="entry")
    survival = fitted.predict(LOANS, horizons, "survival", given="entry")
    for horizon in horizons:
        total = ends[("default", horizon)] + ends[("repaid", horizon)] + survival[horizon]
        np.testing.assert_allclose(total, 1.0, rtol=0, atol=1e-14)
    hazard = fitted.predict(LOANS, [1], "hazard", given="entry")
    np.testing.assert_allclose(hazard, ends[[("default", 1), ("repaid", 1)]], rtol=1e-14)


def test_conditional_chances_multiply():
    fitted = model().fit()
    whole = fitted.predict(LOANS, [5, 12], cause="default")
    alive = fitted.predict(LOANS, 5, "survival")[5]
    later = fitted.predict(LOANS, 7, given=5, cause="default")[7]
    np.testing.assert_allclose(whole[12], whole[5] + alive * later, rtol=1e-13)
    each = LOANS.assign(left=np.where(LOANS["term"] == 60, 12, 5))
    own = fitted.predict(each, "left", cause="default")["left"]
    np.testing.assert_allclose(own, np.where(LOANS["term"] == 60, whole[12], whole[5]), rtol=1e-15)


def test_quarters_are_months_taken_together():
    """Grouped proportional hazards: exp(alpha) of a quarter is the sum of its months', the slopes are the same."""
    frame = simulate(late=0)
    ended = frame["ending"] != "open"
    # an end counts in the quarter it falls in; a loan still open has been seen for its whole quarters only
    quarter = frame.assign(age=np.where(ended, -(-frame["age"] // 3), frame["age"] // 3))
    quarter = quarter[quarter["age"] > 0]
    month = model("defaulted ~ dti + renter", frame, link="cloglog").fit()
    coarse = model("defaulted ~ dti + renter", quarter, link="cloglog")
    rate = np.exp([month.params[f"age {age}"] for age in range(1, 16)]).reshape(5, 3).sum(axis=1)
    values = [*month.params[["dti", "renter"]], *np.log(rate)]
    assert coarse.param_names == ["dti", "renter", *(f"age {age}" for age in range(1, 6))]
    # survival to the end of each quarter is that of its months, exactly
    dated = quarter.assign(end=3 * quarter["age"], start=np.maximum(3 * quarter["age"] - 3, 1))
    end = month.predict(dated, "end", "survival")["end"]
    start = month.predict(dated, "start", "survival")["start"].where(quarter["age"] > 1, 1.0)
    expected = np.log(np.where(quarter["defaulted"], start - end, end)).sum()
    assert coarse.loglike(values) == pytest.approx(expected, rel=1e-12)
    # and the estimates differ only by what the dates within a quarter tell
    slopes = ["default: dti", "default: renter", "repaid: dti", "repaid: renter"]
    fine, rough = (model(frame=f, link="cloglog").fit() for f in (frame, quarter))
    assert ((fine.params - rough.params)[slopes].abs() < 0.5 * fine.bse[slopes]).all()


@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize(
    "options", [{}, {"baseline": [3, 6, 12], "strata": "term", "varying": {"dti": "np.log(age)", "renter": [6, 12]}}]
)
def test_derivatives_and_compiled_kernel(link, options):
    made = model(link=link, freq_weights="n", **options)
    params = 0.9 * made.fit().params.to_numpy()
    plain, compiled = made._derivatives(params, False), made._derivatives(params, True)
    for a, b in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-9)
    step = 1e-5 * np.eye(len(params))
    slope = [(made.loglike(params + e) - made.loglike(params - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(made.score(params), slope, atol=2e-6)
    bend = np.array([(made.score(params + e) - made.score(params - e)) / 2e-5 for e in step])
    np.testing.assert_allclose(made.hessian(params), bend, atol=1e-5)
    np.testing.assert_allclose(made.weights @ made.score_obs(params), made.score(params), atol=1e-10)


def test_robust_covariances_are_those_of_the_expanded_table():
    ours = model("defaulted ~ dti + renter")
    columns = np.column_stack([TRAITS[ROWS], DUMMIES])
    groups = LOANS.index.to_numpy()[ROWS]
    theirs = sm.Logit(OUTCOME == 1, columns).fit(
        method="newton", tol=1e-14, disp=0, cov_type="cluster", cov_kwds={"groups": groups}
    )
    np.testing.assert_allclose(ours.fit("cluster", LOANS.index).bse, theirs.bse, rtol=1e-9)
    # by row is by loan: the scores of the periods of a loan belong together
    g, n, k = len(LOANS), len(ROWS), columns.shape[1]
    factor = g / (g - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(ours.fit("HC0").bse * np.sqrt(factor), theirs.bse, rtol=1e-9)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_life_table_is_the_fit_without_traits(link):
    fitted = model("ending ~ 1", link=link).fit()
    table = fitted.life_table
    hazard = fitted.predict(LOANS.head(1), list(range(1, 16)), "hazard").T.unstack(0)
    for cause in ("default", "repaid"):
        ours = fitted.predict(LOANS.head(1), list(range(1, 16)), "hazard", cause=cause).iloc[0]
        np.testing.assert_allclose(ours, table[cause] / table["at_risk"], rtol=1e-12)
    assert fitted.llnull == pytest.approx(fitted.llf, rel=1e-13) and hazard.notna().any(axis=None)
    assert model(link=link).fit().llnull == pytest.approx(fitted.llf, rel=1e-12)


# -- intervals ------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize("which", ["incidence", "survival", "hazard"])
def test_delta_method_is_the_derivative(link, which):
    fitted = model(link=link, baseline="np.log(age)", strata="term", varying={"dti": [6]}).fit()
    few = LOANS.head(4)
    options = {"horizon": [3, 8], "which": which, "given": "entry"}
    found = fitted.predict(few, interval=0.95, **options)
    params, slopes = fitted.params.copy(), []
    for i in range(len(params)):
        values = []
        for sign in (1, -1):
            fitted.params = params + sign * 1e-6 * np.eye(len(params))[i]
            values.append(fitted.predict(few, **options).to_numpy())
        slopes.append((values[0] - values[1]) / 2e-6)
    fitted.params = params
    se = np.sqrt(np.einsum("inh,ij,jnh->nh", slopes, fitted._covariance, slopes))
    np.testing.assert_allclose(found.xs("se", axis=1, level=-1), se, rtol=1e-6)


def test_delta_method_agrees_with_simulation():
    fitted = model().fit()
    by_draws = Simulated(0.95, draws=20_000)
    delta = fitted.predict(LOANS.head(3), [6, 12], interval=0.95)
    drawn = fitted.predict(LOANS.head(3), [6, 12], interval=by_draws)
    for part, tolerance in (("se", 0.03), ("lower", 0.02), ("upper", 0.02)):
        a, b = (table.xs(part, axis=1, level=-1).to_numpy() for table in (delta, drawn))
        np.testing.assert_allclose(a, b, rtol=tolerance)
    again = fitted.predict(LOANS.head(3), [6, 12], interval=by_draws)
    pd.testing.assert_frame_equal(drawn, again)


# -- model and result as objects ------------------------------------------------------------


def test_ages_without_an_event_share_a_parameter_and_the_notes_say_so():
    frame = LOANS[~((LOANS["ending"] == "default") & LOANS["age"].isin([1, 2, 9]))]
    fitted = model(frame=frame).fit()
    assert [note.split(" (")[0] for note in fitted.notes] == [
        "default: ages 1-3 share one baseline parameter",
        "default: ages 8-9 share one baseline parameter",
    ]
    assert {"default: ages 1-3", "default: ages 8-9", "repaid: age 1", "repaid: age 9"} <= set(fitted.params.index)
    assert "ages 1-3 share" in fitted.summary().as_text()


def test_summary_and_tests():
    fitted = model().fit()
    text = fitted.summary().as_text()
    assert "default, repaid" in text and "default: dti" in text and f"{fitted.exposure:,}" in text
    single = fitted.wald_test("default: dti = 0")
    assert single["chi2"] == pytest.approx(fitted.zvalues["default: dti"] ** 2, rel=1e-9)
    assert fitted.wald_test("dti")["df"] == 2
    assert fitted.llr_pvalue < 1e-6


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_json_gives_the_same_predictions(link, tmp_path):
    formula = "ending ~ scale(dti) + C(renter)"
    fitted = model(formula, link=link, strata="term", baseline="bs(age, df=4)", varying={"scale(dti)": "age"}).fit()
    fitted.to_json(tmp_path / "hazard.json")
    back = HazardResults.from_json(tmp_path / "hazard.json")
    pd.testing.assert_frame_equal(
        back.predict(LOANS.head(20), [3, 12], interval=0.9), fitted.predict(LOANS.head(20), [3, 12], interval=0.9)
    )
    assert back.llf == fitted.llf and back.digits == fitted.digits
    assert back.summary().as_text() == fitted.summary().as_text()
    assert back.to_json() == fitted.to_json()
    with pytest.raises(DataError, match="no hazard model"):
        HazardResults.from_json(json.dumps({"format": "other"}))


def test_arrays_and_formula_agree():
    ours = HazardLogit(LOANS["ending"], LOANS["age"], LOANS[["dti", "renter"]], entry=LOANS["entry"]).fit()
    np.testing.assert_allclose(ours.params, model().fit().params, rtol=1e-12)


def test_missing_values_are_refused_or_counted():
    holed = LOANS.assign(dti=LOANS["dti"].mask(LOANS.index < 5))
    holed.loc[7, "age"] = np.nan
    with pytest.raises(DataError, match="dti"):
        model(frame=holed)
    made = model(frame=holed, missing="drop")
    assert made.n_dropped == 6 and made.dropped_by_column == {"dti": 5, "exit": 1}
    np.testing.assert_array_equal(made.kept_rows, np.r_[5:7, 8 : len(LOANS)])
    assert made.fit("cluster", holed.index).bse.notna().all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"age": 0}, "never at risk"),
        ({"age": 2.5}, "whole periods"),
        ({"age": 20101231}, "whole periods from 0 to"),
        ({"ending": "open"}, "no row of ending ends"),
    ],
)
def test_impossible_ages_and_ends_are_refused(change, message):
    frame = LOANS.assign(**change)
    if "ending" in change:
        frame["ending"] = pd.Categorical(frame["ending"], ["open", "default"])
    with pytest.raises(DataError, match=message):
        model(frame=frame)


def test_separation_and_collinearity_are_named():
    apart = LOANS.assign(safe=((LOANS["ending"] != "default") & (LOANS.index % 7 == 0)).astype(float))
    with pytest.raises(SeparationError, match="end by 'default' have safe = 0"):
        model("ending ~ dti + safe", frame=apart).fit()
    # no single column separates: a number whose every default lies above all others
    above = LOANS.assign(score=np.where(LOANS["ending"] == "default", 5.0, LOANS["dti"].clip(-2, 2)))
    with pytest.raises(SeparationError, match="separated by a combination of .*default: score"):
        model("ending ~ score", frame=above).fit()
    with pytest.raises(ModelError, match="renter2 is a linear combination of default: renter"):
        model("ending ~ renter + renter2", frame=LOANS.assign(renter2=3 * LOANS["renter"])).fit()
    for factor in (1e200, 1e-200):
        with pytest.raises(DataError, match=r"far \(up to \S+\) leave the range of double precision"):
            model("ending ~ far", frame=LOANS.assign(far=LOANS["dti"] * factor)).fit()
    with pytest.raises(ModelError, match=r"baseline 'age \+ I\(2 \* age\)' are collinear over the ages 1 to 15"):
        model(baseline="age + I(2 * age)")
    with pytest.raises(ModelError, match="constant within each stratum"):
        model("ending ~ dti + long", frame=LOANS.assign(long=LOANS["term"] / 60), strata="term").fit()


def test_requests_that_make_no_sense_are_refused():
    fitted = model().fit()
    with pytest.raises(DataError, match="the data say nothing beyond"):
        fitted.predict(LOANS, 16)
    apart = LOANS[(LOANS["entry"] == 0) & (LOANS["age"] < 5)]
    apart = pd.concat([apart, LOANS[LOANS["age"] > 9].assign(entry=8)])
    with pytest.raises(DataError, match="at risk at ages 1 to 4, 9 to 15 only"):
        model(frame=apart).fit().predict(LOANS, 12)
    held = fitted.predict(LOANS.head(3), [15, 30], beyond="hold", cause="default")
    assert (held[30] > held[15]).all()
    for options, message in (
        ({"horizon": 1.5}, "horizon must be whole periods of at least 1; 1.5 at place 0 is none"),
        ({"horizon": [3, np.nan]}, "nan at place 1"),
        ({"horizon": 0}, "0 at place 0"),
        ({"horizon": 3, "given": -1}, "given must be whole periods of at least 0"),
        ({"horizon": 3, "given": [1, 2]}, r"given has shape \(2,\); one number, or one for each"),
    ):
        with pytest.raises(DataError, match=message):
            fitted.predict(LOANS, **options)
    for options, message in (
        ({"which": "odds"}, "choose incidence"),
        ({"cause": "late"}, "the causes are default, repaid"),
        ({"interval": 95}, "fraction"),
        ({"interval": Simulated(95)}, "fraction"),
    ):
        with pytest.raises(ModelError, match=message):
            fitted.predict(LOANS, 3, **options)
    with pytest.raises(ModelError, match="is also used as a trait"):
        model("ending ~ dti + age")
    with pytest.raises(ModelError, match="varying names"):
        model(varying={"income": "age"})
    with pytest.raises(ModelError, match="link"):
        model(link="probit")
    with pytest.raises(DataError, match="text; say which value means still alive"):
        model(frame=LOANS.assign(ending=LOANS["ending"].astype(str)))
    assert model(frame=LOANS.assign(ending=LOANS["ending"].astype(str)), censored="open").causes == [
        "default",
        "repaid",
    ]
    with pytest.raises(ModelError, match="no row ends by 'default' in stratum"):
        model(frame=LOANS[(LOANS["ending"] != "default") | (LOANS["term"] == 36)], strata="term")


def test_large_columns_keep_their_digits():
    """A calendar year and an income in dollars, without centring by the user."""
    rng = np.random.default_rng(5)
    frame = LOANS.assign(year=2000.0 + rng.integers(0, 12, len(LOANS)), income=rng.lognormal(11, 0.6, len(LOANS)))
    fitted = model("ending ~ year + income + dti", frame=frame).fit()
    scaled = frame.assign(year=frame["year"] - 2005, income=frame["income"] / 1e4)
    other = model("ending ~ year + income + dti", frame=scaled).fit()
    np.testing.assert_allclose(fitted.params["default: year"], other.params["default: year"], rtol=1e-10)
    np.testing.assert_allclose(fitted.params["default: income"] * 1e4, other.params["default: income"], rtol=1e-10)
    assert fitted.llf == pytest.approx(other.llf, rel=1e-13) and fitted.digits > 11


def test_no_warning_from_a_plain_fit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(link="cloglog").fit().summary()
