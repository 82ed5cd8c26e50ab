"""Rows of a file that are no loans, and rows of a panel that are no longer true: found, set aside, counted.

A spreadsheet ends with totals and notes, an export has blank rows, and a warehouse stacks month ends. None of them is a
loan, and none of them is dropped without a word: each is set aside with its reason and its number in the file.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.keys import repeated
from p2prisk.tape.numerals import CURRENCIES, SHARED, read_cells
from p2prisk.tape.privacy import masked_name

_SUMMED = (
    r"totals?|sums?|summe|gesamt(summe|betrag)?|zwischensumme|somme|sous-total|suma|totaa?le?|total[ei]s?|totalt|"
    r"soma|subtotal|summa|somma|celkem|razem|toplam|ukupno|összesen|yhteensä|jumlah|ogółem|i alt|合计|合計|总计|總計|"
    r"小计|小計|总和|共计|합계|총계|소계|итого|всего|σύνολο|σ|∑|average|avg|mean|median|durchschnitt|mittelwert|mittel|"
    r"moyenne|promedio|m[eé]dia|gemiddelde|среднее|平均|minimum|maximum|min|max|std|standard deviation|count|anzahl|"
    r"nombre|number of (loans|rows|records)|record count"
)
#: what a summary row is called: the word before or after what is summed
_TOTAL = re.compile(rf"^\W*((grand|sub|overall|portfolio|report)[\s-]*)?({_SUMMED})\b.{{0,40}}$|^∑|^Σ", re.IGNORECASE)
_TOTAL_OF = re.compile(r"^[\w\s.-]{1,40}[\s-](total|sum|summe|gesamt|合计|合計|小计|小計)\W*$", re.IGNORECASE)
_YEAR = re.compile(r"\b(19|20)\d\d\b")
#: how the reason begins for which older rows of a loan are set aside
EARLIER_MONTHS = "earlier month end of a loan"
#: names of the column that says of which day a row is
SNAPSHOT = re.compile(
    r"^(as[\s_-]?of([\s_-]?(date|day|month))?|snapshot([\s_-]?(date|day|month))?|(report(ing)?|record|observation|"
    r"data|extract(ion)?|cut[\s_-]?off|cob|mis|position|statement|month[\s_-]?end)[\s_-]?(date|dt|month|period|day)|"
    r"month[\s_-]?end|reporting|period|berichts(datum|monat)|stichtag|auswertungsdatum|date[\s_-]?(d[\s_']?)?(arrêté|"
    r"arrete|situation)|fecha[\s_-]?(de[\s_-]?)?(corte|datos|informe)|data[\s_-]?(base|de[\s_-]?refer[eê]ncia)|"
    r"数据日期|统计日期|快照日期|报告日期|截止日期|基准日|recorddate|as[\s_-]?at([\s_-]?date)?|"
    r"data[\s_-]?di[\s_-]?riferimento|valuation[\s_-]?date|obs[\s_-]?(dt|date|month))$",
    re.IGNORECASE,
)
#: names that say so only where the rows of a loan differ in them
_SNAPSHOT_OF_PANEL = re.compile(
    r"^((calendar|run|load|process(ing)?|batch|file|data|business|accounting|fiscal)?[\s_-]?(month|date|day|period|time)|"
    r"(year|yyyy)[\s_-]?(month|mm)|month[\s_-]?year|quarter|monat|datum|mois|mes|m[eê]s|fecha|data|mese|maand|月份|月|日期|"
    r"期间|年月)$",
    re.IGNORECASE,
)
#: names of the column that says in which currency the amounts of a row are
_CURRENCY = re.compile(
    r"^((loan|amount|original|local|deal|contract|account)[\s_-]?)?(currency|ccy|curr)([\s_-]?(code|iso|cd))?$|"
    r"^(iso[\s_-]?)?(währung|waehrung|devise|moneda|moeda|divisa|valuta|waluta|para birimi|валюта|"
    r"币种|货币|幣別|通貨|통화)$",
    re.IGNORECASE,
)
#: quarters of a year: 2019Q4, Q4 2019
_WHOLE_QUARTER = r"(?i)^(?:(\d{4})\s*[-/.]?\s*)?Q([1-4])(?:\s*[-/.]?\s*(\d{4}))?$"
_CORE = ("loan_id", "issue_date", "amount", "term", "status", "rate", "income", "home", "grade")


#: what a loan has that a total has not
_ENDS = ("issue_date", "status", "bad", "days_past_due")
_NO_SUM = "called a total, but its figures are no sums of the rows above"
_ASK_SUM = "take these rows out of the export, or give them another key if they are loans"
#: a key that begins with the word for a sum; of a whole tape of such keys none is a total
_KEY_OF_TOTAL = re.compile(
    r"^\W*((grand|sub|overall)[\s-]*)?(totals?|subtotal|sum|summe|zwischensumme|gesamt|sous-total|suma|soma|totale|"
    r"小计|小計|合计|合計|总计|итого|всего)[\s:：].*$",
    re.IGNORECASE,
)


def sources_of(mapping, header):
    """Canonical column -> source columns present, for every rule of a mapping."""
    found = {}
    for name, rule in (mapping.get("columns") or {}).items():
        options = rule.get("from", [])
        options = [*(options if isinstance(options, list) else [options]), *rule.get("share_of", ())]
        present = [option for option in options if option in header]
        if present:
            found[name] = present
    return found


def _parts_of_dates(mapping):
    """Columns that hold the month of a date only."""
    return {rule["month_from"] for rule in (mapping.get("columns") or {}).values() if rule.get("month_from")}


def snapshot_columns(header, mapping, panel=False):
    """Columns that may say of which month end a row is, where the mapping does not name one.

    With `panel` also those whose name says so only where the rows of a loan differ in them.
    """
    if mapping.get("record_date_from") or not sources_of(mapping, header).get("loan_id"):
        return []
    used = {source for sources in sources_of(mapping, header).values() for source in sources} | _parts_of_dates(mapping)
    names = [name for name in header if name not in used]
    return [name for name in names if SNAPSHOT.match(str(name).strip())] + [
        name for name in names if panel and _SNAPSHOT_OF_PANEL.match(str(name).strip())
    ]


def currency_columns(header, mapping):
    """Columns that say in which currency the amounts of a row are, though no rule names them."""
    used = {source for sources in sources_of(mapping, header).values() for source in sources}
    return [name for name in header if name not in used and _CURRENCY.match(str(name).strip())]


def read_beside(header, mapping):
    """Columns that are read although no rule names them: of which day a row is, and in which currency."""
    return [*snapshot_columns(header, mapping, panel=True), *currency_columns(header, mapping)]


def with_currency(wanted, header, mapping):
    """The columns to be read, with those that say in which currency the amounts are, in the order of the header."""
    return [name for name in header if name in {*wanted, *currency_columns(header, mapping)}]


def refuse_currencies(raw: pd.DataFrame, mapping: dict, where: str) -> None:
    """Refuse amounts in several currencies, or in another than the mapping's, by the column that says so.

    Parameters
    ----------
    raw : pandas.DataFrame
    mapping : dict
    where : str
        For messages.

    Raises
    ------
    DataError
        With the rows of each currency.

    Examples
    --------
    >>> refuse_currencies(pd.DataFrame({"ccy": ["EUR", "RMB"]}), {"columns": {}}, "a.csv")
    Traceback (most recent call last):
    p2prisk.errors.DataError: a.csv, column 'ccy': amounts in CNY (1 row) and EUR (1 row); a tape has one currency: ...
    """
    own = CURRENCIES.get(str(mapping.get("currency") or ""), str(mapping.get("currency") or ""))
    for name in [*sources_of(mapping, raw.columns).get("currency", []), *currency_columns(raw.columns, mapping)]:
        found: dict = {}
        for text, rows in raw[name].value_counts().items():
            text = str(text).strip().upper()
            if rows and (re.fullmatch(r"[A-Z]{3}", text) or text in CURRENCIES):
                code = CURRENCIES.get(text) or text
                found[code] = found.get(code, 0) + rows
        if {"$", "USD"} <= set(found):
            found["USD"] += found.pop("$")
        if len(found) > 1:
            shown = " and ".join(f"{code} ({count_of(rows, 'row')})" for code, rows in sorted(found.items()))
            raise DataError(
                f"{where}, column {masked_name(name)!r}: amounts in {shown}; a tape has one currency: convert them, "
                "or split the file"
            )
        code = next(iter(found), own)
        if own and own not in SHARED.get(code, (code,)):
            raise DataError(
                f"{where}, column {masked_name(name)!r}: the cells say {code}, the mapping says currency: {own}; "
                "correct the mapping"
            )


def _worded(series):
    """Whether a column may hold words: texts, any object, or levels of text."""
    kind = series.dtype
    return (
        pd.api.types.is_object_dtype(kind)
        or isinstance(kind, pd.CategoricalDtype)
        or pd.api.types.is_string_dtype(kind)
    )


def _blank(series):
    """Whether cells are empty."""
    empty = series.isna()
    if _worded(series):
        empty |= series.isin(["", " ", "\u00a0"])
    return empty.to_numpy(dtype=bool)


def not_loans(raw: pd.DataFrame, mapping: dict) -> tuple[pd.DataFrame, list]:
    """Set blank, total and note rows aside.

    Parameters
    ----------
    raw : pandas.DataFrame
        As read; its index numbers the rows of the file from 0.
    mapping : dict

    Returns
    -------
    raw : pandas.DataFrame
        The loans, with the index they had.
    set_aside : list of dict

    Examples
    --------
    >>> raw = pd.DataFrame({"id": ["a", None, "Total"], "sum": [5.0, None, 5.0], "months": [12, None, None],
    ...                     "state": ["paid", None, None]})
    >>> rules = {"loan_id": {"from": "id"}, "amount": {"from": "sum"}, "term": {"from": "months"},
    ...          "status": {"from": "state"}}
    >>> loans, aside = not_loans(raw, {"columns": rules})
    >>> len(loans), [(entry["reason"], entry["lines"]) for entry in aside]
    (1, [('blank row', [2]), ('total or average, not a loan', [3])])
    """
    sources = sources_of(mapping, raw.columns)
    names = list(dict.fromkeys(name for parts in sources.values() for name in parts))
    if len(names) < 3 or not len(raw):
        return raw, []
    core = [sources[name][0] for name in _CORE if name in sources][:6] or names[:6]
    repeated = _headers(raw, sources) | _numbered(raw)
    _refuse_another_order(raw, repeated)
    gaps = sum(_blank(raw[name]).astype(np.int8) for name in core)
    called = np.zeros(len(raw), dtype=bool)
    first = sources.get("loan_id", [names[0]])[0]
    some = np.flatnonzero((gaps > 0) & (gaps * 2 < len(core)))
    if len(some):  # a total of every number: its name stands where a key stands
        cells = raw[first].iloc[some].astype(object)
        called[some] = [isinstance(cell, str) and _is_total(_YEAR.sub("", cell).strip(), keys=True) for cell in cells]
        called[some] |= _sums(raw, raw.iloc[some], sources) & _blank(raw[first].iloc[some])
    called |= _whole(raw, sources)
    groups = _group_totals(raw, sources, (gaps > 0) | called)
    called |= groups
    named = _named_total(raw[first], gaps) & ~called
    unlike = _unlike(raw[first], gaps) if "loan_id" in sources else np.zeros(len(raw), dtype=bool)
    nothing = _blank(raw[first]) & (sum(_blank(raw[sources[name][0]]) for name in _ENDS if name in sources) > 1)
    places = np.flatnonzero((gaps * 2 >= len(core)) | called | named | nothing | repeated | unlike)
    if not len(places):
        return raw, []
    some = raw.iloc[places]
    filled = ~np.column_stack([_blank(some[name]) for name in names])
    count = filled.sum(axis=1)
    texts = [name for name in names if _worded(raw[name])]
    total = np.zeros(len(some), dtype=bool)
    wordy = np.zeros(len(some), dtype=bool)
    for name in texts:
        cells = some[name].astype(object).map(lambda cell: cell.strip() if isinstance(cell, str) else "")
        total |= cells.map(_is_total).to_numpy(dtype=bool)
        wordy |= cells.map(lambda cell: len(cell) >= 4 and bool(re.search(r"\s|[:：]", cell))).to_numpy(dtype=bool)
    total = (total & (gaps[places] * 2 >= len(core))) | called[places] | _sums(raw, some, sources)
    spoken = np.array([_note(some, row, sources) for row in range(len(some))])
    keyed = ~_blank(some[sources["loan_id"][0]]) if "loan_id" in sources else np.ones(len(some), dtype=bool)
    few = _blank(raw[first]).mean() < 0.05
    nobody = ~keyed & few & (gaps[places] * 2 >= len(core))
    reasons = np.select(
        [
            count == 0,
            repeated[places],
            total,
            (count <= 2) & wordy & spoken,
            (count == 1) & ~keyed,
            nobody,
            named[places],
            ~keyed & few & nothing[places],
            unlike[places],
        ],
        [
            "blank row",
            "names, units or descriptions of the columns, not a loan",
            "total or average, not a loan",
            "note or title, not a loan",
            "one cell filled, and no key",
            "no key, and half of its cells empty",
            _NO_SUM,
            "no key, no date and no outcome: a total?",
            "a word where all others have a key, and cells empty: a total?",
        ],
        default="",
    )
    set_aside = []
    for reason in dict.fromkeys(reasons):
        if reason:
            mine = places[reasons == reason]
            lines = [int(row) + 1 for row in raw.index[mine[:5]]]
            entry = {"reason": str(reason), "rows": len(mine), "lines": lines}
            set_aside.append(entry | {"level": "error", "remedy": _ASK_SUM} if reason == _NO_SUM else entry)
    gone = places[reasons != ""]
    return (raw.drop(index=raw.index[gone]) if len(gone) else raw), set_aside


def _unlike(keys, gaps):
    """Rows with two gaps whose key is a word, where nearly all others have a number in it: a total in any language."""
    found = np.zeros(len(keys), dtype=bool)
    some = np.flatnonzero((gaps >= 2) & ~_blank(keys))
    if not len(some) or len(some) > 0.02 * len(keys) or pd.api.types.is_numeric_dtype(keys.dtype):
        return found
    sample = keys.dropna().head(2000).astype(str)
    if sample.str.contains(r"\d").mean() > 0.98:
        found[some] = ~keys.iloc[some].astype(str).str.contains(r"\d").to_numpy(dtype=bool)
    return found


def _named_total(keys, gaps):
    """Rows with a gap whose key begins with the word for a sum."""
    found = np.zeros(len(keys), dtype=bool)
    some = np.flatnonzero(gaps > 0)
    if len(some) and not pd.api.types.is_numeric_dtype(keys.dtype):
        found[some] = [isinstance(cell, str) and bool(_KEY_OF_TOTAL.match(cell)) for cell in keys.iloc[some]]
    return found & (found.mean() < 0.1)


def _group_totals(raw, sources, odd):
    """Rows whose figures are the sums of those above since the total before them, or of those below to the next.

    The amount adds up, and another column of money too, over three loans where something else is odd about the row (a
    gap, a name) and over eight where nothing is; or the amount alone over five, of an odd row. By chance one of 300
    tapes of round amounts had a loan with a gap that was the sum of three. Totals of totals are found once these are
    taken out.

    >>> raw = pd.DataFrame({"a": [100.0, 250.0, 75.0, 425.0, 80.0, 90.0, 30.0, 200.0, 625.0] * 2})
    >>> raw["b"] = 3 * raw["a"]
    >>> found = _group_totals(raw, {"amount": ["a"], "income": ["b"]}, np.ones(18, dtype=bool))
    >>> np.flatnonzero(found).tolist()
    [3, 7, 8, 12, 16, 17]
    """
    found = np.zeros(len(raw), dtype=bool)
    money = [parts[0] for name, parts in sources.items() if COLUMNS[name].unit == "currency"]
    amount = sources.get("amount", sources.get("balance", [None]))[0]
    if amount is None or len(raw) <= 10:
        return found
    own = _amounts(raw[amount])
    if own is None:
        return found
    others = [each for name in dict.fromkeys(money) if name != amount if (each := _amounts(raw[name])) is not None]
    for way in (1, -1):
        turned = own[::way], [each[::way] for each in others], odd[::way]
        while (more := _floor_of_totals(*turned, found[::way])).any():
            found |= more[::way]
        if found.any():
            break
    return found


def _amounts(series):
    """The amounts of a column, nought where a cell is no number; of long columns of text they are not looked at."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return _sane(series.to_numpy(dtype=float, na_value=np.nan))
    if not _worded(series) or len(series) > 100_000:
        return None
    codes, distinct = pd.factorize(series)
    cells = read_cells([str(cell) for cell in distinct])
    values = cells.comma if "," in cells.marks() and "." not in cells.marks() else cells.point
    return _sane(np.append(values, np.nan)[codes])


