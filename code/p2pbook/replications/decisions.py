"""p2pbook.replications.decisions"""

import numpy as np
import pandas as pd

from p2prisk.policy.cutoff import expected_maximum_profit, profit_curve
from p2prisk.policy.realised import loss_given_default, monthly_prepayment, months_to_last_payment, realised_value
from p2prisk.policy.rejects import compare_reject_inference
from p2prisk.policy.value import Costs

SEED = 2011

RESAMPLES = 400

FUNDING = (0.02, 0.04, 0.06, 0.08)

#: platform grades that the pretended policy declines: the worst that Lending Club lent to
DECLINED_GRADES = ("D", "E", "F", "G")


def decisions(tape):
    """Profit by cut-off, losses, prepayment and reject inference on Lending Club 2007-2011.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
    tables : dict of pandas.DataFrame
        ``score_groups`` (2011, sums by groups of at least 50 loans with near scores), ``curve`` (profit by share
        accepted with bootstrap bands), ``funding`` (best cut-off by cost of funding), ``lgd``, ``lgd_by``,
        ``prepayment``, ``default_age``, ``rejects``.
    """
    from p2pbook.lendingclub import book_card

    frame = tape.frame
    made = book_card()
    scored = made.card.score(frame, drift="flag")
    known = ~scored["refer"].to_numpy()
    year = frame["issue_date"].dt.year.to_numpy()
    costs = Costs()
    test = known & (year == 2011)
    part, probability = frame[test], scored["pd"].to_numpy()[test]
    value, amount = realised_value(part, costs), part["amount"].to_numpy(dtype=float)
    bad = part["bad"].to_numpy(dtype=float)
    curve = profit_curve(probability, value, amount)
    best = curve.loc[curve["profit"].idxmax()]
    shares = np.arange(0.05, 1.0001, 0.05)
    everybody = float(curve["profit"].iloc[-1])
    bands, gains = _bands(probability, value, amount, shares)
    split = _split(probability, value, amount)
    emp = _emp(part, probability, bad, value)
    facts = {
        "loans": int(len(frame)),
        "referred": int((~known).sum()),
        "test_loans": int(test.sum()),
        "test_bad": int(bad.sum()),
        "costs": {
            "funding": costs.funding,
            "servicing": costs.servicing,
            "origination": costs.origination,
            "recovery_lag": costs.recovery_lag,
        },
        "everybody": everybody,
        "best": {
            "cutoff": best["cutoff"],
            "accepted": best["accepted"],
            "money": best["money"],
            "profit": best["profit"],
            "margin": best["margin"],
        },
        "gain": float(best["profit"] - everybody),
        "gain_interval": list(gains),
        "split": split,
        "emp": emp,
        "resamples": RESAMPLES,
        "mean_value_good": float(np.average(value[bad == 0], weights=amount[bad == 0])),
        "mean_value_bad": float(np.average(value[bad == 1], weights=amount[bad == 1])),
    }
    funding = []
    for rate in FUNDING:
        own = profit_curve(probability, realised_value(part, Costs(funding=rate)), amount)
        top = own.loc[own["profit"].idxmax()]
        funding.append(
            {
                "funding": rate,
                "cutoff": top["cutoff"],
                "accepted": top["accepted"],
                "best": top["profit"],
                "everybody": own["profit"].iloc[-1],
            }
        )
    losses = loss_given_default(frame)
    facts.update(
        {
            "defaults": int(len(losses)),
            "lgd_mean": float(np.average(losses["lgd"], weights=losses["outstanding"])),
            "recovery": float(
                1 - np.average(losses["lgd"], weights=losses["outstanding"] * frame.loc[losses.index, "amount"])
            ),
            "nothing_recovered": float((losses["lgd"] > 0.9999).mean()),
            "loss_mean": float(losses["loss"].mean()),
        }
    )
    bins = pd.cut(
        losses["lgd"],
        [-0.001, 0.2, 0.4, 0.6, 0.8, 0.9, 0.9999, 1.0],
        labels=["under 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 0.9", "0.9 to 1", "1"],
    )
    lgd = losses.assign(lgd_class=bins.astype(str)).groupby(bins, observed=False).size()
    lgd = pd.DataFrame({"lgd": lgd.index.astype(str), "defaults": lgd.to_numpy()})
    by = losses.assign(term=frame.loc[losses.index, "term"], severity=frame.loc[losses.index, "severity"].astype(str))
    by = (
        by.groupby(["term", "severity"])
        .agg(defaults=("lgd", "size"), outstanding=("outstanding", "mean"), lgd=("lgd", "mean"), loss=("loss", "mean"))
        .reset_index()
    )
    prepayment, ages = [], []
    for term in (36, 60):
        mine = frame[frame["term"] == term]
        prepayment.append({"term": term, "loans": len(mine), **monthly_prepayment(mine)})
        age = months_to_last_payment(mine[mine["bad"].astype(bool)])
        ages.append(
            {
                "term": term,
                "defaults": len(age),
                "first_year": float((age <= 12).mean()),
                "median": float(np.median(age)),
                "mean": float(age.mean()),
            }
        )
    return facts, {
        "score_groups": _score_groups(made.card, part, scored[test], value),
        "curve": bands,
        "funding": pd.DataFrame(funding),
        "lgd": lgd,
        "lgd_by": by,
        "prepayment": pd.DataFrame(prepayment),
        "default_age": pd.DataFrame(ages),
        "rejects": _rejects(made, frame, known, year),
    }


