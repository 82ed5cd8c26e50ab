"""What a file can hold without any cell that cannot be read: cells moved by a column, days rounded away, days that
say nothing, months among years. Each is refused or asked about, with the rows.
"""

import numpy as np
import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.errors import DataError
from p2prisk.hazard import spells
from p2prisk.tape import iter_tape
from p2prisk.tape.dates import rounded_dates
from p2prisk.tape.quality import _few_months, _heap
from p2prisk.tape.tally import Tally
from test_tape_kinds import DAYS, LOANS, N, asked, issued, rules


@pytest.fixture
def put(tmp_path):
    def write(content, name="loans.csv"):
        content = content.to_csv(index=False) if isinstance(content, pd.DataFrame) else content
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return write


# ---------------------------------------------------------------- cells moved by a column

#: the key, the status and then numbers only: nothing behind the amount cannot be read as what it is taken for
NUMBERS = LOANS[["id", "issued", "status", "amount", "income", "dti", "term", "home"]].assign(
    score=np.arange(N) % 200 + 600, closed=""
)
NUMBERS["co_income"] = np.where(np.arange(N) % 4 == 0, "", LOANS["income"])
NUMBERS = NUMBERS[["id", "issued", "status", "home", "amount", "co_income", "income", "dti", "term", "score", "closed"]]
NUMBERS["closed"] = np.where(np.arange(N) % 3 == 0, "", LOANS["issued"])


def moved(row, line):
    """The loans with one line in place of a row."""
    lines = NUMBERS.to_csv(index=False).splitlines()
    lines[row + 1] = line
    return "\n".join(lines) + "\n"


MOVED = {
    "a trailing cell too many": "L7,2015-08-15,paid,own,12,000,52000,45000,8.25,12,640,",
    "an empty cell left out": "L7,2015-08-15,paid,own,12,000,45000,8.25,12,640,2015-08-15",
    "an empty cell left out, the other kept": "L7,2015-08-15,paid,own,12,000,,8.25,12,640,",
    "the last cell left out": "L7,2015-08-15,paid,own,12,500,,45000,8.25,12,640",
    "a decimal comma, a trailing cell too many": "L7,2015-08-15,paid,own,12000,52000,45000,8,25,12,640,",
}


@pytest.mark.parametrize("name", MOVED)
def test_a_row_moved_by_a_mark_inside_a_cell_is_refused_or_set_aside(put, name):
    path = put(moved(7, MOVED[name]))
    with pytest.raises(
        DataError, match=r"loans.csv, line 9: as it stands \d of its cells look unlike .*must be quoted"
    ):
        read_tape(path, rules())
    tape = read_tape(path, rules(), on_error="missing")
    (aside,) = tape.set_aside
    assert (aside["lines"], aside["rows"], aside["fault"]) == ([9], 1, True) and len(tape) == N - 1
    assert tape.provenance["rows_read"] == N and "L7" not in tape.frame["loan_id"].tolist()
    pieces = list(iter_tape(path, rules(), rows=50, on_error="missing"))
    assert sum(len(piece) for piece in pieces) == N - 1
    assert sum(piece.provenance["rows_read"] for piece in pieces) == N
    assert sum(entry["rows"] for piece in pieces for entry in piece.set_aside) == 1


def test_the_remedy_for_a_moved_row_works(put):
    line = 'L7,2015-08-15,paid,own,"12,000",,45000,8.25,12,640,2015-08-15'
    tape = read_tape(put(moved(7, line)), rules())
    assert len(tape) == N and tape.frame["amount"].iloc[7] == 12000


@pytest.mark.parametrize(
    "line",
    [
        "L7,2015-08-15,paid,own,500,640,45000,8.25,12,640,2015-08-15",  # a small loan
        "L7,2015-08-15,paid,own,500,,45000,8.25,12,640,",
        "L7,2015-08-15,paid,own,12,1000,45000,8.25,12,640,",
        "L7,2015-08-15,paid,own,12000,52000,45000,8.25,12,640,,",  # empty cells at the end, and nothing moved
        "L7,2015-08-15,paid,own,12000,0,0,0,12,640,",
    ],
)
def test_a_row_that_is_odd_and_not_moved_is_read(put, line):
    assert len(read_tape(put(moved(7, line)), rules())) == N


