"""Kinds of argument that many functions take."""

import datetime
import os

import numpy as np
import pandas as pd

#: What names a file or a folder.
PathLike = str | os.PathLike[str]
#: What pandas reads as a day: text such as ``2017-04`` or ``2017-04-30``, or any date.
DateLike = str | datetime.date | np.datetime64 | pd.Timestamp

#: What the standard model may be asked for: its outcome, method and link.
OUTCOMES = ("severity", "bad", "grade")
METHODS = ("cumulative", "sequential", "bias-reduced")
LINKS = ("logit", "probit", "cloglog", "loglog")
