"""What a fit returns: estimates, tests, predictions, and a scoring model that travels without the data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from p2prisk.errors import ConvergenceError, DataError, ModelError
from p2prisk.ordered import covariance as _covariance
from p2prisk.ordered import newton
from p2prisk.ordered.design import Design
from p2prisk.ordered.families import get_family
from p2prisk.ordered.fitting import REQUIRED_DIGITS
from p2prisk.ordered.likelihood import Layout
from p2prisk.saved import rebuilding, restore, save

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from p2prisk.kinds import PathLike

_FORMATS = {
    "cumulative": "p2prisk.OrderedLogit/2",
    "forward": "p2prisk.SequentialLogit/2",
    "backward": "p2prisk.SequentialLogit/2",
}


@dataclass(frozen=True)
class EtaMoments:
    """Weight, mean and sum of squares about the mean of the linear predictor of a block."""

    beta: np.ndarray

    def __call__(self, block):
        block = block.counted
        eta = block.exog @ self.beta + (0.0 if block.offset is None else block.offset)
        weights = np.ones(len(eta)) if block.weights is None else block.weights
        total = weights.sum()
        mean = weights @ eta / total if total else 0.0
        return total, mean, weights @ (eta - mean) ** 2


@dataclass(frozen=True)
class NegativeRows:
    """Rows of a block whose latent bounds theta_j - x'beta_j do not increase with j."""

    layout: Layout
    params: np.ndarray

    def __call__(self, block):
        latent = self.layout.latent(self.params, block.counted.exog)
        return (np.diff(latent, axis=1) <= 0).any(axis=1).sum()


