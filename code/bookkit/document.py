"""The whole book as one numbered, cross-referenced tree, still without a format: what no page can know alone."""

import functools
import itertools
import json
import posixpath
import re
import string
from collections import ChainMap, namedtuple
from concurrent.futures import ThreadPoolExecutor

import jinja2

from bookkit import dialect, tree
from bookkit.errors import BookError, BookErrors
from bookkit.page import make_page
from bookkit.tree import attributes, is_div, nodes, transform

#: What a label points to: its kind, its number and the page.
Target = namedtuple("Target", "kind number page")


def build(book, chapters, results, before=()):
    """The pages of a book from its chapters and their results, each a dict by path.

    A chapter without results is put together as far as its text tells, with the numbers and references of the book but
    no figure or table: the linter checks so. `before` are the pages of an earlier build: those of chapters that are not
    in `chapters` stay as they are, for the next whole build to put right (links into what has changed, the letters
    behind a source's year). BookErrors has every fault found: figures, references, citation keys, links.
    """

    def page(entry):
        try:
            return make_page(book, chapters[entry.path], results.get(entry.path), entry)
        except BookError as error:
            return error.errors

    with ThreadPoolExecutor() as pool:
        fresh = list(pool.map(page, [entry for entry in book.entries if entry.path in chapters]))
    faults = [error for made in fresh if isinstance(made, list) for error in made]
    if faults:
        raise BookErrors(faults)
    made = {page.path: page for page in [*before, *fresh]}
    pages = [made[path.with_suffix(".html").as_posix()] for path in book.chapters]
    chapters, appendices = map(str, itertools.count(1)), iter(string.ascii_uppercase)
    for page in pages:
        if "unnumbered" not in page.blocks[0]["c"][1][1] and book.html.get("number-sections", True):
            page.number = next(appendices if page.entry.appendix else chapters)
    for page in fresh:
        _number(page)
    targets, keys = ChainMap(*(page.targets for page in pages)), _bibliography_keys(book)
    for page in fresh:
        faults += _resolve(page, targets, keys)
        faults += _check_links(page, pages, book)
    faults = faults or _cite(book, pages, fresh)
    if faults:
        raise BookErrors(faults)
    return pages


def check(book, chapters):
    """What is wrong with a book whose chapters have not run, as far as that can be told: a list of BookError."""
    try:
        pages = build(book, chapters, {})
    except BookError as error:
        return error.errors
    faults = []
    for page in pages:
        formulas = [{"t": "Para", "c": [node]} for node in nodes(page.blocks) if node["t"] == "Math"]
        try:
            write_page(page, formulas, "-t", "html5", "--mathml")
        except BookError as error:
            faults.append(error)
    return faults


def _number(page):
    """Number a page's sections, figures, tables and equations, and note what references may point to."""
    heading, prefix = page.blocks[0], page.number + "." if page.number else ""
    page.title = heading["c"][2]
    page.targets = {page.identifier: Target("chapter", page.number, page.path)}
    counts, levels = {"fig": 0, "tbl": 0, "eq": 0}, [0] * 7
    for node in nodes(page.blocks):
        if node["t"] == "Header" and node is not heading:
            level, (identifier, classes, _), title = node["c"]
            number = None
            if "unnumbered" not in classes and page.number:
                levels[level] += 1
                levels[level + 1 :] = [0] * (6 - level)
                number = prefix + ".".join(str(count) for count in levels[2 : level + 1])
            if level >= 2:
                page.sections.append((level, number, title, identifier))
            page.targets.setdefault(identifier, Target("sec", number, page.path))
            node["c"][1] = [identifier, classes, [["number", number]] if number else []]
        elif is_div(node):
            label = node["c"][0][0]
            kind = "eq" if is_div(node, "bk-equation") else attributes(node).get("kind")
            if kind in counts:
                counts[kind] += 1
                number = f"{prefix}{counts[kind]}"
                node["c"][0][2] += [["number", number], ["name", dialect.named(kind, number, page.lang)]]
                page.targets[label] = Target(kind, number, page.path)
            elif label == "refs":
                page.targets[label] = Target("refs", None, page.path)
    if page.number:
        heading["c"][1][2] = [["number", page.number]]


def _bibliography_keys(book):
    keys = set()
    for name in book.bibliography:
        path = book.root / name
        if not path.exists():
            raise BookError("bibliography not found", name)
        try:
            items = tree.pandoc(path.read_text(encoding="utf-8"), "-f", "bibtex", "-t", "csljson")
        except BookError as error:
            raise BookError(error.message, name) from None
        keys |= {item["id"] for item in json.loads(items)}
    return keys


