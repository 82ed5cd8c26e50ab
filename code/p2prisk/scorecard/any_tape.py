"""A card and a master scale for any tape, from its standard model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.scorecard.card import Scorecard, in_parts
from p2prisk.scorecard.master_scale import MasterScale, build_master_scale, grade_table
from p2prisk.tape.abreast import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from p2prisk.standard import StandardModel


@dataclass(frozen=True)
class TapeCard:
    """The card of a tape.

    Attributes
    ----------
    card : Scorecard
        With a master scale where the loans support one.
    scored : pandas.DataFrame
        Scores of the loans with a known outcome; drifted rows are flagged.
    grades : pandas.DataFrame or None
        As of :func:`p2prisk.scorecard.grade_table`, on the loans the scale was made on.
    why : str
        Why there is no master scale; empty where there is one.
    """

    card: Scorecard
    scored: pd.DataFrame
    grades: pd.DataFrame | None
    why: str

    def rounding(self, weights: ArrayLike | None = None) -> dict[str, float]:
        """What the rounding of points does to the loans that have any.

        Parameters
        ----------
        weights : array_like, optional
            Loans that a row stands for.

        Returns
        -------
        dict
            ``largest`` and ``mean``: points of a loan less those of its probability; ``other_grade``: share of the
            loans that their points would put into another grade than their probability, missing without a scale.
        """
        known = self.scored["score"].notna().to_numpy()
        weights = np.ones(len(known)) if weights is None else np.asarray(weights, dtype=float)
        points, chance = self.scored["score"].to_numpy()[known], self.scored["pd"].to_numpy()[known]
        off, share = points - self.card.score_at(chance), np.nan
        if self.card.scale is not None:
            begins = self.card.score_at(self.card.scale.bounds)  # from the best grade down
            by_points = len(begins) - np.searchsorted(begins[::-1], points, side="right")
            other = by_points != self.card.scale.grade(chance).codes
            share = float(np.average(other, weights=weights[known]))
        mean = float(np.average(off, weights=weights[known]))
        return {"largest": float(np.abs(off).max()), "mean": mean, "other_grade": share}

    def grades_in_per_cent(self):
        """The grades for print; no row where there is no scale.

        Returns
        -------
        pandas.DataFrame
            ``grade``, ``up_to`` (the highest probability of the grade, in per cent), ``points_from`` (that probability
            in points, so that a printed card gives a grade), ``loans``, ``assigned, observed, low, high`` in per cent.
        """
        names = {"up_to": "up_to", "pd": "assigned", "observed": "observed", "ci_low": "low", "ci_high": "high"}
        if self.grades is None:
            return pd.DataFrame(columns=["grade", "up_to", "points_from", "loans", *[*names.values()][1:]])
        table = self.grades.assign(up_to=[*self.card.scale.bounds, float("nan")])
        table["points_from"] = self.card.score_at(table["up_to"])
        table = table[["grade", "up_to", "points_from", "loans", *[*names][1:]]].rename(columns=names)
        return table.assign(**{name: 100 * table[name] for name in names.values()})


def card_of_tape(
    model: StandardModel, frame: pd.DataFrame, grades: int = 7, bounds: Sequence[float] | None = None
) -> TapeCard:
    """Make the card of a tape, and grades if its loans can tell any apart.

    Parameters
    ----------
    model : StandardModel
        Of ``severity`` or ``bad``, fitted on the tape.
    frame : pandas.DataFrame
        Its loans, with ``bad`` and the outcome.
    grades : int
        Grades to begin with.
    bounds : sequence of float, optional
        Highest probability of every grade but the last, where they are given and not found.

    Returns
    -------
    TapeCard
    """
    _refuse_other(model)
    frame = model.prepared(frame[frame["bad"].notna() & frame[model.outcome].notna()])
    card = Scorecard.from_result(model)
    scored = card.score(frame, drift="flag")
    if why := _unobserved(model):
        return TapeCard(card, scored, None, why)
    sample = _with_score(scored, frame)
    scale, why = _scale(sample, grades, bounds)
    if scale is None:
        return TapeCard(card, scored, None, why)
    card = card.with_scale(scale)
    scored.insert(2, "grade", scale.grade(scored["pd"]))
    return TapeCard(card, scored, grade_table(scale, *sample), "")


def scale_of_tape(model: StandardModel, frame: pd.DataFrame, grades: int = 7) -> tuple[MasterScale | None, str]:
    """Grades of the loans of a fit, of a model with points or without.

    Parameters
    ----------
    model, frame, grades
        As of :func:`card_of_tape`.

    Returns
    -------
    scale : MasterScale or None
    why : str
        Why there is none.
    """
    _refuse_other(model)
    if why := _unobserved(model):
        return None, why
    frame = frame[frame["bad"].notna() & frame[model.outcome].notna()]
    if model.in_points:
        frame, card = model.prepared(frame), Scorecard.from_result(model)
        # of a large tape no more than this is kept of a score
        needed = in_order(lambda part: card.score(part, drift="flag")[["pd", "refer"]], in_parts(frame))
        return _scale(_with_score(pd.concat(needed), frame), grades, None)
    weights = frame["n"].to_numpy(dtype=float) if "n" in frame else None
    sample = model.score(frame)["pd"].to_numpy(), frame["bad"].to_numpy(dtype=float), weights
    return _scale(sample, grades, None)


def _with_score(scored, frame):
    """Probability, event and weight of the loans that have a score."""
    known = ~scored["refer"].to_numpy()
    weights = frame["n"].to_numpy(dtype=float)[known] if "n" in frame else None
    return scored["pd"].to_numpy()[known], frame["bad"].to_numpy(dtype=float)[known], weights


def _refuse_other(model):
    if model.outcome not in ("severity", "bad"):
        raise DataError(f"a card needs a model of how loans end, not of {model.outcome}")


def _unobserved(model):
    """Why no grade can be checked against what was observed at the horizon; empty where it can."""
    for rule in model.rules:
        if rule["kind"] == "exposure":
            return (
                "the loans are seen at different ages, so that nobody has observed their share of bad loans "
                f"{rule['horizon']} months after issue"
            )
    return ""


def _scale(sample, grades, bounds):
    probability, event, weights = sample
    try:
        if bounds is not None:
            return MasterScale.of_bounds(bounds, probability, weights), ""
        return build_master_scale(probability, event, weights, grades=grades), ""
    except DataError as refusal:
        return None, str(refusal)
