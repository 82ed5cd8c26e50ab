"""The book's own entries of the dictionary of colours: traits, models, platforms, parties, sources."""

from matplotlib.colors import LinearSegmentedColormap

from p2prisk.figures.colours import MARKS as _HOUSE
from p2prisk.figures.colours import PALETTE, TINTS
from p2prisk.figures.colours import mark_of as _mark_of

#: From none to all. It steps at a half: on no blue between those two can words be read both by day and by night.
SHARES = LinearSegmentedColormap.from_list(
    "shares", [(0, "#FFFFFF"), (0.5, TINTS["sky"]), (0.5, PALETTE["blue"]), (1, "#003B5C")]
)

#: Kind -> name -> colour of the palette and marker; with those of every lender (:mod:`p2prisk.figures.colours`).
MARKS = _HOUSE | {
    "trait": {
        "ability": ("blue", "o"),
        "willingness": ("orange", "s"),
        "loan": ("black", "D"),
        "place and time": ("grey", "^"),
        "platform": ("purple", "v"),
    },
    # a name that ends alike is the same kind of model on another day or another platform
    "model": {
        "on the day": ("blue", "o"),
        "boosting, on the day": ("amber", "s"),
        "in hindsight": ("grey", "D"),
        "sub-grade": ("purple", "^"),
    },
    "model in hindsight": {
        "ordered logit": ("blue", "o"),
        "ordered logit, base traits": ("black", "P"),
        "ordered logit and sub-grade": ("green", "v"),
        "gradient boosting": ("amber", "s"),
        "sub-grade": ("purple", "^"),
        "grade": ("purple", "X"),
    },
    "model of Prosper": {
        "traits": ("blue", "o"),
        "traits without score": ("black", "P"),
        "traits and rating": ("green", "v"),
        "Lending Club slopes": ("orange", "s"),
        "rating": ("purple", "^"),
    },
    "platform": {"Lending Club": ("blue", "o"), "Prosper": ("orange", "s"), "PPDai": ("purple", "D")},
    "country": {"United States": ("blue", "o"), "China": ("orange", "s"), "Europe": ("green", "^")},
    "party": {"bank": ("blue", "o"), "platform": ("orange", "s"), "lender": ("purple", "D")},
    "sign": {"worse": ("orange", "^"), "better": ("blue", "v"), "none": ("grey", "o"), "mixed": ("amber", "s")},
    # who counted the industry; the same tracker restated, or in another copy, keeps its colour
    "tracker": {
        "WDZJ": ("blue", "o"),
        "WDZJ restated": ("blue", "D"),
        "WDZJ, other copy": ("blue", "h"),
        "blue book": ("grey", "s"),
        "Lingyi": ("orange", "^"),
        "Tianyan": ("purple", "v"),
        "regulator": ("green", "d"),
        "expert committee": ("black", "P"),
        "Rong360": ("amber", "X"),
        "HKUST brief": ("black", "*"),
    },
    "event": {
        "rule": ("blue", "o"),
        "campaign": ("amber", "s"),
        "crisis": ("black", "D"),
        "exit": ("orange", "^"),
        "group": ("grey", "h"),
        "strain": ("amber", "P"),
        "listing": ("blue", "v"),
        "stop": ("orange", "X"),
        "aftermath": ("purple", "*"),
    },
    # grade of a source, and the class of a document
    "source": {"A": ("blue", "o"), "B": ("green", "s"), "C": ("amber", "^"), "D": ("grey", "D")},
    "document": {"official": ("blue", "o"), "press": ("green", "s"), "repost": ("amber", "^"), "said": ("grey", "D")},
    "instrument": {
        "scorecard": ("orange", "o"),
        "monitor": ("blue", "s"),
        "stress": ("purple", "D"),
        "platform": ("green", "^"),
    },
}


def mark_of(kind, name):
    """Colour and marker of a thing; see :func:`p2prisk.figures.colours.mark_of`."""
    return _mark_of(kind, name, MARKS)


def colours_of(kind):
    """Name -> colour, for all of a kind."""
    return {name: mark_of(kind, name)[0] for name in MARKS[kind]}


BLOCK_COLOURS = colours_of("trait")
