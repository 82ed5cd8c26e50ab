"""The five findings of the book: their numbers in one place, and the table that states them."""

import numpy as np
import pandas as pd

from p2pbook.reading import coefficient_table
from p2pbook.replications.store import replication
from p2pbook.traits import GRADE_TRAITS, complete, design, formula
from p2prisk import assumptions
from p2prisk.datasets import load
from p2prisk.effects import explained, explained_interval
from p2prisk.ordered import OrderedLogit

#: marks set before the look at 2011: area under the curve out of time, and calibration slope at each cut
MARK_AUC = 0.70

MARK_SLOPE = (0.9, 1.1)


def findings():
    """The numbers behind the five findings, from the live grade model and the frozen replications.

    Returns
    -------
    dict of str to float
    """
    frame = load("lendingclub-2018").frame
    loans, _ = complete(design(frame, GRADE_TRAITS, "grade"))
    grade = OrderedLogit.from_formula(formula("grade", GRADE_TRAITS), loans).fit()
    slopes = coefficient_table(grade, GRADE_TRAITS).set_index("name")
    term = assumptions.slopes_by_threshold(assumptions.fit_by_cut(grade, merge="categories"))
    term = np.exp(term[term["column"] == "long_term"]["slope"])
    outcome, robust = replication("e2-outcome"), replication("e2-robustness")
    prosper = replication("e3-prosper").table("auc").set_index("model")
    carried = replication("e3-prosper").table("auc_differences").set_index(["first", "second"])
    carried = carried.loc[("traits without score", "Lending Club slopes")]
    blocks, auc = outcome.table("blocks").set_index("block"), outcome.table("auc").set_index("model")
    groups = outcome.table("groups").set_index("block")["share_added"]
    points = robust.table("block_effects").set_index("block")
    gap = outcome.table("auc_differences").set_index(["first", "second"]).loc[("ordered logit", "sub-grade")]
    trees = outcome.table("auc_differences").set_index(["first", "second"]).loc[("ordered logit", "gradient boosting")]
    calibration = outcome.table("calibration").set_index("cut").loc["paid late|loss after half"]
    explained_low, explained_high = explained_interval(grade)
    return {
        "grade_loans": len(loans),
        "explained": explained(grade)["mckelvey_zavoina"],
        "explained_low": explained_low,
        "explained_high": explained_high,
        "term_grade": slopes.loc["long_term", "odds_ratio"],
        "term_grade_low": slopes.loc["long_term", "low"],
        "term_grade_high": slopes.loc["long_term", "high"],
        "term_cut_low": term.min(),
        "term_cut_high": term.max(),
        "train": outcome["train"],
        "test": outcome["test"],
        "willingness": blocks.loc["willingness", "share_added"],
        "ability": blocks.loc["ability", "share_added"],
        "willingness_points": points.loc["willingness", "points"],
        "willingness_low": points.loc["willingness", "low"],
        "willingness_high": points.loc["willingness", "high"],
        "ability_points": points.loc["ability", "points"],
        "ability_low": points.loc["ability", "low"],
        "ability_high": points.loc["ability", "high"],
        "auc": auc.loc["ordered logit", "auc"],
        "auc_low": auc.loc["ordered logit", "ci_low"],
        "auc_high": auc.loc["ordered logit", "ci_high"],
        "auc_sub_grade": auc.loc["sub-grade", "auc"],
        "auc_boosting": auc.loc["gradient boosting", "auc"],
        "auc_both": auc.loc["ordered logit and sub-grade", "auc"],
        "gap": gap["difference"],
        "gap_low": gap["ci_low"],
        "gap_high": gap["ci_high"],
        "trees_low": trees["ci_low"],
        "trees_high": trees["ci_high"],
        "trees": trees["difference"],
        "observed": calibration["observed"],
        "predicted": calibration["predicted"],
        "specifications": robust["specifications"],
        "flipped": robust["flipped_signs"],
        "carried": prosper.loc["Lending Club slopes", "auc"],
        "rating": prosper.loc["rating", "auc"],
        "prosper_own": prosper.loc["traits without score", "auc"],
        "carried_low": prosper.loc["Lending Club slopes", "ci_low"],
        "carried_high": prosper.loc["Lending Club slopes", "ci_high"],
        "carried_gap": carried["difference"],
        "carried_gap_low": carried["ci_low"],
        "carried_gap_high": carried["ci_high"],
        "auc_both_low": auc.loc["ordered logit and sub-grade", "ci_low"],
        "auc_both_high": auc.loc["ordered logit and sub-grade", "ci_high"],
        "inquiries": groups["inquiries"],
        "limits": groups["use of limits"],
        "purpose": groups["purpose"],
        "record": groups["record"],
    }


