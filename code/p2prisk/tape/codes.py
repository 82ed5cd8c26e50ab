"""Numbers that may stand for missing: values at which a column piles up, far from its others or among them."""

from __future__ import annotations

import numpy as np

from p2prisk.tape.tally import counted

#: forms that codes have in any lender's file: 9s, 8s and 7s, and the last numbers below a power of ten
_FORMS = {int(digit * times) for digit in "789" for times in range(2, 11)} | {
    10**power - less for power in (2, 3, 4) for less in (2, 3, 4)
}
_FORMS |= {int("123456789"[:size]) for size in range(4, 10)} | {int("1" * size) for size in range(4, 10)}
#: with more nines behind the point than a price or a rate has
_LONG = (9.999, 9.9999, 99.999, 99.9999, 999.999, 9999.999)
SPECIAL = tuple(sorted({*_FORMS, *(form - 0.01 for form in (100, 1000, 10_000)), 99.9, 999.9, 9999.9, *_LONG}))
BELOW = (-1, -9, -99, -999, -9999)


def suspected_codes(values: np.ndarray) -> list[tuple[float, int, str]]:
    """Values that may stand for missing.

    Parameters
    ----------
    values : ndarray of float
        The known values of a column.

    Returns
    -------
    list of tuple
        Value, rows that hold it, and what makes it odd, in words.

    Examples
    --------
    >>> spread = np.linspace(2, 35, 100)
    >>> suspected_codes(np.append(spread, [999] * 5))
    [(999.0, 5, 'the next value is 35')]
    >>> suspected_codes(np.append(spread, 999)), suspected_codes(np.append(spread, 99))
    ([(999.0, 1, 'the next value is 35')], [])
    >>> suspected_codes(np.append(spread, [77.5] * 5))
    [(77.5, 5, 'the next value is 35')]
    >>> suspected_codes(np.append(np.linspace(5_000, 200_000, 500), [99_999] * 20))
    [(99999.0, 20, 'no other value is half as common')]
    >>> suspected_codes(np.append(np.linspace(5_000, 200_000, 500), [1] * 20))
    [(1.0, 20, 'the next value is 5,000')]
    >>> suspected_codes(np.append(spread, [9.999] * 12)), suspected_codes(np.append(spread, [9.99] * 12))
    ([(9.999, 12, 'no other value is half as common')], [])
    >>> suspected_codes(np.append(spread, [40, 60])), suspected_codes(np.repeat([12, 24, 36], 50))
    ([], [])
    """
    values = np.asarray(values, dtype=float)
    return codes_among(*counted(values[~np.isnan(values)]))


def codes_among(found: np.ndarray, counts: np.ndarray) -> list[tuple[float, int, str]]:
    """The same of the distinct values, ascending, and how often each is there."""
    rows = int(counts.sum())
    if rows < 20:
        return []
    least = max(3, 0.001 * rows)
    codes = []
    far = (found > 0) & np.isin(found, SPECIAL) & (counts < least)  # one cell is enough far beyond all others
    plain = found[~np.isin(found, SPECIAL)]
    far &= bool(len(plain)) and found >= 3 * plain.max()
    for place in np.flatnonzero((counts >= least) & (counts <= 0.9 * rows) | far):
        value, count = found[place], int(counts[place])
        if value in BELOW or value in SPECIAL or place in (0, len(found) - 1):
            why = _odd(value, count, found, counts, place)
            if why:
                codes.append((float(value), count, why))
    return codes


def as_written(code: float) -> str:
    """A number as the mapping names it, every digit of it.

    Examples
    --------
    >>> as_written(99999999.0), as_written(99.99)
    ('99999999', '99.99')
    """
    return str(int(code)) if code == int(code) and abs(code) < 1e15 else repr(float(code))


def _odd(value, count, found, counts, place):
    """Why a value that is common is odd among the others; empty if it is not."""
    special = value in SPECIAL or value in BELOW
    others = np.delete(np.arange(len(found)), place)
    plain = others[~np.isin(found[others], SPECIAL + BELOW)]
    if not len(plain):
        return ""
    rest, weights = found[plain], counts[plain]
    if special:
        beyond = rest.min() > value if value < 0 else rest.max() < value
        near = weights[np.abs(rest - value) <= 0.2 * abs(value)].sum()
        if beyond and near * 3 <= count:
            return f"the next value is {rest.min() if value < 0 else rest.max():,g}"
    many = len(rest) >= 20  # a number, not a class
    if many and rest.max() < value and value >= 1.5 * rest.max() and count > 2 * weights.max():
        return f"the next value is {rest.max():,g}"
    gap = (found[place] - found[place - 1]) if place else (found[1] - found[0] if len(found) > 1 else 0.0)
    if many and value and place in (0, len(found) - 1) and count > 3 * weights.max() and gap > 0.5 * np.ptp(rest):
        return f"the next value is {rest.max() if place else rest.min():,g}"
    if many and place == 0 and 0 < 10 * value <= rest.min() and count > 2 * weights.max():
        return f"the next value is {rest.min():,g}"
    if many and special and (value >= 99 or value in _LONG) and count >= 10 and count > 2 * weights.max():
        return "no other value is half as common"
    return ""
