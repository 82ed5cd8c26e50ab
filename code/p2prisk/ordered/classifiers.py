"""The models as scikit-learn classifiers: for pipelines, cross-validation and calibration.

Thin: they check and name their input as scikit-learn asks and hand it to the models of this package. Standard
errors, tests and effects are those of the models; ``result_`` holds the fitted scoring model.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from p2prisk.errors import DataError
from p2prisk.ordered.model import OrderedLogit
from p2prisk.ordered.sequential import SequentialLogit


class _OrdinalClassifier(ClassifierMixin, BaseEstimator):
    """What both classifiers share; ``_model(codes, exog, weights)`` makes the model."""

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array_like or DataFrame, shape (n, p)
            Numbers, without a constant.
        y : array_like, shape (n,)
            Classes; their sorted order is their order.
        sample_weight : array_like, shape (n,), optional
            How many loans each row stands for.

        Returns
        -------
        self

        Raises
        ------
        DataError
            For an ordered Categorical in another order than that of sorting.
        ModelError, SeparationError, ConvergenceError
            As in the model's ``fit``.
        """
        _check_order(y)
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            used = sample_weight != 0
            X, y, sample_weight = X[used], y[used], sample_weight[used]
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y holds one class only ({self.classes_}); there is nothing to order")
        if self.classes_.dtype.kind not in "biuf":
            warnings.warn(
                f"the classes are text and taken in alphabetical order, {list(self.classes_)} from best to worst; "
                "give whole numbers, such as the codes of an ordered Categorical, to say another order",
                UserWarning,
                stacklevel=2,
            )
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])])
        model = self._model(codes, pd.DataFrame(X, columns=names), sample_weight)
        self.result_ = model.fit(penalty=self.penalty).remove_data()
        self.n_iter_ = self.result_.iterations
        return self

    def predict_proba(self, X):
        """Probability of each class, shape (n, J), in the order of ``classes_``."""
        check_is_fitted(self)
        exog, result = validate_data(self, X, dtype=float, reset=False), self.result_
        return result.family.probabilities(result.layout.latent(result.params.to_numpy(), exog))

    def predict(self, X):
        """Most probable class, shape (n,)."""
        probability = self.predict_proba(X)
        return self.classes_[probability.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # scikit-learn's checks ask how well three clouds without an order are told apart
        tags.classifier_tags.poor_score = True
        return tags


def _check_order(y):
    dtype = getattr(y, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        order = list(dtype.categories)
        if order != sorted(order):
            raise DataError(
                f"y is a Categorical in the order {order}, but scikit-learn sorts the classes wherever it handles them "
                "(cross_val_predict, CalibratedClassifierCV); give its codes: y.cat.codes"
            )


class OrderedLogitClassifier(_OrdinalClassifier):
    """:class:`OrderedLogit` as a scikit-learn classifier.

    Parameters
    ----------
    link, nonparallel
        As in :class:`OrderedLogit`; ``nonparallel`` names columns of `X` (``x0``, ``x1``, ... of an array).
    penalty : float or None
        Ridge penalty on the slopes of columns of unit variance, see :meth:`OrderedLogit.fit`. The default is that
        of scikit-learn's ``LogisticRegression`` (``C = 1 / penalty``): a finite fit in every fold of any data. With
        ``None`` the fit is maximum likelihood, and its standard errors and tests are to be believed.

    Attributes
    ----------
    classes_ : ndarray, shape (J,)
        In the order of sorting, which is taken to run from best to worst.
    result_ : OrderedResults
        Estimates, standard errors, tests, summary and JSON of the fit, without the data.
    n_iter_, n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_predict
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> rng = np.random.default_rng(3)
    >>> X = rng.normal(size=(800, 2))
    >>> y = np.digitize(X @ [1.0, -0.5] + rng.logistic(size=800), [-1, 0.5, 2])
    >>> cross_val_predict(make_pipeline(StandardScaler(), OrderedLogitClassifier()), X, y, method="predict_proba").shape
    (800, 4)
    """

    def __init__(self, link: str = "logit", nonparallel: Any = None, penalty: float | None = 1.0) -> None:
        self.link = link
        self.nonparallel = nonparallel
        self.penalty = penalty

    def _model(self, codes, exog, weights):
        return OrderedLogit(codes, exog, self.link, freq_weights=weights, nonparallel=self.nonparallel)


class SequentialLogitClassifier(_OrdinalClassifier):
    """:class:`SequentialLogit` as a scikit-learn classifier.

    Parameters
    ----------
    direction : {"forward", "backward"}
    link, nonparallel, penalty
        As in :class:`OrderedLogitClassifier`.

    Attributes are those of :class:`OrderedLogitClassifier`.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> X = rng.normal(size=(800, 2))
    >>> going_on = X @ [[1.0, 0.5], [-0.5, 0.0]] + rng.logistic(size=(800, 2)) > [0, 0.5]
    >>> y = np.where(going_on[:, 0], 1 + going_on[:, 1], 0)
    >>> SequentialLogitClassifier().fit(X, y).result_.params.round(1).to_dict()
    {'x0': 0.9, 'x1': -0.3, '0|1': -0.1, '1|2': 0.7}
    """

    def __init__(
        self,
        direction: Literal["forward", "backward"] = "forward",
        link: str = "logit",
        nonparallel: Any = None,
        penalty: Any = 1.0,
    ) -> None:
        self.direction = direction
        self.link = link
        self.nonparallel = nonparallel
        self.penalty = penalty

    def _model(self, codes, exog, weights):
        return SequentialLogit(
            codes, exog, self.direction, self.link, freq_weights=weights, nonparallel=self.nonparallel
        )
