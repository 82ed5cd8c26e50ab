"""The score as one SQL expression."""

from p2prisk.errors import DataError
from p2prisk.scorecard.characteristics import MISSING

DIALECTS = ("duckdb", "sqlite", "postgresql")
_FUNCTIONS = {"identity": "{x}", "log": "LN({x})", "log1p": "LN(1.0 + {x})", "log2": "(LN({x}) / LN(2.0))"}


def identifier(name):
    """A quoted column name."""
    return '"' + str(name).replace('"', '""') + '"'


def literal(value):
    """A quoted text."""
    return "'" + str(value).replace("'", "''") + "'"


def score_expression(card, dialect="duckdb"):
    """The score of a card as a sum of ``CASE`` expressions.

    Parameters
    ----------
    card : Scorecard
    dialect : {"duckdb", "sqlite", "postgresql"}

    Returns
    -------
    str
        An expression for ``SELECT ... AS score``. It reads the raw columns where the card makes its classes itself. A
        row with an attribute that has no estimate gives NULL, as :meth:`Scorecard.score` gives a missing score;
        a missing value is never scored as zero. Numbers are held to the range of the card, as with ``drift="flag"``.

    Raises
    ------
    DataError
        Unknown dialect.

    Notes
    -----
    All points of classes are literals, so their scores equal Python's exactly. Points of a number are rounded in the
    database; a value whose points lie on the border of two roundings could differ by one unit of the last digit.
    """
    if dialect not in DIALECTS:
        raise DataError(f"dialect {dialect!r} is unknown; choose {', '.join(DIALECTS)}")
    parts = [
        _class(card, item) if item.kind == "class" else _number(card, item, dialect) for item in card.characteristics
    ]
    return "\n+ ".join(parts)


def _whole(value):
    return repr(float(value))


def _class(card, item):
    points = dict(zip(item.levels, card._points(item, item.contributions(card._slopes_of[item.name])), strict=True))
    column = identifier(item.source)
    missing = _whole(points[MISSING]) if MISSING in points else "NULL"
    lines = [f"CASE WHEN {column} IS NULL THEN {missing}"]
    if item.band is not None and "cuts" in item.band:
        levels = [level for level in item.levels if level != MISSING]
        for level, cut in zip(levels, item.band["cuts"], strict=False):
            lines.append(f"WHEN {column} < {cut!r} THEN {_whole(points[level])}")
        return "\n     ".join(lines) + f"\n     ELSE {_whole(points[levels[-1]])} END"
    words = f"CAST({column} AS TEXT)"
    if item.band is not None:
        for raw, level in item.band["groups"].items():
            lines.append(f"WHEN {words} = {literal(raw)} THEN {_whole(points[level])}")
    # a level that is also the raw name of a group stands after it, and the first that fits counts
    lines += [f"WHEN {words} = {literal(level)} THEN {_whole(own)}" for level, own in points.items()]
    spare = "NULL" if item.spare is None else _whole(points[str(item.spare)])
    return "\n     ".join(lines) + f"\n     ELSE {spare} END"


def _number(card, item, dialect):
    column = identifier(item.source)
    number = f"CAST({column} AS DOUBLE PRECISION)" if dialect != "sqlite" else f"CAST({column} AS REAL)"
    held = (
        f"CASE WHEN {number} < {item.low!r} THEN {item.low!r} WHEN {number} > {item.high!r} THEN {item.high!r} "
        f"ELSE {number} END"
    )
    slope = float(card.slopes[item.parameters[0]])
    mean = sum(m * card.slopes[p] for m, p in zip(item.mean, item.parameters, strict=True))
    start = float(card._neutral[item.name] + card.factor * mean)
    points = f"{start!r} - {float(card.factor * slope)!r} * {_FUNCTIONS[item.transform].format(x=f'({held})')}"
    if card.digits is not None:
        points = _round(f"({points})", card.digits, dialect)
    missing = "NULL" if item.missing_row is None else _whole(card.points_of(item.name, float("nan")))
    return f"CASE WHEN {column} IS NULL THEN {missing}\n     ELSE {points} END"


def _round(expression, digits, dialect):
    if dialect == "postgresql":
        return f"CAST(ROUND(CAST({expression} AS NUMERIC), {digits}) AS DOUBLE PRECISION)"
    return f"ROUND({expression}, {digits})"
