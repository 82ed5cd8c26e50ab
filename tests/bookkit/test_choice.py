"""Which renderer: Quarto on PATH, else the preview; nothing is installed; forced and missing is an error."""

import re
import shutil
import stat
import tempfile
from pathlib import Path

import pikepdf
import pytest
import typst
import yaml

from bookkit import choice
from bookkit.errors import BookError
from bookkit.pdf import _SHOWN

ROOT = Path(__file__).resolve().parents[2]


def fake_quarto(folder, version="1.9.38"):
    program = folder / "quarto"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_quarto_on_path_is_used(tmp_path):
    program = fake_quarto(tmp_path)
    made = choice.choose("auto", search=str(tmp_path))
    assert (made.name, made.path) == ("quarto", program)
    assert "1.9.38" in str(made)


def test_preview_when_asked_for_even_with_quarto_there(tmp_path):
    fake_quarto(tmp_path)
    assert choice.choose("preview", search=str(tmp_path)).name == "preview"


def test_nothing_is_installed_while_a_book_is_rendered(tmp_path, monkeypatch):
    def refuse(*command, **options):
        raise AssertionError(f"runs {command}")

    monkeypatch.setattr(choice.subprocess, "Popen", refuse)
    monkeypatch.setattr(choice.subprocess, "run", refuse)
    made = choice.choose("auto", search=str(tmp_path))
    assert made.name == "preview" and made.reason == "no quarto on PATH"


def test_forced_and_missing_names_the_remedy(tmp_path):
    with pytest.raises(BookError, match="pip install quarto-cli==.*RENDERER=preview"):
        choice.choose("quarto", search=str(tmp_path))


def test_a_quarto_too_old_for_the_pdf_makes_neither(tmp_path):
    fake_quarto(tmp_path, "1.9.9")  # older than 1.9.18, though not as text
    made = choice.choose("auto", search=str(tmp_path))
    assert made.name == "preview" and "1.9.9" in made.reason and choice.FIRST_WITH_TYPST_BOOKS in made.reason
    with pytest.raises(BookError, match=r"1\.9\.9 .*RENDERER=preview"):
        choice.choose("quarto", search=str(tmp_path))


def test_unknown_renderer_is_refused():
    with pytest.raises(BookError, match="auto, quarto or preview"):
        choice.choose("latex")


def test_broken_quarto_is_an_error_not_a_silent_preview(tmp_path):
    program = fake_quarto(tmp_path)
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(BookError, match="quarto --version"):
        choice.choose("auto", search=str(tmp_path))


def test_workflow_pins_the_same_quarto_and_runs_the_comparison():
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    assert f'version: "{choice.QUARTO_RELEASE}"' in workflow
    steps = workflow.partition("\n  render:")[2].partition("\n  publish:")[0]
    assert "make book RENDERER=quarto" in steps and "pytest -q -rs tests/bookkit/test_against_quarto.py" in steps


def test_a_report_gives_quarto_the_rules_of_the_book():
    """It gave none: in its PDF rows lay over each other at the foot of a page, and its pages called other hosts."""
    chapters = ROOT / "code/p2prisk/report/chapters"
    book, report = (yaml.safe_load((folder / "_quarto.yml").read_text("utf-8")) for folder in (ROOT, chapters))
    rules = []
    for folder, each in ((ROOT, book), (chapters, report)):
        typst = each["format"]["typst"]
        names = each["project"]["post-render"], typst["include-in-header"], typst["include-before-body"]
        rules.append([(folder / name).resolve() for name in names])
    assert rules[0] == rules[1] and all(path.is_file() for path in rules[0])


QUARTO = """\
#!/bin/sh
[ "$1" = render ] || { echo 1.9.38; exit 0; }
while [ $# -gt 0 ]; do case $1 in --to) to=$2;; --output-dir) out=$2;; esac; shift; done
mkdir -p "$out"; grep -q broken index.qmd && exit 1
if [ $to = typst ]; then cp "$(dirname "$0")/small.pdf" "$out/small-book.pdf"; else
echo '<script src="https://example.org/a.js"></script><p>new</p>' > "$out/index.html"; fi
"""


TAGGED = "#for row in range(60) [\n- One *bold* and _slanted_ word\n]"


@pytest.fixture
def quarto_project(tmp_path):
    """A project on another file system than `tmp_path` where there is one, and a program that behaves as Quarto."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to cross")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        project = Path(folder) / "book"
        shutil.copytree(Path(__file__).parent / "fixtures/good", project)
        program = Path(folder) / "quarto"
        program.write_text(QUARTO)
        program.chmod(0o755)
        typst.compile(TAGGED.encode(), output=f"{folder}/small.pdf")
        yield project, program


def test_quarto_renders_a_project_that_lies_on_another_file_system_than_the_result(quarto_project, tmp_path):
    project, program = quarto_project
    target = tmp_path / "_book"
    for _ in range(2):  # the second replaces the first
        assert choice.run_quarto(program, ["html", "pdf"], project, output=str(target)) == target
        assert {path.name for path in target.iterdir()} == {".bookkit", "index.html", "small-book.pdf"}
    assert (target / "index.html").read_text() == "<p>new</p>\n"  # nothing from another host, whatever the project says
    before = project.parent / "small.pdf"
    assert (target / "small-book.pdf").stat().st_size < 0.7 * before.stat().st_size  # a tag was an object of its own
    with pikepdf.open(before) as made, pikepdf.open(target / "small-book.pdf") as packed:
        assert packed.Root.MarkInfo.Marked and len(packed.Root.StructTreeRoot.K) == len(made.Root.StructTreeRoot.K)
    assert not list(tmp_path.glob("_book.*")) and not list(project.glob("*.building"))


def test_quartos_pdf_alone_leaves_the_pages(quarto_project, tmp_path):
    project, program = quarto_project
    target = tmp_path / "_book"
    target.mkdir()
    (target / "index.html").write_text("old")
    with pytest.raises(BookError, match="no rendered book"):  # it may be somebody else's
        choice.run_quarto(program, ["pdf"], project, output=str(target))
    (target / ".bookkit").write_text("Made by bookkit; replaced as a whole.\n")
    choice.run_quarto(program, ["pdf"], project, output=str(target))
    assert (target / "index.html").read_text() == "old" and (target / "small-book.pdf").exists()


def test_a_failing_quarto_leaves_the_book_as_it_was(quarto_project, tmp_path):
    project, program = quarto_project
    (tmp_path / "_book").mkdir()
    (tmp_path / "_book/index.html").write_text("old")
    (tmp_path / "_book/.bookkit").write_text("Made by bookkit; replaced as a whole.\n")
    (project / "index.qmd").write_text("broken")
    with pytest.raises(BookError, match="quarto failed"):
        choice.run_quarto(program, ["html"], project, output=str(tmp_path / "_book"))
    assert (tmp_path / "_book/index.html").read_text() == "old"
    assert not list(tmp_path.glob("_book.*")) and not list(project.glob("*.building"))


def test_quarto_shows_pictures_as_large_as_the_preview():
    """Letters of ten points, at nine tenths, are the nine that a reader needs."""
    rules = (ROOT / "code/p2prisk/report/chapters/parts.typ").read_text(encoding="utf-8")
    assert re.findall(r"scale\((\d+)%", rules) == [f"{100 * _SHOWN:.0f}"]
