"""Screens on the platform's own conduct: right answers by hand, and clear errors."""

import numpy as np
import pandas as pd
import pytest

from p2prisk.errors import DataError
from p2prisk.platform import (
    SCREENS,
    Records,
    borrower_caps,
    circular_flows,
    concentration,
    custody,
    linked_groups,
    maturity_mismatch,
    product_mix,
    rate_cap,
    reconcile,
    related_parties,
    related_receivables,
    roll_over,
    run_screens,
    screen_table,
    servicing,
)
from p2prisk.simulate import TurningBad, simulate_platform

DAY = "2019-06-30"


def loans(**columns):
    size = len(next(iter(columns.values())))
    base = {"borrower_id": [f"B{i}" for i in range(size)], "balance": [100.0] * size}
    return pd.DataFrame({**base, **columns})


def entries(*rows):
    return pd.DataFrame(rows, columns=["entry_id", "date", "amount"])


# -- parties


def test_groups_link_through_address_or_guarantor_and_through_each_other():
    frame = loans(address_id=["x", "x", "y", "z", None], counterparty=[None, "g", "g", "", ""])
    assert linked_groups(frame).tolist() == [0, 0, 0, 1, 2]
    assert linked_groups(frame, exempt={"g"}).tolist() == [0, 0, 1, 2, 3]
    assert linked_groups(frame, by=["address_id"]).tolist() == [0, 0, 1, 2, 3]
    same = loans(borrower_id=["B", "B"], address_id=["x", "y"])
    assert linked_groups(same).tolist() == [0, 0]
    with pytest.raises(DataError, match="none of the linking columns"):
        linked_groups(frame, by=["phone"])
    with pytest.raises(DataError, match="no borrower_id"):
        linked_groups(frame.assign(borrower_id=[None, *"bcde"]))


def test_related_parties_measures_the_largest_group_of_two_or_more():
    frame = loans(address_id=["x", "x", "y", "z"], balance=[30.0, 20.0, 900.0, 50.0])
    result = related_parties(frame)
    assert result.value == pytest.approx(5.0) and not result.breached  # one large borrower alone is no group
    assert result.table[["borrowers", "loans", "balance"]].to_numpy().tolist() == [[2, 2, 50.0]]
    assert related_parties(frame, threshold=4.9).breached
    with pytest.raises(DataError, match="negative balance, the first is row 2"):
        related_parties(frame.assign(balance=[1, 1, -1, 1]))
    assert related_parties(frame.assign(balance=0.0)).value == 0


def test_roll_over_counts_repayments_that_a_new_loan_replaced():
    frame = pd.DataFrame(
        {
            "borrower_id": ["a", "a", "b", "b", "c", "d", "e"],
            "address_id": ["1", "1", "2", "2", "3", "4", "3"],
            "issue_date": pd.to_datetime(
                ["2019-03-01", "2019-06-05", "2019-02-01", "2019-01-01", "2018-06-01", "2018-06-01", "2019-05-20"]
            ),
            "last_payment_date": pd.to_datetime(
                ["2019-06-01", "2019-06-30", "2019-05-15", "2019-06-30", "2019-05-31", "2019-06-15", "2019-06-30"]
            ),
            "status": ["paid", "current", "paid", "current", "paid", "paid", "current"],
            "amount": [100.0, 90.0, 100.0, 100.0, 100.0, 100.0, 85.0],
        }
    )
    # a: replaced after four days. b: the other loan is old. c: replaced by its neighbour e. d: nothing new
    result = roll_over(frame, as_of=DAY)
    assert result.value == pytest.approx(50.0) and result.breached
    assert roll_over(frame.assign(amount=[100, 70, 100, 100, 100, 100, 85.0]), as_of=DAY).value == pytest.approx(25.0)
    assert roll_over(frame, as_of="2019-01-31").notes == ["no loan was repaid in the period"]
    # a loan repaid early is not its own replacement
    quick = frame.iloc[[0]].assign(issue_date=pd.Timestamp("2019-05-20"))
    assert roll_over(quick, as_of=DAY).value == 0


def test_concentration_and_caps():
    frame = loans(
        borrower_id=["a", "a", "b", "c"],
        borrower_type=["person", "person", "firm", "person"],
        balance=[150_000.0, 60_000.0, 900_000.0, 10_000.0],
    )
    top = concentration(frame, top=1)
    assert top.table["borrower"].tolist() == ["b"] and top.value == pytest.approx(100 * 900 / 1120)
    caps = borrower_caps(frame)
    assert caps.value == 1 and caps.breached and caps.table["borrower"].tolist() == ["a"]
    assert "other platforms" in caps.notes[0]
    outside = borrower_caps(frame.assign(outside_balance=[0.0, 0.0, 4_200_000.0, np.nan]))
    assert outside.table["borrower"].tolist() == ["b", "a"] and outside.table["above_all"].tolist() == [True, False]
    assert outside.notes == ["1 borrowers have no reported balance on other platforms"]
    with pytest.raises(DataError, match="no cap is known for borrower_type 'trust'"):
        borrower_caps(frame.assign(borrower_type="trust"))
    at_the_cap = loans(borrower_type=["person"], balance=[200_000.0])
    assert not borrower_caps(at_the_cap).breached


