"""The preview renderer on a small book that uses the whole dialect."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bookkit.config import Entry, read_book
from bookkit.dialect import read_chapters
from bookkit.document import build
from bookkit.errors import BookError
from bookkit.render import render
from bookkit.tree import pandoc_path

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def good(copied, tmp_path_factory):
    """The good fixture, rendered once to both formats."""
    root, told = copied(tmp_path_factory.mktemp("good") / "book"), []
    render(root, say=told.append)
    assert "5 chapters, 0 to run" in told
    return root


def page(root, name, folder="_book"):
    return (root / folder / name).read_text(encoding="utf-8")


def article(root, name):
    return page(root, name).partition("<article>")[2].partition("</article>")[0]


def words(text):
    """Visible text of HTML: no tags, blanks joined."""
    text = re.sub(r"<annotation.*?</annotation>", "", text, flags=re.DOTALL)
    return (
        re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " "))
        .replace(" ,", ",")
        .replace(" .", ".")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(" ;", ";")
    )


@pytest.fixture(scope="module")
def printed(good):
    """Text of the PDF, page by page."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(
        ["pdftotext", "-layout", str(good / "_book/small-book.pdf"), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout.split("\f")


def test_every_chapter_has_a_page_and_its_source(good):
    for name in ("index", "chapters/numbers", "chapters/blocks", "chapters/tables", "references"):
        assert (good / "_book" / f"{name}.html").exists()
        assert (good / "_book" / f"{name}.qmd").read_bytes() == (good / f"{name}.qmd").read_bytes()
        assert f'href="{Path(name).name}.qmd" download' in page(good, f"{name}.html")


def test_numbers_of_figures_tables_equations_sections(good):
    text = page(good, "chapters/numbers.html")
    labels = re.findall(r'<span class="label">(.*?)</span>', text)
    assert [words(label) for label in labels] == [
        "Figure 1.1:",
        "Figure 1.2:",
        "Figure 1.3:",
        "Figure 1.4:",
        "Table 1.1:",
    ]
    assert re.findall(r'class="equation-number">\((.*?)\)<', text) == ["1.1", "1.2"]
    appendix = page(good, "chapters/tables.html")
    assert re.findall(r'class="equation-number">\((.*?)\)<', appendix) == ["A.1"]
    assert [words(label) for label in re.findall(r'<span class="label">(.*?)</span>', appendix)] == [
        "Table A.1:",
        "Table A.2:",
        "Table A.3:",
    ]
    headings = [
        words(heading).strip()
        for heading in re.findall(r"<h[1-6].*?</h[1-6]>", article(good, "chapters/numbers.html"), re.DOTALL)
    ]
    assert [heading.removesuffix(" #") for heading in headings] == [
        "1 Numbers",
        "1.1 Pictures",
        "1.2 Rows",
        "1.2.1 Deeper",
        "Not numbered",
    ]


def test_counters_of_deeper_sections_begin_anew(tmp_path):
    (tmp_path / "_quarto.yml").write_text("project: {type: book}\nbook: {title: A, chapters: [index.qmd, b.qmd]}\n")
    levels = (2, 3, 3, 2, 3, 4, 3, 4, 2)
    text = "".join(f"\n{'#' * level} Part {index}\n" for index, level in enumerate(levels))
    for name in ("index", "b"):
        (tmp_path / f"{name}.qmd").write_text(f"# {name} {{#sec-{name}}}\n{text}")
    book = read_book(tmp_path)
    for number, made in enumerate(build(book, read_chapters(book)[0], {}), 1):
        assert [section[1].removeprefix(f"{number}.") for section in made.sections] == [
            *("1", "1.1", "1.2", "2", "2.1", "2.1.1", "2.2", "2.2.1", "3")
        ]


def test_references_within_and_across_chapters(good):
    text = words(article(good, "chapters/numbers.html"))
    for expected in (
        "the points rise (Figure 1.1)",
        "Figure 1.2 and 1.3.",
        "Figure 1.4 begins a sentence",
        "Picture 1.4 has another word",
        "Figure 1.2, Figure 1.3 are two",
        "compare Table 1.1.",
        "and Equation 1.1 holds",
        "See above, Section 1.1 and Equation 1.2.",
    ):
        assert expected in text
    assert "see Chapter 1, Figure 1.1 and the appendix Appendix A." in words(article(good, "index.html"))
    assert 'href="chapters/numbers.html#fig-num-line"' in page(good, "index.html")
    assert 'href="tables.html#tbl-tab-wide"' in page(good, "chapters/blocks.html")
    assert "Equation A.1 is in the appendix" in words(article(good, "chapters/tables.html"))


def test_every_link_within_the_book_arrives(good):
    folder = good / "_book"
    identifiers = {path: set(re.findall(r'\bid="([^"]+)"', path.read_text())) for path in folder.rglob("*.html")}
    count = 0
    for path in identifiers:
        for url in re.findall(r'(?:href|src)="([^"]*)"', path.read_text()):
            url = html.unescape(url)
            if re.match(r"(https?|data|mailto):", url):
                continue
            name, _, fragment = url.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), f"{path.name}: {url}"
            if fragment:
                assert fragment in identifiers[target], f"{path.name}: {url}"
            count += 1
    assert count > 80
    for path, known in identifiers.items():
        everything = re.findall(r'\bid="([^"]+)"', path.read_text())
        assert len(everything) == len(known), f"an identifier is used twice in {path.name}"


