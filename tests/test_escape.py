"""Text of a tape is text: three hundred hostile texts show as themselves, in every place where one is written."""

import html
import io
import json
import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml

import hostile
from bookkit import tree
from bookkit.config import _words
from p2prisk.cli import main
from p2prisk.cli.page import quality_page
from p2prisk.escape import escaped, visible
from p2prisk.report import Results, show
from p2prisk.report.assemble import _yaml
from p2prisk.report.workbook import write_workbook
from p2prisk.tape import LoanTape
from p2prisk.tape.privacy import pooled, shown_levels

TEXTS = hostile.texts()


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def plain(node):
    """Words of a tree of pandoc; what is more than words is marked."""
    if isinstance(node, list):
        return "".join(map(plain, node))
    kind = node["t"]
    if kind in ("Plain", "Para"):
        return plain(node["c"])
    return {"Str": node.get("c"), "Space": " ", "SoftBreak": " "}.get(kind, f"<<{kind}>>")


class Page(HTMLParser):
    """Words of a page, and what of it a browser would obey."""

    def __init__(self, text):
        super().__init__()
        self.words, self.obeyed, self.hidden = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style")
        if tag in ("b", "u", "iframe", "video", "h6"):
            self.obeyed.append(tag)
        for name, value in attributes:
            address = name in ("href", "src", "action", "srcset", "data")
            if name.startswith("on") or (address and re.match(r"\s*(javascript|data:text|https?):", value or "", re.I)):
                self.obeyed.append((tag, name, value))

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)

    @property
    def text(self):
        return one_line("".join(self.words))


def test_there_are_three_hundred():
    assert len(TEXTS) == len(set(TEXTS)) == 300


def test_markdown_shows_them_in_a_table_and_a_paragraph():
    (table,) = tree.read_markdown(str(show(pd.DataFrame({"a": range(300), "text": TEXTS}))))
    rows = table["c"][4][0][3]
    got = [one_line(plain(row[1][1][4])) for row in rows]
    assert got == [one_line(visible(text)) for text in TEXTS]
    blocks = tree.read_markdown("\n\n".join(escaped(text, "markdown") for text in TEXTS))
    assert [one_line(plain(block)) for block in blocks] == [one_line(visible(text)) for text in TEXTS]
    header = tree.read_markdown(str(show(pd.DataFrame({text: [1] for text in TEXTS[:40]}))))
    assert len(header) == 1 and header[0]["t"] == "Table"


def test_a_table_of_ours_is_still_markdown():
    from p2prisk.tables import show as ours

    assert "**bold**" in str(ours(pd.DataFrame({"a": ["**bold**"]})))


@pytest.mark.parametrize("text", TEXTS)
def test_html_json_and_terminal(text):
    page = Page(f'<p title="{escaped(text, "html")}">{escaped(text, "html")}</p>')
    assert "".join(page.words) == visible(text) and not page.obeyed
    script = escaped({text: [text]}, "json")
    assert json.loads(script) == {text: [text]} and not re.search("[<>&\u2028\u2029]", script)
    shown = escaped(text, "terminal")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown) and len(shown) <= 200


def test_typst_shows_them(tmp_path):
    typst = pytest.importorskip("typst")
    lines = "\n\n".join(f'#"{escaped(text, "typst")}"' for text in TEXTS)
    blocks = tree.read_markdown("\n\n".join(escaped(text, "markdown") for text in TEXTS))
    lines += "\n\n" + tree.write(blocks, "-t", "typst")
    (tmp_path / "x.typ").write_text("#set page(width: 60cm, height: auto)\n" + lines, encoding="utf-8")
    typst.compile(str(tmp_path / "x.typ"), output=str(tmp_path / "x.pdf"))
    if shutil.which("pdftotext"):
        run = subprocess.run(["pdftotext", tmp_path / "x.pdf", "-"], capture_output=True, text=True, check=True)
        for text in ('#import "x.typ"', "$$x^2$$", "[click](javascript:alert(4))", "`{python} 1+1`"):
            assert one_line(run.stdout).count(text) >= 2, text


OFFICE = [
    "_x0041_",
    "_x003D_1+1",
    "]]>",
    "&#0;",
    "DDEAUTO c:\\x",
    '=HYPERLINK("http://x")',
    "file:///etc/passwd",
    "'=1",
]


