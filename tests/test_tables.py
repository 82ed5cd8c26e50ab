"""Tables as Markdown: what pandoc makes of their columns."""

import pandas as pd

from p2prisk.tables import show


def separator(table):
    return str(table).splitlines()[1]


def test_narrow_tables_leave_the_widths_to_the_reader():
    assert separator(show(pd.DataFrame({"grade": ["A"], "share": [0.25]}))) == "|:---|---:|"


def test_wide_tables_divide_the_page_by_what_the_columns_hold():
    frame = pd.DataFrame({"n": [12], "short": ["ten or so"], "words": ["a sentence " * 12]})
    dashes = [part.count("-") for part in separator(show(frame)).strip("|").split("|")]
    assert dashes == [4, 11, 42]  # two more than the longest cell, at most forty characters counted
    assert separator(show(frame)).startswith("|----:|:")
