"""Screens on money: circular flows, custody, maturity mismatch, product mix, servicing, related receivables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from p2prisk.errors import DataError
from p2prisk.platform.screen import non_negative, require, result

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike
    from p2prisk.platform.screen import ScreenResult


def _window(dates, as_of, months):
    dates = dates.to_numpy().astype("datetime64[D]")
    end = np.datetime64(pd.Timestamp(as_of), "D")
    begin = (end.astype("datetime64[M]") - (months - 1)).astype("datetime64[D]")
    return (dates >= begin) & (dates <= end)


def circular_flows(
    transfers: pd.DataFrame, *, as_of: DateLike, months: int = 3, threshold: float | None = None
) -> ScreenResult:
    """Share of the money moved between accounts that lie on a circle.

    Parameters
    ----------
    transfers : pandas.DataFrame
        ``date, source, target, amount``.
    as_of : date-like
        Last day looked at.
    months : int
        Calendar months looked at.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
        Money that goes from A to B lies on a circle if money also finds a way from B to A: both are in one strongly
        connected component.
    """
    require(transfers, ["date", "source", "target", "amount"], "transfers")
    amount = transfers["amount"].to_numpy(dtype=float)
    non_negative(amount, "amount", "transfers")
    rows = np.flatnonzero(_window(transfers["date"], as_of, months))
    empty = pd.DataFrame({"component": [], "accounts": [], "amount": []})
    if not len(rows):
        return result("circular flows", 0.0, empty, ["no transfer falls in the period"], threshold)
    source = transfers["source"].to_numpy(dtype=object)[rows]
    target = transfers["target"].to_numpy(dtype=object)[rows]
    code = pd.factorize(np.concatenate([source, target]))[0]
    left, right = code[: len(rows)], code[len(rows) :]
    if (code < 0).any():
        raise DataError("a transfer has no source or no target")
    size = int(code.max()) + 1
    graph = coo_matrix((np.ones(len(rows), dtype=np.int8), (left, right)), shape=(size, size))
    component = connected_components(graph, directed=True, connection="strong")[1]
    inside = (component[left] == component[right]) & (left != right)
    money = amount[rows]
    total = money.sum()
    value = 100 * money[inside].sum() / total if total > 0 else 0.0
    found, position = np.unique(component[left[inside]], return_inverse=True)
    members = np.bincount(component, minlength=size)[found]
    table = pd.DataFrame(
        {"component": found, "accounts": members, "amount": np.bincount(position, money[inside], minlength=len(found))}
    )
    return result(
        "circular flows",
        value,
        table.sort_values("amount", ascending=False, kind="stable", ignore_index=True),
        threshold=threshold,
    )


def reconcile(
    ledger: pd.DataFrame, bank: pd.DataFrame, *, as_of: DateLike, grace_days: int = 3, tolerance: float = 0.005
) -> pd.DataFrame:
    """Match ledger and bank statement entry by entry.

    Parameters
    ----------
    ledger, bank : pandas.DataFrame
        ``entry_id, date, amount``; money into custody is positive.
    as_of : date-like
        Day of the reconciliation; later entries are not looked at.
    grace_days : int
        An entry the bank does not have yet is in transit for this long, then unexplained.
    tolerance : float
        Amounts that differ by no more are equal.

    Returns
    -------
    pandas.DataFrame
        One row an entry: ``entry_id, date, ledger, bank, difference, finding``, where `finding` is 'matched',
        'in transit', 'not at the bank', 'not in the ledger', 'amount differs', 'twice in the ledger' or 'twice at
        the bank'. A repeated entry is never merged away: the first is matched, the rest are findings.

    Raises
    ------
    DataError
        For missing columns, amounts or keys.

    Examples
    --------
    >>> ledger = pd.DataFrame({"entry_id": ["a", "b"], "date": ["2019-01-02"] * 2, "amount": [100.0, -40.0]})
    >>> bank = pd.DataFrame({"entry_id": ["a", "c"], "date": ["2019-01-02"] * 2, "amount": [100.0, -900.0]})
    >>> reconcile(ledger, bank, as_of="2019-01-31")[["entry_id", "finding"]].to_numpy().tolist()
    [['a', 'matched'], ['b', 'not at the bank'], ['c', 'not in the ledger']]
    """
    end = np.datetime64(pd.Timestamp(as_of), "D")
    sides = []
    for frame, what in ((ledger, "the ledger"), (bank, "the bank statement")):
        lacking = [name for name in ("entry_id", "date", "amount") if name not in frame]
        if lacking:
            raise DataError(f"{what} lacks the column(s) {', '.join(lacking)}")
        for name in ("entry_id", "amount", "date"):
            missing = frame[name].isna().to_numpy()
            if missing.any():
                raise DataError(
                    f"{what}: {int(missing.sum())} entries have no {name}, the first is row {int(np.argmax(missing))}"
                )
        date = pd.to_datetime(frame["date"]).to_numpy().astype("datetime64[D]")
        known = date <= end
        sides.append(
            (frame["entry_id"].to_numpy(dtype=object)[known], date[known], frame["amount"].to_numpy(dtype=float)[known])
        )
    (left_key, left_date, left_amount), (right_key, right_date, right_amount) = sides
    code, labels = pd.factorize(np.concatenate([left_key, right_key]))
    left, right = code[: len(left_key)], code[len(left_key) :]
    size = len(labels)
    labels = np.asarray(labels, dtype=object)

    def first_and_repeats(side):
        unique, first = np.unique(side, return_index=True)
        position = np.full(size, -1)
        position[unique] = first
        repeats = np.setdiff1d(np.arange(len(side)), first)
        return position, repeats

    left_at, left_twice = first_and_repeats(left)
    right_at, right_twice = first_and_repeats(right)
    in_left, in_right = left_at >= 0, right_at >= 0
    left_value = np.full(size, np.nan)
    left_value[in_left] = left_amount[left_at[in_left]]
    right_value = np.full(size, np.nan)
    right_value[in_right] = right_amount[right_at[in_right]]
    date = np.empty(size, dtype="datetime64[D]")
    date[in_right] = right_date[right_at[in_right]]
    date[in_left] = left_date[left_at[in_left]]
    difference = np.nan_to_num(left_value) - np.nan_to_num(right_value)
    old = np.asarray(end - date).astype(int) > grace_days
    finding = np.select(
        [in_left & in_right & (np.abs(difference) <= tolerance), in_left & in_right, in_left & ~old, in_left],
        ["matched", "amount differs", "in transit", "not at the bank"],
        "not in the ledger",
    )
    parts = [
        pd.DataFrame(
            {
                "entry_id": labels,
                "date": date.astype("datetime64[s]"),
                "ledger": left_value,
                "bank": right_value,
                "difference": difference,
                "finding": finding,
            }
        )
    ]
    for key, when, money, rows, word, sign in (
        (left_key, left_date, left_amount, left_twice, "twice in the ledger", 1),
        (right_key, right_date, right_amount, right_twice, "twice at the bank", -1),
    ):
        if len(rows):
            parts.append(
                pd.DataFrame(
                    {
                        "entry_id": key[rows],
                        "date": when[rows].astype("datetime64[s]"),
                        "ledger": money[rows] if sign > 0 else np.nan,
                        "bank": money[rows] if sign < 0 else np.nan,
                        "difference": sign * money[rows],
                        "finding": word,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def custody(
    ledger: Any, bank: Any, *, as_of: DateLike, grace_days: Any = 3, threshold: float | None = None
) -> ScreenResult:
    """Unexplained differences between ledger and bank, as share of clients' money.

    Parameters
    ----------
    ledger, bank, as_of, grace_days
        As in :func:`reconcile`.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
        The table sums entries, amounts and differences by finding.
    """
    entries = reconcile(ledger, bank, as_of=as_of, grace_days=grace_days)
    if not len(entries):
        raise DataError(f"neither ledger nor bank has an entry up to {as_of}")
    size = entries["difference"].abs()
    table = pd.DataFrame(
        {"finding": entries["finding"], "entries": 1, "difference": size, "net": entries["difference"]}
    )
    table = table.groupby("finding", as_index=False).sum().sort_values("difference", ascending=False, kind="stable")
    explained = entries["finding"].isin(["matched", "in transit"]).to_numpy()
    held = float(np.nansum(entries["ledger"].to_numpy()[entries["finding"] != "twice in the ledger"]))
    if held <= 0:
        raise DataError(
            f"the ledger shows clients' money of {held:,.2f} on {as_of}; a custody ledger cannot be "
            "at or below zero: is the opening balance missing?"
        )
    return result(
        "custody", 100 * float(size[~explained].sum()) / held, table.reset_index(drop=True), threshold=threshold
    )


def maturity_mismatch(
    funding: pd.DataFrame, *, as_of: DateLike, ratio: float = 1.5, threshold: float | None = None
) -> ScreenResult:
    """Share of what lenders are owed in products whose assets outlast what funds them.

    Parameters
    ----------
    funding : pandas.DataFrame
        ``month, product, outstanding, asset_months, liability_months``.
    as_of : date-like
        Month.
    ratio : float
        Assets may run this many times as long as the lenders' money.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
    """
    now = _funding_at(funding, as_of, ["asset_months", "liability_months"])
    life = now["asset_months"].to_numpy(dtype=float) / np.maximum(now["liability_months"].to_numpy(dtype=float), 1e-9)
    outstanding = now["outstanding"].to_numpy(dtype=float)
    total = outstanding.sum()
    value = 100 * outstanding[life > ratio].sum() / total if total > 0 else 0.0
    table = now[["product", "outstanding", "asset_months", "liability_months"]].assign(ratio=life)
    return result("maturity mismatch", value, table.reset_index(drop=True), threshold=threshold)


def product_mix(funding: pd.DataFrame, *, as_of: DateLike, threshold: float | None = None) -> ScreenResult:
    """Share of what lenders are owed in products outside the licence.

    Parameters
    ----------
    funding : pandas.DataFrame
        ``month, product, licensed, outstanding``.
    as_of : date-like
        Month.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
    """
    now = _funding_at(funding, as_of, ["licensed"])
    outstanding = now["outstanding"].to_numpy(dtype=float)
    outside = ~now["licensed"].to_numpy(dtype=bool)
    total = outstanding.sum()
    value = 100 * outstanding[outside].sum() / total if total > 0 else 0.0
    return result(
        "product mix", value, now[["product", "licensed", "outstanding"]].reset_index(drop=True), threshold=threshold
    )


def _funding_at(funding, as_of, columns):
    require(funding, ["month", "product", "outstanding", *columns], "funding records")
    month = funding["month"].to_numpy().astype("datetime64[M]")
    now = funding[month == np.datetime64(pd.Timestamp(as_of), "M")]
    if not len(now):
        raise DataError(f"the funding records have no row for {pd.Timestamp(as_of):%Y-%m}")
    non_negative(now["outstanding"].to_numpy(dtype=float), "outstanding", "funding records")
    return now


def servicing(
    accounts: pd.DataFrame, *, as_of: DateLike, months: int = 3, threshold: float | None = None
) -> ScreenResult:
    """Servicing cost a running loan, as share of its level a year before.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``month, servicing_cost, active_loans``, one row a month.
    as_of : date-like
        Last month looked at.
    months : int
        Months averaged.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult
        The value is missing, and not breached, where there is no year before.
    """
    require(accounts, ["month", "servicing_cost", "active_loans"], "accounts")
    month = accounts["month"].to_numpy().astype("datetime64[M]").astype(int)
    end = int(np.datetime64(pd.Timestamp(as_of), "M").astype(int))
    cost, loans = (accounts[name].to_numpy(dtype=float) for name in ("servicing_cost", "active_loans"))
    rows = []
    for name, last in (("a year before", end - 12), ("now", end)):
        inside = (month > last - months) & (month <= last)
        base = loans[inside].sum()
        rows.append(
            {
                "period": name,
                "months": int(inside.sum()),
                "servicing_cost": cost[inside].sum(),
                "cost_per_loan": cost[inside].sum() / base if base > 0 else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    before, now = table["cost_per_loan"]
    notes = [] if before > 0 else ["there is no year before; the screen needs fifteen months of accounts"]
    return result("servicing", 100 * now / before if before > 0 else np.nan, table, notes, threshold)


def related_receivables(receivable: float, equity: float, *, threshold: float | None = None) -> ScreenResult:
    """The platform's own loans to related parties as share of its equity.

    Parameters
    ----------
    receivable, equity : float
        From the balance sheet.
    threshold : float, optional
        Instead of the register's.

    Returns
    -------
    ScreenResult

    Examples
    --------
    >>> related_receivables(50.0, 100.0).breached
    True
    """
    if not equity > 0:
        raise DataError(f"equity is {equity}; the ratio says nothing, and a platform without equity should not lend")
    if receivable < 0:
        raise DataError(f"a receivable cannot be {receivable}")
    table = pd.DataFrame({"item": ["loans to related parties", "equity"], "amount": [receivable, equity]})
    return result("related receivables", 100 * receivable / equity, table, threshold=threshold)
