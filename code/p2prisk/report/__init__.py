"""The study of any lender's tape: what is computed, what is drawn, which pages it fills."""

from functools import partial

from p2prisk import tables
from p2prisk.report.assemble import assemble
from p2prisk.report.study import TapeStudy

#: a table whose words are the tape's: they are shown as they are, whatever they look like
show = partial(tables.show, text=True)

__all__ = ["TapeStudy", "assemble", "show"]
