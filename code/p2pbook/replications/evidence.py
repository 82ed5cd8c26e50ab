"""``make evidence``: every frozen result computed again from the public loan files and compared with what is stored.

The loan files are obtained where they are not at hand (:mod:`p2prisk.obtain`). What has been compared is written down
at once in ``data/recomputed.json``, which is no part of the repository: a run that was interrupted goes on with the
next result, and a result is computed again only when the file, the code, the packages or what is stored have changed.
The chapters read the day from there (:func:`p2pbook.replications.recomputed`).
"""

import argparse
import hashlib
import json
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import p2prisk
from p2pbook.replications import store
from p2pbook.replications.run import STUDIES, replicate
from p2prisk.datasets import micro_entry
from p2prisk.errors import P2PRiskError
from p2prisk.obtain import obtain
from p2prisk.outputs import Output


def main(argv=None):
    """Command ``python -m p2pbook.replications.evidence``.

    Parameters
    ----------
    argv : list of str, optional

    Returns
    -------
    int
        0 when every result came out again, 1 when one did not, 2 when a loan file is lacking, 130 when interrupted.
    """
    parser = argparse.ArgumentParser(
        prog="python -m p2pbook.replications.evidence",
        description="Compute every frozen result again from the public loan files and compare it.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(STUDIES)}")
    parser.add_argument("--anew", action="store_true", help="forget what an earlier run has compared")
    given = parser.parse_args(argv)
    names = given.names or list(STUDIES)
    if set(names) - set(STUDIES):
        parser.error(f"known are {', '.join(STUDIES)}")
    lacking = _files({STUDIES[name][0] for name in names})
    done, rows = {} if given.anew else store.recomputations(), []
    start = time.perf_counter()
    try:
        for number, name in enumerate(names, 1):
            step = f"{number} of {len(names)}, {name}"
            if STUDIES[name][0] in lacking:
                rows.append((name, STUDIES[name][0], "no file", "", ""))
                continue
            key, before = _key(name), done.get(name, {})
            if before.get("key") == key:
                _say(f"{step}: compared on {before['day']}")
            else:
                took = f", about {before['seconds']:.0f} s" if "seconds" in before else ""
                _say(f"{step} ... ({time.perf_counter() - start:.0f} s so far{took})")
                done[name] = before = _compared(name, key)
                _write(done)
            equal = before["difference"] is not None and before["difference"] <= store.TOLERANCE
            found = "other text" if before["difference"] is None else f"{before['difference']:.0e}"
            rows.append((name, STUDIES[name][0], "equal" if equal else "DIFFERS", found, before["day"]))
            if not equal:
                _say(f"  differs at {before['where']}")
    except KeyboardInterrupt:
        _say(f"interrupted after {len(rows)} of {len(names)}; the next run goes on from here")
        return 130
    _say("\n" + _table(rows))
    for reason in lacking.values():
        _say(f"\n{reason}")
    return 1 if any(row[2] == "DIFFERS" for row in rows) else 2 if lacking else 0


def _say(line):
    print(line, flush=True)


def _files(sources):
    """Obtain the loan files; from the name of each that cannot be had to the reason."""
    lacking = {}
    for source in sorted(sources):
        try:
            obtain(micro_entry(source)["obtain"], say=_say)
        except P2PRiskError as error:
            lacking[source] = str(error)
    return lacking


def _compared(name, key):
    """Compute a result and compare it: what is written down of it."""
    start = time.perf_counter()
    made, stored = json.loads(json.dumps(replicate(name))), store.replication(name).document
    size, where = store.difference(
        *({part: text[part] for part in ("input", "facts", "tables")} for text in (stored, made))
    )
    return {
        "key": key,
        "stored": store.stored_sha256(name),
        "day": datetime.now(UTC).date().isoformat(),
        "difference": size if size < float("inf") else None,
        "where": where,
        "seconds": round(time.perf_counter() - start, 1),
    }


def _write(done):
    """Write down what has been compared; a run that ends in the middle leaves the file whole."""
    with Output(store.recomputations_path()) as output:
        output.stream.write((json.dumps(done, indent=1) + "\n").encode())


def _key(name):
    """What a comparison rests on: the loan file, what is stored, the code, the packages."""
    parts = [micro_entry(STUDIES[name][0])["content"], store.stored_sha256(name), _code(), json.dumps(store.versions())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _code():
    """SHA-256 of the code that computes results: the method, and the book's evidence without its pages and pictures."""
    method, book = Path(p2prisk.__file__).parent, Path(__file__).parents[1]
    files = [*method.rglob("*.py"), *book.glob("*.py"), *(book / "replications").glob("*.py")]
    files = sorted(file for file in files if file.name != Path(__file__).name)
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _table(rows):
    heads = ("result", "loans", "to eight digits", "largest difference", "compared on")
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    )


if __name__ == "__main__":
    raise SystemExit(main())
