"""Turn a raw table into canonical columns by a mapping: the built-in formats and a lender's own mapping file.

A mapping is a YAML file. Its keys::

    format:            name of the mapping
    title:             what the tape is called in print
    currency:          ISO code
    record_date:       day of the snapshot (ISO), or
    record_date_from:  source columns whose latest date it is
    missing:           texts that stand for missing, besides the empty cell, NA, N/A, NaN, null
    inquiries_window:  months that `inquiries` looks back
    columns:           canonical name -> rule
    unused:            source column -> why it is not read

and a rule's keys:

==========================  ============================================================================
``from``                    source column, or alternatives, of which the first present is read
``required``                true: a file without the column is refused
``unit``                    ``per cent`` (default), ``fraction``, ``detect`` ('%' signs, or all values below
                            1.5, decide), ``per month`` (money a year = 12 x), ``thousand``,
                            ``months as years``, ``days as months``
``recode``                  source value -> canonical value (null = missing)
``otherwise``               value of every row that `recode` does not name (without it: an error)
``text``                    ``words`` (lower case, blanks for underscores) or ``lower``
``order``                   levels of an ordered category, best first
``reference``               first level of an unordered category
``date``                    formats to try, in order (strptime)
``years_before``            the value is the years from this date to the named canonical date
``share_of``                [part, whole]: the value is 100 x part / whole
``missing``                 further values that stand for missing in this column
``blank_is``                value of an empty cell
``zero_is_never_unless``    0 means never, unless the named canonical count is positive
``first_letter``            keep the first character only
==========================  ============================================================================
"""

from __future__ import annotations

import datetime
import difflib
import re
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS, EMPLOYMENT, RECENCY
from p2prisk.tape.core import LoanTape, drop_unused_levels
from p2prisk.tape.privacy import LEAST, kind_of, masked, masked_name, masked_names
from p2prisk.tape.severity import add_outcome

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "#N/A", "<NA>")
_RULE_KEYS = {
    "from",
    "required",
    "unit",
    "recode",
    "otherwise",
    "text",
    "order",
    "reference",
    "date",
    "years_before",
    "share_of",
    "missing",
    "blank_is",
    "zero_is_never_unless",
    "first_letter",
    "levels_text",
}
_UNITS = {
    "per cent": 1.0,
    "fraction": 100.0,
    "detect": None,
    "per month": 12.0,
    "thousand": 1000.0,
    "months as years": 1 / 12,
    "days as months": 12 / 365.25,
}
_TRUE = {"true", "yes", "y", "1", "1.0", "t", "是", "成功认证"}
_FALSE = {"false", "no", "n", "0", "0.0", "f", "否", "未成功认证"}
# known scales of grades, best first
GRADE_SCALES = (("AAA", "AA", "A", "B", "C", "D", "E", "F", "G", "HR"),)
_FORMULA = re.compile(r"^([=@]|[+\-][^\d\s.,-])")
_NUMBER_DIRT = re.compile(r"[\s,$€£¥￥元]")


@lru_cache
def builtin(name):
    """The built-in mapping called `name` (without its suffix)."""
    import yaml

    path = resources.files("p2prisk") / "assets" / "formats" / f"{name}.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


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
        Filled with what the data decided (the units of ``detect``); given back for the next piece of the same file, it
        holds there too.

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
    """Check that a mapping uses canonical columns, known keys and known units.

    Parameters
    ----------
    mapping : dict

    Raises
    ------
    DataError
        Names the column and what is wrong.
    """
    for name, rule in mapping["columns"].items():
        if name not in COLUMNS:
            raise DataError(f"mapping: {name!r} is not a canonical column; see p2prisk.tape.column_table()")
        wrong = sorted(set(rule) - _RULE_KEYS)
        if wrong:
            raise DataError(
                f"mapping, column {name!r}: unknown key {', '.join(map(str, wrong))}; "
                f"known: {', '.join(sorted(_RULE_KEYS))}"
            )
        if rule.get("unit", "per cent") not in _UNITS:
            raise DataError(f"mapping, column {name!r}: unknown unit {rule['unit']!r}; known: {', '.join(_UNITS)}")
        if "from" not in rule and "share_of" not in rule:
            raise DataError(f"mapping, column {name!r}: say 'from' which column it is read")


