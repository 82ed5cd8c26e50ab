"""What tests of chapters share."""

from pathlib import Path

import pytest

from bookkit.chapters import read_chapter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def run_shown():
    """Run the cells of a chapter that its page shows, by label, as a reader would type them."""

    def run(chapter, *labels, **known):
        cells = {cell.label: cell.source for cell in read_chapter(ROOT / chapter, ROOT).cells}
        for label in labels:
            exec(compile(cells[label], f"{chapter} {label}", "exec"), known)
        return known

    return run
