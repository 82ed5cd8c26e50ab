"""Draft a mapping file from the header and the first rows of a lender's table.

A column is placed by its name and only if its values agree. Names are looked up in ``assets/words.csv`` (English,
Chinese, German, French, Spanish, Portuguese, Russian, Indonesian, fewer of a dozen others, and the headers of public
loan files), whatever their case, accents, marks or abbreviations; words of levels in ``assets/levels.csv``. The draft
says how sure it is of each column. What only the lender can say stands in it as ``"?"``: the file is valid YAML, and
``p2prisk check`` asks one question after another.

An outcome is never taken for a trait: two values under a name such as TARGET are good and bad loans or nothing.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from functools import lru_cache
from importlib import resources

import numpy as np
import pandas as pd

from p2prisk.errors import count_of
from p2prisk.tape.choose import refuse_personal_header
from p2prisk.tape.codes import as_written, suspected_codes
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.dates import calendar_of, fitting_patterns, whole_number_dates
from p2prisk.tape.event import numbered
from p2prisk.tape.mapping import _FALSE, _TRUE, MISSING, builtin, builtin_names, grade_order
from p2prisk.tape.numerals import CURRENCIES, latin, looks_grouped, read_cells
from p2prisk.tape.privacy import LEAST, kind_of, masked_name, personal_columns
from p2prisk.tape.rows import SNAPSHOT

# made by the package, or only in tables of counts
_NOT_GUESSED = {
    "severity",
    "resolved",
    "mature",
    "delinquency_recency",
    "record_recency",
    "employment",
    "bureau_missing",
    "simulated",
    "n",
    "currency",
    "policy_exception",
    "issue_year",
    "dti_band",
    "employment_band",
    "inquiries_band",
    "utilisation_band",
    "public_record",
    "purpose_group",
}
_SHORT = {
    "amt": "amount",
    "bal": "balance",
    "dt": "date",
    "dte": "date",
    "num": "number",
    "no": "number",
    "nr": "number",
    "nbr": "number",
    "cnt": "number",
    "int": "interest",
    "pct": "percent",
    "mth": "month",
    "mths": "month",
    "mo": "month",
    "mos": "month",
    "yr": "year",
    "yrs": "year",
    "orig": "origination",
    "pmt": "payment",
    "pymnt": "payment",
    "pymt": "payment",
    "acc": "account",
    "acct": "account",
    "inq": "inquiry",
    "enq": "inquiry",
    "enquiry": "inquiry",
    "cust": "customer",
    "emp": "employment",
    "stat": "status",
    "prin": "principal",
    "prncp": "principal",
    "ln": "loan",
    "inc": "income",
    "util": "utilisation",
    "utilization": "utilisation",
    "installment": "instalment",
    "instal": "instalment",
    "disb": "disbursement",
    "ident": "id",
}
_DROPPED = set(
    "the of at on to for a an and der die das des de du d la le les l el los do da dos das in im per".split()
)
_DROPPED |= set("usd eur gbp chf cny rmb inr brl mxn pln percent pa 元 人民币 岁 月 年".split())
_DROPPED |= set("руб рублеи р тенге мес месяцев недель в тыс tys ribu 万円 萬元 千円 만원".split())
_DROPPED |= set("rub idr rp tl try czk kc ron sek krw vnd jpy thb".split())
_THOUSAND = re.compile(
    r"(?i)\bin (thousands?|tsd|k)\b|\([€$£'’]*000s?\)|\b(teur|tusd|keur|kusd|тыс|tys|ribu)\b|\bk[€$£]|千[元円]|천원"
)
_TEN_THOUSAND = re.compile(r"[万萬][元円]|\([万萬]\)|[万萬]$|만\s?원")
_MONTHLY = re.compile(
    r"(?i)month|monat|mensuel|mensual|mensal|mensile|\bpcm\b|月|месяц|мес\b|bulan|miesi[ęe]cz|miesi[ąa]c|\bayl[ıi]k|"
    r"m[ěe]s[íi][čc]n|\blunar|maand|m[åa]nad|월|th[áa]ng"
)
_YEARLY = re.compile(
    r"(?i)annual|year|jahr|annuel|anual|annuo|年|годов|\bгод\b|tahun|roczn|y[ıi]ll[ıi]k|ro[čc]n[íi]|jaar|[åa]rs|연|n[ăa]m\b"
)
_SAYS_BAD = re.compile(
    r"default|\bbad\b|delinq|dlq|charged? off|written off|loss|impago|incumplimiento|moroso|ausfall|ausgefallen|"
    r"inadimpl|defaut|违约|逾期|坏|\bnpl\b|дефолт|просроч|gagal bayar|macet|sofferenza|temerrut|wanbetaling|selhani|"
    r"verlust|違約|逾期|貸倒|부도|연체|no xau"
)
#: letters that Unicode does not part into a letter and its mark
_WITHOUT_PARTS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ı": "i", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"})
_SAYS_GOOD = re.compile(r"\b(good|gut|bon|bueno|bom|non|no|not)\b|好")
_OUTCOMES = {"status", "bad", "days_past_due"}
_KEYS = {"loan_id", "borrower_id", "custody_account", "counterparty"}


def _assets(name):
    text = (resources.files("p2prisk") / "assets" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _plain(text):
    """Lower case, without accents and marks, words apart.

    Examples
    --------
    >>> _plain("StatedMonthlyIncome"), _plain("Durée_du-prêt"), _plain("LIMIT_BAL"), _plain("借款金额(元)")
    ('stated monthly income', 'duree du pret', 'limit bal', '借款金额 元')
    """
    text = unicodedata.normalize("NFKD", str(text).translate(_WITHOUT_PARTS))
    text = unicodedata.normalize("NFC", "".join(char for char in text if not unicodedata.combining(char)))
    text = re.sub(r"([a-z])([A-Z])|([A-Z])([A-Z][a-z])|([a-z])(\d)|(\d)([A-Za-z])", _apart, text).lower()
    return re.sub(r"[\W_]+", " ", text).strip()


def _apart(found):
    return " ".join(part for part in found.groups() if part)


def _bones(plain):
    """The words of a name without order, endings, abbreviations and units."""
    words = (_SHORT.get(word, word) for word in plain.split() if word not in _DROPPED)
    return frozenset(word[:-3] + "y" if word.endswith("ies") else word.rstrip("s") or word for word in words)


@lru_cache
def _names():
    """Plain name -> canonical columns, and the same by the words of the name."""
    exact: dict = {}
    entries = [(name, name) for name in COLUMNS]
    for format in builtin_names():
        for name, rule in builtin(format)["columns"].items():
            sources = rule.get("from", [])
            entries += [(source, name) for source in (sources if isinstance(sources, list) else [sources])]
    entries += [(word, row["name"]) for row in _assets("words.csv") for word in row["words"].split("|")]
    for word, name in entries:
        if name not in _NOT_GUESSED and name not in exact.setdefault(_plain(word), []):
            exact[_plain(word)].append(name)
    for word, names in exact.items():  # the name of an outcome is that of no trait
        if "bad" in names:
            exact[word] = [name for name in names if name in ("bad", "grade")]
    bones: dict = {}
    for word, names in exact.items():
        bones.setdefault(_bones(word), []).extend(name for name in names if name not in bones.get(_bones(word), []))
    return exact, bones


@lru_cache
def _levels(name):
    """Plain word of a level -> canonical level."""
    found = {_plain(level): level for level in COLUMNS[name].levels}
    for row in _assets("levels.csv"):
        if row["name"] == name:
            found |= {_plain(word): row["level"] for word in row["words"].split("|")}
    return found


def _candidates(column):
    """Canonical columns that a name may mean, with how sure it is: ``exact``, ``alike``, ``similar``."""
    exact, bones = _names()
    plain = _plain(column)
    joined = plain.replace(" ", "")
    if not plain:
        return []
    if plain in exact or joined in exact:
        return [(name, "exact") for name in exact.get(plain) or exact[joined]]
    own = _bones(plain)
    bare = _bones(_plain(re.sub(r"[(（\[].*?[)）\]]|[ _]in[ _](years|months|days|percent)$", "", str(column))))
    for words in (own, bare):
        if words and words in bones:
            return [(name, "alike") for name in bones[words]]
    if len(joined) >= 6 and joined.isascii():
        spelt = {word.replace(" ", ""): word for word in exact}
        near = difflib.get_close_matches(joined, [word for word in spelt if len(word) >= 6], n=1, cutoff=0.88)
        if near and not re.search(r"\d", joined) and not re.match(rf"{re.escape(joined)}\d", near[0]):
            return [(name, "similar") for name in exact[spelt[near[0]]]]
    return []


def guess_columns(header, frame=None):
    """Guess which canonical column each column of a header is.

    Parameters
    ----------
    header : sequence of str
    frame : pandas.DataFrame, optional
        The first rows: a column whose values contradict its name is not placed.

    Returns
    -------
    dict
        Source column -> (canonical column, how sure: ``exact``, ``alike``, ``similar``, or ``values`` where these said
        what the name does not); each canonical column once.

    Examples
    --------
    >>> guess_columns(["Loan Amount", "Intrest Rate", "amt_of_loan_usd", "shoe size"])
    {'Loan Amount': ('amount', 'exact'), 'Intrest Rate': ('rate', 'similar')}
    >>> guess_columns(["TARGET"], pd.DataFrame({"TARGET": [0, 1, 0]}))
    {'TARGET': ('bad', 'exact')}
    """
    return _place(header, frame)[0]


def _place(header, frame):
    """The guesses, and for the others why a name that suggests something was not believed."""
    guesses: dict = {}
    doubts: dict = {}
    taken = set(_NOT_GUESSED)
    for format in builtin_names():  # a known format says itself which of its columns is which
        if set(builtin(format)["recognised_by"]) <= set(header):
            for name, rule in builtin(format)["columns"].items():
                sources = rule.get("from", [])
                column = next((c for c in (sources if isinstance(sources, list) else [sources]) if c in header), None)
                if column is None or column in guesses or name in taken:
                    continue
                if frame is None or not _contradiction(frame[column], name):
                    guesses[column] = (name, "exact")
                    taken.add(name)
            break
    every = {column: _candidates(column) for column in header}
    standing = [column for column in header if frame is not None and _standing(frame[column], every[column])]
    for sure in ("exact", "alike", "similar"):
        for column in header:
            for name, how in every[column]:
                if column in guesses or how != sure or name in taken:
                    continue
                why = "" if frame is None else _contradiction(frame[column], name)
                if sure == "similar" and frame is not None and COLUMNS[name].unit == "count":
                    why = why or _parts_of_a_count(frame[column])
                if name == "status" and standing and column not in standing:
                    why = f"the standing of loans is in {', '.join(map(masked_name, standing[:3]))}"
                if why:
                    doubts.setdefault(column, f"its name suggests {name}, but {why}")
                    continue
                guesses[column] = (name, sure)
                taken.add(name)
    if frame is not None:
        _end_by_values(header, frame, guesses, doubts)
    return {column: guesses[column] for column in header if column in guesses}, doubts


# ---------------------------------------------------------------- what the values say

#: names of days on which a loan ended, or on which it was made
_END_OR_BEGIN = re.compile(r"complet|closing|finali[sz]")
_END_ASKED = "its name may mean the day on which the loan ended, or the one on which it was made or asked for"
_GOOD = set(
    "good|good loan|repaid|paid|paid off|paid back|paid in full|fully paid|fully repaid|performing|healthy|non default|"
    "no default|not default|not defaulted|non defaulted|never defaulted|not bad|success|successful|zuruckgezahlt|"
    "zurueckgezahlt|getilgt|rembourse|pagado|reembolsado|pago|quitado|rimborsato|已还清|结清|已结清|正常|好".split("|")
)
_BESIDE_GOOD = set("is was has been loan flag ind indicator status yn y n credit".split())
_MARITAL = set(
    "single married divorced widowed widow widower separated cohabiting partnership unmarried ledig verheiratet "
    "geschieden verwitwet celibataire marie mariee divorce divorcee veuf veuve pacse soltero soltera casado casada "
    "divorciado divorciada viudo viuda solteiro solteira viuvo viuva 未婚 已婚 离异 丧偶".split()
)


def _end_by_values(header, frame, guesses, doubts):
    """Place a completion as the end of loans only where its days lie long after the issue; else it is asked about."""
    placed = {name: column for column, (name, _) in guesses.items()}
    mine = [column for column in header if _END_OR_BEGIN.search(_plain(column))]
    mine = [column for column in mine if column not in guesses or guesses[column][0] == "closed_date"]
    for column in mine:
        if placed.get("closed_date") not in (None, column) or _dates(frame[column]) is None:
            continue
        known = [_days(frame[name]) for name in (placed.get("issue_date"), column) if name is not None]
        gap = (known[1] - known[0]).dt.days.dropna() if len(known) == 2 else pd.Series(dtype=float)
        term = _numbers(frame[placed["term"]], "months")[0] if "term" in placed else np.empty(0)
        long = 0.3 * 30 * np.median(term) if len(term) else 120
        if len(gap) and gap.median() >= long and (gap > 0).mean() > 0.9:
            guesses[column] = ("closed_date", "values")
            placed["closed_date"] = column
        else:
            doubts[column] = (
                _END_ASKED if guesses.pop(column, None) else "no days long after the issue: no closed_date?"
            )


def _days(values):
    """A column of dates as days, by the first pattern that reads it."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.dt.tz_localize(None)
    text, fits = _known(values).map(latin), _dates(values)
    days = pd.to_datetime(text, format=fits[0]) if fits else whole_number_dates(text)[0]
    return days.reindex(values.index)


