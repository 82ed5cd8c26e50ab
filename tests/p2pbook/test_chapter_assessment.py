"""Numbers of the chapter on the score card, recomputed by other ways."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from p2pbook.chapters import assessment
from p2pbook.lendingclub import CLASSES, class_losses, lending_club_model, raw_bands
from p2prisk import OrderedLogit, Scorecard
from p2prisk.scorecard import build_master_scale
from p2prisk.validation import auc


@pytest.fixture(scope="module")
def n():
    return assessment.compute()


def test_the_card_that_a_reader_types_is_the_card_of_the_numbers(n):
    fit = OrderedLogit.from_formula("severity ~ " + " + ".join(CLASSES), n.train, freq_weights="n").fit()
    card = Scorecard.from_result(fit, default_from="loss after half", losses=class_losses(), bands=raw_bands())
    scale = build_master_scale(card.score(n.train)["pd"], n.train["bad"], n.train["n"], grades=7)
    ours = card.with_scale(scale).score(n.test)
    theirs = n.card.score(n.test)
    assert np.allclose(ours["pd"], theirs["pd"], atol=1e-9) and (ours["grade"] == theirs["grade"]).all()


def test_points_and_their_ends(n):
    known = n.card.attributes[n.card.attributes["estimated"]]
    best, worst = (known.groupby("characteristic")["points"].agg(name) for name in ("max", "min"))
    assert (n.safest, n.riskiest) == (best.sum(), worst.sum()) and n.questions == len(best)
    slopes = lending_club_model()[0].params.filter(like="inquiries_band")
    assert n.inquiries_odds == pytest.approx(np.exp(slopes.max() - min(slopes.min(), 0)))  # not from rounded points
    # "inquiries and purpose cost most points, debt service hardly any"
    lost = (best - worst).sort_values()
    assert lost.index[0] == "dti_band" and set(lost.index[-2:]) == {"inquiries_band", "purpose_group"}


def test_the_score_ranks_as_the_model_does(n):
    fit, _ = lending_club_model()
    for part, area in ((n.train, n.auc_train), (n.test, n.auc_test)):
        eta = fit.predict(part, which="linear").to_numpy()
        assert area == pytest.approx(auc(part["bad"], eta, part["n"]), abs=1e-10)
        loans = {id(n.train): n.loans_train, id(n.test): n.loans_test}[id(part)]
        assert loans == part["n"].sum()


def test_grades_of_2011_are_counted_again(n):
    scored = n.card.score(n.test)
    loans = n.test["n"].groupby(scored["grade"].astype(str)).sum()
    bad = (n.test["n"] * n.test["bad"]).groupby(scored["grade"].astype(str)).sum()
    table = n.later.set_index("Grade")
    assert table["Loans"].to_dict() == loans.to_dict()
    assert table["Rate"].to_dict() == pytest.approx((100 * bad / loans).to_dict())
    assert table["Rate"].is_monotonic_increasing  # the order of all grades held
    assert n.step_test == pytest.approx(table["Rate"].diff().min())
    assert n.safest_rate < n.safest_pd  # too careful, says the text
    low = [grade for grade, row in table.iterrows() if row["p"] < 0.05]
    assert n.proved_too_low == f"the probabilities of grades {', '.join(low)} proved too low"


def test_the_expected_loss_of_a_grade_weighs_classes_with_their_losses(n):
    fit, _ = lending_club_model()
    loss = np.asarray(fit.predict(n.train)) @ np.asarray(class_losses())
    grades = n.card.score(n.train)["grade"].astype(str)
    for grade, row in n.later.set_index("Grade").iterrows():
        mine = (grades == grade).to_numpy()
        assert row["Loss"] == pytest.approx(100 * np.average(loss[mine], weights=n.train["n"][mine]))


def test_mean_by_grade_leaves_an_empty_grade_missing():
    grades = pd.Series(pd.Categorical(["1", "1", "3"], ["1", "2", "3"], ordered=True))
    mean = assessment.mean_by_grade(pd.Series([1.0, 4.0, 5.0]), grades, [2, 1, 7])
    assert mean["1"] == 2.0 and np.isnan(mean["2"]) and mean["3"] == 5.0


def test_the_slope_is_that_of_a_logistic_regression_on_the_log_odds(n):
    p = n.card.score(n.test)["pd"].to_numpy()
    x = np.log(p / (1 - p))
    a, b = 0.0, 1.0
    for _ in range(30):  # Newton by hand
        fitted = expit(a + b * x)
        w = n.test["n"].to_numpy() * fitted * (1 - fitted)
        r = n.test["n"].to_numpy() * (n.test["bad"].to_numpy() - fitted)
        step = np.linalg.solve([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum()]], [r.sum(), (r * x).sum()])
        a, b = a + step[0], b + step[1]
    assert n.slope == pytest.approx(b, abs=1e-6)
    assert float(n.slope.low) > 1


def test_the_shift_of_a_year_meets_what_happened(n):
    for year, odds in n.odds.items():
        part = pd.concat([n.train, n.test])
        part = part[part["issue_year"] == year]
        p = n.card.score(part)["pd"]
        shifted = expit(np.log(p / (1 - p)) + np.log(float(odds)))
        assert np.average(shifted, weights=part["n"]) == pytest.approx(np.average(part["bad"], weights=part["n"]))


@pytest.mark.parametrize(
    "grades, proved, found",
    [
        ([], "the probability of no grade proved too low", "in no grade"),
        (["4"], "the probability of grade 4 proved too low", "in grade 4"),
        (["4", "5"], "the probabilities of grades 4, 5 proved too low", "in grades 4, 5"),
        (["1", "2", "3"], "the probabilities of all grades proved too low", "in all grades"),
    ],
)
def test_sentences_on_levels_count(grades, proved, found):
    assert assessment.proved_sentence(grades, 3) == proved and assessment.found_sentence(grades, 3) == found


@pytest.mark.parametrize(
    "pvalues, words",
    [
        ([0.5, 0.6], "In all 2 grades the halves do not differ beyond chance"),
        (
            [0.5, 0.01],
            "In 1 of 2 grades the halves do not differ beyond chance. In grade 2 they do: 20.0 % against 30.0 %",
        ),
        (
            [0.5, 0.01, 0.001],
            "In 1 of 3 grades the halves do not differ beyond chance. In grades 2 and 3 they do, in grade 3 most: "
            "30.0 % against 40.0 %",
        ),
        ([0.001, 0.01], "In all 2 grades the halves differ beyond chance, in grade 1 most: 10.0 % against 20.0 %"),
    ],
)
def test_the_sentence_on_halves_counts(pvalues, words):
    grades = np.arange(1, len(pvalues) + 1)
    inside = pd.DataFrame(
        {"grade": grades.astype(str), "lowest": grades / 10, "highest": (grades + 1) / 10, "pvalue_holm": pvalues}
    )
    assert assessment.homogeneous_sentence(inside) == words


def test_the_sentence_on_the_worst_level():
    by_grade = pd.DataFrame({"pd": [0.1, 0.2], "observed": [0.1, 0.25]}, index=["1", "2"])
    assert assessment.too_bold_sentence(by_grade, []) == "In no grade is it not careful enough"
    assert assessment.too_bold_sentence(by_grade, ["1", "2"]).startswith(
        "In grade 2 it says 20.0 % and 25.0 % defaulted"
    )
