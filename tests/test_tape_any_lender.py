"""Any lender's file: read right, or refused with a clear word why not. Each file is a few made-up rows.

A message that names a way out is tried together with that way out.
"""

import contextlib
import io

import numpy as np
import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.tape import iter_tape

HEADER = "id,issued,amount,term,income,dti,home,status"
RULES = {
    "loan_id": {"from": "id"},
    "issue_date": {"from": "issued"},
    "amount": {"from": "amount"},
    "term": {"from": "term"},
    "income": {"from": "income"},
    "dti": {"from": "dti"},
    "home": {"from": "home"},
    "status": {"from": "status"},
}


def mapping(rules=None, **top):
    return {"format": "t", "currency": "EUR", "record_date": "2020-01-31", **top, "columns": {**RULES, **(rules or {})}}


def rows(n=60):
    return [
        [f"L{i:03d}", f"2015-{1 + i % 12:02d}-15", 2600 + 50 * i, 12, 54187 + i, round(10.42 + i / 10, 2)]
        + [("rent", "own", "mortgage")[i % 3], "charged off" if i % 5 == 3 else "paid"]
        for i in range(n)
    ]


def text(table, header=HEADER, mark=","):
    lines = [header.replace(",", mark), *(mark.join(str(cell) for cell in row) for row in table)]
    return "\n".join(lines) + "\n"


def column(put, cells, name="amount", top=None, others=None, **rule):
    """A tape whose column has these cells, read from a file divided by tabs."""
    table = pd.DataFrame({"id": [f"a{i}" for i in range(len(cells))], "x": cells, "months": 12})
    if others is not None:
        table["y"] = others
    path = put(table.to_csv(sep="\t", index=False))
    rules = {"loan_id": {"from": "id"}, name: {"from": "x", **rule}, "term": {"from": "months"}}
    if others is not None:
        rules["income"] = {"from": "y"}
    return read_tape(path, {"format": "t", **(top or {}), "columns": rules})


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "cells, right",
    [
        (["2.600,00", "12.200,50"], [2600, 12200.5]),
        (["2,600.00", "12,200.50"], [2600, 12200.5]),
        (["1.234.567", "12.345"], [1234567, 12345]),
        (["1,234,567", "12,345"], [1234567, 12345]),
        (["12,34,567", "1,00,000"], [1234567, 100000]),
        (["10,42", "15,470"], [10.42, 15.47]),
        (["10.42", "15.470"], [10.42, 15.47]),
        (["0,123", "15,470"], [0.123, 15.47]),
        (["1'234.50", "2’500"], [1234.5, 2500]),
        (["1 234 567,8", "12\u00a0345"], [1234567.8, 12345]),
        (["1\u202f234", "5"], [1234, 5]),
        (["$1,234.50", "$ 5"], [1234.5, 5]),
        (["1.234,50 €", "5 €"], [1234.5, 5]),
        (["EUR 1.200,5", "EUR 7"], [1200.5, 7]),
        (["R$ 1.234,50", "R$ 5,00"], [1234.5, 5]),
        (["１２３４", "５"], [1234, 5]),
        (["5e3", "1,5E3"], [5000, 1500]),
        (["1.000,00", "2500"], [1000, 2500]),
    ],
)
def test_marks_are_decided_by_the_whole_column(put, cells, right):
    assert column(put, cells).frame["amount"].tolist() == right


@pytest.mark.parametrize(
    "cell", ["10 20", "1,2,3", "1.2.3", "12.34.567", "1 2345", "5-3", "--5", "0x10", "1_000", "five"]
)
def test_what_is_no_number_is_refused(put, cell):
    with pytest.raises(DataError, match="row 2"):
        column(put, ["1000", cell])


@pytest.mark.parametrize("cells", [["True", "False"], ["TRUE", "12"]])
def test_true_is_no_number(put, cells):
    with pytest.raises(DataError, match="row 1"):
        column(put, cells)
    assert column(put, cells, recode={"True": 1, "TRUE": 1, "False": 0}).frame["amount"].iloc[0] == 1


def test_an_ambiguous_column_is_refused_with_both_readings_and_the_way_out(put):
    for cells, point, comma in ((["15.470", "2.600"], 15.47, 15470), (["15,470", "2,600"], 15470, 15.47)):
        with pytest.raises(DataError, match=r"row 1 holds '15.470', which is 15.*,?.* decimal: ") as caught:
            column(put, cells)
        assert f"{point:,.10g}" in str(caught.value) and f"{comma:,.10g}" in str(caught.value)
        assert column(put, cells, top={"decimal": "."}).frame["amount"].iloc[0] == point
        assert column(put, cells, decimal=",").frame["amount"].iloc[0] == comma


