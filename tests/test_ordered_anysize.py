"""Files larger than memory and clusters give what memory gives."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p2prisk
from p2prisk.errors import DataError, ModelError, SeparationError
from p2prisk.ordered import OrderedLogit, OrderedResults, fit_batches, fit_dask, fitting, likelihood, newton
from p2prisk.ordered.families import FAMILIES, get_family

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


def assert_same(one, other, bse=1e-11):
    assert list(one.params.index) == list(other.params.index)
    np.testing.assert_allclose(one.params, other.params, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(one.bse, other.bse, rtol=bse)
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


@pytest.mark.parametrize("family", FAMILIES)
def test_bias_reduced_fits_from_files_are_those_in_memory(frame, files, family):
    formula = "grade ~ np.log(income) + utilisation + C(home)"
    memory = OrderedLogit.from_formula(formula, frame, freq_weights="n").with_family(family).fit(method="bias_reduced")
    read = fit_batches(files, formula, freq_weights="n", batch_rows=700, family=family, method="bias_reduced")
    np.testing.assert_allclose(read.params, memory.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(read.bse, memory.bse, rtol=1e-10)
    assert read.estimator == "bias_reduced"
    with pytest.raises(ModelError, match="choose 'ml' or 'bias_reduced'"):
        fit_batches(files, formula, method="firth")


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
        ("number ~ income", DataError, "'number' has more than 1000 distinct values"),
    ],
)
def test_refusals_name_the_culprit(frame, tmp_path, formula, error, message):
    frame.assign(late=frame.grade == "D", number=range(len(frame))).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(error, match=message):
        fit_batches(tmp_path, formula)


def test_given_knots_are_accepted(frame, files):
    formula = "grade ~ bs(utilisation, knots=[0.4, 0.8], lower_bound=0, upper_bound=1.3)"
    assert_same(fit_batches(files, formula), OrderedLogit.from_formula(formula, frame).fit())


@pytest.mark.parametrize("compiled", [False, True])
def test_large_data_start_from_samples_and_end_at_the_same_optimum(compiled, monkeypatch):
    if compiled:
        pytest.importorskip("numba", reason="numba is not installed: make more")
    rng = np.random.default_rng(5)
    n = 80_000
    exog = np.column_stack([rng.normal(size=n), rng.lognormal(10, 1, n), rng.uniform(size=n) < 0.001])
    endog = np.digitize(exog[:, 0] - exog[:, 1] / 3e4 + rng.logistic(size=n), [-1.5, 0, 2, 5])
    monkeypatch.setattr(likelihood, "COMPILED_FROM", 1 if compiled else 10**12)
    monkeypatch.setattr(fitting, "_GUESS_ROWS", 0)
    weights, offset = rng.integers(0, 3, n), rng.normal(0, 0.2, n)
    large = OrderedLogit(endog, exog, freq_weights=weights, offset=offset).fit()
    monkeypatch.setattr(likelihood, "COMPILED_FROM", 10**12)
    monkeypatch.setattr(newton, "sample_strides", lambda n_rows: [])
    plain = OrderedLogit(endog, exog, freq_weights=weights, offset=offset).fit()
    assert_same(large, plain, bse=2.5e-7)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n", "p", "classes"), [(1, 2, 3), (3000, 3, 2), (3000, 45, 6), (900, 2, 40)])
def test_sorted_runs_give_what_the_general_code_gives(family, n, p, classes):
    rng = np.random.default_rng([n, p, classes])
    exog, offset = rng.normal(size=(n, p)), rng.normal(size=n)
    codes = np.minimum(rng.geometric(0.3, n) - 1, classes - 1).astype(np.int8)
    weights = rng.integers(0, 3, n) * 0.7 + 1e-3
    at = (likelihood.Layout(p, classes - 1), get_family(family))
    # neighbouring thresholds far enough apart: the general code loses digits where they nearly meet
    params = np.append(rng.normal(size=p) / 5, np.linspace(-2.5, 3, classes - 1))
    for extra in ((None, None), (weights, offset)):
        general = likelihood.evaluate_rows(*at, params, exog, codes, *extra)
        size = np.sqrt(np.abs(np.diag(general.information)))
        for order in (1, 2):
            short = likelihood.parallel_logit(*at, params, exog, codes, *extra, order)
            assert short.log_likelihood == pytest.approx(general.log_likelihood, rel=1e-12)
            np.testing.assert_allclose(short.score, general.score, rtol=1e-11, atol=1e-12 * n)
            if order == 2:
                error = np.abs(short.information - general.information)
                assert (error <= 1e-12 * (np.outer(size, size) + 1)).all()
            else:
                once = likelihood.evaluate_rows(*at, params, exog, codes, *extra, order)
                np.testing.assert_array_equal(once.score, general.score)
                assert not once.information.any()  # not wanted, not made


@pytest.mark.parametrize("reach", [0.5, 20, 90, 300])
@pytest.mark.parametrize("n", [1, 15, 1000])
def test_logarithms_of_products_are_sums_of_logarithms_however_small_the_values(reach, n):
    # the smallest that can come: all of them at once would underflow but for the number of factors
    for values in (np.full(n, 1 / (1 + np.exp(reach))), 1 / (1 + np.exp(np.linspace(-reach, reach, n)))):
        exact = np.log(values.astype(np.longdouble)).sum()
        assert likelihood.log_of_product(values, reach) == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_far_out_give_what_the_general_code_gives(family):
    exog = np.linspace(-1, 1, 400)[:, None]
    codes = np.digitize(exog[:, 0], [-0.4, 0.1, 0.6]).astype(np.int8)
    at = (likelihood.Layout(1, 3), get_family(family))
    params = np.array([0.999 * likelihood.LARGEST_EXPONENT, -50.0, 10, 90])
    general = likelihood.evaluate_rows(*at, params, exog, codes)
    short = likelihood.parallel_logit(*at, params, exog, codes, None, None, 1)
    assert short.log_likelihood == pytest.approx(general.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(short.score, general.score, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("guess", ["sample", "tiny", "huge", "singular", "not finite"])
def test_a_guess_of_the_information_moves_nothing_but_the_time(guess):
    rng = np.random.default_rng(8)
    exog = rng.normal(size=(4000, 3)) * [1, 5, 0.1]
    model = OrderedLogit(np.digitize(exog @ [1, 0.1, -2] + rng.logistic(size=4000), [-1, 0, 2]), exog)
    problem = newton.Problem(model._source(), exog.mean(axis=0), exog.std(axis=0), True)
    start = np.append(np.zeros(3), [-1.0, 0.0, 2.0])
    plain = newton.maximise(problem, start)
    true = problem.evaluate(start)[3]
    information = {
        "sample": newton.Problem(model._source().every(8), problem.centre, exog.std(axis=0), True).evaluate(start)[3]
        * 8,
        "tiny": true * 1e-6,
        "huge": true * 1e40,
        "singular": np.zeros_like(true),
        "not finite": np.full_like(true, np.nan),
    }[guess]
    orders, evaluate = [], problem.evaluate
    problem.evaluate = lambda internal, order=2: orders.append(order) or evaluate(internal, order)
    checked = []
    guessed = newton.maximise(problem, start, checked.append, information=information)
    spread = np.sqrt(np.diag(plain.covariance))
    np.testing.assert_allclose(guessed.params / spread, plain.params / spread, atol=1e-10)
    correlation = plain.covariance / np.outer(spread, spread)
    np.testing.assert_allclose(guessed.covariance / np.outer(spread, spread), correlation, rtol=0, atol=5e-7)
    # the first and the last look go without second derivatives; the check for collinear columns sees the true matrix
    assert orders[0] == orders[-1] == 1 and set(orders[1:-1]) == {2} and len(checked) == 1
    if guess != "sample":
        assert not np.array_equal(checked[0], information)


LAYOUTS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "every other": lambda exog: np.repeat(np.repeat(exog, 2, axis=0), 2, axis=1)[::2, ::2],
    "backwards": lambda exog: exog[::-1].copy()[::-1],
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n", "p", "classes"), [(1, 3, 2), (700, 0, 3), (5000, 1, 2), (5000, 22, 7), (3000, 4, 40)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_compiled_sums_are_those_of_numpy(family, n, p, classes, layout):
    pytest.importorskip("numba", reason="numba is not installed: make more")
    rng = np.random.default_rng([n, p, classes])
    exog = LAYOUTS[layout](rng.normal(size=(n, p)) * rng.choice([0.2, 1, 30], p) + 0.3)
    exog.flags.writeable = False
    # one class in front of the others, some classes rare, rows of no weight
    codes = np.minimum(rng.geometric(0.3, n) - 1, classes - 1).astype(np.int8)
    params = np.append(rng.normal(size=p) / 30, np.sort(rng.normal(0, 3, classes - 1)))
    weights, offset = rng.integers(0, 3, n) * 0.7, rng.normal(size=n)
    at = (likelihood.Layout(p, classes - 1), get_family(family))
    for block, centre in (
        (likelihood.Block(exog, codes), None),
        (likelihood.Block(exog, codes, weights, offset), np.full(p, 0.3)),
    ):
        for order in (1, 2):
            plain = likelihood.Evaluator(*at, params, centre, order, compiled=False)(block)
            fast = likelihood.compiled_parallel_logit(*at, params, block, centre, order)
            assert fast.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-13, abs=1e-12)
            size = np.sqrt(np.abs(np.diag(likelihood.Evaluator(*at, params, centre, 2, False)(block).information)))
            np.testing.assert_allclose(fast.score, plain.score, rtol=1e-12, atol=1e-13 * n)
            if order == 2:
                error = np.abs(fast.information - plain.information)
                assert (error <= 1e-13 * (np.outer(size, size) + np.abs(plain.information) + 1)).all()


def test_large_predictors_are_left_to_the_general_code():
    pytest.importorskip("numba", reason="numba is not installed: make more")
    exog, codes = np.array([[1.0], [2.0], [400.0]]), np.array([0, 1, 1], np.int8)
    at = (likelihood.Layout(1, 1), get_family("cumulative"), np.array([1.0, 0.5]))
    block = likelihood.Block(exog, codes)
    assert likelihood.compiled_parallel_logit(*at, block) is None
    assert likelihood.compiled_parallel_logit(*at, block._replace(exog=np.where(exog > 300, np.nan, exog))) is None
    assert likelihood.compiled_parallel_logit(*at, block.take(slice(2))) is not None
    fast = likelihood.Evaluator(*at, compiled=True)(block)
    assert fast.log_likelihood == likelihood.Evaluator(*at, compiled=False)(block).log_likelihood


@pytest.mark.parametrize("place", ["package", "user", "nowhere"])
def test_machine_code_is_kept_where_something_can_be_written(place, tmp_path):
    """Beside the package; in the user's cache where the package is read-only; in memory where nothing is."""
    pytest.importorskip("numba", reason="numba is not installed: make more")
    package, home = tmp_path / "package", tmp_path / "home"
    shutil.copytree(Path(p2prisk.__file__).parent, package / "p2prisk", ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    # a file where the folder should be cannot be written to, not even by the superuser
    if place != "package":
        (package / "p2prisk" / "ordered" / "__pycache__").touch()
    if place == "nowhere":
        for name in (".cache", "AppData", "Library"):
            (home / name).touch()
    code = (
        "import time, numpy as np; from p2prisk.ordered import OrderedLogit, likelihood; likelihood.COMPILED_FROM = 0\n"
        "import p2prisk; print(p2prisk.__file__)\n"
        "fit = OrderedLogit(np.arange(60) % 3, np.sin(np.arange(120.0)).reshape(60, 2)).fit()\n"
        "kernel = likelihood.compiled_module()._pass\n"
        "print(fit.converged, sum(kernel.stats.cache_hits.values()))"
    )
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG", "PYTHON"))}
    variables |= {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home / "AppData")}
    variables |= {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    said = [
        subprocess.run(
            [sys.executable, "-c", code], env=variables, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(1 if place == "nowhere" else 2)
    ]
    assert Path(said[0][0]).is_relative_to(package)
    # the second process finds the code of the first one
    assert [line[1:] for line in said] == [["True", "0"], ["True", "1"]][: len(said)]
    kept = [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.nbc")]
    assert kept == {"package": ["package"], "user": ["home"], "nowhere": []}[place]


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
