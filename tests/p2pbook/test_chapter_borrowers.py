"""Numbers of the chapter on borrowers, recomputed another way."""

import numpy as np
import pytest

from p2pbook.chapters.borrowers import compute
from p2pbook.replications import replication
from p2prisk.datasets import load


@pytest.fixture(scope="module")
def n():
    return compute()


def test_live_numbers_counted_by_hand(n):
    frame = load("lendingclub-2018").frame
    grade = frame["grade"].astype(str)
    assert n.grades_a_to_c == pytest.approx(np.mean(grade <= "C"))
    assert n.loans_f_and_g == np.sum(grade >= "F")
    limits = n.by_grade.query("label == 'bank card limits, $1,000' and grade == 'B'")["median"].item()
    assert limits == np.nanmedian(frame.loc[grade == "B", "bank_card_limit"]) / 1000
    assert n.by_grade["label"].nunique() == 6


def test_read_aloud(n):
    profile = replication("e2-profile")
    values = sorted(
        (row["information_value"], row["label"])
        for row in profile.table("information").to_dict("records")
        if row["column"] not in ("grade", "sub_grade")
    )
    assert [n.singles.second.label, n.singles.third.label] == [values[-2][1], values[-3][1]]
    assert n.singles.worth["inquiries"] == values[-1][0]
    large = [row for row in profile.table("risk_map").to_dict("records") if row["loans"] >= 100]
    worst, best = max(large, key=lambda row: row["rate"]), min(large, key=lambda row: row["rate"])
    assert (n.singles.worst.purpose, n.singles.worst.rate) == (worst["purpose"], worst["rate"])
    assert (n.singles.best.purpose, str(n.singles.best.term)) == (best["purpose"], str(best["term"]))
    quarters = profile.table("vintages").to_dict("records")
    last = {row["term"]: row["rate"] for row in quarters if row["date"] == max(q["date"] for q in quarters)}
    assert (n.issued.last_36, n.issued.last_60) == (last[36], last[60])


def test_what_the_words_claim_is_so(n):
    worth = n.singles.worth
    # "a fifth of inquiries", "more than any trait", "almost no trace"
    assert 0.15 < worth["income"] / worth["inquiries"] < 0.25
    # inquiries lead with the exceptions only: behind used limits without them, behind income in 2011
    first, second, third = (n.singles.by_sample[name] for name in n.singles.by_sample.columns[1:])
    assert n.singles.by_sample["trait"].tolist() == ["inquiries in 6 months", "used share of card limits", "income"]
    assert first[0] > first[1] > first[2] and second[1] > second[0] > second[2] and third[1] > third[2] > third[0]
    # the figure counts all loans, the table those without a blank in the repayment model: the values differ a little
    names = ("inquiries", "utilisation", "income")
    assert list(first) == pytest.approx([float(worth[name]) for name in names], rel=0.05)
    assert all(round(float(one), 3) != round(float(worth[name]), 3) for one, name in zip(first, names, strict=True))
    years = replication("e2-profile").table("by_year").query("year <= 2010")
    shown = replication("e2-order").table("samples")
    assert n.singles.left_out == years["loans"].sum() - shown["loans"].iloc[0] > 0
    issued = n.issued
    mixed = issued.share_exceptions * issued.first_exceptions + (1 - issued.share_exceptions) * issued.first_others
    assert mixed == pytest.approx(issued.first_year) and issued.first_exceptions > 1.5 * issued.first_others
    assert worth["grade"] > worth["inquiries"] > 20 * worth["verification"]
    # "what is truly unknown is small; the largest is the time with the employer in 2018"
    unknown = n.blanks[n.blanks["meaning"] == "unknown"]
    assert unknown["share"].max() == n.unstated_2018 < 0.1
