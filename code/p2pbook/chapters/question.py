"""Chapter *The question*: how much of the money a model of borrowers can speak to, and the claims to be tested."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.case import outside_p2p
from p2pbook.facts import facts
from p2pbook.values import Value, count
from p2prisk.datasets import table


@dataclass(frozen=True)
class Question:
    """Numbers and tables of the chapter."""

    #: billion yuan owed outside P2P lending and in all
    outside: Value
    total: Value
    #: platforms in operation at the end of 2017 (first reported) and of 2020
    borrowers_gongchang: Value
    claims: pd.DataFrame
    evidence: pd.DataFrame
    roles: pd.DataFrame


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Question
    """
    rule, listed, claims = outside_p2p(table("ncf_products")), facts(), table("question_claims")
    claims = claims.assign(cause=claims["cause"] + " (" + claims["chinese"] + ")")
    names = {"would_support": "would support it", "would_refute": "would refute it", "data": "data in this book"}
    return Question(
        outside=count(rule["outside"]),
        total=count(rule["total"]),
        borrowers_gongchang=count(listed.number("NCG070")),
        claims=_headed(claims[["cause", *names]].rename(columns=names)),
        evidence=_headed(table("question_evidence").rename(columns={"id": "code"})),
        roles=table("question_roles"),
    )


def _headed(frame):
    """The frame with its column names as the heads of a printed table."""
    return frame.rename(columns=lambda name: name.replace("_", " ").capitalize())
