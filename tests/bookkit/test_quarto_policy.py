"""Quarto's pages get a content security policy: what is their own runs, nothing else, nothing from elsewhere."""

import re

import pytest

from bookkit.errors import BookError
from bookkit.remote import strip_folder

#: what Quarto's pages have, made small: settings as JSON, scripts of their own, handlers in both kinds of quotes
PAGE = """<!DOCTYPE html>
<html lang="en"><head>

<meta charset="utf-8">
<title>start</title>
<script src="site_libs/own.js"></script>
<script src="https://cdn.example.org/require.min.js"></script>
<script id="quarto-search-options" type="application/json">{"limit": 20}</script>
<style>body { color: rgb(1, 2, 3); }</style>
</head><body>
<button id="a" title="a > b" onclick="document.title += ' a'; return false;">a</button>
<button id="b" onclick='document.title += " b &amp; c"'>b</button>
<p>text that shows <code>onclick="document.title = 'shown'"</code></p>
<script id="quarto-html-after-body" type="application/javascript">document.title += " own";</script>
</body></html>
"""
HOSTILE = (
    '<script>document.title = "stolen"</script><img src="x" onerror="document.title = 1">'
    '<a id="bait" href="javascript:void(document.title = 2)">x</a><img src="https://elsewhere.example/x.png">'
)


@pytest.fixture
def book(tmp_path):
    (tmp_path / "site_libs").mkdir()
    (tmp_path / "site_libs" / "own.js").write_text("window.loaded = true;")
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "part.html").write_text("<p>no page but a part of one</p>")
    return tmp_path


def test_every_page_gets_one_policy_with_the_hashes_of_its_own(book):
    assert [path.name for path in strip_folder(book)] == ["page.html"]
    words = (book / "page.html").read_text()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', words)
    assert policy.startswith("default-src 'none'") and "http" not in policy and "cdn.example.org" not in words
    assert policy.count("'sha256-") == 3 and "unsafe-inline' script" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert strip_folder(book) == []  # a second time nothing changes


def test_a_page_without_a_place_for_the_policy_is_an_error(book):
    (book / "page.html").write_text(PAGE.replace('<meta charset="utf-8">', ""))
    with pytest.raises(BookError, match="content security policy"):
        strip_folder(book)


def test_the_browser_runs_what_the_page_has_and_nothing_that_was_put_in(book, browser):
    strip_folder(book)
    words = (book / "page.html").read_text()
    (book / "page.html").write_text(words.replace("<body>", f"<body>{HOSTILE}"))
    context = browser.new_context(offline=True)
    page, reasons = context.new_page(), []
    page.on("requestfailed", lambda request: "elsewhere" in request.url and reasons.append(request.failure))
    page.goto((book / "page.html").as_uri())
    for name in ("a", "b", "bait"):
        page.locator(f"#{name}").click()
    assert page.title() == "start own a b & c" and page.evaluate("window.loaded")
    assert reasons == ["csp"]
    context.close()
