"""Bias-reduced estimates: finite where maximum likelihood has none.

The adjusted score equations of Firth (1993, Biometrika 80) put U(d) + A(d) = 0 in place of U(d) = 0, with
A_r = 1/2 tr{F^-1 (P_r + Q_r)}, F the expected information, P_r = E(U U' U_r) and Q_r = -E(I U_r); their root has
a bias of smaller order than the maximum likelihood estimate (Kosmidis and Firth 2009, Biometrika 96). For a trial
that ends in class j with probability pi_j the two expectations add up to sum_j (d2 pi_j) (d pi_j / d d_r) / pi_j, so

    A = sum over trials and classes of c_j * d log pi_j,    c_j = 1/2 tr(F^-1 d2 pi_j):

the score with c_j added to the counts, which for cumulative link models are the adjusted counts of Kosmidis (2014,
J. R. Statist. Soc. B 76, section 4). A row of a cumulative model is one trial with J classes. A row of a sequential
model is a binary trial at every stage that it reaches; expectations are given the stages reached, so that the
estimates are those of the binary model on the expanded rows, and a model with all slopes free falls into one binary
fit a stage. With two classes and the logit link the equations are those of the likelihood penalised by Jeffreys'
prior, whose maximum is finite in any data (Kosmidis and Firth 2021, Biometrika 108); for cumulative models finite
estimates have been found in all published studies but are not proven.

The estimates move with every linear change of the parameters (units, centres, another reference level, contrasts)
but with no other: a bias-reduced odds ratio is not exp of the bias-reduced slope, and probabilities at the
estimates are not bias-reduced (Kosmidis and Firth 2009, section 2). Standard errors come from the expected
information at the estimates.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from p2prisk.errors import ConvergenceError, ModelError
from p2prisk.ordered import newton
from p2prisk.ordered.families import Sequential
from p2prisk.ordered.fitting import REQUIRED_DIGITS, centre_and_scale, fit_rows, needs_recentring, starting_point
from p2prisk.ordered.likelihood import BLOCK_ROWS, Layout

MAX_ITERATIONS = 200


def one_trial(family, latent, codes, spread=None):
    """A cumulative row: one trial that ends in one of all classes.

    Parameters
    ----------
    latent : ndarray, shape (n, J - 1)
    codes : ndarray of int, shape (n,)
    spread : ndarray, shape (n, J - 1, J - 1), optional
        Covariance of the latent bounds.

    Returns
    -------
    log-probability of the class (n,), score (n, J - 1) and expected information (n, J - 1, J - 1) in the latent
    bounds; with ``spread`` the adjustment (n, J - 1) alone
    """
    n, m = latent.shape
    edge = np.full((n, 1), np.inf)
    edges = np.hstack([-edge, latent, edge])
    # slopes of log pi_j in its bounds as quotients of logarithms: far out density and probability both underflow
    with np.errstate(over="ignore"):  # bounds that have crossed: told by the log-probability
        terms = family.link.terms(edges[:, 1:], edges[:, :-1])
    upper, lower = terms.d_a[:, :-1], -terms.d_b[:, 1:]
    if spread is not None:
        half = 0.5 * family.link.d_pdf(latent) * np.einsum("nss->ns", spread)
        counts = np.diff(half, axis=1, prepend=0.0, append=0.0)
        return counts[:, :-1] * upper - counts[:, 1:] * lower
    if not np.isfinite(terms.log_probability).all():
        return np.full(n, -np.inf), np.zeros((n, m)), np.zeros((n, m, m))
    probability = np.exp(terms.log_probability)
    rows, score = np.arange(n), np.zeros((n, m + 2))
    score[rows, codes] = -np.hstack([edge, lower])[rows, codes]
    score[rows, codes + 1] = np.hstack([upper, edge])[rows, codes]
    information = np.zeros((n, m, m))
    bound, shared = np.arange(m), -probability[:, 1:-1] * lower[:, :-1] * upper[:, 1:]
    information[:, bound, bound] = probability[:, :-1] * upper**2 + probability[:, 1:] * lower**2
    information[:, bound[1:], bound[:-1]] = information[:, bound[:-1], bound[1:]] = shared
    return terms.log_probability[rows, codes], score[:, 1:-1], information


def stage_trials(family, latent, codes, spread=None):
    """A sequential row: a binary trial at every stage reached; as :func:`one_trial`."""
    outward = family.outward(codes, latent.shape[1])
    inside, slope_inside, _ = family.link.binary_terms(latent, np.full(latent.shape, True))
    outside, slope_outside, _ = family.link.binary_terms(latent, np.full(latent.shape, False))
    if spread is not None:
        half = 0.5 * family.link.d_pdf(latent) * np.einsum("nss->ns", spread)
        return np.where(outward == 0, 0.0, half * (slope_inside - slope_outside))
    log_probability = np.where(outward == 0, 0.0, np.where(outward > 0, inside, outside)).sum(axis=1)
    score = np.where(outward == 0, 0.0, np.where(outward > 0, slope_inside, slope_outside))
    expected = np.exp(inside) * slope_inside**2 + np.exp(outside) * slope_outside**2
    information = np.where(outward == 0, 0.0, expected)[:, :, None] * np.eye(latent.shape[1])
    return log_probability, score, information


def trials(family):
    """:func:`stage_trials` for a sequential family, :func:`one_trial` for the cumulative one."""
    return stage_trials if isinstance(family, Sequential) else one_trial


@dataclass(frozen=True)
class Pieces:
    """Rows of one block as the latent bounds see them: z_j = (shared, own at threshold j)' parameters."""

    layout: Layout
    params: np.ndarray
    centre: np.ndarray | None

    @cached_property
    def place(self):
        """Positions of the parameters in the order: shared slopes, then intercept and freed slopes by threshold."""
        p, m = len(self.layout.parallel), self.layout.n_thresholds
        own = [[self.layout.n_slopes + j, *range(p + j, self.layout.n_slopes, m)] for j in range(m)]
        return np.concatenate([np.arange(p), np.ravel(own)]).astype(int)

    def __call__(self, block):
        layout = self.layout
        exog = block.exog if self.centre is None else block.exog - self.centre
        shared = -exog[:, layout.parallel]
        own = np.hstack([np.ones((len(exog), 1)), -exog[:, layout.free]])
        ordered = self.params[self.place]
        p = shared.shape[1]
        latent = (shared @ ordered[:p])[:, None] + own @ ordered[p:].reshape(layout.n_thresholds, -1).T
        return shared, own, latent if block.offset is None else latent - block.offset[:, None]

    def in_order(self, flat):
        """Vector or matrix in the order of :attr:`place` back in the order of the parameters."""
        out = np.empty_like(flat)
        out[np.ix_(*[self.place] * flat.ndim)] = flat
        return out


