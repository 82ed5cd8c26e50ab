"""Seconds and memory of scoring many loans (default one million) with the card of the book.

python benchmarks/scorecard.py [--loans 1000000]

The loans are drawn from the counts of 2011, once as categories and once as raw columns (numbers and words). Memory is
the growth of the process's peak over the frame itself.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd

from p2pbook.lendingclub import book_card


def raw_loans(loans, seed=0):
    """Simulated loans in the raw columns of a tape."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "term": rng.choice([36, 60], loans),
            "income": rng.lognormal(11, 0.5, loans),
            "dti": rng.uniform(0, 30, loans),
            "employment": pd.Categorical(rng.choice(["not stated", "under 2 years", "10 years and over"], loans)),
            "inquiries": rng.poisson(1, loans).astype(float),
            "utilisation": rng.uniform(0, 100, loans),
            "public_records": rng.poisson(0.05, loans).astype(float),
            "purpose": pd.Categorical(rng.choice(["car", "small business", "debt consolidation"], loans)),
        }
    )


def peak():
    """Peak memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    made = book_card()
    draw = np.random.default_rng(0).integers(0, len(made.test), options.loans)
    frames = {"classes": made.test.iloc[draw].reset_index(drop=True), "raw columns": raw_loans(options.loans)}
    for name, frame in frames.items():
        before, begin, work = peak(), time.perf_counter(), time.process_time()
        scored = made.card.score(frame, drift="flag")
        seconds, work = time.perf_counter() - begin, time.process_time() - work
        print(
            f"{name:12s} {len(scored):>10,d} loans  {seconds:6.2f} s ({work:.2f} of the processor)  "
            f"peak {peak():,.0f} MB (+{peak() - before:,.0f})"
        )


if __name__ == "__main__":
    main()
