"""Mapping files: YAML in which the words of the lender's file stay words.

Plain YAML reads ``Yes``, ``NO`` and ``007`` as truth values and numbers. Where a mapping quotes the lender's file
(levels in ``order``, keys of ``recode``, ``missing``, column names) they are text, whatever they look like. A ``?`` is
an open question of a draft and is asked for, one at a time.
"""

from __future__ import annotations

from pathlib import Path

from p2prisk.errors import DataError
from p2prisk.tape.bounds import building, check_mapping_size, check_yaml

_WORDS = {"order", "missing", "from", "share_of", "reference", "date", "decimal", "record_date_from"}
_NULL = "tag:yaml.org,2002:null"
_TEXT = "tag:yaml.org,2002:str"
OPEN = "?"


def parse_mapping(text: str, own: bool = False) -> object:
    """Parse a mapping; those of the package (`own`) by the compiled parser, where it is there.

    Examples
    --------
    >>> parse_mapping("columns: {grade: {from: g, order: [Yes, No], recode: {On: 1, 007: null}}}")["columns"]["grade"]
    {'from': 'g', 'order': ['Yes', 'No'], 'recode': {'On': 1, '007': None}}
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text) if own else yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _keep_words(node, yaml, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _keep_words(node, yaml, seen):
    """Make text of what quotes the lender's file."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "recode" and isinstance(value, yaml.MappingNode):
                for level, _ in value.value:
                    _as_text(level, yaml)
            elif key.value in _WORDS:
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    _as_text(part, yaml)
            if key.value in ("columns", "unused") and isinstance(value, yaml.MappingNode):
                for name, _ in value.value:
                    _as_text(name, yaml)
            _keep_words(value, yaml, seen)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            _keep_words(part, yaml, seen)


def _as_text(node, yaml):
    if isinstance(node, yaml.ScalarNode) and node.tag not in (_NULL, "tag:yaml.org,2002:merge"):
        node.tag = _TEXT


def read_mapping(path: Path) -> dict:
    """Read a mapping file.

    Raises
    ------
    DataError
        No YAML, or nothing in it that a mapping has.
    """
    import yaml

    try:
        check_mapping_size(path)
        text = path.read_text(encoding="utf-8-sig")
        check_yaml(text, f"mapping {path.name}", yaml)
        with building(f"mapping {path.name}"):
            mapping = parse_mapping(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DataError(f"mapping {path.name}{place}: not valid YAML ({reason}); correct it there") from None
    if not isinstance(mapping, dict) or not isinstance(mapping.get("columns"), dict):
        raise DataError(f"mapping {path.name} has no 'columns'; p2prisk map FILE drafts a mapping")
    if not mapping["columns"]:
        raise DataError(
            f"mapping {path.name}: no column is placed; write which is which under columns, for instance amount: "
            "{from: your_column} ('p2prisk columns' lists them)"
        )
    wrong = [name for name, rule in mapping["columns"].items() if not isinstance(rule, dict)]
    if wrong:
        raise DataError(
            f"mapping {path.name}: the rule of {wrong[0]!r} is not a set of keys; write for instance "
            f"{wrong[0]}: {{from: your_column}}"
        )
    refuse_open(mapping, path.name)
    return mapping


def refuse_open(mapping: dict, name: str) -> None:
    """Ask the first open question of a draft."""
    questions = []
    for column, rule in mapping["columns"].items():
        for level, value in (rule.get("recode") or {}).items() if isinstance(rule.get("recode"), dict) else ():
            if value == OPEN:
                questions.append(
                    f"column {column!r}: what is {str(level)!r}? Write it in place of the ? (null = missing)"
                )
        for key, value in rule.items():
            if value == OPEN or (key != "missing" and isinstance(value, list) and OPEN in value):
                asked = "which column is it? Write its name in place of the ?, or remove the line"
                asked = asked if key == "from" else f"{key} is open; write it in place of the ?, or remove it"
                questions.append(f"column {column!r}: {asked}")
    questions += [f"{key} is open; write it in place of the ?" for key, value in mapping.items() if value == OPEN]
    if questions:
        more = f" ({len(questions) - 1} more question(s) after it)" if len(questions) > 1 else ""
        raise DataError(f"mapping {name}, {questions[0]}{more}")
