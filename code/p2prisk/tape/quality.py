"""Is the tape fit for use? What was read and set aside, what is missing, doubled, impossible or suspect.

Every finding has a level. ``error``: a number of the study would be wrong (a unit mistaken, a predictor that gives the
outcome away, the same loan twice or an impossible date in at least one row of two hundred). ``warning``: look before
you rely on it. ``note``: reported so that nothing happens silently.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.tape import dates
from p2prisk.tape.abreast import over_columns
from p2prisk.tape.codes import as_written, codes_among
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.core import LoanTape, where_rows
from p2prisk.tape.doubts import DAYS, find_doubts
from p2prisk.tape.keys import doubled_rows, repeated, repeated_or_alike
from p2prisk.tape.numerals import SMALL_UNITS
from p2prisk.tape.privacy import level_shown, masked_name, masked_names
from p2prisk.tape.schema import money_scale, validate
from p2prisk.tape.severity import SMALL, dated_by_issue, has_ended
from p2prisk.tape.tally import Tallies, Tally

LEVELS = ("error", "warning", "note")
# a blank of these columns means "never" or "does not apply", so it is not counted as missing information
BLANK_IS_MEANT = {
    "months_since_delinquency",
    "months_since_record",
    "months_since_90d_late",
    "months_since_inquiry",
    "income_joint",
    "dti_joint",
    "verification_joint",
    "last_payment_date",
    "closed_date",
}
#: area under the ROC curve above which a single predictor is suspected to have been written after the outcome
LEAKAGE_AUC = 0.90
_MANY_MISSING = 0.20
_FEW_IN_LEVEL = 30
_SHARE_OF_ERROR = 0.005
#: units of which more than half of the values cannot lie outside the range of the column
_WRONG_UNIT = {"months", "years", "currency"}
#: terms in weeks that are none in months
_WEEKS = (13, 26, 39, 52, 65, 78, 104, 130, 182, 208, 260)
_NEVER_ZERO = {"amount", "term", "income", "age", "bureau_score", "rate", "credit_limit"}
_PLACEHOLDERS = [pd.Timestamp(day) for day in ("1899-12-30", "1899-12-31", "1900-01-01", "1900-01-02", "1970-01-01")]


@dataclass
class QualityReport:
    """What the check of a tape found.

    Attributes
    ----------
    provenance : dict
        Of the tape.
    rows_read, rows_kept : int
    set_aside : pandas.DataFrame
        ``reason``, ``rows``, ``lines`` (first rows or lines), ``where`` (the same for print).
    columns : pandas.DataFrame
        One row a column: ``column``, ``known``, ``block``, ``missing`` (rows), ``missing_share``, ``outside`` (rows
        outside the range), ``distinct``, ``lowest``, ``middle``, ``highest``.
    findings : pandas.DataFrame
        ``level``, ``column``, ``what``, ``rows``, ``remedy``; errors first.
    frame : pandas.DataFrame
        The loans.
    """

    provenance: dict
    rows_read: int
    rows_kept: int
    set_aside: pd.DataFrame
    columns: pd.DataFrame
    findings: pd.DataFrame
    frame: pd.DataFrame = field(repr=False)

    @cached_property
    def missing(self):
        """Share missing by column and year of issue (or all loans), for the picture; the loans are then let go."""
        made, self.frame = missing_by_year(self.frame), None
        return made

    def count(self, level):
        """Number of findings of a level."""
        return int((self.findings["level"] == level).sum())

    @property
    def passed(self):
        """Whether there is no error."""
        return self.count("error") == 0

    def summary(self):
        """The report as text for a terminal.

        Returns
        -------
        str
        """
        p = self.provenance
        lines = [
            f"{p.get('title', p.get('name', 'tape'))}",
            f"  file     {p.get('path', '-')}" + (f"  sha256 {p['sha256'][:16]}" if p.get("sha256") else ""),
            f"  format   {p.get('format', '-')}   period {p.get('period', '-')}   "
            f"record date {p.get('record_date', '-')}"
            + (" (inferred: latest date in the tape)" if p.get("record_date_inferred") else ""),
            f"  rows     {self.rows_read:,d} read, {self.rows_kept:,d} kept, "
            f"{self.rows_read - self.rows_kept:,d} set aside",
        ]
        for row in self.set_aside.itertuples():
            lines.append(f"           {row.rows:>9,d}  {row.reason}{row.where}")
        lines.append(
            "  findings " + ", ".join(count_of(self.count(level), level) for level in ("error", "warning", "note"))
        )
        for row in self.findings.itertuples():
            where = f"{row.column}: " if row.column else ""
            rows = f" [{count_of(row.rows, 'row')}]" if row.rows else ""
            lines.append(f"  {row.level:<8} {where}{row.what}{rows}" + (f" -> {row.remedy}" if row.remedy else ""))
        lines.append("")
        shown = [str(cell) for name in ("lowest", "middle", "highest") for cell in self.columns[name]]
        wide = max([12, *(len(cell) + 1 for cell in shown)])
        lines.append(
            f"  {'column':<27}{'known':<10}{'missing':>9}{'outside':>9}{'distinct':>10}  "
            f"{'lowest':>{wide}}{'middle':>{wide}}{'highest':>{wide}}"
        )
        for row in self.columns.itertuples():
            lines.append(
                f"  {row.column:<27}{row.known:<10}{row.missing_share:>8.1%}{row.outside:>10,d}"
                f"{row.distinct:>10,d}  {row.lowest:>{wide}}{row.middle:>{wide}}{row.highest:>{wide}}"
            )
        return "\n".join(lines)

    def __str__(self):
        return self.summary()


def quality_report(tape):
    """Check a tape.

    Parameters
    ----------
    tape : LoanTape

    Returns
    -------
    QualityReport

    Raises
    ------
    DataError
        If the frame breaks the schema (see :func:`p2prisk.tape.schema.validate`).

    Examples
    --------
    >>> from p2prisk import load
    >>> report = load("lendingclub-2018").quality()
    >>> report.rows_read, report.rows_kept, report.passed
    (10000, 10000, True)
    """
    frame = tape.frame
    findings, tallies = [], Tallies(frame)

    def find(level, what, column="", rows=0, remedy=""):
        findings.append({"level": level, "column": column, "what": what, "rows": int(rows), "remedy": remedy})

    outside, again = pd.DataFrame({"column": [], "rows": []}), None
    if tape.kind != "counts":
        tallies.make([name for name in frame if name in COLUMNS and _is_counted(name, frame[name])])
        outside, rows, stated = validate(frame, tallies), tape.row_numbers(), tape.provenance.get("units", {})
        for row in outside.itertuples():
            column = COLUMNS[row.column]
            most = (
                column.unit in _WRONG_UNIT and row.column not in stated and row.rows > 0.5 * tallies[row.column].known
            )
            find(
                "error" if most else "warning",
                f"outside {column.minimum:,g} to {row.ceiling:,g} {column.unit} (worst {_shown(row.worst)}, "
                f"first in row {rows[row.first_row - 1]:,d})",
                row.column,
                row.rows,
                _of_birth(tallies[row.column])
                if row.column == "age" and most
                else "check unit and entry; kept as it is",
            )
        again = _keys(frame, find, rows, tallies)
        _dates(frame, tape.provenance, find, rows, tallies)
        _units(frame, find, stated, rows, tallies)
        _spans(frame, find, stated, rows, tallies)
        _money(tape, find, rows, tallies)
        _codes(frame, find, tallies)
        _standing(frame, find, rows)
        _maturity(tape, find)
        _leakage(frame, find, tallies)
        _grades(tape, find)
        _outcome(tape, find)
        find_doubts(tape, find, lambda mask: _first(mask, rows), tallies)
    columns = _columns(frame, dict(zip(outside["column"], outside["rows"], strict=True)), tallies, again)
    _missing(frame, columns, find)
    _levels(frame, find)
    for name, why in tape.unused.items():
        if why.startswith("personal data"):
            find(
                "warning",
                f"{why}; no value is shown or written",
                masked_name(name),
                len(frame),
                "leave it out of the next export",
            )
    read = tape.provenance.get("rows_read", len(frame) + sum(entry["rows"] for entry in tape.set_aside))
    for entry in tape.set_aside:
        what = f"set aside: {entry['reason']}{where_rows(entry)}"
        remedy = entry.get("remedy", "check these lines" if entry.get("fault") else "")
        find(entry.get("level", _level_of(entry, read)), what, "", entry["rows"], remedy)
    for entry in tape.notes:
        find(entry.get("level", "note"), entry["what"], entry["column"], entry["rows"], entry.get("remedy", ""))
    decided = [name for name, why in tape.unused.items() if why.startswith("left out by decision")]
    plain = [name for name, why in tape.unused.items() if name not in decided and not why.startswith("personal data")]
    if decided:  # it was read, and is no column of the file by this name
        find("note", f"{len(decided)} column(s) left out by decision: {masked_names(decided)}")
    if plain:
        find("note", f"{len(plain)} column(s) of the file not read: {masked_names(plain)}")
    order = {level: place for place, level in enumerate(LEVELS)}
    table = pd.DataFrame(findings, columns=["level", "column", "what", "rows", "remedy"])
    table = table.sort_values("level", key=lambda s: s.map(order), kind="stable").reset_index(drop=True)
    aside = pd.DataFrame(
        [
            {
                "reason": e["reason"],
                "rows": e["rows"],
                "lines": ", ".join(map(str, e.get("lines", ()))),
                "where": where_rows(e),
            }
            for e in tape.set_aside
        ],
        columns=["reason", "rows", "lines", "where"],
    )
    return QualityReport(dict(tape.provenance), int(read), len(frame), aside, columns, table, frame)


def _level_of(entry, read):
    """How grave it is that rows were set aside: lines that may have been loans are, in numbers."""
    if "line" in entry.get("unit", "") and entry["rows"] > max(5, 0.02 * read):
        return "error"
    return "warning" if entry.get("fault") else "note"


def _first(mask, rows):
    """The first rows of a mask, by the numbers of the file."""
    found = rows[np.asarray(mask, dtype=bool)]
    return f"row{'s' * (len(found) > 1)} {', '.join(f'{row:,d}' for row in found[:3])}" + " ..." * (len(found) > 3)


def _plain(value):
    return pd.Timestamp(value) if isinstance(value, np.datetime64) else value


def _shown(value):
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "-"
    if isinstance(value, pd.Timestamp):
        return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
    if isinstance(value, str):
        return value if len(value) <= 11 else value[:10] + "…"
    if abs(value) >= 1e15:
        return f"{value:.3g}"
    if abs(value) >= 10_000 and np.isfinite(
        value
    ):  # four digits: enough to see a unit, too few to tell a person's number
        value = round(value, 3 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _is_counted(name, values):
    """Whether the distinct values of a column are counted: not of keys, and not of texts."""
    if name in COLUMNS and COLUMNS[name].known == "key" and name != "currency":
        return False
    kind = values.dtype
    counted = pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)
    return counted or isinstance(kind, pd.CategoricalDtype)


def _columns(frame, outside, tallies, again):
    rows = []
    for name in frame.columns:
        column, values = COLUMNS.get(name), frame[name]
        lowest = middle = highest = "-"
        if not _is_counted(name, values):
            missing = int(values.isna().sum())
            twice = repeated(values) if again is None or name != "loan_id" else again
            distinct = len(values) - missing - int(twice.sum())
        else:
            tally = tallies[name]
            missing, distinct = tally.missing, len(tally.values)
            if not distinct:
                pass
            elif isinstance(values.dtype, pd.CategoricalDtype):
                most = int(np.argmax(tally.counts))
                level = str(values.cat.categories[int(tally.values[most])])
                middle = _shown(level_shown(level, int(tally.counts[most])))
            elif pd.api.types.is_bool_dtype(values.dtype):
                middle = f"{tally.share_of(tally.values == True):.1%} yes"  # noqa: E712  doubles where there are gaps
            else:
                lowest, middle, highest = (
                    _shown(_plain(value)) for value in (tally.values[0], tally.median(), tally.values[-1])
                )
        rows.append(
            {
                "column": name,
                "known": column.known if column else "-",
                "block": column.block if column else "-",
                "missing": missing,
                "missing_share": missing / max(len(frame), 1),
                "outside": int(outside.get(name, 0)),
                "distinct": distinct,
                "lowest": lowest,
                "middle": middle,
                "highest": highest,
            }
        )
    return pd.DataFrame(rows)


def missing_by_year(frame):
    """Share missing by column and year of issue; one column ``all`` where there is no issue date.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        Index: columns of the tape known at issue; columns: years.
    """
    names = [
        name
        for name in frame.columns
        if name in COLUMNS and COLUMNS[name].known in ("issue", "platform") and name not in BLANK_IS_MEANT
    ]
    year = frame["issue_date"].dt.year if "issue_date" in frame else pd.Series("all", frame.index)
    year = year.astype("Int64") if year.dtype.kind == "f" else year
    return frame[names].isna().groupby(year).mean().T


def _missing(frame, columns, find):
    for row in columns.itertuples():
        if row.column in BLANK_IS_MEANT or row.missing == 0:
            continue
        if row.missing == len(frame):
            find("warning", "empty in every row", row.column, row.missing, "leave it out")
        elif row.missing_share >= _MANY_MISSING:
            find(
                "warning",
                f"{row.missing_share:.0%} missing",
                row.column,
                row.missing,
                "make 'missing' a class of its own or leave the column out; never drop the rows silently",
            )
    for row in columns.itertuples():
        if row.distinct == 1 and row.missing == 0 and row.known in ("issue", "platform") and len(frame) > 1:
            find("note", "constant: it can explain nothing", row.column)


def _levels(frame, find):
    for name in ("grade", "severity"):
        if name not in frame or not isinstance(frame[name].dtype, pd.CategoricalDtype):
            continue
        counts = frame.groupby(name, observed=True)["n"].sum() if "n" in frame else frame[name].value_counts(sort=False)
        if len(counts) < 2:
            find("warning", f"only one level ({counts.index[0] if len(counts) else 'none'}): nothing to model", name)
        for level, rows in counts.items():
            if rows < _FEW_IN_LEVEL:
                find(
                    "warning",
                    f"level {level if name == 'severity' else level_shown(level, rows)!r} has few loans",
                    name,
                    rows,
                    "merge it with its neighbour",
                )


def _grades(tape, find):
    """Grades whose order nobody stated, or whose order the losses contradict."""
    from p2prisk.tape.event import choose_event, grades_in_order, numbered

    frame = tape.frame
    if "grade" not in frame or not isinstance(frame["grade"].dtype, pd.CategoricalDtype):
        return
    words = tape.provenance.get("grade_words")
    if words is None:
        stated = tape.provenance.get("grade_order") == "stated"
        trial = LoanTape(frame, dict(tape.provenance), list(tape.set_aside), list(tape.notes), dict(tape.unused))
        try:
            asked = numbered([str(level) for level in frame["grade"].cat.categories]) and not stated
            trial = choose_event(trial)[0] if asked else grades_in_order(trial) if tape.kind == "resolved" else trial
        except DataError:  # no sample, so that no losses say anything
            trial = grades_in_order(LoanTape(frame.drop(columns="bad", errors="ignore"), dict(tape.provenance)))
        words = trial.provenance.get("grade_words")
    if words:
        remedy = "order: [best, ..., worst] under grade in the mapping"
        find("warning", words.rstrip("."), "grade", int(frame["grade"].notna().sum()), remedy)


def _outcome(tape, find):
    """A given outcome of which more than half is bad may be upside down."""
    if "bad" not in tape.provenance.get("mapped", ()):
        return
    unknown = tape.frame["bad"].isna()
    if unknown.any():
        what = f"no outcome ({_first(unknown, tape.row_numbers())}): not part of the study of outcomes"
        level = "error" if unknown.mean() > _MANY_MISSING else "warning"
        find(level, what, "bad", unknown.sum(), "give the outcome, or leave the rows out")
    bad = tape.frame["bad"].dropna().astype(bool)
    if len(bad) and bad.nunique() == 1:
        what = f"{'every' if bad.iloc[0] else 'no'} loan is bad: nothing to model"
        find("warning", what, "bad", remedy="check the column and the recode that make the outcome")
    elif len(bad) and bad.mean() > 0.5:
        what = f"{bad.mean():.0%} of the loans are bad: does the column mark the good ones?"
        words = tape.provenance.get("bad_words") or {"value of the bad": False, "value of the good": True}
        turned = ", ".join(f'"{word}": {"false" if mark else "true"}' for word, mark in words.items())
        find("warning", what, "bad", int(bad.sum()), f"recode: {{{turned}}} in the mapping if so")


def _by_share(rows, frame):
    """A wrong row in two hundred or more is an error; fewer are a warning, as they move no result."""
    return "error" if rows >= _SHARE_OF_ERROR * len(frame) else "warning"


def _keys(frame, find, rows, tallies):
    """Keys and rows that come again; which keys do is given back."""
    keys, again = frame.get("loan_id"), None
    content = [name for name in frame.columns if name in COLUMNS and COLUMNS[name].known != "key"]
    asked = (
        lambda: None if keys is None else repeated_or_alike(keys),
        lambda: doubled_rows(frame[content], tallies) if len(content) >= 5 else 0,
    )
    of_keys, doubled = over_columns(lambda ask: ask(), asked, len(frame))
    if keys is not None:
        gaps, (again, alike) = int(keys.isna().sum()), of_keys
        if again.any():
            find(
                _by_share(again.sum(), frame),
                f"the same key more than once ({_first(again, rows)})",
                "loan_id",
                again.sum(),
                "the study keeps the first row of a key; if the rows are month ends, name their date under "
                "record_date_from in the mapping, and the latest is kept; else check which column is the key",
            )
        if 0 < gaps < len(frame):
            find("warning", "rows without a key", "loan_id", gaps)
        if alike.any():
            find(
                _by_share(alike.sum(), frame),
                f"keys that differ only in capitals, blanks or leading zeros ({_first(alike, rows)})",
                "loan_id",
                alike.sum(),
                "write them alike in the export if they are one loan",
            )
    if doubled:
        find(
            "warning", "rows equal in every column but the key", "", doubled, "check whether loans were exported twice"
        )
    return again


def _years_only(frame, name, tallies):
    """Whether the dates of a column are years: all 1 January, of more than one year."""
    return name in frame and dates.year_only(pd.Series(tallies[name].values))


def _dates(frame, provenance, find, rows, tallies):
    if "issue_date" not in frame:
        return
    issued = frame["issue_date"]
    record = pd.Timestamp(provenance["record_date"]) if provenance.get("record_date") else None
    for name in ("issue_date", "last_payment_date", "closed_date"):
        late = frame[name] >= record + pd.Timedelta(days=1) if name in frame and record is not None else None
        if late is not None and name == "closed_date":  # that of a running loan may be its planned end
            late &= frame["resolved"].astype(bool) if "resolved" in frame else False
        if late is not None and late.any():
            what = f"{name.replace('_', ' ')} after the record date {record:%Y-%m-%d} ({_first(late, rows)})"
            find("error", what, name, late.sum(), "correct the rows, or the record date (--record-date)")
    none = np.zeros(len(frame), dtype=bool)
    if pd.Series(tallies["issue_date"].values).isin(_PLACEHOLDERS).any():
        none = issued.isin(_PLACEHOLDERS).to_numpy()
        days = sorted(f"{day:%Y-%m-%d}" for day in issued[none].unique())
        find(
            _by_share(none.sum(), frame),
            f"issue date on a day that often stands for none: {', '.join(days)} ({_first(none, rows)})",
            "issue_date",
            none.sum(),
            f"missing: [{', '.join(days)}] under issue_date in the mapping, as the file writes it, if so",
        )
    old = (issued < pd.Timestamp("1950-01-01")).to_numpy() & ~none
    if old.any():
        what = f"issue date before 1950 ({_first(old, rows)})"
        find(_by_share(old.sum(), frame), what, "issue_date", old.sum(), "check the date format in the mapping")
    if issued.isna().any():
        find("warning", "no issue date, so the loan belongs to no vintage", "issue_date", issued.isna().sum())
    stated = provenance.get("year_only", ())
    for name in ("issue_date", "last_payment_date", "closed_date"):
        if name in frame and (name in stated or _years_only(frame, name, tallies)):
            find(
                "warning",
                "dates are years only (all on 1 January): each is uncertain by up to a year"
                + (
                    ", and a loan counts as mature when its term has run out from the end of the year"
                    * (name == "issue_date")
                ),
                name,
                frame[name].notna().sum(),
                "map a full date if there is one, or name the column of the month under month_from",
            )
    for name in ("last_payment_date", "closed_date"):
        if name in frame:
            by_year = {name, "issue_date"} & set(stated) or any(
                _years_only(frame, each, tallies) for each in (name, "issue_date")
            )
            unit, begin = "M8[Y]" if by_year else "M8[M]", issued.to_numpy()  # of the year, or of the month
            ended = frame[name].to_numpy()
            wrong = (ended.astype(unit) if by_year else ended) < begin.astype(unit)
            if wrong.any():
                find(
                    _by_share(wrong.sum(), frame),
                    f"before the issue date ({_first(wrong, rows)})",
                    name,
                    wrong.sum(),
                    "check the date format in the mapping",
                )


def _standing(frame, find, rows):
    """Rows that a status does not place: they do not change the kind of the book."""
    if "status" not in frame:
        return
    status = frame["status"]
    unknown = status.isna() & (frame["days_past_due"].isna() if "days_past_due" in frame else True)
    for mask, what in ((unknown, "no status"), (status == "cancelled", "cancelled, so never a loan")):
        if mask.any() and not mask.all():
            find(
                "error" if mask.mean() > _MANY_MISSING and what == "no status" else "warning",
                f"{what} ({_first(mask, rows)}): not part of the study of outcomes",
                "status",
                mask.sum(),
                "give the status, or leave the rows out",
            )
    if "resolved" in frame and not unknown.all():
        running = ~frame["resolved"].astype(bool) & ~unknown & (status != "cancelled")
        if running.any() and has_ended(frame):
            what = (
                f"still running, in a file of ended loans ({_first(running, rows)}): not part of the study of outcomes"
            )
            find("warning", what, "status", running.sum())


def _codes(frame, find, tallies):
    """Values at which a column piles up far from its others: they may stand for missing."""
    for name in frame.columns:
        column = COLUMNS.get(name)
        if column is None or column.kind not in ("number", "integer") or column.known not in ("issue", "platform"):
            continue
        tally = tallies[name]
        if tally.known < 20:
            continue
        for code, count, why in codes_among(tally.values.astype(float), tally.counts):
            find(
                "warning",
                f"{count:,d} row{'s hold' if count > 1 else ' holds'} {as_written(code)}, and {why}: "
                "does it stand for missing?",
                name,
                count,
                f"missing: [{as_written(code)}] in the mapping if so",
            )
        zero = tally.sum_of(tally.values == 0)
        some = zero >= max(3, 0.001 * tally.known) and zero < tally.known
        lone = (
            name == "dti"
            and some
            and tally.values[tally.values > 0].min(initial=np.inf) > 0.05 * tally.median()
            and zero > 0.01 * tally.known
        )
        if (name in _NEVER_ZERO and some) or lone:
            find(
                "warning",
                f"{count_of(zero, 'row')} with 0: is it none, or not known?",
                name,
                zero,
                "missing: [0] in the mapping if it is not known",
            )


def _doubted(frame, name, stated, tallies):
    """Values of a column whose unit may be wrong: a unit that the mapping states is not doubted."""
    return tallies[name] if name in frame and name not in stated and tallies[name].known else None


def _units(frame, find, stated, rows, tallies):
    """Suspicions of a wrong unit in what is per cent."""
    for name in ("rate", "apr", "dti", "utilisation", "utilisation_all"):
        tally = _doubted(frame, name, stated, tallies)
        if tally is None:
            continue
        high, median = tally.quantile(0.99), tally.median()
        if name in ("rate", "apr") and tally.values[0] >= 1 and high <= 1.5 and len(tally.values) > 1:
            find(
                "error",
                f"all from {tally.values[0]:.4g} to {tally.values[-1]:.4g}: one and the rate, as a factor?",
                name,
                tally.known,
                "write 12.5 for 1.125 in the export, or unit: per cent in the mapping if it is right",
            )
        elif high <= 1.5 and tally.values[-1] > 0:
            find(
                "error",
                f"looks like a fraction (99 of 100 values up to {high:.3g}) where per cent is meant",
                name,
                tally.known,
                "unit: fraction in the mapping",
            )
        elif name in ("rate", "apr") and median > 100:
            find(
                "error",
                f"median {median:,.0f} per cent a year: basis points, or a comma lost",
                name,
                tally.known,
                "correct the export (1299 may be 12.99); of payday loans it may be right: "
                "unit: per cent in the mapping says so",
            )
        elif name in ("rate", "apr") and median < 2:
            find(
                "warning",
                f"median {median:.2g} per cent a year: a rate per month?",
                name,
                tally.known,
                "multiply by 12 in the export if so; unit: per cent in the mapping says that it is right",
            )
        below = _two_scales(tally)
        if below is not None:
            where = _first((frame[name] > 0) & (frame[name] < 1), rows)
            what = (
                f"two scales: {count_of(below.rows, 'row')} with fractions ({below.values[0]:.3g} to "
                f"{below.values[-1]:.3g}), the others per cent ({where})"
            )
            find("error", what, name, below.rows, "write all rows alike in the export")


def _spans(frame, find, stated, rows, tallies):
    """The same for terms and years with the employer."""
    term, employed = (_doubted(frame, name, stated, tallies) for name in ("term", "employment_years"))
    if employed is not None and employed.median() > 24:
        find(
            "error",
            f"median {employed.median():g} years with the employer: months?",
            "employment_years",
            employed.known,
            "unit: months as years in the mapping, or unit: years if it is right",
        )
    if term is None:
        return
    months, median = term.values, term.median()
    if (
        term.share_of(np.isin(months, [7, 14, 15, 21, 28, 30, 31, 60, 90])) > 0.9
        and median < 91
        and any(name in frame and tallies[name].known and tallies[name].median() > 60 for name in ("rate", "apr"))
    ):
        find(
            "warning",
            f"median term {median:g} at a rate above 60 per cent: days where months are meant?",
            "term",
            term.known,
            "unit: days as months in the mapping, or unit: months if it is right",
        )
    for unit, usual in (("days", DAYS), ("weeks", _WEEKS)):
        if term.share_of(np.isin(months, usual)) > 0.9 and not (months % 12 == 0).any():
            find(
                "warning",
                f"terms of {', '.join(f'{value:g}' for value in months[:3])}: {unit} where months are meant?",
                "term",
                term.known,
                f"unit: {unit} as months in the mapping, or unit: months if it is right",
            )
    short = months <= 5
    if short.any() and not short.all() and (months[~short] % 12 == 0).all():
        find(
            "warning",
            f"terms of {', '.join(f'{value:g}' for value in months[short])} beside "
            f"{', '.join(f'{value:g}' for value in months[~short][:4])}: years among months? "
            f"({_first(frame['term'] <= 5, rows)})",
            "term",
            term.sum_of(short),
            "write all rows alike in the export, or unit: months in the mapping if it is right",
        )
    if months[0] >= 1 and months[-1] <= 6:
        find(
            "error",
            f"longest term {months[-1]:g}: years where months are meant?",
            "term",
            term.known,
            "unit: years as months in the mapping, or unit: months if the loans are so short",
        )


def _money(tape, find, rows, tallies):
    """The same for incomes, and for amounts of two scales."""
    frame, stated, scale = tape.frame, tape.provenance.get("units", {}), money_scale(tape.frame, tallies)
    income = _doubted(frame, "income", stated, tallies)
    amount = _doubted(frame, "amount", (), tallies)
    _small_units(tape, find, tallies)
    if income is not None and amount is not None and "amount" not in stated:
        if amount.median() < 0.002 * income.median() and income.median() >= 1000:
            find(
                "warning",
                f"median loan of {amount.median():,.3g} is small beside a median income of {income.median():,.0f}: "
                "thousands?",
                "amount",
                amount.known,
                "unit: thousand in the mapping if so",
            )
    if income is not None:
        median, lent = income.median(), None if amount is None else amount.median()
        if median < 1000 and (lent is None or median < lent):
            find(
                "error",
                f"median income {median:,.0f} a year: thousands?",
                "income",
                income.known,
                "unit: thousand in the mapping",
            )
        elif lent is not None and median < (0.8 if _of_consumers(frame, tallies) else 0.3) * lent:
            find(
                "warning",
                f"median income {median:,.0f} a year is small beside a median loan of {lent:,.0f}: income per month?",
                "income",
                income.known,
                "unit: per month in the mapping, or unit: per year if it is right",
            )
    for name, money in (("income", income), ("amount", amount)):
        low = _thousands(money, scale) if money is not None and name not in stated else None
        if low is not None:
            find(
                _by_share(low.rows, frame),
                f"two scales: {count_of(low.rows, 'row')} with {low.values[0]:,.4g} to {low.values[-1]:,.4g}, a "
                f"thousandth of what the others do ({_first((frame[name] > 0) & (frame[name] < 1000 * scale), rows)})",
                name,
                low.rows,
                "write all rows alike in the export",
            )
        elif money is not None and name not in stated:
            _two_heaps(name, money, frame, find, rows)


def _small_units(tape, find, tallies):
    """Loans or incomes of more than a hundred million, of a currency that has no such small units, or of none named."""
    frame, own = tape.frame, str(tape.provenance.get("currency") or "")
    if own in SMALL_UNITS:
        return
    known = {name: tallies[name] for name in ("amount", "income") if name in frame and tallies[name].known}
    middle = {name: float(tally.median()) for name, tally in known.items()}
    alike = len(middle) == 2 and 0.01 <= middle["amount"] / max(middle["income"], 1.0) <= 20
    for name, median in middle.items():
        if median > COLUMNS[name].maximum:
            find(
                "error" if own else "note" if alike else "warning",
                f"median {_shown(median)}: " + (f"is it {own}?" if own else "of a currency of small units?"),
                name,
                known[name].known,
                "currency: IDR, for instance, in the mapping if so; else it is another unit, or the wrong column",
            )


def _two_heaps(name, money, frame, find, rows):
    """Amounts of money in two heaps, a twelfth or a hundredth apart: of a month and of a year, in cents and whole."""
    factor, part, what = (12, "twelfth", "per month") if name == "income" else (100, "hundredth", "in cents")
    low = _heap(money, factor)
    if low is not None:
        first = _first((frame[name] > 0) & (frame[name] <= low.values[-1]), rows)
        find(
            "warning",
            f"two heaps: {count_of(low.rows, 'row')} with {low.values[0]:,.4g} to {low.values[-1]:,.4g}, about a "
            f"{part} of what the others do: are some of them {what}? ({first})",
            name,
            low.rows,
            "write all rows alike in the export" + ", or unit: per year in the mapping if it is right" * (factor == 12),
        )
    elif name == "income" and (few := _few_months(money)) is not None:
        low, high = few.values[0], few.values[-1]
        first = _first(frame[name].between(low, high), rows)
        find(
            "note",
            f"{count_of(few.rows, 'row')} with {low:,.4g} to {high:,.4g}, about a twelfth of the median of "
            f"{money.median():,.0f}, and few lie between: incomes per month among those per year? ({first})",
            name,
            few.rows,
            "write all rows alike in the export, or unit: per year in the mapping if it is right",
        )


def _few_months(tally):
    """The values of a second, small heap at a twelfth of the median of all; None if the evidence is lacking.

    In logarithms, of windows as wide as 1.2 standard deviations: of one heap the density only falls below the median,
    so that a window at a twelfth holds fewer rows than any between. It must hold five rows and four values, and so many
    more than the emptiest between that chance gives as many once in 1,000 times.
    """
    known = tally.part(tally.values > 0)
    if known.rows < 100 or len(known.values) < 20:
        return None
    logs, middle, way = np.log(known.values.astype(float)), np.log(known.median()), np.log(12)
    half = min(0.6 * max(np.log(known.quantile(0.75) / known.quantile(0.25)) / 1.349, 0.15), way / 5)

    def near(step):
        return known.part(np.abs(logs - (middle - step)) <= half)

    heap, between = near(way), min(near(step).rows for step in np.linspace(0.4, 0.8, 9) * way)
    if heap.rows < 5 or len(heap.values) < 4 or heap.rows <= between:
        return None
    from scipy.special import bdtrc  # few tapes come here, and SciPy's distributions take a second to import

    return heap if bdtrc(heap.rows - 1, heap.rows + between, 0.5) < 1e-3 else None


def _heap(tally, factor):
    """The lower of two heaps of values that lie apart by about a factor; None if there is one heap.

    The cut is where the variance between the heaps is largest. Two halves of one normal distribution of logarithms lie
    2.7 of their standard deviations apart (Ashman's D); incomes and loans of real books 2.1 to 3.0, and those of which
    a part is divided by 12 mostly 4 and more.
    """
    known = tally.part(tally.values > 0)
    if known.rows < 20 or len(known.values) < 10:
        return None
    logs, counts = np.log(known.values.astype(float)), known.counts
    n, first, second = np.cumsum(counts), np.cumsum(counts * logs), np.cumsum(counts * logs**2)
    left, right = n[:-1], n[-1] - n[:-1]
    below, above = first[:-1] / left, (first[-1] - first[:-1]) / right
    cut = int(np.argmax(left * right * (above - below) ** 2))
    apart = above[cut] - below[cut]
    spread = (second[cut] / left[cut] - below[cut] ** 2, (second[-1] - second[cut]) / right[cut] - above[cut] ** 2)
    ashman = apart / np.sqrt(max(np.mean(spread), 1e-12))
    if min(left[cut], right[cut]) < 3 or ashman < 3.5 or not 0.7 < apart / np.log(factor) < 1.3:
        return None
    return known.part(np.arange(len(known.values)) <= cut)


def _of_consumers(frame, tallies):
    """Whether loans are short enough to be repaid from a year's income or so; a mortgage is not."""
    return "term" in frame and bool(tallies["term"].known) and bool(tallies["term"].median() <= 84)


def _of_birth(tally):
    """The way out where ages are no ages: years of birth, or another unit."""
    if 1900 < tally.median() < 2100:
        return 'years of birth? years_before: issue_date and date: ["%Y"] under age in the mapping'
    return "unit: months as years in the mapping, or unit: years if it is right"


def _two_scales(tally):
    """The fractions in a column of per cent: below one, and far from all others or far too many; or None."""
    below, above = tally.part((tally.values > 0) & (tally.values < 1)), tally.part(tally.values >= 1)
    least = max(3, _SHARE_OF_ERROR * tally.known)
    if below.rows < least or above.rows < least:
        return None
    if above.values[0] >= 3 * below.values[-1]:
        return below
    # without a gap: far more than lie between one and two, and times 100 like the others
    inside = (100 * below.values >= above.quantile(0.02)) & (100 * below.values <= above.quantile(0.98))
    crowd = max(10, 0.02 * tally.known, 3 * tally.sum_of((tally.values >= 1) & (tally.values < 2)))
    return below if below.rows > crowd and below.share_of(inside) >= 0.8 else None


def _thousands(tally, scale):
    """Amounts that are a thousandth of what the others are: most of them, times 1,000, lie among these; or None."""
    few = 1000 * scale
    low, high = tally.part((tally.values > 0) & (tally.values < few)), tally.part(tally.values >= few)
    if low.rows < 3 or low.rows > 0.5 * tally.known or not high.rows or high.median() < 5 * few:
        return None
    inside = (1000 * low.values >= high.quantile(0.02)) & (1000 * low.values <= high.quantile(0.98))
    return low if low.share_of(inside) >= 0.8 else None


def _maturity(tape, find):
    frame = tape.frame
    if "mature" not in frame or "resolved" not in frame:
        if tape.kind == "no outcome":
            find("note", "no outcome: the tape can show who borrows and how they are graded, not who repays")
        return
    mature, resolved = frame["mature"].astype(bool), frame["resolved"].astype(bool)
    if mature.all():
        return
    if resolved.all():
        what = (
            "ended before their contracted term: this file holds ended loans only, so early repayments "
            "and early losses are over-represented in these vintages"
        )
        remedy = "fit and report keep the vintages that had run out by themselves (p2prisk.tape.resolved_cohort)"
        if mature.sum() < SMALL:
            remedy = f"fit and report use all loans, as fewer than {SMALL} had run to their term"
            if dated_by_issue(tape):
                what = (
                    "this file holds ended loans only, and no date after its last issue: whether they ran to their "
                    "term is not known; if not, early repayments and early losses are over-represented"
                )
                remedy = "record_date in the mapping, or --record-date; until then fit and report use all loans"
        find("warning", what, "mature", int((~mature).sum()), remedy)
    elif (~mature & ~resolved).any():
        find(
            "note",
            "still inside their contracted term at the record date: their outcome is not final",
            "mature",
            int((~mature & ~resolved).sum()),
        )


def _area(tally, of_bad, category):
    """Area under the ROC curve of one column alone, in the better direction; NaN if an outcome is absent.

    It is computed from the distinct values of all rows and of the bad ones; a missing value is a class of its own. A
    category is ranked by its own share of bad ones, so that the figure of one with many levels is too good.
    """
    positives, negatives = of_bad.rows, tally.rows - of_bad.rows
    if not positives or not negatives or not tally.known and not category:
        return float("nan")
    counts, bad = tally.counts, of_bad.counts_in(tally)
    if tally.missing:
        last = category or of_bad.missing / tally.missing >= bad.sum() / tally.known
        join = (lambda many, one: np.append(many, one)) if last else (lambda many, one: np.append(one, many))
        counts, bad = join(counts, tally.missing), join(bad, of_bad.missing)
    if category:  # ranked by the share of bad ones; classes with the same share are one
        _, place = np.unique(bad / counts, return_inverse=True)
        counts, bad = np.bincount(place, counts), np.bincount(place, bad)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    area = (bad @ ranks - positives * (positives + 1) / 2) / (positives * negatives)
    return float(max(area, 1 - area))


def _leakage(frame, find, tallies):
    if "bad" not in frame:
        return
    known = frame["bad"].notna().to_numpy()
    bad = frame.loc[known, "bad"].astype(bool).to_numpy()
    if bad.sum() < 20 or (~bad).sum() < 20:
        return

    def area_of(name):
        values = frame[name] if known.all() else frame.loc[known, name]
        category = isinstance(values.dtype, pd.CategoricalDtype)
        if category and len(values.cat.categories) > len(values) / 20:
            return float("nan")
        tally = tallies[name] if known.all() else Tally(values)
        return _area(tally, Tally(values[bad]), category) if len(tally.values) > 1 else float("nan")

    asked = [
        name
        for name in frame.columns
        if (column := COLUMNS.get(name)) and column.known in ("issue", "platform") and column.kind != "date"
    ]
    for name, area in zip(asked, over_columns(area_of, asked, len(frame)), strict=True):
        if area >= LEAKAGE_AUC:
            find(
                "error",
                f"alone ranks the outcome with an AUC of {area:.3f}: was it written after the outcome?",
                name,
                len(bad),
                "leave it out unless you can show when it was recorded",
            )
