"""What many parts of one data set must agree on before a fit: categories, levels, columns, counts.

Files larger than memory and partitions on a cluster are read twice: first :func:`scan` collects from every
part the levels of its categorical columns, the categories of the response, missing values and a systematic
sample; the :class:`Recipe` made from all of them then turns any part into a
:class:`~p2prisk.ordered.likelihood.Block`.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.ordered.design import Design, check_finite, design_from_formula
from p2prisk.ordered.likelihood import ArrayRows, Block
from p2prisk.ordered.newton import SAMPLE_GROWTH, SAMPLE_ROWS

# the sample holds at most this many rows, thinned by halves as more rows come
_SAMPLE_LIMIT = 2 * SAMPLE_ROWS * SAMPLE_GROWTH


@dataclass(frozen=True)
class Request:
    """What is asked of the data."""

    response: str
    right: str
    columns: tuple
    categories: tuple | None = None
    freq_weights: str | None = None
    offset: str | None = None
    groups: str | None = None
    missing: str = "raise"

    @property
    def needed(self):
        extra = (self.response, self.freq_weights, self.offset, self.groups)
        return list(dict.fromkeys([*self.columns, *(c for c in extra if c)]))


def request(formula, available, context=None, **options):
    """Read a formula against the names of the columns; see :class:`Request`."""
    from p2prisk.ordered.design import required_columns

    if formula.count("~") != 1:
        raise ModelError(f"the formula {formula!r} needs one '~' between the response and the predictors")
    response, right = (side.strip() for side in formula.split("~"))
    response = response.strip("`")
    columns = required_columns(right, pd.DataFrame(columns=list(available)), context)
    made = Request(response, right, tuple(map(str, columns)), **options)
    absent = [c for c in made.needed if c not in available]
    if absent:
        raise DataError(f"the data have no column {', '.join(absent)}; columns are {', '.join(map(str, available))}")
    if made.missing not in ("raise", "drop"):
        raise ModelError(f"missing={made.missing!r}; choose 'raise' or 'drop'")
    if response in made.columns:
        raise ModelError(f"the response {response!r} is also used as a predictor")
    return made


@dataclass
class Scan:
    """What one part, or several, hold."""

    n_rows: int = 0
    n_dropped: int = 0
    missing: dict = field(default_factory=dict)
    levels: dict = field(default_factory=dict)
    ordered: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    negative_weights: int = 0
    sample: pd.DataFrame | None = None
    stride: int = 1

    def add(self, other):
        """This scan and that of the rows that follow."""
        missing, counts = dict(self.missing), dict(self.counts)
        for total, part in ((missing, other.missing), (counts, other.counts)):
            for key, value in part.items():
                total[key] = total.get(key, 0) + value
        stride = max(self.stride, other.stride)
        samples = [_thin(s.sample, stride // s.stride) for s in (self, other) if s.sample is not None]
        sample = pd.concat(samples, ignore_index=True) if samples else None
        while sample is not None and len(sample) > _SAMPLE_LIMIT:
            sample, stride = _thin(sample, 2), stride * 2
        return Scan(
            self.n_rows + other.n_rows,
            self.n_dropped + other.n_dropped,
            missing,
            _union(self.levels, other.levels),
            {c: _same_order(c, self.ordered, other.ordered) for c in {**self.ordered, **other.ordered}},
            counts,
            self.negative_weights + other.negative_weights,
            sample,
            stride,
        )


def _thin(frame, stride):
    return frame.iloc[::stride] if stride > 1 else frame


def _union(one, other):
    return {c: one.get(c, set()) | other.get(c, set()) for c in {**one, **other}}


def _same_order(column, one, other):
    """Order of the levels of a Categorical column, which all parts must share."""
    first, second = one.get(column), other.get(column)
    if first is None or second is None or first == second:
        return first or second
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    if [level for level in longer if level in set(shorter)] == shorter:
        return longer
    raise DataError(
        f"column {column!r} has its categories in another order in another part: {first} and {second}; "
        "write all parts with the same Categorical type"
    )


def _is_categorical(series, column, right):
    numeric = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    return not numeric or f"C({column}" in right.replace(" ", "")


def scan(frame, wanted):
    """Scan of one part.

    Parameters
    ----------
    frame : DataFrame
    wanted : Request

    Returns
    -------
    Scan
    """
    frame = frame[wanted.needed]
    absent = frame.isna()
    gone = absent.to_numpy().any(axis=1)
    found = Scan(n_rows=len(frame), missing={c: int(n) for c, n in absent.sum().items() if n})
    if gone.any() and wanted.missing == "drop":
        found.n_dropped, frame = int(gone.sum()), frame[~gone]
        found.n_rows = len(frame)
    for column in wanted.columns:
        series = frame[column]
        if _is_categorical(series, column, wanted.right):
            if isinstance(series.dtype, pd.CategoricalDtype):
                found.ordered[column] = list(series.dtype.categories)
            found.levels[column] = set(series.dropna().unique())
    response = frame[wanted.response]
    if isinstance(response.dtype, pd.CategoricalDtype):
        if response.dtype.ordered:
            found.ordered[wanted.response] = list(response.dtype.categories)
        response = response.astype(object)
    weights = np.ones(len(frame))
    if wanted.freq_weights:
        weights = frame[wanted.freq_weights].to_numpy(dtype=float, na_value=np.nan)
        found.negative_weights = int((weights < 0).sum())
    keys, distinct = pd.factorize(response)
    if len(distinct) > 1000:
        raise DataError(f"response {wanted.response!r} has more than 1000 distinct values: not an ordered class")
    totals = np.bincount(keys[keys >= 0], weights=weights[keys >= 0], minlength=len(distinct))
    found.counts = {_plain(v): float(n) for v, n in zip(distinct, totals, strict=True)}
    sample = frame.reset_index(drop=True)
    while len(sample) > _SAMPLE_LIMIT:
        sample, found.stride = _thin(sample, 2), found.stride * 2
    found.sample = sample
    return found


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


@dataclass
class Recipe:
    """Turns a part of the data into the numbers of the likelihood, the same way for every part."""

    wanted: Request
    design: Design
    categories: list
    levels: dict
    direct: bool
    context: dict = field(default_factory=dict)

    def block(self, frame):
        """Block of the rows of one part.

        Parameters
        ----------
        frame : DataFrame

        Returns
        -------
        Block
        """
        wanted = self.wanted
        frame = frame[wanted.needed]
        if wanted.missing == "drop":
            gone = frame.isna().to_numpy().any(axis=1)
            frame = frame[~gone] if gone.any() else frame
        codes = pd.Index(self.categories).get_indexer(_as_object(frame[wanted.response]))
        if (codes < 0).any():
            raise DataError(f"response {wanted.response!r} changed between the first and the second reading")
        if self.direct:
            # columns as they stand: the formula machinery would only copy them
            exog = np.empty((len(frame), len(wanted.columns)))
            for position, name in enumerate(self.design.names):
                exog[:, position] = frame[name].to_numpy()
            check_finite(exog, self.design.names, "the data")
        else:
            self.design.context = self.context
            exog = np.ascontiguousarray(self.design.matrix(frame.assign(**self._typed(frame))))
        return Block(
            exog,
            codes.astype(np.int8 if len(self.categories) < 128 else np.int32),
            *(
                None if name is None else frame[name].to_numpy(dtype=float)
                for name in (wanted.freq_weights, wanted.offset)
            ),
            None if wanted.groups is None else frame[wanted.groups].to_numpy(),
        )

    def _typed(self, frame):
        return {c: pd.Categorical(_as_object(frame[c]), categories=v) for c, v in self.levels.items()}


def _as_object(series):
    return series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series


def make_recipe(found, wanted, context=None):
    """Recipe and sample from the scan of all parts.

    Returns
    -------
    (Recipe, counts of the categories, sample Block)

    Raises
    ------
    DataError
        For missing values, negative weights, an unordered response, or a level without rows.
    ModelError
        For a transform whose state depends on all rows at once.
    """
    if found.missing and wanted.missing == "raise":
        listed = ", ".join(f"{c} ({n})" for c, n in found.missing.items())
        raise DataError(f"the data have missing values in {listed}; fill them, or use missing='drop'")
    if not found.n_rows:
        raise DataError(f"the data have no rows left (missing values by column: {found.missing})")
    if found.negative_weights:
        raise DataError(f"freq_weights must not be negative: {found.negative_weights} are")
    categories = _response_categories(found, wanted)
    counts = np.array([found.counts.get(c, 0.0) for c in categories])
    if not counts.sum() > 0:
        raise DataError("freq_weights are all zero: no loan is left")
    empty = [c for c, n in zip(categories, counts, strict=True) if c not in found.counts]
    if empty:
        raise DataError(
            f"response {wanted.response!r}: no row has level {empty}; its threshold cannot be identified. "
            "Drop it from categories= or merge it with a neighbour"
        )
    levels = {}
    for column, seen in found.levels.items():
        order = found.ordered.get(column)
        levels[column] = [v for v in order if v in seen] if order else sorted(seen)
    design = _agreed_design(found.sample, wanted, levels, context)
    direct = not levels and all(t == c[0] for t, c in design.terms.items()) and set(design.names) <= set(wanted.columns)
    recipe = Recipe(wanted, design, categories, levels, direct, dict(context or {}))
    return recipe, counts, recipe.block(found.sample)


def _response_categories(found, wanted):
    name = wanted.response
    if wanted.categories is not None:
        categories = list(wanted.categories)
        unknown = [v for v in found.counts if v not in set(categories)]
        if unknown:
            raise DataError(f"response {name!r} holds {unknown}, which categories= does not name")
    elif name in found.ordered:
        categories = found.ordered[name]
    elif all(isinstance(v, int | bool) or (isinstance(v, float) and v == int(v)) for v in found.counts):
        categories = sorted(found.counts)
    else:
        raise DataError(
            f"response {name!r} is text without an order; say what is low and what is high: "
            f"categories={sorted(map(str, found.counts))}"
        )
    if len(categories) < 2:
        raise DataError(f"response {name!r} has one level only ({categories}): there is nothing to order")
    return categories


def _agreed_design(sample, wanted, levels, context):
    """Design that any part reproduces; transforms whose state comes from the rows at hand are refused."""

    def design_of(rows):
        # every level must be seen once, in the agreed order, also one that the sample happens to miss
        repeats = max([len(v) for v in levels.values()], default=1)
        rows = rows.iloc[np.arange(max(repeats, len(rows))) % len(rows)].reset_index(drop=True)
        for column, known in levels.items():
            values = np.array(_as_object(rows[column]), dtype=object)
            values[: len(known)] = known
            rows[column] = pd.Categorical(values, categories=known)
        return design_from_formula(wanted.right, rows, context)[0]

    design = design_of(sample)
    if design.spec is not None and design.spec.transform_state:
        half = design_of(sample.iloc[: max(2, len(sample) // 2)])
        whole, part = (d.spec.transform_state for d in (design, half))
        moving = [name for name in whole if repr(whole[name]) != repr(part.get(name))]
        if moving:
            raise ModelError(
                f"{', '.join(moving)} takes its knots, mean or scale from all rows at once, which parts cannot agree "
                "on; give them in the formula (bs(x, knots=[...], lower_bound=..., upper_bound=...)) or compute the "
                "column before"
            )
    return design


def sample_rows(layout, family, block):
    """Nested samples for the start, smallest first."""
    every = ArrayRows(layout, family, *block[:4])
    samples, stride = [every], SAMPLE_GROWTH
    while every.n_rows // stride >= SAMPLE_ROWS:
        samples.insert(0, every.every(stride))
        stride *= SAMPLE_GROWTH
    return samples
