"""Chapter *Net Credit Group*: its own words, the money, the accounts, and the evidence for the five causes."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook import case
from p2pbook.facts import facts
from p2pbook.values import Value, count
from p2prisk.datasets import table

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: The day before lenders could no longer withdraw.
STOP = "2019-07-03"


@dataclass(frozen=True)
class NetCreditGroup:
    """Numbers and tables of the chapter; money in US$ million unless the name says otherwise."""

    products: pd.DataFrame
    lines: pd.DataFrame
    structure: pd.DataFrame
    events: pd.DataFrame
    peer: pd.DataFrame
    related: pd.DataFrame
    path: pd.DataFrame
    evidence: pd.DataFrame
    causes: pd.DataFrame
    peers: pd.DataFrame
    lessons: pd.DataFrame
    #: cause, in a word -> strength of the evidence
    strength: dict
    #: number of causes with moderate and with weak evidence, and of business lines, in words
    moderate: str
    weak: str
    business_lines: str
    #: sources of the chapter, and by grade
    sources: Value
    grades: dict
    #: events before the stop, and those of them that are known to have been public by then
    events_before: Value
    public_before: Value
    #: RMB billion owed outside P2P and in all, and shares in per cent
    outside: Value
    total: Value
    outside_share: Value
    inside_share: Value
    exchange_share: Value
    #: RMB, the platform and its affiliates
    balance_july: Value
    per_lender_times: Value
    disclosed_balance: Value
    disclosed_compensation: Value
    disclosed_per_borrower: Value
    disclosed_times_cap: Value
    reserve: Value
    reserve_share: Value
    reserve_of_balance: Value
    holding: Value
    listing_days: Value
    growth_2018: Value
    revenue_2018: Value
    #: expense items in per cent of revenue: the company's in 2018, the peer's in 2017
    marketing: Value
    servicing: Value
    peer_servicing: Value
    related_revenue: Value
    related_loans: Value
    related_of_assets: Value
    related_of_equity: Value
    assets_pro_forma: Value
    assets_annual_report: Value
    finvolution_volume: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    NetCreditGroup
    """
    listed, accounts, products = facts(), table("ncf_accounts"), table("ncf_products")
    lines, evidence, events = table("ncf_business_lines"), table("case_evidence"), table("case_events")
    grades = listed.sources("NCG", "NCF", "CAS")["grade"].value_counts()
    strength = case.strengths(evidence)
    counts = strength.value_counts()
    before = events[events["date"].astype(str).str[:10] < STOP]
    return NetCreditGroup(
        products=case.product_shares(products),
        lines=lines[["line", "company", "chinese", "activity", "in_p2p", "fact"]].rename(
            columns={"chinese": "Chinese name", "activity": "what is known", "in_p2p": "P2P"}
        ),
        structure=table("ncf_structure"),
        events=events,
        peer=case.peer_cost_shares(table("peer_costs"), 2017),
        related=case.related_party_shares(accounts),
        path=_path(table("case_path")),
        evidence=case.evidence_counts(evidence),
        causes=_causes(table("case_causes"), strength),
        peers=_shown(table("case_peers")),
        lessons=_shown(table("case_lessons")),
        strength={name.replace("Mode of operation", "Operation"): value for name, value in strength.items()}
        | {"Borrowers": strength["Ability and willingness to repay"]},
        moderate=_WORDS[counts["moderate"]],
        weak=_WORDS[counts["weak"]],
        business_lines=_WORDS[lines["line"].nunique()],
        sources=count(grades.sum()),
        grades={grade: count(number) for grade, number in grades.items()},
        events_before=count(len(before)),
        public_before=count((before["public_from"] < STOP).sum()),
        finvolution_volume=Value(listed.number("CAS074"), 1),
        **_money(listed, products),
        **_accounts(listed, accounts),
    )


def _shown(frame):
    """A table of the case as it is printed: the fact stays, key and grade lead to it in the data."""
    spaced = frame.replace(r"(?<=\d)%", "\u00a0%", regex=True)
    return spaced.drop(columns=["key", "grade"]).rename(columns=lambda name: name.replace("_", " "))


def _path(path):
    """The table of the path, the question of a step in its first column: one more would not fit on a screen."""
    steps = path["step"] + ": " + path["question"].str[0].str.lower() + path["question"].str[1:]
    return _shown(path.assign(step=steps).drop(columns="question"))


def _causes(causes, strength):
    frame = causes.rename(columns={"why_not_stronger": "why not stronger", "data_needed": "data a manager needed"})
    frame.insert(1, "evidence", causes["cause"].map(strength))
    return frame


def _money(listed, products):
    """What was owed to whom, in RMB."""
    rule, number = case.outside_p2p(products), listed.number
    exchanges = products.loc[products["fact"] == "NCG059", "amount"].item()
    per_lender = number("NCG063") * 1e9 / number("NCG064")
    per_borrower = number("CAS050") * 1e9 / number("CAS051")
    return {
        "outside": count(rule["outside"]),
        "total": count(rule["total"]),
        "outside_share": Value(100 * rule["share"], 0),
        "inside_share": Value(100 * (1 - rule["share"]), 0),
        "exchange_share": Value(100 * exchanges / rule["total"], 0),
        "balance_july": Value(number("NCG063"), 2),
        "per_lender_times": Value(per_lender / number("IND061"), 1),
        "disclosed_balance": Value(number("CAS050"), 3),
        "disclosed_compensation": Value(number("CAS053"), 1),
        "disclosed_per_borrower": count(round(per_borrower, -3)),
        "disclosed_times_cap": Value(per_borrower / number("IND081"), 1),
        "reserve": Value(number("CAS062"), 3),
        "reserve_share": Value(100 * number("CAS062") / rule["total"], 0),
        "reserve_of_balance": Value(100 * number("CAS062") / number("NCG063"), 0),
    }


def _accounts(listed, accounts):
    """What the filed accounts say, in US$ million and per cent."""
    number = listed.number
    growth = 100 * case.revenue_parts(accounts).sum(axis=1).pct_change()
    expense = 100 * case.expense_shares(accounts).loc[2018]
    peer = case.peer_cost_shares(table("peer_costs"), 2017).set_index(["item", "company"])["share"]
    related = case.related_party_shares(accounts).set_index("of")
    assets = accounts.query("year == 2018 and item == 'total assets'").set_index("accounts")["value"]
    listing = pd.Timestamp(listed.record("NCG019")["date"]) - pd.Timestamp(listed.record("NCG017")["date"])
    return {
        "holding": count(number("NCG055")),
        "listing_days": count(listing.days),
        "growth_2018": Value(growth[2018], 0),
        "revenue_2018": Value(number("NCG024") / 1e6, 1),
        "marketing": Value(expense["sales and marketing"], 1),
        "servicing": Value(expense["loan facilitation and servicing"], 1),
        "peer_servicing": Value(100 * peer["facilitation and servicing", "PPDai"], 1),
        "related_revenue": Value(100 * related.loc["revenue", "share"], 1),
        "related_loans": Value(related.loc["total assets", "amount"] / 1e6, 1),
        "related_of_assets": Value(100 * related.loc["total assets", "share"], 1),
        "related_of_equity": Value(100 * related.loc["equity", "share"], 0),
        "assets_pro_forma": Value(assets["pro forma"] / 1e6, 1),
        "assets_annual_report": Value(assets["annual report"] / 1e6, 1),
    }
