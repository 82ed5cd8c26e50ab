"""Where a report comes from: what it read, with which program, and every inference on the way.

``lineage.json`` lies in the report's folder beside copies of the mapping, the decisions and the limits. It names files
by their names and hashes, never by the folders they lay in, and holds no row of a tape. ``p2prisk rerun`` makes the
same report of it, byte for byte, as long as the program and its packages are the same.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import p2prisk
from p2prisk.errors import DataError, count_of
from p2prisk.tape.mapping import builtin_names
from p2prisk.tape.pieces import joined_sha256, pieces_of
from p2prisk.tape.privacy import masked_name, name_kind

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike
    from p2prisk.report.study import TapeStudy

FILE, FORMAT = "lineage.json", "p2prisk.Lineage/1"
_PACKAGES = ("p2prisk", "bookkit")
#: what is copied into the report's folder, by role: settings, no rows
COPIED = {"map": "mapping.yml", "decisions": "decisions.yml", "limits": "limits.yml"}
#: options of the command that a rerun repeats
REPEATED = (
    "to",
    "format",
    "record_date",
    "on_error",
    "sheet",
    "encoding",
    "delimiter",
    "header_row",
    "loans",
    "anyway",
    "excel",
)
#: options that a rerun does not repeat, and why
NOT_REPEATED = {
    "output": "a rerun has its own",
    "editable": "the project, which is no part of the report",
    "docx": "is in `to`",
    "query": "a database may hold other rows by now: a report of one has no hash of its tape and is not made again",
}
#: files that a report reads beside the tape, by role
ROLES = ("map", "decisions", "limits", "declined", "instalments")
_NAME = {"type": "string", "pattern": r"^(?!\.{1,2}$)[^/\\\x00-\x1f]{1,255}$"}
_HASH = {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"}
_HELD = {"type": "object", "required": ["name", "sha256"], "properties": {"name": _NAME, "sha256": _HASH}}
_WORD = {"type": ["string", "integer", "boolean", "null"], "maxLength": 200}
#: what a rerun takes from a lineage, which may be a stranger's: no option but these, no path
_SCHEMA = {
    "type": "object",
    "required": ["format", "command", "files", "tape", "program"],
    "properties": {
        "format": {"const": FORMAT},
        "command": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(REPEATED, _WORD)
            | {"format": {"type": ["string", "null"], "pattern": r"^[\w-]*$"}},
        },
        "files": {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(ROLES, _HELD)},
        "tape": _HELD,
        "program": {
            "type": "object",
            "additionalProperties": {"type": "string", "maxLength": 100},
            "properties": {
                "versions": {
                    "type": "object",
                    "maxProperties": 1000,
                    "propertyNames": {"pattern": r"^[A-Za-z0-9._-]{1,80}$"},
                    "additionalProperties": {"type": "string", "pattern": r"^[\w.+!-]{1,60}$"},
                }
            },
        },
    },
}


def sha256(path: PathLike) -> str:
    """Hash of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def program() -> dict:
    """What computed: hashes of the package's files and of the lock, and the versions of all that it rests on.

    Returns
    -------
    dict
        ``version``, ``package_sha256`` (names and contents of the files of p2prisk and of what renders), ``lock``
        (hash of requirements.lock, or why there is none), ``python``, ``system``, ``versions`` (package -> version).
    """
    root = Path(p2prisk.__file__).parent
    digest = hashlib.sha256()
    for name in _PACKAGES:
        for path in sorted((root.parent / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(root.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    lock = root.parents[1] / "requirements.lock"
    return {
        "version": p2prisk.__version__,
        "package_sha256": digest.hexdigest(),
        "lock": sha256(lock) if lock.is_file() else "installed without a lock: the versions below stand for it",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Installed packages that this one rests on, with those of its extras, and their versions."""
    found: dict[str, str] = {}
    wanted = ["p2prisk"]
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in found:
            continue
        try:
            own = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = own.version
        extras = name == "p2prisk"
        lines = [line for line in own.requires or () if extras or "extra ==" not in line]
        wanted += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines]
    return dict(sorted(found.items()))


def inferences(study: TapeStudy) -> pd.DataFrame:
    """Every inference on the way to a study.

    Parameters
    ----------
    study : TapeStudy
        Whose sections have been tried.

    Returns
    -------
    pandas.DataFrame
        ``about`` (format, unit, record date, cohort, event, grades, test, classes, predictor), ``value``, ``rule``,
        ``reason``.
    """
    facts, sample = study.tape.provenance, study.sample
    rows = [
        ("format", facts.get("format", "canonical"), "named, or by the header", "its columns are those of the file")
    ]
    for name in ("encoding", "delimiter", "header_line", "currency"):
        if facts.get(name) not in (None, ""):
            rows.append((name.replace("_", " "), repr(facts[name]).strip("'"), "read from the file or its mapping", ""))
    if facts.get("record_date"):
        how = "latest date on the tape" if facts.get("record_date_inferred") else "given, or by the rule of the format"
        rows.append(("record date", facts["record_date"], how, "loans are judged as they stood on it"))
    for note in study.tape.notes:
        what, rows_ = note["what"], count_of(note["rows"], "row")
        rows.append(("unit or code", f"{note['column']}: {what}", "by the values of the column", rows_))
    for entry in sample.set_aside:
        rows.append(
            ("cohort", f"{count_of(entry['rows'], 'row')} set aside", entry["reason"], "counted, and in no number")
        )
    if study.event is not None:
        rows.append(("event", study.event.name, study.event.kind, study.event.rule))
    if facts.get("grade_order") or sample.provenance.get("grade_order"):
        known = sample.provenance
        rows.append(
            (
                "grades",
                known.get("grade_order", ""),
                "stated, by letters, or by the losses",
                known.get("grade_words", ""),
            )
        )
    if not study.parts["test on other loans"]:
        judged = study.judged
        rows.append(("test", judged.tested, judged.built, judged.hindsight or "same event on both sides"))
    if not study.parts["outcome model"]:
        rows += _of_model(study.outcome_model)
    if not study.parts["score card"]:
        card = study.card
        found = f"{len(card.card.scale.labels)} grades" if card.card.scale else "no master scale"
        decided = study.settings.decisions.get("grades", "bounds")
        rule = "bounds decided by the lender" if decided else "likelihood, rising rates, neighbours that differ"
        rows.append(("classes", found, rule, card.why))
    table = pd.DataFrame(rows, columns=["about", "value", "rule", "reason"])
    return table.map(str)


def _of_model(model):
    for rule in model.rules:
        name, kind = rule["column"], rule["kind"]
        if kind == "number":
            how = "as the logarithm of one more" if rule["log"] else "as it is"
            yield "predictor", name, how, "held inside the quantiles of 0.5 and 99.5 per cent"
        elif kind == "category":
            few = len(rule["rare"])
            rare = f"; {few} rare one{' counts' if few == 1 else 's count'} as {rule['spare']}" if few else ""
            merged = "".join(f"; {level} joins {into}" for level, into in rule.get("merged", {}).items())
            yield (
                "classes",
                f"{name}: {len(rule['levels'])} classes{rare}{merged}",
                "one loan in a hundred, five at least",
                "",
            )
        else:
            yield "predictor", name, kind, ""
    for note in model.notes:
        yield "classes", note, "finite estimates", ""
    for name, why in model.left_out.items():
        yield "predictor", f"{name}: not used", "chosen by rule", why


def record(study: TapeStudy, command: dict, files: dict[str, PathLike | None], model: str) -> dict:
    """The lineage of a study.

    Parameters
    ----------
    study : TapeStudy
        Whose sections have been tried.
    command : dict
        Options of the command, without paths.
    files : dict
        Role (``map``, ``decisions``, ``limits``, ``declined``, ``instalments``) -> file, None where there is none.
    model : str
        The model file of the study; empty where there is none.

    Returns
    -------
    dict
        What JSON can hold.
    """
    facts = study.tape.provenance
    tape = {"name": facts.get("name") or facts.get("path"), "sha256": facts.get("sha256"), "bytes": facts.get("bytes")}
    if name_kind(command.get("sheet") or ""):  # a rerun finds it by its place
        command = command | {"sheet": str(facts["sheet_number"]) if "sheet_number" in facts else None}
    held = {
        role: {"name": COPIED[role], "sha256": hashlib.sha256(copied(path).encode()).hexdigest()}
        if role in COPIED
        else {"name": masked_name(Path(path).name), "sha256": sha256(path)}
        for role, path in files.items()
        if path
    }
    return {
        "format": FORMAT,
        "command": command,
        "seeds": {"loans drawn for a test": 20_100, "bootstrap": 0},
        "tape": tape | {"rows_read": facts.get("rows_read", len(study.tape))},
        "files": held,
        "model_sha256": hashlib.sha256(model.encode()).hexdigest() if model else None,
        "inferences": inferences(study).to_dict("records"),
        "decisions": study.settings.decisions.plain,
        "program": program(),
    }


def copied(path: PathLike) -> str:
    """A file of settings as it lies beside a report: without its comments, in which its writer may name anybody.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "map.yml")
    ...     _ = path.write_text("# ask Maria Roth\\ntitle: 'a # b'  # hers\\n")
    ...     copied(path)
    "title: 'a # b'\\n"
    """
    import yaml

    text = Path(path).read_text(encoding="utf-8-sig")
    spans = []
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.ScalarToken):  # a block of text begins below its head, which may have a comment
            start = token.start_mark.index
            spans.append((text.find("\n", start) if token.style in ("|", ">") else start, token.end_mark.index))
    made, last = "", 0
    for found in re.finditer(r"(?:^|[ \t]+)#", text, re.MULTILINE):
        if found.start() >= last and not any(start <= found.end() - 1 < end for start, end in spans):
            end = text.find("\n", found.end())
            end = len(text) if end < 0 else end + (found.start() == 0 or text[found.start() - 1] == "\n")
            made, last = made + text[last : found.start()], end
    return made + text[last:]


def read(path: PathLike) -> dict[str, Any]:
    """A lineage that :func:`record` made.

    Raises
    ------
    DataError
        Absent, or something else; or it names an option or a path that no report writes.
    """
    import jsonschema

    path = Path(path)
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise DataError(f"{path.name}: there is no such file; the report's folder holds a {FILE}")
    try:
        plain = json.loads(path.read_text(encoding="utf-8")) if 0 < path.stat().st_size <= 1 << 24 else None
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise DataError(f"{path.name}: no lineage of 'p2prisk report'")
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(_SCHEMA).iter_errors(plain))
    if fault is not None:
        place = ".".join(map(str, fault.absolute_path)) or "its top"
        raise DataError(f"{path.name}: not as 'p2prisk report' writes it, at {place}: {fault.message[:200]}")
    named = plain["command"].get("format")
    if named not in (None, "auto", "canonical", *builtin_names()):  # a mapping of that name here has no hash
        raise DataError(f"{path.name}: the format {named!r} is none of this program")
    return plain


def find(name: str, digest: str | None, given: PathLike | None, folders: list[Path]) -> Path:
    """A file of a lineage: that which is given, or the one of its name in a folder; the content must be the same.

    Raises
    ------
    DataError
        It is nowhere, or has changed.
    """
    if digest is None:
        raise DataError(
            f"{name} was no file (a database, or loans that come with this package): it cannot be read again"
        )
    places = [Path(given)] if given else [folder / Path(name).name for folder in folders]
    path = next((place for place in places if place.is_file() or place.is_dir()), None)
    if path is None:
        raise DataError(f"{masked_name(name)} is not there; lay it beside {FILE}, or name it with --tape FILE")
    found = joined_sha256([sha256(piece.source) for piece in pieces_of(path)])
    if found != digest:
        raise DataError(f"{path.name} is another file than the one of the report: its hash begins {found[:16]}")
    return path


def options(command: dict) -> list[str]:
    """Words of the command line for the options that :func:`record` was given.

    Examples
    --------
    >>> options({"to": "html", "loans": 500, "anyway": True, "excel": False, "sheet": None})
    ['--to=html', '--loans=500', '--anyway']
    """
    words = []
    for name, value in command.items():
        flag = "--" + name.replace("_", "-")
        words += [flag] if value is True else [f"{flag}={value}"] if value not in (None, False) else []
    return words


def changes(then: dict) -> list[str]:
    """What is another program now than in a lineage, in words; empty where nothing is."""
    now = program()
    told = [
        f"{name}: {then.get(name)} then, {now[name]} now"
        for name in ("version", "package_sha256", "lock", "python", "system")
        if then.get(name) != now[name]
    ]
    old, new = then.get("versions", {}), now["versions"]
    told += [
        f"{name} {old.get(name, 'absent')} then, {new.get(name, 'absent')} now"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return told


def compare(one: Path, other: Path) -> tuple[int, list[str]]:
    """Files that two reports have in common byte for byte, and the names of those that differ or are in one only."""

    def held(folder):
        return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}

    first, second = held(one), held(other)
    both = [name for name in first if name in second and first[name].read_bytes() == second[name].read_bytes()]
    return len(both), sorted((first.keys() | second.keys()) - set(both))
