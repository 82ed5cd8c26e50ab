"""Figures of the evidence chapters. Each takes the table of a study function and draws it; none computes a result."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from p2pbook.figures.colours import MARKS, colours_of, mark_of
from p2prisk.figures.checks import forest_plot
from p2prisk.figures.colours import PALETTE, ink_on, ordered_colours, ramp
from p2prisk.figures.style import axes_of

BLOCK_COLOURS = colours_of("trait")

#: panels side by side: two stay legible on a telephone
_ACROSS = 2

_WIDE = 5.6


def _direct_labels(ax, items, min_gap=0.05):
    """Write names at heights (axes share); move apart those that would touch. `items`: (y in data, text, colour)."""
    low, high = ax.get_ylim()
    span = high - low
    last = -np.inf
    for y, text, colour in sorted(items, key=lambda item: item[0]):
        place = max((y - low) / span, last + min_gap)
        last = place
        ax.text(1.01, place, text, transform=ax.transAxes, color=colour, va="center", ha="left", fontsize=9)


def missing_shares(table, ax=None):
    """Draw the share of loans without a value, by column and by what the blank means.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``share``, ``meaning``, ``sample``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 0.34 * table["label"].nunique() + 1.0)
    labels = list(dict.fromkeys(table["label"]))[::-1]
    place = {label: i for i, label in enumerate(labels)}
    colours = {"never happened": PALETTE["blue"], "unknown": PALETTE["orange"], "does not apply": PALETTE["grey"]}
    markers = {sample: marker for sample, marker in zip(dict.fromkeys(table["sample"]), "osD^", strict=False)}
    seen = set()
    for row in table.itertuples():
        key = (row.sample, row.meaning)
        ax.plot(
            row.share,
            place[row.label],
            markers[row.sample],
            color=colours[row.meaning],
            markersize=7,
            label=f"{row.meaning}, {row.sample}" if key not in seen else None,
        )
        seen.add(key)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.set_xlim(-0.03, 1.0)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("share of loans with a blank")
    ax.legend(loc="lower right", fontsize=9)
    return ax


