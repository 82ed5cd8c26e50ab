"""Numbers of the chapter on stages, recomputed another way."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from p2pbook.chapters import stages
from p2pbook.lendingclub import CLASSES
from p2pbook.replications import replication
from p2prisk.datasets import load

N = stages.compute()
COUNTS = load("lendingclub-2007-2011-counts").frame
ORDER = ["paid", "paid late", "loss after half", "loss early"]


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_each_stage_is_a_binary_logit_of_the_loans_that_reach_it(stage):
    code = COUNTS["severity"].map({name: i for i, name in enumerate(ORDER)}).astype(int)
    part = COUNTS[code >= stage]
    design = pd.get_dummies(part[list(CLASSES)].astype(str), dtype=float)
    reference = [
        "term_36",
        "income_band_under 27,000",
        "dti_band_under 13",
        "employment_band_stated",
        "inquiries_band_0",
        "utilisation_band_under 31",
        "public_record_0",
        "purpose_group_lower loss",
    ]
    design = sm.add_constant(design.drop(columns=reference))
    fit = sm.GLM(code[code >= stage] > stage, design, sm.families.Binomial(), freq_weights=part["n"]).fit(tol=1e-12)
    where = ("first", "second", "third")[stage]
    for name, mine in (("income_band_66,000 and over", N.income), ("public_record_1 and over", N.record)):
        assert float(mine[where]) == pytest.approx(np.exp(fit.params[name]), rel=1e-7)
        assert float(mine[where].low) == pytest.approx(np.exp(fit.conf_int().loc[name, 0]), rel=1e-6)


def test_counts():
    total = COUNTS.groupby("severity", observed=True)["n"].sum()
    assert N.loans == total.sum() and N.lost == total["loss after half"] + total["loss early"]
    assert N.late_or_lost == N.lost + total["paid late"]


def test_the_words_of_the_chapter_hold():
    assert N.income["first"].high < 1 < N.income["second"].high and N.income["second"].low < 1
    assert N.record["first"].low > 1 and N.record["third"].high < 1
    assert abs(N.cumulative) < 1.96
    assert N.chi2 > 100 and N.moved < 0.02 and N.turned.startswith("One of the 13")
    by_stage = N.slopes.pivot(index="column", columns="cut", values="slope").abs()
    term = by_stage.loc["C(term)[T.60]"]
    assert (term > 0.5).all()
    others = by_stage.drop(index="C(term)[T.60]")
    assert (others["paid|paid late"].mean() > 2 * others.drop(columns="paid|paid late").mean()).all()


def test_the_turn_is_judged_among_all_later_slopes():
    later = N.slopes[N.slopes["cut"] != "paid|paid late"].sort_values("pvalue").reset_index(drop=True)
    place = later.index[(later["column"] == "C(public_record)[T.1 and over]") & later["cut"].str.startswith("loss")][0]
    holm = max(later["pvalue"][k] * (len(later) - k) for k in range(place + 1))
    assert len(later) == 26 and N.record_holm == pytest.approx(holm)


def slopes(*rows):
    cuts = ["a|b", "b|c"]
    return pd.DataFrame(
        [
            (f"x{i}", cut, slope, 0.001 if sure else 0.5)
            for i, row in enumerate(rows)
            for cut, (slope, sure) in zip(cuts, row, strict=True)
        ],
        columns=["column", "cut", "slope", "pvalue"],
    )


FALLS, TURNS, UNSURE, GROWS = (
    [(1.0, True), (0.5, True)],
    [(1.0, True), (-0.5, True)],
    [(1.0, True), (-0.5, False)],
    [(0.5, True), (1.0, True)],
)


@pytest.mark.parametrize(
    "rows, turned, largest",
    [
        ([FALLS, UNSURE], "None of the 2 turns", "All 2 slopes are largest"),
        ([FALLS, TURNS], "One of the 2 turns", "All 2 slopes are largest"),
        ([FALLS, TURNS, TURNS], "Two of the 3 turn their", "All 3 slopes"),
        ([TURNS], "All 1 turn", "All 1 slopes"),
        ([GROWS, FALLS], "None of the 2 turns", "One of the 2 slopes is largest"),
        ([GROWS, GROWS], "None of the 2 turns", "None of the 2 slopes is largest"),
    ],
)
def test_sentences_count(rows, turned, largest):
    frame = slopes(*rows)
    assert stages.turned_sentence(frame).startswith(turned)
    assert stages.first_largest_sentence(frame).startswith(largest)


def test_the_drawn_rows_carry_the_questions():
    assert set(N.drawn["cut"]) == set(stages.STAGES) and set(N.drawn["column"]) == set(stages.DRAWN)
    first = N.slopes[(N.slopes["column"] == "C(term)[T.60]") & (N.slopes["cut"] == "paid|paid late")]["slope"].item()
    drawn = N.drawn[(N.drawn["column"] == "C(term)[T.60]") & (N.drawn["cut"] == stages.STAGES[0])]["slope"].item()
    assert first == drawn


def test_when_loans_fail_is_as_the_words_say():
    when, hazard = N.when, replication("e2-hazard")
    effects = hazard.table("effects").set_index("name")
    clear = effects[effects["default_change_holm"] < 0.05]
    assert set(clear.index) == {"income", "inquiries", "purpose[T.other]", "purpose[T.small business]"}
    assert (clear["default_change"] * clear["default_early"] < 0).all() and when.growing == "no slope grows stronger"
    assert when.fading_without_exceptions == "all 4 changes are clear"
    assert (clear["others_change"] / clear["others_change_se"]).abs().min() > 2
    # above 40,000 dollars income matters later, too
    late = effects.loc[["income", "income_above_40k"], "default_late"].sum()
    assert late < -0.3
    # 60 months fail sooner at every age, by less than the final odds
    assert 1 < hazard.table("term")["low"].min() and when.term_highest < np.exp(
        replication("e2-outcome").table("coefficients").set_index("name").loc["long_term", "estimate"]
    )
    gap = {age: when.lost[f"60 at {age}"] - when.lost[f"36 at {age}"] for age in (12, 24, 36)}
    final = (
        hazard.table("incidence").query("cause == 'default' and term == 60")["share"].iloc[-1] - when.lost["36 at 36"]
    )
    assert when.lost["60 at 12"].low > when.lost["36 at 12"].high and gap[36] > final / 2


def test_incidence_from_the_loans_themselves():
    from p2prisk.errors import DataError

    try:
        frame = load("lendingclub-2007-2011").frame
    except DataError as absent:
        pytest.skip(str(absent))
    part = frame[(frame["issue_date"] >= "2010-05-01") & (frame["term"] == 60)]
    months = 12 * (part["last_payment_date"].dt.year - part["issue_date"].dt.year) + (
        part["last_payment_date"].dt.month - part["issue_date"].dt.month
    )
    lost = part["bad"] & (months.fillna(0) <= 24)
    assert N.when.lost["60 at 24"] == pytest.approx(lost.mean())
