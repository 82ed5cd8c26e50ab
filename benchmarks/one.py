"""One tool on one data set in a process of its own: ``python one.py TOOL FOLDER COLUMNS REPEATS`` prints JSON."""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from data import read


def ours(exog, codes):
    from p2prisk.ordered import OrderedLogit

    result = OrderedLogit(codes, exog).fit()
    result.bse  # noqa: B018  standard errors are part of the work
    return result.slopes.to_numpy(), result.thresholds.to_numpy(), result.llf


def ours_numpy(exog, codes):
    from p2prisk.ordered import likelihood

    likelihood.COMPILED_FROM = np.inf
    return ours(exog, codes)


def ours_compiled(exog, codes):
    from p2prisk.ordered import likelihood

    likelihood.COMPILED_FROM = 0
    return ours(exog, codes)


def sequential(exog, codes):
    from p2prisk.ordered import SequentialLogit

    result = SequentialLogit(codes, exog).fit()
    result.bse  # noqa: B018
    return result.slopes.to_numpy(), result.thresholds.to_numpy(), result.llf


def sequential_numpy(exog, codes):
    from p2prisk.ordered import likelihood

    likelihood.COMPILED_FROM = np.inf
    return sequential(exog, codes)


def sequential_compiled(exog, codes):
    from p2prisk.ordered import likelihood

    likelihood.COMPILED_FROM = 0
    return sequential(exog, codes)


def statsmodels(exog, codes):
    import warnings

    from statsmodels.miscmodels.ordinal_model import OrderedModel

    warnings.simplefilter("ignore")
    result = OrderedModel(codes, exog, distr="logit").fit(method="bfgs", maxiter=500, disp=0)
    result.bse  # noqa: B018
    p = exog.shape[1]
    return result.params[:p], result.model.transform_threshold_params(result.params)[1:-1], result.llf


def exact(exog, codes):
    """The maximum in extended precision, chunk by chunk: the yardstick of the digits."""
    from p2prisk.ordered import OrderedLogit

    result = OrderedLogit(codes, exog).fit()
    p, m = exog.shape[1], int(codes.max())
    information = -result.hessian
    scale = 1 / np.sqrt(np.diag(information))
    at = result.params.to_numpy().astype(np.longdouble)
    for _ in range(2):
        edges = np.concatenate([[-np.inf], at[p:], [np.inf]]).astype(np.longdouble)
        score, log_likelihood = np.zeros(p + m, np.longdouble), np.longdouble(0)
        for first in range(0, len(codes), 50_000):
            x = exog[first : first + 50_000].astype(np.longdouble)
            y = codes[first : first + 50_000].astype(int)
            eta = x @ at[:p]
            with np.errstate(over="ignore"):
                upper, lower = 1 / (1 + np.exp(eta - edges[y + 1])), 1 / (1 + np.exp(eta - edges[y]))
            probability = upper - lower
            d_upper, d_lower = upper * (1 - upper) / probability, lower * (1 - lower) / probability
            score[:p] -= (d_upper - d_lower) @ x
            for j in range(m):
                score[p + j] += d_upper[y == j].sum() - d_lower[y == j + 1].sum()
            log_likelihood += np.log(probability).sum()
        step = np.linalg.solve(information * np.outer(scale, scale), (score * scale).astype(float)) * scale
        at = at + step
    return at[:p], at[p:], log_likelihood


def streamed(folder, p):
    """Files larger than memory, from the first reading to the standard errors."""
    from p2prisk.ordered import fit_batches

    start = time.perf_counter()
    files = sorted(Path(folder).glob("*.parquet"))
    result = fit_batches(files, "y ~ " + " + ".join(f"x{j + 1}" for j in range(p)))
    result.bse  # noqa: B018
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": [seconds], "peak_mb": peak, "rows": result.n_rows, "passes": result.iterations}))


def partitions(folder, p):
    """Seconds of ``fit_dask`` by number of partitions, on two worker processes."""
    import dask
    import dask.dataframe as dd
    import pandas as pd
    from distributed import Client, LocalCluster

    from p2prisk.ordered import fit_dask

    exog, codes = read(Path(folder), p)
    frame = pd.DataFrame(exog, columns=[f"x{j + 1}" for j in range(p)]).assign(y=codes)
    formula = "y ~ " + " + ".join(frame.columns[:-1])
    seconds = {}
    with dask.config.set({"distributed.worker.daemon": True}):
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
            for count in (1, 4, 16, 64):
                data = dd.from_pandas(frame, npartitions=count)
                start = time.perf_counter()
                fit_dask(formula, data)
                seconds[count] = time.perf_counter() - start
    print(json.dumps({"seconds": seconds}))


def main(tool, folder, p, repeats):
    if tool in ("streamed", "partitions"):
        return globals()[tool](folder, int(p))
    exog, codes = read(Path(folder), int(p))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, processor = [], []
    for _ in range(int(repeats)):
        start, busy = time.perf_counter(), time.process_time()
        slopes, thresholds, value = globals()[tool](exog, codes)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    # high and low part: JSON has no extended precision
    parts = {
        name: [[float(v), float(np.longdouble(v) - np.longdouble(float(v)))] for v in vector]
        for name, vector in (("slopes", slopes), ("thresholds", thresholds))
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "seconds": seconds,
                "processor": processor,
                "loglik": float(value),
                "peak_mb": peak / 1024,
                "loading_mb": before / 1024,
                "data_mb": exog.nbytes / 2**20,
                **parts,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