def _marks_good(column, values):
    """Whether a column is a mark of good loans, by its name, and holds yes and no."""
    words = [word for word in _plain(column).split() if word not in _BESIDE_GOOD]
    return " ".join(words) in _GOOD and _known(values).nunique() == 2


def _standing(values, candidates):
    """Whether a column that may be the status by its name holds at least one word for the standing of a loan."""
    if not any(name == "status" for name, _ in candidates):
        return False
    return any(_plain(word) in _levels("status") for word in _known(values).unique()[:200])


def _known(values):
    """The filled cells as text."""
    if pd.api.types.is_float_dtype(values.dtype):
        values = values.map(
            lambda cell: int(cell) if abs(cell) < 1e15 and cell == int(cell) else cell, "ignore"
        ).astype(object)
    text = values.dropna().astype(str).str.strip()
    return text[~text.isin(MISSING)]


def _numbers(values, unit=""):
    """The numbers of a column, and the share of its filled cells that are numbers."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return np.empty(0), 0.0, None
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.dropna().to_numpy(dtype=float)
        return numbers, 1.0, None
    text = _known(values)
    codes, distinct = pd.factorize(text)
    cells = read_cells(list(distinct), unit)
    found = cells.comma if "," in cells.marks() and "." not in cells.marks() else cells.point
    numbers = np.append(found, np.nan)[codes]
    fine = np.isfinite(numbers)
    return numbers[fine], float(fine.mean()) if len(fine) else 0.0, cells


def _dates(values):
    """Patterns that read a column of dates; an empty list if whole numbers do, None if it holds no dates."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return []
    text = _known(values).map(latin)
    if not len(text):
        return []
    fits = fitting_patterns(text.drop_duplicates())
    if fits:
        return fits
    return [] if whole_number_dates(text)[1] else None


