"""What a loan is worth before it is made: expected cash flows, break-even rate, price under a cap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Costs:
    """Assumptions behind the value of a loan. Each is a choice to be stated, not an estimate.

    Attributes
    ----------
    funding : float
        Yearly rate that the lenders' money costs, or that they could earn elsewhere; all flows are discounted by it.
    servicing : float
        Share of every payment kept for servicing.
    origination : float
        Cost of making the loan, as a share of the amount, less the fee that the borrower pays at once.
    recovery_lag : int
        Months from default to the recovery.
    """

    funding: float = 0.04
    servicing: float = 0.01
    origination: float = 0.0
    recovery_lag: int = 12

    def __post_init__(self):
        if not -1 < self.funding < 10 or not 0 <= self.servicing < 1 or self.recovery_lag < 0:
            raise DataError("funding is a yearly rate such as 0.04, servicing a share below one, recovery_lag months")

    @property
    def monthly_discount(self) -> float:
        """Worth today of one unit in a month."""
        return (1 + self.funding) ** (-1 / 12)


def instalment(rate, term):
    """Level monthly payment on one unit lent.

    Parameters
    ----------
    rate : array_like
        Nominal yearly rate as a share, compounded monthly.
    term : int
        Months.

    Examples
    --------
    >>> round(float(instalment(0.12, 12)), 6)
    0.088849
    """
    monthly = np.asarray(rate, dtype=float) / 12
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(monthly == 0, 1.0 / term, monthly / -np.expm1(-term * np.log1p(monthly)))


def monthly_default(default, term, prepayment=0.0):
    """Constant monthly default probability whose sum over the term is `default`, beside prepayment.

    Examples
    --------
    >>> round(float(monthly_default(0.19, 2)), 6)
    0.1
    """
    default = np.asarray(default, dtype=float)
    if ((default < 0) | (default >= 1)).any():
        raise DataError("the probability of default over the term must lie in [0, 1)")
    low, high = np.zeros_like(default), np.full_like(default, 1.0 - prepayment)
    for _ in range(60):
        middle = (low + high) / 2
        out = middle + prepayment
        with np.errstate(divide="ignore", invalid="ignore"):
            total = np.where(out > 0, middle * -np.expm1(term * np.log1p(-np.minimum(out, 1 - 1e-16))) / out, 0.0)
        below = total < default
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def contract_value(
    rate: ArrayLike,
    term: int,
    default: ArrayLike,
    *,
    recovery: float = 0.0,
    prepayment: float = 0.0,
    costs: Costs | None = None,
) -> np.ndarray:
    """Expected present value of one unit lent, less the unit.

    Parameters
    ----------
    rate : array_like
        Yearly rate as a share.
    term : int
        Months.
    default : array_like
        Probability of default over the term.
    recovery : float
        Share of the outstanding principal got back after a default, net of collection costs.
    prepayment : float
        Monthly probability that a performing loan is repaid in full.
    costs : Costs, optional

    Returns
    -------
    numpy.ndarray

    Notes
    -----
    Level instalments; the sums are those of :func:`present_value`. In every month a living loan defaults (and pays
    nothing more, but the recovery after a lag), is repaid in full, or pays its instalment; both probabilities are
    constant over the term. A constant hazard puts defaults late when compared with loans that fail in their first year;
    chapter "Decisions and limits" compares it with what was earned and lost.

    Examples
    --------
    >>> fair = Costs(funding=(1 + 0.04 / 12) ** 12 - 1, servicing=0)
    >>> abs(float(contract_value(0.04, 36, 0.0, costs=fair))) < 1e-12
    True
    """
    costs = costs or Costs()
    if not 0 <= recovery <= 1 or not 0 <= prepayment < 1:
        raise DataError("recovery and prepayment are shares between 0 and 1")
    if int(term) != term or term < 1:
        raise DataError(f"term is {term!r}; it is a whole number of months")
    rate, default = np.broadcast_arrays(np.asarray(rate, dtype=float), np.asarray(default, dtype=float))
    hazard = monthly_default(default, term, prepayment)
    more = {"prepayment": prepayment, "recovery": recovery, "discount": costs.monthly_discount}
    return present_value(rate, int(term), hazard, costs, **more) - 1.0 - costs.origination


def present_value(
    rate: ArrayLike,
    term: ArrayLike,
    hazard: ArrayLike,
    costs: Costs,
    *,
    recovery: float,
    discount: float,
    prepayment: float = 0.0,
) -> np.ndarray:
    """Expected present value of what comes back of one unit lent, by geometric sums.

    Parameters
    ----------
    rate : array_like
        Yearly rate as a share.
    term : array_like
        Months, of each loan.
    hazard : array_like
        Chance of default in a month.
    costs : Costs
        Servicing and lag of the recovery are read; the funding is in `discount`.
    recovery : float
        Share of what is owed that comes back after a default.
    discount : float
        Worth today of one unit in a month.
    prepayment : float
        Chance of full repayment in a month.

    Returns
    -------
    numpy.ndarray

    Notes
    -----
    With ``a`` the monthly chance to go on, ``v`` the discount, ``P`` the instalment, ``m`` the monthly rate and ``B_k``
    what is owed after k instalments, the sums over the months are ``sum (av)^k`` and ``sum (av)^k B_k``, since
    ``B_{k+1} = (1 + m) B_k - P``.
    """
    hazard, payment, monthly = np.asarray(hazard, dtype=float), instalment(rate, term), np.asarray(rate) / 12
    ratio = (1 - hazard - prepayment) * discount
    alive, owed = geometric(ratio, term), owed_sum(ratio, monthly, payment, term)
    paid = (1 - hazard) * payment * alive + prepayment * ((1 + monthly) * owed - payment * alive)
    back = hazard * recovery * discount**costs.recovery_lag * owed
    return discount * ((1 - costs.servicing) * paid + back)


def geometric(ratio: ArrayLike, size: ArrayLike) -> np.ndarray:
    """Sum of the powers of a ratio from 0 to size - 1.

    Examples
    --------
    >>> geometric([0.5, 1.0, 2.0], 3).round(12).tolist()
    [1.75, 3.0, 7.0]
    """
    more = np.asarray(ratio, dtype=float) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(more == 0, size, np.expm1(size * np.log1p(more)) / more)


def owed_sum(ratio: ArrayLike, monthly: ArrayLike, payment: ArrayLike, size: ArrayLike) -> np.ndarray:
    """Sum of ``ratio^k B_k`` for k from 0 to size - 1, where ``B_k`` is owed after k instalments.

    Parameters
    ----------
    ratio, monthly, payment, size : array_like
        Monthly rate as a share, level instalment, months.

    Notes
    -----
    Two forms of the same sum: one divides by ``1 - ratio (1 + monthly)``, the other by the monthly rate, and the larger
    divisor is taken. Where both are below 6e-10, neither interest nor default nor discount is there, and what is owed
    falls in equal parts.

    Examples
    --------
    >>> owed_sum([1.0, 0.9], 0.0, 0.25, 4).round(3).tolist()
    [2.5, 2.262]
    """
    ratio, monthly, payment, size = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (ratio, monthly, payment, size))
    )
    alive, gap = geometric(ratio, size), 1 - ratio * (1 + monthly)
    left = (1 + monthly) ** size - payment * geometric(1 + monthly, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_gap = (1 - ratio**size * left - ratio * payment * alive) / gap
        by_rate = payment / monthly * alive + (1 - payment / monthly) * geometric(1 - gap, size)
    level = size - payment * size * (size - 1) / 2
    return np.select([np.maximum(monthly, np.abs(gap)) < 6e-10, monthly < np.abs(gap)], [level, by_gap], by_rate)


def break_even_rate(
    default: ArrayLike,
    term: ArrayLike,
    *,
    recovery: Any = 0.0,
    prepayment: Any = 0.0,
    costs: Costs | None = None,
    margin: float = 0.0,
) -> np.ndarray:
    """Rate at which a loan is worth what was lent plus a margin.

    Parameters
    ----------
    default : array_like
        Probability of default over the term.
    term, recovery, prepayment, costs
        As in :func:`contract_value`.
    margin : float
        Value to be left per unit lent.

    Returns
    -------
    numpy.ndarray
        Yearly rates as shares; missing where no rate up to 1,000 % suffices.

    Notes
    -----
    The probability of default is held where it is. A higher rate makes the instalment dearer and drives good
    borrowers away (Stiglitz and Weiss 1981), so the true break-even rate of a bad grade is higher, or does not exist.
    """
    default = np.asarray(default, dtype=float)

    def one(probability):
        def gap(rate):
            return (
                float(contract_value(rate, term, probability, recovery=recovery, prepayment=prepayment, costs=costs))
                - margin
            )

        if gap(0.0) >= 0:
            return 0.0
        return brentq(gap, 0.0, 10.0, xtol=1e-12) if gap(10.0) > 0 else np.nan

    return np.vectorize(one, otypes=[float])(default)


def highest_pd(rate: float, term: int, **terms: Any) -> float:
    """Highest probability of default that a rate can carry at no loss.

    Parameters
    ----------
    rate : float
        Cap, yearly, as a share.
    term : int
    **terms
        As in :func:`contract_value`.

    Returns
    -------
    float
        Zero when the rate does not pay even for a safe loan.
    """

    def value(probability):
        return float(contract_value(rate, term, probability, **terms))

    if value(0.0) <= 0:
        return 0.0
    return float(brentq(value, 0.0, 1 - 1e-9, xtol=1e-12)) if value(1 - 1e-9) < 0 else 1.0


def price_table(
    grades: Sequence[str], default: Sequence[float], term: int, caps: dict, *, margin: float = 0.0, **terms: Any
) -> pd.DataFrame:
    """Risk-based rate of every grade, and whether each cap allows it.

    Parameters
    ----------
    grades : sequence of str
    default : sequence of float
        Probability of default of each grade over the term.
    term : int
    caps : dict
        Name -> cap as a yearly share.
    margin : float
        Value to be left per unit lent.
    **terms
        As in :func:`contract_value`.

    Returns
    -------
    pandas.DataFrame
        ``grade, pd, break_even, price`` (with the margin) and one column a cap: True when the price lies under it.
    """
    if len(grades) != len(default):
        raise DataError(f"{len(default)} probabilities are given for {len(grades)} grades")
    table = pd.DataFrame(
        {
            "grade": list(grades),
            "pd": np.asarray(default, float),
            "break_even": break_even_rate(default, term, **terms),
            "price": break_even_rate(default, term, margin=margin, **terms),
        }
    )
    for name, cap in caps.items():
        table[name] = table["price"] <= cap
    return table
