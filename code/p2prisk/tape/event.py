"""The one event of a study: what is predicted, observed, scored and priced on a tape, and by when.

A share of bad loans means nothing without the event and the horizon, and a prediction of one event is not judged by
another. :func:`choose_event` chooses one by rule and makes the tape's column ``bad`` be it:

==========  ========================================================================================================
``final``   written off by the end of the loan: a file of ended loans, or the loans of a live book whose term had run
            out, if nearly all of those have ended
``within``  written off within so many months of issue: a live book that dates its ends. Only loans old enough are
            judged; those that were younger on the record date are set aside from the count
``stage``   late by more than 30 days, or worse, on the record date: a live book that does not date its ends. Each
            loan is seen once, at its own age (*current status data*), so the age belongs into the model, and a
            probability is that of an age
``given``   the tape's own mark of good and bad, whatever its source meant by it
==========  ========================================================================================================
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.tape.columns import ENDED
from p2prisk.tape.severity import SMALL, add_outcome, dated_by_issue, month_number, resolved_cohort
from p2prisk.tape.wind_back import charge_off_lag, end_dates

if TYPE_CHECKING:
    from p2prisk.tape.core import LoanTape

#: share of mature loans that must have ended before they count as a resolved cohort
ENOUGH_RESOLVED = 0.98
#: share of ended loans from which on the few that run are strays in a file of ended loans
NEARLY_ALL = 0.99
#: horizons in months, in the order in which they are tried
HORIZONS = (12, 24, 36, 18, 6)
#: least number of loans, and of bad loans among them, on which a study rests
FEW_EVENTS = 50

_WRITTEN_OFF = {"charged off": "charged off", "default": "in default"}
_WORSE_THAN_30 = ("late 31-120", "default")


@dataclass(frozen=True)
class Event:
    """What counts as bad on a tape, and by when.

    Attributes
    ----------
    kind : str
        ``final``, ``within``, ``stage`` or ``given``.
    what : str
        What happened to a bad loan, as a participle: "charged off or in default".
    horizon : int or None
        Months from issue.
    rule : str
        How it was chosen: sentences for the reader.
    record_date : str or None
        Day on which the loans were seen.
    one_age : bool
        Whether all loans of a ``stage`` are of the age of the horizon.

    Examples
    --------
    >>> Event("within", "charged off", 12, "").name
    'charged off within 12 months of issue'
    """

    kind: str
    what: str
    horizon: int | None = None
    rule: str = ""
    record_date: str | None = None
    one_age: bool = False

    @property
    def name(self) -> str:
        """The event with its horizon, in the same words everywhere."""
        if self.kind == "final":
            return f"{self.what} by the end of the loan"
        if self.kind == "within":
            return f"{self.what} within {count_of(self.horizon or 0, 'month')} of issue"
        if self.kind == "stage":
            day = self.record_date or "the day of the records"
            if self.horizon is None:
                return f"{self.what} {'on' if 'late' in self.what else 'by'} {day}"
            months = count_of(self.horizon, "month")
            # a loan written off stays so: to be it at an age is to have become it by then
            return (
                f"{self.what} {months} after issue" if "late" in self.what else f"{self.what} within {months} of issue"
            )
        return self.what

    @property
    def seen(self) -> str:
        """The event as it is observed: a loan that is seen once, at its own age, shows no other age."""
        if self.kind != "stage" or self.horizon is None or self.one_age:
            return self.name
        return f"{self.what} {'on' if 'late' in self.what else 'by'} {self.record_date}"

    def to_plain(self) -> dict:
        """What JSON can hold."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict | None) -> Event | None:
        """Restore from :meth:`to_plain`."""
        return None if plain is None else cls(**plain)


def event_of(tape: LoanTape) -> Event | None:
    """The event of a sample that :func:`choose_event` made; None where the tape has no outcome."""
    return Event.from_plain(tape.provenance.get("event"))


