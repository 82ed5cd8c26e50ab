"""The findings say what the stored and live results say."""

import pytest

from p2pbook.findings import findings, findings_table
from p2pbook.replications import replication


@pytest.fixture(scope="module")
def found():
    return findings()


def test_intervals_hold_their_estimates(found):
    for name in ("term_grade", "auc", "gap", "trees", "explained"):
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]
    for block in ("willingness", "ability"):
        assert found[f"{block}_low"] < found[f"{block}_points"] < found[f"{block}_high"]


def test_what_the_words_claim_is_so(found):
    # each sentence of the findings fails here when the numbers no longer carry it
    assert found["term_cut_low"] < found["term_grade"] < found["term_cut_high"]
    assert found["willingness_low"] > found["ability_high"]
    assert found["gap_low"] > 0 and found["trees_low"] > -0.005
    assert found["auc"] < 0.70 <= found["auc_both"]
    assert found["flipped"] == 0
    assert found["carried_high"] < found["rating"] and found["carried_gap_low"] < 0 < found["carried_gap_high"]
    # searches and limits more than all of ability, the record less
    assert min(found["inquiries"], found["limits"]) > found["ability"] > found["record"]
    assert found["predicted"] < found["observed"]


def test_table_states_five_with_what_would_overturn_each(found):
    table = findings_table(found)
    assert len(table) == 5 and (table["would be overturned by"].str.len() > 10).all()
    area = replication("e2-outcome").table("auc").set_index("model").loc["ordered logit", "auc"]
    assert f"{area:.3f}" in table["size"][2]
