"""Chapter *Conclusions and limits*."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook import findings
from p2pbook.replications import replication
from p2pbook.values import Value, count


@dataclass(frozen=True)
class Conclusions:
    """Numbers and the table of the chapter."""

    ranking: findings.RankingFinding
    table: pd.DataFrame
    mark: Value
    #: how often the outcomes of 2011 were used to judge a ranking
    looks: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Conclusions
    """
    found = findings.compute()
    return Conclusions(
        ranking=found.ranking,
        table=findings.findings_table(found),
        mark=Value(findings.MARK_AUC),
        looks=count(replication("e2-outcome")["looks_at_2011"]),
    )
