"""Does the order of traits travel? Odds ratios from counts and shares, and whether their directions agree."""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError


def count_odds_ratios(counts, references):
    """Odds ratios of being overdue from published counts, against a reference level of each variable.

    No standard error is given: the counts are snapshots in which the same listing repeats.

    Parameters
    ----------
    counts : pandas.DataFrame
        ``variable``, ``level``, ``overdue``, ``snapshots``.
    references : dict of str to str
        Variable -> level with odds ratio one; other variables are left out.

    Returns
    -------
    pandas.DataFrame
        ``variable``, ``level``, ``reference``, ``snapshots``, ``share``, ``odds_ratio``; without the reference rows.

    Raises
    ------
    DataError
        If a reference level is not in the counts.

    Examples
    --------
    >>> counts = pd.DataFrame({"variable": "sex", "level": ["male", "female"], "overdue": [20, 10],
    ...                        "snapshots": [100, 100]})
    >>> count_odds_ratios(counts, {"sex": "female"})["odds_ratio"].round(2).tolist()
    [2.25]
    """
    rows = []
    for variable, reference in references.items():
        part = counts[counts["variable"] == variable].set_index("level")
        if reference not in part.index:
            raise DataError(
                f"the counts have no level {reference!r} of {variable!r}; they have "
                f"{', '.join(map(str, part.index)) or 'nothing of it'}"
            )
        odds = part["overdue"] / (part["snapshots"] - part["overdue"])
        for level in part.index.drop(reference):
            rows.append(
                {
                    "variable": variable,
                    "level": level,
                    "reference": reference,
                    "snapshots": int(part.loc[level, "snapshots"]),
                    "share": part.loc[level, "overdue"] / part.loc[level, "snapshots"],
                    "odds_ratio": odds[level] / odds[reference],
                }
            )
    return pd.DataFrame(rows)


#: variable -> for each source of our own: slope and whether its sign must be turned; PPDai counts: variable, level;
#: literature: its variable in data/literature_signs.csv
TRAVEL = {
    "income, higher": (
        {"grade": ("income", 1), "early": ("income", 1), "later": ("income", 1), "prosper": ("income", 1)},
        None,
        "Income, higher",
    ),
    "debt to income, higher": ({"grade": ("dti", 1), "early": ("dti", 1)}, None, "Debt to income, higher"),
    "home owner": (
        {"grade": ("home[T.rent]", -1), "early": ("tenant", -1), "prosper": ("owner", 1)},
        None,
        "Home owner",
    ),
    "ten years with employer": ({"later": ("long_job", 1), "prosper": ("long_job", 1)}, None, "Employment, longer"),
    "inquiries, more": (
        {"grade": ("inquiries", 1), "early": ("inquiries", 1), "later": ("inquiries", 1)},
        None,
        "Recent inquiries, more",
    ),
    "used share of limits, higher": (
        {"grade": ("utilisation", 1), "early": ("utilisation", 1), "later": ("utilisation", 1)},
        None,
        "Revolving use, higher",
    ),
    "past delinquency": (
        {
            "grade": ("delinquency[T.within a year]", 1),
            "early": ("delinquency[T.within a year]", 1),
            "later": ("recent_delinquency", 1),
        },
        None,
        "Overdues, bad records, more",
    ),
    "bureau score, higher": ({"prosper": ("score", 1)}, None, None),
    "term, longer": (
        {"grade": ("long_term", 1), "early": ("long_term", 1), "later": ("long_term", 1)},
        None,
        "Term, longer",
    ),
    "amount, larger": (
        {"grade": ("amount", 1), "early": ("amount_step", 1), "later": ("amount", 1), "prosper": ("amount", 1)},
        None,
        "Amount, larger",
    ),
    "small business": (
        {
            "grade": ("purpose[T.small business]", 1),
            "early": ("purpose[T.small business]", 1),
            "prosper": ("business_purpose", 1),
        },
        None,
        "Purpose: small business",
    ),
    "platform grade, worse": (
        {"early": ("sub_grade_step", 1), "prosper": ("grade_step", 1)},
        ("grade", "D"),
        "Platform grade, worse",
    ),
    "education, verified or higher": ({}, ("verified_education", "yes"), "Education, higher"),
    "female": ({}, ("sex", "female"), "Female"),
    "identity verified": ({}, ("verified_identity", "yes"), "Identity or asset verified"),
    "bureau report handed in": ({}, ("verified_bureau", "yes"), "Documents shown, more"),
}


def direction(low, high):
    """Direction of an odds ratio by its interval.

    Examples
    --------
    >>> direction(1.1, 1.3), direction(0.7, 0.9), direction(0.9, 1.2)
    ('worse', 'better', 'none')
    """
    return "worse" if low > 1 else "better" if high < 1 else "none"


def signs_direction(signs):
    """Direction of the studies on one variable: their common sign, ``mixed``, ``none`` or blank (no sign stated).

    Examples
    --------
    >>> signs_direction(["+", "?"]), signs_direction(["+", "-"]), signs_direction(["?"])
    ('worse', 'mixed', '')
    """
    stated = set(signs) - {"?"}
    if not stated:
        return ""
    if len(stated) > 1:
        return "mixed"
    return {"+": "worse", "-": "better", "0": "none"}[stated.pop()]


