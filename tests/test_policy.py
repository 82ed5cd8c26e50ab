"""Decisions: value by hand, cut-offs against brute force, caps and limits, reject inference by identity."""

import numpy as np
import pandas as pd
import pytest

from p2pbook.lendingclub import CLASSES, book_card
from p2pbook.replications import replication
from p2prisk import OrderedLogit
from p2prisk.errors import DataError
from p2prisk.policy import (
    Costs,
    Limit,
    acceptance_frontier,
    break_even_rate,
    check_limits,
    compare_reject_inference,
    contract_value,
    default_rate_bounds,
    expected_maximum_profit,
    highest_pd,
    loss_given_default,
    monthly_prepayment,
    price_table,
    profit_curve,
    realised_value,
    refer_band,
    refer_lines,
    room_under_caps,
    room_under_limit,
)
from p2prisk.policy.rejects import parcels
from p2prisk.policy.value import instalment, monthly_default, owed_sum, present_value


@pytest.fixture(scope="module")
def loans():
    """4,000 loans with true probabilities, outcomes and values; simulated."""
    generator = np.random.default_rng(7)
    probability = generator.beta(2, 10, 4000).round(2)
    bad = generator.random(4000) < probability
    return probability, bad, np.where(bad, -0.5, 0.09), generator.integers(1, 30, 4000) * 1000.0


# -- value -------------------------------------------------------------------------------------------------------------


def test_two_month_loan_by_hand():
    costs = Costs(funding=0.1, servicing=0.02, origination=0.01, recovery_lag=3)
    rate, default, prepayment, recovery = 0.24, 0.15, 0.05, 0.3
    hazard = float(monthly_default(default, 2, prepayment))
    assert hazard + (1 - hazard - prepayment) * hazard == pytest.approx(default, abs=1e-12)
    v = 1.1 ** (-1 / 12)
    pay = float(instalment(rate, 2))
    left = 1.02 - pay
    assert left * 1.02 == pytest.approx(pay)
    value = -1.01
    value += v * (0.98 * ((1 - hazard) * pay + prepayment * left) + hazard * recovery * v**3)
    alive = 1 - hazard - prepayment
    value += alive * v**2 * (0.98 * (1 - hazard) * pay + hazard * recovery * left * v**3)
    got = contract_value(rate, 2, default, recovery=recovery, prepayment=prepayment, costs=costs)
    assert float(got) == pytest.approx(value, abs=1e-12)


def test_break_even_rate_breaks_even_and_rises():
    default = np.array([0.0, 0.05, 0.1, 0.2, 0.4])
    terms = {"recovery": 0.08, "prepayment": 0.017, "costs": Costs()}
    rates = break_even_rate(default, 36, **terms)
    np.testing.assert_allclose(contract_value(rates, 36, default, **terms), 0.0, atol=1e-10)
    assert (np.diff(rates) > 0).all() and rates[0] > Costs().funding
    assert (break_even_rate(default, 36, margin=0.02, **terms) > rates).all()
    for i in (1, 3):
        assert highest_pd(rates[i], 36, **terms) == pytest.approx(default[i], abs=1e-8)
    assert highest_pd(0.01, 36, **terms) == 0.0
    table = price_table(["1", "2", "3"], [0.05, 0.2, 0.4], 36, {"24 %": 0.24, "36 %": 0.36}, **terms)
    assert table["24 %"].tolist() == (table["price"] <= 0.24).tolist()


def test_value_refuses_nonsense():
    with pytest.raises(DataError, match="probability of default"):
        contract_value(0.1, 12, 1.0)
    with pytest.raises(DataError, match="whole number of months"):
        contract_value(0.1, 12.5, 0.1)
    with pytest.raises(DataError, match="2 probabilities are given for 3"):
        price_table(["1", "2", "3"], [0.1, 0.2], 36, {})


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ({"funding": -0.99}, {"funding": -1.0}),
        ({"funding": 9.99}, {"funding": 10.0}),
        ({"servicing": 0.0}, {"servicing": -0.01}),
        ({"servicing": 0.99}, {"servicing": 1.0}),
        ({"recovery_lag": 0}, {"recovery_lag": -1}),
    ],
)
def test_costs_have_bounds(inside, outside):
    assert Costs(**inside)
    with pytest.raises(DataError, match="funding is a yearly rate"):
        Costs(**outside)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ({"recovery": 0.0}, {"recovery": -0.01}),
        ({"recovery": 1.0}, {"recovery": 1.01}),
        ({"prepayment": 0.0}, {"prepayment": -0.01}),
        ({"prepayment": 0.99}, {"prepayment": 1.0}),
        ({"prepayment": 0.5}, {"prepayment": 1.5}),
    ],
)
def test_recovery_and_prepayment_are_shares(inside, outside):
    assert np.isfinite(contract_value(0.1, 12, 0.0, **inside))
    with pytest.raises(DataError, match="shares between 0 and 1"):
        contract_value(0.1, 12, 0.0, **outside)


