"""Sizes are bounded before memory is taken: what unfolds, what has no end, what nests."""

import bz2
import gzip
import lzma
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.errors import DataError
from p2prisk.tape import bounds

HEADER = b"amount,term,note\n"


def packed(path, kind):
    """Ninety megabytes of the same loan in a file of some kilobytes."""
    lines = (HEADER, *[b"1000,36,same\n" * 70_000] * 100)
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("loans.csv", "w") as stream:
            stream.writelines(lines)
    elif kind == "gz":
        path.write_bytes(gzip.compress(b"".join(lines), 6))
    elif kind == "bz2":
        path.write_bytes(b"".join(bz2.compress(part) for part in lines[:2]) + bz2.compress(lines[1]) * 99)
    else:
        path.write_bytes(lzma.compress(b"".join(lines), preset=0))
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc, as on Linux")
@pytest.mark.parametrize("kind", ["gz", "zip", "bz2", "xz"])
def test_a_bomb_takes_no_memory(tmp_path, kind):
    path = packed(tmp_path / f"loans.csv.{kind}", kind)
    assert path.stat().st_size < 400_000
    # not ru_maxrss, in which a child begins with what its parent has had
    code = (
        "import re, sys; from p2prisk.cli import main; c = main(['check', sys.argv[1]]); "
        "peak = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]); "
        "sys.exit(c if peak < 400 << 10 else 99)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert run.returncode == 2 and "unfolds to more than 250 times" in run.stderr


@pytest.mark.parametrize("kind", ["bz2", "xz", "gz", "zip"])
def test_a_packed_tape_is_read(tmp_path, kind):
    frame = pd.DataFrame({"amount": range(1000, 1100), "term": 36, "income": [30_000 + 7 * i for i in range(100)]})
    path = tmp_path / f"loans.csv.{kind}"
    frame.to_csv(path, index=False)
    assert read_tape(path).frame["amount"].tolist() == list(range(1000, 1100))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_line_without_an_end_is_refused(tmp_path, pack):
    path = tmp_path / "loans.csv"
    path.write_bytes(pack(b"amount,term\n1000,36\n" + b"0" * (bounds.LINE + 5_000_000)))
    with pytest.raises(DataError, match="line of more than"):
        read_tape(path)


def test_a_cell_of_a_megabyte_is_refused_and_one_of_some_pages_is_read(tmp_path):
    path = tmp_path / "loans.csv"
    for size, fits in ((100_000, True), (bounds.CELL + 1, False)):
        path.write_text("amount,term,note\n" + "1000,36,x\n" * 20 + f"2000,36,{'z' * size}\n")
        if fits:
            assert len(read_tape(path).frame) == 21
        else:
            with pytest.raises(DataError, match="field larger"):
                read_tape(path)


def test_ten_thousand_columns_are_quick_and_a_million_are_refused(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text(",".join(f"c{i}" for i in range(9998)) + ",amount,term\n" + ("1," * 9998 + "1000,36\n") * 100)
    begin = time.process_time()
    assert len(read_tape(path).frame) == 100
    assert time.process_time() - begin < 8
    path.write_text(",".join(f"c{i}" for i in range(100_000)) + ",amount,term\n" + "1," * 100_000 + "1000,36\n")
    with pytest.raises(DataError, match="100,002 columns"):
        read_tape(path)


def test_a_table_that_is_wide_and_long_is_refused_before_a_column_is_read(tmp_path, monkeypatch):
    """Three thousand rows of 20,000 columns took 2.5 GB."""
    path = tmp_path / "loans.csv"
    path.write_text(",".join(f"c{i}" for i in range(48)) + ",amount,term\n" + ("1," * 48 + "1000,36\n") * 41)
    monkeypatch.setattr(bounds, "WIDE_CELLS", 2000)
    assert len(read_tape(path).frame) == 41
    monkeypatch.setattr(bounds, "WIDE", 40)
    with pytest.raises(DataError, match="50 columns and 41 rows: .*may have 2,000 cells. Export the columns"):
        read_tape(path)


def altered(path, change):
    """A workbook with a sheet of other XML."""
    book = openpyxl.Workbook()
    book.active.append(["amount", "term"])
    book.active.append([1000, 36])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_workbooks_that_unfold_are_refused(tmp_path):
    end = b"</sheetData>"
    cell = b'<row><c t="inlineStr"><is><t>' + b"y" * (bounds.FREE + 1000) + b"</t></is></c></row>"
    with pytest.raises(DataError, match="unfolds to"):
        read_tape(altered(tmp_path / "cell.xlsx", lambda xml: xml.replace(end, cell + end)))
    names = "bcdefghij"
    entities = b'<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'.encode() for before, name in zip("a" + names, names, strict=False)
    )

    def bomb(xml):
        body = xml.split(b"?>", 1)[-1].replace(b"<v>1000</v>", b"<v>&j;</v>")
        return b'<?xml version="1.0"?><!DOCTYPE x [' + entities + b"]>" + body

    with pytest.raises(DataError, match="broken"):
        read_tape(altered(tmp_path / "entity.xlsx", bomb))


@pytest.mark.parametrize(("length", "words"), [(1_200_000, "a cell of more than"), (900_000, "bytes of text")])
@pytest.mark.parametrize("read", ["whole", "in pieces"])
def test_one_long_text_in_every_row_of_a_parquet_file_is_refused(tmp_path, length, words, read, monkeypatch):
    """A file of 800 bytes took 20 GB: a dictionary holds the text once, and each row its number."""
    import numpy as np
    import pyarrow
    import pyarrow.parquet as parquet

    from p2prisk.tape import containers, iter_tape

    rows = 4000
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(rows, "int32")), pyarrow.array(["x" * length]))
    table = pyarrow.table({"amount": [1000] * rows, "term": [36] * rows, "purpose": text})
    parquet.write_table(table, tmp_path / "x.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "x.parquet").stat().st_size < 5000
    monkeypatch.setattr(containers, "free_memory", lambda: 1e9)
    with pytest.raises(DataError, match=words):
        read_tape(tmp_path / "x.parquet") if read == "whole" else list(iter_tape(tmp_path / "x.parquet", "canonical"))


@pytest.mark.parametrize("kind", ["binary", "large_string", "large_binary", "string_view", "binary_view"])
def test_so_is_one_of_any_type_that_a_file_names_for_its_texts(tmp_path, kind, monkeypatch):
    import pyarrow
    import pyarrow.parquet as parquet

    from p2prisk.tape import containers

    def write(text, rows):
        texts = pyarrow.array([text if "string" in kind else text.encode()] * rows, getattr(pyarrow, kind)())
        table = pyarrow.table({"amount": [1000] * rows, "term": [36] * rows, "purpose": texts})
        parquet.write_table(table, tmp_path / "x.parquet", compression="zstd")

    write("car", 20)
    assert read_tape(tmp_path / "x.parquet").frame["purpose"].tolist() == ["car"] * 20
    write("x" * 900_000, 300)
    monkeypatch.setattr(containers, "free_memory", lambda: 1e9)
    with pytest.raises(DataError, match="bytes of text"):
        read_tape(tmp_path / "x.parquet")


def test_wide_cells_of_one_width_are_refused_and_no_cell_is_in_the_words_of_a_damaged_file(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    from p2prisk.tape import containers

    wide = pyarrow.array([b"x" * 5000] * 20, pyarrow.binary(5000))
    table = pyarrow.table({"amount": [1000] * 20, "term": [36] * 20, "purpose": wide})
    parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="5,000 bytes in every cell"):
        read_tape(tmp_path / "x.parquet")
    with pytest.raises(DataError) as refused, containers._whole(tmp_path / "x.parquet", "Parquet"):
        raise pyarrow.ArrowInvalid("Wrapping Maria Roth failed")
    assert "Maria" not in str(refused.value) and "not a whole Parquet file" in str(refused.value)


def test_texts_that_are_changes_of_the_text_before_are_refused_where_they_may_unfold(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    def write(texts):
        table = pyarrow.table({"amount": [1000] * len(texts), "term": [36] * len(texts), "purpose": texts})
        way = {"use_dictionary": False, "column_encoding": {"purpose": "DELTA_BYTE_ARRAY"}}
        parquet.write_table(table, tmp_path / "x.parquet", **way)

    write(["car", "wedding"] * 20)
    assert read_tape(tmp_path / "x.parquet").frame["purpose"].value_counts().to_dict() == {"car": 20, "wedding": 20}
    write(["x" * 1_000_000 + str(place) for place in range(40)] + ["y"] * 40_000)
    with pytest.raises(DataError, match="DELTA_BYTE_ARRAY"):
        read_tape(tmp_path / "x.parquet")


def test_codes_numbers_and_gaps_of_a_parquet_file_come_as_they_are(tmp_path):
    frame = pd.DataFrame({"amount": [1000, 2000, 3000] * 10, "term": pd.Categorical([36, 60, 36] * 10)})
    frame["purpose"] = pd.Categorical(["car", None, "boat"] * 10)
    frame["income"] = [30_000.5, None, 40_000] * 10
    frame.to_parquet(tmp_path / "x.parquet")
    found = read_tape(tmp_path / "x.parquet").frame
    assert found["term"].tolist() == [36, 60, 36] * 10 and found["income"].isna().sum() == 10
    assert found["purpose"].astype(object).where(found["purpose"].notna(), None).tolist() == ["car", None, "boat"] * 10


def test_many_columns_of_a_parquet_file_are_quickly_refused_and_days_beyond_the_calendar_named(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    columns = {f"c{place}": [1] for place in range(bounds.COLUMNS + 1)}
    parquet.write_table(pyarrow.table(columns | {"amount": [1000], "term": [36]}), tmp_path / "x.parquet")
    begin = time.process_time()
    with pytest.raises(DataError, match="20,003 columns"):
        read_tape(tmp_path / "x.parquet")
    assert time.process_time() - begin < 5
    days = pyarrow.array([2**62] * 20, pyarrow.timestamp("us"))
    parquet.write_table(
        pyarrow.table({"amount": [1000] * 20, "term": [36] * 20, "issue_date": days}), tmp_path / "y.parquet"
    )
    with pytest.raises(DataError, match="'issue_date'.*20 value.* cannot be read"):
        read_tape(tmp_path / "y.parquet")


@pytest.mark.parametrize(
    "row", ['<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>', '<row><c r="XFD3"><v>1</v></c></row>' * 200]
)
def test_cells_far_beyond_the_table_of_a_workbook_are_refused(tmp_path, row, monkeypatch):
    """One cell in row two thousand million took all memory, and so do many at the right end of a sheet."""
    from p2prisk.tape import containers

    monkeypatch.setattr(containers, "CELLS_OF_A_SHEET", 10**6)
    path = altered(tmp_path / "x.xlsx", lambda xml: xml.replace(b"</sheetData>", row.encode() + b"</sheetData>"))
    with pytest.raises(DataError, match="far beyond the table"):
        read_tape(path)


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


ODD_VALUES = {
    "1" * 5000: "looks like a number or a date and is none",
    "2001-99-99": "looks like a number or a date and is none",
    "2001-13-45T99:99:99": "looks like a number or a date and is none",
    "!!int x": "tags such as",
    "!!timestamp x": "tags such as",
    "!!binary '%%'": "tags such as",
    "!x y": "tags such as",
    "{? [a, b] : c}": "where a key is needed",
    "{? {a: b} : c}": "where a key is needed",
    "{a: 1, a: 2}": "is there twice",
    "{a: 1, 'a': 2}": "is there twice",
}


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize("what", ["mapping", "decisions", "limits", "scenarios"])
def test_values_that_yaml_cannot_build_are_errors_of_the_file(tmp_path, value, what):
    """They were faults of the program, and of two keys the later one counted without a word."""
    from p2prisk.cli.stress import schema
    from p2prisk.report.checklist import read_limits
    from p2prisk.report.decisions import Decisions, read_yaml
    from p2prisk.tape.mapping_file import read_mapping

    path = tmp_path / "x.yml"
    path.write_text(f"columns: {{amount: {{from: amount}}}}\nhorizon: {value}\n")
    read = {"mapping": read_mapping, "decisions": Decisions.read, "limits": read_limits}
    with pytest.raises(DataError, match=f"x.yml.*{ODD_VALUES[value]}"):
        read.get(what, lambda path: read_yaml(path, what, schema()))(path)


@pytest.mark.parametrize(
    ("what", "text", "place"),
    [
        ("decisions", "cutoff: {accept: .nan, reason: decided}", "cutoff.accept"),
        ("decisions", "grades: {bounds: [0.1, .nan, 0.2], reason: decided}", "grades.bounds.1"),
        ("scenarios", "scenarios: [{name: a, story: b, odds: .nan}]", "scenarios.0.odds"),
        ("scenarios", "recovery: .NaN\nscenarios: [{name: a, story: b, odds: 1.5}]", "recovery"),
        (
            "scenarios",
            "limits: {lenders_return: .nan}\nscenarios: [{name: a, story: b, odds: 2}]",
            "limits.lenders_return",
        ),
    ],
)
def test_numbers_of_settings_are_finite(tmp_path, what, text, place):
    """No bound of a schema stops NaN: every comparison with it is false."""
    from p2prisk.cli.stress import schema
    from p2prisk.report.decisions import Decisions, read_yaml

    path = tmp_path / "x.yml"
    path.write_text(text)
    with pytest.raises(DataError, match=f"x.yml: at {place}: a number that is finite"):
        Decisions.read(path) if what == "decisions" else read_yaml(path, what, schema())


@pytest.mark.parametrize(
    "text, what",
    [
        (ALIASES + "columns: {amount: {from: amount}}\nmissing: *a8\n", "line 2: aliases"),
        ("columns: &c {amount: {from: *c}}\n", "aliases"),
        ("columns: " + "[" * 5000 + "]" * 5000, "nested deeper"),
        ("columns: " + "{a: " * 5000 + "}" * 5000, "nested deeper"),
        ("# " + "x" * (1 << 20) + "\ncolumns: {amount: {from: amount}}\n", "more than 1,048,576 bytes"),
    ],
)
def test_mappings_that_unfold_are_refused(tmp_path, text, what):
    (tmp_path / "loans.csv").write_text("amount,term\n1000,36\n")
    (tmp_path / "m.yml").write_text(text)
    begin = time.process_time()
    with pytest.raises(DataError, match=what):
        read_tape(tmp_path / "loans.csv", format=tmp_path / "m.yml")
    assert time.process_time() - begin < 3


#: files of some kilobytes that took gigabytes or minutes -> what is said of them
UNFOLDING = {
    "lines of another width": ([b"1\n" * 400_000] * 3, "more than 1,000,000 lines do not fit the header"),
    "blank lines": ([b"\n" * 600_000] * 2, "nine in ten are blank"),
    "a row of empty cells": ([b"1000,36,x\n" * 30, b"1000,36,x" + b"," * 100_000 + b"\n"], "100,003 columns"),
    "a row over many lines": ([b"1000,36,x\n" * 30, b'"a\n",' * 3_000_000 + b"\n"], "more than 16,777,216 letters"),
}


@pytest.mark.parametrize("kind", UNFOLDING)
def test_rows_that_unfold_are_refused(tmp_path, kind, monkeypatch):
    from p2prisk.tape import text_file

    parts, words = UNFOLDING[kind]
    if "16,777,216" in words:
        monkeypatch.setattr(text_file, "LINE", 100_000)
        parts, words = [parts[0], b'"a\n",' * 30_000 + b"\n"], "more than 100,000 letters"
    if "1,000,000" in words or "blank" in words:
        monkeypatch.setattr(text_file, "BROKEN", 10_000)
        parts, words = [parts[0][:40_000]], words.replace("1,000,000", "10,000")
    (tmp_path / "loans.csv").write_bytes(HEADER + b"".join(parts))
    for on_error in ("raise", "missing"):
        with pytest.raises(DataError, match=words):
            read_tape(tmp_path / "loans.csv", on_error=on_error)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux counts the memory of a program so")
def test_a_library_that_takes_more_than_it_may_fails_alone():
    with bounds.within(1 << 28):
        assert len(bytearray(1 << 20)) == 1 << 20
        with pytest.raises(MemoryError):
            bytearray(1 << 30)
    assert len(bytearray(1 << 29)) == 1 << 29


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux counts the memory of a program so")
def test_a_command_takes_no_more_than_is_free_and_repeats_no_warning_of_a_library(tmp_path, monkeypatch, capsys):
    import warnings

    from p2prisk import cli

    def run(arguments):
        warnings.warn("the cell of Maria Roth", UserWarning, stacklevel=1)
        return bytearray(1 << 40)

    monkeypatch.setattr(cli, "_check", run)
    assert cli.main(["check", str(tmp_path / "x.csv")]) == 2
    told = capsys.readouterr().err
    assert "the memory is not enough" in told and "Maria" not in told


def test_a_member_of_an_archive_that_unfolds_is_not_unpacked_to_see_what_the_archive_is(tmp_path):
    """3,800 bytes took 5 GB: an OpenDocument file is known by 40 bytes of its first member."""
    import tracemalloc

    path = tmp_path / "loans.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", bytes(1 << 25))
        archive.writestr("a.csv", "amount,term\n1000,36\n")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="holds 2 files"):
            read_tape(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["a.csv", "xl/workbook.xml"])
def test_members_of_an_archive_in_another_packing_are_refused(tmp_path, way, name):
    """Python unpacks 4 kB of bzip2 at once, and that was a table of 5 GB."""
    with zipfile.ZipFile(tmp_path / "loans.zip", "w", way) as archive:
        archive.writestr(name, "amount,term\n1000,36\n")
    with pytest.raises(DataError, match="packed in a way not known here"):
        read_tape(tmp_path / "loans.zip")


def test_an_archive_under_a_password_or_with_a_damaged_member_is_refused_by_its_name(tmp_path):
    for flag, words in ((1, "locked by a password"), (0, "damaged")):
        path = tmp_path / "loans.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", b"application/x" * 9)
            archive.writestr("a.csv", "amount,term\n1000,36\n")
        data = bytearray(path.read_bytes())
        data[6] |= flag
        data[data.index(b"PK\x01\x02") + 8] |= flag
        if not flag:
            data[data.index(b"mimetype") + 8] ^= 0xFF
        path.write_bytes(data)
        with pytest.raises(DataError, match=words):
            read_tape(path)


