"""House style and fingerprints: a changed figure must change its fingerprint, noise in the last bit must not."""

import ast
import io
import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from p2prisk.figures import label_line_ends, ordered_colours, use_house_style
from p2prisk.figures.fingerprint import drawn as numbers
from p2prisk.figures.fingerprint import fingerprint
from p2prisk.figures.forest import forest_plot
from p2prisk.figures.narrow import WIDTH, _laid_out_again, _words_moved, narrow, redraw
from p2prisk.figures.style import LETTERS, SHOWN, percents

ROOT = Path(__file__).resolve().parents[1]
FONTS = ROOT / "code" / "p2prisk" / "assets" / "fonts"


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


def test_the_numbers_of_a_figure_are_those_that_were_drawn():
    figure, axes = plt.subplots(1, 4)
    axes[0].plot([0, 1, 2], [1.0, 4.0, 9.0], label="paid")
    axes[1].bar(["A", "B"], [3.0, 5.0])
    axes[2].scatter([1, 2], [4, 5])
    axes[3].imshow([[1.0, 2.0], [3.0, 4.0]])
    found = numbers(figure)
    assert found[found["series"] == "paid"][["x", "y"]].values.tolist() == [[0, 1], [1, 4], [2, 9]]
    bars = found[found["mark"] == "bar"]
    assert bars["y_end"].tolist() == [3, 5] and set(found["panel"]) == {"1", "2", "3", "4"}
    assert found[found["mark"] == "points"][["x", "y"]].values.tolist() == [[1, 4], [2, 5]]
    assert found[found["mark"] == "image"]["value"].tolist() == [1, 2, 3, 4]
    plt.close(figure)


def test_charts_use_the_faces_of_the_book():
    use_house_style()
    from matplotlib import font_manager

    for family, file in (("Book Sans", "BookSans-Regular.ttf"), ("Book Hans", "BookHans-Regular.otf")):
        assert font_manager.findfont(family, fallback_to_default=False) == str(FONTS / file)


def test_every_character_of_the_book_has_a_glyph():
    from matplotlib.ft2font import FT2Font

    places = [
        *ROOT.glob("*.qmd"),
        *ROOT.glob("chapters/*.qmd"),
        *ROOT.glob("code/p2prisk/report/chapters/*.qmd"),
        *ROOT.glob("data/*.csv"),
    ]
    used = {letter for place in places for letter in place.read_text(encoding="utf-8") if letter.isprintable()}
    known = {chr(code) for file in FONTS.glob("*.[ot]tf") for code in FT2Font(file).get_charmap()}
    missing = sorted(used - known)
    assert missing == [], "run data/build_fonts.py, which subsets the faces to what the book uses"


def test_every_face_has_both_formats_and_its_licence():
    names, web = ({path.stem for path in FONTS.glob(pattern)} for pattern in ("*.[ot]tf", "*.woff2"))
    # the Chinese face is loaded in two pieces: what most pages use, and the rest
    assert names - {"BookHans-Regular"} | {"BookHans-Common", "BookHans-Rest"} == web and len(names) >= 8
    sheet = (FONTS / "faces.css").read_text(encoding="utf-8")
    assert all(f'url("{name}.woff2")' in sheet for name in web)
    loaded = {chr(int(code, 16)) for code in re.findall(r"U\+([0-9A-F]{4,6})\b", sheet)}
    pages = [*ROOT.glob("*.qmd"), *ROOT.glob("chapters/*.qmd"), *ROOT.glob("data/*.csv")]
    used = {letter for page in pages for letter in page.read_text(encoding="utf-8") if 0x2E80 <= ord(letter) <= 0xFFEF}
    assert used <= loaded, "run data/build_fonts.py"
    assert (FONTS / "BookHans-Common.woff2").stat().st_size < 120_000, "what most pages load"
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text(encoding="utf-8")


