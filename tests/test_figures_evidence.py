"""Every figure of the evidence chapters draws on the axes it is given, and draws what it is given."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from p2pbook.figures import evidence
from p2pbook.replications import replication
from p2prisk.figures.fingerprint import fingerprint

RATIOS = pd.DataFrame(
    {"label": ["a", "b"], "block": ["ability", "loan"], "odds_ratio": [0.5, 2.0], "low": [0.4, 1.5], "high": [0.6, 2.5]}
)
ONE = {
    evidence.loss_by_vintage: pd.DataFrame(
        {
            "date": pd.to_datetime(["2010-01-01", "2010-04-01"] * 2),
            "term": [36, 36, 60, 60],
            "rate": [0.1, 0.2, 0.3, 0.4],
            "low": [0.05, 0.1, 0.2, 0.3],
            "high": [0.2, 0.3, 0.4, 0.5],
        }
    ),
    evidence.risk_map: pd.DataFrame(
        {
            "purpose": ["x", "x", "y", "y"],
            "term": [36, 60] * 2,
            "rate": [0.1, 0.2, 0.15, 0.4],
            "loans": [10, 20, 30, 40],
        }
    ),
    evidence.information_values: pd.DataFrame(
        {"label": ["a", "b"], "information_value": [0.1, 0.02], "block": ["ability", "willingness"]}
    ),
    evidence.odds_ratio_forest: RATIOS,
    evidence.class_probabilities: pd.DataFrame({"A": [0.7, 0.2], "B": [0.3, 0.8]}, index=["p", "q"]),
    evidence.auc_comparison: pd.DataFrame(
        {"model": ["m", "n"], "auc": [0.7, 0.6], "low": [0.65, 0.55], "high": [0.75, 0.65]}
    ),
    evidence.several_a_row: pd.DataFrame(
        {
            "label": ["a", "a", "b", "b"],
            "set": ["s", "t"] * 2,
            "value": [1.0, 2.0, 3.0, 0.5],
            "low": [0.8, 1.5, 2.0, 0.4],
            "high": [1.2, 2.5, 4.0, 0.6],
        }
    ),
    evidence.agreement: pd.DataFrame({"s": ["worse", ""], "t": ["mixed", "none"]}, index=["a", "b"]),
}
SEVERAL = {
    evidence.incidence: pd.DataFrame(
        {
            "cause": ["lost"] * 4 + ["repaid"] * 4,
            "term": [36, 36, 60, 60] * 2,
            "age": [1, 2] * 4,
            "share": [0.1, 0.2, 0.2, 0.3, 0.1, 0.6, 0.1, 0.5],
            "low": 0.05,
            "high": 0.7,
        }
    ),
    evidence.missing_shares: pd.DataFrame(
        {"label": ["a", "b"], "share": [0.1, 0.9], "sample": ["s", "t"], "meaning": ["unknown", "never happened"]}
    ),
    evidence.traits_by_grade: pd.DataFrame(
        {
            "label": ["a"] * 2 + ["b"] * 2,
            "grade": list("ABAB"),
            "low": [1, 2, 3, 4],
            "median": [2, 3, 4, 5],
            "high": [3, 4, 5, 6],
            "loans": [10, 20, 10, 20],
        }
    ),
    evidence.loss_by_class: pd.DataFrame(
        {
            "label": ["a", "a", "b"],
            "class_label": ["0", "1", "0"],
            "rate": [0.1, 0.2, 0.3],
            "low": [0.05, 0.1, 0.2],
            "high": [0.2, 0.3, 0.4],
            "overall": 0.15,
        }
    ),
    evidence.effect_curves: pd.DataFrame(
        {
            "label": ["a", "a", "b", "b"],
            "value": [1, 50, 0, 1],
            "odds_ratio": [1, 2, 1, 1.5],
            "low": [1, 1.5, 1, 1.2],
            "high": [1, 2.5, 1, 1.8],
        }
    ),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("draw", ONE, ids=lambda f: f.__name__)
def test_draws_on_the_axes_given_or_its_own(draw):
    own = draw(ONE[draw])
    ax = plt.subplots()[1]
    assert draw(ONE[draw], ax=ax) is ax and own is not ax
    assert fingerprint(ax.figure)["axes"][0]["artists"]


@pytest.mark.parametrize("draw", SEVERAL, ids=lambda f: f.__name__)
def test_draws_one_panel_a_label(draw):
    assert len(draw(SEVERAL[draw])) == 2
    axes = plt.subplots(1, 2)[1]
    assert list(draw(SEVERAL[draw], axes=axes)) == list(axes)


@pytest.mark.parametrize(
    ("draw", "column"),
    [
        (evidence.odds_ratio_forest, "odds_ratio"),
        (evidence.auc_comparison, "auc"),
        (evidence.information_values, "information_value"),
        (evidence.several_a_row, "value"),
    ],
)
def test_a_changed_number_changes_the_fingerprint(draw, column):
    table = ONE[draw]
    before = fingerprint(draw(table).figure)
    after = fingerprint(draw(table.assign(**{column: table[column] * 1.01})).figure)
    assert before != after


def test_bars_of_probabilities_fill_the_axis():
    ax = evidence.class_probabilities(ONE[evidence.class_probabilities])
    ends = {round(patch.get_y(), 6): 0.0 for patch in ax.patches}
    for patch in ax.patches:
        ends[round(patch.get_y(), 6)] = max(ends[round(patch.get_y(), 6)], patch.get_x() + patch.get_width())
    assert np.allclose(list(ends.values()), 1.0)


def test_the_value_of_each_row_is_printed_where_it_is_asked_for():
    ax = evidence.odds_ratio_forest(RATIOS, values=True)
    assert [(text.get_text(), text.get_position()[1]) for text in ax.texts] == [("0.50", 1), ("2.00", 0)]
    assert not evidence.odds_ratio_forest(RATIOS).texts


def test_sets_of_one_row_stand_on_their_own_heights():
    ax = evidence.several_a_row(ONE[evidence.several_a_row], log=True, at=1)
    heights = [tuple(container.lines[0].get_ydata()) for container in ax.containers]
    assert len(heights) == 2 and not set(heights[0]) & set(heights[1])
    assert [container.get_label() for container in ax.containers] == ["s", "t"]
    assert [round(y) for y in heights[0]] == [1, 0] and ax.get_xscale() == "log"


def test_marked_directions_are_as_many_as_entries():
    ax = evidence.agreement(ONE[evidence.agreement])
    assert [text.get_text() for text in ax.texts] == ["+", "±", "0"]


def test_stored_tables_can_be_drawn():
    evidence.effect_curves(replication("e2-outcome").table("curves"))
