"""The tape edition: sections follow what the tape can carry, sentences follow the numbers."""

import re

import numpy as np
import pandas as pd
import pytest

from p2prisk import load
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.policy import Costs, break_even_rate
from p2prisk.report.assemble import assemble
from p2prisk.report.study import TapeStudy
from p2prisk.tape import LoanTape
from p2prisk.validation import auc


@pytest.fixture(scope="module")
def undated():
    return TapeStudy(load("modeldata-lendingclub"))


@pytest.fixture(scope="module")
def dated():
    """Resolved loans of three years in which income alone drives the outcome, and more so in its last year."""
    rng = np.random.default_rng(5)
    n = 3000
    income = np.exp(rng.normal(10.5, 0.5, n))
    risk = -1.6 - 2.5 * (np.log(income) - 10.5) + rng.logistic(size=n)
    seen = -np.log(income) + 10.5 + rng.normal(0, 1.0, n)
    grade = pd.Categorical.from_codes(np.digitize(seen, [-0.5, 0, 0.5]), ["A", "B", "C", "D"], ordered=True)
    frame = pd.DataFrame(
        {
            "loan_id": np.arange(n).astype(str),
            "issue_date": pd.to_datetime("2015-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 3 * 365, n)), "D"),
            "income": income,
            "dti": rng.uniform(0, 35, n),
            "amount": rng.integers(1, 35, n) * 1000.0,
            "grade": grade,
            "severity": pd.Categorical.from_codes(
                np.digitize(risk, [0, 0.8]), ["paid", "paid late", "loss"], ordered=True
            ),
            "bad": risk > 0.8,
            "resolved": True,
        }
    )
    return TapeStudy(LoanTape(frame, {"name": "three years", "rows_read": n, "simulated": True}))


TEMPLATE = """# Title

<!-- needs: by vintage -->
By vintage.
<!-- end -->

<!-- needs: outcome model, traits one by one -->
By outcome.
<!-- end -->
"""


def test_sections_follow_the_tape(tmp_path, undated):
    templates, target = tmp_path / "templates", tmp_path / "project"
    templates.mkdir()
    target.mkdir()
    (templates / "a.qmd").write_text(TEMPLATE)
    (templates / "_quarto.yml").write_text('book:\n  title: "TITLE"\n  subtitle: "SUBTITLE"\n')
    left_out = assemble(undated, target, templates)
    text = (target / "a.qmd").read_text()
    assert "By outcome." in text and "By vintage." not in text and "<!--" not in text
    assert "*Left out (by vintage): the tape has no issue date.*" in text
    assert left_out == {"by vintage": "the tape has no issue date"}
    assert "9,857 rows read" in (target / "_quarto.yml").read_text()


def test_a_template_with_an_unknown_need_is_refused(tmp_path, undated):
    (tmp_path / "a.qmd").write_text(TEMPLATE.replace("by vintage", "horoscope"))
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="horoscope"):
        assemble(undated, tmp_path / "out", tmp_path)


def test_simulated_loans_say_so_on_the_title_page(dated):
    assert dated.subtitle.startswith("SIMULATED")
    assert "simulated" in dated.about().set_index("what").loc["kind", "value"]


def test_out_of_time_is_the_last_year_and_the_sentence_follows_it(dated):
    test = dated.judged
    assert test.tested == "the loans of 2017" and f"{3000 - test.loans:,d} loans of earlier years" in test.built
    assert "hindsight" in test.sentence()  # the tape does not date the ends of its loans
    frame = dated.sample.frame
    assert test.bad == int(frame.loc[frame["issue_date"].dt.year == 2017, "bad"].sum())
    assert f"area under the curve of {test.row['auc']:.3f}" in test.sentence()
    assert test.row["auc"] == pytest.approx(auc(test.observed, test.pd))
    # income drives the outcome and the grade sees it through noise
    assert "better than the platform's own grade" in test.sentence()


def test_the_verdict_on_the_grade_turns_with_the_numbers(dated):
    frame = dated.sample.frame.copy()
    frame["grade"] = pd.Categorical.from_codes(frame["bad"].astype(int), ["A", "B"], ordered=True)
    study = TapeStudy(LoanTape(frame, {"name": "a grade that knows"}))
    assert "worse than the platform's own grade" in study.judged.sentence()


