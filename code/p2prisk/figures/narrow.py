"""A second drawing of a figure for a telephone: as wide as its screen, with letters of the same size.

The same artists are laid out once more: panels that stood side by side stand one above the other, legends take fewer
columns, and long names of rows stand above their rows, names of lines below the panel, names along the axis in more
lines or in turn at two heights: the first of :data:`WAYS` that lets no words touch and no panel be too small to read. A
drawing of words, whose places are numbers, brings a second one itself (:func:`redraw`). Where nothing helps there is no
second drawing, and the page lets the first one be moved sideways.
"""

from __future__ import annotations

import io
import itertools
import re
import textwrap
import warnings
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter
from matplotlib.transforms import Bbox

from p2prisk.figures.style import SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes

#: Width in inches of a drawing that a telephone's column (356 points of CSS) shows at nine tenths, and of a panel.
WIDTH, LEAST = 3.7 / SHOWN, 1.35 / SHOWN
#: What is done beyond panels below each other, tried in this order.
WAYS = ((), ("above",), ("every second",), ("wrapped",), ("ends below",), ("wrapped", "in turn"), ("above", "in turn"))


def redraw(ax: Axes, drawing: Callable[[Axes], Any], height: float) -> None:
    """Name the drawing that a figure has on a narrow screen.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Of the figure for other screens, its only panel.
    drawing : callable
        Draws on the axes that it is given; called when the narrow drawing is made.
    height : float
        Its height in inches; it is as wide as the screen.
    """
    ax.figure.drawn_narrow = drawing, height  # type: ignore[union-attr]


def narrow(figure: Figure) -> str | None:
    """Draw a figure as SVG for a narrow screen.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Afterwards it is as it was.

    Returns
    -------
    str or None
        None where the figure is narrow already, or cannot be read so.
    """
    if _width(figure) <= WIDTH:
        return None
    if other := getattr(figure, "drawn_narrow", None):
        figure = Figure((WIDTH - 0.1, other[1] / SHOWN), layout="constrained")
        FigureCanvasAgg(figure)
        other[0](figure.add_subplot())
        return _drawn(figure, ())
    rows = _rows(figure)
    return next((made for ways in WAYS if rows or "above" not in ways if (made := _drawn(figure, ways))), None)


def _drawn(figure: Figure, ways: tuple[str, ...]) -> str | None:
    above = "above" in ways
    with warnings.catch_warnings(), _laid_out_again(figure, above=above):
        # a layout that finds no room says so; its panels are then too small and it is not taken
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        with _words_moved(figure, ways):
            return _fitted(figure)


def _fitted(figure: Figure) -> str | None:
    """The drawing as it lies there, as wide as the screen; None where it cannot be read so."""
    for _ in range(3):  # names beside the axes need room too
        over = _width(figure) - WIDTH
        if over > 0.01:
            figure.set_figwidth(max(figure.get_figwidth() - over, 0.5))
    panels = [ax for ax in figure.axes if ax.get_visible()]
    wide = [ax.get_window_extent().width / figure.dpi for ax in panels]
    if _width(figure) > WIDTH + 0.05 or min(wide, default=0) < LEAST or _touching(figure) or _cut(figure):
        return None
    made = io.StringIO()
    figure.savefig(made, format="svg")
    text = made.getvalue()
    head, size, rest = text[text.index("<svg") :].partition(" viewBox=")
    return re.sub(r'(?<=")[\d.]+(?=pt")', lambda points: f"{SHOWN * float(points[0]):.6g}", head) + size + rest


def _width(figure: Figure) -> float:
    if figure.get_figwidth() < 1:
        return float("inf")
    figure.canvas.draw()
    return figure.get_tightbbox().width + 0.1


def _rows(figure: Figure) -> Any:
    """The only panel of a figure whose rows have names, one a unit: a forest, or bars; else None."""
    panels: list[Any] = [ax for ax in figure.axes if ax.get_visible()]
    if len(panels) != 1 or panels[0].images or not any(name.get_text() for name in panels[0].get_yticklabels()):
        return None
    gaps = {round(abs(b - a), 6) for a, b in itertools.pairwise(sorted(panels[0].get_yticks()))}
    boxes = len(panels[0].patches) > sum(len(group) for group in panels[0].containers)  # fill a row: no room above
    return None if boxes or gaps != {1.0} else panels[0]