def test_a_word_file_shows_them():
    texts = [*TEXTS, *OFFICE]
    markdown = str(show(pd.DataFrame({"text": texts}))) + "".join(f"\n\n{escaped(text, 'markdown')}" for text in texts)
    document = tree.document(tree.read_markdown(markdown), {})
    made = subprocess.run(
        [tree.pandoc_path(), "-f", "json", "-t", "docx", "-o", "-"],
        input=document.encode(),
        capture_output=True,
        check=True,
    )
    with zipfile.ZipFile(io.BytesIO(made.stdout)) as parts:
        body = parts.read("word/document.xml").decode()
        assert b"External" not in parts.read("word/_rels/document.xml.rels")
        assert not [name for name in parts.namelist() if "media" in name or "embed" in name]
    assert not re.search("instrText|fldSimple|w:hyperlink|m:oMath|altChunk|w:object", body)
    lines = [
        one_line(html.unescape(re.sub("<[^>]+>", "", re.sub(r"<w:(br|tab)\b[^>]*>", " ", paragraph))))
        for paragraph in re.findall(r"<w:p>.*?</w:p>", body, re.S)
    ]
    wanted = [one_line(visible(text)) for text in texts]
    assert [text for text in wanted if text and lines.count(text) < 2] == []


def test_a_workbook_shows_them(tmp_path):
    from openpyxl import load_workbook

    texts = [*TEXTS, *OFFICE]
    write_workbook(Results({"a": pd.DataFrame({"n": range(len(texts)), "text": texts})}), tmp_path / "x.xlsx")
    cells = [*load_workbook(tmp_path / "x.xlsx")["a"]["B"]][1:]
    shown = [re.sub("_x([0-9A-F]{4})_", lambda code: chr(int(code[1], 16)), cell.value or "") for cell in cells]
    assert shown == [
        visible(text, 32_000) for text in texts
    ]  # codes as a spreadsheet reads them (ECMA-376, ST_Xstring)
    assert {cell.data_type for cell in cells if cell.value} == {"s"} and not any(cell.hyperlink for cell in cells)
    with zipfile.ZipFile(tmp_path / "x.xlsx") as parts:
        assert not [name for name in parts.namelist() if b"<f>" in parts.read(name)]


def test_the_numbers_of_a_picture_are_no_formulas():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from p2prisk.figures.fingerprint import csv_of

    texts = ["=cmd|'/c calc'!A1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\uff0b1", "-5 to 10", "car"]
    figure, ax = plt.subplots()
    ax.plot(range(6), range(6), label=texts[0])
    ax.set_xticks(range(6), texts)
    table = pd.read_csv(io.StringIO(csv_of(figure)), dtype=str)
    plt.close(figure)
    assert table["x_name"].tolist() == ["'" + text for text in texts[:4]] + texts[4:]
    assert set(table["series"]) == {"'" + texts[0]} and table["y"].tolist() == list("012345")


def test_a_title_is_plain_in_both_renderers():
    for text in TEXTS:
        line = yaml.safe_load(f'title: "{_yaml(text)}"')["title"]
        assert _words(line) == visible(text)  # the preview's
        if one_line(line):
            (block,) = tree.read_markdown(line.strip()) or [{"t": "Plain", "c": []}]  # Quarto reads it as Markdown
            assert block["t"] in ("Para", "Plain", "BulletList", "OrderedList", "HorizontalRule", "Header", "LineBlock")
            if block["t"] in ("Para", "Plain"):
                assert "Raw" not in plain(block) and "<<Link" not in plain(block) and "<<Math" not in plain(block)


def test_levels_hold_nothing_that_acts():
    series = pd.Series(pd.Categorical(["a\x1b[31m"] * 6 + ["b"] * 6 + [None]))
    assert list(shown_levels(series).cat.categories) == ["a␛[31m", "b"] and shown_levels(series).isna().sum() == 1
    assert "␛" in str(pooled(shown_levels(series)).iloc[0])


def test_the_page_of_check_shows_names_of_columns():
    frame = pd.DataFrame({"amount": [1000.0] * 20, "term": [36] * 20})
    for text in TEXTS[::5]:
        tape = LoanTape(frame, {"title": text, "name": text, "path": text}, unused={text: "no canonical column"})
        page = quality_page(tape.quality())
        assert not Page(page).obeyed and one_line(visible(text))[:60] in Page(page).text
        assert "Content-Security-Policy" in page


ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
FORMULA = re.compile(r"\s*[=+@\-\uff1d\uff0b\uff0d\uff20](?![\d.]+$)")


@pytest.fixture(scope="module")
def acting(tmp_path_factory):
    """A tape whose keys, levels, columns and name are commands to a terminal or formulas of a spreadsheet."""
    folder, rng, rows = tmp_path_factory.mktemp("acting"), np.random.default_rng(2), 1200
    texts = ["\x1b[31mred", "\x1b]0;t\x07", "\x9b31m", "a\u202eb", "=cmd|'/c calc'!A1", "+cmd", "\uff1d1+1", "car"]
    frame = pd.DataFrame({"loan_id": [f"{texts[i % 8]}{i}" for i in range(rows)], "amount": 1000 + np.arange(rows)})
    frame["term"], frame["income"] = rng.choice([36, 60], rows), rng.integers(20, 90, rows) * 1000
    frame["purpose"] = rng.choice(np.array(texts, dtype=object), rows)
    frame["issue_date"] = [f"201{3 + i % 4}-{1 + i % 12:02d}-15" for i in range(rows)]
    frame["status"] = np.where(rng.random(rows) < 0.25, "charged off", "paid")
    for text in texts:
        frame[f"col {text}"] = 1
    frame.to_csv(folder / "loans\u202efdp.csv", index=False)
    return folder


