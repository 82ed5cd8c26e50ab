r"""Read a chapter (`.qmd`) into its parts: prose, code cells and inline expressions, each with its line.

This is the one reader of chapters: the preview renderer, the execution cache, the notebooks and the linter
all start from :func:`read_chapter`. It only splits; what is *allowed* in a chapter is judged by
:mod:`bookkit.dialect`.

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

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bookkit.errors import BookError

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
_CELL = re.compile(r"^\{(?P<language>[A-Za-z0-9_]+)(?P<rest>[ ,].*)?\}\s*$")
#: Inline code, and displayed formulas.
_CODE_OR_FORMULA = re.compile(r"(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)|(?P<formula>\$\$.*?\$\$)", re.DOTALL)
#: An inline expression as Quarto finds it: one backtick, the language in braces, blanks, the expression.
INLINE = re.compile(r"(?<!`)`\{(?P<language>\w+)\}[ \t]+(?P<source>[^`]+)`(?!`)")


@dataclass(frozen=True)
class Inline:
    """An inline expression, `` `{python} expr` ``.

    Attributes
    ----------
    source : str
        The expression, stripped.
    line : int
        Line in the chapter file, from 1.
    language : str
        What stands in the braces; anything but ``python`` is outside the dialect.
    """

    source: str
    line: int
    language: str = "python"

    @property
    def name(self):
        """How messages call the expression."""
        return f"inline expression `{self.source}`"


@dataclass(frozen=True)
class Prose:
    """Markdown between two cells.

    Attributes
    ----------
    text : str
        The Markdown, with the inline expressions still in it.
    line : int
        Line of its first line in the chapter file, from 1.
    inlines : tuple of Inline
        The inline expressions in order; ``INLINE.sub`` meets them in the same order, except those within a
        displayed code block, which are text and are not listed (see :meth:`replace_inlines`).
    """

    text: str
    line: int
    inlines: tuple = ()
    name = "its prose"

    def replace_inlines(self, values):
        """Put the values (strings, in order) in the place of the inline expressions."""
        values = iter(values)
        shown = _displayed_code(self.text)
        return INLINE.sub(lambda match: match[0] if _within(match.start(), shown) else next(values), self.text)


@dataclass(frozen=True)
class Cell:
    """A code cell.

    Attributes
    ----------
    source : str
        The code, without the option lines.
    options : dict
        The ``#|`` options, read as YAML.
    line : int
        Line of the opening fence in the chapter file, from 1.
    source_line : int
        Line of the first line of `source` in the chapter file, from 1.
    option_lines : dict
        Line in the chapter file of every top-level option.
    language : str
        What stands in the braces; anything but ``python`` is outside the dialect.
    raw : str
        Everything between the fences, option lines included.
    """

    source: str
    options: dict
    line: int
    source_line: int
    option_lines: dict = field(default_factory=dict)
    language: str = "python"
    raw: str = ""

    @property
    def label(self):
        """The cell's label, or None."""
        return self.options.get("label")

    @property
    def name(self):
        """How messages call the cell: its label where it has one, and always its line."""
        return f"cell {self.label} (line {self.line})" if self.label else f"cell at line {self.line}"


