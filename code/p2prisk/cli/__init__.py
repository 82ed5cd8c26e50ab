"""The command line: check a tape, draft its mapping, fit and apply a model, render the study, obtain public loans.

Exit codes are in :mod:`p2prisk.cli.exits`. Messages go to stderr, results to stdout. Nothing but the file or the
folder that was named is written, whole or not at all (:mod:`p2prisk.outputs`).
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import signal
import sys
import traceback
from pathlib import Path

from p2prisk.cli import report
from p2prisk.cli.examples import EXAMPLES
from p2prisk.cli.progress import CHECK, Steps
from p2prisk.errors import DataError, P2PRiskError
from p2prisk.escape import visible
from p2prisk.outputs import Output, clear_scratch, end_orderly


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if None.

    Returns
    -------
    int
        Exit code.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and _Shown(stream) for stream in before)
    try:
        return _run(argv)
    finally:
        sys.stdout, sys.stderr = before


def _run(argv):
    if argv is None:
        end_orderly()
    for stream in (sys.stdout, sys.stderr):  # a console that lacks a character shows its code
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        if argv is None:
            _import_unswept()
        arguments = _parser().parse_args(argv)
        _refuse_control_characters(arguments)
        clear_scratch()
        return _held(arguments)
    except P2PRiskError as error:
        return _failed(error)
    except _Stop as stop:
        return stop.args[0]
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("p2prisk: stopped; nothing was replaced", file=sys.stderr)
        return 128 + signal.SIGINT
    except OSError as error:
        if error.args and isinstance(error.args[0], list):  # of shutil: an entry for each file that was not copied
            _, target, words = error.args[0][0]
            return _failed(f"{str(words).partition('] ')[2].partition(':')[0] or 'not copied'}: {Path(target).parent}")
        return _failed(f"{error.strerror or type(error).__name__}: {error.filename or ''}")
    except MemoryError:
        return _failed("the memory is not enough for this file; read fewer columns, or a part of the rows")
    except Exception as error:  # its words may hold values of the tape: its kind and its place say enough
        if os.environ.get("P2PRISK_TRACEBACK"):
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"p2prisk: a fault of this program, not of your data: {type(error).__name__} at "
            f"{Path(place.filename).name}:{place.lineno}. Nothing was replaced. Please report it; P2PRISK_TRACEBACK=1 "
            "shows all of it, with values of the tape",
            file=sys.stderr,
        )
        return 3


def _import_unswept():
    """Import what every command needs, and sweep less often: what modules make is no rubbish, and takes long to sweep.

    Python counts new objects, and goes through all of them every few hundred: a fifth of the time of a start.
    """
    gc.disable()
    import p2prisk.tape  # noqa: F401

    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000)


def _held(arguments):
    """Run the command with no more memory than is free, and without warnings of libraries, which may repeat a cell."""
    import warnings

    from p2prisk.tape.bounds import free_memory, within

    with warnings.catch_warnings(), within(max(free_memory() or 0, 1 << 32)):
        if not os.environ.get("P2PRISK_TRACEBACK"):
            warnings.simplefilter("ignore")
        return arguments.run(arguments) or 0


def _failed(error):
    from p2prisk.tape.privacy import scrubbed

    said = str(scrubbed(error)).replace("on_error='missing'", "--on-error missing")  # as it is called here
    _say(f"p2prisk: {said}", sys.stderr)
    return 2


def _say(text, file=None):
    """Print what may hold text of a tape: no line is longer than a page."""
    print("\n".join(visible(line, 10_000) for line in str(text).split("\n")), file=file)


class _Shown:
    """A stream to which nothing is written that a terminal obeys, whoever prints: names of files, columns, levels."""

    _OVER = "\r\x1b[K"  # of a line of progress, which is written over the last one

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        """Write a text; what acts in it is shown."""
        over = self._OVER if text.startswith(self._OVER) else ""
        lines = text.removeprefix(over).split("\n")
        self._stream.write(over + "\n".join(visible(line, sys.maxsize) for line in lines))
        return len(text)

    def writelines(self, lines):
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def _refuse_control_characters(arguments):
    """Refuse names of files, sheets, columns that hold what a terminal obeys or lines like messages; empty options."""
    for name, value in vars(arguments).items():
        if value == "" and name not in ("by", "tape"):  # a variable of the shell that was never set
            raise P2PRiskError(f"--{name.replace('_', '-')} is empty: give a value, or leave it out")
        if name not in ("query", "formula", "delimiter") and isinstance(value, str) and _CONTROL.search(value):
            raise P2PRiskError(f"{visible(value)}: holds control characters; rename the file, or write it without them")


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors repeat no password."""

    def error(self, message):
        from p2prisk.tape.privacy import scrubbed

        super().error(visible(scrubbed(message), 1000))


