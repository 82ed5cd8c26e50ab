"""The sections on classes, time, losses and the declined, against pandas, R's rules and known truth."""

import re
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from made_tapes import book, ended, tape_of
from p2prisk.errors import DataError
from p2prisk.report import Settings, TapeStudy, ages, bins
from p2prisk.report.losses import lost
from p2prisk.tape import LoanTape


@pytest.fixture(scope="module")
def dated():
    return TapeStudy(tape_of(book(size=3000, years=4, dated=True)))


@pytest.fixture(scope="module")
def finished():
    frame = ended(size=2400)
    bad = frame["status"] == "charged off"
    rng = np.random.default_rng(9)
    frame["principal_paid"] = np.where(bad, 0.3 * frame["amount"], frame["amount"])
    owed = frame["amount"] - frame["principal_paid"]
    # what comes back hangs on dti alone: 60 per cent of it at none, 20 at 40
    frame["recoveries"] = np.where(
        bad, owed * np.clip(0.6 - frame["dti"] / 100 + rng.normal(0, 0.05, len(frame)), 0, 1), 0
    )
    frame["income"] = frame["income"].where(frame["issue_date"] > "2013-12-31")  # the first year did not ask
    return TapeStudy(tape_of(frame))


# ---------------------------------------------------------------- classes


def test_classes_count_every_loan_once_on_either_side(finished):
    build, test = bins.sides(finished)
    table = bins.bin_table(finished)
    for _, own in table.groupby("trait"):
        assert own["loans"].sum() == build.sum() and own["tested"].sum() == test.sum() > 0
    frame, bad = finished.sample.frame, finished.bad.astype(float)
    own = table[(table["trait"] == "home") & (table["class"] == "rent")].iloc[0]
    mine = (frame["home"] == "rent").to_numpy()
    assert own["bad"] == pytest.approx(bad[mine & build].mean()) and own["bad_tested"] == pytest.approx(
        bad[mine & test].mean()
    )
    share = [
        (mine & build & (bad == side).to_numpy()).sum() / (build & (bad == side).to_numpy()).sum() for side in (0, 1)
    ]
    assert own["woe"] == pytest.approx(np.log(share[0] / share[1]))
    rates = table[(table["trait"] == "dti") & (table["class"] != "missing")]["bad"]
    assert rates.is_monotonic_increasing and len(rates) > 2


def test_a_class_without_a_bad_loan_is_never_worse_than_the_mean():
    loans, bad = np.array([4.0, 105.0, 3.0, 20_000.0]), np.array([0.0, 0.0, 3.0, 600.0])
    evidence = bins._woe(loans, bad)
    odds = (loans - bad).sum() / bad.sum()
    assert evidence[0] == pytest.approx(np.log1p(4 / odds)) and evidence[1] == pytest.approx(np.log1p(105 / odds))
    assert evidence[2] == pytest.approx(-np.log1p(3 * odds)) and evidence[3] == pytest.approx(
        np.log(19_400 / 600 / odds)
    )


def test_gaps_that_mark_the_year_are_flagged(finished):
    table = bins.gaps_by_year(finished).set_index("trait")
    assert table.loc["income", "2013"] == 1.0 and table.loc["income", "2015"] == 0.0
    assert "mark the year" in table.loc["income", "marks the year"] and "income" in bins.gaps_sentence(finished)
    with pytest.raises(DataError, match="no trait known at issue has a missing value"):
        bins.gaps_by_year(TapeStudy(tape_of(ended(size=600))))


# ---------------------------------------------------------------- time


def test_without_a_second_end_the_interval_is_greenwoods():
    rng = np.random.default_rng(2)
    exits, dead = rng.integers(1, 12, 400), rng.random(400) < 0.4
    table = ages.incidence(exits, np.where(dead, "default", "open").astype(object))
    alive, green, at_risk = 1.0, 0.0, 400
    for row in table.itertuples():
        events = int((dead & (exits == row.months)).sum())
        assert row.at_risk == at_risk == (exits >= row.months).sum()
        alive, green = alive * (1 - events / at_risk), green + events / (at_risk * (at_risk - events))
        at_risk -= int((exits == row.months).sum())
        share = 1 - alive
        assert row.defaulted == pytest.approx(share) and row.repaid == 0
        half = 1.959964 * alive * np.sqrt(green) / abs(share * np.log(share))
        assert (row.low, row.high) == pytest.approx((share ** np.exp(half), share ** np.exp(-half)), rel=1e-6)


