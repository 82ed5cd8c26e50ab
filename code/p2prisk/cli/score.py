"""``p2prisk score``: each loan of a tape by a stored model, piece by piece, and a summary by grade."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from p2prisk.errors import count_of
from p2prisk.tape.abreast import in_order


def add(command):
    """Add the command to a parser."""
    from p2prisk.cli import _count, cluster_option

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
    sub.add_argument("--rows", type=_count, default=200_000, help="rows read at a time (default: 200000)")
    cluster_option(sub)


@dataclass(frozen=True)
class _Scored:
    """What came of some rows of a piece."""

    #: as it is written, but for the number of a row, which counts from the begin of the piece
    table: Any
    rows_read: int
    rows_of_file: int | None
    aside: list
    #: numbers that look as if they were in another unit
    unlike: list
    coded: int
    #: what the reader did to cells, and to how many
    doubts: list


@dataclass(frozen=True)
class _Scoring:
    """Read and score a piece, here or on a worker."""

    scorer: Any
    drift: str
    mapping: dict | None
    options: dict
    rows: int

    def __call__(self, piece):
        return in_order(self.scored, self._begun(piece), ahead=2)  # a part is scored while the next is read

    def _begun(self, piece):
        """The parts of a piece, and how many rows came before each."""
        done = 0
        for tape in self.tapes(piece):
            yield tape, done
            done += len(tape.frame)

    def scored(self, given):
        """What is written of a part."""
        tape, done = given
        table = self.scorer.table(tape.frame, self.drift)
        table.insert(0, "row", _row_numbers(tape, done))
        unlike, coded = ([] if done else self.scorer.unlike(tape.frame)), 0
        if "loan_id" in tape.frame:
            keys, coded = _keys_to_write(tape.frame["loan_id"])
            table.insert(1, "loan_id", keys)
        told, count = tape.provenance, len(table)
        doubts = [
            (f"{note['column']}: {note['what'].split(' (first in')[0]}", note["rows"])
            for note in tape.notes
            if note.get("level") in ("warning", "error")
        ]
        rows = told.get("rows_read", count), told.get("rows_of_file")
        return _Scored(table, *rows, tape.set_aside, unlike, coded, doubts)

    def tapes(self, piece):
        """A file in pieces of its own, a query at once."""
        from p2prisk.datasets import load, names
        from p2prisk.tape import iter_tape, read_tape

        if piece.source in names():
            return [load(piece.source)]
        options = {name: value for name, value in self.options.items() if name not in ("record_date", "instalments")}
        if "://" not in piece.source:
            return iter_tape(piece.source, self.mapping, rows=self.rows, **options)
        return [read_tape(piece.source, self.mapping, query=piece.query, **self.options)]


class _Numbered:
    """Rows numbered through all pieces; codes of personal keys become running numbers where no key is given."""

    def __init__(self, running):
        self.running, self.coded, self.known = running, 0, {}

    def __call__(self, part, begin, several):
        self.coded += part.coded
        if not several:
            return part
        table = part.table.assign(row=np.asarray(part.table["row"]) + begin)
        if self.running and part.coded:
            keys = table["loan_id"].astype(object)
            codes = keys.astype(str).str.fullmatch(r"x[0-9a-f]{20}").fillna(False).to_numpy(dtype=bool)
            for code in keys[codes].unique():
                self.known.setdefault(code, f"k{len(self.known) + 1:08d}")
            table["loan_id"] = keys.where(~codes, keys.map(self.known))
        aside = [{**entry, "lines": [line + begin for line in entry.get("lines", ())]} for entry in part.aside]
        return replace(part, table=table, aside=aside)


def run(arguments):
    """Write one row for each loan, then say what was read, scored and set aside."""
    from p2prisk import cli
    from p2prisk.cli.behind import Behind
    from p2prisk.cli.progress import Progress
    from p2prisk.outputs import refuse_twice
    from p2prisk.scorecard.scoring import LoanScorer
    from p2prisk.standard import StandardModel
    from p2prisk.tape.cluster import workers
    from p2prisk.tape.core import account

    refuse_twice(arguments.output, arguments.key)  # a key that is written over undoes no code any more
    size = Path(arguments.tape).stat().st_size if Path(arguments.tape).is_file() else 0
    out = cli._Table(arguments.output, cli._inputs(arguments), size // 8)
    with out, Behind(out.write) as behind, workers(arguments.scheduler) as over:
        model = StandardModel.from_json(arguments.model)
        scorer, progress = LoanScorer(model), Progress()
        aside: list = []
        doubts: dict = {}
        numbered = _Numbered(arguments.key is None)
        for part in _scored(arguments, model, scorer, numbered, over):
            for told in () if scorer.loans else part.unlike:
                cli._say(f"warning: {told}", sys.stderr)
            scorer.count(part.table)
            behind.take(part.table)
            aside += part.aside
            for told, rows in part.doubts:
                doubts[told] = doubts.get(told, 0) + rows
            progress.total = part.rows_of_file and part.rows_of_file - sum(entry["rows"] for entry in aside)
            progress.show(scorer.loans)
        progress.close()
    for told, rows in doubts.items():
        cli._say(f"warning: {told} [{count_of(rows, 'row')}]", sys.stderr)
    print(account(scorer.loans + sum(entry["rows"] for entry in aside), scorer.loans, aside, "scored"))
    _say_grades(scorer, model)
    _say_flags(scorer, arguments.output)
    if numbered.coded:
        how = (
            "codes; 'p2prisk keys' lists them"
            if arguments.key
            else "running numbers; --key FILE gives codes that stay the same, and that you can trace back"
        )
        print(f"{numbered.coded:,d} keys look personal and were replaced by {how}", file=sys.stderr)


def _scored(arguments, model, scorer, numbered, over):
    """The loans of the tape, scored, piece after piece."""
    from p2prisk import cli
    from p2prisk.scorecard.scoring import reading_for
    from p2prisk.tape.choose import find_mapping
    from p2prisk.tape.pieces import pieces_of

    named = cli._format(arguments)
    key = cli._secret(arguments.key, make=True) if arguments.key else None
    mapping, decisions, notes = reading_for(model, None if named is None else find_mapping(named, (), named))
    for note in notes:
        cli._say(f"note: {note}", sys.stderr)
    options = cli._how(arguments) | {"on_error": arguments.on_error, "key": key, "decisions": decisions}
    options |= {"record_date": arguments.record_date, "instalments": arguments.instalments}
    scoring = _Scoring(scorer, arguments.drift, mapping, options, arguments.rows)
    pieces = pieces_of(arguments.tape, arguments.query)
    if len(pieces) > 1 and key is None:  # pieces agree on codes, and these become running numbers here
        scoring = replace(scoring, options={**options, "key": secrets.token_bytes(32)})
    begin = 0
    for parts in over(scoring, pieces):
        read = 0
        for part in parts:
            yield numbered(part, begin, len(pieces) > 1)
            read += part.rows_read
        begin += read


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
    """The summary by grade, where the model has an event."""
    from p2prisk.tape.event import Event

    if not model.bad_from:
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
    print(f"written: {output}: {count_of(scorer.loans, 'loan')}; with {told}")
    if scorer.flags["out_of_range"] > 0.5 * scorer.loans and scorer.loans > 1:
        print(
            "more than half of these loans have a value outside all that the model was built on: look whether a column "
            "has another unit here (out_of_range in the output)"
        )
