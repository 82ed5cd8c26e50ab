"""What was known when: the day of a decision, and the last day of which the rule behind a number knew an outcome.

A rank, a calibration, a cut-off, a stress or an alarm is a statement about loans that somebody had to decide on. It is
worth what it says only beside the day of that decision and the outcomes that were used to reach it. Every stored
replication carries a :class:`Known` or is :class:`Descriptive`; a :class:`~p2pbook.values.Value` made inside
:func:`stamp` carries the same, and a test asks for it wherever a chapter prints a number that predicts.
"""

from calendar import month_name
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_NOW = ContextVar("known", default=None)


@dataclass(frozen=True)
class Known:
    """The day of a decision and what it rests on.

    Parameters
    ----------
    decision_date : str
        ISO day on which the loans that are judged were still to be decided on: nothing of them was known. Several days
        (rolling dates) stand with blanks between.
    known_until : str
        ISO day of the last outcome that the fit or the rule used; as many as decision dates, or one. The outcomes that
        *judge* it come later by nature, and are not meant.

    Examples
    --------
    >>> Known("2010-12-31", "2010-12-31").hindsight, Known("2010-12-31", "2016-03-31").hindsight
    (False, True)
    >>> Known("2009-12-31 2010-12-31", "2009-12-31 2011-01-31").hindsight
    True
    """

    decision_date: str
    known_until: str

    def __post_init__(self):
        days, ends = self.decision_date.split(), self.known_until.split()
        if not days or len(ends) not in (1, len(days)):
            raise ValueError(f"{len(ends)} days known for {len(days)} decision dates; give one, or one for each")
        for day in (*days, *ends):
            if len(day) != 10 or day[4] != "-" or day[7] != "-":
                raise ValueError(f"{day!r} is no ISO day such as 2010-12-31")

    @property
    def hindsight(self):
        """Whether outcomes were used that nobody knew on the day."""
        days, ends = self.decision_date.split(), self.known_until.split()
        return any(end > day for day, end in zip(days, ends * len(days) if len(ends) == 1 else ends, strict=True))

    @property
    def span(self):
        """Month of the decision in words, or of the first and the last.

        >>> Known("2008-12-31 2009-06-30", "2008-12-31").span, Known("2010-12-31", "2010-12-31").span
        ('December 2008 to June 2009', 'December 2010')
        """
        days = sorted(self.decision_date.split())
        return " to ".join(f"{month_name[int(day[5:7])]} {day[:4]}" for day in dict.fromkeys((days[0], days[-1])))

    @property
    def span_zh(self):
        """The same in Chinese.

        >>> Known("2008-12-31 2009-06-30", "2008-12-31").span_zh
        '2008年12月至2009年6月'
        """
        days = sorted(self.decision_date.split())
        return "至".join(f"{day[:4]}年{int(day[5:7])}月" for day in dict.fromkeys((days[0], days[-1])))

    def stored(self):
        """As it stands in a stored replication."""
        return {"decision_date": self.decision_date, "known_until": self.known_until}


@dataclass(frozen=True)
class Descriptive:
    """The mark of numbers that describe what happened and predict nothing, with the reason."""

    reason: str

    def stored(self):
        """As it stands in a stored replication."""
        return {"descriptive": self.reason}


def read(entry):
    """Turn what a stored replication holds into :class:`Known` or :class:`Descriptive`; None where it holds neither.

    Examples
    --------
    >>> read({"decision_date": "2010-12-31", "known_until": "2010-12-31"}).hindsight
    False
    >>> read({"descriptive": "counts"}), read({})
    (Descriptive(reason='counts'), None)
    """
    if "descriptive" in entry:
        return Descriptive(entry["descriptive"])
    if "decision_date" in entry and "known_until" in entry:
        return Known(entry["decision_date"], entry["known_until"])
    return None


@contextmanager
def stamp(known):
    """Give every :class:`~p2pbook.values.Value` made inside the day of its decision; a decorator, too.

    Parameters
    ----------
    known : Known or Descriptive
        For that of a stored replication by its name see :func:`p2pbook.replications.stamped`.

    Examples
    --------
    >>> from p2pbook.values import Value
    >>> with stamp(Known("2010-12-31", "2010-12-31")):
    ...     area = Value(0.66, 3, low=0.64, high=0.68)
    >>> area.known == area.low.known == (-area).known, Value(0.66).known
    (True, None)
    """
    token = _NOW.set(known)
    try:
        yield known
    finally:
        _NOW.reset(token)


def current():
    """What the innermost :func:`stamp` says; None outside."""
    return _NOW.get()
