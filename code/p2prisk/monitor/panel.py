"""The monthly panel: one row a loan and month, checked once and held as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Panel:
    """A checked panel of monthly performance, sorted by loan and month.

    Attributes
    ----------
    loan : numpy.ndarray of int64, shape (rows,)
        Loan, coded 0, 1, ... in order of first appearance of its key.
    keys : numpy.ndarray
        Key of each code.
    month : numpy.ndarray of int64, shape (rows,)
        Months since 1970-01.
    state : numpy.ndarray of int8, shape (rows,)
        Code in `states`.
    states : tuple of str
        States, in order of severity.
    balance : numpy.ndarray or None
        Balance of each row.
    first : numpy.ndarray of int64
        Position of the first row of each loan.
    simulated : bool
        Whether the panel is simulated.
    """

    loan: np.ndarray
    keys: np.ndarray
    month: np.ndarray
    state: np.ndarray
    states: tuple
    balance: np.ndarray | None
    first: np.ndarray
    simulated: bool

    def __len__(self):
        return len(self.loan)

    def code(self, state: Any) -> Any:
        """Code of a state, with a clear error if there is none of that name."""
        if state not in self.states:
            raise DataError(f"the panel has no state {state!r}; its states are {', '.join(map(repr, self.states))}")
        return self.states.index(state)

    def state_counts(self, month: Any = None) -> Any:
        """Loans in each state in `month` (``YYYY-MM``), by default the last one: array in the order of `states`."""
        at = self.month.max() if month is None else month_index(month)
        return np.bincount(self.state[self.month == at], minlength=len(self.states))

    def until(self, month: Any) -> Panel:
        """The panel as it was known at the end of `month` (``YYYY-MM``)."""
        keep = self.month <= month_index(month)
        loan = self.loan[keep]
        if not len(loan):
            raise DataError(f"the panel has no row up to {month}")
        first = np.flatnonzero(np.append(True, loan[1:] != loan[:-1]))
        code = np.cumsum(np.append(0, loan[1:] != loan[:-1]))
        balance = None if self.balance is None else self.balance[keep]
        return Panel(
            code,
            self.keys[loan[first]],
            self.month[keep],
            self.state[keep],
            self.states,
            balance,
            first,
            self.simulated,
        )


def month_index(value):
    """Months since 1970-01 of one date, or of a sequence of dates.

    Examples
    --------
    >>> month_index("2015-03")
    542
    """
    if isinstance(value, str | pd.Timestamp | np.datetime64):
        return int(np.datetime64(pd.Timestamp(value), "M").astype(int))
    if isinstance(value, int | np.integer):
        return int(value)
    dates = pd.to_datetime(pd.Series(np.asarray(value)))
    if dates.isna().any():
        row = int(np.argmax(dates.isna().to_numpy()))
        raise DataError(
            f"{int(dates.isna().sum())} dates are missing, the first in row {row}; "
            "set those rows aside and report how many"
        )
    return dates.to_numpy().astype("datetime64[M]").astype(np.int64)


def month_name(index):
    """``YYYY-MM`` of a month index (or of an array of them).

    Examples
    --------
    >>> month_name(542)
    '2015-03'
    """
    text = np.asarray(index, dtype="int64").astype("datetime64[M]").astype(str)
    return str(text) if np.ndim(index) == 0 else text


def read_panel(frame: pd.DataFrame, states: Sequence[str] | None = None) -> Panel:
    """Check a panel of monthly performance and hold it as arrays.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``loan_id``, ``month`` (a date), ``state`` (ordered categorical, best first, or text with `states` given) and,
        where there is one, ``balance``.
    states : sequence of str, optional
        Order of the states, for a text column.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        For a missing column, an empty panel, a missing or unknown state, a loan reported twice in a month, a
        negative balance: with the number of rows and the first of them.

    Examples
    --------
    >>> panel = read_panel(pd.DataFrame({"loan_id": [1, 1], "month": ["2015-01", "2015-02"],
    ...                                  "state": ["current", "late"]}), states=["current", "late"])
    >>> len(panel), panel.states
    (2, ('current', 'late'))
    """
    if isinstance(frame, Panel):
        return frame
    lacking = [name for name in ("loan_id", "month", "state") if name not in frame]
    if lacking:
        raise DataError(f"the panel lacks the column(s) {', '.join(lacking)}; it has {', '.join(frame.columns)}")
    if not len(frame):
        raise DataError("the panel has no row; there is nothing to watch")
    column = frame["state"]
    if states is None:
        if not (isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered):
            raise DataError("'state' must be an ordered categorical (best first), or give its order as states=[...]")
        states = tuple(column.cat.categories)
        state = column.cat.codes.to_numpy()
    else:
        states = tuple(states)
        state = pd.Index(states).get_indexer(column)
    if (state < 0).any():
        row = int(np.argmax(state < 0))
        raise DataError(
            f"{int((state < 0).sum())} rows have a missing or unknown state, the first in row {row} "
            f"({column.iloc[row]!r}); admissible: {', '.join(states)}"
        )
    month = month_index(frame["month"])
    keys = frame["loan_id"].to_numpy()
    if keys.dtype.kind in "iu":
        loan, labels = keys.astype(np.int64), None
    else:
        loan, labels = pd.factorize(keys)
        if (loan < 0).any():
            row = int(np.argmax(loan < 0))
            raise DataError(f"{int((loan < 0).sum())} rows have no loan_id, the first is row {row}")
    balance = frame["balance"].to_numpy(dtype=float) if "balance" in frame else None
    if balance is not None and (balance < 0).any():
        row = int(np.argmax(balance < 0))
        raise DataError(
            f"{int((balance < 0).sum())} rows have a negative balance, the first is row {row} "
            f"({balance[row]:g}); correct the sign or set the rows aside"
        )
    step = np.diff(loan)
    if not ((step > 0) | ((step == 0) & (np.diff(month) > 0))).all():
        order = np.lexsort((month, loan))
        loan, month, state = loan[order], month[order], state[order]
        balance = None if balance is None else balance[order]
        twice = (loan[1:] == loan[:-1]) & (month[1:] == month[:-1])
        if twice.any():
            at = int(np.argmax(twice))
            key = loan[at] if labels is None else labels[loan[at]]
            raise DataError(
                f"{int(twice.sum())} rows report a loan twice in a month, the first is loan {key!r} in "
                f"{month_name(month[at])}; keep one row a loan and month"
            )
    change = np.append(True, loan[1:] != loan[:-1])
    first = np.flatnonzero(change)
    keys = loan[first] if labels is None else np.asarray(labels)[loan[first]]
    return Panel(
        np.cumsum(change) - 1,
        keys,
        month,
        state.astype(np.int8),
        states,
        balance,
        first,
        bool(frame.attrs.get("simulated", False)),
    )
