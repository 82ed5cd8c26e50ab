"""The loans of 2007 to 2011 described: default rates by column and class."""

import numpy as np
import pandas as pd

from p2pbook.lendingclub import FITTED_TO
from p2pbook.reading import blanks, with_interval
from p2prisk.scorecard.classes import information_value, monotone_classes
from p2prisk.tape import COLUMNS

_PROFILE_COLUMNS = (
    ("inquiries", "inquiries in 6 months"),
    ("income", "income"),
    ("utilisation", "used share of card limits"),
    ("revolving_balance", "card balance"),
    ("amount", "amount"),
    ("dti", "debt-to-income ratio"),
    ("credit_history_years", "years of credit history"),
    ("open_accounts", "open credit lines"),
    ("total_accounts", "credit lines ever"),
    ("delinquencies_2y", "delinquencies in 2 years"),
    ("public_records", "public records"),
    ("months_since_delinquency", "months since delinquency"),
    ("employment_years", "years with employer"),
)

_PROFILE_CLASSES = (
    ("term", "term"),
    ("purpose", "purpose"),
    ("home", "home"),
    ("region", "state"),
    ("verification", "income verified"),
)

_PLATFORM_CLASSES = (("grade", "grade (platform)"), ("sub_grade", "sub-grade (platform)"))


def _class_label(row):
    if np.isnan(row.lower):
        return "blank"
    if row.lower == row.upper:
        return f"{row.lower:,.0f}"
    return f"{row.lower:,.0f}–{row.upper:,.0f}"


def profile_study(tape):
    """Describe the loans of 2007 to 2011.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        Loans, losses, blanks and dates.
    tables : dict of pandas.DataFrame
        Loans and losses ``by_year``, by quarter (``vintages``), and as ``risk_map``; how much each column tells
        (``information, classes``); ``blanks``.
    """
    frame = tape.frame
    # how traits and outcome go together is read off the years before the test year only
    early = frame[frame["issue_date"].dt.year <= FITTED_TO]
    information, classes = _information(early)
    return _facts(frame, early), {
        **_counts(frame),
        "information": information,
        "classes": classes,
        "blanks": blanks(frame, "Lending Club 2007-2011"),
    }


def _counts(frame):
    """Loans and charge-offs by year, quarter, purpose and term."""
    year = frame["issue_date"].dt.year.rename("year")
    by_year = frame.groupby([year, "term"]).agg(
        loans=("bad", "size"), bad=("bad", "sum"), amount=("amount", "sum"), exceptions=("policy_exception", "sum")
    )
    quarter = frame["issue_date"].dt.to_period("Q").dt.start_time.rename("date")
    vintages = frame.groupby([quarter, "term"]).agg(loans=("bad", "size"), bad=("bad", "sum")).reset_index()
    risk_map = frame.groupby(["purpose", "term"], observed=True).agg(loans=("bad", "size"), bad=("bad", "sum"))
    return {
        "by_year": by_year.reset_index(),
        "vintages": with_interval(vintages[vintages["loans"] >= 50]),
        "risk_map": with_interval(risk_map.reset_index().astype({"purpose": str})),
    }


def _information(early):
    """Information value of every column, and the classes of those that are cut into classes."""
    rows, classes = [], []

    def add(name, label, table):
        value, noise = information_value(table)
        block = "place and time" if name == "region" else COLUMNS[name].block
        rows.append(
            {
                "column": name,
                "label": label,
                "block": block,
                "classes": len(table),
                "information_value": value,
                "noise": noise,
            }
        )

    for name, label in _PROFILE_COLUMNS:
        table = monotone_classes(early[name], early["bad"])
        add(name, label, table)
        table = with_interval(table)
        table["class_label"] = [_class_label(row) for row in table.itertuples()]
        table.insert(0, "label", label)
        classes.append(table)
    for name, label in (*_PROFILE_CLASSES, *_PLATFORM_CLASSES):
        add(name, label, early.groupby(name, observed=True).agg(loans=("bad", "size"), bad=("bad", "sum")))
    return pd.DataFrame(rows), pd.concat(classes)


def _facts(frame, early):
    bad, year = frame["bad"].to_numpy(dtype=bool), frame["issue_date"].dt.year
    by_exception = frame.groupby("policy_exception")["bad"].agg(["size", "mean"])
    employment = frame["employment"].astype(str)
    # a blank employment is on file from 2010 on only, so it is compared within that year
    newest = frame[year == FITTED_TO]
    unstated = employment[newest.index] == "not stated"
    short_job = employment.eq("under 2 years").groupby(year).mean()
    first = frame[year == 2007]
    in_first = first.groupby("policy_exception")["bad"].mean()
    return {
        "loans": len(frame),
        "bad": int(bad.sum()),
        "bad_rate": bad.mean(),
        "first": frame["issue_date"].min(),
        "last": frame["issue_date"].max(),
        "early_loans": len(early),
        "early_bad_rate": early["bad"].mean(),
        "amount": frame["amount"].sum(),
        "principal_lost": float((frame["amount"] - frame["principal_paid"])[bad].sum()),
        "recovered": float(frame["recoveries"][bad].sum()),
        "severity": {level: int(count) for level, count in frame["severity"].value_counts(sort=False).items()},
        "exceptions": int(by_exception.loc[True, "size"]),
        "bad_rate_exceptions": by_exception.loc[True, "mean"],
        "bad_rate_others": by_exception.loc[False, "mean"],
        "share_exceptions_2007": first["policy_exception"].mean(),
        "bad_rate_exceptions_2007": in_first[True],
        "bad_rate_others_2007": in_first[False],
        "not_verified": (frame["verification"] == "not verified").mean(),
        "last_exception": frame.loc[frame["policy_exception"], "issue_date"].max(),
        "first_long_term": frame.loc[frame["term"] > 36, "issue_date"].min(),
        "first_unstated_job": frame.loc[employment == "not stated", "issue_date"].min(),
        "unstated_job_2010": int(unstated.sum()),
        "bad_rate_unstated_job_2010": newest["bad"][unstated].mean(),
        "bad_rate_stated_job_2010": newest["bad"][~unstated].mean(),
        "short_job_2009": float(short_job[2009]),
        "short_job_2010": float(short_job[2010]),
    }
