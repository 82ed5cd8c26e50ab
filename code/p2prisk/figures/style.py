"""House style of the figures: sizes, faces, fingerprints; colours are those of :mod:`p2prisk.figures.colours`.

Sizes are set here and not in chapter options, so that every renderer draws the same figure.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib import font_manager
from matplotlib.ticker import AutoLocator, FuncFormatter, MaxNLocator

from p2prisk.figures.colours import PALETTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Size in points of every word of a picture. Nothing shows a picture at less than nine tenths, and so none at under 9.
LETTERS, SHOWN = 10, 0.9

_STYLE: Any = {
    "figure.figsize": (7.0, 4.0),
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
    # the book's own faces; DejaVu has the signs that they lack
    "font.family": ["Book Sans", "Book Hans", "DejaVu Sans"],
    "mathtext.fontset": "stixsans",
    "font.size": LETTERS,
    "axes.titlesize": LETTERS,
    "figure.titlesize": LETTERS,
    "figure.labelsize": LETTERS,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALETTE["grey"],
    "axes.labelcolor": PALETTE["black"],
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    # pictures lie on the page, whatever its colour
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    # outlines, so that a picture needs no face of the reader's; the same names in every run
    "svg.fonttype": "path",
    "svg.hashsalt": "p2prisk",
}


def use_house_style() -> None:
    """Set the house style and make figures assertable; call once, in the first cell of a chapter.

    In IPython every figure then also emits its fingerprint (see :mod:`p2prisk.figures.fingerprint`), which
    nbval compares where it would ignore the picture itself.
    """
    import logging

    # A machine without the CJK font falls back to the next family; one line of warning a glyph helps nobody.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    for face in resources.files("p2prisk").joinpath("assets", "fonts").iterdir():
        if face.name.endswith((".ttf", ".otf")) and "Math" not in face.name:
            font_manager.fontManager.addfont(str(face))
    mpl.rcParams.update(_STYLE)
    mpl.rcParams["axes.prop_cycle"] = cycler(
        color=[PALETTE[name] for name in ("blue", "orange", "green", "purple", "amber", "black")]
    )
    from p2prisk.figures.fingerprint import register

    register()


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes that a drawing function was given, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
    width, height : float
        Size of the new figure in inches.

    Returns
    -------
    matplotlib.axes.Axes
    """
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height))[1] if ax is None else ax


def per_cent(share: float, digits: int | None = 0) -> str:
    """A share as a picture writes it; without `digits`, as many as it needs.

    Parameters
    ----------
    share : float
    digits : int or None

    Returns
    -------
    str

    Examples
    --------
    >>> [per_cent(-0.007, 1), per_cent(0.025, None)] == ["\u22120.7\u00a0%", "2.5\u00a0%"]
    True
    """
    words = f"{100 * share:.6g}" if digits is None else f"{100 * share:.{digits}f}"
    return words.replace("-", "\u2212") + "\u00a0%"


def percents(axis: Axis) -> None:
    """Name the ticks of shares on an axis in per cent, and each as it is: a tick at 2.5 % is not called 2 %.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        Places that the figure chose stay.
    """
    if isinstance(axis.get_major_locator(), AutoLocator):
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, place: per_cent(share, None)))


def label_line_ends(ax: Axes, labels: Sequence[str], *, x_pad: float = 0.01, min_gap: float = 0.06) -> Axes:
    """Write each line's name at its right end instead of a legend; names that would overlap are moved apart.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes whose lines, in drawing order, belong to `labels`.
    labels : sequence of str
        One name a line.
    x_pad : float
        Gap between the end of the axis and the name, as a share of the axis width.
    min_gap : float
        Least distance between two names, as a share of the axis height.

    Returns
    -------
    matplotlib.axes.Axes
    """
    lines = ax.get_lines()[: len(labels)]
    ax.figure.canvas.draw()  # limits are final only after drawing
    to_axes = ax.transData + ax.transAxes.inverted()
    ends = [
        to_axes.transform(np.array([np.asarray(line.get_xdata())[-1], np.asarray(line.get_ydata())[-1]]))[1]
        for line in lines
    ]
    order = np.argsort(ends)
    placed = {}
    last = -np.inf
    for index in order:
        last = max(ends[index], last + min_gap)
        placed[index] = last
    ends = []
    for index, (line, label) in enumerate(zip(lines, labels, strict=True)):
        text = ax.text(
            1 + x_pad, placed[index], label, transform=ax.transAxes, color=line.get_color(), va="center", ha="left"
        )
        ends.append((line, text))
    ax.line_ends = ends  # type: ignore[attr-defined]  # a narrow drawing may need their room
    return ax
