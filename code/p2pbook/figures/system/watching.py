"""Figures of watching a portfolio: vintages, stability, calibration, migrations."""

import matplotlib.pyplot as plt
import numpy as np

from p2pbook.figures import NARROW
from p2pbook.figures.colours import SHARES
from p2prisk.figures.colours import PALETTE, TINTS, ink_on, ordered_colours
from p2prisk.figures.style import axes_of, label_line_ends, percents


def _month_axis(ax, months, every=3):
    months = list(months)
    places = np.arange(0, len(months), every)
    ax.set_xticks(places, [months[place] for place in places], rotation=45, ha="right")


def vintages(curves, ax=None, event="charged off", named=None):
    """Cumulative share of failed loans by age, one line a vintage, named at its end.

    Parameters
    ----------
    curves : pandas.DataFrame
        ``vintage, age, share`` and, for the band, ``low, high``.
    ax : matplotlib.axes.Axes, optional
    event : str
        What the loans failed by, for the axis.
    named : sequence of str, optional
        Vintages with band and name; the others are thin and grey. By default all. The first one is that of the finding:
        it is orange, the thickest, and lies above the others, which are shades from early to late.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, NARROW, 3.4)
    names = list(dict.fromkeys(curves["vintage"]))
    shown = names if named is None else [name for name in names if name in named]
    colours = dict(zip(shown, ordered_colours(len(shown), "time"), strict=True))
    found = named[0] if named else None
    if found in colours:
        colours[found] = PALETTE["orange"]
    for name in [*shown, *(name for name in names if name not in shown)]:
        part = curves[curves["vintage"] == name]
        if name in colours:
            width, above = (2.8, 2.7) if name == found else (1.8, 2.5)
            ax.plot(part["age"], part["share"], color=colours[name], lw=width, zorder=above)
            ax.fill_between(part["age"], part["low"], part["high"], color=colours[name], alpha=0.14, lw=0)
        else:
            ax.plot(part["age"], part["share"], color=PALETTE["grey"], lw=0.7, zorder=1.5)
    ax.set_xlim(0, curves["age"].max())
    ax.set_ylim(0, None)
    percents(ax.yaxis)
    ax.set_xlabel("Months since issue")
    ax.set_ylabel(f"Loans {event}")
    halves = {"01": "H1 ", "07": "H2 "} if {name[5:] for name in names} == {"01", "07"} else {"01": ""}
    label_line_ends(ax, [f"{halves[name[5:]]}{name[:4]}" if name[5:] in halves else name for name in shown])
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
    ax = axes_of(ax, NARROW, 0.27 * len(forecast) + 1.0)
    y = np.arange(len(forecast))[::-1]
    ax.hlines(y, forecast["low"], forecast["high"], color=TINTS["sky"], lw=5, alpha=0.8)
    ax.plot(forecast["forecast"], y, "|", color=PALETTE["blue"], ms=9, mew=2, label="forecast, 90 % interval")
    ax.plot(actual.reindex(forecast["vintage"]), y, "o", color=PALETTE["orange"], ms=5, label="what came")
    ax.set_yticks(y, forecast["vintage"])
    ax.set_xlim(0, None)
    percents(ax.xaxis)
    ax.set_xlabel(f"Loans charged off by month {age}")
    ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncol=2)
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
    ax = axes_of(ax, NARROW, 3.5)
    wide = result.pivot(index="month", columns="variable", values="psi")
    x = np.arange(len(wide))
    colours = [PALETTE[name] for name in ("orange", "blue", "green", "purple")]
    for name, colour in zip(variables, colours, strict=False):
        ax.plot(x, wide[name], color=colour)
    for name in wide.columns.difference(list(variables)):
        ax.plot(x, wide[name], color=PALETTE["grey"], lw=0.7, alpha=0.6)
    ax.axhline(0.10, color=PALETTE["black"], lw=1, ls="--")
    ax.text(1.01, 0.10, "material", transform=ax.get_yaxis_transform(), va="center")
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
    ax = axes_of(ax, NARROW, 3.2)
    x = np.arange(len(drift))
    ax.axhline(0, color=PALETTE["black"], lw=1)
    ax.vlines(x, drift["shift_low"], drift["shift_high"], color=TINTS["sky"], lw=3)
    ax.plot(x, drift["shift"], "o", color=PALETTE["blue"], ms=4)
    _month_axis(ax, drift["period"])
    ax.set_ylabel("Shift of log odds")
    ax.text(0.99, 0.97, "worse than forecast", transform=ax.transAxes, ha="right", va="top")
    ax.text(0.99, 0.03, "better than forecast", transform=ax.transAxes, ha="right", va="bottom")
    low, high = drift["shift_low"].min(), drift["shift_high"].max()
    ax.set_ylim(min(low, -0.3) * 1.15, max(high, 0.3) * 1.8)
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
    ax = axes_of(ax, NARROW, 3.4)
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
    ax = axes_of(ax, NARROW, 0.42 * len(table) + 0.9)
    values = table.to_numpy(dtype=float)
    ax.imshow(np.nan_to_num(values), cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    for row, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
        share = values[row, column]
        text = "0" if share == 0 else f"{100 * share:.{digits}f}"
        ax.text(column, row, text, ha="center", va="center", color=ink_on(SHARES(share)))
    for row in np.flatnonzero(np.isnan(values).all(axis=1)):
        ax.text((values.shape[1] - 1) / 2, row, "no loan", ha="center", va="center", color=PALETTE["grey"])
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
        axes = plt.subplots(len(states), 1, figsize=(NARROW, 1.75 * len(states) + 0.3), sharex=True)[1]
    for ax, state in zip(axes, states, strict=True):
        part = checked[checked["state"] == state]
        ax.fill_between(part["step"], part["low"], part["high"], color=TINTS["sky"], alpha=0.5, lw=0)
        ax.plot(part["step"], part["expected"], color=PALETTE["blue"])
        ax.plot(part["step"], part["observed"], "o", color=PALETTE["orange"], ms=5)
        ax.set_title(state)
        ax.set_ylabel("Loans")
    axes[-1].set_xlabel("Months after the forecast")
    axes[0].text(0.98, 0.95, "band: 95 % interval; dots: what came", transform=axes[0].transAxes, ha="right", va="top")
    return axes
