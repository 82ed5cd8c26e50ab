"""Chapter *Model card and validation checklist*: the model of this book, and what its validator found."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.known import stamp
from p2pbook.lendingclub import AFTER_ALL_ENDED, FITTED_TO, TESTED_ON
from p2pbook.model_card import checklist, validation_results
from p2pbook.values import Value, count, share
from p2pbook.words import by_count, in_words
from p2prisk.datasets import table


@dataclass(frozen=True)
class ModelCard:
    """Numbers and tables of the chapter."""

    card: pd.DataFrame
    fitted_to: int
    tested_on: int
    #: sentences: how many checks were passed, how many could not be made, for how many attributes Brant's test rejects
    verdict: str
    not_made: str
    rejected: str
    loans_fitted: Value
    loans_tested: Value
    auc: Value
    auc_fitted: Value
    #: points by which the probability of an early loss changes where the rejected slopes are freed
    departure: Value
    largest_departure: Value
    slope: Value
    level: Value
    rate_forecast: Value
    rate_observed: Value


@cache
@stamp(AFTER_ALL_ENDED)
def compute():
    """Compute the chapter.

    Returns
    -------
    ModelCard
    """
    r = validation_results()
    tested = checklist(r)
    area, calibration = r["auc"].table.loc["model"], r["calibration"]["value"]
    departure = 100 * r["departure"].loc["loss early", ["mean_absolute", "largest"]]
    return ModelCard(
        card=table("model_card"),
        fitted_to=FITTED_TO,
        tested_on=TESTED_ON,
        verdict=verdict_sentence(tested["verdict"]),
        not_made=not_made_sentence(tested["verdict"]),
        rejected=rejected_sentence(r["rejected"], len(r["brant"]) - 1),
        loans_fitted=count(r["loans_fitted"]),
        loans_tested=count(r["loans_tested"]),
        auc=Value(area["auc"], 3, low=area["ci_low"], high=area["ci_high"]),
        auc_fitted=Value(r["auc_fitted"], 3),
        departure=Value(departure["mean_absolute"], 1),
        largest_departure=Value(departure["largest"], 1),
        slope=Value(calibration["slope"]),
        level=Value(calibration["in the large"]),
        rate_forecast=share(r["rate_forecast"]),
        rate_observed=share(r["rate_observed"]),
    )


def verdict_sentence(verdicts):
    """Say how many of the checks that could be made were passed.

    Parameters
    ----------
    verdicts : pandas.Series of str
        ``passed``, ``finding`` or ``not done``.

    Returns
    -------
    str
    """
    made = int((verdicts != "not done").sum())
    passes = by_count(
        int((verdicts == "passed").sum()),
        made,
        none="none of the {whole} checks",
        one="{part} of the {whole} checks",
        some="{part} of the {whole} checks",
        every="all {whole} checks",
    )
    failures = by_count(
        int((verdicts == "finding").sum()),
        made,
        none="there is no finding",
        one="the one it does not pass is a finding, with what was done about it",
        some="the {part} it does not pass are findings, with what was done about each",
        every="each is a finding, with what was done about it",
    )
    return f"passes {passes} that could be made, each with a stated limit; {failures}"


def not_made_sentence(verdicts):
    """Say how many checks could not be made; parameters as in :func:`verdict_sentence`."""
    return by_count(
        int((verdicts == "not done").sum()),
        len(verdicts),
        none="No check was left out",
        one="{part} more could not be made",
        some="{part} more could not be made",
        every="No check could be made",
    )


def rejected_sentence(rejected, terms):
    """Say for how many of the attributes, named `rejected`, the test of parallel lines rejects."""
    attributes = f"{in_words(terms)} attributes"
    return by_count(
        len(rejected),
        terms,
        none=f"none of the {attributes}",
        one=f"one of the {attributes}",
        some=f"{{part}} of the {attributes}",
        every=f"all {attributes}",
    )
