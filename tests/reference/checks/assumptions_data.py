"""Write the loans that assumptions.R reads: Lending Club Q1 2018 (E1), complete rows, plain columns.

Run from the repository root::

    python tests/reference/checks/assumptions_data.py /tmp/loans.csv
    Rscript tests/reference/checks/assumptions.R /tmp/loans.csv
"""

import sys

import numpy as np

from p2prisk import load

FORMULA = "grade ~ lincome + dti + utilisation + inquiries + long + C(home) + C(purpose) + bankrupt"


def loans():
    """E1 with the grades E, F and G merged and the columns of FORMULA; incomplete rows are left out."""
    frame = load("lendingclub-2018").frame
    out = frame[["grade", "dti", "inquiries", "home", "purpose"]].copy()
    out["grade"] = frame["grade"].astype(str).replace({"F": "E", "G": "E"})
    out["home"], out["purpose"] = out["home"].astype(str), out["purpose"].astype(str)
    out["lincome"] = np.log1p(frame["income"]).astype(float)
    out["utilisation"] = (frame["credit_balance"] / frame["credit_limit"].where(frame["credit_limit"] > 0)).astype(
        float
    )
    out["long"] = (frame["term"].astype(int) == 60).astype(int)
    out["bankrupt"] = (frame["bankruptcies"] > 0).astype(int)
    out["dti"], out["inquiries"] = out["dti"].astype(float), out["inquiries"].astype(float)
    return out.dropna().reset_index(drop=True)


if __name__ == "__main__":
    loans().to_csv(sys.argv[1], index=False, float_format="%.17g")
