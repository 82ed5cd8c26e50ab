"""The frozen months of `monitor` on the Lending Club loans: by the rule, and a month recomputed where the loans are."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy

from p2prisk import load
from p2prisk.errors import DataError
from p2prisk.monitor import Limits

ROOT = Path(__file__).resolve().parents[1]
FROZEN = pd.read_csv(ROOT / "data" / "monitor_months.csv", keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("shock", ["", "_shared"])
def test_each_verdict_follows_from_its_alarms(shock):
    alarms = FROZEN[f"alarms{shock}"].str.split(", ")
    says = ["redevelop" if "area" in a else "keep" if a == ["none"] else "recalibrate" for a in alarms]
    assert says == FROZEN[f"verdict{shock}"].tolist()
    assert FROZEN[f"false_alarm{shock}"].between(0.01, 0.05).all()
    near = FROZEN[f"near{shock}"].str.split(", ")
    assert not any(set(a) & set(n) - {"none"} for a, n in zip(alarms, near, strict=True))
    area = FROZEN["expected_area"] - FROZEN["area"]
    assert (area[[("area" in a) for a in alarms]] >= Limits().area).all()


def test_what_is_known_only_grows():
    assert len(FROZEN) == 24 and FROZEN["known_on"].is_monotonic_increasing
    assert (np.diff(FROZEN["judged"]) > 0).all() and (np.diff(FROZEN["bad"]) > 0).all()
    assert np.allclose(FROZEN["bad"] / FROZEN["judged"], FROZEN["rate"], atol=1e-5)
    assert (FROZEN["judged"] >= Limits().loans).all() and (FROZEN["bad"] >= Limits().events).all()


def test_the_table_of_the_readme_is_the_frozen_one():
    script = runpy.run_path(str(ROOT / "benchmarks" / "monitor_months.py"))
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"<!-- months: begin -->\n{script['page'](FROZEN)}<!-- months: end -->" in text


@pytest.fixture(scope="module")
def of_2010():
    """The script, the loans and the model of the last day of 2010."""
    try:
        tape = load("lendingclub-2007-2011")
    except DataError as absent:
        pytest.skip(str(absent))
    script = runpy.run_path(str(ROOT / "benchmarks" / "monitor_months.py"))
    return script, tape, script["fitted"](tape)


def test_the_first_month_is_recomputed(of_2010):
    script, tape, model = of_2010
    script["months"].__globals__["LAST_MONTHS"] = [pd.Timestamp("2011-01-31")]
    again = script["months"](tape, model).round(6)
    pd.testing.assert_frame_equal(again, FROZEN.head(1), check_dtype=False, atol=2e-4)


# --------------------------------------------------------------------- three months in plain pandas, with other draws


def known_then(loans, day):
    """What was on file on a day: a loss five months after the last payment, or after the issue where none was paid."""
    table = loans[loans["issue_date"] <= day].copy()
    never = table["last_payment_date"].isna() & (table["status"] == "charged off") & ~(table["principal_paid"] > 0)
    last = table["last_payment_date"].mask(never, table["issue_date"])
    lost = table["status"] == "charged off"
    table["end"] = last.where(~lost, last + pd.DateOffset(months=5))
    table = table[table["end"].notna() | ~table["status"].isin(["paid", "charged off"])]
    over = table["issue_date"] + pd.DateOffset(months=12)
    seen = over <= day
    table["failed"] = (table["status"] == "charged off") & (table["end"] <= day) & (table["end"] <= over)
    return table, seen


def index_of(before, after):
    """The population stability index over the tenths of the loans of the fit."""
    edges = np.unique(np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf"))
    parts = [
        np.diff(np.searchsorted(np.sort(x), edges, side="right"), prepend=0, append=len(x)) for x in (before, after)
    ]
    share = [part / part.sum() for part in parts]
    return float(((share[1] - share[0]) * np.log(share[1] / share[0])).sum())


def judge(odds, chance, grade):
    """What takes one set of outcomes to level, slope (one step from 1), area, the worst grade and its factor."""
    weight, rank = chance * (1 - chance), pd.Series(odds).rank().to_numpy()
    along = odds - np.average(odds, weights=weight)
    size, expected, variance = (np.bincount(grade, each) for each in (np.ones(len(odds)), chance, weight))
    odds_of = lambda seen: (seen + 0.5) / (size + 0.5 - seen)  # noqa: E731

    def judged(bad):
        ill, seen = bad.sum(), np.bincount(grade, bad)
        area = (rank[bad].sum() - ill * (ill + 1) / 2) / (ill * (len(bad) - ill))
        miss = np.abs(seen - expected) / np.sqrt(variance)
        factor = np.exp(np.abs(np.log(odds_of(seen) / odds_of(expected))))[miss.argmax()]
        return [bad.mean(), 1 + (along @ (bad - chance)) / (weight @ along**2), area, miss.max(), factor]

    return judged


def alarms_of(found, drawn):
    """Which of level, slope, area and grades are outside their limits and matter, a row a set: the rule, anew."""
    level, slope, area, worst, factor = np.atleast_2d(found).T
    odds = level / (1 - level) * (1 / drawn[:, 0].mean() - 1)
    low, high = np.quantile(drawn[:, :2], [0.005, 0.995], axis=0)
    return np.column_stack(
        [
            ((level < low[0]) | (level > high[0])) & (np.maximum(odds, 1 / odds) >= 1.25),
            ((slope < low[1]) | (slope > high[1])) & (np.abs(slope - 1) >= 0.2),
            (area < np.quantile(drawn[:, 2], 0.01)) & (drawn[:, 2].mean() - area >= 0.03),
            (worst > np.quantile(drawn[:, 3], 0.99)) & (factor >= 1.25),
        ]
    )


def truths(model, covariance, rng, draws):
    """Draws of the truth less the estimates: Bayes' rule with a normal prior of the slopes, of drawn strength."""
    estimates, precision = model.results.params.to_numpy(), np.linalg.inv(covariance)
    size = len(estimates) - 1
    bad, good = model.results.category_counts[::-1]
    null = bad * np.log(bad / (bad + good)) + good * np.log(good / (bad + good))
    for _ in range(draws):
        kept = np.clip(1 - rng.chisquare(size) / (2 * (model.results.llf - null)), 1e-6, None)
        prior = np.zeros_like(precision)
        prior[:size, :size] = np.linalg.inv(covariance[:size, :size]) * (1 - kept) / kept
        after = np.linalg.inv(precision + prior)
        yield rng.multivariate_normal(after @ precision @ estimates, after) - estimates


