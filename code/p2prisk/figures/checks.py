"""Figures of the checks: what `assumptions`, `effects` and `validation` return, drawn.

Each function takes the frame that the study function of its name returned, accepts ``ax=`` and returns the Axes:
`slope_plot`, `residual_plot`, `qq_plot`, `spline_plot`, `effect_plot`, `roc_plot`, `cap_plot`, `reliability_plot`,
`stability_plot`, `forest_plot`, `power_plot`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from p2prisk.figures.style import PALETTE, label_line_ends, ordered_colours

_WIDTH = 5.4
_SERIES = [PALETTE[name] for name in ("blue", "orange", "green", "purple", "sky", "amber", "grey", "black")]
_MARKERS = "osD^vPX*"


def _axes(ax, height=3.8, width=_WIDTH):
    return plt.subplots(figsize=(width, height))[1] if ax is None else ax


def _named(frames):
    return frames if isinstance(frames, dict) else {"": frames}


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
    ax = _axes(ax)
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
    ax = _axes(ax, 3.2)
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
    ax = _axes(ax, 3.8, 4.4)
    theory = quantiles["theoretical"]
    ax.fill_between(theory, quantiles["low"], quantiles["high"], color=PALETTE["sky"], alpha=0.35, lw=0)
    ax.plot(theory, theory, color=PALETTE["grey"], lw=1)
    ax.plot(theory, quantiles["observed"], ls="none", marker="o", ms=3, color=PALETTE["blue"])
    ax.set_xlabel("Quantile of the error distribution")
    ax.set_ylabel("Quantile of the surrogate residuals")
    return ax


def spline_plot(curve, label=None, ax=None):
    """A predictor's fitted line and fitted spline.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`p2prisk.assumptions.spline_curve`.
    label : str, optional
        Name of the predictor, with its unit.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 3.2)
    ax.plot(curve["value"], curve["spline"], color=PALETTE["blue"])
    ax.plot(curve["value"], curve["line"], color=PALETTE["orange"], ls="--")
    ax.fill_between(curve["value"], curve["ci_low"], curve["ci_high"], color=PALETTE["blue"], alpha=0.2, lw=0)
    ax.set_xlabel(label or "Predictor")
    ax.set_ylabel("Log-odds, zero at the median")
    return label_line_ends(ax, ["spline", "line"])