def test_one_text_in_every_row_of_a_workbook_is_refused(tmp_path, monkeypatch):
    """Cells name a shared text by its number: 300,000 rows of one were 10 GB."""
    from p2prisk.tape import containers

    def book(length):
        words = [f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in ("amount", "term", "purpose", "x" * length)]
        sheet = f"<sheetData><row>{''.join(words[:3])}</row>" + f"<row><c><v>1000</v></c><c/>{words[3]}</row>" * 50
        return altered(tmp_path / "x.xlsx", lambda xml: re.sub(b"<sheetData>.*(?=</sheetData>)", sheet.encode(), xml))

    monkeypatch.setattr(containers, "FREE", 10_000)
    monkeypatch.setattr(containers, "RATIO", 1)
    assert len(read_tape(book(100)).frame) == 50
    with pytest.raises(DataError, match="letters and more: no table of loans"):
        read_tape(book(1000))
    monkeypatch.setattr(containers, "CELL", 50)
    with pytest.raises(DataError, match="a cell of more than 50 letters"):
        read_tape(book(100))


def test_a_workbook_that_takes_more_than_its_size_allows_is_refused(tmp_path, monkeypatch):
    """Sixty megabytes of empty styles are objects of many gigabytes: what else a part may hold, nobody lists."""
    from p2prisk.tape import containers

    def many(path, sheet):
        raise MemoryError

    path = altered(tmp_path / "x.xlsx", lambda xml: xml)
    assert len(read_tape(path).frame) == 1
    monkeypatch.setattr(containers, "_rows_of_sheet", many)
    with pytest.raises(DataError, match="unfolds to more than a workbook"):
        read_tape(path)


