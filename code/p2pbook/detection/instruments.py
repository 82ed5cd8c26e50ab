"""The instruments of the detection study: one statistic a month each, higher is worse."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from p2prisk.monitor.panel import read_panel
from p2prisk.monitor.roll_rates import roll_rates_by_month
from p2prisk.platform import (
    circular_flows,
    concentration,
    custody,
    maturity_mismatch,
    product_mix,
    related_parties,
    roll_over,
    servicing,
)

#: instrument -> family, in the order of the matrix
INSTRUMENTS = {
    "score shift": "scorecard",
    "trait shift": "scorecard",
    "score backtest": "scorecard",
    "young vintages": "monitor",
    "roll to late": "monitor",
    "roll onward": "monitor",
    "default CUSUM": "monitor",
    "distance to break": "stress",
    "run coverage": "stress",
    "related parties": "platform",
    "circular flows": "platform",
    "roll-over": "platform",
    "concentration": "platform",
    "maturity mismatch": "platform",
    "product mix": "platform",
    "custody": "platform",
    "servicing": "platform",
}

FAMILIES = ("scorecard", "monitor", "stress", "platform")

#: Months pooled in every statistic, age at which young loans are judged, odds ratio of the CUSUM.
POOLED, EARLY_AGE, ODDS_RATIO = 3, 3, 1.5

LOSS_GIVEN_DEFAULT = 0.85


def _rolling(values):
    """Sum over the last POOLED months."""
    total = np.cumsum(np.concatenate([np.zeros(POOLED), values]))
    return total[POOLED:] - total[:-POOLED]


def _stability(codes, month, reference, watch):
    """Population stability of the last months' loans against the reference months, for every watched month."""
    width = int(codes.max()) + 1
    table = np.zeros((int(month.max()) + 1, width))
    np.add.at(table, (month, codes), 1)
    base = table[reference].sum(axis=0)
    pooled = np.stack([table[at - POOLED + 1 : at + 1].sum(axis=0) for at in watch])
    # the index of p2prisk.validation.population_stability for all months at once; a half added to every class
    share, usual = (pooled + 0.5) / (pooled + 0.5).sum(axis=1, keepdims=True), (base + 0.5) / (base + 0.5).sum()
    return ((share - usual) * np.log(share / usual)).sum(axis=1)


def statistics(platform, reference, watch):
    """Every instrument's statistic in every watched month, from what the platform has recorded by then.

    Parameters
    ----------
    platform : SimulatedPlatform
        A platform's records.
    reference : numpy.ndarray of int
        Months, counted from the start, that show the platform in health.
    watch : numpy.ndarray of int
        Months in which the instruments are read.

    Returns
    -------
    numpy.ndarray, shape (instruments, watched months)
        In the order of :data:`INSTRUMENTS`; higher is worse.
    """
    book = _read(platform, reference, watch)
    result = {**_scorecard(book), **_monitor(book), **_stress(book), **_conduct(book)}
    return np.stack([result[name] for name in INSTRUMENTS])


@dataclass(frozen=True)
class _Book:
    """A platform's records with the months counted from its start."""

    platform: object
    frame: object
    panel: object
    reference: np.ndarray
    watch: np.ndarray
    start: int
    months: int
    #: month of issue of each loan; month and age of each row of the panel
    issue: np.ndarray
    calendar: np.ndarray
    age: np.ndarray
    #: whether each loan was late while young, and the month in which that is known
    early: np.ndarray
    known: np.ndarray

    def by_month(self, rows, values=None):
        """Rows of the panel, or the sum of their values, by month."""
        return np.bincount(self.calendar[rows], None if values is None else values[rows], minlength=self.months)


def _read(platform, reference, watch):
    panel = read_panel(platform.performance)
    start = int(panel.month.min())
    months = int(panel.month.max()) - start + 1
    issue = panel.month[panel.first] - start
    age = panel.month - panel.month[panel.first][panel.loan]
    late = (panel.state >= 1) & (panel.state <= 4)
    early = np.zeros(len(issue), dtype=bool)
    early[panel.loan[late & (age <= EARLY_AGE)]] = True
    known = np.where(issue + EARLY_AGE < months, issue + EARLY_AGE, months)
    calendar = panel.month - start
    return _Book(
        platform, platform.tape.frame, panel, reference, watch, start, months, issue, calendar, age, early, known
    )


def _scorecard(book):
    """Who comes in: shift of the score and of the traits; and the score's forecast against young failures."""
    frame, score = book.frame, book.frame["platform_score"].to_numpy()
    edges = np.quantile(score[np.isin(book.issue, book.reference)], np.arange(1, 10) / 10)
    traits = [
        frame["education"].cat.codes.to_numpy(),
        frame["income_band"].cat.codes.to_numpy(),
        frame["first_loan"].to_numpy().astype(np.int8),
        np.searchsorted([24.0, 28.0, 33.0], frame["age"].to_numpy()),
        np.searchsorted([1.0, 3.0, 5.0], frame["employment_years"].to_numpy()),
    ]

    def shift(codes):
        return _stability(codes, book.issue, book.reference, book.watch)

    return {
        "score shift": shift(np.searchsorted(edges, score)),
        "trait shift": sum(shift(codes) for codes in traits),
        "score backtest": _calibration(score, book.early, book.known, book.reference, book.months)[book.watch],
    }


