"""``p2prisk challenge``: two stored models on loans that neither has seen, with trees beside them."""

import argparse


def add(command):
    """Add the command to a parser."""
    from p2prisk import cli

    sub = command("challenge", run, "Compare two stored models on the same loans, with trees as the benchmark.")
    sub.add_argument("--model", required=True, help="model file of 'p2prisk fit'; it brings its mapping")
    sub.add_argument("--against", required=True, metavar="FILE", help="model file of its challenger")
    sub.add_argument("--as-of", type=cli._day, metavar="DAY", help="use only what was known on this day")
    sub.add_argument(
        "--trees-until",
        type=cli._day,
        metavar="DAY",
        help="train the trees on loans issued up to this day (outcomes as the tape knows them now), judge later ones",
    )
    sub.add_argument("--same-months", action="store_true", help="judge also loans of the months of the models' own")
    sub.add_argument("--accept", type=_portion, default=0.8, metavar="SHARE", help="accepted share (default: 0.8)")
    sub.add_argument("--by", default="", metavar="COLUMNS", help="columns whose levels are segments, by commas")
    sub.add_argument("--html", metavar="FILE", help="write the result as a page, too")


def _portion(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1")
    return value


def run(arguments):
    """Compare, print, write."""
    from p2prisk import cli
    from p2prisk.cli.monitor import read_for
    from p2prisk.cli.page import tables_page
    from p2prisk.monitor import Terms, challenge_model
    from p2prisk.outputs import Output
    from p2prisk.scorecard.scoring import reading_for
    from p2prisk.standard import StandardModel

    inputs = [*cli._inputs(arguments), arguments.against]
    page = Output(arguments.html, inputs) if arguments.html else None
    model, against = (StandardModel.from_json(path) for path in (arguments.model, arguments.against))
    reading_for(against, model.reading.get("mapping"))  # refuses where the two read one column in two ways
    by = tuple(name.strip() for name in arguments.by.split(",") if name.strip())
    terms = Terms(arguments.as_of, arguments.trees_until, arguments.same_months, arguments.accept, by)
    found = challenge_model(model, against, read_for(model, arguments, against), terms)
    about = found.about
    sections = [
        (
            "Answer",
            [found.answer, f"Event: {about['event']}; {about['loans']:,d} loans, {about['events']:,d} bad."],
            None,
        ),
        ("Rank", ["Areas under the curve, and paired comparisons (DeLong, 95 per cent)."], found.areas),
        ("Differences", [], found.differences),
        ("Level", ["Above 0 in the large: predictions too low. Slope below 1: too extreme."], found.calibration),
        ("Swap set", [f"Each accepts {about['accepted']:.0%} of the loans."], found.swap_set),
        *([("Segments", ["No area where loans are too few."], found.segments)] if len(found.segments) else []),
        ("Notes", found.notes, None),
    ]
    for heading, sentences, table in sections:
        cli._say("\n".join([heading.upper(), *sentences]))
        if table is not None:
            cli._say(table.to_string(index=False, float_format=lambda x: f"{x:.4f}", na_rep="-"))
        print()
    if page:
        with page:
            page.stream.write(tables_page("Two models on the same loans", sections).encode("utf-8"))
