"""Monotone classes of a trait, and the information that they carry."""

import numpy as np
import pandas as pd


def monotone_classes(values, bad, bins=10, smallest=0.05):
    """Cut a numeric column into classes whose share of bad loans only rises, or only falls.

    Deciles are merged with their neighbour until the shares are monotone in the direction of the rank correlation
    (pool-adjacent-violators) and no class holds less than `smallest` of the loans. A blank is a class of its own and
    takes no part in the order.

    Parameters
    ----------
    values : array_like of float, shape (n,)
    bad : array_like of bool, shape (n,)
    bins : int
        Number of quantile classes to start from.
    smallest : float
        Least share of loans in a class.

    Returns
    -------
    pandas.DataFrame
        ``lower``, ``upper`` (NaN for the class of blanks), ``loans``, ``bad``.

    Examples
    --------
    >>> table = monotone_classes(np.arange(100), np.arange(100) >= 70, bins=4)
    >>> table[["loans", "bad"]].to_numpy().tolist()
    [[50, 0], [25, 5], [25, 25]]
    """
    values, bad = np.asarray(values, dtype=float), np.asarray(bad, dtype=bool)
    known = ~np.isnan(values)
    x, y = values[known], bad[known]
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1]))
    codes = np.searchsorted(edges, x, side="left")
    parts = [(x[codes == k], y[codes == k]) for k in range(len(edges) + 1) if (codes == k).any()]
    blocks = [[part.min(), part.max(), len(part), int(outcome.sum())] for part, outcome in parts]
    rank = pd.Series(x).rank()
    sign = 1.0 if np.cov(rank, y)[0, 1] >= 0 else -1.0

    def merge(i):
        a, b = blocks[i], blocks.pop(i + 1)
        blocks[i] = [a[0], b[1], a[2] + b[2], a[3] + b[3]]

    i = 0
    while i < len(blocks) - 1:
        if sign * (blocks[i + 1][3] / blocks[i + 1][2] - blocks[i][3] / blocks[i][2]) <= 0:
            merge(i)
            i = max(i - 1, 0)
        else:
            i += 1
    while len(blocks) > 1 and min(block[2] for block in blocks) < smallest * len(values):
        i = int(np.argmin([block[2] for block in blocks]))
        merge(i if i == 0 or (i < len(blocks) - 1 and blocks[i + 1][2] < blocks[i - 1][2]) else i - 1)
    if (~known).any():
        blocks.append([np.nan, np.nan, int((~known).sum()), int(bad[~known].sum())])
    return pd.DataFrame(blocks, columns=["lower", "upper", "loans", "bad"])


def information_value(classes):
    """Information value of a table of classes, and what noise alone would give.

    Parameters
    ----------
    classes : pandas.DataFrame
        ``loans`` and ``bad``; half a loan is added to every count, so that an empty cell stays finite.

    Returns
    -------
    value, noise : float
        Sum over the classes of (share of good - share of bad) x log(share of good / share of bad), the Jeffreys
        divergence; `noise` is its expectation when the trait says nothing, (k - 1)(1/good + 1/bad).

    Examples
    --------
    >>> value, noise = information_value(pd.DataFrame({"loans": [1000, 1000], "bad": [100, 100]}))
    >>> round(value, 6), round(noise, 4)
    (0.0, 0.0056)
    """
    bad = classes["bad"].to_numpy(dtype=float)
    good = classes["loans"].to_numpy(dtype=float) - bad
    b, g = (bad + 0.5) / (bad + 0.5).sum(), (good + 0.5) / (good + 0.5).sum()
    return float(((g - b) * np.log(g / b)).sum()), float((len(classes) - 1) * (1 / good.sum() + 1 / bad.sum()))
