"""Applications and loans: who borrows, how much, and in which grade (simulated)."""

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import ndtri

from p2prisk.simulate import published

#: Effect of an attribute on the log odds of missing an instalment. Assumptions: signs follow the published
#: late shares by age and amount (BOR044 to BOR055) and by sex (BOR042, BOR043); those of education, work and
#: income follow the studies in which better means safer, which not all studies find.
EFFECTS = {
    "age": -0.020,
    "log_amount": -0.20,
    "male": 0.02,
    "first_loan": 0.20,
    "verification": -0.05,
    "education": -0.20,
    "work_years": -0.10,
    "income": -0.10,
}

#: Standard deviation of what no attribute shows, on the log-odds scale (assumption).
UNSEEN_SD = 0.8

#: Standard deviation of the noise between the visible risk and the grade given (assumption).
GRADING_SD = 0.25

GRADES = tuple(published.GRADE_SHARES)


def _choice(rng, shares, size):
    values = np.asarray(list(shares.values()), dtype=float)
    return rng.choice(len(values), size=size, p=values / values.sum()).astype(np.int8)


def draw_traits(size, rng):
    """Draw attributes of applicants, independent of each other.

    Parameters
    ----------
    size : int
        Number of applicants.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict of numpy.ndarray
        `amount` (CNY), `age` (years), and integer codes of the categories in
        :mod:`p2prisk.simulate.published`, in their order there.
    """
    low, median, high = published.AMOUNT_QUARTILES
    sigma = np.log(high / low) / (2 * 0.6744897501960817)
    mean_age, sd_age, youngest, oldest = published.AGE
    # a gamma law keeps the published mean and deviation and its skew to the right above the lower bound
    shape = ((mean_age - youngest) / sd_age) ** 2
    return {
        "amount": np.clip(np.round(median * np.exp(sigma * rng.standard_normal(size)), -1), 100, 500_000),
        "age": np.minimum(youngest + rng.gamma(shape, sd_age**2 / (mean_age - youngest), size), oldest),
        "male": (rng.random(size) < published.MALE_SHARE).astype(np.int8),
        "first_loan": (rng.random(size) < published.FIRST_LOAN_SHARE).astype(np.int8),
        "verification": _choice(rng, published.VERIFICATION_SHARES, size),
        "education": _choice(rng, published.EDUCATION_SHARES, size),
        "marriage": _choice(rng, published.MARRIAGE_SHARES, size),
        "work_years": _choice(rng, published.WORK_YEARS_SHARES, size),
        "income": _choice(rng, published.INCOME_SHARES, size),
    }


def visible_risk(traits):
    """Risk that the attributes show: centred linear predictor of missing an instalment.

    Parameters
    ----------
    traits : dict of numpy.ndarray
        As returned by :func:`draw_traits`.

    Returns
    -------
    numpy.ndarray
        Log odds relative to an average applicant.
    """
    _, median, _ = published.AMOUNT_QUARTILES
    centre = {"verification": 0.829, "education": 0.877, "work_years": 0.991, "income": 2.124}
    risk = EFFECTS["age"] * (traits["age"] - published.AGE[0])
    risk = risk + EFFECTS["log_amount"] * np.log(traits["amount"] / median)
    risk += EFFECTS["male"] * (traits["male"] - published.MALE_SHARE)
    risk += EFFECTS["first_loan"] * (traits["first_loan"] - published.FIRST_LOAN_SHARE)
    for name, middle in centre.items():
        risk += EFFECTS[name] * (traits[name] - middle)
    return risk


@lru_cache(maxsize=1)
def _reference():
    """Cut-points, mean and deviation of the score in a fixed reference population: they never drift."""
    rng = np.random.default_rng(20150101)
    score = visible_risk(draw_traits(200_000, rng)) + GRADING_SD * rng.standard_normal(200_000)
    cuts = np.quantile(score, np.cumsum(list(published.GRADE_SHARES.values()))[:-1])
    return cuts, score.mean(), score.std()


