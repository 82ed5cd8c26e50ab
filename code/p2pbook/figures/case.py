"""Figures of the industry and of Net Credit Group.

All of them are narrow and tall rather than wide, so that their words can still be read on a telephone.
"""

import textwrap
from functools import partial

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from p2pbook.figures.colours import mark_of
from p2prisk.figures.colours import PALETTE, TINTS
from p2prisk.figures.narrow import WIDTH, redraw
from p2prisk.figures.style import axes_of, per_cent, percents

_WIDTH = 4.8


def _whole(value, _=None):
    return f"{value:,.0f}"


def _date_words(date, month="%B"):
    """A date as precise as it is known: 2019, July 2019, 4 July 2019."""
    parts = date.split("-")
    if len(parts) == 1:
        return parts[0]
    month = pd.Timestamp(year=2000, month=int(parts[1]), day=1).strftime(month)
    return f"{month} {parts[0]}" if len(parts) == 2 else f"{int(parts[2])} {month} {parts[0]}"


def timeline(events, ax=None, stretch=None, width=38, slim=False):
    """Events on a vertical time axis, each with its words beside it.

    Parameters
    ----------
    events : pandas.DataFrame
        Columns ``date`` (year, year-month or ISO date), ``kind``, ``event``, in order of time.
    ax : matplotlib.axes.Axes, optional
    stretch : tuple of (str, str, float), optional
        First day, last day and share of the axis given to a stretch that is drawn at a larger scale; it is shaded.
    width : int
        Characters a line of the words.
    slim : bool
        Whether the words stand below their date and not beside it, as a narrow screen asks; it is drawn so there.

    Returns
    -------
    matplotlib.axes.Axes
    """
    labels = [
        (_date_words(str(date), "%b"), textwrap.wrap(event, width))
        for date, event in zip(events["date"], events["event"], strict=True)
    ]
    heights = np.array([len(lines) + slim + 0.55 for _, lines in labels])
    ax = axes_of(ax, _WIDTH, 0.165 * heights.sum() + 0.5)
    if not slim:
        below = partial(timeline, events, stretch=stretch, width=42, slim=True)
        redraw(ax, below, 0.165 * (heights.sum() + len(labels)) + 0.5)
    left = _WIDTH / WIDTH if slim else 1  # years and dates keep their size
    days = mdates.date2num(
        pd.to_datetime(
            events["date"].astype(str).map(lambda d: (d + "-01-01")[:10] if len(d) == 4 else (d + "-01")[:10])
        )
    )
    first, last = pd.Timestamp(mdates.num2date(days.min())).year, pd.Timestamp(mdates.num2date(days.max())).year
    start, end = (mdates.date2num(pd.Timestamp(year=year, month=1, day=1)) for year in (first, last + 1))
    knots, places = [start, end], [0.0, 1.0]
    if stretch is not None:
        low, high = (mdates.date2num(pd.Timestamp(day)) for day in stretch[:2])
        rest = (1 - stretch[2]) / ((low - start) + (end - high))
        knots, places = [start, low, high, end], [0.0, rest * (low - start), 1 - rest * (end - high), 1.0]
        ax.axhspan(places[1], places[2], xmax=0.115 * left, color=TINTS["mist"], lw=0)
    y = np.interp(days, knots, places)
    tops = np.concatenate([[0.0], np.cumsum(heights)[:-1]]) / heights.sum()
    ax.plot([0.1 * left] * 2, [0, 1], color=PALETTE["grey"], lw=1.2)
    last_tick = -1.0
    for year in range(first, last + 2):
        place = np.interp(mdates.date2num(pd.Timestamp(year=year, month=1, day=1)), knots, places)
        if place - last_tick > 0.018:
            ax.plot([0.085 * left, 0.1 * left], [place, place], color=PALETTE["grey"], lw=1)
            ax.text(0.075 * left, place, str(year), ha="right", va="center", color=PALETTE["grey"])
            last_tick = place
    step = 1 / heights.sum()
    for (date, lines), kind, at, top in zip(labels, events["kind"], y, tops, strict=True):
        colour = mark_of("event", kind)[0]
        ax.plot(left * np.array([0.1, 0.145, 0.175]), [at, top + 0.5 * step, top + 0.5 * step], color=colour, lw=0.8)
        ax.plot(0.1 * left, at, "o", color=colour, ms=5, zorder=3)
        ax.text(0.185 * left, top + 0.5 * step, date, va="center", weight="bold", color=colour)
        for i, line in enumerate(lines):
            ax.text(
                0.185 * left if slim else 0.39, top + (i + slim + 0.5) * step, line, va="center", color=PALETTE["black"]
            )
    ax.set(xlim=(0, 1), ylim=(1.02, -0.02))
    ax.axis("off")
    return ax


