"""A platform's monthly life, from applications to custody (simulated)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.simulate import life, records
from p2prisk.simulate.causes import TurningBad, paths
from p2prisk.simulate.loans import GRADES, draw_loans
from p2prisk.tape import LoanTape, add_outcome

if TYPE_CHECKING:
    from p2prisk.kinds import DateLike

#: Standard deviation and persistence of the environment, common to all loans, on the log-odds scale (assumption).
ENVIRONMENT_SD = 0.06
ENVIRONMENT_PERSISTENCE = 0.6

#: Share of the loan balance that lenders keep uninvested in custody (assumption).
IDLE_CASH = 0.06

CONNECTED_TERM = 3
CONNECTED_FIRMS = 6

STATUS_OF_STATE = ("current", "late 1-30", "late 31-90", "late 31-90", "default", "paid")
DAYS_OF_STATE = np.array([0, 15, 45, 75, 105, 0], dtype=np.int16)


@dataclass
class SimulatedPlatform:
    """Everything a simulated platform recorded. All of it is simulated; no row is a real loan.

    Attributes
    ----------
    tape : LoanTape
        One row a loan, canonical columns, at the last month; ``provenance["simulated"]`` is true.
    performance : pandas.DataFrame
        One row a loan and month: ``loan_id, month, age, state, balance, due, paid, days_past_due``.
    ledger, bank : pandas.DataFrame
        Custody: ``entry_id, date, kind, amount``.
    transfers : pandas.DataFrame
        ``date, source, target, amount``.
    funding : pandas.DataFrame
        Lenders' side by month and product.
    accounts : pandas.DataFrame
        Revenue and costs by month.
    truth : dict
        What no record shows: true log odds, connected loans, the paths of the cause, money lost by month.
    """

    tape: LoanTape
    performance: pd.DataFrame
    ledger: pd.DataFrame
    bank: pd.DataFrame
    transfers: pd.DataFrame
    funding: pd.DataFrame
    accounts: pd.DataFrame
    truth: dict = field(default_factory=dict)

    def loans_at(self, month: DateLike) -> pd.DataFrame:
        """Loans issued up to a month, with their balance and status at its end.

        Parameters
        ----------
        month : date-like
            Month.

        Returns
        -------
        pandas.DataFrame
            The tape's columns known at issue, and ``balance, status, last_payment_date`` as of the month.
        """
        if not hasattr(self, "_by_month"):
            month_code = self.performance["month"].to_numpy().astype("datetime64[M]").astype(int)
            order = np.argsort(month_code, kind="stable")
            self._by_month = month_code[order], order
        codes, order = self._by_month
        at = int(np.datetime64(pd.Timestamp(month), "M").astype(int))
        now = order[np.searchsorted(codes, at) : np.searchsorted(codes, at + 1)]
        frame = self.tape.frame
        issued = frame["issue_date"].to_numpy().astype("datetime64[M]").astype(int) <= at
        last = frame["last_payment_date"].to_numpy()
        ended = last.astype("datetime64[M]").astype(int) <= at
        balance = np.where(ended & (frame["status"] == "default").to_numpy(), frame["balance"].to_numpy(), 0.0)
        rows = self.performance["loan_id"].to_numpy()[now]
        state = self.performance["state"].cat.codes.to_numpy()[now]
        balance[rows] = self.performance["balance"].to_numpy()[now]
        names = np.array(STATUS_OF_STATE, dtype=object)
        status = np.where(ended, frame["status"].to_numpy(dtype=object), "current")
        status[rows] = names[state]
        end = np.datetime64(at, "M").astype("datetime64[s]")
        snapshot = frame.assign(balance=balance, status=status, last_payment_date=np.minimum(last, end))[issued]
        return _mark(snapshot.drop(columns=["days_past_due", "principal_paid", "recoveries", "instalments_late"]))


def _mark(frame):
    frame.attrs["simulated"] = True
    return frame


def _issue_months(loans, months, growth, rng):
    weight = (1 + growth) ** np.arange(months)
    return np.repeat(np.arange(months), rng.multinomial(loans, weight / weight.sum()))


def performance_frame(loan_id, amount, rate, term, issue_month, state, paid, start):
    """Rows of the monthly panel from the matrices of states and paid instalments.

    Parameters
    ----------
    loan_id, amount, rate, term, issue_month : numpy.ndarray, shape (n,)
        Of each loan; `rate` in per cent a year.
    state, paid : numpy.ndarray, shape (ages, n)
        As from :func:`p2prisk.simulate.life.simulate_life`.
    start : numpy.datetime64
        Month 0.

    Returns
    -------
    pandas.DataFrame
        In order of loan and age.
    """
    loan, age = np.nonzero(state.T >= 0)
    row_state = state.T[loan, age]
    count = paid.T[loan, age].astype(np.int32)
    before = np.where(age > 0, np.concatenate([[0], count[:-1]]), 0) if len(age) else count
    monthly = rate[loan] / 1200
    length = term[loan]
    instalment = life.instalment_of(amount, rate / 1200, term)[loan]
    balance = life.balance_after(amount[loan], monthly, length, count)
    due_count = np.minimum(age, length) - before
    due = instalment * due_count
    extra = (row_state == life.PAID) & (count - before > due_count)
    previous = np.where(age > 0, np.concatenate([[0.0], balance[:-1]]), 0.0) if len(age) else balance
    money = np.where(extra, previous * (1 + monthly), instalment * (count - before))
    month = (start + issue_month[loan] + age).astype("datetime64[s]")
    return pd.DataFrame(
        {
            "loan_id": loan_id[loan],
            "month": month,
            "age": age.astype(np.int16),
            "state": pd.Categorical.from_codes(row_state, list(life.STATES), ordered=True),
            "balance": np.where(row_state == life.PAID, 0.0, np.maximum(balance, 0.0)),
            "due": due,
            "paid": money,
            "days_past_due": DAYS_OF_STATE[row_state],
        },
        copy=False,
    )


def _connected_loans(target):
    """Loans to connected firms: bullets of three months, replaced by new ones when they fall due.

    `target` is the balance wanted at the end of each month; returns month, amount and firm of each loan.
    """
    issued = np.zeros(len(target))
    standing = np.zeros(len(target))
    rows = []
    for month, wanted in enumerate(target):
        running = issued[max(0, month - CONNECTED_TERM + 1) : month].sum()
        issued[month] = max(wanted - running, 0.0)
        standing[month] = running + issued[month]
        if issued[month] >= 100:
            pieces = int(min(max(issued[month] // 40_000, 1), CONNECTED_FIRMS))
            rows += [
                (month, np.round(issued[month] / pieces, -1), (month + piece) % CONNECTED_FIRMS)
                for piece in range(pieces)
            ]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return (
        np.array(columns[0], dtype=int),
        np.array(columns[1], dtype=float),
        np.array(columns[2], dtype=int),
        standing,
    )


@dataclass
class _Lives:
    """The loans and their months: states and paid instalments, shape (ages, loans), and where each one ended."""

    frame: pd.DataFrame
    issue: np.ndarray
    state: np.ndarray
    paid: np.ndarray
    #: firm of each connected loan; these loans come last
    firms: np.ndarray

    def __post_init__(self):
        self.size = len(self.issue)
        self.connected = np.arange(self.size) >= self.size - len(self.firms)
        self.amount, self.monthly = self.frame["amount"].to_numpy(), self.frame["rate"].to_numpy() / 1200
        self.term = self.frame["term"].to_numpy().astype(int)
        every = np.arange(self.size)
        self.last_age = self.state.shape[0] - 1 - (self.state[::-1] >= 0).argmax(axis=0)
        self.final, self.final_paid = self.state[self.last_age, every], self.paid[self.last_age, every]
        self.late = ((self.state >= life.LATE_30) & (self.state <= life.DEFAULT)).sum(axis=0)
        owed = life.balance_after(self.amount, self.monthly, self.term, self.final_paid)
        self.owed = np.where(self.final == life.PAID, 0.0, owed)
        self.defaulted = self.final == life.DEFAULT

    def panel(self, begin, months, balanced):
        """The monthly panel; balanced: an ended loan goes on in its last state."""
        state, paid = self.state, self.paid
        if balanced:
            age = np.arange(state.shape[0])[:, None]
            beyond = (age > self.last_age) & (self.issue + age < months)
            state, paid = np.where(beyond, self.final, state), np.where(beyond, self.final_paid, paid)
        rate = self.frame["rate"].to_numpy()
        return performance_frame(np.arange(self.size), self.amount, rate, self.term, self.issue, state, paid, begin)


def _environment(months, rng):
    """The common shock on the log-odds scale, one a month: an autoregression that starts at zero."""
    shock = rng.standard_normal(months) * ENVIRONMENT_SD * np.sqrt(1 - ENVIRONMENT_PERSISTENCE**2)
    level = np.zeros(months)
    for month in range(1, months):
        level[month] = ENVIRONMENT_PERSISTENCE * level[month - 1] + shock[month]
    return level


def _with_connected(frame, issue, state, paid, share):
    """Add the loans to connected firms, at their share of the balance by month; also the balance they make."""
    months, loans = len(share), len(issue)
    run = np.flatnonzero((state >= 0) & (state < life.DEFAULT))
    run_age, run_loan = run // loans, run % loans
    amount, rate, term = (frame[name].to_numpy()[run_loan] for name in ("amount", "rate", "term"))
    owed = life.balance_after(amount, rate / 1200, term.astype(int), paid[run_age, run_loan])
    ordinary = np.bincount(issue[run_loan] + run_age, owed, minlength=months)[:months]
    month, amount, firms, balance = _connected_loans(share / (1 - share) * ordinary)
    if len(month):
        extra, _ = draw_loans(month, np.random.default_rng(7))
        extra["amount"], extra["term"], extra["rate"] = amount, np.int16(CONNECTED_TERM), 12.0
        extra["grade"] = pd.Categorical.from_codes(np.zeros(len(month), dtype=int), list(GRADES), ordered=True)
        extra["first_loan"] = False
        frame = pd.concat([frame, extra], ignore_index=True)
        # on paper these firms pay on the day: the money comes from the next loan
        age = np.arange(state.shape[0])[:, None]
        seen = (age <= CONNECTED_TERM) & (month + age < months)
        on_paper = np.where(seen, np.where(age == CONNECTED_TERM, life.PAID, life.CURRENT), -1).astype(np.int8)
        state = np.hstack([state, on_paper])
        paid = np.hstack([paid, np.where(age >= CONNECTED_TERM, CONNECTED_TERM, 0) * np.ones_like(month)])
        paid, issue = paid.astype(np.int16), np.concatenate([issue, month])
    return _Lives(frame, issue, state, paid, firms), balance


def _add_parties(lives, rng):
    """Borrower, address and guarantor of every loan; connected firms share theirs."""
    ordinary = lives.size - len(lives.firms)
    who = records.parties(ordinary, rng, ~lives.frame["first_loan"].to_numpy()[:ordinary])
    none = np.zeros(len(lives.firms), int)
    borrower = np.char.add("B", np.concatenate([who["borrower"], none]).astype(str)).astype(object)
    address = np.char.add("A", np.concatenate([who["address"], none]).astype(str)).astype(object)
    guarantor = np.concatenate([who["guarantor"], none - 1])
    guarantor = np.where(guarantor < 0, "", np.char.add("G", guarantor.astype(str))).astype(object)
    borrower[lives.connected] = [f"F{firm}" for firm in lives.firms]
    address[lives.connected] = [f"AF{firm % 2}" for firm in lives.firms]
    guarantor[lives.connected] = [f"GF{firm % 2}" for firm in lives.firms]
    return borrower, address, guarantor


def _tape_frame(lives, begin, parties, recovered):
    """The tape's columns at the last month."""
    borrower, address, guarantor = parties
    frame = lives.frame
    frame.insert(0, "loan_id", np.arange(lives.size))
    frame.insert(1, "borrower_id", borrower)
    frame.insert(2, "issue_date", (begin + lives.issue).astype("datetime64[s]"))
    status = pd.Categorical.from_codes(lives.final, list(life.STATES))
    return frame.assign(
        currency="CNY",
        borrower_type=np.where(lives.connected, "firm", "person"),
        address_id=address,
        counterparty=pd.Series(guarantor, dtype=object).where(guarantor != "", None).to_numpy(),
        product="matched loan",
        instalment=np.round(life.instalment_of(lives.amount, lives.monthly, lives.term), 2),
        status=status.map(dict(zip(life.STATES, STATUS_OF_STATE, strict=True))).astype(object),
        days_past_due=DAYS_OF_STATE[lives.final],
        balance=np.round(lives.owed, 2),
        principal_paid=np.round(lives.amount - lives.owed, 2),
        recoveries=np.round(recovered, 2),
        instalments_late=lives.late,
        last_payment_date=(begin + lives.issue + lives.last_age).astype("datetime64[s]"),
        simulated=True,
    ).astype({"currency": "category"})


