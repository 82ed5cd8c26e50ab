"""Figures of stress: scenarios, breaking points, paths of funding."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from p2pbook.figures import NARROW
from p2pbook.figures.colours import mark_of
from p2prisk.figures.colours import PALETTE
from p2prisk.figures.style import axes_of, label_line_ends, percents


def scenarios(table, axes=None):
    """Expected loss, lenders' return and provision by scenario.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`p2prisk.stress.stress_table`.
    axes : sequence of three matplotlib.axes.Axes, optional

    Returns
    -------
    sequence of matplotlib.axes.Axes
    """
    measures = [("expected_loss", "Expected loss"), ("annual_return", "Return a year"), ("provision", "Provision")]
    if axes is None:
        axes = plt.subplots(1, 3, figsize=(6.2, 0.42 * len(table) + 1.0), sharey=True)[1]
    y = np.arange(len(table))[::-1]
    for ax, (name, title) in zip(axes, measures, strict=True):
        colours = [
            PALETTE["grey"],
            *[PALETTE["orange"] if name == "annual_return" else PALETTE["blue"]] * (len(table) - 1),
        ]
        ax.barh(y, table[name], color=colours, height=0.62)
        for place, value in zip(y, table[name], strict=True):
            words = f" {100 * value:.1f}".replace("-", "\u2212")
            ax.text(max(value, 0), place, words, va="center")
        ax.axvline(0, color=PALETTE["black"], lw=0.8)
        ax.axvline(table[name].iloc[0], color=PALETTE["grey"], lw=0.8, ls=":", zorder=0)
        ax.set_title(title)
        ax.set_xlim(min(table[name].min() * 1.25, 0), max(table[name].max(), 0.001) * 1.35)
        percents(ax.xaxis)
        ax.grid(axis="y", visible=False)
    axes[0].set_yticks(y, [textwrap.fill(name, 20) for name in table["scenario"]])
    return axes


def breaking(shifts, curves, breaks, ax=None, marks=None):
    """Lenders' return against the shift of the log odds, one line a book, and where each breaks.

    Parameters
    ----------
    shifts : array_like
        Shifts.
    curves : dict
        Name -> returns.
    breaks : dict
        Name -> shift at which the return is zero.
    ax : matplotlib.axes.Axes, optional
    marks : dict, optional
        Words -> shift, drawn as thin vertical lines.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, NARROW, 3.4)
    colours = [mark_of("term", name.split()[0])[0] if name[0].isdigit() else PALETTE["black"] for name in curves]
    for (_, values), colour in zip(curves.items(), colours, strict=True):
        ax.plot(shifts, values, color=colour)
    for (name, _), colour in zip(curves.items(), colours, strict=True):
        if np.isfinite(breaks[name]):
            ax.plot(breaks[name], 0, "o", color=colour, ms=7, mfc="white", mew=2)
    ax.axhline(0, color=PALETTE["black"], lw=1)
    ax.set_xlim(shifts[0], shifts[-1])
    percents(ax.yaxis)
    ax.set_xlabel("Shift of the log odds of a worse outcome")
    ax.set_ylabel("Lenders' return a year")
    label_line_ends(ax, list(curves))
    for place, (words, shift) in enumerate((marks or {}).items()):
        ax.axvline(shift, color=PALETTE["grey"], lw=0.9, ls=":")
        ax.text(shift, 0.98 - 0.08 * (place % 2), f" {words}", transform=ax.get_xaxis_transform(), va="top")
    return ax


def funding_paths(paths, cash, ax=None):
    """Cash at hand by month for several ways of funding.

    Parameters
    ----------
    paths : dict
        Name -> result of :func:`p2prisk.stress.funding_run`.
    cash : float
        Cash before the run.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, NARROW, 3.2)
    colours = [PALETTE[name] for name in ("blue", "orange", "purple", "green")]
    for (_, path), colour in zip(paths.items(), colours, strict=False):
        ax.plot([0, *path["month"]], [cash, *path["cash"]], color=colour, marker="o", ms=3)
    ax.axhline(0, color=PALETTE["black"], lw=1)
    last = max(path["month"].max() for path in paths.values())
    ax.set_xlim(0, last)
    ax.set_xlabel("Months after the run begins")
    ax.set_ylabel("Cash, % of the loan balance")
    ends = {name: path for name, path in paths.items() if path["month"].max() == last}
    lines = dict(zip(paths, ax.get_lines(), strict=False))
    for name, path in paths.items():
        if name not in ends:
            ax.annotate(
                name,
                (path["month"].iloc[-1], path["cash"].iloc[-1]),
                xytext=(7, 4),
                textcoords="offset points",
                color=lines[name].get_color(),
                va="bottom",
            )
    for name, path in ends.items():
        ax.annotate(
            name,
            (path["month"].iloc[-1], path["cash"].iloc[-1]),
            xytext=(-4, 7),
            ha="right",
            textcoords="offset points",
            color=lines[name].get_color(),
        )
    return ax
