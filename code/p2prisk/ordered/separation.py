"""Does a finite maximum exist? Recession directions of the likelihood.

The likelihood of a cumulative link model keeps rising along a direction (d_beta, d_theta) exactly when,
for every row, the bounds of its own class move outwards or stay: x'd_beta <= d_theta_k at the upper and
x'd_beta >= d_theta_{k-1} at the lower threshold (Albert and Anderson 1984, Biometrika 71, for the logit;
Haberman 1980 for cumulative links). If some row's bound moves strictly, no finite estimate exists:
complete separation when it moves for all rows, quasi-separation otherwise.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from p2prisk.errors import SeparationError
from p2prisk.ordered.likelihood import Layout, bounds

# rows beyond this are screened by the direction of the diverging iteration instead of by linear programming
PROGRAM_ROWS = 8_000


def recession_program(layout, exog, codes):
    """Direction along which the likelihood rises without end, by linear programming.

    Parameters
    ----------
    layout : Layout
    exog : ndarray, shape (n, p)
        Centred and scaled columns.
    codes : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of shape (n_params,) or None
        A direction that moves every row outwards if there is one, else the one with the largest total movement
        inside the unit box; ``None`` if there is neither.
    """
    rows = movement_rows(layout, exog, codes)
    result = optimize.linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs")
    if result.status != 0 or -result.fun < 1e-6:
        return None
    # the largest total can leave a row unmoved although another direction moves them all: seek the widest margin
    widest = optimize.linprog(
        np.append(np.zeros(rows.shape[1]), -1.0),
        A_ub=np.column_stack([-rows, np.ones(len(rows))]),
        b_ub=np.zeros(len(rows)),
        bounds=(-1, 1),
        method="highs",
    )
    if widest.status == 0 and widest.x[-1] > 1e-6:
        return widest.x[:-1]
    return result.x


def movement_rows(layout, exog, codes):
    """Matrix whose product with a direction is the outward movement of each finite bound; duplicates
    removed.
    """
    m = layout.n_thresholds
    shared, freed = exog[:, layout.parallel], exog[:, layout.free]

    def at(threshold, rows):
        own = np.zeros((len(rows), layout.n_params))
        own[:, : len(layout.parallel)] = -shared[rows]
        for k in range(len(layout.free)):
            own[np.arange(len(rows)), len(layout.parallel) + k * m + threshold] = -freed[rows, k]
        own[np.arange(len(rows)), layout.n_slopes + threshold] = 1.0
        return own

    upper, lower = np.flatnonzero(codes < m), np.flatnonzero(codes > 0)
    moves = np.vstack([at(codes[upper].astype(int), upper), -at(codes[lower].astype(int) - 1, lower)])
    return np.unique(np.round(moves, 12), axis=0)


@dataclass(frozen=True)
class Movement:
    """Smallest and largest outward movement of the bounds of a block's rows along a direction."""

    layout: Layout
    direction: np.ndarray
    centre: np.ndarray

    def __call__(self, block):
        block = block.counted
        a, b = bounds(self.layout, self.direction, block.exog - self.centre, block.codes)
        moves = np.concatenate([a[np.isfinite(a)], -b[np.isfinite(b)]])
        return (float(moves.min()), float(moves.max())) if len(moves) else (np.inf, -np.inf)


def recession(source, direction, centre, tolerance=1e-7):
    """``"complete"`` if the likelihood of every row rises along ``direction``, ``"quasi"`` if that of none
    falls and that of some rises, ``None`` otherwise.
    """
    parts = source.each(Movement(source.layout, direction, centre))
    least, outward = min(part[0] for part in parts), max(part[1] for part in parts)
    if not outward > 0 or least < -tolerance * outward:
        return None
    return "complete" if least > tolerance * outward else "quasi"


def describe(direction, layout, names):
    """Text that names the separating columns and levels, strongest first."""
    size = np.abs(direction[: layout.n_slopes])
    if not len(size) or size.max() == 0:
        return ""
    worst = [int(i) for i in np.argsort(-size) if size[i] > 1e-6 * size.max()][:5]
    return ", ".join(f"{names[i]} (estimate runs to {'+' if direction[i] > 0 else '-'}infinity)" for i in worst)


def raise_separation(direction, kind, layout, names, crosstab):
    """Raise :class:`SeparationError` naming what separates."""
    listed = describe(direction, layout, names)
    size = np.abs(direction[: layout.n_slopes])
    detail = ""
    if len(size) and size.max() > 0:
        detail = crosstab(int(np.argmax(size)))
    raise SeparationError(
        f"no finite estimate exists: the categories are {'completely' if kind == 'complete' else 'quasi-completely'} "
        f"separated by {listed}. {detail}"
        "Merge the level with a neighbour, drop the column, or ask for a penalised fit: fit(penalty=1.0)"
    )
