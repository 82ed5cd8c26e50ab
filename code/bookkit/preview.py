"""Show the book while it is written: a file changes, what it changes is rendered, the open page loads anew.

A change within chapters is shown before anything else is made: their own pages, with the numbers that the book had.
What other pages take from them (contents, references, the search index) follows once nothing changes for a second.

The pages are those of :mod:`bookkit.render`, in a folder of their own; only on their way to the browser they get the
script that asks whether the page has changed.
"""

import contextlib
import functools
import hashlib
import http.server
import json
import os
import threading
import time
from pathlib import Path
from string import Template
from urllib.parse import unquote, urlsplit

from bookkit import asset
from bookkit.errors import BookError
from bookkit.html import ASSETS, DRESS, with_policy
from bookkit.render import render
from bookkit.used import is_of_book

#: Folder of the pages within the project.
FOLDER = Path(".bookkit") / "preview"
_ASK = "/.bookkit/state"
_SECONDS = 0.3
#: How long nothing may have changed before the whole book is made.
_STILL = 1


def preview(root=".", port=8000, jobs=2, say=print):
    """Serve the book on 127.0.0.1 and render it whenever a file of the project changes, until interrupted.

    Files outside of the project are looked at whenever one inside changes. A `port` of 0 stands for any that is free;
    `jobs` chapters run at a time; `say` is called with lines about the progress.
    """
    root = Path(root).resolve()
    state = {"fault": "not rendered yet"}
    handler = functools.partial(_Handler, state, directory=str(root / FOLDER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"http://127.0.0.1:{server.server_port}/ (end with Ctrl+C)")
        try:
            _watch(root, state, functools.partial(render, root, ["html"], FOLDER, jobs=jobs, say=say), say)
        except KeyboardInterrupt:
            say("")


def _watch(root, state, make, say):
    """Render at once, and whenever files of the project have changed and are still again."""
    seen, pages, due, last = {}, [], False, 0
    while True:
        now = _files(root)
        changed = {Path(path).relative_to(root) for path, _ in now.items() ^ seen.items()}
        time.sleep(_SECONDS / 3 if changed else _SECONDS)
        if (not changed and not (due and time.monotonic() > last + _STILL)) or now != _files(root):
            continue
        alone = changed & {page.chapter.path for page in pages} == changed
        only = sorted(changed) if alone else ()
        try:
            pages, state["fault"] = make(only=only, before=pages if only else ()), ""
        except BookError as error:
            state["fault"] = str(error)
            say(str(error))
        seen, due, last = now, bool(only) and not state["fault"], time.monotonic()


def _files(root):
    """Every file of the project that is not made from others, with its time and size."""
    found = {}
    for folder, inner, names in os.walk(root):
        inner[:] = filter(is_of_book, inner)
        for path in (os.path.join(folder, name) for name in filter(is_of_book, names)):
            with contextlib.suppress(OSError):  # gone meanwhile
                state = os.stat(path)
                found[path] = state.st_mtime_ns, state.st_size
    return found


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder; pages with the script, and the address that it asks."""

    script = Template(asset("preview.html")).substitute(address=_ASK)

    def __init__(self, state, *arguments, **options):
        self.state = state
        super().__init__(*arguments, **options)

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path.startswith(_ASK):
            place = self._place(path[len(_ASK) :])
            self._send({"version": _version(place), "fault": self.state["fault"]}, "application/json")
        elif path.endswith(("/", ".html")):
            try:
                words = self._place(path).read_text(encoding="utf-8")
            except OSError:
                words = "<!doctype html><title>No page</title><body>There is no such page (yet)."
            self._send(with_policy(words.replace("</body>", "") + self.script), "text/html; charset=utf-8")
        else:
            super().do_GET()

    def _place(self, path):
        """The file of an address."""
        place = Path(self.translate_path(path))
        return place / "index.html" if path.endswith("/") else place

    def _send(self, body, kind):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, form, *arguments):
        """Say nothing of single requests."""


def _version(page):
    """Digest of a page with its pictures, styles and scripts."""
    digest = hashlib.sha256()
    made = sorted(page.with_name(f"{page.stem}_files").glob("*"))
    root = next((folder for folder in page.parents if (folder / ASSETS).is_dir()), page.parent)
    for path in (page, *made, *(root / ASSETS / name for name in DRESS)):
        try:
            digest.update(path.read_bytes())
        except OSError:
            digest.update(b"none")
    return digest.hexdigest()
