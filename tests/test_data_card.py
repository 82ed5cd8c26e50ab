"""The data card describes every table as it is; ``make tables`` brings its rows and columns up to date."""

import csv
import re
from pathlib import Path

import pandas as pd

from p2prisk import load
from p2prisk.datasets import names

DATA = Path(__file__).resolve().parents[1] / "data"
CARD = (DATA / "README.md").read_text(encoding="utf-8")


LINE = re.compile(r"^\| `(\w+)\.csv` \| ([\d,]+) \| ([^|]+) \| (\S.*)$", re.MULTILINE)


def tables():
    """Name -> (rows, columns) of every table in the folder."""
    found = {}
    for path in DATA.glob("*.csv"):
        with open(path, encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        found[path.stem] = (len(rows), header)
    return found


def test_every_table_is_described_with_its_rows_and_columns():
    described = {match[1]: (int(match[2].replace(",", "")), match[3].split(", ")) for match in LINE.finditer(CARD)}
    found = tables()
    assert set(described) == set(found), "describe each table on the card, then: make tables"
    for name, (rows, columns) in found.items():
        assert described[name] == (rows, columns), f"{name}: make tables"


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
    from p2prisk.datasets import _MICRO

    for entry in _MICRO.values():
        assert entry["sha256"] in CARD


def test_small_cells_of_published_counts_have_their_reason():
    """A table of counts with cells below five is one whose loans are public, and the card says how many there are."""
    small = {}
    for path in DATA.glob("*counts*.csv"):
        table = pd.read_csv(path, comment="#")
        cells = table[table.columns.intersection(["n", "overdue", "snapshots"])]
        small[path.name] = int((cells < 5).any(axis=1).sum())
    assert {name for name, count in small.items() if count} == {"lendingclub_2007_2011_counts.csv"}
    one = int((pd.read_csv(DATA / "lendingclub_2007_2011_counts.csv", comment="#")["n"] == 1).sum())
    assert f"{small['lendingclub_2007_2011_counts.csv']:,d} have fewer than five loans, and {one:,d} have one" in CARD
