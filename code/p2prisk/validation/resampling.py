"""How much does the answer depend on the sample? Bootstrap, folds, out-of-time split, choices of sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError, said
from p2prisk.validation._input import check_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from p2prisk.kinds import DateLike


@dataclass(frozen=True)
class BootstrapResult:
    """Bootstrap of one or more statistics.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a statistic: ``estimate, bias, se, ci_low, ci_high``.
    draws : pandas.DataFrame
        One row a resample, one column a statistic.
    failed : int
        Resamples in which the statistic could not be computed; they are not in `draws`.
    """

    table: pd.DataFrame
    draws: pd.DataFrame
    failed: int


def _take(data, rows):
    if isinstance(data, (pd.DataFrame, pd.Series)):
        return data.iloc[rows]
    if isinstance(data, tuple):
        return tuple(_take(part, rows) for part in data)
    return np.asarray(data)[rows]


def _length(data):
    if isinstance(data, tuple):
        lengths = {_length(part) for part in data}
        if len(lengths) != 1:
            raise DataError(f"the parts of data have different lengths: {sorted(lengths)}")
        return lengths.pop()
    return len(data)


def bootstrap(
    statistic: Callable,
    data: pd.DataFrame | np.ndarray | tuple[Any, ...],
    strata: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    interval: Literal["percentile", "basic", "normal"] = "percentile",
) -> BootstrapResult:
    """Stratified (or grouped) bootstrap of any statistic.

    Parameters
    ----------
    statistic : callable
        ``statistic(resample)`` with a resample of the same type as `data`; returns a number, a dict or a
        Series of numbers.
    data : pandas.DataFrame, ndarray, or tuple of those with equal lengths
        One row a loan.
    strata : array_like, shape (n,), optional
        Resample within each stratum (the outcome, say), so that its counts stay as observed.
    groups : array_like, shape (n,), optional
        Resample whole groups (vintages, borrowers) instead of loans; not together with `strata`.
    n_resamples : int
    seed : int
        Seed of :class:`numpy.random.Generator`; the same seed gives the same draws.
    confidence : float
    interval : {"percentile", "basic", "normal"}

    Returns
    -------
    BootstrapResult

    Raises
    ------
    DataError
        When more than a tenth of the resamples fail (their first error is in the message).

    Notes
    -----
    Efron and Tibshirani (1993), *An Introduction to the Bootstrap*.

    Examples
    --------
    >>> r = bootstrap(np.mean, np.arange(100.0), n_resamples=200, seed=1)
    >>> r.table.loc["statistic", "estimate"].item()
    49.5
    """
    check_share(confidence, "confidence")
    if interval not in ("percentile", "basic", "normal"):
        raise DataError(f"interval {interval!r} is unknown; use 'percentile', 'basic' or 'normal'")
    if strata is not None and groups is not None:
        raise DataError("give strata or groups, not both")
    rows = _length(data)
    if rows < 2:
        raise DataError(f"{rows} rows cannot be resampled")
    labels = strata if strata is not None else groups
    blocks = None
    if labels is not None:
        labels = pd.Series(labels).reset_index(drop=True)
        if len(labels) != rows:
            raise DataError(f"strata or groups has {len(labels)} rows, the data have {rows}")
        if labels.isna().any():
            raise DataError(f"strata or groups is missing for {int(labels.isna().sum())} rows")
        blocks = list(labels.groupby(labels, observed=True).indices.values())
    rng = np.random.default_rng(seed)

    def draw():
        if blocks is None:
            return rng.integers(0, rows, rows)
        if strata is not None:
            return np.concatenate([block[rng.integers(0, block.size, block.size)] for block in blocks])
        return np.concatenate([blocks[i] for i in rng.integers(0, len(blocks), len(blocks))])

    def evaluate(sample):
        value = statistic(sample)
        return pd.Series(value if isinstance(value, (dict, pd.Series)) else {"statistic": value}, dtype=float)

    estimate = evaluate(data)
    draws, failed, first_error = [], 0, None
    for _ in range(int(n_resamples)):
        try:
            draws.append(evaluate(_take(data, draw())))
        except (ValueError, ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
            failed, first_error = failed + 1, first_error or error
    if failed > n_resamples / 10 or not draws:
        raise DataError(
            f"{failed} of {n_resamples} resamples failed; the first said: {said(first_error)}. "
            "Stratify by the outcome, or use a statistic that exists in every resample"
        )
    draws = pd.DataFrame(draws).reset_index(drop=True)
    tail = (1 - confidence) / 2
    low, high = draws.quantile(tail), draws.quantile(1 - tail)
    se = draws.std(ddof=1)
    if interval == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    elif interval == "normal":
        z = scipy.stats.norm.ppf(1 - tail)
        low, high = estimate - z * se, estimate + z * se
    table = pd.DataFrame(
        {"estimate": estimate, "bias": draws.mean() - estimate, "se": se, "ci_low": low, "ci_high": high}
    )
    table.index.name = "statistic"
    return BootstrapResult(table, draws, failed)


def stratified_folds(y: ArrayLike, n_folds: int = 5, seed: int = 0, groups: ArrayLike | None = None) -> np.ndarray:
    """Assign each loan to one of `n_folds` folds with equal class shares.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome to stratify by.
    n_folds : int
    seed : int
    groups : array_like, optional
        Loans of one group (borrower, vintage) stay in one fold.

    Returns
    -------
    ndarray of int, shape (n,)
        Fold number 0..n_folds-1; the splitting is scikit-learn's.

    Examples
    --------
    >>> np.bincount(stratified_folds([0, 1] * 10, 5)).tolist()
    [4, 4, 4, 4, 4]
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    codes = pd.factorize(pd.Series(y), sort=False)[0]
    if (codes < 0).any():
        raise DataError(f"the outcome is missing for {int((codes < 0).sum())} loans")
    smallest = np.bincount(codes).min()
    if smallest < n_folds:
        raise DataError(
            f"the rarest class has {smallest} loans, fewer than {n_folds} folds; use fewer folds or merge classes"
        )
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(n_folds, shuffle=True, random_state=seed)
    fold = np.empty(codes.size, dtype=int)
    for number, (_, test) in enumerate(splitter.split(np.zeros((codes.size, 1)), codes, groups)):
        fold[test] = number
    return fold


