"""Feed the readers, mappings, models, formulas and the command line what nobody meant for them.

    python benchmarks/fuzz.py [INPUTS] [SEED] [PROCESSES]

Every input either does what it says or is refused with a message: an exception that is not the package's own is a
traceback; one that takes longer than 20 seconds is slow. Where the truth is known (cells and dialects), a value that is
read as another one, or a row that is neither read nor counted, is a misreading. An input is remade by its kind and its
number alone, which are printed for each fault: ``python benchmarks/fuzz.py --one KIND NUMBER``.
"""

from __future__ import annotations

import contextlib
import copy
import gzip
import io
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from p2prisk import OrderedLogit, read_tape
from p2prisk.cli import main
from p2prisk.errors import P2PRiskError
from p2prisk.ordered.formula import NUMBERS, compute, read_formula, stateful
from p2prisk.ordered.results import OrderedResults
from p2prisk.saved import checksum
from p2prisk.scorecard import Scorecard
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import iter_tape

#: seconds for one input
LONGEST = 20
#: cells that are not what the column holds, or are by a hair
ODD = (
    "",
    " ",
    "NA",
    "n/a",
    "-",
    "--",
    "?",
    "null",
    "None",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e20",
    "-0",
    "0x10",
    "1_000",
    "1,000",
    "1.000,00",
    "1'000",
    "1 000",
    "(100)",
    "100-",
    "+5",
    "5%",
    "50 %",
    "$5",
    "5 €",
    "½",
    "１２",
    "٣",
    "12.5.2013",
    "2013-02-30",
    "0000-00-00",
    "9999-12-31",
    "31/12/13",
    "2013",
    "Jan-13",
    "True",
    "yes",
    "=1+1",
    "@x",
    "'",
    '"',
    '""',
    ";",
    "\t",
    "a\nb",
    "\x00",
    "\ufeff",
    "\u202e",
    "ä",
    "王",
    "x" * 300,
    "A",
    "Z9",
    "[1, 2]",
    "{}",
    "1;2",
    "1|2",
    "NaT",
    "99999999999999999999",
    "3.4.5",
    "1e-400",
    ".5",
    "5.",
)
MARKS = [
    b"\x00",
    b"\xff",
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\\",
    b"\xef\xbb\xbf",
    b"\x1a",
    b"=",
    b"-",
]


def loans(rows=40, seed=1):
    """The tape that is spoilt: canonical columns, as text."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "loan_id": [f"L{number:04d}" for number in range(rows)],
            "issue_date": [f"2013-{1 + number % 12:02d}-{1 + number % 28:02d}" for number in range(rows)],
            "amount": (rng.integers(10, 350, rows) * 100).astype(str),
            "term": rng.choice(["36", "60"], rows),
            "income": rng.integers(20_000, 90_000, rows).astype(str),
            "dti": rng.uniform(1, 40, rows).round(2).astype(str),
            "home": rng.choice(["rent", "own", "mortgage"], rows),
            "grade": rng.choice(list("ABCD"), rows),
            "status": rng.choice(["paid", "charged off"], rows, p=[0.7, 0.3]),
        }
    )


def spoilt(data: bytes, rng: random.Random) -> bytes:
    """Bytes with a few changes: flipped, lost, doubled, cut, or marks put in."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 10))):
        place = rng.randrange(len(made) + 1)
        what = rng.randrange(6)
        if what == 0 and place < len(made):
            made[place] = rng.randrange(256)
        elif what == 1:
            del made[place : place + rng.choice((1, 2, 20))]
        elif what == 2:
            made[place:place] = rng.choice(MARKS) * rng.choice((1, 1, 2, 50))
        elif what == 3:
            made[place:place] = made[place : place + rng.choice((1, 30, 300))]
        elif what == 4:
            del made[place:]
        else:
            made[place:place] = rng.randbytes(rng.choice((1, 4, 40)))
    return bytes(made)


class Misread(Exception):
    """What was read is not what was written."""


# ---------------------------------------------------------------- kinds: each takes a generator and a folder


def _take(path, rng, format="canonical"):
    """Read a tape one way or the other; look at it."""
    lenient = rng.choice(("raise", "missing"))
    if rng.random() < 0.3:
        for tape in iter_tape(path, format, rows=rng.choice((7, 1000)), on_error=lenient):
            len(tape.frame)
        return None
    tape = read_tape(path, format, on_error=lenient)
    tape.quality().summary()
    return tape