@contextmanager
def _words_moved(figure: Figure, ways: tuple[str, ...]) -> Iterator[None]:
    """Give names along an axis and at the ends of lines other places; and back again."""
    undo: list[Any] = []
    for ax in figure.axes:
        axis: Any = ax.xaxis
        if (
            "every second" in ways
            and isinstance(axis.get_major_locator(), FixedLocator)
            and hasattr(axis, "place_names")
        ):
            for tick in axis.get_major_ticks()[1::2]:  # two names then have the room of three
                undo.append((tick.label1.set_visible, True))
                tick.label1.set_visible(False)
        if {"wrapped", "in turn"} & set(ways):
            undo += [(axis.set_major_formatter, axis.get_major_formatter()), (ax.set_xlabel, ax.get_xlabel())]
            names = _in_lines(axis, ways)
            axis.set_major_formatter(FuncFormatter(lambda _, place, names=names: names[place]))
            ax.set_xlabel(textwrap.fill(ax.get_xlabel(), 46))
        if "ends below" in ways and (ends := getattr(ax, "line_ends", [])):
            columns = 1 if max(len(text.get_text()) for _, text in ends) > 20 else 2
            lines, names = zip(*((line, text.get_text()) for line, text in ends), strict=True)
            legend = figure.legend(lines, names, loc="outside lower center", ncols=columns, labelcolor="linecolor")
            undo.append((type(legend).remove, legend))
            figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(ends) // columns))
            for _, text in ends:
                undo.append((text.set_visible, True))
                text.set_visible(False)
    try:
        yield
    finally:
        for put_back, value in undo:
            put_back(value)


def _in_lines(axis: Any, ways: tuple[str, ...]) -> list[str]:
    """The names of an axis in lines of a word or two; in turn at two heights, where neighbours are too wide."""
    axis.figure.canvas.draw()
    names = [name.get_text() for name in axis.get_ticklabels()]
    if "wrapped" in ways:
        names = [textwrap.fill(name, 8, break_long_words=False) if "\n" not in name else name for name in names]
    if "in turn" in ways and any(letter.isalpha() for name in names for letter in name):
        gap = "\n" * (1 + max(name.count("\n") for name in names))
        top = axis.get_ticks_position() == "top"
        names[1::2] = [name + gap if top else gap + name for name in names[1::2]]
    return names


