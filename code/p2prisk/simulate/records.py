"""What a platform records besides its loans: transfers, custody, funding and accounts by month (simulated)."""

import numpy as np
import pandas as pd

from p2prisk.simulate import published

KINDS = ("deposit", "repayment", "disbursement", "withdrawal")
SIGNS = np.array([1, 1, -1, -1])
BATCHES_PER_MONTH = 21  # working days

#: Healthy noise, so that no screen starts from a perfect zero (assumptions)
LATE_SETTLEMENT = (0.90, 0.08, 0.02)  # the bank books 0, 1 or 2 days after the ledger
VERY_LATE = 0.002  # a batch the bank books four to eight days late; at a month's end it is an open item
FEE_DIFFERENCE = 0.003  # a batch from which the bank took a fee
SHARED_ADDRESS = 0.02  # loans whose address is also that of an earlier borrower
GUARANTEED = 0.05  # loans with one of the professional guarantors
OBSERVED_ONWARD = 0.30  # borrowers who spend the money inside the custody system, where it is seen
LENDER_BORROWER = 0.004  # of these, the ones who pay an account that also lends
OWN_LENDER = 0.002  # borrowers whose money goes back to the lender: friends who lent through the platform


def parties(size, rng, repeat):
    """Borrower, address, guarantor and main lender of every loan.

    Parameters
    ----------
    size : int
        Number of loans, in order of issue.
    rng : numpy.random.Generator
        Source of randomness.
    repeat : numpy.ndarray of bool
        Whether the loan goes to a borrower who has had one before.

    Returns
    -------
    dict of numpy.ndarray of int64
        ``borrower``, ``address``, ``guarantor`` (-1 = none), in consecutive numbers.
    """
    firsts = np.cumsum(~repeat)
    # a repeat borrower is drawn from those who came before; the first ones had their first loan before month 0
    earlier = int(0.5 * size) + 1
    known = earlier + firsts
    borrower = np.where(repeat, (rng.random(size) * known).astype(np.int64), known - 1)
    address = borrower.copy()
    shared = rng.random(size) < SHARED_ADDRESS
    address[shared] = (rng.random(shared.sum()) * known[shared]).astype(np.int64)
    guarantor = np.full(size, -1, dtype=np.int64)
    guaranteed = np.flatnonzero(rng.random(size) < GUARANTEED)
    weights = 1 / np.arange(1, 31)  # Zipf's law: a few guarantors stand behind most guaranteed loans
    guarantor[guaranteed] = rng.choice(30, size=len(guaranteed), p=weights / weights.sum())
    return {"borrower": borrower, "address": address, "guarantor": guarantor}


def transfers(loans, connected, rng):
    """Money flows that pass through custody: lender to borrower, and onward where it is seen.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``borrower_id``, ``amount``, ``issue_date``.
    connected : numpy.ndarray of bool
        Loans to connected firms; their money goes to accounts that also lend.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pandas.DataFrame
        ``date, source, target, amount``.
    """
    size = len(loans)
    amount = loans["amount"].to_numpy()
    lenders = max(200, int(amount.sum() / published.HOLDING_PER_LENDER))
    lender = rng.integers(0, lenders, size)
    inside = rng.random(size) < 0.4
    affiliate = rng.integers(0, 3, size)
    lender_id = np.char.add("L", lender.astype(str))
    lender_id = np.where(connected & inside, np.char.add("LA", affiliate.astype(str)), lender_id)
    onward = rng.random(size) < np.where(connected, 0.8, OBSERVED_ONWARD)
    to_lender = rng.random(size) < LENDER_BORROWER
    target = np.where(
        to_lender,
        np.char.add("L", rng.integers(0, lenders, size).astype(str)),
        np.char.add("M", rng.integers(0, 300, size).astype(str)),
    )
    back = rng.random(size) < OWN_LENDER
    onward |= back
    target = np.where(back, lender_id, target)
    target = np.where(connected, np.char.add("LA", rng.integers(0, 3, size).astype(str)), target)
    borrower = loans["borrower_id"].to_numpy(dtype=str)
    date = loans["issue_date"].to_numpy()
    return pd.DataFrame(
        {
            "date": np.concatenate([date, date[onward]]),
            "source": np.concatenate([lender_id, borrower[onward]]),
            "target": np.concatenate([borrower, target[onward]]),
            "amount": np.concatenate([amount, 0.9 * amount[onward]]),
        }
    )


