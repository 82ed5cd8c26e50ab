"""Turn a raw table into canonical columns by a mapping: the built-in formats and a lender's own mapping file.

A mapping is a YAML file. Its keys::

    format:            name of the mapping
    title:             what the tape is called in print
    currency:          ISO code
    record_date:       day of the snapshot (ISO), or
    record_date_from:  source columns whose latest date it is
    decimal:           decimal mark of the whole file, "." or ","; by default each column's own evidence decides
    missing:           texts and numbers that stand for missing, besides the empty cell, NA, N/A, NaN, null
    inquiries_window:  months that `inquiries` looks back
    columns:           canonical name -> rule
    strict:            true (of a mapping file): a column that the mapping names and the file lacks is an error
    recognised_by:     source columns by which a built-in format is known
    source:            where the tape comes from, and
    licence:           its licence, and
    citation:          how it is cited
    unused:            source column -> why it is not read

and a rule's keys:

==========================  ============================================================================
``from``                    source column, or alternatives, of which the first present is read
``required``                true: a file without the column is refused
``unit``                    ``per cent`` (default), ``fraction``, ``detect`` ('%' signs, or all values below
                            1.5, decide), ``per month`` (money a year = 12 x), ``thousand``,
                            ``months as years``, ``days as months``, ``weeks as months``, ``years as months``,
                            ``days before as years`` (-3653 is 10), ``ten thousand``;
                            ``per year``, ``months``, ``years``: as it stands, and not to be doubted
``decimal``                 decimal mark of this column, ``.`` or ``,``
``recode``                  source value -> canonical value (null = missing)
``otherwise``               value of every row that `recode` does not name (without it: an error)
``text``                    ``words`` (lower case, blanks for underscores) or ``lower``
``order``                   levels of an ordered category, best first
``reference``               first level of an unordered category
``date``                    formats to try, in order (strptime); without it ISO dates, and columns of whole numbers
                            that are 20190131, 201901, years or the serial days of a spreadsheet
``days_since``              the cells are days counted from this day on (1904-01-01, 1960-01-01, 1970-01-01)
``month_from``              source column of the month, where ``from`` names that of the year
``years_before``            the value is the years from this date to the named canonical date
``share_of``                [part, whole]: the value is 100 x part / whole
``missing``                 further values that stand for missing in this column
``blank_is``                value of an empty cell
``zero_is_never_unless``    0 means never, unless the named canonical count is positive
``first_letter``            keep the first character only
``known_at_issue``          true: the lender's word that a column of his own is known when the loan is issued
==========================  ============================================================================
"""

from __future__ import annotations

import datetime
import difflib
import numbers
import re
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS, EMPLOYMENT, RECENCY, in_order, is_own
from p2prisk.tape.core import LoanTape, drop_unused_levels
from p2prisk.tape.dates import (
    calendar_of,
    day_or_month_first,
    fitting_patterns,
    rounded_dates,
    swapped_by_spreadsheet,
    whole_number_dates,
    why_no_dates,
    without_offset,
    year_only,
)
from p2prisk.tape.mapping_file import parse_mapping
from p2prisk.tape.numerals import (
    CURRENCIES,
    SHARED,
    Cells,
    latin,
    looks_grouped,
    read_cells,
    refuse_two_marks,
    why_no_numbers,
)
from p2prisk.tape.own import check_own
from p2prisk.tape.privacy import LEAST, kind_of, masked, masked_name, masked_names
from p2prisk.tape.rows import date_of_rows
from p2prisk.tape.severity import add_outcome, no_end
from p2prisk.tape.tally import Tally
from p2prisk.tape.watch import told

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "#N/A", "<NA>", "\\N")
#: what the keys of a mapping, and of a rule, may hold
_MAPPING_KEYS = {
    **dict.fromkeys(("format", "title", "currency", "source", "licence", "citation"), "word"),
    **dict.fromkeys(("record_date_from", "recognised_by"), "names"),
    "decimal": "mark",
    "record_date": "day",
    "missing": "values",
    "inquiries_window": "number",
    "columns": "rules",
    "unused": "words",
    "strict": "yes or no",
}
_RULE_KEYS = {
    **dict.fromkeys(("unit", "text", "reference", "years_before", "zero_is_never_unless", "levels_text"), "word"),
    **dict.fromkeys(("required", "first_letter", "known_at_issue"), "yes or no"),
    "decimal": "mark",
    "missing": "values",
    "order": "levels",
    "days_since": "day",
    "month_from": "word",
    "from": "names",
    "share_of": "names",
    "date": "patterns",
    "recode": "words",
    "otherwise": "value",
    "blank_is": "number",
}
_UNITS = {
    "per cent": 1.0,
    "fraction": 100.0,
    "detect": None,
    "per month": 12.0,
    "thousand": 1000.0,
    "months as years": 1 / 12,
    "days as months": 12 / 365.25,
    "weeks as months": 84 / 365.25,
    "years as months": 12.0,
    "days before as years": -1 / 365.25,
    "ten thousand": 10_000.0,
    "per year": 1.0,
    "months": 1.0,
    "years": 1.0,
}
_ISO = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M",
    "%Y-%m",
    "%Y年%m月%d日",
    "%Y年%m月",
)
#: dates that had happened when the file was written
_HAPPENED = ("issue_date", "last_payment_date", "closed_date")
#: names and numbers of months -> two digits
MONTHS = {
    name: f"{place:02d}"
    for place in range(1, 13)
    for name in (
        str(place),
        f"{place:02d}",
        f"{place}.0",
        *(datetime.date(2000, place, 1).strftime(form).lower() for form in ("%b", "%B")),
    )
}
_COMMON = "write the column as 2019-01-31, of the common calendar, in the export"
_DECIMAL = {".": ".", ",": ",", "point": ".", "dot": ".", "comma": ","}
_GIVEN = ("bad", "severity")
_TRUE = {"true", "yes", "y", "1", "1.0", "t", "是", "成功认证"}
_FALSE = {"false", "no", "n", "0", "0.0", "f", "否", "未成功认证"}
# known scales of grades, best first
GRADE_SCALES = (("AAA", "AA", "A", "B", "C", "D", "E", "F", "G", "HR"),)
_NEGATIVE = "correct the cell, or name the value under missing in the mapping"
#: first words of what :func:`whole_number_dates` says of numbers that show year and month
_CALENDAR = ("days", "months", "years")
_ROUNDED = (
    "As {}, these numbers were rounded to {}, as a spreadsheet shows long numbers (1.3E+09): the days are lost. Write "
    "the column as 2019-01-31 in the export, in the system that made it; to format the cells brings no day back."
)
_FORMULA = re.compile(r"^([=@]|[+\-][^\d\s.,-])")
_WHOLE = re.compile(r"^(-?\d{1,15})\.0+$")


@lru_cache
def builtin(name):
    """The built-in mapping called `name` (without its suffix)."""
    path = resources.files("p2prisk") / "assets" / "formats" / f"{name}.yml"
    return parse_mapping(path.read_text(encoding="utf-8"), own=True)


def builtin_names() -> Any:
    """Names of the built-in mappings."""
    folder = resources.files("p2prisk") / "assets" / "formats"
    return sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".yml"))


