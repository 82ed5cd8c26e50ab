"""One fit over any source of rows: centre and scale, start, check, iterate, diagnose."""

from dataclasses import dataclass

import numpy as np

from p2prisk.errors import DataError, ModelError
from p2prisk.ordered import newton, separation

# a column whose centre exceeds this many spreads is centred row by row: the sums would lose digits otherwise
_RECENTRE_RATIO = 8.0
_RECENTRE_ROWS = 200_000
# rows a sample needs for its information to serve the first step on all rows: a rougher one costs a pass later on
_GUESS_ROWS = 50_000
# size of the largest value of a column; its inverse is the least
LARGEST_VALUE = 1e100
# correct digits below which a fit does not count as converged
REQUIRED_DIGITS = 8


def fit_rows(model, source, samples, penalty=None, maxiter=newton.MAX_ITERATIONS):
    """Maximum likelihood over any source of rows.

    Parameters
    ----------
    model : OrdinalModel
        Describes the rows; need not hold them.
    source : Rows
    samples : list of ArrayRows
        Samples of the rows, smallest first, that give the spread of the columns and the start.
    penalty : float, optional
    maxiter : int

    Returns
    -------
    Optimum
    """
    if penalty is not None and not (np.isfinite(penalty) and penalty > 0):
        raise ModelError(f"penalty must be a positive number, not {penalty!r}")
    layout = source.layout
    if layout.n_params > model.nobs and penalty is None:
        raise ModelError(
            f"{layout.n_params} parameters cannot be estimated from {model.nobs} observations; drop terms, or ask for "
            "a penalised fit: fit(penalty=1.0)"
        )
    sample = samples[0] if samples else source
    centre, scale = centre_and_scale(sample.block.exog, model.exog_names)
    ridge = float(penalty or 0.0)
    if ridge:
        # the spread is part of what is asked: that of all loans, however they are stored and weighted
        scale = _spread_of_loans(source, centre)
    problem = newton.Problem(source, centre, scale, needs_recentring(model, centre, scale), ridge)
    start = starting_point(source, sample, model.category_counts)
    information = None
    if layout.n_slopes:
        for part in samples:
            share = part.n_rows / model.n_rows
            start, found = _start_from_sample(part, centre, scale, start, max(ridge * share, 1.0))
            information = None if found is None or part.n_rows < _GUESS_ROWS else found / share
    names = model.param_names
    if source.family.stages:
        # a slope of one stage meets the rows of that stage only: say so where it has no estimate
        slopes = zip(layout.slope_columns, layout.slope_thresholds, strict=True)
        names = [model.exog_names[c] + (f" at stage {model.threshold_names[t]}" if t >= 0 else "") for c, t in slopes]

    def check(information):
        found = newton.dependent_columns(information, layout.n_slopes)
        if found and not ridge:
            newton.raise_dependent(found, names)

    def diagnose(internal, step, history):
        if ridge:
            return
        found = find_separation(source, sample, internal, step, centre, scale)
        if found is not None:
            separation.raise_separation(*found, layout, names, lambda i: _level_counts(model, i), scale)

    try:
        optimum = newton.maximise(problem, start, check, diagnose, maxiter, information=information)
    except np.linalg.LinAlgError as error:
        raise ModelError(f"the information matrix is singular: {error}") from error
    spread = np.sqrt(np.diag(optimum.covariance))
    if newton.correct_digits(optimum.params, optimum.step, spread).min() < REQUIRED_DIGITS:
        # a slope and a threshold that run away together look settled: standard errors outgrow the steps
        internal, step = np.linalg.solve(problem.to_user, np.column_stack([optimum.params, optimum.step])).T
        diagnose(internal, step, optimum.history)
    return optimum


def starting_point(source, sample, counts):
    """No slopes, and the thresholds of the model without predictors, moved by the mean offset."""
    layout, block = source.layout, sample.block.counted
    start = np.zeros(layout.n_params)
    start[layout.n_slopes :] = source.family.starting_thresholds(counts)
    if block.offset is not None and len(block.offset):
        start[layout.n_slopes :] += block.offset.mean()
    return start


def _start_from_sample(sample, centre, scale, start, ridge):
    """A few steps on a sample: where they lead, and the information there; ``None`` for it where they fail.

    The light ridge keeps absent and separated levels near zero, and the information on them positive.
    """
    if len(np.unique(sample.block.counted.codes)) <= sample.layout.n_thresholds:
        return start, None
    problem = newton.Problem(sample, centre, scale, True, ridge)
    try:
        optimum = newton.maximise(problem, start, max_iterations=12, tolerance=0.3)
    except (newton.ConvergenceError, np.linalg.LinAlgError):
        return start, None
    return np.linalg.solve(problem.to_user, optimum.params), problem.to_user.T @ optimum.information @ problem.to_user


