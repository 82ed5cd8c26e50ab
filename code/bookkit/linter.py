"""The chapter linter: what the renderer refuses, and house rules with names; findings with file and line.

What the renderer refuses is found by the renderer's own reader and builder, on chapters that have not run. A house rule
is a generator over one chapter that yields ``(line, message)``. Exceptions from house rules are listed in
``chapters/lint-exceptions.yml``, each with its reason; one that no longer excuses anything is itself a finding.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from bookkit.chapters import INLINE
from bookkit.config import read_book
from bookkit.dialect import read_chapters
from bookkit.document import check
from bookkit.errors import BookError

EXCEPTIONS_FILE = Path("chapters") / "lint-exceptions.yml"
#: Most lines of hidden code beside the set-up cell and of a visible cell; most characters of a line and of an inline
#: expression.
HIDDEN_LINES, VISIBLE_LINES, CODE_WIDTH, INLINE_WIDTH = 6, 8, 120, 40
#: Most computed numbers of a sentence: more belong into a table or a picture.
SENTENCE_NUMBERS = 2
SETUP = "from p2prisk.figures import use_house_style; use_house_style()"

_REFERENCE = re.compile(r"(?<![\w`\\/.])@((?:[Ff]ig|[Tt]bl|[Ss]ec|[Ee]q)-[\w-]+)")
_CITATION = re.compile(r"(?<![\w`\\/.])-?@(?!(?:[Ff]ig|[Tt]bl|[Ss]ec|[Ee]q)-)([A-Za-z0-9][\w:.#$%&+?<>~/-]*[\w])")
_NUMBER = re.compile(r"(?<![\w@.,/#−-])[−-]?\d(?:[\d,]*\d)?(?:\.\d+)?(?:\s?%|\s+per\s+cent\b)?(?![\w/]|-\w)")
#: The sections of a chapter, and how the heads of several of them are written: "Question, data and method: …".
_TEMPLATE = ["question", "data", "method", "result", "limits"]
_PART = "(?:[Qq]uestion|[Dd]ata|[Mm]ethod|Result|Limits)"
_SECTION = re.compile(rf"## ({_PART}(?:(?:, | and ){_PART})*)(?:: .*)?")
_YEAR = re.compile(r"^(?:1[89]|20)\d\d$")
_RESULT = re.compile(r"\.\d|%|per\s+cent|\d,\d{3}")


@dataclass(frozen=True, order=True)
class Finding:
    """One fault: where, which rule, what."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


RULES = {}


def rule(function):
    """Register a rule under its function's name, with dashes."""
    RULES[function.__name__.replace("_", "-")] = function
    return function


def lint(root="."):
    """Findings in the book of a project, sorted by file and line; a BookError if `_quarto.yml` cannot be read."""
    root = Path(root)
    book = read_book(root)
    read, faults = read_chapters(book)
    chapters = list(read.values())
    findings = [
        Finding(str(fault.path or "_quarto.yml"), fault.line or 1, "dialect", fault.message)
        for fault in faults or check(book, read)
    ]
    findings += [
        Finding(chapter.path.as_posix(), line, name, message)
        for chapter in chapters
        for name, rule in RULES.items()
        for line, message in rule(chapter)
    ]
    return sorted(_without_exceptions(findings, chapters, root))


def _without_exceptions(findings, chapters, root):
    """Drop what is excused; add a finding for each exception that excuses nothing."""
    path, used = root / EXCEPTIONS_FILE, set()
    entries = (yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None) or []
    lines = {chapter.path.as_posix(): chapter.text.split("\n") for chapter in chapters}
    for entry in entries:
        if not {"rule", "text", "reason"} <= set(entry) or entry["rule"] not in RULES:
            raise BookError(f"an exception needs rule (a known one), text and reason: {entry}", EXCEPTIONS_FILE)

    kept = []
    for finding in findings:
        shown = finding.message + "\n" + lines.get(finding.path, [""] * finding.line)[finding.line - 1]
        about = (finding.rule, finding.path)
        rows = ((index, (row["rule"], row.get("file", finding.path)), row["text"]) for index, row in enumerate(entries))
        excuse = next((index for index, place, text in rows if place == about and text in shown), None)
        if excuse is None:
            kept.append(finding)
        used.add(excuse)
    for index, entry in enumerate(entries):
        if index not in used and entry.get("file", next(iter(lines), None)) in lines:
            message = f"excuses nothing any more, remove it: {entry['text']!r}"
            kept.append(Finding(EXCEPTIONS_FILE.as_posix(), index + 1, "idle-exception", message))
    return kept


