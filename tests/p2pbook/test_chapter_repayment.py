"""Numbers of the chapter on repayment, recomputed another way, and the fit that its page shows."""

import numpy as np
import pytest

from p2pbook.chapters.repayment import compute, counts_model
from p2pbook.replications import replication
from p2prisk import OrderedLogit
from p2prisk.datasets import load


@pytest.fixture(scope="module")
def n():
    return compute()


@pytest.fixture(scope="module")
def outcome():
    return replication("e2-outcome")


def test_the_fit_on_the_page_is_the_fit_behind_the_numbers(run_shown):
    from p2pbook.chapters import repayment
    from p2pbook.figures import evidence

    typed = run_shown("chapters/repayment.qmd", "fig-repayment-counts", repayment=repayment, evidence=evidence)
    assert typed["grouped"].params.equals(counts_model().params)


def test_grouped_fit_is_that_of_single_loans(n):
    counts = load("lendingclub-2007-2011-counts").frame.query("n > 0").astype({"issue_year": str})
    loans = counts.loc[counts.index.repeat(counts["n"])]
    assert n.counts.loans == len(loans) and n.counts.cells == len(counts)
    assert n.counts.paid_late == pytest.approx(np.mean(loans["severity"] == "paid late"))
    single = OrderedLogit.from_formula(counts_model().model.formula, loans).fit()
    forest = n.counts.forest.set_index("label")
    assert forest.loc["term: 60", "odds_ratio"] == pytest.approx(np.exp(single.params["C(term)[T.60]"]), rel=1e-7)
    assert forest.loc["term: 60", "block"] == "loan"
    assert set(forest.loc[forest.index.str.startswith("income"), "block"]) == {"ability"}
    assert set(forest.loc[forest.index.str.startswith("inquiries"), "block"]) == {"willingness"}
    assert not forest.index.str.startswith("issue").any()


def test_odds_read_aloud_follow_from_the_slopes(n, outcome):
    rows = {row["name"]: row for row in outcome.table("coefficients").to_dict("records")}
    for name in ("long_term", "dti", "public_record"):
        half = 1.959964 * rows[name]["se"]
        assert n.aloud.odds[name] == pytest.approx(np.exp(rows[name]["estimate"]), rel=1e-9)
        assert n.aloud.odds[name].high == pytest.approx(np.exp(rows[name]["estimate"] + half), rel=1e-6)
    states = sorted((row["odds_ratio"], row["label"][-2:]) for row in rows.values() if row["trait"] == "state")
    top = [name for _, name in states[::-1][:3]]
    assert n.aloud.states_on_top == f"{top[0]}, {top[1]} and {top[2]}"
    assert (n.aloud.state_lowest, n.aloud.state_highest) == (states[0][0], states[-1][0])
    assert n.ranks.states == len(states) and not n.aloud.forest["trait"].eq("state").any()
    assert n.aloud.income_spares == -n.aloud.points["income doubled, 40k to 80k"] > 0


def test_leads_are_differences_of_areas(n, outcome):
    area = {row["model"]: row["auc"] for row in outcome.table("auc").to_dict("records")}
    assert n.ranks.over_sub_grade == pytest.approx(area["ordered logit"] - area["sub-grade"], abs=1e-9)
    assert n.ranks.traits_add == pytest.approx(area["ordered logit and sub-grade"] - area["sub-grade"], abs=1e-9)
    assert n.ranks.sub_grade_adds.low < n.ranks.sub_grade_adds < n.ranks.sub_grade_adds.high
    within = {(row["term"], row["model"]): row["auc"] for row in outcome.table("auc_by_term").to_dict("records")}
    for term, lead in ((36, n.ranks.over_sub_grade_36), (60, n.ranks.over_sub_grade_60)):
        assert lead == pytest.approx(within[term, "ordered logit"] - within[term, "sub-grade"], abs=1e-9)
    assert list(n.ranks.drawn["auc"]) == [area[name] for name in n.ranks.drawn["model"]]


def test_settings_of_boosting_are_those_that_name_its_options(n):
    rivals = replication("e2-selection").table("rivals").to_dict("records")
    assert n.ranks.settings == sum("max_iter" in row["options"] for row in rivals) > 1


def test_cells_inside_a_grade(n, outcome):
    cells = {(row["grade"], row["own"]): row for row in outcome.table("inside_grades").to_dict("records")}
    shown = n.ranks.inside.set_index("grade")
    for (grade, third), row in cells.items():
        column = {"low": "low risk", "middle": "middle", "high": "high risk"}[third]
        if row["loans"] >= 50:
            assert shown.loc[grade, column] == pytest.approx(100 * row["rate"])
        elif grade in shown.index:
            assert np.isnan(shown.loc[grade, column])
    assert n.ranks.low_third_of_b == cells["B", "low"]["rate"] < n.ranks.high_third_of_b


def test_what_the_words_claim_is_so(n):
    ranks, lost, ways = n.ranks, n.blocks.lost_without, n.blocks.ways
    # the mark is missed, though inside the interval; with the sub-grade passed, not beyond doubt
    assert ranks.auc < ranks.mark < ranks.auc.high and ranks.both.low < ranks.mark < ranks.both
    assert ranks.over_sub_grade.low > 0 and ranks.over_sub_grade_36.low > 0
    # debt service is nothing once income and used limits are known
    assert n.aloud.odds["dti"].low < 1 < n.aloud.odds["dti"].high
    # searches, limits and purpose about as much as ability together or more; the record less
    assert min(lost["inquiries"], lost["use of limits"]) > lost["ability"] > lost["record"]
    # as groups move over, willingness leads, then the two are close, then ability leads by far
    gap = ways["willingness"] - ways["ability"]
    assert len(ways) == 4 and gap.is_monotonic_decreasing
    assert gap.iloc[1] > 10 > abs(gap.iloc[2]) and gap.iloc[3] < -20