def _contradiction(values, name):
    """Why values cannot be what their name says; empty if they can."""
    text = _known(values)
    if not len(text):
        return ""
    column, distinct = COLUMNS[name], text.nunique()
    if name in _KEYS:
        return "" if distinct > 0.03 * len(text) or name != "loan_id" or len(text) < 10 else "its values repeat"
    if column.kind == "date" or name == "credit_history_years":
        if _dates(values) is not None and not (column.kind != "date" and _numbers(values)[1] > 0.9):
            return ""
        if column.kind == "date":
            calendar = calendar_of(text.drop_duplicates().map(latin))
            return "its values are no dates" + (f": the years look like those of {calendar}" if calendar else "")
    if column.kind in ("number", "integer"):
        numbers, share, _ = _numbers(values, column.unit)
        if share < 0.9:
            words = name in ("employment_years", "term") and text.str.contains(r"\d").mean() > 0.5
            return "" if words else "its values are no numbers"
        if name in ("amount", "income", "balance", "instalment", "credit_limit"):
            if set(np.unique(numbers)) == {0.0, 1.0}:
                return "it holds only 0 and 1"
        if name == "instalment" and distinct <= 20 and set(np.unique(numbers)) <= set(range(1, 121)):
            return "it holds few whole numbers: how many instalments, not how much"
        if name == "term" and len(numbers) and np.median(numbers) > 60 and np.mean(numbers != np.round(numbers)) > 0.3:
            return "it holds parts of numbers, as money does"
        if name == "rate" and distinct > 1 and set(np.unique(numbers)) <= {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0}:
            return "it holds a few whole numbers: a class, not a rate"
        if name in ("rate", "apr") and len(numbers) and np.median(numbers) > 100:
            low, high = np.quantile(np.abs(numbers), [0.01, 0.99])
            if high > 10 * max(low, 1e-9):
                return "its values spread as amounts of money do"
        if name == "age" and len(numbers) and _days_before(numbers) is None and not 15 <= np.median(numbers) <= 100:
            return "its values are no ages"
        if name == "bureau_score" and len(numbers) and not 200 <= np.median(numbers) <= 1000:
            return "its values are no score"
        return ""
    if name == "bad":
        return "" if _two(text) else "it holds other than two values"
    if column.kind == "flag":
        return "" if distinct <= 3 else "it holds more than two values"
    if name in ("grade", "sub_grade"):
        if text.str.len().max() > 14 or distinct > 60:
            return "its values are no grades"
        return "it marks good and bad loans" if _outcome_words(text) else ""
    if name == "status":
        if distinct <= 2 and pd.to_numeric(text, errors="coerce").notna().all():
            return "it holds two numbers: good and bad loans?"
        if {_plain(word) for word in text.unique()} <= _MARITAL:
            return "it holds the marital status"
        return "" if distinct <= 40 else "it holds too many values"
    if name == "region" and sum(_plain(word) in _levels("status") for word in text.unique()) * 2 > distinct:
        return "it holds the standing of loans"
    if name == "employment_status" and text[text.str.contains(r"\d\D*[<>=]|[<>=]\D*\d")].nunique() * 2 >= distinct:
        return "it holds lengths of time"
    if name == "home" and pd.to_numeric(text, errors="coerce").notna().all() and distinct > 6:
        return "it holds numbers"
    return "" if distinct <= max(60, 0.5 * len(text)) else "nearly every value is another: no category"


