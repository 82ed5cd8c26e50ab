"""Keys that come again, alike or nearly so, and rows that do: proved to be none at once, or looked for row by row.

A million keys that all differ are the usual case. Their bytes, eight at a time, make a number of 64 bits each; where
all numbers differ, all keys do, and nothing more need be asked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from p2prisk.tape.tally import Tallies

_MIX = np.uint64(0x9E3779B97F4A7C15)
_ROWS = 100_000
_SPACES = np.isin(np.arange(256), [*range(9, 14), *range(28, 33)])


class _Bytes:
    """The bytes of a column of texts, none missing: all in a row, and where each text begins."""

    def __init__(self, values: pd.Series) -> None:
        import pyarrow

        array = pyarrow.array(values, type=pyarrow.large_string())
        array = array.combine_chunks() if isinstance(array, pyarrow.ChunkedArray) else array
        _, offsets, data = array.buffers()
        self.begins = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        self.data = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
        self.used = self.data[self.begins[0] : self.begins[-1]]

    def numbers(self, data: np.ndarray) -> np.ndarray:
        """A number of 64 bits for each text, of its bytes in `data` and its length."""
        words = np.append(data, np.zeros(8, np.uint8))
        words = np.lib.stride_tricks.as_strided(words[:8].view(np.uint64), (len(data) + 1,), (1,))
        found = np.empty(len(self.begins) - 1, dtype=np.uint64)
        for start in range(0, len(found), _ROWS):  # what is made on the way stays small
            found[start : start + _ROWS] = _numbers(words, self.begins[start : start + _ROWS + 1])
        return found


def _numbers(words, begins):
    sizes, begins = np.diff(begins), begins[:-1]
    found = sizes.astype(np.uint64)
    for place in range(0, int(sizes.max(initial=0)), 8):
        left = np.clip(sizes - place, 0, 8)
        word = words[np.minimum(begins + place, len(words) - 1)]
        keep = np.uint64(0xFFFFFFFFFFFFFFFF) >> (np.uint64(8) * (8 - np.maximum(left, 1)).astype(np.uint64))
        word = np.where(left > 0, word & keep, np.uint64(0))
        with np.errstate(over="ignore"):
            found = (found ^ (found >> np.uint64(29))) * _MIX + word
    return found


def _all_differ(numbers):
    ordered = np.sort(numbers)  # four times as fast as looking each of them up, and in less memory
    return not (ordered[1:] == ordered[:-1]).any()


def _held(values):
    """The bytes of a column of texts without gaps; None where it is another."""
    plain = isinstance(values.dtype, pd.StringDtype) and len(values) and not values.hasnans
    return _Bytes(values) if plain else None


def repeated(values: pd.Series) -> np.ndarray:
    """Which rows hold a value that came before; a missing one never does.

    Examples
    --------
    >>> repeated(pd.Series(["a", None, "b", None, "a"])).tolist()
    [False, False, False, False, True]
    """
    held = _held(values)
    if held is not None and _all_differ(held.numbers(held.data)):
        return np.zeros(len(values), dtype=bool)
    return (values.notna() & values.duplicated()).to_numpy(dtype=bool)


def repeated_or_alike(keys: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Which keys came before, and which differ from another only in capitals, blanks or leading zeros.

    Keys that differ however they are spelled do differ, so that one proof mostly answers both.

    Examples
    --------
    >>> again, alike = repeated_or_alike(pd.Series(["a1", "A1", "b", None, "07", "7", "7"]))
    >>> again.tolist(), alike.tolist()
    ([False, False, False, False, False, False, True], [True, True, False, False, True, False, False])
    """
    none = np.zeros(len(keys), dtype=bool)
    held = _held(keys)
    if held is not None and (held.used < 128).all() and not _SPACES[held.used].any():
        zeros = held.data[np.minimum(held.begins[:-1], max(len(held.data) - 1, 0))] == 48
        lower = held.data + np.uint8(32) * ((held.data >= 65) & (held.data <= 90))
        if not zeros.any() and _all_differ(held.numbers(lower)):
            return none, none
    again, known = repeated(keys), keys.dropna()
    if not (pd.api.types.is_string_dtype(known.dtype) or known.dtype == object):
        return again, none
    plain = without_spelling(known)
    alike = none.copy()
    alike[keys.notna().to_numpy()] = plain.duplicated(keep=False) & ~known.duplicated(keep=False)
    return again, alike


def without_spelling(keys: pd.Series) -> pd.Series:
    """Keys without capitals, blanks and leading zeros."""
    import pyarrow
    from pyarrow import compute

    texts = keys.astype("str")
    arrow = pyarrow.array(texts, type=pyarrow.large_string())
    if not compute.all(compute.string_is_ascii(arrow)).as_py():
        return texts.str.casefold().str.replace(r"^0+(?=\d)|\s+", "", regex=True)
    lower = compute.replace_substring_regex(compute.ascii_lower(arrow), r"\A0+([0-9])", r"\1")
    lower = compute.replace_substring_regex(lower, r"[\t-\r\x1c-\x20]+", "")
    return pd.Series(lower.to_pandas(), dtype="str").set_axis(keys.index)


def doubled_rows(frame: pd.DataFrame, tallies: Tallies) -> int:
    """Rows that are equal to an earlier one in every column.

    The columns with most distinct values are compared first: where rows differ already in these, they differ.
    """

    def spread(name):
        values = frame[name]
        return len(tallies[name].values) if pd.api.types.is_numeric_dtype(values.dtype) else 0

    hashed = np.zeros(len(frame), dtype=np.uint64)
    for place, name in enumerate(sorted(frame.columns, key=spread, reverse=True)):
        values = frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.cat.codes
        elif pd.api.types.is_bool_dtype(values.dtype):
            values = values.astype("Int8").fillna(-1).astype("int8")
        with np.errstate(over="ignore"):
            hashed = hashed * _MIX + pd.util.hash_array(values.to_numpy()) * np.uint64(2 * place + 1)
        if place in (2, 5) and _all_differ(hashed):
            return 0
    return int(pd.Series(hashed).duplicated().sum())
