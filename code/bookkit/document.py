"""From chapters and their results to one numbered, cross-referenced document tree, still without a format.

A chapter's prose and outputs are put together as Markdown, read by pandoc, and its figures, tables, equations,
callouts and tabsets become blocks of classes ``bk-…`` that :mod:`bookkit.html` and :mod:`bookkit.pdf` write out.
"""

import ast
import base64
import json
import posixpath
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bookkit import dialect, tree
from bookkit.chapters import Cell
from bookkit.errors import BookError, BookErrors
from bookkit.execute import option
from bookkit.tree import attributes, div, is_div, nodes, transform

_FENCE = ":" * 24
_IMAGES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>$@~^#|])")


@dataclass
class Page:
    """A chapter on its way to a page.

    Attributes
    ----------
    chapter : bookkit.chapters.Chapter
    blocks : list
        Its tree.
    number : str or None
        "2", "A", or None for a chapter without number.
    title : list
        Inlines of the title.
    part : str or None
    appendix : bool
    assets : dict
        From path within the book to the bytes of an image that a cell made.
    files : set of str
        Files of the project that the page links to or shows.
    sections : list
        (level, number, inlines, identifier) of its headings of level 2 and deeper.
    """

    chapter: object
    blocks: list
    part: str | None = None
    appendix: bool = False
    number: str | None = None
    title: list = field(default_factory=list)
    assets: dict = field(default_factory=dict)
    files: set = field(default_factory=set)
    sections: list = field(default_factory=list)

    @property
    def path(self):
        """The HTML file, relative to the book."""
        return self.chapter.path.with_suffix(".html").as_posix()

    @property
    def identifier(self):
        """Identifier of the chapter's heading."""
        return self.blocks[0]["c"][1][0]


@dataclass(frozen=True)
class Target:
    """What a label points to: its kind, its number and the page."""

    kind: str
    number: str | None
    page: str


def build(book, chapters, results):
    """Put chapters and results together.

    A chapter without results is put together as far as its text tells: numbers and references are those of the book,
    in the place of a figure or table stands nothing. The linter checks all chapters so.

    Parameters
    ----------
    book : bookkit.config.Book
    chapters : dict
        From path to :class:`bookkit.chapters.Chapter`.
    results : dict
        From path to what :func:`bookkit.execute.execute_chapters` returned, for the chapters that have run.

    Returns
    -------
    list of Page

    Raises
    ------
    BookErrors
        Every fault found: missing figures, unresolved references, unknown citation keys, dead links.
    """

    def page(entry):
        try:
            return _page(book, chapters[entry.path], results.get(entry.path), entry)
        except BookErrors as errors:
            return errors.errors
        except BookError as error:
            return [error]

    with ThreadPoolExecutor() as pool:
        pages = list(pool.map(page, [entry for entry in book.entries if entry.path]))
    faults = [error for made in pages if isinstance(made, list) for error in made]
    if faults:
        raise BookErrors(faults)
    targets = _number(pages, book)
    keys = _bibliography_keys(book)
    for page in pages:
        faults += _resolve(page, targets, keys)
        faults += _check_links(page, pages, targets, book)
    if not faults:
        faults += _check_references_page(pages)
    if faults:
        raise BookErrors(faults)
    _cite(book, pages)
    return pages


def check(book, chapters):
    """What is wrong with a book whose chapters have not run, as far as that can be told.

    Parameters
    ----------
    book : bookkit.config.Book
    chapters : dict
        From path to :class:`bookkit.chapters.Chapter`.

    Returns
    -------
    list of bookkit.errors.BookError
    """
    try:
        pages = build(book, chapters, {})
    except BookErrors as errors:
        return errors.errors
    except BookError as error:
        return [error]
    faults = []
    for page in pages:
        formulas = [{"t": "Para", "c": [node]} for node in nodes(page.blocks) if node["t"] == "Math"]
        try:
            write_page(page, formulas, "-t", "html5", "--mathml")
        except BookError as error:
            faults.append(error)
    return faults


# -- one chapter: Markdown, cells, blocks -----------------------------------------------------------------------


