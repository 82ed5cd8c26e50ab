"""The dictionary of colours: read on white and at night, told apart by every eye, and used by all figures."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from p2pbook.figures.colours import MARKS, SHARES
from p2prisk.figures.colours import LUMINANCE, PALETTE, RAMPS, TINTS, ink_on, ordered_colours

ROOT = Path(__file__).resolve().parents[1]
WHITE, NIGHT = (1.0, 1.0, 1.0), to_rgb("#14181d")
#: Machado, Oliveira and Fernandes (2009), severity one: what eyes without one kind of cone see, in linear light.
EYES = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
#: what CSS makes of hue-rotate(180deg), and how much of light and dark change places, when pictures turn with the night
TURN = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])
SHEETS = ("bookkit/assets/book.css", "p2prisk/report/chapters/figures.css")
RULES = "".join((ROOT / "code" / sheet).read_text(encoding="utf-8") for sheet in SHEETS)
(INVERTED,) = map(float, set(re.findall(r"invert\(([\d.]+)\) hue-rotate\(180deg\)", RULES)))


def linear(colour):
    colour = np.asarray(colour, float)
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    low, high = sorted(float(linear(colour) @ LUMINANCE) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def at_night(colour):
    colour = np.asarray(to_rgb(colour))
    return np.clip(TURN @ (INVERTED * (1 - colour) + (1 - INVERTED) * colour), 0, 1)


def lab(light):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light
    share = xyz / [0.95047, 1, 1.08883]
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(first, second):
    """Distance of two colours in CIE Lab for the eyes that tell them apart worst."""
    seen = [
        [lab(np.clip(np.array(eye) @ linear(to_rgb(each)), 0, 1)) for each in (first, second)] for eye in EYES.values()
    ]
    return min(float(np.linalg.norm(one - other)) for one, other in seen)


@pytest.mark.parametrize("name", PALETTE)
def test_a_label_is_read_by_day_and_by_night(name):
    assert contrast(to_rgb(PALETTE[name]), WHITE) >= 4.5
    assert contrast(at_night(PALETTE[name]), NIGHT) >= 4.5


@pytest.mark.parametrize("kind", RAMPS)
@pytest.mark.parametrize("count", [2, 4, 7])
def test_fills_of_a_ramp_stand_out_darken_and_differ(kind, count):
    colours = ordered_colours(count, kind)
    assert all(contrast(to_rgb(colour), WHITE) >= 3 and contrast(at_night(colour), NIGHT) >= 3 for colour in colours)
    light = [float(linear(to_rgb(colour)) @ LUMINANCE) for colour in colours]
    assert np.all(np.diff(light) < 0)
    assert min(apart(*pair) for pair in itertools.pairwise(colours)) >= (6 if kind == "time" else 8)


def test_the_ramps_are_not_taken_for_each_other():
    ends = [ordered_colours(7, kind)[0] for kind in RAMPS]
    assert min(apart(*pair) for pair in itertools.combinations(ends, 2)) >= 15


@pytest.mark.parametrize("kind", MARKS)
def test_things_of_a_kind_are_told_apart(kind):
    for (name, (colour, marker)), (other, (second, shape)) in itertools.combinations(MARKS[kind].items(), 2):
        assert marker != shape, f"{kind}: {name} and {other} have one shape"
        same = colour == second  # the same source in another copy: by its shape alone
        assert same or apart(PALETTE[colour], PALETTE[second]) >= 14, f"{kind}: {name} and {other}"


def test_words_on_a_fill_are_read():
    grounds = [*TINTS.values(), *PALETTE.values(), *(each for kind in RAMPS for each in ordered_colours(9, kind))]
    assert min(contrast(to_rgb(ink_on(ground)), to_rgb(ground)) for ground in grounds) >= 4.5
    # by night, too, where figures write on them
    written = [*TINTS.values(), *ordered_colours(7), *(to_hex(SHARES(share)) for share in np.linspace(0, 1, 41))]
    assert min(contrast(at_night(ink_on(ground)), at_night(ground)) for ground in written) >= 4.5


def test_no_figure_has_colours_or_words_of_its_own_making():
    drawing = [*ROOT.glob("code/p2pbook/figures/*.py"), *ROOT.glob("code/p2prisk/figures/*.py")]
    for path in [*drawing, ROOT / "code/p2prisk/report/figures.py"]:
        text = path.read_text(encoding="utf-8")
        small = [size for size in re.findall(r"(?:fontsize|labelsize)=(\d+(?:\.\d+)?)", text) if float(size) < 9]
        assert small == [], f"{path.name}: letters under nine points"
        own = set(re.findall(r'"(#[0-9A-Fa-f]{6})"', text)) - {"#FFFFFF", "#003B5C", "#E3E3E3"}
        assert path.name == "colours.py" or own == set(), f"{path.name}: {own}"
        drawn = re.findall(r'PALETTE\["(\w+)"\][^\n]*(?:term|months)', text)
        assert drawn == [], f"{path.name}: a term has its colour in the dictionary"
