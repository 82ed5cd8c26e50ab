"""The monthly life of a loan: instalments paid, missed, cured, prepaid, defaulted, recovered (simulated).

A discrete-time Markov chain with loan-specific entry: every month a current loan misses its instalment with
probability expit(base + grade + eta + environment), prepays with a constant probability, or pays. A late loan
cures, pays one instalment (and stays in its bucket) or rolls on; four missed instalments are a default.
"""

import numpy as np
from scipy.special import expit

#: States, in order of severity; the last ends the loan.
STATES = ("current", "1-30", "31-60", "61-90", "default", "paid")
CURRENT, LATE_30, LATE_60, LATE_90, DEFAULT, PAID = range(6)

#: Log odds that a current loan misses an instalment, by grade A to F. Found by iteration: the level gives the
#: published share of loans never late at the record date (BOR030), the steps between grades are those of the log
#: odds of the published late shares of instalment value (BOR036 to BOR041). The two sources do not agree on the
#: level: at 70 % never late the simulated late shares of value stay about a third below the published ones.
ENTRY = np.array([-3.45, -3.47, -3.04, -2.86, -2.28, -1.97])

#: Probability to cure fully, and to pay one instalment and stay, from 1-30, 31-60 and 61-90 days (assumption;
#: with them four in five late loans are paid up later, BOR031).
CURE = np.array([0.80, 0.36, 0.18])
STAY = np.array([0.08, 0.12, 0.10])

#: Monthly probability that a current loan is prepaid in full (BOR036 to BOR041: 8 to 15 % of value).
PREPAY = 0.012

#: Share of the balance at default that is recovered, and the months within which it comes (assumption).
RECOVERY = 0.15
RECOVERY_MONTHS = 12


def balance_after(amount, monthly_rate, term, paid):
    """Balance of an instalment loan after `paid` of `term` equal instalments.

    Examples
    --------
    >>> float(balance_after(1200.0, 0.0, 12, 3))
    900.0
    """
    amount, monthly_rate = np.asarray(amount, float), np.asarray(monthly_rate, float)
    zero = monthly_rate == 0
    rate = np.where(zero, 1.0, monthly_rate)
    growth = np.expm1(np.asarray(paid) * np.log1p(rate)) / np.expm1(np.asarray(term) * np.log1p(rate))
    return amount * (1 - np.where(zero, np.asarray(paid) / np.asarray(term), growth))


def instalment_of(amount, monthly_rate, term):
    """Equal monthly instalment of an annuity loan.

    Examples
    --------
    >>> round(float(instalment_of(1000.0, 0.01, 12)), 2)
    88.85
    """
    amount, monthly_rate = np.asarray(amount, float), np.asarray(monthly_rate, float)
    zero = monthly_rate == 0
    rate = np.where(zero, 1.0, monthly_rate)
    return np.where(zero, amount / term, amount * rate / -np.expm1(-np.asarray(term) * np.log1p(rate)))


def simulate_life(eta, grade, term, issue_month, months, rng, *, environment=None, cure_shift=None):
    """Run every loan month by month until it ends or the last month is reached.

    Parameters
    ----------
    eta : numpy.ndarray, shape (n,)
        Log odds of missing an instalment relative to the grade.
    grade : numpy.ndarray of int, shape (n,)
        Grade codes, 0 = A.
    term : numpy.ndarray of int, shape (n,)
        Number of instalments.
    issue_month : numpy.ndarray of int, shape (n,)
        Month of issue; the first instalment is due a month later.
    months : int
        Months that are observed: calendar months 0 to `months` - 1.
    rng : numpy.random.Generator
        Source of randomness.
    environment : numpy.ndarray, shape (months,), optional
        Shift of the log odds of missing, common to all loans, by calendar month.
    cure_shift : numpy.ndarray, shape (months,), optional
        Shift of the log odds of curing and staying, by calendar month (servicing effort).

    Returns
    -------
    state : numpy.ndarray of int8, shape (ages, n)
        State by age 0, 1, ...; -1 where the loan has ended earlier or is not observed.
    paid : numpy.ndarray of int16, shape (ages, n)
        Instalments paid so far (all of them where the loan is paid up).
    """
    size = len(eta)
    environment = np.zeros(months) if environment is None else np.asarray(environment, float)
    cure_shift = np.zeros(months) if cure_shift is None else np.asarray(cure_shift, float)
    ages = int(min(months, (term.max() if size else 0) + 8)) or 1
    state = np.full((ages, size), -1, dtype=np.int8)
    paid = np.zeros((ages, size), dtype=np.int16)
    if not size:
        return state, paid
    state[0] = CURRENT
    base = ENTRY[grade] + eta
    cure_logit = np.log(CURE / (1 - CURE))
    # every loan and month has its own draw: a change in one month leaves the luck of all others as it was
    luck = rng.random((ages, size), dtype=np.float32)
    alive = np.arange(size)
    now, done = state[0].copy(), np.zeros(size, dtype=np.int16)
    for age in range(1, ages):
        alive = alive[(now[alive] < DEFAULT) & (issue_month[alive] + age < months)]
        if not len(alive):
            break
        calendar = issue_month[alive] + age
        bucket = now[alive]
        draw = luck[age, alive]
        count = done[alive]
        last = term[alive]
        current = bucket == CURRENT
        miss = expit(base[alive] + environment[calendar])
        missed = current & (draw < miss)
        prepaid = current & (draw >= 1 - PREPAY * (1 - miss))
        late = ~current
        step = np.clip(bucket - 1, 0, 2)
        cure = expit(cure_logit[step] + cure_shift[calendar])
        stay = STAY[step] * np.minimum(1, cure / CURE[step])
        cured = late & (draw < cure)
        stayed = late & ~cured & (draw < cure + stay)
        rolled = late & ~cured & ~stayed
        bucket = np.where(missed | rolled, bucket + 1, bucket)
        bucket = np.where(cured, CURRENT, bucket)
        due = np.minimum(age, last)
        count = np.where(current & ~missed, due, count)
        count = np.where(cured, due, count)
        count = np.where(stayed, np.minimum(count + 1, last), count)
        ended = prepaid | (count >= last)
        bucket = np.where(ended, PAID, bucket)
        count = np.where(ended, last, count)
        now[alive] = bucket
        done[alive] = count
        state[age, alive] = bucket
        paid[age, alive] = count
    return state, paid