def first_bad_class(frame: pd.DataFrame, outcome: str = "severity") -> str:
    """First class of the outcome in which loans count as bad.

    Raises
    ------
    DataError
        When bad and good loans do not part at one class.

    Examples
    --------
    >>> frame = pd.DataFrame({"bad": [False, True], "severity": pd.Categorical(["a", "b"], ordered=True)})
    >>> first_bad_class(frame)
    'b'
    """
    if outcome == "bad":
        return "bad"
    if "bad" not in frame:
        levels = [str(level) for level in frame[outcome].cat.categories]
        return next((level for level in levels[1:] if level.startswith(("loss", "bad", *_WORSE_THAN_30))), levels[-1])
    share = frame["bad"].astype(float).groupby(frame[outcome], observed=True).mean()
    if not share.isin([0.0, 1.0]).all() or not share.is_monotonic_increasing or share.max() < 1:
        raise DataError(f"the classes of {outcome} do not part into good and bad loans")
    return str(share.index[int(np.argmax(share.to_numpy() == 1.0))])


def loan_ages(frame: pd.DataFrame, day: object) -> np.ndarray:
    """Months from issue to a day, with the day of the month as a fraction.

    Examples
    --------
    >>> loan_ages(pd.DataFrame({"issue_date": pd.to_datetime(["2019-01-01", "2019-12-01"])}), "2020-01-01").tolist()
    [12.0, 1.0]
    """
    return month_number(pd.Series([pd.Timestamp(day)]))[0] - month_number(frame["issue_date"])


def same_age(ages: np.ndarray) -> bool:
    """Whether loans are of one age: then it explains nothing."""
    return bool(np.ptp(ages) < 0.5)


def choose_event(tape: LoanTape, horizon: int | None = None) -> tuple[LoanTape, Event | None]:
    """Choose the event of a tape, and the loans on which it can be seen.

    Parameters
    ----------
    tape : LoanTape
    horizon : int, optional
        Months from issue, where the reader decides them and not the rule.

    Returns
    -------
    tape : LoanTape
        Its ``bad`` is the event, ``provenance["event"]`` says it, and the loans left out are counted.
    event : Event or None
        None where the tape has no outcome.

    Raises
    ------
    DataError
        The tape cannot be judged at the horizon asked for.

    Examples
    --------
    >>> from p2prisk import load
    >>> _, event = choose_event(load("lendingclub-2018"))
    >>> event.name
    'more than 30 days late, in default or charged off 1 month after issue'
    """
    if tape.kind == "no outcome":
        return grades_in_order(tape), None
    if horizon is not None:
        return _at_horizon(tape, horizon)
    if tape.kind == "counts" or not ({"status", "days_past_due"} & set(tape.frame)):
        return _as_given(tape)
    if "bad" in tape.provenance.get("mapped", ()) and "severity" not in tape.frame:
        rule = "The outcome is the column that the mapping names: whether every loan had time to fail is not known."
        return _named(tape, Event("given", "marked bad in the column that the mapping names", rule=rule))
    tape = _with_status(tape)
    if tape.kind == "resolved":
        return _ended(tape)
    return _live(tape)


def _at_horizon(tape, horizon):
    """The event within a horizon that was asked for; on a book that does not date its ends, its stage at that age."""
    if tape.kind == "counts" or not {"status", "issue_date"} <= set(tape.frame) or _day(tape) is None:
        raise DataError(f"a horizon of {horizon} months needs the status, the issue date and the day of the records")
    tape = _with_status(tape)
    if tape.frame["issue_date"].isna().any():
        tape = tape.keep(tape.frame["issue_date"].notna(), "no issue date, so the age is not known")
    if (loan_ages(tape.frame, _day(tape)) < 0).any():
        tape = tape.keep(loan_ages(tape.frame, _day(tape)) >= 0, "issued after the record date")
    try:
        ends = end_dates(tape.frame, tape.provenance.get("lag"))
    except DataError:
        if tape.kind != "live":
            raise
        return _stages(tape, horizon)
    found = _within(tape, ends, (horizon,))
    if found is None:
        raise DataError(
            f"no study at {horizon} months: fewer than {SMALL} loans were so old on {_day(tape)}, fewer than "
            f"{FEW_EVENTS} of them had gone bad by that age, or too many ends have no date"
        )
    return found


