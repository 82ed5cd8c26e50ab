"""Validation against R (pROC, Hmisc, rms), scikit-learn, worked examples, and identities."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import beta

from p2prisk import validation as v
from p2prisk.errors import DataError

REFERENCE = json.loads((Path(__file__).parent / "reference/checks/validation.json").read_text())


@pytest.fixture(scope="module")
def data():
    frame = pd.DataFrame(REFERENCE["data"])
    return frame.assign(event=frame["y"] >= 2)


@pytest.fixture(scope="module")
def forecast():
    """Ordinal outcomes drawn from the forecast itself: a calibrated forecast."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=4000)
    tail = 1 / (1 + np.exp(-(x[:, None] - np.array([-0.5, 0.8, 2.0]))))
    tail = np.column_stack([np.ones(x.size), tail, np.zeros(x.size)])
    p = tail[:, :-1] - tail[:, 1:]
    y = (rng.random(x.size)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    return pd.DataFrame(p, columns=list("ABCD")), pd.Categorical.from_codes(y, list("ABCD"), ordered=True), x


def repeated(frame, weights):
    return frame.loc[frame.index.repeat(weights)].reset_index(drop=True)


# discrimination


def test_delong_equals_proc(data):
    r = v.delong(data["event"], data[["a", "b"]])
    assert_allclose(r.table["auc"], REFERENCE["auc"], rtol=1e-13)
    assert_allclose(r.table["se"] ** 2, REFERENCE["var"], rtol=1e-12)
    assert_allclose(r.cov.loc["a", "b"], REFERENCE["cov"], rtol=1e-12)
    assert_allclose(r.table.loc["a", ["ci_low", "ci_high"]].astype(float), REFERENCE["ci"], rtol=1e-12)
    pair = r.comparisons.iloc[0]
    assert_allclose([pair["z"], pair["pvalue"]], [REFERENCE["z"], REFERENCE["pvalue"]], rtol=1e-11)


def test_auc_equals_scikit_learn(data):
    from sklearn.metrics import roc_auc_score

    weights = np.random.default_rng(1).integers(0, 5, len(data))
    assert_allclose(v.auc(data["event"], data["a"]), roc_auc_score(data["event"], data["a"]), rtol=1e-14)
    assert_allclose(
        v.auc(data["event"], data["a"], weights),
        roc_auc_score(data["event"], data["a"], sample_weight=weights),
        rtol=1e-13,
    )


def test_delong_agrees_with_bootstrap(data):
    r = v.delong(data["event"], data[["a", "b"]])
    sample = (data["event"].to_numpy(), data["a"].to_numpy(), data["b"].to_numpy())
    drawn = v.bootstrap(
        lambda s: {"a": v.auc(s[0], s[1]), "difference": v.auc(s[0], s[1]) - v.auc(s[0], s[2])},
        sample,
        strata=data["event"],
        n_resamples=1500,
        seed=3,
    )
    assert_allclose(drawn.table.loc["a", "se"], r.table.loc["a", "se"], rtol=0.07)
    assert_allclose(drawn.table.loc["difference", "se"], r.comparisons["se"][0], rtol=0.07)


def test_concordance_equals_hmisc(data):
    r = v.concordance(data["y"], data["a"])
    assert_allclose([r.c_index, r.somers_d], [REFERENCE["c_index"], REFERENCE["dxy"]], rtol=1e-13)
    # rcorr.cens uses Quade's variance, which is ours up to terms of order 1/n
    assert_allclose(2 * r.se, REFERENCE["dxy_sd"], rtol=0.01)


def test_concordance_by_all_pairs_and_binary_case(data):
    y, s = data["y"].to_numpy(), data["a"].to_numpy()
    sign_y, sign_s = np.sign(y[:, None] - y), np.sign(s[:, None] - s)
    brute = (((sign_y * sign_s) + 1) / 2)[sign_y != 0].mean()
    assert_allclose(v.concordance(y, s).c_index, brute, rtol=1e-13)
    binary, exact = v.concordance(data["event"].astype(int), s), v.delong(data["event"], s).table.iloc[0]
    assert_allclose(binary.c_index, exact["auc"], rtol=1e-13)
    assert_allclose(binary.se, exact["se"], rtol=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_repeated_rows(data, seed):
    weights = np.random.default_rng(seed).integers(0, 4, len(data))
    long = repeated(data, weights)
    a = v.delong(data["event"], data[["a", "b"]], weights)
    b = v.delong(long["event"], long[["a", "b"]])
    assert_allclose(a.table, b.table, rtol=1e-11)
    assert_allclose(a.cov, b.cov, rtol=1e-11)
    one, two = v.concordance(data["y"], data["a"], weights), v.concordance(long["y"], long["a"])
    assert_allclose([one.c_index, one.se, one.pairs], [two.c_index, two.se, two.pairs], rtol=1e-11)
    assert_allclose(
        v.kolmogorov_smirnov(data["event"], data["a"], weights).distance,
        v.kolmogorov_smirnov(long["event"], long["a"]).distance,
        rtol=1e-12,
    )
    for name in ("reliability_table", "brier_decomposition", "calibration_slope_intercept"):
        function = getattr(v, name)
        assert_allclose(
            function(data["event"], data["p"], freq_weights=weights), function(long["event"], long["p"]), rtol=1e-8
        )
    matrix = np.column_stack([1 - data["p"], data["p"]])
    matrix_long = np.column_stack([1 - long["p"], long["p"]])
    assert_allclose(
        v.ordinal_scores(data["event"].astype(int), matrix, weights),
        v.ordinal_scores(long["event"].astype(int), matrix_long),
        rtol=1e-9,
    )
    audit = v.subgroup_audit(data["event"], data["p"], data["y"] % 2, freq_weights=weights, threshold=0.4)
    audit_long = v.subgroup_audit(long["event"], long["p"], long["y"] % 2, threshold=0.4)
    assert_allclose(audit.drop(columns="note"), audit_long.drop(columns="note"), rtol=1e-9)
    assert_allclose(
        v.population_stability(data["a"], data["b"], expected_weights=weights).table["expected"],
        v.population_stability(long["a"], data["b"]).table["expected"],
    )


def test_separated_and_identical_scores():
    r = v.delong([0, 0, 1, 1], {"a": [1, 2, 3, 4], "same": [1, 2, 3, 4]})
    assert r.table["auc"].tolist() == [1.0, 1.0] and r.table["se"].tolist() == [0.0, 0.0]
    assert r.comparisons[["z", "pvalue"]].iloc[0].tolist() == [0.0, 1.0]


def test_cap_and_ks(data):
    cap = v.cap_curve(data["event"], data["a"])
    rate = cap.attrs["event_rate"]
    area = np.trapezoid(cap["share_of_events"], cap["share_of_loans"])
    ratio = (area - 0.5) / ((1 - rate / 2) - 0.5)
    assert_allclose(ratio, 2 * v.auc(data["event"], data["a"]) - 1, rtol=1e-12)
    from scipy.stats import ks_2samp

    ks = v.kolmogorov_smirnov(data["event"], data["a"])
    bad, good = data.loc[data["event"], "a"], data.loc[~data["event"], "a"]
    assert_allclose(ks.distance, ks_2samp(bad, good, alternative="less").statistic, rtol=1e-12)
    assert_allclose((bad >= ks.threshold).mean() - (good >= ks.threshold).mean(), ks.distance, rtol=1e-12)


def test_cuts_of_probabilities_and_score(forecast):
    p, y, x = forecast
    table = v.discrimination_by_cut(y, p)
    assert list(table.index) == ["A|B", "B|C", "C|D"]
    # P(Y > j) is monotone in x, so both rank alike
    assert_allclose(table["auc"], v.discrimination_by_cut(y, x)["auc"], rtol=1e-12)
    for j, cut in enumerate(table.index):
        assert_allclose(table.loc[cut, "auc"], v.auc(y.codes > j, x), rtol=1e-12)


# calibration


def test_calibration_equals_r(data):
    line = v.calibration_slope_intercept(data["event"], data["p"])
    assert_allclose(
        line["value"], [REFERENCE["slope"], REFERENCE["intercept"], REFERENCE["large"]], rtol=1e-7, atol=1e-9
    )
    assert_allclose(line.loc["slope", "se"], REFERENCE["slope_se"], rtol=1e-6)
    assert_allclose(line.loc["in the large", "se"], REFERENCE["large_se"], rtol=1e-6)
    assert_allclose(v.brier_decomposition(data["event"], data["p"])["brier"], REFERENCE["brier"], rtol=1e-12)


def test_brier_parts_add_up_and_vanish(data):
    for strategy in ("quantile", "width"):
        parts = v.brier_decomposition(data["event"], data["p"], bins=7, strategy=strategy)
        total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within_bin"]
        assert_allclose(parts["brier"], total, rtol=1e-12)
    # one probability a bin: nothing is left within bins
    coarse = data["p"].round(1).clip(0.1, 0.9)
    assert abs(v.brier_decomposition(data["event"], coarse, bins=500)["within_bin"]) < 1e-14


def test_jeffreys_interval_and_test():
    # Brown, Cai and DasGupta (2001): Beta quantiles, closed at the ends
    low, high = v.jeffreys_interval([0, 10, 3], [10, 10, 10])
    assert low[0] == 0 and high[1] == 1
    assert_allclose([low[2], high[2]], beta.ppf([0.025, 0.975], 3.5, 7.5), rtol=1e-12)
    rng = np.random.default_rng(8)
    draws = rng.beta(7.5, 193.5, 400_000)
    assert_allclose(v.jeffreys_test(7, 200, 0.03), (draws <= 0.03).mean(), atol=0.003)


def test_jeffreys_by_grade_counts(forecast):
    p, y, _ = forecast
    bad = p[["C", "D"]].sum(axis=1)
    grade = pd.cut(bad, [0, 0.1, 0.3, 1.0], labels=["safe", "middle", "risky"])
    table = v.jeffreys_test_by_grade(y.codes >= 2, bad, grade)
    assert table["loans"].sum() == len(y) and table["events"].sum() == (y.codes >= 2).sum()
    assert (table["pvalue_holm"] >= table["pvalue"]).all() and table["pvalue"].min() > 0.01
    worse = v.jeffreys_test_by_grade(y.codes >= 2, bad / 2, grade)
    assert worse["pvalue_holm"].max() < 1e-3


def test_calibrated_forecast_looks_calibrated_and_shrunk_one_does_not(forecast):
    p, y, _ = forecast
    table = v.calibration_by_cut(y, p)
    assert ((table["slope_low"] < 1) & (table["slope_high"] > 1)).all()
    assert ((table["in_the_large_low"] < 0) & (table["in_the_large_high"] > 0)).all()
    assert (table["ece"] < 2 * table["ece_noise"]).all()
    reliability = v.reliability_by_cut(y, p)
    inside = (reliability["ci_low"] <= reliability["predicted"]) & (reliability["predicted"] <= reliability["ci_high"])
    assert inside.mean() > 0.85
    extreme = np.exp(np.log(p) * 2)
    extreme = extreme.div(extreme.sum(axis=1), axis=0)
    assert (v.calibration_by_cut(y, extreme)["slope_high"] < 1).any()


def test_ece_noise_is_the_mean_under_calibration():
    rng = np.random.default_rng(11)
    p = rng.uniform(0.05, 0.6, 2000)
    found = [v.expected_calibration_error(rng.random(2000) < p, p) for _ in range(300)]
    matrix = np.column_stack([1 - p, p])
    noise = v.calibration_by_cut((rng.random(2000) < p).astype(int), matrix)["ece_noise"].iloc[0]
    assert_allclose(np.mean(found), noise, rtol=0.05)


# ordinal scores


def test_scores_of_perfect_and_base_forecasts(forecast):
    p, y, _ = forecast
    perfect = np.eye(4)[y.codes]
    assert v.ranked_probability_score(y, perfect) == 0
    assert v.log_score(y, perfect) == 0
    assert v.ordinal_scores(y, perfect)["skill"].tolist() == [1.0, 1.0, 1.0]
    base = np.tile(np.bincount(y.codes) / len(y), (len(y), 1))
    assert_allclose(v.ordinal_scores(y, base)["skill"][:2], 0, atol=1e-12)
    assert np.isinf(v.log_score([0, 1], [[1.0, 0.0], [1.0, 0.0]]))


def test_rps_is_the_sum_of_brier_scores(forecast):
    p, y, _ = forecast
    brier = [v.brier_decomposition(y.codes > j, p.iloc[:, j + 1 :].sum(axis=1))["brier"] for j in range(3)]
    assert_allclose(v.ranked_probability_score(y, p), sum(brier), rtol=1e-10)


def test_rps_worked_example():
    # forecast (0.2, 0.5, 0.3), middle class happened: (0.2)^2 + (0.7 - 1)^2
    assert_allclose(v.ranked_probability_score([1], [[0.2, 0.5, 0.3]]), 0.04 + 0.09, rtol=1e-12)


def test_rps_and_log_score_are_proper(forecast):
    p, y, _ = forecast
    rng = np.random.default_rng(2)
    truth_rps, truth_log = v.ranked_probability_score(y, p), v.log_score(y, p)
    for _ in range(5):
        other = p * rng.uniform(0.6, 1.6, p.shape[1])
        other = other.div(other.sum(axis=1), axis=0)
        assert v.ranked_probability_score(y, other) > truth_rps
        assert v.log_score(y, other) > truth_log


def test_skill_and_kappa_errors_agree_with_bootstrap(forecast):
    p, y, _ = forecast
    rows = np.arange(800)
    codes, matrix = y.codes[rows], p.to_numpy()[rows]
    base = np.bincount(y.codes) / len(y)
    table = v.ordinal_scores(codes, matrix, base=base, rule="mode")
    drawn = v.bootstrap(
        lambda s: v.ordinal_scores(s[0], s[1], base=base, rule="mode")["skill"],
        (codes, matrix),
        n_resamples=400,
        seed=4,
    )
    assert_allclose(drawn.table["se"], table["se"], rtol=0.12)


# resampling


def test_bootstrap_is_seeded_stratified_and_grouped():
    y = np.repeat([0, 1], [95, 5])
    same = [v.bootstrap(np.mean, y, n_resamples=50, seed=7).draws for _ in range(2)]
    pd.testing.assert_frame_equal(*same)
    assert not v.bootstrap(np.mean, y, n_resamples=50, seed=8).draws.equals(same[0])
    assert v.bootstrap(np.mean, y, strata=y, n_resamples=50).table.loc["statistic", "se"] < 1e-12
    group = np.repeat(np.arange(20), 5)
    values = np.random.default_rng(0).normal(size=20)[group]
    whole = v.bootstrap(np.mean, values, groups=group, n_resamples=400).table.loc["statistic", "se"]
    loans = v.bootstrap(np.mean, values, n_resamples=400).table.loc["statistic", "se"]
    assert_allclose(whole / loans, np.sqrt(5), rtol=0.15)


def test_bootstrap_intervals_cover():
    rng = np.random.default_rng(12)
    hits = 0
    for i in range(120):
        sample = rng.exponential(size=60)
        row = v.bootstrap(np.mean, sample, n_resamples=150, seed=i).table.iloc[0]
        hits += row["ci_low"] <= 1 <= row["ci_high"]
    assert 0.86 <= hits / 120 <= 0.99


def test_bootstrap_says_why_it_failed():
    with pytest.raises(DataError, match="resamples failed; the first said"):
        v.bootstrap(lambda s: v.auc(s[:, 0], s[:, 1]), np.array([[0.0, 1], [1.0, 2]]), n_resamples=50)


def test_folds_and_cross_validation_hold_out(data):
    fold = v.stratified_folds(data["y"], 4, seed=1)
    shares = pd.crosstab(fold, data["y"])
    assert (shares.max() - shares.min() <= 1).all()
    frame = data.assign(row=np.arange(len(data)))
    seen = []

    def fit_predict(train, test):
        assert not set(train["row"]) & set(test["row"])
        seen.append(len(train) + len(test))
        return test["row"].to_numpy()

    assert_allclose(v.cross_validate(fit_predict, frame, fold), frame["row"])
    assert seen == [len(data)] * 4


def test_out_of_time_split_counts():
    frame = pd.DataFrame({"issued": pd.to_datetime(["2010-01-01", None, "2010-12-15", "2011-01-01", "2011-05-01"])})
    split = v.out_of_time_split(frame, "issued", "2011-01-01", gap="30D")
    assert split.counts.to_dict() == {"train": 1, "test": 2, "missing_date": 1, "in_gap": 1}
    assert split.train["issued"].max() < split.test["issued"].min()
    with pytest.raises(DataError, match="leaves 0 loans"):
        v.out_of_time_split(frame, "issued", "2001-01-01")


# stability


def test_psi_worked_example_and_symmetry():
    expected, actual = (
        np.repeat([0, 1, 2], [500, 300, 200]).astype(str),
        np.repeat([0, 1, 2], [400, 300, 300]).astype(str),
    )
    by_hand = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.3 - 0.2) * np.log(0.3 / 0.2)
    r = v.population_stability(expected, actual)
    assert_allclose(r.psi, by_hand, rtol=1e-12)
    assert_allclose(v.population_stability(actual, expected).psi, by_hand, rtol=1e-12)
    assert_allclose(r.table["contribution"].sum(), r.psi, rtol=1e-12)


def test_psi_threshold_holds_its_level():
    rng = np.random.default_rng(21)
    above = normal = 0
    for _ in range(1500):
        r = v.population_stability(rng.normal(size=900), rng.normal(size=500), bins=8)
        above += r.psi > r.threshold
        normal += r.psi > r.threshold_normal
    assert 0.035 <= above / 1500 <= 0.065
    assert 0.035 <= normal / 1500 <= 0.09  # the normal approximation is a little generous
    shifted = v.population_stability(rng.normal(size=900), rng.normal(0.3, size=500), bins=8)
    assert shifted.psi > shifted.threshold and shifted.pvalue < 1e-3


def test_an_empty_class_gives_half_a_loan_to_every_class_and_no_infinity():
    """What a hand without the rule finds infinite; without an empty class nothing is added."""
    expected, actual = np.array([40, 30, 30, 0]), np.array([0, 20, 50, 30])
    e, a = ((counts + 0.5) / (counts + 0.5).sum() for counts in (expected, actual))
    r = v.population_stability(np.repeat(list("abcd"), expected), np.repeat(list("abcd"), actual))
    assert_allclose(r.psi, ((a - e) * np.log(a / e)).sum(), rtol=1e-12)
    assert r.adjusted == 2 and np.isfinite(r.psi)
    with np.errstate(divide="ignore"):
        assert np.isinf((actual / 100 - expected / 100) @ np.log(actual / expected))
    e, a = np.array([40, 60]), np.array([30, 70])
    r = v.population_stability(np.repeat(list("ab"), e), np.repeat(list("ab"), a))
    assert_allclose(r.psi, ((a - e) / 100) @ np.log(a / e), rtol=1e-12)


def test_psi_missing_new_and_empty_classes():
    r = v.population_stability([1.0, 2, 3, np.nan] * 20, [1.0, 2, 3, 4] * 20, bins=3)
    assert r.table.loc["missing", "expected"] == 20 and r.adjusted == 1
    assert r.table[["expected", "actual"]].sum().tolist() == [80, 80]
    new = v.population_stability(["own"] * 30 + ["rent"] * 30, ["own"] * 30 + ["mortgage"] * 30)
    assert set(new.table.index) == {"own", "rent", "mortgage"} and np.isfinite(new.psi)
    with pytest.raises(DataError, match="not in both samples"):
        v.stability_table(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [1, 2]}))


