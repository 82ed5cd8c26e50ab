"""The book as it was built here: what a page weighs, what it loads late, and whether its HTML is valid."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from bookkit.pdf import _SHOWN, _UPRIGHT
from bookkit.render import render

BOOK = Path(__file__).parents[2] / "_book"
FIXTURES = Path(__file__).parent / "fixtures"
#: Bytes that a page may load before it is scrolled: the first one, and any.
FIRST, ANY, PRINTED = 300_000, 600_000, 4_000_000

#: Points of the smallest letter of a picture, on paper and on a screen of any width.
LEAST = 9

built = pytest.mark.skipif(not (BOOK / "index.html").exists(), reason="the book is not built here: make book")


def faults(folder):
    """What html-validate finds in the pages of a folder, one line each."""
    tool = shutil.which("html-validate")
    if not tool:
        pytest.skip("html-validate is not installed: npm install --global html-validate")
    (folder / ".htmlvalidate.json").write_text('{"extends": ["html-validate:standard"], "root": true}')
    pages = [str(path) for path in sorted(folder.rglob("*.html"))]
    run = subprocess.run(
        [tool, "--formatter=json", "--config", ".htmlvalidate.json", *pages], cwd=folder, capture_output=True, text=True
    )
    (folder / ".htmlvalidate.json").unlink()
    assert run.stdout, run.stderr
    return [
        f"{Path(page['filePath']).name}:{each['line']}: {each['message']}"
        for page in json.loads(run.stdout)
        for each in page["messages"]
    ]


def test_pages_are_valid_html(tmp_path):
    root = tmp_path / "book"
    shutil.copytree(FIXTURES / "good", root, ignore=shutil.ignore_patterns("_book*", ".bookkit"))
    render(root, ["html"], say=lambda line: None)
    page = root / "_book" / "chapters" / "tables.html"
    assert faults(root / "_book") == []
    page.write_text(page.read_text().replace("</article>", "<span><style>p {}</style></div></article>"))
    assert faults(root / "_book") != []


@built
def test_the_book_is_valid_html(tmp_path):
    shutil.copytree(
        BOOK, tmp_path / "book", ignore=lambda folder, names: [n for n in names if "." in n and not n.endswith(".html")]
    )
    assert faults(tmp_path / "book") == []


@built
def test_pages_are_light_pictures_late_and_the_pdf_small(browser):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    heavy = []
    for path in sorted(BOOK.rglob("*.html")):
        page, loaded = context.new_page(), set()
        page.on("request", lambda request, loaded=loaded: loaded.add(request.url))
        page.goto(path.as_uri())
        page.evaluate("document.fonts.ready")
        size = sum(Path(unquote(urlparse(url).path)).stat().st_size for url in loaded if url.startswith("file:"))
        most = FIRST if path == BOOK / "index.html" else ANY
        if size > most:
            heavy.append(f"{path.relative_to(BOOK)}: {size:,d} bytes, {most:,d} are allowed")
        assert 'loading="eager"' not in path.read_text(encoding="utf-8")
        pictures = re.findall(r"<img [^>]*>", path.read_text(encoding="utf-8"))
        assert all('loading="lazy"' in picture for picture in pictures), path.name
        page.close()
    context.close()
    assert heavy == []
    assert all(path.stat().st_size <= PRINTED for path in BOOK.rglob("*.pdf"))


def letters(picture):
    """Width in points of a drawn picture, and the size in points of its smallest letter (letters are outlines)."""
    width, box = map(float, re.search(r'<svg[^>]* width="([\d.]+)pt"[^>]* viewBox="0 0 ([\d.]+) ', picture).groups())
    sizes = [100 * float(scale) for scale in re.findall(r"scale\(([\d.]+) -[\d.]+\)", picture)]
    return width, width / box * min(sizes)


@built
def test_no_letter_of_a_picture_is_shown_at_less_than_nine_points():
    """In the PDF they were 8: pictures drawn with letters of nine points were shown at 0.89, wide ones at less."""
    small, pictures = [], sorted(BOOK.rglob("fig-*.svg"))
    for path in pictures:
        width, least = letters(path.read_text(encoding="utf-8"))
        on_paper = 1 if path.stem.endswith("-narrow") else min(_SHOWN, _UPRIGHT / width)
        if least * on_paper < LEAST - 0.01:
            small.append(f"{path.name}: {least * on_paper:.2f} points")
    assert len(pictures) > 80 and small == []


def prose(page):
    """The text of a page without its tables, code, pictures and scripts."""
    main = re.search(r"<main.*</main>", page, re.DOTALL)[0]
    return re.sub(r"<(table|pre|code|script|style|svg|head)\b.*?</\1>|<[^>]+>", " ", main, flags=re.DOTALL)


def test_prose_is_what_stands_outside_tables_and_code():
    page = "<main><p>from <code>2010-01</code> on</p><table><td>2010-02</td></table><p>of <em>2010-03</em></p></main>"
    assert re.findall(r"\d{4}-\d\d", prose(page)) == ["2010-03"]


@built
def test_months_and_days_are_words_in_prose():
    """An answer said that a chart "rings for the loans of 2010-02, in 2011-07"; only sources carry days as numbers."""
    pages = {path.name: prose(path.read_text(encoding="utf-8")) for path in BOOK.rglob("*.html")}
    del pages["references.html"]
    found = {
        name: re.findall(r".{0,30}(?<![\d-])(?:19|20)\d\d-\d\d(?:-\d\d)?(?!\d)", words) for name, words in pages.items()
    }
    assert len(pages) > 25 and {name: days for name, days in found.items() if days} == {}
