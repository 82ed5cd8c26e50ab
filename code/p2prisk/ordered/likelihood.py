"""Log-likelihood, score and observed information of an ordinal model, summed over rows.

:func:`evaluate_rows` does the arithmetic for a block of rows that fits the cache, blind to the family of the
model (:mod:`p2prisk.ordered.families`); :func:`parallel_logit` is the short way of the commonest one. Whole
data sets in memory (:class:`ArrayRows`), files larger than memory and partitions on a cluster all call them
and add up what they return, which is why they agree.

Order of the parameters everywhere: slopes of the parallel columns, slopes freed by threshold (column by
column, threshold by threshold), thresholds.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import NamedTuple

import numpy as np

from p2prisk.ordered.links import Logit

# rows a block of the NumPy code: large enough that calls cost little, small enough for the second-level cache
BLOCK_ROWS = 8192
# blocks are handed to threads in groups whose size depends on the number of rows only, and summed in order: the
# result does not depend on threads
_ROWS_PER_TASK, _TASKS = (8_192, 65_536), 16
# numbers that stay in the second-level cache while several products are made of them
_IN_CACHE = 65_536
# numbers in the design matrix above which importing numba (about half a second, once a process) pays for
# itself
COMPILED_FROM = 10_000_000
# linear predictors and thresholds beyond this go the general way: products of two of their exponentials could overflow
LARGEST_EXPONENT = 150.0


def block_rows(n_columns):
    """Rows a block of the NumPy code: many, so that calls cost little, and few enough for the cache.

    >>> block_rows(5), block_rows(20), block_rows(100)
    (32768, 32768, 8192)
    """
    return 32_768 if n_columns <= 50 else 8192


#: rows of a block that is read or made on every pass
BATCH_ROWS = 131_072


class Block(NamedTuple):
    """Rows side by side: what the arithmetic on any source of rows is given."""

    exog: np.ndarray
    codes: np.ndarray
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None
    groups: np.ndarray | None = None

    def take(self, rows):
        """The block of some of the rows: a slice, a mask or positions."""
        return Block(*(None if part is None else part[rows] for part in self))

    @property
    def counted(self):
        """Rows with positive weight."""
        return self if self.weights is None else self.take(self.weights > 0)


class Evaluation(NamedTuple):
    """Sums over rows at one parameter vector."""

    log_likelihood: float
    score: np.ndarray
    information: np.ndarray


@dataclass(frozen=True)
class Layout:
    """Which column and threshold each parameter belongs to.

    Parameters
    ----------
    n_columns : int
        Columns of the design matrix.
    n_thresholds : int
        Number of categories minus one.
    free : tuple of int
        Columns whose slope differs by threshold (``nonparallel``).
    """

    n_columns: int
    n_thresholds: int
    free: tuple = ()
    parallel: tuple = field(init=False)

    def __post_init__(self):
        free = set(self.free)
        object.__setattr__(self, "parallel", tuple(i for i in range(self.n_columns) if i not in free))

    @property
    def n_params(self):
        return len(self.parallel) + (len(self.free) + 1) * self.n_thresholds

    @property
    def n_slopes(self):
        return self.n_params - self.n_thresholds

    @property
    def slope_columns(self):
        """Column of the design matrix of every slope, in the order of the parameters."""
        return np.array([*self.parallel, *(c for c in self.free for _ in range(self.n_thresholds))], dtype=int)

    @property
    def slope_thresholds(self):
        """Threshold index of every slope; -1 for a slope shared by all thresholds."""
        return np.array([-1] * len(self.parallel) + [j for _ in self.free for j in range(self.n_thresholds)], dtype=int)

    def split(self, params):
        """``(beta, gamma, theta)`` with shapes (p,), (thresholds, q), (thresholds,)."""
        p, m = len(self.parallel), self.n_thresholds
        gamma = params[p : self.n_slopes].reshape(len(self.free), m).T
        return params[:p], gamma, params[self.n_slopes :]

    def latent(self, params, exog, offset=None):
        """``theta_j - x'beta_j - offset`` of every row and threshold, shape (n, thresholds)."""
        beta, gamma, theta = self.split(params)
        if self.free:
            latent = theta - (exog[:, self.parallel] @ beta)[:, None] - exog[:, self.free] @ gamma.T
        else:
            latent = theta - (exog @ beta)[:, None]
        return latent if offset is None else latent - np.asarray(offset)[:, None]

    def shift_and_scale(self, shift, scale):
        """Matrix that maps the parameters of columns ``(x - shift) / scale`` to those of the columns ``x``.

        theta_j - ((x - shift)/scale)'b = (theta_j + (shift/scale)'b) - x'(b/scale).
        """
        transform = np.eye(self.n_params)
        columns, thresholds = self.slope_columns, self.slope_thresholds
        for position, (column, threshold) in enumerate(zip(columns, thresholds, strict=True)):
            transform[position, position] = 1.0 / scale[column]
            rows = slice(self.n_slopes, None) if threshold < 0 else self.n_slopes + threshold
            transform[rows, position] = shift[column] / scale[column]
        return transform


