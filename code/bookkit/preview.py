"""Show the book while it is written: a file changes, what it changes is rendered, the open page loads anew.

The pages are those of :mod:`bookkit.render`, in a folder of their own; only on their way to the browser they get the
script that asks whether the page has changed.
"""

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

from bookkit.errors import BookError
from bookkit.html import ASSETS, asset, with_policy
from bookkit.render import render
from bookkit.used import is_of_book

#: Folder of the pages within the project.
FOLDER = Path(".bookkit") / "preview"
_ASK = "/.bookkit/state"
_SECONDS = 0.3


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
            for _ in _changes(root):
                state["fault"] = _render(root, jobs, say)
        except KeyboardInterrupt:
            say("")


def _render(root, jobs, say):
    """Render, and give the words of what is wrong, if anything is."""
    try:
        render(root, ["html"], FOLDER, jobs=jobs, say=say)
    except BookError as error:
        say(str(error))
        return str(error)
    return ""


def _changes(root):
    """Yield at once, and whenever files of the project have changed and are still again."""
    seen = None
    while True:
        now = _files(root)
        if now != seen:
            time.sleep(_SECONDS / 3)
            if now == _files(root):
                yield
                seen = now
        else:
            time.sleep(_SECONDS)


def _files(root):
    """Every file of the project that is not made from others, with its time and size."""
    found, folders = {}, [root]
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.is_dir(follow_symlinks=False):
                folders += [entry.path] if is_of_book(entry.name) else []
            elif is_of_book(entry.name):
                try:
                    state = entry.stat()
                    found[entry.path] = state.st_mtime_ns, state.st_size
                except OSError:  # gone meanwhile
                    found[entry.path] = None
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
    """Digest of a page with its pictures and the book's style."""
    digest = hashlib.sha256()
    made = sorted(page.with_name(f"{page.stem}_files").glob("*"))
    root = next((folder for folder in page.parents if (folder / ASSETS).is_dir()), page.parent)
    for path in (page, *made, root / ASSETS / "book.css", root / ASSETS / "book.js"):
        try:
            digest.update(path.read_bytes())
        except OSError:
            digest.update(b"none")
    return digest.hexdigest()
