"""Kernels that die or hang, in cells and in inline expressions: a named error, and nothing left running."""

import time
from pathlib import Path

import pytest

from bookkit import execute
from bookkit.chapters import read_chapter
from bookkit.errors import BookErrors

DIES = "__import__('os')._exit(9)"
HANGS = "__import__('time').sleep(60)"
#: deaf to the interrupt that ends a cell
DEAF = "__import__('signal').signal(2, 1), __import__('time').sleep(60)"


def cell(words):
    return f"```{{python}}\n#| label: guilty\n{words}\n```\n"


@pytest.mark.parametrize(
    ("words", "line", "told"),
    [
        (cell(DIES), 5, "the kernel died in cell guilty"),
        (f"A value `{{python}} {DIES}` here.\n", 5, "the kernel died in"),
        (
            cell("import threading, os\nthreading.Timer(0.5, os._exit, [9]).start()")
            + "\n"
            + cell("import time; time.sleep(60)").replace("guilty", "victim"),
            11,
            "the kernel died in cell victim",
        ),
        (cell(HANGS), 5, "cell guilty (line 5) took longer than 3 s"),
        (f"A value `{{python}} {HANGS}` here.\n", 5, "took longer than 3 s"),
        (cell(DEAF), 5, "cell guilty (line 5) took longer than 3 s"),
        (f"A value `{{python}} {DEAF}` here.\n", 5, "took longer than 3 s"),
        (cell("raise SystemExit(3)"), 5, "SystemExit"),
    ],
    ids=["cell dies", "inline dies", "dies later", "cell hangs", "inline hangs", "deaf cell", "deaf inline", "exit"],
)
def test_a_kernel_that_dies_or_hangs_is_a_named_error(words, line, told, tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "CELL_TIMEOUT", 3 if "longer" in told else 30)
    (tmp_path / "a.qmd").write_text(f"# A {{#sec-a}}\n\nText.\n\n{words}")
    chapter, started = read_chapter(Path("a.qmd"), tmp_path), time.monotonic()
    with pytest.raises(BookErrors) as caught:
        execute.execute_chapters([chapter], tmp_path)
    (error,) = caught.value.errors
    assert told in error.message and error.path == Path("a.qmd") and error.line == line, error
    assert time.monotonic() - started < 45
    children = Path("/proc/self/task")
    if children.is_dir():
        left = [path.read_text().split() for path in children.glob("*/children")]
        alive = [pid for pids in left for pid in pids if "ipykernel" in _command(pid)]
        assert alive == []


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
