"""Flexible calibration against R, and the corrected interval of cross-validated differences."""

import numpy as np
import pandas as pd
import pytest

from p2prisk import validation as v
from p2prisk.errors import DataError


def made():
    i = np.arange(600)
    p = np.round(0.02 + 0.6 * ((i * 37) % 600) / 600, 3)
    y = ((i * 263) % 601) / 601 < 1 / (1 + np.exp(1.6 - 3 * p))
    return y, p


def test_distance_and_curve_are_those_of_rms():
    # R 4, rms: val.prob(p, y, pl = FALSE); lowess(p, y, iter = 0) with approx(ties = mean)
    y, p = made()
    assert y.sum() == 212
    found = v.calibration_distance(y, p)
    assert found.to_dict() == pytest.approx(
        {"ici": 0.0355932727900, "e50": 0.017322773916, "e90": 0.0951937701091, "emax": 0.1217230503982}, abs=1e-9
    )
    curve = v.flexible_calibration(y, p)
    at = np.interp([0.02, 0.2, 0.5], curve["predicted"], curve["observed"])
    assert at == pytest.approx([0.141723050398, 0.245532678613, 0.508624600377], abs=1e-9)
    assert curve["loans"].sum() == 600


def test_weights_are_repeated_rows_and_order_does_not_matter():
    y, p = made()
    twice = v.calibration_distance(np.r_[y, y[:100]], np.r_[p, p[:100]])
    weights = np.where(np.arange(600) < 100, 2, 1)
    assert v.calibration_distance(y, p, weights).to_numpy() == pytest.approx(twice.to_numpy(), abs=1e-12)
    order = np.random.default_rng(0).permutation(600)
    assert v.calibration_distance(y[order], p[order]).to_numpy() == pytest.approx(
        v.calibration_distance(y, p).to_numpy(), abs=1e-12
    )


def test_true_probabilities_are_near_and_shifted_ones_are_not():
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.4, 20_000)
    y = rng.random(20_000) < p
    near, far = v.calibration_distance(y, p), v.calibration_distance(y, p / 2)
    assert near["ici"] < 0.01 and far["ici"] == pytest.approx(np.mean(p / 2), abs=0.01)
    assert (far[["e50", "e90", "emax"]].diff().dropna() > 0).all()


def test_refusals():
    y, p = made()
    with pytest.raises(DataError, match="2 distinct"):
        v.flexible_calibration([0, 1, 0, 1], [0.1, 0.1, 0.2, 0.2])
    with pytest.raises(DataError, match="whole"):
        v.flexible_calibration(y, p, np.full(600, 0.5))
    with pytest.raises(DataError, match="span"):
        v.flexible_calibration(y, p, span=0)


def test_corrected_interval_holds_its_level_where_the_plain_one_does_not():
    # means of folds that share a part of their error, as fits on common loans do: spread over folds s2, covariance rho
    rng = np.random.default_rng(3)
    folds, held = 5, 40
    fold = np.repeat(np.arange(folds), held)
    rho, inside, plain = 0.2, 0, 0
    for _ in range(2000):
        means = np.sqrt(rho) * rng.normal() + np.sqrt(1 - rho) * rng.normal(size=folds)
        gap = np.repeat(means, held)
        half = v.corrected_half_width(gap, fold)
        inside += abs(gap.mean()) < half
        plain += abs(gap.mean()) < 1.96 * gap.std(ddof=1) / np.sqrt(len(gap))
    assert 0.93 < inside / 2000 < 0.98 and plain / 2000 < 0.5


def test_corrected_interval_by_hand_and_in_the_table():
    gap, fold = np.array([1.0, 3.0, 2.0, 4.0, 6.0, 0.0]), [0, 0, 1, 1, 2, 2]
    means = np.array([2.0, 3.0, 3.0])
    by_hand = 4.302652729911275 * np.sqrt((1 / 3 + 2 / 4) * means.var(ddof=1))
    assert v.corrected_half_width(gap, fold) == pytest.approx(by_hand)
    assert v.corrected_half_width(gap, fold, np.ones(6)) == pytest.approx(by_hand)
    with pytest.raises(DataError, match="one fold"):
        v.corrected_half_width(gap, np.zeros(6))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400)})
    frame["y"] = np.digitize(frame["x"] + rng.logistic(size=400), [-1, 1])
    models = {"base": v.base_rate("y"), "logit": v.ordered_logit("y ~ x")}
    fold = np.arange(400) % 4
    found = v.compare_models(frame, "y", models, folds=fold)
    losses = {
        name: v.scores.ranked_probability_scores(frame["y"].to_numpy(), np.asarray(p))
        for name, p in found.predictions.items()
    }
    row = found.table.loc["logit"]
    half = v.corrected_half_width(losses["logit"] - losses["base"], fold)
    assert row["rps_difference_high"] - row["rps_difference"] == pytest.approx(half)
    assert found.table.loc["base", ["rps_difference_low", "rps_difference_high"]].tolist() == [0, 0]
