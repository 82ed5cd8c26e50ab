"""The execution cache: used when nothing changed, never when anything a chapter depends on did."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from bookkit.cache import ResultCache, State
from bookkit.chapters import parse_chapter
from bookkit.errors import BookErrors
from bookkit.render import render

#: Chapter -> code that gives its value; each uses another kind of input.
CHAPTERS = {
    "data": 'value = int(open("data/a.csv").read())',
    "module": "import amount\nvalue = amount.AMOUNT",
    "lazy": "import package\nvalue = package.part().PART",
    "optional": "try:\n    import extra\n    value = extra.EXTRA\nexcept ImportError:\n    value = 0",
    "looked-for": 'import pathlib\nvalue = int(pathlib.Path("data/flag").exists())',
    "allowed": 'import os\nvalue = int(os.access("data/key", os.R_OK))',
    "not-there": 'try:\n    value = int(open("data/late").read())\nexcept OSError:\n    value = 0',
    "listed": 'import pathlib\nvalue = len(list(pathlib.Path("data/many").glob("*.csv")))',
    "walked": 'import os\nvalue = sum(len(files) for _, _, files in os.walk("data/tree"))',
    "variable": "import settings\nvalue = settings.number()",
    "cell-variable": 'import os\nvalue = int(os.getenv("BOOK_CELL", "0"))',
    "outside": 'value = int(open("../elsewhere/b.txt").read())',
    "parquet": 'import pyarrow.parquet\nvalue = pyarrow.parquet.read_table("native/t.parquet")["x"][0].as_py()',
    "dataset": "import pyarrow.dataset\nvalue = pyarrow.dataset.dataset('native/t.parquet').count_rows()",
    "in-memory": "import sys, pyarrow.dataset\nvalue = int('pyarrow.dataset' in sys.modules)",
    "child": 'import subprocess\nvalue = int(subprocess.run(["cat", "native/c.txt"], capture_output=True).stdout)',
    "still": "value = 7",
}
FILES = {
    "data/a.csv": "1",
    "data/unused.csv": "1",
    "data/many/1.csv": "",
    "data/tree/below/1.csv": "",
    "code/pandas.py": "raise ImportError('pyarrow takes it where it is, for a second of every kernel')",
    "code/amount.py": "AMOUNT = 40\n",
    "code/unused.py": "UNUSED = 40\n",
    "code/package/__init__.py": "def part():\n    import package.inner\n    return package.inner\n",
    "code/package/inner.py": "PART = 5\n",
    "code/settings.py": "import os\n\ndef number():\n    name = os.environ.get('BOOK_FILE')\n"
    "    return int(open(name).read()) if name else 0\n",
    "named": "100",
    "other": "200",
    "native/c.txt": "3",
    "requirements.lock": "numpy==1\n",
}
START = {"data": 1, "module": 40, "lazy": 5, "optional": 0, "looked-for": 0, "allowed": 0, "not-there": 0, "listed": 1}
START |= {"walked": 1, "variable": 0, "cell-variable": 0, "outside": 9, "parquet": 4, "child": 3, "still": 7}
START |= {"dataset": 1, "in-memory": 1}


def chapter(name, code, options=""):
    """A chapter that counts its runs in `runs/NAME`, and shows the value that its code gives."""
    count = f'open("runs/{name}", "a").write("x")'
    cell = f"```{{python}}\n{options}{count}\n{code}\n```"
    return f"# {name} {{#sec-{name}}}\n\nProse.\n\n{cell}\n\nIt is `{{python}} value`.\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a book of some of :data:`CHAPTERS`."""
    root = tmp_path / "book"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root / "code"), os.environ.get("PYTHONPATH", "")]))
    for variable in ("BOOK_FILE", "BOOK_CELL", "BOOK_OTHER"):
        monkeypatch.delenv(variable, raising=False)

    def make(**chapters):
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / "runs").mkdir()
        pyarrow.parquet.write_table(pyarrow.table({"x": [4]}), root / "native/t.parquet")
        (root.parent / "elsewhere").mkdir()
        (root.parent / "elsewhere/b.txt").write_text("9")
        names = ", ".join(f"{name}.qmd" for name in ("index", *chapters))
        (root / "_quarto.yml").write_text(f"project: {{type: book}}\nbook:\n  title: A\n  chapters: [{names}]\n")
        (root / "pyproject.toml").write_text('[tool.bookkit]\ninputs = ["native"]\nenvironment = ["BOOK_FILE"]\n')
        (root / "index.qmd").write_text("# Start {#sec-start}\n")
        for name, code in chapters.items():
            (root / f"{name}.qmd").write_text(chapter(name, code))
        return root

    return make