def _parts_of_a_count(values):
    """Why a column is no count, though its name is near that of one; empty if it may be."""
    numbers = _numbers(values)[0]
    parts = len(numbers) and np.mean(numbers != np.round(numbers)) > 0.01
    return "it holds parts of numbers: no count" if parts else ""


def _two(text):
    return text.nunique() <= 2


def _outcome_words(text):
    return set(map(_plain, text.unique())) <= {"good", "bad", "0", "1", "default", "non default", "gut", "schlecht"}


def _days_before(numbers):
    """Whether numbers are days before the application, as Home Credit counts them: negative, up to a century."""
    below = numbers[numbers < 0]
    return True if len(below) > 0.5 * len(numbers) and np.median(below) > -36_600 else None


def _age_in_days(values, name):
    """Whether a column named after a birth holds days lived: an age, and nobody's day of birth."""
    if not any(canonical == "age" for canonical, _ in _candidates(name)):
        return False
    numbers, share, _ = _numbers(values)
    return share == 1.0 and bool(len(numbers)) and bool(_days_before(numbers))


# ---------------------------------------------------------------- the draft


def draft_mapping(frame, name="tape"):
    """Draft a mapping file.

    Parameters
    ----------
    frame : pandas.DataFrame
        The raw table, or its first thousands of rows.
    name : str
        What the mapping is called.

    Returns
    -------
    text : str
        YAML, with ``"?"`` wherever a decision is the lender's.
    unplaced : list of str
        Columns that could not be placed.
    """
    refuse_personal_header(frame.columns, name)
    frame = frame[~_header_again(frame)]
    personal = personal_columns(frame)
    head = frame.head(5000)
    personal = {column: why for column, why in personal.items() if not _age_in_days(head[column], column)}
    header = [column for column in frame.columns if column not in personal and not SNAPSHOT.match(str(column).strip())]
    guesses, doubts = _place(header, head)
    snapshots = [
        column
        for column in frame.columns
        if column not in personal and SNAPSHOT.match(str(column).strip()) and _dates(head[column]) is not None
    ]
    lines = [
        f"# Draft of a mapping for {name}: read it line by line before you trust it.",
        '# Where a "?" stands, only you can answer; p2prisk check asks for one after the other.',
    ]
    for format in builtin_names():
        if set(builtin(format)["recognised_by"]) <= set(frame.columns):
            lines.append(f"# The header is that of the built-in format {format}: --format {format} needs no mapping.")
    lines += [f"format: {_quote(name)}", f"title: {_quote(name)}", *_of_the_file(head, guesses, snapshots), "columns:"]
    order = list(COLUMNS)
    for column, (canonical, sure) in sorted(guesses.items(), key=lambda item: order.index(item[1][0])):
        rule, remarks = _rule(head[column], canonical, column)
        remarks.insert(0, _SURE[sure])
        lines.append(f"  {canonical}: {{{', '.join([f'from: {_quote(column)}', *rule])}}}  # {'; '.join(remarks)}")
    found = {canonical for canonical, _ in guesses.values()}
    asked = [] if "closed_date" in found else [column for column in header if doubts.get(column) == _END_ASKED][:1]
    lines += [
        f'  closed_date: {{from: "?"}}  # {_quote(column)}, if loans ended on it; else remove the line'
        for column in asked
    ]
    good = [] if found & _OUTCOMES else [column for column in header if _marks_good(column, head[column])][:1]
    for column in good:
        one, other = sorted(map(str, _known(head[column]).unique()))
        lines.append(
            f'  bad: {{from: {_quote(column)}, recode: {{{_quote(one)}: "?", {_quote(other)}: "?"}}}}  '
            f"# true for bad loans: {_marked(one, other)} if the column marks the good ones, as its name says, "
            "else turned round"
        )
        found.add("bad")
    if not guesses and not asked and not good:
        lines[-1] = "columns: {}  # no column could be placed"
    pair = () if "issue_date" in found else _year_and_month(head, [c for c in frame.columns if c not in guesses])
    if pair:
        lines.append(f"  issue_date: {{from: {_quote(pair[0])}, month_from: {_quote(pair[1])}}}  # likely: of issue?")
        found.add("issue_date")
    unplaced = [
        column
        for column in frame.columns
        if column not in guesses and column not in personal and column not in (*snapshots, *pair, *asked, *good)
    ]
    if unplaced or personal:
        lines.append("unused:")
        lines += [f"  {_quote(column)}: personal data ({why})" for column, why in personal.items()]
        for column in unplaced:
            if found & _OUTCOMES and column not in doubts and _marks_good(column, head[column]):
                doubts[column] = "its name suggests a mark of the good loans: bad with recode, if it is the outcome"
            doubt = f"; {doubts[column]}" if column in doubts else ""
            lines.append(f"  {_quote(column)}: not placed  # {_kind(head[column])}{doubt}")
    absent = [column for column in ("issue_date", "amount", "term") if column not in found]
    absent += [] if found & _OUTCOMES else ["status"]
    if absent:
        lines.append(f"# not found, but wanted by the study: {', '.join(absent)}")
    return "\n".join(lines) + "\n", unplaced