class OrderedResults:
    """Results of the fit of an ordinal model: :class:`~p2prisk.ordered.OrderedLogit` or `SequentialLogit`.

    Attributes
    ----------
    model : OrderedLogit or None
        ``None`` for a scoring model restored from JSON or fitted from files.
    params, bse, zvalues, pvalues : Series
        Slopes first, then the thresholds on their natural scale. ``tvalues`` is another name of ``zvalues``.
    thresholds : Series
        Thresholds labelled ``"A|B"``.
    llf, llnull : float
        Log-likelihood (without any penalty), and that of the model without predictors, exact.
    nobs, n_rows : int
        Sum of the frequency weights, and rows of the data.
    df_model, df_resid : int
        Number of slopes, and ``nobs`` less the number of parameters.
    digits : float
        Correct significant digits of the worst coefficient: the Newton step at the optimum against the coefficient,
        for a bias-reduced fit the quasi-Newton step at the root of the adjusted score equations.
    digits_by_parameter : Series
    converged : bool
        True when ``digits`` is at least 8.
    iterations : int
    cov_type : str
    penalty : float or None
    estimator : {"ml", "bias_reduced"}
    notes : list of str
        What was merged or bias-reduced because no finite estimate existed, one sentence each.
    negative_probability_rows : int
        Rows of the fitted data for which freed slopes give some class a probability that is not positive.
    categories, terms, exog_names, threshold_names, param_names : list or dict
        As in the model.

    Examples
    --------
    >>> from p2prisk.ordered import OrderedLogit
    >>> counts = pd.DataFrame({"late": [0, 1, 2] * 2, "term": [36] * 3 + [60] * 3, "n": [70, 20, 10, 50, 30, 20]})
    >>> r = OrderedLogit.from_formula("late ~ C(term)", counts, freq_weights="n").fit()
    >>> r.conf_int().loc["C(term)[T.60]"].round(2).tolist()
    [0.28, 1.4]
    >>> r.predict(pd.DataFrame({"term": [36, 60]})).round(3).to_numpy().tolist()
    [[0.699, 0.202, 0.098], [0.501, 0.297, 0.202]]
    """

    model: Any
    family: Any
    design: Design
    layout: Layout
    categories: list
    endog_name: str
    exog_names: list[str]
    terms: dict[str, list[str]]
    nonparallel: list[str]
    threshold_names: list[str]
    param_names: list[str]
    formula: str | None
    offset_name: str | None
    has_offset: bool
    category_counts: np.ndarray
    nobs: float
    n_rows: int
    n_dropped: int
    dropped_by_column: dict
    params: pd.Series
    llf: float
    iterations: int
    history: list
    penalty: float | None
    estimator: str
    notes: list[str]
    cov_type: str
    negative_probability_rows: int
    digits_by_parameter: pd.Series
    _covariance: np.ndarray
    _bread: np.ndarray
    _information: np.ndarray
    _llnull: float | None
    eta_variance: Any

    # rows of a fit from files or on a cluster, for what is computed on demand
    rows: Any = None

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)

    @classmethod
    def _from_optimum(cls, model, optimum, penalty=None, estimator="ml", notes=()):
        names = model.param_names
        self = cls(
            model=model if model.exog is not None else None,
            family=model.family,
            design=model.design,
            layout=model.layout,
            categories=list(model.categories),
            endog_name=model.endog_name,
            exog_names=list(model.exog_names),
            terms=dict(model.terms),
            nonparallel=list(model.nonparallel),
            threshold_names=list(model.threshold_names),
            param_names=list(names),
            formula=model.formula,
            offset_name=model.offset_name,
            has_offset=model.offset is not None or bool(model.offset_name),
            category_counts=model.category_counts,
            nobs=model.nobs,
            n_rows=model.n_rows,
            n_dropped=model.n_dropped,
            dropped_by_column=dict(model.dropped_by_column),
            params=pd.Series(optimum.params, names),
            llf=optimum.log_likelihood,
            iterations=optimum.iterations,
            history=optimum.history,
            penalty=penalty,
            estimator=estimator,
            notes=list(notes),
            cov_type="nonrobust",
            _covariance=optimum.covariance,
            _bread=optimum.covariance,
            _information=optimum.information,
            _llnull=None,
            negative_probability_rows=0,
        )
        digits = newton.correct_digits(optimum.params, optimum.step, np.sqrt(np.diag(optimum.covariance)))
        self.digits_by_parameter = pd.Series(digits, names)
        if self.digits < REQUIRED_DIGITS:
            raise ConvergenceError(
                f"the estimates have only {self.digits:.1f} correct digits "
                f"({self.digits_by_parameter.idxmin()} is the worst); no estimates are returned. "
                "Look for nearly collinear columns or nearly separated levels"
            )
        if not (np.all(np.isfinite(optimum.params)) and np.all(np.isfinite(optimum.covariance))):
            raise ConvergenceError("the estimates are not finite; no estimates are returned")
        if model.exog is not None:
            self.count_negative()
        return self

    @property
    def link(self) -> Any:
        """The link of the family."""
        return self.family.link

    # -- estimates ------------------------------------------------------------

    @property
    def digits(self) -> float:
        return float(self.digits_by_parameter.min())

    @property
    def converged(self) -> bool:
        return self.digits >= REQUIRED_DIGITS

    @property
    def slopes(self) -> pd.Series:
        """Slopes without the thresholds."""
        return self.params.iloc[: self.layout.n_slopes]

    @property
    def thresholds(self) -> pd.Series:
        return self.params.iloc[self.layout.n_slopes :]

    @property
    def bse(self) -> pd.Series:
        return pd.Series(np.sqrt(np.diag(self._covariance)), self.param_names)

    @property
    def zvalues(self) -> pd.Series:
        return self.params / self.bse

    tvalues = zvalues

    @property
    def pvalues(self) -> pd.Series:
        return pd.Series(2 * special.ndtr(-np.abs(self.zvalues.to_numpy())), self.param_names)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Wald intervals: DataFrame with columns ``lower`` and ``upper``."""
        half = -special.ndtri(alpha / 2) * self.bse
        return pd.DataFrame({"lower": self.params - half, "upper": self.params + half})

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the parameters as a DataFrame."""
        return pd.DataFrame(self._covariance, self.param_names, self.param_names)

    @property
    def hessian(self) -> np.ndarray:
        """Second derivatives of the log-likelihood at the estimates, shape (k, k); of the penalised one if
        penalised, their expectation if bias-reduced.
        """
        return -self._information

    def with_covariance(self, cov_type: Any, groups: Any = None) -> OrderedResults:
        """The same fit with another covariance; see :meth:`OrderedLogit.fit`."""
        if self.model is None and self.rows is None:
            raise ModelError("the robust covariance needs the data; this result holds none")
        if self.model is not None:
            _covariance.check_request(cov_type, groups, self.model)
        elif cov_type not in _covariance.KINDS:
            raise ModelError(f"cov_type={cov_type!r} is not known; choose one of {', '.join(_covariance.KINDS)}")
        other = OrderedResults(**self.__dict__)
        other.cov_type, other._covariance = cov_type, self._bread
        if cov_type != "nonrobust":
            rows = self.rows if self.model is None else self.model._source(groups)
            other._covariance = _covariance.sandwich(rows, self.params.to_numpy(), self._bread, cov_type, self.nobs)
        return other

    # -- fit statistics ------------------------------------------------------------

    @property
    def llnull(self) -> float:
        if self._llnull is None:
            if not self.has_offset:
                self._llnull = newton.null_log_likelihood(self.category_counts)
            elif self.model is not None:
                # an offset moves every row: the thresholds of the null model have no closed form
                self._llnull = self.model.with_columns([]).fit().llf
            else:
                raise ModelError("llnull of a model with an offset needs the data; this result holds none")
        return self._llnull

    @property
    def df_model(self) -> int:
        return self.layout.n_slopes

    @property
    def df_resid(self) -> float:
        return self.nobs - self.layout.n_params

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against the model without predictors."""
        return 2 * (self.llf - self.llnull)

    @property
    def llr_pvalue(self) -> float:
        return float(special.chdtrc(self.df_model, self.llr)) if self.df_model else np.nan

    @property
    def aic(self) -> float:
        return self._criterion(2.0)

    @property
    def bic(self) -> float:
        return self._criterion(np.log(self.nobs))

    def _criterion(self, price):
        if self.estimator != "ml":
            raise ModelError("AIC and BIC are of the maximised log-likelihood, which a bias-reduced fit does not reach")
        return -2 * self.llf + price * self.layout.n_params

    def pseudo_rsquared(self, kind: Any = "mcfadden") -> float:
        """Pseudo-R2: ``"mcfadden"``, ``"coxsnell"``, ``"nagelkerke"`` or ``"mckelvey-zavoina"``.

        McFadden 1974; Nagelkerke 1991 (Biometrika 78); McKelvey and Zavoina 1975 (J. Math. Sociology 4):
        variance of the linear predictor over that variance plus the variance of the link's distribution.
        """
        kind = kind.lower().replace("_", "-")
        if kind == "mcfadden":
            return 1 - self.llf / self.llnull
        if kind in ("coxsnell", "nagelkerke"):
            value = -np.expm1(-2 * (self.llf - self.llnull) / self.nobs)
            return value if kind == "coxsnell" else value / -np.expm1(2 * self.llnull / self.nobs)
        if kind == "mckelvey-zavoina":
            if self.family.stages:
                raise ModelError(
                    "McKelvey and Zavoina's R2 needs one latent variable; a sequential model has one a stage"
                )
            if self.layout.free:
                raise ModelError(
                    "McKelvey and Zavoina's R2 needs one linear predictor; some slopes differ by threshold"
                )
            variance = self._eta_variance
            if variance is None:
                raise ModelError("McKelvey and Zavoina's R2 needs the data; this result holds none")
            return variance / (variance + self.link.variance)
        raise ModelError(f"pseudo-R2 {kind!r} is not known; choose mcfadden, coxsnell, nagelkerke, mckelvey-zavoina")

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo-R2."""
        return self.pseudo_rsquared("mcfadden")

    @property
    def _eta_variance(self):
        rows = self.rows if self.model is None else self.model._source()
        if rows is None:
            return self.__dict__.get("eta_variance")
        parts = np.array(rows.each(EtaMoments(self.params.to_numpy()[: self.layout.n_columns])))
        # combine means and sums of squares of blocks without the cancellation of raw moments
        total, mean, squares = parts.T
        centre = total @ mean / total.sum()
        return float((squares.sum() + total @ (mean - centre) ** 2) / total.sum())

    # -- tests ------------------------------------------------------------

    def _constraints(self, constraints):
        if isinstance(constraints, str):
            constraints = [part for part in constraints.split(",") if part.strip()]
        if isinstance(constraints, list | tuple) and all(isinstance(c, str) for c in constraints):
            rows, values = zip(*(self._parse(c) for c in constraints), strict=True)
            return np.array(rows), np.array(values)
        if isinstance(constraints, dict):
            absent = [name for name in constraints if name not in self.params.index]
            if absent:
                raise ModelError(f"the model has no slope {', '.join(absent)}; it has {', '.join(self.params.index)}")
            constraints = pd.Series(constraints, dtype=float).reindex(self.params.index, fill_value=0.0)
        matrix = np.atleast_2d(np.asarray(constraints, float))
        if matrix.shape[1] != len(self.params):
            raise ModelError(
                f"the constraint matrix has {matrix.shape[1]} columns; there are {len(self.params)} parameters"
            )
        return matrix, np.zeros(len(matrix))

    def _parse(self, text):
        """One linear constraint such as ``"a = b"``, ``"2*a - b = 1"`` or ``"a"`` (meaning ``a = 0``)."""
        row, value = np.zeros(len(self.params)), 0.0
        rest, places = text, {}
        for i in sorted(range(len(self.param_names)), key=lambda i: -len(self.param_names[i])):
            token = f"@{i}@"
            if self.param_names[i] in rest:
                rest, places[token] = rest.replace(self.param_names[i], token), i
        left, _, right = rest.partition("=")
        for side, sign in ((left, 1.0), (right, -1.0)):
            for piece in side.replace("-", "+-").split("+"):
                piece = piece.replace(" ", "")
                if not piece:
                    continue
                factor, place = 1.0, None
                for part in piece.replace("-@", "-1*@").split("*"):
                    if part in places:
                        place = places[part]
                    else:
                        try:
                            factor *= float(part)
                        except ValueError:
                            raise ModelError(
                                f"constraint {text!r}: {part!r} is neither a number nor a parameter; "
                                f"parameters are {', '.join(self.param_names)}"
                            ) from None
                if place is None:
                    value -= sign * factor
                else:
                    row[place] += sign * factor
        return row, value

    def t_test(self, constraints: Any) -> pd.DataFrame:
        """Linear combinations of the parameters with standard errors.

        Parameters
        ----------
        constraints : str, list of str, dict of str to float, or array of shape (r, k)
            ``"home[T.RENT] = home[T.OWN]"``, several separated by commas; or parameter -> weight of one
            combination, or a matrix of weights (tested against zero).

        Returns
        -------
        DataFrame
            Columns ``estimate``, ``value`` (under the hypothesis), ``se``, ``z``, ``pvalue``, ``lower``,
            ``upper``.
        """
        matrix, value = self._constraints(constraints)
        estimate = matrix @ self.params.to_numpy()
        se = np.sqrt(np.einsum("ij,jk,ik->i", matrix, self._covariance, matrix))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (estimate - value) / se
        labels = constraints if isinstance(constraints, list) else None
        if isinstance(constraints, str):
            labels = [c.strip() for c in constraints.split(",") if c.strip()]
        if labels is None or len(labels) != len(matrix) or not all(isinstance(c, str) for c in labels):
            labels = [f"c{i}" for i in range(len(matrix))]
        half = -special.ndtri(0.025) * se
        return pd.DataFrame(
            {
                "estimate": estimate,
                "value": value,
                "se": se,
                "z": z,
                "pvalue": 2 * special.ndtr(-np.abs(z)),
                "lower": estimate - half,
                "upper": estimate + half,
            },
            index=labels,
        )

    def wald_test(self, constraints: Any) -> pd.Series:
        """Joint Wald test; ``constraints`` as in :meth:`t_test`, or the name of a term.

        Returns
        -------
        Series
            ``chi2``, ``df``, ``pvalue``.
        """
        if isinstance(constraints, str) and constraints in self.terms:
            return self.wald_test(self._term_matrix(constraints))
        matrix, value = self._constraints(constraints)
        gap = matrix @ self.params.to_numpy() - value
        middle = matrix @ self._covariance @ matrix.T
        rank = np.linalg.matrix_rank(middle / np.sqrt(np.outer(np.diag(middle), np.diag(middle))))
        if rank < len(matrix):
            raise ModelError(f"the {len(matrix)} constraints are not independent (rank {rank}); drop the repeated ones")
        chi2 = float(gap @ np.linalg.solve(middle, gap))
        return pd.Series({"chi2": chi2, "df": len(matrix), "pvalue": float(special.chdtrc(len(matrix), chi2))})

    def _term_matrix(self, term):
        columns = {self.exog_names.index(name) for name in self.terms[term]}
        places = [i for i, c in enumerate(self.layout.slope_columns) if c in columns]
        return np.eye(len(self.params))[places]

    def wald_test_terms(self) -> pd.DataFrame:
        """Joint Wald test of each term: DataFrame with ``chi2``, ``df``, ``pvalue``, one row a term."""
        return pd.DataFrame({term: self.wald_test(self._term_matrix(term)) for term in self.terms}).T

    def lr_test(self, other: Any) -> pd.Series:
        """Likelihood-ratio test of this fit against another, one of which is nested in the other.

        Returns
        -------
        Series
            ``chi2``, ``df``, ``pvalue``.

        Raises
        ------
        ModelError
            If the two were fitted to different responses, rows or links, or have as many parameters as
            each other.
        """
        if not (self.is_ml and other.is_ml):
            kind = "penalised" if self.penalty or other.penalty else "bias-reduced"
            raise ModelError(f"a likelihood-ratio test needs maximum likelihood fits; one of these is {kind}")
        same = self.categories == other.categories and self.family == other.family
        if not same or self.nobs != other.nobs or not np.allclose(self.category_counts, other.category_counts):
            raise ModelError("the two fits are not of the same response, rows, family and link; they cannot be nested")
        big, small = (self, other) if self.layout.n_params > other.layout.n_params else (other, self)
        df = big.layout.n_params - small.layout.n_params
        if df == 0:
            raise ModelError("the two models have as many parameters as each other; they are not nested")
        chi2 = 2 * (big.llf - small.llf)
        if chi2 < -1e-6:
            raise ModelError("the model with more parameters has the lower log-likelihood: the models are not nested")
        chi2 = max(chi2, 0.0)
        return pd.Series({"chi2": chi2, "df": df, "pvalue": float(special.chdtrc(df, chi2))})

    # -- prediction ------------------------------------------------------------

    def design_matrix(self, data: pd.DataFrame) -> Any:
        """Design matrix of new data, shape (n, p), in the columns of ``exog_names``."""
        return self.design.matrix(data)

    def _eta(self, exog, offset=None):
        eta = exog[:, self.layout.parallel] @ self.params.to_numpy()[: len(self.layout.parallel)]
        return eta if offset is None else eta + offset

    def _bounds(self, exog, offset=None):
        """theta_j - x'beta_j for every row and threshold, shape (n, J-1)."""
        return self.layout.latent(self.params.to_numpy(), exog, offset)

    def _probabilities(self, latent):
        return self.family.probabilities(latent)

    def predict(
        self,
        data: pd.DataFrame | ArrayLike | None = None,
        which: Literal["prob", "cumulative", "linear", "expected", "class", "stage"] = "prob",
        offset: ArrayLike | str | None = None,
        interval: float | None = None,
    ) -> pd.DataFrame | pd.Series:
        """Predictions for new data.

        Parameters
        ----------
        data : DataFrame or array_like, optional
            The fitted data when left out.
        which : {"prob", "cumulative", "linear", "expected", "class", "stage"}
            Probability of each class; P(Y <= j) at each threshold; linear predictor x'beta (plus offset);
            expected class number, counted 0 .. J-1; most probable class; of a sequential model, the probability
            F(theta_j - x'beta) at each stage, given that the loan reaches it.
        offset : array_like or str, optional
            Needed when the model has an offset (found by itself when it was given as a column name).
        interval : float, optional
            Level of delta-method intervals, e.g. 0.95. Intervals of probabilities are built on the logit
            scale and stay inside (0, 1); the others are symmetric.

        Returns
        -------
        DataFrame or Series
            One column a class or threshold; with ``interval`` the columns are a MultiIndex (class,
            ``estimate`` / ``se`` / ``lower`` / ``upper``), or these four for "linear" and "expected".
        """
        exog, index, offset = self._prediction_rows(data, offset)
        if which not in ("prob", "cumulative", "linear", "expected", "class", "stage"):
            raise ModelError(f"which={which!r}; choose prob, cumulative, linear, expected, class or stage")
        if which == "stage" and not self.family.stages:
            raise ModelError("which='stage' belongs to SequentialLogit; a cumulative model has no stages")
        if interval is not None and not 0 < interval < 1:
            raise ModelError(f"interval={interval!r}; give the level as a fraction such as 0.95")
        if which == "linear":
            if self.layout.free:
                raise ModelError(
                    "with slopes that differ by threshold there is no single linear predictor; use which='cumulative'"
                )
            value, jacobian = self._eta(exog, offset)[:, None], None
            if interval is not None:
                jacobian = np.zeros((len(exog), 1, len(self.params)))
                jacobian[:, 0, : exog.shape[1]] = exog
            return self._with_interval(value, jacobian, ["linear"], index, interval, single=True)
        latent = self._bounds(exog, offset)
        if which == "cumulative":
            value = self.family.cumulative(latent)
            jacobian = None if interval is None else self._cumulative_jacobian(exog, latent)
            return self._with_interval(value, jacobian, self.threshold_names, index, interval, bounded=True)
        if which == "stage":
            value = self.link.cdf(latent)
            jacobian = None if interval is None else self._latent_jacobian(exog) * self.link.pdf(latent)[:, :, None]
            return self._with_interval(value, jacobian, self.threshold_names, index, interval, bounded=True)
        value = self._probabilities(latent)
        if which == "class":
            if interval is not None:
                raise ModelError("a predicted class has no interval; use which='prob'")
            codes = value.argmax(axis=1)
            labels = pd.Categorical.from_codes(codes, pd.Index(self.categories), ordered=True)
            return pd.Series(labels, index=index, name=self.endog_name)
        jacobian = None if interval is None else self.probability_jacobian(exog, offset)
        if which == "expected":
            number = np.arange(len(self.categories))
            jacobian = None if jacobian is None else np.einsum("j,njk->nk", number, jacobian)[:, None, :]
            return self._with_interval((value @ number)[:, None], jacobian, ["expected"], index, interval, single=True)
        return self._with_interval(value, jacobian, self.categories, index, interval, bounded=True)

    def _prediction_rows(self, data, offset):
        if data is None:
            if self.model is None:
                raise ModelError("this result holds no data; give the rows to predict")
            exog = self.model.exog
            offset = self.model.offset if offset is None else offset
            return exog, pd.RangeIndex(len(exog)), offset
        exog = self.design.matrix(data)
        index = data.index if isinstance(data, pd.DataFrame) else pd.RangeIndex(len(exog))
        if offset is None and self.has_offset:
            if self.offset_name is None or self.offset_name not in data:
                raise DataError("the model has an offset; give offset= for the new data")
            offset = self.offset_name
        if isinstance(offset, str):
            offset = np.asarray(data[offset], dtype=float)
        if offset is not None:
            offset = np.broadcast_to(np.asarray(offset, dtype=float), (len(exog),))
            if not np.isfinite(offset).all():
                raise DataError(f"offset has {int((~np.isfinite(offset)).sum())} values that are not finite")
        return exog, index, offset

    def _latent_jacobian(self, exog):
        """Derivative of theta_j - x'beta_j in the parameters, shape (n, J-1, k)."""
        layout, n = self.layout, len(exog)
        m, p = layout.n_thresholds, len(layout.parallel)
        jacobian = np.zeros((n, m, layout.n_params))
        jacobian[:, :, :p] = -exog[:, None, layout.parallel]
        thresholds = np.arange(m)
        for k, column in enumerate(layout.free):
            jacobian[:, thresholds, p + k * m + thresholds] = -exog[:, [column]]
        jacobian[:, thresholds, layout.n_slopes + thresholds] = 1.0
        return jacobian

    def probability_jacobian(self, exog: np.ndarray, offset: ArrayLike | str | None = None) -> np.ndarray:
        """Derivative of the class probabilities in the parameters, shape (n, J, k), at rows of the design
        matrix.
        """
        cumulative = self._cumulative_jacobian(exog, self._bounds(exog, offset))
        return np.diff(cumulative, axis=1, prepend=0.0, append=0.0)

    def _cumulative_jacobian(self, exog, latent):
        return self.family.cumulative_jacobian(latent, self._latent_jacobian(exog))

    def _with_interval(self, value, jacobian, names, index, interval, bounded=False, single=False):
        if jacobian is None:
            if single:
                return pd.Series(value[:, 0], index=index, name=names[0])
            return pd.DataFrame(value, index=index, columns=list(names))
        se = np.sqrt(np.maximum(np.einsum("njk,kl,njl->nj", jacobian, self._covariance, jacobian), 0.0))
        z = -special.ndtri((1 - interval) / 2)
        if bounded:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                middle = np.log(value / (1 - value))
                half = z * se / (value * (1 - value))
                lower, upper = 1 / (1 + np.exp(half - middle)), 1 / (1 + np.exp(-half - middle))
            lower, upper = np.where(np.isnan(lower), value, lower), np.where(np.isnan(upper), value, upper)
        else:
            lower, upper = value - z * se, value + z * se
        parts = {"estimate": value, "se": se, "lower": lower, "upper": upper}
        if single:
            return pd.DataFrame({k: v[:, 0] for k, v in parts.items()}, index=index)
        columns = pd.MultiIndex.from_product([list(names), list(parts)])
        stacked = np.stack(list(parts.values()), axis=2).reshape(len(value), -1)
        return pd.DataFrame(stacked, index=index, columns=columns)

    def count_negative(self) -> None:
        """Count the rows in which freed slopes give some class a probability that is not positive, and
        warn.
        """
        if self.family.stages or not self.layout.free:
            return
        source = self.model._source() if self.model is not None else self.rows
        rows = int(sum(source.each(NegativeRows(self.layout, self.params.to_numpy()))))
        self.negative_probability_rows = rows
        if rows:
            warnings.warn(
                f"the slopes that differ by threshold give some class a negative probability for {rows} of "
                f"{self.n_rows} rows; the model does not hold there. Free fewer terms or restrict the range",
                UserWarning,
                stacklevel=4,
            )

    def score_obs(self) -> np.ndarray:
        """Score of each row at the estimates, shape (n_rows, k); see :meth:`OrderedLogit.score_obs`."""
        if self.model is None:
            raise ModelError("scores by row need the data; this result holds none")
        return self.model.score_obs(self.params.to_numpy())

    # -- presentation ------------------------------------------------------------

    @property
    def is_ml(self) -> bool:
        """Whether these are maximum likelihood estimates: neither penalised nor bias-reduced."""
        return not self.penalty and self.estimator == "ml"

    @property
    def method(self) -> str:
        """How the estimates were made, in words."""
        if self.estimator == "bias_reduced":
            return "bias-reduced (adjusted scores)"
        if self.penalty:
            return f"penalised ML (ridge {self.penalty:g})"
        return "maximum likelihood"

    def summary(self, alpha: float = 0.05) -> Any:
        """Summary with ``as_text()``, ``as_html()`` and ``as_latex()``."""
        from p2prisk.ordered.summary import summarise

        return summarise(self, alpha)

    def __repr__(self):
        return (
            f"<OrderedResults {self.formula or self.endog_name!r}: {self.nobs} observations, "
            f"llf {self.llf:.4f}, {self.digits:.0f} digits>"
        )

    # -- travel ------------------------------------------------------------

    def remove_data(self) -> OrderedResults:
        """A copy that predicts and tests, without the data."""
        other = OrderedResults(**self.__dict__)
        if self.model is not None or self.rows is not None:
            other._llnull = self.llnull
            other.eta_variance = None if self.layout.free or self.family.stages else self._eta_variance
        other.model = other.rows = None
        return other

    def to_json(self, path: PathLike | None = None) -> str:
        """Scoring model as JSON: estimates, covariance and design, without the data.

        Parameters
        ----------
        path : path-like, optional
            File to write; the text is returned in any case.
        """
        from p2prisk.ordered.encoding import to_plain
        from p2prisk.ordered.stored import plain_design

        light = self.remove_data()
        plain = {
            "format": _FORMATS[self.family.name],
            "family": self.family.name,
            "link": self.link.name,
            "formula": self.formula,
            "endog_name": self.endog_name,
            "categories": to_plain(list(self.categories)),
            "free_columns": list(self.layout.free),
            "design": plain_design(self.design),
            **{
                name: to_plain(getattr(light, name))
                for name in (
                    "nonparallel offset_name has_offset nobs n_rows n_dropped dropped_by_column llf "
                    "iterations penalty cov_type negative_probability_rows _llnull estimator notes"
                ).split()
            },
            "eta_variance": to_plain(light.__dict__.get("eta_variance")),
            "category_counts": to_plain(np.asarray(self.category_counts)),
            "params": to_plain(self.params.to_numpy()),
            "digits": to_plain(self.digits_by_parameter.to_numpy()),
            "covariance": to_plain(self._covariance),
            "bread": to_plain(self._bread),
            "information": to_plain(self._information),
        }
        return save(plain, path)

    @classmethod
    def from_json(cls, text_or_path: Any) -> OrderedResults:
        """Scoring model that :meth:`to_json` wrote, from the text or from a file.

        Raises
        ------
        DataError
            If the text was not written by :meth:`to_json`, was changed since, or its parts do not fit together.
        """
        kinds, what, writer = tuple(_FORMATS.values()), "scoring model of p2prisk", "OrderedResults.to_json"
        plain = restore(text_or_path, kinds, what, writer)
        with rebuilding(text_or_path, what, writer):
            return cls._rebuilt(plain)

    @classmethod
    def _rebuilt(cls, plain):
        from p2prisk.ordered.encoding import from_plain
        from p2prisk.ordered.stored import restored_design

        design = restored_design(plain["design"])
        categories, columns = from_plain(plain["categories"]), design.names
        free = tuple(plain["free_columns"])
        if len(set(free)) != len(free) or any(column >= len(columns) for column in free):
            raise DataError("the columns whose slopes differ by threshold are not columns of the model")
        layout = Layout(len(columns), len(categories) - 1, free)
        threshold_names = [f"{a}|{b}" for a, b in zip(categories[:-1], categories[1:], strict=True)]
        names = parameter_names(layout, columns, threshold_names)
        _check_numbers(plain, names, len(categories), increasing=plain["family"] == "cumulative")
        kept = (
            "nonparallel offset_name has_offset nobs n_rows n_dropped dropped_by_column llf "
            "iterations penalty cov_type negative_probability_rows _llnull eta_variance category_counts endog_name "
            "formula"
        ).split()
        return cls(
            model=None,
            family=get_family(plain["family"], plain["link"]),
            design=design,
            layout=layout,
            categories=categories,
            exog_names=columns,
            terms=design.terms,
            threshold_names=threshold_names,
            param_names=names,
            params=pd.Series(from_plain(plain["params"]), names),
            digits_by_parameter=pd.Series(from_plain(plain["digits"]), names),
            history=[],
            estimator=plain["estimator"],
            notes=plain["notes"],
            _covariance=from_plain(plain["covariance"]),
            _bread=from_plain(plain["bread"]),
            _information=from_plain(plain["information"]),
            **{name: from_plain(plain[name]) for name in kept},
        )