def industry_series(segments, unit, ax=None, title="", legend=False):
    """One year series of the industry; nothing is joined across a change of tracker or a restatement.

    Parameters
    ----------
    segments : list of pandas.DataFrame
        From :func:`p2pbook.case.year_segments`.
    unit : str
        Unit of the values.
    ax : matplotlib.axes.Axes, optional
    title : str
    legend : bool
        Whether to explain the marks.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 2.4)
    for piece in segments:
        tracker = piece["tracker"].iloc[0]
        colour, marker = mark_of("tracker", tracker)
        after = (piece["edition"] == "restated").any()
        ax.plot(piece["year"], piece["value"], color=colour, lw=1.4, ls="--" if after else "-")
        for edition, face in (("first reported", colour), ("derived", TINTS["sky"]), ("restated", "white")):
            part = piece.query("edition == @edition")
            ax.plot(
                part["year"],
                part["value"],
                ls="",
                marker="D" if edition == "restated" else marker,
                ms=5.5,
                color=colour,
                mfc=face,
            )
    ax.set(title=title, ylabel=unit, ylim=(0, None), xlim=(2009.5, 2020.5), xticks=range(2010, 2021, 2))
    ax.yaxis.set_major_formatter(FuncFormatter(_whole))
    if legend:
        blue = PALETTE["blue"]
        marks = [
            Line2D([], [], ls="", marker="o", color=blue, label="WDZJ, first reported"),
            Line2D([], [], ls="", marker="o", color=blue, mfc=TINTS["sky"], label="derived from the next year"),
            Line2D([], [], ls="--", marker="D", color=blue, mfc="white", label="WDZJ, restated, and after"),
            *[
                Line2D([], [], ls="", marker=mark_of("tracker", name)[1], color=mark_of("tracker", name)[0], label=name)
                for name in ("blue book", "Lingyi", "regulator")
            ],
        ]
        ax.figure.legend(handles=marks, loc="outside lower center", ncols=2)
    return ax


def industry_panels(panels):
    """Several year series under each other on one time axis.

    Parameters
    ----------
    panels : dict
        From title to (segments, unit).

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
    """
    _, axes = plt.subplots(len(panels), figsize=(_WIDTH, 1.5 * len(panels) + 0.7), sharex=True)
    for i, (ax, (title, (segments, unit))) in enumerate(zip(axes, panels.items(), strict=True)):
        industry_series(segments, unit, ax=ax, title=title, legend=i == 0)
    return axes


def platform_rundown(months, ax=None):
    """Platforms in operation from mid-2018 to the end, by every tracker that counted them.

    Parameters
    ----------
    months : pandas.DataFrame
        Rows of table ``industry_by_month`` with the series ``platforms``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 3.3)
    for tracker, part in months.groupby("tracker", sort=False):
        colour, marker = mark_of("tracker", tracker)
        dates = pd.to_datetime(part["month"]) + pd.offsets.MonthEnd(0)
        ax.plot(dates, part["value"], color=colour, marker=marker, ms=5, lw=1.4)
        # the label stands where the points of the other trackers leave room for it
        which, offset, align = {
            "WDZJ": (0, (0, 7), "left"),
            "regulator": (-4, (8, 8), "left"),
            "Rong360": (-1, (0, -13), "center"),
            "Lingyi": (-1, (-7, -9), "right"),
        }.get(tracker, (-1, (7, -3), "left"))
        ax.annotate(
            tracker,
            (dates.iloc[which], part["value"].iloc[which]),
            xytext=offset,
            ha=align,
            textcoords="offset points",
            color=colour,
        )
    ax.set(ylabel="platforms in operation", ylim=(0, None))
    ax.xaxis.set_major_locator(mdates.MonthLocator(bymonth=(1, 7)))
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%b\n%Y"))
    ax.yaxis.set_major_formatter(FuncFormatter(_whole))
    ax.margins(x=0.09)
    return ax


def rival_readings(spread, ax=None, widest=4):
    """Readings of the same thing at the same time, as shares of the highest, each named where it stands.

    Parameters
    ----------
    spread : pandas.DataFrame
        From :func:`p2pbook.case.rival_spread`, the widest last.
    ax : matplotlib.axes.Axes, optional
    widest : int
        Comparisons that are drawn.

    Returns
    -------
    matplotlib.axes.Axes
    """
    groups = list(dict.fromkeys(zip(spread["date"], spread["quantity"], strict=True)))[-widest:]
    ax = axes_of(ax, _WIDTH, 0.55 * len(groups) + 0.8)
    for y, (date, quantity) in enumerate(groups):
        part = spread[(spread["date"] == date) & (spread["quantity"] == quantity)]
        ax.plot([part["relative"].min(), 1], [y, y], color=TINTS["mist"], lw=2, zorder=1)
        for place, row in enumerate(part.itertuples()):
            colour, marker = mark_of("tracker", row.tracker)
            face = "white" if "restated" in row.tracker else colour
            ax.plot(row.relative, y, ls="", marker=marker, color=colour, ms=6.5, zorder=2, mfc=face)
            words = f"{row.tracker} {row.value:,.0f}"
            side = "right" if row.relative == 1 else "center"
            up = -0.42 if place % 2 else 0.2  # neighbours would touch
            ax.text(row.relative, y + up, words, ha=side, color=colour)
    names = [f"{_date_words(date)}\n{quantity}" for date, quantity in groups]
    ax.set_yticks(range(len(groups)), names)
    ax.set(xlabel="share of the highest reading", xlim=(0.45, 1.03), ylim=(-0.6, len(groups) - 0.3))
    percents(ax.xaxis)
    return ax


