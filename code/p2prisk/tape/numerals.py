"""Numbers as people write them: which mark is the decimal one is decided by the evidence of the whole column.

``10,42`` can only be ten and a bit, ``2.600,00`` only two thousand six hundred; ``15.470`` can be either. A cell of the
last kind is read as the others of its column are, or as the rest of the file, or as the admissible range of the column
allows; where none of these decides, the reader refuses and shows both readings. Groups are checked (``1,2,3`` and
``10 20`` are no numbers), Indian ones included; signs may stand before, after or as accountants' brackets; a currency,
a per cent sign and, where a unit of time is meant, its name may stand beside the number.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from p2prisk.errors import DataError

#: currency signs and codes -> ISO code where the sign means one currency
CURRENCIES = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₫": "VND",
    "₦": "NGN",
    "₱": "PHP",
    "฿": "THB",
    "R$": "BRL",
    "zł": "PLN",
    "Kč": "CZK",
    "元": "CNY",
    "Rs": "INR",
    "Rs.": "INR",
    "Fr.": "CHF",
    **{code: code for code in "EUR USD GBP CNY RMB INR CHF JPY PLN CZK SEK NOK DKK BRL MXN ZAR RUB KRW TRY".split()},
    **{code: code for code in "IDR TWD HKD HUF RON BGN UAH KZT THB VND".split()},
    **dict.fromkeys(("руб.", "руб", "р."), "RUB"),
    **dict.fromkeys(("Rp", "Rp."), "IDR"),
    "TL": "TRY",
    "円": "JPY",
    "원": "KRW",
    "Ft": "HUF",
    "lei": "RON",
    "грн": "UAH",
    "$": "",
    "US$": "USD",
    "¥": "",
    "kr": "",
    "Kr": "",
}
CURRENCIES["RMB"] = "CNY"
#: signs of several currencies -> those that they can mean
SHARED = {
    "$": tuple("USD AUD CAD NZD HKD SGD TWD MXN ARS CLP COP UYU BRL FJD JMD NAD BSD BBD BZD TTD".split()),
    "¥": ("CNY", "JPY"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "Kr": ("SEK", "NOK", "DKK", "ISK"),
}
#: currencies, some of them past, of which a hundred million are less than a million dollars
SMALL_UNITS = frozenset(
    "VND IDR IRR KRW JPY LAK KHR MMK UZS COP CLP PYG CRC HUF ISK NGN TZS UGX RWF BIF GNF MGA XAF XOF IQD LBP SYP YER "
    "SOS SLL SLE MNT KZT AMD RSD PKR LKR KES ARS MWK CDF DZD NPR JMD GYD HTG VEF VES ZWL SSP AOA STN TRL ROL BYR ITL "
    "ESP PTE GRD BEF".split()
)
#: raised, lowered and circled digits and letters: a note beside a number, and no part of it
_RAISED = re.compile(r"[\u00b2\u00b3\u00b9\u00aa\u2070-\u209c\u2460-\u24ff\u2776-\u2793]")
_MONTHS = "months|month|mos|mo|mths|mth|monate|monat|mois|meses|mes|mês|mesi|个月|個月|ヶ月|か月|개월|期|月"
_YEARS = "years|year|yrs|yr|jahre|jahr|ans|an|années|année|años|año|anos|ano|anni|年|岁|歳|세|년"
_DAYS = "days|day|tage|tag|jours|jour|días|día|dias|dia|giorni|天|日|일"
_WEEKS = "weeks|week|wochen|woche|semaines|semaine|semanas|semana|周|週"
_TIME = re.compile(
    rf"\s*-?\s*(?:(?P<months>{_MONTHS}|m)|(?P<years>{_YEARS}|y)|(?P<days>{_DAYS}|d)|(?P<weeks>{_WEEKS}|w)|"
    r"(?P<ten_thousand>[万萬][元圆圓円]?))\.?$",
    re.I,
)
#: years and months in one cell: ``P1Y6M``, ``2 years 6 months``
_SPAN = re.compile(rf"P?\s*(?:(\d+)\s*(?:{_YEARS}|y))?[\s,]*(?:(\d+)\s*(?:{_MONTHS}|m))?\.?$", re.I)
#: per cent and basis points in words; of a month they are none
_RATE = re.compile(
    r"(?<=[\d.,\s])\s*(?P<mark>%|per\s?cent|pct|prozent|por\s?cien?to|pour\s?cent|bps?|basis points)\.?"
    r"(?:\s*(?:p\.?\s?a\.?|per annum|per year|a year|yearly))?$",
    re.I,
)
#: unit of the column -> unit of the cell -> factor
_FACTORS = {
    "months": {"months": 1.0, "years": 12.0, "days": 12 / 365.25, "weeks": 84 / 365.25},
    "years": {"years": 1.0, "months": 1 / 12, "days": 1 / 365.25, "weeks": 7 / 365.25},
    "days": {"days": 1.0, "weeks": 7.0},
    "currency": {"ten_thousand": 10_000.0},
}
_SIGNS = sorted(CURRENCIES, key=len, reverse=True)
_CURRENCY = "|".join(re.escape(sign) for sign in _SIGNS)
_BEFORE = re.compile(rf"^(?P<sign>[+-]?)\s*(?P<currency>{_CURRENCY})\s*(?=[-+(\d.,])")
_AFTER = re.compile(rf"(?<=[\d.,)-])\s*(?P<currency>{_CURRENCY})$")
_PLAIN = re.compile(r"\d+(?:[eE][+-]?\d+)?$")
_EXPONENT = re.compile(r"(\d+)([.,]\d+)?[eE]([+-]?\d{1,3})$")
_GROUPED = re.compile(r"\d{1,3}(?:([' ])\d{3})(?:\1\d{3})*([.,]\d*)?$")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$")
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})*,\d{3}$")
_ODD_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u2002\u2003\u2005\u2006\u2008\u200a"), " ")
_ODD_MARKS = dict.fromkeys(map(ord, "\u2212\u2013\uff0d\ufe63\u2010\u2011"), "-") | dict.fromkeys(
    map(ord, "\u2019\u2018\u00b4\u0060\u02bc\uff07"), "'"
)
#: dashes in place of cents: ``1.200,-`` and ``1'200.--`` are no negatives
_NO_CENTS = re.compile(r"(?<=\d)([.,])[-\u2014=]{1,2}$")
#: digits and marks of Arabic and other scripts, as Latin ones
_DIGITS = {code: str(unicodedata.decimal(chr(code))) for code in range(0x660, 0x2000) if chr(code).isdecimal()} | {
    0x66B: ".",
    0x66C: " ",
    0x66A: "%",
}
_ROWS = 1 << 17
_NAN = float("nan")
#: distinct cells from which on whole columns are matched at once
_MANY = 500


@dataclass
class Cells:
    """The distinct cells of a column, read with either decimal mark.

    Attributes
    ----------
    point, comma : ndarray of float
        The value with a decimal point, with a decimal comma; NaN where the cell cannot be one.
    evidence : ndarray of str
        ``.`` or ``,``: only this mark fits; ``?``: both fit and differ; empty: no mark.
    per_cent : ndarray of bool
        Whether the cell has a per cent sign.
    currencies : set of str
        Signs and codes seen.
    """

    texts: list
    point: np.ndarray
    comma: np.ndarray
    evidence: np.ndarray
    per_cent: np.ndarray
    currencies: set = field(default_factory=set)

    def marks(self) -> set:
        """The decimal marks that some cell proves."""
        return set(np.unique(self.evidence)) & {".", ","}

    def first(self, mark: str) -> int:
        """Position of the first cell with this evidence."""
        return int(np.flatnonzero(self.evidence == mark)[0])


def read_cells(texts: list[str], unit: str = "") -> Cells:
    """Read cells of a column with either decimal mark.

    Parameters
    ----------
    texts : list of str
        Distinct cells, none missing.
    unit : str
        Unit of the canonical column; names of time are understood for ``months``, ``years`` and ``days``.

    Examples
    --------
    >>> cells = read_cells(["2.600,00", "15.470", "(12)", "1,2,3", "$ 5"])
    >>> cells.comma.tolist(), cells.evidence.tolist()
    ([2600.0, 15470.0, -12.0, nan, 5.0], [',', '?', '', '', ''])
    >>> read_cells(["36-month", "3y", "P1Y6M", "2 years 6 months", "36-"], "months").point.tolist()
    [36.0, 36.0, 18.0, 30.0, -36.0]
    >>> read_cells(["12 % p.a.", "1250 bps"], "per cent").point.tolist()
    [12.0, 12.5]
    >>> read_cells(["3.5万元", "١٬٢٣٤٫٥"], "currency").point.tolist()
    [35000.0, 1234.5]
    """
    signs: set[str] = set()
    texts, factors = list(texts), _FACTORS.get(unit)
    point, comma = np.full(len(texts), _NAN), np.full(len(texts), _NAN)
    evidence, per_cent = np.full(len(texts), "", dtype="U1"), np.zeros(len(texts), dtype=bool)
    left = _usual(texts, point, comma, evidence) if len(texts) > _MANY else range(len(texts))
    for place in left:
        point[place], comma[place], evidence[place], per_cent[place] = _cell(texts[place], factors, signs)
    return Cells(texts, point, comma, evidence, per_cent, signs)


def _usual(texts, point, comma, evidence):
    """Fill in the usual forms of a long column at once; positions of the others."""
    column = pd.Series(texts, dtype="str")
    left = np.ones(len(texts), dtype=bool)
    for mark, other, values in ((".", ",", point), (",", ".", comma)):
        form = rf"^[+-]?(?:\d{{1,3}}(?:\{other}\d{{3}})+|\d{{4,}})\{mark}\d+$|^[+-]?\d{{1,3}}\{mark}(?:\d\d?|\d{{4,}})$"
        mine = left & column.str.match(form).to_numpy(dtype=bool)
        if mine.any():
            plain = column[mine].str.replace(other, "", regex=False).str.replace(mark, ".", regex=False)
            values[mine], evidence[mine], left[mine] = plain.astype(float), mark, False
    whole = left & column.str.match(r"^[+-]?\d{1,15}$").to_numpy(dtype=bool)
    if whole.any():
        point[whole] = comma[whole] = column[whole].astype(float)
        left[whole] = False
    return np.flatnonzero(left)


def latin(text: str) -> str:
    """Digits of any script, wide letters, odd blanks and dashes as Latin ones; marks of footnotes stay what they are.

    Examples
    --------
    >>> latin("١٬٢٣٤٫٥"), latin("१२"), latin("２０１５－０１"), latin("7800¹")
    ('1 234.5', '12', '2015-01', '7800¹')
    """
    plain = text.translate(_ODD_MARKS | _ODD_SPACES | _DIGITS)
    if plain.isascii() or not _RAISED.search(plain):
        return unicodedata.normalize("NFKC", plain)
    return "".join(mark if _RAISED.match(mark) else unicodedata.normalize("NFKC", mark) for mark in plain)


def _cell(text, factors, signs):
    """Value with a point, value with a comma, evidence, per cent sign."""
    core = text if text.isascii() else latin(text)
    core = core.strip()
    if _PLAIN.match(core):
        value = float(core)
        return value, value, "", False
    bad = (_NAN, _NAN, "", False)
    sign, factor = 1.0, 1.0
    if core.startswith('="') and core.endswith('"'):  # as a spreadsheet keeps a number as text
        core = core[2:-1].strip()
    elif core[0:1] == "'":
        core = core[1:]
    if factors and core.rstrip(".")[-1:].isalpha():
        span = _SPAN.match(core) if "ten_thousand" not in factors and "years" in factors else None
        if span and (core[:1] in "Pp" or span[1] and span[2]):
            months = 12 * int(span[1] or 0) + int(span[2] or 0)
            value = months * factors["months"]
            return value, value, "", False
        found = _TIME.search(core)
        if found and found.lastgroup in factors:
            factor, core = factors[found.lastgroup], core[: found.start()].rstrip()
    per_cent = False
    if found := _RATE.search(core):
        per_cent, core = True, core[: found.start()].rstrip()
        factor = 0.01 if found["mark"][0] in "bB" else factor
    if core.startswith("%"):  # as it is written in Turkey
        core, per_cent = core[1:].lstrip(), True
    if found := _BEFORE.match(core):
        signs.add(found["currency"])
        core = found["sign"] + core[found.end() :]
    elif found := _AFTER.search(core):
        signs.add(found["currency"])
        core = core[: found.start()]
    if core.startswith("(") and core.endswith(")"):
        sign, core = -1.0, core[1:-1].strip()
        if found := _BEFORE.match(core):
            signs.add(found["currency"])
            core = core[found.end() :]
        if core[:1] in ("+", "-"):
            return bad
    core = _NO_CENTS.sub(r"\g<1>0", core)
    if core[:1] in ("+", "-"):
        sign, core = (-sign if core[0] == "-" else sign), core[1:].lstrip()
    elif core.endswith("-"):
        sign, core = -sign, core[:-1].rstrip()
    both = _marks(core)
    if both is None:
        return bad
    point, comma, evidence = both
    scale = sign * factor
    return point * scale, comma * scale, evidence, per_cent


def _marks(core):
    """An unsigned number with either mark: value with a point, value with a comma, evidence; None if it is none."""
    if not core or not core.isascii() or (not core[0].isdigit() and core[0] not in ".,"):
        return None
    if core.isdigit():
        return float(core), float(core), ""
    if found := _EXPONENT.match(core):
        value = float(core.replace(",", "."))
        mark = found[2][0] if found[2] else ""
        return (_NAN, value, ",") if mark == "," else (value, value if not mark else _NAN, mark)
    if found := _GROUPED.match(core):
        whole, mark, rest = core, "", ""
        if found[2] is not None:
            mark, rest = found[2][0], found[2][1:]
            whole = core[: found.start(2)]
        value = float(whole.replace(found[1], "") + "." + (rest or "0"))
        return (_NAN, value, ",") if mark == "," else (value, _NAN if mark else value, mark)
    if any(char not in "0123456789.," for char in core):
        return None
    points, commas = core.count("."), core.count(",")
    if points and commas:
        mark = "." if core.rfind(".") > core.rfind(",") else ","
        other = "," if mark == "." else "."
        whole, _, rest = core.rpartition(mark)
        if mark in whole or not (_THOUSANDS.match(whole) or (other == "," and _INDIAN.match(whole))):
            return None
        value = float(whole.replace(other, "") + "." + (rest or "0"))
        return (value, _NAN, ".") if mark == "." else (_NAN, value, ",")
    mark = "." if points else ","
    if points + commas > 1:
        if not (_THOUSANDS.match(core) or (mark == "," and _INDIAN.match(core))):
            return None
        value = float(core.replace(mark, ""))
        return (_NAN, value, ",") if mark == "." else (value, _NAN, ".")
    whole, rest = core.split(mark)
    if not whole and not rest:
        return None
    decimal = float(f"{whole or 0}.{rest or 0}")
    if len(rest) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0":
        grouped = float(whole + rest)
        return (decimal, grouped, "?") if mark == "." else (grouped, decimal, "?")
    return (decimal, _NAN, ".") if mark == "." else (_NAN, decimal, ",")


def looks_grouped(values: pd.Series) -> bool:
    """Whether numbers that a parser read with a decimal point may be numbers with a thousands point.

    Every one is below 1,000 with three decimals at most, and none lies between 0 and 1: ``15.47`` may have been
    ``15.470``. The text of the column then decides.

    Examples
    --------
    >>> looks_grouped(pd.Series([15.47, 2.6])), looks_grouped(pd.Series([15.4705])), looks_grouped(pd.Series([0.47]))
    (True, False, False)
    """
    numbers, marked = values.to_numpy(dtype=float), False
    for part in _parts(numbers):
        if not _grouped(part):  # one number that is none is enough
            return False
        marked = marked or bool((part != np.round(part)).any())
    return marked


def may_hide_groups(values: pd.Series) -> bool:
    """Whether only the text of a column can tell if some of its numbers had a thousands point.

    ``45.0`` may have been ``45.000`` among round thousands, also beside ``71234``.

    Examples
    --------
    >>> may_hide_groups(pd.Series([45.0, 2.0])), may_hide_groups(pd.Series([45.0, 71234.0]))
    (True, True)
    >>> may_hide_groups(pd.Series([0.5, 71234.0])), may_hide_groups(pd.Series([45000.0]))
    (False, False)
    """
    small = False
    for part in _parts(values.to_numpy(dtype=float)):
        if not _grouped(part[part != np.round(part)]):
            return False
        small = small or bool((np.abs(part) < 1000).any())
    return small


def _parts(numbers):
    """Known numbers of a column, a part at a time; the first is short, as it mostly decides."""
    for begin, end in [(0, 1000), *((start, start + _ROWS) for start in range(1000, len(numbers), _ROWS))]:
        part = numbers[begin:end]
        yield part[np.isfinite(part)]


def _grouped(numbers):
    size = np.abs(numbers)
    parts = size[size != np.round(size)]
    thousandths = parts * 1000
    return bool(
        (size < 1000).all() and (parts >= 1).all() and (np.abs(thousandths - np.round(thousandths)) < 1e-6).all()
    )


def refuse_two_marks(cells: Cells, where: str) -> None:
    """Refuse a column in which some cells prove a decimal point and others a decimal comma."""
    raise DataError(
        f"{where}: {cells.texts[cells.first(',')]!r} has a decimal comma and "
        f"{cells.texts[cells.first('.')]!r} a decimal "
        "point; correct the cells, or split the file: one column has one mark"
    )


#: how cells are written that are no numbers, and what is to be done
_NO_NUMBERS = (
    (
        r"(?i).*[\d%‰]\s*(?:p\.?\s?m\.?|per month|monthly|a\.?\s?m\.?|mtl\.?|mensual|al mes|par mois|per day|daily)|"
        r"[月日]利率.*",
        "These are rates of a month or a day: write them a year in the export.",
    ),
    (
        r"(?i).*\d\s*(?:k|tsd\.?|thousand|mio?\.?|mn|m|million|bn|lakhs?|lacs?|cr|crores?|mil|[千亿億])\W*",
        "Words for thousands and more are not read: write the numbers out in the export.",
    ),
    (
        r"(?i)\D{0,4}\d[\d.,' ]*\s*(?:-|–|to|bis|à|a|～|~)\s*\D{0,3}\d[\d.,' ]*\D{0,8}|[<>≤≥]\s*=?\s*\d.*|"
        r"\d[\d.,' ]*\s*\+",
        "These are classes and no numbers: map the column as class.NAME, or give each its number under 'recode'.",
    ),
)


def why_no_numbers(cells: pd.Series) -> str:
    """What to do about cells that are no numbers, by how most of them are written; empty if that says nothing.

    Examples
    --------
    >>> for cell in ("57.1k", "0.75 lakh", "0.78% p.m.", "月利率0.7%", "50000-59999", "10+", "k.A."):
    ...     print(why_no_numbers(pd.Series([cell])).split(":")[0])
    Words for thousands and more are not read
    Words for thousands and more are not read
    These are rates of a month or a day
    These are rates of a month or a day
    These are classes and no numbers
    These are classes and no numbers
    <BLANKLINE>
    """
    cells = cells.astype(str).str.strip()
    return next((said for form, said in _NO_NUMBERS if cells.str.fullmatch(form).mean() > 0.5), "")
