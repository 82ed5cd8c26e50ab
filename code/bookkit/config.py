"""Read `_quarto.yml` into what the preview renderer needs.

The file is Quarto's own. What of it is known, passed over or refused is written in ``assets/settings.schema.yml``.
"""

import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path

from bookkit.chapters import check_yaml, read_yaml
from bookkit.errors import BookError


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
    for key, words in check_yaml(config, "settings"):
        match = re.search(rf"^\s*{re.escape(key)}\s*:", text, re.MULTILINE)
        line = text.count("\n", 0, match.start()) + 1 + match[0].count("\n") if key and match else None
        raise BookError(words, name, line)
    return _book(root, config, name)


def _book(root, config, name):
    formats = config.get("format") or {}
    project, book, execute = (config.get(section) or {} for section in ("project", "book", "execute"))
    html, typst = (formats[key] if isinstance(formats.get(key), dict) else {} for key in ("html", "typst"))
    entries = _entries(book["chapters"]) + _entries(book.get("appendices"), appendix=True)
    paths = [entry.path for entry in entries if entry.path]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise BookError(f"chapter {twice[0]} is listed twice", name)
    if paths[:1] != [Path("index.qmd")]:
        raise BookError("the first chapter must be index.qmd", name)
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


def _entries(items, part=None, appendix=False):
    entries = []
    for item in items or []:
        if isinstance(item, str):
            entries.append(Entry(Path(item), part, appendix))
        else:
            title = str(item["part"])
            entries += [Entry(None, title, appendix), *_entries(item.get("chapters"), title, appendix)]
    return entries


def _date(value):
    """The date as it is printed: ISO dates in words, other text as it stands."""
    if value == "today":
        value = datetime.date.today()
    try:
        date = value if isinstance(value, datetime.date) else datetime.date.fromisoformat(str(value))
    except ValueError:
        return str(value or "")
    return f"{date.day} {date:%B %Y}"
