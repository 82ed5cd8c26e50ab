"""Time: the discrete-time hazard of loans by age, with competing ends.

:class:`HazardLogit` takes one row a loan with the age at which it was first and last seen and how it ended; the table
of loan-periods is never made. :func:`spells` reads these ages from the dates of a tape.

P(default within h | alive at age a, what is known at date d) is a fit on ``tape.as_of(d)`` and a prediction from the
age that each running loan has on the day::

    known = tape.as_of("2010-12-31")
    result = HazardLogit.from_tape(known, "dti + np.log(income)", baseline=[6, 12, 18, 24]).fit()
    age = spells(known).frame.query("ending == 'open'")["exit"]
    result.predict(known.frame.loc[age.index], 12, cause="default", given=age, interval=0.95)
"""

from p2prisk.hazard.model import HazardLogit, HazardOptions
from p2prisk.hazard.results import HazardResults, Simulated
from p2prisk.hazard.spells import SpellTable, spells

__all__ = ["HazardLogit", "HazardOptions", "HazardResults", "Simulated", "SpellTable", "spells"]
