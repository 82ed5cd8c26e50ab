"""Take out of Quarto's pages what they load from other hosts: scripts, and the themes' fonts."""

import re
from pathlib import Path

_REMOTE = re.compile(
    r"""[ \t]*<(script)\b[^>]*\bsrc=["'](?:https?:)?//[^>]*>\s*</script>\n?"""
    r"""|[ \t]*<link\b(?=[^>]*\brel=["'](?:stylesheet|preconnect|preload)["'])"""
    r"""[^>]*\bhref=["'](?:https?:)?//[^>]*>\n?""",
    re.IGNORECASE,
)
# What only serves the scripts above: it hands jQuery to them, and fails without.
_GLUE = re.compile(
    r"""[ \t]*<script type="application/javascript">define\('jquery', \[\],function\(\) \{return """
    r"""window\.jQuery;\}\)</script>\n?"""
)
# Most themes fetch a font; the addresses hold semicolons, so the quoted text goes as a whole.
_IMPORT = re.compile(
    r"""@import\s*(?:url\(\s*)?(["'])(?:https?:)?//[^"']*\1\s*\)?[^;{}]*;?"""
    r"""|@import\s*url\(\s*(?:https?:)?//[^)]*\)[^;{}]*;?""",
    re.IGNORECASE,
)


def strip(text):
    """Text of a page or a style sheet without scripts, style sheets and fonts from other hosts.

    Examples
    --------
    >>> strip('<p>a</p><script src="https://cdn.example.org/require.min.js"></script><script src="own.js"></script>')
    '<p>a</p><script src="own.js"></script>'
    >>> strip('@import"https://fonts.example.org/css2?family=A:wght@300;400";a{color:red}')
    'a{color:red}'
    """
    return _IMPORT.sub("", _GLUE.sub("", _REMOTE.sub("", text)))


def strip_folder(folder):
    """Strip every page and style sheet of a rendered book.

    Returns
    -------
    list of pathlib.Path
        The files that were changed.
    """
    changed = []
    for path in sorted([*Path(folder).rglob("*.html"), *Path(folder).rglob("*.css")]):
        text = path.read_text(encoding="utf-8")
        if strip(text) != text:
            path.write_text(strip(text), encoding="utf-8")
            changed.append(path)
    return changed
