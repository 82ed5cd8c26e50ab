"""Kernels that die or hang, in cells and in inline expressions: a named error, and nothing left running."""

import os
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


#: Case -> its chapter behind the heading, the line and the words of the error.
CASES = {
    "cell-dies": (cell(DIES), 5, "the kernel died in cell guilty"),
    "inline-dies": (f"A value `{{python}} {DIES}` here.\n", 5, "the kernel died in"),
    "dies-later": (
        cell("import threading, os\nthreading.Timer(0.5, os._exit, [9]).start()")
        + "\n"
        + cell("import time; time.sleep(60)").replace("guilty", "victim"),
        11,
        "the kernel died in cell victim",
    ),
    "exit": (cell("raise SystemExit(3)"), 5, "SystemExit"),
    "cell-hangs": (cell(HANGS), 5, "cell guilty (line 5) took longer than 5 s"),
    "inline-hangs": (f"A value `{{python}} {HANGS}` here.\n", 5, "took longer than 5 s"),
    "deaf-cell": (cell(DEAF), 5, "cell guilty (line 5) took longer than 5 s"),
    "deaf-inline": (f"A value `{{python}} {DEAF}` here.\n", 5, "took longer than 5 s"),
}


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """The error of each case: those that hang run at once, as do those that die, since each waits for seconds."""
    root, found = tmp_path_factory.mktemp("faults"), {}
    for limit, hangs in ((5, True), (30, False)):
        names = [Path(f"{name}.qmd") for name, case in CASES.items() if ("longer" in case[2]) == hangs]
        for name in names:
            (root / name).write_text(f"# A {{#sec-a}}\n\nText.\n\n{CASES[name.stem][0]}")
        started, chapters = time.monotonic(), [read_chapter(name, root) for name in names]
        with pytest.MonkeyPatch.context() as patch, pytest.raises(BookErrors) as caught:
            patch.setattr(execute, "CELL_TIMEOUT", limit)
            execute.execute_chapters(chapters, root, jobs=len(chapters))
        assert time.monotonic() - started < 45
        children = Path("/proc/self/task")
        if children.is_dir():
            left = [path.read_text().split() for path in children.glob("*/children")]
            assert [pid for pids in left for pid in pids if "ipykernel" in _command(pid)] == []
        found |= {error.path.stem: error for error in caught.value.errors}
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_kernel_that_dies_or_hangs_is_a_named_error(case, errors):
    _, line, told = CASES[case]
    assert told in errors[case].message and errors[case].line == line, errors[case]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.skipif(os.name != "posix", reason="sockets with a name are of POSIX")
def test_a_kernel_takes_no_port_that_another_may_have_taken_first(tmp_path):
    words = 'from ipykernel.kernelapp import IPKernelApp\nprint(IPKernelApp.instance().transport, end="")'
    (tmp_path / "a.qmd").write_text(f"# A {{#sec-a}}\n\nText.\n\n{cell(words)}")
    (result,) = execute.execute_chapters([read_chapter(Path("a.qmd"), tmp_path)], tmp_path).values()
    assert result["cells"][0][0]["text"] == "ipc"
