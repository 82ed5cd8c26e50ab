"""Scores row by row and the sandwich covariance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.ordered.likelihood import BLOCK_ROWS, Layout

KINDS = ("nonrobust", "HC0", "HC1", "cluster")


def root_of(covariance):
    """A matrix whose product with its transpose is the covariance, also where that is singular.

    >>> root = root_of(np.array([[4.0, 2.0], [2.0, 1.0]]))
    >>> (root @ root.T).round(12).tolist()
    [[4.0, 2.0], [2.0, 1.0]]
    """
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


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
    return codes


def score_rows(layout, family, params, exog, codes, offset=None):
    """Gradient of each row's log-likelihood, shape (n, k): slopes, slopes by threshold, thresholds."""
    by_threshold = family.terms(layout.latent(params, exog, offset), codes).score
    n, m, p = len(codes), layout.n_thresholds, len(layout.parallel)
    scores = np.empty((n, layout.n_params))
    scores[:, :p] = -exog[:, layout.parallel] * by_threshold.sum(axis=1)[:, None]
    for k, column in enumerate(layout.free):
        scores[:, p + k * m : p + (k + 1) * m] = -exog[:, [column]] * by_threshold
    scores[:, layout.n_slopes :] = by_threshold
    return scores


@dataclass(frozen=True)
class ScoreProducts:
    """Sum over a block of the outer products of its rows' scores, each divided by ``1 / spread``."""

    layout: Layout
    family: object
    params: np.ndarray
    spread: np.ndarray

    def scores(self, block):
        exog, codes, _, offset, _ = block
        return score_rows(self.layout, self.family, self.params, exog, codes, offset) * self.spread

    def __call__(self, block):
        total = np.zeros((len(self.params), len(self.params)))
        for first in range(0, len(block.codes), BLOCK_ROWS):
            part = block.take(slice(first, first + BLOCK_ROWS)).counted
            scores = self.scores(part)
            total += scores.T @ (scores if part.weights is None else scores * part.weights[:, None])
        return total


class GroupScores(ScoreProducts):
    """Sums of the scores of a block by group: ``(groups, sums of shape (groups, k))``."""

    def __call__(self, block):
        block = block.counted
        scores = self.scores(block)
        if block.weights is not None:
            scores *= block.weights[:, None]
        codes, groups = pd.factorize(block.groups)
        return groups, np.stack([np.bincount(codes, column, len(groups)) for column in scores.T], axis=1)


def sandwich(source, params, bread, cov_type, nobs):
    """Sandwich covariance ``bread @ meat @ bread``.

    Parameters
    ----------
    source : Rows
        With ``groups`` in its blocks for ``"cluster"``.
    params : ndarray, shape (k,)
    bread : ndarray, shape (k, k)
        Inverse observed information.
    cov_type : {"HC0", "HC1", "cluster"}
        HC0: White 1980 (Econometrica 48). HC1: times n / (n - k). cluster: Liang and Zeger 1986
        (Biometrika 73) times G / (G - 1) * (n - 1) / (n - k), the correction that statsmodels uses.
        Frequency weights count as repeated rows of the same cluster.
    nobs : float
        Sum of the frequency weights.

    Returns
    -------
    ndarray, shape (k, k)
    """
    n, k = float(nobs), len(params)
    # work in columns whose scores are of one size, so that dollars and ratios lose no digit
    spread = np.sqrt(np.diag(bread))
    if cov_type == "cluster":
        parts = source.each(GroupScores(source.layout, source.family, params, spread))
        codes, distinct = pd.factorize(np.concatenate([groups for groups, _ in parts]))
        rows = np.concatenate([sums for _, sums in parts])
        sums = np.stack([np.bincount(codes, column, len(distinct)) for column in rows.T], axis=1)
        if len(distinct) < 2:
            raise DataError("groups holds one cluster only; a cluster covariance needs at least two")
        meat = sums.T @ sums
        factor = len(distinct) / (len(distinct) - 1) * (n - 1) / (n - k)
    else:
        meat = sum(source.each(ScoreProducts(source.layout, source.family, params, spread)))
        factor = n / (n - k) if cov_type == "HC1" else 1.0
    unit = bread / spread[:, None] / spread
    covariance = factor * (unit @ meat @ unit) * spread[:, None] * spread
    return 0.5 * (covariance + covariance.T)
