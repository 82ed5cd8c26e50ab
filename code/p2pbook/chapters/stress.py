"""Chapter *Stress*: what shocks do to the loans of 2011, what breaks them, and what breaks a pool that funds them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook.facts import facts
from p2pbook.lendingclub import lending_club_book, lending_club_model
from p2pbook.values import Value, count, share
from p2prisk.datasets import table
from p2prisk.stress import (
    Book,
    Scenario,
    breaking_shift,
    default_probability,
    least_reinvestment,
    months_to_failure,
    provision,
    shift_to_default_rate,
    stress_table,
)

#: The year whose default rate is brought back.
WORST_YEAR = 2007
#: Shares of the book, safest first, below which a grade ends.
GRADE_SHARES = (0.1, 0.25, 0.45, 0.65, 0.82, 0.94)
#: The return that lenders can earn elsewhere, and what every loss is multiplied by where recoveries are poor.
ELSEWHERE, POOR_RECOVERIES = 0.03, 1.15
#: Funding: loans outstanding, cash, months over which loans repay, months looked at, share invested again.
BALANCE, CASH, ASSET_MONTHS, HORIZON, REINVESTED = 100.0, 6.0, 12, 18, 0.7
#: Months over which lenders' money falls due.
MONEY = {"matched": 12, "three months": 3, "one month": 1}


@dataclass(frozen=True)
class Stress:
    """Numbers and tables of the chapter."""

    book: Book
    #: the book, and its loans of each term
    books: dict[str, Book]
    shocks: list[Scenario]
    stories: pd.DataFrame
    cuts: np.ndarray
    outcomes: pd.DataFrame
    loans: Value
    classes: Value
    default_rate: Value
    #: lenders' return a year as it is and with the default rate of the worst year
    calm_return: Value
    worst_return: Value
    #: year of issue -> share charged off
    rate: dict[int, Value]
    #: shift that brings back the default rate of the worst year
    history: Value
    #: points of return that a shock costs, and the share of the money it hits
    slump_cost: Value
    purpose_cost: Value
    purpose_hit: Value
    #: loss of a 36-month loan charged off early and late, and the share of what was still owed that came back
    loss_early: Value
    loss_late: Value
    recovered_early: Value
    recovered_late: Value
    #: share of charge-offs in the first twelve months; reserve as it is, just below a doubling of the odds and at it
    early_share: Value
    reserve: Value
    reserve_below: Value
    reserve_at: Value
    #: shift at which lenders earn nothing: of all loans and by term, on the odds, and against the worst year
    breaks: dict[str, Value]
    break_odds: Value
    break_to_history: Value
    #: the same where lenders can earn elsewhere, where recoveries are poor, and with both; which side of the worst year
    elsewhere: Value
    poor: Value
    both: Value
    both_side: str
    #: cash, share invested again, money -> least share invested again with which a platform pays for a year
    cash: Value
    reinvested: Value
    least: dict[str, Value]
    pool: str
    outflow: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Stress
    """
    book, rates = lending_club_book(), charged_off_by_year(lending_club_model()[1])
    history = shift_to_default_rate(book, rates[WORST_YEAR])
    shocks = _shocks(history)
    books = {"all": book, **{f"{term} months": book.part(book.frame["term"] == term) for term in (36, 60)}}
    return Stress(
        book=book,
        books=books,
        shocks=shocks,
        stories=pd.DataFrame([{"Scenario": shock.name, "What happens": shock.story} for shock in shocks]),
        cuts=grade_cuts(book, GRADE_SHARES),
        history=Value(history),
        rate={year: share(rate) for year, rate in rates.items()},
        loans=count(book.amount.sum()),
        classes=count(len(book.amount)),
        **_economics(),
        **_shocked(book, shocks),
        **_reserves(book),
        **_breaks(books, history),
        **_funding(),
    )


def charged_off_by_year(counts):
    """Share of the loans of each year of issue that was charged off.

    Parameters
    ----------
    counts : pandas.DataFrame
        Counts of :func:`~p2pbook.lendingclub.lending_club_model`: ``issue_year, n, bad``.

    Returns
    -------
    dict of float
    """
    loans = counts.groupby("issue_year")["n"].sum()
    bad = counts[counts["bad"]].groupby("issue_year")["n"].sum().reindex(loans.index, fill_value=0)
    return {int(year): float(rate) for year, rate in (bad / loans).items()}


