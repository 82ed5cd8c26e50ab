"""The parallel ordered logit's sums in one compiled pass over the rows (optional extra ``fast``: numba).

Each block of rows is copied once into the cache, where linear predictor, both distribution values, the
class sums and the weighted copy for the cross-product are made together; only the cross-product itself is
left to BLAS. Imported by :mod:`p2prisk.ordered.likelihood` when the data are large enough to pay for
numba's import.
"""

import math

import numpy as np
from numba import njit

# beyond this the product form exp(x'beta) * exp(-theta) could overflow; such rows are left to the general
# code
_LARGEST = 300.0
_BLOCK = 512


# reassociation lets the compiler use vector registers; NaN and infinities keep their meaning
@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def parallel_logit_sums(exog, codes, weights, offset, centre, beta, theta):
    """Sums over rows for :func:`p2prisk.ordered.likelihood.assemble_parallel_logit`.

    Parameters
    ----------
    exog : ndarray, shape (n, p), any memory order
    codes : ndarray of int, shape (n,)
    weights, offset : ndarray, shape (n,), or (0,) for none
    centre, beta : ndarray, shape (p,)
    theta : ndarray, shape (m,)

    Returns
    -------
    tuple
        Flag of success, sum of log F(a) F(-b), counts (m + 1,), score of beta (p,), class sums of 1 - F(a)
        and 1 - F(-b) (m + 1,), class sums of f(a) and f(b) (m + 1,), weighted cross-product (p, p),
        density-weighted column sums by threshold (m, p).
    """
    n, p = exog.shape
    m = len(theta)
    weighted, shifted = len(weights) > 0, len(offset) > 0
    above, below = np.zeros(m + 1), np.zeros(m + 1)
    for k in range(m):
        above[k] = math.exp(-theta[k])
        below[k + 1] = math.exp(theta[k])
    counts, rest_upper, rest_lower = np.zeros(m + 1), np.zeros(m + 1), np.zeros(m + 1)
    density_upper, density_lower = np.zeros(m + 1), np.zeros(m + 1)
    score = np.zeros(p)
    product = np.zeros((p, p))
    by_threshold = np.zeros((m + 2, p))
    block, scaled = np.empty((_BLOCK, p)), np.empty((_BLOCK, p))
    eta, d_eta = np.empty(_BLOCK), np.empty(_BLOCK)
    f_upper, f_lower = np.empty(_BLOCK), np.empty(_BLOCK)
    log_sum, running = 0.0, 1.0
    fine = True
    for start in range(0, n, _BLOCK):
        rows = min(_BLOCK, n - start)
        for r in range(rows):
            total = 0.0
            for j in range(p):
                x = exog[start + r, j] - centre[j]
                block[r, j] = x
                total += x * beta[j]
            eta[r] = total
        if shifted:
            for r in range(rows):
                eta[r] += offset[start + r]
        for r in range(rows):
            if not abs(eta[r]) <= _LARGEST:
                fine = False
            eta[r] = math.exp(eta[r])
        if not fine:
            break
        for r in range(rows):
            k = codes[start + r]
            odds = eta[r]
            upper = 1.0 / (1.0 + odds * above[k])
            lower = odds / (odds + below[k])
            rest_u, rest_l = 1.0 - upper, 1.0 - lower
            f_u, f_l = upper * rest_u, lower * rest_l
            d = upper - lower
            if weighted:
                w = weights[start + r]
                if w > 0:
                    log_sum += w * math.log(upper * lower)
                counts[k] += w
                rest_u *= w
                rest_l *= w
                f_u *= w
                f_l *= w
                d *= w
            else:
                # one logarithm for as many rows as the product can hold
                running *= upper * lower
                if running < 1e-40:
                    log_sum += math.log(running)
                    running = 1.0
                counts[k] += 1.0
            rest_upper[k] += rest_u
            rest_lower[k] += rest_l
            density_upper[k] += f_u
            density_lower[k] += f_l
            d_eta[r], f_upper[r], f_lower[r] = d, f_u, f_l
        for r in range(rows):
            k = codes[start + r]
            f_u, f_l = f_upper[r], f_lower[r]
            w = f_u + f_l
            lower_row, upper_row = by_threshold[k], by_threshold[k + 1]
            for j in range(p):
                x = block[r, j]
                scaled[r, j] = w * x
                lower_row[j] += f_l * x
                upper_row[j] += f_u * x
        score += np.dot(d_eta[:rows], block[:rows])
        product += np.dot(block[:rows].T, scaled[:rows])
    log_sum += math.log(running)
    return (
        fine,
        log_sum,
        counts,
        score,
        rest_upper,
        rest_lower,
        density_upper,
        density_lower,
        product,
        by_threshold[1:-1].copy(),
    )
