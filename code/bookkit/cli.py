"""Command line of the book's tools. Every command lives in a module of its own, loaded when it is called."""

import argparse
import sys
from importlib import import_module

from bookkit.errors import BookError, BookErrors

#: Command -> module with ``add_arguments(parser)`` and ``run(arguments)``; the module's first line is the help.
COMMANDS = {
    "book": "bookkit.commands.book",
    "lint": "bookkit.commands.lint",
    "notebooks": "bookkit.commands.notebooks",
    "test": "bookkit.commands.test",
    "render": "bookkit.commands.render",
    "drop-stale-freeze": "bookkit.commands.drop_stale_freeze",
    "strip-remote-scripts": "bookkit.commands.strip_remote_scripts",
}


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if None.

    Returns
    -------
    int
        Exit code: 0 for success, 1 for a fault in the book, 2 for wrong usage.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: bookkit {{{','.join(COMMANDS)}}} …", file=sys.stderr)
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    module = import_module(COMMANDS[argv[0]])
    parser = argparse.ArgumentParser(prog=f"bookkit {argv[0]}", description=module.__doc__)
    module.add_arguments(parser)
    try:
        return module.run(parser.parse_args(argv[1:])) or 0
    except (BookError, BookErrors) as error:
        count = len(error.errors) if isinstance(error, BookErrors) else 1
        print(error, file=sys.stderr)
        print(f"bookkit {argv[0]}: failed with {count} fault{'s' * (count > 1)}; nothing was replaced", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
