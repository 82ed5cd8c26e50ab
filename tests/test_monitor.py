"""Monitoring: against brute force, against statsmodels, against its own claims of false alarms, and on bad input."""

import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from p2prisk.errors import DataError
from p2prisk.monitor import (
    RULES,
    calibrate_cusum,
    calibration_drift,
    check_forecast,
    check_vintages,
    check_warnings,
    early_warning,
    forecast_states,
    forecast_vintages,
    goodman_interval,
    monthly_report,
    read_panel,
    roll_rates,
    roll_rates_by_month,
    stability_by_month,
    stability_from_counts,
    vintage_curves,
    vintage_curves_from_events,
    vintage_curves_from_tape,
)
from p2prisk.monitor.panel import month_index
from p2prisk.simulate import TurningBad, simulate_platform
from p2prisk.validation import population_stability

STATES = ["current", "1-30", "31-60", "61-90", "default", "paid"]


def panel_of(*paths, start="2015-01", issue=None):
    """A panel from strings: one letter a month, c = current, 1, 2, 3 = late, d = default, p = paid, . = no row."""
    code = {"c": 0, "1": 1, "2": 2, "3": 3, "d": 4, "p": 5}
    rows = []
    for loan, path in enumerate(paths):
        first = month_index(start) + (0 if issue is None else issue[loan])
        rows += [
            (f"L{loan}", np.datetime64(int(first + age), "M").astype("datetime64[s]"), code[letter], 100.0)
            for age, letter in enumerate(path)
            if letter != "."
        ]
    frame = pd.DataFrame(rows, columns=["loan_id", "month", "code", "balance"])
    frame["state"] = pd.Categorical.from_codes(frame.pop("code"), STATES, ordered=True)
    return frame


@pytest.fixture(scope="module")
def book():
    return simulate_platform(12_000, 36, seed=8)


# -- panel


def test_panel_sorts_and_keeps_every_row(book):
    frame = book.performance.sample(frac=1, random_state=1)
    one, two = read_panel(frame), read_panel(book.performance)
    assert len(one) == len(frame) and one.simulated
    for name in ("loan", "month", "state", "balance"):
        assert np.array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="state"), "lacks the column"),
        (lambda f: f.iloc[:0], "no row"),
        (lambda f: f.assign(state=f["state"].astype(object)), "ordered categorical"),
        (lambda f: f.assign(balance=[-5.0, *f["balance"][1:]]), "1 rows have a negative balance, the first is row 0"),
        (lambda f: pd.concat([f, f.iloc[[2]]]), "report a loan twice"),
        (lambda f: f.assign(month=[None, *f["month"][1:]]), "dates are missing"),
        (lambda f: f.assign(loan_id=[None, *f["loan_id"][1:]]), "no loan_id"),
    ],
)
def test_panel_refuses_bad_rows(change, message):
    frame = panel_of("ccc", "c1c")
    with pytest.raises(DataError, match=message):
        read_panel(change(frame))


def test_panel_names_an_unknown_state():
    frame = panel_of("cc")
    frame["state"] = ["current", "gone fishing"]
    with pytest.raises(DataError, match="gone fishing"):
        read_panel(frame, states=STATES)


# -- vintages


def test_vintages_against_a_count_by_hand():
    frame = panel_of("c1d", "ccc", "cc1", "c1d", "cc", issue=[0, 0, 0, 1, 1])
    curves = vintage_curves(frame, period="month")
    assert curves[["vintage", "age", "loans", "events"]].to_numpy().tolist() == [
        ["2015-01", 0, 3, 0],
        ["2015-01", 1, 3, 0],
        ["2015-01", 2, 3, 1],
        ["2015-01", 3, 3, 1],
        ["2015-02", 0, 2, 0],
        ["2015-02", 1, 2, 0],
        ["2015-02", 2, 2, 1],
    ]
    late = vintage_curves(frame, event="1-30", period="month")
    assert late[late["age"] == 2]["events"].tolist() == [2, 1]
    together = vintage_curves(frame, period="quarter")
    # the curve ends at the age that the youngest loans have reached
    assert together["age"].max() == 2 and together["loans"].unique().tolist() == [5]