def test_the_words_of_a_workbook_about_its_author_are_not_repeated(tmp_path, monkeypatch):
    def damaged(*_, **__):
        raise ValueError("invalid datetime value Maria Roth")

    path = altered(tmp_path / "x.xlsx", lambda xml: xml)
    monkeypatch.setattr(openpyxl, "load_workbook", damaged)
    with pytest.raises(DataError, match="is not a whole Excel file") as refused:
        read_tape(path)
    assert "Maria" not in str(refused.value)


def test_a_page_of_text_in_every_row_is_refused_however_much_memory_is_free(tmp_path, monkeypatch):
    """A file of 4 kB still took 4 GB where 18 were free."""
    import pyarrow
    import pyarrow.parquet as parquet

    from p2prisk.tape import containers

    table = {"amount": [1000] * 200, "term": [36] * 200, "purpose": ["x" * 500_000] * 200}
    parquet.write_table(pyarrow.table(table), tmp_path / "x.parquet", compression="zstd")
    monkeypatch.setattr(containers, "free_memory", lambda: 1e12)
    with pytest.raises(DataError, match="bytes of text"):
        read_tape(tmp_path / "x.parquet")


@pytest.mark.parametrize("kind", ["json", "opaque", "tensor"])
def test_types_of_their_own_in_a_parquet_file_are_refused(tmp_path, kind):
    """Their texts do not come as codes: one of 600,000 letters in 3,000 rows took 4 GB."""
    import numpy as np
    import pyarrow
    import pyarrow.parquet as parquet

    if kind == "tensor":
        column = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((20, 4)))
    elif not hasattr(pyarrow, kind if kind == "opaque" else "json_"):
        pytest.skip("this edition of pyarrow has no such type")
    else:
        own = pyarrow.json_() if kind == "json" else pyarrow.opaque(pyarrow.string(), "t", "v")
        column = pyarrow.ExtensionArray.from_storage(own, pyarrow.array(['"car"'] * 20))
    table = {"amount": [1000] * 20, "term": [36] * 20, "x": column}
    parquet.write_table(pyarrow.table(table), tmp_path / "x.parquet")
    mapping = {"columns": {"amount": {"from": "amount"}, "term": {"from": "term"}}}
    assert len(read_tape(tmp_path / "x.parquet", mapping).frame) == 20
    mapping["columns"]["purpose"] = {"from": "x"}
    with pytest.raises(DataError, match="'x': has a type of its own"):
        read_tape(tmp_path / "x.parquet", mapping)


