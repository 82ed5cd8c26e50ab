"""Stress: identities of the ordered logit, accounting, monotone shocks, and the reverse of each."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from p2prisk import OrderedLogit
from p2prisk.errors import DataError
from p2prisk.stress import (
    Book,
    Economics,
    Scenario,
    assess,
    breaking_point,
    breaking_shift,
    class_probabilities,
    default_probability,
    funding_run,
    grade_migration,
    least_reinvestment,
    months_to_failure,
    provision,
    shift_to_default_rate,
    stress_table,
)

ECONOMICS = Economics(
    income=np.array([0.20, 0.22, 0.18, 0.08]),
    loss=np.array([0.0, 0.0, 0.3, 0.75]),
    years=np.array([1.4, 1.5, 1.4, 0.7]),
    early_share=0.4,
)


@pytest.fixture
def book():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"purpose": rng.choice(["business", "other"], 500, p=[0.2, 0.8])})
    return Book(rng.normal(size=500), np.array([1.5, 1.9, 2.4]), rng.uniform(1, 10, 500), frame, ECONOMICS)


def test_probabilities_equal_those_of_the_fitted_model():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=2000)})
    latent = frame["x"] + rng.logistic(size=2000)
    frame["y"] = pd.Categorical.from_codes(np.digitize(latent, [0, 1, 2]), list("ABCD"), ordered=True)
    fit = OrderedLogit.from_formula("y ~ x", frame).fit()
    eta = frame["x"].to_numpy() * fit.params["x"]
    ours = class_probabilities(eta, fit.thresholds.to_numpy())
    assert np.allclose(ours, fit.predict(frame).to_numpy(), atol=1e-13)
    # moving the linear predictor is moving all thresholds the other way
    assert np.allclose(class_probabilities(eta + 0.7, fit.thresholds), class_probabilities(eta, fit.thresholds - 0.7))


def test_small_tail_probabilities_keep_their_digits():
    probability = class_probabilities([-60.0, 60.0], [0.0, 1.0])
    assert probability[0, 2] == pytest.approx(expit(-61.0), rel=1e-12)
    assert probability[1, 0] == pytest.approx(expit(-60.0), rel=1e-12)
    assert np.allclose(probability.sum(axis=1), 1)


def test_assessment_by_hand(book):
    result = assess(book)
    weight = book.amount / book.amount.sum()
    probability = class_probabilities(book.eta, book.thresholds)
    assert result["expected_loss"] == pytest.approx(weight @ probability @ ECONOMICS.loss)
    assert result["annual_return"] == pytest.approx(
        (weight @ probability @ (ECONOMICS.income - ECONOMICS.loss)) / (weight @ probability @ ECONOMICS.years)
    )
    assert result["default_rate"] == pytest.approx(weight @ default_probability(book))
    assert result["classes"].sum() == pytest.approx(1)


def test_economics_by_loan_are_those_of_the_parts(book):
    """Two books with economics of their own, and the same loans in one book."""
    other = Economics(2 * ECONOMICS.income, 0.5 * ECONOMICS.loss, 1.5 * ECONOMICS.years, early_share=0.4)
    second = book.frame["purpose"].to_numpy() == "business"
    parts = [
        Book(book.eta[rows], book.thresholds, book.amount[rows], book.frame[rows], economics)
        for rows, economics in ((~second, ECONOMICS), (second, other))
    ]
    mixed = {
        name: np.where(second[:, None], getattr(other, name), getattr(ECONOMICS, name))
        for name in ("income", "loss", "years")
    }
    whole = Book(book.eta, book.thresholds, book.amount, book.frame, Economics(**mixed, early_share=0.4))
    weights = np.array([part.amount.sum() for part in parts]) / book.amount.sum()
    for name in ("expected_loss", "income", "years"):
        assert assess(whole, 0.3)[name] == pytest.approx(weights @ [assess(part, 0.3)[name] for part in parts])
    assert provision(whole)["lifetime"] == pytest.approx(weights @ [provision(part)["lifetime"] for part in parts])
    with pytest.raises(DataError, match="its economics 3"):
        Book(book.eta, book.thresholds, book.amount, book.frame, Economics(*[np.zeros((3, 4))] * 3))


def test_shocks_are_monotone(book):
    shifts = np.linspace(0, 3, 13)
    results = [assess(book, shift) for shift in shifts]
    assert (np.diff([r["default_rate"] for r in results]) > 0).all()
    assert (np.diff([r["expected_loss"] for r in results]) > 0).all()
    assert (np.diff([r["annual_return"] for r in results]) < 0).all()
    assert assess(book, 0, loss_factor=1.2)["expected_loss"] == pytest.approx(1.2 * results[0]["expected_loss"])
    assert assess(book, 50)["default_rate"] == pytest.approx(1)  # an all-default book is no special case
    assert assess(book, 50, loss_factor=9)["expected_loss"] == pytest.approx(1)  # no more than everything is lost


def test_provision_has_a_cliff(book):
    calm, before, after = (provision(book, shift) for shift in (0.0, np.log(2) - 1e-6, np.log(2)))
    assert calm["stage_2"] == before["stage_2"] == 0 and after["stage_2"] == 1
    assert calm["provision"] == pytest.approx(0.4 * calm["lifetime"])
    assert after["provision"] == pytest.approx(after["lifetime"])
    assert after["provision"] > 2 * before["provision"]
    partly = provision(book, np.where(book.frame["purpose"] == "business", 1.0, 0.0))
    share = book.amount[book.frame["purpose"] == "business"].sum() / book.amount.sum()
    assert partly["stage_2"] == pytest.approx(share)


def test_migration_rows_sum_to_one_and_empty_grades_are_missing(book):
    cuts = [0.05, 0.1, 0.2, 0.4]
    still = grade_migration(book, 0.0, cuts)
    assert np.allclose(np.diag(still)[still.notna().all(axis=1)], 1)
    moved = grade_migration(book, 0.5, cuts)
    assert np.allclose(moved.sum(axis=1)[moved.notna().all(axis=1)], 1)
    assert (np.tril(moved.fillna(0), -1) == 0).all()  # nobody improves
    empty = grade_migration(book, 0.5, [1e-9, 0.1])
    assert empty.loc["A"].isna().all()
    with pytest.raises(DataError, match="must increase"):
        grade_migration(book, 0.0, [0.2, 0.1])


def test_scenarios(book):
    table = stress_table(
        book,
        [
            Scenario("downturn", "all", shift=0.4),
            Scenario("collapse", "business", segments={"purpose": {"business": 1.2}}),
            Scenario("poor recoveries", "loss", loss_factor=1.25),
        ],
    ).set_index("scenario")
    assert table.loc["as it is", "hit"] == 0 and table.loc["downturn", "hit"] == 1
    assert 0.1 < table.loc["collapse", "hit"] < 0.3
    assert table.loc["collapse", "stage_2"] == pytest.approx(table.loc["collapse", "hit"])
    assert (table["annual_return"] <= table.loc["as it is", "annual_return"]).all()
    with pytest.raises(DataError, match="no loan has purpose = 'yacht'"):
        stress_table(book, [Scenario("x", "y", segments={"purpose": {"yacht": 1.0}})])
    with pytest.raises(DataError, match="no column 'colour'"):
        stress_table(book, [Scenario("x", "y", segments={"colour": {"red": 1.0}})])


def test_reverse_stress_finds_the_shock_that_breaks(book):
    shift = breaking_shift(book)
    assert shift > 0 and assess(book, shift)["annual_return"] == pytest.approx(0, abs=1e-9)
    assert breaking_shift(book, annual_return=0.03) < shift
    assert breaking_shift(book, annual_return=0.9) == 0  # broken without a shock
    assert breaking_point(lambda x: -x, 1.0, upper=5.0) == 0.0  # already below
    assert breaking_point(lambda x: x, 9.0, upper=5.0) == float("inf")  # nothing reaches it
    with pytest.raises(DataError, match="lower end"):
        breaking_point(lambda x: x, 1.0, lower=2.0, upper=1.0)
    with pytest.raises(DataError, match="not a number"):
        breaking_point(lambda x: np.nan, 1.0)


def test_a_matched_platform_survives_a_run_and_a_pool_does_not():
    matched = funding_run(100.0, 0.0, asset_months=12, liability_months=12, reinvested=0.0)
    assert len(matched) == 24 and (matched["cash"] >= -1e-9).all()
    assert months_to_failure(100.0, 0.0, asset_months=12, liability_months=12, reinvested=0.0) == float("inf")
    # what lenders are owed falls by what was paid and rises by what they put in
    part = funding_run(100.0, 0.0, asset_months=12, liability_months=12, reinvested=0.5)
    assert part["owed"].tolist()[:2] == pytest.approx([100 - 100 / 24, (100 - 100 / 24) * (1 - 1 / 24)])
    slow = funding_run(100.0, 90.0, asset_months=12, liability_months=4, reinvested=0.5)
    assert slow["owed"].tolist()[:2] == pytest.approx([100 - 25 + 12.5, 87.5 * (1 - 0.125)])
    pool = funding_run(100.0, 6.0, asset_months=12, liability_months=1, reinvested=0.8)
    # by hand: due 100, in 8.33 + 80, cash 6 - 11.67
    assert pool["cash"].iloc[0] == pytest.approx(6 + 100 / 12 + 80 - 100)
    assert months_to_failure(100.0, 6.0, asset_months=12, liability_months=1, reinvested=0.8) == 1
    assert months_to_failure(100.0, 6.0, asset_months=12, liability_months=1, reinvested=1.0) == float("inf")


def test_least_reinvestment_is_the_edge():
    settings = {"asset_months": 12, "liability_months": 1, "horizon": 12}
    edge = least_reinvestment(100.0, 6.0, **settings)
    assert 0.8 < edge < 1
    assert months_to_failure(100.0, 6.0, reinvested=edge + 1e-6, **settings) == float("inf")
    assert months_to_failure(100.0, 6.0, reinvested=edge - 1e-3, **settings) <= 12
    assert least_reinvestment(100.0, 6.0, asset_months=12, liability_months=12) == 0
    assert least_reinvestment(100.0, 50.0, **settings) < edge  # cash buys time
    assert least_reinvestment(100.0, 6.0, default_rate=0.2, **settings) > edge


def test_bad_input():
    frame = pd.DataFrame({"x": [1]})
    with pytest.raises(DataError, match="no loan"):
        Book(np.array([]), np.array([0.0, 1, 2]), np.array([]), frame.iloc[:0], ECONOMICS)
    with pytest.raises(DataError, match="thresholds make 3 classes"):
        Book(np.array([0.0]), np.array([0.0, 1]), np.array([1.0]), frame, ECONOMICS)
    with pytest.raises(DataError, match="must increase"):
        Book(np.array([0.0]), np.array([0.0, 1, 1]), np.array([1.0]), frame, ECONOMICS)
    with pytest.raises(DataError, match="negative amount"):
        Book(np.array([0.0]), np.array([0.0, 1, 2]), np.array([-1.0]), frame, ECONOMICS)
    with pytest.raises(DataError, match="no money"):
        assess(Book(np.array([0.0]), np.array([0.0, 1, 2]), np.array([0.0]), frame, ECONOMICS))
    with pytest.raises(DataError, match="one value a class"):
        Economics(np.zeros(3), np.zeros(4), np.zeros(3))
    with pytest.raises(DataError, match="must be a default"):
        Economics(np.zeros(3), np.zeros(3), np.zeros(3), default_classes=3)
    with pytest.raises(DataError, match="cash cannot be negative"):
        funding_run(1.0, -1.0, asset_months=2, liability_months=1, reinvested=0.5)
    with pytest.raises(DataError, match="between 0 and 1"):
        funding_run(1.0, 1.0, asset_months=2, liability_months=1, reinvested=1.5)


def test_a_part_of_a_book_is_the_book_of_its_loans(book):
    rows = np.asarray(book.eta) > np.median(book.eta)
    part, rest = book.part(rows), book.part(~rows)
    whole, first, second = (assess(b) for b in (book, part, rest))
    money = np.asarray(book.amount)[rows].sum() / np.sum(book.amount)
    assert money * first["default_rate"] + (1 - money) * second["default_rate"] == pytest.approx(whole["default_rate"])
    assert part.frame.equals(book.frame[rows])
    own = np.arange(3 * len(book.eta), dtype=float).reshape(-1, 3)
    by_loan = Economics(own / own.max(), own / own.max(), 1 + own, default_classes=1)
    assert by_loan.part(rows).years.tolist() == (1 + own)[rows].tolist()
    with pytest.raises(DataError, match="no loan"):
        book.part(np.zeros(len(rows), bool))


def test_a_shift_that_meets_a_default_rate(book):
    now = assess(book)["default_rate"]
    shift = shift_to_default_rate(book, now + 0.05)
    assert shift > 0 and assess(book, shift)["default_rate"] == pytest.approx(now + 0.05)
    lower = shift_to_default_rate(book, now / 2, lower=-5.0)
    assert lower < 0 and assess(book, lower)["default_rate"] == pytest.approx(now / 2)
    assert shift_to_default_rate(book, 0.999999, upper=0.1) == float("inf")
