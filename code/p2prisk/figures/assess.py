"""Figures of the chapters on assessment and on decisions. Each takes a table and draws it; none computes a result."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from p2prisk.figures.colours import PALETTE, TINTS, mark_of, ordered_colours
from p2prisk.figures.style import axes_of, percents


def points(attributes, labels=None, ax=None):
    """Draw the points of every attribute, one row a characteristic.

    Parameters
    ----------
    attributes : pandas.DataFrame
        ``characteristic, attribute, points``, as of ``Scorecard.attributes``; rows without points are not drawn.
    labels : dict, optional
        Printed name of a characteristic.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known = attributes[attributes["points"].notna()]
    names = list(dict.fromkeys(known["characteristic"]))
    ax = axes_of(ax, 7.0, 0.8 + 0.58 * len(names))
    for row, name in enumerate(names):
        part = known[known["characteristic"] == name].sort_values("points")
        ax.plot([part["points"].min(), part["points"].max()], [row, row], color=PALETTE["grey"], lw=1, zorder=1)
        ax.scatter(part["points"], [row] * len(part), color=PALETTE["blue"], s=34, zorder=2)
        # words above and below in turn, so that near attributes do not write over each other
        for place, (value, words) in enumerate(zip(part["points"], part["attribute"], strict=True)):
            ax.annotate(
                str(words),
                (value, row),
                xytext=(0, 6 if place % 2 == 0 else -6),
                textcoords="offset points",
                ha="center",
                va="bottom" if place % 2 == 0 else "top",
            )
    ax.set_yticks(range(len(names)), [(labels or {}).get(name, name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.13)
    ax.set_xlabel("points (more is safer)")
    return ax


def grades(samples, ax=None):
    """Draw assigned against observed default rates by grade, with intervals, for one or more samples.

    Parameters
    ----------
    samples : dict of str to pandas.DataFrame
        Name -> table of :func:`p2prisk.scorecard.grade_table`; the grades must be the same.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.7)
    first = next(iter(samples.values()))
    x = np.arange(len(first))
    ax.hlines(first["pd"], x - 0.33, x + 0.33, color=PALETTE["black"], lw=2, label="assigned")
    marks = zip(("o", "s", "^"), ("blue", "orange", "green"), strict=True)
    for place, ((name, table), (marker, colour)) in enumerate(zip(samples.items(), marks, strict=False)):
        at = x + (place - (len(samples) - 1) / 2) * 0.28
        ax.vlines(at, table["ci_low"], table["ci_high"], color=PALETTE[colour], lw=1.6)
        ax.plot(
            at, table["observed"], ls="none", marker=marker, ms=5.5, color=PALETTE[colour], label=f"observed, {name}"
        )
    ax.set_xticks(x, first["grade"])
    ax.set(xlabel="grade, best to worst", ylabel="default rate, whole life", ylim=(0, None))
    percents(ax.yaxis)
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left")
    return ax


def frontier(table, marks=None, ax=None):
    """Draw the default rate among the accepted against the share accepted, with its band.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`p2prisk.policy.acceptance_frontier`.
    marks : dict, optional
        Share accepted -> words written there.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.7)
    ax.fill_between(table["accepted"], table["ci_low"], table["ci_high"], color=TINTS["sky"], alpha=0.4, lw=0)
    ax.plot(table["accepted"], table["rate"], color=PALETTE["blue"])
    for share, words in (marks or {}).items():
        rate = float(np.interp(share, table["accepted"], table["rate"]))
        ax.plot([share], [rate], marker="o", ms=5, color=PALETTE["black"])
        ax.annotate(words, (share, rate), xytext=(-8, 10), textcoords="offset points", ha="right")
    ax.set(
        xlabel="share of loans accepted, safest first",
        ylabel="default rate among the accepted",
        xlim=(0, 1.01),
        ylim=(0, None),
    )
    for axis in (ax.xaxis, ax.yaxis):
        percents(axis)
    return ax


def profit(table, best=None, ax=None):
    """Draw profit against the share accepted, with its band.

    Parameters
    ----------
    table : pandas.DataFrame
        ``accepted, profit, ci_low, ci_high``, profit per unit of all money on offer.
    best : tuple of float, optional
        Share accepted and profit at the best cut-off.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.7)
    ax.fill_between(
        table["accepted"], 100 * table["ci_low"], 100 * table["ci_high"], color=TINTS["sky"], alpha=0.4, lw=0
    )
    ax.plot(table["accepted"], 100 * table["profit"], color=PALETTE["blue"])
    ax.axhline(0, color=PALETTE["grey"], lw=0.8)
    if best is not None:
        ax.plot([best[0]], [100 * best[1]], marker="o", ms=6, color=PALETTE["orange"])
        ax.annotate(
            "best cut-off in these data",
            (best[0], 100 * best[1]),
            xytext=(-12, 8),
            textcoords="offset points",
            ha="right",
            color=PALETTE["orange"],
        )
    ax.set(xlabel="share of loans accepted, safest first", ylabel="value per 100 on offer", xlim=(0, 1.01))
    percents(ax.xaxis)
    return ax


def three_choices(lines, band, ax=None):
    """Draw what accepting, referring and declining are worth, by probability of default.

    Parameters
    ----------
    lines : pandas.DataFrame
        Of :func:`p2prisk.policy.refer_lines`.
    band : dict
        Of :func:`p2prisk.policy.refer_band`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.7)
    ax.axvspan(band["accept_below"], band["decline_above"], color=TINTS["sand"], alpha=0.6, lw=0)
    for name in ("accept", "refer", "decline"):
        ax.plot(lines["pd"], 100 * lines[name], color=mark_of("decision", name)[0])
        ax.annotate(
            name,
            (lines["pd"].iloc[-1], 100 * lines[name].iloc[-1]),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=PALETTE["black"],
        )
    low = 100 * lines[["accept", "refer"]].min().min()  # where none of them runs
    # left of its line, or right of it where the line stands too near the axis
    room = band["accept_below"] > 0.2 * lines["pd"].max()
    for at, words, side in (
        (band["accept_below"], "← accept below " if room else " ← accept below", "right" if room else "left"),
        (band["decline_above"], " decline above →", "left"),
    ):
        ax.axvline(at, color=PALETTE["black"], lw=0.9, ls="--")
        ax.text(at, low, words, ha=side, va="bottom")
    ax.set(xlabel="probability of default", ylabel="value per 100 applied for", xlim=(0, lines["pd"].max()))
    percents(ax.xaxis)
    return ax