# ---------------------------------------------------------------- cells


@rule
def figure_without_alt(chapter):
    """A figure needs an alternative text that says axes, range, shape and finding."""
    for cell in chapter.cells:
        if cell.kind == "fig" and len(str(cell.options.get("fig-alt") or "").split()) < 12:
            yield cell.line, f"{cell.label}: fig-alt is missing or too short to tell axes, range, shape and finding"


@rule
def finding_first(chapter):
    """The caption of a figure begins with its finding, a sentence in bold; the description follows."""
    for cell in chapter.cells:
        if cell.kind == "fig":
            caption = str(cell.options.get("fig-cap") or "").strip()
            found = re.fullmatch(r"\*\*([^*]+[.?!])\*\* \S.*", caption, re.DOTALL)
            if not found or not 4 <= len(found[1].split()) <= 25:
                yield cell.line, f"{cell.label}: begin the caption with its finding: **A sentence of 4 to 25 words.** …"


@rule
def unlabelled_figure(chapter):
    """A cell that draws has a label that starts with fig-."""
    for cell in chapter.cells:
        draws = "fig-cap" in cell.options or re.search(r"\b(figures\.\w+|plt\.\w+|sns\.\w+|\.plot)\s*\(", cell.source)
        if draws and cell.kind != "fig":
            yield cell.line, "this cell draws a figure but has no label fig-…"


@rule
def function_definition(chapter):
    """Chapters define nothing: functions and classes live in the package, where they are tested."""
    for cell in chapter.cells:
        try:
            tree = _parse(cell)
        except SyntaxError as error:
            yield cell.source_line + (error.lineno or 1) - 1, f"not Python: {error.msg}"
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield cell.source_line + node.lineno - 1, f"{node.name}: move what a chapter defines into the package"


@rule
def set_up_cell(chapter):
    """A chapter with figures starts with the one hidden set-up cell."""
    first = chapter.cells[0] if chapter.cells else None
    if first and (first.source.strip() != SETUP or first.options.get("include") is not False):
        yield first.line, f"the first cell must be hidden (include: false) and read: {SETUP}"


@rule
def simulated_unlabelled(chapter):
    """A cell that uses simulated data says so in its caption."""
    for cell in chapter.cells:
        caption = cell.options.get("fig-cap") or cell.options.get("tbl-cap")
        if caption and re.search(r"simulat", cell.source, re.I) and not re.search(r"simulat", str(caption), re.I):
            yield cell.line, "uses simulated data, but the caption does not say 'simulated'"


# ---------------------------------------------------------------- thin chapters


@rule
def hidden_code(chapter):
    """Beside the set-up cell a chapter hides at most one cell, of at most six lines."""
    hidden = [cell for cell in chapter.cells if _is_hidden(cell) and cell.source.strip() != SETUP]
    for cell in hidden[1:]:
        yield cell.line, "a second hidden cell; a chapter has one, and what it computes stands in its module"
    if hidden and _length(hidden[0]) > HIDDEN_LINES:
        yield hidden[0].line, f"{_length(hidden[0])} lines of hidden code; {HIDDEN_LINES} are allowed"


@rule
def long_cell(chapter):
    """A visible cell has at most eight lines, none of more than 120 characters."""
    for cell in chapter.cells:
        if not _is_hidden(cell) and _length(cell) > VISIBLE_LINES:
            yield cell.line, f"{_length(cell)} lines of code; a visible cell has at most {VISIBLE_LINES}"
        for offset, text in enumerate(cell.source.split("\n")):
            if len(text) > CODE_WIDTH:
                yield cell.source_line + offset, f"a line of {len(text)} characters; {CODE_WIDTH} are allowed"


@rule
def long_inline(chapter):
    """An inline expression has at most forty characters."""
    for inline in chapter.inlines:
        if len(inline.source) > INLINE_WIDTH:
            yield inline.line, f"inline expression of {len(inline.source)} characters: {inline.source}"