def test_memory_of_a_parquet_file_is_by_what_its_cells_become():
    """A day, a decimal or a text of one width is an object of Python in each row, not eight bytes."""
    import datetime
    import decimal

    import pyarrow

    rows = 20_000_000
    about = type("About", (), {"num_columns": 1, "num_row_groups": 0, "num_rows": rows})
    bounds.check_parquet(Path(__file__), about, [pyarrow.int64()], 1e9)
    objects = [pyarrow.array([value]).type for value in (datetime.date(2020, 1, 1), decimal.Decimal("1.5"))]
    for kind in (*objects, pyarrow.binary(1024)):
        with pytest.raises(DataError, match="GB of memory"):
            bounds.check_parquet(Path(__file__), about, [kind], 1e9)


@pytest.mark.parametrize(
    ("value", "words"),
    [("[" + "1," * 2000 + "]", "more than 1,000 values"), ("1:" * 5000 + "1", "more than 300 figures")],
)
def test_settings_that_take_minutes_are_refused(tmp_path, value, words, monkeypatch):
    from p2prisk.report.decisions import Decisions
    from p2prisk.tape.mapping_file import read_mapping

    monkeypatch.setattr(bounds, "VALUES", 1000)
    path = tmp_path / "x.yml"
    path.write_text(f"columns: {{amount: {{from: amount}}}}\nmissing: {value}\n")
    for read in (read_mapping, Decisions.read):
        with pytest.raises(DataError, match=words):
            read(path)


