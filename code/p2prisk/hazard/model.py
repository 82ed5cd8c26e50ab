"""The discrete-time hazard model and its fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from p2prisk.errors import ConvergenceError, DataError, ModelError, SeparationError
from p2prisk.hazard.baseline import build_baseline, build_shapes
from p2prisk.hazard.likelihood import BLOCK_ROWS, Layout, Problem, Spells, evaluate, predictors, score_rows
from p2prisk.hazard.results import HazardResults
from p2prisk.ordered import newton
from p2prisk.ordered.design import (
    check_finite,
    check_missing,
    design_from_array,
    design_from_formula,
    required_columns,
    whole_numbers,
)
from p2prisk.ordered.fitting import check_range
from p2prisk.ordered.likelihood import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from p2prisk.tape import LoanTape

LINKS = ("logit", "cloglog")
#: longest age: a row's ages are looped over, so that a date written as an age must not pass
MAX_AGE = 1200


@dataclass(frozen=True)
class HazardOptions:
    """What :class:`HazardLogit` takes by keyword beside the columns of a spell; its docstring says what each means.

    Examples
    --------
    >>> HazardOptions(baseline=[6, 12]).link
    'logit'
    """

    link: Literal["logit", "cloglog"] = "logit"
    baseline: str | Sequence[int] = "dummies"
    strata: Any = None
    varying: dict | None = None
    freq_weights: Any = None
    censored: Any = None
    missing: Literal["raise", "drop"] = "raise"

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise ModelError(f"link {self.link!r} is not known; choose one of {', '.join(LINKS)}")
        if self.missing not in ("raise", "drop"):
            raise ModelError(f"missing={self.missing!r}; choose 'raise' or 'drop'")


class HazardLogit:
    r"""Discrete-time hazard of loans by age, with competing ends, censoring and late entry.

    .. math:: P(\text{end by cause } k \text{ at age } a \mid \text{alive before}) =
        \frac{\exp(\alpha_k(a) + x'\beta_k)}{1 + \sum_m \exp(\alpha_m(a) + x'\beta_m)}

    A positive coefficient brings the end nearer. The causes are modelled jointly: the multinomial logit of the period
    (Allison 1982, Sociological Methodology 13; Tutz and Schmid 2016, ch. 8), so that the probabilities of all ends and
    of survival sum to one at every age and the covariance between causes, which an interval of a cumulative incidence
    needs, is known. Separate binary fits, each taking the other ends as censored, come close (Begg and Gray 1984,
    Biometrika 71) but have neither. With ``link="cloglog"`` the causes have proportional hazards in continuous time,
    grouped by age (Prentice and Gloeckler 1978, Biometrics 34).

    Parameters
    ----------
    event : array_like, shape (n,)
        How the spell ended: 0 or ``False`` (or the first level of a Categorical, or `censored`) for still alive,
        and a number or label for each cause.
    exit : array_like of int, shape (n,)
        Age, in whole periods, at the end or when last seen alive; 1 is the first period.
    exog : array_like or DataFrame, shape (n, p), or None
        Numeric columns without a constant.
    entry : array_like of int, shape (n,), optional
        Age before which the row was not under observation (left truncation): at risk in ``entry + 1 .. exit``. Zero by
        default. A trait that changes with time is given as several rows of one loan: ``(0, 12]`` with the old value,
        censored, and ``(12, 30]`` with the new one.
    link : {"logit", "cloglog"}
    baseline : "dummies", sequence of int, or str
        One parameter an age; steps, by their last ages; or a formula in ``age`` such as ``"bs(age, df=5)"``. Ages
        without an event of a cause share a parameter with their neighbour, and ``notes`` say so.
    strata : array_like, shape (n,), optional
        Each stratum (the contracted term) has a baseline of its own.
    varying : dict, optional
        Terms whose effect varies with age: to a formula in ``age``, or to the ages after which the effect steps.
    freq_weights : array_like, shape (n,), optional
        How many loans a row stands for.
    censored : label, optional
        The level of `event` that means still alive.
    missing : {"raise", "drop"}

    Attributes
    ----------
    causes : list of str
    nobs, n_rows, exposure : number
        Loans (sum of weights), rows, and loan-periods at risk.
    reach : int
        Longest age at which a loan was at risk.
    notes : list of str
        What was merged or left out.
    param_names, exog_names, terms
        As in :class:`~p2prisk.ordered.OrderedLogit`. With several causes a name begins with ``"cause: "``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"dti": rng.normal(size=2000)})
    >>> chance = 1 / (1 + np.exp(4 - 0.5 * frame["dti"]))
    >>> frame["age"] = np.minimum(rng.geometric(chance), 24)
    >>> frame["default"] = rng.random(2000) < (frame["age"] < 24)
    >>> result = HazardLogit.from_formula("default ~ dti", frame, exit="age", baseline="np.log(age)").fit()
    >>> list(result.params.index)
    ['dti', 'baseline', 'np.log(age)']
    >>> result.predict(frame.head(2), horizon=[12, 24]).shape
    (2, 2)
    """

    def __init__(self, event: Any, exit: Any, exog: Any = None, entry: Any = None, **options: Any) -> None:
        design, values = design_from_array(exog)
        if values is None:
            values = np.empty((len(event), 0))
        self._prepare(event, exit, entry, design, values, HazardOptions(**options))

    @classmethod
    def from_formula(
        cls, formula: str, data: pd.DataFrame, exit: Any, entry: Any = None, context: dict | None = None, **options: Any
    ) -> HazardLogit:
        """Model from a formula: ``"ending ~ dti + C(purpose)"``, with the column of the exit age as ``exit="age"``.

        Parameters
        ----------
        formula : str
            The column that says how the spell ended, and the traits, in the language of formulaic.
        data : DataFrame
        exit, entry : str or array_like
            Column names or values.
        context : dict, optional
            Further functions used in the formula.
        **options
            ``link, baseline, strata, varying, freq_weights, censored, missing`` of :class:`HazardLogit`; strata and
            freq_weights may be column names.
        """
        if not isinstance(data, pd.DataFrame):
            data = pd.DataFrame(data)
        if formula.count("~") != 1:
            raise ModelError(f"the formula {formula!r} needs one '~' between the ending and the traits")
        left, right = (side.strip() for side in formula.split("~"))
        left = left.strip("`")
        if left not in data:
            raise DataError(f"the ending {left!r} is no column of the data")
        chosen = HazardOptions(**options)
        needed = required_columns(right or "1", data, context)
        outcome = [c for c in (left, *(v for v in (exit, entry) if isinstance(v, str))) if c in map(str, needed)]
        if outcome:
            raise ModelError(f"{', '.join(outcome)} says how or when a spell ends and is also used as a trait")
        given = {"exit": exit, "entry": entry, "strata": chosen.strata, "freq_weights": chosen.freq_weights}
        given = {name: _values(data, value, name) for name, value in given.items()}
        absent = data[needed].isna()
        gone = absent.to_numpy().any(axis=1)
        dropped = {str(c): int(n) for c, n in absent.sum().items() if n}
        if gone.any() and chosen.missing == "raise":
            check_missing(data[needed], "the data")
        if gone.any():
            if gone.all():
                raise DataError(f"missing='drop' leaves no row; missing values by column: {dropped}")
            data = data[~gone]
            given = {name: None if value is None else value[~gone] for name, value in given.items()}
        if right in ("", "1", "0"):
            design, values = design_from_array(None)
            values = np.empty((len(data), 0))
        else:
            design, values = design_from_formula(right, data, context)
        self = cls.__new__(cls)
        columns = replace(chosen, strata=given["strata"], freq_weights=given["freq_weights"])
        self._prepare(data[left], given["exit"], given["entry"], design, values, columns)
        self.formula = f"{left} ~ {design.formula or '1'}"
        self.strata_name = chosen.strata if isinstance(chosen.strata, str) else None
        if gone.any():
            self.n_dropped += int(gone.sum())
            self.dropped_by_column = {**dropped, **self.dropped_by_column}
            kept = np.flatnonzero(~gone)
            self.kept_rows = kept if self.kept_rows is None else kept[self.kept_rows]
        return self

    @classmethod
    def from_tape(
        cls,
        tape: LoanTape,
        formula: str,
        ends: Literal["default", "early"] | None = None,
        unit: Literal["month", "quarter", "half-year", "year"] = "month",
        since: Any = None,
        lag: int | dict | None = None,
        **options: Any,
    ) -> HazardLogit:
        """Model of the loans of a tape, their ages and ends read from its dates.

        Parameters
        ----------
        tape : LoanTape
            With ``issue_date`` and the dates of the ends; :meth:`~p2prisk.tape.LoanTape.as_of` gives what was known.
        formula : str
            Right-hand side: traits only.
        ends, unit, since, lag
            As of :func:`p2prisk.hazard.spells`.
        **options
            As of :meth:`from_formula`.

        Examples
        --------
        >>> from p2prisk import load
        >>> tape = load("lendingclub-2018")
        >>> HazardLogit.from_tape(tape, "dti")
        Traceback (most recent call last):
            ...
        p2prisk.errors.DataError: the tape does not say when its loans ended: it has neither closed_date nor
        last_payment_date, so that the ages of the ends are not known
        """
        from p2prisk.hazard.spells import spells

        found = spells(tape, ends=ends, unit=unit, since=since, lag=lag)
        frame = tape.frame.loc[found.frame.index].assign(
            **{"__entry": found.frame["entry"], "__exit": found.frame["exit"], "ending": found.frame["ending"]}
        )
        self = cls.from_formula(f"ending ~ {formula}", frame, exit="__exit", entry="__entry", **options)
        self.notes = [*found.notes, *self.notes]
        self.unit = unit
        return self

    # -- preparation ------------------------------------------------------------

    def _prepare(self, event, exit, entry, design, values, options):
        self.formula, self.strata_name, self.unit = None, None, "period"
        self.link, self.design = options.link, design
        self.exog_names, self.terms = design.names, design.terms
        self.event_name = str(getattr(event, "name", None) or "event")
        codes, self.causes = _read_event(event, options.censored, self.event_name)
        n = len(codes)
        exit, entry = _ages(exit, n, "exit"), _ages(np.zeros(n) if entry is None else entry, n, "entry")
        weights = np.asarray(1.0 if options.freq_weights is None else options.freq_weights, float)
        weights = np.full(n, float(weights)) if weights.ndim == 0 else weights
        strata = None if options.strata is None else pd.Series(options.strata).reset_index(drop=True)
        for name, part in (("exog", values), ("freq_weights", weights), ("strata", strata)):
            if part is not None and len(part) != n:
                raise DataError(f"event has {n} rows and {name} {len(part)}")
        self.n_dropped, self.dropped_by_column, self.kept_rows = 0, {}, None
        holes = {self.event_name: codes < 0, "exit": np.isnan(exit), "entry": np.isnan(entry)}
        holes |= {name: np.isnan(column) for name, column in zip(design.names, values.T, strict=True)}
        holes |= {"freq_weights": np.isnan(weights)}
        if strata is not None:
            holes["strata"] = strata.isna().to_numpy()
        counts = {name: int(hole.sum()) for name, hole in holes.items() if hole.any()}
        if counts and options.missing == "raise":
            name = next(iter(counts))
            raise DataError(
                f"{name} has {counts[name]} missing values, the first in row {int(holes[name].argmax())}; "
                "drop these rows, or use missing='drop', which reports the count"
            )
        if counts:
            keep = ~np.any(list(holes.values()), axis=0)
            if not keep.any():
                raise DataError(f"missing='drop' leaves no row; missing values by column: {counts}")
            codes, exit, entry, values, weights = (part[keep] for part in (codes, exit, entry, values, weights))
            strata = None if strata is None else strata[keep].reset_index(drop=True)
            self.n_dropped, self.dropped_by_column = int((~keep).sum()), counts
            self.kept_rows = np.flatnonzero(keep)
        check_finite(values, design.names, "the data")
        _check_ages(entry, exit)
        if (weights < 0).any() or not np.isfinite(weights).all() or not (weights > 0).any():
            raise DataError("freq_weights must be finite, none negative and not all zero")
        self.exog, self.entry, self.exit = values, entry.astype(np.int32), exit.astype(np.int32)
        self.event_codes, self.weights, self.n_rows = codes.astype(np.int8), weights, len(codes)
        if strata is None:
            self.strata, place = [None], np.zeros(len(codes), np.int64)
        else:
            categories = pd.Categorical(strata).remove_unused_categories()
            self.strata, place = list(categories.categories), categories.codes.astype(np.int64)
        self.strata_codes = place
        self.n_ages = int(self.exit.max())
        self.reach = self.n_ages
        self.baseline, self.varying = options.baseline, dict(options.varying or {})
        self._describe()

    def _describe(self):
        """Cells, counts by cell, baseline, layout, names."""
        n_cells = self.n_ages * len(self.strata)
        base = (self.strata_codes * self.n_ages).astype(np.int32)
        self.first, self.last = base + self.entry, base + self.exit
        change = np.bincount(self.first, self.weights, n_cells + 1) - np.bincount(self.last, self.weights, n_cells + 1)
        self.at_risk = np.round(np.cumsum(change)[:-1], 9)
        self.events = np.stack(
            [
                np.bincount((self.last - 1)[self.event_codes == k], self.weights[self.event_codes == k], n_cells)
                for k in range(1, len(self.causes) + 1)
            ]
        )
        bases, baseline_names, self.notes = build_baseline(
            self.baseline, self.events, self.at_risk, self.n_ages, self.strata, self.causes
        )
        columns, shape, pairs, varying_names = build_shapes(
            self.varying, self.terms, self.exog_names, self.n_ages, len(self.strata)
        )
        self.layout = Layout(len(self.exog_names), self.n_ages, len(self.strata), bases, shape, columns, pairs)
        self.param_names = []
        for cause, own in zip(self.causes, baseline_names, strict=True):
            lead = "" if len(self.causes) == 1 else f"{cause}: "
            self.param_names += [lead + name for name in (*self.exog_names, *varying_names, *own)]
        self.nobs = _whole(self.weights.sum())
        self.exposure = _whole(float(self.weights @ (self.exit - self.entry)))
        if self.layout.n_params > self.exposure:
            raise ModelError(f"{self.layout.n_params} parameters cannot be estimated from {self.exposure} loan-periods")

    # -- fit ------------------------------------------------------------

    def fit(
        self,
        cov_type: Literal["nonrobust", "HC0", "cluster"] = "nonrobust",
        groups: Any = None,
        maxiter: int = newton.MAX_ITERATIONS,
        compiled: bool | None = None,
    ) -> HazardResults:
        """Maximum likelihood by Newton's method.

        Parameters
        ----------
        cov_type : {"nonrobust", "HC0", "cluster"}
            Inverse observed information, or a sandwich: by row, or by the group of `groups` (loan, month of issue).
        groups : array_like, shape (n_rows,), optional
        maxiter : int
        compiled : bool, optional
            Use the compiled kernel; by default where numba is installed and the data are large.

        Returns
        -------
        HazardResults

        Raises
        ------
        ModelError
            Collinear columns.
        SeparationError
            Some coefficient has no finite estimate: a level without any event of a cause.
        ConvergenceError
            The iteration does not settle, or fewer than 8 digits are correct.
        """
        groups = self._check_covariance(cov_type, groups)
        self._refuse_empty_levels()
        centre, scale = _centre_and_scale(self.exog, self.exog_names)
        centre = np.where(self.layout.may_centre(self.at_risk > 0), centre, 0.0)
        problem = Problem(self.layout, self.link, self._sorted(centre, scale), centre, scale, compiled)

        def diagnose(internal, step, history):
            for direction in (step, internal):
                self._raise_separation(direction, problem.spells)

        try:
            # the rows are spread over threads already, and the matrices are small
            with one_blas_thread():
                optimum = newton.maximise(problem, self._start(), self._check_rank, diagnose, maxiter)
        except np.linalg.LinAlgError as error:
            raise ModelError(f"the information matrix is singular: {error}") from error
        try:
            result = HazardResults._from_optimum(self, optimum)
        except ConvergenceError:
            self._raise_separation(np.linalg.solve(problem.to_user, optimum.step), problem.spells)
            raise
        return result if cov_type == "nonrobust" else result.with_covariance(cov_type, groups)

    def _sorted(self, centre, scale):
        """Rows sorted so that neighbours leave at like ages, in centred and scaled columns."""
        key = (self.strata_codes * (self.n_ages + 1) + self.exit) * (self.n_ages + 1) + self.entry
        order = np.argsort(key, kind="stable")
        exog = np.empty_like(self.exog, order="C", dtype=float)
        step = 65536
        for start in range(0, len(order), step):
            rows = order[start : start + step]
            exog[start : start + step] = (self.exog[rows] - centre) / scale
        return Spells(exog, self.first[order], self.last[order], self.event_codes[order], self.weights[order])

    def _start(self):
        """Effects of zero and a baseline near the life table."""
        layout, start = self.layout, np.zeros(self.layout.n_params)
        seen = self.at_risk > 0
        left = self.at_risk - self.events.sum(axis=0)
        for k, basis in enumerate(layout.bases):
            average = self.events[k].sum() / self.at_risk.sum()
            rate = np.log((self.events[k] + average) / (left + 1.0))[seen]
            root = np.sqrt(self.at_risk[seen])
            level = layout.cause_start(k) + layout.n_slopes
            fitted = np.linalg.lstsq(basis[seen] * root[:, None], rate * root, rcond=None)[0]
            start[level : level + basis.shape[1]] = fitted
        return start

    def _check_rank(self, information):
        layout, slopes = self.layout, self._slope_places()
        rest = [i for i in range(layout.n_params) if i not in set(slopes)]
        order = [*slopes, *rest]
        found = newton.dependent_columns(information[np.ix_(order, order)], len(slopes))
        if found:
            names = [self.param_names[i] for i in order]
            lines = [
                f"{names[place]} is a linear combination of "
                + (", ".join(names[k] for k in partners) or "the baseline (it is constant within each stratum)")
                for place, partners in found
            ]
            raise ModelError("the design matrix is collinear: " + "; ".join(lines) + ". Drop one column of each")

    def _slope_places(self):
        layout = self.layout
        return [layout.cause_start(k) + i for k in range(layout.n_causes) for i in range(layout.n_slopes)]

    def _refuse_empty_levels(self):
        """A 0/1 column without any event of a cause on one side has no finite estimate: said before the iteration."""
        varying = {int(self.layout.varying[place]) for place, _ in self.layout.pairs}
        for k, cause in enumerate(self.causes, 1):
            hit = (self.event_codes == k) & (self.weights > 0)
            ended = self.exog[hit]
            low, high = ended.min(axis=0), ended.max(axis=0)
            for j in np.flatnonzero(low == high):
                values = self.exog[:, j]
                if j in varying or not np.isin(values, (0.0, 1.0)).all() or values.min() == values.max():
                    continue
                raise SeparationError(
                    f"no finite estimate exists: all {int(self.weights[hit].sum())} loans that end by {cause!r} have "
                    f"{self.exog_names[j]} = {low[j]:g}. Merge the level with a neighbour or drop the column"
                )

    def _recedes(self, direction, spells):
        """Whether no loan-period's likelihood falls, and some rises, along a direction in internal parameters.

        Along it the predictor of what happened must not fall behind that of anything that could have (Albert and
        Anderson 1984, Biometrika 71); surviving has the predictor zero.
        """
        direction = np.where(np.abs(direction) > 1e-4 * np.abs(direction).max(), direction, 0.0)
        parts = self.layout.kernel_parts(self.layout.to_kernel @ (direction / np.abs(direction).max()))
        least = most = 0.0
        for start in range(0, len(spells), BLOCK_ROWS):
            part = spells.take(slice(start, start + BLOCK_ROWS))
            low = int(part.first.min())
            cells = np.arange(low, int(part.last.max()))
            moves = predictors(self.layout, parts, part.exog, cells)
            moves = np.concatenate([np.zeros((1, *moves.shape[1:])), moves])
            at_risk = (cells[:, None] >= part.first) & (cells[:, None] < part.last) & (part.weights > 0)
            happened = np.zeros(at_risk.shape, np.int64)
            happened[part.last - 1 - low, np.arange(len(part))] = part.event
            ahead = np.take_along_axis(moves, happened[None], axis=0) - moves
            least = min(least, float(ahead[:, at_risk].min()))
            most = max(most, float(ahead[:, at_risk].max()))
        return most > 0 and least > -1e-2 * most

    def _raise_separation(self, direction, spells):
        if direction is None or not np.isfinite(direction).all() or not np.abs(direction).max() > 0:
            return
        if not self._recedes(direction, spells):
            return
        size = np.abs(direction) / np.abs(direction).max()
        order = [i for i in np.argsort(-size, kind="stable") if size[i] > 0.05]
        slopes = set(self._slope_places())
        names = [self.param_names[i] for i in ([i for i in order if i in slopes] or order)[:6]]
        raise SeparationError(
            f"no finite estimate exists: the ends are separated by a combination of {', '.join(names)}, along which "
            "the likelihood rises without end. Merge sparse levels or ages, or drop the column"
        )

    # -- likelihood ------------------------------------------------------------

    def _rows(self, rows=slice(None)):
        return Spells(self.exog[rows], self.first[rows], self.last[rows], self.event_codes[rows], self.weights[rows])

    def loglike(self, params: ArrayLike) -> Any:
        """Log-likelihood at `params`; that of a binary or multinomial logit on the loan-periods."""
        return evaluate(self.layout, self.link, self.layout.to_kernel @ np.asarray(params), self._rows(), False, 0)[0]

    def score(self, params: ArrayLike) -> Any:
        """Gradient of the log-likelihood, shape (k,)."""
        return self.layout.to_kernel.T @ self._derivatives(params)[1]

    def hessian(self, params: ArrayLike) -> Any:
        """Second derivatives of the log-likelihood, shape (k, k)."""
        transform = self.layout.to_kernel
        return -(transform.T @ (transform.T @ self._derivatives(params)[2]).T)

    def _derivatives(self, params, compiled=False):
        return evaluate(
            self.layout, self.link, self.layout.to_kernel @ np.asarray(params, float), self._rows(), compiled
        )

    def score_obs(self, params: ArrayLike, rows: Any = slice(None)) -> Any:
        """Score of each row (not multiplied by its weight), shape (n, k)."""
        return score_rows(self.layout, self.link, np.asarray(params, float), self._rows(rows))

    def design_matrix(self, data: pd.DataFrame) -> Any:
        """Design matrix of new data, shape (n, p), in the columns of ``exog_names``."""
        return self.design.matrix(data)

    def _check_covariance(self, cov_type, groups):
        kinds = ("nonrobust", "HC0", "cluster")
        if cov_type not in kinds:
            raise ModelError(f"cov_type={cov_type!r} is not known; choose one of {', '.join(kinds)}")
        if (cov_type == "cluster") != (groups is not None):
            raise ModelError("cov_type='cluster' and groups= go together: the loan or month of issue of each row")
        if groups is None:
            return None
        groups = pd.Series(np.asarray(groups))
        if self.kept_rows is not None and len(groups) == self.n_rows + self.n_dropped:
            groups = groups.iloc[self.kept_rows]
        codes, distinct = pd.factorize(groups)
        if len(codes) != self.n_rows or (codes < 0).any() or len(distinct) < 2:
            raise DataError(
                f"groups needs a value for each of the {self.n_rows} rows and at least two groups; it has {len(codes)} "
                f"values, {int((codes < 0).sum())} missing, {len(distinct)} groups"
            )
        return codes

    def __repr__(self):
        what = self.formula or f"{self.event_name} on {len(self.exog_names)} columns"
        return f"<HazardLogit {what!r}, {self.n_rows} rows, {self.exposure} loan-periods, {self.link}>"


def _values(data, value, what):
    if value is None:
        return None
    if isinstance(value, str):
        if value not in data:
            raise DataError(f"{what}={value!r} is no column of the data")
        return data[value].array if what == "strata" else data[value].to_numpy(dtype=float, na_value=np.nan)
    if len(value) != len(data):
        raise DataError(f"{what} has {len(value)} values; the data have {len(data)} rows")
    return value if what == "strata" else np.asarray(value, float)


def _read_event(event, censored, name):
    """Codes (0 alive, 1 .. K, -1 missing) and the labels of the causes."""
    series = whole_numbers(pd.Series(event).reset_index(drop=True))
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = list(series.cat.categories)
        alive = levels[0] if censored is None else censored
    elif pd.api.types.is_bool_dtype(series.dtype):
        levels, alive = [False, True], False
    elif pd.api.types.is_numeric_dtype(series.dtype):
        levels, alive = sorted(series.dropna().unique()), 0 if censored is None else censored
        if any(level != int(level) for level in levels):
            raise DataError(f"{name} holds numbers that are not whole; 0 means still alive, 1, 2, ... are the causes")
        levels = [int(level) for level in levels]
    elif censored is not None:
        levels, alive = sorted(series.dropna().unique()), censored
    else:
        raise DataError(
            f"{name} is text; say which value means still alive: censored='open' (values: "
            f"{', '.join(map(str, sorted(series.dropna().unique())[:8]))})"
        )
    if alive not in levels and not pd.api.types.is_numeric_dtype(series.dtype):
        raise DataError(f"censored={alive!r} is no level of {name}; it has {', '.join(map(str, levels))}")
    seen = set(series.dropna().unique())
    causes = [level for level in levels if level != alive and level in seen]
    if not causes:
        raise DataError(f"no row of {name} ends: every one is {alive!r}; a hazard needs events")
    if len(causes) > 20:
        raise DataError(f"{name} has {len(causes)} different ends; it must be a cause, not a date or an age")
    place = pd.Series({alive: 0, **{cause: k for k, cause in enumerate(causes, 1)}})
    codes = np.full(len(series), -1)
    known = series.notna().to_numpy()
    codes[known] = place.reindex(series[known].astype(object)).to_numpy()
    return codes, [name if cause is True else str(cause) for cause in causes]


def _ages(values, n, what):
    values = np.asarray(pd.Series(values).to_numpy(dtype=float, na_value=np.nan))
    if values.shape != (n,):
        raise DataError(f"{what} has {values.shape[0]} values; the ending has {n}")
    broken = ~np.isnan(values) & ((values != np.floor(values)) | (values < 0) | (values > MAX_AGE))
    if broken.any():
        row = int(broken.argmax())
        raise DataError(
            f"{what} must be an age in whole periods from 0 to {MAX_AGE}; row {row} has {values[row]:g} "
            f"({int(broken.sum())} such rows)"
        )
    return values


def _check_ages(entry, exit):
    wrong = exit <= entry
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{int(wrong.sum())} rows were never at risk: exit must be above entry; the first is row {row} with entry "
            f"{entry[row]:g} and exit {exit[row]:g}. The first period of a loan is age 1"
        )


def _centre_and_scale(exog, names):
    if not exog.shape[1]:
        return np.zeros(0), np.ones(0)
    check_range(exog.min(axis=0), exog.max(axis=0), names)
    centre = exog.mean(axis=0)
    scale = np.empty(exog.shape[1])
    for column in range(exog.shape[1]):
        scale[column] = exog[:, column].std()
    return centre, np.where(scale > 0, scale, 1.0)


def _whole(number):
    return int(number) if number == int(number) else float(number)
