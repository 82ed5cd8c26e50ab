"""Command line of the book's tools. What a command needs is loaded when it is called."""

import argparse
import functools
import os
import signal
import sys
import time
from pathlib import Path

from bookkit.errors import BookError
from bookkit.folders import end_orderly

_say = functools.partial(print, flush=True)
#: Name -> (function, its arguments as `add_argument` takes them, beside --project).
COMMANDS = {}
_JOBS = ("--jobs", {"type": int, "default": 2, "help": "chapters run at a time (default: 2)"})
_OUTPUT = ("--output", {"help": "folder of the result (default: as _quarto.yml says)"})
_TO = ("--to", {"help": "formats, separated by commas (default: html,pdf)"})


def command(*arguments):
    """Register a command under its function's name, with dashes; the docstring's first line is its help."""

    def register(function):
        COMMANDS[function.__name__.replace("_", "-")] = (function, arguments)
        return function

    return register


def main(argv=None):
    """Run a command; the exit code is 0 for success, 1 for a fault in the book, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="bookkit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (function, arguments) in COMMANDS.items():
        own = commands.add_parser(name, help=function.__doc__.splitlines()[0], description=function.__doc__)
        own.add_argument("--project", type=Path, default=Path(), help="folder with _quarto.yml (default: this one)")
        for flag, options in arguments:
            own.add_argument(flag, **options)
    try:
        given = parser.parse_args(argv)
    except SystemExit as end:
        return end.code
    code = 1
    try:
        return COMMANDS[given.command][0](given) or 0
    except KeyboardInterrupt:
        words, code = "stopped", 128 + signal.SIGINT
    except OSError as error:
        words = f"{error.strerror or error}: {error.filename or ''}"
    except BookError as error:
        count = len(error.errors)
        words = f"failed with {count} fault{'s' * (count > 1)}"
        print(error, file=sys.stderr)
    print(f"bookkit {given.command}: {words}; nothing was replaced", file=sys.stderr)
    return code


def _formats(given, chapters=()):
    formats = [name.strip() for name in (given or ("html" if chapters else "html,pdf")).split(",") if name.strip()]
    if not formats or set(formats) - {"html", "pdf", "docx"}:
        raise BookError(f"--to {given}: known formats are html, pdf and docx")
    return formats


@command(_TO, _OUTPUT, ("--renderer", {"default": os.environ.get("RENDERER", "auto")}))
def book(given):
    """Render the book with Quarto where there is one, else with the preview renderer (--renderer auto)."""
    from bookkit import choice
    from bookkit.render import render

    made, formats = choice.choose(given.renderer), _formats(given.to)
    _say(made)
    official = [name for name in formats if name != "docx"] if made.name == "quarto" else []
    if official:
        _say(f"{choice.run_quarto(made.path, official, given.project, given.output)}/ is ready")
    others = [name for name in formats if name not in official]
    if others:
        end_orderly()
        render(given.project, others, given.output, say=_say)


@command(
    ("chapters", {"nargs": "*", "type": Path, "help": "only these, into the book that is there; HTML (default: all)"}),
    *(_TO, _OUTPUT, _JOBS, ("--no-cache", {"action": "store_true", "help": "run every chapter"})),
)
def render(given):
    """Render the book with the preview renderer: HTML pages and a PDF."""
    from bookkit.render import render

    end_orderly()
    formats, only = _formats(given.to, given.chapters), given.chapters
    render(given.project, formats, given.output, not given.no_cache, given.jobs, _say, only)


@command(_JOBS, ("--port", {"type": int, "default": 8000, "help": "0 for any that is free (default: 8000)"}))
def preview(given):
    """Show the book at http://127.0.0.1 while it is written: what changes is rendered, and the page loads anew."""
    from bookkit.preview import preview

    end_orderly()
    preview(given.project, given.port, given.jobs, _say)


@command(("--rules", {"action": "store_true", "help": "list the house rules and stop"}))
def lint(given):
    """Check the chapters: what the renderer refuses, and the house rules."""
    from bookkit.linter import RULES, lint

    if given.rules:
        for name, rule in RULES.items():
            print(f"{name}: {rule.__doc__.splitlines()[0]}")
        return 0
    findings = lint(given.project)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings")
    return 1 if findings else 0


@command(("chapters", {"nargs": "*", "type": Path, "help": "only these (default: all)"}), _JOBS)
def notebooks(given):
    """Execute chapters and write the reference notebooks that nbval compares with."""
    from bookkit.chapters import read_chapter
    from bookkit.config import read_book
    from bookkit.notebooks import write_references

    folder, start, book = given.project / "tests" / "notebooks", time.perf_counter(), read_book(given.project)
    chapters = [read_chapter(path, given.project) for path in book.chapters]
    chosen = [read_chapter(path, given.project) for path in book.chosen(given.chapters)]
    write_references(chosen, folder, given.jobs, keep=chapters)
    print(f"{len(chosen)} reference notebooks in {folder} ({time.perf_counter() - start:.0f} s)")
