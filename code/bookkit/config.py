"""Read `_quarto.yml` into what the preview renderer needs.

The file is Quarto's own. Keys that only Quarto uses (themes, LaTeX settings) are known here and passed over;
a key that is not known is an error, because the two renderers would silently differ.
"""

import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path

from bookkit.chapters import read_yaml
from bookkit.errors import BookError

#: Section -> the keys that it may have.
_KNOWN = {
    "": """
        project book bibliography csl link-citations lang execute format jupyter number-sections toc toc-depth
        crossref filters
    """,
    "project": "type output-dir execute-dir pre-render post-render resources render",
    "book": """
        title subtitle author date date-format description abstract chapters appendices output-file search sidebar
        page-navigation downloads sharing reader-mode repo-url repo-actions license favicon cover-image page-footer
        bread-crumbs open-graph site-url doi version
    """,
    "execute": "echo eval error warning include output freeze cache enabled",
    "format": "html pdf typst",
    "format.html": """
        theme toc toc-depth toc-title number-sections number-depth code-fold code-summary code-tools code-copy
        code-overflow code-link html-math-method anchor-sections smooth-scroll link-external-newwindow lightbox css grid
        embed-resources fig-format respect-user-color-scheme fig-cap-location tbl-cap-location highlight-style
        syntax-highlighting page-layout footnotes-hover citations-hover crossrefs-hover mainfont monofont fontsize
        linestretch axe code-block-bg execute
    """,
}
_KNOWN = {section: set(keys.split()) for section, keys in _KNOWN.items()}
_NOT_SUPPORTED = {"filters": "Lua filters run in Quarto only"}


@dataclass(frozen=True)
class Entry:
    """One line of the contents: a chapter, or a part that only has a title."""

    path: Path | None  # the chapter, relative to the project; None for a part
    part: str | None = None  # title of the part: its own for a part, that it belongs to for a chapter
    appendix: bool = False  # whether it stands under ``appendices``

    @property
    def heading(self):
        """What stands over it in the contents, "" for a chapter without part."""
        return self.part or ("Appendices" if self.appendix else "")


@dataclass(frozen=True)
class Book:
    """The book as `_quarto.yml` describes it; see :func:`read_book`."""

    root: Path
    title: str
    subtitle: str
    authors: tuple
    date: str
    description: str
    entries: tuple
    bibliography: tuple
    csl: str | None
    output_dir: str
    output_file: str
    lang: str
    execute: dict = field(default_factory=dict)
    html: dict = field(default_factory=dict)
    resources: tuple = ()
    favicon: str = ""
    card: str = ""  # the picture that a link to the book is shown with
    css: tuple = ()  # further style sheets, after the renderer's own
    font_paths: tuple = ()  # folders of faces for the PDF

    @property
    def chapters(self):
        """Paths of the chapters, in the order of the book."""
        return [entry.path for entry in self.entries if entry.path]

    def chosen(self, paths):
        """The chapters of these paths, or all if there are none."""
        for path in paths:
            if path not in self.chapters:
                raise BookError("is not a chapter of _quarto.yml", path)
        return list(paths) or self.chapters