def test_citations_are_author_date_and_one_bibliography(good):
    text = words(article(good, "chapters/numbers.html"))
    letter = {
        "On": re.search(r"(200\d.)\. “On Loans", words(article(good, "references.html")))[1],
        "More": re.search(r"(200\d.)\. “More on Loans", words(article(good, "references.html")))[1],
    }
    assert set(letter.values()) == {"2001a", "2001b"}
    assert f"As Adams ({letter['On']}) says (see also Adams {letter['More']}, 31; Zhang and Li 2016)" in text
    assert f"The points, after Adams ({letter['On']})" in text
    assert 'href="../references.html#ref-zhang2016"' in page(good, "chapters/numbers.html")
    assert article(good, "references.html").count('class="csl-entry"') == 3


def test_inline_values(good):
    text = words(article(good, "index.html"))
    assert "There are 42 things, and a *plain* string is text." in text
    assert "The largest y in Table 1.1 is 5." in words(article(good, "chapters/numbers.html"))


def test_pictures_are_files_with_alt_text_and_size(good):
    text = article(good, "chapters/numbers.html")
    images = re.findall(r"<img [^>]*>", text)
    assert len(images) == 4
    for image in images:
        source = re.search(r'src="([^"]+)"', image)[1]
        assert (good / "_book/chapters" / source).read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")
        assert re.search(r'alt="[^"]+"', image)
    assert 'alt="Line from (1, 2) to (3, 5), rising ever more steeply."' in images[0]
    assert 'width="' in images[0] and 'height="' in images[0]


def test_code_is_folded_shown_or_hidden(good):
    text = article(good, "chapters/numbers.html")
    assert text.count('<details class="code"><summary>Code</summary>') == 1
    assert text.count('<details class="code" open><summary>Code</summary>') == 1
    assert "secret = 41" not in page(good, "index.html").partition("<article>")[2]
    assert "<summary>How the list is written</summary>" in article(good, "chapters/blocks.html")


def test_callouts_and_output(good):
    text = article(good, "chapters/blocks.html")
    for kind in ("note", "tip", "warning", "important", "caution"):
        assert f'class="callout callout-{kind}"' in text
    assert re.search(r'<details class="callout callout-tip"><summary class="callout-title">\s*Folded tip', text)
    assert "A note with <em>emphasis</em>" in text
    assert "<li>item one</li>" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "not shown" not in words(re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL))
    assert "never_run()" in words(text)
    assert "{python} not_run" in re.sub(r"<[^>]+>", "", text)


def test_interactive_output_is_shown_on_the_web_and_replaced_in_print(good, printed):
    text = article(good, "chapters/blocks.html")
    assert "<div class='demo'><button" in text and "<input type='range'" in text
    assert "The slider, in print." not in text
    whole = "\n".join(printed)
    assert "This output is interactive; it is shown in the web edition." in whole
    assert "The slider, in print." in whole and "press" not in whole.replace("printed", "")


