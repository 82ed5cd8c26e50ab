"""Chapter *The five causes in the data*: what loan files can say of each."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.case import strengths
from p2pbook.known import Known, stamp
from p2pbook.lendingclub import AFTER_ALL_ENDED, FITTED_TO
from p2pbook.replications import came_out_again, replication, stamped
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count
from p2prisk.datasets import table


@dataclass(frozen=True)
class Causes:
    """Numbers and tables of the chapter."""

    #: whether the frozen results came out again on this machine
    again: str
    map: pd.DataFrame
    #: points more of loans charged off for one standard deviation of the block
    willingness: Value
    ability: Value
    #: odds of a worse outcome of loans issued in 2008, against 2010
    odds_2008: Value
    #: share of the 36-month loans of the year charged off
    rate_2007: Value
    rate_2010: Value
    rate_2007_within: Value
    #: loans outside the credit policy: how many, in which year and share at most; charged off, and among the others
    exceptions: Value
    exceptions_2007: Value
    rate_exceptions: Value
    rate_others: Value
    #: how well columns of the day of issue tell the mark, and what it adds: odds ratio alone and given the traits
    mark_auc: Value
    odds_alone: Value
    odds_given: Value
    #: the same with straight lines, the most of all forms, how many forms there are and how many are clear of one
    odds_straight: Value
    odds_most: Value
    forms: Value
    forms_clear: str
    by_form: pd.DataFrame
    #: share of marked loans beyond one of three limits, of the others, and of the loans of 2011
    marked_beyond: Value
    unmarked_beyond: Value
    beyond_2011: Value
    #: return a year of the loans of 2007 to 2010 by mark
    by_mark: pd.DataFrame
    #: how well the traits rank the loans of 2011 within one sub-grade and term: in hindsight, and known on the day
    within_hindsight: Value
    within_day: Value
    within_draws: Value
    #: strength of the evidence on the borrowers of the case
    strength_borrowers: str


@cache
@stamped("e2-outcome")
def compute():
    """Compute the chapter.

    Returns
    -------
    Causes
    """
    claims = table("question_claims")
    outcome, profile, robust = replication("e2-outcome"), replication("e2-profile"), replication("e2-robustness")
    blocks = outcome.table("blocks").set_index("block")["share_added"]
    points = robust.table("block_effects").set_index("block")["points"]
    slopes = outcome.table("coefficients").set_index("name")["odds_ratio"]
    years = profile.table("by_year").query("term == 36").set_index("year")
    rate = years["bad"] / years["loans"]
    odds_2008 = Value(slopes["vintage[T.2008]"], 1)
    managed = _management(replication("e2-management"))
    found = f"a trace: {managed['exceptions']} loans outside the policy, {managed['rate_exceptions']} charged off"
    return Causes(
        again=came_out_again("e2-outcome", "e2-profile", "e2-robustness", "e2-management", "e2-level"),
        map=_map(claims, share(blocks["ability"], 0), share(blocks["willingness"], 0), odds_2008, found),
        willingness=Value(points["willingness"], 1),
        ability=Value(points["ability"], 1),
        odds_2008=odds_2008,
        rate_2007=share(rate[2007], 0),
        rate_2010=share(rate[2010], 0),
        **managed,
        **_within(),
        strength_borrowers=strengths(table("case_evidence"))["Ability and willingness to repay"],
    )


@stamped("e2-management")
def _management(stored):
    forms = stored.table("forms")
    years, marks = stored.table("by_year").query("term == 'all'").set_index("year"), stored.table("by_mark")
    first = marks.query("policy_exception and year == 2007")["loans"].item()
    before = marks[marks["year"] <= FITTED_TO]

    def interval(row):
        low, high = (round(100 * row[f"return_{end}"], 1) + 0.0 for end in ("low", "high"))
        return f"{low:.1f} to {high:.1f}".replace("-", "−")

    return {
        "exceptions": count(stored["exceptions"]),
        "rate_2007_within": share(marks.query("not policy_exception and year == 2007")["rate"].item(), 0),
        "exceptions_2007": share(first / years["loans"][2007], 0),
        "rate_exceptions": share(stored["bad_rate_exceptions"]),
        "rate_others": share(stored["bad_rate_others"]),
        "mark_auc": estimate(stored, "mark_auc", 3, "mark_ci_low", "mark_ci_high"),
        "odds_alone": estimate(stored, "unadjusted_odds", 2, "unadjusted_low", "unadjusted_high"),
        "odds_given": estimate(stored, "given_traits_odds", 2, "given_traits_low", "given_traits_high"),
        "odds_straight": estimate(forms.set_index("form").loc["straight lines"], "odds", 2, "low", "high"),
        "odds_most": Value(forms["odds"].max(), 2),
        "forms": count(len(forms)),
        "forms_clear": by_count(
            int((forms["low"] > 1).sum()), len(forms), "none has", "one has", "{part} have", "all have"
        ),
        "by_form": pd.DataFrame(
            {
                "Form": forms["form"],
                "Odds ratio": forms["odds"],
                "95 % interval": [f"{row.low:.2f} to {row.high:.2f}" for row in forms.itertuples()],
                "AIC": forms["aic"],
            }
        ),
        "marked_beyond": share(stored["marked_beyond"], 0),
        "unmarked_beyond": share(stored["unmarked_beyond"], 0),
        "beyond_2011": share(stored["beyond_2011"], 0),
        "by_mark": pd.DataFrame(
            {
                "Issued": before["year"].astype(str),
                "Met the policy": before["policy_exception"].map({True: "no", False: "yes"}),
                "Loans": before["loans"],
                "Charged off": 100 * before["rate"],
                "Return": 100 * before["return"],
                "95 % interval": [interval(row) for _, row in before.iterrows()],
            }
        ),
    }


def _within():
    level = replication("e2-level")
    inside = level.table("inside").set_index("model")
    with stamp(AFTER_ALL_ENDED):
        hindsight = estimate(inside.loc["parallel lines"], "value", 3, "low", "high")
    with stamp(Known("2010-12-31", "2010-12-31")):
        day = estimate(inside.loc["on the day"], "value", 3, "low", "high")
    return {"within_hindsight": hindsight, "within_day": day, "within_draws": count(level["resamples"])}


def _map(claims, ability, willingness, odds_2008, exceptions):
    return pd.DataFrame(
        {
            "cause": claims["cause"] + " (" + claims["chinese"] + ")",
            "one would see": [
                "worse outcomes with lower income, more debt, worse record",
                "losses that step with the time of issue, for equal borrowers",
                "little spent on control; warnings without limits; loans outside its own policy",
                "client money within reach of the platform",
                "related borrowers; products sold side by side; terms that do not match",
            ],
            "where": [
                "Lending Club 2007–2011, Prosper, PPDai counts",
                "year of issue in Lending Club; industry series",
                "filed accounts of NCF; marks of exceptions in Lending Club",
                "press and notices on NCF",
                "filed accounts and one reported document on NCF",
            ],
            "found in loan data": [
                f"yes: ability {ability}, willingness {willingness} of the fit of 2007–2010",
                f"yes, as a step: odds {odds_2008} times for loans of 2008 against 2010",
                exceptions,
                "nothing: not in a loan file",
                "nothing: a related loan looks like any other",
            ],
        }
    )
