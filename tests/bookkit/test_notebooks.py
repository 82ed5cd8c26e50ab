"""Reference notebooks: in step with the chapters, complete, and able to fail."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from bookkit.chapters import parse_chapter, read_chapter
from bookkit.config import read_book
from bookkit.errors import BookError, BookErrors
from bookkit.notebooks import FINGERPRINT, reference_path, to_notebook, write_references

ROOT = Path(__file__).resolve().parents[2]
REFERENCES = ROOT / "tests" / "notebooks"

CHAPTER = """\
# Means {#sec-means}

```{python}
#| include: false
from p2prisk.figures import use_house_style; use_house_style()
```

```{python}
#| label: fig-means
#| fig-cap: "Means"
#| fig-alt: "x"
import matplotlib.pyplot as plt
values = [1.0, 2.0, 3.0, 6.0]
fig, ax = plt.subplots()
ax.plot(values)
```

The mean is `{python} sum(values) / 4`, twice `{python} sum(values) / 8`.

```{python}
#| error: true
1 / 0
```

```{python}
#| eval: false
this is not run
```
"""


def chapters_of(project):
    return [read_chapter(path, project) for path in read_book(project).chapters]


def out_of_step(chapters, folder):
    """Faults of the references, as a list of BookError: missing, older than the chapter, not run, or of no chapter."""
    faults, remedy = [], "run `make notebooks` and look at what changed"
    for chapter in chapters:
        path = reference_path(chapter.path, folder)
        if not path.exists():
            faults.append(BookError(f"has no reference {path.name}; {remedy}", chapter.path))
            continue
        fresh, stored = to_notebook(chapter), nbformat.read(path, as_version=4)
        if _sources(fresh) != _sources(stored):
            faults.append(BookError(f"differs from its reference {path.name}; {remedy}", chapter.path))
        for cell in stored.cells:
            skipped = "skip-execution" in cell.metadata.get("tags", [])
            if cell.cell_type == "code" and not skipped and cell.execution_count is None:
                faults.append(BookError(f"{path.name} has a cell that did not run ({cell.id}); {remedy}", chapter.path))
    for path in sorted(set(Path(folder).glob("*.ipynb")) - {reference_path(each.path, folder) for each in chapters}):
        faults.append(BookError(f"is the reference of no chapter; {remedy}", path.name))
    return faults


def _sources(notebook):
    return [(cell.cell_type, cell.source, list(cell.metadata.get("tags", []))) for cell in notebook.cells]


def nbval(folder):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--nbval",
        "--nbval-current-env",
        "--nbval-sanitize-with",
        str(REFERENCES / "sanitize.cfg"),
        "--rootdir",
        str(folder),
        str(folder),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)


def test_chapter_becomes_cells_with_fixed_names_and_tags():
    notebook = to_notebook(parse_chapter(CHAPTER, "chapters/means.qmd"))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in notebook.cells] == [f"cell-{i:03d}" for i in range(len(notebook.cells))]
    assert [cell.metadata.get("tags", []) for cell in code] == [
        [],
        ["figure"],
        ["inline"],
        ["inline"],
        ["raises-exception"],
        ["nbval-skip", "skip-execution"],
    ]
    assert code[2].source == "print(sum(values) / 4)"
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", read_book(ROOT).chapters, ids=str)
def test_reference_is_in_step_and_has_every_fingerprint(path):
    chapter = read_chapter(path, ROOT)
    assert [str(fault) for fault in out_of_step([chapter], REFERENCES) if chapter.path == fault.path] == []
    notebook = nbformat.read(reference_path(path, REFERENCES), as_version=4)
    for cell in notebook.cells:
        if "figure" in cell.metadata.get("tags", []):
            kinds = [kind for output in cell.outputs for kind in output.get("data", {})]
            assert FINGERPRINT in kinds and not any(kind.startswith("image/") for kind in kinds), cell.source[:80]


def test_no_reference_of_a_chapter_that_is_gone():
    assert [str(fault) for fault in out_of_step(chapters_of(ROOT), REFERENCES) if "no chapter" in str(fault)] == []


def test_changes_are_seen(tmp_path):
    chapter = parse_chapter(CHAPTER, "means.qmd")
    assert "has no reference" in str(out_of_step([chapter], tmp_path)[0])
    notebook = to_notebook(chapter)
    nbformat.write(notebook, reference_path("means.qmd", tmp_path))
    assert "did not run" in str(out_of_step([chapter], tmp_path)[0])
    edited = parse_chapter(CHAPTER.replace("sum(values) / 8", "sum(values) / 9"), "means.qmd")
    assert "differs from its reference" in str(out_of_step([edited], tmp_path)[0])
    assert "of no chapter" in str(out_of_step([], tmp_path)[0])


def test_nbval_passes_as_written_and_fails_on_a_changed_figure_or_number(tmp_path):
    write_references([parse_chapter(CHAPTER, "means.qmd")], tmp_path, report=lambda line: None)
    written = reference_path("means.qmd", tmp_path).read_text()
    # two values change places: every printed number stays, only the figure differs
    for name, values in (("figure", "[2.0, 1.0, 3.0, 6.0]"), ("number", "[1.0, 2.0, 3.0, 7.0]")):
        assert "[1.0, 2.0, 3.0, 6.0]" in written
        (tmp_path / f"{name}.ipynb").write_text(written.replace("[1.0, 2.0, 3.0, 6.0]", values))
    done = nbval(tmp_path)
    failed = re.findall(r"^FAILED (\w+)\.ipynb", done.stdout, re.M)
    assert sorted(failed) == ["figure", "number", "number", "number"] and done.returncode == 1, done.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ax.plot(values)", "ax.plot(values); plt.close(fig)", "gave no picture"),
        ("from p2prisk.figures import use_house_style; use_house_style()", "%matplotlib inline", "gave no fingerprint"),
        ("fig, ax =", "fig, axs =", r"means.qmd:15: cell fig-means \(line 8\) raised NameError"),
        (
            "sum(values) / 8",
            "sum(values) / 0",
            r"means.qmd:18: inline expression `sum\(values\) / 0` raised ZeroDivision",
        ),
    ],
)
def test_a_bad_chapter_writes_no_reference(tmp_path, old, new, message):
    with pytest.raises(BookErrors, match=message):
        write_references([parse_chapter(CHAPTER.replace(old, new), "means.qmd")], tmp_path, report=lambda line: None)
    assert not list(tmp_path.glob("*.ipynb"))
