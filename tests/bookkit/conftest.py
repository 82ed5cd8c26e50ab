"""The book of the whole dialect, whose cells run once for all tests of a process."""

import shutil
from pathlib import Path

import pytest

from bookkit.render import render


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """The good fixture with its pages and with what its cells gave: in a copy no chapter runs again."""
    root = tmp_path_factory.mktemp("ran") / "book"
    fixture = Path(__file__).parent / "fixtures" / "good"
    shutil.copytree(fixture, root, ignore=shutil.ignore_patterns("_book*", ".bookkit"))
    render(root, ["html"], say=lambda line: None)
    return root


@pytest.fixture(scope="session")
def copied(ran):
    """Make a copy of the good fixture that has run, without its pages."""

    def copy(root):
        shutil.copytree(ran, root, ignore=shutil.ignore_patterns("_book*"))
        return root

    return copy
