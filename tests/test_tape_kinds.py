"""Seventeen kinds of fault that other people's files have shown, each tried on files of that kind.

``T1`` one event · ``T2`` one score · ``T3`` decimal marks · ``T4`` separation · ``T5`` rows that are no loans · ``T6``
codes for missing · ``T7`` exposure · ``T8`` grades as numbers · ``T9`` rows lost · ``T10`` dates and panels · ``T11``
the strongest trait · ``T12`` parallel lines · ``T13`` drafts · ``T14`` ways out · ``T15`` sentences · ``T16`` looks ·
``T17`` reference and lists. :data:`ELSEWHERE` names the tests of other modules; those here carry their kind.
"""

import ast
import contextlib
import io
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.standard import fit_standard
from p2prisk.tape import study_sample
from p2prisk.tape.draft import draft_mapping

TESTS = Path(__file__).parent
CASES = TESTS.parents[1] / "shared" / "cases"
HERE = "test_tape_kinds"
COLUMNS = ("loan_id", "issue_date", "amount", "term", "income", "dti", "home", "status")
SOURCES = dict(zip(COLUMNS, ("id", "issued", "amount", "term", "income", "dti", "home", "status"), strict=True))
N = 240


def loans(n=N, seed=1):
    """Loans of three years that have all ended, as a lender's export has them."""
    rng = np.random.default_rng(seed)
    dti = rng.uniform(2, 35, n).round(2)
    return pd.DataFrame(
        {
            "id": [f"L{i:04d}" for i in range(n)],
            "issued": [f"{2015 + i % 3}-{1 + i % 12:02d}-15" for i in range(n)],
            "amount": rng.integers(20, 400, n) * 50,
            "term": 12,
            "income": np.exp(rng.normal(10.6, 0.5, n)).round().astype(int),
            "dti": dti,
            "home": rng.choice(["rent", "own", "mortgage"], n),
            "status": np.where(rng.random(n) < 1 / (1 + np.exp(2.2 - 0.06 * dti)), "charged off", "paid"),
        }
    )


LOANS = loans()
BAD = (LOANS["status"] == "charged off").to_numpy()
DAYS = pd.to_datetime(LOANS["issued"])


def rules(more=None, **top):
    columns = {name: {"from": source} for name, source in SOURCES.items()} | (more or {})
    columns = {name: rule for name, rule in columns.items() if rule is not None}
    return {"format": "t", "currency": "EUR", "record_date": "2020-01-31", **top, "columns": columns}


def grouped(mark, end=""):
    return LOANS.assign(amount=[f"{x:,}".replace(",", mark) + end for x in LOANS["amount"]])


def lines(*more, at=None):
    own = LOANS.to_csv(index=False).splitlines()
    place = len(own) if at is None else at
    return "\n".join([*own[:place], *more, *own[place:]]) + "\n"


def issued(cells):
    return LOANS.assign(issued=list(cells))


SUM, INCOME, DTI = LOANS["amount"].sum(), LOANS["income"].sum(), LOANS["dti"].mean().round(2)

# ---------------------------------------------------------------- files that hold the same loans, written otherwise

