"""The same loans, the same folds, other models: multinomial, binary, grade, gradient boosting, base rate.

Each maker below returns a function ``fit_predict(train, test)`` that gives class probabilities of `test` as a
DataFrame with the categories as columns; any function of that form can join the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from p2prisk.errors import DataError
from p2prisk.validation._input import as_weights, check_share, outcome_and_probabilities, outcome_codes
from p2prisk.validation.discrimination import concordance, delong_by_cut, discrimination_by_cut
from p2prisk.validation.resampling import cross_validate, stratified_folds
from p2prisk.validation.scores import log_scores, ordinal_scores, ranked_probability_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike


def _outcome(frame, name):
    if name not in frame.columns:
        raise DataError(f"no column {name!r} in the frame")
    return outcome_codes(frame[name])


def _weights(frame, name):
    return None if name is None else as_weights(frame[name], len(frame))


def _shares(codes, weights, classes):
    count = np.bincount(codes, weights, classes)
    return count / count.sum()


def _design(formula, train, test):
    """Outcome name and the two design matrices without intercept; classes of factors come from `train`."""
    from formulaic import model_matrix

    if "~" not in formula:
        raise DataError(f"formula {formula!r} has no '~'; write 'outcome ~ predictors'")
    outcome, right = (part.strip() for part in formula.split("~", 1))
    first = model_matrix(right, train, na_action="raise")
    second = first.model_spec.get_model_matrix(test)
    first, second = (pd.DataFrame(m).drop(columns="Intercept", errors="ignore") for m in (first, second))
    return outcome, first.to_numpy(dtype=float), second.to_numpy(dtype=float)


def base_rate(outcome: str, freq_weights: str | None = None) -> Callable:
    """Comparator that gives every loan the class shares of the training loans.

    Parameters
    ----------
    outcome : str
        Column of the ordinal outcome.
    freq_weights : str, optional
        Column of counts.

    Returns
    -------
    callable
        ``fit_predict(train, test)``.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 0, 0, 1]})
    >>> base_rate("y")(frame, frame).iloc[0].tolist()
    [0.75, 0.25]
    """

    def fit_predict(train, test):
        codes, labels = _outcome(train, outcome)
        share = _shares(codes, _weights(train, freq_weights), len(labels))
        return pd.DataFrame(np.tile(share, (len(test), 1)), index=test.index, columns=labels)

    return fit_predict


def by_grade(outcome: ArrayLike, grade: ArrayLike, freq_weights: ArrayLike | None = None) -> Any:
    """Comparator that gives every loan the class shares of the training loans of its platform grade.

    A grade not met in training gets the overall shares. Half a loan, spread as the overall shares are, is
    added to each grade, so that a class not met in a small grade is not called impossible.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 0, 1, 1], "grade": list("AABB")})
    >>> by_grade("y", "grade")(frame, frame)[1].round(2).tolist()
    [0.1, 0.1, 0.9, 0.9]
    """

    def fit_predict(train, test):
        codes, labels = _outcome(train, outcome)
        weights = np.ones(len(train)) if freq_weights is None else _weights(train, freq_weights)
        overall = _shares(codes, weights, len(labels))
        count = (
            pd.crosstab(train[grade].astype(object), codes, values=weights, aggfunc="sum")
            .reindex(columns=range(len(labels)))
            .fillna(0.0)
        )
        count = count + 0.5 * overall
        share = count.div(count.sum(axis=1), axis=0).reindex(test[grade].astype(object)).to_numpy()
        return pd.DataFrame(np.where(np.isnan(share), overall, share), index=test.index, columns=labels)

    return fit_predict


def ordered_logit(formula: str, freq_weights: ArrayLike | None = None, **options: Any) -> Any:
    """Comparator made of :class:`p2prisk.ordered.OrderedLogit`; `options` go to ``from_formula``."""

    def fit_predict(train, test):
        from p2prisk.ordered import OrderedLogit

        if freq_weights is not None:
            options["freq_weights"] = freq_weights
        result = OrderedLogit.from_formula(formula, train, **options).fit()
        labels = _outcome(train, formula.split("~", 1)[0].strip())[1]
        return pd.DataFrame(np.asarray(result.predict(test)), index=test.index, columns=labels)

    return fit_predict


def _logistic(x, y, weights, new, ridge):
    """Class probabilities from scikit-learn's logistic regression on standardised columns."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / ridge, max_iter=2000, tol=1e-6))
    model.fit(x, y, logisticregression__sample_weight=weights)
    return model.classes_, model.predict_proba(new)


