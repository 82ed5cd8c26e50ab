"""The chapter of conclusions shows the findings, and its words hold."""

from p2pbook.chapters.conclusions import compute
from p2pbook.replications import replication


def test_conclusions():
    n = compute()
    calibration = replication("e2-outcome").table("calibration")
    row = calibration[calibration["cut"] == "paid late|loss after half"].iloc[0]
    assert n.ranking.missing.points == f"{100 * (row['observed'] - row['predicted']):.1f}"
    assert len(n.table) == 5 and str(n.looks) == "4" and str(n.mark) == "0.70"
