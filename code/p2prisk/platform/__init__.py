"""The platform's own conduct: screens on loans, money and accounts that no borrower score can replace.

Four of the case's five causes lie with the platform. Each screen has a definition, the data it needs, a threshold
with its reason, a test, an action and an owner (:data:`SCREENS`); :func:`run_screens` runs all that the records
allow.
"""

from p2prisk.platform.flows import (
    circular_flows,
    custody,
    maturity_mismatch,
    product_mix,
    reconcile,
    related_receivables,
    servicing,
)
from p2prisk.platform.parties import (
    CAPS,
    borrower_caps,
    concentration,
    linked_groups,
    rate_cap,
    related_parties,
    roll_over,
)
from p2prisk.platform.run import Records, run_screens
from p2prisk.platform.screen import SCREENS, Screen, ScreenResult, screen_table

__all__ = [
    "CAPS",
    "SCREENS",
    "Records",
    "Screen",
    "ScreenResult",
    "borrower_caps",
    "circular_flows",
    "concentration",
    "custody",
    "linked_groups",
    "maturity_mismatch",
    "product_mix",
    "rate_cap",
    "reconcile",
    "related_parties",
    "related_receivables",
    "roll_over",
    "run_screens",
    "screen_table",
    "servicing",
]
