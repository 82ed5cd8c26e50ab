"""What a whole reading of reports against the raw rows found: each sentence that was wrong, or could be misread."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_tapes import RECORD, book, ended, tape_of
from p2prisk.report import TapeStudy, ages
from p2prisk.report.bins import sides_sentence
from p2prisk.report.card import model_card
from p2prisk.report.checklist import _shown, checklist
from p2prisk.report.lineage import _of_model
from p2prisk.report.losses import LossModel
from p2prisk.report.traits import effects
from p2prisk.standard import fit_standard
from p2prisk.tape import read_tape
from p2prisk.tape.choose import canonical_mapping


@pytest.fixture(scope="module")
def dated():
    frame = book(size=6000, years=6, dated=True, late=False, term=36)
    frame["open_accounts"] = np.random.default_rng(1).integers(2, 30, len(frame))
    return TapeStudy(tape_of(frame))


@pytest.fixture(scope="module")
def live():
    return TapeStudy(tape_of(book(size=1200)))


@pytest.fixture(scope="module")
def finished():
    return TapeStudy(tape_of(ended()))


def test_counts_are_compared_where_the_model_knows_of_them(dated):
    """All have two accounts or more and the model holds the column there: none against one is no difference."""
    row = effects(dated.outcome_model).set_index("trait").loc["open_accounts"]
    second, first = (float(word) for word in re.findall(r"\d+", row["compared"]))
    loan = dated.sample.frame.head(1)
    odds = []
    for count in (second, first):
        p = float(dated.outcome_model.score(loan.assign(open_accounts=count))["pd"].iloc[0])
        odds.append(p / (1 - p))
    assert row["odds_ratio"] == pytest.approx(odds[0] / odds[1], rel=1e-9)


def test_all_tables_of_effects_compare_in_the_same_units(dated):
    outcome = effects(dated.outcome_model).set_index("trait")["compared"]
    hazard = ages.hazard_effects(dated).set_index("trait")["compared"]
    assert hazard["dti"] == outcome["dti"] == "10 percentage points more"
    slope = dated.hazard.results.slopes("default")["dti"]
    assert ages.hazard_effects(dated).set_index("trait")["odds_ratio"]["dti"] == pytest.approx(np.exp(10 * slope))
    lost = ended(size=1500).assign(
        recoveries=lambda f: (f["amount"] * f["dti"] / 100).round(2), principal_paid=lambda f: f["amount"] * 0.4
    )
    assert "10 percentage points more" in set(LossModel(TapeStudy(tape_of(lost))).table["compared"])


def test_the_peak_of_the_hazard_lies_within_the_term(dated):
    """Past the term only loans in arrears are alive, and nearly all of them default."""
    from p2prisk.hazard import spells

    frame = book(size=6000, years=6, dated=True, late=False, term=36)
    slow = frame.index[(frame["status"] == "paid") & (frame["issue_date"] < "2013-06-01")][:400]
    frame.loc[slow, "status"] = "charged off"
    frame.loc[slow, "closed_date"] = frame.loc[slow, "issue_date"] + pd.DateOffset(months=40)
    study = TapeStudy(tape_of(frame))
    found = spells(study.known).frame
    late = found["ending"].eq("default") & (found["exit"] > 36)
    share = {
        age: (found["ending"].eq("default") & found["exit"].eq(age)).sum() / (found["exit"] >= age).sum()
        for age in range(1, 37)
        if (found["exit"] >= age).sum() >= 200
    }
    peak = max(share, key=share.get)
    said = ages.hazard_sentence(study)
    assert f", {late.sum():,d} of them after the term" in said
    assert f"is largest at {peak} months ({100 * share[peak]:.2f} per cent)" in said


def test_how_ends_are_dated_is_said(dated):
    assert ages.dated_by(dated) == "Loans end on the closing date that the tape gives."
    frame = book(size=1200, dated=True).rename(columns={"closed_date": "last_payment_date"})
    assert "a loss 5 months after it" in ages.dated_by(TapeStudy(tape_of(frame)))


def test_the_card_names_the_months_of_the_loans_fitted_on():
    """The tape holds later loans, whose term has not run out: the model was not fitted on them."""
    study = TapeStudy(tape_of(ended(size=2000).assign(term=36), "2017-06-30"))
    frame = study.sample.frame
    assert len(frame) < len(study.tape)
    row = model_card(study, checklist(study)).set_index("item")["what"]["fitted on"]
    months = f"{frame['issue_date'].min():%Y-%m} to {frame['issue_date'].max():%Y-%m}"
    assert f"issued {months}; {len(study.tape) - len(frame):,d} rows set aside" in row
    assert f"sets {len(study.tape) - len(frame):,d} rows aside" in study.event.rule


def test_rows_set_aside_are_one_number_also_where_keys_repeat():
    frame = ended().assign(term=36)
    study = TapeStudy(tape_of(pd.concat([frame, frame.head(7)], ignore_index=True), "2017-06-30"))
    assert f"sets {907 - len(study.sample):,d} rows aside" in study.event.rule
    assert study.set_aside()["rows"].sum() == 907 - len(study.sample)


def test_a_random_draw_is_no_test_of_a_population_that_moved(live):
    table = checklist(live).set_index("question")
    assert not live.judged.later
    assert table.loc["Is the population the same?", "verdict"] == "not made"
    assert "random draw" in table.loc["Is the population the same?", "why"]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [(-0.0002, "+.3f", "0.000"), (0.0004, "+.3f", "0.000"), (-0.016, "+.3f", "−0.016"), (0.0, ".1%", "0.0%")],
)
def test_what_rounds_to_nothing_has_no_sign(value, form, shown):
    assert _shown(value, form) == shown


def test_one_rare_level_counts_and_several_count():
    rule = {"column": "home", "kind": "category", "levels": ["own", "rent"], "spare": "own"}
    for rare, said in ((["tent"], "1 rare one counts as own"), (["tent", "ship"], "2 rare ones count as own")):
        rows = list(_of_model(SimpleNamespace(rules=[{**rule, "rare": rare}], notes=[], left_out={})))
        assert said in rows[0][1]


def test_prices_say_how_defaults_and_repayments_are_taken():
    frame = ended(size=1500).assign(grade=lambda f: np.where(f["dti"] < 20, "A", "B"), rate=12.0)
    said = TapeStudy(tape_of(frame)).prices_sentence()
    assert "as likely in each month of the term, no loan to be repaid early" in said and "comes" not in said
    frame = frame.assign(recoveries=lambda f: f["amount"] / 5, principal_paid=0.0)
    assert "what comes back comes 12 months later" in TapeStudy(tape_of(frame)).prices_sentence()


def test_grades_whose_rate_misses_what_was_observed_are_named(finished, monkeypatch):
    table = pd.DataFrame(
        {"grade": [1, 2, 3], "assigned": [4.5, 7.3, 10.0], "low": [2.9, 6.0, 9.0], "high": [4.1, 7.1, 11]}
    )
    for rows, said in (
        ([0, 1, 2], "The assigned rates of grades 1, 2 lie outside"),
        ([0, 2], "The assigned rate of grade 1 lies outside"),
        ([2], "Every assigned rate lies inside"),
    ):
        monkeypatch.setattr(finished, "scale", lambda rows=rows: table.iloc[rows])
        assert said in finished.scale_sentence()


def test_classes_say_that_their_outcomes_are_final(finished):
    frame = book(size=6000, years=6, dated=True, late=False, term=12)
    study = TapeStudy(tape_of(frame[frame["status"] != "current"]))
    assert study.judged.name == "hazard" and study.event.kind == "final"
    assert "by their final outcomes" in sides_sentence(study)
    assert "final outcomes" not in sides_sentence(finished)


def test_a_panel_does_not_say_that_earlier_months_are_unknown(live, tmp_path):
    rows = pd.concat([book(size=1200).assign(snapshot_date=day) for day in ("2018-05-31", RECORD)])
    rows.to_csv(tmp_path / "panel.csv", index=False)
    mapping = {**canonical_mapping(book(size=5).columns), "format": "panel", "record_date_from": ["snapshot_date"]}
    study = TapeStudy(read_tape(tmp_path / "panel.csv", mapping))
    assert len(study.sample) == 1200
    assert "of the earlier month ends on the tape this study reads the latest alone" in study.judged.hindsight
    assert "the tape does not say how its loans stood earlier" in live.judged.hindsight


def test_loans_that_ended_inside_their_term_are_no_open_outcomes():
    frame = book(size=1200)
    tape = tape_of(frame)
    row = next(f for f in tape.quality().findings.itertuples() if f.column == "mature")
    over = frame["issue_date"].map(lambda day: day + pd.DateOffset(months=60)) <= pd.Timestamp(RECORD)
    assert row.rows == (~over & ~frame["status"].isin(["paid", "charged off"])).sum()


def test_a_file_without_a_date_after_its_last_issue_does_not_know_its_terms():
    frame = ended()
    tape = tape_of(frame.assign(term=60), None)
    row = next(f for f in tape.quality().findings.itertuples() if f.column == "mature")
    assert "not known" in row.what and "--record-date" in row.remedy and "use all loans" in row.remedy
    assert "whether they ran to their term is not known" in TapeStudy(tape).event.rule
    told = TapeStudy(tape_of(frame.assign(term=60), "2016-06-30"))
    row = next(f for f in told.tape.quality().findings.itertuples() if f.column == "mature")
    assert "fit and report use all loans" in row.remedy and told.event.rule.startswith("No loan had run its term")


def test_notes_of_the_tests_of_fit_ask_for_nothing_that_a_report_cannot_do():
    frame = book(size=1200).drop(columns=["home", "grade"])
    notes = set(TapeStudy(tape_of(frame)).goodness_of_fit["note"])
    assert notes == {"", "the model has no factor"}
    many = ended(size=900).assign(purpose=lambda f: [f"p{place % 20}" for place in f.index])
    notes = TapeStudy(tape_of(many)).goodness_of_fit["note"]
    assert notes.str.endswith("is not to be relied on").any() and not notes.str.contains("=").any()


def test_why_a_column_of_many_levels_is_left_out():
    frame = ended(size=1500).assign(occupation=lambda f: [f"job {place % 40}" for place in f.index])
    why = fit_standard(TapeStudy(tape_of(frame)).sample).left_out["occupation"]
    assert why == "40 levels of one loan in a hundred or more: by rule at most 25 are taken"
