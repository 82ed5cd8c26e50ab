"""What only the lender can decide: read from a file, each with its reason, applied and printed.

::

    exclude:
      - trait: region
        reason: A place can stand for a protected trait.
    merge:
      - trait: home
        classes: [other]
        into: rent
        reason: Two loans in a thousand.
    horizon: {months: 12, reason: Provisions of stage 1 look a year ahead.}
    grades: {number: 5, reason: The master scale of the bank has five grades.}
    cutoff: {accept: 0.8, reason: Decided by the credit committee.}

A run with such a file stops where a decision is open that only the lender can take, and suggests a value.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape import COLUMNS, LoanTape
from p2prisk.tape.bounds import building, check_yaml
from p2prisk.tape.privacy import kind_of

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike
    from p2prisk.report.study import TapeStudy


@cache
def _schema():
    return json.loads((resources.files("p2prisk") / "assets" / "decisions.schema.json").read_text(encoding="utf-8"))


def read_yaml(path: PathLike, what: str, schema: dict) -> dict:
    """A small YAML file held to a schema.

    Raises
    ------
    DataError
        Absent, not YAML, or not by the schema; the message names the place.
    """
    import jsonschema
    import yaml

    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path.name}: there is no such file of {what}")
    if path.stat().st_size > 1 << 20:
        raise DataError(f"{path.name}: larger than a megabyte, so no file of {what}")
    try:
        text = path.read_text(encoding="utf-8-sig") if path.stat().st_size else ""  # such a one may have no end
        check_yaml(text, path.name, yaml)
        with building(path.name):
            found = yaml.safe_load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise DataError(f"{path.name}{f', line {mark.line + 1}' if mark else ''}: not YAML; correct it there") from None
    place = _not_finite(found)
    if place is not None:
        raise DataError(f"{path.name}: at {place}: a number that is finite is needed")
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(found))
    if error is not None:
        place = ".".join(map(str, error.absolute_path)) or "its top"
        raise DataError(f"{path.name}: at {place}: {_plain(error)}")
    for place, text in _texts(found):
        if what := kind_of(text):
            raise DataError(f"{path.name}: at {place}: holds personal data ({what}), and is printed; leave it out")
    return found


def _texts(value, place=()):
    """Every text of what was read, and where it stands."""
    if isinstance(value, str):
        yield ".".join(place), value
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _texts(one, (*place, str(key)))


def _not_finite(value, place=()):
    """Where a number is not finite, which no bound of a schema stops; None if all are."""
    if isinstance(value, float) and not math.isfinite(value):
        return ".".join(map(str, place)) or "its top"
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return next((found for key, part in parts if (found := _not_finite(part, (*place, key))) is not None), None)


_FORMS = {
    "array": "a list is needed, one entry a line after a dash",
    "object": "keys are needed, each with its value: ",
    "string": "words are needed",
    "integer": "a whole number is needed",
    "number": "a number is needed",
}


def _plain(error):
    """What is wrong with a file that a schema refuses, for who writes it."""
    if error.validator == "required":
        return error.message + ("; every decision has a reason" if "reason" in error.message else "")
    if error.validator == "pattern":
        return "write the reason in words"
    if error.validator == "type" and error.validator_value in _FORMS:
        return _FORMS[error.validator_value] + ", ".join(error.schema.get("properties", ()))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        strange = ", ".join(repr(key) for key in error.instance if key not in known)[:200]
        return f"{strange} is no key here; the keys are {', '.join(known)}"
    if error.validator in ("oneOf", "anyOf"):
        return "give one of " + " or ".join(option["required"][0] for option in error.validator_value)
    return error.message[:300]


@dataclass(frozen=True)
class Decisions:
    """Decisions of the lender; see the module.

    Attributes
    ----------
    plain : dict
        As in the file.

    Examples
    --------
    >>> made = Decisions({"exclude": [{"trait": "dti", "reason": "not kept by our bureau"}]})
    >>> made.table()["decision"].tolist()
    ['leave out dti']
    """

    plain: dict = field(default_factory=dict)

    @classmethod
    def read(cls, path: PathLike) -> Decisions:
        """Read and check a file of decisions.

        Raises
        ------
        DataError
            As of :func:`read_yaml`; or bounds of grades that do not increase.
        """
        plain = read_yaml(path, "decisions", _schema())
        bounds = plain.get("grades", {}).get("bounds", [])
        if sorted(set(bounds)) != bounds:
            raise DataError(
                f"{Path(path).name}: at grades.bounds: the bounds increase from the best grade to the worst"
            )
        return cls(plain)

    def get(self, name: str, key: str) -> Any:
        """A value of a decision; None where it is not taken."""
        return self.plain.get(name, {}).get(key)

    def apply(self, tape: LoanTape) -> LoanTape:
        """The tape without what is excluded, with classes merged and grades in order.

        Raises
        ------
        DataError
            A decision names what the tape does not have.
        """
        if not set(self.plain) & {"exclude", "merge", "grade_order"}:
            return tape
        frame, unused = tape.frame.copy(deep=False), dict(tape.unused)
        facts = dict(tape.provenance)
        for entry in self.plain.get("merge", ()):
            frame[entry["trait"]] = _merged(frame, entry)
        for entry in self.plain.get("exclude", ()):
            name = entry["trait"]
            if name not in frame or COLUMNS[name].known != "issue" or name in ("issue_date", "issue_year"):
                has = ", ".join(n for n in tape.known_at_issue() if n not in ("issue_date", "issue_year"))
                raise DataError(f"decisions: exclude {name!r}: no trait of this tape; it has {has}")
            frame = frame.drop(columns=name)
            unused[name] = f"left out by decision of the lender: {entry['reason']}"
        if "grade_order" in self.plain:
            order = [str(level) for level in self.plain["grade_order"]["best_first"]]
            levels = [] if "grade" not in frame else [str(level) for level in frame["grade"].cat.categories]
            if sorted(order) != sorted(levels):
                raise DataError(f"decisions: grade_order names {', '.join(order)}; the tape has {', '.join(levels)}")
            frame["grade"] = pd.Categorical(
                frame["grade"].astype(str).where(frame["grade"].notna()), order, ordered=True
            )
            facts["grade_order"] = "stated"
        return LoanTape(frame, facts, list(tape.set_aside), list(tape.notes), unused, tape.rows)

    def table(self) -> pd.DataFrame:
        """The decisions for print: ``decision``, ``reason``."""
        rows = [(f"leave out {entry['trait']}", entry["reason"]) for entry in self.plain.get("exclude", ())]
        rows += [
            (f"{entry['trait']}: merge {', '.join(entry['classes'])} into {entry['into']}", entry["reason"])
            for entry in self.plain.get("merge", ())
        ]
        words = {
            "grade_order": lambda own: f"grades, best first: {', '.join(map(str, own['best_first']))}",
            "horizon": lambda own: f"horizon: {own['months']} months from issue",
            "grades": lambda own: (
                f"master scale: {own['number']} grades to begin with"
                if "number" in own
                else f"master scale: highest probability of each grade {', '.join(f'{b:g}' for b in own['bounds'])}"
            ),
            "cutoff": lambda own: (
                f"cut-off: accept the safest {100 * own['accept']:g} per cent"
                if "accept" in own
                else f"cut-off: accept up to a probability of {100 * own['pd']:g} per cent"
            ),
        }
        rows += [
            (say(self.plain[name]), self.plain[name]["reason"]) for name, say in words.items() if name in self.plain
        ]
        return pd.DataFrame(rows, columns=["decision", "reason"])


def _merged(frame, entry):
    """Values of a trait with some of its classes in one."""
    name, values = entry["trait"], frame.get(entry["trait"])
    if values is None or COLUMNS[name].known != "issue":
        raise DataError(f"decisions: merge {name!r}: no trait of this tape")
    if pd.api.types.is_numeric_dtype(values):
        raise DataError(f"decisions: merge {name!r}: it is a number; classes of numbers are cut by rule")
    levels = [str(v) for v in (values.cat.categories if hasattr(values, "cat") else values.dropna().unique())]
    absent = [level for level in (*entry["classes"], entry["into"]) if level not in levels]
    if absent or entry["into"] in entry["classes"]:
        wrong = f"no class {absent[0]!r}" if absent else f"{entry['into']!r} cannot go into itself"
        raise DataError(f"decisions: merge {name!r}: {wrong}; its classes are {', '.join(levels[:40])}")
    kept = [level for level in levels if level not in entry["classes"]]
    ordered = bool(getattr(values.dtype, "ordered", False))
    text = values.astype(object).where(~values.isin(entry["classes"]), entry["into"])
    return pd.Categorical(text, kept, ordered=ordered) if hasattr(values, "cat") else text


@dataclass(frozen=True)
class Suggestion:
    """A decision that is open.

    Attributes
    ----------
    name : str
        Key of the file.
    value : dict
        Suggested.
    reason : str
        Why this value; the lender writes its own.
    """

    name: str
    value: dict
    reason: str

    def __str__(self):
        values = ", ".join(f"{key}: {json.dumps(value)}" for key, value in self.value.items())
        return f'# suggested: {self.reason}\n{self.name}: {{{values}, reason: ""}}'


def open_decisions(study: TapeStudy) -> list[Suggestion]:
    """What the lender alone can decide on a tape and has not, each with a value and its reason.

    Parameters
    ----------
    study : TapeStudy

    Returns
    -------
    list of Suggestion
    """
    event, taken, found = study.event, study.settings.decisions.plain, []
    facts = study.sample.provenance
    if facts.get("grade_order") == "unknown" and "grade_order" not in taken:
        levels = [str(level) for level in study.sample.frame["grade"].cat.categories]
        found.append(
            Suggestion("grade_order", {"best_first": levels}, "neither the mapping nor the losses say which is best")
        )
    if event is None or study.parts["outcome model"]:
        return found
    if event.kind in ("within", "stage") and event.horizon and not event.one_age and "horizon" not in taken:
        found.append(Suggestion("horizon", {"months": event.horizon}, event.rule))
    if "cutoff" not in taken:
        found.append(suggested_cutoff(study))
    return found


def suggested_cutoff(study: TapeStudy) -> Suggestion:
    """The chance of loss that the mean rate pays for; else four in five, which is a convention.

    Parameters
    ----------
    study : TapeStudy

    Returns
    -------
    Suggestion
    """
    from p2prisk.policy import highest_pd

    if why := study.parts["prices by grade"]:
        return Suggestion(
            "cutoff", {"accept": 0.8}, f"a convention of this report, as no loss is set against a gain: {why}"
        )
    facts = study.prices().attrs
    frame = study.sample.frame
    rate = float(frame.loc[frame["term"] == facts["term"], "rate"].mean()) / 100
    bound = highest_pd(rate, facts["term"], recovery=facts["recovery"], costs=facts["costs"])
    bound = min(max(round(bound, 3), 0.001), 0.999)
    reason = (
        f"at the mean rate of {100 * rate:.1f} per cent over {facts['term']} months, with "
        f"{100 * facts['recovery']:.0f} per cent of what is owed coming back, a loan pays up to this chance of loss"
    )
    return Suggestion("cutoff", {"pd": bound}, reason)
