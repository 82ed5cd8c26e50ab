"""Borrower credit risk in peer-to-peer lending: the method behind the book.

The package is built in floors; a module imports only from floors below it (``docs/architecture.md``).

Public names are loaded on first use, so that ``import p2prisk`` stays fast.

Examples
--------
>>> from p2prisk import load
>>> tape = load("lendingclub-2018")
>>> len(tape.frame)
10000
"""

from importlib import import_module

__version__ = "0.1.0"

# public name -> module that defines it
_PUBLIC = {
    "load": "datasets",
    "LoanTape": "tape",
    "read_tape": "tape",
    "OrderedLogit": "ordered",
    "HazardLogit": "hazard",
    "SequentialLogit": "ordered",
    "OrderedLogitClassifier": "ordered",
    "SequentialLogitClassifier": "ordered",
    "brant": "assumptions",
    "average_marginal_effects": "effects",
    "Scorecard": "scorecard",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(import_module(f"p2prisk.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'p2prisk' has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(_PUBLIC))
