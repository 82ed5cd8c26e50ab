"""The card of the book: Lending Club 2007-2010, from the committed counts, with a look at 2011."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from p2prisk.ordered import OrderedLogit
from p2prisk.scorecard.card import Scorecard
from p2prisk.scorecard.characteristics import bands_from_labels
from p2prisk.scorecard.master_scale import build_master_scale
from p2prisk.sources import load, table

COLUMNS = (
    "term",
    "income_band",
    "dti_band",
    "employment_band",
    "inquiries_band",
    "utilisation_band",
    "public_record",
    "purpose_group",
)
LAST_FITTED_YEAR = 2010
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
    counts = load("lendingclub-2007-2011-counts").frame
    counts = counts.assign(
        term=pd.Categorical(counts["term"].astype(str), ["36", "60"]),
        bad=counts["severity"].isin(["loss after half", "loss early"]),
    )
    early = counts["issue_year"] <= LAST_FITTED_YEAR
    train, test = counts[early].reset_index(drop=True), counts[~early].reset_index(drop=True)
    words = " + ".join(f"C({name})" for name in COLUMNS)
    result = OrderedLogit.from_formula(f"severity ~ {words}", train, freq_weights="n").fit()
    card = Scorecard.from_result(result, default_from=DEFAULT_FROM, losses=losses, bands=raw_bands())
    scale = build_master_scale(card.score(train)["pd"], train["bad"], train["n"], grades=grades)
    return BookCard(card.with_scale(scale), result, train, test)
