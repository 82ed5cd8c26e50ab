"""What the chapters on the industry and on Net Credit Group compute from the committed tables.

Every function takes a table of :func:`p2prisk.datasets.table` and returns a frame that a figure or a table shows as it
is. Shares are fractions, not percentages.
"""

import numpy as np
import pandas as pd

from p2prisk.errors import DataError

#: Kinds of document -> the class under which a piece of evidence is counted and drawn.
CLASSES = {
    "official": ("filing", "regulator", "court", "listed parent"),
    "press": ("press", "our reading"),
    "repost": ("repost",),
    "said": ("own words", "hearsay"),
}
STRENGTHS = ("none", "weak", "moderate", "strong")


def _one(frame, condition):
    """The single value of `frame` where `condition` holds, or an error that says what was looked for."""
    found = frame.query(condition)["value"]
    if len(found) != 1:
        raise DataError(f"expected one row where {condition}, found {len(found)}")
    return found.item()


def revenue_parts(accounts):
    """Net revenue by year in four parts, the related parties' share kept apart.

    Parameters
    ----------
    accounts : pandas.DataFrame
        Table ``ncf_accounts``.

    Returns
    -------
    pandas.DataFrame
        Index: year; columns ``fees``, ``commissions``, ``other`` (each from unrelated parties or not split) and
        ``related parties``, in US dollars. The rows add up to net revenue.

    Examples
    --------
    >>> from p2prisk.datasets import table
    >>> revenue_parts(table("ncf_accounts")).sum(axis=1).astype(int).to_dict()
    {2016: 114300089, 2017: 221908644, 2018: 265418770}
    """
    income = accounts.query("statement == 'income' and item != 'net revenue'")
    names = {"transaction and service fees": "fees", "commission fees": "commissions", "other revenue": "other"}
    part = income["item"].map(names).where(income["party"] != "related", "related parties")
    order = ["fees", "commissions", "other", "related parties"]
    parts = income.groupby([income["year"], part])["value"].sum().unstack(fill_value=0.0)
    return parts[order].rename_axis(columns=None)


def expense_shares(accounts):
    """Expense items as shares of the year's net revenue.

    Returns
    -------
    pandas.DataFrame
        Index: year; one column an item.

    Examples
    --------
    >>> from p2prisk.datasets import table
    >>> expense_shares(table("ncf_accounts")).loc[2018].round(3).to_dict()
    {'sales and marketing': 0.589, 'product development': 0.065, 'loan facilitation and servicing': 0.015}
    """
    revenue = accounts.query("item == 'net revenue'").set_index("year")["value"]
    items = accounts.query("statement == 'expense'").pivot(index="year", columns="item", values="value")
    shares = items.div(revenue, axis=0)
    return shares[shares.iloc[-1].sort_values(ascending=False).index].rename_axis(columns=None)


def peer_cost_shares(costs, year):
    """Expense items of the platform company and of a peer as shares of each one's revenue.

    Currencies differ and cancel out.

    Parameters
    ----------
    costs : pandas.DataFrame
        Table ``peer_costs``.
    year : int

    Returns
    -------
    pandas.DataFrame
        Columns ``item``, ``company``, ``share``.
    """
    rows = costs[costs["year"] == year]
    revenue = rows[rows["item"] == "revenue"].set_index("company")["value"]
    if revenue.empty:
        raise DataError(f"no revenue for {year}; years: {sorted(costs['year'].unique().tolist())}")
    parts = rows[rows["item"] != "revenue"]
    shares = parts.assign(share=parts["value"] / parts["company"].map(revenue))
    return shares.sort_values(["item", "company"], ascending=[False, True])[["item", "company", "share"]].reset_index(
        drop=True
    )


def related_party_shares(accounts, year=2018):
    """How much of each quantity of the accounts fell to related parties.

    Loans are compared with the totals of the same pro forma balance sheet, because the annual report gives other
    totals for the same day.

    Returns
    -------
    pandas.DataFrame
        Columns ``of``, ``what``, ``amount`` and ``total`` (US dollars), ``share``, ``accounts``.
    """
    rows = accounts.query("year == @year")
    revenue = _one(rows, "item == 'net revenue'")
    related = rows.query("statement == 'income' and party == 'related'")["value"].sum()
    loans = _one(rows, "item == 'loans receivable' and party == 'related'")
    lines = [
        ("revenue", "fees, commissions and other", related, revenue, "annual report"),
        (
            "income before tax",
            "interest received",
            _one(rows, "item == 'interest income'"),
            _one(rows, "item == 'income before tax'"),
            "annual report",
        ),
        (
            "total assets",
            "loans receivable",
            loans,
            _one(rows, "item == 'total assets' and accounts == 'pro forma'"),
            "pro forma",
        ),
        ("equity", "loans receivable", loans, _one(rows, "item == 'equity' and accounts == 'pro forma'"), "pro forma"),
    ]
    frame = pd.DataFrame(lines, columns=["of", "what", "amount", "total", "accounts"])
    frame.insert(4, "share", frame["amount"] / frame["total"])
    return frame


def product_shares(products):
    """Shares of the money by channel, and inside and outside P2P.

    Returns
    -------
    pandas.DataFrame
        `products` with the column ``share``; shares add up to one.
    """
    return products.assign(share=products["amount"] / products["amount"].sum())