#: kind, name, content, mark between cells, change of the mapping
SAME = [
    ("T3", "dashes for cents", grouped("'", ".-"), ";", {}),
    ("T3", "dashes for cents, comma", grouped(".", ",-"), ";", {}),
    ("T3", "long dashes for cents", grouped("'", ".--"), ";", {}),
    ("T3", "thin blanks between thousands", grouped("\u2009"), ";", {}),
    ("T3", "points between thousands, stated", grouped("."), ";", {"amount": {"from": "amount", "decimal": ","}}),
    ("T3", "a point that ends the number", grouped("", "."), ",", {}),
    ("T3", "the code of the currency first", LOANS.assign(amount=[f"EUR {x:,}" for x in LOANS["amount"]]), ",", {}),
    *(
        ("T14", f"a year as {text}", LOANS.assign(term=text), ",", {})
        for text in ("12-month", "12m", "12 mths.", "1y", "P1Y", "P12M", "0 years 12 months", "1 Jahr")
    ),
    *(
        ("T3", f"a ratio with {unit.strip()}", LOANS.assign(dti=[f"{x:.2f}{unit}" for x in LOANS["dti"]]), ",", {})
        for unit in (" percent", " % p.a.", " Prozent", " pct.")
    ),
    ("T3", "basis points", LOANS.assign(dti=[f"{100 * x:.0f} bps" for x in LOANS["dti"]]), ",", {}),
    ("T3", "ten thousands", LOANS.assign(amount=[f"{x / 10_000:.4f}万元" for x in LOANS["amount"]]), ",", {}),
    ("T3", "numbers kept as text", LOANS.assign(amount=[f'="{x}"' for x in LOANS["amount"]]), ",", {}),
    ("T3", "numbers behind an apostrophe", LOANS.assign(amount=[f"'{x}" for x in LOANS["amount"]]), ",", {}),
    ("T5", "a note of two cells at the end", lines("Note:,the rates are nominal,,,,,,", ",,,,,,,"), ",", {}),
    ("T5", "a total above the loans", lines(f",,{SUM},,{INCOME},,,Total", at=1), ",", {}),
    (
        "T10",
        "two patterns of which one reads all",
        issued(DAYS.dt.strftime("%m/%d/%Y")),
        ",",
        {"issue_date": {"from": "issued", "date": ["%d/%m/%Y", "%m/%d/%Y"]}},
    ),
    ("T5", "a total of every number", lines(f"Total,,{SUM},12,{INCOME},{DTI},,"), ",", {}),
    ("T5", "a total with the number of loans", lines(f"TOTAL,,{SUM},2880,{INCOME},{DTI},,240"), ",", {}),
    ("T5", "an average of every number", lines(f"Average,,10575,12,45161,{DTI},,"), ",", {}),
    ("T5", "sums without a word", lines(f",,{SUM},,{INCOME},,,"), ",", {}),
    ("T5", "sums of a part without a word", lines(f",,{SUM // 2},,{INCOME // 2},,,"), ",", {}),
    *(
        ("T5", f"summed in other words: {word}", lines(f"{word},,{SUM // 2},,,,,"), ",", {})
        for word in ("Totale", "Totaal", "Razem", "Toplam", "Celkem", "合計", "합계", "總計", "Σ", "Median", "Media")
    ),
    ("T5", "totals of years among the loans", lines("2015 Total,,99,,,,,", at=40), ",", {}),
    ("T5", "the header again", lines("id,issued,amount,term,income,dti,home,status", at=99), ",", {}),
    ("T5", "units below the header", lines("-,date,EUR,months,EUR p.a.,%,-,-", at=1), ",", {}),
    ("T5", "descriptions below the header", lines("Key,Day,Money lent,Length,Pay,Debt,Flat,State", at=1), ",", {}),
    ("T5", "types below the header", lines("varchar,date,int,int,int,float,varchar,varchar", at=1), ",", {}),
    ("T9", "rows that end with a mark", "\n".join(f"{x}," for x in lines().splitlines()), ",", {}),
    ("T10", "seconds since 1970", issued((DAYS - pd.Timestamp(0)).dt.days * 86_400), ",", {}),
    ("T10", "milliseconds since 1970", issued((DAYS - pd.Timestamp(0)).dt.days * 86_400_000), ",", {}),
    ("T10", "times with a zone", issued(DAYS.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")), ",", {}),
    ("T10", "serial days with hours", issued((DAYS - pd.Timestamp("1899-12-30")).dt.days + 0.5), ",", {}),
    ("T10", "days as decimal numbers", issued(DAYS.dt.strftime("%Y%m%d.0")), ",", {}),
    *(
        ("T10", f"days as {fmt}", issued(DAYS.dt.strftime(fmt)), ";", {"issue_date": {"from": "issued", "date": [fmt]}})
        for fmt in ("%d%b%Y", "%y-%m-%d", "%d%m%Y", "%A, %B %d, %Y", "%m/%d/%Y %I:%M %p")
    ),
    ("T14", "carets between cells", LOANS, "^", {}),
    ("T14", "tildes between cells", LOANS, "~", {}),
    ("T14", "control characters between cells", LOANS, "\x01", {}),
    ("T14", "a column of row numbers", LOANS.to_csv(), ",", {}),
]


@pytest.mark.parametrize("kind, name, content, sep, more", SAME, ids=[f"{row[0]}: {row[1]}" for row in SAME])
def test_the_same_loans_written_otherwise(put, kind, name, content, sep, more):
    tape = read_tape(put(content, sep=sep), rules(more))
    frame = tape.frame.reset_index(drop=True)
    for column in ("amount", "term", "income", "dti"):
        np.testing.assert_allclose(frame[column].to_numpy(dtype=float), LOANS[column].to_numpy(dtype=float))
    assert frame["home"].astype(str).tolist() == LOANS["home"].tolist()
    assert (frame["issue_date"].dt.normalize() == DAYS).all()
    assert (frame["bad"].to_numpy(dtype=bool) == BAD).all() and tape.kind == "resolved"
    assert tape.provenance["rows_read"] == N + sum(entry["rows"] for entry in tape.set_aside)


# ---------------------------------------------------------------- files that are refused, with a word that helps

REFUSED = [
    (
        "T3",
        "money with three decimals",
        grouped(".").assign(amount=lambda f: "€" + f["amount"]),
        "2.85 if .* and 2,850 if .* decimal: ",
    ),
    ("T3", "thousands written as k", LOANS.assign(amount=[f"{x / 1000}k" for x in LOANS["amount"]]), "cannot be read"),
    ("T3", "amounts of two currencies", LOANS.assign(amount=["€ 5", "$ 6"] * (N // 2)), "one currency"),
    ("T6", "a word in a number", LOANS.assign(dti=["n.d.", *LOANS["dti"][1:]]), r"row 1: .*under 'missing'"),
    ("T9", "a cell too many", lines("L9,2015-01-15,1,000,12,1,1,own,paid"), "line 242: 9 fields"),
    ("T9", "a cell too few", lines("L9,2015-01-15,1000"), "line 242: 3 fields"),
    ("T10", "quarters", issued(DAYS.dt.to_period("Q").astype(str)), "2019-01-31 in the export"),
    ("T10", "dates of a Buddhist calendar", issued([f"{d.year + 543}-{d:%m-%d}" for d in DAYS]), "in the future"),
    (
        "T10",
        "zeros for a date",
        issued(["0000-00-00", *LOANS["issued"][1:]]),
        r"name it under 'missing' if it stands for none: missing: \[\"0000-00-00\"\]",
    ),
    ("T10", "years of a Buddhist calendar as the file writes them", issued([f"29/02/{2543 + 16}"] * N), "543 ahead"),
    (
        "T10",
        "month first",
        issued(pd.date_range("2015-01-01", periods=N, freq="4D").strftime("%m/%d/%Y")),
        r'date: \["%m/%d/%Y"\] reads them all',
    ),
    ("T10", "years and months of two digits", issued(DAYS.dt.strftime("%y%m")), r'date: \["%y%m"\] reads them all'),
    (
        "T8",
        "grades in words",
        LOANS.assign(grade=np.array(["good", "fair"])[np.arange(N) % 2]),
        "which of fair, good is better",
    ),
    ("T14", "names in capitals", lines().replace("id,issued", "ID,ISSUED", 1).upper(), "letter by letter"),
    ("T14", "the same name twice", lines().replace("income", "amount", 1), "there 2 times"),
]


@pytest.mark.parametrize("kind, name, content, says", REFUSED, ids=[f"{row[0]}: {row[1]}" for row in REFUSED])
def test_what_cannot_be_read_is_refused_with_the_reason(put, kind, name, content, says):
    more = {"grade": {"from": "grade"}} if "grade" in content else {}
    with pytest.raises(DataError, match=says):
        read_tape(put(content, sep=";" if name.startswith("money") else ","), rules(more))


# ---------------------------------------------------------------- files that are read and asked about


def held(column, value, every=10):
    values = LOANS[column].astype(object)
    values[::every] = value
    return LOANS.assign(**{column: values})


def two_scales(every):
    rate = np.random.default_rng(0).uniform(5, 25, N).round(2)
    return LOANS.assign(rate=np.where(np.arange(N) % every == 0, rate / 100, rate).round(4))


def code(column, value):
    return {column: {"from": SOURCES[column], "missing": [str(value)]}}


RATE = {"rate": {"from": "rate"}}
UPSIDE_DOWN = {"bad": {"from": "flag"}, "status": None}
GRADED = LOANS.assign(grade=np.digitize(-LOANS["dti"], [-24, -13]) + 1)
#: kind, name, content, mapping, column and words of the finding, mapping that answers it (None: the file is to change)
ASKED = [
    *(
        (
            "T6",
            f"{value} in {column}",
            held(column, value),
            {},
            column,
            rf"(?:hold|with) {value}\b",
            code(column, value),
        )
        for column, value in [
            *(("dti", value) for value in (99.99, 999.9, 9999.99, 77, 8888, 61.5)),
            *(("income", value) for value in (99999, 9999999, 99999999, 1000000000)),
            *(("term", 999), ("dti", 0), ("income", 0)),
        ]
    ),
    ("T6", "one cell far beyond all", held("dti", 999, N), {}, "dti", "1 row holds 999", code("dti", 999)),
    ("T6", "a number of a hundred digits", held("dti", "1e99"), {}, "dti", r"hold 1e\+99", code("dti", "1e+99")),
    (
        "T3",
        "a few incomes in thousands",
        held("income", 45.2, 40),
        {},
        "income",
        "two scales: 6 rows with 45.2 to 45.2",
        None,
    ),
    (
        "T14",
        "a few terms in years",
        LOANS.assign(term=np.where(np.arange(N) % 40 == 0, 1, np.where(np.arange(N) % 2, 24, 36))),
        {},
        "term",
        "years among months",
        {"term": {"from": "term", "unit": "months"}},
    ),
    (
        "T9",
        "keys in capitals and not",
        LOANS.assign(id=["l0001", *LOANS["id"][1:]]),
        {},
        "loan_id",
        r"capitals, blanks or leading zeros \(rows 1, 2\)",
        None,
    ),
    (
        "T10",
        "days before and behind the month",
        issued(["12/31/2015", "31/12/2015", "1/2/2015"] * (N // 3)),
        {"issue_date": {"from": "issued", "date": ["%d/%m/%Y", "%m/%d/%Y"]}},
        "issue_date",
        "two of the patterns read as different days",
        None,
    ),
    (
        "T1",
        "an outcome with blanks",
        LOANS.assign(flag=[None, *BAD.astype(int)[1:]]).drop(columns="status"),
        UPSIDE_DOWN,
        "bad",
        r"no outcome \(row 1\)",
        None,
    ),
    (
        "T1",
        "an outcome without a bad loan",
        LOANS.assign(flag=0).drop(columns="status"),
        UPSIDE_DOWN,
        "bad",
        "no loan is bad",
        None,
    ),
    (
        "T1",
        "a mark of the good loans in words",
        LOANS.assign(flag=np.where(BAD, "N", "Y")).drop(columns="status"),
        UPSIDE_DOWN,
        "bad",
        "does the column mark the good ones",
        {"bad": {"from": "flag", "recode": {"Y": False, "N": True}}, "status": None},
    ),
    ("T6", "less than none", held("dti", -7), {}, "dti", "negative, which cannot be", code("dti", -7)),
    ("T3", "two scales in half of the rows", two_scales(2), RATE, "rate", "two scales: 120 rows with fractions", None),
    ("T3", "two scales in a few rows", two_scales(40), RATE, "rate", "two scales: 6 rows with fractions", None),
    (
        "T3",
        "a year's income that is a month's",
        LOANS.assign(income=(LOANS["income"] / 12).round()),
        {},
        "income",
        "income per month",
        {"income": {"from": "income", "unit": "per month"}},
    ),
    (
        "T14",
        "terms in days",
        LOANS.assign(term=365),
        {},
        "term",
        "days where months are meant",
        {"term": {"from": "term", "unit": "days as months"}},
    ),
    (
        "T14",
        "terms in weeks",
        LOANS.assign(term=52),
        {},
        "term",
        "weeks where months are meant",
        {"term": {"from": "term", "unit": "weeks as months"}},
    ),
    (
        "T10",
        "a day that stands for none",
        held("issued", "1900-01-01"),
        {},
        "issue_date",
        "often stands for none: 1900-01-01",
        {"issue_date": {"from": "issued", "missing": ["1900-01-01"]}},
    ),
    ("T10", "one year for all dates", LOANS.assign(issued=2018), {}, "issue_date", "years only", None),
    (
        "T8",
        "grades of numbers",
        GRADED,
        {"grade": {"from": "grade"}},
        "grade",
        "losses show that 3 is the best",
        {"grade": {"from": "grade", "order": ["3", "2", "1"]}},
    ),
    (
        "T8",
        "numbers behind a letter",
        GRADED.assign(grade=lambda f: "R" + f["grade"].astype(str)),
        {"grade": {"from": "grade"}},
        "grade",
        "losses show that R3 is the best",
        {"grade": {"from": "grade", "order": ["R3", "R2", "R1"]}},
    ),
    (
        "T8",
        "letters upside down",
        GRADED.assign(grade=lambda f: f["grade"].map({1: "A", 2: "B", 3: "C"})),
        {"grade": {"from": "grade"}},
        "grade",
        "say the opposite of the order",
        {"grade": {"from": "grade", "order": ["C", "B", "A"]}},
    ),
    (
        "T1",
        "a mark of the good loans",
        LOANS.assign(flag=(~BAD).astype(int)).drop(columns="status"),
        UPSIDE_DOWN,
        "bad",
        "does the column mark the good ones",
        {"bad": {"from": "flag", "recode": {"0": True, "1": False}}, "status": None},
    ),
]


def asked(path, mapping, column, says, regex=True):
    """What a check of the file asks of a column."""
    said = read_tape(path, mapping).quality().findings
    return said[(said["column"] == column) & said["what"].str.contains(says, regex=regex)]


@pytest.mark.parametrize(
    "kind, name, content, more, column, says, answer", ASKED, ids=[f"{r[0]}: {r[1]}" for r in ASKED]
)
def test_what_is_doubtful_is_asked_and_the_answer_clears_it(put, kind, name, content, more, column, says, answer):
    path = put(content)
    hit = asked(path, rules(more), column, says)
    assert len(hit) == 1 and hit["level"].iloc[0] in ("warning", "error") and hit["remedy"].iloc[0]
    if answer is not None:
        assert not len(asked(path, rules(more | answer), column, says))


def test_the_recode_that_turns_an_outcome_names_the_words_of_the_file(put):
    tape = read_tape(put(LOANS.assign(flag=np.where(BAD, "N", "Y")).drop(columns="status")), rules(UPSIDE_DOWN))
    remedy = tape.quality().findings.set_index("column").loc["bad", "remedy"]
    assert remedy.startswith('recode: {"N": true, "Y": false}') or remedy.startswith('recode: {"Y": false, "N": true}')


def test_a_handful_of_late_dates_does_not_become_the_day_of_the_records(put):
    late = issued([*LOANS["issued"][:-3], *["2024-02-03"] * 3])
    with pytest.raises(DataError, match="from 3 rows .* alone"):
        read_tape(put(late), rules(record_date=None))
    assert read_tape(put(late), rules(record_date="2024-03-01")).provenance["record_date"] == "2024-03-01"


def test_a_column_that_another_rule_reads_is_not_proposed(put):
    """An applicants' file has no status: that it has an amount is no help."""
    with pytest.raises(DataError, match="no column 'loan_status'") as said:
        read_tape(
            put(LOANS.rename(columns={"amount": "loan_amt"}).drop(columns="status")),
            rules({"amount": {"from": "loan_amt"}, "status": {"from": "loan_status", "required": True}}),
        )
    assert "did you mean 'loan_amt'" not in str(said.value)


def test_years_alone_are_not_the_first_of_january(put):
    tape = read_tape(put(LOANS.assign(issued=2018)), rules(record_date="2019-06-30"))
    assert not tape.frame["mature"].any() and tape.provenance["year_only"] == ["issue_date"]
    assert read_tape(put(LOANS.assign(issued="2018-01-01")), rules(record_date="2019-06-30")).frame["mature"].all()


def test_a_number_that_is_common_among_others_is_no_code(put):
    income = LOANS["income"].where(LOANS.index % 4 != 0, 60_000)
    said = read_tape(put(LOANS.assign(income=income)), rules()).quality().findings
    assert not said["what"].str.contains("stand for missing").any()


def test_a_key_that_sounds_like_a_total_is_a_key(put):
    frame = LOANS.assign(id=[f"Max-{i:04d}" for i in range(N)], issued=["", *LOANS["issued"][1:]])
    assert len(read_tape(put(frame), rules()).frame) == N


# ---------------------------------------------------------------- panels


@pytest.mark.parametrize(
    "name, fmt", [("yyyymm", "%Y%m"), ("Monat", "%m/%Y"), ("月份", "%Y年%m月"), ("as at", "%d/%m/%Y")]
)
def test_month_ends_under_any_name_and_in_any_form(put, name, fmt):
    months = pd.to_datetime(["2019-10-31", "2019-11-30", "2019-12-31"])
    parts = [LOANS.assign(**{name: m.strftime(fmt)}, status="current") for m in months[:-1]]
    tape = read_tape(
        put(pd.concat([*parts, LOANS.assign(**{name: months[-1].strftime(fmt)})])), rules(record_date=None)
    )
    assert len(tape) == N and tape.provenance["record_date"] == "2019-12-31"
    assert tape.frame["bad"].sum() == BAD.sum() and tape.set_aside[0]["rows"] == 2 * N


def test_a_day_of_rows_that_two_patterns_read_is_refused_and_the_way_out_works(put):
    both = pd.concat([LOANS.assign(as_of="01/02/2019"), LOANS.assign(as_of="02/01/2019")])
    with pytest.raises(DataError, match="both read it; write it as 2019-01-31"):
        read_tape(put(both), rules(record_date=None))
    again = both.assign(as_of=both["as_of"].map({"01/02/2019": "2019-01-02", "02/01/2019": "2019-02-01"}))
    assert len(read_tape(put(again), rules(record_date=None))) == N


# ---------------------------------------------------------------- drafts


@pytest.mark.parametrize("name", ["label", "target", "bad_good", "class", "creditability", "outcome"])
def test_which_of_two_numbers_is_bad_is_asked_unless_the_name_says_it(name):
    text, _ = draft_mapping(LOANS.assign(**{name: (~BAD).astype(int)}).drop(columns="status"), "t")
    assert re.search(rf'bad: {{from: "?{name}"?, recode: {{"0": "\?", "1": "\?"}}}}', text)


@pytest.mark.parametrize("name", ["default", "charged_off_flag", "not.fully.paid", "是否违约", "ausfall"])
def test_a_name_that_says_bad_is_believed(name):
    text, _ = draft_mapping(LOANS.assign(**{name: BAD.astype(int)}).drop(columns="status"), "t")
    assert "taken as 1 = bad" in text


def test_the_unit_of_few_values_is_asked():
    frame = pd.DataFrame({"loan_amnt": [5000], "revol_util": [0.8]})
    assert 'unit: "?"' in draft_mapping(frame, "t")[0]


@pytest.mark.parametrize(
    "paid, lost", [("Saldato", "Sofferenza"), ("完済", "延滞"), ("A", "B"), ("Pass", "Substandard"), ("Matured", "NPA")]
)
def test_states_in_words_that_nobody_told_us_are_asked(put, tmp_path, paid, lost):
    frame = LOANS.assign(status=np.where(BAD, lost, paid))
    text, _ = draft_mapping(frame, "t")
    (tmp_path / "m.yml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="what is"):
        read_tape(put(frame), tmp_path / "m.yml")
    text = text.replace(f'{lost}: "?"', f"{lost}: charged off").replace(f'{paid}: "?"', f"{paid}: paid")
    (tmp_path / "m.yml").write_text(re.sub(r'"(\w)": "\?"', r"\1: paid", text), encoding="utf-8")
    tape = read_tape(put(frame), tmp_path / "m.yml")
    assert tape.frame["bad"].sum() == BAD.sum()


# ---------------------------------------------------------------- tiny tapes and outcomes of one class


@pytest.mark.parametrize("rows", [1, 2, 5, 12])
@pytest.mark.parametrize("status", ["paid", "charged off", "current", None])
def test_tiny_tapes_and_one_outcome_end_in_words(put, tmp_path, capsys, rows, status):
    frame = LOANS.head(rows) if status is None else LOANS.head(rows).assign(status=status)
    path = put(frame)
    (tmp_path / "m.yml").write_text(
        "record_date: 2020-01-31\ncolumns:\n" + "".join(f"  {n}: {{from: {s}}}\n" for n, s in SOURCES.items())
    )
    assert main(["check", str(path), "--map", str(tmp_path / "m.yml")]) in (0, 1)
    assert f"{rows} read, {rows} kept" in capsys.readouterr().out
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(["fit", str(path), "--map", str(tmp_path / "m.yml"), "--output", str(tmp_path / "m.json")])
    if code == 0:
        assert status is None
    else:
        assert "p2prisk: " in said.getvalue() and not (tmp_path / "m.json").exists()


# ---------------------------------------------------------------- the shared files, against pandas


def shared(name, own=None):
    if not CASES.is_dir():
        pytest.skip("../shared/cases is not here; files of the same kind are tried above")
    mapping = CASES / f"{own or name}.yml"
    path = next(CASES.glob(f"{name}*.csv"), None) or next(CASES.glob(f"{name}*.xlsx"))
    return path, mapping if mapping.exists() else CASES / "base.yml"


def lost(raw):
    return int((raw["status"] == "charged off").sum())


def test_case_01_decimal_commas():
    path, own = shared("01-decimal-comma")
    raw = pd.read_csv(path, sep=";", decimal=",", thousands=".")
    frame = read_tape(path, own).frame
    for name in ("amount", "income", "dti"):
        np.testing.assert_allclose(frame[name].to_numpy(dtype=float), raw[name])
    assert frame["bad"].sum() == lost(raw)


def test_case_02a_a_blank_status():
    path, own = shared("02a-blank-status")
    raw, tape = pd.read_csv(path), read_tape(path, own)
    sample, _ = study_sample(tape)
    assert tape.kind == "resolved" and len(sample) == raw["status"].notna().sum() == 599
    assert sample.frame["bad"].sum() == lost(raw)


def test_case_03_a_code_for_every_column():
    path, own = shared("03-special-999")
    raw, frame = pd.read_csv(path), read_tape(path, own).frame
    assert frame["dti"].isna().sum() == (raw["dti"] == 999).sum() == 60
    assert frame["dti"].mean() == pytest.approx(raw["dti"].replace(999, np.nan).mean())


def test_case_04_separation_is_merged_and_said(tmp_path, capsys):
    path, own = shared("04-separation")
    assert main(["fit", str(path), "--map", str(own), "--output", str(tmp_path / "m.json")]) == 0
    raw = pd.read_csv(path)
    few = raw[raw["home"] == "other"]
    assert (few["status"] == "paid").all()
    assert f"the level other ({len(few)} loans" in capsys.readouterr().out


def test_case_07_a_live_book_has_one_event():
    path, own = shared("07-live-book")
    raw = pd.read_csv(path)
    sample, _ = study_sample(read_tape(path, own))
    event = sample.provenance["event"]
    assert event["kind"] == "stage" and event["horizon"] == 12 and event["record_date"] == "2018-06-30"
    assert sample.frame["bad"].sum() == lost(raw) and len(sample) == len(raw)


def test_case_08_a_file_cut_inside_quotes(capsys):
    path, _ = shared("08-cut-in-quotes")
    assert main(["check", str(path), "--format", "canonical"]) == 2
    assert "read it with --on-error missing to set it aside" in capsys.readouterr().err
    main(["check", str(path), "--format", "canonical", "--on-error", "missing"])
    whole = path.read_text().count('"paid"')
    assert f"{whole + 1} read, {whole} kept, 1 set aside" in capsys.readouterr().out


@pytest.mark.parametrize("name, skip", [("09-title-row", 2), ("38-title-merged", 2)])
def test_cases_09_and_38_titles(name, skip):
    path, own = shared(name)
    raw = pd.read_excel(path, skiprows=skip) if path.suffix == ".xlsx" else pd.read_csv(path, skiprows=skip)
    frame = read_tape(path, own).frame
    assert len(frame) == len(raw) and frame["amount"].sum() == raw["amount"].sum()
    assert frame["bad"].sum() == lost(raw)


def test_case_12_a_date_that_is_not_yet():
    path, own = shared("12-typo-date")
    raw = pd.read_csv(path)
    row = int(np.flatnonzero(raw["issued"] > "2030")[0]) + 1
    with pytest.raises(DataError, match=f"row {row}: '2068-05-15'"):
        read_tape(path, own)


def test_case_13_seven_is_the_best():
    path, own = shared("13-grade-7-best")
    share = pd.read_csv(path).assign(bad=lambda f: f["status"] == "charged off").groupby("rating")["bad"].mean()
    assert share[7] < share[1]
    tape = read_tape(path, own)
    said = tape.quality().findings.set_index("column").loc["grade"]
    assert said["level"] == "warning" and "losses show that 7 is the best" in said["what"]
    assert study_sample(tape)[0].frame["grade"].cat.categories.tolist() == list("7654321")


def test_case_16_the_mapped_outcome_wins():
    path, own = shared("16-bad-and-status")
    raw, tape = pd.read_csv(path), read_tape(path, own)
    assert tape.frame["bad"].sum() == raw["default12m"].sum() != lost(raw)
    differ = int(((raw["status"] == "charged off") != raw["default12m"].astype(bool)).sum())
    assert tape.quality().findings.set_index("column").loc["bad", "rows"] == differ


def test_case_33_a_score_depends_on_the_applicant(tmp_path, capsys):
    """The old model is refused with a way out, the way out works, and one applicant has one score in any company."""
    alone, pair = shared("33a-one-applicant")[0], shared("33b-two-applicants")[0]
    own = CASES / "33-utilisation.yml"
    old = ["score", str(alone), "--map", str(own), "--model", str(CASES / "33-model.json")]
    assert main([*old, "--output", str(tmp_path / "x.csv")]) == 2
    assert "p2prisk fit TAPE --output FILE" in capsys.readouterr().err
    rng = np.random.default_rng(0)
    applicants = pd.read_csv(pair)
    train = applicants.iloc[rng.integers(0, 2, 800)].reset_index(drop=True)
    train["annual_inc"], train["loan_amnt"] = rng.integers(15, 150, 800) * 1000, rng.integers(10, 300, 800) * 100
    train["revol_util"], train["zip_code"] = rng.uniform(0, 100, 800).round(1), "x"
    train["loan_status"] = np.where(rng.random(800) < 0.1 + train["revol_util"] / 300, "Charged Off", "Fully Paid")
    train.to_csv(tmp_path / "train.csv", index=False)
    model = tmp_path / "m.json"
    with contextlib.redirect_stderr(io.StringIO()):
        assert main(["fit", str(tmp_path / "train.csv"), "--map", str(own), "--output", str(model), "--anyway"]) == 0
        for path in (alone, pair):
            target = tmp_path / f"{path.stem}.out.csv"
            assert main(["score", str(path), "--model", str(model), "--output", str(target)]) == 0
    first, both = (pd.read_csv(tmp_path / f"{path.stem}.out.csv", dtype=str) for path in (alone, pair))
    pd.testing.assert_series_equal(first.iloc[0], both.iloc[0])


def test_case_39_lines_quoted_whole_are_accounted_for(capsys):
    path, own = shared("39-lines-quoted-whole")
    quoted = sum(line.startswith('"') for line in path.read_text().splitlines())
    with pytest.raises(DataError, match=f"{quoted} of 600 lines"):
        read_tape(path, own)
    main(["check", str(path), "--map", str(own), "--on-error", "missing"])
    assert f"600 read, {600 - quoted} kept, {quoted} set aside" in capsys.readouterr().out


def test_case_40_yes_and_no_are_words():
    path, own = shared("40-yes-no-order")
    raw, grade = pd.read_csv(path), read_tape(path, own).frame["grade"]
    assert grade.cat.categories.tolist() == ["Yes", "No"]
    assert (grade.astype(str) == raw["grade"]).all()


def test_case_42_one_negative_is_the_fault_of_a_row():
    path, own = shared("42-one-negative")
    raw, tape = pd.read_csv(path), read_tape(path, own)
    assert tape.frame["revolving_balance"].isna().sum() == (raw["revolving"] < 0).sum() == 1
    model = fit_standard(study_sample(tape)[0])
    assert next(rule for rule in model.rules if rule["column"] == "revolving_balance")["log"]


@pytest.fixture(scope="module")
def studies():
    from p2prisk.report import TapeStudy

    made = {}

    def study(name):
        if name not in made:
            made[name] = TapeStudy(read_tape(*shared(name)))
        return made[name]

    return study


def test_case_05_every_trait_has_its_parallel_lines(studies):
    table = studies("05-brant").parallel_lines()
    assert {"amount", "income", "employment_status", "all together"} <= set(table["term"])


def test_case_06_recoveries_are_used(studies):
    study = studies("06-recoveries")
    assert not study.parts["loss given default"]


def test_case_43_predicted_and_observed_are_one_event(studies):
    judged, raw = studies("43-predicted-observed").judged, pd.read_csv(shared("43-predicted-observed")[0])
    late = raw["status"].isin(["late 31-120", "charged off", "default"])
    assert judged.bad / judged.loans == pytest.approx(late.mean(), abs=0.03)
    assert np.average(judged.pd, weights=judged.weights) == pytest.approx(judged.bad / judged.loans, abs=0.03)


def test_a_file_in_another_unit_is_scored_with_a_word(put, tmp_path, capsys):
    import yaml

    (tmp_path / "m.yml").write_text(yaml.safe_dump(rules()))
    own = ["--model", str(tmp_path / "m.json"), "--output", str(tmp_path / "s.csv")]
    assert main(["fit", str(put(LOANS)), "--map", str(tmp_path / "m.yml"), "--output", str(tmp_path / "m.json")]) == 0
    for cells, said in ((LOANS["dti"], False), (LOANS["dti"] / 100, True)):
        capsys.readouterr()
        assert main(["score", str(put(LOANS.assign(dti=cells))), *own]) == 0
        assert ("another unit" in capsys.readouterr().out) == said


# ---------------------------------------------------------------- the count

#: kind -> tests of other modules
ELSEWHERE = {
    "T1": ["test_report_sentences::test_predicted_observed_and_counted_are_one_event"],
    "T2": ["test_score::test_alone_in_pairs_and_in_the_whole_to_the_last_digit"],
    "T3": [
        "test_tape_any_lender::test_marks_are_decided_by_the_whole_column",
        "test_tape_any_lender::test_an_ambiguous_column_is_refused_with_both_readings_and_the_way_out",
    ],
    "T4": ["test_report_sentences::test_a_rare_level_that_separates_stops_nothing"],
    "T5": ["test_tape_any_lender::test_a_stray_status_does_not_change_the_kind_of_a_book"],
    "T6": ["test_tape_any_lender::test_missing_codes_hold_for_every_column_and_are_counted"],
    "T7": ["test_event::test_the_model_recovers_the_share_at_the_horizon"],
    "T8": ["test_event::test_number_grades_are_turned_round_where_the_losses_say_so"],
    "T9": ["test_tape_any_lender::test_check_fit_and_score_account_for_every_row"],
    "T10": ["test_tape_any_lender::test_of_stacked_month_ends_the_latest_is_kept"],
    "T11": ["test_report_sentences::test_a_large_uncertain_effect_is_not_the_strongest"],
    "T12": ["test_report_sentences::test_parallel_lines_name_every_trait_and_the_largest_by_size"],
    "T13": ["test_draft::test_headers_of_public_files_are_placed_and_none_wrongly"],
    "T14": ["test_tape_any_lender::test_another_sheet_is_named_in_the_message_and_can_be_read"],
    "T15": ["test_report_sentences::test_yes_only_where_a_section_follows"],
    "T16": ["test_report::test_the_whole_edition_renders"],
    "T17": ["test_report_sentences::test_every_column_is_accounted_for"],
}


@lru_cache
def functions_of(module):
    tree = ast.parse((TESTS / f"{module}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_kind_is_tried_and_forty_files_are_our_own():
    assert list(ELSEWHERE) == [f"T{i}" for i in range(1, 18)]
    for name in sum(ELSEWHERE.values(), []):
        module, function = name.split("::")
        assert function in functions_of(module), name
    names = [row[1] for row in (*SAME, *REFUSED, *ASKED)]
    assert len(set(names)) == len(names) >= 40


# ---------------------------------------------------------------- remedies

#: option or key that a message names as a way out -> the test that goes that way
REMEDIES = {
    "--encoding": "test_tape_any_lender::test_an_encoding_that_little_text_cannot_tell_is_refused_and_can_be_named",
    "--sheet": "test_tape_any_lender::test_another_sheet_is_named_in_the_message_and_can_be_read",
    "--header-row": "test_tape_any_lender::test_a_file_without_a_header_is_refused_and_a_header_row_can_be_named",
    "--delimiter": f"{HERE}::test_a_mark_between_cells_can_be_named",
    "--record-date": "test_tape_any_lender::test_a_lone_latest_date_does_not_become_the_day_of_the_records",
    "--on-error": f"{HERE}::test_case_08_a_file_cut_inside_quotes",
    "--anyway": f"{HERE}::test_case_33_a_score_depends_on_the_applicant",
    "on_error=": "test_tape_any_lender::test_a_file_cut_inside_quotes_can_be_read_as_the_message_says",
    "decimal:": "test_tape_any_lender::test_an_ambiguous_column_is_refused_with_both_readings_and_the_way_out",
    "missing:": f"{HERE}::test_what_is_doubtful_is_asked_and_the_answer_clears_it",
    "order:": f"{HERE}::test_what_is_doubtful_is_asked_and_the_answer_clears_it",
    "recode:": f"{HERE}::test_what_is_doubtful_is_asked_and_the_answer_clears_it",
    "unit:": f"{HERE}::test_every_unit_that_a_message_names_reads_so",
    "date:": "test_tape_any_lender::test_the_pattern_that_a_message_proposes_reads_the_dates",
    "currency:": f"{HERE}::test_the_currency_of_the_cells_can_be_stated",
    "record_date_from": "test_tape_any_lender::test_month_ends_under_another_name_are_an_error_whose_way_out_works",
    "p2prisk map": "test_draft::test_open_questions_are_answered_one_by_one",
    "p2prisk check": "test_draft::test_open_questions_are_answered_one_by_one",
    "p2prisk fit": f"{HERE}::test_case_33_a_score_depends_on_the_applicant",
    "p2prisk columns": f"{HERE}::test_the_list_of_columns_that_a_message_names",
    "--own": "test_fit_options::test_the_remedies_work",
    "--predictors": "test_fit_options::test_the_remedies_work",
    "--known-at-issue": "test_fit_options::test_the_remedies_work",
}
#: named in messages, but no way out of a tape that cannot be read: other commands, or what a command itself writes
NO_WAY_OUT = {
    "--scheduler",
    "--key",
    "--query",
    "--known",
    "--rows",
    "--output",
    "--format",
    "p2prisk keys",
    "p2prisk score",
    "p2prisk report",
}


@lru_cache
def messages():
    """Texts of the modules that read a tape, without their docstrings."""
    import p2prisk.tape

    found = []
    for path in [*Path(p2prisk.tape.__file__).parent.glob("*.py"), Path(p2prisk.tape.__file__).parents[1] / "saved.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        kinds = ast.Module | ast.FunctionDef | ast.ClassDef
        first = [node.body[0] for node in ast.walk(tree) if isinstance(node, kinds) and node.body]
        docs = {id(node.value) for node in first if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                found.append(node.value)
    return found


def test_every_remedy_that_a_message_names_is_run_by_a_test():
    keys = "decimal|missing|unit|order|recode|date|currency"
    verbs = "map|check|fit|keys|score|report|columns"
    form = rf"--[a-z][a-z-]+|on_error=|(?<![\w/])(?:{keys}):|record_date_from|p2prisk (?:{verbs})"
    named = {token for text in messages() for token in re.findall(form, text)}
    assert named - set(NO_WAY_OUT) <= set(REMEDIES), named - set(NO_WAY_OUT) - set(REMEDIES)
    assert set(REMEDIES) - named <= {
        "--on-error",
        "--anyway",
        "p2prisk fit",
        "p2prisk check",
    }  # said by the command line
    for token, name in REMEDIES.items():
        module, function = name.split("::")
        assert function in functions_of(module), token


def test_a_mark_between_cells_can_be_named(put):
    path = put(LOANS.to_csv(index=False, sep="!"))
    with pytest.raises(DataError, match="--delimiter"):
        read_tape(path, rules())
    assert len(read_tape(path, rules(), delimiter="!")) == N


def test_the_currency_of_the_cells_can_be_stated(put):
    path = put(LOANS.assign(amount=[f"USD {x}" for x in LOANS["amount"]]))
    with pytest.raises(DataError, match="the cells say USD, the mapping says currency: EUR"):
        read_tape(path, rules())
    assert read_tape(path, rules(currency="USD")).frame["amount"].sum() == SUM


def test_the_list_of_columns_that_a_message_names(put, capsys):
    path = put(LOANS)
    with pytest.raises(DataError, match="'p2prisk columns' lists them"):
        read_tape(path, rules({"zinssatz": {"from": "dti"}}))
    assert main(["columns"]) == 0 and "utilisation" in capsys.readouterr().out


def cell(column, value, row=3):
    return LOANS.assign(**{column: [value if place == row else old for place, old in enumerate(LOANS[column])]})


def rule(column, **keys):
    return {column: {"from": SOURCES[column], **keys}}


QUOTED = lines().replace("L0003", '"L0003', 1).replace("L0009", 'L0009"', 1)
SPREAD = lines("L9,2015-01-15,1000,12,30000,12.5,own, with a garden,paid")
#: what is wrong, file, mapping, what is said, and the file and the mapping that do as it says
WAYS_OUT = [
    ("a name twice", lines().replace("income", "amount", 1), {}, "rename one", LOANS, {}),
    (
        "per cent signs in some cells",
        cell("dti", "12.5%"),
        {},
        "write all cells alike",
        LOANS.assign(dti=[f"{x}%" for x in LOANS["dti"]]),
        {},
    ),
    ("two marks in a column", cell("dti", "12,51"), {}, "correct the cells, or split", cell("dti", "12.51"), {}),
    ("a formula", cell("home", "=A1"), {}, "remove it, or read with on_error", cell("home", "rent"), {}),
    (
        "a level nobody knows",
        cell("home", "castle"),
        {},
        "Add 'recode'",
        cell("home", "castle"),
        rule("home", recode={"castle": "own"}),
    ),
    (
        "a word that is no flag",
        LOANS.assign(owner="maybe"),
        {"homeowner": {"from": "owner"}},
        "add 'recode'",
        LOANS.assign(owner="maybe"),
        {"homeowner": {"from": "owner", "recode": {"maybe": None}}},
    ),
    (
        "truth values for numbers",
        LOANS.assign(dti=True),
        {},
        "are no numbers: add 'recode'",
        LOANS.assign(dti=True),
        rule("dti", recode={"True": 10}),
    ),
    (
        "an infinite number",
        cell("dti", "inf"),
        {},
        "name the text under 'missing'",
        cell("dti", "inf"),
        rule("dti", missing=["inf"]),
    ),
    ("a mark in an open cell", SPREAD, {}, "must be quoted", SPREAD.replace("own, with a garden", "own"), {}),
    ("a quotation mark that swallows lines", QUOTED, {}, "remove the mark; if", QUOTED.replace('"', ""), {}),
    ("a mapping without from", LOANS, {"age": {"unit": "years"}}, "say 'from'", LOANS, {}),
    ("a rule that is no set of keys", LOANS, {"age": "age"}, "write for instance", LOANS, {}),
    (
        "a unit nobody knows",
        LOANS,
        rule("dti", unit="permille"),
        "known: per cent",
        LOANS,
        rule("dti", unit="per cent"),
    ),
    (
        "a way of writing nobody knows",
        LOANS,
        rule("home", text="caps"),
        "write text: words",
        LOANS,
        rule("home", text="words"),
    ),
    (
        "a share of three",
        LOANS,
        {"dti": {"share_of": ["income", "amount", "term"]}},
        "write share_of",
        LOANS,
        {"dti": {"share_of": ["amount", "income"]}},
    ),
    (
        "years before what is not read",
        LOANS.assign(born="1980-01-01"),
        {"age": {"from": "born", "years_before": "closed_date"}},
        "map it, or remove the key",
        LOANS.assign(born="1980-01-01"),
        {"age": {"from": "born", "years_before": "issue_date"}},
    ),
    ("a key nobody knows", LOANS, rule("dti", units="per cent"), "unknown key units; known: ", LOANS, rule("dti")),
    (
        "a switch that is a word",
        LOANS,
        rule("dti", required="yes"),
        "write required: true",
        LOANS,
        rule("dti", required=True),
    ),
    (
        "a name that the file lacks",
        LOANS,
        {"age": {"from": "years", "required": True}},
        "Name the right column",
        LOANS,
        {},
    ),
    (
        "a day of rows that are none",
        LOANS.assign(seen="soon"),
        {"record_date": None, "record_date_from": ["seen"]},
        "or give record_date in the mapping",
        LOANS.assign(seen="soon"),
        {},
    ),
    ("a record date that is none", LOANS, {"record_date": "in May"}, "write it as 2024-12-31", LOANS, {}),
    (
        "a record date to come",
        LOANS,
        {"record_date": "2199-01-01"},
        "give the day on which the file was drawn",
        LOANS,
        {},
    ),
]


def _split(more):
    top = {key: value for key, value in more.items() if key.startswith("record_date")}
    return {key: value for key, value in more.items() if key not in top}, top


@pytest.mark.parametrize("name, content, more, says, again, answer", WAYS_OUT, ids=[row[0] for row in WAYS_OUT])
def test_the_way_out_that_a_message_names_is_one(put, name, content, more, says, again, answer):
    columns, top = _split(more)
    with pytest.raises(DataError, match=re.escape(says)):
        read_tape(put(content), rules(columns, **top))
    columns, top = _split(answer)
    wanted = N + 1 if name == "a mark in an open cell" else N
    assert len(read_tape(put(again), rules(columns, **top))) == wanted


def test_containers_that_hold_no_single_table_can_be_opened_as_said(put, tmp_path):
    """A folder, several files in one archive, and what is said of each."""
    import zipfile

    path = put(LOANS)
    with pytest.raises(DataError, match="is a folder; give the file"):
        read_tape(tmp_path, rules())
    both = tmp_path / "both.zip"
    with zipfile.ZipFile(both, "w") as archive:
        archive.write(path, "a.csv")
        archive.write(path, "b.csv")
    with pytest.raises(DataError, match="unpack it and give one"):
        read_tape(both, rules())
    with zipfile.ZipFile(both) as archive:
        archive.extract("a.csv", tmp_path)
    assert len(read_tape(tmp_path / "a.csv", rules())) == N


def test_a_column_without_a_name_is_read_once_it_has_one(tmp_path):
    from openpyxl import load_workbook

    path = tmp_path / "loans.xlsx"
    LOANS.to_excel(path, index=False)
    book = load_workbook(path)
    book.active.cell(3, len(LOANS.columns) + 1, 7)
    book.save(path)
    said = read_tape(path, rules()).quality().findings
    assert said["remedy"].str.contains("a name in the header").sum() == 1
    book.active.cell(1, len(LOANS.columns) + 1, "more")
    book.save(path)
    tape = read_tape(path, rules())
    assert "more" in tape.unused and not tape.quality().findings["remedy"].str.contains("a name in the header").any()


#: a verb at the head of a remedy
HEAD = re.compile(
    r"(?:^|[;:,.] |\bor )(?:rename|write|correct|remove|repair|split|unpack|give|name|say|map|spread|paste|leave|"
    r"multiply|add|close)\b (?!(?:no|a note|nor)\b)",
    re.IGNORECASE,
)
#: words of remedies that tests of this module or of others run
RUN = (
    "rename one|write all (?:cells|rows) alike|correct the cells?|put it in quotation marks|"
    "must be quoted|remove the mark|say 'from'|no database URL; give one|write the column into the files|"
    "for instance|known: |write text|write share_of|: write |write it|remove the key|map it|[Nn]ame the right column|"
    "remove it, or|"
    "recode|give the day|record_date|'missing'|under missing|unpack it|give the file|--|on_error|decimal|the pattern|"
    "2019-01-31|2024-12-31|correct the (?:mapping|export|rows)|unit: |split the file|'order'|'date'|write a mapping|"
    "in place of the|correct it there|number\\.NAME|give one character|give the number|give 1 or more|names of the "
    "columns above it|name one such as|name the (?:right )?encoding|which line holds|give it|"
    "a name in the header|give sqlite|^; write $"
)
#: what is done in the program that wrote the file, or by a person who knows the loans
OUTSIDE = (
    "export|save|copy it|write it again|fewer columns|over columns|leave (?:it|them|the rows) out|leave the column|"
    "give the (?:status|outcome)|write the value out|write them alike|paste the values|map (?:a full|one of|the column|"
    "them or)|multiply by 12|split it by|say in the export|unpack it and|say for each|name fewer|apart in the query|"
    "say which rows with|"
    "may not be closed there|say its kind and name|in smaller pieces"
)


def test_every_remedy_in_words_is_run_or_is_done_elsewhere():
    left = {text for text in messages() if HEAD.search(text) and not re.search(f"{RUN}|{OUTSIDE}", text)}
    assert not left, left
    for words in (RUN, OUTSIDE):
        stale = [
            word
            for word in words.split("|")
            if "(" not in word and ")" not in word and not any(re.search(word, text) for text in messages())
        ]
        assert not stale, stale


UNITS = {
    "fraction": ("dti", LOANS["dti"] / 100, 1),
    "thousand": ("income", LOANS["income"] / 1000, 1),
    "per month": ("income", LOANS["income"] / 12, 1),
    "per year": ("income", LOANS["income"], 1),
    "days as months": ("term", 365.25, 1),
    "weeks as months": ("term", 365.25 / 7, 1),
    "years as months": ("term", 1, 1),
    "months": ("term", 12, 1),
    "months as years": ("employment_years", 36, 3),
    "years": ("employment_years", 30, 30),
    "per cent": ("dti", LOANS["dti"], 1),
}


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_that_a_message_names_reads_so(put, unit):
    name, cells, truth = UNITS[unit]
    source = SOURCES.get(name, name)
    tape = read_tape(put(LOANS.assign(**{source: cells})), rules({name: {"from": source, "unit": unit}}))
    wanted = LOANS[source] if source in LOANS else truth
    np.testing.assert_allclose(tape.frame[name].to_numpy(dtype=float), wanted, rtol=1e-6)
    doubts = tape.quality().findings
    assert not doubts[(doubts["column"] == name) & (doubts["what"].str.contains(r"\?|looks like"))].shape[0]


def test_units_named_in_messages_are_those_tried():
    text = " ".join(messages())
    named = set(
        re.findall(r"unit: ((?:per|fraction|thousand|days|weeks|years|months)[a-z ]*?)(?= in the| if | says|,|$)", text)
    )
    assert named and {name.strip() for name in named} <= set(UNITS), named
