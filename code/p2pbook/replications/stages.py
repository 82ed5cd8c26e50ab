"""How bad and how soon: the sequential model of the ended loans, and the hazard of default by age."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from p2pbook.lendingclub import FITTED_TO
from p2pbook.replications.selection import chosen_traits, outcome_sample
from p2pbook.traits import formula
from p2pbook.values import HALF
from p2prisk import assumptions as check
from p2prisk.hazard import HazardLogit, spells
from p2prisk.ordered import SequentialLogit
from p2prisk.validation import jeffreys_interval

#: traits that place a loan and not a borrower: always in the model, never read
_PLACE = ("vintage", "state")

#: age, in months, after which an effect on default may be another
TURN = 12

#: ages at which the incidence is read
AGES = (6, 12, 18, 24, 30, 36, 48, 60)

#: first month with loans of both terms
BOTH_TERMS = "2010-05-01"

LOST = ("paid", "loss after half", "loss early")


def stages_study(tape):
    """Fit the sequential model beside the cumulative one: lost or paid, and of the lost, early or later.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``; the loans to 2010 with their final outcomes, a description with hindsight.

    Returns
    -------
    facts : dict
        Loans at each stage, tests of common slopes, and how far the freed slopes move the probabilities.
    tables : dict of pandas.DataFrame
        ``slopes`` (one row a slope: both stages, their difference, Holm's p-values over the slopes of the second stage
        and over the differences), ``families`` (three and four levels).
    """
    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    table = table[table["year"] <= FITTED_TO]
    words = formula("severity", traits)
    three = table.assign(
        severity=pd.Categorical(table["severity"].astype(str).replace({"paid late": "paid"}), LOST, ordered=True)
    )
    result = SequentialLogit.from_formula(words, three).fit()
    four = SequentialLogit.from_formula(words, table).fit()
    free = check.free_terms(result, list(result.terms))
    test = result.lr_test(free)
    families = [
        check.compare_families(fit).reset_index().assign(levels=levels) for levels, fit in ((3, result), (4, four))
    ]
    families.append(
        pd.DataFrame([{"family": "forward, slopes free", "loglike": free.llf, "aic": free.aic, "levels": 3}])
    )
    moved = check.probability_departure(result, free).loc["all"]
    counts = three["severity"].value_counts(sort=False)
    return {
        "loans": len(three),
        "lost": int(counts.iloc[1:].sum()),
        "lost_early": int(counts.iloc[2]),
        "chi2": float(test["chi2"]),
        "df": int(test["df"]),
        "moved": float(moved["mean_absolute"]),
        "moved_most": float(moved["largest"]),
    }, {"slopes": _stage_slopes(result, traits), "families": pd.concat(families).drop(columns=["difference", "note"])}


def _stage_slopes(result, traits):
    """Both slopes of every column that says something of the borrower or the loan."""
    slopes = check.slopes_by_threshold(result)
    first, second = (part.set_index("column") for _, part in slopes.groupby("cut", sort=False))
    labels = _labels(traits)
    names = [name for name in first.index if name.partition("[")[0] not in _PLACE]
    rows = pd.DataFrame(
        {
            "name": names,
            "label": [labels(name) for name in names],
            "block": [{trait.name: trait.block for trait in traits}[name.partition("[")[0]] for name in names],
        }
    )
    for stage, part in (("first", first), ("second", second)):
        rows[f"{stage}_slope"], rows[f"{stage}_se"] = (
            part.loc[names, "slope"].to_numpy(),
            part.loc[names, "se"].to_numpy(),
        )
        rows[f"{stage}_p"] = 2 * norm.sf((rows[f"{stage}_slope"] / rows[f"{stage}_se"]).abs())
    for stage in ("first", "second"):
        rows[f"{stage}_holm"] = multipletests(rows[f"{stage}_p"], method="holm")[1]
    # the stages are fits to other loans at other questions: their scores are uncorrelated, so variances add
    rows["difference"] = rows["second_slope"] - rows["first_slope"]
    rows["difference_se"] = np.hypot(rows["first_se"], rows["second_se"])
    rows["difference_p"] = 2 * norm.sf((rows["difference"] / rows["difference_se"]).abs())
    rows["difference_holm"] = multipletests(rows["difference_p"], method="holm")[1]
    return rows


def _labels(traits):
    by_name = {trait.name: trait.label for trait in traits}

    def words(name):
        base, _, level = name.partition("[")
        level = level.rstrip("]").removeprefix("T.")
        return f"{by_name[base]}: {level}" if level else by_name[base]

    return words


def hazard_study(tape):
    """When loans fail: incidence of default and of repayment by age, and traits whose effect changes with it.

    A loan fails in the month of its last payment: all loans have ended, so that hindsight dates every end, and no lag
    until the charge-off is added.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        Loans and ends, the age that parts early from late, tests of all changes together.
    tables : dict of pandas.DataFrame
        ``incidence`` (share ended by each cause up to an age, by term, of the months that have both terms),
        ``effects`` (one row a slope: on default up to and after :data:`TURN` months, and on repayment), ``term`` (60
        months against 36 on the hazard of default, by age).
    """
    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    years = table["year"].astype(int)
    levels = [str(year) for year in sorted(years.unique(), key=lambda year: (year != FITTED_TO, -year))]
    found = spells(tape, lag=0)
    frame = table.assign(vintage=pd.Categorical(years.astype(str), levels), term=tape.frame["term"].loc[table.index])
    frame = frame.assign(exception=tape.frame["policy_exception"].loc[table.index].to_numpy(dtype=bool))
    frame = frame.join(found.frame, how="inner")
    effects, joint, model = _effects(frame, traits)
    both = found.frame[tape.frame["issue_date"].loc[found.frame.index] >= BOTH_TERMS]
    return {
        "loans": len(frame),
        "defaults": int((frame["ending"] == "default").sum()),
        "repaid": int((frame["ending"] == "repaid").sum()),
        "loan_months": int(model.exposure),
        "turn": TURN,
        "early_defaults": int(((frame["ending"] == "default") & (frame["exit"] <= TURN)).sum()),
        "loans_both_terms": len(both),
        **joint,
    }, {
        "incidence": _incidence(both, tape.frame["term"].loc[both.index]),
        "effects": effects,
        "term": _term(frame, traits),
    }


def _incidence(spell, term):
    """Share of loans ended by each cause up to each age: every loan has ended, so that shares are the incidence."""
    rows = []
    for months, part in spell.groupby(term):
        for age in range(1, int(months) + 1):
            for cause in ("default", "repaid"):
                count = int(((part["ending"] == cause) & (part["exit"] <= age)).sum())
                low, high = jeffreys_interval(count, len(part))
                rows.append((int(months), age, cause, len(part), count, count / len(part), float(low), float(high)))
    columns = ["term", "age", "cause", "loans", "ended", "share", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _effects(frame, traits):
    """Slopes on the hazard of default up to and after the turn, and on that of repayment; term as strata."""
    read = [trait for trait in traits if trait.name not in (*_PLACE, "long_term")]
    words = formula("ending", [trait for trait in traits if trait.name != "long_term"])
    model = HazardLogit.from_formula(
        words, frame, exit="exit", strata="term", varying={trait.name: [TURN] for trait in read}
    )
    result = model.fit()
    params, cov = result.params, result.cov_params()
    labels, block = _labels(traits), {trait.name: trait.block for trait in traits}
    rows = []
    for name in model.exog_names:
        base = name.partition("[")[0]
        if base in _PLACE:
            continue
        row = {"name": name, "label": labels(name), "block": block[base]}
        for cause in ("default", "repaid"):
            one, step = f"{cause}: {name}", f"{cause}: {name} x age>{TURN}"
            late = params[one] + params[step]
            late_se = float(np.sqrt(cov.loc[one, one] + cov.loc[step, step] + 2 * cov.loc[one, step]))
            row |= {
                f"{cause}_early": params[one],
                f"{cause}_early_se": result.bse[one],
                f"{cause}_late": late,
                f"{cause}_late_se": late_se,
                f"{cause}_change": params[step],
                f"{cause}_change_se": result.bse[step],
                f"{cause}_change_p": 2 * norm.sf(abs(params[step] / result.bse[step])),
            }
        rows.append(row)
    rows = pd.DataFrame(rows)
    for cause in ("default", "repaid"):
        rows[f"{cause}_change_holm"] = multipletests(rows[f"{cause}_change_p"], method="holm")[1]
    steps = [name for name in params.index if name.startswith("default:") and name.endswith(f"x age>{TURN}")]
    picked = np.zeros((len(steps), len(params)))
    picked[np.arange(len(steps)), [params.index.get_loc(name) for name in steps]] = 1.0
    rows = rows.merge(_without_exceptions(frame[~frame["exception"]], words, read), on="name")
    joint = result.wald_test(picked)
    return rows, {"changes_chi2": float(joint["chi2"]), "changes_df": int(joint["df"])}, result


def _without_exceptions(frame, words, read):
    """The changes of the slopes on default once policy exceptions are left out; repayment ends observation."""
    words = words.replace("ending ~", "lost ~")
    model = HazardLogit.from_formula(
        words,
        frame.assign(lost=(frame["ending"] == "default").astype(int)),
        exit="exit",
        strata="term",
        baseline=list(AGES),
        varying={trait.name: [TURN] for trait in read},
    )
    result, tail = model.fit(), f" x age>{TURN}"
    steps = [name for name in result.params.index if name.endswith(tail)]
    return pd.DataFrame(
        {
            "name": [name.removesuffix(tail) for name in steps],
            "others_change": result.params[steps].to_numpy(),
            "others_change_se": result.bse[steps].to_numpy(),
        }
    )


def _term(frame, traits):
    """Odds of default in a month, 60 against 36 months, other traits equal, by age; repayment ends observation."""
    alone = frame.assign(lost=(frame["ending"] == "default").astype(int))
    # past month 36 there is no other term to compare with
    alone["lost"] = alone["lost"].where(alone["exit"] <= 36, 0)
    alone["exit"] = alone["exit"].clip(upper=36)
    steps = [6, 12, 24]
    result = HazardLogit.from_formula(formula("lost", traits), alone, exit="exit", varying={"long_term": steps}).fit()
    cov, rows = result.cov_params(), []
    for first, last, parts in ((1, 6, []), (7, 12, [6]), (13, 24, [6, 12]), (25, 36, [6, 12, 24])):
        names = ["long_term", *(f"long_term x age>{step}" for step in parts)]
        value = float(result.params[names].sum())
        se = float(np.sqrt(cov.loc[names, names].to_numpy().sum()))
        rows.append(
            {
                "first": first,
                "last": last,
                "estimate": value,
                "se": se,
                "odds_ratio": np.exp(value),
                "low": np.exp(value - HALF * se),
                "high": np.exp(value + HALF * se),
            }
        )
    return pd.DataFrame(rows)
