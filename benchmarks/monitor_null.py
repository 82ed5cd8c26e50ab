"""How often `monitor` says anything but *keep* although nothing has changed, beside what it promises.

    PYTHONPATH=tests python benchmarks/monitor_null.py LOANS NEW TIMES [FIRST] [DRAWS]

Each time a model is fitted to made-up loans of which one trait tells and twenty columns say nothing, and judged on
new loans of the same source. Prints the verdicts, the share that is not *keep* with its interval (Jeffreys), and the
mean of the rates that the runs promise.
"""

import collections
import sys
import warnings

import numpy as np
import pandas as pd
from scipy import stats

from made_tapes import tape_of, with_noise
from p2prisk.monitor import Simulation, watch_model
from p2prisk.standard import fit_standard
from p2prisk.tape import study_sample


def main(loans, new, times, first=0, draws=1000):
    """Fit, judge, count; seeds run from the first."""
    verdicts, promised = collections.Counter(), []
    for seed in range(first, first + times):
        sample, _ = study_sample(tape_of(with_noise(loans, seed)))
        model, frame = fit_standard(sample), with_noise(new, seed + 100_000)
        later = frame.assign(issue_date=frame["issue_date"] + pd.DateOffset(years=3))
        found = watch_model(model, tape_of(later, record_date="2021-06-30"), simulation=Simulation(draws=draws))
        verdicts[found.verdict] += 1
        promised.append(found.false_alarm)
    alarms = times - verdicts["keep"]
    low, high = stats.beta.ppf([0.025, 0.975], alarms + 0.5, times - alarms + 0.5)
    print(dict(verdicts))
    print(f"not keep: {alarms / times:.1%} ({low:.1%} to {high:.1%}); promised: {np.mean(promised):.1%}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*map(int, sys.argv[1:]))