def _page(book, chapter, result, entry):
    has_run = result is not None
    if not has_run:
        result = {"cells": [None] * len(chapter.cells), "inlines": [{"text/plain": "0"}] * len(chapter.inlines)}
    words = _compose(chapter, result, book.execute)
    try:
        blocks = tree.read_markdown(words)
    except BookError as error:
        raise BookError(error.message, chapter.path, _culprit(chapter, result)) from None
    page = Page(chapter, blocks, entry.part, entry.appendix)
    faults = []

    def fault(message, line):
        faults.append(BookError(message, chapter.path, line))

    filled = set()

    def cells(node):
        if is_div(node, "bk-cell"):
            index = int(attributes(node)["cell"])
            filled.add(index)
            outputs = result["cells"][index]
            return _cell(page, book, chapter.cells[index], index, outputs, node["c"][1], fault, has_run)
        return None

    page.blocks = transform(page.blocks, cells)
    for index in set(range(len(chapter.cells))) - filled:
        cell = chapter.cells[index]
        fault(f"{cell.name} is lost: a ::: block or code fence before it, or in an output, is not closed", cell.line)
    page.blocks = transform(page.blocks, lambda node: _block(node, chapter, fault))
    _check_tree(page.blocks, chapter, fault)
    if not faults and (not page.blocks or page.blocks[0]["t"] != "Header"):
        fault("the chapter's heading must come first", 1)
    if faults:
        raise BookErrors(faults)
    return page


def _compose(chapter, result, defaults):
    """The chapter as Markdown: inline values in place, a block of class ``bk-cell`` for every cell."""
    values = iter(zip(chapter.inlines, result["inlines"], strict=True))
    parts, index = [], -1
    for block in chapter.blocks:
        if not isinstance(block, Cell):
            shown = [_inline(chapter, *next(values)) for _ in block.inlines]
            parts.append(block.replace_inlines(shown))
            continue
        index += 1
        inner = []
        for number, output in enumerate(result["cells"][index] or []):
            words = output.get("data", {}).get("text/markdown")
            if output["output_type"] == "stream" and block.options.get("output") == "asis":
                words = output["text"] if output["name"] == "stdout" else None
            if words:
                inner.append(f"{_FENCE} {{.bk-md output={number}}}\n{_joined(words)}\n{_FENCE}")
        caption = block.options.get("fig-cap") or block.options.get("tbl-cap")
        if caption:
            inner.append(f"{_FENCE} {{.bk-caption}}\n{caption}\n{_FENCE}")
        parts.append(f"{_FENCE}: {{.bk-cell cell={index}}}\n" + "\n\n".join(inner) + f"\n{_FENCE}:")
    return "\n\n".join(parts) + "\n"


def _culprit(chapter, result):
    """Line of the cell whose output alone is Markdown that pandoc complains about, if one is."""
    for cell, outputs in zip(chapter.cells, result["cells"], strict=True):
        for output in outputs or []:
            try:
                tree.read_markdown(_joined(output.get("data", {}).get("text/markdown") or output.get("text", "")))
            except BookError:
                return cell.line
    return None


def _joined(words):
    return "".join(words) if isinstance(words, list) else words


def _inline(chapter, inline, data):
    """An inline value as Markdown."""
    if "text/markdown" in data:
        return _joined(data["text/markdown"]).strip()
    if "text/html" in data:
        raise BookError(
            f"inline expression `{inline.source}` shows HTML; give a number, text or Markdown",
            chapter.path,
            inline.line,
        )
    words = _joined(data.get("text/plain", ""))
    if re.match(r"np\.\w+\(|<|array\(", words):
        raise BookError(
            f"inline expression `{inline.source}` shows {words}; format it for print", chapter.path, inline.line
        )
    if re.match(r"""['"]""", words):
        words = _SPECIAL.sub(r"\\\1", ast.literal_eval(words))
    return words