def test_a_model_of_lists_alone_is_refused_before_it_is_built(monkeypatch):
    from p2prisk import saved
    from p2prisk.standard import StandardModel

    monkeypatch.setattr(saved, "PARTS", 1000)
    with pytest.raises(DataError, match="more lists than any model"):
        StandardModel.from_json('{"format": "p2prisk.StandardModel/2", "a": [' + "[]," * 1000 + "[]]}")


def test_what_a_parquet_file_unfolds_to_is_counted_over_all_its_groups():
    """Ten thousand empty groups before the one that unfolds hide nothing."""
    sizes = [0] * 10_000 + [1 << 60]
    about = SimpleNamespace(
        num_columns=1,
        num_row_groups=len(sizes),
        num_rows=1,
        row_group=lambda place: SimpleNamespace(total_byte_size=sizes[place]),
    )
    with pytest.raises(DataError, match="unfolds to"):
        bounds.check_parquet(Path(__file__), about, [], None)


#: parts of a workbook that say nothing many times over, in files of kilobytes; most took minutes to parse
EMPTY = {
    "rows": ("xl/worksheets/sheet1.xml", b"</sheetData>", b"<row/>"),
    "cells": ("xl/worksheets/sheet1.xml", b"</sheetData>", b"<row>" + b"<c/>" * 1000 + b"</row>"),
    "cells of a number": ("xl/worksheets/sheet1.xml", b"</sheetData>", b"<row><c><v>1</v></c></row>"),
    "elements of no kind": ("xl/worksheets/sheet1.xml", b"<sheetData>", b"<x/>"),
    "depth": ("xl/worksheets/sheet1.xml", b"</sheetData>", b"<a>"),
    "attributes": ("xl/worksheets/sheet1.xml", b"</sheetData>", b"<row " + b'a="1" ' * 1000 + b"/>"),
    "runs of a text": ("xl/sharedStrings.xml", b"</sst>", b"<si><r><t>a</t></r></si>"),
    "styles": ("xl/styles.xml", b"</cellXfs>", b"<xf/>"),
    "fonts": ("xl/styles.xml", b"</fonts>", b"<font/>"),
    "sheets": ("xl/workbook.xml", b"</sheets>", b'<sheet name="a" sheetId="1"/>'),
    "relations": ("xl/_rels/workbook.xml.rels", b"</Relationships>", b'<Relationship Id="r" Type="t" Target="x"/>'),
    "kinds of parts": ("[Content_Types].xml", b"</Types>", b'<Default Extension="a" ContentType="b"/>'),
    "properties": ("docProps/core.xml", b"</cp:coreProperties>", b"<x/>"),
}


