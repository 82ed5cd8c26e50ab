"""What a hazard fit returns: estimates, and the chance of each end within a horizon, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from p2prisk.errors import ConvergenceError, DataError, ModelError
from p2prisk.hazard.likelihood import Layout, end_probabilities, predictors
from p2prisk.ordered import newton
from p2prisk.ordered.design import Design
from p2prisk.ordered.results import REQUIRED_DIGITS, OrderedResults
from p2prisk.saved import rebuilding, restore, save

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike

_FORMAT = "p2prisk.HazardLogit/2"
# numbers held at once by a prediction: rows times ages (times parameters, by the delta method); fits the cache
_BLOCK_NUMBERS = 500_000
_KEPT = (
    "link event_name causes exog_names terms param_names formula strata strata_name unit notes nobs n_rows "
    "n_dropped dropped_by_column exposure reach"
).split()


#: an ordinal fit, whose tests and intervals a hazard borrows as they stand
_LIKE_ORDERED: Any = OrderedResults


@dataclass(frozen=True)
class Simulated:
    """An interval by simulation: quantiles over parameter vectors drawn from their normal distribution.

    Source: Krinsky and Robb (1986), Review of Economics and Statistics 68.

    Examples
    --------
    >>> from p2prisk.hazard import HazardLogit
    >>> result = HazardLogit([1, 0, 1, 0], [2, 3, 1, 3]).fit()
    >>> result.predict(pd.DataFrame(index=["any"]), 2, interval=Simulated(0.9, draws=200)).columns.get_level_values(1)
    Index(['estimate', 'se', 'lower', 'upper'], dtype='str')
    """

    level: float = 0.95
    draws: int = 2000
    seed: int = 0


class HazardResults:
    """Results of a :class:`~p2prisk.hazard.HazardLogit` fit.

    Attributes
    ----------
    params, bse, zvalues, pvalues : Series
        By cause: slopes, effects that vary with age, baseline.
    llf, llnull : float
        Log-likelihood, that of the expanded loan-periods; and without traits, same baseline.
    nobs, exposure : number
        Loans, and loan-periods at risk.
    reach : int
        Longest age at which a loan was at risk; predictions end there.
    digits, digits_by_parameter
        Correct significant digits, from the Newton step at the optimum.
    life_table : DataFrame
        Loans at risk and ends by stratum and age.
    notes : list of str

    Examples
    --------
    >>> from p2prisk.hazard import HazardLogit
    >>> ending = pd.Categorical(["open", "default", "repaid"] * 2, ["open", "default", "repaid"])
    >>> result = HazardLogit(ending, exit=[3, 1, 2, 3, 2, 3], baseline=[]).fit()
    >>> result.exposure, result.causes
    (14, ['default', 'repaid'])
    >>> result.predict(pd.DataFrame(index=["any"]), [1, 2], cause="default").round(3).loc["any"].tolist()
    [0.143, 0.245]
    """

    model: Any
    design: Design
    layout: Layout
    link: str
    event_name: str
    causes: list[str]
    exog_names: list[str]
    terms: dict[str, list[str]]
    param_names: list[str]
    formula: str | None
    strata: list
    strata_name: str | None
    unit: str
    notes: list[str]
    nobs: float
    exposure: float
    n_rows: int
    n_dropped: int
    dropped_by_column: dict
    reach: int
    at_risk: np.ndarray
    events: np.ndarray
    params: pd.Series
    llf: float
    iterations: int
    history: list
    cov_type: str
    digits_by_parameter: pd.Series
    _covariance: np.ndarray
    _bread: np.ndarray
    _information: np.ndarray
    _llnull: float | None

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)

    @classmethod
    def _from_optimum(cls, model, optimum):
        names = model.param_names
        self = cls(
            model=model,
            design=model.design,
            layout=model.layout,
            at_risk=model.at_risk,
            events=model.events,
            params=pd.Series(optimum.params, names),
            llf=optimum.log_likelihood,
            iterations=optimum.iterations,
            history=optimum.history,
            cov_type="nonrobust",
            _covariance=optimum.covariance,
            _bread=optimum.covariance,
            _information=optimum.information,
            _llnull=None,
            **{name: getattr(model, name) for name in _KEPT},
        )
        digits = newton.correct_digits(optimum.params, optimum.step, np.sqrt(np.diag(optimum.covariance)))
        self.digits_by_parameter = pd.Series(digits, names)
        if not self.digits >= REQUIRED_DIGITS or not np.isfinite(optimum.covariance).all():
            raise ConvergenceError(
                f"the estimates have only {self.digits:.1f} correct digits "
                f"({self.digits_by_parameter.idxmin()} is the worst); no estimates are returned. "
                "Look for nearly collinear columns, or ages with very few events"
            )
        return self

    # -- estimates ------------------------------------------------------------

    digits, bse, zvalues, tvalues, pvalues = (
        _LIKE_ORDERED.digits,
        _LIKE_ORDERED.bse,
        _LIKE_ORDERED.zvalues,
        _LIKE_ORDERED.tvalues,
        _LIKE_ORDERED.pvalues,
    )
    conf_int, cov_params, t_test = _LIKE_ORDERED.conf_int, _LIKE_ORDERED.cov_params, _LIKE_ORDERED.t_test
    _constraints, _parse = _LIKE_ORDERED._constraints, _LIKE_ORDERED._parse

    @property
    def converged(self) -> Any:
        return self.digits >= REQUIRED_DIGITS

    def slopes(self, cause: Any = None) -> Any:
        """Slopes (and varying effects) of one cause, without its prefix."""
        k = self._cause(cause)
        start = self.layout.cause_start(k)
        own = self.params.iloc[start : start + self.layout.n_slopes]
        lead = "" if len(self.causes) == 1 else f"{self.causes[k]}: "
        return own.rename(lambda name: name.removeprefix(lead))

    def wald_test(self, constraints: Any) -> pd.Series:
        """Joint Wald test: constraints as of :meth:`t_test`, or the name of a term (all causes, all ages).

        Returns
        -------
        Series
            ``chi2``, ``df``, ``pvalue``.
        """
        if isinstance(constraints, str) and constraints in self.terms:
            heads = {lead + column for column in self.terms[constraints] for lead in self._leads()}
            places = [i for i, name in enumerate(self.param_names) if name.split(" x ")[0] in heads]
            constraints = np.eye(len(self.params))[places]
        matrix, value = self._constraints(constraints)
        gap = matrix @ self.params.to_numpy() - value
        chi2 = float(gap @ np.linalg.solve(matrix @ self._covariance @ matrix.T, gap))
        return pd.Series({"chi2": chi2, "df": len(matrix), "pvalue": float(stats.chi2.sf(chi2, len(matrix)))})

    def _leads(self):
        return [""] if len(self.causes) == 1 else [f"{cause}: " for cause in self.causes]

    @property
    def llnull(self) -> Any:
        if self._llnull is None:
            if self.model is None:
                raise ModelError("llnull needs the data; this result holds none")
            model = self.model
            from p2prisk.hazard.model import HazardLogit

            null = HazardLogit.__new__(HazardLogit)
            null.__dict__.update(model.__dict__)
            # loans of one stratum, entry, exit and end are alike once the traits are gone
            cells = np.stack([model.strata_codes, model.entry, model.exit, model.event_codes])
            cells, place = np.unique(cells, axis=1, return_inverse=True)
            null.strata_codes, null.entry, null.exit, null.event_codes = cells.astype(np.int64)
            null.weights = np.bincount(np.ravel(place), model.weights)
            null.exog, null.exog_names, null.terms = np.empty((cells.shape[1], 0)), [], {}
            null.design, null.varying, null.n_rows = Design([], {}), {}, cells.shape[1]
            null._describe()
            self._llnull = null.fit().llf
        return self._llnull

    @property
    def df_model(self) -> Any:
        return self.layout.n_slopes * len(self.causes)

    @property
    def llr_pvalue(self) -> Any:
        return float(stats.chi2.sf(2 * (self.llf - self.llnull), self.df_model)) if self.df_model else np.nan

    @property
    def aic(self) -> Any:
        return -2 * self.llf + 2 * self.layout.n_params

    @property
    def life_table(self) -> Any:
        ages = np.tile(np.arange(1, self.layout.n_ages + 1), len(self.strata))
        table = pd.DataFrame({"age": ages, "at_risk": self.at_risk})
        if self.strata != [None]:
            table.insert(0, "stratum", np.repeat(self.strata, self.layout.n_ages))
        for cause, events in zip(self.causes, self.events, strict=True):
            table[cause] = events
        return table[table["at_risk"] > 0].reset_index(drop=True)

    def with_covariance(self, cov_type: Any, groups: Any = None) -> Any:
        """The same fit with another covariance; see :meth:`HazardLogit.fit`."""
        if self.model is None:
            raise ModelError("the robust covariance needs the data; this result holds none")
        groups = self.model._check_covariance(cov_type, groups)
        other = HazardResults(**self.__dict__)
        other.cov_type, other._covariance = cov_type, self._bread
        if cov_type != "nonrobust":
            other._covariance = self._sandwich(groups)
        return other

    def _sandwich(self, groups):
        """White's (1980) or Liang and Zeger's (1986) covariance; a weight counts as repeated rows of one group.

        The cluster form carries the factor G / (G - 1) * (N - 1) / (N - k) of statsmodels, N the loan-periods.
        """
        model, params = self.model, self.params.to_numpy()
        spread = np.sqrt(np.diag(self._bread))
        key = model.strata_codes * (model.n_ages + 1) + model.exit if groups is None else groups
        order, step = np.argsort(key, kind="stable"), 4096
        edges = np.arange(0, len(order), step)
        if groups is not None:
            # a group's rows stay in one block
            starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
            edges = np.unique(starts[np.searchsorted(starts, edges, side="right") - 1])
        meat = np.zeros((len(params), len(params)))
        for start, stop in zip(edges, [*edges[1:], len(order)], strict=True):
            rows = order[start:stop]
            scores, weights = model.score_obs(params, rows) * spread, model.weights[rows]
            if groups is None:
                meat += scores.T @ (scores * weights[:, None])
            else:
                sums = np.add.reduceat(
                    scores * weights[:, None], np.flatnonzero(np.diff(groups[rows], prepend=-1)), axis=0
                )
                meat += sums.T @ sums
        if groups is not None:
            n, g = self.exposure, len(np.unique(groups))
            meat *= g / (g - 1) * (n - 1) / (n - len(params))
        unit = self._bread / spread[:, None] / spread
        covariance = (unit @ meat @ unit) * spread[:, None] * spread
        return 0.5 * (covariance + covariance.T)

    # -- prediction ------------------------------------------------------------

    def predict(
        self,
        data: Any,
        horizon: int | str | Sequence[int],
        which: Literal["incidence", "survival", "hazard"] = "incidence",
        cause: str | None = None,
        given: Any = 0,
        strata: Any = None,
        beyond: Literal["raise", "hold"] = "raise",
        interval: float | Simulated | None = None,
    ) -> pd.DataFrame:
        """Chance of each end within a horizon, of surviving it, or the hazard at its last period.

        Parameters
        ----------
        data : DataFrame or array_like
            One row a loan.
        horizon : int, sequence of int, or str
            Periods to look ahead from the age `given`; a column name gives each loan its own (its remaining term).
        which : {"incidence", "survival", "hazard"}
            ``incidence``: P(end by the cause within h | alive at the age `given`), the other ends competing.
        cause : str, optional
            One cause only.
        given : int, str or array_like
            Age up to which the loan is known to be alive; 0 is issue.
        strata : str or array_like, optional
            Found by itself when it was given as a column name.
        beyond : {"raise", "hold"}
            What to do at ages past the last at which a loan of the stratum was at risk: refuse, or hold the baseline
            and the varying effects at that age. The interval then says nothing of the error of doing so.
        interval : float or Simulated, optional
            Level such as 0.95, by the delta method on the logit scale; or ``Simulated(0.95, draws=2000, seed=0)``.

        Returns
        -------
        DataFrame
            A column a horizon; over several causes a MultiIndex (cause, horizon); with `interval` a further level
            ``estimate``, ``se``, ``lower``, ``upper``.

        Raises
        ------
        DataError
            For ages at which no loan of the stratum was at risk: the data say nothing there.
        """
        if which not in ("incidence", "survival", "hazard"):
            raise ModelError(f"which={which!r}; choose incidence, survival or hazard")
        level = interval.level if isinstance(interval, Simulated) else interval
        if level is not None and not 0 < level < 1:
            raise ModelError(f"interval={interval!r}; give the level as a fraction such as 0.95")
        exog = self.design.matrix(data) if self.exog_names else np.empty((len(data), 0))
        index = data.index if isinstance(data, pd.DataFrame) else pd.RangeIndex(len(exog))
        place = self._strata_codes(data, strata, len(exog))
        given = _per_row(data, given, len(exog), "given", 0)
        if isinstance(horizon, str):
            labels, ahead = [horizon], _per_row(data, horizon, len(exog), "horizon", 1)[:, None]
        else:
            labels = _per_row(data, np.ravel(horizon), np.size(horizon), "horizon", 1).tolist()
            ahead = np.broadcast_to(np.array(labels), (len(exog), len(labels)))
        if beyond not in ("raise", "hold"):
            raise ModelError(f"beyond={beyond!r}; choose raise or hold")
        self._check_ages(place, given, given + ahead.max(axis=1, initial=1), beyond)
        causes: list[Any] = (
            [None] if which == "survival" else ([self._cause(cause)] if cause else list(range(len(self.causes))))
        )
        if cause is not None and which == "survival":
            raise ModelError("survival is of all ends together; leave out cause=")
        longest = int(ahead.max(initial=1))
        per_row = longest * (self.layout.n_params if isinstance(interval, float) else 4)
        step = max(1, _BLOCK_NUMBERS // max(per_row * len(labels) * len(causes), 1))
        pieces = []
        for start in range(0, max(len(exog), 1), step):
            rows = slice(start, start + step)
            cells = self._cells(place[rows], given[rows], longest)
            pieces.append(self._block(exog[rows], cells, ahead[rows], which, causes, interval))
        found = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
        single = causes == [None] or cause is not None or len(self.causes) == 1
        heads = [(label,) if single else (self.causes[k], label) for k in causes for label in labels]
        if interval is None:
            columns = [head[0] for head in heads] if single else pd.MultiIndex.from_tuples(heads)
            return pd.DataFrame(found["estimate"], index, columns)
        columns = pd.MultiIndex.from_tuples([(*head, part) for head in heads for part in found])
        values = np.stack(list(found.values()), axis=2).reshape(len(exog), -1)
        return pd.DataFrame(values, index, columns)

    def _cause(self, cause):
        if cause is None and len(self.causes) == 1:
            return 0
        if cause not in self.causes:
            raise ModelError(f"cause={cause!r}; the causes are {', '.join(self.causes)}")
        return self.causes.index(cause)

    def _strata_codes(self, data, strata, n):
        if self.strata == [None]:
            return np.zeros(n, np.int64)
        strata = self.strata_name if strata is None else strata
        if strata is None or (isinstance(strata, str) and strata not in data):
            raise DataError(f"the model has strata {self.strata}; give strata= for the new data")
        values = pd.Series(data[strata] if isinstance(strata, str) else strata)
        codes = pd.Index(self.strata).get_indexer(pd.Index(values.to_numpy()))
        if (codes < 0).any():
            raise DataError(f"stratum {values.iloc[int((codes < 0).argmax())]!r} is not one of {self.strata}")
        return codes.astype(np.int64)

    def _check_ages(self, place, given, last, beyond):
        if not len(place):
            return
        seen = (self.at_risk > 0).reshape(len(self.strata), -1)
        for stratum, own in enumerate(seen):
            mine = place == stratum
            if not mine.any():
                continue
            ages = np.flatnonzero(own) + 1
            low, high = int(given[mine].min()) + 1, int(last[mine].max())
            asked = np.arange(low, (high if beyond == "raise" else min(high, ages[-1])) + 1)
            if not np.isin(asked, ages).all():
                where = "" if self.strata == [None] else f" of stratum {self.strata[stratum]!r}"
                runs = np.split(ages, np.flatnonzero(np.diff(ages) > 1) + 1)
                raise DataError(
                    f"ages {low} to {high} are asked for{where}; loans were at risk at ages "
                    f"{', '.join(f'{run[0]} to {run[-1]}' for run in runs)} only. "
                    "Shorten the horizon: the data say nothing beyond; or assume it, with beyond='hold'"
                )

    def _cells(self, place, given, longest):
        """Cell of each period ahead, shape (periods, rows); beyond the last age at risk, the last."""
        seen = (self.at_risk > 0).reshape(len(self.strata), -1)
        last = seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
        ages = np.minimum(given + np.arange(longest)[:, None], last[place])
        return place * self.layout.n_ages + ages

    def _curves(self, params, exog, cells):
        """Hazards (K, periods, rows), survival to the start of each period and to its end (periods, rows)."""
        parts = self.layout.kernel_parts(self.layout.to_kernel @ params)
        eta = predictors(self.layout, parts, exog, cells)
        hazard, stay = end_probabilities(self.link, eta)
        after = np.cumprod(stay, axis=0)
        before = np.vstack([np.ones((1, after.shape[1])), after[:-1]])
        return eta, hazard, before, after

    def _values(self, params, exog, cells, ahead, which, causes):
        """Predictions, shape (rows, causes x horizons)."""
        _, hazard, before, after = self._curves(params, exog, cells)
        rows = np.arange(len(exog))[:, None]
        if which == "survival":
            return after[ahead - 1, rows]
        curves = hazard if which == "hazard" else np.cumsum(before * hazard, axis=1)
        return np.hstack([curves[k][ahead - 1, rows] for k in causes])

    def _block(self, exog, cells, ahead, which, causes, interval):
        params = self.params.to_numpy()
        value = self._values(params, exog, cells, ahead, which, causes)
        if interval is None:
            return {"estimate": value}
        if isinstance(interval, Simulated):
            rng, tail = np.random.default_rng(interval.seed), (1 - interval.level) / 2
            sample = rng.multivariate_normal(params, self._covariance, size=interval.draws, method="cholesky")
            drawn = np.stack([self._values(one, exog, cells, ahead, which, causes) for one in sample])
            lower, upper = np.quantile(drawn, [tail, 1 - tail], axis=0)
            return {"estimate": value, "se": drawn.std(axis=0, ddof=1), "lower": lower, "upper": upper}
        jacobian = self._jacobian(exog, cells, ahead, which, causes)
        se = np.sqrt(np.maximum(np.einsum("nhp,pq,nhq->nh", jacobian, self._covariance, jacobian, optimize=True), 0))
        z = stats.norm.isf((1 - interval) / 2)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            middle, half = np.log(value / (1 - value)), z * se / (value * (1 - value))
            lower, upper = 1 / (1 + np.exp(half - middle)), 1 / (1 + np.exp(-half - middle))
        lower, upper = np.where(np.isnan(lower), value, lower), np.where(np.isnan(upper), value, upper)
        return {"estimate": value, "se": se, "lower": lower, "upper": upper}

    def _jacobian(self, exog, cells, ahead, which, causes):
        """Derivative of the predictions in the parameters, shape (rows, causes x horizons, parameters).

        With S the survival and F the incidence of a cause, the predictor of cause l at age a moves F(h), a <= h, by
        S(a-1) dhazard(a)/deta_l + dlog(stay(a))/deta_l (F(h) - F(a)): what ends at a, and what is left to end later.
        """
        layout = self.layout
        eta, hazard, before, after = self._curves(self.params.to_numpy(), exog, cells)
        n, n_causes = len(exog), len(hazard)
        if self.link == "logit":
            d_log_stay = -hazard
            d_hazard = -hazard[:, None] * hazard[None]
            for k in range(n_causes):
                d_hazard[k, k] += hazard[k]
        else:
            rate = np.exp(eta)
            total, stay = rate.sum(axis=0), after / before
            d_log_stay = -rate
            share, rest = rate / total, -np.expm1(-total)
            d_hazard = share[:, None] * share[None] * (total * stay - rest)
            for k in range(n_causes):
                d_hazard[k, k] += share[k] * rest
        periods, rows = np.arange(len(cells))[:, None], np.arange(n)
        out = np.zeros((n, len(causes) * ahead.shape[1], layout.n_params))
        incidence = np.cumsum(before * hazard, axis=1)
        for i, k in enumerate(causes):
            for j in range(ahead.shape[1]):
                end = ahead[:, j]
                inside = periods < end
                for other in range(n_causes):
                    if which == "survival":
                        weight = d_log_stay[other] * after[end - 1, rows]
                    elif which == "hazard":
                        weight = np.where(periods == end - 1, d_hazard[k, other], 0.0)
                    else:
                        weight = before * d_hazard[k, other] + d_log_stay[other] * (
                            incidence[k][end - 1, rows] - incidence[k]
                        )
                    weight = np.where(inside, weight, 0.0)
                    self._spread(out[:, i * ahead.shape[1] + j], weight, other, exog, cells)
        return out

    def _spread(self, out, weight, cause, exog, cells):
        """Chain rule from the predictors of one cause by period (periods, rows) to its parameters."""
        layout, start = self.layout, self.layout.cause_start(cause)
        p = layout.n_columns
        out[:, start : start + p] = exog * weight.sum(axis=0)[:, None]
        for i, (place, function) in enumerate(layout.pairs):
            moved = (weight * layout.shape[cells, function]).sum(axis=0)
            out[:, start + p + i] = exog[:, layout.varying[place]] * moved
        basis = layout.bases[cause]
        level = start + layout.n_slopes
        out[:, level : level + basis.shape[1]] = np.einsum("tn,tnb->nb", weight, basis[cells])

    # -- presentation and travel ------------------------------------------------------------

    def summary(self, alpha: float = 0.05) -> Any:
        """Summary with ``as_text()``, ``as_html()`` and ``as_latex()``."""
        from statsmodels.iolib.summary import Summary
        from statsmodels.iolib.table import SimpleTable
        from statsmodels.iolib.tableformatting import fmt_base, fmt_params

        left = [
            ("Ending", self.event_name),
            ("Causes", ", ".join(self.causes)),
            ("Link", self.link),
            ("Covariance", self.cov_type),
            ("Loans", f"{self.nobs:,}"),
            ("Rows dropped (missing)", f"{self.n_dropped:,}"),
        ]
        right = [
            ("Loan-periods", f"{self.exposure:,}"),
            ("Ends", ", ".join(f"{events.sum():,.0f}" for events in self.events)),
            ("Log-likelihood", f"{self.llf:.4f}"),
            (
                "LL null",
                f"{self.llnull:.4f}" if self.model is not None or self._llnull is not None else "needs the data",
            ),
            ("Longest age", f"{self.reach}"),
            ("Correct digits", f"{self.digits:.1f}"),
        ]
        head = SimpleTable(
            [[f"{a}:", b, f"{c}:", d] for (a, b), (c, d) in zip(left, right, strict=True)],
            title="Discrete-Time Hazard Results",
            txt_fmt=dict(fmt_base, data_fmts=["%s"], data_aligns="lrlr", colsep="  ", row_dec_below=None),
        )
        interval = self.conf_int(alpha)
        columns = (self.params, self.bse, self.zvalues, self.pvalues, interval["lower"], interval["upper"])
        rows = [
            [f"{v:.{k}{kind}}" for v, k, kind in zip(values, (4, 3, 3, 3, 3, 3), "gggfgg", strict=True)]
            for values in zip(*columns, strict=True)
        ]
        titles = ["coef", "std err", "z", "P>|z|", f"[{alpha / 2:g}", f"{1 - alpha / 2:g}]"]
        summary = Summary()
        summary.tables = [head, SimpleTable(rows, titles, list(self.param_names), txt_fmt=fmt_params)]
        notes = ["A positive coefficient brings the end nearer."]
        if self.n_dropped:
            listed = ", ".join(f"{k} {v}" for k, v in self.dropped_by_column.items())
            notes.append(f"Rows dropped for missing values: {self.n_dropped} ({listed}).")
        summary.add_extra_txt(notes + [f"{note}." for note in self.notes])
        return summary

    def __repr__(self):
        return (
            f"<HazardResults {self.formula or self.event_name!r}: {self.nobs} loans, {self.exposure} loan-periods, "
            f"llf {self.llf:.4f}, {self.digits:.0f} digits>"
        )

    def remove_data(self) -> Any:
        """A copy that predicts and tests, without the data."""
        other = HazardResults(**self.__dict__)
        if self.model is not None:
            other._llnull = self.llnull
        other.model = None
        return other

    def to_json(self, path: PathLike | None = None) -> Any:
        """Scoring model as JSON: estimates, covariance, design and baseline, without the data.

        Parameters
        ----------
        path : path-like, optional
            File to write; the text is returned in any case.
        """
        from p2prisk.ordered.encoding import to_plain
        from p2prisk.ordered.stored import plain_design

        light = self.remove_data()
        plain = {
            "format": _FORMAT,
            **{name: to_plain(getattr(light, name)) for name in (*_KEPT, "llf", "iterations", "cov_type", "_llnull")},
            "design": plain_design(self.design),
            "layout": {
                "n_columns": self.layout.n_columns,
                "n_ages": self.layout.n_ages,
                "n_strata": self.layout.n_strata,
                "bases": [to_plain(basis) for basis in self.layout.bases],
                "shape": to_plain(self.layout.shape),
                "varying": [int(column) for column in self.layout.varying],
                "pairs": [list(map(int, pair)) for pair in self.layout.pairs],
            },
            **{name: to_plain(np.asarray(getattr(self, name))) for name in ("params", "at_risk", "events")},
            "digits": to_plain(self.digits_by_parameter.to_numpy()),
            **{name: to_plain(getattr(self, name)) for name in ("_covariance", "_bread", "_information")},
        }
        return save(plain, path)

    @classmethod
    def from_json(cls, text_or_path: Any) -> Any:
        """Scoring model that :meth:`to_json` wrote, from the text or from a file.

        Raises
        ------
        DataError
            If the text was not written by :meth:`to_json`, was changed since, or its parts do not fit together.
        """
        what, writer = "hazard model of p2prisk", "HazardResults.to_json"
        plain = restore(text_or_path, _FORMAT, what, writer)
        with rebuilding(text_or_path, what, writer):
            return cls._rebuilt(plain)

    @classmethod
    def _rebuilt(cls, plain):
        from p2prisk.ordered.encoding import from_plain
        from p2prisk.ordered.stored import restored_design

        layout, names = plain["layout"], plain["param_names"]
        _check_numbers(plain)
        return cls(
            model=None,
            history=[],
            design=restored_design(plain["design"]),
            layout=Layout(
                layout["n_columns"],
                layout["n_ages"],
                layout["n_strata"],
                tuple(from_plain(basis) for basis in layout["bases"]),
                from_plain(layout["shape"]),
                np.array(layout["varying"], dtype=np.int64),
                tuple(map(tuple, layout["pairs"])),
            ),
            params=pd.Series(from_plain(plain["params"]), names),
            digits_by_parameter=pd.Series(from_plain(plain["digits"]), names),
            **{
                name: from_plain(plain[name])
                for name in (*_KEPT, "llf", "iterations", "cov_type", "_llnull", "at_risk", "events")
            },
            **{name: from_plain(plain[name]) for name in ("_covariance", "_bread", "_information")},
        )


def _check_numbers(plain):
    """Refuse a layout, estimates and matrices that do not fit each other."""
    layout, size = plain["layout"], len(plain["param_names"])
    columns, cells = len(plain["design"]["names"]), layout["n_ages"] * layout["n_strata"]
    bases, varying, shape = layout["bases"], layout["varying"], layout["shape"]["shape"]
    fits = (
        layout["n_columns"] == columns == len(plain["exog_names"])
        and len(bases) == len(plain["causes"])
        and all(len(basis["shape"]) == 2 and basis["shape"][0] == cells for basis in bases)
        and len(shape) == 2
        and shape[0] == cells
        and all(column < columns for column in varying)
        and all(place < len(varying) and function < shape[1] for place, function in layout["pairs"])
        and size == sum(columns + len(layout["pairs"]) + basis["shape"][1] for basis in bases)
        and layout["n_strata"] == max(1, len(plain["strata"]))
    )
    sizes = {"params": [size], "digits": [size], "at_risk": [cells], "events": [len(bases), cells]}
    sizes |= dict.fromkeys(("_covariance", "_bread", "_information"), [size] * 2)
    arrays = [layout["shape"], *bases, *(plain[name] for name in sizes)]
    whole = all(len(array["__array__"]) == np.prod(array["shape"]) for array in arrays)
    if not fits or not whole or any(plain[name]["shape"] != shape for name, shape in sizes.items()):
        raise DataError("its layout, estimates and matrices are not of one size")
    if min(np.diag(np.reshape(plain["_covariance"]["__array__"], (size, size)))) < 0:
        raise DataError("its covariance is none")


def _per_row(data, value, n, what, least):
    """Whole numbers, one a row, from a number, a column name or an array."""
    if isinstance(value, str):
        if value not in data:
            raise DataError(f"{what}={value!r} is no column of the data")
        value = data[value]
    values = np.asarray(value, dtype=float)
    if values.ndim and values.shape != (n,):
        raise DataError(f"{what} has shape {values.shape}; one number, or one for each of {n} rows, is needed")
    values = np.broadcast_to(values, (n,))
    broken = ~np.isfinite(values) | (values != np.floor(values)) | (values < least)
    if broken.any():
        raise DataError(
            f"{what} must be whole periods of at least {least}; {values[broken][0]:g} at place {int(broken.argmax())} "
            "is none"
        )
    return values.astype(np.int64)