def test_vintages_from_panel_and_from_loans_agree(book):
    frame = book.tape.frame
    failed = book.performance[book.performance["state"] == "default"].set_index("loan_id")["age"]
    age = frame["loan_id"].map(failed)
    one = vintage_curves(book.performance, period="quarter")
    two = vintage_curves_from_events(frame["issue_date"], age, as_of="2017-12", period="quarter")
    pd.testing.assert_frame_equal(one, two)
    counts = pd.DataFrame({"month": frame["issue_date"], "age": age}).groupby(["month", "age"], dropna=False).size()
    counts = counts.reset_index(name="n")
    three = vintage_curves_from_events(
        counts["month"], counts["age"], as_of="2017-12", loans=counts["n"], events=counts["n"], period="quarter"
    )
    pd.testing.assert_frame_equal(one, three)


def test_a_vintage_as_of_an_earlier_month_does_not_know_the_future(book):
    early = vintage_curves(book.performance, as_of="2016-06")
    full = vintage_curves(book.performance)
    joined = early.merge(full, on=["vintage", "age"], suffixes=("", "_full"))
    whole = joined["loans"] == joined["loans_full"]  # vintages that were complete by then
    assert whole.any() and (joined["events"] == joined["events_full"])[whole].all()
    assert early["vintage"].max() == "2016-04"


def test_vintages_of_a_tape():
    frame = pd.DataFrame(
        {
            "issue_date": pd.to_datetime(["2015-01-01", "2015-01-01", "2015-02-01"]),
            "last_payment_date": pd.to_datetime(["2015-03-01", "2015-06-01", None]),
            "bad": [True, False, True],
        }
    )
    curves = vintage_curves_from_tape(frame, as_of="2015-08", period="month", lag=5)
    assert curves.groupby("vintage")["events"].max().tolist() == [1, 1]
    assert curves[curves["events"] == 1].groupby("vintage")["age"].min().tolist() == [7, 5]
    assert vintage_curves_from_tape(frame, as_of="2015-07", period="month")["events"].max() == 1  # the second is known
    with pytest.raises(DataError, match="lacks last_payment_date"):
        vintage_curves_from_tape(frame.drop(columns="last_payment_date"))
    with pytest.raises(DataError, match="1 loan without an outcome"):
        vintage_curves_from_tape(frame.assign(bad=pd.array([True, None, False], dtype="boolean")))


def test_vintage_edge_cases():
    everyone = vintage_curves(panel_of("cd", "cd"), period="month")
    assert everyone["share"].tolist() == [0.0, 1.0] and everyone["high"].iloc[-1] == 1.0
    gap = vintage_curves(panel_of("ccc", "cc", issue=[0, 4]), period="month")
    assert gap["vintage"].unique().tolist() == ["2015-01", "2015-05"]  # months without loans have no curve
    with pytest.raises(DataError, match="before they are issued"):
        vintage_curves_from_events(["2015-01"], [-1], as_of="2015-06")
    with pytest.raises(DataError, match="no state 'lost'"):
        vintage_curves(panel_of("cc"), event="lost")
    with pytest.raises(DataError, match="no period"):
        vintage_curves(panel_of("cc"), period="fortnight")


# -- roll rates


def test_roll_rates_against_a_count_by_hand():
    rates = roll_rates(panel_of("cc1c", "c12d", "cc.c"))
    assert rates.counts.loc["current"].tolist() == [2, 2, 0, 0, 0, 0]
    assert rates.counts.loc["1-30"].tolist() == [1, 0, 1, 0, 0, 0]
    assert rates.gaps == 1
    assert rates.rate.loc["61-90"].isna().all() and rates.low.loc["61-90"].isna().all()
    assert set(rates.absorbing) == {"61-90", "default", "paid"}


def test_roll_rate_intervals():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    counts = [812, 140, 40, 8]
    reference = proportion.multinomial_proportions_confint(counts, 0.05, method="goodman")
    assert np.allclose(np.column_stack(goodman_interval(counts)), reference, atol=1e-12)
    wide = roll_rates(panel_of(*["cc"] * 90, *["c1"] * 10), interval="goodman")
    narrow = roll_rates(panel_of(*["cc"] * 90, *["c1"] * 10))
    assert wide.high.loc["current", "1-30"] > narrow.high.loc["current", "1-30"]
    with pytest.raises(DataError, match="no interval"):
        roll_rates(panel_of("cc"), interval="guess")


