"""Time and memory of a large tape: write a random one, then read, check, fit and score it.

    python benchmarks/tape.py [--rows 1000000] [--keep FOLDER]

Each step runs in a process of its own and reports seconds and the peak of its resident memory. The tape is random
numbers, not loans; its columns are those of a usual export.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd


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


def step(name, folder):
    """Run one step in this process and print what it took."""
    started = time.perf_counter()
    tape, model = folder / "tape.csv", folder / "model.json"
    if name == "write":
        random_tape(int((folder / "rows").read_text())).to_csv(tape, index=False)
    elif name == "read, check and fit":
        from p2prisk.standard import fit_standard
        from p2prisk.tape import read_tape, study_sample

        marks = [time.perf_counter()]
        loans = read_tape(tape)
        marks.append(time.perf_counter())
        report = loans.quality()
        marks.append(time.perf_counter())
        sample, _ = study_sample(loans)
        fitted = fit_standard(sample)
        marks.append(time.perf_counter())
        fitted.to_json(model)
        reading, checking, fitting = np.diff(marks)
        print(
            f"  {len(loans):,d} rows, {report.count('error')} errors; read {reading:.1f} s, check {checking:.1f} s, "
            f"fit {fitting:.1f} s ({len(fitted.results.params)} parameters, {fitted.results.digits:.1f} digits)"
        )
    elif name == "score":
        from p2prisk.cli import main

        main(["score", str(tape), "--model", str(model), "--output", str(folder / "scores.csv")])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"step": name, "seconds": round(time.perf_counter() - started, 1), "peak_gb": round(peak, 2)}))


def main():
    """Run the steps one after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="folder in which the files stay")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        return step(options.step, options.keep)
    with tempfile.TemporaryDirectory(prefix="p2prisk-bench-") as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rows").write_text(str(options.rows))
        for name in ("write", "read, check and fit", "score"):
            subprocess.run([sys.executable, __file__, "--keep", str(folder), "--step", name], check=True)


if __name__ == "__main__":
    main()
