"""Set the margins of a simulated platform against the published figures they were calibrated to."""

import pandas as pd

from p2prisk.simulate import published


def compare_margins(platform):
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
        ("Matured loans ever late (%)", "BOR035", 100 * published.MATURED_EVER_LATE,
         100 * late[frame["mature"]].mean(), "check"),
    ]
    result = pd.DataFrame(rows, columns=["figure", "source", "published", "simulated", "use"])
    result.attrs["simulated"] = True
    return result
