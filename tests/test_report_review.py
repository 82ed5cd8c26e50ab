"""Page one of a report, its checklist, and the decisions of a lender."""

import numpy as np
import pandas as pd
import pytest

from made_tapes import book, ended, tape_of
from p2prisk.errors import DataError
from p2prisk.report import Settings, TapeStudy, assemble
from p2prisk.report.card import model_card
from p2prisk.report.checklist import CHECKS, FINDING, NOT_MADE, PASSED, checklist, read_limits
from p2prisk.report.decisions import Decisions, open_decisions
from p2prisk.report.judged import signed
from p2prisk.report.review import review
from p2prisk.scorecard.scoring import LoanScorer
from p2prisk.standard import StandardModel


@pytest.fixture(scope="module")
def dated():
    study = TapeStudy(tape_of(book(size=4000, years=4, dated=True)))
    return study, study.results()


def graded(size=1500):
    frame = ended(size)
    frame["grade"] = np.array(list("ABCD"))[np.digitize(frame["dti"], [10, 20, 30])]
    return frame


# ---------------------------------------------------------------- the checklist


def test_every_check_has_a_limit_and_every_limit_a_check():
    assert set(read_limits()) == {check.name for check in CHECKS}


def test_verdicts_follow_values_and_limits(dated):
    study, made = dated
    table = made["checklist"].set_index("measure")
    assert (
        table.loc["predicted over observed", "value"] == f"{study.judged.pd.mean() / study.judged.observed.mean():.2f}"
    )
    assert table.loc["loans tested", "value"] == f"{study.judged.loans:,d}"
    assert table.loc["errors found", "verdict"] == PASSED
    few = {**read_limits(), "loans_tested": {"least": study.judged.loans + 1, "why": "ours"}}
    again = TapeStudy(tape_of(book(size=4000, years=4, dated=True)), Settings(limits=few))
    again.__dict__["judged"] = study.judged
    row = checklist(again).set_index("measure").loc["loans tested"]
    assert row["verdict"] == FINDING and row["why"] == "ours"


def test_what_could_not_be_tested_never_passes():
    tape = tape_of(ended(size=300).drop(columns="issue_date"))
    study = TapeStudy(tape)
    study.parts["test on other loans"] = "too few loans"
    table = checklist(study)
    tests = table[table["why"] == "too few loans"]
    assert len(tests) > 5 and set(tests["place"]) == {"left-out"}
    assert set(tests["verdict"]) == {NOT_MADE} and set(tests["value"]) == {"–"}
    assert set(tests["whose"]) == {"only you can supply"}
    study.parts["test on other loans"] = "with two outcomes there is one cut, and nothing to be parallel"
    tests = checklist(study).query("why.str.startswith('with two')")
    assert set(tests["verdict"]) == {NOT_MADE} and set(tests["whose"]) == {""}  # it does not apply: nobody's turn


def test_a_limit_of_ones_own_needs_a_reason(tmp_path):
    path = tmp_path / "limits.yml"
    path.write_text("area: {least: 0.7}\n")
    with pytest.raises(DataError, match="why"):
        read_limits(path)
    path.write_text("horoscope: {least: 0.7, why: stars}\n")
    with pytest.raises(DataError, match="horoscope"):
        read_limits(path)
    path.write_text("area: {least: 0.7, why: policy 4.2}\n")
    assert read_limits(path)["area"] == {"least": 0.7, "why": "policy 4.2"} and "slope" in read_limits(path)


# ---------------------------------------------------------------- page one


def test_the_worst_comes_first_and_leads_to_its_place():
    frame = graded()
    frame["dti"] /= 100  # a fraction where per cent are due
    study = TapeStudy(tape_of(frame))
    made = study.results()
    table = made["review"]
    errors = study.quality.count("error")
    assert errors and table["what"].head(errors).str.startswith("error of the tape").all()
    assert set(table["place"].head(errors)) == {"quality"}
    anchors = {"quality", "left-out", "decisions"} | {anchor for anchor in made["possible"]["place"] if anchor}
    assert set(table["place"]) <= anchors
    assert f"There are {len(table)} points" in made["review_words"]


