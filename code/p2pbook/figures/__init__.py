"""The pictures of this book.

A chapter loads the module of its own pictures alone, so that a change of one runs few chapters again.
"""

from importlib import import_module

#: Widths in inches, and how many panels stand side by side: two stay legible on a telephone.
WIDE, NARROW, ACROSS = 5.6, 5.0, 2


def lazy(package, **names):
    """A ``__getattr__`` of a package whose modules are loaded when one of their names is asked for: module -> names."""
    places = {name: module for module, words in names.items() for name in words.split()}

    def load(name):
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{places[name]}"), name)

    return load
