"""Write the document tree as web pages that need nothing but their own folder, from http:// and file:// alike."""

import base64
import functools
import hashlib
import html
import json
import re
from pathlib import Path

import nbformat

from bookkit import asset, tree
from bookkit.document import contents, float_of, lower_block, place_of, relative, template, titled, write_page
from bookkit.notebooks import to_notebook
from bookkit.page import narrow_of
from bookkit.tables import WHOLE, column_widths, rows_of, set_widths
from bookkit.tree import attributes, is_div, nodes, raw, transform, wrap

_MARK = "<!-- next -->"
#: Where the column of text is narrower than a picture drawn seven inches wide: telephones, and small windows in which
#: the contents stand beside the text.
_NARROW_SCREENS = "(max-width: 47rem), (min-width: 55.01rem) and (max-width: 66rem)"
#: Folder of the style sheet, the script and the search index within the book.
ASSETS = "bookkit"
DRESS = ("book.css", "reader.css", "book.js", "reader.js")


def write_pages(book, pages, folder, pdf=None, chosen=None, whole=True):
    """Write every page (or those of the `chosen` chapters) into a folder, with all that they need.

    That is their pictures, linked files and sources, the style and the script, and for a `whole` book the search index
    and the list for programs; `pdf` is the file of the PDF in the folder, if there is one.
    """
    titles = _titles(pages)
    common = {"book": book, "pages": pages, "pdf": pdf, "titles": titles, "contents": contents(book, pages)}
    common |= {"assets": ASSETS, "size": _size}
    files = {path.relative_to(book.root) for pattern in book.resources for path in book.root.glob(pattern)}
    files |= {Path(name) for name in (book.favicon, book.card) if name}
    for sheet in map(Path, book.css):  # and the faces that they name
        words = (book.root / sheet).read_text(encoding="utf-8")
        files |= {sheet, *(sheet.parent / name for name in re.findall(r'url\("?([^":)]+)"?\)', words))}
    pages[0].files |= {path.as_posix() for path in files if (book.root / path).is_file()}
    for page, before, after in zip(pages, [None, *pages], [*pages[1:], None], strict=False):
        if chosen is not None and page.chapter.path not in chosen:
            continue
        blocks = transform(page.blocks, lambda node, page=page: _lower(node, page, pdf))
        body = write_page(page, blocks, "-t", "html5", "--mathml", "--syntax-highlighting=pygments")
        own = dict.fromkeys(re.findall(r"<style>.*?</style>", body, re.DOTALL))  # of cells; its place is the head
        body = re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL)
        values = {**common, "page": page, "to": functools.partial(relative, page=page.path), "body": _accessible(body)}
        values |= {"styles": own, "description": _description(book, page)}
        values["sections"] = [
            each for each in zip(page.sections, titles[page.path][1:], strict=True) if each[0][0] <= 3
        ]
        values["neighbours"] = ("prev", "Previous", before), ("next", "Next", after)
        target = folder / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(with_policy(template("page.html").render(values)), encoding="utf-8")
        target.with_suffix(".qmd").write_text(page.chapter.text, encoding="utf-8")
        nbformat.write(to_notebook(page.chapter), target.with_suffix(".ipynb"))
        page.store(book.root, folder)
    (folder / ASSETS).mkdir(exist_ok=True)
    for name in DRESS:
        (folder / ASSETS / name).write_text(asset(name), encoding="utf-8")
    terms = _terms(pages)  # of some pages alone there are none, and those of the book that is there stay
    if whole or terms:
        (folder / ASSETS / "terms.js").write_text(_script("bookTerms", terms), encoding="utf-8")
    if not whole:
        return
    (folder / "llms.txt").write_text(template("llms.txt").render(common), encoding="utf-8")
    index = [entry for page in pages for entry in _search_entries(page)]
    (folder / ASSETS / "search-index.js").write_text(_script("bookIndex", index), encoding="utf-8")


def _script(name, value):
    words = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return f"window.{name}={words};\n"


def _terms(pages):
    """Page and cells of each row of the glossary's tables: the script links a term where it is first used."""
    tables = [(page.path, node) for page in pages if page.identifier == "sec-glossary" for node in nodes(page.blocks)]
    return [[path, *row] for path, node in tables if node["t"] == "Table" for row in list(rows_of(node))[1:]]


