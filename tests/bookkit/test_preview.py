"""`bookkit preview`: served on this machine alone, rendered when a file changes, loaded anew by the open page."""

import json
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from bookkit import asset
from bookkit.preview import _version
from bookkit.render import render

GOOD = Path(__file__).parent / "fixtures/good"


def wait(test, seconds=60):
    """Seconds until a test holds."""
    start = time.monotonic()
    while not test():
        assert time.monotonic() < start + seconds
        time.sleep(0.05)
    return time.monotonic() - start


class Server:
    """A running preview of a copy of the good fixture, its chapters run before."""

    def __init__(self, root):
        self.root = root
        command = [sys.executable, "-m", "bookkit", "preview", "--port", "0", "--project", str(self.root)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}
        )
        self.address = re.match(r"http://127\.0\.0\.1:\d+/", self.process.stdout.readline())[0]
        wait(lambda: self.state("index.html")["fault"] == "")

    def get(self, path):
        return urllib.request.urlopen(self.address + path, timeout=10).read().decode()

    def state(self, path):
        return json.loads(self.get(f".bookkit/state/{path}"))

    def edit(self, name, old, new):
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def server(copied, tmp_path_factory):
    running = Server(copied(tmp_path_factory.mktemp("preview") / "book"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(20)


def test_a_change_of_the_prose_is_shown_first_and_the_rest_follows(server):
    before, other = server.state("chapters/blocks.html"), server.state("chapters/numbers.html")
    server.edit("chapters/blocks.qmd", "marmalade", "quince jelly")
    wait(lambda: server.state("chapters/blocks.html")["version"] != before["version"])
    assert "quince jelly" in server.get("chapters/blocks.html")
    assert "quince jelly" not in server.get("bookkit/search-index.js")
    wait(lambda: "quince jelly" in server.get("bookkit/search-index.js"))
    assert server.state("chapters/numbers.html") == other


@pytest.mark.parametrize(("name", "old", "new"), [("blocks", "marmalade", "quince"), ("numbers", "[@", "Quince [@")])
def test_a_change_of_the_prose_makes_its_own_page_alone(name, old, new, copied, tmp_path, monkeypatch):
    root, chapter, calls = copied(tmp_path / "book"), Path(f"chapters/{name}.qmd"), Counter()
    pages = render(root, ["html"], say=lambda line: None)

    def count(place):
        function = pkgutil.resolve_name(place)
        monkeypatch.setattr(place, lambda *given, **more: calls.update([place]) or function(*given, **more))

    def states():
        return {path.relative_to(root / "_book"): path.stat().st_mtime_ns for path in root.glob("_book/**/*.*")}

    for place in ("dialect.read_chapter", "document.make_page", "html.write_page", "html._search_entries"):
        count(f"bookkit.{place}")
    count("bookkit.tree.subprocess.run")
    before, text = states(), (root / chapter).read_text()
    (root / chapter).write_text(text.replace(old, new))
    pages = render(root, ["html"], say=lambda line: None, only=[chapter], before=pages)
    assert calls.pop("bookkit.tree.subprocess.run") <= 4, "its Markdown, its sources, the titles, its page"
    assert calls == {
        f"bookkit.{place}": 1 for place in ("dialect.read_chapter", "document.make_page", "html.write_page")
    }
    changed = {path for path, state in states().items() if before.get(path) != state}
    assert {path for path in changed if path.suffix == ".html"} == {chapter.with_suffix(".html")}
    alone = (root / "_book" / chapter).with_suffix(".html").read_text()
    assert new.split()[0] in alone and [page.number for page in pages] == [None, "1", "2", None, "A"]
    render(root, ["html"], say=lambda line: None)
    assert (root / "_book" / chapter).with_suffix(".html").read_text() == alone


def test_a_changed_picture_of_the_same_name_is_a_change_of_its_page(server):
    before, page = server.state("chapters/numbers.html"), server.get("chapters/numbers.html")
    server.edit("chapters/numbers.qmd", "ax.plot([2, 1])", 'ax.plot([2, 1], color="red")')
    wait(lambda: server.state("chapters/numbers.html")["version"] != before["version"])
    assert server.get("chapters/numbers.html") == page


def test_a_changed_style_or_script_is_a_change_of_each_page(tmp_path):
    names = set(re.findall(r"/([\w-]+\.(?:css|js))\"", asset("page.html"))) - {"terms.js"}  # made from the pages
    assert {"book.css", "reader.js"} < names
    (tmp_path / "bookkit").mkdir()
    (tmp_path / "a.html").touch()
    versions = [_version(tmp_path / "a.html")]
    for name in sorted(names):
        (tmp_path / "bookkit" / name).write_text("new")
        versions.append(_version(tmp_path / "a.html"))
    assert len(set(versions)) == len(names) + 1


def test_a_fault_is_told_and_the_last_page_stays(server):
    page = server.get("chapters/tables.html")
    server.edit("chapters/tables.qmd", "# Wide tables", "{{< video x >}}\n\n# Wide tables")
    wait(lambda: "chapters/tables.qmd:1: shortcodes" in server.state("index.html")["fault"])
    assert server.get("chapters/tables.html") == page
    server.edit("chapters/tables.qmd", "{{< video x >}}\n\n", "")
    wait(lambda: server.state("index.html")["fault"] == "")


def test_the_script_is_only_in_what_is_served(server):
    assert "/.bookkit/state" in server.get("") and "/.bookkit/state" in server.get("chapters/blocks.html")
    for path in [*(server.root / "_book").rglob("*.html"), *(server.root / ".bookkit/preview").rglob("*.html")]:
        assert "/.bookkit/state" not in path.read_text(), path


def test_what_is_not_there(server):
    assert "no such page" in server.get("nowhere.html")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.get("nowhere.css")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.get("../_quarto.yml")


def test_the_open_page_loads_anew(server):
    playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if not path:
        pytest.skip("no Chromium on PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(server.address + "chapters/tables.html")
        page.wait_for_timeout(1000)
        server.edit("chapters/tables.qmd", "# Wide tables", "# Very wide tables")
        page.get_by_role("heading", name="Very wide tables").wait_for(timeout=30_000)
        server.edit("chapters/tables.qmd", "# Very wide tables", "{{< video x >}}\n\n# Very wide tables")
        page.get_by_text("shortcodes").wait_for(timeout=30_000)
        browser.close()
