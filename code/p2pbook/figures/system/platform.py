"""Figures of the platform's own conduct: what is detected, and when."""

import numpy as np

from p2pbook.figures import NARROW
from p2pbook.figures.colours import SHARES
from p2pbook.words import CAUSE_WORDS
from p2prisk.figures.colours import PALETTE, ink_on
from p2prisk.figures.style import axes_of


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
    ax = axes_of(ax, NARROW, 0.235 * len(readings) + 1.2)
    causes = [cause for cause in CAUSE_WORDS if cause in set(table["cause"])]
    wide = table.pivot(index="reading", columns="cause", values="share").loc[list(readings), causes]
    values = wide.to_numpy()
    ax.imshow(values, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(values):
        strong = share > 2.5 * false_alarm
        colour = ink_on(SHARES(share)) if strong else PALETTE["grey"]
        ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour)
    _name_causes(ax, causes)
    ax.set_yticks(range(len(readings)), readings)
    _name_groups(ax, [families[reading] for reading in readings])
    return ax


def time_to_detection(table, families, ax=None, horizon=24):
    """Median month of the first alarm, cause by family of instruments and dose.

    Parameters
    ----------
    table : pandas.DataFrame
        ``cause, dose, reading, median_month``; a missing month means that fewer than half were noticed.
    families : sequence of str
        Readings drawn, a group of rows each.
    ax : matplotlib.axes.Axes, optional
    horizon : int
        Months watched; the later the alarm, the paler its cell.

    Returns
    -------
    matplotlib.axes.Axes
    """
    causes = [cause for cause in CAUSE_WORDS if cause in set(table["cause"]) and cause != "healthy"]
    doses = sorted(table.loc[table["cause"] != "healthy", "dose"].unique())
    wide = table.pivot(index=["reading", "dose"], columns="cause", values="median_month")
    months = wide.loc[[(family, dose) for family in families for dose in doses], causes].to_numpy()
    ax = axes_of(ax, NARROW, 0.225 * len(months) + 1.2)
    early = np.where(np.isnan(months), 0, 0.9 * (1 - months / (horizon + 1)) + 0.1)
    ax.imshow(early, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    for (row, column), month in np.ndenumerate(months):
        colour = PALETTE["grey"] if np.isnan(month) else ink_on(SHARES(early[row, column]))
        words = "not" if np.isnan(month) else f"{month:g}"
        ax.text(column, row, words, ha="center", va="center", color=colour)
    _name_causes(ax, causes)
    ax.set_yticks(range(len(months)), [f"dose {dose:g}" for _ in families for dose in doses])
    _name_groups(ax, [family for family in families for _ in doses])
    return ax


def _name_causes(ax, causes):
    ax.xaxis.tick_top()
    ax.set_xticks(
        range(len(causes)), [CAUSE_WORDS[cause] for cause in causes], rotation=30, ha="left", rotation_mode="anchor"
    )


def _name_groups(ax, names):
    """Name the groups of rows at the right of a matrix, with a line between them."""
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
            va="center",
            color=PALETTE["black"],
            style="italic",
        )
