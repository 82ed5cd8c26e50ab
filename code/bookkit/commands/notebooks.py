"""Execute every chapter and write the reference notebooks that nbval compares with."""

import time
from pathlib import Path


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("chapters", nargs="*", help="only these chapters (default: all)")
    parser.add_argument("--project", default=".", help="folder with _quarto.yml")
    parser.add_argument("--jobs", type=int, default=2, help="kernels at a time")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is out of step")


def run(arguments):
    """Run the command."""
    from bookkit.chapters import read_chapter
    from bookkit.config import read_book
    from bookkit.errors import BookError, BookErrors
    from bookkit.notebooks import out_of_step, write_references

    root = Path(arguments.project)
    folder = root / "tests" / "notebooks"
    chapters = [read_chapter(entry.path, root) for entry in read_book(root).entries if entry.path]
    if arguments.check:
        faults = out_of_step(chapters, folder)
        if faults:
            raise BookErrors(faults)
        return 0
    wanted = {Path(name) for name in arguments.chapters} or {chapter.path for chapter in chapters}
    unknown = wanted - {chapter.path for chapter in chapters}
    if unknown:
        raise BookErrors([BookError("is not a chapter of _quarto.yml", path) for path in sorted(unknown)])
    start = time.perf_counter()
    chosen = [chapter for chapter in chapters if chapter.path in wanted]
    write_references(chosen, folder, arguments.jobs, keep=chapters)
    print(f"{len(chosen)} reference notebooks in {folder} ({time.perf_counter() - start:.0f} s)")
    return 0
