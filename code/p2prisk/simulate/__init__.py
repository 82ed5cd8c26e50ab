"""A seeded simulator of a lending platform: for demonstration of control and monitoring only.

No borrower file of Net Credit Group is public, and no public tape has monthly performance, custody and funding
records together. This module makes such records up, with marginals calibrated to published figures, and marks
everything it returns: ``frame.attrs["simulated"]`` and, on the loan tape, ``provenance["simulated"]``.
"""

from p2prisk.simulate.causes import CAUSES, TurningBad
from p2prisk.simulate.core import SimulatedPlatform, simulate_platform
from p2prisk.simulate.life import STATES
from p2prisk.simulate.margins import compare_margins

__all__ = ["CAUSES", "STATES", "SimulatedPlatform", "TurningBad", "compare_margins", "simulate_platform"]
