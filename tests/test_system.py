"""The study of the system: book, vintages, checklist, and the registers of roles and documents."""

import numpy as np
import pytest

from p2pbook.lendingclub import lending_club_book, lending_club_model, lending_club_vintages
from p2pbook.model_card import checklist, validation_results
from p2prisk.datasets import load, table
from p2prisk.stress import assess


def test_the_book_has_the_loans_and_the_default_rate_of_its_year():
    counts = load("lendingclub-2007-2011-counts").frame
    part = counts[counts["issue_year"] == 2011]
    bad = part["severity"].isin(["loss after half", "loss early"])
    book = lending_club_book(2011)
    assert book.amount.sum() == part["n"].sum()
    assert assess(book)["default_rate"] == pytest.approx(part.loc[bad, "n"].sum() / part["n"].sum(), abs=1e-10)
    # slopes are those of the fit: the linear predictors differ by a constant for each term, which gives it its own rate
    fit, _ = lending_club_model()
    shift = book.eta - fit.predict(book.frame.astype({"term": str}), which="linear").to_numpy()
    for term in (36, 60):
        inside, loans = (book.frame["term"] == term).to_numpy(), part[part["term"] == term]
        assert np.ptp(shift[inside]) < 1e-12
        rate = loans.loc[bad, "n"].sum() / loans["n"].sum()
        assert assess(book.part(inside))["default_rate"] == pytest.approx(rate, abs=1e-10)


def test_vintages_know_nothing_later():
    early, late = (lending_club_vintages(month, period="quarter") for month in ("2010-12", "2017-04"))
    both = early.merge(late, on=["vintage", "age"], suffixes=("", "_later"))
    whole = both["loans"] == both["loans_later"]
    assert whole.mean() > 0.9 and (both["events"] == both["events_later"])[whole].all()
    assert (early["age"] <= 12 * 4).all() and early[early["vintage"] == "2010-10"]["age"].max() == 0


def test_the_checklist_follows_its_numbers():
    results = validation_results()
    rows = checklist(results).set_index("question")
    assert rows.loc["Do slopes not depend on the cut?", "verdict"] == "finding"
    assert rows.loc["Does it rank other, later loans?", "verdict"] == "passed"
    assert rows.loc["Were its outcomes known on its day?", "verdict"] == "finding"
    known = checklist(results | {"known_losses": results["final_losses"], "beside_sub_grade": [0.02, 0.01, 0.03]})
    assert (known.set_index("question").iloc[1:3]["verdict"] == "passed").all()
    worse = checklist(results | {"auc_tested": 0.60}).set_index("question")
    assert worse.loc[["Does it rank other, later loans?", "Does ranking hold?"], "verdict"].tolist() == ["finding"] * 2
    assert (rows["verdict"] == "not done").sum() == 3


def test_every_task_has_one_who_answers_and_one_who_does():
    raci = table("system_raci").set_index("task")
    for task, row in raci.iterrows():
        letters = "/".join(row).split("/")
        assert letters.count("A") == 1, task
        assert letters.count("R") >= 1, task
    assert (raci.loc["Validate before use and once a year", ["Mod", "Val"]] == ["C", "R"]).all()
    # who built the model does not report on it
    assert (raci.loc["Write the monthly report", ["Mod", "Prt"]] == ["C", "R"]).all()


def test_steps_and_stations_are_complete():
    for name in ("system_steps", "system_stations", "system_documents", "model_card"):
        frame = table(name)
        assert (frame.astype(str).map(str.strip) != "").all().all() and frame.iloc[:, 0].is_unique
