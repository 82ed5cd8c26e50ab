"""Figures of how well loans are ranked, by their age and by the day."""

import matplotlib.pyplot as plt
import numpy as np

from p2pbook.figures.colours import mark_of
from p2prisk.figures.colours import PALETTE
from p2prisk.figures.style import axes_of

#: kinds of model in the figure of rank by age: whether the marker is filled, shift along the axis
_KINDS = {"on the day": (True, 0.0), "boosting, on the day": (True, -0.7), "in hindsight": (False, 0.7)}


def rank_by_age(table, axes=None):
    """Draw how much better than the sub-grade models rank, against the age of the platform; one panel a group.

    Parameters
    ----------
    table : pandas.DataFrame
        ``age`` in months, ``group``, ``kind``, ``difference`` of areas under the curve, ``low``, ``high`` (blank where
        no interval is drawn).
    axes : sequence of matplotlib.axes.Axes, optional

    Returns
    -------
    ndarray of matplotlib.axes.Axes
    """
    groups = list(table["group"].unique())
    if axes is None:
        _, axes = plt.subplots(1, len(groups), figsize=(2.2 * len(groups) + 0.4, 3.4), sharey=True)
    for ax, group in zip(axes, groups, strict=True):
        mine = table[table["group"] == group]
        ax.axhline(0, color=mark_of("model", "sub-grade")[0], linewidth=1.4)
        for kind, (filled, shift) in _KINDS.items():
            colour, marker = mark_of("model", kind)
            part = mine[mine["kind"] == kind].sort_values("age")
            held = part[part["low"].notna()]
            ax.vlines(held["age"] + shift, held["low"].astype(float), held["high"].astype(float), color=colour, lw=1.6)
            ax.plot(
                part["age"] + shift,
                part["difference"],
                marker,
                color=colour,
                markerfacecolor=colour if filled else "white",
                markersize=5.5,
                label=kind,
            )
        ax.set_title(group)
        ax.set_xlim(10, 52)
        ax.set_xticks([12, 24, 36, 48])
    axes[0].set_ylabel("AUC less that of the sub-grade")
    axes[0].figure.supxlabel("age of the platform on the day of decision, months")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return np.asarray(axes)


def ranks_by_date(table, ax=None, size=(7.0, 3.2)):
    """Draw how well two rules ranked the loans that came after each date, with intervals, beside chance.

    Parameters
    ----------
    table : pandas.DataFrame
        ``date``, ``model`` (of the dictionary of colours), ``auc``, ``low``, ``high``.
    ax : matplotlib.axes.Axes, optional
    size : tuple of float
        Width and height of a new figure in inches.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, *size)
    names = {"on the day": "readable model", "sub-grade": "platform's sub-grade"}
    places = {date: place for place, date in enumerate(sorted(table["date"].unique()))}
    for shift, (model, words) in zip((-0.09, 0.09), names.items(), strict=True):
        part, (colour, marker) = table[table["model"] == model], mark_of("model", model)
        x = part["date"].map(places) + shift
        ax.vlines(x, part["low"], part["high"], color=colour, linewidth=2)
        ax.plot(x, part["auc"], marker, color=colour, markersize=7, label=words)
    ax.axhline(0.5, color=PALETTE["grey"], linewidth=1.2)
    ax.text(len(places) - 0.55, 0.5, "chance", color=PALETTE["grey"], ha="right", va="bottom")
    ax.set_xticks(list(places.values()), [f"{date:%b\n%Y}" for date in places])
    ax.set(xlim=(-0.5, len(places) - 0.5), ylim=(0.48, 0.72), ylabel="area under the curve")
    ax.set_xlabel("day of decision")
    ax.grid(axis="x", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
