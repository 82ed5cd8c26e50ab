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


# -- identification ----------------------------------------------------------------------------------------------


def class_shares(values):
    """Count the levels of an ordered column.

    Examples
    --------
    >>> class_shares(pd.Series(pd.Categorical(["B", "A", "B"], ["A", "B"], ordered=True)))
      level  loans     share
    0     A      1  0.333333
    1     B      2  0.666667
    """
    counts = values.value_counts().reindex(values.cat.categories)
    return pd.DataFrame(
        {"level": counts.index.astype(str), "loans": counts.to_numpy(), "share": counts.to_numpy() / counts.sum()}
    )


#: columns with blanks and what a blank means there
BLANKS = {
    "months_since_delinquency": "never happened",
    "months_since_90d_late": "never happened",
    "months_since_record": "never happened",
    "months_since_inquiry": "never happened",
    "income_joint": "does not apply",
    "employment_years": "unknown",
    "dti": "unknown",
    "income": "unknown",
    "utilisation": "unknown",
    "inquiries": "unknown",
    "bankruptcies": "unknown",
}
_BLANK_LABELS = {
    "months_since_delinquency": "months since last delinquency",
    "months_since_90d_late": "months since 90 days late",
    "months_since_record": "months since public record",
    "months_since_inquiry": "months since last inquiry",
    "income_joint": "income of both applicants",
    "employment_years": "years with employer",
    "dti": "debt-to-income ratio",
    "income": "income",
    "utilisation": "used share of card limits",
    "inquiries": "inquiries",
    "bankruptcies": "bankruptcies",
}


def blanks(frame, sample):
    """Count the blanks of a tape, with what each one means.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns.
    sample : str
        Name of the sample, for the table.

    Returns
    -------
    pandas.DataFrame
        ``column``, ``label``, ``sample``, ``rows``, ``share``, ``meaning``; columns without a blank are left out.
    """
    rows = []
    for name, meaning in BLANKS.items():
        if name in frame and frame[name].isna().any():
            count = int(frame[name].isna().sum())
            rows.append(
                {
                    "column": name,
                    "label": _BLANK_LABELS[name],
                    "sample": sample,
                    "rows": count,
                    "share": count / len(frame),
                    "meaning": meaning,
                }
            )
    return pd.DataFrame(rows)


def spread_by_level(frame, outcome, columns):
    """Quartiles of several columns within each level of an ordered outcome.

    Parameters
    ----------
    frame : pandas.DataFrame
    outcome : str
        Ordered column.
    columns : dict of str to str
        Column -> printed label.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``grade``, ``low``, ``median``, ``high``, ``loans``.
    """
    rows = []
    for name, label in columns.items():
        values = pd.Series(np.asarray(frame[name], dtype=float), index=frame.index)
        for level, part in values.groupby(frame[outcome], observed=True):
            low, median, high = part.dropna().quantile([0.25, 0.5, 0.75])
            rows.append(
                {
                    "label": label,
                    "grade": level,
                    "low": low,
                    "median": median,
                    "high": high,
                    "loans": int(part.notna().sum()),
                }
            )
    return pd.DataFrame(rows)