def test_strongest_trait_is_named(dated):
    assert "strongest evidence is income: twice as much goes with odds of a worse class times 0." in dated.strongest()


def test_parallel_lines_and_two_outcomes(dated, undated):
    table = dated.parallel_lines()
    assert table["term"].iloc[-1] == "all together" and set(table["term"][:-1]) == {"income", "dti", "amount"}
    verdict = "may be parallel" if table["pvalue"].iloc[-1] >= 0.05 else "are not parallel"
    assert verdict in table.attrs["sentence"] and f"{table['chi2'].iloc[-1]:,.1f}" in table.attrs["sentence"]
    assert "one cut" in undated.parts["parallel lines"] and not dated.parts["parallel lines"]


def test_shares_by_level_add_up_and_know_their_interval(dated):
    table = dated.bad_by("grade")
    assert list(table["level"]) == ["A", "B", "C", "D"] and table["loans"].sum() == 3000
    assert table["bad"].sum() == dated.sample.frame["bad"].sum()
    assert (table["low"] < table["share"]).all() and (table["share"] < table["high"]).all()
    assert dated.outcome_shares()["loans"].tolist() == dated.sample.frame["severity"].value_counts(sort=False).tolist()


def test_information_finds_the_trait_that_matters(dated):
    table = dated.information()
    assert table["predictor"].iloc[0] == "income"
    assert table.set_index("predictor").loc["dti", "information value"] < 0.1
    assert "grade" not in set(table["predictor"])


def test_counts_stand_for_their_loans():
    counts = load("lendingclub-2007-2011-counts")
    study = TapeStudy(counts)
    assert study.loans() == 42535
    assert study.outcome_shares()["loans"].sum() == 42535
    assert 0.10 < study.bad_share() < 0.20
    made = study.results()  # no section stops at a table that holds classes and no mark of good and bad
    assert not study.parts["score card"] and "Of 42,535 loans, none are." in made["card_words"]
    assert made["scale"]["loans"].sum() == 42535
    codes = counts.frame["severity"].cat.codes
    assert study.card.scored["pd"].to_numpy() @ counts.frame["n"] == pytest.approx(
        counts.frame.loc[codes >= 2, "n"].sum(), rel=0.01
    )


def test_the_whole_edition_renders(tmp_path, monkeypatch, dated):
    loans = tmp_path / "loans.parquet"
    frame = dated.sample.frame.drop(columns=["severity", "bad", "resolved"])
    frame["status"] = np.where(dated.sample.frame["bad"], "charged off", "fully paid")
    frame.astype({"grade": str}).to_parquet(loans)
    mapping = tmp_path / "map.yml"
    assert main(["map", str(loans), "--output", str(mapping)]) == 0
    monkeypatch.setenv("RENDERER", "preview")
    code = main(
        [
            "report",
            str(loans),
            "--map",
            str(mapping),
            "--record-date",
            "2021-01-01",
            "--to",
            "html",
            "--output",
            str(tmp_path / "out"),
            "--anyway",
        ]
    )
    assert code == 0
    pages = {path.name: path.read_text() for path in (tmp_path / "out").glob("*.html")}
    assert {
        f"{name}.html"
        for name in ("index", "quality", "identification", "model", "verification", "assessment", "control")
    } <= set(pages)
    assert "Lending Club" not in re.sub(r"<[^>]+>", "", "".join(pages.values()))


def test_prices_break_even_where_losses_are_paid_for(dated):
    frame = dated.sample.frame.assign(term=36, rate=dated.sample.frame["grade"].cat.codes * 4.0 + 2)
    study = TapeStudy(LoanTape(frame, {"name": "priced"}))
    table = study.prices()
    assert table["loans"].sum() == 3000 and np.allclose(table["rate"], [0.02, 0.06, 0.10, 0.14])
    assert table["break_even"].is_monotonic_increasing  # worse grades lose more here
    short = table[table["rate"] < table["break_even"]]["grade"].tolist()
    assert short and all(grade in study.prices_sentence() for grade in short)
    cheap = TapeStudy(LoanTape(frame.assign(rate=90.0), {"name": "dear"}))
    assert "Every grade paid at least" in cheap.prices_sentence()