def apply_mapping(
    raw: pd.DataFrame,
    mapping: dict,
    where: str = "table",
    on_error: Literal["raise", "missing"] = "raise",
    decisions: dict | None = None,
) -> LoanTape:
    """Make a tape of a raw table.

    Parameters
    ----------
    raw : pandas.DataFrame
        As read; never changed.
    mapping : dict
        See the module's docstring.
    where : str
        Name of the file or table, for messages.
    on_error : {"raise", "missing"}
        What becomes of a value that cannot be read: an error that names the row, or missing and counted in
        the notes.

    decisions : dict, optional
        Filled with what the data decided (the units of ``detect`` by column, the decimal marks under ``decimal``);
        given back for the next piece of the same file, or with a model for the next file, it holds there too.

    Returns
    -------
    LoanTape

    Raises
    ------
    DataError
        A required column is absent, a value cannot be read, or the mapping is wrong.
    """
    builder = _Builder(raw, mapping, where, on_error, {} if decisions is None else decisions)
    return builder.build()


def check_mapping(mapping):
    """Check that a mapping uses canonical columns, known keys and known units, and that each holds what it may.

    Parameters
    ----------
    mapping : dict

    Raises
    ------
    DataError
        Names the column and what is wrong.
    """
    if not isinstance(mapping, dict) or not isinstance(mapping.get("columns"), dict):
        raise DataError("mapping: there are no 'columns'; p2prisk map FILE drafts a mapping")
    strange = sorted(map(str, set(mapping) - set(_MAPPING_KEYS)))
    if strange:
        raise DataError(f"mapping: unknown key {', '.join(strange)}; known: {', '.join(sorted(_MAPPING_KEYS))}")
    _check_kinds("mapping", mapping, _MAPPING_KEYS)
    if mapping.get("record_date"):
        check_record_date(mapping["record_date"])
    for name, rule in mapping["columns"].items():
        where = f"mapping, column {name!r}"
        if not isinstance(rule, dict):
            raise DataError(f"{where}: the rule is not a set of keys; write for instance {{from: your_column}}")
        if name not in COLUMNS and not is_own(name):
            raise DataError(
                f"mapping: {name!r} is not a canonical column ('p2prisk columns' lists them); a column of your own is "
                "called number.NAME or class.NAME"
            )
        wrong = sorted(map(str, set(rule) - set(_RULE_KEYS)))
        if wrong:
            raise DataError(f"{where}: unknown key {', '.join(wrong)}; known: {', '.join(sorted(_RULE_KEYS))}")
        _check_kinds(where, rule, _RULE_KEYS)
        if rule.get("unit", "per cent") not in _UNITS:
            raise DataError(f"{where}: unknown unit {rule['unit']!r}; known: {', '.join(_UNITS)}")
        if rule.get("text") not in (None, "words", "lower"):
            raise DataError(f"{where}: text is {rule['text']!r}; write text: words or text: lower")
        if "share_of" in rule and len(_as_list(rule["share_of"])) != 2:
            raise DataError(f"{where}: share_of is {rule['share_of']!r}; write share_of: [part, whole]")
        for key, kinds in (("years_before", ("date",)), ("zero_is_never_unless", ("number", "integer"))):
            other = rule.get(key)
            if other and (other not in COLUMNS or COLUMNS[other].kind not in kinds or other not in mapping["columns"]):
                raise DataError(
                    f"{where}: {key} is {other!r}, which is no canonical {'date' if kinds[0] == 'date' else 'count'} "
                    "that this mapping reads; map it, or remove the key"
                )
        for key in ("days_since", "month_from"):
            if rule.get(key) and COLUMNS[name].kind != "date":
                raise DataError(f"{where}: {key} is of a date only; remove the key")
        if not rule.get("from") and "share_of" not in rule:
            raise DataError(f"{where}: say 'from' which column it is read")
    check_own(mapping)


def check_record_date(given):
    """Refuse what is no day, or one to come; what is written must begin with its year, so that nothing is guessed."""
    try:
        if not isinstance(given, datetime.date | np.datetime64) and not re.match(r"\d{4}\D?\d{2}\D?\d{2}", str(given)):
            raise ValueError
        day = pd.Timestamp(given if isinstance(given, datetime.date | np.datetime64) else str(given))
    except (ValueError, TypeError, OverflowError):
        day = pd.NaT
    if day is pd.NaT:
        raise DataError(f"record date {given!r} is no date; write it as 2024-12-31")
    if day.tz_localize(None) > pd.Timestamp.now() + pd.Timedelta(days=1):
        raise DataError(f"record date {day:%Y-%m-%d} lies in the future; give the day on which the file was drawn")


def _check_kinds(where, keys, kinds):
    """Whether every key holds what it may."""
    for key, value in keys.items():
        if value is not None and not _fits(value, kinds[key]):
            raise DataError(f"{where}: {key} is {_cut(value)}; write {key}: {_WRITTEN[kinds[key]]}")


#: how each kind of value is written
_WRITTEN = {
    "word": "text",
    "mark": '"." or ","',
    "value": "text, a number, or yes or no",
    "levels": "[best, ..., worst]",
    "values": "[value, value, ...]",
    "names": "name, or [name, name, ...]",
    "patterns": '"%d/%m/%Y", or a list of such patterns, each with a year',
    "words": "{value: what it means, ...}",
    "yes or no": "true or false",
    "number": "a number",
    "day": "2024-12-31",
    "rules": "{canonical name: {from: your_column}, ...}",
}


def _fits(value, kind):
    if kind == "rules":
        return isinstance(value, dict)
    if kind == "words":
        return isinstance(value, dict) and all(_scalar(part) for part in (*value, *value.values()))
    if kind == "yes or no":
        return isinstance(value, bool | np.bool_)
    if kind == "number":
        return isinstance(value, numbers.Real) and not isinstance(value, bool) and abs(float(value)) < 1e15
    if kind == "day":
        return _scalar(value) and not isinstance(value, bool | numbers.Real)
    if kind == "mark":
        return isinstance(value, str) and value in _DECIMAL
    if kind == "levels":
        return isinstance(value, list | tuple) and all(_scalar(part) for part in value)
    if kind == "values":
        return all(_scalar(part) for part in _as_list(value))
    if kind == "names":
        return all(isinstance(part, str | int) and not isinstance(part, bool) for part in _as_list(value))
    if kind == "patterns":
        return all(isinstance(part, str) and _pattern(part) for part in _as_list(value))
    return _scalar(value) and value == value


def _scalar(value):
    return value is None or isinstance(value, str | bool | np.bool_ | numbers.Real | datetime.date | np.datetime64)


def _pattern(text):
    """Whether a text is a pattern of strptime that has a year."""
    try:
        pd.to_datetime(pd.Series(["x"]), format=text, errors="coerce")
    except (ValueError, re.error):
        return False
    return bool(re.search("%[Yy]", text))


def _cut(value):
    text = repr(value)
    return text if len(text) < 80 else text[:76] + " ..."


