"""Numbers of the chapter on the grade, recomputed another way, and the fit that its page shows."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from p2pbook.chapters.grade import compute
from p2pbook.grade_model import grade_loans, grade_model
from p2pbook.reading import representative_borrowers
from p2prisk import OrderedLogit


@pytest.fixture(scope="module")
def n():
    return compute()


def test_the_fit_on_the_page_is_the_fit_behind_the_numbers(run_shown):
    typed = run_shown("chapters/grade.qmd", "grade-fit")["result"]
    assert typed.params.equals(grade_model().params) and typed.bse.equals(grade_model().bse)


def test_odds_ratios(n):
    result = grade_model()
    half = 1.959964 * result.bse["long_term"]
    assert n.odds["long_term"] == pytest.approx(np.exp(result.params["long_term"]))
    assert n.odds["long_term"].low == pytest.approx(np.exp(result.params["long_term"] - half), rel=1e-6)
    assert str(n.odds["long_term"]) == f"{np.exp(result.params['long_term']):.1f}"
    assert len(n.clearest) == 10 and n.clearest["z"].abs().min() >= n.slopes["z"].abs().sort_values().iloc[-10]
    assert n.clearest["odds_ratio"].idxmax() == n.slopes.index[n.slopes["name"] == "long_term"][0]
    assert len(n.estimates) == len(n.slopes) == len(n.odds) == len(result.params) - 6
    quiet = [value for name, value in n.odds.items() if name.startswith(("employment", "home"))]
    assert (n.quiet_lowest, n.quiet_highest) == (min(quiet), max(quiet))


def test_income_alone_by_a_fit_on_arrays(n):
    loans, _ = grade_loans()
    alone = OrderedLogit(loans["grade"], loans[["income"]]).fit()
    assert n.income_alone == pytest.approx(np.exp(alone.params.iloc[0]), rel=1e-6)
    # nearly nothing beside the other traits, clearly something alone
    assert n.odds["income"].low < 1 < n.odds["income"].high and n.income_alone < 0.85


def test_ranking_by_pairs_of_grades(n):
    loans, _ = grade_loans()
    score = grade_model().predict(which="linear")
    right = pairs = 0
    for better, worse in combinations(loans["grade"].cat.categories, 2):
        low, high = score[loans["grade"] == better], score[loans["grade"] == worse]
        right += mannwhitneyu(high, low).statistic
        pairs += len(low) * len(high)
    assert n.fit.ranked == pytest.approx(right / pairs, abs=1e-9)
    assert n.thin_grades == loans["grade"].astype(str).isin(["F", "G"]).sum()


def test_explained_and_sandwich(n):
    result = grade_model()
    spread = np.var(result.predict(which="linear"))
    assert n.fit.explained == pytest.approx(spread / (spread + np.pi**2 / 3), rel=1e-3)
    robust = OrderedLogit.from_formula(result.model.formula, grade_loans()[0]).fit(cov_type="HC0")
    assert n.fit.sandwich_lowest == pytest.approx((robust.bse / result.bse).min(), rel=1e-9)
    assert n.fit.sandwich_highest == pytest.approx((robust.bse / result.bse).max(), rel=1e-9)


def test_shares_of_borrowers_from_the_formula(n):
    (loans, _), result = grade_loans(), grade_model()
    score, thresholds = result.predict(which="linear"), result.thresholds.to_numpy()

    def up_to(j, eta):
        return 1 / (1 + np.exp(eta - thresholds[j]))

    at_36 = score - loans["long_term"] * result.params["long_term"]
    at_60 = at_36 + result.params["long_term"]
    assert n.shares.everybody_36 == pytest.approx(1 - up_to(2, at_36).mean())
    assert n.shares.everybody_60 == pytest.approx(1 - up_to(2, at_60).mean())
    borrowers = representative_borrowers(loans, n.slopes)
    typical = result.predict(borrowers, which="linear")["typical, 36 months"]
    assert n.shares.typical_36 == pytest.approx(up_to(1, typical))