def custody(flows, diverted, balance, start, rng):
    """Ledger of the platform and statement of the custody bank, in daily batches.

    Parameters
    ----------
    flows : numpy.ndarray, shape (months, 4)
        Money by month and kind (:data:`KINDS`).
    diverted : numpy.ndarray, shape (months,)
        Share of the loan balance that is missing from custody by the end of each month.
    balance : numpy.ndarray, shape (months,)
        Loan balance by month.
    start : numpy.datetime64
        First month.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ledger, bank : pandas.DataFrame
        ``entry_id, date, kind, amount`` (money into custody is positive).
    """
    months = len(flows)
    shares = rng.dirichlet(np.full(BATCHES_PER_MONTH, 20.0), size=(months, 4))
    amount = np.round(shares * flows[:, :, None] * SIGNS[None, :, None], 2)
    month, kind, batch = (axis.ravel() for axis in np.indices(amount.shape))
    amount = amount.ravel()
    # batches fall on days 1 to 27, so that a settlement two days late is still in the month
    day = 1 + (batch * 26) // (BATCHES_PER_MONTH - 1)
    date = (start + month).astype("datetime64[D]") + (day - 1)
    entry = np.char.add(
        np.char.add(month.astype(str), "-"), np.char.add(kind.astype(str), np.char.add("-", batch.astype(str)))
    )
    names = np.array(KINDS, dtype=object)[kind]
    ledger = pd.DataFrame({"entry_id": entry, "date": date, "kind": names, "amount": amount})
    lag = rng.choice(3, size=len(amount), p=LATE_SETTLEMENT)
    lag = np.where(rng.random(len(amount)) < VERY_LATE, rng.integers(4, 9, len(amount)), lag)
    booked = amount - np.where(rng.random(len(amount)) < FEE_DIFFERENCE, np.round(0.0005 * np.abs(amount), 2), 0)
    taken = np.maximum(np.diff(diverted * balance, prepend=0.0), 0.0)
    extra = []
    when = np.flatnonzero(taken > 0)
    if len(when):
        # three fifths leave the account with no entry in the ledger ...
        extra.append(
            pd.DataFrame(
                {
                    "entry_id": np.char.add("bank-", when.astype(str)),
                    "date": (start + when).astype("datetime64[D]") + 14,
                    "kind": "transfer",
                    "amount": -np.round(0.6 * taken[when], 2),
                }
            )
        )
        # ... of the rest the ledger shows repayments larger than the bank received
        short = np.round(0.4 * taken[month] / BATCHES_PER_MONTH, 2)
        booked = booked - np.where(kind == KINDS.index("repayment"), short, 0.0)
    bank = pd.DataFrame({"entry_id": entry, "date": date + lag, "kind": names, "amount": booked})
    bank = pd.concat([bank, *extra], ignore_index=True)
    last = (start + months).astype("datetime64[D]")
    bank = bank[bank["date"] < last].sort_values("date", kind="stable", ignore_index=True)
    return ledger, bank


def funding(balance, inflow, cash, pooled, outflow, asset_months, dates, rng):
    """Lenders' side by month and product: what is owed to them, when it falls due, and what backs it.

    Parameters
    ----------
    balance, inflow, cash : numpy.ndarray, shape (months,)
        Loan balance, instalments due in the next month, lenders' uninvested cash.
    pooled : numpy.ndarray
        Share of the balance funded through pools of one-month money outside the licence.
    outflow : numpy.ndarray
        Extra share of due money that is not invested again.
    asset_months : numpy.ndarray
        Balance-weighted remaining term of the loans.
    dates : numpy.ndarray of datetime64
        Month of each row.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pandas.DataFrame
    """
    months = len(balance)
    rows = []
    # a healthy platform, too, books a little under the wrong product
    misbooked = 0.002 * rng.gamma(2.0, 0.5, months)
    pool = np.clip(pooled + misbooked, 0, 1)
    reinvested = np.clip(0.85 - outflow + 0.03 * rng.standard_normal(months), 0, 1)
    for name, licensed, share, life in (("matched loans", True, 1 - pool, None), ("exchange pool", False, pool, 1.0)):
        outstanding = share * balance
        due = share * inflow if life is None else outstanding / life
        due = due * np.exp(0.02 * rng.standard_normal(months))
        rows.append(
            pd.DataFrame(
                {
                    "month": dates,
                    "product": name,
                    "licensed": licensed,
                    "outstanding": outstanding,
                    "due_next_month": due,
                    "inflow_next_month": share * inflow,
                    "cash": share * cash,
                    "new_money": reinvested * due,
                    "asset_months": asset_months,
                    "liability_months": asset_months * np.exp(0.02 * rng.standard_normal(months))
                    if life is None
                    else np.full(months, life),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def accounts(volume, balance, active, servicing, dates, rng):
    """Monthly accounts: revenue, cost of servicing, cost of marketing (CNY).

    Parameters
    ----------
    volume, balance, active : numpy.ndarray, shape (months,)
        Loans issued, balance, and loans running.
    servicing : numpy.ndarray
        Relative change of the servicing effort a loan.
    dates : numpy.ndarray of datetime64
        Month of each row.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pandas.DataFrame
    """
    noise = np.exp(0.05 * rng.standard_normal((3, len(volume))))
    revenue = (0.04 * volume + 0.002 * balance) * noise[0]
    return pd.DataFrame(
        {
            "month": dates,
            "new_volume": volume,
            "balance": balance,
            "active_loans": active,
            "revenue": revenue,
            "servicing_cost": 6.0 * active * np.clip(1 + servicing, 0.05, None) * noise[1],
            "marketing_cost": 0.35 * revenue * (1 - servicing) * noise[2],
        }
    )
