"""Scenarios: what happens, to whom, and how strongly; and the shock that breaks the platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from p2prisk.errors import DataError
from p2prisk.stress.book import assess, provision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from p2prisk.stress.book import Book


@dataclass(frozen=True)
class Scenario:
    """A shock to the borrowers.

    Attributes
    ----------
    name, story : str
        What it is called, and what happens.
    shift : float
        Shift of the linear predictor of every loan (log odds of a worse class).
    segments : dict
        Column -> {level: further shift}; every level must occur.
    loss_factor : float
        Multiplies what is lost in each class.
    """

    name: str
    story: str
    shift: float = 0.0
    segments: dict = field(default_factory=dict)
    loss_factor: float = 1.0

    def shifts(self, frame: pd.DataFrame) -> np.ndarray:
        """Shift of each row of a frame.

        Raises
        ------
        DataError
            If a column or a level is not in the frame: a scenario that hits nobody is a mistake.
        """
        total = np.full(len(frame), float(self.shift))
        for column, levels in self.segments.items():
            if column not in frame:
                raise DataError(f"scenario {self.name!r}: the book has no column {column!r}")
            values = frame[column].to_numpy(dtype=object)
            for level, shift in levels.items():
                hit = values == level
                if not hit.any():
                    raise DataError(f"scenario {self.name!r}: no loan has {column} = {level!r}")
                total[hit] += shift
        return total


def stress_table(book: Book, scenarios: Sequence[Scenario], *, doubling: float = 2.0) -> pd.DataFrame:
    """Run scenarios over a book.

    Parameters
    ----------
    book : Book
        Loans.
    scenarios : sequence of Scenario
        The first row of the result is the book as it is.
    doubling : float
        As in :func:`~p2prisk.stress.book.provision`.

    Returns
    -------
    pandas.DataFrame
        ``scenario, hit`` (share of money with a shift), ``default_rate, expected_loss, annual_return, stage_2,
        provision``.
    """
    amount = np.asarray(book.amount, float)
    rows = []
    for scenario in (Scenario("as it is", "no shock"), *scenarios):
        shift = scenario.shifts(book.frame)
        result = assess(book, shift, scenario.loss_factor)
        reserve = provision(book, shift, doubling=doubling, loss_factor=scenario.loss_factor)
        rows.append(
            {
                "scenario": scenario.name,
                "hit": float(amount[shift != 0].sum() / amount.sum()),
                "default_rate": result["default_rate"],
                "expected_loss": result["expected_loss"],
                "annual_return": result["annual_return"],
                "stage_2": reserve["stage_2"],
                "provision": reserve["provision"],
            }
        )
    return pd.DataFrame(rows)


def breaking_point(
    measure: Callable, target: float, *, lower: float = 0.0, upper: float = 10.0, what: str = "the shock"
) -> float:
    """Reverse stress: the smallest shock at which a measure reaches its target.

    Parameters
    ----------
    measure : callable
        Monotone function of the shock.
    target : float
        Value that counts as broken.
    lower, upper : float
        Where the shock is looked for.
    what : str
        Name of the shock, for messages.

    Returns
    -------
    float
        `lower` if the measure is there already without a shock; infinity if `upper` does not reach it.

    Examples
    --------
    >>> breaking_point(lambda x: 1 - x, 0.25)
    0.75
    """
    if not lower < upper:
        raise DataError(f"{what}: the lower end must be below the upper one")
    first, last = measure(lower) - target, measure(upper) - target
    if not np.isfinite(first) or not np.isfinite(last):
        raise DataError(f"{what}: the measure is not a number at {lower:g} or {upper:g}")
    if first == 0:
        return float(lower)
    if np.sign(first) == np.sign(last):
        # broken from the start if moving further only takes it further away
        return float(lower) if abs(last) > abs(first) else float("inf")
    return float(brentq(lambda x: measure(x) - target, lower, upper, xtol=1e-12))


def shift_to_default_rate(book: Book, rate: float, *, lower: float = 0.0, upper: float = 3.0) -> float:
    """Shift of all log odds that gives a book the default rate `rate`.

    Parameters
    ----------
    book : Book
        Loans.
    rate : float
        Money-weighted default rate aimed at.
    lower, upper : float
        Where the shift is looked for.

    Returns
    -------
    float
        As in :func:`breaking_point`.
    """
    return breaking_point(
        lambda shift: assess(book, shift)["default_rate"], rate, lower=lower, upper=upper, what="the shift"
    )


def breaking_shift(book: Book, *, annual_return: float = 0.0, loss_factor: float = 1.0) -> float:
    """Shift of all log odds at which lenders earn no more than `annual_return` a year.

    Parameters
    ----------
    book : Book
        Loans.
    annual_return : float
        Return that counts as broken: 0, or what a deposit pays.
    loss_factor : float
        As in :func:`~p2prisk.stress.book.assess`.

    Returns
    -------
    float
        Zero if lenders earn no more already.
    """
    if assess(book, 0.0, loss_factor)["annual_return"] <= annual_return:
        return 0.0
    return breaking_point(
        lambda shift: assess(book, shift, loss_factor)["annual_return"], annual_return, upper=20.0, what="the shift"
    )
