"""Figures of the risk system: watching, stress, the platform's own conduct, and the system on one page.

All of them are narrow, so that their words can still be read on a telephone.
"""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from p2pbook.figures.colours import mark_of
from p2prisk.figures.colours import PALETTE, TINTS, ink_on, ordered_colours
from p2prisk.figures.style import axes_of, label_line_ends

_WIDTH = 5.0

_SHARES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", TINTS["sky"], PALETTE["blue"], "#003B5C"])

CAUSE_WORDS = {
    "repayment": "Repayment",
    "environment": "Environment",
    "management": "Management",
    "custody": "Custody",
    "operation": "Mode of operation",
    "healthy": "Healthy",
}


def _month_axis(ax, months, every=3):
    months = list(months)
    places = np.arange(0, len(months), every)
    ax.set_xticks(places, [months[place] for place in places], rotation=45, ha="right", fontsize=9)


def vintages(curves, ax=None, event="charged off"):
    """Cumulative share of failed loans by age, one line a vintage, named at its end.

    Parameters
    ----------
    curves : pandas.DataFrame
        ``vintage, age, share`` and, for the band, ``low, high``.
    ax : matplotlib.axes.Axes, optional
    event : str
        What the loans failed by, for the axis.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 3.6)
    names = list(dict.fromkeys(curves["vintage"]))
    colours = ordered_colours(len(names), "time")
    for name, colour in zip(names, colours, strict=True):
        part = curves[curves["vintage"] == name]
        ax.plot(part["age"], part["share"], color=colour, lw=1.6)
    for name, colour in zip(names, colours, strict=True):
        part = curves[curves["vintage"] == name]
        ax.fill_between(part["age"], part["low"], part["high"], color=colour, alpha=0.10, lw=0)
    ax.set_xlim(0, curves["age"].max())
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("Months since issue")
    ax.set_ylabel(f"Loans {event}")
    halves = {"01": "H1 ", "07": "H2 "} if {name[5:] for name in names} == {"01", "07"} else {"01": ""}
    label_line_ends(ax, [f"{halves[name[5:]]}{name[:4]}" if name[5:] in halves else name for name in names])
    return ax


def vintage_forecast(forecast, actual, ax=None, age=24):
    """Forecast of each vintage with its interval, and what came.

    Parameters
    ----------
    forecast : pandas.DataFrame
        ``vintage, forecast, low, high``.
    actual : pandas.Series
        Share by vintage.
    ax : matplotlib.axes.Axes, optional
    age : int
        Age in months, for the axis.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 0.27 * len(forecast) + 1.0)
    y = np.arange(len(forecast))[::-1]
    ax.hlines(y, forecast["low"], forecast["high"], color=TINTS["sky"], lw=5, alpha=0.8)
    ax.plot(forecast["forecast"], y, "|", color=PALETTE["blue"], ms=9, mew=2, label="forecast, 90 % interval")
    ax.plot(actual.reindex(forecast["vintage"]), y, "o", color=PALETTE["orange"], ms=5, label="what came")
    ax.set_yticks(y, forecast["vintage"], fontsize=9)
    ax.set_xlim(0, None)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel(f"Loans charged off by month {age}")
    ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncol=2, fontsize=9)
    ax.grid(axis="y", visible=False)
    return ax


