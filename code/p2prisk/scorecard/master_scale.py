"""The master scale: grades with bounds on the probability of default, found on data and tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special
from scipy.special import expit, logit

from p2prisk.errors import DataError
from p2prisk.tape.classes import best_partition
from p2prisk.validation import holm, jeffreys_interval, jeffreys_test_by_grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class MasterScale:
    """Grades by probability of default.

    Attributes
    ----------
    labels : tuple of str
        Best grade first.
    bounds : tuple of float
        Increasing upper bounds of the probability of default of all grades but the last; a bound belongs to the
        better grade.
    pds : tuple of float
        Probability of default assigned to each grade.

    Examples
    --------
    >>> scale = MasterScale(("1", "2", "3"), (0.05, 0.2), (0.03, 0.1, 0.3))
    >>> scale.grade([0.01, 0.05, 0.5, float("nan")]).tolist()
    ['1', '1', '3', nan]
    """

    labels: tuple
    bounds: tuple
    pds: tuple

    def __post_init__(self):
        if len(self.labels) != len(self.bounds) + 1 or len(self.pds) != len(self.labels):
            raise DataError(
                f"{len(self.bounds)} bounds make {len(self.bounds) + 1} grades, but {len(self.labels)} "
                f"labels and {len(self.pds)} probabilities are given"
            )
        if len(set(self.labels)) < len(self.labels):
            raise DataError("two grades of a master scale have one label")
        for values, name in ((self.bounds, "bounds"), (self.pds, "probabilities")):
            if not (np.diff(values) > 0).all():
                raise DataError(f"the {name} of a master scale must increase: {', '.join(f'{v:.4f}' for v in values)}")

    @classmethod
    def of_bounds(
        cls, bounds: Sequence[float], probability: ArrayLike, freq_weights: ArrayLike | None = None
    ) -> MasterScale:
        """A scale whose bounds are given; the probability of a grade is the mean of its loans.

        Raises
        ------
        DataError
            A grade has no loan.

        Examples
        --------
        >>> MasterScale.of_bounds([0.1], [0.02, 0.04, 0.3]).pds
        (0.03, 0.3)
        """
        probability = np.asarray(probability, float)
        weights = np.ones(len(probability)) if freq_weights is None else np.asarray(freq_weights, float)
        codes = np.searchsorted(np.asarray(bounds, float), probability, side="left")
        loans = np.bincount(codes, weights, minlength=len(bounds) + 1)
        if not (loans > 0).all():
            raise DataError(f"grade {int(np.argmin(loans)) + 1} of the given bounds holds no loan")
        pds = np.bincount(codes, weights * probability, minlength=len(bounds) + 1) / loans
        return cls(tuple(str(i + 1) for i in range(len(pds))), tuple(map(float, bounds)), tuple(map(float, pds)))

    def grade(self, probability: ArrayLike) -> pd.Categorical:
        """Grade of each probability of default: ordered categorical; missing stays missing."""
        probability = np.asarray(probability, dtype=float)
        codes = np.searchsorted(np.asarray(self.bounds), probability, side="left")
        return pd.Categorical.from_codes(np.where(np.isnan(probability), -1, codes), list(self.labels), ordered=True)

    def pd_of(self, grades: ArrayLike) -> np.ndarray:
        """Probability of default assigned to grades."""
        return pd.Series(self.pds, list(self.labels)).reindex(np.asarray(grades, dtype=object)).to_numpy()

    def table(self) -> pd.DataFrame:
        """One row a grade: ``grade, pd_low, pd_high, pd``."""
        return pd.DataFrame(
            {"grade": self.labels, "pd_low": [0.0, *self.bounds], "pd_high": [*self.bounds, 1.0], "pd": self.pds}
        )

    def to_plain(self) -> dict:
        """What JSON can hold."""
        return {
            "labels": list(self.labels),
            "bounds": [float(b) for b in self.bounds],
            "pds": [float(p) for p in self.pds],
        }

    @classmethod
    def from_plain(cls, plain: dict) -> MasterScale:
        """Restore from :meth:`to_plain`."""
        return cls(tuple(plain["labels"]), tuple(plain["bounds"]), tuple(plain["pds"]))


def _sample(probability, event, freq_weights):
    probability, event = np.asarray(probability, float), np.asarray(event, float)
    weights = np.ones(len(probability)) if freq_weights is None else np.asarray(freq_weights, float)
    if not len(probability) == len(event) == len(weights):
        raise DataError(
            f"probability, event and freq_weights have {len(probability)}, {len(event)} and {len(weights)} rows"
        )
    if np.isnan(probability).any() or np.isnan(event).any():
        raise DataError("probability or event is missing in some rows; set those loans aside and count them")
    keep = weights > 0
    if keep.all():
        return probability, event, weights
    return probability[keep], event[keep], weights[keep]


def _groups(probability, event, weights, most):
    """Losses and loans of at most `most` groups of near equal size; equal probabilities stay together.

    Also the probabilities in order, the place at which each group begins among them, and the group of each row.
    """
    # as np.unique with the inverse would, in half of its memory
    order = np.argsort(probability)
    values = probability[order]
    first = np.diff(values, prepend=-1.0) > 0
    place = np.empty(len(values), dtype=np.int32)
    place[order] = np.cumsum(first, dtype=np.int32) - 1
    values, order = values[first], None
    loans = np.bincount(place, weights)
    middle = (np.cumsum(loans) - loans / 2) / loans.sum()
    starts = np.flatnonzero(np.diff((middle * most).astype(int), prepend=-1))
    group = np.zeros(len(values), dtype=np.int32)
    group[starts[1:]] = 1
    which = np.cumsum(group, dtype=np.int32)[place]
    return np.bincount(which, weights * event), np.bincount(which, weights), values, starts, which


#: Groups of near probabilities that are joined into grades.
_FINE_GROUPS = 60


def build_master_scale(
    probability: ArrayLike,
    event: ArrayLike,
    freq_weights: ArrayLike | None = None,
    *,
    grades: int = 7,
    smallest: float = 0.05,
    fewest_events: int = 20,
    level: float = 0.05,
) -> MasterScale:
    """Find grades on data.

    Adjacent groups of loans with near probabilities are joined into the grades with the largest likelihood
    (:func:`p2prisk.tape.classes.best_partition`). If two neighbours' default rates are not in order or not different at
    `level` (Holm), or a grade has too few events, one grade fewer is tried.

    Parameters
    ----------
    probability : array_like, shape (n,)
        Probability of default.
    event : array_like of bool, shape (n,)
    freq_weights : array_like, optional
    grades : int
        Number of grades to begin with.
    smallest : float
        Least share of the loans in a grade.
    fewest_events : int
        Least number of defaults in a grade.
    level : float
        Of the separation test.

    Returns
    -------
    MasterScale
        Grades ``1``, ``2``, ..., best first; the probability assigned to a grade is the mean probability of its loans.

    Raises
    ------
    DataError
        When not even two grades can be told apart.
    """
    probability, event, weights = _sample(probability, event, freq_weights)
    losses, loans, values, first, which = _groups(probability, event, weights, _FINE_GROUPS)
    mean = np.bincount(which, weights * probability) / loans
    for number in range(min(grades, len(loans)), 1, -1):
        starts = best_partition(losses, loans, number, smallest * loans.sum())
        if len(starts) + 1 < number:
            continue
        cut = np.array([0, *starts])
        bad, all_ = np.add.reduceat(losses, cut), np.add.reduceat(loans, cut)
        pds = np.add.reduceat(mean * loans, cut) / all_
        separate = _neighbours(bad, all_)
        if bad.min() < fewest_events or not ((separate["difference"] > 0) & (separate["pvalue_holm"] < level)).all():
            continue
        # half way on the log-odds scale between the two probabilities that the bound divides
        bounds = tuple(expit((logit(values[first[s] - 1]) + logit(values[first[s]])) / 2) for s in starts)
        return MasterScale(tuple(str(i + 1) for i in range(number)), bounds, tuple(pds))
    raise DataError(
        f"no two grades of at least {smallest:.0%} of the loans and {fewest_events} defaults differ at the "
        f"{level:.0%} level; the probabilities do not support a scale on these data"
    )


def _neighbours(losses, loans):
    """Chi-square tests that neighbouring grades have one rate (no continuity correction)."""
    losses, loans = np.asarray(losses, float), np.asarray(loans, float)
    rate = losses / loans
    pooled = (losses[1:] + losses[:-1]) / (loans[1:] + loans[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (rate[1:] - rate[:-1]) / np.sqrt(pooled * (1 - pooled) * (1 / loans[1:] + 1 / loans[:-1]))
    z = np.nan_to_num(z)
    pvalue = 2 * special.ndtr(-np.abs(z))
    return pd.DataFrame({"difference": rate[1:] - rate[:-1], "z": z, "pvalue": pvalue, "pvalue_holm": holm(pvalue)})


def separation(
    scale: Any, probability: ArrayLike, event: ArrayLike, freq_weights: ArrayLike | None = None
) -> pd.DataFrame:
    """Are neighbouring grades different?

    Returns
    -------
    pandas.DataFrame
        One row a pair: ``grades, difference`` (worse less better rate), ``z, pvalue, pvalue_holm``. A grade without
        loans gives missing values.
    """
    probability, event, weights = _sample(probability, event, freq_weights)
    codes = scale.grade(probability).codes
    losses = np.bincount(codes, weights * event, minlength=len(scale.labels))
    loans = np.bincount(codes, weights, minlength=len(scale.labels))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _neighbours(losses, loans)
    empty = (loans[1:] == 0) | (loans[:-1] == 0)
    found.loc[empty, ["difference", "z", "pvalue", "pvalue_holm"]] = np.nan
    if (~empty).any():
        found.loc[~empty, "pvalue_holm"] = holm(found.loc[~empty, "pvalue"])
    found.insert(0, "grades", [f"{a} and {b}" for a, b in zip(scale.labels, scale.labels[1:], strict=False)])
    return found


def homogeneity(
    scale: MasterScale, probability: ArrayLike, event: ArrayLike, freq_weights: ArrayLike | None = None, parts: int = 2
) -> pd.DataFrame:
    """Do the loans inside a grade share one default rate?

    Parameters
    ----------
    scale : MasterScale
    probability, event, freq_weights
        As in :func:`build_master_scale`.
    parts : int
        Parts, by probability, into which each grade is split.

    Returns
    -------
    pandas.DataFrame
        One row a grade: ``grade, parts, lowest, highest`` (observed rates of the parts), ``chi2, df, pvalue,
        pvalue_holm``; missing where a grade cannot be split.

    Notes
    -----
    With many loans any grade of finite width fails a test of exact equality; read ``highest - lowest`` beside the step
    to the next grade.
    """
    probability, event, weights = _sample(probability, event, freq_weights)
    codes = scale.grade(probability).codes
    rows = []
    for place, label in enumerate(scale.labels):
        mine = codes == place
        row = {
            "grade": label,
            "parts": 0,
            "lowest": np.nan,
            "highest": np.nan,
            "chi2": np.nan,
            "df": 0,
            "pvalue": np.nan,
        }
        if mine.any():
            losses, loans, *_ = _groups(probability[mine], event[mine], weights[mine], parts)
            row.update(parts=len(loans), lowest=(losses / loans).min(), highest=(losses / loans).max())
            rate = losses.sum() / loans.sum()
            if len(loans) > 1 and 0 < rate < 1:
                chi2 = float(((losses - loans * rate) ** 2 / (loans * rate * (1 - rate))).sum())
                row.update(chi2=chi2, df=len(loans) - 1, pvalue=float(special.chdtrc(len(loans) - 1, chi2)))
        rows.append(row)
    table = pd.DataFrame(rows)
    known = table["pvalue"].notna()
    table["pvalue_holm"] = np.nan
    if known.any():
        table.loc[known, "pvalue_holm"] = holm(table.loc[known, "pvalue"])
    return table


def grade_table(
    scale: MasterScale,
    probability: ArrayLike,
    event: ArrayLike,
    freq_weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Every grade with its loans, defaults, Jeffreys interval and test.

    Parameters
    ----------
    scale : MasterScale
    probability, event, freq_weights
        As in :func:`build_master_scale`; another sample than the scale was built on makes it a back-test.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        ``grade, loans, share, events, pd`` (assigned), ``observed, ci_low, ci_high``, ``pvalue_holm`` (one sided: is
        the assigned probability too low?) and ``prudent`` (:func:`most_prudent`). An empty grade has no rate.
    """
    probability, event, weights = _sample(probability, event, freq_weights)
    grades = pd.Series(scale.grade(probability))
    test = jeffreys_test_by_grade(event, scale.pd_of(grades), grades, weights, confidence)
    test = test.reindex(pd.Index(scale.labels)).rename_axis("grade").reset_index()
    test[["loans", "events"]] = test[["loans", "events"]].fillna(0.0)
    return pd.DataFrame(
        {
            "grade": scale.labels,
            "loans": test["loans"].astype(int),
            "share": test["loans"] / test["loans"].sum(),
            "events": test["events"].astype(int),
            "pd": scale.pds,
            "observed": test["observed"],
            "ci_low": test["ci_low"],
            "ci_high": test["ci_high"],
            "pvalue_holm": test["pvalue_holm"],
            "prudent": most_prudent(test["loans"], test["events"], confidence),
        }
    )


