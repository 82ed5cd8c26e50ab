"""Which loans move the answer? One-step deletion of every loan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.assumptions._support import fitted_model, row_weights
from p2prisk.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from p2prisk.ordered.results import OrderedResults

_ROWS = 65536


def influence(result: OrderedResults, top: int = 20) -> pd.DataFrame:
    """Change of the estimates when one loan is left out, to first order, and the loans that change them most.

    Parameters
    ----------
    result : OrderedResults
    top : int
        Loans listed.

    Returns
    -------
    pandas.DataFrame
        Index ``row`` (position among the rows used), most influential first: ``category, probability`` (that
        the model gave to what happened), ``distance`` (Cook's distance by the information: ``s' I^-1 s /
        k``), ``largest_shift`` (largest change of a parameter, in its standard errors) and ``parameter``
        (which one, and the sign is that of the change when the loan is left out).

    Notes
    -----
    Leaving out one loan with score s moves the estimates by about ``-I^-1 s`` (Pregibon 1981, Annals of
    Statistics 9). A row of grouped data counts as one loan of its kind. :func:`influence_refit` gives the
    exact change.

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800); x[17] = 12.0
    >>> y = np.digitize(np.where(x > 10, -5, x) + rng.logistic(size=800), [-1, 0.5, 2])
    >>> influence(OrderedLogit(y, pd.DataFrame({"x": x})).fit(), top=3).index[0].item()
    17
    """
    model = fitted_model(result)
    if int(top) < 1:
        raise ModelError(f"top={top!r}; list at least one loan")
    covariance = np.linalg.inv(-np.asarray(result.hessian))
    se = np.sqrt(np.diag(covariance))
    # scores in standard errors: dollars and ratios then have one size
    scaled = covariance / np.outer(se, se)
    params = result.params.to_numpy()
    weights = row_weights(model)
    distance, largest, which = np.empty(model.n_rows), np.empty(model.n_rows), np.empty(model.n_rows, dtype=int)
    for start in range(0, model.n_rows, _ROWS):
        rows = slice(start, min(start + _ROWS, model.n_rows))
        score = model.score_obs(params, rows) * se
        shift = -score @ scaled
        distance[rows] = -(shift * score).sum(axis=1) / params.size
        which[rows] = np.abs(shift).argmax(axis=1)
        largest[rows] = shift[np.arange(shift.shape[0]), which[rows]]
    distance[weights == 0] = -1.0
    rows = np.argsort(-distance, kind="stable")[: int(top)]
    exog = model.exog[rows]
    offset = None if model.offset is None else model.offset[rows]
    probability = result._probabilities(result._bounds(exog, offset))
    codes = model.endog_codes[rows]
    return pd.DataFrame(
        {
            "category": [model.categories[c] for c in codes],
            "probability": probability[np.arange(rows.size), codes],
            "distance": distance[rows],
            "largest_shift": largest[rows],
            "parameter": [result.param_names[i] for i in which[rows]],
        },
        index=pd.Index(rows, name="row"),
    )


def influence_refit(result: OrderedResults, rows: ArrayLike) -> pd.DataFrame:
    """Exact change of the estimates when some loans are left out together: the model is fitted again without
    them.

    Parameters
    ----------
    result : OrderedResults
    rows : array_like of int
        Positions among the rows used, for instance the index of :func:`influence`.

    Returns
    -------
    pandas.DataFrame
        Index parameter: ``with_all, without, shift`` (in standard errors of the full fit).

    Examples
    --------
    >>> from p2prisk import OrderedLogit
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=800)
    >>> y = np.digitize(x + rng.logistic(size=800), [-1, 0.5, 2])
    >>> r = OrderedLogit(y, pd.DataFrame({"x": x})).fit()
    >>> bool(influence_refit(r, [0, 1])["shift"].abs().max() < 0.2)
    True
    """
    model = fitted_model(result)
    rows = np.unique(np.asarray(rows, dtype=int))
    if rows.size == 0 or rows.min() < 0 or rows.max() >= model.n_rows:
        raise ModelError(f"rows must be positions between 0 and {model.n_rows - 1}")
    keep = np.setdiff1d(np.arange(model.n_rows), rows)
    other = model.with_response(model.endog_codes, model.categories, rows=keep).fit()
    frame = pd.DataFrame({"with_all": result.params, "without": other.params})
    frame["shift"] = (frame["without"] - frame["with_all"]) / result.bse
    frame.index.name = "parameter"
    return frame
