"""Small loan files made for the tests, one a format; no row is a real loan.

In ``ppdai_lp.csv``: loan 126541 is paid on time; 133291 has one instalment paid late; 142421 is unpaid for 150 days;
149711 is still running and not due; 152141 of the loan file has no instalment; 999999 is not in the loan file.
"""

from pathlib import Path

import numpy as np
import pandas as pd

_FOLDER = Path(__file__).parent / "fixtures" / "tape"


def _text(name):
    return (_FOLDER / name).read_text(encoding="utf-8")


LENDINGCLUB_RAW = _text("lendingclub_raw.csv")
PROSPER_81 = _text("prosper_81.csv")
PPDAI_LC = _text("ppdai_lc.csv")
PPDAI_LP = _text("ppdai_lp.csv")
RENRENDAI = _text("renrendai.csv")
MAPPING = _text("savings_bank.yml")
MAPPED = _text("savings_bank.csv")


def random_loans(seed, size):
    """Ended loans drawn at random, in which one hidden risk moves income, debt to income, rate and default."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=size)
    days = pd.to_timedelta(rng.integers(0, 700, size), "D")
    return pd.DataFrame(
        {
            "loan_id": [f"L{i:05d}" for i in range(size)],
            "issue_date": (pd.Timestamp("2015-01-01") + days).strftime("%Y-%m-%d"),
            "amount": rng.integers(1000, 30_000, size),
            "term": rng.choice([36, 60], size),
            "income": np.exp(10.8 - 0.2 * risk + 0.4 * rng.normal(size=size)).round(2),
            "dti": np.clip(15 + 4 * risk + 4 * rng.normal(size=size), 0, None).round(2),
            "home": rng.choice(["own", "rent"], size),
            "rate": (12 + 2 * risk).round(2).clip(5, 30),
            "status": np.where(risk + rng.logistic(size=size) > 2, "charged off", "paid"),
        }
    )