def most_prudent(loans: ArrayLike, events: ArrayLike, confidence: float = 0.95) -> np.ndarray:
    """Upper bounds of the default probabilities of grades with few or no defaults.

    Parameters
    ----------
    loans, events : array_like, shape (grades,)
        Best grade first.
    confidence : float
        Of the one-sided bound.

    Returns
    -------
    numpy.ndarray, shape (grades,)
        The bound of a grade pools it with all worse grades, so that the bounds increase; Jeffreys quantiles. They
        assume independent defaults: common shocks make the truth wider.

    Notes
    -----
    Pluto and Tasche (2005), *Estimating probabilities of default for low default portfolios*, section 2: "most prudent
    estimation", with the Jeffreys posterior in place of their Clopper-Pearson bound.

    Examples
    --------
    >>> most_prudent([100, 400, 300], [0, 0, 0]).round(4).tolist()
    [0.0024, 0.0027, 0.0064]
    """
    loans, events = np.asarray(loans, float), np.asarray(events, float)
    all_loans, all_events = np.cumsum(loans[::-1])[::-1], np.cumsum(events[::-1])[::-1]
    if (events < 0).any() or (events > loans).any():
        raise DataError("events must lie between 0 and the number of loans")
    bound = special.betaincinv(all_events + 0.5, all_loans - all_events + 0.5, confidence)
    # a grade pooled with better ones of a lower rate could pass a worse grade's bound when rates are out of order
    bound = np.where(all_events == all_loans, 1.0, bound)
    return np.maximum.accumulate(bound)


