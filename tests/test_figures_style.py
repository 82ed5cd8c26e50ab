"""House style and fingerprints: a changed figure must change its fingerprint, noise in the last bit must not."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from p2prisk.figures import label_line_ends, ordered_colours
from p2prisk.figures.fingerprint import fingerprint


def drawn(change=None):
    figure, axes = plt.subplots(1, 4)
    axes[0].plot([0, 1, 2], [1.0, 4.0, 9.0])
    axes[0].axhline(0)
    axes[1].bar(["A", "B"], [3.0, 5.0])
    axes[2].scatter([1, 2, 3], [4, 5, 6], c=[0.1, 0.2, 0.3])
    axes[3].imshow([[1.0, 2.0], [3.0, 4.0]])
    axes[0].set(xlabel="months", ylabel="share", title="a title")
    axes[0].text(1, 1, "note")
    if change:
        change(axes)
    found = fingerprint(figure)
    plt.close(figure)
    return found


CHANGES = {
    "line value": lambda axes: axes[0].get_lines()[0].set_ydata([1.0, 4.001, 9.0]),
    "bar height": lambda axes: axes[1].patches[0].set_height(3.001),
    "point": lambda axes: axes[2].collections[0].set_offsets([[1, 4], [2, 5], [3, 6.01]]),
    "point value": lambda axes: axes[2].collections[0].set_array(np.array([0.1, 0.2, 0.31])),
    "image": lambda axes: axes[3].get_images()[0].set_data([[1.0, 2.0], [3.0, 4.1]]),
    "label": lambda axes: axes[0].set_xlabel("weeks"),
    "limit": lambda axes: axes[0].set_xlim(0, 2.2),
    "text": lambda axes: axes[0].texts[0].set_text("another"),
    "category": lambda axes: axes[1].set_xticks([0, 1], ["A", "C"]),
    "legend": lambda axes: axes[0].legend(axes[0].get_lines()[:1], ["name"]),
    "title": lambda axes: axes[0].set_title("another"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_seen(change):
    assert drawn(change) != drawn()


def test_last_bit_noise_is_not_seen():
    noisy = drawn(lambda axes: axes[0].get_lines()[0].set_ydata([1.0 + 2e-16, 4.0 * (1 + 3e-16), 9.0]))
    assert noisy == drawn()
    zero = drawn(lambda axes: axes[0].get_lines()[1].set_ydata([1e-17, -1e-17]))
    assert zero == drawn()


def test_ordered_colours_darken_with_risk():
    from matplotlib.colors import to_rgb

    luminance = [np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)) for colour in ordered_colours(7)]
    assert np.all(np.diff(luminance) < 0)


def test_line_end_labels_do_not_overlap():
    figure, ax = plt.subplots()
    for level in (1.0, 1.001, 1.002):
        ax.plot([0, 1], [0, level])
    label_line_ends(ax, ["one", "two", "three"])
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert np.min(np.diff(heights)) > 0.044
    plt.close(figure)