# comparators


def test_comparators_on_the_same_folds():
    rng = np.random.default_rng(9)
    x, z = rng.normal(size=(2, 1500))
    frame = pd.DataFrame({"x": x, "z": np.where(z > 0, "high", "low"), "grade": pd.cut(x, 4, labels=list("ABCD"))})
    latent = x + 0.5 * (z > 0) + rng.logistic(size=1500)
    frame["y"] = pd.Categorical.from_codes(np.digitize(latent, [-1, 1, 2.5]), list("abcd"), ordered=True)
    models = {
        "ordered": v.ordered_logit("y ~ x + C(z)"),
        "multinomial": v.multinomial_logit("y ~ x + C(z)"),
        "binary": v.binary_logits("y ~ x + C(z)"),
        "boosting": v.gradient_boosting("y", ["x", "z"], max_iter=40),
        "grade": v.by_grade("y", "grade"),
        "base": v.base_rate("y"),
    }
    r = v.compare_models(frame, "y", models, folds=4, seed=2)
    assert abs(r.table.loc["base", "rps_skill"]) < 1e-12
    assert r.table.loc["multinomial", "rps_skill"] > r.table.loc["grade", "rps_skill"] > 0
    assert set(r.auc_differences["cut"]) == {"a|b", "b|c", "c|d"} and len(r.auc_differences) == 3 * 15
    # the data are ordered: the model that knows it loses nothing to the ones that do not
    assert r.reference == "ordered" and r.table.loc["multinomial", "rps_difference_high"] > 0
    assert r.table.loc["base", "rps_difference_low"] > 0
    for probability in r.predictions.values():
        assert_allclose(probability.sum(axis=1), 1, rtol=1e-9)
        assert list(probability.index) == list(frame.index)
    again = v.compare_models(frame, "y", models, folds=4, seed=2)
    assert_allclose(r.table.drop(columns="seconds"), again.table.drop(columns="seconds"), rtol=1e-12)
    # multinomial against statsmodels on all loans, where the tiny penalty hardly matters
    import statsmodels.formula.api as smf

    peer = smf.mnlogit("code ~ x + C(z)", frame.assign(code=frame["y"].cat.codes)).fit(disp=0)
    ours = v.multinomial_logit("y ~ x + C(z)", ridge=1e-8)(frame, frame)
    assert_allclose(ours, peer.predict(frame), atol=2e-4)


