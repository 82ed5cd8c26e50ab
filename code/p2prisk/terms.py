"""What a standard model is asked to be: its predictors, terms of a formula, weights, link and family.

A formula lists predictors, separated by ``+``, in the closed language of :mod:`p2prisk.ordered.formula`; it is read
and computed, never evaluated. A bare column enters by the rule of :mod:`p2prisk.standard`. Any other term is a column
of its own, made of its row alone, which then enters by the same rule: held inside its range, filled where it is
missing, flagged where it drifts.

==========================  ============================================================================
``np.log1p(income)``        a transform or arithmetic of numbers (``I(amount / income)``): a number; where it is none
                            (the logarithm of a zero), the value is missing
``np.maximum(dti - 20, 0)`` a broken line, in place of a spline
``C(term)``                 the values of a number as classes
``amount:dti``              the product of numbers
``home:C(term)``            classes crossed: "rent x 60"
==========================  ============================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.kinds import LINKS, METHODS
from p2prisk.ordered.formula import Node, columns_of, compute, read_formula, stateful
from p2prisk.tape.columns import is_own

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Names:
    """Names that may be columns: without a point, or a lender's own; which of them there are, the tape says."""

    def __contains__(self, name: object) -> bool:
        return "." not in str(name) or is_own(name)


_NAMES = _Names()


@dataclass(frozen=True)
class FitSettings:
    """How a standard model is fitted.

    Attributes
    ----------
    predictors : tuple of str or None
        Columns; None for those chosen by rule.
    formula : str or None
        Terms, in place of `predictors`.
    weights : str or None
        Column of sampling weights: for how many loans a row stands. Their mean becomes one, and the covariance is the
        sandwich, which does not take a weight for that many independent loans.
    link : {"logit", "probit", "cloglog", "loglog"}
    method : {"cumulative", "sequential", "bias-reduced"}
        Proportional odds, or one model a stage (forward continuation ratio).
    stated : frozenset of str
        Own columns of which the lender says that they are known at issue.

    Raises
    ------
    ModelError
        Settings that do not go together, or a formula that is not of the language.

    Examples
    --------
    >>> FitSettings(formula="np.log1p(income) + C(term)").terms()
    ['np.log1p(income)', 'C(term)']
    """

    predictors: tuple[str, ...] | None = None
    formula: str | None = None
    weights: str | None = None
    link: Literal["logit", "probit", "cloglog", "loglog"] = "logit"
    method: Literal["cumulative", "sequential", "bias-reduced"] = "cumulative"
    stated: frozenset[str] = frozenset()

    def __post_init__(self):
        if self.predictors is not None and self.formula is not None:
            raise ModelError("give predictors or a formula, not both")
        if self.method not in METHODS or self.link not in LINKS:
            raise ModelError(f"method is one of {', '.join(METHODS)}; link one of {', '.join(LINKS)}")
        if self.predictors is not None and not self.predictors:
            raise ModelError("no predictor is named")
        if self.formula is not None:
            self.terms()

    @property
    def plain(self) -> bool:
        """Whether the model is a proportional-odds logit, which a card in points needs."""
        return self.link == "logit" and self.method == "cumulative"

    def terms(self) -> list[str] | None:
        """Predictors and terms as they are written; None where the rule chooses."""
        if self.formula is None:
            return None if self.predictors is None else list(self.predictors)
        text = self.formula.split("~", 1)
        if len(text) > 1 and text[0].strip():
            raise ModelError("write the predictors alone: what is predicted is said by --outcome")
        found = [
            term[0].value if _is_column(term) else ":".join(factor.source for factor in term)
            for term in read_formula(text[-1], _NAMES)
        ]
        if not found:
            raise ModelError("the formula names no predictor")
        for term in found:
            factors_of(term)
        return found


