"""What a report says: every sentence of the template for none, one, some and all, against pandas."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_tapes import RECORD, book, ended, panel_of_stages, tape_of
from p2prisk.errors import ModelError
from p2prisk.report import Results, Settings, TapeStudy, ages, bins
from p2prisk.report.assemble import CHAPTERS, assemble
from p2prisk.report.decisions import Decisions, suggested_cutoff
from p2prisk.report.lineage import inferences
from p2prisk.report.losses import LossModel
from p2prisk.report.sections import BY_PART
from p2prisk.report.traits import effects, parallel_lines, strongest
from p2prisk.scorecard.scoring import LoanScorer
from p2prisk.standard import fit_standard
from p2prisk.tape import LoanTape


@pytest.fixture(scope="module")
def live():
    return TapeStudy(tape_of(book()))


@pytest.fixture(scope="module")
def dated():
    return TapeStudy(tape_of(book(size=6000, years=4, dated=True)))


@pytest.fixture(scope="module")
def finished():
    return TapeStudy(tape_of(ended(size=1500)))


@pytest.fixture(scope="module")
def stages():
    return TapeStudy(tape_of(panel_of_stages(size=5000)))


# ---------------------------------------------------------------- one event on both sides


@pytest.mark.parametrize("kind", ["live", "dated", "finished", "stages"])
def test_predicted_observed_and_counted_are_one_event(kind, request):
    study = request.getfixturevalue(kind)
    judged = study.judged
    predicted, observed = np.average(judged.pd, weights=judged.weights), judged.bad / judged.loans
    sentence = judged.calibration_sentence()
    assert sentence.count(study.event.seen) == 1
    assert f"{100 * predicted:.1f} per cent would be {study.event.seen}" in sentence
    assert f"{100 * observed:.1f} per cent were" in sentence
    # far apart they would be different events, or different ages
    assert abs(predicted - observed) < 0.05
    assert study.event.name in study.event_sentence()


def test_what_was_observed_is_what_the_tape_says(live):
    frame = live.sample.frame
    assert live.bad_share() == frame["status"].isin(["late 31-120", "charged off"]).mean()
    assert f"{100 * live.bad_share():.1f} per cent" in live.answer() and RECORD in live.answer()
    at = live.outcome_model.score(frame)["pd"].mean()
    assert f"12 months after issue at {100 * at:.1f} per cent" in live.answer()


def test_the_hazard_of_the_test_knows_nothing_of_what_came_after(dated):
    """Change what became of every loan after the day: the prediction of the later loans stays, to the last digit."""
    judged = dated.judged
    assert judged.name == "hazard" and judged.later and not judged.hindsight
    day = pd.Timestamp(re.search(r"on (\d{4}-\d\d-\d\d)", judged.built)[1])
    raw = book(size=6000, years=4, dated=True)
    known = raw["closed_date"] <= day
    other = raw.copy()
    other.loc[~known & (raw["status"] == "paid"), "status"] = "charged off"
    again = TapeStudy(tape_of(other)).judged
    assert again.built == judged.built
    mine = pd.Series(judged.pd, judged.frame["loan_id"])
    theirs = pd.Series(again.pd, again.frame["loan_id"])
    both = mine.index.intersection(theirs.index)
    assert len(both) > 200 and (mine[both] == theirs[both]).all() and again.bad > judged.bad


def test_loans_too_young_are_in_no_side_of_the_test(dated):
    judged = dated.judged
    last = judged.frame["issue_date"] + pd.DateOffset(months=dated.event.horizon)
    assert (last <= pd.Timestamp(RECORD)).all()


def test_final_outcomes_known_later_are_called_hindsight(finished):
    assert finished.judged.hindsight.endswith("hindsight.") and finished.judged.later
    assert "hindsight" in finished.judged.sentence()


def test_loans_later_than_those_of_the_test_are_counted():
    frame = ended(size=1500)
    frame.loc[frame.index[-20:], "issue_date"] = pd.Timestamp("2016-02-03")
    lost = (frame["status"].iloc[-20:] == "charged off").sum()
    judged = TapeStudy(tape_of(frame)).judged
    assert judged.tested == "the loans of 2015"
    assert f"20 loans of later years, of which {lost} were {judged.event.seen}, are too few" in judged.sentence()


def test_a_book_seen_once_is_tested_at_the_same_ages(live):
    judged = live.judged
    assert not judged.later and "a test on later loans is not possible" in judged.hindsight
    # ranked at one age: that older loans had more time is no discrimination
    age = (pd.Timestamp(RECORD) - judged.frame["issue_date"]).dt.days
    assert abs(pd.Series(judged.rank).corr(age)) < 0.1 < pd.Series(judged.pd).corr(age)


# ---------------------------------------------------------------- grades: none, upside down, unknown, better, worse


def with_grade(order, noise=0.0):
    frame = ended(size=1800)
    seen = frame["dti"] + np.random.default_rng(4).normal(0, max(noise, 1e-9), len(frame))
    frame["grade"] = np.array(list(order))[np.digitize(seen, [10, 20, 30])]
    return TapeStudy(tape_of(frame))


def test_no_grade_no_word(finished):
    assert "grade" not in finished.judged.sentence()


def test_a_grade_upside_down_is_no_victory():
    sentence = with_grade("DCBA").judged.sentence()
    assert "upside down" in sentence and "better than the platform" not in sentence
    assert "looks upside down" in with_grade("DCBA").grade_sentence()


def test_a_grade_of_noise_is_no_victory():
    sentence = with_grade("ABCD", noise=5000).judged.sentence()
    assert "does not rank these loans better than chance" in sentence and "own grade, at" not in sentence


def test_a_good_grade_is_compared_with_its_interval():
    study = with_grade("ABCD")
    pair = study.judged.auc.comparisons.iloc[0]
    assert "own grade, at" in study.judged.sentence() and f"{abs(pair['difference']):.3f}" in study.judged.sentence()
    assert "rises from each grade to the next" in study.grade_sentence()


def test_some_grades_out_of_order_are_named(finished, monkeypatch):
    table = pd.DataFrame({"level": ["A", "B", "C"], "share": [0.1, 0.3, 0.2]})
    monkeypatch.setattr(finished, "bad_by", lambda *arguments, **options: table)
    assert finished.grade_sentence() == "The share of bad loans does not rise from B to C."
    table = pd.DataFrame({"level": list("ABCDE"), "share": [0.1, 0.05, 0.3, 0.2, 0.4]})
    assert finished.grade_sentence() == "The share of bad loans does not rise from A to B and from C to D."


def test_grades_of_unknown_order_have_no_section():
    frame = ended(size=1500)
    frame["grade"] = np.random.default_rng(0).integers(1, 8, len(frame)).astype(str)
    study = TapeStudy(tape_of(frame))
    for part in ("by grade", "grade model", "prices by grade"):
        assert "order: [...]" in study.parts[part] or "interest rate" in study.parts[part]
    assert "grade" not in study.judged.sentence()


# ---------------------------------------------------------------- the strongest trait


def test_no_trait_is_named_where_the_model_does_not_beat_chance():
    study = TapeStudy(tape_of(ended(size=1500, noise=True)))
    assert study.strongest().startswith("No trait is named") and "better than chance" in study.strongest()
    assert "not better than chance" in study.judged.sentence() or "worse than chance" in study.judged.sentence()


def test_no_trait_is_named_where_the_likelihood_ratio_says_chance():
    tape = TapeStudy(tape_of(ended(size=1500, noise=True, seed=8))).sample
    model = fit_standard(tape, predictors=["home"])
    assert model.results.llr_pvalue > 0.05
    assert f"p = {model.results.llr_pvalue:.2f}" in strongest(model)


def test_a_large_uncertain_effect_is_not_the_strongest():
    """Twenty loans with an odds ratio of many and an interval that holds one, beside dti with hundreds."""
    frame = ended(size=1500)
    few = np.random.default_rng(2).choice(len(frame), 20, replace=False)
    frame.loc[few, "home"] = "boat"
    frame.loc[few[:12], "status"] = "charged off"
    study = TapeStudy(tape_of(frame, columns={"home": {"from": "home", "recode": {"boat": "other"}}}))
    table = effects(study.outcome_model)
    largest = table.loc[np.log(table["odds_ratio"]).abs().idxmax()]
    assert largest["trait"] == "home" and table["trait"].iloc[0] == "dti"
    row = table.iloc[0]
    assert f"is dti: {row['compared']}" in study.strongest()
    assert f"{row['odds_ratio']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})" in study.strongest()


def test_odds_ratios_are_in_the_units_of_the_reader(finished):
    table = effects(finished.outcome_model).set_index(["trait", "compared"])
    slopes = finished.outcome_model.results.slopes
    assert table.loc[("dti", "10 percentage points more"), "odds_ratio"] == pytest.approx(np.exp(10 * slopes["dti"]))
    assert table.loc[("income", "twice as much"), "odds_ratio"] == pytest.approx(2 ** slopes["income"])
    assert table.loc[("home", "own, against mortgage"), "odds_ratio"] == pytest.approx(np.exp(slopes["home: own"]))


def test_a_number_of_two_values_is_compared_as_it_stands():
    frame = ended(size=1500).assign(term=lambda f: np.where(f["amount"] > 10_000, 24, 12))
    tape = TapeStudy(tape_of(frame)).sample
    table = effects(fit_standard(tape, predictors=["term", "dti"]))
    assert "24 months, against 12" in set(table["compared"])


# ---------------------------------------------------------------- parallel lines


def test_parallel_lines_name_every_trait_and_the_largest_by_size(stages):
    table = stages.parallel_lines()
    traits = [rule["column"] for rule in stages.outcome_model.rules if rule["kind"] != "exposure"]
    assert set(table["term"]) == {*traits, "age of the loan", "all together"}
    assert table["term"].iloc[-1] == "all together" and table["term"].iloc[-2] == "age of the loan"
    size = np.log(table["departure"].iloc[:-2]).abs()
    assert size.is_monotonic_decreasing
    assert table["term"].iloc[0] == "employment_status" and "temp" in table["compared"].iloc[0]
    assert f"departure is that of employment_status: at the cut {table['cut'].iloc[0]}" in table.attrs["sentence"]
    assert table.set_index("term").loc["employment_status", "df"] == 4  # two levels, three cuts, tested together


def test_a_departure_is_the_ratio_to_the_mean_over_the_cuts(stages):
    from p2prisk.assumptions import slopes_by_threshold

    table = stages.parallel_lines().set_index("term")
    own = slopes_by_threshold(stages.outcome_model.results).query("column == 'employment_status: temp'")
    weights = 1 / own["se"] ** 2
    rough = own["slope"] - (own["slope"] * weights).sum() / weights.sum()
    found = np.log(table.loc["employment_status", "departure"])
    assert found == pytest.approx(rough.loc[rough.abs().idxmax()], abs=0.15)  # the mean also weighs covariances


def test_two_outcomes_have_no_lines(finished):
    assert "one cut" in finished.parts["parallel lines"]
    with pytest.raises(ModelError, match="one cut only"):
        parallel_lines(finished.outcome_model)


# ---------------------------------------------------------------- parts and sections


def sections(study, folder):
    folder.mkdir()
    left_out = assemble(study, folder)
    return "".join(path.read_text() for path in folder.glob("*.qmd")), left_out


@pytest.mark.parametrize("kind", ["live", "dated", "finished", "stages"])
def test_yes_only_where_a_section_follows(kind, request, tmp_path):
    study = request.getfixturevalue(kind)
    text, left_out = sections(study, tmp_path / "project")
    table = study.possible().set_index("part")
    assert set(table.index) == set(BY_PART)
    for part, row in table.iterrows():
        written = f"{{#sec-{BY_PART[part].anchor}}}" in text
        assert written == (row["place"] == BY_PART[part].anchor) == (row["why not"] == "")
        assert written or (part in left_out and f"Left out ({part})" in text)
    assert "needs:" not in text


def test_a_part_that_fails_is_left_out_and_the_others_stay(tmp_path, monkeypatch):
    study = TapeStudy(tape_of(ended(size=1500)))

    def fail():
        raise ModelError("the test cannot be made on these loans.")

    monkeypatch.setattr(study, "information", fail)
    text, left_out = sections(study, tmp_path / "project")
    assert left_out["traits one by one"] == "the test cannot be made on these loans"
    assert "*Left out (traits one by one): the test cannot be made on these loans.*" in text
    assert "{#sec-outcome-model}" in text
    # the chapters read the same list from the project
    stored = Results.stored(tmp_path / "project")
    assert stored["possible"].set_index("part")["why not"].to_dict() == study.parts and "information" not in stored
    # our method failed, not the tape
    assert study.gaps == {"traits one by one", "classes of the traits"}
    assert set(stored["review"].query("what.str.contains('traits one by one')")["whose"]) == {"our gap"}


def test_without_a_model_what_rests_on_it_is_left_out(tmp_path):
    frame = ended(size=1500).drop(columns=["income", "home"])
    frame["amount"], frame["dti"] = 1000.0, 10.0
    text, left_out = sections(TapeStudy(tape_of(frame)), tmp_path / "project")
    assert "no predictor is left" in left_out["outcome model"]
    for part in ("parallel lines", "goodness of fit", "score card", "master scale"):
        assert part in left_out


def test_a_rare_level_that_separates_stops_nothing(tmp_path):
    frame = ended(size=900)
    good = frame.index[(frame["status"] == "paid")][:10]
    frame.loc[good, "home"] = "other"
    study = TapeStudy(tape_of(frame))
    text, left_out = sections(study, tmp_path / "project")
    assert "outcome model" not in left_out and "test on other loans" not in left_out
    assert "In home the level other (10 loans" in study.remedies(study.outcome_model)


# ---------------------------------------------------------------- every column, prices, losses, ages


@pytest.mark.parametrize("kind", ["live", "finished"])
def test_every_column_is_accounted_for(kind, request):
    study = request.getfixturevalue(kind)
    table = study.columns_used()
    assert list(table["column"]) == [*study.sample.frame.columns, *study.tape.unused]
    used = set(table.loc[table["use"] == "in the model", "column"])
    assert used == {rule["column"] for rule in study.outcome_model.rules}
    assert (table.loc[table["use"] != "in the model", "why"] != "").all()


def test_columns_that_enter_only_on_request_say_so():
    frame = ended(size=1500).assign(sex="female", region="north", months_since_delinquency=3.0, credit_limit=1e4)
    frame.loc[::3, ["sex", "region"]] = ["male", "south"]
    frame.loc[::4, "credit_limit"] = 2e4
    study = TapeStudy(tape_of(frame))
    table = study.columns_used().set_index("column")
    assert table.loc["sex", "use"] == "not tried" and "protected" in table.loc["sex", "why"]
    assert "place" in table.loc["region", "why"] and "bands" in table.loc["months_since_delinquency", "why"]
    assert table.loc["credit_limit", "use"] == "in the model"


def test_prices_are_of_losses_over_the_whole_term_only(dated):
    frame = book(size=6000, years=4, dated=True).assign(rate=12.0)
    study = TapeStudy(tape_of(frame))
    assert study.parts["prices by grade"] == (
        "a price needs the losses of the whole term; bad here is charged off within 12 months of issue"
    )


def recovered(fee=None):
    frame = ended(size=1500)
    lost = frame["status"] == "charged off"
    rng = np.random.default_rng(9)
    frame["principal_paid"] = np.where(lost, frame["amount"] * rng.uniform(0.1, 0.9, len(frame)), frame["amount"])
    frame["recoveries"] = np.where(lost, (frame["amount"] - frame["principal_paid"]) * rng.uniform(0, 0.6), 0.0)
    frame["grade"] = np.array(list("ABCD"))[np.digitize(frame["dti"], [10, 20, 30])]
    frame["rate"] = 15.0
    if fee is not None:
        frame["recovery_fee"] = fee * frame["recoveries"]
    return frame


@pytest.mark.parametrize("fee", [None, 0.2])
def test_losses_given_default_follow_the_recoveries_that_are_mapped(fee):
    frame = recovered(fee)
    study = TapeStudy(tape_of(frame))
    assert not study.parts["loss given default"]
    bad = frame[frame["status"] == "charged off"]
    owed = bad["amount"] - bad["principal_paid"]
    net = bad["recoveries"] * (1 - (fee or 0.0))
    row = study.given_default().iloc[0]
    assert row["bad"] == len(bad) and row["lost"] == pytest.approx((1 - net / owed).mean())
    assert row["by_money"] == pytest.approx(1 - net.sum() / owed.sum())
    sentence = study.given_default_sentence()
    assert f"{100 * row['lost']:.1f} was lost" in sentence.replace(" per cent", "")
    assert ("before the cost of collection" in sentence) == (fee is None) and "further bad loans" not in sentence
    assert "the tape is silent" not in study.prices_sentence()


def test_bad_loans_without_recoveries_are_counted():
    frame = recovered()
    frame["recoveries"] = frame["recoveries"].where(frame.index % 5 != 0)
    study = TapeStudy(tape_of(frame))
    gone = ((frame["status"] == "charged off") & frame["recoveries"].isna()).sum()
    assert f"Of {gone:,d} further bad loans" in study.given_default_sentence()


def test_ends_by_age_of_loans_seen_to_their_end_are_their_shares():
    frame = ended(size=1500)
    days = np.random.default_rng(1).integers(5, 360, len(frame))
    frame["closed_date"] = frame["issue_date"] + pd.to_timedelta(days, "D")
    table = TapeStudy(tape_of(frame)).ends_by_age().set_index("months")
    lost = frame["status"] == "charged off"
    assert table.loc[12, "defaulted"] == pytest.approx(lost.mean())
    assert table.loc[12, "repaid"] == pytest.approx((~lost).mean())
    half = frame["closed_date"] <= frame["issue_date"] + pd.DateOffset(months=6)
    assert table.loc[6, "defaulted"] == pytest.approx((lost & half).mean())


def test_what_a_vintage_shows_follows_the_event(live, dated, finished):
    assert "more time to go bad" in live.vintage_sentence()
    assert "at the same age: 12 months" in dated.vintage_sentence()
    assert finished.vintage_sentence() == "Every loan is judged at its end."
    given = ended(size=1500).assign(bad=lambda f: f["status"] == "charged off").drop(columns="status")
    assert "not known" in TapeStudy(tape_of(given)).vintage_sentence()


def test_classes_of_a_number_are_in_words(finished):
    levels = finished.bad_by("amount")["level"].tolist()
    assert levels[0].startswith("up to ") and levels[-1].startswith("over ") and not any("e+" in x for x in levels)


# ---------------------------------------------------------------- what enters the model


def test_one_negative_value_does_not_turn_the_logarithm_off():
    frame = ended(size=1500).assign(revolving_balance=lambda f: f["amount"] * 3)
    tape = tape_of(frame)
    tape.frame.loc[5, "revolving_balance"] = -1.0
    model = fit_standard(tape, predictors=["revolving_balance"])
    assert model.rules[0]["log"] and model.rules[0]["low"] >= 0
    assert model.score(tape.frame)["out_of_range"].sum() == 1


def test_gaps_that_mark_the_year_are_no_trait():
    frame = ended(size=1500)
    first = frame["issue_date"].dt.year == 2013
    frame["bankruptcies"] = np.where(first, np.nan, np.random.default_rng(1).integers(0, 2, len(frame)))
    model = fit_standard(TapeStudy(tape_of(frame)).sample)
    assert "its gaps mark the year" in model.left_out["bankruptcies"] and "2013" in model.left_out["bankruptcies"]


def test_a_count_that_hardly_any_loan_has_is_left_out():
    frame = ended(size=1500).assign(tax_liens=0)
    frame.loc[[3, 4], "tax_liens"] = 1
    model = fit_standard(TapeStudy(tape_of(frame)).sample)
    assert model.left_out["tax_liens"] == "almost the same in every row"


def test_many_rare_levels_are_not_called_one():
    frame = ended(size=1500).assign(occupation=lambda f: [f"job {place % 150}" for place in f.index])
    model = fit_standard(TapeStudy(tape_of(frame)).sample)
    assert model.left_out["occupation"].startswith("150 levels")


def test_an_empty_outcome_says_there_is_no_event():
    study = TapeStudy(LoanTape(ended().drop(columns="status")))
    assert study.event is None and "no event to predict" in study.event_sentence()
    assert all(study.parts[part] for part in ("outcome model", "test on other loans", "prices by grade"))


# ---------------------------------------------------------------- what a project holds


def test_a_project_holds_what_was_computed_and_says_the_same(tmp_path, dated):
    sections(dated, tmp_path / "project")
    stored = Results.stored(tmp_path / "project")
    assert stored["test_words"] == dated.judged.sentence() and stored["test_remedies"] == dated.judged.remedies
    pd.testing.assert_frame_equal(stored["test_area"], dated.judged.table())
    pd.testing.assert_frame_equal(stored["information"], dated.information())
    pd.testing.assert_frame_equal(stored["frontier"], dated.judged.frontier())
    assert stored["strongest"] == dated.strongest()


def test_the_sentence_on_parallel_lines_is_stored_with_its_table(tmp_path, stages):
    sections(stages, tmp_path / "project")
    stored = Results.stored(tmp_path / "project")
    assert stored["parallel_words"] == stages.parallel_lines().attrs["sentence"]


def test_where_only_short_terms_have_ended_the_report_says_so():
    frame = ended(size=2400)
    frame["term"] = np.where(frame["dti"] > 20, 48, 12)
    tape = tape_of(frame, record_date="2017-06-30")
    study = TapeStudy(tape)
    years = study.sample.frame.groupby(study.sample.frame["issue_date"].dt.year)["term"].max()
    assert (years == [48, 12, 12]).all()
    assert "issued from 2014 on, only loans of 12 months have" in study.vintage_sentence()
    assert "the loans of 2015, of which only those of 12 months had ended" in study.judged.sentence()


def test_a_term_that_was_not_yet_offered_is_no_loan_that_runs():
    frame = ended(size=1800)
    frame["term"] = np.where((frame["issue_date"].dt.year == 2015) & (frame["dti"] > 20), 24, 12)
    study = TapeStudy(tape_of(frame))
    assert (
        study.vintage_sentence() == "Every loan is judged at its end." and "months had ended" not in study.judged.tested
    )


def test_years_for_dates_of_ends_are_no_months():
    frame = ended(size=1500)
    frame["closed_date"] = pd.to_datetime((frame["issue_date"].dt.year + 1).astype(str), format="%Y")
    study = TapeStudy(tape_of(frame))
    assert "holds years only" in study.parts["by age"] and study.judged.name == "ordered logit"
    assert "cannot be fitted" not in study.judged.sentence()


@pytest.mark.parametrize("sign, said", [(1, "higher"), (-1, "lower")])
def test_a_loss_is_higher_or_lower_by_so_many_points(sign, said):
    model = object.__new__(LossModel)
    ends = sorted((0.005 * sign, 0.017 * sign))
    row = {"trait": "income", "compared": "twice as much", "effect": 0.011 * sign, "low": ends[0], "high": ends[1]}
    model.loans, model.tested, model.table = 6431, None, pd.DataFrame([row | {"pvalue": 1e-4}])
    assert f"goes with a loss 1.1 points {said} (0.5 to 1.7)." in model.sentence()


@pytest.mark.parametrize("digits, said", [(14.2, "12 digits or more"), (9.4, "9 digits")])
def test_digits_are_those_of_the_checklist(digits, said):
    """Beyond twelve the last bits of a machine decide."""
    results = SimpleNamespace(exog_names=["a"], nobs=100, digits=digits, prsquared=0.1)
    assert f"are exact to {said}." in TapeStudy.fit_sentence(SimpleNamespace(results=results))


def test_loans_of_one_day_have_no_older_periods(stages):
    """All are seen at one age: it was said that older periods had more time to go bad."""
    frame = panel_of_stages(size=600).assign(issue_date=pd.Timestamp("2017-06-15"))
    study = TapeStudy(tape_of(frame))
    assert study.event.seen == study.event.name and study.parts["by vintage"] == "all loans were issued in one quarter"
    assert study.vintage_sentence().endswith(f"at the same age: {study.event.horizon} months after issue.")
    assert not stages.parts["by vintage"] and "more time" in stages.vintage_sentence()


# ---------------------------------------------------------------- one, and none


def words_of(frame, **settings):
    study = TapeStudy(tape_of(frame), Settings(**settings))
    return study, study.results()


def test_one_trait_with_gaps_is_one_trait():
    frame = ended(size=1500)
    frame.loc[frame.index % 10 == 0, "dti"] = np.nan
    said = "One trait has missing values, dti: its gaps "
    assert bins.gaps_sentence(TapeStudy(tape_of(frame))) == f"{said}do not mark the year of issue."
    frame["dti"] = ended(size=1500)["dti"].where(frame["issue_date"].dt.year > 2013)
    marked = bins.gaps_sentence(TapeStudy(tape_of(frame)))
    assert marked.startswith(f"{said}mark the year of issue, and not the borrower. No model")


@pytest.mark.parametrize(("status", "said"), [("paid", "none were"), ("charged off", "1 was")])
def test_one_later_loan_is_one_loan(status, said):
    frame = ended(size=1500)
    frame.loc[frame.index[-1:], ["issue_date", "status"]] = [pd.Timestamp("2016-02-03"), status]
    judged = TapeStudy(tape_of(frame)).judged
    assert f"1 loan of later years, of which {said} {judged.event.seen}, is too few for a test." in judged.hindsight


def test_one_further_bad_loan_is_one_loan():
    frame = recovered()
    frame.loc[frame.index[frame["status"] == "charged off"][:1], "recoveries"] = np.nan
    assert "Of 1 further bad loan the tape" in TapeStudy(tape_of(frame)).given_default_sentence()


def test_one_coefficient_is_one_and_so_says_the_card():
    frame = ended(size=1500)[["loan_id", "issue_date", "amount", "term", "dti", "status"]].assign(amount=1000.0)
    study, made = words_of(frame)
    assert study.outcome_model.results.exog_names == ["dti"]
    assert made["outcome_fit"].startswith("The model has 1 coefficient on 1,500 loans;")
    assert ", 1 coefficient; model.json" in made["model_card"].set_index("item").loc["model", "what"]


def test_one_running_loan_is_one(dated):
    frame = book(size=6000, years=4, dated=True)
    runs = frame.index[~frame["status"].isin(["paid", "charged off"])]
    study = TapeStudy(tape_of(frame.drop(index=runs[1:])))
    assert study.staged.sentence().startswith("On 1 running loan with an exposure of ")


@pytest.mark.parametrize("months", [1, 2])
def test_months_of_a_rule_are_counted(months):
    frame = book(size=6000, years=4, dated=True, base=0.08)
    study = TapeStudy(tape_of(frame), Settings(Decisions({"horizon": {"months": months, "reason": "ours"}})))
    many = "1 month" if months == 1 else "2 months"
    assert f"A loan is judged {many} after issue" in study.note and study.event.name.endswith(f"within {many} of issue")
    assert study.vintage_sentence().endswith(f"at the same age: {many} after issue.")
    assert study.set_aside()["reason"].str.contains(f"younger than {many} on").any()


@pytest.mark.parametrize(("left", "said"), [(0, "and none was younger"), (1, "1 younger one is not")])
def test_no_loan_and_one_loan_too_young_for_the_horizon(left, said):
    frame = book(size=6000, years=4, dated=True)
    young = frame.index[frame["issue_date"] + pd.DateOffset(months=12) > pd.Timestamp(RECORD)]
    study = TapeStudy(tape_of(frame.drop(index=young[left:])))
    assert study.event.kind == "within" and f"that were so old on {RECORD} are counted, {said}." in study.note


# ---------------------------------------------------------------- what is said of what was done


def test_loans_drawn_for_a_test_are_named_where_nothing_else_is(live):
    assert live.judged.frontier_sentence().startswith("Of the third drawn at random, the safest 80 per cent")
    assert bins.sides_sentence(live).endswith(f"{live.judged.loans:,d} others: the third drawn at random.")


def test_ends_that_compete_are_explained_once(tmp_path, dated):
    assemble(dated, tmp_path)
    page = (tmp_path / "time.qmd").read_text(encoding="utf-8")
    assert (ages.curves_sentence(dated.curves) + page).count("as long as they were seen") == 1


def test_the_tape_of_a_live_book_is_live_where_its_ended_loans_are_studied():
    frame = book(size=6000, years=4, dated=True, term=12)
    study = TapeStudy(tape_of(frame))
    assert study.event.kind == "final" and study.note.startswith("The book is live.")
    assert study.about().set_index("what").loc["kind", "value"] == "live"


def test_grades_that_were_decided_were_not_found(finished):
    assert "four conditions: at least one loan in twenty and twenty defaults in each" in finished.scale_rule()
    decided = Decisions({"grades": {"bounds": [0.1, 0.3], "reason": "ours"}, "cutoff": {"accept": 0.8, "reason": "so"}})
    study, made = words_of(ended(size=1500), decisions=decided)
    assert made["scale_rule"] == "The bounds of the grades are a decision of the lender."
    assert made["scale"]["grade"].tolist() == ["1", "2", "3"]
    assert "bounds decided by the lender" in inferences(study)["rule"].tolist()


def test_the_cutoff_of_page_one_is_tried_on_the_loans_tested(finished, monkeypatch):
    assert suggested_cutoff(finished).value == {"accept": 0.8}
    judged, said = finished.judged, finished.cutoff_sentence()
    assert said.startswith("No cut-off is decided. The one that page one suggests is the safest 80 per cent: of the ")
    taken = judged.observed[np.argsort(judged.rank, kind="stable")][: int(0.8 * judged.loans)]
    assert f"accepted {len(taken):,d} (80 per cent), of which {100 * taken.mean():.1f} per cent" in said
    none = SimpleNamespace(value={"pd": 1e-9})
    monkeypatch.setattr("p2prisk.report.decisions.suggested_cutoff", lambda study: none)
    assert finished.cutoff_sentence().endswith("it would have accepted none of the loans tested.")


def test_what_came_back_is_of_the_loans_of_which_all_is_known():
    frame = recovered()
    bad = frame["status"] == "charged off"
    frame.loc[bad & (frame.index % 2 == 0), "principal_paid"] = np.nan
    known = frame[bad & frame["principal_paid"].notna()]
    back = known["recoveries"] / (known["amount"] - known["principal_paid"])
    study = TapeStudy(tape_of(frame))
    assert study.prices().attrs["recovery"] == pytest.approx(back.mean())
    assert f"{100 * back.mean():.0f} per cent of what was owed came back" in study.prices_sentence()
    frame.loc[bad, "principal_paid"] = np.nan
    assert "after default: the tape gives it for no bad loan;" in TapeStudy(tape_of(frame)).prices_sentence()
    assert (
        "the tape does not say what was owed;"
        in TapeStudy(tape_of(frame.drop(columns="principal_paid"))).prices_sentence()
    )


def test_a_caption_names_as_many_rows_as_its_picture_has_at_most():
    pairs = re.findall(
        r"fig-cap: .*?at most (\d+) rows.*?\n(?:#.*\n)*.*?\.head\((\d+)\)", (CHAPTERS / "model.qmd").read_text()
    )
    assert len(pairs) == 2 and all(said == drawn for said, drawn in pairs)


def test_what_no_reader_can_supply_is_not_asked_for(finished):
    made = finished.results()
    gone = {"expected loss by stage", "missing values by year", "parallel lines"}
    assert gone <= {part for part, why in finished.parts.items() if why}
    asked = made["review"]["what"][made["review"]["place"] == "left-out"].tolist()
    assert asked and not [what for what in asked for part in gone if f"'{part}'" in what]
    assert all(what.startswith("No section '") for what in asked)


def test_years_with_too_few_loans_are_not_said_to_be_one_time():
    frame = ended(size=720)
    frame["issue_date"] = pd.to_datetime("2013-01-01") + pd.to_timedelta(frame.index * 5 * 365 // 720, "D")
    study = TapeStudy(tape_of(frame, record_date="2020-01-31"))
    assert len(study.years()) == 5 and not study.judged.later
    assert study.judged.hindsight.startswith("No year of issue has 200 loans with 30 bad ones, and as many to build on")
    once = TapeStudy(tape_of(frame.assign(issue_date=pd.Timestamp("2013-05-05")), record_date="2020-01-31"))
    assert once.judged.hindsight.startswith("The loans cannot be parted by time: the test says nothing of")


@pytest.mark.parametrize(("mean", "said"), [(-0.52, "\u22120.5"), (0.01, "0.0"), (-0.01, "0.0"), (0.3, "+0.3")])
def test_what_rounding_does_on_average_has_the_sign_of_a_number(finished, monkeypatch, mean, said):
    off = {"largest": 1.9, "mean": mean, "other_grade": np.nan}
    monkeypatch.setattr(type(finished.card), "rounding", lambda self, weights=None: off)
    assert f"those of its probability, and {said} on average." in finished.card_sentence()


def test_a_median_age_of_one_month_is_one_month():
    study = TapeStudy(tape_of(book(size=3000, years=0.2)))
    assert study.event.seen != study.event.name
    assert f"Of 3,000 loans seen on {RECORD}, at a median age of 1 month, " in study.answer()


def test_a_sum_by_hand_is_off_by_no_more_than_the_card_says(finished):
    """Points of every loan, added up from what is printed: the ends of a number are whole points."""
    card, frame = finished.card.card, finished.sample.frame
    printed = card.attributes.query("estimated").groupby("characteristic", sort=False)
    by_hand, numbers = np.zeros(len(frame)), 0
    for name, rows in printed:
        item = next(item for item in card.characteristics if item.name == name)
        if item.kind == "number":
            ends, numbers = np.array([item.low, item.high]), numbers + 1
            line = (lambda x: x) if item.transform == "identity" else np.log1p
            by_hand += np.round(np.interp(line(frame[name].clip(*ends)), line(ends), rows["points"][:2]))
        else:
            by_hand += frame[name].astype(str).map(dict(zip(rows["attribute"], rows["points"], strict=True)))
    points = LoanScorer(finished.outcome_model).score(frame)["points"].to_numpy(dtype=float)
    assert numbers == 3 and 1 <= np.abs(by_hand - points).max() <= numbers
    assert "a sum by hand may be one point off for each number between them" in finished.card_sentence()
