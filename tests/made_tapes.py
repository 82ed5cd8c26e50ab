"""Made-up tapes of every kind of book, each drawn from a known truth; no row is of a lender."""

import numpy as np
import pandas as pd

from p2prisk.tape import apply_mapping
from p2prisk.tape.choose import canonical_mapping

RECORD = "2018-06-30"


def tape_of(frame, record_date=RECORD, **mapping):
    """The tape of a frame in canonical columns; `mapping` adds to or replaces the rules of columns."""
    rules = canonical_mapping(frame.columns)
    rules["columns"] |= mapping.pop("columns", {})
    return apply_mapping(frame, {**rules, "record_date": record_date, **mapping}, "made up")


def book(size=2400, seed=7, years=3.0, dated=False, late=True, base=0.012, effect=0.05, term=60, record=RECORD):
    """A live book: ends by competing hazards, in which dti alone drives default and the grade sees it through noise."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp(record)
    age = rng.uniform(0.5, 12 * years, size)
    issue = day - pd.to_timedelta((age * 30.44).astype(int), "D")
    dti = rng.uniform(0, 40, size).round(2)
    default = rng.exponential(1 / (base * np.exp(effect * (dti - 20))))
    repaid = rng.exponential(80, size)
    end = np.minimum(np.minimum(default, repaid), term)
    when = issue + pd.to_timedelta(np.ceil(end * 30.44), "D")
    ended = np.asarray(when <= day)
    running = np.where(rng.random(size) < 0.05, "late 31-120", "current") if late else np.full(size, "current")
    frame = pd.DataFrame(
        {
            "loan_id": [f"L{place:05d}" for place in range(size)],
            "issue_date": pd.Series(issue).dt.normalize(),
            "amount": rng.integers(2, 40, size) * 500.0,
            "term": term,
            "income": np.exp(rng.normal(10.6, 0.5, size)).round(0),
            "dti": dti,
            "home": rng.choice(["own", "rent", "mortgage"], size),
            "grade": np.array(list("ABCD"))[np.digitize(dti + rng.normal(0, 8, size), [10, 20, 30])],
            "status": np.where(~ended, running, np.where(default == end, "charged off", "paid")),
        }
    )
    if dated:
        frame["closed_date"] = pd.Series(when).where(pd.Series(ended)).dt.normalize()
    return frame


def ended(size=900, seed=3, effect=0.08, noise=False):
    """Loans of three years that have all ended; dti drives default, or nothing does."""
    rng = np.random.default_rng(seed)
    dti = rng.uniform(0, 40, size).round(2)
    slope = 0.0 if noise else effect
    lost = slope * (dti - 20) + rng.logistic(size=size) > 0.9
    return pd.DataFrame(
        {
            "loan_id": [f"L{place:05d}" for place in range(size)],
            "issue_date": pd.to_datetime("2013-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 1090, size)), "D"),
            "amount": rng.integers(2, 40, size) * 500.0,
            "term": 12,
            "income": np.exp(rng.normal(10.6, 0.5, size)).round(0),
            "dti": dti,
            "home": rng.choice(["own", "rent", "mortgage"], size),
            "status": np.where(lost, "charged off", "paid"),
        }
    )


def panel_of_stages(size=3000, seed=5, one_age=False):
    """A live book in four stages, seen once; a job moves a loan by another factor at the last cut."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["employed", "retired", "temp"], size, p=[0.7, 0.1, 0.2])
    income = np.exp(rng.normal(10.5, 0.4, size)).round(0)
    push = 0.9 * (10.5 - np.log(income)) + np.where(job == "temp", 0.4, 0.0) + rng.logistic(size=size)
    stage = np.digitize(push, [1.5, 2.2, 3.0])
    stage = np.where((stage == 2) & (job == "temp") & (rng.random(size) < 0.7), 3, stage)
    months = np.full(size, 8) if one_age else rng.integers(3, 30, size)
    return pd.DataFrame(
        {
            "loan_id": [f"L{place:05d}" for place in range(size)],
            "issue_date": [pd.Timestamp(RECORD) - pd.DateOffset(months=int(m)) for m in months],
            "amount": rng.integers(2, 40, size) * 500.0,
            "term": 36,
            "income": income,
            "employment_status": job,
            "status": np.array(["current", "late 1-30", "late 31-120", "charged off"])[stage],
        }
    )


def with_noise(size, seed):
    """Loans of which twenty traits say nothing besides one that tells."""
    frame, rng = ended(size=size, seed=seed, effect=0.05), np.random.default_rng(seed + 1000)
    frame["purpose"] = rng.choice(["car", "debt consolidation", "house", "medical", "moving", "wedding"], size)
    frame["employment_status"] = rng.choice(["employed", "retired", "self-employed", "student"], size)
    for name in ("inquiries", "open_accounts", "total_accounts", "public_records", "delinquencies_2y"):
        frame[name] = rng.poisson(4, size)
    for name in ("revolving_balance", "credit_limit", "instalment_balance", "utilisation", "bureau_score"):
        frame[name] = rng.uniform(1, 100, size).round(1)
    return frame