def any_bytes(rng, folder):
    """Random bytes, some beginning as a known kind of file."""
    head = rng.choice(
        (b"", b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh9", b"amount,term\n", b"\xff\xfe")
    )
    (folder / "x.csv").write_bytes(head + rng.randbytes(rng.choice((0, 1, 10, 300))))
    _take(folder / "x.csv", rng, rng.choice((None, "canonical")))


def text_file(rng, folder):
    """A tape of text with changed bytes."""
    data = (
        loans().to_csv(index=False, sep=rng.choice(",;\t|")).encode(rng.choice(("utf-8", "utf-16", "gbk", "utf-8-sig")))
    )
    (folder / "x.csv").write_bytes(spoilt(data, rng))
    _take(folder / "x.csv", rng)


def packed(rng, folder):
    """A packed tape with changed bytes, outside or inside."""
    import bz2
    import lzma

    data = loans().to_csv(index=False).encode()
    data = spoilt(data, rng) if rng.random() < 0.3 else data
    pack = rng.choice((gzip.compress, bz2.compress, lzma.compress, None))
    if pack is None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(rng.choice(("a.csv", "../a.csv", "/etc/x", "xl/a")), data)
        made = stream.getvalue()
    else:
        made = pack(data)
    (folder / "x.csv").write_bytes(spoilt(made, rng) if rng.random() < 0.8 else made)
    _take(folder / "x.csv", rng)


_BOOK: dict[str, bytes] = {}


def workbook(rng, folder):
    """A workbook with a changed part, or changed bytes."""
    if not _BOOK:
        stream = io.BytesIO()
        loans(12).to_excel(stream, index=False)
        with zipfile.ZipFile(stream) as archive:
            _BOOK.update({name: archive.read(name) for name in archive.namelist()})
    parts = dict(_BOOK)
    name = rng.choice(list(parts))
    if rng.random() < 0.1:
        del parts[name]
    else:
        parts[name] = spoilt(parts[name], rng)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    made = stream.getvalue()
    (folder / "x.xlsx").write_bytes(spoilt(made, rng) if rng.random() < 0.2 else made)
    _take(folder / "x.xlsx", rng)


_PARQUET: list[bytes] = []


def parquet(rng, folder):
    """A Parquet file with changed bytes, or with columns of odd types."""
    if rng.random() < 0.3:
        frame = loans(12)
        name = rng.choice(list(frame.columns))
        frame[name] = (
            rng.choice(
                (
                    pd.Series([b"\xff"] * 12),
                    pd.Series(pd.date_range("2013", periods=12, tz="UTC")),
                    pd.Series(pd.to_timedelta(range(12), "D")),
                    pd.Series(range(12), dtype="uint64"),
                    pd.Series([True, None] * 6, dtype="boolean"),
                    pd.Series([1.5, np.inf] * 6),
                    pd.Series([{"a": 1}] * 12),
                    pd.Series(pd.Categorical(["a", "b"] * 6)),
                    pd.Series([None] * 12),
                    pd.Series(pd.period_range("2013", periods=12, freq="M").astype(str)),
                )
            ).to_numpy()
            if rng.random() < 0.5
            else [rng.choice((1, 2.5, "x", None)) for _ in range(12)]
        )
        try:
            frame.to_parquet(folder / "x.parquet")
        except Exception:  # pandas cannot write that mixture
            return
    else:
        if not _PARQUET:
            stream = io.BytesIO()
            loans(12).to_parquet(stream)
            _PARQUET.append(stream.getvalue())
        (folder / "x.parquet").write_bytes(spoilt(_PARQUET[0], rng))
    _take(folder / "x.parquet", rng)


def cells(rng, folder):
    """A sound table with odd cells: what is not odd must come back, and every row be counted."""
    frame = loans()
    changed = set()
    for _ in range(rng.choice((1, 2, 5, 20))):
        row, column = rng.randrange(len(frame)), rng.choice(list(frame.columns))
        frame.loc[row, column] = rng.choice(ODD)
        changed.add((row, column))
    frame.to_csv(folder / "x.csv", index=False)
    tape = read_tape(folder / "x.csv", "canonical", on_error=rng.choice(("raise", "missing")))
    tape.quality().summary()
    aside = sum(entry["rows"] for entry in tape.set_aside)
    if len(tape.frame) + aside != len(frame):
        raise Misread(f"{len(frame)} rows written, {len(tape.frame)} read, {aside} set aside")
    if aside:
        return
    for column in ("amount", "income", "dti", "term"):
        want = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float)
        got = tape.frame[column].to_numpy(dtype=float, na_value=np.nan)
        for row in range(len(frame)):
            if (row, column) not in changed and want[row] != got[row]:
                raise Misread(f"{column}, row {row + 1}: {frame[column][row]} read as {got[row]}")