def test_no_command_prints_or_writes_what_acts(acting, monkeypatch, capsys):
    monkeypatch.chdir(acting)
    name, lenient = "loans\u202efdp.csv", ("--on-error", "missing")
    (acting / "key\u202e").write_text("k" * 40)
    for words in (
        ["check", name, *lenient, "--html", "q\u202e.html"],
        ["map", name, "--output", "m\u202e.yml"],
        ["map", name],
        ["fit", name, *lenient, "--output", "m\u202e.json"],
        ["score", name, *lenient, "--model", "m\u202e.json", "--output", "s\u202e.csv"],
        ["score", name, *lenient, "--model", "m\u202e.json", "--key", "key\u202e", "--output", "k.csv"],
        ["keys", name, "--key", "key\u202e", "--output", "list\u202e.csv"],
        ["monitor", name, *lenient, "--model", "m\u202e.json", "--same-months", "--html", "w\u202e.html"],
        ["stress", name, *lenient, "--model", "m\u202e.json", "--scenario", "example", "--html", "t\u202e.html"],
        ["check", "absent\u202e.csv"],
    ):
        code = main(words)
        told = capsys.readouterr()
        assert code in (0, 1, 2, 10, 11, 12, 13) and not ACTS.search(told.out + told.err), (words, told)
    for path in ("s\u202e.csv", "k.csv", "list\u202e.csv"):
        cells = pd.read_csv(path, dtype=str, keep_default_na=False)
        begin = [cell for name in cells for cell in [name, *cells[name]] if FORMULA.match(cell)]
        assert not begin, (path, begin[:3])
    draft = yaml.safe_load(open("m\u202e.yml", encoding="utf-8"))
    assert "col \x1b[31mred" in draft["unused"] and not ACTS.search(open("m\u202e.yml", encoding="utf-8").read())


@pytest.mark.parametrize("text", ["a\nerror: forged", "\x1b[2J", "b\x9b31m", "tab\there"])
def test_names_with_control_characters_are_refused(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / text).write_text("amount,term\n1000,36\n")
    for words in (
        ["check", text],
        ["map", "x.csv", "--output", text],
        ["score", "x", "--model", text, "--output", "s.csv"],
    ):
        assert main(words) == 2
        told = capsys.readouterr()
        assert "control characters" in told.err and told.err.count("\n") == 1 and not ACTS.search(told.err + told.out)


def test_a_report_shows_them_in_html_and_pdf(tmp_path, monkeypatch):
    rng, rows, texts = np.random.default_rng(3), 2000, TEXTS[7::4][:54]
    columns = {"purpose": texts[:18], "product": texts[18:36], "occupation": texts[36:]}
    frame = pd.DataFrame({"amount": rng.integers(10, 350, rows) * 100, "term": rng.choice([36, 60], rows)})
    frame["income"], frame["grade"] = rng.integers(20, 90, rows) * 1000, rng.choice(list("ABCD"), rows)
    frame["issue_date"] = [f"201{3 + i % 4}-{1 + i % 12:02d}-15" for i in range(rows)]
    frame["status"] = np.where(rng.random(rows) < 0.25, "charged off", "paid")
    for name, levels in columns.items():
        frame[name] = rng.choice(np.array(levels, dtype=object), rows)
    source = tmp_path / "x <b>bold<b> [@nokey] $a$ `{python} 1`.csv"
    frame.to_csv(source, index=False)
    title = "Loans <script>alert(1)</script> [x](javascript:a) $\\frac{$ `{python} 1`"
    rules = {name: {"from": name} for name in frame}
    (tmp_path / "m.yml").write_text(yaml.safe_dump({"title": title, "columns": rules}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = ["--map", "m.yml", "--anyway", "--on-error", "missing", "--record-date", "2023-01-01", "--to", "html,pdf"]
    assert main(["report", str(source), *options, "--output", "out"]) == 0
    pages = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "out").glob("*.html"))]
    assert len(pages) == 11 and not [obeyed for page in pages for obeyed in Page(page).obeyed]
    text = " ".join(Page(page).text for page in pages)
    formula = re.compile(r"^[=@]|^[+-][^\d\s.,-]|^\W*$")  # what a spreadsheet would run is set to missing by the reader
    missing = ("nan", "NaN", "null", "None")
    words = [one_line(visible(x.strip())).lower() for x in texts if not formula.match(x) and x not in missing]
    lost = [word for word in words if word not in text.lower()]
    assert not lost and len(words) > 35
    assert title in text