def prices(table, caps, ax=None):
    """Draw the break-even rate of every grade by term, under the caps.

    Parameters
    ----------
    table : pandas.DataFrame
        ``term, grade, break_even``.
    caps : dict
        Words -> cap as a yearly share.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.3)
    for term, part in table.groupby("term"):
        colour, marker = mark_of("term", term)
        ax.plot(part["grade"], part["break_even"], color=colour, marker=marker, ms=5)
        ax.annotate(
            f"{term} months",
            (part["grade"].iloc[-1], part["break_even"].iloc[-1]),
            xytext=(14, 0),  # beyond the lines of the caps
            textcoords="offset points",
            va="center",
            color=colour,
        )
    for words, cap in caps.items():
        ax.axhline(cap, color=PALETTE["black"], lw=0.9, ls="--")
        ax.text(-0.3, cap, words, va="bottom", ha="left")
    ax.set(
        xlabel="grade, best to worst",
        ylabel="break-even rate, a year",
        ylim=(0, max(caps.values()) * 1.08),
        xlim=(-0.35, table["grade"].nunique() - 0.85),
    )
    percents(ax.yaxis)
    return ax


def declined(table, ax=None):
    """Draw what each method says of the declined beside what happened to them.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`p2prisk.policy.compare_reject_inference`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    known = table[table["auc"].notna()]
    ax = axes_of(ax, 7.0, 0.55 + 0.25 * len(known))
    y = np.arange(len(known))
    ax.hlines(y, known["declined_predicted"], known["declined_observed"], color=PALETTE["grey"], lw=1)
    ax.plot(known["declined_predicted"], y, ls="none", marker="o", ms=7, color=PALETTE["blue"])
    observed = float(known["declined_observed"].iloc[0])
    ax.axvline(observed, color=PALETTE["orange"], lw=1.6)
    ax.text(observed, -0.75, " what happened", color=PALETTE["orange"], va="center")
    ax.set_yticks(y, known["method"])
    ax.set_ylim(len(known) - 0.5, -1.1)
    ax.set(xlabel="default rate of the declined", xlim=(0, observed * 1.3))
    percents(ax.xaxis)
    ax.grid(axis="y", visible=False)
    return ax


def losses(table, ax=None):
    """Draw the distribution of loss given default.

    Parameters
    ----------
    table : pandas.DataFrame
        ``lgd`` (class), ``defaults``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.5)
    bars = ax.bar(
        table["lgd"],
        table["defaults"],
        color=ordered_colours(len(table), "severity"),
        edgecolor=PALETTE["grey"],
        linewidth=0.5,
    )
    for bar, count in zip(bars, table["defaults"], strict=True):
        ax.annotate(
            f"{count:,d}",
            (bar.get_x() + bar.get_width() / 2, bar.get_height()),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
        )
    ax.set(xlabel="share of the outstanding principal that never came back", ylabel="defaulted loans")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.grid(axis="x", visible=False)
    return ax
