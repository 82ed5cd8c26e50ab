"""The language of formulas that come from a file or a command line: read and computed here, never evaluated as Python.

A formula of the Python API goes to formulaic, which evaluates it as code; it is written by a programmer, who may run
what he likes. What a stranger's model file says goes through this module: a closed grammar over the columns of the
data, numbers and the transforms of :data:`NUMBERS`, :data:`SPLINES` and ``C``. There are no attributes, no subscripts,
no names but columns and these transforms; a name is compared as it is written, so that letters which only look alike
are no transform::

    formula = term { "+" term }          with "*", "**" and "-" as in Wilkinson and Rogers (1973)
    term    = factor { ":" factor }
    factor  = column | "`" column "`" | transform "(" expression { "," argument } ")"

Wilkinson, G. N. and Rogers, C. E. (1973). Symbolic description of factorial models for analysis of variance. *Applied
Statistics*, 22(3), 392-399.
"""

from __future__ import annotations

import copy
import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError

#: transforms of numbers, row by row
NUMBERS: dict[str, Any] = {
    **{f"np.{name}": getattr(np, name) for name in "log log1p log2 log10 sqrt exp expm1 abs sign".split()},
    **{f"np.{name}": getattr(np, name) for name in ("minimum", "maximum")},
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "exp": np.exp,
    "I": lambda values: values,
}
#: transforms that keep a state from the data of the fit (knots, means), and the arguments each may be given
SPLINES = {
    "bs": ("df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound", "extrapolation"),
    "cr": ("df", "knots", "lower_bound", "upper_bound", "constraints", "extrapolation"),
    "cc": ("df", "knots", "lower_bound", "upper_bound", "constraints", "extrapolation"),
    "cs": ("df", "knots", "lower_bound", "upper_bound", "constraints", "extrapolation"),
    "scale": ("center", "scale", "ddof"),
    "standardize": ("center", "scale", "ddof"),
    "center": (),
    "poly": ("degree",),
}
_CONTRASTS = ("contr", "contr.treatment", "contr.sum", "contr.helmert", "contr.diff", "contr.poly", "contr.sas")
_WORDS = {"True": True, "False": False, "None": None}
_ARGUMENTS = ("raise", "clip", "na", "zero", "extend", "center")
_LONGEST, _DEEPEST, _MOST_TERMS, _MOST_KNOTS = 10_000, 40, 500, 200
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)"
    r"|`(?P<column>[^`]+)`|(?P<text>'[^'\\\n]*'|\"[^\"\\\n]*\")|(?P<mark>\*\*|[-+*/^:(),=\[\]{}]))"
)


@dataclass(frozen=True)
class Node:
    """A piece of an expression: ``kind`` is number, text, column, call, list, or an arithmetic sign."""

    kind: str
    value: Any = None
    parts: tuple = ()
    options: tuple = ()  # (name, Node) of named arguments
    source: str = ""

    def walk(self):
        """This piece and all below it, in the order of the text."""
        yield self
        for part in (*self.parts, *(part for _, part in self.options)):
            yield from part.walk()


def read_formula(text: str, columns: Any = None) -> list[tuple[Node, ...]]:
    """Terms of a right-hand side, each the factors that are multiplied.

    Parameters
    ----------
    text : str
    columns : collection of str, optional
        The names that may be used.

    Returns
    -------
    list of tuple of Node
        The intercept, ``0`` and ``1`` are left out: the thresholds play its part.

    Raises
    ------
    ModelError
        It is not of the language; the message says where.

    Examples
    --------
    >>> [[factor.source for factor in term] for term in read_formula("np.log1p(income) * C(home) + I(dti ** 2)")]
    [['np.log1p(income)'], ['C(home)'], ['np.log1p(income)', 'C(home)'], ['I(dti ** 2)']]
    >>> read_formula("().__class__")
    Traceback (most recent call last):
        ...
    p2prisk.errors.ModelError: the formula '().__class__' cannot be read at character 3: '.' is not of the
    language
    """
    reader = _Reader(text, columns)
    terms = reader.sum_of_terms(0)
    reader.end()
    return [term for term in terms if term]


def read_factor(text: str, columns: Any = None) -> Node:
    """One factor of a term: a column, a transform, or arithmetic of them.

    Raises
    ------
    ModelError
        It is not of the language.
    """
    reader = _Reader(text, columns)
    node = reader.expression(0)
    reader.end()
    return node


