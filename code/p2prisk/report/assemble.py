"""The project of a tape's study: which chapters and sections the tape can carry.

A section is marked in a template by lines of its own::

    <!-- needs: vintages -->
    ...
    <!-- end -->

with the parts of :class:`p2prisk.report.study.TapeStudy`, separated by commas. Every part is computed once before
anything is written: where the tape does not carry it, or it cannot be computed, its section is left out and one line
says why.
"""

from __future__ import annotations

import re
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from p2prisk.errors import DataError
from p2prisk.escape import escaped, visible

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

_NEEDS = re.compile(r"^<!-- needs: ([a-z ,]+) -->\n(.*?)^<!-- end -->\n?", re.M | re.S)


def assemble(study: TapeStudy, templates: str | Path, target: str | Path) -> dict:
    """Write the project of a tape's study, with the tape itself in it.

    Parameters
    ----------
    study : TapeStudy
    templates : str or pathlib.Path
        Folder with ``_quarto.yml`` and the chapters; in ``_quarto.yml`` the words ``TITLE`` and ``SUBTITLE`` are
        replaced by the tape's.
    target : str or pathlib.Path
        Folder that receives the project; it must exist.

    Returns
    -------
    dict
        Part that was left out -> why.

    Raises
    ------
    DataError
        A template needs a part that nobody knows.
    """
    target = Path(target)
    study.try_parts()
    study.write(target)
    shutil.copytree(str(resources.files("p2prisk") / "assets" / "fonts"), target / "fonts")
    left_out: dict = {}
    for path in sorted(Path(templates).iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".qmd":
            text = _NEEDS.sub(lambda match: _section(match, study, left_out), text)
        if path.name == "_quarto.yml":
            text = text.replace("SUBTITLE", _yaml(study.subtitle)).replace("TITLE", _yaml(f"Loan tape: {study.name}"))
        (target / path.name).write_text(text, encoding="utf-8")
    return left_out


def _section(match, study, left_out):
    """The section where the tape meets its needs, else one line that says why not."""
    wanted = [name.strip() for name in match[1].split(",")]
    unknown = [name for name in wanted if name not in study.parts]
    if unknown:
        raise DataError(f"a template needs {unknown[0]!r}; parts are {', '.join(study.parts)}")
    missing = {name: study.parts[name] for name in wanted if study.parts[name]}
    if not missing:
        return match[2]
    left_out.update(missing)
    reasons = escaped("; ".join(dict.fromkeys(missing.values())), "markdown")
    return f"*Left out ({', '.join(missing)}): {reasons}.*\n\n"


def _yaml(text):
    """Text of the title inside quotation marks of YAML: there it is Markdown, as everywhere in Quarto."""
    return re.sub(r"([\\\"])", r"\\\1", _active(visible(text)))


def _active(text):
    return re.sub(r"([\\`*_{}\[\]<>$@~^#|&:'\"])", r"\\\1", text)
