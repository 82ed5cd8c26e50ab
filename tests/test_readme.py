"""What the README promises works: its Python example runs, its make targets exist, its files are there."""

import re
import subprocess
from pathlib import Path

import pytest

from bookkit.cli import COMMANDS
from p2prisk.cli import EXAMPLES

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_example_runs(capsys):
    code = re.search(r"```python\n(.*?)```", TEXT, re.S)[1]
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # the README's own text
    printed = capsys.readouterr().out
    assert "np.log1p(income)" in printed and "A|B" in printed
    assert names["result"].converged


def test_targets_exist():
    help_text = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^\s+(\w+)\s", help_text, re.M))
    assert {"help", "book", "pdf", "test", "lint", "notebooks", "preview", "bench", "clean", "tape"} <= targets
    assert set(re.findall(r"make (\w+)", TEXT)) - {"alone"} <= targets


DOCUMENTS = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")} - {ROOT / "CHANGELOG.md"}
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_is_there(path):
    """Files of the repository, `make` targets, commands; NAME stands for any."""
    words = re.findall(r"`([^`\n]+)`|\]\((?!http)([\w./-]+)\)", path.read_text(encoding="utf-8"))
    words = [first or second for first, second in words]
    roots = {entry.name for entry in ROOT.iterdir() if entry.is_dir()}
    files = {
        word.rstrip("/")
        for word in words
        if re.fullmatch(r"[\w*./-]+", word) and word.split("/")[0] in roots - {"data"}
    }
    files |= {word for word in words if re.fullmatch(r"data/[\w/]+\.(csv|py|md|json)", word)}
    assert [name for name in sorted(files) if "NAME" not in name and not list(ROOT.glob(name))] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert {word[1] for word in map(str.split, words) if word[0] == "make" and word[1:]} <= targets
    known = {"bookkit": set(COMMANDS), "p2prisk": set(EXAMPLES)}
    for word in words:
        found = re.match(r"(?:\S*/)?(bookkit|p2prisk) ([a-z][\w-]+)", word)
        assert not found or found[2] in known[found[1]], word


def test_files_it_names_are_there():
    named = re.findall(r"\]\((?!http)([\w./-]+)\)|`((?:code|data|tests|docs)/[\w./-]+|[A-Z]+\.(?:cff|md))`", TEXT)
    paths = [first or second for first, second in named]
    assert len(paths) > 4 and [path for path in paths if not (ROOT / path).exists()] == []
