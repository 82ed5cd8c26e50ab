"""The outcome of a loan, the sample of the study, and what a tape can carry."""

import numpy as np
import pandas as pd
import pytest

from p2prisk import load
from p2prisk.errors import DataError
from p2prisk.tape import (
    LoanTape,
    add_outcome,
    apply_mapping,
    live_severity,
    resolved_cohort,
    resolved_severity,
    study_sample,
    supports,
)
from p2prisk.tape.choose import canonical_mapping


def test_resolved_severity_at_its_borders():
    frame = pd.DataFrame(
        {
            "status": ["paid", "paid", "charged off", "charged off", "default", "current"],
            "amount": [100.0] * 6,
            "principal_paid": [100, 100, 50, 49.99, 0, 10.0],
            "late_fees": [0, 0.01, 15, 0, 0, 0],
        }
    )
    assert resolved_severity(frame).astype(object).where(lambda s: s.notna(), None).tolist() == [
        "paid",
        "paid late",
        "loss after half",
        "loss early",
        "loss early",
        None,
    ]
    assert resolved_severity(frame).cat.ordered
    assert resolved_severity(frame.drop(columns="late_fees")).dropna().tolist() == [
        "paid",
        "paid",
        "loss",
        "loss",
        "loss",
    ]
    by_instalment = frame.drop(columns="late_fees").assign(instalments_late=[0, 2, 3, 3, 1, 0])
    assert resolved_severity(by_instalment).tolist()[:2] == ["paid", "paid late"]


def test_live_severity_from_status_and_from_days():
    frame = pd.DataFrame(
        {
            "status": [
                "current",
                "paid",
                "in grace",
                "late 1-30",
                "late 31-90",
                "late 31-120",
                "default",
                "charged off",
                "cancelled",
            ]
        }
    )
    assert live_severity(frame).astype(object).where(lambda s: s.notna(), None).tolist() == [
        "performing",
        "performing",
        "late 1-30",
        "late 1-30",
        "late 31-120",
        "late 31-120",
        "default",
        "default",
        None,
    ]
    days = pd.DataFrame({"days_past_due": [0, 1, 30, 31, 120, 121, np.nan]})
    assert live_severity(days).astype(object).where(lambda s: s.notna(), None).tolist() == [
        "performing",
        "late 1-30",
        "late 1-30",
        "late 31-120",
        "late 31-120",
        "default",
        None,
    ]
    written_off = pd.DataFrame({"status": ["charged off", "current"], "days_past_due": [0, 45]})
    assert live_severity(written_off).tolist() == ["default", "late 31-120"]
    with pytest.raises(DataError, match="needs 'status' or 'days_past_due'"):
        live_severity(pd.DataFrame({"amount": [1]}))
    with pytest.raises(DataError, match="needs the column 'status'"):
        resolved_severity(pd.DataFrame({"amount": [1]}))


def test_bad_is_unknown_where_the_outcome_is():
    frame = add_outcome(pd.DataFrame({"status": ["current", "cancelled", "default"]}))
    assert frame["bad"].tolist() == [False, pd.NA, True]


def book(status, issued, terms=36, record_date="2020-06-15"):
    size = len(status)
    frame = pd.DataFrame(
        {
            "loan_id": [f"L{i}" for i in range(size)],
            "issue_date": pd.to_datetime(issued),
            "amount": np.arange(size) + 1000.0,
            "term": terms,
            "income": np.arange(size) + 3e4,
            "principal_paid": np.arange(size) % 1000,
            "late_fees": 0.0,
            "status": status,
        }
    )
    return apply_mapping(frame, {**canonical_mapping(frame.columns), "record_date": record_date}, "test")


def test_maturity_is_counted_to_the_day():
    tape = book(["paid"] * 3, ["2017-06-14", "2017-06-15", "2017-06-16"])
    assert tape.frame["mature"].tolist() == [True, True, False]
    assert len(resolved_cohort(tape)) == 2


def test_a_later_record_date_matures_the_loans_it_keeps():
    tape = book(["paid"] * 3, ["2017-06-14", "2018-06-14", "2020-01-01"])
    cohort = resolved_cohort(tape, record_date="2021-12-31")
    assert tape.frame["mature"].tolist() == [True, False, False]
    assert len(cohort) == 2 and cohort.frame["mature"].all()


def test_ended_loans_only_are_cut_to_the_resolved_cohort():
    issued = ["2016-01-01"] * 300 + ["2019-01-01"] * 200
    tape = book((["paid"] * 4 + ["charged off"]) * 100, issued)
    sample, note = study_sample(tape)
    assert len(sample) == 300 and sample.frame["mature"].all()
    assert sample.set_aside[-1]["rows"] == 200 and "300" in note and "200" in note


def test_live_book_uses_its_mature_loans_with_their_final_outcome():
    issued = ["2016-01-01"] * 300 + ["2019-01-01"] * 200
    status = (["paid"] * 4 + ["charged off"]) * 60 + (["current"] * 9 + ["late 31-120"]) * 20
    tape = book(status, issued)
    assert tape.kind == "live" and set(tape.frame["severity"]) <= {"performing", "late 31-120", "default"}
    sample, note = study_sample(tape)
    assert len(sample) == 300 and sample.kind == "resolved"
    assert set(sample.frame["severity"].unique()) == {"paid", "loss after half", "loss early"} or set(
        sample.frame["severity"].unique()
    ) == {"paid", "loss early"}
    assert "200 younger" in note


def test_live_book_without_mature_loans_keeps_stages():
    tape = book((["current"] * 9 + ["late 31-120"]) * 30, ["2020-01-01"] * 300)
    sample, note = study_sample(tape)
    assert len(sample) == 300 and "live" in note and "2020-06-15" in note


def test_same_key_is_counted_once():
    tape = book(["paid"] * 300, ["2016-01-01"] * 300)
    tape.frame.loc[5:7, "loan_id"] = "L1"
    sample, _ = study_sample(tape)
    assert len(sample) == 297 and "same key" in sample.set_aside[0]["reason"]


def test_an_outcome_without_a_status_is_taken_as_given():
    tape = load("modeldata-lendingclub")
    sample, note = study_sample(tape)
    assert tape.kind == "outcome as given" and len(sample) == len(tape) and "not known" in note


def test_cohort_needs_dates():
    with pytest.raises(DataError, match="needs issue_date"):
        resolved_cohort(LoanTape(pd.DataFrame({"term": [36]}), {"record_date": "2020-01-01"}))


def test_supports_says_why_not():
    tape = book((["paid"] * 4 + ["charged off"]) * 60, ["2016-01-01"] * 300)
    table = supports(tape).set_index("part")
    assert table.loc["outcome model", "possible"] and not table.loc["out of time", "possible"]
    assert table.loc["out of time", "why"] == "all loans of one year"
    assert table.loc["grade model", "why"] == "the tape has no grade"
    few = supports(book(["paid"] * 280 + ["charged off"] * 20, ["2016-01-01"] * 300)).set_index("part")
    assert few.loc["outcome model", "why"] == "only 20 bad loans"
    assert (table["possible"] == (table["why"] == "")).all()
