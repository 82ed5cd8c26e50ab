"""Where to stop lending: profit by cut-off, acceptance against loss, expected maximum profit, the refer band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike


def _sorted_sample(probability, freq_weights, **columns):
    probability = np.asarray(probability, dtype=float)
    weights = np.ones(len(probability)) if freq_weights is None else np.asarray(freq_weights, dtype=float)
    values = {name: np.asarray(value, dtype=float) for name, value in columns.items()}
    for name, value in {"freq_weights": weights, **values}.items():
        if len(value) != len(probability):
            raise DataError(f"{name} has {len(value)} rows, the probabilities {len(probability)}")
        if np.isnan(value).any():
            raise DataError(
                f"{name} is missing in {int(np.isnan(value).sum())} rows; set those loans aside and count them"
            )
    if np.isnan(probability).any():
        raise DataError(f"{int(np.isnan(probability).sum())} loans have no probability; refer them first")
    order = np.argsort(probability, kind="stable")
    return probability[order], weights[order], {name: value[order] for name, value in values.items()}


def profit_curve(
    probability: ArrayLike, profit: ArrayLike, amount: ArrayLike | None = None, freq_weights: ArrayLike | None = None
) -> pd.DataFrame:
    """Profit of lending to everybody below each cut-off.

    Parameters
    ----------
    probability : array_like, shape (n,)
        Probability of default.
    profit : array_like, shape (n,)
        Value of each loan per unit lent, as of :func:`p2prisk.policy.realised_value`.
    amount : array_like, optional
        Money lent in each loan; one by default.
    freq_weights : array_like, optional
        Loans a row stands for.

    Returns
    -------
    pandas.DataFrame
        One row a distinct probability, rising: ``cutoff``, ``accepted`` (share of loans), ``money`` (share of money),
        ``profit`` (of all money on offer, per unit), ``margin`` (per unit lent). The first row lends to nobody.

    Examples
    --------
    >>> curve = profit_curve([0.1, 0.2, 0.3], [0.05, 0.01, -0.09])
    >>> curve["profit"].round(4).tolist()
    [0.0, 0.0167, 0.02, -0.01]
    """
    money = np.ones(len(np.asarray(profit))) if amount is None else amount
    p, n, columns = _sorted_sample(probability, freq_weights, profit=profit, amount=money)
    lent = n * columns["amount"]
    last = np.append(np.diff(p) > 0, True)
    loans, volume, gain = (np.cumsum(v)[last] for v in (n, lent, lent * columns["profit"]))
    table = pd.DataFrame(
        {
            "cutoff": p[last],
            "accepted": loans / loans[-1],
            "money": volume / volume[-1],
            "profit": gain / volume[-1],
            "margin": gain / volume,
        }
    )
    nobody = pd.DataFrame({"cutoff": [0.0], "accepted": [0.0], "money": [0.0], "profit": [0.0], "margin": [np.nan]})
    return pd.concat([nobody, table], ignore_index=True)


def acceptance_frontier(
    probability: ArrayLike,
    event: ArrayLike,
    freq_weights: ArrayLike | None = None,
    *,
    shares: Sequence[float] | None = None,
    resamples: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Default rate among the accepted, for every share of applicants accepted.

    Parameters
    ----------
    probability, event : array_like, shape (n,)
    freq_weights : array_like of int, optional
        Loans a row stands for.
    shares : sequence of float, optional
        Shares to accept; 5 to 100 per cent by default.
    resamples : int
        Bootstrap samples of the loans; with counts these are multinomial draws of the rows, which is the same.
    seed : int
    confidence : float

    Returns
    -------
    pandas.DataFrame
        ``accepted, cutoff, rate, ci_low, ci_high``. The band is that of the test loans: the score itself is held fixed.
        Loans that tie at the cut-off are accepted in part, so that the share is met.
    """
    p, n, columns = _sorted_sample(probability, freq_weights, event=event)
    event = columns["event"]
    shares = np.arange(0.05, 1.0001, 0.05) if shares is None else np.asarray(shares, dtype=float)
    if ((shares <= 0) | (shares > 1 + 1e-12)).any():
        raise DataError("shares lie above 0 and at most at 1")
    start = np.flatnonzero(np.diff(p, prepend=-1.0) > 0)
    values = p[start]

    def rates(weights):
        loans, bad = np.add.reduceat(weights, start), np.add.reduceat(weights * event, start)
        all_, lost = np.append(0.0, np.cumsum(loans)), np.append(0.0, np.cumsum(bad))
        wanted = shares * all_[-1]
        return np.interp(wanted, all_, lost) / wanted

    generator = np.random.default_rng(seed)
    total = int(round(n.sum()))
    draws = np.array([rates(generator.multinomial(total, n / n.sum()).astype(float)) for _ in range(resamples)])
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    cumulative = np.cumsum(np.add.reduceat(n, start))
    cutoff = values[np.minimum(np.searchsorted(cumulative, shares * n.sum() - 1e-9), len(values) - 1)]
    return pd.DataFrame({"accepted": shares, "cutoff": cutoff, "rate": rates(n), "ci_low": low, "ci_high": high})


