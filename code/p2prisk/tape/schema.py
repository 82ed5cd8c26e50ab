"""The schema of the canonical tape, enforced by pandera.

Types and levels are binding: a frame that breaks them is refused. Ranges are not: a value outside its range is kept
and counted, because a tape with an income of nine millions is still a tape, and its owner must see the row.
"""

from functools import lru_cache

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS, is_own

_RANGE = "inside the admissible range"


@lru_cache
def schema():
    """The pandera schema of a tape's frame.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Every canonical column, none required; a column that is not canonical is refused.
    """
    import pandera.pandas as pandera

    types = pd.api.types

    def check(function, name):
        return pandera.Check(function, name=name, error=name)

    kinds = {
        "number": check(types.is_numeric_dtype, "a number"),
        "integer": check(types.is_numeric_dtype, "a number"),
        "flag": check(types.is_bool_dtype, "a flag"),
        "date": check(types.is_datetime64_any_dtype, "a date"),
        "category": check(lambda s: isinstance(s.dtype, pd.CategoricalDtype), "a category"),
        "ordered": check(lambda s: isinstance(s.dtype, pd.CategoricalDtype) and s.cat.ordered, "an ordered category"),
        "text": check(lambda s: types.is_object_dtype(s.dtype) or types.is_string_dtype(s.dtype), "text"),
    }
    columns = {}
    for name, column in COLUMNS.items():
        checks = [kinds[column.kind]]
        if column.levels and column.kind == "category":
            levels = frozenset(column.levels)
            checks.append(
                check(
                    lambda s, levels=levels: (
                        set(s.cat.categories) <= levels if isinstance(s.dtype, pd.CategoricalDtype) else False
                    ),
                    "one of " + ", ".join(column.levels),
                )
            )
        if column.minimum is not None:
            checks.append(
                check(
                    lambda s, low=column.minimum, high=column.maximum: (
                        s.isna() | s.between(low, high) if types.is_numeric_dtype(s.dtype) else True
                    ),
                    _RANGE,
                )
            )
        columns[name] = pandera.Column(None, checks, nullable=True, required=False)
    return pandera.DataFrameSchema(columns, strict=True, name="loan tape")


def validate(frame):
    """Check a frame against the schema.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns.

    Returns
    -------
    pandas.DataFrame
        Values outside their range: ``column``, ``rows`` (count), ``first_row`` (from 1), ``worst`` (value).

    Raises
    ------
    DataError
        A column of the wrong type or with unknown levels, or a column that is not canonical.

    Examples
    --------
    >>> import pandas as pd
    >>> validate(pd.DataFrame({"dti": [12.0, -3.0], "term": [36, 60]}))
      column  rows  first_row  worst
    0    dti     1          2   -3.0
    """
    import pandera.errors

    frame = frame[[name for name in frame if not is_own(name)]]
    empty = pd.DataFrame({"column": [], "rows": [], "first_row": [], "worst": []})
    try:
        schema().validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return empty
    unknown = cases[cases["check"] == "column_in_schema"]["failure_case"].tolist()
    if unknown:
        raise DataError(
            f"not canonical columns: {', '.join(map(str, unknown))}; map them or leave them out "
            "(p2prisk.tape.column_table() lists the canonical ones)"
        )
    broken = cases[cases["check"] != _RANGE]
    if len(broken):
        first = broken.iloc[0]
        what = f"{len(broken):,d} entries" if len(broken) > 1 else "one entry"
        raise DataError(
            f"column {first['column']!r} must be {first['check']} ({what} of the schema broken); "
            "read the file with read_tape, which converts and reports"
        )
    rows = []
    for name in dict.fromkeys(cases["column"]):
        column, values = COLUMNS[name], frame[name]
        outside = values.notna() & ~values.between(column.minimum, column.maximum)
        beyond = (values[outside] - values[outside].clip(column.minimum, column.maximum)).abs()
        rows.append(
            {
                "column": name,
                "rows": int(outside.sum()),
                "first_row": int(outside.to_numpy().argmax()) + 1,
                "worst": float(values[beyond.idxmax()]),
            }
        )
    return pd.DataFrame(rows)
