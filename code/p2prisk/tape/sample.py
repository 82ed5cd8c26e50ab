"""Which sample of a tape the study may use, and which of its parts the tape can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from p2prisk.tape.severity import add_outcome, resolved_cohort

if TYPE_CHECKING:
    from p2prisk.tape.core import LoanTape

#: share of mature loans that must have ended before they count as a resolved cohort
ENOUGH_RESOLVED = 0.98

_NOTHING_TO_CHOOSE = {
    "counts": "The table holds counts.",
    "no outcome": "The tape has no outcome.",
    "outcome as given": "The tape gives an outcome without a status: whether every loan had time to fail is not known.",
}

_SMALL = 200

_FEW_EVENTS = 50


def study_sample(tape: LoanTape) -> tuple[LoanTape, str]:
    """Choose the sample whose outcome can be trusted, and say how.

    Of rows with the same key the first is kept. A file of ended loans is cut to the vintages whose contracted term had
    run out (the *resolved cohort*): the others hold only early repayments and early losses. In a live book with enough
    mature loans the mature ones are used with the resolved outcome, otherwise the whole book with delinquency stages.

    Parameters
    ----------
    tape : LoanTape

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
    >>> len(tape.frame), note
    (10000, 'The book is live: outcomes are delinquency stages at 2018-03-01, not final.')
    """
    frame, total = tape.frame, len(tape)
    if "loan_id" in frame and frame["loan_id"].notna().any():
        again = frame["loan_id"].notna() & frame["loan_id"].duplicated()
        if again.any():
            tape = tape.keep(~again, "the same key again: the first row is kept")
            frame = tape.frame
    when = tape.provenance.get("record_date", "the record date")
    if tape.kind in _NOTHING_TO_CHOOSE:
        return tape, _NOTHING_TO_CHOOSE[tape.kind]
    if "mature" not in frame or frame["mature"].all():
        if tape.kind == "resolved":
            return tape, "Every loan has ended."
        return tape, f"The book is live: outcomes are delinquency stages at {when}, not final."
    mature = frame["mature"].astype(bool)
    if tape.kind == "resolved":
        if mature.sum() < _SMALL:
            return tape, (
                f"Only {int(mature.sum()):,d} loans had run their term by {when}; the file holds ended loans "
                "only, so its loss rates are those of early endings."
            )
        cohort = resolved_cohort(tape)
        return cohort, (
            f"The file holds ended loans only. The study uses the {len(cohort):,d} whose term had run out by "
            f"{when} and sets {total - len(cohort):,d} aside."
        )
    done = mature & frame["resolved"].astype(bool)
    if mature.sum() >= _SMALL and done.sum() >= ENOUGH_RESOLVED * mature.sum():
        cohort = resolved_cohort(tape)
        cohort = cohort.keep(cohort.frame["resolved"], "term run out but the loan has not ended")
        cohort.frame = cohort.frame.drop(columns=["severity", "bad"])
        add_outcome(cohort.frame, tape.provenance.get("record_date"))
        return cohort, (
            f"The study uses the {len(cohort):,d} loans whose term had run out by {when} and sets "
            f"{total - len(cohort):,d} younger or unfinished ones aside."
        )
    return tape, f"The book is live: outcomes are delinquency stages at {when}, not final."


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
    years = (
        frame["issue_date"].dt.year.nunique()
        if "issue_date" in frame
        else (frame["issue_year"].nunique() if "issue_year" in frame else 0)
    )
    grades = frame["grade"].nunique() if "grade" in frame else 0
    predictors = len([name for name in tape.known_at_issue() if name not in ("issue_date", "issue_year")])
    enough = (predictors >= 2, "fewer than two columns known at issue")
    has_outcome = (outcome, "the tape has no outcome")
    some_events = (events >= _FEW_EVENTS, f"only {events} bad loans")
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
    part("vintages", dated, has_outcome)
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
