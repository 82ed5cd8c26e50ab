"""Write the document tree as one PDF with typst, which is a wheel: no LaTeX, no system package."""

import re
from pathlib import Path

from bookkit import asset, tree
from bookkit.document import contents, float_of, identifier_of, lower_block, lower_link, template, titled, write_page
from bookkit.errors import BookError
from bookkit.folders import temporary_folder
from bookkit.tables import WHOLE, column_lengths, column_widths, rows_of, set_widths, shares
from bookkit.tree import attributes, div, is_div, nodes, raw, transform, wrap

#: Width of the text in points: A4 less the margins, upright and turned.
_UPRIGHT, _TURNED = 470, 717
#: Share of its drawn size that a picture has, and the height in points that it may have: the text's, less a caption.
_SHOWN, _TALLEST = 0.9, 630
#: Rows, and letters in them, up to which a table is not broken over two pages.
WHOLE_ROWS, WHOLE_LETTERS = 20, 2_400
_HEADS = ("Strong", "Strong"), ("Strong", "Code")  # a paragraph that heads a list or table begins and ends so
_TABLE_SIZES, _PADDING = (9, 8.75, 8.5, 8, 7.5, 7, 6.5), 9


def write_pdf(book, pages, path):
    """Write the pages of a book as one PDF, or one page without cover and contents; a BookError if typst refuses."""
    import typst

    faces = [str(book.root / name) for name in book.font_paths]
    with temporary_folder() as folder:
        (folder / "main.typ").write_text(_source(book, pages, folder), encoding="utf-8")
        (folder / "book.typ").write_text(asset("book.typ"), encoding="utf-8")
        try:
            typst.compile(str(folder / "main.typ"), output=str(path), root=str(folder), font_paths=faces)
        except RuntimeError as error:
            raise BookError(f"typst: {error}") from None
    pack(path)


def pack(path):
    """Put the objects of a PDF together: typst writes every tag as one of its own, which are half of the file."""
    import pikepdf

    with pikepdf.open(path, allow_overwriting_input=True) as made:
        made.save(object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True, deterministic_id=True)


def _source(book, pages, folder):
    by_path, written = {page.path: page for page in pages}, {}
    for page in pages:
        page.store(book.root, folder)
        blocks = transform(_kept_with(page.blocks), lambda node, page=page: _lower(node, page, by_path))
        written[page.path] = write_page(page, blocks, "-t", "typst-citations", "--syntax-highlighting=idiomatic")
    values = {"book": book, "contents": contents(book, pages), "written": written, "string": _string, "whole": WHOLE}
    values |= {"alone": len(pages) == 1 < len(book.chapters), "has_parts": any(entry.part for entry in book.entries)}
    pictures = [name for name in pages[0].assets if name.endswith(".svg") and not name.endswith("-narrow.svg")]
    values["cover"] = pictures[0] if pictures and values["has_parts"] else ""
    values["lang"] = ((len(pages) == 1 and pages[0].lang) or book.lang)[:2]
    return template("main.typ").render(values)


def _kept_with(blocks):
    """Blocks of a page; the limits before its key takeaways stay with them, so that no page holds these alone."""
    if len(blocks) > 1 and is_div(blocks[-1], "bk-callout") and blocks[-2]["t"] in ("Para", "BulletList"):
        return [*blocks[:-2], *wrap("typst", "#block(sticky: true)[", blocks[-2:-1], "]"), blocks[-1]]
    return blocks


def _string(words):
    return '"' + str(words).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lower(node, page, by_path):
    """Turn what :mod:`bookkit.document` made into typst; called from the leaves up."""
    kind = node["t"]
    if kind == "Div":
        lowered = lower_block(node, _DIVS)
        if lowered is not None:
            return lowered
        if node["c"][0][0] == "refs":
            return wrap("typst", "#columned[", node["c"][1], "]")
        if node["c"][0][0]:
            node["c"][0][0] = identifier_of(page, node["c"][0][0])
    elif kind == "Para" and tree.plain(node["c"][:1]) == "The answer first." and not page.entry.appendix:
        return wrap("typst", "#answer[", [node], "]")
    elif kind == "Para" and (tree.plain(node["c"]).endswith(":") or (node["c"][0]["t"], node["c"][-1]["t"]) in _HEADS):
        return wrap("typst", "#block(sticky: true)[", [node], "]")
    elif kind == "Header":
        return [_heading(node, page)]
    elif kind == "Link":
        return lower_link(node, by_path)
    elif kind == "Image":
        return [_picture(node, page)]
    elif kind == "Table":
        return _table(node, _TABLE_SIZES[2 if page.entry.appendix else 0 :])
    return None