def _cell(page, book, cell, index, outputs, inner, fault, has_run):
    """What a cell shows: its code, and its outputs as figure, table or as they are."""
    options = cell.options
    if not option(cell, "include", book.execute, True):
        if str(cell.label).startswith(("fig-", "tbl-")):
            fault(f"{cell.name} is hidden (include: false), so its figure or table is missing", cell.line)
        return []
    shown = []
    if option(cell, "echo", book.execute, True) and cell.source:
        fold = options.get("code-fold", book.html.get("code-fold", False))
        summary = options.get("code-summary", book.html.get("code-summary", "Code"))
        shown.append(div([tree.code(cell.source, "python")], "bk-code", fold=str(fold).lower(), summary=summary))
    markdown = {int(attributes(node)["output"]): node["c"][1] for node in inner if is_div(node, "bk-md")}
    captions = [node["c"][1] for node in inner if is_div(node, "bk-caption")]
    kind = cell.label.split("-")[0] if cell.label and cell.label.startswith(("fig-", "tbl-")) else None
    body, images = [], 0
    for number, output in enumerate(outputs or [] if option(cell, "output", book.execute, True) else []):
        for node in _output(page, book, cell, index, number, output, markdown.get(number), fault):
            images += any(inner["t"] == "Image" or is_div(inner, "bk-html") for inner in nodes(node))
            body.append(node)
    if has_run and kind == "fig" and not images:
        fault(f"{cell.name} shows no figure", cell.line)
    if has_run and kind == "tbl" and not any(node["t"] == "Table" for node in nodes(body)):
        fault(f"{cell.name} shows no table", cell.line)
    columns = options.get("layout-ncol", 1)
    if kind:
        words = [div([node for node in body if is_div(node, "bk-text")])] if kind == "fig" else []
        body = [node for node in body if not (kind == "fig" and is_div(node, "bk-text"))]
        return (
            shown
            + [node for node in words if node["c"][1]]
            + [_float(kind, cell.label, body, captions[0] if captions else [], columns)]
        )
    return shown + ([div(body, "bk-layout", ncol=columns)] if columns > 1 and body else body)


def _output(page, book, cell, index, number, output, markdown, fault):
    """One output of a cell as blocks."""
    kind = output["output_type"]
    if kind == "stream":
        if markdown is not None:
            return markdown
        if output["name"] == "stderr" and not option(cell, "warning", book.execute, True):
            return []
        words = re.sub(r"\x1b\[[0-9;]*m", "", _joined(output["text"])).rstrip("\n")
        return [div([tree.code(words, output["name"])], "bk-text")] if words else []
    if kind == "error":
        return [div([tree.code(f"{output['ename']}: {output['evalue']}", "error")], "bk-text")]
    data = output.get("data", {})
    picture = next((form for form in _IMAGES if data.get(form)), None)
    if "text/html" in data:
        html = _joined(data["text/html"])
        if 'class="dataframe"' in html:
            fault(f"{cell.name} shows a bare DataFrame; show it as a Markdown table", cell.line)
        if markdown is None and picture:
            markdown = [_image(page, cell, index, number, output, picture)]
        return [div([tree.raw("html", html), div(markdown or [], "bk-fallback")], "bk-html")]
    if markdown is not None:
        return markdown
    if picture:
        return [_image(page, cell, index, number, output, picture)]
    words = _joined(data.get("text/plain", ""))
    if not words or re.match(r"^\[?<[\w.]*\b(matplotlib|Axes|Figure|seaborn)|^Text\(", words):
        return []
    return [div([tree.code(words, "value")], "bk-text")]


def _image(page, cell, index, number, output, form):
    """A picture that a cell made: stored as an asset, shown by a path relative to the page."""
    data = _joined(output["data"][form])
    stem = page.chapter.path.stem
    name = f"{stem}_files/{cell.label or f'cell-{index + 1}'}-{number + 1}.{_IMAGES[form]}"
    asset = (page.chapter.path.parent / name).as_posix()
    page.assets[asset] = data.encode() if form == "image/svg+xml" else base64.b64decode(data)
    size = (output.get("metadata") or {}).get(form) or {}
    values = {"alt": cell.options.get("fig-alt") or cell.options.get("fig-cap") or "", "data-asset": asset}
    if size.get("width"):
        values["width"] = size["width"]
        if size.get("height"):
            values["height"] = size["height"]
    return {
        "t": "Para",
        "c": [{"t": "Image", "c": [["", [], [[k, str(v)] for k, v in values.items()]], [], [name, ""]]}],
    }


def _float(kind, label, body, caption, columns=1):
    inlines = [node for block in caption for node in (block["c"] if block["t"] in ("Para", "Plain") else [])]
    return div(
        [div(body, "bk-body", ncol=columns), div([{"t": "Plain", "c": inlines}], "bk-caption")],
        "bk-float",
        identifier=label,
        kind=kind,
    )