def monotone_classes(values, bad, bins=10, smallest=0.05):
    """Cut a numeric column into classes whose share of bad loans only rises, or only falls.

    Deciles are merged with their neighbour until the shares are monotone in the direction of the rank correlation
    (pool-adjacent-violators) and no class holds less than `smallest` of the loans. A blank is a class of its own and
    takes no part in the order.

    Parameters
    ----------
    values : array_like of float, shape (n,)
    bad : array_like of bool, shape (n,)
    bins : int
        Number of quantile classes to start from.
    smallest : float
        Least share of loans in a class.

    Returns
    -------
    pandas.DataFrame
        ``lower``, ``upper`` (NaN for the class of blanks), ``loans``, ``bad``.

    Examples
    --------
    >>> table = monotone_classes(np.arange(100), np.arange(100) >= 70, bins=4)
    >>> table[["loans", "bad"]].to_numpy().tolist()
    [[50, 0], [25, 5], [25, 25]]
    """
    values, bad = np.asarray(values, dtype=float), np.asarray(bad, dtype=bool)
    known = ~np.isnan(values)
    x, y = values[known], bad[known]
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1]))
    codes = np.searchsorted(edges, x, side="left")
    parts = [(x[codes == k], y[codes == k]) for k in range(len(edges) + 1) if (codes == k).any()]
    blocks = [[part.min(), part.max(), len(part), int(outcome.sum())] for part, outcome in parts]
    rank = pd.Series(x).rank()
    sign = 1.0 if np.cov(rank, y)[0, 1] >= 0 else -1.0

    def merge(i):
        a, b = blocks[i], blocks.pop(i + 1)
        blocks[i] = [a[0], b[1], a[2] + b[2], a[3] + b[3]]

    i = 0
    while i < len(blocks) - 1:
        if sign * (blocks[i + 1][3] / blocks[i + 1][2] - blocks[i][3] / blocks[i][2]) <= 0:
            merge(i)
            i = max(i - 1, 0)
        else:
            i += 1
    while len(blocks) > 1 and min(block[2] for block in blocks) < smallest * len(values):
        i = int(np.argmin([block[2] for block in blocks]))
        merge(i if i == 0 or (i < len(blocks) - 1 and blocks[i + 1][2] < blocks[i - 1][2]) else i - 1)
    if (~known).any():
        blocks.append([np.nan, np.nan, int((~known).sum()), int(bad[~known].sum())])
    return pd.DataFrame(blocks, columns=["lower", "upper", "loans", "bad"])


def information_value(classes):
    """Information value of a table of classes, and what noise alone would give.

    Parameters
    ----------
    classes : pandas.DataFrame
        ``loans`` and ``bad``; half a loan is added to every count, so that an empty cell stays finite.

    Returns
    -------
    value, noise : float
        Sum over the classes of (share of good - share of bad) x log(share of good / share of bad), the Jeffreys
        divergence; `noise` is its expectation when the trait says nothing, (k - 1)(1/good + 1/bad).

    Examples
    --------
    >>> value, noise = information_value(pd.DataFrame({"loans": [1000, 1000], "bad": [100, 100]}))
    >>> round(value, 6), round(noise, 4)
    (0.0, 0.0056)
    """
    bad = classes["bad"].to_numpy(dtype=float)
    good = classes["loans"].to_numpy(dtype=float) - bad
    b, g = (bad + 0.5) / (bad + 0.5).sum(), (good + 0.5) / (good + 0.5).sum()
    return float(((g - b) * np.log(g / b)).sum()), float((len(classes) - 1) * (1 / good.sum() + 1 / bad.sum()))


# -- reading a fitted model ----------------------------------------------------------------------------------------


def coefficient_table(result, traits, confidence=0.95):
    """Slopes of a study model with words, blocks and odds ratios.

    Parameters
    ----------
    result : OrderedResults
        Fitted on a design of `traits`.
    traits : sequence of Trait
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row a slope: ``name``, ``trait``, ``label``, ``block``, ``estimate``, ``se``, ``z``, ``odds_ratio``,
        ``low``, ``high`` (interval of the odds ratio).
    """
    from scipy.stats import norm

    by_name = {trait.name: trait for trait in traits}
    wide = norm.ppf(0.5 + confidence / 2)
    rows = []
    for name in result.params.index:
        base, _, level = name.partition("[")
        if base not in by_name:
            continue
        trait = by_name[base]
        level = level.rstrip("]").removeprefix("T.")
        estimate, se = float(result.params[name]), float(result.bse[name])
        rows.append(
            {
                "name": name,
                "trait": base,
                "label": f"{trait.label}: {level}" if level else trait.label,
                "block": trait.block,
                "estimate": estimate,
                "se": se,
                "z": estimate / se,
                "odds_ratio": np.exp(estimate),
                "low": np.exp(estimate - wide * se),
                "high": np.exp(estimate + wide * se),
            }
        )
    return pd.DataFrame(rows)


