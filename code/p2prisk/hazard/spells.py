"""From the dates of a tape to the age at which each loan was last seen, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.tape.wind_back import end_dates

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike
    from p2prisk.tape import LoanTape

#: months in a period
UNITS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


@dataclass(frozen=True)
class SpellTable:
    """Spells of the loans of a tape.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``entry``, ``exit`` (whole periods since issue) and ``ending`` (Categorical, first level ``open``), with the
        index of the tape's frame; loans never at risk are left out.
    notes : list of str
        How many were left out, and why.

    Examples
    --------
    >>> SpellTable(pd.DataFrame({"entry": [0], "exit": [3], "ending": ["open"]}), []).frame["exit"].tolist()
    [3]
    """

    frame: pd.DataFrame
    notes: list[str]


def spells(
    tape: LoanTape,
    ends: Literal["default", "early"] | None = None,
    unit: Literal["month", "quarter", "half-year", "year"] = "month",
    since: DateLike | None = None,
    lag: int | dict | None = None,
) -> SpellTable:
    """Ages and ends of the loans of a tape.

    An end is dated on the day it was on file (see :func:`p2prisk.tape.end_dates`), never earlier: a charge-off dated at
    the last payment would make the latest months look safe, because those that will be charged off are not yet known.
    An end counts only if its whole period was over on the record date, so that loans that survived the period are
    counted with it.

    Parameters
    ----------
    tape : LoanTape
        ``issue_date``, ``status`` and ``closed_date`` or ``last_payment_date``; ``provenance["record_date"]`` when
        loans are running.
    ends : {"default", "early"}, optional
        None: two ends, ``default`` and ``repaid``, in full, early or at term (with ``strata="term"`` the baseline
        carries the peak at the term). ``"early"``: repayment before the term is ``early``, at or after it ``matured``.
        ``"default"``: default alone; a loan repaid is censored, and an incidence is that without repayment.
    unit : {"month", "quarter", "half-year", "year"}
        Length of a period.
    since : date-like, optional
        Day from which the loans were observed: those that ended before are not on file (left truncation).
    lag : int or dict, optional
        As of :func:`p2prisk.tape.end_dates`; by default that of :meth:`~p2prisk.tape.LoanTape.as_of`.

    Returns
    -------
    SpellTable

    Raises
    ------
    DataError
        The tape does not date the ends, or has running loans and no record date.

    Examples
    --------
    >>> from p2prisk.tape import LoanTape
    >>> frame = pd.DataFrame({
    ...     "issue_date": pd.to_datetime(["2010-01-20"] * 3), "status": ["paid", "charged off", "current"],
    ...     "closed_date": pd.to_datetime(["2010-04-20", "2010-08-05", None]),
    ... })
    >>> spells(LoanTape(frame, {"record_date": "2010-12-31"})).frame
       entry  exit   ending
    0      0     3   repaid
    1      0     7  default
    2      0    11     open
    """
    if unit not in UNITS:
        raise DataError(f"unit {unit!r} is not known; choose {', '.join(UNITS)}")
    if ends not in (None, "default", "early"):
        raise DataError(f"ends is {ends!r}; it is None, 'default' or 'early'")
    frame, notes, length = tape.frame, [], UNITS[unit]
    ended_on = end_dates(frame, tape.provenance.get("lag") if lag is None else lag)
    status, issue = frame["status"].astype(object), frame["issue_date"]
    defaulted, repaid = status.isin(["default", "charged off"]), status == "paid"
    ended = defaulted | repaid
    record = tape.provenance.get("record_date")
    if record is None and not ended.all():
        raise DataError(
            "the tape has running loans and no record date; read_tape(..., record_date=) says when it was drawn"
        )
    gone = {
        "issue date missing": issue.isna(),
        "cancelled or status missing": status.isna() | (status == "cancelled"),
        "ended, but no date says when": ended & ended_on.isna(),
    }
    exit = pd.Series(np.nan, frame.index)
    exit[ended] = np.maximum(-(-months_between(issue[ended], ended_on[ended], up=True) // length), 1)
    if record is not None:
        seen = months_between(issue, pd.Series(pd.Timestamp(record), frame.index)) // length
        late = ended & ~(exit <= seen)
        ended &= ~late
        exit = exit.where(ended, seen)
        gone["younger than one period"] = exit < 1
        if late.any():
            notes.append(f"{int(late.sum()):,d} ends fall after the last whole period seen: open")
    entry = pd.Series(0.0, frame.index)
    if since is not None:
        before = months_between(issue, pd.Series(pd.Timestamp(since), frame.index), up=True)
        entry = pd.Series(np.maximum(-(-before // length), 0), frame.index)
        gone["ended or last seen before the observation began"] = exit <= entry
    if ends == "early":
        if "term" not in frame:
            raise DataError("ends='early' needs the column 'term'")
        repaid_as = np.where(months_between(issue, ended_on, up=True) < frame["term"], "early", "matured")
        levels = ["open", "default", "early", "matured"]
    else:
        repaid_as = "open" if ends == "default" else "repaid"
        levels = ["open", "default"] if ends == "default" else ["open", "default", "repaid"]
    ending = np.where(ended & defaulted, "default", np.where(ended & repaid, repaid_as, "open"))
    keep = pd.Series(True, frame.index)
    for reason, mask in gone.items():
        mask = np.asarray(mask, bool) & keep
        if mask.any():
            notes.append(f"{count_of(mask.sum(), 'loan')} left out: {reason}")
            keep &= ~mask
    if not keep.any():
        raise DataError("no loan was at risk for a whole period: " + "; ".join(notes))
    out = pd.DataFrame({"entry": entry, "exit": exit, "ending": pd.Categorical(ending, levels)}, index=frame.index)[
        keep
    ]
    return SpellTable(out.astype({"entry": "int64", "exit": "int64"}), notes)


def months_between(start, end, up=False):
    """Whole months from one date to another, rounded down, or up.

    >>> start = pd.Series(pd.to_datetime(["2010-01-15", "2010-01-01"]))
    >>> end = pd.Series(pd.to_datetime(["2010-03-14", "2010-03-01"]))
    >>> months_between(start, end).tolist(), months_between(start, end, up=True).tolist()
    ([1.0, 2.0], [2.0, 2.0])
    """
    start, end = pd.to_datetime(start), pd.to_datetime(end)
    months = 12.0 * (end.dt.year - start.dt.year) + (end.dt.month - start.dt.month)
    if up:
        return (months + (end.dt.day > start.dt.day)).to_numpy(dtype=float)
    return (months - (end.dt.day < start.dt.day)).to_numpy(dtype=float)
