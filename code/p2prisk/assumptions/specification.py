"""Is the mean right? Straight lines against splines, links and families against each other, entangled predictors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy
from scipy.integrate import quad

from p2prisk.assumptions._support import fitted_model, is_indicator, likelihood_model, row_weights, weighted_quantiles
from p2prisk.errors import ConvergenceError, DataError, ModelError, SeparationError
from p2prisk.ordered.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from p2prisk.ordered.results import OrderedResults

# Harrell's default knots: quantiles of the predictor
_KNOTS = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}


def restricted_cubic_spline(values: ArrayLike, knots: ArrayLike) -> np.ndarray:
    """Non-linear part of a restricted cubic spline (linear beyond the outer knots).

    Parameters
    ----------
    values : array_like, shape (n,)
    knots : array_like, shape (k,)
        Increasing, at least three.

    Returns
    -------
    ndarray, shape (n, k - 2)
        Columns to be used beside the linear term.

    Notes
    -----
    Harrell (2015), *Regression Modeling Strategies*, equation 2.25, divided by the square of the outer
    knots' distance.

    Examples
    --------
    >>> restricted_cubic_spline([0, 1, 2, 3], [0, 1, 2]).ravel().round(3).tolist()
    [0.0, 0.25, 1.5, 3.0]
    """
    x, t = np.asarray(values, dtype=float)[:, None], np.asarray(knots, dtype=float)
    if t.size < 3 or (np.diff(t) <= 0).any():
        raise DataError(f"knots {t.tolist()} must be at least three increasing numbers")
    cube = np.maximum(x - t, 0.0) ** 3
    last, before = t[-1], t[-2]
    basis = (
        cube[:, :-2]
        - cube[:, [-2]] * (last - t[:-2]) / (last - before)
        + cube[:, [-1]] * (before - t[:-2]) / (last - before)
    )
    return basis / (last - t[0]) ** 2


def _knots(values, weights, number):
    return np.unique(weighted_quantiles(values, weights, _KNOTS[number]))


def _continuous(model, columns):
    place = {name: i for i, name in enumerate(model.exog_names)}
    if columns is None:
        free = {model.exog_names[i] for i in model.layout.free}
        chosen = [c for c in model.exog_names if c not in free and not is_indicator(model.exog[:, place[c]])]
    else:
        chosen = list(columns)
    unknown = [c for c in chosen if c not in place]
    if unknown:
        raise ModelError(f"{unknown} are no columns of the model; it has {model.exog_names}")
    return {c: model.exog[:, place[c]] for c in chosen}


def linearity(
    result: OrderedResults, columns: Sequence[str] | None = None, knots: Literal[3, 4, 5] = 4
) -> pd.DataFrame:
    """Is each continuous predictor's line straight? Spline against line, one column at a time.

    Parameters
    ----------
    result : OrderedResults
    columns : sequence of str, optional
        Columns of the design; by default all that are not 0/1.
    knots : {3, 4, 5}
        Knots of the restricted cubic spline, at Harrell's quantiles.

    Returns
    -------
    pandas.DataFrame
        Index ``column``: ``chi2, df, pvalue`` of the likelihood-ratio test; ``largest_gap``: largest
        distance, in log-odds, between the fitted spline and the fitted line over the middle 90 % of the
        loans, both set equal on average there; ``note``: why a column has no test (too few distinct values
        at the knots, separation).

    Notes
    -----
    The test is of the column as it stands in the model: of log income, if the model has log income.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=3000)
    >>> y = np.digitize(x + 0.5 * x**2 + rng.logistic(size=3000), [-1, 0.5, 2])
    >>> bool(linearity(OrderedLogit(y, pd.DataFrame({"x": x})).fit()).loc["x", "pvalue"] < 1e-6)
    True
    """
    model = likelihood_model(result)
    _check_knots(knots)
    rows = {}
    for name, values in _continuous(model, columns).items():
        try:
            wide, _ = _spline_fit(model, name, values, knots)
        except (SeparationError, ConvergenceError, ModelError, DataError) as error:
            rows[name] = (np.nan, 0, np.nan, np.nan, f"not computable: {error}")
            continue
        statistic = max(2 * (wide.llf - result.llf), 0.0)
        df = wide.layout.n_params - result.layout.n_params
        curve = spline_curve(result, name, knots, _wide=wide)
        gap = curve["spline"] - curve["line"]
        rows[name] = (
            statistic,
            df,
            float(scipy.stats.chi2.sf(statistic, df)),
            float((gap - gap.mean()).abs().max()),
            "",
        )
    if not rows:
        raise ModelError("the model has no continuous column; there is no line to test")
    frame = pd.DataFrame(rows, index=["chi2", "df", "pvalue", "largest_gap", "note"]).T
    frame.index.name = "column"
    return frame.astype({"chi2": float, "df": int, "pvalue": float, "largest_gap": float})


def _check_knots(knots):
    if knots not in _KNOTS:
        raise ModelError(f"knots={knots!r}; choose 3, 4 or 5")


def _spline_fit(model, name, values, knots):
    places = _knots(values, row_weights(model), knots)
    if places.size < 3:
        raise DataError(
            f"column {name!r} has only {places.size} distinct values at the knots; a spline needs three. "
            "Use fewer knots, or treat it as a factor"
        )
    basis = restricted_cubic_spline(values, places)
    extra = {f"{name} spline {k + 1}": basis[:, k] for k in range(basis.shape[1])}
    return model.with_extra_columns(extra).fit(), places


def spline_curve(
    result: OrderedResults, column: str, knots: Literal[3, 4, 5] = 4, points: int = 100, _wide: Any = None
) -> pd.DataFrame:
    """Fitted line and fitted spline of one column, to draw.

    Parameters
    ----------
    result : OrderedResults
    column : str
        Column of the design.
    knots : {3, 4, 5}
    points : int

    Returns
    -------
    pandas.DataFrame
        ``value`` over the middle 90 % of the loans, ``line, spline, ci_low, ci_high`` in log-odds, zero at
        the median.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> spline_curve(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), "x").shape
    (100, 5)
    """
    model = fitted_model(result)
    _check_knots(knots)
    values = _continuous(model, [column])[column]
    weights = row_weights(model)
    places = _knots(values, weights, knots)
    wide = _spline_fit(model, column, values, knots)[0] if _wide is None else _wide
    low, middle, high = weighted_quantiles(values, weights, [0.05, 0.5, 0.95])
    grid = np.linspace(low, high, points)
    names = [column, *[f"{column} spline {k + 1}" for k in range(places.size - 2)]]
    basis = np.column_stack([grid, restricted_cubic_spline(grid, places)])
    origin = np.concatenate([[middle], restricted_cubic_spline([middle], places)[0]])
    basis = basis - origin
    slope = wide.params[names].to_numpy()
    cov = wide.cov_params().loc[names, names].to_numpy()
    se = np.sqrt(np.einsum("ij,jk,ik->i", basis, cov, basis))
    spline = basis @ slope
    return pd.DataFrame(
        {
            "value": grid,
            "line": (grid - middle) * result.params[column],
            "spline": spline,
            "ci_low": spline - 1.959963984540054 * se,
            "ci_high": spline + 1.959963984540054 * se,
        }
    )


def compare_links(
    result: OrderedResults, links: Sequence[str] = ("logit", "probit", "cloglog", "loglog")
) -> pd.DataFrame:
    """The same model under other links.

    Parameters
    ----------
    result : OrderedResults
    links : sequence of str

    Returns
    -------
    pandas.DataFrame
        Index ``link``, best first: ``loglike, aic, difference`` (in AIC from the best), ``mean_departure``
        (share of probability that moves between classes, averaged over loans, from the link of `result`),
        ``note``.

    Notes
    -----
    The links have equally many parameters, so the difference in AIC is twice that in log-likelihood; below 2
    the data do not tell them apart. No test: the models are not nested.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=4000)
    >>> y = np.digitize(2 * x + np.log(-np.log(rng.random(4000))), [-2, 0, 2])
    >>> compare_links(OrderedLogit(y, pd.DataFrame({"x": x})).fit()).index[0]
    'cloglog'
    """
    model = likelihood_model(result)
    own = result.predict().to_numpy()
    weights = row_weights(model)
    rows = {}
    for link in links:
        try:
            fit = result if link == model.link.name else model.with_family(link=link).fit()
        except (SeparationError, ConvergenceError) as error:
            rows[link] = (np.nan, np.nan, np.nan, f"not computable: {error}")
            continue
        moved = np.abs(fit.predict().to_numpy() - own).sum(axis=1) / 2
        rows[link] = (fit.llf, fit.aic, float(np.average(moved, weights=weights)), "")
    frame = pd.DataFrame(rows, index=["loglike", "aic", "mean_departure", "note"]).T
    frame = frame.astype({"loglike": float, "aic": float, "mean_departure": float})
    frame.insert(2, "difference", frame["aic"] - frame["aic"].min())
    frame.index.name = "link"
    return frame.sort_values("aic", na_position="last")


def compare_families(result: OrderedResults) -> pd.DataFrame:
    """The same model in every family: cumulative, and sequential in both directions.

    Parameters
    ----------
    result : OrderedResults

    Returns
    -------
    pandas.DataFrame
        Index ``family``, best first: ``loglike, aic, difference`` (in AIC from the best), ``mean_departure``
        (share of probability that moves between classes, averaged over loans, from the family of `result`),
        ``vuong_z`` and ``pvalue`` (:func:`vuong`: the family against that of `result`; positive where the family
        is better), ``note``: why a row has no number.

    Notes
    -----
    The families have equally many parameters, so the difference in AIC is twice that in log-likelihood.

    Examples
    --------
    >>> from p2prisk import SequentialLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=4000)
    >>> going_on = x[:, None] + rng.logistic(size=(4000, 2)) > [0, 0.5]
    >>> y = np.where(going_on[:, 0], 1 + going_on[:, 1], 0)
    >>> compare_families(SequentialLogit(y, pd.DataFrame({"x": x})).fit()).index[0]
    'forward'
    """
    model = likelihood_model(result)
    own, weights = result.predict().to_numpy(), row_weights(model)
    rows = {}
    for family in FAMILIES:
        if family == model.family.name:
            rows[family] = (result.llf, result.aic, 0.0, np.nan, np.nan, "the fit itself")
            continue
        try:
            fit = model.with_family(family).fit()
            moved = np.abs(fit.predict().to_numpy() - own).sum(axis=1) / 2
            test = vuong(fit, result)
        except (ConvergenceError, ModelError) as error:
            rows[family] = (np.nan, np.nan, np.nan, np.nan, np.nan, f"not computable: {error}")
            continue
        rows[family] = (fit.llf, fit.aic, np.average(moved, weights=weights), test["z"], test["pvalue"], "")
    columns = ["loglike", "aic", "mean_departure", "vuong_z", "pvalue", "note"]
    frame = pd.DataFrame(rows, index=columns).T.astype(dict.fromkeys(columns[:-1], float))
    frame.insert(2, "difference", frame["aic"] - frame["aic"].min())
    frame.index.name = "family"
    return frame.sort_values("aic", na_position="last")


def vuong(
    first: OrderedResults, second: OrderedResults, correction: Literal[None, "aic", "bic"] | None = None
) -> pd.Series:
    """Vuong's test of two models that are not nested: is one closer to the truth?

    Parameters
    ----------
    first, second : OrderedResults
        Maximum likelihood fits to the same loans, for instance of a cumulative and a sequential logit.
    correction : {None, "aic", "bic"}
        Take from the log-likelihood ratio the difference in the number of parameters, or half of it times
        log n.

    Returns
    -------
    pandas.Series
        ``loglike_first, loglike_second``; ``ratio``: their difference after the correction; ``z``, positive where
        `first` is better, and its two-sided ``pvalue``; ``indistinguishable_pvalue``: of the hypothesis that both
        give every loan the same probability; while it is not rejected, ``z`` means nothing.

    Raises
    ------
    ModelError
        For fits to other loans, penalised fits, nested models (use ``result.lr_test``), and models that give every
        loan exactly the same probability.

    Notes
    -----
    Vuong (1989), Econometrica 57, 307-333. With ``m_i`` the difference of the loan's log-probabilities, z is the
    sum of the ``m_i`` over ``sqrt(n)`` times their standard deviation (equation 5.6); n times their variance has,
    where the models are indistinguishable, the distribution of a weighted sum of chi-squares (theorem 4.1),
    computed by inversion of its characteristic function (Imhof 1961, Biometrika 48). Frequency weights count as
    repeated loans.

    Examples
    --------
    >>> from p2prisk import OrderedLogit, SequentialLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=(4000, 1))
    >>> y = np.digitize(x[:, 0] + rng.logistic(size=4000), [-1, 0.5, 2])
    >>> test = vuong(OrderedLogit(y, x).fit(), SequentialLogit(y, x).fit())
    >>> bool(test["z"] > 2), bool(test["indistinguishable_pvalue"] < 0.01)
    (True, True)
    """
    models = [likelihood_model(first), likelihood_model(second)]
    one, two = models
    weights, n = row_weights(one), float(one.nobs)
    if (
        one.categories != two.categories
        or not np.array_equal(one.endog_codes, two.endog_codes)
        or not np.array_equal(weights, row_weights(two))
    ):
        raise ModelError("the two fits are not of the same loans and categories; their likelihoods cannot be compared")
    if one.family == two.family and _nested(one, two):
        raise ModelError("one of the models is a special case of the other; use result.lr_test(other)")
    if correction not in (None, "aic", "bic"):
        raise ModelError(f"correction={correction!r} is unknown; use None, 'aic' or 'bic'")
    gap = one.loglike_obs(first.params) - two.loglike_obs(second.params)
    more = one.layout.n_params - two.layout.n_params
    ratio = weights @ gap - {None: 0.0, "aic": more, "bic": more * np.log(n) / 2}[correction]
    variance = weights @ (gap - weights @ gap / n) ** 2 / n
    if not variance > 1e-20:
        raise ModelError("the two models give every loan the same probability; there is nothing to choose")
    z = ratio / np.sqrt(n * variance)
    return pd.Series(
        {
            "loglike_first": first.llf,
            "loglike_second": second.llf,
            "ratio": ratio,
            "z": z,
            "pvalue": 2 * scipy.stats.norm.sf(abs(z)),
            "indistinguishable_pvalue": _weighted_chi2_sf(n * variance, _vuong_weights(first, second, weights, n)),
        }
    )


def _nested(one, two):
    """Whether the columns and freed slopes of one model are among those of the other."""

    def parts(model):
        return set(model.exog_names), {model.exog_names[c] for c in model.layout.free}

    (a, a_free), (b, b_free) = parts(one), parts(two)
    return (a <= b and a_free <= b_free) or (b <= a and b_free <= a_free)


def _vuong_weights(first, second, weights, n):
    """Weights of the chi-squares: squared eigenvalues of Vuong's matrix W (his equation 3.6 and theorem 4.1).

    Scores are measured in standard errors, which leaves the eigenvalues as they are and no column outweighs others.
    """
    scores, inverse = [], []
    for result in (first, second):
        se = np.sqrt(np.diag(result._bread))
        scores.append(result.score_obs() * se)
        inverse.append(n * result._bread / np.outer(se, se))
    own = [s.T @ (s * weights[:, None]) / n for s in scores]
    cross = scores[0].T @ (scores[1] * weights[:, None]) / n
    matrix = np.block([[-own[0] @ inverse[0], -cross @ inverse[1]], [cross.T @ inverse[0], own[1] @ inverse[1]]])
    return np.linalg.eigvals(matrix).real ** 2


def _weighted_chi2_sf(x, weights):
    """P(sum of weights * chi-squares with one degree of freedom > x): the integral of Imhof (1961, equation 3.2).

    Beyond the first stretch the sine is split, so that QUADPACK's rule for Fourier integrals sees the wave in x.
    """
    x, weights = x / weights.max(), weights[weights > 1e-12 * weights.max()] / weights.max()
    if -0.25 * x - 0.5 * np.log1p(-0.5 * weights).sum() < np.log(1e-16):  # Chernoff's bound
        return 0.0

    def angle(u):
        return 0.5 * np.arctan(weights * u).sum()

    def size(u):
        return 1 / (u * np.prod((1 + (weights * u) ** 2) ** 0.25))

    first = quad(lambda u: np.sin(angle(u) - 0.5 * x * u) * size(u), 0, 1, limit=500)[0]
    cosine = quad(lambda u: np.sin(angle(u)) * size(u), 1, np.inf, weight="cos", wvar=0.5 * x, limlst=500)[0]
    sine = quad(lambda u: np.cos(angle(u)) * size(u), 1, np.inf, weight="sin", wvar=0.5 * x, limlst=500)[0]
    return float(np.clip(0.5 + (first + cosine - sine) / np.pi, 0, 1))


def variance_inflation(result: OrderedResults) -> pd.DataFrame:
    """Generalised variance inflation factor of every term.

    Returns
    -------
    pandas.DataFrame
        Index ``term``, largest first: ``gvif, df, gvif_per_column`` (``gvif ** (1 / (2 df))``, comparable
        across terms; a term with one column has the square root of the usual factor; above about 2.2, its
        square above 5, is worth a look).

    Notes
    -----
    Fox and Monette (1992), Journal of the American Statistical Association 87: with R the correlation matrix
    of the estimated slopes, ``det(R_term) det(R_others) / det(R)``.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = pd.DataFrame(rng.normal(size=(800, 2)), columns=["a", "b"])
    >>> y = np.digitize(x["a"] + rng.logistic(size=800), [-1, 0.5, 2])
    >>> bool(variance_inflation(OrderedLogit(y, x).fit())["gvif"].max() < 1.1)
    True
    """
    terms = result.terms
    if len(terms) < 2:
        raise ModelError("variance inflation compares terms; the model has fewer than two")
    slopes = result.cov_params().to_numpy()[: result.layout.n_slopes, : result.layout.n_slopes]
    se = np.sqrt(np.diag(slopes))
    correlation = slopes / np.outer(se, se)
    owner = np.array([result.exog_names[c] for c in result.layout.slope_columns])
    whole = np.linalg.slogdet(correlation)[1]
    rows = {}
    for term, names in terms.items():
        inside = np.isin(owner, names)
        parts = [np.linalg.slogdet(correlation[np.ix_(m, m)])[1] for m in (inside, ~inside)]
        gvif, df = float(np.exp(sum(parts) - whole)), int(inside.sum())
        rows[term] = (gvif, df, gvif ** (1 / (2 * df)))
    frame = pd.DataFrame(rows, index=["gvif", "df", "gvif_per_column"]).T.astype({"df": int})
    frame.index.name = "term"
    return frame.sort_values("gvif_per_column", ascending=False)
