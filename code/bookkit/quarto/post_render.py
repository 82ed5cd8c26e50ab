"""Quarto's post-render step: no page loads anything from another host, by removal and by a content security policy."""

import sys

from bookkit.cli import main

if __name__ == "__main__":
    sys.exit(main(["strip-remote-scripts"]))
