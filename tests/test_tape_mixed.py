"""Columns that hold two things: two units, two currencies, two ways of writing a day, a word among keys.

Further members of the kinds of ``test_tape_kinds``: each is read right, refused or asked about; what is plain is not.
"""

import ast
import io
import re
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2prisk import read_tape
from p2prisk.errors import DataError
from p2prisk.tape import iter_tape, privacy, quality
from p2prisk.tape.dates import swapped_by_spreadsheet
from p2prisk.tape.tally import Tally
from test_tape_kinds import BAD, DAYS, LOANS, N, asked, issued, lines, rules

EVERY = np.arange(N)
SPREAD = pd.Series(pd.date_range("2015-01-01", periods=N, freq="4D"))


@pytest.fixture
def put(tmp_path):
    def write(content, name="loans.csv"):
        content = content.to_csv(index=False) if isinstance(content, pd.DataFrame) else content
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def of(name, values):
    return LOANS.assign(**{name: values})


# ---------------------------------------------------------------- currencies


@pytest.mark.parametrize("name", ["ccy", "currency", "Loan_Currency", "devise"])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_column_of_two_currencies_is_refused_and_one_is_not(put, name, mapped):
    more = {"currency": {"from": name}} if mapped else {}
    both, one = of(name, np.where(EVERY % 3, "EUR", "USD")), of(name, np.where(EVERY % 3, "EUR", ""))
    with pytest.raises(DataError, match=r"amounts in EUR \(160 rows\) and USD \(80 rows\); a tape has one currency"):
        read_tape(put(both), rules(more))
    assert len(read_tape(put(both[both[name] == "EUR"]), rules(more))) == 160
    assert read_tape(put(one), rules(more)).frame["amount"].tolist() == LOANS["amount"].tolist()
    with pytest.raises(DataError, match="the cells say EUR, the mapping says currency: GBP; correct the mapping"):
        read_tape(put(one), rules(more, currency="GBP"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_applicants_in_another_currency_are_refused_piece_by_piece(put, tmp_path, kind):
    """As they are scored: no rule of a model names the column."""
    for code, says in (("EUR", None), ("USD", "the cells say USD, the mapping says currency: EUR")):
        path = put(of("ccy", code))
        if kind == "parquet":
            of("ccy", code).to_parquet(path := tmp_path / "loans.parquet")
        if says is None:
            assert sum(len(piece) for piece in iter_tape(path, rules(), rows=100)) == N
            continue
        with pytest.raises(DataError, match=says):
            list(iter_tape(path, rules(), rows=100))


def test_a_column_that_is_called_currency_and_holds_none_is_no_matter(put):
    assert len(read_tape(put(of("currency", EVERY % 2)), rules())) == N


# ---------------------------------------------------------------- days


def turned(day):
    return f"{day.year}-{day.day:02d}-{day.month:02d}" if day.day <= 12 else f"{day:%d/%m/%Y}"


def test_days_that_a_spreadsheet_turned_are_an_error(put, tmp_path):
    """Of a file in which 05/01/2015 became the first of May and 13/01/2015 stayed as it was."""
    openpyxl = pytest.importorskip("openpyxl")
    rule = {"issue_date": {"from": "issued", "date": ["%Y-%m-%d", "%d/%m/%Y"]}}
    path = put(issued(map(turned, SPREAD)))
    assert (read_tape(path, rules(rule)).frame["issue_date"].reset_index(drop=True) != SPREAD).any()
    book = openpyxl.Workbook()
    book.active.append(list(LOANS.columns))
    for row, day in zip(LOANS.itertuples(index=False), SPREAD, strict=True):
        cell = pd.Timestamp(turned(day)).to_pydatetime() if day.day <= 12 else f"{day:%d/%m/%Y}"
        book.active.append([row[0], cell, *row[2:]])
    book.save(tmp_path / "loans.xlsx")
    for each in (path, tmp_path / "loans.xlsx"):
        hit = asked(each, rules(rule), "issue_date", "day and month for each other")
        assert hit["level"].tolist() == ["error"] and hit["remedy"].str.contains("2019-01-31").all()
    straight = put(issued(SPREAD.dt.strftime("%Y-%m-%d")))
    assert not len(asked(straight, rules(), "issue_date", "for each other"))


@pytest.mark.parametrize(
    "one, other",
    [(pd.date_range("2015-01-01", periods=40), pd.date_range("2016-01-01", periods=40)), (SPREAD, SPREAD[:0])],
)
def test_two_ways_of_writing_days_are_no_fault_of_themselves(one, other):
    assert not swapped_by_spreadsheet([pd.Series(one), pd.Series(other)])
    firsts = pd.Series(pd.date_range("2015-01-01", periods=24, freq="MS"))
    assert not swapped_by_spreadsheet([firsts, pd.Series(pd.date_range("2015-01-31", periods=24, freq="ME"))])


@pytest.mark.parametrize("form", ["{y}Q{q}", "Q{q} {y}", "{y}-Q{q}", "q{q}/{y}"])
def test_quarters_of_a_panel_are_their_last_day(put, form):
    parts = [
        LOANS.assign(quarter=form.format(y=2019, q=q), status=LOANS["status"] if q == 4 else "current")
        for q in (2, 3, 4)
    ]
    tape = read_tape(put(pd.concat(parts)), rules(record_date=None))
    assert len(tape) == N and tape.provenance["record_date"] == "2019-12-31"
    assert tape.frame["bad"].sum() == BAD.sum() and tape.set_aside[0]["rows"] == 2 * N


def test_loans_that_ended_after_the_record_date_are_an_error(put):
    """The end of a loan that runs may be the planned one."""
    ends = LOANS.assign(closed=np.where(EVERY % 4, "2018-12-31", "2020-06-30"))
    rule = {"closed_date": {"from": "closed"}}
    hit = asked(put(ends), rules(rule), "closed_date", "after the record date 2020-01-31")
    assert hit["level"].tolist() == ["error"] and hit["rows"].tolist() == [N / 4]
    assert not len(asked(put(ends), rules(rule, record_date="2020-06-30"), "closed_date", "after the record date"))
    running = ends.assign(status=np.where(EVERY % 4, ends["status"], "current"))
    assert not len(asked(put(running), rules(rule), "closed_date", "after the record date"))


def test_a_pattern_of_month_and_short_year_is_proposed_and_reads(put):
    path = put(issued(DAYS.dt.strftime("%m/%y")))
    with pytest.raises(DataError, match=r'date: \["%m/%y"\] reads them all'):
        read_tape(path, rules())
    tape = read_tape(path, rules({"issue_date": {"from": "issued", "date": "%m/%y"}}))
    assert (tape.frame["issue_date"] == DAYS.dt.to_period("M").dt.to_timestamp()).all()


# ---------------------------------------------------------------- units

YEAR = {"income": {"from": "income", "unit": "per year"}}
#: name, content, column, words, mapping that answers it (None: the file is to change)
ASKED = [
    (
        "half by the month",
        of("income", np.where(EVERY % 2, LOANS.income, LOANS.income // 12)),
        "income",
        "twelfth",
        YEAR,
    ),
    (
        "a tenth by the month",
        of("income", np.where(EVERY % 10, LOANS.income, LOANS.income // 12)),
        "income",
        "per month",
        YEAR,
    ),
    ("half in cents", of("amount", np.where(EVERY % 2, LOANS.amount, 100 * LOANS.amount)), "amount", "in cents", None),
    (
        "all in thousands",
        of("amount", LOANS.amount / 1000),
        "amount",
        "thousands?",
        {"amount": {"from": "amount", "unit": "thousand"}},
    ),
    (
        "days among months",
        of("term", np.where(EVERY % 2, 12, 365)),
        "term",
        "terms of 365 beside 12: days among months",
        None,
    ),
    (
        "days of round months",
        of("term", np.where(EVERY % 2, 360, 720)),
        "term",
        "smaller than a year's income: days",
        {"term": {"from": "term", "unit": "days as months"}},
    ),
    (
        "days, no income",
        of("term", 360).drop(columns="income"),
        "term",
        "though every loan has ended before: days",
        {"term": {"from": "term", "unit": "months"}},
    ),
]


@pytest.mark.parametrize("name, content, column, says, answer", ASKED, ids=[row[0] for row in ASKED])
def test_a_column_of_two_units_is_asked_about(put, name, content, column, says, answer):
    gone = {} if "income" in content else {"income": None}
    hit = asked(put(content), rules(gone), column, says, regex=False)
    assert len(hit) == 1 and hit["level"].iloc[0] == "warning" and hit["remedy"].iloc[0]
    if answer:
        assert not len(asked(put(content), rules(gone | answer), column, says, regex=False))


@pytest.mark.parametrize(
    "content",
    [
        LOANS,
        of("term", 360).assign(amount=LOANS.amount * 30, status="current"),
        of("term", np.where(EVERY % 2, 36, 60)),
    ],
    ids=["plain", "mortgages", "terms of months"],
)
def test_one_unit_is_not_asked_about(put, content):
    said = read_tape(put(content), rules()).quality().findings["what"]
    assert not said.str.contains("two heaps|days among months|days where months|thousands").any()


@pytest.mark.parametrize("draw", ["lognormal", "exponential", "uniform", "gamma"])
@pytest.mark.parametrize("factor", [12, 100])
def test_one_heap_of_any_usual_form_is_one(draw, factor):
    rng = np.random.default_rng(1)
    values = {
        "lognormal": np.exp(rng.normal(10, 1.2, 4000)),
        "exponential": rng.exponential(1e4, 4000),
        "uniform": rng.uniform(1, 1e5, 4000),
        "gamma": rng.gamma(0.5, 1e4, 4000),
    }[draw]
    assert quality._heap(Tally(pd.Series(values)), factor) is None
    split = np.exp(rng.normal(10, 0.5, 4000)) / np.where(rng.random(4000) < 0.3, factor, 1)
    low = quality._heap(Tally(pd.Series(split)), factor)
    assert 0.27 < low.rows / 4000 < 0.33


# ---------------------------------------------------------------- keys

STRONG = [re.compile(pattern.pattern) for pattern, _ in privacy._STRONG.values()]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            *(st.from_regex(pattern, fullmatch=True) for pattern in STRONG),
            st.from_regex(r"[A-Za-z]{1,3}[0-9 -]{1,14}", fullmatch=True),
        ),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_keys_that_need_a_look_are_all_looked_at(keys, persons):
    """The column is judged as each key is: what RE2 finds at once holds all that the patterns find."""
    values = pd.Series([*keys, *(f"LC-{place}" for place in range(40))], dtype="str")
    forms = privacy.key_forms(values)

    def odd(key):
        text = privacy.plain_text(key).replace("\n", " ")
        if privacy._strong_kind(text) or (persons and privacy._WORDED.search(text)):
            return True
        return bool(forms) and persons and len(text) >= 8 and len(text) > forms.get(privacy._form(text), -3) + 2

    found = privacy.odd_keys(values, forms, persons)
    assert found.tolist() == [odd(key) for key in values]


def test_keys_without_a_form_are_judged_at_once():
    """They took 17 to 50 millionths of a second each; now 3 at most."""
    rng = np.random.default_rng(0)
    letters = rng.choice(list("ABCDEFGHabcdefgh0123456789"), (60_000, 14))
    keys = pd.Series(["".join(row) for row in letters], dtype="str")
    begin = time.process_time()
    privacy.odd_keys(keys, {})
    assert time.process_time() - begin < 0.6


# ---------------------------------------------------------------- ends and scripts of a file


@pytest.mark.parametrize("end", [b"\x1a", b"\0" * 300])
def test_bytes_after_the_end_are_named_and_can_be_set_aside(put, end):
    path = put(lines().encode() + end)
    with pytest.raises(DataError, match="ends with .* no text.*on_error='missing'"):
        read_tape(path, rules())
    assert len(read_tape(path, rules(), on_error="missing")) == N


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32_is_named(put, encoding):
    path = put(lines().encode(encoding))
    with pytest.raises(DataError, match=r"UTF-32: export as UTF-8, or name it: --encoding utf-32"):
        read_tape(path, rules())
    assert len(read_tape(path, rules(), encoding=encoding)) == N


# ---------------------------------------------------------------- tables of fixed widths


def fixed(rows, widths):
    """Words to the left, numbers to the right."""
    pairs = [(str(cell), width) for row in rows for cell, width in zip(row, widths, strict=True)]
    made = [cell.ljust(abs(width)) if width < 0 else cell.rjust(width) for cell, width in pairs]
    return "\n".join("".join(made[k : k + len(widths)]).rstrip() for k in range(0, len(made), len(widths))) + "\n"


WIDTHS = (-7, -11, 9, 6, 9, 8, 1, -12, -14)
ROWS = [[*row[:6], "", *row[6:]] for row in [list(LOANS.columns), *LOANS.to_numpy().tolist()]]


@pytest.mark.parametrize("widths", [WIDTHS, tuple(-abs(width) - 2 for width in WIDTHS)], ids=["both", "left"])
def test_a_table_of_fixed_widths_is_named_and_the_way_out_reads_it(put, widths):
    text = fixed(ROWS, widths)
    with pytest.raises(DataError, match="is a table of fixed widths") as said:
        read_tape(put(text), rules())
    places = ast.literal_eval(re.search(r"colspecs=(\[.*?\])\)", str(said.value))[1])
    pd.read_fwf(io.StringIO(text), colspecs=places).to_csv(csv := io.StringIO(), index=False)
    frame = read_tape(put(csv.getvalue()), rules()).frame
    assert frame["amount"].tolist() == LOANS["amount"].tolist() and frame["dti"].tolist() == LOANS["dti"].tolist()
    assert (frame["bad"] == BAD).all() and (frame["issue_date"].reset_index(drop=True) == DAYS).all()


def test_fixed_widths_without_blanks_are_named_too(put):
    text = "".join(f"{k:06d}{20150000 + k:08d}{amount:09d}\n" for k, amount in enumerate(LOANS["amount"]))
    with pytest.raises(DataError, match="fixed widths.*in the description that came with it"):
        read_tape(put(text), rules())


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "^"])
def test_a_table_with_marks_is_none_of_fixed_widths(put, mark):
    rows = [[str(cell).ljust(12) for cell in row] for row in [list(LOANS.columns), *LOANS.to_numpy().tolist()]]
    path = put("\n".join(mark.join(row) for row in rows) + "\n")
    assert len(read_tape(path, rules())) == N
    one = read_tape(put("\n".join(["status", *LOANS["status"]])), {"columns": {"status": {"from": "status"}}})
    assert len(one) == N and len(read_tape(put(fixed(ROWS, WIDTHS).replace("charged off", "paid")), rules())) == N


# ---------------------------------------------------------------- inch marks

USE = {"purpose": {"from": "use"}}
#: what the cell is, and how careless programs write it
STRAY = {'24" tv, black': '"24" tv, black"', 'tv 24"': '"tv 24""', "5'10\" door, oak": '"5\'10" door, oak"'}


def with_use(cell, every, at, quoted=False):
    """The loans with a column `use` in the middle or at the end; every so many cells are `cell`."""
    made = []
    for place, line in enumerate(lines().splitlines()):
        parts = [f'"{part}"' for part in line.split(",")] if quoted else line.split(",")
        use = '"use"' if quoted and not place else "use" if not place else cell if place % every == 1 else '"car"'
        made.append(",".join([*parts[:at], use, *parts[at:]]))
    return "\n".join(made) + "\n"


@pytest.mark.parametrize("text", STRAY)
@pytest.mark.parametrize("every, at, quoted", [(N, 8, False), (7, 8, False), (7, 3, False), (7, 3, True), (N, 0, True)])
def test_inch_marks_are_read_where_each_line_is_a_row(put, text, every, at, quoted):
    tape = read_tape(put(with_use(STRAY[text], every, at, quoted)), rules(USE))
    frame = tape.frame
    wanted = [text if place % every == 0 else "car" for place in range(N)]
    assert frame["purpose"].astype(str).tolist() == wanted
    assert frame["amount"].tolist() == LOANS["amount"].tolist() and (frame["bad"] == BAD).all()
    pieces = list(iter_tape(put(with_use(STRAY[text], every, at, quoted)), rules(USE), rows=100))
    assert [use for piece in pieces for use in piece.frame["purpose"].astype(str)] == wanted
    said = tape.quality().findings
    assert said["what"].str.contains("inch marks").sum() == 1


@pytest.mark.parametrize(
    "cell, says",
    [
        ('"24 tv, black', "line 2: a quotation mark opens a cell"),  # where does it end?
        ('"24 tv', "line 2: a quotation mark opens a cell"),
        ('"24 tv, black", 5", oak', "line 2: 11 fields"),
        ("24 tv, black", "line 2: 10 fields"),
    ],
)
def test_what_may_be_parted_in_two_ways_is_refused(put, cell, says):
    with pytest.raises(DataError, match=says):
        read_tape(put(with_use(cell, 7, 3)), rules(USE))


@pytest.mark.parametrize("cell, text", [('"24 tv"', "24 tv"), ("24 tv", "24 tv"), ('"24"" tv"', '24" tv')])
def test_both_readings_of_a_mark_that_swallows_lines_have_a_remedy_that_works(put, cell, text):
    broken = with_use('"24 tv', 7, 3)
    with pytest.raises(
        DataError, match='begins the cell, close it .* or remove the mark; .* write it twice .*"24"" tv"'
    ):
        read_tape(put(broken), rules(USE))
    frame = read_tape(put(broken.replace('"24 tv', cell)), rules(USE)).frame
    assert frame["purpose"].astype(str)[::7].eq(text).all() and frame["amount"].tolist() == LOANS["amount"].tolist()


def test_a_file_that_is_cut_inside_a_cell_is_not_taken_for_one_with_stray_marks(put):
    text = with_use('"car"', 7, 8, quoted=True).rstrip("\n")
    with pytest.raises(DataError, match="ends inside quotation marks"):
        read_tape(put(text[:-2]), rules(USE))
