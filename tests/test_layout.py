"""The layout holds: the packages import from anywhere, and nothing shadows the standard library's `code`."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_pdb_and_p2prisk_import_from_the_repository_root():
    script = "import code, pdb, p2prisk, p2pbook, bookkit; assert code.interact; print(p2prisk.__file__)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (ROOT / "code" / "p2prisk") in Path(done.stdout.strip()).parents


def test_code_is_no_package():
    assert not (ROOT / "code" / "__init__.py").exists()


def test_what_builds_the_book_stays_small():
    """The mark of its rebuilding; what it does beyond is to be had from a library, or given up."""
    lines = [line for path in (ROOT / "code/bookkit").rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert 3000 < len(lines) <= 3800


def test_the_files_that_run_first_are_there():
    """In the order of tests/conftest.py; a name that is none would be passed over."""
    words = (ROOT / "tests/conftest.py").read_text(encoding="utf-8").partition('LONGEST = """')[2].partition('"""')[0]
    assert len(words.split()) > 10 and [name for name in words.split() if not (ROOT / "tests" / name).exists()] == []


def test_nobody_edits_sys_path():
    offenders = [
        str(path.relative_to(ROOT))
        for folder in ("code", "tests", "benchmarks", "chapters", "data")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".qmd"}
        and path != Path(__file__)
        and re.search(r"sys\.path\s*(\.|\[|\+?=)", path.read_text(encoding="utf-8"))
    ]
    assert offenders == []


def test_importing_the_package_is_light():
    script = "import sys, p2prisk; print([m for m in ('numba', 'dask', 'sklearn', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_check_does_without_scipy_and_fit_without_its_distributions(tmp_path):
    """They take longer to import than a hundred thousand loans to check."""
    rng = np.random.default_rng(5)
    income, late = rng.normal(50_000, 9_000, 600).round(), rng.random(600) < 0.3
    rows = [f"L{row},{income[row]:.0f},{8 + row % 7},{'charged off' if late[row] else 'paid'}" for row in range(600)]
    (tmp_path / "tape.csv").write_text("\n".join(["loan_id,income,rate,status", *rows]), encoding="utf-8")
    script = "import sys; from p2prisk.cli import main; sys.exit(main(sys.argv[2:]) or sys.argv[1] in sys.modules)"
    for banned, words in (("scipy", ["check", "tape.csv"]), ("scipy.stats", ["fit", "tape.csv", "--output", "m.json"])):
        words = [sys.executable, "-c", script, banned, *words, "--format", "canonical"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (banned, done.stdout, done.stderr)


def test_every_dependency_has_its_reason():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    entries = [line.strip() for line in lines if re.match(r'\s+"[\w\[\],.-]+>=[\d.]+",', line)]
    assert len(entries) > 20
    assert [line for line in entries if "#" not in line] == []


@pytest.mark.parametrize(
    ("name", "least"), [("requirements.lock", 60), ("requirements-more.lock", 6), ("requirements-oldest.lock", 40)]
)
def test_lock_files_are_pinned_by_hash_and_name_no_host(name, least):
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=[a-z0-9])", text) if re.match(r"[a-z0-9._-]+(\[.*\])?==", block)]
    assert len(blocks) > least
    assert all("--hash=sha256:" in block for block in blocks)
    assert "http" not in text and "--index-url" not in text


def _public():
    """(room, dotted name, function) of every public function and method of the method's rooms."""
    import p2prisk

    for room in pkgutil.iter_modules(p2prisk.__path__):
        if room.name == "__main__":
            continue
        module = importlib.import_module(f"p2prisk.{room.name}")
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")]):
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield room.name, name, value
            elif inspect.isclass(value) and not dataclasses.is_dataclass(value):
                for method, function in vars(value).items():
                    if inspect.isfunction(function) and (method == "__init__" or not method.startswith("_")):
                        yield room.name, f"{name}.{method}", function


def test_public_names_carry_type_hints():
    without = [
        f"{room}.{name}"
        for room, name, function in _public()
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
        and parameter.annotation is parameter.empty
        or inspect.signature(function).return_annotation is inspect.Signature.empty
    ]
    assert sorted(set(without)) == []
    assert (ROOT / "code" / "p2prisk" / "py.typed").is_file()


#: What is longer than LINES, or takes more than PARAMETERS, and why it may.
LINES, PARAMETERS = 80, 8
LARGER = {
    "p2prisk/tape/read.py read_tape": "public: what a lender types for a file that does not read by itself",
    "p2prisk/tape/read.py iter_tape": "public: the arguments of read_tape that hold for pieces",
    "p2prisk/tape/read.py read_raw": "hands on the arguments of read_tape",
    "p2prisk/ordered/compiled.py _sums": "numba: one pass over the rows, arrays in and out, no objects",
    "p2prisk/ordered/compiled.py turn": "numba: see _sums",
    "p2prisk/ordered/compiled.py products": "numba: see _sums",
    "p2prisk/ordered/compiled.py parallel_logit_sums": "calls the kernel: its arguments are the kernel's arrays",
    "p2prisk/hazard/compiled.py spell_sums": "numba: one pass over the spells, arrays in and out, no objects",
    "p2prisk/report/judged.py __init__": "holds one field each: what was tested, on what, and what came",
}


def test_functions_are_short_and_take_few_things():
    """Lines of code without the docstring, and parameters without self; each larger one has its reason here."""
    larger = set()
    for path in sorted((ROOT / "code").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                words = ast.get_docstring(node, clean=False) or ""
                lines = node.end_lineno - node.lineno + 1 - (words.count("\n") + 1 if words else 0)
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if lines > LINES or sum(one.arg not in ("self", "cls") for one in given) > PARAMETERS:
                    larger.add(f"{path.relative_to(ROOT / 'code')} {node.name}")
    assert larger - set(LARGER) == set(), "give it a shape: steps with names, or settings in a frozen dataclass"
    assert set(LARGER) - larger == set(), "no longer larger: strike it from the list"
