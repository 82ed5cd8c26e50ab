"""Two stored models on the same loans: rank, level, swap set, segments; trees as the standing benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.monitor.watch import Limits, _later, observed
from p2prisk.tape.event import Event
from p2prisk.tape.privacy import pooled
from p2prisk.validation import (
    calibration_slope_intercept,
    cross_validate,
    delong,
    gradient_boosting,
    jeffreys_interval,
    stratified_folds,
)

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike
    from p2prisk.standard import StandardModel
    from p2prisk.tape.core import LoanTape

CHAMPION, CHALLENGER, TREES = "model", "against", "trees"


@dataclass(frozen=True)
class Terms:
    """On which terms two models meet.

    Attributes
    ----------
    as_of : date-like, optional
        Use only what was known on this day.
    trees_until : date-like, optional
        Train the trees on the loans issued up to this day and judge all on later ones. The trees know the outcomes that
        the tape knows, also those of after the day: hindsight in favour of the benchmark. By default each loan is
        scored by trees that were trained on the other four fifths of the same loans, which no stored model has.
    same_months : bool
        Judge also loans issued in the months of either model's own.
    accepted : float
        Share of the loans that either model would accept, for the swap set.
    by : tuple of str
        Columns whose levels are segments.
    seed : int
        Of the trees and their folds.
    """

    as_of: DateLike | None = None
    trees_until: DateLike | None = None
    same_months: bool = False
    accepted: float = 0.8
    by: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Challenge:
    """What :func:`challenge_model` found.

    Attributes
    ----------
    answer : str
        One sentence.
    areas : pandas.DataFrame
        As of :func:`p2prisk.validation.delong`, a row a score.
    differences : pandas.DataFrame
        Paired DeLong comparisons.
    calibration : pandas.DataFrame
        ``score, predicted, observed, in_the_large, low, high, slope, slope_low, slope_high, brier``.
    swap_set : pandas.DataFrame
        ``decision, loans, events, rate, low, high``: accepted by both, by one alone, by neither.
    segments : pandas.DataFrame
        ``column, level, loans, events, area_model, area_against, difference, low, high, rate, predicted_model,
        predicted_against``; a level with too few loans has no area.
    notes : list of str
    about : dict
    """

    answer: str
    areas: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    swap_set: pd.DataFrame
    segments: pd.DataFrame
    notes: list[str]
    about: dict[str, Any] = field(default_factory=dict)


def challenge_model(
    model: StandardModel, against: StandardModel, tape: LoanTape, terms: Terms | None = None
) -> Challenge:
    """Compare two stored models on loans that neither has seen.

    Parameters
    ----------
    model, against : StandardModel
        Of the same event.
    tape : LoanTape
        With outcomes.
    terms : Terms, optional

    Returns
    -------
    Challenge

    Raises
    ------
    DataError
        The models are of different events, the tape does not show the event, or it has too few loans for a comparison.
    """
    terms = terms or Terms()
    event = _one_event(model, against)
    notes: list[str] = []
    if terms.as_of is not None:
        tape = tape.as_of(terms.as_of)
    for each in (model, against):
        tape = _later(each, tape, terms.same_months, notes)
    whole = observed(tape, event, notes)
    notes = list(dict.fromkeys(notes))
    names = list(dict.fromkeys(name for each in (model, against) for name in each.inputs))
    absent = [name for name in names if name not in whole.frame]
    if absent:
        raise DataError(f"the models need {', '.join(absent)}, which the tape does not have; map these columns")
    judged, trees = _trees(whole.frame.reset_index(drop=True), names, terms, notes)
    bad = judged["bad"].to_numpy(bool)
    limits = Limits()
    if min(bad.sum(), (~bad).sum()) < limits.events or len(bad) < limits.loans:
        raise DataError(
            f"{count_of(len(bad), 'loan')} with an outcome, {bad.sum():,d} bad; a comparison needs {limits.loans} "
            f"loans and {limits.events} of each kind"
        )
    scores = {CHAMPION: model.score(judged)["pd"].to_numpy(), CHALLENGER: against.score(judged)["pd"].to_numpy()}
    scores[TREES] = trees
    found = delong(bad, scores)
    pair = found.comparisons.iloc[0]
    calibration = pd.DataFrame([_level(name, bad, score) for name, score in scores.items()])
    about = {"event": event.name, "loans": len(bad), "events": int(bad.sum()), "accepted": terms.accepted}
    return Challenge(
        _answer(pair),
        found.table.reset_index(),
        found.comparisons,
        calibration,
        _swap_set(bad, scores, terms.accepted),
        _segments(judged, bad, scores, terms.by, limits),
        notes,
        about,
    )


def _one_event(model, against):
    events = [each.event for each in (model, against)]
    if any(event is None for event in events):
        raise DataError("a model of the grade has no event; two models of how loans end can be compared")
    first, second = (Event(**event) for event in events)
    if (first.kind, first.horizon) != (second.kind, second.horizon):
        raise DataError(
            f"the models are of different events ({first.name}; {second.name}): no outcome can judge both. Fit them "
            "anew with the same --horizon"
        )
    if first.kind == "stage" and not first.one_age:
        raise DataError("the models are of loans seen at different ages; compare them once their ends are dated")
    return first


def _trees(frame, names, terms, notes):
    """The loans judged, and the trees' probability of each."""
    fit = gradient_boosting("event", names, seed=terms.seed)
    frame = frame.assign(event=frame["bad"].astype(int))
    for name in names:  # nullable types and dates are no numbers to the trees
        if str(frame[name].dtype) in ("boolean", "bool"):
            frame[name] = frame[name].astype("float")
    if terms.trees_until is not None:
        early = (frame["issue_date"] <= pd.Timestamp(terms.trees_until)).to_numpy()
        if early.all() or frame["event"][early].nunique() < 2:
            raise DataError(
                f"the trees need loans of both ends up to {terms.trees_until}, and loans after it to be judged"
            )
        notes.append(
            f"Trees: trained on the {int(early.sum()):,d} loans issued up to {terms.trees_until}, with outcomes that "
            "the tape knows now (hindsight, in their favour); all are judged on later loans."
        )
        later = frame[~early].reset_index(drop=True)
        return later, fit(frame[early], later)[1].to_numpy()
    notes.append(
        "Trees: each loan is scored by trees trained on the other four fifths of these very loans, an advantage that "
        "no stored model has."
    )
    folds = stratified_folds(frame["event"], 5, terms.seed)
    return frame, np.asarray(cross_validate(fit, frame, folds))[:, 1]


