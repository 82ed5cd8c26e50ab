"""Chapter *What is known*: the sign table of the studies of default, counted."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.literature import agreement, reader_agreement
from p2pbook.values import Value, count
from p2prisk.datasets import table


@dataclass(frozen=True)
class Literature:
    """Numbers and tables of the chapter."""

    signs: pd.DataFrame
    counted: pd.DataFrame
    findings: Value
    studies: Value
    traits: Value
    #: traits on which two studies or more commit themselves, and what they say of them
    several: Value
    opposite: Value
    against_none: Value
    agree: Value
    #: share of the cells read in abstracts and records, in per cent
    from_abstracts: Value
    #: cells that a second reader coded apart, how many alike, and Cohen's kappa
    coded_twice: Value
    coded_alike: Value
    kappa: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Literature
    """
    signs = table("literature_signs")
    counted, twice = agreement(signs), table("literature_second_reading")
    readers = reader_agreement(twice["first_sign"], twice["sign"])
    verdicts = counted["verdict"].value_counts()
    return Literature(
        signs=signs,
        counted=counted,
        findings=count(len(signs)),
        studies=count(signs["study"].nunique()),
        traits=count(len(counted)),
        several=count((counted[["safer", "none", "riskier"]].sum(axis=1) > 1).sum()),
        opposite=count(verdicts["opposite signs"]),
        against_none=count(verdicts["sign against no effect"]),
        agree=count(verdicts["agree"]),
        from_abstracts=Value(100 * (signs["read_in"] == "abstract").mean(), 0),
        coded_twice=count(readers["cells"]),
        coded_alike=count(readers["same"]),
        kappa=Value(readers["kappa"], 2, low=readers["low"], high=readers["high"]),
    )
