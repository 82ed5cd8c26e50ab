"""The package's own exceptions.

Every message says what was wrong, where, and what to do about it. All of them derive from
:class:`P2PRiskError`, so that a caller can catch the family with one name; each also derives from the
built-in exception that a Python user would expect (``ValueError``, ``RuntimeError``).
"""


class P2PRiskError(Exception):
    """Base of every exception raised on purpose by :mod:`p2prisk`."""


def said(error: BaseException | None) -> str:
    """What may be shown of an error: our own words, but of a library's its kind alone, as they may repeat a cell."""
    return str(error) if isinstance(error, P2PRiskError) else type(error).__name__


def count_of(number: int, name: str) -> str:
    """A number of things, in words that fit one and many.

    Examples
    --------
    >>> count_of(1, "warning"), count_of(1200, "note"), count_of(0, "error")
    ('1 warning', '1,200 notes', '0 errors')
    """
    return f"{number:,d} {name}{'' if number == 1 else 's'}"


class DataError(P2PRiskError, ValueError):
    """Input data that cannot be used as they are."""


class ModelError(P2PRiskError, ValueError):
    """A model that cannot be specified or identified as asked for."""


class SeparationError(ModelError):
    """Some coefficient has no finite estimate because a predictor separates the categories.

    Attributes
    ----------
    what : str
        The separating columns in words.
    direction : ndarray or None
        Direction of the slopes, one entry each, along which the likelihood rises without end.
    """

    what, direction = "", None


class ConvergenceError(P2PRiskError, RuntimeError):
    """An iteration ended before the estimates reached the digits asked for."""