def problem_platforms(problems, ax=None):
    """Problem platforms in a year, and exits with the share of them that were problems.

    Parameters
    ----------
    problems : pandas.DataFrame
        Table ``problem_platforms``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 2.9)
    yearly = problems.query("kind == 'problem, in year'").astype({"period": int})
    ax.bar(yearly["period"], yearly["value"], width=0.6, color=PALETTE["orange"])
    exits = problems.query("kind == 'exits, in year'").astype({"period": int})
    ax.bar(exits["period"], exits["value"], width=0.6, color=TINTS["sand"], edgecolor=PALETTE["orange"], hatch="//")
    for row in pd.concat([yearly, exits]).itertuples():
        ax.annotate(
            f"{row.value:,.0f}", (row.period, row.value), xytext=(0, 3), textcoords="offset points", ha="center"
        )
    for year in sorted(set(range(2013, 2019)) - set(yearly["period"]) - set(exits["period"])):
        ax.text(year, 30, "no\nvalue\nread", ha="center", va="bottom", color=PALETTE["grey"])
    ax.text(
        2018,
        exits["value"].item() / 2,
        "all exits",
        ha="center",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )
    ax.set(
        ylabel="platforms",
        xlim=(2012.4, 2018.6),
        xticks=range(2013, 2019),
        ylim=(0, 1.12 * max(yearly["value"].max(), exits["value"].max())),
    )
    ax.yaxis.set_major_formatter(FuncFormatter(_whole))
    ax.grid(axis="x", visible=False)
    return ax


def _horizontal_bars(ax, labels, values, colours, texts, limit):
    y = np.arange(len(values))[::-1]
    ax.barh(y, values, height=0.58, color=colours)
    for place, value, text in zip(y, values, texts, strict=True):
        ax.annotate(text, (value, place), xytext=(4, 0), textcoords="offset points", va="center")
    ax.set_yticks(y, labels)
    ax.set_xlim(0, limit)
    ax.grid(axis="y", visible=False)
    return ax


def custody_shares(rows, ax=None):
    """Share of the operating platforms whose lenders' money sat with a bank.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``label`` and ``share`` (a fraction), from top to bottom.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 0.5 * len(rows) + 0.8)
    colours = [PALETTE["orange"] if "passed" in label else PALETTE["blue"] for label in rows["label"]]
    labels = [textwrap.fill(label, 22) for label in rows["label"]]
    _horizontal_bars(ax, labels, rows["share"], colours, [per_cent(share, 1) for share in rows["share"]], 1)
    percents(ax.xaxis)
    ax.set_xlabel("share of operating platforms")
    return ax


