"""The validation checklist of a study: tests on the reader's own tape, against limits that a file sets beforehand.

A test that could not be made is ``not made``, with the reason and whose turn it is; it never passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, P2PRiskError
from p2prisk.report.decisions import read_yaml
from p2prisk.standard import PROTECTED, design_of

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike
    from p2prisk.report.study import TapeStudy

PASSED, FINDING, NOT_MADE = "passed", "finding", "not made"
#: reasons for which a part does not apply, which is nobody's turn
NOT_FOR_THIS_TAPE = (
    "with two outcomes there is one cut",
    "no loan on the tape is running",
    "no trait known at issue has a missing value",
)
#: whose turn it is
READER, OURS, LOOK = "only you can supply", "our gap", "look at it"


@dataclass(frozen=True)
class Check:
    """A test of the checklist.

    Attributes
    ----------
    name : str
        Key of the file of limits.
    question : str
    measure : str
        What is measured.
    form : str
        How its value is printed.
    place : str
        Section where the numbers stand.
    measured : callable
        From the study to the value.
    needs : str
        Part of the study without which it cannot be made.
    """

    name: str
    question: str
    measure: str
    form: str
    place: str
    measured: Callable[[TapeStudy], float]
    needs: str = ""


def _before(study):
    """Probabilities of the loans that the tested model was built on, whether they went bad, and their weights."""
    judged = study.judged

    def compute():
        return pd.DataFrame({"pd": judged.score(study.sample.frame[judged.build].reset_index(drop=True))})

    bad = study.bad[judged.build].to_numpy(dtype=float)
    return study._once("before", compute)["pd"].to_numpy(), bad, study.weights[judged.build]


def _drop(study):
    from p2prisk.validation import auc

    if study.event.kind == "stage" and not study.event.one_age:
        raise DataError("each loan is seen at its own age, so that areas of two samples are of different ages")
    probability, bad, weights = _before(study)
    return auc(bad > 0, probability, freq_weights=weights) - study.judged.row["auc"]


def _against_grade(study):
    pairs = study.judged.auc.comparisons
    if not study.judged.graded or not len(pairs):
        raise DataError("not every loan tested has a grade of the platform with a known order")
    pair = pairs.iloc[0]
    return float(pair["difference"]) * (1 if pair["first"] == study.judged.name else -1)


def _level(study):
    judged = study.judged
    return float(np.average(judged.pd, weights=judged.weights)) / (judged.bad / judged.loans)


def _slope(study):
    from p2prisk.validation import calibration_slope_intercept

    judged = study.judged
    found = calibration_slope_intercept(judged.observed > 0, judged.pd, freq_weights=judged.weights)
    return float(found.loc["slope", "value"])


def _score_stability(study):
    from p2prisk.validation import population_stability

    judged = study.judged
    if not judged.later:  # a draw from the same loans cannot have moved
        raise DataError("the loans tested are a random draw of the same loans, which cannot have moved")
    probability, _, weights = _before(study)
    return population_stability(probability, judged.pd, expected_weights=weights, actual_weights=judged.weights).psi


def _unseen(study):
    judged = study.judged
    flags = design_of(judged.frame, [rule for rule in judged.model.rules if rule["kind"] != "exposure"])[1]
    new = (flags["new_level"] | flags["out_of_range"]).to_numpy()
    return float((new * judged.weights).sum()) / judged.loans


def _departure(study):
    table = study.parallel_lines()
    size = np.log(table.loc[table["term"] != "age of the loan", "departure"].astype(float)).abs()
    return float(np.exp(size.max()))


def _inversions(study):
    if study.parts["by grade"]:
        raise DataError(study.parts["by grade"])
    return float((np.diff(study.bad_by("grade", most=40)["share"]) < 0).sum())


def _groups(study):
    judged = study.judged
    held = [name for name in PROTECTED if name in judged.frame]
    if not held:
        raise DataError("the tape holds no sex, age or marital status: whether groups are treated alike is not known")
    ratios = []
    for name in held:
        values = judged.frame[name]
        if pd.api.types.is_numeric_dtype(values):
            values = pd.cut(values, [0, 25, 35, 50, 65, 200])
        loans = pd.DataFrame({"bad": judged.observed, "pd": judged.pd, "n": judged.weights})
        sums = loans[["bad", "pd"]].mul(loans["n"], axis=0).groupby(values.to_numpy(), observed=True).sum()
        sums = sums[sums["bad"] >= 30]
        ratios += list(sums["pd"] / sums["bad"])
    if not ratios:
        raise DataError(f"no group of {', '.join(held)} has 30 bad loans among those tested")
    return float(max(ratios, key=lambda ratio: abs(np.log(ratio))))


_TEST = "test on other loans"
CHECKS = (
    Check(
        "errors", "Is the tape free of errors?", "errors found", ".0f", "quality", lambda s: s.quality.count("error")
    ),
    Check(
        "warnings", "Is there nothing to look at?", "warnings", ".0f", "quality", lambda s: s.quality.count("warning")
    ),
    Check(
        "information",
        "Does no trait know the outcome?",
        "largest information value",
        ".2f",
        "traits",
        lambda s: s.information()["information value"].max(),
        "traits one by one",
    ),
    Check(
        "digits",
        "Is the fit exact?",
        "correct digits of the worst coefficient",
        ".0f",
        "outcome-model",
        lambda s: min(s.outcome_model.results.digits, 12),  # beyond twelve the last bits of a machine decide
        "outcome model",
    ),
    Check(
        "departure",
        "Are odds ratios the same at every cut?",
        "largest departure, as a ratio of odds ratios",
        ".2f",
        "parallel",
        _departure,
        "parallel lines",
    ),
    Check(
        "later",
        "Was it tested on later loans?",
        "later than those of the fit",
        "yes",
        "test",
        lambda s: float(s.judged.later),
        _TEST,
    ),
    Check(
        "known_then",
        "Was it built on what was known then?",
        "no outcome from after the day",
        "yes",
        "test",
        lambda s: float(not s.judged.hindsight),
        _TEST,
    ),
    Check(
        "loans_tested",
        "Are there enough loans tested?",
        "loans tested",
        ",.0f",
        "test",
        lambda s: s.judged.loans,
        _TEST,
    ),
    Check(
        "bad_tested", "Are there enough bad ones?", "bad loans tested", ",.0f", "test", lambda s: s.judged.bad, _TEST
    ),
    Check(
        "area",
        "Does it rank other loans?",
        "area under the curve, low end of its interval",
        ".3f",
        "test",
        lambda s: s.judged.row["ci_low"],
        _TEST,
    ),
    Check(
        "against_grade",
        "Does it rank no worse than the grade?",
        "area less that of the platform's grade",
        "+.3f",
        "test",
        _against_grade,
        _TEST,
    ),
    Check(
        "drop", "Does the ranking hold?", "area on the loans of the fit less area tested", "+.3f", "test", _drop, _TEST
    ),
    Check("level", "Is the level right?", "predicted over observed", ".2f", "test", _level, _TEST),
    Check("slope", "Is the spread right?", "calibration slope", ".2f", "test", _slope, _TEST),
    Check(
        "score_stability",
        "Is the population the same?",
        "stability index of the probability (if a class is empty, half a loan is added to each)",
        ".3f",
        "test",
        _score_stability,
        _TEST,
    ),
    Check(
        "unseen",
        "Does it know what it meets?",
        "share of tested loans with a value not built on (ends of ranges are rounded outwards)",
        ".1%",
        "test",
        _unseen,
        _TEST,
    ),
    Check("grade_order", "Are the grades in order?", "grades out of order", ".0f", "by-grade", _inversions),
    Check("groups", "Are groups treated alike?", "farthest predicted over observed", ".2f", "test", _groups, _TEST),
)


def read_limits(path: PathLike | None = None) -> dict[str, dict]:
    """Limits of the checklist: those of the package, with those of a file in their place.

    Parameters
    ----------
    path : path-like, optional
        YAML: name of a check -> ``least`` and ``most`` (one of them or both), and ``why``.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        An unknown check, no limit, or no reason.

    Examples
    --------
    >>> read_limits()["errors"]["most"]
    0
    """
    limit = {
        "type": "object",
        "additionalProperties": False,
        "required": ["why"],
        "anyOf": [{"required": ["least"]}, {"required": ["most"]}],
        "properties": {
            "least": {"type": "number"},
            "most": {"type": "number"},
            "why": {"type": "string", "pattern": "\\S"},
        },
    }
    names = {check.name: limit for check in CHECKS}
    schema = {"type": "object", "additionalProperties": False, "properties": names}
    with resources.as_file(resources.files("p2prisk") / "assets" / "limits.yml") as ours:
        found = read_yaml(ours, "limits", schema)
    return found | (read_yaml(path, "limits", schema) if path is not None else {})


def checklist(study: TapeStudy) -> pd.DataFrame:
    """Make every test that the tape allows.

    Parameters
    ----------
    study : TapeStudy

    Returns
    -------
    pandas.DataFrame
        ``question``, ``measure``, ``value``, ``limit`` (texts), ``verdict`` (``passed``, ``finding`` or ``not made``),
        ``why`` (of the limit, or why the test was not made), ``place`` (anchor of the section) and ``whose`` (turn).
    """
    limits = study.settings.limits or read_limits()
    rows = [_row(check, limits[check.name], study) for check in CHECKS]
    table = pd.DataFrame(rows, columns=["question", "measure", "value", "limit", "verdict", "why", "place", "whose"])
    return table.assign(place=table["place"].map(study.place))


def _row(check, limit, study):
    ends = [f"{words} {_shown(limit[key], check.form.lstrip('+'))}" for key, words in _WORDS.items() if key in limit]
    said = "yes" if check.form == "yes" else " and ".join(ends)
    if check.needs and study.parts[check.needs]:
        why = study.parts[check.needs]
        whose = OURS if check.needs in study.gaps else "" if why.startswith(NOT_FOR_THIS_TAPE) else READER
        return check.question, check.measure, "–", said, NOT_MADE, why, check.place, whose
    try:
        value = float(check.measured(study))
        if not np.isfinite(value):
            raise P2PRiskError("it has no finite value on these loans")
    except (P2PRiskError, np.linalg.LinAlgError) as error:
        whose = READER if isinstance(error, DataError) else OURS
        return check.question, check.measure, "–", said, NOT_MADE, str(error).rstrip("."), check.place, whose
    fine = limit.get("least", -np.inf) <= value <= limit.get("most", np.inf)
    shown = _shown(value, check.form) if fine else _outside(value, check.form, limit)
    verdict = PASSED if fine else FINDING
    return check.question, check.measure, shown, said, verdict, limit["why"], check.place, "" if fine else LOOK


def _shown(value, form):
    if form == "yes":
        return "yes" if value else "no"
    text = f"{value:{form}}"
    if not float(text.strip("%").replace(",", "")):  # what rounds to nothing has no sign
        text = f"{0.0:{form.lstrip('+')}}"
    return text.replace("-", "−")


def _outside(value, form, limit):
    """A value outside its limits with as many decimals as keep it from looking like the limit.

    Examples
    --------
    >>> _outside(1.2539, ".2f", {"least": 0.8, "most": 1.25}), _outside(1.5, ".2f", {"most": 1.25})
    ('1.254', '1.50')
    """
    shown, digits = _shown(value, form), re.search(r"\.(\d)", form)
    while digits and int(digits[1]) < 9 and shown in {_shown(limit[key], form) for key in _WORDS if key in limit}:
        form = form.replace(digits[0], f".{int(digits[1]) + 1}")
        shown, digits = _shown(value, form), re.search(r"\.(\d)", form)
    return shown


_WORDS = {"least": "at least", "most": "at most"}


def count_sentence(table: pd.DataFrame) -> Any:
    """How many tests passed, in words.

    Examples
    --------
    >>> count_sentence(pd.DataFrame({"verdict": ["passed", "not made"]}))
    'Of 2 tests 1 passed, 0 lie outside their limits and 1 could not be made.'
    """
    count = table["verdict"].value_counts()
    passed, finding, not_made = (int(count.get(name, 0)) for name in (PASSED, FINDING, NOT_MADE))
    lie = "lies outside its limits" if finding == 1 else "lie outside their limits"
    return f"Of {len(table)} tests {passed} passed, {finding} {lie} and {not_made} could not be made."