class _Reader:
    """A reader by recursive descent; it holds the place in the text."""

    def __init__(self, text, columns=None):
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise ModelError(f"a formula is a text of at most {_LONGEST:,d} characters")
        self.text, self.columns, self.at, self.tokens, self.last = text, columns, 0, [], 0
        place, end = 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if not found:
                place += len(text[place:]) - len(text[place:].lstrip())
                raise self.wrong(f"{text[place]!r} is not of the language", place)
            self.tokens.append((found.lastgroup, found[found.lastgroup], found.start(found.lastgroup), found.end()))
            place = found.end()

    def wrong(self, why, place=None):
        place = place if place is not None else self.peek()[2]
        shown = self.text if len(self.text) <= 80 else self.text[:79] + "…"
        return ModelError(f"the formula {shown!r} cannot be read at character {place + 1}: {why}")

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "its end", len(self.text), 0)

    def take(self, *marks):
        kind, value, _, self.last = self.peek()
        if kind == "mark" and value in marks:
            self.at += 1
            return value
        return None

    def need(self, mark):
        if not self.take(mark):
            raise self.wrong(f"{mark!r} is expected, not {self.peek()[1]!r}")

    def end(self):
        if self.at < len(self.tokens):
            raise self.wrong(f"{self.peek()[1]!r} is not expected here")

    def deeper(self, depth):
        if depth > _DEEPEST:
            raise self.wrong("it is nested too deeply")
        return depth + 1

    # -- terms: lists of tuples of factors

    def sum_of_terms(self, depth):
        depth, sign = self.deeper(depth), self.take("+", "-") or "+"
        terms = []
        while True:
            more = self.product(depth)
            terms = _joined(terms, more) if sign == "+" else [term for term in terms if _key(term) not in _keys(more)]
            if len(terms) > _MOST_TERMS:
                raise self.wrong(f"it has more than {_MOST_TERMS} terms")
            sign = self.take("+", "-")
            if not sign:
                return terms

    def product(self, depth):
        terms = self.interaction(depth)
        while self.take("*"):
            other = self.interaction(depth)
            terms = _joined(_joined(terms, other), self.crossed(terms, other))
        return terms

    def interaction(self, depth):
        terms = self.power(depth)
        while self.take(":"):
            terms = self.crossed(terms, self.power(depth))
        return terms

    def crossed(self, one, other):
        if len(one) * len(other) > _MOST_TERMS:
            raise self.wrong(f"it has more than {_MOST_TERMS} terms")
        return _joined([], [tuple(_joined(list(a), list(b))) for a, b in itertools.product(one, other)])

    def power(self, depth):
        terms = self.term(depth)
        if self.take("**", "^"):
            kind, value, _, _ = self.peek()
            if kind != "number" or value not in ("1", "2", "3", "4"):
                raise self.wrong("a power of terms is a whole number from 1 to 4")
            self.at += 1
            made = terms
            for _ in range(int(value) - 1):
                made = _joined(made, self.crossed(made, terms))
            return made
        return terms

    def term(self, depth):
        kind, value, _, _ = self.peek()
        if kind == "number" and value in ("0", "1"):
            self.at += 1
            return [()]
        if kind == "mark" and value == "(":
            self.at += 1
            terms = self.sum_of_terms(depth)
            self.need(")")
            return terms
        if kind == "mark" and value == "{":
            self.at += 1
            node = self.expression(depth)
            self.need("}")
            return [(node,)]
        node = self.atom(depth)
        if node.kind not in ("column", "call"):
            raise self.wrong("a term is a column or a transform of columns")
        return [(node,)]

    # -- expressions: nodes

    def expression(self, depth):
        return self.binary(self.deeper(depth), (("+", "-"), ("*", "/")))

    def binary(self, depth, levels):
        if not levels:
            return self.raised(depth)
        start = self.peek()[2]
        node = self.binary(depth, levels[1:])
        while sign := self.take(*levels[0]):
            node = self.spanned(Node(sign, None, (node, self.binary(depth, levels[1:]))), start)
        return node

    def raised(self, depth):
        depth, start = self.deeper(depth), self.peek()[2]
        if sign := self.take("-", "+"):
            return self.spanned(Node("negative" if sign == "-" else "positive", None, (self.raised(depth),)), start)
        node = self.atom(depth)
        if self.take("**"):
            return self.spanned(Node("**", None, (node, self.raised(depth))), start)
        return node

    def spanned(self, node, start):
        return Node(node.kind, node.value, node.parts, node.options, self.text[start : self.tokens[self.at - 1][3]])

    def atom(self, depth):
        depth = self.deeper(depth)
        kind, value, start, _ = self.peek()
        self.at += 1
        if kind == "number":
            return self.spanned(Node("number", float(value)), start)
        if kind == "text":
            return self.spanned(Node("text", value[1:-1]), start)
        if kind == "column":
            return self.column(value, start)
        if kind == "name":
            if self.peek()[:2] == ("mark", "("):
                return self.call(value, start, depth)
            if value in _CONTRASTS:
                return self.spanned(Node("contrast", value), start)
            if value in _WORDS:
                return self.spanned(Node("word", _WORDS[value]), start)
            return self.column(value, start)
        if kind == "mark" and value == "(":
            node = self.expression(depth)
            self.need(")")
            return self.spanned(node, start)
        if kind == "mark" and value == "[":
            parts = []
            while not self.take("]"):
                parts.append(self.expression(depth))
                if not self.take(","):
                    self.need("]")
                    break
            return self.spanned(Node("list", None, tuple(parts)), start)
        self.at -= 1
        raise self.wrong(f"a column or a transform is expected, not {value!r}")

    def column(self, name, start):
        if self.columns is not None and name not in self.columns:
            raise self.wrong(f"{name!r} is no column", start)
        if "." in name and self.columns is None:
            raise self.wrong(f"{name!r} is neither a column nor a transform", start)
        return self.spanned(Node("column", name), start)

    def call(self, name, start, depth):
        if name not in NUMBERS and name not in SPLINES and name != "C" and name not in _CONTRASTS:
            raise self.wrong(f"{name!r} is no transform; there are C, {', '.join([*NUMBERS, *SPLINES])}", start)
        self.need("(")
        parts, options = [], []
        while not self.take(")"):
            kind, word, _, _ = self.peek()
            after = self.tokens[self.at + 1][:2] if self.at + 1 < len(self.tokens) else None
            if kind == "name" and after == ("mark", "="):
                self.at += 2
                options.append((word, self.expression(depth)))
            elif options:
                raise self.wrong("an argument without a name follows one with a name")
            else:
                parts.append(self.expression(depth))
            if not self.take(","):
                self.need(")")
                break
        node = self.spanned(Node("call", name, tuple(parts), tuple(options)), start)
        self.check_call(node, start)
        return node

    def check_call(self, node, start):
        """Arguments that the transform takes: constants behind the first, which is an expression."""
        name, rest = node.value, (*node.parts[1:], *(part for _, part in node.options))
        if name in NUMBERS:
            wanted = 2 if name in ("np.minimum", "np.maximum") else 1
            if len(node.parts) != wanted or node.options:
                raise self.wrong(f"{name} takes {wanted} argument{'s' * (wanted > 1)}", start)
            return
        if name in _CONTRASTS:
            rest = (*node.parts, *(part for _, part in node.options))
        elif not node.parts or node.parts[0].kind not in ("column", "call", "+", "-", "*", "/", "**", "negative"):
            raise self.wrong(f"{name} takes a column or an expression first", start)
        if name in SPLINES:
            if {word for word, _ in node.options} - set(SPLINES[name]):
                raise self.wrong(f"{name} takes {', '.join(SPLINES[name]) or 'one argument'}", start)
        if any(
            inner.kind in ("column", "call") and inner.value not in _CONTRASTS for part in rest for inner in part.walk()
        ):
            raise self.wrong(f"the further arguments of {name} are constants", start)


