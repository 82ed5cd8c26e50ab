"""What the book's chapters ask of the loans: the traits, the samples, and the tables they show.

The traits are written down once, each with its words, its unit, the canonical columns it is made of and the
block it belongs to (ability or willingness to repay). Every column is checked against the list of what is known
at issue, so that no later fact can slip into a model by way of a derived variable.

Amounts enter as base-2 logarithms: a coefficient is then the effect of a doubling, and the odds ratio of a
doubling of income is ``exp(beta)``. A *hinge* is the number of doublings above a mark: its coefficient is the
change of slope there, so that a bent line stays a line one can read.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape import refuse_later

#: stated use of the loan, in six groups that both Lending Club samples fill
PURPOSE_GROUPS = {
    "debt consolidation": "debt consolidation",
    "credit card": "credit card",
    "small business": "small business",
    "home improvement": "home",
    "house": "home",
    "car": "purchase",
    "major purchase": "purchase",
    "wedding": "purchase",
    "vacation": "purchase",
}

PURPOSES = ("debt consolidation", "credit card", "home", "purchase", "other", "small business")

#: where the slope of income may change, in dollars
INCOME_MARKS = (40_000, 100_000)

#: states with at least 200 loans in 2007-2010: chosen by size, not by outcome
LARGE_STATES = (
    "AL",
    "AZ",
    "CA",
    "CO",
    "CT",
    "FL",
    "GA",
    "IL",
    "LA",
    "MA",
    "MD",
    "MI",
    "MN",
    "MO",
    "NJ",
    "NV",
    "NY",
    "OH",
    "OR",
    "PA",
    "SC",
    "TX",
    "VA",
    "WA",
    "WI",
)


@dataclass(frozen=True)
class Trait:
    """One predictor of a study model.

    Attributes
    ----------
    name : str
        Name of the column in the design frame and in the formula.
    label : str
        What it says in words, with its unit.
    block : str
        ``ability``, ``willingness``, ``loan`` or ``place and time``.
    columns : tuple of str
        Canonical columns it is made of, each known at issue.
    compute : callable
        From the tape's frame to a column.
    """

    name: str
    label: str
    block: str
    columns: tuple
    compute: Callable


def _doublings(values, unit=1.0):
    return np.log2(np.asarray(values, dtype=float) / unit)


def _above(values, mark):
    """Doublings above `mark`; zero below it."""
    return np.maximum(_doublings(values, mark), 0.0)


def _one_plus(values):
    return np.log2(1.0 + np.asarray(values, dtype=float))


def purpose_group(frame):
    """Group the stated purposes of a tape into :data:`PURPOSES`.

    Examples
    --------
    >>> frame = pd.DataFrame({"purpose": ["credit_card", "wedding", "medical"]})
    >>> list(purpose_group(frame))
    ['credit card', 'purchase', 'other']
    """
    words = frame["purpose"].astype(str).str.replace("_", " ").str.lower()
    return pd.Categorical(words.map(PURPOSE_GROUPS).fillna("other"), PURPOSES)


def household_income(frame):
    """Income of all applicants: both where two apply, otherwise one."""
    income = frame["income"].to_numpy(dtype=float)
    if "income_joint" not in frame:
        return income
    joint = frame["income_joint"].to_numpy(dtype=float)
    return np.where(np.isfinite(joint), joint, income)


def household_dti(frame):
    """Debt-to-income ratio (per cent) of all applicants."""
    dti = frame["dti"].to_numpy(dtype=float)
    if "dti_joint" not in frame:
        return dti
    joint = frame["dti_joint"].to_numpy(dtype=float)
    return np.where(np.isfinite(joint), joint, dti)


def _state(frame):
    region = frame["region"].astype(str)
    return pd.Categorical(region.where(region.isin(LARGE_STATES), "other states"), ("other states", *LARGE_STATES))


def _term(frame):
    return (frame["term"].to_numpy(dtype=float) > 36).astype(float)


def _flag(values):
    return np.asarray(values).astype(float)


_LOAN = [
    Trait("long_term", "term 60 months (36)", "loan", ("term",), _term),
    Trait("amount", "amount, a doubling", "loan", ("amount",), lambda f: _doublings(f["amount"], 10_000)),
]

#: what may place a borrower in a grade, Lending Club 2018
GRADE_TRAITS = (
    *_LOAN,
    Trait(
        "income",
        "income, a doubling",
        "ability",
        ("income", "income_joint"),
        lambda f: _doublings(household_income(f), 50_000),
    ),
    Trait(
        "dti",
        "debt service, 10 points of income",
        "ability",
        ("dti", "dti_joint"),
        lambda f: np.minimum(household_dti(f), 60) / 10,
    ),
    Trait("employment", "years with employer", "ability", ("employment",), lambda f: f["employment"]),
    Trait("home", "home", "ability", ("home",), lambda f: f["home"]),
    Trait(
        "joint",
        "two applicants (one)",
        "ability",
        ("application",),
        lambda f: _flag(f["application"].astype(str) == "joint"),
    ),
    Trait(
        "mortgages",
        "mortgage accounts, a doubling of 1 + number",
        "ability",
        ("mortgage_accounts",),
        lambda f: _one_plus(f["mortgage_accounts"]),
    ),
    Trait(
        "inquiries",
        "inquiries in 12 months, a doubling of 1 + number",
        "willingness",
        ("inquiries",),
        lambda f: _one_plus(f["inquiries"]),
    ),
    Trait(
        "opened",
        "accounts opened in 24 months, a doubling of 1 + number",
        "willingness",
        ("accounts_opened_24m",),
        lambda f: _one_plus(f["accounts_opened_24m"]),
    ),
    Trait(
        "utilisation",
        "used share of all credit, 10 points",
        "willingness",
        ("credit_balance", "credit_limit"),
        lambda f: used_share(f) / 10,
    ),
    Trait(
        "card_limit",
        "bank card limits, a doubling of 1 + thousands",
        "willingness",
        ("bank_card_limit",),
        lambda f: _one_plus(f["bank_card_limit"].to_numpy(dtype=float) / 1000),
    ),
    Trait(
        "cards_with_balance",
        "cards carrying a balance, a doubling of 1 + number",
        "willingness",
        ("cards_with_balance",),
        lambda f: _one_plus(f["cards_with_balance"]),
    ),
    Trait(
        "accounts",
        "credit lines ever, a doubling",
        "willingness",
        ("total_accounts",),
        lambda f: _doublings(f["total_accounts"]),
    ),
    Trait(
        "history",
        "years of credit history, a doubling",
        "willingness",
        ("credit_history_years",),
        lambda f: _doublings(np.maximum(f["credit_history_years"].to_numpy(dtype=float), 1.0)),
    ),
    Trait(
        "delinquency", "last delinquency", "willingness", ("delinquency_recency",), lambda f: f["delinquency_recency"]
    ),
    Trait(
        "never_late",
        "accounts never late, 10 points of share",
        "willingness",
        ("never_delinquent_share",),
        lambda f: f["never_delinquent_share"].to_numpy(dtype=float) / 10,
    ),
    Trait(
        "bankruptcy",
        "bankruptcy on record (none)",
        "willingness",
        ("bankruptcies",),
        lambda f: _flag(f["bankruptcies"] > 0),
    ),
    Trait("tax_lien", "tax lien on record (none)", "willingness", ("tax_liens",), lambda f: _flag(f["tax_liens"] > 0)),
    Trait("purpose", "purpose", "willingness", ("purpose",), purpose_group),
)


def used_share(frame):
    """Used share of all credit limits, per cent, 0 to 120; zero where there is no limit."""
    limit = frame["credit_limit"].to_numpy(dtype=float)
    balance = frame["credit_balance"].to_numpy(dtype=float)
    share = np.divide(100 * balance, limit, out=np.zeros_like(balance), where=limit > 0)
    return np.clip(share, 0, 120)


def vintage(frame, last=2010):
    """Year of issue as classes; a later year takes the level of `last`, the last one that a model has seen."""
    years = pd.to_datetime(frame["issue_date"]).dt.year.to_numpy()
    return pd.Categorical(np.minimum(years, last).astype(str), [str(year) for year in range(last, 2006, -1)])


def _flag_with_gaps(values):
    """1 where the count is positive, 0 where it is zero, missing where it is missing."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isnan(values), np.nan, values > 0)


