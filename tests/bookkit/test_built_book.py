"""The book as it was built here: what a page weighs, what it loads late, and whether its HTML is valid."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from bookkit.render import render

BOOK = Path(__file__).parents[2] / "_book"
FIXTURES = Path(__file__).parent / "fixtures"
#: Bytes that a page may load before it is scrolled: the first one, and any.
FIRST, ANY, PRINTED = 300_000, 600_000, 4_000_000

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
