"""A book under scenarios by a stored model: expected loss, lenders' return, and the shift at which they earn nothing.

Each loan is seen as on the day it was made. A scenario shifts traits of the borrowers, which the model then scores
anew, and the log-odds of its event, for all loans or by the level of a column. A probability becomes money by one set
of assumptions, the same for all scenarios, and printed: level instalments, a constant chance of default in every month
up to the horizon of the event, no early repayment, a share of what is owed that comes back some months later.

Under these the sums over the months are geometric (:mod:`p2prisk.policy.value`), and a loan takes as long whatever its
term: with ``s`` the monthly survival and ``B_k`` what is owed after k instalments, the expected loss is
``(1 - recovery) (1 - s) sum s^k B_k``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from p2prisk.errors import DataError, count_of
from p2prisk.policy.realised import loss_given_default
from p2prisk.policy.value import Costs, instalment, owed_sum, present_value
from p2prisk.scorecard.master_scale import MasterScale
from p2prisk.stress import Scenario
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.event import Event
from p2prisk.tape.privacy import LEAST, POOLED, pooled
from p2prisk.tape.schema import ceiling, money_scale
from p2prisk.terms import classes_of

if TYPE_CHECKING:
    from p2prisk.standard import StandardModel
    from p2prisk.tape.core import LoanTape

BASE = "as it is"
_Z = 1.959963984540054
#: log-odds beyond which no break-even shift is looked for: a factor of a thousand
_FURTHEST = float(np.log(1000.0))
#: fewest bad loans with payments from which a recovery is taken
_FEWEST = 50


@dataclass(frozen=True)
class StressedBook:
    """What :func:`stress_model` found.

    Attributes
    ----------
    table : pandas.DataFrame
        ``scenario, grade, term, loans, amount, pd, expected_loss, low, high, lenders_return, break_even``: a row for
        each grade and term, and one for all. Probability, loss (95 per cent interval of the estimation alone) and
        yearly return are shares, weighted by amount; ``break_even`` is the further factor on the odds at which lenders
        earn what the limit asks, or nothing where none is set.
    assumptions : pandas.DataFrame
        ``assumption, figure, from``.
    broken : list of str
        Limits that a scenario breaks.
    notes : list of str
    about : dict
        ``event, loans, set_aside, grade``.
    """

    table: pd.DataFrame
    assumptions: pd.DataFrame
    broken: list[str]
    notes: list[str]
    about: dict[str, Any] = field(default_factory=dict)


def stress_model(model: StandardModel, tape: LoanTape, plan: dict) -> StressedBook:
    """Put a book under scenarios.

    Parameters
    ----------
    model : StandardModel
        Of how loans end.
    tape : LoanTape
        With amount and term; ``rate`` gives the lenders' return.
    plan : dict
        By ``assets/scenarios.schema.json``.

    Returns
    -------
    StressedBook

    Raises
    ------
    DataError
        The model is one of the grade, a column is absent, a scenario shifts what the model does not read, or hits no
        loan.
    """
    if model.event is None or not model.bad_from:
        raise DataError("a model of the grade has no event whose odds could be shifted; fit one of how loans end")
    event, notes = Event(**model.event), []
    frame, gone = _loans(tape)
    if gone:
        notes.append(f"Set aside: {count_of(gone, 'loan')} without an amount, a term and a rate that a loan can have.")
    if "status" in frame and frame["status"].isin(["paid", "charged off"]).any():
        notes.append("The tape holds loans that have ended: all are stressed as on the day they were made.")
    recovery, source = _recovery(frame, plan)
    costs = Costs(servicing=plan.get("servicing", 0.01), recovery_lag=plan.get("recovery_months", 12))
    priced = event.kind == "final" and "rate" in frame and bool(frame["rate"].notna().all())
    why = ""
    if not priced:
        why = f"the event is {event.name}, so that the rest of the life of a loan is not known"
        if event.kind == "final" and "rate" in frame:
            why = f"{count_of(frame['rate'].isna().sum(), 'loan')} without a rate"
        elif event.kind == "final":  # a model keeps what is known of an applicant, and so no rate
            why = "no rate was read (if the tape has one, give the mapping that names its column: --map)"
        notes.append(f"No lenders' return and no break-even shift: {why}.")
        if "lenders_return" in plan.get("limits", {}):
            raise DataError(f"the limit lenders_return cannot be judged: {why}. Take it out of the scenario file")
    if event.kind in ("stage", "given"):
        notes.append(f"The event is {event.name}: not every such loan is lost, so that the expected loss is too high.")
    keys, graded = _groups(model, frame)
    if few := int((keys["grade"] == POOLED).sum()):
        notes.append(f"No row of their own: {count_of(few, 'loan')} of a grade and term that fewer than {LEAST} share.")
    book = _Book(model, event, frame, costs, priced, keys, plan.get("limits", {}).get("lenders_return", 0.0))
    tables = [book.rows(Scenario(BASE, "no shock"), frame, recovery)]
    for given in plan["scenarios"]:
        scenario, moved, told = _shocked(model, frame, given)
        notes += told
        back = given.get("recovery", {})
        after = float(back["to"]) if "to" in back else min(recovery * back.get("times", 1.0), 1.0)
        tables.append(book.rows(scenario, moved, after))
    table = pd.concat(tables, ignore_index=True)
    return StressedBook(
        table,
        _assumptions(event, recovery, source, costs, priced, frame),
        _broken(table, plan.get("limits", {})),
        notes,
        {"event": event.name, "loans": len(frame), "set_aside": gone, "grade": graded},
    )


def _loans(tape):
    frame = tape.frame
    absent = [name for name in ("amount", "term") if name not in frame]
    if absent:
        raise DataError(f"the tape has no {' and no '.join(absent)}: no loss can be weighed without; map the columns")
    if "n" in frame:
        raise DataError("a table of counts has no loans to be stressed one by one")
    kept, scale = np.ones(len(frame), bool), money_scale(frame)
    for name in ("amount", "term", "rate"):  # one of a million months would make the loss of the whole book no number
        if name not in frame:
            continue
        inside = frame[name].le(ceiling(name, scale))
        inside = inside | frame[name].isna() if name == "rate" else inside & (frame[name] > 0)
        kept &= inside.fillna(False).to_numpy(dtype=bool)
    if not kept.any():
        raise DataError("no loan has an amount, a term and a rate that a loan can have; there is nothing to stress")
    return frame[kept].reset_index(drop=True), int((~kept).sum())


def _recovery(frame, plan):
    """Share of what is owed at default that comes back, and where that is from."""
    if "recovery" in plan:
        return float(plan["recovery"]), "scenario file"
    needed = {"amount", "principal_paid", "recoveries", "status"}
    if needed <= set(frame):
        lost = frame[frame["status"].isin(["charged off", "default"]) & frame[list(needed)].notna().all(axis=1)]
        if len(lost) >= _FEWEST:
            lost = lost.assign(bad=True)
            lost = lost if "recovery_fee" in lost else lost.assign(recovery_fee=0.0)
            found = loss_given_default(lost.fillna({"recovery_fee": 0.0}))
            owed = found["outstanding"] * lost["amount"]
            return float(
                1 - (found["lgd"] * owed).sum() / owed.sum()
            ), f"{len(lost):,d} bad loans of the tape, by money"
    return 0.0, "nothing: neither the scenario file nor the tape says"


def _groups(model, frame):
    """Grade and term of each loan, and whose grade it is."""
    if "grade" in frame and frame["grade"].notna().all():
        grade, whose = frame["grade"].astype(str), "the platform's"
    elif model.scale is not None:
        scale = MasterScale.from_plain(model.scale)
        grade, whose = pd.Series(scale.grade(model.score(frame)["pd"])).astype(str), "the model's, before any shock"
    else:
        grade, whose = pd.Series("all", frame.index), "none: neither the tape nor the model has grades"
    keys = pd.DataFrame({"grade": grade.to_numpy(), "term": frame["term"].to_numpy(dtype=float)})
    many = keys.groupby(["grade", "term"])["term"].transform("size") >= LEAST
    return keys.assign(grade=keys["grade"].where(many, POOLED), term=keys["term"].where(many)), whose


def _shocked(model, frame, given):
    """The scenario as shifts, the frame with its traits shifted, and what is to be said of it."""
    name, moved, told = given["name"], frame.copy(deep=False), []
    numbers = [n for n in model.inputs if pd.api.types.is_numeric_dtype(frame[n]) and frame[n].dtype != bool]
    for trait, how in given.get("traits", {}).items():
        if trait not in numbers:
            raise DataError(
                f"scenario {name!r}: {trait!r} is no number that the model reads; it reads "
                f"{', '.join(numbers) or 'none'}. A shift of odds needs no trait"
            )
        column = COLUMNS[trait]
        values = frame[trait].astype(float) * how.get("times", 1.0) + how.get("plus", 0.0)
        most = None if column.unit == "currency" else column.maximum  # the model holds money in its own range
        moved[trait] = values.clip(column.minimum, most)
    before, after = model.prepared(frame), model.prepared(moved)
    for rule in model.rules if given.get("traits") else ():
        if rule["kind"] != "number":
            continue
        column, span = rule["column"], (rule["low"], rule["high"])
        held = float((before[column].between(*span) & ~after[column].between(*span) & after[column].notna()).mean())
        if held > 0.005:
            told.append(
                f"{name}: {held:.1%} of the loans leave the range of {column} that the model was fitted on "
                f"({span[0]:,.6g} to {span[1]:,.6g}) and are held at its end: their shock is too weak."
            )
    segments, texts = {}, {}
    for column, levels in given.get("odds_by", {}).items():
        if column not in frame or COLUMNS[column].known not in ("issue", "platform"):
            raise DataError(f"scenario {name!r}: the tape has no column {column!r} known at issue to make segments of")
        texts[column] = classes_of(frame[column])
        segments[column] = {str(level): float(np.log(odds)) for level, odds in levels.items()}
        absent = sorted(set(segments[column]) - set(texts[column].dropna()))
        if absent:
            has = sorted(set(pooled(texts[column].dropna())))[:20]
            raise DataError(
                f"scenario {name!r}: no loan has {column} = {', '.join(absent)}; the tape has {', '.join(has)}"
            )
    scenario = Scenario(name, given["story"], float(np.log(given.get("odds", 1.0))), segments)
    return scenario, moved.assign(**{f"segment of {column}": text for column, text in texts.items()}), told


@dataclass(frozen=True)
class _Book:
    model: StandardModel
    event: Event
    frame: pd.DataFrame
    costs: Costs
    priced: bool
    keys: pd.DataFrame
    floor: float

    def rows(self, scenario, moved, recovery):
        """The table of one scenario."""
        odds, jacobian = self.model.log_odds(moved)
        segment = {column: moved[f"segment of {column}"] for column in scenario.segments}
        odds = odds + scenario.shifts(moved.assign(**segment) if segment else moved)
        amount = self.frame["amount"].to_numpy(dtype=float)
        term = np.maximum(np.ceil(self.frame["term"].to_numpy(dtype=float)), 1.0)
        rate = (
            self.frame["rate"].fillna(0.0).to_numpy(dtype=float) / 100 if "rate" in self.frame else np.zeros(len(term))
        )
        loan = _Loans(term, rate, self._months(term), recovery, self.costs)
        loss = loan.loss(odds)
        slope = (loan.loss(odds + 1e-4) - loan.loss(odds - 1e-4)) / 2e-4
        covariance = self.model.results.cov_params().to_numpy()
        groups = [(*key, own) for key, own in self.keys.groupby(["grade", "term"], sort=True).indices.items()]
        few = np.flatnonzero(self.keys["grade"] == POOLED)
        groups = [group for group in groups if group[0] != POOLED]
        groups += [(POOLED, np.nan, few)] if len(few) >= LEAST and groups else []
        rows = []
        for grade, months, own in [("all", np.nan, np.arange(len(amount))), *(groups if len(groups) > 1 else [])]:
            weight = amount[own] / amount[own].sum()
            mean = float(weight @ loss[own])
            along = (weight * slope[own]) @ jacobian[own]
            half = _Z * float(np.sqrt(max(along @ covariance @ along, 0.0)))
            part = loan.part(own)
            rows.append(
                {
                    "scenario": scenario.name,
                    "grade": grade,
                    "term": months,
                    "loans": len(own),
                    "amount": float(amount[own].sum()),
                    "pd": float(weight @ expit(odds[own])),
                    "expected_loss": mean,
                    "low": max(mean - half, 0.0),
                    "high": min(mean + half, 1.0),
                    "lenders_return": self._return(part, odds[own], weight) if self.priced else np.nan,
                    "break_even": self._break_even(part, odds[own], weight) if self.priced else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def _months(self, term):
        """Months in which a loan can fail by the event."""
        if self.event.kind == "final" or not self.event.horizon:
            return term
        return np.minimum(term, float(self.event.horizon))

    @staticmethod
    def _return(loan, odds, weight):
        def gap(rate):
            return float(weight @ loan.value(odds, rate))

        if gap(-0.95) < 0:
            return -1.0  # next to nothing comes back
        return float(brentq(gap, -0.95, 10.0, xtol=1e-10)) if gap(10.0) < 0 else np.nan

    def _break_even(self, loan, odds, weight):
        def gap(shift):
            return float(weight @ loan.value(odds + shift, self.floor))

        if gap(-_FURTHEST) < 0:
            return 0.0  # even safe loans do not pay that
        return float(np.exp(brentq(gap, -_FURTHEST, _FURTHEST, xtol=1e-10))) if gap(_FURTHEST) < 0 else np.inf


@dataclass(frozen=True)
class _Loans:
    """Cash flows of one unit lent to each loan."""

    term: np.ndarray
    rate: np.ndarray
    months: np.ndarray
    recovery: float
    costs: Costs

    def part(self, own):
        return _Loans(self.term[own], self.rate[own], self.months[own], self.recovery, self.costs)

    def _default(self, odds):
        """Chance of default in a month; 1 - (1 - pd)^(1/months) without loss of digits."""
        return -np.expm1(-np.logaddexp(0.0, odds) / self.months)

    def loss(self, odds):
        """Expected loss of a unit lent."""
        hazard = self._default(odds)
        owed = owed_sum(1 - hazard, self.rate / 12, instalment(self.rate, self.term), self.months)
        return (1 - self.recovery) * hazard * owed

    def value(self, odds, yearly):
        """Expected present value of a unit lent, less the unit, at a yearly rate; the loan can fail to its end."""
        discount = (1 + yearly) ** (-1 / 12)
        back = present_value(
            self.rate, self.term, self._default(odds), self.costs, recovery=self.recovery, discount=discount
        )
        return back - 1


def _assumptions(event, recovery, source, costs, priced, frame):
    rows = [
        ("event", event.name, "model"),
        ("recovery of what is owed at default", f"{recovery:.1%}", source),
        ("default", "the same chance every month up to the horizon of the event", "rule of this program"),
        ("repayment", "level instalments, none early", "rule of this program"),
        ("rate", "of each loan" if "rate" in frame else "not read: what is owed falls in equal parts", "tape"),
        ("a scenario", "strikes at issue and for the whole life", "rule of this program"),
    ]
    if priced:
        rows += [
            ("servicing, of every payment", f"{costs.servicing:.1%}", "scenario file, or 1 per cent"),
            ("recovery comes after", f"{costs.recovery_lag} months", "scenario file, or 12 months"),
        ]
    return pd.DataFrame(rows, columns=["assumption", "figure", "from"])


def _broken(table, limits):
    """Sentences on the limits that the whole book breaks."""
    told = []
    for row in table[table["grade"].eq("all") & table["term"].isna()].itertuples():
        if row.expected_loss > limits.get("expected_loss", np.inf):
            told.append(
                f"{row.scenario}: the expected loss is {row.expected_loss:.1%}, above {limits['expected_loss']:.1%}."
            )
        if row.lenders_return < limits.get("lenders_return", -np.inf):
            told.append(
                f"{row.scenario}: lenders earn {row.lenders_return:.1%} a year, below {limits['lenders_return']:.1%}."
            )
    return told
