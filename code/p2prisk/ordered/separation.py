"""Does a finite maximum exist? Recession directions of the likelihood.

The likelihood keeps rising along a direction (d_beta, d_theta) exactly when, for every row, the latent bounds
z_j = theta_j - x'beta that it touches move outwards or stay. Outwards is up at the upper and down at the lower
threshold of its class in a cumulative model, up at the stage where it stops and down at those it passed in a
sequential one (Albert and Anderson 1984, Biometrika 71, for the logit; Haberman 1980 for cumulative links). If
some row's bound moves strictly, no finite estimate exists: complete separation when it moves for all rows,
quasi-separation otherwise.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from p2prisk.errors import SeparationError
from p2prisk.ordered.likelihood import Layout

# rows beyond this are screened by the direction of the diverging iteration instead of by linear programming
PROGRAM_ROWS = 8_000


def recession_program(layout, family, exog, codes):
    """Direction along which the likelihood rises without end, by linear programming.

    Parameters
    ----------
    layout : Layout
    family : Family
    exog : ndarray, shape (n, p)
        Centred and scaled columns.
    codes : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of shape (n_params,) or None
        A direction that moves every row outwards if there is one, else the one with the largest total movement
        inside the unit box; ``None`` if there is neither.
    """
    rows = movement_rows(layout, family, exog, codes)
    result = scipy.optimize.linprog(
        -rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs"
    )
    if result.status != 0 or -result.fun < 1e-6:
        return None
    # the largest total can leave a row unmoved although another direction moves them all: seek the widest margin
    widest = scipy.optimize.linprog(
        np.append(np.zeros(rows.shape[1]), -1.0),
        A_ub=np.column_stack([-rows, np.ones(len(rows))]),
        b_ub=np.zeros(len(rows)),
        bounds=(-1, 1),
        method="highs",
    )
    if widest.status == 0 and widest.x[-1] > 1e-6:
        return widest.x[:-1]
    return result.x


def movement_rows(layout, family, exog, codes):
    """Matrix whose product with a direction is the outward movement of each bound touched; duplicates removed."""
    m = layout.n_thresholds
    shared, freed = exog[:, layout.parallel], exog[:, layout.free]
    sign = family.outward(codes, m)

    def at(threshold, rows):
        own = np.zeros((len(rows), layout.n_params))
        own[:, : len(layout.parallel)] = -shared[rows]
        for k in range(len(layout.free)):
            own[:, len(layout.parallel) + k * m + threshold] = -freed[rows, k]
        own[:, layout.n_slopes + threshold] = 1.0
        return own * sign[rows, threshold, None]

    moves = np.vstack([at(threshold, np.flatnonzero(sign[:, threshold])) for threshold in range(m)])
    return np.unique(np.round(moves, 12), axis=0)


@dataclass(frozen=True)
class Movement:
    """Smallest and largest outward movement of the bounds of a block's rows along a direction."""

    layout: Layout
    family: object
    direction: np.ndarray
    centre: np.ndarray

    def __call__(self, block):
        block = block.counted
        sign = self.family.outward(block.codes, self.layout.n_thresholds)
        moves = (self.layout.latent(self.direction, block.exog - self.centre) * sign)[sign != 0]
        return (float(moves.min()), float(moves.max())) if len(moves) else (np.inf, -np.inf)


def recession(source, direction, centre, tolerance=1e-7):
    """``"complete"`` if the likelihood of every row rises along ``direction``, ``"quasi"`` if that of none
    falls and that of some rises, ``None`` otherwise.
    """
    parts = source.each(Movement(source.layout, source.family, direction, centre))
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


def raise_separation(direction, kind, layout, names, crosstab, scale):
    """Raise :class:`SeparationError` naming what separates; its ``direction`` holds the slopes in the user's units."""
    listed = describe(direction, layout, names)
    size = np.abs(direction[: layout.n_slopes])
    detail = ""
    if len(size) and size.max() > 0:
        detail = crosstab(int(np.argmax(size)))
    kind = "completely" if kind == "complete" else "quasi-completely"
    error = SeparationError(
        f"no finite estimate exists: the categories are {kind} separated by {listed}. {detail}"
        "Merge the level with a neighbour, drop the column, or ask for finite estimates: "
        "fit(on_separation='merge') or fit(method='bias_reduced')"
    )
    error.what = f"the categories are {kind} separated by {listed}"
    error.direction = direction[: layout.n_slopes] / scale[layout.slope_columns]
    raise error