def test_formulas_are_mathml(good):
    text = article(good, "chapters/numbers.html")
    assert text.count("<math ") == 4
    assert "$$" not in words(text)


@pytest.mark.parametrize("name", ["index", "chapters/numbers", "chapters/blocks", "chapters/tables", "references"])
def test_no_page_loads_from_another_host(good, name):
    text = page(good, f"{name}.html")
    loading = "script|img|iframe|source|video|audio|embed|object"
    assert not re.findall(rf"""<(?:{loading})\b[^>]*(?:src|data)=["']?(?:https?:)?//""", text)
    assert not re.findall(r"""<link\b[^>]*href=["']?(?:https?:)?//""", text)
    assert "@import" not in text and not re.findall(r"url\(", text)


def test_style_and_script_load_nothing_from_another_host(good):
    for name in ("book.css", "book.js", "search-index.js"):
        text = page(good, f"bookkit/{name}")
        for loading in ("@import", "fetch(", "XMLHttpRequest", "url(", "import("):
            assert loading not in text
        assert name == "search-index.js" or "//" not in re.sub(r"^ *// .*$", "", text, flags=re.MULTILINE)


def test_search_index_covers_the_sections(good):
    text = page(good, "bookkit/search-index.js")
    entries = json.loads(text.removeprefix("window.bookIndex=").rstrip(";\n").replace("<\\/", "</"))
    by_address = {entry[0]: entry for entry in entries}
    assert "marmalade" in by_address["chapters/blocks.html"][3]
    assert "网信集团" in by_address["chapters/numbers.html#sec-pictures"][3]
    assert by_address["chapters/numbers.html#sec-pictures"][1:3] == ["1 Numbers", "1.1 Pictures"]
    assert "plt.subplots" not in text, "code is not searched"


def test_pdf_has_title_contents_numbers_and_heads(printed):
    assert "A Small Book" in printed[0] and "The Fixture" in printed[0] and "31 January 2026" in printed[0]
    contents = printed[1]
    for line in ("Contents", "First part", r"1\s+Numbers", r"A\s+Wide tables", "Appendices"):
        assert re.search(line, contents), line
    page_of = int(re.search(r"2\s+Blocks[ .]+(\d+)", contents)[1])
    assert re.search(r"2\s+Blocks", printed[page_of - 1])
    assert re.search(rf"\b{page_of}\s*$", printed[page_of - 1].rstrip())
    assert any(re.match(r"\s*A Small Book\s+1\s+Numbers", text) for text in printed)


def test_pdf_has_the_same_numbers_as_the_pages(good, printed):
    whole = re.sub(r"\s+", " ", "\n".join(printed))
    for name in ("numbers", "blocks", "tables"):
        for label in re.findall(r'<span class="label">(.*?)</span>', page(good, f"chapters/{name}.html")):
            assert words(label) in whole
    assert "网信集团" in whole