def _heading(node, page):
    depth = 1 if page.entry.heading else 0
    level, (identifier, _, values), inlines = node["c"]
    number = dict(values).get("number")
    kind = {1: "appendix" if page.entry.appendix else "chapter", 2: "section"}.get(level, "subsection")
    opening = f'#heading-of("{kind}", {level + depth}, {_string(number) if number else "none"})['
    closing = f"] <{identifier_of(page, identifier)}>" if identifier else "]"
    return {"t": "Plain", "c": [raw("typst", opening, True), *inlines, raw("typst", closing, True)]}


def _picture(node, page):
    """A picture no wider than the text; one that would not stand on a page beside its caption is refused."""
    values, url = attributes(node), node["c"][2][0]
    width, name = values.get("width", ""), values.get("data-asset", url)
    size = width if re.fullmatch(r"[\d.]+(%|in|cm|mm)", width) else "auto"
    if re.fullmatch(r"\d+(\.\d+)?(px)?", width):
        points = float(width.removesuffix("px")) * 0.75 * _SHOWN
        shown = min(points, _UPRIGHT)
        high = float(values.get("height", "0").removesuffix("px")) * 0.75 * _SHOWN * shown / points
        if high > _TALLEST * 1.25:
            words = f"{Path(name).stem} is {high:.0f} points high in the PDF, where {_TALLEST} are; draw it lower"
            raise BookError(words, page.chapter.path)
        size = f"{shown * min(1, _TALLEST / max(high, 1)):.0f}pt"
    alt = values.get("alt") or tree.plain(node["c"][1])
    return raw("typst", f"#image({_string('/' + name)}, width: {size}, alt: {_string(alt)})", True)


def _float(node):
    kind, name, inlines, content = float_of(node)
    if name:
        inlines = [raw("typst", f"#label-of[{name}:] ", True), *inlines]
    label = f", label: <{node['c'][0][0]}>" if node["c"][0][0] else ""
    opening = f'#float(kind: "{kind}"{label}'
    head = [raw("typst", f"{opening})[")]
    if inlines:
        head = wrap("typst", f"{opening}, caption: [", [{"t": "Plain", "c": inlines}], "])[")
    parts = [*head, *content, raw("typst", "]")]
    turned = any(is_div(item, "bk-turned") for item in nodes(content))
    return wrap("typst", "#landscape[", parts, "]") if turned else parts


def _callout(node):
    title, body = titled(node)
    head = wrap("typst", f'#callout("{attributes(node)["kind"]}", [', [{"t": "Plain", "c": title}], "])[")
    return [*head, *body, raw("typst", "]")]


def _equation(node):
    return wrap("typst", f'#numbered("{attributes(node)["number"]}")[', node["c"][1], f"] <{node['c'][0][0]}>")


_DIVS = {
    "bk-float": _float,
    "doors": lambda node: [],  # ways into the web edition; a PDF has its contents
    "findings": lambda node: wrap("typst", "#sized(9pt, false)[", node["c"][1], "]"),
    "bk-callout": _callout,
    "bk-code": lambda node: [],  # the code is read and copied on the web
    "bk-equation": _equation,
    "bk-text": lambda node: wrap("typst", "#output[", node["c"][1], "]"),
    "bk-html": lambda node: node["c"][1][1]["c"][1] or [raw("typst", "#interactive")],
    "csl-entry": lambda node: wrap("typst", "#entry[", node["c"][1], f"] <{node['c'][0][0]}>"),
}


# -- tables: they must not run out of the page ----------------------------------------------------------------------


def _table(node, sizes):
    """Give a table the largest type in which it fits; text columns share the room that is left by how much they say."""
    longest, least = column_widths(node)
    fits = (
        (turned, size, room)
        for turned, room in ((False, _UPRIGHT), (True, _TURNED))
        for size in sizes
        if sum(least) * size + _PADDING * len(least) <= room
    )
    turned, size, room = next(fits, (True, sizes[-1], _TURNED))
    widths = None
    if sum(longest) * size + _PADDING * len(least) > room:
        widths = [share * 0.999 for share in shares(least, column_lengths(node), room / size, _PADDING / size)]
    set_widths(node, widths)
    rows = list(rows_of(node))
    whole = len(rows) <= WHOLE_ROWS and sum(len(cell) for row in rows for cell in row) <= WHOLE_LETTERS
    torn = max((len(cell) for row in rows for cell in row), default=0) > WHOLE_LETTERS
    opening = raw("typst", f"#sized({size}pt, {str(whole).lower()}, rows: {str(not torn).lower()})[")
    return [div([opening, node, raw("typst", "]")], *["bk-turned"] * turned)]