def _monitor(book):
    """How they pay: young vintages, roll rates, and a CUSUM of defaults."""
    seen = np.bincount(book.known, minlength=book.months + 1)[: book.months]
    hit = np.bincount(book.known, book.early, minlength=book.months + 1)[: book.months]
    result = {"young vintages": (_rolling(hit) / np.maximum(_rolling(seen), 1))[book.watch]}
    moves = roll_rates_by_month(book.panel, [("current", "worse"), ("1-30", "worse")])
    for name, source in (("roll to late", "current"), ("roll onward", "1-30")):
        part = moves[moves["from"] == source]
        loans, moved = (np.append(0, part[column].to_numpy()) for column in ("loans", "moved"))
        result[name] = (_rolling(moved) / np.maximum(_rolling(loans), 1))[book.watch]
    return {**result, "default CUSUM": _default_cusum(book)}


def _default_cusum(book):
    state = book.panel.state
    exposed, failed = book.by_month((state < 4) & (book.age >= 3)), book.by_month(state == 4)
    before = np.append(0, exposed[:-1])
    rate = failed[book.reference].sum() / before[book.reference].sum()
    gain = failed * np.log(ODDS_RATIO) - before * np.log1p(rate * (ODDS_RATIO - 1))
    level, chart = 0.0, []
    for at in book.watch:
        level = max(level + gain[at], 0.0)
        chart.append(level)
    return np.array(chart)


def _stress(book):
    """How far from breaking: losses against income, and what falls due against what is at hand."""
    panel = book.panel
    balance, lost = (book.by_month(rows, panel.balance) for rows in (panel.state < 4, panel.state == 4))
    monthly_loss = (_rolling(lost) + 1.0) / np.maximum(_rolling(np.append(balance[0], balance[:-1])), 1.0)
    issued, rates = (np.bincount(book.issue, values, book.months).cumsum() for values in (None, book.frame["rate"]))
    # the mean rate of the loans issued by the month, and of none that came later
    income = rates / np.maximum(issued, 1) / 1200
    distance = logit(np.minimum(monthly_loss, 0.5)) - logit(np.minimum(income / LOSS_GIVEN_DEFAULT, 0.5))
    columns = ["due_next_month", "inflow_next_month", "cash", "new_money"]
    due, inflow, cash, new_money = book.platform.funding.groupby("month", sort=True)[columns].sum().to_numpy().T
    # what falls due next month is known, what comes in is this month's experience
    coverage = due / (cash + inflow + 0.5 * new_money)
    return {"distance to break": distance[book.watch], "run coverage": coverage[book.watch]}


def _conduct(book):
    """The platform's own conduct: every screen at every month's end."""
    platform = book.platform
    ends = [np.datetime64(int(book.start + at + 1), "M").astype("datetime64[D]") - 1 for at in book.watch]
    rows = []
    for end in ends:
        loans = platform.loans_at(end)
        running = loans[loans["balance"].to_numpy() > 0]
        rows.append(
            {
                "related parties": related_parties(running).value,
                "concentration": concentration(running).value,
                "roll-over": roll_over(loans, as_of=end).value,
                "circular flows": circular_flows(platform.transfers, as_of=end).value,
                "maturity mismatch": maturity_mismatch(platform.funding, as_of=end).value,
                "product mix": product_mix(platform.funding, as_of=end).value,
                "custody": custody(platform.ledger, platform.bank, as_of=end).value,
                "servicing": -servicing(platform.accounts, as_of=end).value,
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _calibration(score, early, known, reference, months):
    """Failures against their forecast by score, over the last months, in standard deviations."""
    base = np.isin(known, reference)
    # logistic regression on one variable, fitted on the reference months by Newton's method
    x = (score - score[base].mean()) / score[base].std()
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.array([logit(np.clip(early[base].mean(), 1e-3, 1 - 1e-3)), 0.0])
    for _ in range(15):
        probability = expit(design[base] @ beta)
        weight = probability * (1 - probability)
        beta = beta + np.linalg.solve(
            (design[base].T * weight) @ design[base], design[base].T @ (early[base] - probability)
        )
    forecast = expit(design @ beta)
    inside = known < months
    observed = _rolling(np.bincount(known[inside], early[inside], minlength=months))
    expected = _rolling(np.bincount(known[inside], forecast[inside], minlength=months))
    variance = _rolling(np.bincount(known[inside], (forecast * (1 - forecast))[inside], minlength=months))
    return (observed - expected) / np.sqrt(np.maximum(variance, 1.0))