OUTCOME_BASE = (
    *_LOAN,
    Trait("income", "income, a doubling", "ability", ("income",), lambda f: _doublings(f["income"], 50_000)),
    Trait(
        "dti", "debt service, 10 points of income", "ability", ("dti",), lambda f: f["dti"].to_numpy(dtype=float) / 10
    ),
    Trait(
        "unstated_job",
        "employment not stated (stated)",
        "ability",
        ("employment",),
        lambda f: _flag(f["employment"].astype(str) == "not stated"),
    ),
    Trait(
        "tenant",
        "rents or other (owns, with or without mortgage)",
        "ability",
        ("home",),
        lambda f: _flag(~f["home"].astype(str).isin(["mortgage", "own"])),
    ),
    Trait(
        "inquiries",
        "inquiries in 6 months, a doubling of 1 + number",
        "willingness",
        ("inquiries",),
        lambda f: _one_plus(np.minimum(f["inquiries"].to_numpy(dtype=float), 8)),
    ),
    Trait(
        "utilisation",
        "used share of card limits, 10 points",
        "willingness",
        ("utilisation",),
        lambda f: np.minimum(f["utilisation"].to_numpy(dtype=float), 100) / 10,
    ),
    Trait(
        "public_record",
        "public record (none)",
        "willingness",
        ("public_records",),
        lambda f: _flag_with_gaps(f["public_records"]),
    ),
    Trait(
        "delinquency", "last delinquency", "willingness", ("delinquency_recency",), lambda f: f["delinquency_recency"]
    ),
    Trait(
        "history",
        "years of credit history, a doubling",
        "willingness",
        ("credit_history_years",),
        lambda f: _doublings(np.maximum(f["credit_history_years"].to_numpy(dtype=float), 1.0)),
    ),
    Trait(
        "open_accounts",
        "open credit lines, a doubling",
        "willingness",
        ("open_accounts",),
        lambda f: _doublings(f["open_accounts"], 8),
    ),
    Trait(
        "accounts",
        "credit lines ever, a doubling",
        "willingness",
        ("total_accounts",),
        lambda f: _doublings(f["total_accounts"], 15),
    ),
    Trait("purpose", "purpose", "willingness", ("purpose",), purpose_group),
)