def _marked(one, other):
    """The recode of a mark of good loans, by its two words."""
    good = {word: word.lower() in _TRUE or _plain(word) in _GOOD for word in (one, other)}
    if sum(good.values()) != 1:
        return "the word of the good loans false"
    return ", ".join(f"{_quote(word)}: {str(not yes).lower()}" for word, yes in good.items())


def _header_again(frame):
    """Rows that repeat the header: most of their cells are the names of the columns."""
    alike = sum(
        (frame[name].astype(object) == name).to_numpy(dtype=bool).astype(np.int16)
        for name in frame
        if not pd.api.types.is_numeric_dtype(frame[name].dtype)
    )
    return np.broadcast_to(alike, len(frame)) * 2 > frame.shape[1]


_ISSUED = r"(?:(?:issue|issued|loan|origination|orig|disbursement|funding|funded|booking|start|vintage) ?)?"


def _year_and_month(head, names):
    """The columns of the year and of the month of issue, where they stand apart; none if it is not plain."""
    found = []
    for word, low, high in (("year|jahr|annee|ano|yyyy|年", 1950, 2100), ("month|monat|mois|mes|mm|月", 1, 12)):
        mine = [name for name in names if re.fullmatch(_ISSUED + f"(?:{word})", _plain(name))]
        numbers = _numbers(head[mine[0]])[:2] if len(mine) == 1 else (np.empty(0), 0.0)
        if numbers[1] < 1 or not len(numbers[0]) or not ((numbers[0] >= low) & (numbers[0] <= high)).all():
            return ()
        found.append(mine[0])
    return tuple(found)


