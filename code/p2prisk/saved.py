"""Models and cards as JSON text: written in one way, read back with one set of messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from p2prisk.errors import DataError

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike


def save(plain: dict, path: PathLike | None = None) -> str:
    """JSON text of what `plain` holds, written to `path` if given.

    Parameters
    ----------
    plain : dict
        With ``format``, by which :func:`restore` knows it again.
    path : path-like, optional

    Returns
    -------
    str
    """
    text = json.dumps(plain, ensure_ascii=False, indent=1)
    if path is not None:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    return text


def restore(text_or_path: str | PathLike, formats: str | tuple[str, ...], what: str, writer: str) -> dict:
    """What :func:`save` wrote, from the text or from a file.

    Parameters
    ----------
    text_or_path : str or path-like
        Text that starts with a brace, otherwise the name of a file.
    formats : str or tuple of str
        Accepted values of ``format``.
    what, writer : str
        For messages: what it should be ("score card"), and what writes it.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        The file is absent, it is not JSON, or it is JSON of another kind.

    Examples
    --------
    >>> restore('{"format": "toy/1", "x": 2}', "toy/1", "toy", "save")["x"]
    2
    """
    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    text, name = str(text_or_path), "this"
    if not text.lstrip().startswith("{"):
        name = text
        try:
            with open(text_or_path, encoding="utf-8") as stream:
                text = stream.read()
        except FileNotFoundError:
            raise DataError(f"{name} is not there; {writer} writes it") from None
        except UnicodeDecodeError:
            raise DataError(f"{name} is not JSON; {writer} writes it") from None
    try:
        plain = json.loads(text)
    except json.JSONDecodeError:
        raise DataError(f"{name} is not JSON; {writer} writes it") from None
    found = plain.get("format") if isinstance(plain, dict) else None
    if found not in formats:
        raise DataError(f"{name} is no {what} (format {found!r}, not {' or '.join(map(repr, formats))})")
    return plain
