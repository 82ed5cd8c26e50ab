"""The small committed tables of the book and its list of dated facts.

A chapter takes a number from a fact by its id, so that no result is typed by hand and every number leads to
its source::

    facts = p2pbook.facts.facts()
    facts.value("NCG024", scale=1e6, digits=0)      # '265'

The tables lie in ``data/`` of the repository (``data/README.md`` describes them).
"""

import re
from functools import lru_cache

import pandas as pd

from p2prisk.datasets import table
from p2prisk.errors import DataError

#: States of a fact that may be stated; the second only with the remark that it was not read here.
STATED = ("read", "cited")


class Facts:
    """The list of dated facts, each with its source and the source's grade.

    A fact whose source was read can be stated, and one that is cited from another's reading only as such
    (:meth:`read` tells them apart); anything else raises.

    Parameters
    ----------
    facts, sources : pandas.DataFrame
        Tables ``facts_case`` (one row a fact, with the key of its source) and ``sources_case`` (one row a source).

    Examples
    --------
    >>> listed = facts()
    >>> listed.value("NCG024", scale=1e6, digits=1)
    '265.4'
    >>> listed.key("NCG024"), listed.grade("NCG024")
    ('src-hunter-20f-2018-r4', 'A')
    """

    def __init__(self, facts, sources):
        self._facts = facts.set_index("id")
        self._sources = sources.set_index("key")

    def __len__(self):
        return len(self._facts)

    def __contains__(self, fact_id):
        return fact_id in self._facts.index and self._facts.loc[fact_id, "status"] in STATED

    def read(self, fact_id):
        """Whether the fact's source was read, and not only cited from another's reading."""
        return self.record(fact_id)["status"] == "read"

    def record(self, fact_id):
        """Everything known of one fact.

        Parameters
        ----------
        fact_id : str

        Returns
        -------
        pandas.Series
            id, topic, date, value, unit, statement, status, key, author, title, publisher, url, published, grade.

        Raises
        ------
        DataError
            When the id is unknown, or its source was neither read nor cited.
        """
        if fact_id not in self._facts.index:
            raise DataError(f"no fact {fact_id!r} in data/facts_case.csv")
        fact = self._facts.loc[fact_id]
        if fact["status"] not in STATED:
            raise DataError(
                f"fact {fact_id} has status {fact['status']!r}: only facts that were {' or '.join(STATED)} "
                "may be stated; find a source or leave it out"
            )
        return pd.concat([pd.Series({"id": fact_id}), fact, self._sources.loc[fact["key"]]])

    def number(self, fact_id):
        """The fact's value as a float.

        Raises
        ------
        DataError
            When the fact has no number.
        """
        value = self.record(fact_id)["value"]
        try:
            return float(value)
        except ValueError:
            raise DataError(f"fact {fact_id} has no number but {value!r}") from None

    def value(self, fact_id, scale=1.0, digits=0):
        """The fact's value divided by `scale`, formatted for prose.

        Parameters
        ----------
        fact_id : str
        scale : float
            Divisor, for instance 1e6 to print dollars in millions.
        digits : int
            Digits after the point.

        Returns
        -------
        str
        """
        return f"{self.number(fact_id) / scale:,.{digits}f}".replace("-", "−")

    def quoted(self, fact_id, text):
        """A further number that the fact's words contain, as a float.

        Parameters
        ----------
        fact_id : str
        text : str
            The number as it stands in the fact, for instance ``"64.85"`` or ``"1,279"``.

        Returns
        -------
        float

        Raises
        ------
        DataError
            When the fact's statement does not contain that number.

        Examples
        --------
        >>> facts().quoted("NCG094", "64.85")
        64.85
        """
        statement = self.record(fact_id)["statement"]
        if not re.search(r"(?<![\d.,])" + re.escape(text) + r"(?!\d|[.,]\d)", statement):
            raise DataError(f"fact {fact_id} does not contain the number {text!r}: {statement}")
        return float(text.replace(",", ""))

    def sources(self, *prefixes):
        """The sources of the facts whose id starts with one of `prefixes`.

        Returns
        -------
        pandas.DataFrame
            Index: key; columns of ``sources_case``; in the order in which the facts name them.
        """
        mine = self._facts[self._facts.index.str.startswith(prefixes) & self._facts["status"].isin(STATED)]
        return self._sources.loc[mine["key"].unique()]

    def key(self, fact_id):
        """Citation key of the fact's source in ``references.bib``."""
        return self.record(fact_id)["key"]

    def grade(self, fact_id):
        """Grade of the source: A official or academic, B press, C copy or repost, D personal work."""
        return self.record(fact_id)["grade"]


@lru_cache(maxsize=1)
def facts():
    """The list of facts of the case and the industry.

    Returns
    -------
    Facts
    """
    return Facts(table("facts_case"), table("sources_case"))
