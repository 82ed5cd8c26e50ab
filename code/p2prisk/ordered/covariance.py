"""Scores row by row and the sandwich covariance."""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.ordered.likelihood import BLOCK_ROWS, bounds, map_tasks

KINDS = ("nonrobust", "HC0", "HC1", "cluster")


def check_request(cov_type, groups, model):
    """Refuse an unknown ``cov_type`` and groups that do not fit."""
    if cov_type not in KINDS:
        raise ModelError(f"cov_type={cov_type!r} is not known; choose one of {', '.join(KINDS)}")
    if cov_type == "cluster":
        if groups is None:
            raise ModelError("cov_type='cluster' needs groups=, the borrower or vintage of each row")
        group_codes(groups, model)
    elif groups is not None:
        raise ModelError(f"groups are used with cov_type='cluster' only, not {cov_type!r}")


def group_codes(groups, model):
    """Cluster of each row used, as codes 0 .. G-1."""
    groups = pd.Series(np.asarray(groups))
    if model.kept_rows is not None and len(groups) == model.n_rows + model.n_dropped:
        groups = groups.iloc[model.kept_rows]
    if len(groups) != model.n_rows:
        raise DataError(f"groups has {len(groups)} entries; the model has {model.n_rows} rows")
    codes, distinct = pd.factorize(groups)
    if (codes < 0).any():
        raise DataError(f"groups has {int((codes < 0).sum())} missing values")
    if len(distinct) < 2:
        raise DataError("groups holds one cluster only; a cluster covariance needs at least two")
    return codes, len(distinct)


def score_rows(layout, link, params, exog, codes, offset=None):
    """Gradient of each row's log-likelihood, shape (n, k): slopes, slopes by threshold, thresholds."""
    a, b = bounds(layout, params, exog, codes, offset)
    terms = link.terms(a, b)
    n, m, p = len(codes), layout.n_thresholds, len(layout.parallel)
    by_threshold = np.zeros((n, m + 2))
    rows, place = np.arange(n), np.asarray(codes, dtype=np.intp)
    by_threshold[rows, place] = terms.d_b
    by_threshold[rows, place + 1] = terms.d_a
    by_threshold = by_threshold[:, 1:-1]
    scores = np.empty((n, layout.n_params))
    scores[:, :p] = -exog[:, layout.parallel] * (terms.d_a + terms.d_b)[:, None]
    for k, column in enumerate(layout.free):
        scores[:, p + k * m : p + (k + 1) * m] = -exog[:, [column]] * by_threshold
    scores[:, layout.n_slopes :] = by_threshold
    return scores


def sandwich(model, params, bread, cov_type, groups=None):
    """Sandwich covariance ``bread @ meat @ bread``.

    Parameters
    ----------
    model : OrderedLogit
    params : ndarray, shape (k,)
    bread : ndarray, shape (k, k)
        Inverse observed information.
    cov_type : {"HC0", "HC1", "cluster"}
        HC0: White 1980 (Econometrica 48). HC1: times n / (n - k). cluster: Liang and Zeger 1986
        (Biometrika 73) times G / (G - 1) * (n - 1) / (n - k), the correction that statsmodels and Stata's
        ``vce(cluster)`` for linear models use. Frequency weights count as repeated rows of the same cluster.
    groups : array_like, optional

    Returns
    -------
    ndarray, shape (k, k)
    """
    n, k = float(model.nobs), len(params)
    # work in columns whose scores are of one size, so that dollars and ratios lose no digit
    spread = np.sqrt(np.diag(bread))

    def scores(first, stop):
        rows = slice(first, stop)
        weights = None if model.weights is None else model.weights[rows]
        return model.score_obs(params, rows) * spread, weights

    if cov_type == "cluster":
        codes, n_groups = group_codes(groups, model)
        sums = np.zeros((n_groups, k))
        for first in range(0, model.n_rows, 16 * BLOCK_ROWS):
            block, weights = scores(first, min(first + 16 * BLOCK_ROWS, model.n_rows))
            if weights is not None:
                block *= weights[:, None]
            present, local = np.unique(codes[first : first + len(block)], return_inverse=True)
            for j in range(k):
                sums[present, j] += np.bincount(local, block[:, j], len(present))
        meat = sums.T @ sums
        factor = n_groups / (n_groups - 1) * (n - 1) / (n - k)
    else:

        def task(start, stop):
            total = np.zeros((k, k))
            for first in range(start, stop, BLOCK_ROWS):
                block, weights = scores(first, min(first + BLOCK_ROWS, stop))
                total += block.T @ (block if weights is None else block * weights[:, None])
            return total

        meat = sum(map_tasks(task, model.n_rows))
        factor = n / (n - k) if cov_type == "HC1" else 1.0
    unit = bread / spread[:, None] / spread
    covariance = factor * (unit @ meat @ unit) * spread[:, None] * spread
    return 0.5 * (covariance + covariance.T)
