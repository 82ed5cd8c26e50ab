"""The dialect of Quarto that a chapter may use (``docs/dialect.md``), and the check that it uses nothing else.

A chapter is strict Quarto: ``quarto render`` shows it as it is. The preview renderer knows a part of Quarto; what
it does not know is an error with file and line, because a page that silently differs is worse than none.
"""

import posixpath
import re
from pathlib import PurePosixPath

from bookkit.chapters import INLINE, Cell, check_yaml, read_chapter
from bookkit.errors import BookError

CALLOUTS = ("note", "tip", "warning", "important", "caution")
#: Class of a block -> attributes it may carry.
BLOCKS = {
    **{f"callout-{kind}": {"title", "collapse", "appearance", "icon"} for kind in CALLOUTS},
    "doors": set(),  # a list of links as buttons: ways into the book
    "findings": set(),  # a list; the second paragraph of an entry stands beside the first
}
#: What is numbered -> its name, in English and in other languages of pages.
_NAMES = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section", "chapter": "Chapter"}
_NAMES_OF = {"zh": {"fig": "图", "tbl": "表", "eq": "式", "sec": "第{}节", "chapter": "第{}章", "appendix": "附录"}}
_HEADER = {"description", "lang", "alone"}
_DIV = re.compile(r"^ {0,3}(?P<colons>:{3,})\s*(?P<rest>.*?)\s*:*\s*$")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(\s[^<>]*)?/?>|<!--")
_IDENTIFIER = re.compile(r"\{#([\w.:-]+)[^}]*\}")


def named(kind, number, lang="en"):
    """What a figure, table, equation, section, chapter or appendix is called on a page of a language.

    Examples
    --------
    >>> named("tbl", "2.1"), named("chapter", "A"), named("tbl", "1", "zh"), named("chapter", "4", "zh")
    ('Table\xa02.1', 'Appendix\xa0A', '表\xa01', '第4章')
    """
    names = _NAMES_OF.get(lang[:2], _NAMES)
    kind = "appendix" if kind == "chapter" and number[:1].isalpha() else kind
    word = names.get(kind, "Appendix")
    return word.format(number) if "{}" in word else f"{word}\u00a0{number}"


def read_chapters(book, chosen=None):
    """Read the chapters of a book, or those of the paths `chosen`, and check them against the dialect.

    Given are a dict of :class:`bookkit.chapters.Chapter` by path, without those that cannot be read, and a list of
    BookError, each with file and line.
    """
    chapters, faults = {}, []
    for path in chosen or book.chapters:
        try:
            chapters[path] = read_chapter(path, book.root)
            faults += check_chapter(chapters[path])
        except BookError as error:
            faults.append(error)
    return chapters, faults + check_labels(list(chapters.values()))


def check_chapter(chapter):
    """What is wrong with one chapter, as a list of BookError with file and line."""
    faults = []

    def fault(line, message):
        faults.append(BookError(message, chapter.path, line))

    for key in sorted(set(chapter.header) - _HEADER):
        fault(1, f"'{key}' in the YAML header is outside the dialect; the title is the '# Heading'")
    _check_heading(chapter, fault)
    for cell in chapter.cells:
        _check_cell(cell, fault)
    _check_prose(chapter, fault)
    return faults


def check_labels(chapters):
    """A fault for every label (of cells, headings, equations, tables, pictures, blocks) that the book uses twice."""
    first, faults = {}, []
    for chapter in chapters:
        found = [(cell.label, cell.option_lines.get("label", cell.line)) for cell in chapter.cells if cell.label]
        found += [(match[1], line) for line, text in chapter.bare_lines() for match in _IDENTIFIER.finditer(text)]
        for label, line in found:
            if label in first:
                message = f"label '{label}' is already used in {first[label]}; labels are unique in the whole book"
                faults.append(BookError(message, chapter.path, line))
            first.setdefault(label, f"{chapter.path}:{line}")
    return faults


def _check_heading(chapter, fault):
    tops = [(line, text) for line, text in chapter.bare_lines() if re.match(r"^# ", text)]
    if not tops:
        fault(1, "no '# Title {#sec-name}': a chapter starts with its only heading of level one")
        return
    line, text = tops[0]
    if not re.search(r"\{[^}]*(#sec-[\w-]+|\.unnumbered)[^}]*\}\s*$", text):
        fault(line, "the chapter's heading needs an identifier: '# Title {#sec-name}'")
    for other, _ in tops[1:]:
        fault(other, "a second heading of level one; a file is one chapter")
    early = next((before for before, words in chapter.bare_lines() if words.strip()), line)
    if early < line:
        fault(early, "text before the chapter's heading")