def test_jeffreys_intervals_of_roll_rates_cover(book):
    rates = roll_rates(book.performance)
    truth = rates.rate.loc["1-30", "31-60"]
    hits = 0
    for moved, times in Counter(np.random.default_rng(3).binomial(200, truth, 300).tolist()).items():
        sample = roll_rates(panel_of(*["1c"] * (200 - moved), *["12"] * moved))
        hits += times * bool(sample.low.loc["1-30", "31-60"] <= truth <= sample.high.loc["1-30", "31-60"])
    assert 0.91 <= hits / 300 <= 0.99


def test_roll_rates_by_month_sum_to_the_matrix_and_keep_empty_months(book):
    moves = roll_rates_by_month(book.performance, [("current", "worse"), ("1-30", "31-60")])
    total = moves.groupby("from")[["loans", "moved"]].sum()
    rates = roll_rates(book.performance)
    assert total.loc["current", "loans"] == rates.counts.loc["current"].sum()
    assert total.loc["1-30", "moved"] == rates.counts.loc["1-30", "31-60"]
    quiet = roll_rates_by_month(panel_of("cc", "cc", issue=[0, 4]), [("current", "worse")])
    assert len(quiet) == 5 and quiet["loans"].tolist() == [1, 0, 0, 0, 1] and quiet["rate"].isna().sum() == 3


def test_no_consecutive_months_is_an_error():
    with pytest.raises(DataError, match="two consecutive months"):
        roll_rates(panel_of("c.c", "c"))


def test_roll_rates_by_balance():
    frame = panel_of("cc", "c1")
    frame["balance"] = [300.0, 300.0, 100.0, 100.0]
    weighted = roll_rates(frame, weights="balance")
    assert weighted.rate.loc["current", "1-30"] == 0.25 and weighted.low.isna().all().all()


# -- forecasts


def test_forecast_of_states_is_the_matrix_power():
    rates = roll_rates(panel_of(*["cc"] * 80, *["c1"] * 20, *["1c"] * 50, *["12"] * 50, *["2d"] * 10, *["dd"] * 5))
    start = np.array([1000, 100, 0, 0, 0, 0])
    forecast = forecast_states(rates, start, 3, draws=200)
    matrix = rates.rate.fillna(0).to_numpy().copy()
    for state in np.flatnonzero(rates.counts.sum(axis=1) == 0):
        matrix[state, state] = 1
    expected = start @ np.linalg.matrix_power(matrix, 3)
    last = forecast[forecast["step"] == 3]
    assert np.allclose(last["expected"], expected)
    assert np.allclose(forecast.groupby("step")["expected"].sum(), 1100)
    assert (last["low"] <= last["high"]).all()


def test_forecast_intervals_hold_where_the_chain_is_homogeneous():
    rng = np.random.default_rng(0)
    matrix = np.array([[0.9, 0.1, 0.0], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])

    def paths(size, months):
        state = np.zeros((size, months), dtype=int)
        for month in range(1, months):
            draw = rng.random(size)[:, None]
            state[:, month] = (draw > matrix[state[:, month - 1]].cumsum(axis=1)).sum(axis=1)
        month = np.datetime64("2015-01", "M") + np.arange(months)
        return pd.DataFrame(
            {
                "loan_id": np.repeat(np.arange(size), months),
                "month": np.tile(month.astype("datetime64[s]"), size),
                "state": pd.Categorical.from_codes(state.ravel(), ["current", "late", "default"], ordered=True),
            }
        )

    inside = []
    for _ in range(40):
        frame = paths(400, 12)
        panel = read_panel(frame)
        known = panel.until("2015-06")
        now = np.bincount(known.state[known.month == known.month.max()], minlength=3)
        forecast = forecast_states(roll_rates(known), now, 4, draws=400)
        inside += check_forecast(forecast, panel, origin="2015-06")["inside"].tolist()
    assert 0.90 <= np.mean(inside) <= 0.99


