"""Chapters as executed notebooks: the references that nbval compares with.

A chapter becomes a notebook with fixed cell identifiers and a kernel specification; every inline expression becomes a
cell of its own that prints it, so that the numbers in the prose are asserted too. Pictures are stripped from the
references, because nbval ignores them and their bytes differ between machines; the fingerprint that every figure emits
(:data:`FINGERPRINT`) stays and is compared.
"""

import itertools
from pathlib import Path

import nbformat

from bookkit.chapters import Cell
from bookkit.errors import BookError
from bookkit.execute import execute_chapters
from bookkit.page import NARROW

#: MIME type under which a figure describes itself; nbval compares it, renderers do not show it.
FINGERPRINT = "application/vnd.book.figure+json"
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf", "text/csv", NARROW)


def to_notebook(chapter, result=None):
    """A chapter as a notebook: Markdown and code cells in its order.

    A code cell carries the tags ``raises-exception`` (``error: true``), ``skip-execution`` and ``nbval-skip``
    (``eval: false``), ``inline`` (an inline expression) and ``figure`` (label ``fig-…``). Without the `result` that
    :func:`bookkit.execute.execute_chapters` gave with `printed`, no cell has run.
    """
    cells, count = [], itertools.count(1)
    outputs, printed = (iter(result[part]) if result else itertools.repeat(None) for part in ("cells", "inlines"))

    def add(cell, tags=(), shown=None):
        cell["id"] = f"cell-{len(cells):03d}"
        if tags:
            cell.metadata["tags"] = list(tags)
        if shown is not None:
            cell["outputs"], cell["execution_count"] = [nbformat.from_dict(output) for output in shown], next(count)
        cells.append(cell)

    for block in chapter.blocks:
        if isinstance(block, Cell):
            tags = ["raises-exception"] if block.options.get("error") else []
            if block.options.get("eval") is False:
                tags += ["nbval-skip", "skip-execution"]
            tags += ["figure"] if block.kind == "fig" else []
            add(nbformat.v4.new_code_cell(block.raw.strip("\n")), tags, next(outputs))
        else:
            add(nbformat.v4.new_markdown_cell(block.text.strip("\n")))
            for inline in block.inlines:
                add(nbformat.v4.new_code_cell(f"print({inline.source})"), ["inline"], next(printed))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    metadata["bookkit"] = {"source": chapter.path.as_posix()}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def without_pictures(chapter, result):
    """Take the pictures out of a result in place; a BookError if a figure cell has none, or no fingerprint."""
    for cell, outputs in zip(chapter.cells, result["cells"], strict=True):
        shown = [output for output in outputs or [] if "data" in output]
        bundles = [output["data"] for output in shown]
        if cell.kind == "fig" and outputs is not None:
            if not any(kind in bundle for bundle in bundles for kind in _PICTURES):
                raise BookError(f"{cell.name} gave no picture", chapter.path, cell.line)
            if not any(FINGERPRINT in bundle for bundle in bundles):
                raise BookError(f"{cell.name} gave no fingerprint; is the set-up cell there?", chapter.path, cell.line)
        for output in shown:
            for kind in _PICTURES:
                output["data"].pop(kind, None)
                output["metadata"].pop(kind, None)
    return result


def reference_path(chapter_path, folder):
    """Where the reference of a chapter lives: its path with the folders joined by dashes."""
    return Path(folder) / ("-".join(Path(chapter_path).with_suffix("").parts) + ".ipynb")


def write_references(chapters, folder, jobs=2, report=print, keep=()):
    """Execute chapters and write their references into a folder; those of chapters that are gone are removed.

    `keep` are other chapters of the book: their references stay as they are. BookErrors names cells that raised and
    figures that are missing; nothing is written for those chapters.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def write(chapter, result):
        nbformat.write(to_notebook(chapter, without_pictures(chapter, result)), reference_path(chapter.path, folder))
        report(f"  {chapter.path}")

    for path in set(folder.glob("*.ipynb")) - {reference_path(each.path, folder) for each in [*chapters, *keep]}:
        path.unlink()
    execute_chapters(chapters, folder, jobs, done=write, printed=True)
