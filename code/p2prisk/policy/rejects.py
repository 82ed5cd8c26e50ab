"""Reject inference: what the declined could tell, and how little a method can make of their silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, SeparationError
from p2prisk.ordered import OrderedLogit
from p2prisk.validation import delong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


def default_rate_bounds(accepted_rate: float, accepted_share: float) -> tuple[float, ...]:
    """What accepted loans alone say about the default rate of all applicants.

    Parameters
    ----------
    accepted_rate : float
        Default rate of the accepted.
    accepted_share : float
        Share of applicants accepted.

    Returns
    -------
    tuple of float
        Lowest and highest rate that no assumption excludes: the declined might all have paid, or none (Manski 1989).

    Examples
    --------
    >>> low, high = default_rate_bounds(0.15, 0.7)
    >>> round(low, 4), round(high, 4)
    (0.105, 0.405)
    """
    for value, name in ((accepted_rate, "accepted_rate"), (accepted_share, "accepted_share")):
        if not 0 <= value <= 1:
            raise DataError(f"{name} is a share between 0 and 1, not {value!r}")
    return accepted_rate * accepted_share, accepted_rate * accepted_share + 1 - accepted_share


def _fit(formula, frame, weights):
    keep = weights > 0
    return OrderedLogit.from_formula(formula, frame[keep].assign(_weight=weights[keep]), freq_weights="_weight").fit()


def parcels(probability, cut, factor):
    """Class probabilities with the odds of default multiplied.

    Parameters
    ----------
    probability : array_like, shape (n, classes)
    cut : int
        First class that is a default.
    factor : float
        On the odds; the shares within default, and within no default, stay.

    Returns
    -------
    numpy.ndarray, shape (n, classes)

    Examples
    --------
    >>> parcels([[0.6, 0.2, 0.2]], 1, 3.0).round(4).tolist()
    [[0.3333, 0.3333, 0.3333]]
    """
    probability = np.asarray(probability, dtype=float)
    bad = probability[:, cut:].sum(axis=1, keepdims=True)
    moved = factor * bad / (1 - bad + factor * bad)
    return probability * np.where(np.arange(probability.shape[1]) >= cut, moved / bad, (1 - moved) / (1 - bad))


def compare_reject_inference(
    train: pd.DataFrame,
    test: pd.DataFrame,
    accepted: ArrayLike,
    formula: str,
    *,
    outcome: str = "severity",
    default_from: str = "loss after half",
    freq_weights: str | None = None,
    inflation: Sequence[float] = (1.0, 1.5, 2.0),
) -> pd.DataFrame:
    """Hide loans whose outcome is known, as if they had been declined, and see what each method makes of it.

    Parameters
    ----------
    train, test : pandas.DataFrame
        Loans with known outcome: those that the methods learn from, and later ones of the whole population.
    accepted : array_like of bool, shape (len(train),)
        Loans whose outcome the methods may see.
    formula : str
        Of the ordered logit.
    outcome, default_from : str
        Ordered outcome, and the first class that is a default.
    freq_weights : str, optional
        Column of counts.
    inflation : sequence of float
        Parcelling: the declined are given the predicted default odds times this factor.

    Returns
    -------
    pandas.DataFrame
        One row a method: ``method``, ``auc, ci_low, ci_high`` on `test`, ``gain`` over accepted loans only with
        ``gain_low, gain_high`` (DeLong, paired), ``predicted`` and ``observed`` mean default rate on `test`,
        ``declined_predicted`` and ``declined_observed`` on the hidden loans of `train`, ``note`` (why a method is not
        possible; its numbers are missing then).

    Notes
    -----
    *Augmentation* weighs the accepted by the inverse of their probability of acceptance, estimated by a logit on the
    same attributes. *Parcelling* adds the declined with fractional outcomes from the model of the accepted, its odds of
    default inflated by a guess. Both use no outcome of the declined: they can repeat what the accepted say, or add what
    the analyst believes (Hand and Henley 1993; Crook and Banasik 2004).
    """
    accepted = np.asarray(accepted, dtype=bool)
    if len(accepted) != len(train):
        raise DataError(f"accepted has {len(accepted)} rows, the loans {len(train)}")
    if accepted.all() or not accepted.any():
        raise DataError("some loans must be accepted and some declined")
    count = np.ones(len(train)) if freq_weights is None else train[freq_weights].to_numpy(dtype=float)
    size = np.ones(len(test)) if freq_weights is None else test[freq_weights].to_numpy(dtype=float)
    sample = _Hidden(train, accepted, count, formula, outcome, train[outcome].cat.categories.get_loc(default_from))
    base = _fit(formula, train, count * accepted)
    weights, note = sample.augmented()
    augmented = {} if note else {"augmentation": _fit(formula, train, weights)}
    parcelled = {f"parcelling, odds x {factor:g}": sample.parcelled(base, factor) for factor in inflation}
    everything = {"all outcomes known": _fit(formula, train, count)}
    table = sample.compare({"accepted only": base, **augmented, **parcelled, **everything}, test, size)
    notes = [{"method": "augmentation", "note": note}] if note else []
    return pd.DataFrame([*table[:1], *notes, *table[1:]])


@dataclass(frozen=True)
class _Hidden:
    """Loans of which the declined hide their outcome."""

    train: pd.DataFrame
    accepted: np.ndarray
    count: np.ndarray
    formula: str
    outcome: str
    #: code of the first class that is a default
    cut: int

    def augmented(self):
        """Weights of the accepted by the inverse of their chance to be accepted; or None and why there are none."""
        answer = pd.Categorical(np.where(self.accepted, "yes", "no"), ["no", "yes"], ordered=True)
        chosen = self.train.assign(_accepted=answer)
        words = f"_accepted ~ {self.formula.split('~', 1)[1]}"
        try:
            chance = np.asarray(_fit(words, chosen, self.count).predict(chosen))[:, 1]
        except SeparationError:
            return None, "not possible: acceptance follows from the attributes, so some applicants had no chance"
        # a floor keeps one loan from speaking for hundreds
        return self.count * self.accepted / np.maximum(chance, 0.02), ""

    def parcelled(self, base, factor):
        """Fit with the declined in parts, one a class, by the model of the accepted with inflated odds of default."""
        hidden, weight = self.train[~self.accepted], self.count[~self.accepted]
        share = parcels(np.asarray(base.predict(hidden)), self.cut, factor)
        categories = self.train[self.outcome].cat.categories
        parts = [self.train[self.accepted].assign(_weight=self.count[self.accepted])]
        for j, name in enumerate(categories):
            level = pd.Categorical([name] * len(hidden), categories, ordered=True)
            parts.append(hidden.assign(**{self.outcome: level, "_weight": weight * share[:, j]}))
        joined = pd.concat(parts, ignore_index=True)
        return _fit(self.formula, joined, joined["_weight"].to_numpy())

    def compare(self, models, test, size):
        """One row a model: how it ranks and how level it is on `test`, and what it says of the hidden loans."""
        hidden, weight = self.train[~self.accepted], self.count[~self.accepted]
        gone = (self.train[self.outcome].cat.codes.to_numpy() >= self.cut)[~self.accepted]
        event = test[self.outcome].cat.codes.to_numpy() >= self.cut

        def default(model, frame):
            return np.asarray(model.predict(frame))[:, self.cut :].sum(axis=1)

        scores = {name: default(model, test) for name, model in models.items()}
        found = delong(event, scores, freq_weights=size)
        return [
            {
                "method": name,
                **found.table.loc[name, ["auc", "ci_low", "ci_high"]].to_dict(),
                **_gain(found.comparisons, name),
                "predicted": float(np.average(scores[name], weights=size)),
                "observed": float(np.average(event, weights=size)),
                "declined_predicted": float(np.average(default(model, hidden), weights=weight)),
                "declined_observed": float(np.average(gone, weights=weight)),
                "note": "",
            }
            for name, model in models.items()
        ]


def _gain(comparisons, name):
    """Difference in AUC of a method against accepted loans only, with its interval."""
    if name == "accepted only":
        return {"gain": 0.0, "gain_low": np.nan, "gain_high": np.nan}
    row = comparisons[(comparisons["first"] == "accepted only") & (comparisons["second"] == name)].iloc[0]
    return {"gain": -row["difference"], "gain_low": -row["ci_high"], "gain_high": -row["ci_low"]}
