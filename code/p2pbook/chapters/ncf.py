"""Chapter *Net Credit Group*: the accounts, the money by channel, and the evidence for the five causes."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook import case
from p2pbook.facts import facts
from p2pbook.values import Value, count
from p2prisk.datasets import table

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class NetCreditGroup:
    """Numbers and tables of the chapter; money in US$ million unless the name says otherwise."""

    products: pd.DataFrame
    lines: pd.DataFrame
    structure: pd.DataFrame
    events: pd.DataFrame
    revenue: pd.DataFrame
    expenses: pd.DataFrame
    peer: pd.DataFrame
    related: pd.DataFrame
    accounts: pd.DataFrame
    evidence: pd.DataFrame
    causes: pd.DataFrame
    #: RMB billion owed outside P2P, in all, and the shares
    outside: Value
    total: Value
    outside_share: Value
    inside_share: Value
    #: sources of the chapter by grade
    sources: Value
    grades: dict
    #: number of causes with moderate and with weak evidence, and of business lines, in words
    moderate: str
    weak: str
    business_lines: str
    holding: Value
    listing_days: Value
    growth_2017: Value
    growth_2018: Value
    revenue_2018: Value
    profit_2018: Value
    loss_2016: Value
    #: expense items as shares of revenue: ours in 2018, the peer's in 2017
    marketing: Value
    servicing: Value
    marketing_to_servicing: Value
    peer_marketing: Value
    peer_servicing: Value
    peer_times: Value
    related_revenue: Value
    related_loans: Value
    related_of_assets: Value
    related_of_equity: Value
    related_interest: Value
    related_yield: Value
    market_rate_2017: Value
    assets_pro_forma: Value
    assets_annual_report: Value
    assets_gap: Value
    visible_fees: Value
    visible_share: Value
    largest_payer: Value
    restricted_cash: Value
    #: RMB
    balance_july: Value
    per_lender: Value
    per_lender_times: Value
    volume_gongchang: Value
    per_borrower: Value
    reserve: Value
    reserve_rounded: Value
    reserve_share: Value
    stake_in_bank: Value
    repaid: Value
    unpaid: Value
    repaid_share: Value
    #: falls and rise of the peers' loan volume, in per cent
    ppdai_fall: Value
    ppdai_rise: Value
    yirendai_fall: Value
    yirendai_fall_2018: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    NetCreditGroup
    """
    listed, accounts, products = facts(), table("ncf_accounts"), table("ncf_products")
    lines, evidence, causes = table("ncf_business_lines"), table("case_evidence"), table("case_causes")
    grades = listed.sources("NCG", "NCF")["grade"].value_counts()
    strengths = causes["strength"].value_counts()
    return NetCreditGroup(
        products=case.product_shares(products),
        lines=lines[["line", "company", "chinese", "activity", "in_p2p", "fact"]].rename(
            columns={"chinese": "Chinese name", "activity": "what is known", "in_p2p": "P2P"}
        ),
        structure=table("ncf_structure"),
        events=table("case_events"),
        revenue=case.revenue_parts(accounts),
        expenses=case.expense_shares(accounts),
        peer=case.peer_cost_shares(table("peer_costs"), 2017),
        related=case.related_party_shares(accounts),
        accounts=case.accounts_table(accounts),
        evidence=case.evidence_counts(evidence),
        causes=_causes(causes),
        sources=count(grades.sum()),
        grades={grade: count(number) for grade, number in grades.items()},
        moderate=_WORDS[strengths[2]],
        weak=_WORDS[strengths[1]],
        business_lines=_WORDS[lines["line"].nunique()],
        **_money(listed, products),
        **_accounts(listed, accounts),
        **_peer(listed),
    )


def _causes(causes):
    strength = causes["strength"].map({0: "none", 1: "weak", 2: "moderate", 3: "strong"})
    names = {
        "strength": "evidence",
        "best_grade": "best grade",
        "why_not_stronger": "why not stronger",
        "data_needed": "data a manager needed",
    }
    return causes.assign(strength=strength).rename(columns=names)