#: what the base model may gain, one step after the other: each is kept if cross-validation inside 2007-2010 says so
OUTCOME_STEPS = {
    "year of issue": (Trait("vintage", "issued in", "place and time", ("issue_date",), vintage),),
    "bends of income": (
        Trait(
            "income_above_40k",
            "income, change of slope above 40,000 dollars",
            "ability",
            ("income",),
            lambda f: _above(f["income"], INCOME_MARKS[0]),
        ),
        Trait(
            "income_above_100k",
            "income, change of slope above 100,000 dollars",
            "ability",
            ("income",),
            lambda f: _above(f["income"], INCOME_MARKS[1]),
        ),
    ),
    "bend of amount": (
        Trait(
            "amount_above_6k",
            "amount, change of slope above 6,000 dollars",
            "loan",
            ("amount",),
            lambda f: _above(f["amount"], 6_000),
        ),
    ),
    "card balance": (
        Trait(
            "no_balance",
            "no card balance (some)",
            "willingness",
            ("revolving_balance",),
            lambda f: _flag(f["revolving_balance"] == 0),
        ),
        Trait(
            "balance",
            "card balance, a doubling of 1,000 dollars + balance",
            "willingness",
            ("revolving_balance",),
            lambda f: _one_plus(f["revolving_balance"].to_numpy(dtype=float) / 1000),
        ),
        Trait(
            "balance_above_20k",
            "card balance, change of slope above 20,000 dollars",
            "willingness",
            ("revolving_balance",),
            lambda f: _above(np.maximum(f["revolving_balance"].to_numpy(dtype=float), 1.0), 20_000),
        ),
    ),
    "bend of inquiries": (
        Trait(
            "inquiries_above_2",
            "inquiries, change of slope above two",
            "willingness",
            ("inquiries",),
            lambda f: np.maximum(_doublings(1 + np.minimum(f["inquiries"].to_numpy(dtype=float), 8), 3), 0),
        ),
    ),
    "bends of accounts": (
        Trait(
            "open_above_8",
            "open lines, change of slope above 8",
            "willingness",
            ("open_accounts",),
            lambda f: _above(f["open_accounts"], 8),
        ),
        Trait(
            "accounts_above_15",
            "credit lines ever, change of slope above 15",
            "willingness",
            ("total_accounts",),
            lambda f: _above(f["total_accounts"], 15),
        ),
    ),
    "state": (Trait("state", "state", "place and time", ("region",), _state),),
    "years with employer": (
        Trait(
            "new_job",
            "under two years with employer (2 to 9)",
            "ability",
            ("employment",),
            lambda f: _flag(f["employment"].astype(str) == "under 2 years"),
        ),
        Trait(
            "long_job",
            "ten years or more with employer (2 to 9)",
            "ability",
            ("employment",),
            lambda f: _flag(f["employment"].astype(str) == "10 years and over"),
        ),
    ),
    "income verified": (Trait("verification", "income", "platform", ("verification",), lambda f: f["verification"]),),
    "purpose by term": (
        Trait(
            "long_small_business",
            "60 months and small business",
            "loan",
            ("term", "purpose"),
            lambda f: _term(f) * _flag(np.asarray(purpose_group(f)) == "small business"),
        ),
    ),
    "inquiries by term": (
        Trait(
            "long_inquiries",
            "60 months: inquiries, a doubling more",
            "loan",
            ("term", "inquiries"),
            lambda f: _term(f) * _one_plus(np.minimum(f["inquiries"].to_numpy(dtype=float), 8)),
        ),
    ),
    "amount by term": (
        Trait(
            "long_amount",
            "60 months: amount, a doubling more",
            "loan",
            ("term", "amount"),
            lambda f: _term(f) * _doublings(f["amount"], 10_000),
        ),
    ),
}

