"""The stored study of size and power: its first samples are drawn again and must give the stored numbers exactly."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pytest

from p2pbook import power

ROOT = Path(__file__).resolve().parents[1]
STUDY = pd.read_csv(ROOT / "data/power_study.csv")
ABOUT = json.loads((ROOT / "data/power_study.json").read_text())


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "benchmarks/power_study.py"))


def test_the_study_is_that_of_the_script(script):
    assert ABOUT["seed"] == script["SEED"] and ABOUT["loans_a_sample"] == script["LOANS"]
    assert ABOUT["fitted"] == script["FORMULA"] and set(STUDY["kind"]) == {"simulated"} == {ABOUT["kind"]}
    for scenario, (what, sizes, samples) in script["SCENARIOS"].items():
        part = STUDY[STUDY["scenario"] == scenario]
        assert sorted(set(part["departure"])) == sizes and ABOUT["scenarios"][scenario] == what
        assert (part["samples"] == samples).all()  # no check failed on any sample


@pytest.mark.parametrize("scenario", ["truth", "parallel lines", "square", "interaction", "link"])
def test_first_samples_give_the_stored_numbers(script, scenario):
    size = script["SCENARIOS"][scenario][1][-1]
    again = script["summarise"](scenario, size, script["run"](scenario, size, range(ABOUT["slice"]))).set_index("test")
    stored = STUDY.query("scenario == @scenario and departure == @size").set_index("test")
    assert again["rejected_in_slice"].to_dict() == stored["rejected_in_slice"].to_dict()
    difference = (again["mean_pvalue_in_slice"] - stored["mean_pvalue_in_slice"]).abs()
    assert difference.max() < 1e-7, difference


def test_sizes_are_kept():
    truth = power.size_table(STUDY).set_index("test")
    for test in ("Brant, x", "Brant, omnibus", "Likelihood ratio, x", "Likelihood ratio, omnibus"):
        assert truth.loc[test, "samples"] == 2000
        assert 0.035 <= truth.loc[test, "share"] <= 0.065, test
    for test in ("Fagerland-Hosmer", "Lipsitz", "Pulkstenis-Robinson chi-square", "Pulkstenis-Robinson deviance"):
        assert 0.03 <= truth.loc[test, "share"] <= 0.07, test


@pytest.mark.parametrize(
    "scenario, test",
    [
        ("parallel lines", "Brant, x"),
        ("parallel lines", "Likelihood ratio, x"),
        ("parallel lines", "Brant, omnibus"),
        ("square", "Spline of x"),
        ("square", "Lipsitz"),
        ("interaction", "Pulkstenis-Robinson chi-square"),
        ("link", "Fagerland-Hosmer"),
        ("link", "Brant, omnibus"),
    ],
)
def test_power_rises_with_the_departure(scenario, test):
    part = STUDY[(STUDY["scenario"] == scenario) & (STUDY["test"] == test)]
    row = part.sort_values("departure")["share"]
    assert row.iloc[-1] > 0.5, row
    steps = row.diff().dropna()
    assert (steps > -0.04).all() and row.iloc[-1] - row.iloc[0] > 0.3, row


def test_tables_refuse_what_is_not_there():
    from p2prisk.errors import DataError

    with pytest.raises(DataError, match="no scenario"):
        power.size_table(STUDY, "weather")
    with pytest.raises(DataError, match="no cell"):
        power.power_of(STUDY, "square", "Lipsitz", 9.0)