_SURE = {
    "exact": "sure",
    "alike": "likely: a name of the same words",
    "similar": "guessed from a similar name: check",
    "values": "likely: its days lie long after the issue",
}


def _of_the_file(head, guesses, snapshots):
    """Lines on the whole file: currency, decimal mark, record date, codes for missing."""
    marks, signs, ambiguous = set(), set(), False
    for column, (canonical, _) in guesses.items():
        if COLUMNS[canonical].kind not in ("number", "integer"):
            continue
        values = head[column]
        if pd.api.types.is_float_dtype(values.dtype):
            known = values.dropna()
            if head.attrs.get("text") and not looks_grouped(known) and (known != known.round()).any():
                marks.add(".")
            continue
        cells = _numbers(values, COLUMNS[canonical].unit)[2]
        if cells is not None:
            marks |= cells.marks()
            signs |= {CURRENCIES[sign] for sign in cells.currencies} - {""}
            ambiguous |= bool((cells.evidence == "?").any() and not cells.marks())
    words = {word.upper() for column in guesses for word in re.findall(r"[A-Za-z]{3}", str(column))}
    signs |= {code for code in ("EUR", "USD", "GBP", "CHF", "CNY", "INR", "BRL", "MXN", "PLN") if code in words}
    signs |= {"CNY"} if any("元" in str(column) for column in guesses) else set()
    lines = [f"currency: {signs.pop()}"] if len(signs) == 1 else ["# currency: EUR  # ISO code of all amounts"]
    if marks == {","}:
        lines.append('decimal: ","')
    elif ambiguous and len(marks) != 1:
        lines.append('decimal: "?"  # "." or ",": the cells do not say whether 1.234 is a little more than one')
    if snapshots:
        lines.append(
            f"record_date_from: [{', '.join(map(_quote, snapshots))}]  # of several rows of a loan, the latest"
        )
    else:
        lines.append("# record_date: 2024-12-31  # day of the snapshot")
    return lines


def _flow(value):
    import yaml

    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6).strip()


def _quote(text):
    text = str(text)
    if re.fullmatch(r"[A-Za-z_\u4e00-\u9fff][\w \u4e00-\u9fff]*", text) and text.lower() not in (
        "yes",
        "no",
        "true",
        "false",
        "null",
        "on",
        "off",
        "y",
        "n",
    ):
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    # YAML takes no control character as it is, and nobody sees a mark without width
    return '"' + "".join(mark if mark.isprintable() else f"\\U{ord(mark):08X}" for mark in text) + '"'


