"""Which renderer makes the book: Quarto where there is one, else the preview renderer; and Quarto's run.

Quarto is the official way; where it is not installed, the preview renderer reads the same sources. Nothing is installed
while a book is rendered: that is for the reader to do, or not.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bookkit.config import read_book
from bookkit.errors import BookError
from bookkit.folders import beside
from bookkit.remote import strip_folder
from bookkit.render import check_target, put

#: The release that messages name and the workflow uses in .github/, and the first that makes books with Typst.
QUARTO_RELEASE = "1.9.38"
FIRST_WITH_TYPST_BOOKS = "1.9.18"


@dataclass(frozen=True)
class Choice:
    """The renderer to use."""

    name: str  # "quarto" or "preview"
    path: Path | None  # the program, for Quarto
    reason: str  # why, in a few words

    def __str__(self):
        return f"renderer: {self.name} ({self.reason})"


def quarto_version(path):
    """Version of a `quarto` program; a BookError if it does not answer."""
    try:
        text = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=120, check=True).stdout
        return re.search(r"\d+(\.\d+)+", text)[0]
    except (OSError, subprocess.SubprocessError, TypeError) as error:
        message = f"{path} is there but `quarto --version` failed ({error}); repair it or use RENDERER=preview"
        raise BookError(message) from error


def choose(wanted="auto", *, search=None):
    """The renderer for what the user `wanted` (`RENDERER=`): "auto", "quarto" or "preview".

    Quarto is looked for in the folders `search`; they are those of PATH, and the running Python's, if none are given.
    One too old for the PDF makes nothing: a book's pages and PDF come from one renderer. A BookError if `wanted` is
    unknown, or is "quarto" and there is none that is new enough.
    """
    if wanted not in ("auto", "quarto", "preview"):
        raise BookError(f"RENDERER={wanted} is unknown; use auto, quarto or preview")
    if wanted == "preview":
        return Choice("preview", None, "asked for")
    folders = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    path, reason = shutil.which("quarto", path=search or folders), "no quarto on PATH"
    if path:
        version = quarto_version(path)
        if _release(version) >= _release(FIRST_WITH_TYPST_BOOKS):
            return Choice("quarto", Path(path), f"found {version}" + ("" if wanted == "auto" else ", asked for"))
        reason = f"Quarto {version} makes no PDF with Typst, {FIRST_WITH_TYPST_BOOKS} and later do"
    if wanted == "quarto":
        raise BookError(
            f"RENDERER=quarto, but {reason}. Install Quarto {QUARTO_RELEASE} from its site or with "
            f"`pip install quarto-cli=={QUARTO_RELEASE}`, or use RENDERER=preview"
        )
    return Choice("preview", None, reason)


def _release(version):
    return [int(part) for part in version.split(".")]


def run_quarto(program, formats, root=".", output=None):
    """Render with Quarto into a folder of the project, then swap it in; a failure leaves the earlier book whole.

    The arguments and what is returned are those of :func:`bookkit.render.render`.
    """
    root = Path(root).resolve()
    book = read_book(root)
    target = (root / (output or book.output_dir)).resolve()
    check_target(target)
    building = root / f"{book.output_dir}.building"
    shutil.rmtree(building, ignore_errors=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable, "PATH": path}
    try:
        for name in formats:
            to = {"pdf": "typst"}.get(name, name)
            command = [str(program), "render", str(root), "--to", to, "--output-dir", building.name, "--no-clean"]
            if subprocess.run(command, env=environment, cwd=root).returncode != 0:
                raise BookError(f"quarto failed (its messages are above); {book.output_dir}/ is as it was")
        strip_folder(building)
        with beside(target) as aside:  # the project may lie on another file system than the result
            aside.rmdir()
            shutil.move(building, aside)
            put(aside, target, whole="html" in formats)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target
