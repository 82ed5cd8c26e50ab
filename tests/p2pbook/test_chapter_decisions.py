"""Numbers of the chapter on decisions, recomputed by other ways."""

import numpy as np
import pandas as pd
import pytest

from p2pbook.chapters import decisions
from p2pbook.lendingclub import book_card
from p2prisk.policy import contract_value, refer_lines


@pytest.fixture(scope="module")
def n():
    return decisions.compute()


def test_default_rates_of_the_accepted_are_those_of_the_safest(n):
    test = n.test.sort_values("pd")
    loans, bad = test["n"].to_numpy(), (test["bad"] * test["n"]).to_numpy()
    for share, rate in ((0.5, n.half), (0.8, n.four_fifths), (1.0, n.whole)):
        last = np.searchsorted(np.cumsum(loans), share * loans.sum() * (1 - 1e-12))
        taken = np.arange(len(loans)) <= last
        near = bad[taken].sum() / loans[taken].sum()
        # the frontier lends to part of the last class; it has at most a few hundred loans
        assert rate == pytest.approx(near, abs=0.002)
    assert n.whole == pytest.approx(bad.sum() / loans.sum())
    assert float(n.half.low) < n.half < float(n.half.high)


def test_the_band_is_where_the_lines_cross(n):
    gain, loss, r = n.good_value, n.bad_loss, decisions.REVIEW
    accept = lambda p: (1 - p) * gain - p * loss  # noqa: E731
    refer = lambda p: (1 - p) * (1 - r["turned_away"]) * gain - p * (1 - r["caught"]) * loss - r["review_cost"]  # noqa: E731
    assert accept(n.accept_below) == pytest.approx(refer(n.accept_below))
    assert refer(n.decline_above) == pytest.approx(0.0, abs=1e-12)
    assert accept(n.single) == pytest.approx(0.0, abs=1e-12)
    assert n.accept_below < n.weak_accept_below < n.single < n.weak_decline_above < n.decline_above
    lines = refer_lines(gain, loss, **r)
    assert lines["accept"].to_numpy() == pytest.approx(accept(lines["pd"].to_numpy()))


def test_shares_referred_and_declined_are_counted(n):
    band = {"accept_below": 0.1, "decline_above": 0.3}
    assert decisions.shares_by_choice([0.05, 0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4, 10], band) == (0.35, 0.5)
    person = n.test[(n.test["pd"] > n.accept_below) & ~(n.test["pd"] > n.decline_above)]
    assert n.share_referred == pytest.approx(person["n"].sum() / n.test["n"].sum())


@pytest.mark.parametrize(
    "grades, words",
    [
        ([], "every grade would still have a price"),
        (["7"], "grade 7 would have no price at all"),
        (["6", "7"], "grades 6 and 7 would have no price at all"),
        (list("1234567"), "no grade would have a price at all"),
    ],
)
def test_the_sentence_on_prices_counts(grades, words):
    assert decisions.out_of_reach_sentence(grades, 7) == words


def test_at_its_break_even_rate_a_grade_is_worth_nothing(n):
    stored, made = n.stored, book_card()
    speed = stored.table("prepayment").set_index("term")["probability"]
    train = made.train.assign(**made.card.score(made.train)[["pd", "grade"]])
    short = train[train["term"].astype(str) == "36"]
    for grade, part in short.groupby("grade", observed=True):
        rate = n.prices[(n.prices["term"] == 36) & (n.prices["grade"] == grade)]["break_even"]
        if len(rate):
            pd_mean = np.average(part["pd"], weights=part["n"])
            value = contract_value(rate, 36, pd_mean, recovery=stored["recovery"], prepayment=float(speed[36]))
            assert float(np.ravel(value)[0]) == pytest.approx(0.0, abs=1e-8)
    caps = n.bearable.set_index("Cap")["36 months"]
    assert caps.to_dict() == pytest.approx({cap: 100 * value for cap, value in n.carries.items()})
    reach = n.prices[n.prices["term"] == 36]
    beyond = reach[reach["break_even"] > decisions.RATE_CAPS[decisions.LOWEST_CAP]]["grade"].astype(str)
    assert n.out_of_reach == decisions.out_of_reach_sentence(list(beyond), len(reach))


def test_limits_are_shares_of_loans(n):
    loans = n.test["n"].sum()
    held = n.held.set_index("Value")["Share"]
    purpose = n.test.loc[n.test["purpose_group"] == "higher loss", "n"].sum()
    assert held["60"] == pytest.approx(100 * n.test.loc[n.test["term"] == "60", "n"].sum() / loans)
    assert held["higher loss"] == pytest.approx(100 * purpose / loans)
    # after the room is lent out, the limit is met exactly
    assert (purpose / loans + n.room / 100) / (1 + n.room / 100) == pytest.approx(0.05)


def test_frozen_numbers_keep_their_meaning(n):
    best = n.stored["best"]
    assert n.best_value - n.everybody == pytest.approx(n.gain, abs=1e-9)
    assert n.refused == pytest.approx(1 - best["accepted"])
    rejects = n.stored.table("rejects")
    assert n.largest_gain == max(abs(value) for value in rejects["gain"])
    assert isinstance(n.rejects_table, pd.DataFrame) and len(n.rejects_table) == len(rejects)
    # of 100 applicants 70 are accepted, with 15 of a hundred bad; the 30 others all pay, or none does
    assert (float(n.bound.low), float(n.bound.high)) == (pytest.approx(0.105), pytest.approx(0.405))
