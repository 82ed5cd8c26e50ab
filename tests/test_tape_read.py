"""Every format from a small file, every encoding and container, and every way a file can be bad."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tape_fixtures as fixtures
from p2prisk import read_tape
from p2prisk.errors import DataError
from p2prisk.tape import COLUMNS, iter_tape, known_at_issue, read, text_file
from p2prisk.tape.choose import canonical_mapping
from p2prisk.tape.pieces import pieces_of

CANONICAL = "loan_id,issue_date,amount,term,income,home,grade,rate,status\n" + "".join(
    f"L{i},2015-0{1 + i % 9}-01,{1000 + i},36,{30000 + 10 * i},{'rent' if i % 2 else 'own'},{'ABC'[i % 3]},{8 + i % 5},"
    f"{'paid' if i % 4 else 'charged off'}\n"
    for i in range(40)
)


@pytest.fixture
def write(tmp_path):
    def put(content, name="loans.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return put


def refused(path, pattern, **options):
    before = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    with pytest.raises(DataError, match=pattern) as caught:
        read_tape(path, **options)
    if before:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    return str(caught.value)


# ---------------------------------------------------------------- formats


def test_lendingclub_raw_export(write):
    tape = read_tape(write(fixtures.LENDINGCLUB_RAW))
    frame = tape.frame
    assert tape.provenance["format"] == "lendingclub" and tape.provenance["header_line"] == 2
    assert len(frame) == 4 and sum(entry["rows"] for entry in tape.set_aside) == 2
    assert tape.provenance["rows_read"] == 6  # four loans, the divider and the total
    assert frame["rate"].tolist() == [10.65, 15.27, 15.96, 13.49]
    assert frame["utilisation"].tolist() == [83.7, 9.4, 98.5, 21.0]
    assert frame["term"].tolist() == [36, 60, 36, 36]
    assert frame["employment_years"].fillna(-1).tolist() == [10, 0, -1, 10]
    assert frame["employment"].tolist()[2] == "not stated"
    assert frame["home"].tolist() == ["rent", "mortgage", "own", "other"]
    assert frame["issue_date"].tolist()[3] == pd.Timestamp("2008-08-01")
    assert frame["credit_history_years"].tolist()[3] == pytest.approx(40.5, abs=0.01)  # Feb-1968, not 2068
    assert frame["policy_exception"].tolist() == [False, False, False, True]
    assert frame["severity"].tolist() == ["paid", "loss early", "paid late", "loss after half"]
    assert frame["delinquency_recency"].tolist() == ["never", "within a year", "never", "2 to 4 years"]
    assert frame["record_recency"].tolist() == ["never"] * 4
    assert tape.provenance["record_date"] == "2016-11-01" and "record_date_inferred" not in tape.provenance
    assert "free text" in tape.unused["emp_title"]


def test_prosper_81_columns(write):
    tape = read_tape(write(fixtures.PROSPER_81))
    frame = tape.frame
    assert tape.provenance["format"] == "prosper"
    assert frame["income"].tolist() == [pytest.approx(36_999.96), 73_500, pytest.approx(24_999.96)]
    assert frame["rate"].tolist() == [15.8, 31.77, 27.5] and frame["dti"].iloc[0] == 17
    assert frame["utilisation"].tolist()[:2] == [21, 110]
    assert frame["bureau_score"].isna().tolist() == [False, True, False]  # 0 is no score
    assert frame["earlier_loans"].tolist() == [0, 1, 0]
    assert frame["severity"].tolist() == ["performing", "default", "late 31-120"]
    assert tape.kind == "live"
    assert frame["grade"].tolist()[:2] == ["A", "HR"]


def test_ppdai_loans_with_instalments(write):
    lc = write(fixtures.PPDAI_LC, "LC.csv", "gb18030")
    lp = write(fixtures.PPDAI_LP, "LP.csv", "utf-8-sig")
    tape = read_tape(lc, instalments=lp)
    frame = tape.frame.set_index("loan_id")
    assert tape.provenance["format"] == "ppdai" and tape.provenance["encoding"] == "gb18030"
    assert list(frame.index) == ["126541", "133291", "142421", "149711"]
    assert frame["status"].tolist() == ["paid", "paid", "default", "current"]
    assert frame["instalments_late"].tolist() == [0, 1, 2, 0]
    assert frame["days_past_due"].tolist() == [0, 0, 150, 0]
    assert frame["principal_paid"].tolist() == [18_000, 9453, 9000, 12_500]
    assert frame["balance"].tolist() == [0, 0, 18_000, 12_500]
    assert frame["severity"].tolist() == ["performing", "performing", "default", "performing"]
    assert frame["sex"].tolist() == ["male", "female", "male", "male"]
    assert frame["first_loan"].tolist() == [False, True, False, False]
    assert frame["verified_education"].tolist() == [True, False, False, False]
    assert frame["grade"].cat.categories.tolist() == ["AA", "B", "C", "D"]
    reasons = {entry["reason"].split(" ")[0]: entry for entry in tape.set_aside}
    assert reasons["loan"]["rows"] == 1 and reasons["instalments"]["instalments"] == 1
    assert tape.provenance["record_date"] == "2017-02-22"
    assert frame["mature"].tolist() == [True, True, True, True]


def test_ppdai_without_instalments_has_no_outcome(write):
    assert read_tape(write(fixtures.PPDAI_LC)).kind == "no outcome"


def test_renrendai_listings(write):
    tape = read_tape(write(fixtures.RENRENDAI, encoding="utf-8-sig"))
    frame = tape.frame
    assert tape.provenance["format"] == "renrendai" and tape.kind == "no outcome"
    assert frame["rate"].tolist() == [10, 13, 20]
    assert frame["income_band"].astype(object).where(frame["income_band"].notna(), None).tolist() == [
        "2,000 to 5,000",
        None,
        "50,000 and over",
    ]
    assert frame["education"].isna().tolist() == [False, True, False]
    assert frame["homeowner"].tolist() == [False, True, False]
    assert "funded" in tape.unused["status"]


def test_mapping_file(write):
    mapping = write(fixtures.MAPPING, "bank.yml")
    tape = read_tape(write(fixtures.MAPPED), format=mapping)
    frame = tape.frame
    assert frame["loan_id"].tolist() == ["007", "008", "009"]
    assert frame["income"].tolist() == [30_000, 37_200, 22_800]
    assert frame["dti"].tolist() == [31, 12, 45]
    assert frame["home"].isna().tolist() == [False, False, True]
    assert frame["grade"].cat.ordered and frame["grade"].cat.categories.tolist() == ["gut", "mittel", "schwach"]
    assert frame["issue_date"].tolist()[1] == pd.Timestamp("2022-11-15")
    assert frame["mature"].tolist() == [True, False, True]
    assert frame["currency"].tolist() == ["EUR"] * 3
    assert "Kunde" in tape.unused


@pytest.mark.parametrize(
    "content, options",
    [
        (fixtures.LENDINGCLUB_RAW, {}),
        (fixtures.PROSPER_81, {}),
        (fixtures.PPDAI_LC, {}),
        (fixtures.RENRENDAI, {}),
        (CANONICAL, {}),
    ],
)
def test_no_format_admits_what_is_known_later(write, content, options):
    tape = read_tape(write(content), **options)
    admitted = known_at_issue(tape)
    assert admitted and all(COLUMNS[name].known == "issue" for name in admitted)
    outcome = {"status", "severity", "bad", "grade", "rate", "principal_paid", "late_fees", "recoveries", "instalment"}
    assert not outcome & set(admitted)


# ---------------------------------------------------------------- containers and encodings


def plain(write):
    return read_tape(write(CANONICAL)).frame


@pytest.mark.parametrize("kind", ["gz", "zip", "xz", "bom", "utf-16", "gbk", "cr", "crlf", "semicolon", "tab", "pipe"])
def test_containers_and_encodings_read_the_same(write, kind):
    text = CANONICAL.replace("rent", "other") if kind == "none" else CANONICAL
    data = text.encode()
    if kind == "gz":
        path = write(gzip.compress(data), "loans.csv.gz")
    elif kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("inner.csv", data)
        path = write(buffer.getvalue(), "loans.zip")
    elif kind == "xz":
        import lzma

        path = write(lzma.compress(data), "loans.csv.xz")
    elif kind in ("bom", "utf-16", "gbk"):
        path = write(text, encoding={"bom": "utf-8-sig", "utf-16": "utf-16", "gbk": "gbk"}[kind])
    elif kind in ("cr", "crlf"):
        path = write(text.replace("\n", {"cr": "\r", "crlf": "\r\n"}[kind]))
    else:
        path = write(text.replace(",", {"semicolon": ";", "tab": "\t", "pipe": "|"}[kind]))
    pd.testing.assert_frame_equal(read_tape(path).frame, plain(write))


def test_parquet_excel_and_sqlite_read_the_same(tmp_path, write):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    frame = pd.read_csv(io.StringIO(CANONICAL))
    frame.to_parquet(tmp_path / "loans.parquet")
    frame.to_excel(tmp_path / "loans.xlsx", index=False)
    url = f"sqlite:///{tmp_path / 'loans.db'}"
    engine = sqlalchemy.create_engine(url)
    frame.to_sql("loans", engine, index=False)
    engine.dispose()
    expected = plain(write)
    for tape in (
        read_tape(tmp_path / "loans.parquet"),
        read_tape(tmp_path / "loans.xlsx"),
        read_tape(url, query="SELECT * FROM loans"),
    ):
        pd.testing.assert_frame_equal(tape.frame, expected, check_dtype=True)


def test_chinese_survives_gbk_utf8_and_utf16(write):
    frames = [
        read_tape(write(fixtures.PPDAI_LC, encoding=encoding)).frame
        for encoding in ("utf-8", "gbk", "utf-16", "utf-8-sig")
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])


def test_order_of_rows_and_columns_does_not_matter(write):
    lines = CANONICAL.splitlines()
    table = pd.read_csv(io.StringIO(CANONICAL))
    shuffled = table[list(reversed(table.columns))].to_csv(index=False)
    pd.testing.assert_frame_equal(read_tape(write(shuffled)).frame, plain(write))
    assert len(lines) == 41


# ---------------------------------------------------------------- bad input


def test_missing_file(tmp_path):
    refused(tmp_path / "no.csv", "is not there; check the path")


def test_folder(tmp_path):
    refused(tmp_path, "is a folder; give the file")


def test_a_folder_of_very_many_files_is_not_gone_through(tmp_path, monkeypatch):
    """The root folder took half a minute, and the message named nothing."""
    monkeypatch.setattr("p2prisk.tape.pieces.MOST_BELOW", 20)
    assert refused(Path("/"), "more than 20 files and folders").startswith("/ is a folder")
    monkeypatch.chdir(tmp_path)
    assert refused(Path("."), "is a folder; give the file").startswith(". is")
    for number in range(15):
        (tmp_path / f"_{number}.parquet").touch()  # what other programs lay beside a table counts for nothing
        (tmp_path / f"{number}.parquet").touch()
    assert [piece.source for piece in pieces_of(tmp_path)][9:11] == [str(tmp_path / f"{n}.parquet") for n in (9, 10)]


@pytest.fixture(params=["replaced", "cut", "emptied", "longer", "gone"])
def change(write, request):
    """What another program does to a file: a function that does it."""
    new = {"cut": CANONICAL[:1500], "emptied": "", "longer": CANONICAL + "x"}

    def to(path):
        if request.param == "replaced":
            write(CANONICAL.replace(",36,", ",60,"), "new.csv").replace(path)
        elif request.param == "gone":
            path.unlink(missing_ok=True)
        else:
            path.write_text(new[request.param])

    return to


CHANGED = r"loans\.csv was changed while it was read"


def test_a_file_that_changes_while_it_is_read_is_refused(write, monkeypatch, change):
    """It was read with the hash of one file and the loans of another; pieces were half of each."""
    path = write(CANONICAL)
    with pytest.raises(DataError, match=CHANGED):
        for place, _ in enumerate(iter_tape(path, rows=10)):
            if place == 1:
                change(path)
    write(CANONICAL)
    taken = read.file_sha256
    monkeypatch.setattr(read, "file_sha256", lambda path: (taken(path), change(path))[0])
    with pytest.raises(DataError, match=CHANGED):
        read_tape(path)


def test_a_file_that_changes_between_two_goes_is_refused_whatever_half_of_it_looks_like(write, monkeypatch, change):
    """A file emptied between two goes ended in IndexError, once in many runs."""
    opened, changes = text_file.open_binary, []

    def open_changed(path):
        if changes and changes.pop() == "now":
            change(path)
        return opened(path)

    monkeypatch.setattr(text_file, "open_binary", open_changed)
    changes[:] = ["later"] * 100
    read_tape(write(CANONICAL))
    times = 100 - len(changes)
    assert times > 2
    for place in range(times):
        changes[:] = ["now", *["later"] * place]
        with pytest.raises(DataError, match=CHANGED):
            read_tape(write(CANONICAL))


def test_a_file_of_blank_lines_is_called_so(write):
    with pytest.raises(DataError, match=r"loans\.csv holds blank lines alone"):
        read_tape(write("\n\n\n"))


def test_pipes_devices_and_links_to_nothing_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    for path, words in ((tmp_path / "pipe", "a pipe or a device"), (Path("/dev/zero"), "a pipe or a device")):
        refused(path, words)
    refused(tmp_path / "link", "a link to nothing")
    with pytest.raises(DataError, match="no ordinary file"):
        read_tape(f"sqlite:///{tmp_path / 'pipe'}", query="SELECT 1")


def _zipped(name, data):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(gzip.compress(CANONICAL.encode())), "holds a gzip file"),
        (gzip.compress(_zipped("loans.csv", CANONICAL)), "holds a zip archive or a workbook"),
        (_zipped("inner.zip", _zipped("loans.csv", CANONICAL)), "holds a zip archive or a workbook"),
        (_zipped("loans.csv.gz", gzip.compress(CANONICAL.encode())), "holds a gzip file"),
        (bz2.compress(bz2.compress(CANONICAL.encode())), "holds a bzip2 file"),
        (gzip.compress(b"PAR1" + bytes(40)), "holds a Parquet file"),
        (b"\x28\xb5\x2f\xfd" + bytes(40), "a zstd file"),
        (b"\x04\x22\x4d\x18" + bytes(40), "an lz4 file"),
        (b"]\0\0\x80" + bytes(40), "an lzma file"),
        (b"\xff\x06\0\0sNaPpY" + bytes(40), "a snappy file"),
        (b"\x1f\x9d\x90" + bytes(40), "a file of compress"),
        (b"loans.csv" + bytes(248) + b"ustar" + bytes(40), "a tar archive"),
        (b"SQLite format 3\0" + bytes(40), "SQLite database; give sqlite:///"),
    ],
    # bytes hold the time
    ids="gz-gz gz-zip zip-zip zip-gz bz2-bz2 gz-parquet zstd lz4 lzma snappy compress tar sqlite".split(),
)
def test_what_is_packed_twice_is_named(data, words, write):
    refused(write(data), words)


@pytest.mark.parametrize("codec", ["brotli", "snappy", "lz4_raw"])
def test_packed_text_without_a_mark_is_told_from_text(codec, write):
    refused(write(pyarrow.Codec(codec).compress(CANONICAL.encode(), asbytes=True)), "is no text: its bytes look compr")


@pytest.mark.parametrize("codec", ["rot13", "zlib_codec", "base64", "undefined"])
def test_a_codec_that_is_no_encoding_of_text_is_refused(codec, write):
    """They were a fault of the program."""
    refused(write(CANONICAL), "encoding", encoding=codec)


def test_empty_file(write):
    refused(write(b""), r"loans.csv is empty \(0 bytes\); export it again")


def test_header_only(write):
    refused(write(CANONICAL.splitlines()[0] + "\n"), "loans.csv has a header but no rows")


def test_missing_required_column(write):
    refused(
        write("loan_amnt,int_rate,sub_grade,loan_status\n1,2,A1,Current\n"),
        "loans.csv: no column 'issue_d' .needed for 'issue_date'.*The header has: loan_amnt",
    )


def test_wrong_type_names_row_and_value(write):
    text = CANONICAL.replace(",1003,36,", ",a lot,36,")
    refused(
        write(text), r"loans.csv, column 'amount' \(for 'amount'\): 1 value\(s\) cannot be read \(row 4: like 'a aaa'\)"
    )
    tape = read_tape(write(text), on_error="missing")
    assert tape.frame["amount"].isna().sum() == 1
    assert any(note["rows"] == 1 and "set to missing" in note["what"] for note in tape.notes)


def test_wrong_date_and_wrong_status(write):
    refused(write(CANONICAL.replace("2015-05-01", "01/05/15")), "column 'issue_date'.*row 5.*Give the pattern")
    refused(write(CANONICAL.replace("charged off", "written down")), "column 'status'.*row 1.*'written down'.*recode")


def test_mixed_encodings_name_the_line(write):
    lines = fixtures.PPDAI_LC.splitlines(keepends=True)
    data = b"".join(line.encode("gbk" if number == 3 else "utf-8") for number, line in enumerate(lines))
    refused(write(data), "mixes encodings: line 4 is not UTF-8, 5 other line")


def test_neither_utf8_nor_gbk(write):
    refused(
        write(CANONICAL.encode() + b"L99,2015-01-01,1,36,1,\xff\xff,A,8,paid\n"),
        "line 42: not UTF-8, and no other encoding",
    )


def test_truncated_file(write):
    refused(write(CANONICAL[:-25]), "ends early: line 41, the last, has 3 of 9 fields and no line end")
    refused(write(gzip.compress(CANONICAL.encode())[:-40], "loans.csv.gz"), "the compressed data end early")
    buffer = io.BytesIO()
    pd.read_csv(io.StringIO(CANONICAL)).to_parquet(buffer)
    refused(write(buffer.getvalue()[:-60], "loans.parquet"), "not a whole Parquet file")


def test_broken_lines_are_named_and_can_be_set_aside(write):
    lines = CANONICAL.splitlines()
    lines[6] += ",extra"
    lines[9] = ",".join(lines[9].split(",")[:6])
    path = write("\n".join(lines) + "\n")
    refused(path, r"line 7: 10 fields, the header \(line 1\) has 9 and 1 more such line")
    tape = read_tape(path, on_error="missing")
    assert len(tape.frame) == 38 and tape.set_aside[0]["rows"] == 2 and tape.set_aside[0]["lines"] == [7, 10]
    expected = plain(write).drop(index=[5, 8]).reset_index(drop=True)
    assert tape.frame["loan_id"].tolist() == expected["loan_id"].tolist()


def test_column_of_lists(tmp_path):
    frame = pd.read_csv(io.StringIO(CANONICAL))
    frame["income"] = [[1, 2]] * len(frame)
    frame.to_parquet(tmp_path / "loans.parquet")
    refused(tmp_path / "loans.parquet", "column 'income': row 1 holds a list")


def test_table_in_memory_with_lists():
    from p2prisk.tape import apply_mapping

    raw = pd.DataFrame({"amount": [1000, [1, 2]], "term": [36, 36]})
    with pytest.raises(DataError, match="column 'amount': row 2 holds a list"):
        apply_mapping(raw, canonical_mapping(raw.columns))


def test_formula_cells(tmp_path, write):
    refused(write(CANONICAL.replace("rent", "=cmd|' /C calc'!A0", 1)), "column .home..*starts like a formula")
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [line.split(",") for line in CANONICAL.splitlines()]:
        book.active.append(row)
    book.active["C5"] = '=HYPERLINK("http://example.org")'
    book.save(tmp_path / "loans.xlsx")
    refused(tmp_path / "loans.xlsx", r"cell C5 \(column 'amount'\): holds a formula; paste the values")


def test_file_larger_than_memory(write, monkeypatch):
    monkeypatch.setattr("p2prisk.tape.text_file.free_memory", lambda: 1e6)
    refused(write(CANONICAL), "needs about 0.2 GB of memory, 0.0 GB are free. Convert it to Parquet")


def test_mapping_that_names_no_such_column(write):
    mapping = write(fixtures.MAPPING.replace("from: Netto", "from: Nettto"), "bank.yml")
    refused(
        write(fixtures.MAPPED),
        "no column 'Nettto' .needed for 'income'.; did you mean 'Netto'.*has: Vertrag",
        format=mapping,
    )


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("columns: [a", "bank.yml, line 1: not valid YAML"),
        ("title: x\n", "has no 'columns'"),
        ("columns: {amount: Betrag}", "is not a set of keys"),
        ("columns: {amount: {form: Betrag}}", "unknown key form"),
        ("columns: {betrag: {from: Betrag}}", "'betrag' is not a canonical column"),
        ("columns: {income: {from: Netto, unit: weekly}}", "unknown unit 'weekly'"),
    ],
)
def test_bad_mappings(write, text, pattern):
    refused(write(fixtures.MAPPED), pattern, format=write(text, "bank.yml"))


def test_unknown_format_and_unknown_header(write):
    refused(write(CANONICAL), "neither a built-in format", format="lendingklub")
    refused(write("a,b\n1,2\n"), "fits none of the formats.*p2prisk map loans.csv")


def test_duplicate_column(write):
    refused(write("amount,term,amount\n1,36,2\n"), "the column 'amount' is there 2 times")


def test_several_files_in_a_zip(write):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", CANONICAL)
        archive.writestr("b.csv", CANONICAL)
    refused(write(buffer.getvalue(), "loans.zip"), "holds 2 files")


def test_not_a_table(write):
    refused(write(b"%PDF-1.7 ..."), "is a PDF file")
    refused(write(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100), "Excel 97-2003")


def test_infinite_and_negative_numbers(write):
    refused(write(CANONICAL.replace(",1002,36,", ",inf,36,")), "infinite number is no amount")
    tape = read_tape(write(CANONICAL.replace(",1002,36,", ",-5,36,")))  # no amount is negative: missing, and said
    assert tape.frame["amount"].isna().tolist() == [i == 2 for i in range(40)]
    said = tape.quality().findings.set_index("column").loc["amount"]
    assert said["level"] == "error" and "first in row 3: -5" in said["what"]  # one row in 40


def test_sql_errors_hide_the_password(tmp_path):
    (tmp_path / "empty.db").touch()
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    with pytest.raises(DataError, match="say which rows with query"):
        read_tape(url)
    with pytest.raises(DataError, match="must be one SELECT"):
        read_tape(url, query="DROP TABLE loans")
    with pytest.raises(DataError, match="no such table"):
        read_tape(url, query="SELECT * FROM loans")
    with pytest.raises(DataError) as caught:
        read_tape("postgresql+nodriver://me:secret@localhost/x", query="SELECT 1")
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- personal data


def test_personal_data_are_neither_kept_nor_shown(write):
    text = "loan_id,amount,term,region,客户姓名,note\n" + "".join(
        f"1381234{i:04d},{1000 + i},36,11010119900307{i:03d}X,王{i},call 1381234{i:04d}\n" for i in range(50)
    )
    tape = read_tape(write(text))
    assert set(tape.provenance["personal"]) == {"loan_id", "region", "客户姓名", "note"}
    assert "region" not in tape.frame and tape.frame["loan_id"].tolist()[:2] == ["k00000001", "k00000002"]
    shown = str(tape) + tape.quality().summary() + tape.frame.to_csv()
    assert "1381234" not in shown and "110101" not in shown and "王" not in shown
    message = refused(
        write(CANONICAL.replace(",1003,36,", ",13812345678x,36,").replace(",1004,36,", ",a@b.cn,36,")),
        "column 'amount'",
    )
    assert "a@b.cn" not in message and "hidden: e-mail address" in message


@pytest.mark.parametrize("dtype", ["float", "string"])
def test_values_do_not_depend_on_how_the_parser_typed_a_column(dtype):
    from p2prisk.tape import apply_mapping

    raw = pd.DataFrame({"amount": [1000, 2000], "term": [36, 60], "rate": [10.5, np.nan]})
    if dtype == "string":
        raw = raw.astype("string")
    frame = apply_mapping(raw, canonical_mapping(raw.columns)).frame
    assert frame["amount"].tolist() == [1000, 2000] and frame["rate"].isna().tolist() == [False, True]


def test_two_digit_years_of_the_future_are_of_the_last_century(write):
    mapping = {"columns": {"amount": {"from": "a"}, "issue_date": {"from": "d", "date": ["%b-%y"]}}}
    frame = read_tape(write("a,d\n1,Dec-11\n2,Feb-68\n"), format=mapping).frame
    assert frame["issue_date"].dt.year.tolist() == [2011, 1968]


def test_unquoted_yes_in_a_mapping_means_the_text_yes(write):
    mapping = {"columns": {"amount": {"from": "a"}, "home": {"from": "owner", "recode": {True: "own", False: "rent"}}}}
    frame = read_tape(write("a,owner\n1,yes\n2,no\n3,\n"), format=mapping).frame
    assert frame["home"].isna().tolist() == [False, False, True] and frame["home"].tolist()[:2] == ["own", "rent"]


def test_a_loan_with_a_key_only_is_no_line_of_text(write):
    text = CANONICAL + "L99,,,,,,,,\n"
    assert len(read_tape(write(text)).frame) == 41
    tape = read_tape(write(CANONICAL + "Total of all loans,,,,,,,,\n"))
    assert len(tape.frame) == 40 and tape.set_aside[0]["rows"] == 1


def test_rows_of_a_bad_level_are_those_of_the_file(write):
    text = "amount,term,home\n" + "".join(f"{i},36,{'rent' if i % 3 else 'tent'}\n" for i in range(1, 16))
    message = refused(write(text), "5 value.s. cannot be read")
    assert "row 3: 'tent'; row 6: 'tent'; row 9: 'tent'" in message


# ---------------------------------------------------------------- whatever the bytes are


@pytest.mark.parametrize("pack", (bz2.compress, gzip.compress, lzma.compress))
@pytest.mark.parametrize("damage", ("cut", "turned"))
def test_damaged_archives_are_refused_by_name(tmp_path, pack, damage):
    path = tmp_path / "loans.csv.packed"
    packed = pack(CANONICAL.encode())
    half = len(packed) // 2
    path.write_bytes(packed[:half] if damage == "cut" else packed[:half] + b"\xff" * 8 + packed[half + 8 :])
    with pytest.raises(DataError, match="end early or are damaged; copy or download it again"):
        read_tape(path)


def test_an_archive_with_a_password_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "loans.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("loans.csv", CANONICAL)
    packed = bytearray(path.read_bytes())
    packed[6] |= 1  # the flag of encryption in the local header ...
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # ... and in the directory
    path.write_bytes(packed)
    with pytest.raises(DataError, match="unpack it and give that"):
        read_tape(path)


ONCE = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@example(b"PK\x03\x04")  # begins like a zip and is none
@example(b"BZh9 is how this begins, and no more")
@example(b"\x1f\x8b\x08 likewise")
@example(b"\xfd7zXZ\x00 likewise")
@given(st.binary(min_size=1, max_size=300))
@ONCE
def test_any_bytes_give_a_tape_or_a_clear_error(tmp_path, data):
    path = tmp_path / "loans.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match="loans.csv|mapping"):
        read_tape(path)


@example(31, 30, b"", True)  # the header runs into the first loan
@example(0, 0, b"BZh1", False)  # the first bytes of another kind of file
@example(0, 0, b"\x1f\x8b", True)
@given(st.integers(0, len(CANONICAL) - 1), st.integers(0, 40), st.binary(max_size=6), st.booleans())
@ONCE
def test_a_damaged_tape_gives_a_tape_or_a_clear_error(tmp_path, start, length, put, lenient):
    path = tmp_path / "loans.csv"
    text = CANONICAL.encode()
    path.write_bytes(text[:start] + put + text[start + length :])
    try:
        tape = read_tape(path, on_error="missing" if lenient else "raise")
    except DataError:
        return
    tape.quality()  # what was read can be checked
    assert len(tape.frame) + sum(entry["rows"] for entry in tape.set_aside) == tape.provenance["rows_read"]


@given(
    st.lists(st.floats(min_value=0, allow_infinity=False, width=32) | st.just(float("nan")), min_size=1, max_size=20)
)
@ONCE
@example([105109996437504.0])
def test_numbers_survive_the_journey(tmp_path, values):
    """Unless they are somebody's: the example is a French social security number, whose column is not kept."""
    path = tmp_path / "loans.csv"
    pd.DataFrame({"amount": 1000.0, "term": 36, "dti": values}).to_csv(path, index=False)
    tape = read_tape(path)
    assert ("dti" in tape.frame) != ("dti" in tape.provenance["personal"])
    if "dti" in tape.frame:
        assert np.array_equal(tape.frame["dti"].to_numpy(dtype=float), np.array(values, dtype=float), equal_nan=True)


