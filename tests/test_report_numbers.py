"""The headline numbers of a report, computed again by pandas, scipy, statsmodels and scikit-learn alone.

One small made-up tape: what is printed is taken out of the sentences and tables, and computed from the raw columns by
nothing of the package. The same was done by hand for whole reports on public files (CHANGELOG).
"""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import roc_auc_score

from made_tapes import book, ended, tape_of
from p2prisk.report import TapeStudy
from p2prisk.report.bins import _limit, bin_table
from p2prisk.report.checklist import checklist
from p2prisk.report.figures import bad_by_period, bad_shares
from p2prisk.report.traits import effects, strongest

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
Z = 1.959963984540054


def loans():
    """Ended loans with a grade, a rate and what came back."""
    rng = np.random.default_rng(12)
    frame = ended(size=1200)
    worse = frame["dti"] + rng.normal(0, 9, len(frame))
    bad = frame["status"] == "charged off"
    share = rng.uniform(0.1, 0.9, len(frame)).round(2)
    return frame.assign(
        grade=np.array(list("ABCD"))[np.digitize(worse, [10, 20, 30])],
        rate=(6 + worse.clip(0, 40) / 4).round(2),
        purpose=rng.choice(["car", "house", "other"], len(frame), p=[0.5, 0.3, 0.2]),
        principal_paid=np.where(bad, share * frame["amount"], frame["amount"]),
        recoveries=np.where(bad, 0.2 * (1 - share) * frame["amount"], 0.0),
    )


@pytest.fixture(scope="module")
def raw():
    frame = loans()
    return frame.assign(bad=frame["status"] == "charged off", year=frame["issue_date"].dt.year)


@pytest.fixture(scope="module")
def study():
    return TapeStudy(tape_of(loans()))


def said(pattern, text):
    """Numbers of a sentence, where `#` stands for one."""
    found = re.search(re.escape(pattern).replace(r"\#", f"({NUMBER})"), text.replace("\u2212", "-"))
    assert found, (pattern, text)
    return [float(part.replace(",", "")) for part in found.groups()]


def jeffreys(bad, loans):
    return stats.beta.ppf([0.025, 0.975], bad + 0.5, loans - bad + 0.5)


def design(frame, like):
    """Predictors as the record says: money as the logarithm of one more, held inside the quantiles of `like`."""
    columns = {}
    for name in ("amount", "income", "dti"):
        held = frame[name].clip(*like[name].quantile([0.005, 0.995]))
        columns[name] = held if name == "dti" else np.log1p(held)
    for name in ("home", "purpose"):
        for level in sorted(frame[name].unique())[1:]:
            columns[f"{name}: {level}"] = (frame[name] == level).astype(float)
    return sm.add_constant(pd.DataFrame(columns))


def delong(bad, *scores):
    """Areas and their covariance by placement values, pair by pair."""
    areas, good_of, bad_of = [], [], []
    for score in scores:
        more = np.subtract.outer(np.asarray(score)[bad], np.asarray(score)[~bad])
        wins = (more > 0) + 0.5 * (more == 0)
        areas.append(wins.mean())
        bad_of.append(wins.mean(axis=1))
        good_of.append(wins.mean(axis=0))
    spread = np.atleast_2d(np.cov(bad_of)) / bad.sum() + np.atleast_2d(np.cov(good_of)) / (~bad).sum()
    return np.array(areas), spread


@pytest.fixture(scope="module")
def tested(raw):
    """The loans of the last year, and their chance of loss by a logit on the earlier ones."""
    last = (raw["year"] == raw["year"].max()).to_numpy()
    fit = sm.Logit(raw["bad"][~last].astype(float), design(raw[~last], raw[~last])).fit(disp=0, tol=1e-12)
    return raw[last], fit.predict(design(raw[last], raw[~last])).to_numpy(), raw[~last], fit


def test_the_answer_counts_what_pandas_counts(raw, study):
    of, share, low, high = said("Of # loans, # per cent (# to #)", study.answer())
    bad, size = raw["bad"].sum(), len(raw)
    assert of == size and share == pytest.approx(100 * bad / size, abs=0.051)
    assert [low, high] == pytest.approx(100 * jeffreys(bad, size), abs=0.051)
    table = study.outcome_shares()
    assert table["loans"].tolist() == [size - bad, bad]