def representative_borrowers(table, coefficients, terms=(36, 60)):
    """A strong, a typical and a weak borrower, each with both terms.

    The typical one has the median of every numeric trait and the commonest class of every other; the strong and the
    weak one have the quartile on the favourable or the unfavourable side of every numeric trait that is no flag.

    Parameters
    ----------
    table : pandas.DataFrame
        Design frame, from :func:`design`.
    coefficients : pandas.DataFrame
        From :func:`coefficient_table`; its signs say which quartile is favourable.
    terms : sequence of int
        Terms in months; ``long_term`` is set to one above 36.

    Returns
    -------
    pandas.DataFrame
        One row a borrower, indexed by name, with the columns of `table` that are traits.
    """
    slope = coefficients.set_index("name")["estimate"]
    traits = list(dict.fromkeys(coefficients["trait"]))
    rows = {}
    for kind, favourable in (("strong", 0.25), ("typical", 0.5), ("weak", 0.75)):
        row = {}
        for name in traits:
            column = table[name]
            if column.dtype.kind not in "fiu":
                row[name] = column.mode()[0]
            elif column.nunique() == 2:
                row[name] = float(column.median())
            else:
                level = favourable if slope[name] > 0 else 1 - favourable
                row[name] = float(column.quantile(level))
        for term in terms:
            rows[f"{kind}, {term} months"] = {**row, "long_term": float(term > 36)}
    frame = pd.DataFrame.from_dict(rows, orient="index")
    for name in traits:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            frame[name] = pd.Categorical(frame[name], table[name].cat.categories)
        elif table[name].dtype.kind in "fiu":
            frame[name] = frame[name].astype(float)
    return frame


def explained(result):
    """How much of the response the model explains, on three scales.

    Returns
    -------
    pandas.Series
        ``mcfadden`` (1 - ll/ll0), ``nagelkerke``, ``mckelvey_zavoina`` (share of the latent variance).

    References
    ----------
    McKelvey and Zavoina (1975), Journal of Mathematical Sociology 4.
    """
    n = result.nobs
    index = linear_index(result)
    weights = result.model.weights
    variance = np.cov(index, aweights=weights) if weights is not None else np.var(index)
    cox_snell = -np.expm1(2 * (result.llnull - result.llf) / n)
    return pd.Series(
        {
            "mcfadden": 1 - result.llf / result.llnull,
            "nagelkerke": cox_snell / -np.expm1(2 * result.llnull / n),
            "mckelvey_zavoina": float(variance / (variance + np.pi**2 / 3)),
        }
    )


