"""The embedded data sets: shapes, outcomes as published, errors where a file is absent or another one."""

import runpy

import numpy as np
import pandas as pd
import pytest

from p2prisk import OrderedLogit, load
from p2prisk.datasets import data_directory, micro_file, shared_directory, table
from p2prisk.errors import DataError
from p2prisk.tape.read import file_sha256

# severity by grade as counted from the source file by an independent script before this package existed
SEVERITY_BY_GRADE = {
    "A": (9397, 176, 244, 366),
    "B": (10534, 337, 520, 998),
    "C": (6881, 355, 433, 1071),
    "D": (4446, 243, 333, 994),
    "E": (2344, 167, 178, 705),
    "F": (821, 64, 73, 343),
    "G": (306, 33, 27, 146),
}
PROSPER_BAD_PER_CENT = {"AA": 4.4, "A": 9.3, "B": 11.9, "C": 15.2, "D": 22.3, "E": 25.7, "HR": 25.4}


def micro(name, **options):
    try:
        micro_file(name)
    except DataError as error:
        pytest.skip(str(error))
    return load(name, **options)


def test_lendingclub_2018_has_every_row_and_an_ordered_grade():
    tape = load("lendingclub-2018")
    assert len(tape.frame) == 10_000 and not tape.set_aside
    assert tape.frame["grade"].cat.ordered and list(tape.frame["grade"].cat.categories) == list("ABCDEFG")
    assert tape.kind == "live"
    assert tape.frame["severity"].value_counts().to_dict() == {
        "performing": 9375 + 447,
        "late 1-30": 67 + 38,
        "late 31-120": 66,
        "default": 7,
    }
    assert tape.frame["bad"].sum() == 73
    assert (tape.frame["delinquency_recency"] == "never").sum() == 5658
    assert tape.frame["delinquency_recency"].notna().all()


def test_modeldata_outcome():
    tape = load("modeldata-lendingclub")
    assert len(tape.frame) == 9857 and tape.frame["bad"].dtype == bool
    assert set(tape.frame["term"]) == {36, 60}
    assert (tape.frame["grade"].astype(str) == tape.frame["sub_grade"].astype(str).str[0]).all()


def test_lendingclub_2007_2011_severity_is_the_published_table():
    frame = micro("lendingclub-2007-2011").frame
    assert len(frame) == 42_535
    assert frame["severity"].cat.ordered
    counts = pd.crosstab(frame["grade"], frame["severity"])
    assert list(counts.columns) == ["paid", "paid late", "loss after half", "loss early"]
    assert {grade: tuple(row) for grade, row in zip(counts.index, counts.to_numpy(), strict=True)} == SEVERITY_BY_GRADE
    assert frame["policy_exception"].sum() == 2749
    assert frame["bad"].sum() == 6431
    assert frame["rate"].between(5, 25).all() and frame["utilisation"].max() == 119


def test_lendingclub_2007_2011_never_is_a_level_and_unknown_is_missing():
    frame = micro("lendingclub-2007-2011").frame
    assert frame["bureau_missing"].sum() == 29
    assert frame["delinquency_recency"].isna().sum() == 29
    assert frame.loc[frame["bureau_missing"], "delinquency_recency"].isna().all()
    # 820 zeros without and 1 zero with a delinquency on file; 26,897 blanks
    assert (frame["delinquency_recency"] == "never").sum() == 26_897 + 820
    assert frame["months_since_delinquency"].eq(0).sum() == 1


def test_prosper_is_the_resolved_cohort_and_counts_what_it_left():
    tape = micro("prosper")
    assert len(tape.frame) == 8565 and set(tape.frame["term"]) == {36}
    assert sum(entry["rows"] for entry in tape.set_aside) == 25_996 - 8565
    share = (100 * tape.frame.groupby("grade", observed=True)["bad"].mean()).round(1)
    assert share.to_dict() == PROSPER_BAD_PER_CENT
    assert len(micro("prosper", cohort="all").frame) == 25_996


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(DataError, match="lendingclub-2018"):
        load("lendingclub")


def test_committed_tables_load_by_name():
    tape = load("ncf-accounts")
    assert tape.frame.equals(table("ncf_accounts")) and tape.provenance["path"] == "data/ncf_accounts.csv"
    assert tape.provenance["sha256"] == file_sha256(data_directory() / "ncf_accounts.csv")


def test_absent_micro_file_says_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("P2PRISK_SHARED", str(tmp_path))
    assert shared_directory() == tmp_path
    with pytest.raises(DataError, match="P2PRISK_SHARED.*path=.*Origin"):
        load("prosper")


def test_another_file_is_refused(tmp_path):
    other = tmp_path / "prosper_closed_2009_2014.csv.gz"
    other.write_bytes(b"something else")
    with pytest.raises(DataError, match="SHA-256.*read_tape"):
        load("prosper", path=other)


