r"""Read a chapter (`.qmd`) into its parts: prose, code cells and inline expressions, each with its line.

The one reader of chapters. It only splits; what is *allowed* in a chapter is judged by :mod:`bookkit.dialect`.

Examples
--------
>>> chapter = parse_chapter('''# Loans {#sec-loans}
...
... ```{python}
... #| label: fig-loans-size
... #| fig-cap: "Size of the loans"
... plot(loans)
... ```
...
... There are `{python} len(loans)` loans.
... ''', "loans.qmd")
>>> [type(block).__name__ for block in chapter.blocks]
['Prose', 'Cell', 'Prose']
>>> chapter.cells[0].label, chapter.cells[0].line, chapter.cells[0].source
('fig-loans-size', 3, 'plot(loans)')
>>> [(inline.source, inline.line) for inline in chapter.inlines]
[('len(loans)', 9)]
"""

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import yaml

from bookkit import asset
from bookkit.errors import BookError

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
_CELL = re.compile(r"^\{(?P<language>[A-Za-z0-9_]+)(?P<rest>[ ,].*)?\}\s*$")
#: Inline code, and displayed formulas.
_CODE_OR_FORMULA = re.compile(r"(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)|(?P<formula>\$\$.*?\$\$)", re.DOTALL)
#: An inline expression as Quarto finds it: one backtick, the language in braces, blanks, the expression.
INLINE = re.compile(r"(?<!`)`\{(?P<language>\w+)\}[ \t]+(?P<source>[^`]+)`(?!`)")


@dataclass(frozen=True)
class Inline:
    """An inline expression, `` `{python} expr` ``."""

    source: str  # the expression, stripped
    line: int  # in the chapter file, from 1
    language: str = "python"  # what stands in the braces; anything else is outside the dialect

    @property
    def name(self):
        """How messages call the expression."""
        return f"inline expression `{self.source}`"


@dataclass(frozen=True)
class Prose:
    """Markdown between two cells."""

    text: str  # with the inline expressions still in it
    line: int  # of its first line in the chapter file, from 1
    inlines: tuple = ()  # in order; those within a displayed code block are text and not listed
    name = "its prose"

    def replace_inlines(self, values):
        """Put the values (strings, in order) in the place of the inline expressions."""
        values, shown = iter(values), _displayed_code(self.text)
        return INLINE.sub(lambda match: match[0] if _within(match.start(), shown) else next(values), self.text)


@dataclass(frozen=True)
class Cell:
    """A code cell."""

    source: str  # the code, without the option lines
    options: dict  # the ``#|`` options, read as YAML
    line: int  # of the opening fence in the chapter file, from 1
    source_line: int  # of the first line of `source`
    option_lines: dict = field(default_factory=dict)  # of every option
    language: str = "python"  # what stands in the braces; anything else is outside the dialect
    raw: str = ""  # everything between the fences, option lines included

    @property
    def label(self):
        """The cell's label, or None."""
        return self.options.get("label")

    @property
    def kind(self):
        """ "fig" or "tbl", as its label begins; None for a cell that shows neither."""
        return next((kind for kind in ("fig", "tbl") if str(self.label).startswith(f"{kind}-")), None)

    def option(self, name, defaults, fallback):
        """An option of the cell, else the book's, else `fallback`."""
        return self.options.get(name, defaults.get(name, fallback))

    @property
    def name(self):
        """How messages call the cell: its label where it has one, and always its line."""
        return f"cell {self.label} (line {self.line})" if self.label else f"cell at line {self.line}"


