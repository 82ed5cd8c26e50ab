"""The loan tape itself: loans in canonical columns, with where they come from and what was set aside."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.tape.tally import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from p2prisk.kinds import DateLike, PathLike
    from p2prisk.tape.quality import QualityReport

#: what a tape says of itself beside its rows
_ABOUT = ("provenance", "set_aside", "notes", "unused")


@dataclass
class LoanTape:
    """A set of loans, one row a loan, in canonical columns, with where they come from.

    Attributes
    ----------
    frame : pandas.DataFrame
        The loans; columns as in :data:`p2prisk.tape.COLUMNS`. A committed table of counts has classes of
        those columns and a column ``n``.
    provenance : dict
        ``name``, ``title``, ``source``, ``licence``, ``period``, ``citation``, ``rows_read``, ``sha256``,
        ``record_date`` and whatever else a reader learned.
    set_aside : list of dict
        Rows not in `frame`: ``reason``, ``rows`` (count) and, where known, ``lines`` (first line numbers).
    notes : list of dict
        Recodings and conversions: ``column``, ``what``, ``rows``.
    unused : dict
        Source column -> why it is not in `frame`.
    rows : ndarray of int, optional
        Number of each row in the file it was read from (data rows from 1; rows of the sheet for a workbook).
    """

    frame: pd.DataFrame
    provenance: dict = field(default_factory=dict)
    set_aside: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    unused: dict = field(default_factory=dict)
    rows: np.ndarray | None = None

    def __len__(self):
        return len(self.frame)

    def __repr__(self):
        name = self.provenance.get("name") or self.provenance.get("path") or "unnamed"
        aside = sum(entry["rows"] for entry in self.set_aside)
        return (
            f"LoanTape({name}: {len(self.frame):,d} rows x {self.frame.shape[1]} columns, {self.kind}, "
            f"{aside:,d} set aside)"
        )

    @property
    def kind(self) -> Any:
        """``counts``, ``resolved`` (the loans have ended, up to strays), ``live``, ``outcome as given`` (good or bad,
        whatever the source meant by it), or ``no outcome``."""
        from p2prisk.tape.severity import has_ended

        if "n" in self.frame:
            return "counts"
        if "resolved" in self.frame:
            return "resolved" if has_ended(self.frame) else "live"
        return "outcome as given" if "bad" in self.frame or "severity" in self.frame else "no outcome"

    @property
    def simulated(self) -> Any:
        """Whether any row is simulated."""
        return bool(self.provenance.get("simulated", False)) or (
            "simulated" in self.frame and bool(self.frame["simulated"].any())
        )

    def known_at_issue(self, block: Any = None) -> Any:
        """Admissible predictors of this tape, see :func:`p2prisk.tape.known_at_issue`."""
        from p2prisk.tape.columns import known_at_issue

        return known_at_issue(self, block)

    def quality(self) -> QualityReport:
        """Check the tape.

        Returns
        -------
        QualityReport
            See :mod:`p2prisk.tape.quality`.
        """
        from p2prisk.tape.quality import quality_report

        return quality_report(self)

    def as_of(self, date: DateLike, lag: int | None = None) -> Any:
        """Wind the tape back to a day: later loans and later outcomes are not there, see :func:`p2prisk.tape.as_of`."""
        from p2prisk.tape.wind_back import as_of

        return as_of(self, date, lag)

    def keep(self, mask: ArrayLike, reason: str) -> LoanTape:
        """Return a tape with the rows of `mask`; the others are counted as set aside.

        Parameters
        ----------
        mask : array of bool, one a row
            Rows to keep.
        reason : str
            Why the others are set aside.

        Raises
        ------
        DataError
            If no row remains.
        """
        mask = pd.Series(mask, index=self.frame.index)
        if mask.isna().any():
            raise DataError(
                f"the rule {reason!r} is undecided for {int(mask.isna().sum()):,d} rows; "
                "say for each row whether it is kept"
            )
        mask = mask.astype(bool)
        if not mask.any():
            raise DataError(f"no row is left after setting aside: {reason}")
        aside = list(self.set_aside)
        rows = self.row_numbers()
        if not mask.all():
            gone = rows[~mask.to_numpy()]
            aside.append({"reason": reason, "rows": len(gone), "lines": [int(row) for row in gone[:5]]})
        frame = drop_unused_levels(self.frame[mask].reset_index(drop=True))
        return LoanTape(frame, dict(self.provenance), aside, list(self.notes), dict(self.unused), rows[mask.to_numpy()])

    def row_numbers(self) -> np.ndarray:
        """Number of each row in the file; those of the frame where the file's are not known."""
        if self.rows is not None and len(self.rows) == len(self.frame):
            return np.asarray(self.rows)
        return np.arange(1, len(self.frame) + 1)

    def account(self) -> str:
        """Account for every row of the file: how many were read, which are set aside, and why.

        Examples
        --------
        >>> frame = pd.DataFrame({"amount": [1.0, 2.0, 3.0]})
        >>> print(LoanTape(frame, {"rows_read": 3}).keep([True, False, True], "no status").account())
        3 rows read, 2 kept, 1 set aside
                  1  no status (row 2)
        """
        aside = sum(entry["rows"] for entry in self.set_aside)
        return account(self.provenance.get("rows_read", len(self.frame) + aside), len(self.frame), self.set_aside)

    def private(self) -> LoanTape:
        """The tape without what tells a person: for reports and whatever else leaves the lender.

        Keys are running numbers in order of first appearance, counterparties and custody accounts are called by their
        rank, and a level of a category that fewer than five loans have, or that looks personal, is pooled
        (:func:`p2prisk.tape.privacy.pooled`); levels that the column table fixes stay.

        Examples
        --------
        >>> tape = LoanTape(pd.DataFrame({"loan_id": ["x", "y"], "region": pd.Categorical(["Li Wei", "Li Wei"])}))
        >>> tape.private().frame.iloc[0].tolist()
        ['1', 'other (fewer than 5 loans each)']
        """
        from p2prisk.tape.columns import COLUMNS
        from p2prisk.tape.privacy import pooled, shown_levels

        frame = self.frame.copy(deep=False)  # columns are replaced, never changed
        if "n" in frame:
            return self
        for name in frame.columns:
            column, values = COLUMNS.get(name), frame[name]
            if column is None or name == "currency":
                continue
            if column.known == "key" and column.kind == "text":
                codes, known = pd.factorize(values)
                label = {"counterparty": "party ", "custody_account": "account "}.get(name, "")
                ranks = (
                    pd.Series(codes[codes >= 0]).value_counts(sort=bool(label)).index if label else range(len(known))
                )
                order = {code: f"{label}{place}" for place, code in enumerate(ranks, 1)}
                frame[name] = pd.Series(codes, frame.index).map(order).astype(object)
            elif column.kind == "category" and not column.levels:
                frame[name] = pooled(shown_levels(values))
        return replace(self, frame=frame)

    def write(self, folder: PathLike) -> None:
        """Store the tape as ``frame.parquet`` and ``about.json``, for :meth:`stored` to read.

        Parameters
        ----------
        folder : path-like
            Made if absent.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.frame.to_parquet(folder / "frame.parquet")
        about = {name: getattr(self, name) for name in _ABOUT}
        about["objects"] = [str(name) for name in self.frame.columns if self.frame[name].dtype == object]
        about["rows"] = None if self.rows is None else [int(row) for row in self.rows]
        plain = lambda value: value.item() if hasattr(value, "item") else str(value)  # noqa: E731  numpy's numbers
        (folder / "about.json").write_text(json.dumps(about, default=plain, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def stored(cls, folder: PathLike) -> Any:
        """Read a tape that :meth:`write` stored: the same rows, types and order of levels.

        Raises
        ------
        DataError
            If the folder holds none.

        Examples
        --------
        >>> import tempfile
        >>> tape = LoanTape(pd.DataFrame({"grade": pd.Categorical(["B"], ["A", "B"], ordered=True)}), {"rows_read": 1})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tape.write(folder)
        ...     again = LoanTape.stored(folder)
        >>> list(again.frame["grade"].cat.categories), again.provenance
        (['A', 'B'], {'rows_read': 1})
        """
        folder = Path(folder)
        if not (folder / "about.json").is_file():
            raise DataError(f"no tape is stored in {folder}; p2prisk report FILE stores the one it studies")
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        as_objects = dict.fromkeys(about.pop("objects"), object)  # Parquet gives texts a type of their own
        if about.get("rows") is not None:
            about["rows"] = np.array(about["rows"])
        return cls(pd.read_parquet(folder / "frame.parquet").astype(as_objects), **about)


def where_rows(entry):
    """The first rows or lines of an entry of ``set_aside``, for print."""
    places = entry.get("lines") or ()
    if not places:
        return ""
    word = entry.get("unit", "row") + ("s" if entry["rows"] > 1 else "")
    return f" ({word} {', '.join(f'{place:,d}' for place in places)}{' ...' if entry['rows'] > len(places) else ''})"


def drop_unused_levels(frame):
    """Drop categories that no row has, so that a model has no empty class."""
    for name in frame.columns:
        kind = frame[name].dtype
        if isinstance(kind, pd.CategoricalDtype):
            used, _ = counted(frame[name].cat.codes.to_numpy())
            used = used[used >= 0]
            if len(used) < len(kind.categories):
                places = np.full(len(kind.categories) + 1, -1, dtype=np.int8 if len(used) < 127 else np.int64)
                places[used] = np.arange(len(used))
                levels = pd.CategoricalDtype(kind.categories[used], kind.ordered)
                codes = places[frame[name].cat.codes.to_numpy()]
                frame[name] = pd.Series(pd.Categorical.from_codes(codes, dtype=levels), frame.index)
    return frame


def account(read: int, kept: int, set_aside: list, what: str = "kept") -> str:
    """Every row of a file: read, kept, set aside and why; entries of the same reason are added up."""
    reasons: dict = {}
    for entry in set_aside:
        known = reasons.setdefault(entry["reason"], {**entry, "rows": 0, "lines": []})
        known["rows"] += entry["rows"]
        known["lines"] = [*known["lines"], *(entry.get("lines") or ())][:5]
    aside = sum(entry["rows"] for entry in reasons.values())
    lines = [f"{count_of(read, 'row')} read, {kept:,d} {what}, {aside:,d} set aside"]
    return "\n".join(
        [*lines, *(f"{entry['rows']:>11,d}  {entry['reason']}{where_rows(entry)}" for entry in reasons.values())]
    )