def grade_codes(score):
    """Grade (0 = A, the best) from the platform's score, by cut-points that do not move with the book."""
    return np.searchsorted(_reference()[0], score).astype(np.int8)


def draw_loans(issue_month, rng, *, tilt=None, hidden=None, terms=None):
    """Draw one loan for every entry of `issue_month`.

    Parameters
    ----------
    issue_month : numpy.ndarray of int
        Month of issue of each loan, counted from the start of the platform.
    rng : numpy.random.Generator
        Source of randomness.
    tilt : numpy.ndarray, optional
        Adverse selection that shows, a loan: the applicant is the riskiest-weighted of three candidates, with
        weights exp(tilt x visible risk). Zero leaves the population as it is.
    hidden : numpy.ndarray, optional
        Shift of the unseen risk, a loan, on the log-odds scale.
    terms : dict, optional
        Share by term in months instead of :data:`~p2prisk.simulate.published.TERM_SHARES`.

    Returns
    -------
    frame : pandas.DataFrame
        One row a loan.
    eta : numpy.ndarray
        True log odds of missing an instalment relative to the loan's grade.
    """
    size = len(issue_month)
    traits = draw_traits(size, rng)
    if tilt is not None and np.any(tilt):
        # two rivals an applicant; the pick is a softmax draw (Gumbel trick) so that `tilt` acts smoothly
        other = rng.spawn(1)[0]  # a stream of their own, so that the untilted platform is the same draw for draw
        rivals = [traits, draw_traits(size, other), draw_traits(size, other)]
        utility = np.stack([tilt * visible_risk(rival) for rival in rivals]) + other.gumbel(size=(3, size))
        pick = np.where(tilt == 0, 0, utility.argmax(axis=0))
        traits = {name: np.choose(pick, [rival[name] for rival in rivals]) for name in traits}
    visible = visible_risk(traits)
    score = visible + GRADING_SD * rng.standard_normal(size)
    grade = grade_codes(score)
    unseen = UNSEEN_SD * rng.standard_normal(size) + (0.0 if hidden is None else hidden)
    term_shares = terms or published.TERM_SHARES
    term = np.array(list(term_shares))[_choice(rng, term_shares, size)]
    # price follows the score with noise: the published rates hardly vary (standard deviation 1.8 points)
    _, centre, spread = _reference()
    rate_levels = np.array(list(published.RATE_SHARES))
    rate_cuts = ndtri(np.cumsum(list(published.RATE_SHARES.values()))[:-1])
    rate = rate_levels[np.searchsorted(rate_cuts, 0.6 * (score - centre) / spread + 0.8 * rng.standard_normal(size))]

    def categories(name, shares, ordered):
        return pd.Categorical.from_codes(traits[name], list(shares), ordered=ordered)

    work_lower = np.array([0.0, 1.0, 3.0, 5.0])[traits["work_years"]]
    work_width = np.array([1.0, 2.0, 2.0, 10.0])[traits["work_years"]]
    verification = traits["verification"]
    frame = pd.DataFrame(
        {
            "amount": traits["amount"],
            "term": term.astype(np.int16),
            "rate": 100 * rate,
            "grade": pd.Categorical.from_codes(grade, list(GRADES), ordered=True),
            "platform_score": np.clip(np.round(600 - 100 * score, 1), 0, 1000),
            "age": np.round(traits["age"], 1),
            "sex": pd.Categorical.from_codes(traits["male"], ["female", "male"]),
            "first_loan": traits["first_loan"].astype(bool),
            "verified_phone": (verification == 1) | (verification == 2),
            "verified_education": verification == 2,
            "education": categories("education", published.EDUCATION_SHARES, True),
            "marital_status": categories("marriage", published.MARRIAGE_SHARES, False),
            "employment_years": np.round(work_lower + work_width * rng.random(size), 1),
            "income_band": categories("income", published.INCOME_SHARES, True),
        }
    )
    return frame, 0.5 * visible + unseen