def test_odds_ratios_are_those_of_a_logit(raw, study):
    fit = sm.Logit(raw["bad"].astype(float), design(raw, raw)).fit(disp=0, tol=1e-12)
    table = effects(study.outcome_model)
    assert len(table) == len(fit.params) - 1
    for row in table.itertuples():
        slope, error = row.step * fit.params[row.column], row.step * fit.bse[row.column]
        wanted = np.exp([slope, slope - Z * error, slope + Z * error])
        assert [row.odds_ratio, row.ci_low, row.ci_high] == pytest.approx(wanted, rel=1e-6)
        assert row.pvalue == pytest.approx(fit.pvalues[row.column], rel=1e-5, abs=1e-12)
    traits = {
        name: fit.wald_test(
            np.eye(len(fit.params))[[column.split(":")[0] == name for column in fit.params.index]], scalar=True
        ).pvalue
        for name in ("amount", "income", "dti", "home", "purpose")
    }
    best = min(traits, key=traits.get)
    ratio, low, high = said("bad loan times # (# to #)", strongest(study.outcome_model, study.judged))
    assert f"evidence is {best}: " in strongest(study.outcome_model, study.judged)
    row = table[table["trait"] == best].iloc[0]
    assert [ratio, low, high] == pytest.approx([row.odds_ratio, row.ci_low, row.ci_high], abs=0.0051)
    coefficients, nobs, r2 = said("has # coefficients on # loans", study.fit_sentence(study.outcome_model)) + said(
        "R² is #", study.fit_sentence(study.outcome_model)
    )
    assert (coefficients, nobs) == (len(fit.params) - 1, len(raw)) and r2 == pytest.approx(fit.prsquared, abs=0.0006)


def test_the_test_out_of_time_is_scikit_learns(study, tested):
    after, chance, before, _ = tested
    text = study.judged.sentence()
    bad = after["bad"].to_numpy()
    areas, spread = delong(bad, chance, after["grade"].map("ABCD".index))
    assert said("Built on # loans of earlier years, and tested on #", text) == [len(before), len(after)]
    assert said("of which # were", text) == [bad.sum()]
    area, low, high = said("area under the curve of # (# to #)", text)
    half = Z * np.sqrt(np.diag(spread))
    assert roc_auc_score(bad, chance) == pytest.approx(areas[0])
    assert [area, low, high] == pytest.approx(areas[0] + half[0] * np.array([0, -1, 1]), abs=0.00051)
    grade, gap, low, high = said("platform's own grade, at # (difference #, interval # to #)", text)
    error = np.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    assert grade == pytest.approx(areas[1], abs=0.00051)
    assert [gap, low, high] == pytest.approx(areas[0] - areas[1] + Z * error * np.array([0, -1, 1]), abs=0.00051)
    predicted, observed = said("predicted that # per cent", text) + said("; # per cent were", text)
    assert [predicted, observed] == pytest.approx([100 * chance.mean(), 100 * bad.mean()], abs=0.051)
    low, high = jeffreys(bad.sum(), len(bad))
    assert said("interval of that share (# to #)", text) == pytest.approx([100 * low, 100 * high], abs=0.051)
    assert ("lies inside" in text) == (low <= chance.mean() <= high)


def test_the_checklist_measures_what_others_measure(study, tested):
    after, chance, before, fit = tested
    values = checklist(study).set_index("measure")["value"]
    bad = after["bad"].to_numpy()
    own = fit.predict(design(before, before))
    slope = sm.Logit(bad.astype(float), sm.add_constant(np.log(chance / (1 - chance)))).fit(disp=0).params[1]
    wanted = {
        "predicted over observed": chance.mean() / bad.mean(),
        "calibration slope": slope,
        "area on the loans of the fit less area tested": roc_auc_score(before["bad"], own) - roc_auc_score(bad, chance),
    }
    for name, value in wanted.items():
        assert float(values[name].replace("−", "-")) == pytest.approx(value, abs=0.0051), name


def test_classes_count_what_pandas_counts_between_the_printed_limits(raw, study, tested):
    after, _, before, _ = tested
    table = bin_table(study)
    assert set(table["trait"]) == {"amount", "income", "dti", "home", "purpose"}
    for row in table.itertuples(index=False):
        label, trait = row[1], row[0]
        for side, loans_, share, woe in ((before, *row[2:5]), (after, *row[5:8])):
            values = side[trait]
            limits = [float(part.replace(",", "")) for part in re.findall(NUMBER, label)]
            if label.startswith("up to"):
                mine = values <= limits[0]
            elif label.startswith("over") and " to " in label:
                mine = (values > limits[0]) & (values <= limits[1])
            elif label.startswith("over"):
                mine = values > limits[0]
            else:
                mine = values == label
            bad, good = side["bad"], ~side["bad"]
            assert loans_ == mine.sum(), (trait, label)
            assert share == pytest.approx(bad[mine].mean())
            if bad[mine].any() and good[mine].any():
                parts = (good & mine).sum() / good.sum(), (bad & mine).sum() / bad.sum()
                assert woe == pytest.approx(np.log(parts[0] / parts[1]))