def test_counts_give_the_scores_of_the_loans():
    rng = np.random.default_rng(3)
    loans = pd.DataFrame({"x": rng.integers(0, 6, 2000), "z": rng.integers(0, 2, 2000)})
    loans["y"] = np.digitize(0.4 * loans["x"] + loans["z"] + rng.logistic(size=2000), [0, 2])
    counts = loans.groupby(["x", "z", "y"], as_index=False).size().rename(columns={"size": "n"})
    train, models = {}, {}
    for name, frame, weight in (("loans", loans, None), ("counts", counts, "n")):
        models = {
            "ordered": v.ordered_logit("y ~ x + z", freq_weights=weight),
            "binary": v.binary_logits("y ~ x + z", freq_weights=weight),
            "grade": v.by_grade("y", "z", freq_weights=weight),
            "base": v.base_rate("y", freq_weights=weight),
        }
        train[name] = v.compare_on_test(frame, frame, "y", models, freq_weights=weight)
    columns = [column for column in train["loans"].table if column != "seconds"]
    assert_allclose(train["loans"].table[columns], train["counts"].table[columns], rtol=2e-4, atol=2e-6)
    assert_allclose(
        train["loans"].table.loc["ordered", columns],
        train["counts"].table.loc["ordered", columns],
        rtol=1e-9,
        atol=1e-12,
    )
    assert train["counts"].loans == 2000