def read_book(root="."):
    """The book of the project in `root`; a BookError if `_quarto.yml` is missing, or has an unknown key or value."""
    root, name = Path(root).resolve(), "_quarto.yml"
    try:
        text = (root / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BookError(f"not found in {root}; run in the project, or name it with --project", name) from None
    config = read_yaml(text, name)
    for section, known in _KNOWN.items():
        _check_keys(config, known, section, name, text)
    return _book(root, config, name)


def _check_keys(mapping, known, section, name, text):
    for part in filter(None, section.split(".")):
        mapping = {} if mapping.get(part) in (None, "default", True) else mapping[part]
        if not isinstance(mapping, dict):
            raise BookError(f"'{section}' must be a mapping", name)
    for key in mapping:
        if key not in known or key in _NOT_SUPPORTED:
            match = re.search(rf"^\s*{re.escape(str(key))}\s*:", text, re.MULTILINE)
            line = text.count("\n", 0, match.start()) + 1 + match[0].count("\n") if match else None
            where = f" in '{section}'" if section else ""
            reason = _NOT_SUPPORTED.get(key, f"known are: {', '.join(sorted(known))}")
            raise BookError(f"the preview does not support the key '{key}'{where}; {reason}", name, line)


def _book(root, config, name):
    formats = config.get("format") or {}
    project, book, execute = (config.get(section) or {} for section in ("project", "book", "execute"))
    html, typst = (formats[key] if isinstance(formats.get(key), dict) else {} for key in ("html", "typst"))
    entries = _entries(book.get("chapters") or [], name) + _entries(book.get("appendices") or [], name, appendix=True)
    paths = [entry.path for entry in entries if entry.path]
    twice = [path for path in paths if paths.count(path) > 1]
    old_numbers = (
        "freeze and cache must be false: Quarto's look at the text alone and keep old numbers when data change"
    )
    other_host = "html-math-method must be mathml: other methods load scripts from another host"
    for wrong, words in (
        (project.get("type") != "book", "project type must be 'book'"),
        (project.get("execute-dir", "project") != "project", "execute-dir must be 'project'"),
        (execute.get("freeze") or execute.get("cache"), old_numbers),
        (not book.get("title") or not paths, "book needs a title and chapters"),
        (twice, f"chapter {twice[0] if twice else ''} is listed twice"),
        (paths[:1] != [Path("index.qmd")], "the first chapter must be index.qmd"),
        (html.get("html-math-method", "mathml") != "mathml", other_host),
    ):
        if wrong:
            raise BookError(words, name)
    authors = book.get("author") or []
    authors = authors if isinstance(authors, list) else [authors]
    slug = re.sub(r"[^a-z0-9]+", "-", _words(book["title"]).lower()).strip("-")
    return Book(
        root=root,
        title=_words(book["title"]),
        subtitle=_words(book.get("subtitle") or ""),
        authors=tuple(author["name"] if isinstance(author, dict) else str(author) for author in authors),
        date=_date(book.get("date")),
        description=str(book.get("description") or ""),
        entries=tuple(entries),
        bibliography=_listed(config.get("bibliography")),
        csl=config.get("csl"),
        output_dir=str(project.get("output-dir") or "_book"),
        output_file=str(book.get("output-file") or slug),
        lang=str(config.get("lang") or "en"),
        execute={**execute, **(html.get("execute") or {})},
        html={**{key: config[key] for key in ("toc", "toc-depth", "number-sections") if key in config}, **html},
        resources=tuple(project.get("resources") or ()),
        favicon=str(book.get("favicon") or ""),
        card=str((book.get("open-graph") or {}).get("image") or ""),
        css=_listed(html.get("css")),
        font_paths=_listed(typst.get("font-paths")),
    )


def _words(value):
    """A title as plain text: Quarto reads it as Markdown, in which a backslash keeps a mark what it is."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", str(value))


def _listed(value):
    """A value that may be a list or a single text, as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def _entries(items, name, part=None, appendix=False):
    entries = []
    for item in items:
        if isinstance(item, str) and item.endswith(".qmd"):
            entries.append(Entry(Path(item), part, appendix))
        elif isinstance(item, dict) and set(item) <= {"part", "chapters"} and "part" in item and part is None:
            if str(item["part"]).endswith(".qmd"):
                raise BookError(f"part '{item['part']}': a part is a title here, not a file", name)
            entries.append(Entry(None, str(item["part"]), appendix))
            entries += _entries(item.get("chapters") or [], name, str(item["part"]), appendix)
        else:
            raise BookError(f"chapters: cannot use {item!r}; write 'file.qmd' or 'part:' with 'chapters:'", name)
    return entries


def _date(value):
    """The date as it is printed: ISO dates in words, other text as it stands."""
    if value in (None, ""):
        return ""
    if value == "today":
        value = datetime.date.today()
    try:
        date = value if isinstance(value, datetime.date) else datetime.date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{date.day} {date:%B %Y}"