_SHARED = (
    Trait("amount", "amount, a doubling", "loan", ("amount",), lambda f: _doublings(f["amount"], 10_000)),
    Trait(
        "income",
        "income, a doubling",
        "ability",
        ("income",),
        lambda f: _doublings(np.maximum(f["income"].to_numpy(dtype=float), 5_000), 50_000),
    ),
    Trait(
        "new_job",
        "under two years with employer (2 to 9)",
        "ability",
        ("employment",),
        lambda f: _flag(f["employment"].astype(str) == "under 2 years"),
    ),
    Trait(
        "long_job",
        "ten years or more with employer (2 to 9)",
        "ability",
        ("employment",),
        lambda f: _flag(f["employment"].astype(str) == "10 years and over"),
    ),
)

#: Prosper 2009-2011, 36 months: traits known at issue; the bureau score is on file there, and not at Lending Club
PROSPER_TRAITS = (
    *_SHARED,
    Trait(
        "owner",
        "owns a home (no)",
        "ability",
        ("homeowner", "home"),
        lambda f: _flag(f["homeowner"] if "homeowner" in f else f["home"].astype(str).isin(["mortgage", "own"])),
    ),
    Trait(
        "debt_purpose",
        "purpose: debts or credit card (other)",
        "willingness",
        ("purpose",),
        lambda f: _flag(np.isin(np.asarray(purpose_group(f)), ("debt consolidation", "credit card"))),
    ),
    Trait(
        "business_purpose",
        "purpose: small business (other)",
        "willingness",
        ("purpose",),
        lambda f: _flag(np.asarray(purpose_group(f)) == "small business"),
    ),
    Trait(
        "score",
        "bureau score, 20 points",
        "willingness",
        ("bureau_score",),
        lambda f: (f["bureau_score"].to_numpy(dtype=float) - 700) / 20,
    ),
)