def _as_given(tape):
    losses = "severity" in tape.frame and tape.frame["severity"].astype(str).str.startswith("loss").any()
    if tape.kind == "counts":
        if not losses:
            return _named(tape, Event("given", "of the worst class of the table", rule="The table holds counts."))
        return _named(tape, Event("final", "written off", rule="The table holds counts of loans that have ended."))
    if tape.kind == "resolved":
        return _named(tape, Event("final", "written off" if losses else "bad", rule="Every loan has ended."))
    what = "marked bad by the tape, which does not say by when"
    rule = "The tape gives an outcome without a status: whether every loan had time to fail is not known."
    return _named(tape, Event("given", what, rule=rule))


def _named(tape, event):
    tape.provenance = {**tape.provenance, "event": event.to_plain()}
    return grades_in_order(tape), event


def grades_in_order(tape: LoanTape) -> LoanTape:
    """The tape with its grades best first, as stated, as letters are, or as the losses show.

    Of grades that are plain numbers nobody knows which is the best. Where the mapping does not say (``order``), the
    losses decide: the order is kept or turned round if the area under the curve of the grade is clearly above or below
    one half (95 per cent interval, standard error of Hanley and McNeil 1982, Radiology 143). ``provenance`` gets
    ``grade_order`` (``stated``, ``letters``, ``shown``, ``turned`` or ``unknown``) and ``grade_words``.

    Parameters
    ----------
    tape : LoanTape

    Returns
    -------
    LoanTape
    """
    frame = tape.frame
    if "grade" not in frame or not hasattr(frame["grade"], "cat"):
        return tape
    levels = [str(level) for level in frame["grade"].cat.categories]
    how, words = "letters", ""
    area, half = _grade_area(frame)
    shown = f"area {max(area, 1 - area):.3f} in that order, plus or minus {half:.3f}"
    if tape.provenance.get("grade_order") == "stated":
        how = "stated"
    elif numbered(levels):
        how = "unknown"
        words = (
            f"The grades are numbers ({levels[0]} to {levels[-1]}), and neither the mapping (order: [...], best first) "
            "nor the losses say which is the best."
        )
        if area - half > 0.5 or area + half < 0.5:
            turned = area < 0.5
            how, best = ("turned", levels[-1]) if turned else ("shown", levels[0])
            words = (
                f"The grades are numbers and the mapping gives no order; the losses show that {best} is the best "
                f"({shown}). Confirm it with order: [...] in the mapping."
            )
            if turned:
                tape.frame = frame.assign(grade=frame["grade"].cat.reorder_categories(levels[::-1], ordered=True))
    if how in ("stated", "letters") and area + half < 0.5:
        words = (
            f"The losses say the opposite of the order of the grades ({levels[0]} best, {levels[-1]} worst): "
            f"{levels[-1]} is the best ({shown}). Turn order: [...] in the mapping round, if so."
        )
    tape.provenance = {**tape.provenance, "grade_order": how, "grade_words": words}
    return tape


def numbered(levels: list[str]) -> bool:
    """Whether grades are numbers, alone or behind one letter that all have, so that nobody knows which is the best.

    Examples
    --------
    >>> numbered(["1", "2", "10"]), numbered(["R1", "R2"]), numbered(["A1", "A2", "B1"]), numbered(["A", "B"])
    (True, True, False, False)
    """
    return bool(levels) and len({re.sub(r"\d+$", "", level) for level in levels}) == 1 and levels[0][-1:].isdigit()


def _grade_area(frame):
    """Area under the curve of the grade's place for the event, and half its 95 % interval."""
    if "bad" not in frame or "n" in frame:
        return 0.5, 0.5
    codes, outcome = frame["grade"].cat.codes.to_numpy(), frame["bad"]
    known = outcome.notna().to_numpy() & (codes >= 0)
    bad = outcome.to_numpy(dtype=bool, na_value=False) & known
    size = len(frame["grade"].cat.categories)
    counts, lost = np.bincount(codes[known], minlength=size), np.bincount(codes[bad], minlength=size)
    events, others = int(bad.sum()), int(known.sum() - bad.sum())
    if events < 20 or others < 20:
        return 0.5, 0.5
    ranks = np.cumsum(counts) - (counts - 1) / 2
    area = (lost @ ranks - events * (events + 1) / 2) / (events * others)
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (events - 1) * (first - area**2) + (others - 1) * (second - area**2)
    return float(area), float(1.959963984540054 * np.sqrt(variance / (events * others)))