def _money(listed, products):
    """What was owed to whom, in RMB."""
    rule, number = case.outside_p2p(products), listed.number
    per_lender = number("NCG063") * 1e9 / number("NCG064")
    unpaid = listed.quoted("NCG094", "64.85")
    return {
        "outside": count(rule["outside"]),
        "total": count(rule["total"]),
        "outside_share": Value(100 * rule["share"], 0),
        "inside_share": Value(100 * (1 - rule["share"]), 0),
        "balance_july": Value(number("NCG063"), 2),
        "per_lender": count(per_lender),
        "per_lender_times": Value(per_lender / number("IND061"), 1),
        "volume_gongchang": Value(number("NCG069"), 1),
        "per_borrower": count(number("NCG069") * 1e9 / number("NCG070")),
        "reserve": Value(number("NCG081"), 3),
        "reserve_rounded": Value(number("NCG081"), 1),
        "reserve_share": Value(100 * number("NCG081") / rule["total"], 0),
        "stake_in_bank": count(number("NCG084")),
        "repaid": Value(number("NCG094"), 2),
        "unpaid": Value(unpaid, 2),
        "repaid_share": Value(100 * number("NCG094") / (number("NCG094") + unpaid), 1),
    }


def _accounts(listed, accounts):
    """What the filed accounts say, in US$ million and per cent."""
    number = listed.number
    growth = 100 * case.revenue_parts(accounts).sum(axis=1).pct_change()
    expense = 100 * case.expense_shares(accounts).loc[2018]
    related = case.related_party_shares(accounts).set_index("of")
    assets = accounts.query("year == 2018 and item == 'total assets'").set_index("accounts")["value"]
    visible = table("ncf_related_payers").query("year == 2018")["fee"].sum()
    listing = pd.Timestamp(listed.record("NCG019")["date"]) - pd.Timestamp(listed.record("NCG017")["date"])
    return {
        "holding": count(number("NCG055")),
        "listing_days": count(listing.days),
        "growth_2017": Value(growth[2017], 0),
        "growth_2018": Value(growth[2018], 0),
        "revenue_2018": Value(number("NCG024") / 1e6, 1),
        "profit_2018": Value(number("NCG042") / 1e6, 1),
        "loss_2016": Value(-number("NCG040") / 1e6, 1),
        "marketing": Value(expense["sales and marketing"], 1),
        "servicing": Value(expense["loan facilitation and servicing"], 1),
        "marketing_to_servicing": count(expense["sales and marketing"] / expense["loan facilitation and servicing"]),
        "related_revenue": Value(100 * related.loc["revenue", "share"], 1),
        "related_loans": Value(related.loc["total assets", "amount"] / 1e6, 1),
        "related_of_assets": Value(100 * related.loc["total assets", "share"], 1),
        "related_of_equity": Value(100 * related.loc["equity", "share"], 0),
        "related_interest": Value(number("NCG045") / 1e6, 1),
        "related_yield": Value(100 * case.related_party_yield(accounts), 1),
        "market_rate_2017": Value(number("IND037"), 2),
        "assets_pro_forma": Value(assets["pro forma"] / 1e6, 1),
        "assets_annual_report": Value(assets["annual report"] / 1e6, 1),
        "assets_gap": Value(100 * (assets["pro forma"] / assets["annual report"] - 1), 0),
        "visible_fees": Value(visible / 1e6, 2),
        "visible_share": Value(100 * visible / number("NCF015"), 0),
        "largest_payer": Value(number("NCF018") / 1e6, 2),
        "restricted_cash": Value(number("NCF026") / 1e6, 1),
    }


def _peer(listed):
    """Listed peers beside the group."""
    peer = case.peer_cost_shares(table("peer_costs"), 2017).set_index(["item", "company"])["share"]
    servicing, number = peer["facilitation and servicing"], listed.number
    return {
        "peer_marketing": Value(100 * peer["sales and marketing", "PPDai"], 1),
        "peer_servicing": Value(100 * servicing["PPDai"], 1),
        "peer_times": count(servicing["PPDai"] / servicing["NCF"]),
        "ppdai_fall": Value(-number("CAS044"), 1),
        "ppdai_rise": Value(number("CAS045"), 1),
        "yirendai_fall": Value(-number("CAS046"), 0),
        "yirendai_fall_2018": Value(-number("CAS047"), 0),
    }
