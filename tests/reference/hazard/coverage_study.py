"""Do 95 % intervals cover the truth 95 % of the time?  python coverage_study.py [replications]

Loans with two competing ends, late entry and censoring, in both links: coefficients of both causes, and by the delta
method the chance of each end within a horizon, also for a loan already alive for some periods. Writes coverage.json;
the tests repeat the first samples and compare hit by hit.
"""

import json
import sys
from pathlib import Path

import numpy as np

from p2prisk.errors import P2PRiskError
from p2prisk.hazard import HazardLogit

FIRST, AGES, HORIZON = 40, 8, 6
#: of a loan with these traits: at issue, and alive at age 3
LOAN = np.array([[0.5, 1.0]])
TRUTH = {"default": (0.6, -0.4), "repaid": (-0.3, 0.5)}
ALPHA = {"default": (-3.3, -3.0, -2.8, -2.7, -2.7, -2.8, -2.9, -3.1), "repaid": (-2.9, -2.8, -2.7) + (-2.6,) * 5}


def hazards(traits, link):
    """True chance of each end at each age, shape (causes, ages, loans)."""
    rate = np.exp(
        np.stack([np.array(ALPHA[c])[:, None] + (traits @ np.array(TRUTH[c]))[None] for c in ("default", "repaid")])
    )
    total = rate.sum(axis=0)
    return rate / (1 + total) if link == "logit" else rate / total * -np.expm1(-total)


def incidence(link, given):
    hazard = hazards(LOAN, link)[:, given : given + HORIZON if given == 0 else AGES, 0]
    before = np.concatenate([[1.0], np.cumprod(1 - hazard.sum(axis=0))[:-1]])
    return (before * hazard).sum(axis=1)


def sample(rng, link, n=800):
    traits = np.column_stack([rng.normal(size=n), rng.random(n) < 0.4]).astype(float)
    hazard = hazards(traits, link)
    entry = rng.integers(0, 3, n) * (rng.random(n) < 0.3)
    leaves = rng.integers(3, 12, n)
    exit, end, alive = np.zeros(n, int), np.zeros(n, int), np.ones(n, bool)
    for age in range(1, AGES + 1):
        risk, draw = alive & (entry < age), rng.random(n)
        now = np.where(draw < hazard[0, age - 1], 1, np.where(draw < hazard[:, age - 1].sum(axis=0), 2, 0))
        exit[risk], end[risk] = age, now[risk]
        alive &= ~(risk & ((now > 0) | (leaves <= age)))
    return HazardLogit(end, exit, traits, entry=entry, link=link)


def hits(link, replications):
    """Names, and whether each interval covered: shape (replications, quantities); NaN where a fit was refused."""
    names = [f"{cause}: x{j}" for cause in TRUTH for j in (1, 2)]
    names += [f"{cause} within {h}, alive at {a}" for a, h in ((0, HORIZON), (3, AGES - 3)) for cause in TRUTH]
    truth = [*TRUTH["default"], *TRUTH["repaid"], *incidence(link, 0), *incidence(link, 3)]
    rows = []
    for replication in range(replications):
        rng = np.random.default_rng([11, replication])
        try:
            result = sample(rng, link).fit()
        except P2PRiskError:
            rows.append(np.full(len(truth), np.nan))
            continue
        interval = result.conf_int().loc[["1: x1", "1: x2", "2: x1", "2: x2"]].to_numpy()
        chance = [
            result.predict(LOAN, horizon, given=given, interval=0.95).xs(part, axis=1, level=-1).to_numpy()[0]
            for given, horizon in ((0, HORIZON), (3, AGES - 3))
            for part in ("lower", "upper")
        ]
        low = [*interval[:, 0], *chance[0], *chance[2]]
        high = [*interval[:, 1], *chance[1], *chance[3]]
        rows.append((np.array(low) < truth) & (truth < np.array(high)))
    return names, np.array(rows, dtype=float)


def main(replications=2000):
    study = {"replications": replications, "first": FIRST, "designs": {}}
    for link in ("logit", "cloglog"):
        names, found = hits(link, replications)
        study["designs"][link] = {
            "refused": int(np.isnan(found[:, 0]).sum()),
            "coverage": dict(zip(names, np.nanmean(found, axis=0).round(4).tolist(), strict=True)),
            "first_hits": dict(zip(names, np.nansum(found[:FIRST], axis=0).astype(int).tolist(), strict=True)),
        }
        print(link, study["designs"][link])
    Path(__file__).with_name("coverage.json").write_text(json.dumps(study, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
