"""Monotone classes of a number: few, ordered by risk in one direction, chosen by likelihood.

The rule has three steps, and no tuning. Isotonic regression of the bad outcome on the number, in the direction
that the analyst states beforehand, gives the finest grouping whose loss rate is monotone. Dynamic programming
merges adjacent groups into the asked number of classes with the largest binomial likelihood, none smaller than
a stated share. The cut points are rounded to a stated number of significant digits, so that a table of classes
can be read.

A value that is missing belongs to no class by its size. :func:`nearest_class` places it with the class whose
loss rate is nearest, in the rows from which the classes were made.
"""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError


def monotone_cuts(values, bad, classes, increasing=True, smallest=0.03, digits=None):
    """Choose cut points between classes with a monotone loss rate.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        The number; missing values are left out.
    bad : array_like of bool, shape (n,)
        The outcome.
    classes : int
        Number of classes wanted; fewer result where the data have fewer monotone groups.
    increasing : bool
        Whether a larger value is riskier.
    smallest : float
        Least share of the rows in a class.
    digits : int, optional
        Significant digits of the cut points.

    Returns
    -------
    list of float
        Lower bounds of the second and later classes; class k holds ``cut[k-1] <= value < cut[k]``.

    Raises
    ------
    DataError
        No finite value, or only one outcome.

    Examples
    --------
    >>> values = [1, 2, 3, 4, 5, 6, 7, 8]
    >>> bad = [0, 0, 0, 1, 0, 1, 1, 1]
    >>> monotone_cuts(values, bad, 3, smallest=0)
    [4.0, 6.0]
    """
    from sklearn.isotonic import IsotonicRegression

    values, bad = np.asarray(values, dtype=float), np.asarray(bad, dtype=float)
    finite = np.isfinite(values)
    values, bad = values[finite], bad[finite]
    if not len(values) or bad.min() == bad.max():
        raise DataError("monotone classes need finite values and both outcomes; check the column and the outcome")
    distinct, place = np.unique(values, return_inverse=True)
    fitted = IsotonicRegression(increasing=bool(increasing)).fit(values, bad).predict(distinct)
    group = np.concatenate([[0], np.cumsum(np.abs(np.diff(fitted)) > 1e-10)])
    loans = np.bincount(group[place])
    losses = np.bincount(group[place], weights=bad)
    starts = best_partition(losses, loans, classes, smallest * len(values))
    cuts = [float(distinct[np.searchsorted(group, start)]) for start in starts]
    if digits is not None:
        cuts = [float(f"{cut:.{digits}g}") for cut in cuts]
    return sorted(set(cuts))


def best_partition(losses, loans, classes, smallest=0):
    """Split ordered groups into at most `classes` runs with the largest binomial likelihood.

    Parameters
    ----------
    losses, loans : array_like, shape (m,)
        Losses and loans of each group, in order.
    classes : int
        Number of runs; fewer if `smallest` does not allow so many.
    smallest : float
        Least number of loans in a run.

    Returns
    -------
    list of int
        Index of the first group of the second and later runs.
    """
    loans_to = np.concatenate([[0.0], np.cumsum(loans)])
    losses_to = np.concatenate([[0.0], np.cumsum(losses)])
    groups = len(loans)
    for number in range(min(classes, groups), 0, -1):
        best = np.full((number + 1, groups + 1), -np.inf)
        origin = np.zeros((number + 1, groups + 1), dtype=int)
        best[0, 0] = 0.0
        for run in range(1, number + 1):
            for end in range(run, groups + 1):
                begin = np.arange(end)
                total = loans_to[end] - loans_to[begin]
                gain = best[run - 1, begin] + _likelihood(losses_to[end] - losses_to[begin], total)
                gain[total < smallest] = -np.inf
                origin[run, end] = int(np.argmax(gain))
                best[run, end] = gain[origin[run, end]]
        if np.isfinite(best[number, groups]):
            ends, end = [], groups
            for run in range(number, 0, -1):
                end = origin[run, end]
                ends.append(int(end))
            return sorted(ends)[1:]
    return []


def _likelihood(losses, loans):
    share = losses / loans
    inside = (share > 0) & (share < 1)
    share = np.where(inside, share, 0.5)
    return np.where(inside, losses * np.log(share) + (loans - losses) * np.log(1 - share), 0.0)


def to_classes(values, cuts, labels):
    """Put values into classes.

    Parameters
    ----------
    values : array_like of float
        Missing stays missing.
    cuts : sequence of float
        As of :func:`monotone_cuts`.
    labels : sequence of str
        One more than cuts.

    Returns
    -------
    pandas.Categorical

    Examples
    --------
    >>> to_classes([0, 2, 5, float("nan")], [1, 3], ["0", "1 to 2", "3 and over"]).tolist()
    ['0', '1 to 2', '3 and over', nan]
    """
    if len(labels) != len(cuts) + 1:
        raise DataError(f"{len(cuts)} cut points make {len(cuts) + 1} classes, but {len(labels)} labels are given")
    values = np.asarray(values, dtype=float)
    codes = np.searchsorted(np.asarray(cuts, dtype=float), values, side="right")
    return pd.Categorical.from_codes(np.where(np.isnan(values), -1, codes), labels)


def nearest_class(classes, bad):
    """Name the class whose loss rate is nearest to that of the rows without a class.

    Parameters
    ----------
    classes : pandas.Categorical or categorical Series
        With missing values.
    bad : array_like of bool
        The outcome of the same rows.

    Returns
    -------
    str
        The commonest class if no row is without one.

    Examples
    --------
    >>> import pandas as pd
    >>> nearest_class(pd.Categorical(["a", "a", "b", "b", None]), [0, 0, 1, 1, 1])
    'b'
    """
    classes = pd.Series(pd.Categorical(classes)).reset_index(drop=True)
    bad = pd.Series(np.asarray(bad, dtype=float))
    rate = bad.groupby(classes, observed=True).mean()
    without = classes.isna()
    if not without.any():
        return str(classes.value_counts().idxmax())
    return str((rate - bad[without].mean()).abs().idxmin())
