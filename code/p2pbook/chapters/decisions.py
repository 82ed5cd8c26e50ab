"""Chapter *Decisions and limits*: whom to accept, to look at again, to charge what, and how much to lend to whom."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook.explorers import Explorer, of_cutoffs
from p2pbook.known import Known, stamp
from p2pbook.lendingclub import LABELS, book_card
from p2pbook.pricing import REVIEW, break_even_rates, gain_and_loss, highest_pd_by_cap, price_by_grade, value_check
from p2pbook.replications import Replication, came_out_again, replication, stamped
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count, joined
from p2prisk.policy import CAPS, Costs, Limit, acceptance_frontier, check_limits

#: Caps on the yearly rate in Chinese courts; four times the loan prime rate of August 2020.
RATE_CAPS = {"four times the LPR of 2020": 4 * 0.0385, "24 %": 0.24, "36 %": 0.36}
LOWEST_CAP = "four times the LPR of 2020"
LIMITS = (
    Limit("term", 0.40, "60", "its outcome is known last"),
    Limit("purpose_group", 0.05, "higher loss", "mostly small firms, hit by one economy"),
    Limit("grade", 0.25, None, "one wrong grade must not sink the book"),
    Limit("inquiries_band", 0.10, "5 and over", "the riskiest answer on the card"),
)


@dataclass(frozen=True)
class Decisions:
    """Numbers and tables of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    stored: Replication
    #: loans of 2011: probability of default by the card, whether charged off, number
    test: pd.DataFrame
    #: frozen: loans, loans of 2011, defaults
    loans: Value
    test_loans: Value
    defaults: Value
    #: share of defaulted loans that lost at least nine tenths of what was owed
    nearly_all_lost: Value
    #: assumptions of every value
    funding_cost: Value
    servicing_cost: Value
    recovery_lag: Value
    recovery: Value
    #: term -> share of repaid loans that were repaid two months or more before the end
    prepaid: dict[str, Value]
    #: value per 100 on offer: of all loans and at the best cut-off; where it lies
    everybody: Value
    best_value: Value
    best_cutoff: Value
    gain: Value
    #: the day of decision; losses known on it of the losses that came
    decision_date: str
    known_losses: Value
    final_losses: Value
    #: rule -> what it costs on the loans of 2011 per 100
    rule_cost: dict[str, Value]
    rules: pd.DataFrame
    rules_lost: str
    rate_safest: Value
    rate_riskiest: Value
    funding: pd.DataFrame
    funding_highest: Value
    #: loans that the expected maximum profit rejects
    emp_rejected: Value
    #: default rate where half and where all of the loans are accepted
    half: Value
    whole: Value
    #: two cut-offs and a person between: value of good loans from the safest to the riskiest fifth
    good: dict[str, Value]
    gain_of: object
    loss_of: object
    review_cost: Value
    caught: Value
    turned_away: Value
    #: review -> cut-offs, shares of the loans of 2011, and what the band brought there per 100
    accept_below: dict[str, Value]
    decline_above: dict[str, Value]
    share_referred: dict[str, Value]
    review_gain: dict[str, Value]
    #: price: break-even rates, what each cap carries, and how the model of cash flows met the money that came
    prices: pd.DataFrame
    expected: dict[str, Value]
    realised: dict[str, Value]
    rate_points: dict[str, Value]
    #: cap -> highest probability of default that it carries over 36 months
    carries: dict[str, Value]
    out_of_reach: str
    #: cut-off, rate cap and required return to move
    explorer: Explorer
    #: limits
    person_here: Value
    person_all: Value
    held: pd.DataFrame
    #: reject inference
    rejects: pd.DataFrame
    declined: Value
    accepted: Value
    accepted_only: Value
    declined_rate: Value
    all_known: Value
    largest_gain: Value


@cache
@stamped("e2-decisions")
def compute():
    """Compute the chapter.

    Returns
    -------
    Decisions
    """
    made, stored = book_card(), replication("e2-decisions")
    scored = made.card.score(made.test)
    test = made.test.assign(pd=scored["pd"], grade=scored["grade"].astype(str))
    return Decisions(
        again=came_out_again("e2-decisions"),
        stored=stored,
        test=test,
        **_frozen(stored),
        **_cut_off(stored),
        **_accepted(test),
        **_review(stored),
        **_price(made, stored),
        **_limits(test),
        **_rejects(stored.table("rejects")),
    )