def test_the_rest_of_the_file_or_the_admissible_range_decides_an_ambiguous_column(put):
    tape = column(put, ["15.470", "2.600"], others=["1.234,50", "7,25"])
    assert tape.frame["amount"].tolist() == [15470, 2600]
    assert any("as the rest of the file" in note["what"] for note in tape.notes)
    # money with three decimals is not to be believed on the word of another column
    with pytest.raises(DataError, match="15.47 if the point is the decimal mark and 15,470 if the comma is"):
        column(put, ["15.470", "2.600"], others=["1234.5", "7.25"])
    assert column(put, ["15,470", "2,600"], others=["1234.5", "7.25"]).frame["amount"].tolist() == [15470, 2600]
    assert column(put, ["12.345", "9.875"], name="rate").frame["rate"].tolist() == [12.345, 9.875]
    assert column(put, ["650,000", "700,125"], name="bureau_score").frame["bureau_score"].tolist() == [650, 700.125]


def test_two_marks_in_one_column_are_refused(put):
    with pytest.raises(DataError, match=r"'1.234,50' has a decimal comma and '10.5' a decimal point"):
        column(put, ["1.234,50", "10.5"])


def test_a_stated_mark_that_a_cell_contradicts_is_an_error(put):
    with pytest.raises(DataError, match=r"row 1: '10,42'.*give decimal: ','"):
        column(put, ["10,42", "7"], top={"decimal": "."})


@pytest.mark.parametrize("cells", [["12%", "0.12"], ["0.12", "12 %"], ["12%", "7"]])
def test_per_cent_signs_and_bare_numbers_do_not_mix(put, cells):
    with pytest.raises(DataError, match="has a per cent sign .* and row . has none"):
        column(put, cells, name="rate")


def test_per_cent_signs_are_per_cent_whatever_the_unit(put):
    assert column(put, ["12%", "7,5 %", "0"], name="rate", unit="fraction").frame["rate"].tolist() == [12, 7.5, 0]


def test_negatives_before_after_and_in_brackets(put):
    cells = ["100", "5-", "(1.234,50)", "−7", "-$3"]
    tape = column(put, cells)
    assert tape.frame["amount"].isna().tolist() == [False, True, True, True, True]  # no amount is negative
    said = tape.quality().findings
    said = said[said["what"].str.startswith("negative")].iloc[0]
    assert "negative, which cannot be: set to missing (first in row 2: 5-)" in said["what"] and said["rows"] == 4


def test_one_negative_value_is_the_error_of_a_row_and_not_of_the_column(put):
    table = [[*row, 1000 + 37 * i] for i, row in enumerate(rows(600))]
    table[7][-1] = -1
    path = put(text(table, HEADER + ",revolving"))
    tape = read_tape(path, mapping({"revolving_balance": {"from": "revolving"}}))
    values = tape.frame["revolving_balance"]
    assert values.isna().sum() == 1 and (values.dropna() >= 0).all()
    said = tape.quality().findings.set_index("column").loc["revolving_balance"]
    assert said["level"] == "warning" and "row 8: -1" in said["what"]
    assert read_tape(path, mapping({"revolving_balance": {"from": "revolving", "missing": [-1]}})).quality().passed


def test_amounts_in_two_currencies_are_refused(put):
    with pytest.raises(DataError, match="amounts in EUR and GBP"):
        column(put, ["€5", "£6"])
    with pytest.raises(DataError, match="the cells say EUR, the mapping says currency: USD"):
        column(put, ["€5", "€6"], top={"currency": "USD"})


def test_times_with_their_unit(put):
    path = put("id;t;e;a\na;3 years;24 months;1,5\nb;18 Monate;2 Jahre;2,5\n")
    rules = {
        "loan_id": {"from": "id"},
        "term": {"from": "t"},
        "employment_years": {"from": "e"},
        "amount": {"from": "a"},
    }
    frame = read_tape(path, {"columns": rules}).frame
    assert frame["term"].tolist() == [36, 18] and frame["employment_years"].tolist() == [2, 2]


def test_a_long_column_reads_as_its_cells_do():
    from p2prisk.tape import numerals

    cells = ["1.234,50", "12,5", "12.345", "1,234.5", "-5", "5", "x", "(3,1)", "1.234.567", "0.1234", "1234,567"] * 60
    long, short = numerals.read_cells(cells), [numerals.read_cells([cell]) for cell in cells]
    for name in ("point", "comma", "evidence", "per_cent"):
        np.testing.assert_array_equal(getattr(long, name), np.concatenate([getattr(one, name) for one in short]))


