"""Size and power of the checks of an ordered logit, by simulation.

Draws samples of loans from known models, fits the ordered logit ``y ~ x + z + d + C(kind)`` to each, runs the checks,
and counts how often each rejects at 5 %. Everything here is **simulated**; no borrower is behind it.

    python benchmarks/power_study.py            # about six minutes of one core; writes data/power_study.csv and .json
    python benchmarks/power_study.py --resume   # keeps the cells that are stored, computes those that are not
    python benchmarks/power_study.py --samples 40 --out /tmp/slice   # a quick slice of every scenario

Every sample has a seed of its own, made of the study's seed, the scenario, the size of the departure, and the sample's
number, so any slice can be drawn again exactly; a test does that for the first samples of every scenario.
"""

import argparse
import datetime
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy.stats import logistic

import p2prisk
from p2prisk import OrderedLogit
from p2prisk.assumptions import (
    brant,
    fagerland_hosmer,
    fit_by_cut,
    likelihood_ratio_parallel,
    linearity,
    lipsitz,
    pulkstenis_robinson,
)
from p2prisk.validation import jeffreys_interval

SEED = 20180331
LOANS = 1500
LEVEL = 0.05
FORMULA = "y ~ x + z + d + C(kind)"
THRESHOLDS = np.array([-1.0, 0.5, 2.0])
# first samples of every scenario whose p-values are stored as well, for the test
SLICE = 12

# scenario -> (what is wrong, sizes of the departure, samples at each size)
SCENARIOS = {
    "truth": ("nothing", [0.0], 2000),
    "parallel lines": ("slope of x changes by this much from cut to cut", [0.05, 0.1, 0.15, 0.2], 300),
    "square": ("the effect of x has a square with this coefficient", [0.05, 0.1, 0.15, 0.2, 0.3], 300),
    "interaction": ("x acts this much more strongly where d = 1", [0.2, 0.4, 0.6, 0.8], 300),
    "link": ("errors are extreme-value, mixed with logistic ones in this share", [0.25, 0.5, 0.75, 1.0], 300),
}


def generator(scenario, size, number, seed=SEED):
    """Random generator of one sample."""
    return np.random.default_rng([seed, list(SCENARIOS).index(scenario), round(size * 1000), number])


def draw(scenario, size, number, loans=LOANS, seed=SEED):
    """One simulated sample of loans.

    Parameters
    ----------
    scenario : str
        A key of SCENARIOS.
    size : float
        Size of the departure.
    number : int
        Number of the sample.

    Returns
    -------
    pandas.DataFrame
        ``y`` (0..3), ``x``, ``z``, ``d``, ``kind``.
    """
    rng = generator(scenario, size, number, seed)
    x, z = rng.normal(size=(2, loans))
    d = (rng.random(loans) < 0.4).astype(int)
    kind = rng.choice(["a", "b", "c"], loans, p=[0.5, 0.3, 0.2])
    eta = 0.8 * x - 0.5 * z + 0.6 * d + 0.4 * (kind == "b") - 0.4 * (kind == "c")
    if scenario == "square":
        eta = eta + size * (x**2 - 1)
    if scenario == "interaction":
        eta = eta + size * x * (d - 0.4)
    latent = THRESHOLDS - eta[:, None]
    if scenario == "parallel lines":
        latent = latent - size * x[:, None] * (np.arange(3) - 1)
        latent = np.maximum.accumulate(latent, axis=1)  # lines cross for |x| above 7 only
    uniform = rng.random(loans)
    if scenario == "link":
        # minimum extreme value, of the logistic's mean and variance
        scale = np.sqrt(2.0)
        extreme = -np.expm1(-np.exp(np.clip(latent / scale - np.euler_gamma, -700, 700)))
        below = (1 - size) * logistic.cdf(latent) + size * extreme
    else:
        below = logistic.cdf(latent)
    y = (uniform[:, None] > below).sum(axis=1)
    return pd.DataFrame({"y": y, "x": x, "z": z, "d": d, "kind": kind})


def pvalues(frame):
    """p-value of every check on one sample."""
    result = OrderedLogit.from_formula(FORMULA, frame).fit()
    wald = brant(fit_by_cut(result))
    ratio = likelihood_ratio_parallel(result, terms=["x"])
    return {
        "Brant, x": wald.loc["x", "pvalue"],
        "Brant, omnibus": wald.loc["Omnibus", "pvalue"],
        "Likelihood ratio, x": ratio.loc["x", "pvalue"],
        "Likelihood ratio, omnibus": ratio.loc["Omnibus", "pvalue"],
        "Fagerland-Hosmer": fagerland_hosmer(result).pvalue,
        "Lipsitz": lipsitz(result).pvalue,
        "Pulkstenis-Robinson chi-square": pulkstenis_robinson(result).pvalue,
        "Pulkstenis-Robinson deviance": pulkstenis_robinson(result, statistic="deviance").pvalue,
        "Spline of x": linearity(result, ["x"]).loc["x", "pvalue"],
    }


def run(scenario, size, numbers):
    """p-values of several samples: one row a sample, one column a check."""
    return pd.DataFrame([pvalues(draw(scenario, size, number)) for number in numbers], index=list(numbers))


def summarise(scenario, size, table):
    """Rejections of one scenario at one size of the departure."""
    computed = table.notna().sum()
    rejected = (table < LEVEL).sum()
    low, high = jeffreys_interval(rejected, computed)
    first = table.iloc[:SLICE]
    return pd.DataFrame(
        {
            "kind": "simulated",
            "scenario": scenario,
            "departure": size,
            "test": table.columns,
            "samples": computed.to_numpy(),
            "rejected": rejected.to_numpy(),
            "share": (rejected / computed).round(4).to_numpy(),
            "ci_low": low.round(4),
            "ci_high": high.round(4),
            "rejected_in_slice": (first < LEVEL).sum().to_numpy(),
            "mean_pvalue_in_slice": first.mean().round(9).to_numpy(),
        }
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, help="samples a scenario, instead of the study's own numbers")
    parser.add_argument("--out", default=Path(__file__).resolve().parents[1] / "data/power_study", type=Path)
    parser.add_argument("--resume", action="store_true", help="keep what is stored, compute what is missing")
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    parts, before = [], 0
    stored = None
    if options.resume and options.out.with_suffix(".csv").exists():
        stored = pd.read_csv(options.out.with_suffix(".csv"))
        before = json.loads(options.out.with_suffix(".json").read_text())["seconds"]
    for scenario, (_, sizes, samples) in SCENARIOS.items():
        for size in sizes:
            if stored is not None:
                cell = stored.query("scenario == @scenario and departure == @size")
                if len(cell) and (cell["samples"] == (options.samples or samples)).all():
                    parts.append(cell)
                    continue
            parts.append(summarise(scenario, size, run(scenario, size, range(options.samples or samples))))
            print(f"{scenario} {size:g}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    pd.concat(parts).to_csv(options.out.with_suffix(".csv"), index=False)
    about = {
        "kind": "simulated",
        "script": "benchmarks/power_study.py",
        "seed": SEED,
        "loans_a_sample": LOANS,
        "level": LEVEL,
        "slice": SLICE,
        "fitted": FORMULA,
        "scenarios": {name: what for name, (what, _, _) in SCENARIOS.items()},
        "date": datetime.date.today().isoformat(),
        "seconds": before + round(time.perf_counter() - begin),
        "versions": {
            "p2prisk": p2prisk.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "pandas": pd.__version__,
        },
    }
    options.out.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