class _Builder:
    def __init__(self, raw, mapping, where, on_error, decisions):
        if on_error not in ("raise", "missing"):
            raise DataError(f"on_error is {on_error!r}; it must be 'raise' or 'missing'")
        self.raw, self.mapping, self.where, self.on_error = raw, mapping, where, on_error
        self.missing = {str(value) for value in (*MISSING, *mapping.get("missing", ()))}
        self.notes, self.used, self.frame, self.decisions = [], set(), {}, decisions
        self.codes = None

    def note(self, column, what, rows):
        if rows:
            self.notes.append({"column": column, "what": what, "rows": int(rows)})

    def build(self):
        rules = self.mapping.get("columns") or {}
        self.source_of = {name: self.find(name, rule) for name, rule in rules.items()}
        if not any(self.source_of.values()):
            raise DataError(
                f"{self.where}: none of the columns that the mapping "
                f"{self.mapping.get('format', 'file')!r} names is in the header "
                f"({masked_names(self.raw.columns, 8)}); is it the right format?"
            )
        dates = [name for name in rules if COLUMNS[name].kind == "date"]
        for name in [*dates, *(name for name in rules if name not in dates)]:
            if self.source_of[name]:
                self.frame[name] = self.column(name, rules[name], self.source_of[name])
        frame = pd.DataFrame(
            {name: self.frame[name] for name in COLUMNS if name in self.frame}, index=self.raw.index
        ).reset_index(drop=True)
        never_rules(frame, rules, self)
        add_bands(frame)
        if self.mapping.get("currency"):
            frame.insert(
                frame.columns.get_loc("amount") if "amount" in frame else 0,
                "currency",
                pd.Categorical.from_codes(np.zeros(len(frame), dtype=np.int8), [self.mapping["currency"]]),
            )
        record_date, inferred = self.record_date(), False
        if record_date is None:
            dates = [frame[name].max() for name in ("issue_date", "last_payment_date", "closed_date") if name in frame]
            record_date = max((date for date in dates if date is not pd.NaT), default=None)
            inferred = record_date is not None
        add_outcome(frame, record_date)
        frame = frame[[name for name in COLUMNS if name in frame]]
        drop_unused_levels(frame)
        reasons = self.mapping.get("unused") or {}
        unused = {
            str(name): reasons.get(name, "no canonical column") for name in self.raw.columns if name not in self.used
        }
        provenance = {
            "format": self.mapping.get("format", "mapping"),
            "title": self.mapping.get("title", self.where),
            "rows_read": len(self.raw),
        }
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
            provenance["period"] = f"{frame['issue_date'].min():%Y-%m} to {frame['issue_date'].max():%Y-%m}"
        return LoanTape(frame, provenance, [], self.notes, unused)

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
            near = difflib.get_close_matches(str(options[0]), header, n=1)
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
        for source in self.mapping.get("record_date_from") or ():
            if source in self.raw:
                dates = self.dates(source, source, {"date": ["%Y-%m-%d", "%b-%Y", "%b-%y"]})
                if dates.notna().any():
                    latest.append(dates.max())
        return max(latest) if latest else None

    def failed(self, name, source, series, bad, remedy):
        """Deal with values that cannot be read."""
        if self.codes is not None:  # one entry a level: find the rows that have it
            bad, series = bad.take(self.codes), series.take(self.codes)
        rows = np.flatnonzero(bad.to_numpy())
        if not len(rows):
            return
        if self.on_error == "missing":
            self.note(name, f"values of {source!r} that could not be read, set to missing", len(rows))
            return
        alike = series.iloc[rows].value_counts()
        examples = "; ".join(
            f"row {row + 1:,d}: {masked(series.iloc[row], alike.get(series.iloc[row], 0))}" for row in rows[:3]
        )
        raise DataError(
            f"{self.where}, column {source!r} (for {name!r}): {len(rows):,d} value(s) cannot be read "
            f"({examples}). {remedy}"
        )

    def column(self, name, rule, sources):
        self.used.update(sources)
        for part in sources:
            self.refuse_nested(part)
        column = COLUMNS[name]
        source = sources[0]
        if "share_of" in rule:
            part, whole = (self.numbers(name, part, {}) for part in sources)
            self.note(name, f"no share, as {sources[1]!r} is 0", (whole == 0).sum())
            return np.where(whole > 0, 100 * part / whole.where(whole > 0), np.nan)
        if rule.get("years_before"):
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
        return self.by_level(source, lambda: self.categories(name, source, rule, column))

    def by_level(self, source, convert):
        """Convert the distinct values of a column, then spread the result over the rows."""
        table = self.raw
        codes, distinct = pd.factorize(table[source], use_na_sentinel=False)
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
                    f"{self.where}, column {source!r}: row {row + 1:,d} holds a "
                    f"{type(series.iloc[row]).__name__}; one value a cell is needed: spread it over columns "
                    "or rows"
                )

    def text(self, source, rule):
        """Source values as text, with missing as NaN."""
        series = self.raw[source]
        if pd.api.types.is_float_dtype(series.dtype):  # 36.0 reads as 36
            whole = series.where(series.isna() | (series != series.round()), None)
            text = series.astype(object).where(whole.notna() | series.isna(), series.fillna(0).astype("int64"))
            text = text.where(series.notna(), None).map(str, na_action="ignore")
        elif series.dtype == object:
            text = series.map(lambda cell: cell if isinstance(cell, str) else str(cell), na_action="ignore")
        elif isinstance(series.dtype, pd.CategoricalDtype) or not pd.api.types.is_string_dtype(series.dtype):
            text = series.astype(object).where(series.notna(), None).map(str, na_action="ignore")
        else:
            text = series
        text = text.str.strip() if len(text) and text.notna().any() else text.astype(object)
        missing = self.missing | {str(value) for value in rule.get("missing", ())}
        return text.mask(text.isin(missing))

    def recoded(self, name, source, rule, text=None):
        """Text after the recoding of the rule; an unknown value is an error."""
        text = self.text(source, rule) if text is None else text
        recode = rule.get("recode")
        if recode:
            table = {str(key): value for key, value in recode.items()}
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
        series = self.raw[source]
        if rule.get("recode"):
            series = self.recoded(name, source, rule)
        percent_signs = False
        if pd.api.types.is_bool_dtype(series.dtype):
            values = series.astype(float)
        elif pd.api.types.is_numeric_dtype(series.dtype):
            values = series.astype(float)
            values = values.mask(values.isin([float(value) for value in rule.get("missing", ())]))
        else:
            text = self.text(source, rule) if not rule.get("recode") else series
            clean = text.map(str, na_action="ignore")
            if clean.notna().any():
                stripped = clean.str.replace(_NUMBER_DIRT, "", regex=True)
                percent_signs = bool(stripped.str.endswith("%").any())
                stripped = stripped.str.removesuffix("%").str.removesuffix("months").str.removesuffix("month")
                values = pd.to_numeric(stripped, errors="coerce").astype(float)
            else:
                values = pd.Series(np.nan, series.index)
            self.failed(
                name,
                source,
                text,
                clean.notna() & values.isna(),
                "Correct the cell, name the text under 'missing', or read with on_error='missing'.",
            )
        infinite = np.isinf(values.to_numpy(dtype=float))
        if infinite.any():
            self.failed(name, source, series, pd.Series(infinite, series.index), "An infinite number is no amount.")
            values = values.mask(infinite)
        factor = self.unit(name, rule, values, percent_signs)
        if factor != 1.0:
            values = (values * factor).round(10)  # 100 x 0.0423 is 4.23, not 4.2299999999999995
        if "blank_is" in rule:
            self.note(name, f"blank cells read as {rule['blank_is']}", values.isna().sum())
            values = values.fillna(rule["blank_is"])
        if COLUMNS[name].kind == "integer" and values.notna().all() and (values == values.round()).all():
            return values.astype("int64")
        return values

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
        self.used.add(source)
        if pd.api.types.is_datetime64_any_dtype(series.dtype):
            return series.dt.tz_localize(None).astype("datetime64[us]")
        if (
            series.dtype == object
            and len(known := series.dropna())
            and known.map(lambda cell: isinstance(cell, datetime.date)).all()
        ):  # a database's dates
            return pd.to_datetime(series).dt.tz_localize(None).astype("datetime64[us]")
        text = self.text(source, rule)
        out = pd.Series(pd.NaT, series.index, dtype="datetime64[us]")
        left = text.notna()
        for pattern in rule.get("date") or ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S"):
            if not left.any():
                break
            distinct = pd.Series(text[left].unique())
            parsed = pd.Series(pd.to_datetime(distinct, format=pattern, errors="coerce").to_numpy(), distinct)
            found = text[left].map(parsed)
            if pattern.endswith("%y"):  # a two-digit year of the future is of the last century
                future = found > pd.Timestamp.now()
                found = found.where(~future, found - pd.DateOffset(years=100))
            out[left] = found.astype("datetime64[us]")
            left = left & out.isna()
        self.failed(name, source, text, left, "Give the pattern under 'date' in the mapping, e.g. \"%d/%m/%Y\".")
        return out

    def flags(self, name, source, rule):
        values = self.recoded(name, source, rule) if rule.get("recode") else self.text(source, rule)
        lower = values.map(lambda value: str(value).strip().lower(), na_action="ignore")
        out = pd.Series(pd.NA, values.index, dtype="boolean")
        out[lower.isin(_TRUE).to_numpy()] = True
        out[lower.isin(_FALSE).to_numpy()] = False
        self.failed(name, source, values, values.notna() & out.isna(), "A flag is yes or no: add 'recode'.")
        return out.astype(bool) if out.notna().all() else out

    def categories(self, name, source, rule, column):
        text = self.text(source, rule)
        if pd.api.types.is_string_dtype(self.raw[source].dtype) or self.raw[source].dtype == object:
            distinct = pd.Series(text.dropna().unique())
            formula = set(distinct[distinct.str.match(_FORMULA)])
            if formula:
                self.failed(
                    name,
                    source,
                    text,
                    text.isin(formula),
                    "It starts like a formula of a spreadsheet: remove it, or read with on_error='missing'.",
                )
                text = text.mask(text.isin(formula))
        values = self.recoded(name, source, rule, text)
        if rule.get("first_letter"):
            values = values.str[:1]
        if rule.get("text") in ("words", "lower"):
            values = values.str.lower()
            values = values.str.replace("_", " ") if rule["text"] == "words" else values
        if column.kind == "text":
            return values
        levels = list(rule.get("order") or column.levels)
        seen = [str(value) for value in pd.unique(values.dropna())]
        values = values.map(str, na_action="ignore")
        if levels:
            strange = values.notna() & ~values.isin(levels)
            self.failed(name, source, values, strange, f"Known levels: {', '.join(levels)}. Add 'recode' or 'order'.")
            values = values.mask(strange)
        elif column.kind == "ordered":
            try:
                levels = grade_order(seen, name)
            except DataError:
                many = values.value_counts()
                known = [level for level in seen if many[level] >= LEAST and not kind_of(level)]
                raise DataError(
                    f"{self.where}, column {source!r}, {name}: cannot tell which of {', '.join(sorted(known)[:8])}"
                    + f"{' and ' * bool(known)}{len(seen) - len(known)} level(s) of fewer than {LEAST} loans"
                    * (len(known) < len(seen))
                    + " is better; list the levels, best first, under 'order' in the mapping"
                ) from None
        else:
            levels = sorted(seen)
            reference = str(rule.get("reference", "")).replace("_", " ")
            if reference in levels:
                levels = [reference, *(level for level in levels if level != reference)]
        return pd.Series(pd.Categorical(values, levels, ordered=column.kind == "ordered"), values.index)


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
            label = np.select([value <= 12, value <= 24, value <= 48, value > 48], RECENCY[:0:-1], default="never")
            unknown = frame[count].isna().to_numpy() if count in frame else np.zeros(len(frame), dtype=bool)
            label = np.where(unknown & np.isnan(value), None, label)
            frame[band] = pd.Categorical(label, RECENCY)
    if "employment_years" in frame:
        value = frame["employment_years"].to_numpy(dtype=float)
        label = np.select([value < 2, value < 5, value < 10, value >= 10], EMPLOYMENT[1:], default=EMPLOYMENT[0])
        frame["employment"] = pd.Categorical(label, EMPLOYMENT)
    bureau = [name for name in ("inquiries", "delinquencies_2y", "public_records", "open_accounts") if name in frame]
    if len(bureau) >= 3:
        missing = frame[bureau].isna().all(axis=1)
        if missing.any():
            frame["bureau_missing"] = missing.to_numpy()
