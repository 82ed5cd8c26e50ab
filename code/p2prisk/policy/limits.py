"""Limits: how much one borrower may owe, and how much of the book may hang on one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.platform.parties import CAPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


def room_under_caps(
    requested: ArrayLike, here: ArrayLike, outside: ArrayLike, kind: ArrayLike, caps: dict | None = None
) -> pd.DataFrame:
    """How much of an application may be granted under the caps per borrower.

    Parameters
    ----------
    requested, here, outside : array_like, shape (n,)
        Amount applied for, and balances on this platform and on all others, in the currency of the caps. Unknown
        balances elsewhere (missing) count as zero and are reported.
    kind : array_like of str, shape (n,)
        ``person`` or ``firm``.
    caps : dict, optional
        Kind -> (cap on this platform, cap on all); :data:`CAPS`, the 2016 caps of China's Interim Measures, by default.

    Returns
    -------
    pandas.DataFrame
        ``granted``, ``cut_by`` (``""``, ``platform cap``, ``cap on all platforms``), ``outside_unknown``.

    Examples
    --------
    >>> room_under_caps([150_000, 150_000], [0, 100_000], [0, 0], ["person", "person"])["granted"].tolist()
    [150000.0, 100000.0]
    """
    caps = caps or CAPS
    requested, here, outside = (np.asarray(v, dtype=float) for v in (requested, here, outside))
    kind = np.asarray(kind, dtype=object)
    if not len(requested) == len(here) == len(outside) == len(kind):
        raise DataError("requested, here, outside and kind need one value an application")
    for values, name in ((requested, "requested"), (here, "here"), (outside, "outside")):
        if (values < 0).any():
            raise DataError(f"{name} is negative in row {int(np.argmax(values < 0))}")
    unknown = ~np.isin(kind, list(caps))
    if unknown.any():
        raise DataError(f"kind {kind[int(np.argmax(unknown))]!r} has no cap; kinds are {', '.join(caps)}")
    if np.isnan(requested).any() or np.isnan(here).any():
        raise DataError("the amount applied for and the balance on this platform must be known")
    gap = np.isnan(outside)
    mine, all_ = (np.array([caps[k][i] for k in kind], dtype=float) for i in (0, 1))
    room, room_all = np.maximum(mine - here, 0.0), np.maximum(all_ - here - np.nan_to_num(outside), 0.0)
    granted = np.minimum(requested, np.minimum(room, room_all))
    cut = np.select([granted >= requested, room <= room_all], ["", "platform cap"], "cap on all platforms")
    return pd.DataFrame({"granted": granted, "cut_by": cut, "outside_unknown": gap})


@dataclass(frozen=True)
class Limit:
    """A limit on what part of the book may share one value of a column.

    Attributes
    ----------
    column : str
        A column with values (a purpose, a region, a grade, a guarantor, a borrower).
    share : float
        Largest share of the outstanding amount.
    value : object
        The value that is limited; every value when not given.
    reason : str
        Why the limit stands where it does.
    """

    column: str
    share: float
    value: object = None
    reason: str = ""

    def __post_init__(self):
        if not 0 < self.share <= 1:
            raise DataError(f"a limit is a share of the book above 0 and at most 1, not {self.share!r}")


def check_limits(frame: pd.DataFrame, limits: Sequence[Limit], amount: str = "amount") -> pd.DataFrame:
    """Compare a book with its concentration limits.

    Parameters
    ----------
    frame : pandas.DataFrame
        Loans, or classes of loans.
    limits : sequence of Limit
    amount : str
        Column of the outstanding amount (or of the number of loans).

    Returns
    -------
    pandas.DataFrame
        One row a limited value: ``column, value, share, limit, used`` (share over limit), ``breached``, and
        ``effective`` (number of equal parts with the same Herfindahl index as the column). Of a limit on every value
        only the largest is listed. A missing value is a value of its own.
    """
    if amount not in frame:
        raise DataError(f"the book has no column {amount!r}")
    money = frame[amount].to_numpy(dtype=float)
    if (money < 0).any() or np.isnan(money).any():
        raise DataError(f"{amount} is negative or missing in {int(((money < 0) | np.isnan(money)).sum())} rows")
    if not money.sum() > 0:
        raise DataError("the book has no money in it")
    rows = []
    for limit in limits:
        if limit.column not in frame:
            raise DataError(f"the limit on {limit.column!r} cannot be checked: the book has no such column")
        values = frame[limit.column].astype(object)
        part = pd.Series(money).groupby(values.where(values.notna(), "missing").to_numpy()).sum() / money.sum()
        value = part.idxmax() if limit.value is None else limit.value
        share = float(part.get(value, 0.0))
        rows.append(
            {
                "column": limit.column,
                "value": value,
                "share": share,
                "limit": limit.share,
                "used": share / limit.share,
                "breached": bool(share > limit.share),
                "effective": float(1 / (part**2).sum()),
                "reason": limit.reason,
            }
        )
    return pd.DataFrame(rows)


def room_under_limit(book: float, held: float, share: float) -> float:
    """Largest new amount of a value that keeps it at or under its limit, given that new money enlarges the book.

    Parameters
    ----------
    book, held : float
        Amount of the whole book, and of the limited value.
    share : float
        The limit.

    Returns
    -------
    float
        Zero when the limit is already used up; infinite for a limit of one.

    Examples
    --------
    >>> round(room_under_limit(100.0, 10.0, 0.2), 6)
    12.5
    """
    if held < 0 or book < held or not 0 < share <= 1:
        raise DataError("held lies between zero and the book, and the limit between 0 and 1")
    return np.inf if share == 1 else max((share * book - held) / (1 - share), 0.0)
