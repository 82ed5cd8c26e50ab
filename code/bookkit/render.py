"""Render the book: check, run what changed, write pages and PDF aside, and swap the result in at the end.

The book that was there before stays whole until the new one is complete: a fault, a raising cell or a killed run
leaves it as it was.
"""

import os
import time
from contextlib import contextmanager
from pathlib import Path

from bookkit.cache import ResultCache, State
from bookkit.config import read_book
from bookkit.dialect import read_chapters
from bookkit.document import build
from bookkit.docx import write_docx
from bookkit.errors import BookError, BookErrors
from bookkit.execute import execute_chapters
from bookkit.folders import beside, clear_beside, heed, held, swap
from bookkit.html import write_pages
from bookkit.pdf import write_pdf

FORMATS = ("html", "pdf")  # docx is for reports: a book is read
#: The file that marks a folder as a rendered book: a line that says so, and the names of its files.
MARK = ".bookkit"
_MADE = "Made by bookkit; replaced as a whole. Its files:"


def render(root=".", formats=FORMATS, output=None, use_cache=True, jobs=2, say=print, only=(), before=()):
    """Render the book of a project; its pages are returned (a list of :class:`bookkit.page.Page`).

    `output` is the folder of the result, relative to the project `root`. Of the `formats` "html", "pdf" and "docx",
    "html" replaces it as a whole, "pdf" alone only the PDF in it. With `use_cache`, results of earlier runs stand where
    nothing that they used has changed; `jobs` chapters run at a time; `say` is called with lines about the progress.
    `only` are the paths of chapters to run and write into the book that is there, with the numbers and references of
    the whole book; with `before`, the pages that an earlier call gave, no other chapter is then read.

    A BookError (BookErrors for several faults) says whatever is wrong; the earlier output is untouched.
    """
    started = time.monotonic()
    root = Path(root).resolve()
    book = read_book(root)
    target, chosen = (root / (output or book.output_dir)).resolve(), book.chosen(only)
    if only and "pdf" in formats:
        raise BookError("a chapter alone is rendered to HTML only; leave out --to")
    if root.is_relative_to(target):
        raise BookError(f"the output folder {target} holds the project itself")
    check_target(target)
    chapters, faults = read_chapters(book, before and only)
    if faults:
        raise BookErrors(faults)
    with _only_one(root, target):
        pages = build(book, chapters, _results(book, chapters, chosen, use_cache, jobs, say), before)
        with beside(target) as aside:
            printed = {f"{book.output_file}.pdf": pages} | {page.pdf: [page] for page in pages if page.pdf}
            made = [aside / name for name in printed] if "pdf" in formats else []
            for path in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_pdf(book, printed[path.relative_to(aside).as_posix()], path)
            if "docx" in formats:
                write_docx(book, pages, aside / f"{book.output_file}.docx")
            if "html" in formats:
                there = [path for path in (target / f"{book.output_file}.pdf",) if only and path.exists()]
                write_pages(book, pages, aside, next(iter(made + there), None), chosen, not (only and target.exists()))
                made = [aside / path.with_suffix(".html") for path in only or [Path("index.qmd")]] + made
            put(aside, target, whole="html" in formats and not only)
    names = [os.path.relpath(target / path.relative_to(aside)) for path in made]
    say(f"{', '.join(names)} ({time.monotonic() - started:.1f} s)")
    return pages


def put(new, target, whole=True):
    """Put a folder in the place of another, or else its files into the other, each at once.

    The mark, a file ``.bookkit``, lists what is ours in the folder; whatever else lies there is never replaced.
    """
    with held(target.parent):
        heed()
        check_target(target)
        names = {path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file()}
        if not whole and target.exists():
            names |= {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} - {MARK}
        (new / MARK).write_text("\n".join([_MADE, *sorted(names), ""]), encoding="utf-8")
        os.umask(mask := os.umask(0o077))
        new.chmod(0o777 & ~mask)
        if whole or not target.exists():
            swap(new, target)
            return
        for path in sorted(new.rglob("*")):
            place = target / path.relative_to(new)
            if path.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)


def _results(book, chapters, chosen, use_cache, jobs, say):
    """Results of chapters: kept ones where they still hold; of the others those that are chosen run now."""
    cache, state = ResultCache(book.root / ".bookkit" / "cache"), State(book.root)
    results, missing, keys = {}, [], {}
    for path, chapter in chapters.items():
        keys[path] = state.key(chapter, book.execute)
        kept, reason = cache.load(chapter, keys[path], state) if use_cache else (None, "everything is to run")
        if kept:
            results[path] = kept["result"]
        elif path in chosen:
            missing.append(chapter)
            say(f"  {path}: {reason}")
    say(f"{len(chosen)} chapters, {len(missing)} to run")

    def done(chapter, result):
        now = State(book.root)
        record = now.record(result.pop("used"))
        if record and now.key(chapter, book.execute) == keys[chapter.path]:
            cache.store(chapter, keys[chapter.path], result, record)
        say(f"  ran {chapter.path}" + ("" if record else "; something it used changed meanwhile, so it runs again"))

    return results | execute_chapters(missing, book.root, jobs, book.execute, done)


def check_target(target):
    """Refuse to replace anything that is not a book that we made."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    mark = target / MARK
    words = mark.read_text(encoding="utf-8", errors="replace").splitlines() if mark.is_file() else []
    if not "".join(words[:1]).startswith("Made by bookkit"):
        remedy = "remove it or choose another --output"
        raise BookError(f"{target} exists and is no rendered book (it has no mark of one, {MARK}); {remedy}")
    there = {
        path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    others = sorted(there - {MARK, *words[1:]}) if words[1:] else []
    if others:
        more = f" and {len(others) - 1} more" if others[1:] else ""
        words = "which is not of the book that was rendered there; move it away or choose another --output"
        raise BookError(f"{target} holds {others[0]}{more}, {words}")


@contextmanager
def _only_one(root, target):
    """Let one run at a time into a project; clear away what a killed run left."""
    lock = root / ".bookkit" / "lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    with held(lock, wait=False) as mine:
        if mine is False:
            raise BookError("another render of this project is running; wait for it")
        if target.parent.is_dir():
            with held(target.parent):
                clear_beside(target)
        yield