def test_prices_are_those_of_the_commonest_term_alone(dated):
    generator = np.random.default_rng(1)
    term = generator.choice([36, 60], len(dated.sample.frame), p=[0.7, 0.3])
    frame = dated.sample.frame.assign(term=term, rate=np.where(term == 36, 10.0, 40.0))
    table = TapeStudy(LoanTape(frame, {"name": "two terms"})).prices()
    alone = frame[frame["term"] == 36]
    assert table.attrs["term"] == 36 and table["loans"].sum() == len(alone)
    assert np.allclose(table["rate"], 0.10)
    by_grade = alone.groupby("grade", observed=True)["bad"].mean()
    assert np.allclose(table["bad"], by_grade)
    assert np.allclose(table["break_even"], break_even_rate(by_grade, 36))
    unpriced = frame.assign(rate=frame["rate"].where(np.arange(len(frame)) % 2 == 0))
    table = TapeStudy(LoanTape(unpriced, {"name": "half priced"})).prices()
    assert np.allclose(table["rate"], 0.10) and table["loans"].sum() == unpriced.query("term == 36")["rate"].count()


@pytest.mark.parametrize(
    "rates, words",
    [
        ([0.1, 0.2, 0.3], "Every grade paid at least its break-even rate."),
        ([0.1, 0.2, 0.29], "Grade C paid less than the rate that makes up for its losses."),
        ([0.09, 0.2, 0.29], "Grades A, C paid less than the rate that makes up for their losses."),
        ([0.09, 0.19, 0.29], "No grade paid the rate that makes up for its losses."),
    ],
)
def test_the_sentence_on_prices_follows_them(dated, monkeypatch, rates, words):
    table = pd.DataFrame({"grade": list("ABC"), "rate": rates, "break_even": [0.1, 0.2, 0.3]})
    table.attrs.update(term=36, recovery=0.25, no_recovery="", costs=Costs(funding=0.05, servicing=0.02))
    study = TapeStudy(LoanTape(dated.sample.frame, {"name": "priced"}))
    monkeypatch.setattr(study, "prices", lambda: table)
    assert study.prices_sentence() == (
        "On loans of 36 months, 25 per cent of what was owed came back after default, by the tape; money costs 5 per "
        "cent a year, and 2 per cent of each payment goes to servicing. A default is taken to be as likely in each "
        f"month of the term, no loan to be repaid early, and what comes back comes 12 months later. {words}"
    )
    table.attrs["no_recovery"] = "the tape is silent on it"
    assert "nothing is taken to come back after default: the tape is silent on it" in study.prices_sentence()


def test_a_grade_that_no_rate_pays_for_is_short_of_its_rate(dated, monkeypatch):
    table = pd.DataFrame({"grade": ["A", "B"], "rate": [0.2, 0.9], "break_even": [0.1, np.nan]})
    table.attrs.update(term=36, recovery=0.0, no_recovery="the tape is silent on it", costs=Costs())
    study = TapeStudy(LoanTape(dated.sample.frame, {"name": "lost"}))
    monkeypatch.setattr(study, "prices", lambda: table)
    assert study.prices_sentence().endswith("Grade B paid less than the rate that makes up for its losses.")


def test_frontier_ends_at_the_share_of_all(dated):
    table = dated.judged.frontier()
    test = dated.judged
    assert table["rate"].iloc[-1] == pytest.approx(test.bad / test.loans)
    assert table["rate"].iloc[0] < table["rate"].iloc[-1]
    assert test.tested in test.frontier_sentence()


def test_concentration_by_amount(dated):
    table = dated.concentration()
    frame = dated.sample.frame
    share = frame.groupby("grade", observed=True)["amount"].sum().max() / frame["amount"].sum()
    assert table.set_index("column").loc["grade", "share"] == pytest.approx(share)


def test_vintages_keep_every_loan_also_those_without_a_date(dated):
    frame = dated.sample.frame.copy()
    frame.loc[frame.index[:40], "issue_date"] = pd.NaT
    table = TapeStudy(LoanTape(frame, {"name": "gaps"})).vintages()
    assert table["loans"].sum() == 3000 and table["bad"].sum() == frame["bad"].sum()
    assert table["level"].iloc[0] == "2015Q1" and table.set_index("level").loc["no date", "loans"] == 40
