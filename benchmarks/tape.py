"""Time and memory of the commands on large tapes, from ten thousand to ten million rows, with a table and a plot.

    python benchmarks/tape.py              # 10^4, 10^5 and 10^6 rows: check, fit, score
    python benchmarks/tape.py --large      # adds 10^7 rows
    python benchmarks/tape.py --report     # adds the report of the largest tape

The steps of ``--large`` may be taken one at a time (``--only check``), on a tape that is there already (``--tape``).

Each command runs as a user runs it, in a process of its own; seconds by the clock, processor seconds on all cores and
the peak of its resident memory are kept in ``tape.json`` and written into ``README.md``, with a plot. The tape is
random numbers, not loans; its 24 columns are those of a usual export.
"""

import argparse
import compileall
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
SIZES, LARGE, PIECE = (10_000, 100_000, 1_000_000), 10_000_000, 1_000_000
#: a record date after the term of every loan, so that a fit studies them all and not the 13.5 per cent that are old
ENDED = "2025-01-01"


def random_tape(rows, seed=20240630):
    """A tape of random numbers in canonical columns, 24 of them."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=rows)
    late = risk + rng.logistic(size=rows)
    amount = rng.integers(10, 350, rows) * 100
    status = np.where(late > 2.2, "charged off", "paid")
    share = np.where(status == "paid", 1.0, rng.random(rows))
    return pd.DataFrame(
        {
            "loan_id": np.char.add("L", np.arange(rows).astype(str)),
            "issue_date": (np.datetime64("2012-01-01") + rng.integers(0, 1500, rows).astype("timedelta64[D]")).astype(
                str
            ),
            "amount": amount,
            "term": rng.choice([36, 60], rows),
            "purpose": rng.choice(["debt consolidation", "credit card", "car", "home improvement", "other"], rows),
            "income": np.exp(10.9 - 0.15 * risk + 0.5 * rng.normal(size=rows)).round(2),
            "dti": np.clip(15 + 3 * risk + 6 * rng.normal(size=rows), 0, 60).round(2),
            "employment_years": rng.integers(0, 11, rows),
            "home": rng.choice(["mortgage", "own", "rent"], rows),
            "region": rng.choice(["CA", "NY", "TX", "FL"], rows),
            "inquiries": rng.poisson(np.exp(0.4 * risk)),
            "delinquencies_2y": rng.poisson(0.2, rows),
            "public_records": rng.poisson(0.1, rows),
            "utilisation": np.clip(50 + 10 * risk + 20 * rng.normal(size=rows), 0, 130).round(1),
            "revolving_balance": rng.integers(0, 50_000, rows),
            "open_accounts": rng.integers(1, 30, rows),
            "total_accounts": rng.integers(5, 70, rows),
            "credit_history_years": rng.uniform(3, 40, rows).round(2),
            "verification": rng.choice(["not verified", "source verified", "verified"], rows),
            "grade": np.array(list("ABCDEFG"))[np.clip(np.floor(risk * 1.2 + 3), 0, 6).astype(int)],
            "rate": np.clip(12 + 3 * risk + rng.normal(size=rows), 5, 30).round(2),
            "status": status,
            "principal_paid": (amount * share).round(2),
            "late_fees": np.where(rng.random(rows) < 0.05, 15.0, 0.0),
        }
    )


def write_tape(path, rows):
    """A tape of any size, a million rows at a time."""
    for start in range(0, rows, PIECE):
        piece = random_tape(min(PIECE, rows - start), seed=20240630 + start)
        piece["loan_id"] = np.char.add("L", np.arange(start, start + len(piece)).astype(str))
        piece.to_csv(path, mode="a" if start else "w", header=not start, index=False)


def measured(words, folder):
    """Run a command; seconds, processor seconds, peak in MB, and the load average that it began with."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    compileall.compile_dir(HERE.parent / "code" / "p2prisk", quiet=1)  # as pip does where it installs
    load, started = os.getloadavg()[0], time.perf_counter()
    words = [str(Path(sys.executable).with_name("p2prisk")), *words]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, env=usual)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "seconds": time.perf_counter() - started,
        "processor": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1e3,
        "load": load,
    }


