"""The one model of the resolved Lending Club loans, and what the chapters make of it: vintages, book, score card."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from p2pbook.known import Known
from p2prisk.datasets import load, table
from p2prisk.monitor import vintage_curves_from_events
from p2prisk.ordered import OrderedLogit
from p2prisk.scorecard.card import Scorecard
from p2prisk.scorecard.characteristics import bands_from_labels
from p2prisk.scorecard.master_scale import build_master_scale
from p2prisk.stress import Book, Economics, shift_to_default_rate
from p2prisk.tape import CHARGE_OFF_LAG

#: The last issue year the model is fitted on, and the year it is tested on.
FITTED_TO, TESTED_ON = 2010, 2011

#: Decided at the end of 2010 with final outcomes of the loans issued up to then; the last of them ended in July 2016.
AFTER_ALL_ENDED = Known("2010-12-31", "2016-07-31")

#: Decided at the end of 2010 on what was on file that day.
ON_THE_DAY = Known("2010-12-31", "2010-12-31")

#: the columns known at issue that a number or a short list can hold: the traits of the test on the day
TRAITS = (
    "amount",
    "income",
    "dti",
    "employment",
    "home",
    "purpose",
    "inquiries",
    "delinquencies_2y",
    "public_records",
    "utilisation",
    "revolving_balance",
    "open_accounts",
    "total_accounts",
    "credit_history_years",
)

CLASSES = (
    "term",
    "income_band",
    "dti_band",
    "employment_band",
    "inquiries_band",
    "utilisation_band",
    "public_record",
    "purpose_group",
)


def lending_club_vintages(as_of, *, period="half-year", term=36, max_age=41, since=None):
    """Vintage curves of the resolved loans, as they could be known at a month.

    Parameters
    ----------
    as_of : date-like
        A charge-off counts once its month, the last payment and :data:`CHARGE_OFF_LAG` later, has come.
    period : str
        As in :func:`~p2prisk.monitor.vintage_curves`.
    term : int
        Term in months.
    max_age : int
        Longest age.
    since : str, optional
        First vintage kept.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> curves = lending_club_vintages("2017-04", period="year")
    >>> curves["vintage"].unique().tolist()
    ['2007-01', '2008-01', '2009-01', '2010-01', '2011-01']
    """
    counts = table("lendingclub_vintages")
    counts = counts[counts["term"] == term]
    curves = vintage_curves_from_events(
        counts["month"],
        counts["age"] + CHARGE_OFF_LAG,
        as_of=as_of,
        loans=counts["loans"],
        events=counts["charged_off"],
        period=period,
        max_age=max_age,
    )
    return curves if since is None else curves[curves["vintage"] >= since].reset_index(drop=True)


@lru_cache(maxsize=1)
def lending_club_model():
    """The ordered logit of severity on the classes of the committed counts, fitted on the loans to 2010.

    Returns
    -------
    fit : OrderedResults
    counts : pandas.DataFrame
        All counts, 2007 to 2011, with ``bad``: charged off.
    """
    counts = load("lendingclub-2007-2011-counts").frame
    counts = counts.assign(
        term=pd.Categorical(counts["term"].astype(str), ["36", "60"]),
        bad=counts["severity"].isin(["loss after half", "loss early"]),
    )
    formula = "severity ~ " + " + ".join(f"C({name})" for name in CLASSES)
    old = counts[counts["issue_year"] <= FITTED_TO]
    return OrderedLogit.from_formula(formula, old, freq_weights="n").fit(), counts


def lending_club_book(year=TESTED_ON):
    """The loans of one year as a book to be stressed; every loan weighs the same.

    Parameters
    ----------
    year : int
        Year of issue.

    Returns
    -------
    Book
        Linear predictors from :func:`lending_club_model`, moved by term so that the default rate of each term is the
        one that came: one move for all loans gives the short ones too much and the long ones too little, and turns
        round which of the two breaks first. Income, loss and years by term and class from ``lendingclub_outcomes``.
    """
    fit, counts = lending_club_model()
    part = counts[counts["issue_year"] == year]
    cells = part.groupby(list(CLASSES), observed=True)["n"].sum().reset_index()
    eta = fit.predict(cells, which="linear").to_numpy()
    cells = cells.assign(term=cells["term"].astype(int))
    amount = cells["n"].to_numpy(dtype=float)
    outcomes = table("lendingclub_outcomes")
    order = list(counts["severity"].cat.categories)
    values = {}
    for name in ("earned", "loss", "years"):
        wide = outcomes.pivot(index="term", columns="severity", values=name)[order]
        values[name] = wide.loc[cells["term"]].to_numpy()
    vintages = table("lendingclub_vintages")
    early = vintages.loc[vintages["age"] + CHARGE_OFF_LAG <= 12, "charged_off"].sum() / vintages["charged_off"].sum()
    economics = Economics(values["earned"], values["loss"], values["years"], early_share=float(early))
    book = Book(eta, fit.thresholds.to_numpy(), amount, cells, economics)
    shift = np.zeros(len(eta))
    for term, mine in part.groupby(part["term"].astype(int)):
        rate = float(np.average(mine["bad"], weights=mine["n"]))
        rows = (cells["term"] == term).to_numpy()
        shift[rows] = shift_to_default_rate(book.part(rows), rate, lower=-3.0)
    return replace(book, eta=eta + shift)


DEFAULT_FROM = "loss after half"

_RAW = {
    "income_band": "income",
    "dti_band": "dti",
    "inquiries_band": "inquiries",
    "utilisation_band": "utilisation",
    "public_record": "public_records",
}

LABELS = {
    "term": "Term, months",
    "income_band": "Income, $ a year",
    "dti_band": "Debt service, % of income",
    "employment_band": "Employment",
    "inquiries_band": "Credit inquiries, 6 months",
    "utilisation_band": "Card limits used, %",
    "public_record": "Public records",
    "purpose_group": "Purpose",
}


@dataclass(frozen=True)
class BookCard:
    """The card with the samples it was made and looked at on.

    Attributes
    ----------
    card : Scorecard
    result : OrderedResults
    train, test : pandas.DataFrame
        Rows of the counts table, with ``bad``; 2007-2010 and 2011.
    """

    card: Scorecard
    result: object
    train: pd.DataFrame
    test: pd.DataFrame


def raw_bands():
    """How each class of the counts table is made of a tape's own column.

    Employment and purpose are mapped level by level. A missing income, debt ratio, inquiry count, utilisation or
    record has no attribute of its own, as the counts hold too few of them to estimate one: such a loan is referred.
    """
    classes = table("lendingclub_2007_2011_classes")
    bands = {
        name: {"column": raw, "cuts": bands_from_labels(classes.loc[classes["column"] == name, "class"])}
        for name, raw in _RAW.items()
    }
    groups = classes[classes["column"] == "purpose_group"]
    bands["purpose_group"] = {
        "column": "purpose",
        "groups": {
            purpose: label
            for label, purposes in zip(groups["class"], groups["purposes"], strict=True)
            for purpose in purposes.split("; ")
        },
    }
    stated = ("under 2 years", "2 to 4 years", "5 to 9 years", "10 years and over")
    bands["employment_band"] = {
        "column": "employment",
        "groups": {**dict.fromkeys(stated, "stated"), "not stated": "not stated"},
    }
    return bands


def class_losses():
    """Loss of each class as a share of the amount lent, recoveries taken off; mean over both terms.

    Returns
    -------
    tuple of float
        From ``data/lendingclub_outcomes.csv``, best class first; zero for loans that were paid.
    """
    outcomes = table("lendingclub_outcomes")
    outcomes = outcomes.assign(lost=outcomes["loss"] * outcomes["loans"])
    sums = outcomes.groupby("severity", sort=False)[["lost", "loans"]].sum()
    return tuple((sums["lost"] / sums["loans"]).loc[["paid", "paid late", "loss after half", "loss early"]])


def calibration_by_year(card, counts):
    """Through-the-cycle and point-in-time level of each year of issue.

    Parameters
    ----------
    card : Scorecard
    counts : pandas.DataFrame
        Rows of the counts table with ``bad``.

    Returns
    -------
    pandas.DataFrame
        ``year, loans, predicted`` (uncalibrated), ``observed``, ``shift`` (of the log-odds that makes the two equal)
        and ``odds`` (its exponential).
    """
    rows = []
    for year, part in counts.groupby("issue_year"):
        observed = float(np.average(part["bad"], weights=part["n"]))
        shift = card.calibrated(part, observed, part["n"]).shift
        predicted = float(np.average(card.uncalibrated().score(part)["pd"], weights=part["n"]))
        rows.append(
            {
                "year": int(year),
                "loans": int(part["n"].sum()),
                "predicted": predicted,
                "observed": observed,
                "shift": shift,
                "odds": float(np.exp(shift)),
            }
        )
    return pd.DataFrame(rows)


def book_card(losses=None, grades=7):
    """Fit the card on 2007-2010 and find its master scale there.

    Parameters
    ----------
    losses : sequence of float, optional
        Loss of each class, for the expected severity.
    grades : int
        Grades to begin with.

    Returns
    -------
    BookCard
    """
    result, counts = lending_club_model()
    early = counts["issue_year"] <= FITTED_TO
    train, test = counts[early].reset_index(drop=True), counts[~early].reset_index(drop=True)
    card = Scorecard.from_result(result, default_from=DEFAULT_FROM, losses=losses, bands=raw_bands())
    scale = build_master_scale(card.score(train)["pd"], train["bad"], train["n"], grades=grades)
    return BookCard(card.with_scale(scale), result, train, test)