@contextmanager
def _laid_out_again(figure: Figure, *, above: bool) -> Iterator[None]:
    """Set panels below each other, legends in fewer columns, names above rows, and the width; and back again."""
    size: Any = figure.get_size_inches().copy()
    undo: list[Any] = []
    panels: list[Any] = [ax for ax in figure.axes if ax.get_visible() and ax.get_subplotspec()]
    grids: list[Any] = [ax.get_subplotspec().get_gridspec() for ax in panels]
    rows, height = 1.0, 1.08
    if panels and grids[0].ncols > 1 and all(grid is grids[0] for grid in grids):
        stacked = figure.add_gridspec(len(panels), 1)
        for place, ax in enumerate(panels):
            undo.append((ax.set_subplotspec, ax.get_subplotspec()))
            ax.set_subplotspec(stacked[place])
            for axis, side in ((ax.xaxis, "labelbottom"), (ax.yaxis, "labelleft")):
                shown = axis.get_tick_params().get(side, True)
                undo.append((partial(_tick, ax, side), shown))
                _tick(ax, side, True)
        rows, height = len(panels) / grids[0].nrows, 0.85
    if above:
        ax, rows = _rows(figure), 1.65
        bottom, top = ax.get_ylim()
        bars = [bar for group in ax.containers if isinstance(group, BarContainer) for bar in group]
        for bar in bars:  # a name stands above its bar, and not in it
            undo += [(bar.set_y, bar.get_y()), (bar.set_height, bar.get_height())]
            bar.set_y(bar.get_y() + 0.275 * bar.get_height())
            bar.set_height(0.45 * bar.get_height())
        up = 0.34 if top > bottom else -0.34
        for y, name in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
            words = name.get_text().replace("\n", ", ")
            # the layout would take room for a long name from the panel
            text = ax.text(0, y + up, words, transform=ax.get_yaxis_transform(), in_layout=False)
            undo.append((type(text).remove, text))
        for line in [line for line in ax.lines if line.get_transform() == ax.get_xaxis_transform()]:
            # a line over all rows would cross the names above them: it is drawn beside each row alone
            x, look = line.get_xdata()[0], {"color": line.get_color(), "linewidth": line.get_linewidth()}
            parts = LineCollection([[(x, y - 0.22), (x, y + 0.22)] for y in ax.get_yticks()], **look)
            parts.set(zorder=line.get_zorder(), linestyle=line.get_linestyle())
            ax.add_collection(parts, autolim=False)
            undo += [(type(parts).remove, parts), (line.set_visible, line.get_visible())]
            line.set_visible(False)
        undo += [(partial(_tick, ax, "labelleft"), True), (ax.set_ylim, (bottom, top))]
        _tick(ax, "labelleft", False)
        ax.set_ylim(bottom, top + up)
        if legend := ax.get_legend():
            undo.append((partial(legend.set_bbox_to_anchor, transform=ax.transAxes), (0.4, 1.0)))
            legend.set_bbox_to_anchor((0.5, 1.0), transform=ax.transAxes)
    legends: list[Any] = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        kept = {name: getattr(legend, name) for name in ("_ncols", "_legend_box", "legend_handles", "texts")}
        undo.append((legend.__dict__.update, kept))
        long = above and max(len(words.get_text()) for words in legend.texts) > 24
        _columns(legend, 1 if long else min(legend._ncols, 2))
    figure.set_size_inches(WIDTH - 0.1, size[1] * rows * height)
    try:
        yield
    finally:
        for put_back, value in undo:
            put_back(value)
        figure.set_size_inches(size)


def _columns(legend: Any, count: int) -> None:
    """Lay a legend out anew: `set_ncols` alone moves nothing once it is made."""
    if legend._ncols > count:
        words = [text.get_text() for text in legend.texts]
        handles, names = legend.axes.get_legend_handles_labels() if legend.axes else ([], [])
        legend._ncols = count
        legend._init_legend_box(handles if names == words else legend.legend_handles, words)
        legend._legend_box.set_offset(legend._findoffset)


def _tick(ax: Any, side: str, shown: bool) -> None:
    ax.tick_params(**{side: shown})


def _cut(figure: Figure) -> bool:
    """Whether a word that the layout does not know of runs out of the figure."""
    names = [text for ax in figure.axes for text in ax.texts if not text.get_in_layout()]
    return any(text.get_window_extent().x1 > figure.bbox.x1 for text in names)


def _touching(figure: Figure) -> bool:
    """Whether two words of a panel, or two names along an axis, lie over each other."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    air = 3 * figure.dpi / 72
    for ax in figure.axes:
        shown = [ax.get_xticklabels(), ax.get_yticklabels(), ax.texts]
        for group in shown:
            boxes = [
                (_words_of(text, renderer).shrunk(1, 0.8).padded(air, 0), text.get_rotation())
                for text in group
                if text.get_text() and text.get_visible()
            ]
            for place, (box, turned) in enumerate(boxes):
                if any(box.overlaps(other) for other, also in boxes[:place] if not (turned or also)):
                    return True
    return False


def _words_of(text: Any, renderer: Any) -> Bbox:
    """Where the words of a text stand: empty lines before and after them are air."""
    box, words = text.get_window_extent(renderer), text.get_text()
    line = box.height / (1 + words.count("\n"))
    before, after = (len(words) - len(cut) for cut in (words.lstrip("\n"), words.rstrip("\n")))
    return Bbox.from_extents(box.x0, box.y0 + after * line, box.x1, box.y1 - before * line)
