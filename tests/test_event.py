"""One event on a tape: chosen by rule, the same on both sides of every comparison."""

import numpy as np
import pandas as pd
import pytest

from made_tapes import RECORD, book, ended, panel_of_stages, tape_of
from p2prisk import load
from p2prisk.errors import DataError
from p2prisk.standard import StandardModel, fit_standard
from p2prisk.tape import LoanTape, study_sample
from p2prisk.tape.event import Event, choose_event, event_of, first_bad_class


def months_ago(frame, months):
    return frame["issue_date"] + pd.DateOffset(months=months) <= pd.Timestamp(RECORD)


def test_ended_loans_are_judged_at_their_end():
    frame = ended()
    sample, event = choose_event(tape_of(frame))
    assert event.kind == "final" and event.name == event.seen == "charged off by the end of the loan"
    assert sample.frame["bad"].tolist() == (frame["status"] == "charged off").tolist()


@pytest.mark.parametrize("stray", [None, "cancelled", "current"])
def test_a_stray_status_does_not_make_a_book_live(stray):
    frame = ended()
    frame.loc[17, "status"] = stray
    sample, event = choose_event(tape_of(frame))
    assert event.kind == "final" and len(sample) == len(frame) - 1
    assert sum(entry["rows"] for entry in sample.set_aside) == 1
    assert sample.frame["bad"].sum() == (frame.drop(17)["status"] == "charged off").sum()


def test_a_live_book_with_dated_ends_is_judged_at_a_horizon_that_has_passed():
    frame = book(dated=True)
    sample, event = choose_event(tape_of(frame))
    assert (event.kind, event.horizon) == ("within", 12) and event.name == "charged off within 12 months of issue"
    old = months_ago(frame, 12)
    by_then = (frame["status"] == "charged off") & (
        frame["closed_date"] <= frame["issue_date"] + pd.DateOffset(months=12)
    )
    assert len(sample) == old.sum() and sample.frame["bad"].sum() == (by_then & old).sum()
    assert sample.frame["bad"].sum() < (frame["status"] == "charged off").sum()
    assert f"{(~old).sum():,d} younger ones are not" in event.rule
    # no loan that was charged off later than its horizon, or was too young, is counted
    assert set(sample.frame["loan_id"]) == set(frame["loan_id"][old])


def test_the_next_horizon_is_taken_where_the_first_has_too_few_bad_loans():
    frame = book(size=1800, dated=True, base=0.0022, years=4)
    within = lambda months: (  # noqa: E731
        (frame["status"] == "charged off")
        & (frame["closed_date"] <= frame["issue_date"] + pd.DateOffset(months=months))
        & months_ago(frame, months)
    ).sum()
    assert within(12) < 50 <= within(24)
    _, event = choose_event(tape_of(frame))
    assert event.horizon == 24 and "24 months after issue" in event.rule


def test_an_undated_live_book_is_seen_once_at_its_own_age():
    frame = book()
    sample, event = choose_event(tape_of(frame))
    assert event.kind == "stage" and event.horizon == 12 and len(sample) == len(frame)
    assert event.name == "more than 30 days late, in default or charged off 12 months after issue"
    assert event.seen == f"more than 30 days late, in default or charged off on {RECORD}"
    assert sample.frame["bad"].sum() == frame["status"].isin(["late 31-120", "charged off"]).sum()


def test_without_a_late_stage_the_event_is_the_loss():
    _, event = choose_event(tape_of(book(late=False)))
    assert event.name == "charged off within 12 months of issue" and event.seen == f"charged off by {RECORD}"


def test_loans_of_one_age_need_no_age_in_the_model():
    sample, event = choose_event(tape_of(panel_of_stages(one_age=True)))
    assert event.one_age and event.horizon == 8 and event.seen == event.name and "all are 8 months old" in event.rule
    assert all(rule["kind"] != "exposure" for rule in fit_standard(sample).rules)


def test_without_issue_dates_the_exposure_is_said_to_be_unknown():
    sample, event = choose_event(tape_of(book().drop(columns="issue_date")))
    assert event.horizon is None and event.name.endswith(f"on {RECORD}") and "exposed is not known" in event.rule
    assert event_of(sample) == event