def _parser():
    from p2prisk.cli import challenge, columns, fit, monitor, score, stress

    parser = _Parser(prog="p2prisk", description="Borrower credit risk on a loan tape.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, run, help, tape=True):
        sub = commands.add_parser(name, help=help, description=help, epilog=f"example: {EXAMPLES[name]}")
        sub.set_defaults(run=run)
        if tape:
            sub.add_argument(
                "tape",
                help="file, folder or pattern of Parquet files ('loans/*.parquet'), database URL, or name of an "
                "embedded data set",
            )
            sub.add_argument(
                "--format",
                default="auto",
                help="lendingclub, openintro, prosper, ppdai, renrendai, modeldata, canonical; default: by the header",
            )
            sub.add_argument("--map", help="mapping file (YAML), instead of a format")
            sub.add_argument(
                "--query", action="append", help="SELECT statement, for a database; of several, each gives a piece"
            )
            sub.add_argument("--record-date", type=_day, help="day of the snapshot, YYYY-MM-DD")
            sub.add_argument("--instalments", help="PPDai's LP.csv, from which the outcomes are made")
            sub.add_argument(
                "--on-error",
                choices=("raise", "missing"),
                default="raise",
                help="unreadable values: stop (default), or set to missing and count",
            )
            _file_options(sub)
        return sub

    sub = command("check", _check, "Report the quality of a tape; exit code 1 if it has errors.")
    sub.add_argument("--html", help="write the report as a page, too")
    sub.add_argument("--strict", action="store_true", help="warnings fail as well")
    cluster_option(sub)
    columns.add(command)
    sub = command("map", _map, "Draft a mapping file from a table's header.", tape=False)
    sub.add_argument("tape", help="file or database URL")
    sub.add_argument("--query", help="SELECT statement, for a database")
    _file_options(sub)
    sub.add_argument("--output", help="file to write; default: print it")
    fit.add(command)
    score.add(command)
    monitor.add(command)
    challenge.add(command)
    stress.add(command)
    sub = command("keys", _keys, "List the personal keys of loans with their codes, to trace scores back.")
    sub.add_argument("--key", required=True, help="the file of 'p2prisk score --key'")
    sub.add_argument("--output", required=True, help="file to write: .csv, .csv.gz or .parquet; it is for you alone")
    report.add_to(command)
    sub = command("obtain", _obtain, "Fetch public loan files and make the tables of the book.", tape=False)
    sub.add_argument("name", choices=("lendingclub-2007-2011", "prosper-closed"), help="which loans")
    sub.add_argument("--to", metavar="FOLDER", help="where the table goes (default: where load() looks for it)")
    sub.add_argument("--from", dest="base", metavar="ADDRESS", help="a mirror of the public repositories")
    command(
        "selftest", _selftest, "Does this machine compute what ours did, and do the guards hold? In a minute.", False
    )
    return parser


def _day(text):
    import datetime

    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it as 2024-12-31") from None


def _count(text):
    if not (text.isascii() and text.isdigit() and int(text[:18])):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows; give a whole number from 1 on")
    return int(text[:18])


def _inputs(arguments):
    """What a command reads; of a database that is a file, the file, and those that its engine keeps beside it."""
    from p2prisk.tape.pieces import pieces_of

    given = [getattr(arguments, name, None) for name in ("map", "instalments", "model", "key")]
    tape = getattr(arguments, "tape", None)
    found = [str(text) for text in given if text] + ([piece.source for piece in pieces_of(tape)] if tape else [])
    places = [text.split("://", 1)[1].split("?")[0].removeprefix("/") for text in found if "://" in text]
    beside = [place + end for place in places for end in ("-wal", "-shm", "-journal", ".wal") if place]
    return [text for text in found if "://" not in text] + places + beside


def _file_options(sub):
    """Options where the reader's own finding is wrong."""
    sub.add_argument("--sheet", help="sheet of a workbook, by name or number; default: the first that is not hidden")
    sub.add_argument("--encoding", help="of a text file, such as cp1252 or gb18030; default: found")
    sub.add_argument("--delimiter", help="of a text file; default: found")
    sub.add_argument("--header-row", help="line of the header, from 1; 2,3 for names over two lines; default: found")


def cluster_option(sub: argparse.ArgumentParser) -> None:
    """Where the pieces of a tape are read, and scored."""
    sub.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster, such as tcp://HOST:8786: its workers read the pieces of the tape (and score them); "
        "the result is that of this machine alone  (docs/cluster.md)",
    )


