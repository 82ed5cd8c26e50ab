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

import numpy as np

MIME_TYPE = "application/vnd.book.figure+json"
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


def register():
    """Make IPython emit the fingerprint beside the picture of every figure; does nothing outside IPython."""
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
        return {MIME_TYPE: fingerprint(figure)}

    shell.display_formatter.mimebundle_formatter.for_type(Figure, bundle)

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