def outside_p2p(products):
    """The reading rule: how much of the money sat outside P2P proper.

    Returns
    -------
    dict
        ``outside`` and ``total`` in billion yuan, ``share``.

    Examples
    --------
    >>> from p2prisk.datasets import table
    >>> rule = outside_p2p(table("ncf_products"))
    >>> rule["outside"], rule["total"], round(rule["share"], 2)
    (65, 71, 0.92)
    """
    total = products["amount"].sum().item()
    outside = products.query("in_p2p == 'no'")["amount"].sum().item()
    return {"outside": outside, "total": total, "share": outside / total}


def rival_spread(rivals):
    """Readings of the same quantity at the same date, each as a share of the highest one.

    Returns
    -------
    pandas.DataFrame
        `rivals` with ``relative`` (1 for the highest reading of the group) and ``spread`` (highest over lowest),
        ordered by spread, the widest last.
    """
    groups = rivals.groupby(["date", "quantity"])["value"]
    frame = rivals.assign(
        relative=rivals["value"] / groups.transform("max"), spread=groups.transform("max") / groups.transform("min")
    )
    return frame.sort_values(["spread", "date", "quantity", "value"], kind="stable").reset_index(drop=True)


def year_segments(years, series):
    """Split a year series where it must not be joined: at a change of tracker and at a restatement.

    The restated value of a year opens a new segment that the later years continue; the value first reported closes
    the old one.

    Parameters
    ----------
    years : pandas.DataFrame
        Table ``industry_by_year``.
    series : str
        Name of the series.

    Returns
    -------
    list of pandas.DataFrame
        Segments with columns year, value, tracker, edition, in the order of their first year.
    """
    rows = years.query("series == @series")
    if rows.empty:
        raise DataError(f"no series {series!r}; known: {', '.join(years['series'].unique())}")
    segments = []
    for _, part in rows.groupby("tracker", sort=False):
        restated = part.loc[part["edition"] == "restated", "year"]
        last = restated.max() if len(restated) else np.inf
        later = part[(part["edition"] == "restated") | (part["year"] > last)]
        segments += [piece.sort_values("year") for piece in (part.drop(later.index), later) if len(piece)]
    return sorted(segments, key=lambda piece: piece["year"].iloc[0])


def custody_shares(custody):
    """Share of the operating platforms with bank custody, at the dates where it is known.

    Parameters
    ----------
    custody : pandas.DataFrame
        Table ``custody_by_date``.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``share``. The share of September 2018 is computed from the two counts of one tracker.
    """
    value = custody.set_index(["date", "measure"])["value"]
    live, passed = "custody live", "custody with a bank that passed the test"
    operating = value["2018-09-21", "operating"]
    rows = [
        ("February 2017, custody live", value["2017-02-23", "share of operating platforms"] / 100),
        ("January 2018, custody live", value["2018-01-08", "share of operating platforms"] / 100),
        ("September 2018, custody live", value["2018-09-21", live] / operating),
        ("September 2018, bank passed the test", value["2018-09-21", passed] / operating),
    ]
    return pd.DataFrame(rows, columns=["label", "share"])


def evidence_counts(evidence):
    """Pieces of evidence by cause, side and class of document (:data:`CLASSES`).

    Returns
    -------
    pandas.DataFrame
        Index: cause in the table's order, side; one column a class.
    """
    classes = evidence["kind"].map({kind: name for name, kinds in CLASSES.items() for kind in kinds})
    counts = evidence.groupby(["cause", "side", classes]).size().unstack(fill_value=0)
    order = pd.MultiIndex.from_product([evidence["cause"].unique(), ["for", "against"]], names=["cause", "side"])
    return counts.reindex(index=order, columns=list(CLASSES), fill_value=0).rename_axis(columns=None)


def strengths(evidence):
    """How strong the evidence for each cause is, by the one rule of the case chapter.

    *Weak*: pieces show the mechanism at the group itself, but all are press, reposts, hearsay or the group's own
    words. *Moderate*: at least one of them is a filing, or an act or finding of a regulator, a court or the listed
    parent. *Strong* would need, beyond that, a court's finding on the weight of the mechanism in the failure. *None*:
    no piece for the cause shows it at the group.

    Parameters
    ----------
    evidence : pandas.DataFrame
        Table ``case_evidence``.

    Returns
    -------
    pandas.Series
        Index: cause in the table's order; values of :data:`STRENGTHS`.

    Examples
    --------
    >>> piece = {"cause": "Custody", "side": "for", "kind": "hearsay", "at_group": "yes"}
    >>> strengths(pd.DataFrame([piece]))["Custody"]
    'weak'
    >>> strengths(pd.DataFrame([piece, piece | {"kind": "listed parent"}]))["Custody"]
    'moderate'
    """
    at_group = evidence[(evidence["side"] == "for") & (evidence["at_group"] == "yes")]

    def strength(cause):
        kinds = set(at_group.loc[at_group["cause"] == cause, "kind"])
        return STRENGTHS[(len(kinds) > 0) + bool(kinds & set(CLASSES["official"])) + ("court" in kinds)]

    causes = evidence["cause"].unique()
    return pd.Series([strength(cause) for cause in causes], index=causes)


def year_value(years, year, series, tracker="WDZJ", edition="first reported"):
    """One reading of table ``industry_by_year``.

    Raises
    ------
    DataError
        When there is not exactly one such reading.

    Examples
    --------
    >>> from p2prisk.datasets import table
    >>> year_value(table("industry_by_year"), 2018, "platforms")
    1021.0
    """
    return _one(years, f"year == {year} and series == '{series}' and tracker == '{tracker}' and edition == '{edition}'")


def month_value(months, month, series, tracker="WDZJ"):
    """One reading of table ``industry_by_month``; raises :class:`DataError` when there is not exactly one."""
    return _one(months, f"month == '{month}' and series == '{series}' and tracker == '{tracker}'")
