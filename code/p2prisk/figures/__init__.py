"""How a result is drawn. Nothing here computes a result: a figure takes what a study module returns.

Every drawing function accepts ``ax=`` and returns the :class:`matplotlib.axes.Axes` it drew on.
"""

from p2prisk.figures.colours import PALETTE, TINTS, ink_on, mark_of, ordered_colours
from p2prisk.figures.style import axes_of, label_line_ends, use_house_style

__all__ = ["PALETTE", "TINTS", "axes_of", "ink_on", "label_line_ends", "mark_of", "ordered_colours", "use_house_style"]
