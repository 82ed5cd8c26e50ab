"""The commands ``report`` and ``rerun``: the study of a tape as pages, PDF, Word and Excel, and the same again."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

from p2prisk.errors import DataError
from p2prisk.outputs import check_folder, heed, scratch


def add_to(command):
    """Declare the commands; `command` is the function of the command line that makes one."""
    from p2prisk.cli import _count

    sub = command("report", _report, "Render the study of a tape into _book-tape/.")
    sub.add_argument("--output", default="_book-tape", help="folder (default: _book-tape)")
    sub.add_argument("--to", default="html", help="out of html, pdf and docx, with commas (default: html)")
    sub.add_argument("--docx", action="store_true", help="a Word file besides; as docx in --to")
    sub.add_argument("--excel", action="store_true", help="the tables as one workbook besides, tables.xlsx")
    sub.add_argument("--decisions", help="file of your decisions (YAML), each with its reason; open ones stop the run")
    sub.add_argument("--limits", help="limits of the validation checklist (YAML); default: those of the package")
    sub.add_argument("--declined", help="declined applications, in the columns of the tape: for reject inference")
    sub.add_argument(
        "--loans",
        type=_count,
        default=100_000,
        help="loans drawn for models and tests of a larger tape (default: 100000)",
    )
    sub.add_argument("--editable", metavar="FOLDER", help="leave the project in a new folder, to edit and render again")
    sub.add_argument("--anyway", action="store_true", help="render although the check found errors")
    sub = command("rerun", _rerun, "Make a report again from its lineage.json, and compare the two.", tape=False)
    sub.add_argument("lineage", help="lineage.json of a report, or the report's folder")
    sub.add_argument("--tape", help="the tape; default: the file of its name beside the report, or here")
    sub.add_argument("--declined", help="the declined applications, as --tape")
    sub.add_argument("--instalments", help="PPDai's LP.csv, as --tape")
    sub.add_argument("--output", default="_book-again", help="folder (default: _book-again)")


def _report(arguments):
    from p2prisk.cli import _inputs
    from p2prisk.report.lineage import ROLES
    from p2prisk.tape.choose import shown

    started = time.monotonic()
    given = [*_inputs(arguments), *(getattr(arguments, role) for role in ROLES if getattr(arguments, role))]
    target = check_folder(arguments.output, given, expect=1 << 22)
    editable = _new_folder(arguments.editable, target) if arguments.editable else None
    arguments.to = _formats(arguments.to, arguments.docx)
    print(f"reading {shown(arguments.tape)}", file=sys.stderr)
    with scratch() as folder:
        project = folder / "study"
        project.mkdir()
        stopped = _prepare(arguments, project)
        if stopped:
            return stopped
        # -P: the program is the installed one, whatever lies in the working directory
        command = [sys.executable, "-P", "-m", "bookkit", "book", "--to", arguments.to, "--project", str(project)]
        code = _run([*command, "--output", str(target)], folder)
        if code == 0 and editable:
            _leave(project, editable)
            print(
                f"the project is in {arguments.editable}: render it with bookkit book, or with Quarto", file=sys.stderr
            )
    print(
        f"{'rendered' if code == 0 else 'not rendered'} in {time.monotonic() - started:.0f} s: {arguments.output}",
        file=sys.stderr,
    )
    return 1 if code else 0


def _formats(text, docx):
    """The formats that are asked for, each once, with commas."""
    found = list(dict.fromkeys([*(word.strip() for word in text.split(",")), *["docx"] * docx]))
    if set(found) - {"html", "pdf", "docx"}:
        raise DataError(f"--to {text!r}: give html, pdf or docx, or more of them with commas")
    return ",".join(found)


def _new_folder(text, target):
    """The folder for the project; `target` is that of the report, which is replaced as a whole."""
    if os.path.lexists(text):
        raise DataError(f"{text} is there already; name a new folder with --editable")
    if not Path(text).absolute().parent.is_dir():
        raise DataError(f"{Path(text).absolute().parent} is no folder; name another with --editable")
    path = check_folder(text)
    if path.is_relative_to(target) or target.is_relative_to(path):
        raise DataError(f"{text} and the folder of the report lie in each other; name another with --editable")
    return path


def _leave(project, editable):
    """Copy the project, whole or not at all."""
    draft = editable.with_name(f".{editable.name[:50]}.{secrets.token_hex(8)}.part")
    try:
        ignored = shutil.ignore_patterns("_book*", ".cache", ".bookkit*", ".jupyter*")
        shutil.copytree(project, draft, ignore=ignored)
        draft.rename(editable)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read_declined(arguments):
    """The declined applications by the mapping of the loans, without what only a loan has: an outcome, a rate."""
    from p2prisk.cli import _read
    from p2prisk.tape.choose import find_mapping, known_at_issue_only

    mapping = known_at_issue_only(find_mapping(arguments.map, (), arguments.declined)) if arguments.map else None
    return _read(Namespace(**{**vars(arguments), "tape": arguments.declined, "query": None}), mapping=mapping)


def _prepare(arguments, project):
    """Read, compute and write the project; an exit code where the run ends here. The tape is let go at the end."""
    from p2prisk.cli import _gate, _read, _say
    from p2prisk.report import Settings, TapeStudy
    from p2prisk.report.assemble import assemble
    from p2prisk.report.checklist import read_limits
    from p2prisk.report.decisions import Decisions, open_decisions
    from p2prisk.report.lineage import REPEATED, ROLES
    from p2prisk.tape.mapping import builtin_names

    if not arguments.map and arguments.format not in builtin_names() and Path(arguments.format).is_file():
        arguments.map, arguments.format = arguments.format, "auto"  # the lineage holds a copy of it, and no path
    settings = Settings(
        Decisions.read(arguments.decisions) if arguments.decisions else Decisions(),
        read_limits(arguments.limits),
        _read_declined(arguments) if arguments.declined else None,
        arguments.loans,
        {name: getattr(arguments, name) for name in REPEATED},
        {role: getattr(arguments, role) for role in ROLES},
    )
    study = TapeStudy(_read(arguments), settings)
    _say(study.quality.summary().split("\n\n")[0])
    _say(study.note)
    if not _gate(study.gate, arguments.anyway):
        return 1
    undecided = open_decisions(study) if arguments.decisions else []
    if undecided:
        _say("\n".join(map(str, undecided)))
        _say(
            f"p2prisk: {len(undecided)} decision(s) are yours alone; add them to {Path(arguments.decisions).name} with "
            "your reasons, and run again (suggestions above)",
            sys.stderr,
        )
        return 1
    for part, why in assemble(study, project).items():
        _say(f"left out: {part}: {why}", sys.stderr)
    return 0


def _rerun(arguments):
    from p2prisk.cli import _parser, _say
    from p2prisk.report import lineage

    plain = lineage.read(arguments.lineage)
    here = Path(arguments.lineage)
    here = (here if here.is_dir() else here.parent).resolve()
    for told in lineage.changes(plain["program"]):
        _say(f"not the program of the report: {told}", sys.stderr)
    places = [here, here.parent, Path.cwd()]
    argv = ["report", "--output", arguments.output, *lineage.options(plain["command"])]
    for role, held in plain["files"].items():
        argv += [f"--{role}", str(lineage.find(held["name"], held["sha256"], getattr(arguments, role, None), places))]
    tape = plain["tape"]
    path = lineage.find(tape["name"], tape["sha256"], arguments.tape, places)
    with scratch() as folder:  # the report names the tape as it was called
        (folder / tape["name"]).symlink_to(path.resolve())
        again = _parser().parse_args([*argv, "--", str(folder / tape["name"])])
        code = again.run(again)
    if code:
        return code
    if not (here / "index.html").is_file():
        print("the earlier report is not beside its lineage: nothing to compare with", file=sys.stderr)
        return 0
    same, other = lineage.compare(here, Path(arguments.output).resolve())
    if other:
        _say(f"not the same report: {same} files are equal, {len(other)} are not: {', '.join(other[:12])}")
        return 1
    print(f"the same report, byte for byte: {same} files")
    return 0


def _run(command, folder):
    """Run a program to its end, or to ours; what it keeps for itself lies in `folder`. Its exit code."""
    environment = {**os.environ, "TMPDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "jupyter")}
    environment["IPYTHONDIR"] = str(folder / "ipython")
    # a session of its own: Ctrl-C reaches this program, which then ends that one in order
    child = subprocess.Popen(command, env=environment, start_new_session=True, preexec_fn=_with_parent())
    try:
        while True:
            heed()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(1)
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _with_parent():
    """What a child does before its program: ask the system for an orderly end when the parent dies, where it can."""
    try:
        import ctypes

        control, parent = ctypes.CDLL(None).prctl, os.getpid()
    except (OSError, AttributeError, TypeError):
        return None

    def before():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # our own handler would take it and be gone with the program
        control(1, signal.SIGTERM)
        if os.getppid() != parent:  # which died before it was asked
            os._exit(1)

    return before
