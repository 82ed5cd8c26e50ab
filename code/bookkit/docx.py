"""Write the document tree as one Word file with pandoc: headings, tables and figures, for who must write into it.

Figures are pictures of points (PNG), since Word before 2019 shows no others; typst draws them. The file holds no day,
so that the same book gives the same bytes.
"""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from bookkit import tree
from bookkit.document import lower_block
from bookkit.errors import BookError
from bookkit.tables import column_widths, set_widths
from bookkit.tree import attributes, is_div, raw, transform

_BREAK = raw("openxml", '<w:p><w:r><w:br w:type="page"/></w:r></w:p>')
#: width of the text in points, and of a letter
_ROOM, _EM = 450, 9.0
#: the day that every file claims: 1 January 2000
_DAY = "946684800"


def write_docx(book, pages, path):
    """Write the pages of a book as one Word file; a BookError with pandoc's own words if that fails."""
    with tempfile.TemporaryDirectory(prefix="bookkit-docx-") as name:
        folder = Path(name)
        by_path = {page.chapter.path.with_suffix("").as_posix(): page for page in pages}
        blocks = []
        for page in pages:
            page.store(book.root, folder)
            copied = json.loads(json.dumps(page.blocks))
            blocks += [_BREAK, *transform(copied, lambda node, page=page: _lower(node, page, by_path))]
        _draw(book, folder)
        meta = {"title": book.title, "subtitle": book.subtitle, "author": ", ".join(book.authors), "lang": book.lang}
        plain = {key: {"t": "MetaString", "c": words} for key, words in meta.items() if words}
        command = [tree.pandoc_path(), "-f", "json", "-t", "docx", "--toc", "--toc-depth=2", "-o", str(path.resolve())]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _DAY}
        done = subprocess.run(
            command, input=tree.document(blocks, plain), capture_output=True, text=True, cwd=folder, env=environment
        )
        if done.returncode:
            raise BookError(f"pandoc: {done.stderr.strip()}")


def _draw(book, folder):
    """A PNG beside every drawing."""
    import typst

    drawings = sorted(folder.rglob("*.svg"))
    if not drawings:
        return
    lines = ["#set page(width: auto, height: auto, margin: 0pt)"]
    lines += [f'#image("/{drawing.relative_to(folder).as_posix()}")\n#pagebreak(weak: true)' for drawing in drawings]
    (folder / "drawings.typ").write_text("\n".join(lines), encoding="utf-8")
    faces = [str(book.root / name) for name in book.font_paths]
    made = typst.compile(str(folder / "drawings.typ"), root=str(folder), font_paths=faces, format="png", ppi=160.0)
    for drawing, data in zip(drawings, made if isinstance(made, list) else [made], strict=True):
        drawing.with_suffix(".png").write_bytes(data)


def _identifier(page, identifier):
    """Identifiers that pandoc made are not unique across chapters."""
    return identifier if re.match(r"(sec|fig|tbl|eq|ref)-", identifier) else f"{page.chapter.path.stem}--{identifier}"


def _lower(node, page, by_path):
    """Turn what :mod:`bookkit.document` made into what Word has; called from the leaves up."""
    kind = node["t"]
    if kind == "Div":
        return lower_block(node, _DIVS, "docx")
    if kind == "Header":
        level, (identifier, _, values), inlines = node["c"]
        number = dict(values).get("number")
        lead = [{"t": "Str", "c": number}, {"t": "Space"}] if number else []
        return [{"t": "Header", "c": [level, [_identifier(page, identifier), [], []], [*lead, *inlines]]}]
    if kind == "Link":
        url = node["c"][2][0]
        if url.startswith("bk:"):
            target, _, fragment = url[3:].partition("#")
            other = by_path[target.removesuffix(".html")]
            node["c"][2][0] = "#" + _identifier(other, fragment or other.identifier)
        elif not re.match(r"[a-z]+:", url):
            return node["c"][1]
    elif kind == "Image":
        values = attributes(node)
        name, width = values.get("data-asset", node["c"][2][0]), values.get("width", "")
        points = float(width.removesuffix("px")) * 0.75 if re.fullmatch(r"[\d.]+(px)?", width) else _ROOM
        alt = tree.text(values.get("alt") or tree.plain(node["c"][1]))
        keep = [["width", f"{min(points, _ROOM) / 72:.2f}in"]]
        return [{"t": "Image", "c": [["", [], keep], alt, [re.sub(r"\.svg$", ".png", name), ""]]}]
    elif kind == "Table":
        return _table(node)
    return None


def _table(node):
    longest, least = column_widths(node)
    if sum(longest) * _EM <= _ROOM:
        set_widths(node)
        return None
    spare = max(_ROOM / _EM - sum(least), 0)
    wish = [long - short for long, short in zip(longest, least, strict=True)]
    widths = [short + spare * more / (sum(wish) or 1) for short, more in zip(least, wish, strict=True)]
    set_widths(node, [round(width / sum(widths), 4) for width in widths])
    return None


def _float(node):
    values, (body, caption) = attributes(node), node["c"][1]
    inlines = caption["c"][1][0]["c"] if caption["c"][1] else []
    word = {"fig": "Figure", "tbl": "Table"}.get(values["kind"], "")
    lead = (
        [{"t": "Strong", "c": tree.text(f"{word} {values['number']}:")}, {"t": "Space"}] if values.get("number") else []
    )
    line = {"t": "Para", "c": [*lead, *inlines]}
    content = [line, *body["c"][1]] if values["kind"] == "tbl" else [*body["c"][1], line]
    return [{"t": "Div", "c": [[node["c"][0][0], [], []], content]}]


def _callout(node):
    title, body = node["c"][1]
    head = {"t": "Para", "c": [{"t": "Strong", "c": title["c"][1][0]["c"]}]}
    return [head, *body["c"][1]]


def _tabset(node):
    parts = []
    for item in node["c"][1]:
        title, body = item["c"][1]
        parts += [{"t": "Para", "c": [{"t": "Strong", "c": title["c"][1][0]["c"]}]}, *body["c"][1]]
    return parts


_DIVS = {
    "bk-float": _float,
    "bk-callout": _callout,
    "bk-tabset": _tabset,
    "bk-code": lambda node: [],
    "bk-equation": lambda node: node["c"][1],
    "bk-text": lambda node: node["c"][1],
    "bk-html": lambda node: next((part["c"][1] for part in node["c"][1] if is_div(part, "bk-fallback")), []),
}
