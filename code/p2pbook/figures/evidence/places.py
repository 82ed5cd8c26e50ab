"""Figures that set one data set beside another: areas and signs."""

import numpy as np

from p2pbook.figures.colours import MARKS, colours_of
from p2prisk.figures.colours import PALETTE
from p2prisk.figures.style import axes_of


def auc_comparison(table, ax=None, reference=None, xlabel="area under the ROC curve, with 95 % interval"):
    """Draw areas under the curve with their intervals, one row a model.

    Parameters
    ----------
    table : pandas.DataFrame
        ``model``, ``auc``, ``low``, ``high``.
    ax : matplotlib.axes.Axes, optional
    reference : float, optional
        A value to mark by a dashed line.
    xlabel : str

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 0.34 * len(table) + 1.0)
    y = np.arange(len(table))[::-1]
    known = MARKS["model of Prosper"] | MARKS["model in hindsight"]
    for place, row in zip(y, table.itertuples(), strict=True):
        name, marker = known.get(row.model, ("blue", "o"))
        colour = PALETTE[name]
        ax.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2)
        ax.plot(row.auc, place, marker, color=colour, markersize=6)
        ax.annotate(
            f"{row.auc:.3f}", (row.auc, place), xytext=(0, 6), textcoords="offset points", ha="center", color=colour
        )
    if reference is not None:
        ax.axvline(reference, color=PALETTE["grey"], linestyle="--", linewidth=1)
    ax.set_yticks(y, table["model"])
    ax.set_ylim(-0.6, len(table) - 0.3)
    ax.set_xlabel(xlabel)
    return ax


def agreement(table, ax=None):
    """Draw the direction of each variable in each source: worse, better, none, mixed, not in the fit or study.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a variable (index), one column a source, entries ``worse``, ``better``, ``none``, ``mixed`` or
        blank.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 0.26 * len(table) + 1.4)
    colours = colours_of("sign")
    signs = {"worse": "+", "better": "−", "none": "0", "mixed": "±"}
    y = np.arange(len(table))[::-1]
    for j, source in enumerate(table.columns):
        for place, entry in zip(y, table[source], strict=True):
            if entry in colours:
                ax.scatter(j, place, s=170, color=colours[entry], edgecolor="white", linewidth=0.8)
                ax.text(j, place, signs[entry], ha="center", va="center", color="white", fontweight="bold")
    ax.set_yticks(y, table.index)
    ax.set_xticks(range(table.shape[1]), table.columns)
    ax.xaxis.tick_top()
    ax.set_xlim(-0.6, table.shape[1] - 0.4)
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.set_xlabel(
        "+ riskier     − safer     0 no clear effect     ± studies disagree     blank: not in this fit or study"
    )
    ax.xaxis.set_label_position("bottom")
    return ax
