"""One dictionary of colours and marks: what a thing looks like in one figure it looks like in every other.

Every colour of a mark or a label stands out from white paper by 4.5 to 1 or more, and from the dark page on which the
picture turns with the night; the fills of a ramp by 3 to 1. Two things of one kind differ in colour for eyes without
red, green or blue cones, and in shape besides. A test computes all of it.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

#: Colours of marks, lines and labels.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#C24E00",
    "green": "#0B5A41",
    "purple": "#861F73",
    "amber": "#6B4500",
    "grey": "#727272",
    "black": "#1A1A1A",
}

#: Colours of bands and areas, on which nothing has to be read.
TINTS = {"sky": "#9CCBE8", "sand": "#F3D3BF", "mist": "#EBEBEB"}

#: Ordered categories, from the safe end to the bad one; time from early to late.
RAMPS = {
    "grade": ("#957000", "#75694A", "#4E5A6E", "#1F3B6B", "#00173D"),
    "severity": ("#E2735A", "#B23A3A", "#7A1230", "#3D0020"),
    "time": ("#7F97AD", "#4A6278", "#17242F"),
}

#: Kind -> name -> colour of the palette and marker.
MARKS = {
    "term": {"36": ("blue", "o"), "60": ("orange", "s")},
    "decision": {"accept": ("blue", "o"), "refer": ("amber", "s"), "decline": ("grey", "D")},
    "check": {"predicted": ("blue", "o"), "what came": ("orange", "D")},
}


def mark_of(kind: str, name: object, marks: dict | None = None) -> tuple[str, str]:
    """Colour and marker of a thing.

    Parameters
    ----------
    kind : str
        A key of `marks`, such as ``"term"``.
    name : object
        Its name, as text; of a term the months.
    marks : dict, optional
        A dictionary of the form of :data:`MARKS`, which is the default.

    Returns
    -------
    colour, marker : str

    Examples
    --------
    >>> mark_of("term", 60)
    ('#C24E00', 's')
    """
    colour, marker = (marks or MARKS)[kind][str(name)]
    return PALETTE[colour], marker


def ordered_colours(count: int, kind: str = "grade") -> list[str]:
    """Colours for `count` ordered categories, from safe or early (light) to bad or late (dark).

    Parameters
    ----------
    count : int
        Number of categories, at least one.
    kind : {"grade", "severity", "time"}

    Returns
    -------
    list of str

    Examples
    --------
    >>> ordered_colours(7)[0], ordered_colours(4, "severity")[-1]
    ('#957000', '#3d0020')
    """
    return [to_hex(colour) for colour in ramp(kind)(np.linspace(0, 1, count) if count > 1 else [0.5])]


def ramp(kind: str) -> mpl.colors.Colormap:
    """The ramp of ordered categories as a colour map of matplotlib."""
    return LinearSegmentedColormap.from_list(kind, RAMPS[kind])


def ink_on(colour: str | tuple) -> str:
    """White where it is read on a ground (4.5 to 1), else black.

    By night a picture is turned over, and a ground of the middle becomes too dark for what was black.

    Examples
    --------
    >>> ink_on("#0072B2"), ink_on("#9CCBE8")
    ('#FFFFFF', '#000000')
    """
    light = np.dot([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)], LUMINANCE)
    return "#FFFFFF" if 1.05 / (light + 0.05) >= 4.5 else "#000000"


#: Weights of linear red, green and blue in the luminance of WCAG.
LUMINANCE = (0.2126, 0.7152, 0.0722)
