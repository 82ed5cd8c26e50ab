"""The five findings of the book: their numbers in one place, and the table that states them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook.grade_model import grade_loans, grade_model
from p2pbook.reading import coefficient_table
from p2pbook.replications.store import replication, stamped
from p2pbook.traits import GRADE_TRAITS
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count
from p2prisk import assumptions
from p2prisk.effects import explained, explained_interval

#: marks set before the look at 2011: area under the curve out of time, and calibration slope at each cut
MARK_AUC = 0.70

MARK_SLOPE = (0.9, 1.1)

#: The cut between loans that were repaid and loans that were charged off.
CHARGED_OFF = "paid late|loss after half"


@dataclass(frozen=True)
class GradeFinding:
    """The grade follows term, cards, debt service and record."""

    loans: Value
    #: share of the variance behind the grade
    explained: Value
    #: odds of a worse grade, 60 months against 36
    term: Value


@dataclass(frozen=True)
class RepaymentFinding:
    """Repayment follows searches and limits more than income."""

    #: points more charged off for one standard deviation of the block
    willingness: Value
    ability: Value
    #: group of traits -> share of the fit lost without it
    lost_without: dict


@dataclass(frozen=True)
class RankingFinding:
    """A readable model holds out of time."""

    train: Value
    test: Value
    #: areas under the curve
    auc: Value
    sub_grade: Value
    boosting: Value
    both: Value
    #: differences of areas
    lead: Value
    lead_over_boosting: Value
    #: shares charged off
    predicted: Value
    observed: Value

    @property
    def missing(self):
        """Points of loss that the prediction fell short by."""
        return share(self.observed - self.predicted)


@dataclass(frozen=True)
class StabilityFinding:
    """Directions do not hang on the model, probabilities of single grades do."""

    #: lowest and highest odds ratio of the term over the cuts of the grade
    term_lowest: Value
    term_highest: Value
    specifications: Value
    #: "no sign", "one sign", "3 signs" or "every sign"
    signs: str


@dataclass(frozen=True)
class TravelFinding:
    """Directions travel; what two files share is too little to score with."""

    #: areas under the curve on Prosper's loans
    carried: Value
    own: Value
    rating: Value
    #: what the carried slopes lose against Prosper's own
    lost: Value


@dataclass(frozen=True)
class Findings:
    """The five findings."""

    grade: GradeFinding
    repayment: RepaymentFinding
    ranking: RankingFinding
    stability: StabilityFinding
    travel: TravelFinding


@cache
def compute():
    """The numbers behind the five findings, from the live grade model and the frozen replications.

    Returns
    -------
    Findings
    """
    return Findings(_grade(), _repayment(), _ranking(), _stability(), _travel())


def _grade():
    result = grade_model()
    slopes = coefficient_table(result, GRADE_TRAITS).set_index("name")
    low, high = explained_interval(result)
    return GradeFinding(
        loans=count(len(grade_loans()[0])),
        explained=share(explained(result)["mckelvey_zavoina"], 0, low, high),
        term=estimate(slopes.loc["long_term"], "odds_ratio", 1, "low", "high"),
    )


def _repayment():
    points = replication("e2-robustness").table("block_effects").set_index("block")
    groups = replication("e2-outcome").table("groups").set_index("block")["share_added"]
    return RepaymentFinding(
        willingness=estimate(points.loc["willingness"], "points", 1, "low", "high"),
        ability=estimate(points.loc["ability"], "points", 1, "low", "high"),
        lost_without={group: share(lost, 0) for group, lost in groups.items()},
    )


@stamped("e2-outcome")
def _ranking():
    outcome = replication("e2-outcome")
    auc = outcome.table("auc").set_index("model")
    leads = outcome.table("auc_differences").set_index(["first", "second"])
    calibration = outcome.table("calibration").set_index("cut").loc[CHARGED_OFF]
    return RankingFinding(
        train=count(outcome["train"]),
        test=count(outcome["test"]),
        auc=estimate(auc.loc["ordered logit"], "auc", 3),
        sub_grade=estimate(auc.loc["sub-grade"], "auc", 3),
        boosting=estimate(auc.loc["gradient boosting"], "auc", 3),
        both=estimate(auc.loc["ordered logit and sub-grade"], "auc", 3),
        lead=estimate(leads.loc[("ordered logit", "sub-grade")], "difference", 3),
        lead_over_boosting=estimate(leads.loc[("ordered logit", "gradient boosting")], "difference", 3),
        predicted=share(calibration["predicted"]),
        observed=share(calibration["observed"]),
    )


def _stability():
    slopes = assumptions.slopes_by_threshold(assumptions.fit_by_cut(grade_model(), merge="categories"))
    term = np.exp(slopes.loc[slopes["column"] == "long_term", "slope"])
    robust = replication("e2-robustness")
    readings = int((robust.table("specifications")["specification"] != "main").sum())
    return StabilityFinding(
        term_lowest=Value(term.min(), 1),
        term_highest=Value(term.max(), 1),
        specifications=count(robust["specifications"]),
        signs=by_count(robust["flipped_signs"], readings, "no sign", "one sign", "{part} signs", "every sign"),
    )


@stamped("e3-prosper")
def _travel():
    prosper = replication("e3-prosper")
    auc = prosper.table("auc").set_index("model")
    differences = prosper.table("auc_differences").set_index(["first", "second"])
    return TravelFinding(
        carried=estimate(auc.loc["Lending Club slopes"], "auc", 3),
        own=estimate(auc.loc["traits without score"], "auc", 3),
        rating=estimate(auc.loc["rating"], "auc", 3),
        lost=estimate(differences.loc[("traits without score", "Lending Club slopes")], "difference", 3),
    )


def findings_table(found):
    """The five findings in words.

    Parameters
    ----------
    found : Findings

    Returns
    -------
    pandas.DataFrame
        ``finding``, ``size``, ``data``, ``would be overturned by``.
    """
    grade, repayment, ranking = found.grade, found.repayment, found.ranking
    stability, travel, lost = found.stability, found.travel, found.repayment.lost_without
    return pd.DataFrame(
        [
            (
                "The platform's grade follows term, cards, debt service and record; income adds almost nothing",
                f"{grade.explained} of the variance behind the grade ({grade.explained.low.points} to "
                f"{grade.explained.high.points}); 60 months: {grade.term} times the odds of a worse grade "
                f"({grade.term.interval})",
                "Lending Club 2018, live",
                "the bureau score, added, taking away the effect of the cards",
            ),
            (
                "Repayment follows recent searches for credit and used limits more than income; the record of past "
                "payment adds less still",
                f"one standard deviation of willingness: {repayment.willingness} points more charged off "
                f"({repayment.willingness.interval}); of ability: {repayment.ability} ({repayment.ability.interval}). "
                f"Share of the fit lost without inquiries {lost['inquiries']}, use of limits {lost['use of limits']}, "
                f"purpose {lost['purpose']}, record {lost['record']}",
                "Lending Club 2007–2010, frozen",
                "calling inquiries and used limits a lack of means: then ability leads; or verified incomes that "
                "carry more",
            ),
            (
                "A readable model ranks later loans better than the platform's sub-grade and as well as gradient "
                "boosting",
                f"area {ranking.auc} ({ranking.auc.interval}); {ranking.lead} above the sub-grade "
                f"({ranking.lead.interval}); {ranking.lead_over_boosting} above boosting "
                f"({ranking.lead_over_boosting.interval}); with the sub-grade {ranking.both}",
                "Lending Club 2011, frozen",
                "another later year in which the sub-grade ranks as well; boosting tuned over more than three settings",
            ),
            (
                "One slope for all cuts is false for the term; directions do not hang on it, probabilities of single "
                "grades do",
                f"the odds ratio of 60 months runs from {stability.term_lowest} to {stability.term_highest} over the "
                f"cuts of the grade; {stability.signs} of six strong traits turned in {stability.specifications} "
                "specifications of the repayment model",
                "Lending Club 2018, live; 2007–2010, frozen",
                "a specification that turns a sign",
            ),
            (
                "Directions travel; what two files share is too little to score with",
                f"Lending Club's slopes rank Prosper's loans with {travel.carried} ({travel.carried.interval}), "
                f"{travel.lost} below Prosper's own slopes on the same traits ({travel.lost.interval}); Prosper's "
                f"rating with {travel.rating}",
                "Prosper 2009–2011, frozen; PPDai counts, live",
                "a Chinese file of outcomes in which inquiries, grade or purpose say nothing",
            ),
        ],
        columns=["finding", "size", "data", "would be overturned by"],
    )
