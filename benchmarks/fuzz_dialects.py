"""A known tape in the dialects in which lenders write theirs, and what is read against what was written."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import sqlite3
import zipfile

import numpy as np
import pandas as pd

#: how a date is written, and how a mapping says so
DATES = {
    "iso": "%Y-%m-%d",
    "slashes": "%Y/%m/%d",
    "german": "%d.%m.%Y",
    "british": "%d/%m/%Y",
    "american": "%m/%d/%Y",
    "plain": "%Y%m%d",
    "words": "%d-%b-%Y",
    "time": "%Y-%m-%d %H:%M:%S",
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gbk", "cp1252", "latin-1")


def european(value):
    """1234.5 as 1.234,5."""
    return f"{value:,}".replace(",", "_").replace(".", ",").replace("_", ".")


NUMBERS = {
    "plain": str,
    "grouped": lambda value: f"{value:,}",
    "comma": lambda value: str(value).replace(".", ","),
    "european": european,
    "blank": lambda value: f"{value:,}".replace(",", " "),
    "swiss": lambda value: f"{value:,}".replace(",", "'"),
    "padded": lambda value: f" {value} ",
}
CONTAINERS = ("", ".gz", ".zip", ".bz2", ".xz")


def truth_of(frame):
    """The tape as values: what must come back."""
    truth = frame.copy()
    for name in ("amount", "term", "income", "dti"):
        truth[name] = truth[name].astype(float)
    truth["issue_date"] = pd.to_datetime(truth["issue_date"])
    return truth


def written(
    frame,
    folder,
    kind="csv",
    delimiter=",",
    quoting=csv.QUOTE_MINIMAL,
    encoding="utf-8",
    numbers="plain",
    dates="iso",
    ends="\n",
    container="",
    missing="",
    order=None,
    title=False,
):
    """Write a tape in a dialect; its path and the mapping that says of it what a lender knows."""
    truth, made = truth_of(frame), frame.copy()
    if order is not None:
        made = made[order]
    for name in ("amount", "income", "dti"):
        values = truth[name] if name == "dti" else truth[name].astype(int)
        made[name] = [NUMBERS[numbers](value) for value in values.tolist()]
    made["issue_date"] = truth["issue_date"].dt.strftime(DATES[dates])
    if missing:
        made.loc[made.index[::9], "income"] = missing
        truth.loc[truth.index[::9], "income"] = np.nan
    rules: dict = {name: {"from": name} for name in frame}
    rules["issue_date"]["date"] = [DATES[dates]]
    if numbers in ("comma", "european"):
        for name in ("amount", "income", "dti"):
            rules[name]["decimal"] = ","
    mapping = {"columns": rules, **({"missing": [missing]} if missing else {})}
    if kind in ("xlsx", "parquet", "typed parquet", "sqlite", "typed xlsx"):
        typed = truth if kind.startswith("typed") or kind == "sqlite" else made
        if kind.startswith("typed") or kind == "sqlite":
            mapping = {"columns": {name: {"from": name} for name in frame}}
        if kind == "sqlite":
            typed = typed.assign(issue_date=typed["issue_date"].dt.strftime("%Y-%m-%d"))
            with sqlite3.connect(folder / "loans.db") as connection:
                typed.to_sql("loans", connection, index=False, if_exists="replace")
            connection.close()
            return f"sqlite:///{folder / 'loans.db'}", mapping, truth
        path = folder / ("loans.xlsx" if "xlsx" in kind else "loans.parquet")
        typed.to_excel(path, index=False) if "xlsx" in kind else typed.to_parquet(path)
        return path, mapping, truth
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=ends)
    if title:
        writer.writerow(["Loans of the bank"])
    writer.writerow(made.columns)
    writer.writerows(made.to_numpy().tolist())
    data = stream.getvalue().encode(encoding)
    path = folder / f"loans.csv{container}"
    if container == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("loans.csv", data)
    else:
        pack = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[container]
        path.write_bytes(pack(data))
    return path, mapping, truth


#: dialects, each as the arguments of :func:`written`
DIALECTS = (
    *({"delimiter": mark} for mark in ",;\t|"),
    *({"delimiter": mark, "numbers": "comma"} for mark in ";\t|"),
    *({"delimiter": ";", "numbers": kind} for kind in ("grouped", "european", "blank", "swiss", "padded")),
    {"delimiter": ",", "numbers": "grouped"},
    {"delimiter": ",", "numbers": "european", "quoting": csv.QUOTE_ALL},
    *({"encoding": name} for name in ENCODINGS if name != "utf-8"),
    {"quoting": csv.QUOTE_ALL, "ends": "\r\n"},
    {"quoting": csv.QUOTE_NONNUMERIC},
    {"title": True},
    {"title": True, "delimiter": ";", "numbers": "european", "ends": "\r\n"},
    *({"dates": name} for name in DATES if name != "iso"),
    *({"missing": word} for word in ("n.v.", "-", "k.A.")),
    *({"container": end} for end in CONTAINERS if end),
    *({"kind": kind} for kind in ("xlsx", "typed xlsx", "parquet", "typed parquet", "sqlite")),
)


def random_dialect(rng, folder, frame):
    """A dialect by chance."""
    order = list(frame.columns)
    rng.shuffle(order)
    numbers = rng.choice(list(NUMBERS))
    delimiters = ";\t|" if numbers in ("comma", "european") and rng.random() < 0.7 else ",;\t|"
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC))
    return written(
        frame,
        folder,
        kind=rng.choice(("csv", "csv", "csv", "csv", "xlsx", "typed xlsx", "parquet", "typed parquet")),
        delimiter=rng.choice(delimiters),
        quoting=quoting,
        encoding=rng.choice(ENCODINGS),
        numbers=numbers,
        dates=rng.choice(list(DATES)),
        ends=rng.choice(("\n", "\r\n")),
        container=rng.choice(CONTAINERS),
        missing=rng.choice(("", "", "NA", "n.v.", "-", "k.A.")),
        order=order,
        title=rng.random() < 0.15,
    )


def same(tape, truth):
    """Compare a tape with the truth, to the last value."""
    from fuzz import Misread

    frame = tape.frame
    if len(frame) != len(truth):
        raise Misread(f"{len(truth)} rows written, {len(frame)} read")
    for name in truth.columns:
        if name not in frame:
            raise Misread(f"{name} is not read")
        want, got = truth[name], frame[name]
        if name == "issue_date":
            equal = want.to_numpy("datetime64[D]") == got.to_numpy("datetime64[D]")
        elif want.dtype.kind == "f":
            want, got = want.to_numpy(), got.to_numpy(dtype=float, na_value=np.nan)
            equal = (want == got) | (np.isnan(want) & np.isnan(got))
        else:
            equal = want.astype(str).to_numpy() == got.astype(str).to_numpy()
        if not np.all(equal):
            row = int(np.flatnonzero(~equal)[0])
            raise Misread(f"{name}, row {row + 1}: {truth[name].iloc[row]!r} read as {frame[name].iloc[row]!r}")
