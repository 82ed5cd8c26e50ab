"""Doubts that one column alone does not raise: what contradicts another column, a name, or the way dates pile up.

Each is a question with its answer in the mapping; nothing is changed by itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd

from p2prisk.errors import count_of
from p2prisk.tape.columns import COLUMNS, is_own
from p2prisk.tape.core import LoanTape
from p2prisk.tape.dates import calendar_of
from p2prisk.tape.privacy import LEAST, level_shown
from p2prisk.tape.severity import month_number
from p2prisk.tape.tally import Tallies

#: words for "not known" that stand where a level stands
_UNKNOWN = re.compile(
    r"^\W*(n[./]\s?[avd]\W?|[sk]\.\s?[ad]\.?|unknown|not (stated|known|available|given|provided|specified)|none|nil|"
    r"null|missing|blank|tbd|undefined|unspecified|keine angabe|unbekannt|ohne angabe|inconnue?|"
    r"non (renseigne|précisé)e?|"
    r"non specificato|desconocid[oa]|sin datos?|no (informado|disponible)|desconhecid[oa]|não informado|onbekend|brak|"
    r"неизвестно|不详|未知|不明|无|無|未填写)?\W*$",
    re.IGNORECASE,
)
#: names of columns that mark the good loans
_GOOD_NAME = re.compile(
    r"(^|[^a-z])(good|repaid|paid ?(back|off)?|fully paid|performing|healthy|survived|current|no ?default\w*|"
    r"non ?default\w*|not ?default\w*|zuruckgezahlt|zurückgezahlt|getilgt|rembourse|remboursé|pagado|quitado|pago)"
    r"($|[^a-z])|已还清|结清|正常",
    re.IGNORECASE,
)
_NOT_GOOD = re.compile(
    r"(^|[^a-z])(not|un|non|over|late|past)[ _.]?(fully[ _.]?)?(re)?(paid|performing|good)|bad", re.I
)
#: Cyrillic letters that look like Latin ones
_LOOK_ALIKE = str.maketrans("АВЕКМНОРСТУХаеорсух", "ABEKMHOPCTYXaeopcyx")
_ENCODED_TWICE = re.compile("[ÂÃâ][\x80-\xbf]|Ã.|â€")
#: terms in days that are none in months
DAYS = (91, 92, 182, 183, 364, 365, 366, 545, 546, 547, 548, 730, 731, 1095, 1096, 1460, 1461, 1825, 1826, 2191, 2556)
_DAYS_OF_ODD = {7, 14, 15, 21, 28, 31, 45, 62, 92, 93}
_DAYS_OF_ANY = _DAYS_OF_ODD | {30, 60, 90}
_YEARS = {10, 15, 20, 25, 30, 35, 40}


def find_doubts(tape: LoanTape, find: Callable, where: Callable, tallies: Tallies) -> None:
    """Ask what is doubtful on a tape.

    Parameters
    ----------
    tape : LoanTape
    find : callable
        Takes level, what, column, rows and remedy.
    where : callable
        From a mask of rows to their numbers in words.
    tallies : Tallies
        Of the frame.
    """
    frame, stated = tape.frame, tape.provenance.get("units", {})
    _keys_as_shown(frame, find)
    _outcome_named_good(tape, find)
    _issue_days(frame, find, where, tallies)
    _terms(frame, find, stated, tallies)
    _days_for_months(frame, find, stated, where, tallies)
    _instalments(frame, find, stated)
    _never(frame, find, tape.provenance.get("mapping") or {}, tallies)
    _levels(frame, find)
    _alike(frame, find)
    _parts_of_counts(frame, find, tallies)
    _changed_places(tape, find)
    _status_against_days(tape, find, where)
    _long_over(tape, find, where)


def _keys_as_shown(frame, find):
    """Keys as a spreadsheet shows long numbers: their last digits are lost."""
    if "loan_id" not in frame or pd.api.types.is_numeric_dtype(frame["loan_id"].dtype):
        return
    some = frame["loan_id"].dropna().head(500).astype(str)
    if len(some) and some.str.fullmatch(r"\d[.,]?\d*[eE]\+\d+").mean() > 0.5:
        find(
            "error",
            f"keys as a spreadsheet shows long numbers, such as {some.iloc[0]}: their last digits are lost",
            "loan_id",
            len(frame),
            "export the keys as text",
        )


def _outcome_named_good(tape, find):
    """A column named after good loans that is read as the mark of bad ones."""
    rule = ((tape.provenance.get("mapping") or {}).get("columns") or {}).get("bad") or {}
    words = tape.provenance.get("bad_words")
    source = rule.get("from")
    source = source[0] if isinstance(source, list) and source else source
    if not words or "bad" not in tape.provenance.get("mapped", ()) or not source:
        return
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-]", " ", str(source)).lower()
    bad = tape.frame["bad"].dropna().astype(bool)
    if _GOOD_NAME.search(plain) and not _NOT_GOOD.search(plain) and bad.nunique() == 2 and bad.mean() <= 0.5:
        turned = ", ".join(f'"{word}": {"false" if mark else "true"}' for word, mark in words.items())
        what = f"the column is named {source!r}, after good loans, and its yes is read as bad"
        same = ", ".join(f'"{word}": {"true" if mark else "false"}' for word, mark in words.items())
        find("warning", what, "bad", int(bad.sum()), f"recode: {{{turned}}} in the mapping, or recode: {{{same}}}")


def _issue_days(frame, find, where, tallies):
    """Issue dates of another calendar, of another zone, or at a day that stands for none."""
    if "issue_date" not in frame or not tallies["issue_date"].known:
        return
    days = pd.Series(tallies["issue_date"].counts, pd.DatetimeIndex(tallies["issue_date"].values))
    year, known = days.index.year, int(days.sum())
    mine = (year >= 1300) & (year <= 1500)
    if days[mine].sum() > 0.5 * known:
        calendar = calendar_of(pd.Series(year[mine])) or "the Islamic or the Persian calendar"
        find(
            "error",
            f"years {year[mine].min()} to {year[mine].max()}: those of {calendar}?",
            "issue_date",
            days[mine].sum(),
            "write the column as 2019-01-31, of the common calendar, in the export",
        )
    hours = (days.index - days.index.normalize()).unique()
    if 0 < len(hours) <= 2 and pd.Timedelta(0) < min(hours) and min(hours) >= pd.Timedelta(hours=12):
        shown = " or ".join(f"{str(hour).split()[-1][:5]}" for hour in sorted(hours))
        find(
            "warning",
            f"every time of day is {shown}: midnight of another zone, so that each date is a day early?",
            "issue_date",
            known,
            "write the column as 2019-01-31, in local time, in the export",
        )
    if len(days) >= 5:
        first, gap = days.index[0], days.index[1] - days.index[0]
        spread = days.index[-1] - days.index[1]
        if days.iloc[0] >= max(3, 0.005 * known) and gap > max(pd.Timedelta(days=1500), spread):
            find(
                "warning",
                f"{count_of(days.iloc[0], 'row')} of {first:%Y-%m-%d}, and the next date is "
                f"{days.index[1]:%Y-%m-%d}: does it stand for none? ({where(frame['issue_date'] == first)})",
                "issue_date",
                days.iloc[0],
                f"missing: [{first:%Y-%m-%d}] under issue_date in the mapping, as the file writes it, if so",
            )


def _terms(frame, find, stated, tallies):
    """Terms that are usual as days or as years, and unusual as months."""
    if "term" not in frame or "term" in stated or not 0 < len(tallies["term"].values) <= 12:
        return
    term = tallies["term"]
    seen = {float(months) for months in term.values}
    dear = any(name in frame and frame[name].median() > 60 for name in ("rate", "apr"))  # said by the check of units
    shown = ", ".join(f"{months:g}" for months in sorted(seen)[:4])
    if seen <= _DAYS_OF_ANY and seen & _DAYS_OF_ODD and not (dear and term.median() < 91) and min(seen) >= 7:
        unit = "days"
    elif seen <= _YEARS and max(seen) >= 25:
        unit = "years"
    else:
        return
    find(
        "warning",
        f"terms of {shown}: {unit} where months are meant?",
        "term",
        term.known,
        f"unit: {unit} as months in the mapping, or unit: months if it is right",
    )


def _days_for_months(frame, find, stated, where, tallies):
    """Terms of days among terms of months, and terms of years, as months, of loans too small or too short for them."""
    if "term" not in frame or "term" in stated or not tallies["term"].known:
        return
    term, months = tallies["term"], tallies["term"].values
    odd = np.isin(months, DAYS) & (months > 84)
    if 0 < term.sum_of(odd) <= 0.9 * term.known:
        days, others = (", ".join(f"{each:g}" for each in some[:4]) for some in (months[odd], months[~odd]))
        find(
            "warning",
            f"terms of {days} beside {others}: days among months? ({where(frame['term'].isin(months[odd]))})",
            "term",
            term.sum_of(odd),
            "write all rows alike in the export, or unit: months in the mapping if it is right",
        )
    if term.median() < 180 or (months % 30).any():
        return
    known = {"amount", "income"} <= set(frame) and tallies["amount"].known and tallies["income"].known
    small = known and tallies["amount"].median() < tallies["income"].median()
    if small or ({"resolved", "mature"} <= set(frame) and frame["resolved"].all() and frame["mature"].mean() < 0.05):
        why = "for loans smaller than a year's income" if small else "though every loan has ended before"
        find(
            "warning",
            f"terms of {', '.join(f'{each:g}' for each in months[:3])} months {why}: days where months are meant?",
            "term",
            term.known,
            "unit: days as months in the mapping, or unit: months if it is right",
        )


def _instalments(frame, find, stated):
    """Instalments that do not pay back the amount in the term at any usual rate: another unit or currency."""
    if not {"instalment", "amount", "term"} <= set(frame) or "instalment" in stated:
        return
    amount, term, paid = (frame[name].to_numpy(dtype=float) for name in ("amount", "term", "instalment"))
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = paid * term / amount
    if "rate" in frame and frame["rate"].median() > 1.5:
        monthly = frame["rate"].to_numpy(dtype=float) / 1200
        with np.errstate(divide="ignore", invalid="ignore"):
            due = np.where(monthly > 0, monthly * term / (1 - (1 + monthly) ** -term), 1.0)
        low, high, known = due / 1.7, due * 1.7, "at its rate"
    else:
        low, high, known = np.full(len(whole), 0.75), 1 + 0.5 * term / 12, "at any usual rate"
    fine = np.isfinite(whole) & np.isfinite(low) & (paid > 0)
    if fine.sum() < 20:
        return
    wrong = fine & ((whole < low) | (whole > high))
    if wrong.sum() > 0.5 * fine.sum():
        ratio = np.median(whole[fine])
        find(
            "warning",
            f"the instalments of a term add up to {ratio:.3g} times the amount, which is not its repayment {known}: "
            "another currency or unit, or instalments that are not monthly?",
            "instalment",
            wrong.sum(),
            "write amount, term, rate and instalment in one unit in the export, or unit: months in the mapping "
            "if the instalments are right",
        )


def _never(frame, find, mapping, tallies):
    """Months since an event that pile up at zero: never."""
    rules = mapping.get("columns") or {}
    for name in frame.columns:
        if not str(name).startswith("months_since") or (rules.get(name) or {}).get("zero_is_never_unless"):
            continue
        tally = tallies[name]
        zero, year = tally.sum_of(tally.values == 0), tally.sum_of((tally.values > 0) & (tally.values <= 12))
        if tally.known >= 20 and zero > max(10, 0.1 * tally.known, 3 * year / 12) and tally.values.max() > 12:
            find(
                "warning",
                f"{count_of(zero, 'row')} with 0 months: in this very month, or never?",
                name,
                zero,
                "missing: [0] in the mapping if it means never",
            )


def _levels(frame, find):
    """Levels that mean "not known", and text that was encoded twice."""
    for name in frame.columns:
        column, values = _meaning(name), frame[name]
        if column is None or column.kind != "category" or column.levels or name == "currency":
            continue
        if not isinstance(values.dtype, pd.CategoricalDtype):
            continue
        counts = values.value_counts(sort=False)
        counts = counts[counts >= LEAST]
        unknown = [level for level in counts.index if _UNKNOWN.match(str(level))]
        if unknown:
            shown = ", ".join(repr(level_shown(str(level), counts[level])) for level in unknown[:3])
            find(
                "note",
                f"{shown} is read as a level of its own, though it may stand for not known",
                name,
                counts[unknown].sum(),
                f"missing: [{', '.join(str(level) for level in unknown[:3])}] in the mapping, quoted, if so",
            )
        twice = [level for level in counts.index if _ENCODED_TWICE.search(str(level))]
        if twice:
            find(
                "warning",
                f"text that was encoded twice, such as {level_shown(str(twice[0]), counts[twice[0]])!r}",
                name,
                counts[twice].sum(),
                "export it again as UTF-8",
            )


def _meaning(name):
    """The column of the dictionary, or the lender's own; None for what is neither."""
    return COLUMNS[name] if name in COLUMNS or is_own(name) else None