@dataclass(frozen=True)
class Chapter:
    """A chapter, split.

    Attributes
    ----------
    path : pathlib.PurePath
        The file, relative to the project root.
    text : str
        The whole file.
    header : dict
        The YAML header, empty where there is none.
    blocks : tuple of Prose and Cell
        In the order of the file. Execute cells and inline expressions in this order.
    """

    path: Path
    text: str
    header: dict
    blocks: tuple

    @property
    def cells(self):
        """The code cells, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Cell))

    @property
    def inlines(self):
        """The inline expressions, in order."""
        return tuple(inline for block in self.blocks if isinstance(block, Prose) for inline in block.inlines)

    @property
    def title(self):
        """Text of the first heading of level one, without its attributes, or None."""
        for block in self.blocks:
            if isinstance(block, Prose):
                match = re.search(r"^# +(.+?)\s*(\{[^}]*\})?\s*$", block.text, re.MULTILINE)
                if match:
                    return match[1]
        return None

    def prose_lines(self):
        """Lines of prose as (line number, text), with displayed code and displayed formulas blanked out."""
        for block in self.blocks:
            if isinstance(block, Prose):
                text = block.text
                for start, end in _displayed_code(text):
                    text = text[:start] + _blank(text[start:end]) + text[end:]
                text = _CODE_OR_FORMULA.sub(lambda match: _blank(match[0]) if match["formula"] else match[0], text)
                yield from enumerate(text.split("\n"), block.line)

    def bare_lines(self):
        """:meth:`prose_lines` without code and formulas within the line."""
        for line, text in self.prose_lines():
            text = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
            yield line, re.sub(r"(?<![\\$])\$[^$\s][^$]*\$", "", text)

    def find_line(self, needle):
        """First line of prose (else of a cell's options) that holds `needle`, a text or a pattern; 1 if none does."""
        pattern = needle if isinstance(needle, re.Pattern) else re.compile(re.escape(needle))
        options = (
            (cell.line + 1 + offset, text)
            for cell in self.cells
            for offset, text in enumerate(cell.raw.split("\n"))
            if text.startswith("#|")
        )
        for lines in (self.bare_lines(), options, enumerate(self.text.split("\n"), 1)):
            for line, text in lines:
                if pattern.search(text):
                    return line
        return 1


def read_chapter(path, root="."):
    """Read and split a chapter.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, relative to `root`.
    root : str or pathlib.Path
        The project root.

    Returns
    -------
    Chapter

    Raises
    ------
    BookError
        The file is missing or not UTF-8, a fence is not closed, or a YAML part cannot be read.
    """
    try:
        text = (Path(root) / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BookError("no such chapter; correct the name in _quarto.yml or write the file", path) from None
    except UnicodeDecodeError as error:
        raise BookError(f"not UTF-8 text ({error})", path) from None
    return parse_chapter(text, path)


def parse_chapter(text, path):
    """Split the text of a chapter; see :func:`read_chapter`.

    Parameters
    ----------
    text : str
        The whole file.
    path : str or pathlib.Path
        Its name, for messages.

    Returns
    -------
    Chapter
    """
    path = Path(path)
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    header, start = _header(lines, path)
    blocks, prose_from = [], start
    index = start
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        if not fence or (fence["ticks"][0] == "`" and "`" in fence["info"]):
            index += 1
            continue
        end = _closing(lines, index, fence["ticks"])
        if end is None:
            raise BookError("this code block is not closed", path, index + 1)
        cell = _CELL.match(fence["info"].strip())
        if cell and not fence["indent"]:
            _add_prose(blocks, lines, prose_from, index)
            blocks.append(_cell(lines, index, end, cell, path))
            prose_from = end + 1
        index = end + 1
    _add_prose(blocks, lines, prose_from, len(lines))
    return Chapter(path, text, header, tuple(blocks))


def _header(lines, path):
    """The YAML header and the index of the first line after it."""
    if not lines or lines[0].rstrip() != "---":
        return {}, 0
    for end in range(1, len(lines)):
        if lines[end].rstrip() in ("---", "..."):
            return _yaml("\n".join(lines[1:end]), path, 2), end + 1
    raise BookError("the YAML header is not closed", path, 1)


def _closing(lines, opening, ticks):
    """Index of the line that closes the fence, or None."""
    pattern = re.compile(rf"^[ \t]*{re.escape(ticks[0])}{{{len(ticks)},}}[ \t]*$")
    return next((index for index in range(opening + 1, len(lines)) if pattern.match(lines[index])), None)


def _add_prose(blocks, lines, start, end):
    text = "\n".join(lines[start:end])
    if not text.strip():
        return
    shown = _displayed_code(text)
    inlines = tuple(
        Inline(match["source"].strip(), start + 1 + text.count("\n", 0, match.start()), match["language"])
        for match in INLINE.finditer(text)
        if not _within(match.start(), shown)
    )
    blocks.append(Prose(text, start + 1, inlines))


def _displayed_code(text):
    """Spans (start, end) of the fenced blocks in the text: they are shown, not run."""
    spans, lines, offset, index = [], text.split("\n"), 0, 0
    starts = []
    for line in lines:
        starts.append(offset)
        offset += len(line) + 1
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        end = (
            fence and not (fence["ticks"][0] == "`" and "`" in fence["info"]) and _closing(lines, index, fence["ticks"])
        )
        if end:
            spans.append((starts[index], starts[end] + len(lines[end])))
            index = end
        index += 1
    return spans


def _blank(text):
    """Nothing, on as many lines."""
    return "\n" * text.count("\n")


def _within(position, spans):
    return any(start <= position < end for start, end in spans)


def _cell(lines, opening, closing, match, path):
    """The cell between two fence lines."""
    if (match["rest"] or "").strip(" ,"):
        raise BookError(
            f"options in the braces ({match[0]}) are not supported; write '#| key: value' lines", path, opening + 1
        )
    body = lines[opening + 1 : closing]
    count = next((i for i, line in enumerate(body) if not line.startswith("#|")), len(body))
    option_text = "\n".join(re.sub(r"^#\| ?", "", line) for line in body[:count])
    options = _yaml(option_text, path, opening + 2)
    option_lines = {}
    for offset, line in enumerate(option_text.split("\n")):
        key = re.match(r"([A-Za-z][\w-]*)\s*:", line)
        if key:
            option_lines[key[1]] = opening + 2 + offset
    return Cell(
        "\n".join(body[count:]).strip("\n"),
        options,
        opening + 1,
        opening + 2 + count + _leading_blanks(body[count:]),
        option_lines,
        match["language"],
        "\n".join(body),
    )


def _leading_blanks(lines):
    return next((i for i, line in enumerate(lines) if line.strip()), 0)


def _yaml(text, path, first_line):
    """A YAML mapping; errors carry the line in the chapter."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        raise BookError(
            f"cannot read these options as YAML: {getattr(error, 'problem', error)}; "
            "put text that holds a colon in quotes",
            path,
            line,
        ) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BookError("options must be 'key: value' lines", path, first_line)
    return value
