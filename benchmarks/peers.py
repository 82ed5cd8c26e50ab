"""The same loans through p2prisk, bayesrisk and optbinning, in one run, each in an environment of its own.

    python benchmarks/peers.py [--environments FOLDER] [--input FILE] [--write]

Lending Club: built on the loans issued up to 2010, judged on those of 2011, with their final outcomes on both sides
(hindsight: a comparison of tools, no claim on prediction), on the traits known at issue that all three can read. Each
tool works as its documentation has it, with its own defaults. Predictions come back as a file and are judged here, by
one set of measures. Environments are made with ``python -m venv`` and pip where absent, outside the repository; a tool
that cannot be installed is named with the reason. ``--write`` puts the table between its marks in README.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = {"bayesrisk": "bayesrisk[scoring,report]==2.17.0", "optbinning": "optbinning==1.0.0"}
TRAITS = (
    "amount term income dti employment home purpose verification inquiries delinquencies_2y public_records utilisation "
    "revolving_balance open_accounts total_accounts credit_history_years delinquency_recency record_recency region"
).split()


# ---------------------------------------------------------------- what runs in each environment


def work_ours(folder):
    """The standard model of severity, as `p2prisk fit` makes it."""
    import pandas as pd

    from p2prisk.scorecard.scoring import LoanScorer
    from p2prisk.standard import fit_standard
    from p2prisk.tape import LoanTape, study_sample

    build, test = (LoanTape.stored(folder / name) for name in ("tape_build", "tape_test"))
    sample, _ = study_sample(build)
    scorer = LoanScorer(fit_standard(sample, None, [name for name in TRAITS if name in sample.frame]))
    return pd.Series(scorer.score(test.frame)["pd"].to_numpy()), 0


def work_bayesrisk(folder):
    """The guided scorecard, run to the end with its report; the tape has the year of issue as its cohort."""
    import pandas as pd
    from bayesrisk import Scorecard

    both = pd.concat([pd.read_parquet(folder / "build.parquet"), pd.read_parquet(folder / "test.parquet")])
    both = both.reset_index(drop=True).assign(cohort=lambda t: t["issue_date"].dt.year.astype(str))
    traits = [name for name in both if name not in ("bad", "issue_date", "cohort")]
    made = Scorecard(
        both.drop(columns="issue_date"),
        "bad",
        cohort="cohort",
        oot_cohorts=["2011"],
        features=traits,
        categorical=[name for name in traits if both[name].dtype == object],
        run_dir=folder / "runs",
        formats=["html"],
    ).run(raise_on_error=True)
    scored = made.apply(pd.read_parquet(folder / "test.parquet").drop(columns=["bad", "issue_date"]))
    name = next(name for name in scored if name.lower() in ("pd", "pd_calibrated", "calibrated_pd"))
    pages = list((folder / "runs").rglob("*.html"))
    return scored[name].reset_index(drop=True), sum(_sections(page) for page in pages)


def work_optbinning(folder):
    """Optimal binning, weight of evidence and scikit-learn's logistic regression, as its tutorial has them."""
    import pandas as pd
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    build, test = (pd.read_parquet(folder / f"{name}.parquet") for name in ("build", "test"))
    traits = [name for name in build if name not in ("bad", "issue_date")]
    classes = [name for name in traits if build[name].dtype == object]
    binning = BinningProcess(traits, categorical_variables=classes, selection_criteria={"iv": {"min": 0.005}})
    card = Scorecard(binning, LogisticRegression(max_iter=1000), scaling_method="min_max",
                     scaling_method_params={"min": 300, "max": 850})  # fmt: skip
    card.fit(build[traits], build["bad"])
    return pd.Series(card.predict_proba(test[traits])[:, 1]), 0


def _sections(page):
    return len(re.findall(r"<h[12][ >]", page.read_text(encoding="utf-8", errors="replace")))


def worker(tool, folder):
    """Run a tool here; the last line of the output is what was measured."""
    import resource

    started = time.perf_counter()
    chance, sections = {"p2prisk": work_ours, "bayesrisk": work_bayesrisk, "optbinning": work_optbinning}[tool](folder)
    seconds = time.perf_counter() - started
    chance.to_csv(folder / f"{tool}.csv", index=False, header=False)
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}
    print(json.dumps(found | {"sections": sections}))


# ---------------------------------------------------------------- what runs here


def prepared(folder, given):
    """The loans as tapes for ours and as plain Parquet for the others; number of loans and traits."""
    import pandas as pd

    from p2prisk import load, read_tape

    tape = read_tape(given) if given else load("lendingclub-2007-2011")
    late = tape.frame["issue_date"].dt.year == 2011
    for name, own in (("build", ~late), ("test", late)):
        part = tape.keep(own, "of the other years")
        part.write(folder / f"tape_{name}")
        plain = {"bad": part.frame["bad"].astype(int), "issue_date": part.frame["issue_date"]}
        for trait in TRAITS:
            if trait in part.frame:
                values = part.frame[trait]
                number = pd.api.types.is_numeric_dtype(values.dtype)
                plain[trait] = (
                    values.astype(float) if number else values.astype(object).where(values.notna(), "missing")
                )
        pd.DataFrame(plain).to_parquet(folder / f"{name}.parquet")
    return int((~late).sum()), int(late.sum()), len(plain) - 2


