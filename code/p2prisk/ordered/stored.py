"""The design of a model as plain data, and back: which columns of new loans make which columns of the matrix.

A column of the matrix is a product of pieces. A piece is a number from an expression of the closed language of
:mod:`p2prisk.ordered.formula`, or a code looked up by level. Nothing of a model file is evaluated as Python.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.ordered.design import Design, written_factor
from p2prisk.ordered.encoding import from_plain, to_plain
from p2prisk.ordered.formula import Node, check_state, columns_of, compute, read_factor, stateful


@dataclass
class StoredColumns:
    """How the columns of the matrix are made of new data.

    Attributes
    ----------
    factors : dict
        Text of a factor -> ``{"states": [...]}`` of one of numbers, ``{"levels": [...]}`` of a categorical one.
    columns : list of list of dict
        Of each column its pieces: ``factor``, and ``part`` of a spline or ``codes``, one a level.
    """

    factors: dict
    columns: list
    nodes: dict = field(default_factory=dict)

    def __post_init__(self):
        for text in self.factors:
            node = read_factor(text)
            self.nodes[text] = node.parts[0] if node.kind == "call" and node.value == "C" else node

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Matrix of new data, shape (n, p)."""
        values = {text: self._values(text, frame) for text in self.factors}
        made = np.ones((len(frame), len(self.columns)))
        for place, pieces in enumerate(self.columns):
            for piece in pieces:
                value = values[piece["factor"]]
                if "codes" in piece:
                    value = np.asarray(piece["codes"], dtype=float)[value]
                elif "part" in piece:
                    value = value[piece["part"]]
                made[:, place] *= value
        return made

    def _values(self, text, frame):
        stored, node = self.factors[text], self.nodes[text]
        if "levels" in stored:
            labels = frame[node.value] if node.kind == "column" else pd.Series(compute(node, frame, {}))
            codes = pd.Index(stored["levels"]).get_indexer(labels.astype(object))
            if (codes < 0).any():
                raise DataError(f"{text}: row {int(np.argmin(codes))} has a level that the fit has not seen")
            return codes
        return compute(node, frame, dict(zip(stateful(node), stored["states"], strict=True)))

    def to_plain(self) -> dict:
        """Types that JSON has."""
        return {"factors": _each(self.factors), "columns": to_plain(self.columns)}


def plain_design(design: Design) -> dict:
    """A design as types that JSON has.

    Raises
    ------
    ModelError
        The formula uses what a model file cannot hold: another function than those of
        :mod:`p2prisk.ordered.formula`.
    """
    spec = design.spec
    if spec is not None and not isinstance(spec, StoredColumns):
        spec = _stored_columns(spec)
    return {
        "names": design.names,
        "terms": design.terms,
        "formula": design.formula,
        "required": design.required,
        "factor_columns": design.factor_columns,
        "levels": _each(design.levels),
        "merges": _each(design.merges),
        "stored": None if spec is None else spec.to_plain(),
    }


def _each(entries):
    """Names stay names, whatever they begin with."""
    return {str(name): to_plain(value) for name, value in entries.items()}


def restored_design(plain: dict) -> Design:
    """The design that :func:`plain_design` wrote.

    Raises
    ------
    DataError
        It is not whole, or not of the language.
    """
    names, kept = plain["names"], dict(plain)
    if len(set(names)) != len(names):
        raise DataError("two columns of the model have the same name")
    of_terms = [name for columns in plain["terms"].values() for name in columns]
    if sorted(of_terms) != sorted(names):
        raise DataError("the terms of the model and its columns are not the same")
    stored = kept.pop("stored")
    for part in ("levels", "merges"):
        kept[part] = {name: from_plain(value) for name, value in plain[part].items()}
    design = Design(**kept)
    if stored is None:
        if plain["formula"] is not None or plain["required"]:
            raise DataError("the model has a formula, but not how its columns are made")
        return design
    if len(stored["columns"]) != len(names):
        raise DataError("the model does not say of each column how it is made")
    try:
        spec = StoredColumns(
            {text: from_plain(factor) for text, factor in stored["factors"].items()}, stored["columns"]
        )
    except ModelError as error:
        raise DataError(str(error)) from None
    for text, node in spec.nodes.items():
        _check_factor(spec, text, node, set(plain["required"]))
    for pieces in spec.columns:
        for piece in pieces:
            _check_piece(spec, piece)
    design.spec = spec
    return design


