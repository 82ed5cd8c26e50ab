"""The execution cache: used when nothing changed, never when anything a chapter depends on did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bookkit.cache import ResultCache, drop_stale_freeze
from bookkit.chapters import parse_chapter
from bookkit.render import render

CHAPTER = """\
# A {#sec-a}

Prose with `{python} value`.

```{python}
#| label: tbl-a-one
#| tbl-cap: "One"
import os, pathlib
from IPython.display import Markdown
import amount
pathlib.Path("runs").open("a").write("x")
tape = os.environ.get("BOOK_TAPE")
value = amount.AMOUNT + int(pathlib.Path("data/a.csv").read_text()) + (
    int(pathlib.Path(tape).read_text()) if tape else 0)
Markdown(f"| value |\\n|---|\\n| {value} |")
```

There are `{python} value`.
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of one chapter that computes from code, data and a tape; `runs` counts its runs."""
    root = tmp_path / "book"
    for folder in ("data", "code"):
        (root / folder).mkdir(parents=True)
    (root / "_quarto.yml").write_text("project: {type: book}\nbook:\n  title: A\n  chapters: [index.qmd, other.qmd]\n")
    (root / "pyproject.toml").write_text(
        '[tool.bookkit]\ninputs = ["code", "data", "requirements.lock"]\noutside = ["../shared"]\n'
        'environment = ["BOOK_TAPE"]\n'
    )
    (root / "index.qmd").write_text(CHAPTER.replace("Prose with `{python} value`.", "Prose."))
    (root / "other.qmd").write_text("# Other {#sec-other}\n")
    (root / "data/a.csv").write_text("1")
    (root / "code/amount.py").write_text("AMOUNT = 40\n")
    (root / "requirements.lock").write_text("numpy==1\n")
    (root / "tape").write_text("100")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root / "code"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("BOOK_TAPE", raising=False)
    return root


def runs(root):
    """Render, and say how often the chapter has run so far and what it shows."""
    render(root, ["html"], say=lambda line: None)
    text = (root / "_book/index.html").read_text()
    return (root / "runs").read_text().count("x"), int(text.partition("There are ")[2].partition(".")[0])


def test_second_run_uses_the_cache(book):
    assert runs(book) == (1, 41)
    assert runs(book) == (1, 41)


def test_prose_does_not_run_a_chapter_again_and_is_shown(book):
    assert runs(book) == (1, 41)
    path = book / "index.qmd"
    path.write_text(path.read_text().replace("Prose.", "\n\nOther words, on other lines."))
    assert runs(book) == (1, 41)
    assert "Other words" in (book / "_book/index.html").read_text()


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda root: (root / "data/a.csv").write_text("2"), 42),
        (lambda root: (root / "data/new.csv").write_text("2"), 41),
        (lambda root: (root / "code/amount.py").write_text("AMOUNT = 50\n"), 51),
        (lambda root: (root / "requirements.lock").write_text("numpy==2\n"), 41),
        (
            lambda root: (root / "index.qmd").write_text(
                (root / "index.qmd").read_text().replace("value = amount", "value = 1 + amount")
            ),
            42,
        ),
        (
            lambda root: (root / "index.qmd").write_text(
                (root / "index.qmd").read_text().replace("{python} value", "{python} value + 3")
            ),
            44,
        ),
        (lambda root: os.environ.__setitem__("BOOK_TAPE", "tape"), 141),
        (lambda root: ((root.parent / "shared").mkdir(), (root.parent / "shared/x").write_text("1")), 41),
    ],
    ids=["data", "new data file", "code", "lock file", "cell", "inline expression", "tape", "outside"],
)
def test_whatever_results_depend_on_runs_the_chapter_again(book, change, value, monkeypatch):
    monkeypatch.setenv("BOOK_TAPE", "")
    assert runs(book) == (1, 41)
    change(book)
    assert runs(book) == (2, value)


def test_changed_tape_of_the_same_name(book, monkeypatch):
    monkeypatch.setenv("BOOK_TAPE", "tape")
    assert runs(book) == (1, 141)
    (book / "tape").write_text("200")
    assert runs(book) == (2, 241)


def test_going_back_uses_what_was_kept(book):
    assert runs(book) == (1, 41)
    (book / "data/a.csv").write_text("2")
    assert runs(book) == (2, 42)
    (book / "data/a.csv").write_text("1")
    assert runs(book) == (2, 41)


def test_no_cache_runs_everything(book):
    assert runs(book) == (1, 41)
    render(book, ["html"], use_cache=False, say=lambda line: None)
    assert (book / "runs").read_text() == "xx"


def test_failed_chapters_are_not_kept(book):
    (book / "code/amount.py").write_text("raise ValueError\n")
    for _ in range(2):
        with pytest.raises(Exception, match="ValueError"):
            runs(book)
    (book / "code/amount.py").write_text("AMOUNT = 40\n")
    assert runs(book) == (1, 41)


def test_damaged_entry_is_ignored_and_old_ones_go(tmp_path):
    cache, chapter = ResultCache(tmp_path), parse_chapter("# A", "chapters/a.qmd")
    cache.store(chapter, "k" * 64, {"cells": [], "inlines": []})
    assert cache.load(chapter, "k" * 64) == {"cells": [], "inlines": []}
    next(tmp_path.glob("*.json")).write_text("{ half")
    assert cache.load(chapter, "k" * 64) is None
    for index in range(8):
        cache.store(chapter, f"{index}" * 64, {})
    assert len(list(tmp_path.glob("*.json"))) == 4


def freeze(root):
    for name in ("index", "other"):
        (root / "_freeze" / name / "execute-results").mkdir(parents=True, exist_ok=True)
        (root / "_freeze" / name / "execute-results/html.json").write_text("{}")


def test_stale_frozen_results_are_dropped(book):
    """Quarto's freeze sees the chapter's text alone and would keep the old mean after the data changed."""
    freeze(book)
    assert drop_stale_freeze(book) == [Path("index.qmd"), Path("other.qmd")]  # of unknown origin
    freeze(book)
    assert drop_stale_freeze(book) == []
    assert (book / "_freeze/index/execute-results/html.json").exists()
    (book / "data/a.csv").write_text("2")
    assert Path("index.qmd") in drop_stale_freeze(book)
    assert not (book / "_freeze/index").exists()


def test_quarto_step_runs_as_a_script(book):
    freeze(book)
    script = Path(__file__).parents[2] / "code/bookkit/quarto/pre_render.py"
    done = subprocess.run([sys.executable, str(script)], cwd=book, capture_output=True, text=True, check=True)
    assert "dropped the frozen results of index.qmd" in done.stdout


def test_quarto_step_strips_scripts_from_other_hosts(tmp_path):
    """Any HTML output makes Quarto add two scripts from a CDN, which may stall behind a firewall."""
    book = tmp_path / "_book"
    book.mkdir()
    own = '<script src="site_libs/quarto-nav/quarto-nav.js"></script>\n<a href="https://example.org/">web</a>\n'
    (book / "index.html").write_text(
        '<script src="https://cdnjs.cloudflare.com/ajax/libs/require.js/2.3.6/require.min.js" '
        'integrity="sha512-c3Nl8+7g4LMSTdrm621y7kf9v3SDPnhxLNhcjFJbKECVnmZHTdo+IRO05sNLTH/D3vA6u1X32ehoLC7WFVdheg==" '
        'crossorigin="anonymous"></script>\n'
        '<script src="https://cdnjs.cloudflare.com/ajax/libs/jquery/3.5.1/jquery.min.js" '
        'crossorigin="anonymous" data-relocate-top="true"></script>\n'
        "<script type=\"application/javascript\">define('jquery', [],function() {return window.jQuery;})</script>\n"
        + own
    )
    (book / "theme.css").write_text(
        '/*a*/\n@import"https://fonts.googleapis.com/css2?family=Source+Sans+Pro:wght@300;400;700&display=swap";'
        ":root{--a:1}@import url(//fonts.example.org/b.css);@media print{a{b:c}}"
    )
    script = Path(__file__).parents[2] / "code/bookkit/quarto/post_render.py"
    subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={**os.environ, "QUARTO_PROJECT_OUTPUT_DIR": str(book)},
    )
    assert (book / "index.html").read_text() == own
    assert (book / "theme.css").read_text() == "/*a*/\n:root{--a:1}@media print{a{b:c}}"
