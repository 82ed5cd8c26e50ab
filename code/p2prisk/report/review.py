"""What to review in a study, worst first, each with its place and whose turn it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from p2prisk.report.checklist import FINDING, LOOK, NOT_FOR_THIS_TAPE, NOT_MADE, OURS, READER
from p2prisk.report.decisions import open_decisions

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

#: order of what is to be reviewed
_ERROR, _FINDING, _DECIDE, _WARNING, _NOT_MADE, _LEFT_OUT = range(6)


def review(study: TapeStudy, checks: pd.DataFrame) -> pd.DataFrame:
    """What a reader should look at before the numbers are used.

    Parameters
    ----------
    study : TapeStudy
        Whose sections have been tried.
    checks : pandas.DataFrame
        Of :func:`p2prisk.report.checklist.checklist`.

    Returns
    -------
    pandas.DataFrame
        ``what``, ``whose`` (``look at it``, ``our gap``, ``only you can supply``), ``place`` (anchor of a section),
        worst first; empty where there is nothing.
    """
    rows = []
    for found in study.quality.findings.itertuples():
        if found.level in ("error", "warning"):
            what = f"{found.level} of the tape: {found.column + ': ' if found.column else ''}{found.what}"
            rows.append((_ERROR if found.level == "error" else _WARNING, what, READER, "quality"))
    for row in checks.itertuples():
        if row.verdict == FINDING and row.measure not in ("errors found", "warnings"):
            rows.append((_FINDING, f"{row.question} {row.measure}: {row.value}, limit {row.limit}", LOOK, row.place))
        elif row.verdict == NOT_MADE and row.why not in study.parts.values():
            rows.append((_NOT_MADE, f"{row.question} Not tested: {row.why}", row.whose, row.place))
    for open_ in open_decisions(study):
        value = ", ".join(f"{key} {value}" for key, value in open_.value.items())
        rows.append((_DECIDE, f"Decide: {open_.name}; suggested {value}: {open_.reason}", READER, "decisions"))
    for part, why in study.parts.items():
        if why and not why.startswith(NOT_FOR_THIS_TAPE):
            whose = OURS if part in study.gaps else READER
            rows.append((_LEFT_OUT, f"No section '{part}': {why}", whose, "left-out"))
    table = pd.DataFrame(rows, columns=["rank", "what", "whose", "place"])
    order = {LOOK: 0, OURS: 1, READER: 2}
    table = table.assign(turn=table["whose"].map(order)).sort_values(["rank", "turn"], kind="stable")
    return table.drop(columns=["rank", "turn"]).reset_index(drop=True)


def review_sentence(table: pd.DataFrame) -> str:
    """How much there is to review, and whose turn it is, in words.

    Examples
    --------
    >>> review_sentence(pd.DataFrame({"whose": ["look at it", "our gap"]}))
    'There are 2 points to review, the worst first: 1 to look at, 1 that is our gap.'
    >>> review_sentence(pd.DataFrame({"whose": ["only you can supply"]}))
    'There is 1 point to review: only you can supply it.'
    """
    if table.empty:
        return (
            "Nothing stands out: no error, no open decision, no test outside its limits or not made, no part left out."
        )
    if len(table) == 1:
        alone = {LOOK: "look at it", READER: "only you can supply it", OURS: "it is our gap"}
        return f"There is 1 point to review: {alone[table['whose'].iloc[0]]}."
    count = {whose: int((table["whose"] == whose).sum()) for whose in (LOOK, READER, OURS)}
    ours = "is our gap" if count[OURS] == 1 else "are our gaps"
    words = {LOOK: "to look at", READER: "that only you can supply", OURS: f"that {ours}"}
    parts = ", ".join(f"{count[whose]} {words[whose]}" for whose in words if count[whose])
    return f"There are {len(table)} points to review, the worst first: {parts}."