def test_rates_beyond_any_cap_are_found_up_to_a_thousand_per_cent():
    free = Costs(servicing=0.0)
    rate = float(break_even_rate(0.69, 2, costs=free))
    assert 9 < rate < 10 and abs(float(contract_value(rate, 2, 0.69, costs=free))) < 1e-9
    assert np.isnan(break_even_rate([0.71, 0.8], 2, costs=free)).all()  # the first breaks even below 1,100 per cent
    assert break_even_rate(0.0, 12, costs=Costs(funding=0.0, servicing=0.0)) == 0.0
    table = price_table(["1"], [0.2], 36, {})
    assert table["price"].tolist() == table["break_even"].tolist()
    assert highest_pd(0.24, 12, recovery=1.0, costs=Costs(funding=0.0, servicing=0.0)) == 1.0


def test_what_is_left_out_is_what_is_documented():
    assert Costs() == Costs(funding=0.04, servicing=0.01, origination=0.0, recovery_lag=12)
    assert monthly_default(0.19, 2) == monthly_default(0.19, 2, 0.0) == pytest.approx(0.1, abs=1e-15)
    terms = (0.12, 12, 0.01, Costs()), {"recovery": 0.5, "discount": 0.99}
    assert present_value(*terms[0], **terms[1]) == present_value(*terms[0], **terms[1], prepayment=0.0)


def test_what_is_owed_without_interest_falls_in_equal_parts():
    for term in (1, 7, 36):  # n + (n - 1) + ... + 1 of n parts
        assert float(owed_sum(1.0, 0.0, 1 / term, term)) == pytest.approx((term + 1) / 2, abs=1e-12)


def _ended():
    day = pd.Timestamp("2010-01-01")
    return pd.DataFrame(
        {
            "amount": [1200.0, 1200.0, 1200.0],
            "term": [12, 12, 12],
            "instalment": [float(instalment(0.12, 12)) * 1200] * 3,
            "total_paid": [0.0, 0.0, 0.0],
            "issue_date": [day] * 3,
            "last_payment_date": [day + pd.DateOffset(months=12), day + pd.DateOffset(months=3), pd.NaT],
            "recoveries": [0.0, 0.0, 120.0],
            "recovery_fee": [0.0, 0.0, 20.0],
            "principal_paid": [1200.0, 1200.0, 0.0],
            "bad": [False, False, True],
        }
    )


def test_realised_value_by_hand():
    frame = _ended()
    pay = frame["instalment"][0]
    frame["total_paid"] = [12 * pay, 2 * pay + 1020.0, 120.0]
    costs = Costs(funding=0.06, servicing=0.01, recovery_lag=6)
    v = 1.06 ** (-1 / 12)
    on_schedule = 0.99 * pay * sum(v**t for t in range(1, 13)) / 1200 - 1
    early = 0.99 * (pay * (v + v**2) + 1020 * v**3) / 1200 - 1
    never = 100 * v**6 / 1200 - 1
    np.testing.assert_allclose(realised_value(frame, costs), [on_schedule, early, never], atol=1e-12)
    small = frame.iloc[[1]].assign(total_paid=2 * pay + 30.0)
    last = 0.99 * (pay * (v + v**2) + 30 * v**3) / 1200 - 1
    np.testing.assert_allclose(realised_value(small, costs), [last], atol=1e-12)
    lgd = loss_given_default(frame)
    assert len(lgd) == 1 and lgd["lgd"].iloc[0] == pytest.approx(1 - 100 / 1200)
    found = monthly_prepayment(frame)
    assert found["prepaid"] == 1 and found["months"] == 12 + 3 + 1 and found["share"] == 0.5
    with pytest.raises(DataError, match="lacks instalment"):
        realised_value(frame.drop(columns="instalment"))


