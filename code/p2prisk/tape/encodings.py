"""Encodings: UTF-8 and UTF-16 are known for certain; any other is guessed from all cells at once, or not at all.

Almost every byte string is valid in some encoding, so that a file can be read in the wrong one without an error.
chardet ranks the readings by how often their letters stand together in real text. A reading is taken only if the whole
file can be read so and no other reading comes near; otherwise the reader refuses and shows two.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from p2prisk.errors import DataError

#: encodings of real exports, by Python's name; of those that read a file alike the first is named
CANDIDATES = (
    "gb18030",
    "big5hkscs",
    "cp932",
    "euc_jp",
    "cp949",
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1254",
    "cp1253",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp1258",
    "cp874",
    "koi8_r",
    "koi8_u",
    "iso8859_2",
    "iso8859_5",
    "iso8859_7",
    "cp437",
    "cp850",
    "cp852",
    "cp866",
    "mac_roman",
)
_ALIASES = {
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "tis_620": "cp874",
    "macroman": "mac_roman",
    "ibm866": "cp866",
}
_ENOUGH = 8
_MOST_CELLS = 4000
_OTHERS = "\u0370-\u06ff"  # Greek, Cyrillic, Armenian, Hebrew, Arabic
_CAPITALS = "".join(char for char in map(chr, range(0xC0, 0x180)) if char.isupper())
_NO_WORD = re.compile(
    rf"(?<=[a-zà-öø-ÿ])[{_CAPITALS}]|(?<=[A-Za-z])[{_OTHERS}]|[{_OTHERS}](?=[A-Za-z])|(?<=[a-z])[ⁿ¹²³¼½¾](?=[a-z])"
)
#: a number whose thousands a space without a break parts: it says nothing of the letters
_NUMBER = re.compile(rb"[\d\s.,'%+\-\xa0]+")


def other_encoding(path: Path, blocks) -> str:
    """The encoding of a file that is not UTF.

    Parameters
    ----------
    path : path-like
        For messages.
    blocks : iterable of bytes
        The lines of the file.

    Returns
    -------
    str

    Raises
    ------
    DataError
        Encodings mixed, none that fits, or two that fit about as well.
    """
    cells: dict[bytes, None] = {}
    utf8, other, first, one = 0, 0, 0, (0, b"")
    for number, line in enumerate(blocks, 1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8 += 1
        except UnicodeDecodeError:
            other += 1
            first = first or number
        if len(cells) < _MOST_CELLS:
            # never at | or \\, which are second bytes of Chinese and Japanese letters
            for cell in re.split(rb"[,;\t\r\n\"]", line):
                if not cell.isascii():
                    one = one if one[0] else (number, cell)
                    cells.setdefault(cell, None)
    # two bytes of another encoding are rarely valid UTF-8 by chance, so some lines of each kind mean two encodings
    if utf8 > 0.02 * (utf8 + other):
        raise DataError(
            f"{path.name} mixes encodings: line {first:,d} is not UTF-8, {utf8:,d} other line(s) are; "
            "export it again in one encoding, or name it: --encoding (encoding=)"
        )
    worded = [cell for cell in cells if not _NUMBER.fullmatch(cell)]
    ranked = ranking(worded or list(cells))
    if not ranked or ranked[0][1] < 0.015:
        raise DataError(
            f"{path.name}, line {first:,d}: not UTF-8, and no other encoding reads it as words; name the encoding, for "
            "instance --encoding cp1252 (encoding='cp1252'), or export as UTF-8"
        )
    near = 0.75 if len(cells) >= _ENOUGH else 0.45 if len(cells) > 2 else 0.3
    if len(ranked) > 1 and ranked[1][1] > near * ranked[0][1]:
        (a, _), (b, _) = ranked[:2]
        line, cell = one
        text = [cell.decode(name).strip()[:20] for name in (a, b)]
        raise DataError(
            f"{path.name}, line {line:,d}: not UTF-8, and too little text to tell {a} ({text[0]!r}) from {b} "
            f"({text[1]!r}); "
            f"name the encoding: --encoding {a} or --encoding {b} (encoding=)"
        )
    return ranked[0][0]


def ranking(cells: list[bytes]) -> list[tuple[str, float]]:
    """Encodings that can read all cells, with how well the letters fit; one for each different reading, best first.

    Examples
    --------
    >>> ranking(["还款中".encode("gbk"), "逾期".encode("gbk")])[0][0], ranking(["Zürich".encode("cp1252")])[0][0]
    ('gb18030', 'cp1252')
    """
    import chardet

    text = b"\n".join(cells)
    scores: dict[str, float] = {}
    every = chardet.detect_all(text, ignore_threshold=True)
    for found in every:
        name = (found["encoding"] or "").lower().replace("-", "_").replace("windows_", "cp")
        name = _ALIASES.get(name, name)
        if name in CANDIDATES:
            scores[name] = max(scores.get(name, 0.0), found["confidence"])
        if name in ("iso_8859_1", "iso8859_1", "iso8859_15"):
            scores["cp1252"] = max(scores.get("cp1252", 0.0), found["confidence"])
    readings: dict[str, tuple[str, float]] = {}
    for name in CANDIDATES:
        if name not in scores:
            continue
        try:
            reading = text.decode(name)
        except UnicodeDecodeError:
            continue
        known, score = readings.get(reading), scores[name] * _letters(reading)
        readings[reading] = (known[0], max(known[1], score)) if known else (name, score)
    return sorted(readings.values(), key=lambda entry: -entry[1])


def _letters(text):
    """Share of the characters beyond ASCII that are letters, or marks of ordinary text, less twice those no word has.

    A capital behind a small letter, and a letter of another alphabet beside a Latin one, are of a wrong reading.

    >>> [round(_letters(reading), 2) for reading in ("zurückgezahlt", "zurŘckgezahlt", "vollstΣndig", "Срок")]
    [1.0, 0.0, 0.0, 1.0]
    """
    beyond = [char for char in text if not char.isascii()]
    fine = [
        char for char in beyond if unicodedata.category(char)[0] == "L" or char in "€£¥°–—’‘“”«»№、。，：；（）％·・"
    ]
    return max(len(fine) - 2 * len(_NO_WORD.findall(text)), 0) / max(len(beyond), 1)
