"""Monotone classes: against brute force, and the properties that the rule promises."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2prisk.errors import DataError
from p2prisk.tape.classes import best_partition, monotone_cuts, nearest_class, to_classes


def likelihood(losses, loans):
    share = losses / loans
    return 0.0 if share in (0, 1) else losses * np.log(share) + (loans - losses) * np.log(1 - share)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=7), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_partition_is_the_best_of_all(groups, classes):
    losses = [min(loss, loans) for loss, loans in groups]
    loans = [loans for _, loans in groups]

    def value(starts):
        edges = [0, *starts, len(loans)]
        return sum(likelihood(sum(losses[a:b]), sum(loans[a:b])) for a, b in zip(edges, edges[1:], strict=False))

    number = min(classes, len(loans))
    best = max(value(starts) for starts in combinations(range(1, len(loans)), number - 1))
    found = best_partition(losses, loans, classes)
    assert len(found) == number - 1
    assert value(found) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("increasing", [True, False])
def test_loss_rate_is_monotone_and_no_class_is_small(increasing):
    rng = np.random.default_rng(7)
    values = rng.gamma(2, 10, 4000)
    values[:50] = np.nan
    risk = 1 / (1 + np.exp(2 - 0.05 * (np.nan_to_num(values) if increasing else 60 - np.nan_to_num(values))))
    bad = rng.random(4000) < risk
    cuts = monotone_cuts(values, bad, 4, increasing, smallest=0.05)
    assert len(cuts) == 3
    classes = to_classes(values, cuts, list("abcd"))
    rate = np.array([bad[classes == label].mean() for label in "abcd"])
    assert (np.diff(rate) > 0).all() if increasing else (np.diff(rate) < 0).all()
    assert min((classes == label).sum() for label in "abcd") >= 0.05 * 3950


def test_fewer_classes_where_the_data_have_no_more():
    assert monotone_cuts([1, 1, 2, 2], [0, 1, 1, 1], 5, smallest=0) == [2.0]
    assert monotone_cuts([1, 2, 3, 4], [1, 1, 0, 0], 3, increasing=True, smallest=0) == []


def test_value_on_the_cut_belongs_above():
    assert list(to_classes([1.9, 2, 2.1], [2], ["below", "above"])) == ["below", "above", "above"]


def test_missing_goes_to_the_class_of_nearest_loss():
    classes = to_classes([1, 1, 5, 5, np.nan, np.nan], [3], ["low", "high"])
    assert nearest_class(classes, [0, 0, 1, 1, 1, 1]) == "high"
    assert nearest_class(classes, [0, 0, 1, 1, 0, 0]) == "low"


def test_errors():
    with pytest.raises(DataError, match="both outcomes"):
        monotone_cuts([1, 2], [1, 1], 2)
    with pytest.raises(DataError, match="3 classes, but 2 labels"):
        to_classes([1], [1, 2], ["a", "b"])