def _with_status(tape):
    """The loans whose standing is known; a stray status does not change the kind of the book."""
    frame, before = tape.frame, len(tape)
    if "status" not in frame:
        if frame["days_past_due"].isna().any():
            tape = tape.keep(frame["days_past_due"].notna(), "no days past due, so the standing is not known")
        return tape
    status = frame["status"].astype(object)
    if status.isna().any() and "days_past_due" not in frame:
        tape = tape.keep(status.notna(), "no status, so the outcome is not known")
    status = tape.frame["status"].astype(object)
    if (status == "cancelled").any():
        tape = tape.keep(status != "cancelled", "cancelled: never a loan")
    ended = tape.frame["status"].isin(ENDED)
    if not ended.all() and ended.mean() >= NEARLY_ALL:
        tape = tape.keep(ended, "still running, in a file of ended loans")
    return _judged_anew(tape) if len(tape) < before else tape


def _judged_anew(tape):
    """The tape with its outcome made anew from the loans that are left."""
    mapped = tape.frame["bad"] if "bad" in tape.provenance.get("mapped", ()) else None
    frame = tape.frame.drop(columns=["severity", "bad", "resolved", "mature"], errors="ignore")
    years = "issue_date" in tape.provenance.get("year_only", ())
    add_outcome(frame, tape.provenance.get("record_date"), years)
    if mapped is not None:
        frame["bad"] = mapped
    tape.frame = frame
    return tape


def _what(frame):
    """How a written-off loan is called, by the states that the loans have."""
    found = [words for status, words in _WRITTEN_OFF.items() if (frame["status"] == status).any()]
    return " or ".join(found) or "charged off"


def _ended(tape):
    frame = tape.frame
    when = tape.provenance.get("record_date", "the record date")
    what = _what(frame)
    if "mature" not in frame or frame["mature"].all():
        return _named(tape, Event("final", what, rule="Every loan has ended.", record_date=_day(tape)))
    mature = frame["mature"].astype(bool)
    if mature.sum() < SMALL:
        some = {0: "No loan", 1: "Only 1 loan"}.get(int(mature.sum()), f"Only {int(mature.sum()):,d} loans")
        rule = (
            "The file holds ended loans only and no date after the last issue, so that whether they ran to their term "
            "is not known."
            if dated_by_issue(tape)
            else f"{some} had run {'its' if mature.sum() < 2 else 'their'} term by {when}; the file holds ended loans "
            "only, so its loss rates are those of early endings."
        )
        return _named(tape, Event("final", what, rule=rule, record_date=_day(tape)))
    cohort = resolved_cohort(tape)
    aside = sum(entry["rows"] for entry in cohort.set_aside)  # as in the table of the rows set aside
    rule = (
        f"The file holds ended loans only. The study uses the {len(cohort):,d} whose term had run out by {when} and "
        f"sets {count_of(aside, 'row')} aside."
    )
    return _named(cohort, Event("final", what, rule=rule, record_date=_day(tape)))


def _day(tape):
    return tape.provenance.get("record_date")


def _live(tape):
    frame, total, day = tape.frame, len(tape), _day(tape)
    if "status" in frame and "mature" in frame and "resolved" in frame:
        mature = frame["mature"].astype(bool)
        done = mature & frame["resolved"].astype(bool)
        if mature.sum() >= SMALL and done.sum() >= ENOUGH_RESOLVED * mature.sum():
            cohort = resolved_cohort(tape)
            if not cohort.frame["resolved"].all():
                cohort = cohort.keep(cohort.frame["resolved"], "term run out but the loan has not ended")
            cohort = _judged_anew(cohort)
            rule = (
                f"The book is live. The study uses the {len(cohort):,d} loans whose term had run out by {day} and sets "
                f"{total - len(cohort):,d} younger or unfinished ones aside."
            )
            return _named(cohort, Event("final", _what(cohort.frame), rule=rule, record_date=day))
    if "issue_date" not in frame or day is None:
        rule = (
            f"The book is live: outcomes are delinquency stages at {day or 'the record date'}, not final. The tape has "
            "no issue date, so that how long a loan has been exposed is not known: its share of bad loans is that of a "
            "book, and an effect mixes risk with age."
        )
        return _named(tape, Event("stage", _stage(frame), rule=rule, record_date=day))
    if frame["issue_date"].isna().any():
        tape = tape.keep(frame["issue_date"].notna(), "no issue date, so the age is not known")
    if (loan_ages(tape.frame, day) < 0).all():
        raise DataError(
            f"every loan was issued after the record date {day}; check the record date and the format of the issue date"
        )
    if (loan_ages(tape.frame, day) < 0).any():
        tape = tape.keep(loan_ages(tape.frame, day) >= 0, "issued after the record date")
    try:
        ends = end_dates(tape.frame, tape.provenance.get("lag"))
    except DataError:
        return _stages(tape)
    return _within(tape, ends) or _stages(tape)