def _bands(probability, value, amount, shares):
    """Profit by share of loans accepted, with percentile bands, and the interval of the best cut-off's gain."""

    def along(which):
        curve = profit_curve(probability[which], value[which], amount[which])
        return np.interp(shares, curve["accepted"], curve["profit"]), curve["profit"].max() - curve["profit"].iloc[-1]

    size = len(probability)
    generator = np.random.default_rng(SEED)
    draws = [along(generator.integers(0, size, size)) for _ in range(RESAMPLES)]
    low, high = np.quantile([d[0] for d in draws], [0.025, 0.975], axis=0)
    middle, _ = along(np.arange(size))
    gains = np.quantile([d[1] for d in draws], [0.025, 0.975])
    return pd.DataFrame({"accepted": shares, "profit": middle, "ci_low": low, "ci_high": high}), map(float, gains)


def _split(probability, value, amount):
    """Choose the cut-off on one half of the loans and measure it on the other, many times."""
    generator = np.random.default_rng(SEED)
    size, gains, cutoffs = len(probability), [], []
    for _ in range(RESAMPLES):
        order = generator.permutation(size)
        first, second = order[: size // 2], order[size // 2 :]
        curve = profit_curve(probability[first], value[first], amount[first])
        cut = float(curve.loc[curve["profit"].idxmax(), "cutoff"])
        taken = probability[second] <= cut
        money = amount[second]
        gains.append(float(-(value[second] * money)[~taken].sum() / money.sum()))
        cutoffs.append(cut)
    low, high = np.quantile(gains, [0.025, 0.975])
    return {
        "gain": float(np.mean(gains)),
        "low": float(low),
        "high": float(high),
        "share_positive": float(np.mean(np.array(gains) > 0)),
        "cutoff_low": float(np.quantile(cutoffs, 0.1)),
        "cutoff_high": float(np.quantile(cutoffs, 0.9)),
    }


def _emp(part, probability, bad, value):
    """Expected maximum profit with the losses and the return of these loans, for the card and for the sub-grade."""
    loss = loss_given_default(part)["loss"].to_numpy()
    none_lost, all_lost = float((loss < 0.05).mean()), float((loss > 0.95).mean())
    roi = float(value[bad == 0].mean())
    terms = {"none_lost": none_lost, "all_lost": all_lost, "roi": roi}
    scores = {"card": probability, "sub-grade": part["sub_grade"].cat.codes.to_numpy(dtype=float)}
    return {**terms, **{name: expected_maximum_profit(score, bad, **terms) for name, score in scores.items()}}


def _score_groups(card, part, scored, value):
    """Sums over groups of at least 50 loans of the same term with neighbouring scores: no loan can be seen."""
    data = pd.DataFrame(
        {
            "term": part["term"].to_numpy(),
            "score": scored["score"].to_numpy(),
            "pd": scored["pd"].to_numpy(),
            "loans": 1,
            "bad": part["bad"].to_numpy(dtype=int),
            "amount": part["amount"].to_numpy(dtype=float),
            "rate": part["rate"].to_numpy(dtype=float),
        }
    )
    data["value"] = value * data["amount"]
    data["interest"] = data["rate"] * data["amount"]
    data["pd_sum"] = data["pd"] * data["amount"]
    rows = []
    for term, mine in data.groupby("term"):
        mine = mine.sort_values("pd", kind="stable")
        group = (np.arange(len(mine)) // 200).clip(max=max(len(mine) // 200 - 1, 0))
        for _, some in mine.groupby(group):
            money = some["amount"].sum()
            rows.append(
                {
                    "term": int(term),
                    "pd": some["pd_sum"].sum() / money,
                    "loans": len(some),
                    "bad": int(some["bad"].sum()),
                    "amount": money,
                    "value": some["value"].sum() / money,
                    "rate": some["interest"].sum() / money,
                }
            )
    return pd.DataFrame(rows)


def _rejects(made, frame, known, year):
    """Pretend that loans of the platform's worse grades had been declined in 2007-2010."""
    columns = [item.name for item in made.card.characteristics]
    data = pd.DataFrame(
        {item.name: item.values(frame).to_numpy() for item in made.card.characteristics}, index=frame.index
    )
    data["term"] = data["term"].astype(str)
    data["severity"] = frame["severity"]
    data = data[known]
    year, grade = year[known], frame["grade"].astype(str).to_numpy()[known]
    train, test = data[year <= 2010].reset_index(drop=True), data[year == 2011].reset_index(drop=True)
    accepted = ~np.isin(grade[year <= 2010], DECLINED_GRADES)
    formula = "severity ~ " + " + ".join(f"C({name})" for name in columns)
    found = compare_reject_inference(train, test, accepted, formula)
    return found.assign(accepted=int(accepted.sum()), declined=int((~accepted).sum()))


def ratings(tape):
    """Loans and losses of Prosper's ratings AA to HR.

    Parameters
    ----------
    tape : LoanTape
        ``prosper``, the resolved cohort.

    Returns
    -------
    facts : dict
    tables : dict of pandas.DataFrame
        ``ratings``: ``rating, loans, events``.
    """
    frame = tape.frame[tape.frame["grade"].notna()]
    table = frame.groupby("grade", observed=True)["bad"].agg(["size", "sum"]).reset_index()
    table.columns = ["rating", "loans", "events"]
    return (
        {"loans": int(len(frame)), "without_rating": int(tape.frame["grade"].isna().sum()), "term": 36},
        {"ratings": table.astype({"rating": str, "events": int})},
    )
