"""Chapter *How well the checks work*: size and power of the checks of the ordered logit, all simulated."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.power import power_of, power_study, size_table
from p2pbook.values import Value, count, share
from p2pbook.words import by_count, dated


@dataclass(frozen=True)
class Power:
    """Numbers and tables of the chapter."""

    study: pd.DataFrame
    sizes: pd.DataFrame
    level: Value
    loans: Value
    fitted: str
    seed: str
    date: str
    #: smallest and largest share of true models that a check rejects, and which check it is
    lowest: Value
    lowest_test: str
    highest: Value
    highest_test: str
    #: sentence: how many intervals hold the nominal level
    held: str
    #: change of the slope from cut to cut that the text speaks of
    step: Value
    #: test -> share rejected: at that change, at twice that change, and at the largest departure of each scenario
    at_step: dict[str, Value]
    square: dict[str, Value]
    link: dict[str, Value]


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Power
    """
    study, about = power_study()
    # a test that two people made is named with a dash between them, and its key with a hyphen
    study = study.assign(test=study["test"].str.replace(r"(?<=[a-z])-(?=[A-Z])", "–", regex=True))
    sizes = size_table(study)
    by_test = sizes.set_index("test")["share"]
    level, step = about["level"], 0.1
    return Power(
        study=study,
        sizes=sizes,
        level=share(level, 0),
        loans=count(about["loans_a_sample"]),
        fitted=about["fitted"],
        seed=str(about["seed"]),
        date=dated(about["date"]),
        lowest=share(by_test.min()),
        lowest_test=by_test.idxmin(),
        highest=share(by_test.max()),
        highest_test=by_test.idxmax(),
        held=held_sentence(sizes, level),
        step=Value(step, 1),
        at_step=_rejected(study, "parallel lines", step),
        square=_rejected(study, "square"),
        link=_rejected(study, "link"),
    )


def _rejected(study, scenario, departure=None):
    """Share rejected by each test, the chi-square of Pulkstenis and Robinson under their names alone."""
    tests = dict.fromkeys(study.loc[study["scenario"] == scenario, "test"])
    return {
        test.replace("Robinson chi-square", "Robinson"): share(power_of(study, scenario, test, departure), 0)
        for test in tests
    }


def held_sentence(sizes, level):
    """Say how many intervals of the size hold the nominal level.

    Parameters
    ----------
    sizes : pandas.DataFrame
        From :func:`p2pbook.power.size_table`.
    level : float

    Returns
    -------
    str
    """
    return by_count(
        int(((sizes["ci_low"] <= level) & (level <= sizes["ci_high"])).sum()),
        len(sizes),
        none="None of the {whole} intervals holds the nominal level",
        one="{part} of the {whole} intervals holds the nominal level",
        some="{part} of the {whole} intervals hold the nominal level",
        every="All {whole} intervals hold the nominal level",
    )