def _kind(values):
    if pd.api.types.is_numeric_dtype(values.dtype) or _numbers(values)[1] == 1:
        return f"numbers, {values.nunique():,d} distinct, {values.isna().mean():.0%} missing"
    return f"text, {values.nunique():,d} distinct, {values.isna().mean():.0%} missing"


def _builtin_rule(column, canonical, text):
    """The rule of a built-in format for this column, if it reads the values that are there."""
    for format in builtin_names():
        rule = builtin(format)["columns"].get(canonical, {})
        sources = rule.get("from", [])
        if column not in (sources if isinstance(sources, list) else [sources]):
            continue
        kept = {key: value for key, value in rule.items() if key not in ("from", "required", "unit")}
        if "years_before" in kept and _numbers(text)[1] > 0.9:
            return None
        levels = (
            set(kept.get("recode", ())) | set(map(str, kept.get("recode", {}).values())) | set(kept.get("order", ()))
        )
        if ("recode" in kept or "order" in kept) and "otherwise" not in kept and not set(text.unique()) <= levels:
            return None
        if not set(kept) - {"date"}:
            return None
        return kept
    return None


def _rule(values, canonical, name):
    column, parts, remarks = COLUMNS[canonical], [], []
    text = _known(values)
    known = _builtin_rule(name, canonical, text)
    if known is not None:
        parts.append(_flow(known)[1:-1])
    if column.kind == "date" or (canonical == "credit_history_years" and known is None):
        fits = _dates(values)
        if column.kind == "date" or (fits is not None and _numbers(values)[1] < 0.9):
            return _date_rule(fits, canonical, parts, remarks)
    if column.kind in ("number", "integer") and "years_before" not in (known or ()):
        _number_rule(values, text, canonical, name, parts, remarks, known or {})
    elif column.kind == "flag" and known is None:
        _flag_rule(text, canonical, name, parts, remarks)
    elif column.kind in ("category", "ordered") and known is None:
        _level_rule(text, canonical, parts, remarks)
    return parts, remarks


def _date_rule(fits, canonical, parts, remarks):
    if canonical == "credit_history_years":
        parts.append("years_before: issue_date")
    if fits is None:
        remarks.append('no usual pattern fits all cells: date: ["%d.%m.%Y"], for instance')
    elif len(fits) == 1 and fits[0] not in ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S"):
        parts.append(f'date: ["{fits[0]}"]')
    elif len(fits) > 1:
        parts.append('date: "?"')
        remarks.append(f'date: ["{fits[0]}"] and date: ["{fits[1]}"] both fit')
    return parts, remarks


def _number_rule(values, text, canonical, name, parts, remarks, known):
    column = COLUMNS[canonical]
    numbers, share, cells = _numbers(values, column.unit)
    if share < 1 and "recode" not in known:
        levels = _unread(text, column.unit)
        if levels and len(levels) <= 20:
            parts.append("recode: {" + ", ".join(f'{_quote(level)}: "?"' for level in levels) + "}")
        remarks.append("some cells are no numbers: give their values, or name them under missing")
    if not len(numbers):
        return
    signs = cells is not None and cells.per_cent.any()
    if column.unit == "per cent" and np.quantile(numbers, 0.99) <= 1.5 and numbers.max() > 0 and not signs:
        few = len(np.unique(numbers)) < 20
        parts.append('unit: "?"' if few else "unit: fraction")
        remarks.append("too few values to tell: unit: fraction or unit: per cent" if few else "all values up to 1.5")
    elif canonical in ("age", "employment_years") and _days_before(numbers):
        parts.append("unit: days before as years")
        strange = sorted({int(number) for number in numbers if number > 30_000})
        if strange:
            parts.append(f"missing: {strange[:3]}")
    elif canonical == "income" and (_MONTHLY.search(str(name)) and not _YEARLY.search(str(name))):
        parts.append("unit: per month")
    elif column.unit == "currency" and _TEN_THOUSAND.search(str(name)):
        parts.append("unit: ten thousand")
    elif column.unit == "currency" and _THOUSAND.search(str(name)):
        parts.append("unit: thousand")
    elif canonical == "income" and np.median(numbers) < 20_000:
        remarks.append("per year? otherwise unit: per month, or thousand")
    elif column.unit == "years" and canonical != "age" and np.median(numbers) > 30:
        parts.append("unit: months as years")
    elif canonical == "term" and re.search(
        r"(?i)year|jahr|ann[ée]e|año|\bano|年|\bлет\b|\bгод|\btahun|\by[ıi]l\b|\blat\b|\brok", str(name)
    ):
        parts.append("unit: years as months")
    elif canonical == "term" and re.search(
        r"(?i)\bdays?\b|tage|jours|d[ií]as|天|日|\bдн|\bhari\b|\bg[üu]n\b", str(name)
    ):
        parts.append("unit: days as months")
    elif canonical == "term" and re.search(
        r"(?i)weeks?\b|wochen?|semaines?|semanas?|недел|minggu|\bhafta|tygodn|[周週]", str(name)
    ):
        parts.append("unit: weeks as months")
    for code, count, _ in suspected_codes(numbers):
        remarks.append(f"{count_of(count, 'cell')} with {as_written(code)}: missing: [{as_written(code)}]?")