def with_part(path, name, change):
    """A workbook with another part."""
    altered(path, lambda xml: xml)
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    parts[name] = change(parts.get(name, b"<sst></sst>"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, data in parts.items():
            archive.writestr(each, data)
    return path


@pytest.mark.parametrize("what", EMPTY)
def test_parts_of_a_workbook_that_say_nothing_are_refused_before_they_are_parsed(tmp_path, what, monkeypatch):
    name, at, empty = EMPTY[what]
    times = (bounds.MARKS if "sheet1" in name or "shared" in name else bounds.MARKS_BESIDE) // len(
        re.findall(b"[<=]", empty)
    ) + 1

    def never(*_, **__):
        pytest.fail("it is parsed")

    monkeypatch.setattr(openpyxl, "load_workbook", never)
    path = with_part(
        tmp_path / "x.xlsx", name, lambda xml: xml.replace(at, empty * times + at, 1) if at in xml else xml
    )
    with pytest.raises(DataError, match="nearly all of them empty|does not say plainly"):
        read_tape(path)


def test_a_part_that_only_begins_like_a_sheet_has_no_more_tags_than_others(tmp_path):
    """The reader takes a part by its name and asks no one how it begins."""
    many = b"<worksheet><cellXfs>" + b"<xf/>" * bounds.MARKS_BESIDE + b"</cellXfs></worksheet>"
    for name in ("xl/styles.xml", "xl/workbook.xml"):
        with pytest.raises(DataError, match="for styles, names and the like"):
            read_tape(with_part(tmp_path / "x.xlsx", name, lambda xml: many))
    hidden = b"<Types><Override PartName='/x' ContentType='&#109;ain+xml'/></Types>"
    with pytest.raises(DataError, match="does not say plainly"):
        read_tape(with_part(tmp_path / "x.xlsx", "[Content_Types].xml", lambda xml: hidden))


def test_workbooks_in_odd_encodings_or_with_a_tag_of_megabytes_or_a_thousand_parts_are_refused(tmp_path):
    sheet = "xl/worksheets/sheet1.xml"
    odd = b'<?xml version="1.0" encoding="cp037"?><worksheet/>'  # in which no tag begins with the byte of "<"
    with pytest.raises(DataError, match="encoding that no workbook has"):
        read_tape(with_part(tmp_path / "x.xlsx", sheet, lambda xml: odd))
    for text in (b"<row " + b"a " * (1 << 22), b"<row><c><v>" + b"1" * (1 << 23)):
        with pytest.raises(DataError, match="a tag or a cell of more than"):
            read_tape(
                with_part(
                    tmp_path / "x.xlsx", sheet, lambda xml, text=text: xml.replace(b"</sheetD", text + b"</sheetD")
                )
            )
    path = altered(tmp_path / "x.xlsx", lambda xml: xml)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"xl/worksheets/z{number}.xml", b" " * (1 << 22))
    with pytest.raises(DataError, match="unfolds to .* parts: no workbook"):
        read_tape(path)