def factors_of(term: str) -> tuple[Node, ...]:
    """The factors of one term.

    Raises
    ------
    ModelError
        More than one term, a transform that keeps a state of the fit, or contrasts.
    """
    read = read_formula(term, _NAMES)
    if len(read) != 1:
        raise ModelError(f"{term!r} is not one term")
    for factor in read[0]:
        if stateful(factor):
            raise ModelError(
                f"{factor.source!r} is a spline or a scaling, which a term here cannot be; bend a line with "
                "np.maximum(dti - 20, 0), and leave scaling to the fit"
            )
        if factor.kind == "call" and factor.value == "C" and (len(factor.parts) != 1 or factor.options):
            raise ModelError(f"{factor.source!r}: C() takes one column; its first level is the reference")
        if factor.kind == "call" and factor.value == "C" and factor.parts[0].kind != "column":
            raise ModelError(f"{factor.source!r}: C() makes classes of a column, not of an expression")
        if not columns_of(factor):
            raise ModelError(f"{factor.source!r} names no column")
    return read[0]


def columns_in(term: str) -> list[str]:
    """Columns of the tape that a term reads.

    Examples
    --------
    >>> columns_in("home:C(term)"), columns_in("dti")
    (['home', 'term'], ['dti'])
    """
    return list(dict.fromkeys(name for factor in factors_of(term) for name in columns_of(factor)))


def is_bare(term: str) -> bool:
    """Whether a term is a column as it is."""
    return _is_column(factors_of(term))


def _is_column(factors):
    return len(factors) == 1 and factors[0].kind == "column"


def computed(term: str, frame: pd.DataFrame) -> pd.Series:
    """The column of a term; each value depends on its own row alone.

    Parameters
    ----------
    term : str
    frame : pandas.DataFrame
        With the columns of :func:`columns_in`.

    Returns
    -------
    pandas.Series
        Numbers, or classes as text.

    Raises
    ------
    DataError, ModelError
        A column of classes where numbers are needed, or a number crossed with classes.

    Examples
    --------
    >>> frame = pd.DataFrame({"home": ["own", "rent"], "term": [36.0, 60.0], "dti": [0.0, 9.0]})
    >>> computed("home:C(term)", frame).tolist(), computed("np.sqrt(dti)", frame).tolist()
    (['own x 36', 'rent x 60'], [0.0, 3.0])
    """
    factors = factors_of(term)
    classes = [_is_class(factor, frame) for factor in factors]
    if all(classes):
        parts = [classes_of(frame[columns_of(factor)[0]]) for factor in factors]
        gap = np.logical_or.reduce([part.isna().to_numpy() for part in parts])
        text = parts[0]
        for part in parts[1:]:
            text = text + " x " + part
        return text.astype(object).where(~gap, None)
    if any(classes):
        raise ModelError(
            f"{term!r} crosses a number with classes, which is a slope for each class; cut the number into classes, or "
            "fit a model for each class"
        )
    value = np.ones(len(frame))
    for factor in factors:
        if any(not pd.api.types.is_numeric_dtype(frame[name].dtype) for name in columns_of(factor)):
            raise DataError(f"{factor.source!r} needs numbers; {', '.join(columns_of(factor))} holds classes")
        value = value * np.asarray(compute(factor, frame, {}), dtype=float)
    return pd.Series(np.where(np.isfinite(value), value, np.nan), frame.index)


def _is_class(factor, frame):
    if factor.kind == "call" and factor.value == "C":
        return True
    return factor.kind == "column" and not pd.api.types.is_numeric_dtype(frame[factor.value].dtype)


def classes_of(values: pd.Series) -> pd.Series:
    """Values as text; whole numbers without a point."""
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return values.map(lambda x: None if x != x else str(int(x)) if float(x).is_integer() else str(x)).astype(object)
    return values.astype(object).where(values.notna(), None).map(lambda x: None if x is None else str(x))


def with_terms(frame: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """The frame with a column for each term that it does not have.

    Raises
    ------
    DataError
        A column that a term reads is absent.
    """
    made: dict[str, Any] = {}
    for term in terms:
        if term in frame:
            continue
        absent = [name for name in columns_in(term) if name not in frame]
        if absent:
            raise DataError(
                f"the model needs {', '.join(absent)}, which the tape does not have; map these columns or fit a model "
                "without them"
            )
        made[term] = computed(term, frame)
    return frame.assign(**made) if made else frame