def test_counts_table_is_typed_and_complete():
    tape = load("lendingclub-2007-2011-counts")
    frame = tape.frame
    assert tape.kind == "counts" and len(frame) <= 5000 and frame["n"].min() >= 1
    assert frame["n"].sum() == 42_535 and not frame.isna().any().any()
    assert frame["severity"].cat.ordered
    by_severity = frame.groupby("severity", observed=True)["n"].sum()
    assert by_severity.to_dict() == {"paid": 34_729, "paid late": 1375, "loss after half": 1808, "loss early": 4623}
    assert list(frame["inquiries_band"].cat.categories) == ["0", "1 to 2", "3 to 4", "5 and over"]
    assert not frame.duplicated(subset=[name for name in frame if name != "n"]).any()


def test_counts_classes_are_monotone_in_the_years_of_choice():
    frame = load("lendingclub-2007-2011-counts").frame
    frame = frame[frame["issue_year"] <= 2010].assign(
        bad=lambda t: t["severity"].isin(["loss after half", "loss early"])
    )
    for column, sign in {
        "income_band": -1,
        "dti_band": 1,
        "inquiries_band": 1,
        "utilisation_band": 1,
        "public_record": 1,
        "purpose_group": 1,
    }.items():
        grouped = frame.assign(losses=frame["n"] * frame["bad"]).groupby(column, observed=True)[["losses", "n"]].sum()
        rate = grouped["losses"] / grouped["n"]
        assert (sign * rate.diff().dropna() > 0).all(), column


@pytest.mark.parametrize(
    "script, needs",
    [
        ("build_lendingclub_counts", "data/lendingclub_2007_2011.csv.gz"),
        ("build_platform_tables", "data/ppdai_lp_repayment_mix.csv"),
    ],
)
def test_committed_tables_are_rebuilt_byte_for_byte(script, needs, tmp_path):
    if not (shared_directory() / needs).exists():
        pytest.skip(f"{needs} is not in {shared_directory()}")
    module = runpy.run_path(str(data_directory() / f"{script}.py"))
    module["main"](["--output", str(tmp_path)])
    made = sorted(tmp_path.iterdir())
    assert len(made) >= 2
    for path in made:
        if path.stem.endswith("binning"):  # estimates: equal but for the last digit
            pd.testing.assert_frame_equal(pd.read_csv(path), pd.read_csv(data_directory() / path.name), atol=2e-5)
            continue
        assert path.read_bytes() == (data_directory() / path.name).read_bytes(), path.name


def test_ppdai_marginals_agree_with_the_published_totals():
    frame = load("ppdai-overdue-counts").frame
    totals = frame.groupby("variable")[["overdue", "snapshots"]].sum()
    # the published age table loses one band
    assert set(map(tuple, totals.drop("age").to_numpy())) == {(9596, 291_230)}
    assert tuple(totals.loc["age"]) == (9015, 277_004)
    mix = load("ppdai-repayment-mix").frame
    parts = mix[["prepaid_in_full", "paid_early", "paid_on_the_day", "late_or_unpaid"]].sum(axis=1)
    assert parts.between(99.9, 100.1).all()
    assert mix["amount_due"].groupby(mix["variable"]).sum().round(-2).nunique() == 1


def test_borrower_facts_were_read_and_name_their_source():
    frame = load("borrower-facts").frame
    assert frame["id"].is_unique and (frame["source"] != "").all() and set(frame["grade"]) <= set("ABCD")


def test_grouped_fit_equals_the_fit_on_the_binned_rows():
    frame = micro("lendingclub-2007-2011").frame
    script = runpy.run_path(str(data_directory() / "build_lendingclub_counts.py"))
    table, *_ = script["classify"](frame)
    counts = load("lendingclub-2007-2011-counts").frame
    columns = [
        "term",
        "income_band",
        "dti_band",
        "employment_band",
        "inquiries_band",
        "utilisation_band",
        "public_record",
        "purpose_group",
    ]
    formula = "severity ~ " + " + ".join(f"C({name})" for name in columns)
    rows = OrderedLogit.from_formula(formula, table.astype({"public_record": str})).fit()
    grouped = OrderedLogit.from_formula(formula, counts, freq_weights="n").fit()
    assert grouped.nobs == rows.nobs == 42_535
    assert grouped.llf == pytest.approx(rows.llf, rel=1e-12)
    assert np.allclose(grouped.params, rows.params, rtol=1e-9, atol=1e-10)
    assert np.allclose(grouped.bse, rows.bse, rtol=1e-9)


def test_binning_cost_is_on_file_and_small():
    cost = table("lendingclub_2007_2011_binning").set_index(["sample", "predictors"])
    out_of_time = cost.loc["2011"]
    assert (out_of_time["loans"] == 21_721).all() and (out_of_time["charged_off"] == 3297).all()
    assert out_of_time.loc["difference", "auc"] == pytest.approx(
        out_of_time.loc["numbers", "auc"] - out_of_time.loc["classes", "auc"], abs=2e-5
    )
    assert 0 < out_of_time.loc["difference", "auc"] < 0.01
    assert out_of_time.loc["difference", "low"] > 0