def findings_table(found):
    """The five findings in words.

    Parameters
    ----------
    found : dict
        From :func:`findings`.

    Returns
    -------
    pandas.DataFrame
        ``finding``, ``size``, ``data``, ``would be overturned by``.
    """
    f = found
    return pd.DataFrame(
        [
            (
                "The platform's grade follows term, cards, debt service and record; income adds almost nothing",
                f"{100 * f['explained']:.0f} % of the variance behind the grade ({100 * f['explained_low']:.0f} to "
                f"{100 * f['explained_high']:.0f}); 60 months: {f['term_grade']:.1f} times the "
                f"odds of a worse grade ({f['term_grade_low']:.1f} to {f['term_grade_high']:.1f})",
                "Lending Club 2018, live",
                "the bureau score, added, taking away the effect of the cards",
            ),
            (
                "Repayment follows recent searches for credit and used limits more than income; the record of past "
                "payment adds less still",
                f"one standard deviation of willingness: {f['willingness_points']:.1f} points more charged off "
                f"({f['willingness_low']:.1f} to {f['willingness_high']:.1f}); of ability: {f['ability_points']:.1f} "
                f"({f['ability_low']:.1f} to {f['ability_high']:.1f}). Share of the fit lost without "
                f"inquiries {100 * f['inquiries']:.0f} %, use of limits {100 * f['limits']:.0f} %, "
                f"purpose {100 * f['purpose']:.0f} %, record {100 * f['record']:.0f} %",
                "Lending Club 2007–2010, frozen",
                "calling inquiries and used limits a lack of means: then ability leads; or verified incomes that "
                "carry more",
            ),
            (
                "A readable model ranks later loans better than the platform's sub-grade and as well as gradient "
                "boosting",
                f"area {f['auc']:.3f} ({f['auc_low']:.3f} to {f['auc_high']:.3f}); {f['gap']:.3f} above the sub-grade "
                f"({f['gap_low']:.3f} to {f['gap_high']:.3f}); {f['trees']:.3f} above boosting ({f['trees_low']:.3f} "
                f"to {f['trees_high']:.3f}); with the sub-grade {f['auc_both']:.3f}",
                "Lending Club 2011, frozen",
                "another later year in which the sub-grade ranks as well; boosting tuned over more than three settings",
            ),
            (
                "One slope for all cuts is false for the term; directions do not hang on it, probabilities of single "
                "grades do",
                f"the odds ratio of 60 months runs from {f['term_cut_low']:.1f} to {f['term_cut_high']:.1f} over the "
                f"cuts of the grade; {f['flipped']} signs of six strong traits turned in {f['specifications']} "
                "specifications of the repayment model",
                "Lending Club 2018, live; 2007–2010, frozen",
                "a specification that turns a sign",
            ),
            (
                "Directions travel; what two files share is too little to score with",
                f"Lending Club's slopes rank Prosper's loans with {f['carried']:.3f} ({f['carried_low']:.3f} to "
                f"{f['carried_high']:.3f}), {f['carried_gap']:.3f} below Prosper's own slopes on the same traits "
                f"({f['carried_gap_low']:.3f} to {f['carried_gap_high']:.3f}); Prosper's rating with "
                f"{f['rating']:.3f}".replace("(-", "(\N{MINUS SIGN}"),
                "Prosper 2009–2011, frozen; PPDai counts, live",
                "a Chinese file of outcomes in which inquiries, grade or purpose say nothing",
            ),
        ],
        columns=["finding", "size", "data", "would be overturned by"],
    )
