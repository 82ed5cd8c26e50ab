"""Numbers of the chapter on causes, recomputed from the stored results by another way."""

import dataclasses

import pytest

from p2pbook.chapters.causes import compute
from p2pbook.replications import replication


def test_numbers_are_those_of_the_stored_results():
    n = compute()
    years = {
        row["year"]: row for row in replication("e2-profile").table("by_year").to_dict("records") if row["term"] == 36
    }
    assert n.rate_2007 == pytest.approx(years[2007]["bad"] / years[2007]["loans"])
    assert str(n.rate_2007) == f"{100 * years[2007]['bad'] / years[2007]['loans']:.0f} %"
    assert n.willingness > n.ability > 0


def test_each_cause_has_its_row():
    n = compute()
    assert len(n.map) == 5 and n.strength_borrowers == "weak"
    assert str(n.odds_2008) in n.map.set_index("where").loc["year of issue in Lending Club; industry series"].iloc[-1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        n.ability = 0


def test_the_trace_of_management_is_mostly_the_traits():
    n, stored = compute(), replication("e2-management")
    marked = [row for row in stored.table("by_mark").to_dict("records") if row["policy_exception"]]
    assert n.exceptions == sum(row["loans"] for row in marked)
    assert n.rate_exceptions == pytest.approx(sum(row["bad"] for row in marked) / sum(row["loans"] for row in marked))
    # "may be nothing" in the form of the model, the least of all forms, and clear of one with straight lines
    assert float(n.odds_given.low) < 1 < n.odds_given < n.odds_alone
    assert n.by_form["Odds ratio"].min() == pytest.approx(n.odds_given) and n.by_form["AIC"].idxmin() == 0
    assert float(n.odds_straight.low) > 1 and n.odds_straight < n.odds_most < n.odds_alone
    assert n.forms_clear == f"{(stored.table('forms')['low'] > 1).sum()} have" and n.forms == 7
    # "these fit less closely than the others"
    forms = stored.table("forms")
    assert forms.loc[forms["low"] > 1, "aic"].min() > forms.loc[forms["low"] <= 1, "aic"].max() + 10
    # "lost money in the first two", "earned less in every year"
    returns = n.by_mark.pivot(index="Issued", columns="Met the policy", values="Return")
    assert (returns["no"] < returns["yes"]).all() and (returns["no"][["2007", "2008"]] < 0).all()
    assert (stored.table("limits")["marked_2011"] == 0).all() and n.marked_beyond > 0.75 > 0.05 > n.unmarked_beyond
    # the ratio of two sums over loans: its interval is symmetric
    within = [row for row in stored.table("by_mark").to_dict("records") if not row["policy_exception"]]
    assert (
        n.rate_2007_within == pytest.approx(within[0]["bad"] / within[0]["loans"]) and n.rate_2007_within < n.rate_2007
    )
    first = marked[0]
    assert first["return_high"] + first["return_low"] == pytest.approx(2 * first["return"])
    # "could have been seen on the day": beyond doubt, and less than in hindsight
    assert 0.5 < float(n.within_day.low) and n.within_day < n.within_hindsight
    assert not n.within_day.known.hindsight and n.within_hindsight.known.hindsight
