"""Give Quarto's pages what the preview's have: numbers and narrow drawings of pictures, terms, tables that sort.

Quarto runs this after it has rendered (its post-render step). Pictures bring their numbers and their drawing for a
narrow screen as metadata (:func:`p2prisk.figures.fingerprint.laden`), which are taken out again.
"""

import html
import json
import os
import re
from pathlib import Path

from bookkit.html import ASSETS, NARROW_SCREENS, asset
from bookkit.page import narrow_of

_CARRIED = re.compile(r'<metadata class="([^"]+)">(.*?)</metadata>', re.DOTALL)
_FIGURE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
_IMAGE = re.compile(r'<img src="([^":]+\.svg)"[^>]*>')
_NARROW_KIND = "narrow+svg"
# a number and its per cent sign; scripts, code and tags are passed over
_PER_CENT = re.compile(r"(<(script|style|pre|code)\b.*?</\2>|<[^>]*>)|(?<=\d)[ \n]%", re.DOTALL)


def dress_folder(folder):
    """Dress all pages of a book that Quarto rendered; other pages are left alone.

    Parameters
    ----------
    folder : path
        Output of Quarto.
    """
    folder = Path(folder)
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html"))}
    pages = {path: text for path, text in pages.items() if '<meta name="generator" content="quarto' in text[:2000]}
    if not pages:
        return
    (folder / ASSETS).mkdir(exist_ok=True)
    for name in ("reader.css", "reader.js"):
        (folder / ASSETS / name).write_text(asset(name), encoding="utf-8")
    terms = [row for path, text in pages.items() for row in _terms(path.relative_to(folder).as_posix(), text)]
    words = json.dumps(terms, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    (folder / ASSETS / "terms.js").write_text(f"window.bookTerms={words};\n", encoding="utf-8")
    for path, text in pages.items():
        there = f"{os.path.relpath(folder, path.parent)}/{ASSETS}"
        links = f'<link rel="stylesheet" href="{there}/reader.css">\n'
        links += "".join(f'<script src="{there}/{name}.js" defer></script>\n' for name in ("terms", "reader"))
        text = _FIGURE.sub(lambda figure, path=path: _figure(figure[0], path.parent), text)
        text = _PER_CENT.sub(lambda found: found[1] or "\u00a0%", text)
        if f"{ASSETS}/reader.js" not in text:
            text = text.replace("</head>", links + "</head>", 1)
        path.write_text(text, encoding="utf-8")


def _figure(text, folder):
    """A figure whose picture opens alone, with a door to its numbers and a drawing for a telephone."""
    doors = []

    def picture(found):
        source = folder / found[1]
        if not source.is_file() or 'class="alone"' in text:
            return found[0]
        drawn = source.read_text(encoding="utf-8")
        carried = {kind: html.unescape(words) for kind, words in _CARRIED.findall(drawn)}
        source.write_text(_CARRIED.sub("", drawn), encoding="utf-8")
        shown = found[0]
        for kind, words in carried.items():
            if kind == "text/csv":
                source.with_suffix(".csv").write_text(words, encoding="utf-8")
                doors.append(f' <a class="numbers" href="{found[1][:-4]}.csv" download>Data</a>')
            elif kind.endswith(_NARROW_KIND):
                (folder / narrow_of(found[1])).write_text(words, encoding="utf-8")
                small = f'<source media="{NARROW_SCREENS}" srcset="{narrow_of(found[1])}">'
                shown = f"<picture>{small}{shown}</picture>"
        return f'<a class="alone" href="{found[1]}">{shown}</a>'

    text = _IMAGE.sub(picture, text)
    return text.replace("</figcaption>", "".join(doors) + "</figcaption>", 1)


def _terms(path, text):
    """Page and cells of each row of the glossary's tables."""
    if 'id="sec-glossary"' not in text:
        return
    for row in re.findall(r"<tr\b.*?</tr>", text, re.DOTALL):
        cells = re.findall(r"<td\b[^>]*>(.*?)</td>", row, re.DOTALL)
        if cells:
            yield [path, *(html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells)]
