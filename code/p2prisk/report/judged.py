"""A model judged on loans that it was not built on: the same event on both sides, and what was known when."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, P2PRiskError, count_of
from p2prisk.report.words import remedies
from p2prisk.standard import fit_standard
from p2prisk.tape.event import loan_ages
from p2prisk.tape.rows import EARLIER_MONTHS

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

#: least number of loans and of bad loans on either side of a test
LEAST_LOANS, LEAST_BAD = 200, 30


class Judged:
    """A test on loans the model was not built on.

    Attributes
    ----------
    event : Event
        Predicted, and observed.
    model : StandardModel or StandardHazard
    remedies : str
        What was done to fit it, in words.
    name : str
        What kind of model, in print.
    tested : str
        Which loans were tested: "the loans of 2017".
    built : str
        On what the model was built, in words.
    later : bool
        Whether the loans tested were issued after those the model was built on.
    hindsight : str
        What the model was built on that nobody knew when the tested loans were issued; empty if nothing.
    frame : pandas.DataFrame
        The loans tested.
    pd, observed, weights : ndarray
        Predicted probability of the event, whether it happened, and loans a row stands for.
    rank : ndarray
        What ranks the loans: the probability, at one age where the loans are seen at different ages, so that age does
        not pass for discrimination.
    build : ndarray of bool
        Rows of the study's sample that the model was built on; of a hazard, those issued by its day.
    tested_rows : ndarray of bool
        Rows of the sample that were tested.
    score : callable
        From a frame to the probability of the event under the model.
    """

    def __init__(
        self,
        event,
        model,
        name,
        tested,
        built,
        later,
        hindsight,
        frame,
        pd_,
        observed,
        weights,
        build,
        score,
        flags=None,
        rank=None,
    ):
        self.event, self.model, self.name = event, model, name
        self.tested, self.built, self.later, self.hindsight = tested, built, later, hindsight
        self.frame, self.pd, self.observed, self.weights = frame.reset_index(drop=True), pd_, observed, weights
        self.build, self.tested_rows = build
        self.score = score
        self.flagged, self.rank = flags or {}, pd_ if rank is None else rank
        self.loans, self.bad = int(weights.sum()), int((observed * weights).sum())
        self.remedies: str = remedies(model)

    @cached_property
    def auc(self) -> Any:
        """Area under the curve of the model, and of the platform's grade where every loan has one."""
        from p2prisk.validation import delong

        scores = {self.name: self.rank}
        if self.graded:
            scores["platform grade"] = self.frame["grade"].cat.codes.to_numpy(dtype=float)
        return delong(self.observed > 0, scores, freq_weights=self.weights)

    @property
    def graded(self) -> bool:
        """Whether every loan tested has a grade, of which the best is known."""
        grade = self.frame.get("grade")
        return grade is not None and bool(grade.notna().all()) and grade.nunique() > 1

    @property
    def row(self) -> pd.Series:
        """The model's row of the areas."""
        return self.auc.table.loc[self.name]

    def table(self) -> pd.DataFrame:
        """Areas for print: ``score, auc, ci_low, ci_high``."""
        return self.auc.table[["auc", "ci_low", "ci_high"]].rename_axis("score").reset_index()

    def reliability(self) -> pd.DataFrame:
        """Predicted against observed share in ten classes (:func:`p2prisk.validation.reliability_table`)."""
        from p2prisk.validation import reliability_table

        return reliability_table(self.observed > 0, self.pd, freq_weights=self.weights)

    def frontier(self) -> pd.DataFrame:
        """Share of bad loans among the accepted (:func:`p2prisk.policy.acceptance_frontier`)."""
        return self._frontier

    @cached_property
    def _frontier(self):
        from p2prisk.policy import acceptance_frontier

        return acceptance_frontier(self.rank, self.observed, self.weights)

    def frontier_sentence(self) -> str:
        """What accepting the safest four fifths would have done, in words."""
        table = self.frontier()
        most = table.iloc[(table["accepted"] - 0.8).abs().argmin()]
        return (
            f"Of {self.tested}, the safest {100 * most['accepted']:.0f} per cent by the model would have had "
            f"{100 * most['rate']:.1f} per cent {self.event.seen} ({100 * most['ci_low']:.1f} to "
            f"{100 * most['ci_high']:.1f}), against {100 * table['rate'].iloc[-1]:.1f} for all."
        )

    def sentence(self) -> str:
        """What the test says, in words that follow the numbers."""
        row = self.row
        chance = (
            " That is not better than chance."
            if row["ci_low"] <= 0.5 <= row["ci_high"]
            else " That is worse than chance: it ranks these loans upside down."
            if row["ci_high"] < 0.5
            else ""
        )
        return (
            f"{self.built}, and tested on {self.loans:,d}: {self.tested}, of which {self.bad:,d} were "
            f"{self.event.seen}, the {self.name} ranks with an area under the curve of {row['auc']:.3f} "
            f"({row['ci_low']:.3f} to {row['ci_high']:.3f}).{chance}{self._against_grade()} "
            + self.calibration_sentence()
            + (f" {self.hindsight}" if self.hindsight else "")
        )

    def calibration_sentence(self) -> str:
        """Predicted against observed share of the one event."""
        from p2prisk.validation import jeffreys_interval

        predicted, observed = float(np.average(self.pd, weights=self.weights)), self.bad / self.loans
        low, high = (float(bound) for bound in jeffreys_interval(self.bad, self.loans))
        verdict = "inside" if low <= predicted <= high else "outside"
        return (
            f"It predicted that {100 * predicted:.1f} per cent would be {self.event.seen}; {100 * observed:.1f} per "
            f"cent were, and the prediction lies {verdict} the interval of that share ({100 * low:.1f} to "
            f"{100 * high:.1f})."
        )

    def _against_grade(self):
        table = self.auc.table
        if "platform grade" not in table.index:
            return ""
        grade = table.loc["platform grade"]
        if grade["ci_high"] < 0.5:
            return (
                f" The platform's grade ranks these loans upside down (area {grade['auc']:.3f}): look at its order "
                "before anything is compared with it."
            )
        if grade["ci_low"] <= 0.5:
            return f" The platform's grade does not rank these loans better than chance (area {grade['auc']:.3f})."
        pair = self.auc.comparisons.iloc[0]
        sign = 1 if pair["first"] == self.name else -1
        low, high = sorted(sign * pair[["ci_low", "ci_high"]].to_numpy())
        verdict = "better than" if low > 0 else "worse than" if high < 0 else "not clearly different from"
        apart = f"difference {signed(sign * pair['difference'])}, interval {signed(low)} to {signed(high)}"
        return f" That is {verdict} the platform's own grade, at {grade['auc']:.3f} ({apart})."


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; what rounds to nothing has none.

    Examples
    --------
    >>> signed(0.0131), signed(-0.0004), signed(-0.016) == "\u22120.016", signed(0.04, 1)
    ('+0.013', '0.000', True, '0.0')
    """
    shown = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if not float(shown) else shown.replace("-", "\u2212")


def judge(study: TapeStudy) -> Judged:
    """Judge the model of a study on loans it was not built on.

    Where the tape dates the ends of its loans, on what was known: the standard hazard on the tape as of the day before
    the first loan tested, its chance of the event against what became of the later loans. Otherwise the ordered logit
    on earlier loans with their final outcomes (called hindsight), and where loans cannot be parted by time, or were
    each seen once at their own age, on a third of the loans drawn at random.

    Raises
    ------
    DataError
        Too few loans or bad loans on either side.
    """
    if study.event is None:
        raise DataError("the tape has no outcome")
    if study.event.kind == "stage":
        return _on_a_third(study)
    years = study.years()[::-1]
    if len(years) < 2:
        return _on_a_third(study)
    why = []
    if study.event.kind in ("final", "within") and not study.undated:
        for year in years:
            if not _enough(study, (study.sample.frame["issue_date"].dt.year == year).to_numpy()):
                continue
            try:
                return _known_then(study, year)
            except (P2PRiskError, np.linalg.LinAlgError) as error:
                why.append(str(error))
    for year in years:
        found = _hindsight(study, year, why)
        if found is not None:
            return found
    return _on_a_third(study)


def _enough(study, *parts):
    """Loans and bad loans of every part are enough."""
    bad, weights = study.bad.fillna(0).to_numpy(dtype=float), study.weights
    return all(weights[part].sum() >= LEAST_LOANS and (bad * weights)[part].sum() >= LEAST_BAD for part in parts)


def _of_year(study, year):
    """The loans tested, in words; where only shorter terms had ended, which."""
    tested = study.terms(year)
    if study.event.kind != "final" or not study.terms(year, ended=False) - tested:
        return f"the loans of {year}"
    months = " or ".join(f"{term:g}" for term in sorted(tested))
    return f"the loans of {year}, of which only those of {months} months had ended"


def _known_then(study, year):
    from p2prisk.hazard import spells
    from p2prisk.standard_hazard import fit_standard_hazard

    event, frame = study.event, study.sample.frame
    day = pd.Timestamp(f"{year - 1}-12-31")
    test = ((frame["issue_date"].dt.year == year) & study.bad.notna()).to_numpy()
    bad = study.bad[test].to_numpy(dtype=float)
    then = study.known.as_of(day)
    known = int((spells(then).frame["ending"] == "default").sum())
    if len(then) < LEAST_LOANS or known < LEAST_BAD:
        raise DataError(f"on {day:%Y-%m-%d} fewer than {LEAST_LOANS} loans or {LEAST_BAD} bad ones were known")
    lost = int(then.frame["status"].isin(["default", "charged off"]).sum())
    model = fit_standard_hazard(then)
    seen = model.results.nobs
    after = frame[test].reset_index(drop=True)

    def score(loans):
        return model.score(loans, horizon=event.horizon if event.kind == "within" else None).to_numpy()

    built = (
        f"Built on what was known on {day:%Y-%m-%d} ({len(then):,d} loans issued by then"
        + (f", {int(seen):,d} of them seen for a whole month" if seen < len(then) else "")
        + f", {lost:,d} {event.what} by then"
        + (f", {known:,d} of these in a month that was seen whole)" if known < lost else ")")
    )
    build = ((frame["issue_date"].dt.year < year) & study.bad.notna()).to_numpy()
    tested, weights = _of_year(study, year), study.weights[test]
    return Judged(
        event, model, "hazard", tested, built, True, "", after, score(after), bad, weights, (build, test), score
    )


def _hindsight(study, year, why):
    frame, event = study.sample.frame, study.event
    years = frame["issue_date"].dt.year if "issue_date" in frame else frame["issue_year"]
    known = study.bad.notna().to_numpy()
    test, build = (years == year).to_numpy() & known, (years < year).to_numpy() & known
    hindsight = (
        "The outcomes of the earlier loans are final ones, not all of which were known when the later loans were "
        "issued: hindsight."
    )
    if event.kind == "within":  # a loan whose horizon had passed on the day was judged by then
        last = frame["issue_date"] + pd.DateOffset(months=event.horizon)
        build &= (last < pd.Timestamp(f"{year}-01-01")).to_numpy()
        hindsight = ""
    younger = (years > year).to_numpy() & known
    if younger.any():
        later = int(study.weights[younger].sum())
        lost = int(study.weights[younger & study.bad.fillna(False).to_numpy(dtype=bool)].sum())
        were, are = ("was" if lost == 1 else "were"), ("is" if later == 1 else "are")
        hindsight += (
            f" {count_of(later, 'loan')} of later years, of which {lost or 'none'} {were} {event.seen}, {are} too few "
            "for a test."
        )
    if why:
        hindsight += f" The hazard on what was known then cannot be fitted: {why[0].rstrip('.')}."
    if not _enough(study, test, build):
        return None
    before = study.sample.keep(build, "kept for the test out of time")
    model = fit_standard(before, study.outcome)
    built = f"Built on {int(study.weights[build].sum()):,d} loans of earlier years"
    return _of_standard(study, model, test, _of_year(study, year), built, True, hindsight.strip(), build)


def _of_standard(study, model, test, tested, built, later, hindsight, build):
    after = study.sample.frame[test].reset_index(drop=True)
    scored = model.score(after, own_age=True)
    weights = study.weights[test]
    flags = {name: int((scored[name].to_numpy() * weights).sum()) for name in ("missing", "new_level", "out_of_range")}
    bad = study.bad[test].to_numpy(dtype=float)
    pd_ = scored["pd"].to_numpy()
    rank = model.score(after)["pd"].to_numpy() if study.event.kind == "stage" else None
    return Judged(
        study.event,
        model,
        "ordered logit",
        tested,
        built,
        later,
        hindsight,
        after,
        pd_,
        bad,
        weights,
        (build, test),
        lambda loans: model.score(loans, own_age=True)["pd"].to_numpy(),
        flags,
        rank,
    )


def _on_a_third(study):
    """Fit on two thirds of the loans, drawn at random, and test on the rest."""
    known = study.bad.notna().to_numpy()
    if "n" in study.sample.frame:
        raise DataError("a table of counts without years cannot be parted into loans to build and to test on")
    draw = np.random.default_rng(20_100).random(len(known)) < 1 / 3
    test, build = draw & known, ~draw & known
    if not _enough(study, test, build):
        raise DataError(
            f"too few loans: a test needs {LEAST_LOANS} loans with {LEAST_BAD} bad ones, and as many to build on"
        )
    before = study.sample.keep(build, "kept for the test")
    model = fit_standard(before, study.outcome)
    built = f"Built on about two thirds of the loans ({int(build.sum()):,d})"
    if study.event.kind == "stage":
        ages = loan_ages(study.sample.frame[test], study.event.record_date) if study.event.horizon else None
        one = ages is None or study.event.one_age
        at = "" if one else f", each at its own age ({ages.min():.0f} to {ages.max():.0f} months)"
        panel = any(entry["reason"].startswith(EARLIER_MONTHS) for entry in study.tape.set_aside)
        earlier = (
            "of the earlier month ends on the tape this study reads the latest alone"
            if panel
            else "the tape does not say how its loans stood earlier"
        )
        day = study.event.record_date
        why = f"Both sides are of {day}{at}: {earlier}, so that a test on later loans is not possible."
    else:
        apart = "The loans cannot be parted by time"
        if len(study.years()) > 1:
            apart = (
                f"No year of issue has {LEAST_LOANS} loans with {LEAST_BAD} bad ones, and as many to build on before it"
            )
        why = f"{apart}: the test says nothing of a change of times."
    return _of_standard(study, model, test, "the third drawn at random", built, False, why, build)