# subgroups


def test_subgroup_audit_by_hand_and_notes():
    event = np.array([0, 0, 1, 1, 0, 0, 1, 0, 0, 0])
    p = np.array([0.1, 0.6, 0.7, 0.2, 0.3, 0.8, 0.9, 0.4, 0.1, 0.1])
    group = pd.Series(list("aaaabbbb") + [None, None], name="sex")
    table = v.subgroup_audit(event, p, group, threshold=0.5)
    assert table.index.name == "sex" and list(table.index) == ["a", "b", "missing", "all"]
    assert table.loc["a", "false_positive_rate"] == 0.5 and table.loc["a", "false_negative_rate"] == 0.5
    assert_allclose(table.loc["b", "false_positive_rate"], 1 / 3)
    assert table.loc["a", "ratio"] == pytest.approx(0.5 / 0.4)
    assert "no AUC" in table.loc["missing", "note"] and "no bad loans" in table.loc["missing", "note"]
    assert table.loc["all", "loans"] == 10


def test_subgroup_calibration_test_holds_and_rejects():
    rng = np.random.default_rng(31)
    rejected = 0
    for _ in range(300):
        p, group = rng.uniform(0.1, 0.5, 300), rng.integers(0, 3, 300)
        rejected += v.subgroup_calibration_test(rng.random(300) < p, p, group)["pvalue"] < 0.05
    assert 0.02 <= rejected / 300 <= 0.085
    p, group = rng.uniform(0.1, 0.5, 3000), rng.integers(0, 3, 3000)
    event = rng.random(3000) < np.where(group == 1, p * 1.4, p)
    assert v.subgroup_calibration_test(event, p, group)["pvalue"] < 1e-4


