"""Chapter *The system on one page*: stations, roles, documents, steps, and which station answers to which cause."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.detection import INSTRUMENTS, detection_table, stored_study
from p2pbook.values import Value, count
from p2pbook.words import CAUSE_WORDS
from p2prisk.datasets import table

#: Stations that answer to each cause.
ANSWERS = {
    "repayment": "Assess, watch",
    "environment": "Watch, stress",
    "management": "Screen, watch",
    "custody": "Screen",
    "operation": "Screen, stress",
}
#: First words of the steps of adoption that make the borrower model and its decisions, and of that which screens the
#: platform.
BORROWER_STEPS, SCREENING_STEP = ("1 ", "2 ", "3 ", "4 "), "7 "


@dataclass(frozen=True)
class System:
    """Numbers and tables of the chapter."""

    stations: pd.DataFrame
    raci: pd.DataFrame
    documents: pd.DataFrame
    steps: pd.DataFrame
    causes: pd.DataFrame
    number_of_stations: Value
    #: person-weeks: of all steps, of the borrower model and its decisions, of screening the platform
    weeks: Value
    borrower_weeks: Value
    screening_weeks: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    System
    """
    stations, raci, documents, steps = (table(f"system_{name}") for name in ("stations", "raci", "documents", "steps"))
    weeks, step = steps["effort in person-weeks"], steps["step"].str
    return System(
        stations=stations,
        raci=raci,
        documents=documents,
        steps=steps,
        causes=_causes(detection_table(stored_study())),
        number_of_stations=count(len(stations)),
        weeks=count(weeks.sum()),
        borrower_weeks=count(weeks[step.startswith(BORROWER_STEPS)].sum()),
        screening_weeks=count(weeks[step.startswith(SCREENING_STEP)].item()),
    )


def _causes(detected):
    """Cause, stations, the instrument that noticed most surely (of several the earliest) and the best on borrowers."""
    full = detected[(detected["dose"] == 1.0) & detected["reading"].isin(list(INSTRUMENTS))]
    best = full.sort_values(["share", "median_month"], ascending=[False, True]).groupby("cause").first()
    borrower = full[full["family"].isin(["scorecard", "monitor"])].groupby("cause")["share"].max()
    rows = [
        (CAUSE_WORDS[cause], station, best.loc[cause, "reading"], 100 * best.loc[cause, "share"], 100 * borrower[cause])
        for cause, station in ANSWERS.items()
    ]
    return pd.DataFrame(
        rows, columns=["Cause", "Station", "Best instrument (simulated)", "Noticed %", "Best on borrowers %"]
    )
