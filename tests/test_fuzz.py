"""A slice of the recorded fuzz run (benchmarks/fuzz.md), the dialects, and the faults that the run found."""

import contextlib
import importlib.util
import io
import json
import lzma
import re
import sqlite3
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import yaml

from p2prisk import OrderedLogit, read_tape
from p2prisk.errors import DataError, ModelError
from p2prisk.saved import checksum
from p2prisk.scorecard import Scorecard
from p2prisk.tape import iter_tape


def _script(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "benchmarks" / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fuzz_dialects, fuzz = _script("fuzz_dialects"), _script("fuzz")

QUICK = ("any_bytes", "text_file", "packed", "parquet", "database", "mapping", "mapping_text", "model", "formula")


@pytest.mark.parametrize("name", QUICK)
def test_a_slice_of_the_run(name):
    kind = getattr(fuzz, name)
    counts, faults = fuzz.run(kind, range(8), seed="tests")
    assert not faults and sum(counts.values()) == 8


def test_the_run_finds_what_is_broken(monkeypatch):
    monkeypatch.setattr(fuzz, "read_tape", lambda *given, **more: [][1])
    counts, faults = fuzz.run(fuzz.cells, range(2), seed="tests")
    assert counts["traceback"] == 2 and "IndexError" in faults[0]


@pytest.fixture(scope="module")
def loans():
    return fuzz.loans(12)


def test_a_tape_reads_alike_in_every_dialect_or_is_refused(tmp_path, loans):
    """With what the lender knows of his file it reads alike; without, it reads alike or is refused, never otherwise."""
    bare, read = {"columns": {name: {"from": name} for name in loans}}, 0
    assert len(fuzz_dialects.DIALECTS) >= 40
    for place, how in enumerate(fuzz_dialects.DIALECTS):
        folder = tmp_path / str(place)
        folder.mkdir()
        path, stated, truth = fuzz_dialects.written(loans, folder, **how)
        query = "SELECT * FROM loans" if how.get("kind") == "sqlite" else None
        fuzz_dialects.same(read_tape(path, stated, query=query), truth)
        if stated != bare:
            try:
                tape = read_tape(path, bare, query=query)
            except DataError as error:
                assert any(word in str(error) for word in ("mapping", "missing", "decimal", "date")), error
                continue
            fuzz_dialects.same(tape, truth)
            read += 1
    assert read > 3


def test_another_value_is_seen(loans, tmp_path):
    path, stated, truth = fuzz_dialects.written(loans, tmp_path, numbers="comma", delimiter=";")
    truth.loc[3, "dti"] += 0.01
    with pytest.raises(fuzz.Misread, match="dti, row 4"):
        fuzz_dialects.same(read_tape(path, stated), truth)


# ---------------------------------------------------------------- what the run found


MAPPINGS = [
    ({"unused": "x"}, "unused is 'x'; write unused:"),
    ({"record_date": ["2020-01-01"]}, "record_date is"),
    ({"record_date": 20200101}, "record_date is 20200101; write record_date: 2024-12-31"),
    ({"record_date": "car"}, "'car' is no date; write it as 2024-12-31"),
    ({"record_date": "5"}, "'5' is no date"),
    ({"currency": float("nan")}, "currency is nan"),
    ({"missing": [{"x": 1}]}, "missing is"),
    ({"inquiries_window": "six"}, "inquiries_window is 'six'; write inquiries_window: a number"),
    ({"decimal": ";"}, "decimal is ';'"),
    ({"columns": None}, "there are no 'columns'"),
]
RULES = [
    ({"from": {"x": 1}}, "from is"),
    ({"from": [None]}, "from is"),
    ({"from": []}, "say 'from'"),
    ({"unit": ["per cent"]}, "unit is"),
    ({"recode": "car"}, "recode is 'car'"),
    ({"recode": {"a": {"b": []}}}, "recode is"),
    ({"order": "A"}, r"order is 'A'; write order: \[best"),
    ({"date": "mixed"}, "each with a year"),
    ({"date": ["%d/%m"]}, "each with a year"),
    ({"date": ["%!"]}, "each with a year"),
    ({"blank_is": "x"}, "blank_is is 'x'; write blank_is: a number"),
    ({"blank_is": float("inf")}, "blank_is is inf"),
    ({"years_before": "issue_date"}, "no canonical date that this mapping reads"),
    ({"years_before": "grade"}, "no canonical date"),
    ({"zero_is_never_unless": "grade"}, "no canonical count"),
    ({"share_of": ["a"]}, r"write share_of: \[part, whole\]"),
    ({"text": "upper"}, "write text: words or text: lower"),
    ({"first_letter": "yes"}, "first_letter is 'yes'; write first_letter: true or false"),
    ({5: 1, None: 2}, "unknown key 5, None"),
]


@pytest.mark.parametrize("change, words", MAPPINGS)
def test_a_mapping_holds_what_it_may(tmp_path, loans, change, words):
    loans.to_csv(tmp_path / "loans.csv", index=False)
    mapping = {"columns": {"amount": {"from": "amount"}, "term": {"from": "term"}}, **change}
    with pytest.raises(DataError, match=words):
        read_tape(tmp_path / "loans.csv", mapping)
    with pytest.raises(DataError, match=words):  # also piece by piece
        next(iter(iter_tape(tmp_path / "loans.csv", mapping)))


@pytest.mark.parametrize("change, words", RULES)
def test_a_rule_holds_what_it_may(tmp_path, loans, change, words):
    loans.to_csv(tmp_path / "loans.csv", index=False)
    mapping = {"columns": {"amount": {"from": "amount"}, "income": {"from": "income", **change}}}
    with pytest.raises(DataError, match=f"mapping, column 'income'.*{words}"):
        read_tape(tmp_path / "loans.csv", mapping)


def test_a_date_that_the_file_does_not_have_is_named(tmp_path, loans):
    loans.drop(columns="issue_date").to_csv(tmp_path / "loans.csv", index=False)
    rules = {"issue_date": {"from": "issue_date"}, "amount": {"from": "amount"}}
    rules["credit_history_years"] = {"from": "income", "years_before": "issue_date"}
    with pytest.raises(DataError, match="years before 'issue_date', which the file does not have"):
        read_tape(tmp_path / "loans.csv", {"columns": rules})


def test_damaged_parquet_is_refused_wherever_the_damage_lies(tmp_path, loans):
    stream = io.BytesIO()
    loans.to_parquet(stream)
    whole, path, refused = stream.getvalue(), tmp_path / "loans.parquet", 0
    for place in range(4, len(whole) - 4, len(whole) // 14):
        path.write_bytes(whole[:place] + b"\xff\xd2\x00" + whole[place + 3 :])
        for read in (lambda: read_tape(path), lambda: list(iter_tape(path, "canonical", rows=5))):
            try:
                read()
            except DataError:
                refused += 1
    assert refused > 8


def test_bytes_of_a_parquet_file_are_text(tmp_path, loans):
    """Writers without types of text leave bytes; b'rent' is the level rent."""
    path, table = tmp_path / "loans.parquet", pyarrow.Table.from_pandas(loans)
    home = pyarrow.array([text.encode() for text in loans["home"]])
    pyarrow.parquet.write_table(table.set_column(table.schema.get_field_index("home"), "home", home), path)
    assert read_tape(path).frame["home"].astype(str).tolist() == loans["home"].tolist()
    home = pyarrow.array([b"\xff"] * len(loans))
    pyarrow.parquet.write_table(table.set_column(table.schema.get_field_index("home"), "home", home), path)
    with pytest.raises(DataError, match="not UTF-8"):
        read_tape(path)


def test_a_parquet_file_that_unfolds_is_refused(tmp_path, monkeypatch):
    from p2prisk.tape import bounds

    path, size = tmp_path / "loans.parquet", 400_000
    pd.DataFrame({"amount": np.full(size, 1000), "term": np.full(size, 36)}).to_parquet(path)
    assert path.stat().st_size < 10_000
    assert len(read_tape(path).frame) == size
    monkeypatch.setattr(bounds, "FREE", 1 << 20)
    monkeypatch.setattr("p2prisk.tape.containers.free_memory", lambda: 1e6)
    with pytest.raises(DataError, match="needs about 0.0 GB of memory"):
        read_tape(path)


def test_lengths_that_lie_in_an_archive(tmp_path, loans):
    path, stream = tmp_path / "loans.csv.zip", io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("loans.csv", loans.to_csv(index=False))
    made = bytearray(stream.getvalue())
    end = made.rindex(b"PK\x05\x06")
    made[end + 16 : end + 20] = b"\xff\xff\xff\x7f"  # where the directory begins
    path.write_bytes(made)
    with pytest.raises(DataError, match="end early or are damaged"):
        read_tape(path)


def test_a_workbook_without_a_table(tmp_path):
    stream = io.BytesIO()
    openpyxl.Workbook().save(stream)
    with zipfile.ZipFile(stream) as archive, zipfile.ZipFile(tmp_path / "loans.xlsx", "w") as made:
        for name in archive.namelist():
            data = archive.read(name)
            made.writestr(name, re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", data) if name.endswith("k.xml") else data)
    with pytest.raises(DataError, match="no sheet with a table"):
        read_tape(tmp_path / "loans.xlsx")


@pytest.mark.parametrize("pack", (bytes, lzma.compress))
def test_pieces_are_held_to_what_the_whole_is(tmp_path, pack):
    path = tmp_path / "loans.csv"
    path.write_bytes(pack(b"amount,term,amount\n" + b"1000,36,5\n" * 9))
    with pytest.raises(DataError, match="'amount' is there 2 times"):
        list(iter_tape(path, "canonical", rows=4))
    path.write_bytes(pack(b"amount,term\n"))
    with pytest.raises(DataError, match="a header but no rows"):
        list(iter_tape(path, "canonical", rows=4))
    path.write_bytes(pack(b"amount,term\n" + b"1000\n" * 9))
    with pytest.raises(DataError, match="every row has another number of fields"):
        list(iter_tape(path, "canonical", rows=4, on_error="missing"))


@pytest.mark.parametrize(
    "text", ["grade ~ a\ufffdb(", "grade ~ np.log('", "grade ~ C * 2", "grade ~ C(home, Treatment('on'))"]
)
def test_a_formula_that_python_cannot_read_is_named(text):
    frame = pd.DataFrame({"home": ["own", "rent"] * 6, "grade": pd.Categorical(list("abc") * 4, ordered=True)})
    with pytest.raises((ModelError, DataError), match="formula"):
        OrderedLogit.from_formula(text, frame)


def test_a_database_with_damaged_names(tmp_path, loans):
    path = tmp_path / "loans.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        loans.to_sql("loans", connection, index=False)
    path.write_bytes(path.read_bytes().replace(b'"home"', b'"h\xecme"'))
    for query in ("SELECT * FROM loans", "SELECT home FROM loans"):
        with pytest.raises(DataError, match="the query failed"):
            read_tape(f"sqlite:///{path}", "canonical", query=query)


def test_a_forged_model_is_refused(tmp_path):
    kind, text = fuzz._models()["kinds"][0]
    plain = json.loads(text)
    plain["reading"]["mapping"] = {"columns": {"amount": {"from": {"x": 1}}}}
    plain["checksum"] = fuzz.checksum(plain)
    (tmp_path / "m.json").write_text(json.dumps(plain))
    with pytest.raises(DataError, match="m.json is no whole model.*from is"):
        kind.from_json(tmp_path / "m.json")


def test_a_formula_of_several_parts_is_refused():
    frame = pd.DataFrame({"y": [0, 1, 2] * 5, "income": range(15)})
    for rhs in ("1 + income |", "income | y"):
        with pytest.raises(ModelError, match="cannot be read|several parts"):
            OrderedLogit.from_formula(f"y ~ {rhs}", frame)


def test_a_card_whose_means_were_cut_is_refused():
    text = next(text for kind, text in fuzz._models()["kinds"] if kind is Scorecard)
    plain = json.loads(text)
    plain["characteristics"][0]["mean"] = []
    plain["checksum"] = checksum({name: value for name, value in plain.items() if name != "checksum"})
    with pytest.raises(DataError, match="not whole"):
        Scorecard.from_json(json.dumps(plain))


def test_a_pattern_beside_years_before_may_be_one_text(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text(
        "id,day,first,sum\n" + "".join(f"{i},2015-03-{1 + i % 28:02d},01/02/2001,{900 + i}\n" for i in range(40))
    )
    history = {"from": "first", "years_before": "issue_date", "date": "%d/%m/%Y"}
    columns = {name: {"from": text} for name, text in (("loan_id", "id"), ("issue_date", "day"), ("amount", "sum"))}
    columns["credit_history_years"] = history
    mapping = tmp_path / "map.yml"
    mapping.write_text(yaml.safe_dump({"format": "x", "columns": columns}))
    assert read_tape(path, mapping).frame["credit_history_years"].iloc[0] == pytest.approx(14.08, abs=0.01)
