"""What would have caught it? A simulated platform turns bad in five ways; which instrument notices, and when.

A study on top of :mod:`~p2prisk.simulate`, :mod:`~p2prisk.monitor`, :mod:`~p2prisk.stress` and
:mod:`~p2prisk.platform`. Its results are simulated and stored with their seeds.
"""

from p2pbook.detection.experiment import DOSES, READINGS, detection_table, one_platform, stored_study
from p2pbook.detection.instruments import FAMILIES, INSTRUMENTS, statistics

__all__ = [
    "DOSES",
    "FAMILIES",
    "INSTRUMENTS",
    "READINGS",
    "detection_table",
    "one_platform",
    "statistics",
    "stored_study",
]
