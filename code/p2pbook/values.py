"""Numbers that know how they are printed, so that prose reads ``{python} n.auc`` and ``{python} n.auc.interval``."""

from p2pbook import known as when
from p2prisk.tables import number

#: half the width of a 95 % interval, in standard errors
HALF = 1.959963984540054


class Value(float):
    """A number of a chapter, with the digits, the unit and the interval that it is printed with.

    It computes like a float; shown in a chapter, in an f-string or by `str` it is text.

    Parameters
    ----------
    value : float
    digits : int
        Digits after the point.
    percent : bool
        Whether `value` is a share that is printed per hundred, with the sign.
    low, high : float, optional
        Ends of the interval.
    known : Known or Descriptive, optional
        Day of the decision that the number is about; by default that of :func:`p2pbook.known.stamp`.

    Examples
    --------
    >>> auc = Value(0.69472, 3, low=0.6849, high=0.7043)
    >>> f"{auc} ({auc.interval})", auc > 0.69
    ('0.695 (0.685 to 0.704)', True)
    >>> str(share(0.1523)), str(share(-0.004, 1).points), str(count(21712)), str(Value(float("nan")))
    ('15.2 %', '−0.4', '21,712', '–')
    """

    def __new__(cls, value, digits=2, percent=False, low=None, high=None, known=None):
        self = super().__new__(cls, value)
        self.digits, self.percent, self._ends = digits, percent, (low, high)
        self.known = when.current() if known is None else known
        return self

    @property
    def points(self):
        """The number per hundred, without the sign: a difference of shares is counted in points."""
        return number(100 * float(self), self.digits)

    @property
    def whole(self):
        """The number printed without decimals."""
        return Value(self, 0, self.percent, known=self.known)

    @property
    def low(self):
        """Lower end of the interval, printed like the number."""
        return self._end(0)

    @property
    def high(self):
        """Upper end of the interval, printed like the number."""
        return self._end(1)

    @property
    def interval(self):
        """The interval in words: ``0.685 to 0.704``; the sign of per cent stands once."""
        return f"{number(float(self.low) * (100 if self.percent else 1), self.digits)} to {self.high}"

    @property
    def days(self):
        """Months of the decisions that the number is about: ``December 2008 to June 2011``."""
        return self.known.span

    @property
    def days_zh(self):
        """The same in Chinese."""
        return self.known.span_zh

    def _end(self, which):
        if self._ends[which] is None:
            raise AttributeError(f"{self} was given no interval")
        return Value(self._ends[which], self.digits, self.percent, known=self.known)

    def __neg__(self):
        low, high = (None if end is None else -end for end in self._ends)
        return Value(-float(self), self.digits, self.percent, high, low, self.known)

    def __str__(self):
        text = number(float(self) * (100 if self.percent else 1), self.digits)
        return text + " %" if self.percent and text != "–" else text

    def __repr__(self):
        return f"Value({float(self)!r}: {self})"

    def __format__(self, spec):
        return format(float(self), spec) if spec else str(self)

    def _repr_markdown_(self):
        return str(self)


def share(value, digits=1, low=None, high=None):
    """Make a :class:`Value` that is printed per hundred."""
    return Value(value, digits, True, low, high)


def count(value):
    """Make a :class:`Value` that is printed whole, with thousands separated."""
    return Value(value, 0)


def estimate(row, name, digits=2, low="ci_low", high="ci_high", percent=False):
    """Make a :class:`Value` of one row of a table of estimates, with its interval.

    Parameters
    ----------
    row : Series or dict
    name, low, high : str
        Where the estimate and the ends of its interval stand in `row`.
    digits : int
    percent : bool

    Examples
    --------
    >>> gap = estimate({"difference": -0.0255, "ci_low": -0.0341, "ci_high": -0.0168}, "difference", 3)
    >>> gap.interval, str(-gap), (-gap).interval
    ('−0.034 to −0.017', '0.025', '0.017 to 0.034')
    """
    return Value(row[name], digits, percent, row[low], row[high])


def estimates(table, name, digits=2, low="low", high="high", own=None):
    """Make a dict of :class:`Value`, one for each row of a table of estimates, by its index.

    Parameters
    ----------
    table : pandas.DataFrame
    name, low, high : str
        Columns of the estimate and of the ends of its interval.
    digits : int
    own : dict, optional
        Digits of the rows that are printed otherwise.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"odds_ratio": [6.7957, 0.991], "low": [6.18, 0.94], "high": [7.47, 1.05]})
    >>> table.index = ["term", "income"]
    >>> {name: str(value) for name, value in estimates(table, "odds_ratio", own={"term": 1}).items()}
    {'term': '6.8', 'income': '0.99'}
    """
    return {key: estimate(row, name, (own or {}).get(key, digits), low, high) for key, row in table.iterrows()}