# -- cut-offs ---------------------------------------------------------------------------------------------------------


def test_profit_curve_is_the_sum_below_every_cutoff(loans):
    probability, _, value, amount = loans
    curve = profit_curve(probability, value, amount)
    for row in curve.iloc[1:].itertuples():
        taken = probability <= row.cutoff
        assert row.profit == pytest.approx((value * amount)[taken].sum() / amount.sum())
        assert row.margin == pytest.approx(np.average(value[taken], weights=amount[taken]))
        assert row.accepted == pytest.approx(taken.mean())
    order = np.random.default_rng(0).permutation(len(value))
    pd.testing.assert_frame_equal(curve, profit_curve(probability[order], value[order], amount[order]))
    with pytest.raises(DataError, match="have no probability"):
        profit_curve([0.1, np.nan], [0.1, 0.1])


def test_weights_are_repeated_rows(loans):
    probability, bad, value, _ = (part[:300] for part in loans)
    n = np.random.default_rng(2).integers(1, 5, 300)
    pd.testing.assert_frame_equal(
        profit_curve(probability, value, freq_weights=n), profit_curve(np.repeat(probability, n), np.repeat(value, n))
    )
    assert expected_maximum_profit(probability, bad, n)["emp"] == pytest.approx(
        expected_maximum_profit(np.repeat(probability, n), np.repeat(bad, n))["emp"]
    )