def _block(node, chapter, fault):
    """Blocks of the dialect that pandoc does not know; called from the leaves up."""
    kind = node["t"]
    if kind == "Div":
        (identifier, classes, values), content = node["c"]
        values = dict(values)
        callout = next((name[8:] for name in classes if name.startswith("callout-")), None)
        if callout:
            return [_callout(callout, values, content)]
        if "panel-tabset" in classes:
            return [_tabset(content, chapter, fault)]
        if re.match(r"(fig|tbl)-", identifier) and "bk-float" not in classes:
            place = chapter.find_line("#" + identifier)
            if not content or content[-1]["t"] != "Para":
                fault(f"block {identifier} must end with a paragraph: its caption", place)
                return None
            if any(is_div(inner, "bk-float") for inner in nodes(content)):
                fault(
                    f"block {identifier} holds another figure or table with a label: sub-figures are outside "
                    "the dialect",
                    place,
                )
            return [_float(identifier[:3], identifier, content[:-1], content[-1:], values.get("layout-ncol", 1))]
        if "layout-ncol" in values:
            return [div(content, "bk-layout", ncol=values["layout-ncol"])]
    if kind == "Figure":
        (identifier, _, _), caption, content = node["c"]
        if identifier.startswith("fig-"):
            return [_float("fig", identifier, content, caption[1])]
        return [_float("none", "", content, caption[1])]
    if kind == "Table" and node["c"][0][0].startswith("tbl-"):
        identifier, caption = node["c"][0][0], node["c"][1][1]
        node["c"][0], node["c"][1] = ["", [], []], [None, []]
        return [_float("tbl", identifier, [node], caption)]
    if kind in ("Para", "Plain"):
        return _equations(node)
    if kind == "Image":
        values = dict(node["c"][0][2])
        if "fig-alt" in values:
            values["alt"] = values.pop("fig-alt")
            node["c"][0][2] = [[key, value] for key, value in values.items()]
    return None


def _callout(kind, values, content):
    title = []
    if content and content[0]["t"] == "Header":
        title, content = content[0]["c"][2], content[1:]
    if "title" in values:
        title = [node for block in tree.read_markdown(values["title"]) for node in block["c"]]
    return div(
        [div([{"t": "Plain", "c": title or tree.text(kind.capitalize())}], "bk-title"), div(content, "bk-body")],
        "bk-callout",
        kind=kind,
        collapse=values.get("collapse", ""),
        titled=bool(title),
    )


def _tabset(content, chapter, fault):
    tabs = []
    for node in content:
        if node["t"] == "Header" and (not tabs or node["c"][0] == tabs[0][2]):
            tabs.append((node["c"][2], [], node["c"][0]))
        elif tabs:
            tabs[-1][1].append(node)
        else:
            fault("a tabset starts with a heading, one for every tab", chapter.find_line("panel-tabset"))
            return div(content)
    return div(
        [
            div([div([{"t": "Plain", "c": title}], "bk-title"), div(body, "bk-body")], "bk-tab")
            for title, body, _ in tabs
        ],
        "bk-tabset",
    )


def _equations(node):
    """Take displayed formulas with a label out of their paragraph."""
    result, rest, inlines = [], [], node["c"]
    index = 0
    while index < len(inlines):
        item = inlines[index]
        if item["t"] == "Math" and item["c"][0]["t"] == "DisplayMath":
            after = index + 1
            while after < len(inlines) and inlines[after]["t"] in ("Space", "SoftBreak"):
                after += 1
            label = (
                after < len(inlines)
                and inlines[after]["t"] == "Str"
                and re.match(r"^\{#(eq-[\w.-]+)\}(.*)$", inlines[after]["c"])
            )
            if label:
                if _has_words(rest):
                    result.append({"t": node["t"], "c": rest})
                result.append(div([{"t": "Para", "c": [item]}], "bk-equation", identifier=label[1]))
                rest = [{"t": "Str", "c": label[2]}] if label[2] else []
                index = after + 1
                continue
        rest.append(item)
        index += 1
    if not result:
        return None
    return result + ([{"t": node["t"], "c": rest}] if _has_words(rest) else [])


def _has_words(inlines):
    return any(node["t"] not in ("Space", "SoftBreak") for node in inlines)