def _sane(amounts):
    return np.where(np.abs(amounts) < 1e15, amounts, 0.0)


def _floor_of_totals(own, others, odd, gone):
    """Totals of the rows since the one before, or since one of those that are `gone`; the first such row of them."""
    whole = np.cumsum(np.where(gone, 0.0, own))
    short = whole - 2 * own  # of a total what had been summed up to the one before it
    found = np.zeros(len(own), dtype=bool)
    for last in (-1, *np.flatnonzero(gone)):
        base = whole[last] if last >= 0 else 0.0
        while (place := _next_total(own, others, odd, gone, short, last, base)) is not None:
            found[place], last, base = True, place, whole[place]
        if found.any():
            break
    return found


def _next_total(own, others, odd, gone, short, last, base):
    rest = slice(last + 1, None)
    near = (np.abs(short[rest] - base) <= np.maximum(0.006, 1e-6 * own[rest])) & ~gone[rest] & (own[rest] > 0)
    for place in last + 1 + np.flatnonzero(near):
        above = np.arange(last + 1, place)[~gone[last + 1 : place]]
        sums = any(
            each[place] > 0 and abs(each[above].sum() - each[place]) <= 0.006 + 1e-6 * each[place] for each in others
        )
        rows = int((own[above] > 0).sum())
        if rows >= (3 if sums else 5) and odd[place] or sums and rows >= 8:
            return int(place)
    return None


