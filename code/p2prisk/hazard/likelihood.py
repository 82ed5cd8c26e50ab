"""Log-likelihood, score and information of the discrete-time hazard, summed over rows and their ages.

A row is a spell: at risk in the ages ``entry + 1 .. exit``, and in the last of them it ends by one of ``K`` causes or
is censored. With ``eta_k(a) = alpha_k(a) + x'beta_k + sum_j x_j c_j(a)'gamma_kj`` the probability of cause k at age a
is

* logit: ``exp(eta_k) / (1 + sum_m exp(eta_m))``, the multinomial logit of Allison (1982, Sociological Methodology 13)
  and Tutz and Schmid (2016, *Modeling Discrete Time-to-Event Data*, ch. 8); with one cause the binary logit;
* cloglog: ``h_k / h * (1 - exp(-h))``, ``h_k = exp(eta_k)``, ``h = sum_k h_k``: cause-specific proportional hazards in
  continuous time, constant within an age and grouped by age (Prentice and Gloeckler 1978, Biometrics 34); with one
  cause the binary complementary log-log.

Both log-likelihoods are concave: the logit's for the usual reason; the cloglog's because log((1 - exp(-h)) / h) falls
and is concave in log h, and log h = log sum exp(eta) is convex.

The person-period table is never made. Ages of all strata are numbered as *cells*; blocks of rows with like exits are
worked through age by age, the weights of a row are summed over its ages before the cross-product of the traits is
taken, and only sums by cell (of the weight, and of the weight times the traits) keep the age. Nothing is approximated.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy import sparse

from p2prisk.ordered.likelihood import map_tasks

#: rows a block of the NumPy code
BLOCK_ROWS = 2048
#: loan-periods times traits above which numba's import pays for itself
COMPILED_FROM = 10_000_000
# a linear predictor beyond this is an absurd trial step; clipping keeps every formula finite
_LIMIT = 500.0


@dataclass(frozen=True)
class Layout:
    """Which parameter is what, and how it reaches the cells.

    Cells are numbered ``stratum * n_ages + age - 1``. Parameters, cause by cause: slopes of the columns, then effects
    that vary with age, then the baseline.

    Attributes
    ----------
    n_columns, n_ages, n_strata : int
    bases : tuple of ndarray, shape (n_cells, b_k)
        Baseline of each cause.
    shape : ndarray, shape (n_cells, C)
        Functions of age by which effects vary.
    varying : ndarray of int, shape (q,)
        Columns whose effects vary.
    pairs : tuple of (int, int)
        (position in `varying`, function of age) of each varying parameter.
    """

    n_columns: int
    n_ages: int
    n_strata: int
    bases: tuple
    shape: np.ndarray
    varying: np.ndarray
    pairs: tuple
    to_kernel: sparse.csr_matrix = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        p, q, c = self.n_columns, len(self.varying), self.shape.shape[1]
        grid = np.zeros((q * c, len(self.pairs)))
        for position, (column, function) in enumerate(self.pairs):
            grid[function * q + column, position] = 1.0
        blocks = []
        for basis in self.bases:
            n_cells, b = basis.shape
            rows = [
                [None, None, sparse.csr_matrix(basis)],
                [sparse.identity(p, format="csr"), None, sparse.csr_matrix((p, b))],
                [None, sparse.csr_matrix(grid), sparse.csr_matrix((q * c, b))],
            ]
            rows[0][0] = sparse.csr_matrix((n_cells, p))
            rows[0][1] = sparse.csr_matrix((n_cells, grid.shape[1]))
            rows[1][1] = sparse.csr_matrix((p, grid.shape[1]))
            rows[2][0] = sparse.csr_matrix((q * c, p))
            blocks.append(sparse.vstack([sparse.hstack(row) for row in rows]))
        object.__setattr__(self, "to_kernel", sparse.block_diag(blocks, format="csr"))

    @property
    def n_causes(self):
        return len(self.bases)

    @property
    def n_cells(self):
        return self.n_ages * self.n_strata

    @property
    def n_slopes(self):
        """Slopes of one cause, constant and varying."""
        return self.n_columns + len(self.pairs)

    @property
    def n_params(self):
        return self.to_kernel.shape[1]

    def cause_start(self, cause):
        """Position of the first parameter of a cause."""
        return sum(self.n_slopes + basis.shape[1] for basis in self.bases[:cause])

    def kernel_parts(self, kernel):
        """``(cell (K, N), beta (K, p), gamma (K, C, q))`` of kernel parameters."""
        p, q, c = self.n_columns, len(self.varying), self.shape.shape[1]
        rows = np.asarray(kernel).reshape(self.n_causes, -1)
        n = self.n_cells
        return rows[:, :n], rows[:, n : n + p], rows[:, n + p :].reshape(self.n_causes, c, q)

    def shift_and_scale(self, centre, scale):
        """Matrix that maps the parameters of columns ``(x - centre) / scale`` to those of the columns ``x``.

        The baseline takes up the shift; :func:`may_centre` says for which columns it can.
        """
        transform = np.zeros((self.n_params, self.n_params))
        p, start = self.n_columns, 0
        for basis in self.bases:
            level, rest = start + self.n_slopes, start + self.n_slopes + basis.shape[1]
            if self.n_slopes:
                unit = np.linalg.lstsq(basis, np.column_stack([np.ones(len(basis)), self.shape]), rcond=None)[0]
            for column in range(p):
                transform[start + column, start + column] = 1 / scale[column]
                transform[level:rest, start + column] = -unit[:, 0] * centre[column] / scale[column]
            for position, (place, function) in enumerate(self.pairs):
                column, at = self.varying[place], start + p + position
                transform[at, at] = 1 / scale[column]
                transform[level:rest, at] = -unit[:, 1 + function] * centre[column] / scale[column]
            transform[range(level, rest), range(level, rest)] = 1.0
            start = rest
        return transform

    def may_centre(self, at_risk):
        """Columns that the baseline lets us centre: its span must hold the constant and the functions of age.

        Parameters
        ----------
        at_risk : ndarray of bool, shape (n_cells,)
            Cells in which some row is at risk; others do not matter.
        """
        fine = np.ones(self.n_columns, bool)
        for basis in self.bases:
            wanted = np.column_stack([np.ones(len(basis)), self.shape])[at_risk]
            left = wanted - basis[at_risk] @ np.linalg.lstsq(basis[at_risk], wanted, rcond=None)[0]
            inside = np.abs(left).max(axis=0) <= 1e-9 * np.abs(wanted).max(axis=0)
            if not inside[0]:
                fine[:] = False
            for place, function in self.pairs:
                fine[self.varying[place]] &= inside[1 + function]
        return fine


@dataclass(frozen=True)
class Spells:
    """Rows with their ages as cells: at risk in ``first <= cell < last``; ``event`` 0 is censored."""

    exog: np.ndarray
    first: np.ndarray
    last: np.ndarray
    event: np.ndarray
    weights: np.ndarray

    def take(self, rows):
        return Spells(*(getattr(self, name)[rows] for name in ("exog", "first", "last", "event", "weights")))

    def __len__(self):
        return len(self.first)


@dataclass
class Sums:
    """Sums over rows, in kernel parameters: the score and information by cell and by trait."""

    log_likelihood: float
    cells: np.ndarray  # (K, N) residual by cell
    slopes: np.ndarray  # (K, p)
    varying: np.ndarray  # (K, C, q)
    weight: np.ndarray  # (P, N)
    weight_x: np.ndarray  # (P, N, p)
    product: np.ndarray  # (P, p, p)
    product_v: np.ndarray  # (P, C, p, q)
    product_vv: np.ndarray  # (P, C, C, q, q)

    def add(self, other):
        self.log_likelihood += other.log_likelihood
        for name in ("cells", "slopes", "varying", "weight", "weight_x", "product", "product_v", "product_vv"):
            getattr(self, name).__iadd__(getattr(other, name))


def cause_pairs(n_causes):
    """Pairs of causes ``k <= l``, in the order of the sums.

    >>> cause_pairs(2)
    [(0, 0), (0, 1), (1, 1)]
    """
    return [(k, other) for k in range(n_causes) for other in range(k, n_causes)]


def empty_sums(layout):
    k, n, p, c = layout.n_causes, layout.n_cells, layout.n_columns, layout.shape.shape[1]
    q, pairs = len(layout.varying), k * (k + 1) // 2
    return Sums(
        0.0,
        np.zeros((k, n)),
        np.zeros((k, p)),
        np.zeros((k, c, q)),
        np.zeros((pairs, n)),
        np.zeros((pairs, n, p)),
        np.zeros((pairs, p, p)),
        np.zeros((pairs, c, p, q)),
        np.zeros((pairs, c, c, q, q)),
    )


def predictors(layout, parts, exog, cells):
    """Linear predictors, shape (K, ages, rows), of rows at the cells ``cells`` (ages,) or (ages, rows)."""
    cell, beta, gamma = parts
    eta = cell[:, cells]
    eta = eta if eta.ndim == 3 else eta[:, :, None]
    eta = eta + (beta @ exog.T)[:, None, :]
    if layout.shape.shape[1]:
        shape = layout.shape[cells]
        by_row = gamma @ exog[:, layout.varying].T  # (K, C, rows)
        shape = shape if shape.ndim == 3 else shape[:, None, :]
        eta = eta + np.einsum("arc,kcr->kar", np.broadcast_to(shape, (*eta.shape[1:], shape.shape[2])), by_row)
    return np.clip(eta, -_LIMIT, _LIMIT)


def end_probabilities(link, eta):
    """Probability of each cause in a period, and of surviving it, from the predictors (K, ...)."""
    rate = np.exp(eta)
    total = rate.sum(axis=0)
    if link == "logit":
        return rate / (1 + total), 1 / (1 + total)
    return rate * (-np.expm1(-total) / total), np.exp(-total)


def block_terms(link, eta, at_risk, event, last_place, weights, order=2):
    """Log-likelihood, residuals (K, ages, rows) and weights (P, ages, rows) of one block."""
    n_causes, rows = len(eta), np.arange(eta.shape[2])
    rate = np.exp(eta)
    total = rate.sum(axis=0)
    ended = event > 0
    place, who, what = last_place[ended], rows[ended], event[ended] - 1
    mass = at_risk * weights
    if link == "logit":
        value = -float((mass * np.log1p(total)).sum()) + float(weights[ended] @ eta[what, place, who])
        if order == 0:
            return value, None, None
        chance = rate / (1 + total)
        residual = -chance * mass
        residual[what, place, who] += weights[ended]
        pairs = [
            mass * chance[k] * ((1 - chance[k]) if k == other else -chance[other]) for k, other in cause_pairs(n_causes)
        ]
        return value, residual, np.stack(pairs)
    own, weight = total[place, who], weights[ended]
    mass = mass.copy()
    mass[place, who] = 0.0
    with np.errstate(over="ignore"):
        # log of P(cause) = eta - log h + log(1 - exp(-h))
        value = -float((mass * total).sum()) + float(
            weight @ (eta[what, place, who] - np.log(own) + np.log(-np.expm1(-own)))
        )
        if order == 0:
            return value, None, None
        ratio = np.where(own > 0, own / np.expm1(own), 1.0)
    share = rate[:, place, who] / own
    residual = -rate * mass
    residual[:, place, who] += weight * (ratio - 1) * share
    residual[what, place, who] += weight
    bend = -ratio * (1 - own - ratio)
    pairs = []
    for k, other in cause_pairs(n_causes):
        both = mass * rate[k] if k == other else np.zeros_like(mass)
        cross = -share[k] * share[other] + (share[k] if k == other else 0.0)
        both[place, who] = weight * ((1 - ratio) * cross + bend * share[k] * share[other])
        pairs.append(both)
    return value, residual, np.stack(pairs)


def add_block(layout, link, parts, spells, sums, order=2):
    """Add one block of rows to the sums, in NumPy."""
    low, high = int(spells.first.min()), int(spells.last.max())
    cells = np.arange(low, high)
    eta = predictors(layout, parts, spells.exog, cells)
    at_risk = (cells[:, None] >= spells.first) & (cells[:, None] < spells.last)
    value, residual, pairs = block_terms(link, eta, at_risk, spells.event, spells.last - 1 - low, spells.weights, order)
    sums.log_likelihood += value
    if order == 0:
        return
    x, own = spells.exog, slice(low, high)
    shape, xv = layout.shape[own], spells.exog[:, layout.varying]
    sums.cells[:, own] += residual.sum(axis=2)
    sums.slopes += residual.sum(axis=1) @ x
    sums.weight[:, own] += pairs.sum(axis=2)
    sums.weight_x[:, own] += pairs @ x
    by_row = pairs.sum(axis=1)
    for i, weight in enumerate(by_row):
        sums.product[i] += x.T @ (x * weight[:, None])
    for u in range(shape.shape[1]):
        sums.varying[:, u] += np.tensordot(residual, shape[:, u], (1, 0)) @ xv
        once = np.tensordot(pairs, shape[:, u], (1, 0))
        for i, weight in enumerate(once):
            sums.product_v[i, u] += x.T @ (xv * weight[:, None])
        for v in range(u, shape.shape[1]):
            twice = np.tensordot(pairs, shape[:, u] * shape[:, v], (1, 0))
            for i, weight in enumerate(twice):
                block = xv.T @ (xv * weight[:, None])
                sums.product_vv[i, u, v] += block
                if v > u:
                    sums.product_vv[i, v, u] += block


@cache
def compiled_sums():
    """The compiled kernel, or ``None`` where numba is not installed."""
    try:
        from p2prisk.hazard.compiled import spell_sums
    except ImportError:
        return None
    return spell_sums


def evaluate(layout, link, kernel, spells, compiled=None, order=2):
    """Log-likelihood, score and information in kernel parameters.

    Parameters
    ----------
    layout : Layout
    link : {"logit", "cloglog"}
    kernel : ndarray
        Kernel parameters, cause by cause: cells, slopes, varying effects.
    spells : Spells
        Sorted so that neighbours have like ages; any order gives the same sums.
    compiled : bool, optional
        By default where numba is installed and the data are large.
    order : {0, 2}

    Returns
    -------
    (float, ndarray, ndarray)
    """
    parts = tuple(np.ascontiguousarray(part) for part in layout.kernel_parts(kernel))
    if compiled is None:
        size = int((spells.last.astype(np.int64) - spells.first).sum()) * max(layout.n_columns, 1)
        compiled = size >= COMPILED_FROM
    run = compiled_sums() if compiled and order == 2 and layout.n_columns else None

    def task(start, stop):
        total = empty_sums(layout)
        if run is not None and _fill(run, layout, link, parts, spells, start, stop, total):
            return total
        for begin in range(start, stop, BLOCK_ROWS):
            add_block(layout, link, parts, spells.take(slice(begin, min(begin + BLOCK_ROWS, stop))), total, order)
        return total

    total, *rest = map_tasks(task, len(spells))
    for part in rest:
        total.add(part)
    if order == 0:
        return total.log_likelihood, None, None
    return total.log_likelihood, *assemble(layout, total)


def _fill(run, layout, link, parts, spells, start, stop, total):
    rows = slice(start, stop)
    names = ("cells", "slopes", "varying", "weight", "weight_x", "product", "product_v", "product_vv")
    fine, value = run(
        spells.exog[rows],
        spells.first[rows],
        spells.last[rows],
        spells.event[rows],
        spells.weights[rows],
        *parts,
        layout.varying,
        layout.shape,
        link == "logit",
        *(getattr(total, name) for name in names),
    )
    if fine:
        total.log_likelihood = value
        return True
    for name in names:
        getattr(total, name)[...] = 0.0
    return False


def assemble(layout, sums):
    """Score and information in kernel parameters from the sums."""
    k, n, p = layout.n_causes, layout.n_cells, layout.n_columns
    c, q = layout.shape.shape[1], len(layout.varying)
    size = n + p + c * q
    score = np.concatenate([sums.cells, sums.slopes, sums.varying.reshape(k, c * q)], axis=1).ravel()
    information = np.zeros((k, size, k, size))
    diagonal, beta = np.arange(n), slice(n, n + p)
    for i, (a, b) in enumerate(cause_pairs(k)):
        block = np.zeros((size, size))
        block[diagonal, diagonal] = sums.weight[i]
        block[:n, beta] = sums.weight_x[i]
        block[beta, beta] = sums.product[i]
        for u in range(c):
            own = slice(n + p + u * q, n + p + (u + 1) * q)
            block[:n, own] = layout.shape[:, [u]] * sums.weight_x[i][:, layout.varying]
            block[beta, own] = sums.product_v[i, u]
            for v in range(u, c):
                block[own, n + p + v * q : n + p + (v + 1) * q] = sums.product_vv[i, u, v]
        block = np.triu(block)
        block += np.triu(block, 1).T
        information[a, :, b, :] = block
        information[b, :, a, :] = block
    return score, information.reshape(k * size, k * size)


class Problem:
    """The likelihood in centred and scaled columns, as :func:`p2prisk.ordered.newton.maximise` wants it."""

    def __init__(self, layout, link, spells, centre, scale, compiled=None):
        self.layout, self.link, self.compiled = layout, link, compiled
        self.spells = spells
        self.to_user = layout.shift_and_scale(centre, scale)

    def evaluate(self, internal, order=2):
        """As of :class:`p2prisk.ordered.newton.Problem`; second derivatives are always taken."""
        value, score, information = evaluate(
            self.layout, self.link, self.layout.to_kernel @ internal, self.spells, self.compiled
        )
        transform = self.layout.to_kernel
        information = transform.T @ (transform.T @ information).T
        return value, value, transform.T @ score, 0.5 * (information + information.T)


def score_rows(layout, link, params, spells):
    """Gradient of each row's log-likelihood (not multiplied by its weight), shape (rows, parameters)."""
    parts = layout.kernel_parts(layout.to_kernel @ params)
    low, high = int(spells.first.min()), int(spells.last.max())
    cells = np.arange(low, high)
    eta = predictors(layout, parts, spells.exog, cells)
    at_risk = (cells[:, None] >= spells.first) & (cells[:, None] < spells.last)
    _, residual, _ = block_terms(link, eta, at_risk, spells.event, spells.last - 1 - low, np.ones(len(spells)), order=2)
    out = []
    xv, shape = spells.exog[:, layout.varying], layout.shape[low:high]
    for own, basis in zip(residual, layout.bases, strict=True):
        out.append(spells.exog * own.sum(axis=0)[:, None])
        if layout.pairs:
            moved = own.T @ shape
            out.append(np.column_stack([xv[:, place] * moved[:, function] for place, function in layout.pairs]))
        out.append(own.T @ basis[low:high])
    return np.hstack(out)
