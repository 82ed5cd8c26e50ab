"""The repayment model under other specifications, its checks, and the size of its effects."""

import numpy as np
import pandas as pd

from p2pbook.replications.outcome import _FREED
from p2pbook.replications.selection import _BAD_CUT, _LAST_TRAINING_YEAR, chosen_traits, outcome_sample
from p2pbook.replications.store import SEED
from p2pbook.traits import complete, design, formula
from p2prisk.effects import contrast

_HALF = 1.959963984540054  # half width of a 95 % interval, in standard errors

_READ = (  # what the chapter reads aloud: label, weights of the slopes
    ("60 months", {"long_term": 1.0}),
    ("income doubled, 40k to 80k", {"income": 1.0, "income_above_40k": 1.0}),
    ("inquiries 0 to 3", {"inquiries": 2.0, "inquiries_above_2": float(np.log2(4 / 3))}),
    ("card limits used, +10 points", {"utilisation": 1.0}),
    ("public record", {"public_record": 1.0}),
    ("small business", {"purpose[T.small business]": 1.0}),
)


def _verification(tape):
    from p2prisk import OrderedLogit
    from p2prisk import assumptions as check

    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    train = table[table["year"] <= _LAST_TRAINING_YEAR]
    words = formula("severity", traits)
    result = OrderedLogit.from_formula(words, train).fit()
    labels = {trait.name: trait.label for trait in traits}
    lines = check.brant(result).rename_axis("term").reset_index()
    lines["label"] = lines["term"].map(labels).fillna(lines["term"])
    ratio = check.likelihood_ratio_parallel(result).rename_axis("term").reset_index()
    slopes = check.slopes_by_threshold(result)
    slopes = slopes if "column" in slopes else slopes.reset_index()
    partial = check.free_terms(result, list(_FREED))
    partial = partial if hasattr(partial, "params") else partial[0]
    moved = check.probability_departure(result, partial)
    fit = check.goodness_of_fit(result, terms=["long_term", "purpose", "public_record"]).rename_axis("test")
    links = check.compare_links(result).rename_axis("link").reset_index()
    inflation = check.variance_inflation(result).rename_axis("term").reset_index()
    straight = check.linearity(result).rename_axis("column").reset_index()
    loans = check.influence(result, top=5).reset_index(drop=True)
    facts = {
        "loans": len(train),
        "brant_chi2": float(lines.iloc[-1]["chi2"]),
        "brant_df": int(lines.iloc[-1]["df"]),
        "freed": list(_FREED),
    }
    moved_rows = (
        moved.reset_index()
        if isinstance(moved, pd.DataFrame)
        else pd.Series(moved).rename("value").rename_axis("measure").reset_index()
    )
    return facts, {
        "brant": lines,
        "likelihood_ratio": ratio,
        "slopes_by_cut": slopes,
        "moved": moved_rows,
        "goodness": fit.reset_index(),
        "links": links,
        "inflation": inflation,
        "linearity": straight,
        "influence": loans,
    }


