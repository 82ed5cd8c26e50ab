"""Parallel lines: is one slope a column enough for all thresholds?

The ordered logit says that a predictor moves the odds of "worse than A" and of "worse than F" by the same
factor; the sequential logit says it of the odds of going on at every stage. :func:`brant` tests that against
separate binary logits, :func:`likelihood_ratio_parallel` against freed slopes; :func:`slopes_by_threshold` shows
how far the slopes are apart, which with many loans matters more than the p-value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy
from scipy import sparse
from scipy.special import expit

from p2prisk.assumptions._support import (
    column_spread,
    fitted_model,
    is_indicator,
    level_name,
    likelihood_model,
    row_weights,
    term_of,
)
from p2prisk.errors import ConvergenceError, ModelError, SeparationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from p2prisk.ordered.results import OrderedResults

_PROBLEM_COLUMNS = ["term", "level", "column", "cut", "above", "below", "why"]
_ROWS = 16384  # rows a block: the weighted copies of 20-30 columns stay near the cache


@dataclass(frozen=True)
class CutFits:
    """Binary logits of ``Y > j`` at every cut, of a sequential model among the loans that reach the stage, with the
    covariance across them.

    Attributes
    ----------
    params : pandas.DataFrame
        Slopes: one row a cut, one column a column of the design.
    cov : ndarray, shape (cuts * columns, cuts * columns)
        Joint covariance, cut by cut in the order of `params`.
    common : pandas.Series
        Slopes of the model with common slopes on the same categories and columns.
    terms : dict of str to list of str
    spread : pandas.Series
        Standard deviation of each column.
    categories : list
        Categories after merging, merged ones joined by "+".
    merged : str
        What was merged, in words; empty if nothing.
    cov_type : str
    """

    params: pd.DataFrame
    cov: np.ndarray
    common: pd.Series
    terms: dict
    spread: pd.Series
    categories: list
    merged: str
    cov_type: str


def fit_by_cut(
    result: OrderedResults,
    merge: Literal[None, "categories", "levels"] | None = None,
    cov_type: Literal["model", "HC0", "cluster"] = "model",
    groups: ArrayLike | None = None,
) -> CutFits:
    """Fit a binary logit at every cut of a fitted ordered or sequential logit.

    Parameters
    ----------
    result : OrderedResults
        Fitted with the logit link.
    merge : {None, "categories", "levels"}
        What to do where a binary logit has no finite estimate: raise; leave out that cut (which merges the
        two categories beside it); or merge the separated factor levels with the reference level of their
        factor. ``"auto"`` is another name for ``"categories"``.
    cov_type : {"model", "HC0", "cluster"}
        Covariance across the fits: Brant's (from the fitted probabilities), or from the products of the
        scores of each loan, or of each cluster in `groups`.
    groups : array_like, shape (n_rows,), optional
        Clusters, for ``cov_type="cluster"``.

    Returns
    -------
    CutFits

    Raises
    ------
    SeparationError
        When a cut has no finite estimate and `merge` is None. The message names term, level and cut and both
        merges; the attribute ``problems`` holds the same as a DataFrame.
    ModelError
        For another link, two categories, or when merging leaves fewer than two cuts.

    Notes
    -----
    The binary fits share their loans, so their estimates are correlated: with scores ``(1[Y > j] - p_j) x``
    the covariance of the fits at cuts j < l is ``A_j^-1 [sum w (p_l - p_j p_l) x x'] A_l^-1``, as
    ``P(Y > j, Y > l) = p_l`` (Brant 1990, Biometrics 46, equation 4). The stages of a sequential model share
    loans too, but what a loan does at one stage, given that it got there, is uncorrelated with what it did
    before: the covariance across stages is zero.
    """
    model = fitted_model(result)
    if model.link.name != "logit":
        raise ModelError(
            f"Brant's test compares binary logits, the fit has link {model.link.name!r}; use "
            "likelihood_ratio_parallel, which works for every link"
        )
    if merge not in (None, "auto", "categories", "levels"):
        raise ModelError(f"merge={merge!r} is unknown; use None, 'categories' (or 'auto') or 'levels'")
    if cov_type not in ("model", "HC0", "cluster"):
        raise ModelError(f"cov_type={cov_type!r} is unknown; use 'model', 'HC0' or 'cluster'")
    if (groups is None) == (cov_type == "cluster"):
        raise ModelError("groups= and cov_type='cluster' go together")
    if len(model.categories) < 3:
        raise ModelError("two categories have one cut only; there are no lines to be parallel")
    if not model.exog_names:
        raise ModelError("the model has no predictors; there is nothing to test")
    plain = model.with_columns(model.exog_names)
    problems = _separated_columns(plain)
    if merge == "levels" and not problems.empty:
        plain, merged = _merge_levels(plain, problems)
        problems = _separated_columns(plain)
    else:
        merged = ""
    fits: Any = {}
    while not fits:
        if problems.empty:
            fits, problems = _binary_fits(plain)
        if not problems.empty:
            kept = [j for j in range(len(plain.categories) - 1) if model_cut(plain, j) not in set(problems["cut"])]
            if merge in (None, "levels") or len(kept) < 2:
                raise _explain(plain, problems, merge)
            # merging changes what the stages of a sequential model are, and what may be separated at them
            labels, fits = _merged_categories(plain.categories, kept), {}
            plain = plain.with_response(np.searchsorted(kept, plain.endog_codes, side="left"), labels)
            problems = _separated_columns(plain)
    labels = [str(category) for category in plain.categories]
    if len(labels) < len(model.categories):
        joined = [label for label in labels if "+" in label]
        merged = f"categories merged: {', '.join(joined)} (a binary logit is separated between them)"
    together = plain.fit() if merged or model.layout.free else result
    slopes = np.array([fit.params.iloc[:-1] for fit in fits])
    intercepts = np.array([-fit.params.iloc[-1] for fit in fits])
    spread = column_spread(plain)
    cov = _joint_covariance(plain, slopes, intercepts, spread.to_numpy(), cov_type, groups)
    cuts = pd.Index([model_cut(plain, j) for j in range(len(fits))], name="cut")
    params = pd.DataFrame(slopes, cuts, plain.exog_names)
    common = together.params.iloc[: len(plain.exog_names)]
    return CutFits(params, cov, common, dict(plain.terms), spread, labels, merged, cov_type)


def _binary_fits(model):
    """Binary fit of every cut, and the cuts without one as :func:`_separated_columns` lists them."""
    fits, failed = [], []
    for j in range(len(model.categories) - 1):
        rows = model.family.reached(model.endog_codes, j)
        binary = [f"up to {j}", f"above {j}"]
        try:
            fits.append(model.with_response(model.endog_codes > j, binary, None if rows.all() else rows).fit())
        except (ModelError, ConvergenceError) as error:
            failed.append(("", "", "", model_cut(model, j), np.nan, np.nan, str(error)))
    return fits, pd.DataFrame(failed, columns=_PROBLEM_COLUMNS)


def model_cut(model, j):
    """Label of cut j."""
    return f"{model.categories[j]}|{model.categories[j + 1]}"


def _separated_columns(model):
    """0/1 columns that, at some cut, only occur on one side: the usual reason for an infinite binary estimate."""
    weights, terms, classes = row_weights(model), term_of(model), len(model.categories)
    rows = []
    totals = np.bincount(model.endog_codes, weights, classes)
    reached = [model.family.reached(np.arange(classes), j) for j in range(classes - 1)]
    for position, column in enumerate(model.exog_names):
        values = model.exog[:, position]
        if not is_indicator(values):
            continue
        inside = np.bincount(model.endog_codes, weights * values, classes)
        for j in range(classes - 1):
            upper = np.arange(classes) > j
            above, below = inside[upper & reached[j]].sum(), inside[~upper & reached[j]].sum()
            others_above = totals[upper & reached[j]].sum() - above
            others_below = totals[~upper & reached[j]].sum() - below
            loans = above + below
            if inside.sum() in (0, totals.sum()):
                continue
            if loans == 0 or others_above + others_below == 0:
                what = f"{'no' if loans == 0 else 'every'} loan that reaches the cut has it"
            elif above == 0 or below == 0:
                what = f"none of its {loans:g} loans is {'above' if above == 0 else 'at or below'} the cut"
            elif others_above == 0 or others_below == 0:
                what = f"every loan {'above' if others_above == 0 else 'at or below'} the cut has it"
            else:
                continue
            rows.append((terms[column], level_name(column), column, model_cut(model, j), above, below, what))
    return pd.DataFrame(rows, columns=_PROBLEM_COLUMNS)


def _merged_categories(categories, cuts):
    edges = [0, *(j + 1 for j in cuts), len(categories)]
    return ["+".join(str(c) for c in categories[a:b]) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def _merge_levels(model, problems):
    """Drop separated level columns, which puts their loans into the reference level; repeat until none is left."""
    gone = []
    while not problems.empty:
        bad = set(problems["column"])
        gone += [column for column in model.exog_names if column in bad]
        keep = [column for column in model.exog_names if column not in bad]
        if not keep:
            raise ModelError("merging the separated levels leaves no column to test")
        model = model.with_columns(keep)
        problems = _separated_columns(model)
    return model, f"levels merged with the reference level: {', '.join(gone)}"


def _explain(model, problems, merge):
    """SeparationError that names term, level, cut, and the merges that help."""
    bad_cuts = list(dict.fromkeys(problems["cut"]))
    kept = [j for j in range(len(model.categories) - 1) if model_cut(model, j) not in bad_cuts]
    listed = "; ".join(
        f"cut {row.cut}: " + (f"term {row.term}, level {row.level}: {row.why}" if row.column else row.why)
        for row in problems.head(8).itertuples()
    )
    if len(problems) > 8:
        listed += f"; and {len(problems) - 8} more (see .problems)"
    parts = [f"some binary logits have no finite estimate. {listed}."]
    if len(kept) >= 2:
        parts.append(
            "merge='categories' computes the test with the categories "
            f"{', '.join(_merged_categories(model.categories, kept))}."
        )
    else:
        parts.append("Merging categories would leave fewer than two cuts.")
    columns = [column for column in dict.fromkeys(problems["column"]) if column]
    if columns and merge != "levels":
        parts.append(f"merge='levels' joins {', '.join(columns)} with the reference level of the factor instead.")
    error = SeparationError(" ".join(parts))
    error.problems = problems
    return error


def _joint_covariance(model, slopes, intercepts, spread, cov_type, groups):
    """Covariance of all slopes, cut by cut.

    Columns are centred and scaled first, so that dollars and ratios lose no digit; the intercept that this
    shifts is not part of the answer.
    """
    m, p = slopes.shape
    size = p + 1
    weights = row_weights(model)
    centre = np.average(model.exog, axis=0, weights=weights)
    meat = np.zeros((m, size, m, size))
    bread = np.zeros((m, size, size))
    if cov_type == "cluster":
        member_of, n_groups = _clusters(model, groups)
        sums = np.zeros((n_groups, m * size))
    for start in range(0, model.n_rows, _ROWS):
        rows = slice(start, start + _ROWS)
        exog = model.exog[rows]
        w = weights[rows]
        eta = exog @ slopes.T + intercepts
        if model.offset is not None:
            eta += model.offset[rows][:, None]
        probability = expit(eta)
        codes = model.endog_codes[rows]
        reached = np.stack([model.family.reached(codes, j) for j in range(m)], axis=1)
        design = np.column_stack([(exog - centre) / spread, np.ones(len(exog))])
        for j in range(m):
            bread[j] += design.T @ (design * (w * reached[:, j] * probability[:, j] * (1 - probability[:, j]))[:, None])
        if cov_type == "model":
            for j in range(0 if model.family.stages else m):
                for k in range(j + 1, m):
                    shared = w * probability[:, k] * (1 - probability[:, j])
                    meat[j, :, k, :] += design.T @ (design * shared[:, None])
            continue
        gap = ((codes[:, None] > np.arange(m)) - probability) * reached
        if cov_type == "HC0":
            for j in range(m):
                for k in range(j, m):
                    meat[j, :, k, :] += design.T @ (design * (w * gap[:, j] * gap[:, k])[:, None])
        else:
            scores = ((gap * w[:, None])[:, :, None] * design[:, None, :]).reshape(len(exog), m * size)
            member = sparse.csr_matrix(
                (np.ones(len(exog)), (member_of[rows], np.arange(len(exog)))), shape=(n_groups, len(exog))
            )
            sums += member @ scores
    if cov_type == "model":
        for j in range(m):
            meat[j, :, j, :] = bread[j]
    if cov_type == "cluster":
        meat = (sums.T @ sums).reshape(m, size, m, size) * n_groups / (n_groups - 1)
    inverse = [np.linalg.inv(block) for block in bread]
    cov = np.zeros((m, p, m, p))
    for j in range(m):
        for k in range(j, m):
            block = (inverse[j] @ meat[j, :, k, :] @ inverse[k])[:p, :p] / spread[:, None] / spread
            cov[j, :, k, :] = block
            cov[k, :, j, :] = block.T
    return cov.reshape(m * p, m * p)


def _clusters(model, groups):
    groups = pd.Series(np.asarray(groups))
    if model.kept_rows is not None and len(groups) == model.n_rows + model.n_dropped:
        groups = groups.iloc[model.kept_rows]
    codes, names = pd.factorize(groups)
    if len(codes) != model.n_rows or (codes < 0).any() or len(names) < 2:
        raise ModelError(f"groups must name at least two clusters, one for each of the {model.n_rows} rows")
    return codes, len(names)


def _as_fits(result, merge, cov_type, groups):
    return result if isinstance(result, CutFits) else fit_by_cut(result, merge, cov_type, groups)


def brant(
    result: OrderedResults | CutFits, merge: Any = None, cov_type: Any = "model", groups: Any = None
) -> pd.DataFrame:
    """Brant's Wald test of parallel lines, for each term and for all together.

    Parameters
    ----------
    result : OrderedResults or CutFits
        A fitted ordered logit, or what :func:`fit_by_cut` made of it.
    merge, cov_type, groups
        As in :func:`fit_by_cut`.

    Returns
    -------
    pandas.DataFrame
        Index ``term``, last row ``"Omnibus"``:

        - ``chi2, df, pvalue``: all columns of a factor are tested together;
        - ``departure, departure_low, departure_high``: how far the slope of one column at one cut lies from
          the precision-weighted mean of its slopes, in log-odds per standard deviation of the column; of the
          ``column`` and ``cut`` where it is clearest against its standard error. The interval covers all
          columns and cuts of the term together with 95 % at least (Bonferroni), as the clearest was picked.

        ``attrs["categories"]`` lists the categories used, ``attrs["merged"]`` what was merged (empty:
        nothing).

    Raises
    ------
    SeparationError, ModelError
        See :func:`fit_by_cut`. No NaN is returned.

    Notes
    -----
    Brant (1990), Biometrics 46, 1171-1178: with D the differences of the slopes from those of the first cut,
    ``(D b)' [D V D']^-1 (D b)`` is chi-square with (cuts - 1) x columns degrees of freedom. V holds the
    covariances between the binary fits; leaving them out, a common mistake, makes the test reject far too
    rarely or too often. With ten thousands of loans the test rejects trifling departures: read ``departure``
    first.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> test = brant(OrderedLogit(y, pd.DataFrame({"x": x})).fit())
    >>> list(test.index), test["df"].tolist(), bool(test.loc["x", "pvalue"] > 0.05)
    (['x', 'Omnibus'], [2, 2], True)
    """
    fits = _as_fits(result, merge, cov_type, groups)
    cuts, columns = fits.params.shape
    slopes = fits.params.to_numpy()
    gap, gap_se = _departures(fits)
    clearest = np.abs(gap) / gap_se
    places = {column: i for i, column in enumerate(fits.params.columns)}
    cov = fits.cov.reshape(cuts, columns, cuts, columns)
    rows = {}
    for term, names in [*fits.terms.items(), ("Omnibus", list(fits.params.columns))]:
        at = [places[name] for name in names]
        contrast = np.hstack([-np.ones((cuts - 1, 1)), np.eye(cuts - 1)])
        difference = contrast @ slopes[:, at]
        middle = np.einsum("aj,jpkq,bk->apbq", contrast, cov[:, at][:, :, :, at], contrast)
        size = difference.size
        middle = middle.reshape(size, size)
        scale = np.sqrt(np.diag(middle))
        statistic = float(
            (difference.ravel() / scale) @ np.linalg.solve(middle / np.outer(scale, scale), difference.ravel() / scale)
        )
        cut, column = np.unravel_index(clearest[:, at].argmax(), (cuts, len(at)))
        size_at = gap[cut, at[column]] * fits.spread.iloc[at[column]]
        half = scipy.stats.norm.isf(0.025 / (cuts * len(at))) * gap_se[cut, at[column]] * fits.spread.iloc[at[column]]
        rows[term] = (
            statistic,
            size,
            float(scipy.stats.chi2.sf(statistic, size)),
            float(size_at),
            float(size_at - half),
            float(size_at + half),
            names[column],
            fits.params.index[cut],
        )
    names = ["chi2", "df", "pvalue", "departure", "departure_low", "departure_high", "column", "cut"]
    frame = pd.DataFrame(rows, index=names).T
    frame = frame.astype({name: int if name == "df" else float for name in names[:6]})
    frame.index.name = "term"
    frame.attrs.update(categories=list(fits.categories), merged=fits.merged)
    return frame


def _departures(fits):
    """Distance of every slope from the precision-weighted mean of its column's slopes, and its standard error."""
    cuts, columns = fits.params.shape
    cov = fits.cov.reshape(cuts, columns, cuts, columns)
    gap, se = np.empty((cuts, columns)), np.empty((cuts, columns))
    for column in range(columns):
        own = cov[:, column, :, column]
        weight = np.linalg.solve(own / np.trace(own), np.ones(cuts))
        away = np.eye(cuts) - weight / weight.sum()
        gap[:, column] = away @ fits.params.iloc[:, column].to_numpy()
        se[:, column] = np.sqrt(np.maximum(np.diag(away @ own @ away.T), 1e-300))
    return gap, se


