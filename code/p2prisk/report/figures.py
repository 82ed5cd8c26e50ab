"""Pictures of the tape edition: the same drawings whatever the tape."""

import numpy as np

from p2prisk.figures.colours import PALETTE, ordered_colours
from p2prisk.figures.forest import forest_plot
from p2prisk.figures.style import axes_of, label_line_ends, percents


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
    ax = axes_of(ax, 7.0, 0.36 * len(table) + 1.1)
    place = np.arange(len(table))[::-1]
    ax.errorbar(
        table["share"],
        place,
        xerr=[table["share"] - table["low"], table["high"] - table["share"]],
        fmt="o",
        color=PALETTE["blue"],
        capsize=2,
    )
    ax.set_yticks(place, [f"{_short(row.level, 36)}  ({row.loans:,d})" for row in table.itertuples()])
    ax.set(ylabel=f"{name} (loans)", xlabel="share of bad loans")
    ax.set_xlim(left=0)
    ax.set_ylim(-0.6, len(table) - 0.4)
    percents(ax.xaxis)
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
    ax = axes_of(ax, 7.0, 3.6)
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
    step = max(1, -(-len(table) // 8))  # more than eight labels run into each other
    ax.set_xticks(place[::step], table["level"][::step])
    ax.xaxis.place_names = dict(zip(map(float, place), table["level"], strict=True))
    ax.set(xlabel="period of issue", ylabel="share of bad loans")
    ax.set_ylim(bottom=0)
    percents(ax.yaxis)
    return ax


def ends(table, ax=None):
    """Share of loans that had defaulted, or were repaid, by age.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`p2prisk.report.ages.incidence`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 3.4)
    ax.step(table["months"], table["repaid"], where="post", color=PALETTE["grey"])
    ax.step(table["months"], table["defaulted"], where="post", color=PALETTE["orange"])
    ax.fill_between(table["months"], table["low"], table["high"], step="post", color=PALETTE["orange"], alpha=0.2, lw=0)
    label_line_ends(ax, ["repaid", "defaulted"])
    return _of_age(ax, "share of the loans")


def vintages(table, ax=None):
    """Share of loans that had defaulted, by age, a line a year of issue, later years darker.

    Parameters
    ----------
    table : pandas.DataFrame
        ``issued``, ``months``, ``defaulted``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, 7.0, 3.6)
    years = list(dict.fromkeys(table["issued"]))[-10:]
    for colour, year in zip(ordered_colours(len(years), "time"), years, strict=True):
        own = table[table["issued"] == year]
        ax.step(own["months"], own["defaulted"], where="post", color=colour)
    label_line_ends(ax, years)
    return _of_age(ax, "share defaulted")


def hazard(table, ax=None):
    """Share of the loans alive that default or are repaid in a month.

    Parameters
    ----------
    table : pandas.DataFrame
        ``age``, ``at_risk``, ``default``, ``repaid``; ages with few loans are not drawn.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    table = table[table["at_risk"] >= max(50, 0.01 * table["at_risk"].max())]
    ax = axes_of(ax, 7.0, 3.2)
    ax.plot(table["age"], table["default"] / table["at_risk"], color=PALETTE["orange"])
    return _of_age(ax, "share of the loans alive")


def _of_age(ax, words):
    ax.set(xlabel="months since issue", ylabel=words)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    percents(ax.yaxis)
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
    ax = axes_of(ax, 7.0, 0.27 * len(table) + 1.0)
    place = np.arange(len(table))[::-1]
    ax.barh(place, table["information value"], color=PALETTE["blue"])
    ax.plot(table["noise"], place, "|", color=PALETTE["black"], markersize=11, markeredgewidth=2)
    ax.set_yticks(place, table["predictor"])
    ax.set_xlabel("information value (black mark: expected from noise alone)")
    ax.grid(axis="y", visible=False)
    return ax


def odds(table, ax=None):
    """Odds ratios with intervals on a logarithmic axis, one row a predictor.

    Parameters
    ----------
    table : pandas.DataFrame
        ``trait``, ``compared``, ``odds_ratio``, ``ci_low``, ``ci_high``, from top to bottom.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    table = table[table["trait"] != "age of the loan"]  # the exposure, no trait
    label = [_short(f"{row.trait}: {row.compared}") for row in table.itertuples()]
    table = table.rename(columns={"ci_low": "low", "ci_high": "high"}).assign(label=label)
    return forest_plot(table, xlabel="odds ratio of a worse class (log scale)", ax=ax)


def _short(text, most=52):
    """A label that leaves room for the picture.

    Examples
    --------
    >>> _short("purpose: renewable energy, against debt consolidation", 30)
    'purpose: renewable energy, ag…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"
