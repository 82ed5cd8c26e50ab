"""No word of a library reaches the user where it may repeat a cell: every ``except`` of the package is looked at."""

import ast
import importlib.util
import json
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p2prisk
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import P2PRiskError
from p2prisk.ordered import OrderedLogit

CODE = Path(p2prisk.__file__).parent
DUCKDB = importlib.util.find_spec("duckdb")  # with `make more`; without it the other readers are tried
OWN = {node.name for node in ast.parse((CODE / "errors.py").read_text()).body if isinstance(node, ast.ClassDef)}
#: attributes of a foreign error that are about files, places and kinds
HARMLESS = {"strerror", "filename", "sqlstate", "__traceback__", "__cause__", "errno", "scan", "reason"}
#: where an error of a library is used beyond that: file and what is caught -> why no cell can be in it
LOOKED_AT = {
    ("cli/__init__.py", "OSError"): "the names of files that shutil could not copy",
    ("cli/behind.py", "BaseException"): "raised again in the main thread, where the command catches it",
    ("hazard/model.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("ordered/fitting.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("report/checklist.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("report/decisions.py", "yaml.YAMLError"): "the line alone",
    ("report/judged.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("report/sections.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("report/words.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("validation/rolling.py", "np.linalg.LinAlgError"): "numpy's words are of matrices",
    ("validation/resampling.py", "ValueError"): "kept for errors.said, which gives the kind alone",
    ("obtain.py", "ImportError"): "the name of a module",
    ("obtain.py", "OSError"): "a download of public loans: no tape is open",
    ("ordered/design.py", "FormulaicError"): "parsed before any data are seen, or of its kind alone (_kind)",
    ("outputs.py", "OSError"): "the name of a file, and the system's words",
    ("saved.py", "OSError"): "the name of a file, and the system's words",
    ("selftest.py", "Exception"): "the self-test's own loans are drawn at random",
    ("tape/abreast.py", "StopIteration"): "raised again where the command catches it",
    ("tape/database.py", "sqlite3.Error"): "words only before a cell is read, or of the file",
    ("tape/database.py", "duckdb.Error"): "words only of the query",
    ("tape/database.py", "psycopg.Error"): "words only by a list of classes of SQLSTATE",
    ("tape/mapping_file.py", "yaml.YAMLError"): "the kind of problem and the line, not the text around it",
    ("tape/plain_lines.py", "pyarrow.ArrowInvalid"): "searched for the number of a column",
    ("tape/text_file.py", "csv.Error"): "csv's words are of limits and marks",
    ("tape/text_file.py", "pd.errors.ParserError"): "words only of fields and lines (_unparsed)",
    ("tape/text_file.py", "SwallowedError"): "our own, with the lines counted",
}


def uses(source):
    """Of each handler that catches an error which is not ours: what is caught, and where its words may be used."""
    tree = ast.parse(source)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or not handler.name or handler.type is None:
            continue
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        foreign = [name for name in map(ast.unparse, caught) if name not in OWN | {"_Stop", "Failed"}]
        for node in ast.walk(handler) if foreign else ():
            if isinstance(node, ast.Name) and node.id == handler.name and isinstance(node.ctx, ast.Load):
                use = above[node]
                called = isinstance(use, ast.Call) and ast.unparse(use.func) in ("type", "isinstance", "said")
                if not called and not (isinstance(use, ast.Attribute) and use.attr in HARMLESS):
                    yield foreign[0], ast.unparse(use)


def test_every_except_that_uses_the_words_of_a_library_has_been_looked_at():
    found = {
        (path.relative_to(CODE).as_posix(), caught): use
        for path in CODE.rglob("*.py")
        for caught, use in uses(path.read_text(encoding="utf-8"))
    }
    new = set(found) - set(LOOKED_AT)
    assert not new, f"may repeat a cell: {[(place, found[place]) for place in new]}"
    assert set(LOOKED_AT) - set(found) <= {("tape/text_file.py", "SwallowedError")}, "none is there any more"
    assert list(uses("try: f()\nexcept KeyError as e: print(f'{e}')")) == [("KeyError", "{e}")]
    assert not list(uses("try: f()\nexcept KeyError as e: print(type(e))\nexcept DataError as e: print(e)"))


NAME, CARD = "Zdenka Quistgaard", "4532 0151 1283 0366"
CELLS = (NAME, CARD, CARD.replace(" ", ""))


def whole(error):
    """An error, and those that it says it came from."""
    words = []
    while error is not None:
        words.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(words)


def fit(formula, **columns):
    data = pd.DataFrame({"y": pd.Categorical(list("abc") * 20, ordered=True), "x": np.arange(60.0)}).assign(**columns)
    return OrderedLogit.from_formula(f"y ~ {formula}", data).fit()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "formula", ["np.log(name)", "scale(name)", "bs(name, df=4)", "poly(name, 2)", "x + I(name * 2.5)"]
)
def test_formulas_repeat_no_cell(formula, cell):
    """The words of formulaic named the value that a function could not take."""
    with pytest.raises(P2PRiskError) as refused:
        fit(formula, name=[cell] * 60)
    assert cell not in whole(refused.value)
    with pytest.raises(P2PRiskError) as refused:
        fit("bs(x, df=4)").predict(pd.DataFrame({"x": [cell, cell]}))
    assert cell not in whole(refused.value)


def test_a_level_that_a_fit_has_not_seen_is_counted_and_not_repeated():
    results = fit("C(name)", name=["one", "two", "three", "four"] * 15)
    for cell in CELLS:
        for kind in (str, pd.CategoricalDtype([cell, "one"])):
            new = pd.DataFrame({"name": pd.Series([cell, "one"]).astype(kind)})
            with pytest.raises(P2PRiskError, match="not seen") as refused:
                results.predict(new)
            assert cell not in whole(refused.value)


def tapes(folder, cell):
    """Files of each reader that are wrong in a way that a library remarks upon, with the cell in them."""
    import openpyxl
    import pyarrow
    import pyarrow.parquet as parquet

    rows = f"amount,term,issue_date\n{cell},36,2015-01-01\n1000,{cell},2015-01-01\n1000,36,{cell}\n" * 2
    for name, text in {
        "a.csv": rows,
        "b.csv": rows + f'1000,36,"{cell}\n',
        "c.csv": rows + f"1000,36,{cell},{cell},{cell}\n",
        "d.csv": rows + f"{cell}\0,36,x\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    table = {"amount": [cell] * 3, "term": [36] * 3, "issue_date": [cell] * 3}
    parquet.write_table(pyarrow.table(table), folder / "a.parquet", compression=None, use_dictionary=False)
    data = bytearray((folder / "a.parquet").read_bytes())
    for at in range(4, 120, 7):
        data[at] ^= 0xFF
    (folder / "b.parquet").write_bytes(data)
    (folder / "c.parquet").write_bytes(
        (folder / "a.parquet").read_bytes().replace(cell.encode()[:4], b"\xff\xfe\xff\xff")
    )
    book = openpyxl.Workbook()
    book.active.append(list(table))
    for _ in range(3):
        book.active.append([cell, 36, cell])
    book.properties.creator = cell
    book.save(folder / "a.xlsx")
    for name, old, new in (("b", b"</row>", b"<row>"), ("c", b't="s"', b't="n"'), ("d", b't="inlineStr"', b't="d"')):
        _other(folder / "a.xlsx", folder / f"{name}.xlsx", lambda data, old=old, new=new: data.replace(old, new))
    _other(folder / "a.xlsx", folder / "e.xlsx", lambda data: data.replace(b"<v>36</v>", f"<v>{cell}</v>".encode()))
    created = f"<dcterms:created>{cell}<".encode()
    _other(
        folder / "a.xlsx", folder / "f.xlsx", lambda data: data.replace(b"<dcterms:created", created[:16] + b" x='y'")
    )
    with sqlite3.connect(folder / "a.db") as base:
        base.execute("CREATE TABLE loans (amount, term, issue_date)")
        base.executemany("INSERT INTO loans VALUES (?, ?, ?)", [(cell, cell, cell)] * 3)
    base.close()
    if not DUCKDB:
        return
    import duckdb

    with duckdb.connect(str(folder / "a.duckdb")) as base:
        base.execute("CREATE TABLE loans (amount VARCHAR, term INT, issue_date VARCHAR)")
        base.execute("INSERT INTO loans VALUES (?, 36, ?)", [cell, cell])


def _other(source, target, change):
    import zipfile

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)))


QUERIES = {
    "sqlite:///{}/a.db": [
        "SELECT * FROM loans",
        "SELECT json(amount) FROM loans",
        "SELECT abs(1 << 63, amount) FROM loans",
    ],
    "duckdb:///{}/a.duckdb": [
        "SELECT * FROM loans",
        "SELECT amount::INT, term FROM loans",
        "SELECT strptime(amount, '%Y') FROM loans",
        "SELECT error(amount) FROM loans",
        "SELECT json_extract(amount, '$.x') FROM loans",
    ],
}


@pytest.mark.parametrize("cell", CELLS)
def test_readers_repeat_no_cell(tmp_path, cell, capsys):
    """In no message: of the class, of what it came from, of the command."""
    tapes(tmp_path, cell)
    given = [(path, None) for path in sorted(tmp_path.iterdir()) if path.suffix in (".csv", ".parquet", ".xlsx")]
    given += [
        (url.format(tmp_path), query)
        for url, queries in QUERIES.items()
        for query in queries
        if DUCKDB or "duckdb" not in url
    ]
    refused = 0
    for source, query in given:
        try:
            read_tape(source, query=query)
        except P2PRiskError as error:
            refused += 1
            assert cell not in whole(error), (source, query)
        for command in ("check", "map"):
            assert main([command, str(source), *(["--query", query] if query else [])]) in (0, 1, 2)
        told = capsys.readouterr()
        assert cell not in told.out + told.err, (source, query)
    assert refused >= (15 if DUCKDB else 11)


@pytest.mark.parametrize("cell", CELLS)
def test_settings_and_models_repeat_no_value(tmp_path, cell, capsys):
    """A mapping drafted from a tape, decisions and models may hold what a borrower wrote."""
    from p2prisk.report.decisions import Decisions
    from p2prisk.standard import StandardModel
    from p2prisk.tape.mapping_file import read_mapping

    path = tmp_path / "x.yml"
    for text in (
        f"columns: {{amount: {{from: x}}}}\na: [{cell}",
        f"a: {cell}: {cell}",
        f"a: 'x\nb: {cell}\n  c",
        f"a:\n\t{cell}",
    ):
        path.write_text(text)
        for read in (read_mapping, Decisions.read):
            with pytest.raises(P2PRiskError) as refused:
                read(path)
            assert cell not in whole(refused.value), text
    for text in (f'{{"a": "{cell}"', f'{{"a": {cell}}}', json.dumps({"x": cell}), f"{cell}"):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(P2PRiskError) as refused:
            StandardModel.from_json(tmp_path / "m.json")
        assert cell not in whole(refused.value), text
    assert not capsys.readouterr().out


def test_a_library_that_repeats_a_cell_is_not_repeated_by_a_command(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.csv").write_text("amount,term\n1000,36\n")
    for error in (OSError(f"Corrupt data near {NAME}"), ValueError(NAME), KeyError(NAME), UnicodeError(NAME)):

        def fails(arguments, error=error):
            raise error

        monkeypatch.setattr("p2prisk.cli._check", fails)
        assert main(["check", str(tmp_path / "a.csv")]) in (2, 3)
        told = capsys.readouterr()
        assert NAME not in told.out + told.err
