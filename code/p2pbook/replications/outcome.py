"""The repayment model: fitted on 2007 to 2010, looked at on 2011."""

from dataclasses import replace

import numpy as np
import pandas as pd

from p2pbook.reading import block_contributions, coefficient_table, effect_curve, representative_borrowers
from p2pbook.replications.profile import _with_interval
from p2pbook.replications.selection import (
    _BAD_CUT,
    _BOOSTING,
    _BOOSTING_COLUMNS,
    _LAST_TRAINING_YEAR,
    chosen_traits,
    outcome_sample,
)
from p2pbook.replications.store import SEED, replication
from p2pbook.traits import OUTCOME_BASE, formula
from p2prisk.effects import contrast, explained

#: looks at the outcomes of 2011 made in this project: a first try of 14 traits, a first table of counts, what the
#: classes of the committed counts cost (data/lendingclub_2007_2011_binning.csv), and this one
LOOKS_AT_2011 = 4

_CURVES = (
    ("inquiries", np.arange(0, 9), 0, "inquiries (0 = 1)"),
    ("income", np.geomspace(15_000, 250_000, 33), 50_000, "income, $ (50k = 1)"),
    ("amount", np.geomspace(1_000, 35_000, 33), 10_000, "amount, $ (10k = 1)"),
    ("revolving_balance", np.geomspace(500, 100_000, 33), 10_000, "card balance, $ (10k = 1)"),
    ("utilisation", np.linspace(0, 100, 21), 0, "card limits used, % (0 = 1)"),
    ("dti", np.linspace(0, 30, 16), 0, "debt service, % (0 = 1)"),
)


def _rivals(tape, traits, free):
    """Makers of every model that is shown beside the ordered logit, on design frames."""
    from p2prisk.validation import binary_logits, by_grade, gradient_boosting, multinomial_logit, ordered_logit

    selection = replication("e2-selection")
    options = dict(_BOOSTING[selection["boosting"]])
    raw = tape.frame
    trees = gradient_boosting("severity", _BOOSTING_COLUMNS, seed=SEED, **options)

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
        "partial proportional odds": ordered_logit(words, nonparallel=list(free)),
        "binary logits, one a cut": binary_logits(words),
        "multinomial logit": multinomial_logit(words),
    }


#: traits whose slopes may differ by cut in the partial model: the largest departures in 2007-2010 (e2-verification)
_FREED = ("long_term", "amount", "amount_above_6k", "vintage")

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


