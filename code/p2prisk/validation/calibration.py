"""Do the predicted probabilities come true? Reliability, slope and intercept, Jeffreys test, Brier score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import special
from scipy.special import logit

from p2prisk.errors import DataError, SeparationError
from p2prisk.validation._input import (
    as_event,
    as_numbers,
    as_weights,
    both_kinds,
    check_share,
    cut_labels,
    outcome_and_probabilities,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _probability(probability, rows):
    vector = as_numbers(probability, "probability", rows)
    bad = (vector < 0) | (vector > 1)
    if bad.any():
        raise DataError(f"probability must lie between 0 and 1; row {int(np.argmax(bad))} holds {vector[bad][0]:g}")
    return vector


def jeffreys_interval(events: ArrayLike, loans: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Jeffreys interval of a default rate.

    Parameters
    ----------
    events, loans : array_like
        Bad loans and all loans (counts).
    confidence : float
        Level.

    Returns
    -------
    low, high : ndarray
        Quantiles of Beta(events + 1/2, loans - events + 1/2); the lower end is 0 when there is no event, the
        upper end 1 when all are events (Brown, Cai and DasGupta 2001, Statistical Science 16(2)).

    Examples
    --------
    >>> [x.round(4).item() for x in jeffreys_interval(5, 100)]
    [0.0193, 0.1061]
    """
    check_share(confidence, "confidence")
    events, loans = np.asarray(events, dtype=float), np.asarray(loans, dtype=float)
    if (events < 0).any() or (events > loans).any():
        raise DataError("events must lie between 0 and the number of loans")
    tail = (1 - confidence) / 2
    low = special.betaincinv(events + 0.5, loans - events + 0.5, tail)
    high = special.betaincinv(events + 0.5, loans - events + 0.5, 1 - tail)
    return np.where(events == 0, 0.0, low), np.where(events == loans, 1.0, high)


def jeffreys_test(events: ArrayLike, loans: ArrayLike, default_probability: ArrayLike) -> float | np.ndarray:
    """One-sided Jeffreys test that a default probability is not too low.

    Parameters
    ----------
    events, loans : array_like
        Defaults and loans of a grade.
    default_probability : array_like
        The probability assigned to the grade.

    Returns
    -------
    float or ndarray
        Posterior probability, under the Jeffreys prior, that the true rate is at most the assigned one;
        small values say that the assigned probability is too low.

    Notes
    -----
    Used for PD back-testing by the European Central Bank (2019), *Instructions for reporting the validation
    results of internal models*: ``Pr(theta <= PD)``, theta ~ Beta(d + 1/2, n - d + 1/2).

    Examples
    --------
    >>> round(jeffreys_test(12, 200, 0.04), 4)
    0.0809
    """
    events, loans = np.asarray(events, dtype=float), np.asarray(loans, dtype=float)
    default_probability = np.asarray(default_probability, dtype=float)
    if (events < 0).any() or (events > loans).any():
        raise DataError("events must lie between 0 and the number of loans")
    if ((default_probability < 0) | (default_probability > 1)).any():
        raise DataError("default_probability must lie between 0 and 1")
    value = special.betainc(events + 0.5, loans - events + 0.5, default_probability)
    return float(value) if np.ndim(value) == 0 else value


