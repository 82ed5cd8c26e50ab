"""What the README promises works: its Python example runs, its make targets exist, its files are there."""

import re
import subprocess
from pathlib import Path

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


def test_files_it_names_are_there():
    named = re.findall(r"\]\((?!http)([\w./-]+)\)|`((?:code|data|tests|docs)/[\w./-]+|[A-Z]+\.(?:cff|md))`", TEXT)
    paths = [first or second for first, second in named]
    assert len(paths) > 4 and [path for path in paths if not (ROOT / path).exists()] == []
