"""The canonical columns of a loan tape: names, units, admissible ranges, and when each is known.

One table, ``assets/columns.csv``, read as :data:`COLUMNS`, says all of it; the schema, the quality report, the mapping
of other lenders' files and the list of admissible predictors are read from it. :func:`column_table` prints it.

When a column is known decides what it may be used for:

``issue``
    known before the loan is issued and set by the borrower, the application or the bureau: a predictor;
``platform``
    known at issue but set by the platform's own model (grade, rate, instalment): never a predictor of the
    grade, and only a benchmark for an outcome;
``unsure``
    may have been written after issue (Lending Club's policy-exception mark): not a predictor;
``later``
    known only after issue: outcomes and their ingredients;
``key``
    identifies a loan, a person or an account: never a predictor, never printed.

A lender's own column beyond these is called ``number.NAME`` or ``class.NAME``: the name says its kind, so that
``COLUMNS["class.branch"]`` is a column like any other. That it is known at issue is the lender's word
(:mod:`p2prisk.tape.own`).
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from p2prisk.tape.core import LoanTape

KNOWN = ("issue", "platform", "unsure", "later", "key")
BLOCKS = ("ability", "willingness", "loan", "platform", "outcome", "identity")
OWN = {"number": "number", "class": "category"}
_OWN_NAME = re.compile(r"(number|class)\.[^\W\d]\w{0,59}")

RECENCY = ("never", "over 4 years", "2 to 4 years", "1 to 2 years", "within a year")
EMPLOYMENT = ("not stated", "under 2 years", "2 to 4 years", "5 to 9 years", "10 years and over")
ENDED = ("paid", "default", "charged off")
SEVERITY_RESOLVED = ("paid", "paid late", "loss after half", "loss early")
SEVERITY_TWO = ("paid", "loss")
SEVERITY_LIVE = ("performing", "late 1-30", "late 31-120", "default")


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    name, meaning : str
        The name in every tape's frame, and what it means in words.
    kind : str
        ``number``, ``integer``, ``flag``, ``category``, ``ordered``, ``date`` or ``text``.
    unit : str
        Unit of a number; amounts are in the tape's currency, shares in per cent.
    minimum, maximum : float or None
        Admissible range; a value outside is kept and counted in the quality report.
    known : str
        One of :data:`KNOWN`.
    block : str
        One of :data:`BLOCKS`: what the column says about the borrower (ability or willingness to repay), the
        loan, or the platform.
    levels : tuple of str
        Admissible labels, in order, where they are fixed; the first one is the reference in a model.
    """

    name: str
    meaning: str
    kind: str
    unit: str
    known: str
    block: str
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple = ()


class _Columns(dict):
    """The canonical columns; a lender's own column is made of its name, and belongs to no list."""

    def __missing__(self, name):
        if not is_own(name):
            raise KeyError(name)
        return Column(name, "a column of the lender's own", OWN[name.split(".")[0]], "", "issue", "loan")


def is_own(name: object) -> bool:
    """Whether a name is that of a lender's own column.

    Examples
    --------
    >>> [is_own(name) for name in ("class.branch", "number.score_2", "branch", "class.", "date.x")]
    [True, True, False, False, False]
    """
    return isinstance(name, str) and _OWN_NAME.fullmatch(name) is not None


def in_order(names: Iterable[str]) -> list[str]:
    """Names of columns in the order of :data:`COLUMNS`, a lender's own at the end; others are left out."""
    names = list(names)
    return [*(name for name in COLUMNS if name in set(names)), *(name for name in names if is_own(name))]


def _columns():
    text = (resources.files("p2prisk") / "assets" / "columns.csv").read_text(encoding="utf-8")
    columns = _Columns()
    for row in csv.DictReader(text.splitlines()):
        low, high = (float(row[bound]) if row[bound] else None for bound in ("minimum", "maximum"))
        columns[row["name"]] = Column(
            row["name"],
            row["meaning"],
            row["kind"],
            row["unit"],
            row["known"],
            row["block"],
            low,
            high,
            tuple(row["levels"].split("|")) if row["levels"] else (),
        )
    return columns


