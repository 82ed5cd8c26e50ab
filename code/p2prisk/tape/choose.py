"""Which mapping a table is read with: named, drafted by the lender, or recognised by the header."""

import re
from pathlib import Path

from p2prisk.errors import DataError
from p2prisk.tape.columns import COLUMNS
from p2prisk.tape.mapping import builtin, builtin_names, check_mapping
from p2prisk.tape.mapping_file import read_mapping
from p2prisk.tape.privacy import masked_name, name_kind, scrubbed


def find_mapping(format, header, where):
    """The mapping that `format` means for a table with this header.

    Parameters
    ----------
    format : str, path-like, dict or None
        As of :func:`read_tape`.
    header : sequence of str
        Columns of the table.
    where : str
        File, for messages.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        Unknown format, an unreadable mapping file, or no format recognised.
    """
    refuse_personal_header(header, where)
    if isinstance(format, dict):
        check_mapping(format)
        return format
    if format is None or format == "auto":
        for name in builtin_names():
            mapping = builtin(name)
            if set(mapping["recognised_by"]) <= set(header):
                return mapping
        if {"amount", "term"} <= set(header):
            return canonical_mapping(header)
        raise DataError(
            f"{shown(where)}: the header fits none of the formats {', '.join(builtin_names())}. Name the "
            f"format, or write a mapping: p2prisk map {shown(where)}"
        )
    if str(format) == "canonical":
        return canonical_mapping(header)
    if str(format) in builtin_names():
        return builtin(str(format))
    path = Path(format)
    if not path.is_file():
        raise DataError(
            f"format {str(format)!r} is neither a built-in format ({', '.join(builtin_names())}, canonical) "
            "nor a mapping file"
        )
    mapping = read_mapping(path)
    check_mapping(mapping)
    return {"format": masked_name(path.stem), "strict": True, **mapping}


def refuse_personal_header(header, where):
    """A first line that holds a phone number or a person is a loan, and its cells must not be taken for names."""
    for place, name in enumerate(header, 1):
        what = name_kind(name)
        if what:
            raise DataError(
                f"{shown(where)}: cell {place} of the header holds personal data ({what}); is the line a loan? "
                "Write the names of the columns above it"
            )


def canonical_mapping(header):
    """The mapping of a table whose columns are canonical already."""
    derived = {
        "resolved",
        "mature",
        "severity",
        "bad",
        "delinquency_recency",
        "record_recency",
        "employment",
        "bureau_missing",
        "currency",
    }
    columns = {name: {"from": name} for name in header if name in COLUMNS and name not in derived}
    if "status" not in header:
        columns.update({name: {"from": name} for name in ("severity", "bad") if name in header})
    return {"format": "canonical", "columns": columns}


def wanted_columns(header, mapping):
    """Columns of the header that a mapping reads, in the header's order."""
    names = set()
    for rule in (mapping.get("columns") or {}).values():
        options = rule.get("from", [])
        names.update(options if isinstance(options, list) else [options])
        names.update(rule.get("share_of", ()))
        names.update(filter(None, [rule.get("month_from")]))
    names.update(mapping.get("record_date_from") or ())
    return [name for name in header if name in names]


def known_at_issue_only(mapping):
    """The mapping without the columns known only later: a tape of applications does not have them."""
    columns = {name: rule for name, rule in mapping["columns"].items() if COLUMNS[name].known in ("issue", "key")}
    return {**mapping, "columns": columns, "record_date_from": [], "strict": False}


def shown(source):
    """A source fit for a message: the file's name, or the URL without its password and options.

    Examples
    --------
    >>> shown("postgresql://me:a@b/c@host/loans?password=x"), shown("data/loans.csv")
    ('postgresql://...', 'loans.csv')
    """
    text = str(source)
    if not re.match(r"[\w+.-]+:/", text):
        return scrubbed(masked_name(Path(text).name))
    from sqlalchemy.engine import make_url

    try:
        url = make_url(text)
    except Exception:  # an unreadable URL may hold a password: show its kind alone
        return text.split(":", 1)[0] + "://..."
    if "@" in f"{url.host}{url.database}":  # an unquoted mark in the password has moved part of it elsewhere
        return text.split(":", 1)[0] + "://..."
    return scrubbed(url.set(query={}).render_as_string(hide_password=True))