def test_a_long_formula_that_cells_share_is_not_written_anew_for_each(tmp_path):
    """Thirty thousand cells took minutes in a file of 6 kB."""
    long = b'<row r="9"><c r="A9"><f t="shared" si="0" ref="A1:A9">' + b"A1+" * 5000 + b"A1</f></c></row>"
    more = b'<row r="9"><c r="A9"><f t="shared" si="0"/></c></row>' * 2000
    path = altered(tmp_path / "x.xlsx", lambda xml: xml.replace(b"</sheetData>", long + more + b"</sheetData>"))
    begin = time.process_time()
    with pytest.raises(DataError, match="cell A9 .*holds a formula"):
        read_tape(path)
    assert time.process_time() - begin < 2


def _forged(tmp_path, old, new, **options):
    """A Parquet file of 600 loans whose footer says something else; whether it was there to be changed."""
    import pyarrow
    import pyarrow.parquet as parquet

    path = tmp_path / "loans.parquet"
    homes = {"amount": [1000] * 600, "term": [36] * 600, "home": ["rent", "own"] * 300, "status": ["paid"] * 600}
    parquet.write_table(pyarrow.table(homes), path, **options)
    whole = path.read_bytes()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    assert old in whole[begin:]
    path.write_bytes(whole[:begin] + whole[begin:].replace(old, new))
    return path