def _size(path):
    return f", {path.stat().st_size / 1e6:.1f} MB"


def _description(book, page):
    """What a page is about, for search engines: its header says so, or the answer that it begins with."""
    words = page.chapter.header.get("description")
    answers = (tree.plain(node) for node in page.blocks if node["t"] == "Para")
    words = words or next(answers, "").removeprefix("The answer first.").strip() or book.description
    return words if len(words) <= 200 else words[:197].rsplit(" ", 1)[0] + " …"


def with_policy(page):
    """A page with its content security policy: it runs the book's script and its cells' own, by their hashes, alone.

    A script from elsewhere, an address that is a script, and a request to another host are refused by the browser. Raw
    HTML is outside the dialect, so that what the hashes are of comes from the template and from what cells show.
    """
    page = _POLICY.sub("", page)
    inline = re.findall(r"<script(?![^>]*(?:\ssrc=|application/json))[^>]*>(.*?)</script>", page, re.DOTALL)
    tags = re.findall(r"<[a-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", page)
    found = [words for tag in tags for words in re.findall(r"\son[a-z]+=(?:\"([^\"]*)\"|'([^']*)')", tag)]
    handlers = [html.unescape(double or single) for double, single in found]
    hashes = sorted({base64.b64encode(hashlib.sha256(words.encode()).digest()).decode() for words in inline + handlers})
    scripts = " ".join(["'self'", *["'unsafe-hashes'"] * bool(handlers), *(f"'sha256-{digest}'" for digest in hashes)])
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    return page.replace('<meta charset="utf-8">\n', f'<meta charset="utf-8">\n{meta}', 1)


_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" [^>]*>\n')


def _titles(pages):
    """Titles as HTML: of every page its own and those of its sections. Pandoc is asked once for all of them."""

    def unlinked(node):  # titles go into links themselves
        return node["c"][1] if node["t"] == "Link" else [] if node["t"] == "Note" else None

    titles = [[page.title, *(title for _, _, title, _ in page.sections)] for page in pages]
    plain = [{"t": "Plain", "c": transform(title, unlinked)} for each in titles for title in each]
    words = tree.write([block for title in plain for block in (title, raw("html", _MARK))], "-t", "html5", "--mathml")
    words = iter(words.split(_MARK))
    return {page.path: [next(words).strip() for _ in each] for page, each in zip(pages, titles, strict=True)}


def _accessible(body):
    """Give headings below the first level a link to themselves, formulas that scroll a stop of the keyboard, make an
    empty head of a column no head, and keep a number with its per cent sign, and in cells an interval, on one line."""
    body = re.sub(r"(?<=\d)\s%(?![^<>]*>)", "\u00a0%", body)
    body = re.sub(r"<th([^>]*?)(?: scope=\"\w+\")?([^>]*)></th>", r"<td\1\2></td>", body)
    unbroken = functools.partial(re.sub, rf"({WHOLE})(?![^<>]*>)", r'<span class="whole">\1</span>')
    body = re.sub(r"<t[dh]\b.*?</t[dh]>", lambda cell: unbroken(cell[0]), body, flags=re.DOTALL)
    formula = r'(<div class="formula"[^>]*>\s*<p>)?<math display="block"'
    body = re.sub(formula, lambda found: found[0] + ("" if found[1] else ' tabindex="0"'), body)
    heading = r'(<h([2-6])[^>]*? id="([^"]+)"[^>]*>.*?)(</h\2>)'
    link = r'\1 <a class="anchor" href="#\3" aria-label="Link to this section">#</a>\4'
    return re.sub(heading, link, body, flags=re.DOTALL)


# -- blocks -------------------------------------------------------------------------------------------------------


