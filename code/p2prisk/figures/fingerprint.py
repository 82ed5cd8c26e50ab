"""A figure as text: what nbval compares, since it ignores pictures.

nbval skips ``image/png`` and passes even when the picture is missing. So a figure also emits a small JSON document
of its own MIME type: titles, axis labels, tick names, limits, texts, and a hash of the rounded data of each kind of
artist.
Renderers do not show unknown MIME types; nbval compares them.

Rounding is relative to the largest value of an artist and to the span of its axes, not to each value: a zero that comes
out as 1e-17 on another machine is still a zero.
"""

import hashlib
import json
import os
import weakref
from html import escape

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from p2prisk.escape import cell
from p2prisk.figures.narrow import narrow

MIME_TYPE = "application/vnd.book.figure+json"
#: The drawing for a narrow screen, which only our own renderer knows.
NARROW = "application/vnd.book.narrow+svg"
_DIGITS = 5


def _rounded(array, least):
    """Values as multiples of 10**-_DIGITS of the largest one (or of `least`); None where not finite."""
    flat = np.asarray(np.ma.filled(np.ma.asarray(array, dtype=float), np.nan)).ravel()
    finite = np.isfinite(flat)
    scale = np.max(np.abs(flat[finite]), initial=least) or 1.0
    magnitude = 10.0 ** np.ceil(np.log10(scale))
    return [
        float(np.round(value / magnitude, _DIGITS) + 0.0) if ok else None
        for value, ok in zip(flat, finite, strict=True)
    ] + [float(magnitude)]


def _hash(arrays, least):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(json.dumps(_rounded(array, least)).encode())
    return digest.hexdigest()[:16]


def _limits(pair):
    low, high = (float(value) for value in pair)
    step = 10.0 ** (np.floor(np.log10(abs(high - low) or 1.0)) - _DIGITS + 1)
    return [float(f"{round(value / step) * step + 0.0:.12g}") for value in (low, high)]


def _artists(ax):
    for line in ax.get_lines():
        yield "line", [line.get_xdata(orig=False), line.get_ydata(orig=False)]
    for patch in ax.patches:
        # a Rectangle's own path is the unit square; its place is in the transform
        path = patch.get_patch_transform().transform_path(patch.get_path())
        yield "patch", [path.vertices]
    for collection in ax.collections:
        values = collection.get_array()
        yield (
            "collection",
            [
                np.asarray(collection.get_offsets()),
                [] if values is None else values,
                *[path.vertices for path in collection.get_paths()],
            ],
        )
    for image in ax.get_images():
        yield "image", [image.get_array()]


def _names(axis):
    """Tick names where they are words (a category, a date), else nothing: numeric ticks follow from the limits."""
    texts = [label.get_text() for label in axis.get_ticklabels()]
    return [text for text in texts if any(character.isalpha() for character in text)]


def fingerprint(figure):
    """Describe a figure so that a change of its data, limits or words changes the description.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    dict
        ``axes``: one entry for each axes with title, labels, tick names, limits, texts, legend, and count and hash
        of each kind of artist (``line``, ``patch``, ``collection``, ``image``).

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> _ = ax.plot([0, 1], [2, 3]); _ = ax.set_xlabel("months")
    >>> fingerprint(figure)["axes"][0]["xlabel"]
    'months'
    """
    axes = []
    for ax in figure.axes:
        hashes = {}
        # what is smaller than a thousandth of the axes cannot be seen
        least = 1e-3 * min(abs(high - low) for low, high in (ax.get_xlim(), ax.get_ylim()))
        for kind, arrays in _artists(ax):
            hashes.setdefault(kind, []).append(_hash(arrays, least))
        legend = ax.get_legend()
        axes.append(
            {
                "title": " / ".join(filter(None, (ax.get_title(loc=place) for place in ("left", "center", "right")))),
                "xlabel": ax.get_xlabel(),
                "ylabel": ax.get_ylabel(),
                "xnames": _names(ax.xaxis),
                "ynames": _names(ax.yaxis),
                "xlim": _limits(ax.get_xlim()),
                "ylim": _limits(ax.get_ylim()),
                "texts": [text.get_text() for text in ax.texts],
                "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
                "artists": {
                    kind: {"count": len(parts), "sha256": hashlib.sha256("".join(parts).encode()).hexdigest()[:16]}
                    for kind, parts in sorted(hashes.items())
                },
            }
        )
    return {"axes": axes}


def drawn(figure):
    """The numbers that a figure shows, as one table.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    pandas.DataFrame
        One row a point, bar or corner: ``panel`` (number, and title if there is one), ``mark`` (``line``, ``bar``,
        ``area``, ``points``, ``image``), ``series`` (its name, or its number), ``x``, ``y``, for bars ``x_end`` and
        ``y_end``, for images ``value``; where an axis has words for ticks, ``x_name`` and ``y_name``.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> _ = ax.plot([0, 1], [2, 3], label="A")
    >>> drawn(figure)[["mark", "series", "x", "y"]].values.tolist()
    [['line', 'A', 0.0, 2.0], ['line', 'A', 1.0, 3.0]]
    >>> _ = ax.set_xticks([0, 1], ["7", "6"])
    >>> drawn(figure)["x_name"].tolist()
    ['7', '6']
    """
    rows = []
    for number, ax in enumerate(figure.axes, 1):
        panel = " ".join(
            [str(number), *filter(None, (ax.get_title(loc=place) for place in ("left", "center", "right")))]
        )
        names = [_tick_names(axis) for axis in (ax.xaxis, ax.yaxis)]
        for order, (mark, artist, values) in enumerate(_numbers(ax), 1):
            label = str(artist.get_label())
            series = str(order) if label.startswith("_") else label
            for place in values:
                words = {
                    key: name.get(place[axis])
                    for key, name, axis in zip(("x_name", "y_name"), names, "xy", strict=True)
                }
                rows.append({"panel": panel, "mark": mark, "series": series, **place, **words})
    return pd.DataFrame(rows).dropna(axis=1, how="all") if rows else pd.DataFrame(columns=["panel", "mark", "series"])