def cross_validate(fit_predict: Callable, frame: pd.DataFrame, folds: ArrayLike) -> np.ndarray | pd.DataFrame:
    """Predict every loan by a model that has not seen its fold.

    Parameters
    ----------
    fit_predict : callable
        ``fit_predict(train, test)`` with two DataFrames; returns predictions for `test`, one row a loan (a
        vector or a table of class probabilities).
    frame : pandas.DataFrame
        One row a loan, outcome included.
    folds : array_like of int, shape (n,)
        From :func:`stratified_folds`.

    Returns
    -------
    ndarray or pandas.DataFrame
        Predictions in the order of `frame`.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0.0, 1.0, 2.0, 3.0]})
    >>> mean_of_rest = lambda train, test: np.full(len(test), train["y"].mean())
    >>> cross_validate(mean_of_rest, frame, [0, 0, 1, 1]).tolist()
    [2.5, 2.5, 0.5, 0.5]
    """
    folds = np.asarray(folds)
    if folds.shape != (len(frame),):
        raise DataError(f"folds has shape {folds.shape}, the frame has {len(frame)} rows")
    numbers = np.unique(folds)
    if numbers.size < 2:
        raise DataError("at least two folds are needed")
    out, columns = None, None
    for number in numbers:
        inside = folds == number
        predicted = fit_predict(frame.loc[~inside], frame.loc[inside])
        columns = list(predicted.columns) if isinstance(predicted, pd.DataFrame) else columns
        predicted = np.asarray(predicted, dtype=float)
        if predicted.shape[0] != inside.sum():
            raise DataError(f"fold {number}: {predicted.shape[0]} predictions for {inside.sum()} loans")
        if out is None:
            out = np.empty((len(frame), *predicted.shape[1:]))
        out[inside] = predicted
    return out if columns is None else pd.DataFrame(out, index=frame.index, columns=columns)


