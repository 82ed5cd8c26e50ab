"""Simulated loans for the reference fits: python make_data.py writes loans.csv (one row a loan)."""

from pathlib import Path

import numpy as np
import pandas as pd


def main(n=1200, ages=10):
    rng = np.random.default_rng(20)
    dti, income = rng.normal(size=n).round(3), rng.lognormal(11, 0.5, n).round(0)
    home = rng.choice(["MORTGAGE", "OWN", "RENT"], n, p=[0.45, 0.15, 0.4])
    term = rng.choice([36, 60], n, p=[0.6, 0.4])
    entry = rng.integers(0, 3, n) * (rng.random(n) < 0.25)
    leaves = rng.integers(4, ages + 4, n)
    age, end = np.zeros(n, int), np.zeros(n, int)
    for i in range(n):
        for a in range(entry[i] + 1, ages + 1):
            default = np.exp(-3.6 + 0.25 * a - 0.02 * a**2 + 0.5 * dti[i] * (1 - 0.05 * a) + 0.5 * (home[i] == "RENT"))
            repaid = np.exp(-3.0 - 0.4 * dti[i] + 0.4 * np.log(income[i] / 6e4) + 0.3 * (term[i] == 60))
            draw, total = rng.random(), 1 + default + repaid
            age[i] = a
            if draw < (default + repaid) / total:
                end[i] = 1 if draw < default / total else 2
                break
            if a >= leaves[i]:
                break
    frame = pd.DataFrame(
        {"dti": dti, "income": income, "home": home, "term": term, "entry": entry, "age": age, "end": end}
    )
    frame["n"] = rng.integers(1, 4, n)
    frame.to_csv(Path(__file__).with_name("loans.csv"), index=False)


if __name__ == "__main__":
    main()
