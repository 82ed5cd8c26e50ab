"""Decisions on real cash flows: profit by cut-off, losses, prepayment, the declined; and losses by Prosper's rating."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from p2pbook.lendingclub import AFTER_ALL_ENDED, FITTED_TO, TESTED_ON, book_card
from p2pbook.pricing import REVIEW, REVIEWS, gain_and_loss, value_by_risk
from p2pbook.replications.store import SEED
from p2prisk.policy.cutoff import expected_maximum_profit, profit_curve, refer_band
from p2prisk.policy.realised import loss_given_default, monthly_prepayment, realised_value
from p2prisk.policy.rejects import compare_reject_inference
from p2prisk.policy.value import Costs, contract_value
from p2prisk.standard_hazard import fit_standard_hazard
from p2prisk.tape.severity import month_number

#: bootstrap samples; halvings of each of them
RESAMPLES, HALVINGS = 400, 5

#: the day on which the loans of 2011 were still to be decided on
DECISION = AFTER_ALL_ENDED.decision_date

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
        accepted with bootstrap bands), ``rules`` (cut-offs by what was known when they were chosen, and what they
        brought on 2011), ``value_by_risk`` (what good and bad loans were worth, by fifth of risk), ``reviews`` (the
        refer band chosen on 2007-2010, on the loans of 2011), ``funding`` (best cut-off by cost of funding),
        ``by_cutoff`` (2011, sums below each per cent of default probability by term), ``lgd``, ``prepayment``,
        ``rejects``.
    """
    frame, made = tape.frame, book_card()
    scored = made.card.score(frame, drift="flag")
    known, year = ~scored["refer"].to_numpy(), frame["issue_date"].dt.year.to_numpy()
    test = known & (year == TESTED_ON)
    part, probability = frame[test], scored["pd"].to_numpy()[test]
    value, amount = realised_value(part, Costs()), part["amount"].to_numpy(dtype=float)
    profit, bands = _profit(part, probability, value, amount)
    losses, by_loss = _losses(frame)
    loans = pd.DataFrame(
        {
            "p": scored["pd"].to_numpy(),
            "value": realised_value(frame, Costs()),
            "amount": frame["amount"].to_numpy(dtype=float),
            "bad": frame["bad"].to_numpy(dtype=bool),
        }
    )
    old, new = loans[known & (year <= FITTED_TO)], loans[test]
    by_risk = pd.concat(
        [value_by_risk(some).assign(issued=words) for words, some in (("2007-2010", old), ("2011", new))]
    )
    rules, as_known = _rules(tape, loans, old, new, year, known)
    facts = {
        "loans": int(len(frame)),
        "referred": int((~known).sum()),
        "test_loans": int(test.sum()),
        "test_bad": int(part["bad"].sum()),
        "costs": asdict(Costs()),
        **profit,
        **losses,
        "as_known": as_known,
    }
    return facts, {
        "rules": rules,
        "value_by_risk": by_risk,
        "reviews": _reviews(value_by_risk(old), new),
        "score_groups": _score_groups(part, scored[test], value),
        "curve": bands,
        "funding": _by_funding(part, probability, amount),
        "by_cutoff": _by_cutoff(part, probability, amount),
        **by_loss,
        "prepayment": pd.DataFrame(
            {"term": term, "loans": len(mine), **monthly_prepayment(mine)} for term, mine in frame.groupby("term")
        ),
        "rejects": _rejects(made, frame, known, year),
    }