def _within(tape, ends, horizons=HORIZONS):
    """The event of a live book that dates its ends: written off within a horizon that has passed."""
    frame, day = tape.frame, _day(tape)
    lost = frame["status"].isin(ENDED) & ends.isna()
    if lost.mean() > 0.02:
        return None
    written_off = frame["status"].isin(list(_WRITTEN_OFF))
    for horizon in horizons:
        last = frame["issue_date"] + pd.DateOffset(months=horizon)
        seen = (last <= pd.Timestamp(day)) & ~lost
        bad = written_off & (ends <= last)
        if seen.sum() >= SMALL and (bad & seen).sum() >= FEW_EVENTS:
            break
    else:
        return None
    what = _what(frame[written_off])
    tape.frame = frame.drop(columns="severity").assign(bad=bad)
    if lost.any():
        tape = tape.keep(~lost, "ended, but no date says when")
        seen = seen[~lost].reset_index(drop=True)
    young, lag = int((~seen).sum()), charge_off_lag(tape)
    whose = "book is live and" if tape.kind == "live" else "tape"
    younger = "and none was younger" if not young else "1 younger one is not"
    younger = f"{young:,d} younger ones are not" if young > 1 else younger
    months = count_of(horizon, "month")
    tape = tape.keep(seen, f"younger than {months} on {day}: its {months} {'was' if horizon == 1 else 'were'} not over")
    tape.frame["bad"] = tape.frame["bad"].astype(bool)
    rule = (
        f"The {whose} dates its ends. A loan is judged {months} after issue: the {len(tape):,d} loans "
        f"that were so old on {day} are counted, {younger}."
        + (
            f" Of the horizons {', '.join(map(str, horizons))} months the first is taken with {SMALL} loans and "
            f"{FEW_EVENTS} bad ones among them."
            if len(horizons) > 1
            else " The horizon is the reader's decision."
        )
        + (f" A charge-off is dated {count_of(lag, 'month')} after the last payment." if lag else "")
    )
    return _named(tape, Event("within", what, horizon, rule, day))


def _stage(frame):
    """How a bad loan of a live book is called, by the stages that the tape can tell."""
    late = "days_past_due" in frame or (
        "status" in frame and frame["status"].astype(str).str.startswith(("late 31", "late 1")).any()
    )
    found = [words for status, words in _WRITTEN_OFF.items() if "status" in frame and (frame["status"] == status).any()]
    if not late:
        return " or ".join(found) or "in default"
    return "more than 30 days late, in default or charged off"


def _stages(tape, horizon=None):
    """The event of a live book that does not date its ends: its stage on the record date, at the age of the loan."""
    frame, day = tape.frame, _day(tape)
    ages = loan_ages(frame, day)
    low, high = (int(x) for x in np.quantile(ages, [0.1, 0.9]))
    if horizon is None:
        horizon = 12 if low <= 12 <= max(high, 1) else max(int(round(float(np.median(ages)))), 1)
    seen = f"The book is live and does not date its ends: each loan is seen once, on {day}"
    if same_age(ages):
        rule = f"{seen}, and all are {count_of(horizon, 'month')} old."
    else:
        rule = (
            f"{seen}, at its own age ({np.min(ages):.0f} to {np.max(ages):.0f} months). The age is part of the model, "
            f"and a probability is that of a loan {count_of(horizon, 'month')} after issue."
        )
    return _named(tape, Event("stage", _stage(frame), horizon, rule, day, same_age(ages)))
