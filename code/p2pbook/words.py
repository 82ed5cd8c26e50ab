"""Words that hang on a count: a sentence says none, one, some or all as the numbers have it; and names of causes."""

import re
from calendar import month_name

#: Cause of a platform's failure -> its name on the page.
CAUSE_WORDS = {
    "repayment": "Repayment",
    "environment": "Environment",
    "management": "Management",
    "custody": "Custody",
    "operation": "Mode of operation",
    "healthy": "Healthy",
}


def by_count(part, whole, none, one, some, every):
    """Choose the words for `part` of `whole`.

    Parameters
    ----------
    part, whole : int
        How many, of how many.
    none, one, some, every : str
        The words for each case; ``{part}`` and ``{whole}`` stand for the numbers. All of one counts as all, none of
        none as none.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If `part` is negative or larger than `whole`.

    Examples
    --------
    >>> [by_count(n, 3, "no sign", "one sign", "{part} signs", "every sign") for n in range(4)]
    ['no sign', 'one sign', '2 signs', 'every sign']
    >>> by_count(2, 6, "No sign turns", "One sign turns", "{part} of the {whole} signs turn", "All signs turn")
    'Two of the 6 signs turn'
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole}: the part lies between none and the whole")
    words = none if part == 0 else every if part == whole else one if part == 1 else some
    # no sentence begins with a numeral where a word is at hand
    number = in_words(part).capitalize() if words.startswith("{part}") and none[:1].isupper() else f"{part:,d}"
    return words.format(part=number, whole=f"{whole:,d}")


def part_of(part, whole):
    """How many of how many, with words for none and all.

    Examples
    --------
    >>> [part_of(n, 8) for n in (0, 1, 5, 8)]
    ['none of 8', '1 of 8', '5 of 8', 'all 8']
    """
    return by_count(part, whole, "none of {whole}", "{part} of {whole}", "{part} of {whole}", "all {whole}")


def listed(names, none="none"):
    """Names in a row, or the word for no name.

    Examples
    --------
    >>> listed([]), listed(["term"]), listed(["term", "income"])
    ('none', 'term', 'term, income')
    """
    return ", ".join(names) or none


def joined(names):
    """Names as a sentence joins them.

    Examples
    --------
    >>> joined([]), joined(["6"]), joined(["5", "6", "7"])
    ('', '6', '5, 6 and 7')
    """
    names = [str(name) for name in names]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def in_words(value):
    """A whole number up to twelve as a word, a larger one in digits.

    Examples
    --------
    >>> in_words(8), in_words(2011)
    ('eight', '2,011')
    """
    words = "none one two three four five six seven eight nine ten eleven twelve".split()
    return words[value] if 0 <= value < len(words) else f"{value:,d}"


def dated(text):
    """A text in which months and days are written as in prose, where the data have them as ISO writes them.

    Examples
    --------
    >>> dated("2011-12"), dated("2026-11-04"), dated("2018-01 to 2018-03")
    ('December 2011', '4 November 2026', 'January 2018 to March 2018')
    """

    def words(found):
        year, month, day = found.groups()
        return (f"{int(day)} " if day else "") + f"{month_name[int(month)]} {year}"

    return re.sub(r"\b(\d{4})-(\d\d)(?:-(\d\d))?\b", words, text)
