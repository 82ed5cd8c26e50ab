"""The early-warning list: loans to look at this month, and the rule that put each there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.monitor.panel import month_index, month_name, read_panel
from p2prisk.validation import jeffreys_interval

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike
    from p2prisk.monitor.panel import Panel


@dataclass(frozen=True)
class Rule:
    """One rule of the list."""

    name: str
    definition: str
    reason: str
    action: str


#: The rules, in order of urgency.
RULES = (
    Rule(
        "first instalment missed",
        "late in the month of the first instalment",
        "nobody who meant to repay misses the first instalment by accident often; fraud shows here first",
        "call within two days; check identity and account",
    ),
    Rule(
        "two steps down",
        "worse than a month ago, and worse then than the month before",
        "the loan is rolling and has not been stopped",
        "collector assigned; instalment plan offered",
    ),
    Rule(
        "habitually late",
        "late in three or more of the last six months, this one included",
        "cures that do not last say the instalment is too large",
        "affordability reviewed; no further loan",
    ),
    Rule(
        "relapse",
        "late now, and cured from more than 30 days late within the last three months",
        "a relapse after a cure from 31 days or more defaults more often than a first lapse",
        "collector assigned at once, not after 30 days",
    ),
    Rule(
        "other loan in trouble",
        "not late itself, but another loan of the borrower is more than 30 days late",
        "default is by person, not by loan",
        "exposure frozen; both loans in one hand",
    ),
)


def early_warning(
    frame: pd.DataFrame | Panel, *, as_of: DateLike | None = None, borrower: pd.Series | None = None
) -> pd.DataFrame:
    """List the loans that a rule points at in a month.

    Parameters
    ----------
    frame : pandas.DataFrame or Panel
        Monthly performance; the first state is 'current', the last two are 'default' and 'paid'.
    as_of : date-like, optional
        Month of the list; the last of the panel by default.
    borrower : pandas.Series, optional
        Borrower by loan_id, for the rule on other loans; without it that rule is left out.

    Returns
    -------
    pandas.DataFrame
        ``loan_id, month, state, balance, rules`` (joined by '; ') and one boolean column a rule, most rules and
        largest balance first. Loans in default or paid are not on the list: it is too late or needless.
    """
    panel = read_panel(frame)
    at = int(panel.month.max()) if as_of is None else month_index(as_of)
    begin = at - 5
    size = len(panel.first)
    default = len(panel.states) - 2
    window = (panel.month >= begin) & (panel.month <= at)
    history = np.full((size, 6), -1, dtype=np.int8)
    history[panel.loan[window], panel.month[window] - begin] = panel.state[window]
    issue = panel.month[panel.first]
    now = history[:, 5]
    running = (now >= 0) & (now < default)
    if not running.any():
        raise DataError(f"no loan is running in {month_name(at)}")
    was_late = (history >= 1) & (history <= default)
    hits = {
        RULES[0].name: (now >= 1) & (at - issue == 1),
        RULES[1].name: (now > history[:, 4]) & (history[:, 4] > history[:, 3]) & (history[:, 3] >= 0),
        RULES[2].name: (now >= 1) & (was_late.sum(axis=1) >= 3),
        RULES[3].name: (now >= 1) & _cured(history),
    }
    if borrower is not None:
        owner = pd.Series(borrower).reindex(panel.keys)
        if owner.isna().any():
            raise DataError(f"{int(owner.isna().sum())} loans of the panel have no borrower")
        code, _ = pd.factorize(owner.to_numpy())
        deep = (now >= 2) & (now <= default)
        troubled = np.bincount(code, deep, minlength=code.max() + 1) > 0
        hits[RULES[4].name] = (now == 0) & troubled[code]
    flagged = running & np.logical_or.reduce(list(hits.values()))
    rows = np.flatnonzero(flagged)
    table = {name: hit[rows] for name, hit in hits.items()}
    balance = np.full(size, np.nan)
    if panel.balance is not None:
        today = panel.month == at
        balance[panel.loan[today]] = panel.balance[today]
    text = ["; ".join(name for name in hits if hits[name][row]) for row in rows]
    frame = pd.DataFrame(
        {
            "loan_id": panel.keys[rows],
            "month": month_name(at),
            "state": [panel.states[now[row]] for row in rows],
            "balance": balance[rows],
            "rules": text,
            **table,
        }
    )
    order = np.lexsort((-np.nan_to_num(frame["balance"].to_numpy()), -sum(table.values()).astype(int)))
    return frame.iloc[order].reset_index(drop=True)


def _cured(history):
    """Whether a loan went from more than 30 days late to current within the three months before the last."""
    cured = np.zeros(len(history), dtype=bool)
    for month in (2, 3, 4):
        cured |= (history[:, month] == 0) & (history[:, month - 1] >= 2)
    return cured


def check_warnings(
    frame: pd.DataFrame | Panel,
    *,
    as_of: DateLike,
    months: int = 6,
    borrower: pd.Series | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What became of the loans on the list, against the running loans that were not on it.

    Parameters
    ----------
    frame : pandas.DataFrame or Panel
        Performance that goes on for `months` after `as_of`.
    as_of : date-like
        Month of the list.
    months : int
        How long each loan is followed.
    borrower : pandas.Series, optional
        As in :func:`early_warning`.
    confidence : float
        Level of the Jeffreys intervals.

    Returns
    -------
    pandas.DataFrame
        One row a rule, 'any rule', and 'not on the list': loans, defaults within `months`, rate, low, high, and
        ``lift`` over the loans not on the list.
    """
    panel = read_panel(frame)
    at = month_index(as_of)
    if at + months > int(panel.month.max()):
        end = month_name(int(panel.month.max()))
        raise DataError(f"the panel ends in {end}, before the {months} months have passed")
    listed = early_warning(panel, as_of=at, borrower=borrower)
    default = len(panel.states) - 2
    running = np.zeros(len(panel.first), dtype=bool)
    today = (panel.month == at) & (panel.state < default)
    running[panel.loan[today]] = True
    failed = np.zeros(len(panel.first), dtype=bool)
    later = (panel.month > at) & (panel.month <= at + months) & (panel.state == default)
    failed[panel.loan[later]] = True
    position = pd.Index(panel.keys).get_indexer(listed["loan_id"])
    on_list = np.zeros(len(panel.first), dtype=bool)
    on_list[position] = True
    groups = {rule.name: position[listed[rule.name].to_numpy()] for rule in RULES if rule.name in listed}
    groups["any rule"] = position
    groups["not on the list"] = np.flatnonzero(running & ~on_list)
    loans = np.array([len(rows) for rows in groups.values()])
    events = np.array([failed[rows].sum() for rows in groups.values()])
    low, high = jeffreys_interval(events, loans, confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = events / loans
        lift = rate / rate[-1]
    return pd.DataFrame(
        {
            "rule": list(groups),
            "loans": loans,
            "defaults": events,
            "rate": rate,
            "low": np.where(loans, low, np.nan),
            "high": np.where(loans, high, np.nan),
            "lift": lift,
        }
    )