def _resolve(page, targets, keys):
    """Turn references into links; check citation keys."""
    faults = []

    def fault(message, name):
        line = page.chapter.find_line(re.compile(rf"@{re.escape(name)}(?![\w-])"))
        faults.append(BookError(message, page.chapter.path, line))

    def visit(node):
        if node["t"] != "Cite":
            return None
        citations = node["c"][0]
        names = [citation["citationId"] for citation in citations]
        labels = [name[0].lower() + name[1:] for name in names]
        known = [bool(re.match(r"(fig|tbl|eq|sec)-", label)) for label in labels]
        if not any(known):
            for name in names:
                other = re.match(r"(lst|thm|lem|cor|prp|exm|exr|def|sol|rem|alg)-", name)
                hint = "a kind of reference outside the dialect" if other else "in no bibliography"
                if name not in keys:
                    fault(f"unknown citation key @{name}: {hint}", name)
            return None
        result = []
        for citation, name, label, is_reference in zip(citations, names, labels, known, strict=True):
            if not is_reference:
                fault("citations and references in one bracket", name)
            elif label not in targets:
                fault(f"unresolved reference @{name}", name)
            elif targets[label].number is None:
                remedy = "which Quarto cannot resolve; write a link, [words](file.qmd#label)"
                fault(f"reference @{label} to a heading without number, {remedy}", name)
            else:
                result += [*tree.text(", "), {"t": "Space"}] if result else []
                result.append(_reference(citation, label, targets[label], page))
        return result

    page.blocks = transform(page.blocks, visit)
    page.title = page.blocks[0]["c"][2]
    return faults


def _reference(citation, label, target, page):
    number = [{"t": "Str", "c": target.number}]
    if citation["citationMode"]["t"] == "SuppressAuthor":
        words = number
    elif citation["citationPrefix"]:
        words = [*citation["citationPrefix"], {"t": "Str", "c": "\u00a0"}, *number]
    else:
        words = [{"t": "Str", "c": dialect.named(target.kind, target.number, page.lang)}]
    words += [{"t": "Space"}, *citation["citationSuffix"]] if citation["citationSuffix"] else []
    return tree.link(words, f"bk:{target.page}#{label}", "quarto-xref")


def _check_links(page, pages, book):
    """Links and pictures: `bk:page#identifier` for the book's own pages, files of the project must exist."""
    faults = []
    paths = {other.chapter.path.as_posix(): other for other in pages}
    printed = {f"{book.output_file}.pdf", *(other.pdf for other in pages if other.pdf)}
    for node in nodes(page.blocks):
        if node["t"] not in ("Link", "Image"):
            continue
        url, is_picture = node["c"][2][0], node["t"] == "Image"
        if url.startswith("bk:") or "data-asset" in attributes(node):
            continue
        fault = None
        if url.startswith("#"):
            url, local = page.path + url, page.chapter.path
        else:
            local = dialect.local_target(page.chapter, url)
        fragment = url.partition("#")[2]
        if local is None:
            fault = f"picture from another host ({url})" if is_picture else None
        elif local.as_posix() in paths:
            other = paths[local.as_posix()]
            if fragment and fragment not in other.targets:
                fault = f"link to {url}: no such place in the chapter"
            node["c"][2][0] = f"bk:{other.path}#{fragment}"
        elif local.as_posix() in printed:
            continue
        elif not (book.root / local).is_file():
            fault = f"{'picture' if is_picture else 'link'} {url}: no such file"
        else:
            page.files.add(local.as_posix())
            if is_picture:
                node["c"][0][2].append(["data-asset", local.as_posix()])
        if fault:
            faults.append(BookError(fault, page.chapter.path, page.chapter.find_line(url.removeprefix(page.path))))
    return faults


