"""What a readable model was worth on the day: the stored test at rolling decision dates, as the chapters quote it."""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from p2pbook.known import stamp
from p2pbook.lendingclub import AFTER_ALL_ENDED, ON_THE_DAY
from p2pbook.replications.store import replication
from p2pbook.values import Value, count, estimate, share

#: groups of the stored tables -> how they are called
GROUPS = {"all": "all loans", "36": "36 months", "60": "60 months"}


@dataclass(frozen=True)
class OnTheDay:
    """One decision date: the readable hazard on what was on file, judged on final outcomes of the loans that followed.

    Differences are areas under the curve less that of the sub-grade on the same loans; intervals refit.
    """

    loans: Value
    auc: Value
    sub_grade: Value
    lead: Value
    lead_36: Value
    lead_60: Value
    #: share charged off: said on the day, and what came
    predicted: Value
    observed: Value


@dataclass(frozen=True)
class Hindsight:
    """The same hazard with final outcomes of the same loans, which no lender had; without and with the term."""

    auc: Value
    lead: Value
    lead_36: Value
    lead_60: Value
    auc_with_term: Value


@dataclass(frozen=True)
class RealTime:
    """The test at rolling decision dates."""

    #: end of 2010, judged on the loans of 2011
    last: OnTheDay
    hindsight: Hindsight
    #: losses on file at the end of 2010 and losses that the same loans ended in: all, and of 60 months
    known: Value
    final: Value
    known_share: Value
    known_60: Value
    final_60: Value
    #: mean over the half-yearly dates: difference from the sub-grade, all loans and 36 months; from boosting
    mean_lead: Value
    mean_over_trees: Value
    #: number of dates on which a model could be fitted, and of dates on which its area is above the sub-grade's
    dates: Value
    #: largest shortfall against the sub-grade in the platform's third and fourth year
    shortfall: Value
    #: one row a date: ranks, levels, and to draw (``age``, ``group``, ``difference``, ``low``, ``high``, ``kind``)
    ranked: pd.DataFrame
    said: pd.DataFrame
    drawn: pd.DataFrame
    #: the date on which the level was furthest off
    worst_date: str
    worst_predicted: Value
    worst_observed: Value
    #: areas of the end of 2010 over ways to fit the hazard: lowest, highest without and lowest with the term
    lowest: Value
    highest: Value
    with_term: Value
    specifications: pd.DataFrame
    #: areas when the worst fifth by sub-grade is shut out: of the sub-grade, of the model; the table
    shut_out_sub_grade: Value
    shut_out_model: Value
    #: draws behind the intervals: of the hazard, of the trees
    resamples: Value
    resamples_trees: Value


@cache
def compute():
    """Read the stored test.

    Returns
    -------
    RealTime
    """
    stored = replication("e2-realtime")
    with stamp(stored.known):
        known = stored.table("known").set_index("date")
    with stamp(ON_THE_DAY):
        parts = {"last": _last(stored), **_known(known.loc[stored["last"]]), **_specified(stored), **_shut_out(stored)}
    with stamp(AFTER_ALL_ENDED):
        parts["hindsight"] = _hindsight(stored)
    with stamp(stored.known):
        parts |= _rolling(stored, known)
    return RealTime(**parts)


def _rank(stored, model, window):
    rank = stored.table("rank")
    return rank[(rank["model"] == model) & (rank["window"] == window)].set_index(["date", "group"])


def _lead(row, low="difference_low", high="difference_high"):
    return estimate(row, "difference", 3, low, high)


def _last(stored):
    date, rank = stored["last"], _rank(stored, "readable", 12)
    row = rank.loc[(date, "all")]
    return OnTheDay(
        loans=count(row["loans"]),
        auc=estimate(row, "auc", 3, "auc_low", "auc_high"),
        sub_grade=estimate(row, "auc_against", 3, "auc_against_low", "auc_against_high"),
        lead=_lead(row),
        lead_36=_lead(rank.loc[(date, "36")]),
        lead_60=_lead(rank.loc[(date, "60")]),
        predicted=estimate(row, "predicted", 1, "predicted_low", "predicted_high", percent=True),
        observed=share(row["observed"]),
    )


def _known(row):
    return {
        "known": count(row["losses"]),
        "final": count(row["final_losses"]),
        "known_share": share(row["losses"] / row["final_losses"], 0),
        "known_60": count(row["losses_60"]),
        "final_60": count(row["final_losses_60"]),
    }


