"""Drop Quarto's frozen results that code, data or packages have outdated; Quarto's pre-render step."""

import os

from bookkit.cache import drop_stale_freeze


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("--project", default=".", help="the folder of _quarto.yml (default: this one)")
    parser.add_argument("--profile", default=os.environ.get("QUARTO_PROFILE") or None, help="Quarto profile")


def run(arguments):
    """Drop, and say what was dropped."""
    for path in drop_stale_freeze(arguments.project, arguments.profile):
        print(f"dropped the frozen results of {path}: what they were made from has changed")
    return 0
