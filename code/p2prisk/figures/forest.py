"""A forest of odds ratios, of the book and of the study of a tape."""

import numpy as np

from p2prisk.figures.colours import PALETTE
from p2prisk.figures.style import axes_of


def forest_plot(table, colours=None, xlabel="odds ratio (log scale)", ax=None, values=False):
    """Odds ratios with their intervals on a logarithmic axis, one row a coefficient.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``odds_ratio``, ``low``, ``high``, drawn from top to bottom; ``block`` where there are colours.
    colours : dict of str to str, optional
        Block -> colour, in the order of the legend; by default one colour and no legend.
    xlabel : str
    ax : matplotlib.axes.Axes, optional
    values : bool
        Print each ratio at the right end of its row.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 0.21 * len(table) + 0.9)
    place = np.arange(len(table))[::-1]
    blocks = table["block"] if colours else np.full(len(table), "all")
    for block, colour in (colours or {"all": PALETTE["blue"]}).items():
        rows = np.asarray(blocks == block)
        if rows.any():
            ratio = table["odds_ratio"][rows]
            ax.errorbar(
                ratio,
                place[rows],
                xerr=[ratio - table["low"][rows], table["high"][rows] - ratio],
                fmt="o",
                color=colour,
                markersize=4,
                elinewidth=1.6,
                label=block,
            )
    ax.axvline(1, color=PALETTE["grey"], linewidth=1)
    ax.set_xscale("log")
    low, high = 0.9 * table["low"].min(), 1.1 * table["high"].max()
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.33, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20) if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_yticks(place, table["label"])
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.set_xlabel(xlabel)
    if values:
        for y, ratio in zip(place, table["odds_ratio"], strict=True):
            ax.text(1.01, y, f"{ratio:.2f}", transform=ax.get_yaxis_transform(), va="center")
    if colours:
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=4, handletextpad=0.3)
    return ax
