"""Chapter *Watching the book*: vintages, their forecast, drift, level and alarms; a simulated book for the rest."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.known import Descriptive, Known, stamp
from p2pbook.lendingclub import CHARGE_OFF_LAG, lending_club_vintages
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import by_count, dated, part_of
from p2prisk.datasets import table
from p2prisk.monitor import (
    RULES,
    Cusum,
    MonthlyReport,
    Panel,
    calibrate_cusum,
    calibration_drift,
    check_vintages,
    check_warnings,
    forecast_vintages,
    monthly_report,
    read_panel,
    roll_rates,
    stability_from_counts,
)
from p2prisk.monitor.drift import MATERIAL
from p2prisk.monitor.forecast import STRENGTH
from p2prisk.simulate import simulate_platform

#: Age at which vintages are forecast, and the first vintage that is used for it.
AGE, SINCE = 24, "2008-07"
#: Odds that each chart is tuned to.
CHARTS = {"worse": 1.5, "better": 1 / 1.5}
#: Months since issue in which the last payment of an early failure falls.
EARLY = 12
#: Month in which the simulated book is looked at.
NOW = "2017-03"


@dataclass(frozen=True)
class Watching:
    """Numbers and tables of the chapter."""

    #: Lending Club: loans, months after the last payment at which a charge-off counts
    loans: Value
    lag: Value
    #: half-year of issue -> share charged off by month 36
    at_36: dict[str, Value]
    #: vintage -> share charged off by month 24
    came: pd.Series
    strength: Value
    #: sentences: intervals that held, of the forecasts of 2010 and of 2011; on which side the dots of 2010 lie
    held_2010: str
    held_2011: str
    missed: str
    too_dark: Value
    #: population stability
    material: Value
    #: variable -> month of its first alert
    first_alert: dict[str, str]
    pairs: Value
    alerts: Value
    #: scores of the loans of each month, their early charge-offs and the forecast of these
    scores: pd.DataFrame
    charts: dict[str, Cusum]
    #: early charge-offs of the loans of 2010 and of both halves of 2011: as a share of their forecast, and the shift
    early_to_forecast: dict[str, Value]
    shift: dict[str, Value]
    #: months after issue at which an early charge-off is known
    early_lag: Value
    period_sd: Value
    better: str
    worse: str
    #: simulated book
    book_loans: Value
    panel: Panel
    #: loan -> borrower
    borrowers: pd.Series
    roll_on: Value
    cured: Value
    rules: pd.DataFrame
    listed: Value
    running: Value
    listed_rate: Value
    other_rate: Value
    other_loan_loans: Value
    other_loan_high: Value
    report: MonthlyReport
    entries: str


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Watching
    """
    return Watching(**_vintages(), **_forecast(), **_stability(), **_level(), **_simulated())


@stamp(Descriptive("what became of the loans, as known in April 2017"))
def _vintages():
    final = lending_club_vintages("2017-04")
    loans = final.groupby("vintage")["loans"].first()
    at_36 = final[final["age"] == 36].set_index("vintage")["share"]
    return {
        "loans": count(loans.sum()),
        "lag": count(CHARGE_OFF_LAG),
        "at_36": {vintage: share(value) for vintage, value in at_36.items()},
    }


@stamp(Known("2010-12-31 2011-12-31", "2010-12-31 2011-12-31"))
def _forecast():
    truth = lending_club_vintages("2017-04", period="quarter")
    came = truth[truth["age"] == AGE].set_index("vintage")["share"]
    checked = {}
    for as_of in ("2010-12", "2011-12"):
        forecast = forecast_vintages(lending_club_vintages(as_of, period="quarter", since=SINCE), age=AGE)
        checked[as_of] = check_vintages(forecast[forecast["observed_age"] < AGE], came)
    first, second = checked.values()
    youngest = first.iloc[-1]
    return {
        "came": came,
        "strength": count(STRENGTH),
        "held_2010": part_of(int((first["side"] == "inside").sum()), len(first)),
        "held_2011": part_of(int((second["side"] == "inside").sum()), len(second)),
        "missed": missed_sentence(first["side"]),
        "too_dark": Value(youngest["forecast"] / youngest["observed"], 1),
    }


def missed_sentence(side):
    """Say on which side of their intervals the dots lie.

    Parameters
    ----------
    side : pandas.Series of str
        From :func:`p2prisk.monitor.check_vintages`.

    Returns
    -------
    str
    """
    below, above = int((side == "below").sum()), int((side == "above").sum())
    left = by_count(
        below,
        len(side),
        none="none of the {whole} dots lies to the left of its interval",
        one="{part} of {whole} dots lies to the left of its interval",
        some="{part} of {whole} dots lie to the left of their interval",
        every="all {whole} dots lie to the left of their interval",
    )
    right = "none" if not above else f"{above:d}"
    return left if below == len(side) else f"{left}, and {right} to the right"


