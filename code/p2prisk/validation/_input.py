"""Checks of what the validation functions are given; every one of them says what was wrong and where."""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError


def as_weights(freq_weights, rows):
    """Return counts a row (ones when `freq_weights` is None), refusing negative or missing ones."""
    if freq_weights is None:
        return np.ones(rows)
    weights = np.asarray(freq_weights, dtype=float).ravel()
    if weights.shape[0] != rows:
        raise DataError(f"freq_weights has {weights.shape[0]} rows, the data have {rows}; give one weight a row")
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        raise DataError(
            f"freq_weights has {bad.sum()} missing, infinite or negative values (first at row "
            f"{int(np.argmax(bad))}); weights count loans and cannot be negative"
        )
    if not weights.sum() > 0:
        raise DataError("freq_weights are all zero; no loan is left")
    return weights


def as_numbers(values, name, rows=None):
    """Return a float vector without missing values."""
    vector = np.asarray(values, dtype=float).ravel()
    if rows is not None and vector.shape[0] != rows:
        raise DataError(f"{name} has {vector.shape[0]} rows, the outcome has {rows}; they must describe the same loans")
    bad = ~np.isfinite(vector)
    if bad.any():
        raise DataError(
            f"{name} has {bad.sum()} missing or infinite values (first at row {int(np.argmax(bad))}); "
            "drop those loans from every argument, and report how many"
        )
    return vector


def as_event(event):
    """Return a boolean vector from 0/1, booleans or a two-category outcome (higher = event)."""
    if isinstance(event, pd.Categorical) or (
        isinstance(event, pd.Series) and isinstance(event.dtype, pd.CategoricalDtype)
    ):
        codes, labels = outcome_codes(event)
        if len(labels) != 2:
            raise DataError(f"the event has {len(labels)} categories; give a yes/no outcome, e.g. y > cut")
        return codes == 1
    values = np.asarray(event).ravel()
    if values.dtype != bool:
        values = as_numbers(values, "event")
        bad = (values != 0) & (values != 1)
        if bad.any():
            raise DataError(f"event must be 0/1 or booleans; row {int(np.argmax(bad))} holds {values[bad][0]!r}")
        values = values == 1
    if values.size == 0:
        raise DataError("event is empty; there is nothing to validate")
    return values


def both_kinds(event, weights, where="the sample"):
    """Refuse a sample in which only events or only non-events carry weight."""
    events, total = float(weights[event].sum()), float(weights.sum())
    if events <= 0 or events >= total:
        raise DataError(f"{where} holds {events:g} events among {total:g} loans; discrimination needs both kinds")


def outcome_codes(y, labels=None):
    """Turn an ordinal outcome into codes 0..J-1 and labels.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ordered pandas Categorical, integers, or values named in `labels`.
    labels : sequence, optional
        The categories from best to worst; without it they are taken from the Categorical, or the sorted
        integers.

    Returns
    -------
    codes : ndarray of int, shape (n,)
    labels : list

    Raises
    ------
    DataError
        For missing outcomes, text without an order, or values outside `labels`.
    """
    series = pd.Series(y).reset_index(drop=True)
    if series.empty:
        raise DataError("the outcome is empty; there is nothing to validate")
    missing = series.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"the outcome is missing for {missing.sum()} loans (first at row {int(np.argmax(missing))}); "
            "drop them from every argument, and report how many"
        )
    if isinstance(series.dtype, pd.CategoricalDtype):
        if not series.cat.ordered and labels is None:
            raise DataError(
                "the outcome is an unordered Categorical; order it with "
                "pd.Categorical(y, categories=[best, ..., worst], ordered=True)"
            )
        own = list(series.cat.categories)
        if labels is None:
            return series.cat.codes.to_numpy().astype(np.int64), own
        series = series.astype(object)
    if labels is None:
        if series.dtype == bool:
            series = series.astype(int)
        if not pd.api.types.is_numeric_dtype(series):
            raise DataError(
                "the outcome is text, which has no order; order it with "
                "pd.Categorical(y, categories=[best, ..., worst], ordered=True)"
            )
        labels = sorted(series.unique().tolist())
    codes = pd.Index(labels).get_indexer(series)
    if (codes < 0).any():
        row = int(np.argmax(codes < 0))
        raise DataError(f"row {row}: outcome {series.iloc[row]!r} is none of the categories {list(labels)}")
    return codes.astype(np.int64), list(labels)


def outcome_and_probabilities(y, probabilities):
    """Check an ordinal outcome against its predicted class probabilities.

    Returns
    -------
    codes : ndarray of int, shape (n,)
    labels : list, length J
    matrix : ndarray, shape (n, J)
    """
    columns = list(probabilities.columns) if isinstance(probabilities, pd.DataFrame) else None
    matrix = np.asarray(probabilities, dtype=float)
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise DataError(f"probabilities must be a table of shape (loans, classes), not of shape {matrix.shape}")
    series = pd.Series(y)
    if isinstance(series.dtype, pd.CategoricalDtype) and series.cat.ordered:
        codes, labels = outcome_codes(series)
    elif columns is not None:
        codes, labels = outcome_codes(series, columns)
    else:
        codes, labels = outcome_codes(series, list(range(matrix.shape[1])))
    if columns is not None and [str(c) for c in columns] != [str(label) for label in labels]:
        raise DataError(
            f"the columns of probabilities {columns} are not the categories of the outcome {labels}, in the same order"
        )
    if matrix.shape != (codes.shape[0], len(labels)):
        raise DataError(
            f"probabilities has shape {matrix.shape}; {codes.shape[0]} loans in {len(labels)} categories "
            f"need {(codes.shape[0], len(labels))}"
        )
    bad = ~np.isfinite(matrix).all(axis=1) | (matrix < -1e-12).any(axis=1) | (abs(matrix.sum(axis=1) - 1) > 1e-6)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"{bad.sum()} rows of probabilities are not a distribution (first at row {row}: "
            f"{matrix[row].round(4).tolist()}); each row must be non-negative and sum to 1"
        )
    return codes, labels, np.clip(matrix, 0.0, 1.0)


def cut_labels(labels):
    """Names of the J-1 cuts, ``"A|B"``."""
    return [f"{low}|{high}" for low, high in zip(labels[:-1], labels[1:], strict=True)]


def cut_scores(score, labels, rows):
    """One score a cut: ``P(Y > j)`` from a table of class probabilities, or the same score at every cut."""
    if isinstance(score, pd.DataFrame) or np.ndim(score) == 2:
        matrix = np.asarray(score, dtype=float)
        if matrix.shape != (rows, len(labels)):
            raise DataError(f"class probabilities have shape {matrix.shape}; {(rows, len(labels))} is needed")
        tail = np.cumsum(matrix[:, ::-1], axis=1)[:, ::-1]
        return [as_numbers(tail[:, j + 1], "score", rows) for j in range(len(labels) - 1)]
    vector = as_numbers(score, "score", rows)
    return [vector] * (len(labels) - 1)


def check_share(value, name):
    """Refuse a confidence level or share outside (0, 1)."""
    if not 0 < value < 1:
        raise DataError(f"{name} is {value!r}; it must lie strictly between 0 and 1")
    return float(value)
