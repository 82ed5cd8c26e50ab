"""The system on one page."""

import textwrap

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from p2prisk.figures.colours import PALETTE
from p2prisk.figures.style import axes_of


def system_page(parts, ax=None):
    """The system on one page: a cycle of stations, each with what it answers, what it hands on, and its owner.

    Parameters
    ----------
    parts : pandas.DataFrame
        ``station, question, output, owner``, in order of the cycle.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    count = len(parts)
    ax = axes_of(ax, 4.4, 1.3 * count + 0.3)
    ax.set_xlim(-0.6, 10)
    ax.set_ylim(-0.2, count)
    ax.axis("off")
    for index, part in enumerate(parts.itertuples(index=False)):
        y = count - 1 - index
        ax.add_patch(
            FancyBboxPatch((0.2, y + 0.12), 2.5, 0.66, boxstyle="round,pad=0.04", fc=PALETTE["blue"], ec="none")
        )
        ax.text(1.45, y + 0.45, part.station, ha="center", va="center", weight="bold", color="white")
        ax.text(3.1, y + 0.84, textwrap.fill(part.question, 40), va="top", style="italic")
        ax.text(3.1, y + 0.66, textwrap.fill(part.output, 40), va="top", linespacing=1.05)
        ax.text(3.1, y - 0.02, part.owner, va="bottom", color=PALETTE["grey"])
        if index < count - 1:
            ax.add_patch(
                FancyArrowPatch(
                    (1.45, y + 0.07),
                    (1.45, y - 0.18),
                    arrowstyle="-|>",
                    mutation_scale=11,
                    color=PALETTE["grey"],
                    lw=1.2,
                )
            )
    ax.plot([0.12, -0.15, -0.15], [0.45, 0.45, count - 0.55], color=PALETTE["orange"], lw=1.2)
    ax.add_patch(
        FancyArrowPatch(
            (-0.2, count - 0.55),
            (0.2, count - 0.55),
            arrowstyle="-|>",
            mutation_scale=11,
            color=PALETTE["orange"],
            lw=1.2,
        )
    )
    ax.text(
        -0.38, count / 2, "what was learned goes back", rotation=90, ha="center", va="center", color=PALETTE["orange"]
    )
    return ax