def slopes_by_threshold(
    result: OrderedResults | CutFits,
    confidence: float = 0.95,
    merge: Any = None,
    cov_type: Any = "model",
    groups: Any = None,
) -> pd.DataFrame:
    """Slope of every column at every cut beside the common slope: how large the departure is.

    Parameters
    ----------
    result : OrderedResults or CutFits
    confidence : float
        Level of the intervals.
    merge, cov_type, groups
        As in :func:`fit_by_cut`.

    Returns
    -------
    pandas.DataFrame
        ``term, column, cut, slope, se, ci_low, ci_high, common, difference, spread``; slopes are log-odds of
        being worse than the cut, a unit of the column; multiply by ``spread`` for a standard deviation.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> slopes_by_threshold(OrderedLogit(y, pd.DataFrame({"x": x})).fit())["cut"].tolist()
    ['0|1', '1|2', '2|3']
    """
    if not 0 < confidence < 1:
        raise ModelError(f"confidence is {confidence!r}; it must lie strictly between 0 and 1")
    fits = _as_fits(result, merge, cov_type, groups)
    cuts, columns = fits.params.shape
    se = np.sqrt(np.diag(fits.cov)).reshape(cuts, columns)
    term = {column: name for name, names in fits.terms.items() for column in names}
    z = scipy.stats.norm.ppf(0.5 + confidence / 2)
    frame = pd.DataFrame(
        {
            "term": np.repeat([term[column] for column in fits.params.columns], cuts),
            "column": np.repeat(list(fits.params.columns), cuts),
            "cut": np.tile(list(fits.params.index), columns),
            "slope": fits.params.to_numpy().T.ravel(),
            "se": se.T.ravel(),
        }
    )
    frame["ci_low"], frame["ci_high"] = frame["slope"] - z * frame["se"], frame["slope"] + z * frame["se"]
    frame["common"] = np.repeat(fits.common.to_numpy(), cuts)
    frame["difference"] = frame["slope"] - frame["common"]
    frame["spread"] = np.repeat(fits.spread.to_numpy(), cuts)
    frame.attrs.update(categories=list(fits.categories), merged=fits.merged)
    return frame


