"""A figure as text: what nbval compares, since it ignores pictures.

nbval skips ``image/png`` and passes even when the picture is missing. So a figure also emits a small JSON
document of its own MIME type with titles, axis labels, limits and a hash of the rounded data of each artist.
Renderers do not show unknown MIME types; nbval compares them.
"""

import hashlib
import json

import numpy as np

MIME_TYPE = "application/vnd.book.figure+json"
_DIGITS = 5


def _rounded(value):
    """Round to `_DIGITS` significant digits, so that the last bits of another platform do not matter."""
    value = float(value)
    return float(f"{value:.{_DIGITS - 1}e}") if np.isfinite(value) else None


def _hash(arrays):
    digest = hashlib.sha256()
    for array in arrays:
        flat = np.asarray(np.ma.filled(np.ma.asarray(array, dtype=float), np.nan)).ravel()
        digest.update(json.dumps([_rounded(value) for value in flat]).encode())
    return digest.hexdigest()[:16]


def _artist_data(ax):
    for line in ax.get_lines():
        yield "line", [line.get_xdata(orig=False), line.get_ydata(orig=False)]
    for patch in ax.patches:
        yield "patch", [patch.get_transform().transform_path(patch.get_path()).vertices
                        if not hasattr(patch, "get_bbox") else np.asarray(patch.get_bbox().get_points())]
    for collection in ax.collections:
        yield "collection", [np.asarray(collection.get_offsets()),
                             *[path.vertices for path in collection.get_paths()[:2000]]]
    for image in ax.get_images():
        yield "image", [image.get_array()]


def fingerprint(figure):
    """Describe a figure so that a change of its data, limits or words changes the description.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    dict
        ``axes``: a list with, for every axes, title, labels, limits (5 significant digits), texts, and a
        hash a kind of artist.
    """
    axes = []
    for ax in figure.axes:
        hashes = {}
        for kind, arrays in _artist_data(ax):
            hashes.setdefault(kind, []).append(_hash(arrays))
        axes.append({
            "title": ax.get_title() or ax.get_title(loc="left"),
            "xlabel": ax.get_xlabel(),
            "ylabel": ax.get_ylabel(),
            "xlim": [_rounded(v) for v in ax.get_xlim()],
            "ylim": [_rounded(v) for v in ax.get_ylim()],
            "texts": [text.get_text() for text in ax.texts],
            "artists": {kind: {"count": len(parts), "sha256": hashlib.sha256("".join(parts).encode()).hexdigest()[:16]}
                        for kind, parts in sorted(hashes.items())},
        })
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
    from matplotlib.figure import Figure

    # Without this a bare kernel draws no picture at all, and the cell still passes nbval.
    shell.run_line_magic("matplotlib", "inline")

    def bundle(figure, include=None, exclude=None):
        return {MIME_TYPE: fingerprint(figure)}

    shell.display_formatter.mimebundle_formatter.for_type(Figure, bundle)
