"""A lender's own columns, beyond the canonical ones: admitted by name and kind, as predictors known at issue.

Nobody but the lender knows when such a column becomes known, so three things are held to be later ones unless he says
that they are not (``known_at_issue: true``): a name that speaks of payments, arrears or the end of a loan; and, where
the fit sees it (:func:`p2prisk.standard.fit_standard`), a column that alone tells nearly every bad loan. What holds
personal data, or is a canonical column already, is refused whatever is said.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS, is_own
from p2prisk.tape.privacy import masked_name, masked_names

#: words of names that speak of what happens after issue
_LATER = re.compile(
    r"(?i)(?:^|[^a-z])(?:paid|pymnt|payments?|repaid|repayments?|prepaid|recover\w*|collect(?:ion|ed|ions)?|charge\w*|"
    r"written|write|default\w*|dpd|overdue|arrears?|late|past|settle\w*|hardship|outstanding|outprncp|remaining|"
    r"closed?|closing|status|outcome|target|bad|good|label|loss(?:es)?|lgd|last|final|next|provisions?|impair\w*|"
    r"writeoff|received|receipts?|total[_ ]rec|recov|lawsuit|dunning|cured?|mob|months on book|"
    r"gezahlt|getilgt|zahlung(?:en)?|zahlungseing[aä]nge?|r[uü]ckstand|verzug|mahn\w*|inkasso|ausfall|verlust|restschuld|"
    r"pay[ée]e?s?|rembours[ée]e?s?|impay[ée]e?s?|retard|recouvr\w*|perte|contentieux|pagad[oa]s?|mora|impag[oa]d?[oa]?s?|"
    r"cobran[zç]a|p[ée]rdida|fallido|pagos?|atrasos?|preju[ií]zo|recupera\w*)(?:$|[^a-z])|"
    r"(?:paid|pymnt|payments?|recover\w*|default\w*)$|逾期|催收|已还|还款|结清|核销|违约|坏账|回收"
)


def read_own(text: str) -> dict[str, dict[str, Any]]:
    """Rules of own columns from an option: ``class.branch=Branch Code,number.score2``.

    Parameters
    ----------
    text : str
        Names separated by commas; after ``=`` the column of the file, by default the name behind the point.

    Returns
    -------
    dict
        Name -> rule of a mapping.

    Raises
    ------
    DataError
        A name without its kind.

    Examples
    --------
    >>> read_own("class.branch=Branch Code, number.score2")
    {'class.branch': {'from': 'Branch Code', 'required': True}, 'number.score2': {'from': 'score2', 'required': True}}
    """
    rules: dict[str, dict[str, Any]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, source = (piece.strip() for piece in part.partition("="))
        if not is_own(name):
            near = re.sub(r"\W+", "_", name.split(".")[-1]).strip("_") or "name"
            raise DataError(
                f"--own {masked_name(name)!r}: say its kind and name it with letters: number.{near} or class.{near}, "
                f"with =COLUMN where the file calls it otherwise"
            )
        if name in rules:
            raise DataError(f"--own names {name} twice")
        rules[name] = {"from": source or name.split(".", 1)[1], "required": True}
    return rules


def check_own(mapping: dict) -> None:
    """Refuse own columns of a mapping that are canonical columns, or seem to be known only later.

    Raises
    ------
    DataError
        Names the column and what to do.
    """
    read = {
        source: name
        for name, rule in mapping["columns"].items()
        if not is_own(name)
        for source in _sources(rule)
        if rule.get("from")
    }
    for name, rule in mapping["columns"].items():
        if not is_own(name):
            if rule.get("known_at_issue") is not None:
                raise DataError(f"mapping, column {name!r}: known_at_issue is said of a column of your own only")
            continue
        for source in _sources(rule):
            shown = masked_name(source)
            if source in read:
                column = COLUMNS[read[source]]
                remedy = (
                    f"name it so: --predictors {column.name}"
                    if column.known == "issue"
                    else "it cannot predict how a loan ends"
                    if column.known == "later"
                    else "it is no trait of a borrower"
                )
                raise DataError(
                    f"{name}: the file's {shown!r} is {column.name}, which is known: {column.known}; {remedy}"
                )
            if _LATER.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", source)) and not rule.get("known_at_issue"):
                raise DataError(
                    f"{name}: the file's {shown!r} sounds like something known only after issue, which would predict "
                    "the outcome by itself. If it is known when the loan is issued, say so: --known-at-issue "
                    f"{name}, or known_at_issue: true in the mapping"
                )


def with_own(mapping: dict, own: dict[str, dict] | None, header: Any, where: str) -> dict:
    """The mapping with rules of own columns beside its own.

    Parameters
    ----------
    mapping : dict
    own : dict or None
        Of :func:`read_own`.
    header : sequence of str
        Columns of the table.
    where : str
        File, for messages.

    Raises
    ------
    DataError
        A column is absent, canonical, or known later.
    """
    if not own:
        return mapping
    names = [str(name) for name in header]
    for name, rule in own.items():
        source = str(rule["from"])
        if source not in names:
            near = difflib.get_close_matches(source, names, n=1)
            raise DataError(
                f"{where}: no column {masked_name(source)!r} (needed for {name})"
                + (f"; did you mean {masked_name(near[0])!r}? Say --own {name}={masked_name(near[0])}" if near else "")
                + f". The header has: {masked_names(names)}"
            )
    joined = {**mapping, "columns": {**(mapping.get("columns") or {}), **own}}
    check_own(joined)
    return joined


def refuse_personal(mapping: dict, personal: dict, where: str) -> None:
    """Refuse own columns that hold personal data.

    Raises
    ------
    DataError
        Names the column and what was recognised.
    """
    for name, rule in (mapping.get("columns") or {}).items():
        for source in _sources(rule) if is_own(name) else ():
            if source in personal:
                raise DataError(
                    f"{where}: {name}: the file's {masked_name(source)!r} holds personal data ({personal[source]}), "
                    "which is never a predictor; leave it out"
                )


def _sources(rule):
    found = rule.get("from") or rule.get("share_of") or []
    return [str(source) for source in (found if isinstance(found, list) else [found])]