def likelihood_ratio_parallel(
    result: OrderedResults,
    terms: Sequence[str] | None = None,
    merge: Literal[None, "categories"] | None = None,
    omnibus: bool = True,
) -> pd.DataFrame:
    """Likelihood-ratio test of parallel lines: each term's slopes freed, against the fit with common slopes.

    Parameters
    ----------
    result : OrderedResults
        Any link; terms already freed stay free.
    terms : sequence of str, optional
        Terms to free one at a time; by default all that are not free.
    merge : {None, "categories"}
        Where a freed slope has no finite estimate: say so in ``note``; or merge categories first, as
        :func:`fit_by_cut` does, for all rows alike.
    omnibus : bool
        Whether to free all terms together as well.

    Returns
    -------
    pandas.DataFrame
        Index ``term`` (last row ``"Omnibus"``): ``chi2, df, pvalue, loglike`` of the freed fit, and
        ``note``: why a row has no number. ``attrs["categories"]`` and ``attrs["merged"]`` as in
        :func:`brant`.

    Notes
    -----
    Twice the log-likelihood gained by ``(J - 2) x columns`` further slopes (Peterson and Harrell 1990,
    Applied Statistics 39); ``ordinal::nominal_test`` in R. The freed model must give every class a positive
    probability for every observed loan, which all freed together often cannot.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> likelihood_ratio_parallel(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), omnibus=False)["df"].tolist()
    [2]
    """
    model = likelihood_model(result)
    if len(model.categories) < 3:
        raise ModelError("two categories have one cut only; there are no lines to be parallel")
    if merge not in (None, "auto", "categories"):
        raise ModelError(f"merge={merge!r} is unknown; use None or 'categories'")
    free = [model.exog_names[i] for i in model.layout.free]
    candidates = [term for term, names in model.terms.items() if not set(names) <= set(free)]
    terms = candidates if terms is None else list(terms)
    unknown = [term for term in terms if term not in candidates]
    if unknown:
        raise ModelError(f"terms {unknown} cannot be freed; choose among {candidates}")
    merged, labels = "", list(model.categories)
    if merge is not None:
        bad = set(_separated_columns(model)["cut"])
        kept = [j for j in range(len(model.categories) - 1) if model_cut(model, j) not in bad]
        if len(kept) < 2:
            raise _explain(model, _separated_columns(model), merge)
        if bad:
            labels = _merged_categories(model.categories, kept)
            merged = f"categories merged: {', '.join(label for label in labels if '+' in label)}"
            codes = np.searchsorted(kept, model.endog_codes, side="left")
            model = model.with_response(codes, labels)
            result = model.fit()
    rows = {}
    for name in [*terms, *(["Omnibus"] if omnibus and len(candidates) > 1 else [])]:
        freed = candidates if name == "Omnibus" else [name]
        rows[name] = _freed_fit(model, result, [*free, *freed])
    frame = pd.DataFrame(rows, index=["chi2", "df", "pvalue", "loglike", "note"]).T
    frame = frame.astype({"chi2": float, "df": int, "pvalue": float, "loglike": float})
    frame.index.name = "term"
    frame.attrs.update(categories=labels, merged=merged)
    return frame


