"""The tape as it stood on a day: nothing that happened later can change it."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2prisk.errors import DataError
from p2prisk.hazard import spells
from p2prisk.simulate import simulate_platform
from p2prisk.tape import CHARGE_OFF_LAG, LoanTape, as_of, end_dates, read_tape

LENDING_CLUB = Path(__file__).resolve().parents[2] / "shared" / "data" / "lendingclub_2007_2011.csv.gz"
STATUSES = ("paid", "charged off", "default", "current", "late 31-120", "in grace")
PURPOSES = ("car", "medical", "other", "wedding")
START = pd.Timestamp("2009-01-01")


def loans(rng, n, closed):
    """Loans of three years with everything that a tape may hold of what came later."""
    issue = START + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    status = rng.choice(STATUSES, n)
    last = pd.Series(issue + pd.to_timedelta(rng.integers(0, 900, n), unit="D"))
    never = (status == "charged off") & (rng.random(n) < 0.3)
    amount = rng.integers(1, 30, n) * 500.0
    frame = pd.DataFrame(
        {
            "loan_id": [f"k{i}" for i in range(n)],
            "issue_date": issue,
            "amount": amount,
            "term": rng.choice([36, 60], n),
            "purpose": pd.Categorical(rng.choice(PURPOSES, n)),
            "income": rng.lognormal(10, 1, n),
            "inquiries": rng.integers(0, 5, n),
            "grade": pd.Categorical(rng.choice(list("ABC"), n), list("ABC"), ordered=True),
            "policy_exception": rng.random(n) < 0.2,
            "status": pd.Categorical(status),
            "days_past_due": rng.integers(0, 200, n),
            "balance": rng.random(n) * amount,
            "total_paid": rng.random(n) * amount,
            "principal_paid": np.where(never, 0.0, rng.random(n) * amount),
            "late_fees": rng.integers(0, 2, n) * 15.0,
            "recoveries": rng.random(n) * 100,
            "last_payment_date": last.mask(never),
            "bad": status == "charged off",
        }
    )
    if closed:
        ended = np.isin(status, ("paid", "charged off", "default"))
        frame["closed_date"] = pd.Series(last + pd.to_timedelta(rng.integers(0, 200, n), unit="D")).where(ended)
    return frame


def later_changed(rng, frame, day, lag):
    """The same tape after another future: whatever is dated after `day` is drawn again."""
    n, other = len(frame), loans(rng, len(frame), "closed_date" in frame)
    frame = frame.copy()
    for name in ("status", "purpose", "grade"):
        frame[name] = frame[name].astype(object)
        other[name] = other[name].astype(object)
    known = (end_dates(frame, lag) <= day).to_numpy()
    issued = (frame["issue_date"] <= day).to_numpy()
    # loans that were running: another end, later than the day, or none
    running = issued & ~known
    months = lag if isinstance(lag, int) else CHARGE_OFF_LAG
    since_day = day + pd.to_timedelta(rng.integers(1, 400, n), unit="D")
    for name in ("status", "days_past_due", "late_fees", "principal_paid", "bad"):
        frame.loc[running, name] = other.loc[running, name]
    frame.loc[running, "last_payment_date"] = pd.Series(since_day)[running]
    quiet = running & frame["status"].isin(["charged off", "default"]).to_numpy() & (rng.random(n) < 0.5)
    if "closed_date" in frame:
        frame["closed_date"] = frame["closed_date"].mask(running, pd.Series(since_day))
    elif months:
        # stopped paying before the day, and nobody knew: the charge-off came after it
        frame.loc[quiet, "last_payment_date"] = day - pd.to_timedelta(rng.integers(0, 27), unit="D")
    # what no date ties to a day changes for every loan
    for name in ("balance", "total_paid", "recoveries", "policy_exception"):
        frame[name] = other[name]
    # loans issued later: others, in another number and order, with purposes and grades not seen before
    fresh = loans(rng, int(rng.integers(0, 20)), "closed_date" in frame)
    fresh["issue_date"] = day + pd.to_timedelta(rng.integers(1, 500, len(fresh)), unit="D")
    for name, value in (("purpose", "yacht"), ("grade", "Z"), ("status", "late 1-30")):
        fresh[name] = fresh[name].astype(object)
        fresh.loc[fresh.index[:2], name] = value
    fresh["inquiries"] = fresh["inquiries"].astype(float)
    fresh.loc[fresh.index[:1], ["inquiries", "income"]] = np.nan
    parts = [frame[issued]] if not len(fresh) else [frame[issued], fresh]
    mixed = pd.concat(parts, ignore_index=True)
    order = np.argsort(np.concatenate([np.sort(rng.random(int(issued.sum()))), rng.random(len(fresh))]), kind="stable")
    mixed = mixed.iloc[order].reset_index(drop=True)
    for name in ("status", "purpose", "grade"):
        levels = sorted(mixed[name].dropna().unique())
        mixed[name] = pd.Categorical(mixed[name], levels, ordered=name == "grade")
    return mixed


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    days=st.integers(30, 1100),
    lag=st.sampled_from([None, 0, 3, 5]),
    closed=st.booleans(),
)
def test_nothing_after_the_day_can_change_what_was_known_on_it(seed, days, lag, closed):
    rng = np.random.default_rng(seed)
    day = START + pd.Timedelta(days=days)
    frame = loans(rng, 60, closed)
    facts = {"title": "made up", "record_date": "2020-01-01"}
    tape = LoanTape(frame, {**facts, "rows_read": 60, "sha256": "a"}, [], [{"column": "x", "what": "y", "rows": 60}])
    if not (frame["issue_date"] <= day).any():
        with pytest.raises(DataError, match="no loan had been issued"):
            tape.as_of(day, lag)
        return
    changed = later_changed(rng, frame, day, lag)
    other = LoanTape(changed, {**facts, "rows_read": len(changed), "sha256": "b"}, [], [])
    one, two = tape.as_of(day, lag), other.as_of(day, lag)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.provenance == two.provenance
    assert (one.notes, one.set_aside, one.unused) == (two.notes, two.set_aside, two.unused)


@pytest.mark.parametrize("leak", ["recoveries go on after the end", "no lag before a loss is known"])
def test_the_property_notices_a_leak(monkeypatch, leak):
    rng, day = np.random.default_rng(3), START + pd.Timedelta(days=700)
    frame = loans(np.random.default_rng(0), 400, False)
    changed = later_changed(rng, frame, day, None)
    module = importlib.import_module("p2prisk.tape.wind_back")
    if leak.startswith("recoveries"):
        monkeypatch.setattr(module, "FINAL", (*module.FINAL, "recoveries"))
    else:
        monkeypatch.setattr(module, "CHARGE_OFF_LAG", 0)
    one, two = (LoanTape(f, {"record_date": "2020-01-01"}).as_of(day).frame for f in (frame, changed))
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(one, two)


def small(**columns):
    base = {
        "issue_date": pd.to_datetime(["2010-01-01"] * 4),
        "amount": 1000.0,
        "term": 36,
        "status": pd.Categorical(["charged off", "paid", "charged off", "current"]),
        "last_payment_date": pd.to_datetime(["2010-09-01", "2010-09-01", None, "2010-12-01"]),
        "principal_paid": [200.0, 1000.0, 0.0, 300.0],
        "late_fees": 0.0,
        "recoveries": 5.0,
    }
    return LoanTape(pd.DataFrame({**base, **columns}), {"record_date": "2011-12-31"})


def test_an_end_is_known_when_its_lag_has_passed():
    wound = small().as_of("2010-12-31")
    assert wound.frame["status"].tolist() == ["open", "paid", "charged off", "open"]
    assert wound.frame["bad"].tolist() == [pd.NA, False, True, pd.NA]
    assert wound.frame["principal_paid"].tolist()[1:3] == [1000.0, 0.0]
    assert np.isnan(wound.frame["principal_paid"].to_numpy()[[0, 3]]).all()
    assert wound.frame["closed_date"].dt.strftime("%Y-%m").tolist()[1:3] == ["2010-09", "2010-06"]
    assert small().as_of("2010-12-31", lag=0).frame["status"].tolist()[0] == "charged off"
    assert small().as_of("2011-01-31", lag={"charged off": 5}).frame["status"].tolist()[0] == "open"
    assert small().as_of("2011-02-28").frame["status"].tolist()[0] == "charged off"


def test_dropped_columns_are_named_and_the_whole_file_is_known_on_its_record_date():
    wound = small().as_of("2010-12-31")
    assert "recoveries" not in wound.frame and "cannot be wound back" in wound.unused["recoveries"]
    assert wound.notes == [{"column": "status", "what": "open on 2010-12-31: no end was on file", "rows": 2}]
    assert wound.provenance["record_date"] == "2010-12-31"
    whole = small().as_of("2011-12-31")
    assert whole.frame["status"].tolist() == small().frame["status"].tolist() and "recoveries" in whole.frame


def test_ends_that_no_date_tells_are_set_aside_and_counted():
    tape = small(principal_paid=[200.0, 1000.0, 50.0, 300.0])
    assert as_of(tape, "2010-12-31").set_aside == [{"reason": "ended, but no date says when", "rows": 1}]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: LoanTape(t.frame.drop(columns="issue_date")), "no issue date"),
        (lambda t: LoanTape(t.frame.assign(n=3)), "table of counts"),
        (
            lambda t: LoanTape(
                t.frame.assign(closed_date=pd.to_datetime(["2011-01-01", "2012-01-01", "2011-01-01", None]))
            ),
            "years only",
        ),
    ],
)
def test_what_cannot_be_wound_back_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        change(small()).as_of("2010-12-31")


@pytest.mark.parametrize("day", ["not a day", 20101231, None])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(DataError, match="as_of needs a day such as 2010-12-31, not"):
        small().as_of(day)


def test_wrong_lag_is_refused():
    with pytest.raises(DataError, match="a loan ends as"):
        small().as_of("2010-12-31", lag={"late": 1})
    with pytest.raises(DataError, match="whole months"):
        small().as_of("2010-12-31", lag=-1)


def test_spells_of_a_wound_back_tape():
    found = spells(small().as_of("2010-12-31"))
    assert found.frame["exit"].tolist() == [11, 8, 5, 11]
    assert found.frame["ending"].tolist() == ["open", "repaid", "default", "open"]
    quarters = spells(small().as_of("2010-12-31"), unit="quarter", ends="early").frame
    assert quarters["exit"].tolist() == [3, 3, 2, 3] and quarters["ending"].tolist()[1] == "early"
    late = spells(small().as_of("2010-12-31"), since="2010-07-01")
    assert late.frame["entry"].tolist() == [6, 6, 6] and "observation began" in late.notes[0]


def test_an_end_counts_only_when_its_period_is_over():
    tape = LoanTape(
        pd.DataFrame(
            {
                "issue_date": pd.to_datetime(["2010-01-20", "2010-01-20"]),
                "status": pd.Categorical(["paid", "current"]),
                "last_payment_date": pd.to_datetime(["2010-04-25", "2010-04-25"]),
            }
        ),
        {"record_date": "2010-04-30"},
    )
    found = spells(tape)
    assert found.frame["exit"].tolist() == [3, 3] and found.frame["ending"].tolist() == ["open", "open"]
    assert "after the last whole period" in found.notes[0]


@pytest.mark.skipif(not LENDING_CLUB.exists(), reason="needs ../shared/data/lendingclub_2007_2011.csv.gz")
def test_the_real_file_knew_a_sixth_of_its_losses():
    tape = read_tape(LENDING_CLUB, format="lendingclub")
    wound = tape.as_of("2010-12-31")
    final = tape.frame[tape.frame["issue_date"] <= "2010-12-31"]
    assert len(wound) == len(final) and wound.frame["grade"].tolist() == final["grade"].tolist()
    known = wound.frame["status"] == "charged off"
    assert known.sum() == 956 and (final["status"] == "charged off").sum() == 3134
    assert (known & (wound.frame["term"] == 60)).sum() == 5
    # cutting the file itself gives the same tape
    kept = tape.frame.iloc[: len(tape.frame)][(tape.frame["issue_date"] <= "2010-12-31").to_numpy()]
    again = LoanTape(kept.reset_index(drop=True), tape.provenance, [], [], tape.unused).as_of("2010-12-31")
    pd.testing.assert_frame_equal(wound.frame, again.frame)


def test_a_simulated_platform_remembers_what_was_known():
    """The snapshot that the platform itself took in a month, against its last tape wound back to that month."""
    platform = simulate_platform(loans=1500, months=24, seed=3)
    for month in ("2015-09", "2016-06"):
        taken = platform.loans_at(month)
        wound = platform.tape.as_of(pd.Period(month, "M").end_time, lag=0).frame
        assert wound["loan_id"].tolist() == taken["loan_id"].tolist()
        ended = taken["status"].isin(["paid", "default"]).to_numpy()
        assert 0 < ended.sum() < len(ended)
        assert wound["status"].tolist() == np.where(ended, taken["status"], "open").tolist()
        same = wound["last_payment_date"].to_numpy()[ended] == taken["last_payment_date"].to_numpy()[ended]
        assert same.all() and wound["last_payment_date"][~ended].isna().all()
