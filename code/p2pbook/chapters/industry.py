"""Chapter *The rise and end of an industry*: what the trackers and the regulator counted."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook import case
from p2pbook.facts import facts
from p2pbook.values import Value, count, share
from p2prisk.datasets import table

#: Series of the four panels: name in the table -> title, unit on the axis, digits of the printed table.
PANELS = {
    "platforms": ("Platforms", "platforms", 0),
    "volume": ("Volume", "RMB bn a year", 1),
    "balance": ("Balance", "RMB bn, year end", 1),
    "rate": ("Average rate", "% a year", 2),
}


@dataclass(frozen=True)
class Industry:
    """Numbers and tables of the chapter; years and months are keys, amounts are in billion yuan."""

    panels: dict
    rivals: pd.DataFrame
    problems: pd.DataFrame
    regulation: pd.DataFrame
    custody_shares: pd.DataFrame
    rundown: pd.DataFrame
    abroad: pd.DataFrame
    sources: Value
    reposts: Value
    #: WDZJ, by year, as first reported
    platforms: dict
    volume: dict
    balance: dict
    rate: dict
    lenders_2017: Value
    volume_2017_trillion: Value
    #: WDZJ's value for 2017 as restated later
    platforms_restated: Value
    balance_restated: Value
    #: platforms in operation and their balance, by month and counter
    operating: dict
    comparisons: Value
    median_gap: Value
    #: year -> problem platforms in it
    problem: dict
    problem_standing_2016: Value
    problem_share_2016: Value
    exits_2018: Value
    problem_share_2018: Value
    stopped_or_problem_by_march: Value
    #: provinces that had banned the business by January 2020, in a word
    fewer_platforms: Value
    outflow: Value
    balance_before: Value
    in_trouble: Value
    in_trouble_of_outflow: Value
    mean_term: Value
    #: platforms with bank custody, by date
    custody_live: dict
    custody_at_tested_bank: Value
    unpaid_later: Value
    zopa_bank: Value


@cache
def compute():
    """Compute the chapter.

    Returns
    -------
    Industry
    """
    years, months = table("industry_by_year"), table("industry_by_month")
    problems, custody = table("problem_platforms"), table("custody_by_date")
    listed, spread = facts(), case.rival_spread(table("rival_series"))
    sources = listed.sources("IND")["grade"]
    volume, platforms = _years(years, "volume"), _years(years, "platforms")
    operating, balance = _months(months, "platforms"), _months(months, "balance")
    failed = problems.set_index(["kind", "period"])["value"]
    outflow = case.month_value(months, "2018-07", "net outflow")
    before = balance["WDZJ"]["2018-07"] + outflow
    in_trouble = case.month_value(months, "2018-07", "principal at platforms in trouble", "Lingyi")
    shares = case.custody_shares(custody)
    return Industry(
        panels={title: (case.year_segments(years, name), unit) for name, (title, unit, _) in PANELS.items()},
        rivals=spread,
        problems=problems,
        regulation=table("regulation_timeline"),
        custody_shares=shares,
        rundown=months.query("series == 'platforms' and month >= '2018-03'"),
        abroad=table("platforms_abroad")[["country", "date", "event", "fact", "grade"]],
        sources=count(len(sources)),
        reposts=count((sources == "C").sum()),
        platforms=platforms,
        volume=volume,
        balance=_years(years, "balance"),
        rate=_years(years, "rate", 2),
        lenders_2017=Value(case.year_value(years, 2017, "lenders"), 1),
        volume_2017_trillion=Value(volume[2017] / 1000, 1),
        platforms_restated=count(case.year_value(years, 2017, "platforms", edition="restated")),
        balance_restated=count(case.year_value(years, 2017, "balance", edition="restated")),
        operating=operating,
        comparisons=count(spread.groupby(["date", "quantity"]).ngroups),
        median_gap=Value(100 * (spread.groupby(["date", "quantity"])["spread"].first().median() - 1), 0),
        problem={int(year): count(value) for year, value in failed["problem, in year"].items()},
        problem_standing_2016=count(failed["problem, standing", "2016-06"]),
        exits_2018=count(failed["exits, in year", "2018"]),
        problem_share_2018=Value(failed["problem share of exits", "2018"], 1),
        stopped_or_problem_by_march=count(failed["cumulative, stopped or problem", "2018-03"]),
        problem_share_2016=Value(listed.number("IND086"), 1),
        fewer_platforms=count(operating["WDZJ"]["2018-06"] - operating["WDZJ"]["2018-07"]),
        outflow=count(outflow),
        balance_before=count(before),
        in_trouble=Value(in_trouble, 1),
        in_trouble_of_outflow=share(in_trouble / outflow, 0),
        mean_term=count(listed.number("IND060")),
        custody_live={row.date: count(row.value) for row in custody.itertuples() if row.measure == "custody live"},
        custody_at_tested_bank=share(shares.set_index("label")["share"]["September 2018, bank passed the test"]),
        unpaid_later=count(listed.number("IND073")),
        zopa_bank=count(listed.quoted("CAS033", "456")),
    )


def _years(years, series, digits=0):
    """Year -> what WDZJ first reported of a series."""
    rows = years.query("series == @series and tracker == 'WDZJ' and edition == 'first reported'")
    return {year: Value(value, digits) for year, value in rows.set_index("year")["value"].items()}


def _months(months, series):
    """Counter -> month -> its reading of a series."""
    return {
        tracker: {month: count(value) for month, value in part.set_index("month")["value"].items()}
        for tracker, part in months.query("series == @series").groupby("tracker")
    }
