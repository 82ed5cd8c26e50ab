"""The findings say what the stored and live results say."""

import dataclasses

import numpy as np
import pytest
from statsmodels.formula.api import logit

from p2pbook.findings import MARK_AUC, compute, findings_table
from p2pbook.grade_model import FORMULA, grade_loans, grade_model
from p2pbook.replications import replication
from p2pbook.values import Value


@pytest.fixture(scope="module")
def found():
    return compute()


def _values(found):
    for finding in dataclasses.fields(found):
        part = getattr(found, finding.name)
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if isinstance(value, Value):
                yield f"{finding.name}.{field.name}", value


def test_intervals_hold_their_estimates(found):
    held = 0
    for name, value in _values(found):
        try:
            low, high = value.low, value.high
        except AttributeError:
            continue
        held += 1
        assert low < value < high, name
    assert held >= 12


def test_what_the_words_claim_is_so(found):
    # each sentence of the findings fails here when the numbers no longer carry it
    ranking, stability, travel, lost = found.ranking, found.stability, found.travel, found.repayment.lost_without
    assert stability.term_lowest < found.grade.term < stability.term_highest
    assert found.repayment.willingness.low > found.repayment.ability.high
    assert ranking.lead.low > 0 and ranking.lead_over_boosting.low > -0.005
    # missed by traits alone; with the sub-grade the estimate passes the mark, the interval does not
    assert ranking.auc < MARK_AUC < ranking.both and ranking.both.low < MARK_AUC
    assert stability.signs == "no sign"
    assert travel.carried.high < travel.rating and travel.lost.low < 0 < travel.lost.high
    # searches and limits more than all of ability, the record less
    assert min(lost["inquiries"], lost["use of limits"]) > lost["ability"] > lost["record"]
    assert ranking.predicted < ranking.observed
    assert ranking.missing == pytest.approx(ranking.observed - ranking.predicted)


def test_live_numbers_recomputed_another_way(found):
    loans, _ = grade_loans()
    score = grade_model().predict(loans, which="linear")
    spread = np.var(score)
    assert found.grade.explained == pytest.approx(spread / (spread + np.pi**2 / 3), rel=1e-3)
    # the odds ratio of the term at the first cut, by a binary logit of another library
    traits = FORMULA.partition("~")[2]
    binary = logit("beyond ~" + traits, loans.assign(beyond=(loans["grade"] > "A").astype(int))).fit(disp=0)
    assert found.stability.term_highest == pytest.approx(np.exp(binary.params["long_term"]), rel=1e-4)


def test_table_states_five_with_what_would_overturn_each(found):
    table = findings_table(found)
    assert len(table) == 5 and (table["would be overturned by"].str.len() > 10).all()
    area = replication("e2-outcome").table("auc").set_index("model").loc["ordered logit", "auc"]
    assert f"{area:.3f}" in table["size"][2]
    assert "no sign of six strong traits turned" in table["size"][3]
