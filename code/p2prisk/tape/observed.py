"""A given event, observed on later loans: who had time to show it by the record date, and who did."""

from __future__ import annotations

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import ENDED
from p2prisk.tape.core import LoanTape
from p2prisk.tape.event import Event
from p2prisk.tape.severity import month_number
from p2prisk.tape.wind_back import charge_off_lag, end_dates


def observe(tape: LoanTape, event: Event) -> LoanTape:
    """The loans on which an event chosen earlier can be seen on the record date; ``bad`` says who had it.

    Parameters
    ----------
    tape : LoanTape
        As it is, or wound back to a day by ``as_of``.
    event : Event
        That of a model.

    Returns
    -------
    LoanTape
        The others are counted in ``set_aside``.

    Raises
    ------
    DataError
        The tape cannot show the event, or no loan had time to show it.
    """
    frame = tape.frame
    if event.kind in ("given", "stage") or "status" not in frame:
        if "bad" not in frame or not frame["bad"].notna().any():
            raise DataError(f"the tape does not show who was {event.name}")
        return _judged(tape, frame["bad"].notna(), frame["bad"].fillna(False), "no outcome")
    day = pd.Timestamp(tape.provenance.get("record_date") or pd.NaT)
    written_off = frame["status"].isin([status for status in ENDED if status != "paid"])
    ended = frame["status"].isin(ENDED)
    if event.kind == "final":
        over = pd.Series(True, frame.index)
        if {"issue_date", "term"} <= set(frame) and not pd.isna(day):
            # a loss is on file months after the last instalment: without the lag the good ends come first
            months = frame["term"].astype(float) + charge_off_lag(tape)
            over = pd.Series(
                month_number(frame["issue_date"]) + months <= month_number(pd.Series([day]))[0], frame.index
            )
        elif not ended.all():
            raise DataError("the tape has no term and no issue date: whose time was over is not known")
        return _judged(tape, over & ended, written_off, "its term was not over, or its end is not on file")
    ends = end_dates(frame, tape.provenance.get("lag"))
    last = frame["issue_date"] + pd.DateOffset(months=int(event.horizon or 0))
    seen = (last <= day) & ~(ended & ends.isna())
    return _judged(
        tape, seen, written_off & (ends <= last), f"its {event.horizon} months were not over, or its end is not dated"
    )


def _judged(tape, seen, bad, reason):
    """The loans seen, with the event as their only outcome."""
    frame = tape.frame.drop(columns=["severity"], errors="ignore").assign(bad=np.asarray(bad, dtype=bool))
    whole = LoanTape(frame, dict(tape.provenance), list(tape.set_aside), list(tape.notes), dict(tape.unused), tape.rows)
    return whole.keep(seen, reason)