def test_rate_cap():
    frame = pd.DataFrame({"rate": [24.0, 24.5, 36.0, np.nan]})
    result = rate_cap(frame, cap=24)
    assert result.value == pytest.approx(200 / 3) and result.breached and result.notes == ["1 loan without a rate"]
    assert not rate_cap(frame, cap=36).breached
    assert rate_cap(frame, cap=[24, 36, 15.4, 24]).table["rate"].tolist() == [36.0]  # the cap moves with the date
    assert rate_cap(frame.assign(apr=[10.0, 11, 12, 13]), cap=12.5).value == 25.0  # with fees, where known
    with pytest.raises(DataError, match="no loan has a rate"):
        rate_cap(frame.iloc[[3]], cap=24)


# -- money


def flow(*rows):
    return pd.DataFrame([("2019-06-10", *row) for row in rows], columns=["date", "source", "target", "amount"])


def test_circular_flows_follow_the_circle_and_nothing_else():
    straight = flow(("L1", "B1", 100.0), ("B1", "M1", 100.0), ("L2", "B2", 50.0))
    assert circular_flows(straight, as_of=DAY).value == 0
    circle = pd.concat([straight, flow(("M1", "L1", 40.0))])
    result = circular_flows(circle, as_of=DAY)
    assert result.value == pytest.approx(100 * 240 / 290) and result.table["accounts"].tolist() == [3]
    to_self = flow(("A", "A", 100.0), ("A", "B", 1.0))
    assert circular_flows(to_self, as_of=DAY).value == 0
    old = circle.assign(date="2019-01-05")
    assert circular_flows(old, as_of=DAY).notes
    with pytest.raises(DataError, match="negative amount"):
        circular_flows(flow(("A", "B", -1.0)), as_of=DAY)
    with pytest.raises(DataError, match="no source or no target"):
        circular_flows(flow((None, "B", 1.0)), as_of=DAY)


def test_reconciliation_names_every_kind_of_difference():
    ledger = entries(
        ("ok", "2019-06-03", 100.0),
        ("lag", "2019-06-29", 50.0),
        ("lost", "2019-06-10", 30.0),
        ("fee", "2019-06-11", 20.0),
        ("twice", "2019-06-12", 10.0),
        ("twice", "2019-06-12", 10.0),
        ("later", "2019-07-02", 1.0),
    )
    bank = entries(
        ("ok", "2019-06-04", 100.0),
        ("fee", "2019-06-11", 19.5),
        ("twice", "2019-06-12", 10.0),
        ("theft", "2019-06-20", -70.0),
        ("ok", "2019-06-05", 100.0),
    )
    found = reconcile(ledger, bank, as_of=DAY)
    assert dict(zip(found["entry_id"] + "/" + found["finding"], found["difference"], strict=True)) == {
        "ok/matched": 0.0,
        "lag/in transit": 50.0,
        "lost/not at the bank": 30.0,
        "fee/amount differs": 0.5,
        "twice/matched": 0.0,
        "theft/not in the ledger": 70.0,
        "twice/twice in the ledger": 10.0,
        "ok/twice at the bank": -100.0,
    }
    # nothing is lost: differences add up to ledger less bank
    assert found["difference"].sum() == pytest.approx(220.0 - 159.5)
    result = custody(ledger, bank, as_of=DAY)
    assert result.value == pytest.approx(100 * (30 + 0.5 + 70 + 10 + 100) / 210) and result.breached
    later = custody(ledger, bank, as_of="2019-07-05").table.set_index("finding")["difference"]
    assert later["not at the bank"] == 80.0  # what was in transit is now missing


def test_reconciliation_of_equal_files_is_clean_and_bad_files_are_refused():
    ledger = entries(("a", "2019-06-03", 100.0), ("b", "2019-06-04", -40.0))
    assert custody(ledger, ledger, as_of=DAY).value == 0
    with pytest.raises(DataError, match="ledger lacks the column"):
        custody(ledger.drop(columns="amount"), ledger, as_of=DAY)
    with pytest.raises(DataError, match="1 entries have no amount, the first is row 1"):
        custody(ledger, entries(("a", "2019-06-03", 1.0), ("b", "2019-06-03", None)), as_of=DAY)
    with pytest.raises(DataError, match="opening balance"):
        custody(entries(("a", "2019-06-03", -100.0)), ledger, as_of=DAY)
    with pytest.raises(DataError, match="neither ledger nor bank"):
        custody(ledger, ledger, as_of="2018-01-31")


