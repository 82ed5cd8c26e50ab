"""The loan tape: canonical columns and their units, readers for known formats, severity, quality report.

A tape is a table of loans, one row a loan, in canonical columns (:data:`COLUMNS`). Every function of the
package takes one, so that the same study runs on any lender's loans.

Examples
--------
>>> from p2prisk import load
>>> tape = load("lendingclub-2018")
>>> tape.frame["grade"].cat.categories.tolist(), tape.frame["grade"].cat.ordered
(['A', 'B', 'C', 'D', 'E', 'F', 'G'], True)
>>> tape.known_at_issue("loan")
['issue_date', 'amount', 'term', 'application']
"""

from p2prisk.tape.columns import (
    COLUMNS,
    PREDICTOR_BLOCKS,
    SEVERITY_LIVE,
    SEVERITY_RESOLVED,
    SEVERITY_TWO,
    Column,
    column_table,
    known_at_issue,
    refuse_later,
)
from p2prisk.tape.core import LoanTape
from p2prisk.tape.event import Event, choose_event, event_of
from p2prisk.tape.mapping import apply_mapping, builtin, builtin_names
from p2prisk.tape.read import iter_tape, read_tape
from p2prisk.tape.sample import study_sample, supports
from p2prisk.tape.severity import add_outcome, live_severity, resolved_cohort, resolved_severity
from p2prisk.tape.wind_back import CHARGE_OFF_LAG, as_of, end_dates

__all__ = [
    "CHARGE_OFF_LAG",
    "COLUMNS",
    "Column",
    "Event",
    "LoanTape",
    "PREDICTOR_BLOCKS",
    "SEVERITY_LIVE",
    "SEVERITY_RESOLVED",
    "SEVERITY_TWO",
    "add_outcome",
    "as_of",
    "apply_mapping",
    "builtin",
    "builtin_names",
    "choose_event",
    "column_table",
    "end_dates",
    "event_of",
    "iter_tape",
    "known_at_issue",
    "read_tape",
    "live_severity",
    "refuse_later",
    "resolved_cohort",
    "resolved_severity",
    "study_sample",
    "supports",
]
