"""The live model of the book: the ordered logit of the grade that Lending Club gave its loans of 2018."""

from functools import cache

from p2pbook.traits import GRADE_TRAITS, complete, design, formula
from p2prisk.datasets import load
from p2prisk.ordered import OrderedLogit

FORMULA = formula("grade", GRADE_TRAITS)


@cache
def grade_loans():
    """The loans without a gap in a trait, and how many were set aside for which trait.

    Returns
    -------
    loans, gaps : pandas.DataFrame
        See :func:`p2pbook.traits.complete`.
    """
    return complete(design(load("lendingclub-2018").frame, GRADE_TRAITS, "grade"))


@cache
def grade_model():
    """The model of all seven grades.

    Returns
    -------
    OrderedResults
    """
    return OrderedLogit.from_formula(FORMULA, grade_loans()[0]).fit()
