"""Numbers of the chapter on the platform's own conduct, recomputed by other ways."""

import csv
from statistics import mean, median

import numpy as np
import pytest
from scipy.stats import binom

from p2pbook.chapters import platform
from p2pbook.detection import INSTRUMENTS
from p2prisk.datasets import data_directory
from p2prisk.platform import SCREENS


@pytest.fixture(scope="module")
def n():
    return platform.compute()


@pytest.fixture(scope="module")
def study():
    with (data_directory() / "detection_study.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def noticed(platforms, reading):
    return mean(int(line[reading]) > 0 for line in platforms)


def test_shares_and_months_are_those_of_the_stored_platforms(n, study):
    for cause, reading in (("repayment", "young vintages"), ("custody", "custody"), ("operation", "product mix")):
        platforms = [line for line in study if line["cause"] == cause]
        full = [line for line in platforms if float(line["dose"]) == 1.0]
        quarter = [line for line in platforms if float(line["dose"]) == 0.25]
        assert n.pooled[cause, reading] == pytest.approx(noticed(platforms, reading))
        for part, months in ((full, n.month), (quarter, n.quarter)):
            filled = sorted(int(line[reading]) or 99 for line in part)
            middle = filled[(len(filled) - 1) // 2]  # the lower of the two middle months
            assert months[cause, reading] == middle if middle < 99 else np.isnan(months[cause, reading])
            assert middle <= median(filled)


def test_a_borrower_family_is_the_one_that_rang_most(n, study):
    for cause in ("custody", "operation"):
        platforms = [line for line in study if line["cause"] == cause]
        assert n.borrower[cause] == max(noticed(platforms, "scorecard"), noticed(platforms, "monitor"))
    # said in the text: at a quarter of the dose the monitor notices fewer than half of the platforms
    for cause in ("environment", "repayment"):
        assert np.isnan(n.quarter[cause, "monitor"])


def test_false_alarms_and_money_at_risk(n, study):
    healthy = [line for line in study if line["cause"] == "healthy"]
    assert len(healthy) == n.checked_on
    assert n.false_mean == pytest.approx(mean(noticed(healthy, reading) for reading in INSTRUMENTS))
    at_risk = [
        100 * mean(float(line["at_risk"]) for line in study if line["cause"] == cause and float(line["dose"]) == 1.0)
        for cause in platform.CAUSES
    ]
    assert n.causes["At risk, dose 1"].tolist() == pytest.approx(at_risk)


def test_shares_carry_the_interval_of_clopper_and_pearson(n):
    # the ends of the interval of k of m solve P(X >= k) = 2.5 % and P(X <= k) = 2.5 %
    for value, m in ((n.half, 50), (n.pooled["custody", "monitor"], 200)):
        k = round(float(value) * m)
        assert binom.sf(k - 1, m, float(value.low)) == pytest.approx(0.025)
        assert binom.cdf(k, m, float(value.high)) == pytest.approx(0.025)
    assert float(n.all_of_them.low) ** n.replicates == pytest.approx(0.025) and str(n.all_of_them.high) == "100 %"


def test_instruments_see_what_the_words_say(study):
    def seen(cause, reading):
        return noticed([line for line in study if line["cause"] == cause and float(line["dose"]) == 1.0], reading)

    # "were noticed on every platform", "again the roll, and the coverage of a run", "roll-over, circular flows, ..."
    every = {
        "repayment": ("young vintages", "roll to late"),
        "environment": ("roll to late", "run coverage"),
        "management": ("roll-over", "circular flows", "concentration", "servicing", "roll onward"),
        "custody": ("custody",),
        "operation": ("product mix", "maturity mismatch", "run coverage"),
    }
    for cause, readings in every.items():
        assert [reading for reading in readings if seen(cause, reading) < 1] == []
    assert max(seen("repayment", screen) for screen, family in INSTRUMENTS.items() if family == "platform") < 0.2


def test_published_figures_breach_their_screens(n):
    with (data_directory() / "ncf_accounts.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["year"] == "2018"]
    loans = sum(float(r["value"]) for r in rows if r["item"] == "loans receivable" and r["party"] == "related")
    equity = {r["accounts"]: float(r["value"]) for r in rows if r["item"] == "equity"}
    assert n.receivables == pytest.approx(loans / equity["pro forma"])
    assert n.annual_report == pytest.approx(loans / equity["annual report"])
    with (data_directory() / "ncf_products.csv").open(encoding="utf-8") as file:
        products = list(csv.DictReader(file))
    owed = sum(float(row["amount"]) for row in products)
    assert n.outside == pytest.approx(1 - sum(float(r["amount"]) for r in products if r["in_p2p"] == "yes") / owed)
    assert (n.published["Value"] > n.published["Threshold"]).all()
    assert 100 * n.receivables > n.receivables_threshold


def test_the_register_names_each_screen_with_its_unit(n):
    assert n.number_of_screens == len(n.screens) == len(SCREENS)
    for row, screen in zip(n.screens.itertuples(index=False), SCREENS.values(), strict=True):
        assert row.Threshold == f"{screen.threshold:g} {screen.unit}"


def test_money_that_left_custody_is_missed_on_the_robbed_platform_alone(n):
    assert n.custody_robbed > 1 > n.custody_healthy >= 0
