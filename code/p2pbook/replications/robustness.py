"""The repayment model under other specifications, its checks, and the size of its effects."""

import numpy as np
import pandas as pd
from scipy.special import expit

from p2pbook.lendingclub import FITTED_TO
from p2pbook.reading import coefficient_table
from p2pbook.replications.outcome import FREED
from p2pbook.replications.selection import BAD_CUT, chosen_traits, outcome_sample
from p2pbook.replications.store import SEED
from p2pbook.traits import complete, design, formula
from p2pbook.values import HALF
from p2prisk import assumptions as check
from p2prisk.effects import contrast
from p2prisk.ordered import OrderedLogit
from p2prisk.tape import resolved_severity

#: draws of the estimates for the intervals of effects
_DRAWS = 500

_READ = (  # what the chapter reads aloud: label, weights of the slopes
    ("60 months", {"long_term": 1.0}),
    ("income doubled, 40k to 80k", {"income": 1.0, "income_above_40k": 1.0}),
    ("inquiries 0 to 3", {"inquiries": 2.0, "inquiries_above_2": float(np.log2(4 / 3))}),
    ("card limits used, +10 points", {"utilisation": 1.0}),
    ("public record", {"public_record": 1.0}),
    ("small business", {"purpose[T.small business]": 1.0}),
)


def verification_study(tape):
    """Check the repayment model on the loans it is fitted on.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``; the loans to 2010 are used.

    Returns
    -------
    facts : dict
    tables : dict of pandas.DataFrame
        Parallel lines (``brant, slopes_by_cut``, and what the freed terms ``moved``), ``links``, ``linearity``.
    """
    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    train = table[table["year"] <= FITTED_TO]
    result = OrderedLogit.from_formula(formula("severity", traits), train).fit()
    labels = {trait.name: trait.label for trait in traits}
    lines = check.brant(result).rename_axis("term").reset_index()
    lines["label"] = lines["term"].map(labels).fillna(lines["term"])
    moved = check.probability_departure(result, check.free_terms(result, list(FREED)))
    facts = {
        "loans": len(train),
        "brant_chi2": float(lines.iloc[-1]["chi2"]),
        "brant_df": int(lines.iloc[-1]["df"]),
        "freed": list(FREED),
    }
    return facts, {
        "brant": lines,
        "slopes_by_cut": check.slopes_by_threshold(result),
        "moved": moved.reset_index(),
        "links": check.compare_links(result).rename_axis("link").reset_index(),
        "linearity": check.linearity(result).rename_axis("column").reset_index(),
    }


def robustness_study(tape):
    """Fit the repayment model under other specifications, and give the size of its effects.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        Number of specifications, and how many signs they turn.
    tables : dict of pandas.DataFrame
        ``specifications`` (odds ratios of six strong traits under each), ``signs`` (every slope but year and state
        under each, and under the loans of 2011 alone), and in points of charge-off ``effects`` (of traits)
        and ``block_effects``.
    """
    traits = chosen_traits()
    fits = _specifications(tape, traits)
    rows = pd.DataFrame([row for name, (result, scale) in fits.items() for row in _estimates(name, result, scale)])
    main = rows[rows["specification"] == "main"].set_index("label")["estimate"]
    flipped = int((np.sign(rows["estimate"]) != np.sign(rows["label"].map(main))).sum())
    result = fits["main"][0]
    signs = _signs(tape, traits, fits)
    return {"specifications": len(fits), "flipped_signs": flipped, "draws": _DRAWS}, {
        "specifications": rows,
        "signs": signs,
        "effects": _effects(result),
        "block_effects": _block_effects(result, traits),
    }