def test_with_no_running_loan_the_variance_is_the_binomial_one():
    rng = np.random.default_rng(3)
    exits, kind = rng.integers(1, 9, 3000), rng.choice(["default", "repaid"], 3000, p=[0.3, 0.7]).astype(object)
    row = ages.incidence(exits, kind).iloc[-1]
    share = (kind == "default").mean()
    half = 1.959964 * np.sqrt(share * (1 - share) / 3000) / abs(share * np.log(share))
    assert row["defaulted"] == pytest.approx(share)
    assert (row["low"], row["high"]) == pytest.approx((share ** np.exp(half), share ** np.exp(-half)), rel=1e-6)


def test_both_ends_among_running_loans_are_those_of_a_count_by_hand():
    """The sentence says by the end of a month: 36 months are not those before the 36th, in which many loans end."""
    rng = np.random.default_rng(4)
    exits = np.minimum(rng.integers(1, 60, 2000), 36)
    kind = np.where(exits == 36, "repaid", rng.choice(["default", "repaid", "open"], 2000)).astype(object)
    alive, ended = 1.0, {"default": 0.0, "repaid": 0.0}
    for month in range(1, 37):
        seen = int((exits >= month).sum())
        now = {end: int(((exits == month) & (kind == end)).sum()) for end in ended}
        ended = {end: share + alive * now[end] / seen for end, share in ended.items()}
        alive *= 1 - sum(now.values()) / seen
    table = ages.incidence(exits, kind)
    row = table.iloc[-1]
    assert (row["months"], row["at_risk"]) == (36, seen)
    assert (row["defaulted"], row["repaid"]) == pytest.approx((ended["default"], ended["repaid"]))
    said = ages.curves_sentence(table.assign(issued="all"))
    assert said.startswith("By the end of month 36 since issue") and "as long as they were seen" in said


def test_the_heading_of_the_loans_seen_is_the_number_below_it():
    chapter = resources.files("p2prisk") / "report" / "chapters" / "identification.qmd"
    assert '"at_risk": "alive and seen as the month begins"' in chapter.read_text(encoding="utf-8")


def test_curves_follow_each_year_as_far_as_it_is_seen(dated):
    table = dated.curves
    years = table[table["issued"] != "all"]
    assert (years["at_risk"] >= 50).all() and years["issued"].nunique() >= 3
    last = years.groupby("issued")["months"].max()
    assert last.is_monotonic_decreasing  # the younger the vintage, the shorter it is seen
    assert "which" in ages.curves_sentence(table)


def test_the_hazard_finds_the_trait_that_drives_default(dated):
    table = ages.hazard_effects(dated).set_index("trait")
    assert table.index[0] == "dti" and table.loc["dti", "ci_low"] > 1
    assert table.loc["dti", "compared"] == "10 percentage points more"
    assert table.loc["dti", "odds_ratio"] == pytest.approx(np.exp(10 * 0.05), abs=0.2)
    assert f"{int(dated.hazard.results.nobs):,d} loans were seen for" in ages.hazard_sentence(dated)


# ---------------------------------------------------------------- losses


def test_the_model_of_the_loss_finds_what_drives_it(finished):
    model = finished.loss_model
    row = model.table.iloc[0]
    assert row["trait"] == "dti" and row["effect"] == pytest.approx(0.1, abs=0.01)  # ten points of dti, ten of loss
    assert model.tested["error"] < model.tested["error_of_mean"] and "dti" in model.sentence()
    assert model.loans == len(lost(finished))
    small = TapeStudy(finished.tape.keep(np.arange(len(finished.tape)) % 12 == 0, "fewer"))
    with pytest.raises(DataError, match="needs 300"):
        _ = small.loss_model


def test_expected_loss_adds_up_and_prints_its_assumptions(dated):
    staged = dated.staged
    table = staged.table.set_index("stage")
    frame = dated.known.frame
    runs = frame["status"].isin(["current", "late 31-120"])
    assert table.loc["all", "loans"] == runs.sum() and table.loc["all", "exposure"] == frame.loc[runs, "amount"].sum()
    assert table.loc["2: more than 30 days late", "loans"] == (frame["status"] == "late 31-120").sum()
    assert table["loss"].iloc[:3].sum() == pytest.approx(table.loc["all", "loss"])
    first, second = table.loc["1: up to 30 days late", "pd"], table.loc["2: more than 30 days late", "pd"]
    assert 0 < first < second < 1  # a year ahead, and to the end
    held = staged.assumptions.set_index("assumption")
    assert (
        held.loc["loss given default", "figure"] == "100.0 %"
        and "nothing comes back" in held.loc["loss given default", "from"]
    )
    assert "no provision" in staged.sentence()


def test_where_no_loan_runs_there_is_no_expected_loss(finished):
    frame = finished.tape.frame.assign(closed_date=finished.tape.frame["issue_date"] + pd.DateOffset(months=6))
    with pytest.raises(DataError, match="no loan on the tape is running"):
        _ = TapeStudy(LoanTape(frame, finished.tape.provenance)).staged


