"""What pytest leaves alone, and the browser that the tests of pages share."""

import shutil
from importlib.util import find_spec

import pytest

#: scripts that make the references; they need R or packages that the tests do not
collect_ignore = ["reference"]


def pytest_configure(config):
    """Doctests leave out the modules that need numba where it is not installed."""
    if not find_spec("numba"):
        config.option.ignore_glob = [*(config.option.ignore_glob or []), "*/p2prisk/*/compiled.py"]


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