def measure(folder, sizes, report, only=(), given=None):
    """Every command on every size."""
    found = []
    for rows in sizes:
        tape = folder / "tape.csv"
        if given is None:
            # in a process of its own: the peak of a command counts the memory of the process that starts it
            writer = multiprocessing.get_context("spawn").Process(target=write_tape, args=(tape, rows))
            writer.start()
            writer.join()
        else:
            tape.unlink(missing_ok=True)
            tape.symlink_to(given.resolve())
        commands = {
            "check": ["check", tape.name],
            "fit": ["fit", tape.name, "--output", "model.json"],
            "fit, all ended": ["fit", tape.name, "--record-date", ENDED, "--output", "of_all.json"],
            "score": ["score", tape.name, "--model", "model.json", "--output", "scores.csv"],
        }
        if only:
            commands = {name: commands[name] for name in only}
        elif report and rows == max(sizes):
            commands["report"] = ["report", tape.name, "--output", "report"]
        for name, words in commands.items():
            found.append({"rows": rows, "command": name, **measured(words, folder)})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
        tape.unlink()
    return found


def table(found):
    """The measurements as a Markdown table."""
    lines = ["| rows | command | seconds | processor seconds | peak MB | load |", "|---:|---|---:|---:|---:|---:|"]
    for row in found:
        cost = f"{row['seconds']:.1f} | {row['processor']:.1f} | {row['peak_mb']:,.0f} | {row['load']:.1f}"
        lines.append(f"| {row['rows']:,d} | {row['command']} | {cost} |")
    return "\n".join([*lines, "", "![Time and memory of the commands](tape.png)"])


def plot(found, path):
    """Processor seconds and memory against rows, both axes in powers of ten; a straight line of slope one is linear."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (time_axis, memory_axis) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    frame = pd.DataFrame(found)
    for name, own in frame.groupby("command", sort=False):
        time_axis.plot(own["rows"], own["processor"], marker="o", label=name)
        memory_axis.plot(own["rows"], own["peak_mb"], marker="o", label=name)
    for axis, what in ((time_axis, "processor seconds"), (memory_axis, "peak memory (MB)")):
        axis.set(xscale="log", yscale="log", xlabel="rows of the tape", ylabel=what)
        axis.grid(alpha=0.3)
    time_axis.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main():
    """Measure, and put table and plot in their places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="sizes instead of the usual ones")
    parser.add_argument(
        "--large", action="store_true", help="measure ten million rows alone, and keep the other measurements"
    )
    parser.add_argument("--report", action="store_true", help="with the report of the largest tape")
    parser.add_argument(
        "--only", nargs="+", default=(), choices=("check", "fit", "fit, all ended", "score"), help="with --large"
    )
    parser.add_argument("--tape", type=Path, help="with --large: the tape, as write_tape makes it, if it is there")
    parser.add_argument("--no-write", action="store_true", help="print the table alone")
    options = parser.parse_args()
    store = HERE / "tape.json"
    with tempfile.TemporaryDirectory(prefix="p2prisk-bench-") as scratch:
        folder = Path(scratch)
        if options.large:
            if options.only and "fit" not in options.only:
                write_tape(folder / "tape.csv", 100_000)
                measured(["fit", "tape.csv", "--output", "model.json"], folder)
            found = measure(folder, [LARGE], False, options.only, options.tape)
        else:
            found = measure(folder, options.rows, options.report)
    new = {(row["rows"], row["command"]) for row in found}
    if options.large and store.exists():
        found = [row for row in json.loads(store.read_text()) if (row["rows"], row["command"]) not in new] + found
    print(table(found))
    if not options.no_write:
        store.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        plot(found, HERE / "tape.png")
        readme = HERE / "README.md"
        text = readme.read_text(encoding="utf-8")
        begin, end = "<!-- tape: begin -->", "<!-- tape: end -->"
        before, after = text.split(begin)[0], text.split(end)[1]
        readme.write_text(f"{before}{begin}\n{table(found)}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