def _frozen(stored):
    costs = stored["costs"]
    early = stored.table("prepayment").set_index("term")["share"]
    return {
        "loans": count(stored["loans"]),
        "test_loans": count(stored["test_loans"]),
        "defaults": count(stored["defaults"]),
        "nearly_all_lost": share(stored["nearly_all_lost"], 0),
        "funding_cost": share(costs["funding"], 0),
        "servicing_cost": share(costs["servicing"], 0),
        "recovery_lag": count(costs["recovery_lag"]),
        "recovery": share(stored["recovery"]),
        "prepaid": {f"{term} months": share(early[term], 0) for term in (36, 60)},
    }


def _cut_off(stored):
    best, emp, then = stored["best"], stored["emp"], stored["as_known"]
    groups, funding = stored.table("score_groups"), stored.table("funding")
    rates = groups.loc[groups["term"] == 36, "rate"] / 100
    shown = funding[["funding", "cutoff", "accepted", "best", "everybody"]] * 100
    return {
        "everybody": Value(100 * stored["everybody"]),
        "best_value": Value(100 * best["profit"]),
        "best_cutoff": share(best["cutoff"], 0),
        "gain": Value(100 * stored["gain"]),
        "decision_date": day_in_words(then["decision_date"]),
        "known_losses": count(then["known_losses"]),
        "final_losses": count(then["final_losses"]),
        **_by_rule(stored.table("rules")),
        "rate_safest": share(rates.iloc[0]),
        "rate_riskiest": share(rates.iloc[-1]),
        "funding": shown,
        "funding_highest": share(funding["funding"].iloc[-1], 0),
        "emp_rejected": share(emp["card"]["rejected"], 0),
    }


#: how the text calls the rules of the table, in its order
RULES = ("peak", "halves", "earlier", "earlier, policy", "known", "known, plain")


def _by_rule(rules):
    gains, shown = {}, []
    for name, (_, row) in zip(RULES, rules.iterrows(), strict=True):
        with stamp(Known(row["decision_date"], row["known_until"])):
            per_100 = row[["gain", "low", "high"]].astype(float) * 100
            gains[name] = estimate(per_100, "gain", low="low", high="high")
        interval = "not an estimate" if name == "peak" else gains[name].interval
        shown.append(
            {
                "Cut-off": row["rule"],
                "Decision date": f"{pd.Timestamp(row['decision_date']):%-d %b %Y}",
                "Known until": f"{pd.Timestamp(row['known_until']):%-d %b %Y}",
                "PD": 100 * row["cutoff"],
                "Accepted": 100 * row["accepted"],
                "Gain": per_100["gain"],
                "95 % interval": interval,
            }
        )
    cost = {name: -gain for name, gain in gains.items() if name != "peak"}
    lost = lost_sentence([gains[name] for name in RULES[2:]])
    return {"rule_cost": cost, "rules": pd.DataFrame(shown), "rules_lost": lost}


def lost_sentence(gains):
    """Say of rules chosen on earlier loans how many surely brought something, and how many surely lost."""
    won = sum(float(gain.low) > 0 for gain in gains)
    lost = sum(float(gain.high) < 0 for gain in gains)
    first = by_count(
        won,
        len(gains),
        none="none of the {whole} brought a gain whose interval excludes zero",
        one="one of the {whole} brought a gain whose interval excludes zero",
        some="{part} of the {whole} brought a gain whose interval excludes zero",
        every="all {whole} brought a gain whose interval excludes zero",
    )
    second = by_count(
        lost,
        len(gains),
        none="none surely lost",
        one="one lost, with its whole interval below zero",
        some="{part} lost, with their whole intervals below zero",
        every="all lost, with their whole intervals below zero",
    )
    return f"{first}, and {second}"


def day_in_words(day):
    """A day as prose writes it.

    Examples
    --------
    >>> day_in_words("2010-12-31")
    '31 December 2010'
    """
    return f"{pd.Timestamp(day):%-d %B %Y}"


def _accepted(test):
    frontier = acceptance_frontier(test["pd"], test["bad"], test["n"], resamples=300, seed=2011)
    at = frontier.set_index(frontier["accepted"].round(2))
    half = at.loc[0.5]
    return {"half": share(half["rate"], low=half["ci_low"], high=half["ci_high"]), "whole": share(at.loc[1.0, "rate"])}


