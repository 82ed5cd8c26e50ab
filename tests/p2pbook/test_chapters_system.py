"""Numbers of the chapters on the system, on power, of the model card and the glossary, recomputed another way."""

import csv
import re

import pandas as pd
import pytest

from p2pbook.chapters import glossary, model_card, power, system
from p2pbook.lendingclub import lending_club_model
from p2prisk.datasets import data_directory
from p2prisk.validation import auc


def rows(name):
    with (data_directory() / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_glossary_holds_each_term_once():
    n, stored = glossary.compute(), rows("glossary")
    assert list(n.topic) == ["P2P lending", "Credit risk", "Ordered models", "Validation and monitoring"]
    shown = [term for frame in n.topic.values() for term in frame["Term 术语"]]
    assert n.terms == len(stored) == len(shown) == len(set(shown))
    assert set(shown) == {f"{row['english']} {row['chinese']}" for row in stored}


def test_shares_rejected_are_those_of_the_study():
    n, stored = power.compute(), rows("power_study")
    for scenario, mine in (("square", n.square), ("link", n.link)):
        part = [row for row in stored if row["scenario"] == scenario]
        largest = max(float(row["departure"]) for row in part)
        last = {row["test"]: row for row in part if float(row["departure"]) == largest}
        for test in ("Lipsitz", "Fagerland-Hosmer", "Brant, omnibus"):
            assert mine[test.replace("d-H", "d–H")] == pytest.approx(
                int(last[test]["rejected"]) / int(last[test]["samples"]), abs=5e-5
            )
    truth = {
        re.sub("(?<=[a-z])-(?=[A-Z])", "–", row["test"]): float(row["share"])
        for row in stored
        if row["scenario"] == "truth"
    }
    assert (n.lowest, n.highest) == (min(truth.values()), max(truth.values()))
    assert (truth[n.lowest_test], truth[n.highest_test]) == (n.lowest, n.highest)
    assert n.at_step["Brant, omnibus"] < n.at_step["Brant, x"]


@pytest.mark.parametrize(
    "low, words",
    [
        ([0.06, 0.07], "None of the 2 intervals holds the nominal level"),
        ([0.04, 0.06, 0.06], "One of the 3 intervals holds the nominal level"),
        ([0.04, 0.04, 0.06], "Two of the 3 intervals hold the nominal level"),
        ([0.04, 0.04], "All 2 intervals hold the nominal level"),
    ],
)
def test_the_sentence_on_sizes_counts(low, words):
    sizes = pd.DataFrame({"ci_low": low, "ci_high": [value + 0.02 for value in low]})
    assert power.held_sentence(sizes, 0.05) == words


def test_weeks_add_up_and_each_cause_has_its_best_instrument():
    n = system.compute()
    weeks = [float(row["effort in person-weeks"]) for row in rows("system_steps")]
    assert (n.weeks, n.borrower_weeks, n.screening_weeks) == (sum(weeks), sum(weeks[:4]), weeks[6])
    assert n.screening_weeks == max(weeks) and n.number_of_stations == len(n.stations)
    study = [row for row in rows("detection_study") if float(row["dose"]) == 1.0]
    for row, cause in zip(n.causes.itertuples(index=False), system.ANSWERS, strict=True):
        platforms = [line for line in study if line["cause"] == cause]
        noticed = {name: sum(int(line[name]) > 0 for line in platforms) / len(platforms) for name in system.INSTRUMENTS}
        assert row[3] == pytest.approx(100 * noticed[row[2]]) == pytest.approx(100 * max(noticed.values()))
        on_borrowers = [noticed[name] for name, kind in system.INSTRUMENTS.items() if kind in ("scorecard", "monitor")]
        assert row[4] == pytest.approx(100 * max(on_borrowers))


def test_the_model_card_says_what_the_model_does():
    n = model_card.compute()
    fit, counts = lending_club_model()
    new = counts[counts["issue_year"] == n.tested_on].reset_index(drop=True)
    forecast = 1 - fit.predict(new).iloc[:, :2].sum(axis=1).to_numpy()
    assert n.auc == pytest.approx(auc(new["bad"], forecast, new["n"]), abs=1e-10)
    assert n.rate_observed == pytest.approx((new["bad"] * new["n"]).sum() / n.loans_tested)
    assert n.rate_forecast == pytest.approx((forecast * new["n"]).sum() / n.loans_tested)
    assert n.loans_fitted + n.loans_tested == counts["n"].sum()
    assert float(n.auc.low) < n.auc < float(n.auc.high)


@pytest.mark.parametrize(
    "verdicts, words",
    [
        ("passed passed", "passes all 2 checks that could be made, each with a stated limit; there is no finding"),
        (
            "finding finding",
            "passes none of the 2 checks that could be made, each with a stated limit; each is a finding",
        ),
        (
            "passed finding finding",
            "passes 1 of the 3 checks that could be made, each with a stated limit; the 2 it does",
        ),
        (
            "passed passed finding",
            "passes 2 of the 3 checks that could be made, each with a stated limit; the one it does",
        ),
    ],
)
def test_the_verdict_counts(verdicts, words):
    assert model_card.verdict_sentence(pd.Series([*verdicts.split(), "not done"])).startswith(words)


def test_rejected_and_open_checks_count():
    assert model_card.rejected_sentence([], 8) == "none of the eight attributes"
    assert model_card.rejected_sentence(["term"], 8) == "one of the eight attributes"
    assert model_card.rejected_sentence(list("abc"), 8) == "3 of the eight attributes"
    assert model_card.rejected_sentence(list("abcdefgh"), 8) == "all eight attributes"
    for verdicts, words in (
        ("passed", "No check was left out"),
        ("passed not-done not-done", "Two more could not be made"),
        ("not-done", "No check could be made"),
    ):
        assert model_card.not_made_sentence(pd.Series(verdicts.split()).str.replace("-", " ")) == words
