"""What is written for each loan that a stored model scores: the card's words, and each row by itself.

Every sum is taken column by column in the order of the model, so that a loan has the same score, to the last digit,
alone, in company, and in pieces of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from p2prisk.errors import DataError
from p2prisk.ordered.covariance import root_of
from p2prisk.scorecard.card import Scorecard
from p2prisk.scorecard.master_scale import MasterScale
from p2prisk.tape.columns import COLUMNS, is_own
from p2prisk.validation.population import class_counts

if TYPE_CHECKING:
    from p2prisk.standard import StandardModel

#: chance that loans like those of the fit lie all at one end, from which on another unit is suspected
_CHANCE = 1e-6
_Z = 1.959963984540054
_ROWS = 8192


class LoanScorer:
    """Scores loans with a stored model.

    Parameters
    ----------
    model : StandardModel
        Of an outcome or of the grade; a model of the grade gives its class probabilities alone, and one with another
        link, or with stages, no points and no reasons: only the odds of a proportional-odds logit add up.
    reasons : int
        Reasons a loan.

    Attributes
    ----------
    card : Scorecard or None
        None where the model has no points.
    scale : MasterScale or None
        Of the grades.
    columns : list of str
        Of :meth:`score`.
    """

    def __init__(self, model: StandardModel, reasons: int = 4) -> None:
        self.model, self.reasons = model, reasons
        self.card: Scorecard | None = None
        self._counts: dict[str, Any] = {}
        self.flags = dict.fromkeys(("missing", "new_level", "out_of_range", "refer"), 0)
        self.loans = 0
        self.scale = None if model.scale is None else MasterScale.from_plain(model.scale)
        if model.in_points:
            card = Scorecard.from_result(model)
            self.card = card if self.scale is None else card.with_scale(self.scale)
            slopes, thresholds, covariance = model.at_horizon()
            cut, size = self.card.cut, len(slopes)
            # variance of the log-odds of the event: slopes, and minus the threshold at which the event begins
            kept = [*range(size), size + cut]
            turn = np.diag([1.0] * size + [-1.0])
            self._names, self._slopes, self._threshold = list(slopes.index), slopes, float(thresholds.iloc[cut])
            matrix = turn @ covariance[np.ix_(kept, kept)] @ turn
            self._root = root_of(matrix)

    def score(self, frame: pd.DataFrame, drift: str = "flag") -> pd.DataFrame:
        """Score loans and count them for :meth:`summary`.

        Parameters
        ----------
        frame : pandas.DataFrame
            Canonical columns.
        drift : {"flag", "refuse"}
            As of :meth:`p2prisk.standard.StandardModel.score`.

        Returns
        -------
        pandas.DataFrame
            ``points``, ``grade`` (where the model has a master scale), ``pd`` (chance of the model's event),
            ``pd_low``, ``pd_high`` (95 % interval, delta method on the logit scale, of the estimation alone),
            ``p_CLASS`` of each class of the outcome, ``log_odds`` (linear predictor), ``reason_1``, ``lost_1`` ... (the
            characteristics that cost most points against their best attribute), and the flags ``missing``,
            ``new_level``, ``out_of_range``, ``refer`` (some gap has no points: a person decides).
        """
        table = self.table(frame, drift)
        self.count(table)
        return table

    def table(self, frame: pd.DataFrame, drift: str = "flag") -> pd.DataFrame:
        """Score loans as :meth:`score` does, without counting them: what a worker elsewhere does.

        Parameters
        ----------
        frame, drift
            As of :meth:`score`.

        Returns
        -------
        pandas.DataFrame
            As of :meth:`score`.
        """
        frame = self.model.prepared(frame)
        design = self.model.design(frame)
        scored = self.model.score(frame, drift, design=design)  # type: ignore[arg-type]
        probabilities = {name: scored[name] for name in scored if name.startswith("p_")}
        flags = {name: scored[name] for name in ("missing", "new_level", "out_of_range")}
        out: dict[str, Any] = {}
        if not self.model.bad_from:
            out = {**probabilities, "log_odds": scored["score"], **flags}
        elif self.card is None:
            low, high = self._interval_at_odds(frame, design[0])
            if self.scale is not None:
                out["grade"] = pd.Series(self.scale.grade(scored["pd"]), frame.index)
            out |= {"pd": scored["pd"], "pd_low": low, "pd_high": high, **probabilities, "log_odds": scored["score"]}
            out |= flags
        else:
            points = self.card.points(frame)
            total = np.zeros(len(frame))
            for name in points:
                total += points[name].to_numpy()
            refer = np.isnan(total)
            out["points"] = total
            if self.card.scale is not None:
                grade = self.card.scale.grade(np.where(refer, np.nan, scored["pd"]))
                out["grade"] = pd.Series(grade, frame.index)
            low, high = self._interval(design[0], scored["pd"].to_numpy())
            out |= {"pd": scored["pd"], "pd_low": low, "pd_high": high, **probabilities, "log_odds": scored["score"]}
            out |= dict(self.card.reasons(frame, self.reasons, points=points).items())
            out |= {**flags, "refer": refer}
        return pd.DataFrame(out, index=frame.index)

    def unlike(self, frame: pd.DataFrame) -> list[str]:
        """Numbers of new loans that lie almost all at one end of those of the fit: the sign of another unit.

        Parameters
        ----------
        frame : pandas.DataFrame
            Canonical columns. Nothing is said where loans like those of the fit could lie so by chance: of a lone
            loan never.

        Returns
        -------
        list of str
            One sentence an attribute.
        """
        told = []
        for name, kept in (self.model.population.get("attributes") or {}).items():
            if "edges" not in kept or len(kept["edges"]) < 4 or name not in frame:
                continue
            counts = class_counts(frame[name], kept)[:-1]
            own = np.asarray(kept["counts"])[:-1]
            for place, end in ((0, "lowest"), (len(counts) - 1, "highest")):
                before = own[place] / own.sum()
                chance = max(before, 1e-3) ** counts[place] if counts.sum() else 1.0
                if chance < _CHANCE and counts[place] >= 0.9 * counts.sum() and before < 0.3:
                    told.append(
                        f"{name}: {counts[place] / counts.sum():.0%} of these loans lie where the {end} {before:.0%} "
                        "of the loans of the fit lay; is it in another unit? 'p2prisk monitor' compares all attributes"
                    )
        return told

    def _interval(self, design, probability):
        half = np.empty(len(design))
        columns = [design[name].to_numpy() for name in self._names]
        for start in range(0, len(design), _ROWS):
            part = slice(start, start + _ROWS)
            variance = np.zeros(len(half[part]))
            own, term = [values[part] for values in columns], np.empty(len(variance))
            for direction in self._root.T:
                along = np.full(len(variance), direction[-1])
                for values, weight in zip(own, direction[:-1], strict=True):
                    along += np.multiply(values, weight, out=term)
                variance += np.multiply(along, along, out=term)
            half[part] = _Z * np.sqrt(variance)
        centre = logit(probability)
        return expit(centre - half), expit(centre + half)

    def _interval_at_odds(self, frame, design):
        """The same interval of any link and family; each row's own sums, column by column."""
        root = root_of(self.model.results.cov_params().to_numpy())
        low, high = np.empty(len(frame)), np.empty(len(frame))
        for start in range(0, len(frame), _ROWS):
            part = slice(start, start + _ROWS)
            odds, jacobian = self.model.log_odds(frame.iloc[part], design=design.iloc[part])
            variance = np.zeros(len(odds))
            for direction in root.T:
                along = np.zeros(len(odds))
                for place, weight in enumerate(direction):
                    along += jacobian[:, place] * weight
                variance += along * along
            half = _Z * np.sqrt(variance)
            low[part], high[part] = expit(odds - half), expit(odds + half)
        return low, high

    def count(self, table: pd.DataFrame) -> None:
        """Count loans that :meth:`table` scored, for :meth:`summary`.

        Parameters
        ----------
        table : pandas.DataFrame
        """
        self.loans += len(table)
        for name in self.flags:
            if name in table:
                self.flags[name] += int(table[name].sum())
        if "pd" not in table:
            return
        grade = table["grade"].astype(object).where(table["grade"].notna(), "referred") if "grade" in table else "all"
        parts = table.groupby(grade if isinstance(grade, pd.Series) else np.full(len(table), "all"))
        for name, own in parts:
            loans, chance, points = self._counts.get(name, (0, 0.0, 0.0))
            total = own["points"].sum() if "points" in own else np.nan
            self._counts[name] = (loans + len(own), chance + own["pd"].sum(), points + total)

    def summary(self) -> pd.DataFrame:
        """Loans scored so far by grade.

        Returns
        -------
        pandas.DataFrame
            ``grade``, ``loans``, ``share``, ``mean_pd``, ``mean_points``; one row ``all`` without a master scale.

        Raises
        ------
        DataError
            The model is one of the grade, and has no chance of an event.
        """
        if not self.model.bad_from:
            raise DataError("a model of the grade has no chance of an event to be summed up by grade")
        order = [*(self.scale.labels if self.scale is not None else ()), "all", "referred"]
        rows = [
            (name, loans, loans / max(self.loans, 1), chance / loans, points / loans)
            for name in order
            if name in self._counts
            for loans, chance, points in [self._counts[name]]
        ]
        return pd.DataFrame(rows, columns=["grade", "loans", "share", "mean_pd", "mean_points"])


def reading_for(model: StandardModel, mapping: dict | None) -> tuple[dict | None, dict, list[str]]:
    """How a tape is read that a model is to score: as the model's own was.

    Parameters
    ----------
    model : StandardModel
    mapping : dict or None
        The mapping that the analyst names; None for the model's own.

    Returns
    -------
    mapping : dict or None
        To read with; None where neither is known and the header decides.
    decisions : dict
        What the data of the fit decided (units of ``detect``, decimal marks): it holds for single rows too.
    notes : list of str
        What the analyst should know.

    Raises
    ------
    DataError
        The mapping reads a column of the model from the same source in another way than the model's own did.
    """
    own = model.reading.get("mapping")
    decisions = dict(model.reading.get("decisions") or {})
    if mapping is None or not mapping.get("columns"):  # canonical columns need no rules
        return own, decisions, []
    notes = []
    lenders = {name: rule for name, rule in ((own or {}).get("columns") or {}).items() if is_own(name)}
    mapping = {**mapping, "columns": {**lenders, **(mapping.get("columns") or {})}}
    rules = mapping["columns"]
    needed = {*model.inputs, *(rule["column"] for rule in model.rules if rule["kind"] == "exposure")}
    # bands are made of these
    made_of = {"employment": "employment_years", "delinquency_recency": "months_since_delinquency"}
    needed |= {made_of[name] for name in needed if name in made_of} | (
        {"months_since_record"} if "record_recency" in needed else set()
    )
    for name in sorted(needed & set(rules)):
        rule = rules[name]
        theirs = ((own or {}).get("columns") or {}).get(name)
        same = theirs is not None and _sources(theirs) == _sources(rule)
        if theirs is not None and same:
            keys = [key for key in {*theirs, *rule} - {"from", "required"} if theirs.get(key) != rule.get(key)]
            if keys:
                raise DataError(
                    f"the mapping reads {name} in another way than the mapping of the model did "
                    f"({', '.join(sorted(keys))}): a score would mean something else. Leave the mapping out (the model "
                    "brings its own), or correct it"
                )
        if rule.get("unit") == "detect" and not (same and name in decisions):
            decisions[name] = False
            notes.append(
                f"{name}: unit: detect asks other rows, and a score depends on the applicant alone; read as per cent. "
                "Write unit: per cent or unit: fraction in the mapping"
            )
        elif not same:
            decisions.pop(name, None)
    currencies = [str((each or {}).get("currency") or "") for each in (own, mapping)]
    if all(currencies) and currencies[0] != currencies[1] and any(COLUMNS[name].unit == "currency" for name in needed):
        raise DataError(
            f"the amounts of this mapping are in {currencies[1]}, those of the model in {currencies[0]}: convert them "
            "in the export, or fit a model on loans of this currency (p2prisk fit)"
        )
    if own is not None and sorted(map(str, own.get("missing") or ())) != sorted(map(str, mapping.get("missing") or ())):
        raise DataError(
            "the mapping names other missing codes than the mapping of the model did: a score would mean something "
            "else. Leave the mapping out (the model brings its own), or correct it"
        )
    return mapping, decisions, notes


def _sources(rule):
    found = rule.get("from", rule.get("share_of"))
    return list(found) if isinstance(found, list) else [found]
