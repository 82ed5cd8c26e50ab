"""Which sample of a tape the study may use, and which of its parts the tape can carry."""

from __future__ import annotations

import pandas as pd

from p2prisk.errors import count_of
from p2prisk.tape.core import LoanTape
from p2prisk.tape.event import FEW_EVENTS, choose_event
from p2prisk.tape.keys import repeated


def study_sample(tape: LoanTape, horizon: int | None = None) -> tuple[LoanTape, str]:
    """Choose the sample whose outcome can be trusted, and say how.

    Of rows with the same key the first is kept. A file of ended loans is cut to the vintages whose contracted term had
    run out (the *resolved cohort*): the others hold only early repayments and early losses. What counts as bad, and
    which loans of a live book show it, is the event of :func:`p2prisk.tape.event.choose_event`.

    Parameters
    ----------
    tape : LoanTape
    horizon : int, optional
        Months from issue within which a loan is judged, where the reader decides them.

    Returns
    -------
    tape : LoanTape
        With the loans left out counted in ``set_aside``.
    note : str
        One sentence for the reader.

    Examples
    --------
    >>> from p2prisk import load
    >>> tape, note = study_sample(load("lendingclub-2018"))
    >>> len(tape.frame), note  # doctest: +ELLIPSIS
    (10000, 'The book is live and does not date its ends: each loan is seen once, on 2018-03-01, at its own age ...')
    """
    frame = tape.frame
    if "loan_id" in frame and frame["loan_id"].notna().any():
        again = repeated(frame["loan_id"])
        if again.any():
            tape = tape.keep(~again, "the same key again: the first row is kept")
    whole = LoanTape(tape.frame, dict(tape.provenance), list(tape.set_aside), list(tape.notes), dict(tape.unused))
    sample, event = choose_event(whole, horizon)
    return sample, "The tape has no outcome." if event is None else event.rule


def supports(tape: LoanTape) -> pd.DataFrame:
    """Say which parts of the study a tape can carry, and why not the others.

    Parameters
    ----------
    tape : LoanTape

    Returns
    -------
    pandas.DataFrame
        One row a part: ``part``, ``possible``, ``why`` (empty where possible).

    Examples
    --------
    >>> from p2prisk import load
    >>> table = supports(load("modeldata-lendingclub")).set_index("part")
    >>> bool(table.loc["vintages", "possible"]), table.loc["vintages", "why"]
    (False, 'the tape has no issue date')
    """
    frame = tape.frame
    rows = []

    def part(name, *conditions):
        reasons = [why for fine, why in conditions if not fine]
        rows.append({"part": name, "possible": not reasons, "why": "; ".join(reasons)})

    outcome = "severity" in frame or "bad" in frame
    levels = frame["severity"].nunique() if "severity" in frame else 0
    if "bad" in frame and "n" not in frame:
        events = int(frame["bad"].fillna(False).astype(bool).sum())
    elif "n" in frame and "severity" in frame:
        events = int(frame.loc[frame["severity"].astype(str).str.startswith("loss"), "n"].sum())
    else:
        events = 0
    known = frame["n"].sum() if "n" in frame else frame["bad"].notna().sum() if "bad" in frame else 0
    good = int(known) - events
    years = (
        frame["issue_date"].dt.year.nunique()
        if "issue_date" in frame
        else (frame["issue_year"].nunique() if "issue_year" in frame else 0)
    )
    periods = frame["issue_date"].dt.to_period("Q").nunique() if "issue_date" in frame else years
    grades = frame["grade"].nunique() if "grade" in frame else 0
    predictors = len([name for name in tape.known_at_issue() if name not in ("issue_date", "issue_year")])
    enough = (predictors >= 2, "fewer than two columns known at issue")
    has_outcome = (outcome, "the tape has no outcome")
    few, kind = (events, "bad") if events <= good else (good, "good")
    some_events = (few >= FEW_EVENTS, f"only {count_of(few, f'{kind} loan')}")
    dated = (years > 0, "the tape has no issue date")
    part("identification", enough)
    part("grade model", (grades >= 3, f"{grades} grade(s) on the tape" if grades else "the tape has no grade"), enough)
    part(
        "outcome model",
        has_outcome,
        (levels >= 2 or "bad" in frame, "only one outcome on the tape"),
        some_events,
        enough,
    )
    part("grade against outcome", has_outcome, (grades >= 2, "fewer than two grades"), some_events)
    part("out of time", dated, (years >= 2, "all loans of one year"), has_outcome, some_events)
    part("vintages", dated, (periods != 1, "all loans were issued in one quarter"), has_outcome)
    part("assessment", has_outcome, some_events, enough)
    part(
        "profit and pricing",
        has_outcome,
        ("rate" in frame, "the tape has no interest rate"),
        ("term" in frame, "the tape has no term"),
    )
    part(
        "loss given default",
        ("recoveries" in frame, "the tape has no recoveries"),
        ("principal_paid" in frame, "the tape has no principal repaid"),
    )
    part(
        "platform screens",
        (
            "counterparty" in frame or "custody_account" in frame,
            "the tape has neither counterparty nor custody account",
        ),
    )
    return pd.DataFrame(rows)