@dataclass(frozen=True)
class OutOfTimeSplit:
    """Rows before and from a date on, and how many were left out.

    Attributes
    ----------
    train, test : pandas.DataFrame
    counts : pandas.Series
        ``train, test, missing_date, in_gap``.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    counts: pd.Series


def out_of_time_split(frame: pd.DataFrame, date: str, start: DateLike, gap: Any = None) -> OutOfTimeSplit:
    """Split loans by issue date: build on the earlier, test on the later.

    Parameters
    ----------
    frame : pandas.DataFrame
    date : str
        Column with the issue date.
    start : date-like
        First date of the test period.
    gap : pandas.Timedelta-like, optional
        Loans issued within this time before `start` are in neither part (outcomes not yet known at `start`).

    Returns
    -------
    OutOfTimeSplit
        Loans without a date are in neither part and are counted.

    Examples
    --------
    >>> frame = pd.DataFrame({"issued": pd.to_datetime(["2010-01-01", "2010-06-01", "2011-01-01"])})
    >>> out_of_time_split(frame, "issued", "2011-01-01").counts.to_dict()
    {'train': 2, 'test': 1, 'missing_date': 0, 'in_gap': 0}
    """
    if date not in frame.columns:
        raise DataError(f"no column {date!r} in the frame")
    try:
        when = pd.to_datetime(frame[date])
    except (ValueError, TypeError) as error:
        # not in pandas' words, which repeat a cell
        raise DataError(f"column {date!r} does not hold dates ({type(error).__name__})") from None
    start = pd.Timestamp(start)
    end = start - pd.Timedelta(gap) if gap is not None else start
    train, test = frame.loc[when < end], frame.loc[when >= start]
    if train.empty or test.empty:
        raise DataError(
            f"start {start.date()} leaves {len(train)} loans to build on and {len(test)} to test; the dates "
            f"run from {when.min()} to {when.max()}"
        )
    counts = pd.Series(
        {
            "train": len(train),
            "test": len(test),
            "missing_date": int(when.isna().sum()),
            "in_gap": int(((when >= end) & (when < start)).sum()),
        }
    )
    return OutOfTimeSplit(train, test, counts)


def sensitivity(
    fit: Callable, samples: dict, terms: Sequence[str] | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Estimates of one model under different choices of sample (or of anything else).

    Parameters
    ----------
    fit : callable
        ``fit(sample)`` returns fitted results with ``params`` and ``bse`` as Series.
    samples : dict of name to sample
        What each choice hands to `fit`: a frame, a mask, an option. The first is the reference.
    terms : sequence of str, optional
        Parameters to report; by default those that every choice has.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row a choice and term: ``choice, term, estimate, se, ci_low, ci_high, shift, nobs``; ``shift`` is
        the distance from the reference in the reference's standard errors. A choice in which a term does not
        occur has no row for it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def fit(x):
    ...     params, bse = pd.Series({"mean": np.mean(x)}), pd.Series({"mean": 0.5})
    ...     return SimpleNamespace(params=params, bse=bse, nobs=len(x))
    >>> sensitivity(fit, {"all": [1, 2, 3], "without 3": [1, 2]})["shift"].tolist()
    [0.0, -1.0]
    """
    z = scipy.stats.norm.ppf(0.5 + check_share(confidence, "confidence") / 2)
    if not samples:
        raise DataError("no sample was given")
    fitted = {name: fit(sample) for name, sample in samples.items()}
    reference = next(iter(fitted.values()))
    if terms is None:
        terms = [t for t in reference.params.index if all(t in r.params.index for r in fitted.values())]
    rows = []
    for name, result in fitted.items():
        for term in terms:
            if term not in result.params.index:
                continue
            value, se = float(result.params[term]), float(result.bse[term])
            shift = (value - reference.params[term]) / reference.bse[term] if term in reference.params.index else np.nan
            rows.append((name, term, value, se, value - z * se, value + z * se, shift, getattr(result, "nobs", np.nan)))
    if not rows:
        raise DataError(f"none of the terms {list(terms)} occurs in any of the fits")
    return pd.DataFrame(rows, columns=["choice", "term", "estimate", "se", "ci_low", "ci_high", "shift", "nobs"])
