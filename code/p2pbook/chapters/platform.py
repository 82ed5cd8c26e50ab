"""Chapter *The platform's own conduct*: screens, published figures, and what a simulation would have caught."""

from dataclasses import dataclass
from functools import cache

import pandas as pd
from scipy.stats import binomtest

from p2pbook import case
from p2pbook.detection import DOSES, INSTRUMENTS, detection_table, stored_study
from p2pbook.detection.experiment import FALSE_ALARM, HEALTHY_CALIBRATION, HEALTHY_CHECK, LOANS, REPLICATES, WATCH
from p2pbook.explorers import Explorer, of_detection
from p2pbook.facts import facts
from p2pbook.known import Descriptive, stamp
from p2pbook.values import Value, count, estimate, share
from p2pbook.words import CAUSE_WORDS
from p2prisk.datasets import table
from p2prisk.platform import SCREENS, custody, product_mix, related_receivables, screen_table
from p2prisk.simulate import CAUSES, TurningBad, simulate_platform

#: The day on which ledger and bank statement of the example are matched: six months after money began to leave.
DAY = "2017-06-30"
#: The dose that the text speaks of, and the smallest one.
FULL, QUARTER = 1.0, 0.25
#: How a share of platforms and its interval are read from a row.
SHARE = {"name": "share", "digits": 0, "low": "low", "high": "high", "percent": True}
#: Cause -> readings whose shares at the full dose are printed with intervals.
READ = {
    "repayment": ("young vintages", "roll to late", "score shift", "scorecard", "monitor"),
    "environment": ("roll to late", "run coverage", "scorecard", "monitor"),
    "management": ("roll-over", "circular flows", "concentration", "servicing", "roll onward", "related parties"),
    "custody": ("custody", "scorecard", "monitor"),
    "operation": ("product mix", "maturity mismatch", "run coverage", "scorecard", "monitor"),
}