def csv_of(figure):
    """The numbers that a figure shows, as CSV that no spreadsheet computes."""
    return drawn(figure).map(cell).to_csv(index=False, float_format="%.10g")


def _tick_names(axis):
    """Place -> name, where ticks are named by words, or by numbers that are levels and no places (grade 7 at 6).

    A figure that leaves names out where they would run into each other gives all of them as ``axis.place_names``.
    """
    from matplotlib.ticker import FixedLocator

    shown = zip(axis.get_ticklocs(), (label.get_text() for label in axis.get_ticklabels()), strict=False)
    chosen = isinstance(axis.get_major_locator(), FixedLocator)
    names = {
        float(place): name
        for place, name in shown
        if any(letter.isalpha() for letter in name) or (chosen and name and name != f"{place:g}")
    }
    return names | getattr(axis, "place_names", {})


def _numbers(ax):
    """Kind, artist and points of all that is drawn in the units of the data."""
    for line in ax.get_lines():
        if line.get_transform().contains_branch(ax.transData):
            x, y = (np.ma.filled(np.ma.asarray(part, float), np.nan) for part in line.get_data(orig=False))
            yield "line", line, [{"x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)]
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            (x, y), wide, high = patch.get_xy(), patch.get_width(), patch.get_height()
            yield "bar", patch, [{"x": float(x), "y": float(y), "x_end": float(x + wide), "y_end": float(y + high)}]
    for collection in ax.collections:
        points = np.ma.filled(np.ma.asarray(collection.get_offsets(), float), np.nan)
        if collection.get_offset_transform().contains_branch(ax.transData) and len(points):
            yield "points", collection, [{"x": float(a), "y": float(b)} for a, b in points]
        elif collection.get_transform().contains_branch(ax.transData):
            corners = np.vstack([path.vertices for path in collection.get_paths()] or [np.empty((0, 2))])
            yield "area", collection, [{"x": float(a), "y": float(b)} for a, b in corners]
    for image in ax.get_images():
        values = np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)
        if values.ndim == 2:
            yield (
                "image",
                image,
                [{"x": float(j), "y": float(i), "value": float(v)} for (i, j), v in np.ndenumerate(values)],
            )


def laden(picture, found):
    """A picture (SVG) that carries its numbers and its drawing for a narrow screen as metadata, for a later step.

    Examples
    --------
    >>> laden('<svg width="1pt"><g/></svg>', {"text/csv": "x,y"})
    '<svg width="1pt"><metadata class="text/csv">x,y</metadata><g/></svg>'
    """
    parts = [
        f'<metadata class="{kind}">{escape(found[kind])}</metadata>' for kind in ("text/csv", NARROW) if kind in found
    ]
    head = picture.index(">", picture.index("<svg")) + 1
    return picture[:head] + "".join(parts) + picture[head:]


def register():
    """Make IPython emit the fingerprint beside the picture of every figure; does nothing outside IPython.

    Where pictures are made for a page (as SVG), the numbers drawn go with them as ``text/csv``, and the drawing for a
    narrow screen where there is one. Quarto knows neither kind; there the picture carries both (:func:`laden`).
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    # Without this a bare kernel draws no picture at all, and the cell still passes nbval.
    shell.run_line_magic("matplotlib", "inline")

    def bundle(figure, include=None, exclude=None):
        # before the narrow drawing, which lays the figure out anew: an arrow's path follows the layout
        found = {MIME_TYPE: fingerprint(figure)}
        if Figure in pictures:  # Quarto sets the format without a word to the backend's settings
            found["text/csv"] = csv_of(figure)
            if small := narrow(figure):
                found[NARROW] = small
        bundles[figure] = found
        return found

    bundles = weakref.WeakKeyDictionary()
    pictures = shell.display_formatter.formatters["image/svg+xml"]
    shell.display_formatter.mimebundle_formatter.for_type(Figure, bundle)
    if "QUARTO_DOCUMENT_PATH" in os.environ and Figure in pictures:
        drawing = pictures.lookup_by_type(Figure)
        pictures.for_type(Figure, lambda figure: laden(drawing(figure), bundles.get(figure, {})))

    # Drawing functions return their Axes; as the last line of a cell they would print an address. A semicolon hides it
    # in a notebook, but not when nbval runs the cell.
    def hide_axes(value):
        if isinstance(value, np.ndarray) and value.dtype != object:
            raise NotImplementedError
        parts = np.ravel(np.asarray(value, dtype=object))
        if not parts.size or not all(isinstance(part, Axes) for part in parts):
            raise NotImplementedError  # IPython goes on to its other formatters

    for kind in (Axes, np.ndarray, list, tuple):
        shell.display_formatter.ipython_display_formatter.for_type(kind, hide_axes)