COLUMNS = _columns()

#: admissible predictors of a default or grade model, by block
PREDICTOR_BLOCKS = {
    block: tuple(name for name, column in COLUMNS.items() if column.known == "issue" and column.block == block)
    for block in BLOCKS
}


def column_table(names: Iterable[str] | None = None) -> pd.DataFrame:
    """List the canonical columns as a table.

    Parameters
    ----------
    names : iterable of str, optional
        Columns to list; all of them by default.

    Returns
    -------
    pandas.DataFrame
        One row a column: name, meaning, kind, unit, minimum, maximum, levels, known, block.

    Examples
    --------
    >>> column_table(["income", "grade"])[["name", "unit", "known", "block"]]
         name      unit     known     block
    0  income  currency     issue   ability
    1   grade            platform  platform
    """
    rows = []
    for name in COLUMNS if names is None else names:
        column = COLUMNS[name]
        rows.append(
            {
                "name": column.name,
                "meaning": column.meaning,
                "kind": column.kind,
                "unit": column.unit,
                "minimum": column.minimum,
                "maximum": column.maximum,
                "levels": " < ".join(column.levels) if column.kind == "ordered" else ", ".join(column.levels),
                "known": column.known,
                "block": column.block,
            }
        )
    return pd.DataFrame(rows)


def known_at_issue(tape: LoanTape | pd.DataFrame | None = None, block: str | Sequence[str] | None = None) -> list[str]:
    """Name the columns that may be predictors: known at issue and not set by the platform's model.

    A column that is not canonical is never admitted, as nobody has said when it becomes known.

    Parameters
    ----------
    tape : LoanTape or pandas.DataFrame, optional
        Where to look; without it all canonical columns are considered.
    block : str or sequence of str, optional
        Restrict to one or more of ``ability``, ``willingness``, ``loan``, ``platform``.

    Returns
    -------
    list of str
        In the order of :data:`COLUMNS`.

    Examples
    --------
    >>> from p2prisk import load
    >>> tape = load("lendingclub-2018")
    >>> admissible = known_at_issue(tape)
    >>> "income" in admissible, "rate" in admissible, "grade" in admissible, "principal_paid" in admissible
    (True, False, False, False)
    """
    frame: pd.DataFrame = getattr(tape, "frame", tape)
    present = set(COLUMNS) if frame is None else set(frame.columns)
    blocks = BLOCKS if block is None else ((block,) if isinstance(block, str) else tuple(block))
    return [
        name
        for name, column in COLUMNS.items()
        if column.known == "issue" and name in present and column.block in blocks
    ]


def refuse_later(names: Iterable[str], outcome: str = "grade") -> None:
    """Raise unless every named predictor is known at issue.

    Parameters
    ----------
    names : iterable of str
        Columns about to be used as predictors.
    outcome : str
        What is predicted, for the message.

    Raises
    ------
    DataError
        Names each column that is not admissible, and why.
    """
    from p2prisk.errors import DataError

    reasons = {
        "platform": "set by the platform's own model",
        "later": "known only after issue",
        "key": "identifies a loan or person",
        "unsure": "may have been written after issue",
    }
    wrong, known = [], [name for name, column in COLUMNS.items() if column.known == "issue"]
    for name in names:
        column = COLUMNS[name] if is_own(name) else COLUMNS.get(name)
        if column is None:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
            meant = f"did you mean {near[0]}? Else" if near else "not a canonical column:"
            wrong.append(f"{name} ({meant} map it first, or name it with --own)")
        elif column.known != "issue":
            wrong.append(f"{name} ({reasons[column.known]})")
    if wrong:
        raise DataError(
            f"not admissible as predictors of {outcome}: {', '.join(wrong)}. "
            "'p2prisk columns --known issue' lists the admissible ones, known_at_issue(tape) those of a tape"
        )