def _review(stored):
    values, reviews = stored.table("value_by_risk"), stored.table("reviews")
    # as the text calls them: the review that catches half, and a weak one that catches one in five
    reviews = reviews.set_index(pd.Index(["half", "weak"], name="review"))
    early, late = (values[values["issued"] == issued].set_index("part") for issued in ("2007-2010", "2011"))
    gain, loss = gain_and_loss(early)
    parts = {"safest": 1, "riskiest": 5}
    return {
        "good": {name: Value(100 * late["value_good"][part], 1) for name, part in parts.items()},
        "gain_of": gain,
        "loss_of": loss,
        "review_cost": Value(100 * REVIEW["review_cost"], 0),
        "caught": share(REVIEW["caught"], 0),
        "turned_away": share(REVIEW["turned_away"], 0),
        "accept_below": {name: share(value) for name, value in reviews["accept_below"].items()},
        "decline_above": {name: share(value) for name, value in reviews["decline_above"].items()},
        "share_referred": {name: share(value, 0) for name, value in reviews["referred"].items()},
        "review_gain": {
            name: estimate(100 * row[["gain", "low", "high"]].astype(float), "gain", low="low", high="high")
            for name, row in reviews.iterrows()
        },
    }


def _price(made, stored):
    prices, bearable = price_by_grade(made, stored, RATE_CAPS), highest_pd_by_cap(stored, RATE_CAPS)
    check = value_check(stored)
    check.index = [f"{term} months" for term in check["term"]]
    short = prices[prices["term"] == 36].set_index("grade")
    return {
        "prices": prices,
        "expected": {term: Value(100 * value, 1) for term, value in check["expected"].items()},
        "realised": {term: Value(100 * value, 1) for term, value in check["realised"].items()},
        "rate_points": {term: Value(value, 1) for term, value in check["rate_points"].items()},
        "carries": {cap: share(value) for cap, value in bearable.set_index("cap")[36].items()},
        "out_of_reach": out_of_reach_sentence(short.index[~short[LOWEST_CAP]], len(short)),
        "explorer": _explorer(stored),
    }


def _explorer(stored):
    funding = {f"{100 * rate:.0f} %": rate for rate in stored.table("funding")["funding"]}
    points = np.arange(0, 0.71, 0.05)
    prices, caps = {}, {}
    for words, rate in funding.items():
        costs = Costs(funding=rate)
        limits = highest_pd_by_cap(stored, RATE_CAPS, costs)
        # at the limit of a cap the break-even rate is the cap
        price = pd.Series(break_even_rates(stored, points, 36, costs), index=points)
        price = pd.concat([price, limits.set_index(36)["rate"]]).sort_index()
        prices[words] = {"x": price.index.tolist(), "y": price.tolist()}
        caps[f"none / {words}"] = {"36": 1.0, "60": 1.0}
        caps |= {f"{100 * row['rate']:.3g} % / {words}": {"36": row[36], "60": row[60]} for _, row in limits.iterrows()}
    return of_cutoffs(stored.table("by_cutoff"), prices, caps, funding)


def out_of_reach_sentence(grades, of):
    """Say which grades have no price under a cap."""
    names = joined(grades)
    return by_count(
        len(grades),
        of,
        none="every grade would still have a price",
        one=f"grade {names} would have no price at all",
        some=f"grades {names} would have no price at all",
        every="no grade would have a price at all",
    )


def _limits(test):
    held = check_limits(test, LIMITS, amount="n")
    shown = held.assign(
        column=held["column"].map(lambda name: LABELS.get(name, name.capitalize())),
        share=100 * held["share"],
        limit=100 * held["limit"],
        breached=held["breached"].map({True: "yes", False: "no"}),
    )
    person_here, person_all = CAPS["person"]
    return {
        "person_here": count(person_here),
        "person_all": count(person_all),
        "held": shown.drop(columns="used").rename(columns={"column": "limit on"}).rename(columns=str.capitalize),
    }


def _rejects(rejects):
    method = rejects.set_index("method")
    return {
        "rejects": rejects,
        "declined": count(rejects["declined"].iloc[0]),
        "accepted": count(rejects["accepted"].iloc[0]),
        "accepted_only": share(method.loc["accepted only", "declined_predicted"]),
        "declined_rate": share(method.loc["accepted only", "declined_observed"]),
        "all_known": share(method.loc["all outcomes known", "declined_predicted"]),
        "largest_gain": Value(rejects["gain"].abs().max(), 4),
    }