def directions(estimates, ratios, signs, columns, clear=0.1):
    """Direction of every variable of :data:`TRAVEL` in every source.

    Parameters
    ----------
    estimates : dict of str to pandas.DataFrame
        Source (``grade``, ``early``, ``later``, ``prosper``) -> ``name``, ``low``, ``high`` of odds ratios.
    ratios : pandas.DataFrame
        From :func:`count_odds_ratios`; a ratio within `clear` of one (on the log scale) counts as no clear effect,
        as there is no standard error.
    signs : pandas.DataFrame
        ``variable``, ``country``, ``sign`` (``data/literature_signs.csv``).
    columns : dict of str to str
        Printed heading of ``grade``, ``early``, ``later``, ``prosper``, ``ppdai``, ``United States``, ``China``,
        in the order of the table.

    Returns
    -------
    pandas.DataFrame
        One row a variable, one column a source: ``worse``, ``better``, ``none``, ``mixed`` or blank.
    """
    rows = {}
    for label, (slopes, count, variable) in TRAVEL.items():
        row = dict.fromkeys(columns, "")
        for source, (name, sign) in slopes.items():
            found = estimates[source].set_index("name").loc[name, ["low", "high"]]
            low, high = found if sign > 0 else (1 / found["high"], 1 / found["low"])
            row[source] = direction(low, high)
        if count is not None:
            ratio = np.log(ratios.set_index(["variable", "level"]).loc[count, "odds_ratio"])
            row["ppdai"] = "none" if abs(ratio) < clear else "worse" if ratio > 0 else "better"
        for country in ("United States", "China"):
            mine = signs[(signs["variable"] == variable) & (signs["country"] == country)]
            row[country] = signs_direction(mine["sign"])
        rows[label] = {columns[key]: value for key, value in row.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def share_odds_ratios(shares, references, column):
    """Odds ratios from published percentages, where no counts are given.

    Parameters
    ----------
    shares : pandas.DataFrame
        ``variable``, ``level`` and `column`, in per cent.
    references : dict of str to str
        Variable -> level with odds ratio one.
    column : str
        The percentage to compare.

    Returns
    -------
    pandas.DataFrame
        ``variable``, ``level``, ``reference``, ``share`` (per cent), ``odds_ratio``; the reference has one.

    Examples
    --------
    >>> shares = pd.DataFrame({"variable": "sex", "level": ["f", "m"], "late": [20.0, 50.0]})
    >>> share_odds_ratios(shares, {"sex": "f"}, "late")["odds_ratio"].tolist()
    [1.0, 4.0]
    """
    rows = []
    for variable, reference in references.items():
        part = shares[shares["variable"] == variable].set_index("level")[column]
        if reference not in part.index:
            raise DataError(f"the shares have no level {reference!r} of {variable!r}")
        odds = part / (100 - part)
        rows += [
            {
                "variable": variable,
                "level": level,
                "reference": reference,
                "share": part[level],
                "odds_ratio": odds[level] / odds[reference],
            }
            for level in part.index
        ]
    return pd.DataFrame(rows)


def carried_score(slopes, loans):
    """Score of loans by slopes that were fitted elsewhere: their sum over the traits, with no intercept.

    Parameters
    ----------
    slopes : pandas.DataFrame
        Indexed by the name of the trait: ``estimate``.
    loans : pandas.DataFrame
        One column a trait (:func:`p2pbook.traits.design`); others are not used.

    Returns
    -------
    pandas.Series
        Higher is riskier; its level means nothing on the new loans, its order does.

    Examples
    --------
    >>> slopes = pd.DataFrame({"estimate": [0.5, -1.0]}, ["long_term", "income"])
    >>> carried_score(slopes, pd.DataFrame({"income": [1.0, 0.0], "long_term": [1.0, 0.0], "grade": "A"})).tolist()
    [-0.5, 0.0]
    """
    return loans[list(slopes.index)].astype(float) @ slopes["estimate"]


_OPPOSITE = {"worse": "better", "better": "worse"}


def opposite(table, sources):
    """Variables that some of the sources call riskier and others safer.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`directions`.
    sources : list of str
        Columns to compare.

    Returns
    -------
    list of str

    Examples
    --------
    >>> table = pd.DataFrame({"a": ["worse", "worse"], "b": ["better", "none"]}, ["income", "term"])
    >>> opposite(table, ["a", "b"])
    ['income']
    """
    return [name for name, row in table[sources].iterrows() if {"worse", "better"} <= set(row)]


def against(table, stated, sources):
    """Variables of which one of the sources says the opposite of what is stated.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`directions`.
    stated : str
        Column with the sign that studies state.
    sources : list of str
        Columns to hold against it.

    Returns
    -------
    list of str

    Examples
    --------
    >>> table = pd.DataFrame({"studies": ["worse", "mixed"], "a": ["better", "better"]}, ["income", "term"])
    >>> against(table, "studies", ["a"])
    ['income']
    """
    return [name for name, row in table.iterrows() if _OPPOSITE.get(row[stated]) in set(row[sources])]