@dataclass(frozen=True)
class Chapter:
    """A chapter, split."""

    path: Path  # the file, relative to the project root
    text: str  # the whole file
    header: dict  # the YAML header, empty where there is none
    blocks: tuple  # of Prose and Cell, in the order of the file, in which cells and inline expressions run

    @property
    def cells(self):
        """The code cells, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Cell))

    @property
    def inlines(self):
        """The inline expressions, in order."""
        return tuple(inline for block in self.blocks if isinstance(block, Prose) for inline in block.inlines)

    def prose_lines(self):
        """Lines of prose as (line number, text), with displayed code and displayed formulas blanked out."""
        for block in self.blocks:
            if isinstance(block, Prose):
                text = block.text
                for start, end in reversed(_displayed_code(text)):  # what is cut moves what follows
                    text = text[:start] + "\n" * text.count("\n", start, end) + text[end:]
                text = _CODE_OR_FORMULA.sub(
                    lambda found: "\n" * found[0].count("\n") if found["formula"] else found[0], text
                )
                yield from enumerate(text.split("\n"), block.line)

    def bare_lines(self):
        """:meth:`prose_lines` without code and formulas within the line."""
        for line, text in self.prose_lines():
            text = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
            yield line, re.sub(r"(?<![\\$])\$[^$\s][^$]*\$", "", text)

    def find_line(self, needle):
        """First line of prose (else of the file) that holds `needle`, a text or a pattern; 1 if none does."""
        pattern = needle if isinstance(needle, re.Pattern) else re.compile(re.escape(needle))
        for lines in (self.bare_lines(), enumerate(self.text.split("\n"), 1)):
            for line, text in lines:
                if pattern.search(text):
                    return line
        return 1


def read_chapter(path, root="."):
    """Read and split the chapter `path`, relative to the project `root`.

    A BookError if the file is missing or not UTF-8, a fence is not closed, or a YAML part cannot be read.
    """
    try:
        text = (Path(root) / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BookError("no such chapter; correct the name in _quarto.yml or write the file", path) from None
    except UnicodeDecodeError as error:
        raise BookError(f"not UTF-8 text ({error})", path) from None
    return parse_chapter(text, path)


def parse_chapter(text, path):
    """Split the text of a chapter; see :func:`read_chapter`."""
    path, text = Path(path), text.replace("\r\n", "\n")
    lines = text.split("\n")
    header, prose_from = _header(lines, path)
    blocks = []
    for opening, closing, info, indent in _fences(lines, prose_from):
        if closing is None:
            raise BookError("this code block is not closed", path, opening + 1)
        cell = _CELL.match(info.strip())
        if cell and not indent:
            _add_prose(blocks, lines, prose_from, opening)
            blocks.append(_cell(lines, opening, closing, cell, path))
            prose_from = closing + 1
    _add_prose(blocks, lines, prose_from, len(lines))
    return Chapter(path, text, header, tuple(blocks))


def _fences(lines, start=0):
    """Fenced blocks: index of the opening line, of the closing one or None, what stands behind the ticks, indent."""
    index = start
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        if fence and not (fence["ticks"][0] == "`" and "`" in fence["info"]):
            end = re.compile(rf"^[ \t]*{re.escape(fence['ticks'][0])}{{{len(fence['ticks'])},}}[ \t]*$")
            closing = next((number for number in range(index + 1, len(lines)) if end.match(lines[number])), None)
            yield index, closing, fence["info"], fence["indent"]
            index = closing or index
        index += 1


def _header(lines, path):
    """The YAML header and the index of the first line after it."""
    if lines[0].rstrip() != "---":
        return {}, 0
    for end in range(1, len(lines)):
        if lines[end].rstrip() in ("---", "..."):
            return read_yaml("\n".join(lines[1:end]), path, 2), end + 1
    raise BookError("the YAML header is not closed", path, 1)


def _add_prose(blocks, lines, start, end):
    text = "\n".join(lines[start:end])
    if text.strip():
        shown = _displayed_code(text)
        inlines = tuple(
            Inline(match["source"].strip(), start + 1 + text.count("\n", 0, match.start()), match["language"])
            for match in INLINE.finditer(text)
            if not _within(match.start(), shown)
        )
        blocks.append(Prose(text, start + 1, inlines))


def _displayed_code(text):
    """Spans (start, end) of the fenced blocks in the text: they are shown, not run."""
    lines, starts = text.split("\n"), [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return [(starts[first], starts[last + 1] - 1) for first, last, *_ in _fences(lines) if last is not None]


def _within(position, spans):
    return any(start <= position < end for start, end in spans)


def _cell(lines, opening, closing, match, path):
    """The cell between two fence lines."""
    if (match["rest"] or "").strip(" ,"):
        message = f"options in the braces ({match[0]}) are not supported; write '#| key: value' lines"
        raise BookError(message, path, opening + 1)
    body = lines[opening + 1 : closing]
    count = next((i for i, line in enumerate(body) if not line.startswith("#|")), len(body))
    option_text = "\n".join(re.sub(r"^#\| ?", "", line) for line in body[:count])
    keys = (re.match(r"([A-Za-z][\w-]*)\s*:", line) for line in option_text.split("\n"))
    blanks = next((i for i, line in enumerate(body[count:]) if line.strip()), 0)
    return Cell(
        "\n".join(body[count:]).strip("\n"),
        read_yaml(option_text, path, opening + 2),
        opening + 1,
        opening + 2 + count + blanks,
        {key[1]: opening + 2 + offset for offset, key in enumerate(keys) if key},
        match["language"],
        "\n".join(body),
    )


def read_yaml(text, path, first_line=1):
    """A YAML mapping; errors carry the line in the file."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
        message = f"not valid YAML: {problem}; put text that holds a colon in quotes"
        raise BookError(message, path, first_line + (mark.line if mark else 0)) from None
    if not isinstance(value, dict | None):
        raise BookError("'key: value' lines are wanted here", path, first_line)
    return value or {}


def check_yaml(mapping, name):
    """What is wrong with a mapping by the schema ``NAME.schema.yml`` of the assets, as pairs of a key and the words."""
    for error in _validator(name).iter_errors(mapping):
        place = [part for part in error.absolute_path if isinstance(part, str)]
        key, known = place[-1] if place else "", ""
        if "propertyNames" in error.absolute_schema_path:
            key, known = str(error.instance), ", ".join(error.schema["enum"])
        words = error.schema["words"][error.validator]
        yield key, words.format(place=".".join(place), value=error.instance, known=known)


@functools.cache
def _validator(name):
    return jsonschema.Draft202012Validator(yaml.safe_load(asset(f"{name}.schema.yml")))
