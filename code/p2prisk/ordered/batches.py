"""Fits on files larger than memory: Parquet or CSV, read batch by batch on every pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from p2prisk.errors import DataError, ModelError
from p2prisk.ordered import covariance
from p2prisk.ordered.bias_reduced import fit_by
from p2prisk.ordered.design import Design
from p2prisk.ordered.families import get_family
from p2prisk.ordered.fitting import fit_rows
from p2prisk.ordered.likelihood import BATCH_ROWS, ArrayRows, BlockRows
from p2prisk.ordered.model import OrdinalModel
from p2prisk.ordered.recipe import Recipe, Request, Scan, make_recipe, request, sample_rows, scan
from p2prisk.ordered.results import OrderedResults


class BatchRows(BlockRows):
    """Rows of a pyarrow dataset."""

    def __init__(self, dataset, recipe, layout, family, batch_rows=BATCH_ROWS):
        self.dataset, self.recipe = dataset, recipe
        self.layout, self.family, self.batch_rows = layout, family, batch_rows

    def blocks(self):
        return map(self.recipe.block, read_batches(self.dataset, self.recipe.wanted.needed, self.batch_rows))


def open_dataset(source, file_format=None):
    """A pyarrow dataset from paths, a directory, or a dataset.

    Parameters
    ----------
    source : path-like, list of path-like, or pyarrow.dataset.Dataset
    file_format : {"parquet", "csv"}, optional
        Told from the ending of the first file when left out.
    """
    import pyarrow.dataset as ds

    if isinstance(source, ds.Dataset):
        return source
    paths = [str(source)] if isinstance(source, str | Path) else [str(p) for p in source]
    if not paths:
        raise DataError("no file was given")
    absent = [p for p in paths if not Path(p).exists()]
    if absent:
        raise DataError(f"no such file: {', '.join(absent)}")
    if file_format is None:
        first = Path(paths[0])
        if first.is_dir():
            first = next((p for p in sorted(first.rglob("*")) if p.suffix in (".parquet", ".csv", ".gz")), first)
        file_format = "csv" if ".csv" in "".join(first.suffixes) else "parquet"
    return ds.dataset(paths[0] if len(paths) == 1 else paths, format=file_format)


def read_batches(dataset, columns, batch_rows):
    """DataFrames of at most ``batch_rows`` rows, in the order of the files."""
    batches = dataset.to_batches(columns=list(columns), batch_size=batch_rows, batch_readahead=2, fragment_readahead=1)
    for batch in batches:
        if batch.num_rows:
            yield batch.to_pandas()


@dataclass(frozen=True)
class PartsSettings:
    """What is asked of a fit whose rows are read by parts.

    Attributes
    ----------
    categories : list, optional
        Categories of the response, lowest first. Needed unless it holds integers or an ordered Categorical
        (which Parquet keeps and CSV does not).
    family : {"cumulative", "forward", "backward"}
        :class:`OrderedLogit`, or :class:`SequentialLogit` of that direction.
    link, nonparallel, missing, cov_type, penalty, maxiter
        As in :class:`OrderedLogit` and :meth:`OrderedLogit.fit`.
    method : {"ml", "bias_reduced"}
        As in :meth:`OrderedLogit.fit`; the bias-reduced fit reads the parts twice a step.
    freq_weights, offset, groups : str, optional
        Column names.
    context : dict, optional
        Further functions used in the formula.
    """

    categories: list | None = None
    family: Literal["cumulative", "forward", "backward"] = "cumulative"
    link: str = "logit"
    freq_weights: str | None = None
    offset: str | None = None
    groups: str | None = None
    nonparallel: list[str] | None = None
    missing: Literal["raise", "drop"] = "raise"
    cov_type: Literal["nonrobust", "HC0", "cluster"] = "nonrobust"
    penalty: Any = None
    context: dict | None = None
    maxiter: int | None = None
    method: Literal["ml", "bias_reduced"] = "ml"

    def __post_init__(self):
        get_family(self.family, self.link)
        if self.cov_type not in covariance.KINDS:
            raise ModelError(f"cov_type={self.cov_type!r}; choose one of {', '.join(covariance.KINDS)}")
        if (self.cov_type == "cluster") != (self.groups is not None):
            raise ModelError("groups= names the column of the clusters and goes with cov_type='cluster'")

    def request(self, formula, columns):
        """What must be read of a table with these columns."""
        return request(
            formula,
            columns,
            self.context,
            categories=None if self.categories is None else tuple(self.categories),
            freq_weights=self.freq_weights,
            offset=self.offset,
            groups=self.groups,
            missing=self.missing,
        )


def fit_batches(
    source: Any,
    formula: str,
    *,
    file_format: Literal["parquet", "csv"] | None = None,
    batch_rows: int = BATCH_ROWS,
    **settings: Any,
) -> OrderedResults:
    """Fit an ordered or sequential logit to files that need not fit into memory.

    One reading agrees on categories, levels and a systematic sample; the sample gives the start; Newton
    then reads the files once a step. The memory needed does not depend on the number of rows.

    Parameters
    ----------
    source : path-like, list of path-like, or pyarrow.dataset.Dataset
        Parquet or CSV files, or a directory of them.
    formula : str
        As in :meth:`OrderedLogit.from_formula`. Transforms whose state comes from all rows at once
        (``scale(x)``, splines without given knots) are refused.
    file_format : {"parquet", "csv"}, optional
    batch_rows : int
        Rows read at a time.
    **settings
        As in :class:`PartsSettings`: ``categories``, ``family``, ``link``, ``freq_weights``, ``offset``, ``groups``,
        ``nonparallel``, ``missing``, ``cov_type``, ``penalty``, ``context``, ``maxiter``, ``method``.

    Returns
    -------
    OrderedResults
        Without a ``model``; everything computed on demand (robust covariance, pseudo-R2) reads the files
        again.

    Raises
    ------
    DataError, ModelError, SeparationError, ConvergenceError
        As in memory.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> counts = pd.DataFrame({"late": [0, 1, 2] * 2, "term": [36] * 3 + [60] * 3, "n": [70, 20, 10, 50, 30, 20]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     counts.to_csv(f"{folder}/counts.csv", index=False)
    ...     r = fit_batches(f"{folder}/counts.csv", "late ~ C(term)", freq_weights="n", family="forward")
    >>> r.params.round(3).to_dict()
    {'C(term)[T.60]': 0.699, '0|1': 0.767, '1|2': 0.963}
    """
    asked = PartsSettings(**settings)
    dataset = open_dataset(source, file_format)
    wanted = asked.request(formula, dataset.schema.names)
    found = Scan()
    for frame in read_batches(dataset, wanted.needed, batch_rows):
        found = found.add(scan(frame, wanted))
    return fit_parts(
        found, wanted, lambda recipe, layout, family: BatchRows(dataset, recipe, layout, family, batch_rows), asked
    )


def fit_parts(found, wanted, rows_of, asked):
    """Fit rows that are read by parts, once they have been scanned.

    Parameters
    ----------
    found : Scan
    wanted : Request
    rows_of : callable(recipe, layout, family) -> Rows
    asked : PartsSettings

    Returns
    -------
    OrderedResults
    """
    recipe, counts, sample = make_recipe(found, wanted, asked.context)
    model = OrdinalModel._without_rows(
        wanted.response,
        recipe.categories,
        recipe.design,
        counts,
        get_family(asked.family, asked.link),
        asked.nonparallel,
        n_rows=found.n_rows,
        n_dropped=found.n_dropped,
        dropped_by_column=dict(found.missing),
        formula=f"{wanted.response} ~ {recipe.design.formula or '1'}",
        offset_name=wanted.offset,
    )
    rows = rows_of(recipe, model.layout, model.family)
    sample = sample_rows(model.layout, model.family, sample)
    optimum = fit_by(asked.method, model, rows, sample, asked.penalty, asked.maxiter)
    result = OrderedResults._from_optimum(model, optimum, asked.penalty, asked.method)
    result.rows = rows
    if wanted.offset is not None:
        result._llnull = _null_with_offset(model, rows_of, recipe)
    result.count_negative()
    return result if asked.cov_type == "nonrobust" else result.with_covariance(asked.cov_type)


def _null_with_offset(model, rows_of, recipe):
    """Log-likelihood of thresholds and offset alone."""
    wanted = Request(**{**recipe.wanted.__dict__, "columns": (), "right": "1"})
    null_recipe = Recipe(wanted, Design([], {}), recipe.categories, {}, True)
    null = OrdinalModel._without_rows(
        model.endog_name,
        model.categories,
        null_recipe.design,
        model.category_counts,
        model.family,
        None,
        n_rows=model.n_rows,
    )
    rows = rows_of(null_recipe, null.layout, null.family)
    nothing = ArrayRows(null.layout, null.family, np.zeros((0, 0)), np.zeros(0, np.int8))
    return fit_rows(null, rows, [nothing]).log_likelihood
