"""Fits on a Dask DataFrame: sums on the workers, Newton on the driver (optional extra ``scale``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from p2prisk.errors import ModelError
from p2prisk.ordered.batches import PartsSettings, fit_parts
from p2prisk.ordered.likelihood import ArrayRows, Rows
from p2prisk.ordered.recipe import Scan, scan

if TYPE_CHECKING:
    from p2prisk.ordered.results import OrderedResults


class DaskRows(Rows):
    """Partitions that stay where they are; only sums of the size of the model travel.

    The encoded partitions are kept on the workers. When a worker dies the scheduler makes its partitions
    again from their source, and because the sums are added in the order of the partitions the result does
    not change by a bit.
    """

    def __init__(self, blocks, layout, family):
        self.blocks, self.layout, self.family = blocks, layout, family

    def each(self, function):
        import dask

        tasks = [dask.delayed(_apply)(block, self.layout, self.family, function) for block in self.blocks]
        return [part for parts in dask.compute(*tasks) for part in parts]


def _apply(block, layout, family, function):
    return ArrayRows(layout, family, *block[:4], groups=block.groups).each(function) if len(block.codes) else []


def fit_dask(formula: str, data: Any, **settings: Any) -> OrderedResults:
    """Fit an ordered or sequential logit to a Dask DataFrame on whatever cluster or scheduler is active.

    Parameters
    ----------
    formula : str
    data : dask.dataframe.DataFrame
        Partitions that Dask can make again (read from files, say) survive the loss of a worker.
    **settings
        As in :func:`~p2prisk.ordered.fit_batches`.

    Returns
    -------
    OrderedResults
        Without a ``model``.

    Raises
    ------
    ModelError
        If dask is not installed (``pip install p2prisk[scale]``).

    Examples
    --------
    >>> import dask.dataframe, pandas as pd
    >>> counts = pd.DataFrame({"late": [0, 1, 2] * 2, "term": [36.0] * 3 + [60.0] * 3, "n": [70, 20, 10, 50, 30, 20]})
    >>> parts = dask.dataframe.from_pandas(counts, npartitions=2)
    >>> fit_dask("late ~ term", parts, freq_weights="n").nobs
    200
    """
    asked = PartsSettings(**settings)
    try:
        import dask
    except ImportError:
        raise ModelError("fit_dask needs dask: pip install p2prisk[scale]") from None

    wanted = asked.request(formula, [str(c) for c in data.columns])
    parts = data[wanted.needed].to_delayed()
    found = Scan()
    for one in dask.compute(*(dask.delayed(scan)(part, wanted) for part in parts)):
        found = found.add(one)

    def rows_of(recipe, layout, family):
        blocks = dask.persist(*(dask.delayed(recipe.block)(part) for part in parts))
        return DaskRows(blocks, layout, family)

    return fit_parts(found, wanted, rows_of, asked)