def expected_maximum_profit(
    probability: ArrayLike,
    event: ArrayLike,
    freq_weights: ArrayLike | None = None,
    *,
    none_lost: float = 0.55,
    all_lost: float = 0.10,
    roi: float = 0.2644,
) -> dict:
    """Expected maximum profit of a score, over the distribution of losses.

    Parameters
    ----------
    probability, event : array_like, shape (n,)
    freq_weights : array_like, optional
    none_lost, all_lost : float
        Share of the bad loans that lose nothing, and everything; between them losses are uniform.
    roi : float
        Return on a good loan that rejecting it forgoes, per unit lent.

    Returns
    -------
    dict
        ``emp`` (gain per unit applied for, over lending to everybody) and ``rejected`` (share to reject, averaged over
        the losses).

    Notes
    -----
    Verbraken, Bravo, Weber and Baesens (2014): ``EMP = E_lambda max_t [lambda pi_0 F_0(t) - roi pi_1 F_1(t)]`` with
    ``F_0, F_1`` the shares of bad and good rejected at cut-off t. The maxima lie on the convex hull of the ROC curve,
    so the integral is a finite sum. Their defaults are kept: shares of losses and return of the loans they studied.

    Examples
    --------
    >>> perfect = expected_maximum_profit([0.1, 0.9], [0, 1], none_lost=0, all_lost=1, roi=0.2)
    >>> perfect["emp"], perfect["rejected"]
    (0.5, 0.5)
    """
    if none_lost < 0 or all_lost < 0 or none_lost + all_lost > 1 or roi <= 0:
        raise DataError("none_lost and all_lost are shares that sum to one at most, and roi is positive")
    p, n, columns = _sorted_sample(probability, freq_weights, event=event)
    bad, good = n * columns["event"], n * (1 - columns["event"])
    if bad.sum() <= 0 or good.sum() <= 0:
        raise DataError("the sample needs loans that defaulted and loans that did not")
    start = np.flatnonzero(np.diff(p, prepend=-1.0) > 0)
    # rejected from the riskiest down
    f0 = np.append(0.0, np.cumsum(np.add.reduceat(bad, start)[::-1]) / bad.sum())
    f1 = np.append(0.0, np.cumsum(np.add.reduceat(good, start)[::-1]) / good.sum())
    f0, f1 = _upper_hull(f1, f0)[::-1]
    pi0 = bad.sum() / n.sum()
    pi1 = 1 - pi0
    with np.errstate(divide="ignore"):
        switch = roi * pi1 * np.diff(f1) / (pi0 * np.diff(f0))
    edges = np.clip(np.concatenate([[0.0], switch, [np.inf]]), 0.0, 1.0)
    low, high = edges[:-1], np.maximum(edges[1:], edges[:-1])
    body = 1 - none_lost - all_lost
    emp = body * float((pi0 * f0 * (high**2 - low**2) / 2 - roi * pi1 * f1 * (high - low)).sum())
    share = body * float(((pi0 * f0 + pi1 * f1) * (high - low)).sum())
    best = int(np.argmax(pi0 * f0 - roi * pi1 * f1))
    emp += all_lost * float(pi0 * f0[best] - roi * pi1 * f1[best])
    share += all_lost * float(pi0 * f0[best] + pi1 * f1[best])
    return {"emp": emp, "rejected": share}


def _upper_hull(x, y):
    """Vertices of the upper convex hull from (0, 0) to (1, 1)."""
    keep = []
    for point in zip(x, y, strict=True):
        while len(keep) > 1 and (
            (keep[-1][0] - keep[-2][0]) * (point[1] - keep[-2][1])
            >= (keep[-1][1] - keep[-2][1]) * (point[0] - keep[-2][0])
        ):
            keep.pop()
        keep.append(point)
    return np.array(keep).T