def test_check_of_a_forecast_counts_loans_that_ended(book):
    panel = read_panel(book.performance)
    known = panel.until("2017-01")
    now = np.bincount(known.state[known.month == known.month.max()], minlength=6)
    forecast = forecast_states(roll_rates(known), now, 6, draws=100)
    checked = check_forecast(forecast, panel, origin="2017-01")
    assert (checked.groupby("step")["observed"].sum() == now.sum()).all()
    with pytest.raises(DataError, match="before the 6 months"):
        check_forecast(forecast, panel, origin="2017-10")


def test_vintage_forecast_finds_the_truth_and_its_interval_covers():
    rng = np.random.default_rng(4)
    hazard = np.array([0, 0.004, 0.008, 0.01, 0.01, 0.008, 0.006, 0.004])
    errors, inside = [], []
    for _ in range(60):
        months = np.repeat(np.arange(16), 300)
        risk = np.exp(0.1 * rng.standard_normal(16))[months]
        uniform = rng.random(len(months))
        cumulative = (risk[:, None] * hazard).cumsum(axis=1)
        age = (uniform[:, None] > cumulative).sum(axis=1).astype(float)
        age[age == len(hazard)] = np.nan
        issue = (np.datetime64("2015-01", "M") + months).astype("datetime64[s]")
        known = vintage_curves_from_events(issue, age, as_of="2016-01", period="month")
        forecast = forecast_vintages(known, age=7).set_index("vintage")
        final = vintage_curves_from_events(issue, age, as_of="2017-06", period="month", max_age=7)
        final = final[final["age"] == 7].set_index("vintage")["share"]
        open_ = forecast["observed_age"] < 7
        errors += (forecast["forecast"] - final.loc[forecast.index])[open_].tolist()
        inside += final.loc[forecast.index].between(forecast["low"], forecast["high"])[open_].tolist()
    assert abs(np.mean(errors)) < 0.002
    assert 0.85 <= np.mean(inside) <= 0.98  # 90 % intervals
    with pytest.raises(DataError, match="no vintage has reached"):
        forecast_vintages(known, age=40)


# -- stability and calibration


def test_stability_by_month_equals_the_index_of_the_validation(book):
    frame = book.tape.frame
    result = stability_by_month(frame, ["grade", "platform_score"], reference=("2015-01", "2016-12"))
    month = frame["issue_date"].dt.strftime("%Y-%m")
    base = frame["issue_date"] < "2017-01-01"
    for _, row in result[result["variable"] == "grade"].iterrows():
        reference = population_stability(
            frame["grade"][base].astype(str), frame["grade"][month == row["month"]].astype(str), confidence=0.99
        )
        assert row["psi"] == pytest.approx(reference.psi, abs=1e-12)
        assert row["threshold"] == pytest.approx(reference.threshold, abs=1e-12)
    assert len(result) == 24


def test_stability_from_counts_equals_stability_from_rows(book):
    frame = book.tape.frame
    counts = pd.DataFrame({"month": frame["issue_date"].dt.strftime("%Y-%m"), "band": frame["grade"].astype(str)})
    counts = counts.groupby(["month", "band"]).size().rename("n").reset_index().assign(variable="grade")
    one = stability_from_counts(counts, reference=("2015-01", "2016-12"))
    two = stability_by_month(frame, ["grade"], reference=("2015-01", "2016-12"))
    assert np.allclose(one["psi"], two["psi"]) and one["alert"].tolist() == two["alert"].tolist()


def test_stability_alarms_no_more_often_than_it_says():
    rng = np.random.default_rng(1)
    months = np.repeat(np.arange(212), 500)
    frame = pd.DataFrame(
        {
            "issue_date": (np.datetime64("2000-01", "M") + months).astype("datetime64[s]"),
            "score": rng.normal(size=len(months)),
        }
    )
    result = stability_by_month(frame, ["score"], reference=("2000-01", "2000-12"), confidence=0.95)
    above = (result["psi"] > result["threshold"]).mean()
    assert 0.02 <= above <= 0.10  # 5 % by its sampling distribution
    assert not result["alert"].any()  # none of it is material


