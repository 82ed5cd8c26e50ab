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
    areas = replication("e2-outcome").table("auc").set_index("model")["auc"]
    assert n.traits_added == pytest.approx(areas["ordered logit and sub-grade"] - areas["sub-grade"], abs=1e-9)
    assert n.willingness > n.ability > 0 and n.observed > n.predicted


def test_each_cause_has_its_row_and_what_it_would_need():
    n = compute()
    assert len(n.map) == len(n.needed) == 5 and n.strength_borrowers == "weak"
    assert str(n.odds_2008) in n.map.set_index("where").loc["year of issue in Lending Club; industry series"].iloc[-1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        n.ability = 0
