"""The data card describes every table as it is."""

import csv
import re
from pathlib import Path

from p2prisk import load
from p2prisk.sources import names

DATA = Path(__file__).resolve().parents[1] / "data"
CARD = (DATA / "README.md").read_text(encoding="utf-8")


def test_every_table_is_described_with_its_rows_and_columns():
    described = {match[1]: (int(match[2].replace(",", "")), match[3].split(", ")) for match in re.finditer(
        r"^\| `(\w+)\.csv` \| ([\d,]+) \| ([^|]+) \| \S", CARD, re.MULTILINE)}
    files = {path.stem: path for path in DATA.glob("*.csv")}
    assert set(described) == set(files)
    for name, path in files.items():
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        assert described[name] == (len(rows) - 1, rows[0]), name


def test_every_data_set_is_on_the_card_with_its_loans():
    for name in names():
        if not name.startswith(("ppdai", "borrower")):
            assert f"`{name}`" in CARD, name
    for name in ("lendingclub-2018", "modeldata-lendingclub"):
        assert f"| `{name}` | {len(load(name).frame):,d} |" in CARD
    counts = load("lendingclub-2007-2011-counts").frame["n"].sum()
    assert f"| `lendingclub-2007-2011-counts` | {counts:,d} |" in CARD


def test_every_provenance_is_complete():
    for name in names():
        if name in ("lendingclub-2007-2011", "prosper"):
            continue  # need the reader's file; same code
        provenance = load(name).provenance
        assert all(provenance.get(key) for key in ("name", "id", "title", "source", "licence", "citation", "rows_read"))


def test_hashes_on_the_card_are_those_verified():
    from p2prisk.sources import _MICRO

    for entry in _MICRO.values():
        assert entry["sha256"] in CARD
