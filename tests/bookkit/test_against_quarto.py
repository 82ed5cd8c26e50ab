"""The preview beside real Quarto: same chapters, headings, figures, tables and equation numbers.

Runs where a `quarto` is on PATH; the book itself takes Quarto minutes.
"""

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bookkit.config import read_book
from bookkit.remote import strip
from bookkit.render import render

ROOT = Path(__file__).parents[2]
REPORT = "code/p2prisk/report/chapters/_quarto.yml"
GOOD = Path(__file__).parent / "fixtures/good"

pytestmark = pytest.mark.skipif(not shutil.which("quarto"), reason="no quarto on PATH")


def render_both(source, folder):
    """A copy of the project rendered by both; returns the two output folders."""
    project = folder / "project"
    shutil.copytree(
        source,
        project,
        ignore=shutil.ignore_patterns(
            "_book*", ".bookkit", ".git", ".venv", "tests", "benchmarks", ".quarto", "_freeze", "__pycache__"
        ),
    )
    if (source / ".bookkit").exists():  # results that still hold are good enough for the preview's half
        shutil.copytree(source / ".bookkit", project / ".bookkit")
    render(project, ["html"], output="_preview", say=lambda line: None)
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
    if (project / "code").exists():
        environment["PYTHONPATH"] = os.pathsep.join([str(project / "code"), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        ["quarto", "render", "--to", "html"], cwd=project, env=environment, capture_output=True, text=True, timeout=1500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unable to resolve" not in done.stdout + done.stderr
    return project / "_preview", project / "_book"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return (GOOD, *render_both(GOOD, tmp_path_factory.mktemp("quarto-good")))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return (ROOT, *render_both(ROOT, tmp_path_factory.mktemp("quarto-book")))


@pytest.fixture(params=["good", "book"])
def both(request):
    """The project, the preview's output, Quarto's output."""
    return request.getfixturevalue(request.param)


def body(folder, path):
    """The text of a page, from its <main>."""
    text = (folder / path).with_suffix(".html").read_text(encoding="utf-8")
    return re.search(r"<main.*?</main>", text, re.DOTALL)[0]


def plain(text):
    text = re.sub(r"<(script|style|annotation)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " ").replace("\u2061", "")
    return re.sub(r"\s+", " ", text).replace(" :", ":").strip()


def headings(text, book_title):
    found = [
        (level, plain(words).removesuffix(" #"))
        for level, words in re.findall(r"<h([1-6])\b(?![^>]*toc-title)[^>]*>(.*?)</h\1>", text, re.DOTALL)
    ]
    # Quarto writes "Appendix A — Title" where the preview writes "A Title".
    return [
        (level, re.sub(r"^Appendix (\w) — ", r"\1 ", words)) for level, words in found if words and words != book_title
    ]


def captions(text):
    # the preview's door to a picture's numbers, which Quarto's pages have below the picture
    text = re.sub(r'<a [^>]*class="numbers".*?</a>', "", text, flags=re.DOTALL)
    return [
        re.sub(r"\s*([.,;:)])", r"\1", re.sub(r"\(\s+", "(", plain(words)))
        for words in re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", text, re.DOTALL)
    ]


def equations(text, quarto):
    """Label and number of every numbered equation."""
    if not quarto:
        return re.findall(r'class="equation" id="(eq-[\w-]+)".*?equation-number">\(([\w.]+)\)', text, re.DOTALL)
    return [
        (label, re.search(r"\(([^()]*)\)$", plain(words))[1].replace(" ", ""))
        for label, words in re.findall(r'id="(eq-[\w-]+)"[^>]*>(.*?)</math>', text, re.DOTALL)
    ]


def test_same_chapters(both):
    source, preview, quarto = both
    pages = {path.with_suffix(".html").as_posix() for path in read_book(source).chapters}
    for folder in (preview, quarto):
        assert pages == {
            path.relative_to(folder).as_posix() for path in folder.rglob("*.html") if "site_libs" not in path.parts
        }


def test_same_headings(both):
    source, preview, quarto = both
    book = read_book(source)
    for path in book.chapters:
        assert headings(body(preview, path), book.title) == headings(body(quarto, path), book.title), path


def test_same_figures_and_tables(both):
    source, preview, quarto = both
    count = 0
    for path in read_book(source).chapters:
        ours = captions(body(preview, path))
        assert ours == captions(body(quarto, path)), path
        count += len(ours)
        for tag in ("<img ", "<table"):
            assert body(preview, path).count(tag) == body(quarto, path).count(tag), f"{path}: {tag}"
    assert count > 4


def test_same_equation_numbers(both):
    source, preview, quarto = both
    for path in read_book(source).chapters:
        assert equations(body(preview, path), False) == equations(body(quarto, path), True), path


def test_no_unresolved_reference(both):
    source, preview, quarto = both
    for path in read_book(source).chapters:
        for folder in (preview, quarto):
            assert not re.findall(r"\?(?:fig|tbl|eq|sec)-[\w-]+|quarto-unresolved-ref", body(folder, path)), path


def test_same_references(both):
    """Every reference to a figure, table or equation prints the same words."""
    source, preview, quarto = both
    for path in read_book(source).chapters:
        ours, theirs = (
            [
                plain(words)
                for words in re.findall(r'<a\b[^>]*class="quarto-xref"[^>]*>(.*?)</a>', body(folder, path), re.DOTALL)
            ]
            for folder in (preview, quarto)
        )
        # Quarto prints the title of a chapter that stands on another page, the preview always its number.
        kinds = r"(Figure|Table|Equation) "
        assert [words for words in ours if re.match(kinds, words)] == [
            words for words in theirs if re.match(kinds, words)
        ], path


def test_post_render_step_removed_scripts_from_other_hosts(both):
    source, _, quarto = both
    remote = r"""<(?:script|link)\b[^>]*(?:src|href)=["'](?:https?:)?//[^>]*>"""
    for path in read_book(source).chapters:
        text = (quarto / path).with_suffix(".html").read_text(encoding="utf-8")
        if source == GOOD:  # the fixture has no post-render step of its own
            if path.stem == "blocks":
                assert re.findall(remote, text), "Quarto adds none any more; the step can go"
            text = strip(text)
        assert not re.findall(remote, text), path
        assert "define('jquery'" not in text
    for path in quarto.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        text = strip(text) if source == GOOD else text
        assert not re.search(r"""@import[^;]*//|url\(["']?(?:https?:)?//""", text), path


def test_pictures_bring_their_numbers_and_pages_the_readers_script(book):
    source, preview, quarto = book
    for path in read_book(source).chapters:
        ours, theirs = body(preview, path), body(quarto, path)
        for sign in ('class="numbers"', 'class="alone"', "<picture>"):
            assert ours.count(sign) == theirs.count(sign), f"{path}: {sign}"
        for name in re.findall(r'class="numbers" href="([^"]+)"', theirs):
            assert (quarto / path).parent.joinpath(name).stat().st_size > 10, f"{path}: {name}"
        page = (quarto / path).with_suffix(".html").read_text(encoding="utf-8")
        assert "reader.js" in page and "bookTerms" in page


def test_axe_finds_nothing_on_quartos_pages(book, browser):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
        for path in ("index", "chapters/assessment", "chapters/borrowers"):
            page = context.new_page()
            page.goto((book[2] / f"{path}.html").as_uri())
            page.wait_for_timeout(300)
            found = axe.run(page).response["violations"]
            assert not found, f"{path}, {scheme}: {[(each['id'], each['nodes'][0]['target']) for each in found]}"
            page.close()
        context.close()


def test_no_page_of_quartos_scrolls_sideways_on_a_telephone(book, browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    for path in read_book(ROOT).chapters:
        page.goto((book[2] / path).with_suffix(".html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.close()


def printed(folder, edition, pages):
    """Path of the PDF that Quarto makes of pages with an edition's settings for it."""
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on PATH")
    typst = yaml.safe_load((ROOT / edition).read_text("utf-8"))["format"]["typst"]
    shutil.copytree(ROOT / "code/bookkit/quarto", folder / "code/bookkit/quarto")
    shutil.copytree(ROOT / "code/p2prisk/assets/fonts", folder / typst["font-paths"])
    for name in (typst["include-in-header"], typst["include-before-body"], *typst["filters"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile((ROOT / edition).parent / name, folder / name)
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")
    of_book = {"title": "A Book", "author": "N. N.", "date": "2026-11-24", "chapters": list(pages)}
    project = {"project": {"type": "book"}, "book": of_book, "format": {"typst": typst}}
    (folder / "_quarto.yml").write_text(yaml.safe_dump(project), "utf-8")
    done = subprocess.run(
        ["quarto", "render", "--to", "typst"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next((folder / "_book").glob("*.pdf"))


def table(rows):
    lines = "".join(f"| row {number} | {number} |\n" for number in range(rows))
    return f"\n\n| name | n |\n|:--|--:|\n{lines}\n: A table {{#tbl-rows}}\n"


def words_of(made, *options):
    return subprocess.run(
        ["pdftotext", *options, made, "-"], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_pdf_has_a_date_no_doors_no_empty_page_and_whole_tables(tmp_path):
    """With the partial, the filter and the rules of the book, on pages of their own."""
    opening = "# Doors\n\n::: {.doors}\n- [Way in](index.qmd)\n:::\n\nWords of @sec-one and more.\n"
    opening += "\n**The answer first.** Yes.\n\n```{=typst}\n#place(top, float: true)[A picture.]\n```\n"
    chapter = "# One {#sec-one}\n\n" + "A long paragraph of words. " * 500 + table(18) + "\nAfterwards.\n"
    made = printed(tmp_path, "_quarto.yml", {"index.qmd": opening, "a.qmd": chapter})
    pages = words_of(made, "-layout").split("\f")[:-1]
    assert "2026-11-24" in pages[0] and all(len(page) > 20 for page in pages)
    assert "Words of Chapter 2 and more." in "".join(pages) and "Way in" not in "".join(pages)
    assert re.search("The answer first.*A picture", "".join(pages), re.DOTALL)
    assert [page for page in pages if "row 0" in page] == [
        page for page in pages if "row 17" in page and "A table" in page
    ]
    last, after = re.search(
        r'yMax="([\d.]+)">17<.*?yMin="([\d.]+)" [^>]*>Afterwards', words_of(made, "-bbox"), re.DOTALL
    ).groups()
    assert float(after) - float(last) < 15  # points; it was 22


def test_no_page_of_the_pdf_holds_the_takeaways_alone(tmp_path):
    end = '\n\n## Limits\n\nWhat is not known.\n\n::: {.callout-note title="Key takeaways"}\n- One.\n- Two.\n:::\n'
    long = {
        f"c{more}.qmd": f"# One\n\n{'A long paragraph of words. ' * (500 + more)}{end}" for more in range(0, 91, 15)
    }
    pages = words_of(printed(tmp_path, "_quarto.yml", {"index.qmd": "# Open\n\nWords.\n"} | long)).split("\f")
    ends = [page for page in pages if "Key takeaways" in page]
    assert len(ends) == len(long) and all("not known" in page for page in ends)
    assert any("of words." not in page for page in ends)  # one of these lengths would have left them alone


def test_a_reports_pdf_breaks_long_tables_sets_columns_by_their_words_and_has_the_bundled_faces(tmp_path):
    """Rows were printed over each other at the foot of the page, columns all of one width, in Quarto's own faces."""
    long = f"\n\n| what | where | mark | by |\n|---|---|---|---|\n| {'many words here ' * 30} | here | yes | all |\n"
    made = printed(tmp_path, REPORT, {"index.qmd": "# One\n\nWords." + table(90) + long})
    assert all(
        len(page.strip()) > 9 for page in words_of(made, "-layout").split("\f")[:-1]
    )  # the second page was empty
    feet = [float(foot) for foot in re.findall(r'yMax="([\d.]+)">row<', words_of(made, "-bbox"))]
    assert len(feet) == 90 and max(feet) < 842 - 40
    left = re.search(r'xMin="([\d.]+)" [^>]*>where<', words_of(made, "-bbox"))[1]
    assert float(left) > 300  # of 595; at equal widths it is 180
    assert "BookSerif" in subprocess.run(["pdffonts", made], capture_output=True, text=True, timeout=60).stdout
