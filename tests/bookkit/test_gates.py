"""Every gate has a chapter that must not pass it: the run fails, says where, and leaves the old book whole.

The chapters stand in `fixtures/failing/`; the table says the line and some words of the message each must give.
"""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from bookkit.config import read_book
from bookkit.errors import BookError, BookErrors
from bookkit.linter import lint
from bookkit.render import render

FIXTURES = Path(__file__).parent / "fixtures"

FAILING = {
    "raising-cell": (12, "cell fig-a-broken (line 7) raised ValueError: the tape has no column 'income'"),
    "raising-inline": (5, "`1 / 0` raised ZeroDivisionError"),
    "missing-figure": (3, "cell fig-a-none (line 3) shows no figure"),
    "missing-table": (3, "cell tbl-a-none (line 3) shows no table"),
    "missing-picture": (3, "nowhere.png: no such file"),
    "unresolved-reference": (5, "unresolved reference @fig-a-missing"),
    "unresolved-in-caption": (5, "unresolved reference @tbl-a-other"),
    "unknown-citation": (5, "unknown citation key @nobody1900"),
    "duplicate-label": (5, "label 'sec-same' is already used in chapters/case.qmd:3"),
    "duplicate-across-chapters": (3, "label 'sec-home' is already used in index.qmd:1"),
    "yaml-title": (1, "'title' in the YAML header"),
    "two-titles": (5, "second heading of level one"),
    "no-identifier": (1, "needs an identifier"),
    "shortcode": (3, "shortcodes"),
    "raw-html": (3, "raw HTML (<b>)"),
    "raw-comment": (3, "raw HTML (<!--)"),
    "raw-block": (3, "raw and escaped code blocks"),
    "raw-tex": (5, "raw tex"),
    "raw-from-cell": (5, "raw html"),
    "other-language": (3, "language 'ojs'"),
    "unknown-option": (5, "cell option 'fig-width'"),
    "caption-list": (5, "'fig-cap: ['One', 'Two']' has the wrong type"),
    "caption-inline": (5, "'fig-cap' holds an inline expression"),
    "figure-without-caption": (4, "has no fig-cap"),
    "unknown-block": (3, "block class '.column-margin'"),
    "unknown-attribute": (3, "block attribute 'colour'"),
    "unclosed-block": (3, "not closed"),
    "tabset": (3, "block class '.panel-tabset'"),
    "one-format": (3, "block class '.content-visible'"),
    "unknown-span": (3, "span with 'aside'"),
    "indented-cell": (5, "indented cell"),
    "theorem-reference": (3, "outside the dialect"),
    "dead-link": (3, "nowhere.qmd: no such file"),
    "dead-anchor": (3, "no such place"),
    "picture-from-elsewhere": (3, "picture from another host"),
    "bare-data-frame": (3, "bare DataFrame"),
    "numpy-inline": (3, "np.float64(0.5)"),
    "sub-figures": (3, "block identifier '#fig-a-both'"),
    "bad-mathematics": (3, "Could not convert TeX math"),
    "inline-in-displayed-code": (4, "Quarto runs it even there"),
    "reference-to-unnumbered": (3, "heading without number"),
    "unbalanced-output": (3, "unclosed"),
}

#: What shows only when a chapter runs; everything else the linter finds too.
ONLY_RUN = {"raising-cell", "raising-inline", "missing-figure", "missing-table", "raw-from-cell", "bare-data-frame"}
ONLY_RUN |= {"numpy-inline", "unbalanced-output"}

CONFIG = """\
project:
  type: book
book:
  title: "A Book That Fails"
  chapters: [index.qmd, chapters/case.qmd, references.qmd]
bibliography: references.bib
"""


def make_book(root, chapter):
    """A book of a home page, one chapter and references, with an older rendered book beside it."""
    (root / "chapters").mkdir(parents=True)
    (root / "_quarto.yml").write_text(CONFIG)
    (root / "index.qmd").write_text("# Home {#sec-home .unnumbered}\n")
    (root / "chapters/case.qmd").write_text(chapter)
    (root / "references.qmd").write_text("# References {.unnumbered}\n\n::: {#refs}\n:::\n")
    shutil.copy(FIXTURES / "good/references.bib", root)
    shutil.copy(FIXTURES / "good/chapters/dot.png", root / "chapters")
    (root / "_book").mkdir()
    (root / "_book/index.html").write_text("the old book")
    (root / "_book/.bookkit").write_text("Made by bookkit; replaced as a whole. Its files:\nindex.html\n")
    return root


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_failing_chapter_is_in_the_table():
    assert {path.stem for path in (FIXTURES / "failing").glob("*.qmd")} == set(FAILING)


