"""Chapter *The five causes in the data*: what loan files can say of each."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.case import strengths
from p2pbook.replications import replication, stamped
from p2pbook.values import Value, share
from p2prisk.datasets import table


@dataclass(frozen=True)
class Causes:
    """Numbers and tables of the chapter."""

    map: pd.DataFrame
    #: points more of loans charged off for one standard deviation of the block
    willingness: Value
    ability: Value
    #: odds of a worse outcome of loans issued in 2008, against 2010
    odds_2008: Value
    #: share of the 36-month loans of the year charged off
    rate_2007: Value
    rate_2010: Value
    observed: Value
    predicted: Value
    #: area that the traits add to the sub-grade
    traits_added: Value
    #: strength of the evidence on the borrowers of the case
    strength_borrowers: str
    #: cause -> what only the platform's data could show
    needed: dict


@cache
@stamped("e2-outcome")
def compute():
    """Compute the chapter.

    Returns
    -------
    Causes
    """
    claims, judged = table("question_claims"), table("case_causes").set_index("cause")
    outcome, profile, robust = replication("e2-outcome"), replication("e2-profile"), replication("e2-robustness")
    blocks = outcome.table("blocks").set_index("block")["share_added"]
    points = robust.table("block_effects").set_index("block")["points"]
    slopes = outcome.table("coefficients").set_index("name")["odds_ratio"]
    years = profile.table("by_year").query("term == 36").set_index("year")
    rate = years["bad"] / years["loans"]
    drift = outcome.table("calibration").set_index("cut").loc["paid late|loss after half"]
    areas = outcome.table("auc_differences").set_index(["first", "second"])["difference"]
    odds_2008 = Value(slopes["vintage[T.2008]"], 1)
    return Causes(
        map=_map(claims, share(blocks["ability"], 0), share(blocks["willingness"], 0), odds_2008),
        willingness=Value(points["willingness"], 1),
        ability=Value(points["ability"], 1),
        odds_2008=odds_2008,
        rate_2007=share(rate[2007], 0),
        rate_2010=share(rate[2010], 0),
        observed=share(drift["observed"]),
        predicted=share(drift["predicted"]),
        traits_added=Value(-areas["sub-grade", "ordered logit and sub-grade"], 3),
        strength_borrowers=strengths(table("case_evidence"))["Ability and willingness to repay"],
        needed=judged["data_needed"].rename({"Ability and willingness to repay": "Borrowers"}).to_dict(),
    )


def _map(claims, ability, willingness, odds_2008):
    return pd.DataFrame(
        {
            "cause": claims["cause"] + " (" + claims["chinese"] + ")",
            "one would see": [
                "worse outcomes with lower income, more debt, worse record",
                "losses that step with the time of issue, for equal borrowers",
                "little spent on control; warnings without limits",
                "client money within reach of the platform",
                "related borrowers; products sold side by side; terms that do not match",
            ],
            "where": [
                "Lending Club 2007–2011, Prosper, PPDai counts",
                "year of issue in Lending Club; industry series",
                "filed accounts of NCF",
                "press and notices on NCF",
                "filed accounts and one reported document on NCF",
            ],
            "found in loan data": [
                f"yes: ability {ability}, willingness {willingness} of the fit",
                f"yes, as a step: odds {odds_2008} times for loans of 2008 against 2010",
                "nothing: not in a loan file",
                "nothing: not in a loan file",
                "nothing: a related loan looks like any other",
            ],
        }
    )
