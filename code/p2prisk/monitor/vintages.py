"""Vintage curves: what share of the loans issued together has failed by each age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.monitor.panel import month_index, month_name, read_panel
from p2prisk.validation import jeffreys_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from p2prisk.kinds import DateLike
    from p2prisk.monitor.panel import Panel
    from p2prisk.tape.core import LoanTape

PERIODS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


def period_start(month, period):
    """First month of the period of each month index.

    Examples
    --------
    >>> period_start(np.array([542]), "quarter").tolist()
    [540]
    """
    if period not in PERIODS:
        raise DataError(f"no period is called {period!r}; known: {', '.join(PERIODS)}")
    return np.asarray(month) // PERIODS[period] * PERIODS[period]


def _curves(issue, event_age, loans, events, as_of, period, max_age, confidence):
    """Curves from counts: row i says `events[i]` loans issued in `issue[i]` failed at `event_age[i]`."""
    start = period_start(issue, period)
    vintages = np.unique(start)
    code = np.searchsorted(vintages, start)
    issued = np.bincount(code, loans, minlength=len(vintages))
    # the youngest loans of a vintage say how far its curve goes
    youngest = np.full(len(vintages), -1)
    with_loans = loans > 0
    np.maximum.at(youngest, code[with_loans], issue[with_loans])
    reach = np.minimum(as_of - youngest, max_age)
    if (reach < 0).any():
        raise DataError(
            f"{int((reach < 0).sum())} vintages begin after the month the curves are drawn at ({month_name(as_of)})"
        )
    counted = (event_age >= 0) & (event_age <= max_age) & (events > 0)
    width = max_age + 1
    table = np.bincount(
        code[counted] * width + event_age[counted], events[counted], minlength=len(vintages) * width
    ).reshape(len(vintages), width)
    cumulative = table.cumsum(axis=1)
    row, age = np.nonzero(np.arange(width) <= reach[:, None])
    failed, total = cumulative[row, age], issued[row]
    low, high = jeffreys_interval(failed, total, confidence)
    return pd.DataFrame(
        {
            "vintage": month_name(vintages[row]),
            "age": age,
            "loans": total.astype(np.int64),
            "events": failed.astype(np.int64),
            "share": failed / total,
            "low": low,
            "high": high,
        }
    )


def vintage_curves(
    frame: pd.DataFrame | Panel,
    *,
    event: str | None = None,
    period: Literal["month", "quarter", "half-year", "year"] = "quarter",
    as_of: DateLike | None = None,
    max_age: int | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Cumulative share of loans that reached an event, by age, for every vintage of a monthly panel.

    Parameters
    ----------
    frame : pandas.DataFrame or Panel
        Monthly performance, see :func:`~p2prisk.monitor.panel.read_panel`. Age counts from a loan's first row.
    event : str, optional
        State that counts as failure, as do all worse ones that are not the last state; by default the last but one
        (``default``, with ``paid`` last).
    period : {"month", "quarter", "half-year", "year"}
        Loans issued in one period form a vintage.
    as_of : date-like, optional
        Month at which the curves are drawn; the last month of the panel by default.
    max_age : int, optional
        Longest age drawn, in months.
    confidence : float
        Level of the Jeffreys intervals.

    Returns
    -------
    pandas.DataFrame
        ``vintage, age, loans, events, share, low, high``. A curve ends at the age its youngest loans have reached:
        beyond it a mixture of ages would look like an improvement. A period without loans has no row.
    """
    panel = read_panel(frame)
    end = int(panel.month.max()) if as_of is None else month_index(as_of)
    if as_of is not None:
        panel = panel.until(as_of)
    worst = len(panel.states) - 2 if event is None else panel.code(event)
    issue = panel.month[panel.first]
    failed = np.flatnonzero((panel.state >= worst) & (panel.state < max(len(panel.states) - 1, worst + 1)))
    age = np.full(len(issue), -1, dtype=np.int64)
    loan = panel.loan[failed]
    # rows are in order of month: the first failing row of a loan is the one that follows a change of loan
    new = np.append(True, loan[1:] != loan[:-1]) if len(loan) else np.zeros(0, dtype=bool)
    age[loan[new]] = panel.month[failed[new]] - issue[loan[new]]
    longest = int(end - issue.min()) if max_age is None else int(max_age)
    ones = np.ones(len(issue))
    return _curves(issue, age, ones, (age >= 0) * 1.0, end, period, longest, confidence)


