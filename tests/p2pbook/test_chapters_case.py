"""Numbers of the chapters on the question, the literature, the industry and the case, recomputed by another way."""

import csv
import dataclasses
from pathlib import Path

import pytest

from p2pbook.chapters import industry, literature, ncf, question
from p2pbook.facts import facts

NAMES = ("question", "literature", "industry", "ncf")
DATA = Path(__file__).resolve().parents[2] / "data"


def rows(name, **wanted):
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if all(row[key] == value for key, value in wanted.items())]


def value(name, **wanted):
    (row,) = rows(name, **wanted)
    return float(row["value"])


@pytest.mark.parametrize("chapter", [industry, literature, ncf, question], ids=lambda chapter: chapter.__name__)
def test_what_a_chapter_computes_is_complete_and_cannot_be_changed(chapter):
    n = chapter.compute()
    for field in dataclasses.fields(n):
        member = getattr(n, field.name)
        assert member is not None and str(member) not in ("", "nan", "–"), field.name
        if hasattr(member, "columns") or isinstance(member, dict):
            assert len(member), field.name
    with pytest.raises(dataclasses.FrozenInstanceError):
        n.nothing = 0


def test_question():
    n = question.compute()
    amounts = {row["in_p2p"]: [] for row in rows("ncf_products")}
    for row in rows("ncf_products"):
        amounts[row["in_p2p"]].append(float(row["amount"]))
    assert n.outside == sum(amounts["no"]) and n.total == n.outside + sum(amounts["yes"])
    assert len(n.claims) == 5 and n.claims["Cause"].str.contains(r"\([\u4e00-\u9fff]+\)$").all()
    assert list(n.evidence["Code"])[0] == "E1"


def test_literature_counts_each_finding_once():
    n = literature.compute()
    signs = rows("literature_signs")
    assert n.findings == len(signs) and n.studies == len({row["study"] for row in signs})
    assert n.traits == len({row["variable"] for row in signs})
    two = {v for v in {r["variable"] for r in signs} if sum(r["variable"] == v and r["sign"] != "?" for r in signs) > 1}
    assert n.several == len(two) == n.opposite + n.against_none + n.agree


def test_industry():
    n = industry.compute()
    assert n.fewer_platforms == 218  # the fact's own words
    # the regulator's number is the tracker's, those in operation and those that had left, but for two
    assert n.operating["WDZJ"]["2016-06"] + n.problem_standing_2016 - n.operating["regulator"]["2016-06"] == 2
    assert 100 * n.problem_standing_2016 / n.operating["regulator"]["2016-06"] == pytest.approx(
        n.problem_share_2016, abs=0.05
    )
    assert n.balance_before == pytest.approx(
        value("industry_by_month", month="2018-07", series="balance", tracker="WDZJ") + n.outflow
    )
    assert str(n.rate[2013]) == "19.67" and str(n.volume[2017]) == "2,805"
    assert n.custody_at_tested_bank == pytest.approx(414 / 1190)
    assert n.sources == len(
        {facts().key(row["id"]) for row in rows("facts_case", status="read") if row["id"][0] == "I"}
    )


def test_ncf_accounts():
    n = ncf.compute()
    revenue = value("ncf_accounts", year="2018", item="net revenue")
    assert n.revenue_2018 == revenue / 1e6
    related = sum(float(row["value"]) for row in rows("ncf_accounts", year="2018", statement="income", party="related"))
    assert n.related_revenue == pytest.approx(100 * related / revenue)
    loans = value("ncf_accounts", item="loans receivable")
    equity = value("ncf_accounts", item="equity", accounts="pro forma")
    assert n.related_of_equity == pytest.approx(100 * loans / equity) and n.related_of_equity > 100
    assert n.listing_days == 36 and n.outside_share + n.inside_share == 100
    assert n.disclosed_times_cap == pytest.approx(1.455e9 / 2847 / 200_000)
    assert n.reserve_of_balance == pytest.approx(100 * 1.495 / 5.79)


def test_only_what_was_public_before_the_stop_counts_as_known():
    n = ncf.compute()
    events = [row for row in rows("case_events") if row["date"][:4] < "2019" or row["date"] < "2019-07-03"]
    assert n.events_before == len(events) and 0 < n.public_before < n.events_before
    assert all(
        row["public_from"] >= row["date"][:7] or row["public_from"] == "not known"
        for row in rows("case_events")
        if row["fact"] != "NCG020"
    )


def test_causes_are_counted_in_words():
    n = ncf.compute()
    words = ("no", "one", "two", "three", "four", "five")
    strengths = list(n.causes["evidence"])
    assert (n.moderate, n.weak) == (words[strengths.count("moderate")], words[strengths.count("weak")])
    assert n.strength["Borrowers"] == "weak" and n.strength["Operation"] == strengths[4]
    assert "strong" not in strengths  # no court's finding was read


def test_the_problem_is_told_in_eight_thousand_words():
    folder = DATA.parent / "chapters"
    words = {name: len((folder / f"{name}.qmd").read_text(encoding="utf-8").split()) for name in NAMES}
    assert sum(words.values()) <= 8000, words