def _alike(frame, find):
    """Levels that differ only in capitals, accents, blanks, alphabet or a full stop at the end."""
    for name in frame.columns:
        column, values = _meaning(name), frame[name]
        if column is None or column.kind != "category" or column.levels or name == "currency":
            continue
        if not isinstance(values.dtype, pd.CategoricalDtype) or not 1 < len(values.cat.categories) <= 5000:
            continue
        counts = values.value_counts(sort=True)
        first: dict = {}
        pairs = [(first.setdefault(plain_level(str(level)), level), level) for level in counts.index if counts[level]]
        pairs = [(usual, level) for usual, level in pairs if usual != level]
        if pairs:
            usual, level = (level_shown(str(each), counts[each]) for each in pairs[0])
            find(
                "warning",
                f"{level!r} and {usual!r} are two levels, which differ in capitals, accents, blanks or alphabet only"
                + f", and {len(pairs) - 1} more such" * (len(pairs) > 1),
                name,
                sum(counts[level] for _, level in pairs),
                "write them alike in the export, or recode: {one: other} in the mapping",
            )


def plain_level(level: str) -> str:
    """A level without what is mostly chance in it; marks of other scripts are letters there.

    Examples
    --------
    >>> plain_level("MÜNCHEN "), plain_level("new__york."), plain_level("А+"), plain_level("が") == plain_level("か")
    ('munchen', 'new york', 'a+', False)
    """
    text = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", level)).translate(_LOOK_ALIKE)
    return re.sub(r"[\s_]+", " ", unicodedata.normalize("NFC", text).casefold()).strip(" .")


