"""Would it have worked? Decide on a day with what was known on it, and be judged by what came.

A test on later loans is honest only if the model has not seen outcomes that nobody knew on the day of decision.
:func:`rolling_origin` winds the tape back to each day, fits, scores the loans issued next with what was known when they
were issued, and judges the scores by the final outcomes. Its intervals refit: months of issue are drawn again, and the
model with them (loans of one month share a market; Künsch 1989, Annals of Statistics 17, for blocks of a time series).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError, P2PRiskError
from p2prisk.tape import COLUMNS, LoanTape
from p2prisk.validation._input import check_share
from p2prisk.validation.discrimination import auc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from p2prisk.kinds import DateLike

ALL = "all"


@dataclass(frozen=True)
class MonthBootstrap:
    """Resamples of months of issue, and the intervals made of them.

    Attributes
    ----------
    resamples : int
        Each takes as many refits as there are decision dates.
    block : int
        Months of issue a block.
    seed : int
    confidence : float
    interval : {"normal", "percentile"}
        Estimate plus and minus quantiles of the normal times the standard deviation of the draws; or quantiles of the
        draws. A model fitted to a resample learns from fewer different months, so that the draws of its area lie below
        the estimate: quantiles of them would count the loss twice.
    progress : callable, optional
        ``progress(done, total)`` after every resample.

    Raises
    ------
    DataError
        A setting that is none of these.
    """

    resamples: int
    block: int = 1
    seed: int = 0
    confidence: float = 0.95
    interval: Literal["normal", "percentile"] = "normal"
    progress: Callable | None = None

    def __post_init__(self) -> None:
        check_share(self.confidence, "confidence")
        if self.interval not in ("normal", "percentile"):
            raise DataError(f"interval {self.interval!r} is unknown; use 'normal' or 'percentile'")
        if self.resamples < 1 or self.block < 1:
            raise DataError("resamples and months a block are whole numbers, at least one")


@dataclass(frozen=True)
class RollingOrigin:
    """What :func:`rolling_origin` found.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a decision date and group (``all`` first): ``loans``, ``events``, ``unjudged`` (issued in the window,
        final outcome not known), ``known_events`` (losses known on the date), ``auc``, and with `against`
        ``auc_against`` and ``difference``; ``predicted`` and ``observed`` where scores are probabilities. With
        resamples ``..._low`` and ``..._high``. With several dates a last block, date ``mean``, averages over them.
    scores : pandas.DataFrame
        One row a judged loan: ``date``, ``row`` (of the tape's frame), ``score``, ``event``.
    draws : pandas.DataFrame
        Statistics of each resample, without groups of which it has no loss or no good loan.
    failed : int
        Resamples in which the model could not be fitted; they are not in `draws`.
    notes : list of str
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    draws: pd.DataFrame = None
    failed: int = 0
    notes: list = field(default_factory=list)


def rolling_origin(
    tape: LoanTape,
    dates: Sequence[DateLike],
    fit: Callable,
    *,
    window: int = 12,
    by: str | None = None,
    against: str | None = None,
    lag: int | dict | None = None,
    bootstrap: MonthBootstrap | None = None,
) -> RollingOrigin:
    """Fit on what was known on each day, score the loans issued next, judge on their final outcomes.

    Parameters
    ----------
    tape : LoanTape
        With ``issue_date``, dated ends, and the final outcome ``bad``.
    dates : sequence of date-like
        Decision dates; month ends where the tape dates by the month.
    fit : callable
        ``fit(tape)`` is given the tape as of the date and returns a function of a frame: one score a loan, higher is
        riskier. That function sees the columns known at issue only.
    window : int
        Months after the date whose loans are scored.
    by : str, optional
        Column of groups (the term) judged also apart.
    against : str, optional
        Column of a score to compare with on the same loans (``sub_grade``): a number or an ordered category.
    lag : int or dict, optional
        As of :meth:`p2prisk.tape.LoanTape.as_of`.
    bootstrap : MonthBootstrap, optional
        Intervals from refits to resampled months.

    Returns
    -------
    RollingOrigin

    Raises
    ------
    DataError
        A date without loans to learn from or to judge on; a score that is missing; more than a tenth of the resamples
        failed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> n = 3000
    >>> frame = pd.DataFrame({"dti": rng.uniform(0, 30, n), "term": 12, "bad": rng.random(n) < 0.1})
    >>> frame["issue_date"] = pd.Timestamp("2009-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    >>> frame["status"] = pd.Categorical(np.where(frame["bad"], "charged off", "paid"))
    >>> frame["closed_date"] = frame["issue_date"] + pd.to_timedelta(rng.integers(30, 365, n), unit="D")
    >>> tape = LoanTape(frame, {"record_date": "2013-12-31"})
    >>> by_dti = lambda known: lambda later: later["dti"]
    >>> found = rolling_origin(tape, ["2009-12-31", "2010-12-31"], by_dti)
    >>> found.table[["date", "group", "loans"]].values.tolist()
    [['2009-12-31', 'all', 1075], ['2010-12-31', 'all', 797], ['mean', 'all', 1872]]
    """
    frame = tape.frame
    lacking = [name for name in ("issue_date", "bad", by, against) if name is not None and name not in frame]
    if lacking:
        raise DataError(f"rolling_origin needs the columns {', '.join(lacking)}, which the tape does not have")
    if window < 1:
        raise DataError("window is a number of whole months, at least one")
    days = [pd.Timestamp(date) for date in np.atleast_1d(np.asarray(dates, dtype=object))]
    if len(set(days)) != len(days) or not days:
        raise DataError("dates must be given, each once")
    comparison = None if against is None else _as_score(frame[against], against)
    origins = [_Origin(tape, day, window, by, comparison, lag) for day in sorted(days)]
    table, scores = [], []
    for origin in origins:
        score = origin.score(fit, origin.known)
        table += origin.judge(score)
        scores.append(
            pd.DataFrame({"date": f"{origin.day:%Y-%m-%d}", "row": origin.rows, "score": score, "event": origin.event})
        )
    table = _with_mean(pd.DataFrame(table), len(origins))
    found = RollingOrigin(
        table, pd.concat(scores, ignore_index=True), notes=[note for origin in origins for note in origin.notes]
    )
    if bootstrap is None:
        return found
    draws, failed = _resampled(frame, origins, fit, bootstrap)
    return replace(found, table=_with_limits(table, draws, bootstrap), draws=draws, failed=failed)


def _resampled(frame, origins, fit, bootstrap):
    """Statistics of every resample of months, each with its refits; and in how many no model could be fitted."""
    draws, failed, first, total = [], 0, None, int(bootstrap.resamples)
    months = _months(frame["issue_date"]) // bootstrap.block
    blocks = np.unique(months[~np.isnan(months)])
    for number in range(total):
        rng = np.random.default_rng([bootstrap.seed, number])
        count = pd.Series(np.bincount(rng.integers(0, len(blocks), len(blocks)), minlength=len(blocks)), blocks)
        try:
            rows = []
            for origin in origins:
                known = _repeat(origin.known, count, bootstrap.block)
                weights = count.reindex(months[origin.rows]).to_numpy(dtype=float)
                rows += origin.judge(origin.score(fit, known), weights)
            drawn = _with_mean(pd.DataFrame(rows), len(origins))
            draws.append(drawn.assign(resample=number))
        except (P2PRiskError, np.linalg.LinAlgError) as error:
            failed, first = failed + 1, first or error
        if bootstrap.progress is not None:
            bootstrap.progress(number + 1, total)
    if failed > total / 10 or not draws:
        raise DataError(f"{failed} of {total} resamples failed; the first said: {first}")
    return pd.concat(draws, ignore_index=True), failed


class _Origin:
    """One decision date: what was known, and the loans to be judged."""

    def __init__(self, tape, day, window, by, comparison, lag):
        frame = tape.frame
        self.day, self.notes = day, []
        self.known = tape.as_of(day, lag)
        losses = self.known.frame.get("status", pd.Series(dtype=object)).isin(["charged off", "default"])
        self.known_events = int(losses.sum())
        later = (frame["issue_date"] >= day.normalize() + pd.Timedelta(days=1)) & (
            frame["issue_date"] < day.normalize() + pd.Timedelta(days=1) + pd.DateOffset(months=int(window))
        )
        final = frame["bad"].notna()
        for name in ("mature", "resolved"):
            if name in frame:
                final &= frame[name].fillna(False).astype(bool)
        self.rows = np.flatnonzero(later & final)
        if not len(self.rows):
            raise DataError(
                f"{int(later.sum())} loans were issued in the {window} months after {day:%Y-%m-%d}, none with a final "
                "outcome"
            )
        self.unjudged = later & ~final
        allowed = [name for name in frame if name in COLUMNS and COLUMNS[name].known in ("issue", "platform", "key")]
        self.frame = frame[allowed].iloc[self.rows]
        self.event = frame["bad"].iloc[self.rows].astype(bool).to_numpy()
        self.comparison = None if comparison is None else comparison[self.rows]
        if self.comparison is not None and np.isnan(self.comparison).any():
            count = int(np.isnan(self.comparison).sum())
            raise DataError(
                f"the score to compare with is missing for {count} of the loans issued after {day:%Y-%m-%d}"
            )
        self.groups = {ALL: np.ones(len(self.rows), bool)}
        self.unjudged_by = {ALL: int(self.unjudged.sum())}
        if by is not None:
            values = frame[by].iloc[self.rows].to_numpy()
            for value in pd.unique(frame[by].iloc[self.rows].sort_values()):
                self.groups[f"{value}"] = values == value
                self.unjudged_by[f"{value}"] = int((self.unjudged & (frame[by] == value)).sum())

    def score(self, fit, known):
        score = np.asarray(fit(known)(self.frame), dtype=float)
        if score.shape != (len(self.rows),):
            raise DataError(
                f"the fit of {self.day:%Y-%m-%d} gives scores of shape {score.shape} for {len(self.rows)} loans"
            )
        if not np.isfinite(score).all():
            raise DataError(
                f"the fit of {self.day:%Y-%m-%d} gives no score for {int((~np.isfinite(score)).sum())} of {len(score)} "
                "loans"
            )
        return score

    def judge(self, score, weights=None):
        drawn, weights = weights is not None, np.ones(len(score)) if weights is None else weights
        probability = 0 <= score.min() and score.max() <= 1
        rows = []
        for group, inside in self.groups.items():
            inside = inside & (weights > 0)
            event, weight = self.event[inside], weights[inside]
            if drawn and np.unique(event).size < 2:
                continue  # a resample may have none of a group's few months; its other groups still count
            row = {
                "date": f"{self.day:%Y-%m-%d}",
                "group": group,
                "loans": int(weight.sum()),
                "events": int(weight[event].sum()),
                "unjudged": self.unjudged_by[group],
                "known_events": self.known_events,
                "auc": auc(event, score[inside], weight),
            }
            if self.comparison is not None:
                row["auc_against"] = auc(event, self.comparison[inside], weight)
                row["difference"] = row["auc"] - row["auc_against"]
            row["predicted"] = float(np.average(score[inside], weights=weight)) if probability else np.nan
            row["observed"] = float(np.average(event, weights=weight))
            rows.append(row)
        return rows


def _as_score(values, name):
    if isinstance(values.dtype, pd.CategoricalDtype):
        if not values.cat.ordered:
            raise DataError(f"{name} is a category without an order; it cannot rank loans")
        return values.cat.codes.replace(-1, np.nan).to_numpy(dtype=float)
    return values.to_numpy(dtype=float, na_value=np.nan)


def _months(dates):
    return (12 * dates.dt.year + dates.dt.month - 1).to_numpy(dtype=float)


def _repeat(tape, count, block):
    """The tape with the loans of each block of months as often as it was drawn."""
    frame = tape.frame
    times = count.reindex(_months(frame["issue_date"]) // block).to_numpy(dtype=int)
    drawn = frame.iloc[np.repeat(np.arange(len(frame)), times)].reset_index(drop=True)
    if not len(drawn):
        raise DataError("no month before the decision date was drawn")
    return LoanTape(drawn, dict(tape.provenance), list(tape.set_aside), list(tape.notes), dict(tape.unused))


_STATISTICS = ("auc", "auc_against", "difference", "predicted", "observed")


def _with_mean(table, dates):
    """Averages over the dates, with equal weight, below the dates' own rows."""
    if dates < 2:
        return table
    counts = ["loans", "events", "unjudged"]
    kinds = {name: "sum" for name in counts} | {name: "mean" for name in _STATISTICS if name in table}
    groups = table["group"].value_counts()
    whole = table[table["group"].isin(groups[groups == dates].index)]
    mean = whole.groupby("group", sort=False).agg(kinds).reset_index().assign(date="mean")
    table = table.astype({"known_events": "Int64"})
    return pd.concat([table, mean], ignore_index=True)


def _with_limits(table, draws, bootstrap):
    tail = (1 - bootstrap.confidence) / 2
    table = table.copy()
    keys = pd.MultiIndex.from_frame(table[["date", "group"]])
    grouped = draws.groupby(["date", "group"])
    for name in (name for name in _STATISTICS if name in table):
        if bootstrap.interval == "normal":
            half = scipy.stats.norm.isf(tail) * grouped[name].std(ddof=1).reindex(keys).to_numpy()
            low, high = table[name] - half, table[name] + half
        else:
            low, high = (grouped[name].quantile(share).reindex(keys).to_numpy() for share in (tail, 1 - tail))
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    return table