def _key(factors):
    return frozenset(factor.source if isinstance(factor, Node) else factor for factor in factors)


def _keys(terms):
    return {_key(term) for term in terms}


def _joined(one, other):
    """Both lists, each entry once; entries are terms or factors."""
    seen, made = set(), []
    for entry in [*one, *other]:
        key = _key(entry) if isinstance(entry, tuple) else entry.source
        if key not in seen:
            seen.add(key)
            made.append(entry)
    return made


# ---------------------------------------------------------------- computing


def stateful(node: Node) -> list[Node]:
    """The transforms of an expression that keep a state, in the order of the text."""
    return [inner for inner in node.walk() if inner.kind == "call" and inner.value in SPLINES]


def columns_of(node: Node) -> list[str]:
    """The columns that an expression uses."""
    return list(dict.fromkeys(inner.value for inner in node.walk() if inner.kind == "column"))


def compute(node: Node, frame: pd.DataFrame, states: dict[Node, dict]) -> Any:
    """Numbers of an expression, one a row, or a dictionary of them for a spline.

    Parameters
    ----------
    node : Node
    frame : pandas.DataFrame
    states : dict
        Of each transform of :func:`stateful`, what the fit left.

    Raises
    ------
    DataError, ModelError
        A column is not numeric; an expression is none of numbers.
    """
    if node.kind == "number":
        return node.value
    if node.kind == "column":
        values = frame[node.value]
        if not pd.api.types.is_numeric_dtype(values.dtype):
            raise DataError(f"column {node.value!r} is not numeric")
        return values.to_numpy(dtype=float, na_value=np.nan)
    if node.kind == "call" and node.value in NUMBERS:
        with np.errstate(all="ignore"):  # the logarithm of a zero is reported by column and row
            return NUMBERS[node.value](*(_number(compute(part, frame, states)) for part in node.parts))
    if node.kind == "call" and node.value in SPLINES:
        return _transformed(node, _number(compute(node.parts[0], frame, states)), states[node])
    if node.kind in ("+", "-", "*", "/", "**"):
        one, other = (_number(compute(part, frame, states)) for part in node.parts)
        with np.errstate(all="ignore"):
            if node.kind == "+":
                return one + other
            if node.kind == "-":
                return one - other
            if node.kind == "*":
                return one * other
            return np.divide(one, other) if node.kind == "/" else np.float_power(one, other)
    if node.kind in ("negative", "positive"):
        value = _number(compute(node.parts[0], frame, states))
        return -value if node.kind == "negative" else value
    raise ModelError(f"{node.source!r} gives no numbers")


