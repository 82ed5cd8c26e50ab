"""The hazard's sums in one compiled pass over the rows (optional extra ``fast``: numba).

A block of rows of like ages is worked through age by age; the innermost loops run over the rows of the block, side by
side, so that the processor's vector registers are used. With traits whose effects do not vary with age the predictor is
a product, exp(age) * exp(traits): no exponential at all is taken by loan-period. The cross-products are left to BLAS,
in functions of their own: array expressions inside the kernel doubled the time that its compilation takes.
"""

import math

import numpy as np
from numba import njit

_ROWS = 256
# with predictors of at most twice this, four periods' denominators multiply without overflow
_LARGEST = 80.0


@njit(nogil=True, cache=True)
def _add_row(out, row, matrix):
    found = np.dot(row, matrix)
    for j in range(len(found)):
        out[j] += found[j]


@njit(nogil=True, cache=True)
def _add_matrix(out, left, right):
    found = np.dot(left, right)
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            out[i, j] += found[i, j]


@njit(nogil=True, cache=True)
def _add_weighted(out, left, weights, right, scratch):
    """Add left' diag(weights) right."""
    for r in range(right.shape[0]):
        for j in range(right.shape[1]):
            scratch[r, j] = weights[r] * right[r, j]
    _add_matrix(out, left.T, scratch)


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def spell_sums(
    exog,
    first,
    last,
    event,
    weights,
    cell,
    beta,
    gamma,
    varying,
    shape,
    logit,
    cells,
    slopes,
    moved,
    weight,
    weight_x,
    product,
    product_v,
    product_vv,
):
    """Add the rows to the sums; see :class:`p2prisk.hazard.likelihood.Sums` for the last eight arguments.

    Returns
    -------
    (bool, float)
        Whether all predictors were of usable size (else the sums mean nothing), and the log-likelihood.
    """
    n, p = exog.shape
    n_causes, n_cells = cell.shape
    n_shapes, q = shape.shape[1], len(varying)
    n_pairs = n_causes * (n_causes + 1) // 2
    grow = np.zeros((n_causes, n_cells))
    for k in range(n_causes):
        for a in range(n_cells):
            if not abs(cell[k, a]) <= _LARGEST:
                return False, 0.0
            grow[k, a] = math.exp(cell[k, a])
    value = 0.0
    x, scaled = np.zeros((_ROWS, p)), np.zeros((_ROWS, p))
    xv, scaled_v = np.zeros((_ROWS, q)), np.zeros((_ROWS, q))
    begin, stop, end = np.zeros(_ROWS, np.int64), np.zeros(_ROWS, np.int64), np.zeros(_ROWS, np.int64)
    code, mass = np.zeros(_ROWS, np.int64), np.zeros(_ROWS)
    eta, odds = np.zeros((n_causes, _ROWS)), np.zeros((n_causes, _ROWS))
    by_shape = np.zeros((n_causes, n_shapes, _ROWS))
    rate, chance = np.zeros((n_causes, _ROWS)), np.zeros((n_causes, _ROWS))
    total, alive, logs, running = np.zeros(_ROWS), np.zeros(_ROWS), np.zeros(_ROWS), np.ones(_ROWS)
    residual = np.zeros((n_causes, _ROWS))
    residual_v = np.zeros((n_causes, n_shapes, _ROWS))
    once = np.zeros((n_pairs, _ROWS))
    once_v = np.zeros((n_pairs, n_shapes, _ROWS))
    twice = np.zeros((n_pairs, n_shapes, n_shapes, _ROWS))
    by_age = np.zeros((n_pairs, n_cells, _ROWS))
    for start in range(0, n, _ROWS):
        rows = min(_ROWS, n - start)
        low, high = n_cells, 0
        for r in range(_ROWS):
            if r < rows:
                i = start + r
                begin[r], end[r], code[r], mass[r] = first[i], last[i], event[i], weights[i]
                # the month of a grouped proportional-hazards event has formulas of its own, below
                stop[r] = end[r] - 1 if (code[r] > 0 and not logit) else end[r]
                low, high = min(low, begin[r]), max(high, end[r])
                for j in range(p):
                    x[r, j] = exog[i, j]
                for v in range(q):
                    xv[r, v] = exog[i, varying[v]]
            else:
                begin[r], stop[r], end[r], code[r], mass[r] = 0, 0, 0, 0, 0.0
                for j in range(p):
                    x[r, j] = 0.0
                for v in range(q):
                    xv[r, v] = 0.0
        for k in range(n_causes):
            for r in range(_ROWS):
                s = 0.0
                for j in range(p):
                    s += x[r, j] * beta[k, j]
                eta[k, r] = s
            for u in range(n_shapes):
                for r in range(_ROWS):
                    s = 0.0
                    for v in range(q):
                        s += xv[r, v] * gamma[k, u, v]
                    by_shape[k, u, r] = s
            for r in range(_ROWS):
                if not abs(eta[k, r]) <= _LARGEST:
                    return False, 0.0
                odds[k, r] = math.exp(eta[k, r])
        residual.fill(0.0)
        residual_v.fill(0.0)
        once.fill(0.0)
        once_v.fill(0.0)
        twice.fill(0.0)
        logs.fill(0.0)
        running.fill(1.0)
        for a in range(low, high):
            place = a - low
            for r in range(_ROWS):
                alive[r] = mass[r] if (a >= begin[r] and a < stop[r]) else 0.0
            total.fill(0.0)
            for k in range(n_causes):
                if n_shapes == 0:
                    factor = grow[k, a]
                    for r in range(_ROWS):
                        rate[k, r] = odds[k, r] * factor
                else:
                    for r in range(_ROWS):
                        s = eta[k, r] + cell[k, a]
                        for u in range(n_shapes):
                            s += shape[a, u] * by_shape[k, u, r]
                        if not abs(s) <= 2 * _LARGEST:
                            return False, 0.0
                        rate[k, r] = math.exp(s)
                for r in range(_ROWS):
                    total[r] += rate[k, r]
            if logit:
                for r in range(_ROWS):
                    total[r] += 1.0
                    running[r] *= total[r] if alive[r] > 0.0 else 1.0
                    total[r] = 1.0 / total[r]
                if place % 4 == 3 or a == high - 1:
                    for r in range(_ROWS):
                        logs[r] += math.log(running[r])
                        running[r] = 1.0
                for k in range(n_causes):
                    for r in range(_ROWS):
                        chance[k, r] = rate[k, r] * total[r]
            else:
                for r in range(_ROWS):
                    logs[r] += total[r] if alive[r] > 0.0 else 0.0
                for k in range(n_causes):
                    for r in range(_ROWS):
                        chance[k, r] = rate[k, r]
            for k in range(n_causes):
                s = 0.0
                for r in range(_ROWS):
                    d = alive[r] * chance[k, r]
                    residual[k, r] -= d
                    s += d
                cells[k, a] -= s
                for u in range(n_shapes):
                    factor = shape[a, u]
                    for r in range(_ROWS):
                        residual_v[k, u, r] -= factor * alive[r] * chance[k, r]
            pair = 0
            for k in range(n_causes):
                for m in range(k, n_causes):
                    s = 0.0
                    own = by_age[pair, place]
                    if logit:
                        if k == m:
                            for r in range(_ROWS):
                                w = alive[r] * chance[k, r] * (1.0 - chance[k, r])
                                own[r] = w
                                once[pair, r] += w
                                s += w
                        else:
                            for r in range(_ROWS):
                                w = -alive[r] * chance[k, r] * chance[m, r]
                                own[r] = w
                                once[pair, r] += w
                                s += w
                    elif k == m:
                        for r in range(_ROWS):
                            w = alive[r] * chance[k, r]
                            own[r] = w
                            once[pair, r] += w
                            s += w
                    else:
                        own.fill(0.0)
                    weight[pair, a] += s
                    for u in range(n_shapes):
                        factor = shape[a, u]
                        for r in range(_ROWS):
                            once_v[pair, u, r] += factor * own[r]
                        for v in range(u, n_shapes):
                            factor = shape[a, u] * shape[a, v]
                            for r in range(_ROWS):
                                twice[pair, u, v, r] += factor * own[r]
                    pair += 1
        for r in range(rows):
            value -= mass[r] * logs[r]
            if code[r] == 0:
                continue
            y, a, w = code[r] - 1, end[r] - 1, mass[r]
            s = eta[y, r] + cell[y, a]
            for u in range(n_shapes):
                s += shape[a, u] * by_shape[y, u, r]
            value += w * s
            residual[y, r] += w
            cells[y, a] += w
            for u in range(n_shapes):
                residual_v[y, u, r] += w * shape[a, u]
            if logit:
                continue
            h = 0.0
            for k in range(n_causes):
                s = eta[k, r] + cell[k, a]
                for u in range(n_shapes):
                    s += shape[a, u] * by_shape[k, u, r]
                rate[k, r] = math.exp(s)
                h += rate[k, r]
            value += w * (math.log(-math.expm1(-h)) - math.log(h))
            ratio = h / math.expm1(h) if h < 700.0 else 0.0
            bend = -ratio * (1.0 - h - ratio)
            pair = 0
            for k in range(n_causes):
                share = rate[k, r] / h
                d = w * (ratio - 1.0) * share
                residual[k, r] += d
                cells[k, a] += d
                for u in range(n_shapes):
                    residual_v[k, u, r] += d * shape[a, u]
                for m in range(k, n_causes):
                    other = rate[m, r] / h
                    cross = (share if k == m else 0.0) - share * other
                    d = w * ((1.0 - ratio) * cross + bend * share * other)
                    by_age[pair, a - low, r] += d
                    once[pair, r] += d
                    weight[pair, a] += d
                    for u in range(n_shapes):
                        once_v[pair, u, r] += d * shape[a, u]
                        for v in range(u, n_shapes):
                            twice[pair, u, v, r] += d * shape[a, u] * shape[a, v]
                    pair += 1
        for k in range(n_causes):
            _add_row(slopes[k], residual[k], x)
            for u in range(n_shapes):
                _add_row(moved[k, u], residual_v[k, u], xv)
        for pair in range(n_pairs):
            _add_matrix(weight_x[pair, low:high], by_age[pair, : high - low], x)
            _add_weighted(product[pair], x, once[pair], x, scaled)
            for u in range(n_shapes):
                _add_weighted(product_v[pair, u], x, once_v[pair, u], xv, scaled_v)
                for other in range(u, n_shapes):
                    _add_weighted(product_vv[pair, u, other], xv, twice[pair, u, other], xv, scaled_v)
                    if other > u:
                        for v in range(q):
                            for w in range(q):
                                product_vv[pair, other, u, w, v] = product_vv[pair, u, other, v, w]
    return True, value
