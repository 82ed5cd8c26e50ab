"""Do the 95 % intervals of the sequential logit cover the truth?  python coverage_sequential.py [replications]

Four designs: forward with a rare last class; backward in dollars with frequency weights; forward with slopes that
differ by stage; and the sandwich, on loans that come in clusters. Writes coverage_sequential.json; the tests repeat
the first replications and compare hit by hit.
"""

import json
import sys
from pathlib import Path

import numpy as np

from p2prisk.errors import P2PRiskError
from p2prisk.ordered import SequentialLogit

FIRST = 60


def simulate(rng, latent, forward=True):
    """Categories of rows with latent bounds z_j: stage by stage, from the definition."""
    stops = rng.logistic(size=latent.shape) < latent
    if forward:
        return np.where(stops.any(axis=1), stops.argmax(axis=1), latent.shape[1])
    goes_up = ~stops[:, ::-1]
    return np.where(goes_up.any(axis=1), latent.shape[1] - goes_up.argmax(axis=1), 0)


def forward(rng):
    """n = 800, two slopes, four classes, the last of about 5 %."""
    exog = np.column_stack([rng.normal(size=800), rng.uniform(size=800) < 0.4]).astype(float)
    truth = np.array([0.8, -0.5, 0.2, 0.6, 1.2])
    latent = truth[2:] - (exog @ truth[:2])[:, None]
    return truth, SequentialLogit(simulate(rng, latent), exog), {}


def backward(rng):
    """n = 1,500 rows of weight 1 or 2, income in dollars, worst class of about 4 %."""
    n = 1500
    weights = rng.integers(1, 3, n)
    exog = np.column_stack([rng.lognormal(11, 0.6, n), rng.uniform(0, 1.2, n)])
    truth = np.array([-1.2e-5, 1.5, 0.4, 1.0, 3.4])
    latent = truth[2:] - np.repeat(exog @ truth[:2], weights)[:, None]
    codes = simulate(rng, latent, forward=False)
    # loans of one row share their class only by chance: count the cells instead
    cells, counts = np.unique(np.repeat(np.arange(n), weights) * 4 + codes, return_counts=True)
    return truth, SequentialLogit(cells % 4, exog[cells // 4], "backward", freq_weights=counts), {}


def free(rng):
    """n = 1,500, one slope shared and one that differs by stage, even in sign."""
    n = 1500
    exog = np.column_stack([rng.normal(size=n), rng.uniform(-1, 1, n)])
    truth = np.array([0.7, 0.9, 0.3, -0.6, 0.0, 0.1, 0.3])
    latent = truth[4:] - exog[:, :1] * truth[0] - exog[:, 1:] * truth[1:4]
    return truth, SequentialLogit(simulate(rng, latent), exog, nonparallel=["x2"]), {}


def clusters(rng):
    """400 borrowers with 1 to 5 identical loans each: only the cluster covariance knows how little that is."""
    exog = rng.normal(size=(400, 2))
    truth = np.array([0.6, -0.4, 0.0, 0.8])
    codes, loans = simulate(rng, truth[2:] - (exog @ truth[:2])[:, None]), rng.integers(1, 6, 400)
    model = SequentialLogit(np.repeat(codes, loans), np.repeat(exog, loans, axis=0))
    return truth, model, {"cov_type": "cluster", "groups": np.repeat(np.arange(400), loans)}


DESIGNS = {"forward": forward, "backward": backward, "free": free, "clusters": clusters}


def hits(design, replications):
    """Whether each interval covered, shape (replications, parameters); rows of NaN where a fit was refused."""
    rows = []
    for replication in range(replications):
        truth, model, options = DESIGNS[design](np.random.default_rng([12, replication]))
        try:
            interval = model.fit(**options).conf_int()
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
    path = Path(__file__).with_name("coverage_sequential.json")
    path.write_text(json.dumps(study, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