def stability(result, variables, ax=None):
    """Population stability by month, with the level that counts as material.

    Parameters
    ----------
    result : pandas.DataFrame
        From :func:`p2prisk.monitor.stability_by_month` or :func:`p2prisk.monitor.stability_from_counts`.
    variables : sequence of str
        Variables drawn and named; the others are thin grey lines.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 3.5)
    wide = result.pivot(index="month", columns="variable", values="psi")
    x = np.arange(len(wide))
    colours = [PALETTE[name] for name in ("orange", "blue", "green", "purple")]
    for name, colour in zip(variables, colours, strict=False):
        ax.plot(x, wide[name], color=colour)
    for name in wide.columns.difference(list(variables)):
        ax.plot(x, wide[name], color=PALETTE["grey"], lw=0.7, alpha=0.6)
    ax.axhline(0.10, color=PALETTE["black"], lw=1, ls="--")
    ax.text(0.1, 0.11, "material", fontsize=9, va="bottom")
    ax.set_yscale("log")
    ax.set_ylim(0.002, None)
    ax.set_xlim(0, len(wide) - 1)
    _month_axis(ax, wide.index)
    ax.set_ylabel("Stability index (log scale)")
    label_line_ends(ax, list(variables))
    return ax


def calibration(drift, ax=None):
    """Shift of the log odds that each period asks for, with its interval.

    Parameters
    ----------
    drift : pandas.DataFrame
        From :func:`p2prisk.monitor.calibration_drift`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 3.2)
    x = np.arange(len(drift))
    ax.axhline(0, color=PALETTE["black"], lw=1)
    ax.vlines(x, drift["shift_low"], drift["shift_high"], color=TINTS["sky"], lw=3)
    ax.plot(x, drift["shift"], "o", color=PALETTE["blue"], ms=4)
    _month_axis(ax, drift["period"])
    ax.set_ylabel("Shift of log odds")
    ax.text(0.99, 0.97, "worse than forecast", transform=ax.transAxes, ha="right", va="top", fontsize=9)
    ax.text(0.99, 0.03, "better than forecast", transform=ax.transAxes, ha="right", va="bottom", fontsize=9)
    low, high = drift["shift_low"].min(), drift["shift_high"].max()
    ax.set_ylim(min(low, -0.3) * 1.15, max(high, 0.3) * 1.25)
    return ax


