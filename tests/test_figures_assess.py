"""Figures of assessment and decisions: take `ax=`, return it, and draw what the table says."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from p2pbook.lendingclub import LABELS, book_card, calibration_by_year, class_losses
from p2pbook.pricing import highest_pd_by_cap, price_by_grade, value_check
from p2pbook.replications import replication
from p2prisk.figures import assess as draw
from p2prisk.figures.fingerprint import fingerprint
from p2prisk.policy import acceptance_frontier, refer_band, refer_lines
from p2prisk.scorecard import grade_table


@pytest.fixture(scope="module")
def made():
    return book_card(losses=class_losses())


@pytest.fixture(scope="module")
def tables(made):
    stored = replication("e2-decisions")
    scored = made.card.score(made.test)
    caps = {"24 %": 0.24}
    terms = {"review_cost": 0.01}
    return {
        "points": (made.card.attributes, LABELS),
        "grades": ({"a": grade_table(made.card.scale, scored["pd"], made.test["bad"], made.test["n"])},),
        "frontier": (acceptance_frontier(scored["pd"], made.test["bad"], made.test["n"], resamples=20), {0.5: "half"}),
        "profit": (stored.table("curve"), (0.9, 0.04)),
        "three_choices": (refer_lines(0.1, 0.4, **terms), refer_band(0.1, 0.4, **terms)),
        "prices": (price_by_grade(made, stored, caps), caps),
        "declined": (stored.table("rejects"),),
        "losses": (stored.table("lgd"),),
    }


@pytest.mark.parametrize(
    "name", ["points", "grades", "frontier", "profit", "three_choices", "prices", "declined", "losses"]
)
def test_every_figure_draws_on_the_axes_it_is_given(tables, name):
    figure, ax = plt.subplots()
    assert getattr(draw, name)(*tables[name], ax=ax) is ax
    assert ax.get_xlabel() and fingerprint(figure) != fingerprint(plt.figure())
    own = getattr(draw, name)(*tables[name])
    assert own is not ax
    plt.close("all")


def test_figures_follow_their_data(tables):
    frame, best = tables["profit"]
    prints = []
    for shift in (0.0, 0.01):
        draw.profit(frame.assign(profit=frame["profit"] + shift), best)
        prints.append(fingerprint(plt.gcf()))
        plt.close("all")
    assert prints[0] != prints[1]


def test_tables_of_the_chapters(made):
    stored = replication("e2-decisions")
    caps = {"15.4 %": 0.154, "24 %": 0.24}
    prices = price_by_grade(made, stored, caps)
    for _, part in prices.groupby("term"):
        assert part["break_even"].is_monotonic_increasing and (part["loans"] >= 100).all()
    limit = highest_pd_by_cap(stored, caps).set_index("cap")
    short = prices[prices["term"] == 36]
    assert (short["15.4 %"] == (short["pd"] <= limit.loc["15.4 %", 36])).all()
    check = value_check(stored)
    assert (np.abs(check["expected"] - check["realised"]) < 0.01).all() and (check["correlation"] > 0.8).all()
    years = calibration_by_year(made.card, made.train)
    assert years["loans"].sum() == made.train["n"].sum() and years["shift"].iloc[0] > 0 > years["shift"].iloc[-1]
    losses = class_losses()
    assert losses[:2] == (0.0, 0.0) and 0 < losses[2] < losses[3] < 1