def test_excel_cells_beyond_the_header_are_not_read_and_said(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [line.split(",") for line in CANONICAL.splitlines()]:
        book.active.append(row)
    book.active["A3"] = None
    book.active["L7"] = "seen by me"
    book.save(tmp_path / "loans.xlsx")
    tape = read_tape(tmp_path / "loans.xlsx")
    assert len(tape) == 40
    said = tape.quality().findings
    assert said["what"].str.contains(r"columns without a name, not read \(first in row 7\)").any()


def test_rows_that_are_hidden_or_struck_out_in_a_sheet_are_said(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")

    def saved(hidden=(), struck=()):
        book = openpyxl.Workbook()
        for row in [line.split(",") for line in CANONICAL.splitlines()]:
            book.active.append(row)
        for row in hidden:
            book.active.row_dimensions[row].hidden = True
        for cell in struck:
            book.active[cell].font = openpyxl.styles.Font(strike=True)
        book.save(tmp_path / "loans.xlsx")
        tape = read_tape(tmp_path / "loans.xlsx")
        assert len(tape) == 40
        found = tape.quality().findings
        return found.loc[found["what"].str.contains("read like the others"), ["level", "what", "rows"]].values.tolist()

    assert saved() == saved(hidden=[1, 99], struck=["A1", "A99"]) == []  # the header, and an empty row below
    assert saved(hidden=[3, 4, 9]) == [
        ["warning", "rows hidden in the sheet, read like the others (first in row 3)", 3]
    ]
    both = saved(hidden=[5], struck=["A7", "B7", "B8"])
    assert [row[1:] for row in both] == [
        ["rows hidden in the sheet, read like the others (first in row 5)", 1],
        ["rows with a cell that is struck out, read like the others (first in row 7)", 2],
    ]


def test_a_hidden_sheet_is_read_where_it_is_asked_for(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "old"
    for place, page in enumerate([book.active, book.create_sheet("loans")]):
        for row in [line.split(",") for line in CANONICAL.splitlines()][: 31 + 10 * place]:
            page.append(row)
    book.active = 1
    book["old"].sheet_state = "hidden"
    book.save(tmp_path / "loans.xlsx")
    assert [len(read_tape(tmp_path / "loans.xlsx", sheet=sheet)) for sheet in (None, "old", 0, "loans")] == [
        40,
        30,
        30,
        40,
    ]
    book["loans"].sheet_state, book["old"].sheet_state, book.active = "veryHidden", "visible", 0
    book.save(tmp_path / "loans.xlsx")
    assert len(read_tape(tmp_path / "loans.xlsx")) == 30


def test_units_decided_on_the_first_piece_hold_for_all(write):
    from p2prisk.tape import iter_tape

    text = "loan_amnt,int_rate,sub_grade,loan_status,issue_d,term,funded_amnt\n" + "".join(
        f"1000,{0.1 if i < 50 else 5.0},A1,Fully Paid,2011-01-01,36,1000\n" for i in range(100)
    )
    path = write(text)
    with pytest.raises(StopIteration):
        pieces = iter_tape(path, rows=50)
        while True:
            next(pieces)
    mapping = {
        "format": "t",
        "columns": {"amount": {"from": "loan_amnt"}, "utilisation": {"from": "int_rate", "unit": "detect"}},
    }
    pieces = [tape.frame["utilisation"].tolist() for tape in iter_tape(path, mapping, rows=50)]
    assert pieces == [[10.0] * 50, [500.0] * 50]


def test_pieces_are_the_whole(write):
    from p2prisk.tape import iter_tape

    path = write(fixtures.LENDINGCLUB_RAW)
    whole = read_tape(path).frame
    pieces = pd.concat([tape.frame[["amount", "income", "utilisation"]] for tape in iter_tape(path, rows=2)])
    assert pieces["amount"].tolist() == whole["amount"].tolist()
    assert pieces["utilisation"].tolist() == whole["utilisation"].tolist()
    assert not {"status", "severity", "grade", "rate"} & set(next(iter_tape(path, rows=2)).frame.columns)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("hz", ["周转", "购车"]), ("iso2022_jp", ["住宅", "教育"]), ("iso2022_kr", ["주택", "교육"])],
)
def test_encodings_that_hide_in_ascii_are_asked_for(tmp_path, encoding, words):
    """Every byte of them is ASCII, so that `~{V\\W*~}` was a level."""
    text = "amount,term,purpose\n" + "".join(f"{1000 + i},36,{words[i % 2]}\n" for i in range(20))
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=f"--encoding {encoding}"):
        read_tape(tmp_path / "x.csv")
    assert read_tape(tmp_path / "x.csv", encoding=encoding).frame["purpose"].tolist() == words * 10