def cusum(paths, thresholds, ax=None):
    """CUSUM charts, one line a chart, with their thresholds.

    Parameters
    ----------
    paths : dict
        Name -> result of :meth:`p2prisk.monitor.Cusum.path`.
    thresholds : dict
        Name -> threshold.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 3.4)
    colours = [PALETTE["orange"], PALETTE["blue"], PALETTE["green"]]
    for (_, path), colour in zip(paths.items(), colours, strict=False):
        ax.plot(np.arange(len(path)), path["cusum"], color=colour)
    for (name, path), colour in zip(paths.items(), colours, strict=False):
        ax.axhline(thresholds[name], color=colour, lw=1, ls="--")
        hit = np.flatnonzero(path["signal"])
        if len(hit):
            ax.plot(hit[0], path["cusum"].iloc[hit[0]], "o", color=colour, ms=7, mfc="white", mew=2)
    ax.set_xlim(0, len(next(iter(paths.values()))) - 1)
    ax.set_ylim(0, None)
    _month_axis(ax, next(iter(paths.values()))["period"])
    ax.set_ylabel("CUSUM")
    label_line_ends(ax, list(paths))
    return ax


def matrix(table, ax=None, xlabel="To", ylabel="From", digits=1):
    """Shares of a matrix as shaded cells with their percentages.

    Parameters
    ----------
    table : pandas.DataFrame
        Shares; missing cells stay empty.
    ax : matplotlib.axes.Axes, optional
    xlabel, ylabel : str
        Names of the axes.
    digits : int
        Digits of the percentages.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 0.42 * len(table) + 0.9)
    values = table.to_numpy(dtype=float)
    ax.imshow(np.nan_to_num(values), cmap=_SHARES, vmin=0, vmax=1, aspect="auto")
    for row, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
        share = values[row, column]
        text = "0" if share == 0 else f"{100 * share:.{digits}f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color=ink_on(_SHARES(share)))
    for row in np.flatnonzero(np.isnan(values).all(axis=1)):
        ax.text((values.shape[1] - 1) / 2, row, "no loan", ha="center", va="center", fontsize=9, color=PALETTE["grey"])
    ax.set_xticks(range(values.shape[1]), table.columns)
    ax.set_yticks(range(values.shape[0]), table.index)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def forecast_check(checked, states, axes=None):
    """Forecast of states with its interval, and what came; one panel a state.

    Parameters
    ----------
    checked : pandas.DataFrame
        From :func:`p2prisk.monitor.check_forecast`.
    states : sequence of str
        States drawn.
    axes : sequence of matplotlib.axes.Axes, optional

    Returns
    -------
    sequence of matplotlib.axes.Axes
    """
    if axes is None:
        axes = plt.subplots(len(states), 1, figsize=(_WIDTH, 1.75 * len(states) + 0.3), sharex=True)[1]
    for ax, state in zip(axes, states, strict=True):
        part = checked[checked["state"] == state]
        ax.fill_between(part["step"], part["low"], part["high"], color=TINTS["sky"], alpha=0.5, lw=0)
        ax.plot(part["step"], part["expected"], color=PALETTE["blue"])
        ax.plot(part["step"], part["observed"], "o", color=PALETTE["orange"], ms=5)
        ax.set_title(state)
        ax.set_ylabel("Loans")
    axes[-1].set_xlabel("Months after the forecast")
    axes[0].text(
        0.98,
        0.95,
        "band: 95 % interval; dots: what came",
        transform=axes[0].transAxes,
        ha="right",
        va="top",
        fontsize=9,
    )
    return axes


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
            ax.text(max(value, 0), place, f" {100 * value:.1f}", va="center", fontsize=9)
        ax.axvline(0, color=PALETTE["black"], lw=0.8)
        ax.axvline(table[name].iloc[0], color=PALETTE["grey"], lw=0.8, ls=":")
        ax.set_title(title, fontsize=9)
        ax.set_xlim(min(table[name].min() * 1.25, 0), max(table[name].max(), 0.001) * 1.35)
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.tick_params(axis="x", labelsize=9)
        ax.grid(axis="y", visible=False)
    axes[0].set_yticks(y, [textwrap.fill(name, 20) for name in table["scenario"]], fontsize=9)
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
    ax = axes_of(ax, _WIDTH, 3.4)
    colours = [mark_of("term", name.split()[0])[0] if name[0].isdigit() else PALETTE["black"] for name in curves]
    for (_, values), colour in zip(curves.items(), colours, strict=True):
        ax.plot(shifts, values, color=colour)
    for (name, _), colour in zip(curves.items(), colours, strict=True):
        if np.isfinite(breaks[name]):
            ax.plot(breaks[name], 0, "o", color=colour, ms=7, mfc="white", mew=2)
    ax.axhline(0, color=PALETTE["black"], lw=1)
    ax.set_xlim(shifts[0], shifts[-1])
    # steps of whole per cents, as the labels have no decimals
    ax.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("Shift of the log odds of a worse outcome")
    ax.set_ylabel("Lenders' return a year")
    label_line_ends(ax, list(curves))
    for words, shift in (marks or {}).items():
        ax.axvline(shift, color=PALETTE["grey"], lw=0.9, ls=":")
        ax.text(shift, 0.98, f" {words}", transform=ax.get_xaxis_transform(), fontsize=9, va="top")
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
    ax = axes_of(ax, _WIDTH, 3.2)
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
                fontsize=9,
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
            fontsize=9,
        )
    return ax