def _number(value):
    if isinstance(value, dict):
        raise ModelError("a spline cannot be transformed further")
    return value


#: what each transform keeps of the data of the fit
_STATES = {
    "bs": {"lower_bound", "upper_bound", "knots"},
    **dict.fromkeys(("cr", "cc", "cs"), {"lower_bound", "upper_bound", "knots", "constraints", "cyclic"}),
    **dict.fromkeys(("scale", "standardize", "center"), {"ddof", "center", "scale"}),
    "poly": {"alpha", "norms2"},
}


def check_state(node: Node, state: Any) -> None:
    """Refuse a state that the fit cannot have left: with a part missing, a transform would make it anew from new data.

    Raises
    ------
    DataError
        Another set of entries, or entries that are no finite numbers.
    """

    def numbers(value):
        if isinstance(value, dict):
            return all(isinstance(key, int) and numbers(entry) for key, entry in value.items())
        if isinstance(value, list | np.ndarray):
            return all(numbers(entry) for entry in value)
        return value is None or isinstance(value, bool) or (isinstance(value, int | float) and np.isfinite(value))

    if not isinstance(state, dict) or set(state) != _STATES[node.value] or not numbers(list(state.values())):
        raise DataError(f"what {node.source} keeps of the fit is not whole")


def _transformed(node, values, state):
    """A transform with the state of the fit, by formulaic's own function; its arguments are numbers and flags."""
    from formulaic.transforms import TRANSFORMS

    named = dict(zip(SPLINES[node.value], map(_constant, node.parts[1:]), strict=False))
    named |= {name: _constant(part) for name, part in node.options}
    if any(not 0 <= named.get(name, 0) <= _MOST_KNOTS for name in ("df", "degree")):
        raise ModelError(f"{node.source} has too many pieces")
    try:  # a copy: the function may write into it
        made = TRANSFORMS[node.value](pd.Series(values), _state=copy.deepcopy(state), **named)
    except (ValueError, TypeError, KeyError, IndexError, ZeroDivisionError) as error:
        raise DataError(f"{node.source} cannot be computed ({type(error).__name__}): do all values suit it?") from None
    made = getattr(made, "__wrapped__", made)
    if isinstance(made, dict):
        return {str(key): np.asarray(value, dtype=float) for key, value in made.items()}
    made = np.asarray(made, dtype=float)
    return made if made.ndim == 1 else {str(place + 1): made[:, place] for place in range(made.shape[1])}


def _constant(node):
    """The value of an argument that is a constant."""
    if node.kind == "text" and node.value not in _ARGUMENTS:
        raise ModelError(f"the argument {node.value!r} is not known; there are {', '.join(_ARGUMENTS)}")
    if node.kind in ("text", "word"):
        return node.value
    if node.kind == "list" and len(node.parts) <= _MOST_KNOTS:
        return [_constant(part) for part in node.parts]
    value = float(compute(node, pd.DataFrame(), {}))
    if not np.isfinite(value):
        raise ModelError(f"the argument {node.source!r} is no finite number")
    return int(value) if value == int(value) else value
