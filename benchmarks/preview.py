"""What a change costs while the book is written: what was touched, which chapters ran, seconds until the page is new.

Runs ``bookkit preview`` on a copy of the repository, changes one thing at a time, reads what it says. The seconds are
those from the change to the finished page, the watching included; beside them stand the seconds of a processor, which
say the same on a busy machine::

    python benchmarks/preview.py [how many of the changes]
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
#: What is touched: words, file, and its new text from the old one.
TOUCHED = [
    ("a typing error in the prose", "chapters/grade.qmd", lambda text: text.replace(" the ", " teh ", 1)),
    ("the caption of a figure", "chapters/grade.qmd", lambda text: text.replace('fig-cap: "', 'fig-cap: "So: ', 1)),
    ("the code of a cell", "chapters/stages.qmd", lambda text: text.replace("\n```\n", "\npass\n```\n", 1)),
    ("a module of one chapter", "code/p2pbook/chapters/decisions.py", lambda text: text + "\nADDED = 1\n"),
    ("a module on decisions", "code/p2prisk/policy/value.py", lambda text: text + "\nADDED = 1\n"),
    ("a module of figures", "code/p2pbook/figures/literature.py", lambda text: text + "\nADDED = 1\n"),
    ("a line of a data file", "data/literature_studies.csv", lambda text: text + "\n"),
    ("the likelihood", "code/p2prisk/ordered/likelihood.py", lambda text: text + "\nADDED = 1\n"),
    ("what everything hangs on", "requirements.lock", lambda text: text + "# touched\n"),
]


class Preview:
    """A running preview of a copy of the repository."""

    def __init__(self, root):
        self.root = root
        environment = {**os.environ, "PYTHONPATH": str(root / "code"), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "bookkit", "preview", "--port", "0", "--project", str(root)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def busy(self):
        """Seconds of a processor used so far, by ended child processes too."""
        used = psutil.Process(self.process.pid).cpu_times()
        return used.user + used.system + used.children_user + used.children_system

    def finished(self):
        """Chapters that ran, up to the end of a rendering; what goes wrong ends the measurement."""
        ran = []
        for line in self.process.stdout:
            found = re.match(r"  ran (\S+)", line)
            ran += [found[1]] if found else []
            if re.search(r"\(\d+\.\d s\)$", line):
                return ran
            if re.match(r"\S+\.(qmd|yml):\d+:", line):
                raise SystemExit(line)
        raise SystemExit("the preview ended")

    def touch(self, name, change):
        """Change a file, wait for the page; chapters that ran, seconds, and seconds of a processor."""
        path = self.root / name
        old = path.read_text(encoding="utf-8")
        assert change(old) != old, f"{name}: nothing to change"
        start, busy = time.perf_counter(), self.busy()
        path.write_text(change(old), encoding="utf-8")
        ran = self.finished()
        seconds, busy = time.perf_counter() - start, self.busy() - busy
        path.write_text(old, encoding="utf-8")
        self.finished()
        return ran, seconds, busy


def main():
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        left_out = shutil.ignore_patterns(".venv", ".git", "_book*", ".bookkit", "out", "tests", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        start = time.perf_counter()
        preview = Preview(copy)
        try:
            count = len(preview.finished())
            print(f"first rendering: {count} chapters in {time.perf_counter() - start:.0f} s", flush=True)
            print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n", flush=True)
            print(
                "| touched | file | chapters that ran | seconds | of a processor |\n|---|---|---|---:|---:|", flush=True
            )
            for words, name, change in TOUCHED[: int(sys.argv[1]) if sys.argv[1:] else None]:
                ran, seconds, busy = preview.touch(name, change)
                names = (
                    "none"
                    if not ran
                    else f"all {count}"
                    if len(ran) == count
                    else ", ".join(sorted(Path(path).stem for path in ran))
                )
                print(f"| {words} | `{name}` | {names} | {seconds:.1f} | {busy:.1f} |", flush=True)
        finally:
            preview.process.terminate()
            preview.process.wait(30)


if __name__ == "__main__":
    main()