def _signs(tape, traits, fits):
    """Every slope of a borrower or a loan under every specification, and under the loans of 2011 alone."""
    table, _ = outcome_sample(tape, traits)
    last = [trait for trait in traits if trait.name != "vintage"]
    newest = OrderedLogit.from_formula(formula("severity", last), table[table["year"] > FITTED_TO]).fit()
    read = [trait for trait in traits if trait.name not in ("vintage", "state")]
    parts = []
    for name, (result, scale) in {**fits, "2011 alone": (newest, 1.0)}.items():
        slopes = coefficient_table(result, read)[["name", "label", "block", "estimate", "se"]]
        parts.append(slopes.assign(specification=name, estimate=scale * slopes["estimate"], se=scale * slopes["se"]))
    return pd.concat(parts)


def _specifications(tape, traits):
    """Every specification by name: its fit, and what its slopes are multiplied by to be compared."""
    whole = design(tape.frame, traits, "severity")
    year = tape.frame["issue_date"].dt.year
    everybody, _ = complete(whole)
    early = everybody[year.loc[everybody.index] <= FITTED_TO]
    raw = tape.frame.loc[early.index]
    words = formula("severity", traits)

    def fit(words, frame, scale=1.0, **options):
        cov = {key: options.pop(key) for key in ("cov_type", "groups") if key in options}
        return OrderedLogit.from_formula(words, frame, **options).fit(**cov), scale

    def without(name):
        return formula("severity", [trait for trait in traits if trait.name != name])

    def severity(half):
        return early.assign(severity=resolved_severity(raw, half=half))

    three = early["severity"].astype(str).replace({"paid late": "paid"})
    three = pd.Categorical(three, ["paid", "loss after half", "loss early"], ordered=True)
    quarter = raw["issue_date"].dt.to_period("Q").astype(str).to_numpy()
    years = pd.Categorical(year.loc[everybody.index].astype(str), ["2010", "2009", "2008", "2007", "2011"])
    weights = (raw["amount"] / raw["amount"].mean()).to_numpy()
    return {
        "main": fit(words, early),
        "errors clustered by quarter": fit(words, early, cov_type="cluster", groups=quarter),
        "probit link (rescaled)": fit(words, early, scale=float(np.pi / np.sqrt(3)), link="probit"),
        "charged off or not": fit(words, early.assign(severity=(early["severity"].cat.codes >= BAD_CUT).astype(int))),
        "late fees ignored": fit(words, early.assign(severity=three)),
        "cut at a quarter repaid": fit(words, severity(0.25)),
        "cut at three quarters repaid": fit(words, severity(0.75)),
        "without policy exceptions": fit(words, early[~raw["policy_exception"].to_numpy()]),
        "blanks filled with medians": fit(words, _filled(whole, traits)[year <= FITTED_TO]),
        # amounts are no counts of loans: each loan is a cluster, so that its weight enters the variance squared
        "weighted by amount": fit(words, early, freq_weights=weights, cov_type="cluster", groups=np.arange(len(early))),
        "36 months only": fit(without("long_term"), early[early["long_term"] == 0]),
        "without state": fit(without("state"), early),
        "without year": fit(without("vintage"), early),
        "all years to 2011": fit(words, everybody.assign(vintage=years)),
    }


def _filled(table, traits):
    """The design with blanks filled: numbers with their medians, no delinquency on file as never."""
    filled = table.assign(delinquency=table["delinquency"].fillna("never"))
    numbers = [trait.name for trait in traits if table[trait.name].dtype.kind == "f"]
    return filled.assign(**{name: table[name].fillna(table[name].median()) for name in numbers})


def _estimates(name, result, scale):
    """What the chapter reads of one specification: one row for each combination of slopes that it has."""
    for label, combination in _READ:
        if not set(combination) <= set(result.params.index):
            continue
        estimate, se, *_ = contrast(result, combination)
        estimate, half = scale * estimate, HALF * scale * se
        yield {
            "specification": name,
            "label": label,
            "estimate": estimate,
            "se": scale * se,
            "odds_ratio": np.exp(estimate),
            "low": np.exp(estimate - half),
            "high": np.exp(estimate + half),
        }


def _loss(result, params, index):
    """Probability of being charged off at linear predictors `index`, shape (n, ...)."""
    threshold = params[len(params) - len(result.thresholds) + BAD_CUT - 1]
    return expit(index - threshold)


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