def test_frontier_rises_and_its_band_covers(loans):
    probability, bad, *_ = loans
    table = acceptance_frontier(probability, bad, resamples=300)
    assert table["rate"].iloc[-1] == pytest.approx(bad.mean())
    assert table["rate"].is_monotonic_increasing
    assert ((table["ci_low"] < table["rate"]) & (table["rate"] < table["ci_high"])).all()
    se = np.sqrt(bad.mean() * (1 - bad.mean()) / len(bad))
    assert (table["ci_high"] - table["ci_low"]).iloc[-1] == pytest.approx(2 * 1.96 * se, rel=0.15)
    half = table[np.isclose(table["accepted"], 0.5)].iloc[0]
    exact = np.sort(probability)[len(bad) // 2 - 1]
    assert half["cutoff"] == exact


def test_expected_maximum_profit_is_the_integral(loans):
    probability, bad, *_ = loans
    none_lost, all_lost, roi = 0.3, 0.2, 0.15
    cutoffs = np.append(np.unique(probability), np.inf)
    f0 = np.array([(probability[bad] >= c).mean() for c in cutoffs])
    f1 = np.array([(probability[~bad] >= c).mean() for c in cutoffs])
    pi0 = bad.mean()
    lam = (np.arange(20_000) + 0.5) / 20_000
    best = lam[:, None] * pi0 * f0 - roi * (1 - pi0) * f1
    at_one = pi0 * f0 - roi * (1 - pi0) * f1
    emp = (1 - none_lost - all_lost) * best.max(axis=1).mean() + all_lost * at_one.max()
    share = pi0 * f0 + (1 - pi0) * f1
    rejected = (1 - none_lost - all_lost) * share[best.argmax(axis=1)].mean() + all_lost * share[at_one.argmax()]
    got = expected_maximum_profit(probability, bad, none_lost=none_lost, all_lost=all_lost, roi=roi)
    assert got["emp"] == pytest.approx(emp, rel=1e-6) and got["rejected"] == pytest.approx(rejected, rel=1e-3)
    useless = expected_maximum_profit(np.full(len(bad), 0.1), bad, none_lost=1.0, all_lost=0.0, roi=0.2)
    assert useless == {"emp": 0.0, "rejected": 0.0}


def test_a_refer_band_of_functions_is_that_of_numbers_where_they_are_constant():
    terms = {"review_cost": 0.006, "caught": 0.5, "turned_away": 0.1}
    band = refer_band(0.12, 0.45, **terms)
    same = refer_band(lambda p: 0.12 + 0 * p, lambda p: 0.45, **terms)
    assert {name: same[name] for name in band} == pytest.approx(band, abs=1e-9)
    dear = refer_band(lambda p: 0.12 + 0 * p, 0.45, review_cost=0.2)
    assert not dear["worth"] and dear["accept_below"] == dear["decline_above"] == pytest.approx(0.12 / 0.57)


def test_a_refer_band_where_gain_follows_risk_is_the_best_of_three():
    terms = {"review_cost": 0.01, "caught": 0.4, "turned_away": 0.1}
    gain, loss = (lambda p: 0.05 + 0.5 * p), (lambda p: 0.4 + 0.1 * p)
    band = refer_band(gain, loss, **terms)
    lines = refer_lines(gain, loss, **terms, highest=1.0).set_index("pd")
    best = lines.idxmax(axis=1)
    expected = np.where(
        lines.index < band["accept_below"], "accept", np.where(lines.index < band["decline_above"], "refer", "decline")
    )
    assert (best == expected).all() and band["worth"] and set(best) == {"accept", "refer", "decline"}
    with pytest.raises(DataError, match="refer_lines instead of two cut-offs"):
        refer_band(lambda p: np.where((p > 0.4) & (p < 0.6), 5.0, 0.02), 0.5, **terms)
    with pytest.raises(DataError, match="they are 0 and 0.5"):
        refer_band(0.0, 0.5, **terms)


def test_refer_band_is_the_best_of_three():
    terms = {"review_cost": 0.006, "caught": 0.6, "turned_away": 0.1}
    band = refer_band(0.12, 0.45, **terms)
    p = np.linspace(0, 1, 100_001)
    accept = (1 - p) * 0.12 - p * 0.45
    refer = (1 - p) * 0.9 * 0.12 - p * 0.4 * 0.45 - 0.006
    best = np.argmax([accept, refer, np.zeros_like(p)], axis=0)
    assert p[best == 1].min() == pytest.approx(band["accept_below"], abs=2e-5)
    assert p[best == 2].min() == pytest.approx(band["decline_above"], abs=2e-5)
    dear = refer_band(0.12, 0.45, review_cost=0.2)
    assert not dear["worth"] and dear["accept_below"] == dear["decline_above"] == dear["single"]


# -- limits -----------------------------------------------------------------------------------------------------------


def test_caps_of_2016():
    got = room_under_caps(
        [300_000, 100_000, 50_000, 2_000_000, 10_000],
        [0, 150_000, 0, 500_000, 250_000],
        [0, 0, 980_000, 4_400_000, np.nan],
        ["person", "person", "person", "firm", "person"],
    )
    assert got["granted"].tolist() == [200_000, 50_000, 20_000, 100_000, 0]
    assert got["cut_by"].tolist() == [
        "platform cap",
        "platform cap",
        "cap on all platforms",
        "cap on all platforms",
        "platform cap",
    ]
    assert got["outside_unknown"].tolist() == [False] * 4 + [True]
    with pytest.raises(DataError, match="no cap"):
        room_under_caps([1.0], [0], [0], ["trust"])
    with pytest.raises(DataError, match="negative in row 0"):
        room_under_caps([1.0], [-1], [0], ["person"])


def test_concentration_limits():
    book = pd.DataFrame({"purpose": ["a", "a", "b", None], "amount": [30.0, 30.0, 30.0, 10.0]})
    table = check_limits(book, [Limit("purpose", 0.5), Limit("purpose", 0.4, "b"), Limit("purpose", 0.4, "z")])
    assert table["value"].tolist() == ["a", "b", "z"] and table["breached"].tolist() == [True, False, False]
    assert table["share"].tolist() == [0.6, 0.3, 0.0]
    assert table["effective"].iloc[0] == pytest.approx(1 / (0.36 + 0.09 + 0.01))
    room = room_under_limit(100.0, 30.0, 0.4)
    assert (30 + room) / (100 + room) == pytest.approx(0.4)
    assert room_under_limit(100.0, 60.0, 0.4) == 0.0
    with pytest.raises(DataError, match="no such column"):
        check_limits(book, [Limit("region", 0.1)])
    with pytest.raises(DataError, match="no money"):
        check_limits(book.assign(amount=0.0), [])


# -- rejected applicants -----------------------------------------------------------------------------------------------


def test_bounds_enclose_what_is_known():
    low, high = default_rate_bounds(0.2, 0.75)
    assert (low, high) == (pytest.approx(0.15), pytest.approx(0.4))
    with pytest.raises(DataError, match="share"):
        default_rate_bounds(1.2, 0.5)


def test_parcelling_without_a_guess_changes_nothing():
    made = book_card()
    accepted = (made.card.score(made.train)["pd"] < 0.2).to_numpy()
    words = "severity ~ " + " + ".join(f"C({name})" for name in CLASSES)
    table = compare_reject_inference(made.train, made.test, accepted, words, freq_weights="n").set_index("method")
    one = table.loc["parcelling, odds x 1"]
    assert one["gain"] == pytest.approx(0, abs=1e-6)
    assert one["predicted"] == pytest.approx(table.loc["accepted only", "predicted"], abs=1e-6)
    assert table.loc["parcelling, odds x 2", "declined_predicted"] > one["declined_predicted"]
    known = table.drop(index="augmentation")
    assert (known["auc"].between(known["ci_low"], known["ci_high"])).all()
    assert np.isnan(table.loc["augmentation", "auc"]) and "no chance" in table.loc["augmentation", "note"]
    hidden = made.train[~accepted]
    assert table["declined_observed"].iloc[0] == pytest.approx(np.average(hidden["bad"], weights=hidden["n"]))
    with pytest.raises(DataError, match="some declined"):
        compare_reject_inference(made.train, made.test, np.ones(len(made.train), bool), words, freq_weights="n")


def test_augmentation_leaves_a_random_choice_alone():
    made = book_card()
    accepted = np.random.default_rng(4).random(len(made.train)) < 0.6
    table = compare_reject_inference(
        made.train, made.test, accepted, "severity ~ C(inquiries_band) + C(purpose_group)", freq_weights="n"
    ).set_index("method")
    assert abs(table.loc["augmentation", "gain"]) < 0.002 and (table["note"] == "").all()
    assert table.loc["augmentation", "predicted"] == pytest.approx(table.loc["accepted only", "predicted"], abs=0.005)


def test_augmentation_weighs_by_the_inverse_chance_of_acceptance():
    made = book_card()
    train = made.train
    chance = train["inquiries_band"].astype(str).map({"0": 0.9, "1 to 2": 0.6, "3 to 4": 0.4, "5 and over": 0.3})
    accepted = np.random.default_rng(8).random(len(train)) < chance.to_numpy(dtype=float)
    words = "severity ~ C(inquiries_band)"
    table = compare_reject_inference(train, made.test, accepted, words, freq_weights="n").set_index("method")
    # with one class the acceptance logit is saturated: the estimated chance is the share accepted in each class
    share = train["n"].where(accepted, 0).groupby(train["inquiries_band"], observed=True).transform("sum")
    share = share / train["n"].groupby(train["inquiries_band"], observed=True).transform("sum")
    weighted = train.assign(w=train["n"] / share)[accepted]
    direct = OrderedLogit.from_formula(words, weighted, freq_weights="w").fit().predict(made.test)
    direct = direct.iloc[:, 2:].sum(axis=1)
    expected = np.average(direct, weights=made.test["n"])
    assert table.loc["augmentation", "predicted"] == pytest.approx(expected, abs=1e-8)
    assert table.loc["accepted only", "predicted"] != pytest.approx(expected, abs=1e-6)


def test_parcels_keep_every_loan_whole():
    probability = np.array([[0.7, 0.1, 0.15, 0.05], [0.2, 0.2, 0.3, 0.3]])
    moved = parcels(probability, 2, 2.0)
    np.testing.assert_allclose(moved.sum(axis=1), 1.0)
    odds = [p[:, 2:].sum(axis=1) / p[:, :2].sum(axis=1) for p in (probability, moved)]
    np.testing.assert_allclose(odds[1], 2 * odds[0])
    np.testing.assert_allclose(moved[:, 2] / moved[:, 3], probability[:, 2] / probability[:, 3])


# -- stored results ----------------------------------------------------------------------------------------------------


def test_stored_groups_hide_every_loan_and_add_up():
    stored = replication("e2-decisions")
    groups = stored.table("score_groups")
    assert groups["loans"].min() >= 200 and groups["loans"].sum() == stored["test_loans"]
    assert groups["bad"].sum() == stored["test_bad"]
    assert np.average(groups["value"], weights=groups["amount"]) == pytest.approx(stored["everybody"])
    curve = stored.table("curve")
    assert ((curve["ci_low"] <= curve["profit"]) & (curve["profit"] <= curve["ci_high"])).all()