def detection_matrix(table, readings, families, ax=None, false_alarm=0.05):
    """Share of platforms noticed, cause by instrument; instruments in rows, grouped by family.

    Parameters
    ----------
    table : pandas.DataFrame
        ``cause, reading, share`` at one dose.
    readings : sequence of str
        Rows, in order.
    families : dict
        Reading -> family.
    ax : matplotlib.axes.Axes, optional
    false_alarm : float
        Rate at which all instruments cry wolf; shares near it are drawn pale.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 0.27 * len(readings) + 1.3)
    causes = [cause for cause in CAUSE_WORDS if cause in set(table["cause"])]
    wide = table.pivot(index="reading", columns="cause", values="share").loc[list(readings), causes]
    values = wide.to_numpy()
    ax.imshow(values, cmap=_SHARES, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(values):
        strong = share > 2.5 * false_alarm
        colour = ink_on(_SHARES(share)) if strong else PALETTE["grey"]
        ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=9, color=colour)
    ax.xaxis.tick_top()
    ax.set_xticks(
        range(len(causes)),
        [CAUSE_WORDS[cause] for cause in causes],
        fontsize=9,
        rotation=30,
        ha="left",
        rotation_mode="anchor",
    )
    ax.set_yticks(range(len(readings)), readings, fontsize=9)
    names = [families[reading] for reading in readings]
    for row in range(1, len(names)):
        if names[row] != names[row - 1]:
            ax.axhline(row - 0.5, color=PALETTE["black"], lw=1)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    for name in dict.fromkeys(names):
        rows = [row for row, other in enumerate(names) if other == name]
        ax.text(
            1.02,
            np.mean(rows),
            name,
            transform=ax.get_yaxis_transform(),
            fontsize=9,
            va="center",
            color=PALETTE["black"],
            style="italic",
        )
    return ax


def time_to_detection(table, families, axes=None, horizon=24):
    """Median month of the first alarm by dose, one panel a cause, one line a family.

    Parameters
    ----------
    table : pandas.DataFrame
        ``cause, dose, reading, median_month``; a missing month means that fewer than half were noticed.
    families : sequence of str
        Readings drawn.
    axes : sequence of matplotlib.axes.Axes, optional
        One for each cause.
    horizon : int
        Months watched; what fewer than half noticed is drawn below the dotted line, in the row "not".

    Returns
    -------
    sequence of matplotlib.axes.Axes
    """
    causes = [cause for cause in CAUSE_WORDS if cause in set(table["cause"]) and cause != "healthy"]
    if axes is None:
        axes = plt.subplots(len(causes), 1, figsize=(4.8, 1.25 * len(causes) + 0.9), sharex=True, sharey=True)[1]
    marks = {family: mark_of("instrument", family) for family in families}
    colours, markers = ({family: mark[place] for family, mark in marks.items()} for place in (0, 1))
    doses = sorted(table.loc[table["cause"] != "healthy", "dose"].unique())
    x = np.arange(len(doses))
    for ax, cause in zip(axes, causes, strict=True):
        for shift, family in zip(np.linspace(-0.12, 0.12, len(families)), families, strict=True):
            part = table[(table["cause"] == cause) & (table["reading"] == family)].set_index("dose").loc[doses]
            month = part["median_month"].to_numpy()
            seen = ~np.isnan(month)
            ax.plot(
                x[seen] + shift, month[seen], color=colours[family], marker=markers[family], ms=5, lw=1.2, label=family
            )
            ax.plot(
                x[~seen] + shift,
                np.full((~seen).sum(), horizon + 5),
                color=colours[family],
                marker=markers[family],
                ms=5,
                lw=0,
                mfc="white",
            )
        ax.axhline(horizon + 1.5, color=PALETTE["grey"], lw=0.8, ls=":")
        ax.set_title(CAUSE_WORDS[cause], fontsize=9)
        ax.set_ylim(horizon + 8, -1)
        ax.set_yticks([1, 8, 16, 24, horizon + 5], ["1", "8", "16", "24", "not"], fontsize=9)
    axes[len(causes) // 2].set_ylabel("Median month of the first alarm")
    axes[-1].set_xticks(x, [f"{dose:g}" for dose in doses])
    axes[-1].set_xlabel("Dose")
    lines = [plt.Line2D([], [], color=colours[name], marker=markers[name], label=name) for name in families]
    axes[0].figure.legend(lines, list(families), loc="outside upper center", ncol=4, fontsize=9)
    return axes


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
        ax.text(1.45, y + 0.45, part.station, ha="center", va="center", fontsize=10, weight="bold", color="white")
        ax.text(3.1, y + 0.80, textwrap.fill(part.question, 40), va="top", fontsize=9, style="italic")
        ax.text(3.1, y + 0.62, textwrap.fill(part.output, 40), va="top", fontsize=9, linespacing=1.05)
        ax.text(3.1, y + 0.03, part.owner, va="bottom", fontsize=9, color=PALETTE["grey"])
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
        -0.38,
        count / 2,
        "what was learned goes back",
        rotation=90,
        ha="center",
        va="center",
        fontsize=9,
        color=PALETTE["orange"],
    )
    return ax