def _is_total(cell, keys=False):
    """Whether a cell calls its row a total; where `keys` stand it has no digits, as ``Max-0017`` may be a key.

    Examples
    --------
    >>> [_is_total(cell) for cell in ("Grand Total:", "2015 Total", "Razem", "L17")], _is_total("Max-0017", keys=True)
    ([True, True, True, False], False)
    """
    called = bool(cell) and bool(_TOTAL.match(cell) or _TOTAL_OF.match(cell))
    return called and not (keys and any(map(str.isdigit, cell)))


def _note(some, row, sources):
    """Whether the cells of a row that stand where numbers and dates are meant are words, none of them alone."""
    for name, parts in sources.items():
        cell = some[parts[0]].iloc[row]
        if COLUMNS[name].kind in ("number", "integer", "date") and not pd.isna(cell) and str(cell).strip():
            if not (isinstance(cell, str) and re.search(r"[^\W\d_]{2,}\s+\S", cell)):
                return False
    return True


def _headers(raw, sources):
    """Rows in which every filled cell of the columns of numbers and dates is a word: a header again, units, types."""
    found = np.ones(len(raw), dtype=bool)
    filled = np.zeros(len(raw), dtype=np.int16)
    columns = 0
    for name, parts in sources.items():
        if COLUMNS[name].kind not in ("number", "integer", "date"):
            continue
        values = raw[parts[0]]
        columns += 1
        if not _worded(values):
            found &= values.isna().to_numpy(dtype=bool)
        else:
            codes, distinct = pd.factorize(values)
            words = [
                isinstance(cell, str) and not any(map(str.isdigit, cell)) and bool(cell.strip()) for cell in distinct
            ]
            mine = np.append(words, False).astype(bool)[codes]
            filled += mine
            found &= mine | _blank(values)
        if not found.any():
            return found
    return found & (filled >= 2) & (filled * 2 >= columns)


