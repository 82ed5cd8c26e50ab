"""The baseline by age, and the functions of age by which effects may vary."""

import numpy as np
import pandas as pd

from p2prisk.errors import ModelError
from p2prisk.ordered.design import design_from_formula


def step_groups(ends, n_ages):
    """Group number of each age 1 .. n_ages: ``ends`` are the last ages of all groups but the last.

    >>> step_groups([2, 4], 6).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    ends = [int(end) for end in ends]
    if ends != sorted(set(ends)) or (ends and ends[0] < 1):
        raise ModelError(f"steps {ends} must be last ages in ascending order, from 1 on")
    ends = [end for end in ends if end < n_ages]
    return np.searchsorted(ends, np.arange(1, n_ages + 1), side="left")


def merge_groups(groups, events, survivors):
    """Merge groups of ages until each holds an event and a survivor of the cause.

    A group without an event would have a baseline of minus infinity, one without a survivor of plus infinity. It joins
    the group before it, the first ones the group after.

    Parameters
    ----------
    groups : ndarray of int, shape (n_ages,)
    events, survivors : ndarray, shape (n_ages,)
        Events of the cause, and rows at risk that had no event, by age.

    Returns
    -------
    ndarray of int, shape (n_ages,)
    """
    groups = groups.copy()
    while True:
        _, groups = np.unique(groups, return_inverse=True)
        hit = np.bincount(groups, events)
        left = np.bincount(groups, survivors)
        poor = np.flatnonzero((hit <= 0) | (left <= 0))
        if not len(poor) or len(hit) == 1:
            return groups
        worst = poor[-1]
        groups[groups == worst] = worst - 1 if worst else worst + 1


def age_formula(formula, n_ages):
    """Columns of a formula in ``age``, shape (n_ages, c), and their names; without the intercept."""
    ages = pd.DataFrame({"age": np.arange(1.0, n_ages + 1)})
    design, values = design_from_formula(formula, ages)
    return values, design.names


def build_baseline(spec, events, at_risk, n_ages, strata, causes):
    """Baseline matrices of all causes.

    Parameters
    ----------
    spec : "dummies", sequence of int, or str
        One parameter an age; steps, given by their last ages; or a formula in ``age``.
    events : ndarray, shape (n_causes, n_cells)
    at_risk : ndarray, shape (n_cells,)
    n_ages : int
    strata : list
        Labels; one stratum has the label None.
    causes : list of str

    Returns
    -------
    bases : tuple of ndarray, shape (n_cells, b_k)
    names : list of list of str
    notes : list of str
        Which ages were merged, and why.
    """
    bases, names, notes = [], [], []
    survivors = at_risk - events.sum(axis=0)
    if isinstance(spec, str) and spec != "dummies":
        values, columns = age_formula(spec, n_ages)
        values, columns = np.column_stack([np.ones(n_ages), values]), ["baseline", *columns]
        if np.linalg.matrix_rank(values / np.maximum(np.abs(values).max(axis=0), 1e-300)) < len(columns):
            raise ModelError(
                f"the columns of the baseline {spec!r} are collinear over the ages 1 to {n_ages}: "
                f"{', '.join(columns)}; leave one out, or ask for fewer degrees of freedom"
            )
    else:
        values = None
        groups = np.arange(n_ages) if isinstance(spec, str) else step_groups(spec, n_ages)
    for cause, hits in zip(causes, events, strict=True):
        blocks, own_names = [], []
        for number, stratum in enumerate(strata):
            own = slice(number * n_ages, (number + 1) * n_ages)
            tail = "" if stratum is None else f" [{stratum}]"
            seen = at_risk[own] > 0
            if not hits[own].sum():
                where = "" if stratum is None else f" in stratum {stratum!r}"
                raise ModelError(
                    f"no row ends by {cause!r}{where}: its hazard cannot be estimated. "
                    + ("Drop the cause" if stratum is None else "Drop strata=, or use the column as a trait")
                )
            if values is not None:
                blocks.append(values)
                own_names += [name + tail for name in columns]
                continue
            merged = merge_groups(groups[seen], hits[own][seen], survivors[own][seen])
            block = np.zeros((n_ages, merged.max() + 1))
            block[np.flatnonzero(seen), merged] = 1.0
            blocks.append(block)
            ages = np.flatnonzero(seen) + 1
            for group in range(block.shape[1]):
                members = ages[merged == group]
                label = f"age {members[0]}" if len(members) == 1 else f"ages {members[0]}-{members[-1]}"
                own_names.append(label + tail)
                if len(np.unique(groups[members - 1])) > 1:
                    notes.append(
                        f"{cause}{tail}: {label} share one baseline parameter (an age had no event or no survivor)"
                    )
        basis = np.zeros((n_ages * len(strata), sum(block.shape[1] for block in blocks)))
        column = 0
        for number, block in enumerate(blocks):
            basis[number * n_ages : (number + 1) * n_ages, column : column + block.shape[1]] = block
            column += block.shape[1]
        bases.append(basis)
        names.append(own_names)
    return tuple(bases), names, notes


def build_shapes(varying, terms, exog_names, n_ages, n_strata):
    """Functions of age of the effects that vary.

    Parameters
    ----------
    varying : dict of str to (str or sequence of int), or None
        Term (or column) to a formula in ``age``, or to the ages after which its effect steps.
    terms : dict of str to list of str
    exog_names : list of str

    Returns
    -------
    columns : ndarray of int, shape (q,)
    shape : ndarray, shape (n_cells, C)
    pairs : tuple of (int, int)
    names : list of str
        Of the pairs.
    """
    columns, functions, pairs, names, labels = [], [], [], [], []
    squeezed = {term.replace(" ", ""): cs for term, cs in terms.items()}
    for term, spec in (varying or {}).items():
        own = squeezed.get(str(term).replace(" ", "")) or ([term] if term in exog_names else None)
        if own is None:
            raise ModelError(f"varying names {term!r}, which is no term of the model; terms are {', '.join(terms)}")
        if isinstance(spec, str):
            values, titles = age_formula(spec, n_ages)
        else:
            groups = step_groups(spec, n_ages)
            values = np.column_stack([groups > step for step in range(groups.max())]).astype(float)
            titles = [f"age>{int(np.flatnonzero(column)[0])}" for column in values.T]
        for value, title in zip(values.T, titles, strict=True):
            if title not in labels:
                labels.append(title)
                functions.append(value)
            for name in own:
                column = exog_names.index(name)
                if column not in columns:
                    columns.append(column)
                pairs.append((columns.index(column), labels.index(title)))
                names.append(f"{name} x {title}")
    if len(set(names)) != len(names):
        raise ModelError(f"varying gives {sorted({n for n in names if names.count(n) > 1})} twice")
    shape = np.column_stack(functions) if functions else np.zeros((n_ages, 0))
    return np.array(columns, dtype=np.int64), np.tile(shape, (n_strata, 1)), tuple(pairs), names
