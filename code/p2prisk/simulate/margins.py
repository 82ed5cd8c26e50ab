"""Set the margins of a simulated platform against the published figures they were calibrated to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.simulate import published

if TYPE_CHECKING:
    from p2prisk.simulate.core import SimulatedPlatform


def late_value_shares(frame, record):
    """Late or unpaid share of the instalment value due until the record date, by grade.

    Parameters
    ----------
    frame : pandas.DataFrame
        Loans of a simulated tape.
    record : pandas.Timestamp
        Last month.

    Returns
    -------
    pandas.Series
        By grade. After a default every instalment due counts as unpaid.
    """
    months = 12 * (record.year - frame["issue_date"].dt.year) + record.month - frame["issue_date"].dt.month
    due = np.minimum(months, frame["term"])
    lasted = (
        12 * (frame["last_payment_date"].dt.year - frame["issue_date"].dt.year)
        + frame["last_payment_date"].dt.month
        - frame["issue_date"].dt.month
    )
    after = np.where(frame["status"] == "default", np.maximum(due - lasted, 0), 0)
    late = np.minimum(frame["instalments_late"] + after, due) * frame["instalment"]
    return (
        late.groupby(frame["grade"], observed=True).sum()
        / (due * frame["instalment"]).groupby(frame["grade"], observed=True).sum()
    )


def compare_margins(platform: SimulatedPlatform) -> pd.DataFrame:
    """Published figures and what the simulated platform shows, side by side.

    Parameters
    ----------
    platform : SimulatedPlatform
        At least some thousand loans.

    Returns
    -------
    pandas.DataFrame
        ``figure, source, published, simulated, use``; `use` is 'target' or 'check'. Shares in per cent. Outcomes are
        those of loans issued a month or more before the record date, as in the published sample.
    """
    frame = platform.tape.frame
    issued = frame["issue_date"]
    frame = frame[issued < issued.max()]
    late = frame["instalments_late"] > 0
    unpaid = late & frame["status"].isin(["late 1-30", "late 31-90", "default"])
    shares = published.RECORD_DATE_SHARES
    value = late_value_shares(frame, issued.max())
    rows = [
        ("Amount, mean (CNY)", "BOR003", 4423.82, frame["amount"].mean(), "check"),
        ("Amount, median (CNY)", "BOR003", published.AMOUNT_QUARTILES[1], frame["amount"].median(), "target"),
        ("Term, mean (months)", "BOR004", 10.21, frame["term"].mean(), "target"),
        ("Rate, mean (% a year)", "BOR005", 20.6, frame["rate"].mean(), "target"),
        ("Age, mean (years)", "BOR006", published.AGE[0], frame["age"].mean(), "target"),
        ("Grade C (%)", "BOR015", 100 * published.GRADE_SHARES["C"], 100 * (frame["grade"] == "C").mean(), "target"),
        ("Grade D (%)", "BOR014", 100 * published.GRADE_SHARES["D"], 100 * (frame["grade"] == "D").mean(), "target"),
        ("Never late (%)", "BOR030", 100 * shares["never late"], 100 * (1 - late.mean()), "target"),
        ("Late, cured (%)", "BOR032", 100 * shares["late, cured"], 100 * (late & ~unpaid).mean(), "target"),
        ("Late, unpaid (%)", "BOR033", 100 * shares["late, unpaid"], 100 * unpaid.mean(), "target"),
        (
            "Matured loans ever late (%)",
            "BOR035",
            100 * published.MATURED_EVER_LATE,
            100 * late[frame["mature"]].mean(),
            "check",
        ),
    ]
    rows += [
        (
            f"Late share of value, grade {grade} (%)",
            source,
            100 * published.LATE_VALUE_SHARES[grade],
            100 * value[grade],
            "check",
        )
        for grade, source in (("B", "BOR037"), ("C", "BOR038"), ("D", "BOR039"))
    ]
    result = pd.DataFrame(rows, columns=["figure", "source", "published", "simulated", "use"])
    result.attrs["simulated"] = True
    return result