@dataclass(frozen=True)
class Expected:
    """Log-likelihood, score and expected information of a block; ``-inf`` where some class has no probability."""

    family: object
    pieces: Pieces

    def __call__(self, block):
        return sum_parts(
            self.part(block.take(slice(s, s + BLOCK_ROWS))) for s in range(0, len(block.codes), BLOCK_ROWS)
        )

    def part(self, block):
        block = block.counted
        shared, own, latent = self.pieces(block)
        codes = np.asarray(block.codes, dtype=np.intp)
        log_probability, score, information = trials(self.family)(self.family, latent, codes)
        if block.weights is not None:
            log_probability = log_probability * block.weights
            score, information = score * block.weights[:, None], information * block.weights[:, None, None]
        return (
            float(log_probability.sum()),
            self.pieces.in_order(totals(shared, own, score)),
            self.pieces.in_order(products(shared, own, information)),
        )


@dataclass(frozen=True)
class Adjustment(Expected):
    """The adjustment A of the score, given the inverse of the expected information of all rows."""

    inverse: np.ndarray

    def part(self, block):
        block = block.counted
        shared, own, latent = self.pieces(block)
        p, m = shared.shape[1], latent.shape[1]
        inverse = self.inverse[np.ix_(self.pieces.place, self.pieces.place)]
        both = inverse[p:, p:].reshape(m, own.shape[1], m, own.shape[1])
        cross = np.einsum("nja,na->nj", (shared @ inverse[:p, p:]).reshape(len(own), m, -1), own)
        spread = np.einsum("na,jakb,nb->njk", own, both, own, optimize=True)
        spread += cross[:, :, None] + cross[:, None, :]
        spread += np.einsum("np,np->n", shared @ inverse[:p, :p], shared)[:, None, None]
        codes = np.asarray(block.codes, dtype=np.intp)
        adjustment = trials(self.family)(self.family, latent, codes, spread)
        if block.weights is not None:
            adjustment = adjustment * block.weights[:, None]
        return (self.pieces.in_order(totals(shared, own, adjustment)),)


