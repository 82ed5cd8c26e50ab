"""Kill commands at random moments and look at what is left.

    python benchmarks/faults.py [KILLS] [SEED] [COMMANDS ...]

Each command runs once to its end, which gives its duration and its outputs. Then it is killed KILLS times (default 50)
by SIGKILL, at moments spread over that duration (tests/test_faults.py: by SIGTERM and SIGINT, too). After each kill the
output must be the earlier or the new one, whole, and the tape must be what it was; after the next command that is let
run, nothing may be left in the temporary folder or beside the output. The table counts both.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


class Place:
    """A folder with a tape, a model and a temporary folder of its own."""

    def __init__(self, root: Path, rows: int = 4000) -> None:
        self.root, self.temporary = root, root / "tmp"
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary), "RENDERER": "preview"}
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")]))
        generator, lines = random.Random(4), ["loan_id,issue_date,amount,term,income,dti,home,status"]
        for number in range(rows):
            income, dti = generator.uniform(20_000, 100_000), generator.uniform(0, 35)
            bad = generator.random() < 0.05 + 0.006 * dti
            day = f"201{generator.randint(5, 6)}-{generator.randint(1, 12):02d}-{generator.randint(1, 28):02d}"
            home = generator.choice(["own", "rent"])
            lines.append(
                f"L{number:06d},{day},{generator.randint(1000, 30000)},36,{income:.2f},{dti:.2f},{home},"
                f"{'charged off' if bad else 'paid'}"
            )
        (root / "loans.csv").write_text("\n".join(lines) + "\n")
        book = Path(__file__).resolve().parents[1] / "tests" / "bookkit" / "fixtures" / "good"
        shutil.copytree(book, root / "book", ignore=shutil.ignore_patterns("_book*", ".bookkit"))
        self.run(["fit", "loans.csv", "--output", "m.json"])

    def command(self, words):
        return [sys.executable, "-P", "-m", "bookkit" if words[0] == "render" else "p2prisk", *words]

    def run(self, words):
        """Let a command run to its end."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.run(self.command(words), cwd=self.root, env=self.environment, **quiet).returncode

    def kill(self, words, moment, number):
        """Kill a command, and all it started that does not end with it, at a moment; its exit code."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(self.command(words), cwd=self.root, env=self.environment, **quiet)
        try:
            return process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            return process.wait(60)

    def wait_for_children(self, seconds=30.0):
        """Wait until nothing works in the temporary folder any more; whether so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not any(str(self.temporary) in _environment(path) for path in Path("/proc").glob("[0-9]*")):
                return True
            time.sleep(0.2)
        return not Path("/proc").is_dir()

    def left(self):
        """What lies in the temporary folder, and drafts beside the outputs."""
        found = [path for path in self.temporary.rglob("*") if path.is_file()]
        beside = [path for path in self.root.iterdir() if path.name.startswith(".")]
        beside += [path for path in self.root.rglob("*") if ".new-" in path.name]
        return [str(path.relative_to(self.root)) for path in [*found, *beside]]


def _environment(path):
    try:
        return (path / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def digest(path: Path) -> str | None:
    """What a file or a folder holds; None where nothing is."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return None
    files = sorted(found for found in path.rglob("*") if found.is_file())
    parts = [f"{found.relative_to(path)} {hashlib.sha256(found.read_bytes()).hexdigest()}" for found in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


#: command -> its words and what it writes
COMMANDS = {
    "book": (["render", "chapters/tables.qmd", "--project", "book", "--no-cache"], "book/_book"),
    "check": (["check", "loans.csv", "--html", "q.html"], "q.html"),
    "map": (["map", "loans.csv", "--output", "map.yml"], "map.yml"),
    "fit": (["fit", "loans.csv", "--output", "new.json"], "new.json"),
    "score": (["score", "loans.csv", "--model", "m.json", "--output", "s.csv", "--rows", "500"], "s.csv"),
    "monitor": (["monitor", "loans.csv", "--model", "m.json", "--same-months", "--html", "w.html"], "w.html"),
    "report": (["report", "loans.csv", "--record-date", "2023-01-01", "--output", "study", "--anyway"], "study"),
}


def attack(place: Place, name: str, kills: int, generator: random.Random, signals=SIGNALS) -> dict:
    """Kill one command; counts of what was found."""
    words, output = COMMANDS[name]
    target, tape = place.root / output, digest(place.root / "loans.csv")
    started = time.monotonic()
    place.run(words)
    duration, whole = time.monotonic() - started, digest(target)
    if whole is None:
        raise SystemExit(f"{name} writes nothing: there is nothing to look at")
    found = dict.fromkeys(("killed", "ended before", "output broken", "tape changed", "left behind"), 0)
    found["seconds"] = round(duration, 1)
    for kill in range(kills):
        moment = duration * (kill + generator.random()) / kills
        earlier = digest(target)
        code = place.kill(words, moment, generator.choice(signals))
        found["killed" if code else "ended before"] += 1
        place.wait_for_children()
        found["output broken"] += digest(target) not in (earlier, whole)
        found["tape changed"] += digest(place.root / "loans.csv") != tape
        if kill % 3 == 0:  # the earlier state is now nothing, now the whole output
            shutil.rmtree(target, ignore_errors=True) if target.is_dir() else target.unlink(missing_ok=True)
    place.run(words)  # the next run of the same command
    found["left behind"] = len(place.left())
    found["output broken"] += digest(target) != whole
    return found


def main() -> int:
    """Attack all commands and print the table."""
    kills, seed = (int(word) for word in (*sys.argv[1:3], *(50, 1)[len(sys.argv[1:3]) :]))
    bad = 0
    columns = ["killed", "ended before", "output broken", "tape changed", "left behind", "seconds"]
    print(f"| command | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    with tempfile.TemporaryDirectory() as folder:
        place, generator = Place(Path(folder), rows=1200), random.Random(seed)
        for name in sys.argv[3:] or COMMANDS:
            found = attack(place, name, kills, generator, SIGNALS[:1])
            bad += found["output broken"] + found["tape changed"] + found["left behind"]
            print(f"| {name} | {' | '.join(str(found[column]) for column in columns)} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
