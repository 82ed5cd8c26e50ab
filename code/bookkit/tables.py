"""How wide the columns of a table want to be, so that it neither runs out of the page nor breaks numbers."""

import re
import unicodedata

from bookkit import tree

#: A cell up to this width, in ems, is kept on one line: numbers, names, short words.
_SHORT = 7
#: A day, an interval or an amount: what stands on one line in a cell. Typst reads the same pattern.
_DAY = r"\b(?:\d{4}-\d\d(?:-\d\d)?|\d\d?\s[A-Z][a-z]{2,8}\s\d{4})\b"
_N = rf"(?:{_DAY}|[−+-]?\b\d+(?:[.,]\d+)*(?:\s?%)?)"
WHOLE = rf"{_N}(?:\sto\s|\s?–\s?){_N}|between\s{_N}\sand\s{_N}|[(\[]{_N}[,;]\s{_N}[)\]]|{_DAY}|[A-Z]{{3}}\s{_N}"
#: What is not broken over two lines; Chinese breaks after any character.
_WORD = re.compile(rf"[(\[]?(?:{WHOLE})[\])]?[.,;:]?|[\u2e80-\uffef]|[^\s\u2e80-\uffef]+")
_WIDTHS = dict.fromkeys(" .,:;|il'", 0.3) | dict.fromkeys("mwMW@%", 0.85)


def column_widths(table):
    """Widths of a table's columns in ems: without a line break, and the least that breaks no short cell and no word."""
    longest, least = [], []
    for cells in zip(*rows_of(table), strict=True):
        longest.append(max(map(_em, cells), default=1))
        word = max((_em(word) for cell in cells for word in _WORD.findall(cell)), default=1)
        least.append(min(longest[-1], max(word, _SHORT)))
    return longest, least


def column_lengths(table):
    """How much the columns of a table say, in ems: the root mean square of the widths of their cells."""
    columns = list(zip(*rows_of(table), strict=True))
    return [(sum(_em(cell) ** 2 for cell in cells) / len(cells)) ** 0.5 for cells in columns]


def shares(least, wanted, room, padding=0):
    """Shares of the columns in `room` ems, each with its `padding`: what is left goes to those that want more."""
    wish = [max(0, more - short) for more, short in zip(wanted, least, strict=True)]
    spare = max(0, room - sum(least) - padding * len(least)) / (sum(wish) or 1)
    widths = [short + padding + spare * more for short, more in zip(least, wish, strict=True)]
    return [width / sum(widths) for width in widths]


def set_widths(table, shares=None):
    """Give the columns shares of the whole width, or none: pandoc's own come from the dashes of the source."""
    for index, spec in enumerate(table["c"][2]):
        spec[1] = {"t": "ColWidth", "c": round(shares[index], 4)} if shares else {"t": "ColWidthDefault"}


def rows_of(table):
    """Text of every cell, row by row."""
    head, bodies, foot = table["c"][3:6]
    count = len(table["c"][2])
    for row in [*head[1], *(row for body in bodies for row in body[2] + body[3]), *foot[1]]:
        cells = [tree.plain(cell[4]) for cell in row[1]]
        yield (cells + [""] * count)[:count]


def _em(words):
    """Width of a text in ems of a sans face."""
    wide = (unicodedata.east_asian_width(letter) in "WF" for letter in words)
    plain = (_WIDTHS.get(letter, 0.68 if letter.isupper() else 0.6) for letter in words)
    return sum(1.0 if is_wide else width for is_wide, width in zip(wide, plain, strict=True))
