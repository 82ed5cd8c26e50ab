"""The models of an ordered response: what they share, and the ordered logit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError, P2PRiskError, SeparationError
from p2prisk.ordered import covariance as _covariance
from p2prisk.ordered import newton
from p2prisk.ordered.bias_reduced import fit_by
from p2prisk.ordered.design import (
    Design,
    check_finite,
    check_missing,
    class_counts,
    design_from_array,
    design_from_formula,
    read_response,
    required_columns,
)
from p2prisk.ordered.families import Cumulative, get_family
from p2prisk.ordered.likelihood import ArrayRows, Block, Layout, LogProbabilities, PartRows, map_tasks
from p2prisk.ordered.merging import add_merge, merge_levels
from p2prisk.ordered.results import OrderedResults, parameter_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


# an offset that spans more takes chances beyond double precision
_WIDEST_OFFSET = 1000.0


class OrdinalModel:
    """What the models of an ordered response share, whatever their family; not made directly.

    Attributes
    ----------
    exog : ndarray, shape (n_rows, p)
    exog_names, endog_name : list of str, str
    endog_codes : ndarray of int, shape (n_rows,)
        Category of each row as 0 .. J-1.
    categories : list
        Labels of the categories, lowest first.
    weights, offset : ndarray or None, shape (n_rows,)
    terms : dict of str to list of str
        Columns of the design matrix of each term.
    param_names : list of str
        Slopes, then slopes by threshold as ``column:A|B``, then thresholds as ``A|B``.
    n_dropped, dropped_by_column : int, dict
        Rows left out for a missing value.
    n_rows : int
        Rows of the data used (not the sum of the weights, which is ``nobs``).
    kept_rows : ndarray of int or None
        Positions of the rows used, when some were dropped.
    frame : DataFrame or None
        The rows used, of a model from a formula with categorical predictors; not pickled.
    """

    frame = None
    _family_of_parts = "cumulative"

    def __getstate__(self):
        return {**self.__dict__, "frame": None}

    def _from_arrays(self, family, endog, exog, offset, freq_weights, nonparallel, missing):
        if isinstance(endog, pd.Series) and isinstance(exog, pd.DataFrame | pd.Series):
            if not endog.index.equals(exog.index):
                raise DataError("endog and exog have different indices; align them first")
        response = read_response(endog)
        design, values = design_from_array(exog)
        if values is None:
            values = np.empty((len(response.codes), 0))
        self._prepare(response, design, values, family, offset, freq_weights, nonparallel, missing)

    @classmethod
    def _without_rows(cls, response_name, categories, design, counts, family, nonparallel, **described):
        """A model whose rows are elsewhere: in files or on a cluster."""
        self = cls.__new__(cls)
        self.endog_name, self.categories, self.design, self.family = response_name, categories, design, family
        self.exog_names, self.terms = design.names, design.terms
        self.exog = self.endog_codes = self.weights = self.offset = self.kept_rows = None
        self.__dict__.update(described)
        self._describe(counts, nonparallel)
        return self

    @classmethod
    def from_parts(
        cls,
        endog: pd.Series,
        names: list[str],
        part: Callable[[slice], np.ndarray],
        link: Literal["logit", "probit", "cloglog", "loglog"] = "logit",
    ) -> Self:
        """Model of rows whose design is made when it is needed, for samples whose design fills the memory.

        Its results hold no rows but make them again: they test and predict as those of a fit on files. A sequential
        model is the forward one.

        Parameters
        ----------
        endog : pandas.Series, shape (n,)
            As for the class.
        names : list of str
            Of the columns.
        part : callable
            Takes a slice of rows and returns their columns, shape (rows, p), every time the same.
        link : {"logit", "probit", "cloglog", "loglog"}

        Examples
        --------
        >>> x, grade = np.arange(6.0), pd.Series([0, 1, 0, 2, 1, 2])
        >>> parts = OrderedLogit.from_parts(grade, ["x"], lambda rows: x[rows, None]).fit()
        >>> whole = OrderedLogit(grade, pd.DataFrame({"x": x})).fit()
        >>> bool(np.allclose(parts.params, whole.params, rtol=1e-12))
        True
        """
        response, design = read_response(endog), Design(names, {name: [name] for name in names})
        counts = class_counts(response.codes, len(response.categories))
        self = cls._without_rows(
            response.name,
            response.categories,
            design,
            counts,
            get_family(cls._family_of_parts, link),
            None,
            n_rows=len(response.codes),
            n_dropped=0,
            dropped_by_column={},
            formula=None,
            offset_name=None,
        )
        self.endog_codes, self._part = response.codes, part
        return self

    @classmethod
    def _from_formula(
        cls, family, formula, data, offset=None, freq_weights=None, nonparallel=None, missing="raise", context=None
    ):
        if not isinstance(data, pd.DataFrame):
            data = pd.DataFrame(data)
        if formula.count("~") != 1:
            raise ModelError(f"the formula {formula!r} needs one '~' between the response and the predictors")
        left, right = (side.strip() for side in formula.split("~"))
        left = left.strip("`")
        if left not in data.columns:
            raise DataError(
                f"the response {left!r} is no column of the data; compute it first, e.g. with pd.cut, "
                "as an ordered Categorical"
            )
        if not right:
            raise ModelError("the formula has no right-hand side; write '~ 1' for the model of thresholds only")
        needed = required_columns(right, data, context)
        if left in map(str, needed):
            raise ModelError(f"the response {left!r} is also used as a predictor")
        offset_name = offset if isinstance(offset, str) else None
        offset = _column(data, offset, "offset")
        freq_weights = _column(data, freq_weights, "freq_weights")
        if missing not in ("raise", "drop"):
            raise ModelError(f"missing={missing!r}; choose 'raise' or 'drop'")
        used = data[needed]
        absent = used.isna()
        dropped_by_column, kept = {}, None
        if missing == "raise":
            if absent.to_numpy().any():
                check_missing(used, "the data")
        else:
            gone = absent.to_numpy().any(axis=1) | data[left].isna().to_numpy()
            gone |= np.zeros(len(data), bool) if offset is None else np.isnan(offset)
            gone |= np.zeros(len(data), bool) if freq_weights is None else np.isnan(freq_weights)
            if gone.any():
                counts = {str(c): int(n) for c, n in absent.sum().items() if n}
                if data[left].isna().any():
                    counts[left] = int(data[left].isna().sum())
                dropped_by_column, kept = counts, np.flatnonzero(~gone)
                if not len(kept):
                    raise DataError(f"missing='drop' leaves no row; missing values by column: {counts}")
                data = data.iloc[kept]
                offset = None if offset is None else offset[kept]
                freq_weights = None if freq_weights is None else freq_weights[kept]
        response = read_response(data[left], left)
        design, values = design_from_formula(right, data, context)
        self = cls.__new__(cls)
        self._prepare(response, design, values, family, offset, freq_weights, nonparallel, missing)
        if design.levels:
            self.frame = data if self.kept_rows is None else data.iloc[self.kept_rows]
        self.formula = f"{left} ~ {design.formula or '1'}"
        self.offset_name = offset_name
        if kept is not None:
            self.n_dropped += int(gone.sum())
            self.dropped_by_column = {**dropped_by_column, **self.dropped_by_column}
            self.kept_rows = kept if self.kept_rows is None else kept[self.kept_rows]
        return self

    @property
    def link(self):
        """The link of the family."""
        return self.family.link

    # -- preparation ------------------------------------------------------------

    def _prepare(self, response, design, values, family, offset, weights, nonparallel, missing):
        self.formula, self.offset_name = None, None
        self.family, self.design = family, design
        self.endog_name, self.categories = response.name, response.categories
        self.exog_names, self.terms = design.names, design.terms
        codes = response.codes
        offset = _vector(offset, len(codes), "offset")
        weights = _vector(weights, len(codes), "freq_weights")
        if len(values) != len(codes):
            raise DataError(f"endog has {len(codes)} rows and exog {len(values)}")
        self.n_dropped, self.dropped_by_column, self.kept_rows = 0, {}, None
        if missing not in ("raise", "drop"):
            raise ModelError(f"missing={missing!r}; choose 'raise' or 'drop'")
        if missing == "drop":
            codes, values, offset, weights = self._drop(codes, values, offset, weights)
        elif (codes < 0).any():
            gone = np.flatnonzero(codes < 0)
            raise DataError(
                f"response {response.name!r} has {len(gone)} missing values, the first in row {gone[0]}; "
                "drop these rows, or use missing='drop', which reports the count"
            )
        _check_finite_columns(values, design.names)
        for name, vector in (("offset", offset), ("freq_weights", weights)):
            if vector is not None:
                check_finite(vector[:, None], [name], "the data")
        if offset is not None and np.ptp(offset) > _WIDEST_OFFSET:
            raise DataError(
                f"offset reaches from {offset.min():g} to {offset.max():g}: it is a part of the linear predictor, in "
                "its units (log(exposure), say, not exposure)"
            )
        if weights is not None:
            if (weights < 0).any():
                first = int(np.flatnonzero(weights < 0)[0])
                raise DataError(
                    f"freq_weights must not be negative: {int((weights < 0).sum())} are, first in row {first}"
                )
            if not (weights > 0).any():
                raise DataError("freq_weights are all zero: no loan is left")
        self.exog, self.endog_codes, self.offset, self.weights = values, codes, offset, weights
        self.n_rows = len(codes)
        counts = class_counts(codes, len(self.categories), weights)
        self._describe(counts, nonparallel)

    def _describe(self, counts, nonparallel):
        """Everything that follows from design, categories and their counts, without the rows."""
        empty = [c for c, n in zip(self.categories, counts, strict=True) if n == 0]
        if empty:
            raise DataError(
                f"response {self.endog_name!r}: level {empty} has no row with weight left; "
                "its threshold cannot be identified. Merge it with a neighbour"
            )
        self.category_counts = counts
        self.nonparallel, free = _free_columns(nonparallel, self.design)
        self.layout = Layout(len(self.design.names), len(self.categories) - 1, free)
        self.threshold_names = [f"{a}|{b}" for a, b in zip(self.categories[:-1], self.categories[1:], strict=True)]
        self.param_names = parameter_names(self.layout, self.design.names, self.threshold_names)
        twice = sorted({name for name in self.param_names if self.param_names.count(name) > 1})
        if twice:
            raise ModelError(f"{', '.join(twice)} would name two parameters; rename the column or the categories")
        total = float(counts.sum())
        self.nobs = int(total) if total == int(total) else total

    def _drop(self, codes, values, offset, weights):
        bad = np.isnan(values)
        gone = bad.any(axis=1) | (codes < 0)
        counts = {n: int(c) for n, c in zip(self.exog_names, bad.sum(axis=0), strict=True) if c}
        if (codes < 0).any():
            counts[self.endog_name] = int((codes < 0).sum())
        for name, vector in (("offset", offset), ("freq_weights", weights)):
            if vector is not None and np.isnan(vector).any():
                counts[name] = int(np.isnan(vector).sum())
                gone |= np.isnan(vector)
        if not gone.any():
            return codes, values, offset, weights
        keep = ~gone
        if not keep.any():
            raise DataError(f"missing='drop' leaves no row; missing values by column: {counts}")
        self.n_dropped, self.dropped_by_column = int(gone.sum()), counts
        self.kept_rows = np.flatnonzero(keep)
        return (
            np.ascontiguousarray(codes[keep]),
            values[keep],
            None if offset is None else offset[keep],
            None if weights is None else weights[keep],
        )

    def design_matrix(self, data):
        """Design matrix of new data, shape (n, p), in the columns of ``exog_names``; see :class:`Design`."""
        return self.design.matrix(data)

    # -- fit ------------------------------------------------------------

    def fit(self, cov_type="nonrobust", groups=None, penalty=None, maxiter=None, method="ml", on_separation="raise"):
        """Maximum likelihood by Newton's method, or bias-reduced estimates.

        Parameters
        ----------
        cov_type : {"nonrobust", "HC0", "HC1", "cluster"}
            Inverse information (observed for maximum likelihood, expected for bias-reduced estimates), or the
            sandwich with rows or ``groups`` as independent units.
        groups : array_like, shape (n_rows,), optional
            Cluster of each row, for ``cov_type="cluster"``.
        penalty : float, optional
            Weight of a ridge penalty on the slopes of the columns scaled to unit variance. The result then
            is no maximum likelihood estimate, and its summary says so.
        maxiter : int, optional
        method : {"ml", "bias_reduced"}
            ``"bias_reduced"``: adjusted score equations, finite where maximum likelihood has no estimate; see
            :mod:`p2prisk.ordered.bias_reduced`.
        on_separation : {"raise", "merge", "bias_reduced"}
            What to do where no finite maximum likelihood estimate exists: raise; merge the rare level that
            separates by the rule of :mod:`p2prisk.ordered.merging` and fit again; or fit bias-reduced. What was
            done is said in ``notes`` and in the summary.

        Returns
        -------
        OrderedResults

        Raises
        ------
        ModelError
            For constant or collinear columns (named).
        SeparationError
            If no finite estimate exists (column and level named) and ``on_separation`` does not help.
        ConvergenceError
            If the iteration does not settle.

        Examples
        --------
        >>> loans = pd.DataFrame({
        ...     "late": [0, 1, 2] * 2 + [0], "home": ["own"] * 3 + ["rent"] * 3 + ["van"],
        ...     "n": [50, 25, 20, 40, 30, 25, 4],
        ... })
        >>> model = OrderedLogit.from_formula("late ~ home", loans, freq_weights="n")
        >>> model.fit(method="bias_reduced").params["home[T.van]"].round(2)
        np.float64(-2.11)
        >>> model.fit(on_separation="merge").exog_names
        ['home[T.rent]']
        """
        _covariance.check_request(cov_type, groups, self)
        if on_separation not in ("raise", "merge", "bias_reduced"):
            raise ModelError(f"on_separation={on_separation!r}; choose 'raise', 'merge' or 'bias_reduced'")
        source = self._source()
        samples = [source.every(stride) for stride in newton.sample_strides(source.n_rows)]
        if self.exog is None and not samples:
            samples = [source.every(1)]
        notes = []
        try:
            optimum = fit_by(method, self, source, samples, penalty, maxiter)
        except SeparationError as error:
            if on_separation == "raise":
                raise
            if on_separation == "merge":
                model, merge = merge_levels(self, error)
                result = model.fit(cov_type, groups, penalty, maxiter, method, on_separation)
                result.notes = [str(merge), *result.notes]
                return result
            method = "bias_reduced"
            notes = [f"No finite maximum likelihood estimate exists: {error.what}; the fit is bias-reduced."]
            optimum = fit_by(method, self, source, samples, maxiter=maxiter)
        result = OrderedResults._from_optimum(self, optimum, penalty, method, notes)
        if self.exog is None:
            result.rows = self._source(groups)
        if cov_type != "nonrobust":
            result = result.with_covariance(cov_type, groups)
        return result

    def score_obs(self, params, rows=None):
        """Score of each row (not multiplied by the frequency weights), shape (n, k), in the order of the
        parameters.

        Parameters
        ----------
        params : array_like, shape (k,)
        rows : slice or ndarray, optional
            Rows wanted; all by default.
        """
        rows = slice(None) if rows is None else rows
        return _covariance.score_rows(
            self.layout,
            self.family,
            np.asarray(params, float),
            self._held[rows],
            self.endog_codes[rows],
            None if self.offset is None else self.offset[rows],
        )

    def loglike_obs(self, params):
        """Log-likelihood of each row (not multiplied by the frequency weights), shape (n_rows,)."""
        source = self._source()
        return np.concatenate(source.each(LogProbabilities(self.layout, self.family, np.asarray(params, float))))

    def loglike(self, params):
        """Log-likelihood at ``params`` (slopes, thresholds); ``-inf`` where a probability is not positive."""
        return self._source().evaluate(np.asarray(params, float), order=0).log_likelihood

    def score(self, params):
        """Gradient of the log-likelihood, shape (k,)."""
        return self._source().evaluate(np.asarray(params, float), order=1).score

    def hessian(self, params):
        """Matrix of second derivatives of the log-likelihood, shape (k, k)."""
        return -self._source().evaluate(np.asarray(params, float)).information

    def _source(self, groups=None):
        groups = None if groups is None else _covariance.group_codes(groups, self)
        if self.exog is None:
            part, given = self._part, Block(None, self.endog_codes, groups=groups)
            return PartRows(
                self.layout, self.family, self.n_rows, lambda rows: given.take(rows)._replace(exog=part(rows))
            )
        return ArrayRows(
            self.layout, self.family, self.exog, self.endog_codes, self.weights, self.offset, groups=groups
        )

    @property
    def _held(self):
        """The rows, where they are in memory."""
        if self.exog is None:
            raise ModelError("the rows of this model are made part by part and not held; make it from arrays")
        return self.exog

    # -- related models ------------------------------------------------------------

    def _derived(self, codes, categories, design, exog, rows=None, nonparallel=None, family=None):
        from p2prisk.ordered.design import Response

        pick = slice(None) if rows is None else rows
        kind = type(self) if family is None else model_class(family)
        other = kind.__new__(kind)
        other._prepare(
            Response(codes[pick], categories, self.endog_name),
            design,
            exog[pick],
            self.family if family is None else family,
            None if self.offset is None else self.offset[pick],
            None if self.weights is None else self.weights[pick],
            nonparallel,
            "raise",
        )
        return other

    def with_merge(self, merge):
        """The model with one level merged into another, here and for new data; see :mod:`p2prisk.ordered.merging`.

        Parameters
        ----------
        merge : p2prisk.ordered.merging.Merge
        """
        if not np.array_equal(self.design.matrix(self.frame), self.exog):
            raise DataError("the data have changed since the model was made; make the model again, then merge levels")
        merges = add_merge(self.design.merges, merge)
        try:
            design, values = design_from_formula(self.design.formula, self.frame, self.design.context, merges)
        except P2PRiskError as error:
            raise ModelError(
                f"the level {merge.level!r} of {merge.column!r} should be merged into {merge.into!r}, but the formula "
                f"names it (as the reference, say): choose another there ({error})"
            ) from error
        design.terms = {term: columns for term, columns in design.terms.items() if columns}
        free = [name for name in self.nonparallel if name in design.terms or name in design.names]
        other = self._derived(self.endog_codes, self.categories, design, values, nonparallel=free or None)
        for name in ("frame", "formula", "offset_name", "n_dropped", "dropped_by_column", "kept_rows"):
            setattr(other, name, getattr(self, name))
        return other

    def with_columns(self, columns, nonparallel=None):
        """The model of the same rows on a subset of the columns (or terms); nothing is read or coded again.

        Parameters
        ----------
        columns : list of str
            Names of columns or terms to keep.
        nonparallel : list of str, optional
            Terms or columns whose slopes differ by threshold in the new model.
        """
        wanted = set()
        for name in columns:
            if name not in self.terms and name not in self.exog_names:
                raise ModelError(f"{name!r} is neither a term nor a column of the model")
            wanted |= set(self.terms.get(name, [name]))
        keep = [i for i, name in enumerate(self.exog_names) if name in wanted]
        names = [self.exog_names[i] for i in keep]
        terms = {t: [c for c in cs if c in wanted] for t, cs in self.terms.items()}
        design = Design(names, {t: cs for t, cs in terms.items() if cs})
        exog = self._held if len(keep) == len(self.exog_names) else self._held[:, keep]
        return self._derived(self.endog_codes, self.categories, design, exog, nonparallel=nonparallel)

    def with_family(self, family=None, link=None):
        """The same rows and columns in another family or with another link.

        Parameters
        ----------
        family : {"cumulative", "forward", "backward"}, optional
        link : str, optional

        Examples
        --------
        >>> OrderedLogit([0, 1, 2, 1], [1.0, 2.0, 3.0, 5.0]).with_family("backward", "cloglog")
        <SequentialLogit 'y on 1 columns', 4 rows, 3 categories, backward, cloglog>
        """
        other = get_family(family or self.family.name, self.link if link is None else link)
        free = [self.exog_names[c] for c in self.layout.free]
        return self._derived(
            self.endog_codes, self.categories, self.design, self._held, nonparallel=free or None, family=other
        )

    def with_extra_columns(self, extra):
        """The model of the same rows with further columns; slopes freed by threshold stay free.

        Parameters
        ----------
        extra : dict of str to ndarray of shape (n_rows,)
        """
        names = [*self.exog_names, *extra]
        exog = np.column_stack([self._held, *extra.values()])
        free = [self.exog_names[c] for c in self.layout.free]
        design = Design(names, {name: [name] for name in names})
        return self._derived(self.endog_codes, self.categories, design, exog, nonparallel=free or None)

    def with_response(self, codes, categories, rows=None):
        """The model with the response recoded, e.g. ``codes > j`` for the binary fits of the Brant test.

        Parameters
        ----------
        codes : array_like of int, shape (n_rows,)
            New category of each row, 0 .. len(categories) - 1.
        categories : list
        rows : ndarray, optional
            Positions or mask of the rows to use (a bootstrap sample, one class left out); all by default.
        """
        codes = np.ascontiguousarray(np.asarray(codes).astype(np.int32))
        if codes.shape != (self.n_rows,) or codes.min() < 0 or codes.max() >= len(categories):
            raise DataError(f"codes must be {self.n_rows} integers from 0 to {len(categories) - 1}")
        return self._derived(codes, list(categories), self.design, self._held, rows, self.nonparallel or None)

    def __repr__(self):
        what = self.formula or f"{self.endog_name} on {len(self.exog_names)} columns"
        size = f"{self.n_rows} rows, {len(self.categories)} categories"
        kind = f"{self.family.name}, {self.link.name}" if self.family.stages else self.link.name
        return f"<{type(self).__name__} {what!r}, {size}, {kind}>"


class OrderedLogit(OrdinalModel):
    r"""Cumulative link model for an ordered response; the ordered (proportional-odds) logit unless told
    otherwise.

    .. math:: \operatorname{link}\,P(Y \le j \mid x) = \theta_j - x'\beta, \qquad \theta_1 < \dots <
    \theta_{J-1}

    so that a positive coefficient moves a loan towards the higher (worse) category. There is no intercept:
    the thresholds play its part.

    Parameters
    ----------
    endog : array_like, shape (n,)
        Ordered pandas Categorical, or integers whose sorted values are the categories.
    exog : array_like or DataFrame, shape (n, p), or None
        Numeric columns without a constant.
    link : {"logit", "probit", "cloglog", "loglog"}
    offset : array_like, shape (n,), optional
        Known part of the linear predictor.
    freq_weights : array_like, shape (n,), optional
        How many loans each row stands for. Estimates, standard errors, log-likelihood and ``nobs`` are
        those of the rows repeated.
    nonparallel : list of str, optional
        Terms (or columns) whose slopes differ by threshold: the partial proportional odds model
        (Peterson and Harrell 1990, Applied Statistics 39).
    missing : {"raise", "drop"}
        ``"drop"`` leaves out rows with a missing value and reports how many in ``n_dropped``.

    Attributes are those of :class:`OrdinalModel`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> income = rng.lognormal(11, 0.5, 500)
    >>> latent = -1.5 * np.log(income / 6e4) + rng.logistic(size=500)
    >>> grade = pd.cut(latent, [-np.inf, -1, 1, np.inf], labels=list("ABC"))
    >>> frame = pd.DataFrame({"income": income, "grade": grade})
    >>> result = OrderedLogit.from_formula("grade ~ np.log(income)", frame).fit()
    >>> list(result.params.index)
    ['np.log(income)', 'A|B', 'B|C']
    >>> lower, upper = result.conf_int().loc["np.log(income)"]
    >>> bool(lower < -1.5 < upper)
    True
    """

    def __init__(
        self,
        endog: ArrayLike,
        exog: ArrayLike | pd.DataFrame | None = None,
        link: Literal["logit", "probit", "cloglog", "loglog"] = "logit",
        offset: ArrayLike | None = None,
        freq_weights: ArrayLike | None = None,
        nonparallel: list[str] | None = None,
        missing: Literal["raise", "drop"] = "raise",
    ) -> None:
        self._from_arrays(Cumulative(link), endog, exog, offset, freq_weights, nonparallel, missing)

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: pd.DataFrame,
        link: Literal["logit", "probit", "cloglog", "loglog"] = "logit",
        offset: str | ArrayLike | None = None,
        freq_weights: str | ArrayLike | None = None,
        nonparallel: list[str] | None = None,
        missing: Literal["raise", "drop"] = "raise",
        context: dict | None = None,
    ) -> Self:
        """Model from a formula in the language of formulaic (Wilkinson notation).

        Parameters
        ----------
        formula : str
            ``"grade ~ np.log1p(income) + C(home)"``. Splines (``bs``, ``cs``), interactions, ``C(x,
            contr...)``, ``scale``, ``poly`` work, and numpy as ``np``. An intercept, written or removed,
            changes nothing.
        data : DataFrame
        offset, freq_weights : str or array_like, optional
            Column name or values.
        context : dict, optional
            Further functions used in the formula.

        Other parameters are those of :class:`OrderedLogit`.

        Examples
        --------
        >>> import pandas as pd
        >>> counts = pd.DataFrame(
        ...     {"late": [0, 1, 2] * 2, "term": [36] * 3 + [60] * 3, "n": [70, 20, 10, 50, 30, 20]}
        ... )
        >>> OrderedLogit.from_formula("late ~ C(term)", counts, freq_weights="n").fit().nobs
        200
        """
        return cls._from_formula(Cumulative(link), formula, data, offset, freq_weights, nonparallel, missing, context)


def model_class(family):
    """The model of a family."""
    from p2prisk.ordered.sequential import SequentialLogit

    return SequentialLogit if family.stages else OrderedLogit


def _column(data, value, what):
    if value is None:
        return None
    if isinstance(value, str):
        if value not in data.columns:
            raise DataError(f"{what}={value!r} is no column of the data")
        return data[value].to_numpy(dtype=float, na_value=np.nan)
    return _vector(value, len(data), what)


def _vector(value, length, what):
    if value is None:
        return None
    vector = np.asarray(value, dtype=float)
    if vector.ndim == 0:
        vector = np.full(length, float(vector))
    if vector.shape != (length,):
        raise DataError(f"{what} has shape {vector.shape}; one value for each of the {length} rows is needed")
    return vector


def _check_finite_columns(values, names):
    if not values.size:
        return

    # a NaN or infinity anywhere makes the sum of its block not finite: cheap, and the culprit is sought
    # only then
    def task(start, stop):
        with np.errstate(invalid="ignore", over="ignore"):
            return bool(np.isfinite(np.sum(values[start:stop])))

    if not all(map_tasks(task, len(values))):
        check_finite(values, names, "the data")


def _free_columns(nonparallel, design):
    """Terms and column positions named by ``nonparallel``."""
    if nonparallel is None:
        return [], ()
    wanted = [nonparallel] if isinstance(nonparallel, str) else list(nonparallel)
    squeezed = {re.sub(r"\s", "", term): columns for term, columns in design.terms.items()}
    columns = []
    for term in wanted:
        found = squeezed.get(re.sub(r"\s", "", str(term)))
        if found is None and term in design.names:
            found = [term]
        if found is None:
            raise ModelError(
                f"nonparallel names {term!r}, which is no term of the model; "
                f"terms are {', '.join(design.terms) or 'none'}"
            )
        columns += found
    return wanted, tuple(sorted({design.names.index(c) for c in columns}))