def _outcome(tape):
    from p2prisk import OrderedLogit
    from p2prisk.validation import (
        calibration_by_cut,
        compare_on_test,
        delong,
        kolmogorov_smirnov,
        ordinal_scores,
        population_stability,
        reliability_by_cut,
        stability_table,
        subgroup_audit,
    )

    traits = chosen_traits()
    table, reasons = outcome_sample(tape, traits)
    frame = tape.frame.loc[table.index]
    table = table.assign(
        sub_grade=frame["sub_grade"],
        grade=frame["grade"],
        term=frame["term"],
        sub_grade_step=frame["sub_grade"].cat.codes / 5.0,
    )
    train, test = table[table["year"] <= _LAST_TRAINING_YEAR], table[table["year"] > _LAST_TRAINING_YEAR]
    bad = (test["severity"].cat.codes >= _BAD_CUT).to_numpy()
    words = formula("severity", traits)
    result = OrderedLogit.from_formula(words, train).fit()
    slopes = coefficient_table(result, traits)
    facts = {
        "looks_at_2011": LOOKS_AT_2011,
        "train": len(train),
        "test": len(test),
        "train_bad": int((train["severity"].cat.codes >= _BAD_CUT).sum()),
        "test_bad": int(bad.sum()),
        "set_aside": int(len(tape) - len(table)),
        "slopes": int(result.df_model),
        "digits": min(int(result.digits), 12),
        "llf": result.llf,
        "llnull": result.llnull,
        **explained(result).to_dict(),
        "freed": list(_FREED),
    }

    comparison = compare_on_test(train, test, "severity", _rivals(tape, traits, _FREED), reference="ordered logit")
    scores = {name: np.asarray(p)[:, _BAD_CUT:].sum(axis=1) for name, p in comparison.predictions.items()}
    facts["predicted_bad"] = {name: score.mean() for name, score in scores.items()}
    scores["sub-grade"] = test["sub_grade"].cat.codes.to_numpy(dtype=float)
    scores["grade"] = test["grade"].cat.codes.to_numpy(dtype=float)
    found = delong(bad, scores)
    by_term, by_term_differences = [], []
    for term in (36, 60):
        mine = (test["term"] == term).to_numpy()
        part = delong(
            bad[mine], {name: scores[name][mine] for name in ("ordered logit", "sub-grade", "gradient boosting")}
        )
        by_term.append(part.table.rename_axis("model").reset_index().assign(term=term))
        by_term_differences.append(part.comparisons.assign(term=term))
    own = comparison.predictions["ordered logit"]
    base = comparison.predictions["grade"]
    against_grade = ordinal_scores(test["severity"], own, base=base)
    facts["rps_skill_vs_grade"] = _row(against_grade, "ranked probability score", "skill")
    calibration = calibration_by_cut(test["severity"], own).reset_index()
    calibration_term = pd.concat(
        [
            calibration_by_cut(test["severity"][test["term"] == term], own[(test["term"] == term).to_numpy()])
            .reset_index()
            .assign(term=term)
            for term in (36, 60)
        ]
    )
    reliability = reliability_by_cut(test["severity"], own).reset_index()

    quarter = tape.frame["issue_date"].loc[test.index].dt.to_period("Q").dt.start_time
    drift = pd.DataFrame(
        {
            "quarter": quarter.dt.date.astype(str),
            "term": test["term"],
            "loans": 1,
            "bad": bad.astype(int),
            "predicted": scores["ordered logit"],
        }
    )
    drift = drift.groupby(["quarter", "term"]).agg({"loans": "sum", "bad": "sum", "predicted": "mean"}).reset_index()
    drift = _with_interval(drift)

    newest = train[train["year"] == _LAST_TRAINING_YEAR]
    score = population_stability(result.predict(newest, which="linear"), result.predict(test, which="linear"))
    names = [trait.name for trait in traits if trait.name not in ("vintage", "state")]
    stability = stability_table(newest[names], test[names]).reset_index()
    audit = subgroup_audit(bad, scores["ordered logit"], tape.frame["home"].loc[test.index].astype(str))
    facts.update(
        {
            "psi_score": score.psi,
            "psi_score_threshold": score.threshold,
            "ks": float(kolmogorov_smirnov(bad, scores["ordered logit"]).distance),
        }
    )

    thirds = pd.qcut(scores["ordered logit"], 3, labels=["low", "middle", "high"])
    inside = (
        pd.DataFrame({"grade": test["grade"].astype(str).to_numpy(), "own": thirds, "loans": 1, "bad": bad.astype(int)})
        .groupby(["grade", "own"], observed=True)
        .sum()
        .reset_index()
    )
    inside = _with_interval(inside.astype({"own": str}))

    blocks = block_contributions(train, "severity", traits)
    groups, assignments = _other_blocks(train, traits)
    only = {}
    for block in ("ability", "willingness", "loan"):
        keep = [trait for trait in traits if trait.block in (block, "place and time")]
        fit = OrderedLogit.from_formula(formula("severity", keep), train).fit()
        only[block] = fit.predict(test, which="linear")
        without = [trait for trait in traits if trait.block != block]
        fit = OrderedLogit.from_formula(formula("severity", without), train).fit()
        only[f"all but {block}"] = fit.predict(test, which="linear")
    place = [trait for trait in traits if trait.block == "place and time"]
    fit = OrderedLogit.from_formula(formula("severity", place), train).fit()
    only["place and time"] = fit.predict(test, which="linear")
    only["all"] = scores["ordered logit"]
    block_auc = delong(bad, only).table.rename_axis("traits").reset_index()

    both = OrderedLogit.from_formula(f"{words} + sub_grade_step", train).fit()
    grade_only = OrderedLogit.from_formula("severity ~ sub_grade_step + vintage", train).fit()
    facts.update(
        {
            "chi2_grade_added": 2 * (both.llf - result.llf),
            "chi2_traits_added": 2 * (both.llf - grade_only.llf),
            "df_traits_added": int(both.df_model - grade_only.df_model),
            "odds_ratio_sub_grade": contrast(both, {"sub_grade_step": 1.0})[2:],
            "odds_ratio_sub_grade_alone": contrast(grade_only, {"sub_grade_step": 1.0})[2:],
        }
    )
    curves = pd.concat([effect_curve(result, traits, *curve) for curve in _CURVES])
    thresholds = pd.DataFrame(
        {
            "threshold": result.thresholds.index,
            "estimate": result.thresholds.to_numpy(),
            "se": result.bse[result.thresholds.index].to_numpy(),
        }
    )
    profiles = representative_borrowers(train, slopes)
    probabilities = result.predict(profiles).rename_axis("borrower").reset_index()
    return facts, {
        "coefficients": slopes,
        "thresholds": thresholds,
        "curves": curves,
        "probabilities": probabilities,
        "scores": comparison.table.rename_axis("model").reset_index().drop(columns="seconds"),
        "auc": found.table.rename_axis("model").reset_index(),
        "auc_differences": found.comparisons,
        "auc_by_cut": comparison.auc_differences,
        "auc_by_term": pd.concat(by_term),
        "auc_by_term_differences": pd.concat(by_term_differences),
        "calibration": calibration,
        "calibration_by_term": calibration_term,
        "reliability": reliability,
        "drift": drift,
        "inside_grades": inside,
        "blocks": blocks,
        "groups": groups,
        "assignments": assignments,
        "block_auc": block_auc,
        "stability": stability,
        "by_home": audit.rename_axis("home").reset_index(),
        "set_aside": reasons,
    }


def _row(table, index, column):
    return {name: float(table.loc[index, name]) for name in (column, "ci_low", "ci_high")}