def _check_numbers(plain, names, classes, increasing):
    """Refuse estimates that no fit leaves, and matrices of another size."""
    sizes = {"params": (len(names),), "digits": (len(names),), "category_counts": (classes,)}
    sizes |= {name: (len(names),) * 2 for name in ("covariance", "bread", "information")}
    for name, size in sizes.items():
        if tuple(plain[name]["shape"]) != size or len(plain[name]["__array__"]) != np.prod(size):
            raise DataError(f"{name} has another size than the columns and classes of the model")
    covariance = np.reshape(plain["covariance"]["__array__"], sizes["covariance"])
    if (np.diag(covariance) < 0).any() or not np.allclose(covariance, covariance.T, rtol=1e-6):
        raise DataError("its covariance is none")
    thresholds = np.array(plain["params"]["__array__"])[1 - classes :]
    if increasing and not plain["free_columns"] and not (np.diff(thresholds) > 0).all():
        raise DataError("its thresholds do not rise from class to class")
    if min(plain["category_counts"]["__array__"]) < 0:
        raise DataError("a class has less than no loans")


def parameter_names(layout, columns, threshold_names):
    """Names of all parameters: columns, ``column:A|B`` for slopes by threshold, thresholds."""
    return [
        columns[c] if t < 0 else f"{columns[c]}:{threshold_names[t]}"
        for c, t in zip(layout.slope_columns, layout.slope_thresholds, strict=True)
    ] + list(threshold_names)
