"""The card of the book: Lending Club 2007-2010, from the committed counts, with a look at 2011."""

from dataclasses import dataclass

import pandas as pd

from p2prisk.ordered import OrderedLogit
from p2prisk.scorecard.card import Scorecard
from p2prisk.scorecard.characteristics import bands_from_labels
from p2prisk.scorecard.master_scale import build_master_scale
from p2prisk.sources import load, table

COLUMNS = ("term", "income_band", "dti_band", "employment_band", "inquiries_band", "utilisation_band", "public_record",
           "purpose_group")
LAST_FITTED_YEAR = 2010
DEFAULT_FROM = "loss after half"
_RAW = {"income_band": "income", "dti_band": "dti", "inquiries_band": "inquiries", "utilisation_band": "utilisation",
        "public_record": "public_records"}
LABELS = {
    "term": "Term, months", "income_band": "Income, $ a year", "dti_band": "Debt service, % of income",
    "employment_band": "Employment", "inquiries_band": "Credit inquiries, 6 months",
    "utilisation_band": "Card limits used, %", "public_record": "Public records", "purpose_group": "Purpose",
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
    bands = {name: {"column": raw, "cuts": bands_from_labels(classes.loc[classes["column"] == name, "class"])}
             for name, raw in _RAW.items()}
    groups = classes[classes["column"] == "purpose_group"]
    bands["purpose_group"] = {"column": "purpose", "groups": {
        purpose: label for label, purposes in zip(groups["class"], groups["purposes"], strict=True)
        for purpose in purposes.split("; ")}}
    stated = ("under 2 years", "2 to 4 years", "5 to 9 years", "10 years and over")
    bands["employment_band"] = {"column": "employment", "groups": {**dict.fromkeys(stated, "stated"),
                                                                  "not stated": "not stated"}}
    return bands


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
    counts = counts.assign(term=pd.Categorical(counts["term"].astype(str), ["36", "60"]),
                           bad=counts["severity"].isin(["loss after half", "loss early"]))
    early = counts["issue_year"] <= LAST_FITTED_YEAR
    train, test = counts[early].reset_index(drop=True), counts[~early].reset_index(drop=True)
    words = " + ".join(f"C({name})" for name in COLUMNS)
    result = OrderedLogit.from_formula(f"severity ~ {words}", train, freq_weights="n").fit()
    card = Scorecard.from_result(result, default_from=DEFAULT_FROM, losses=losses, bands=raw_bands())
    scale = build_master_scale(card.score(train)["pd"], train["bad"], train["n"], grades=grades)
    return BookCard(card.with_scale(scale), result, train, test)