def _parts_of_counts(frame, find, tallies):
    """Counts that are no whole numbers: amounts or shares under the name of a count."""
    for name in frame.columns:
        column = _meaning(name)
        if column is None or column.kind != "integer" or column.unit != "count" or not tallies[name].known:
            continue
        values = tallies[name].values
        parts = values != np.round(values)
        rows = tallies[name].sum_of(parts)
        if rows > 0.01 * tallies[name].known:
            find(
                "warning",
                f"a count, and no whole number in {count_of(rows, 'row')}, such as {values[parts][0]:g}",
                name,
                rows,
                "name the right column in the mapping, or leave the column out",
            )


def _changed_places(tape, find):
    """Grades of which one that stands before another lost clearly more, against the order of all the others."""
    from statistics import NormalDist  # seldom needed

    frame = tape.frame
    if tape.kind != "resolved" or not {"grade", "bad"} <= set(frame) or not hasattr(frame["grade"], "cat"):
        return
    known = (frame["grade"].notna() & frame["bad"].notna()).to_numpy()
    codes, bad = frame["grade"].cat.codes.to_numpy()[known], frame["bad"].to_numpy(dtype=bool, na_value=False)[known]
    levels = frame["grade"].cat.categories
    loans = np.bincount(codes, minlength=len(levels)).astype(float)
    lost = np.bincount(codes[bad], minlength=len(levels))
    if len(levels) < 3 or not 0 < bad.sum() < len(bad) or loans.max() == len(bad):
        return
    if np.corrcoef(codes, bad)[0, 1] < 0:  # best last: said by the check of their order
        levels, loans, lost = levels[::-1], loans[::-1], lost[::-1]
    enough = loans >= 20
    levels, loans, lost = levels[enough], loans[enough], lost[enough]
    if len(levels) < 3:
        return
    better, worse = np.triu_indices(len(levels), 1)
    share, both = lost / loans, (lost[better] + lost[worse]) / (loans[better] + loans[worse])
    error = np.sqrt(np.maximum(both * (1 - both), 1e-12) * (1 / loans[better] + 1 / loans[worse]))
    apart = (share[better] - share[worse]) / error
    most = int(np.argmax(apart))
    if apart[most] > NormalDist().inv_cdf(1 - 0.001 / len(apart)):
        one, other = better[most], worse[most]
        find(
            "warning",
            f"{str(levels[one])!r} stands nearer to the best than {str(levels[other])!r}, but {share[one]:.1%} of its "
            f"{loans[one]:,.0f} loans are bad, against {share[other]:.1%} of {loans[other]:,.0f}",
            "grade",
            loans[one] + loans[other],
            "order: [best, ..., worst] under grade in the mapping",
        )


