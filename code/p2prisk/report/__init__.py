"""The study of any lender's tape: what is computed, what is drawn, which pages it fills.

A chapter needs the results alone, and starts in half a second: what computes them is loaded by whoever asks for it.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import pandas as pd

from p2prisk import tables
from p2prisk.escape import escaped
from p2prisk.report.results import Results

#: a table whose words are the tape's: they are shown as they are, whatever they look like
show = partial(tables.show, text=True)


def linked(frame: pd.DataFrame, **how: Any) -> tables.MarkdownTable:
    """A table of sentences: none is cut, every word is shown as it is, and ``place`` links to the section it names."""
    frame = frame.copy()
    for name in frame.columns:
        if name == "place":
            frame[name] = [f"@sec-{place}" if place else "–" for place in frame[name]]
        elif not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = [escaped(value, "markdown", 4000) for value in frame[name]]
    return tables.show(frame.rename(columns={"place": "where"}), **how)


_LATER = {"TapeStudy": "study", "Settings": "settings"}
__all__ = ["Results", "Settings", "TapeStudy", "linked", "show"]


def __getattr__(name):
    if name in _LATER:
        return getattr(import_module(f"p2prisk.report.{_LATER[name]}"), name)
    raise AttributeError(f"module 'p2prisk.report' has no attribute {name!r}")
