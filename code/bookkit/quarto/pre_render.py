"""Quarto's pre-render step: drop frozen results that code, data or packages have outdated.

In a folder of its own, because Quarto runs it by path: Python then puts this folder first on its path.
"""

import sys

from bookkit.cli import main

if __name__ == "__main__":
    sys.exit(main(["drop-stale-freeze"]))