def test_small_loans_before_small_numbers_are_read(put):
    """A fifth of the loans are below 1,000, and the cell behind them has three digits at most."""
    amount = np.where(np.arange(N) % 5 == 0, 500 + np.arange(N), LOANS["amount"] + 1000)
    book = NUMBERS.assign(amount=amount, co_income=np.arange(N) % 900 + 100)
    assert read_tape(put(book), rules()).frame["amount"].tolist() == amount.tolist()


# ---------------------------------------------------------------- days rounded away

SECONDS = (DAYS - pd.Timestamp(0)).dt.days * 86_400.0


@pytest.mark.parametrize("form, lost", [(".1E", "1,157 days"), (".2E", "115.7 days"), (".5E", "2.8 hours")])
@pytest.mark.parametrize("factor, unit", [(1, "seconds"), (1000, "thousandths of seconds")])
def test_seconds_as_a_spreadsheet_shows_them_are_refused(put, form, lost, factor, unit):
    path = put(issued([format(factor * second, form) for second in SECONDS]))
    says = f"As {unit} since 1970, these numbers were rounded to the nearest {lost}, .* the days are lost. Write"
    with pytest.raises(DataError, match=says):
        read_tape(path, rules())
    assert read_tape(path, rules(), on_error="missing").frame["issue_date"].isna().all()


def test_rounded_serial_days_and_counted_days_are_refused(put):
    serial = [f"{second / 86_400 + 25_569:.3E}" for second in SECONDS]
    with pytest.raises(DataError, match="serial days .* the nearest 10 days"):
        read_tape(put(issued(serial)), rules())
    with pytest.raises(DataError, match="days since 1899-12-30, .* the nearest 10 days"):
        read_tape(put(issued(serial)), rules({"issue_date": {"from": "issued", "days_since": "1899-12-30"}}))


