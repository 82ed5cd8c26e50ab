"""The study of any lender's tape: what is computed, what is drawn, which pages it fills."""

from p2prisk.report.assemble import assemble
from p2prisk.report.study import TapeStudy

__all__ = ["TapeStudy", "assemble"]