def _how(arguments):
    return {name: getattr(arguments, name, None) for name in ("sheet", "encoding", "delimiter", "header_row")}


def _read(arguments, key=None, decisions=None, mapping=None, own=None):
    from p2prisk.datasets import load, names
    from p2prisk.tape import read_tape
    from p2prisk.tape.cluster import workers

    if arguments.tape in names():
        if own:
            raise P2PRiskError(f"{arguments.tape} is an embedded table of canonical columns; own ones are of files")
        return load(arguments.tape)
    with workers(getattr(arguments, "scheduler", None)) as over:
        return read_tape(
            arguments.tape,
            mapping or _format(arguments),
            query=arguments.query,
            on_error=arguments.on_error,
            record_date=arguments.record_date,
            instalments=arguments.instalments,
            key=key,
            decisions=decisions,
            own=own,
            over=over,
            **_how(arguments),
        )


def _format(arguments):
    if arguments.map and arguments.format != "auto":
        raise DataError("--format and --map both say how the tape is read: give one of them")
    return arguments.map or (None if arguments.format == "auto" else arguments.format)


def _check(arguments):
    page = Output(arguments.html, _inputs(arguments)) if arguments.html else None
    with Steps(CHECK):
        report = _read(arguments).quality()
    _say(report.summary())
    if page:
        from p2prisk.cli.page import quality_page

        with page:
            page.stream.write(quality_page(report).encode("utf-8"))
        print(f"\nwritten: {arguments.html}", file=sys.stderr)
    return int(not report.passed or (arguments.strict and report.count("warning") > 0))


def _map(arguments):
    from p2prisk.tape.draft import draft_mapping
    from p2prisk.tape.privacy import masked_names
    from p2prisk.tape.read import read_raw

    target = Output(arguments.output, _inputs(arguments)) if arguments.output else None
    frame, facts, _, _ = read_raw(arguments.tape, query=arguments.query, on_error="missing", **_how(arguments))
    text, unplaced = draft_mapping(frame, Path(facts["name"]).stem.split(".")[0])
    if target:
        with target:
            target.stream.write(text.encode("utf-8"))
        print(f"written: {arguments.output}", file=sys.stderr)
    else:
        print(text, end="")
    if unplaced:
        _say(f"{len(unplaced)} column(s) not placed: {masked_names(unplaced, 1000)}", sys.stderr)


class _Stop(Exception):
    """The command ends here, with an exit code and nothing written."""


def _gate(report, anyway):
    """Whether the loans of a study pass the quality gate, or may go on without; errors are shown."""
    if report.passed:
        return True
    for row in report.findings[report.findings["level"] == "error"].itertuples():
        print(f"error: {row.column + ': ' if row.column else ''}{row.what} -> {row.remedy}", file=sys.stderr)
    if anyway:
        print(f"going on with {report.count('error')} error(s), as asked", file=sys.stderr)
        return True
    print(
        f"p2prisk: the loans have {report.count('error')} error(s) that make a number wrong; correct them, or go on "
        "with --anyway",
        file=sys.stderr,
    )
    return False


