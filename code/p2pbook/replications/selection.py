"""The traits of the repayment model, chosen inside 2007 to 2010, and the settings of its strongest rival."""

import numpy as np
import pandas as pd

from p2pbook.lendingclub import FITTED_TO
from p2pbook.replications.store import SEED, replication
from p2pbook.traits import OUTCOME_BASE, OUTCOME_STEPS, complete, design, formula
from p2prisk.ordered import OrderedLogit
from p2prisk.validation import auc, by_grade, gradient_boosting, log_score, stratified_folds

#: severity code from which a loan is charged off
BAD_CUT = 2

#: least gain of the area under the curve that a step must bring
_GAIN = 0.0005

#: seeds and number of the folds within 2007-2010
_CV_SEEDS, _FOLDS = (SEED, SEED + 1), 5

#: settings of gradient boosting that compete
BOOSTING = (
    {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 15},
    {"max_iter": 150, "learning_rate": 0.05, "max_depth": 2},
    {"max_iter": 200, "learning_rate": 0.03, "max_depth": 3, "l2_regularization": 20.0},
)

#: what the trees see: the columns of the traits, untransformed
BOOSTING_COLUMNS = (
    "amount",
    "term",
    "purpose",
    "income",
    "dti",
    "employment",
    "home",
    "region",
    "inquiries",
    "delinquencies_2y",
    "months_since_delinquency",
    "public_records",
    "utilisation",
    "revolving_balance",
    "open_accounts",
    "total_accounts",
    "credit_history_years",
    "vintage",
)


def outcome_sample(tape, traits):
    """The loans of the outcome study: traits, severity, year, and what was set aside.

    Parameters
    ----------
    tape : LoanTape
        Lending Club 2007-2011.
    traits : sequence of Trait

    Returns
    -------
    table : pandas.DataFrame
        Traits, ``severity``, and ``year`` of issue; complete rows.
    reasons : pandas.DataFrame
        Blanks by column, see :func:`p2pbook.traits.complete`.
    """
    table, reasons = complete(design(tape.frame, traits, "severity"))
    return table.assign(year=tape.frame["issue_date"].dt.year.loc[table.index]), reasons


def auc_within(event, score, group):
    """Area under the ROC curve from pairs of loans of the same group only, weighted by their number.

    A score that only knows in which year a loan was issued must not count as one that ranks borrowers.

    Examples
    --------
    >>> auc_within([0, 1, 0, 1], [1, 2, 7, 6], [2009, 2009, 2010, 2010])
    0.5
    """
    event, score, group = np.asarray(event, dtype=bool), np.asarray(score), np.asarray(group)
    total = pairs = 0.0
    for value in np.unique(group):
        mine = group == value
        count = float(event[mine].sum()) * float((~event[mine]).sum())
        if count:
            total += count * auc(event[mine], score[mine])
            pairs += count
    return float(total / pairs)


def _cross_validated(table, fit_predict):
    """Mean over seeds of the within-year area under the curve (charged off) and of the log score.

    `fit_predict` takes two masks over the rows of `table` and returns class probabilities of the second.
    """
    codes = table["severity"].cat.codes.to_numpy()
    found = []
    for seed in _CV_SEEDS:
        folds = stratified_folds(table["severity"], _FOLDS, seed)
        predicted = np.zeros((len(table), len(table["severity"].cat.categories)))
        for fold in np.unique(folds):
            held = folds == fold
            predicted[held] = np.asarray(fit_predict(~held, held))
        score = predicted[:, BAD_CUT:].sum(axis=1)
        newest = (table["year"] == FITTED_TO).to_numpy()
        found.append(
            (
                auc_within(codes >= BAD_CUT, score, table["year"]),
                auc_within((codes >= BAD_CUT)[newest], score[newest], table["year"][newest]),
                log_score(codes, predicted),
            )
        )
    return np.mean(found, axis=0)


def selection_study(tape):
    """Choose the traits of the repayment model step by step, and the settings of gradient boosting.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``; only the loans to 2010 are looked at.

    Returns
    -------
    facts : dict
        The traits ``chosen`` and the setting of ``boosting``, with their areas under the curve.
    tables : dict of pandas.DataFrame
        ``steps`` (one row a group of traits that was tried), ``rivals``, ``set_aside``.
    """
    everything = [*OUTCOME_BASE, *(trait for step in OUTCOME_STEPS.values() for trait in step)]
    table, reasons = outcome_sample(tape, everything)
    table = table[table["year"] <= FITTED_TO]
    chosen, current, steps = _choose(table)
    rivals = _rivals(tape, table)
    best = max(range(1, len(rivals)), key=lambda i: rivals[i]["auc_within_year"])
    facts = {
        "loans": len(table),
        "folds": _FOLDS,
        "seeds": list(_CV_SEEDS),
        "least_gain": _GAIN,
        "chosen": [trait.name for trait in chosen],
        "boosting": best - 1,
        "auc_within_year": current["auc_within_year"],
        "auc_2010": current["auc_2010"],
    }
    return facts, {"steps": pd.DataFrame(steps), "rivals": pd.DataFrame(rivals), "set_aside": reasons}


def _measure(table, name, fit_predict, slopes):
    value, newest, log = _cross_validated(table, fit_predict)
    return {"step": name, "slopes": slopes, "auc_within_year": value, "auc_2010": newest, "log_score": log}


def _choose(table):
    """Keep each step of traits that gains enough; the traits, how they rank, and one row a step."""

    def logit(traits):
        # no trait learns from the data, so the design of all rows serves every fold
        model = OrderedLogit.from_formula(formula("severity", traits), table)
        codes, exog = model.endog_codes, model.exog
        return (lambda train, test: OrderedLogit(codes[train], exog[train]).fit().predict(exog[test]), exog.shape[1])

    chosen = list(OUTCOME_BASE)
    current = _measure(table, "base", *logit(chosen))
    rows = [{**current, "gain": np.nan, "kept": True}]
    for name, step in OUTCOME_STEPS.items():
        found = _measure(table, name, *logit([*chosen, *step]))
        gain = found["auc_within_year"] - current["auc_within_year"]
        kept = gain >= _GAIN and found["log_score"] < current["log_score"]
        rows.append({**found, "gain": gain, "kept": kept})
        if kept:
            chosen, current = [*chosen, *step], found
    return chosen, current, rows


def _rivals(tape, table):
    """One row for the platform's sub-grade, then one for each setting of gradient boosting."""
    raw = tape.frame.loc[table.index]
    seen = raw.assign(vintage=table["vintage"])[list(BOOSTING_COLUMNS)].assign(
        severity=table["severity"], year=table["year"], sub_grade=raw["sub_grade"]
    )

    def rival(maker):
        return lambda train, test: maker(seen[train], seen[test])

    rivals = [{**_measure(table, "sub-grade", rival(by_grade("severity", "sub_grade")), 0), "options": ""}]
    for options in BOOSTING:
        trees = gradient_boosting("severity", BOOSTING_COLUMNS, seed=SEED, **options)
        found = _measure(table, "gradient boosting", rival(trees), 0)
        rivals.append({**found, "options": ", ".join(f"{key} {value:g}" for key, value in options.items())})
    return rivals


def chosen_traits():
    """The traits that the stored selection kept, in its order."""
    every = {
        trait.name: trait for trait in (*OUTCOME_BASE, *(trait for step in OUTCOME_STEPS.values() for trait in step))
    }
    return [every[name] for name in replication("e2-selection")["chosen"]]