def multinomial_logit(formula: str, freq_weights: str | None = None, ridge: float = 1e-3) -> Callable:
    """Comparator: multinomial logit, which ignores the order of the categories.

    Parameters
    ----------
    formula : str
        ``"outcome ~ predictors"``.
    freq_weights : str, optional
        Column of counts.
    ridge : float
        Penalty on standardised slopes, small enough to leave estimated ones alone; it keeps finite those of
        a class in which a factor level does not occur.

    Returns
    -------
    callable
        ``fit_predict(train, test)``; scikit-learn does the fit.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 1, 2] * 20, "x": range(60)})
    >>> multinomial_logit("y ~ x")(frame, frame).shape
    (60, 3)
    """

    def fit_predict(train, test):
        outcome, x, new = _design(formula, train, test)
        codes, labels = _outcome(train, outcome)
        classes, probability = _logistic(x, codes, _weights(train, freq_weights), new, ridge)
        full = np.zeros((len(test), len(labels)))
        full[:, classes] = probability
        return pd.DataFrame(full, index=test.index, columns=labels)

    return fit_predict


def binary_logits(formula: str, freq_weights: ArrayLike | None = None, ridge: float = 1e-3) -> Any:
    """Comparator: one binary logit a cut, put together into class probabilities.

    Where the separate fits contradict each other, ``P(Y > j)`` is lowered to that of the cut below.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 1, 2] * 20, "x": range(60)})
    >>> bool(np.allclose(binary_logits("y ~ x")(frame, frame).sum(axis=1), 1))
    True
    """

    def fit_predict(train, test):
        outcome, x, new = _design(formula, train, test)
        codes, labels = _outcome(train, outcome)
        weights = _weights(train, freq_weights)
        tail = np.ones((len(test), len(labels) + 1))
        tail[:, -1] = 0.0
        for j in range(len(labels) - 1):
            tail[:, j + 1] = _logistic(x, (codes > j).astype(int), weights, new, ridge)[1][:, 1]
        tail = np.minimum.accumulate(tail, axis=1)
        return pd.DataFrame(tail[:, :-1] - tail[:, 1:], index=test.index, columns=labels)

    return fit_predict


def gradient_boosting(
    outcome: str, predictors: Sequence[str], freq_weights: str | None = None, seed: int = 0, **options: Any
) -> Any:
    """Comparator: scikit-learn's histogram gradient boosting on the same predictors.

    Parameters
    ----------
    outcome : str
    predictors : sequence of str
        Columns of the frame; text and Categoricals are treated as categories, missing numbers are allowed.
    freq_weights : str, optional
        Column of counts.
    seed : int
    **options
        For ``HistGradientBoostingClassifier``; by default 150 rounds, learning rate 0.05, 15 leaves, no early
        stopping.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 1, 2] * 20, "x": range(60)})
    >>> gradient_boosting("y", ["x"], max_iter=5)(frame, frame).shape
    (60, 3)
    """
    settings = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 15, "early_stopping": False, **options}

    def fit_predict(train, test):
        from sklearn.ensemble import HistGradientBoostingClassifier

        codes, labels = _outcome(train, outcome)
        first, second = train[list(predictors)].copy(), test[list(predictors)].copy()
        for column in first.columns:
            if not pd.api.types.is_numeric_dtype(first[column]):
                known = pd.Categorical(first[column])
                first[column] = known
                second[column] = pd.Categorical(
                    second[column].where(second[column].isin(known.categories)), categories=known.categories
                )
        model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed, **settings)
        model.fit(first, codes, sample_weight=_weights(train, freq_weights))
        full = np.zeros((len(test), len(labels)))
        full[:, model.classes_] = model.predict_proba(second)
        return pd.DataFrame(full, index=test.index, columns=labels)

    return fit_predict


