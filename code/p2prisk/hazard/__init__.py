"""Time: the discrete-time hazard of loans by age, with competing ends.

:class:`HazardLogit` takes one row a loan with the age at which it was first and last seen and how it ended; the table
of loan-periods is never made. :func:`spells` reads these ages from the dates of a tape.
"""

from p2prisk.hazard.model import HazardLogit
from p2prisk.hazard.results import HazardResults
from p2prisk.hazard.spells import SpellTable, spells

__all__ = ["HazardLogit", "HazardResults", "SpellTable", "spells"]