def test_pieces_read_grouped_numbers_as_the_whole_does(put):
    lines = ["id\tx\tmonths\ty"] + [f"a{i}\t{1 + i}.{i:03d}\t12\t{i},5" for i in range(90)]
    path = put("\n".join(lines) + "\n")
    rules = {
        name: {"from": source}
        for name, source in {"loan_id": "id", "amount": "x", "term": "months", "income": "y"}.items()
    }
    whole = read_tape(path, {"columns": rules}).frame
    pieces = pd.concat([tape.frame for tape in iter_tape(path, {"columns": rules}, rows=30)])
    assert whole["amount"].tolist() == pieces["amount"].tolist() == [1000 * (1 + i) + i for i in range(90)]


# ---------------------------------------------------------------- missing codes


def test_missing_codes_hold_for_every_column_and_are_counted(put):
    table = [[*row[:5], 999 if i % 10 == 0 else row[5], *row[6:]] for i, row in enumerate(rows())]
    path = put(text(table))
    for code in ("999", 999, 999.0):
        tape = read_tape(path, mapping(missing=[code]))
        assert tape.frame["dti"].isna().sum() == 6
        note = next(note for note in tape.notes if note["column"] == "dti")
        assert note["rows"] == 6 and "names as missing" in note["what"]
    assert read_tape(path, mapping({"dti": {"from": "dti", "missing": 999}})).frame["dti"].isna().sum() == 6


@pytest.mark.parametrize(
    "code, name", [(999, "dti"), (99999999, "income"), (99, "dti"), (9999999, "income"), (98, "dti")]
)
def test_codes_at_which_a_column_piles_up_are_asked_about(put, code, name):
    place = HEADER.split(",").index(name)
    table = [[*row[:place], code, *row[place + 1 :]] if i % 12 == 0 else row for i, row in enumerate(rows(120))]
    findings = read_tape(put(text(table)), mapping()).quality().findings
    hit = findings[(findings["column"] == name) & findings["what"].str.contains("stand for missing")]
    assert len(hit) == 1 and hit["rows"].iloc[0] == 10 and f"missing: [{code}]" in hit["remedy"].iloc[0]
    cleared = read_tape(put(text(table)), mapping(missing=[code])).quality().findings
    assert not cleared["what"].str.contains("stand for missing").any()


def test_zeros_where_none_is_unlikely_are_asked_about(put):
    table = [[*row[:4], 0 if i % 10 == 0 else row[4], *row[5:]] for i, row in enumerate(rows(120))]
    findings = read_tape(put(text(table)), mapping()).quality().findings
    assert findings.set_index("column").loc["income"]["what"] == "12 rows with 0: is it none, or not known?"


def test_no_code_is_suspected_in_an_ordinary_column(put):
    findings = read_tape(put(text(rows(120))), mapping()).quality().findings
    assert not findings["what"].str.contains("stand for missing|hold 0").any()


# ---------------------------------------------------------------- rows


def test_a_stray_status_does_not_change_the_kind_of_a_book(put):
    for stray in ("", "cancelled", "current"):
        table = rows(600)
        table[5][-1] = stray
        tape = read_tape(put(text(table)), mapping())
        assert tape.kind == "resolved" and tape.frame["severity"].cat.categories.tolist() == ["paid", "loss"]
        assert tape.frame["bad"].isna().sum() == 1
        findings = tape.quality().findings
        assert findings["what"].str.contains(r"\(row 6\)").any() and tape.quality().passed
    table = [[*row[:-1], "current" if i % 2 else row[-1]] for i, row in enumerate(rows(600))]
    assert read_tape(put(text(table)), mapping()).kind == "live"


@pytest.mark.parametrize(
    "line, reason",
    [
        (",,,,,,,", "blank row"),
        (" ,,,,,,, ", "blank row"),
        ("Total,,245000,,,,,", "total or average"),
        ("Summe,,245000,,,,,", "total or average"),
        ("合计,,245000,,,,,", "total or average"),
        (",,{sum},,,,,", ""),
        ("Source: core banking system,,,,,,,", "title, divider or total"),
        (",,,,,,Note: as of January,", "note or title"),
    ],
)
def test_rows_that_are_no_loans_are_set_aside_with_their_number(put, line, reason):
    table = rows()
    line = line.format(sum=sum(row[2] for row in table))
    content = text(table[:30]) + line + "\n" + text(table[30:]).split("\n", 1)[1]
    tape = read_tape(put(content), mapping())
    assert len(tape) == 60 and tape.kind == "resolved" and tape.provenance["rows_read"] == 61
    (entry,) = tape.set_aside
    assert reason in entry["reason"] and entry["rows"] == 1 and entry["lines"] in ([31], [32])
    assert tape.rows.tolist() == [*range(1, 31), *range(32, 62)]
    pieces = list(iter_tape(put(content), mapping(), rows=25))
    assert sum(len(piece) for piece in pieces) == 60
    assert [row for piece in pieces for row in piece.rows] == tape.rows.tolist()
    assert sum(entry["rows"] for piece in pieces for entry in piece.set_aside) == 1