class _Builder:
    def __init__(self, raw, mapping, where, on_error, decisions):
        if on_error not in ("raise", "missing"):
            raise DataError(f"on_error is {on_error!r}; it must be 'raise' or 'missing'")
        self.raw, self.mapping, self.where, self.on_error = raw, mapping, where, on_error
        self.stated = _as_list(mapping.get("missing"))
        self.missing = {str(value) for value in (*MISSING, *self.stated)}
        self.notes, self.used, self.frame, self.decisions = [], set(), {}, decisions
        self.codes, self.index, self.read, self.years, self.words = None, raw.index, {}, set(), {}

    def note(self, column, what, rows, **more):
        if rows:
            self.notes.append({"column": column, "what": what, "rows": int(rows), **more})

    def rows(self, mask):
        """How many rows of the file a mask means, and which the first are, by the file's numbering."""
        places = np.flatnonzero(np.asarray(mask, dtype=bool))
        if self.codes is not None:  # one entry a level
            places = np.flatnonzero(np.isin(self.codes, places))
        return len(places), [int(self.index[place]) + 1 for place in places[:3]]

    def weights(self):
        """Rows that each entry of a column stands for."""
        if self.codes is None:
            return np.ones(len(self.raw))
        return np.bincount(self.codes, minlength=len(self.raw)).astype(float)

    def build(self):
        self.table = self.raw
        rules = self.mapping.get("columns") or {}
        self.source_of = {name: self.find(name, rule) for name, rule in rules.items()}
        if not any(self.source_of.values()):
            raise DataError(
                f"{self.where}: none of the columns that the mapping "
                f"{self.mapping.get('format', 'file')!r} names is in the header "
                f"({masked_names(self.raw.columns, 8)}); is it the right format?"
            )
        dates = [name for name in rules if COLUMNS[name].kind == "date"]
        for place, name in enumerate([*dates, *(name for name in rules if name not in dates)]):
            told("columns", place, len(rules))
            if self.source_of[name]:
                self.frame[name] = self.column(name, rules[name], self.source_of[name])
        frame = pd.DataFrame(
            {name: self.frame[name] for name in in_order(self.frame)}, index=self.raw.index, copy=False
        ).reset_index(drop=True)
        self.frame = {}  # each column is held once
        never_rules(frame, rules, self)
        empty = self.without_ends(frame)
        add_bands(frame)
        if self.mapping.get("currency") and "currency" not in frame:
            frame.insert(
                frame.columns.get_loc("amount") if "amount" in frame else 0,
                "currency",
                pd.Categorical.from_codes(np.zeros(len(frame), dtype=np.int8), [self.mapping["currency"]]),
            )
        record_date, inferred = self.record_date(), False
        if record_date is None and not self.mapping.get("applications"):
            record_date = self.latest_date(frame)
            inferred = record_date is not None
        given = {name: frame[name] for name in _GIVEN if name in frame}
        add_outcome(frame, record_date, "issue_date" in self.years)
        self.keep_given(frame, given)
        frame = frame[in_order(frame)]
        drop_unused_levels(frame)
        reasons = self.mapping.get("unused") or {}
        unused = {
            str(name): _fit_for_print(reasons.get(name, "no canonical column"))
            for name in self.raw.columns
            if name not in self.used
        }
        unused |= empty
        provenance = {
            "format": self.mapping.get("format", "mapping"),
            "title": _fit_for_print(self.mapping.get("title", self.where)),
            "rows_read": len(self.raw),
        }
        if given:
            provenance["mapped"] = list(given)
        if self.words:
            provenance["bad_words"] = self.words
        units = {name: rule["unit"] for name, rule in rules.items() if rule.get("unit", "detect") != "detect"}
        if units:
            provenance["units"] = units
        by_year = [name for name in _HAPPENED if name in frame and (name in self.years or year_only(frame[name]))]
        if by_year:
            provenance["year_only"] = by_year
        for key in ("currency", "inquiries_window", "source", "licence", "citation"):
            if self.mapping.get(key):
                provenance[key] = self.mapping[key]
        if record_date is not None:
            provenance["record_date"] = f"{record_date:%Y-%m-%d}"
        if inferred:
            provenance["record_date_inferred"] = True
        if "grade" in frame and rules["grade"].get("order"):
            provenance["grade_order"] = "stated"
        if "issue_date" in frame and frame["issue_date"].notna().any():
            days = frame["issue_date"].min(), frame["issue_date"].max()  # %Y knows years from 1 to 9999 only
            provenance["period"] = " to ".join(f"{day.year:04d}-{day.month:02d}" for day in days)
        return LoanTape(frame, provenance, [], self.notes, unused, self.index.to_numpy() + 1)

    def keep_given(self, frame, given):
        """An outcome that the mapping gives is never overruled by one that follows from the status."""
        for name, values in given.items():
            if name in frame:
                if name == "bad":
                    derived, stated = frame[name].astype("boolean"), values.astype("boolean")
                    differs = (derived != stated).fillna(False).to_numpy(dtype=bool)
                    if differs.any():
                        rows, first = self.rows(differs)
                        self.note(
                            name,
                            "the column mapped differs from what the status says (first in row "
                            f"{', '.join(map(str, first))}); the mapped one is the outcome, and no severity is made",
                            rows,
                            level="warning",
                        )
                frame[name] = values.to_numpy() if isinstance(values.dtype, np.dtype) else values
        if "bad" in given and "severity" not in given and "severity" in frame:
            del frame["severity"]

    def without_ends(self, frame):
        """Leave out days of the end that say nothing of it, so that no age is made of them; why, by source column."""
        empty = {}
        for name in ("last_payment_date", "closed_date"):
            if name in frame and (why := no_end(frame, name)):
                remedy = "map the column that says when the loan ended, if there is one"
                what = f"{why}: no day of the end, and not used; no age, hazard or vintage by age is made of it"
                self.note(name, what, frame[name].notna().sum(), level="warning", remedy=remedy)
                empty |= dict.fromkeys(map(str, self.source_of[name]), f"{why}: no day of the end")
                del frame[name]
        return empty

    def latest_date(self, frame):
        """The latest date on file, which stands for the day of the records; a lone date far beyond is an error."""
        days = [Tally(frame[name]).values for name in _HAPPENED if name in frame]
        top = pd.Series(np.unique(np.concatenate(days))[::-1][:50]) if days else pd.Series()
        if not len(top):
            return None
        gaps = np.flatnonzero(-np.diff(top.to_numpy()) > np.timedelta64(400, "D"))
        if len(gaps) and len(frame) >= 20:
            dates = pd.concat([frame[name].dropna() for name in _HAPPENED if name in frame])
            beyond = dates[dates >= top.iloc[gaps[0]]]
            if len(beyond) <= max(1, min(5, 0.02 * len(frame)), 0.002 * len(frame)):
                row = int(self.index[beyond.index[0]]) + 1
                says = (
                    f"the day of the records would be {beyond.max():%Y-%m-%d}, from {_rows(len(beyond), row)} alone; "
                    f"the "
                    f"next latest date of the file is {top.iloc[gaps[0] + 1]:%Y-%m-%d}"
                )
                if self.on_error == "raise":
                    raise DataError(
                        f"{self.where}: {says}. Correct the cell, or say the day: record_date in the mapping, or "
                        "--record-date"
                    )
                self.note("", f"{says}; the latter is taken", len(beyond), level="warning")
                return top.iloc[gaps[0] + 1]
        return top.iloc[0]

    def find(self, name, rule):
        if "share_of" in rule:
            return list(rule["share_of"]) if all(part in self.raw for part in rule["share_of"]) else None
        source = rule.get("from")
        options = source if isinstance(source, list) else [source]
        for option in options:
            if option in self.raw.columns and not (len(options) > 1 and self.raw[option].isna().all()):
                return [option]
        if rule.get("required") or (self.mapping.get("strict") and options and options[0] is not None):
            wanted = " or ".join(repr(option) for option in options)
            header = [str(column) for column in self.raw.attrs.get("header", self.raw.columns)]
            others = {source for own in self.mapping["columns"].values() for source in _as_list(own.get("from"))}
            near = difflib.get_close_matches(str(options[0]), [each for each in header if each not in others], n=1)
            raise DataError(
                f"{self.where}: no column {wanted} (needed for {name!r})"
                + (f"; did you mean {masked_name(near[0])!r}?" if near else ".")
                + f" The header has: {masked_names(header)}. "
                "Name the right column in the mapping."
            )
        return None

    def record_date(self):
        if self.mapping.get("record_date"):
            return pd.Timestamp(self.mapping["record_date"])
        latest = []
        own = [name for name in self.mapping.get("record_date_from") or () if name in self.raw]
        if own and not self.mapping.get("recognised_by"):
            self.used.update(own)
            day = date_of_rows(self.raw, own, self.mapping)
            if day is None or day > pd.Timestamp.now() + pd.Timedelta(days=1):
                raise DataError(
                    f"{self.where}: record_date_from: {own[0]!r} holds "
                    + ("no dates that can be read" if day is None else f"{day:%Y-%m-%d}, which lies in the future")
                    + "; correct the cells, or give record_date in the mapping, or --record-date"
                )
            return day
        for source in own:
            dates = self.dates(source, source, {"date": ["%Y-%m-%d", "%b-%Y", "%b-%y"]})
            if dates.notna().any():
                latest.append(dates.max())
        return max(latest) if latest else None

    def failed(self, name, source, series, bad, remedy, harmless=False):
        """Deal with values that cannot be read."""
        if not bad.any():
            return
        if self.codes is not None:  # one entry a level: find the rows that have it
            bad, series = bad.take(self.codes), series.take(self.codes)
        rows = np.flatnonzero(bad.to_numpy())
        if not len(rows):
            return
        if self.on_error == "missing":
            first = ", ".join(f"{self.index[row] + 1:,d}" for row in rows[:3])
            what = f"values of {source!r} that could not be read, set to missing (first in row {first})"
            self.note(name, what, len(rows))
            return
        alike = series.iloc[rows].value_counts()
        examples = "; ".join(
            f"row {self.index[row] + 1:,d}: "
            + (_day(series.iloc[row]) if harmless else masked(series.iloc[row], alike.get(series.iloc[row], 0)))
            for row in rows[:3]
        )
        raise DataError(
            f"{self.where}, column {source!r} (for {name!r}): {len(rows):,d} value(s) cannot be read "
            f"({examples}). {remedy}"
        )

    def column(self, name, rule, sources):
        self.used.update(sources)
        self.target = name
        for part in sources:
            self.refuse_nested(part)
        column = COLUMNS[name]
        source = sources[0]
        if "share_of" in rule:
            part, whole = (self.numbers(name, part, {}) for part in sources)
            self.note(name, f"no share, as {sources[1]!r} is 0", (whole == 0).sum())
            return np.where(whole > 0, 100 * part / whole.where(whole > 0), np.nan)
        if rule.get("years_before"):
            if rule["years_before"] not in self.frame:
                raise DataError(
                    f"{self.where}: {name!r} is the years before {rule['years_before']!r}, which the file does not "
                    "have; give it, or remove the rule"
                )
            begin = self.dates(name, source, rule)
            return ((self.frame[rule["years_before"]] - begin).dt.days / 365.25).round(2)
        if column.kind == "date":
            return self.dates(name, source, rule)
        if column.kind in ("number", "integer"):
            if rule.get("recode") and "blank_is" not in rule and rule.get("unit") != "detect":
                return self.by_level(source, lambda: self.numbers(name, source, rule))
            return self.numbers(name, source, rule)
        if column.kind == "flag":
            return self.by_level(source, lambda: self.flags(name, source, rule))
        if column.kind == "text" and _is_text(self.raw[source]) and not {"recode", "first_letter", "text"} & set(rule):
            return self.without_formulas(name, source, self.text(source, rule))  # keys: nearly all of them differ
        return self.by_level(source, lambda: self.categories(name, source, rule, column))

    def by_level(self, source, convert):
        """Convert the distinct values of a column, then spread the result over the rows."""
        table = self.raw
        codes, distinct = pd.factorize(table[source], use_na_sentinel=False)
        if self.table.attrs.get("text") and isinstance(distinct.dtype, pd.CategoricalDtype):
            distinct = distinct.astype("str")  # of a text file a Categorical is a way to hold texts, no more
        self.raw, self.codes = pd.DataFrame({source: pd.Series(distinct)}), codes
        try:
            converted = convert()
        finally:
            self.raw, self.codes = table, None
        return converted.take(codes).set_axis(table.index)

    def refuse_nested(self, source):
        """One value a cell: lists, dictionaries and arrays are refused."""
        series = self.raw[source]
        if series.dtype == object:
            nested = series.map(lambda cell: isinstance(cell, list | tuple | dict | set | np.ndarray)).to_numpy(
                dtype=bool
            )
            if nested.any():
                row = int(np.flatnonzero(nested)[0])
                raise DataError(
                    f"{self.where}, column {source!r}: row {self.index[row] + 1:,d} holds a "
                    f"{type(series.iloc[row]).__name__}; one value a cell is needed: spread it over columns "
                    "or rows"
                )

    def text(self, source, rule):
        """Source values as text, with missing as NaN."""
        series = self.raw[source]
        if pd.api.types.is_float_dtype(series.dtype):
            text = series.astype(object).where(series.notna(), None).map(_level, na_action="ignore")
        elif series.dtype == object:
            text = series.map(lambda cell: cell if isinstance(cell, str) else _level(cell), na_action="ignore")
        elif isinstance(series.dtype, pd.CategoricalDtype) or not pd.api.types.is_string_dtype(series.dtype):
            text = series.astype(object).where(series.notna(), None).map(str, na_action="ignore")
        else:
            text = series
        text = text.str.strip() if len(text) and text.notna().any() else text.astype(object)
        stated = {str(value) for value in (*self.stated, *_as_list(rule.get("missing")))}
        if stated and (named := text.isin(stated)).any():
            self.note_missing(self.target, named)
            text = text.mask(named)
        told = {str(key) for key in rule.get("recode") or ()}  # NA may be the code of a place, if the mapping says so
        gone = text.isin(self.missing - told)
        return text.mask(gone) if gone.any() else text

    def note_missing(self, name, named):
        rows, _ = self.rows(named)
        self.note(name, "values that the mapping names as missing", rows)

    def recoded(self, name, source, rule, text=None):
        """Text after the recoding of the rule; an unknown value is an error."""
        text = self.text(source, rule) if text is None else text
        recode = rule.get("recode")
        if recode:
            table = {str(key): value for key, value in recode.items()}
            table |= {_WHOLE.sub(r"\1", key): value for key, value in table.items()}
            if not text.isin(table).any():
                text = _whole(text)
            for truth, words in ((True, ("yes", "Yes", "YES", "true")), (False, ("no", "No", "NO", "false"))):
                if any(key is truth for key in recode):  # YAML reads an unquoted yes as true
                    table.update(dict.fromkeys(words, recode[truth]))
            known = text.isin(table)
            out = text.astype(object).where(~known, text.map({k: v for k, v in table.items() if v is not None}))
            out = out.mask(out.isna(), None)
            if "otherwise" in rule:
                out = out.where(known, rule["otherwise"])
            else:
                allowed = (
                    {str(value) for value in table.values()} | set(COLUMNS[name].levels) | set(rule.get("order", ()))
                )
                left = text.notna() & ~known & ~text.isin(allowed)
                if left.any() and COLUMNS[name].kind in ("number", "integer"):  # the words are recoded, numbers stay
                    cells = read_cells([str(cell) for cell in text[left]])
                    left[left] = np.isnan(cells.point) & np.isnan(cells.comma)
                if left.any():
                    self.failed(
                        name,
                        source,
                        text,
                        left,
                        "Add the value to 'recode' of this column in the mapping (null = missing).",
                    )
                    out = out.mask(left, None)
            return out
        return text.astype(object)

    def numbers(self, name, source, rule):
        self.target = name
        series = self.raw[source]
        codes = {float(v) for v in (*self.stated, *_as_list(rule.get("missing"))) if _is_number(v)}
        per_cent = False
        if rule.get("recode"):
            series = self.recoded(name, source, rule)
        if pd.api.types.is_bool_dtype(series.dtype):
            self.failed(name, source, series, series.notna(), "True and False are no numbers: add 'recode'.")
            values = pd.Series(np.nan, series.index)
        elif pd.api.types.is_numeric_dtype(series.dtype):
            values = series.astype(float)
        elif _has_levels(series) and self.codes is None:  # each text is judged once
            told = []

            def of_levels():
                read, sign = self.written(name, source, rule, self.raw[source])
                told.append(sign)
                return read

            values = self.by_level(source, of_levels)
            per_cent = told[0]
        else:
            values, per_cent = self.written(name, source, rule, series)
        if codes and (named := values.isin(codes)).any():
            self.note_missing(name, named)
            values = values.mask(named)
        infinite = np.isinf(values.to_numpy(dtype=float))
        if infinite.any():
            self.failed(name, source, series, pd.Series(infinite, series.index), "An infinite number is no amount.")
            values = values.mask(infinite)
        factor = self.unit(name, rule, values, per_cent)
        if factor != 1.0:
            values = (values * factor).round(10)  # 100 x 0.0423 is 4.23, not 4.2299999999999995
        least = COLUMNS[name].minimum
        negative = values < 0 if least is not None and least >= 0 else None
        if negative is not None and negative.any():
            rows, first = self.rows(negative)
            lowest = series[negative.to_numpy()].iloc[0]
            what = f"negative, which cannot be: set to missing (first in row {first[0]:,d}: {lowest})"
            share = rows / max(len(self.index), 1)
            self.note(name, what, rows, level="error" if share >= 0.005 else "warning", remedy=_NEGATIVE)
            values = values.mask(negative)
        if "blank_is" in rule:
            rows, _ = self.rows(values.isna())
            self.note(name, f"blank cells read as {rule['blank_is']}", rows)
            values = values.fillna(rule["blank_is"])
        if COLUMNS[name].kind == "integer" and values.notna().all() and (values == values.round()).all():
            whole = values.astype("int64")
            same = series.dtype == whole.dtype and (series.to_numpy() == whole.to_numpy()).all()
            return series if same else whole  # of numbers only one copy is kept
        return values

    def written(self, name, source, rule, series):
        """Numbers written as text, and whether they are per cent."""
        text = series if rule.get("recode") else self.text(source, rule)
        real = pd.Series(np.nan, text.index)
        if series.dtype == object:  # a workbook, or a recoding, gives numbers among text
            mine = series.map(lambda cell: isinstance(cell, int | float) and not isinstance(cell, bool))
            mine = mine.to_numpy(dtype=bool) & text.notna().to_numpy(dtype=bool)
            if mine.any():
                real[mine] = series[mine].astype(float)
                text = text.mask(mine)
        codes, distinct = pd.factorize(text)
        if not len(distinct):
            return real, False
        cells = self.cells(source, [str(cell) for cell in distinct], COLUMNS[name].unit)
        mark = self.mark(name, source, rule, cells)
        found = np.append(cells.comma if mark == "," else cells.point, np.nan)[codes]
        values = real.fillna(pd.Series(found, text.index))
        bad = text.notna() & values.isna()
        other = "." if mark == "," else ","
        remedy = "Correct the cell, name the text under 'missing', or read with on_error='missing'."
        remedy = why_no_numbers(text[bad]) or remedy if bad.any() else remedy
        if bad.any() and (np.append(cells.evidence, "")[codes][bad.to_numpy()] == other).any():
            remedy = f"The decimal mark here is {mark!r}: correct the cell, or give decimal: {other!r} in the mapping."
        self.failed(name, source, text, bad, remedy)
        self.one_currency(name, cells)
        signs = np.append(cells.per_cent, False)[codes]
        bare = (text.notna() & ~signs & (values != 0) & values.notna()).to_numpy(dtype=bool) | (
            real.notna() & (real != 0)
        ).to_numpy(dtype=bool)
        if signs.any() and bare.any():
            with_sign, without = self.rows(signs)[1][0], self.rows(bare)[1][0]
            raise DataError(
                f"{self.where}, column {source!r} (for {name!r}): row {with_sign:,d} has a per cent sign "
                f"({series[signs].iloc[0]!r}) and row {without:,d} has none ({series[bare].iloc[0]!r}), so that the "
                "unit of the latter is not known; write all cells alike"
            )
        return values, bool(signs.any())

    def cells(self, source, distinct, unit):
        """The distinct cells of a column read with either mark, once."""
        if source not in self.read or len(self.read[source].texts) != len(distinct):
            self.read[source] = read_cells(distinct, unit)
        return self.read[source]

    def mark(self, name, source, rule, cells: Cells):
        """The decimal mark of a column: stated, proved by its cells, else by the file or by the admissible range."""
        stated = rule.get("decimal") or self.mapping.get("decimal")
        decided = self.decisions.setdefault("decimal", {})
        if stated:
            return _DECIMAL[str(stated)]
        marks = cells.marks()
        where = f"{self.where}, column {source!r} (for {name!r})"
        if len(marks) == 2:
            if self.on_error == "raise":
                refuse_two_marks(cells, where)
            return "." if (cells.evidence == ".").sum() >= (cells.evidence == ",").sum() else ","
        if marks:
            return self.proved(source, cells, str(marks.pop()), decided, where)
        if not (cells.evidence == "?").any():
            return decided.get(source, ".")
        if source in decided:
            return decided[source]
        fits = [mark for mark, values in ((".", cells.point), (",", cells.comma)) if self.inside(name, rule, values)]
        file = self.file_mark()
        if len(fits) == 1 and file in (None, fits[0]):
            file = fits[0]
        if file is None or (len(fits) == 1 and file != fits[0]) or self.thousandths_of_money(name, cells, file):
            place = cells.first("?")
            text = cells.texts[place]
            row = self.rows((self.raw[source].astype(str).str.strip() == text).to_numpy())[1][:1]
            raise DataError(
                f"{where}: row {row[0] if row else 1:,d} holds {text!r}, which is "
                f"{cells.point[place]:,.10g} if the point is "
                f"the decimal mark and {cells.comma[place]:,.10g} if the comma is; "
                f"nothing in the file decides. Say which: "
                'decimal: "." or decimal: "," in the mapping'
            )
        decided[source] = str(file)
        self.note(name, f"read with the decimal mark {str(file)!r}, as the rest of the file has it", len(self.index))
        return file

    def proved(self, source, cells, mark, decided, where):
        """The mark that cells prove, unless others of the column can be read either way and all else speaks against."""
        doubtful, before = (cells.evidence == "?").any(), decided.get(source)
        against = self.file_mark(source) if doubtful and before is None else before
        if not doubtful or against in (None, mark):
            decided.setdefault(source, mark)
            return mark
        if self.on_error == "missing":
            return against
        words = {".": "a decimal point", ",": "a decimal comma"}
        whose = "the other columns have" if before is None else "the loans read before, or those of the model, had"
        raise DataError(
            f"{where}: {cells.texts[cells.first(mark)]!r} can only be read with {words[mark]}, where {whose} "
            f"{words[against]}, and {cells.texts[cells.first('?')]!r} with either. Write them alike, or say which mark "
            f'this file has: decimal: "{mark}" or decimal: "{against}" in the mapping'
        )

    def thousandths_of_money(self, name, cells, mark):
        """Whether a mark would give every marked amount three decimals, which money hardly ever has."""
        marked = cells.evidence == "?"
        values = (cells.comma if mark == "," else cells.point)[marked]
        return COLUMNS[name].unit == "currency" and bool((np.abs(values) < 1000).all())

    def inside(self, name, rule, values):
        """Whether all values are in the admissible range of the column; that of money hangs on the tape."""
        column = COLUMNS[name]
        factor = _UNITS[rule.get("unit", "per cent")] or 1.0
        known = np.abs(values[np.isfinite(values)]) * factor
        return column.maximum is None or column.unit == "currency" or bool((known <= column.maximum).all())

    def file_mark(self, but=None):
        """The decimal mark that the columns of numbers, `but` one, prove; None if none does, or they disagree."""
        marks = set()
        for name, rule in self.mapping["columns"].items():
            sources = self.source_of.get(name)
            if not sources or COLUMNS[name].kind not in ("number", "integer") or rule.get("recode"):
                continue
            for source in sources:
                if source == but:
                    continue
                series = self.table[source]
                if pd.api.types.is_float_dtype(series.dtype):
                    known = series.dropna()
                    if self.table.attrs.get("text") and not looks_grouped(known) and (known != known.round()).any():
                        marks.add(".")
                elif pd.api.types.is_string_dtype(series.dtype) or series.dtype == object or _has_levels(series):
                    cells = series.cat.categories if _has_levels(series) else series.dropna().unique()
                    distinct = [cell.strip() for cell in cells if isinstance(cell, str)]
                    known = [cell for cell in distinct if cell not in self.missing]
                    marks |= read_cells(known, COLUMNS[name].unit).marks()
        return marks.pop() if len(marks) == 1 else None

    def one_currency(self, name, cells):
        """Amounts are in one currency, and it is that of the mapping."""
        found = {CURRENCIES[sign] or sign for sign in cells.currencies}
        if {"$", "USD"} <= found:
            found.discard("$")
        own = str(self.mapping.get("currency") or "")
        if len(found) > 1:
            raise DataError(
                f"{self.where}, column {name!r}: amounts in {' and '.join(sorted(found))}; a tape has one currency: "
                "convert them, or split the file"
            )
        code = next(iter(found), "")
        if own and own not in SHARED.get(code, (own,)):
            raise DataError(
                f"{self.where}, column {name!r}: the cells say {code}, which is not {own}, the mapping's currency; "
                "correct the mapping, or convert the amounts in the export"
            )
        if len(code) == 3 and own and code != own:
            raise DataError(
                f"{self.where}, column {name!r}: the cells say {code}, the mapping says currency: {own}; "
                f"correct the mapping"
            )

    def unit(self, name, rule, values, percent_signs):
        unit = rule.get("unit", "per cent")
        if unit != "detect":
            return 1.0 if percent_signs else _UNITS[unit]
        decided = not percent_signs and values.notna().any() and bool(values.quantile(0.99) <= 1.5)
        fraction = self.decisions.setdefault(name, decided)
        if fraction:
            self.note(name, "fractions turned into per cent", values.notna().sum())
        return 100.0 if fraction else 1.0

    def dates(self, name, source, rule):
        series = self.raw[source]
        self.target = name
        if rule.get("month_from"):
            series = self.with_month(name, source, rule)
        elif self.codes is None and (_is_text(series) or isinstance(series.dtype, pd.CategoricalDtype)):
            return self.by_level(source, lambda: self.dates(name, source, rule))
        self.used.add(source)
        if pd.api.types.is_datetime64_any_dtype(series.dtype):
            out = series.dt.tz_localize(None).astype("datetime64[us]")
            text = series.dt.strftime("%Y-%m-%d")
            named = text.isin({str(value) for value in (*self.stated, *_as_list(rule.get("missing")))})
            if named.any():
                self.note_missing(name, named)
            return self.happened(name, source, series, out.mask(named))
        real = pd.Series(pd.NaT, series.index, dtype="datetime64[us]")
        if rule.get("days_since"):
            return self.happened(name, source, series, self.counted_days(name, source, rule))
        if series.dtype == object:  # a database's or a workbook's dates
            mine = series.map(lambda cell: isinstance(cell, datetime.date)).to_numpy(dtype=bool)
            if mine.any():
                cells = [pd.Timestamp(cell).tz_localize(None) for cell in series[mine]]
                real[mine] = pd.Series(cells, series.index[mine]).astype("datetime64[us]")
                series = series.mask(mine)
                self.raw = self.raw.assign(**{source: series})
        text = self.text(source, rule) if not rule.get("month_from") else series
        if len(text) and not text.dropna().map(str.isascii).all():
            text = text.map(latin, na_action="ignore")
        out = real.copy()
        left = text.notna() & out.isna()
        patterns = _as_list(rule.get("date")) or _ISO
        if rule.get("date") and len(patterns) > 1 and left.any():
            patterns, both = day_or_month_first(pd.Series(text[left].unique()), patterns)
            if len(both):
                rows, first = self.rows(text.isin(both))
                what = (
                    f"dates that two of the patterns read as different days (first in row {', '.join(map(str, first))})"
                    f": {patterns[0]} comes first"
                )
                self.note(name, what, rows, level="error", remedy="write the column as 2019-01-31 in the export")
        parts = [real.dropna()]
        for pattern in patterns:
            if not left.any():
                break
            distinct = pd.Series(text[left].unique())
            if pattern == "%Y":
                self.years.add(name)
            parsed = pd.Series(
                pd.to_datetime(without_offset(distinct), format=pattern, errors="coerce").to_numpy(), distinct
            )
            found = text[left].map(parsed)
            if "%y" in pattern:
                found = self.of_last_century(name, found, text.index)
            out[left] = found.astype("datetime64[us]")
            parts.append(found.dropna())
            left = left & out.isna()
        if swapped_by_spreadsheet(parts):
            what = "days up to 12 are written in one way and those above 12 in another: did a spreadsheet take day and "
            remedy = "write the column as 2019-01-31 in the export, in the system that made it"
            self.note(name, f"{what}month for each other?", self.rows(out.notna())[0], level="error", remedy=remedy)
        if left.any() and (left == text.notna()).all():
            found, what = whole_number_dates(text[left], self.weights()[left.to_numpy()])
            lost = rounded_dates(text[left].astype(float)) if what and what.split()[0] not in _CALENDAR else ""
            if lost:
                self.failed(name, source, text, left, _ROUNDED.format(what, lost))
            elif what:
                if what.startswith("years"):
                    self.years.add(name)
                if what.startswith("serial"):
                    found = self.serial_days(name, found, self.rows(left)[0])
                out[left] = found.astype("datetime64[us]")
                self.note(name, f"dates of {source!r} are {what}", self.rows(left)[0])
                left = left & out.isna()
        remedy = self.pattern_of(text[left], rule, text[text.notna()]) if left.any() else ""
        self.failed(name, source, text, left, remedy)
        return self.happened(name, source, text, out)

    def of_last_century(self, name, found, index):
        """Dates of two-digit years, of which those to come are of the last century."""
        future = found > pd.Timestamp.now()
        found = found.where(~future, found - pd.DateOffset(years=100))
        if name in _HAPPENED and future.any():
            when = f"{found[future].min():%Y} to {found[future].max():%Y}"
            remedy = "write the column with four digits of the year, as 2019-01-31, in the export"
            what = f"years of two digits to come, read as those of {when}: of another calendar?"
            rows, _ = self.rows(future.reindex(index, fill_value=False))
            self.note(name, what, rows, level="warning", remedy=remedy)
        return found

    def serial_days(self, name, found, rows):
        """Serial days by the epoch of the workbook; of a text file nobody knows it, which is asked."""
        if self.table.attrs.get("epoch") is not None:
            return found + (self.table.attrs["epoch"] - pd.Timestamp("1899-12-30"))
        if name in _HAPPENED and self.table.attrs.get("text"):
            what = f"numbers read as days since 1899-12-30: {found.min():%Y-%m-%d} to {found.max():%Y-%m-%d}"
            remedy = (
                "days_since: 1899-12-30 in the mapping if that is right; other programs count from 1904-01-01, "
                "1960-01-01 or 1970-01-01"
            )
            self.note(name, what, rows, level="warning", remedy=remedy)
        return found

    def counted_days(self, name, source, rule):
        """Days counted from the day that the mapping names."""
        days = self.numbers(name, source, {key: rule[key] for key in ("missing", "decimal") if key in rule})
        begin = pd.Timestamp(rule["days_since"])
        wrong = ~days.between(-36_600, 800_000) & days.notna()
        self.failed(name, source, self.raw[source], wrong, "No such number of days is a date: correct the cell.")
        if lost := rounded_dates(days.dropna()):
            wrong = days.notna()
            self.failed(name, source, self.raw[source], wrong, _ROUNDED.format(f"days since {begin:%Y-%m-%d}", lost))
        return (begin + pd.to_timedelta(days.mask(wrong).round(6), unit="D")).astype("datetime64[us]")

    def with_month(self, name, source, rule):
        """Year and month of two columns as one text."""
        other = rule["month_from"]
        if other not in self.raw:
            raise DataError(
                f"{self.where}: no column {masked_name(other)!r} (month_from of {name!r}); name the right column, or "
                "remove the key"
            )
        self.used.add(other)
        year, month = self.text(source, rule), self.text(other, {"missing": rule.get("missing")})
        self.target = name
        month = month.map(lambda cell: MONTHS.get(str(cell).strip(" .").lower()), na_action="ignore")
        wrong = year.notna() & month.isna()
        self.failed(name, other, self.raw[other], wrong, "A month is a number from 1 to 12, or its name in English.")
        return (_whole(year) + "-" + month).mask(wrong)

    def pattern_of(self, text, rule, whole):
        """The remedy for dates that cannot be read, with the patterns that fit: the whole column, else what is left."""
        distinct = whole.drop_duplicates()
        fits, others = fitting_patterns(distinct), []
        if not fits and len(text) < len(whole):
            fits, others = fitting_patterns(text.drop_duplicates()), _as_list(rule.get("date")) or [*_ISO[:1]]
        if distinct.astype(str).str.fullmatch(r"\d[.,]?\d*[eE]\+?\d+").mean() > 0.5:
            return _ROUNDED.format("dates", "the digits shown")
        none = distinct[distinct.astype(str).str.fullmatch(r"(?:0[\W0]*|9[\W9]*)")]
        if not fits and len(none) and len(none) < len(distinct):
            rest = distinct.drop(none.index)
            if whole_number_dates(rest)[1] or fitting_patterns(rest):
                shown = ", ".join(f'"{cell}"' for cell in none[:3])
                return f"All but {shown} are dates: name it under 'missing' if it stands for none: missing: [{shown}]."
        lists = [", ".join(f'"{pattern}"' for pattern in [*others, fit]) for fit in fits[:2]]
        remedy = "Give the pattern under 'date' in the mapping"
        if not fits and (calendar := calendar_of(distinct)):
            return f"The years look like those of {calendar}: {_COMMON}."
        if len(fits) == 1:
            return f"{remedy}: date: [{lists[0]}] reads them all."
        if fits:
            return f"{remedy}: date: [{lists[0]}] or date: [{lists[1]}], which both fit."
        return why_no_dates(text, len(whole))

    def happened(self, name, source, text, dates):
        """A date of what has happened does not lie in the future."""
        if name in _HAPPENED or name == source:
            late = dates > pd.Timestamp.now().normalize() + pd.Timedelta(days=1)
            remedy = "It lies in the future: correct the cell, or name it under 'missing' if it stands for none."
            calendar = calendar_of(dates[late].dt.year.astype(int), ahead=True)
            if calendar and ("Buddhist" in calendar or self.rows(late)[0] > 0.5 * self.rows(dates.notna())[0]):
                remedy = f"It lies in the future. The years look like those of {calendar}: {_COMMON}."
            self.failed(name, source, dates, late, remedy, harmless=True)
            dates = dates.mask(late)
        return dates

    def flags(self, name, source, rule):
        values = self.recoded(name, source, rule) if rule.get("recode") else self.text(source, rule)
        lower = values.map(lambda value: str(value).strip().lower(), na_action="ignore")
        out = pd.Series(pd.NA, values.index, dtype="boolean")
        out[lower.isin(_TRUE).to_numpy()] = True
        out[lower.isin(_FALSE).to_numpy()] = False
        if name == "bad" and not rule.get("recode"):
            self.words = {str(word): bool(mark) for word, mark in zip(values, out, strict=True) if mark is not pd.NA}
        self.failed(name, source, values, values.notna() & out.isna(), "A flag is yes or no: add 'recode'.")
        return out.astype(bool) if out.notna().all() else out

    def without_formulas(self, name, source, text):
        """Texts without those that a spreadsheet would take for a formula."""
        begins = text.astype("str").str.startswith(("=", "@", "+", "-"), na=False)  # few need the closer look
        if begins.any():
            formula = text.isin(set(text[begins][text[begins].astype("str").str.match(_FORMULA)]))
            remedy = "It starts like a formula of a spreadsheet: remove it, or read with on_error='missing'."
            self.failed(name, source, text, formula, remedy)
            text = text.mask(formula)
        return text

    def categories(self, name, source, rule, column):
        text = self.text(source, rule)
        if pd.api.types.is_string_dtype(self.raw[source].dtype) or self.raw[source].dtype == object:
            text = self.without_formulas(name, source, text)
        values = self.recoded(name, source, rule, text)
        if rule.get("first_letter"):
            values = values.str[:1]
        if rule.get("text") in ("words", "lower"):
            values = values.str.lower()
            values = values.str.replace("_", " ") if rule["text"] == "words" else values
        if column.kind == "text":
            return values
        levels = [str(level) for level in rule.get("order") or column.levels]
        seen = [str(value) for value in pd.unique(values.dropna())]
        values = values.map(str, na_action="ignore")
        if levels and not set(seen) & set(levels) or column.kind == "ordered" and not rule.get("order"):
            values = _whole(values)
            levels = [_WHOLE.sub(r"\1", level) for level in levels]
            seen = [str(value) for value in pd.unique(values.dropna())]
        if len(set(levels)) < len(levels):
            twice = ", ".join(sorted({level for level in levels if levels.count(level) > 1}))
            raise DataError(f"{self.where}, column {source!r}, {name}: 'order' names {twice} twice")
        if levels:
            strange = values.notna() & ~values.isin(levels)
            self.failed(name, source, values, strange, f"Known levels: {', '.join(levels)}. Add 'recode' or 'order'.")
            values = values.mask(strange)
        elif column.kind == "ordered":
            try:
                levels = grade_order(seen, name)
            except DataError:
                from p2prisk.tape.doubts import plain_level

                spread = values if self.codes is None else values.take(self.codes)
                many = spread.value_counts()
                known = [level for level in seen if many[level] >= LEAST and not kind_of(level)]
                plain = [plain_level(level) for level in known]
                same = ", ".join(repr(level) for level, bare in zip(known, plain, strict=True) if plain.count(bare) > 1)
                raise DataError(
                    f"{self.where}, column {source!r}, {name}: cannot tell which of {', '.join(sorted(known)[:8])}"
                    + f"{' and ' * bool(known)}{len(seen) - len(known)} level(s) of fewer than {LEAST} loans"
                    * (len(known) < len(seen))
                    + " is better; list the levels, best first, under 'order' in the mapping"
                    + ("" if not same else f" ({same} differ in capitals, accents, blanks or alphabet only: recode)")
                ) from None
        else:
            levels = sorted(seen)
            reference = str(rule.get("reference", "")).replace("_", " ")
            if reference in levels:
                levels = [reference, *(level for level in levels if level != reference)]
        return pd.Series(pd.Categorical(values, levels, ordered=column.kind == "ordered"), values.index)


