"""The layout holds: the packages import from anywhere, and nothing shadows the standard library's `code`."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_pdb_and_p2prisk_import_from_the_repository_root():
    script = "import code, pdb, p2prisk, p2pbook, bookkit; assert code.interact; print(p2prisk.__file__)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (ROOT / "code" / "p2prisk") in Path(done.stdout.strip()).parents


def test_code_is_no_package():
    assert not (ROOT / "code" / "__init__.py").exists()


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


FLOORS = [
    {"errors"},
    {"tape", "datasets", "simulate"},
    {"ordered", "hazard"},
    {"assumptions", "effects", "validation"},
    {"scorecard"},
    {"policy", "monitor", "stress", "platform"},
    {"report"},
]


def test_modules_import_only_from_floors_below():
    level = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
    wrong = []
    for path in (ROOT / "code" / "p2prisk").rglob("*.py"):
        module = path.relative_to(ROOT / "code" / "p2prisk").parts[0].removesuffix(".py")
        for found in re.findall(r"^\s*(?:from|import) p2prisk\.(\w+)", path.read_text(encoding="utf-8"), re.M):
            if found in ("figures", "tables") and module not in ("figures", "tables", "report", "cli"):
                wrong.append(f"{path.name} imports {found}: a result must not know how it is shown")
            if module in level and found != module and level.get(found, -1) > level[module]:
                wrong.append(f"{path.name} ({module}) imports {found} from a floor above")
    assert wrong == []


def test_importing_the_package_is_light():
    script = (
        "import sys, p2prisk; "
        "print([m for m in ('pandera', 'numba', 'dask', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_every_dependency_has_its_reason():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    entries = [line.strip() for line in lines if re.match(r'\s+"[\w\[\],.-]+>=[\d.]+",', line)]
    assert len(entries) > 20
    assert [line for line in entries if "#" not in line] == []


def test_lock_file_is_pinned_by_hash_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=[a-z0-9])", text) if re.match(r"[a-z0-9._-]+(\[.*\])?==", block)]
    assert len(blocks) > 60
    assert all("--hash=sha256:" in block for block in blocks)
    assert "http" not in text and "--index-url" not in text