def _answer(pair):
    low, high = pair["ci_low"], pair["ci_high"]
    span = f"{pair['difference']:+.4f}, 95 per cent interval {low:+.4f} to {high:+.4f}"
    if low > 0:
        return f"The model ranks these loans better than its challenger (area {span})."
    if high < 0:
        return f"The challenger ranks these loans better than the model (area {span})."
    return f"These loans show no difference in rank between the two models (area {span})."


def _level(name, bad, score):
    fitted = calibration_slope_intercept(bad, np.clip(score, 1e-9, 1 - 1e-9))
    large, slope = fitted.loc["in the large"], fitted.loc["slope"]
    return {
        "score": name,
        "predicted": float(score.mean()),
        "observed": float(bad.mean()),
        "in_the_large": large["value"],
        "low": large["ci_low"],
        "high": large["ci_high"],
        "slope": slope["value"],
        "slope_low": slope["ci_low"],
        "slope_high": slope["ci_high"],
        "brier": float(np.mean((score - bad) ** 2)),
    }


def _swap_set(bad, scores, accepted):
    """Who is accepted by which model when both accept the same number of loans."""
    take = int(round(accepted * len(bad)))
    ins = {name: np.zeros(len(bad), bool) for name in (CHAMPION, CHALLENGER)}
    for name, mask in ins.items():
        mask[np.argsort(scores[name], kind="stable")[:take]] = True
    first, second = ins[CHAMPION], ins[CHALLENGER]
    groups = {
        "accepted by both": first & second,
        "accepted by the model alone": first & ~second,
        "accepted by its challenger alone": ~first & second,
        "accepted by neither": ~first & ~second,
    }
    rows = [_rate(name, bad[own]) for name, own in groups.items()]
    return pd.DataFrame(rows, columns=["decision", "loans", "events", "rate", "low", "high"])


def _rate(name, bad):
    loans, events = len(bad), int(bad.sum())
    if not loans:
        return name, 0, 0, np.nan, np.nan, np.nan
    low, high = (float(limit) for limit in jeffreys_interval(events, loans))
    return name, loans, events, events / loans, low, high


def _segments(frame, bad, scores, columns, limits):
    rows = []
    for column in columns:
        if column not in frame:
            raise DataError(f"the tape has no column {column} to make segments of")
        levels = pooled(frame[column].astype(object).where(frame[column].notna(), "missing").astype(str))
        if levels.nunique() > 25:
            raise DataError(f"{column} has {levels.nunique()} levels; a segment needs a column of few")
        for level in sorted(levels.unique()):
            own = (levels == level).to_numpy()
            events = int(bad[own].sum())
            row = {"column": column, "level": level, "loans": int(own.sum()), "events": events}
            row |= dict.fromkeys(("area_model", "area_against", "difference", "low", "high"), np.nan)
            if own.sum() >= limits.loans and min(events, own.sum() - events) >= limits.events:
                found = delong(bad[own], {name: scores[name][own] for name in (CHAMPION, CHALLENGER)})
                pair = found.comparisons.iloc[0]
                row |= {"area_model": found.table["auc"].iloc[0], "area_against": found.table["auc"].iloc[1]}
                row |= {"difference": pair["difference"], "low": pair["ci_low"], "high": pair["ci_high"]}
            row |= {"rate": events / own.sum(), "predicted_model": scores[CHAMPION][own].mean()}
            rows.append({**row, "predicted_against": scores[CHALLENGER][own].mean()})
    return pd.DataFrame(rows)
