"""Numbers of the chapter on travel, recomputed another way, and the fit that its page shows."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.formula.api import logit

from p2pbook.chapters import travel
from p2pbook.chapters.travel import HEADINGS, compute, later_model
from p2pbook.replications import replication
from p2prisk.datasets import load
from p2prisk.tables import show


@pytest.fixture(scope="module")
def n():
    return compute()


@pytest.fixture(scope="module")
def shown(run_shown, n):
    return run_shown("chapters/travel.qmd", "tbl-travel-later", "travel-carried", travel=travel, show=show, n=n)


def test_the_fit_on_the_page_is_the_fit_behind_the_directions(shown):
    assert shown["fit"].params.equals(later_model().params)


def test_later_slopes_by_another_library(shown):
    loans = shown["loans"].astype({"bad": int})
    binary = logit("bad ~ " + shown["traits"], loans).fit(disp=0)
    later = shown["later"].table
    assert later["later"].to_numpy() == pytest.approx(np.exp(binary.params[later.index]).to_numpy(), rel=1e-5)
    same = sum((later.loc[name, "2007–2011"] > 1) == (binary.params[name] > 0) for name in later.index)
    assert shown["later"].agree == f"{same} of {len(later)}"


def test_areas_of_the_later_loans_by_another_library(shown, n):
    loans, areas = shown["loans"], shown["areas"]
    bad = loans["bad"].astype(int)
    score = sum(n.early.loc[name, "estimate"] * loans[name] for name in n.early.index)
    assert areas.carried == pytest.approx(roc_auc_score(bad, score))
    assert areas.own == pytest.approx(roc_auc_score(bad, later_model().predict(which="linear")))
    grades = load("modeldata-lendingclub").frame["grade"].astype(str).loc[loans.index]
    assert areas.grade == pytest.approx(roc_auc_score(bad, grades.map("ABCDEFG".index)))
    assert areas.carried.low < areas.carried < areas.own < areas.grade.low


def test_prosper_from_the_stored_tables(n):
    prosper = replication("e3-prosper")
    area = {row["model"]: row["auc"] for row in prosper.table("auc").to_dict("records")}
    assert n.prosper.lost == pytest.approx(area["traits without score"] - area["Lending Club slopes"], abs=1e-9)
    assert str(n.prosper.bad) == f"{100 * prosper['bad'] / prosper['loans']:.1f} %"
    slopes = {row["name"]: row for row in prosper.table("coefficients").to_dict("records")}
    assert n.prosper.score == pytest.approx(np.exp(slopes["score"]["estimate"]))


def test_ppdai_by_hand(n):
    counts = load("ppdai-overdue-counts").frame.set_index(["variable", "level"])

    def odds(variable, level):
        row = counts.loc[(variable, level)]
        return row["overdue"] / (row["snapshots"] - row["overdue"])

    assert n.ppdai.grade_e == pytest.approx(odds("grade", "E") / odds("grade", "AA"))
    assert n.ppdai.diploma == pytest.approx(odds("verified_education", "yes") / odds("verified_education", "no"))
    late = load("ppdai-repayment-mix").frame.set_index(["variable", "level"])["late_or_unpaid"]
    high, low = late["amount", "6000+"], late["amount", "0-2000"]
    assert n.ppdai.large == pytest.approx(high / (100 - high) / (low / (100 - low)))


def test_what_the_words_claim_is_so(n, shown):
    table = n.directions.table
    ours = [HEADINGS[source] for source in ("grade", "early", "later", "prosper")]
    # "none is clearly riskier in one of our own fits and clearly safer in another"
    for variable in ("term, longer", "inquiries, more", "used share of limits, higher", "past delinquency"):
        assert set(table.loc[variable, ours]) <= {"worse", "none", ""} and "worse" in set(table.loc[variable, ours])
    assert set(table.loc["small business", ours]) <= {"worse", "none", ""}
    # "the platform's own grade separates in every file of outcomes"
    assert set(table.loc["platform grade, worse", [HEADINGS["early"], HEADINGS["prosper"], HEADINGS["ppdai"]]]) == {
        "worse"
    }
    assert n.directions.opposite.startswith("No variable is")
    # "published studies do report the opposite for the term and for used limits"
    assert table.loc["term, longer", HEADINGS["China"]] == "better"
    assert table.loc["used share of limits, higher", HEADINGS["United States"]] == "better"
    assert "used share of limits" in n.directions.against_united_states
    assert n.directions.against_china.startswith("Two of the") and "term, longer" in n.directions.against_china
    # "those that differ have intervals across one in the later sample"
    later = shown["later"].table
    differ = later[(later["2007–2011"] > 1) != (later["later"] > 1)]
    assert set(differ.index) == {"new_job", "long_job"} and ((differ["from "] < 1) & (differ["to "] > 1)).all()
    assert n.prosper.lost.low < 0 < n.prosper.lost.high and n.prosper.carried.high < n.prosper.rating.low
    assert n.ppdai.diploma < 1 < n.ppdai.credit_report
    assert n.ppdai.checked == 6 and "diploma" in n.ppdai.less and "credit report" in n.ppdai.more
    assert "telephone" in n.ppdai.neither
    # both sets of slopes near chance, small business not alike
    assert n.prosper.carried < n.prosper.without_score < 0.6
    assert n.prosper.business.high < n.prosper.business_lending_club.low
    assert n.ppdai.late_f - n.ppdai.late_a > 1 > n.ppdai.large


def test_the_age_at_which_as_many_were_lost(n):
    lost = replication("e2-hazard").table("incidence").set_index(["cause", "term", "age"])["share"]["default"]
    frame = load("modeldata-lendingclub").frame
    long = (frame["term"] == 60).mean()
    month = int(n.later_age)
    reached = [(1 - long) * lost[36][age] + long * lost[60][age] for age in (month - 1, month)]
    assert reached[0] < frame["bad"].mean() <= reached[1] and month < 36
