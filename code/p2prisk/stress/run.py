"""A run on new funding: can the platform pay what falls due?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.stress.scenarios import breaking_point

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def funding_run(
    balance: float,
    cash: float,
    *,
    asset_months: float,
    liability_months: float,
    reinvested: float | ArrayLike,
    default_rate: float = 0.0,
    horizon: int = 24,
) -> pd.DataFrame:
    """Project lenders' money month by month when a share of what falls due is not invested again.

    Parameters
    ----------
    balance : float
        Loans outstanding, equal to what lenders are owed.
    cash : float
        Money at hand.
    asset_months : float
        Remaining months over which the loans repay, in equal parts; new loans run as long.
    liability_months : float
        Months over which lenders' money falls due, in equal parts. Equal to `asset_months` on a matched platform.
    reinvested : float or array_like, shape (horizon,)
        Share of money falling due that lenders (old or new) put in again.
    default_rate : float
        Share of instalments due that does not come, a month.
    horizon : int
        Months.

    Returns
    -------
    pandas.DataFrame
        ``month, due, inflow, new_money, cash, owed``, up to the month in which cash runs out (negative in that row).

    Notes
    -----
    On a matched platform lenders are owed only what borrowers repay: due equals inflow, and a run ends new lending
    but not payments. In a pool lenders are owed their money whatever the borrowers do.

    Examples
    --------
    >>> pool = funding_run(100.0, 5.0, asset_months=12, liability_months=1, reinvested=0.5)
    >>> int(pool["month"].iloc[-1]), bool(pool["cash"].iloc[-1] < 0)
    (1, True)
    """
    for name, value in (("balance", balance), ("cash", cash)):
        if value < 0:
            raise DataError(f"{name} cannot be negative ({value:g})")
    if asset_months < 1 or liability_months < 1:
        raise DataError("assets and liabilities run for one month at least")
    share = np.broadcast_to(np.asarray(reinvested, float), (horizon,))
    if ((share < 0) | (share > 1)).any():
        raise DataError("the share invested again lies between 0 and 1")
    matched = liability_months >= asset_months
    loans, owed = float(balance), float(balance)
    rows = []
    for month in range(1, horizon + 1):
        contract = loans / asset_months
        inflow = contract * (1 - default_rate)
        due = inflow if matched else owed / liability_months
        new_money = share[month - 1] * due
        # money in first pays what is due; only what is left is lent again, and cash is kept
        lend = new_money if matched else max(0.0, min(new_money, inflow + new_money - due))
        cash = cash + inflow + new_money - due - lend
        loans = loans - contract + lend
        owed = owed - (contract if matched else due) + new_money
        rows.append((month, due, inflow, new_money, cash, owed))
        if cash < -1e-9:
            break
    return pd.DataFrame(rows, columns=["month", "due", "inflow", "new_money", "cash", "owed"])


def months_to_failure(*args: Any, **settings: Any) -> float:
    """Month in which cash runs out, or infinity if it does not within the horizon."""
    path = funding_run(*args, **settings)
    return float(path["month"].iloc[-1]) if path["cash"].iloc[-1] < 0 else float("inf")


def least_reinvestment(
    balance: float,
    cash: float,
    *,
    asset_months: int,
    liability_months: int,
    default_rate: float = 0.0,
    horizon: int = 12,
) -> float:
    """Reverse stress of funding: the smallest share invested again with which the platform pays for `horizon` months.

    Parameters
    ----------
    balance, cash, asset_months, liability_months, default_rate, horizon
        As in :func:`funding_run`.

    Returns
    -------
    float
        0 if the platform needs no new money (a matched one); infinity if even full reinvestment does not save it.
    """
    settings = {
        "asset_months": asset_months,
        "liability_months": liability_months,
        "default_rate": default_rate,
        "horizon": horizon,
    }

    def lowest(share):
        return float(funding_run(balance, cash, reinvested=share, **settings)["cash"].min())

    if lowest(0.0) >= -1e-9:
        return 0.0
    if lowest(1.0) < -1e-9:
        return float("inf")
    return breaking_point(lowest, 0.0, upper=1.0, what="the share invested again")