def _specified(stored):
    table = stored.table("specifications")
    every = table[table["group"] == "all"].set_index("specification")["auc"]
    term = "term among the traits"
    wide = table.pivot(index="specification", columns="group", values="auc").loc[every.index]
    against = table.groupby("group")["auc_against"].first()
    wide.loc["the platform's sub-grade"] = against
    return {
        "lowest": Value(every.drop(term).min(), 3),
        "highest": Value(every.drop(term).max(), 3),
        "with_term": Value(every[term], 3),
        "specifications": wide[list(GROUPS)].rename(columns=GROUPS).rename_axis("way to fit", axis=0).reset_index(),
    }


def _shut_out(stored):
    table = stored.table("shut_out")
    fifth = table[(table["group"] == "all") & (table["rule"] == "sub-grade")].set_index("shut_out").loc[0.2]
    # nothing shut out is the same by either score
    shown = table[(table["group"] == "all") & ((table["rule"] == "sub-grade") | (table["shut_out"] > 0))]
    shown = shown.assign(shut_out=100 * shown["shut_out"], rule=shown["rule"].replace("readable", "the model"))
    return {"shut_out_sub_grade": Value(fifth["auc_sub_grade"], 3), "shut_out_model": Value(fifth["auc"], 3)}


def _hindsight(stored):
    table = stored.table("hindsight").query("window == 12").set_index(["model", "group"])
    plain, term = table.loc["readable"], table.loc["readable with term"]
    return Hindsight(
        auc=Value(plain.loc["all", "auc"], 3),
        lead=Value(plain.loc["all", "difference"], 3),
        lead_36=Value(plain.loc["36", "difference"], 3),
        lead_60=Value(plain.loc["60", "difference"], 3),
        auc_with_term=Value(term.loc["all", "auc"], 3),
    )


def _rolling(stored, known):
    own, trees = (_rank(stored, model, 6) for model in ("readable", "trees"))
    over = stored.table("over_trees").query("window == 6").set_index(["date", "group"])
    every = own.xs("all", level="group").drop("mean")
    worst = (every["predicted"] - every["observed"]).abs().idxmax()
    return {
        "mean_lead": _lead(own.loc[("mean", "all")]),
        "mean_over_trees": _lead(over.loc[("mean", "all")], "low", "high"),
        "dates": count(len(every)),
        "shortfall": Value(-every["difference"][known["age"].reindex(every.index).between(25, 48)].min(), 3),
        "ranked": _ranked(known, every, trees.xs("all", level="group")),
        "said": _said(every),
        "drawn": _drawn(stored, known, own, trees),
        "worst_date": worst,
        "worst_predicted": share(every.loc[worst, "predicted"], 0),
        "worst_observed": share(every.loc[worst, "observed"], 0),
        "resamples": count(stored["resamples"]),
        "resamples_trees": count(stored["resamples_trees"]),
    }


def _ranked(known, own, trees):
    """What was on file at each date and what the models made of it; blank where no model could be fitted."""
    own, trees = own.reindex(known.index), trees.reindex(known.index)
    return pd.DataFrame(
        {
            "end of": known.index.str[:7],
            "age, months": known["age"].to_numpy(),
            "losses on file": known["losses"].to_numpy(),
            "of those to come": known["final_losses"].to_numpy(),
            "AUC model": own["auc"].to_numpy(),
            "AUC boosting": trees["auc"].to_numpy(),
            "AUC sub-grade": own["auc_against"].to_numpy(),
        }
    )


def _said(own):
    """Share charged off in per cent: what the model said on each date, with its interval, and what came."""
    return pd.DataFrame(
        {
            "end of": own.index.str[:7],
            "loans judged": own["loans"].astype(int).to_numpy(),
            "said, %": 100 * own["predicted"].to_numpy(),
            "from": 100 * own["predicted_low"].to_numpy(),
            "to": 100 * own["predicted_high"].to_numpy(),
            "came, %": 100 * own["observed"].to_numpy(),
        }
    )


def _drawn(stored, known, own, trees):
    """Differences from the sub-grade by age of the platform, group and kind of model."""
    hindsight = stored.table("hindsight").query("window == 6 and model == 'readable'").set_index(["date", "group"])
    kinds = {"on the day": own, "boosting, on the day": trees, "in hindsight": hindsight}
    rows = []
    for kind, table in kinds.items():
        for (date, group), row in table.iterrows():
            if date == "mean":
                continue
            ends = (row["difference_low"], row["difference_high"]) if kind == "on the day" else (None, None)
            rows.append((known.loc[date, "age"], GROUPS[group], kind, row["difference"], *ends))
    return pd.DataFrame(rows, columns=["age", "group", "kind", "difference", "low", "high"])
