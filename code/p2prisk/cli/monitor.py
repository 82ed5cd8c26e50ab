"""``p2prisk monitor``: does a stored model still hold on new loans? One verdict, a page, an exit code."""

import dataclasses
import json
import sys

from p2prisk.cli import exits


def add(command):
    """Add the command to a parser."""
    from p2prisk import cli

    sub = command("monitor", run, "Compare new loans with a stored model; the exit code is the verdict.")
    sub.add_argument("--model", required=True, help="model file of 'p2prisk fit'; it brings its mapping")
    sub.add_argument("--as-of", type=cli._day, metavar="DAY", help="use only what was known on this day")
    sub.add_argument("--recent", type=cli._count, metavar="MONTHS", help="stability of the last so many months' loans")
    sub.add_argument("--same-months", action="store_true", help="judge also loans of the months of the model's own")
    sub.add_argument(
        "--common-shock",
        type=_share,
        default=0.0,
        metavar="SD",
        help="standard deviation of a month's common shift of the log-odds, for the limits (default: 0)",
    )
    cli.cluster_option(sub)
    sub.add_argument("--html", metavar="FILE", help="write the result as a page, too")
    sub.add_argument("--json", metavar="FILE", help="write the result as JSON, too")


def run(arguments):
    """Monitor, print, write; the exit code says the verdict."""
    from p2prisk import cli
    from p2prisk.cli.page import tables_page
    from p2prisk.monitor import Simulation, watch_model
    from p2prisk.outputs import Output, refuse_twice
    from p2prisk.scorecard.scoring import LoanScorer
    from p2prisk.standard import StandardModel

    inputs = cli._inputs(arguments)
    refuse_twice(arguments.html, arguments.json)
    targets = [Output(path, inputs) for path in (arguments.html, arguments.json) if path]
    model = StandardModel.from_json(arguments.model)
    tape = read_for(model, arguments)
    found = watch_model(
        model,
        tape,
        as_of=arguments.as_of,
        recent=arguments.recent,
        same_months=arguments.same_months,
        simulation=Simulation(common_shock=arguments.common_shock),
    )
    cli._say(_text(found))
    for told in LoanScorer(model).unlike(tape.frame):  # another unit would ask for another model
        cli._say("warning: " + told.partition(" 'p2prisk")[0], sys.stderr)
    texts = []
    if arguments.html:
        texts.append(tables_page(f"The model on new loans: {found.verdict}", _sections(found)))
    if arguments.json:
        plain = dataclasses.asdict(found)
        for name in ("stability", "measures", "grades"):
            plain[name] = json.loads(getattr(found, name).to_json(orient="records"))
        plain["false_alarm"] = None if found.false_alarm != found.false_alarm else found.false_alarm
        texts.append(json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False))
    for target, text in zip(targets, texts, strict=True):
        with target:
            target.stream.write(text.encode("utf-8"))
    codes = {"recalibrate": exits.RECALIBRATE, "redevelop": exits.REDEVELOP, "no verdict": exits.NO_VERDICT}
    return codes.get(found.verdict, exits.FINE)


def read_for(model, arguments, against=None):
    """The tape of a command, read as the model's own was, and with its outcomes where the mapping names them.

    Own columns of a second model, `against`, are read besides.
    """
    from p2prisk import cli
    from p2prisk.scorecard.scoring import reading_for
    from p2prisk.tape.choose import find_mapping
    from p2prisk.tape.columns import is_own
    from p2prisk.tape.mapping import builtin_names

    named, own = cli._format(arguments), model.reading.get("mapping")
    lenders = {
        name: rule
        for each in (model, against)
        for name, rule in ((each and each.reading.get("mapping")) or {}).get("columns", {}).items()
        if is_own(name)
    }
    name = (own or {}).get("format")
    if named is None and name in builtin_names():
        named = name
    if named == "canonical" or (named is None and (own is None or name == "canonical")):
        # columns that bear the canonical names need no rules; those of the outcome are read with the others
        return cli._read(arguments, decisions=dict(model.reading.get("decisions") or {}), own=lenders)
    if named is None:
        print("note: read with the model's own mapping, which knows no outcome; --map FILE names one", file=sys.stderr)
        return cli._read(arguments, decisions=dict(model.reading.get("decisions") or {}), mapping=own, own=lenders)
    mapping, decisions, notes = reading_for(model, find_mapping(named, (), named))
    for note in notes:
        cli._say(f"note: {note}", sys.stderr)
    return cli._read(arguments, decisions=decisions, mapping=mapping, own=lenders)