@dataclass(frozen=True)
class ModelComparison:
    """Several models on the same held-out loans.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a model: ``rps, rps_skill`` (against the training base rate), ``log_score, kappa, c_index``,
        one column ``auc <cut>`` a cut, ``rps_difference`` from the reference with
        ``rps_difference_low/high`` (negative: better than the reference), ``seconds``.
    auc_differences : pandas.DataFrame
        DeLong comparisons of all pairs at every cut.
    predictions : dict of str to pandas.DataFrame
        Held-out class probabilities.
    loans : float
        Held-out loans (sum of weights).
    reference : str
    """

    table: pd.DataFrame
    auc_differences: pd.DataFrame
    predictions: dict
    loans: float
    reference: str


def _compare(y, predictions, base, weights, reference, seconds, confidence, fold=None):
    names = list(predictions)
    reference = names[0] if reference is None else reference
    if reference not in names:
        raise DataError(f"reference {reference!r} is none of the models {names}")
    z = scipy.stats.norm.ppf(0.5 + check_share(confidence, "confidence") / 2)
    weights = np.ones(len(y)) if weights is None else weights
    total = weights.sum()
    losses, rows = {}, {}
    for name, predicted in predictions.items():
        codes, labels, matrix = outcome_and_probabilities(y, predicted)
        losses[name] = ranked_probability_scores(codes, matrix)
        scores = ordinal_scores(codes, matrix, weights, base=base)
        cuts = discrimination_by_cut(y, predicted, weights)
        rows[name] = {
            "rps": scores.loc["ranked probability score", "value"],
            "rps_skill": scores.loc["ranked probability score", "skill"],
            "log_score": float(np.average(log_scores(codes, matrix), weights=weights)),
            "kappa": scores.loc["quadratic weighted kappa", "value"],
            "c_index": concordance(y, matrix @ np.arange(len(labels)), weights).c_index,
            **{f"auc {cut}": value for cut, value in cuts["auc"].items()},
        }
    for name in names:
        gap = losses[name] - losses[reference]
        mean = weights @ gap / total
        if fold is None:
            half = z * np.sqrt(weights @ (gap - mean) ** 2 / total / max(total - 1, 1))
        else:
            half = corrected_half_width(gap, fold, weights, confidence)
        rows[name].update(
            rps_difference=mean, rps_difference_low=mean - half, rps_difference_high=mean + half, seconds=seconds[name]
        )
    table = pd.DataFrame(rows).T
    table.index.name = "model"
    differences = delong_by_cut(y, predictions, weights, confidence) if len(names) > 1 else pd.DataFrame()
    return ModelComparison(table, differences, predictions, float(total), reference)


def corrected_half_width(
    gap: ArrayLike, fold: ArrayLike, weights: ArrayLike | None = None, confidence: float = 0.95
) -> float:
    """Half the width of an interval for a mean over cross-validated loans, allowing for fits that share their loans.

    Parameters
    ----------
    gap : array_like, shape (n,)
        Difference of two losses of each held-out loan.
    fold : array_like, shape (n,)
    weights : array_like, optional
        Loans a row stands for.
    confidence : float

    Returns
    -------
    float

    Notes
    -----
    Nadeau and Bengio (2003), Machine Learning 52, 239-281: the variance over the means of k folds is multiplied by
    1/k + held-out/fitted loans, instead of 1/k, as any two of the fits have most of their loans in common; Student's t
    with k - 1 degrees of freedom.

    Examples
    --------
    >>> round(corrected_half_width([1.0, 3.0, 2.0, 4.0], [0, 0, 1, 1], confidence=0.5), 4)
    0.866
    """
    gap, (codes, fold) = np.asarray(gap, dtype=float), pd.factorize(np.asarray(fold))
    weights = np.ones(len(gap)) if weights is None else np.asarray(weights, dtype=float)
    size = np.bincount(codes, weights)
    if len(fold) < 2:
        raise DataError("one fold has no spread over folds; use two at least")
    spread = np.var(np.bincount(codes, weights * gap) / size, ddof=1)
    held = size.mean()
    factor = 1 / len(fold) + held / (size.sum() - held)
    return float(
        scipy.stats.t.ppf(0.5 + check_share(confidence, "confidence") / 2, len(fold) - 1) * np.sqrt(factor * spread)
    )


