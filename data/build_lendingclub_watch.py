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
    36-month loans of 2010 and 2011, month of issue x tenth of the forecast: loans, forecast and actual charge-offs
    over the life and within twelve payments. Forecasts come from ordered logits fitted on the loans of 2007 to 2009.
``lendingclub_outcomes.csv``
    term x severity: what a loan of the class earned and lost, as shares of the amount.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from p2prisk import OrderedLogit, load

LAST_FITTED_YEAR = 2009
EARLY = 12
NUMBERS = ("amount", "income", "dti", "utilisation", "credit_history_years")
TRAITS = (
    "np.log(income) + dti + utilisation + inquiries + C(home) + np.log(amount) + public_records"
    " + delinquencies_2y + C(settled) + credit_history_years + C(business) + C(card)"
)


def prepare(frame):
    """Ages, flags and months that all four tables use."""
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
    return frame.assign(
        month=month,
        age_at_end=age,
        business=frame["purpose"] == "small business",
        card=frame["purpose"] == "credit card",
        settled=frame["employment"] == "10 years and over",
    )


def vintages(frame):
    """Loans, and charge-offs by age at the last payment."""
    loans = frame.groupby(["month", "term"]).size().rename("loans").reset_index().assign(age=0)
    failed = frame[frame["bad"]].groupby(["month", "term", "age_at_end"]).size().rename("charged_off").reset_index()
    table = loans.merge(failed.rename(columns={"age_at_end": "age"}), how="outer", on=["month", "term", "age"])
    table = table.sort_values(["month", "term", "age"]).fillna({"loans": 0, "charged_off": 0})
    return table[["month", "term", "age", "loans", "charged_off"]].astype({"loans": int, "charged_off": int})


def monthly_bands(frame):
    """Attributes of new loans by month, 2009 to 2011."""
    recent = frame[frame["issue_date"].dt.year >= LAST_FITTED_YEAR]
    base = recent[recent["issue_date"].dt.year == LAST_FITTED_YEAR]
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


def monthly_scores(frame):
    """Forecast and actual charge-offs of the 36-month loans of 2010 and 2011."""
    short = frame[frame["term"] == 36].copy()
    short["early"] = pd.Categorical(
        np.where(short["bad"] & (short["age_at_end"] <= EARLY), "early loss", "other"),
        ["other", "early loss"],
        ordered=True,
    )
    needed = ["income", "dti", "utilisation", "inquiries", "public_records", "delinquencies_2y", "credit_history_years"]
    complete = short[needed].notna().all(axis=1) & (short["income"] > 0)
    short = short[complete]
    old = short[short["issue_date"].dt.year <= LAST_FITTED_YEAR]
    new = short[short["issue_date"].dt.year > LAST_FITTED_YEAR].copy()
    severity = OrderedLogit.from_formula(f"severity ~ {TRAITS}", old).fit()
    early = OrderedLogit.from_formula(f"early ~ {TRAITS}", old).fit()
    life_old, life = (severity.predict(part).iloc[:, -2:].sum(axis=1).to_numpy() for part in (old, new))
    new["expected"] = life
    new["expected_early"] = early.predict(new)["early loss"].to_numpy()
    new["band"] = 1 + np.searchsorted(np.quantile(life_old, np.arange(1, 10) / 10), life)
    early_loss = (new["early"] == "early loss").astype(int)
    grouped = new.assign(charged_off=new["bad"].astype(int), charged_off_early=early_loss, loans=1)
    grouped = grouped.groupby(["month", "band"])
    table = grouped[["loans", "expected", "charged_off", "expected_early", "charged_off_early"]].sum().reset_index()
    return table.round({"expected": 6, "expected_early": 6}), len(old), int((~complete).sum())


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


def build(frame):
    """All four tables by file name."""
    frame = prepare(frame)
    scores, _, _ = monthly_scores(frame)
    return {
        "lendingclub_vintages": vintages(frame),
        "lendingclub_monthly_bands": monthly_bands(frame),
        "lendingclub_monthly_scores": scores,
        "lendingclub_outcomes": outcomes(frame),
    }


def main(arguments=None):
    """Build the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", help="lendingclub_2007_2011.csv.gz; default ../shared/data")
    parser.add_argument("--output", default=Path(__file__).parent, type=Path)
    options = parser.parse_args(arguments)
    for name, frame in build(load("lendingclub-2007-2011", path=options.input).frame).items():
        path = options.output / f"{name}.csv"
        frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        print(f"{path}: {len(frame):,d} rows")


if __name__ == "__main__":
    main()
