"""Numbers of the chapter on verification, recomputed another way from its own cells and from the stored results."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.formula.api import logit
from statsmodels.stats.multitest import multipletests

from p2pbook import findings
from p2pbook.chapters import verification
from p2pbook.chapters.verification import LABELS, compute, freed_term, other_checks, rivals
from p2pbook.grade_model import grade_model
from p2pbook.reading import p_words
from p2pbook.replications import replication
from p2prisk.assumptions import brant
from p2prisk.datasets import load


@pytest.fixture(scope="module")
def n():
    return compute()


@pytest.fixture(scope="module")
def shown(run_shown):
    """The names that the cells on the page leave behind: the model, Brant's test, the freed term."""
    from p2prisk.tables import show

    cells = ["verification-model", "verification-lines", "verification-freed"]
    return run_shown("chapters/verification.qmd", *cells, verification=verification, show=show)


def test_the_page_tests_the_model_of_the_chapter_on_the_grade(shown, n):
    assert shown["result"].params.equals(grade_model().params)
    grade = shown["loans"]["grade"].astype(str)
    assert shown["five"]["grade"].astype(str).equals(grade.where(grade < "E", "E–G"))


def test_slopes_of_the_term_by_binary_logits_of_another_library(shown, n):
    traits = shown["words"].partition("~")[2]
    found = {}
    for cut in ("A", "B", "C"):
        beyond = shown["loans"].assign(beyond=(shown["loans"]["grade"] > cut).astype(int))
        fit = logit("beyond ~" + traits, beyond).fit(disp=0)
        found[cut] = np.exp(fit.params["long_term"]), np.exp(fit.conf_int().loc["long_term"])
    lines = shown["lines"]
    for cut, value in (("A", lines.leaving_a), ("C", lines.d_or_worse)):
        assert value == pytest.approx(found[cut][0], rel=1e-4)
    # this interval takes the covariance of a possibly wrong model, statsmodels' that of a true one
    assert lines.leaving_a.low == pytest.approx(found["A"][1][0], rel=0.1)
    # the same cut has the same interval in the register
    highest = findings.compute().stability.term_highest
    assert lines.leaving_a.interval == highest.interval and str(lines.leaving_a) == str(highest)


def test_brant_by_trait_as_it_is_printed(shown):
    lines = shown["lines"]
    table = lines.table.set_index("trait")
    assert lines.table["trait"].iloc[-1] == "all together" and set(table.index[:-1]) == set(LABELS.values())
    assert lines.df == table["df"].iloc[:-1].sum() == table.loc["all together", "df"]
    # "the term is the largest part"
    assert table["chi-square"].iloc[:-1].astype(float).idxmax() == LABELS["long_term"]


def test_holm_by_another_library_and_the_interval_allows_for_the_choice(shown):
    tests = brant(shown["cuts"])
    single = tests.drop(index="Omnibus")
    rejected, adjusted, *_ = multipletests(single["pvalue"], 0.05, method="holm")
    assert shown["lines"].rejected == f"{rejected.sum()} of {len(single)}" and rejected.sum() < len(single)
    printed = shown["lines"].table.set_index("trait")["p, Holm"]
    assert printed.iloc[:-1].tolist() == [p_words(p, 3) for p in adjusted]
    # one column, four cuts: the interval of the clearest departure is that of four
    slopes = shown["slopes"].query("column == 'long_term'").set_index("cut")
    row = tests.loc["long_term"]
    half = (row["departure_high"] - row["departure"]) / norm.isf(0.025 / len(slopes))
    assert half < slopes.loc[row["cut"], "se"] * slopes.loc[row["cut"], "spread"]
    assert row["departure"] + 1.96 * half < row["departure_high"]


def test_what_freeing_the_term_moves(shown):
    common, free, freed = shown["common"], shown["free"], shown["freed"]
    shifts, turned = [], 0
    for name in common.params.index[: len(common.slopes)]:
        if name in free.params.index:
            shifts.append(abs(free.params[name] - common.params[name]) / common.bse[name])
            clear = abs(common.params[name] / common.bse[name]) > 2
            turned += clear and common.params[name] * free.params[name] < 0
    assert freed.largest_shift == pytest.approx(max(shifts)) and len(shifts) == 30
    assert turned == 0 and freed.signs == "none changes its sign"
    distance = np.abs(np.asarray(free.predict()) - np.asarray(common.predict())).sum(axis=1) / 2
    assert freed.moved == pytest.approx(distance.mean(), rel=1e-6)


def test_a_turned_sign_is_counted(shown):
    common, free = shown["common"], shown["free"]
    name = "dti"
    turned = SimpleNamespace(params=free.params.copy(), bse=free.bse)
    turned.params[name] = -common.params[name]
    moved = pd.DataFrame({"mean_absolute": [0.1]}, ["all"])
    assert freed_term(common, turned, moved).signs == "one changes its sign"