def test_a_level_called_total_is_no_total(put):
    rules = {"purpose": {"from": "purpose"}}
    table = [[*row, "total refurbishment" if i % 2 else "mean"] for i, row in enumerate(rows())]
    tape = read_tape(put(text(table, HEADER + ",purpose")), mapping(rules))
    assert len(tape) == 60 and not tape.set_aside


def test_rows_named_in_messages_are_those_of_the_file(put):
    table = rows()
    table[40][2] = "a lot"
    content = text(table[:30]) + ",,,,,,,\n" + text(table[30:]).split("\n", 1)[1]
    with pytest.raises(DataError, match="row 42: "):
        read_tape(put(content), mapping())
    with pytest.raises(DataError, match="row 42: "):
        list(iter_tape(put(content), mapping(), rows=10))


def test_a_mapped_outcome_is_never_overruled(put):
    table = [[*row, int(i % 7 == 0)] for i, row in enumerate(rows(70))]
    tape = read_tape(put(text(table, HEADER + ",default12m")), mapping({"bad": {"from": "default12m"}}))
    assert tape.frame["bad"].sum() == 10 and "severity" not in tape.frame and tape.provenance["mapped"] == ["bad"]
    said = tape.quality().findings
    assert said["what"].str.contains("differs from what the status says").any()


def panel(keep=("2020-01-31", "2020-02-29", "2020-03-31"), name="as_of"):
    lines = [HEADER + "," + name]
    for month, day in enumerate(keep):
        for row in rows(40):
            status = "current" if month < len(keep) - 1 else row[-1]
            lines.append(",".join(map(str, [*row[:-1], status, day])))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["as_of", "snapshot_date", "Reporting Month", "Stichtag", "数据日期"])
def test_of_stacked_month_ends_the_latest_is_kept(put, name):
    rules = {**mapping(), "record_date": None}
    tape = read_tape(put(panel(name=name)), rules)
    assert len(tape) == 40 and tape.kind == "resolved" and tape.frame["bad"].sum() == 8
    (entry,) = tape.set_aside
    assert entry["rows"] == 80 and "month end" in entry["reason"] and tape.provenance["record_date"] == "2020-03-31"


def test_month_ends_under_another_name_are_an_error_whose_way_out_works(put):
    path = put(panel(name="zeit"))
    report = read_tape(path, mapping()).quality()
    hit = report.findings[report.findings["column"] == "loan_id"].iloc[0]
    assert hit["level"] == "error" and "record_date_from" in hit["remedy"]
    tape = read_tape(path, {**mapping(), "record_date": None, "record_date_from": ["zeit"]})
    assert len(tape) == 40 and tape.frame["bad"].sum() == 8


def test_a_loan_that_leaves_a_panel_is_said(put):
    content = "".join(line + "\n" for line in panel().splitlines() if not ("L007" in line and line.endswith("03-31")))
    tape = read_tape(put(content), {**mapping(), "record_date": None})
    assert any("absent from the latest month end (2020-03-31)" in note["what"] for note in tape.notes)
    assert tape.frame.set_index("loan_id").loc["L007", "status"] == "current"


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize("typo", ["2068-05-15", "9999-12-31", "2203-01-01"])
def test_a_date_of_the_future_names_its_row(put, typo):
    table = rows()
    table[3][1] = typo
    with pytest.raises(DataError, match=f"row 4: '{typo}'.*lies in the future.*'missing'"):
        read_tape(put(text(table)), mapping())
    tape = read_tape(put(text(table)), mapping({"issue_date": {"from": "issued", "missing": [typo]}}))
    assert tape.frame["issue_date"].isna().sum() == 1
    with pytest.raises(DataError, match="lies in the future"):
        read_tape(put(text(rows())), mapping(record_date="2068-01-01"))


def test_a_lone_latest_date_does_not_become_the_day_of_the_records(put):
    table = rows()
    table[16][1] = "2024-05-15"
    path, rules = put(text(table)), {**mapping(), "record_date": None}
    with pytest.raises(
        DataError, match="2024-05-15, from row 17 alone; the next latest date of the file is 2015-12-15"
    ):
        read_tape(path, rules)
    assert read_tape(path, {**rules, "record_date": "2025-01-31"}).provenance["record_date"] == "2025-01-31"
    assert read_tape(path, rules, record_date="2025-01-31").provenance["record_date"] == "2025-01-31"
    lenient = read_tape(path, rules, on_error="missing")
    assert lenient.provenance["record_date"] == "2015-12-15"


