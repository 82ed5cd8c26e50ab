"""The level of 2011: the miss of the repayment model taken apart, and intervals that refit.

Resamples draw months of issue with replacement, of the loans to learn from and of the loans to judge, and every model
is fitted again: loans of one month share a market, and a fit is uncertain too. DeLong's interval knows neither.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from p2pbook.lendingclub import FITTED_TO, TRAITS
from p2pbook.replications.outcome import _fitted
from p2pbook.replications.realtime import LAST, readable
from p2pbook.replications.selection import BAD_CUT
from p2pbook.replications.store import SEED
from p2prisk.ordered import OrderedLogit
from p2prisk.tape import LoanTape
from p2prisk.validation import auc, calibration_distance, calibration_slope_intercept, delong

#: resamples of months of issue, each with a refit of every model
RESAMPLES = 200

#: groups of loans that are judged: both terms, and each apart
GROUPS = {"both": (36, 60), "36": (36,), "60": (60,)}

#: parallel lines; lines free at the cut between repaid and charged off; the hazard on what was known on the day
MODELS = ("parallel lines", "free at the cut", "on the day")


def level_study(tape):
    """Take the miss of level apart and put intervals that refit beside those that hold the fit fixed.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        What the mix of terms and the rates within a term did from 2010 to 2011.
    tables : dict of pandas.DataFrame
        ``miss`` (by term: what came, what was predicted, and the parts of the difference, as shares of the loans of
        the group), ``ranks`` (difference from the sub-grade by DeLong and with refits), ``inside`` (area from pairs of
        the same sub-grade and term), ``calibration`` (slope,
        integrated calibration index, its ninetieth percentile, by model and term, with refits).

    Notes
    -----
    The miss is what came less what parallel lines predicted. Part of it is the *form*: what a binary logit at the same
    cut predicts more, on the same traits and loans. The rest is the *year*: what no form fitted up to 2010 could tell.
    """
    study, _ = _fitted(tape)
    issued = tape.frame["issue_date"]
    months = {"train": _month(issued.loc[study.train.index]), "test": _month(issued.loc[study.test.index])}
    known = tape.as_of(LAST)
    known_months = _month(known.frame["issue_date"])
    judged = tape.frame.loc[study.test.index]
    code = judged["sub_grade"].cat.codes.to_numpy(dtype=float)
    term = judged["term"].to_numpy()

    def scores(train, on_file):
        binary = (train["severity"].cat.codes >= BAD_CUT).astype(int)
        traits = study.words.partition("~")[2]
        parallel = OrderedLogit.from_formula(study.words, train).fit().predict(study.test)
        free = OrderedLogit.from_formula("bad ~" + traits, train.assign(bad=binary)).fit().predict(study.test)
        return {
            "parallel lines": np.asarray(parallel)[:, BAD_CUT:].sum(axis=1),
            "free at the cut": np.asarray(free)[:, 1],
            "on the day": np.asarray(readable(LoanTape(on_file, known.provenance))(judged)),
        }

    def drawn(number):
        rng = np.random.default_rng([SEED, number])
        every = np.unique(np.concatenate(list(months.values())))
        count = pd.Series(np.bincount(rng.integers(0, len(every), len(every)), minlength=len(every)), every)
        times = count.reindex(months["train"]).to_numpy()
        train = study.train.iloc[np.repeat(np.arange(len(times)), times)]
        times = count.reindex(known_months).to_numpy()
        on_file = known.frame.iloc[np.repeat(np.arange(len(times)), times)].reset_index(drop=True)
        weights = count.reindex(months["test"]).to_numpy()
        return _measured(study.bad, term, code, scores(train.reset_index(drop=True), on_file), weights)

    whole = scores(study.train, known.frame)
    found = _measured(study.bad, term, code, whole, np.ones(len(code), dtype=int))
    draws = pd.concat([drawn(number) for number in range(RESAMPLES)], keys=range(RESAMPLES))
    spread = draws.groupby(level=[1, 2])["value"].std(ddof=1)
    half = norm.isf(0.025) * spread.reindex(found.index)
    found = found.assign(low=found["value"] - half, high=found["value"] + half)
    return _mix(tape), {
        "miss": _rows(found, ("observed", "predicted", "predicted free", "miss", "form", "year", "on the day")),
        "ranks": _ranks(study.bad, term, code, whole, found),
        "inside": found.loc[[("both", f"inside {name}") for name in MODELS]].reset_index().assign(model=MODELS),
        "calibration": _rows(found, [f"{what} {name}" for name in MODELS for what in ("slope", "ici", "e90")]),
    }


def _month(dates):
    return (12 * dates.dt.year + dates.dt.month).to_numpy()


def _measured(bad, term, code, scores, weights):
    """Every measure of every group: index group and measure, column ``value``."""
    values = {}
    for group, terms in GROUPS.items():
        inside = np.isin(term, terms) & (weights > 0)
        event, weight = bad[inside], weights[inside]
        part = {name: score[inside] for name, score in scores.items()}
        mean = {name: float(np.average(score, weights=weight)) for name, score in part.items()}
        came = float(np.average(event, weights=weight))
        parallel, free = mean["parallel lines"], mean["free at the cut"]
        values |= {
            (group, "observed"): came,
            (group, "predicted"): parallel,
            (group, "predicted free"): free,
            (group, "on the day"): mean["on the day"],
            (group, "miss"): came - parallel,
            (group, "form"): free - parallel,
            (group, "year"): came - free,
        }
        against = auc(event, code[inside], weight)
        for name, score in part.items():
            values[group, f"lead {name}"] = auc(event, score, weight) - against
            values[group, f"slope {name}"] = calibration_slope_intercept(event, score, weight).loc["slope", "value"]
            distance = calibration_distance(event, score, weight)
            values[group, f"ici {name}"], values[group, f"e90 {name}"] = distance["ici"], distance["e90"]
            if group == "both":
                values[group, f"inside {name}"] = _inside(event, score, code[inside], term[inside], weight)
    frame = pd.DataFrame({"value": pd.Series(values)})
    return frame.rename_axis(["group", "measure"])


def _inside(event, score, code, term, weights):
    """Area under the curve from pairs of loans of the same sub-grade and term: what the score adds to both."""
    table = pd.DataFrame({"event": event, "score": score, "weight": weights, "cell": 100 * code + term})
    total = pairs = 0.0
    for _, cell in table.groupby("cell"):
        bad = cell["weight"][cell["event"]].sum()
        both = float(bad * (cell["weight"].sum() - bad))
        if both:
            total, pairs = total + both * auc(cell["event"], cell["score"], cell["weight"]), pairs + both
    return total / pairs


def _rows(found, measures):
    table = found.loc[[(group, measure) for group in GROUPS for measure in measures]]
    return table.reset_index()


def _ranks(bad, term, code, scores, found):
    rows = []
    for group, terms in GROUPS.items():
        inside = np.isin(term, terms)
        for name, score in scores.items():
            fixed = delong(bad[inside], {"model": score[inside], "sub-grade": code[inside]}).comparisons.iloc[0]
            refit = found.loc[(group, f"lead {name}")]
            rows.append(
                {
                    "group": group,
                    "model": name,
                    "difference": fixed["difference"],
                    "delong_low": fixed["ci_low"],
                    "delong_high": fixed["ci_high"],
                    "low": refit["low"],
                    "high": refit["high"],
                }
            )
    return pd.DataFrame(rows)


def _mix(tape):
    """The rise of losses from 2010 to 2011: the mix of terms, and the rates within a term."""
    year = tape.frame["issue_date"].dt.year
    shares, rates = {}, {}
    for name, when in (("before", FITTED_TO), ("after", FITTED_TO + 1)):
        part = tape.frame[year == when]
        shares[name] = part["term"].value_counts(normalize=True).sort_index()
        rates[name] = part.groupby("term")["bad"].mean().astype(float)
    middle = (rates["before"] + rates["after"]) / 2
    return {
        "resamples": RESAMPLES,
        "traits_on_the_day": len(TRAITS),
        "rate_before": float(shares["before"] @ rates["before"]),
        "rate_after": float(shares["after"] @ rates["after"]),
        "rise_by_mix": float((shares["after"] - shares["before"]) @ middle),
        "share_60_before": float(shares["before"][60]),
        "share_60_after": float(shares["after"][60]),
    }
