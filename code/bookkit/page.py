"""One chapter and its results as a tree of blocks, still without a format and without numbers.

The chapter's prose and outputs are put together as Markdown and read by pandoc; its figures, tables, equations,
callouts become blocks of classes ``bk-…`` that :mod:`bookkit.html` and :mod:`bookkit.pdf` write out.
"""

import ast
import base64
import re
from dataclasses import dataclass, field

from bookkit import tree
from bookkit.chapters import Cell
from bookkit.errors import BookError, BookErrors
from bookkit.tree import attributes, div, is_div, nodes, transform

_FENCE = ":" * 24
#: MIME type of a picture drawn once more for a narrow screen.
NARROW = "application/vnd.book.narrow+svg"
_IMAGES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
#: Kind of node -> attributes that it may carry, and its name.
_ATTRIBUTES = {
    "Image": ("alt width height data-asset data-numbers data-narrow".split(), "picture"),
    "CodeBlock": ((), "code"),
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>$@~^#|])")


@dataclass
class Page:
    """A chapter on its way to a page."""

    chapter: object
    blocks: list  # its tree
    entry: object  # its line of the contents (bookkit.config.Entry)
    number: str | None = None  # "2", "A", or None for a chapter without number
    title: list = field(default_factory=list)  # inlines
    assets: dict = field(default_factory=dict)  # from path within the book to the bytes of an image that a cell made
    files: set = field(default_factory=set)  # of the project, that the page links to or shows
    sections: list = field(default_factory=list)  # (level, number, inlines, identifier), from level 2 on
    targets: dict = field(default_factory=dict)  # label -> what references and links to it point to

    @property
    def path(self):
        """The HTML file, relative to the book."""
        return self.chapter.path.with_suffix(".html").as_posix()

    @property
    def pdf(self):
        """Its own PDF, relative to the book; "" for most chapters, which are in the book's only."""
        return self.chapter.path.with_suffix(".pdf").as_posix() if self.chapter.header.get("alone") else ""

    @property
    def lang(self):
        """Its language where it is not that of the book, else ""."""
        return str(self.chapter.header.get("lang") or "")

    @property
    def identifier(self):
        """Identifier of the chapter's heading."""
        return self.blocks[0]["c"][1][0]

    def store(self, root, folder):
        """Put the pictures and files that the page shows into the folder of the book; `root` is the project."""
        files = {name: (root / name).read_bytes() for name in self.files}
        for name, data in (self.assets | files).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def make_page(book, chapter, result, entry):
    """The page of a chapter; of one that has not run (`result` is None) as far as its text tells.

    BookErrors names every fault found in the chapter and its results.
    """
    maker = _Maker(book, chapter, result, entry)
    maker.make()
    if maker.faults:
        raise BookErrors(maker.faults)
    return maker.page


class _Maker:
    """Makes one page; `faults` collects what is wrong."""

    def __init__(self, book, chapter, result, entry):
        self.book, self.chapter, self.has_run, self.faults = book, chapter, result is not None, []
        blank = {"cells": [None] * len(chapter.cells), "inlines": [{"text/plain": "0"}] * len(chapter.inlines)}
        self.result, self.page = result or blank, Page(chapter, [], entry)

    def fault(self, message, line):
        self.faults.append(BookError(message, self.chapter.path, line))

    def make(self):
        words = self._compose()
        try:
            blocks = tree.read_markdown(words)
        except BookError as error:
            self.fault(error.message, self._culprit())
        if self.faults:
            return
        lost = set(range(len(self.chapter.cells)))

        def cells(node):
            if not is_div(node, "bk-cell"):
                return None
            index = int(attributes(node)["cell"])
            lost.discard(index)
            return self._cell(index, node["c"][1])

        blocks = transform(blocks, cells)
        for cell in (self.chapter.cells[index] for index in sorted(lost)):
            words = "is lost: a ::: block or code fence before it, or in an output, is not closed"
            self.fault(f"{cell.name} {words}", cell.line)
        self.page.blocks = transform(blocks, self._block)
        self._check(self.page.blocks)
        if not self.faults and (not self.page.blocks or self.page.blocks[0]["t"] != "Header"):
            self.fault("the chapter's heading must come first", 1)

    # -- Markdown

    def _compose(self):
        """The chapter as Markdown: inline values in place, a block of class ``bk-cell`` for every cell."""
        values = iter(zip(self.chapter.inlines, self.result["inlines"], strict=True))
        parts, index = [], -1
        for block in self.chapter.blocks:
            if not isinstance(block, Cell):
                parts.append(block.replace_inlines([self._inline(*next(values)) for _ in block.inlines]))
                continue
            index += 1
            inner = []
            for number, output in enumerate(self.result["cells"][index] or []):
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

    def _culprit(self):
        """Line of the cell whose output alone is Markdown that pandoc complains about, if one is."""
        for cell, outputs in zip(self.chapter.cells, self.result["cells"], strict=True):
            words = [output.get("data", {}).get("text/markdown") or output.get("text", "") for output in outputs or []]
            try:
                list(map(tree.read_markdown, map(_joined, words)))
            except BookError:
                return cell.line
        return None

    def _inline(self, inline, data):
        """An inline value as Markdown."""
        if "text/markdown" in data:
            return _joined(data["text/markdown"]).strip()
        words = _joined(data.get("text/plain", ""))
        if "text/html" in data:
            self.fault(f"{inline.name} shows HTML; give a number, text or Markdown", inline.line)
        elif re.match(r"np\.\w+\(|<|array\(", words):
            self.fault(f"{inline.name} shows {words}; format it for print", inline.line)
        elif re.match(r"""['"]""", words):
            return _SPECIAL.sub(r"\\\1", ast.literal_eval(words))
        return words

    # -- cells

    def _cell(self, index, inner):
        """What a cell shows: its code, and its outputs as figure, table or as they are."""
        cell, outputs, defaults = self.chapter.cells[index], self.result["cells"][index] or [], self.book.execute
        kind = cell.kind
        if not cell.option("include", defaults, True):
            if kind:
                self.fault(f"{cell.name} is hidden (include: false), so its figure or table is missing", cell.line)
            return []
        shown = []
        if cell.option("echo", defaults, True) and cell.source:
            fold = cell.option("code-fold", self.book.html, False)
            summary = cell.option("code-summary", self.book.html, "Code")
            shown.append(div([tree.code(cell.source, "python")], "bk-code", fold=str(fold).lower(), summary=summary))
        markdown = {int(attributes(node)["output"]): node["c"][1] for node in inner if is_div(node, "bk-md")}
        caption = next((node["c"][1] for node in inner if is_div(node, "bk-caption")), [])
        body, name = [], cell.label or f"cell-{index + 1}"
        for number, output in enumerate(outputs if cell.option("output", defaults, True) else []):
            body += self._output(cell, f"{name}-{number + 1}", output, markdown.get(number))
        if not kind:
            return shown + body
        pictures = [node for node in nodes(body) if node["t"] == "Image" or is_div(node, "bk-html")]
        if self.has_run and kind == "fig" and not pictures:
            self.fault(f"{cell.name} shows no figure", cell.line)
        if self.has_run and kind == "tbl" and not any(node["t"] == "Table" for node in nodes(body)):
            self.fault(f"{cell.name} shows no table", cell.line)
        words = [node for node in body if kind == "fig" and is_div(node, "bk-text")]
        body = [node for node in body if node not in words]
        return [*shown, *([div(words)] if words else []), _float(kind, cell.label, body, caption)]

    def _output(self, cell, name, output, markdown):
        """One output of a cell as blocks; `name` is that of its picture."""
        kind, data = output["output_type"], output.get("data", {})
        if kind == "error":
            return [div([tree.code(f"{output['ename']}: {output['evalue']}", "error")], "bk-text")]
        if kind == "stream" and markdown is None:
            if output["name"] == "stderr" and not cell.option("warning", self.book.execute, True):
                return []
            words = re.sub(r"\x1b\[[0-9;]*m", "", _joined(output["text"])).rstrip("\n")
            return [div([tree.code(words, output["name"])], "bk-text")] if words else []
        form = next((form for form in _IMAGES if data.get(form)), None)
        if markdown is None and form:
            markdown = [self._image(cell, name, output, form)]
        if "text/html" in data:
            html = _joined(data["text/html"])
            if 'class="dataframe"' in html:
                self.fault(f"{cell.name} shows a bare DataFrame; show it as a Markdown table", cell.line)
            return [div([tree.raw("html", html), div(markdown or [], "bk-fallback")], "bk-html")]
        if markdown is not None:
            return markdown
        words = _joined(data.get("text/plain", ""))
        if not words or re.match(r"^\[?<[\w.]*\b(matplotlib|Axes|Figure|seaborn)|^Text\(", words):
            return []
        return [div([tree.code(words, "value")], "bk-text")]

    def _image(self, cell, name, output, form):
        """A picture that a cell made: stored as an asset, shown by a path relative to the page."""
        path = self.chapter.path
        data = _undated(output["data"][form])
        name = f"{path.stem}_files/{name}.{_IMAGES[form]}"
        asset = (path.parent / name).as_posix()
        numbers = _joined(output["data"].get("text/csv", ""))
        if numbers:
            self.page.assets[asset.rsplit(".", 1)[0] + ".csv"] = numbers.encode()
        narrow = _undated(output["data"].get(NARROW, ""))
        if narrow:
            self.page.assets[narrow_of(asset)] = narrow.encode()
        self.page.assets[asset] = data.encode() if form == "image/svg+xml" else base64.b64decode(data)
        size = (output.get("metadata") or {}).get(form) or {}
        points = re.search(r'<svg[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"', data)
        if points:
            size = {"width": round(float(points[1]) * 4 / 3), "height": round(float(points[2]) * 4 / 3)}
        values = {"alt": cell.options.get("fig-alt") or cell.options.get("fig-cap") or "", "data-asset": asset}
        values |= ({"data-numbers": "csv"} if numbers else {}) | ({"data-narrow": "svg"} if narrow else {})
        values |= {key: str(size[key]) for key in ("width", "height") if size.get("width") and size.get(key)}
        return {"t": "Para", "c": [{"t": "Image", "c": [["", [], list(map(list, values.items()))], [], [name, ""]]}]}

    # -- blocks of the dialect that pandoc does not know

    def _block(self, node):
        """Called from the leaves up."""
        kind = node["t"]
        if kind == "Div" and (callout := next((name[8:] for name in node["c"][0][1] if name[:8] == "callout-"), None)):
            return [_callout(callout, attributes(node), node["c"][1])]
        if kind == "Figure":
            (identifier, _, _), caption, content = node["c"]
            is_figure = identifier.startswith("fig-")
            return [_float("fig" if is_figure else "none", identifier if is_figure else "", content, caption[1])]
        if kind == "Table" and node["c"][0][0].startswith("tbl-"):
            identifier, caption = node["c"][0][0], node["c"][1][1]
            node["c"][0], node["c"][1] = ["", [], []], [None, []]
            return [_float("tbl", identifier, [node], caption)]
        if kind in ("Para", "Plain"):
            return _equations(node)
        if kind == "Image":
            node["c"][0][2] = [["alt" if key == "fig-alt" else key, value] for key, value in node["c"][0][2]]
        return None

    def _check(self, blocks):
        """What the source check cannot see: raw text, classes and attributes of spans, pictures, headings."""
        generated = {id(inner) for node in nodes(blocks) if is_div(node, "bk-html") for inner in nodes(node)}

        # a ::: in a cell of a table is text: what closes a block begins a line
        cells = {id(inner) for node in nodes(blocks) if node["t"] == "Table" for inner in nodes(node)}

        for node in nodes(blocks):
            kind, found = node["t"], []  # what is outside, and the words that tell the line
            if id(node) in generated:
                continue
            if kind == "Str" and node["c"].startswith(":::") and id(node) not in cells:
                self.fault("a cell's output closes a ::: block that it did not open", 1)
            elif kind in ("RawBlock", "RawInline"):
                first = node["c"][1].strip().split("\n")[0]
                found = [(f"raw {node['c'][0]} ({first})", first)]
            elif kind == "Span":
                names = node["c"][0][1] or list(set(attributes(node)) - {"lang"})
                found = [(f"span with '{name}'", name) for name in names[:1]]
            elif kind == "Header":
                names = set(node["c"][1][1]) - {"unnumbered", "unlisted"}
                found = [(f"heading class '.{name}'", "." + name) for name in names]
            elif kind in _ATTRIBUTES:
                names, what = _ATTRIBUTES[kind]
                found = [(f"{what} attribute '{name}'", name + "=") for name in set(attributes(node)) - set(names)]
            for what, words in found:
                self.fault(f"{what} is outside the dialect", self.chapter.find_line(words))


def narrow_of(asset):
    """Where the drawing of a picture for a narrow screen lies."""
    return asset.removesuffix(".svg") + "-narrow.svg"


def _undated(words):
    """A picture without the day on which it was drawn, so that two builds are alike."""
    return re.sub(r"\s*<metadata>.*?</metadata>", "", _joined(words), flags=re.DOTALL)


def _joined(words):
    return "".join(words) if isinstance(words, list) else words


def _float(kind, label, body, caption):
    inlines = [node for block in caption if block["t"] in ("Para", "Plain") for node in block["c"]]
    inner = [div(body, "bk-body"), div([{"t": "Plain", "c": inlines}], "bk-caption")]
    return div(inner, "bk-float", identifier=label, kind=kind)


def _callout(kind, values, content):
    title = []
    if content and content[0]["t"] == "Header":
        title, content = content[0]["c"][2], content[1:]
    if "title" in values:
        title = [node for block in tree.read_markdown(values["title"]) for node in block["c"]]
    title = {"t": "Plain", "c": title or tree.text(kind.capitalize())}
    inner = [div([title], "bk-title"), div(content, "bk-body")]
    return div(inner, "bk-callout", kind=kind, collapse=values.get("collapse", ""))


def _equations(node):
    """Take displayed formulas with a label, written behind them as a word, out of their paragraph."""
    result, rest, label = [], [], None
    inlines = node["c"]
    for index, item in enumerate(inlines):
        if label:  # blanks, and the word itself
            if item["t"] == "Str":
                rest, label = [{"t": "Str", "c": label[2]}] if label[2] else [], None
            continue
        if item["t"] == "Math" and item["c"][0]["t"] == "DisplayMath":
            after = next((word for word in inlines[index + 1 :] if _is_word(word)), {})
            label = after.get("t") == "Str" and re.match(r"^\{#(eq-[\w.-]+)\}(.*)$", after["c"])
        if label:
            result += [{"t": node["t"], "c": rest}] if any(map(_is_word, rest)) else []
            result.append(div([{"t": "Para", "c": [item]}], "bk-equation", identifier=label[1]))
        else:
            rest.append(item)
    if not result:
        return None
    return result + ([{"t": node["t"], "c": rest}] if any(map(_is_word, rest)) else [])


def _is_word(node):
    return node["t"] not in ("Space", "SoftBreak")