@rule
def inline_computes(chapter):
    """An inline expression names a value that knows how it is printed: no arithmetic, formatting or position."""
    for inline in chapter.inlines:
        try:
            fault = _not_a_name(ast.parse(inline.source, mode="eval").body)
        except SyntaxError as error:
            fault = f"not Python: {error.msg}"
        if fault:
            yield inline.line, f"inline expression {inline.source}: {fault}"


#: What formats or picks by position, also where its arguments are texts.
_FORMATTING = {"number", "percent", "format", "round", "str", "repr", "join", "iloc", "iat"}


def _not_a_name(node):
    """Why an expression is more than a value looked up by name, or None.

    Names, attributes, ``n["text"]``, ``n[2011]`` (a year) and ``n.value("key")`` are names.
    """
    if isinstance(node, ast.Name):
        return f"{node.id}: a value knows how it is printed" if node.id in _FORMATTING else None
    if isinstance(node, ast.Attribute):
        return f"{node.attr} does not belong here" if node.attr in _FORMATTING else _not_a_name(node.value)
    if isinstance(node, ast.Subscript):
        keys = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for key in keys:
            value = key.value if isinstance(key, ast.Constant) else None
            if not isinstance(value, str) and not (type(value) is int and value > 999):
                return f"[{ast.unparse(node.slice)}] picks by position or computes the key; give the value a name"
        return _not_a_name(node.value)
    if isinstance(node, ast.Call):
        texts = all(isinstance(value, ast.Constant) and isinstance(value.value, str) for value in node.args)
        if node.keywords or not node.args or not texts:
            return _not_a_name(node.func) or "this call computes; compute in the chapter's module"
        return _not_a_name(node.func)
    return "only a value's name stands here; compute in the chapter's module"