# ---------------------------------------------------------------- the declined


def test_the_declined_lie_between_the_bounds(finished):
    frame = ended(size=800, seed=11).drop(columns=["status"]).assign(dti=45.0)
    declined = LoanTape(frame.drop(columns=["home"]))
    study = TapeStudy(finished.tape, Settings(declined=declined))
    made = study.declined
    assert set(made.shared) == {"amount", "dti"} and made.unseen == 1.0  # nobody was granted at 45
    table = made.table
    assert table["all"].is_monotonic_increasing and table["declined"].iloc[1] > study.bad_share()
    share = study.loans() / (study.loans() + 800)
    assert table["all"].iloc[0] == pytest.approx(share * study.bad_share())
    assert table["all"].iloc[-1] == pytest.approx(share * study.bad_share() + 1 - share)
    assert made.gaps == 0 and "missing" not in made.sentence()
    gap = frame.assign(dti=frame["dti"].mask(frame.index < 200), income=frame["income"].mask(frame.index < 240))
    holed = TapeStudy(finished.tape, Settings(declined=LoanTape(gap))).declined
    lacking = gap[holed.shared].isna().any(axis=1).mean()
    assert holed.gaps == lacking >= 0.25 and f"missing in {100 * lacking:.1f} per cent of them" in holed.sentence()
    assert "share 2 traits with the loans (amount, dti)" in made.sentence()
    assert f"these applications and the {study.loans():,d} loans studied" in made.sentence()
    one = TapeStudy(finished.tape, Settings(declined=LoanTape(frame[["loan_id", "dti"]]))).declined
    assert "share 1 trait with the loans (dti)" in one.sentence()
    with pytest.raises(DataError, match="--declined"):
        _ = finished.declined
    with pytest.raises(DataError, match="none of the traits"):
        _ = TapeStudy(finished.tape, Settings(declined=LoanTape(frame[["loan_id"]]))).declined


def test_declined_applications_have_no_outcome_in_their_file(tmp_path):
    """They are read by the mapping of the loans, which names a status, a rate and a day of issue."""
    from argparse import Namespace

    from p2prisk.cli.report import _read_declined

    rules = (
        "amount: {from: sum}, income: {from: wage}, rate: {from: rate}, status: {from: state}, issue_date: {from: day}"
    )
    (tmp_path / "loans.yml").write_text(f"format: t\ncolumns: {{{rules}}}\n", encoding="utf-8")
    (tmp_path / "declined.csv").write_text("sum,wage\n" + "1000,20000\n" * 30, encoding="utf-8")
    names = "query record_date instalments sheet encoding delimiter header_row scheduler".split()
    frame = _read_declined(
        Namespace(
            **dict.fromkeys(names),
            map=str(tmp_path / "loans.yml"),
            declined=str(tmp_path / "declined.csv"),
            on_error="raise",
            tape="loans.csv",
            format="auto",
        )
    ).frame
    assert len(frame) == 30 and {"amount", "income"} <= set(frame) and not {"status", "rate"} & set(frame)


# ---------------------------------------------------------------- large tapes


def test_of_a_large_tape_counts_use_all_loans_and_models_a_draw(finished):
    study = TapeStudy(finished.tape, Settings(loans=1500))
    made, whole = study.results(), finished.bad_by("home")
    assert len(study.sample) == 1500 and "1,500 of the 2,400 loans, drawn at random" in study.note
    assert made["outcome"]["loans"].sum() == study.loans() == 2400 and made["answer"] == finished.answer()
    assert int(study.outcome_model.results.nobs) == 1500 and study.judged.loans < finished.judged.loans
    assert made["by_vintage"]["loans"].sum() == whole["loans"].sum() == 2400
    numbers = study.sample.row_numbers()
    frame = finished.sample.frame.set_index(finished.sample.row_numbers())
    assert (frame.loc[numbers, "dti"].to_numpy() == study.sample.frame["dti"].to_numpy()).all()
    again = TapeStudy(finished.tape, Settings(loans=1500))
    again.draw()
    assert (again.sample.row_numbers() == numbers).all()


def test_what_was_lost_by_the_day_is_every_loss_on_file(dated):
    """A loss in the last month, of which only a part was seen, is one as well, though the hazard does not use it."""
    found = re.search(r"known on (\S+) .*?([\d,]+) charged off by then(?:, ([\d,]+) of these)?", dated.judged.built)
    frame, day = dated.tape.frame, pd.Timestamp(found[1])
    lost = (frame["status"] == "charged off") & (frame["closed_date"] <= day)
    assert int(found[2].replace(",", "")) == lost.sum() > 0
    assert found[3] and 0 < int(found[3].replace(",", "")) < lost.sum()
