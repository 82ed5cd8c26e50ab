"""Reject inference: what the declined could tell, and how little a method can make of their silence."""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, SeparationError
from p2prisk.ordered import OrderedLogit
from p2prisk.validation import delong


def default_rate_bounds(accepted_rate, accepted_share):
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
    train,
    test,
    accepted,
    formula,
    *,
    outcome="severity",
    default_from="loss after half",
    freq_weights=None,
    inflation=(1.0, 1.5, 2.0),
):
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
    categories = list(train[outcome].cat.categories)
    cut = categories.index(default_from)
    right = formula.split("~", 1)[1]
    base = _fit(formula, train, count * accepted)
    models = {"accepted only": base}

    chosen = train.assign(_accepted=pd.Categorical(np.where(accepted, "yes", "no"), ["no", "yes"], ordered=True))
    notes = {}
    try:
        chance = np.asarray(_fit(f"_accepted ~ {right}", chosen, count).predict(chosen))[:, 1]
        # a floor keeps one loan from speaking for hundreds
        models["augmentation"] = _fit(formula, train, count * accepted / np.maximum(chance, 0.02))
    except SeparationError:
        notes["augmentation"] = "not possible: acceptance follows from the attributes, so some applicants had no chance"

    hidden = train[~accepted]
    probability = np.asarray(base.predict(hidden))
    for factor in inflation:
        share = parcels(probability, cut, factor)
        parts = [train[accepted].assign(_weight=count[accepted])]
        for j, name in enumerate(categories):
            parts.append(
                hidden.assign(
                    **{
                        outcome: pd.Categorical([name] * len(hidden), categories, ordered=True),
                        "_weight": count[~accepted] * share[:, j],
                    }
                )
            )
        joined = pd.concat(parts, ignore_index=True)
        models[f"parcelling, odds x {factor:g}"] = _fit(formula, joined, joined["_weight"].to_numpy())
    models["all outcomes known"] = _fit(formula, train, count)

    codes = test[outcome].cat.codes.to_numpy()
    scores = {name: np.asarray(model.predict(test))[:, cut:].sum(axis=1) for name, model in models.items()}
    found = delong(codes >= cut, scores, freq_weights=size)
    gain = found.comparisons
    gone = (train[outcome].cat.codes.to_numpy() >= cut)[~accepted]
    rows = []
    for name, model in models.items():
        row = {"method": name, **found.table.loc[name, ["auc", "ci_low", "ci_high"]].to_dict()}
        row.update(
            _gain(gain, name),
            predicted=float(np.average(scores[name], weights=size)),
            observed=float(np.average(codes >= cut, weights=size)),
            declined_predicted=float(
                np.average(np.asarray(model.predict(hidden))[:, cut:].sum(axis=1), weights=count[~accepted])
            ),
            declined_observed=float(np.average(gone, weights=count[~accepted])),
            note="",
        )
        rows.append(row)
    rows[1:1] = [{"method": name, "note": note} for name, note in notes.items()]
    return pd.DataFrame(rows)


def _gain(comparisons, name):
    """Difference in AUC of a method against accepted loans only, with its interval."""
    if name == "accepted only":
        return {"gain": 0.0, "gain_low": np.nan, "gain_high": np.nan}
    row = comparisons[(comparisons["first"] == "accepted only") & (comparisons["second"] == name)].iloc[0]
    return {"gain": -row["difference"], "gain_low": -row["ci_high"], "gain_high": -row["ci_low"]}
