"""Does the model serve all kinds of borrower alike? Discrimination, calibration and errors by subgroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.validation._input import as_event, as_numbers, as_weights, check_share
from p2prisk.validation.calibration import jeffreys_interval
from p2prisk.validation.discrimination import delong

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def subgroup_audit(
    event: ArrayLike,
    probability: ArrayLike,
    group: ArrayLike,
    threshold: float | None = None,
    freq_weights: ArrayLike | None = None,
    reference: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Audit a score by a column: sex, age band, state, purpose.

    Parameters
    ----------
    event : array_like of bool or 0/1, shape (n,)
        Whether the loan went bad.
    probability : array_like, shape (n,)
        Predicted probability of the event.
    group : array_like, shape (n,)
        Subgroup of each borrower; missing is a group of its own. Cut ages with :func:`pandas.cut` first.
    threshold : float, optional
        Loans with a probability of at least this are refused; by default the overall event rate.
    freq_weights : array_like, optional
        Loans a row stands for.
    reference : label, optional
        Group that the others are compared with; by default the largest.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row a group and a last row ``all``:

        - ``loans, events, observed, predicted``: rates;
        - ``ratio, ratio_low, ratio_high``: observed over predicted events, with the Jeffreys interval of the
          rate (above 1: the group is riskier than predicted);
        - ``auc, auc_low, auc_high``: DeLong;
        - ``refused`` with interval; ``false_positive_rate`` (good loans refused) and ``false_negative_rate``
          (bad loans accepted), each with a Jeffreys interval;
        - ``fpr_difference, auc_difference`` against the reference, with intervals (independent samples);
        - ``acceptance_ratio``: accepted share over that of the reference (below 0.8: the four-fifths rule);
        - ``note``: why a number is missing, in words.

    Raises
    ------
    DataError
        For a single group, an unknown reference, or bad input.

    Notes
    -----
    Equal error rates and calibration in each group cannot all hold when event rates differ (Chouldechova
    2017, Big Data 5(2); Kleinberg, Mullainathan and Raghavan 2017): the table shows them all and does not
    choose.

    Examples
    --------
    >>> y, p = [0, 0, 1, 1, 0, 1, 1, 0], [0.1, 0.3, 0.6, 0.9, 0.2, 0.7, 0.4, 0.5]
    >>> subgroup_audit(y, p, list("aaaabbbb"))["auc"].tolist()
    [1.0, 0.75, 0.9375]
    """
    event = as_event(event)
    rows = event.shape[0]
    probability = as_numbers(probability, "probability", rows)
    if ((probability < 0) | (probability > 1)).any():
        raise DataError("probability must lie between 0 and 1")
    weights = as_weights(freq_weights, rows)
    z = scipy.stats.norm.ppf(0.5 + check_share(confidence, "confidence") / 2)
    series = pd.Series(group).reset_index(drop=True)
    if len(series) != rows:
        raise DataError(f"group has {len(series)} rows, the outcome has {rows}")
    if series.isna().any():
        series = series.astype(object).where(series.notna(), "missing")
    if isinstance(series.dtype, pd.CategoricalDtype):
        names = [name for name in series.cat.categories if (series == name).any()]
    else:
        names = sorted(series.unique(), key=str)
    if len(names) < 2:
        raise DataError("all borrowers are in one group; there is nothing to compare")
    if "all" in names:
        raise DataError("a group is called 'all', which names the row of all loans; rename it")
    if threshold is None:
        threshold = float(np.average(event, weights=weights))
    masks = {name: (series == name).to_numpy() for name in names}
    if reference is None:
        reference = max(names, key=lambda name: weights[masks[name]].sum())
    if reference not in names:
        raise DataError(f"reference {reference!r} is not a group; groups: {names}")
    table = {name: _measures(event[m], probability[m], weights[m], threshold, confidence) for name, m in masks.items()}
    base = table[reference]
    for name, row in table.items():
        for measure, se in (("false_positive_rate", "_fpr_se"), ("auc", "_auc_se")):
            short = "fpr" if measure == "false_positive_rate" else "auc"
            difference = row[measure] - base[measure]
            spread = np.hypot(row[se], base[se]) if name != reference else 0.0
            row[f"{short}_difference"] = difference
            row[f"{short}_difference_low"], row[f"{short}_difference_high"] = (
                difference - z * spread,
                difference + z * spread,
            )
        accepted = 1 - base["refused"]
        row["acceptance_ratio"] = (1 - row["refused"]) / accepted if accepted > 0 else np.nan
        if accepted <= 0:
            row["note"] = "; ".join(filter(None, [row["note"], "the reference group is refused throughout"]))
    table["all"] = _measures(event, probability, weights, threshold, confidence)
    frame = pd.DataFrame(table).T.drop(columns=["_fpr_se", "_auc_se"])
    note = frame.pop("note").fillna("")
    frame = frame.astype(float).assign(note=note)
    frame.index.name = getattr(group, "name", None) or "group"
    frame.attrs.update(threshold=float(threshold), reference=reference)
    return frame