def explained_interval(result, draws=500, seed=0, confidence=0.95):
    """Interval of the share of the latent variance explained (McKelvey-Zavoina), from draws of the estimates.

    Parameters
    ----------
    result : OrderedResults
    draws : int
        Draws from the normal approximation to the estimates; the loans are held fixed.
    seed : int
    confidence : float

    Returns
    -------
    low, high : float

    Notes
    -----
    A bootstrap of the loans is a fifth wider on the 10,000 of 2018, since there the traits vary too.
    """
    exog, slopes = result.model.exog, result.model.exog.shape[1]
    covariance = np.cov(exog, rowvar=False, aweights=result.model.weights)
    drawn = np.random.default_rng(seed).multivariate_normal(
        result.params.to_numpy()[:slopes], result.cov_params().to_numpy()[:slopes, :slopes], draws, method="cholesky"
    )
    variance = np.einsum("di,ij,dj->d", drawn, np.atleast_2d(covariance), drawn)
    low, high = np.quantile(variance / (variance + np.pi**2 / 3), [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def linear_index(result, table=None):
    """The linear predictor x'beta, shape (n,): the score by which a model ranks loans from safe to bad."""
    matrix = result.model.exog if table is None else result.model.design_matrix(table)
    slopes = result.params.to_numpy()[: matrix.shape[1]]
    return matrix @ slopes


def block_contributions(table, outcome, traits, blocks=("ability", "willingness", "loan")):
    """What each block of traits adds to the fit, alone and on top of all others.

    Parameters
    ----------
    table : pandas.DataFrame
        Design frame without gaps.
    outcome : str
        Ordered column of `table`.
    traits : sequence of Trait
    blocks : sequence of str
        Traits of other blocks stay in every model.

    Returns
    -------
    pandas.DataFrame
        ``block``, ``slopes``, ``chi2_added`` (2 x the log-likelihood lost without the block), ``share_added`` (of
        the full model's gain over the traits that always stay), ``chi2_alone``, ``share_alone``.
    """

    def fit(keep):
        keep = [trait for trait in traits if keep(trait)]
        if not keep:
            return None
        return OrderedLogit.from_formula(formula(outcome, keep), table).fit()

    from p2prisk.ordered import OrderedLogit

    full = fit(lambda trait: True)
    base = fit(lambda trait: trait.block not in blocks)
    floor, always = (full.llnull, 0) if base is None else (base.llf, len(base.model.exog_names))
    rows = []
    for block in blocks:
        without, alone = (
            fit(lambda t, b=block: t.block != b),
            fit(lambda t, b=block: t.block == b or t.block not in blocks),
        )
        rows.append(
            {
                "block": block,
                "slopes": len(alone.model.exog_names) - always,
                "chi2_added": 2 * (full.llf - without.llf),
                "share_added": (full.llf - without.llf) / (full.llf - floor),
                "chi2_alone": 2 * (alone.llf - floor),
                "share_alone": (alone.llf - floor) / (full.llf - floor),
            }
        )
    return pd.DataFrame(rows)


def class_shares_if(result, table, **changes):
    """Average predicted class probabilities if every loan had the given trait values.

    Parameters
    ----------
    result : OrderedResults
    table : pandas.DataFrame
        Design frame.
    **changes
        Trait -> value set for all.

    Returns
    -------
    pandas.Series
        One entry a class.
    """
    return result.predict(table.assign(**changes)).mean(axis=0)


def relabel_classes(classes, thousands=()):
    """Short names for numeric classes: open ends, thousands as k.

    Parameters
    ----------
    classes : pandas.DataFrame
        ``label``, ``lower``, ``upper``, ``class_label``.
    thousands : tuple of str
        Labels whose values are printed in thousands.

    Returns
    -------
    pandas.DataFrame
        The same with ``class_label`` rewritten: the last class says "and over" as ``+``.

    Examples
    --------
    >>> frame = pd.DataFrame({"label": "income", "lower": [0.0, 4e4], "upper": [4e4, 6e6], "class_label": ""})
    >>> relabel_classes(frame, ("income",))["class_label"].tolist()
    ['0–40k', '40k+']
    """
    parts = []
    for label, part in classes.groupby("label", sort=False):
        unit, suffix = (1000, "k") if label in thousands else (1, "")
        names = []
        for i, row in enumerate(part.itertuples()):
            low, high = f"{row.lower / unit:,.0f}", f"{row.upper / unit:,.0f}"
            if i == len(part) - 1 and row.upper > row.lower:
                names.append(f"{low}{suffix}+")
            else:
                names.append(f"{low}{suffix}" if low == high else f"{low}–{high}{suffix}")
        parts.append(part.assign(class_label=names))
    return pd.concat(parts)


def contrast(result, weights, confidence=0.95):
    """Odds ratio of a combination of slopes, with its interval.

    Parameters
    ----------
    result : OrderedResults
    weights : dict of str to float
        Slope -> weight; slopes that the model lacks must not be named.
    confidence : float

    Returns
    -------
    estimate, se, odds_ratio, low, high : float

    Raises
    ------
    DataError
        If a slope is not in the model.
    """
    from scipy.stats import norm

    absent = [name for name in weights if name not in result.params.index]
    if absent:
        raise DataError(f"the model has no slope {', '.join(absent)}; it has {', '.join(result.params.index)}")
    names, vector = list(weights), np.array(list(weights.values()), dtype=float)
    estimate = float(vector @ result.params[names].to_numpy())
    covariance = result.cov_params().loc[names, names].to_numpy()
    se = float(np.sqrt(vector @ covariance @ vector))
    wide = norm.ppf(0.5 + confidence / 2)
    return estimate, se, np.exp(estimate), np.exp(estimate - wide * se), np.exp(estimate + wide * se)


def effect_curve(result, traits, column, values, reference, label):
    """Odds of a worse outcome along one canonical column, relative to a reference value.

    All traits made of that column alone move together, so that a bent line is drawn as one line.

    Parameters
    ----------
    result : OrderedResults
    traits : sequence of Trait
    column : str
        Canonical column, numeric.
    values : array_like
        Where to draw.
    reference : float
        Value with odds ratio one.
    label : str

    Returns
    -------
    pandas.DataFrame
        ``label``, ``value``, ``odds_ratio``, ``low``, ``high``.
    """
    mine = [trait for trait in traits if trait.columns == (column,) and trait.name in result.params.index]
    grid = pd.DataFrame({column: np.asarray(values, dtype=float)})
    origin = pd.DataFrame({column: [float(reference)]})
    rows = []
    steps = {
        trait.name: np.asarray(trait.compute(grid), dtype=float) - float(np.asarray(trait.compute(origin))[0])
        for trait in mine
    }
    for i, value in enumerate(grid[column]):
        if all(step[i] == 0 for step in steps.values()):
            rows.append((label, value, 1.0, 1.0, 1.0))
            continue
        rows.append((label, value, *contrast(result, {name: step[i] for name, step in steps.items()})[2:]))
    return pd.DataFrame(rows, columns=["label", "value", "odds_ratio", "low", "high"])


def effects_in_points(effects, traits, rows=None):
    """Average marginal effects as one row an effect and one column a class, in percentage points.

    Parameters
    ----------
    effects : pandas.DataFrame
        From :func:`p2prisk.average_marginal_effects`: ``term, contrast, category, effect, se``.
    traits : sequence of Trait
        For the words.
    rows : sequence of str, optional
        Traits to keep, in this order; all by default.

    Returns
    -------
    pandas.DataFrame
        ``trait``, one column a class (points), and ``largest se`` (points).
    """
    labels = {trait.name: trait.label for trait in traits}
    effects = effects[effects["term"].isin(labels if rows is None else rows)]
    classes = list(dict.fromkeys(effects["category"]))
    out = []
    for (term, contrast), part in effects.groupby(["term", "contrast"], sort=False):
        level = contrast.split(" - ")[0]
        name = labels[term] if contrast in ("derivative", "1 - 0", "1.0 - 0.0") else f"{labels[term]}: {level}"
        values = part.set_index("category")
        out.append(
            {
                "order": 0 if rows is None else list(rows).index(term),
                "trait": name,
                **{str(label): 100 * values.loc[label, "effect"] for label in classes},
                "largest se": 100 * values["se"].max(),
            }
        )
    return pd.DataFrame(out).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def plain_name(name):
    """Words for a column of a design matrix.

    Examples
    --------
    >>> plain_name("income_band[T.66,000 and over]"), plain_name("C(term)[T.60]")
    ('income: 66,000 and over', 'term: 60')
    """
    base, _, level = name.partition("[")
    base = base.removeprefix("C(").removesuffix(")").removesuffix("_band").removesuffix("_group").replace("_", " ")
    level = level.rstrip("]").removeprefix("T.")
    return f"{base}: {level}" if level else base


def merge_top(values, level, label):
    """Merge the categories of an ordered column from `level` on into one.

    Examples
    --------
    >>> grades = pd.Series(pd.Categorical(list("ABCC"), list("ABC"), ordered=True))
    >>> merge_top(grades, "B", "B-C").tolist()
    ['A', 'B-C', 'B-C', 'B-C']
    """
    categories = list(values.cat.categories)
    first = categories.index(level)
    codes = np.minimum(values.cat.codes.to_numpy(), first)
    return pd.Series(pd.Categorical.from_codes(codes, [*categories[:first], label], ordered=True), values.index)


# -- does it travel ------------------------------------------------------------------------------------------------


def count_odds_ratios(counts, references):
    """Odds ratios of being overdue from published counts, against a reference level of each variable.

    No standard error is given: the counts are snapshots in which the same listing repeats.

    Parameters
    ----------
    counts : pandas.DataFrame
        ``variable``, ``level``, ``overdue``, ``snapshots``.
    references : dict of str to str
        Variable -> level with odds ratio one; other variables are left out.

    Returns
    -------
    pandas.DataFrame
        ``variable``, ``level``, ``reference``, ``snapshots``, ``share``, ``odds_ratio``; without the reference rows.

    Raises
    ------
    DataError
        If a reference level is not in the counts.

    Examples
    --------
    >>> counts = pd.DataFrame({"variable": "sex", "level": ["male", "female"], "overdue": [20, 10],
    ...                        "snapshots": [100, 100]})
    >>> count_odds_ratios(counts, {"sex": "female"})["odds_ratio"].round(2).tolist()
    [2.25]
    """
    rows = []
    for variable, reference in references.items():
        part = counts[counts["variable"] == variable].set_index("level")
        if reference not in part.index:
            raise DataError(
                f"the counts have no level {reference!r} of {variable!r}; they have "
                f"{', '.join(map(str, part.index)) or 'nothing of it'}"
            )
        odds = part["overdue"] / (part["snapshots"] - part["overdue"])
        for level in part.index.drop(reference):
            rows.append(
                {
                    "variable": variable,
                    "level": level,
                    "reference": reference,
                    "snapshots": int(part.loc[level, "snapshots"]),
                    "share": part.loc[level, "overdue"] / part.loc[level, "snapshots"],
                    "odds_ratio": odds[level] / odds[reference],
                }
            )
    return pd.DataFrame(rows)


#: variable -> for each source of our own: slope and whether its sign must be turned; PPDai counts: variable, level;
#: literature: its variable in data/literature_signs.csv
TRAVEL = {
    "income, higher": (
        {"grade": ("income", 1), "early": ("income", 1), "later": ("income", 1), "prosper": ("income", 1)},
        None,
        "Income, higher",
    ),
    "debt to income, higher": ({"grade": ("dti", 1), "early": ("dti", 1)}, None, "Debt to income, higher"),
    "home owner": (
        {"grade": ("home[T.rent]", -1), "early": ("tenant", -1), "prosper": ("owner", 1)},
        None,
        "Home owner",
    ),
    "ten years with employer": ({"later": ("long_job", 1), "prosper": ("long_job", 1)}, None, "Employment, longer"),
    "inquiries, more": (
        {"grade": ("inquiries", 1), "early": ("inquiries", 1), "later": ("inquiries", 1)},
        None,
        "Recent inquiries, more",
    ),
    "used share of limits, higher": (
        {"grade": ("utilisation", 1), "early": ("utilisation", 1), "later": ("utilisation", 1)},
        None,
        "Revolving use, higher",
    ),
    "past delinquency": (
        {
            "grade": ("delinquency[T.within a year]", 1),
            "early": ("delinquency[T.within a year]", 1),
            "later": ("recent_delinquency", 1),
        },
        None,
        "Overdues, bad records, more",
    ),
    "bureau score, higher": ({"prosper": ("score", 1)}, None, None),
    "term, longer": (
        {"grade": ("long_term", 1), "early": ("long_term", 1), "later": ("long_term", 1)},
        None,
        "Term, longer",
    ),
    "amount, larger": (
        {"grade": ("amount", 1), "early": ("amount_step", 1), "later": ("amount", 1), "prosper": ("amount", 1)},
        None,
        "Amount, larger",
    ),
    "small business": (
        {
            "grade": ("purpose[T.small business]", 1),
            "early": ("purpose[T.small business]", 1),
            "prosper": ("business_purpose", 1),
        },
        None,
        "Purpose: small business",
    ),
    "platform grade, worse": (
        {"early": ("sub_grade_step", 1), "prosper": ("grade_step", 1)},
        ("grade", "D"),
        "Platform grade, worse",
    ),
    "education, verified or higher": ({}, ("verified_education", "yes"), "Education, higher"),
    "female": ({}, ("sex", "female"), "Female"),
    "identity verified": ({}, ("verified_identity", "yes"), "Identity or asset verified"),
    "bureau report handed in": ({}, ("verified_bureau", "yes"), "Documents shown, more"),
}


def direction(low, high):
    """Direction of an odds ratio by its interval.

    Examples
    --------
    >>> direction(1.1, 1.3), direction(0.7, 0.9), direction(0.9, 1.2)
    ('worse', 'better', 'none')
    """
    return "worse" if low > 1 else "better" if high < 1 else "none"


def signs_direction(signs):
    """Direction of the studies on one variable: their common sign, ``mixed``, ``none`` or blank (no sign stated).

    Examples
    --------
    >>> signs_direction(["+", "?"]), signs_direction(["+", "-"]), signs_direction(["?"])
    ('worse', 'mixed', '')
    """
    stated = set(signs) - {"?"}
    if not stated:
        return ""
    if len(stated) > 1:
        return "mixed"
    return {"+": "worse", "-": "better", "0": "none"}[stated.pop()]


def directions(estimates, ratios, signs, columns, clear=0.1):
    """Direction of every variable of :data:`TRAVEL` in every source.

    Parameters
    ----------
    estimates : dict of str to pandas.DataFrame
        Source (``grade``, ``early``, ``later``, ``prosper``) -> ``name``, ``low``, ``high`` of odds ratios.
    ratios : pandas.DataFrame
        From :func:`count_odds_ratios`; a ratio within `clear` of one (on the log scale) counts as no clear effect,
        as there is no standard error.
    signs : pandas.DataFrame
        ``variable``, ``country``, ``sign`` (``data/literature_signs.csv``).
    columns : dict of str to str
        Printed heading of ``grade``, ``early``, ``later``, ``prosper``, ``ppdai``, ``United States``, ``China``,
        in the order of the table.

    Returns
    -------
    pandas.DataFrame
        One row a variable, one column a source: ``worse``, ``better``, ``none``, ``mixed`` or blank.
    """
    rows = {}
    for label, (slopes, count, variable) in TRAVEL.items():
        row = dict.fromkeys(columns, "")
        for source, (name, sign) in slopes.items():
            found = estimates[source].set_index("name").loc[name, ["low", "high"]]
            low, high = found if sign > 0 else (1 / found["high"], 1 / found["low"])
            row[source] = direction(low, high)
        if count is not None:
            ratio = np.log(ratios.set_index(["variable", "level"]).loc[count, "odds_ratio"])
            row["ppdai"] = "none" if abs(ratio) < clear else "worse" if ratio > 0 else "better"
        for country in ("United States", "China"):
            mine = signs[(signs["variable"] == variable) & (signs["country"] == country)]
            row[country] = signs_direction(mine["sign"])
        rows[label] = {columns[key]: value for key, value in row.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def p_words(pvalue):
    """A p-value for print; nothing below 0.0001 is told apart.

    Examples
    --------
    >>> p_words(0.03456), p_words(1e-9)
    ('0.0346', '<\xa00.0001')
    """
    return "<\N{NO-BREAK SPACE}0.0001" if pvalue < 1e-4 else f"{pvalue:.4f}"


def share_odds_ratios(shares, references, column):
    """Odds ratios from published percentages, where no counts are given.

    Parameters
    ----------
    shares : pandas.DataFrame
        ``variable``, ``level`` and `column`, in per cent.
    references : dict of str to str
        Variable -> level with odds ratio one.
    column : str
        The percentage to compare.

    Returns
    -------
    pandas.DataFrame
        ``variable``, ``level``, ``reference``, ``share`` (per cent), ``odds_ratio``; the reference has one.

    Examples
    --------
    >>> shares = pd.DataFrame({"variable": "sex", "level": ["f", "m"], "late": [20.0, 50.0]})
    >>> share_odds_ratios(shares, {"sex": "f"}, "late")["odds_ratio"].tolist()
    [1.0, 4.0]
    """
    rows = []
    for variable, reference in references.items():
        part = shares[shares["variable"] == variable].set_index("level")[column]
        if reference not in part.index:
            raise DataError(f"the shares have no level {reference!r} of {variable!r}")
        odds = part / (100 - part)
        rows += [
            {
                "variable": variable,
                "level": level,
                "reference": reference,
                "share": part[level],
                "odds_ratio": odds[level] / odds[reference],
            }
            for level in part.index
        ]
    return pd.DataFrame(rows)