def _robustness(tape):
    from p2prisk import OrderedLogit
    from p2prisk.tape import resolved_severity

    traits = chosen_traits()
    whole = design(tape.frame, traits, "severity")
    year = tape.frame["issue_date"].dt.year
    everybody, _ = complete(whole)
    early = everybody[year.loc[everybody.index] <= _LAST_TRAINING_YEAR]
    raw = tape.frame.loc[early.index]
    words = formula("severity", traits)
    filled = whole.copy()
    for trait in traits:
        if filled[trait.name].dtype.kind == "f":
            filled[trait.name] = filled[trait.name].fillna(filled[trait.name].median())
    filled["delinquency"] = filled["delinquency"].fillna("never")
    filled = filled[year <= _LAST_TRAINING_YEAR]
    later = everybody.assign(
        vintage=pd.Categorical(year.loc[everybody.index].astype(str), ["2010", "2009", "2008", "2007", "2011"])
    )

    def without(*names):
        return formula("severity", [trait for trait in traits if trait.name not in names])

    def severity(half):
        return resolved_severity(raw, half=half)

    two = early["severity"].cat.codes.ge(_BAD_CUT).astype(int)
    three = early["severity"].cat.rename_categories({"paid late": "late"}).astype(str).replace({"late": "paid"})
    three = pd.Categorical(three, ["paid", "loss after half", "loss early"], ordered=True)
    quarter = raw["issue_date"].dt.to_period("Q").astype(str).to_numpy()
    short = early[early["long_term"] == 0]
    kept = early[~raw["policy_exception"].to_numpy()]
    probit_scale = float(np.pi / np.sqrt(3))

    def fit(formula, frame, scale=1.0, **options):
        cov = {key: options.pop(key) for key in ("cov_type", "groups") if key in options}
        return OrderedLogit.from_formula(formula, frame, **options).fit(**cov), scale, len(frame)

    weights = (raw["amount"] / raw["amount"].mean()).to_numpy()
    specifications = {
        "main": fit(words, early),
        "errors clustered by quarter": fit(words, early, cov_type="cluster", groups=quarter),
        "probit link (rescaled)": fit(words, early, scale=probit_scale, link="probit"),
        "charged off or not": fit(words, early.assign(severity=two)),
        "late fees ignored": fit(words, early.assign(severity=three)),
        "cut at a quarter repaid": fit(words, early.assign(severity=severity(0.25))),
        "cut at three quarters repaid": fit(words, early.assign(severity=severity(0.75))),
        "without policy exceptions": fit(words, kept),
        "blanks filled with medians": fit(words, filled),
        "weighted by amount": fit(words, early, freq_weights=weights, cov_type="HC0"),
        "36 months only": fit(without("long_term"), short),
        "without state": fit(without("state"), early),
        "without year": fit(without("vintage"), early),
        "all years to 2011": fit(words, later),
    }
    rows, sizes = [], []
    for name, (result, scale, loans) in specifications.items():
        sizes.append({"specification": name, "loans": loans, "slopes": int(result.df_model)})
        for label, combination in _READ:
            if not set(combination) <= set(result.params.index):
                continue
            estimate, se, *_ = contrast(result, combination)
            estimate, half = scale * estimate, _HALF * scale * se
            rows.append(
                {
                    "specification": name,
                    "label": label,
                    "estimate": estimate,
                    "se": scale * se,
                    "odds_ratio": np.exp(estimate),
                    "low": np.exp(estimate - half),
                    "high": np.exp(estimate + half),
                }
            )
    rows = pd.DataFrame(rows)
    main = rows[rows["specification"] == "main"].set_index("label")["estimate"]
    flipped = int((np.sign(rows["estimate"]) != np.sign(rows["label"].map(main))).sum())
    result = specifications["main"][0]
    return {"specifications": len(specifications), "flipped_signs": flipped, "draws": _DRAWS}, {
        "specifications": rows,
        "sizes": pd.DataFrame(sizes),
        "effects": _effects(result),
        "block_effects": _block_effects(result, traits),
    }


_DRAWS = 500  # draws of the estimates for the intervals of effects


def _loss(result, params, index):
    """Probability of being charged off at linear predictors `index`, shape (n, ...)."""
    threshold = params[len(params) - len(result.thresholds) + _BAD_CUT - 1]
    return 1 / (1 + np.exp(threshold - index))


def _draws(result):
    rng = np.random.default_rng(SEED)
    return rng.multivariate_normal(result.params.to_numpy(), result.cov_params().to_numpy(), _DRAWS, method="cholesky")


def _points(result, shifts):
    """Average change of the probability of being charged off, in points, with a 95 % interval from draws."""
    values = [shifts(params) for params in (result.params.to_numpy(), *_draws(result))]
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {"points": 100 * values[0], "low": 100 * low, "high": 100 * high}


def _effects(result):
    exog, names = result.model.exog, list(result.model.exog_names)
    rows = []
    for label, combination in _READ:
        step = np.zeros(len(names))
        for name, weight in combination.items():
            step[names.index(name)] = weight
        flags = [names.index(name) for name in combination if set(np.unique(exog[:, names.index(name)])) <= {0.0, 1.0}]
        start = exog.copy()
        start[:, flags] = 0.0

        def shift(params, start=start, step=step):
            index = start @ params[: len(names)]
            after = index + step @ params[: len(names)]
            return float(np.mean(_loss(result, params, after) - _loss(result, params, index)))

        rows.append({"label": label, **_points(result, shift)})
    return pd.DataFrame(rows)


def _block_effects(result, traits):
    """What one standard deviation of each block's part of the score does to the probability of being charged off."""
    exog, names = result.model.exog, list(result.model.exog_names)
    block_of = {trait.name: trait.block for trait in traits}
    rows = []
    for block in ("ability", "willingness", "loan", "place and time"):
        mine = [i for i, name in enumerate(names) if block_of[name.partition("[")[0]] == block]

        def shift(params, mine=mine):
            index = exog @ params[: len(names)]
            spread = float(np.std(exog[:, mine] @ params[mine]))
            return float(np.mean(_loss(result, params, index + spread) - _loss(result, params, index)))

        part = exog[:, mine] @ result.params.to_numpy()[mine]
        rows.append({"block": block, "spread": float(np.std(part)), **_points(result, shift)})
    return pd.DataFrame(rows)
