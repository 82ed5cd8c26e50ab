"""The monthly report: what the risk committee sees, computed in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.monitor.drift import stability_by_month
from p2prisk.monitor.panel import month_index, month_name, read_panel
from p2prisk.monitor.roll_rates import roll_rates_by_month
from p2prisk.monitor.vintages import vintage_curves
from p2prisk.monitor.warning import early_warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p2prisk.kinds import DateLike
    from p2prisk.monitor.panel import Panel
    from p2prisk.platform.screen import ScreenResult
    from p2prisk.tape.core import LoanTape


@dataclass
class MonthlyReport:
    """The parts of one month's report.

    Attributes
    ----------
    month : str
        ``YYYY-MM``.
    simulated : bool
        Whether the book is simulated; the page says so at its head.
    sections : list of (str, str, pandas.DataFrame)
        Heading, one line of reading, table.
    alerts : list of str
        What needs a decision; empty in a quiet month.
    notes : list of str
        What could not be computed, and why.
    """

    month: str
    simulated: bool
    sections: list = field(default_factory=list)
    alerts: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def monthly_report(
    performance: pd.DataFrame | Panel,
    tape: LoanTape | pd.DataFrame | None = None,
    *,
    as_of: DateLike | None = None,
    reference: tuple[DateLike, DateLike] | None = None,
    columns: Sequence[str] = (),
    early_age: int = 3,
    screens: Sequence[ScreenResult] = (),
) -> MonthlyReport:
    """Compute the monthly report of a book.

    Parameters
    ----------
    performance : pandas.DataFrame or Panel
        Monthly performance.
    tape : LoanTape or pandas.DataFrame, optional
        Loans, for stability and for the rule on other loans of a borrower.
    as_of : date-like, optional
        Month of the report.
    reference : (date-like, date-like), optional
        Reference months of the stability table; without it that section is left out.
    columns : sequence of str
        Columns of the tape watched for stability.
    early_age : int
        Age at which young vintages are compared.
    screens : sequence of ScreenResult
        Results of :func:`p2prisk.platform.run_screens`, shown as they are.

    Returns
    -------
    MonthlyReport
    """
    panel = read_panel(performance)
    at = int(panel.month.max()) if as_of is None else month_index(as_of)
    panel = panel.until(at)
    frame: pd.DataFrame = getattr(tape, "frame", tape)
    report = MonthlyReport(month_name(at), panel.simulated)
    today = panel.month == at
    if not today.any():
        raise DataError(f"the panel has no row in {report.month}")
    count = np.bincount(panel.state[today], minlength=len(panel.states))
    book = pd.DataFrame({"state": panel.states, "loans": count, "share": count / count.sum()})
    if panel.balance is not None:
        book["balance"] = np.bincount(panel.state[today], panel.balance[today], minlength=len(panel.states))
    report.sections.append(("The book", f"{count_of(count.sum(), 'loan')} reported in {report.month}.", book))
    _roll_to_worse(report, panel)
    _young_vintages(report, panel, early_age)
    if frame is not None and reference is not None and columns:
        _stability(report, frame[month_index(frame["issue_date"]) <= at], columns, reference)
    else:
        report.notes.append("No reference months and columns were given; stability of new loans is not shown.")
    _early_warning(report, panel, at, frame)
    if len(screens):
        _conduct(report, screens)
    return report


def _roll_to_worse(report, panel):
    moves = roll_rates_by_month(panel, [(name, "worse") for name in panel.states[:-2]])
    latest, earlier = moves[moves["month"] == report.month], moves[moves["month"] < report.month]
    usual = earlier.groupby("from", observed=True)[["loans", "moved"]].sum()
    table = latest[["from", "loans", "moved", "rate", "low", "high"]].reset_index(drop=True)
    table["usual"] = (usual["moved"] / usual["loans"]).reindex(table["from"]).to_numpy()
    words = "Share of loans that became worse in the month, and the usual share."
    report.sections.append(("Roll to worse", words, table))
    outside = (table["low"] > table["usual"]).to_numpy()
    report.alerts += [f"More {name} loans than usual became worse." for name in table["from"][outside]]


def _young_vintages(report, panel, age):
    curves = vintage_curves(panel, event=panel.states[1], period="quarter")
    young = curves[curves["age"] == age].reset_index(drop=True)
    if len(young) < 2:
        report.notes.append(f"Fewer than two vintages are {age} months old; young vintages are not compared.")
        return
    words = "Share of each quarter's loans that had been late by then."
    report.sections.append((f"Young vintages at {age} months", words, young))
    pooled = young["events"][:-1].sum() / young["loans"][:-1].sum()
    if young["low"].iloc[-1] > pooled:
        report.alerts.append(f"Loans of {young['vintage'].iloc[-1]} are late more often than those before them.")


def _stability(report, known, columns, reference):
    stability = stability_by_month(known, columns, reference=reference)
    stability = stability[stability["month"] == report.month].drop(columns="month").reset_index(drop=True)
    words = "Index, and what chance alone would exceed once in a hundred."
    report.sections.append(("Stability of new loans", words, stability))
    report.alerts += [f"New loans have shifted in {name}." for name in stability["variable"][stability["alert"]]]


def _early_warning(report, panel, at, frame):
    borrower = None
    if frame is not None and {"loan_id", "borrower_id"} <= set(frame.columns):
        borrower = pd.Series(frame["borrower_id"].to_numpy(), index=frame["loan_id"].to_numpy())
    try:
        listed = early_warning(panel, as_of=at, borrower=borrower)
    except DataError as error:
        report.notes.append(str(error))
        return
    rules = listed.drop(columns=["loan_id", "month", "state", "balance", "rules"])
    balance = [listed.loc[rules[name], "balance"].sum() for name in rules.columns]
    summary = pd.DataFrame({"rule": rules.columns, "loans": rules.sum().to_numpy(), "balance": balance})
    report.sections.append(("Early warning", f"On the list: {count_of(len(listed), 'loan')}.", summary))


def _conduct(report, screens):
    rows = [(result.screen.name, result.value, result.threshold, result.breached) for result in screens]
    table = pd.DataFrame(rows, columns=["screen", "value", "threshold", "breached"])
    words = "Screens on funding, custody and related parties."
    report.sections.append(("The platform's own conduct", words, table))
    report.alerts += [f"Screen breached: {result.screen.name}." for result in screens if result.breached]