def _check_factor(spec, text, node, required):
    factor = spec.factors[text]
    unknown = [name for name in columns_of(node) if name not in required]
    if unknown:
        raise DataError(f"{text} uses {unknown[0]}, which is no column of the model")
    if "levels" in factor:
        levels = factor["levels"]
        if not isinstance(levels, list) or not levels or pd.Index(levels).has_duplicates:
            raise DataError(f"the levels of {text} are not whole")
        return
    keeping, states = stateful(node), factor.get("states")
    if not isinstance(states, list) or len(states) != len(keeping) or len(set(keeping)) != len(keeping):
        raise DataError(f"what {text} keeps of the fit is not whole")
    for inner, state in zip(keeping, states, strict=True):
        check_state(inner, state)


def _check_piece(spec, piece):
    factor = spec.factors.get(piece["factor"])
    levels = None if factor is None else factor.get("levels")
    if factor is None or ("codes" in piece) != (levels is not None) or (levels and len(piece["codes"]) != len(levels)):
        raise DataError(f"a column of the model is made of {piece['factor']!r}, which the model does not tell")


def _stored_columns(spec):
    """The columns of a specification of formulaic in the closed language."""
    factors: dict[str, dict] = {}
    columns = []
    encoders = {str(factor): state for factor, (kind, state) in spec.encoder_state.items()}
    fields = {}
    for structure in spec.structure:
        if str(structure.term) == "1":
            continue
        offered: dict[str, list[dict]] = {}
        for scoped in structure.scoped_terms:
            lists = [
                _offers(
                    one.factor.factor, one.reduced, encoders, spec.transform_state, factors, fields, structure.columns
                )
                for one in scoped.factors
            ]
            for pieces in itertools.product(*lists):
                offered[":".join(name for name, _ in pieces)] = [piece for _, piece in pieces]
        for name in structure.columns:
            if str(name) not in offered:
                raise ModelError(f"the column {name} cannot be written as JSON; compute it before the fit")
            columns.append(offered[str(name)])
    return StoredColumns(factors, columns)


def _offers(factor, reduced, encoders, states, factors, fields, columns):
    """Names of the columns that a factor alone would give, each with its piece; `factors` is filled."""
    own, text = factor.expr, written_factor(factor)
    try:
        node: Node = read_factor(text)
    except ModelError as error:
        raise ModelError(f"{error}; a model file holds no other: compute that column before the fit") from None
    contrasts = encoders[own].get("contrasts")
    if contrasts is not None:
        factors.setdefault(text, {"levels": list(encoders[own]["categories"])})
        matrix = contrasts.get_coding_matrix(reduced_rank=reduced)
        form = contrasts.contrasts.get_factor_format(contrasts.levels, reduced_rank=reduced)
        return [
            (form.format(name=own, field=name), {"factor": text, "codes": [float(code) for code in codes]})
            for name, codes in zip(matrix.columns, np.asarray(matrix.T), strict=True)
        ]
    if text not in factors:
        factors[text] = {"states": [_state_of(inner, states) for inner in stateful(node)]}
    if node.kind == "call" and stateful(node)[:1] == [node]:
        found = [re.match(rf"{re.escape(text)}\[([^\]]+)\]", part) for name in columns for part in _parts(str(name))]
        parts = dict.fromkeys(match[1] for match in found if match)
        if parts:
            return [(f"{text}[{part}]", {"factor": text, "part": part}) for part in parts]
    return [(own, {"factor": text})]


def _parts(name):
    """The rests of a column's name from each factor on."""
    return [name, *(name[place + 1 :] for place, letter in enumerate(name) if letter == ":")]


def _state_of(node, states):
    """What formulaic keeps under the text of a call, in which it writes odd names of columns its own way."""
    plain = re.sub(r"`([^`]*)`", lambda match: re.sub(r"\W|^(?=\d)", "_", match[1]), node.source)
    for text in (node.source, plain):
        if text in states:
            return {key: _bare(value) for key, value in states[text].items()}
    raise ModelError(
        f"what {node.source} keeps of the fit cannot be written as JSON; compute that column before the fit"
    )


def _bare(value):
    if isinstance(value, dict):
        return {key: _bare(entry) for key, entry in value.items()}
    return value.item() if isinstance(value, np.generic) else value