def _lower(node, page, pdf):
    """Turn what :mod:`bookkit.document` made into HTML; called from the leaves up."""
    kind = node["t"]
    if kind == "Div":
        return lower_block(node, _DIVS)
    elif kind == "Header":
        values = attributes(node)
        node["c"][1][2] = []
        if values.get("number"):
            node["c"][2] = [tree.span(tree.text(values["number"]), "number"), {"t": "Space"}, *node["c"][2]]
    elif kind == "Link":
        url = node["c"][2][0]
        if place := place_of(url):
            target, fragment = place
            path = "" if target == page.path and fragment else relative(target, page.path)
            node["c"][2][0] = path + (f"#{fragment}" if fragment else "")
        elif url.endswith(".pdf") and ":" not in url:  # with its size; where it was not made, the link is its words
            path = pdf and (pdf.parent / page.path).parent / url
            if not path or not path.exists():
                return node["c"][1]
            node["c"][1].append(tree.span(tree.text(_size(path)), "size"))
    elif kind == "Image":
        values = attributes(node)
        asset, narrow = values.pop("data-asset", None), values.pop("data-narrow", None)
        if asset:
            node["c"][2][0] = relative(asset, page.path)
        node["c"][0][2] = [[key, value] for key, value in (values | {"loading": "lazy"}).items()]
        if asset:  # a picture opens alone, as large as the window
            shown = [node]
            if narrow:
                source = f'<source media="{_NARROW_SCREENS}" srcset="{narrow_of(node["c"][2][0])}">'
                shown = [raw("html", f"<picture>{source}", True), node, raw("html", "</picture>", True)]
            return [{"t": "Link", "c": [["", ["alone"], []], shown, [node["c"][2][0], ""]]}]
    elif kind == "Table":
        return _table(node)
    return None


def _float(node):
    """A figure or table with its caption: below a figure, above a table."""
    kind, name, inlines, content = float_of(node)
    if name:
        inlines = [tree.span(tree.text(f"{name}:"), "label"), {"t": "Space"}, *inlines]
    for image in (item for item in nodes(content) if item["t"] == "Image"):
        values = attributes(image)
        if values.pop("data-numbers", None) and inlines:
            address = [image["c"][2][0].rsplit(".", 1)[0] + ".csv", ""]
            link = {"t": "Link", "c": [["", ["numbers"], [["download", ""]]], tree.text("Data"), address]}
            inlines = [*inlines, {"t": "Space"}, link]
        image["c"][0][2] = [[key, value] for key, value in values.items()]
    text = wrap("html", "<figcaption>", [{"t": "Plain", "c": inlines}], "</figcaption>") if inlines else []
    for block in content if name and kind == "tbl" else ():
        if block["t"] == "RawBlock":
            block["c"][1] = block["c"][1].replace('aria-label="Table"', f'aria-label="{name}"')
    inner = [*text, *content] if kind == "tbl" else [*content, *text]
    return _shape("figure", inner, kind=kind, id=node["c"][0][0])


def _table(node):
    set_widths(node)
    return _shape("table", [node], least=sum(min(width, 11) + 1.7 for width in column_widths(node)[0]))


def _callout(node):
    title, body = titled(node)
    return _shape("callout", [{"t": "Plain", "c": title}], body, **attributes(node))


def _shape(name, *contents, **values):
    """Blocks within a shape of ``blocks.html``: its marks say where each content stands."""
    first, *others = str(getattr(template("blocks.html").module, name)(**values)).split(_MARK)
    inner = [[*content, raw("html", after)] for content, after in zip(contents, others, strict=True)]
    return [raw("html", first), *(block for part in inner for block in part)]


_DIVS = {
    "bk-float": _float,
    "bk-callout": _callout,
    "bk-code": lambda node: _shape("code", node["c"][1], **attributes(node)),
    "bk-equation": lambda node: _shape("equation", node["c"][1], id=node["c"][0][0], number=attributes(node)["number"]),
    "bk-text": lambda node: wrap("html", '<div class="output">', node["c"][1], "</div>"),
    "bk-html": lambda node: wrap("html", '<div class="widget">', node["c"][1][:1], "</div>"),
}


# -- search -------------------------------------------------------------------------------------------------------


def _search_entries(page):
    """One entry a section: address, chapter, section, text."""
    chapter = (f"{page.number} " if page.number else "") + tree.plain(page.title)
    entries = [[page.path, chapter, "", ""]]
    for block in page.blocks[1:]:
        if block["t"] == "Header":
            number = attributes(block).get("number")
            section = (f"{number} " if number else "") + tree.plain(block["c"][2])
            entries.append([f"{page.path}#{block['c'][1][0]}", chapter, section, ""])
        else:
            words = tree.plain(transform([block], lambda node: [] if is_div(node, "bk-code") else None))
            entries[-1][3] = f"{entries[-1][3]} {words}".strip()
    return [entry for entry in entries if entry[2] or entry[3]] or entries[:1]