def evaluate_rows(layout, family, params, exog, codes, weights=None, offset=None, order=2):
    """Log-likelihood, score and observed information of one block of rows, for any family.

    Parameters
    ----------
    layout : Layout
    family : Family
        Gives the rows' log-probabilities and their derivatives in the latent bounds.
    params : ndarray, shape (n_params,)
    exog : ndarray, shape (n, p)
    codes : ndarray of int, shape (n,)
        Category of each row, 0 .. n_thresholds.
    weights, offset : ndarray, shape (n,), optional
    order : {0, 1, 2}
        Highest derivative wanted; the parts not wanted are zero.

    Returns
    -------
    Evaluation
    """
    m, p, q = layout.n_thresholds, len(layout.parallel), len(layout.free)
    score, information = np.zeros(layout.n_params), np.zeros((layout.n_params, layout.n_params))
    log_probability, *derivatives = family.terms(layout.latent(params, exog, offset), codes)
    if weights is not None:
        log_likelihood = float(weights[weights > 0] @ log_probability[weights > 0])
    else:
        log_likelihood = float(log_probability.sum())
    if order == 0 or not np.isfinite(log_likelihood):
        return Evaluation(log_likelihood, score, information)
    if weights is not None:  # only now: where a step was too long the derivatives overflow
        derivatives = [None if part is None else part * weights[:, None] for part in derivatives]
    first, second, mixed = derivatives

    shared = exog[:, layout.parallel] if q else exog
    own = np.column_stack([np.ones(len(exog)), -exog[:, layout.free]])
    # from (threshold, [intercept, freed columns]) to (freed columns by threshold, thresholds)
    step = 1 + q
    place = np.concatenate(
        [np.arange(m)[:, None] * step + np.arange(1, step), np.arange(m)[:, None] * step], axis=1
    ).T.ravel()
    score[:p] = -column_sums(first.sum(axis=1), shared)
    score[p:] = (first.T @ own).ravel()[place]
    if order == 1:
        return Evaluation(log_likelihood, score, information)
    # a shared slope moves all bounds of a row together: row sums of the matrix of second derivatives
    together = second if mixed is None else second.copy()
    if mixed is not None:
        together[:, 1:] += mixed
        together[:, :-1] += mixed
    information[:p, :p] = -(shared.T @ (shared * together.sum(axis=1)[:, None]))
    if not q:
        information[p:, :p] = together.T @ shared
        information[:p, p:] = information[p:, :p].T
        curvature = -second.sum(axis=0)
        information[p:, p:] = np.diag(curvature)
        if mixed is not None:
            beside = np.arange(p, p + m - 1)
            information[beside, beside + 1] = information[beside + 1, beside] = -mixed.sum(axis=0)
        return Evaluation(log_likelihood, score, information)
    # threshold block: intercept and freed columns of one threshold side by side; with the rows in the order of their
    # categories those that touch a threshold are one slice
    rows = np.argsort(codes, kind="stable")
    own, second, together, shared = own[rows], second[rows], together[rows], shared[rows]
    mixed = None if mixed is None else mixed[rows]
    block = np.zeros((m, step, m, step))
    cross = np.zeros((m, step, p))
    for threshold in range(m):
        part = _touched(second[:, threshold])
        at = own[part]
        block[threshold, :, threshold, :] = -(at.T @ (at * second[part, threshold, None]))
        cross[threshold] = (at * together[part, threshold, None]).T @ shared[part]
        if mixed is not None and threshold + 1 < m:
            part = _touched(mixed[:, threshold])
            at = own[part]
            off = -(at.T @ (at * mixed[part, threshold, None]))
            block[threshold + 1, :, threshold, :] = block[threshold, :, threshold + 1, :] = off
    information[p:, p:] = block.reshape(m * step, m * step)[np.ix_(place, place)]
    information[p:, :p] = cross.reshape(m * step, p)[place]
    information[:p, p:] = information[p:, :p].T
    return Evaluation(log_likelihood, score, information)