def dialect(rng, folder):
    """A sound tape in a random dialect comes back to the last value, or is refused."""
    from fuzz_dialects import random_dialect, same

    path, format, truth = random_dialect(rng, folder, loans(60, seed=rng.randrange(1000)))
    same(read_tape(path, format), truth)


VALUES: tuple = (
    None, True, False, 0, 1, -1, 5, 1.5, float("inf"), float("nan"), "", "x", "car", "amount", "detect", "?", "=", [],
    [[]], ["x"], [1, None], {}, {"x": 1}, {"a": {"b": []}}, {1: 2}, {None: None}, "2013-01-01", "9" * 400, "%Y", "[",
    "\x00", ["%Y-%m-%d", 5],
)  # fmt: skip
KEYS = (
    "from", "required", "unit", "recode", "otherwise", "text", "order", "reference", "date", "years_before",
    "share_of", "missing", "blank_is", "days_since", "month_from", "zero_is_never_unless", "first_letter",
    "levels_text", "decimal", "format",
    "title", "currency", "record_date", "record_date_from", "columns", "unused", "inquiries_window", "strict",
    "source", "x",
)  # fmt: skip


def _changed(value, rng, depth=0):
    """A nested value with one part replaced, added or lost."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        what = rng.randrange(8)
        if what == 0:
            del value[key]
        elif what == 1:
            value[rng.choice((*KEYS, *COLUMNS))] = copy.deepcopy(rng.choice(VALUES))
        else:
            value[key] = _changed(value[key], rng, depth + 1)
        return value
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        if rng.random() < 0.2:
            del value[place]
        else:
            value[place] = _changed(value[place], rng, depth + 1)
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.5:
        return rng.choice((-value, value + 1, value * 1e300, value / 3, 0, str(value)))
    return copy.deepcopy(rng.choice(VALUES))


COLUMNS = tuple(loans(2).columns)
MAPPING = {
    "format": "bank",
    "title": "Loans",
    "currency": "EUR",
    "record_date": "2020-01-01",
    "missing": ["none"],
    "columns": {
        "loan_id": {"from": "loan_id"},
        "issue_date": {"from": "issue_date", "date": ["%Y-%m-%d"]},
        "amount": {"from": "amount", "required": True},
        "term": {"from": ["term", "months"]},
        "income": {"from": "income", "unit": "per month", "missing": [-1]},
        "dti": {"from": "dti", "unit": "detect"},
        "home": {"from": "home", "recode": {"rent": "rent", "own": None}, "otherwise": "other"},
        "grade": {"from": "grade", "order": ["A", "B", "C", "D"]},
        "purpose": {"from": "home", "text": "words", "reference": "rent"},
        "status": {"from": "status", "recode": {"paid": "paid"}, "otherwise": "charged off"},
    },
    "unused": {"x": "no use"},
}


def _mapped(folder, rng):
    if not (folder / "loans.csv").exists():
        loans().to_csv(folder / "loans.csv", index=False)
    _take(folder / "loans.csv", rng, folder / "m.yml")


_DATABASE: list[bytes] = []
QUERIES = (
    "SELECT", "select * from loans", "loans", "*", "FROM", "WHERE", "amount", "term", "1", "'x'", ";", "--", "/*",
    "*/", "(", ")", ",", "WITH x AS (SELECT 1)", "UNION ALL", "DELETE FROM loans", "DROP TABLE loans",
    "INSERT INTO loans", "UPDATE loans SET amount = 1", "ATTACH 'x.db' AS y", "PRAGMA query_only=OFF",
    "load_extension('x')", "VACUUM INTO 'y.db'", "RETURNING *", "\n", "\x00", "é", "\"", "writefile('a', 'b')",
    "VALUES (1, 2)", "TABLE loans", "CREATE TABLE z AS SELECT 1", "zeroblob(9)", "randomblob(9)", "LIMIT 5",
)  # fmt: skip


def database(rng, folder):
    """An SQLite file with changed bytes, or a sound one and a query of random words: nothing is written."""
    if not _DATABASE:
        with contextlib.closing(sqlite3.connect(folder / "made.db")) as connection:
            loans(12).to_sql("loans", connection, index=False)
        _DATABASE.append((folder / "made.db").read_bytes())
    path, spoil = folder / "x.db", rng.random() < 0.5
    data = spoilt(_DATABASE[0], rng) if spoil else _DATABASE[0]
    path.write_bytes(data)
    query = "SELECT * FROM loans"
    if not spoil:
        query = " ".join(rng.choice(QUERIES) for _ in range(rng.choice((1, 2, 3, 5, 9))))
        query = rng.choice((query, f"SELECT * FROM loans {query}", f"WITH a AS ({query}) SELECT * FROM loans"))
    before = set(folder.iterdir())
    try:
        read_tape(f"sqlite:///{path}", "canonical", query=query, on_error=rng.choice(("raise", "missing")))
    finally:
        if path.read_bytes() != data or set(folder.iterdir()) != before:
            raise Misread("a query has written")


def mapping(rng, folder):
    """A mapping with values of other kinds."""
    made = copy.deepcopy(MAPPING)
    for _ in range(rng.choice((1, 1, 2, 4))):
        made = _changed(made, rng)
    (folder / "m.yml").write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8", errors="replace")
    _mapped(folder, rng)


def mapping_text(rng, folder):
    """The text of a mapping with changed bytes."""
    (folder / "m.yml").write_bytes(spoilt(yaml.safe_dump(MAPPING).encode(), rng))
    _mapped(folder, rng)


_MODELS: dict = {}


def _models():
    """A model, a card and an ordered logit as text, with their readers; and loans to score."""
    if not _MODELS:
        with tempfile.TemporaryDirectory() as folder:
            loans(400).to_csv(Path(folder) / "x.csv", index=False)
            frame = read_tape(Path(folder) / "x.csv", "canonical").frame
            fitted = fit_standard(read_tape(Path(folder) / "x.csv", "canonical"), "severity", ["income", "home", "dti"])
        logit = OrderedLogit.from_formula("severity ~ np.log(income) + bs(dti, df=4) + C(home)", frame).fit()
        _MODELS["loans"] = frame.head(30)
        _MODELS["kinds"] = [
            (StandardModel, fitted.to_json()),
            (OrderedResults, logit.to_json()),
            (Scorecard, Scorecard.from_result(fitted, default_from=str(fitted.results.categories[-1])).to_json()),
        ]
    return _MODELS


def _model_text(rng):
    return rng.choice(_models()["kinds"])


def _scored(kind, folder):
    restored, frame = kind.from_json(folder / "m.json"), _models()["loans"]
    if kind is Scorecard:
        scores = restored.score(frame)
        numbers = scores.select_dtypes("number") if isinstance(scores, pd.DataFrame) else pd.Series(scores)
        if not np.isfinite(numbers.to_numpy(dtype=float, na_value=0.0)).all():
            raise Misread("a damaged card gives points that are none")
        return
    scores = restored.score(frame) if kind is StandardModel else pd.DataFrame(restored.predict(frame))
    if kind is StandardModel:
        scores = scores[[name for name in scores if name.startswith("p_")]]
    probabilities = scores.to_numpy(dtype=float)
    if not (np.isfinite(probabilities).all() and (abs(probabilities.sum(axis=1) - 1) < 1e-6).all()):
        raise Misread("a damaged model scores with probabilities that are none")


def model(rng, folder):
    """A model or a card with other values and a forged checksum."""
    kind, text = _model_text(rng)
    plain = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 4))):
        plain = _changed(plain, rng)
    if not isinstance(plain, dict):
        plain = {"format": plain}
    with contextlib.suppress(ValueError, TypeError):
        if isinstance(plain.get("model"), dict):
            plain["model"]["checksum"] = checksum(plain["model"])
        plain["checksum"] = checksum(plain)
    with contextlib.suppress(TypeError):
        (folder / "m.json").write_text(json.dumps(plain), encoding="utf-8", errors="replace")
        _scored(kind, folder)


def model_text(rng, folder):
    """The text of a model with changed bytes."""
    kind, text = _model_text(rng)
    (folder / "m.json").write_bytes(spoilt(text.encode(), rng))
    _scored(kind, folder)


TOKENS = (
    "income", "dti", "home", "C(", "np.log(", "log1p(", "np.log1p(", "bs(", "center(", "scale(", "I(", "Q(", "(", ")",
    "[", "]", "{", "}", "+", "-", "*", "**", "/", ":", "~", "|", "^", "1", "0", "-1", "2.5", "1e999", "x", "''",
    "'home'", '"', ",", "=", "df=3", "degree=1", "Treatment(", "'own'", " ", "\n", "lambda:", "__import__('os')",
    "income.values", "é", "王", "\x00", "#", "\\", "`", "@", "%in%", "poly(", "exp(", "sqrt(", "abs(", "income**2",
    "5//0", "1/0", "not", "if",
)  # fmt: skip


def formula(rng, folder):
    """A formula of random tokens, or a sound one with changed characters."""
    if rng.random() < 0.6:
        text = "".join(rng.choice(TOKENS) for _ in range(rng.choice((1, 3, 6, 12, 300))))
    else:
        sound = rng.choice(
            ("income + dti", "C(home) * dti", "np.log(income) + bs(dti, df=4)", "C(home, Treatment('own'))")
        )
        text = spoilt(sound.encode(), rng).decode("utf-8", "replace")
    if rng.random() < 0.7:  # the closed language, in which a model file is written
        frame = _models()["loans"]
        for term in read_formula(text, list(frame.columns)):
            for factor in term:
                if not stateful(factor) and factor.kind != "call" or factor.value in NUMBERS:
                    compute(factor, frame, {})
        return
    side = rng.choice(("status ~ ", "status ~ ", "C(status) ~ ", "", "~", "status ~ dti ~ "))
    frame = _models()["loans"].assign(status=pd.Categorical(["a", "b", "c"] * 10, ordered=True))
    OrderedLogit.from_formula(side + text, frame)


def command_line(rng, folder):
    """Commands with arguments in any order, of any kind."""
    source = folder / "loans.csv"
    if not source.exists():
        loans(200).to_csv(source, index=False)
        (folder / "sound.json").write_text(_models()["kinds"][0][1])
        (folder / "sound.yml").write_text(yaml.safe_dump(MAPPING))
    words = (
        str(source), "x.csv", "", "-", "--", ".", str(folder), "sqlite:///x.db", "http://x", "\udcff", "é", "0", "-1",
        "1e9", "NaT", "2020-01-01", "2020-02-30", "amount,term", "severity", "grade", "bad", "lendingclub",
        "canonical", "nowhere", str(folder / "sound.yml"), str(folder / "sound.json"), str(folder / "out.csv"),
        str(folder / "out.json"), str(folder / "out.parquet"), "x" * 5000, "SELECT 1", "raise", "missing", "flag",
        "refuse", "{python}", "$HOME", "a\nb",
    )  # fmt: skip
    options = (
        "--format", "--map", "--query", "--record-date", "--instalments", "--on-error", "--html", "--strict",
        "--output", "--outcome", "--predictors", "--model", "--drift", "--rows", "--key", "--encoding", "--delimiter",
        "--sheet", "--header-row", "--help", "--version", "-x",
    )  # fmt: skip
    argv = [rng.choice(("check", "map", "fit", "score", "keys", "check", "nothing", "monitor", "stress"))]
    argv += [str(source)] if rng.random() < 0.8 else []
    if argv[0] in ("fit", "score", "keys") and rng.random() < 0.7:
        argv += ["--output", str(folder / rng.choice(("out.csv", "out.json", "out.parquet")))]
    if argv[0] == "score" and rng.random() < 0.7:
        argv += ["--model", str(folder / "sound.json")]
    for _ in range(rng.choice((0, 1, 2, 4))):
        argv += [rng.choice(options)] + [rng.choice(words)] * (rng.random() < 0.9)
    code = main(argv)
    if code not in (0, 1, 2):
        raise Misread(f"exit code {code}")


KINDS = (
    any_bytes,
    text_file,
    packed,
    workbook,
    parquet,
    cells,
    dialect,
    database,
    mapping,
    mapping_text,
    model,
    model_text,
    formula,
    command_line,
)
#: share of the inputs by kind
SHARES = (14, 4, 6, 2, 5, 2, 1, 8, 5, 8, 16, 11, 15, 3)


# ---------------------------------------------------------------- running them


class Slow(Exception):
    """An input took too long."""


def _ring(number, frame):
    raise Slow


def one(kind, number, folder, seed=0):
    """Outcome of one input, and in words what went wrong."""
    rng = random.Random(f"{seed}/{kind.__name__}/{number}")
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _ring)
        signal.alarm(LONGEST)
    quiet = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            warnings.simplefilter("ignore")
            kind(rng, folder)
    except P2PRiskError:
        return "refused", ""
    except SystemExit as stop:
        return ("refused", "") if stop.code in (0, 1, 2) else ("traceback", f"exit code {stop.code}")
    except Misread as error:
        return "misread", str(error)
    except Slow:
        return "slow", ""
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "traceback", f"{type(error).__name__}: {str(error)[:150]} at {Path(place.filename).name}:{place.lineno}"
    finally:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)
    return "done", ""


def run(kind, numbers, seed=0):
    """Counts by outcome of some inputs of a kind, and what went wrong."""
    counts, faults = {"done": 0, "refused": 0, "traceback": 0, "misread": 0, "slow": 0}, []
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ["P2PRISK_TRACEBACK"] = "1"
        try:
            for number in numbers:
                outcome, words = one(kind, number, Path(name), seed)
                counts[outcome] += 1
                if outcome not in ("done", "refused"):
                    faults.append(f"{kind.__name__} {number}: {outcome} {words}")
        finally:
            os.chdir(before)
            os.environ.pop("P2PRISK_TRACEBACK", None)
    return counts, faults


def _job(job):
    kind, first, last, seed = job
    return kind, *run(KINDS[kind], range(first, last), seed)


def table(total, seed, processes):
    """Run so many inputs, and print the table."""
    begin, jobs = time.time(), []
    for place, share in enumerate(SHARES):
        count = round(total * share / sum(SHARES))
        jobs += [(place, first, min(first + 250, count), seed) for first in range(0, count, 250)]
    random.Random(1).shuffle(jobs)
    sums: dict = {place: {} for place in range(len(KINDS))}
    with Pool(processes, maxtasksperchild=20) as pool:
        for done, (place, counts, faults) in enumerate(pool.imap_unordered(_job, jobs), 1):
            for outcome, number in counts.items():
                sums[place][outcome] = sums[place].get(outcome, 0) + number
            for fault in faults:
                print(fault, file=sys.stderr, flush=True)
            if done % 20 == 0:
                print(f"{done} of {len(jobs)} parts, {time.time() - begin:.0f} s", file=sys.stderr, flush=True)
    print("| kind | inputs | done | refused | tracebacks | misreadings | slow |\n|---|---:|---:|---:|---:|---:|---:|")
    total_row = [0] * 6
    for place, kind in enumerate(KINDS):
        counts = [sums[place].get(name, 0) for name in ("done", "refused", "traceback", "misread", "slow")]
        row = [sum(counts), *counts]
        total_row = [a + b for a, b in zip(total_row, row, strict=True)]
        print(f"| {kind.__name__.replace('_', ' ')} | " + " | ".join(f"{value:,d}" for value in row) + " |")
    print("| all | " + " | ".join(f"{value:,d}" for value in total_row) + " |")
    print(f"\nSeed {seed}, {time.time() - begin:,.0f} seconds on {processes} processes.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        chosen = next(kind for kind in KINDS if kind.__name__ == sys.argv[2])
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            os.environ["P2PRISK_TRACEBACK"] = "1"
            chosen(
                random.Random(f"{sys.argv[4] if len(sys.argv) > 4 else 0}/{chosen.__name__}/{sys.argv[3]}"), Path(place)
            )
    else:
        given = [int(text) for text in sys.argv[1:4]]
        table(*given, *(100_000, 0, 2)[len(given) :])
