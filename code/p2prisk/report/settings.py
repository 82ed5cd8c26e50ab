"""What is asked of a study: one object, from the command line to the last section."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from p2prisk.report.decisions import Decisions

if TYPE_CHECKING:
    from p2prisk.tape import LoanTape


@dataclass(frozen=True)
class Settings:
    """Settings of a study.

    Attributes
    ----------
    decisions : Decisions
        What the lender decided.
    limits : dict or None
        Limits of the validation checklist (:func:`p2prisk.report.checklist.read_limits`); None: those of the package.
    declined : LoanTape or None
        Applications that were declined.
    loans : int
        Loans on which models and tests rest: of a larger tape so many are drawn at random. Counts use all.
    command : dict
        Options of the command that asked for it, for its lineage.
    files : dict
        Role -> file of a setting that was given, or None.
    """

    decisions: Decisions = field(default_factory=Decisions)
    limits: dict[str, Any] | None = None
    declined: LoanTape | None = None
    loans: int = 100_000
    command: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