def totals(shared, own, by_predictor):
    """Sum over rows of the derivatives in the latent bounds, carried to the parameters."""
    return np.concatenate([shared.T @ by_predictor.sum(axis=1), (by_predictor.T @ own).ravel()])


def products(shared, own, middle):
    """Sum over rows of z' middle z, with z the derivative of the latent bounds in the parameters."""
    p, (_, m, _), step = shared.shape[1], middle.shape, own.shape[1]
    out = np.empty((p + m * step,) * 2)
    by_row = middle.sum(axis=2)
    out[:p, :p] = shared.T @ (shared * by_row.sum(axis=1)[:, None])
    for j in range(m):
        rows = slice(p + j * step, p + (j + 1) * step)
        out[rows, :p] = (own * by_row[:, j, None]).T @ shared
        out[:p, rows] = out[rows, :p].T
        for k in range(m):
            out[rows, p + k * step : p + (k + 1) * step] = own.T @ (own * middle[:, j, k, None])
    return out


def sum_parts(parts):
    """Sum of tuples, place by place."""
    return tuple(sum(part) for part in zip(*parts, strict=True))


@dataclass
class State:
    """The adjusted score equations at one point, in centred and scaled columns."""

    value: float
    adjusted: np.ndarray
    step: np.ndarray
    inverse: np.ndarray
    information: np.ndarray

    @property
    def spread(self):
        return np.sqrt(np.diag(self.inverse))

    def beyond(self, other):
        """Adjusted score statistic here in the metric of another point (Deuflhard's natural level function)."""
        return float(self.adjusted @ other.inverse @ self.adjusted)


class Equations:
    """The adjusted score equations over any source of rows, in the coordinates of a :class:`newton.Problem`.

    With ``ridge`` the information gains that much on the diagonal of the slopes, and the score loses as much times
    the slopes: easier equations, from whose roots those without it are reached step by step.
    """

    def __init__(self, problem, ridge=0.0):
        self.problem = problem
        self.ridge = np.where(np.arange(problem.layout.n_params) < problem.layout.n_slopes, ridge, 0.0)

    def expected(self, internal):
        """Log-likelihood, the pieces it was computed from, score and expected information with the ridge."""
        turn, source = self.problem.to_kernel, self.problem.source
        pieces = Pieces(source.layout, turn @ internal, self.problem.centre)
        value, score, information = sum_parts(source.each(Expected(source.family, pieces)))
        return value, pieces, turn.T @ score, turn.T @ information @ turn + np.diag(self.ridge)

    def __call__(self, internal):
        """State at internal parameters, or ``None`` where some class of some row has no probability."""
        value, pieces, score, information = self.expected(internal)
        if not np.isfinite(value):
            return None
        turn, source = self.problem.to_kernel, self.problem.source
        try:
            _, inverse = newton.newton_step(information, score)
        except np.linalg.LinAlgError:
            return None
        adjustment = Adjustment(source.family, pieces, turn @ inverse @ turn.T)
        (extra,) = sum_parts(source.each(adjustment))
        adjusted = score + turn.T @ extra - self.ridge * internal
        step, _ = newton.newton_step(information, adjusted)
        return State(value, adjusted, step, inverse, information)