def test_pdf_table_breaks_over_pages_and_stays_on_the_page(good, printed):
    with_table = [text for text in printed if re.search(r"column 0\s+column 1", text)]
    assert len(with_table) >= 2, "the long table is not broken, or its head is not repeated"
    last = f"{59 * 13 * 1234.5:,.1f}"
    assert last in with_table[-1], "the last cell of the table is not on the page"
    boxes = subprocess.run(
        ["pdftotext", "-bbox", str(good / "_book/small-book.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    for text in re.split(r"(?=<page )", boxes)[1:]:
        width = float(re.search(r'<page width="([\d.]+)"', text)[1])
        assert all(20 < float(x) for x in re.findall(r'xMin="([\d.]+)"', text))
        assert all(float(x) < width - 20 for x in re.findall(r'xMax="([\d.]+)"', text))


def test_the_same_heading_in_two_chapters(good, printed):
    """Typst stops at an identifier that occurs twice, and pandoc makes them from the words of a heading."""
    for name in ("numbers", "tables"):
        assert 'id="rows"' in page(good, f"chapters/{name}.html")
    whole = "\n".join(printed)
    assert re.search(r"1.2\s+Rows", whole) and re.search(r"A.2\s+Rows", whole)


def test_nothing_is_left_beside_the_sources(good):
    assert {path.name for path in (good / "chapters").iterdir()} == {
        "numbers.qmd",
        "blocks.qmd",
        "tables.qmd",
        "dot.png",
    }


def test_pandoc_is_the_one_of_the_wheel():
    import pypandoc

    assert Path(pypandoc.__file__).parent in Path(pandoc_path()).parents


def test_pdf_has_bookmarks_links_and_packed_tags(good):
    pikepdf = pytest.importorskip("pikepdf", reason="pikepdf is not installed")
    with pikepdf.open(good / "_book/small-book.pdf") as made:
        assert made.Root.MarkInfo.Marked and "/Outlines" in made.Root
        kinds = [str(each.get("/Type")) for each in made.objects if isinstance(each, pikepdf.Dictionary)]
        assert "/Annot" in kinds and kinds.count("/StructElem") > 100
    data = (good / "_book/small-book.pdf").read_bytes()
    assert b"/ObjStm" in data and b"/StructElem" not in data, "each tag is an object that nothing compresses"


def test_a_link_to_a_pdf_says_its_size_and_one_that_was_not_made_is_its_words(good):
    from types import SimpleNamespace

    from bookkit.html import _lower
    from bookkit.tree import read_markdown, transform, write

    pdf = good / "_book/small-book.pdf"

    def shown(link, path, made):
        page = SimpleNamespace(path=path)  # the page itself need not be written yet
        blocks = transform(read_markdown(link), lambda node: _lower(node, page, made))
        return write(blocks, "-t", "html5").strip()

    size = f'<span class="size">, {pdf.stat().st_size / 1e6:.1f} MB</span>'
    assert shown("[PDF](small-book.pdf)", "new.html", pdf) == f'<p><a href="small-book.pdf">PDF{size}</a></p>'
    assert size in shown("[PDF](../small-book.pdf)", "chapters/new.html", pdf)
    assert shown("[PDF](none.pdf)", "new.html", pdf) == "<p>PDF</p>" == shown("[PDF](a.pdf)", "new.html", None)
    assert size not in shown("[PDF](https://example.org/small-book.pdf)", "new.html", pdf)


def test_chinese_in_a_table_may_break_after_any_character():
    from bookkit.tables import column_widths
    from bookkit.tree import read_markdown

    head, rule = "| 决定 | limit |", "|:---|:---|"
    table = read_markdown(f"{head}\n{rule}\n| {'限额及其依据' * 6} | {'unbreakable' * 3} |")[0]
    (chinese, latin), longest = column_widths(table)[1], column_widths(table)[0]
    assert chinese <= 7 < latin and longest[0] == 36


@pytest.mark.parametrize("whole", ["0.568 to 0.609", "(−0.83, 0.13)", "2007–2010", "2009-12-31"])
def test_no_line_ends_within_an_interval_or_a_day_in_a_cell(good, printed, whole):
    """An interval was read as two numbers, each of a line of its own."""
    assert page(good, "chapters/tables.html").count(f'<span class="whole">{whole}</span></td>') == 21
    assert "".join(printed).replace("\u00a0", " ").count(whole) == 21


def test_an_interval_is_a_word_of_its_column_and_the_name_of_a_file_is_none():
    from bookkit.tables import WHOLE, column_widths
    from bookkit.tree import read_markdown

    said, rule = "| so it is in 0.568 to 0.609 of all | so it is in 0.568 or in 0.609 of all |", "|:---|:---|"
    whole, parts = column_widths(read_markdown(f"{said}\n{rule}\n{said}")[0])[1]
    assert parts == 7 < whole
    for words in ("a-file-2007-2011", "1-30", "page 3, 4", "2 or 3"):
        assert not re.search(WHOLE, words), words
    for words in (
        "−2.7 to 1.1 %",
        "2008-12-31 to 2011-06-30",
        "[0.1; 0.2]",
        "RMB 5.79",
        "between 0.9 and 1.1",
        "31 Dec 2011",
    ):
        assert re.fullmatch(WHOLE, words), words


def test_quarto_breaks_no_interval_of_a_cell_either(tmp_path):
    from bookkit.pdf import _string
    from bookkit.tables import WHOLE
    from bookkit.tree import pandoc

    root = Path(__file__).parents[2]
    dress = root / "code/bookkit/quarto/dress.lua"
    assert _string(WHOLE) in (root / "code/p2prisk/report/chapters/parts.typ").read_text(encoding="utf-8")
    doc = "is_format = function(it) return it == 'html' end, include_text = type, add_html_dependency = type"
    (tmp_path / "in.lua").write_text(f"quarto = {{ project = {{}}, doc = {{ {doc} }} }}\nreturn dofile('{dress}')")
    said = "| 0.568 to 0.609, (−0.83, 0.13) | from 2007–2010 | 2009-12-31 to 2010-01-31 | −2.7 to 1.1 % | a-2007-2011 |"
    table = f"{said}\n|{':--|' * 5}\n{said}\n\nProse 0.5 to 0.6."
    made = pandoc(table, "-f", "markdown", "-t", "html", "--wrap=none", "-L", str(tmp_path / "in.lua"))
    found = [one.replace("\u00a0", " ") for one in re.findall(r'<span class="whole">(.*?)</span>', made)]
    whole = ["0.568 to 0.609,", "(−0.83, 0.13)", "2007–2010", "2009-12-31 to 2010-01-31", "−2.7 to 1.1 %"]
    assert found == whole * 2 and "a-2007-2011</td>" in made and "Prose 0.5 to 0.6." in made


def test_a_column_that_always_says_much_is_wider_than_one_that_does_once():
    from bookkit.tables import column_lengths
    from bookkit.tree import read_markdown

    rows = "\n".join(f"| {'much said ' * 4} | {'much said ' * 4 if row == 0 else 'yes'} |" for row in range(4))
    often, once = column_lengths(read_markdown(f"| a | b |\n|:---|:---|\n{rows}")[0])
    assert 1.5 * once < often


def test_in_the_pdf_the_answer_stands_before_pictures_and_a_head_stays_with_its_list():
    from types import SimpleNamespace

    from bookkit.pdf import _lower
    from bookkit.tree import read_markdown

    answer, head, words = read_markdown("**The answer first.** Yes.\n\n**check**\n\nA **word** in bold.")
    page = SimpleNamespace(entry=Entry(None))
    assert [_lower(node, page, {})[0]["c"][1] for node in (answer, head)] == ["#answer[", "#block(sticky: true)["]
    assert _lower(words, page, {}) is None
    page.entry = Entry(None, appendix=True)  # appendices follow each other on a page: it stands under its own title
    assert _lower(answer, page, {}) is None


def test_limits_go_to_the_page_of_the_key_takeaways():
    """The takeaways of two chapters stood alone on a page."""
    from bookkit.pdf import _kept_with
    from bookkit.tree import plain, read_markdown

    takeaways = read_markdown("::: bk-callout\n- one thing\n:::")
    limits = read_markdown("Words.\n\n- A limit.")
    kept = _kept_with([*limits, *takeaways])
    assert [node["t"] for node in kept] == ["Para", "RawBlock", "BulletList", "RawBlock", "Div"]
    assert kept[1]["c"][1] == "#block(sticky: true)[" and plain(kept[2:3]) == "A limit."
    assert _kept_with(limits) == limits and _kept_with(takeaways) == takeaways


def test_pdf_alone_replaces_only_the_pdf(good):
    before = page(good, "index.html")
    (good / "_book/small-book.pdf").unlink()
    render(good, ["pdf"], say=lambda line: None)
    assert (good / "_book/small-book.pdf").exists() and page(good, "index.html") == before


def test_one_chapter_alone_is_written_into_the_book_that_is_there(good, tmp_path):
    root = tmp_path / "book"
    shutil.copytree(good, root)
    before = {path: path.read_bytes() for path in (root / "_book").rglob("*") if path.is_file()}
    text = (root / "chapters/blocks.qmd").read_text()
    (root / "chapters/blocks.qmd").write_text(text.replace("marmalade", "quince"))
    (root / "data/points.csv").write_text("x,y\n1,2\n")  # another chapter would have to run, and does not
    told = []
    render(root, ["html"], only=[Path("chapters/blocks.qmd")], say=told.append)
    changed = {path.relative_to(root / "_book").as_posix() for path in before if path.read_bytes() != before[path]}
    assert (
        changed == {f"chapters/blocks.{kind}" for kind in ("html", "qmd", "ipynb")} | {"data/points.csv"}
        and "1 chapters, 0 to run" in told
    )
    assert page(root, "chapters/blocks.html") == page(good, "chapters/blocks.html").replace("marmalade", "quince")


def test_one_chapter_alone_needs_no_book_and_runs_no_other(good, tmp_path):
    root, told = tmp_path / "book", []
    shutil.copytree(good, root, ignore=shutil.ignore_patterns("_book*", ".bookkit"))
    render(root, ["html"], only=[Path("chapters/tables.qmd")], say=told.append)
    assert [line for line in told if "ran" in line] == ["  ran chapters/tables.qmd"]
    assert sorted(path.name for path in (root / "_book").rglob("*.html")) == ["tables.html"]
    assert article(root, "chapters/tables.html") == article(good, "chapters/tables.html")


def test_a_page_in_chinese_has_its_own_words_in_chinese_and_no_other_page_has(good, tmp_path):
    """A reader of the Chinese brief was asked to "Search" and to look "On this page"."""
    root, path = tmp_path / "book", Path("chapters/tables.qmd")
    shutil.copytree(good, root, ignore=shutil.ignore_patterns("_book*"))
    (root / path).write_text(f"---\nlang: zh\n---\n\n{(root / path).read_text(encoding='utf-8')}", encoding="utf-8")
    render(root, ["html"], only=[path], say=lambda line: None)

    def own(text):  # outside the article, the title and the list of chapters
        main = re.sub(r"<(article|nav class=.contents.|head)\b.*?</(article|nav|head)>", "", text, flags=re.DOTALL)
        return re.findall(r">(\w[\w ]*)</(?:a|button|summary|span)>", main) + re.findall(
            r"\splaceholder=\"(.*?)\"", main
        )

    english, chinese = (own(page(each, path.with_suffix(".html").as_posix())) for each in (good, root))
    said = {"Skip to the text", "Search", "On this page", "Notebook", "Source", "Source of this chapter", "Previous"}
    assert said | {"Search the book"} <= set(english) and not (said | {"Search the book", "Next"}) & set(chinese)
    assert {"跳到正文", "查找", "本页", "笔记本", "源文件", "本文源文件", "上一篇", "查找全书"} <= set(chinese)
    assert '<button class="button find" type="button" aria-haspopup="dialog" lang="zh">' in page(
        root, "chapters/tables.html"
    )


def test_one_chapter_that_is_none_or_as_pdf(good):
    with pytest.raises(BookError, match="nowhere.qmd: is not a chapter"):
        render(good, ["html"], only=[Path("nowhere.qmd")])
    with pytest.raises(BookError, match="HTML only"):
        render(good, ["html", "pdf"], only=[Path("chapters/tables.qmd")])


def test_reading_order_prev_and_next(good):
    text = page(good, "chapters/blocks.html")
    assert '<a rel="prev" href="numbers.html">' in text and '<a rel="next" href="../references.html">' in text
    assert 'rel="prev"' not in page(good, "index.html")
    assert '<a href="blocks.html" aria-current="page">' in text


def test_the_header_for_quarto_sets_the_bundled_faces_and_no_japanese_one(tmp_path):
    typst, pikepdf = pytest.importorskip("typst"), pytest.importorskip("pikepdf")
    root = Path(__file__).parents[2]
    header = (root / "code/p2prisk/report/chapters/faces.typ").read_text(encoding="utf-8")
    body = "= 网信集团 Heading\n\nText 网信集团, *bold 网信*, $x_1$.\n\n#figure([x], caption: [Caption 网信])\n"
    (tmp_path / "x.typ").write_text(header + body, encoding="utf-8")
    fonts = str(root / "code/p2prisk/assets/fonts")
    typst.compile(str(tmp_path / "x.typ"), output=str(tmp_path / "x.pdf"), font_paths=[fonts])
    with pikepdf.open(tmp_path / "x.pdf") as pdf:
        faces = {
            str(o.BaseFont).split("+")[-1]
            for o in pdf.objects
            if isinstance(o, pikepdf.Dictionary) and "/BaseFont" in o
        }
    assert faces and all(face.startswith("Book") for face in faces), faces
