"""Chapter *Glossary*: the terms of this book by topic."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.values import Value, count
from p2prisk.datasets import table


@dataclass(frozen=True)
class Glossary:
    """Numbers and tables of the chapter."""

    terms: Value
    #: topic -> term in English and Chinese, meaning
    topic: dict[str, pd.DataFrame]


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Glossary
    """
    glossary = table("glossary")
    named = pd.DataFrame(
        {"Term 术语": glossary["english"] + " " + glossary["chinese"], "Meaning in this book": glossary["definition"]}
    )
    return Glossary(count(len(glossary)), dict(iter(named.groupby(glossary["topic"], sort=False))))
