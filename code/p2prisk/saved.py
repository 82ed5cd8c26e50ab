"""Models and cards as JSON text: written in one way, read back as data, with one set of messages.

A model file is data. Nothing in it is evaluated; it is held to a schema (``assets/model.schema.json``), to its checksum
and, by its reader, to parts that fit together. The checksum finds damage. It is no signature: whoever may write the
file may write the checksum.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2prisk.errors import DataError, ModelError, P2PRiskError
from p2prisk.outputs import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p2prisk.kinds import PathLike

#: bytes of the largest file that is taken for a model, and lists and objects in it, which take far more as such
LARGEST, PARTS = 1 << 26, 1 << 22
#: part of the schema that a format is held to
_PARTS = {
    "p2prisk.StandardModel/2": "standard",
    "p2prisk.OrderedLogit/2": "ordered",
    "p2prisk.SequentialLogit/2": "ordered",
    "p2prisk.HazardLogit/2": "hazard",
    "p2prisk.Scorecard/2": "card",
}


def save(plain: dict, path: PathLike | None = None) -> str:
    """JSON text of what `plain` holds, with its checksum, written to `path` if given.

    Parameters
    ----------
    plain : dict
        With ``format``, by which :func:`restore` knows it again.
    path : path-like, optional

    Returns
    -------
    str

    Raises
    ------
    ModelError
        A number is not finite.
    """
    try:
        bare = json.loads(json.dumps(plain, ensure_ascii=False, allow_nan=False))
    except ValueError:
        raise ModelError("a number of the model is not finite; it cannot be written as JSON") from None
    bare.pop("checksum", None)
    text = json.dumps({"format": bare["format"], "checksum": checksum(bare), **bare}, ensure_ascii=False, indent=1)
    if path is not None:
        with Output(path) as out:
            out.stream.write(text.encode("utf-8"))
    return text


def checksum(plain: dict) -> str:
    """SHA-256 of the JSON of `plain` without its entry ``checksum``: keys sorted, no blanks, ASCII.

    Examples
    --------
    >>> checksum({"b": 1, "a": 0.5}) == checksum({"a": 0.5, "checksum": "any", "b": 1})
    True
    """
    bare = {key: value for key, value in plain.items() if key != "checksum"}
    words = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(words.encode("ascii")).hexdigest()


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
        The file is absent, it is not JSON, it is of another kind or an earlier edition, damaged, or not of the schema.

    Examples
    --------
    >>> restore(save({"format": "toy/1", "x": 2}), "toy/1", "toy", "save")["x"]
    2
    >>> restore('{"format": "toy/1", "x": 3}', "toy/1", "toy", "save")
    Traceback (most recent call last):
        ...
    p2prisk.errors.DataError: this has no checksum: it was not written by save, or was changed since; write it anew
    """
    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    name = named(text_or_path)
    plain = _parsed(_text(text_or_path, name, what, writer), name, writer)
    found = plain.get("format") if isinstance(plain, dict) else None
    if found not in formats:
        shown = repr(found)[:60]
        if isinstance(found, str) and found.rpartition("/")[0] in {known.rpartition("/")[0] for known in formats}:
            raise DataError(
                f"{name} is a {what} of another edition (format {shown}; {' or '.join(map(repr, formats))} is read); "
                f"make it again with {writer}"
            )
        raise DataError(f"{name} is no {what} (format {shown}, not {' or '.join(map(repr, formats))})")
    if "checksum" not in plain:
        raise DataError(f"{name} has no checksum: it was not written by {writer}, or was changed since; write it anew")
    if plain["checksum"] != checksum(plain):
        raise DataError(f"{name} is damaged or was changed by hand: its checksum differs; make it again with {writer}")
    if found in _PARTS:
        fault = next(_validator(_PARTS[found]).iter_errors(plain), None)
        if fault is not None:
            where = " > ".join(map(str, fault.absolute_path))[:120] or "the top"
            raise DataError(f"{name} is no whole {what}: at {where}, {_shown(fault)}; make it again with {writer}")
    return plain


@contextmanager
def rebuilding(text_or_path: str | PathLike, what: str, writer: str) -> Iterator[None]:
    """While a model is built from its file, whatever does not fit together is an error that names the file."""
    name = named(text_or_path)
    try:
        yield
    except P2PRiskError as error:
        words = str(error)
        raise DataError(words if words.startswith(f"{name} ") else f"{name} is no whole {what}: {words}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise DataError(
            f"{name} is no whole {what}: its parts do not fit together; make it again with {writer}"
        ) from None


def named(text_or_path: str | PathLike) -> str:
    """The name of a model file in messages."""
    return "this" if str(text_or_path).lstrip().startswith("{") else Path(str(text_or_path)).name


def _text(text_or_path, name, what, writer):
    text = str(text_or_path)
    if text.lstrip().startswith("{"):
        return text
    try:
        path = Path(text)
        if path.is_dir():
            raise DataError(f"{name} is a folder; give the file that {writer} wrote")
        if path.exists() and not path.is_file():
            raise DataError(f"{name} is no ordinary file; give the file that {writer} wrote")
        if path.is_file() and path.stat().st_size == 0:  # not opened: of the system's, such a one may have no end
            raise DataError(f"{name} is empty (0 bytes); {writer} writes it")
        if path.is_file() and path.stat().st_size > LARGEST:
            raise DataError(f"{name} is no {what}: it is larger than any ({path.stat().st_size:,d} bytes)")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{name} is not there; {writer} writes it") from None
    except UnicodeDecodeError:
        raise DataError(f"{name} is not JSON; {writer} writes it") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _parsed(text, name, writer):
    if text.count("[") + text.count("{") > PARTS:
        raise DataError(f"{name} holds more lists than any model: it is damaged; make it again with {writer}")

    def number(word):
        raise DataError(f"{name} holds {word}, which is no number: it is damaged; make it again with {writer}")

    def once(pairs):
        made = dict(pairs)
        if len(made) < len(pairs):
            raise DataError(f"{name} has an entry twice: it was changed by hand; make it again with {writer}")
        return made

    def finite(word):
        value = float(word)
        if value in (float("inf"), float("-inf")):
            number(word)
        return value

    try:
        return json.loads(text, parse_constant=number, object_pairs_hook=once, parse_float=finite)
    except DataError:
        raise
    except (ValueError, RecursionError):
        raise DataError(f"{name} is not JSON; {writer} writes it") from None


@lru_cache
def schema() -> dict[str, Any]:
    """The published JSON Schema of model files."""
    text = (resources.files("p2prisk") / "assets" / "model.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


@lru_cache
def _validator(part):
    from jsonschema import Draft202012Validator

    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema()["$defs"]})


def _shown(fault):
    """What is wrong, without the values of the file beyond a few letters."""
    if fault.validator == "required":
        return fault.message[:80]
    if fault.validator == "additionalProperties":
        return "an entry that no model has"
    if fault.validator in ("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "minItems", "maxItems"):
        return f"{str(fault.instance)[:30]!r} where {fault.validator} {str(fault.validator_value)[:60]} is needed"
    return f"what {fault.validator} forbids"