def _parse(cell):
    """The tree of a cell's code, its magic commands left out."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "pass", cell.source, flags=re.M))


def _is_hidden(cell):
    return cell.options.get("include") is False or cell.options.get("echo") is False


def _length(cell):
    """Lines of code without blank ones; statements, where several share a line."""
    try:
        statements = sum(isinstance(node, ast.stmt) for node in ast.walk(_parse(cell)))
    except SyntaxError:  # function-definition says so
        statements = 0
    return max(statements, sum(bool(line.strip()) for line in cell.source.split("\n")))


# ---------------------------------------------------------------- structure


@rule
def heading_jump(chapter):
    """No level of headings is left out on the way down."""
    last = 0
    for line, text in chapter.prose_lines():
        match = re.match(r"(#{1,6}) +\S", text)
        if match:
            if len(match[1]) > last + 1:
                yield line, f"heading of level {len(match[1])} after level {last}"
            last = len(match[1])


@rule
def banned_host(chapter):
    """No cell loads anything from another host."""
    for cell in chapter.cells:
        for offset, text in enumerate(cell.source.split("\n")):
            if re.search(r"https?://", text):
                yield cell.source_line + offset, "a cell must not fetch anything; read it from data/"


@rule
def todo(chapter):
    """Nothing unfinished is published."""
    for number, text in enumerate(chapter.text.split("\n"), 1):
        match = re.search(r"\b(TODO|FIXME|XXX|TBD|TBC)\b|to be written|lorem ipsum|placeholder", text, re.I)
        if match and (match[1] is None or match[1].isupper()):
            yield number, f"unfinished: {match[0]}"


@rule
def chapter_template(chapter):
    """A chapter with key takeaways answers first; question, data, method, result, limits follow, advice is last."""
    lines = [(line, text) for line, text in chapter.prose_lines() if text.strip()]
    ends = [index for index, (_, text) in enumerate(lines) if 'title="Key takeaways"' in text]
    if not ends:
        return
    first = next((line, text) for line, text in lines if not text.startswith("#"))
    if not first[1].startswith("**The answer first.**"):
        yield first[0], "begin with **The answer first.**"
    found = []
    for _, text in lines:
        match = _SECTION.fullmatch(re.sub(r"\s*\{.*\}$", "", text))
        found += [word.lower() for word in re.findall(r"\w+", match[1]) if word != "and"] if match else []
    if list(dict.fromkeys(found)) != _TEMPLATE or found != sorted(found, key=_TEMPLATE.index):
        yield lines[0][0], f"sections in this order: {', '.join(_TEMPLATE)}; found {', '.join(found) or 'none'}"
    advice = [text for _, text in lines[ends[0] :] if text.startswith("- ")]
    if not advice or not advice[-1].startswith("- *For the risk manager:*"):
        yield lines[ends[0]][0], "the last takeaway is *For the risk manager:*"


# ---------------------------------------------------------------- numbers in the prose


@rule
def uncited_number(chapter):
    """A paragraph with a number carries a citation or computes it."""
    for line, text in _paragraphs(chapter):
        if not INLINE.search(text) and not _CITATION.search(text):
            numbers = list(_numbers(text))
            if numbers:
                yield line, f"number without citation or computation: {', '.join(numbers[:4])}"


@rule
def typed_result(chapter):
    """In a paragraph that computes, no sentence carries a typed decimal, percentage or large number uncited."""
    for line, text in _paragraphs(chapter):
        if INLINE.search(text):
            for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text):
                typed = [number for number in _numbers(sentence) if _RESULT.search(number)]
                if typed and not _CITATION.search(sentence):
                    yield line, f"typed next to computed: {', '.join(typed[:4])}"


@rule
def crowded_sentence(chapter):
    """A sentence computes at most two numbers; the interval beside an estimate is no number of its own."""
    for line, text in _paragraphs(chapter):
        for sentence in re.split(r"(?<=[.!?。])\s*(?=[A-Z`*(@\u4e00-\u9fff])", " ".join(text.split())):
            found = [match["source"] for match in INLINE.finditer(sentence)]
            found = [source for source in found if not source.endswith((".interval", ".low", ".high"))]
            if len(found) > SENTENCE_NUMBERS:
                yield line, f"{len(found)} numbers in a sentence, at most {SENTENCE_NUMBERS}: {', '.join(found)}"


@rule
def one_notation(chapter):
    """Per cent is written 12 %, a negative number with a minus sign, a stretch of years 2007–2010."""
    for line, text in chapter.prose_lines():
        if text.startswith("|"):
            continue
        match = re.search(r"[`\d]\s+per\s+cent\b", text)
        bare = _REFERENCE.sub(" ", _CITATION.sub(" ", re.sub(r"`[^`]*`|\]\([^)]*\)", " ", text)))
        match = match or re.search(r"\d%|(?<![\w–-])-\d|\b(?:19|20)\d\d-(?:19|20)\d\d\b", bare)
        if match:
            yield line, f"{match[0].strip('`')}: write 12 %, −3 and 2007–2010"


def _numbers(text):
    """Numbers of a stretch of prose that count as results: no years, parts of names, code, maths, links or labels."""
    text = INLINE.sub(" ", text)
    text = re.sub(r"\$[^$]+\$|`[^`]*`|\]\([^)]*\)|\{[^}]*\}|\[\^[^\]]*\]|https?://\S+|<[^>]+>", " ", text)
    text = re.sub(r"\[[^\]]*@[^\]]*\]", " ", text)
    text = _REFERENCE.sub(" ", _CITATION.sub(" ", text))
    text = re.sub(r"^\s*\d+[.)]\s", " ", text, flags=re.M)
    text = re.sub(r"\d+(\s?%|\s+per\s+cent)\s+(?=intervals?\b)", " ", text)  # a level is chosen, not found
    for match in _NUMBER.finditer(text):
        number = match[0].strip()
        if not _YEAR.match(number):
            yield number


def _paragraphs(chapter):
    """(line, text) of each paragraph or list item of the prose; headings, tables, code and display maths left out."""
    block = []
    for line, text in [*chapter.prose_lines(), (None, "")]:
        is_prose = text.strip() and not re.match(r"\s*(#{1,6} |\||:::|\$\$|!\[|: )", text)
        if block and (not is_prose or re.match(r"\s*([-*+]|\d+[.)])\s", text)):
            yield block[0][0], "\n".join(words for _, words in block)
            block = []
        block += [(line, text)] if is_prose else []