def _unread(text, unit):
    distinct = [level for level in text.unique() if not kind_of(level)]
    cells = read_cells(distinct, unit)
    bad = ~(np.isfinite(cells.point) | np.isfinite(cells.comma))
    counts = text.value_counts()
    return [level for level, wrong in zip(distinct, bad, strict=True) if wrong and counts[level] >= LEAST]


def _flag_rule(text, canonical, name, parts, remarks):
    levels = [str(level) for level in text.unique()]
    if canonical != "bad":
        if set(map(str.lower, levels)) - _TRUE - _FALSE:
            parts.append("recode: {" + ", ".join(f'{_quote(level)}: "?"' for level in levels[:3]) + "}")
            remarks.append("true or false")
        return
    bad = {
        "bad",
        "default",
        "defaulted",
        "charged off",
        "chgoff",
        "loss",
        "schlecht",
        "mauvais",
        "malo",
        "mau",
        "违约",
        "坏",
    }
    good = {
        "good",
        "paid",
        "non default",
        "no default",
        "fully paid",
        "p i f",
        "gut",
        "bon",
        "bueno",
        "bom",
        "正常",
        "好",
    }
    # which of two numbers is the bad one only a name decides that says so, and says nothing else
    plain = _plain(name)
    told = plain == "not fully paid" or bool(_SAYS_BAD.search(plain)) and not _SAYS_GOOD.search(plain)
    lower = set(map(str.lower, levels))
    if {_plain(level) for level in levels} <= bad | good:
        parts.append(
            "recode: {" + ", ".join(f"{_quote(v)}: {str(_plain(v) in bad).lower()}" for v in sorted(levels)) + "}"
        )
    elif not told or lower - _TRUE - _FALSE:
        parts.append("recode: {" + ", ".join(f'{_quote(level)}: "?"' for level in sorted(levels)) + "}")
        remarks.append("true for bad loans, false for good ones")
    else:
        remarks.append("taken as 1 = bad; by when it counts as bad, only you know")


def _place_of_grade(level):
    """Where a grade usually stands: AAA before AA before A, A+ before A before A-.

    Examples
    --------
    >>> sorted(["A", "B-", "A+", "AA", "B", "A-"], key=_place_of_grade)
    ['AA', 'A+', 'A', 'A-', 'B', 'B-']
    """
    found = re.fullmatch(r"([A-Za-z]+)(\d*)([+-]?)", str(level))
    if not found:
        return ("~", 0, 0, 0, str(level))
    letters, number, sign = found.groups()
    return (letters[0].upper(), -len(letters), int(number or 0), {"+": 0, "": 1, "-": 2}[sign], str(level))


def _level_rule(text, canonical, parts, remarks):
    column = COLUMNS[canonical]
    words = _levels(canonical) if column.levels else {}
    counts = text.value_counts(sort=False)
    levels = [
        level
        for level, rows in counts.items()
        if not kind_of(level) and (rows >= LEAST or _plain(level) in words or re.fullmatch(r"[A-Z]{1,2}\d?", level))
    ]
    if len(levels) < len(counts):
        hidden = len(counts) - len(levels)
        remarks.append(f"{hidden:,d} further level(s), each of fewer than {LEAST} loans, are not shown")
    if column.levels and column.kind == "category":
        if set(levels) - set(column.levels):
            pairs = {level: words.get(_plain(level)) for level in levels[:40]}
            parts.append(
                "recode: {"
                + ", ".join(f"{_quote(level)}: {_quote(fixed or '?')}" for level, fixed in pairs.items())
                + "}"
            )
            if None in pairs.values():
                remarks.append(f"the ? is one of {', '.join(column.levels)}, or null")
    elif column.kind == "ordered":
        try:
            ordered, asked = grade_order(levels, canonical), numbered(levels)
        except ValueError:
            ordered, asked = sorted(levels, key=_place_of_grade), True
        if asked and levels:
            parts.append('order: "?"')
            shown = ", ".join(_quote(level) for level in ordered[:30])
            remarks.append(f"which is the best? order: [{shown}], best first, or turned round")
