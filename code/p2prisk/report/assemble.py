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

import json
import re
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.escape import escaped, visible
from p2prisk.report import lineage
from p2prisk.report.workbook import write_workbook

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

#: the chapters of the study of a tape, of this package and from nowhere else
CHAPTERS = Path(__file__).resolve().parent / "chapters"
_NEEDS = re.compile(r"^<!-- needs: ([a-z ,]+) -->\n(.*?)^<!-- end -->\n?", re.M | re.S)


def assemble(study: TapeStudy, target: str | Path, templates: str | Path | None = None) -> dict:
    """Write the project of a tape's study: its chapters and what was computed, and no row of the tape.

    Parameters
    ----------
    study : TapeStudy
    target : str or pathlib.Path
        Folder that receives the project; it must exist.
    templates : str or pathlib.Path, optional
        Folder with ``_quarto.yml`` and the chapters; in ``_quarto.yml`` the words ``TITLE`` and ``SUBTITLE`` are
        replaced by the tape's.

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
    results = study.results()
    files = _beside(study, results, target)
    results.values["files"] = files
    results.write(target)
    shutil.copytree(str(resources.files("p2prisk") / "assets" / "fonts"), target / "fonts")
    left_out: dict = {}
    for path in sorted(Path(templates or CHAPTERS).iterdir()):
        if path.is_dir():  # byte code, where the package was installed
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".qmd":
            text = _NEEDS.sub(lambda match: _section(match, study, left_out), text)
        if path.name == "_quarto.yml":
            text = text.replace("RESOURCES", json.dumps(list(files["file"])))
            text = text.replace("SUBTITLE", _yaml(study.subtitle)).replace("TITLE", _yaml(f"Loan tape: {study.name}"))
        (target / path.name).write_text(text, encoding="utf-8")
    return left_out


def _model(study):
    """The model file, with the grades of the report, which are then those of `p2prisk score`; empty without a model."""
    if study.parts["outcome model"]:
        return ""
    if not study.parts["master scale"]:
        study.outcome_model.scale = study.card.card.scale.to_plain()
    return study.outcome_model.to_json()


def _beside(study, results, target):
    """Write what lies beside the pages: lineage, model, settings, workbook. What each file is, as a table."""
    rows, settings = [], study.settings
    model = _model(study)
    if model:
        (target / "model.json").write_text(model, encoding="utf-8")
        rows.append(("model.json", "the model of the outcome: p2prisk score --model model.json applies it"))
    for role, name in lineage.COPIED.items():
        if settings.files.get(role):
            (target / name).write_text(lineage.copied(settings.files[role]), encoding="utf-8")
            rows.append((name, {"map": "the mapping of the tape"}.get(role, f"the {role} that were given")))
    found = lineage.record(study, settings.command, settings.files, model)
    text = json.dumps(found, ensure_ascii=False, indent=1, default=str)
    (target / lineage.FILE).write_text(text + "\n", encoding="utf-8")
    rows.insert(0, (lineage.FILE, "where this study comes from: p2prisk rerun lineage.json makes it again"))
    results.values["inferences"] = pd.DataFrame(found["inferences"])
    versions = {"p2prisk": found["program"]["version"], **found["program"].pop("versions")}
    found["program"]["package_sha256"] = _in_pieces(found["program"]["package_sha256"])
    found["program"]["lock"] = _in_pieces(found["program"]["lock"])
    facts = {name.replace("_", " "): value for name, value in found["program"].items() if name != "version"}
    results.values["program"] = pd.DataFrame([*facts.items()], columns=["what", "value"])
    results.values["versions"] = pd.DataFrame([*versions.items()], columns=["package", "version"])
    if settings.command.get("excel"):
        write_workbook(results, target / "tables.xlsx")
        rows.append(("tables.xlsx", "every table of this study; text is text"))
    return pd.DataFrame(rows, columns=["file", "what"])


def _in_pieces(digest):
    """A hash that a line can break."""
    return " ".join(re.findall(".{1,16}", digest)) if len(digest) == 64 else digest


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
