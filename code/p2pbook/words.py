"""Sentences that count: their form for none, one, some and all, and lists in words."""

from p2prisk.tables import number


def listed(names):
    """Join names as a sentence does.

    Examples
    --------
    >>> listed([]), listed(["6"]), listed(["5", "6", "7"])
    ('', '6', '5, 6 and 7')
    """
    names = [str(name) for name in names]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def in_words(value):
    """Write a whole number up to twelve as a word, a larger one in digits.

    Examples
    --------
    >>> in_words(8), in_words(2011)
    ('eight', '2,011')
    """
    words = "none one two three four five six seven eight nine ten eleven twelve".split()
    return words[value] if 0 <= value < len(words) else number(value)


def counted(found, of, *, none, one, some, every):
    """Choose the form of a sentence by how many, of how many, it speaks of.

    Parameters
    ----------
    found : int or sequence of str
        How many, or their names.
    of : int
        How many there could be.
    none, one, some, every : str
        The forms; ``{n}``, ``{of}`` and ``{names}`` (joined by :func:`listed`) are filled in. `every` wins over `one`
        where there could be only one.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        More were found than there could be.

    Examples
    --------
    >>> forms = {"none": "no sign turned", "one": "one sign turned", "some": "{n} signs turned", "every": "all turned"}
    >>> [counted(found, 6, **forms) for found in (0, 1, 2, 6)]
    ['no sign turned', 'one sign turned', '2 signs turned', 'all turned']
    """
    names = () if isinstance(found, int) else tuple(found)
    size = found if isinstance(found, int) else len(names)
    if not 0 <= size <= of:
        raise ValueError(f"{size} found of {of}: count what is found among what could be")
    form = none if not size else every if size == of else one if size == 1 else some
    return form.format(n=number(size), of=number(of), names=listed(names))
