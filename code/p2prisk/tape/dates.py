"""Dates as they are written: patterns that fit, whole numbers that are dates, and dates that are years only."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: patterns that a lender's file may have, by habit
PATTERNS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%y-%m-%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y%m%d",
    "%d%m%Y",
    "%y%m%d",
    "%d%m%y",
    "%y%m",
    "%m%y",
    "%YM%m",
    "%d%b%Y",
    "%d%b%Y:%H:%M:%S",
    "%b-%Y",
    "%b %Y",
    "%B %Y",
    "%y-%b",
    "%b-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m/%Y",
    "%m/%y",
    "%m-%y",
    "%Y-%m",
    "%Y/%m",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%A, %B %d, %Y",
    "%Y年%m月%d日",
    "%Y年%m月",
    "%Y 年 %m 月 %d 日",
    "%Y년 %m월 %d일",
    "%Y년%m월%d일",
)


def fitting_patterns(text: pd.Series) -> list[str]:
    """Patterns that read every cell.

    Examples
    --------
    >>> fitting_patterns(pd.Series(["13/01/2019", "02/03/2019"])), fitting_patterns(pd.Series(["01/02/2019"]))
    (['%d/%m/%Y'], ['%d/%m/%Y', '%m/%d/%Y'])
    """
    text = without_offset(text.astype(str).str.strip())
    return [name for name in PATTERNS if _read(text, name).notna().all()]


#: letters of a pattern without marks between its parts -> letters of every cell (``1708`` is no first of July 2008)
_WIDTHS = {"%Y%m%d": 8, "%d%m%Y": 8, "%y%m%d": 6, "%d%m%y": 6, "%y%m": 4, "%m%y": 4}


def _read(text, pattern):
    """Dates by a pattern; a year that no loan has is none (``150115`` is no day of the year 1501)."""
    dates = pd.to_datetime(text, format=pattern, errors="coerce")
    if pattern in _WIDTHS:
        dates = dates.where(text.str.len() == _WIDTHS[pattern])
    return dates.where(dates.dt.year.between(1900, 2100) | (dates.dt.year == 9999))


def day_or_month_first(text: pd.Series, patterns: list[str]) -> tuple[list[str], pd.Series]:
    """Of several patterns the one that reads every cell, and the cells that two of them read as different days.

    Parameters
    ----------
    text : pandas.Series of str
        Distinct cells.
    patterns : list of str

    Returns
    -------
    patterns : list of str
        One, if it reads every cell; else those given.
    both : pandas.Series of str
        Cells of which the pattern that comes first decides the day.

    Examples
    --------
    >>> day_or_month_first(pd.Series(["01/02/2019", "12/31/2019"]), ["%d/%m/%Y", "%m/%d/%Y"])[0]
    ['%m/%d/%Y']
    >>> day_or_month_first(pd.Series(["1/2/2019", "12/31/2019", "31/12/2019"]), ["%d/%m/%Y", "%m/%d/%Y"])[1].tolist()
    ['1/2/2019']
    """
    read = [pd.to_datetime(without_offset(text), format=pattern, errors="coerce") for pattern in patterns]
    whole = [pattern for pattern, days in zip(patterns, read, strict=True) if days.notna().all()]
    if whole:
        return whole[:1], text[:0]
    table = pd.DataFrame(dict(enumerate(read)))
    return patterns, text[table.nunique(axis=1) > 1]


def swapped_by_spreadsheet(parts: list[pd.Series]) -> bool:
    """Whether days of two ways of writing look like those of which a spreadsheet has turned the first half round.

    A spreadsheet of another country takes ``05/01/2015`` for the first of May and leaves ``13/01/2015`` as text: then
    one way of writing has days up to 12 only, the other days above 12 only.

    Parameters
    ----------
    parts : list of pandas.Series of datetime
        The dates by the way in which they are written.

    Examples
    --------
    >>> early, late = ([f"2015-{month:02d}-{day:02d}" for month in range(1, 10)] for day in (3, 19))
    >>> swapped_by_spreadsheet([pd.Series(pd.to_datetime(early)), pd.Series(pd.to_datetime(late))])
    False
    >>> swapped_by_spreadsheet([pd.Series(pd.date_range("2015-01-01", periods=12)),
    ...                         pd.Series(pd.date_range("2015-01-13", periods=18))])
    True
    """
    days = [set(part.dt.day.unique()) for part in parts if len(part)]
    few = [len(one) < 5 for one in days]
    return len(days) == 2 and not any(few) and bool(min(map(max, days)) <= 12 < max(map(min, days)))


def without_offset(text: pd.Series) -> pd.Series:
    """Dates as the clock of their place showed them, without its distance from universal time.

    Examples
    --------
    >>> without_offset(pd.Series(["2014-01-02 10:06:32+00:00", "2014-01-02T10:06+0530"])).tolist()
    ['2014-01-02 10:06:32', '2014-01-02T10:06']
    """
    return text.str.replace(r"(?<=:\d\d)(\.\d+)?\s?(Z|UTC|[+-]\d\d:?\d\d)$", r"\1", regex=True)


#: quarters, halves and financial years, as they are written
_PERIODS = (
    r"(?i)\d{2,4}\s*[-/. ]?\s*[QTHS][1-4]|[QTHS][1-4]\s*[-/. ]?\s*\d{2,4}|[IV]{1,3}\s*[-/. ]\s*\d{4}|"
    r"(?:FY|GJ)\s*\d{2,4}.*|\d{4}\s*[/-]\s*(?:\d{2}){1,2}|\d{4}年?第?[一二三四1-4]季度?"
)
_WEEKS = r"(?i)\d{4}\s*[-/ ]?\s*(?:W|KW|S)\s*\d{1,2}(?:-\d)?|(?:W|KW|S)\s*\d{1,2}\D+\d{4}"
_ENGLISH = (
    r"(?i)(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|august|september|october|"
    r"november|december|mon|tues?|wed(nes)?|thur?s?|fri|sat(ur)?|sun|\w+day|utc|gmt)"
)


#: how years are written that are counted from another one -> how it is called
_ERAS = {
    r"(民國|民国)\s*\d{2,3}\s*年.*|(9\d|1[0-2]\d)([/.-]\d{1,2}){1,2}|1[0-2]\d\s?年.*|(9\d|1[0-2]\d)\d{4}|"
    r"1[0-2]\d(0[1-9]|1[0-2])?|(\d{1,2}[/.-]){1,2}1[0-2]\d": "the Republic of China (Minguo), 1911 behind",
    r"[MTSHR]\s?\d{1,2}[./-]\d.*|(明治|大正|昭和|平成|令和)\s*(\d{1,2}|元)\s*年.*": "Japanese eras",
}
#: first and last year of a calendar as loans of 1990 to 2035 have it -> how it is called
_CALENDARS = {
    (2533, 2578): "the Buddhist calendar, 543 ahead",
    (1420, 1460): "the Islamic calendar (Hijri), whose years are shorter",
    (1350, 1419): "the Persian calendar, 621 behind, or the Islamic one, whose years are shorter",
    (2047, 2092): "Nepal (Bikram Sambat), 57 ahead",
}


def calendar_of(cells: pd.Series, ahead: bool = False) -> str:
    """The calendar of which the years of cells may be that are no dates, or no dates of the past; empty if none.

    Parameters
    ----------
    cells : pandas.Series of str or int
    ahead : bool
        Years of the common calendar that are yet to come are looked at too: Nepal's.

    Examples
    --------
    >>> [calendar_of(pd.Series([cell])).split(",")[0] for cell in ("15/01/2567", "113/01/15", "14450712", "15/01/2019")]
    ['the Buddhist calendar', 'the Republic of China (Minguo)', 'the Islamic calendar (Hijri)', '']
    """
    cells = cells.astype(str).str.strip()
    years = cells.str.extract(r"(?<!\d)(\d{4})(?:(?:\d{2}){1,2}(?:\.0+)?)?(?!\d)")[0].dropna().astype(int)
    for (first, last), name in _CALENDARS.items():
        if (ahead or last < 2000 or first > 2500) and years.between(first, last).sum() > 0.5 * len(cells):
            return name
    return next((name for form, name in _ERAS.items() if cells.str.fullmatch(form).mean() > 0.5), "")


def why_no_dates(left: pd.Series, whole: int) -> str:
    """The way out where no usual pattern reads cells, by what they look like.

    Parameters
    ----------
    left : pandas.Series of str
        What was not read.
    whole : int
        Entries of the column, those that were read among them.

    Examples
    --------
    >>> for cells in (["2013Q1"], ["FY2013-P01"], ["2015-W07"], ["9 janvier 2015"], ["42005", "13/01/2015"]):
    ...     print(why_no_dates(pd.Series(cells), len(cells)).split(":")[0])
    Quarters, half years and financial years are no dates
    Quarters, half years and financial years are no dates
    Weeks are no dates
    Names of months are read in English only
    Day numbers of a spreadsheet stand among texts
    >>> why_no_dates(pd.Series(["2015-02-30"]), 100).split(":")[0]
    'The others are dates'
    """
    cells = left.astype(str).str.strip()
    cells = cells[cells.str.contains(r"\d")]
    export = "write the column as 2019-01-31 in the export"
    if len(cells) and cells.str.fullmatch(_PERIODS).mean() > 0.5:
        return f"Quarters, half years and financial years are no dates: {export}, with the first day of each."
    if len(cells) and cells.str.fullmatch(_WEEKS).mean() > 0.5:
        return f"Weeks are no dates: {export}, with the first day of each."
    words = cells.str.extractall(r"([^\W\d_]{3,})")[0] if len(cells) else cells
    if len(words) and words.groupby(level=0).size().size > 0.5 * len(cells) and (~words.str.fullmatch(_ENGLISH)).any():
        return f"Names of months are read in English only: {export}."
    serial = cells.str.fullmatch(r"[1-7]\d{4}(\.\d+)?")
    if serial.any() and not serial.all():
        return f"Day numbers of a spreadsheet stand among texts: {export}, in the program that made it."
    if len(left) < 0.5 * whole:
        return "The others are dates: correct the cell, or name it under 'missing' if it stands for none."
    return (
        "No usual pattern reads them: name the texts that stand for none under 'missing', give the pattern under "
        f"'date' in the mapping (letters of strptime), or {export}."
    )


def whole_number_dates(text: pd.Series, rows: np.ndarray | None = None) -> tuple[pd.Series, str]:
    """Whole numbers that are dates: 20190131, 201901, years, serial days of a spreadsheet, or seconds since 1970.

    Parameters
    ----------
    text : pandas.Series of str
        None missing.
    rows : ndarray, optional
        Rows that each text stands for.

    Returns
    -------
    dates : pandas.Series
    what : str
        What they were taken for; empty if they are no dates.

    Examples
    --------
    >>> dates, what = whole_number_dates(pd.Series(["43831", "43862"]))
    >>> dates.dt.strftime("%Y-%m-%d").tolist(), what
    (['2020-01-01', '2020-02-01'], 'serial days of a spreadsheet')
    """
    none = pd.Series(pd.NaT, text.index)
    text = text.astype(str).str.replace(r"\.0+$", "", regex=True)
    width = text.str.len()
    if not text.str.fullmatch(r"\d+(\.\d+)?").all():
        return none, ""
    for digits, pattern, what in ((8, "%Y%m%d", "days"), (6, "%Y%m", "months"), (4, "%Y", "years")):
        if (width == digits).all():
            dates = pd.to_datetime(text, format=pattern, errors="coerce")
            fits = dates.notna().all() and bool(dates.dt.year.between(1900, 2100).all())
            return (dates, f"{what} written as numbers") if fits else (none, "")
    number = text.astype(float)
    for digits, unit, what in ((10, "s", "seconds since 1970"), (13, "ms", "thousandths of seconds since 1970")):
        if (text.str.fullmatch(r"\d+") & (width <= digits)).all() and (width >= digits - 1).all():
            dates = pd.to_datetime(number, unit=unit)
            likely = np.average(dates.dt.year.between(1990, 2100), weights=rows)
            return (dates.dt.floor("D"), what) if likely > 0.99 else (none, "")
    if number.between(15_000, 80_000).all():  # 1941 to 2119
        return pd.Timestamp("1899-12-30") + pd.to_timedelta(number.round(6), unit="D"), "serial days of a spreadsheet"
    return none, ""


def rounded_dates(numbers: pd.Series) -> str:
    """What is lost of numbers of seconds or days that were rounded, as a spreadsheet shows them; empty if nothing is.

    ``1.3E+09`` seconds since 1970 is a day between October 2009 and December 2012. Of midnights in seconds every fifth
    is a multiple of 1,000, and a fifth of these of 10,000, and so on; of days every tenth is one of 10. Numbers that
    are all such by a chance below one in a thousand were rounded.

    Parameters
    ----------
    numbers : pandas.Series of float
        Distinct, each a number of seconds or thousandths of them since 1970, or of days.

    Examples
    --------
    >>> rounded_dates(pd.Series([1.30e9, 1.31e9, 1.29e9])), rounded_dates(pd.Series([1305504000.0, 1305590400.0]))
    ('the nearest 115.7 days', '')
    >>> rounded_dates(pd.Series([41600.0, 41700.0]))
    'the nearest 100 days'
    """
    numbers = numbers.astype(float).drop_duplicates()
    if not len(numbers) or not (numbers > 0).all():
        return ""
    least = 1 if numbers.max() < 1e6 else 3 if numbers.max() < 1e11 else 6
    second = {1: 86_400.0, 3: 1.0, 6: 0.001}[least]
    for power in range(12, least - 1, -1):
        if (numbers % 10**power == 0).mean() < 0.95:
            continue
        chance = 10.0**-power if least == 1 else 5.0 ** (least - 1 - power)
        days = 10**power * second / 86_400
        lost = f"the nearest {days:,.4g} days" if days >= 1 else f"the nearest {24 * days:.2g} hours"
        return lost if chance ** len(numbers) < 1e-3 else ""
    return ""


def year_only(dates: pd.Series) -> bool:
    """Whether dates are years: all 1 January, of more than one year. Of a single year only the text can tell.

    Examples
    --------
    >>> year_only(pd.Series(pd.to_datetime(["2019-01-01", "2020-01-01"])))
    True
    >>> year_only(pd.Series(pd.to_datetime(["2019-01-01", "2019-02-01"])))
    False
    """
    known = dates.iloc[:1000].dropna()
    if len(known) and not ((known.dt.month == 1) & (known.dt.day == 1)).all():
        return False
    known = dates.dropna()
    if not len(known) or not ((known.dt.month == 1) & (known.dt.day == 1)).all():
        return False
    return known.dt.year.nunique() > 1
