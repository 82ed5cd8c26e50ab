"""What a screen is, what it returns, and the register of all screens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Screen:
    """One screen on the platform's own conduct.

    Attributes
    ----------
    name, cause : str
        Short name; the cause of the case that it answers to.
    definition : str
        The statistic, in words.
    data : str
        Records and columns needed.
    threshold : float
        Above it (or below it, where `below` is true) the screen is breached.
    unit : str
        Unit of the statistic.
    reason : str
        Why the threshold is where it is.
    test : str
        How it is judged: exact rule, or against the platform's own past.
    action, owner : str
        What follows a breach, and who answers for it.
    below : bool
        Whether a low value is the bad one.
    """

    name: str
    cause: str
    definition: str
    data: str
    threshold: float
    unit: str
    reason: str
    test: str
    action: str
    owner: str
    below: bool = False


@dataclass
class ScreenResult:
    """Result of one screen on one date.

    Attributes
    ----------
    screen : Screen
        What was measured.
    value : float
        The statistic; missing where the records do not allow it.
    threshold : float
        In force.
    breached : bool
        Whether the value is beyond the threshold.
    table : pandas.DataFrame
        What is behind the value, largest first.
    notes : list of str
        Rows that could not be used, with their number.
    """

    screen: Screen
    value: float
    threshold: float
    breached: bool
    table: pd.DataFrame
    notes: list = field(default_factory=list)


SCREENS = {
    "related parties": Screen(
        "related parties",
        "management",
        "largest share of the balance owed by one group of borrowers linked through an address or a guarantor",
        "loans: borrower_id, address_id, counterparty, balance",
        5.0,
        "% of balance",
        "a twentieth of the book in one hand can sink a platform whose lenders bear losses of a few per cent",
        "exact rule; groups are connected components",
        "stop lending to the group; beneficial owners identified",
        "chief risk officer",
    ),
    "circular flows": Screen(
        "circular flows",
        "management",
        "share of money moved, over three months, between accounts that money can leave and reach again",
        "transfers: date, source, target, amount",
        1.0,
        "% of money moved",
        "chance circles on a marketplace are rare; a per cent is several times what they make",
        "exact rule; strongly connected components",
        "trace by hand; report to the board, then the authority",
        "internal audit",
    ),
    "roll-over": Screen(
        "roll-over",
        "management",
        "share of principal repaid in the last three months that a new loan to the same borrower or address "
        "replaced (80 % or more of it) within a month",
        "loans: borrower_id, address_id, issue_date, last_payment_date, status, amount",
        15.0,
        "% of principal repaid",
        "some repeat borrowing is normal; a repayment that needs a new loan is none",
        "exact rule, set above the platform's own past",
        "no new loan within 30 days of a repayment without a fresh assessment",
        "head of credit",
    ),
    "concentration": Screen(
        "concentration",
        "management",
        "share of the balance owed by the ten largest borrowers",
        "loans: borrower_id, balance",
        10.0,
        "% of balance",
        "a marketplace for small loans has no reason for large ones; ten names at a tenth deserve a look",
        "exact rule",
        "limit by borrower lowered; lenders told",
        "chief risk officer",
    ),
    "borrower caps": Screen(
        "borrower caps",
        "management",
        "borrowers above the caps of the 2016 Interim Measures: CNY 200,000 a person and 1,000,000 a firm on the "
        "platform, 1,000,000 and 5,000,000 in all",
        "loans: borrower_id, borrower_type, balance; outside_balance where reported",
        0.0,
        "borrowers",
        "a rule of law has no tolerance",
        "exact rule",
        "no new loan; excess run off; authority told",
        "compliance",
    ),
    "rate cap": Screen(
        "rate cap",
        "operation",
        "share of new loans whose yearly rate with fees is above the cap in force",
        "loans: rate (or apr), issue_date",
        0.0,
        "% of loans",
        "a rule of law has no tolerance",
        "exact rule",
        "price corrected; excess refunded",
        "compliance",
    ),
    "maturity mismatch": Screen(
        "maturity mismatch",
        "operation",
        "share of what lenders are owed in products whose assets run more than one and a half times as long",
        "funding: product, outstanding, asset_months, liability_months",
        5.0,
        "% of outstanding",
        "matched loans cannot be run on; a pool can, and the 2016 Interim Measures forbid it",
        "exact rule",
        "no new sales of the product; cash held for a month of redemptions",
        "treasurer",
    ),
    "custody": Screen(
        "custody",
        "custody",
        "unexplained differences between ledger and bank (older than three days, of different amount, without an "
        "entry, entered twice) as share of clients' money in the ledger",
        "ledger and bank: entry_id, date, amount",
        1.0,
        "% of clients' money",
        "clients' money is exact; a per cent leaves room for entries in transit over a month's end and for fees",
        "entry by entry",
        "same day: payments stopped until explained; custodian and board told",
        "chief financial officer",
    ),
    "servicing": Screen(
        "servicing",
        "management",
        "servicing cost a running loan, last three months, as share of its level a year before",
        "accounts: servicing_cost, active_loans",
        85.0,
        "% of a year before",
        "cost a loan falls with size, but seldom by a sixth in a year without fewer calls being made",
        "against the platform's own past",
        "staffing plan before any further growth",
        "head of collections",
        True,
    ),
    "product mix": Screen(
        "product mix",
        "operation",
        "share of what lenders are owed in products outside the licence",
        "funding: product, licensed, outstanding",
        1.0,
        "% of outstanding",
        "the licence allows none; a per cent allows for entries under the wrong product",
        "exact rule",
        "sales stopped; legal opinion; lenders told",
        "compliance",
    ),
    "related receivables": Screen(
        "related receivables",
        "management",
        "the platform's own loans to related parties as share of its equity",
        "balance sheet: loans receivable from related parties, equity",
        10.0,
        "% of equity",
        "a platform that lives on fees needs no loan book with its owners; more than a tenth of equity is one",
        "exact rule",
        "repayment plan; auditor told",
        "audit committee",
    ),
}


def result(name, value, table, notes=(), threshold=None):
    """Judge a value by its screen."""
    if name not in SCREENS:
        raise DataError(f"no screen is called {name!r}; known: {', '.join(SCREENS)}")
    screen = SCREENS[name]
    limit = screen.threshold if threshold is None else float(threshold)
    breached = bool(value < limit) if screen.below else bool(value > limit)
    return ScreenResult(screen, float(value), limit, breached, table, list(notes))


def require(frame, columns, what):
    """Raise unless a record has the columns a screen needs and at least one row."""
    lacking = [name for name in columns if name not in frame]
    if lacking:
        raise DataError(f"{what} lack the column(s) {', '.join(lacking)}; they have {', '.join(frame.columns)}")
    if not len(frame):
        raise DataError(f"{what} have no row; the screen has nothing to look at")


def non_negative(values, column, what):
    """Raise if an amount that cannot be negative is."""
    if (values < 0).any():
        row = int((values < 0).argmax())
        raise DataError(
            f"{what}: {int((values < 0).sum())} rows have a negative {column}, the first is row {row} ({values[row]:g})"
        )


def screen_table(
    columns: Sequence[str] = ("name", "definition", "threshold", "unit", "reason", "action", "owner"),
) -> pd.DataFrame:
    """The register of screens as a table.

    Parameters
    ----------
    columns : sequence of str
        Attributes of :class:`Screen` to show.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> screen_table(["name", "owner"]).shape
    (11, 2)
    """
    return pd.DataFrame([{name: getattr(screen, name) for name in columns} for screen in SCREENS.values()])
