"""Figures of the risk system: they draw what they are given, on the axes they are given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from p2pbook.figures import system as draw
from p2prisk.figures.colours import PALETTE


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def own_axes(function, *args, **settings):
    """Draw on given axes: the same axes come back and no other figure is opened."""
    ax = plt.subplots()[1]
    before = plt.get_fignums()
    assert function(*args, ax=ax, **settings) is ax
    assert plt.get_fignums() == before
    return ax


def curves():
    return pd.DataFrame(
        {
            "vintage": ["2010-01"] * 3 + ["2011-01"] * 2,
            "age": [0, 1, 2, 0, 1],
            "share": [0, 0.1, 0.2, 0, 0.05],
            "low": [0, 0.05, 0.1, 0, 0],
            "high": [0, 0.2, 0.3, 0, 0.1],
        }
    )


def test_vintages_draw_one_line_a_vintage_and_name_it():
    ax = own_axes(draw.vintages, curves())
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[0, 0.1, 0.2], [0, 0.05]]
    assert [text.get_text() for text in ax.texts] == ["2010", "2011"]
    one = own_axes(draw.vintages, curves(), named=["2011-01"])
    assert (
        [text.get_text() for text in one.texts] == ["2011"] and len(one.get_lines()) == 2 and len(one.collections) == 1
    )
    both = own_axes(draw.vintages, curves(), named=["2010-01", "2011-01"])
    of_finding, other = both.get_lines()
    assert of_finding.get_color() == PALETTE["orange"] != other.get_color()
    assert of_finding.get_linewidth() > other.get_linewidth() and of_finding.get_zorder() > other.get_zorder()
    halves = curves().replace({"2011-01": "2010-07"})
    assert [text.get_text() for text in own_axes(draw.vintages, halves).texts] == ["H1 2010", "H2 2010"]


def test_vintage_forecast_sets_points_and_intervals():
    forecast = pd.DataFrame({"vintage": ["a", "b"], "forecast": [0.1, 0.2], "low": [0.05, 0.1], "high": [0.2, 0.3]})
    ax = own_axes(draw.vintage_forecast, forecast, pd.Series({"b": 0.3, "a": 0.1}), age=18)
    assert ax.get_lines()[1].get_xdata().tolist() == [0.1, 0.3]
    assert "month 18" in ax.get_xlabel()


def test_stability_names_only_the_chosen():
    frame = pd.DataFrame(
        {"month": ["2010-01", "2010-02"] * 2, "variable": ["x"] * 2 + ["y"] * 2, "psi": [0.05, 0.3, 0.01, 0.02]}
    )
    ax = own_axes(draw.stability, frame, ["x"])
    assert {text.get_text() for text in ax.texts} == {"material", "x"}
    assert ax.get_lines()[0].get_ydata().tolist() == [0.05, 0.3]


def test_calibration_and_cusum():
    drift = pd.DataFrame({"period": ["a", "b"], "shift": [0.1, -0.2], "shift_low": [0, -0.4], "shift_high": [0.2, 0.0]})
    ax = own_axes(draw.calibration, drift)
    assert ax.get_lines()[1].get_ydata().tolist() == [0.1, -0.2]
    path = pd.DataFrame({"period": ["a", "b"], "cusum": [1.0, 5.0], "signal": [False, True]})
    ax = own_axes(draw.cusum, {"worse": path}, {"worse": 4.0})
    ring = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert len(ring) == 1 and ring[0].get_ydata()[0] == 5.0


def test_matrix_writes_shares_and_says_where_no_loan_is():
    table = pd.DataFrame([[0.5, 0.5], [np.nan, np.nan]], index=["A", "B"], columns=["A", "B"])
    ax = own_axes(draw.matrix, table)
    assert [text.get_text() for text in ax.texts] == ["50.0", "50.0", "no loan"]


def test_panels():
    checked = pd.DataFrame(
        {"step": [1, 2], "state": "late", "expected": [5.0, 6], "low": [4, 5], "high": [6, 7], "observed": [5, 9]}
    )
    axes = draw.forecast_check(checked, ["late"], axes=[plt.subplots()[1]])
    assert axes[0].get_lines()[1].get_ydata().tolist() == [5, 9]
    table = pd.DataFrame(
        {
            "scenario": ["as it is", "shock"],
            "expected_loss": [0.1, 0.2],
            "annual_return": [0.05, -0.01],
            "provision": [0.01, 0.2],
        }
    )
    axes = draw.scenarios(table)
    assert [text.get_text().strip() for text in axes[1].texts] == ["5.0", "\u22121.0"]


def test_breaking_and_funding():
    ax = own_axes(draw.breaking, [0, 1], {"all": [0.1, -0.1]}, {"all": 0.5}, marks={"2007": 0.7})
    assert ax.get_lines()[1].get_xdata()[0] == 0.5 and any("2007" in text.get_text() for text in ax.texts)
    paths = {
        "a": pd.DataFrame({"month": [1, 2], "cash": [5.0, 4.0]}),
        "b": pd.DataFrame({"month": [1], "cash": [-3.0]}),
    }
    ax = own_axes(draw.funding_paths, paths, 6.0)
    assert [line.get_ydata().tolist() for line in ax.get_lines()[:2]] == [[6.0, 5.0, 4.0], [6.0, -3.0]]
    assert {text.get_text() for text in ax.texts} == {"a", "b"}


def test_detection_figures():
    table = pd.DataFrame(
        {
            "cause": ["custody", "operation"] * 2,
            "reading": ["x", "x", "y", "y"],
            "dose": 1.0,
            "share": [0.05, 1.0, 0.5, 0.2],
            "median_month": [np.nan, 1, 3, np.nan],
        }
    )
    ax = own_axes(draw.detection_matrix, table, ["x", "y"], {"x": "one", "y": "two"})
    cells = [text.get_text() for text in ax.texts]
    assert cells[:4] == ["5", "100", "50", "20"] and cells[4:] == ["one", "two"]
    ax = own_axes(draw.time_to_detection, table, ["y", "x"])
    assert [text.get_text() for text in ax.texts] == ["3", "not", "not", "1", "y", "x"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["Custody", "Mode of operation"]
    early, late = ax.images[0].get_array()[[1, 0], [1, 0]]
    assert early > late > 0, "the earlier an alarm, the darker its cell"


def test_system_page_shows_every_station():
    parts = pd.DataFrame({"station": ["One", "Two"], "question": "Why?", "output": "That", "owner": "Somebody"})
    ax = own_axes(draw.system_page, parts)
    assert {"One", "Two", "Why?", "That", "Somebody"} <= {text.get_text() for text in ax.texts}