def test_rounded_seconds_as_text_are_refused_with_the_reason(put, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(list(LOANS.columns))
    for row in issued([f"{second:.1E}" for second in SECONDS]).itertuples(index=False):
        book.active.append(list(row))
    book.save(tmp_path / "loans.xlsx")
    with pytest.raises(DataError, match="the days are lost. Write the column as 2019-01-31"):
        read_tape(tmp_path / "loans.xlsx", rules())


@pytest.mark.parametrize("form", [".9E", ".0f"])
@pytest.mark.parametrize("factor", [1, 1000])
def test_seconds_that_were_not_rounded_are_read(put, form, factor):
    tape = read_tape(put(issued([format(factor * second, form) for second in SECONDS])), rules())
    assert (tape.frame["issue_date"] == DAYS).all()


def test_no_days_of_a_year_look_rounded():
    """Any twelve months of midnights, as seconds, thousandths, and serial days; and any single day of most."""
    days = pd.Series(pd.date_range("2009-01-01", "2024-12-01", freq="MS"))
    for place in range(0, len(days) - 12, 5):
        part = days[place : place + 12]
        since = (part - pd.Timestamp(0)).dt.days
        assert not any(rounded_dates(number) for number in (since * 86_400, since * 86_400_000, since + 25_569))
    alone = [(day - pd.Timestamp(0)).days * 86_400.0 for day in pd.date_range("2009-01-01", "2024-12-31", freq="11D")]
    assert np.mean([rounded_dates(pd.Series([second])) != "" for second in alone]) < 2e-3


# ---------------------------------------------------------------- days of the end that say nothing of it

TERM_END = DAYS + pd.DateOffset(months=12)
LOST = LOANS["status"] == "charged off"
NO_END = {
    "the day of issue": (DAYS, "240 of 240 days are the day of issue"),
    "the day of issue, but for a few": (DAYS.where(np.arange(N) >= 10, TERM_END), "230 of 240 days are the day of iss"),
    "the last day of the contract": (TERM_END, f"{LOST.sum()} of {LOST.sum()} losses end on the last day of their con"),
}


@pytest.mark.parametrize("name", NO_END)
@pytest.mark.parametrize("column", ["closed_date", "last_payment_date"])
def test_days_that_say_nothing_of_the_end_are_said_and_not_used(put, name, column):
    days, says = NO_END[name]
    path = put(LOANS.assign(ended=days.dt.strftime("%Y-%m-%d")))
    tape = read_tape(path, rules({column: {"from": "ended"}}, record_date=None))
    assert column not in tape.frame and "no day of the end" in tape.unused["ended"]
    assert tape.provenance["record_date"] == f"{DAYS.max():%Y-%m-%d}"
    (hit,) = asked(path, rules({column: {"from": "ended"}}), column, says).to_dict("records")
    assert hit["level"] == "warning" and "no age, hazard or vintage by age" in hit["what"]
    with pytest.raises(DataError, match="neither closed_date nor last_payment_date"):
        spells(tape)


@pytest.mark.parametrize(
    "days",
    [
        DAYS + pd.to_timedelta(np.arange(N) % 300 + 20, unit="D"),
        TERM_END.where(~LOST, DAYS + pd.Timedelta(days=150)),  # all repaid at the term
        DAYS.where(np.arange(N) < 200, TERM_END),  # five in six on the day of issue
        DAYS.where(np.arange(N) < 19),  # nineteen days
    ],
)
def test_days_of_the_end_that_may_be_true_are_kept(put, days):
    tape = read_tape(put(LOANS.assign(ended=days.dt.strftime("%Y-%m-%d"))), rules({"closed_date": {"from": "ended"}}))
    assert (tape.frame["closed_date"].dropna() == days.dropna()).all() and "ended" not in tape.unused


# ---------------------------------------------------------------- incomes per month in a few rows

MANY = pd.concat([LOANS] * 16, ignore_index=True).assign(id=lambda f: [f"M{place:05d}" for place in range(len(f))])
PAY = np.exp(np.random.default_rng(4).normal(10.6, 0.4, len(MANY))).round()


@pytest.mark.parametrize("every", [25, 33, 40])
def test_a_few_incomes_per_month_are_told_with_their_number(put, every):
    monthly = np.arange(len(MANY)) % every == 7
    path = put(MANY.assign(income=np.where(monthly, (PAY / 12).round(), PAY)))
    said = read_tape(path, rules()).quality().findings
    (hit,) = said[(said["column"] == "income") & said["what"].str.contains("per month")].to_dict("records")
    assert 0.4 * monthly.sum() <= hit["rows"] <= 1.1 * monthly.sum() and f"{hit['rows']:,d} rows with" in hit["what"]
    assert "row" in hit["what"] and "write all rows alike" in hit["remedy"]
    assert read_tape(path, rules()).frame["income"].min() == (PAY[monthly] / 12).round().min()  # as it stands
    answered = rules({"income": {"from": "income", "unit": "per year"}})
    assert not read_tape(path, answered).quality().findings["what"].str.contains("per month").any()


@pytest.mark.parametrize("spread", [0.3, 0.5, 0.7, 1.0])
def test_incomes_of_one_kind_are_not_asked_about(spread):
    for seed in range(20):
        pay = np.exp(np.random.default_rng(seed).normal(10.6, spread, 2000)).round(-1 - seed % 2)
        assert _few_months(Tally(pd.Series(pay))) is None


def test_a_heap_too_small_for_the_greatest_variance_is_found():
    """The cut of largest variance misses it (:func:`p2prisk.tape.quality._heap`); the emptiest window does not."""
    pay = np.exp(np.random.default_rng(1).normal(10.5, 0.4, 4000))
    tally = Tally(pd.Series(np.where(np.arange(4000) % 50 == 7, pay / 12, pay).round()))
    few = _few_months(tally)
    assert _heap(tally, 12) is None and 30 <= few.rows <= 80 and few.values[-1] < 0.25 * tally.median()
