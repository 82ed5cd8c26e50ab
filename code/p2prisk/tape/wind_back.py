"""The tape as it stood on a day: what a lender could have known then, and nothing else.

A file of ended loans gives final outcomes. Whoever fits a model to loans issued before a day, with their final
outcomes, uses what nobody knew on that day. :func:`as_of` winds the file back:

* loans issued later are not there, and are not counted either: on the day nobody knew of them;
* a loan whose end was not on file has the status ``open``; its payments, its stage of delinquency and the date of its
  last payment are missing, because a file that holds only their last state cannot say what they were;
* columns that no date ties to the day are dropped, and named in ``unused``: balances, recoveries (they go on after the
  end, and are inside the total paid), days past due, marks that may have been written after issue.

The day an end is on file is ``closed_date`` where the tape has it. Otherwise it is the date of the last payment plus a
lag: a charge-off is declared months after the borrower stopped paying (Lending Club: 150 days past due), and until then
nobody knows that the last payment was the last. A loan written off without any payment counts its lag from the issue.
Dates given by the month count as its first day: ask for month ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS, ENDED, in_order, is_own
from p2prisk.tape.core import LoanTape, drop_unused_levels
from p2prisk.tape.severity import month_number, resolved_severity

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike

#: months from the last payment to the charge-off (about 150 days past due), where a tape does not date it
CHARGE_OFF_LAG = 5
#: columns that do not change once a loan has ended
FINAL = (
    "principal_paid",
    "interest_paid",
    "late_fees",
    "last_payment_date",
    "last_payment",
    "closed_date",
    "instalments_late",
)
_WHY = {
    "unsure": "may have been written after issue: cannot be wound back",
    "later": "known only after issue, and not dated: cannot be wound back",
}
_OF_THE_FILE = (
    "mapping",
    "decisions",
    "format",
    "name",
    "title",
    "id",
    "source",
    "licence",
    "citation",
    "path",
    "sheet_number",
    "currency",
    "inquiries_window",
    "simulated",
)


def end_dates(frame: pd.DataFrame, lag: int | dict | None = None) -> Any:
    """Day on which the end of each loan was on file.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``status`` and ``closed_date`` or ``last_payment_date``; ``issue_date``.
    lag : int or dict, optional
        Months from the last payment to the record of the end, where there is no ``closed_date``: of losses, or by
        status. :data:`CHARGE_OFF_LAG` for losses by default, and none for loans repaid.

    Returns
    -------
    pandas.Series of datetime64
        Missing for a loan that has not ended, or whose end no date tells.

    Raises
    ------
    DataError
        If the frame has neither date.

    Examples
    --------
    >>> frame = pd.DataFrame({"status": ["charged off", "paid", "current"]})
    >>> for name, date in (("issue_date", "2010-01-01"), ("last_payment_date", "2010-09-01")):
    ...     frame[name] = pd.Timestamp(date)
    >>> end_dates(frame).dt.strftime("%Y-%m").tolist()
    ['2011-02', '2010-09', nan]
    """
    lacking = [name for name in ("issue_date", "status") if name not in frame]
    if lacking:
        raise DataError(f"the tape has no {' and no '.join(lacking)}: when its loans ended is not known")
    if "closed_date" not in frame and "last_payment_date" not in frame:
        raise DataError(
            "the tape does not say when its loans ended: it has neither closed_date nor last_payment_date, so that the "
            "ages of the ends are not known"
        )
    status = frame["status"].astype(object)
    months = {name: 0 if name == "paid" else CHARGE_OFF_LAG for name in ENDED}
    if isinstance(lag, dict):
        strange = sorted(set(lag) - set(ENDED))
        if strange:
            raise DataError(f"lag names {', '.join(map(str, strange))}; a loan ends as {', '.join(ENDED)}")
        months |= lag
    elif lag is not None:
        months |= {name: lag for name in ENDED if name != "paid"}
    if any(value < 0 or value != int(value) for value in months.values()):
        raise DataError(f"lag must be whole months, none negative: {months}")
    closed = frame["closed_date"] if "closed_date" in frame else pd.Series(pd.NaT, frame.index)
    closed = pd.to_datetime(closed)
    if (
        closed.notna().sum() > 1
        and closed.dropna().dt.year.nunique() > 1
        and (closed.dropna().dt.day_of_year == 1).all()
    ):
        raise DataError(
            "closed_date holds years only (every one is 1 January): a day in the year cannot be told from it; map a "
            "full date"
        )
    if "last_payment_date" in frame:
        last = pd.to_datetime(frame["last_payment_date"])
        paid = frame["principal_paid"].to_numpy(dtype=float) > 0 if "principal_paid" in frame else False
        never_paid = last.isna() & status.isin(["charged off", "default"]) & ~paid
        last = last.mask(never_paid, frame["issue_date"])
        for name, value in months.items():
            mine = closed.isna() & (status == name)
            if mine.any():
                closed = closed.mask(mine, last + pd.DateOffset(months=int(value)))
    return closed.where(status.isin(ENDED))


def charge_off_lag(tape, lag=None):
    """Months from the last payment to the charge-off, as :func:`end_dates` counts them; none where ends are dated."""
    if lag is None:
        lag = tape.provenance.get("lag")
    if lag is None:
        return 0 if "closed_date" in tape.frame else CHARGE_OFF_LAG
    return lag.get("charged off", CHARGE_OFF_LAG) if isinstance(lag, dict) else lag


def _day(date):
    try:
        # a bare number would be read as nanoseconds since 1970
        day = pd.NaT if isinstance(date, int | float) else pd.Timestamp(date)
    except ValueError:
        day = pd.NaT
    if day is pd.NaT:
        raise DataError(f"as_of needs a day such as 2010-12-31, not {date!r}")
    return day


def as_of(tape: LoanTape, date: DateLike, lag: int | dict | None = None) -> LoanTape:
    """Wind a tape back to a day.

    Parameters
    ----------
    tape : LoanTape
        Needs ``issue_date``; one row a loan.
    date : date-like
        What was known at the end of this day is kept.
    lag : int or dict, optional
        As of :func:`end_dates`.

    Returns
    -------
    LoanTape
        With ``provenance["record_date"]`` the day, so that whatever asks for the age of a loan gets that of the day,
        and ``closed_date`` the day the end was on file. Nothing of the original that happened after the day changes it:
        neither a value, nor a type, nor a level of a category, nor a count. From the record date of the file on, the
        file as it is.

    Raises
    ------
    DataError
        No issue dates, a table of counts, or no loan issued by then.

    Notes
    -----
    Traits are facts of the day only as far as the file's are: a lender who overwrites them (an income updated after
    issue) hands them over as they are. Units that the reader detected (``unit: detect``) were detected on the whole
    file.

    Examples
    --------
    >>> from p2prisk import load
    >>> tape = load("lendingclub-2018")
    >>> earlier = tape.as_of("2018-01-31")
    >>> len(tape), len(earlier), "income" in earlier.frame, "status" in earlier.frame
    (10000, 3395, True, False)
    >>> earlier.unused["status"]
    'no date says when the loan ended: cannot be wound back'
    """
    day = _day(date)
    record = tape.provenance.get("record_date")
    if record is not None and day >= pd.Timestamp(record):
        # the whole file is of the past: the stages of a live book are known too
        whole = {**tape.provenance, "as_of": f"{day:%Y-%m-%d}"}
        return LoanTape(tape.frame.copy(), whole, list(tape.set_aside), list(tape.notes), dict(tape.unused))
    tomorrow = day.normalize() + pd.Timedelta(days=1)
    frame = tape.frame
    if "n" in frame or "issue_date" not in frame:
        raise DataError(
            "a table of counts cannot be wound back"
            if "n" in frame
            else "the tape has no issue date: which loans there were on a day is not known"
        )
    set_aside, notes, unused = [], [], dict(tape.unused)
    undated = frame["issue_date"].isna()
    if undated.any():
        set_aside.append({"reason": "no issue date: cannot be placed in time", "rows": int(undated.sum())})
    frame = frame[(frame["issue_date"] < tomorrow) & ~undated]
    if not len(frame):
        raise DataError(f"no loan had been issued by {day:%Y-%m-%d}")
    out = {}
    for name in frame.columns:
        known = COLUMNS[name].known if name in COLUMNS or is_own(name) else "later"
        if known in ("issue", "platform", "key"):
            out[name] = frame[name]
        elif name not in (*FINAL, "status", "resolved", "mature", "severity", "bad"):
            unused[name] = _WHY[known]
    dated = "status" in frame and ("closed_date" in frame or "last_payment_date" in frame)
    if dated:
        ends = end_dates(frame, lag)
        lost = frame["status"].isin(ENDED) & ends.isna()
        known = (ends < tomorrow).to_numpy()
        if lost.any():
            set_aside.append({"reason": "ended, but no date says when", "rows": int(lost.sum())})
        status = frame["status"].astype(object).where(known, "open")
        levels = [level for level in (*COLUMNS["status"].levels,) if (status == level).any()]
        out["status"] = pd.Series(pd.Categorical(status, levels), frame.index)
        for name in FINAL:
            if name in frame:
                out[name] = frame[name].where(known)
        out["closed_date"] = ends.where(known)
    else:
        for name in ("status", *FINAL, "resolved", "mature", "severity", "bad"):
            if name in frame:
                unused[name] = "no date says when the loan ended: cannot be wound back"
    new = pd.DataFrame({name: out[name] for name in in_order(out)})
    if dated:
        ended: pd.Series = known[~lost.to_numpy()]
        new = new[~lost.to_numpy()]
        if not len(new):
            raise DataError("no loan is left: all have ended, and no date says when")
        new["resolved"] = ended
        if "term" in new:
            end = month_number(new["issue_date"]) + new["term"].to_numpy(dtype=float)
            new["mature"] = np.asarray(end <= month_number(pd.Series([day]))[0])
        new["severity"] = resolved_severity(new)
        bad = new["status"].isin(["default", "charged off"])
        new["bad"] = bad if ended.all() else bad.astype("boolean").mask(~ended)
        notes.append(
            {"column": "status", "what": f"open on {day:%Y-%m-%d}: no end was on file", "rows": int((~ended).sum())}
        )
    new = _plain_types(new[in_order(new)].reset_index(drop=True))
    if "bureau_missing" in new and not new["bureau_missing"].any():
        new = new.drop(columns="bureau_missing")
        unused["bureau_missing"] = "no loan issued by the day has it"
    provenance = {key: tape.provenance[key] for key in _OF_THE_FILE if key in tape.provenance}
    provenance |= {
        "record_date": f"{day:%Y-%m-%d}",
        "as_of": f"{day:%Y-%m-%d}",
        "lag": charge_off_lag(tape, lag),
        "period": f"{new['issue_date'].min():%Y-%m} to {new['issue_date'].max():%Y-%m}",
    }
    return LoanTape(new, provenance, set_aside, notes, unused)


def _plain_types(frame):
    """Types and levels that follow from the rows alone, not from rows that are gone."""
    for name in frame:
        kind, values = COLUMNS[name].kind, frame[name]
        if kind == "number":
            frame[name] = values.astype(float)
        elif kind == "integer":
            frame[name] = values.astype(float) if values.isna().any() else values.astype("int64")
        elif kind == "date":
            frame[name] = values.astype("datetime64[us]")
    return drop_unused_levels(frame)
