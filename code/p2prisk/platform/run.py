"""All screens at once, as far as the records go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2prisk.errors import DataError
from p2prisk.platform import flows, parties

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from p2prisk.kinds import DateLike
    from p2prisk.platform.screen import ScreenResult


def run_screens(
    *,
    as_of: DateLike,
    loans: pd.DataFrame | None = None,
    transfers: pd.DataFrame | None = None,
    ledger: pd.DataFrame | None = None,
    bank: pd.DataFrame | None = None,
    funding: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None,
    cap: float | None = None,
    exempt: Collection[str] = (),
) -> tuple[list[ScreenResult], dict]:
    """Run every screen that the given records allow.

    Parameters
    ----------
    as_of : date-like
        Day of the screens.
    loans : pandas.DataFrame, optional
        All loans up to `as_of`, with their balance on that day.
    transfers, ledger, bank, funding, accounts : pandas.DataFrame, optional
        Money flows, custody, lenders' side, accounts.
    cap : float, optional
        Rate cap in per cent a year.
    exempt : collection of str
        Keys that link nobody.

    Returns
    -------
    results : list of ScreenResult
        In the order of the register.
    left_out : dict
        Screen -> why it was not run. Nothing is left out silently.
    """
    running = None if loans is None else loans[loans["balance"] > 0]
    tasks = {
        "related parties": (lambda: parties.related_parties(running, exempt=exempt), loans is not None, "loans"),
        "circular flows": (lambda: flows.circular_flows(transfers, as_of=as_of), transfers is not None, "transfers"),
        "roll-over": (lambda: parties.roll_over(loans, as_of=as_of, exempt=exempt), loans is not None, "loans"),
        "concentration": (lambda: parties.concentration(running), loans is not None, "loans"),
        "borrower caps": (lambda: parties.borrower_caps(running), loans is not None, "loans"),
        "rate cap": (
            lambda: parties.rate_cap(loans, cap=cap),  # type: ignore[arg-type]  # asked only where there is a cap
            loans is not None and cap is not None,
            "loans and a cap",
        ),
        "maturity mismatch": (lambda: flows.maturity_mismatch(funding, as_of=as_of), funding is not None, "funding"),
        "custody": (
            lambda: flows.custody(ledger, bank, as_of=as_of),
            ledger is not None and bank is not None,
            "ledger and bank statement",
        ),
        "servicing": (lambda: flows.servicing(accounts, as_of=as_of), accounts is not None, "accounts"),
        "product mix": (lambda: flows.product_mix(funding, as_of=as_of), funding is not None, "funding"),
    }
    results, left_out = [], {"related receivables": "needs the balance sheet: call related_receivables"}
    for name, (task, possible, needed) in tasks.items():
        if not possible:
            left_out[name] = f"needs {needed}"
            continue
        try:
            results.append(task())
        except DataError as error:
            left_out[name] = str(error)
    return results, left_out
