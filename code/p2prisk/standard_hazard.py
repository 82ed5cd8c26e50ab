"""The standard hazard: when does a loan end, and how, for any tape that dates its ends.

Predictors are made by the rules of :mod:`p2prisk.standard`, from the loans of the tape alone: on a tape wound back to
a day, limits, fillings and levels are those that could be computed on that day. The contracted term is no predictor by
default but the horizon: a term that was introduced shortly before the day has no history from which its own effect
could be estimated (of the 60-month loans that Lending Club had issued by the end of 2010, five losses were known).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.hazard import HazardLogit, HazardResults, spells
from p2prisk.standard import CANDIDATES, design_of, drop_copies, make_rules
from p2prisk.tape import LoanTape, refuse_later
from p2prisk.tape.wind_back import charge_off_lag

#: last ages of the steps of the baseline, in months
STEPS = (6, 12, 18, 24)


@dataclass
class StandardHazard:
    """A fitted standard hazard.

    Attributes
    ----------
    results : HazardResults
    rules : list of dict
        How each predictor is made; see :class:`p2prisk.standard.StandardModel`.
    lag : int
        Months from the last payment to the charge-off, on which a default is dated.
    left_out : dict
        Candidate or column -> why it is not used.
    notes : list of str
    """

    results: HazardResults
    rules: list[dict]
    lag: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def score(
        self, frame: pd.DataFrame, horizon: int | str | None = None, given: Any = 0, interval: float | None = None
    ) -> pd.Series | pd.DataFrame:
        """Probability of default within a horizon, from the age up to which the loan is alive.

        Parameters
        ----------
        frame : pandas.DataFrame
            Canonical columns.
        horizon : int or str, optional
            Months, or the column that gives each loan its own. By default the contracted term and the lag after it: the
            final outcome, as whoever stops paying in the last month is charged off later.
        given : int, str or array_like
            Age at which the loan is alive.
        interval : float, optional
            Level of a delta-method interval; then a table with ``estimate``, ``se``, ``lower``, ``upper``.

        Returns
        -------
        pandas.Series or pandas.DataFrame
            Past the longest age seen, the hazard of the last age is held.
        """
        absent = [rule["column"] for rule in self.rules if rule["column"] not in frame]
        if absent:
            raise DataError(f"the model needs {', '.join(absent)}, which the tape does not have")
        design = design_of(frame, self.rules)[0][self.results.exog_names]
        if horizon is None or isinstance(horizon, str):
            name = "term" if horizon is None else horizon
            if name not in frame:
                raise DataError(f"the frame has no column {name!r} for the horizon")
            design = design.assign(__horizon=frame[name].to_numpy() + (self.lag if horizon is None else 0))
            horizon = "__horizon"
        given = frame[given].to_numpy() if isinstance(given, str) else given
        found = self.results.predict(design, horizon, cause="default", given=given, beyond="hold", interval=interval)
        return found.iloc[:, 0].rename("default") if interval is None else found.droplevel(0, axis=1)


def fit_standard_hazard(
    tape: LoanTape,
    predictors: Sequence[str] | None = None,
    baseline: str | Sequence[int] = STEPS,
    ends: Literal["default", "early"] | None = None,
    lag: int | dict | None = None,
    compiled: bool | None = None,
    **options: Any,
) -> StandardHazard:
    """Fit the standard hazard to a tape.

    Parameters
    ----------
    tape : LoanTape
        That dates its ends; as it is, or wound back to a day by ``as_of``.
    predictors : sequence of str, optional
        Canonical columns; by default those of :data:`p2prisk.standard.CANDIDATES` that the tape has, but the term.
    baseline, **options
        As of :class:`~p2prisk.hazard.HazardLogit`.
    ends, lag
        As of :func:`p2prisk.hazard.spells`.
    compiled
        As of :meth:`p2prisk.hazard.HazardLogit.fit`; worth it below its default size where many fits follow.

    Returns
    -------
    StandardHazard

    Raises
    ------
    DataError, ModelError
        The tape does not date its ends, no loan ended, or no predictor is left.
    """
    if predictors is None:
        predictors = [name for name in CANDIDATES if name != "term" and name in tape.frame]
        chosen = None
    else:
        refuse_later(predictors, "the ends")
        absent = [name for name in predictors if name not in tape.frame]
        if absent:
            raise DataError(f"the tape has no column {', '.join(absent)}")
        chosen = list(predictors)
    found = spells(tape, ends=ends, lag=lag)
    frame = tape.frame.loc[found.frame.index]
    rules, left_out = make_rules(frame, chosen)
    rules = [rule for rule in rules if rule["column"] in predictors]
    design, _ = design_of(frame, rules)
    keep = drop_copies(design, left_out)
    ending = found.frame["ending"]
    for cause in ending.cat.categories[1:]:
        ended = design[keep][(ending == cause).to_numpy()]
        # a level in which nobody ended so has no finite estimate: it joins the reference level, and is named
        for name in [name for name in keep if ended[name].nunique() < 2]:
            left_out[name] = f"no finite estimate: every loan that ends by {cause!r} has the same value"
            keep.remove(name)
        for rule in rules:
            own = [name for name in rule["columns"] if name in keep]
            if rule["kind"] == "category" and own and (ended[own].sum(axis=1) == 1).all():
                commonest = design[own].sum().idxmax()
                left_out[commonest] = f"joined with the reference level, in which no loan ends by {cause!r}"
                keep.remove(commonest)
    if not keep:
        raise ModelError("no predictor is left: " + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    rules = [{**rule, "columns": [name for name in rule["columns"] if name in keep]} for rule in rules]
    strata = options.pop("strata", None)
    strata = frame[strata].to_numpy() if isinstance(strata, str) else strata
    model = HazardLogit(
        ending,
        found.frame["exit"],
        design[keep],
        entry=found.frame["entry"],
        baseline=baseline,
        strata=strata,
        **options,
    )
    return StandardHazard(
        model.fit(compiled=compiled),
        [rule for rule in rules if rule["columns"]],
        int(charge_off_lag(tape, lag)),
        left_out,
        [*found.notes, *model.notes],
    )
