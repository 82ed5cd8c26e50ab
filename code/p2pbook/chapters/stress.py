"""Chapter *Stress*: what shocks do to the loans of 2011, what breaks them, and what breaks a pool that funds them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook import case
from p2pbook.explorers import Explorer, of_returns, of_run
from p2pbook.known import Known, stamp
from p2pbook.lendingclub import lending_club_book, lending_club_model
from p2pbook.replications import replication
from p2pbook.values import Value, count, estimate, share
from p2prisk.datasets import table
from p2prisk.stress import (
    Book,
    Scenario,
    assess,
    breaking_shift,
    least_reinvestment,
    months_to_failure,
    provision,
    shift_to_default_rate,
    stress_table,
)

#: The year that comes back, and the term of all its loans.
WORST_YEAR, WORST_TERM = 2007, 36
#: The loans of 2011 on the last day of their issue. Their level is the one that came: hindsight, on purpose.
HINDSIGHT = Known("2011-12-31", "2017-04-30")
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
    loans: Value
    #: default rate of all loans and of each term, as it came
    default_rate: dict[str, Value]
    #: year of issue -> return a year that its loans earned, and share charged off
    earned: dict[int, Value]
    rate: dict[int, Value]
    #: of the loans of the worst year: share outside the credit policy, and (outside, within) it what was charged off
    exceptions_2007: Value
    rate_outside: Value
    rate_within: Value
    long_2011: Value
    #: the worst year again, read in three ways: shift, and what it makes of the loans of 2011
    years: pd.DataFrame
    repeated: pd.DataFrame
    #: reading -> shift, return of all loans with what the luck of the loans of the worst year leaves open
    history: dict[str, Value]
    worst_return: dict[str, Value]
    worst_within: Value
    #: points of return that a shock costs, and the share of the money it hits
    slump_cost: Value
    purpose_cost: Value
    purpose_hit: Value
    #: loss of a 36-month loan charged off early and late
    loss_early: Value
    loss_late: Value
    #: share of charge-offs in the first twelve months; reserve as it is, just below a doubling of the odds and at it
    early_share: Value
    reserve: Value
    reserve_below: Value
    reserve_at: Value
    #: shift at which lenders earn nothing: of all loans and by term, on the odds, and against the worst year
    breaks: dict[str, Value]
    break_odds: Value
    break_to_history: Value
    first_to_break: str
    #: the same where lenders can earn elsewhere, where recoveries are poor, and with both; which side of the worst year
    elsewhere: Value
    poor: Value
    both: Value
    both_side: dict[str, str]
    #: cash, share invested again, money -> least share invested again with which a platform pays for a year
    cash: Value
    reinvested: Value
    least: dict[str, Value]
    pool: str
    outflow: Value
    maybe_no_withdrawal: Value
    explorer: Explorer
    run: Explorer


#: shifts of the log odds that a reader may set
SHIFTS = np.linspace(0, 2, 41)


@cache
@stamp(HINDSIGHT)
def compute():
    """Compute the chapter.

    Returns
    -------
    Stress
    """
    book, counts = lending_club_book(), lending_club_model()[1]
    books = {"all": book, **{f"{term} months": book.part(book.frame["term"] == term) for term in (36, 60)}}
    stored = replication("e2-management")
    history = repetitions(books, stored, counts)
    shocks = _shocks(history["all its loans"], history["within the policy"])
    return Stress(
        book=book,
        books=books,
        shocks=shocks,
        stories=pd.DataFrame([{"Scenario": shock.name, "What happens": shock.story} for shock in shocks]),
        loans=count(book.amount.sum()),
        long_2011=share(books["60 months"].amount.sum() / book.amount.sum(), 0),
        **_years(stored),
        **_repeated(books, history, returns_at_the_ends(books, stored)),
        **_economics(),
        **_shocked(books, shocks),
        **_reserves(book),
        **_breaks(books, history),
        **_funding(),
        explorer=of_returns(
            SHIFTS, {name: [assess(part, shift)["annual_return"] for shift in SHIFTS] for name, part in books.items()}
        ),
        run=of_run(REINVESTED, CASH / BALANCE, ASSET_MONTHS, (1, 2, 3, 6, 12), HORIZON),
    )


def repetitions(books, stored, counts):
    """Shifts of the log odds that bring back the worst year, read in three ways.

    Parameters
    ----------
    books : dict of Book
        ``36 months`` is used: the worst year had loans of no other term.
    stored : Replication
        ``e2-management``.
    counts : pandas.DataFrame
        Counts of :func:`~p2pbook.lendingclub.lending_club_model`.

    Returns
    -------
    dict of float
        ``all its loans`` and ``within the policy``: the shift at which the 36-month loans of 2011 default
        like these. ``equal borrowers``: how much more the loans of the worst year defaulted than the model gives their
        attributes, above what those of 2011 did.
    """
    marks = stored.table("by_mark").query("year == @WORST_YEAR").set_index("policy_exception")["rate"]
    rate = stored.table("by_year").query("term == 'all'").set_index("year")["rate"][WORST_YEAR]
    short = books[f"{WORST_TERM} months"]
    return {
        "all its loans": shift_to_default_rate(short, rate),
        "within the policy": shift_to_default_rate(short, marks[False]),
        "equal borrowers": level_shift(counts, WORST_YEAR) - level_shift(counts, 2011),
    }


def returns_at_the_ends(books, stored):
    """Lenders' return on all loans where the rate of the worst year lies at either end of its 95 % interval.

    Returns
    -------
    dict of tuple of float
        Reading -> return at the higher and at the lower rate. None for equal borrowers, whose shift is no single rate.
    """
    marks = stored.table("by_mark").query("year == @WORST_YEAR and not policy_exception")
    whole = stored.table("by_year").query("term == 'all' and year == @WORST_YEAR")
    short = books[f"{WORST_TERM} months"]
    return {
        reading: tuple(
            assess(books["all"], shift_to_default_rate(short, rows[end].item()))["annual_return"]
            for end in ("rate_high", "rate_low")
        )
        for reading, rows in (("all its loans", whole), ("within the policy", marks))
    }


def level_shift(counts, year):
    """Shift of the log odds at which the model meets the default rate of a year's loans of the worst year's term."""
    fit = lending_club_model()[0]
    mine = counts[(counts["issue_year"] == year) & (counts["term"].astype(int) == WORST_TERM)]
    economics = lending_club_book().economics.part(np.zeros(len(mine), int))
    eta, weight = fit.predict(mine, which="linear").to_numpy(), mine["n"].to_numpy(dtype=float)
    book = Book(eta, fit.thresholds.to_numpy(), weight, mine, economics)
    return shift_to_default_rate(book, float(np.average(mine["bad"], weights=weight)), lower=-3.0)


def _years(stored):
    whole = stored.table("by_year").query("term == 'all'").set_index("year")
    marks = stored.table("by_mark").pivot(index="year", columns="policy_exception")
    worst = marks.loc[WORST_YEAR]
    outside = marks["loans"][True].fillna(0) / whole["loans"]

    def interval(row):
        low, high = (round(100 * row[f"return_{end}"], 1) + 0.0 for end in ("low", "high"))
        return f"{low:.1f} to {high:.1f}".replace("-", "−")

    return {
        "earned": {
            int(year): estimate(row, "return", 1, "return_low", "return_high", True) for year, row in whole.iterrows()
        },
        "rate": {int(year): estimate(row, "rate", 1, "rate_low", "rate_high", True) for year, row in whole.iterrows()},
        "exceptions_2007": share(outside[WORST_YEAR], 0),
        "rate_outside": share(worst["rate", True]),
        "rate_within": share(worst["rate", False]),
        "years": pd.DataFrame(
            {
                "Issued": whole.index.astype(str),
                "Loans": whole["loans"].to_numpy(),
                "Outside the policy": 100 * outside.to_numpy(),
                "Charged off": 100 * whole["rate"].to_numpy(),
                "Within the policy": 100 * marks["rate"][False].to_numpy(),
                "Outside it": 100 * marks["rate"][True].to_numpy(),
                "Return": 100 * whole["return"].to_numpy(),
                "95 % interval": [interval(row) for _, row in whole.iterrows()],
            }
        ),
    }


def _repeated(books, history, ends):
    found = {reading: {name: assess(book, shift) for name, book in books.items()} for reading, shift in history.items()}
    short = f"{WORST_TERM} months"
    returns = {
        reading: share(row["all"]["annual_return"], 1, *ends.get(reading, (None, None)))
        for reading, row in found.items()
    }
    return {
        "history": {reading: Value(shift) for reading, shift in history.items()},
        "worst_return": returns,
        "worst_within": returns["within the policy"],
        "repeated": pd.DataFrame(
            [
                {
                    "Reading": reading,
                    "Shift": history[reading],
                    "Default, 36 months": 100 * row[short]["default_rate"],
                    "Return, 36 months": 100 * row[short]["annual_return"],
                    "Return, all": 100 * row["all"]["annual_return"],
                    "95 % interval": returns[reading].interval.removesuffix(" %") if reading in ends else "",
                }
                for reading, row in found.items()
            ]
        ),
    }


def _shocks(history, within):
    incomes, purposes = {"under 27,000": 1.0, "27,000 to 66,000": 0.5}, {"higher loss": 1.5}
    return [
        Scenario("Slump", "The log odds of every borrower rise by 0.5", shift=0.5),
        Scenario(
            "Income shock", "Incomes under 27,000 dollars: 1.0; up to 66,000: 0.5", segments={"income_band": incomes}
        ),
        Scenario("A purpose collapses", "Purposes with the highest losses: 1.5", segments={"purpose_group": purposes}),
        Scenario("Long loans fail", "Loans of 60 months: 0.7", segments={"term": {60: 0.7}}),
        Scenario("Poor recoveries", "Every loss is 15 per cent larger", loss_factor=POOR_RECOVERIES),
        Scenario("2007, its policy", "36 months default like the loans of 2007 within the credit policy", shift=within),
        Scenario("2007, all its loans", "36 months default like all loans of 2007", shift=history),
    ]


def _economics():
    outcomes = table("lendingclub_outcomes")
    early, late = (
        outcomes.set_index(["term", "severity"]).loc[(36, f"loss {when}")] for when in ("early", "after half")
    )
    return {"loss_early": share(early["loss"], 0), "loss_late": share(late["loss"], 0)}


def _shocked(books, shocks):
    row = stress_table(books["all"], shocks).set_index("scenario")
    calm = {name: assess(book) for name, book in books.items()}
    cost = 100 * (row.loc["as it is", "annual_return"] - row["annual_return"])
    return {
        "default_rate": {name: share(found["default_rate"]) for name, found in calm.items()},
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
        "break_to_history": Value(breaks["all"] / history["all its loans"], 1),
        "first_to_break": first_to_break({name: breaks[name] for name in breaks if name != "all"}),
        "elsewhere": Value(breaking_shift(book, annual_return=ELSEWHERE)),
        "poor": Value(breaking_shift(book, loss_factor=POOR_RECOVERIES)),
        "both": Value(both),
        "both_side": {reading: side(both, shift) for reading, shift in history.items()},
    }


def _funding():
    months = table("industry_by_month")
    outflow, balance = (case.month_value(months, "2018-07", series, "WDZJ") for series in ("net outflow", "balance"))
    in_trouble = case.month_value(months, "2018-07", "principal at platforms in trouble", "Lingyi")
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
        "outflow": share(outflow / (balance + outflow)),
        "maybe_no_withdrawal": share(in_trouble / outflow, 0),
    }


def first_to_break(breaks, near=0.1):
    """Say which of two books breaks at the smaller shift, and whether they are near each other."""
    (first, low), (second, high) = sorted(breaks.items(), key=lambda item: item[1])
    if high - low < near:
        return f"loans of both terms break at almost the same shift, those of {first} a little earlier"
    return f"loans of {first} break before those of {second}"


def side(shift, history):
    """Say on which side of the worst year a breaking shift lies."""
    return "beyond" if shift > history else "short of"


def fate(month, horizon):
    """Say in which month cash runs out, or that it does not within the horizon."""
    return f"fails in month {month:.0f}" if month <= horizon else f"still pays after {horizon} months"