def _profit(part, probability, value, amount):
    """Profit of the best cut-off and of lending to everybody; and the curve with its bands."""
    bad = part["bad"].to_numpy(dtype=float)
    curve = profit_curve(probability, value, amount)
    best, everybody = curve.loc[curve["profit"].idxmax()], float(curve["profit"].iloc[-1])
    bands = _bands(probability, value, amount, np.arange(0.05, 1.0001, 0.05))
    facts = {
        "everybody": everybody,
        "best": {name: best[name] for name in ("cutoff", "accepted", "money", "profit", "margin")},
        "gain": float(best["profit"] - everybody),
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


def _by_cutoff(part, probability, amount):
    """What is lent below each whole per cent of default probability, by term, as shares of all loans and money."""
    values = {f"value_{rate:g}": realised_value(part, Costs(funding=rate)) for rate in FUNDING}
    loans = pd.DataFrame({"loans": 1 / len(part), "bad": part["bad"].to_numpy(dtype=float) / len(part)})
    loans["money"] = amount / amount.sum()
    loans = loans.assign(**{name: value * loans["money"] for name, value in values.items()})
    term, cuts = part["term"].to_numpy(), np.arange(71) / 100
    rows = [
        {"term": int(months), "cutoff": float(cut), **loans[(term == months) & (probability <= cut)].sum()}
        for months in np.unique(term)
        for cut in cuts
    ]
    return pd.DataFrame(rows)


def _losses(frame):
    """Loss given default: means, and how it spreads."""
    losses = loss_given_default(frame)
    defaulted = frame.loc[losses.index]
    facts = {
        "defaults": int(len(losses)),
        "lgd_mean": float(np.average(losses["lgd"], weights=losses["outstanding"])),
        "recovery": float(1 - np.average(losses["lgd"], weights=losses["outstanding"] * defaulted["amount"])),
        "nothing_recovered": float((losses["lgd"] > 0.9999).mean()),
        "nearly_all_lost": float((losses["lgd"] >= 0.9).mean()),
        "loss_mean": float(losses["loss"].mean()),
    }
    spread = pd.cut(losses["lgd"], [-0.001, *_LGD_BOUNDS], labels=_LGD_CLASSES).value_counts(sort=False)
    return facts, {"lgd": pd.DataFrame({"lgd": spread.index.astype(str), "defaults": spread.to_numpy()})}


def _bands(probability, value, amount, shares):
    """Profit by share of loans accepted, with percentile bands."""

    def along(which):
        curve = profit_curve(probability[which], value[which], amount[which])
        return np.interp(shares, curve["accepted"], curve["profit"])

    size = len(probability)
    generator = np.random.default_rng(SEED)
    draws = [along(generator.integers(0, size, size)) for _ in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return pd.DataFrame({"accepted": shares, "profit": along(np.arange(size)), "ci_low": low, "ci_high": high})


def _best_cutoff(loans):
    curve = profit_curve(loans["p"], loans["value"], loans["amount"])
    return float(curve.loc[curve["profit"].idxmax(), "cutoff"])


def _gain(loans, taken):
    """What lending to some of the loans only brings over lending to all of them, per unit on offer."""
    return float(-(loans["value"] * loans["amount"])[~np.asarray(taken)].sum() / loans["amount"].sum())


def _rules(tape, loans, old, new, year, known):
    """Cut-offs by what was known when they were chosen, and what each brought on the loans of 2011.

    Loans are drawn again on both sides, those that choose and those that judge; the scores are held fixed.
    """
    on_the_day, as_known = _known_on_the_day(tape, loans)
    last = AFTER_ALL_ENDED.known_until
    ended = f"{tape.frame['last_payment_date'].max() + pd.offsets.MonthEnd(0):%Y-%m-%d}"
    met = old[~tape.frame.loc[old.index, "policy_exception"].to_numpy()]
    recent = on_the_day[known & (year == FITTED_TO)]
    judged = on_the_day[known & (year == TESTED_ON)].assign(value=new["value"])
    best = _best_cutoff(new)
    rows = [
        {
            "rule": "the peak of the curve, picked on the loans that measure it",
            "decision_date": f"{TESTED_ON}-12-31",
            "known_until": ended,
            "cutoff": best,
            "accepted": float((new["p"] <= best).mean()),
            "gain": _gain(new, new["p"] <= best),
        },
        {
            "rule": "chosen on one half of the loans of 2011, judged on the other",
            "decision_date": f"{TESTED_ON}-12-31",
            "known_until": ended,
            **_halved(new),
        },
        {
            "rule": "chosen on 2007 to 2010, final outcomes",
            "decision_date": DECISION,
            "known_until": last,
            **_carried(old, new),
        },
        {
            "rule": "the same, loans that met the credit policy",
            "decision_date": DECISION,
            "known_until": last,
            **_carried(met, new),
        },
        {
            "rule": "chosen on what was known: hazard, and expected value of the loans of 2010",
            "decision_date": DECISION,
            "known_until": DECISION,
            **_carried(recent, judged),
        },
    ]
    return pd.DataFrame(rows), as_known


def _carried(old, new):
    """A cut-off chosen on some loans and judged on later ones."""
    cut = _best_cutoff(old)
    generator, gains, cuts = np.random.default_rng(SEED), [], []
    for _ in range(RESAMPLES):
        first, second = (some.iloc[generator.integers(0, len(some), len(some))] for some in (old, new))
        cuts.append(_best_cutoff(first))
        gains.append(_gain(second, second["p"] <= cuts[-1]))
    low, high = np.quantile(gains, [0.025, 0.975])
    cut_low, cut_high = np.quantile(cuts, [0.025, 0.975])
    return {
        "cutoff": cut,
        "cutoff_low": float(cut_low),
        "cutoff_high": float(cut_high),
        "accepted": float((new["p"] <= cut).mean()),
        "gain": _gain(new, new["p"] <= cut),
        "low": float(low),
        "high": float(high),
    }


def _halved(new):
    """A cut-off chosen on one half of the loans and judged on the other; no loan is on both sides of a halving."""
    generator = np.random.default_rng(SEED)

    def halve(some, loan):
        cuts, gains, shares = [], [], []
        for _ in range(HALVINGS):
            first = generator.random(len(new))[loan] < 0.5
            cuts.append(_best_cutoff(some[first]))
            taken = some[~first]["p"] <= cuts[-1]
            gains.append(_gain(some[~first], taken))
            shares.append(float(taken.mean()))
        return cuts, gains, shares

    def many(times):
        found = [halve(new, np.arange(len(new))) for _ in range(times)]
        return (np.concatenate(part) for part in zip(*found, strict=True))

    cuts, gains, shares = many(RESAMPLES // HALVINGS)
    draws = []
    for _ in range(RESAMPLES):
        loan = generator.integers(0, len(new), len(new))
        draws.append(float(np.mean(halve(new.iloc[loan], loan)[1])))
    low, high = np.quantile(draws, [0.025, 0.975])
    cut_low, cut_high = np.quantile(cuts, [0.025, 0.975])
    return {
        "cutoff": float(np.median(cuts)),
        "cutoff_low": float(cut_low),
        "cutoff_high": float(cut_high),
        "accepted": float(np.mean(shares)),
        "gain": float(np.mean(gains)),
        "low": float(low),
        "high": float(high),
    }


def _known_on_the_day(tape, loans):
    """Probability of default and expected value of every loan from what was known on the day of decision.

    Recoveries go on after the end of a loan and are not dated, so that nothing is taken to come back. Prepayment is
    that of the loans on file: those repaid early over the months that all had been running.
    """
    then = tape.as_of(DECISION)
    hazard = fit_standard_hazard(then)
    probability = hazard.score(tape.frame).to_numpy()
    seen = then.frame
    until = seen["last_payment_date"].fillna(seen["issue_date"]).where(seen["resolved"], pd.Timestamp(DECISION))
    age = np.clip(month_number(until) - month_number(seen["issue_date"]), 1, seen["term"])
    early = (seen["status"] == "paid").to_numpy() & (age < seen["term"] - 1).to_numpy()
    speed = float(early.sum() / age.sum())
    term, rate = tape.frame["term"].to_numpy(), tape.frame["rate"].to_numpy(dtype=float) / 100
    value = np.full(len(term), np.nan)
    for months in np.unique(term):
        mine = term == months
        value[mine] = contract_value(rate[mine], int(months), probability[mine], prepayment=speed, costs=Costs())
    facts = {
        "decision_date": DECISION,
        "known_losses": int((seen["status"] == "charged off").sum()),
        "known_repaid": int((seen["status"] == "paid").sum()),
        "loans": len(seen),
        "prepayment": speed,
        "final_losses": int(tape.frame.loc[tape.frame["issue_date"] <= DECISION, "bad"].sum()),
    }
    return loans.assign(p=probability, value=value), facts


def _reviews(values, new):
    """The refer band from the values of earlier loans, on the loans of 2011, with their luck drawn again."""
    gain, loss = gain_and_loss(values)
    p, bad, amount, value = (new[name].to_numpy() for name in ("p", "bad", "amount", "value"))
    generator = np.random.default_rng(SEED)
    rows = []
    for words, other in REVIEWS.items():
        review = REVIEW | other
        band = refer_band(gain, loss, **review)
        declined = p > band["decline_above"]
        referred = (p > band["accept_below"]) & ~declined
        kept = np.where(bad, 1 - review["caught"], 1 - review["turned_away"])
        change = np.select([declined, referred], [-value, (kept - 1) * value - review["review_cost"]], 0.0)
        draws = generator.multinomial(len(p), np.full(len(p), 1 / len(p)), size=RESAMPLES)
        low, high = np.quantile((draws @ (change * amount)) / (draws @ amount), [0.025, 0.975])
        rows.append(
            {
                "review": words,
                **{name: band[name] for name in ("accept_below", "decline_above", "single")},
                "referred": float(referred.mean()),
                "declined": float(declined.mean()),
                "gain": float(np.average(change, weights=amount)),
                "low": float(low),
                "high": float(high),
            }
        )
    return pd.DataFrame(rows)


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