def test_other_checks_from_small_tables():
    checks = other_checks(
        pd.DataFrame({"aic": [100.0, 131.4], "mean_departure": [0.012, 0.0]}, ["loglog", "logit"]),
        pd.DataFrame(
            {"pvalue": [1e-9, 0.5, np.nan, 1e-4], "largest_gap": [0.1, 0.05, 0.0, 0.23]},
            ["dti", "income", "long_term", "card_limit"],
        ),
        pd.DataFrame({"gvif_per_column": [1.1, 1.52]}),
        pd.DataFrame({"largest_shift": [0.2, -0.31]}),
    )
    assert (checks.bent, str(checks.link_moves)) == ("2 of 3", "1.2 %")
    assert (checks.bent_most, str(checks.loudest)) == (LABELS["card_limit"], "0.31")
    assert str(checks.inflation) == "1.52"


def test_gain_of_freeing_every_slope_is_positive_where_the_score_falls():
    models = ["ordered logit", "binary logits, one a cut"]
    columns = ["rps", "rps_skill", "c_index", "rps_difference", "rps_difference_low", "rps_difference_high"]
    table = pd.DataFrame([[0.08, 0.3, 0.8, 0, 0, 0], [0.0796, 0.31, 0.8, -0.0004, -0.0006, -0.0002]], models, columns)
    found = rivals(SimpleNamespace(table=table))
    assert str(found.gain) == "0.0004" and found.table["model"].tolist() == models


def test_frozen_numbers(n):
    outcome, verified = replication("e2-outcome"), replication("e2-verification")
    predicted = outcome["predicted_bad"]
    # the binary logit at the cut is close to that of all cuts together, where probabilities may not cross
    both = n.level.table.set_index("loans").loc["both terms"]
    form = 100 * (predicted["binary logits, one a cut"] - predicted["ordered logit"])
    assert both["of it form"] == pytest.approx(form, abs=0.05)
    assert both["miss, points"] == pytest.approx(100 * (n.time.observed - n.time.predicted), abs=1e-7)
    slopes = [
        row["slope"] for row in verified.table("slopes_by_cut").to_dict("records") if row["column"] == "long_term"
    ]
    assert [n.allowed.any_trouble, n.allowed.early] == pytest.approx(np.exp([slopes[0], slopes[-1]]))
    pvalues = [row["pvalue"] for row in verified.table("linearity").to_dict("records") if row["pvalue"] is not None]
    pvalues = [p for p in pvalues if not np.isnan(p)]
    assert min(pvalues) > 0.001 and n.allowed.bent == f"none of {len(pvalues)}"
    rows = replication("e2-robustness").table("specifications").to_dict("records")
    term = [row["odds_ratio"] for row in rows if row["label"] == "60 months"]
    assert (n.stable.lowest["60 months"], n.stable.highest["60 months"]) == (min(term), max(term))
    lead = n.level.ranks.set_index(["loans", "fitted"])["AUC less sub-grade"]
    area = {(row["term"], row["model"]): row["auc"] for row in outcome.table("auc_by_term").to_dict("records")}
    assert lead["60 months", "in hindsight"] == pytest.approx(area[60, "ordered logit"] - area[60, "sub-grade"])


def test_what_the_words_claim_is_so(n):
    time = n.time
    assert time.within_mark == "all three estimates lie within, one with its whole interval"
    assert time.slope_60.high < time.mark_low
    assert n.stable.flipped == "never flipped"
    assert n.allowed.log_score_freed < n.allowed.log_score


def test_what_is_said_of_the_level_is_so(n):
    level = n.level
    # two fifths are the form, nearly all of it at 60 months; the year's part is not beyond doubt
    miss = level.table.set_index("loans")
    assert 0.35 < level.form_share < 0.45
    assert miss.loc["36 months", "of it form"] < 0.1 * miss.loc["60 months", "of it form"]
    assert level.year_clear.startswith("the year's part is beyond doubt for neither")
    assert (miss["from"] < 0).all() and (miss.loc[["both terms", "60 months"], "of it year"] > 0).all()
    # on the day no difference is beyond doubt, in hindsight each is, by either interval
    for _, row in level.ranks.iterrows():
        ends = (row["DeLong: from"], row["refitted: from"])
        assert (min(ends) > 0) == (row["fitted"] == "in hindsight"), row
    # on the day too spread, and further from what came
    table = level.distance.set_index(["loans", "fitted"])
    for loans in ("both terms", "36 months", "60 months"):
        assert table.loc[(loans, "on the day"), "slope"] < table.loc[(loans, "in hindsight"), "slope"]
    assert (table["ICI, points"] <= table["to "]).all() and (table["from "] >= 0).all()


def test_the_models_are_reconciled(n):
    models = n.level.models.set_index("model")
    verdicts = models["verdict"]
    assert verdicts["repayment model"] == "36: too low; 60: too low"
    assert verdicts["scorecard"] == "36: too high; 60: too low" and verdicts["watch model"] == "36: too high"
    assert verdicts["hazard on the day"].startswith("36: too high")
    # the score card's two misses nearly cancel
    said, came = models.loc["scorecard"], models.loc["what came"]
    assert abs(said["both, %"] - came["both, %"]) < 0.6
    assert said["36: said, %"] - came["36: said, %"] > 1
    assert came["60: said, %"] - said["60: said, %"] > 3
    counts = load("lendingclub-2007-2011-counts").frame.query("issue_year == 2011")
    lost = counts["severity"].isin(["loss after half", "loss early"])
    assert came["both, %"] == pytest.approx(100 * counts.loc[lost, "n"].sum() / counts["n"].sum(), abs=0.05)
