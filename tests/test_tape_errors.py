"""The table of errors in ``data/README.md`` shows every message as it is printed.

``python tests/test_tape_errors.py`` writes the table anew.
"""

import contextlib
import gzip
import io
import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from unittest import mock

import pandas as pd

import tape_fixtures as fixtures
from p2prisk import load, read_tape
from p2prisk.errors import P2PRiskError
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import refuse_later

CARD = Path(__file__).resolve().parents[1] / "data" / "README.md"
BEGIN, END = "<!-- BEGIN error table: python tests/test_tape_errors.py -->", "<!-- END error table -->"
LOANS = "loan_id,issue_date,amount,term,income,home,grade,status\n" + "".join(
    f"L{i},2015-0{1 + i % 9}-01,{1000 + i},36,{30000 + i},{'rent' if i % 2 else 'own'},{'ABC'[i % 3]},"
    f"{'paid' if i % 4 else 'charged off'}\n"
    for i in range(40)
)


def cases():
    """What is wrong -> how to read it; run in an empty working directory."""

    def put(name, content, encoding="utf-8"):
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return name

    def parquet(name, frame):
        frame.to_parquet(name)
        return name

    table = pd.read_csv(io.StringIO(LOANS))
    lines = LOANS.splitlines()
    mixed = b"".join(
        line.encode("gbk" if n == 3 else "utf-8") for n, line in enumerate(fixtures.PPDAI_LC.splitlines(keepends=True))
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as both:
        both.writestr("2015.csv", LOANS)
        both.writestr("2016.csv", LOANS)
    yield "no such file", lambda: read_tape("loan.csv")
    yield "empty file", lambda: read_tape(put("loans.csv", b""))
    yield "header only", lambda: read_tape(put("loans.csv", lines[0] + "\n"))
    yield "unknown header", lambda: read_tape(put("loans.csv", "a,b\n1,2\n"))
    yield (
        "column missing",
        lambda: read_tape(put("loans.csv", "loan_amnt,int_rate,sub_grade,loan_status\n1,9,A1,Current\n")),
    )
    yield "column twice", lambda: read_tape(put("loans.csv", "amount,term,amount\n1,36,2\n"))
    yield "text in a number", lambda: read_tape(put("loans.csv", LOANS.replace(",1003,36,", ",a lot,36,")))
    yield "personal data in a number", lambda: read_tape(put("loans.csv", LOANS.replace(",1003,", ",jo@bank.example,")))
    yield "unreadable date", lambda: read_tape(put("loans.csv", LOANS.replace("2015-05-01", "01/05/15")))
    yield "unknown level", lambda: read_tape(put("loans.csv", LOANS.replace("charged off", "written down")))
    yield (
        "grades without order",
        lambda: read_tape(put("loans.csv", "amount,term,grade\n1,36,gold\n2,36,silver\n3,36,bronze\n")),
    )
    yield "row too long or short", lambda: read_tape(put("loans.csv", LOANS.replace(",paid", ",paid,x", 1)))
    moved = LOANS.replace(",1007,36,30007,", ",1,007,36,", 1)
    yield "row moved by a mark inside a cell", lambda: read_tape(put("loans.csv", moved))
    seconds = re.sub(r"2015-0(\d)-01", lambda day: f"1.{40 + int(day[1])}E+09", LOANS)
    yield "days rounded away by a spreadsheet", lambda: read_tape(put("loans.csv", seconds))
    yield "file truncated", lambda: read_tape(put("loans.csv", LOANS[:-20]))
    yield "compressed file truncated", lambda: read_tape(put("loans.csv.gz", gzip.compress(LOANS.encode())[:-40]))
    yield (
        "Parquet truncated",
        lambda: read_tape(put("loans.parquet", Path(parquet("whole.parquet", table)).read_bytes()[:-60])),
    )
    yield "encodings mixed", lambda: read_tape(put("LC.csv", mixed))
    yield (
        "encoding unknown",
        lambda: read_tape(put("loans.csv", LOANS.encode() + b"L99,2015-01-01,1,36,1,\xff\xff,A,paid\n")),
    )
    yield "several files in a zip", lambda: read_tape(put("loans.zip", archive.getvalue()))
    yield "another kind of file", lambda: read_tape(put("loans.csv", b"%PDF-1.7 ..."))
    yield "old Excel file", lambda: read_tape(put("loans.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99)))
    yield "column of lists", lambda: read_tape(parquet("loans.parquet", table.assign(income=[[1, 2]] * 40)))
    yield "formula in a cell", lambda: read_tape(put("loans.csv", LOANS.replace("rent", "=cmd|'/c calc'!A1", 1)))

    def formula():
        import openpyxl

        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line.split(","))
        book.active["C5"] = "=1+1"
        book.save("loans.xlsx")
        return read_tape("loans.xlsx")

    yield "formula in an Excel cell", formula

    def too_large():
        with mock.patch("p2prisk.tape.text_file.free_memory", lambda: 1e8):
            return read_tape(put("loans.csv", LOANS))

    yield "larger than the memory", too_large
    yield "record date that is none", lambda: read_tape(put("loans.csv", LOANS), record_date="soon")
    yield "unknown format", lambda: read_tape(put("loans.csv", LOANS), format="lendingklub")
    misspelt = fixtures.MAPPING.replace("from: Netto", "from: Nettto")
    yield (
        "mapping names no such column",
        lambda: read_tape(put("bank.csv", fixtures.MAPPED), format=put("bank.yml", misspelt)),
    )
    yield (
        "mapping: unknown canonical column",
        lambda: read_tape(
            put("bank.csv", fixtures.MAPPED), format=put("bank.yml", "columns: {betrag: {from: Betrag}}")
        ),
    )
    yield (
        "mapping: unknown unit",
        lambda: read_tape(
            put("bank.csv", fixtures.MAPPED), format=put("bank.yml", "columns: {income: {from: Netto, unit: weekly}}")
        ),
    )
    yield (
        "mapping is no YAML",
        lambda: read_tape(put("bank.csv", fixtures.MAPPED), format=put("bank.yml", "columns: [a")),
    )
    import sqlite3

    sqlite3.connect("loans.db").close()
    Path("loans.db").touch()
    yield "no such database", lambda: read_tape("sqlite:///loan.db", query="SELECT * FROM loans")
    yield "database without a query", lambda: read_tape("sqlite:///loans.db")
    yield "query that is no SELECT", lambda: read_tape("sqlite:///loans.db", query="DROP TABLE loans")
    yield "query fails", lambda: read_tape("sqlite:///loans.db", query="SELECT * FROM loans")

    def elsewhere():
        with mock.patch.dict(os.environ, {"P2PRISK_SHARED": "shared"}):
            return load("prosper")

    yield "micro file absent", elsewhere
    yield "micro file is another", lambda: load("prosper", path=put("prosper_closed_2009_2014.csv.gz", b"other"))
    yield "predictor not admissible", lambda: refuse_later(["income", "rate", "late_fees", "shoe_size"])
    yield "no model file", lambda: StandardModel.from_json("model.json")

    def drifted():
        tape = load("lendingclub-2018")
        model = fit_standard(tape, "grade", ["income", "dti"])
        return model.score(tape.frame.head(5).assign(dti=[900.0, 1, 2, 3, 4]), drift="refuse")

    yield "loans unlike those of the fit", drifted


def error_table():
    """The table as Markdown, each message as printed."""
    rows = ["| what is wrong | what is printed |", "|:---|:---|"]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for what, action in cases():
            try:
                action()
            except P2PRiskError as error:
                text = str(error).replace(folder + os.sep, "").replace("|", "\\|").replace("\n", " ")
                rows.append(f"| {what} | {text} |")
            else:
                raise AssertionError(f"{what}: no error")
    return "\n".join(rows)


def test_every_message_is_printed_as_documented():
    documented = CARD.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    for printed, shown in zip(error_table().splitlines(), documented.splitlines(), strict=True):
        assert printed == shown


def test_every_message_names_a_remedy():
    verbs = (
        r"\b(check|give|export|name|write|rename|correct|add|list|repair|copy|unpack|save|spread|remove|paste|"
        r"convert|use|say|map|put|set|fit|choose|look|see|known|a delimiter inside|must be|is neither|drafts)\b"
    )
    for row in error_table().splitlines()[2:]:
        assert re.search(verbs, row, re.IGNORECASE), row


if __name__ == "__main__":
    text = CARD.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    CARD.write_text(f"{head}{BEGIN}\n{error_table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    sys.stdout.write("written: data/README.md\n")