@dataclass
class _Money:
    """What moves each month, one entry a month."""

    repaid: np.ndarray
    lent: np.ndarray
    balance: np.ndarray
    active: np.ndarray
    #: months until the balance falls due, on average
    asset_months: np.ndarray


def _money(lives, performance, begin, months, recoveries):
    """Money by month, from the panel and the recoveries (month, amount)."""
    calendar = (performance["month"].to_numpy().astype("datetime64[M]") - begin).astype(int)
    running = performance["state"].cat.codes.to_numpy() < life.DEFAULT
    standing = performance["balance"].to_numpy()
    repaid = np.bincount(calendar, performance["paid"].to_numpy(), minlength=months)
    repaid += np.bincount(*recoveries, minlength=months)[:months]
    balance = np.bincount(calendar[running], standing[running], minlength=months)
    remaining = np.maximum(lives.term[performance["loan_id"].to_numpy()] - performance["age"].to_numpy(), 1)
    falls_due = np.bincount(calendar[running], (standing * remaining)[running] / 2, minlength=months)
    return _Money(
        repaid,
        np.bincount(lives.issue, lives.amount, minlength=months),
        balance,
        np.bincount(calendar[running], minlength=months),
        falls_due / np.maximum(balance, 1),
    )


def _lenders(money, outflow, rng):
    """Lenders' side by month: cash they keep, and what they pay in and withdraw."""
    months = len(money.balance)
    cash = IDLE_CASH * money.balance * np.exp(0.1 * rng.standard_normal(months) - 2 * outflow)
    withdrawn = np.clip(0.15 + outflow + 0.02 * rng.standard_normal(months), 0, 1) * money.repaid
    deposit = cash - np.append(0.0, cash[:-1]) - money.repaid + money.lent + withdrawn
    return cash, np.maximum(deposit, 0), withdrawn + np.maximum(-deposit, 0)


