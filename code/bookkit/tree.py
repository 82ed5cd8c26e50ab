"""Pandoc's document tree as JSON: call pandoc, build nodes, walk them."""

import json
import os
import re
import subprocess
from functools import cache, lru_cache
from pathlib import Path

from bookkit.errors import BookError

#: The Markdown that pandoc reads; what is outside the dialect is refused beforehand.
READER = "markdown-example_lists"
#: The day that every file claims, so that the same book gives the same bytes: 1 January 2000.
_DAY = "946684800"


@cache
def pandoc_path():
    """Path of pandoc: the one inside the wheel, since pandoc's output changes between versions."""
    import pypandoc

    bundled = Path(pypandoc.__file__).parent / "files" / "pandoc"
    return str(bundled) if bundled.exists() else pypandoc.get_pandoc_path()


@lru_cache(maxsize=128)
def pandoc(text, *arguments):
    """Run pandoc on a text; anything it warns about is a BookError with its own words.

    What it gave is remembered: the live preview renders the same book again and again, with one chapter changed.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _DAY}
    command, words = [pandoc_path(), *arguments], {"input": text, "capture_output": True, "encoding": "utf-8"}
    done = subprocess.run(command, env=environment, **words)
    if done.returncode or done.stderr.strip():
        raise BookError(f"pandoc: {done.stderr.strip()}")
    return done.stdout


def read_markdown(text):
    """Blocks of a Markdown text."""
    return json.loads(pandoc(text, "-f", READER, "-t", "json"))["blocks"]


def document(blocks, meta=None):
    """A whole document in JSON, from its blocks."""
    empty = json.loads(pandoc("", "-f", READER, "-t", "json"))  # says which version of the form this pandoc speaks
    return json.dumps(empty | {"meta": meta or {}, "blocks": blocks})


def write(blocks, *arguments):
    """Blocks in another format; `arguments` are pandoc's."""
    return pandoc(document(blocks), "-f", "json", "--wrap=none", *arguments)


def transform(node, visit):
    """Rebuild a tree from its leaves up: `visit` returns None to keep a node, or the list that replaces it."""
    if isinstance(node, dict):
        return {
            key: transform(value, visit) if isinstance(value, list | dict) else value for key, value in node.items()
        }
    result = []
    for item in node:
        new = None
        if isinstance(item, list | dict):
            item = transform(item, visit)
            new = visit(item) if "t" in item and isinstance(item, dict) else None
        result += [item] if new is None else new
    return result


def nodes(node):
    """Every node of a tree, parents before children."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "t" in item:
                yield item
            item = item.values()
        waiting += [part for part in reversed(item) if isinstance(part, list | dict)]


def plain(node):
    """The text of a tree, for titles, alt texts and the search index."""
    return re.sub(r"\s+", " ", _plain(node)).strip()


def _plain(node):
    if isinstance(node, list):
        return "".join(map(_plain, node))
    if not isinstance(node, dict):
        return ""
    kind = node.get("t")
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("RawInline", "RawBlock", "Note"):
        return ""
    if kind in ("Str", "Code", "Math", "CodeBlock"):
        words = node["c"] if kind == "Str" else node["c"][1]
    elif kind in ("Image", "Link", "Span", "Div", "Header", "Quoted", "Cite"):
        words = _plain(node["c"][2 if kind == "Header" else 1])
    else:
        words = _plain(node.get("c"))
    return words + " " * (kind in ("Para", "Plain", "Header", "CodeBlock", "Div"))


def is_div(node, name=None):
    """Whether a node is a block ``:::``, of the class `name` if given."""
    return node.get("t") == "Div" and (name is None or name in node["c"][0][1])


def attributes(node):
    """Key-value attributes of a node that has some."""
    return dict(node["c"][1 if node["t"] == "Header" else 0][2])


def div(content, *classes, identifier="", **values):
    """A block of given classes."""
    pairs = [[key, str(value)] for key, value in values.items()]
    return {"t": "Div", "c": [[identifier, list(classes), pairs], content]}


def text(words):
    """Inlines of a plain text."""
    parts = [part for part in re.split("( )", words) if part]
    return [{"t": "Space"} if part == " " else {"t": "Str", "c": part} for part in parts]


def raw(form, words, inline=False):
    """Raw text of the output format."""
    return {"t": "RawInline" if inline else "RawBlock", "c": [form, words]}


def wrap(form, before, content, after):
    """Blocks between two raw texts of the output format."""
    return [raw(form, before), *content, raw(form, after)]


def span(content, *classes):
    """Inlines of given classes."""
    return {"t": "Span", "c": [["", list(classes), []], content]}


def link(content, target, *classes):
    """A link."""
    return {"t": "Link", "c": [["", list(classes), []], content, [target, ""]]}


def code(words, *classes):
    """A block of code."""
    return {"t": "CodeBlock", "c": [["", list(classes), []], words]}
