"""Seconds of the checks on many loans (default one million), simulated; one line a check.

python benchmarks/checks.py [--loans 1000000] [--columns 20] [--classes 7]
"""

import argparse
import time

import numpy as np

from p2prisk import OrderedLogit
from p2prisk.assumptions import brant, fagerland_hosmer, influence, likelihood_ratio_parallel, surrogate_residuals
from p2prisk.effects import average_marginal_effects
from p2prisk.validation import auc, bootstrap, calibration_by_cut, concordance, delong, ordinal_scores


def portfolio(loans, columns, classes, seed=0):
    """Simulated design and outcome: half the columns continuous, the others 0/1."""
    rng = np.random.default_rng(seed)
    exog = rng.normal(size=(loans, columns))
    exog[:, columns // 2 :] = exog[:, columns // 2 :] > 0.8
    slopes = np.linspace(-0.5, 0.6, columns)
    latent = exog @ slopes + rng.logistic(size=loans)
    cuts = np.quantile(
        latent[:100_000], np.cumsum(np.linspace(2, 0.4, classes))[:-1] / np.linspace(2, 0.4, classes).sum()
    )
    return exog, np.digitize(latent, cuts)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--classes", type=int, default=7)
    options = parser.parse_args(arguments)
    exog, y = portfolio(options.loans, options.columns, options.classes)
    begin = time.perf_counter()
    result = OrderedLogit(y, exog).fit()
    rows = {"fit, for comparison": time.perf_counter() - begin}
    probability = result.predict()
    score = result.predict(which="linear").to_numpy()
    other = score + np.random.default_rng(1).normal(size=len(score))
    bad = y >= options.classes - 2
    calls = {
        "brant (all terms, full covariance)": lambda: brant(result),
        "likelihood ratio of parallel lines (one term)": lambda: likelihood_ratio_parallel(
            result, ["x1"], omnibus=False
        ),
        "average marginal effects (all columns and classes)": lambda: average_marginal_effects(result),
        "surrogate residuals": lambda: surrogate_residuals(result),
        "Fagerland-Hosmer": lambda: fagerland_hosmer(result),
        "influence of every loan": lambda: influence(result),
        "DeLong, two scores": lambda: delong(bad, {"a": score, "b": other}),
        "ordinal C index with interval": lambda: concordance(y, score),
        "ordinal scores with intervals": lambda: ordinal_scores(y, probability),
        "calibration at every cut": lambda: calibration_by_cut(y, probability),
        "bootstrap of the AUC, 20 resamples": lambda: bootstrap(
            lambda s: auc(s[0], s[1]), (bad, score), n_resamples=20
        ),
    }
    for name, call in calls.items():
        begin = time.perf_counter()
        call()
        rows[name] = time.perf_counter() - begin
    print(f"{options.loans:,} simulated loans, {options.columns} columns, {options.classes} classes")
    for name, seconds in rows.items():
        print(f"  {name:<52}{seconds:8.2f} s")
    return rows


if __name__ == "__main__":
    main()