#: the last day of each month whose applications are compared with those of 2009; no outcome is used
MONTH_ENDS = " ".join(f"{day:%Y-%m-%d}" for day in pd.date_range("2010-01-31", "2011-12-31", freq="ME"))


@stamp(Known(MONTH_ENDS, MONTH_ENDS))
def _stability():
    stability = stability_from_counts(table("lendingclub_monthly_bands"), reference=("2009-01", "2009-12"))
    alerts = stability[stability["alert"]]
    return {
        "material": Value(MATERIAL),
        "first_alert": alerts.groupby("variable")["month"].min().map(dated).to_dict(),
        "pairs": count(len(stability)),
        "alerts": count(len(alerts)),
    }


#: the last day before each month whose loans are forecast: the forecast knows what was on file then, and nothing later
EVES = " ".join(f"{day:%Y-%m-%d}" for day in pd.date_range("2009-12-31", "2011-11-30", freq="ME"))


@stamp(Known(EVES, EVES))
def _level():
    scores = table("lendingclub_monthly_scores")
    scores = scores.assign(forecast=scores["expected_early"] / scores["loans"])
    data = scores["charged_off_early"], scores["forecast"], scores["loans"]
    parts = {
        "2010": scores["month"] < "2011",
        "early 2011": scores["month"].between("2011-01", "2011-06"),
        "late 2011": scores["month"] > "2011-06",
    }
    drift = {
        name: calibration_drift(["all"] * int(rows.sum()), *(column[rows] for column in data)).iloc[0]
        for name, rows in parts.items()
    }
    charts = {
        name: calibrate_cusum(
            scores["month"], scores["forecast"], scores["loans"], odds_ratio=ratio, period_sd=0.1, simulations=2000
        )
        for name, ratio in CHARTS.items()
    }
    return {
        "scores": scores,
        "charts": charts,
        "early_to_forecast": {name: share(row["events"] / row["expected"], 0) for name, row in drift.items()},
        "shift": {name: estimate(row, "shift", low="shift_low", high="shift_high") for name, row in drift.items()},
        "early_lag": count(EARLY + CHARGE_OFF_LAG),
        "period_sd": Value(charts["worse"].period_sd, 1),
        **{name: ring_sentence(chart.path(scores["month"], *data)) for name, chart in charts.items()},
    }


def ring_sentence(path):
    """Say for the loans of which month a chart rings first, and when that is known; or that it never does."""
    rung = path.loc[path["signal"], "period"]
    if rung.empty:
        return "never rings"
    known = pd.Period(rung.iloc[0], "M") + EARLY + CHARGE_OFF_LAG
    return dated(f"rings for the loans of {rung.iloc[0]}, in {known}")


@stamp(Descriptive("a simulated book"))
def _simulated():
    book = simulate_platform(20_000, 36, seed=2018)
    frame, panel = book.tape.frame, read_panel(book.performance)
    rates = roll_rates(panel)
    roll_on = {name: getattr(rates, name).loc["31-60", "61-90"] for name in ("rate", "low", "high")}
    borrowers = frame.set_index("loan_id")["borrower_id"]
    rule = check_warnings(panel, as_of=NOW, borrower=borrowers).set_index("rule")
    on_list, off_list, other = (rule.loc[name] for name in ("any rule", "not on the list", "other loan in trouble"))
    report = monthly_report(
        panel,
        book.tape,
        reference=("2015-01", "2016-12"),
        columns=["platform_score", "grade", "education", "income_band"],
    )
    return {
        "book_loans": count(len(frame)),
        "panel": panel,
        "borrowers": borrowers,
        "roll_on": share(roll_on["rate"], low=roll_on["low"], high=roll_on["high"]),
        "cured": share(rates.rate.loc["1-30", "current"], 0),
        "rules": pd.DataFrame(
            [(rule.name, rule.definition, rule.action) for rule in RULES], columns=["Rule", "Definition", "Action"]
        ),
        "listed": count(on_list["loans"]),
        "running": count(on_list["loans"] + off_list["loans"]),
        "listed_rate": share(on_list["rate"]),
        "other_rate": share(off_list["rate"]),
        "other_loan_loans": count(other["loans"]),
        "other_loan_high": share(other["high"]),
        "report": report,
        "entries": entries_sentence(report.alerts),
    }


def entries_sentence(alerts):
    """Say how many entries the list of decisions has, and which."""
    if not alerts:
        return "no entry."
    return f"{'one entry' if len(alerts) == 1 else f'{len(alerts)} entries'}: {' '.join(alerts)}"
