"""Files larger than memory and clusters give what memory gives."""

import os
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

from p2prisk.errors import DataError, ModelError, SeparationError
from p2prisk.ordered import OrderedLogit, OrderedResults, fit_batches, fit_dask, likelihood, newton

FORMULA = "grade ~ np.log(income) + utilisation + C(home) + C(term):utilisation"


def loans(n=6000, seed=11):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(11, 0.6, n),
            "utilisation": rng.uniform(0, 1.2, n),
            "home": rng.choice(["RENT", "OWN", "MORTGAGE"], n),
            "term": rng.choice([36, 60], n),
            "n": rng.integers(1, 4, n),
            "known": rng.normal(0, 0.1, n),
            "borrower": rng.integers(0, n // 3, n),
        }
    )
    # one level of home is seen in one part of the data only
    frame.loc[frame.index[-400:-300], "home"] = "BOAT"
    latent = -0.7 * np.log(frame.income / 6e4) + 1.1 * frame.utilisation + rng.logistic(size=n)
    frame["grade"] = pd.cut(latent, [-np.inf, -0.5, 1, 3.5, np.inf], labels=list("ABCD"))
    return frame


@pytest.fixture(scope="module")
def frame():
    return loans()


@pytest.fixture(scope="module")
def files(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tape")
    for i, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_parquet(folder / f"part{i}.parquet")
    return folder


def assert_same(one, other):
    assert list(one.params.index) == list(other.params.index)
    np.testing.assert_allclose(one.params, other.params, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(one.bse, other.bse, rtol=1e-11)
    np.testing.assert_allclose([one.llf, one.llnull], [other.llf, other.llnull], rtol=1e-13)
    assert (one.nobs, one.n_rows, one.df_resid) == (other.nobs, other.n_rows, other.df_resid)
    assert one.digits >= 12


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"freq_weights": "n", "offset": "known"},
        {"link": "cloglog"},
        {"nonparallel": ["utilisation"]},
        {"cov_type": "HC1"},
        {"cov_type": "cluster", "groups": "borrower", "freq_weights": "n"},
    ],
    ids=["plain", "weights and offset", "cloglog", "freed", "HC1", "cluster"],
)
def test_files_give_what_memory_gives(frame, files, options):
    streamed = fit_batches(files, FORMULA, batch_rows=700, **options)
    fit = {k: options[k] for k in ("cov_type",) if k in options}
    if "groups" in options:
        fit["groups"] = frame[options["groups"]]
    make = {k: v for k, v in options.items() if k not in ("cov_type", "groups")}
    memory = OrderedLogit.from_formula(FORMULA, frame, **make).fit(**fit)
    assert_same(streamed, memory)
    few = frame.tail(350).head(9)
    np.testing.assert_allclose(streamed.predict(few), memory.predict(few), rtol=1e-11)
    restored = OrderedResults.from_json(streamed.to_json())
    np.testing.assert_allclose(restored.predict(few), memory.predict(few), rtol=1e-11)
    if "nonparallel" not in options:
        kind = "mckelvey-zavoina"
        assert streamed.pseudo_rsquared(kind) == pytest.approx(memory.pseudo_rsquared(kind), rel=1e-11)


def test_csv_needs_the_order_of_the_categories(frame, tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    frame.iloc[:2500].to_csv(paths[0], index=False)
    frame.iloc[2500:].to_csv(paths[1], index=False)
    with pytest.raises(DataError, match="say what is low and what is high"):
        fit_batches(paths, FORMULA)
    streamed = fit_batches(paths, FORMULA, categories=list("ABCD"))
    read = pd.concat(map(pd.read_csv, paths), ignore_index=True)
    read["grade"] = pd.Categorical(read.grade, categories=list("ABCD"), ordered=True)
    assert_same(streamed, OrderedLogit.from_formula(FORMULA, read).fit())


def test_missing_values_are_refused_or_counted_over_all_files(frame, tmp_path):
    holes = frame.assign(income=frame.income.where(frame.index % 100 > 0))
    holes.iloc[:3000].to_parquet(tmp_path / "a.parquet")
    holes.iloc[3000:].to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"income \(60\)"):
        fit_batches(tmp_path, FORMULA)
    streamed = fit_batches(tmp_path, FORMULA, missing="drop", batch_rows=1000)
    assert streamed.n_dropped == 60 and streamed.dropped_by_column == {"income": 60}
    assert_same(streamed, OrderedLogit.from_formula(FORMULA, holes, missing="drop").fit())


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("grade ~ scale(income)", ModelError, "scale.* all rows at once"),
        ("grade ~ bs(utilisation, df=4)", ModelError, "knots"),
        ("grade ~ income + I(2 * income)", ModelError, "linear combination of income"),
        ("grade ~ nothing", DataError, "nothing"),
        ("grade ~ C(late)", SeparationError, r"C\(late\)"),
    ],
)
def test_refusals_name_the_culprit(frame, tmp_path, formula, error, message):
    frame.assign(late=frame.grade == "D").to_parquet(tmp_path / "a.parquet")
    with pytest.raises(error, match=message):
        fit_batches(tmp_path, formula)


