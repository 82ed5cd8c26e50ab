"""Render the book with the preview renderer: HTML pages and a PDF."""

import signal
import sys

from bookkit.render import FORMATS, render


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("--to", default="html,pdf", help="formats, separated by commas (default: html,pdf)")
    parser.add_argument("--profile", help="Quarto profile: _quarto-NAME.yml is merged over _quarto.yml")
    parser.add_argument("--output", help="output folder (default: the one in _quarto.yml, else _book)")
    parser.add_argument("--no-cache", action="store_true", help="run every chapter")
    parser.add_argument("--jobs", type=int, default=2, help="chapters run at a time (default: 2)")
    parser.add_argument("--project", default=".", help="the folder of _quarto.yml (default: this one)")


def run(arguments):
    """Render; see :func:`bookkit.render.render`."""
    formats = [name for name in arguments.to.split(",") if name]
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown or not formats:
        print(f"--to {arguments.to}: known formats are {', '.join(FORMATS)}", file=sys.stderr)
        return 2
    # An orderly end also when terminated, so that kernels stop and nothing is left behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    render(
        arguments.project,
        formats,
        arguments.profile,
        arguments.output,
        not arguments.no_cache,
        arguments.jobs,
        lambda line: print(line, flush=True),
    )
    return 0
