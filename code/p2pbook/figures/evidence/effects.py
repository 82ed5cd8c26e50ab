"""Figures of effects: odds ratios, shares of classes, curves and incidence."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from p2pbook.figures import ACROSS, WIDE
from p2pbook.figures.colours import BLOCK_COLOURS, mark_of
from p2prisk.figures.colours import PALETTE, ink_on, ordered_colours
from p2prisk.figures.forest import forest_plot
from p2prisk.figures.style import axes_of, percents


def odds_ratio_forest(table, ax=None, xlabel="odds ratio of a worse outcome (log scale)", values=False):
    """Draw odds ratios with their intervals, one row a coefficient, coloured by block.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``block``, ``odds_ratio``, ``low``, ``high``; drawn from top to bottom.
    ax : matplotlib.axes.Axes, optional
    xlabel : str
    values : bool
        Print each ratio at the right end of its row.

    Returns
    -------
    matplotlib.axes.Axes
    """
    return forest_plot(table, BLOCK_COLOURS, xlabel, ax, values)


#: how the sets of loans, or the two questions, of one row are told apart
_SETS = ((PALETTE["black"], "o"), (PALETTE["green"], "D"), (PALETTE["orange"], "s"))


def several_a_row(table, ax=None, xlabel="", at=0.0, log=False):
    """Draw several estimates with their intervals in each row, one marker a set.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label`` (the row), ``set``, ``value``, ``low``, ``high``; rows and sets in their order of appearance.
    ax : matplotlib.axes.Axes, optional
    xlabel : str
    at : float
        Where the line of no effect stands.
    log : bool
        Logarithmic axis, for odds ratios.

    Returns
    -------
    matplotlib.axes.Axes
    """
    labels, sets = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["set"]))
    ax = axes_of(ax, 7.0, 0.105 * (len(sets) + 0.6) * len(labels) + 1.1)
    row = {label: len(labels) - 1 - i for i, label in enumerate(labels)}
    gap = 0.62 / len(sets)
    for k, (name, (colour, marker)) in enumerate(zip(sets, _SETS, strict=False)):
        part = table[table["set"] == name]
        y = part["label"].map(row) + gap * ((len(sets) - 1) / 2 - k)
        ax.errorbar(
            part["value"],
            y,
            xerr=[part["value"] - part["low"], part["high"] - part["value"]],
            fmt=marker,
            color=colour,
            markersize=4,
            elinewidth=1.4,
            label=name,
        )
    ax.axvline(at, color=PALETTE["grey"], linewidth=1)
    if log:
        ax.set_xscale("log")
        low, high = table["low"].min(), table["high"].max()
        ticks = [tick for tick in (0.2, 0.33, 0.5, 0.7, 1, 1.4, 2, 3, 5) if 0.95 * low <= tick <= 1.05 * high]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
    ax.set_yticks(range(len(labels)), labels[::-1])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.set_xlabel(xlabel)
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=len(sets), handletextpad=0.3)
    return ax


def incidence(table, axes=None):
    """Draw the share of loans that has ended by each age, one panel a cause, one line a term, with 95 % intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        ``cause``, ``term``, ``age``, ``share``, ``low``, ``high``.
    axes : array of matplotlib.axes.Axes, optional

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    causes = list(dict.fromkeys(table["cause"]))
    if axes is None:
        axes = plt.subplots(1, len(causes), figsize=(WIDE + 1.4, 3.2), squeeze=False)[1]
    flat = np.ravel(axes)
    for ax, cause in zip(flat, causes, strict=False):
        part = table[table["cause"] == cause]
        for term in sorted(part["term"].unique()):
            colour, _ = mark_of("term", term)
            own = part[part["term"] == term]
            ax.fill_between(own["age"], own["low"], own["high"], color=colour, alpha=0.2, linewidth=0)
            ax.plot(own["age"], own["share"], color=colour, label=f"{term} months")
        ax.set_title(cause, fontweight="normal")
        ax.set_ylim(bottom=0)
        ax.set_xticks(range(0, int(table["age"].max()) + 1, 12))
        percents(ax.yaxis)
        ax.set_xlabel("months since issue")
    flat[0].set_ylabel("share of the loans issued")
    flat[0].legend(loc="upper left")
    return flat[: len(causes)]


def class_probabilities(table, ax=None, xlabel="probability"):
    """Draw the probabilities of the ordered classes as stacked bars, one bar a row.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a borrower (the index is its name), one column a class in order, rows adding up to one.
    ax : matplotlib.axes.Axes, optional
    xlabel : str

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 0.46 * len(table) + 1.1)
    grades = all(len(str(name)) == 1 for name in table.columns)
    colours = ordered_colours(table.shape[1], "grade" if grades else "severity")
    y = np.arange(len(table))[::-1]
    left = np.zeros(len(table))
    for (name, values), colour in zip(table.items(), colours, strict=True):
        ax.barh(y, values, left=left, color=colour, edgecolor="white", linewidth=0.6, height=0.72)
        for place, value, start in zip(y, values, left, strict=True):
            if value >= 0.1:
                ax.text(
                    start + value / 2,
                    place,
                    f"{name}\n{100 * value:.0f} %",
                    ha="center",
                    va="center",
                    color=ink_on(colour),
                )
        left = left + values.to_numpy()
    ax.set_yticks(y, table.index)
    ax.set_xlim(0, 1)
    percents(ax.xaxis)
    ax.set_xlabel(xlabel)
    ax.grid(visible=False)
    return ax


def effect_curves(table, axes=None):
    """Draw the odds of a worse outcome along bent lines, one panel a trait, relative to a marked value.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``value``, ``odds_ratio``, ``low``, ``high``.
    axes : array of matplotlib.axes.Axes, optional

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    labels = list(dict.fromkeys(table["label"]))
    if axes is None:
        rows = -(-len(labels) // ACROSS)
        axes = plt.subplots(rows, ACROSS, figsize=(WIDE, 1.7 * rows), sharey=True)[1]
    flat = np.ravel(axes)
    for ax, label in zip(flat, labels, strict=False):
        part = table[table["label"] == label]
        ax.fill_between(part["value"], part["low"], part["high"], color=PALETTE["blue"], alpha=0.18, linewidth=0)
        ax.plot(part["value"], part["odds_ratio"], color=PALETTE["blue"])
        ax.axhline(1, color=PALETTE["grey"], linewidth=0.8)
        if part["value"].min() > 0 and part["value"].max() / part["value"].min() > 10:
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / 1000:g}k" if v >= 1000 else f"{v:g}"))
            narrow = part["value"].max() / part["value"].min() < 30
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
            ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(label, fontweight="normal")
    for ax in flat[len(labels) :]:
        ax.set_visible(False)
    for ax in flat[: len(labels) : ACROSS]:
        ax.set_ylabel("odds ratio")
    return flat[: len(labels)]
