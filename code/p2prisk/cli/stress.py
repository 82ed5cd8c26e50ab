"""``p2prisk stress``: a book under the scenarios of a file; a broken limit is the exit code."""

import dataclasses
import json
from importlib import resources
from pathlib import Path

from p2prisk.cli import exits
from p2prisk.errors import count_of


def add(command):
    """Add the command to a parser."""
    sub = command("stress", run, "Put a book under the scenarios of a file; the exit code says whether a limit breaks.")
    sub.add_argument("--model", required=True, help="model file of 'p2prisk fit'; it brings its mapping")
    sub.add_argument(
        "--scenario",
        required=True,
        metavar="FILE",
        help="scenarios (YAML), keys below; 'example' is the one that the package brings",
    )
    sub.add_argument("--html", metavar="FILE", help="write the result as a page, too")
    sub.add_argument("--json", metavar="FILE", help="write the result as JSON, too")


def schema() -> dict:
    """What a file of scenarios may hold."""
    return json.loads(_asset("scenarios.schema.json").read_text(encoding="utf-8"))


def _asset(name):
    return resources.files("p2prisk") / "assets" / name


def run(arguments):
    """Read, compute, print, write; the exit code says whether a limit is broken."""
    from p2prisk import cli
    from p2prisk.cli.monitor import read_for
    from p2prisk.cli.page import tables_page
    from p2prisk.errors import DataError
    from p2prisk.outputs import Output, refuse_twice
    from p2prisk.policy.stressed import stress_model
    from p2prisk.report.decisions import read_yaml
    from p2prisk.standard import StandardModel

    inputs = [*cli._inputs(arguments), arguments.scenario]
    refuse_twice(arguments.html, arguments.json)
    targets = [Output(path, inputs) for path in (arguments.html, arguments.json) if path]
    model = StandardModel.from_json(arguments.model)
    given = arguments.scenario
    with resources.as_file(_asset("scenarios.yml")) as shipped:
        plan = read_yaml(shipped if given == "example" and not Path(given).exists() else given, "scenarios", schema())
    names = [scenario["name"] for scenario in plan["scenarios"]]
    if len(set(names)) < len(names):
        raise DataError(f"{Path(given).name}: two scenarios have one name")
    found = stress_model(model, read_for(model, arguments), plan)
    cli._say(_text(found))
    texts = []
    if arguments.html:
        texts.append(tables_page("The book under stress", _sections(found, plan)))
    if arguments.json:
        plain = dataclasses.asdict(found) | {
            name: json.loads(getattr(found, name).to_json(orient="records")) for name in ("table", "assumptions")
        }
        texts.append(json.dumps(plain | {"plan": plan}, ensure_ascii=False, indent=1, allow_nan=False))
    for target, text in zip(targets, texts, strict=True):
        with target:
            target.stream.write(text.encode("utf-8"))
    return exits.BROKEN if found.broken else exits.FINE


def _answer(found):
    if found.broken:
        return [f"{len(found.broken)} limit(s) broken.", *found.broken]
    return ["No limit is broken."]


def _sections(found, plan):
    whole = found.table["grade"].eq("all") & found.table["term"].isna()
    stories = [f"{scenario['name']}: {scenario['story']}" for scenario in plan["scenarios"]]
    words = [
        f"Event: {found.about['event']}; {count_of(found.about['loans'], 'loan')}. Grades: {found.about['grade']}."
    ]
    return [
        ("Answer", _answer(found), None),
        ("The whole book", [*words, *stories], found.table[whole].drop(columns=["grade", "term"])),
        ("By grade and term", [], found.table[~whole]),
        ("Assumptions", [], found.assumptions),
        ("Notes", found.notes or ["None."], None),
    ]


def _text(found):
    def share(value, width):
        return f"{'-':>{width}}" if value != value else f"{value:>{width}.2%}"

    lines = [*_answer(found), "", f"event: {found.about['event']}; grades: {found.about['grade']}", ""]
    lines.append(
        f"{'scenario':<28}{'grade':<9}{'term':>5}{'loans':>10}{'pd':>9}{'loss':>9}{'low':>9}{'high':>9}{'return':>9}"
        f"{'break-even odds':>17}"
    )
    for row in found.table.itertuples():
        term = "" if row.term != row.term else f"{row.term:g}"
        odds = "-" if row.break_even != row.break_even else f"x {row.break_even:.2f}"
        lines.append(
            f"{row.scenario[:27]:<28}{row.grade[:8]:<9}{term:>5}{row.loans:>10,d}"
            + "".join(share(x, 9) for x in (row.pd, row.expected_loss, row.low, row.high, row.lenders_return))
            + f"{odds:>17}"
        )
    lines += ["", *(f"{row.assumption}: {row.figure} ({row[3]})" for row in found.assumptions.itertuples())]
    return "\n".join(lines + (["", *(f"note: {note}" for note in found.notes)] if found.notes else []))
