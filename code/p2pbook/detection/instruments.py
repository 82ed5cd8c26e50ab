"""The instruments of the detection study: one statistic a month each, higher is worse."""

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
    frame = platform.tape.frame
    panel = read_panel(platform.performance)
    start = int(panel.month.min())
    months = int(panel.month.max()) - start + 1
    issue = panel.month[panel.first] - start
    result = {}
    # scorecard: who comes in
    score = frame["platform_score"].to_numpy()
    edges = np.quantile(score[np.isin(issue, reference)], np.arange(1, 10) / 10)
    result["score shift"] = _stability(np.searchsorted(edges, score), issue, reference, watch)
    traits = [
        frame["education"].cat.codes.to_numpy(),
        frame["income_band"].cat.codes.to_numpy(),
        frame["first_loan"].to_numpy().astype(np.int8),
        np.searchsorted([24.0, 28.0, 33.0], frame["age"].to_numpy()),
        np.searchsorted([1.0, 3.0, 5.0], frame["employment_years"].to_numpy()),
    ]
    result["trait shift"] = sum(_stability(codes, issue, reference, watch) for codes in traits)
    # monitor: how they pay
    late = (panel.state >= 1) & (panel.state <= 4)
    age = panel.month - panel.month[panel.first][panel.loan]
    early = np.zeros(len(issue), dtype=bool)
    early[panel.loan[late & (age <= EARLY_AGE)]] = True
    ripe = issue + EARLY_AGE < months
    known = np.where(ripe, issue + EARLY_AGE, months)  # month in which the loan's early record is complete
    seen = np.bincount(known, minlength=months + 1)[:months]
    hit = np.bincount(known, early, minlength=months + 1)[:months]
    result["young vintages"] = (_rolling(hit) / np.maximum(_rolling(seen), 1))[watch]
    result["score backtest"] = _calibration(score, early, known, reference, months)[watch]
    moves = roll_rates_by_month(panel, [("current", "worse"), ("1-30", "worse")])
    for name, source in (("roll to late", "current"), ("roll onward", "1-30")):
        part = moves[moves["from"] == source]
        loans = np.append(0, part["loans"].to_numpy())
        moved = np.append(0, part["moved"].to_numpy())
        result[name] = (_rolling(moved) / np.maximum(_rolling(loans), 1))[watch]
    calendar = panel.month - start
    running = panel.state < 4
    exposed = np.bincount(calendar[running & (age >= 3)], minlength=months)
    failed = np.bincount(calendar[panel.state == 4], minlength=months)
    before = np.append(0, exposed[:-1])
    rate = failed[reference].sum() / before[reference].sum()
    gain = failed * np.log(ODDS_RATIO) - before * np.log1p(rate * (ODDS_RATIO - 1))
    level, chart = 0.0, []
    for at in watch:
        level = max(level + gain[at], 0.0)
        chart.append(level)
    result["default CUSUM"] = np.array(chart)
    # stress: how far from breaking
    balance = np.bincount(calendar[running], panel.balance[running], minlength=months)
    lost = np.bincount(calendar[panel.state == 4], panel.balance[panel.state == 4], minlength=months)
    monthly_loss = (_rolling(lost) + 1.0) / np.maximum(_rolling(np.append(balance[0], balance[:-1])), 1.0)
    income = frame["rate"].mean() / 1200
    result["distance to break"] = (logit(np.minimum(monthly_loss, 0.5)) - logit(min(income / LOSS_GIVEN_DEFAULT, 0.5)))[
        watch
    ]
    money = (
        platform.funding.groupby("month", sort=True)[["due_next_month", "inflow_next_month", "cash", "new_money"]]
        .sum()
        .to_numpy()
    )
    coverage = money[:, 0] / (money[:, 2] + money[:, 1] + 0.5 * money[:, 3])
    # what falls due next month is known, what comes in is this month's experience
    result["run coverage"] = coverage[watch]
    # platform: its own conduct
    ends = [np.datetime64(int(start + at + 1), "M").astype("datetime64[D]") - 1 for at in watch]
    names = (
        "related parties",
        "circular flows",
        "roll-over",
        "concentration",
        "maturity mismatch",
        "product mix",
        "custody",
        "servicing",
    )
    values = {name: np.empty(len(watch)) for name in names}
    for position, end in enumerate(ends):
        loans = platform.loans_at(end)
        open_loans = loans[loans["balance"].to_numpy() > 0]
        values["related parties"][position] = related_parties(open_loans).value
        values["concentration"][position] = concentration(open_loans).value
        values["roll-over"][position] = roll_over(loans, as_of=end).value
        values["circular flows"][position] = circular_flows(platform.transfers, as_of=end).value
        values["maturity mismatch"][position] = maturity_mismatch(platform.funding, as_of=end).value
        values["product mix"][position] = product_mix(platform.funding, as_of=end).value
        values["custody"][position] = custody(platform.ledger, platform.bank, as_of=end).value
        values["servicing"][position] = -servicing(platform.accounts, as_of=end).value
    result.update(values)
    return np.stack([result[name] for name in INSTRUMENTS])


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