def environment(name, folder):
    """The interpreter of a tool's own environment, made where absent, half made or without its Python; or why not."""
    own = folder / name
    python, ready = own / "bin" / "python", own / "made-of"
    if not (python.is_file() and ready.is_file() and ready.read_text() == PEERS[name]):
        venv = [sys.executable, "-m", "venv", "--clear", str(own)]
        for step in (venv, [str(python), "-m", "pip", "install", "-q", PEERS[name], "pyarrow"]):
            made = subprocess.run(step, capture_output=True, text=True)
            if made.returncode:
                said = (made.stderr.strip() or made.stdout.strip() or "no word").splitlines()[-1]
                return None, f"its environment could not be made by {step[2]}: {said.replace(str(own), name)[:200]}"
        ready.write_text(PEERS[name])
    return python, ""


def measured(folder, tools):
    """One row a tool: area, KS, calibration, and the difference to ours (paired DeLong)."""
    import numpy as np
    import pandas as pd

    from p2prisk.validation import calibration_slope_intercept, delong

    bad = pd.read_parquet(folder / "test.parquet")["bad"].to_numpy().astype(bool)
    scores = {name: pd.read_csv(folder / f"{name}.csv", header=None)[0].to_numpy() for name in tools}
    compared = delong(bad, scores)
    rows = {}
    for name, score in scores.items():
        order = np.argsort(score)
        gap = np.cumsum(bad[order]) / bad.sum() - np.cumsum(~bad[order]) / (~bad).sum()
        fitted = calibration_slope_intercept(bad, np.clip(score, 1e-9, 1 - 1e-9))
        rows[name] = {
            "auc": float(compared.table.loc[name, "auc"]),
            "ks": float(np.abs(gap).max()),
            "mean": float(score.mean()),
            "slope": float(fitted.loc["slope", "value"]),
            "observed": float(bad.mean()),
        }
    for row in compared.comparisons.itertuples():
        if row.first == "p2prisk":
            rows[row.second] |= {"difference": row.difference, "low": row.ci_low, "high": row.ci_high}
    return rows


def report_of_ours(folder, given):
    """Seconds, memory and sections of `p2prisk report` on the same file."""
    import resource

    from p2prisk.datasets import micro_file

    source = Path(given).resolve() if given else micro_file("lendingclub-2007-2011")
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    command = [sys.executable, "-m", "p2prisk", "report", str(source), "--output", str(folder / "report")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        return None
    pages = [page for page in (folder / "report").rglob("*.html")]
    return {
        "seconds": time.perf_counter() - started,
        "mb": max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, before) / 1024,
        "sections": sum(_sections(page) for page in pages),
    }


def page(rows, facts, absent, report):
    """The table in Markdown."""
    build, test, traits = facts
    observed = next(iter(rows.values()))["observed"]
    lines = [
        f"{build:,d} loans to build on, {test:,d} of 2011 to judge, {traits} traits; observed share of bad loans "
        f"{observed:.3f}.",
        "",
        "| tool | area | KS | mean PD | slope | ours less it (95 %) | seconds | processor s | MB | sections |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        gap = "" if "low" not in row else f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"
        lines.append(
            f"| {name} {row['version']} | {row['auc']:.3f} | {row['ks']:.3f} | {row['mean']:.3f} | {row['slope']:.2f} "
            f"| {gap} | {row['seconds']:.1f} | {row['cpu']:.1f} | {row['mb']:,.0f} | {row['sections'] or 'none'} |"
        )
    lines.append("")
    if report:
        lines.append(
            f"The report of p2prisk is a command of its own: {report['seconds']:.0f} s, {report['mb']:,.0f} MB, "
            f"{report['sections']} sections. bayesrisk's seconds hold its report."
        )
    lines += [f"{name} could not be run: {why}" for name, why in absent.items()]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "p2prisk-peers")
    parser.add_argument("--input", help="the loans of 2007 to 2011; default: where load() looks")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--no-report", action="store_true", help="leave out the timing of `p2prisk report`")
    parser.add_argument("--worker", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments.worker[0], Path(arguments.worker[1]))
    arguments.environments.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder, runs, absent = Path(scratch), {}, {}
        facts = prepared(folder, arguments.input)
        for tool in ("p2prisk", *PEERS):
            python, why = (Path(sys.executable), "") if tool == "p2prisk" else environment(tool, arguments.environments)
            if python is not None:
                ask = [str(python), str(Path(__file__).resolve()), "--worker", tool, str(folder)]
                done = subprocess.run(ask, capture_output=True, text=True, cwd=folder, env={**os.environ})
                if done.returncode == 0:
                    runs[tool] = json.loads(done.stdout.strip().splitlines()[-1])
                    version = "import importlib.metadata as m; print(m.version('%s'))"
                    told = subprocess.run([str(python), "-c", version % tool], capture_output=True, text=True).stdout
                    runs[tool]["version"] = told.strip()
                    print(tool, runs[tool], file=sys.stderr, flush=True)
                    continue
                why = (done.stderr.strip().splitlines() or ["no word"])[-1][:200]
            absent[tool] = why
            print(f"{tool}: {why}", file=sys.stderr, flush=True)
        found = measured(folder, list(runs))
        report = None if arguments.no_report else report_of_ours(folder, arguments.input)
        text = page({name: {**runs[name], **found[name]} for name in runs}, facts, absent, report)
    print(text)
    if arguments.write:
        readme = HERE / "README.md"
        old = readme.read_text(encoding="utf-8")
        new = re.sub(
            r"(<!-- peers: begin -->\n).*?(<!-- peers: end -->)", lambda m: m[1] + text + m[2], old, flags=re.S
        )
        readme.write_text(new, encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
