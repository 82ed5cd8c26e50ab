"""Pictures of the tape edition: the same drawings whatever the tape."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from p2prisk.figures.style import PALETTE


def _axes(ax, height, width=7.0):
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height))[1] if ax is None else ax


def bad_shares(table, name, ax=None):
    """Share of bad loans by level, one row a level.

    Parameters
    ----------
    table : pandas.DataFrame
        ``level``, ``loans``, ``share``, ``low``, ``high``, from top to bottom.
    name : str
        What the levels are.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 0.36 * len(table) + 1.1)
    place = np.arange(len(table))[::-1]
    ax.errorbar(
        table["share"],
        place,
        xerr=[table["share"] - table["low"], table["high"] - table["share"]],
        fmt="o",
        color=PALETTE["blue"],
        capsize=2,
    )
    ax.set_yticks(place, [f"{row.level}  ({row.loans:,d})" for row in table.itertuples()])
    ax.set(ylabel=f"{name} (loans)", xlabel="share of bad loans")
    ax.set_xlim(left=0)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    return ax


def bad_by_period(table, ax=None):
    """Share of bad loans over the periods of issue.

    Parameters
    ----------
    table : pandas.DataFrame
        ``level`` (the period), ``share``, ``low``, ``high``, in order of time.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 3.6)
    place = np.arange(len(table))
    ax.errorbar(
        place,
        table["share"],
        yerr=[table["share"] - table["low"], table["high"] - table["share"]],
        fmt="o-",
        color=PALETTE["blue"],
        capsize=2,
        markersize=4,
        linewidth=1,
    )
    step = max(1, -(-len(table) // 12))
    ax.set_xticks(place[::step], table["level"][::step])
    ax.set(xlabel="period of issue", ylabel="share of bad loans")
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    return ax


def information(table, most=25, ax=None):
    """Information values as bars, each with the value that noise alone would give.

    Parameters
    ----------
    table : pandas.DataFrame
        ``predictor``, ``information value``, ``noise``, the largest first.
    most : int
        Rows drawn.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    table = table.head(most)
    ax = _axes(ax, 0.27 * len(table) + 1.0)
    place = np.arange(len(table))[::-1]
    ax.barh(place, table["information value"], color=PALETTE["blue"])
    ax.plot(table["noise"], place, "|", color=PALETTE["grey"], markersize=11, markeredgewidth=2)
    ax.set_yticks(place, table["predictor"])
    ax.set_xlabel("information value (grey: expected from noise alone)")
    ax.grid(axis="y", visible=False)
    return ax


def odds(table, ax=None):
    """Odds ratios with intervals on a logarithmic axis, one row a predictor.

    Parameters
    ----------
    table : pandas.DataFrame
        ``predictor``, ``odds_ratio``, ``ci_low``, ``ci_high``, from top to bottom.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 0.27 * len(table) + 1.0)
    place = np.arange(len(table))[::-1]
    ratio = table["odds_ratio"]
    ax.errorbar(
        ratio,
        place,
        xerr=[ratio - table["ci_low"], table["ci_high"] - ratio],
        fmt="o",
        markersize=4,
        color=PALETTE["blue"],
    )
    ax.axvline(1, color=PALETTE["grey"], linewidth=1)
    ax.set_xscale("log")
    ticks = [
        tick
        for tick in (0.05, 0.1, 0.2, 0.33, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20)
        if table["ci_low"].min() * 0.95 <= tick <= table["ci_high"].max() * 1.05
    ]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_yticks(place, table["predictor"], fontsize=8.5)
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.set_xlabel("odds ratio of a worse class (log scale)")
    return ax
