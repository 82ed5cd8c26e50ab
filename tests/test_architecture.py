"""The floors of the house: import-linter holds them, docs/architecture.md draws the same ones."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = {contract["containers"][0]: contract for contract in CONTRACTS if contract["type"] == "layers"}


def _drawn(package):
    """Floors of a package as the page draws them, highest first."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = re.search(rf"^## [^\n]*\(`{package}`\)\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    rows = re.findall(r"^\| (\d+) \| (.*?) \| [^|]*\|$", table, re.M)
    assert [int(number) for number, _ in rows] == list(range(len(rows), 0, -1))
    return [re.findall(r"`(\w+)`", rooms) for _, rooms in rows]


def test_the_page_draws_the_floors_of_the_contract():
    for package, contract in LAYERS.items():
        assert _drawn(package) == [re.findall(r"\w+", layer) for layer in contract["layers"]]


def test_every_room_has_a_floor_and_no_import_points_up():
    assert set(LAYERS) == {"p2prisk", "p2pbook"} and all(contract["exhaustive"] for contract in LAYERS.values())
    program = Path(sys.executable).parent / "lint-imports"
    if not program.exists():
        pytest.skip("import-linter is not installed: make more")
    done = subprocess.run(
        [str(program), "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


def test_the_packages_keep_apart():
    forbidden = {c["source_modules"][0]: set(c["forbidden_modules"]) for c in CONTRACTS if c["type"] == "forbidden"}
    assert forbidden == {"p2prisk": {"p2pbook", "bookkit"}, "bookkit": {"p2prisk", "p2pbook"}, "p2pbook": {"bookkit"}}