def test_given_knots_are_accepted(frame, files):
    formula = "grade ~ bs(utilisation, knots=[0.4, 0.8], lower_bound=0, upper_bound=1.3)"
    assert_same(fit_batches(files, formula), OrderedLogit.from_formula(formula, frame).fit())


@pytest.mark.parametrize("compiled", [False, True])
def test_large_data_start_from_samples_and_end_at_the_same_optimum(compiled, monkeypatch):
    if compiled:
        pytest.importorskip("numba", reason="the compiled kernel is the optional extra 'fast'")
    rng = np.random.default_rng(5)
    n = 80_000
    exog = np.column_stack([rng.normal(size=n), rng.lognormal(10, 1, n), rng.uniform(size=n) < 0.001])
    endog = np.digitize(exog[:, 0] - exog[:, 1] / 3e4 + rng.logistic(size=n), [-1.5, 0, 2, 5])
    monkeypatch.setattr(likelihood, "COMPILED_FROM", 1 if compiled else 10**12)
    weights, offset = rng.integers(0, 3, n), rng.normal(0, 0.2, n)
    large = OrderedLogit(endog, exog, freq_weights=weights, offset=offset).fit()
    monkeypatch.setattr(likelihood, "COMPILED_FROM", 10**12)
    monkeypatch.setattr(newton, "sample_strides", lambda n_rows: [])
    plain = OrderedLogit(endog, exog, freq_weights=weights, offset=offset).fit()
    assert_same(large, plain)


def test_compiled_sums_are_those_of_numpy():
    pytest.importorskip("numba", reason="the compiled kernel is the optional extra 'fast'")
    rng = np.random.default_rng(6)
    n = 5000
    exog = np.asfortranarray(rng.normal(size=(n, 4)) * [1, 30, 0.2, 5])
    codes = rng.integers(0, 4, n).astype(np.int8)
    params = np.array([0.5, 0.05, -1, 0.1, -3, 0.5, 2.0])
    from p2prisk.ordered.families import get_family

    layout = likelihood.Layout(4, 3)
    for weights in (None, rng.uniform(0, 2, n)):
        parts = [
            likelihood.ArrayRows(layout, get_family("cumulative"), exog, codes, weights, compiled=c).evaluate(
                params, centre=np.full(4, 0.3)
            )
            for c in (False, True)
        ]
        for numpy_part, compiled_part in zip(*parts, strict=True):
            np.testing.assert_allclose(compiled_part, numpy_part, rtol=1e-12, atol=1e-9)


# -- cluster ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="dask is the optional extra 'scale'")
    pytest.importorskip("dask.dataframe", reason="dask is the optional extra 'scale'")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local:
        with distributed.Client(local) as client:
            yield client


@pytest.mark.parametrize("partitions", [1, 5])
def test_dask_gives_what_memory_gives(cluster, frame, partitions):
    import dask.dataframe as dd

    data = dd.from_pandas(frame, npartitions=partitions)
    spread = fit_dask(FORMULA, data, freq_weights="n", cov_type="cluster", groups="borrower")
    memory = OrderedLogit.from_formula(FORMULA, frame, freq_weights="n").fit(cov_type="cluster", groups=frame.borrower)
    assert_same(spread, memory)


def test_a_killed_worker_changes_nothing(cluster, frame, files, tmp_path):
    import dask.dataframe as dd

    data = dd.read_parquet(sorted(map(str, files.glob("*.parquet"))))
    calm = fit_dask(FORMULA, data)
    pids = list(cluster.run(os.getpid).values())
    killed = threading.Event()
    original = newton.Problem.evaluate

    def evaluate_and_kill(self, internal, order=2):
        # the second look at all rows: partitions are on the workers, and one worker dies in the middle of the pass
        evaluate_and_kill.calls += not isinstance(self.source, likelihood.ArrayRows)
        if evaluate_and_kill.calls == 2 and not killed.is_set():
            killed.set()
            threading.Timer(0.01, os.kill, (pids[0], signal.SIGKILL)).start()
            time.sleep(0.05)
        return original(self, internal, order)

    evaluate_and_kill.calls = 0
    newton.Problem.evaluate = evaluate_and_kill
    try:
        disturbed = fit_dask(FORMULA, data)
    finally:
        newton.Problem.evaluate = original
    assert killed.is_set()
    assert pids[0] not in cluster.run(os.getpid).values()
    assert (disturbed.params == calm.params).all()
    assert disturbed.llf == calm.llf
