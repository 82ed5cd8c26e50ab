"""Count the resolved Lending Club loans for the chapters on watching and stressing a book.

    python data/build_lendingclub_watch.py [--input FILE] [--output FOLDER]

Writes four small tables into ``data/``; none holds a loan:

``lendingclub_vintages.csv``
    month of issue x term x age at the last payment of charged-off loans: ``loans`` (in the row of age 0) and
    ``charged_off``. A loan that never paid has age 0. The month of the charge-off itself is not on file; it follows
    the last payment by about five months.
``lendingclub_monthly_bands.csv``
    month of issue x attribute x band: ``n``. Bands of numbers are quartiles of the loans of 2009.
``lendingclub_monthly_scores.csv``
    36-month loans of 2010 and 2011, month of issue x tenth of the forecast: loans, and charge-offs over the life and
    with the last payment within twelve months, forecast and actual. The forecast of a month is that of the standard
    hazard fitted to what was known on the last day before it.
``lendingclub_outcomes.csv``
    term x severity: what a loan of the class earned and lost, as shares of the amount.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from p2prisk import load
from p2prisk.standard_hazard import fit_standard_hazard
from p2prisk.tape import CHARGE_OFF_LAG, LoanTape

#: last year of reference for the bands; last month since issue in which a payment ends an early failure
REFERENCE_YEAR, EARLY = 2009, 12
NUMBERS = ("amount", "income", "dti", "utilisation", "credit_history_years")


def prepare(frame):
    """Ages and months of issue."""
    month = frame["issue_date"].dt.strftime("%Y-%m")
    age = (
        (
            (frame["last_payment_date"].dt.year - frame["issue_date"].dt.year) * 12
            + frame["last_payment_date"].dt.month
            - frame["issue_date"].dt.month
        )
        .fillna(0)
        .astype(int)
    )
    return frame.assign(month=month, age_at_end=age)


def vintages(frame):
    """Loans, and charge-offs by age at the last payment."""
    loans = frame.groupby(["month", "term"]).size().rename("loans").reset_index().assign(age=0)
    failed = frame[frame["bad"]].groupby(["month", "term", "age_at_end"]).size().rename("charged_off").reset_index()
    table = loans.merge(failed.rename(columns={"age_at_end": "age"}), how="outer", on=["month", "term", "age"])
    table = table.sort_values(["month", "term", "age"]).fillna({"loans": 0, "charged_off": 0})
    return table[["month", "term", "age", "loans", "charged_off"]].astype({"loans": int, "charged_off": int})


def monthly_bands(frame):
    """Attributes of new loans by month, 2009 to 2011."""
    recent = frame[frame["issue_date"].dt.year >= REFERENCE_YEAR]
    base = recent[recent["issue_date"].dt.year == REFERENCE_YEAR]
    bands = {"term": recent["term"].astype(str) + " months"}
    for name in NUMBERS:
        cuts = base[name].quantile([0.25, 0.5, 0.75]).to_numpy()
        labels = np.array(["lowest quarter", "second quarter", "third quarter", "highest quarter"])
        codes = np.searchsorted(cuts, recent[name].to_numpy())
        bands[name] = pd.Series(np.where(recent[name].isna(), "missing", labels[np.minimum(codes, 3)]), recent.index)
    inquiries = recent["inquiries"]
    bands["inquiries"] = pd.Series(
        np.where(
            inquiries.isna(),
            "missing",
            np.where(inquiries >= 3, "3 and over", inquiries.fillna(0).astype(int).astype(str)),
        ),
        recent.index,
    )
    for name in ("home", "purpose", "verification"):
        bands[name] = recent[name].astype(str)
    parts = []
    for name, band in bands.items():
        count = pd.DataFrame({"month": recent["month"], "band": band}).groupby(["month", "band"]).size()
        parts.append(count.rename("n").reset_index().assign(variable=name))
    return pd.concat(parts)[["month", "variable", "band", "n"]]


def monthly_scores(tape):
    """Early charge-offs of the 36-month loans of 2010 and 2011, and the forecast known when each month began."""
    short = LoanTape(tape.frame[tape.frame["term"] == 36].reset_index(drop=True), tape.provenance)
    frame, parts = prepare(short.frame), []
    for month, new in frame[frame["issue_date"].dt.year > REFERENCE_YEAR].groupby("month"):
        known = short.as_of(pd.Timestamp(month) - pd.Timedelta(days=1))
        # whoever pays for the last time at EARLY months is charged off the lag later
        hazard = fit_standard_hazard(known)
        life, forecast = hazard.score(new), hazard.score(new, horizon=EARLY + CHARGE_OFF_LAG)
        if forecast.isna().any():
            raise SystemExit(f"{month}: {int(forecast.isna().sum())} loans have no forecast")
        band = 1 + pd.qcut(forecast.rank(method="first"), 10, labels=False)
        failed = new["bad"] & (new["age_at_end"] <= EARLY)
        part = pd.DataFrame(
            {
                "band": band,
                "loans": 1,
                "expected": life,
                "charged_off": new["bad"],
                "expected_early": forecast,
                "charged_off_early": failed,
            }
        )
        parts.append(part.groupby("band").sum().reset_index().assign(month=month))
    columns = ["month", "band", "loans", "expected", "charged_off", "expected_early", "charged_off_early"]
    table = pd.concat(parts)[columns].round({"expected": 6, "expected_early": 6})
    return table.astype({"charged_off": int, "charged_off_early": int})


def outcomes(frame):
    """What a loan of each class earned and lost, as shares of the amount lent."""
    rows = []
    for (term, severity), part in frame.groupby(["term", "severity"], observed=True):
        amount = part["amount"].sum()
        lost = (part["amount"] - part["principal_paid"]).clip(lower=0)
        recovered = part["recoveries"] - part["recovery_fee"]
        bad = bool(part["bad"].iloc[0])
        rows.append(
            {
                "term": term,
                "severity": severity,
                "loans": len(part),
                "earned": (part["interest_paid"] + part["late_fees"]).sum() / amount,
                "loss": (lost.sum() - recovered.sum()) / amount if bad else 0.0,
                "recovered": recovered.sum() / lost.sum() if bad else 0.0,
                "years": part["interest_paid"].sum() / (part["amount"] * part["rate"] / 100).sum(),
                "rate": (part["amount"] * part["rate"]).sum() / amount,
            }
        )
    return pd.DataFrame(rows).round(6)


def build(tape):
    """All four tables by file name."""
    frame = prepare(tape.frame)
    return {
        "lendingclub_vintages": vintages(frame),
        "lendingclub_monthly_bands": monthly_bands(frame),
        "lendingclub_monthly_scores": monthly_scores(tape),
        "lendingclub_outcomes": outcomes(frame),
    }


def main(arguments=None):
    """Build the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", help="lendingclub_2007_2011.csv.gz; default ../shared/data")
    parser.add_argument("--output", default=Path(__file__).parent, type=Path)
    options = parser.parse_args(arguments)
    for name, frame in build(load("lendingclub-2007-2011", path=options.input)).items():
        path = options.output / f"{name}.csv"
        frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        print(f"{path}: {len(frame):,d} rows")


if __name__ == "__main__":
    main()
