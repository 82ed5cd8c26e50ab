"""Speed and accuracy of the ordered logit against its peers, in one run on one machine.

    python benchmarks/run.py             bounded: about six minutes on two quiet cores
    python benchmarks/run.py --full      statsmodels and polr at a million rows, ten million rows, 20 million from files
    python benchmarks/run.py --fresh     forget what was measured before

Every measurement runs in a process of its own and is kept in ``benchmarks/out/results.json``, so that an interrupted
run continues where it stopped. The tables go to the terminal and into ``benchmarks/README.md``; the plot to
``benchmarks/scaling.png``. R packages are measured where ``Rscript`` and the package are installed.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from data import FOLDER, stored, stored_lending_club, stored_parquet

HERE = Path(__file__).parent
RESULTS = FOLDER / "results.json"
OURS = {"ours_compiled": "p2prisk, compiled", "ours_numpy": "p2prisk, NumPy only"}
R_TOOLS = {"lrm": "rms::lrm", "clm": "ordinal::clm", "polr": "MASS::polr"}
NAMES = {**OURS, "statsmodels": "statsmodels OrderedModel (bfgs)", **R_TOOLS}
# tool -> largest number of rows by default and with --full
LIMIT = {
    "ours_compiled": (10**7, 10**7),
    "ours_numpy": (10**7, 10**7),
    "statsmodels": (10**5, 10**6),
    "lrm": (10**6, 10**6),
    "clm": (10**6, 10**6),
    "polr": (10**5, 10**6),
}


def load():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def measure(results, key, tool, folder, columns, repeats, timeout=1500, **variables):
    """Run one tool unless it was measured before, with further variables of the environment; failures are kept."""
    if key in results:
        return results[key]
    if tool in R_TOOLS:
        command = ["Rscript", "--vanilla", str(HERE / "one.R")]
    else:
        command = [sys.executable, str(HERE / "one.py")]
    command += [tool, str(folder), str(columns), str(repeats)]
    print(f"  {key} ...", end="", flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env={**os.environ, **variables})
        if done.returncode:
            # R says what was wrong before its last line, "Execution halted"
            said = [line for line in done.stderr.splitlines() if line.strip() and "halted" not in line]
            found = {"error": " ".join(said[-2:] or ["failed"]).strip()[:200]}
        else:
            found = json.loads(done.stdout.strip().splitlines()[-1])
            for name in ("seconds", "processor"):
                if isinstance(found.get(name), float | int):  # R writes a vector of one as a number
                    found[name] = [found[name]]
    except subprocess.TimeoutExpired:
        found = {"error": f"more than {timeout} s"}
    found["date"] = datetime.date.today().isoformat()
    results[key] = found
    RESULTS.write_text(json.dumps(results))
    print(f" {found.get('error') or found['seconds']}", flush=True)
    return found


def typical(found, what="seconds"):
    """Median seconds after the first run, which carries imports; the only run where there is one."""
    seconds = found[what]
    return float(np.median(seconds[1:])) if len(seconds) > 1 else seconds[0]


def digits(found, exact, part="slopes"):
    """Correct significant digits of the worst coefficient."""

    def numbers(source):
        pairs = np.array(source[part], dtype=np.longdouble)
        return pairs[:, 0] + pairs[:, 1]

    truth = numbers(exact)
    error = np.max(np.abs(numbers(found) - truth) / np.abs(truth))
    return float(-np.log10(np.maximum(error, np.longdouble(1e-18))))


def installed_tools():
    tools = list(OURS) + ["statsmodels"]
    try:
        importlib.metadata.version("numba")
    except importlib.metadata.PackageNotFoundError:
        tools.remove("ours_compiled")
    if shutil.which("Rscript"):
        for tool, name in R_TOOLS.items():
            package = name.split("::")[0]
            check = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
            if subprocess.run(["Rscript", "--vanilla", "-e", check], capture_output=True).returncode == 0:
                tools.append(tool)
    return tools


def speed(results, tools, full):
    lines = [
        "| rows | tool | seconds | ratio to p2prisk | processor | ratio | first call | digits | peak MB (data) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for n in (10**4, 10**5, 10**6):
        folder = stored(n)
        exact = measure(results, f"exact n={n}", "exact", folder, 20, 1)
        rows = []
        for tool in tools:
            if n > LIMIT[tool][full]:
                continue
            slow = tool in ("statsmodels", "polr", "clm") and n >= 10**5
            repeats = 1 if slow and n >= 10**6 or tool == "statsmodels" and n >= 10**5 else 3 if slow else 6
            rows.append((tool, measure(results, f"{tool} n={n}", tool, folder, 20, repeats)))
        good = [found for tool, found in rows if tool in OURS and "seconds" in found]
        best, least = (
            min([typical(found, what) for found in good], default=np.nan) for what in ("seconds", "processor")
        )
        for tool, found in rows:
            if "error" in found:
                lines.append(f"| {n:,} | {NAMES[tool]} | {found['error']} | | | | | | |")
                continue
            spread = f"{typical(found):.3g} [{min(found['seconds'][1:] or found['seconds']):.3g}"
            spread += f"-{max(found['seconds'][1:] or found['seconds']):.3g}]"
            busy = typical(found, "processor")
            lines.append(
                f"| {n:,} | {NAMES[tool]} | {spread} | {typical(found) / best:.1f} | {busy:.3g} | "
                f"{busy / least:.1f} | {found['seconds'][0]:.3g} | "
                f"{digits(found, exact):.1f} | {found['peak_mb']:.0f} ({n * 160 / 2**20:.0f}) |"
            )
    return lines


def family(results, tools):
    """The sequential logit through the same kernel, and what the first call after installation costs."""
    lines = ["| what | seconds | processor seconds |", "|---|---|---|"]
    wanted = {"sequential_numpy": "NumPy only"}
    if "ours_compiled" in tools:
        wanted = {"sequential_compiled": "compiled", **wanted}
    for tool, name in wanted.items():
        found = measure(results, f"{tool} n=1000000", tool, stored(10**6), 20, 4)
        lines.append(
            f"| sequential logit (forward), 1,000,000 rows, {name} | {typical(found):.3g} | "
            f"{typical(found, 'processor'):.3g} |"
        )
    if "ours_compiled" in tools:
        with tempfile.TemporaryDirectory() as empty:
            for when in ("after installation", "in a later process"):
                found = measure(
                    results, f"first call {when}", "ours_compiled", stored(10**4), 20, 2, NUMBA_CACHE_DIR=empty
                )
                pairs = zip(("first", "second"), found["seconds"], found["processor"], strict=True)
                lines += [f"| 10,000 rows, {name} call {when} | {s:.3g} | {c:.3g} |" for name, s, c in pairs]
    return lines


def accuracy(results, tools):
    lines = ["| tool | seconds | digits, logarithms | digits, dollars |", "|---|---|---|---|"]
    cells = {}
    for dollars in (False, True):
        folder = stored_lending_club(dollars)
        label = "dollars" if dollars else "log"
        exact = measure(results, f"exact E1 {label}", "exact", folder, 26, 1)
        for tool in tools:
            repeats = 1 if tool == "statsmodels" else 6
            found = measure(results, f"{tool} E1 {label}", tool, folder, 26, repeats)
            cells[tool, dollars] = (found, exact)
    for tool in tools:
        texts = []
        for dollars in (False, True):
            found, exact = cells[tool, dollars]
            if "error" in found:
                texts.append(f"error: {found['error'].replace('|', '/')[:60]}")
            else:
                value = digits(found, exact)
                texts.append(f"{value:.1f}" if value >= 0.5 else f"none (log-likelihood {found['loglik']:.1f})")
        first = cells[tool, False][0]
        seconds = f"{typical(first):.3g}" if "seconds" in first else ""
        lines.append(f"| {NAMES[tool]} | {seconds} | {texts[0]} | {texts[1]} |")
    return lines


def files(results, full):
    lines = ["| rows in Parquet | seconds | peak MB | passes over the files |", "|---|---|---|---|"]
    for n in (2 * 10**6, 20 * 10**6) if full else (2 * 10**6,):
        found = measure(results, f"streamed n={n}", "streamed", stored_parquet(n), 20, 1)
        if "error" in found:
            lines.append(f"| {n:,} | {found['error']} | | |")
        else:
            # one pass more than Newton's: the first agrees on categories and takes the sample
            passes = found["passes"] + 1
            lines.append(f"| {n:,} | {typical(found):.1f} | {found['peak_mb']:.0f} | {passes} |")
    return lines


def scaling(results, tools, full):
    tool = "ours_compiled" if "ours_compiled" in tools else "ours_numpy"
    curves = {"rows (20 columns, 7 classes)": {}, "columns (100,000 rows)": {}, "classes (100,000 rows)": {}}
    for n in (10**4, 10**5, 10**6, 10**7) if full else (10**4, 10**5, 10**6):
        repeats = 6 if n < 10**7 else 2
        found = measure(results, f"{tool} n={n}", tool, stored(n), 20, repeats, 600)
        curves["rows (20 columns, 7 classes)"][n] = found
    for p in (5, 10, 20, 50, 100):
        key = f"{tool} n=100000" + ("" if p == 20 else f" p={p}")
        curves["columns (100,000 rows)"][p] = measure(results, key, tool, stored(10**5, p), p, 4)
    for j in (3, 5, 7, 12, 20):
        key = f"{tool} n=100000" + ("" if j == 7 else f" j={j}")
        curves["classes (100,000 rows)"][j] = measure(results, key, tool, stored(10**5, 20, j), 20, 4)
    lines = ["| what grows | at | seconds |", "|---|---|---|"]
    points = {}
    for name, curve in curves.items():
        points[name] = {at: typical(found) for at, found in curve.items() if "seconds" in found}
    try:
        importlib.metadata.version("distributed")
        found = measure(results, "partitions n=200000", "partitions", stored(2 * 10**5), 20, 1, 300)
        if "seconds" in found:
            points["partitions (200,000 rows, 2 workers)"] = {int(k): v for k, v in found["seconds"].items()}
    except importlib.metadata.PackageNotFoundError:
        pass
    for name, curve in points.items():
        lines += [f"| {name} | {at:,} | {seconds:.3g} |" for at, seconds in curve.items()]
    plot(points)
    return [*lines, "", "![How the time of a fit grows](scaling.png)"]


def plot(points):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(points), figsize=(3.1 * len(points), 3.0), squeeze=False)
    for ax, (name, curve) in zip(axes[0], points.items(), strict=True):
        at, seconds = np.array(list(curve)), np.array(list(curve.values()))
        ax.loglog(at, seconds, marker="o", color="#0072B2")
        # proportional growth through the last point, for the eye
        ax.loglog(at, seconds[-1] * at / at[-1], linestyle=":", color="#555555")
        ax.set_xlabel(name)
        ax.set_xticks(at, [f"{v:g}" for v in at], rotation=45)
        ax.minorticks_off()
    axes[0][0].set_ylabel("seconds a fit")
    figure.suptitle("dotted: proportional growth", fontsize=9)
    figure.tight_layout()
    figure.savefig(HERE / "scaling.png", dpi=130)
    plt.close(figure)


def other_scripts(results):
    """What the scripts on the checks and the score card print; each in a process of its own."""
    lines = ["```"]
    for script in ("checks.py", "scorecard.py"):
        if script not in results:
            done = subprocess.run([sys.executable, str(HERE / script)], capture_output=True, text=True, check=True)
            results[script] = done.stdout.rstrip().split("\n")
            RESULTS.write_text(json.dumps(results))
        lines += results[script]
    return [*lines, "```"]


def machine():
    model = next(
        (
            line.split(":")[1].strip()
            for line in (Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else [])
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = []
    for package in ("numpy", "scipy", "statsmodels", "numba", "pyarrow", "distributed"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    text = f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}, {', '.join(versions)}"
    if shutil.which("Rscript"):
        ask = "cat(R.version.string); for (p in c('rms', 'ordinal', 'MASS')) cat(',', p, tryCatch("
        ask += "as.character(packageVersion(p)), error = function(e) 'absent'))"
        text += (
            "; " + subprocess.run(["Rscript", "--vanilla", "-e", ask], capture_output=True, text=True).stdout.strip()
        )
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    today = datetime.date.today().isoformat()
    return [f"{text}. Run of {today}; load average at the start {load_average:.1f}."]


def write(name, lines):
    """Put lines between the markers of the report."""
    path = HERE / "README.md"
    text = path.read_text()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    path.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + tail)
    print("\n".join(lines), "\n", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="also what takes many minutes")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(exist_ok=True)
    if options.fresh:
        RESULTS.unlink(missing_ok=True)
    results, tools = load(), installed_tools()
    results.setdefault("machine", machine())
    RESULTS.write_text(json.dumps(results))
    write("machine", results["machine"])
    write("speed", speed(results, tools, options.full))
    write("family", family(results, tools))
    write("accuracy", accuracy(results, tools))
    write("files", files(results, options.full))
    write("scaling", scaling(results, tools, options.full))
    write("others", other_scripts(results))
    write("machine", [results["machine"][0] + f" At the end {os.getloadavg()[0]:.1f}."])


if __name__ == "__main__":
    main()