@dataclass(frozen=True)
class Platform:
    """Numbers and tables of the chapter."""

    #: register: name, statistic, threshold with its unit, reason
    screens: pd.DataFrame
    number_of_screens: Value
    #: screens on published figures, and the table of both
    published: pd.DataFrame
    receivables: Value
    receivables_threshold: Value
    annual_report: Value
    outside: Value
    reserve_money: str
    #: statistic of the custody screen on the robbed platform and its healthy twin
    custody_robbed: Value
    custody_healthy: Value
    #: the study of detection: by cause and dose, and at the full dose
    by_dose: pd.DataFrame
    full_dose: pd.DataFrame
    explorer: Explorer
    causes: pd.DataFrame
    loans: Value
    doses: Value
    instruments: Value
    months: Value
    false_alarm: Value
    calibrated_on: Value
    checked_on: Value
    replicates: Value
    #: half of the platforms of a cell, and all of them, with their intervals
    half: Value
    all_of_them: Value
    false_mean: Value
    #: (cause, reading) -> share noticed at the full dose, and over all doses; management by related parties at twice it
    pooled: dict[tuple, Value]
    #: cause -> share of cases in which the borrower family that rang most did so, over all doses
    borrower: dict[str, Value]
    #: (cause, reading) -> median month of the first alarm at the full dose and at a quarter of it
    month: dict[tuple, Value]
    quarter: dict[tuple, Value]


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Platform
    """
    robbed = simulate_platform(6_000, 30, seed=7, turning_bad=TurningBad("custody", 1.0, onset=24))
    sound = simulate_platform(6_000, 30, seed=7)
    return Platform(
        screens=_register(),
        number_of_screens=count(len(SCREENS)),
        custody_robbed=Value(custody(robbed.ledger, robbed.bank, as_of=DAY).value, 1),
        custody_healthy=Value(custody(sound.ledger, sound.bank, as_of=DAY).value, 2),
        **_published(facts(), table("ncf_accounts")),
        **_design(),
        **_detected(stored_study()),
    )


def _register():
    screens = screen_table(["name", "definition", "threshold", "unit", "reason"])
    screens["threshold"] = screens["threshold"].map("{:g}".format) + " " + screens.pop("unit")
    return screens.rename(columns={"name": "Screen", "definition": "Statistic"}).rename(columns=str.capitalize)


def owed_by_product(products):
    """What lenders are owed by product, as the screen on the product mix reads it.

    Parameters
    ----------
    products : pandas.DataFrame
        ``date, channel, in_p2p`` ('yes' or 'no'), ``amount``, as in ``data/ncf_products.csv``.

    Returns
    -------
    pandas.DataFrame
        ``month, product, licensed, outstanding``.
    """
    return pd.DataFrame(
        {
            "month": pd.to_datetime(products["date"]),
            "product": products["channel"],
            "licensed": products["in_p2p"] == "yes",
            "outstanding": products["amount"],
        }
    )


@stamp(Descriptive("a filing and a press report; screens and thresholds were chosen knowing the case"))
def _published(listed, accounts):
    loans = case.related_party_shares(accounts).set_index("of").loc["equity"]
    owed = owed_by_product(table("ncf_products"))
    receivables, mix = (
        related_receivables(loans["amount"], loans["total"]),
        product_mix(owed, as_of=owed["month"].iloc[0]),
    )
    report = accounts.query("year == 2018 and item == 'equity' and accounts == 'annual report'")["value"].item()
    rows = [
        (receivables, "Pro forma balance sheet, 31 December 2018", listed.grade("NCF013")),
        (mix, "Core document, 30 June 2019", listed.grade("NCG058")),
    ]
    return {
        "published": pd.DataFrame(
            [(r.screen.name, r.value, r.threshold, r.screen.unit, source, grade) for r, source, grade in rows],
            columns=["Screen", "Value", "Threshold", "Unit", "Source", "Grade of source"],
        ),
        "receivables": share(receivables.value / 100, 0),
        "receivables_threshold": count(receivables.threshold),
        "annual_report": share(loans["amount"] / report, 0),
        "outside": share(mix.value / 100, 0),
        "reserve_money": listed.value("NCG081", digits=3),
    }


@stamp(Descriptive("simulated platforms"))
def _design():
    return {
        "loans": count(LOANS),
        "doses": count(len(DOSES)),
        "instruments": count(len(INSTRUMENTS)),
        "months": count(len(WATCH)),
        "false_alarm": share(FALSE_ALARM, 0),
        "calibrated_on": count(HEALTHY_CALIBRATION),
        "checked_on": count(HEALTHY_CHECK),
        "replicates": count(REPLICATES),
        "half": _share(REPLICATES // 2, REPLICATES),
        "all_of_them": _share(REPLICATES, REPLICATES),
    }


def _share(part, whole):
    interval = binomtest(part, whole).proportion_ci(method="exact")
    return share(part / whole, 0, interval.low, interval.high)


@stamp(Descriptive("simulated platforms"))
def _detected(study):
    by_dose, over_doses = detection_table(study), detection_table(study, by=["cause"])
    cell = by_dose.set_index(["cause", "dose", "reading"])
    whole = over_doses.set_index(["cause", "reading"])
    pooled = whole["share"]
    at_risk = 100 * by_dose.groupby(["cause", "dose"])["at_risk"].first()

    def at(dose, column, make):
        return {key: make(value) for key, value in cell[column].xs(dose, level="dose").items()}

    return {
        "by_dose": by_dose,
        "full_dose": by_dose[by_dose["dose"] == FULL],
        "explorer": of_detection(
            by_dose[by_dose["reading"].isin(list(INSTRUMENTS))], {cause: CAUSE_WORDS[cause] for cause in CAUSES}, DOSES
        ),
        "causes": pd.DataFrame(
            [
                (CAUSE_WORDS[cause], words, at_risk[cause, FULL], at_risk[cause, 2 * FULL])
                for cause, words in CAUSES.items()
            ],
            columns=["Cause", "What turns bad", "At risk, dose 1", "At risk, dose 2"],
        ),
        "false_mean": share(pooled["healthy"][list(INSTRUMENTS)].mean()),
        "pooled": {key: estimate(row, **SHARE) for key, row in whole.iterrows()},
        "borrower": {
            cause: estimate(whole.loc[cause].loc[["scorecard", "monitor"]].nlargest(1, "share").iloc[0], **SHARE)
            for cause in CAUSES
        },
        "month": at(FULL, "median_month", count),
        "quarter": at(QUARTER, "median_month", count),
    }