def map_to_ratings(scale: MasterScale, ratings: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Which rating of another lender each grade corresponds to.

    Parameters
    ----------
    scale : MasterScale
    ratings : pandas.DataFrame
        ``rating, loans, events``, best rating first, of one outcome definition and horizon comparable to the scale's.

    Returns
    -------
    mapping : pandas.DataFrame
        One row a grade: ``grade, pd, rating`` (several joined by a slash where the lender's own rates do not separate
        them), ``rating_rate``.
    pooled : pandas.DataFrame
        One row a rating or pool of ratings: ``rating, loans, events, rate, ci_low, ci_high, pd_high`` (upper end of its
        range: half way, in log-odds, to the next).

    Notes
    -----
    Ratings whose default rates are out of order are pooled with their neighbour (pool adjacent violators), as a
    rating that defaults less than the one above it carries no information about order.
    """
    for column in ("rating", "loans", "events"):
        if column not in ratings:
            raise DataError(f"the ratings table needs the column {column!r}")
    pools: list = [
        [[str(r)], float(n), float(d)] for r, n, d in ratings[["rating", "loans", "events"]].itertuples(index=False)
    ]
    place = 0
    while place < len(pools) - 1:
        (_, n, d), (_, m, e) = pools[place], pools[place + 1]
        if d / n >= e / m:
            pools[place] = [pools[place][0] + pools[place + 1][0], n + m, d + e]
            del pools[place + 1]
            place = max(place - 1, 0)
        else:
            place += 1
    pooled = pd.DataFrame(
        {
            "rating": ["/".join(p[0]) for p in pools],
            "loans": [int(p[1]) for p in pools],
            "events": [int(p[2]) for p in pools],
        }
    )
    pooled["rate"] = pooled["events"] / pooled["loans"]
    pooled["ci_low"], pooled["ci_high"] = jeffreys_interval(pooled["events"], pooled["loans"])
    middle = logit(np.clip(pooled["rate"], 1e-6, 1 - 1e-6).to_numpy())
    pooled["pd_high"] = np.append(expit((middle[1:] + middle[:-1]) / 2), 1.0)
    which = np.searchsorted(pooled["pd_high"].to_numpy(), np.asarray(scale.pds), side="left")
    mapping = pd.DataFrame(
        {
            "grade": scale.labels,
            "pd": scale.pds,
            "rating": pooled["rating"].to_numpy()[which],
            "rating_rate": pooled["rate"].to_numpy()[which],
        }
    )
    return mapping, pooled
