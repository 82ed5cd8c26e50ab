"""Numbers of the chapter on decisions, recomputed by other ways."""

import numpy as np
import pytest

from p2pbook.chapters import decisions
from p2pbook.lendingclub import book_card
from p2pbook.values import Value
from p2prisk.policy import contract_value, refer_lines

LOST = "and one lost, with its whole interval below zero"


@pytest.fixture(scope="module")
def n():
    return decisions.compute()


def test_default_rates_of_the_accepted_are_those_of_the_safest(n):
    test = n.test.sort_values("pd")
    loans, bad = test["n"].to_numpy(), (test["bad"] * test["n"]).to_numpy()
    for share, rate in ((0.5, n.half), (1.0, n.whole)):
        last = np.searchsorted(np.cumsum(loans), share * loans.sum() * (1 - 1e-12))
        taken = np.arange(len(loans)) <= last
        near = bad[taken].sum() / loans[taken].sum()
        # the frontier lends to part of the last class; it has at most a few hundred loans
        assert rate == pytest.approx(near, abs=0.002)
    assert n.whole == pytest.approx(bad.sum() / loans.sum())
    assert float(n.half.low) < n.half < float(n.half.high)


def test_the_band_is_where_the_lines_cross(n):
    # the straight lines between the fifths of 2007 to 2010, by hand
    points = [row for row in n.stored.table("value_by_risk").to_dict("records") if row["issued"] == "2007-2010"]

    def along(p, name):
        for left, right in zip(points, points[1:], strict=False):
            if left["p"] <= p <= right["p"]:
                return left[name] + (p - left["p"]) / (right["p"] - left["p"]) * (right[name] - left[name])
        return points[0][name] if p < points[0]["p"] else points[-1][name]

    for review, caught in (("half", 0.5), ("weak", 0.2)):
        accept = lambda p: (1 - p) * along(p, "value_good") + p * along(p, "value_bad")  # noqa: E731
        refer = lambda p: 0.9 * (1 - p) * along(p, "value_good") + (1 - caught) * p * along(p, "value_bad") - 0.01  # noqa: B023, E731
        first, last = float(n.accept_below[review]), float(n.decline_above[review])
        assert accept(first) == pytest.approx(refer(first), abs=1e-9) and refer(last) == pytest.approx(0.0, abs=1e-9)
        assert first < last
    assert decisions.REVIEW == {"review_cost": 0.01, "caught": 0.5, "turned_away": 0.1}
    lines = refer_lines(n.gain_of, n.loss_of, **decisions.REVIEW)
    assert lines["accept"].iloc[10] == pytest.approx(0.9 * along(0.1, "value_good") + 0.1 * along(0.1, "value_bad"))


def test_good_loans_are_worth_more_where_risk_is_higher(n):
    late = n.stored.table("value_by_risk").query("issued == '2011'").set_index("part")["value_good"]
    assert late.is_monotonic_increasing and n.good["riskiest"] > 3 * n.good["safest"]
    assert n.good["riskiest"] == pytest.approx(100 * late[5])


def test_what_the_words_say_of_the_rules(n):
    cost = n.rule_cost
    # the rule of what was known refuses more than the peak and loses, more so where early repayment counts; none surely
    accepted = dict(zip(decisions.RULES, n.rules["Accepted"], strict=True))
    assert cost["known"] > cost["known, plain"] > 0 > float(cost["known"].low) and accepted["known"] < accepted["peak"]
    assert cost["earlier"] > 0 > float(cost["earlier"].low)
    assert not cost["known"].known.hindsight and cost["earlier"].known.hindsight and cost["halves"].known.hindsight
    assert n.gain == pytest.approx(n.rules["Gain"].iloc[0], abs=1e-9) and "95 % interval" in n.rules
    assert n.known_losses < n.final_losses / 3


@pytest.mark.parametrize(
    "ends, words",
    [
        ([(-1, 1)], "none of the 1 brought a gain whose interval excludes zero, and none surely lost"),
        ([(-2, -1), (-1, 1)], "none of the 2 brought a gain whose interval excludes zero, " + LOST),
        ([(1, 2), (-1, 1), (-2, -1)], "one of the 3 brought a gain whose interval excludes zero, " + LOST),
        ([(1, 2), (1, 2)], "all 2 brought a gain whose interval excludes zero, and none surely lost"),
    ],
)
def test_the_sentence_on_rules_counts(ends, words):
    assert decisions.lost_sentence([Value(0.0, low=low, high=high) for low, high in ends]) == words


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
    reach = n.prices[n.prices["term"] == 36]
    beyond = reach[reach["break_even"] > decisions.RATE_CAPS[decisions.LOWEST_CAP]]["grade"].astype(str)
    assert n.out_of_reach == decisions.out_of_reach_sentence(list(beyond), len(reach))


def test_limits_are_shares_of_loans(n):
    loans = n.test["n"].sum()
    held = n.held.set_index("Value")["Share"]
    purpose = n.test.loc[n.test["purpose_group"] == "higher loss", "n"].sum()
    assert held["60"] == pytest.approx(100 * n.test.loc[n.test["term"] == "60", "n"].sum() / loans)
    assert held["higher loss"] == pytest.approx(100 * purpose / loans)


def test_frozen_numbers_keep_their_meaning(n):
    assert n.best_value - n.everybody == pytest.approx(n.gain, abs=1e-9)
    rejects = n.stored.table("rejects")
    assert n.largest_gain == max(abs(value) for value in rejects["gain"])
