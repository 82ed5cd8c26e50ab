"""Write the document tree as one Word file with pandoc: headings, tables and figures, for who must write into it.

Figures are pictures of points (PNG), since Word before 2019 shows no others; typst draws them. No day is in the file.
"""

import re
import zipfile

from bookkit import tree
from bookkit.document import float_of, identifier_of, lower_block, lower_link, titled
from bookkit.folders import temporary_folder
from bookkit.tables import column_widths, set_widths, shares
from bookkit.tree import attributes, is_div, raw, transform

_BREAK = raw("openxml", '<w:p><w:r><w:br w:type="page"/></w:r></w:p>')
#: in points: width of the text, letters of tables in a wide face, what a cell keeps free; pandoc's style of tables; A4
_ROOM, _EM, _PADDING = 480, 9.0, 12.0
_SMALL = rb'(?s)(<w:style [^>]*w:styleId="Table".*?)(?=<w:tblPr>)', rb'\1<w:rPr><w:sz w:val="15"/></w:rPr>'
_PAPER = b'<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134"/>'


def write_docx(book, pages, path):
    """Write the pages of a book as one Word file; a BookError with pandoc's own words if that fails."""
    with temporary_folder() as folder:
        by_path = {page.path: page for page in pages}
        blocks = []
        for page in pages:
            page.store(book.root, folder)
            blocks += [_BREAK, *transform(page.blocks, lambda node, page=page: _lower(node, page, by_path))]
        _draw(book, folder)
        meta = {"title": book.title, "subtitle": book.subtitle, "author": ", ".join(book.authors), "lang": book.lang}
        plain = {key: {"t": "MetaString", "c": words} for key, words in meta.items() if words}
        options = ["--toc", "--toc-depth=2", f"--resource-path={folder}", "-o", str(path.resolve())]
        tree.pandoc(tree.document(blocks, plain), "-f", "json", "-t", "docx", *options)
    with zipfile.ZipFile(path) as made:
        both = ((part, re.sub(*_SMALL, made.read(part))) for part in made.infolist())
        parts = [(part, re.sub(b"(?=</w:sectPr>)", _PAPER, data)) for part, data in both]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for part, data in parts:
            made.writestr(part, data)


def _draw(book, folder):
    """A PNG beside every drawing."""
    import typst

    if not (drawings := sorted(folder.rglob("*.svg"))):
        return
    lines = ["#set page(width: auto, height: auto, margin: 0pt)"]
    lines += [f'#image("/{drawing.relative_to(folder).as_posix()}")\n#pagebreak(weak: true)' for drawing in drawings]
    (folder / "drawings.typ").write_text("\n".join(lines), encoding="utf-8")
    faces = [str(book.root / name) for name in book.font_paths]
    made = typst.compile(str(folder / "drawings.typ"), root=str(folder), font_paths=faces, format="png", ppi=160.0)
    for drawing, data in zip(drawings, made if isinstance(made, list) else [made], strict=True):
        drawing.with_suffix(".png").write_bytes(data)


def _lower(node, page, by_path):
    """Turn what :mod:`bookkit.document` made into what Word has; called from the leaves up."""
    kind = node["t"]
    if kind == "Div":
        return lower_block(node, _DIVS)
    if kind == "Header":
        level, (identifier, _, values), inlines = node["c"]
        number = dict(values).get("number")
        lead = [{"t": "Str", "c": number}, {"t": "Space"}] if number else []
        return [{"t": "Header", "c": [level, [identifier_of(page, identifier), [], []], [*lead, *inlines]]}]
    if kind == "Link":
        return lower_link(node, by_path)
    if kind == "Image":
        values = attributes(node)
        name, width = values.get("data-asset", node["c"][2][0]), values.get("width", "")
        points = float(width.removesuffix("px")) * 0.75 if re.fullmatch(r"[\d.]+(px)?", width) else _ROOM
        alt = tree.text(values.get("alt") or tree.plain(node["c"][1]))
        keep = [["width", f"{min(points, _ROOM) / 72:.2f}in"]]
        return [{"t": "Image", "c": [["", [], keep], alt, [re.sub(r"\.svg$", ".png", name), ""]]}]
    if kind == "Table":
        longest, least = column_widths(node)
        widths = [((each + 1) * _EM + _PADDING) / _ROOM for each in longest]  # without any, all are of one width
        set_widths(node, shares(least, longest, _ROOM / _EM, _PADDING / _EM) if sum(widths) > 1 else widths)
    return None


def _float(node):
    kind, name, inlines, content = float_of(node)
    if name:
        inlines = [{"t": "Strong", "c": tree.text(f"{name}:")}, {"t": "Space"}, *inlines]
    line = {"t": "Para", "c": inlines}
    return [{"t": "Div", "c": [[node["c"][0][0], [], []], [line, *content] if kind == "tbl" else [*content, line]]}]


_DIVS = {
    "bk-float": _float,
    "bk-callout": lambda node: [{"t": "Para", "c": [{"t": "Strong", "c": titled(node)[0]}]}, *titled(node)[1]],
    "bk-code": lambda node: [],
    "bk-equation": lambda node: node["c"][1],
    "bk-text": lambda node: node["c"][1],
    "bk-html": lambda node: next((part["c"][1] for part in node["c"][1] if is_div(part, "bk-fallback")), []),
}
