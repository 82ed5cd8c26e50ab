"""Remove the scripts from other hosts that Quarto adds to pages with HTML output; Quarto's post-render step."""

import os
import re
from pathlib import Path

_REMOTE = re.compile(r"""[ \t]*<(script)\b[^>]*\bsrc=["'](?:https?:)?//[^>]*>\s*</script>\n?"""
                     r"""|[ \t]*<link\b(?=[^>]*\brel=["'](?:stylesheet|preconnect|preload)["'])"""
                     r"""[^>]*\bhref=["'](?:https?:)?//[^>]*>\n?""", re.IGNORECASE)
# What only serves the scripts above: it hands jQuery to them, and fails without.
_GLUE = re.compile(r"""[ \t]*<script type="application/javascript">define\('jquery', \[\],function\(\) \{return """
                   r"""window\.jQuery;\}\)</script>\n?""")


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("folder", nargs="?", default=os.environ.get("QUARTO_PROJECT_OUTPUT_DIR", "_book"),
                        help="the rendered book (default: Quarto's output folder, else _book)")


def strip(text):
    """Page text without scripts and style sheets from other hosts.

    Examples
    --------
    >>> strip('<p>a</p><script src="https://cdn.example.org/require.min.js"></script><script src="own.js"></script>')
    '<p>a</p><script src="own.js"></script>'
    """
    return _GLUE.sub("", _REMOTE.sub("", text))


def run(arguments):
    """Strip every page of the folder."""
    for path in sorted(Path(arguments.folder).rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        stripped = strip(text)
        if stripped != text:
            path.write_text(stripped, encoding="utf-8")
            print(f"removed scripts from other hosts: {path}")
    return 0