def _status_against_days(tape, find, where):
    """Loans of a live book of which the status says one thing and the days past due, which count there, another."""
    frame = tape.frame
    if not {"status", "days_past_due"} <= set(frame) or tape.kind == "resolved" or tape.provenance.get("mapped"):
        return
    status, days = frame["status"].astype(object), frame["days_past_due"]
    for words, wrong, said in (
        (("paid",), days > 30, "paid, and more than 30 days past due"),
        (("late 31-90", "late 31-120"), days <= 30, "late by the status, and at most 30 days past due"),
        (("current",), days > 30, "current, and more than 30 days past due"),
    ):
        mine = (status.isin(words) & wrong).to_numpy(dtype=bool)
        if mine.any():
            find(
                "error" if words != ("current",) and mine.sum() >= 0.005 * len(frame) else "warning",
                f"{said} ({where(mine)}): the days count, so that these loans are {'not ' * ('late' in words[0])}bad",
                "status",
                mine.sum(),
                "correct the rows, or leave the column that is wrong out of the mapping",
            )


def _long_over(tape, find, where):
    """Loans that run although their term ended a year before the day of the records."""
    frame, day = tape.frame, tape.provenance.get("record_date")
    if day is None or not {"status", "issue_date", "term"} <= set(frame):
        return
    runs = frame["status"].isin(["current", "in grace", "open"]).to_numpy()
    end = month_number(frame["issue_date"]) + frame["term"].to_numpy(dtype=float)
    over = runs & np.asarray(end + 12 < month_number(pd.Series([pd.Timestamp(day)]))[0])
    if over.sum() >= max(3, 0.05 * runs.sum()):
        find(
            "warning",
            f"running, though the term ended more than a year before the record date {day} ({where(over)}): was the "
            "file drawn earlier?",
            "status",
            over.sum(),
            "give the day on which it was drawn (--record-date), or correct the terms in the export",
        )
