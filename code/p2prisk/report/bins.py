"""The classes of every trait: counts, bad rates and weights of evidence, on the loans of the fit and on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.scorecard.classes import monotone_classes
from p2prisk.standard import _marks_the_year

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

#: classes of a trait of levels; the loans of the others are together in one
_MOST = 15


def sides(study: TapeStudy) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the sample that a model was built on, and those that it was tested on; all and none without a test."""
    known = study.bad.notna().to_numpy()
    if study.parts["test on other loans"]:
        return known, np.zeros(len(known), dtype=bool)
    build = study.judged.build
    tested = study.judged.tested_rows
    return build & known, tested & known


def bin_table(study: TapeStudy) -> pd.DataFrame:
    """Every class of every trait known at issue.

    Classes are made on the loans of the fit alone; numbers are cut where the bad rate only rises, or only falls
    (:func:`p2prisk.scorecard.classes.monotone_classes`).

    Parameters
    ----------
    study : TapeStudy

    Returns
    -------
    pandas.DataFrame
        ``trait``, ``class``, ``loans``, ``bad`` (share), ``woe`` (log of the share of the good over the share of the
        bad loans; a class without one side is given one loan of it, and of the other as many as all loans have to
        one: its sign is that of its own share, however few its loans) of the fit, ``tested``, ``bad_tested``,
        ``woe_tested``; the traits with most information first.

    Raises
    ------
    DataError
        No trait has classes.
    """
    build, test = sides(study)
    frame, weights = study.sample.frame, study.weights
    bad = study.bad.fillna(0).to_numpy(dtype=float)
    parts = []
    for name in study.information()["predictor"]:
        codes, labels = _classes(frame[name], build, bad, "n" in frame)
        rows: dict[str, Any] = {"trait": name, "class": labels}
        for side, names in ((build, ("loans", "bad", "woe")), (test, ("tested", "bad_tested", "woe_tested"))):
            loans = np.bincount(codes[side], weights[side], len(labels))
            lost = np.bincount(codes[side], (weights * bad)[side], len(labels))
            with np.errstate(divide="ignore", invalid="ignore"):
                rows |= {names[0]: loans.astype(int), names[1]: lost / loans, names[2]: _woe(loans, lost)}
        parts.append(pd.DataFrame(rows))
    if not parts:
        raise DataError("no trait has classes")
    table = pd.concat(parts, ignore_index=True)
    return table[(table["loans"] > 0) | (table["tested"] > 0)].reset_index(drop=True)


def sides_sentence(study: TapeStudy) -> str:
    """On which loans the classes were made, and on which they are compared, in words."""
    build, test = sides(study)
    made, others = int(study.weights[build].sum()), int(study.weights[test].sum())
    if not others:
        return f"Classes are made on all {made:,d} loans with a known outcome: there is no test to compare them with."
    text = f"Classes are made on {made:,d} loans and compared with {others:,d} others: {study.judged.tested}."
    if study.judged.name == "hazard" and study.event is not None and study.event.kind == "final":
        text += " Both are counted by their final outcomes; the model of the test knew what was on file on its day."
    return text


def _classes(values, build, bad, counts):
    """Class of each row and names of the classes; made on the rows of the fit."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and not counts:
        number = values.to_numpy(dtype=float, na_value=np.nan)
        made = monotone_classes(number[build], bad[build] > 0)
        edges = made["upper"].dropna().to_numpy()[:-1]
        shown = [_limit(edge, number) for edge in edges]
        labels = [f"up to {shown[0]}"] if shown else ["any number"]
        labels += [f"over {a} to {b}" for a, b in zip(shown, shown[1:], strict=False)]
        labels += [f"over {shown[-1]}"] if shown else []
        gap = np.isnan(number)
        codes = np.where(gap, len(labels), np.searchsorted(edges, number, side="left"))
        return codes, [*labels, "missing"]
    level = values.astype(object).where(values.notna(), "missing").astype(str).to_numpy()
    common = pd.Series(level[build]).value_counts().index[:_MOST]
    order = [str(v) for v in values.cat.categories] if hasattr(values, "cat") else sorted(common)
    labels = [name for name in order if name in common] + ["missing"] * ("missing" in common and "missing" not in order)
    codes = pd.Index(labels).get_indexer(level)
    return np.where(codes < 0, len(labels), codes), [*labels, "others"]


def _limit(edge, number):
    """A limit of a class for print, with as many digits as put every loan on the side on which it is counted.

    Examples
    --------
    >>> _limit(49_999.98, np.array([49_999.98, 50_000.0])), _limit(16 / 3, np.array([5.0, 16 / 3, 6.0]))
    ('49,999.98', '5.33334')
    """
    below, text = (number <= edge).sum(), ""
    for digits in range(6, 17):
        step = 10.0 ** (np.floor(np.log10(abs(edge))) + 1 - digits) if edge else 0.0
        for value in (edge, edge + step / 2):
            text = f"{value:,.{digits}g}"
            if (number <= float(text.replace(",", ""))).sum() == below:
                return text
    return text


def _woe(loans, bad):
    good, odds = loans - bad, (loans - bad).sum() / bad.sum()
    more_good, more_bad = np.where(bad == 0, odds, good == 0), np.where(good == 0, 1 / odds, bad == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(loans > 0, np.log((good + more_good) / (bad + more_bad) / odds), np.nan)


def gaps_by_year(study: TapeStudy) -> pd.DataFrame:
    """Share missing of every trait by year of issue, and whether its gaps mark the year.

    Parameters
    ----------
    study : TapeStudy

    Returns
    -------
    pandas.DataFrame
        ``trait``, a column a year, ``marks the year``: why the gaps tell the year and not the borrower, or ``no``.

    Raises
    ------
    DataError
        No trait known at issue has a gap, or no loan a date.
    """
    frame = study.sample.frame
    if "issue_date" not in frame:
        raise DataError("the tape has no issue date")
    years = frame["issue_date"].dt.year
    rows = []
    for name in study.sample.known_at_issue():
        gap = frame[name].isna()
        if name in ("issue_date", "issue_year") or not gap.any():
            continue
        share = gap.groupby(years).mean()
        rows.append(
            {"trait": name, **{str(int(year)): float(value) for year, value in share.items()}}
            | {"marks the year": _marks_the_year(frame[name], frame["issue_date"]) or "no"}
        )
    if not rows:
        raise DataError("no trait known at issue has a missing value among the loans studied")
    return pd.DataFrame(rows)


def gaps_sentence(study: TapeStudy) -> Any:
    """Which traits' gaps mark the year, in words."""
    table = gaps_by_year(study)
    marked = table.loc[table["marks the year"] != "no", "trait"].tolist()
    if len(table) == 1:
        said = f"One trait has missing values, {table['trait'].iloc[0]}: its gaps"
        if not marked:
            return f"{said} do not mark the year of issue."
        return f"{said} mark the year of issue, and not the borrower. No model of this study uses it by itself."
    if not marked:
        return f"Of {len(table)} traits with missing values none has gaps that mark the year of issue."
    verb = "has" if len(marked) == 1 else "have"
    it = "it" if len(marked) == 1 else "them"
    return (
        f"Of {len(table)} traits with missing values {len(marked)} {verb} gaps that mark the year of issue, and not "
        f"the borrower: {', '.join(marked)}. No model of this study uses {it} by itself."
    )
