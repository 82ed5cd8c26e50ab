"""What the studies of default say about a variable, counted: who finds which sign, and whether they agree."""

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import cohens_kappa

from p2prisk.errors import DataError

#: The codes of the sign table: association of the variable with default risk.
SIGNS = {"-": "safer", "0": "none", "+": "riskier", "?": "unstated"}


def agreement(signs):
    """Count the studies of each variable by the sign they report and say whether they agree.

    Parameters
    ----------
    signs : pandas.DataFrame
        One row a finding, with columns ``group``, ``variable``, ``study`` and ``sign``; the sign is the
        association with default risk: ``"-"`` safer, ``"+"`` riskier, ``"0"`` none found or said to be
        uninformative, ``"?"`` reported as relevant without a sign.

    Returns
    -------
    pandas.DataFrame
        One row a variable, in order of first appearance: ``group``, counts ``safer``, ``none``, ``riskier``,
        ``unstated``, their sum ``studies``, and ``verdict``, one of ``"opposite signs"``,
        ``"sign against no effect"``, ``"agree"``, ``"one signed study"``, ``"no sign stated"``.

    Raises
    ------
    DataError
        If a sign is not one of the four codes, or a study speaks twice on the same variable.

    Examples
    --------
    >>> signs = pd.DataFrame({"group": "loan", "variable": ["term", "term", "rate"],
    ...                       "study": ["a", "b", "a"], "sign": ["+", "-", "+"]})
    >>> agreement(signs)[["safer", "riskier", "verdict"]]
              safer  riskier           verdict
    variable
    term          1        1    opposite signs
    rate          0        1  one signed study
    """
    unknown = sorted(set(signs["sign"]) - set(SIGNS))
    if unknown:
        raise DataError(f"unknown sign(s) {unknown}; use one of {list(SIGNS)}")
    twice = signs.duplicated(["variable", "study"])
    if twice.any():
        where = signs.loc[twice, ["variable", "study"]].agg(" / ".join, axis=1).tolist()
        raise DataError(f"a study may speak once on a variable; repeated: {where}")
    order = signs["variable"].drop_duplicates()
    counts = (
        pd.crosstab(signs["variable"], signs["sign"])
        .reindex(index=order, columns=list(SIGNS), fill_value=0)
        .rename(columns=SIGNS)
    )
    counts.columns.name = None
    counts.insert(0, "group", signs.drop_duplicates("variable").set_index("variable")["group"])
    counts["studies"] = counts[list(SIGNS.values())].sum(axis=1)
    counts["verdict"] = [_verdict(*row) for row in counts[["safer", "none", "riskier"]].itertuples(index=False)]
    return counts


def _verdict(safer, none, riskier):
    signed = safer + none + riskier
    if signed == 0:
        return "no sign stated"
    if signed == 1:
        return "one signed study"
    if safer and riskier:
        return "opposite signs"
    if none and (safer or riskier):
        return "sign against no effect"
    return "agree"


def reader_agreement(first, second):
    """Agreement of two readers who coded the same cells apart, beyond chance.

    Parameters
    ----------
    first, second : sequence of str
        Codes of :data:`SIGNS`, cell by cell.

    Returns
    -------
    dict
        ``cells``, ``same`` (cells coded alike), ``kappa`` and its 95 % interval ``low``, ``high`` (Cohen 1960,
        Educational and Psychological Measurement 20; standard error of Fleiss, Cohen and Everitt 1969), cut at one.

    Examples
    --------
    >>> reader_agreement(list("++--"), list("+---"))["kappa"]
    0.5
    """
    codes = list(SIGNS)
    table = pd.crosstab(pd.Categorical(first, codes), pd.Categorical(second, codes), dropna=False).to_numpy()
    found = cohens_kappa(table)
    return {
        "cells": int(table.sum()),
        "same": int(np.trace(table)),
        "kappa": round(float(found.kappa), 12),
        "low": float(found.kappa_low),
        "high": min(float(found.kappa_upp), 1.0),
    }