def traits_by_grade(table, axes=None):
    """Draw median and middle half of several traits by grade, one panel a trait.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``grade``, ``low``, ``median``, ``high``.
    axes : array of matplotlib.axes.Axes, optional
        As many as there are labels.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    labels = list(dict.fromkeys(table["label"]))
    if axes is None:
        rows = -(-len(labels) // _ACROSS)
        axes = plt.subplots(rows, _ACROSS, figsize=(_WIDE, 2.25 * rows))[1]
    flat = np.ravel(axes)
    for ax, label in zip(flat, labels, strict=False):
        part = table[table["label"] == label]
        grades = part["grade"].astype(str).to_numpy()
        colours = ordered_colours(len(grades))
        ax.vlines(range(len(grades)), part["low"], part["high"], color=colours, linewidth=5)
        ax.plot(range(len(grades)), part["median"], "o", color=PALETTE["black"], markersize=3.5)
        ax.set_xticks(range(len(grades)), grades)
        ax.set_ylim(bottom=min(0, part["low"].min()))
        ax.set_title(label, fontsize=9, fontweight="normal")
        ax.grid(axis="x", visible=False)
    for ax in flat[len(labels) :]:
        ax.set_visible(False)
    for ax in flat[max(0, len(labels) - _ACROSS) : len(labels)]:
        ax.set_xlabel("grade")
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
    ax = axes_of(ax, 7.0, 3.4)
    ends = []
    for term in sorted(table["term"].unique()):
        colour, marker = mark_of("term", term)
        part = table[table["term"] == term]
        dates = part["date"].to_numpy()
        ax.fill_between(dates, part["low"], part["high"], color=colour, alpha=0.18, linewidth=0)
        ax.plot(dates, part["rate"], color=colour, marker=marker, markersize=3)
        ends.append((part["rate"].iloc[-1], f"{term} months", colour))
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
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
    ax = axes_of(ax, 6.0, 0.42 * len(rates) + 1.1)
    colours = ramp("severity")
    low, high = np.nanmin(rates.to_numpy()), np.nanmax(rates.to_numpy())
    ax.imshow(rates.to_numpy(), aspect="auto", cmap=colours, vmin=low, vmax=high)
    for i in range(len(rates)):
        for j in range(rates.shape[1]):
            share = (rates.iloc[i, j] - low) / (high - low)
            ax.text(
                j,
                i,
                f"{100 * rates.iloc[i, j]:.0f} %  (n {loans.iloc[i, j]:,.0f})",
                ha="center",
                va="center",
                fontsize=9,
                color=ink_on(colours(share)),
            )
    ax.set_xticks(range(rates.shape[1]), [f"{term} months" for term in rates.columns])
    ax.set_yticks(range(len(rates)), rates.index)
    ax.grid(visible=False)
    ax.set_xlabel("term")
    ax.set_ylabel("purpose")
    return ax


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
        rows = -(-len(labels) // _ACROSS)
        axes = plt.subplots(rows, _ACROSS, figsize=(_WIDE, 2.5 * rows), sharey=True)[1]
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
        ax.set_xticks(x, part["class_label"], rotation=35, ha="right", fontsize=9)
        ax.set_title(label, fontsize=9, fontweight="normal")
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_ylim(bottom=0)
        ax.grid(axis="x", visible=False)
    for ax in flat[len(labels) :]:
        ax.set_visible(False)
    for ax in flat[: len(labels) : _ACROSS]:
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
    ax = axes_of(ax, 6.8, 0.3 * len(table) + 1.0)
    ax.barh(table["label"], table["information_value"], color=[BLOCK_COLOURS[block] for block in table["block"]])
    for i, value in enumerate(table["information_value"]):
        ax.annotate(f"{value:.3f}", (value, i), xytext=(3, 0), textcoords="offset points", va="center", fontsize=9)
    present = [block for block in BLOCK_COLOURS if (table["block"] == block).any()]
    for k, block in enumerate(present):
        ax.text(
            0.98,
            0.04 + 0.07 * k,
            block,
            color=BLOCK_COLOURS[block],
            transform=ax.transAxes,
            ha="right",
            fontsize=10,
            fontweight="bold",
        )
    ax.set_xlabel("information value (sum over classes)")
    ax.set_xlim(0, table["information_value"].max() * 1.14)
    ax.grid(axis="y", visible=False)
    return ax


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
    ax = axes_of(ax, 7.2, 0.17 * (len(sets) + 0.6) * len(labels) + 1.1)
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
    ax.set_yticks(range(len(labels)), labels[::-1], fontsize=9.5)
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.set_xlabel(xlabel)
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=len(sets), fontsize=9.5, handletextpad=0.3)
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
        axes = plt.subplots(1, len(causes), figsize=(_WIDE + 1.4, 3.2), squeeze=False)[1]
    flat = np.ravel(axes)
    for ax, cause in zip(flat, causes, strict=False):
        part = table[table["cause"] == cause]
        for term in sorted(part["term"].unique()):
            colour, _ = mark_of("term", term)
            own = part[part["term"] == term]
            ax.fill_between(own["age"], own["low"], own["high"], color=colour, alpha=0.2, linewidth=0)
            ax.plot(own["age"], own["share"], color=colour, label=f"{term} months")
        ax.set_title(cause, fontsize=10, fontweight="normal")
        ax.set_ylim(bottom=0)
        ax.set_xticks(range(0, int(table["age"].max()) + 1, 12))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_xlabel("months since issue")
    flat[0].set_ylabel("share of the loans issued")
    flat[0].legend(loc="upper left", fontsize=9)
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
    ax = axes_of(ax, 7.4, 0.46 * len(table) + 1.1)
    grades = all(len(str(name)) == 1 for name in table.columns)
    colours = ordered_colours(table.shape[1], "grade" if grades else "severity")
    y = np.arange(len(table))[::-1]
    left = np.zeros(len(table))
    for (name, values), colour in zip(table.items(), colours, strict=True):
        ax.barh(y, values, left=left, color=colour, edgecolor="white", linewidth=0.6, height=0.72)
        for place, value, start in zip(y, values, left, strict=True):
            if value >= 0.055:
                ax.text(
                    start + value / 2,
                    place,
                    f"{name}\n{100 * value:.0f} %",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=ink_on(colour),
                )
        left = left + values.to_numpy()
    ax.set_yticks(y, table.index)
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel(xlabel)
    ax.grid(visible=False)
    return ax


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
    ax = axes_of(ax, 7.0, 0.42 * len(table) + 1.0)
    y = np.arange(len(table))[::-1]
    known = MARKS["model of Prosper"] | MARKS["model in hindsight"]
    for place, row in zip(y, table.itertuples(), strict=True):
        name, marker = known.get(row.model, ("blue", "o"))
        colour = PALETTE[name]
        ax.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2)
        ax.plot(row.auc, place, marker, color=colour, markersize=6)
        ax.annotate(
            f"{row.auc:.3f}",
            (row.auc, place),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            color=colour,
        )
    if reference is not None:
        ax.axvline(reference, color=PALETTE["grey"], linestyle="--", linewidth=1)
    ax.set_yticks(y, table["model"])
    ax.set_ylim(-0.6, len(table) - 0.3)
    ax.set_xlabel(xlabel)
    return ax


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
        _, axes = plt.subplots(1, len(groups), figsize=(2.6 * len(groups) + 0.4, 3.6), sharey=True)
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
    axes[len(groups) // 2].set_xlabel("age of the platform on the day of decision, months")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9.5)
    return np.asarray(axes)


def ranks_by_date(table, ax=None):
    """Draw how well two rules ranked the loans that came after each date, with intervals, beside chance.

    Parameters
    ----------
    table : pandas.DataFrame
        ``date``, ``model`` (of the dictionary of colours), ``auc``, ``low``, ``high``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 3.2)
    names = {"on the day": "readable model", "sub-grade": "platform's sub-grade"}
    places = {date: place for place, date in enumerate(sorted(table["date"].unique()))}
    for shift, (model, words) in zip((-0.09, 0.09), names.items(), strict=True):
        part, (colour, marker) = table[table["model"] == model], mark_of("model", model)
        x = part["date"].map(places) + shift
        ax.vlines(x, part["low"], part["high"], color=colour, linewidth=2)
        ax.plot(x, part["auc"], marker, color=colour, markersize=7, label=words)
    ax.axhline(0.5, color=PALETTE["grey"], linewidth=1.2)
    ax.text(len(places) - 0.55, 0.5, "chance", color=PALETTE["grey"], ha="right", va="bottom", fontsize=9)
    ax.set_xticks(list(places.values()), [f"{date:%b\n%Y}" for date in places])
    ax.set(xlim=(-0.5, len(places) - 0.5), ylim=(0.48, 0.72), ylabel="area under the curve")
    ax.set_xlabel("day of decision")
    ax.grid(axis="x", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    return ax


def calibration_by_cut(table, axes=None):
    """Draw observed against predicted shares by tenth of the prediction, one panel a cut.

    Parameters
    ----------
    table : pandas.DataFrame
        ``cut``, ``predicted``, ``observed``, ``low``, ``high``.
    axes : array of matplotlib.axes.Axes, optional

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    cuts = list(dict.fromkeys(table["cut"]))
    if axes is None:
        rows = -(-len(cuts) // _ACROSS)
        axes = plt.subplots(rows, min(_ACROSS, len(cuts)), figsize=(_WIDE, 2.6 * rows), squeeze=False)[1]
    flat = np.ravel(axes)
    for ax in flat[len(cuts) :]:
        ax.set_visible(False)
    for ax, cut in zip(flat, cuts, strict=False):
        part = table[table["cut"] == cut]
        top = 1.05 * max(part["high"].max(), part["predicted"].max())
        ax.plot([0, top], [0, top], color=PALETTE["grey"], linewidth=1, linestyle="--")
        ax.errorbar(
            part["predicted"],
            part["observed"],
            yerr=[part["observed"] - part["low"], part["high"] - part["observed"]],
            fmt="o",
            color=PALETTE["blue"],
            markersize=4,
            elinewidth=1.4,
        )
        ax.set_xlim(0, top)
        ax.set_ylim(0, top)
        ax.set_title(cut, fontsize=9, fontweight="normal")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
            axis.set_major_locator(MaxNLocator(4))
        ax.set_xlabel("predicted")
    for ax in flat[: len(cuts) : _ACROSS]:
        ax.set_ylabel("observed")
    return flat[: len(cuts)]


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
        rows = -(-len(labels) // _ACROSS)
        axes = plt.subplots(rows, _ACROSS, figsize=(_WIDE, 2.45 * rows), sharey=True)[1]
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
        ax.set_title(label, fontsize=9, fontweight="normal")
    for ax in flat[len(labels) :]:
        ax.set_visible(False)
    for ax in flat[: len(labels) : _ACROSS]:
        ax.set_ylabel("odds ratio")
    return flat[: len(labels)]


def agreement(table, ax=None):
    """Draw the direction of each variable in each source: worse, better, none, mixed, not in the data.

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
    ax = axes_of(ax, 7.4, 0.33 * len(table) + 1.5)
    colours = colours_of("sign")
    signs = {"worse": "+", "better": "−", "none": "0", "mixed": "±"}
    y = np.arange(len(table))[::-1]
    for j, source in enumerate(table.columns):
        for place, entry in zip(y, table[source], strict=True):
            if entry in colours:
                ax.scatter(j, place, s=170, color=colours[entry], edgecolor="white", linewidth=0.8)
                ax.text(j, place, signs[entry], ha="center", va="center", color="white", fontsize=10, fontweight="bold")
    ax.set_yticks(y, table.index)
    ax.set_xticks(range(table.shape[1]), table.columns, fontsize=9.5)
    ax.xaxis.tick_top()
    ax.set_xlim(-0.6, table.shape[1] - 0.4)
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.set_xlabel(
        "+ riskier     − safer     0 no clear effect     ± studies disagree     blank: not in the data", fontsize=9
    )
    ax.xaxis.set_label_position("bottom")
    return ax