def test_stability_finds_a_shift_and_reports_empty_months():
    rng = np.random.default_rng(2)
    months = np.r_[np.repeat(np.arange(12), 400), np.repeat([14], 400)]
    score = rng.normal(size=len(months)) + np.where(months == 14, 0.8, 0.0)
    frame = pd.DataFrame(
        {"issue_date": (np.datetime64("2000-01", "M") + months).astype("datetime64[s]"), "score": score}
    )
    result = stability_by_month(frame, ["score"], reference=("2000-01", "2000-12"), period="month")
    assert result["month"].tolist() == ["2001-03"] and result["alert"].tolist() == [True]
    frame = pd.concat([frame, frame.iloc[[0]].assign(issue_date=pd.Timestamp("2001-05-01"))], ignore_index=True)
    result = stability_by_month(frame, ["score"], reference=("2000-01", "2000-12"))
    assert result["loans"].tolist() == [400, 0, 1] and np.isnan(result["psi"][1]) and not result["alert"][1]


def test_a_grade_without_loans_is_no_class():
    frame = pd.DataFrame(
        {
            "issue_date": pd.to_datetime(["2010-01-01"] * 60 + ["2010-02-01"] * 60),
            "grade": pd.Categorical(["A", "B", "B"] * 40, list("ABCD"), ordered=True),
        }
    )
    result = stability_by_month(frame, ["grade"], reference=("2010-01", "2010-01"))
    assert result["psi"].tolist() == [0.0] and not result["alert"][0]
    one = frame.assign(grade=pd.Categorical(["A"] * 120, list("AB"), ordered=True))
    assert stability_by_month(one, ["grade"], reference=("2010-01", "2010-01"))["psi"].isna().all()


def test_stability_errors():
    frame = pd.DataFrame({"issue_date": pd.to_datetime(["2010-01-01", "2010-02-01"]), "x": [np.nan, 1.0]})
    with pytest.raises(DataError, match="no loan falls in the reference"):
        stability_by_month(frame, ["x"], reference=("2001-01", "2001-02"))
    with pytest.raises(DataError, match="no known value in the reference"):
        stability_by_month(frame, ["x"], reference=("2010-01", "2010-01"))
    with pytest.raises(DataError, match="no loan is later"):
        stability_by_month(frame, ["x"], reference=("2010-01", "2010-03"))
    with pytest.raises(DataError, match="no column 'y'"):
        stability_by_month(frame, ["y"], reference=("2010-01", "2010-01"))


def test_calibration_shift_is_the_offset_logit():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(5)
    expected = rng.uniform(0.02, 0.3, 3000)
    period = rng.integers(0, 3, 3000)
    odds = expected / (1 - expected) * np.exp(np.array([0.0, 0.4, -0.6])[period])
    events = rng.random(3000) < odds / (1 + odds)
    drift = calibration_drift(period, events, expected)
    for code in range(3):
        rows = period == code
        offset = np.log(expected / (1 - expected))[rows]
        fit = sm.GLM(events[rows].astype(float), np.ones(rows.sum()), family=sm.families.Binomial(), offset=offset).fit(
            tol=1e-12
        )
        assert drift["shift"][code] == pytest.approx(fit.params[0], abs=1e-7)
        assert drift["shift_high"][code] == pytest.approx(fit.conf_int()[0, 1], abs=1e-6)


def test_calibration_of_a_period_where_all_or_none_failed():
    drift = calibration_drift(["all", "none"], [10, 0], [0.2, 0.2], loans=[10, 10])
    assert drift["shift"].tolist() == [np.inf, -np.inf]
    assert drift["high"][0] == 1.0 and drift["low"][1] == 0.0
    with pytest.raises(DataError, match="not strictly between 0 and 1"):
        calibration_drift(["a"], [0], [1.0])
    with pytest.raises(DataError, match="failures"):
        calibration_drift(["a"], [3], [0.5], loans=[2])


# -- CUSUM


