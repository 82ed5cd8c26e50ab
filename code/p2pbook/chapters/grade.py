"""Chapter *What the platform's grade sees*: the live model of Lending Club's grade of 2018."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook import reading
from p2pbook.explorers import Explorer, of_thresholds
from p2pbook.grade_model import grade_loans, grade_model
from p2pbook.known import Descriptive, stamp
from p2pbook.traits import GRADE_TRAITS
from p2pbook.values import Value, count, estimates, share
from p2pbook.words import by_count, dated
from p2prisk import OrderedLogit
from p2prisk.datasets import load
from p2prisk.effects import class_shares_if, explained, explained_interval
from p2prisk.validation import concordance

#: odds ratios that are read with one digit
_ONE_DIGIT = {"long_term": 1, "delinquency[T.within a year]": 1}

_WORSE_THAN_C = ["D", "E", "F", "G"]


@dataclass(frozen=True)
class Grade:
    """Numbers and tables of the chapter."""

    period: str
    loans_on_file: Value
    loans: Value
    #: sentence: rows with a blank
    set_aside: str
    #: loans with the grade F or G
    thin_grades: Value
    slopes: pd.DataFrame
    #: the ten clearest, to draw
    clearest: pd.DataFrame
    #: slopes as they are printed
    estimates: pd.DataFrame
    #: name of the slope -> odds ratio of a worse grade
    odds: dict
    #: odds ratio of a doubled income in a model of income alone
    income_alone: Value
    #: lowest and highest odds ratio of time with the employer and home
    quiet_lowest: Value
    quiet_highest: Value
    fit: "Fit"
    shares: "Shares"
    explorer: Explorer


@dataclass(frozen=True)
class Fit:
    """How much of the grade the model explains, and how far its numbers can be trusted."""

    #: share of the variance behind the grade
    explained: Value
    #: share of pairs with different grades that are ranked the right way round
    ranked: Value
    #: block -> share of the gain lost without it
    lost_without: dict
    #: robust standard errors as shares of the printed ones
    sandwich_lowest: Value
    sandwich_highest: Value
    #: correct significant digits of the worst coefficient, twelve at most
    digits: Value


@dataclass(frozen=True)
class Shares:
    """What the model says in shares of borrowers."""

    #: probability of A or B of the typical borrower, by term
    typical_36: Value
    typical_60: Value
    #: share of D and worse if everybody had the term
    everybody_36: Value
    everybody_60: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Grade
    """
    (loans, gaps), result, tape = grade_loans(), grade_model(), load("lendingclub-2018")
    slopes = reading.coefficient_table(result, GRADE_TRAITS)
    odds = slopes.set_index("name")["odds_ratio"]
    quiet = odds[odds.index.str.startswith(("employment", "home"))]
    alone = OrderedLogit.from_formula("grade ~ income", loans).fit()
    return Grade(
        period=dated(tape.provenance["period"]),
        loans_on_file=count(len(tape)),
        loans=count(len(loans)),
        set_aside=by_count(
            int(gaps["rows"].sum()),
            len(tape),
            none="No row has a blank in a trait",
            one="One row with a blank is set aside",
            some="{part} rows with a blank are set aside",
            every="All rows have a blank",
        ),
        thin_grades=count(loans["grade"].isin(["F", "G"]).sum()),
        slopes=slopes,
        clearest=reading.clearest(slopes),
        estimates=reading.printed_estimates(slopes),
        odds=estimates(slopes.set_index("name"), "odds_ratio", own=_ONE_DIGIT),
        income_alone=Value(np.exp(alone.params["income"])),
        quiet_lowest=Value(quiet.min()),
        quiet_highest=Value(quiet.max()),
        fit=_fit(result, loans),
        shares=_shares(result, loans, slopes),
        explorer=of_thresholds(result),
    )


@stamp(Descriptive("how well traits tell the grade that the platform set on the same day"))
def _fit(result, loans):
    measures, score = explained(result), result.predict(which="linear")
    ranked = concordance(loans["grade"], score)
    blocks = reading.block_contributions(loans, "grade", GRADE_TRAITS).set_index("block")["share_added"]
    sandwich = result.with_covariance("HC0").bse / result.bse
    return Fit(
        explained=share(measures["mckelvey_zavoina"], 0, *explained_interval(result)),
        ranked=share(ranked.c_index, 0, ranked.ci_low, ranked.ci_high),
        lost_without={block: share(lost, 0) for block, lost in blocks.items()},
        sandwich_lowest=share(sandwich.min(), 0),
        sandwich_highest=share(sandwich.max(), 0),
        digits=count(min(int(result.digits), 12)),
    )


def _shares(result, loans, slopes):
    borrowers = result.predict(reading.representative_borrowers(loans, slopes))
    return Shares(
        typical_36=share(borrowers.loc["typical, 36 months", ["A", "B"]].sum(), 0),
        typical_60=share(borrowers.loc["typical, 60 months", ["A", "B"]].sum(), 0),
        everybody_36=share(class_shares_if(result, loans, long_term=0.0)[_WORSE_THAN_C].sum(), 0),
        everybody_60=share(class_shares_if(result, loans, long_term=1.0)[_WORSE_THAN_C].sum(), 0),
    )
