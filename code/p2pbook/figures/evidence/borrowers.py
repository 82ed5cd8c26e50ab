"""Figures of the chapter on who borrows: what their files hold, and what their loans lost."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.dates import DateFormatter, YearLocator

from p2pbook.figures import ACROSS, WIDE
from p2pbook.figures.colours import BLOCK_COLOURS, SHARES, mark_of
from p2prisk.figures.colours import PALETTE, ink_on, ordered_colours
from p2prisk.figures.style import axes_of, percents


def _direct_labels(ax, items, min_gap=0.05):
    """Write names at heights (axes share); move apart those that would touch. `items`: (y in data, text, colour)."""
    low, high = ax.get_ylim()
    span = high - low
    last = -np.inf
    for y, text, colour in sorted(items, key=lambda item: item[0]):
        place = max((y - low) / span, last + min_gap)
        last = place
        ax.text(1.01, place, text, transform=ax.transAxes, color=colour, va="center", ha="left")


def missing_shares(table, axes=None):
    """Draw the share of loans without a value, by column and by what the blank means, one panel a sample.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``share``, ``meaning``, ``sample``.
    axes : sequence of matplotlib.axes.Axes, optional
        One a sample.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    labels, samples = (list(dict.fromkeys(table[column])) for column in ("label", "sample"))
    if axes is None:
        size = (7.0, 0.24 * len(labels) + 1.1)
        axes = plt.subplots(1, len(samples), figsize=size, sharey=True, squeeze=False)[1][0]
    place = {label: len(labels) - 1 - i for i, label in enumerate(labels)}
    colours = {"never happened": ("blue", "o"), "unknown": ("orange", "s"), "does not apply": ("grey", "D")}
    for ax, sample in zip(axes, samples, strict=True):
        part = table[table["sample"] == sample]
        for meaning, (colour, marker) in colours.items():
            rows = part[part["meaning"] == meaning]
            y = rows["label"].map(place)
            ax.hlines(y, 0, rows["share"], color=PALETTE[colour], linewidth=1)
            ax.plot(rows["share"], y, marker, color=PALETTE[colour], markersize=6, label=meaning)
        ax.set_yticks(list(place.values()), labels)
        ax.set_ylim(-0.6, len(labels) - 0.4)
        ax.set_xlim(-0.04, 1.04)
        ax.set_xticks([0, 0.5, 1])
        percents(ax.xaxis)
        ax.set_title(sample)
    axes[0].figure.supxlabel("share of loans with a blank")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncol=3)
    return axes


def traits_by_grade(table, axes=None):
    """Draw median and middle half of several traits by grade, one panel a trait.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``grade``, ``low``, ``median``, ``high``, ``loans``.
    axes : array of matplotlib.axes.Axes, optional
        As many as there are labels.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    labels = list(dict.fromkeys(table["label"]))
    if axes is None:
        rows = -(-len(labels) // ACROSS)
        axes = plt.subplots(rows, ACROSS, figsize=(WIDE, 1.7 * rows))[1]
    flat = np.ravel(axes)
    for ax, label in zip(flat, labels, strict=False):
        part = table[table["label"] == label]
        grades = part["grade"].astype(str).to_numpy()
        ax.vlines(range(len(grades)), part["low"], part["high"], color=PALETTE["grey"], linewidth=4)
        for x, (median, colour) in enumerate(zip(part["median"], ordered_colours(len(grades)), strict=True)):
            ax.plot(x, median, "o", color=colour, markersize=6, markeredgecolor="white")
        ax.set_xticks(range(len(grades)), grades)
        ax.set_ylim(bottom=min(0, part["low"].min()))
        ax.set_title(label, fontweight="normal")
        ax.grid(axis="x", visible=False)
    for ax in flat[len(labels) :]:
        ax.set_visible(False)
    for ax, label in list(zip(flat, labels, strict=False))[max(0, len(labels) - ACROSS) :]:
        loans = table.loc[table["label"] == label, "loans"]
        names = [f"{grade}\n{count:,d}" for grade, count in zip(grades, loans, strict=True)]
        ax.set_xticks(range(len(grades)), names)
        ax.set_xlabel("grade, and loans")
    return flat[: len(labels)]


def loss_by_vintage(table, ax=None):
    """Draw the share of loans charged off by quarter of issue, one line a term, with 95 % intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        ``date``, ``term``, ``rate``, ``low``, ``high``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 2.9)
    ends = []
    for term in sorted(table["term"].unique()):
        colour, marker = mark_of("term", term)
        part = table[table["term"] == term]
        dates = part["date"].to_numpy()
        ax.fill_between(dates, part["low"], part["high"], color=colour, alpha=0.18, linewidth=0)
        ax.plot(dates, part["rate"], color=colour, marker=marker, markersize=3)
        ends.append((part["rate"].iloc[-1], f"{term} months", colour))
    ax.set_ylim(bottom=0)
    percents(ax.yaxis)
    ax.xaxis.set_major_locator(YearLocator())
    ax.xaxis.set_major_formatter(DateFormatter("%Y"))
    ax.set_xlabel("quarter of issue")
    ax.set_ylabel("charged off")
    _direct_labels(ax, ends)
    return ax


