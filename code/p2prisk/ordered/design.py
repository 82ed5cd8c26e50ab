"""From formula, DataFrame or arrays to the numbers the likelihood needs, and back for new data."""

import re
import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError, P2PRiskError
from p2prisk.ordered.merging import recoded

_EXAMPLE_ROWS = 3
# a column whose name is none in Python
_QUOTED = r"`([^`]*)`"


@dataclass
class Response:
    """The ordered response as codes 0, 1, ... with the labels of its categories."""

    codes: np.ndarray
    categories: list
    name: str


def read_response(endog, name=None):
    """Codes and categories of an ordered response.

    Parameters
    ----------
    endog : array_like, shape (n,)
        An ordered pandas Categorical, or integers (their sorted distinct values are the categories), or
        booleans. Missing values get the code -1.
    name : str, optional

    Returns
    -------
    Response

    Raises
    ------
    DataError
        For text, an unordered Categorical, values that are not whole numbers, an empty level or fewer than
        two.

    Examples
    --------
    >>> grades = pd.Series(["B", "A", "B"], name="grade")
    >>> read_response(grades)
    Traceback (most recent call last):
        ...
    p2prisk.errors.DataError: response 'grade' is text without an order; say what is low and what is high:
    frame['grade'] = pd.Categorical(frame['grade'], categories=['A', 'B'], ordered=True)
    """
    if np.ma.isMaskedArray(endog):
        raise DataError("the response is a masked array; give filled values, with NaN where one is missing")
    series = endog if isinstance(endog, pd.Series) else pd.Series(np.ravel(endog) if _is_column(endog) else endog)
    name = name or (series.name if series.name is not None else "y")
    series = whole_numbers(series)
    if len(series) == 0:
        raise DataError(f"response {name!r} has no rows")
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if not dtype.ordered:
            levels = _shorten(list(dtype.categories))
            raise DataError(
                f"response {name!r} is a Categorical without an order; if {levels} is the order from low "
                f"to high: frame[{name!r}] = frame[{name!r}].cat.as_ordered()"
            )
        codes, categories = series.cat.codes.to_numpy(), list(dtype.categories)
        seen = np.bincount(codes[codes >= 0], minlength=len(categories))
        empty = [c for c, n in zip(categories, seen, strict=True) if n == 0]
        if empty and len(categories) - len(empty) > 1:
            raise DataError(
                f"response {name!r}: no row has level {_shorten(empty)}; its threshold cannot be identified. "
                f"Drop it with frame[{name!r}].cat.remove_unused_categories() or merge it with a neighbour"
            )
    elif isinstance(dtype, np.dtype) and dtype.kind in "biu" and _span(series) < 1000:
        # small whole numbers, the common case of a million rows: a table instead of a sort
        values = series.to_numpy()
        lowest = int(values.min())
        plain = lowest == 0 and dtype.kind in "iu" and dtype.itemsize < 8
        positions = values if plain else values.astype(np.int64) - lowest
        seen = class_counts(positions, int(values.max()) - lowest + 1) > 0
        codes = positions if seen.all() else (np.cumsum(seen) - 1)[positions]
        categories = [lowest + int(i) for i in np.flatnonzero(seen)]
    elif pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        values = series.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        if np.isinf(values).any() or np.any(values[~missing] != np.round(values[~missing])):
            raise DataError(
                f"response {name!r} is numeric but not whole numbers; cut it into ordered classes with pd.cut first"
            )
        codes = np.full(len(values), -1, dtype=np.int64)
        distinct, codes[~missing] = np.unique(values[~missing], return_inverse=True)
        categories = [int(v) for v in distinct]
        if len(categories) > max(100, len(values) // 2) and len(values) > 200:
            raise DataError(
                f"response {name!r} has {len(categories)} distinct integers: not an ordered class; cut it with pd.cut"
            )
    else:
        levels = _shorten(sorted(map(str, series.dropna().unique())))
        raise DataError(
            f"response {name!r} is text without an order; say what is low and what is high:\n"
            f"frame[{name!r}] = pd.Categorical(frame[{name!r}], categories={levels}, ordered=True)"
        )
    present = [c for i, c in enumerate(categories) if (codes == i).any()] if len(categories) <= 8 else categories
    if len(present) < 2:
        raise DataError(
            f"response {name!r} has one level only ({_shorten(present)}): there is nothing to order; "
            "check the filter that made the sample"
        )
    small = np.int8 if len(categories) < 128 else np.int32
    return Response(np.ascontiguousarray(codes.astype(small)), categories, str(name))


def whole_numbers(series):
    """A column of objects that are all whole numbers, as from a table of mixed types, as numbers; others as it is."""
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in ("integer", "boolean"):
        return series.astype("Int64")
    return series


def class_counts(codes, n_classes, weights=None, rows=65_536):
    """Rows, or their weight, in each class; by pieces, because a whole column as 64-bit integers costs more."""
    counts = np.zeros(n_classes)
    for first in range(0, len(codes), rows):
        piece = slice(first, first + rows)
        counts += np.bincount(codes[piece], None if weights is None else weights[piece], n_classes)
    return counts


def _span(series):
    values = series.to_numpy()
    return int(values.max()) - int(values.min())


def _is_column(endog):
    shape = np.shape(endog)
    return len(shape) == 2 and shape[1] == 1


#: rows that share a level before it is named: one of fewer may be somebody's name
_SHARED = 5


def _shorten(values, most=8):
    values = list(values)
    if len(values) <= most:
        return "[" + ", ".join(repr(v) for v in values) + "]"
    return "[" + ", ".join(repr(v) for v in values[:most]) + f", ... {len(values) - most} more]"


@dataclass
class Design:
    """Columns of the design matrix, and how to make them again for new data.

    Attributes
    ----------
    names : list of str
        Column names.
    terms : dict of str to list of str
        Columns of each term.
    formula : str or None
        Right-hand side, without the intercept; ``None`` for plain arrays.
    spec : formulaic.ModelSpec, p2prisk.ordered.stored.StoredColumns or None
        State of the transforms: knots, means, levels. Of a model restored from a file, how its columns are made.
    context : dict
        Names, besides the columns and numpy as ``np``, that the formula may use.
    required : list of str
        Columns of the data that the formula reads.
    factor_columns, levels : dict
        Columns read by each factor, and the known levels of each categorical factor.
    merges : dict
        Column -> {level: the level that takes it}, made before anything else
        (:mod:`p2prisk.ordered.merging`).
    """

    names: list
    terms: dict
    formula: str | None = None
    spec: object = None
    context: dict = field(default_factory=dict)
    required: list = field(default_factory=list)
    factor_columns: dict = field(default_factory=dict)
    levels: dict = field(default_factory=dict)
    merges: dict = field(default_factory=dict)

    def __getstate__(self):
        # the specification travels as plain data: it survives pickling whatever transform it holds
        state = self.__dict__.copy()
        state["context"] = {}
        if self.spec is not None and not hasattr(self.spec, "matrix"):
            from p2prisk.ordered.encoding import encode_spec

            state["spec"] = encode_spec(self.spec)
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        if isinstance(self.spec, dict):
            from p2prisk.ordered.encoding import decode_spec

            self.spec = decode_spec(self.spec)

    def matrix(self, data):
        """Design matrix of new data, shape (n, p), with the levels, knots and means of the fitted data.

        Parameters
        ----------
        data : DataFrame, mapping of columns, or array of shape (n, p) for a model from arrays

        Raises
        ------
        DataError
            For a missing column, a missing or infinite value, or a level that the fit has not seen.
        """
        if self.spec is None:
            return self._plain_matrix(data)
        frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
        absent = [v for v in self.required if v not in frame.columns]
        if absent:
            raise DataError(f"the new data lack column {', '.join(sorted(absent))}")
        frame = recoded(frame, self.merges)
        check_missing(frame[self.required], "the new data")
        self._check_levels(frame)
        if hasattr(self.spec, "matrix"):
            values = self.spec.matrix(frame)
        else:
            values = self._materialised(frame)
        if values.shape[1] != len(self.names):
            raise DataError(f"the new data give {values.shape[1]} columns; the model has {len(self.names)}")
        check_finite(values, self.names, "the new data")
        return values

    def _materialised(self, frame):
        from formulaic.errors import FormulaicError

        for factor, (kind, _) in self.spec.encoder_state.items():
            if kind.value == "numerical" and str(factor) in self.required and not _is_number(frame[str(factor)].dtype):
                raise DataError(f"column {str(factor)!r} of the new data is not numeric, as it was in the fit")
        # formulaic notes in the specification what it meets: a failure would change the model
        spec = self.spec.update(encoder_state=dict(self.spec.encoder_state))
        try:
            matrix = _materialise(spec, frame, self.context)
        except FormulaicError as error:
            raise DataError(
                f"the formula cannot be evaluated on the new data: {_kind(error, sorted(self.required))}"
            ) from None
        return matrix.drop(columns="Intercept").to_numpy(dtype=float)

    def _plain_matrix(self, data):
        if isinstance(data, pd.DataFrame) and set(self.names) <= set(map(str, data.columns)):
            data = data.rename(columns=str)[self.names]
        values = np.asarray(data, dtype=float)
        if values.ndim == 1:
            values = values.reshape(-1, len(self.names)) if len(self.names) else values.reshape(len(values), 0)
        if values.shape[1] != len(self.names):
            raise DataError(
                f"the new data have {values.shape[1]} columns; the model has {len(self.names)}: {_shorten(self.names)}"
            )
        check_finite(values, self.names, "the new data")
        return values

    def _check_levels(self, frame):
        for factor, levels in self.levels.items():
            columns = self.factor_columns.get(factor, [])
            # a factor that transforms its column first (a cut, a lower-casing) is checked after the transform
            if len(columns) != 1 or not re.fullmatch(rf"(C\()?{re.escape(columns[0])}\s*([,)].*)?", factor):
                continue
            values = frame[columns[0]]
            unseen = ~values.isin(levels).to_numpy()
            if unseen.any():
                counts = values[unseen].astype(object).value_counts()
                shared = (
                    _shorten(counts.index[counts >= _SHARED]) if (counts >= _SHARED).any() else "that few rows have"
                )
                raise DataError(
                    f"column {columns[0]!r} has {len(counts)} level(s) in {unseen.sum():,d} row(s) that the fit has "
                    f"not seen, first in row {unseen.argmax():,d}: {shared} (it knows {_shorten(levels)}); merge with "
                    "a known level or refit"
                )


def categorical_levels(spec):
    """Levels of every categorical factor of a formulaic specification, by factor."""
    return {
        str(factor): list(state.get("categories", []))
        for factor, (kind, state) in spec.encoder_state.items()
        if "categories" in state
    }


def _materialise(spec, frame, context):
    from formulaic.errors import DataMismatchWarning

    # the logarithm of a zero is reported by column and row once the matrix is made
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", DataMismatchWarning)
        try:
            return spec.get_model_matrix(frame, context=context, na_action="ignore", output="pandas")
        except DataMismatchWarning:  # its words name the level, which may be somebody's
            raise DataError(
                "the data hold a level that the fit has not seen; merge it with a known one or refit"
            ) from None


def _where(error):
    """The first line of what a library says of the words of a formula, which has no data before it."""
    said = next(iter(str(error).splitlines()), "")
    return f": {said[:200]}" if said else ""


def _kind(error, columns):
    """What failed in a formula, in words of our own: those of a library may repeat a cell."""
    kind = type(error.__cause__ or error).__name__
    known = {"ValueError": "a value that it cannot take", "TypeError": "text or dates where it needs numbers"}
    return f"{known.get(kind, f'it fails ({kind})')}; look at what {_shorten(columns)} hold"


def design_from_formula(rhs, data, context=None, merges=None):
    """Design matrix of a right-hand side, of the data with ``merges`` made.

    The intercept is always used to code categorical terms and then dropped, because the thresholds play
    its part; ``0 +``, ``-1`` and ``1 +`` therefore give the same model.

    Returns
    -------
    (Design, ndarray of shape (n, p))
    """
    from formulaic import Formula, ModelSpec
    from formulaic.errors import FormulaicError

    context, merges = dict(context or {}), dict(merges or {})
    data = recoded(data, merges)
    try:
        terms = [written(term) for term in Formula(rhs)]
    except (FormulaicError, SyntaxError, IndexError) as error:
        raise ModelError(f"the formula {rhs!r} cannot be read{_where(error)}") from None
    formula = Formula(["1", *(term for term in terms if term != "1")])
    try:
        matrix = _materialise(ModelSpec(formula=formula), data, context)
    except P2PRiskError:
        raise
    except (FormulaicError, SyntaxError, TypeError, ValueError) as error:  # a function where numbers are needed
        needed = required_columns(rhs, data, context)
        raise ModelError(f"the formula {rhs!r} cannot be evaluated: {_kind(error, needed)}") from None
    spec = matrix.model_spec
    names = [str(name) for name in matrix.columns[1:]]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ModelError(f"the formula gives column {', '.join(twice)} twice; drop one of the terms")
    by_term = {
        str(term): [str(matrix.columns[i]) for i in indices]
        for term, indices in spec.term_indices.items()
        if str(term) != "1"
    }
    values = matrix.iloc[:, 1:].to_numpy(dtype=float)
    required = sorted(map(str, required_columns(rhs, data, context)))
    design = Design(
        names=names,
        terms=by_term,
        formula=" + ".join(term for term in terms if term != "1"),
        spec=spec,
        context=context,
        required=required,
        factor_columns={
            str(factor): sorted({str(v) for v in variables} & set(required))
            for factor, variables in spec.factor_variables.items()
        },
        levels=categorical_levels(spec),
        merges=merges,
    )
    return design, values


def written(term):
    """A term of formulaic as it is written in a formula.

    >>> from formulaic import Formula
    >>> [written(term) for term in Formula("0 + `loan amount`:rate + np.log(`net income`)")]
    ['np.log(`net income`)', '`loan amount`:rate']
    """
    return ":".join(map(written_factor, term.factors))


def written_factor(factor):
    """A factor of formulaic as it is written in a formula: a name that is none in Python within backticks."""
    bare = factor.eval_method.value != "lookup" or factor.expr.isidentifier()
    return factor.expr if bare else f"`{factor.expr}`"


def required_columns(rhs, data, context=None):
    """Columns of ``data`` that a right-hand side uses.

    Read from the factors' expressions: ``Formula.required_variables`` of formulaic 1.2 leaves out the
    arguments of stateful transforms (``scale(x)``, ``bs(x)``) until they have been evaluated.
    """
    import builtins

    from formulaic import Formula
    from formulaic.errors import FormulaicError
    from formulaic.transforms import TRANSFORMS
    from formulaic.utils.variables import get_expression_variables

    try:
        terms = Formula(rhs)
        if any(not hasattr(term, "factors") for term in terms):  # a | or a ~ makes several formulas of one
            raise ModelError(f"the formula {rhs!r} cannot be read: it has several parts; give one right-hand side")
        factors = {factor for term in terms for factor in term.factors}
        columns, names = set(map(str, data.columns)), set()
        for factor in factors:
            if factor.expr in columns:
                names.add(factor.expr)
            elif str(factor.eval_method.value) != "literal":
                # Python reads no backticks
                names |= set(re.findall(_QUOTED, factor.expr))
                expression = re.sub(_QUOTED, "0", factor.expr)
                names |= {str(variable.root) for variable in get_expression_variables(expression, {})}
    except (FormulaicError, SyntaxError, IndexError) as error:
        raise ModelError(f"the formula {rhs!r} cannot be read{_where(error)}") from None
    absent = sorted(names - columns - set(TRANSFORMS) - set(context or {}) - set(dir(builtins)))
    if absent:
        raise DataError(
            f"the formula uses {', '.join(absent)}, which is no column of the data; columns are "
            f"{_shorten(list(data.columns), 12)}"
        )
    return [column for column in data.columns if str(column) in names]


def design_from_array(exog):
    """Design of a plain two-dimensional array or of a DataFrame of numbers."""
    if exog is None:
        return Design([], {}), None
    if isinstance(exog, pd.Series):
        exog = exog.to_frame()
    if isinstance(exog, pd.DataFrame):
        text = [str(c) for c, dtype in zip(exog.columns, exog.dtypes, strict=True) if not _is_number(dtype)]
        if text:
            raise DataError(f"column {', '.join(text)} is not numeric; use from_formula, which codes categories")
        names = [str(c) for c in exog.columns]
        if len(set(names)) != len(names):
            raise DataError("the design matrix has two columns of the same name")
        values = exog.to_numpy(dtype=float, na_value=np.nan)
    else:
        if np.ma.isMaskedArray(exog):
            raise DataError("exog is a masked array; give filled values, with NaN where one is missing")
        values = np.asarray(exog)
        if values.dtype.kind not in "biuf":
            raise DataError(f"exog has dtype {values.dtype}; give real numbers, or use from_formula")
        values = values.astype(float, copy=False)
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2:
            raise DataError(f"exog must have two dimensions, not {values.ndim}")
        names = [f"x{i + 1}" for i in range(values.shape[1])]
    return Design(names, {name: [name] for name in names}), values


def _is_number(dtype):
    return pd.api.types.is_any_real_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)


