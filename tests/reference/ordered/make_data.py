"""Simulated loans with awkward traits, for the reference fits in R: python make_data.py

Dollars next to ratios, a calendar year far from zero, a rare worst class, a factor of many levels, frequency weights
and an offset. The files are committed so that R and the tests read the same rows.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def main():
    rng = np.random.default_rng(20180331)
    n = 700
    frame = pd.DataFrame(
        {
            "income": np.round(rng.lognormal(11.1, 0.6, n), 2),
            "utilisation": np.round(rng.uniform(0, 1.2, n), 4),
            "year": rng.integers(1980, 2012, n),
            "home": rng.choice(["MORTGAGE", "OWN", "RENT"], n, p=[0.5, 0.12, 0.38]),
            "state": rng.choice([f"s{i:02d}" for i in range(12)], n),
            "n": rng.integers(1, 6, n),
            "known": np.round(rng.normal(0, 0.3, n), 4),
        }
    )
    shift = dict(zip(sorted(frame.state.unique()), rng.normal(0, 0.4, 12), strict=True))
    latent = (
        -1.1e-5 * (frame.income - 7e4)
        + 1.4 * frame.utilisation
        + 0.03 * (2000 - frame.year)
        + 0.5 * (frame.home == "RENT")
        + frame.state.map(shift)
        + frame.known
        + rng.logistic(size=n)
    )
    codes = np.searchsorted(np.quantile(latent, [0.3, 0.65, 0.9, 0.985]), latent)
    frame["grade"] = np.array(list("ABCDE"))[codes]
    frame.to_csv(HERE / "loans.csv", index=False)

    cells = pd.MultiIndex.from_product([[36, 60], ["low", "mid", "high"], [0, 1, 2, 3]])
    counts = pd.DataFrame(list(cells), columns=["term", "dti", "severity"])
    worse = 0.6 * (counts.term == 60) + counts.dti.map({"low": -0.3, "mid": 0.0, "high": 0.4})
    counts["n"] = rng.poisson(900 * np.exp(-counts.severity * (1.3 - worse)))
    counts.to_csv(HERE / "counts.csv", index=False)


if __name__ == "__main__":
    main()
