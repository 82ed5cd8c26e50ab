"""Quarto's post-render step: remove scripts from other hosts, so that no page needs the network."""

import sys

from bookkit.cli import main

if __name__ == "__main__":
    sys.exit(main(["strip-remote-scripts"]))