def _check_cell(cell, fault):
    if cell.language != "python":
        fault(cell.line, f"a cell of language '{cell.language}' is outside the dialect; only python runs")
        return
    for key, words in check_yaml(cell.options, "cell"):
        fault(cell.option_lines.get(key, cell.line), words)
    for key, value in cell.options.items():
        if isinstance(value, str) and INLINE.search(value):
            fault(cell.option_lines[key], f"'{key}' holds an inline expression; Quarto does not run it there")
    label, line = str(cell.label or ""), cell.option_lines.get("label", cell.line)
    if re.match(r"^(sec|eq|lst|thm|lem|cor|prp|cnj|def|exm|exr|sol|rem|alg)-", label):
        fault(line, f"a cell cannot be labelled '{label}'; figures are fig-…, tables tbl-…")
    for kind in ("fig", "tbl"):
        caption = f"{kind}-cap"
        if cell.kind == kind and not cell.options.get(caption):
            fault(line, f"cell {label} has no {caption}")
        elif caption in cell.options and cell.kind != kind:
            fault(cell.option_lines[caption], f"{caption} without 'label: {kind}-…'")


def _check_prose(chapter, fault):
    for inline in chapter.inlines:
        if inline.language != "python":
            fault(inline.line, f"inline expression in language '{inline.language}'; only python runs")
        if "\n" in inline.source:
            fault(inline.line, "an inline expression must stand on one line; Quarto does not run it otherwise")
    for block in chapter.blocks:
        if isinstance(block, Cell):
            continue
        for offset, text in enumerate(block.text.split("\n")):
            if re.match(r"^\s+(`{3,}|~{3,})\s*\{\w+\}", text):
                fault(block.line + offset, "an indented cell is not run; start it at the left margin")
            elif re.match(r"^\s*(`{3,}|~{3,})\s*\{(=|\{)", text):
                fault(block.line + offset, "raw and escaped code blocks are outside the dialect")
        for match in INLINE.finditer(block.text):
            line = block.line + block.text.count("\n", 0, match.start())
            if line not in {inline.line for inline in block.inlines}:
                fault(line, "an inline expression in displayed code: Quarto runs it even there")
    stack = []
    for line, text in chapter.bare_lines():
        if re.search(r"\{\{[<%]", text):
            fault(line, "shortcodes ({{< … >}}) are outside the dialect")
        tag = _TAG.search(text)
        if tag and not re.match(r"<(https?|mailto):", tag[0]):
            fault(line, f"raw HTML ({tag[0]}) is outside the dialect")
        div = _DIV.match(text)
        if div:
            _check_div(div, line, stack, fault)
        elif re.match(r"^\s+:{3,}", text):
            fault(line, "an indented ::: block is outside the dialect")
    for line in stack:
        fault(line, "this ::: block is not closed")


def _check_div(div, line, stack, fault):
    rest = div["rest"].strip()
    if not rest:
        if not stack:
            fault(line, "::: closes a block that was not opened")
        del stack[-1:]
        return
    stack.append(line)
    inner = rest[1:-1] if rest.startswith("{") and rest.endswith("}") else "." + rest
    tokens = re.findall(r"""#[^\s}]+|\.[^\s}]+|[\w-]+=(?:"[^"]*"|'[^']*'|[^\s}]+)""", inner)
    if re.sub(r"\s", "", "".join(tokens)) != re.sub(r"\s", "", inner):
        fault(line, f"cannot read the attributes of this block: {rest}")
    classes = {token[1:] for token in tokens if token.startswith(".")}
    known = {"lang"}.union(*(BLOCKS.get(name, set()) for name in classes))
    for token in tokens:
        name = token.split("=")[0].lstrip(".#")
        if token.startswith(".") and name not in BLOCKS:
            fault(line, f"block class '.{name}' is outside the dialect; known are: {', '.join(BLOCKS)}")
        elif token.startswith("#") and name != "refs":
            fault(line, f"block identifier '#{name}' is outside the dialect; label a cell, a picture or a table")
        elif token[0] not in ".#" and name not in known:
            fault(line, f"block attribute '{name}' is outside the dialect here")


def local_target(chapter, target):
    """Where a relative link of a chapter points to, as path within the project, or None for other links.

    Examples
    --------
    >>> from bookkit.chapters import parse_chapter
    >>> str(local_target(parse_chapter("# A", "chapters/a.qmd"), "../data/x.csv#top"))
    'data/x.csv'
    """
    if re.match(r"^([a-z][a-z0-9+.-]*:|//|#|$)", target, re.IGNORECASE):
        return None
    folder = "" if target.startswith("/") else chapter.path.parent.as_posix()
    path = posixpath.normpath(posixpath.join(folder, re.split("[#?]", target)[0].lstrip("/")))
    return PurePosixPath(".." if path.startswith("..") else path)
