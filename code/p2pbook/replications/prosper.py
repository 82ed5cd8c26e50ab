"""The second platform: what the slopes of Lending Club say of Prosper's loans."""

import numpy as np
import pandas as pd

from p2pbook.reading import coefficient_table
from p2pbook.replications.profile import _with_interval
from p2pbook.replications.store import SEED, replication
from p2pbook.traits import LATER_TRAITS, PROSPER_TRAITS, complete, design, formula
from p2prisk.effects import contrast, explained


def _common(tape, traits, outcome):
    table, reasons = complete(design(tape.frame, traits, outcome))
    return table, reasons


def _transfer(tape):
    """Slopes of the traits that Lending Club 2007-2011 shares with Prosper and with the later Lending Club sample."""
    from p2prisk import OrderedLogit

    frame = tape.frame
    tables, facts = [], {}
    for name, traits, mask in (
        ("prosper", PROSPER_TRAITS, frame["term"] == 36),
        ("modeldata", LATER_TRAITS, frame["term"] > 0),
    ):
        common = [trait for trait in traits if trait.name != "score"]
        table, _ = complete(design(frame[mask], common, "bad"))
        table["bad"] = table["bad"].astype(int)
        result = OrderedLogit.from_formula(formula("bad", common), table).fit()
        facts[name] = {"loans": len(table), "bad": int(table["bad"].sum())}
        tables.append(coefficient_table(result, common).assign(compared_with=name))
    return facts, {"coefficients": pd.concat(tables)}


def _prosper(tape):
    from p2prisk import OrderedLogit
    from p2prisk.validation import auc, delong, stratified_folds

    traits = PROSPER_TRAITS
    frame = tape.frame
    table, reasons = complete(design(frame, traits, "bad"))
    table["bad"] = table["bad"].astype(int)
    grade = frame["grade"].loc[table.index]
    table["grade_step"] = grade.cat.codes.to_numpy(dtype=float)
    rating = frame.groupby("grade", observed=True).agg(loans=("bad", "size"), bad=("bad", "sum")).reset_index()
    rating = _with_interval(rating.astype({"grade": str}))
    words = formula("bad", traits)
    result = OrderedLogit.from_formula(words, table).fit()
    without_score = [trait for trait in traits if trait.name != "score"]
    folds = stratified_folds(table["bad"], 10, SEED)
    out = {name: np.zeros(len(table)) for name in ("traits", "traits without score", "traits and rating")}
    formulas = {
        "traits": words,
        "traits without score": formula("bad", without_score),
        "traits and rating": f"{words} + grade_step",
    }
    for fold in np.unique(folds):
        held = folds == fold
        for name, text in formulas.items():
            fit = OrderedLogit.from_formula(text, table[~held]).fit()
            out[name][held] = fit.predict(table[held], which="linear")
    out["rating"] = table["grade_step"].to_numpy()
    # the Lending Club slopes of the shared traits, applied as they are
    carried = replication("e2-transfer").table("coefficients").query("compared_with == 'prosper'")
    carried = carried.set_index("name")["estimate"]
    matrix = pd.DataFrame(result.model.exog, columns=result.model.exog_names)
    shared = [name for name in carried.index if name in matrix]
    out["Lending Club slopes"] = (matrix[shared] * carried[shared]).sum(axis=1).to_numpy()
    bad = table["bad"].to_numpy(dtype=bool)
    found = delong(bad, out)
    own = OrderedLogit.from_formula(
        formula(
            "bad",
            [
                t
                for t in without_score
                if t.name
                in set(replication("e2-transfer").table("coefficients").query("compared_with == 'prosper'")["trait"])
            ],
        ),
        table,
    ).fit()
    facts = {
        "loans": len(table),
        "bad": int(bad.sum()),
        "closed_not_in_cohort": int(sum(entry["rows"] for entry in tape.set_aside)),
        "first": frame["issue_date"].min(),
        "last": frame["issue_date"].max(),
        "folds": 10,
        "auc_own_shared": auc(bad, own.predict(which="linear")),
        "shared": shared,
        "mcfadden": float(explained(result)["mcfadden"]),
    }
    step = contrast(OrderedLogit.from_formula("bad ~ grade_step", table).fit(), {"grade_step": 1.0})
    facts["odds_ratio_rating"] = step[2:]
    return facts, {
        "rating": rating,
        "coefficients": coefficient_table(result, traits),
        "shared_coefficients": coefficient_table(own, traits),
        "auc": found.table.rename_axis("model").reset_index(),
        "auc_differences": found.comparisons,
        "set_aside": reasons,
    }
