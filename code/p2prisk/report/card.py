"""The model card of a study: what the model is, on what it rests, how it did, and what only the lender can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from p2prisk.errors import count_of
from p2prisk.report.checklist import count_sentence
from p2prisk.standard import PROTECTED

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

#: what nobody but the lender can write
TO_COMPLETE = (
    ("use", "for which decisions the model may be used, and on whom"),
    ("owner", "who answers for it, and who may change it"),
    ("definition of default", "whether the event of this study is that of your policy, and where they differ"),
    ("data", "how the tape was drawn, by whom, and what was left out before this program saw it"),
    ("independent validation", "who repeated this study that did not build the model, and what was found"),
    ("monitoring", "how often 'p2prisk monitor' runs, on which loans, and who reads it"),
)


def model_card(study: TapeStudy, checks: pd.DataFrame) -> pd.DataFrame:
    """The card of the outcome model.

    Parameters
    ----------
    study : TapeStudy
        Whose sections have been tried; with an outcome model.
    checks : pandas.DataFrame
        Of :func:`p2prisk.report.checklist.checklist`.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``what``.
    """
    model, decisions = study.outcome_model, study.settings.decisions.table()
    results, issued = model.results, " to ".join(model.population.get("issued", ())) or "at unknown dates"
    classes, size = " < ".join(map(str, results.categories)), count_of(len(results.exog_names), "coefficient")
    used = [rule["column"] for rule in model.rules if rule["kind"] != "exposure"]
    asked = [name for name in PROTECTED if name in study.sample.frame]
    aside = int(sum(entry["rows"] for entry in study.sample.set_aside))
    rows = [
        ("model", f"ordered logit of {model.outcome} ({classes}), {size}; model.json"),
        ("predicts", study.event.name if study.event else "bad"),
        ("fitted on", f"{int(results.nobs):,d} loans issued {issued}; {aside:,d} rows set aside"),
        ("traits", ", ".join(used)),
        ("protected traits", _protected(used, asked)),
        ("finite estimates", study.remedies(model)),
        ("decisions of the lender", "; ".join(decisions["decision"]) or "none: the rules of this program chose"),
    ]
    if study.parts["test on other loans"]:
        rows.append(("tested", f"not tested: {study.parts['test on other loans']}"))
    else:
        judged = study.judged
        rows += [
            ("tested", f"{judged.loans:,d} loans, {judged.bad:,d} bad: {judged.tested}, by the {judged.name}"),
            ("ranks", f"area {judged.row['auc']:.3f} ({judged.row['ci_low']:.3f} to {judged.row['ci_high']:.3f})"),
            ("level", judged.calibration_sentence()),
            ("hindsight", judged.hindsight or "none: it knew what was known on its day"),
        ]
    rows += [
        ("checklist", count_sentence(checks)),
        ("says nothing of", "applicants who were refused, other lenders, what a change of a trait would do"),
    ]
    return pd.DataFrame(rows, columns=["item", "what"])


def _protected(used, asked):
    inside = [name for name in used if name in PROTECTED]
    if inside:
        return f"in the model, as asked: {', '.join(inside)}"
    return f"on the tape, not in the model: {', '.join(asked)}" if asked else "none on the tape"
