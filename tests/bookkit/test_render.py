"""The preview renderer on a small book that uses the whole dialect."""

import re
import shutil
from pathlib import Path

import pytest

from bookkit.render import render

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The good fixture, rendered once to both formats."""
    root = tmp_path_factory.mktemp("good") / "book"
    shutil.copytree(FIXTURES / "good", root, ignore=shutil.ignore_patterns("_book*", ".bookkit"))
    render(root, say=lambda line: None)
    return root


def page(root, name):
    return (root / "_book" / name).read_text(encoding="utf-8")


def test_every_chapter_has_a_page_a_source_and_the_pdf_is_there(good):
    for name in ("index", "chapters/numbers", "chapters/blocks", "chapters/tables", "references"):
        assert (good / "_book" / f"{name}.html").exists()
        assert (good / "_book" / f"{name}.qmd").read_bytes() == (good / f"{name}.qmd").read_bytes()
    assert (good / "_book/small-book.pdf").read_bytes().startswith(b"%PDF")


def test_numbers_of_figures_tables_equations(good):
    text = page(good, "chapters/numbers.html")
    labels = re.findall(r'<span class="label">(.*?)</span>', text)
    assert [label.replace("&nbsp;", " ").replace("\u00a0", " ") for label in labels] == [
        "Figure 1.1:", "Figure 1.2:", "Figure 1.3:", "Figure 1.4:", "Table 1.1:"]
    assert re.findall(r'class="equation-number">\((.*?)\)<', text) == ["1.1", "1.2"]
    assert re.findall(r'class="equation-number">\((.*?)\)<', page(good, "chapters/tables.html")) == ["A.1"]