def _touched(derivative):
    """Slice from the first to the last entry that is not zero."""
    there = np.flatnonzero(derivative)
    return slice(there[0], there[-1] + 1) if len(there) else slice(0)


@cache
def touched_thresholds(family, n_thresholds):
    """First and past-the-last threshold that the rows of each class touch, shape (classes, 2)."""
    touches = family.outward(np.arange(n_thresholds + 1), n_thresholds) != 0
    return np.stack([touches.argmax(axis=1), n_thresholds - touches[:, ::-1].argmax(axis=1)], axis=1)


def parallel_logit(layout, family, params, exog, codes, weights, offset, order):
    """:func:`evaluate_rows` for the logit with parallel slopes, in any family.

    The part of a row's log-likelihood that depends on the row is a sum of log F(+-z_j) over the thresholds that its
    class touches, with the sign + from the class's own threshold upwards; for the cumulative model because log p =
    log F(a) + log F(-b) + log(1 - exp(-(a - b))), where a - b = theta_k - theta_{k-1} does not depend on the row.
    Hence dl/deta is a sum of F(-+z_j) and -d2l/deta2 one of densities. With the rows sorted by class, the first
    threshold that each row touches is worked off in one sweep, then the second, and so on: two sweeps in the
    cumulative model, however many classes there are.
    """
    p, m, n = layout.n_columns, layout.n_thresholds, len(exog)
    theta = params[p:]
    eta = exog @ params[:p]
    if offset is not None:
        eta += offset
    reach = max(np.abs(eta).max(initial=0.0), np.abs(theta).max())
    if not reach <= LARGEST_EXPONENT:
        return evaluate_rows(layout, family, params, exog, codes, weights, offset, order)
    # numpy sorts short integers by counting
    place = np.argsort(codes if codes.itemsize < 4 else codes.astype(np.int16), kind="stable")
    sizes = np.bincount(codes, minlength=m + 1)
    counts = sizes if weights is None else np.bincount(codes, weights, minlength=m + 1)
    eta, weights = eta[place], None if weights is None else weights[place]
    ends = np.append(0, np.cumsum(sizes))
    begin, end = touched_thresholds(family, m).T
    layers = np.max(end - begin)
    residual, densities = np.zeros(n), np.zeros((layers, n)) if order == 2 else None
    log_sum, score, density = 0.0, np.zeros(m), np.zeros(m)
    for layer in range(layers):
        # the classes that touch so many thresholds, and the one each touches in this turn
        classes = np.flatnonzero((layer < end - begin) & (sizes > 0))
        if not len(classes):
            continue
        rows, at = slice(ends[classes[0]], ends[classes[-1] + 1]), begin[classes] + layer
        outward = np.where(at >= classes, 1.0, -1.0)
        signs, over = np.repeat([outward, outward * theta[at]], sizes[classes], axis=1)
        np.exp(np.subtract(signs * eta[rows], over, out=over), out=over)
        inside = np.add(over, 1.0, out=None if densities is None else densities[layer, rows])
        np.divide(1.0, inside, out=inside)
        over *= inside
        log_sum += log_of_product(inside, 2 * reach) if weights is None else np.log(inside) @ weights[rows]
        if weights is not None:
            over *= weights[rows]
        runs = ends[classes] - rows.start
        score += np.bincount(at, outward * np.add.reduceat(over, runs), m)
        if order == 2:
            inside *= over
            density += np.bincount(at, np.add.reduceat(inside, runs), m)
        over *= signs
        residual[rows] -= over
    counts = None if family.stages else counts
    if order < 2:
        by_row = np.empty(n)
        by_row[place] = residual
        return assemble_parallel_logit(layout, theta, float(log_sum), counts, (column_sums(by_row, exog), score))
    product, slopes_score, by_class = np.zeros((p, p)), np.zeros(p), np.zeros((m + 1, layers, p))
    weight = np.sqrt(densities.sum(axis=0))[:, None]
    # in pieces that stay in the second-level cache
    for first in range(0, n, step := max(512, _IN_CACHE // max(p, 1))):
        part = place[first : first + step]
        part = np.take(exog, part, axis=0, out=scratch("sorted", len(part), p), mode="clip")
        slopes_score += column_sums(residual[first : first + step], part)
        for k in range(codes[place[first]], codes[place[first + len(part) - 1]] + 1):
            run = slice(max(ends[k], first), min(ends[k + 1], first + len(part)))
            by_class[k] += densities[:, run] @ part[run.start - first : run.stop - first]
        part *= weight[first : first + step]
        product += part.T @ part  # BLAS makes one triangle
    by_threshold = np.zeros((m, p))
    for k in range(m + 1):
        by_threshold[begin[k] : end[k]] += by_class[k, : end[k] - begin[k]]
    scores, curvatures = (slopes_score, score), (density, product, by_threshold)
    return assemble_parallel_logit(layout, theta, float(log_sum), counts, scores, curvatures)


def log_of_product(values, reach):
    """Sum of the logarithms of values in (exp(-reach) / 2, 1], of products of up to sixteen that cannot underflow.

    >>> values = np.linspace(0.01, 1, 100)
    >>> bool(np.isclose(log_of_product(values, 5), np.log(values).sum(), rtol=1e-14, atol=0))
    True
    """
    factors = min(16, int(700 / (reach + 1.0)))
    whole = len(values) // factors * factors
    products = np.multiply.reduce(values[:whole].reshape(factors, -1), axis=0)
    return np.log(products).sum() + np.log(values[whole:]).sum()


_kept = threading.local()


def scratch(name, *shape):
    """Uninitialised memory that the thread keeps from call to call: the system clears fresh pages each time."""
    size = int(np.prod(shape))
    kept = _kept.__dict__.get(name)
    if kept is None or kept.size < size:
        kept = _kept.__dict__[name] = np.empty(size)
    return kept[:size].reshape(shape)


def column_sums(weights, exog, rows=64):
    """``weights @ exog`` summed in short runs: the score decides the last digits of the estimates."""
    runs, p = len(weights) // rows, exog.shape[1]
    whole = runs * rows
    total = weights[:whole].reshape(runs, 1, rows) @ exog[:whole].reshape(runs, rows, p)
    return total.sum(axis=0)[0] + weights[whole:] @ exog[whole:]


def assemble_parallel_logit(layout, theta, log_sum, counts=None, scores=None, curvatures=None):
    """Log-likelihood, score and information from sums over rows; O(classes) work for the thresholds.

    ``counts`` by class is given for the cumulative model only, whose neighbouring thresholds are coupled; ``scores``
    are of the slopes and of the thresholds; ``curvatures`` the density by threshold, the weighted cross-product of
    the columns, and their density-weighted sums by threshold.
    """
    p, m = layout.n_columns, layout.n_thresholds
    score, information = np.zeros(layout.n_params), np.zeros((layout.n_params, layout.n_params))
    gap = np.diff(theta)
    inner = np.zeros(m - 1) if counts is None else counts[1:-1]
    if counts is not None and np.any(gap <= 0):
        return Evaluation(-np.inf, score, information)
    log_likelihood = log_sum if counts is None else log_sum + float(inner @ np.log(-np.expm1(-gap)))
    if scores is None or not np.isfinite(log_likelihood):
        return Evaluation(log_likelihood, score, information)
    score[:p], score[p:] = scores
    if counts is not None:
        ratio = 1.0 / np.expm1(gap)
        score[p + 1 :] += ratio * inner
        score[p:-1] -= ratio * inner
    if curvatures is None:
        return Evaluation(log_likelihood, score, information)
    density, product, by_threshold = curvatures
    information[:p, :p] = product
    information[p:, :p] = -by_threshold
    information[:p, p:] = information[p:, :p].T
    diagonal, thresholds = density.copy(), np.arange(p, p + m)
    if counts is not None:
        curvature = ratio * (1 + ratio) * inner
        diagonal[1:] += curvature
        diagonal[:-1] += curvature
        information[thresholds[1:], thresholds[:-1]] = -curvature
        information[thresholds[:-1], thresholds[1:]] = -curvature
    information[thresholds, thresholds] = diagonal
    return Evaluation(log_likelihood, score, information)


def add_evaluations(parts):
    """Sum of evaluations, in the order given."""
    total = None
    for part in parts:
        if total is None:
            total = part
        else:
            total = Evaluation(*(x + y for x, y in zip(total, part, strict=True)))
    return total


@cache
def _blas_controller():
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:  # only the speed depends on it
        return None
    return ThreadpoolController()


def one_blas_thread():
    """Context in which BLAS uses one thread: the blocks are spread over threads already."""
    controller = _blas_controller()
    return controller.limit(limits=1, user_api="blas") if controller else nullcontext()


def with_one_blas_thread(function):
    """The function, with one thread for BLAS: on systems of a few dozen parameters threads only wait for each other."""

    @wraps(function)
    def alone(*args, **options):
        with one_blas_thread():
            return function(*args, **options)

    return alone


@cache
def compiled_module():
    """:mod:`p2prisk.ordered.compiled`, or ``None`` where numba is not installed."""
    try:
        from p2prisk.ordered import compiled
    except ImportError:
        return None
    return compiled


@cache
def _pool(workers):
    return ThreadPoolExecutor(workers, thread_name_prefix="p2prisk-ordered")


def available_cores():
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def map_tasks(function, n_rows):
    """Apply ``function(start, stop)`` to consecutive groups of rows, on all cores; results in order."""
    fewest, most = _ROWS_PER_TASK
    edges = [*range(0, n_rows, min(max(fewest, -(-n_rows // _TASKS)), most)), n_rows]
    spans = list(zip(edges[:-1], edges[1:], strict=True))
    workers = min(available_cores(), len(spans))
    with one_blas_thread():
        if workers <= 1:
            return [function(*span) for span in spans]
        return list(_pool(workers).map(lambda span: function(*span), spans))


class Rows:
    """Any source of rows of one model; subclasses say where the rows are.

    A source has ``layout``, ``family`` and :meth:`each`, which applies a function to blocks of rows wherever
    they are and returns the results in the order of the rows.
    """

    layout: Layout
    family: object

    def each(self, function):
        """``[function(block), ...]`` over consecutive blocks."""
        raise NotImplementedError

    def evaluate(self, params, centre=None, order=2):
        """Sums over all rows at ``params``, which belong to the columns ``exog - centre``."""
        return add_evaluations(self.each(Evaluator(self.layout, self.family, params, centre, order)))


@dataclass(frozen=True)
class Evaluator:
    """The sums of one block; an object rather than a closure so that it travels to workers."""

    layout: Layout
    family: object
    params: np.ndarray
    centre: np.ndarray | None = None
    order: int = 2
    compiled: bool | None = None

    def __call__(self, block):
        if block.exog.size >= COMPILED_FROM if self.compiled is None else self.compiled:
            total = compiled_parallel_logit(self.layout, self.family, self.params, block, self.centre, self.order)
            if total is not None:
                return total
        parts, rows = [], block_rows(block.exog.shape[1])
        for first in range(0, len(block.codes), rows):
            exog, codes, weights, offset, _ = block.take(slice(first, first + rows))
            if self.centre is not None:
                exog = np.subtract(exog, self.centre, out=scratch("centred", *exog.shape))
            parts.append(self.family.evaluate(self.layout, self.params, exog, codes, weights, offset, self.order))
        return add_evaluations(parts)


def compiled_parallel_logit(layout, family, params, block, centre=None, order=2, **options):
    """The sums of the logit with parallel slopes over a whole block by the compiled kernel, for any family.

    Returns
    -------
    Evaluation or None
        ``None`` where the model is another, numba is not installed, or a linear predictor is too large for the
        kernel.
    """
    theta = params[layout.n_columns :]
    # not so written as to let NaN pass
    if layout.free or not isinstance(family.link, Logit) or not np.abs(theta).max() <= LARGEST_EXPONENT:
        return None
    kernel = compiled_module()
    if kernel is None:
        return None
    touched = touched_thresholds(family, len(theta))
    slopes = params[: layout.n_columns]
    found = kernel.parallel_logit_sums(*block[:4], centre, slopes, theta, touched, order == 2, **options)
    if found is None:
        return None
    log_sum, counts, score_beta, score_theta, *curvatures = found
    counts = None if family.stages else counts
    return assemble_parallel_logit(layout, theta, log_sum, counts, (score_beta, score_theta), curvatures)


@dataclass(frozen=True)
class LogProbabilities:
    """Log-probability of each row's own category, block by block."""

    layout: Layout
    family: object
    params: np.ndarray

    def __call__(self, block):
        parts = []
        for first in range(0, len(block.codes), BLOCK_ROWS):
            exog, codes, _, offset, _ = block.take(slice(first, first + BLOCK_ROWS))
            parts.append(self.family.terms(self.layout.latent(self.params, exog, offset), codes).log_probability)
        return np.concatenate(parts)


class ArrayRows(Rows):
    """Rows in memory, worked through block by block on all cores without copying the data.

    Parameters
    ----------
    exog : ndarray, shape (n, p)
    codes : ndarray of small int, shape (n,)
    weights, offset : ndarray or None, shape (n,)
    compiled : bool, optional
        Use the compiled kernel; by default when it is installed and the data are large.
    """

    def __init__(self, layout, family, exog, codes, weights=None, offset=None, compiled=None, groups=None):
        self.layout, self.family = layout, family
        self.compiled = exog.size >= COMPILED_FROM if compiled is None else compiled
        self.block = Block(exog, codes, weights, offset, groups)
        self.n_rows = len(codes)

    def each(self, function):
        return self._each_slice(lambda rows: function(self.block.take(rows)))

    def evaluate(self, params, centre=None, order=2):
        if self.compiled:
            total = compiled_parallel_logit(
                self.layout, self.family, params, self.block, centre, order, each=self._each_slice
            )
            if total is not None:
                return total
        return add_evaluations(self.each(Evaluator(self.layout, self.family, params, centre, order, self.compiled)))

    def _each_slice(self, function):
        return map_tasks(lambda start, stop: function(slice(start, stop)), self.n_rows)

    def every(self, stride):
        """Every ``stride``-th row, as a view."""
        return ArrayRows(
            self.layout, self.family, *self.block.take(slice(None, None, stride))[:4], compiled=self.compiled
        )


class BlockRows(Rows):
    """Rows that are read or made block by block on every pass: memory is that of a few blocks."""

    def blocks(self):
        """The blocks of a pass, in order."""
        raise NotImplementedError

    def each(self, function):
        found = []
        for block in self.blocks():
            if len(block.codes):
                compiled = getattr(function, "compiled", None)
                rows = ArrayRows(self.layout, self.family, *block[:4], compiled=compiled, groups=block.groups)
                found += rows.each(function)
        return found

    def evaluate(self, params, centre=None, order=2):
        # many passes over many rows: the compiled kernel pays although no single block is large
        return add_evaluations(self.each(Evaluator(self.layout, self.family, params, centre, order, compiled=True)))


class PartRows(BlockRows):
    """Rows whose design is made when it is needed.

    Parameters
    ----------
    n_rows : int
    part : callable(slice) -> Block
    """

    def __init__(self, layout, family, n_rows, part):
        self.layout, self.family, self.n_rows, self.part = layout, family, n_rows, part

    def blocks(self):
        return map(self.part, row_slices(self.n_rows))

    def every(self, stride):
        """Every ``stride``-th row, in memory."""
        return ArrayRows(self.layout, self.family, *self.part(slice(None, None, stride))[:4])


def row_slices(n_rows):
    """The rows of a large table, part by part.

    >>> [(part.start, part.stop) for part in row_slices(200_000)]
    [(0, 131072), (131072, 262144)]
    """
    return [slice(start, start + BATCH_ROWS) for start in range(0, n_rows, BATCH_ROWS)]
