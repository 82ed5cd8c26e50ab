"""Numbers of the chapter on stress, recomputed by other ways."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import beta

from p2pbook.chapters import stress
from p2prisk.datasets import load, table


@pytest.fixture(scope="module")
def n():
    return stress.compute()


def default_rate(book, shift):
    """By hand: the share of money whose outcome lies above the second last threshold."""
    probability = 1 / (1 + np.exp(book.thresholds[-2] - book.eta - shift))
    return (probability * book.amount).sum() / book.amount.sum()


def annual_return(book, shift, loss_factor=1.0):
    """By hand: income less loss over years, class by class."""
    below = 1 / (1 + np.exp(-(book.thresholds[None, :] - book.eta[:, None] - shift)))
    probability = np.diff(np.column_stack([np.zeros(len(below)), below, np.ones(len(below))]), axis=1)
    money = book.amount[:, None] * probability
    loss = np.minimum(book.economics.loss * loss_factor, 1)
    return (money * (book.economics.income - loss)).sum() / (money * book.economics.years).sum()


def test_the_worst_year_comes_back(n):
    counts = load("lendingclub-2007-2011-counts").frame
    for year in (2007, 2011):
        part = counts[counts["issue_year"] == year]
        bad = part["severity"].astype(str).str.startswith("loss")
        assert n.rate[year] == pytest.approx(np.average(bad, weights=part["n"]), abs=1e-12)
    short = n.books["36 months"]
    for reading, rate in (("all its loans", n.rate[2007]), ("within the policy", n.rate_within)):
        assert default_rate(short, n.history[reading]) == pytest.approx(float(rate), abs=1e-9)
        assert n.worst_return[reading] == pytest.approx(annual_return(n.book, n.history[reading]))
    # "may not survive a repetition of 2007 ... survives one under its own credit policy"; the two other readings agree
    worst, within = n.worst_return["all its loans"], n.worst_return["within the policy"]
    assert worst.low < worst < 0 < worst.high and 0 < within.low < within < within.high
    # Jeffreys' interval of 158 charge-offs among 603 loans, by another library
    low, high = beta.ppf([0.025, 0.975], 158.5, 445.5)
    for end, rate in ((worst.low, high), (worst.high, low)):
        shift = brentq(lambda shift, rate=rate: default_rate(short, shift) - rate, 0, 3)
        assert end == pytest.approx(annual_return(n.book, shift), abs=1e-6)
    assert n.history["equal borrowers"] == pytest.approx(float(n.history["within the policy"]), abs=0.05)


def test_each_term_has_the_default_rate_that_it_had(n):
    counts = load("lendingclub-2007-2011-counts").frame
    counts = counts[counts["issue_year"] == 2011].assign(bad=lambda t: t["severity"].astype(str).str.startswith("loss"))
    for term in (36, 60):
        part = counts[counts["term"].astype(int) == term]
        rate = np.average(part["bad"], weights=part["n"])
        assert default_rate(n.books[f"{term} months"], 0.0) == pytest.approx(rate, abs=1e-9)
        assert n.default_rate[f"{term} months"] == pytest.approx(rate)
    assert default_rate(n.book, 0.0) == pytest.approx(n.rate[2011], abs=1e-9) == pytest.approx(n.default_rate["all"])


def test_the_years_are_those_of_the_counts_and_their_returns_near_the_model(n):
    counts = load("lendingclub-2007-2011-counts").frame
    loans = counts.groupby("issue_year")["n"].sum()
    assert n.years.set_index("Issued")["Loans"].to_dict() == {str(year): size for year, size in loans.items()}
    # the book of 2011 by averages of classes earns what its loans earned
    assert annual_return(n.book, 0.0) == pytest.approx(float(n.earned[2011]), abs=0.005)
    for value in n.earned.values():
        assert float(value.low) < value < float(value.high)
    assert n.earned[2007] < 0 < n.earned[2008] < n.earned[2009]


def test_the_month_of_the_run_divides_by_its_beginning(n):
    # 956.148 billion were left, 73.088 had gone
    assert n.outflow == pytest.approx(73.088 / (956.148 + 73.088))


def test_at_its_break_a_book_earns_nothing(n):
    assert set(n.books) == {"all", "36 months", "60 months"}
    assert sum(n.books[name].amount.sum() for name in ("36 months", "60 months")) == n.loans
    for name, book in n.books.items():
        assert annual_return(book, n.breaks[name]) == pytest.approx(0.0, abs=1e-9)
        assert annual_return(book, 0.0) > 0
    assert annual_return(n.book, n.elsewhere) == pytest.approx(0.03)
    assert annual_return(n.book, n.poor, 1.15) == pytest.approx(0.0, abs=1e-9)
    assert annual_return(n.book, n.both, 1.15) == pytest.approx(0.03)
    assert n.break_odds == pytest.approx(np.exp(float(n.breaks["all"])))


def test_a_term_keeps_the_economics_of_its_own_loans(n):
    outcomes = table("lendingclub_outcomes").set_index(["term", "severity"])
    for term in (36, 60):
        part = n.books[f"{term} months"]
        assert set(part.frame["term"]) == {term}
        assert (part.economics.loss[:, -1] == outcomes.loc[(term, "loss early"), "loss"]).all()
    assert str(n.loss_early) == f"{100 * outcomes.loc[(36, 'loss early'), 'loss']:.0f} %"


def test_the_reserve_jumps_from_twelve_months_to_the_whole_life(n):
    assert n.reserve_below == pytest.approx(n.reserve_at * n.early_share, rel=1e-6)
    calm = annual_return(n.book, 0.0)
    assert n.slump_cost == pytest.approx(100 * (calm - annual_return(n.book, 0.5)))
    purpose = np.where(n.book.frame["purpose_group"] == "higher loss", 1.5, 0.0)
    assert n.purpose_hit == pytest.approx(n.book.amount[purpose > 0].sum() / n.loans)
    shifted = stress.Book(n.book.eta + purpose, n.book.thresholds, n.book.amount, n.book.frame, n.book.economics)
    assert n.purpose_cost == pytest.approx(100 * (calm - annual_return(shifted, 0.0)))


def test_the_least_share_invested_again_is_the_edge(n):
    edge, pool = n.least["one month"], {"asset_months": 12, "liability_months": 1, "horizon": 12}
    for share, survives in ((edge + 1e-3, True), (edge - 1e-3, False)):
        assert (stress.months_to_failure(100.0, 6.0, reinvested=share, **pool) > 12) == survives
    # in the first month alone 100 fall due, a twelfth comes in, and 6 are at hand
    assert edge > 1 - (100 / 12 + 6) / 100
    assert n.least["matched"] == 0 < n.least["three months"] < n.least["one month"]
    assert n.pool == "fails in month 1"


def test_words_follow_the_numbers():
    assert stress.first_to_break({"a": 1.0, "b": 0.5}) == "loans of b break before those of a"
    assert stress.first_to_break({"a": 1.0, "b": 1.05}).endswith("those of a a little earlier")
    assert stress.side(0.8, 0.7) == "beyond" and stress.side(0.6, 0.7) == "short of"
    assert stress.fate(3.0, 18) == "fails in month 3"
    assert stress.fate(float("inf"), 18) == "still pays after 18 months"
