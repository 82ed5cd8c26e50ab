"""How a simulated platform turns bad: the case's five causes, each as paths over time that grow with a dose.

The five causes are those the book discusses for Net Credit Group. What each does to a platform is a modelling
choice of ours, written down here; nothing is estimated from the group.
"""

from dataclasses import dataclass

import numpy as np

from p2prisk.errors import DataError

#: name -> what turns bad, in words
CAUSES = {
    "repayment": "new borrowers repay worse; half of the change shows in their attributes, half does not",
    "environment": "all borrowers miss more instalments, and lenders bring less money and withdraw more",
    "management": "servicing is cut while the book grows, and connected firms are lent to and rolled over",
    "custody": "money leaves the custody account without an entry in the ledger, or never arrives there",
    "operation": "loans are moved into pools outside the licence, funded by one-month money",
}

#: cause -> effect of one unit of dose once it is fully there. Log-odds shifts, or shares of the balance.
EFFECTS = {
    "repayment": {"hidden": 0.4, "tilt": 1.0},
    "environment": {"environment": 0.4, "outflow": 0.15},
    "management": {"cure": -0.4, "connected": 0.05, "servicing": -0.2},
    "custody": {"diverted": 0.02},
    "operation": {"pooled": 0.10},
}

_ALL = ("hidden", "tilt", "environment", "outflow", "cure", "connected", "servicing", "diverted", "pooled")


@dataclass(frozen=True)
class TurningBad:
    """One way to turn bad.

    Attributes
    ----------
    cause : str
        A key of :data:`CAUSES`.
    dose : float
        Strength; 1 gives the effects in :data:`EFFECTS`.
    onset : int
        First month affected.
    ramp : int
        Months until the full effect.
    """

    cause: str
    dose: float
    onset: int
    ramp: int = 12

    def __post_init__(self):
        if self.cause not in CAUSES:
            raise DataError(f"no cause is called {self.cause!r}; known: {', '.join(CAUSES)}")
        if not self.dose >= 0:
            raise DataError(f"a dose cannot be {self.dose}; give zero or more")
        if self.ramp < 1:
            raise DataError("the ramp takes one month at least")


def paths(turning_bad, months):
    """Paths of everything a cause moves, by month.

    Parameters
    ----------
    turning_bad : TurningBad or None
        None is the healthy platform: all paths are zero.
    months : int
        Length of the paths.

    Returns
    -------
    dict of numpy.ndarray, each of shape (months,)

    Examples
    --------
    >>> paths(TurningBad("custody", 1.0, onset=2, ramp=2), 5)["diverted"].tolist()
    [0.0, 0.0, 0.01, 0.02, 0.02]
    """
    result = {name: np.zeros(months) for name in _ALL}
    if turning_bad is not None:
        ramp = np.clip((np.arange(months) - turning_bad.onset + 1) / turning_bad.ramp, 0, 1)
        for name, effect in EFFECTS[turning_bad.cause].items():
            result[name] = turning_bad.dose * effect * ramp
    return result
