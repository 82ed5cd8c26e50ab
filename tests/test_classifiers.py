"""The models as scikit-learn classifiers."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from p2prisk import OrderedLogit, OrderedLogitClassifier, SequentialLogit, SequentialLogitClassifier
from p2prisk.errors import DataError, ModelError
from p2prisk.ordered import OrderedResults, fit_batches

CLASSIFIERS = [
    OrderedLogitClassifier(),
    OrderedLogitClassifier(link="probit"),
    SequentialLogitClassifier(),
    SequentialLogitClassifier(direction="backward", link="cloglog"),
]


@pytest.fixture(scope="module")
def loans():
    rng = np.random.default_rng(4)
    n = 900
    frame = pd.DataFrame(
        {"income": rng.lognormal(11, 0.5, n), "used": rng.uniform(0, 1, n), "home": rng.choice(["OWN", "RENT"], n)}
    )
    latent = -np.log(frame.income / 6e4) + 2 * frame.used + 0.5 * (frame.home == "RENT") + rng.logistic(size=n)
    frame["y"] = np.digitize(latent, [0.5, 2, 3.5])
    frame["n"] = rng.integers(0, 4, n)
    return frame


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=repr)
def test_scikit_learn_finds_nothing_to_complain_of(classifier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes given as text; checks that need further packages
        results = check_estimator(classifier, on_fail=None)
    assert len(results) > 50
    assert [(r["check_name"], r["exception"]) for r in results if r["status"] not in ("passed", "skipped")] == []
    assert sum(r["status"] == "skipped" for r in results) <= 1


def test_thin_over_the_same_engine(loans):
    exog = loans[["income", "used"]]
    for classifier, model in (
        (OrderedLogitClassifier(penalty=None), OrderedLogit(loans.y, exog, freq_weights=loans.n)),
        (
            SequentialLogitClassifier("backward", nonparallel=["used"], penalty=None),
            SequentialLogit(loans.y, exog, "backward", freq_weights=loans.n, nonparallel=["used"]),
        ),
    ):
        classifier.fit(exog, loans.y, sample_weight=loans.n)
        result = model.fit()
        assert list(classifier.result_.params.index) == list(result.params.index)
        np.testing.assert_allclose(classifier.result_.params, result.params, rtol=1e-10)
        np.testing.assert_allclose(classifier.result_.bse, result.bse, rtol=1e-9)
        np.testing.assert_allclose(classifier.predict_proba(exog), result.predict(exog), rtol=1e-9)
        assert (classifier.predict(exog) == result.predict(exog, which="class").to_numpy()).all()
        assert classifier.result_.model is None and OrderedResults.from_json(classifier.result_.to_json())
        assert "x0" in clone(classifier).set_params(nonparallel=None).fit(exog.to_numpy(), loans.y).result_.params


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=repr)
def test_pipelines_folds_grids_and_calibration(loans, classifier):
    columns = make_column_transformer((StandardScaler(), ["income", "used"]), (OneHotEncoder(drop="first"), ["home"]))
    pipe = make_pipeline(columns, classifier)
    exog, y = loans[["income", "used", "home"]], loans.y
    folds = KFold(4, shuffle=True, random_state=0)
    probability = cross_val_predict(pipe, exog, y, cv=folds, method="predict_proba")
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)
    by_hand = np.empty_like(probability)
    for train, test in folds.split(exog):
        by_hand[test] = clone(pipe).fit(exog.iloc[train], y.iloc[train]).predict_proba(exog.iloc[test])
    np.testing.assert_allclose(probability, by_hand, rtol=1e-12)
    calibrated = CalibratedClassifierCV(pipe, method="isotonic", cv=folds).fit(exog, y)
    assert calibrated.predict_proba(exog).shape == (len(y), 4)
    name = pipe.steps[-1][0]
    search = GridSearchCV(pipe, {f"{name}__penalty": [None, 1.0, 1e4]}, scoring="neg_log_loss", cv=3).fit(exog, y)
    assert search.best_params_[f"{name}__penalty"] != 1e4


def test_the_order_of_the_classes_is_said_or_refused(loans):
    exog, text = loans[["used"]], pd.Series(np.array(["A", "B", "C", "D"])[loans.y])
    with pytest.warns(UserWarning, match=r"alphabetical order, \[.*'A'.*'D'.*\] from best to worst"):
        OrderedLogitClassifier().fit(exog, text)
    same = pd.Series(pd.Categorical(text, list("ABCD"), ordered=True))
    with pytest.warns(UserWarning, match="alphabetical"):
        OrderedLogitClassifier().fit(exog, same)
    with pytest.raises(DataError, match=r"y\.cat\.codes"):
        OrderedLogitClassifier().fit(exog, pd.Series(pd.Categorical(text, list("BADC"), ordered=True)))


def test_a_penalty_makes_every_fit_finite_and_maximum_likelihood_says_why_not(loans):
    exog, y = loans[["used"]].assign(late=(loans.y == 3) * 1.0), loans.y
    assert np.isfinite(OrderedLogitClassifier().fit(exog, y).predict_proba(exog)).all()
    with pytest.raises(ModelError, match="separated by late"):
        OrderedLogitClassifier(penalty=None).fit(exog, y)
    with pytest.raises(ModelError, match="8 parameters cannot be estimated from 6 observations"):
        OrderedLogitClassifier(penalty=None).fit(np.random.default_rng(0).normal(size=(6, 6)), [0, 1, 2, 0, 1, 2])


def test_a_penalised_fit_depends_on_the_loans_and_not_on_how_they_are_stored(loans, tmp_path):
    frame = loans[loans.n > 0]
    weighted = OrderedLogit.from_formula("y ~ income + used", frame, freq_weights="n").fit(penalty=5.0)
    repeated = OrderedLogit.from_formula("y ~ income + used", frame.loc[frame.index.repeat(frame.n)]).fit(penalty=5.0)
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-11)
    frame.to_parquet(tmp_path / "a.parquet")
    streamed = fit_batches(tmp_path, "y ~ income + used", freq_weights="n", penalty=5.0, batch_rows=100)
    np.testing.assert_allclose(streamed.params, weighted.params, rtol=1e-11)
    # the maximum of the penalised likelihood, checked from the definition
    spread = np.sqrt(np.cov(frame[["income", "used"]].T, fweights=frame.n, ddof=0).diagonal())
    ridge = 5.0 * spread**2 * weighted.slopes.to_numpy()
    np.testing.assert_allclose(weighted.model.score(weighted.params)[:2] * weighted.bse[:2], ridge * weighted.bse[:2])
