"""A platform's monthly life, from applications to custody (simulated)."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.simulate import life, records
from p2prisk.simulate.causes import TurningBad, paths
from p2prisk.simulate.loans import GRADES, draw_loans
from p2prisk.tape import LoanTape, add_outcome

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

    def loans_at(self, month):
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


def _connected_loans(target, start_id):
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


def simulate_platform(
    loans=12_000, months=36, *, seed, start="2015-01", growth=0.02, terms=None, turning_bad=None, balanced=False
):
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
    streams = [
        np.random.default_rng(child)
        for child in np.random.SeedSequence(sequence.entropy, spawn_key=sequence.spawn_key).spawn(7)
    ]
    issue_rng, trait_rng, life_rng, world_rng, party_rng, flow_rng, custody_rng = streams
    begin = np.datetime64(start, "M")
    path = paths(turning_bad, months)
    issue = _issue_months(loans, months, growth, issue_rng)
    frame, eta = draw_loans(issue, trait_rng, tilt=path["tilt"][issue], hidden=path["hidden"][issue], terms=terms)
    shock = world_rng.standard_normal(months) * ENVIRONMENT_SD * np.sqrt(1 - ENVIRONMENT_PERSISTENCE**2)
    environment = np.zeros(months)
    for month in range(1, months):
        environment[month] = ENVIRONMENT_PERSISTENCE * environment[month - 1] + shock[month]
    environment += path["environment"]
    term = frame["term"].to_numpy().astype(int)
    grade = frame["grade"].cat.codes.to_numpy()
    state, paid = life.simulate_life(
        eta, grade, term, issue, months, life_rng, environment=environment, cure_shift=path["cure"]
    )
    ages = state.shape[0]
    amount, rate = frame["amount"].to_numpy(), frame["rate"].to_numpy()
    run = np.flatnonzero((state >= 0) & (state < life.DEFAULT))
    run_age, run_loan = run // loans, run % loans
    owed = life.balance_after(amount[run_loan], rate[run_loan] / 1200, term[run_loan], paid[run_age, run_loan])
    ordinary = np.bincount(issue[run_loan] + run_age, owed, minlength=months)[:months]
    share = path["connected"]
    c_month, c_amount, c_firm, connected_balance = _connected_loans(share / (1 - share) * ordinary, loans)
    if len(c_month):
        extra, _ = draw_loans(c_month, np.random.default_rng(7))
        extra["amount"], extra["term"], extra["rate"] = c_amount, np.int16(CONNECTED_TERM), 12.0
        extra["grade"] = pd.Categorical.from_codes(np.zeros(len(c_month), dtype=int), list(GRADES), ordered=True)
        extra["first_loan"] = False
        frame = pd.concat([frame, extra], ignore_index=True)
        # on paper these firms pay on the day: the money comes from the next loan
        c_age = np.arange(ages)[:, None]
        seen = (c_age <= CONNECTED_TERM) & (c_month + c_age < months)
        c_state = np.where(seen, np.where(c_age == CONNECTED_TERM, life.PAID, life.CURRENT), -1).astype(np.int8)
        state = np.hstack([state, c_state])
        paid = np.hstack([paid, np.where(c_age >= CONNECTED_TERM, CONNECTED_TERM, 0) * np.ones_like(c_month)])
        paid = paid.astype(np.int16)
        issue = np.concatenate([issue, c_month])
    size = len(issue)
    connected = np.arange(size) >= loans
    amount, rate = frame["amount"].to_numpy(), frame["rate"].to_numpy()
    term = frame["term"].to_numpy().astype(int)
    # where everyone ended
    last_age = state.shape[0] - 1 - (state[::-1] >= 0).argmax(axis=0)
    final = state[last_age, np.arange(size)]
    late = ((state >= life.LATE_30) & (state <= life.DEFAULT)).sum(axis=0)
    final_paid = paid[last_age, np.arange(size)]
    owed = np.where(final == life.PAID, 0.0, life.balance_after(amount, rate / 1200, term, final_paid))
    defaulted = final == life.DEFAULT
    recovery_month = issue + last_age + life_rng.integers(1, life.RECOVERY_MONTHS + 1, size)
    recovered = np.where(defaulted & (recovery_month < months), life.RECOVERY * owed, 0.0)
    if balanced:
        age = np.arange(state.shape[0])[:, None]
        beyond = (age > last_age) & (issue + age < months)
        state = np.where(beyond, final, state)
        paid = np.where(beyond, final_paid, paid)
    loan_id = np.arange(size)
    performance = performance_frame(loan_id, amount, rate, term, issue, state, paid, begin)
    # parties
    who = records.parties(loans, party_rng, ~frame["first_loan"].to_numpy()[:loans])
    borrower = np.char.add("B", np.concatenate([who["borrower"], np.zeros(size - loans, int)]).astype(str))
    address = np.char.add("A", np.concatenate([who["address"], np.zeros(size - loans, int)]).astype(str))
    guarantor = np.concatenate([who["guarantor"], np.full(size - loans, -1)])
    guarantor = np.where(guarantor < 0, "", np.char.add("G", guarantor.astype(str)))
    borrower, address, guarantor = (x.astype(object) for x in (borrower, address, guarantor))
    borrower[connected] = [f"F{firm}" for firm in c_firm]
    address[connected] = [f"AF{firm % 2}" for firm in c_firm]
    guarantor[connected] = [f"GF{firm % 2}" for firm in c_firm]
    issue_date = (begin + issue).astype("datetime64[s]")
    frame.insert(0, "loan_id", loan_id)
    frame.insert(1, "borrower_id", borrower)
    frame.insert(2, "issue_date", issue_date)
    frame = frame.assign(
        currency="CNY",
        borrower_type=np.where(connected, "firm", "person"),
        address_id=address,
        counterparty=pd.Series(guarantor, dtype=object).where(guarantor != "", None).to_numpy(),
        product="matched loan",
        instalment=np.round(life.instalment_of(amount, rate / 1200, term), 2),
        status=pd.Categorical.from_codes(final, list(life.STATES))
        .map(dict(zip(life.STATES, STATUS_OF_STATE, strict=True)))
        .astype(object),
        days_past_due=DAYS_OF_STATE[final],
        balance=np.round(owed, 2),
        principal_paid=np.round(amount - owed, 2),
        recoveries=np.round(recovered, 2),
        instalments_late=late,
        last_payment_date=(begin + issue + last_age).astype("datetime64[s]"),
        simulated=True,
    )
    record_date = str((begin + months).astype("datetime64[D]") - 1)
    # money by month
    calendar = (performance["month"].to_numpy().astype("datetime64[M]") - begin).astype(int)
    codes = performance["state"].cat.codes.to_numpy()
    repaid = np.bincount(calendar, performance["paid"].to_numpy(), minlength=months)
    repaid += np.bincount(recovery_month[recovered > 0], recovered[recovered > 0], minlength=months)[:months]
    lent = np.bincount(issue, amount, minlength=months)
    running = codes < life.DEFAULT
    balance = np.bincount(calendar[running], performance["balance"].to_numpy()[running], minlength=months)
    active = np.bincount(calendar[running], minlength=months)
    remaining = np.maximum(term[performance["loan_id"].to_numpy()] - performance["age"].to_numpy(), 1)
    asset_months = np.bincount(
        calendar[running], (performance["balance"].to_numpy() * remaining)[running] / 2, minlength=months
    ) / np.maximum(balance, 1)
    inflow = np.append(repaid[1:], repaid[-1])
    cash_wanted = IDLE_CASH * balance * np.exp(0.1 * flow_rng.standard_normal(months) - 2 * path["outflow"])
    withdrawn = np.clip(0.15 + path["outflow"] + 0.02 * flow_rng.standard_normal(months), 0, 1) * repaid
    before = np.append(0.0, cash_wanted[:-1])
    deposit = cash_wanted - before - repaid + lent + withdrawn
    withdrawn = withdrawn + np.maximum(-deposit, 0)
    flows = np.column_stack([np.maximum(deposit, 0), repaid, lent, withdrawn])
    ledger, bank = records.custody(flows, path["diverted"], balance, begin, custody_rng)
    dates = (begin + np.arange(months)).astype("datetime64[s]")
    money = records.funding(
        balance, inflow, cash_wanted, path["pooled"], path["outflow"], asset_months, dates, flow_rng
    )
    costs = records.accounts(lent, balance, active, path["servicing"], dates, flow_rng)
    moves = records.transfers(frame, connected, party_rng)
    default_month = issue + last_age
    loss = np.bincount(default_month[defaulted], owed[defaulted], minlength=months)[:months]
    truth = {
        "eta": eta,
        "connected": connected,
        "paths": path,
        "credit_loss": loss,
        "balance": balance,
        "connected_balance": connected_balance,
        "diverted": path["diverted"] * balance,
        "pooled": path["pooled"] * balance,
        "turning_bad": turning_bad,
    }
    provenance = {
        "name": "simulated-platform",
        "title": "Simulated platform",
        "simulated": True,
        "source": "p2prisk.simulate",
        "licence": "none needed",
        "period": f"{start}, {months} months",
        "record_date": record_date,
        "rows_read": size,
        "seed": str(sequence.entropy),
    }
    frame["currency"] = frame["currency"].astype("category")
    tape = LoanTape(_mark(add_outcome(frame, record_date)), provenance)
    return SimulatedPlatform(tape, *(_mark(part) for part in (performance, ledger, bank, moves, money, costs)), truth)
