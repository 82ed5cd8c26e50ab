"""What builds and checks the book: preview renderer, notebooks, chapter linter."""

from importlib import resources


def asset(name):
    """Text of a file of :mod:`bookkit`: templates, styles, scripts, schemas."""
    return (resources.files("bookkit") / "assets" / name).read_text(encoding="utf-8")