def effect_plot(effects, labels=None, ax=None):
    """Average marginal effects of every predictor on every class.

    Parameters
    ----------
    effects : pandas.DataFrame
        From :func:`p2prisk.effects.average_marginal_effects`.
    labels : dict, optional
        Printed name of a term, or of a ``(term, contrast)``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        One row a predictor, one mark a class, light (safe) to dark (bad).
    """
    keys = list(dict.fromkeys(zip(effects["term"], effects["contrast"], strict=True)))
    categories = list(dict.fromkeys(effects["category"]))
    ax = _axes(ax, 0.8 + 0.42 * len(keys))
    labels = labels or {}
    names = []
    for term, contrast in keys:
        plain = term if contrast in ("derivative", "1 - 0") else f"{term}: {contrast}"
        names.append(labels.get((term, contrast), labels.get(term, plain)))
    colours = ordered_colours(len(categories))
    for place, (category, colour) in enumerate(zip(categories, colours, strict=True)):
        part = effects[effects["category"] == category].set_index(["term", "contrast"]).loc[keys]
        y = np.arange(len(keys)) + (place - (len(categories) - 1) / 2) * 0.7 / len(categories)
        ax.hlines(y, part["ci_low"], part["ci_high"], color=colour, lw=1.6)
        ax.plot(
            part["effect"],
            y,
            ls="none",
            marker=_MARKERS[place % 8],
            ms=5,
            color=colour,
            markeredgecolor="#444444",
            markeredgewidth=0.4,
            label=str(category),
        )
    ax.axvline(0, color=PALETTE["grey"], lw=0.8)
    ax.set_yticks(range(len(keys)), names)
    ax.set_ylim(len(keys) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    ax.set_xlabel("Effect on the probability of a class (points)")
    ax.legend(title="Class", loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def roc_plot(curves, ax=None):
    """ROC curves.

    Parameters
    ----------
    curves : pandas.DataFrame or dict of name to DataFrame
        From :func:`p2prisk.validation.roc_curve`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 4.2, 4.6)
    curves = _named(curves)
    for place, (name, curve) in enumerate(curves.items()):
        ax.plot(
            curve["false_positive_rate"],
            curve["true_positive_rate"],
            color=_SERIES[place % 8],
            label=name,
            ls=["-", "--", "-.", ":"][place % 4],
        )
    ax.plot([0, 1], [0, 1], color=PALETTE["grey"], lw=0.8)
    return _unit_square(ax, "Good loans refused", "Bad loans refused", len(curves))


def cap_plot(curves, ax=None):
    """Cumulative accuracy profiles, with the perfect one.

    Parameters
    ----------
    curves : pandas.DataFrame or dict of name to DataFrame
        From :func:`p2prisk.validation.cap_curve`, of the same loans.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 4.2, 4.6)
    curves = _named(curves)
    for place, (name, curve) in enumerate(curves.items()):
        ax.plot(
            curve["share_of_loans"],
            curve["share_of_events"],
            color=_SERIES[place % 8],
            label=name,
            ls=["-", "--", "-.", ":"][place % 4],
        )
    rate = next(iter(curves.values())).attrs.get("event_rate")
    if rate is not None:
        ax.plot([0, rate, 1], [0, 1, 1], color=PALETTE["black"], lw=0.8, ls=":", label="perfect")
    ax.plot([0, 1], [0, 1], color=PALETTE["grey"], lw=0.8)
    return _unit_square(ax, "Loans, worst score first", "Bad loans among them", len(curves) + 1)


def _unit_square(ax, xlabel, ylabel, entries):
    ax.set(xlim=(0, 1), ylim=(0, 1.005), xlabel=xlabel, ylabel=ylabel, aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if entries > 1:
        ax.legend(loc="lower right", fontsize=9)
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
    ax = _axes(ax, 4.2, 4.8)
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
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if len(cuts) > 1:
        ax.legend(title="Cut", loc="upper left", fontsize=9)
    return ax


def stability_plot(table, labels=None, ax=None):
    """Population stability index of each variable beside its sampling threshold and the rule of thumb.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`p2prisk.validation.stability_table`.
    labels : dict, optional
        Printed name of a variable.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax, 0.9 + 0.27 * len(table))
    y = np.arange(len(table))
    colours = [PALETTE["orange"] if row.psi > row.threshold else PALETTE["sky"] for row in table.itertuples()]
    ax.barh(y, table["psi"], color=colours, height=0.62)
    ax.plot(
        table["threshold"],
        y,
        ls="none",
        marker="|",
        ms=11,
        mew=2,
        color=PALETTE["black"],
        label="95 % of unchanged samples lie below",
    )
    for at, word in ((0.10, "watch"), (0.25, "shifted")):
        if at < 1.3 * table["psi"].max():
            ax.axvline(at, color=PALETTE["grey"], lw=0.9, ls="--")
            ax.text(at, -0.75, f" {word}", color=PALETTE["grey"], fontsize=8, va="center")
    ax.set_yticks(y, [(labels or {}).get(name, name) for name in table.index])
    ax.set_ylim(len(table) - 0.4, -1.1)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("Population stability index")
    ax.legend(loc="lower right", fontsize=8)
    return ax


def forest_plot(frame, label="choice", by=None, reference=None, xlabel="Log-odds", labels=None, ax=None):
    """Estimates with intervals, one row each: specifications, samples, subgroups.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``estimate, ci_low, ci_high`` and `label`, for instance one term of
        :func:`p2prisk.validation.sensitivity`; or several terms with `by`.
    label : str
        Column with the name of the row.
    by : str, optional
        Column that tells several series apart (term, cut), drawn side by side in each row.
    reference : float, optional
        Where a vertical line is drawn; by default at zero when that is in range.
    xlabel : str
        What is estimated, with its unit.
    labels : dict, optional
        Printed name of a row or a series.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    rows = list(dict.fromkeys(frame[label]))
    series = [None] if by is None else list(dict.fromkeys(frame[by]))
    ax = _axes(ax, 0.9 + max(0.3, 0.16 * len(series)) * len(rows))
    labels = labels or {}
    place = {name: i for i, name in enumerate(rows)}
    for number, name in enumerate(series):
        part = frame if name is None else frame[frame[by] == name]
        y = part[label].map(place).to_numpy(dtype=float) + (number - (len(series) - 1) / 2) * 0.7 / len(series)
        colour = _SERIES[number % 8]
        ax.hlines(y, part["ci_low"], part["ci_high"], color=colour, lw=1.5)
        ax.plot(
            part["estimate"],
            y,
            ls="none",
            marker=_MARKERS[number % 8],
            ms=5,
            color=colour,
            label=None if name is None else labels.get(name, name),
        )
    if reference is None and frame["ci_low"].min() <= 0 <= frame["ci_high"].max():
        reference = 0.0
    if reference is not None:
        ax.axvline(reference, color=PALETTE["grey"], lw=0.9)
    ax.set_yticks(range(len(rows)), [labels.get(name, name) for name in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    if len(series) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def power_plot(power, level=0.05, ax=None):
    """Share of simulated samples that each test rejects, by the size of the departure.

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
    ax = _axes(ax, 4.4, 6.8)
    names = list(dict.fromkeys(power["test"]))
    for place, name in enumerate(names):
        part = power[power["test"] == name].sort_values("departure")
        ax.plot(
            part["departure"],
            part["share"],
            color=_SERIES[place % 8],
            marker=_MARKERS[place % 8],
            ms=4.5,
            ls="-" if place < 8 else "--",
        )
    for place, name in enumerate(names):
        part = power[power["test"] == name]
        ax.vlines(part["departure"], part["ci_low"], part["ci_high"], color=_SERIES[place % 8], lw=1)
    ax.axhline(level, color=PALETTE["grey"], lw=0.9, ls="--")
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("Size of the departure (log-odds)")
    ax.set_ylabel("Samples rejected at the 5 % level")
    return label_line_ends(ax, names)
