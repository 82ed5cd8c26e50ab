"""The frozen months of `monitor` on the Lending Club loans: by the rule, and a month recomputed where the loans are."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2prisk import load
from p2prisk.errors import DataError
from p2prisk.monitor import Limits

ROOT = Path(__file__).resolve().parents[1]
FROZEN = pd.read_csv(ROOT / "data" / "monitor_months.csv", keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("shock", ["", "_shared"])
def test_each_verdict_follows_from_its_alarms(shock):
    alarms = FROZEN[f"alarms{shock}"].str.split(", ")
    says = ["redevelop" if "area" in a else "keep" if a == ["none"] else "recalibrate" for a in alarms]
    assert says == FROZEN[f"verdict{shock}"].tolist()
    assert FROZEN[f"false_alarm{shock}"].between(0.01, 0.05).all()
    near = FROZEN[f"near{shock}"].str.split(", ")
    assert not any(set(a) & set(n) - {"none"} for a, n in zip(alarms, near, strict=True))
    area = FROZEN["expected_area"] - FROZEN["area"]
    assert (area[[("area" in a) for a in alarms]] >= Limits().area).all()


def test_what_is_known_only_grows():
    assert len(FROZEN) == 24 and FROZEN["known_on"].is_monotonic_increasing
    assert (np.diff(FROZEN["judged"]) > 0).all() and (np.diff(FROZEN["bad"]) > 0).all()
    assert np.allclose(FROZEN["bad"] / FROZEN["judged"], FROZEN["rate"], atol=1e-5)
    assert (FROZEN["judged"] >= Limits().loans).all() and (FROZEN["bad"] >= Limits().events).all()


def test_the_table_of_the_readme_is_the_frozen_one():
    script = runpy.run_path(str(ROOT / "benchmarks" / "monitor_months.py"))
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"<!-- months: begin -->\n{script['page'](FROZEN)}<!-- months: end -->" in text


def test_the_first_month_is_recomputed():
    try:
        tape = load("lendingclub-2007-2011")
    except DataError as absent:
        pytest.skip(str(absent))
    script = runpy.run_path(str(ROOT / "benchmarks" / "monitor_months.py"))
    script["months"].__globals__["LAST_MONTHS"] = [pd.Timestamp("2011-01-31")]
    again = script["months"](tape, script["fitted"](tape)).round(6)
    pd.testing.assert_frame_equal(again, FROZEN.head(1), check_dtype=False, atol=2e-4)