def grade_cuts(book, shares):
    """Upper bounds of the probability of default of grades that hold given shares of the loans, safest first.

    Parameters
    ----------
    book : Book
        Its amounts are numbers of equal loans.
    shares : sequence of float
        Increasing; the share of all loans that lies below each bound.

    Returns
    -------
    numpy.ndarray
    """
    return np.quantile(np.repeat(default_probability(book), book.amount.astype(int)), shares)


def _shocks(history):
    incomes, purposes = {"under 27,000": 1.0, "27,000 to 66,000": 0.5}, {"higher loss": 1.5}
    return [
        Scenario("Slump", "The log odds of every borrower rise by 0.5", shift=0.5),
        Scenario(
            "Income shock", "Incomes under 27,000 dollars: 1.0; up to 66,000: 0.5", segments={"income_band": incomes}
        ),
        Scenario("A purpose collapses", "Purposes with the highest losses: 1.5", segments={"purpose_group": purposes}),
        Scenario("Long loans fail", "Loans of 60 months: 0.7", segments={"term": {60: 0.7}}),
        Scenario("Poor recoveries", "Every loss is 15 per cent larger", loss_factor=POOR_RECOVERIES),
        Scenario("As bad as 2007", "The shift that gives the default rate of the loans of 2007", shift=history),
    ]


def _economics():
    outcomes = table("lendingclub_outcomes")
    early, late = (
        outcomes.set_index(["term", "severity"]).loc[(36, f"loss {when}")] for when in ("early", "after half")
    )
    shown = outcomes.assign(earned=100 * outcomes["earned"], loss=100 * outcomes["loss"])
    shown = shown[["term", "severity", "loans", "earned", "loss", "years"]].rename(columns={"loss": "lost"})
    return {
        "outcomes": shown.rename(columns=str.capitalize),
        "loss_early": share(early["loss"], 0),
        "loss_late": share(late["loss"], 0),
        "recovered_early": share(early["recovered"], 0),
        "recovered_late": share(late["recovered"], 0),
    }


def _shocked(book, shocks):
    row = stress_table(book, shocks).set_index("scenario")
    cost = 100 * (row.loc["as it is", "annual_return"] - row["annual_return"])
    return {
        "default_rate": share(row.loc["as it is", "default_rate"]),
        "calm_return": share(row.loc["as it is", "annual_return"]),
        "worst_return": share(row.loc["As bad as 2007", "annual_return"]),
        "slump_cost": Value(cost["Slump"], 1),
        "purpose_cost": Value(cost["A purpose collapses"], 1),
        "purpose_hit": share(row.loc["A purpose collapses", "hit"]),
    }


def _reserves(book):
    return {
        "early_share": share(book.economics.early_share, 0),
        "reserve": share(provision(book)["provision"]),
        "reserve_below": share(provision(book, np.log(2) - 1e-9)["provision"]),
        "reserve_at": share(provision(book, np.log(2))["provision"]),
    }


def _breaks(books, history):
    breaks, book = {name: breaking_shift(part) for name, part in books.items()}, books["all"]
    both = breaking_shift(book, annual_return=ELSEWHERE, loss_factor=POOR_RECOVERIES)
    return {
        "breaks": {name: Value(shift) for name, shift in breaks.items()},
        "break_odds": Value(np.exp(breaks["all"]), 1),
        "break_to_history": Value(breaks["all"] / history, 1),
        "elsewhere": Value(breaking_shift(book, annual_return=ELSEWHERE)),
        "poor": Value(breaking_shift(book, loss_factor=POOR_RECOVERIES)),
        "both": Value(both),
        "both_side": side(both, history),
    }


def _funding():
    listed = facts()
    pool = {"asset_months": ASSET_MONTHS, "liability_months": MONEY["one month"]}
    least = {
        name: least_reinvestment(BALANCE, CASH, asset_months=ASSET_MONTHS, liability_months=months)
        for name, months in MONEY.items()
    }
    return {
        "cash": share(CASH / BALANCE, 0),
        "reinvested": share(REINVESTED, 0),
        "least": {name: share(value, 0) for name, value in least.items()},
        "pool": fate(months_to_failure(BALANCE, CASH, **pool, reinvested=REINVESTED, horizon=HORIZON), HORIZON),
        "outflow": share(listed.quoted("IND058", "73.088") / listed.quoted("IND058", "956.148")),
    }


def side(shift, history):
    """Say on which side of the worst year a breaking shift lies."""
    return "beyond" if shift > history else "short of"


def fate(month, horizon):
    """Say in which month cash runs out, or that it does not within the horizon."""
    return f"fails in month {month:.0f}" if month <= horizon else f"still pays after {horizon} months"
