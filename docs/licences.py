"""Write `licences.md` beside this file: the licences of what the lock files install, as its packages state them."""

import importlib.metadata
import re
from pathlib import Path

_HEAD = """# Licences of what is installed

Made by `docs/licences.py` from what the packages of `requirements.lock` and `requirements-more.lock` state of
themselves. Nothing of them is in this repository or in its wheel.

| package | licence |
|---|---|
"""


def table(locks):
    """The table as Markdown; a package that is not installed here (of another system) says so."""
    lines = "".join(lock.read_text(encoding="utf-8") for lock in locks)
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", lines, re.M)
    rows = {name.lower().replace("_", "-"): _licence(name) for name in names}
    return _HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in sorted(rows.items()))


def _licence(name):
    try:
        facts = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed on this system"
    classes = [line.split(" :: ")[-1] for line in facts.get_all("Classifier", []) if line.startswith("License ::")]
    stated = (facts.get("License") or "").strip().splitlines()
    short = stated[0] if stated and len(stated[0]) < 60 else ""
    return (facts.get("License-Expression") or ", ".join(classes) or short or "see its files").replace("|", "/")


if __name__ == "__main__":
    folder = Path(__file__).parent
    locks = [folder.parent / name for name in ("requirements.lock", "requirements-more.lock")]
    (folder / "licences.md").write_text(table(locks), encoding="utf-8")
