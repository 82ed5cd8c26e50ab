"""What a score card asks of a borrower: characteristics, their attributes, and how raw columns become attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.tape.classes import to_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = "missing"
_TRANSFORMS: dict[str, Any] = {"identity": np.array, "log": np.log, "log1p": np.log1p, "log2": np.log2}
_NUMBER = re.compile(r"^(?:(?:np\.)?(log1p|log2|log)\()?\s*([A-Za-z_]\w*)\s*\)?$")


@dataclass(frozen=True)
class Characteristic:
    """One characteristic of a score card.

    Attributes
    ----------
    name : str
        Column of the frame that is scored.
    kind : {"class", "number"}
        A class has attributes with points of their own; a number has points that follow it.
    parameters : tuple of str
        Slopes of the ordered logit that it uses.
    levels : tuple
        Attributes of a class. ``"missing"`` among them is the estimated attribute of a missing value.
    rows : tuple of tuple
        Values of the design columns for each attribute, one row a level.
    transform : {"identity", "log", "log1p", "log2"}
        Of a number.
    least, most : float
        Smallest and largest value of a number in the fitted data; beyond them a row has drifted.
    low, high : float
        Range to which a number is held before it is scored.
    missing_row : tuple or None
        Design values of a missing number; ``None`` when none was estimated.
    band : dict or None
        How to make the attribute from another column: ``column``, and ``cuts`` or ``groups``.
    spare : object
        Attribute that stands in for a rare or new one; ``None`` when there is none.
    rare : tuple
        Levels that the fit itself put into `spare`; they are no drift.
    mean : tuple
        Weighted mean of the design columns in the fitted data; of a standard model, those of its usual loan.
    """

    name: str
    kind: str
    parameters: tuple
    levels: tuple = ()
    rows: tuple = ()
    transform: str = "identity"
    least: float = -np.inf
    most: float = np.inf
    low: float = -np.inf
    high: float = np.inf
    missing_row: tuple | None = None
    band: dict | None = None
    spare: object = None
    rare: tuple = field(default_factory=tuple)
    mean: tuple = ()

    @property
    def usual(self) -> bool:
        """Whether `mean` is that of one usual loan and no average: a class, or the value that fills a gap."""
        if self.kind == "class":
            return self.mean in self.rows
        return self.missing_row is not None and self.mean == (self.missing_row[0], *(0.0 for _ in self.mean[1:]))

    @property
    def source(self) -> str:
        """Column that raw data have: the banded one, or the characteristic's own."""
        return self.name if self.band is None else self.band["column"]

    def values(self, frame: pd.DataFrame) -> pd.Series:
        """The column to score: the characteristic's own if the frame has it, else made from the raw one.

        Raises
        ------
        DataError
            Neither is there.
        """
        if self.name in frame:
            return frame[self.name]
        if self.band is None or self.band["column"] not in frame:
            other = "" if self.band is None else f" or {self.band['column']}"
            raise DataError(f"the score card needs {self.name}{other}, which the frame does not have")
        raw = frame[self.band["column"]]
        if "cuts" in self.band:
            levels = [level for level in self.levels if level != MISSING]
            return pd.Series(
                to_classes(raw.to_numpy(dtype=float, na_value=np.nan), self.band["cuts"], levels), index=frame.index
            )
        known = {str(key): value for key, value in self.band["groups"].items()}
        mapped = [known.get(str(level), str(level)) for level in pd.Categorical(raw).categories]
        codes = pd.Categorical(raw).codes
        return pd.Series(np.array([*mapped, None], dtype=object)[codes], index=frame.index)

    def codes(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Attribute of every row of a class, and what is wrong with it.

        Returns
        -------
        codes : ndarray of int
            Place in `levels`; -1 where no attribute was estimated for what the row holds.
        missing, new : ndarray of bool
        """
        column = self.values(frame)
        if isinstance(column.dtype, pd.CategoricalDtype):
            raw, seen = column.cat.codes.to_numpy(), list(column.cat.categories)
        else:
            raw, seen = pd.factorize(column)
        gap = raw < 0
        place = {str(level): i for i, level in enumerate(self.levels)}
        other = place.get(str(self.spare), -1) if self.spare is not None else -1
        found = np.array([place.get(_text(level), -2) for level in seen] + [place.get(MISSING, -1)], dtype=np.int32)
        rare = np.array([_text(level) in set(map(str, self.rare)) for level in seen] + [False])
        codes = found[raw]
        new = (codes == -2) & ~rare[raw]
        return np.where(codes == -2, other, codes), gap, new

    def design(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Design values of every row, shape (n, parameters), with flags ``missing, new, outside``, all (n,).

        A row for which no value was estimated is NaN.
        """
        if self.kind == "class":
            codes, gap, new = self.codes(frame)
            table = np.vstack([np.asarray(self.rows, float), np.full((1, len(self.parameters)), np.nan)])
            return table[codes], gap, new, np.zeros(len(frame), bool)
        number, gap, outside = self.number(frame)
        values = np.zeros((len(frame), len(self.parameters)))
        with np.errstate(divide="ignore", invalid="ignore"):
            values[:, 0] = _TRANSFORMS[self.transform](number)
        if gap.any():
            values[gap] = np.nan if self.missing_row is None else self.missing_row
        return values, gap, np.zeros(len(frame), bool), outside

    def number(self, frame: pd.DataFrame) -> Any:
        """Values of a number held inside its range, with flags ``missing, outside``."""
        column = self.values(frame)
        try:
            number = column.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise DataError(f"{self.name} must be a number; the frame holds {column.dtype}") from None
        gap = np.isnan(number)
        outside = (number < self.least) | (number > self.most)
        return np.clip(number, self.low, self.high), gap, outside

    def contributions(self, slopes: np.ndarray) -> np.ndarray:
        """Linear predictor of each attribute of a class, shape (levels,), from the slopes of its parameters."""
        return np.asarray(self.rows, float) @ slopes


def _text(level):
    """A level as text, with whole floats printed as integers so that 36.0 finds 36."""
    return str(int(level)) if isinstance(level, float | np.floating) and float(level).is_integer() else str(level)


def from_results(results, bands=None, ranges=None):
    """Characteristics of an ordered logit made by a formula or from an array.

    Parameters
    ----------
    results : OrderedResults
    bands : dict, optional
        Characteristic -> ``{"column": raw, "cuts": [...]}`` or ``{"column": raw, "groups": {...}}``.
    ranges : dict, optional
        Column -> (least, most), for a result that holds no data.

    Raises
    ------
    ModelError
        A term that is no function of one column, or a transform that a card cannot print.
    """
    if results.layout.free:
        raise ModelError(
            "slopes that differ by threshold give no single score; fit a proportional-odds model, or use "
            "results.predict"
        )
    if results.family.stages:
        raise ModelError("a card needs the one odds scale of a proportional-odds model; a sequential model has several")
    if results.link.name != "logit":
        raise ModelError(f"points that double the odds need the logit link, not {results.link.name!r}")
    if results.has_offset:
        raise ModelError("a model with an offset cannot become a card: the offset is not on it")
    design, bands, ranges = results.design, bands or {}, ranges or {}
    made, used = [], set()
    for term, columns in design.terms.items():
        factor = str(term)
        source = design.factor_columns.get(factor, [factor] if design.spec is None else [])
        if len(source) != 1:
            raise ModelError(
                f"term {term!r} reads {', '.join(source) or 'several columns'}: a card adds one "
                "column at a time; make a class of the combination first"
            )
        name = source[0]
        if name in used:
            raise ModelError(f"two terms read {name!r}; a card has one characteristic a column: cut it into classes")
        used.add(name)
        if factor in design.levels:
            made.append(_class_of(results, name, factor, columns, bands.get(name)))
        else:
            made.append(_number_of(results, name, factor, columns, ranges))
    unknown = sorted(set(bands) - used)
    if unknown:
        raise ModelError(f"bands are given for {', '.join(unknown)}, which the model does not use")
    return made


def _means(results, columns):
    if results.model is None:
        return None
    places = [results.exog_names.index(column) for column in columns]
    weights = results.model.weights
    return tuple(np.average(results.model.exog[:, places], axis=0, weights=weights))


def _class_of(results, name, factor, columns, band):
    levels = list(results.design.levels[factor])
    # the columns of a term depend on its own factor alone, so one row a level with the rest at any level tells all
    rows = np.zeros((len(levels), len(columns)))
    for place, level in enumerate(levels):
        for j, column in enumerate(columns):
            rows[place, j] = float(column.endswith(f"[T.{level}]") or column.endswith(f"[{level}]"))
    if not (rows.sum(axis=0) == 1).all() or (rows.sum(axis=1) > 1).any():
        raise ModelError(f"the columns of {factor!r} are not treatment-coded classes ({', '.join(columns)})")
    mean = _means(results, columns)
    if mean is None:
        mean = tuple(rows.mean(axis=0))
    levels, rows = _with_merged(levels, list(map(tuple, rows)), results.design.merges.get(name, {}))
    return Characteristic(name, "class", tuple(columns), tuple(map(str, levels)), tuple(rows), band=band, mean=mean)


def _with_merged(levels, rows, merges):
    """Levels merged in the fit, after those that were estimated, with the rows of the levels that took them."""
    return [*levels, *merges], [*rows, *(rows[levels.index(into)] for into in merges.values())]


def _number_of(results, name, factor, columns, ranges):
    found = _NUMBER.match(factor) if results.design.spec is not None else None
    transform = "identity" if found is None else (found[1] or "identity")
    if len(columns) != 1 or (results.design.spec is not None and (found is None or found[2] != name)):
        raise ModelError(
            f"term {factor!r} is no class and no plain, log, log1p or log2 number; cut {name!r} into "
            "classes, so that the card can print its points"
        )
    if name in ranges:
        least, most = map(float, ranges[name])
    elif results.model is not None:
        column = results.model.exog[:, results.exog_names.index(columns[0])]
        back = {"identity": float, "log": np.exp, "log1p": np.expm1, "log2": np.exp2}[transform]
        least, most = float(back(column.min())), float(back(column.max()))
        if transform != "identity":
            # the way back is exact to rounding only: the extreme borrower of the fit has not drifted
            least, most = least - 1e-9 * abs(least), most + 1e-9 * abs(most)
    else:
        raise ModelError(
            f"this result holds no data: give ranges={{{name!r}: (least, most)}}, so that drift can be seen"
        )
    mean = _means(results, columns) or ((_TRANSFORMS[transform](np.array([least, most])).mean()),)
    return Characteristic(
        name, "number", tuple(columns), transform=transform, least=least, most=most, low=least, high=most, mean=mean
    )


def from_standard(model):
    """Characteristics of a :class:`~p2prisk.standard.StandardModel`: any tape becomes a card.

    A missing number without a coefficient of its own takes the median, as the model does; a missing flag without one
    has no points, where the model reads it as no. Points are centred on the usual loan, which the model's file knows:
    the median of a number and the commonest class. Averages of the loans, which the file does not hold, would give the
    card of a fit other points than the card of its file.
    """
    made = []
    for rule in model.rules:
        if rule["kind"] == "exposure":
            continue  # the age of the loan is held at the horizon: part of the thresholds
        name, columns = rule["column"], list(rule["columns"])
        flag = f"{name}: missing"
        if rule["kind"] == "number":
            transform = "log1p" if rule["log"] else "identity"
            fill = float(_TRANSFORMS[transform](np.array(float(np.clip(rule["fill"], rule["low"], rule["high"])))))
            row = tuple(fill if column == name else 1.0 for column in columns)
            made.append(
                Characteristic(
                    name,
                    "number",
                    tuple(columns),
                    transform=transform,
                    least=rule["least"],
                    most=rule["most"],
                    low=rule["low"],
                    high=rule["high"],
                    missing_row=row,
                    mean=tuple(fill if column == name else 0.0 for column in columns),
                )
            )
            if columns[0] != name:
                raise ModelError(f"{name} itself is not in the model, only its missing flag; fit without it")
            continue
        if rule["kind"] == "flag":
            levels = ["False", "True", *([MISSING] if flag in columns else [])]
            rows = [
                tuple(float(column == (name if level == "True" else flag) and level != "False") for column in columns)
                for level in levels
            ]
            # a missing flag without a coefficient of its own is no "False": such a loan is referred
            spare, rare = None, ()
        else:
            levels = list(rule["levels"])
            rows = [tuple(float(column == f"{name}: {level}") for column in columns) for level in levels]
            levels, rows = _with_merged(levels, rows, rule.get("merged", {}))
            spare, rare = rule["spare"], tuple(rule["rare"])
        made.append(
            Characteristic(
                name,
                "class",
                tuple(columns),
                tuple(levels),
                tuple(rows),
                spare=spare,
                rare=rare,
                mean=_commonest(model.population, name, levels, rows),
            )
        )
    return made


def _commonest(population, name, levels, rows):
    """Design values of the class that most loans of the fit had; the plain mean where a file does not say."""
    kept = (population or {}).get("attributes", {}).get(name, {})
    words = {"yes": "True", "no": "False"} if levels[:2] == ["False", "True"] else {}
    counts = [
        (count, words.get(level, level))
        for level, count in zip(kept.get("levels", ()), kept.get("counts", ()), strict=True)
    ]
    most = max((pair for pair in counts if pair[1] in levels), default=None, key=lambda pair: pair[0])
    return tuple(np.mean(rows, axis=0)) if most is None else tuple(rows[levels.index(most[1])])


def missing_as_level(
    frame: pd.DataFrame, columns: Sequence[str] | None = None, fewest: int = 50, freq_weights: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give missing values of classes a level of their own, so that the model estimates them.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str, optional
        Classes to look at; every categorical or text column by default.
    fewest : int
        Loans with a missing value below which no level is made: too few to estimate. Such loans stay missing, and the
        card refers them.
    freq_weights : str, optional
        Column of counts.

    Returns
    -------
    frame : pandas.DataFrame
    report : pandas.DataFrame
        ``column, missing`` (loans) and ``level`` (whether one was made).

    Examples
    --------
    >>> frame = pd.DataFrame({"home": ["own", None, "rent"]})
    >>> made, report = missing_as_level(frame, fewest=1)
    >>> made["home"].tolist(), report["missing"].tolist()
    (['own', 'missing', 'rent'], [1])
    """
    frame, rows = frame.copy(), []
    if columns is None:
        columns = [
            name
            for name in frame
            if isinstance(frame[name].dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(frame[name].dtype)
        ]
    for name in columns:
        gap = frame[name].isna()
        loans = int(gap.sum() if freq_weights is None else frame.loc[gap, freq_weights].sum())
        made = loans >= fewest and loans > 0
        if made:
            column = pd.Categorical(frame[name])
            frame[name] = column.add_categories([MISSING]).fillna(MISSING)
        rows.append({"column": name, "missing": loans, "level": made})
    return frame, pd.DataFrame(rows, columns=["column", "missing", "level"])


def bands_from_labels(labels: Any) -> list[float]:
    """Cut points that labels such as ``under 13``, ``13 to 20``, ``20 and over`` or ``0``, ``1 to 2`` speak of.

    Returns
    -------
    list of float
        One less than labels; the first value of every class but the lowest.

    Examples
    --------
    >>> bands_from_labels(["under 27,000", "27,000 to 66,000", "66,000 and over"])
    [27000.0, 66000.0]
    >>> bands_from_labels(["0", "1 to 2", "3 and over"])
    [1.0, 3.0]
    """
    starts = []
    for label in list(labels)[1:]:
        found = re.match(r"[\d,.]+", label)
        if found is None:
            raise DataError(f"class label {label!r} does not start with the value at which the class begins")
        starts.append(float(found[0].replace(",", "")))
    return starts