def test_a_printed_limit_keeps_every_loan_on_its_side():
    assert _limit(49_999.98, np.array([49_999.98, 50_000.0])) == "49,999.98"


def test_vintages_and_grades_are_pandas_shares_also_in_the_data_of_their_pictures(raw, study):
    from p2prisk.figures.fingerprint import drawn

    quarter = raw["issue_date"].dt.to_period("Q").astype(str)
    for table, by, picture, names, place in (
        (study.vintages(), quarter, bad_by_period, "x_name", "y"),
        (study.bad_by("grade"), raw["grade"], lambda table: bad_shares(table, "grade"), "y_name", "x"),
    ):
        counts = raw["bad"].groupby(by.to_numpy()).agg(["sum", "count"])
        assert table["level"].tolist() == counts.index.tolist()
        assert table["bad"].tolist() == counts["sum"].tolist() and table["loans"].tolist() == counts["count"].tolist()
        limits = np.array([jeffreys(*row) for row in counts.to_numpy()])
        np.testing.assert_allclose(table[["low", "high"]].to_numpy(dtype=float), limits, rtol=1e-9)
        shown = drawn(picture(table).figure)
        shown = shown[(shown["series"].astype(str) == "1")]
        assert [name.split(" ")[0] for name in shown[names]] == counts.index.tolist()
        np.testing.assert_allclose(shown[place], counts["sum"] / counts["count"])


def test_levels_that_are_numbers_keep_their_names_in_the_data_of_a_picture():
    """Grade 7 stands at place 6: the data must say 7."""
    from p2prisk.figures.fingerprint import drawn

    rated = loans().assign(grade=lambda f: f["grade"].map(dict(zip("ABCD", "4321", strict=True))))
    study = TapeStudy(tape_of(rated, columns={"grade": {"from": "grade", "order": ["4", "3", "2", "1"]}}))
    shown = drawn(bad_shares(study.bad_by("grade"), "grade").figure)
    assert [name.split(" ")[0] for name in shown[shown["series"] == "1"]["y_name"]] == ["4", "3", "2", "1"]


def test_losses_prices_and_cutoff_are_pandas(raw, study, tested):
    lost = raw[raw["bad"]]
    owed = lost["amount"] - lost["principal_paid"]
    share = (owed - lost["recoveries"]) / owed
    half = Z * share.std() / np.sqrt(len(lost))
    text = study.given_default_sentence()
    assert said("At default # per cent", text) == pytest.approx([100 * (owed / lost["amount"]).mean()], abs=0.51)
    assert said("the mean of # bad loans", text) == [len(lost)]
    mean, low, high, money = said("# per cent was lost (# to #), by money #", text)
    wanted = 100 * np.array([share.mean(), share.mean() - half, share.mean() + half, (share * owed).sum() / owed.sum()])
    assert [mean, low, high, money] == pytest.approx(wanted, abs=0.051)
    prices = study.prices().set_index("grade")
    term = raw[raw["term"] == raw["term"].mode()[0]]
    by_grade = term.groupby("grade")
    np.testing.assert_allclose(prices["rate"], by_grade["rate"].mean() / 100)
    np.testing.assert_allclose(prices["bad"], by_grade["bad"].mean())
    assert prices["loans"].tolist() == by_grade.size().tolist()
    after, chance, _, _ = tested
    accepted, rate, *_, everyone = said(
        "the safest # per cent by the model would have had # per cent", study.judged.frontier_sentence()
    ) + said("against # for all", study.judged.frontier_sentence())
    safest = np.argsort(chance, kind="stable")[: int(round(len(chance) * accepted / 100))]
    assert rate == pytest.approx(100 * after["bad"].to_numpy()[safest].mean(), abs=0.5)
    assert everyone == pytest.approx(100 * after["bad"].mean(), abs=0.051)


def test_concentration_is_the_share_of_the_money(raw, study):
    for row in study.concentration().itertuples():
        money = raw.groupby(row.column)["amount"].sum() / raw["amount"].sum()
        assert row.value == money.idxmax() and row.share == pytest.approx(money.max())
        assert row.effective == pytest.approx(1 / (money**2).sum())


def test_the_largest_departure_of_the_checklist_is_that_of_the_sentence():
    """The age of a loan is no trait: its departure, which nobody can act on, is in neither."""
    study = TapeStudy(tape_of(book(size=3000)))
    table = study.parallel_lines()
    listed = checklist(study).set_index("measure")["value"]["largest departure, as a ratio of odds ratios"]
    first = float(re.search(rf"is ({NUMBER}) times its precision-weighted mean", table.attrs["sentence"])[1])
    assert max(first, 1 / first) == pytest.approx(float(listed), abs=0.0051 * max(1, 1 / first**2))
