"""A book under stress: class probabilities, expected loss, lenders' return, provisions, grade migration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from p2prisk.errors import DataError
from p2prisk.ordered.probabilities import class_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Economics:
    """What a loan of each severity class earns and loses, as shares of the amount lent.

    Attributes
    ----------
    income : numpy.ndarray, shape (classes,) or (n, classes)
        Interest and fees received over the loan's life; one row for all loans or one a loan.
    loss : numpy.ndarray, same shape
        Principal lost, recoveries taken off.
    years : numpy.ndarray, same shape
        Years for which the whole amount would have had to be outstanding to earn that interest.
    default_classes : int
        How many of the worst classes count as default.
    early_share : float
        Share of defaults that fall in the first twelve months.
    """

    income: np.ndarray
    loss: np.ndarray
    years: np.ndarray
    default_classes: int = 2
    early_share: float = 0.5

    def __post_init__(self):
        shapes = {np.shape(self.income), np.shape(self.loss), np.shape(self.years)}
        if len(shapes) != 1 or len(np.shape(self.income)) not in (1, 2):
            raise DataError("income, loss and years need one value a class, best class first")
        if not 0 < self.default_classes < np.shape(self.income)[-1]:
            raise DataError("at least one class must be a default and one must not")
        if not 0 <= self.early_share <= 1:
            raise DataError("early_share is a share between 0 and 1")

    def part(self, rows: np.ndarray) -> Economics:
        """The economics of some loans: those rows where every loan has its own, else the same."""
        if np.ndim(self.income) == 1:
            return self
        return replace(self, income=self.income[rows], loss=self.loss[rows], years=self.years[rows])


@dataclass(frozen=True)
class Book:
    """Loans as a stress test sees them.

    Attributes
    ----------
    eta : numpy.ndarray, shape (n,)
        Linear predictor of each loan (or class of loans).
    thresholds : numpy.ndarray, shape (classes - 1,)
        Thresholds of the ordered logit.
    amount : numpy.ndarray, shape (n,)
        Money in each row: amount lent, or number of equal loans.
    frame : pandas.DataFrame
        Attributes, for scenarios that hit a segment.
    economics : Economics
        Of the classes.
    """

    eta: np.ndarray
    thresholds: np.ndarray
    amount: np.ndarray
    frame: pd.DataFrame
    economics: Economics

    def __post_init__(self):
        size = len(self.eta)
        if not size:
            raise DataError("the book has no loan; there is nothing to stress")
        if len(self.amount) != size or len(self.frame) != size:
            raise DataError(f"eta has {size} rows, amount {len(self.amount)}, the frame {len(self.frame)}")
        if (np.asarray(self.amount) < 0).any():
            raise DataError(f"{int((np.asarray(self.amount) < 0).sum())} rows have a negative amount")
        if not (np.diff(self.thresholds) > 0).all():
            raise DataError("thresholds must increase")
        shape = np.shape(self.economics.income)
        if len(self.thresholds) + 1 != shape[-1]:
            raise DataError(
                f"{len(self.thresholds)} thresholds make {len(self.thresholds) + 1} classes, but the "
                f"economics have {shape[-1]}"
            )
        if len(shape) == 2 and shape[0] != size:
            raise DataError(f"the book has {size} rows, its economics {shape[0]}")

    def part(self, rows: ArrayLike) -> Book:
        """The book of some of the loans.

        Parameters
        ----------
        rows : array_like of bool, shape (n,)
            Which loans.

        Returns
        -------
        Book
            Same thresholds; the economics keep the rows of these loans.
        """
        rows = np.asarray(rows, bool)
        return replace(
            self,
            eta=self.eta[rows],
            amount=self.amount[rows],
            frame=self.frame[rows],
            economics=self.economics.part(rows),
        )


def default_probability(book: Book, shift: float | np.ndarray = 0.0) -> np.ndarray:
    """Probability of default of each row under a shift of its linear predictor."""
    bound = np.asarray(book.thresholds, float)[-book.economics.default_classes]
    return expit(np.asarray(book.eta, float) + shift - bound)


def assess(book: Book, shift: float | np.ndarray = 0.0, loss_factor: float = 1.0) -> dict:
    """Shares by class, default rate, expected loss and lenders' return of a book.

    Parameters
    ----------
    book : Book
        Loans.
    shift : float or numpy.ndarray, shape (n,)
        Shift of the linear predictor.
    loss_factor : float
        Multiplies what is lost in each class (at most the whole amount).

    Returns
    -------
    dict
        ``classes`` (array of money-weighted shares), ``default_rate``, ``expected_loss``, ``income``, ``years``
        (all as shares of the amount), and ``annual_return`` = (income - loss) / years.
    """
    amount = np.asarray(book.amount, float)
    total = amount.sum()
    if not total > 0:
        raise DataError("the book has no money in it")
    probability = class_probabilities(np.asarray(book.eta, float) + shift, book.thresholds)
    shares = amount @ probability / total
    economics = book.economics

    def mean(values):
        return float(amount @ (probability * values).sum(axis=1) / total)

    loss = mean(np.minimum(np.asarray(economics.loss) * loss_factor, 1.0))
    income, years = mean(np.asarray(economics.income)), mean(np.asarray(economics.years))
    return {
        "classes": shares,
        "default_rate": float(shares[-economics.default_classes :].sum()),
        "expected_loss": loss,
        "income": income,
        "years": years,
        "annual_return": (income - loss) / years,
    }


def provision(book: Book, shift: float | np.ndarray = 0.0, *, doubling: float = 2.0, loss_factor: float = 1.0) -> dict:
    """Provision under a 12-month / lifetime rule.

    Parameters
    ----------
    book : Book
        Loans as they were assessed at issue.
    shift : float or numpy.ndarray
        Shift of the linear predictor since then.
    doubling : float
        A loan whose odds of default have risen by this factor or more moves to stage 2 and is provided for over its
        life; the others for twelve months.
    loss_factor : float
        As in :func:`assess`.

    Returns
    -------
    dict
        ``stage_2`` (share of money), ``provision`` and ``lifetime`` (what it would be if all loans were in stage 2),
        as shares of the amount.

    Notes
    -----
    The rule has the shape of IFRS 9 (5.5.3 and 5.5.5). What counts as a significant increase is the platform's to
    decide; a factor on the odds makes all loans of a uniform shift move at once, which is the cliff the rule is
    known for.
    """
    amount = np.asarray(book.amount, float)
    shift = np.broadcast_to(np.asarray(shift, float), amount.shape)
    probability = class_probabilities(np.asarray(book.eta, float) + shift, book.thresholds)
    lifetime = (probability * np.minimum(np.asarray(book.economics.loss) * loss_factor, 1.0)).sum(axis=1)
    second = shift >= np.log(doubling) - 1e-12
    money = np.where(second, lifetime, lifetime * book.economics.early_share)
    total = amount.sum()
    return {
        "stage_2": float(amount[second].sum() / total),
        "provision": float(amount @ money / total),
        "lifetime": float(amount @ lifetime / total),
    }


def grade_migration(
    book: Book, shift: float | np.ndarray, cuts: Sequence[float], labels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Where loans of each grade go when their probability of default moves.

    Parameters
    ----------
    book : Book
        Loans.
    shift : float or numpy.ndarray
        Shift of the linear predictor.
    cuts : sequence of float
        Increasing upper bounds of the probability of default of all grades but the last.
    labels : sequence of str, optional
        Names of the grades; letters by default.

    Returns
    -------
    pandas.DataFrame
        Shares of the money of each grade (row) by new grade (column); a grade without loans has missing shares.
    """
    cuts = np.asarray(cuts, float)
    if not (np.diff(cuts) > 0).all():
        raise DataError("the cuts of the master scale must increase")
    size = len(cuts) + 1
    labels = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:size]) if labels is None else list(labels)
    before = np.searchsorted(cuts, default_probability(book))
    after = np.searchsorted(cuts, default_probability(book, shift))
    table = np.bincount(before * size + after, np.asarray(book.amount, float), minlength=size * size)
    table = table.reshape(size, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = table / table.sum(axis=1, keepdims=True)
    return pd.DataFrame(share, index=pd.Index(labels, name="from"), columns=pd.Index(labels, name="to"))
