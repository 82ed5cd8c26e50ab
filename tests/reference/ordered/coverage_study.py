"""Do 95 % intervals cover the truth 95 % of the time?  python coverage_study.py [replications]

Three designs: a balanced one; a skewed one in dollars with a rare worst class (about 2 % of loans) and frequency
weights; a partial proportional odds model, whose free slopes are covered too. Writes coverage.json; the tests repeat
the first replications and compare hit by hit.
"""

import json
import sys
from pathlib import Path

import numpy as np

from p2prisk.errors import P2PRiskError
from p2prisk.ordered import OrderedLogit

FIRST = 60


def balanced(rng):
    """n = 500, two slopes, four even classes."""
    exog = np.column_stack([rng.normal(size=500), rng.uniform(size=500) < 0.4]).astype(float)
    truth = np.array([0.8, -0.5, -1.2, 0.0, 1.2])
    latent = exog @ truth[:2] + rng.logistic(size=500)
    return truth, OrderedLogit(np.searchsorted(truth[2:], latent), exog)


def skewed(rng):
    """n = 1,500 rows of weight 1 or 2, income in dollars, worst class of about 2 %."""
    n = 1500
    weights = rng.integers(1, 3, n)
    exog = np.column_stack([rng.lognormal(11, 0.6, n), rng.uniform(0, 1.2, n)])
    truth = np.array([-1.2e-5, 1.5, -1.0, 1.0, 4.2])
    latent = np.repeat(exog @ truth[:2], weights) + rng.logistic(size=weights.sum())
    codes = np.searchsorted(truth[2:], latent)
    # loans of one row share their class only by chance: count the cells instead
    rows = np.repeat(np.arange(n), weights)
    cells, counts = np.unique(rows * 4 + codes, return_counts=True)
    return truth, OrderedLogit(cells % 4, exog[cells // 4], freq_weights=counts)


def partial(rng):
    """n = 1,200, one slope shared and one that differs by threshold."""
    n = 1200
    exog = np.column_stack([rng.normal(size=n), rng.uniform(-1, 1, n)])
    truth = np.array([0.7, 0.3, 0.6, 0.9, -1.2, 0.2, 1.5])
    cumulative = 1 / (1 + np.exp(-(truth[4:] - exog[:, :1] * truth[0] - exog[:, 1:] * truth[1:4])))
    codes = (rng.uniform(size=n)[:, None] > cumulative).sum(axis=1)
    return truth, OrderedLogit(codes, exog, nonparallel=["x2"])


DESIGNS = {"balanced": balanced, "skewed": skewed, "partial": partial}


def hits(design, replications):
    """Whether each interval covered, shape (replications, parameters); rows of NaN where a fit was refused."""
    rows = []
    for replication in range(replications):
        truth, model = DESIGNS[design](np.random.default_rng([7, replication]))
        try:
            interval = model.fit().conf_int()
            rows.append((interval["lower"] < truth) & (truth < interval["upper"]))
        except P2PRiskError:
            rows.append(np.full(len(truth), np.nan))
    return np.array(rows, dtype=float)


def main(replications=2000):
    study = {"replications": replications, "first": FIRST, "designs": {}}
    for design in DESIGNS:
        found = hits(design, replications)
        study["designs"][design] = {
            "refused": int(np.isnan(found[:, 0]).sum()),
            "coverage": np.nanmean(found, axis=0).round(4).tolist(),
            "first_hits": np.nansum(found[:FIRST], axis=0).astype(int).tolist(),
        }
        print(design, study["designs"][design])
    path = Path(__file__).with_name("coverage.json")
    path.write_text(json.dumps(study, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
