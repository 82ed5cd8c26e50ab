"""Figures of the platform's own conduct: what is detected, and when."""

import matplotlib.pyplot as plt
import numpy as np

from p2pbook.figures import NARROW
from p2pbook.figures.colours import SHARES, mark_of
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
    ax = axes_of(ax, NARROW, 0.27 * len(readings) + 1.3)
    causes = [cause for cause in CAUSE_WORDS if cause in set(table["cause"])]
    wide = table.pivot(index="reading", columns="cause", values="share").loc[list(readings), causes]
    values = wide.to_numpy()
    ax.imshow(values, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(values):
        strong = share > 2.5 * false_alarm
        colour = ink_on(SHARES(share)) if strong else PALETTE["grey"]
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
