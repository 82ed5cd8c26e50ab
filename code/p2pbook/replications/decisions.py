"""Decisions on real cash flows: profit by cut-off, losses, prepayment, the declined; and losses by Prosper's rating."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from p2pbook.lendingclub import FITTED_TO, TESTED_ON, book_card
from p2pbook.replications.store import SEED
from p2prisk.policy.cutoff import expected_maximum_profit, profit_curve
from p2prisk.policy.realised import loss_given_default, monthly_prepayment, months_to_last_payment, realised_value
from p2prisk.policy.rejects import compare_reject_inference
from p2prisk.policy.value import Costs

#: splits and bootstrap samples
RESAMPLES = 400

#: yearly returns that the money must earn
FUNDING = (0.02, 0.04, 0.06, 0.08)

_LGD_BOUNDS = (0.2, 0.4, 0.6, 0.8, 0.9, 0.9999, 1.0)
_LGD_CLASSES = ("under 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 0.9", "0.9 to 1", "1")

#: platform grades that the pretended policy declines: the worst that Lending Club lent to
DECLINED_GRADES = ("D", "E", "F", "G")


def decisions_study(tape):
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
    frame, made = tape.frame, book_card()
    scored = made.card.score(frame, drift="flag")
    known, year = ~scored["refer"].to_numpy(), frame["issue_date"].dt.year.to_numpy()
    test = known & (year == TESTED_ON)
    part, probability = frame[test], scored["pd"].to_numpy()[test]
    value, amount = realised_value(part, Costs()), part["amount"].to_numpy(dtype=float)
    profit, bands = _profit(part, probability, value, amount)
    losses, by_loss = _losses(frame)
    facts = {
        "loans": int(len(frame)),
        "referred": int((~known).sum()),
        "test_loans": int(test.sum()),
        "test_bad": int(part["bad"].sum()),
        "costs": asdict(Costs()),
        **profit,
        **losses,
    }
    return facts, {
        "score_groups": _score_groups(part, scored[test], value),
        "curve": bands,
        "funding": _by_funding(part, probability, amount),
        **by_loss,
        "prepayment": pd.DataFrame(
            {"term": term, "loans": len(mine), **monthly_prepayment(mine)} for term, mine in frame.groupby("term")
        ),
        "default_age": pd.DataFrame(
            {"term": term, **_default_age(mine[mine["bad"].astype(bool)])} for term, mine in frame.groupby("term")
        ),
        "rejects": _rejects(made, frame, known, year),
    }


def _profit(part, probability, value, amount):
    """Profit of the best cut-off and of lending to everybody; and the curve with its bands."""
    bad = part["bad"].to_numpy(dtype=float)
    curve = profit_curve(probability, value, amount)
    best, everybody = curve.loc[curve["profit"].idxmax()], float(curve["profit"].iloc[-1])
    bands, gains = _bands(probability, value, amount, np.arange(0.05, 1.0001, 0.05))
    facts = {
        "everybody": everybody,
        "best": {name: best[name] for name in ("cutoff", "accepted", "money", "profit", "margin")},
        "gain": float(best["profit"] - everybody),
        "gain_interval": list(gains),
        "split": _split(probability, value, amount),
        "emp": _emp(part, probability, bad, value),
        "resamples": RESAMPLES,
        "mean_value_good": float(np.average(value[bad == 0], weights=amount[bad == 0])),
        "mean_value_bad": float(np.average(value[bad == 1], weights=amount[bad == 1])),
    }
    return facts, bands


def _by_funding(part, probability, amount):
    """Best cut-off by the return that the money must earn."""
    rows = []
    for rate in FUNDING:
        curve = profit_curve(probability, realised_value(part, Costs(funding=rate)), amount)
        top = curve.loc[curve["profit"].idxmax()]
        rows.append(
            {
                "funding": rate,
                "cutoff": top["cutoff"],
                "accepted": top["accepted"],
                "best": top["profit"],
                "everybody": curve["profit"].iloc[-1],
            }
        )
    return pd.DataFrame(rows)


def _losses(frame):
    """Loss given default: means, how it spreads, and by term and severity."""
    losses = loss_given_default(frame)
    defaulted = frame.loc[losses.index]
    facts = {
        "defaults": int(len(losses)),
        "lgd_mean": float(np.average(losses["lgd"], weights=losses["outstanding"])),
        "recovery": float(1 - np.average(losses["lgd"], weights=losses["outstanding"] * defaulted["amount"])),
        "nothing_recovered": float((losses["lgd"] > 0.9999).mean()),
        "loss_mean": float(losses["loss"].mean()),
    }
    spread = pd.cut(losses["lgd"], [-0.001, *_LGD_BOUNDS], labels=_LGD_CLASSES).value_counts(sort=False)
    by = losses.assign(term=defaulted["term"], severity=defaulted["severity"].astype(str)).groupby(["term", "severity"])
    by = by.agg(
        defaults=("lgd", "size"), outstanding=("outstanding", "mean"), lgd=("lgd", "mean"), loss=("loss", "mean")
    )
    return facts, {
        "lgd": pd.DataFrame({"lgd": spread.index.astype(str), "defaults": spread.to_numpy()}),
        "lgd_by": by.reset_index(),
    }


def _default_age(bad):
    """Months from issue to the last payment of charged-off loans."""
    age = months_to_last_payment(bad)
    return {
        "defaults": len(age),
        "first_year": float((age <= 12).mean()),
        "median": float(np.median(age)),
        "mean": float(age.mean()),
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


def _score_groups(part, scored, value):
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
    train, test = data[year <= FITTED_TO].reset_index(drop=True), data[year == TESTED_ON].reset_index(drop=True)
    accepted = ~np.isin(grade[year <= FITTED_TO], DECLINED_GRADES)
    formula = "severity ~ " + " + ".join(f"C({name})" for name in columns)
    found = compare_reject_inference(train, test, accepted, formula)
    return found.assign(accepted=int(accepted.sum()), declined=int((~accepted).sum()))


def ratings_study(tape):
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