def _check_tree(blocks, chapter, fault):
    """What the source check cannot see: raw text, classes and attributes of spans, pictures, headings."""
    generated = {id(inner) for node in nodes(blocks) if is_div(node, "bk-html") for inner in nodes(node)}
    for node in nodes(blocks):
        kind = node["t"]
        if id(node) in generated:
            continue
        if kind == "Str" and node["c"].startswith(":::"):
            fault("a cell's output closes a ::: block that it did not open", 1)
        elif kind in ("RawBlock", "RawInline"):
            first = node["c"][1].strip().split("\n")[0]
            fault(f"raw {node['c'][0]} ({first}) is outside the dialect", chapter.find_line(first))
        elif kind == "Span" and (node["c"][0][1] or set(attributes(node)) - {"lang"}):
            first = (node["c"][0][1] or list(attributes(node)))[0]
            fault(f"span with '{first}' is outside the dialect", chapter.find_line(first))
        elif kind == "Header":
            for name in set(node["c"][1][1]) - {"unnumbered", "unlisted"}:
                fault(f"heading class '.{name}' is outside the dialect", chapter.find_line("." + name))
        elif kind == "Image":
            for name in set(attributes(node)) - {"alt", "width", "height", "data-asset"}:
                fault(f"picture attribute '{name}' is outside the dialect", chapter.find_line(name + "="))
        elif kind == "CodeBlock":
            for name in attributes(node):
                fault(f"code attribute '{name}' is outside the dialect", chapter.find_line(name + "="))


# -- the whole book: numbers, references, citations ---------------------------------------------------------------


def _number(pages, book):
    """Number chapters, sections, figures, tables and equations; returns the targets of references."""
    targets, chapters, appendices = {}, 0, 0
    number_sections = book.html.get("number-sections", True)
    for page in pages:
        heading = page.blocks[0]
        (identifier, classes, _), page.title = heading["c"][1], heading["c"][2]
        if "unnumbered" not in classes and number_sections:
            if page.appendix:
                page.number, appendices = chr(ord("A") + appendices), appendices + 1
            else:
                chapters += 1
                page.number = str(chapters)
        targets[identifier] = Target("chapter", page.number, page.path)
        prefix = page.number + "." if page.number else ""
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
                targets.setdefault(identifier, Target("sec", number, page.path))
                node["c"][1] = [identifier, classes, [["number", number]] if number else []]
            kind = (
                "eq"
                if is_div(node, "bk-equation")
                else (attributes(node)["kind"] if is_div(node, "bk-float") else None)
            )
            if kind in counts:
                counts[kind] += 1
                node["c"][0][2].append(["number", f"{prefix}{counts[kind]}"])
                targets[node["c"][0][0]] = Target(kind, f"{prefix}{counts[kind]}", page.path)
        if page.number:
            heading["c"][1][2] = [["number", page.number]]
    return targets


def _bibliography_keys(book):
    keys = set()
    for name in book.bibliography:
        path = book.root / name
        if not path.exists():
            raise BookError("bibliography not found", name)
        try:
            keys |= {
                item["id"]
                for item in json.loads(tree.pandoc(path.read_text(encoding="utf-8"), "-f", "bibtex", "-t", "csljson"))
            }
        except BookError as error:
            raise BookError(error.message, name) from None
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
                fault(
                    f"reference @{label} to a heading without number, which Quarto cannot resolve; "
                    "write a link, [words](file.qmd#label)",
                    name,
                )
            else:
                result += [*tree.text(", "), {"t": "Space"}] if result else []
                result.append(_reference(citation, label, targets[label], page))
        return result

    page.blocks = transform(page.blocks, visit)
    page.title = page.blocks[0]["c"][2]
    return faults


def _reference(citation, label, target, page):
    word = dialect.KINDS.get(target.kind) or ("Appendix" if target.number.isalpha() else "Chapter")
    prefix = citation["citationPrefix"]
    lead = (
        []
        if citation["citationMode"]["t"] == "SuppressAuthor"
        else ([*prefix, {"t": "Str", "c": "\u00a0"}] if prefix else [{"t": "Str", "c": word + "\u00a0"}])
    )
    words = [*lead, {"t": "Str", "c": target.number}]
    words += [{"t": "Space"}, *citation["citationSuffix"]] if citation["citationSuffix"] else []
    return tree.link(words, f"bk:{target.page}#{label}", "quarto-xref")


