"""Newton's method for the ordinal models, from a safe start, in centred and scaled columns.

The log-likelihood is concave in slopes and thresholds for the logit, probit, cloglog and loglog links (their
densities are log-concave: Pratt 1981, JASA 76; Burridge 1981, JRSS B 43), in every family and also with slopes
that differ by threshold, so that a damped Newton step from any feasible start leads to the maximum whenever
there is one.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from p2prisk.errors import ConvergenceError, ModelError
from p2prisk.ordered.likelihood import with_one_blas_thread

# large data are approached through systematic samples, each this many times larger than the one before, so
# that the full data are left with a start about one standard error off and quadratic convergence from there
SAMPLE_GROWTH = 8
SAMPLE_ROWS = 8_192
_RANK_TOLERANCE = 1e-9
MAX_ITERATIONS = 50
# relative change of the information by a step below which the next look at large data goes without second derivatives
_SAME_INFORMATION = 5e-7


@dataclass
class Optimum:
    """Where the iteration ended, in the columns of the user."""

    params: np.ndarray
    covariance: np.ndarray
    information: np.ndarray
    log_likelihood: float
    step: np.ndarray
    iterations: int
    history: list = field(default_factory=list)


def sample_strides(n_rows):
    """Strides of the systematic samples, coarsest first; none for small data.

    >>> sample_strides(1_000_000), sample_strides(50_000)
    ([64, 8], [])
    """
    strides, stride = [], SAMPLE_GROWTH
    while n_rows // stride >= SAMPLE_ROWS:
        strides.insert(0, stride)
        stride *= SAMPLE_GROWTH
    return strides


def null_log_likelihood(counts):
    """Log-likelihood of the model with thresholds only: sum of n_k log(n_k / n)."""
    counts = np.asarray(counts, float)
    seen = counts[counts > 0]
    return float(np.sum(seen * np.log(seen / seen.sum())))


def dependent_columns(information, n_slopes, tolerance=_RANK_TOLERANCE):
    """Slopes whose information is a combination of earlier ones and of the thresholds.

    Returns
    -------
    list of (int, dict)
        Position of each dependent slope, and the slopes it depends on with their coefficients.
    """
    slopes = np.arange(n_slopes)
    thresholds = np.arange(n_slopes, len(information))
    diagonal = np.diag(information)[:n_slopes]
    block = information[np.ix_(thresholds, thresholds)]
    try:
        factor = linalg.cho_factor(block)
    except linalg.LinAlgError:
        return []
    cross = information[np.ix_(thresholds, slopes)]
    reduced = information[np.ix_(slopes, slopes)] - cross.T @ linalg.cho_solve(factor, cross)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(diagonal > 0, 1.0 / np.sqrt(diagonal), 0.0)
    reduced = reduced * scale[:, None] * scale
    kept, dependent = [], []
    rest = reduced.copy()
    for position in range(n_slopes):
        # what is left of the column once the columns kept so far are taken out
        if rest[position, position] <= tolerance:
            dependent.append(position)
            continue
        kept.append(position)
        rest -= np.outer(rest[position], rest[position] / rest[position, position])
    found = []
    for position in dependent:
        earlier = [k for k in kept if k < position]
        weights = linalg.lstsq(reduced[np.ix_(earlier, earlier)], reduced[earlier, position])[0] if earlier else []
        found.append((position, {k: w for k, w in zip(earlier, weights, strict=True) if abs(w) > 1e-4}))
    return found


def newton_step(information, score):
    """Solve information @ step = score after scaling to a unit diagonal; also the inverse information."""
    diagonal = np.diag(information)
    if not np.all(np.isfinite(information)) or np.any(diagonal <= 0):
        raise linalg.LinAlgError("information matrix without positive diagonal")
    scale = 1.0 / np.sqrt(diagonal)
    unit = information * scale[:, None] * scale
    factor = linalg.cho_factor(unit, lower=True)
    step = linalg.cho_solve(factor, score * scale)
    # one step of iterative refinement: the last digits of an ill-conditioned system
    step += linalg.cho_solve(factor, score * scale - unit @ step)
    inverse = linalg.cho_solve(factor, np.eye(len(unit)))
    inverse = 0.5 * (inverse + inverse.T) * scale[:, None] * scale
    return step * scale, inverse


class Problem:
    """A likelihood over some source of rows, seen in centred and scaled columns.

    Parameters
    ----------
    source : object with ``layout``, ``family`` and ``evaluate(params, centre, order)``
    centre, scale : ndarray, shape (p,)
        Centre and spread of each column; need not be exact.
    recentre : bool
        Subtract the centre from every block of rows instead of correcting the sums afterwards. Needed
        where the centre is large against the spread (a calendar year), because the sums would cancel.
    ridge : float
        Weight of the penalty ``ridge / 2 * sum((scale * slope)**2)``; zero for maximum likelihood.
    """

    def __init__(self, source, centre, scale, recentre, ridge=0.0):
        self.source, self.layout = source, source.layout
        self.centre = centre if recentre else None
        # internal parameters -> parameters of the columns the kernel sees -> parameters in the user's units
        self.to_kernel = self.layout.shift_and_scale(np.zeros_like(centre) if recentre else centre, scale)
        self.to_user = self.layout.shift_and_scale(centre, scale)
        self.penalty = np.zeros(self.layout.n_params)
        self.penalty[: self.layout.n_slopes] = ridge

    def evaluate(self, internal, order=2):
        """``(penalised log-likelihood, log-likelihood, score, information)`` at internal parameters."""
        value, score, information = self.source.evaluate(self.to_kernel @ internal, self.centre, order)
        score = self.to_kernel.T @ score - self.penalty * internal
        information = self.to_kernel.T @ information @ self.to_kernel
        information[np.diag_indices_from(information)] += self.penalty
        return value - 0.5 * float(self.penalty @ internal**2), value, score, information


@with_one_blas_thread
def maximise(
    problem, start, check=None, diagnose=None, max_iterations=MAX_ITERATIONS, tolerance=None, information=None
):
    """Newton's method with step halving.

    Parameters
    ----------
    problem : Problem
    start : ndarray
        Internal parameters with a finite log-likelihood.
    check : callable(information), optional
        Called once with the first information matrix; raises when columns are collinear.
    diagnose : callable(internal, step, history), optional
        Called when the iteration does not settle; raises when it finds separation.
    max_iterations : int
    tolerance : float, optional
        Stop already when no step exceeds this many standard errors (for a start on a sample).
    information : ndarray, optional
        An estimate of the information at the start, from a sample: the first look at the rows then needs no second
        derivatives. Far from the maximum it serves as well; should its step fail it is forgotten. The last look
        goes without them too: its step is rounding error, and the information of the look before differs by less
        than one part in two million.

    Returns
    -------
    Optimum
        With ``params``, ``covariance`` and ``information`` in the user's units.

    Raises
    ------
    ConvergenceError
    """
    internal = np.array(start, float)
    borrowed = large = information is not None
    current = problem.evaluate(internal, 1 if borrowed else 2)
    if not np.isfinite(current[0]):
        raise ConvergenceError("the log-likelihood is not finite at the starting values")
    if borrowed:
        current = (*current[:3], information)
    history, previous_size, previous_standard = [], np.inf, 0.0
    for iteration in range(1, max_iterations + 1):
        penalised, value, score, information = current
        if check is not None and not borrowed:
            check(information)
            check = None
        try:
            step, inverse = newton_step(information, score)
        except linalg.LinAlgError:
            if borrowed:
                borrowed, current = False, problem.evaluate(internal)
                continue
            if diagnose is not None:
                diagnose(internal, None, history)
            raise ConvergenceError(
                "the information matrix became singular during the iteration: "
                "some coefficient has no finite estimate; merge sparse levels or fit(penalty=...)"
            ) from None
        spread = np.sqrt(np.diag(inverse))
        size = float(np.max(np.abs(step) / np.maximum(np.abs(internal), 1e-3 * spread), initial=0.0))
        standard = float(np.max(np.abs(step) / spread, initial=0.0))
        decrement = float(score @ step)
        history.append((value, standard, decrement))
        # the iteration has settled when the step is rounding error: tiny, or tiny and no longer shrinking
        settled = size < 1e-13 or (standard < 1e-6 and size > 0.1 * previous_size) or standard < (tolerance or 0.0)
        if settled and not borrowed:
            return _optimum(problem, internal, step, inverse, information, value, iteration, history)
        # quadratic convergence would have set in by now: is some coefficient on its way to infinity?
        if diagnose is not None and iteration >= 7 and iteration % 3 == 1 and size > 0.02:
            diagnose(internal, step, history)
        # an increase below rounding of the log-likelihood itself cannot be seen: accept the step
        slack = 1e-12 * (abs(penalised) + 1.0)
        fraction = 1.0
        # steps shrink as their squares do because the information changes by about the square of their ratio
        last = large and standard < 1e-3 and standard**2 < _SAME_INFORMATION * previous_standard**2
        for _ in range(40):
            candidate = problem.evaluate(internal + fraction * step, 1 if last else 2)
            if last:
                candidate = (*candidate[:3], information)
            if candidate[0] >= penalised - slack or (decrement < 1e-8 and np.isfinite(candidate[0])):
                break
            if borrowed:
                fraction, candidate = 0.0, problem.evaluate(internal)
                break
            fraction *= 0.5
        else:
            raise ConvergenceError("no step along Newton's direction increases the log-likelihood")
        internal = internal + fraction * step
        current = candidate
        whole = fraction == 1.0 and not borrowed
        previous_size, previous_standard = (size, standard) if whole else (np.inf, 0.0)
        borrowed = False
    if diagnose is not None:
        diagnose(internal, step, history)
    raise ConvergenceError(
        f"Newton's method did not settle within {max_iterations} iterations "
        f"(last step {standard:.2g} standard errors); no estimates are returned"
    )


def _optimum(problem, internal, step, inverse, information, value, iteration, history):
    """Apply the last computed step and return to the user's units."""
    to_user = problem.to_user
    back = np.linalg.inv(to_user)
    user_step = to_user @ step
    covariance = to_user @ inverse @ to_user.T
    return Optimum(
        params=to_user @ (internal + step),
        covariance=0.5 * (covariance + covariance.T),
        information=back.T @ information @ back,
        log_likelihood=value,
        step=user_step,
        iterations=iteration,
        history=history,
    )


def correct_digits(params, step, spread):
    """Correct significant digits of each coefficient: the Newton step at the optimum against the coefficient.

    The Newton step estimates what separates the estimate from the maximum (as ``convergence`` of R's
    *ordinal* does); double precision bounds it at about 15.9 digits. A coefficient below a thousandth of
    its standard error is zero for every purpose and has no leading digit to count from; it is counted from
    that thousandth.

    >>> correct_digits(np.array([2.0]), np.array([2e-12]), np.array([0.1])).round(1)
    array([12.])
    """
    size = np.maximum(np.abs(params), 1e-3 * np.asarray(spread))
    return -np.log10(np.maximum(np.abs(step) / size, np.finfo(float).eps / 2))


def raise_dependent(found, names):
    """Raise a :class:`ModelError` that names the dependent columns."""
    lines = []
    for position, partners in found:
        if partners:
            others = ", ".join(names[k] for k in partners)
            lines.append(f"{names[position]} is a linear combination of {others}")
        else:
            lines.append(f"{names[position]} is constant")
    raise ModelError(
        "the design matrix is collinear: " + "; ".join(lines) + ". Drop one column of each combination "
        "(thresholds already play the part of the intercept)"
    )