def rendered(root, **options):
    """Render, and say which chapters ran, and the value that each page shows."""
    before = {path.name: path.stat().st_size for path in (root / "runs").iterdir()}
    render(root, ["html"], say=lambda line: None, **options)
    ran = {path.name for path in (root / "runs").iterdir() if path.stat().st_size > before.get(path.name, 0)}
    pages = {path.stem: path.read_text() for path in (root / "_book").glob("*.html")}
    values = {name: text.partition("It is ")[2].partition(".")[0] for name, text in pages.items() if "It is " in text}
    return ran, {name: int(value) for name, value in values.items()}


def write(name, text):
    def change(root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    return change


def table(root):
    pyarrow.parquet.write_table(pyarrow.table({"x": [6, 6]}), root / "native/t.parquet")


def variable(name, value):
    return lambda root: os.environ.__setitem__(name, value)


#: Chapters whose kernels cannot see all that they read: whatever counts for one of them counts for all.
UNSEEN = {"parquet": 4, "dataset": 1, "child": 3}
#: What is touched, how, and the chapters that must run with the value that they must show, in this order.
CHANGES = [
    ("a row of a data file", write("data/a.csv", "2"), {"data": 2}),
    ("a data file that nobody reads", write("data/unused.csv", "2"), {}),
    ("a module", write("code/amount.py", "AMOUNT = 50\n"), {"module": 50}),
    ("a module that nobody imports", write("code/unused.py", "UNUSED = 50\n"), {}),
    ("a module imported on first use", write("code/package/inner.py", "PART = 6\n"), {"lazy": 6}),
    ("a module that was not there", write("code/extra.py", "EXTRA = 8\n"), {"optional": 8}),
    ("a file that was looked for", write("data/flag", ""), {"looked-for": 1}),
    ("a file that was asked for", write("data/key", ""), {"allowed": 1}),
    ("a file that could not be opened", write("data/late", "3"), {"not-there": 3}),
    ("a file in a folder that was listed", write("data/many/2.csv", ""), {"listed": 2}),
    ("a file in a folder below", write("data/tree/below/2.csv", ""), {"walked": 2}),
    ("a variable that a module reads", variable("BOOK_FILE", "named"), {"variable": 100, **UNSEEN}),
    ("the file that it names", write("named", "101"), {"variable": 101, **UNSEEN}),
    ("another file of that kind", write("other", "201"), {}),
    ("a variable that a cell reads", variable("BOOK_CELL", "3"), {"cell-variable": 3}),
    ("a variable that nobody reads", variable("BOOK_OTHER", "3"), {}),
    ("a file outside of the project", write("../elsewhere/b.txt", "10"), {"outside": 10}),
    ("a file that a C library opens", table, {**UNSEEN, "parquet": 6, "dataset": 2}),
    ("a file that a child process opens", write("native/c.txt", "5"), {"parquet": 6, "dataset": 2, "child": 5}),
    (
        "prose",
        lambda root: (root / "still.qmd").write_text(chapter("still", "value = 7").replace("Pro", "Other pro")),
        {},
    ),
    ("the code of a cell", write("still.qmd", chapter("still", "value = 8")), {"still": 8}),
    (
        "an inline expression",
        write("still.qmd", chapter("still", "value = 8").replace("value`", "value + 1`")),
        {"still": 9},
    ),
]


def test_a_change_runs_exactly_the_chapters_that_used_what_changed(make, monkeypatch):
    root, values = make(**CHAPTERS), dict(START)
    for name in ("BOOK_FILE", "BOOK_CELL", "BOOK_OTHER"):  # the changes set them for good
        monkeypatch.setenv(name, "0" if name != "BOOK_FILE" else "")
    assert rendered(root) == (set(CHAPTERS), values)
    assert rendered(root) == (set(), values)
    for what, change, expected in CHANGES:
        change(root)
        values |= expected
        assert rendered(root) == (set(expected), values), what
    assert rendered(root) == (set(), values)


def test_another_version_of_a_package_or_of_python_runs_everything(tmp_path, monkeypatch):
    """Without a kernel: a chapter runs when its key is another."""
    (tmp_path / "requirements.lock").write_text("numpy==1\n")
    still, keys = parse_chapter(chapter("still", "value = 7"), "still.qmd"), []
    keys.append(State(tmp_path).key(still, {}))
    assert State(tmp_path).key(still, {}) == keys[0]
    (tmp_path / "requirements.lock").write_text("numpy==2\n")
    keys.append(State(tmp_path).key(still, {}))
    monkeypatch.setattr("bookkit.cache._packages", lambda folders: ["numpy==0"])
    keys.append(State(tmp_path).key(still, {}))
    monkeypatch.setattr("bookkit.cache.platform.python_version", lambda: "2.7")
    keys.append(State(tmp_path).key(still, {}))
    assert len(set(keys)) == 4


def test_options_of_a_cell_and_of_the_book_that_change_what_it_gives(make):
    root = make(still=CHAPTERS["still"])
    assert rendered(root)[0] == {"still"}
    (root / "still.qmd").write_text(chapter("still", "value = 7", "#| code-fold: true\n"))
    assert rendered(root)[0] == set()
    (root / "_quarto.yml").write_text((root / "_quarto.yml").read_text() + "execute: {error: true}\n")
    assert rendered(root)[0] == {"still"}
    text = chapter("still", "value = 7") + "\n```{python}\nvalue = 8\n```\n\nNow `{python} value`.\n"
    (root / "still.qmd").write_text(text)
    assert "Now 8" in (rendered(root) and (root / "_book/still.html").read_text())
    (root / "still.qmd").write_text(text.replace("\nvalue = 8", "\n#| eval: false\nvalue = 8"))
    assert "Now 7" in (rendered(root) and (root / "_book/still.html").read_text())


def test_a_module_that_changed_twice_within_a_second(make, monkeypatch):
    """Python's own check of a cached .pyc knows seconds only."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    root = make(module=CHAPTERS["module"])
    for part, amount in enumerate((40, 50, 60)):
        (root / "code/amount.py").write_text(f"AMOUNT = {amount}\n")
        os.utime(root / "code/amount.py", ns=(0, 1_700_000_000_000_000_000 + part * 5_000_000))
        assert rendered(root) == ({"module"}, {"module": amount})


def test_the_byte_code_of_installed_packages_is_taken_as_it_is(tmp_path):
    """Else every kernel compiles them again."""
    (tmp_path / "mine.py").write_text("")
    script = (
        "import sys, nbclient; from bookkit import used; used.start(sys.argv[1])\n"
        "stats = nbclient.__loader__.path_stats\n"
        "print([stats(path)['mtime'] < 1e11 for path in (nbclient.__file__, sys.argv[2])])"
    )
    words = [sys.executable, "-c", script, str(tmp_path), str(tmp_path / "mine.py")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() == ["[True,", "False]"]


def test_pandas_loads_a_reader_that_counts_when_it_is_called(tmp_path):
    """Sums in memory load pyarrow.dataset; a chapter that makes them reads nothing by it."""
    pyarrow.parquet.write_table(pyarrow.table({"x": [4]}), tmp_path / "t.parquet")
    script = (
        "import json, sys; from bookkit import used; used.start(sys.argv[1])\n"
        "def unseen():\n    used.report('used.json')\n    return json.load(open('used.json'))['unseen']\n"
        "import pandas as pd; pd.DataFrame({'a': ['x', 'y'], 'b': [1, 2]}).groupby('b').min()\n"
        "print('pyarrow.dataset' in sys.modules, unseen())\n"
        "import pyarrow.dataset; print(pyarrow.dataset.dataset('t.parquet').count_rows(), unseen())"
    )
    words = [sys.executable, "-c", script, str(tmp_path)]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["True []", "1 ['pyarrow.dataset']"]


def test_what_changes_while_a_chapter_runs_is_not_kept(make):
    change = 'open("data/a.csv", "a").write("1")'
    root = make(data=f"value = int(open('data/a.csv').read())\n{change}", module="import amount\nvalue = amount.AMOUNT")
    assert rendered(root) == ({"data", "module"}, {"data": 1, "module": 40})
    assert rendered(root) == ({"data"}, {"data": 11, "module": 40})
    assert rendered(root) == ({"data"}, {"data": 111, "module": 40})


def test_what_a_chapter_removes_after_reading_it_is_not_kept(make):
    root = make(data="import os\nvalue = int(open('data/a.csv').read())\nos.remove('data/a.csv')")
    assert rendered(root) == ({"data"}, {"data": 1})
    with pytest.raises(BookErrors, match="FileNotFoundError"):
        rendered(root)


def test_what_a_chapter_writes_for_itself_is_no_input(make):
    code = 'open("made.txt", "w").write("5")\nvalue = int(open("made.txt").read())'
    root = make(data="import tempfile, os\nfolder = tempfile.mkdtemp()\n" + code + "\nos.listdir(folder)")
    assert rendered(root) == ({"data"}, {"data": 5})
    (root / "made.txt").unlink()
    assert rendered(root) == (set(), {"data": 5})


def test_going_back_uses_what_was_kept(make):
    root = make(data=CHAPTERS["data"])
    for text, ran in (("1", {"data"}), ("2", {"data"}), ("1", set()), ("2", set())):
        (root / "data/a.csv").write_text(text)
        assert rendered(root) == (ran, {"data": int(text)})


def test_no_cache_runs_everything(make):
    root = make(still=CHAPTERS["still"])
    assert rendered(root)[0] == {"still"}
    assert rendered(root, use_cache=False)[0] == {"still"}


def test_failed_chapters_are_not_kept(make):
    root = make(module=CHAPTERS["module"])
    (root / "code/amount.py").write_text("raise ValueError\n")
    for _ in range(2):
        with pytest.raises(BookErrors, match="ValueError"):
            rendered(root)
    (root / "code/amount.py").write_text("AMOUNT = 40\n")
    assert rendered(root) == ({"module"}, {"module": 40})


def test_the_reason_is_told(make):
    root, told = make(data=CHAPTERS["data"], still=CHAPTERS["still"]), []
    for _ in range(2):
        rendered(root)
        (root / "data/a.csv").write_text("2")
    (root / "still.qmd").write_text(chapter("still", "value = 8"))
    (root / "data/a.csv").write_text("3")

    def say(line):
        told.append(line)
        assert len(told) < 3, "enough: nothing need run"

    with pytest.raises(AssertionError, match="enough"):
        render(root, ["html"], say=say)
    assert told == [
        "  data.qmd: data/a.csv changed",
        "  still.qmd: code, packages or tools changed",
        "3 chapters, 2 to run",
    ]


def test_damaged_entry_is_ignored_and_old_ones_go(tmp_path):
    cache, chapter, state = ResultCache(tmp_path / "cache"), parse_chapter("# A", "chapters/a.qmd"), State(tmp_path)
    record = state.record({})
    cache.store(chapter, "key", {"cells": [], "inlines": []}, record)
    assert cache.load(chapter, "key", state)[0]["result"] == {"cells": [], "inlines": []}
    next(cache.folder.glob("*.json")).write_text("{ half")
    assert cache.load(chapter, "key", state) == (None, "has not run yet")
    for index in range(8):
        cache.store(chapter, str(index), {}, record)
    assert len(list(cache.folder.glob("*.json"))) == 4
    assert cache.load(chapter, "7", state)[0] and not cache.load(chapter, "3", state)[0]


def test_a_damaged_entry_does_not_hide_one_that_holds(tmp_path):
    cache = ResultCache(tmp_path / "below" / "cache")  # made with the folders above it
    chapter, state = parse_chapter("# A", "chapters/a.qmd"), State(tmp_path)
    cache.store(chapter, "key", {"cells": []}, state.record({}))
    (kept,) = cache.folder.glob("*.json")
    os.utime(kept, (1, 1))
    (cache.folder / "chapters--a.qmd-newer.json").write_text("{ half")
    assert cache.load(chapter, "key", state)[0]["result"] == {"cells": []}


def test_what_a_record_says_of_a_run(tmp_path):
    """Without a kernel: each kind of change while a chapter runs, and each difference afterwards."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("1")
    folder, file, missing = (str(tmp_path / name) for name in ("data", "data/a.csv", "data/b.csv"))
    before, after = 0, 2**63

    def record(kind, path, was_there, started):
        return State(tmp_path).record({kind: {path: was_there}, "started": started})

    assert record("files", file, True, after)["files"].keys() == {"data/a.csv"}
    assert record("files", file, True, before) is None  # written meanwhile
    assert record("files", file, False, after) is None  # moved here meanwhile, which leaves its own time alone
    assert record("files", missing, True, after) is None  # gone meanwhile
    assert record("files", missing, False, before)["files"] == {"data/b.csv": None}
    # a folder that was only looked for may get files, one that was listed may not
    assert record("files", folder, True, before)["files"] == {"data": "folder"}
    assert record("folders", folder, True, before) is None
    listed, looked = record("folders", folder, True, after), record("files", folder, True, after)
    assert listed["files"] == {} and looked["folders"] == {}
    assert State(tmp_path).difference(listed) is State(tmp_path).difference(looked) is None
    for made in (".hidden", "__pycache__"):
        (tmp_path / "data" / made).mkdir()
    assert State(tmp_path).difference(listed) is None
    (tmp_path / "data").rename(tmp_path / "gone")
    assert State(tmp_path).difference(listed) == State(tmp_path).difference(looked) == "data"
    assert State(tmp_path).record({"files": {}, "variables": ["BOOK_NONE"]})["variables"] == {"BOOK_NONE": None}


def test_the_key_holds_what_is_run_in_its_order_and_nothing_else(tmp_path):
    state = State(tmp_path)
    text = "# A {#sec-a}\n\nWords `{python} one`.\n\n```{python}\n#| echo: true\n1 + 1\n```\n\nMore `{python} two`.\n"

    def key(old="", new="", **defaults):
        assert old in text
        return state.key(parse_chapter(text.replace(old, new), "a.qmd"), defaults)

    assert key() == key("Words", "Other words") == key("echo: true", "echo: false") == key(warning=False)
    changed = [key("1 + 1", "1 + 2"), key("} one", "} three"), key("} two", "} three"), key("} one", "} two")]
    changed += [key("echo: true", f"{name}: {value}") for name in ("eval", "error") for value in ("true", "false")]
    changed += [key(eval=False), key(error=True)]
    changed += [key("Words `{python} one`.", ""), key("```{python}\n#| echo: true\n1 + 1\n```", "")]
    assert len({key(), *changed}) == len(changed) + 1


def test_the_newest_run_says_why_nothing_holds(tmp_path):
    cache, state, a = ResultCache(tmp_path / "kept"), State(tmp_path), parse_chapter("# A", "a.qmd")
    record = {"files": {"a.csv": "another digest"}, "folders": {}, "variables": {}, "everything": None}
    assert cache.load(a, "key", state) == (None, "has not run yet")
    others = "code, packages or tools changed"
    for when, key, reason in ((1, "other", others), (2, "a", others), (3, "key", "a.csv changed")):
        cache.store(a, key, {"cells": [when]}, record)
        os.utime(max(cache.folder.glob("*.json"), key=lambda path: path.stat().st_mtime), (when, when))
        assert cache.load(a, "key", state) == (None, reason)
    assert all(path.name.startswith("a.qmd-") for path in cache.folder.iterdir())


def test_inputs_that_were_another_way_are_told_whichever_digest_is_larger(tmp_path):
    (tmp_path / "data").mkdir()
    states = []
    for words in "12":
        (tmp_path / "data/a.csv").write_text(words)
        states.append(State(tmp_path))
        states[-1].record({"unseen": ["cat"]})
    records = [state.record({"unseen": ["cat"]}) for state in states]
    assert [state.difference(record) for state, record in zip(states, records[::-1], strict=True)] == ["inputs"] * 2
    assert states[0].difference(records[0]) is states[0].difference(State(tmp_path).record({})) is None


def test_a_file_that_a_variable_names_is_an_input(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.bookkit]\nenvironment = ["BOOK_TAPE"]\n')
    (tmp_path / "tape.csv").write_text("1")
    monkeypatch.setenv("BOOK_TAPE", "tape.csv")
    record = State(tmp_path).record({"unseen": ["cat"]})
    assert State(tmp_path).difference(record) is None
    (tmp_path / "tape.csv").write_text("2")
    assert State(tmp_path).difference(record) == "inputs"
    (tmp_path / "tape.csv").write_text("1")
    monkeypatch.setenv("BOOK_TAPE", "./tape.csv")
    assert State(tmp_path).difference(record) == "inputs"


def test_what_is_made_from_sources_counts_for_no_chapter(tmp_path):
    """The inputs of a chapter whose kernel cannot see what it reads, and what holds for all chapters."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("1")
    (tmp_path / "requirements.lock").write_text("numpy==1")
    first = State(tmp_path)
    record = first.record({"unseen": ["child"]})
    assert record["everything"] and first.record({"unseen": []})["everything"] is None
    for made in ("__pycache__/a.pyc", ".hidden", "_freeze/a.json"):
        (tmp_path / "data" / made).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / made).write_text("2")
    assert State(tmp_path).difference(record) is None
    assert State(tmp_path).base() == first.base()
    (tmp_path / "data/below").mkdir()
    (tmp_path / "data/below/b.csv").write_text("2")
    assert State(tmp_path).difference(record) == "inputs"
    (tmp_path / "requirements.lock").write_text("numpy==2")
    assert State(tmp_path).base() != first.base()


def test_quarto_step_strips_scripts_from_other_hosts(tmp_path):
    """Any HTML output makes Quarto add two scripts from a CDN, which may stall behind a firewall."""
    book = tmp_path / "_book"
    book.mkdir()
    own = '<script src="site_libs/quarto-nav/quarto-nav.js"></script>\n<a href="https://example.org/">web</a>\n'
    (book / "index.html").write_text(
        '<script src="https://cdnjs.cloudflare.com/ajax/libs/require.js/2.3.6/require.min.js" '
        'integrity="sha512-c3Nl8+7g4LMSTdrm621y7kf9v3SDPnhxLNhcjFJbKECVnmZHTdo+IRO05sNLTH/D3vA6u1X32ehoLC7WFVdheg==" '
        'crossorigin="anonymous"></script>\n'
        '<script src="https://cdnjs.cloudflare.com/ajax/libs/jquery/3.5.1/jquery.min.js" '
        'crossorigin="anonymous" data-relocate-top="true"></script>\n'
        "<script type=\"application/javascript\">define('jquery', [],function() {return window.jQuery;})</script>\n"
        + own
    )
    (book / "theme.css").write_text(
        '/*a*/\n@import"https://fonts.googleapis.com/css2?family=Source+Sans+Pro:wght@300;400;700&display=swap";'
        ":root{--a:1}@import url(//fonts.example.org/b.css);@media print{a{b:c}}"
    )
    script = Path(__file__).parents[2] / "code/p2prisk/report/chapters/post_render.py"
    subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={**os.environ, "QUARTO_PROJECT_OUTPUT_DIR": str(book)},
    )
    assert (book / "index.html").read_text() == own
    assert (book / "theme.css").read_text() == "/*a*/\n:root{--a:1}@media print{a{b:c}}"