def _freed_fit(model, result, freed):
    import warnings

    other = model.with_columns(model.exog_names, nonparallel=freed)
    df = other.layout.n_params - result.layout.n_params
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # negative probabilities: said in the note
            fit = other.fit()
    except (SeparationError, ConvergenceError, ModelError) as error:
        return np.nan, df, np.nan, np.nan, f"not computable: {error}"
    statistic = max(2 * (fit.llf - result.llf), 0.0)
    crossing = fit.negative_probability_rows
    note = f"lines cross for {crossing} of {model.n_rows} rows" if crossing else ""
    return statistic, df, float(scipy.stats.chi2.sf(statistic, df)), fit.llf, note


def free_terms(result: OrderedResults, terms: Sequence[str]) -> OrderedResults:
    """The same model with the slopes of some terms free to differ by threshold (partial proportional odds),
    fitted.

    Parameters
    ----------
    result : OrderedResults
    terms : sequence of str

    Returns
    -------
    OrderedResults

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> list(free_terms(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), ["x"]).params.index)[:2]
    ['x:0|1', 'x:1|2']
    """
    model = fitted_model(result)
    free = [model.exog_names[i] for i in model.layout.free]
    return model.with_columns(model.exog_names, nonparallel=[*free, *terms]).fit()


def probability_departure(result: OrderedResults, other: OrderedResults) -> pd.DataFrame:
    """What two models of the same loans disagree on, in class probabilities.

    Parameters
    ----------
    result, other : OrderedResults
        For instance a parallel fit and :func:`free_terms` of it.

    Returns
    -------
    pandas.DataFrame
        One row a category and a last row ``all``: ``mean_absolute`` and ``largest`` difference of the
        predicted probabilities over the loans, ``share_above_5_points``. For ``all`` the difference is the
        share of probability that moves between classes (total variation).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> r = OrderedLogit(y, pd.DataFrame({"x": x})).fit()
    >>> bool(probability_departure(r, free_terms(r, ["x"])).loc["all", "mean_absolute"] < 0.02)
    True
    """
    model = fitted_model(result)
    first, second = result.predict(), other.predict()
    if first.shape != second.shape or list(first.columns) != list(second.columns):
        raise ModelError("the two results are not of the same loans and categories")
    gap = np.abs(first.to_numpy() - second.to_numpy())
    gap = np.column_stack([gap, gap.sum(axis=1) / 2])
    weights = row_weights(model)
    used = weights > 0
    return pd.DataFrame(
        {
            "mean_absolute": np.average(gap, axis=0, weights=weights),
            "largest": gap[used].max(axis=0),
            "share_above_5_points": np.average(gap > 0.05, axis=0, weights=weights),
        },
        index=pd.Index([*first.columns, "all"], name="category"),
    )
