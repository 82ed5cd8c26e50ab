"""Figures of the checks: what `assumptions`, `effects` and `validation` return, drawn.

Each function takes the frame that the study function of its name returned, accepts ``ax=`` and returns the Axes:
`slope_plot`, `residual_plot`, `qq_plot`, `reliability_plot`, `power_plot`.
"""

import re

import numpy as np

from p2prisk.figures.colours import PALETTE, TINTS
from p2prisk.figures.style import axes_of, label_line_ends, percents

_WIDTH = 5.4
_SERIES = [PALETTE[name] for name in ("blue", "orange", "green", "purple", "black", "amber", "grey", "blue")]
_MARKERS = "osD^vPX*"


def slope_plot(
    slopes, columns=None, labels=None, standardised=True, ax=None, xlabel="Cut (worse than the left category)"
):
    """Slope of each column at every cut beside the common slope.

    Parameters
    ----------
    slopes : pandas.DataFrame
        From :func:`p2prisk.assumptions.slopes_by_threshold`.
    columns : sequence of str, optional
        Columns to draw; by default the five that depart most, in standard deviations.
    labels : dict, optional
        Printed name of a column.
    standardised : bool
        Slopes for one standard deviation of the column (then comparable), or for one unit.
    ax : matplotlib.axes.Axes, optional
    xlabel : str

    Returns
    -------
    matplotlib.axes.Axes
        Solid lines with intervals: slope by cut; dashed: the common slope that the model assumes.
    """
    ax = axes_of(ax, _WIDTH, 3.8)
    if columns is None:
        gap = (slopes["difference"].abs() * slopes["spread"]).groupby(slopes["column"]).max()
        columns = gap.sort_values(ascending=False).index[:5]
    labels = labels or {}
    cuts = list(dict.fromkeys(slopes["cut"]))
    names = []
    for place, column in enumerate(columns):
        part = slopes[slopes["column"] == column].set_index("cut").loc[cuts]
        unit = part["spread"] if standardised else 1.0
        x = np.arange(len(cuts)) + (place - (len(columns) - 1) / 2) * 0.06
        colour = _SERIES[place % len(_SERIES)]
        ax.plot(x, part["slope"] * unit, color=colour, marker=_MARKERS[place % 8], markersize=5)
        names.append(labels.get(column, column))
    for place, column in enumerate(columns):
        part = slopes[slopes["column"] == column].set_index("cut").loc[cuts]
        unit = part["spread"] if standardised else 1.0
        x = np.arange(len(cuts)) + (place - (len(columns) - 1) / 2) * 0.06
        colour = _SERIES[place % len(_SERIES)]
        ax.vlines(x, part["ci_low"] * unit, part["ci_high"] * unit, color=colour, lw=1.2)
        common = (part["common"] * unit).iloc[0]
        ax.hlines(common, -0.3, len(cuts) - 0.7, color=colour, lw=1, ls="--", alpha=0.7)
    ax.axhline(0, color=PALETTE["grey"], lw=0.8)
    ax.set_xticks(range(len(cuts)), cuts)
    ax.set_xlim(-0.4, len(cuts) - 0.6)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("Log-odds per standard deviation" if standardised else "Log-odds per unit")
    return label_line_ends(ax, names)


