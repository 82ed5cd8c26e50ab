"""Numbers of the abstracts, counted another way."""

from collections import Counter, defaultdict

from p2pbook.chapters.abstract import compute
from p2prisk.datasets import table


def test_opposite_signs_counted_by_hand():
    signs = defaultdict(set)
    reports = Counter()
    for row in table("literature_signs").to_dict("records"):
        if row["sign"] != "?":
            signs[row["variable"]].add(row["sign"])
            reports[row["variable"]] += 1
    n = compute()
    opposite = sum({"+", "-"} <= found for found in signs.values())
    assert n.compared == sum(count > 1 for count in reports.values())
    assert n.opposite == f"{opposite} have" and n.opposite_zh == f"有{opposite}个" and 1 < opposite < n.compared


def test_money_in_both_units():
    n = compute()
    products = table("ncf_products").to_dict("records")
    assert n.outside == sum(row["amount"] for row in products if row["in_p2p"] == "no") < n.money
    assert (str(n.money_zh), str(n.outside_zh)) == (f"{n.money * 10:.0f}", f"{n.outside * 10:.0f}")
