"""All screens at once, as far as the records go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2prisk.errors import DataError
from p2prisk.platform import flows, parties

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from p2prisk.kinds import DateLike
    from p2prisk.platform.screen import ScreenResult


@dataclass(frozen=True)
class Records:
    """What an outsider or an auditor was given of a platform; what is None was not.

    Attributes
    ----------
    loans : pandas.DataFrame, optional
        All loans up to the day of the screens, with their balance on that day.
    transfers, ledger, bank, funding, accounts : pandas.DataFrame, optional
        Money flows, custody, lenders' side, accounts.
    """

    loans: pd.DataFrame | None = None
    transfers: pd.DataFrame | None = None
    ledger: pd.DataFrame | None = None
    bank: pd.DataFrame | None = None
    funding: pd.DataFrame | None = None
    accounts: pd.DataFrame | None = None


def run_screens(
    records: Records, *, as_of: DateLike, cap: float | None = None, exempt: Collection[str] = ()
) -> tuple[list[ScreenResult], dict]:
    """Run every screen that the given records allow.

    Parameters
    ----------
    records : Records
    as_of : date-like
        Day of the screens.
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
    loans, funding, transfers, accounts = records.loans, records.funding, records.transfers, records.accounts
    ledger, bank = records.ledger, records.bank
    running = None if loans is None else loans[loans["balance"] > 0]
    # name -> screen, what it needs, and that in words
    tasks = {
        "related parties": (lambda: parties.related_parties(running, exempt=exempt), [loans], "loans"),
        "circular flows": (lambda: flows.circular_flows(transfers, as_of=as_of), [transfers], "transfers"),
        "roll-over": (lambda: parties.roll_over(loans, as_of=as_of, exempt=exempt), [loans], "loans"),
        "concentration": (lambda: parties.concentration(running), [loans], "loans"),
        "borrower caps": (lambda: parties.borrower_caps(running), [loans], "loans"),
        "rate cap": (lambda: parties.rate_cap(loans, cap=cap), [loans, cap], "loans and a cap"),  # type: ignore[arg-type]
        "maturity mismatch": (lambda: flows.maturity_mismatch(funding, as_of=as_of), [funding], "funding"),
        "custody": (lambda: flows.custody(ledger, bank, as_of=as_of), [ledger, bank], "ledger and bank statement"),
        "servicing": (lambda: flows.servicing(accounts, as_of=as_of), [accounts], "accounts"),
        "product mix": (lambda: flows.product_mix(funding, as_of=as_of), [funding], "funding"),
    }
    results, left_out = [], {"related receivables": "needs the balance sheet: call related_receivables"}
    for name, (task, needed, words) in tasks.items():
        if any(part is None for part in needed):
            left_out[name] = f"needs {words}"
            continue
        try:
            results.append(task())
        except DataError as error:
            left_out[name] = str(error)
    return results, left_out
