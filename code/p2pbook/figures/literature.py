"""Pictures of the literature: who finds which sign."""

import matplotlib.pyplot as plt

from p2pbook.figures.colours import MARKS, mark_of
from p2prisk.figures.colours import PALETTE, TINTS, ink_on

_VERDICT = {"opposite signs": PALETTE["black"], "sign against no effect": PALETTE["black"]}

_STEP = 0.62  # distance of two marks of the same column, in the unit of the x axis

_CENTRES = {"-": -2.4, "0": 0.0, "+": 2.4}

_UNSTATED = 5.3

_HALF_WIDTHS = {"-": 1.4, "0": 0.75, "+": 1.4, "?": 1.25}


def sign_agreement(signs, agreement, ax=None):
    """Draw each finding of the sign table as a mark in the column of its sign, one line a variable.

    Parameters
    ----------
    signs : pandas.DataFrame
        The sign table: columns ``variable``, ``country``, ``sign``.
    agreement : pandas.DataFrame
        What :func:`p2pbook.literature.agreement` made of it: index of variables, ``group``, ``unstated``,
        ``verdict``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(5.3, 7.3))
    line, level, ticks, last_group = 0.0, {}, [], None
    for variable, group in agreement["group"].items():
        if group != last_group:
            line += 1.0 if last_group is None else 1.35
            ax.text(
                -3.8,
                line - 0.75,
                group,
                ha="left",
                va="center",
                fontweight="bold",
                color=PALETTE["grey"],
                clip_on=False,
            )
            last_group = group
        level[variable] = line
        ticks.append(line)
        line += 1.0
    for sign, width in _HALF_WIDTHS.items():
        centre = _CENTRES.get(sign, _UNSTATED)
        ax.axvspan(centre - width, centre + width, color=TINTS["mist"], zorder=0)
    for variable, rows in signs.groupby("variable", sort=False):
        for sign, centre in _CENTRES.items():
            found = rows[rows["sign"] == sign].sort_values("country", ascending=False)
            for position, country in enumerate(found["country"]):
                x = centre + (position - (len(found) - 1) / 2) * _STEP
                colour, marker = mark_of("country", country)
                ax.plot(x, level[variable], marker=marker, color=colour, markersize=6, linestyle="none")
        unstated = rows[rows["sign"] == "?"].sort_values("country", ascending=False)
        for position, country in enumerate(unstated["country"]):
            x = _UNSTATED + (position - (len(unstated) - 1) / 2) * _STEP
            colour, marker = mark_of("country", country)
            ax.plot(
                x,
                level[variable],
                marker=marker,
                markeredgecolor=colour,
                markerfacecolor="white",
                markersize=5.5,
                linestyle="none",
            )
    labels = []
    for variable, verdict in agreement["verdict"].items():
        labels.append(variable + ("  ≠" if verdict == "opposite signs" else ""))
    ax.set_yticks(ticks, labels)
    for label, verdict in zip(ax.get_yticklabels(), agreement["verdict"], strict=True):
        if verdict in _VERDICT:
            label.set_fontweight("bold")
    ax.set_ylim(line - 0.2, -0.35)
    ax.set_xlim(-3.85, 6.6)
    ax.xaxis.tick_top()
    ax.set_xticks([*_CENTRES.values(), _UNSTATED], ["safer", "no\neffect", "riskier", "relevant,\nno sign\nstated"])
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for position, country in enumerate(MARKS["country"]):
        colour, marker = mark_of("country", country)
        x = (-3.6, 0.9, 3.5)[position]
        ax.plot(x, line + 0.75, marker=marker, color=colour, markersize=7, clip_on=False)
        ax.annotate(
            country,
            (x, line + 0.75),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    return ax


#: who bears the loss stands out; whose money or word it is tints the rest
_ROLE = {
    **dict.fromkeys(("bank", "insurance", "margin"), TINTS["sky"]),
    **dict.fromkeys(("platform", "fees"), TINTS["sand"]),
    "lender": mark_of("party", "lender")[0],
}


def who_bears(roles, columns, ax=None):
    """Draw who does what, and who loses, in several forms of lending: one cell a task and form.

    Parameters
    ----------
    roles : pandas.DataFrame
        Column ``task`` and one column a form of lending; entries are ``bank``, ``insurance``, ``margin``,
        ``platform``, ``fees`` or ``lender``.
    columns : dict
        From column of `roles` to its printed heading, in order of drawing.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 3.3))
    for row, task in enumerate(roles.itertuples(index=False)):
        for column, name in enumerate(columns):
            actor = getattr(task, name)
            dark = actor == "lender"
            ax.add_patch(plt.Rectangle((column + 0.03, row + 0.06), 0.94, 0.88, color=_ROLE[actor]))
            ax.text(
                column + 0.5,
                row + 0.5,
                actor,
                ha="center",
                va="center",
                color=ink_on(_ROLE[actor]),
                fontweight="bold" if dark else "normal",
            )
    ax.set_xlim(0, len(columns))
    ax.set_ylim(len(roles), 0)
    ax.set_yticks([row + 0.5 for row in range(len(roles))], roles["task"])
    ax.set_xticks([column + 0.5 for column in range(len(columns))], list(columns.values()))
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax
