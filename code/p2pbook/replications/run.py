"""Frozen replications: results of loan files that are not part of the project, stored with all that made them.

``python -m p2pbook.replications NAME --input FILE`` reads the micro file, checks its SHA-256, computes the study
and writes ``data/replication/NAME.json``: name and hash of the input, rows read and used, versions, seed, and every
estimate with its interval. The chapters read these files through :func:`replication`; a test recomputes each one
where the micro file is at hand and fails on a difference beyond 1e-8.

The 2011 loans are a test set. The model is chosen by ``e2-selection`` inside 2007-2010 alone; ``e2-outcome`` then
looks at 2011 once, with every rival in the same run.
"""

import argparse
import time

from p2pbook.known import Descriptive, Known
from p2pbook.lendingclub import AFTER_ALL_ENDED
from p2pbook.replications.decisions import decisions_study
from p2pbook.replications.level import level_study
from p2pbook.replications.management import management_study
from p2pbook.replications.order import order_study
from p2pbook.replications.outcome import outcome_study
from p2pbook.replications.profile import profile_study
from p2pbook.replications.prosper import prosper_study, transfer_study
from p2pbook.replications.realtime import DATES, realtime_study
from p2pbook.replications.robustness import robustness_study, verification_study
from p2pbook.replications.selection import selection_study
from p2pbook.replications.stages import hazard_study, stages_study
from p2pbook.replications.store import difference, directory, document, dump, replication
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
    source, compute, known = STUDIES[name]
    from threadpoolctl import threadpool_limits

    tape = load(source, path=path)
    # one thread: sums come out in the same order on every machine, and busy cores do not slow the trees down
    with threadpool_limits(1):
        facts, tables = compute(tape)
    return document(name, source, known, tape, facts, tables)


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
        made = replicate(name, arguments.input)
        seconds = time.perf_counter() - start
        if arguments.check:
            size, where = difference(replication(name).document["facts"], made["facts"], "facts")
            size, where = max((size, where), difference(replication(name).document["tables"], made["tables"], "tables"))
            print(f"{name}: largest difference {size:.1e}" + (f" at {where}" if size else "") + f", {seconds:.0f} s")
            worst = max(worst, int(size > 1e-8))
        else:
            file = directory() / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dump(made), encoding="utf-8")
            print(f"{name}: {file.name} written, {file.stat().st_size / 1024:.0f} kB, {seconds:.0f} s")
    return worst


#: name -> data set, the study that computes facts and tables from its tape, and what was known when
STUDIES = {
    "e2-profile": ("lendingclub-2007-2011", profile_study, Descriptive("counts and shares of loans that have ended")),
    "e2-selection": ("lendingclub-2007-2011", selection_study, AFTER_ALL_ENDED),
    "e2-outcome": ("lendingclub-2007-2011", outcome_study, AFTER_ALL_ENDED),
    "e2-level": ("lendingclub-2007-2011", level_study, AFTER_ALL_ENDED),
    # each date with what was on file that day; the hindsight beside it is in a table of that name
    "e2-realtime": ("lendingclub-2007-2011", realtime_study, Known(" ".join(DATES), " ".join(DATES))),
    # each rule of the table `rules` has its own day; the card and the curve know all final outcomes
    "e2-decisions": ("lendingclub-2007-2011", decisions_study, Known("2010-12-31", "2017-04-30")),
    # what the marked loans of 2007 to 2010 lost, by final outcomes
    "e2-management": ("lendingclub-2007-2011", management_study, AFTER_ALL_ENDED),
    "e2-verification": (
        "lendingclub-2007-2011",
        verification_study,
        Descriptive("tests of assumptions on the loans that the model is fitted to"),
    ),
    "e2-robustness": (
        "lendingclub-2007-2011",
        robustness_study,
        Descriptive("odds ratios and points on the loans that the models are fitted to"),
    ),
    "e2-order": (
        "lendingclub-2007-2011",
        order_study,
        Descriptive("shares of fit on the loans that the models are fitted to"),
    ),
    "e2-stages": (
        "lendingclub-2007-2011",
        stages_study,
        Descriptive("odds ratios stage by stage on the loans that the models are fitted to"),
    ),
    "e2-hazard": (
        "lendingclub-2007-2011",
        hazard_study,
        Descriptive("ages at which loans ended, all of which have ended"),
    ),
    "e2-transfer": (
        "lendingclub-2007-2011",
        transfer_study,
        Descriptive("slopes on loans that have ended; what they rank is in e3-prosper"),
    ),
    # slopes of either platform rest on final outcomes; the first of the loans was issued on this day
    "e3-prosper": ("prosper", prosper_study, Known("2009-07-20", "2014-03-12")),
}