@pytest.mark.parametrize(("odds_ratio", "period_sd"), [(1.5, 0.0), (1.5, 0.15), (0.67, 0.0)])
def test_cusum_keeps_its_false_alarm_rate(odds_ratio, period_sd):
    period, expected = np.repeat(np.arange(24), 2), np.tile([0.03, 0.09], 24)
    loans = np.full(48, 300)
    chart = calibrate_cusum(period, expected, loans, odds_ratio=odds_ratio, period_sd=period_sd, simulations=3000)
    rng = np.random.default_rng(99)  # histories the threshold was not made from
    alarms = 0
    for _ in range(1500):
        shift = np.repeat(period_sd * rng.standard_normal(24), 2)
        odds = expected / (1 - expected) * np.exp(shift)
        events = rng.binomial(loans, odds / (1 + odds))
        alarms += chart.path(period, events, expected, loans)["signal"].any()
    assert chart.false_alarm <= 0.05
    assert 0.03 <= alarms / 1500 <= 0.07


def test_cusum_notices_what_it_is_tuned_to_and_ignores_the_good():
    period, expected, loans = np.arange(24), np.full(24, 0.05), np.full(24, 600)
    chart = calibrate_cusum(period, expected, loans)
    rng = np.random.default_rng(7)
    worse = 0.05 * 1.5 / (1 + 0.05 * 0.5)
    found = [chart.path(period, rng.binomial(600, worse, 24), expected, loans)["signal"].to_numpy() for _ in range(200)]
    assert np.mean([signal.any() for signal in found]) > 0.97
    assert np.median([signal.argmax() for signal in found if signal.any()]) <= 8
    better = chart.path(period, rng.binomial(600, 0.03, 24), expected, loans)
    assert not better["signal"].any()
    # with ordinary shocks that it was not told of, the chart cries wolf
    shocks = [
        chart.path(period, rng.binomial(600, 0.05 * np.exp(0.3 * rng.standard_normal(24))), expected, loans)[
            "signal"
        ].any()
        for _ in range(200)
    ]
    assert np.mean(shocks) > 0.15


def test_cusum_path_by_hand():
    chart = calibrate_cusum([0, 1, 2], [0.1] * 3, [10] * 3, odds_ratio=2.0, simulations=200)
    path = chart.path([0, 1, 2], [0, 3, 4], [0.1] * 3, [10] * 3)
    step = [events * np.log(2) - 10 * np.log(1.1) for events in (0, 3, 4)]
    assert path["cusum"].tolist() == pytest.approx([0, step[1], step[1] + step[2]])
    with pytest.raises(DataError, match="odds ratio"):
        calibrate_cusum([0], [0.1], odds_ratio=1.0)
    with pytest.raises(DataError, match="false-alarm rate"):
        calibrate_cusum([0], [0.1], false_alarm=1.5)


# -- early warning and the report


def test_each_rule_points_at_the_loan_it_describes():
    frame = panel_of(
        "cccccc",
        "cccc12",
        "c1c1c1",
        "c12cc1",
        "c12323",
        "cccccd",
        "cccccp",
        "ccccc2",
        "cccccc",
        "c1",
        issue=[0] * 9 + [4],
    )
    owner = pd.Series(["a", "b", "c", "d", "e", "f", "g", "h", "h", "i"], index=[f"L{i}" for i in range(10)])
    listed = early_warning(frame, borrower=owner).set_index("loan_id")
    names = [rule.name for rule in RULES]
    assert set(listed.index) == {"L1", "L2", "L3", "L4", "L8", "L9"}
    assert listed.loc["L9", names[0]] and listed[names[0]].sum() == 1
    assert listed.loc["L1", names[1]] and not listed.loc["L4", names[1]]
    assert listed.loc["L2", names[2]] and listed.loc["L4", names[2]] and listed.loc["L3", names[2]]
    assert listed.loc["L3", names[3]] and listed[names[3]].sum() == 1
    assert listed.loc["L8", names[4]] and listed[names[4]].sum() == 1
    assert "habitually late" in listed.loc["L4", "rules"]
    with pytest.raises(DataError, match="no borrower"):
        early_warning(frame, borrower=owner[:3])
    with pytest.raises(DataError, match="no loan is running"):
        early_warning(panel_of("cd", "cp"))


