"""The canonical columns and the whitelist of predictors."""

import pytest

from p2prisk import load
from p2prisk.errors import DataError
from p2prisk.tape import COLUMNS, column_table, known_at_issue, refuse_later
from p2prisk.tape.columns import BLOCKS, KNOWN

KINDS = {"number", "integer", "flag", "category", "ordered", "date", "text"}
# must never be admitted, whatever the tape: written out here so that a change of the table is noticed
FORBIDDEN = {
    "grade",
    "sub_grade",
    "rate",
    "apr",
    "instalment",
    "platform_score",
    "policy_exception",
    "status",
    "severity",
    "bad",
    "resolved",
    "mature",
    "days_past_due",
    "balance",
    "total_paid",
    "principal_paid",
    "interest_paid",
    "late_fees",
    "recoveries",
    "recovery_fee",
    "last_payment",
    "last_payment_date",
    "closed_date",
    "settlement",
    "funded",
    "investors",
    "instalments_late",
    "loan_id",
    "borrower_id",
    "custody_account",
    "counterparty",
    "simulated",
    "currency",
    "n",
    "listing",
    "disbursement",
}


def test_every_column_is_described():
    for name, column in COLUMNS.items():
        assert column.name == name and column.meaning and column.kind in KINDS
        assert column.known in KNOWN and column.block in BLOCKS
        if column.kind in ("number", "integer"):
            assert column.unit and column.minimum is not None and column.maximum is not None, name
    assert len(column_table()) == len(COLUMNS)


def test_nothing_known_later_is_admissible():
    assert not FORBIDDEN & set(known_at_issue())
    assert set(COLUMNS) - set(known_at_issue()) == FORBIDDEN


@pytest.mark.parametrize("name", ["lendingclub-2018", "modeldata-lendingclub"])
def test_whitelist_on_embedded_tapes(name):
    tape = load(name)
    admissible = tape.known_at_issue()
    assert not FORBIDDEN & set(admissible) and set(admissible) <= set(tape.frame.columns)
    assert {"income", "inquiries"} <= set(admissible)
    assert set(tape.known_at_issue("ability")) < set(admissible)


def test_a_column_nobody_described_is_not_admissible():
    frame = load("lendingclub-2018").frame.assign(next_payment=1.0)
    assert "next_payment" not in known_at_issue(frame)


def test_refusal_says_why():
    with pytest.raises(
        DataError, match=r"rate \(set by the platform's own model\), late_fees \(known only after issue\)"
    ):
        refuse_later(["income", "rate", "late_fees"])
    with pytest.raises(DataError, match="not a canonical column"):
        refuse_later(["mystery"])
    refuse_later(["income", "home"])
