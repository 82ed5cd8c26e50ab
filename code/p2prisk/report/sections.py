"""The sections of a study: what each computes, where it stands, and why one is left out.

A section is tried once, before anything is written. What it makes goes into the results by name, which is all that the
chapters and the workbook read; a section that cannot be made leaves its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from p2prisk.errors import DataError, P2PRiskError
from p2prisk.report import ages, bins
from p2prisk.report.results import Results, Shown

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy


@dataclass(frozen=True)
class Section:
    """A section of the study.

    Attributes
    ----------
    part : str
        What the tables of the study call it.
    anchor : str
        Its heading is ``#sec-`` and this.
    makes : dict
        Name of a result -> what makes it of a :class:`~p2prisk.report.study.TapeStudy`.
    after : str
        Part without which it cannot be made.
    counts : bool
        Whether it counts loans: then it is made of all of them, before any are drawn for the models.
    """

    part: str
    anchor: str
    makes: dict[str, Callable[[TapeStudy], Any]]
    after: str = ""
    counts: bool = False


def _odds(which: str, study: TapeStudy) -> Any:
    return study.odds(getattr(study, which))


def _parallel(study):
    return study.parallel_lines().attrs["sentence"]


def _remedies(which, study):
    return study.remedies(getattr(study, which))


#: in the order in which they are tried
SECTIONS = (
    Section(
        "outcome model",
        "outcome-model",
        {
            "outcome_odds": partial(_odds, "outcome_model"),
            "outcome_fit": lambda study: study.fit_sentence(study.outcome_model),
            "outcome_remedies": partial(_remedies, "outcome_model"),
            "outcome": lambda study: study.outcome_shares(),
            "answer": lambda study: study.answer(),
        },
    ),
    Section(
        "grade model",
        "grade-model",
        {
            "grade_odds": partial(_odds, "grade_model"),
            "grade_fit": lambda study: study.grade_fit_sentence(),
            "grade_remedies": partial(_remedies, "grade_model"),
        },
    ),
    Section("traits one by one", "traits", {"information": lambda study: study.information()}),
    Section(
        "by grade",
        "by-grade",
        {"by_grade": lambda study: study.bad_by("grade", most=40), "grade_order": lambda study: study.grade_sentence()},
        counts=True,
    ),
    Section(
        "by vintage",
        "by-vintage",
        {"by_vintage": lambda study: study.vintages(), "vintage_words": lambda study: study.vintage_sentence()},
        counts=True,
    ),
    Section("by age", "by-age", {"by_age": lambda study: study.ends_by_age()}, counts=True),
    Section(
        "parallel lines",
        "parallel",
        {"parallel": lambda study: study.parallel_lines(), "parallel_words": _parallel},
        "outcome model",
    ),
    Section("goodness of fit", "fit", {"goodness": lambda study: study.goodness_of_fit}, "outcome model"),
    Section(
        "test on other loans",
        "test",
        {
            "test_words": lambda study: study.judged.sentence(),
            "test_remedies": lambda study: study.judged.remedies,
            "test_area": lambda study: study.judged.table(),
            "test_reliability": lambda study: study.judged.reliability(),
            "frontier": lambda study: study.judged.frontier(),
            "frontier_words": lambda study: study.judged.frontier_sentence(),
            "cutoff_words": lambda study: study.cutoff_sentence(),
        },
    ),
    Section(
        "classes of the traits",
        "bins",
        {"bins": lambda study: bins.bin_table(study), "bins_words": lambda study: bins.sides_sentence(study)},
        "traits one by one",
    ),
    Section(
        "missing values by year",
        "gaps",
        {"gaps": lambda study: bins.gaps_by_year(study), "gaps_words": lambda study: bins.gaps_sentence(study)},
        counts=True,
    ),
    Section(
        "how loans end",
        "curves",
        {
            "curves": lambda study: study.curves,
            "curves_words": lambda study: f"{ages.dated_by(study)} {ages.curves_sentence(study.curves)}",
        },
        counts=True,
    ),
    Section(
        "hazard",
        "hazard",
        {
            "hazard": lambda study: ages.hazard_effects(study),
            "hazard_ages": lambda study: ages.hazard_by_age(study),
            "hazard_words": lambda study: ages.hazard_sentence(study),
            "hazard_remedies": partial(_remedies, "hazard"),
        },
    ),
    Section(
        "score card",
        "card",
        {
            "card": lambda study: study.card.card.attributes.query("estimated")[
                ["characteristic", "attribute", "points", "lost"]
            ],
            "card_words": lambda study: study.card_sentence(),
            "card_widget": lambda study: Shown.of(study.card.card.widget()),
        },
        "outcome model",
    ),
    Section(
        "master scale",
        "scale",
        {
            "scale": lambda study: study.scale(),
            "scale_rule": lambda study: study.scale_rule(),
            "scale_words": lambda study: study.scale_sentence(),
        },
        "outcome model",
    ),
    Section(
        "prices by grade",
        "price",
        {"prices": lambda study: study.prices(), "prices_words": lambda study: study.prices_sentence()},
        counts=True,
    ),
    Section(
        "loss given default",
        "lgd",
        {"lgd": lambda study: study.given_default(), "lgd_words": lambda study: study.given_default_sentence()},
        counts=True,
    ),
    Section(
        "model of the loss",
        "lgd-model",
        {
            "lgd_model": lambda study: study.loss_model.table,
            "lgd_model_words": lambda study: study.loss_model.sentence(),
        },
        "loss given default",
    ),
    Section(
        "expected loss by stage",
        "staged",
        {
            "staged": lambda study: study.staged.table,
            "staged_assumptions": lambda study: study.staged.assumptions,
            "staged_words": lambda study: study.staged.sentence(),
        },
    ),
    Section(
        "reject inference",
        "declined",
        {"declined": lambda study: study.declined.table, "declined_words": lambda study: study.declined.sentence()},
        "outcome model",
    ),
    Section("concentration", "concentration", {"concentration": lambda study: study.concentration()}, counts=True),
)
BY_PART = {section.part: section for section in SECTIONS}


def try_sections(study: TapeStudy) -> Results:
    """Make every section that the tape can carry; what cannot be made is left out, with its reason.

    Parameters
    ----------
    study : TapeStudy
        Its ``parts`` get the reasons, its ``gaps`` the parts that our method, and not the tape, left out.

    Returns
    -------
    Results
    """
    results = Results()
    drawn = False
    for section in sorted(SECTIONS, key=lambda one: not one.counts):
        if not section.counts and not drawn:
            study.draw()
            drawn = True
        if not study.parts[section.part] and section.after and study.parts[section.after]:
            study.parts[section.part] = f"it rests on the part '{section.after}', which is left out"
            if section.after in study.gaps:
                study.gaps.add(section.part)
        if study.parts[section.part]:
            continue
        try:
            made = {name: make(study) for name, make in section.makes.items()}
        except (P2PRiskError, np.linalg.LinAlgError) as error:
            study.parts[section.part] = str(error).rstrip(".")
            if not isinstance(error, DataError):
                study.gaps.add(section.part)
        else:
            results.values |= made
    return results