def structure(edges, root="Founder", ax=None):
    """The group as an indented tree; the colour of a link says how good its source is.

    Parameters
    ----------
    edges : pandas.DataFrame
        Columns ``from``, ``to``, ``relation``, ``share`` (% or missing), ``grade``.
    root : str
        Where the tree starts. A company with two parents is drawn under the first; the second hangs below it.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    rows, seen = [], set()

    def walk(name, depth, words, grade, parent):
        line = len(rows)
        rows.append((name, depth, words, grade, parent))
        seen.add(name)
        for edge in edges[edges["to"] == name].to_dict("records"):
            if edge["from"] not in seen and edge["from"] not in set(edges["to"]) and edge["from"] != root:
                seen.add(edge["from"])
                rows.append((edge["from"], depth + 1, edge["relation"], edge["grade"], line))
        for edge in edges[edges["from"] == name].to_dict("records"):
            if edge["to"] not in seen:
                share = "" if edge["share"] != edge["share"] or edge["share"] == "" else f" {edge['share']:g}\u00a0%"
                walk(edge["to"], depth + 1, edge["relation"] + share, edge["grade"], line)

    walk(root, 0, "", "A", None)
    ax = axes_of(ax, _WIDTH, 0.44 * len(rows) + 0.7)
    indent, box = 0.085, 0.62
    for line, (name, depth, words, grade, parent) in enumerate(rows):
        left = depth * indent
        colour = mark_of("source", grade)[0]
        if parent is not None:
            stem = rows[parent][1] * indent + 0.03
            ax.plot([stem, stem, left], [parent + 0.33, line, line], color=colour, lw=1.5, zorder=1)
        ax.add_patch(
            plt.Rectangle((left, line - 0.36), box, 0.72, facecolor="white", edgecolor=colour, lw=1.5, zorder=2)
        )
        ax.text(left + 0.015, line, name, va="center", weight="bold" if depth == 0 else "normal", zorder=3)
        ax.text(left + box + 0.012, line, words, va="center", color=PALETTE["grey"], style="italic")
    ax.set(xlim=(-0.01, 1.12), ylim=(len(rows) - 0.4, -0.6))
    ax.axis("off")
    names = {"A": "A filing", "B": "B press", "C": "C repost"}
    ax.figure.legend(
        handles=[
            Line2D([], [], color=mark_of("source", grade)[0], lw=2, label=names[grade])
            for grade in names
            if grade in set(edges["grade"])
        ],
        loc="outside lower center",
        ncols=3,
        title="Source of the link",
    )
    return ax


def peer_costs(shares, ax=None):
    """Two expense items as shares of revenue, the platform company beside a peer.

    Parameters
    ----------
    shares : pandas.DataFrame
        From :func:`p2pbook.case.peer_cost_shares`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 2.6)
    first = shares["company"].iloc[0]
    labels = [textwrap.fill(f"{row.item}, {row.company}", 20) for row in shares.itertuples()]
    colours = [PALETTE["orange"] if company == first else PALETTE["blue"] for company in shares["company"]]
    _horizontal_bars(ax, labels, shares["share"], colours, [per_cent(share, 1) for share in shares["share"]], 0.85)
    percents(ax.xaxis)
    ax.set_xlabel("share of revenue")
    return ax


def related_parties(shares, ax=None):
    """What part of each quantity of the accounts fell to related parties.

    Parameters
    ----------
    shares : pandas.DataFrame
        From :func:`p2pbook.case.related_party_shares`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 2.9)
    labels = [textwrap.fill(f"{row.what}, of {row.of}", 21) for row in shares.itertuples()]
    colours = [PALETTE["orange"] if accounts == "pro forma" else PALETTE["blue"] for accounts in shares["accounts"]]
    _horizontal_bars(ax, labels, shares["share"], colours, [per_cent(share, 1) for share in shares["share"]], 1.3)
    ax.axvline(1, color=PALETTE["black"], lw=1, ls=":")
    percents(ax.xaxis)
    ax.set(xlabel="share that fell to related parties, 2018", xticks=[0, 0.25, 0.5, 0.75, 1])
    return ax


def products(shares, ax=None):
    """Where the money sat, by channel, inside and outside P2P.

    Parameters
    ----------
    shares : pandas.DataFrame
        From :func:`p2pbook.case.product_shares`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_of(ax, _WIDTH, 2.2)
    labels = [textwrap.fill(channel, 26) for channel in shares["channel"]]
    colours = [PALETTE["blue"] if inside == "yes" else PALETTE["grey"] for inside in shares["in_p2p"]]
    texts = [f"{row.amount:g} ({per_cent(row.share)})" for row in shares.itertuples()]
    _horizontal_bars(ax, labels, shares["amount"], colours, texts, shares["amount"].max() * 1.32)
    ax.set_xlabel("RMB billion, 30 June 2019")
    return ax


def evidence_balance(counts, ax=None):
    """Pieces of evidence for (right) and against (left) each cause, coloured by class of document.

    Parameters
    ----------
    counts : pandas.DataFrame
        From :func:`p2pbook.case.evidence_counts`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    causes = list(counts.index.get_level_values("cause").unique())
    ax = axes_of(ax, _WIDTH, 0.5 * len(causes) + 1.3)
    for y, cause in enumerate(causes[::-1]):
        for side, sign in (("for", 1), ("against", -1)):
            pieces = [name for name in counts for _ in range(counts.loc[(cause, side), name])]
            for i, name in enumerate(pieces):
                ax.barh(y, sign, left=sign * i, height=0.58, color=mark_of("document", name)[0], edgecolor="white")
                ax.text(sign * (i + 0.5), y, name[0].upper(), ha="center", va="center", color="white")
    limit = int(counts.sum(axis=1).max()) + 0.6
    ax.axvline(0, color=PALETTE["black"], lw=1)
    ax.set_yticks(range(len(causes)), [textwrap.fill(cause, 16) for cause in causes[::-1]])
    ax.set(xlim=(-limit, limit), xlabel="pieces of evidence:   against  ←    →  for", ylim=(-0.6, len(causes) - 0.4))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.0f}"))
    ax.grid(axis="y", visible=False)
    return ax