def _sums(raw, some, sources):
    """Rows whose amount is the sum of all others: a total without the word.

    >>> for others, last in ((100.0, 1500.0), (100.0, -500.0), (0.0, 0.0)):
    ...     raw = pd.DataFrame({"a": [others] * 15 + [last]})
    ...     print(_sums(raw, raw.iloc[[15]], {"amount": ["a"]})[0])
    True
    False
    False
    """
    found = np.zeros(len(some), dtype=bool)
    for name in ("amount", "balance"):
        source = sources.get(name, [None])[0]
        if source and len(raw) > 10 and len(some) < 20:
            numbers = _read(raw[source], some[source])
            if numbers is not None:
                whole = float(numbers.sum())  # of noughts none is the total
                found |= (2 * numbers[some.index] - whole).abs().lt(1e-6 * abs(whole)).to_numpy(dtype=bool)
    return found


def _read(series, some):
    """The numbers of a column of amounts; of text only where one of some cells is as long as the longest."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series
    if not _worded(series) or not len(some):
        return None
    codes, distinct = pd.factorize(series)
    texts = [str(cell) for cell in distinct]
    if not texts or max((len(str(cell)) for cell in some if not pd.isna(cell)), default=0) < max(map(len, texts)):
        return None
    cells = read_cells(texts)
    found = cells.comma if "," in cells.marks() and "." not in cells.marks() else cells.point
    return pd.Series(np.append(found, np.nan)[codes], series.index)


def _whole(raw, sources):
    """The row that holds the sum of all others, though every cell of it is filled: a total that was dragged down."""
    found = np.zeros(len(raw), dtype=bool)
    source = sources.get("amount", [None])[0]
    if source and pd.api.types.is_numeric_dtype(raw[source].dtype) and len(raw) > 10:
        place = int(np.nan_to_num(raw[source].to_numpy(dtype=float), nan=-np.inf).argmax())
        own, whole = float(raw[source].iloc[place]), float(raw[source].sum())
        found[place] = own > 0 and abs(2 * own - whole) < 1e-6 * whole
    return found


def _refuse_another_order(raw, repeated):
    """Refuse a header that comes again with its columns in another order: what stands below it is of other columns."""
    for place in np.flatnonzero(repeated):
        cells = {name: str(raw[name].iloc[place]).strip() for name in raw.columns}
        moved = [name for name, cell in cells.items() if cell != name and cell in cells]
        if moved:
            here, there = masked_name(moved[0]), masked_name(cells[moved[0]])
            raise DataError(
                f"row {int(raw.index[place]) + 1:,d} holds the header again in another order ({there!r} under "
                f"{here!r}): the rows below it are of other columns; split the file there, or write all rows in one "
                "order in the export"
            )


def _numbered(raw):
    """A first row that numbers the columns: whole numbers only, each larger than the one before it."""
    found = np.zeros(len(raw), dtype=bool)
    cells = [str(cell).strip() for cell in raw.iloc[0]]
    if raw.index[0] == 0 and len(cells) > 3 and all(re.fullmatch(r"\(?\d{1,3}\)?", cell) for cell in cells):
        numbers = [int(cell.strip("()")) for cell in cells]
        found[0] = numbers == sorted(set(numbers)) and numbers[0] >= 1 and numbers[-1] - numbers[0] < 3 * len(numbers)
    return found


def latest_of_panel(raw: pd.DataFrame, mapping: dict, header: list) -> tuple[pd.DataFrame, list, list]:
    """Of stacked month ends keep the latest row of each loan.

    Parameters
    ----------
    raw : pandas.DataFrame
    mapping : dict
    header : list of str
        Of the whole file.

    Returns
    -------
    raw : pandas.DataFrame
    set_aside, notes : list of dict

    Examples
    --------
    >>> raw = pd.DataFrame({"id": ["a", "a", "b"], "as_of": ["2020-01-31", "2020-02-29", "2020-02-29"]})
    >>> kept, aside, _ = latest_of_panel(raw, {"columns": {"loan_id": {"from": "id"}}}, ["id", "as_of"])
    >>> kept.index.tolist(), aside[0]["reason"]
    ([1, 2], 'earlier month end of a loan (as_of): the latest row is kept')
    """
    key = (sources_of(mapping, raw.columns).get("loan_id") or [None])[0]
    if key is None or not repeated(raw[key]).any():
        return raw, [], []
    again = raw[key].notna() & raw[key].duplicated(keep=False)
    if not again.any():
        return raw, [], []
    named = mapping.get("record_date_from") or snapshot_columns(header, mapping, panel=True)
    for name in [name for name in named if name in raw]:
        dates = _days(raw[name], mapping)
        if dates is None or dates[again].groupby(raw[key][again]).nunique().max() < 2:
            continue
        if (ahead := (dates > pd.Timestamp.now() + pd.Timedelta(days=1)).to_numpy()).any():
            place = np.flatnonzero(ahead)[0]
            raise DataError(
                f"column {masked_name(name)!r} says of which day a row is, and row {int(raw.index[place]) + 1:,d} has "
                f"{dates.iloc[place]:%Y-%m-%d}, which lies in the future; correct the cell, or leave the column out "
                "and give --record-date"
            )
        order = pd.DataFrame({"key": raw[key], "date": dates}, index=raw.index)
        latest = order["date"] == order.groupby("key")["date"].transform("max")
        keep = latest | order["date"].isna() | order["key"].isna()
        reason = f"{EARLIER_MONTHS} ({name}): the latest row is kept"
        lines = [int(row) + 1 for row in raw.index[~keep][:5]]
        aside = [{"reason": reason, "rows": int((~keep).sum()), "lines": lines, "by": name}] if (~keep).any() else []
        last = dates.max()
        gone = int((dates[keep] < last).sum())
        notes: list = [
            {
                "column": name,
                "what": f"loans absent from the latest month end ({last:%Y-%m-%d}): their last row is an older one",
                "rows": gone,
                "level": "warning",
                "remedy": "say in the export what became of them",
            }
        ]
        return raw[keep], aside, [*(notes if gone else []), *_risen(raw, key, keep, mapping)]
    return raw, [], []


def _risen(raw, key, keep, mapping):
    """Loans that had ended at an earlier month end and run at the latest."""
    rule = (mapping.get("columns") or {}).get("status") or {}
    source = sources_of(mapping, raw.columns).get("status", [None])[0]
    if source is None:
        return []
    told = {str(word).strip(): meant for word, meant in (rule.get("recode") or {}).items()}
    words = raw[source].astype(object).map(lambda word: str(told.get(str(word).strip(), word)).strip().lower())
    ended = words.isin(["paid", "charged off"])
    runs = keep & words.isin(["current", "in grace", "open", "late 1-30", "late 31-90", "late 31-120"])
    again = runs & raw[key].isin(raw[key][ended & ~keep])
    if not again.any():
        return []
    row = int(raw.index[np.flatnonzero(again)[0]]) + 1
    what = (
        f"paid or charged off at an earlier month end and running at the latest, which counts (first in row {row:,d})"
    )
    return [
        {
            "column": "status",
            "what": what,
            "rows": int(again.sum()),
            "level": "warning",
            "remedy": "say in the export what became of them",
        }
    ]


def _days(series, mapping):
    """The days of a column, or None if it holds none."""
    from p2prisk.tape.dates import fitting_patterns, whole_number_dates

    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    text = series.astype(str).str.strip().where(series.notna())
    known = text.dropna()
    if not len(known):
        return None
    dates, what = whole_number_dates(known)
    if not what and (parts := known.str.extract(_WHOLE_QUARTER)).notna().sum(axis=1).eq(2).all():
        parts = parts[0].fillna(parts[2]) + "Q" + parts[1]
        return pd.PeriodIndex(parts, freq="Q").end_time.normalize().to_series(known.index).reindex(series.index)
    if not what:
        distinct = pd.Series(known.unique())
        patterns = fitting_patterns(distinct)
        if not patterns:
            return None
        if len(patterns) > 1 and not (_parsed(distinct, patterns[0]) == _parsed(distinct, patterns[1])).all():
            raise DataError(
                f"column {series.name!r} says of which day a row is, and {patterns[0]} and {patterns[1]} both read it; "
                "write it as 2019-01-31 in the export, or leave the column out and give --record-date"
            )
        dates = _parsed(known, patterns[0])
        what = "months" if "%d" not in patterns[0] else ""
    if what.startswith("months"):  # the end of a month is meant
        dates = dates + pd.offsets.MonthEnd(0)
    return dates.reindex(series.index)


def _parsed(text, pattern):
    from p2prisk.tape.dates import without_offset

    return pd.to_datetime(without_offset(text), format=pattern)


def date_of_rows(raw, names, mapping):
    """The latest day of the columns that say of which day a row is; None if none does."""
    found = [days.max() for name in names if name in raw and (days := _days(raw[name], mapping)) is not None]
    return max(found, default=None)