def test_nothing_to_review_says_so(dated):
    study, made = dated
    assert not made["review"].empty  # the cut-off is open
    fine = made["checklist"].assign(verdict=PASSED)
    parts, study.parts = study.parts, dict.fromkeys(study.parts, "")
    decided = study.settings
    study.settings = Settings(Decisions({name: {"reason": "-"} for name in ("cutoff", "horizon")}))
    try:
        assert review(study, fine).empty
    finally:
        study.parts, study.settings = parts, decided


# ---------------------------------------------------------------- decisions


def decided(frame, **plain):
    return TapeStudy(tape_of(frame), Settings(Decisions(plain)))


@pytest.mark.parametrize(
    "text, words",
    [
        ("exclude: [{trait: dti}]", "exclude.0: 'reason' is a required property; every decision has a reason"),
        ('horizon: {months: 12, reason: ""}', "horizon.reason: write the reason in words"),
        ("cutoff: {accept: 1.5, reason: so decided}", "cutoff"),
        ("cutoff: {reason: so decided}", "give one of accept or pd"),
        ("grades: {bounds: [0.2, 0.1], reason: so decided}", "increase"),
        ("drop: [dti]", "'drop' is no key here; the keys are exclude, merge"),
        ("exclude: {dti: not verified}", "at exclude: a list is needed"),
        ("exclude: [dti]", "at exclude.0: keys are needed, each with its value: trait, reason"),
        ("horizon: {months: one year, reason: so decided}", "at horizon.months: a whole number is needed"),
        ("a: [", "not YAML"),
    ],
)
def test_a_file_of_decisions_is_checked(tmp_path, text, words):
    path = tmp_path / "decisions.yml"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        Decisions.read(path)


def test_an_excluded_trait_is_in_no_model_and_says_why():
    study = decided(graded(), exclude=[{"trait": "income", "reason": "not verified"}])
    told = " ".join(study.tape.quality().findings["what"])
    assert "1 column(s) left out by decision: income" in told and "not read: income" not in told
    assert "income" not in {rule["column"] for rule in study.outcome_model.rules}
    table = study.columns_used().set_index("column")
    assert table.loc["income", "why"] == "left out by decision of the lender: not verified"
    with pytest.raises(DataError, match="no trait of this tape; it has amount"):
        decided(graded(), exclude=[{"trait": "status", "reason": "no"}])


def test_merged_classes_are_one_and_new_loans_follow():
    merge = [{"trait": "home", "classes": ["own"], "into": "mortgage", "reason": "few"}]
    study = decided(graded(), merge=merge)
    model = study.outcome_model
    (rule,) = [rule for rule in model.rules if rule["column"] == "home"]
    assert "own" not in rule["levels"] and rule["merged"]["own"] == "mortgage"
    new = study.sample.frame.head(2).assign(home=["own", "mortgage"], dti=10.0, income=3e4, amount=5e3)
    scored = model.score(new)
    assert scored["pd"].iloc[0] == scored["pd"].iloc[1] and not scored["new_level"].any()
    assert model.about["decisions"] == {"merge": merge}
    with pytest.raises(DataError, match="no class 'castle'; its classes are"):
        decided(graded(), merge=[{"trait": "home", "classes": ["castle"], "into": "own", "reason": "few"}])


def test_the_horizon_is_the_lenders():
    frame = book(size=4000, years=4, dated=True)
    assert decided(frame).event.horizon == 12
    study = decided(frame, horizon={"months": 24, "reason": "two years of provisions"})
    assert study.event.horizon == 24 and "decision" in study.note and "24 months" in study.answer()
    ends, issue = study.sample.frame["closed_date"], study.sample.frame["issue_date"]
    inside = ends <= issue + pd.DateOffset(months=24)
    assert (study.bad.astype(bool) == (inside & (study.sample.frame["status"] == "charged off"))).all()
    with pytest.raises(DataError, match="no study at 110 months"):
        decided(frame, horizon={"months": 110, "reason": "too far"})


def test_the_scale_has_the_bounds_that_were_decided():
    study = decided(graded(3000), grades={"bounds": [0.1, 0.3], "reason": "the bank's scale"})
    scale = study.card.card.scale
    assert scale.bounds == (0.1, 0.3) and len(study.scale()) == 3
    assert scale.pds[0] < 0.1 < scale.pds[1] < 0.3 < scale.pds[2]


