"""How a result is drawn. Nothing here computes a result: a figure takes what a study module returns.

Every drawing function accepts ``ax=`` and returns the :class:`matplotlib.axes.Axes` it drew on.
"""

from p2prisk.figures.style import PALETTE, axes_of, label_line_ends, ordered_colours, use_house_style

__all__ = ["PALETTE", "axes_of", "label_line_ends", "ordered_colours", "use_house_style"]
