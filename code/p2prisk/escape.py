"""Text of a tape is text: one function writes it so that Markdown, HTML, typst, JSON in a script or a terminal shows it
as it is and obeys none of it.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

#: a longer text is cut
LONGEST = 200
#: for pages of ours that hold no script: a browser runs none, and fetches nothing
POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'\">"
)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# marks that turn the direction of the text after them, or that nobody sees
_UNSEEN = re.compile("[\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")


#: how a cell begins that a spreadsheet takes for a formula, in the wide forms of East Asian keyboards too
FORMULA = r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]"
#: a number, or a range of numbers: what begins with a sign and is no formula
_NUMBERS = re.compile(r"\s*[-+]?[\d.,]+(?:e[-+]?\d+)?\s*%?(?:\s*(?:to|–|-)\s*[-+]?[\d.,]+\s*%?)?\s*")


def cell(value: Any) -> Any:
    """A value for a cell that a spreadsheet may open: an apostrophe stands before a text that it would compute.

    Examples
    --------
    >>> [cell(text) for text in ("=1+1", "-2+3+cmd|' /C calc'!A0", "-5 to 10", "+7 %", "car", 1.5)]
    ["'=1+1", "'-2+3+cmd|' /C calc'!A0", '-5 to 10', '+7 %', 'car', 1.5]
    """
    risky = isinstance(value, str) and re.match(FORMULA, value) and not _NUMBERS.fullmatch(value)
    return f"'{value}" if risky else value


def visible(value: Any, longest: int = LONGEST) -> str:
    """Text without anything that acts instead of being seen.

    A control character becomes its picture, a line break a blank, a mark of direction or without width its number.

    Examples
    --------
    >>> visible("a\\x1b[31mred"), visible("a\\x00b\\nc"), visible("abc\\u202efdp"), len(visible("x" * 10_000))
    ('a␛[31mred', 'a␀b c', 'abc⟨U+202E⟩fdp', 200)
    """
    text = str(value)
    if not text.isprintable():
        text = re.sub(r"[\r\n\t\x0b\x0c\x85]+", " ", text)
        text = _UNSEEN.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", text)
        text = "".join(
            mark
            if mark.isprintable() or unicodedata.category(mark) == "Zs"
            else chr(0x2400 + ord(mark))
            if ord(mark) < 32
            else "␡"
            if ord(mark) == 127
            else f"⟨U+{ord(mark):04X}⟩"
            for mark in text
        )
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escaped(value: Any, form: str, longest: int = LONGEST) -> Any:
    r"""Text of a tape, written for one place.

    Parameters
    ----------
    value : object
        Text; for ``json`` anything that JSON holds.
    form : {"markdown", "html", "typst", "json", "terminal"}
        ``markdown``: pandoc's and Quarto's, every punctuation mark with a backslash; ``html``: content or quoted
        attribute; ``typst``: inside a string of typst; ``json``: JSON that may stand inside a script element;
        ``terminal``: without control sequences.
    longest : int
        Letters from which on a text is cut.

    Returns
    -------
    str

    Examples
    --------
    >>> print(escaped("[x](javascript:a) $b$ {{< c >}}", "markdown"))
    \[x\]\(javascript\:a\) \$b\$ \{\{\< c \>\}\}
    >>> print(escaped('<!--<script>"', "html"), escaped("#x\\", "typst"), escaped(["</script>"], "json"))
    &lt;!--&lt;script&gt;&quot; #x\\ ["\u003c/script\u003e"]
    """
    if form == "json":
        text = json.dumps(value, ensure_ascii=False)
        return re.sub("[<>&\u2028\u2029\x7f]", lambda mark: f"\\u{ord(mark[0]):04x}", text)
    text = visible(value, longest)
    if form == "markdown":
        return _PUNCTUATION.sub(r"\\\1", text.strip())
    if form == "html":
        return html.escape(text, quote=True)
    if form == "typst":
        return text.replace("\\", "\\\\").replace('"', '\\"')
    if form == "terminal":
        return text
    raise ValueError(f"no form {form!r}")
