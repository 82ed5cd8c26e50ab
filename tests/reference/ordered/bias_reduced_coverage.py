"""Do 95 % intervals of bias-reduced fits cover the truth 95 % of the time?

    python bias_reduced_coverage.py [replications]

Small samples of the binary, the cumulative (parallel; with weights and a slope that differs by threshold) and the
sequential model; and a sparse design with 15 loans at a rare level, in which maximum likelihood has no estimate in
one sample of five. Beside it, how often a fit is refused in tiny samples (12 to 80 rows) that separate in extreme ways.
Writes bias_reduced_coverage.json; the tests repeat the first replications and compare hit by hit.
"""

import json
import sys
from pathlib import Path

import numpy as np

from p2prisk.errors import ConvergenceError, ModelError, P2PRiskError, SeparationError
from p2prisk.ordered import OrderedLogit, SequentialLogit

FIRST = 60
#: Of the extreme samples fewer: one that is refused takes a second.
FIRST_EXTREME = 20


def predictors(rng, n, rare):
    """A number, and an indicator of exactly ``rare`` rows."""
    return np.column_stack([rng.normal(size=n), rng.permutation(n) < rare]).astype(float)


def binary(rng):
    """n = 300, a fifth of them with the indicator."""
    exog, truth = predictors(rng, 300, 60), np.array([0.8, -0.5, 0.6])
    return truth, OrderedLogit((exog @ truth[:2] + rng.logistic(size=300) > truth[2]).astype(int), exog)


def cumulative(rng):
    """n = 250, three classes, the worst of about 12 %, the indicator rare."""
    exog, truth = predictors(rng, 250, 25), np.array([0.7, 0.6, 0.0, 2.3])
    return truth, OrderedLogit(np.searchsorted(truth[2:], exog @ truth[:2] + rng.logistic(size=250)), exog)


def partial(rng):
    """n = 150 rows of weight 1 or 2, the indicator's slope differs by threshold."""
    exog, truth = predictors(rng, 150, 50), np.array([0.5, 0.2, 0.8, -0.6, 1.2])
    weights = rng.integers(1, 3, 150)
    latent = truth[3:] - exog[:, :1] * truth[0] - exog[:, 1:] * truth[1:3]
    rows = np.repeat(np.arange(150), weights)
    codes = (rng.uniform(size=len(rows))[:, None] > 1 / (1 + np.exp(-latent[rows]))).sum(axis=1)
    cells, counts = np.unique(rows * 3 + codes, return_counts=True)
    return truth, OrderedLogit(cells % 3, exog[cells // 3], freq_weights=counts, nonparallel=["x2"])


def _stages(rng, n, rare):
    exog, truth = predictors(rng, n, rare), np.array([0.6, -0.5, 0.2, 0.4, 0.3])
    stops = rng.uniform(size=(n, 3)) < 1 / (1 + np.exp(-(truth[2:] - exog @ truth[:2][:, None])))
    return truth, SequentialLogit(np.where(stops.any(axis=1), stops.argmax(axis=1), 3), exog)


def sequential(rng):
    """n = 300, three stages, a fifth with the indicator."""
    return _stages(rng, 300, 60)


def sparse(rng):
    """n = 200, two classes, 15 loans with the indicator, the worse class of about 15 %."""
    exog, truth = predictors(rng, 200, 15), np.array([0.8, -0.5, 2.0])
    return truth, OrderedLogit((exog @ truth[:2] + rng.logistic(size=200) > truth[2]).astype(int), exog)


DESIGNS = {"binary": binary, "cumulative": cumulative, "partial": partial, "sequential": sequential, "sparse": sparse}


def hits(design, replications):
    """Whether each interval covered, shape (replications, parameters); rows of NaN where a fit was refused."""
    rows = []
    for replication in range(replications):
        truth, model = DESIGNS[design](np.random.default_rng([11, replication]))
        try:
            interval = model.fit(method="bias_reduced").conf_int()
            rows.append((interval["lower"] < truth) & (truth < interval["upper"]))
        except P2PRiskError:
            rows.append(np.full(len(truth), np.nan))
    return np.array(rows, dtype=float)


def separated(design, replications):
    """In how many samples maximum likelihood has no estimate."""
    count = 0
    for replication in range(replications):
        try:
            DESIGNS[design](np.random.default_rng([11, replication]))[1].fit()
        except SeparationError:
            count += 1
    return count


LINKS = ["logit", "probit", "cloglog", "loglog"]


def extreme(seed):
    """A tiny sample with slopes of up to 10 or more and rare indicators; every third frees one slope."""
    rng = np.random.default_rng([13, seed])
    n, classes, p = int(rng.integers(12, 80)), int(rng.integers(2, 6)), int(rng.integers(1, 4))
    numbers, flags = rng.normal(size=(n, p)), rng.uniform(size=(n, p)) < rng.choice([0.05, 0.2, 0.5], p)
    exog = np.where(rng.uniform(size=p) < 0.5, numbers, flags)
    latent = exog @ (rng.normal(size=p) * rng.choice([1, 3, 10])) + rng.logistic(size=n)
    codes = np.digitize(latent, np.quantile(latent, np.sort(rng.uniform(0.03, 0.97, classes - 1))))
    free = ["x1"] if seed % 3 == 0 and classes > 2 else None
    return OrderedLogit(codes, exog, link=LINKS[seed % 4], nonparallel=free)


def refusals(seeds):
    """Fits tried and refused, by link, and of those with a freed slope; samples that no model takes are left out."""
    found = {name: [0, 0] for name in [*LINKS, "freed"]}
    for seed in seeds:
        try:
            model = extreme(seed)
        except P2PRiskError:
            continue
        count = found["freed" if model.layout.free else model.link.name]
        try:
            model.fit(method="bias_reduced")
        except ConvergenceError:
            count[1] += 1
        except ModelError:  # collinear by chance
            continue
        count[0] += 1
    return found


def main(replications=1000):
    study = {"replications": replications, "first": FIRST, "designs": {}}
    for design in DESIGNS:
        found = hits(design, replications)
        study["designs"][design] = {
            "refused": int(np.isnan(found[:, 0]).sum()),
            "without_ml": separated(design, replications),
            "coverage": np.nanmean(found, axis=0).round(4).tolist(),
            "first_hits": np.nansum(found[:FIRST], axis=0).astype(int).tolist(),
        }
        print(design, study["designs"][design], flush=True)
    study["extreme"] = {"seeds": 1500, "tried_refused": refusals(range(1500)), "first": refusals(range(FIRST_EXTREME))}
    print(study["extreme"])
    path = Path(__file__).with_name("bias_reduced_coverage.json")
    path.write_text(json.dumps(study, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
