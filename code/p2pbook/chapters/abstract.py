"""What only the abstracts say: of the literature and of the money at the group."""

from dataclasses import dataclass
from functools import cache

from p2pbook import case
from p2pbook.literature import agreement
from p2pbook.values import Value, count
from p2pbook.words import by_count
from p2prisk.datasets import table


@dataclass(frozen=True)
class Abstract:
    """Numbers of both abstracts."""

    #: traits on which at least two studies report a result
    compared: Value
    #: how many of them have opposite signs, with the verb: "none has", "one has", "11 have", "all have"
    opposite: str
    #: the same in Chinese, up to the word before "opposite signs"
    opposite_zh: str
    #: money at the group, in billion yuan, and what of it lay outside P2P lending
    money: Value
    outside: Value
    #: the same in the Chinese unit of a hundred million yuan
    money_zh: Value
    outside_zh: Value


@cache
def compute():
    """Compute the numbers.

    Returns
    -------
    Abstract
    """
    counted = agreement(table("literature_signs"))
    compared = int((counted[["safer", "none", "riskier"]].sum(axis=1) > 1).sum())
    opposite = int((counted["verdict"] == "opposite signs").sum())
    money = case.outside_p2p(table("ncf_products"))
    return Abstract(
        compared=count(compared),
        opposite=by_count(opposite, compared, "none has", "one has", "{part} have", "all have"),
        opposite_zh=by_count(opposite, compared, "没有一个", "有{part}个", "有{part}个", "全部"),
        money=count(money["total"]),
        outside=count(money["outside"]),
        money_zh=count(10 * money["total"]),
        outside_zh=count(10 * money["outside"]),
    )