def _rate(row, name, hits, total, confidence, notes, what):
    """Write a rate and its Jeffreys interval, or say why there is none."""
    if total > 0:
        low, high = jeffreys_interval(hits, total, confidence)
        row[name], row[f"{name}_low"], row[f"{name}_high"] = hits / total, float(low), float(high)
        return float(np.sqrt(max(hits / total * (1 - hits / total), 0.0) / total))
    row[name] = row[f"{name}_low"] = row[f"{name}_high"] = np.nan
    notes.append(f"no {what}, so no {name.replace('_', ' ')}")
    return np.nan


def _measures(event, probability, weights, threshold, confidence):
    loans, events = float(weights.sum()), float(weights[event].sum())
    notes, row = [], {"loans": loans, "events": events}
    _rate(row, "observed", events, loans, confidence, notes, "loans")
    row["predicted"] = float(np.average(probability, weights=weights)) if loans > 0 else np.nan
    for suffix in ("", "_low", "_high"):
        row[f"ratio{suffix}"] = row[f"observed{suffix}"] / row["predicted"] if row["predicted"] > 0 else np.nan
    if min(events, loans - events) >= 2:
        line = delong(event, probability, weights, confidence).table.iloc[0]
        row["auc"], row["auc_low"], row["auc_high"], row["_auc_se"] = line[["auc", "ci_low", "ci_high", "se"]]
    else:
        row["auc"] = row["auc_low"] = row["auc_high"] = row["_auc_se"] = np.nan
        notes.append(f"{events:g} events in {loans:g} loans, so no AUC")
    refused = probability >= threshold
    _rate(row, "refused", float(weights[refused].sum()), loans, confidence, notes, "loans")
    row["_fpr_se"] = _rate(
        row,
        "false_positive_rate",
        float(weights[refused & ~event].sum()),
        loans - events,
        confidence,
        notes,
        "good loans",
    )
    _rate(row, "false_negative_rate", float(weights[~refused & event].sum()), events, confidence, notes, "bad loans")
    row["note"] = "; ".join(notes)
    return row


def subgroup_calibration_test(
    event: ArrayLike, probability: ArrayLike, group: ArrayLike, freq_weights: ArrayLike | None = None
) -> pd.Series:
    """Is the model equally calibrated in all subgroups? One likelihood-ratio test.

    Parameters
    ----------
    event, probability, group, freq_weights
        As in :func:`subgroup_audit`; probabilities strictly between 0 and 1.

    Returns
    -------
    pandas.Series
        ``chi2, df, pvalue``: logistic regressions of the event with the predicted log-odds as offset, one
        intercept for all against one a group.

    Examples
    --------
    >>> p = [0.25] * 16
    >>> y = [1, 0, 0, 0] * 4
    >>> subgroup_calibration_test(y, p, ["a"] * 8 + ["b"] * 8)["chi2"].round(6).item()
    0.0
    """
    import statsmodels.api as sm
    from scipy.special import logit

    event = as_event(event)
    probability = as_numbers(probability, "probability", event.shape[0])
    if ((probability <= 0) | (probability >= 1)).any():
        raise DataError("probabilities must lie strictly between 0 and 1 here; log-odds of 0 and 1 are infinite")
    weights = as_weights(freq_weights, event.shape[0])
    codes, names = pd.factorize(pd.Series(group), use_na_sentinel=False)
    deviance, offset = {}, logit(probability)
    if len(names) < 2:
        raise DataError("all borrowers are in one group; there is nothing to compare")
    deviance["one"] = _offset_deviance(sm, event, offset, weights)
    deviance["own"] = sum(
        _offset_deviance(sm, event[codes == k], offset[codes == k], weights[codes == k]) for k in range(len(names))
    )
    value = max(deviance["one"] - deviance["own"], 0.0)
    return pd.Series({"chi2": value, "df": len(names) - 1, "pvalue": scipy.stats.chi2.sf(value, len(names) - 1)})


def _offset_deviance(sm, event, offset, weights):
    if weights[event].sum() in (0.0, weights.sum()):
        return 0.0  # the intercept runs to infinity and the fit is perfect
    return (
        sm.GLM(
            event.astype(float),
            np.ones((event.size, 1)),
            family=sm.families.Binomial(),
            offset=offset,
            freq_weights=weights,
        )
        .fit()
        .deviance
    )
