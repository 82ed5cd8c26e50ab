"""Seconds, memory and agreement of the discrete-time hazard against its peers on the expanded loan-periods.

    python benchmarks/hazard.py                     about fifteen minutes on two quiet cores
    python benchmarks/hazard.py --loans 10000       one size only
    python benchmarks/hazard.py --fresh             forget what was measured before

Simulated loans of 36 and 60 months with two competing ends, 20 traits and a baseline of ten steps; rows marked "by
month" have one baseline parameter a month. Every tool runs in a process of its own, data loading excluded, standard
errors included; the peers' time includes the expansion, without which they cannot start. Tools that are not installed
are left out: ``lifelines`` is no dependency of the project (``python -m venv e && e/bin/pip install lifelines``, then
``--lifelines e/bin/python``); R needs ``VGAM`` and ``survival``. Results are kept in ``benchmarks/out/hazard.json``
and written to the table of ``benchmarks/README.md``.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FOLDER = HERE / "out"
COLUMNS = 20
STEPS = (3, 6, 9, 12, 18, 24, 30, 36, 48)
#: tool -> (title, largest number of loans, what it fits)
TOOLS = {
    "compiled": ("p2prisk, compiled", 1_000_000),
    "numpy": ("p2prisk, NumPy only", 1_000_000),
    "mnlogit": ("statsmodels MNLogit, expanded", 10_000),
    "vglm": ("R VGAM::vglm multinomial, expanded", 1_000),
    "one compiled": ("p2prisk, compiled", 1_000_000),
    "one numpy": ("p2prisk, NumPy only", 1_000_000),
    "logit": ("statsmodels Logit, expanded", 10_000),
    "glm": ("R glm binomial, expanded", 10_000),
    "cox": ("R survival::coxph (Efron), continuous time", 1_000_000),
    "lifelines": ("lifelines CoxPHFitter, continuous time", 100_000),
    "month": ("p2prisk, compiled, by month", 1_000_000),
    "varying": ("p2prisk, compiled, two traits vary with age", 1_000_000),
    "cloglog": ("p2prisk, compiled, cloglog", 1_000_000),
}
GROUPS = {
    "Two competing ends": ("compiled", "numpy", "mnlogit", "vglm", "month", "varying", "cloglog"),
    "Default alone, early repayment censored": ("one compiled", "one numpy", "logit", "glm", "cox", "lifelines"),
}


def simulate(n):
    """Traits (n, 20), term, age at the end, and the end: 0 open, 1 default, 2 repaid."""
    rng = np.random.default_rng([3, n])
    exog = rng.normal(size=(n, COLUMNS))
    exog[:, 12:17] = rng.random((n, 5)) < (0.5, 0.3, 0.2, 0.1, 0.05)
    exog[:, 17:] = rng.lognormal(0, 0.5, (n, 3))
    term = np.where(rng.random(n) < 0.35, 60, 36)
    slopes = np.linspace(-0.3, 0.3, COLUMNS)
    default, repaid = np.exp(exog @ slopes), np.exp(exog @ slopes[::-1] * 0.5)
    leaves = np.minimum(term, rng.integers(30, 130, n))
    age, end, alive = leaves.copy(), np.zeros(n, np.int32), np.ones(n, bool)
    for month in range(1, 61):
        a = np.exp(-8.9 + 1.2 * np.log1p(month) - 0.05 * month) * default
        b = np.exp(-4.2 + 0.01 * month) * repaid
        draw, risk = rng.random(n), alive & (month <= leaves)
        now = np.where(draw < a / (1 + a + b), 1, np.where(draw < (a + b) / (1 + a + b), 2, 0))
        ends = risk & (now > 0)
        age[ends], end[ends] = month, now[ends]
        alive &= ~ends
    return exog, term, age.astype(np.int32), end


def stored(n):
    folder = FOLDER / f"hazard-{n}"
    if not (folder / "end.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        exog, term, age, end = simulate(n)
        exog.T.tofile(folder / "exog.bin")
        for name, values in (("term", term), ("age", age), ("end", end)):
            values.astype(np.int32).tofile(folder / f"{name}.bin")
    return folder


def read(folder):
    exog = np.ascontiguousarray(np.fromfile(folder / "exog.bin").reshape(COLUMNS, -1).T)
    return exog, *(np.fromfile(folder / f"{name}.bin", np.int32) for name in ("term", "age", "end"))


def expanded(exog, age, end):
    rows = np.repeat(np.arange(len(age)), age)
    month = np.arange(len(rows)) - np.repeat(np.cumsum(age) - age, age) + 1
    outcome = np.where(month == age[rows], end[rows], 0)
    step = np.searchsorted(STEPS, month)
    return np.column_stack([exog[rows], step[:, None] == np.unique(step)]).astype(float), outcome


def one(tool, folder):
    """Fit twice, as the first call carries imports and compiled code (once where that does not count)."""
    exog, term, age, end = read(folder)
    seconds, cpu = [], []
    slow = tool in ("mnlogit", "logit", "lifelines") and len(age) > 10_000
    for _ in range(1 if slow else 2):
        begin, used = time.perf_counter(), time.process_time()
        if tool == "lifelines":
            import pandas as pd
            from lifelines import CoxPHFitter

            frame = pd.DataFrame(exog, columns=[f"x{j}" for j in range(COLUMNS)]).assign(age=age, bad=end == 1)
            fit = CoxPHFitter().fit(frame, "age", "bad")
            slopes, value = fit.params_.to_numpy(), fit.log_likelihood_
        elif tool in ("mnlogit", "logit"):
            import statsmodels.api as sm

            design, outcome = expanded(exog, age, end)
            model = sm.MNLogit(outcome, design) if tool == "mnlogit" else sm.Logit(outcome == 1, design)
            fit = model.fit(method="newton", disp=0, maxiter=60, tol=1e-12)
            fit.bse  # noqa: B018  standard errors are part of the work
            params = np.asarray(fit.params)
            slopes, value = (params[:, 0] if params.ndim == 2 else params)[:COLUMNS], fit.llf
        else:
            from p2prisk.hazard import HazardLogit

            options = {"baseline": "dummies" if tool == "month" else STEPS}
            if tool == "cloglog":
                options["link"] = "cloglog"
            if tool == "varying":
                options |= {"varying": {"x1": "np.log(age)", "x2": [12, 24]}}
            ends = end == 1 if tool.startswith("one") else end
            fit = HazardLogit(ends, age, exog, **options).fit(compiled="numpy" not in tool)
            fit.bse  # noqa: B018
            slopes, value = fit.params.to_numpy()[:COLUMNS], fit.llf
        seconds.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "seconds": seconds,
        "cpu": cpu,
        "peak_mb": peak,
        "slopes": list(map(float, slopes)),
        "loglik": float(value),
    }
    print(json.dumps(found))


def measure(results, tool, n, lifelines):
    key = f"{tool} {n}"
    if key in results:
        return results[key]
    folder = stored(n)
    if tool in ("vglm", "glm", "cox"):
        if not shutil.which("Rscript"):
            return {"error": "R is not installed"}
        command = ["Rscript", "--vanilla", str(HERE / "hazard.R"), tool, str(folder), str(COLUMNS)]
    elif tool == "lifelines":
        if lifelines is None:
            return {"error": "not asked for (--lifelines)"}
        command = [lifelines, str(HERE / "hazard.py"), "--one", tool, str(folder)]
    else:
        command = [sys.executable, str(HERE / "hazard.py"), "--one", tool, str(folder)]
    print(f"  {key} ...", end="", flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1500, env=os.environ)
        said = done.stderr.strip().splitlines() or ["failed"]
        found = json.loads(done.stdout.strip().splitlines()[-1]) if not done.returncode else {"error": said[-1][:120]}
    except subprocess.TimeoutExpired:
        found = {"error": "more than 1,500 s"}
    results[key] = found
    (FOLDER / "hazard.json").write_text(json.dumps(results))
    print(f" {found.get('error') or found['seconds']}", flush=True)
    return found


def report(results, sizes, lifelines):
    lines = []
    for title, tools in GROUPS.items():
        lines += [
            f"**{title}**",
            "",
            "| loans | loan-months | tool | processor s | ratio | seconds | peak MB | same to |",
        ]
        lines.append("|---|---|---|---|---|---|---|---|")
        for n in sizes:
            months = int(read(stored(n))[2].sum())
            base = None
            for tool in tools:
                name, most = TOOLS[tool]
                if n > most:
                    continue
                found = measure(results, tool, n, lifelines)
                if "error" in found:
                    lines.append(f"| {n:,} | {months:,} | {name} | {found['error']} | | | | |")
                    continue
                # the second call where there is one, as the first carries imports and compiled code
                seconds, cpu = (np.ravel(found[key])[-1] for key in ("seconds", "cpu"))
                base = base or (cpu, np.array(found["slopes"]))
                same = ""
                if tool in ("numpy", "mnlogit", "vglm", "one numpy", "logit", "glm"):
                    gap = np.max(np.abs(np.array(found["slopes"]) - base[1]) / np.abs(base[1]))
                    same = f"{-np.log10(max(gap, 1e-16)):.0f} digits"
                lines.append(
                    f"| {n:,} | {months:,} | {name} | {cpu:.3g} | {cpu / base[0]:.1f} | {seconds:.3g} | "
                    f"{found['peak_mb']:,.0f} | {same} |"
                )
        lines.append("")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--loans", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--lifelines", help="Python of an environment with lifelines")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args(arguments)
    if options.one:
        return one(options.one[0], Path(options.one[1]))
    FOLDER.mkdir(exist_ok=True)
    kept = FOLDER / "hazard.json"
    results = json.loads(kept.read_text()) if kept.exists() and not options.fresh else {}
    text = report(results, options.loans, options.lifelines)
    print(text)
    page = HERE / "README.md"
    before, _, rest = page.read_text().partition("<!-- hazard: begin -->")
    if rest and options.loans == parser.get_default("loans"):
        page.write_text(
            before + f"<!-- hazard: begin -->\n{text}<!-- hazard: end -->" + rest.partition("<!-- hazard: end -->")[2]
        )


if __name__ == "__main__":
    main()
