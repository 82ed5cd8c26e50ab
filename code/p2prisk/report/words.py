"""Words of a report that belong to no single part."""

from __future__ import annotations

from typing import Any

import numpy as np

from p2prisk.errors import P2PRiskError


def remedies(model: Any) -> str:
    """What was done where maximum likelihood had no finite estimate, in words; of a hazard, what it counts too."""
    if hasattr(model, "lag"):
        out = [f"{name}: {why}" for name, why in model.left_out.items() if "finite" in why or "reference level" in why]
        return " ".join(f"{note.rstrip('.')}." for note in [*model.notes, *out])
    if not model.notes:
        return "Every coefficient has a finite maximum likelihood estimate."
    return "Not everything could be estimated as it stands. " + " ".join(model.notes)


def shown(pvalue: float) -> str:
    r"""A p-value for print, on one line.

    Examples
    --------
    >>> shown(0.00001), shown(0.0312)
    ('<\xa00.001', '0.031')
    """
    return "<\xa00.001" if pvalue < 0.001 else f"{pvalue:.3f}"


def attempt(compute: Any) -> str:
    """Why something cannot be computed; empty where it can.

    Examples
    --------
    >>> from p2prisk.errors import ModelError
    >>> def no():
    ...     raise ModelError("too few loans")
    >>> attempt(no), attempt(lambda: 1)
    ('too few loans', '')
    """
    try:
        compute()
    except (P2PRiskError, np.linalg.LinAlgError) as error:
        return str(error).rstrip(".")
    return ""
