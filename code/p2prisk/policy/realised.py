"""What ended loans were worth: cash flows, loss given default, prepayment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.policy.value import Costs

_NEEDED = (
    "amount",
    "term",
    "instalment",
    "total_paid",
    "issue_date",
    "last_payment_date",
    "recoveries",
    "recovery_fee",
    "principal_paid",
    "bad",
)


def _check(frame, names):
    absent = [name for name in names if name not in frame]
    if absent:
        raise DataError(f"the tape lacks {', '.join(absent)}; cash flows cannot be valued without them")
    if (frame["amount"].to_numpy(dtype=float) <= 0).any():
        raise DataError(f"{int((frame['amount'] <= 0).sum())} loans have no positive amount")


def months_to_last_payment(frame):
    """Months from issue to the last payment; zero for a loan that never paid."""
    last, issue = frame["last_payment_date"], frame["issue_date"]
    months = (last.dt.year - issue.dt.year) * 12 + last.dt.month - issue.dt.month
    return np.maximum(months.to_numpy(dtype=float, na_value=0.0), 0.0)


def realised_value(frame: pd.DataFrame, costs: Costs | None = None) -> np.ndarray:
    """Present value at issue of what each ended loan paid, less the amount, per unit lent.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns of ended loans: ``amount, term, instalment, total_paid, issue_date, last_payment_date,
        recoveries, recovery_fee, principal_paid, bad``. ``total_paid`` is taken to include the recoveries, as in
        Lending Club's file.
    costs : Costs, optional

    Returns
    -------
    numpy.ndarray, shape (n,)

    Notes
    -----
    The file holds totals, not months. The payments before recovery are laid out as one instalment a month up to the
    month before the last, and the rest in the month of the last payment: exact for a loan on schedule and for one
    repaid early, and an approximation for a loan that paused. Where the instalments would exceed the total, the total
    is spread evenly. Recoveries, net of the fee, come ``recovery_lag`` months after the last payment.
    """
    costs = costs or Costs()
    _check(frame, _NEEDED)
    amount = frame["amount"].to_numpy(dtype=float)
    recovered = frame["recoveries"].to_numpy(dtype=float)
    paid = frame["total_paid"].to_numpy(dtype=float) - recovered
    net = recovered - frame["recovery_fee"].to_numpy(dtype=float)
    months = np.maximum(months_to_last_payment(frame), np.where(paid > 0, 1.0, 0.0))
    payment = frame["instalment"].to_numpy(dtype=float)
    before = np.maximum(months - 1, 0.0)
    regular = np.where(before * payment <= paid, payment, np.divide(paid, np.maximum(months, 1.0)))
    rest = np.maximum(paid - regular * before, 0.0)
    month = costs.monthly_discount
    annuity = month * (1 - month**before) / (1 - month) if month != 1 else before
    value = (1 - costs.servicing) * (regular * annuity + rest * month**months)
    value += net * month ** (months + costs.recovery_lag)
    return value / amount - 1 - costs.origination


def loss_given_default(frame: pd.DataFrame) -> pd.DataFrame:
    """Loss given default of the bad loans: share of the principal outstanding at default that never came back.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``amount, principal_paid, recoveries, recovery_fee, bad``.

    Returns
    -------
    pandas.DataFrame
        Index of the bad loans; ``outstanding`` (share of the amount), ``lgd`` (of the outstanding principal, between 0
        and 1), ``loss`` (share of the amount).

    Notes
    -----
    ``principal_paid`` is taken to hold no recovery, as in Lending Club's file. Recoveries are not discounted; they are
    those that had come by the end of the file.
    """
    _check(frame, ("amount", "principal_paid", "recoveries", "recovery_fee", "bad"))
    bad = frame[frame["bad"].astype(bool)]
    amount = bad["amount"].to_numpy(dtype=float)
    left = np.maximum(amount - bad["principal_paid"].to_numpy(dtype=float), 0.0)
    net = np.clip((bad["recoveries"] - bad["recovery_fee"]).to_numpy(dtype=float), 0.0, left)
    with np.errstate(divide="ignore", invalid="ignore"):
        lgd = np.where(left > 0, 1 - net / left, 0.0)
    return pd.DataFrame({"outstanding": left / amount, "lgd": lgd, "loss": (left - net) / amount}, index=bad.index)


def monthly_prepayment(frame: pd.DataFrame) -> dict:
    """Monthly probability that a performing loan is repaid in full before its last instalment.

    Parameters
    ----------
    frame : pandas.DataFrame
        Ended loans of one term.

    Returns
    -------
    dict
        ``prepaid`` loans, ``months`` at risk, ``probability`` and ``share`` of the paid loans that were repaid early
        (the last payment two months or more before the end of the term).
    """
    _check(frame, ("amount", "term", "issue_date", "last_payment_date", "bad"))
    term = frame["term"].to_numpy(dtype=float)
    months = np.clip(months_to_last_payment(frame), 1, term)
    early = ~frame["bad"].to_numpy(dtype=bool) & (months < term - 1)
    return {
        "prepaid": int(early.sum()),
        "months": float(months.sum()),
        "probability": float(early.sum() / months.sum()),
        "share": float(early.sum() / max((~frame["bad"].to_numpy(dtype=bool)).sum(), 1)),
    }
