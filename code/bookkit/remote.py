"""Quarto's pages without what they load from other hosts, with the policy that lets nothing else in; its PDF packed."""

import re
from pathlib import Path

from bookkit.errors import BookError

# Scripts, style sheets and fonts; what only hands jQuery to those scripts, and fails without; what a theme fetches:
# their addresses hold semicolons, so the quoted text goes as a whole.
_REMOTE = re.compile(
    r"""[ \t]*<script\b[^>]*\bsrc=["'](?:https?:)?//[^>]*>\s*</script>\n?"""
    r"""|[ \t]*<link\b(?=[^>]*\brel=["'](?:stylesheet|preconnect|preload)["'])"""
    r"""[^>]*\bhref=["'](?:https?:)?//[^>]*>\n?"""
    r"""|[ \t]*<script type="application/javascript">define\('jquery', \[\],function\(\) \{return """
    r"""window\.jQuery;\}\)</script>\n?"""
    r"""|@import\s*(?:url\(\s*)?(["'])(?:https?:)?//[^"']*\1\s*\)?[^;{}]*;?"""
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
    return _REMOTE.sub("", text)


def strip_folder(folder):
    """Strip a rendered book's pages and style sheets, give each page its policy, pack PDFs; paths of changed texts."""
    from bookkit.html import with_policy
    from bookkit.pdf import pack

    for path in Path(folder).rglob("*.pdf"):
        pack(path)
    changed = []
    for path in sorted([*Path(folder).rglob("*.html"), *Path(folder).rglob("*.css")]):
        text = path.read_text(encoding="utf-8")
        own = strip(text)
        if path.suffix == ".html" and own.lstrip()[:9].lower() == "<!doctype":  # a page, no part of one
            own = with_policy(own)
            if "Content-Security-Policy" not in own:
                raise BookError('no <meta charset="utf-8"> to put the content security policy after', path)
        if own != text:
            path.write_text(own, encoding="utf-8")
            changed.append(path)
    return changed