def test_a_record_date_before_the_issue_is_an_error_with_the_rows(put):
    report = read_tape(put(text(rows())), mapping(record_date="2015-11-30")).quality()
    hit = report.findings[report.findings["column"] == "issue_date"].iloc[0]
    assert hit["level"] == "error" and "rows 12, 24, 36" in hit["what"]


def test_dates_that_are_years_carry_their_uncertainty(put):
    table = [[row[0], 2015 + i % 3, *row[2:]] for i, row in enumerate(rows())]
    tape = read_tape(put(text(table)), mapping(record_date="2017-06-30"))
    assert tape.provenance["year_only"] == ["issue_date"]
    mature = tape.frame.groupby(tape.frame["issue_date"].dt.year)["mature"].mean()
    assert mature.tolist() == [1.0, 0.0, 0.0]  # of 2016, some had not run twelve months by June 2017
    assert tape.quality().findings["what"].str.contains("years only").any()


@pytest.mark.parametrize("cells", [["42078", "42109"], ["20150315", "20150415"], ["201503", "201504"]])
def test_dates_written_as_whole_numbers(put, cells):
    table = [[row[0], cells[i % 2], *row[2:]] for i, row in enumerate(rows())]
    dates = read_tape(put(text(table)), mapping()).frame["issue_date"]
    assert dates.dt.strftime("%Y-%m").tolist()[:2] == ["2015-03", "2015-04"]


@pytest.mark.parametrize(
    "pattern, fits", [("%d.%m.%Y", 1), ("%m/%d/%Y", 1), ("%d-%b-%y", 1), ("%b %d, %Y", 1), ("%Y年%m月%d日", 0)]
)
def test_the_pattern_that_a_message_proposes_reads_the_dates(put, pattern, fits):
    day = pd.Timestamp("2015-03-25")
    header = HEADER.replace(",", ";")
    table = [[row[0], (day + pd.DateOffset(days=i)).strftime(pattern), *row[2:]] for i, row in enumerate(rows())]
    path = put(text(table, header, ";"))
    if not fits:
        assert read_tape(path, mapping()).frame["issue_date"].iloc[0] == day
        return
    with pytest.raises(DataError, match="Give the pattern") as caught:
        read_tape(path, mapping())
    assert f'date: ["{pattern}"] reads them all' in str(caught.value)
    assert (
        read_tape(path, mapping({"issue_date": {"from": "issued", "date": [pattern]}})).frame["issue_date"].iloc[0]
        == day
    )


def test_two_patterns_that_fit_are_both_shown(put):
    table = [[row[0], f"0{1 + i % 9}/0{1 + i % 7}/2015", *row[2:]] for i, row in enumerate(rows())]
    with pytest.raises(DataError, match=r'\["%d/%m/%Y"\] or date: \["%m/%d/%Y"\], which both fit'):
        read_tape(put(text(table)), mapping())


# ---------------------------------------------------------------- kinds of loan


def test_payday_loans_are_loans(put):
    for cells, rule in (("30", {"unit": "days as months"}), ("1", {"unit": "months"}), ("30 days", {})):
        table = [[*row[:3], cells, *row[4:], 390 + i] for i, row in enumerate(rows())]
        rules = {"term": {"from": "term", **rule}, "rate": {"from": "rate", "unit": "per cent"}}
        tape = read_tape(put(text(table, HEADER + ",rate")), mapping(rules))
        assert tape.quality().passed, tape.quality().summary()
        assert tape.frame["term"].iloc[0] == pytest.approx(1, abs=0.02)


def test_short_terms_of_unknown_unit_are_doubted_and_the_way_out_works(put):
    table = [[*row[:3], 3, *row[4:]] for row in rows()]
    report = read_tape(put(text(table)), mapping()).quality()
    hit = report.findings[report.findings["column"] == "term"].iloc[0]
    assert hit["level"] == "error" and "unit: years as months" in hit["remedy"] and "unit: months" in hit["remedy"]
    for unit, months in (("years as months", 36), ("months", 3)):
        tape = read_tape(put(text(table)), mapping({"term": {"from": "term", "unit": unit}}))
        assert tape.quality().passed and tape.frame["term"].iloc[0] == months


@pytest.mark.parametrize("year, term", [(1985, 12), (1972, 360), (2012, 360)])
def test_old_and_long_loans_are_loans(put, year, term):
    table = [[row[0], row[1].replace("2015", str(year)), row[2], term, *row[4:]] for row in rows()]
    assert read_tape(put(text(table)), mapping()).quality().passed