def _secret(path, make=False):
    """The secret in a file, which is made if it is absent: for this user alone."""
    path = Path(path)
    if make and not path.exists():
        import secrets

        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
    if not path.is_file():
        raise P2PRiskError(f"{path} is not there; 'p2prisk score --key {path}' makes it")
    with open(path, "rb") as stream:
        secret = stream.read(4097).strip()
    if not 32 <= len(secret) <= 4096:  # whoever can guess the key has every loan's code undone
        raise P2PRiskError(f"{path} holds no key of 32 to 4096 bytes; 'p2prisk score --key NEWFILE' makes one")
    return secret


def _keys(arguments):
    import pandas as pd

    from p2prisk.cli.csv_text import without_formulas
    from p2prisk.tape.choose import find_mapping
    from p2prisk.tape.read import read_raw, without_personal

    key, chosen = _secret(arguments.key), []

    def choose(header):
        chosen.append(find_mapping(_format(arguments), header, arguments.tape))
        return {"columns": {name: rule for name, rule in chosen[0]["columns"].items() if name == "loan_id"}}

    with _Table(arguments.output, [*_inputs(arguments), arguments.key], 0) as out:
        if len(arguments.query or ()) > 1:
            raise P2PRiskError("keys reads one query at a time")
        query = (arguments.query or [None])[0]
        raw, facts, _, _ = read_raw(arguments.tape, query=query, on_error="missing", mapping=choose)
        coded_raw = without_personal(raw, facts["personal"], chosen[0], key=key)
        name = next(iter(raw.columns), None)
        if name is None:
            raise P2PRiskError("the tape has no loan_id")
        table = pd.DataFrame({"loan_id": raw[name], "code": coded_raw[name]})
        table = table[table["loan_id"].astype(str) != table["code"].astype(str)].drop_duplicates()
        if not out.kind.endswith(".parquet"):
            table["loan_id"] = without_formulas(table["loan_id"])
        out.write(table)
    print(f"written: {arguments.output}: {len(table):,d} keys that look personal, with their codes")


def _selftest(arguments):
    from p2prisk.selftest import run

    return 0 if run() else 1


class _Table(Output):
    """A table that is written piece by piece, as its name says: .csv, .csv.gz or .parquet."""

    def __init__(self, path, inputs, expect):
        kind = "".join(Path(path).suffixes[-2:])
        if not kind.endswith((".parquet", ".csv", ".csv.gz")):
            raise P2PRiskError(f"{Path(path).name}: the output is .csv, .csv.gz or .parquet")
        self.kind, self._rows = kind, None
        super().__init__(path, inputs, expect)

    def write(self, frame):
        first = self._rows is None
        if self.kind.endswith(".parquet"):
            import pyarrow
            import pyarrow.parquet

            table = pyarrow.Table.from_pandas(frame, preserve_index=False)
            if first:
                self._rows = pyarrow.parquet.ParquetWriter(self.stream, table.schema)
            self._rows.write_table(table)
            return
        if first:
            import gzip

            packed = self.kind.endswith(".gz")
            self._rows = gzip.GzipFile("", "wb", fileobj=self.stream, mtime=0) if packed else self.stream
        from p2prisk.cli.csv_text import csv_bytes

        self._rows.write(csv_bytes(frame, first))

    def __exit__(self, kind, error, trace):
        if kind is None and self._rows not in (None, self.stream):
            self._rows.close()  # the end of the archive; of a broken one nobody needs it
        super().__exit__(kind, error, trace)


def _obtain(arguments):
    from p2prisk.obtain import PUBLIC, obtain

    def say(line):
        print(line, file=sys.stderr, flush=True)

    print(obtain(arguments.name, arguments.to, arguments.base or PUBLIC, say))


if __name__ == "__main__":
    sys.exit(main())