@pytest.mark.parametrize("case", sorted(FAILING))
def test_gate(case, tmp_path):
    root = make_book(tmp_path / "book", (FIXTURES / "failing" / f"{case}.qmd").read_text())
    before = snapshot(root / "_book")
    with pytest.raises((BookError, BookErrors)) as caught:
        render(root, ["html"], say=lambda line: None)
    errors = getattr(caught.value, "errors", [caught.value])
    line, words = FAILING[case]
    assert any(
        str(error.path) == "chapters/case.qmd" and error.line == line and words in error.message for error in errors
    ), f"expected chapters/case.qmd:{line}: …{words}… but got:\n{caught.value}"
    assert snapshot(root / "_book") == before
    assert not list(root.glob("_book.*"))


@pytest.mark.parametrize("case", sorted(FAILING))
def test_the_linter_refuses_what_the_renderer_refuses(case, tmp_path):
    root = make_book(tmp_path / "book", (FIXTURES / "failing" / f"{case}.qmd").read_text())
    line, words = FAILING[case]
    found = [
        finding
        for finding in lint(root)
        if (finding.path, finding.line, finding.rule) == ("chapters/case.qmd", line, "dialect")
        and words in finding.message
    ]
    assert bool(found) == (case not in ONLY_RUN)


def test_all_faults_of_a_book_are_told_at_once(tmp_path):
    root = make_book(tmp_path / "book", "# A {#sec-a}\n\n@fig-none and @tbl-none\n\n[x](no.md) [@nobody]\n")
    with pytest.raises(BookErrors) as caught:
        render(root, ["html"], say=lambda line: None)
    assert [error.line for error in caught.value.errors] == [3, 3, 5, 5]


def command(root, *arguments):
    return [sys.executable, "-m", "bookkit", "render", "--project", str(root), *arguments]


