"""A stored model against new loans: does it still hold, and what is to be done? One verdict by a written rule.

Every measure comes with its number of loans and with what it would be if nothing had changed. For the indices of
stability that is their sampling distribution (Yurdakul and Naranjo 2020). For level, slope, grades and area it is
simulated: coefficients are drawn from what the truth may be after the fit, outcomes of the very loans at hand from
those, and the measures of the model as it stands are taken of them. So the limits allow for the number of loans, for
their mix (a narrow book has a small area under the best of models; van Klaveren et al. 2019, Statistics in Medicine 38)
and for the error of the estimation. From the same draws comes the chance that the verdict is anything but *keep*
although nothing has changed.

Estimates are farther apart than the truth by their own noise: a model of many coefficients on few loans ranks new loans
worse than its fit says, and its slope on them is below one, although nothing has changed (van Houwelingen and le Cessie
1990, Statistics in Medicine 9). So the coefficients are not drawn around the estimates b of p slopes but around s b,
with s V for their covariance V: what a normal prior of the shape of V leaves. Its spread is estimated as well: with X
for the likelihood ratio of the fit, X (1 - s) is a chi-square of p degrees, drawn with the rest (s = 1 - p / X on
average; Efron and Morris 1973, JASA 68). Each draw keeps the level that the fit met.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit, logit

from p2prisk.errors import DataError, count_of
from p2prisk.monitor.panel import month_index
from p2prisk.ordered.covariance import root_of
from p2prisk.scorecard.master_scale import MasterScale
from p2prisk.tape.event import Event
from p2prisk.tape.observed import observe
from p2prisk.terms import classes_of
from p2prisk.validation import jeffreys_interval, stability_against

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike
    from p2prisk.standard import StandardModel
    from p2prisk.tape.core import LoanTape

VERDICTS = ("keep", "recalibrate", "redevelop", "no verdict")


@dataclass(frozen=True)
class Limits:
    """What is judged, from when on, and what matters.

    Attributes
    ----------
    loans, events : int
        Fewest loans for any verdict, and fewest bad and fewest good ones among those with an outcome.
    false_alarm : float
        Of each measure, when nothing has changed; of the attributes together.
    shifted : float
        Index of stability from which on a shift matters.
    odds : float
        Factor on the odds of the event from which on a wrong level matters.
    slope : float
        Distance of the calibration slope from 1 that matters.
    area : float
        Loss of area under the curve that matters.
    """

    loans: int = 200
    events: int = 20
    false_alarm: float = 0.01
    shifted: float = 0.25
    odds: float = 1.25
    slope: float = 0.2
    area: float = 0.03

    def rule(self) -> list[str]:
        """The rule of the verdict, in sentences."""
        alpha = f"{self.false_alarm:.0%}"
        return [
            f"No verdict: fewer than {self.loans} new loans with an outcome, or fewer than {self.events} bad or "
            f"{self.events} good ones among them, unless the score has shifted.",
            f"Redevelop: the area under the curve is below its limit and {self.area:g} or more below what the model "
            f"leads to expect; or no outcome can be judged and the score has shifted: an index of {self.shifted:g} or "
            f"more, beyond chance, on {self.loans} loans or more.",
            f"Recalibrate: otherwise, if the level is outside its limits and the odds are off by a factor of "
            f"{self.odds:g} or more; or the slope is outside its limits and {self.slope:g} or more from 1; or a grade "
            f"is outside its limits and its odds are off by that factor.",
            "Near: a miss that matters and that chance would bring in less than three times as many cases as the limit "
            "allows changes no verdict; it is named, as the next month may bring the other one.",
            "Keep: otherwise. A shift of the loans alone changes no verdict that rests on outcomes; it is named.",
            f"A measure is outside its limits where chance alone would take it in {alpha} of the cases.",
        ]


@dataclass(frozen=True)
class ModelWatch:
    """What :func:`watch_model` found.

    Attributes
    ----------
    verdict : str
        One of :data:`VERDICTS`.
    reasons : list of str
        Why.
    rule : list of str
        The rule of the verdict.
    stability : pandas.DataFrame
        ``variable, loans, psi, limit, pvalue, false_alarm, largest_class, shifted``; the score comes first.
    measures : pandas.DataFrame
        ``measure, value, expected, low, high, pvalue, false_alarm, loans, events, detectable, alarm, near``: level
        (rate of the event), slope, area, grades (largest standardised miss). ``detectable`` is the change that would
        be found four times in five (a factor on the odds for the level); ``near`` marks a miss that matters and falls
        just short of an alarm, so that another month may bring the other verdict.
    grades : pandas.DataFrame
        ``grade, loans, events, predicted, observed, low, high`` (Jeffreys, 95 per cent).
    false_alarm : float
        Chance of a verdict other than keep when nothing has changed; missing without outcomes.
    notes : list of str
        What could not be judged and why, what was set aside, what was assumed.
    about : dict
        ``as_of, loans, judged, event, simulations, common_shock``.
    """

    verdict: str
    reasons: list[str]
    rule: list[str]
    stability: pd.DataFrame
    measures: pd.DataFrame
    grades: pd.DataFrame
    false_alarm: float
    notes: list[str]
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Simulation:
    """How the limits are simulated.

    Attributes
    ----------
    draws : int
        Most draws; fewer for a large book, but 200 at least.
    common_shock : float
        Standard deviation of a shift of the log-odds common to all loans issued in a month. With 0 loans fail
        independently, which those of a real book do not; the limits of the level are then too narrow.
    seed : int
    """

    draws: int = 1000
    common_shock: float = 0.0
    seed: int = 0


def watch_model(
    model: StandardModel,
    tape: LoanTape,
    *,
    as_of: DateLike | None = None,
    recent: int | None = None,
    same_months: bool = False,
    limits: Limits | None = None,
    simulation: Simulation | None = None,
) -> ModelWatch:
    """Compare new loans with what a stored model says of them.

    Parameters
    ----------
    model : StandardModel
        Of ``p2prisk fit``.
    tape : LoanTape
        New loans, with outcomes as far as there are any.
    as_of : date-like, optional
        Use only what was known on this day (:func:`p2prisk.tape.as_of`); by default what the tape knows.
    recent : int, optional
        Stability is judged on the loans issued in the last so many months; by default on all.
    same_months : bool
        Judge also loans issued in the months of the model's own loans.
    limits : Limits, optional
    simulation : Simulation, optional

    Returns
    -------
    ModelWatch

    Raises
    ------
    DataError
        The model holds no counts of its loans, a column of the model is absent, or no new loan is left.
    """
    limits, simulation = limits or Limits(), simulation or Simulation()
    if not model.population:
        raise DataError("the model holds no counts of the loans it was fitted on; fit it again with p2prisk fit")
    notes: list[str] = []
    if as_of is not None:
        tape = tape.as_of(as_of)
    tape = _later(model, tape, same_months, notes)
    tape = replace(tape, frame=model.prepared(tape.frame))
    frame = _recent(tape, recent)
    notes += _never_seen(model, frame)
    stability = _stability(model, frame, limits)
    notes += [f"{row.variable}: {row.why}" for row in stability.itertuples() if row.why]
    measures, grades, false_alarm, judged, unjudged = _outcomes(model, tape, limits, simulation, notes)
    verdict, reasons = _verdict(stability, measures, limits, len(frame), unjudged)
    about = {
        "as_of": str(as_of or tape.provenance.get("record_date") or ""),
        "loans": len(frame),
        "judged": judged,
        "event": "" if model.event is None else Event(**model.event).name,
        "simulations": simulation.draws,
        "common_shock": simulation.common_shock,
    }
    stability = stability.drop(columns="why")
    return ModelWatch(verdict, reasons, limits.rule(), stability, measures, grades, false_alarm, notes, about)


def _later(model, tape, same_months, notes):
    """The loans that the model has not seen."""
    own = model.population.get("issued")
    if same_months or own is None or "issue_date" not in tape.frame:
        if own is not None and not same_months:
            notes.append("The tape has no issue date: whether the model has seen its loans is not known.")
        return tape
    month = month_index(tape.frame["issue_date"].fillna(pd.Timestamp(own[0])))
    inside = (month >= month_index(own[0])) & (month <= month_index(own[1]))
    if inside.all():
        raise DataError(
            f"every loan was issued in the months of the model's own loans ({own[0]} to {own[1]}): a model is not "
            "judged by the loans it was fitted on. Give later ones, or say --same-months where these are others"
        )
    if inside.any():
        notes.append(f"Set aside: {count_of(inside.sum(), 'loan')} of the model's own months ({own[0]} to {own[1]}).")
        tape = tape.keep(~inside, "issued in the months of the model's own loans")
    return tape


def _recent(tape, recent):
    if recent is None or "issue_date" not in tape.frame:
        return tape.frame
    month = month_index(tape.frame["issue_date"].fillna(tape.frame["issue_date"].min()))
    day = tape.provenance.get("record_date")
    return tape.frame[month > (month.max() if day is None else month_index(day)) - recent]


def _never_seen(model, frame):
    """What new loans have in traits in which the loans of the fit did not differ: the model cannot read it."""
    told = []
    for name, value in (model.population.get("alike") or {}).items():
        if name in frame and len(frame):
            texts = classes_of(frame[name])
            share = float((texts.notna() & (texts != value)).mean())
            if share >= 0.01:
                told.append(
                    f"{name}: every loan of the fit had {value}; {share:.0%} of these loans have another value, of "
                    "which the model knows nothing."
                )
    return told


def _stability(model, frame, limits):
    """The score and each attribute against the loans of the fit."""
    kept = dict(model.population["attributes"])
    level = 1 - limits.false_alarm
    columns = {
        name: (frame[name], classes, limits.false_alarm / len(kept)) for name, classes in kept.items() if name in frame
    }
    score = model.score(frame)["score"] if len(frame) else pd.Series(dtype=float)
    columns = {"score": (score, model.population["score"], 1 - level)} | columns
    rows = []
    for name, (values, classes, alpha) in columns.items():
        row = {"variable": name, "loans": len(values), "false_alarm": alpha, "psi": np.nan, "limit": np.nan}
        row |= {"pvalue": np.nan, "largest_class": "", "shifted": False, "why": ""}
        if len(values) < limits.loans:
            row["why"] = f"{count_of(len(values), 'loan')}, fewer than {limits.loans}: its stability is not judged"
        else:
            try:
                found = stability_against(values, classes, confidence=1 - alpha)
                shifted = bool(found.psi > found.threshold and found.psi >= limits.shifted)
                largest = str(found.table["contribution"].idxmax())
                row |= {"psi": found.psi, "limit": found.threshold, "pvalue": found.pvalue}
                row |= {"largest_class": largest, "shifted": shifted}
            except DataError as refusal:
                row["why"] = str(refusal)
        rows.append(row)
    order = ["variable", "loans", "psi", "limit", "pvalue", "false_alarm", "largest_class", "shifted", "why"]
    table = pd.DataFrame(rows)[order]
    rest = table.iloc[1:].sort_values("psi", ascending=False, kind="stable", na_position="last")
    return pd.concat([table.iloc[:1], rest], ignore_index=True)


_MEASURES = [
    "measure",
    "value",
    "expected",
    "low",
    "high",
    "pvalue",
    "false_alarm",
    "loans",
    "events",
    "detectable",
    "alarm",
    "near",
]
#: a miss that matters and that chance would bring less often than this many times the false alarm is called near
_NEAR = 3.0
_GRADES = ["grade", "loans", "events", "predicted", "observed", "low", "high"]


def observed(tape: LoanTape, event: Event, notes: list[str]) -> LoanTape:
    """The loans that show the event (:func:`p2prisk.tape.observed.observe`); how many do not is noted."""
    seen = observe(tape, event)
    if len(tape) > len(seen):
        notes.append(
            f"{count_of(len(tape) - len(seen), 'loan')} without an outcome yet: {seen.set_aside[-1]['reason']}."
        )
    return seen


def _outcomes(model, tape, limits, simulation, notes):
    """Measures with limits, the grades, the false alarms of the verdict, the loans judged, and why none is."""
    nothing = pd.DataFrame(columns=_MEASURES), pd.DataFrame(columns=_GRADES), np.nan
    if model.event is None or not model.bad_from:
        return *nothing, 0, "The model is one of the grade: there is no event to be judged"
    event = Event(**model.event)
    try:
        seen = observed(tape, event, notes)
    except DataError as refusal:
        return *nothing, 0, f"No outcome is judged: {str(refusal).removesuffix('.')}"
    loans, events = len(seen), int(seen.frame["bad"].sum())
    if loans < limits.loans or min(events, loans - events) < limits.events:
        why = f"{count_of(loans, 'loan')} with one, {events:,d} bad; a verdict needs {limits.loans} loans"
        return *nothing, loans, f"No outcome is judged: {why} and {limits.events} of each kind"
    day = seen.provenance.get("record_date")
    rules = [{**rule, "day": day or rule["day"]} if rule["kind"] == "exposure" else rule for rule in model.rules]
    case = _Case.of(replace(model, rules=rules), seen.frame, event.kind == "stage")
    if simulation.common_shock == 0:
        notes.append("Loans are taken to fail independently (--common-shock 0): a common bad month widens no limit.")
    measures, grades, false_alarm = case.measured(limits, simulation)
    notes += _overfitted(measures, limits)
    return measures, grades, false_alarm, loans, ""


@dataclass(frozen=True)
class _Case:
    """Loans with outcomes and what the model says of them."""

    bad: np.ndarray
    #: log-odds of the event, and its derivative by the drawn coefficients
    odds: np.ndarray
    design: np.ndarray
    #: what the coefficients may be in truth
    truth: _Truth
    grade: np.ndarray
    labels: list
    month: np.ndarray

    @classmethod
    def of(cls, model, frame, own_age):
        odds, jacobian = model.log_odds(frame, own_age)
        results, kept = model.results, np.flatnonzero((jacobian != 0).any(axis=0))  # others do not move the event
        ages = [name for rule in model.rules if rule["kind"] == "exposure" for name in rule["columns"]]
        truth = _Truth.of(results, kept, ages)
        probability = model.score(frame, own_age=own_age)["pd"].to_numpy(float)
        if model.scale is not None:
            found = pd.Categorical(MasterScale.from_plain(model.scale).grade(probability))
            grade, labels = found.codes.astype(int), [str(label) for label in found.categories]
        else:
            edges = np.unique(np.quantile(probability, np.arange(1, 5) / 5))
            grade = np.searchsorted(edges, probability, side="left")
            labels = [f"fifth {place + 1} by risk" for place in range(len(edges) + 1)]
        month = pd.factorize(month_index(frame["issue_date"]) if "issue_date" in frame else np.zeros(len(frame)))[0]
        return cls(frame["bad"].to_numpy(bool), odds, jacobian[:, kept], truth, grade, labels, month)

    def measured(self, limits, simulation):
        """Measures, grades and the false alarms of the verdict."""
        probability = expit(self.odds)
        weight = probability * (1 - probability)
        loans, events = len(self.bad), int(self.bad.sum())
        drawn = self._drawn(probability, weight, simulation)
        real = self._statistics(self.bad[:, None].astype(float), probability, weight)
        alpha = limits.false_alarm
        found, alarms = [], np.zeros(len(drawn["level"]), dtype=bool)
        for name, sides in (("level", 2), ("slope", 2), ("area", -1), ("grades", 1)):
            value, draws = float(real[name][0]), drawn[name]
            middle, spread = float(np.mean(draws)), float(np.std(draws))
            share = {2: [alpha / 2, 1 - alpha / 2], -1: [alpha, 1.0], 1: [0.0, 1 - alpha]}[sides]
            low, high = np.quantile(draws, share)
            low, high = (np.nan if sides == 1 else low), (np.nan if sides == -1 else high)
            far = np.abs(draws - middle) >= abs(value - middle) if sides == 2 else (draws - value) * sides >= 0
            outside = lambda x, low=low, high=high: (x < low) | (x > high)  # noqa: E731
            matters = _matters(name, limits, middle)
            alarms |= outside(draws) & matters(draws, drawn["factor"])
            reach = (scipy.stats.norm.ppf(1 - alpha / (2 if sides == 2 else 1)) + scipy.stats.norm.ppf(0.8)) * spread
            if name == "level":
                reach = float(np.exp(reach * loans / weight.sum()))
            found.append(
                {
                    "measure": name,
                    "value": value,
                    "expected": middle,
                    "low": float(low),
                    "high": float(high),
                    "pvalue": float((1 + far.sum()) / (1 + len(draws))),
                    "false_alarm": alpha,
                    "loans": loans,
                    "events": events,
                    "detectable": np.nan if name == "grades" else reach,
                    "alarm": bool(outside(value) and matters(np.array([value]), real["factor"])[0]),
                }
            )
            far_enough = bool(matters(np.array([value]), real["factor"])[0])
            found[-1]["near"] = far_enough and not found[-1]["alarm"] and found[-1]["pvalue"] < _NEAR * alpha
        return pd.DataFrame(found)[_MEASURES], self._by_grade(probability), float(alarms.mean())

    def _drawn(self, probability, weight, simulation):
        """Statistics of outcomes drawn from what the truth may be."""
        rng = np.random.default_rng(simulation.seed)
        loans, total = len(self.bad), int(np.clip(2e8 // max(len(self.bad), 1), 200, simulation.draws))
        parts, step = [], max(1, int(4e6 // loans))
        for start in range(0, total, step):
            size = min(step, total - start)
            moved = self.design @ self.truth.drawn(rng, size)
            odds = _at_level(self.odds[:, None] + moved, probability.sum() + weight @ moved)
            if simulation.common_shock:
                odds += simulation.common_shock * rng.standard_normal((self.month.max() + 1, size))[self.month]
            parts.append(self._statistics((rng.random(odds.shape) < expit(odds)).astype(float), probability, weight))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _statistics(self, bad, probability, weight):
        """Rate, slope (one step from 1), area, and the worst grade with its factor on the odds; a column a draw."""
        loans, events = len(bad), bad.sum(axis=0)
        ranks = scipy.stats.rankdata(self.odds)
        with np.errstate(divide="ignore", invalid="ignore"):
            area = (ranks @ bad - events * (events + 1) / 2) / (events * (loans - events))
        # the residual is taken along the log-odds, the level held free
        along = self.odds - np.average(self.odds, weights=weight)
        information = float(weight @ along**2)
        slope = 1 + (along @ bad - along @ probability) / information if information > 0 else np.ones(len(events))
        member = np.zeros((len(self.labels), loans))
        member[self.grade, np.arange(loans)] = 1.0
        size, expected, variance = member.sum(axis=1), member @ probability, member @ weight
        used = variance > 0
        seen = (member @ bad)[used]
        miss = np.abs(seen - expected[used, None]) / np.sqrt(variance[used, None])
        worst = miss.argmax(axis=0)
        rate = np.clip((seen + 0.5) / (size[used, None] + 1), 1e-9, 1 - 1e-9)
        factor = np.abs(logit(rate) - logit((expected[used] + 0.5) / (size[used] + 1))[:, None])
        place = np.arange(bad.shape[1])
        return {
            "level": events / loans,
            "slope": slope,
            "area": np.nan_to_num(area, nan=0.5),
            "grades": miss[worst, place],
            "factor": np.exp(factor[worst, place]),
        }

    def _by_grade(self, probability):
        rows = []
        for code, label in enumerate(self.labels):
            own = self.grade == code
            if own.any():
                loans, events = int(own.sum()), int(self.bad[own].sum())
                low, high = (float(limit) for limit in jeffreys_interval(events, loans))
                rows.append((label, loans, events, float(probability[own].mean()), events / loans, low, high))
        return pd.DataFrame(rows, columns=_GRADES)


@dataclass(frozen=True)
class _Truth:
    """What the coefficients may be in truth, as distances from their estimates."""

    #: which coefficients are slopes of traits (no threshold, not the age of the loan), and their estimates
    traits: np.ndarray
    slopes: np.ndarray
    #: likelihood ratio of the slopes
    ratio: float
    root: np.ndarray
    #: how the other coefficients follow the slopes, and the root of what they vary besides
    along: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, results, kept, ages):
        estimates, whole = results.params.to_numpy(float), results.cov_params().to_numpy()
        names = pd.Index(results.param_names)
        covariance = whole[np.ix_(kept, kept)]
        traits = ~names.isin([*ages, *results.thresholds.index])[kept]
        slopes, inner = estimates[kept][traits], covariance[np.ix_(traits, traits)]
        cross, inverse = covariance[np.ix_(~traits, traits)], np.linalg.pinv(inner, hermitian=True)
        ratio, size = float(slopes @ inverse @ slopes), len(results.slopes)
        if results.cov_type == "nonrobust" and ratio > 0:
            # of few loans Wald's is too small; the likelihood has it of all slopes
            every = estimates[:size]
            ratio *= results.llr / float(every @ np.linalg.pinv(whole[:size, :size], hermitian=True) @ every)
        along = cross @ inverse
        rest = covariance[np.ix_(~traits, ~traits)] - along @ cross.T
        return cls(traits, slopes, ratio, root_of(inner), along, root_of(rest))

    def drawn(self, rng, size):
        """Distances of so many draws, a column each."""
        count = len(self.slopes)
        share = 1 - np.minimum(rng.chisquare(max(count, 1), size) / max(self.ratio, 1e-9), 1)
        noise = self.root @ rng.standard_normal((count, size))
        moved = np.zeros((len(self.traits), size))
        moved[self.traits] = np.sqrt(share) * noise - (1 - share) * self.slopes[:, None]
        other = self.rest @ rng.standard_normal((self.rest.shape[1], size))
        moved[~self.traits] = self.along @ moved[self.traits] + other
        return moved


def _at_level(odds, events):
    """Log-odds, a column a draw, moved by one number each so that so many events are expected."""
    events = np.clip(events, 0.5, len(odds) - 0.5)
    for _ in range(2):  # two steps of Newton: the first is near already
        chance = expit(odds)
        step = (events - chance.sum(axis=0)) / np.maximum((chance * (1 - chance)).sum(axis=0), 1e-9)
        odds = odds + np.clip(step, -2, 2)
    return odds


def _overfitted(measures, limits):
    """What a model of too many coefficients for its loans leads to expect of new ones."""
    row = measures.set_index("measure")["expected"]
    if row["slope"] > 1 - limits.slope:
        return []
    return [
        f"The model has many coefficients for the loans of its fit: with nothing changed a slope of {row['slope']:.2f} "
        f"and an area of {row['area']:.3f} are expected on these loans. Its chances are too far apart from the first "
        "day on; fit it to more loans, or with fewer predictors."
    ]


def _near(rows):
    """What falls just short of an alarm, and the verdict that it would bring."""
    told = []
    for name, what in (
        ("area", "redevelop"),
        ("level", "recalibrate"),
        ("slope", "recalibrate"),
        ("grades", "recalibrate"),
    ):
        if bool(rows[name]["near"]) and not (what == "recalibrate" and bool(rows["area"]["alarm"])):
            told.append(
                f"Near {what}: the {name} is {rows[name]['value']:.3f}, where {rows[name]['expected']:.3f} is "
                f"expected; chance alone would bring that in {rows[name]['pvalue']:.1%} of the cases."
            )
    return told


def _matters(name, limits, middle):
    """Whether a miss of a measure is large enough to act on."""
    if name == "level":
        return lambda x, _: np.abs(logit(np.clip(x, 1e-9, 1 - 1e-9)) - logit(middle)) >= np.log(limits.odds)
    if name == "slope":
        return lambda x, _: np.abs(x - 1) >= limits.slope
    if name == "area":
        return lambda x, _: middle - x >= limits.area
    return lambda _, factor: factor >= limits.odds


def _verdict(stability, measures, limits, loans, unjudged=""):
    """The verdict and its reasons, by :meth:`Limits.rule`; `unjudged` says why there are no measures."""
    score = stability.iloc[0]
    shifts = list(stability["variable"][stability["shifted"].astype(bool)])
    named = [f"The loans have shifted in {', '.join(shifts)}."] if shifts else []
    if not len(measures):
        if bool(score["shifted"]):
            return "redevelop", [f"{unjudged}; and the score has shifted (index {score['psi']:.2f})."]
        what = "the score has not shifted" if loans >= limits.loans else f"{loans:,d} new loans are too few"
        return "no verdict", [f"{unjudged}; {what}.", *named]
    alarm = measures.set_index("measure")
    rows = {name: alarm.loc[name] for name in alarm.index}
    told = {
        "area": "the area under the curve is {value:.3f}, where the model leads to expect {expected:.3f} "
        "(limit {low:.3f})",
        "level": "the rate is {value:.2%}, where the model says {expected:.2%} (limits {low:.2%} to {high:.2%})",
        "slope": "the slope is {value:.2f} (limits {low:.2f} to {high:.2f})",
        "grades": "a grade is {value:.1f} standard errors off its level (limit {high:.1f})",
    }
    reasons = [told[name].format(**rows[name]) for name in told if bool(rows[name]["alarm"])]
    reasons = [text[0].upper() + text[1:] + "." for text in reasons]
    named = [*_near(rows), *named]
    if bool(rows["area"]["alarm"]):
        return "redevelop", [*reasons, *named]
    if reasons:
        return "recalibrate", [*reasons, *named]
    row = rows["level"]
    return "keep", [
        f"Level, slope, grades and area are within their limits on {row['loans']:,d} loans, {row['events']:,d} of them "
        "bad.",
        *named,
    ]