def residual_plot(trend, label=None, ax=None):
    """Mean surrogate residual along a predictor; a flat line at the centre is what the model promises.

    Parameters
    ----------
    trend : pandas.DataFrame
        From :func:`p2prisk.assumptions.surrogate_by_predictor`.
    label : str, optional
        Name of the predictor, with its unit.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 3.2)
    ax.axhline(trend.attrs.get("centre", 0.0), color=PALETTE["grey"], lw=1)
    ax.vlines(trend["value"], trend["ci_low"], trend["ci_high"], color=PALETTE["blue"], lw=1.2)
    ax.plot(trend["value"], trend["mean"], color=PALETTE["blue"], marker="o", ms=4, lw=1)
    ax.set_xlabel(label or trend.attrs.get("column", "Predictor"))
    ax.set_ylabel("Mean surrogate residual (log-odds)")
    return ax


def qq_plot(quantiles, ax=None):
    """Quantiles of the surrogate residuals against those of the link's distribution.

    Parameters
    ----------
    quantiles : pandas.DataFrame
        From :func:`p2prisk.assumptions.surrogate_quantiles`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The band holds 95 % of the quantiles, point by point, when the model is right.
    """
    ax = axes_of(ax, 4.4, 3.8)
    theory = quantiles["theoretical"]
    ax.fill_between(theory, quantiles["low"], quantiles["high"], color=TINTS["sky"], alpha=0.35, lw=0)
    ax.plot(theory, theory, color=PALETTE["grey"], lw=1)
    ax.plot(theory, quantiles["observed"], ls="none", marker="o", ms=3, color=PALETTE["blue"])
    ax.set_xlabel("Quantile of the error distribution")
    ax.set_ylabel("Quantile of the surrogate residuals")
    return ax


def reliability_plot(table, labels=None, ax=None):
    """Observed against predicted rates, with Jeffreys intervals; calibrated forecasts lie on the diagonal.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`p2prisk.validation.reliability_table` or ``reliability_by_cut``.
    labels : dict, optional
        Printed name of a cut.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 4.8, 4.2)
    top = float(max(table["predicted"].max(), table["ci_high"].max())) * 1.04
    cuts = list(dict.fromkeys(table["cut"])) if "cut" in table else [None]
    for place, cut in enumerate(cuts):
        part = table if cut is None else table[table["cut"] == cut]
        colour = _SERIES[place % 8]
        ax.vlines(part["predicted"], part["ci_low"], part["ci_high"], color=colour, lw=1.1)
        ax.plot(
            part["predicted"],
            part["observed"],
            color=colour,
            marker=_MARKERS[place % 8],
            ms=4.5,
            lw=1,
            label=None if cut is None else (labels or {}).get(cut, cut),
        )
    ax.plot([0, top], [0, top], color=PALETTE["grey"], lw=0.8)
    ax.set(xlim=(0, top), ylim=(0, top), xlabel="Predicted rate", ylabel="Observed rate")
    for axis in (ax.xaxis, ax.yaxis):
        percents(axis)
    if len(cuts) > 1:
        ax.legend(title="Cut", loc="upper left")
    return ax


def power_plot(power, level=0.05, ax=None):
    """Share of simulated samples that each test rejects, by the size of the departure.

    Tests whose names begin with the same word are of one colour, the second of them dashed.

    Parameters
    ----------
    power : pandas.DataFrame
        Columns ``test, departure, share, ci_low, ci_high`` of one scenario of
        :func:`p2pbook.power.power_study`.
    level : float
        Level of the tests, drawn as a line.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 6.8, 4.4)
    names = list(dict.fromkeys(power["test"]))
    kinds = [re.split("[ ,]", name)[0] for name in names]
    order = list(dict.fromkeys(kinds))
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        part = power[power["test"] == name].sort_values("departure")
        colour = _SERIES[order.index(kind) % len(_SERIES)]
        ax.plot(
            part["departure"],
            part["share"],
            color=colour,
            marker=_MARKERS[place % len(_MARKERS)],
            ms=4.5,
            ls="--" if kind in kinds[:place] else "-",
        )
        ax.vlines(part["departure"], part["ci_low"], part["ci_high"], color=colour, lw=1)
    ax.axhline(level, color=PALETTE["grey"], lw=0.9, ls="--")
    ax.set_ylim(0, 1.02)
    percents(ax.yaxis)
    ax.set_xlabel("Size of the departure (log-odds)")
    ax.set_ylabel("Samples rejected at the 5 % level")
    return label_line_ends(ax, names)
