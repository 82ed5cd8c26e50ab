"""Numbers that more than one part of the book reads: the grade, its cuts, the fit with final outcomes, Prosper."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import norm

from p2pbook.grade_model import grade_loans, grade_model
from p2pbook.reading import coefficient_table
from p2pbook.replications.store import replication, stamped
from p2pbook.traits import GRADE_TRAITS
from p2pbook.values import Value, count, estimate, share
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
class RankingFinding:
    """The repayment model fitted on final outcomes of the loans to 2010 and asked about 2011: hindsight."""

    train: Value
    test: Value
    #: areas under the curve
    auc: Value
    sub_grade: Value
    both: Value
    #: differences of areas
    lead: Value
    #: shares charged off
    predicted: Value
    observed: Value
    #: area that was asked for before the look at 2011, and how often its outcomes were looked at for it
    mark: Value
    looks: Value

    @property
    def missing(self):
        """Points of loss that the prediction fell short by."""
        return share(self.observed - self.predicted)


@dataclass(frozen=True)
class StabilityFinding:
    """One slope does not hold for all cuts of the grade."""

    #: lowest and highest odds ratio of the term over the cuts of the grade
    term_lowest: Value
    term_highest: Value


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
    """What :func:`compute` gives."""

    grade: GradeFinding
    ranking: RankingFinding
    stability: StabilityFinding
    travel: TravelFinding


@cache
def compute():
    """The numbers, from the live grade model and the frozen replications.

    Returns
    -------
    Findings
    """
    return Findings(_grade(), _ranking(), _stability(), _travel())


def _grade():
    result = grade_model()
    slopes = coefficient_table(result, GRADE_TRAITS).set_index("name")
    low, high = explained_interval(result)
    return GradeFinding(
        loans=count(len(grade_loans()[0])),
        explained=share(explained(result)["mckelvey_zavoina"], 0, low, high),
        term=estimate(slopes.loc["long_term"], "odds_ratio", 1, "low", "high"),
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
        both=estimate(auc.loc["ordered logit and sub-grade"], "auc", 3),
        lead=estimate(leads.loc[("ordered logit", "sub-grade")], "difference", 3),
        predicted=share(calibration["predicted"]),
        observed=share(calibration["observed"]),
        mark=Value(MARK_AUC),
        looks=count(outcome["looks_at_2011"]),
    )


def _stability():
    slopes = assumptions.slopes_by_threshold(assumptions.fit_by_cut(grade_model(), merge="categories"))
    term = slopes[slopes["column"] == "long_term"].sort_values("slope")
    # the cuts were picked by their size: an interval for each of them at once (Bonferroni)
    half = norm.isf(0.025 / len(term)) * term["se"]
    ends = np.exp(pd.DataFrame({"value": term["slope"], "low": term["slope"] - half, "high": term["slope"] + half}))
    return StabilityFinding(
        *(Value(row.value, 1, low=row.low, high=row.high) for row in ends.iloc[[0, -1]].itertuples())
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