# ---------------------------------------------------------------- levels and mappings


@pytest.mark.parametrize("level", ["1e20", "inf", "007", "1.50", "nan-ish", "TRUE", "1,5", "NO"])
def test_levels_keep_their_text(put, level):
    table = [[*row[:6], f'"{level}"' if i % 2 else "1", row[7]] for i, row in enumerate(rows())]
    rules = {"purpose": {"from": "home"}, "home": {"from": "none"}}
    tape = read_tape(put(text(table)), mapping(rules))
    assert sorted(tape.frame["purpose"].cat.categories) == sorted(["1", level])


def test_words_of_yaml_are_words_of_the_file(put):
    table = [[*row, ("Yes", "No")[i % 2]] for i, row in enumerate(rows())]
    path = put(text(table, HEADER + ",grade"))
    own = "columns:\n  amount: {from: amount}\n  term: {from: term}\n  grade: {from: grade, order: [Yes, No]}\n"
    tape = read_tape(path, put(own, "m.yml"))
    assert tape.frame["grade"].cat.categories.tolist() == ["Yes", "No"]
    own = own.replace("order: [Yes, No]", "recode: {Yes: A, No: B}")
    assert read_tape(path, put(own, "m.yml")).frame["grade"].cat.categories.tolist() == ["A", "B"]


def test_open_questions_are_asked_one_at_a_time(put):
    path = put(text(rows()))
    own = "columns:\n  amount: {from: amount}\n  term: {from: term}\n"
    own += '  status: {from: status, recode: {paid: "?", charged off: "?"}}\n'
    with pytest.raises(DataError, match=r"what is 'paid'\?.*1 more question"):
        read_tape(path, put(own, "m.yml"))
    own = own.replace('paid: "?"', "paid: paid")
    with pytest.raises(DataError, match=r"what is 'charged off'\?"):
        read_tape(path, put(own, "m.yml"))
    assert read_tape(path, put(own.replace('"?"', "charged off"), "m.yml")).kind == "resolved"


@pytest.mark.parametrize(
    "wrong", ["decimal: x", "missing_codes: [9]", "columns: {amount: {from: amount, recode: car}}"]
)
def test_a_mapping_with_a_wrong_key_is_refused(put, wrong):
    base = "columns: {amount: {from: amount}, term: {from: term}}\n"
    own = wrong if wrong.startswith("columns") else base + wrong
    with pytest.raises(DataError, match="mapping"):
        read_tape(put(text(rows())), put(own, "m.yml"))


# ---------------------------------------------------------------- text files


WORDS = {
    "gb18030": ("租房", "自有", "按揭", "已还清", "逾期未还", "资金周转", "装修", "教育培训", "个体经营"),
    "big5": ("租房", "自有住宅", "按揭貸款", "已還清", "逾期未還", "資金週轉", "裝修", "教育訓練", "個體經營"),
    "cp932": ("賃貸", "持ち家", "社宅", "完済", "延滞", "返済中", "生活費", "リフォーム", "教育資金"),
    "cp949": ("전세", "자가", "월세", "완납", "연체", "정상", "생활비", "주택수리", "교육비"),
    "cp1251": (
        "аренда",
        "собственное",
        "ипотека",
        "погашен",
        "просрочен",
        "ремонт",
        "обучение",
        "автомобиль",
        "отпуск",
    ),
    "cp1252": ("Miete", "Eigentum", "möbliert", "zurückgezahlt", "überfällig", "Küche", "Gerät", "Größe", "Straße"),
    "cp1250": ("najem", "własność", "służbowe", "spłacony", "zaległość", "święta", "samochód", "księgowość", "życie"),
}


@pytest.mark.parametrize("encoding", WORDS)
def test_encodings_are_told_apart(put, encoding):
    words = WORDS[encoding]
    table = [[*row[:6], words[i % 9], row[7]] for i, row in enumerate(rows())]
    rules = {"purpose": {"from": "home"}, "home": {"from": "none"}}
    tape = read_tape(put(text(table), encoding=encoding), mapping(rules))
    assert set(tape.frame["purpose"].cat.categories) == set(words), tape.provenance["encoding"]


def test_an_encoding_that_little_text_cannot_tell_is_refused_and_can_be_named(put):
    table = [[*row[:6], "延滞" if i == 5 else "x", row[7]] for i, row in enumerate(rows())]
    rules = {"purpose": {"from": "home"}, "home": {"from": "none"}}
    path = put(text(table), encoding="euc_jp")
    with pytest.raises(DataError, match=r"line 7.*too little text to tell .* --encoding"):
        read_tape(path, mapping(rules))
    assert "延滞" in set(read_tape(path, mapping(rules), encoding="euc_jp").frame["purpose"].cat.categories)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_utf_with_and_without_a_mark(put, encoding):
    assert len(read_tape(put(text(rows()), encoding=encoding), mapping())) == 60


