"""The command line: check a tape, draft its mapping, fit and apply a model, render the study.

Exit codes: 0 all is well; 1 the tape was read and has errors that make a number wrong (``check``), or the book failed
to render; 2 it could not be read, or the command was wrong. Messages go to stderr, results to stdout.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from p2prisk.errors import P2PRiskError


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
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except P2PRiskError as error:
        return _failed(error)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _failed(f"{error.strerror or error}: {error.filename or ''}")


def _failed(error):
    print(f"p2prisk: {error}", file=sys.stderr)
    return 2


def _parser():
    parser = argparse.ArgumentParser(prog="p2prisk", description="Borrower credit risk on a loan tape.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, run, help, tape=True):
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        if tape:
            sub.add_argument("tape", help="file, database URL, or name of an embedded data set")
            sub.add_argument(
                "--format",
                default="auto",
                help="lendingclub, openintro, prosper, ppdai, renrendai, modeldata, canonical; default: by the header",
            )
            sub.add_argument("--map", help="mapping file (YAML), instead of a format")
            sub.add_argument("--query", help="SELECT statement, for a database")
            sub.add_argument("--record-date", help="day of the snapshot, YYYY-MM-DD")
            sub.add_argument("--instalments", help="PPDai's LP.csv, from which the outcomes are made")
            sub.add_argument(
                "--on-error",
                choices=("raise", "missing"),
                default="raise",
                help="unreadable values: stop (default), or set to missing and count",
            )
        return sub

    sub = command("check", _check, "Report the quality of a tape; exit code 1 if it has errors.")
    sub.add_argument("--html", help="write the report as a page, too")
    sub.add_argument("--strict", action="store_true", help="warnings fail as well")
    sub = command("map", _map, "Draft a mapping file from a table's header.", tape=False)
    sub.add_argument("tape", help="file or database URL")
    sub.add_argument("--query", help="SELECT statement, for a database")
    sub.add_argument("--output", help="file to write; default: print it")
    sub = command("fit", _fit, "Fit the standard ordered logit to a tape and store it.")
    sub.add_argument("--output", required=True, help="model file to write (JSON)")
    sub.add_argument("--outcome", choices=("severity", "bad", "grade"), help="default: the first the tape has")
    sub.add_argument("--predictors", help="canonical columns, separated by commas; default: chosen by rule")
    sub = command("score", _score, "Score a tape with a stored model, piece by piece.")
    sub.add_argument("--model", required=True, help="model file of 'p2prisk fit'")
    sub.add_argument("--output", required=True, help="file to write: .csv, .csv.gz or .parquet")
    sub.add_argument(
        "--drift",
        choices=("flag", "refuse"),
        default="flag",
        help="attributes the model was not fitted on: flag the row (default), or stop",
    )
    sub.add_argument("--rows", type=int, default=200_000, help="rows of a piece (default: 200000)")
    sub = command("report", _report, "Render the study of a tape into _book-tape/.")
    sub.add_argument("--output", default="_book-tape", help="folder (default: _book-tape)")
    sub.add_argument("--to", default="html", help="html, pdf or html,pdf (default: html)")
    sub.add_argument("--anyway", action="store_true", help="render although the check found errors")
    commands.add_parser("replicate", help="Recompute a frozen result of the book from a loan file.")
    return parser


def _read(arguments):
    from p2prisk.datasets import load, names
    from p2prisk.tape import read_tape

    if arguments.tape in names():
        return load(arguments.tape)
    return read_tape(
        arguments.tape,
        _format(arguments),
        query=arguments.query,
        on_error=arguments.on_error,
        record_date=arguments.record_date,
        instalments=arguments.instalments,
    )


def _format(arguments):
    return arguments.map or (None if arguments.format == "auto" else arguments.format)


def _check(arguments):
    report = _read(arguments).quality()
    print(report.summary())
    if arguments.html:
        from p2prisk.cli.page import quality_page

        Path(arguments.html).write_text(quality_page(report), encoding="utf-8")
        print(f"\nwritten: {arguments.html}", file=sys.stderr)
    return int(not report.passed or (arguments.strict and report.count("warning") > 0))


def _map(arguments):
    from p2prisk.tape.draft import draft_mapping
    from p2prisk.tape.read import read_raw

    frame, facts, _, _ = read_raw(arguments.tape, query=arguments.query, on_error="missing")
    text, unplaced = draft_mapping(frame, Path(facts["name"]).stem.split(".")[0])
    if arguments.output:
        Path(arguments.output).write_text(text, encoding="utf-8")
        print(f"written: {arguments.output}", file=sys.stderr)
    else:
        print(text, end="")
    if unplaced:
        print(f"{len(unplaced)} column(s) not placed: {', '.join(map(str, unplaced))}", file=sys.stderr)


def _fit(arguments):
    from p2prisk.standard import fit_standard
    from p2prisk.tape.sample import study_sample

    tape, note = study_sample(_read(arguments))
    print(note)
    predictors = [name.strip() for name in arguments.predictors.split(",")] if arguments.predictors else None
    model = fit_standard(tape, arguments.outcome, predictors)
    print(model.results.summary())
    for name, why in model.left_out.items():
        print(f"left out: {name} ({why})")
    model.to_json(arguments.output)
    print(f"written: {arguments.output}", file=sys.stderr)


def _score(arguments):
    from p2prisk.standard import StandardModel
    from p2prisk.tape import iter_tape

    model = StandardModel.from_json(arguments.model)
    output = Path(arguments.output)
    if Path(arguments.tape).exists() and output.exists() and output.resolve() == Path(arguments.tape).resolve():
        raise P2PRiskError("the output is the tape itself; the tape is never changed: name another file")
    pieces = (
        iter_tape(arguments.tape, _format(arguments), rows=arguments.rows, on_error=arguments.on_error)
        if Path(arguments.tape).is_file()
        else iter([_read(arguments)])
    )
    done, counts = 0, {"missing": 0, "new_level": 0, "out_of_range": 0}
    with _writer(output) as write:
        for tape in pieces:
            scores = model.score(tape.frame, arguments.drift)
            if "loan_id" in tape.frame:
                scores.insert(0, "loan_id", tape.frame["loan_id"].map(_harmless, na_action="ignore"))
            else:
                scores.insert(0, "row", range(done + 1, done + len(scores) + 1))
            write(scores)
            done += len(scores)
            for name in counts:
                counts[name] += int(scores[name].sum())
            print(f"{done:,d} loans scored", file=sys.stderr)
    print(
        f"written: {output}: {done:,d} loans; with a missing attribute {counts['missing']:,d}, a level new to the "
        f"model "
        f"{counts['new_level']:,d}, a value outside its range {counts['out_of_range']:,d}"
    )


def _harmless(text):
    """A key that no spreadsheet takes for a formula.

    Examples
    --------
    >>> _harmless("+49 30 1"), _harmless("L1")
    ("'+49 30 1", 'L1')
    """
    return "'" + text if str(text)[:1] in ("=", "+", "-", "@") else text


class _writer:
    """Write pieces of a table to a temporary file beside the target, and rename it when all went well."""

    def __init__(self, path):
        self.path = path
        kind = "".join(path.suffixes[-2:])
        if not (kind.endswith(".parquet") or kind.endswith(".csv") or kind.endswith(".csv.gz")):
            raise P2PRiskError(f"{path.name}: the output is .csv, .csv.gz or .parquet")
        self.parquet = kind.endswith(".parquet")
        self.draft = path.with_name(f".{path.name}.part" + (".gz" if kind.endswith(".gz") else ""))
        self.started, self.stream = False, None

    def __enter__(self):
        return self.write

    def write(self, frame):
        if self.parquet:
            import pyarrow
            import pyarrow.parquet

            table = pyarrow.Table.from_pandas(frame, preserve_index=False)
            if self.stream is None:
                self.stream = pyarrow.parquet.ParquetWriter(self.draft, table.schema)
            self.stream.write_table(table)
        else:
            frame.to_csv(
                self.draft, mode="a" if self.started else "w", header=not self.started, index=False, lineterminator="\n"
            )
        self.started = True

    def __exit__(self, kind, value, trace):
        if self.stream is not None:
            self.stream.close()
        if kind is None:
            os.replace(self.draft, self.path)
        elif self.draft.exists():
            self.draft.unlink()


def _report(arguments):
    from p2prisk.report import TapeStudy, assemble

    started = time.monotonic()
    print(f"reading {arguments.tape}", file=sys.stderr)
    study = TapeStudy(_read(arguments))
    print(study.tape.quality().summary().split("\n\n")[0])
    print(study.note)
    report = study.sample.quality()
    if not report.passed and not arguments.anyway:
        print(
            f"p2prisk: the sample of the study has {report.count('error')} error(s); correct them, or render with "
            "--anyway",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="p2prisk-") as project:
        for part, why in assemble(study, _templates(), project).items():
            print(f"left out: {part}: {why}", file=sys.stderr)
        target = Path(arguments.output).resolve()
        command = [sys.executable, "-m", "bookkit", "book", "--to", arguments.to, "--project", project]
        code = subprocess.run([*command, "--output", str(target)], check=False).returncode
    print(
        f"{'rendered' if code == 0 else 'not rendered'} in {time.monotonic() - started:.0f} s: {arguments.output}",
        file=sys.stderr,
    )
    return 1 if code else 0


def _templates():
    """The folder with the tape edition's chapters: in the working directory or above it, else beside the package."""
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[3]):
        if (folder / "tape" / "_quarto.yml").is_file():
            return folder / "tape"
    raise P2PRiskError("the chapters are not here (tape/_quarto.yml); run the command inside a clone of the repository")


if __name__ == "__main__":
    sys.exit(main())
