"""Subset the faces of the book to what it uses: Latin, Greek and signs, formulas, the Chinese characters that occur.

    python data/build_fonts.py FOLDER

FOLDER holds the sources, unpacked: the packages @fontsource/source-sans-3, @fontsource/source-serif-4 and
@fontsource/stix-two-math of npm (as source-sans-3, source-serif-4, stix), and NotoSerifCJK-Regular.ttc of the Debian
package fonts-noto-cjk. Each face is written twice to code/p2prisk/assets/fonts: TrueType or OpenType for the PDF and
the charts, WOFF2 for the web. Needs fonttools and brotli. To be run again when a test says that a character of the
book has no glyph. The faces are renamed, as the licence of the sources (SIL Open Font License 1.1, beside the faces)
keeps their names for the whole, unchanged fonts.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.merge import Merger
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "code" / "p2prisk" / "assets" / "fonts"
PIECES = ("latin", "latin-ext", "greek")
FACES = {
    "BookSans-Regular": ("source-sans-3", "400-normal"),
    "BookSans-Italic": ("source-sans-3", "400-italic"),
    "BookSans-SemiBold": ("source-sans-3", "600-normal"),
    "BookSerif-Regular": ("source-serif-4", "400-normal"),
    "BookSerif-Italic": ("source-serif-4", "400-italic"),
    "BookSerif-Bold": ("source-serif-4", "700-normal"),
}
LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x370, 0x400), *range(0x2010, 0x2040), *range(0x20A0, 0x20C0)]
LATIN += [0x2122, 0x2190, 0x2192, 0x2202, 0x2211, 0x2212, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265]
#: operators, arrows, double-struck, italic and bold letters and digits
MATH = [*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x300, 0x340), *range(0x370, 0x400), *range(0x2010, 0x2070)]
MATH += [
    *range(0x2070, 0x20D0),
    *range(0x20D0, 0x2200),
    *range(0x2200, 0x2300),
    *range(0x2308, 0x230C),
    *range(0x27E6, 0x27EC),
]
MATH += [*range(0x1D400, 0x1D504), *range(0x1D538, 0x1D56C), *range(0x1D6A4, 0x1D7D0)]


def chinese():
    """Every Chinese character and sign in the chapters, tables and code of the book."""
    places = [
        *ROOT.glob("*.qmd"),
        *ROOT.glob("chapters/*.qmd"),
        *ROOT.glob("code/p2prisk/report/chapters/*.qmd"),
        *ROOT.glob("data/*.csv"),
    ]
    places += [
        *ROOT.glob("code/**/*.py"),
        *ROOT.glob("code/**/*.csv"),
        *ROOT.glob("code/**/*.yml"),
        ROOT / "references.bib",
    ]
    found = {ord(letter) for place in places for letter in place.read_text(encoding="utf-8")}
    return sorted(code for code in found if 0x2E80 <= code <= 0xFFEF)


#: Pages of much Chinese; the characters of all others make a small piece of the Chinese face for the web.
CHINESE_PAGES = ("abstract-zh", "brief-zh", "glossary", "references")


def common():
    """The Chinese characters of the pages of little Chinese."""
    pages = [*ROOT.glob("*.qmd"), *ROOT.glob("chapters/*.qmd")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages if page.stem not in CHINESE_PAGES)
    return sorted({ord(letter) for letter in text} & set(chinese()))


def name_ranges(pieces):
    """Write which characters each piece of the Chinese face is loaded for into the style sheet."""
    sheet = OUT / "faces.css"
    lines = [line for line in sheet.read_text(encoding="utf-8").splitlines() if "BookHans" not in line]
    local = ", ".join(
        f'local("{name}")' for name in ("Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", "SimSun")
    )
    for name, codes in pieces.items():
        listed = ", ".join(f"U+{code:X}" for code in codes)
        lines.append(
            f'@font-face {{ font-family: "Book Hans"; src: {local}, url("{name}.woff2") format("woff2"); '
            f"font-display: swap; unicode-range: {listed}; }}"
        )
    sheet.write_text("\n".join([*lines, ""]), encoding="utf-8")


def write(font, name, codes, suffix, drop=()):
    """Subset, rename and write a face in both formats; without `suffix` for the web alone."""
    stem, style = name.split("-")
    family, regular = f"Book {stem.removeprefix('Book')}", style in ("Regular", "Italic", "Bold")
    names = {
        1: family if regular else f"{family} {style}",
        2: style if regular else "Regular",
        3: name,
        4: f"{family} {style}",
    }
    names |= {6: name, 16: family, 17: style}
    table = font["name"]
    table.names = [record for record in table.names if record.nameID in (0, 8, 9, 11, 12, 13, 14)]
    for identifier, words in names.items():
        table.setName(words, identifier, 3, 1, 0x409)
    options = subset.Options(
        layout_features=["*"], name_IDs=["*"], notdef_outline=True, drop_tables=[*subset.Options().drop_tables, *drop]
    )
    keep = subset.Subsetter(options)
    keep.populate(unicodes=codes)
    keep.subset(font)
    for flavour, ending in ((None, suffix), ("woff2", "woff2")):
        if not ending:
            continue
        font.flavor = flavour
        font.save(OUT / f"{name}.{ending}", reorderTables=False)


def main():
    """Write all faces."""
    sources = Path(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (family, style) in FACES.items():
        pieces = []
        for piece in PIECES:
            path = sources / family / "package" / "files" / f"{family}-{piece}-{style}.woff2"
            font = TTFont(path)
            font.flavor = None
            target = sources / f"{name}-{piece}.ttf"
            font.save(target)
            pieces.append(target)
        write(Merger().merge([str(piece) for piece in pieces]), name, LATIN, "ttf")
    font = TTFont(sources / "stix" / "package" / "files" / "stix-two-math-latin-400-normal.woff2")
    write(font, "BookMath-Regular", MATH, "ttf")
    fonts = TTCollection(sources / "NotoSerifCJK-Regular.ttc").fonts
    font = next(font for font in fonts if font["name"].getDebugName(1) == "Noto Serif CJK SC")
    drop, few = ["vhea", "vmtx", "VORG"], common()
    write(font, "BookHans-Regular", chinese(), "otf", drop=drop)
    (OUT / "BookHans-Regular.woff2").unlink()
    pieces = {"BookHans-Common": few, "BookHans-Rest": sorted(set(chinese()) - set(few))}
    for name, codes in pieces.items():
        fonts = TTCollection(sources / "NotoSerifCJK-Regular.ttc").fonts
        font = next(font for font in fonts if font["name"].getDebugName(1) == "Noto Serif CJK SC")
        write(font, name, codes, "", drop=drop)
    name_ranges(pieces)


if __name__ == "__main__":
    main()
