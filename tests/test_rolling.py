"""Decisions on a day, judged by what came."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2pbook.lendingclub import TRAITS
from p2prisk.errors import DataError, ModelError
from p2prisk.hazard import HazardLogit, spells
from p2prisk.standard_hazard import fit_standard_hazard
from p2prisk.tape import LoanTape, end_dates, read_tape
from p2prisk.validation import MonthBootstrap, auc, rolling_origin

LENDING_CLUB = Path(__file__).resolve().parents[2] / "shared" / "data" / "lendingclub_2007_2011.csv.gz"


def made_up(n=6000, seed=0):
    """Four years of loans of 12 and 24 months; dti and home drive default, the grade knows half of it."""
    rng = np.random.default_rng(seed)
    issue = pd.Timestamp("2008-01-01") + pd.to_timedelta(rng.integers(0, 48, n) * 30.4375, unit="D")
    term = rng.choice([12, 24], n)
    dti, rents = rng.normal(15, 5, n), rng.random(n) < 0.4
    hazard = 1 / (1 + np.exp(4.6 - 0.12 * (dti - 15) - 0.6 * rents))
    month = rng.geometric(hazard)
    bad = month <= term
    repaid = np.minimum(rng.geometric(0.02, n), term)
    bad &= month <= repaid
    last = issue.to_series().reset_index(drop=True).dt.to_period("M") + np.where(bad, month, repaid)
    frame = pd.DataFrame(
        {
            "issue_date": issue,
            "amount": rng.lognormal(9, 0.5, n),
            "term": term,
            "dti": dti,
            "home": pd.Categorical(np.where(rents, "rent", "own")),
            "sub_grade": pd.Categorical(np.clip((dti - 15) / 2 + rng.normal(0, 3, n), -4, 4).round(), ordered=True),
            "status": pd.Categorical(np.where(bad, "charged off", "paid")),
            "last_payment_date": last.dt.to_timestamp(),
            "recoveries": bad * 100.0,
            "bad": bad,
            "resolved": True,
            "mature": True,
        }
    )
    return LoanTape(frame, {"record_date": "2015-12-31"})


TAPE = made_up()
DATES = ["2009-12-31", "2010-12-31"]


def hazard(known):
    return fit_standard_hazard(known, baseline="np.log(age)").score


def test_each_date_is_fitted_on_what_was_known_and_judged_on_what_came():
    seen = []

    def fit(known):
        seen.append(known)

        def score(frame):
            seen.append(frame)
            return frame["dti"]

        return score

    found = rolling_origin(TAPE, DATES, fit, by="term", against="sub_grade")
    for day, known, frame in zip(DATES, seen[::2], seen[1::2], strict=True):
        pd.testing.assert_frame_equal(known.frame, TAPE.as_of(day).frame)
        assert not {"bad", "status", "recoveries", "last_payment_date", "resolved", "mature"} & set(frame)
        year = TAPE.frame[
            (TAPE.frame["issue_date"] > day) & (TAPE.frame["issue_date"].dt.year == frame["issue_date"].dt.year.iloc[0])
        ]
        assert len(frame) == len(year) and frame.index.equals(year.index)
        row = found.table.set_index(["date", "group"]).loc[(day, "all")]
        assert row["auc"] == pytest.approx(auc(year["bad"], year["dti"]))
        assert row["auc_against"] == pytest.approx(auc(year["bad"], year["sub_grade"].cat.codes))
        assert row["known_events"] == (TAPE.as_of(day).frame["status"] == "charged off").sum()
    assert found.table["group"].tolist() == ["all", "12", "24"] * 3
    mean = found.table[found.table["date"] == "mean"].set_index("group")
    first = found.table[found.table["date"] != "mean"].groupby("group")
    assert mean["difference"].to_dict() == pytest.approx(first["difference"].mean().to_dict())
    assert found.table["predicted"].isna().all() and len(found.scores) == found.table["loans"].iloc[[0, 3]].sum()


def test_the_hazard_predicts_what_comes():
    found = rolling_origin(TAPE, DATES, hazard, by="term", against="sub_grade")
    row = found.table.set_index(["date", "group"]).loc[("mean", "all")]
    assert row["difference"] > 0.02 and abs(row["predicted"] - row["observed"]) < 0.02
    scores = found.scores[found.scores["date"] == DATES[0]]
    assert auc(scores["event"], scores["score"]) == pytest.approx(found.table["auc"].iloc[0])


def test_the_bootstrap_refits_on_months_and_repeats():
    seen, told = [], []

    def fit(known):
        seen.append(known.frame["issue_date"].value_counts())
        return hazard(known)

    options, months = dict(by="term", against="sub_grade"), MonthBootstrap(12, seed=3)
    watched = replace(months, progress=lambda done, total: told.append((done, total)))
    found = rolling_origin(TAPE, DATES[:1], fit, bootstrap=watched, **options)
    assert len(seen) == 13 and told[-1] == (12, 12)
    counts = TAPE.frame["issue_date"].value_counts()
    for drawn in seen[1:]:
        times = drawn / counts[drawn.index]
        # a month comes whole, as often as it was drawn
        assert (times == times.round()).all() and times.max() > 1 and len(drawn) < 24
    again = rolling_origin(TAPE, DATES[:1], hazard, bootstrap=months, **options)
    pd.testing.assert_frame_equal(found.table, again.table)
    other = rolling_origin(TAPE, DATES[:1], hazard, bootstrap=replace(months, seed=4), **options)
    assert (found.draws["auc"] != other.draws["auc"]).any()
    low, value, high = (found.table[name].iloc[0] for name in ("difference_low", "difference", "difference_high"))
    spread = found.draws[found.draws["group"] == "all"]["difference"].std(ddof=1)
    assert high - low == pytest.approx(2 * 1.959963984540054 * spread) and low < value < high
    quantiles = replace(months, interval="percentile")
    share = rolling_origin(TAPE, DATES[:1], hazard, bootstrap=quantiles, **options).table.iloc[0]
    drawn = found.draws[found.draws["group"] == "all"]["auc"]
    assert (share["auc_low"], share["auc_high"]) == pytest.approx(tuple(drawn.quantile([0.025, 0.975])))


def test_loans_without_a_final_outcome_are_counted():
    frame = TAPE.frame.copy()
    running = (frame["term"] == 24) & (frame["issue_date"] >= "2010-06-01")
    frame["mature"] = ~running
    found = rolling_origin(LoanTape(frame, TAPE.provenance), DATES[:1], lambda known: lambda f: f["dti"], by="term")
    table = found.table.set_index("group")
    unjudged = int((running & (frame["issue_date"] < "2011-01-01")).sum())
    assert table.loc["all", "unjudged"] == unjudged == table.loc["24", "unjudged"] and table.loc["12", "unjudged"] == 0


def test_refusals_say_what_is_wrong():
    plain = lambda known: lambda frame: frame["dti"]  # noqa: E731
    with pytest.raises(DataError, match="needs the columns shape"):
        rolling_origin(TAPE, DATES, plain, by="shape")
    with pytest.raises(DataError, match="no loan had been issued"):
        rolling_origin(TAPE, ["2005-12-31"], plain)
    with pytest.raises(DataError, match="0 loans were issued in the 12 months after"):
        rolling_origin(TAPE, ["2013-12-31"], plain)
    with pytest.raises(DataError, match="gives no score for"):
        rolling_origin(TAPE, DATES, lambda known: lambda frame: np.where(frame["dti"] > 15, frame["dti"], np.nan))
    with pytest.raises(DataError, match="scores of shape"):
        rolling_origin(TAPE, DATES, lambda known: lambda frame: [1.0])
    with pytest.raises(DataError, match="without an order"):
        rolling_origin(TAPE, DATES, plain, against="home")
    with pytest.raises(DataError, match="each once"):
        rolling_origin(TAPE, [*DATES, *DATES], plain)

    with pytest.raises(DataError, match="window is a number of whole months"):
        rolling_origin(TAPE, DATES, plain, window=0)
    wrong = {"interval 'wide' is unknown": {"interval": "wide"}, "confidence": {"confidence": 95}}
    for message, settings in (wrong | {"at least one": {"block": 0}}).items():
        with pytest.raises(DataError, match=message):
            MonthBootstrap(10, **settings)

    def fails(known):
        if len(known.frame) != len(TAPE.as_of(DATES[0]).frame):
            raise ModelError("this one cannot be fitted")
        return plain(known)

    with pytest.raises(DataError, match="10 of 10 resamples failed; the first said: this one cannot"):
        rolling_origin(TAPE, DATES[:1], fails, bootstrap=MonthBootstrap(10))


def test_standard_hazard_names_what_it_leaves_out():
    frame = TAPE.frame.assign(home=np.where(TAPE.frame.index % 9 == 0, "mortgage", TAPE.frame["home"].astype(str)))
    frame["home"] = pd.Categorical(frame["home"])
    frame.loc[(frame["home"] == "mortgage") & frame["bad"], "home"] = "rent"
    model = fit_standard_hazard(LoanTape(frame, TAPE.provenance), ["dti", "home"])
    assert list(model.left_out) == ["home: rent"] or list(model.left_out) == ["home: own"]
    assert "no loan ends by 'default'" in next(iter(model.left_out.values()))
    scored = model.score(frame.head(), interval=0.95)
    assert ((scored["lower"] < scored["estimate"]) & (scored["estimate"] < scored["upper"])).all()
    pd.testing.assert_series_equal(model.score(frame.head()), scored["estimate"].rename("default"))
    younger = model.score(frame.head(), horizon=6, given=6)
    assert (younger < model.score(frame.head(), horizon=12)).all()
    with pytest.raises(DataError, match="not admissible"):
        fit_standard_hazard(TAPE, ["sub_grade"])
    with pytest.raises(DataError, match="which the tape does not have"):
        model.score(frame.drop(columns="home"))


@pytest.mark.skipif(not LENDING_CLUB.exists(), reason="needs ../shared/data/lendingclub_2007_2011.csv.gz")
def test_the_honest_mark_of_the_end_of_2010():
    tape = read_tape(LENDING_CLUB, format="lendingclub")
    found = rolling_origin(
        tape, ["2010-12-31"], lambda known: fit_standard_hazard(known, TRAITS).score, by="term", against="sub_grade"
    ).table.set_index("group")
    assert found["loans"].to_dict() == {"all": 21721, "36": 14101, "60": 7620} and (found["known_events"] == 956).all()
    assert found["auc"].round(3).to_dict() == {"all": 0.662, "36": 0.639, "60": 0.600}
    assert found["auc_against"].round(3).to_dict() == {"all": 0.669, "36": 0.635, "60": 0.595}


def test_chance_of_running_loans_given_their_age_on_the_day():
    known = TAPE.as_of("2010-12-31")
    result = HazardLogit.from_tape(known, "dti + C(home)", baseline=[6, 12]).fit()
    age = spells(known).frame.query("ending == 'open'")["exit"]
    age = age[age + 6 <= result.reach]
    running = known.frame.loc[age.index]
    chance = result.predict(running, 6, cause="default", given=age, interval=0.95)[6]
    # what came: the loans are in the order of the tape, where those issued later are left out
    final = TAPE.frame[TAPE.frame["issue_date"] < "2011-01-01"].reset_index(drop=True).loc[age.index]
    ends = end_dates(final)
    came = (final["bad"] & (ends <= "2011-06-30")).to_numpy()
    expected, spread = chance["estimate"].sum(), np.sqrt((chance["estimate"] * (1 - chance["estimate"])).sum())
    assert abs(came.sum() - expected) < 3 * spread
    assert auc(came, chance["estimate"]) > 0.6


def test_a_resample_without_a_group_still_counts_for_the_others():
    # the long term begins in the window's last month, which every third resample does not draw
    frame = TAPE.frame
    late = frame["issue_date"] >= "2010-06-01"
    tape = replace(TAPE, frame=frame[(frame["term"] == 12) | late].reset_index(drop=True))
    found = rolling_origin(
        tape,
        ["2009-12-31"],
        lambda known: lambda later: later["dti"],
        window=6,
        by="term",
        bootstrap=MonthBootstrap(40, seed=1),
    )
    drawn = found.draws.groupby("group")["resample"].nunique()
    assert found.failed == 0 and drawn["all"] == drawn["12"] == 40 and 15 < drawn["24"] < 36
    assert found.table.set_index("group")["auc_low"].notna().all()
