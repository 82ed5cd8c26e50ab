"""The standard model: an ordered logit that fits any loan tape without being written for it.

A study of one lender's loans deserves a model thought out for it. For a first look at any other tape, and to score
loans day by day, this module builds one by rule:

- Predictors are columns known at issue and not set by the platform's model. Sex, age and marital status are left
  out unless asked for: to study them is one thing, to score on them another.
- Money and counts enter as logarithms of one plus the value, every number is held inside the range of its 0.5 and
  99.5 per cent quantiles, and both are stored with the model.
- A missing number takes the median, and where missing values are more than one in two hundred, a column of its own
  says so, with its own estimated coefficient: missing is never zero by accident.
- A category keeps its levels of at least one per cent and five loans. The rest, and levels not seen before, are
  ``other`` where that level is large enough to be estimated, and otherwise the commonest level; a new level is flagged.
- A column that the earlier ones explain to 95 per cent of its variance or more is left out, and named.
- Where a rare level has no finite estimate (its loans all ended alike) it is merged by the rule of
  :mod:`p2prisk.ordered.merging`; where anything else has none, the whole fit is bias-reduced
  (:mod:`p2prisk.ordered.bias_reduced`). Both are said in the model's notes.
- Where loans are seen once, each at its own age (:mod:`p2prisk.tape.event`), the age enters as a broken line in its
  logarithm. With it the ordered logit is the proportional-odds model of current status data (Rossini and Tsiatis 1996,
  JASA 91, 713-721): ``logit P(bad by age a) = f(a) + x'b``. New loans are scored at the event's horizon.

Predictors may be named, or written as a formula, with weights, another link, or one model a stage
(:class:`p2prisk.terms.FitSettings`); a lender's own column that alone tells nearly every bad loan is refused unless he
says that it is known at issue.

A score depends on the applicant alone: whatever a column needs to be read (units, recodes, missing codes, levels,
fillings) is in the model, and every sum is taken column by column, so that not even the last digit depends on the
company. The model travels as JSON. It scores frames of any size piece by piece, and says for each row which attributes
were missing, new or outside the range it was fitted on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from p2prisk.errors import ConvergenceError, DataError, ModelError, SeparationError, count_of
from p2prisk.kinds import OUTCOMES
from p2prisk.ordered import OrderedLogit, OrderedResults, SequentialLogit
from p2prisk.ordered.likelihood import one_blas_thread, row_slices
from p2prisk.ordered.merging import Factor, next_merge
from p2prisk.ordered.probabilities import class_probabilities
from p2prisk.saved import rebuilding, restore, save
from p2prisk.tape import COLUMNS, known_at_issue, refuse_later
from p2prisk.tape.abreast import over_columns
from p2prisk.tape.choose import known_at_issue_only
from p2prisk.tape.columns import is_own
from p2prisk.tape.event import Event, event_of, first_bad_class, loan_ages
from p2prisk.tape.mapping import check_mapping
from p2prisk.tape.privacy import LEAST, kind_of
from p2prisk.tape.tally import Tally
from p2prisk.terms import FitSettings, classes_of, columns_in, computed, is_bare, with_terms
from p2prisk.validation.population import by_class, check_classes, thinned

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from p2prisk.kinds import PathLike
    from p2prisk.tape.core import LoanTape

PROTECTED = ("sex", "age", "marital_status")
#: candidates in the order in which near copies give way
CANDIDATES = (
    "amount",
    "term",
    "income",
    "income_joint",
    "income_band",
    "dti",
    "employment",
    "employment_status",
    "home",
    "homeowner",
    "car_owner",
    "education",
    "company_size",
    "application",
    "product",
    "purpose",
    "bureau_score",
    "inquiries",
    "delinquencies_2y",
    "delinquency_recency",
    "public_records",
    "record_recency",
    "utilisation",
    "utilisation_all",
    "revolving_balance",
    "open_accounts",
    "total_accounts",
    "credit_history_years",
    "accounts_opened_24m",
    "mortgage_accounts",
    "finance_inquiries",
    "instalment_accounts",
    "never_delinquent_share",
    "collections_12m",
    "earlier_loans",
    "earlier_ontime",
    "earlier_overdue",
    "earlier_outstanding",
    "first_loan",
    "recommendations",
    "verification",
    "income_verifiable",
    "verified_identity",
    "verified_phone",
    "verified_video",
    "verified_education",
    "verified_bureau",
    "verified_shop",
    "verified_job",
    "verified_income",
    "verified_house",
    "inquiries_12m",
    "bankruptcies",
    "tax_liens",
    "credit_limit",
    "credit_balance",
    "satisfactory_accounts",
    "instalment_accounts_total",
    "instalment_balance",
    "instalment_limit",
    "instalment_opened_12m",
    "instalment_opened_24m",
    "card_accounts",
    "open_card_accounts",
    "cards_with_balance",
    "active_bank_cards",
    "bank_card_limit",
    "delinquent_accounts",
    "delinquent_amount",
    "accounts_30d_past_due",
    "accounts_120d_past_due",
    "collection_amount",
    "chargeoffs_12m",
    "earlier_principal",
    "occupation",
    "bureau_missing",
)
#: columns known at issue that enter only when asked for by name, and why
ON_REQUEST = {
    **dict.fromkeys(PROTECTED, "a protected trait: only when asked for by name"),
    "region": "a place can stand for a protected trait: only when asked for by name",
    "currency": "the unit of the amounts",
    "issue_date": "the vintage, no trait of a borrower",
    "issue_year": "the vintage, no trait of a borrower",
    "employment_years": "its bands are tried instead (employment)",
    "months_since_delinquency": "its bands are tried instead (delinquency_recency): a blank means never",
    "months_since_record": "its bands are tried instead (record_recency): a blank means never",
    "months_since_inquiry": "a blank means never: only when asked for by name",
    "months_since_90d_late": "a blank means never: only when asked for by name",
    "dti_joint": "given for joint applications only",
    "verification_joint": "given for joint applications only",
}
_FORMAT = "p2prisk.StandardModel/2"
_MISSING_SHARE = 0.005
_LEVEL_SHARE = 0.01
_EXPLAINED = 0.95
#: rows whose products are added up in one step: they stay near the processor
_ROWS_AT_ONCE = 4096
#: loans up to which a design is held whole
_WHOLE = 3_000_000
_TAIL = 0.005
#: least share of the loans that must differ from the rest
_FEWEST = 0.002
#: difference between two years' shares of missing values from which on a gap marks the year
_MARKED = 0.5
#: largest move of the linear predictor over the range of one number: odds of one to 10^43
_STEEPEST = 100.0
#: area under the curve from which on an own column alone is taken for the outcome itself
_TELLS_ALL = 0.95


@dataclass
class StandardModel:
    """A fitted standard model.

    Attributes
    ----------
    results : OrderedResults
    rules : list of dict
        How each predictor is made: ``column``, ``kind`` (``number``, ``flag``, ``category``), ``log``, ``low``,
        ``high``, ``fill``, ``least``, ``most``, ``missing_flag``, ``levels``, ``ordered``, ``rare``, ``spare``,
        ``merged`` (level -> the level that takes it), ``columns``; of a term of a formula its text, as ``column`` and
        ``term``.
    outcome : str
    left_out : dict
        Candidate -> why it is not used.
    about : dict
        Title, rows, period and hash of the tape it was fitted on.
    event : dict or None
        What counts as bad, and by when (:class:`p2prisk.tape.event.Event`); None for a model of the grade.
    bad_from : str
        First class of the outcome that counts as bad; empty for a model of the grade.
    reading : dict
        How the tape was read: ``mapping`` and the ``decisions`` that its data took (units).
    scale : dict or None
        Master scale, where one was made (:meth:`p2prisk.scorecard.MasterScale.to_plain`).
    population : dict
        The loans of the fit by class, for :mod:`p2prisk.monitor`: ``loans``, ``issued`` (first and last month),
        ``attributes`` and ``score`` (:func:`p2prisk.validation.by_class`), and ``alike``: the one value of each trait
        in which they did not differ, so that no model could read it. Empty in a file of an earlier day.
    """

    results: OrderedResults
    rules: list
    outcome: str
    left_out: dict = field(default_factory=dict)
    about: dict = field(default_factory=dict)
    event: dict | None = None
    bad_from: str = ""
    reading: dict = field(default_factory=dict)
    scale: dict | None = None
    population: dict = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What was merged or bias-reduced because no finite estimate existed, one sentence each."""
        return self.results.notes

    def to_json(self, path: PathLike | None = None) -> str:
        """The model as JSON text, written to `path` if given."""
        plain = {
            "format": _FORMAT,
            "outcome": self.outcome,
            "rules": self.rules,
            "left_out": self.left_out,
            "about": self.about,
            "event": self.event,
            "bad_from": self.bad_from,
            "reading": self.reading,
            "scale": self.scale,
            "population": self.population,
            "model": json.loads(self.results.to_json()),
        }
        return save(plain, path)

    @classmethod
    def from_json(cls, path: PathLike) -> StandardModel:
        """Restore a model.

        Parameters
        ----------
        path : path-like
            Written by :meth:`to_json`.

        Raises
        ------
        DataError
            Absent, not JSON, another kind of file, changed since, or its parts do not fit together.
        """
        what, writer = "model of 'p2prisk fit'", "p2prisk fit TAPE --output FILE"
        plain = restore(path, _FORMAT, what, writer)
        with rebuilding(path, what, writer):
            results = OrderedResults.from_json(json.dumps(plain["model"]))
            _check_rules(plain["rules"], plain["outcome"], results)
            if plain["bad_from"] not in ("", *map(str, results.categories[1:])):
                raise DataError("the class from which a loan counts as bad is none of its classes")
            Event.from_plain(plain["event"])
            if plain["reading"].get("mapping"):
                check_mapping(plain["reading"]["mapping"])
            names = ("rules", "outcome", "left_out", "about", "event", "bad_from", "reading", "scale")
            model = cls(results, *(plain[name] for name in names))
            model.population = plain.get("population") or {}
            if model.population:
                for name, classes in (*model.population["attributes"].items(), ("score", model.population["score"])):
                    check_classes(name, classes)
            return model

    @property
    def in_points(self) -> bool:
        """Whether it is a proportional-odds logit of how loans end, so that points can add up to its odds."""
        return bool(self.bad_from) and self.results.link.name == "logit" and self.results.family.name == "cumulative"

    @property
    def inputs(self) -> list[str]:
        """Columns of the tape that a score is made of."""
        rules = [rule for rule in self.rules if rule["kind"] != "exposure"]
        return list(dict.fromkeys(name for rule in rules for name in _read_by(rule)))

    def prepared(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with the columns that the terms of a formula make; the frame itself where there are none."""
        return with_terms(frame, [rule["term"] for rule in self.rules if "term" in rule])

    def log_odds(
        self, frame: pd.DataFrame, own_age: bool = False, design: pd.DataFrame | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log-odds of the event, and their derivative in slopes and thresholds, of any link and family.

        Parameters
        ----------
        frame, own_age
            As of :meth:`design`.
        design : pandas.DataFrame, optional
            The first part of :meth:`design`, where it is there already.

        Returns
        -------
        odds : numpy.ndarray, shape (n,)
        jacobian : numpy.ndarray, shape (n, slopes + thresholds)
        """
        design = self.design(frame, own_age)[0] if design is None else design
        linear, cut = self._linear(design), self._cut
        values = design[list(self.results.exog_names)].to_numpy(dtype=float)
        if self.in_points:
            jacobian = np.zeros((len(values), len(self.results.params)))
            jacobian[:, : values.shape[1]] = values
            jacobian[:, values.shape[1] + cut] = -1.0
            return linear - float(self.results.thresholds.iloc[cut]), jacobian
        latent = self.results.thresholds.to_numpy()[None, :] - linear[:, None]
        chance = np.clip(self._bad(self.results.family.probabilities(latent), cut), 1e-300, 1 - 1e-16)
        slope = -self.results.family.cumulative_jacobian(latent, self.results._latent_jacobian(values))[:, cut]
        return np.log(chance) - np.log1p(-chance), slope / (chance * (1 - chance))[:, None]

    @property
    def _cut(self):
        return [str(level) for level in self.results.categories].index(self.bad_from) - 1

    @staticmethod
    def _bad(probabilities, cut):
        """Chance of the classes past a threshold; added class by class, so that a row depends on itself alone."""
        total = np.zeros(len(probabilities))
        for place in range(cut + 1, probabilities.shape[1]):
            total += probabilities[:, place]
        return total

    def _linear(self, design):
        linear = np.zeros(len(design))
        # one column after the other: no sum depends on the number of rows
        for name, slope in zip(self.results.exog_names, self.results.slopes.to_numpy(), strict=True):
            linear += design[name].to_numpy() * slope
        return linear

    def design(self, frame: pd.DataFrame, own_age: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Design matrix of new loans, with what had to be repaired.

        Parameters
        ----------
        frame : pandas.DataFrame
            Canonical columns.
        own_age : bool
            Where the age of a loan is part of the model: its age on the record date of the fit, in place of the event's
            horizon.

        Returns
        -------
        design : pandas.DataFrame
        flags : pandas.DataFrame
            Booleans ``missing``, ``new_level``, ``out_of_range``: does any attribute of the row have it?

        Raises
        ------
        DataError
            A column of the model is absent.
        """
        absent = [
            name
            for rule in self.rules
            if rule["column"] not in frame and (own_age or rule["kind"] != "exposure")
            for name in _read_by(rule)
            if name not in frame
        ]
        if absent:
            raise DataError(
                f"the model needs {', '.join(absent)}, which the tape does not have; map these columns or "
                "fit a model without them"
            )
        return design_of(self.prepared(frame), self.rules, own_age)

    def at_horizon(self) -> tuple[pd.Series, pd.Series, np.ndarray]:
        """Slopes, thresholds and their covariance with the age of the loan held at the event's horizon.

        Returns
        -------
        slopes, thresholds : pandas.Series
        covariance : numpy.ndarray
            Of slopes and thresholds. Without an age in the model: those of the fit.
        """
        slopes, thresholds = self.results.slopes, self.results.thresholds
        covariance = self.results.cov_params().to_numpy()
        rule = next((rule for rule in self.rules if rule["kind"] == "exposure"), None)
        if rule is None:
            return slopes.copy(), thresholds.copy(), covariance
        of_age = slopes.index.isin(rule["columns"])
        at = np.zeros(len(slopes))
        made = _exposure(rule, np.array([float(rule["horizon"])]))
        at[of_age] = [made[name][0] for name in slopes.index[of_age]]
        kept, levels = np.flatnonzero(~of_age), len(thresholds)
        turn = np.zeros((len(kept) + levels, len(slopes) + levels))
        turn[np.arange(len(kept)), kept] = 1.0
        turn[len(kept) :, : len(slopes)] = -at
        turn[len(kept) :, len(slopes) :] = np.eye(levels)
        return slopes[~of_age], thresholds - float(at @ slopes.to_numpy()), turn @ covariance @ turn.T

    def score(
        self,
        frame: pd.DataFrame,
        drift: Literal["flag", "refuse"] = "flag",
        own_age: bool = False,
        design: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    ) -> pd.DataFrame:
        """Score loans.

        Parameters
        ----------
        frame : pandas.DataFrame
            Canonical columns.
        drift : {"flag", "refuse"}
            What to do with attributes outside the range, or of a level, that the model was not fitted on.
        own_age : bool
            As of :meth:`design`.
        design : tuple of pandas.DataFrame, optional
            Of :meth:`design`, where it is there already.

        Returns
        -------
        pandas.DataFrame
            ``p_LEVEL`` for each level of the outcome, ``score`` (linear predictor, higher is worse), ``pd``
            (probability of the event, where the model has one) and the flags ``missing``, ``new_level``,
            ``out_of_range``. Each row depends on itself alone, to the last digit.

        Raises
        ------
        DataError
            With ``drift="refuse"``, if any row drifted.
        """
        design, flags = self.design(frame, own_age) if design is None else design
        if drift == "refuse" and (flags["new_level"] | flags["out_of_range"]).any():
            rows = int((flags["new_level"] | flags["out_of_range"]).sum())
            raise DataError(
                f"{rows:,d} of {count_of(len(frame), 'loan')} with an attribute outside the range or levels the model "
                "was fitted on; look at them (drift='flag' marks them) or refit"
            )
        linear = self._linear(design)
        results, levels = self.results, [str(level) for level in self.results.categories]
        if results.link.name == "logit" and results.family.name == "cumulative":
            probabilities = class_probabilities(linear, results.thresholds)
        else:
            probabilities = results.family.probabilities(results.thresholds.to_numpy()[None, :] - linear[:, None])
        out = {f"p_{level}": probabilities[:, place] for place, level in enumerate(levels)}
        out["score"] = linear
        if self.in_points:
            out["pd"] = expit(linear - float(results.thresholds.iloc[self._cut]))
        elif self.bad_from in levels:
            out["pd"] = self._bad(probabilities, self._cut)
        return pd.concat([pd.DataFrame(out, index=frame.index), flags], axis=1)


def fit_standard(
    tape: LoanTape,
    outcome: str | None = None,
    predictors: Sequence[str] | None = None,
    settings: FitSettings | None = None,
    held: bool = True,
) -> StandardModel:
    """Fit the standard model to a tape.

    Parameters
    ----------
    tape : LoanTape
    outcome : str, optional
        ``severity``, ``bad`` or ``grade``; by default the first of them that the tape has with two levels.
    predictors : sequence of str, optional
        Canonical columns; by default those of :data:`CANDIDATES` that the tape has, and the lender's own.
    settings : FitSettings, optional
        Predictors or a formula, weights, link and method; `predictors` goes before its own.
    held : bool
        Whether the results must hold their rows, as tests of the assumptions need. If not, the design of a sample of
        more than three million loans without weights is made part by part, and never whole.

    Returns
    -------
    StandardModel

    Raises
    ------
    DataError, ModelError
        No outcome, a predictor that is not known at issue, an own column that tells the outcome, or no predictor left.

    Examples
    --------
    >>> from p2prisk import load
    >>> model = fit_standard(load("lendingclub-2018"), "grade", ["income", "home", "term"])
    >>> model.results.exog_names
    ['income', 'home: own', 'home: rent', 'term']
    """
    frame, settings = tape.frame, settings or FitSettings()
    if predictors is None:
        predictors = settings.terms()
    if outcome is None:
        outcome = next((name for name in OUTCOMES if name in frame and frame[name].nunique() > 1), "severity")
    if outcome not in OUTCOMES:
        raise ModelError(f"the outcome is one of {', '.join(OUTCOMES)}, not {outcome!r}")
    if outcome not in frame:
        raise DataError(
            f"the tape has no {outcome}; map the column that says "
            + ("its grade" if outcome == "grade" else "how the loan ended (status)")
        )
    if predictors is not None:
        used = list(dict.fromkeys(name for term in predictors for name in columns_in(term)))
        refuse_later(used, outcome)
        absent = [name for name in used if name not in frame]
        if absent:
            told = [f"{name} ({tape.unused[name]})" if name in tape.unused else name for name in absent]
            raise DataError(f"the tape has no column {', '.join(told)}; it has {', '.join(_offered(tape))}")
    known = frame[outcome].notna()
    sample = frame[known]
    if settings.weights is not None:
        sample = sample.assign(n=sampling_weights(frame, settings.weights)[known.to_numpy()])
        sample = sample.drop(columns=settings.weights) if is_own(settings.weights) else sample
    _refuse_tell_tales(sample, outcome, predictors, settings)
    rules, left_out = make_rules(sample, predictors)
    event = None if outcome == "grade" else event_of(tape)
    if event is not None and event.kind == "stage" and event.horizon and not event.one_age:
        rules.insert(0, _exposure_rule(sample, event))
    if outcome == "bad":
        response = pd.Series(
            pd.Categorical(np.where(sample["bad"].astype(bool), "bad", "good"), ["good", "bad"], ordered=True),
            name="bad",
        )
    else:
        response = sample[outcome].cat.remove_unused_categories().reset_index(drop=True)
    weights = sample["n"].reset_index(drop=True) if "n" in sample else None
    asked = () if predictors is None else tuple(predictors)
    by_parts = not held and weights is None and len(sample) > _WHOLE
    results, rules = _fit_by_rule(response, sample, rules, left_out, weights, settings, asked, by_parts)
    about = {key: tape.provenance.get(key) for key in ("title", "name", "path", "sha256", "period", "record_date")}
    about.update(rows=int(len(sample)), without_outcome=int((~known).sum()))
    if "as_of" in tape.provenance:
        about["as_of"] = tape.provenance["as_of"]
    if settings != FitSettings(predictors=settings.predictors):
        plain = {"formula": settings.formula, "weights": settings.weights, "link": settings.link}
        about["settings"] = {**plain, "method": settings.method}
    bad_from = "" if outcome == "grade" else first_bad_class(sample, outcome)
    reading = {key: tape.provenance[key] for key in ("mapping", "decisions") if key in tape.provenance}
    if "mapping" in reading:
        reading["mapping"] = known_at_issue_only(reading["mapping"])
        if is_own(settings.weights):  # an applicant has none
            reading["mapping"]["columns"].pop(settings.weights, None)
    model = StandardModel(
        results, rules, outcome, left_out, about, None if event is None else event.to_plain(), bad_from, reading
    )
    model.population = _population(model, sample)
    return model


def sampling_weights(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Weights of the loans from a column, with mean one.

    Raises
    ------
    DataError
        The column is absent, no number, or a weight is missing or not positive; counts have weights already.
    """
    if "n" in frame:
        raise DataError("a table of counts has its weights already")
    if name not in frame or not pd.api.types.is_numeric_dtype(frame[name].dtype):
        raise DataError(f"the weights need a column of numbers {name!r}; name yours as --weights number.NAME=COLUMN")
    weights = frame[name].to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(weights > 0)
    if wrong.any():
        first = int(np.argmax(wrong)) + 1
        raise DataError(
            f"{count_of(wrong.sum(), 'loan')} without a positive weight in {name} (first: row {first:,d}); a "
            "loan that shall not count does not belong on the tape"
        )
    return weights / weights.mean()


def _offered(tape):
    return [*tape.known_at_issue(), *(name for name in tape.frame if is_own(name))]


def _refuse_tell_tales(sample, outcome, predictors, settings):
    """Refuse own columns that alone tell the outcome: such a column was written after it."""
    names = list(sample) if predictors is None else [name for term in predictors for name in columns_in(term)]
    if "bad" not in sample or outcome == "grade":
        return
    for name in dict.fromkeys(filter(is_own, names)):
        if name in settings.stated:
            continue
        area = _area_alone(sample[name], sample["bad"].astype(bool).to_numpy())
        if area >= _TELLS_ALL:
            raise DataError(
                f"{name} alone ranks the loans with an area of {area:.3f}: it looks like the outcome itself, written "
                f"after issue. Leave it out; or, if it is known when the loan is issued, say --known-at-issue {name}"
            )


def _area_alone(values, bad):
    """Area under the curve of the best order of a column's values or classes, gaps as a class of their own."""
    if not bad.any() or bad.all():
        return 0.5
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        known = ~np.isnan(numbers)
        cuts = np.unique(np.quantile(numbers[known], np.linspace(0, 1, 51))) if known.any() else np.array([])
        codes = np.where(known, np.searchsorted(cuts, np.nan_to_num(numbers)), len(cuts) + 1)
    else:
        codes = pd.factorize(values, use_na_sentinel=False)[0]
        counts = np.bincount(codes)
        codes = np.where(counts[codes] < LEAST, len(counts), codes)  # single loans tell nothing of a class
    loans, events = np.bincount(codes).astype(float), np.bincount(codes, bad)
    used = loans > 0
    order = np.argsort(events[used] / loans[used])
    events, good = events[used][order], (loans - events)[used][order]
    before = np.concatenate([[0.0], np.cumsum(good)[:-1]])
    return float((events * (before + good / 2)).sum() / (events.sum() * good.sum()))


def _read_by(rule):
    """Columns of the tape that a rule reads."""
    return columns_in(rule["term"]) if "term" in rule else [rule["column"]]


def _population(model, sample):
    """The loans of the fit by class."""
    sample = model.prepared(sample)
    loans = float(sample["n"].sum()) if "n" in sample else float(len(sample))
    part = thinned(sample)
    weights = part["n"].to_numpy(float) if "n" in part else None
    names = [rule["column"] for rule in model.rules if rule["kind"] != "exposure"]
    classes = over_columns(lambda name: by_class(part[name], weights), names, len(part))
    kept = dict(zip(names, classes, strict=True))
    found = {"loans": loans, "attributes": kept, "score": by_class(model.score(part)["score"], weights)}
    alike = {name: text for name in CANDIDATES if name in sample and (text := _one_value(sample[name]))}
    if alike:
        found["alike"] = alike
    if "issue_date" in sample and sample["issue_date"].notna().any():
        found["issued"] = [f"{day:%Y-%m}" for day in (sample["issue_date"].min(), sample["issue_date"].max())]
    return found


def _one_value(values):
    """The one value that all loans have, as text; empty where there are more, gaps, or it may be somebody's."""
    if not len(values) or values.isna().any() or not (values == values.iloc[0]).all():
        return ""
    text = str(classes_of(values.iloc[:1]).iloc[0])
    return "" if len(values) < LEAST or kind_of(text) else text


def _exposure_rule(sample, event):
    """How the age of a loan enters: a line in its logarithm, broken at the thirds of the loans."""
    ages = loan_ages(sample, event.record_date)
    knots = sorted({float(round(knot)) for knot in np.quantile(ages, [1 / 3, 2 / 3])} - {0.0})
    knots = [knot for knot in knots if ages.min() < knot < ages.max()] if len(np.unique(np.round(ages))) > 6 else []
    names = ["age of the loan", *(f"age of the loan past {knot:g} months" for knot in knots)]
    return {
        "column": "issue_date",
        "kind": "exposure",
        "day": event.record_date,
        "horizon": event.horizon,
        "knots": knots,
        "columns": names,
    }


def _exposure(rule, ages):
    """Columns of the age of a loan in months, by name."""
    log = np.log(np.maximum(ages, 0.5))
    made = {"age of the loan": log}
    for knot in rule["knots"]:
        made[f"age of the loan past {knot:g} months"] = np.maximum(log - np.log(knot), 0.0)
    return made


def _fit_by_rule(response, sample, rules, left_out, weights, settings, asked, by_parts):
    """Results and final rules: rare levels without a finite estimate merged, or the fit bias-reduced."""
    notes = []
    terms = [rule["term"] for rule in rules if "term" in rule]
    sample, family = with_terms(sample, terms), {"link": settings.link}
    make = SequentialLogit if settings.method == "sequential" else OrderedLogit
    # sampling weights: the sandwich with each row a cluster is the sum of squares of weighted scores
    robust = {} if settings.weights is None else {"cov_type": "cluster", "groups": np.arange(len(sample))}
    if settings.method == "bias-reduced":  # finite for every level, so that none is merged
        robust["method"] = "bias_reduced"
    while True:
        part = partial(_part_of_design, sample, rules)
        design = None if by_parts else part(slice(None))
        wanted = {name for rule in rules if rule["column"] in asked for name in rule["columns"]} if terms else set()
        keep = _varying(map(part, row_slices(len(sample))) if by_parts else [design], left_out, wanted)
        used = [{**rule, "columns": [name for name in rule["columns"] if name in keep]} for rule in rules]
        used = [rule for rule in used if rule["columns"]]
        if not used:
            raise ModelError("no predictor is left: " + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
        if by_parts:
            model = make.from_parts(response, keep, partial(_values_of_part, part, keep), **family)
        else:
            design = (design if keep == list(design) else design[keep]).reset_index(drop=True)
            model = make(response, design, freq_weights=weights, **family)
        try:
            results = model.fit(**robust)
        except SeparationError as error:
            effects = dict(zip(model.exog_names, error.direction, strict=True))
            merge = next_merge(_factors(model, sample, used, effects), model.categories)
            if merge is None:
                try:
                    results = model.fit(on_separation="bias_reduced", **robust)
                except ConvergenceError as failed:
                    raise _leak(used, effects, failed) from None
            else:
                notes.append(str(merge))
                if merge.levels_left == 1:
                    left_out[merge.column] = str(merge)
                rules = [_with_merge(rule, merge) if rule["column"] == merge.column else rule for rule in used]
                continue
        except ConvergenceError as error:
            results = model.fit(method="bias_reduced", **robust)
            results.notes = [f"Maximum likelihood does not settle ({error}); the fit is bias-reduced."]
        results.notes = notes + results.notes
        return results, used


def _part_of_design(sample, rules, rows):
    return design_of(sample.iloc[rows], rules, own_age=True)[0]


def _values_of_part(part, names, rows):
    return part(rows)[names].to_numpy(dtype=float)


def _leak(rules, effects, failed):
    """What to say where no method has an estimate, as traits together tell the outcomes apart."""
    told = ", ".join(rule["column"] for rule in rules if any(effects.get(name) for name in rule["columns"]))
    return ConvergenceError(
        f"{told} together tell the outcomes apart, and {str(failed).split('. ')[0]}. Was one of them written after "
        "issue? Leave it out (--predictors, or --own)"
    )


def _factors(model, sample, rules, effects):
    """The categories among the rules, as the rule of merging sees them."""
    weights = np.ones(model.n_rows) if model.weights is None else model.weights
    found = []
    for rule in rules:
        if rule["kind"] != "category":
            continue
        counts = np.zeros((len(rule["levels"]), len(model.categories)))
        np.add.at(counts, (_level_codes(sample[rule["column"]], rule), model.endog_codes), weights)
        along = np.array([effects.get(f"{rule['column']}: {level}", 0.0) for level in rule["levels"]])
        found.append(Factor(rule["column"], rule["levels"], counts, along, rule.get("ordered", False)))
    return found


def _with_merge(rule, merge):
    """The rule with one level merged into another; the first level left is the reference."""
    merged = {level: merge.into if into == merge.level else into for level, into in rule.get("merged", {}).items()}
    levels = [level for level in rule["levels"] if level != merge.level]
    return {
        **rule,
        "levels": levels,
        "merged": {**merged, merge.level: merge.into},
        "spare": merge.into if rule["spare"] == merge.level else rule["spare"],
        "columns": [f"{rule['column']}: {level}" for level in levels[1:]],
    }


def _level_codes(values, rule):
    """Position of each row's level among the levels of a rule; of rare and new levels, that of the spare one."""
    return _placed(values, rule)[0]


def _placed(values, rule):
    """Position of each row's level, that of the spare one for rare and new levels; and which rows have a new one."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, labels = values.cat.codes.to_numpy(), list(values.cat.categories)
    else:
        codes, labels = pd.factorize(values)
    merged = rule.get("merged", {})
    places = {level: place for place, level in enumerate(rule["levels"])}
    places |= {level: rule["levels"].index(into) for level, into in merged.items()}
    spare, rare = rule["levels"].index(rule["spare"]), set(rule["rare"])
    # one entry a level, and at the end, where the code -1 points, that of a missing value
    place = np.array([places.get(label, spare) for label in (*labels, "missing")])
    new = np.array([label not in places and label not in rare for label in labels] + [False])
    return place[codes], new[codes]


def make_rules(frame: pd.DataFrame, predictors: Sequence[str] | None = None) -> tuple[list[dict], dict]:
    """Decide how each predictor enters.

    Parameters
    ----------
    frame : pandas.DataFrame
    predictors : sequence of str, optional
        Columns, or terms of a formula (:mod:`p2prisk.terms`).

    Returns
    -------
    rules : list of dict
    left_out : dict
    """
    rules, left_out = [], {}
    own = [name for name in frame if is_own(name)]
    if predictors is None:
        left_out = {name: ON_REQUEST[name] for name in known_at_issue(frame) if name in ON_REQUEST}
    names = [*CANDIDATES, *own] if predictors is None else list(predictors)
    names = [name for name in names if name in frame or (predictors is not None and not is_bare(name))]

    def decided(name):
        if name in frame:
            return _rule(name, frame[name], frame, by_default=predictors is None)
        rule = _rule(name, computed(name, frame), frame, by_default=False)
        return rule if isinstance(rule, str) else {**rule, "term": name}

    for name, rule in zip(names, over_columns(decided, names, len(frame)), strict=True):
        if isinstance(rule, str):
            left_out[name] = rule
        else:
            rules.append({"column": name, **rule})
    return rules, left_out


def _rule(name, values, frame, by_default):
    """How a predictor enters, or why it does not."""
    if by_default and name == "income_band" and "income" in frame:
        return "income itself is on the tape"
    if name in frame:
        kind, unit = COLUMNS[name].kind, COLUMNS[name].unit
    else:
        kind, unit = "number" if pd.api.types.is_numeric_dtype(values.dtype) else "category", ""
    tally = Tally(values) if kind in ("number", "integer") else None  # as exact as the rows, and sorted once
    missing = float(values.isna().mean()) if tally is None else tally.missing / max(tally.rows, 1)
    if missing == 1 or (values.nunique() if tally is None else len(tally.values)) < 2:
        return "the same in every row"
    if by_default and missing > 0.5:
        return f"{missing:.0%} missing"
    if by_default and missing > _MISSING_SHARE and "issue_date" in frame:
        marks = _marks_the_year(values, frame["issue_date"])
        if marks:
            return marks
    if kind not in ("number", "integer", "flag"):
        return _level_rule(name, values, most=25 if by_default else None)
    flagged = {"missing_flag": missing > _MISSING_SHARE}
    columns = {"columns": [name] + ([f"{name}: missing"] if flagged["missing_flag"] else [])}
    if kind == "flag":
        share = float(values.astype("boolean").fillna(False).mean())
        if min(share, 1 - share) < _FEWEST:
            return "almost the same in every row"
        return {"kind": "flag", **flagged, **columns}
    if by_default and tally.counts.max() / tally.known > 1 - _FEWEST:
        return "almost the same in every row"
    low, high = tally.quantile(_TAIL), tally.quantile(1 - _TAIL)
    least, most = _outward(float(tally.values[0]), -1), _outward(float(tally.values[-1]), 1)
    if low == high:
        low, high = least, most
    log = unit in ("currency", "count") and low >= 0
    if log:  # a stray negative value is a fault of its row: held at the range's end, and flagged when scored
        least = max(least, 0.0)
    fill = float(tally.median())
    rule = {"kind": "number", "log": log, "low": low, "high": high, "fill": fill, "least": least, "most": most}
    return {**rule, **flagged, **columns}


def _marks_the_year(values, issued):
    """Why gaps that come with the year of issue are no trait of a borrower; empty where they do not."""
    gaps = values.isna().groupby(issued.dt.year)
    share = gaps.mean()[gaps.size() >= 50]
    if len(share) < 2 or share.max() - share.min() < _MARKED:
        return ""
    return (
        f"missing in {share.max():.0%} of the loans of {int(share.idxmax())} and in {share.min():.0%} of those of "
        f"{int(share.idxmin())}: its gaps mark the year, not the borrower"
    )


def _outward(value, way):
    """A bound at two digits, so that the extreme value of one borrower is not in the model.

    Examples
    --------
    >>> _outward(13812345678.0, 1), _outward(1003.0, -1), _outward(-2.0, -1), _outward(0.0, 1)
    (14000000000.0, 1000.0, -2.0, 0.0)
    """
    if value == 0 or not np.isfinite(value):
        return value
    step = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    bound = float(f"{(np.ceil if way > 0 else np.floor)(round(value / step, 9)) * step:.6g}")
    return max(bound, value) if way > 0 else min(bound, value)


def _level_rule(name, values, most):
    """How a predictor of levels enters: rare levels in one, at most so many."""
    if hasattr(values, "cat") and "missing" not in values.cat.categories:  # codes are counted faster, in the same order
        share = values.cat.codes.value_counts(normalize=True)
        names = [values.cat.categories[code] if code >= 0 else "missing" for code in share.index]
        share.index = pd.Index(names, dtype=object)
    else:
        labels = values.astype(object).where(values.notna(), "missing")
        share = labels.value_counts(normalize=True)
    # a level of fewer than five loans, or one that looks personal, may be somebody's: the model does not name it
    shown = [count >= (LEAST - 0.5) / len(values) and kind_of(level) is None for level, count in share.items()]
    share = share[shown]
    order = [str(level) for level in values.cat.categories] if hasattr(values, "cat") else sorted(share.index)
    levels = [level for level in order if share.get(level, 0) >= _LEVEL_SHARE]
    if share.get("missing", 0) >= _MISSING_SHARE:
        levels.append("missing")
    if "other" not in levels and 1 - share.reindex(levels).fillna(0).sum() >= _LEVEL_SHARE:
        levels.append("other")
    if len(levels) < 2:
        if len(share) > 2 and share.iloc[0] < 0.9:
            return f"{len(share)} levels, of which at most one has one loan in a hundred"
        return "one level holds almost every row"
    if most is not None and len(levels) > most:
        return f"{len(levels)} levels of one loan in a hundred or more: by rule at most {most} are taken"
    return {
        "kind": "category",
        "levels": levels,
        "ordered": bool(getattr(values.dtype, "ordered", False)) and not {"missing", "other"} & set(levels),
        "rare": [level for level in share.index if level not in levels],
        "spare": "other" if "other" in levels else str(share.idxmax()),
        "columns": [f"{name}: {level}" for level in levels[1:]],
    }


def design_of(frame: pd.DataFrame, rules: list[dict], own_age: bool = False) -> Any:
    """Design matrix of a frame under the rules, and the flags of each row.

    Parameters
    ----------
    frame : pandas.DataFrame
    rules : list of dict
    own_age : bool
        As of :meth:`StandardModel.design`.
    """
    size = len(frame)
    names = [key for rule in rules for key in rule["columns"]]
    matrix = np.empty((len(names), size))  # one block, filled in place: a large design is there once
    missing, new_level, outside = (np.zeros(size, dtype=bool) for _ in range(3))
    free = iter(matrix)
    for rule in rules:
        if rule["kind"] == "exposure":
            ages = loan_ages(frame, rule["day"]) if own_age else np.full(size, float(rule["horizon"]))
            made = _exposure(rule, ages)
            for key in rule["columns"]:
                next(free)[:] = made[key]
            continue
        name, values = rule["column"], frame[rule["column"]]
        gap = values.isna().to_numpy()
        missing |= gap
        if rule["kind"] == "number":
            number = values.to_numpy(dtype=float, na_value=np.nan)
            outside |= (number < rule["least"]) | (number > rule["most"])
            number = np.clip(np.where(gap, rule["fill"], number), rule["low"], rule["high"])
            made = {name: np.log1p(number) if rule["log"] else number}
        elif rule["kind"] == "flag":
            made = {name: values.astype("boolean").fillna(False).to_numpy(dtype=float)}
        else:
            codes, new = _placed(values, rule)
            new_level |= new
            made = {f"{name}: {level}": (codes == place).astype(float) for place, level in enumerate(rule["levels"])}
        if rule.get("missing_flag"):
            made[f"{name}: missing"] = gap.astype(float)
        for key in rule["columns"]:
            next(free)[:] = made[key]
    flags = pd.DataFrame({"missing": missing, "new_level": new_level, "out_of_range": outside}, index=frame.index)
    return pd.DataFrame(matrix.T, index=frame.index, columns=pd.Index(names, dtype="str"), copy=False), flags


def _check_rules(rules, outcome, results):
    """Refuse rules that no fit leaves: they would score in silence.

    Raises
    ------
    DataError
        A predictor is not known at issue, its limits or levels contradict each other, or the rules do not give the
        columns of the model.
    """
    if results.design.spec is not None or results.layout.free or results.family.name not in ("cumulative", "forward"):
        raise DataError("its model is none of the standard kind")
    if len({rule["column"] for rule in rules}) < len(rules):
        raise DataError("a predictor has two rules")
    if (outcome == "bad") != (list(results.categories) == ["good", "bad"]):
        raise DataError(f"its classes are none of the outcome {outcome}")
    for rule in rules:
        name, levels = rule["column"], rule.get("levels", [])
        merged, kind = rule.get("merged", {}), "number"
        if "term" in rule and (rule["term"] != name or is_bare(name)):
            raise DataError(f"{name!r} is no term of a formula")
        for source in _read_by(rule):
            column = COLUMNS[source] if is_own(source) else COLUMNS.get(source)
            if column is None or column.known != "issue":
                raise DataError(f"{source!r} is no column known at issue")
            kind = column.kind if "term" not in rule else "number"
        made = [name, f"{name}: missing", *(f"{name}: {level}" for level in levels)]
        if rule["kind"] != "exposure" and not set(rule["columns"]) <= set(made):
            raise DataError(f"the rule of {name} names columns that it does not make")
        if rule["kind"] == "number":
            least = -1.0 if rule["log"] else -np.inf
            ordered = least < rule["low"] <= rule["high"] and rule["least"] <= rule["fill"] <= rule["most"]
            reach = (np.log1p(rule["high"]) - np.log1p(rule["low"])) if rule["log"] and ordered else 0.0
            reach = reach if rule["log"] else rule["high"] - rule["low"]
            if not ordered or kind not in ("number", "integer"):
                raise DataError(f"the limits of {name} contradict each other")
            slopes = results.slopes.reindex([name]).fillna(0.0)
            if abs(float(slopes.iloc[0])) * reach > _STEEPEST:
                raise DataError(f"the slope of {name} is one that no fit leaves")
        elif rule["kind"] == "category" and (
            rule["spare"] not in levels or set(merged) & set(levels) or not set(merged.values()) <= set(levels)
        ):
            raise DataError(f"the levels of {name} contradict each other")
        elif rule["kind"] == "flag" and kind != "flag":
            raise DataError(f"{name} is no flag")
    if [name for rule in rules for name in rule["columns"]] != list(results.exog_names):
        raise DataError("its rules and its slopes are of different columns")


def drop_copies(design: pd.DataFrame, left_out: dict, wanted: Collection[str] = ()) -> list[str]:
    """Names of the columns that vary and are not explained by the earlier ones.

    Parameters
    ----------
    design : pandas.DataFrame
    left_out : dict
        Gets the name and reason of each column that goes.
    wanted : collection of str
        Columns that a formula asks for: they go only where nothing of theirs is left.

    Returns
    -------
    list of str

    Examples
    --------
    >>> why = {}
    >>> drop_copies(pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 4, 6, 8], "c": [1.0, 0, 1, 1]}), why), why
    (['a', 'c'], {'b': 'explained to 100 % by the earlier columns'})
    """
    return _varying([design], left_out, wanted)


def _varying(parts, left_out, wanted):
    """:func:`drop_copies` of a design that may come part by part."""
    rows, centre, names = 0, np.zeros(0), []
    total, product = 0.0, 0.0
    with one_blas_thread():
        for part in parts:
            if not names:
                names, centre = list(part), part.mean().to_numpy(dtype=float)
            rows += len(part)
            for first in range(0, len(part), _ROWS_AT_ONCE):
                away = part.iloc[first : first + _ROWS_AT_ONCE].to_numpy(dtype=float) - centre
                total, product = total + away.sum(axis=0), product + away.T @ away
    product = product - np.outer(total, total) / rows
    spread = np.sqrt(np.maximum(np.diag(product), 0.0))
    varying = spread > 1e-12 * np.abs(centre) * np.sqrt(rows)
    scale = np.where(varying, spread, 1.0)
    correlation = product / np.outer(scale, scale)
    keep: list[int] = []
    factor = np.zeros((0, 0))
    for place, name in enumerate(names):
        if not varying[place]:
            left_out[name] = "the same in every row"
            continue
        # one more row of the Cholesky factor: what remains on its diagonal is the unexplained share
        row = np.linalg.solve(factor, correlation[keep, place]) if keep else np.zeros(0)
        unexplained = 1.0 - float(row @ row)
        if unexplained < (1e-8 if name in wanted else 1 - _EXPLAINED):
            left_out[name] = f"explained to {100 * (1 - unexplained):.0f} % by the earlier columns"
            continue
        factor = np.block([[factor, np.zeros((len(keep), 1))], [row[None, :], np.array([[np.sqrt(unexplained)]])]])
        keep.append(place)
    return [names[place] for place in keep]
