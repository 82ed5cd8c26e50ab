"""What a change costs while the book is written: what was touched, which chapters ran, seconds until the page is new.

Runs the preview on a copy of the repository, changes one thing at a time, reads what it says. The seconds are those
from the change to the finished page and to the finished book, the watching included; beside them stand the seconds of a
processor ("busy"), which say the same on a busy machine::

    python benchmarks/preview.py [how many of the changes]
"""

import os
import queue
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bookkit.preview import preview

ROOT = Path(__file__).resolve().parents[1]
#: What is touched: words, file, and its new text from the old one.
TOUCHED = [
    ("a typing error in the prose", "chapters/grade.qmd", lambda text: text.replace(" the ", " teh ", 1)),
    ("the caption of a figure", "chapters/grade.qmd", lambda text: text.replace('fig-cap: "', 'fig-cap: "So: ', 1)),
    ("the code of a cell", "chapters/stages.qmd", lambda text: text.replace("\n```\n", "\npass\n```\n", 1)),
    ("a module of one chapter", "code/p2pbook/chapters/decisions.py", lambda text: text + "\nADDED = 1\n"),
    ("a module on decisions", "code/p2prisk/policy/value.py", lambda text: text + "\nADDED = 1\n"),
    ("a module of figures", "code/p2pbook/figures/literature.py", lambda text: text + "\nADDED = 1\n"),
    ("a line of a data file", "data/literature_second_reading.csv", lambda text: text + "\n"),
    ("the likelihood", "code/p2prisk/ordered/likelihood.py", lambda text: text + "\nADDED = 1\n"),
    ("what everything hangs on", "requirements.lock", lambda text: text + "# touched\n"),
]


class Preview:
    """A running preview of a copy of the repository, in this process, so that its seconds of a processor are told."""

    def __init__(self, root):
        self.root, self.lines = root, queue.Queue()
        os.environ["PYTHONPATH"] = str(root / "code")  # for the kernels
        threading.Thread(target=preview, args=(root, 0, 2, self.lines.put), daemon=True).start()

    def finished(self):
        """Chapters that ran up to the end of a rendering, and its line; what goes wrong ends the measurement."""
        ran = []
        while True:
            line = self.lines.get(timeout=900)
            found = re.match(r"  ran (\S+)", line)
            ran += [found[1]] if found else []
            if re.search(r"\(\d+\.\d s\)$", line):
                return ran, line
            if re.match(r"\S+\.(qmd|yml):\d+:", line):
                raise SystemExit(line)

    def touch(self, name, change):
        """Change a file, wait for the page and for the book: chapters that ran, seconds and busy seconds of each."""
        path = self.root / name
        old = path.read_text(encoding="utf-8")
        assert change(old) != old, f"{name}: nothing to change"
        start = clocks()
        path.write_text(change(old), encoding="utf-8")
        ran, line = self.finished()
        shown = whole = clocks() - start
        if "index.html" not in line:
            self.finished()
            whole = clocks() - start
        path.write_text(old, encoding="utf-8")
        while "index.html" not in self.finished()[1]:
            pass
        return ran, *shown, *whole


def clocks():
    """The clock, and the seconds of a processor of this process and of those that it has started and that ended."""
    return np.array([time.perf_counter(), sum(os.times()[:4])])


def main():
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        left_out = shutil.ignore_patterns(".venv", ".git", "_book*", ".bookkit", "out", "tests", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        start, running = clocks(), Preview(copy)
        count = len(running.finished()[0])
        print("first rendering: {} chapters in {:.0f} s, {:.0f} s of a processor".format(count, *(clocks() - start)))
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n", flush=True)
        print("| touched | file | chapters that ran | page: seconds | busy | whole book: seconds | busy |")
        print("|---|---|---|---:|---:|---:|---:|", flush=True)
        for words, name, change in TOUCHED[: int(sys.argv[1]) if sys.argv[1:] else None]:
            ran, *seconds = running.touch(name, change)
            names = ", ".join(sorted(Path(path).stem for path in ran)) or "none"
            names = f"all {count}" if len(ran) == count else names
            print(f"| {words} | `{name}` | {names} |", *(f"{value:.1f} |" for value in seconds), flush=True)


if __name__ == "__main__":
    main()
