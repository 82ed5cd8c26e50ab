"""Decisions on real cash flows: profit by cut-off, losses, prepayment, the declined; and losses by Prosper's rating."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from p2pbook.lendingclub import AFTER_ALL_ENDED, FITTED_TO, TESTED_ON, book_card
from p2pbook.pricing import REVIEW, REVIEWS, gain_and_loss, value_by_risk
from p2pbook.replications.selection import BAD_CUT
from p2pbook.replications.store import SEED
from p2pbook.values import HALF
from p2prisk.ordered import OrderedLogit
from p2prisk.policy.cutoff import expected_maximum_profit, profit_curve, refer_band
from p2prisk.policy.realised import loss_given_default, monthly_prepayment, realised_value
from p2prisk.policy.rejects import compare_reject_inference
from p2prisk.policy.value import Costs, contract_value
from p2prisk.standard_hazard import fit_standard_hazard
from p2prisk.tape import LoanTape
from p2prisk.tape.severity import month_number

#: bootstrap samples of loans, scores held fixed: bands of the curve, and the reviews
RESAMPLES = 400

#: resamples of months of issue behind the intervals of the rules, each with refits of the card and of the hazard
DRAWS = 50

#: halvings of the loans of 2011: of the loans themselves, and of each resample
HALVINGS, HALVINGS_DRAWN = 400, 5

#: the day on which the loans of 2011 were still to be decided on
DECISION = AFTER_ALL_ENDED.decision_date

#: yearly returns that the money must earn
FUNDING = (0.02, 0.04, 0.06, 0.08)

_LGD_BOUNDS = (0.2, 0.4, 0.6, 0.8, 0.9, 0.9999, 1.0)
_LGD_CLASSES = ("under 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 0.9", "0.9 to 1", "1")

#: platform grades that the pretended policy declines: the worst that Lending Club lent to
DECLINED_GRADES = ("D", "E", "F", "G")


def decisions_study(tape, draws=DRAWS):
    """Profit by cut-off, losses, prepayment and reject inference on Lending Club 2007-2011.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.
    draws : int
        Resamples of months behind the intervals of ``rules``; zero for none.

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
    rules, as_known = _rules(tape, made, loans, known, draws)
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
        "draws": DRAWS,
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


def _rules(tape, made, loans, known, draws):
    """Cut-offs by what was known when they were chosen, and what each brought on the loans of 2011.

    Resamples draw months of issue, of the loans to learn from, to choose on and to judge; on each the card and the
    hazard are fitted again, and the cut-offs chosen again.
    """
    frame, then, classes = tape.frame, tape.as_of(DECISION), _classes(made, tape.frame)
    months, then_months = _month(frame["issue_date"]), _month(then.frame["issue_date"])
    on_the_day, as_known = _known_on_the_day(then, frame)
    found = _chosen(frame, known, loans, loans.assign(**on_the_day), np.ones(len(frame), dtype=int), HALVINGS)
    every, drawn = np.unique(months), []
    for number in range(draws):
        rng = np.random.default_rng([SEED, number])
        count = pd.Series(np.bincount(rng.integers(0, len(every), len(every)), minlength=len(every)), every)
        times = count.reindex(months).to_numpy()
        on_file = then.frame.iloc[np.repeat(np.arange(len(then_months)), count.reindex(then_months))]
        again, _ = _known_on_the_day(LoanTape(on_file.reset_index(drop=True), then.provenance), frame, compiled=True)
        refitted = loans.assign(p=_refitted(classes, np.where(known, times, 0), months))
        drawn.append(_chosen(frame, known, refitted, loans.assign(**again), times, HALVINGS_DRAWN))
    table = _with_limits(found, drawn)
    last, ended = AFTER_ALL_ENDED.known_until, f"{frame['last_payment_date'].max() + pd.offsets.MonthEnd(0):%Y-%m-%d}"
    picked, day = f"{TESTED_ON}-12-31", DECISION
    dates = [(picked, ended), (picked, ended), (day, last), (day, last), (day, day), (day, day)]
    table[["decision_date", "known_until"]] = dates
    # the peak is no estimate of what a rule brings: no interval makes it one
    table.loc[PEAK, ["cutoff_low", "cutoff_high", "low", "high"]] = np.nan
    return table.rename_axis("rule").reset_index(), as_known


#: a rule of the table that nobody could have followed
PEAK = "the peak of the curve, picked on the loans that measure it"


def _chosen(frame, known, card, on_the_day, times, halvings):
    """Cut-off of each rule, the share of the loans of 2011 it accepts, and its gain there; `times` a loan counts."""
    year, met = frame["issue_date"].dt.year.to_numpy(), ~frame["policy_exception"].to_numpy()
    judged = np.repeat(np.arange(len(times)), np.where(known & (year == TESTED_ON), times, 0))
    rows = {}

    def rule(name, scored, choose, worth="value"):
        chosen_on = scored.assign(value=scored[worth])
        cut = _best_cutoff(chosen_on.iloc[np.repeat(np.arange(len(times)), np.where(known & choose, times, 0))])
        later = card["value"].iloc[judged]  # what a loan brought, whoever scores it
        later = scored.iloc[judged].assign(value=later)
        taken = later["p"] <= cut
        rows[name] = {"cutoff": cut, "accepted": float(taken.mean()), "gain": _gain(later, taken)}

    rule(PEAK, card, year == TESTED_ON)
    rows["chosen on one half of the loans of 2011, judged on the other"] = _halved(card.iloc[judged], judged, halvings)
    rule("chosen on 2007 to 2010, final outcomes", card, year <= FITTED_TO)
    rule("the same, loans that met the credit policy", card, (year <= FITTED_TO) & met)
    rule("chosen on what was known: hazard, and expected value of the loans of 2010", on_the_day, year == FITTED_TO)
    rule("the same, valued as if nobody repaid early", on_the_day, year == FITTED_TO, worth="value_unless_prepaid")
    return pd.DataFrame(rows).T


