"""Numbers that several parts of the book read, recomputed another way."""

import dataclasses

import numpy as np
import pytest
from statsmodels.formula.api import logit

from p2pbook.findings import compute
from p2pbook.grade_model import FORMULA, grade_loans, grade_model
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
    assert held >= 9


def test_live_numbers_recomputed_another_way(found):
    loans, _ = grade_loans()
    score = grade_model().predict(loans, which="linear")
    spread = np.var(score)
    assert found.grade.explained == pytest.approx(spread / (spread + np.pi**2 / 3), rel=1e-3)
    # the odds ratio of the term at the first cut, by a binary logit of another library
    traits = FORMULA.partition("~")[2]
    binary = logit("beyond ~" + traits, loans.assign(beyond=(loans["grade"] > "A").astype(int))).fit(disp=0)
    assert found.stability.term_highest == pytest.approx(np.exp(binary.params["long_term"]), rel=1e-4)
