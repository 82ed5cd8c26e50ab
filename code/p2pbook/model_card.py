"""The model card of the book: what the validator measured, and the checklist filled in."""

from functools import lru_cache

import numpy as np
import pandas as pd

from p2pbook.lendingclub import AFTER_ALL_ENDED, FITTED_TO, TESTED_ON, lending_club_model
from p2pbook.replications import replication
from p2prisk.assumptions import brant, free_terms, probability_departure
from p2prisk.tables import number
from p2prisk.tape import COLUMNS
from p2prisk.validation import auc, calibration_slope_intercept, delong, holm, population_stability

#: The columns of the tape from which those classes were made.
PREDICTORS = ("term", "income", "dti", "employment", "inquiries", "utilisation", "public_records", "purpose")


@lru_cache(maxsize=1)
def validation_results():
    """What the validator measured: the model fitted on final outcomes of the loans to 2010, judged on those of 2011.

    Returns
    -------
    dict of float
    """
    fit, counts = lending_club_model()
    old, new = counts[counts["issue_year"] <= FITTED_TO], counts[counts["issue_year"] == TESTED_ON]
    bad = {name: part["bad"].to_numpy() for name, part in (("old", old), ("new", new))}
    forecast = {
        name: fit.predict(part).iloc[:, -2:].sum(axis=1).to_numpy() for name, part in (("old", old), ("new", new))
    }
    weight = {name: part["n"].to_numpy() for name, part in (("old", old), ("new", new))}
    inside, outside = (auc(bad[name], forecast[name], freq_weights=weight[name]) for name in ("old", "new"))
    ranked = delong(bad["new"], {"model": forecast["new"]}, freq_weights=weight["new"])
    calibrated = calibration_slope_intercept(bad["new"], forecast["new"], freq_weights=weight["new"])
    stability = population_stability(
        np.round(forecast["old"], 12),
        np.round(forecast["new"], 12),
        expected_weights=weight["old"],
        actual_weights=weight["new"],
    )
    parallel = brant(fit)
    # what the rejected terms move in probability, when their slopes are freed; the others pass after Holm's correction
    tested = parallel.iloc[:-1]
    rejected = list(tested.index[holm(tested["pvalue"].to_numpy()) < 0.05])
    departure = probability_departure(fit, free_terms(fit, rejected))
    rank = replication("e2-realtime").table("rank")
    beside = rank[(rank["date"] == "mean") & (rank["group"] == "all") & (rank["model"] == "readable")].iloc[0]
    return {
        "fit": fit,
        "loans_fitted": int(weight["old"].sum()),
        "loans_tested": int(weight["new"].sum()),
        "digits": fit.digits,
        "auc_fitted": inside,
        "auc_tested": outside,
        "auc": ranked,
        "calibration": calibrated,
        "stability": stability,
        "brant": parallel,
        "rejected": rejected,
        "departure": departure,
        "known_losses": replication("e2-decisions")["as_known"]["known_losses"],
        "final_losses": replication("e2-decisions")["as_known"]["final_losses"],
        "beside_sub_grade": beside[["difference", "difference_low", "difference_high"]].tolist(),
        "rate_forecast": float(np.average(forecast["new"], weights=weight["new"])),
        "rate_observed": float(np.average(bad["new"], weights=weight["new"])),
    }


def checklist(results=None):
    """The validator's checklist, filled in for the model of this book.

    Parameters
    ----------
    results : dict, optional
        From :func:`validation_results`.

    Returns
    -------
    pandas.DataFrame
        ``question, measure, value, limit, verdict`` as text; the verdict is 'passed', 'finding' or 'not done'.

    Examples
    --------
    >>> sorted(checklist()["verdict"].unique())
    ['finding', 'not done', 'passed']
    """
    rows = _checks(validation_results() if results is None else results)
    words = {True: "passed", False: "finding", None: "not done"}
    return pd.DataFrame(
        [(*row[:4], words[None if row[4] is None else bool(row[4])]) for row in rows],
        columns=["question", "measure", "value", "limit", "verdict"],
    )


def _checks(r):
    """Each check: question, measure, value, limit, and whether it holds (None where it could not be made)."""
    slope, level = r["calibration"].loc["slope"], r["calibration"].loc["in the large"]
    brant_p = float(r["brant"].loc["Omnibus", "pvalue"])
    drop = r["auc_fitted"] - r["auc_tested"]
    late = [name for name in PREDICTORS if COLUMNS[name].known != "issue"]
    early = r["departure"].loc["loss early", "mean_absolute"]
    beside = " to ".join(number(end, 3) for end in r["beside_sub_grade"][1:])
    return [
        ("Are predictors known at issue?", "predictors outside the whitelist", str(len(late)), "0", not late),
        (
            "Were its outcomes known on its day?",
            f"losses on file on {AFTER_ALL_ENDED.decision_date}, of those it learned from",
            f"{r['known_losses']:,d} of {r['final_losses']:,d}",
            "all",
            r["known_losses"] == r["final_losses"],
        ),
        (
            "Does a model of the day rank better than the grade?",
            "difference of AUC to the sub-grade, readable hazard, mean over dates (95 % interval)",
            f"{number(r['beside_sub_grade'][0], 3)} ({beside})",
            "interval above 0",
            r["beside_sub_grade"][1] > 0,
        ),
        (
            "Did the fit converge?",
            "correct digits of the worst coefficient",
            f"{min(int(r['digits']), 12)} or more",  # beyond twelve the last bits of a machine decide
            "8 at least",
            r["digits"] >= 8,
        ),
        (
            "Do slopes not depend on the cut?",
            "Brant test, p-value",
            f"{brant_p:.1g}" if brant_p >= 1e-3 else "< 0.001",
            "0.05 at least",
            brant_p >= 0.05,
        ),
        (
            "Does it matter that they do?",
            "mean change of P(early loss), points",
            f"{100 * early:.2f}",
            "1 at most",
            early <= 0.01,
        ),
        (
            "Does it rank other, later loans?",
            "AUC on the loans of the test year",
            f"{r['auc_tested']:.3f}",
            "0.65 at least",
            r["auc_tested"] >= 0.65,
        ),
        ("Does ranking hold?", "AUC fitted less tested", f"{drop:.3f}", "0.02 at most", drop <= 0.02),
        (
            "Is the level right?",
            "shift of log odds on those loans",
            f"{level['value']:.3f}",
            "0.10 at most",
            abs(level["value"]) <= 0.10,
        ),
        (
            "Is the spread right?",
            "calibration slope on those loans (95 % interval)",
            f"{slope['value']:.2f} ({slope['ci_low']:.2f} to {slope['ci_high']:.2f})",
            "interval holds 1",
            slope["ci_low"] <= 1 <= slope["ci_high"],
        ),
        (
            "Is the population the same?",
            "stability index of the forecast",
            f"{r['stability'].psi:.3f}",
            "0.10 at most",
            r["stability"].psi <= 0.10,
        ),
        ("Does it hold for the case's country?", "loan outcomes from China", "none public", "a test", None),
        ("Are groups treated alike?", "protected attributes on the tape", "none", "an audit", None),
        ("Do decisions taken with it work?", "decisions taken", "none", "a comparison", None),
    ]
