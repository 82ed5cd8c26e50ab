"""The simulator: marked, seeded, true to the published margins, and consistent with its own accounts."""

import time

import numpy as np
import pytest
from scipy.special import expit

from p2prisk.errors import DataError
from p2prisk.simulate import CAUSES, STATES, TurningBad, compare_margins, life, published, simulate_platform
from p2prisk.simulate.causes import paths
from p2prisk.simulate.loans import draw_loans

FRAMES = ("performance", "ledger", "bank", "transfers", "funding", "accounts")


@pytest.fixture(scope="module")
def platform():
    return simulate_platform(60_000, 26, seed=5, growth=0.06)


def test_everything_is_marked_simulated(platform):
    assert platform.tape.simulated and platform.tape.provenance["simulated"] is True
    assert platform.tape.frame["simulated"].all()
    for name in FRAMES:
        assert getattr(platform, name).attrs["simulated"] is True
    assert platform.loans_at("2016-06").attrs["simulated"] is True


def test_same_seed_same_platform_other_seed_other_platform():
    one, two, three = (simulate_platform(2000, 20, seed=seed) for seed in (1, 1, 2))
    for name in FRAMES:
        assert getattr(one, name).equals(getattr(two, name))
    assert one.tape.frame.equals(two.tape.frame)
    assert not one.performance["paid"].equals(three.performance["paid"])


def test_margins_follow_the_published_figures(platform):
    frame = platform.tape.frame
    size = len(frame)

    def close(share, target, slack=0.0):
        assert abs(share - target) < 4.5 * np.sqrt(target * (1 - target) / size) + slack, (share, target)

    for grade, target in published.GRADE_SHARES.items():
        close((frame["grade"] == grade).mean(), target, 0.003)  # cut-points come from a finite reference
    for term, target in published.TERM_SHARES.items():
        close((frame["term"] == term).mean(), target)
    close((frame["sex"] == "male").mean(), published.MALE_SHARE)
    close(frame["first_loan"].mean(), published.FIRST_LOAN_SHARE)
    assert frame["amount"].mean() == pytest.approx(4423.82, rel=0.03)
    assert np.allclose(frame["amount"].quantile([0.25, 0.5, 0.75]), published.AMOUNT_QUARTILES, rtol=0.05)
    assert frame["rate"].mean() == pytest.approx(20.6, abs=0.2) and frame["rate"].std() == pytest.approx(1.77, abs=0.2)
    assert frame["term"].mean() == pytest.approx(10.21, abs=0.1)
    assert frame["age"].mean() == pytest.approx(29.14, abs=0.2) and frame["age"].std() == pytest.approx(6.62, abs=0.2)


def test_repayment_follows_the_shares_at_the_record_date(platform):
    panel, frame = platform.performance, platform.tape.frame
    # the published sample ends with the loans of January 2017 and was drawn in February
    frame = frame[frame["issue_date"] < "2017-02-01"]
    ever_late = frame["instalments_late"].to_numpy() > 0
    unpaid = ever_late & frame["status"].isin(["late 1-30", "late 31-90", "default"]).to_numpy()
    shares = published.RECORD_DATE_SHARES
    assert 1 - ever_late.mean() == pytest.approx(shares["never late"], abs=0.015)
    assert unpaid.mean() == pytest.approx(shares["late, unpaid"], abs=0.008)
    # a check, not a target
    mature = frame["mature"].to_numpy()
    assert ever_late[mature].mean() == pytest.approx(published.MATURED_EVER_LATE, abs=0.04)
    late = panel["state"].isin(["1-30", "31-60", "61-90", "default"]).to_numpy()
    grade = platform.tape.frame["grade"].cat.codes.to_numpy()[panel["loan_id"].to_numpy()]
    share = np.array([late[grade == code].mean() for code in range(6)])
    assert (np.diff(share[1:]) > 0).all() and share[5] > 2.5 * share[1]


def test_margins_side_by_side(platform):
    table = compare_margins(platform).set_index("figure")
    assert table.loc[table["use"] == "target"].eval("abs(simulated / published - 1)").max() < 0.12
    assert table.attrs["simulated"] is True


def test_balances_add_up(platform):
    panel, frame = platform.performance, platform.tape.frame
    assert (panel["balance"] >= 0).all() and (panel["paid"] >= 0).all()
    assert np.allclose(frame["principal_paid"] + frame["balance"], frame["amount"], atol=0.01)
    assert (frame.loc[frame["status"] == "paid", "balance"] == 0).all()
    # a loan that was never late and ran to its term has paid term instalments exactly
    clean = frame[(frame["instalments_late"] == 0) & (frame["status"] == "paid")]
    paid = panel.groupby("loan_id")["paid"].sum().loc[clean["loan_id"]]
    months = panel.groupby("loan_id")["age"].max().loc[clean["loan_id"]].to_numpy()
    whole = months == clean["term"].to_numpy()
    assert whole.mean() > 0.8
    assert np.allclose(paid.to_numpy()[whole], (clean["instalment"] * clean["term"]).to_numpy()[whole], rtol=1e-3)


