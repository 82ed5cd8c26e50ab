"""Frozen results of loan files that are not part of the project: where they lie, how they are read and compared."""

import hashlib
import json
import os
import platform
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from p2pbook.known import read, stamp
from p2prisk.datasets import data_directory
from p2prisk.errors import DataError

#: Largest relative difference that counts as none: eight digits.
TOLERANCE = 1e-8

#: Seed of every draw in the studies.
SEED = 2011

#: Packages whose versions a stored file names.
_PACKAGES = ("numpy", "scipy", "pandas", "formulaic", "scikit-learn", "statsmodels")


def directory():
    """Folder of the stored replications."""
    return data_directory() / "replication"


class Replication:
    """A stored replication: :attr:`facts` by name, :meth:`table` by name.

    Parameters
    ----------
    document : dict
        Content of the file.

    Raises
    ------
    DataError
        It says neither the day of its decision nor that it describes.
    """

    def __init__(self, document):
        self.document = document
        self.facts = document["facts"]
        #: the day of its decision and what was known, or that it describes; see :mod:`p2pbook.known`
        self.known = read(document)
        if self.known is None:
            raise DataError(
                f"data/replication/{document.get('name')}.json says neither its decision_date and known_until nor that "
                "it is descriptive: what it holds cannot be stated; name them in STUDIES and compute it again"
            )

    def table(self, name):
        """A stored table as a DataFrame."""
        if name not in self.document["tables"]:
            raise DataError(
                f"{self.document['name']} has no table {name!r}; it has " + ", ".join(self.document["tables"])
            )
        entry = self.document["tables"][name]
        return pd.DataFrame(entry["rows"], columns=entry["columns"])

    def __getitem__(self, name):
        return self.facts[name]

    def __repr__(self):
        return f"<Replication {self.document['name']}: {', '.join([*self.facts, *self.document['tables']])}>"


def replication(name):
    """Read a stored replication.

    Parameters
    ----------
    name : str
        One of :data:`p2pbook.replications.run.STUDIES`.

    Returns
    -------
    Replication

    Raises
    ------
    DataError
        If there is none of that name.
    """
    file = directory() / f"{name}.json"
    if not file.is_file():
        raise DataError(
            f"no replication {name!r} in {file.parent}; make it with: "
            f"python -m p2pbook.replications {name} --input FILE"
        )
    return Replication(json.loads(file.read_text(encoding="utf-8")))


@contextmanager
def stamped(name):
    """Give every number made inside what the stored replication `name` says was known when; a decorator, too.

    Parameters
    ----------
    name : str
        Of the replication; it is read when the function is entered.
    """
    with stamp(replication(name).known) as known:
        yield known


def _plain(value):
    """Turn numpy and pandas values into what JSON knows; a missing number becomes None."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def stored_table(frame):
    """A table as it is stored: ``columns`` and ``rows``."""
    return {
        "columns": [str(column) for column in frame.columns],
        "rows": [_plain(list(row)) for row in frame.itertuples(index=False, name=None)],
    }


def document(name, source, known, tape, facts, tables):
    """All that a stored file holds: input, what was known when, seed, versions, and what was computed.

    Parameters
    ----------
    name, source : str
        Of the replication, and of the data set.
    known : Known or Descriptive
    tape : LoanTape
        What it was computed from.
    facts : dict
    tables : dict of pandas.DataFrame

    Returns
    -------
    dict
    """
    return {
        "name": name,
        **known.stored(),
        "input": {
            "data": source,
            "file": tape.provenance["path"],
            "sha256": tape.provenance["sha256"],
            "rows_read": tape.provenance["rows_read"],
            "rows": len(tape),
            "set_aside": _plain([{"reason": entry["reason"], "rows": entry["rows"]} for entry in tape.set_aside]),
            "source": tape.provenance["source"],
        },
        "seed": SEED,
        "versions": versions(),
        "facts": _plain(facts),
        "tables": {key: stored_table(frame) for key, frame in tables.items()},
    }


def difference(stored, computed, path=""):
    """Largest relative difference between two documents, and where it is.

    Numbers are compared relative to the larger of one and their size; anything else must be equal.

    Returns
    -------
    size : float
        Infinite where something other than a number differs.
    where : str

    Examples
    --------
    >>> difference({"a": [1.0, 2.0]}, {"a": [1.0, 2.002]})
    (0.001, '/a/1')
    >>> difference({"a": 1}, {"b": 1})
    (inf, '')
    """
    pairs = []
    if isinstance(stored, dict) and isinstance(computed, dict):
        if stored.keys() != computed.keys():
            return np.inf, path
        pairs = [(stored[key], computed[key], f"{path}/{key}") for key in stored]
    elif isinstance(stored, list) and isinstance(computed, list):
        if len(stored) != len(computed):
            return np.inf, path
        pairs = [(a, b, f"{path}/{i}") for i, (a, b) in enumerate(zip(stored, computed, strict=True))]
    elif (
        isinstance(stored, bool)
        or isinstance(computed, bool)
        or not (isinstance(stored, int | float) and isinstance(computed, int | float))
    ):
        return (0.0 if type(stored) is type(computed) and stored == computed else np.inf), path
    else:
        return round(abs(stored - computed) / max(1.0, abs(stored)), 15), path
    worst = (0.0, path)
    for a, b, where in pairs:
        worst = max(worst, difference(a, b, where), key=lambda found: found[0])
    return worst


def versions():
    """Versions of Python and of the packages that a result hangs on."""
    return {"python": platform.python_version(), **{package: _version(package) for package in _PACKAGES}}


def stored_sha256(name):
    """SHA-256 of a stored replication."""
    return hashlib.sha256((directory() / f"{name}.json").read_bytes()).hexdigest()


def recomputations_path():
    """Where ``make evidence`` writes down what it has compared on this machine; no part of the repository."""
    return data_directory() / "recomputed.json"


def recomputations():
    """What ``make evidence`` has compared on this machine: from name to day, largest difference, seconds."""
    place = recomputations_path()
    return json.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}


def recomputed(name):
    """The day on which a stored replication, as it is now, last came out again on this machine.

    Returns
    -------
    str
        ISO day; "" where it was not computed here, came out otherwise, or has been stored anew since. Also "" in the
        runs that make and check the executed references of the chapters: the day is the machine's, not the book's.
    """
    if os.environ.get("BOOKKIT_REFERENCE"):
        return ""
    entry = recomputations().get(name, {})
    equal = entry.get("difference") is not None and entry["difference"] <= TOLERANCE
    return entry["day"] if equal and entry["stored"] == stored_sha256(name) else ""


def came_out_again(*names):
    """Say beside frozen results whether they came out again on this machine, and when all of them last had.

    Examples
    --------
    >>> came_out_again()
    'they have not been recomputed on this machine'
    """
    days = [recomputed(name) for name in names]
    if days and all(days):
        return f"they were recomputed on this machine on {max(days)}"
    return "they have not been recomputed on this machine"


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def dump(document):
    """The text of a replication file: stable, one row of a table a line."""
    tables = document["tables"]
    head = json.dumps({key: value for key, value in document.items() if key != "tables"}, indent=1, ensure_ascii=False)
    parts = []
    for name, table in tables.items():
        rows = ",\n   ".join(json.dumps(row, ensure_ascii=False) for row in table["rows"])
        parts.append(f'  {json.dumps(name)}: {{"columns": {json.dumps(table["columns"])},\n   "rows": [\n   {rows}]}}')
    return head[:-2] + ',\n "tables": {\n' + ",\n".join(parts) + "\n }\n}\n"
