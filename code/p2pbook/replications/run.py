"""Frozen replications: results of loan files that are not part of the project, stored with all that made them.

``python -m p2pbook.replications NAME --input FILE`` reads the micro file, checks its SHA-256, computes the study
and writes ``data/replication/NAME.json``: name and hash of the input, rows read and used, versions, seed, and every
estimate with its interval. The chapters read these files through :func:`replication`; a test recomputes each one
where the micro file is at hand and fails on a difference beyond 1e-8.

The 2011 loans are a test set. The model is chosen by ``e2-selection`` inside 2007-2010 alone; ``e2-outcome`` then
looks at 2011 once, with every rival in the same run.
"""

import argparse
import platform
import time

from p2pbook.replications.decisions import decisions, ratings
from p2pbook.replications.outcome import _outcome
from p2pbook.replications.profile import _profile
from p2pbook.replications.prosper import _prosper, _transfer
from p2pbook.replications.robustness import _robustness, _verification
from p2pbook.replications.selection import _selection
from p2pbook.replications.store import (
    _PACKAGES,
    SEED,
    _plain,
    _table,
    _version,
    difference,
    directory,
    dump,
    replication,
)
from p2prisk.datasets import load, shared_directory
from p2prisk.errors import DataError


def replicate(name, path=None):
    """Compute a replication from the micro file.

    Parameters
    ----------
    name : str
        One of :data:`STUDIES`.
    path : path-like, optional
        The micro file; by default it is looked for beside the repository (see :mod:`p2prisk.datasets`).

    Returns
    -------
    dict
        What the file in ``data/replication`` holds.
    """
    if name not in STUDIES:
        raise DataError(f"no replication is called {name!r}; known: {', '.join(STUDIES)}")
    source, compute = STUDIES[name]
    from threadpoolctl import threadpool_limits

    tape = load(source, path=path)
    # one thread: sums come out in the same order on every machine, and busy cores do not slow the trees down
    with threadpool_limits(1):
        facts, tables = compute(tape)
    aside = [{"reason": entry["reason"], "rows": entry["rows"]} for entry in tape.set_aside]
    return {
        "name": name,
        "input": {
            "data": source,
            "file": tape.provenance["path"],
            "sha256": tape.provenance["sha256"],
            "rows_read": tape.provenance["rows_read"],
            "rows": len(tape),
            "set_aside": _plain(aside),
            "source": tape.provenance["source"],
        },
        "seed": SEED,
        "versions": {"python": platform.python_version(), **{package: _version(package) for package in _PACKAGES}},
        "facts": _plain(facts),
        "tables": {key: _table(frame) for key, frame in tables.items()},
    }


def main(argv=None):
    """Command ``python -m p2pbook.replications``: recompute stored results from the micro file.

    Parameters
    ----------
    argv : list of str, optional

    Returns
    -------
    int
        0 when written or equal, 1 when ``--check`` finds a difference.
    """
    parser = argparse.ArgumentParser(
        prog="python -m p2pbook.replications",
        description="Recompute the frozen results of loan files that are not part of the project.",
    )
    parser.add_argument("name", choices=[*STUDIES, "all"], help="which replication")
    parser.add_argument("--input", help="the micro file; by default it is looked for beside the repository")
    parser.add_argument("--check", action="store_true", help="compare with the stored file instead of writing it")
    arguments = parser.parse_args(argv)
    if arguments.name == "all" and arguments.input:
        parser.error(
            f"--input goes with one replication; without it the files are looked for in {shared_directory() / 'data'}"
        )
    worst = 0
    for name in STUDIES if arguments.name == "all" else [arguments.name]:
        start = time.perf_counter()
        document = replicate(name, arguments.input)
        seconds = time.perf_counter() - start
        if arguments.check:
            size, where = difference(replication(name).document["facts"], document["facts"], "facts")
            size, where = max(
                (size, where), difference(replication(name).document["tables"], document["tables"], "tables")
            )
            print(f"{name}: largest difference {size:.1e}" + (f" at {where}" if size else "") + f", {seconds:.0f} s")
            worst = max(worst, int(size > 1e-8))
        else:
            file = directory() / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dump(document), encoding="utf-8")
            print(f"{name}: {file.name} written, {file.stat().st_size / 1024:.0f} kB, {seconds:.0f} s")
    return worst


STUDIES = {
    "e2-profile": ("lendingclub-2007-2011", _profile),
    "e2-selection": ("lendingclub-2007-2011", _selection),
    "e2-outcome": ("lendingclub-2007-2011", _outcome),
    "e2-decisions": ("lendingclub-2007-2011", decisions),
    "e3-ratings": ("prosper", ratings),
    "e2-verification": ("lendingclub-2007-2011", _verification),
    "e2-robustness": ("lendingclub-2007-2011", _robustness),
    "e2-transfer": ("lendingclub-2007-2011", _transfer),
    "e3-prosper": ("prosper", _prosper),
}