def test_command_fails_with_exit_code_and_message(tmp_path):
    root = make_book(tmp_path / "book", (FIXTURES / "failing/raising-cell.qmd").read_text())
    done = subprocess.run(command(root), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "chapters/case.qmd:12: cell fig-a-broken (line 7) raised ValueError" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_leaves_the_old_book_and_the_next_run_clears_up(how, tmp_path):
    waits = textwrap.dedent("""\
        # A {#sec-NAME}

        ```{python}
        import os, pathlib, time
        pathlib.Path("NAME.started").write_text(str(os.getpid()))
        if not pathlib.Path("go").exists():
            time.sleep(60)
        ```
        """)
    root = make_book(tmp_path / "book", waits.replace("NAME", "a"))
    (root / "index.qmd").write_text(
        waits.replace("NAME", "home").replace("# A", "# Home")
    )  # two kernels: both must end
    before = snapshot(root / "_book")
    process = subprocess.Popen(command(root, "--to", "html"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    marks = [root / "a.started", root / "home.started"]
    while not all(mark.exists() and mark.read_text() for mark in marks):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    (root / "_book.new-1").mkdir()  # what a run killed later, while writing, would leave
    process.send_signal(how)
    assert process.wait(30) != 0
    assert snapshot(root / "_book") == before
    kernels = [Path("/proc", mark.read_text()) for mark in marks]
    deadline = time.monotonic() + 30
    while any(kernel.exists() for kernel in kernels) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(kernel.exists() for kernel in kernels), "a kernel was left running"
    (root / "go").touch()
    render(root, ["html"], say=lambda line: None)
    assert "Home" in (root / "_book/index.html").read_text()
    assert not list(root.glob("_book.*"))


def test_killed_between_the_two_renames(tmp_path):
    """The next run puts the old book back before it starts."""
    root = make_book(tmp_path / "book", (FIXTURES / "failing/raising-cell.qmd").read_text())
    before = snapshot(root / "_book")
    os.rename(root / "_book", root / "_book.old-77")
    with pytest.raises(BookErrors):
        render(root, ["html"], say=lambda line: None)
    assert snapshot(root / "_book") == before


def test_two_runs_at_once_are_refused(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    root = make_book(tmp_path / "book", "# A {#sec-a}\n")
    (root / ".bookkit").mkdir()
    with open(root / ".bookkit/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BookError, match="another render"):
            render(root, ["html"], say=lambda line: None)
    render(root, ["html"], say=lambda line: None)


@pytest.mark.parametrize("output", [".", "..", "chapters"])
def test_nothing_but_a_book_is_replaced(output, tmp_path):
    root = make_book(tmp_path / "book", "# A {#sec-a}\n")
    with pytest.raises(BookError):
        render(root, ["html"], output=output, say=lambda line: None)
    assert (root / "chapters/case.qmd").exists()


@pytest.mark.parametrize("formats", [["html"], ["pdf"]])
@pytest.mark.parametrize("kind", ["one PDF", "a page", "a mark that is a folder", "one more file", "a file"])
def test_a_folder_of_somebody_else_is_never_touched(kind, formats, tmp_path):
    root = make_book(tmp_path / "book", "# A {#sec-a}\n")
    other = tmp_path / "other"
    if kind == "a file":
        other.write_text("mine")
    else:
        other.mkdir()
        (other / ("paper.pdf" if kind == "one PDF" else "index.html")).write_text("mine")
    if kind == "a mark that is a folder":
        (other / ".bookkit").mkdir()
    if kind == "one more file":  # ours, but for what its owner put beside it
        shutil.rmtree(other)
        render(root, ["html"], other, say=lambda line: None)
        (other / "notes.txt").write_text("mine")
    before = snapshot(other) if other.is_dir() else other.read_bytes()
    with pytest.raises(BookError, match="notes.txt" if kind == "one more file" else "no rendered book"):
        render(root, formats, other, say=lambda line: None)
    assert (snapshot(other) if other.is_dir() else other.read_bytes()) == before


def test_two_books_into_one_folder_at_once_end_as_one_of_them(tmp_path):
    roots = [make_book(tmp_path / name, f"# {name} {{#sec-a}}\n") for name in ("first", "second")]
    target = tmp_path / "both"
    runs = [subprocess.Popen(command(root, "--to", "html", "--output", str(target))) for root in roots * 3]
    codes = [run.wait(120) for run in runs]
    assert 0 in codes  # two runs of one project refuse each other; of two projects the later one stays
    pages = {name: path.read_bytes() for name, path in ((p.name, p) for p in target.rglob("*.html"))}
    alone = {}
    for root in roots:
        render(root, ["html"], tmp_path / f"{root.name}-alone", say=lambda line: None)
        alone[root.name] = {path.name: path.read_bytes() for path in (tmp_path / f"{root.name}-alone").rglob("*.html")}
    assert pages in alone.values()
    assert not list(tmp_path.glob("both.*"))


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("project:", "editor: visual\nproject:"), 1, "'editor'"),
        (("book:", "book:\n  comments: true"), 4, "'comments' in 'book'"),
        (("index.qmd, ", ""), None, "first chapter must be index.qmd"),
        (("chapters/case.qmd", "index.qmd"), None, "listed twice"),
        (("type: book", "type: website"), None, "must be 'book'"),
        (("bibliography:", "format: {html: {html-math-method: katex}}\nbibliography:"), None, "mathml"),
        (("bibliography:", "execute: {freeze: auto}\nbibliography:"), None, "keep old numbers"),
        (("bibliography:", "execute: {cache: true}\nbibliography:"), None, "keep old numbers"),
        (('title: "', 'title: ["'), 5, "not valid YAML"),
    ],
)
def test_configuration_faults(change, line, words, tmp_path):
    root = make_book(tmp_path / "book", "# A {#sec-a}\n")
    (root / "_quarto.yml").write_text(CONFIG.replace(*change))
    with pytest.raises(BookError) as caught:
        read_book(root)
    assert words in caught.value.message and caught.value.path == "_quarto.yml"
    assert line is None or caught.value.line == line
