"""Render the book: check, run what changed, write pages and PDF aside, and swap the result in at the end.

The book that was there before stays whole until the new one is complete: a fault, a raising cell or a killed run
leaves it as it was.
"""

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from bookkit.cache import ResultCache, State
from bookkit.config import read_book
from bookkit.dialect import read_chapters
from bookkit.document import build
from bookkit.errors import BookError, BookErrors
from bookkit.execute import execute_chapters

FORMATS = ("html", "pdf")


def render(root=".", formats=FORMATS, output=None, use_cache=True, jobs=2, say=print, only=()):
    """Render the book of a project.

    Parameters
    ----------
    root, output : str or pathlib.Path
        The project, and the folder of the result (relative to the project; else as `_quarto.yml` says).
    formats : sequence of str
        Out of "html" and "pdf". With "html" the output folder is replaced as a whole; with "pdf" alone only the
        PDF in it is.
    use_cache : bool
        Whether results of earlier runs may be used where nothing they used has changed.
    jobs, say
        Chapters run at a time, and what is called with lines about the progress.
    only : sequence of pathlib.Path
        Chapters to run and write, into the book that is there; numbers and references are those of the whole book.

    Returns
    -------
    pathlib.Path
        The output folder.

    Raises
    ------
    BookError
        Whatever is wrong with the book (BookErrors for several faults); the earlier output is untouched.
    """
    started = time.monotonic()
    root = Path(root).resolve()
    book = read_book(root)
    target, chosen = (root / (output or book.output_dir)).resolve(), book.chosen(only)
    if only and "pdf" in formats:
        raise BookError("a chapter alone is rendered to HTML only; leave out --to")
    _check_target(root, target)
    chapters, faults = read_chapters(book)
    if faults:
        raise BookErrors(faults)
    with _only_one(root, target):
        pages = build(book, chapters, _results(book, chapters, chosen, use_cache, jobs, say))
        with beside(target) as aside:
            made = [aside / f"{book.output_file}.pdf"] if "pdf" in formats else []
            if made:
                from bookkit.pdf import write_pdf

                write_pdf(book, pages, made[0])
            if "html" in formats:
                from bookkit.html import write_pages

                has_pdf = made or (only and (target / f"{book.output_file}.pdf").exists())
                write_pages(book, pages, aside, f"{book.output_file}.pdf" if has_pdf else None, chosen)
                (aside / ".bookkit").write_text("Made by bookkit; replaced as a whole.\n", encoding="utf-8")
                made = [aside / path.with_suffix(".html") for path in only or [Path("index.qmd")]] + made
            put(aside, target, whole="html" in formats and not only)
    names = [os.path.relpath(target / path.relative_to(aside)) for path in made]
    say(f"{', '.join(names)} ({time.monotonic() - started:.1f} s)")
    return target


def put(new, target, whole=True):
    """Put a folder in the place of another, or else its files into the other, each at once."""
    if whole:
        swap(new, target)
        return
    for path in sorted(new.rglob("*")):
        place = target / path.relative_to(new)
        # one chapter's words are not the index of the whole book
        if path.is_file() and not (path.name == "search-index.js" and place.exists()):
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)


@contextmanager
def beside(target):
    """A new folder beside another, on the same file system; gone at the end."""
    aside = target.with_name(f"{target.name}.new-{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


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


def _check_target(root, target):
    """Refuse to replace anything that is not a book."""
    if root.is_relative_to(target):
        raise BookError(f"the output folder {target} holds the project itself")
    if target.exists() and (
        not target.is_dir()
        or (any(target.iterdir()) and not (target / "index.html").exists() and not list(target.glob("*.pdf")))
    ):
        raise BookError(f"{target} exists and is no rendered book; remove it or choose another --output")


@contextmanager
def _only_one(root, target):
    """Let one run at a time into a project; clear away what a killed run left."""
    folder = root / ".bookkit"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such locks on this system
            pass
        except OSError:
            raise BookError("another render of this project is running; wait for it") from None
        for old in sorted(target.parent.glob(f"{target.name}.old-*")):
            if not target.exists():  # killed between the two renames of swap
                os.rename(old, target)
        for left in [*target.parent.glob(f"{target.name}.old-*"), *target.parent.glob(f"{target.name}.new-*")]:
            shutil.rmtree(left, ignore_errors=True)
        yield


def swap(new, target):
    """Put a folder in the place of another; :func:`_only_one` puts the old one back if it was killed in between."""
    old = target.with_name(f"{target.name}.old-{os.getpid()}")
    if target.exists():
        os.rename(target, old)
    os.rename(new, target)
    shutil.rmtree(old, ignore_errors=True)