#: numbers of the footer, as Thrift writes them: 600 and 599; a text column, and one of whole numbers with its name
FORGED = {
    "rows of the file": (b"\x16\xb0\x09\x19", b"\x16\xae\x09\x19", {}),
    "rows of a group": (b"\x16\xb0\x09\x26", b"\x16\xae\x09\x26", {}),
    "rows below zero": (b"\x16\xb0\x09\x26", b"\x16\xaf\x09\x26", {}),
    "type of a column": (b"\x15\x0c\x25\x02\x18\x04home", b"\x15\x02\x25\x02\x18\x04home", {}),
    "numbers as others": (b"\x15\x04\x25\x02\x18\x06amount", b"\x15\x02\x25\x02\x18\x06amount", {}),
    "a column that may have no gaps": (b"\x15\x0c\x25\x02\x18\x04home", b"\x15\x0c\x25\x00\x18\x04home", {}),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_footer_that_contradicts_itself_is_refused_and_ends_no_interpreter(tmp_path, what):
    """pyarrow read the rows that a group named, and aborted Python over a column that is not as its numbers say."""
    old, new, options = FORGED[what]
    path = _forged(tmp_path, old, new, **options)
    ran = subprocess.run(
        [sys.executable, "-m", "p2prisk", "check", path], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ran.returncode == 2 and path.name in ran.stderr and "again" in ran.stderr, ran


def test_a_footer_is_bounded_and_its_columns_counted(tmp_path):
    from p2prisk.tape import footer

    path = _forged(tmp_path, b"home", b"home", row_group_size=100)
    chunks = footer.read_footer(path, 4)
    assert len(chunks) == 24 and {chunk.cells for chunk in chunks} == {100}
    assert [chunk.place for chunk in chunks[:5]] == [0, 1, 2, 3, 0]
    with pytest.raises(DataError, match="group 1 of 6: has 4 columns where the file has 3"):
        footer.read_footer(path, 3)
    whole = path.read_bytes()
    for length, words in ((len(whole), "a footer of"), (40, "ends early")):
        path.write_bytes(whole[:-8] + length.to_bytes(4, "little") + b"PAR1")
        with pytest.raises(DataError, match=words):
            footer.read_footer(path, 4)


def test_a_file_of_the_system_that_has_no_size_is_not_waited_for(tmp_path, monkeypatch):
    """`score` opened /proc/kmsg, an ordinary file by its mode, and waited for its first line without end."""
    from p2prisk.tape import iter_tape

    (tmp_path / "loans.csv").write_bytes(b"")
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("opened before it was looked at"))
    with pytest.raises(DataError, match="is empty"):
        next(iter_tape(tmp_path / "loans.csv"))


def test_settings_and_models_without_a_size_are_not_waited_for(tmp_path, monkeypatch):
    """--map, --model, --decisions and a lineage that name /proc/kmsg were read until somebody pressed Ctrl-C."""
    from p2prisk.report import lineage
    from p2prisk.report.decisions import read_yaml
    from p2prisk.saved import restore
    from p2prisk.tape.mapping_file import read_mapping

    path = tmp_path / "none"
    path.write_bytes(b"")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("opened before it was looked at"))
    for read in (read_mapping, lineage.read, lambda path: restore(path, "toy/1", "toy", "save")):
        with pytest.raises(DataError, match=r"none.*(is empty|no lineage)"):
            read(path)
    assert not read_yaml(path, "decisions", {})


@pytest.mark.parametrize("option", ["--map", "--record-date", "--encoding", "--sheet", "--html"])
def test_an_option_that_is_empty_is_not_left_out_in_silence(tmp_path, option, capsys):
    """A variable of the shell that was never set gave the tape another mapping, and no page."""
    from p2prisk.cli import main

    (tmp_path / "loans.csv").write_text("amount,term,status\n" + "1000,36,paid\n" * 30)
    try:
        code = main(["check", str(tmp_path / "loans.csv"), option, ""])
    except SystemExit as stop:  # of the parser, for a day
        code = stop.code
    assert code == 2 and option in capsys.readouterr().err