def vintage_curves_from_events(
    issue: ArrayLike,
    event_age: ArrayLike,
    *,
    as_of: DateLike,
    loans: ArrayLike | None = None,
    events: ArrayLike | None = None,
    period: Any = "quarter",
    max_age: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The same curves for a tape with one row a loan (or for a table of counts).

    Parameters
    ----------
    issue : array_like of dates
        Month of issue.
    event_age : array_like of float
        Age in months at which the loan failed; missing where it did not. Failures later than `as_of` are not
        counted: they were not known then.
    as_of : date-like
        Month at which the curves are drawn.
    loans, events : array_like, optional
        For a table of counts: loans issued, and failures, that a row stands for (1 each by default).
    period, max_age, confidence
        As in :func:`vintage_curves`.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> curves = vintage_curves_from_events(["2010-01"] * 4, [3, None, None, 5], as_of="2010-07", period="month")
    >>> curves[["age", "events"]].iloc[[2, 3, 5]].to_numpy().tolist()
    [[2, 0], [3, 1], [5, 2]]
    """
    month = month_index(issue)
    if not len(month):
        raise DataError("there is no loan; a vintage needs at least one")
    end = month_index(as_of)
    age = np.asarray(pd.to_numeric(pd.Series(np.asarray(event_age)), errors="raise"), dtype=float)
    if (age < 0).any():
        raise DataError(
            f"{int((age < 0).sum())} loans fail before they are issued, the first in row "
            f"{int(np.argmax(age < 0))}; check the two dates"
        )
    loans = np.ones(len(month)) if loans is None else np.asarray(loans, float)
    events = np.ones(len(month)) if events is None else np.asarray(events, float)
    known = month <= end
    month, age, loans, events = month[known], age[known], loans[known], events[known]
    seen = ~np.isnan(age) & (month + np.nan_to_num(age) <= end)
    code = np.where(seen, np.nan_to_num(age, nan=-1), -1).astype(np.int64)
    longest = int(end - month.min()) if max_age is None else int(max_age)
    return _curves(month, code, loans, np.where(seen, events, 0.0), end, period, longest, confidence)


def vintage_curves_from_tape(
    tape: LoanTape,
    *,
    as_of: DateLike | None = None,
    lag: int = 5,
    period: Any = "quarter",
    max_age: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Vintage curves of a loan tape: failure is dated by the last payment.

    Parameters
    ----------
    tape : LoanTape
        Needs ``issue_date``, ``bad`` and ``last_payment_date``.
    as_of : date-like, optional
        Month at which the curves are drawn; by default the tape's ``record_date``, else its last payment.
    lag : int
        Months from the last payment until the failure is known: five for a charge-off at about 150 days past due.
        A failed loan that never paid counts from its issue.
    period, max_age, confidence
        As in :func:`vintage_curves`.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    DataError
        If a column is missing, or an outcome.
    """
    frame: pd.DataFrame = getattr(tape, "frame", tape)
    lacking = [name for name in ("issue_date", "bad", "last_payment_date") if name not in frame]
    if lacking:
        raise DataError(f"the tape lacks {', '.join(lacking)}; without it failures cannot be dated")
    if frame["bad"].isna().any():
        raise DataError(
            f"{count_of(frame['bad'].isna().sum(), 'loan')} without an outcome; set them aside with a reason first"
        )
    issue = month_index(frame["issue_date"])
    paid = pd.to_datetime(frame["last_payment_date"])
    last = np.where(paid.isna(), issue, 12 * (paid.dt.year - 1970) + paid.dt.month - 1)
    age = np.where(frame["bad"].to_numpy(dtype=bool), last - issue + lag, np.nan)
    if as_of is None:
        as_of = getattr(tape, "provenance", {}).get("record_date") or paid.max()
    return vintage_curves_from_events(
        frame["issue_date"], age, as_of=as_of, period=period, max_age=max_age, confidence=confidence
    )
