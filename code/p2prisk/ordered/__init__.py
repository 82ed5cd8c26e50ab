"""Ordinal models: likelihood, fit and results; in memory, from files, and on a cluster.

:class:`OrderedLogit` is the cumulative family, :class:`SequentialLogit` the sequential one; the engine sees a
:class:`~p2prisk.ordered.families.Family` only. The ordered logit says
``logit P(Y <= j | x) = theta_j - x'beta``, so that a positive coefficient moves a loan towards the higher
(worse) category. Parameters are ordered: slopes of the columns in the order of the design matrix, then
slopes freed by threshold (``"column:A|B"``), then thresholds on their natural scale (``"A|B"``).

Names that other modules build on
---------------------------------
Model (:class:`~p2prisk.ordered.model.OrdinalModel`): ``exog`` (n, p), ``endog_codes`` (n,) of 0 .. J-1, ``categories``,
``weights`` and ``offset`` (or None), ``exog_names``, ``terms`` (term -> columns), ``param_names``,
``threshold_names``, ``layout``, ``family``, ``link``, ``design_matrix(data)``, ``score_obs(params)`` (n, k),
``loglike``, ``score``, ``hessian``, ``with_columns(...)`` and ``with_response(...)`` for cheap refits.

Result (:class:`OrderedResults`): ``params``, ``bse``, ``cov_params()``, ``thresholds``, ``slopes``,
``llf``, ``llnull``, ``nobs``, ``predict(...)``, ``design_matrix(data)``, ``score_obs()``,
``probability_jacobian(exog)``, ``hessian``, ``terms``, ``model``, ``notes`` (what was merged or bias-reduced).

Where the data separate: :mod:`~p2prisk.ordered.bias_reduced` and :mod:`~p2prisk.ordered.merging`.
"""

from p2prisk.ordered.batches import fit_batches
from p2prisk.ordered.distributed import fit_dask
from p2prisk.ordered.model import OrderedLogit
from p2prisk.ordered.results import OrderedResults
from p2prisk.ordered.sequential import SequentialLogit

__all__ = [
    "OrderedLogit",
    "OrderedLogitClassifier",
    "OrderedResults",
    "SequentialLogit",
    "SequentialLogitClassifier",
    "fit_batches",
    "fit_dask",
]


def __getattr__(name):
    # loaded on first use: scikit-learn takes longer to import than most fits take
    if name in ("OrderedLogitClassifier", "SequentialLogitClassifier"):
        from p2prisk.ordered import classifiers

        return getattr(classifiers, name)
    raise AttributeError(f"module 'p2prisk.ordered' has no attribute {name!r}")