#: the later Lending Club sample (good or bad, period not stated): traits that the early one has too
LATER_TRAITS = (
    _LOAN[0],
    *_SHARED,
    Trait(
        "inquiries",
        "inquiries in 6 months, a doubling of 1 + number",
        "willingness",
        ("inquiries",),
        lambda f: _one_plus(np.minimum(f["inquiries"].to_numpy(dtype=float), 8)),
    ),
    Trait(
        "utilisation",
        "used share of card limits, 10 points",
        "willingness",
        ("utilisation",),
        lambda f: np.minimum(f["utilisation"].to_numpy(dtype=float), 100) / 10,
    ),
    Trait(
        "recent_delinquency",
        "delinquency in 2 years (none)",
        "willingness",
        ("delinquencies_2y",),
        lambda f: _flag_with_gaps(f["delinquencies_2y"]),
    ),
)


def design(frame, traits, outcome=None):
    """Compute the traits of a study model.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns.
    traits : sequence of Trait
        What to compute.
    outcome : str, optional
        Column to carry over as it is.

    Returns
    -------
    pandas.DataFrame
        One column a trait, same index as `frame`.

    Raises
    ------
    DataError
        If a trait is made of a column that is not known at issue, or the tape lacks all its columns.
    """
    columns = {}
    if outcome is not None:
        columns[outcome] = frame[outcome]
    for trait in traits:
        refuse_later(trait.columns, outcome or "the outcome")
        if not any(column in frame for column in trait.columns):
            raise DataError(f"the trait {trait.name!r} needs the column {trait.columns[0]!r}, which the tape lacks")
        values = trait.compute(frame)
        columns[trait.name] = pd.Series(values, index=frame.index) if not isinstance(values, pd.Series) else values
    return pd.DataFrame(columns)


def formula(outcome, traits):
    """Write the model formula of a list of traits.

    Examples
    --------
    >>> formula("grade", GRADE_TRAITS[:3])
    'grade ~ long_term + amount + income'
    """
    return f"{outcome} ~ " + " + ".join(trait.name for trait in traits)


def complete(table):
    """Set aside rows with a missing or infinite value, and say how many for which column.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`design`.

    Returns
    -------
    kept : pandas.DataFrame
        Rows without a gap; the index is kept.
    reasons : pandas.DataFrame
        ``column`` and ``rows`` missing there (a row may count for several columns).
    """
    gaps = pd.DataFrame(
        {
            name: (
                ~np.isfinite(table[name].to_numpy(dtype=float))
                if table[name].dtype.kind in "fiu"
                else table[name].isna().to_numpy()
            )
            for name in table.columns
        },
        index=table.index,
    )
    counts = gaps.sum()
    reasons = pd.DataFrame({"column": counts.index, "rows": counts.to_numpy()}).query("rows > 0")
    kept = table[~gaps.any(axis=1)]
    for name in kept.columns:
        if isinstance(kept[name].dtype, pd.CategoricalDtype):
            kept = kept.assign(**{name: kept[name].cat.remove_unused_categories()})
    return kept, reasons.reset_index(drop=True)