def at_level(odds, events):
    """Chances at log-odds moved by one number, so that so many events are expected."""
    miss = lambda by: (1 / (1 + np.exp(-odds - by))).sum() - events  # noqa: E731
    return 1 / (1 + np.exp(-odds - scipy.optimize.brentq(miss, -5, 5)))


@pytest.mark.parametrize("day", ["2011-03-31", "2011-09-30", "2011-10-31"])
def test_three_months_are_the_same_in_plain_pandas_with_other_draws(of_2010, day):
    _, tape, model = of_2010
    frozen, day, draws = FROZEN.set_index("known_on").loc[day], pd.Timestamp(day), 400
    last_of_fit = pd.Period(model.population["issued"][1], "M")
    loans, seen = known_then(tape.frame, day)
    month = loans["issue_date"].dt.to_period("M")
    later = month > last_of_fit
    recent = loans[later & (month > pd.Period(day, "M") - 3)]
    assert len(recent) == frozen["new_loans"]
    fit, of_fit = known_then(tape.frame, pd.Timestamp("2010-12-31"))
    psi = index_of(model.score(fit[of_fit])["score"].to_numpy(), model.score(recent)["score"].to_numpy())
    assert psi == pytest.approx(frozen["stability"], abs=2e-6)
    judged = loans[later & seen]
    bad, design = judged["failed"].to_numpy(), model.design(judged)[0].to_numpy()
    assert (len(bad), bad.sum()) == (frozen["judged"], frozen["bad"])
    odds = design @ model.results.slopes.to_numpy() - float(model.results.thresholds.iloc[0])
    chance = 1 / (1 + np.exp(-odds))
    judged_by = judge(odds, chance, np.searchsorted(model.scale["bounds"], chance, side="right"))
    found = np.array(judged_by(bad))
    assert found[:3] == pytest.approx(frozen[["rate", "slope", "area"]].astype(float), abs=2e-6)
    rng, names = np.random.default_rng(987), [*model.results.exog_names, "good|bad"]
    covariance = model.results.cov_params().loc[names, names].to_numpy()
    moves = (
        moved @ np.column_stack([design, -np.ones(len(design))]).T for moved in truths(model, covariance, rng, draws)
    )
    chances = (at_level(odds + move, chance.sum() + chance * (1 - chance) @ move) for move in moves)
    drawn = np.array([judged_by(rng.random(len(bad)) < each) for each in chances])
    error = drawn[:, [0, 2]].std(axis=0) * np.sqrt(1 / draws + 1 / 1000)
    assert (np.abs(drawn[:, [0, 2]].mean(axis=0) - frozen[["expected_rate", "expected_area"]]) < 3.5 * error).all()
    alarms = alarms_of(found, drawn)[0]
    assert ("redevelop" if alarms[2] else "recalibrate" if alarms.any() else "keep") == frozen["verdict"]
    named = [name for name, on in zip(("level", "slope", "area", "grades"), alarms, strict=True) if on]
    assert set(named) == set(frozen["alarms"].split(", ")) - {"none"}
    false = alarms_of(drawn, drawn).any(axis=1).mean()
    assert abs(false - frozen["false_alarm"]) < 3.5 * np.sqrt(0.03 * 0.97 * (1 / draws + 1 / 1000))
