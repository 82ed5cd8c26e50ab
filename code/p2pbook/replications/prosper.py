"""The second platform: what the slopes of Lending Club say of Prosper's loans."""

import numpy as np
import pandas as pd

from p2pbook.reading import coefficient_table, with_interval
from p2pbook.replications.store import SEED, replication
from p2pbook.traits import LATER_TRAITS, PROSPER_TRAITS, complete, design, formula
from p2prisk.effects import contrast, explained
from p2prisk.ordered import OrderedLogit
from p2prisk.validation import auc, delong, stratified_folds

_FOLDS = 10


def transfer_study(tape):
    """Fit charge-off on the traits that Lending Club 2007-2011 shares with Prosper and with its own later sample.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        Loans and charge-offs of each fit.
    tables : dict of pandas.DataFrame
        ``coefficients``, with the sample they are ``compared_with``.
    """
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


def prosper_study(tape):
    """Fit charge-off on Prosper's own loans, and rank them by other scores: its rating, Lending Club's slopes.

    Parameters
    ----------
    tape : LoanTape
        ``prosper``, the resolved cohort.

    Returns
    -------
    facts : dict
    tables : dict of pandas.DataFrame
        ``rating`` (losses by rating), ``coefficients`` and ``shared_coefficients`` (of the traits that Lending Club
        has, too), ``auc`` and ``auc_differences`` of all scores, ``set_aside``.
    """
    frame = tape.frame
    table, reasons = complete(design(frame, PROSPER_TRAITS, "bad"))
    table = table.assign(
        bad=table["bad"].astype(int), grade_step=frame["grade"].loc[table.index].cat.codes.to_numpy(dtype=float)
    )
    result = OrderedLogit.from_formula(formula("bad", PROSPER_TRAITS), table).fit()
    carried = replication("e2-transfer").table("coefficients").query("compared_with == 'prosper'")
    scores = _cross_validated(table)
    scores["rating"] = table["grade_step"].to_numpy()
    scores["Lending Club slopes"], shared = _carried_score(result.model, carried.set_index("name")["estimate"])
    bad = table["bad"].to_numpy(dtype=bool)
    found = delong(bad, scores)
    common = [trait for trait in PROSPER_TRAITS if trait.name != "score" and trait.name in set(carried["trait"])]
    own = OrderedLogit.from_formula(formula("bad", common), table).fit()
    step = contrast(OrderedLogit.from_formula("bad ~ grade_step", table).fit(), {"grade_step": 1.0})
    facts = {
        "loans": len(table),
        "bad": int(bad.sum()),
        "closed_not_in_cohort": int(sum(entry["rows"] for entry in tape.set_aside)),
        "first": frame["issue_date"].min(),
        "last": frame["issue_date"].max(),
        "folds": _FOLDS,
        "auc_own_shared": auc(bad, own.predict(which="linear")),
        "shared": shared,
        "mcfadden": float(explained(result)["mcfadden"]),
        "odds_ratio_rating": step[2:],
    }
    rating = frame.groupby("grade", observed=True).agg(loans=("bad", "size"), bad=("bad", "sum")).reset_index()
    return facts, {
        "rating": with_interval(rating.astype({"grade": str})),
        "coefficients": coefficient_table(result, PROSPER_TRAITS),
        "shared_coefficients": coefficient_table(own, common),
        "auc": found.table.rename_axis("model").reset_index(),
        "auc_differences": found.comparisons,
        "set_aside": reasons,
    }


def _cross_validated(table):
    """Linear predictors of every loan from a model that has not seen it: name -> array."""
    words = formula("bad", PROSPER_TRAITS)
    formulas = {
        "traits": words,
        "traits without score": formula("bad", [trait for trait in PROSPER_TRAITS if trait.name != "score"]),
        "traits and rating": f"{words} + grade_step",
    }
    folds = stratified_folds(table["bad"], _FOLDS, SEED)
    out = {name: np.zeros(len(table)) for name in formulas}
    for fold in np.unique(folds):
        held = folds == fold
        for name, text in formulas.items():
            fit = OrderedLogit.from_formula(text, table[~held]).fit()
            out[name][held] = fit.predict(table[held], which="linear")
    return out


def _carried_score(model, slopes):
    """Score by slopes of other loans, applied as they are, and the columns that both have."""
    matrix = pd.DataFrame(model.exog, columns=model.exog_names)
    shared = [name for name in slopes.index if name in matrix]
    return (matrix[shared] * slopes[shared]).sum(axis=1).to_numpy(), shared
