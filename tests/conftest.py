"""What pytest leaves alone, which tests begin, and the browser and the book that the tests of pages share."""

import os
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

#: the same examples in every run, so that a test fails where the code has changed; new ones: NEW_EXAMPLES=1 make test
settings.register_profile("same", derandomize=True)
if not os.environ.get("NEW_EXAMPLES"):
    settings.load_profile("same")

#: scripts that make the references; they need R or packages that the tests do not
collect_ignore = ["reference"]


#: what is started in the background of a script ignores Ctrl-C, and so would whatever it starts: tests of it hung
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """Doctests leave out the modules that need numba where it is not installed."""
    if not find_spec("numba"):
        config.option.ignore_glob = [*(config.option.ignore_glob or []), "*/p2prisk/*/compiled.py"]


#: Files that take long for their number of tests, the longest first: no core is to wait for one at the end.
LONGEST = """
bookkit/test_cache.py test_report_lineage.py test_faults.py test_report.py bookkit/test_browser.py
test_contributing.py test_escape.py test_cluster.py test_effects.py bookkit/test_preview.py bookkit/test_notebooks.py
test_detection.py bookkit/test_kernel_faults.py test_bounds.py test_report_sentences.py test_challenge.py
test_as_of.py test_supply.py test_commands.py test_rolling.py test_cli.py
""".split()


def pytest_collection_modifyitems(items):
    """The longest files first, then the others as they were collected."""
    place = {str(Path(__file__).parent / name): number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(str(item.path), len(place)))


_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium of the system."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not path:
        pytest.skip("no Chromium on PATH")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, headless=True, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture
def put(tmp_path):
    """Write a file of a lender, from text, bytes or a frame; its path."""

    def write(content, name="loans.csv", sep=",", encoding="utf-8"):
        content = content.to_csv(index=False, sep=sep) if hasattr(content, "to_csv") else content
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """The book of the whole dialect with its pages and with what its cells gave: in a copy no chapter runs again."""
    from bookkit.render import render

    root = tmp_path_factory.mktemp("ran") / "book"
    fixture = Path(__file__).parent / "bookkit" / "fixtures" / "good"
    shutil.copytree(fixture, root, ignore=shutil.ignore_patterns("_book*", ".bookkit"))
    render(root, ["html"], say=lambda line: None)
    return root


@pytest.fixture(scope="session")
def copied(ran):
    """Make a copy of the book of the dialect that has run, without its pages."""

    def copy(root):
        shutil.copytree(ran, root, ignore=shutil.ignore_patterns("_book*"))
        return root

    return copy