def compare_models(
    frame: pd.DataFrame,
    outcome: str,
    models: dict[Any, Callable],
    folds: int | ArrayLike = 5,
    seed: int = 0,
    freq_weights: str | None = None,
    reference: str | None = None,
    confidence: float = 0.95,
) -> ModelComparison:
    """Cross-validate several models on the same folds and put them in one table.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a loan (or a cell of counts, see `freq_weights`).
    outcome : str
        Column of the ordinal outcome (ordered Categorical or integers).
    models : dict of name to callable
        ``fit_predict(train, test)``, for instance from :func:`ordered_logit` or :func:`gradient_boosting`.
    folds : int or array_like of int, shape (n,)
        Number of stratified folds, or the fold of each row.
    seed : int
        Seed of the folds.
    freq_weights : str, optional
        Column of counts, used in every score. A cell of counts is in one fold as a whole, so that the
        held-out cells are ones the model has not met; with few cells that is a harder test than held-out
        loans.
    reference : str, optional
        Model that the others are compared with; by default the first.
    confidence : float

    Returns
    -------
    ModelComparison
        The interval of ``rps_difference`` is :func:`corrected_half_width`'s. Those of ``auc_differences`` hold the
        predictions fixed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"x": rng.normal(size=300)})
    >>> frame["y"] = np.digitize(frame["x"] + rng.logistic(size=300), [-1, 1])
    >>> r = compare_models(frame, "y", {"logits": binary_logits("y ~ x"), "base": base_rate("y")}, folds=3)
    >>> bool(r.table.loc["logits", "rps"] < r.table.loc["base", "rps"])
    True
    """
    codes, labels = _outcome(frame, outcome)
    weights = _weights(frame, freq_weights)
    fold = stratified_folds(codes, folds, seed) if isinstance(folds, int) else np.asarray(folds)
    predictions, seconds = {}, {}
    for name, model in models.items():
        begin = perf_counter()
        predictions[name] = cross_validate(model, frame, fold)
        seconds[name] = perf_counter() - begin
    base = np.asarray(cross_validate(base_rate(outcome, freq_weights), frame, fold))
    return _compare(
        pd.Categorical.from_codes(codes, labels, ordered=True),
        predictions,
        base,
        weights,
        reference,
        seconds,
        confidence,
        fold,
    )


def compare_on_test(
    train: pd.DataFrame,
    test: pd.DataFrame,
    outcome: ArrayLike,
    models: Any,
    freq_weights: ArrayLike | None = None,
    reference: Any = None,
    confidence: float = 0.95,
) -> ModelComparison:
    """Fit several models on `train`, predict `test` once, and put them in one table.

    Parameters
    ----------
    train, test : pandas.DataFrame
        For instance from :func:`p2prisk.validation.out_of_time_split`.
    outcome, models, freq_weights, reference, confidence
        As in :func:`compare_models`.

    Returns
    -------
    ModelComparison
        Skill is against the class shares of `train`.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 0, 1, 1] * 10, "x": range(40)})
    >>> r = compare_on_test(frame, frame, "y", {"base": base_rate("y"), "logits": binary_logits("y ~ x")})
    >>> r.loans
    40.0
    """
    codes, labels = _outcome(test, outcome)
    train_codes, train_labels = _outcome(train, outcome)
    if train_labels != labels:
        raise DataError(
            f"training outcome has the categories {train_labels}, test outcome {labels}; use one ordered "
            "Categorical for both"
        )
    predictions, seconds = {}, {}
    for name, model in models.items():
        begin = perf_counter()
        predictions[name] = model(train, test)
        seconds[name] = perf_counter() - begin
    base = _shares(train_codes, _weights(train, freq_weights), len(labels))
    return _compare(
        pd.Categorical.from_codes(codes, labels, ordered=True),
        predictions,
        base,
        _weights(test, freq_weights),
        reference,
        seconds,
        confidence,
    )