@dataclass(frozen=True)
class Moments:
    """Weight of a block, and the first two moments of its columns about a centre."""

    centre: np.ndarray

    def __call__(self, block):
        weights = np.ones(len(block.codes)) if block.weights is None else block.weights
        away = block.exog - self.centre
        return weights.sum(), weights @ away, weights @ away**2


def _spread_of_loans(source, centre):
    """Standard deviation of each column over all loans; one for a constant column."""
    total, first, second = (sum(part) for part in zip(*source.each(Moments(centre)), strict=True))
    variance = second / total - (first / total) ** 2
    return np.where(variance > 1e-12 * second / total, np.sqrt(np.maximum(variance, 0)), 1.0)


def needs_recentring(model, centre, scale):
    """Whether the centre is taken out block by block: always when that is cheap, else where sums would cancel."""
    return bool(model.n_rows <= _RECENTRE_ROWS or np.max(np.abs(centre) / scale, initial=0.0) > _RECENTRE_RATIO)


def check_range(low, high, names):
    """Refuse columns whose least and largest values leave no room for sums of squares in double precision."""
    far = np.maximum(np.abs(low), np.abs(high))
    extreme = (low < high) & ~((far < LARGEST_VALUE) & (far > 1 / LARGEST_VALUE))
    if extreme.any():
        listed = ", ".join(f"{names[i]} (up to {far[i]:.3g})" for i in np.flatnonzero(extreme))
        raise DataError(f"the values of {listed} leave the range of double precision; give them in other units")


def centre_and_scale(exog, names):
    """Mean and standard deviation of each column; a constant column gets its value and one."""
    if not exog.shape[1]:
        return np.zeros(0), np.ones(0)
    # a copy, worked on in place: a sample is a view of rows far apart
    exog = np.array(exog, order="C")
    low, high = exog.min(axis=0), exog.max(axis=0)
    constant = low == high
    check_range(low, high, names)
    centre = exog.mean(axis=0)
    centre = np.where(constant, low, centre)
    exog -= centre
    scale = np.sqrt(np.mean(np.square(exog, out=exog), axis=0))
    return centre, np.where(constant | ~(scale > 0), 1.0, scale)


def find_separation(source, sample, internal, step, centre, scale):
    """Direction, in scaled columns, along which the likelihood of no row ever falls, and whether
    separation is ``"complete"`` or ``"quasi"``; ``None`` if there is no such direction.
    """
    layout = source.layout
    block = sample.block.counted
    few = separation.PROGRAM_ROWS
    part = block.take(slice(None, None, max(1, -(-len(block.codes) // few))))

    def program():
        return separation.recession_program(layout, source.family, (part.exog - centre) / scale, part.codes)

    def from_iteration(vector):
        if vector is None or not np.abs(vector).max() > 0:
            return None
        return np.where(np.abs(vector) > 1e-3 * np.abs(vector).max(), vector, 0.0)

    def slopes_only(vector):
        return None if vector is None else np.where(np.arange(len(vector)) < layout.n_slopes, vector, 0.0)

    # the diverging iteration itself points the way and costs nothing; few rows get the exact answer first
    candidates = [lambda: slopes_only(from_iteration(step)), lambda: from_iteration(step)]
    candidates += [lambda: slopes_only(from_iteration(internal)), lambda: from_iteration(internal)]
    candidates.insert(0 if len(block.codes) <= few else len(candidates), program)

    kernel = layout.shift_and_scale(np.zeros_like(centre), scale)
    for make in candidates:
        candidate = make()
        if candidate is None:
            continue
        kind = separation.recession(source, kernel @ candidate, centre)
        if kind is not None:
            return candidate, kind
    return None


def _level_counts(model, position):
    """Counts of the categories among the rows where the worst column is not at its commonest value."""
    if model.exog is None:
        return ""
    column = int(model.layout.slope_columns[position])
    values = model.exog[:, column]
    distinct = np.unique(values[: 10**6])
    if len(distinct) != 2:
        return ""
    inside = values == distinct[1]
    weights = None if model.weights is None else model.weights[inside]
    counts = np.bincount(model.endog_codes[inside], weights=weights, minlength=len(model.categories))
    listed = ", ".join(f"{c}: {n:g}" for c, n in zip(model.categories, counts, strict=True))
    return f"Loans with {model.exog_names[column]} by category: {listed}. "
