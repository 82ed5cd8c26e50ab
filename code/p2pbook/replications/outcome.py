"""The repayment model: fitted on 2007 to 2010, looked at on 2011."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from p2pbook.lendingclub import FITTED_TO
from p2pbook.reading import block_contributions, coefficient_table, effect_curve
from p2pbook.replications.selection import BAD_CUT, BOOSTING, BOOSTING_COLUMNS, chosen_traits, outcome_sample
from p2pbook.replications.store import SEED, replication
from p2pbook.traits import OUTCOME_BASE, formula
from p2prisk.effects import contrast, explained
from p2prisk.ordered import OrderedLogit
from p2prisk.validation import (
    binary_logits,
    by_grade,
    calibration_by_cut,
    compare_on_test,
    delong,
    gradient_boosting,
    kolmogorov_smirnov,
    multinomial_logit,
    ordered_logit,
    ordinal_scores,
    population_stability,
    reliability_by_cut,
    stability_table,
)

#: looks at the outcomes of 2011 made in this project: a first try of 14 traits, a first table of counts, what the
#: classes of the committed counts cost (data/lendingclub_2007_2011_binning.csv), and this one
LOOKS_AT_2011 = 4

_TERMS = (36, 60)

_CURVES = (
    ("inquiries", np.arange(0, 9), 0, "inquiries (0 = 1)"),
    ("income", np.geomspace(15_000, 250_000, 33), 50_000, "income, $ (50k = 1)"),
    ("amount", np.geomspace(1_000, 35_000, 33), 10_000, "amount, $ (10k = 1)"),
    ("revolving_balance", np.geomspace(500, 100_000, 33), 10_000, "card balance, $ (10k = 1)"),
    ("utilisation", np.linspace(0, 100, 21), 0, "card limits used, % (0 = 1)"),
    ("dti", np.linspace(0, 30, 16), 0, "debt service, % (0 = 1)"),
)


def _rivals(tape, traits):
    """Makers of every model that is shown beside the ordered logit, on design frames."""
    selection = replication("e2-selection")
    options = dict(BOOSTING[selection["boosting"]])
    raw = tape.frame
    trees = gradient_boosting("severity", BOOSTING_COLUMNS, seed=SEED, **options)

    def boosting(train, test):
        return trees(
            raw.loc[train.index].assign(vintage=train["vintage"], severity=train["severity"]),
            raw.loc[test.index].assign(vintage=test["vintage"], severity=test["severity"]),
        )

    words = formula("severity", traits)
    return {
        "ordered logit": ordered_logit(words),
        "ordered logit, base traits": ordered_logit(formula("severity", OUTCOME_BASE)),
        "gradient boosting": boosting,
        "sub-grade": by_grade("severity", "sub_grade"),
        "grade": by_grade("severity", "grade"),
        "ordered logit and sub-grade": ordered_logit(f"{words} + sub_grade_step"),
        "partial proportional odds": ordered_logit(words, nonparallel=list(FREED)),
        "binary logits, one a cut": binary_logits(words),
        "multinomial logit": multinomial_logit(words),
    }


#: traits whose slopes may differ by cut in the partial model: the largest departures in 2007-2010 (e2-verification)
FREED = ("long_term", "amount", "amount_above_6k", "vintage")

#: willingness, taken apart; and what may just as well be called ability
_GROUPS = (
    ("inquiries", ("inquiries", "inquiries_above_2")),
    ("record", ("public_record", "delinquency", "history")),
    ("use of limits", ("utilisation", "no_balance", "balance", "balance_above_20k")),
    ("purpose", ("purpose",)),
    ("number of credit lines", ("open_accounts", "accounts")),
)


def _other_blocks(table, traits):
    """What the groups within willingness add, and the two blocks when groups are called otherwise."""
    group_of = {name: group for group, names in _GROUPS for name in names}

    def blocks(given, names=("ability", "willingness", "loan")):
        renamed = [replace(trait, block=given.get(trait.name, trait.block)) for trait in traits]
        return block_contributions(table, "severity", renamed, names)

    groups = blocks(group_of, ("ability", "loan", *dict(_GROUPS)))
    moved, rows = {}, [blocks({}).assign(assignment="as in the book")]
    for group, block in (("purpose", "loan"), ("use of limits", "ability"), ("inquiries", "ability")):
        moved |= {name: block for name in dict(_GROUPS)[group]}
        rows.append(blocks(moved).assign(assignment=f"and {group} to {block}"))
    return groups, pd.concat(rows)


#: groups that one may call willingness or ability
MOVED = ("inquiries", "use of limits", "purpose", "record")


def _moves(study):
    """Share of the fit lost without ability and without willingness, for every way to call four groups of traits."""

    model = study.result.model
    exog, owner = np.asarray(model.exog), [column.partition("[")[0] for column in model.exog_names]
    block_of = {trait.name: trait.block for trait in study.traits}

    def fit(keep):
        kept = [keep(name, block_of[name]) for name in owner]
        return OrderedLogit(model.endog_codes, exog[:, kept]).fit().llf

    full, floor = study.result.llf, fit(lambda name, block: block == "place and time")
    rows = []
    for blocks in product(("willingness", "ability"), repeat=len(MOVED)):
        given = {name: block for group, block in zip(MOVED, blocks, strict=True) for name in dict(_GROUPS)[group]}
        lost = {
            block: (full - fit(lambda name, own, given=given, b=block: given.get(name, own) != b)) / (full - floor)
            for block in ("ability", "willingness")
        }
        rows.append({**dict(zip(MOVED, blocks, strict=True)), **lost})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Study:
    """The loans of the study, the fit on the early ones, and what came of the late ones."""

    tape: object
    traits: list
    train: pd.DataFrame
    test: pd.DataFrame
    #: whether each loan of `test` was charged off
    bad: np.ndarray
    words: str
    result: object

    def fit(self, words):
        """Fit another model on the early loans."""
        return OrderedLogit.from_formula(words, self.train).fit()


def outcome_study(tape):
    """Fit the repayment model on 2007-2010 and look at it, with every rival, on 2011.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        Sizes of the samples, likelihood, what grade and traits add to each other, shift of the score.
    tables : dict of pandas.DataFrame
        What the model says (``coefficients, thresholds, curves``), how it and its rivals rank and how
        level they are in 2011 (``scores, auc..., calibration..., reliability``), what blocks of
        traits add (``blocks, groups, assignments, moves``), the population (``stability``), ``set_aside``.
    """
    study, reasons = _fitted(tape)
    rivals = compare_on_test(
        study.train, study.test, "severity", _rivals(tape, study.traits), reference="ordered logit"
    )
    scores = {name: np.asarray(p)[:, BAD_CUT:].sum(axis=1) for name, p in rivals.predictions.items()}
    own = rivals.predictions["ordered logit"]
    against_grade = ordinal_scores(study.test["severity"], own, base=rivals.predictions["grade"])
    shift, population = _population(study, scores["ordered logit"])
    facts = {
        **_sizes(study),
        "predicted_bad": {name: score.mean() for name, score in scores.items()},
        "rps_skill_vs_grade": _row(against_grade, "ranked probability score", "skill"),
        **shift,
        **_added(study),
    }
    return facts, {
        **_model(study),
        **_ranking(study, rivals, scores),
        **_level(study, own),
        **_blocks(study),
        **population,
        "set_aside": reasons,
    }


def _fitted(tape):
    traits = chosen_traits()
    table, reasons = outcome_sample(tape, traits)
    frame = tape.frame.loc[table.index]
    table = table.assign(
        sub_grade=frame["sub_grade"],
        grade=frame["grade"],
        term=frame["term"],
        sub_grade_step=frame["sub_grade"].cat.codes / 5.0,
    )
    train, test = table[table["year"] <= FITTED_TO], table[table["year"] > FITTED_TO]
    bad = (test["severity"].cat.codes >= BAD_CUT).to_numpy()
    words = formula("severity", traits)
    result = OrderedLogit.from_formula(words, train).fit()
    return _Study(tape, traits, train, test, bad, words, result), reasons


def _sizes(study):
    result = study.result
    return {
        "looks_at_2011": LOOKS_AT_2011,
        "train": len(study.train),
        "test": len(study.test),
        "train_bad": int((study.train["severity"].cat.codes >= BAD_CUT).sum()),
        "test_bad": int(study.bad.sum()),
        "set_aside": int(len(study.tape) - len(study.train) - len(study.test)),
        "slopes": int(result.df_model),
        "digits": min(int(result.digits), 12),
        "llf": result.llf,
        "llnull": result.llnull,
        **explained(result).to_dict(),
        "freed": list(FREED),
    }


def _model(study):
    """What the model says: slopes, thresholds, curves of traits."""
    result, slopes = study.result, coefficient_table(study.result, study.traits)
    thresholds = pd.DataFrame(
        {
            "threshold": result.thresholds.index,
            "estimate": result.thresholds.to_numpy(),
            "se": result.bse[result.thresholds.index].to_numpy(),
        }
    )
    return {
        "coefficients": slopes,
        "thresholds": thresholds,
        "curves": pd.concat([effect_curve(result, study.traits, *curve) for curve in _CURVES]),
    }


def _ranking(study, rivals, scores):
    """Areas under the curve of the model and its rivals: all loans, by cut, by term."""
    grades = {name: study.test[name.replace("-", "_")] for name in ("sub-grade", "grade")}
    scores = scores | {name: column.cat.codes.to_numpy(dtype=float) for name, column in grades.items()}
    found = delong(study.bad, scores)
    by_term = []
    for term in _TERMS:
        mine = (study.test["term"] == term).to_numpy()
        three = {name: scores[name][mine] for name in ("ordered logit", "sub-grade", "gradient boosting")}
        part = delong(study.bad[mine], three)
        by_term.append(part.table.rename_axis("model").reset_index().assign(term=term))
    return {
        "scores": rivals.table.rename_axis("model").reset_index().drop(columns="seconds"),
        "auc": found.table.rename_axis("model").reset_index(),
        "auc_differences": found.comparisons,
        "auc_by_term": pd.concat(by_term),
    }


def _level(study, own):
    """Calibration of the model's probabilities `own`: all loans, and by term."""
    severity, by_term = study.test["severity"], []
    for term in _TERMS:
        mine = study.test["term"] == term
        by_term.append(calibration_by_cut(severity[mine], own[mine.to_numpy()]).reset_index().assign(term=term))
    return {
        "calibration": calibration_by_cut(severity, own).reset_index(),
        "calibration_by_term": pd.concat(by_term),
        "reliability": reliability_by_cut(severity, own).reset_index(),
    }