def solve(equations, start, tolerance=0.0, max_iterations=MAX_ITERATIONS):
    """Root of the adjusted score equations: quasi Fisher scoring, quickened by Broyden's update.

    The step F^-1 (U + A) alone converges linearly, the slower the fewer the rows; Broyden's rank-one update (1965,
    Math. Comp. 19) of its derivative makes it superlinear. A step that leaves the model (some class without
    probability) or that does not bring the equations nearer to zero is halved; where halving does not help, the
    derivative is taken afresh by differences.

    Parameters
    ----------
    equations : Equations
    start : ndarray
        Internal parameters.
    tolerance : float
        Stop already when no step exceeds this many standard errors; at rounding level by default.

    Returns
    -------
    internal, State, last quasi-Newton step, history
    """
    internal = np.array(start, float)
    state = equations(internal)
    if state is None:
        raise ConvergenceError("the adjusted score equations are not defined at the starting values")
    scale = state.spread
    turn, fresh, history, previous, stalled = np.eye(len(internal)), False, [], np.inf, 0
    for _ in range(max_iterations):
        step, spread = scale * (turn @ (state.step / scale)), state.spread
        size = float(np.max(np.abs(step) / np.maximum(np.abs(internal), 1e-3 * spread)))
        standard = float(np.max(np.abs(step) / spread))
        history.append((state.value, standard, state.beyond(state)))
        stalled = stalled + 1 if standard < 1e-8 and size > 0.5 * previous else 0
        if size < 1e-13 or stalled == 2 or standard < tolerance:
            return internal, state, step, history
        fraction = min(1.0, 5.0 / standard)
        for _ in range(30):
            candidate = equations(internal + fraction * step)
            if candidate is not None and (candidate.beyond(state) < state.beyond(state) or standard < 1e-8):
                break
            fraction *= 0.5
            if fraction < 0.05 and not fresh:
                turn, fresh = inverse_derivative(equations, internal, scale), True
                step, fraction = scale * (turn @ (state.step / scale)), 1.0
        else:
            raise ConvergenceError("no step brings the adjusted score equations nearer to zero")
        moved = fraction * step / scale
        change = turn @ ((state.step - candidate.step) / scale)
        if abs(moved @ change) > 1e-12 * (moved @ moved):
            turn, fresh = turn + np.outer(moved - change, moved @ turn) / (moved @ change), False
        internal, state, previous = internal + fraction * step, candidate, size
    raise ConvergenceError(
        f"the adjusted score equations did not settle within {max_iterations} iterations "
        f"(last step {standard:.2g} standard errors)"
    )


def solve_from_afar(problem, start, max_iterations=MAX_ITERATIONS):
    """Root of the equations reached through those with a ridge that is taken away step by step."""
    ridge, shrink = 4.0, 8.0
    internal, spent = start, 0
    while ridge > 1e-4:
        try:
            found, _, _, history = solve(Equations(problem, ridge), internal, 1e-2, 40)
        except ConvergenceError:
            if shrink < 1.1 or np.array_equal(internal, start):
                raise
            ridge, shrink = ridge * shrink, np.sqrt(shrink)
        else:
            internal, spent = found, spent + len(history)
        ridge /= shrink
    internal, state, step, history = solve(Equations(problem), internal, 0.0, max_iterations)
    return internal, state, step, history