def test_loans_issued_after_the_record_date_or_at_no_date_are_set_aside():
    frame = book()
    frame.loc[:2, "issue_date"] = pd.Timestamp(RECORD) + pd.Timedelta(days=40)
    frame.loc[3:4, "issue_date"] = pd.NaT
    sample, _ = choose_event(tape_of(frame))
    aside = {entry["reason"]: entry["rows"] for entry in sample.set_aside}
    assert aside == {"no issue date, so the age is not known": 2, "issued after the record date": 3}


def test_mature_loans_of_a_live_book_are_judged_at_their_end():
    frame = book(size=3000, years=5, term=24, late=False)
    sample, event = choose_event(tape_of(frame))
    mature = months_ago(frame, 24)
    assert event.kind == "final" and "term had run out" in event.rule
    assert abs(len(sample) - mature.sum()) <= 5 and set(sample.frame["severity"]) == {"paid", "loss"}


def test_counts_marks_and_tapes_without_an_outcome():
    _, event = choose_event(load("lendingclub-2007-2011-counts"))
    assert event.kind == "final" and event.what == "written off"
    _, event = choose_event(load("modeldata-lendingclub"))
    assert event.kind == "given" and "does not say by when" in event.name
    frame = ended().drop(columns="status")
    tape, event = choose_event(LoanTape(frame))
    assert event is None and study_sample(LoanTape(frame))[1] == "The tape has no outcome."


def test_the_event_travels_with_the_model(tmp_path):
    sample, event = choose_event(tape_of(book()))
    model = fit_standard(sample)
    model.to_json(tmp_path / "m.json")
    again = StandardModel.from_json(tmp_path / "m.json")
    assert Event.from_plain(again.event) == event and again.bad_from == "late 31-120"


def test_classes_that_do_not_part_into_good_and_bad_are_refused():
    frame = pd.DataFrame({"bad": [False, True, False], "severity": pd.Categorical(["a", "b", "b"], ordered=True)})
    with pytest.raises(DataError, match="do not part"):
        first_bad_class(frame)


# ---------------------------------------------------------------- the age of the loan


def test_age_takes_away_what_only_a_vintage_explains():
    """A trait that came with the older loans has no effect of its own: exposure, not risk."""
    frame = book(size=6000, late=False, effect=0.0, base=0.01)
    age = (pd.Timestamp(RECORD) - frame["issue_date"]).dt.days.to_numpy()
    rng = np.random.default_rng(1)
    frame["home"] = np.where(age + rng.normal(0, 200, len(age)) > np.median(age), "own", "rent")
    sample, _ = choose_event(tape_of(frame))
    with_age = fit_standard(sample, predictors=["home"])
    naive = LoanTape(sample.frame, {key: value for key, value in sample.provenance.items() if key != "event"})
    without = fit_standard(naive, predictors=["home"])
    ratio = lambda model: float(np.exp(model.results.slopes["home: rent"]))  # noqa: E731
    assert ratio(without) < 0.6
    assert abs(np.log(ratio(with_age))) < 2.5 * with_age.results.bse["home: rent"]


def test_the_model_recovers_the_share_at_the_horizon():
    """Current status data: the share charged off by 12 months, of which no loan shows it at another age."""
    frame = book(size=20_000, seed=2, late=False, effect=0.0, base=0.012)
    sample, event = choose_event(tape_of(frame))
    model = fit_standard(sample, predictors=["income"])
    at = model.score(sample.frame)["pd"].mean()
    # competing ends with constant hazards a and b: a / (a + b) (1 - exp(-12 (a + b)))
    a, b = 0.012, 1 / 80
    truth = a / (a + b) * (1 - np.exp(-12 * (a + b)))
    assert event.horizon == 12 and at == pytest.approx(truth, abs=0.01)
    own = model.score(sample.frame, own_age=True)["pd"].mean()
    assert own == pytest.approx(sample.frame["bad"].mean(), abs=0.002) and own > at + 0.02


