"""The stored simulation of size and power of the checks, in tables to print.

The study itself is ``benchmarks/power_study.py``; it writes ``data/power_study.csv`` and ``.json``. All of
it is simulated.
"""

import json

from p2prisk.datasets import data_directory, table
from p2prisk.errors import DataError


def power_study():
    """Read the stored study.

    Returns
    -------
    study : pandas.DataFrame
        One row a scenario, size of departure and test: ``scenario, departure, test, samples, rejected,
        share, ci_low, ci_high`` and what the test of the first samples needs.
    about : dict
        Seed, date, versions, loans a sample, level, and what each scenario gets wrong.

    Examples
    --------
    >>> study, about = power_study()
    >>> set(study["kind"]), about["kind"]
    ({'simulated'}, 'simulated')
    """
    about = json.loads((data_directory() / "power_study.json").read_text(encoding="utf-8"))
    return table("power_study"), about


def size_table(study, scenario="truth"):
    """How often each test rejects a model that is right.

    Parameters
    ----------
    study : pandas.DataFrame
        From :func:`power_study`.
    scenario : str

    Returns
    -------
    pandas.DataFrame
        ``test, samples, rejected, share, ci_low, ci_high`` (Jeffreys intervals of the share).

    Examples
    --------
    >>> size_table(power_study()[0]).columns.tolist()
    ['test', 'samples', 'rejected', 'share', 'ci_low', 'ci_high']
    """
    part = study[study["scenario"] == scenario]
    if part.empty:
        raise DataError(f"no scenario {scenario!r} in the study; it has {sorted(set(study['scenario']))}")
    return part[["test", "samples", "rejected", "share", "ci_low", "ci_high"]].reset_index(drop=True)


def power_of(study, scenario, test, departure=None):
    """Share rejected in one cell of the study; by default at the largest departure.

    Examples
    --------
    >>> 0 <= power_of(power_study()[0], "square", "Lipsitz") <= 1
    True
    """
    part = study.query("scenario == @scenario and test == @test")
    if departure is not None:
        part = part[part["departure"] == departure]
    if part.empty:
        raise DataError(f"the study has no cell for scenario {scenario!r}, test {test!r}, departure {departure!r}")
    return float(part.sort_values("departure")["share"].iloc[-1])


def largest_power(study):
    """Share rejected at the largest departure of every scenario: tests by scenarios.

    Returns
    -------
    pandas.DataFrame
        Index ``test``; one column a scenario except the truth.

    Examples
    --------
    >>> "truth" in largest_power(power_study()[0]).columns
    False
    """
    part = study[study["scenario"] != "truth"]
    last = part[part["departure"] == part.groupby("scenario")["departure"].transform("max")]
    wide = last.pivot(index="test", columns="scenario", values="share")
    wide = wide.loc[list(dict.fromkeys(part["test"])), list(dict.fromkeys(part["scenario"]))]
    return wide.rename_axis(columns=None)