def _cite(book, pages, fresh):
    """Citations and the bibliography for all fresh pages at once, so that "2015a" means the same everywhere.

    Citations need the place where the bibliography is printed, once; what is wrong is returned. Only the paragraphs
    that cite are sent to pandoc, which takes seconds for a whole book.
    """
    places = [page for page in pages if "refs" in page.targets]
    message = "a second '::: {#refs}'; the book has one bibliography"
    faults = [BookError(message, page.chapter.path, 1) for page in places[1:]]
    citing = [(page, node) for page in fresh for node in _citing(page.blocks)]
    cited = [page for page, node in citing if not is_div(node)]
    message = "citations, but no chapter prints the bibliography: '::: {#refs}' ':::'"
    faults += [BookError(message, page.chapter.path, 1) for page in cited[:1] if not places]
    arguments = [f"--bibliography={book.root / name}" for name in book.bibliography]
    if faults or not arguments or not citing:
        return faults
    if book.csl:
        arguments.append(f"--csl={book.root / book.csl}")
    citing, place = [node for _, node in citing], places[0].path
    if places[0] not in fresh:  # pandoc is to print it somewhere
        citing.append(tree.div([], identifier="refs"))
    meta = {"link-citations": {"t": "MetaBool", "c": True}, "lang": {"t": "MetaString", "c": book.lang}}
    words = tree.pandoc(tree.document(citing, meta), "-f", "json", "-t", "json", "--citeproc", *arguments)
    for node, done in zip(citing, json.loads(words)["blocks"], strict=True):
        node["c"] = done["c"]
        for link in nodes(node):
            if link["t"] == "Link" and link["c"][2][0].startswith("#ref-"):
                link["c"][2][0] = f"bk:{place}{link['c'][2][0]}"
    for page in fresh:
        page.title = page.blocks[0]["c"][2]
    return []


def _citing(blocks):
    """The paragraphs and headings that hold a citation, and the place of the bibliography; none lies in another."""
    inside = set()
    for node in nodes(blocks):
        citing = node["t"] in ("Para", "Plain", "Header") and any(part["t"] == "Cite" for part in nodes(node["c"]))
        if id(node) not in inside and (citing or (is_div(node) and node["c"][0][0] == "refs")):
            yield node
            inside |= {id(part) for part in nodes(node["c"])}


def contents(book, pages):
    """Each part's heading ("" where chapters have none) and pages, in the order of the book."""
    by_path = {page.chapter.path: page for page in pages}
    groups = itertools.groupby(book.entries, lambda entry: entry.heading)
    return [(heading, [by_path[e.path] for e in entries if e.path in by_path]) for heading, entries in groups]


def float_of(node):
    """Kind, name ("Table 2.1", or None), caption and content of a figure or table."""
    values, (body, caption) = attributes(node), node["c"][1]
    return values["kind"], values.get("name"), caption["c"][1][0]["c"], body["c"][1]


def titled(node):
    """Title and content of a callout."""
    title, body = node["c"][1]
    return title["c"][1][0]["c"], body["c"][1]


def place_of(url):
    """Page and label of a link within the book (``bk:page.html#label``), or None for other links."""
    return url[3:].split("#", 1) if url.startswith("bk:") else None


def identifier_of(page, identifier):
    """Labels are unique in a file; identifiers that pandoc made are not across chapters, so they get a prefix."""
    own = re.match(r"(sec|fig|tbl|eq|ref)-", identifier) or identifier == "refs"
    return identifier if own else f"{page.chapter.path.stem}--{identifier}"


def lower_link(node, by_path):
    """Point a link of a printed format to its label; its words, where it leads nowhere. `by_path` has the pages."""
    url = node["c"][2][0]
    if place := place_of(url):
        other = by_path.get(place[0])
        if other:
            node["c"][2][0] = "#" + identifier_of(other, place[1] or other.identifier)
        return None if other else node["c"][1]
    return None if re.match(r"[a-z]+:", url) else node["c"][1]


def lower_block(node, writers):
    """What stands for a block in a format: `writers` name the classes ``bk-…``; None to keep it."""
    return next((write(node) for name, write in writers.items() if is_div(node, name)), None)


def write_page(page, blocks, *arguments):
    """Write a page's blocks with pandoc; a formula that pandoc cannot read is named with its line."""
    try:
        return tree.write(blocks, *arguments)
    except BookError as error:
        formula = re.search(r"TeX math\s+(.*?)\s*,? rendering", error.message, re.DOTALL)
        line = page.chapter.text.partition(formula[1].split("\n")[0])[0].count("\n") + 1 if formula else None
        raise BookError(error.message, page.chapter.path, line) from None


@functools.cache
def template(name):
    """A template of the assets; what is written as HTML is escaped."""
    loader, options = jinja2.PackageLoader("bookkit", "assets"), {"trim_blocks": True, "keep_trailing_newline": True}
    environment = jinja2.Environment(loader=loader, autoescape=name.endswith(".html"), **options)
    return environment.get_template(name, globals={"plain": tree.plain})


def relative(path, page):
    """A path within the book, relative to the page's folder.

    Examples
    --------
    >>> relative("chapters/b.html", "chapters/a.html"), relative("index.html", "chapters/a.html")
    ('b.html', '../index.html')
    """
    return posixpath.relpath(path, posixpath.dirname(page) or ".")
