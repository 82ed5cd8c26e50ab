"""The brief for managers, in two languages: decisions with their limits, owners and first steps.

The words stand in ``data/brief_decisions.csv``; each number in them is one of the register of claims, written there as
``{claim.number}``, so that a limit is computed like everything else.
"""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.chapters.claims import register
from p2prisk.datasets import table

#: Language -> heads of the table, by the columns of ``data/brief_decisions.csv``.
HEADS = {
    "": {"decision": "Decision", "limit": "Limit, and what it rests on", "owner": "Owner", "monday": "On Monday"},
    "_zh": {"decision": "决定", "limit": "限额及其依据", "owner": "负责人", "monday": "周一要做的事"},
}


@dataclass(frozen=True)
class Brief:
    """The table of decisions in both languages."""

    decisions: pd.DataFrame
    decisions_zh: pd.DataFrame


@cache
def compute():
    """Fill the numbers into the words.

    Returns
    -------
    Brief
    """
    words, claims = table("brief_decisions"), register()
    return Brief(
        *(
            pd.DataFrame(
                {head: [cell.format_map(claims) for cell in words[name + end]] for name, head in heads.items()}
            )
            for end, heads in HEADS.items()
        )
    )
