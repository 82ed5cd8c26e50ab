"""`monitor` on the Lending Club loans of 2010 and 2011, month by month, with what was known on each last day.

    python benchmarks/monitor_months.py [--input FILE] [--check] [--table]

The model is that of the last day of 2010: charged off within twelve months of issue, fitted on the loans that were a
year old on that day. On the last day of each month from January 2011 to December 2012 it meets the loans issued since,
as far as their twelve months were over, with the charge-offs on file by that day; stability is judged on the loans
issued in the last three months. A loan of 2011 is judged in 2012: in 2011 the outcomes are those of 2010.

Two verdicts stand side by side: loans that fail independently, and loans of a month that share a shock of 0.2 of the
log-odds. Writes `data/monitor_months.csv`, none of whose rows is a loan, and the table of README.md between its marks.
With `--check` it compares instead of writing, with `--table` it makes that table from the frozen file alone.
"""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd

from p2prisk import load
from p2prisk.monitor import Simulation, watch_model
from p2prisk.scorecard import scale_of_tape
from p2prisk.standard import fit_standard
from p2prisk.tape import study_sample

ROOT = Path(__file__).resolve().parents[1]
FROZEN = ROOT / "data" / "monitor_months.csv"
README = Path(__file__).with_name("README.md")
BUILT, HORIZON, RECENT, SHOCK = "2010-12-31", 12, 3, 0.2
LAST_MONTHS = pd.date_range("2011-01-31", "2012-12-31", freq="ME")


def fitted(tape):
    """The model of the last day of 2010."""
    sample, _ = study_sample(tape.as_of(BUILT), HORIZON)
    model = fit_standard(sample)
    scale, _ = scale_of_tape(model, sample.frame)
    model.scale = None if scale is None else scale.to_plain()
    return model


def months(tape, model):
    """A row a month: what was judged, what was found, and the verdict."""
    rows = []
    for day in LAST_MONTHS:
        known = tape.as_of(f"{day:%Y-%m-%d}")
        row = {"known_on": f"{day:%Y-%m-%d}"}
        for name, shock in (("", 0.0), ("_shared", SHOCK)):
            found = watch_model(model, known, recent=RECENT, simulation=Simulation(common_shock=shock))
            if not shock:
                row |= {"new_loans": found.about["loans"], "judged": found.about["judged"]}
                score = found.stability.iloc[0]
                row |= {"stability": score["psi"], "shifted": ", ".join(_shifted(found)) or "none"}
                row |= _measured(found)
            alarms = found.measures["measure"][found.measures["alarm"].astype(bool)] if len(found.measures) else ()
            near = found.measures["measure"][found.measures["near"].astype(bool)] if len(found.measures) else ()
            row |= {f"near{name}": ", ".join(near) or "none"}
            row |= {f"verdict{name}": found.verdict, f"alarms{name}": ", ".join(alarms) or "none"}
            row |= {f"false_alarm{name}": found.false_alarm}
        rows.append(row)
        print(row["known_on"], row["judged"], row["verdict"], row["verdict_shared"], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def _shifted(found):
    return found.stability["variable"][found.stability["shifted"].astype(bool)]


def _measured(found):
    if not len(found.measures):
        return dict.fromkeys(("bad", "rate", "expected_rate", "slope", "area", "expected_area"), float("nan"))
    by = found.measures.set_index("measure")
    return {
        "bad": by.loc["level", "events"],
        "rate": by.loc["level", "value"],
        "expected_rate": by.loc["level", "expected"],
        "slope": by.loc["slope", "value"],
        "area": by.loc["area", "value"],
        "expected_area": by.loc["area", "expected"],
    }


def page(table):
    """The table as README.md shows it."""
    heads = "known on|judged|bad|rate, expected|area, expected|verdict|near|false alarm|with a shared shock|false alarm"
    lines = [f"| {heads.replace('|', ' | ')} |", "|---|---:|---:|---|---|---|---|---:|---|---:|"]
    for row in table.itertuples():
        lines.append(
            f"| {row.known_on} | {row.judged:,.0f} | {row.bad:,.0f} | {100 * row.rate:.2f}, {row.expected_rate:.2%} | "
            f"{row.area:.3f}, {row.expected_area:.3f} | {row.verdict} | {row.near} | {row.false_alarm:.1%} | "
            f"{row.verdict_shared} | {row.false_alarm_shared:.1%} |".replace("%", " %")
        )
    return "\n".join(lines) + "\n"


def put(table):
    """Write the table between its marks in README.md."""
    between = re.compile(r"(<!-- months: begin -->\n).*?(<!-- months: end -->)", re.S)
    text, found = between.subn(lambda mark: mark[1] + page(table) + mark[2], README.read_text(encoding="utf-8"))
    if found != 1:
        raise SystemExit(f"{README.name} has no marks '<!-- months: begin -->' and '<!-- months: end -->'")
    README.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--input", help="the loans of 2007 to 2011; default: where load() looks")
    parser.add_argument("--check", action="store_true", help="compare with the frozen table")
    parser.add_argument("--table", action="store_true", help="make the table of README.md from the frozen one")
    arguments = parser.parse_args()
    if arguments.table:
        return put(pd.read_csv(FROZEN, keep_default_na=False, na_values=[""]))
    if arguments.input:
        from p2prisk import read_tape

        tape = read_tape(arguments.input)
    else:
        tape = load("lendingclub-2007-2011")
    table = months(tape, fitted(tape)).round(6)
    if arguments.check:
        pd.testing.assert_frame_equal(table, pd.read_csv(FROZEN), check_dtype=False, atol=2e-4)
        print(f"{len(table)} months as frozen")
    else:
        table.to_csv(FROZEN, index=False, lineterminator="\n")
        put(table)
        print(table.to_string(index=False))


if __name__ == "__main__":
    main()
