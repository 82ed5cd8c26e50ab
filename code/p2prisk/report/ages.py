"""Time: how loans end as they age, vintage by vintage, and what moves the hazard of default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from p2prisk.errors import DataError, count_of
from p2prisk.report.traits import in_units
from p2prisk.tape.wind_back import charge_off_lag

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

_Z = 1.959963984540054
#: least number of loans at risk at the end of a vintage's curve, and of vintages' loans
_AT_RISK, _VINTAGE = 50, 200
#: least number of loans alive at an age whose share of defaults is named
_FIRM = 200


def incidence(exits: np.ndarray, ending: np.ndarray) -> pd.DataFrame:
    """Share of loans that had defaulted, or were repaid, by every age; the two ends compete.

    Parameters
    ----------
    exits : ndarray of int, shape (n,)
        Age at which a loan ended or was last seen, in months.
    ending : ndarray of object, shape (n,)
        ``default``, ``repaid`` or ``open``.

    Returns
    -------
    pandas.DataFrame
        ``months``, ``at_risk`` (loans alive and still seen as the month begins), ``defaulted``, ``low``, ``high``
        (95 %), ``repaid`` (both by the end of the month, its own ends among them): Aalen-Johansen estimates of the
        cumulative incidence, with the variance of Marubini and Valsecchi (1995, Analysing Survival Data, eq. 10.12) on
        the log(-log) scale.

    Examples
    --------
    >>> incidence(np.array([1, 2, 2, 2]), np.array(["default", "repaid", "open", "default"]))["defaulted"].tolist()
    [0.25, 0.5]
    """
    last = int(exits.max())
    at_risk = (
        len(exits) - np.concatenate([[0], np.cumsum(np.bincount(exits, minlength=last + 1))])[1 : last + 1]
    ).astype(float)
    default, repaid = (np.bincount(exits[ending == name], minlength=last + 1)[1:] for name in ("default", "repaid"))
    some = at_risk > 0
    at_risk, default, repaid = at_risk[some], default[some], repaid[some]
    both = default + repaid
    alive = np.concatenate([[1.0], np.cumprod(1 - both / at_risk)])[:-1]  # just before each age
    defaulted, paid = np.cumsum(alive * default / at_risk), np.cumsum(alive * repaid / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        leave = np.where(both < at_risk, both / (at_risk * (at_risk - both)), 0.0)
    own = (at_risk - default) / at_risk**3 * default * alive**2
    cross = alive * default / at_risk**2
    # sums over the ages up to t of ((F(t) - F(j))^2 a_j + b_j - 2 (F(t) - F(j)) c_j), as polynomials in F(t)
    sums = [np.cumsum(x) for x in (leave, defaulted * leave, defaulted**2 * leave, own, cross, defaulted * cross)]
    variance = (
        defaulted**2 * sums[0] - 2 * defaulted * sums[1] + sums[2] + sums[3] - 2 * (defaulted * sums[4] - sums[5])
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        half = _Z * np.sqrt(np.maximum(variance, 0)) / (defaulted * np.log(defaulted))
        low, high = defaulted ** np.exp(-half), defaulted ** np.exp(half)
    none = (defaulted <= 0) | (defaulted >= 1)
    low, high = np.where(none, defaulted, np.minimum(low, high)), np.where(none, defaulted, np.maximum(low, high))
    columns = {"defaulted": defaulted, "low": low, "high": high, "repaid": paid}
    return pd.DataFrame({"months": np.arange(1, len(some) + 1)[some], "at_risk": at_risk.astype(int), **columns})


def curves(study: TapeStudy) -> pd.DataFrame:
    """Share of loans that had defaulted by every age, for all and by year of issue.

    Returns
    -------
    pandas.DataFrame
        ``issued`` (``all`` or a year), and the columns of :func:`incidence`; of a year up to the age at which enough
        loans are still seen.
    """
    from p2prisk.hazard import spells

    found = spells(study.known).frame
    year = study.known.frame.loc[found.index, "issue_date"].dt.year.to_numpy()
    exits, ending = found["exit"].to_numpy(), found["ending"].to_numpy(dtype=object)
    parts = [incidence(exits, ending).assign(issued="all")]
    for each in np.unique(year):
        own = year == each
        if own.sum() >= _VINTAGE:
            table = incidence(exits[own], ending[own]).assign(issued=str(int(each)))
            parts.append(table[table["at_risk"] >= _AT_RISK])
    return pd.concat(parts, ignore_index=True)


def curves_sentence(table: pd.DataFrame) -> str:
    """How far the vintages lie apart at an age that several have reached, in words."""
    whole = table[table["issued"] == "all"].iloc[-1]
    said = (
        f"By the end of month {int(whole['months'])} since issue {100 * whole['defaulted']:.1f} per cent had defaulted "
        f"({100 * whole['low']:.1f} to {100 * whole['high']:.1f}) and {100 * whole['repaid']:.1f} per cent were "
        "repaid, the two ends competing and running loans counted as long as they were seen."
    )
    years = table[table["issued"] != "all"]
    reached = years.groupby("months")["issued"].nunique()
    if reached.empty or reached.max() < 2:
        return said
    age = int(reached[reached == reached.max()].index.max())
    at = years[years["months"] == age].set_index("issued")["defaulted"]
    return (
        f"{said} At {age} months, which {len(at)} years of issue have reached, the share defaulted runs "
        f"from {100 * at.min():.1f} per cent of the loans of {at.idxmin()} to {100 * at.max():.1f} of "
        f"those of {at.idxmax()}."
    )


def hazard_effects(study: TapeStudy) -> pd.DataFrame:
    """Odds ratios of default in a month, given survival up to it, a row a column of the design.

    Returns
    -------
    pandas.DataFrame
        ``trait``, ``compared``, ``odds_ratio``, ``ci_low``, ``ci_high``, ``pvalue``; the clearest evidence first.
    """
    model = study.hazard
    results = model.results
    slopes, rows, frame = results.slopes("default"), [], study.known.frame
    for rule in model.rules:
        for column in rule["columns"]:
            compared, step = in_units(rule, column, frame)
            estimate, error = float(slopes[column]) * step, float(results.bse[f"default: {column}"]) * step
            chance = float(2 * stats.norm.sf(abs(estimate / error)))
            ends = np.exp([estimate, estimate - _Z * error, estimate + _Z * error])
            rows.append((rule["column"], compared, *ends, chance, abs(estimate / error)))
    table = pd.DataFrame(rows, columns=["trait", "compared", "odds_ratio", "ci_low", "ci_high", "pvalue", "z"])
    return table.sort_values("z", ascending=False, kind="stable").drop(columns="z").reset_index(drop=True)


def hazard_sentence(study: TapeStudy) -> str:
    """On what the hazard rests, in words."""
    from p2prisk.hazard import spells

    results, found = study.hazard.results, spells(study.known).frame
    exits, lost = found["exit"].to_numpy(), (found["ending"] == "default").to_numpy()
    # past its term only a loan in arrears is left, of which nearly all default: that peak says nothing of the age
    frame = study.known.frame.loc[found.index]
    due = frame["term"].to_numpy(dtype=float, na_value=np.inf) if "term" in frame else np.full(len(exits), np.inf)
    ages = np.arange(1, exits.max() + 1)
    gone = np.concatenate([[0], np.cumsum(np.bincount(np.minimum(exits, due).astype(int), minlength=len(ages) + 1))])
    share = pd.Series(np.bincount(exits[lost & (exits <= due)], minlength=len(ages) + 1)[1:], ages, dtype=float)
    alive = len(exits) - gone[1 : len(ages) + 1]
    firm = (share / np.maximum(alive, 1))[alive >= _FIRM]
    if firm.empty:
        raise DataError(f"fewer than {_FIRM} loans are seen at any age")
    peak, after = int(firm.idxmax()), int((lost & (exits > due)).sum())
    return (
        f"{int(results.nobs):,d} loans were seen for {int(results.exposure):,d} months, in which {int(lost.sum()):,d} "
        f"defaulted{f', {after:,d} of them after the term' if after else ''}. Within the term, and at ages at which "
        f"{_FIRM} loans or more were alive, the share of these that default in a month is largest at {peak} months "
        f"({100 * firm[peak]:.2f} per cent)."
    )


def dated_by(study: TapeStudy) -> str:
    """How the ends of the loans are dated, in words."""
    if "closed_date" in study.known.frame:
        return "Loans end on the closing date that the tape gives."
    lag = int(charge_off_lag(study.known))
    late = f"a loss {count_of(lag, 'month')} after it, when it is taken to be written off" if lag else "a loss too"
    return f"The tape has no closing dates: a loan repaid ends at its last payment, {late}."


def hazard_by_age(study: TapeStudy) -> Any:
    """Share of the loans alive that default or are repaid in a month: ``age, at_risk, default, repaid``."""
    table = study.hazard.results.life_table
    return table.groupby("age", as_index=False)[["at_risk", "default", "repaid"]].sum()
