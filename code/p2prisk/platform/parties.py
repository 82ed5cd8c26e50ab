"""Screens on borrowers: related parties, roll-over, concentration, caps, rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from p2prisk.errors import DataError, count_of
from p2prisk.platform.screen import non_negative, require, result

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import ArrayLike

    from p2prisk.kinds import DateLike
    from p2prisk.platform.screen import ScreenResult

#: The 2016 caps in CNY: on this platform, and on all platforms together.
CAPS = {"person": (200_000.0, 1_000_000.0), "firm": (1_000_000.0, 5_000_000.0)}


def _codes(values):
    """Codes of keys; a missing or empty key is -1 and links nobody."""
    codes, labels = pd.factorize(values)
    labels = np.asarray(labels, dtype=object)
    empty = np.flatnonzero(labels == "")
    return np.where(codes == empty[0], -1, codes) if len(empty) else codes


def linked_groups(
    loans: pd.DataFrame, *, exempt: Collection[str] = (), by: Sequence[str] = ("address_id", "counterparty")
) -> np.ndarray:
    """Group of every loan: borrowers linked through a shared address or guarantor.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``borrower_id`` and the columns of `by` that there are.
    exempt : collection of str
        Keys that link nobody: licensed guarantee companies, addresses of a dormitory.
    by : sequence of str
        Columns that link.

    Returns
    -------
    numpy.ndarray of int
        Connected component of each loan's borrower (Tarjan's search, as in scipy).

    Examples
    --------
    >>> loans = pd.DataFrame({"borrower_id": ["a", "b", "c"], "address_id": ["x", "x", "y"]})
    >>> linked_groups(loans).tolist()
    [0, 0, 1]
    """
    require(loans, ["borrower_id"], "loans")
    borrower = _codes(loans["borrower_id"].to_numpy(dtype=object))
    if (borrower < 0).any():
        raise DataError(
            f"{int((borrower < 0).sum())} loans have no borrower_id, the first is row {int(np.argmax(borrower < 0))}"
        )
    size = int(borrower.max()) + 1
    nodes = size
    left, right = [], []
    for column in by:
        if column not in loans:
            continue
        values = loans[column].to_numpy(dtype=object)
        if len(exempt):
            values = np.where(pd.Series(values).isin(set(exempt)), None, values)
        code = _codes(values)
        there = code >= 0
        left.append(borrower[there])
        right.append(nodes + code[there])
        nodes += int(code.max(initial=-1)) + 1
    if not left:
        raise DataError(f"loans have none of the linking columns {', '.join(by)}")
    left, right = np.concatenate(left), np.concatenate(right)
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1]
    return np.unique(component[borrower], return_inverse=True)[1]


def related_parties(
    loans: pd.DataFrame, *, exempt: Collection[str] = (), threshold: float | None = None
) -> ScreenResult:
    """Largest share of the balance owed by one linked group.

    Parameters
    ----------
    loans : pandas.DataFrame
        Running loans: ``borrower_id, balance`` and ``address_id`` or ``counterparty``.
    exempt : collection of str
        Keys that link nobody.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
        The table lists groups of two borrowers or more.
    """
    require(loans, ["borrower_id", "balance"], "loans")
    balance = loans["balance"].to_numpy(dtype=float)
    non_negative(balance, "balance", "loans")
    group = linked_groups(loans, exempt=exempt)
    owed = np.bincount(group, balance)
    borrower = pd.factorize(loans["borrower_id"])[0]
    pairs = np.unique(group.astype(np.int64) * (borrower.max() + 1) + borrower)
    members = np.bincount(pairs // (borrower.max() + 1), minlength=len(owed))
    total = owed.sum()
    several = np.flatnonzero(members > 1)
    several = several[np.argsort(-owed[several], kind="stable")][:20]
    value = 100 * owed[several[0]] / total if len(several) and total > 0 else 0.0
    table = pd.DataFrame(
        {
            "group": several,
            "borrowers": members[several],
            "loans": np.bincount(group)[several],
            "balance": owed[several],
            "share": 100 * owed[several] / total if total > 0 else 0.0,
        }
    )
    return result("related parties", value, table, threshold=threshold)


def roll_over(
    loans: pd.DataFrame,
    *,
    as_of: DateLike,
    months: int = 3,
    days: int = 31,
    replaced: float = 0.8,
    by: Sequence[str] = ("address_id",),
    exempt: Any = (),
    threshold: Any = None,
) -> ScreenResult:
    """Share of the principal repaid lately that a new loan to the same group replaced.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``borrower_id, issue_date, last_payment_date, status, amount`` and a linking column.
    as_of : date-like
        Date of the screen; loans issued later are not looked at.
    months : int
        How far back repayments are taken.
    days : int
        Longest time between repayment and new loan, either way.
    replaced : float
        Share of the repaid loan's amount that new loans must reach.
    by : sequence of str
        Columns that link borrowers; not the guarantor by default, as the loans of a guarantee company's other
        clients are no roll-over.
    exempt, threshold
        As in :func:`related_parties`.

    Returns
    -------
    ScreenResult
    """
    require(loans, ["borrower_id", "issue_date", "last_payment_date", "status", "amount"], "loans")
    end = np.datetime64(pd.Timestamp(as_of), "D")
    begin = (end.astype("datetime64[M]") - (months - 1)).astype("datetime64[D]")
    issued = loans["issue_date"].to_numpy().astype("datetime64[D]")
    closed = loans["last_payment_date"].to_numpy().astype("datetime64[D]")
    amount = loans["amount"].to_numpy(dtype=float)
    non_negative(amount, "amount", "loans")
    group = linked_groups(loans, exempt=exempt, by=by)
    repaid = np.flatnonzero((loans["status"] == "paid").to_numpy() & (closed >= begin) & (closed <= end))
    fresh = np.flatnonzero((issued >= begin - np.timedelta64(days, "D")) & (issued <= end))
    if not len(repaid):
        return result(
            "roll-over",
            0.0,
            pd.DataFrame(columns=["group", "repaid", "replaced"]),
            ["no loan was repaid in the period"],
            threshold,
        )
    # new money of the group within `days` of the repayment, by a search in (group, date) order
    span = 100_000
    key = group[fresh].astype(np.int64) * span + issued[fresh].astype(np.int64)
    order = np.argsort(key, kind="stable")
    key, money = key[order], np.append(0.0, np.cumsum(amount[fresh][order]))
    at = group[repaid].astype(np.int64) * span + closed[repaid].astype(np.int64)
    new = money[np.searchsorted(key, at + days, side="right")] - money[np.searchsorted(key, at - days, side="left")]
    own = (issued[repaid] >= begin - np.timedelta64(days, "D")) & (
        np.abs((issued[repaid] - closed[repaid]).astype(np.int64)) <= days
    )
    new = new - np.where(own, amount[repaid], 0.0)
    hit = new >= replaced * amount[repaid]
    total = amount[repaid].sum()
    frame = pd.DataFrame(
        {"group": group[repaid], "repaid": amount[repaid], "replaced": np.where(hit, amount[repaid], 0.0)}
    )
    table = frame.groupby("group", as_index=False).sum().sort_values("replaced", ascending=False, kind="stable")
    return result(
        "roll-over", 100 * amount[repaid][hit].sum() / total, table.head(20).reset_index(drop=True), threshold=threshold
    )


def concentration(loans: pd.DataFrame, *, top: int = 10, threshold: float | None = None) -> ScreenResult:
    """Share of the balance owed by the largest borrowers.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``borrower_id, balance``.
    top : int
        How many borrowers.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
    """
    require(loans, ["borrower_id", "balance"], "loans")
    balance = loans["balance"].to_numpy(dtype=float)
    non_negative(balance, "balance", "loans")
    code, labels = pd.factorize(loans["borrower_id"])
    owed = np.bincount(code, balance, minlength=len(labels))
    first = np.argsort(-owed, kind="stable")[:top]
    total = owed.sum()
    share = 100 * owed[first] / total if total > 0 else np.zeros(len(first))
    table = pd.DataFrame({"borrower": np.asarray(labels)[first], "balance": owed[first], "share": share})
    return result("concentration", share.sum(), table, threshold=threshold)


def borrower_caps(loans: pd.DataFrame, *, caps: dict | None = None, threshold: float | None = None) -> ScreenResult:
    """Borrowers above the caps on what one person or firm may owe.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``borrower_id, borrower_type`` ('person' or 'firm'), ``balance``, and ``outside_balance`` (owed on other
        platforms, the same in every row of a borrower) where it is reported.
    caps : dict, optional
        Type -> (cap here, cap in all); :data:`CAPS` by default.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult

    Raises
    ------
    DataError
        If a type has no cap.
    """
    caps = caps or CAPS
    require(loans, ["borrower_id", "borrower_type", "balance"], "loans")
    balance = loans["balance"].to_numpy(dtype=float)
    non_negative(balance, "balance", "loans")
    kinds = set(loans["borrower_type"].unique()) - set(caps)
    if kinds:
        raise DataError(
            f"no cap is known for borrower_type {', '.join(map(repr, sorted(map(str, kinds))))}; "
            f"known: {', '.join(caps)}"
        )
    code, labels = pd.factorize(loans["borrower_id"])
    here = np.bincount(code, balance, minlength=len(labels))
    kind = loans["borrower_type"].to_numpy()
    first = np.unique(code, return_index=True)[1]
    mine = np.array([caps[name][0] for name in kind[first]])
    notes = []
    if "outside_balance" in loans:
        outside = loans["outside_balance"].to_numpy(dtype=float)[first]
        unknown = np.isnan(outside)
        if unknown.any():
            notes.append(f"{int(unknown.sum())} borrowers have no reported balance on other platforms")
        everywhere = here + np.nan_to_num(outside)
        above_all = everywhere > np.array([caps[name][1] for name in kind[first]])
    else:
        notes.append("balances on other platforms are not on the tape; only the cap of this platform was tested")
        everywhere, above_all = np.full(len(here), np.nan), np.zeros(len(here), dtype=bool)
    above = np.flatnonzero((here > mine) | above_all)
    table = pd.DataFrame(
        {
            "borrower": np.asarray(labels)[above],
            "type": kind[first][above],
            "balance": here[above],
            "cap": mine[above],
            "in_all": everywhere[above],
            "above_all": above_all[above],
        }
    )
    table = table.sort_values("balance", ascending=False, kind="stable").reset_index(drop=True)
    return result("borrower caps", len(above), table, notes, threshold)


def rate_cap(loans: pd.DataFrame, *, cap: float | ArrayLike, threshold: float | None = None) -> ScreenResult:
    """Share of loans priced above a cap.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``rate`` (per cent a year), or ``apr``, which is preferred.
    cap : float or array_like
        Cap in force for each loan, in per cent a year (24, 36, or four times a loan prime rate).
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
    """
    column = "apr" if "apr" in loans else "rate"
    require(loans, [column], "loans")
    rate = loans[column].to_numpy(dtype=float)
    limit = np.broadcast_to(np.asarray(cap, dtype=float), rate.shape)
    known = ~np.isnan(rate)
    notes = [] if known.all() else [f"{count_of((~known).sum(), 'loan')} without a rate"]
    if not known.any():
        raise DataError(f"no loan has a {column}")
    above = known & (rate > limit + 1e-9)
    values, counts = np.unique(rate[above], return_counts=True)
    table = pd.DataFrame({column: values[::-1], "loans": counts[::-1]})
    return result("rate cap", 100 * above.sum() / known.sum(), table, notes, threshold)