def test_a_picture_has_letters_of_one_size_and_a_telephone_shows_nine_points():
    folders = [ROOT / "code" / package for package in ("p2prisk/figures", "p2pbook/figures", "p2prisk/report")]
    named = {"fontsize", "labelsize", "title_fontsize", "size"}
    own = [
        f"{path.name}:{node.value.lineno}"
        for path in (file for folder in folders for file in folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg in named and isinstance(node.value, ast.Constant)
    ]
    assert own == [], "letters of another size than LETTERS"
    use_house_style()
    figure = panels("words")
    figure.suptitle("all in all")
    figure.supxlabel("months")
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg")
    for picture, shown in ((drawn.getvalue(), SHOWN), (narrow(panels()), 1)):
        width, box = map(
            float, re.search(r'<svg[^>]* width="([\d.]+)pt"[^>]* viewBox="0 0 ([\d.]+) ', picture).groups()
        )
        sizes = {round(100 * float(scale), 6) for scale in re.findall(r"scale\(([\d.]+) -[\d.]+\)", picture)}
        assert sizes == {LETTERS} and LETTERS * width / box * shown == pytest.approx(9, abs=1e-3)
    plt.close("all")


def panels(words="", height=2.0):
    figure, axes = plt.subplots(1, 2, figsize=(7, height), sharey=True, layout="constrained")
    for ax in axes:
        ax.plot([0, 1], [0, 1], label="a line")
        ax.text(0.1, 0.5, words)
        ax.text(0.2, 0.5, words)
    axes[0].legend(ncols=4)
    return figure


def test_a_telephone_gets_a_drawing_of_its_own_and_the_figure_stays():
    figure = panels()
    before, places = fingerprint(figure), [ax.get_subplotspec() for ax in figure.axes]
    text = narrow(figure)
    width, height = (float(part) for part in re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', text).groups())
    assert width <= 72 * (WIDTH + 0.05) and height > 150, "panels side by side stand below each other"
    assert fingerprint(figure) == before and [ax.get_subplotspec() for ax in figure.axes] == places
    assert tuple(figure.get_size_inches()) == (7, 2) and not figure.axes[1].yaxis.get_tick_params()["labelleft"]
    assert narrow(panels("words that touch each other")) is None
    redraw(figure.axes[0], lambda ax: ax.text(0.2, 0.5, "drawn anew"), 5.0)
    height = float(re.search(r'height="([\d.]+)pt"', narrow(figure))[1])
    assert 300 < height < 400, "the drawing that the figure brings itself"
    small = plt.figure(figsize=(3, 2))
    assert narrow(small) is None, "narrow already"
    plt.close("all")


def test_a_figure_has_one_fingerprint_whether_a_narrow_drawing_goes_with_it_or_not(monkeypatch):
    """The reference is made beside the narrow drawing and checked without it; an arrow follows the layout."""
    from IPython.core.formatters import SVGFormatter
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    from p2prisk.figures import fingerprint as module

    kept, svg = {}, SVGFormatter()
    shell = SimpleNamespace(
        run_line_magic=lambda name, line: None,
        display_formatter=SimpleNamespace(
            formatters={"image/svg+xml": svg},
            mimebundle_formatter=SimpleNamespace(for_type=kept.__setitem__),
            ipython_display_formatter=SimpleNamespace(for_type=lambda kind, function: None),
        ),
    )
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    module.register()
    figures = [plt.figure(figsize=(7, 3), layout="constrained") for _ in range(2)]
    for figure in figures:
        figure.add_subplot().add_patch(FancyArrowPatch((0, 0), (1, 1), mutation_scale=11))
    plain = kept[Figure](figures[0])
    svg.for_type(Figure, lambda figure: "<svg/>")
    pages = kept[Figure](figures[1])
    assert module.NARROW in pages and module.NARROW not in plain
    assert pages[module.MIME_TYPE] == plain[module.MIME_TYPE]
    plt.close("all")


def test_long_names_of_rows_stand_above_them_on_a_telephone():
    labels = ["accounts opened in 24 months, a doubling of one plus", "purpose: credit card", "term 60 months (36)"]
    table = pd.DataFrame(
        {"label": labels, "odds_ratio": [1.3, 0.6, 6.8], "low": 0.5, "high": 7.0, "block": list("aab")}
    )
    ax = forest_plot(table, {"a": "#0072B2", "b": "#C14D00"}, values=True)
    kept = (len(ax.texts), ax.get_ylim(), ax.get_legend().texts, tuple(ax.figure.get_size_inches()))
    made = narrow(ax.figure)
    assert made and float(re.search(r'<svg[^>]* width="([\d.]+)pt"', made)[1]) <= 72 * 3.8
    assert kept == (len(ax.texts), ax.get_ylim(), ax.get_legend().texts, tuple(ax.figure.get_size_inches()))
    assert ax.yaxis.get_tick_params()["labelleft"]
    table["label"] = table["label"].str[:1] * 80  # runs out of the screen
    assert narrow(forest_plot(table).figure) is None


def test_the_line_of_reference_crosses_no_name_on_a_telephone():
    labels = [f"trait {place}: a name too long to stand beside its row, and wide enough" for place in range(4)]
    ax = forest_plot(pd.DataFrame({"label": labels, "odds_ratio": 1.1, "low": [0.5, 0.9, 0.9, 0.9], "high": 7.0}))
    before = [line.get_visible() for line in ax.lines], len(ax.collections)
    with _laid_out_again(ax.figure, above=True):
        ax.figure.canvas.draw()
        lines = [ax.transData.transform(part) for part in ax.collections[-1].get_segments()]
        names = [text.get_window_extent() for text in ax.texts]
        assert len(lines) == len(names) == 4 and all(name.x0 < lines[0][0][0] < name.x1 for name in names)
        assert not any(name.y0 < y < name.y1 for line in lines for y in line[:, 1] for name in names)
        assert not any(low <= name.y0 and name.y1 <= high for (_, low), (_, high) in lines for name in names)
        assert not ax.lines[-1].get_visible()
    assert before == ([line.get_visible() for line in ax.lines], len(ax.collections))


def test_a_legend_takes_fewer_columns_on_a_telephone():
    figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    for name in ("one set", "another set", "the third set"):
        ax.plot([0, 1], label=name)
    legend = ax.legend(ncol=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.canvas.draw()
    wide = legend.get_window_extent().width
    assert narrow(figure)
    figure.canvas.draw()
    assert legend.get_window_extent().width == wide  # as it was
    with _laid_out_again(figure, above=False):
        figure.canvas.draw()
        assert legend.get_window_extent().width < wide


def test_names_stand_above_bars_and_every_second_period_has_room_on_a_telephone():
    from p2prisk.report.figures import bad_by_period, information

    names = [f"months_since_{place}_accounts" for place in range(9)]
    ax = information(pd.DataFrame({"predictor": names, "information value": 0.2, "noise": 0.01}))
    kept = [(bar.get_y(), bar.get_height()) for bar in ax.patches]
    with _laid_out_again(ax.figure, above=True):
        ax.figure.canvas.draw()
        words = [text.get_window_extent() for text in ax.texts]
        assert len(words) == 9
        assert not any(word.overlaps(bar.get_window_extent()) for word in words for bar in ax.patches)
    assert kept == [(bar.get_y(), bar.get_height()) for bar in ax.patches]
    level = [f"{year}Q{quarter}" for year in range(2007, 2012) for quarter in (1, 2, 3, 4)]
    ax = bad_by_period(pd.DataFrame({"level": level, "share": 0.15, "low": 0.1, "high": 0.2}))
    assert narrow(ax.figure) and all(name.get_visible() for name in ax.get_xticklabels())


@pytest.mark.parametrize("top", [False, True])
def test_names_along_an_axis_take_lines_and_heights_in_turn_on_a_telephone(top):
    figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    ax.bar(["0.2 to 0.4", "0.4 to 0.6", *(f"otherwise {place}" for place in range(5))], 1)
    if top:
        ax.xaxis.tick_top()
    ax.set_xlabel("share of the outstanding principal that never came back to its lenders")
    before = fingerprint(figure)
    made = narrow(figure)
    assert made and float(re.search(r'width="([\d.]+)pt"', made)[1]) <= 72 * (WIDTH + 0.05)
    with _words_moved(figure, ("wrapped", "in turn")):
        figure.canvas.draw()
        names = [name.get_text() for name in ax.get_xticklabels()]
        assert names[0] == "0.2 to\n0.4" and names[1].strip("\n") == "0.4 to\n0.6" and "\n" in ax.get_xlabel()
        assert names[1].startswith("\n") is not top and names[1].endswith("\n") is top
    assert fingerprint(figure) == before
    plt.close("all")


def test_names_of_lines_stand_below_the_panel_on_a_telephone():
    ends = ["Pulkstenis-Robinson chi-square", "likelihood ratio, all at once", "short"]
    figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    for place in range(3):
        ax.plot([0, 1], [0, place])
    label_line_ends(ax, ends)
    before = fingerprint(figure)
    assert narrow(figure) and not figure.legends and all(text.get_visible() for text in ax.texts)
    with _laid_out_again(figure, above=False), _words_moved(figure, ("ends below",)):
        assert [text.get_text() for text in figure.legends[0].texts] == ends
        assert not any(text.get_visible() for text in ax.texts)
    assert fingerprint(figure) == before and tuple(figure.get_size_inches()) == (7, 3)
    plt.close("all")


def test_no_tick_of_shares_is_called_what_it_is_not():
    """A tick at 7.5 per cent was called 8 %, one at 2.5 per cent 2 %."""
    for top in (0.004, 0.1, 0.12, 0.155, 0.35, 1.0):
        _, ax = plt.subplots(figsize=(3, 2))
        ax.set_ylim(-top / 2, top)
        percents(ax.yaxis)
        places = ax.get_yticks()
        names = [label.get_text() for label in ax.get_yticklabels()]
        said = [float(name.replace("\u2212", "-").removesuffix("\u00a0%")) / 100 for name in names]
        assert len(said) > 2 and said == pytest.approx(list(places))
    plt.close("all")
