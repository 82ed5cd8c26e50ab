"""Sizes are bounded before memory is taken: what unfolds, what has no end, what nests."""

import bz2
import gzip
import lzma
import subprocess
import sys
import time
import zipfile
from pathlib import Path

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


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


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
