"""The committed counts of Lending Club loans for watching and stressing: consistent, and rebuilt from the loans."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2prisk import load
from p2prisk.datasets import table
from p2prisk.errors import DataError
from p2prisk.monitor import vintage_curves_from_events, vintage_curves_from_tape

ROOT = Path(__file__).resolve().parents[1]


def test_tables_agree_with_the_counts_of_all_loans():
    counts = load("lendingclub-2007-2011-counts").frame
    vintages = table("lendingclub_vintages")
    assert vintages["loans"].sum() == counts["n"].sum()
    bad = counts["severity"].isin(["loss after half", "loss early"])
    assert vintages["charged_off"].sum() == counts.loc[bad, "n"].sum()
    by_year = vintages.groupby([vintages["month"].str[:4].astype(int), "term"])["charged_off"].sum()
    reference = counts[bad].groupby(["issue_year", "term"])["n"].sum()
    assert by_year[by_year > 0].tolist() == reference.tolist()
    outcomes = table("lendingclub_outcomes")
    assert outcomes["loans"].sum() == counts["n"].sum()
    assert (outcomes.loc[outcomes["severity"].str.startswith("paid"), "loss"] == 0).all()
    bands = table("lendingclub_monthly_bands")
    per_variable = bands.groupby("variable")["n"].sum()
    assert per_variable.nunique() == 1 and per_variable.iloc[0] == counts.loc[counts["issue_year"] >= 2009, "n"].sum()
    scores = table("lendingclub_monthly_scores")
    assert (scores["charged_off_early"] <= scores["charged_off"]).all()
    assert (scores["charged_off"] <= scores["loans"]).all()
    assert (scores["expected_early"] < scores["expected"]).all() and scores["expected_early"].gt(0).all()
    # every 36-month loan of the two years has a forecast
    mine = (counts["issue_year"] >= 2010) & (counts["term"].astype(int) == 36)
    assert scores["loans"].sum() == counts.loc[mine, "n"].sum()


def test_no_row_of_a_table_is_a_loan():
    for name in (
        "lendingclub_vintages",
        "lendingclub_monthly_bands",
        "lendingclub_monthly_scores",
        "lendingclub_outcomes",
    ):
        assert not {"loan_id", "amount", "income", "grade"} & set(table(name).columns)


def test_vintages_of_the_table():
    counts = table("lendingclub_vintages")
    curves = vintage_curves_from_events(
        counts["month"],
        counts["age"],
        as_of="2017-04",
        loans=counts["loans"],
        events=counts["charged_off"],
        period="year",
        max_age=64,
    )
    last = curves.groupby("vintage").tail(1).set_index("vintage")
    assert np.all(last["age"] == 64)
    whole = counts.groupby(counts["month"].str[:4])[["loans", "charged_off"]].sum()
    # a handful of loans were paid on for longer than 64 months
    assert (last["events"].to_numpy() <= whole["charged_off"].to_numpy()).all()
    assert last["events"].sum() > 0.995 * whole["charged_off"].sum()


def test_the_loans_rebuild_the_tables():
    try:
        tape = load("lendingclub-2007-2011")
    except DataError as error:
        pytest.skip(str(error))
    curves = vintage_curves_from_tape(tape, as_of="2011-12", period="quarter", max_age=24)
    counts = table("lendingclub_vintages")
    same = vintage_curves_from_events(
        counts["month"],
        counts["age"] + 5,
        as_of="2011-12",
        loans=counts["loans"],
        events=counts["charged_off"],
        period="quarter",
        max_age=24,
    )
    pd.testing.assert_frame_equal(curves, same)
    spec = importlib.util.spec_from_file_location("build_watch", ROOT / "data" / "build_lendingclub_watch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, built in module.build(tape).items():
        stored = pd.read_csv(ROOT / "data" / f"{name}.csv")
        pd.testing.assert_frame_equal(built.reset_index(drop=True), stored, check_dtype=False, atol=1e-6, obj=name)