def test_the_model_beside_the_report_gives_the_grades_of_the_report():
    study = decided(graded(), grades={"bounds": [0.1, 0.3], "reason": "the bank's scale"})
    scorer = LoanScorer(StandardModel.from_json(assemble._model(study)))
    assert scorer.scale == study.card.card.scale
    scored = scorer.score(study.sample.frame)
    assert (scored["grade"].astype(str) == study.card.scored["grade"].astype(str).to_numpy()).all()
    assert (scored["points"] == study.card.scored["score"].to_numpy()).all()
    words, off = study.card_sentence(), study.card.rounding()
    assert (
        f"lie up to {off['largest']:.1f} from those of its probability, and {signed(off['mean'], 1)} on average"
        in words
    )
    assert f"By points alone {100 * off['other_grade']:.1f} per cent of the loans would be in another grade" in words
    logs = [item.name for item in study.card.card.characteristics if item.transform == "log1p"]
    assert f"({', '.join(logs)}: on the logarithm of one more)" in words  # a printed card is added up by hand


def test_open_decisions_suggest_a_value_with_its_reason():
    frame = graded().assign(rate=15.0)
    (cutoff,) = open_decisions(decided(frame))
    assert (
        cutoff.name == "cutoff"
        and 0 < cutoff.value["pd"] < 0.3
        and "at the mean rate of 15.0 per cent" in cutoff.reason
    )
    assert open_decisions(decided(frame, cutoff={"pd": 0.1, "reason": "committee"})) == []
    (cutoff,) = open_decisions(study := decided(graded()))
    assert cutoff.value == {"accept": 0.8} and study.parts["prices by grade"] in cutoff.reason
    assert 'reason: ""' in str(cutoff)
    names = [found.name for found in open_decisions(decided(book(size=4000, years=4, dated=True)))]
    assert names == ["horizon", "cutoff"]


def test_the_cutoff_is_applied_to_the_loans_tested():
    frame = graded(3000)
    study = decided(frame, cutoff={"pd": 0.2, "reason": "committee of May."})
    judged = study.judged
    accepted = judged.pd <= 0.2
    said = study.cutoff_sentence()
    assert f"accepted {accepted.sum():,d}" in said and f"{100 * judged.observed[accepted].mean():.1f} per cent" in said
    assert "(committee of May)" in said
    half = decided(frame, cutoff={"accept": 0.5, "reason": "committee"})
    half.__dict__["judged"] = judged
    assert f"accepted {len(judged.pd) // 2:,d} (50 per cent)" in half.cutoff_sentence()
    assert "No cut-off is decided" in decided(frame).cutoff_sentence()


def test_the_model_card_says_what_was_fitted_tested_and_decided():
    study = decided(graded(), exclude=[{"trait": "income", "reason": "not verified"}])
    card = study.results()["model_card"].set_index("item")["what"]
    assert f"{int(study.outcome_model.results.nobs):,d} loans" in card["fitted on"] and "income" not in card["traits"]
    assert card["decisions of the lender"] == "leave out income"
    assert f"area {study.judged.row['auc']:.3f}" in card["ranks"] and card["protected traits"] == "none on the tape"


def test_the_months_of_the_model_card_are_those_of_the_loans_of_the_fit():
    study = decided(book(size=1500, years=4, dated=True), horizon={"months": 24, "reason": "so decided"})
    study.parts["test on other loans"] = "not asked for"
    months = study.sample.frame["issue_date"]
    assert months.max() < study.tape.frame["issue_date"].max()  # the youngest are in no number
    card = model_card(study, pd.DataFrame({"verdict": [PASSED]})).set_index("item")["what"]
    assert f"issued {months.min():%Y-%m} to {months.max():%Y-%m};" in card["fitted on"]


@pytest.mark.parametrize("text", ["[" * 3000 + "]" * 3000, "a: &a [x]\nb: [*a, *a]\n"])
def test_settings_that_are_deep_or_repeat_themselves_are_refused(text, tmp_path):
    from p2prisk.report.decisions import read_yaml

    (tmp_path / "d.yml").write_text(text)
    with pytest.raises(DataError, match=r"d\.yml, line \d: (nested deeper|aliases)"):
        read_yaml(tmp_path / "d.yml", "decisions", {})
