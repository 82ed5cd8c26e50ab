"""The ordered outcome of a loan, by one rule for each kind of tape.

Resolved book (every loan ended), four levels, from best to worst:

=====================  =============================================================================
``paid``               repaid, and no late fee was ever charged
``paid late``          repaid, with at least one late fee (or late instalment)
``loss after half``    written off after at least 50 % of the principal had been repaid
``loss early``         written off before 50 % of the principal had been repaid
=====================  =============================================================================

Late fees as a sign of lateness and the 50 % mark are conventions of this project: no late status survives in
a file of ended loans. A file with neither late fees nor principal gives two levels, ``paid`` < ``loss``.

Live book, by delinquency stage at the record date: ``performing`` < ``late 1-30`` < ``late 31-120`` <
``default``. A loan already repaid counts as performing; a loan in its grace period is late 1-30.

A file that holds ended loans only, drawn while others of the same vintage are still running, over-represents
early repayments and early losses. :func:`resolved_cohort` keeps the vintages whose term
had run out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import ENDED, SEVERITY_LIVE, SEVERITY_RESOLVED, SEVERITY_TWO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p2prisk.kinds import DateLike
    from p2prisk.tape.core import LoanTape

#: share of ended loans from which on a file is one of ended loans, and the others in it are strays
NEARLY_ALL = 0.99
_PART = 1 << 17
#: days from which on, and the share of them that, are alike where they say nothing of the end of a loan
_FEW_DAYS, _ALIKE = 20, 0.95

_LIVE = {
    "current": "performing",
    "paid": "performing",
    "in grace": "late 1-30",
    "late 1-30": "late 1-30",
    "late 31-90": "late 31-120",
    "late 31-120": "late 31-120",
    "default": "default",
    "charged off": "default",
}


def resolved_severity(frame: pd.DataFrame, half: float = 0.5) -> pd.Series:
    """Severity of ended loans.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``status`` and, for four levels, ``principal_paid``, ``amount`` and one of ``late_fees``,
        ``instalments_late``.
    half : float
        Share of the principal repaid that divides the two levels of loss.

    Returns
    -------
    pandas.Series
        Ordered categorical; missing for a loan that has not ended.

    Raises
    ------
    DataError
        If there is no ``status``.
    """
    if "status" not in frame:
        raise DataError("severity needs the column 'status'; map the column that says how the loan stands")
    paid = frame["status"].isin(["paid"]).to_numpy()
    loss = frame["status"].isin(["charged off", "default"]).to_numpy()
    late = None
    if "late_fees" in frame:
        late = frame["late_fees"].to_numpy(dtype=float) > 0
    elif "instalments_late" in frame:
        late = frame["instalments_late"].to_numpy(dtype=float) > 0
    if late is None or "principal_paid" not in frame or "amount" not in frame:
        codes, levels = np.select([paid, loss], [0, 1], default=-1), SEVERITY_TWO
    else:
        share = frame["principal_paid"].to_numpy(dtype=float) / frame["amount"].to_numpy(dtype=float)
        ways = [paid & ~late, paid & late, loss & (share >= half), loss]
        codes, levels = np.select(ways, [0, 1, 2, 3], default=-1), SEVERITY_RESOLVED
    return pd.Series(pd.Categorical.from_codes(codes, levels, ordered=True), frame.index, name="severity")


def live_severity(frame: pd.DataFrame) -> pd.Series:
    """Severity of a live book, from days past due where the tape has them, otherwise from the status.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``status`` or ``days_past_due``. More than 120 days past due is ``default``.

    Returns
    -------
    pandas.Series
        Ordered categorical; missing for a cancelled or unknown status.
    """
    if "status" in frame:
        stage = frame["status"].astype(object).map(_LIVE)
    elif "days_past_due" in frame:
        stage = pd.Series(np.nan, frame.index, dtype=object)
    else:
        raise DataError("severity needs 'status' or 'days_past_due'; map one of them")
    if "days_past_due" in frame:
        days = frame["days_past_due"].to_numpy(dtype=float)
        by_days = np.select([days <= 0, days <= 30, days <= 120, days > 120], SEVERITY_LIVE, default="")
        ended = np.isin(stage.to_numpy(dtype=object).astype(str), ["default"])
        use = (by_days != "") & ~ended
        stage = stage.where(~use, by_days)
    return pd.Series(pd.Categorical(stage, SEVERITY_LIVE, ordered=True), frame.index, name="severity")


def add_outcome(frame: pd.DataFrame, record_date: DateLike | None = None, years: bool = False) -> pd.DataFrame:
    """Add ``resolved``, ``mature``, ``severity`` and ``bad`` to a frame with a status.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns; changed in place.
    record_date : datetime-like, optional
        Day of the snapshot, for ``mature``.
    years : bool
        Whether the issue dates are known to be years only, whatever they look like.

    Returns
    -------
    pandas.DataFrame
        The same frame.
    """
    if "status" not in frame and "days_past_due" not in frame:
        return frame
    if "status" in frame:
        frame["resolved"] = frame["status"].isin(ENDED).to_numpy()
    else:
        frame["resolved"] = False
    if record_date is not None and "issue_date" in frame and "term" in frame:
        end = latest_month_number(frame["issue_date"], years) + frame["term"].to_numpy(dtype=float)
        frame["mature"] = np.asarray(end <= month_number(pd.Series([pd.Timestamp(record_date)]))[0])
    frame["severity"] = resolved_severity(frame) if has_ended(frame) else live_severity(frame)
    worst = {"loss after half", "loss early", "loss", "late 31-120", "default"}
    frame["bad"] = frame["severity"].isin(worst).to_numpy()
    if frame["severity"].isna().any():
        frame["bad"] = frame["bad"].astype("boolean").mask(frame["severity"].isna())
    frame["severity"] = frame["severity"].cat.remove_unused_categories()
    return frame


def has_ended(frame: pd.DataFrame) -> bool:
    """Whether the loans have ended, as far as their status is known: a stray status does not change the kind of a book.

    Examples
    --------
    >>> has_ended(pd.DataFrame({"status": ["paid"] * 599 + [None], "resolved": [True] * 599 + [False]}))
    True
    """
    ended = frame["resolved"].astype(bool)
    if ended.all():
        return True
    if "status" not in frame:
        return False
    loan = ~frame["status"].isin(["cancelled"])
    stands = frame["status"].notna() & loan
    if "days_past_due" in frame:
        stands |= frame["days_past_due"].notna() & loan
    return bool(ended.any() and ended.sum() >= NEARLY_ALL * stands.sum())


def no_end(frame: pd.DataFrame, name: str) -> str:
    """Why the days of a column are not those on which loans ended; empty if they may be.

    Of at least 20 days nearly all are the day of issue, or one day alone, though the loans were issued over more than a
    year; or those of nearly all losses are the last day of the contract, which a loss does not wait for.

    Parameters
    ----------
    frame : pandas.DataFrame
    name : {"closed_date", "last_payment_date"}

    Examples
    --------
    >>> issued = pd.date_range("2015-01-01", periods=30, freq="MS")
    >>> frame = pd.DataFrame({"issue_date": issued, "closed_date": issued})
    >>> no_end(frame, "closed_date"), no_end(frame.assign(closed_date=issued + pd.Timedelta(days=99)), "closed_date")
    ('30 of 30 days are the day of issue', '')
    """
    if "issue_date" not in frame:
        return ""
    both = frame["issue_date"].notna() & frame[name].notna()
    begin, end = (frame.loc[both, each] for each in ("issue_date", name))
    rows = len(end)
    if rows < _FEW_DAYS:
        return ""
    same = int((end.dt.normalize() == begin.dt.normalize()).sum())
    if same >= _ALIKE * rows:
        return f"{same:,d} of {rows:,d} days are the day of issue"
    if begin.max() - begin.min() > pd.Timedelta(days=366):
        ended = end[frame.loc[both, "status"].isin(ENDED)] if "status" in frame else end
        days, counts = np.unique(ended.to_numpy().astype("M8[D]"), return_counts=True)
        if len(ended) >= _FEW_DAYS and counts.max() >= _ALIKE * len(ended):
            most = counts.argmax()
            return f"{counts[most]:,d} of the {len(ended):,d} loans that ended did so on one day, {days[most]}"
    if {"status", "term"} <= set(frame):
        lost = (both & frame["status"].isin(["charged off", "default"])).to_numpy() & (frame["term"] >= 6).to_numpy()
        months = month_number(frame.loc[lost, name]) - month_number(frame.loc[lost, "issue_date"])
        planned = int((np.abs(months - frame.loc[lost, "term"].to_numpy(dtype=float)) < 0.1).sum())
        if planned >= max(_ALIKE * lost.sum(), _FEW_DAYS):
            return f"{planned:,d} of {int(lost.sum()):,d} losses end on the last day of their contract"
    return ""


def latest_month_number(dates, years=False):
    """As :func:`month_number`, of the latest day that a date can mean: a year alone may mean its last day."""
    from p2prisk.tape.dates import year_only

    return month_number(dates) + (11 + 30 / 31 if years or year_only(pd.to_datetime(dates)) else 0.0)


def month_number(dates):
    """Months since year 0 of a series of dates, with the day as a fraction (missing stays missing)."""
    given = pd.to_datetime(dates).to_numpy()
    numbers = np.empty(len(given))
    for begin in range(0, len(given), _PART):  # what is made on the way stays small
        days = given[begin : begin + _PART].astype("M8[D]").view(np.int64)
        least, most = int(days.min()), int(days.max())
        if most - least < len(days):  # each day once; a missing one is the least of all numbers, and far from any
            numbers[begin : begin + _PART] = _numbers_of_days(np.arange(least, most + 1))[days - least]
        else:
            numbers[begin : begin + _PART] = _numbers_of_days(days)
    return numbers


def _numbers_of_days(days):
    days = days.view("M8[D]")
    months = days.astype("M8[M]")
    past = (days - months.astype("M8[D]")).astype(np.int64)
    number = (months.astype(np.int64) + 1970 * 12) + past / 31
    return np.where(np.isnat(days), np.nan, number)


#: fewer ended loans than these that had run to their term are no sample of their own
SMALL = 200


def dated_by_issue(tape: LoanTape) -> bool:
    """Whether the day of the records was inferred and is the last day of issue, the tape having no later date."""
    frame = tape.frame
    later = {"closed_date", "last_payment_date"} & set(frame)
    return bool(tape.provenance.get("record_date_inferred")) and "issue_date" in frame and not later


def resolved_cohort(
    tape: LoanTape, record_date: DateLike | None = None, terms: Sequence[int] | None = None
) -> LoanTape:
    """Keep the loans whose contracted term had run out at the record date, and count the others.

    Parameters
    ----------
    tape : LoanTape
        Needs ``issue_date`` and ``term``.
    record_date : datetime-like, optional
        By default the tape's own ``provenance["record_date"]``.
    terms : sequence of int, optional
        Terms to keep; all by default.

    Returns
    -------
    LoanTape
        With the loans set aside counted, by reason.

    Raises
    ------
    DataError
        If dates or terms are missing, or nothing is mature.
    """
    record_date = record_date or tape.provenance.get("record_date")
    lacking = [name for name in ("issue_date", "term") if name not in tape.frame]
    if lacking or record_date is None:
        raise DataError(
            "the resolved cohort needs "
            + ", ".join(lacking or ["a record date"])
            + "; without it nobody can say which loans had time to fail"
        )
    if tape.frame["issue_date"].isna().any():
        tape = tape.keep(tape.frame["issue_date"].notna(), "no issue date, so the vintage is unknown")
    if terms is not None:
        tape = tape.keep(tape.frame["term"].isin(terms), f"term other than {', '.join(map(str, terms))} months")
    years = "issue_date" in tape.provenance.get("year_only", ())
    end = latest_month_number(tape.frame["issue_date"], years) + tape.frame["term"].to_numpy(dtype=float)
    mature = end <= month_number(pd.Series([pd.Timestamp(record_date)]))[0]
    kept = tape.keep(
        mature,
        f"term still running on {pd.Timestamp(record_date):%Y-%m-%d}: "
        "only early repayments and early losses of the vintage are on file",
    )
    kept.frame["mature"] = True
    return kept