def _blocks(study):
    """What blocks of traits add to the fit."""
    traits = study.traits
    groups, assignments = _other_blocks(study.train, traits)
    return {
        "blocks": block_contributions(study.train, "severity", traits),
        "groups": groups,
        "assignments": assignments,
        "moves": _moves(study),
    }


def _population(study, score):
    """How far the loans of 2011 are from those of the year before."""
    newest = study.train[study.train["year"] == FITTED_TO]
    shift = population_stability(*(study.result.predict(part, which="linear") for part in (newest, study.test)))
    names = [trait.name for trait in study.traits if trait.name not in ("vintage", "state")]
    facts = {
        "psi_score": shift.psi,
        "psi_score_threshold": shift.threshold,
        "ks": float(kolmogorov_smirnov(study.bad, score).distance),
    }
    return facts, {"stability": stability_table(newest[names], study.test[names]).reset_index()}


def _added(study):
    """What the grade adds to the traits, and the traits to the grade."""
    both = study.fit(f"{study.words} + sub_grade_step")
    grade_only = study.fit("severity ~ sub_grade_step + vintage")
    return {
        "chi2_grade_added": 2 * (both.llf - study.result.llf),
        "chi2_traits_added": 2 * (both.llf - grade_only.llf),
        "df_traits_added": int(both.df_model - grade_only.df_model),
        "odds_ratio_sub_grade": contrast(both, {"sub_grade_step": 1.0})[2:],
        "odds_ratio_sub_grade_alone": contrast(grade_only, {"sub_grade_step": 1.0})[2:],
    }


def _row(table, index, column):
    return {name: float(table.loc[index, name]) for name in (column, "ci_low", "ci_high")}
