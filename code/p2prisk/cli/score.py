"""``p2prisk score``: each loan of a tape by a stored model, piece by piece, and a summary by grade."""

import sys
from pathlib import Path


def add(command):
    """Add the command to a parser."""
    from p2prisk.cli import _count

    sub = command("score", run, "Score a tape with a stored model, piece by piece.")
    sub.add_argument(
        "--model", required=True, help="model file of 'p2prisk fit'; it brings the mapping it was fitted with"
    )
    sub.add_argument("--output", required=True, help="file to write: .csv, .csv.gz or .parquet")
    sub.add_argument(
        "--drift",
        choices=("flag", "refuse"),
        default="flag",
        help="attributes the model was not fitted on: flag the row (default), or stop",
    )
    sub.add_argument("--key", help="file with a secret, made if absent: keys that are personal become codes under it")
    sub.add_argument("--rows", type=_count, default=200_000, help="rows of a piece (default: 200000)")


def run(arguments):
    """Write one row for each loan, then say what was read, scored and set aside."""
    from p2prisk import cli
    from p2prisk.cli.progress import Progress
    from p2prisk.outputs import refuse_twice
    from p2prisk.scorecard.scoring import LoanScorer
    from p2prisk.standard import StandardModel
    from p2prisk.tape.core import account

    refuse_twice(arguments.output, arguments.key)  # a key that is written over undoes no code any more
    size = Path(arguments.tape).stat().st_size if Path(arguments.tape).is_file() else 0
    with cli._Table(arguments.output, cli._inputs(arguments), size // 8) as out:
        model = StandardModel.from_json(arguments.model)
        scorer, progress = LoanScorer(model), Progress()
        aside: list = []
        replaced = 0
        for tape in _pieces(arguments, model):
            for told in () if scorer.loans else scorer.unlike(tape.frame):
                cli._say(f"warning: {told}", sys.stderr)
            scores = scorer.score(tape.frame, arguments.drift)
            scores.insert(0, "row", _row_numbers(tape, scorer.loans - len(scores)))
            if "loan_id" in tape.frame:
                keys, coded = _keys_to_write(tape.frame["loan_id"])
                scores.insert(1, "loan_id", keys)
                replaced += coded
            out.write(scores)
            aside += tape.set_aside
            rows = tape.provenance.get("rows_of_file")
            progress.total = rows and rows - sum(entry["rows"] for entry in aside)
            progress.show(scorer.loans)
        progress.close()
    print(account(scorer.loans + sum(entry["rows"] for entry in aside), scorer.loans, aside, "scored"))
    _say_grades(scorer, model)
    _say_flags(scorer, arguments.output)
    if replaced:
        how = (
            "codes; 'p2prisk keys' lists them"
            if arguments.key
            else "running numbers; --key FILE gives codes that stay the same, and that you can trace back"
        )
        print(f"{replaced:,d} keys look personal and were replaced by {how}", file=sys.stderr)


def _pieces(arguments, model):
    """The tape, read as the model's own was: a file in pieces, a query at once."""
    from p2prisk import cli
    from p2prisk.scorecard.scoring import reading_for
    from p2prisk.tape import iter_tape
    from p2prisk.tape.choose import find_mapping

    key = cli._secret(arguments.key, make=True) if arguments.key else None
    named = cli._format(arguments)
    mapping, decisions, notes = reading_for(model, None if named is None else find_mapping(named, (), named))
    for note in notes:
        cli._say(f"note: {note}", sys.stderr)
    if not Path(arguments.tape).is_file():
        return iter([cli._read(arguments, key, decisions, mapping)])
    how = cli._how(arguments) | {"on_error": arguments.on_error, "key": key, "decisions": decisions}
    return iter_tape(arguments.tape, mapping, rows=arguments.rows, **how)


def _row_numbers(tape, before):
    """Number of each row in the file."""
    if getattr(tape, "rows", None) is not None:
        return tape.row_numbers()
    return range(before + 1, before + len(tape) + 1)


def _keys_to_write(keys):
    """Keys that no spreadsheet takes for a formula, and how many of them stand for personal ones.

    Examples
    --------
    >>> import pandas as pd
    >>> keys, coded = _keys_to_write(pd.Series(["+49 30 1", "L1", "k00000001"]))
    >>> list(keys), coded
    (["'+49 30 1", 'L1', 'k00000001'], 1)
    """
    from p2prisk.cli.csv_text import without_formulas

    begin = keys.astype("str").str[:1]
    coded = keys[begin.isin(["k", "x"])].astype(str).str.fullmatch(r"k\d{8}|x[0-9a-f]{20}").sum()
    plain = all(mark.isalnum() for mark in begin.dropna().unique())
    return keys if plain else without_formulas(keys), int(coded)


def _say_grades(scorer, model):
    """The summary by grade, where the model has a card."""
    from p2prisk.tape.event import Event

    if scorer.card is None:
        return
    print(f"pd: the chance of being {Event.from_plain(model.event).name}" if model.event else "pd: of being bad")
    print(f"{'grade':<12}{'loans':>10}{'share':>9}{'mean pd':>9}{'points':>9}")
    for row in scorer.summary().itertuples():
        points = f"{row.mean_points:>9.0f}" if row.mean_points == row.mean_points else f"{'-':>9}"
        print(f"{row.grade:<12}{row.loans:>10,d}{row.share:>9.1%}{row.mean_pd:>9.2%}" + points)


def _say_flags(scorer, output):
    """How many loans were written, and what is odd about them."""
    words = {"missing": "a missing attribute", "new_level": "a level new to the model"}
    words |= {"out_of_range": "a value outside its range", "refer": "a gap without points (referred)"}
    told = ", ".join(f"{text} {scorer.flags[name]:,d}" for name, text in words.items())
    print(f"written: {output}: {scorer.loans:,d} loans; with {told}")
    if scorer.flags["out_of_range"] > 0.5 * scorer.loans and scorer.loans > 1:
        print(
            "more than half of these loans have a value outside all that the model was built on: look whether a column "
            "has another unit here (out_of_range in the output)"
        )
