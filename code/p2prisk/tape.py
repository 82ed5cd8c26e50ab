"""The loan tape."""

from dataclasses import dataclass, field

import pandas as pd


@dataclass
class LoanTape:
    """A set of loans, one row a loan, with where it comes from.

    Attributes
    ----------
    frame : pandas.DataFrame
        The loans.
    provenance : dict
        Source, licence, period, citation.
    """

    frame: pd.DataFrame
    provenance: dict = field(default_factory=dict)