def _fit_for_print(text):
    """The lender's own words for a tape or a column, unless a number or an address of somebody is among them."""
    what = kind_of(text)
    return f"(hidden: {what})" if what else text


def _has_levels(series):
    return isinstance(series.dtype, pd.CategoricalDtype)


def _is_text(series):
    return isinstance(series.dtype, pd.StringDtype)


def _day(date):
    return repr(f"{date:%Y-%m-%d}")


def _as_list(value):
    return [] if value is None else list(value) if isinstance(value, list | tuple | set) else [value]


def _is_number(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _rows(count, first):
    return f"row {first:,d}" if count == 1 else f"{count:,d} rows (first {first:,d})"


def _level(cell):
    """A number as the text of a level: 36.0 is 36."""
    if isinstance(cell, float) and cell == cell and abs(cell) < 1e15 and cell == int(cell):
        return str(int(cell))
    return str(cell)


def _whole(text):
    """36.0 as 36, where every cell is a whole number."""
    known = text.dropna().astype(str)
    distinct = pd.Series(known.unique())
    if len(distinct) and distinct.str.fullmatch(r"-?\d{1,15}(?:\.0+)?").all():
        return text.map(lambda cell: _WHOLE.sub(r"\1", str(cell)), na_action="ignore")
    return text


def grade_order(seen, name="grade"):
    """Order the labels of grades, best first.

    Parameters
    ----------
    seen : sequence of str
        Labels.
    name : str
        Column, for the message.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If the labels are on no known scale.

    Examples
    --------
    >>> grade_order(["HR", "A", "AA", "C"]), grade_order(["B2", "A5", "A10"]), grade_order(["3", "1", "12"])
    (['AA', 'A', 'C', 'HR'], ['A5', 'A10', 'B2'], ['1', '3', '12'])
    """
    seen = list(dict.fromkeys(seen))
    for scale in GRADE_SCALES:
        if set(seen) <= set(scale):
            return [grade for grade in scale if grade in seen]
    split = [re.fullmatch(r"([A-Z]?)(\d{1,4})", label) for label in seen]
    if all(split):
        return [label for _, label in sorted(((m[1], int(m[2])), m[0]) for m in split)]
    raise DataError(
        f"{name}: cannot tell which of {', '.join(sorted(seen)[:8])} is better; "
        "list the levels, best first, under 'order' in the mapping"
    )


def never_rules(frame, rules, builder):
    """Blank 'months since' where 0 stands for never."""
    for name, rule in rules.items():
        count = rule.get("zero_is_never_unless")
        if count and name in frame:
            zero = frame[name] == 0
            if count in frame:
                zero &= ~(frame[count] > 0)
            frame[name] = frame[name].mask(zero)
            builder.note(name, "0 stands for never: blanked", zero.sum())


def add_bands(frame):
    """Add the columns in which 'never' and 'not stated' are levels, and the flag of a missing bureau file."""
    for months, count, band in (
        ("months_since_delinquency", "delinquencies_2y", "delinquency_recency"),
        ("months_since_record", "public_records", "record_recency"),
    ):
        if months in frame:
            value = frame[months].to_numpy(dtype=float)
            codes = len(RECENCY) - 1 - np.searchsorted([12, 24, 48], value)
            unknown = frame[count].isna().to_numpy() if count in frame else False
            codes = np.where(np.isnan(value), np.where(unknown, -1, 0), codes)
            frame[band] = pd.Categorical.from_codes(codes, RECENCY)
    if "employment_years" in frame:
        value = frame["employment_years"].to_numpy(dtype=float)
        codes = np.where(np.isnan(value), 0, 1 + np.searchsorted([2, 5, 10], value, side="right"))
        frame["employment"] = pd.Categorical.from_codes(codes, EMPLOYMENT)
    bureau = [name for name in ("inquiries", "delinquencies_2y", "public_records", "open_accounts") if name in frame]
    if len(bureau) >= 3:
        missing = np.logical_and.reduce([frame[name].isna().to_numpy() for name in bureau])
        if missing.any():
            frame["bureau_missing"] = missing
