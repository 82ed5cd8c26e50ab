"""The tables of the case and the industry: units, ranges, sources, sums that must hold."""

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

from p2pbook.facts import Facts, facts
from p2prisk.datasets import table
from p2prisk.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
WITH_FACT = (
    "industry_by_year",
    "industry_by_month",
    "rival_series",
    "problem_platforms",
    "custody_by_date",
    "regulation_timeline",
    "case_events",
    "platforms_abroad",
    "ncf_accounts",
    "ncf_related_payers",
    "peer_costs",
    "ncf_products",
    "ncf_structure",
    "ncf_business_lines",
    "case_evidence",
    "case_statements",
    "case_path",
    "case_peers",
    "case_lessons",
)


@pytest.fixture(scope="module")
def builder():
    path = ROOT / "data" / "build_case_tables.py"
    specification = importlib.util.spec_from_file_location("build_case_tables", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_committed_tables_are_what_the_script_builds(builder):
    files = builder.build()
    assert len(files) == 22
    for name, text in files.items():
        assert (ROOT / name).read_bytes() == text.encode(), f"{name} is stale: make tables"


# --------------------------------------------------------------------------------------------------- sources


@pytest.mark.parametrize("name", WITH_FACT)
def test_every_row_rests_on_a_fact_that_was_read_or_cited(name):
    frame = table(name)
    for row in frame.itertuples():
        assert row.fact in facts(), f"{name}: {row.fact} is unknown, or neither read nor cited"
        assert (row.key, row.grade) == (facts().key(row.fact), facts().grade(row.fact))


def test_sources_are_complete():
    sources = table("sources_case")
    stated = table("facts_case").query("status in ('read', 'cited')")
    assert sources["key"].is_unique and stated["id"].is_unique
    assert set(stated["key"]) <= set(sources["key"])
    assert sources["grade"].isin(list("ABCD")).all()
    urls = sources.loc[sources["url"].fillna("") != "", "url"]
    assert urls.str.match(r"https?://[^/]+/.+").all(), "an address leads to a page, or there is none"
    assert (sources["read_on"].isin(["", None]) | sources["read_on"].astype(str).str.match(r"20\d\d-\d\d-\d\d$")).all()
    assert sources["published"].astype(str).str.match(r"(19|20)\d\d(-\d\d){0,2}$").all()
    assert (sources[["key", "author", "title", "publisher"]] != "").all().all()
    assert urls.is_unique  # one address, one key


def test_facts_that_were_not_read_say_nothing():
    facts_case = table("facts_case")
    assert set(facts_case["status"]) == {"read", "cited", "not readable", "uncited"}
    unread = facts_case.query("status == 'uncited'")
    assert len(unread) == 11
    assert (unread["statement"].fillna("") == "").all() and (unread["value"].fillna("") == "").all()


def test_people_appear_in_their_public_role_only():
    words = " ".join(table("facts_case")["statement"].astype(str))
    assert not re.search(r"alcohol|pancrea|organ failure|born in", words)


def test_a_number_that_the_fact_does_not_contain_is_refused(builder):
    q = builder.Quoter(
        {
            "X1": {"status": "read", "statement": "of 1,234 loans 56.7% failed", "unit": "", "value": ""},
            "X2": {"status": "uncited", "statement": "12", "unit": "", "value": "12"},
        }
    )
    assert q.quoted("X1", "1,234") == 1234 and q.quoted("X1", "56.7", 0.01) == 0.567
    for text in ("234", "56", "1,23", "6.7", "99"):
        with pytest.raises(ValueError, match="does not contain"):
            q.quoted("X1", text)
    with pytest.raises(ValueError, match="nothing is known"):
        q.value("X2")


# --------------------------------------------------------------------------------------------- units, ranges

RANGES = {
    "platforms": (0, 6500),
    "platforms in the year": (50, 1500),
    "RMB bn in the year": (3, 3000),
    "RMB bn at year end": (20, 1300),
    "% a year": (8, 21),
    "million persons": (0.1, 20),
    "RMB bn": (100, 1300),
    "RMB bn in the month": (40, 300),
    "months": (1, 36),
    "platforms in the month": (50, 300),
}


@pytest.mark.parametrize("name", ["industry_by_year", "industry_by_month"])
def test_units_and_ranges_of_the_industry(name):
    frame = table(name)
    assert set(frame["unit"]) <= set(RANGES)
    for row in frame.itertuples():
        low, high = RANGES[row.unit]
        assert low <= row.value <= high, f"{name}: {row}"
    assert frame.groupby(["series"])["unit"].nunique().eq(1).all()


def test_no_reading_is_entered_twice():
    assert not table("industry_by_year").duplicated(["year", "series", "tracker", "edition"]).any()
    assert not table("industry_by_month").duplicated(["month", "series", "tracker"]).any()
    assert not table("rival_series").duplicated(["date", "quantity", "tracker"]).any()


def test_the_fall_of_2018_starts_from_the_restated_count():
    years = table("industry_by_year").query("series == 'platforms' and tracker == 'WDZJ'")
    value = years.set_index(["year", "edition"])["value"]
    assert value[2017, "restated"] - 1219 == value[2018, "first reported"]
    assert value[2017, "first reported"] + 517 == value[2016, "derived"]


def test_year_and_month_tables_tell_one_story():
    years, months = table("industry_by_year"), table("industry_by_month")
    regulator = years.query("series == 'platforms' and tracker == 'regulator'").set_index("year")["value"]
    by_month = months.query("series == 'platforms' and tracker == 'regulator'").set_index("month")["value"]
    assert regulator[2019] == by_month["2019-12"] and regulator[2020] == by_month["2020-11"] == 0
    assert by_month.loc["2019-09":].is_monotonic_decreasing


def test_rival_readings_come_in_groups_of_two_or_more():
    sizes = table("rival_series").groupby(["date", "quantity"]).size()
    assert (sizes >= 2).all() and len(sizes) >= 10


def test_custody_shares_fit_the_counts():
    custody = table("custody_by_date")
    value = custody.set_index(["date", "measure"])["value"]
    share = 100 * value["2018-09-21", "custody with a bank that passed the test"] / value["2018-09-21", "operating"]
    assert share == pytest.approx(value["2018-09-21", "share with a bank that passed the test"], abs=0.01)
    # 698 of 36.15 % gives the 1,931 platforms counted at the end of 2017
    platforms = 100 * value["2018-01-08", "custody live"] / value["2018-01-08", "share of operating platforms"]
    assert platforms == pytest.approx(1931, abs=1)


@pytest.mark.parametrize("name", ["regulation_timeline", "case_events", "platforms_abroad"])
def test_timelines_have_dates_in_order(name):
    frame = table(name)
    dates = frame["date"].astype(str)
    assert dates.str.match(r"(19|20)\d\d(-(0[1-9]|1[0-2])(-\d\d)?)?$").all()
    groups = [frame] if name != "platforms_abroad" else [part for _, part in frame.groupby("country")]
    for part in groups:
        assert part["date"].astype(str).is_monotonic_increasing
    for row in frame.itertuples():  # a date is never finer than the fact's own
        own = str(facts().record(row.fact)["date"])
        assert str(row.date)[:4] == own[:4] or "to" in own or row.fact == "IND084", f"{row.date} against {own}"


# -------------------------------------------------------------------------------------------- filed accounts


@pytest.fixture(scope="module")
def accounts():
    return table("ncf_accounts")


@pytest.mark.parametrize("year", [2016, 2017, 2018])
def test_revenue_components_add_up(accounts, year):
    income = accounts.query("year == @year and statement == 'income'")
    parts = income[income["item"] != "net revenue"]
    total = income.loc[income["item"] == "net revenue", "value"].item()
    assert parts["value"].sum() == total
    assert (parts["value"] > 0).all()
    assert (parts["basis"] == "difference").sum() == 1
    # what is taken as a difference stays small, or it would hide the accounts instead of closing them
    assert parts.loc[parts["basis"] == "difference", "value"].item() < 0.025 * total


def test_related_party_revenue_matches_the_filed_total(accounts):
    related = accounts.query("year == 2018 and statement == 'income' and party == 'related'")["value"].sum()
    assert related == 7_907_394  # NCF017 states it; the parts come from other facts
    assert "7,907,394" in facts().record("NCF017")["statement"]
    total = accounts.query("year == 2018 and item == 'net revenue'")["value"].item()
    assert 100 * related / total == pytest.approx(facts().number("NCF017"), abs=0.05)


@pytest.mark.parametrize("year", [2017, 2018])
def test_balance_sheet_balances(accounts, year):
    rows = accounts.query("year == @year and statement == 'balance' and accounts == 'annual report'")
    value = rows.set_index("item")["value"]
    assert value["total assets"] == value["total liabilities"] + value["equity"]


def test_the_two_balance_sheets_are_kept_apart(accounts):
    rows = accounts.query("year == 2018 and item == 'total assets'").set_index("accounts")["value"]
    assert rows["pro forma"] != rows["annual report"]
    loans = accounts.query("item == 'loans receivable'")
    assert loans["accounts"].tolist() == ["pro forma"]
    assert 100 * loans["value"].item() / rows["pro forma"] == pytest.approx(66.5, abs=0.05)


def test_expense_shares_agree_with_the_facts(accounts):
    rows = accounts.query("year == 2018").set_index("item")["value"]
    assert 100 * rows["sales and marketing"] / rows["net revenue"] == pytest.approx(facts().number("NCG051"), abs=0.05)
    share = 100 * rows["interest income"] / rows["income before tax"]
    assert share == pytest.approx(facts().number("NCG052"), abs=0.05)


def test_visible_payers_add_up_to_the_sum_in_the_list():
    payers = table("ncf_related_payers").query("year == 2018")
    assert payers["fee"].sum() == facts().number("NCF023") and len(payers) == 6


def test_products_add_up_and_p2p_is_the_small_part():
    products = table("ncf_products")
    assert products["amount"].sum() == pytest.approx(facts().number("NCG058"), rel=0.02)
    inside = products.query("in_p2p == 'yes'")["amount"].sum()
    assert inside / products["amount"].sum() < 0.10
    # the platform's own figure a month later, from another source, is of the same size
    assert inside == pytest.approx(facts().number("NCG063"), rel=0.05)


def test_shares_in_the_structure_stand_in_their_facts():
    for row in table("ncf_structure").itertuples():
        if row.share == row.share and row.share != 100:
            assert row.share == facts().number(row.fact)


def test_causes_have_both_sides():
    evidence, causes = table("case_evidence"), table("case_causes")
    assert len(causes) == 5 and list(causes["cause"]) == list(dict.fromkeys(evidence["cause"]))
    for cause, part in evidence.groupby("cause"):
        assert set(part["side"]) == {"for", "against"}, cause


def test_what_was_not_read_here_is_said_so():
    """A sentence that rests on a cited fact says that its page was not read."""
    cited = set(table("facts_case").query("status == 'cited'")["key"]) - set(
        table("facts_case").query("status == 'read'")["key"]
    )
    assert len(cited) == 2
    for path in (ROOT / "chapters").glob("*.qmd"):
        for found in re.findall(r"\[[^\]]*\]", path.read_text(encoding="utf-8")):
            for key in cited:
                assert f"@{key}" not in found or "not read here" in found, f"{path.name}: {found}"
    for row in table("case_statements").itertuples():
        assert (row.status == "read") == facts().read(row.fact)
    for name, column in (("case_evidence", "evidence"), ("case_events", "event")):
        for row in table(name).to_dict("records"):
            assert facts().read(row["fact"]) or "not read here" in row[column], row


# ------------------------------------------------------------------------------------------------ the loader


def test_unknown_table_names_those_that_exist():
    with pytest.raises(DataError, match="known: .*ncf_accounts"):
        table("no_such_table")


def test_facts_refuse_what_was_not_read():
    assert "NCG008" not in facts() and "NCG024" in facts()
    with pytest.raises(DataError, match="may be stated"):
        facts().value("NCG008")
    with pytest.raises(DataError, match="no fact 'NCG999'"):
        facts().record("NCG999")
    with pytest.raises(DataError, match="no number"):
        facts().number("NCG001")


def test_a_quoted_number_must_stand_in_the_fact():
    assert facts().quoted("IND075", "1,219") == 1219
    for text in ("219", "1,21", "1219", "64"):
        with pytest.raises(DataError, match="does not contain"):
            facts().quoted("IND075", text)


def test_values_are_scaled_and_formatted():
    assert facts().value("NCG024", scale=1e6) == "265"
    assert facts().value("NCG040", scale=1e6, digits=1) == "−13.3"
    small = Facts(
        pd.DataFrame({"id": ["A1"], "status": ["read"], "value": ["1234.5"], "statement": ["x"], "key": ["k"]}),
        pd.DataFrame({"key": ["k"], "grade": ["A"]}),
    )
    assert small.value("A1", digits=1) == "1,234.5" and len(small) == 1


# ---------------------------------------------------------------------------------------------- the chapters

CHAPTERS = sorted([*ROOT.glob("*.qmd"), *ROOT.glob("chapters/*.qmd")])


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_uses_known_facts_and_keys(path):
    text = path.read_text(encoding="utf-8")
    for fact in set(re.findall(r"\b(?:NCG|NCF|IND|CAS)\d{3}\b", text)):
        assert fact in facts(), f"{path.name}: {fact}"
    bibliography = (ROOT / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"@\w+\{([^,\s]+),", bibliography)
    assert len(entries) == len(set(entries)), "references.bib has a key twice"
    cited = set(re.findall(r"@((?:src-[\w-]*\w)|(?:[a-z]+\d{4}\w*))", text))
    assert cited or path.stem not in {"industry", "ncf"}, f"{path.name} cites nothing"
    assert cited <= set(entries), f"{path.name}: not in references.bib: {sorted(cited - set(entries))}"


@pytest.mark.parametrize(
    "name, column",
    [
        ("regulation_timeline", "event"),
        ("case_events", "event"),
        ("platforms_abroad", "event"),
        ("case_evidence", "evidence"),
        ("ncf_business_lines", "activity"),
    ],
)
def test_numbers_in_words_stand_in_the_fact(name, column):
    for row in table(name).to_dict("records"):
        record = facts().record(row["fact"])
        known = " ".join(str(record[field]) for field in ("statement", "value", "unit", "date", "topic"))
        for found in re.findall(r"\d+(?:\.\d+)?", row[column]):
            assert re.search(rf"(?<!\d){re.escape(found)}", known), f"{name}: {found} of {row[column]!r}"