def inverse_derivative(equations, internal, scale):
    """Inverse of minus the derivative of the scaled Fisher step, by central differences."""
    columns = []
    for position, width in enumerate(1e-5 * scale):
        sides = []
        for sign in (1.0, -1.0):
            moved = internal.copy()
            moved[position] += sign * width
            sides.append(equations(moved))
        if None in sides:
            return np.eye(len(internal))
        columns.append((sides[0].step - sides[1].step) / (2 * width) * scale[position] / scale)
    try:
        return -np.linalg.inv(np.array(columns).T)
    except np.linalg.LinAlgError:
        return np.eye(len(internal))


def fit_bias_reduced(model, source, samples, maxiter=MAX_ITERATIONS):
    """Bias-reduced estimates over any source of rows.

    Parameters
    ----------
    model, source, samples
        As in :func:`p2prisk.ordered.fitting.fit_rows`.
    maxiter : int

    Returns
    -------
    newton.Optimum
        ``information`` is the expected information, ``covariance`` its inverse, ``log_likelihood`` that of the
        model at the estimates, ``step`` the last quasi-Newton step, from which ``digits`` counts.

    Raises
    ------
    ModelError
        For constant or collinear columns.
    ConvergenceError
    """
    layout = source.layout
    sample = samples[0] if samples else source
    centre, scale = centre_and_scale(sample.block.exog, model.exog_names)
    problem = newton.Problem(source, centre, scale, needs_recentring(model, centre, scale))
    equations = Equations(problem)
    start = starting_point(source, sample, model.category_counts)
    if layout.n_slopes:
        found = newton.dependent_columns(equations.expected(start)[3], layout.n_slopes)
        if found:
            newton.raise_dependent(found, model.param_names)
    try:
        # a light ridge keeps separated slopes finite: a start from which a few steps are left
        near = np.linalg.solve(problem.to_user, fit_rows(model, source, samples, penalty=1.0).params)
        internal, state, step, history = solve(equations, near, 0.0, maxiter)
    except ConvergenceError:
        try:
            internal, state, step, history = solve_from_afar(problem, start, maxiter)
        except ConvergenceError as error:
            raise _not_found(source, str(error)) from None
    turn = problem.to_user
    back = np.linalg.inv(turn)
    covariance = turn @ state.inverse @ turn.T
    optimum = newton.Optimum(
        params=turn @ (internal + step),
        covariance=0.5 * (covariance + covariance.T),
        information=back.T @ state.information @ back,
        log_likelihood=state.value,
        step=turn @ step,
        iterations=len(history),
        history=history,
    )
    digits = newton.correct_digits(optimum.params, optimum.step, np.sqrt(np.diag(covariance))).min()
    if digits < REQUIRED_DIGITS:
        raise _not_found(source, f"the last step leaves {digits:.1f} correct digits")
    return optimum


def _not_found(source, reason):
    if source.layout.free and not isinstance(source.family, Sequential):
        advice = (
            "They need every class of every row to have a positive probability, which slopes that differ by threshold "
            "rule out where their lines cross within the data: free fewer terms, or fit the sequential model"
        )
    else:
        advice = "Merge sparse levels or classes, or ask for a penalised fit: fit(penalty=1.0)"
    return ConvergenceError(f"no bias-reduced estimates were found: {reason}. {advice}")


def fit_by(method, model, source, samples, penalty=None, maxiter=None):
    """The fit of this method over any source of rows: ``"ml"`` (penalised with ``penalty``) or ``"bias_reduced"``."""
    if method not in ("ml", "bias_reduced"):
        raise ModelError(f"method={method!r}; choose 'ml' or 'bias_reduced'")
    if method == "ml":
        return fit_rows(model, source, samples, penalty, maxiter or newton.MAX_ITERATIONS)
    if penalty is not None:
        raise ModelError("penalty= belongs to method='ml'; bias-reduced estimates are finite without it")
    return fit_bias_reduced(model, source, samples, maxiter or MAX_ITERATIONS)
