"""Numbers of the chapter on watching, recomputed by other ways."""

import csv
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from p2pbook.chapters import watching
from p2pbook.words import dated
from p2prisk.datasets import data_directory


@pytest.fixture(scope="module")
def n():
    return watching.compute()


@pytest.fixture(scope="module")
def vintages():
    with (data_directory() / "lendingclub_vintages.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["term"]) == 36]


def charged_off(vintages, months, by_age):
    """Charged-off share of the loans of some months of issue whose charge-off fell at most `by_age` months later."""
    part = [row for row in vintages if row["month"] in months]
    early = sum(int(row["charged_off"]) for row in part if int(row["age"]) + watching.CHARGE_OFF_LAG <= by_age)
    return early / sum(int(row["loans"]) for row in part)


def test_vintages_are_counted_from_the_months_of_issue(n, vintages):
    half = {f"2007-{month:02d}" for month in range(7, 13)}
    assert n.at_36["2007-07"] == pytest.approx(charged_off(vintages, half, 36))
    quarter = {"2010-10", "2010-11", "2010-12"}
    assert n.came["2010-10"] == pytest.approx(charged_off(vintages, quarter, 24))
    assert n.loans == sum(int(row["loans"]) for row in vintages)
    # the loans of late 2007 lost most, says the alternative text
    assert max(n.at_36, key=n.at_36.get) == "2007-07"


def test_the_forecast_of_2010_was_too_dark(n):
    assert n.held_2010.endswith("of 8") and n.held_2011.endswith("of 8")
    assert n.missed == "6 of 8 dots lie to the left of their interval, and none to the right"
    assert n.too_dark > 1


@pytest.mark.parametrize(
    "sides, words",
    [
        ("inside inside", "none of the 2 dots lies to the left of its interval, and none to the right"),
        ("below inside above", "1 of 3 dots lies to the left of its interval, and 1 to the right"),
        ("below below inside", "2 of 3 dots lie to the left of their interval, and none to the right"),
        ("below below", "all 2 dots lie to the left of their interval"),
    ],
)
def test_the_sentence_on_dots_counts(sides, words):
    assert watching.missed_sentence(pd.Series(sides.split())) == words


def test_the_shift_of_the_level_makes_forecast_and_outcome_equal(n):
    for part, first, last in (("2010", "2010-01", "2010-12"), ("late 2011", "2011-07", "2011-12")):
        scores = n.scores[n.scores["month"].between(first, last)]
        shifted = expit(logit(scores["forecast"]) + float(n.shift[part]))
        assert (shifted * scores["loans"]).sum() == pytest.approx(scores["charged_off_early"].sum(), rel=1e-9)
        ratio = scores["charged_off_early"].sum() / scores["expected_early"].sum()
        assert n.early_to_forecast[part] == pytest.approx(ratio)
    # too dark in 2010 and no longer so in late 2011, says the text
    assert float(n.shift["2010"].high) < 0 and float(n.shift["late 2011"].high) > float(n.shift["2010"].high)


def test_each_month_is_forecast_from_what_was_known_before_it(n):
    days = n.shift["2010"].known.decision_date.split()
    assert len(days) == n.scores["month"].nunique() and not n.shift["2010"].known.hindsight
    eves = [f"{pd.Timestamp(month) - pd.Timedelta(days=1):%Y-%m-%d}" for month in sorted(n.scores["month"].unique())]
    assert days == eves


def test_a_chart_adds_up_the_evidence_month_by_month(n):
    rung, level, chart = None, 0.0, n.charts["better"]
    ratio = chart.odds_ratio
    for month, part in n.scores.groupby("month"):
        expected = part["loans"] * np.log1p(part["forecast"] * (ratio - 1))
        level = max(level + part["charged_off_early"].sum() * np.log(ratio) - expected.sum(), 0.0)
        rung = rung or (month if level >= chart.threshold else None)
    assert n.better.startswith(f"rings for the loans of {dated(rung)}, in ") and n.worse == "never rings"


def test_the_sentence_on_a_chart():
    path = pd.DataFrame({"period": ["2010-01", "2010-02", "2010-03"], "signal": [False, True, True]})
    # the loans of February 2010 have their seventeenth month in July 2011
    assert watching.ring_sentence(path) == "rings for the loans of February 2010, in July 2011"
    assert watching.ring_sentence(path.assign(signal=False)) == "never rings"


def test_stability_of_the_term_is_counted_again(n):
    with (data_directory() / "lendingclub_monthly_bands.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["variable"] == "term"]
    bands, base, months = sorted({row["band"] for row in rows}), Counter(), {}
    for row in rows:
        if row["month"] < "2010":
            base[row["band"]] += int(row["n"])
        else:
            months.setdefault(row["month"], Counter())[row["band"]] += int(row["n"])
    first = min(month for month, loans in months.items() if loans[bands[-1]] > 0.05 * sum(loans.values()))
    assert n.first_alert["term"] == dated(first)
    assert n.alerts <= n.pairs


def test_roll_rates_and_warnings_are_counted_from_the_panel(n):
    panel = n.panel
    source, target = panel.code("31-60"), panel.code("61-90")
    same = panel.loan[1:] == panel.loan[:-1]
    late = same & (panel.state[:-1] == source)
    assert n.roll_on == pytest.approx((panel.state[1:][late] == target).mean())
    assert float(n.roll_on.low) < n.roll_on < float(n.roll_on.high)
    assert n.book_loans == len(n.borrowers) and n.listed < n.running < n.book_loans
    assert n.listed_rate > n.other_rate
    assert n.entries == watching.entries_sentence(n.report.alerts)


@pytest.mark.parametrize(
    "alerts, words",
    [([], "no entry."), (["Act."], "one entry: Act."), (["Act.", "Explain."], "2 entries: Act. Explain.")],
)
def test_the_sentence_on_entries_counts(alerts, words):
    assert watching.entries_sentence(alerts) == words