def _share(text):
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 5:
        raise argparse.ArgumentTypeError(f"{text!r} is no standard deviation of log-odds; give a number from 0 to 5")
    return value


def _sections(found):
    """Heading, words, table of each part of the page."""
    about = found.about
    words = [*found.reasons, *found.notes]
    return [
        ("Verdict", [f"{found.verdict}.", *found.reasons], None),
        ("Rule", found.rule, None),
        (
            "Outcomes",
            [_chance(found), f"Event: {about['event'] or 'none'}."],
            found.measures if about["judged"] else None,
        ),
        ("Grades", ["Jeffreys intervals, 95 per cent."] if len(found.grades) else ["None."], found.grades),
        (
            "Stability",
            ["Against the loans of the fit; limits by the sampling distribution of the index."],
            found.stability,
        ),
        ("Notes", found.notes or ["None."], None),
    ][: 6 if words else 5]


def _chance(found):
    if found.false_alarm != found.false_alarm:
        return "No outcome is judged."
    return (
        f"If nothing had changed, a verdict other than keep would come in {found.false_alarm:.1%} of the cases "
        f"(simulated on these loans)."
    )


def _text(found):
    lines = [f"verdict: {found.verdict}", *(f"  {reason}" for reason in found.reasons), "", "rule"]
    lines += [f"  {sentence}" for sentence in found.rule]
    if len(found.measures):
        lines += ["", f"outcomes: {found.about['event']}"]
        lines += [
            f"{'measure':<10}{'value':>9}{'expected':>10}{'low':>9}{'high':>9}{'p':>8}{'alarm':>7}"
            f"{'loans':>10}{'bad':>8}{'found 4 in 5':>14}"
        ]
        for row in found.measures.itertuples():
            cells = [f"{row.value:>9.4f}", f"{row.expected:>10.4f}", *(_number(x, 9) for x in (row.low, row.high))]
            lines.append(
                f"{row.measure:<10}{''.join(cells)}{row.pvalue:>8.3f}{'yes' if row.alarm else 'no':>7}"
                f"{row.loans:>10,d}{row.events:>8,d}{_number(row.detectable, 14)}"
            )
        lines += ["", f"{'grade':<20}{'loans':>9}{'bad':>8}{'predicted':>11}{'observed':>10}{'low':>9}{'high':>9}"]
        lines += [
            f"{row.grade:<20}{row.loans:>9,d}{row.events:>8,d}{row.predicted:>11.2%}{row.observed:>10.2%}"
            f"{row.low:>9.2%}{row.high:>9.2%}"
            for row in found.grades.itertuples()
        ]
    lines += ["", _chance(found), "", f"{'stability of':<26}{'loans':>9}{'index':>9}{'limit':>9}{'p':>8}  shifted"]
    lines += [
        f"{row.variable:<26}{row.loans:>9,d}{_number(row.psi, 9)}{_number(row.limit, 9)}{_number(row.pvalue, 8, 3)}  "
        f"{_shifted(row)}"
        for row in found.stability.itertuples()
    ]
    return "\n".join(lines + (["", *(f"note: {note}" for note in found.notes)] if found.notes else []))


def _shifted(row):
    if row.psi != row.psi:
        return "not judged"
    if row.shifted:
        return f"yes: {row.largest_class}"
    return f"small, beyond chance: {row.largest_class}" if row.psi > row.limit else "no"


def _number(value, width, digits=4):
    return f"{value:>{width}.{digits}f}" if value == value else f"{'-':>{width}}"