def simulate_platform(
    loans: int = 12_000,
    months: int = 36,
    *,
    seed: int | np.random.SeedSequence,
    start: str = "2015-01",
    growth: float = 0.02,
    terms: dict | None = None,
    turning_bad: TurningBad | None = None,
    balanced: bool = False,
) -> SimulatedPlatform:
    """Simulate a lending platform's monthly life.

    Parameters
    ----------
    loans : int
        Loans issued in all (connected loans of the cause ``management`` come on top).
    months : int
        Months observed.
    seed : int or numpy.random.SeedSequence
        Same seed, same platform. Each part of the life has its own stream, so that a cause changes only what it
        touches.
    start : str
        First month, ``YYYY-MM``.
    growth : float
        Monthly growth of the number of loans issued.
    terms : dict, optional
        Share by term in months, instead of the published one.
    turning_bad : TurningBad, optional
        How the platform turns bad; the healthy platform without.
    balanced : bool
        Whether the panel goes on reporting a loan in its last state until the last month.

    Returns
    -------
    SimulatedPlatform
        Every frame carries ``attrs["simulated"] = True``.

    Raises
    ------
    DataError
        If there is nothing to simulate.

    Notes
    -----
    Marginals follow published figures of PPDai (BOR003 to BOR041) and Renrendai (BOR085 to BOR105), see
    :mod:`p2prisk.simulate.published`; the joint distribution, effects, cures, recoveries and everything about
    custody and funding are assumptions. Amounts are in CNY, rates in per cent a year.

    Examples
    --------
    >>> platform = simulate_platform(500, 12, seed=1)
    >>> platform.tape.provenance["simulated"], platform.performance.attrs["simulated"]
    (True, True)
    >>> list(platform.performance["state"].cat.categories)
    ['current', '1-30', '31-60', '61-90', 'default', 'paid']
    """
    if loans < 1 or months < 2:
        raise DataError(f"a platform needs at least one loan and two months, not {loans} and {months}")
    if turning_bad is not None and not isinstance(turning_bad, TurningBad):
        raise DataError("turning_bad must be a TurningBad(cause, dose, onset)")
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    children = np.random.SeedSequence(sequence.entropy, spawn_key=sequence.spawn_key).spawn(7)
    issue_rng, trait_rng, life_rng, world_rng, party_rng, flow_rng, custody_rng = map(np.random.default_rng, children)
    begin = np.datetime64(start, "M")
    path = paths(turning_bad, months)
    issue = _issue_months(loans, months, growth, issue_rng)
    frame, eta = draw_loans(issue, trait_rng, tilt=path["tilt"][issue], hidden=path["hidden"][issue], terms=terms)
    environment = _environment(months, world_rng) + path["environment"]
    grade, term = frame["grade"].cat.codes.to_numpy(), frame["term"].to_numpy().astype(int)
    state, paid = life.simulate_life(
        eta, grade, term, issue, months, life_rng, environment=environment, cure_shift=path["cure"]
    )
    lives, connected_balance = _with_connected(frame, issue, state, paid, path["connected"])
    ended = lives.issue + lives.last_age
    recovery_month = ended + life_rng.integers(1, life.RECOVERY_MONTHS + 1, lives.size)
    recovered = np.where(lives.defaulted & (recovery_month < months), life.RECOVERY * lives.owed, 0.0)
    performance = lives.panel(begin, months, balanced)
    frame = _tape_frame(lives, begin, _add_parties(lives, party_rng), recovered)
    money = _money(lives, performance, begin, months, (recovery_month[recovered > 0], recovered[recovered > 0]))
    cash, deposit, withdrawn = _lenders(money, path["outflow"], flow_rng)
    flows = np.column_stack([deposit, money.repaid, money.lent, withdrawn])
    ledger, bank = records.custody(flows, path["diverted"], money.balance, begin, custody_rng)
    dates = (begin + np.arange(months)).astype("datetime64[s]")
    inflow = np.append(money.repaid[1:], money.repaid[-1])
    funding = records.funding(
        money.balance, inflow, cash, path["pooled"], path["outflow"], money.asset_months, dates, flow_rng
    )
    costs = records.accounts(money.lent, money.balance, money.active, path["servicing"], dates, flow_rng)
    moves = records.transfers(frame, lives.connected, party_rng)
    lost = lives.defaulted
    truth = {
        "eta": eta,
        "connected": lives.connected,
        "paths": path,
        "credit_loss": np.bincount(ended[lost], lives.owed[lost], minlength=months)[:months],
        "balance": money.balance,
        "connected_balance": connected_balance,
        "diverted": path["diverted"] * money.balance,
        "pooled": path["pooled"] * money.balance,
        "turning_bad": turning_bad,
    }
    record_date = str((begin + months).astype("datetime64[D]") - 1)
    provenance = {
        "name": "simulated-platform",
        "title": "Simulated platform",
        "simulated": True,
        "source": "p2prisk.simulate",
        "licence": "none needed",
        "period": f"{start}, {months} months",
        "record_date": record_date,
        "rows_read": lives.size,
        "seed": str(sequence.entropy),
    }
    tape = LoanTape(_mark(add_outcome(frame, record_date)), provenance)
    for part in (performance, ledger, bank, moves, funding, costs):
        _mark(part)
    return SimulatedPlatform(tape, performance, ledger, bank, moves, funding, costs, truth)