def jeffreys_test_by_grade(
    event: ArrayLike,
    probability: ArrayLike,
    grade: ArrayLike,
    freq_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Jeffreys test of each grade's mean predicted probability against its defaults.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
    probability : array_like, shape (n,)
        Predicted probability of the event; averaged within the grade.
    grade : array_like, shape (n,)
        Grade of each loan; an ordered Categorical keeps its order.
    freq_weights, confidence
        As elsewhere.

    Returns
    -------
    pandas.DataFrame
        Index grade; ``loans, events, predicted, observed, ci_low, ci_high, pvalue, pvalue_holm``. ``pvalue``
        is one sided (too low a probability); ``pvalue_holm`` allows for the number of grades (Holm 1979).

    Examples
    --------
    >>> jeffreys_test_by_grade([0, 0, 1, 1], [0.1, 0.1, 0.5, 0.5], ["A", "A", "B", "B"])["events"].tolist()
    [0.0, 2.0]
    """
    event = as_event(event)
    probability = _probability(probability, event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    grade = pd.Series(grade).reset_index(drop=True)
    if grade.isna().any():
        raise DataError(f"grade is missing for {int(grade.isna().sum())} loans")
    frame = pd.DataFrame({"loans": weights, "events": weights * event, "predicted": weights * probability})
    table = frame.groupby(grade, observed=True).sum()
    table["predicted"] /= table["loans"]
    table["observed"] = table["events"] / table["loans"]
    table["ci_low"], table["ci_high"] = jeffreys_interval(table["events"], table["loans"], confidence)
    table["pvalue"] = jeffreys_test(table["events"], table["loans"], table["predicted"])
    table["pvalue_holm"] = holm(table["pvalue"])
    table.index.name = grade.name or "grade"
    return table


def holm(pvalues: ArrayLike) -> Any:
    """Holm's adjustment of p-values for the number of tests.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(pvalues, dtype=float)
    order = np.argsort(values)
    steps = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _bins(probability, weights, bins, strategy):
    if not isinstance(bins, (int, np.integer)) or bins < 1:
        raise DataError(f"bins must be a positive whole number, not {bins!r}")
    if strategy == "width":
        return np.minimum((probability * bins).astype(int), bins - 1)
    if strategy != "quantile":
        raise DataError(f"strategy {strategy!r} is unknown; use 'quantile' (equal counts) or 'width' (equal width)")
    # Loans with the same probability stay together, so that a bin never splits a grade.
    values, group = np.unique(probability, return_inverse=True)
    count = np.bincount(group, weights)
    middle = (np.cumsum(count) - count / 2) / count.sum()
    return np.minimum((middle * bins).astype(int), bins - 1)[group]


def reliability_table(
    event: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    strategy: Literal["quantile", "width"] = "quantile",
    freq_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Predicted against observed rates in bins of the predicted probability.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
    probability : array_like, shape (n,)
        Predicted probability of the event.
    bins : int
        Number of bins; bins without loans are left out.
    strategy : {"quantile", "width"}
        Equal counts (loans with equal probabilities stay together) or equal width.
    freq_weights : array_like, optional
        Loans a row stands for.
    confidence : float
        Level of the Jeffreys intervals.

    Returns
    -------
    pandas.DataFrame
        One row a bin: ``loans, events, predicted, observed, ci_low, ci_high``.

    Examples
    --------
    >>> reliability_table([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7], bins=2)["observed"].tolist()
    [0.0, 1.0]
    """
    event = as_event(event)
    probability = _probability(probability, event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    which = _bins(probability, weights, bins, strategy)
    frame = pd.DataFrame({"loans": weights, "events": weights * event, "predicted": weights * probability})
    table = frame.groupby(which).sum()
    table = table[table["loans"] > 0].reset_index(drop=True)
    table["predicted"] /= table["loans"]
    table["observed"] = table["events"] / table["loans"]
    table["ci_low"], table["ci_high"] = jeffreys_interval(table["events"], table["loans"], confidence)
    table.index.name = "bin"
    return table


def reliability_by_cut(
    y: ArrayLike,
    probabilities: ArrayLike,
    bins: int = 10,
    strategy: Literal["quantile", "width"] = "quantile",
    freq_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """:func:`reliability_table` of ``P(Y > j)`` at every cut of an ordinal outcome.

    Returns
    -------
    pandas.DataFrame
        Columns of :func:`reliability_table` with a first column ``cut``.

    Examples
    --------
    >>> p = [[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]]
    >>> reliability_by_cut([0, 2], p, bins=1)["cut"].tolist()
    ['0|1', '1|2']
    """
    codes, labels, matrix = outcome_and_probabilities(y, probabilities)
    frames = [
        reliability_table(codes > j, _tail(matrix, j), bins, strategy, freq_weights, confidence).assign(cut=cut)
        for j, cut in enumerate(cut_labels(labels))
    ]
    frame = pd.concat(frames, ignore_index=True)
    return frame[["cut", *[column for column in frame if column != "cut"]]]


def _tail(matrix, j):
    """P(Y > j), kept inside [0, 1] against rounding."""
    return np.clip(matrix[:, j + 1 :].sum(axis=1), 0.0, 1.0)


def expected_calibration_error(
    event: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    strategy: Literal["quantile", "width"] = "quantile",
    freq_weights: ArrayLike | None = None,
) -> float:
    """Mean distance of observed from predicted rates over bins, weighted by loans.

    Returns
    -------
    float

    Notes
    -----
    Naeini, Cooper and Hauskrecht (2015). It is above zero even for perfect probabilities, by the noise of
    the bins: :func:`calibration_by_cut` puts that noise level beside it.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7], bins=2), 4)
    0.25
    """
    table = reliability_table(event, probability, bins, strategy, freq_weights)
    return float(np.average((table["observed"] - table["predicted"]).abs(), weights=table["loans"]))


def _noise_level(table):
    """Expected calibration error of perfect probabilities: E|N(0, p(1-p)/n)| averaged over bins."""
    spread = np.sqrt(table["predicted"] * (1 - table["predicted"]) / table["loans"] * 2 / np.pi)
    return float(np.average(spread, weights=table["loans"]))


def calibration_slope_intercept(
    event: ArrayLike, probability: ArrayLike, freq_weights: ArrayLike | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Calibration slope and intercept of predicted probabilities.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
    probability : array_like, shape (n,)
        Predicted probability of the event, strictly between 0 and 1.
    freq_weights, confidence
        As elsewhere.

    Returns
    -------
    pandas.DataFrame
        Rows ``slope`` (of the log-odds of the event on the predicted log-odds; 1 is calibrated, below 1 the
        predictions are too extreme), ``intercept`` (of that same regression) and ``in the large`` (the
        intercept when the slope is held at 1; above 0 the predictions are too low); columns ``value, se,
        ci_low, ci_high``.

    Notes
    -----
    Cox (1958), Biometrika 45; weak calibration in the sense of Van Calster et al. (2019), BMC Medicine 17.
    Both are binary logits.

    Examples
    --------
    >>> p = [0.2] * 10 + [0.6] * 10
    >>> y = [1] * 2 + [0] * 8 + [1] * 6 + [0] * 4
    >>> abs(calibration_slope_intercept(y, p)["value"].round(6)).tolist()
    [1.0, 0.0, 0.0]
    """
    from p2prisk.ordered import OrderedLogit

    event = as_event(event)
    probability = _probability(probability, event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    extreme = (probability <= 0) | (probability >= 1)
    if extreme.any():
        raise DataError(
            f"{int(extreme.sum())} probabilities are exactly 0 or 1 (first at row "
            f"{int(np.argmax(extreme))}); their log-odds are infinite and the slope is undefined"
        )
    both_kinds(event, weights, "the sample to calibrate on")
    odds = logit(probability)
    if np.ptp(odds[weights > 0]) == 0:
        raise DataError("all predicted probabilities are equal; a calibration slope needs at least two values")
    try:
        full = OrderedLogit(event.astype(int), odds[:, None], freq_weights=weights).fit()
    except SeparationError as error:
        raise DataError(
            "the probabilities separate events from non-events; no finite calibration slope exists in this sample"
        ) from error
    large = OrderedLogit(event.astype(int), offset=odds, freq_weights=weights).fit()
    # the threshold of a binary logit is minus its intercept
    estimate = np.append(full.params, large.params) * [1, -1, -1]
    se = np.append(full.bse, large.bse)
    z = special.ndtri(0.5 + check_share(confidence, "confidence") / 2)
    return pd.DataFrame(
        {"value": estimate, "se": se, "ci_low": estimate - z * se, "ci_high": estimate + z * se},
        index=pd.Index(["slope", "intercept", "in the large"], name="calibration"),
    )


def brier_decomposition(
    event: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    strategy: Literal["quantile", "width"] = "quantile",
    freq_weights: ArrayLike | None = None,
) -> pd.Series:
    """Brier score and its parts.

    Returns
    -------
    pandas.Series
        ``brier = reliability - resolution + uncertainty + within_bin`` exactly; ``skill`` is
        ``1 - brier/uncertainty``. Small reliability is good, large resolution is good.

    Notes
    -----
    Murphy (1973), Journal of Applied Meteorology 12; ``within_bin`` collects the two terms that vanish only
    when all probabilities of a bin are equal (Stephenson, Coelho and Jolliffe 2008, Weather and Forecasting
    23).

    Examples
    --------
    >>> parts = brier_decomposition([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7], bins=2)
    >>> parts[["brier", "reliability", "resolution", "uncertainty"]].round(4).tolist()
    [0.065, 0.065, 0.25, 0.25]
    """
    event = as_event(event)
    probability = _probability(probability, event.shape[0])
    weights = as_weights(freq_weights, event.shape[0])
    table = reliability_table(event, probability, bins, strategy, weights)
    share = table["loans"] / table["loans"].sum()
    rate = float(np.average(event, weights=weights))
    brier = float(np.average((event - probability) ** 2, weights=weights))
    reliability = float(share @ (table["observed"] - table["predicted"]) ** 2)
    resolution = float(share @ (table["observed"] - rate) ** 2)
    uncertainty = rate * (1 - rate)
    return pd.Series(
        {
            "brier": brier,
            "reliability": reliability,
            "resolution": resolution,
            "uncertainty": uncertainty,
            "within_bin": brier - (reliability - resolution + uncertainty),
            "skill": 1 - brier / uncertainty if uncertainty > 0 else np.nan,
        }
    )


def calibration_by_cut(
    y: ArrayLike,
    probabilities: ArrayLike,
    bins: int = 10,
    strategy: Literal["quantile", "width"] = "quantile",
    freq_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Calibration of an ordinal forecast in one table: a row a cut.

    Returns
    -------
    pandas.DataFrame
        Index ``cut``; ``predicted, observed`` (mean rates of ``Y > j``), ``slope`` and ``in_the_large`` with
        intervals (see :func:`calibration_slope_intercept`), ``ece`` and ``ece_noise`` (what perfect
        probabilities would show in these bins), ``brier`` and ``brier_skill``.

    Examples
    --------
    >>> p = [[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]] * 20
    >>> calibration_by_cut([0, 2, 2, 0] * 10, p)["predicted"].round(3).tolist()
    [0.6, 0.3]
    """
    codes, labels, matrix = outcome_and_probabilities(y, probabilities)
    weights = as_weights(freq_weights, codes.shape[0])
    rows = []
    for j in range(len(labels) - 1):
        event, probability = codes > j, _tail(matrix, j)
        line = calibration_slope_intercept(event, probability, weights, confidence)
        table = reliability_table(event, probability, bins, strategy, weights, confidence)
        brier = brier_decomposition(event, probability, bins, strategy, weights)
        rows.append(
            {
                "predicted": np.average(probability, weights=weights),
                "observed": np.average(event, weights=weights),
                "slope": line.loc["slope", "value"],
                "slope_low": line.loc["slope", "ci_low"],
                "slope_high": line.loc["slope", "ci_high"],
                "in_the_large": line.loc["in the large", "value"],
                "in_the_large_low": line.loc["in the large", "ci_low"],
                "in_the_large_high": line.loc["in the large", "ci_high"],
                "ece": np.average((table["observed"] - table["predicted"]).abs(), weights=table["loans"]),
                "ece_noise": _noise_level(table),
                "brier": brier["brier"],
                "brier_skill": brier["skill"],
            }
        )
    return pd.DataFrame(rows, index=pd.Index(cut_labels(labels), name="cut"))