def test_quotation_marks_that_swallow_lines_are_refused(put):
    lines = text(rows()).splitlines()
    lines[10] = lines[10].replace("own", '"own').replace("rent", '"rent').replace("mortgage", '"mortgage')
    lines[40] = lines[40].replace("own", '"own').replace("rent", '"rent').replace("mortgage", '"mortgage')
    with pytest.raises(DataError, match="line 11: a quotation mark opens a cell that holds lines 11 to 41"):
        read_tape(put("\n".join(lines) + "\n"), mapping())


def test_a_text_of_several_lines_in_a_cell_is_read(put):
    table = [[*row[:6], '"a flat, rented,\nsince May,\n\nin town"', row[7]] for row in rows()]
    rules = {"purpose": {"from": "home"}, "home": {"from": "none"}}
    assert len(read_tape(put(text(table)), mapping(rules))) == 60


def test_lines_quoted_as_a_whole_are_an_error_and_the_way_out_works(put):
    lines = text(rows()).splitlines()
    lines[4::3] = [f'"{line.replace(",", ", ", 1)}"' for line in lines[4::3]]
    path = put("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="line 5: the line is quoted as a whole.*19 of 60 lines.*on_error='missing'"):
        read_tape(path, mapping())
    tape = read_tape(path, mapping(), on_error="missing")
    assert len(tape) == 41 and tape.set_aside[0]["rows"] == 19 and not tape.quality().passed
    pieces = list(iter_tape(path, mapping(), rows=20, on_error="missing"))
    assert sum(map(len, pieces)) == 41 and pieces[0].set_aside[0]["rows"] == 19


def test_a_file_cut_inside_quotes_can_be_read_as_the_message_says(put):
    content = '"id","amount","term","status"\n' + "".join(f'"L{i}","1000","12","paid"\n' for i in range(9)) + '"L9","10'
    path = put(content)
    with pytest.raises(DataError, match="ends inside quotation marks.*line 11.*on_error='missing'"):
        read_tape(path, "canonical")
    for tape in (read_tape(path, "canonical", on_error="missing"), *iter_tape(path, "canonical", on_error="missing")):
        assert len(tape) == 9 and tape.set_aside[0]["rows"] == 1 and tape.provenance["rows_read"] == 10


@pytest.mark.parametrize(
    "above",
    ["Loan book 2019,,,,,,,\n,,,,,,,\n", "Loan book 2019\n\n", "Report,of,the,day,,,,\n", "sep=,\n", "a,b\n1,2\n\n"],
)
def test_titles_above_the_header_are_passed_over(put, above):
    assert len(read_tape(put(above + text(rows())), mapping())) == 60


def test_a_header_over_two_rows(put):
    groups = "contract,,,,borrower,,,outcome\n"
    assert len(read_tape(put(groups + text(rows())), mapping())) == 60
    doubled = "id,issued,loan,,borrower,,,status\n,,amount,term,income,dti,home,\n" + text(rows()).split("\n", 1)[1]
    rules = {"amount": {"from": "loan amount"}, "term": {"from": "loan term"}, "income": {"from": "borrower income"}}
    rules |= {"dti": {"from": "borrower dti"}, "home": {"from": "borrower home"}}
    tape = read_tape(put(doubled), mapping(rules), header_row="1,2")
    assert len(tape) == 60 and tape.frame["amount"].iloc[0] == 2600


def test_a_file_without_a_header_is_refused_and_a_header_row_can_be_named(put):
    body = text(rows()).split("\n", 1)[1]
    with pytest.raises(DataError, match="line 1 seems to be a loan and no header.*--header-row"):
        read_tape(put(body))
    assert len(read_tape(put("1,2,3\n" + text(rows())), mapping(), header_row=2)) == 60


def test_the_mark_between_cells_is_found_beside_decimal_commas(put):
    path = put("a;b;c;m\n" + "".join(f"{i},5;{i},25;{i},75;12\n" for i in range(1, 30)))
    rules = {"amount": {"from": "a"}, "dti": {"from": "b"}, "rate": {"from": "c"}, "term": {"from": "m"}}
    frame = read_tape(path, {"columns": rules}).frame
    assert frame["amount"].iloc[0] == 1.5 and frame["rate"].iloc[0] == 1.75
    assert read_tape(path, {"columns": rules}, delimiter=";").frame.equals(frame)


def test_a_header_with_commas_over_a_body_with_blanks(put):
    body = "\n".join("  ".join(map(str, row)).replace("charged off", "loss") for row in rows())
    rules = {"status": {"from": "status", "recode": {"paid": "paid", "loss": "charged off"}}}
    assert len(read_tape(put(HEADER + "\n" + body + "\n"), mapping(rules))) == 60


# ---------------------------------------------------------------- workbooks


@pytest.fixture
def workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")

    def make(sheets, name="loans.xlsx", change=None):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, lines in sheets.items():
            page = book.create_sheet(title)
            for line in lines:
                page.append(line)
        if change:
            change(book)
        book.save(tmp_path / name)
        return tmp_path / name

    return make


def sheet(above=()):
    return [*above, HEADER.split(","), *rows()]


def test_another_sheet_is_named_in_the_message_and_can_be_read(workbook, capsys):
    path = workbook({"Notes": [["Loan book"], ["drawn in January"]], "Loans 2015": sheet()})
    with pytest.raises(DataError, match="other sheets: Loans 2015"):
        read_tape(path, mapping())
    assert len(read_tape(path, mapping(), sheet="Loans 2015")) == len(read_tape(path, mapping(), sheet=1)) == 60
    with pytest.raises(DataError, match="no sheet 'Loan'; it has Notes, Loans 2015"):
        read_tape(path, mapping(), sheet="Loan")
    own = path.parent / "m.yml"
    own.write_text("columns: {loan_id: {from: id}, amount: {from: amount}, term: {from: term}}\n")
    assert main(["check", str(path), "--map", str(own), "--sheet", "2"]) == 0
    assert "60 read, 60 kept" in capsys.readouterr().out


def test_titles_merged_cells_and_wrong_sizes_of_a_workbook(workbook):
    def change(book):
        book.active.merge_cells("A1:H1")

    path = workbook({"Loans": sheet([["Loan book 2015"], [], []])}, change=change)
    tape = read_tape(path, mapping())
    assert len(tape) == 60 and tape.provenance["header_line"] == 4
    import zipfile

    lied = path.with_name("lied.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(lied, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            if item.endswith("sheet1.xml"):
                before = content
                content = content.replace(b'ref="A1:H64"', b'ref="A1:H11"')
                assert content != before
            new.writestr(item, content)
    assert len(read_tape(lied, mapping())) == 60


def test_serial_days_and_dates_of_a_workbook(workbook):
    lines = sheet()
    for i, line in enumerate(lines[1:]):
        line[1] = 42078 + i
    dates = read_tape(workbook({"L": lines}), mapping()).frame["issue_date"]
    assert dates.iloc[0] == pd.Timestamp("2015-03-15")
    for i, line in enumerate(lines[1:]):
        line[1] = pd.Timestamp("2015-03-15") if i % 2 else "15.03.2015"
    rules = {"issue_date": {"from": "issued", "date": ["%d.%m.%Y"]}}
    assert (read_tape(workbook({"L": lines}), mapping(rules)).frame["issue_date"] == pd.Timestamp("2015-03-15")).all()


def test_numbers_written_as_text_in_a_workbook(workbook):
    lines = sheet()
    for i, line in enumerate(lines[1:]):
        line[2] = f"{2 + i}.600,00" if i % 2 else 2600 + i
    frame = read_tape(workbook({"L": lines}), mapping()).frame
    assert frame["amount"].tolist()[:4] == [2600, 3600, 2602, 5600]


# ---------------------------------------------------------------- the command line accounts for every row


def test_check_fit_and_score_account_for_every_row(put, capsys):
    own = put(
        "currency: EUR\nrecord_date: 2020-01-31\ncolumns:\n"
        + "".join(f"  {n}: {{from: {r['from']}}}\n" for n, r in RULES.items()),
        "m.yml",
    )
    content = text(rows(300)) + ",,,,,,,\nTotal,,245000,,,,,\n"
    path = put(content)
    model, scores = path.parent / "model.json", path.parent / "scores.csv"
    assert main(["check", str(path), "--map", str(own)]) == 0
    assert "302 read, 300 kept, 2 set aside" in capsys.readouterr().out
    with contextlib.redirect_stderr(io.StringIO()):
        assert main(["fit", str(path), "--map", str(own), "--output", str(model)]) == 0
    printed = capsys.readouterr().out
    assert "302 rows read, 300 kept, 2 set aside" in printed and "blank row (row 301)" in printed
    assert main(["score", str(path), "--map", str(own), "--model", str(model), "--output", str(scores)]) == 0
    printed = capsys.readouterr().out
    assert "302 rows read, 300 scored, 2 set aside" in printed and "total or average, not a loan (row 302)" in printed
    assert len(pd.read_csv(scores)) == 300