def test_a_new_applicant_needs_no_date_and_is_scored_at_the_horizon():
    sample, _ = choose_event(tape_of(book()))
    model = fit_standard(sample)
    applicants = sample.frame.drop(columns=["issue_date", "status", "bad", "severity"])
    pd.testing.assert_frame_equal(model.score(applicants), model.score(sample.frame))
    with pytest.raises(DataError, match="issue_date"):
        model.score(applicants, own_age=True)


def test_slopes_and_thresholds_at_the_horizon_are_those_of_the_score():
    from scipy.special import expit

    sample, _ = choose_event(tape_of(panel_of_stages()))
    model = fit_standard(sample)
    slopes, thresholds, covariance = model.at_horizon()
    design = model.design(sample.frame)[0][slopes.index].to_numpy()
    cut = thresholds.index.get_loc("late 1-30|late 31-120")
    assert np.allclose(expit(design @ slopes.to_numpy() - thresholds.iloc[cut]), model.score(sample.frame)["pd"])
    assert covariance.shape == (len(slopes) + len(thresholds),) * 2 and (np.linalg.eigvalsh(covariance) > 0).all()


# ---------------------------------------------------------------- grades


def graded(order=None, reverse=False, noise=False):
    frame = ended(size=1500)
    seen = frame["dti"].to_numpy() if not noise else np.random.default_rng(0).uniform(0, 40, len(frame))
    place = np.digitize(seen, [10, 20, 30])
    frame["grade"] = (4 - place if reverse else place + 1).astype(str)
    rule = {"from": "grade"} | ({"order": order} if order else {})
    return choose_event(tape_of(frame, columns={"grade": rule}))[0]


def test_number_grades_are_turned_round_where_the_losses_say_so():
    sample = graded(reverse=True)
    assert sample.provenance["grade_order"] == "turned"
    assert list(sample.frame["grade"].cat.categories) == ["4", "3", "2", "1"]
    assert "the losses show that 4 is the best" in sample.provenance["grade_words"]
    shares = sample.frame.groupby("grade", observed=True)["bad"].mean()
    assert shares.iloc[0] < shares.iloc[-1]


def test_number_grades_that_losses_confirm_are_kept():
    sample = graded()
    assert sample.provenance["grade_order"] == "shown"
    assert list(sample.frame["grade"].cat.categories) == ["1", "2", "3", "4"]


def test_an_order_that_is_stated_is_never_turned():
    sample = graded(order=["1", "2", "3", "4"], reverse=True)
    assert sample.provenance["grade_order"] == "stated"
    assert list(sample.frame["grade"].cat.categories) == ["1", "2", "3", "4"]


def test_number_grades_that_say_nothing_of_losses_are_of_unknown_order():
    sample = graded(noise=True)
    assert sample.provenance["grade_order"] == "unknown" and "neither the mapping" in sample.provenance["grade_words"]


def test_letters_keep_their_order():
    frame = ended().assign(grade=lambda f: np.array(list("DCBA"))[np.digitize(f["dti"], [10, 20, 30])])
    sample, _ = choose_event(tape_of(frame))
    assert sample.provenance["grade_order"] == "letters"
    assert list(sample.frame["grade"].cat.categories) == list("ABCD")


def test_a_charge_off_that_is_not_dated_is_dated_by_the_last_payment_and_said():
    frame = book(size=4000, years=4, dated=True).rename(columns={"closed_date": "last_payment_date"})
    sample, event = choose_event(tape_of(frame))
    late = frame["last_payment_date"] + pd.DateOffset(months=5)
    by_then = (frame["status"] == "charged off") & (late <= frame["issue_date"] + pd.DateOffset(months=12))
    assert "dated 5 months after the last payment" in event.rule
    assert sample.frame["bad"].sum() == (by_then & months_ago(frame, 12)).sum()


def test_a_record_date_before_every_loan_is_an_error_that_says_what_to_check():
    frame = book().assign(issue_date=lambda f: f["issue_date"] + pd.DateOffset(years=4))
    with pytest.raises(DataError, match="after the record date 2018-06-30; check the record date"):
        choose_event(tape_of(frame))