def refer_band(
    gain: float | Callable, loss: float | Callable, *, review_cost: float, caught: float = 0.5, turned_away: float = 0.1
) -> dict:
    """Two cut-offs: accept below the first, refer to a person between them, decline above the second.

    Parameters
    ----------
    gain : float or callable
        Value of a good loan, per unit lent; or a function of the probability of default that gives it. Where price
        follows risk a risky loan that is repaid is worth more than a safe one, and one number for all of them
        turns away too many.
    loss : float or callable
        Loss of a bad loan, per unit lent (positive); or a function of the probability.
    review_cost : float
        Cost of a review, per unit applied for.
    caught : float
        Share of the bad loans that the review turns away.
    turned_away : float
        Share of the good loans that it turns away by mistake.

    Returns
    -------
    dict
        ``single`` (the cut-off without reviews), ``accept_below``, ``decline_above``, and ``worth`` (True when there is
        a band in which a review pays for itself; without one both cut-offs equal the single one).

    Raises
    ------
    DataError
        With functions: the best choice goes back and forth as risk rises, so that two cut-offs cannot say it.

    Notes
    -----
    With p the probability of default, accepting is worth ``(1-p) gain - p loss``, declining nothing, and referring
    ``(1-p)(1-turned_away) gain - p (1-caught) loss - review_cost``. With numbers all three are straight lines in p, so
    the best choice changes at two points; with functions the points are looked for on a grid of thousandths.

    Examples
    --------
    >>> band = refer_band(0.1, 0.5, review_cost=0.005)
    >>> round(band["accept_below"], 4), round(band["single"], 4), round(band["decline_above"], 4)
    (0.0577, 0.1667, 0.25)
    >>> dearer = refer_band(lambda p: 0.1 + 0.2 * p, 0.5, review_cost=0.005)
    >>> bool(dearer["single"] > band["single"])
    True
    """
    if not (0 <= caught <= 1 and 0 <= turned_away <= 1) or review_cost < 0:
        raise DataError(
            "caught and turned_away are shares between 0 and 1, and a review does not cost less than nothing"
        )
    if callable(gain) or callable(loss):
        return _band_by_search(gain, loss, {"review_cost": review_cost, "caught": caught, "turned_away": turned_away})
    if gain <= 0 or loss <= 0:
        raise DataError(f"gain and loss are positive; they are {gain:g} and {loss:g}")
    single = gain / (gain + loss)
    accept = (review_cost + turned_away * gain) / (caught * loss + turned_away * gain) if caught + turned_away else 1.0
    kept_gain, kept_loss = (1 - turned_away) * gain, (1 - caught) * loss
    decline = (kept_gain - review_cost) / (kept_gain + kept_loss) if kept_gain + kept_loss > 0 else 0.0
    if not accept < decline:
        return {"single": single, "accept_below": single, "decline_above": single, "worth": False}
    return {"single": single, "accept_below": accept, "decline_above": decline, "worth": True}


def _band_by_search(gain, loss, review):
    """The two cut-offs where gain or loss is a function of the probability."""
    p = np.linspace(0, 1, 1001)

    def values(at):
        return _choices(np.asarray(at, dtype=float), gain, loss, **review)

    accept, refer = values(p)
    single = _crossing(p, accept > 0, lambda at: float(values(at)[0]), "accepting and declining")
    best = np.argmax([np.zeros_like(p), refer, accept], axis=0)
    if (np.diff(best) > 0).any():
        raise DataError("the best choice goes back and forth as risk rises; read refer_lines instead of two cut-offs")
    if not (best == 1).any():
        return {"single": single, "accept_below": single, "decline_above": single, "worth": False}
    below = _crossing(p, best == 2, lambda at: float(np.subtract(*values(at))), "accepting and referring")
    above = _crossing(p, best > 0, lambda at: float(values(at)[1]), "referring and declining")
    return {"single": single, "accept_below": below, "decline_above": above, "worth": True}


def _crossing(p, better, difference, what):
    """Where the first of two choices stops to be better; zero if it never is, one if it always is."""
    if (np.diff(better.astype(int)) > 0).any():
        raise DataError(f"{what} change places more than once as risk rises; read refer_lines instead of two cut-offs")
    last = int(better.sum())
    return float(p[min(last, len(p) - 1)]) if last in (0, len(p)) else float(brentq(difference, p[last - 1], p[last]))


def _choices(p, gain, loss, review_cost, caught, turned_away):
    """What accepting and referring are worth at probabilities `p`."""
    gained, lost = (np.asarray(value(p) if callable(value) else value, dtype=float) for value in (gain, loss))
    return ((1 - p) * gained - p * lost, (1 - p) * (1 - turned_away) * gained - p * (1 - caught) * lost - review_cost)


def refer_lines(
    gain: Any, loss: Any, *, review_cost: Any, caught: Any = 0.5, turned_away: Any = 0.1, highest: float = 0.5
) -> pd.DataFrame:
    """What accepting, referring and declining are worth at each probability of default.

    Parameters
    ----------
    gain, loss, review_cost, caught, turned_away
        As in :func:`refer_band`; gain and loss may be functions of the probability.
    highest : float
        Last probability of the table.

    Returns
    -------
    pandas.DataFrame
        ``pd, accept, refer, decline``, per unit applied for.

    Examples
    --------
    >>> refer_lines(0.1, 0.5, review_cost=0.005, highest=1.0)["accept"].iloc[[0, -1]].round(2).tolist()
    [0.1, -0.5]
    """
    p = np.linspace(0, highest, 51)
    accept, refer = _choices(p, gain, loss, review_cost, caught, turned_away)
    return pd.DataFrame({"pd": p, "accept": accept, "refer": refer, "decline": np.zeros_like(p)})
