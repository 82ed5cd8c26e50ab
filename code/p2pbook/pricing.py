"""Prices of the book's grades: break-even rates, what a rate cap can carry, and how the cash-flow model met the money.

Recoveries and prepayment are those measured in ``e2-decisions`` (:mod:`p2pbook.replications`).
"""

import numpy as np
import pandas as pd

from p2prisk.policy.value import Costs, break_even_rate, contract_value, highest_pd, price_table

#: What a review costs per unit applied for, turns away of those who would default, and of those who would pay: assumed.
REVIEW = {"review_cost": 0.01, "caught": 0.5, "turned_away": 0.1}
#: Reviews that are compared: what differs from :data:`REVIEW`.
REVIEWS = {"catches half": {}, "catches one in five": {"caught": 0.2}}


def value_by_risk(loans, parts=5):
    """What good and bad loans were worth, by part of the loans from the safest to the riskiest.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``p`` (probability of default), ``value`` (per unit lent), ``amount``, ``bad``.
    parts : int
        Equal parts; fifths by default.

    Returns
    -------
    pandas.DataFrame
        One row a part: ``part, p`` (mean), ``loans, bad, value_good, value_bad``; means weighted by money.
    """
    rows = []
    for part, mine in loans.groupby(pd.qcut(loans["p"], parts, labels=False)):
        good, bad = mine[~mine["bad"]], mine[mine["bad"]]
        rows.append(
            {
                "part": int(part) + 1,
                "p": float(np.average(mine["p"], weights=mine["amount"])),
                "loans": len(mine),
                "bad": len(bad),
                "value_good": float(np.average(good["value"], weights=good["amount"])),
                "value_bad": float(np.average(bad["value"], weights=bad["amount"])),
            }
        )
    return pd.DataFrame(rows)


def gain_and_loss(values):
    """Gain of a good and loss of a bad loan as functions of the probability of default.

    Parameters
    ----------
    values : pandas.DataFrame
        From :func:`value_by_risk`.

    Returns
    -------
    gain, loss : callable
        Straight lines between the parts, level beyond the first and the last.

    Examples
    --------
    >>> values = pd.DataFrame({"p": [0.1, 0.2], "value_good": [0.05, 0.15], "value_bad": [-0.4, -0.5]})
    >>> gain, loss = gain_and_loss(values)
    >>> [round(float(at(0.15)), 3) for at in (gain, loss)]
    [0.1, 0.45]
    """
    p, good, bad = (values[name].to_numpy(dtype=float) for name in ("p", "value_good", "value_bad"))
    return (lambda at: np.interp(at, p, good)), (lambda at: np.interp(at, p, -bad))


def _terms(stored, term):
    """Recovery and prepayment of loans of one term, as measured."""
    speed = stored.table("prepayment").set_index("term")["probability"]
    return {"recovery": stored["recovery"], "prepayment": float(speed[term])}


def price_by_grade(made, stored, caps, costs=None):
    """Break-even rate of every grade and term of the book's card.

    Parameters
    ----------
    made : BookCard
    stored : Replication
        ``e2-decisions``: recoveries and prepayment.
    caps : dict
        Words -> cap as a yearly share.
    costs : Costs, optional

    Returns
    -------
    pandas.DataFrame
        Columns of :func:`p2prisk.policy.price_table` with ``term`` and ``loans`` (2007-2010); grades without a hundred
        loans of the term are left out.
    """
    data = made.train.assign(**made.card.score(made.train)[["pd", "grade"]])
    parts = []
    for term in (36, 60):
        mine = data[data["term"].astype(str) == str(term)]
        sums = mine.assign(mass=mine["pd"] * mine["n"]).groupby("grade", observed=True)[["mass", "n"]].sum()
        sums = sums[sums["n"] >= 100]
        table = price_table(
            sums.index.astype(str), sums["mass"] / sums["n"], term, caps, costs=costs, **_terms(stored, term)
        )
        parts.append(table.assign(term=term, loans=sums["n"].to_numpy()))
    return pd.concat(parts, ignore_index=True)


def break_even_rates(stored, default, term, costs=None):
    """Break-even rates of loans of one term by probability of default, at the measured recovery and prepayment."""
    return break_even_rate(np.asarray(default, dtype=float), term, costs=costs, **_terms(stored, term))


def highest_pd_by_cap(stored, caps, costs=None):
    """Highest probability of default that each cap can carry, by term.

    Returns
    -------
    pandas.DataFrame
        ``cap`` (words), ``rate`` and one column a term.
    """
    return pd.DataFrame(
        [
            {
                "cap": words,
                "rate": rate,
                **{term: highest_pd(rate, term, costs=costs, **_terms(stored, term)) for term in (36, 60)},
            }
            for words, rate in caps.items()
        ]
    )


def value_check(stored):
    """Value that the cash-flow model expects of the loans' own rates and default rates, beside the value they had.

    Returns
    -------
    pandas.DataFrame
        ``term, loans, expected, realised`` (per unit lent), ``rate_points`` (points of yearly rate that make up the
        difference) and ``correlation`` over the groups of loans.
    """
    groups, rows = stored.table("score_groups"), []
    costs = Costs(**stored["costs"])
    for term, mine in groups.groupby("term"):
        expected = contract_value(
            mine["rate"] / 100, int(term), mine["bad"] / mine["loans"], costs=costs, **_terms(stored, int(term))
        )
        point = contract_value(
            mine["rate"] / 100 + 0.01, int(term), mine["bad"] / mine["loans"], costs=costs, **_terms(stored, int(term))
        )
        mean, had, dearer = (float(np.average(v, weights=mine["amount"])) for v in (expected, mine["value"], point))
        rows.append(
            {
                "term": int(term),
                "loans": int(mine["loans"].sum()),
                "expected": mean,
                "realised": had,
                "rate_points": (had - mean) / (dearer - mean),
                "correlation": float(np.corrcoef(expected, mine["value"])[0, 1]),
            }
        )
    return pd.DataFrame(rows)