def test_first_instalment_is_missed_as_often_as_the_truth_says(platform):
    first = platform.performance[platform.performance["age"] == 1]
    loan = first["loan_id"].to_numpy()
    grade = platform.tape.frame["grade"].cat.codes.to_numpy()
    forecast = expit(life.ENTRY[grade[loan]] + platform.truth["eta"][loan])
    missed = (first["state"] == "1-30").to_numpy()
    error = np.sqrt((forecast * (1 - forecast)).sum())
    # the common environment adds to the binomial error
    assert abs(missed.sum() - forecast.sum()) < 4 * error + 0.05 * forecast.sum()


@pytest.mark.parametrize("cause", list(CAUSES))
def test_a_cause_changes_what_it_touches_and_nothing_before_its_onset(cause):
    healthy = simulate_platform(4000, 36, seed=3)
    bad = simulate_platform(4000, 36, seed=3, turning_bad=TurningBad(cause, 1.0, onset=18))
    onset = np.datetime64("2016-07-01")

    def before(name):
        column = "month" if "month" in getattr(bad, name) else "date"
        return (getattr(one, name)[lambda f: f[column] < onset].reset_index(drop=True) for one in (healthy, bad))

    one, two = before("performance")
    assert one.drop(columns="loan_id").equals(two.drop(columns="loan_id"))
    if cause in ("custody", "operation"):
        assert healthy.performance.equals(bad.performance)
        assert healthy.tape.frame.equals(bad.tape.frame)
    if cause == "custody":
        assert healthy.ledger.equals(bad.ledger) and not healthy.bank.equals(bad.bank)
        gap = healthy.bank["amount"].sum() - bad.bank["amount"].sum()
        assert gap == pytest.approx(bad.truth["diverted"].max(), rel=0.05)
    if cause == "operation":
        pooled = bad.funding[bad.funding["product"] == "exchange pool"]["outstanding"].iloc[-1]
        assert pooled / bad.truth["balance"][-1] == pytest.approx(0.10, abs=0.01)
    if cause == "management":
        owed = bad.loans_at("2017-12")
        firms = owed.loc[owed["borrower_type"] == "firm", "balance"].sum() / owed["balance"].sum()
        assert firms == pytest.approx(0.05, abs=0.01)
    if cause in ("repayment", "environment"):
        assert bad.truth["credit_loss"].sum() > healthy.truth["credit_loss"].sum()


def test_tilted_applicants_look_worse_and_zero_dose_is_healthy():
    rng = np.random.default_rng
    plain, _ = draw_loans(np.zeros(20_000, int), rng(1))
    tilted, _ = draw_loans(np.zeros(20_000, int), rng(1), tilt=np.full(20_000, 2.0))
    assert tilted["platform_score"].mean() < plain["platform_score"].mean() - 5
    one = simulate_platform(1000, 20, seed=9)
    two = simulate_platform(1000, 20, seed=9, turning_bad=TurningBad("repayment", 0.0, 5))
    assert one.performance.equals(two.performance)


def test_six_million_rows_in_seconds():
    begin = time.perf_counter()
    platform = simulate_platform(100_000, 60, seed=1, growth=-1.0, terms={60: 1.0}, balanced=True)
    assert len(platform.performance) == 6_000_000
    assert time.perf_counter() - begin < 60  # about 4 s on two idle cores
    assert list(platform.performance["state"].cat.categories) == list(STATES)


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="at least one loan"):
        simulate_platform(0, 12, seed=1)
    with pytest.raises(DataError, match="no cause is called 'greed'"):
        TurningBad("greed", 1.0, 3)
    with pytest.raises(DataError, match="dose"):
        TurningBad("custody", -1.0, 3)
    with pytest.raises(DataError, match="ramp"):
        TurningBad("custody", 1.0, 3, ramp=0)
    with pytest.raises(DataError, match="TurningBad"):
        simulate_platform(10, 12, seed=1, turning_bad="custody")
    assert all((path == 0).all() for path in paths(None, 5).values())


def test_annuity_identities():
    assert float(life.balance_after(1000, 0.02, 12, 12)) == pytest.approx(0, abs=1e-9)
    assert float(life.balance_after(1000, 0.02, 12, 0)) == 1000
    balance, instalment = 1000.0, float(life.instalment_of(1000, 0.02, 12))
    for paid in range(1, 13):
        balance = balance * 1.02 - instalment
        assert float(life.balance_after(1000, 0.02, 12, paid)) == pytest.approx(balance, abs=1e-8)
    assert float(life.instalment_of(1200, 0.0, 12)) == 100