# bad input


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: v.auc([0, 1, 2], [1, 2, 3]), "must be 0/1"),
        (lambda: v.auc([1, 1], [1, 2]), "needs both kinds"),
        (lambda: v.auc([0, 1], [1, np.nan]), "missing or infinite"),
        (lambda: v.auc([0, 1], [1, 2, 3]), "3 rows"),
        (lambda: v.auc([0, 1], [1, 2], [1, -1]), "negative"),
        (lambda: v.delong([0, 1], [1, 2]), "two of each"),
        (lambda: v.concordance(["good", "bad"], [1, 2]), "no order"),
        (lambda: v.concordance(pd.Categorical(["a", "b"]), [1, 2]), "unordered"),
        (lambda: v.concordance([1, 1], [1, 2]), "same outcome"),
        (lambda: v.ranked_probability_score([0, 1], [[0.5, 0.6], [0.5, 0.5]]), "sum to 1"),
        (lambda: v.ranked_probability_score([0, 3], [[0.5, 0.5], [0.5, 0.5]]), "none of the categories"),
        (lambda: v.calibration_slope_intercept([0, 1], [0.0, 0.5]), "exactly 0 or 1"),
        (lambda: v.calibration_slope_intercept([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]), "separate events"),
        (lambda: v.reliability_table([0, 1], [0.2, 1.5]), "between 0 and 1"),
        (lambda: v.jeffreys_test(5, 3, 0.1), "between 0 and the number"),
        (lambda: v.stratified_folds([0, 0, 0, 1], 2), "rarest class"),
        (lambda: v.subgroup_audit([0, 1], [0.1, 0.2], ["a", "a"]), "one group"),
        (lambda: v.population_stability([1.0, np.inf], [1.0, 2.0]), "infinite"),
        (lambda: v.quadratic_weighted_kappa([1, 1], [1, 1]), "undefined"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_a_cell_that_is_no_date_is_not_repeated():
    frame = pd.DataFrame({"issued": ["2010-01-01", "Maria Roth"]})
    with pytest.raises(DataError, match="does not hold dates") as refused:
        v.out_of_time_split(frame, "issued", "2010-06-01")
    assert "Maria" not in str(refused.value)