def check_missing(frame, where):
    """Raise when a column of ``frame`` has a missing value, with the count of each."""
    counts = frame.isna().sum()
    counts = counts[counts > 0]
    if len(counts):
        listed = ", ".join(f"{column} ({n})" for column, n in counts.items())
        raise DataError(
            f"{where} have missing values in {listed}; fill them, or fit with missing='drop', which reports the count"
        )


def check_finite(values, names, where):
    """Raise when a column has a NaN or infinite value, with the count of each."""
    with np.errstate(invalid="ignore"):  # infinities of both signs
        finite = np.isfinite(values.sum()) and np.isfinite(values).all()
    if finite:
        return
    problems = []
    for position, name in enumerate(names):
        column = values[:, position]
        nan, infinite = int(np.isnan(column).sum()), int(np.isinf(column).sum())
        if nan or infinite:
            first = int(np.flatnonzero(~np.isfinite(column))[0])
            kinds = [f"{n} {kind}" for n, kind in ((nan, "NaN"), (infinite, "infinite")) if n]
            problems.append(f"{name} ({' and '.join(kinds)}, first in row {first})")
    if problems:
        raise DataError(
            f"{where} have values that are not finite in {', '.join(problems)}; "
            "fill them, mend the transform (a log of zero?), or use missing='drop' for NaN"
        )