def _with_limits(table, draws):
    """Ends of the 95 % intervals: 1.96 standard deviations over the draws; blank without any."""
    every = pd.concat([*draws, table * np.nan]).rename_axis("rule").groupby("rule")
    half = HALF * every[["cutoff", "gain"]].std(ddof=1).reindex(table.index)
    ends = {"cutoff_low": ("cutoff", -1), "cutoff_high": ("cutoff", 1), "low": ("gain", -1), "high": ("gain", 1)}
    return table.assign(**{end: table[name] + sign * half[name] for end, (name, sign) in ends.items()})


def _halved(some, loan, halvings):
    """A cut-off chosen on one half of the loans and judged on the other; a loan drawn twice is on one side only."""
    loans, loan = np.unique(loan, return_inverse=True)
    generator, rows = np.random.default_rng(SEED), []
    for _ in range(halvings):
        first = generator.random(len(loans))[loan] < 0.5
        cut = _best_cutoff(some[first])
        taken = some[~first]["p"] <= cut
        rows.append((cut, float(taken.mean()), _gain(some[~first], taken)))
    cuts, shares, gains = zip(*rows, strict=True)
    return {"cutoff": float(np.median(cuts)), "accepted": float(np.mean(shares)), "gain": float(np.mean(gains))}


def _month(dates):
    return (12 * dates.dt.year + dates.dt.month).to_numpy()


def _classes(made, frame):
    """The classes of the card, loan by loan, with what came."""
    data = pd.DataFrame({item.name: item.values(frame).to_numpy() for item in made.card.characteristics}, frame.index)
    return data.assign(term=data["term"].astype(str), severity=frame["severity"])


def _refitted(classes, times, months):
    """Probability of default of every loan by the card's model, fitted again to the loans to 2010 as often as drawn."""
    columns = list(classes.columns.drop("severity"))
    old = months <= 12 * FITTED_TO + 12
    cells = classes.assign(n=np.where(old, times, 0)).groupby([*columns, "severity"], observed=True)["n"].sum()
    words = "severity ~ " + " + ".join(f"C({name})" for name in columns)
    result = OrderedLogit.from_formula(words, cells[cells > 0].reset_index(), freq_weights="n").fit()
    kinds = classes[columns].dropna().drop_duplicates()
    kinds["p"] = np.asarray(result.predict(kinds))[:, BAD_CUT:].sum(axis=1)
    return classes[columns].merge(kinds, on=columns, how="left")["p"].to_numpy()


def _known_on_the_day(then, frame, **options):
    """Probability of default and expected value of every loan from what was known on the day of decision.

    Recoveries go on after the end of a loan and are not dated, so that nothing is taken to come back. Prepayment is
    that of the loans on file: those repaid early over the months that all had been running.
    """
    probability = fit_standard_hazard(then, **options).score(frame).to_numpy()
    seen = then.frame
    until = seen["last_payment_date"].fillna(seen["issue_date"]).where(seen["resolved"], pd.Timestamp(DECISION))
    age = np.clip(month_number(until) - month_number(seen["issue_date"]), 1, seen["term"])
    early = (seen["status"] == "paid").to_numpy() & (age < seen["term"] - 1).to_numpy()
    speed = float(early.sum() / age.sum())
    term, rate = frame["term"].to_numpy(), frame["rate"].to_numpy(dtype=float) / 100
    values = {"value": np.full(len(term), np.nan), "value_unless_prepaid": np.full(len(term), np.nan)}
    for months in np.unique(term):
        mine = term == months
        for value, prepaid in zip(values.values(), (speed, 0.0), strict=True):
            value[mine] = contract_value(rate[mine], int(months), probability[mine], prepayment=prepaid, costs=Costs())
    facts = {
        "decision_date": DECISION,
        "known_losses": int((seen["status"] == "charged off").sum()),
        "known_repaid": int((seen["status"] == "paid").sum()),
        "loans": len(seen),
        "prepayment": speed,
        "final_losses": int(frame.loc[frame["issue_date"] <= DECISION, "bad"].sum()),
    }
    return {"p": probability, **values}, facts


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
    data = _classes(made, frame)[known]
    columns = list(data.columns.drop("severity"))
    year, grade = year[known], frame["grade"].astype(str).to_numpy()[known]
    train, test = data[year <= FITTED_TO].reset_index(drop=True), data[year == TESTED_ON].reset_index(drop=True)
    accepted = ~np.isin(grade[year <= FITTED_TO], DECLINED_GRADES)
    formula = "severity ~ " + " + ".join(f"C({name})" for name in columns)
    found = compare_reject_inference(train, test, accepted, formula)
    return found.assign(accepted=int(accepted.sum()), declined=int((~accepted).sum()))