def test_reconciliation_does_not_depend_on_the_order_of_rows():
    platform = simulate_platform(1500, 24, seed=4, turning_bad=TurningBad("custody", 1.0, 12))
    one = custody(platform.ledger, platform.bank, as_of="2016-12-31")
    two = custody(
        platform.ledger.sample(frac=1, random_state=1), platform.bank.sample(frac=1, random_state=2), as_of="2016-12-31"
    )
    assert one.value == pytest.approx(two.value)
    gap = platform.ledger["amount"].sum() - platform.bank["amount"].sum()
    assert one.table["net"].sum() == pytest.approx(gap, abs=0.01)


def fund(*rows):
    return pd.DataFrame(
        [("2019-06-01", *row) for row in rows],
        columns=["month", "product", "licensed", "outstanding", "asset_months", "liability_months"],
    ).astype({"month": "datetime64[s]"})


def test_mismatch_and_product_mix():
    funding = fund(
        ("loans", True, 60.0, 12.0, 12.0), ("exchange", False, 30.0, 12.0, 12.0), ("pool", True, 10.0, 12.0, 1.0)
    )
    assert maturity_mismatch(funding, as_of=DAY).value == pytest.approx(10.0)
    assert product_mix(funding, as_of=DAY).value == pytest.approx(30.0)
    with pytest.raises(DataError, match="no row for 2019-05"):
        product_mix(funding, as_of="2019-05-31")
    with pytest.raises(DataError, match="negative outstanding"):
        product_mix(funding.assign(outstanding=-1.0), as_of=DAY)


def test_servicing_compares_with_a_year_before():
    months = pd.date_range("2018-01-01", periods=18, freq="MS")
    accounts = pd.DataFrame({"month": months, "servicing_cost": [600.0] * 15 + [400.0] * 3, "active_loans": 100})
    result = servicing(accounts, as_of=DAY)
    assert result.value == pytest.approx(100 * 4 / 6) and result.breached
    young = servicing(accounts.iloc[:8], as_of="2018-08-31")
    assert np.isnan(young.value) and not young.breached and "year before" in young.notes[0]


def test_related_receivables():
    assert related_receivables(105.0, 100.0).value == pytest.approx(105)
    with pytest.raises(DataError, match="equity"):
        related_receivables(1.0, 0.0)
    with pytest.raises(DataError, match="receivable"):
        related_receivables(-1.0, 10.0)


# -- all together


def test_every_screen_is_complete():
    for name, screen in SCREENS.items():
        assert screen.name == name and screen.cause in ("management", "operation", "custody")
        assert all(
            getattr(screen, part) for part in ("definition", "data", "unit", "reason", "test", "action", "owner")
        )
    assert len(screen_table()) == len(SCREENS)


def test_run_screens_runs_what_the_records_allow_and_says_what_it_left_out():
    platform = simulate_platform(3000, 30, seed=2)
    loans = platform.loans_at("2017-06")
    kept = {name: getattr(platform, name) for name in ("transfers", "ledger", "bank", "funding", "accounts")}
    everything, missing = run_screens(Records(loans, **kept), as_of="2017-06-30", cap=36)
    assert [result.screen.name for result in everything] == [name for name in SCREENS if name != "related receivables"]
    assert list(missing) == ["related receivables"]
    some, missing = run_screens(Records(loans), as_of="2017-06-30")
    assert {result.screen.name for result in some} == {"related parties", "roll-over", "concentration", "borrower caps"}
    assert missing["custody"] == "needs ledger and bank statement"
    broken, missing = run_screens(Records(funding=platform.funding.drop(columns="licensed")), as_of="2017-06-30")
    assert "lack the column(s) licensed" in missing["product mix"] and len(broken) == 1


@pytest.mark.parametrize(
    ("cause", "names"),
    [("custody", ["custody"]), ("operation", ["maturity mismatch", "product mix"]), ("management", ["servicing"])],
)
def test_screens_are_breached_by_the_cause_they_answer_to(cause, names):
    def breached(turning_bad):
        platform = simulate_platform(6000, 36, seed=6, turning_bad=turning_bad)
        kept = {name: getattr(platform, name) for name in ("ledger", "bank", "funding", "accounts")}
        results, _ = run_screens(Records(platform.loans_at("2017-06"), **kept), as_of="2017-06-30")
        return {result.screen.name for result in results if result.breached}

    assert not breached(None) & set(names)
    assert set(names) <= breached(TurningBad(cause, 2.0, onset=20, ramp=6))