def risk_map(table, ax=None):
    """Draw a map of the share charged off by purpose and term, with the number of loans in each cell.

    Parameters
    ----------
    table : pandas.DataFrame
        ``purpose``, ``term``, ``rate``, ``loans``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    rates = table.pivot(index="purpose", columns="term", values="rate")
    loans = table.pivot(index="purpose", columns="term", values="loans")
    order = rates.mean(axis=1).sort_values().index
    rates, loans = rates.loc[order], loans.loc[order]
    ax = axes_of(ax, 6.0, 0.185 * len(rates) + 0.6)
    low, high = np.nanmin(rates.to_numpy()), np.nanmax(rates.to_numpy())
    most = low + 2.05 * (high - low)  # the half of the colours that has no step between two hues
    ax.imshow(rates.to_numpy(), aspect="auto", cmap=SHARES, vmin=low, vmax=most)
    for i in range(len(rates)):
        for j in range(rates.shape[1]):
            share = (rates.iloc[i, j] - low) / (most - low)
            ax.text(
                j,
                i,
                f"{100 * rates.iloc[i, j]:.0f} %  (n {loans.iloc[i, j]:,.0f})",
                ha="center",
                va="center",
                color=ink_on(SHARES(share)),
            )
    ax.set_xticks(range(rates.shape[1]), [f"{term} months" for term in rates.columns])
    ax.set_yticks(range(len(rates)), rates.index)
    ax.grid(visible=False)
    ax.set_xlabel("term")
    ax.set_ylabel("purpose")
    return ax


_WITH_UNIT = {
    "income": "income, $",
    "amount": "amount, $",
    "used share of card limits": "used share of card limits, %",
    "debt-to-income ratio": "debt-to-income ratio, %",
}


def loss_by_class(table, axes=None):
    """Draw the share charged off by class of several traits, one panel a trait, with 95 % intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``class_label``, ``rate``, ``low``, ``high``, ``overall``.
    axes : array of matplotlib.axes.Axes, optional

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    labels = list(dict.fromkeys(table["label"]))
    if axes is None:
        rows = -(-len(labels) // ACROSS)
        axes = plt.subplots(rows, ACROSS, figsize=(WIDE, 1.75 * rows), sharey=True)[1]
    flat = np.ravel(axes)
    for ax, label in zip(flat, labels, strict=False):
        part = table[table["label"] == label]
        x = np.arange(len(part))
        ax.axhline(part["overall"].iloc[0], color=PALETTE["grey"], linewidth=0.9, linestyle="--")
        ax.errorbar(
            x,
            part["rate"],
            yerr=[part["rate"] - part["low"], part["high"] - part["rate"]],
            fmt="o",
            color=PALETTE["blue"],
            markersize=4,
            elinewidth=1.6,
        )
        ax.set_xticks(x, part["class_label"], rotation=35, ha="right")
        ax.set_title(_WITH_UNIT.get(label, label), fontweight="normal")
        percents(ax.yaxis)
        ax.set_ylim(bottom=0)
        ax.grid(axis="x", visible=False)
    for ax in flat[len(labels) :]:
        ax.set_visible(False)
    for ax in flat[: len(labels) : ACROSS]:
        ax.set_ylabel("charged off")
    return flat[: len(labels)]


def information_values(table, ax=None):
    """Draw information values as bars, coloured by block.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``information_value``, ``block``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    table = table.sort_values("information_value")
    ax = axes_of(ax, 6.8, 0.185 * len(table) + 0.7)
    ax.barh(table["label"], table["information_value"], color=[BLOCK_COLOURS[block] for block in table["block"]])
    for i, value in enumerate(table["information_value"]):
        ax.annotate(f"{value:.3f}", (value, i), xytext=(3, 0), textcoords="offset points", va="center")
    present = [block for block in BLOCK_COLOURS if (table["block"] == block).any()]
    for k, block in enumerate(present):
        ax.text(
            0.98,
            0.04 + 0.07 * k,
            block,
            color=BLOCK_COLOURS[block],
            transform=ax.transAxes,
            ha="right",
            fontweight="bold",
        )
    ax.set_xlabel("information value (sum over classes)")
    ax.set_xlim(0, table["information_value"].max() * 1.14)
    ax.grid(axis="y", visible=False)
    return ax
