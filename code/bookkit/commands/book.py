"""Render the book with Quarto where there is one, else with the preview renderer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def add_arguments(parser):
    """Declare the command's arguments."""
    parser.add_argument("--to", default="html,pdf", help="formats, separated by commas: html, pdf")
    parser.add_argument("--project", default=".", help="folder with _quarto.yml")
    parser.add_argument("--renderer", default=os.environ.get("RENDERER", "auto"), help="auto, quarto or preview")
    parser.add_argument("--output", help="folder of the result (default: as _quarto.yml says)")
    parser.add_argument("--profile", help="also read _quarto-PROFILE.yml")


def run(arguments):
    """Run the command."""
    from bookkit import choice
    from bookkit.errors import BookError

    try:
        made = choice.choose(arguments.renderer)
    except choice.ChoiceError as error:
        raise BookError(str(error)) from None
    print(made, flush=True)
    formats = [part.strip() for part in arguments.to.split(",") if part.strip()]
    if made.name == "preview":
        return _preview(formats, arguments)
    if "pdf" in formats and choice.quarto_version(made.path) < choice.FIRST_WITH_TYPST_BOOKS:
        least = ".".join(map(str, choice.FIRST_WITH_TYPST_BOOKS))
        print(f"the PDF is made by the preview renderer: Quarto makes Typst books from {least} on", flush=True)
        others = [name for name in formats if name != "pdf"]
        return (_quarto(made.path, others, arguments) if others else 0) or _preview(["pdf"], arguments)
    return _quarto(made.path, formats, arguments)


def _preview(formats, arguments):
    from bookkit import cli

    command = ["render", "--to", ",".join(formats), "--project", arguments.project]
    for name in ("profile", "output"):
        if getattr(arguments, name):
            command += [f"--{name}", getattr(arguments, name)]
    return cli.main(command)


def _quarto(program, formats, arguments):
    """Render with Quarto into a folder aside, then swap it in; a failure leaves the earlier book whole."""
    from bookkit.config import read_book
    from bookkit.errors import BookError
    from bookkit.render import swap

    root = Path(arguments.project).resolve()
    book = read_book(root, arguments.profile)
    target = root / (arguments.output or book.output_dir)
    aside = root / f"{book.output_dir}.building"
    shutil.rmtree(aside, ignore_errors=True)
    environment = {
        **os.environ,
        "QUARTO_PYTHON": sys.executable,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    for name in formats:
        to = {"pdf": "typst"}.get(name, name)
        command = [str(program), "render", str(root), "--to", to, "--output-dir", aside.name]
        if arguments.profile:
            command += ["--profile", arguments.profile]
        if name != formats[0]:
            command.append("--no-clean")
        if subprocess.run(command, env=environment, cwd=root).returncode != 0:
            shutil.rmtree(aside, ignore_errors=True)
            raise BookError(f"quarto failed (its messages are above); {book.output_dir}/ is as it was")
    swap(aside, target)
    shutil.rmtree(aside, ignore_errors=True)  # after an exchange of names it holds the earlier book
    print(f"{target}/ is ready", flush=True)
    return 0