def _check_links(page, pages, targets, book):
    """Links and pictures: `bk:page#identifier` for the book's own pages, files of the project must exist."""
    faults = []
    paths = {other.chapter.path.as_posix(): other for other in pages}
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
            known = {item["c"][1][0] for item in nodes(other.blocks) if item["t"] == "Header"} | {
                label for label, target in targets.items() if target.page == other.path
            }
            if fragment and fragment not in known:
                fault = f"link to {url}: no such place in the chapter"
            node["c"][2][0] = f"bk:{other.path}#{fragment}"
        elif not (book.root / local).is_file():
            fault = f"{'picture' if is_picture else 'link'} {url}: no such file"
        else:
            page.files.add(local.as_posix())
            if is_picture:
                node["c"][0][2].append(["data-asset", local.as_posix()])
        if fault:
            faults.append(BookError(fault, page.chapter.path, page.chapter.find_line(url.removeprefix(page.path))))
    return faults


def _check_references_page(pages):
    """Citations need the place where the bibliography is printed, once."""
    places = [page for page in pages for node in nodes(page.blocks) if is_div(node) and node["c"][0][0] == "refs"]
    cited = [page for page in pages if any(node["t"] == "Cite" for node in nodes(page.blocks))]
    if len(places) > 1:
        return [BookError("a second '::: {#refs}'; the book has one bibliography", places[1].chapter.path, 1)]
    if cited and not places:
        message = "citations, but no chapter prints the bibliography: '::: {#refs}' ':::'"
        return [BookError(message, cited[0].chapter.path, 1)]
    return []


def _cite(book, pages):
    """Citations and the bibliography for the whole book at once, so that "2015a" means the same everywhere.

    Only the paragraphs that cite are sent to pandoc, which takes seconds for a whole book.
    """
    arguments = [f"--bibliography={book.root / name}" for name in book.bibliography]
    if not arguments:
        return
    if book.csl:
        arguments.append(f"--csl={book.root / book.csl}")
    citing, place = [], None
    for page in pages:
        for node in _citing(page.blocks):
            citing.append(node)
            place = page.path if is_div(node) else place
    meta = {"link-citations": {"t": "MetaBool", "c": True}, "lang": {"t": "MetaString", "c": book.lang}}
    words = tree.pandoc(tree.document(citing, meta), "-f", "json", "-t", "json", "--citeproc", *arguments)
    for node, done in zip(citing, json.loads(words)["blocks"], strict=True):
        node["c"] = done["c"]
        for link in nodes(node):
            if link["t"] == "Link" and link["c"][2][0].startswith("#ref-"):
                link["c"][2][0] = f"bk:{place}{link['c'][2][0]}"
    for page in pages:
        page.title = page.blocks[0]["c"][2]


def _citing(node):
    """The paragraphs and headings that hold a citation, and the place of the bibliography."""
    if isinstance(node, list):
        for item in node:
            yield from _citing(item)
    elif isinstance(node, dict):
        if node.get("t") in ("Para", "Plain", "Header"):
            if any(inner["t"] == "Cite" for inner in nodes(node["c"])):
                yield node
        elif "t" in node and is_div(node) and node["c"][0][0] == "refs":
            yield node
        else:
            for value in node.values():
                yield from _citing(value)


def lower_block(node, writers, form):
    """What stands for a block in a format, "html" or "pdf": `writers` name the classes ``bk-…``; None to keep it."""
    for name, write in writers.items():
        if is_div(node, name):
            return write(node)
    for name in ("content-visible", "content-hidden"):
        if is_div(node, name):
            values = attributes(node)
            inside = values["when-format"] == form if "when-format" in values else values.get("unless-format") != form
            return node["c"][1] if inside == (name == "content-visible") else []
    return None


def write_page(page, blocks, *arguments):
    """Write a page's blocks with pandoc; a formula that pandoc cannot read is named with its line."""
    try:
        return tree.write(blocks, *arguments)
    except BookError as error:
        formula = re.search(r"TeX math\s+(.*?)\s*,? rendering", error.message, re.DOTALL)
        words = formula[1].split("\n")[0] if formula else None
        line = next(
            (number for number, text in enumerate(page.chapter.text.split("\n"), 1) if words and words in text), None
        )
        raise BookError(error.message, page.chapter.path, line) from None


def relative(path, page):
    """A path within the book, relative to the page's folder.

    Examples
    --------
    >>> relative("chapters/b.html", "chapters/a.html"), relative("index.html", "chapters/a.html")
    ('b.html', '../index.html')
    """
    return posixpath.relpath(path, posixpath.dirname(page) or ".")