def test_listed_loans_default_more_often(book):
    owner = pd.Series(book.tape.frame["borrower_id"].to_numpy(), index=book.tape.frame["loan_id"])
    check = check_warnings(book.performance, as_of="2017-03", borrower=owner).set_index("rule")
    running = (book.performance["month"] == "2017-03-01") & (book.performance["state"] < "default")
    assert check.loc[["any rule", "not on the list"], "loans"].sum() == running.sum()
    assert check.loc["any rule", "lift"] > 5
    with pytest.raises(DataError, match="before the 6 months"):
        check_warnings(book.performance, as_of="2017-10")


def test_a_monthly_report_reads_nothing_of_later_months(book):
    asked = {"as_of": "2016-12", "reference": ("2015-01", "2015-12"), "columns": ["platform_score", "grade"]}
    whole = monthly_report(book.performance, book.tape, **asked)
    rows = book.performance[book.performance["month"] <= "2016-12-31"]
    loans = book.tape.frame[book.tape.frame["issue_date"] <= "2016-12-31"]
    cut = monthly_report(rows, loans, **asked)
    assert len(rows) < len(book.performance) and len(loans) < len(book.tape.frame)
    assert cut.alerts == whole.alerts and len(cut.sections) == len(whole.sections)
    for (title, text, table), (title_cut, text_cut, table_cut) in zip(whole.sections, cut.sections, strict=True):
        assert (title, text) == (title_cut, text_cut)
        pd.testing.assert_frame_equal(table, table_cut)


def test_monthly_report_names_its_sections(book):
    report = monthly_report(
        book.performance, book.tape, reference=("2015-01", "2016-12"), columns=["platform_score", "grade"]
    )
    assert report.month == "2017-12" and report.simulated
    assert [heading for heading, _, _ in report.sections] == [
        "The book",
        "Roll to worse",
        "Young vintages at 3 months",
        "Stability of new loans",
        "Early warning",
    ]
    # nothing known later gets in
    early = monthly_report(book.performance, book.tape, as_of="2016-12")
    assert early.month == "2016-12" and early.notes


def test_quiet_book_raises_few_alerts_and_a_bad_one_raises_them():
    def alerts(turning_bad, seed):
        book = simulate_platform(6000, 30, seed=seed, turning_bad=turning_bad)
        return len(monthly_report(book.performance, book.tape).alerts)

    quiet = [alerts(None, seed) for seed in range(8)]
    bad = [alerts(TurningBad("environment", 2.5, onset=20, ramp=4), seed) for seed in range(8)]
    assert np.mean(bad) > np.mean(quiet) + 0.5


# -- speed


def test_six_million_rows_through_vintages_roll_rates_and_stability():
    platform = simulate_platform(100_000, 60, seed=1, growth=-1.0, terms={60: 1.0}, balanced=True)
    begin = time.perf_counter()
    panel = read_panel(platform.performance)
    vintage_curves(panel, period="month")
    roll_rates(panel)
    stability_by_month(platform.performance, ["state", "balance"], reference=("2015-02", "2015-12"), month="month")
    assert time.perf_counter() - begin < 20  # about 1 s on two idle cores


def test_vintages_are_checked_against_what_came():
    forecast = pd.DataFrame({"vintage": ["a", "b", "c"], "low": [0.1, 0.1, 0.1], "high": [0.2, 0.2, 0.2]})
    observed = pd.Series({"c": 0.3, "a": 0.1, "b": 0.05, "d": 0.9})  # an end of the interval lies inside
    checked = check_vintages(forecast, observed)
    assert checked["side"].tolist() == ["inside", "below", "above"]
    assert checked["observed"].tolist() == [0.1, 0.05, 0.3]
    with pytest.raises(DataError, match="1 vintages, the first is b"):
        check_vintages(forecast, observed.drop("b"))


def test_loans_in_each_state_are_counted_by_month(book):
    panel = read_panel(book.performance)
    last = book.performance[book.performance["month"] == book.performance["month"].max()]
    by_name = last["state"].astype(str).value_counts()
    assert dict(zip(panel.states, panel.state_counts(), strict=True)) == {
        state: by_name.get(state, 0) for state in panel.states
    }
    first = panel.until("2015-03")
    assert panel.state_counts("2015-03").tolist() == first.state_counts().tolist()
    assert panel.state_counts("1999-01").sum() == 0
