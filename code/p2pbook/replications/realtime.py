"""The test on the day: fitted on what was known at each decision date, judged on the loans issued next.

A loan is judged by its final outcome; a model learns from the ends on file at the date alone (a charge-off is on file
five months after the last payment), so that running loans count as running. Two models on the same fourteen columns:
the readable hazard of :mod:`p2prisk.standard_hazard`, and gradient boosting on the same known ends, one row a loan and
month at risk. Beside them the platform's sub-grade, which was set on the day of issue; and, named as hindsight, the
same hazard fitted to the final outcomes of the same loans, which no lender had.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.ensemble import HistGradientBoostingClassifier

from p2pbook.lendingclub import TRAITS
from p2pbook.replications.selection import BOOSTING
from p2pbook.replications.store import SEED, replication
from p2prisk.hazard import spells
from p2prisk.standard_hazard import fit_standard_hazard
from p2prisk.tape import CHARGE_OFF_LAG, LoanTape
from p2prisk.validation import MonthBootstrap, auc, delong, rolling_origin

#: ends of the half-years on which the platform decides, as far as loans follow
DATES = tuple(f"{year}-{day}" for year in range(2008, 2012) for day in ("06-30", "12-31"))[:-1]

#: months after a date whose loans are judged: up to the next date, so that each loan is judged once
WINDOW = 6

#: the one date on which the loans of a whole year are judged
LAST, YEAR = "2010-12-31", 12

#: known losses below which no model is fitted: one for each slope of the hazard
LEAST_LOSSES = 30

#: resamples of months of issue, each with a refit at every date: of the hazard, of the trees (ten times as slow)
RESAMPLES, RESAMPLES_TREES = 200, 60

#: of the months in which a loan ran on, the trees see one in so many, with that weight
_ONE_IN = 10

#: shares of the judged loans shut out, worst first, to see what a rule does to the rank of its own score
SHUT_OUT = (0.0, 0.1, 0.2, 0.3, 0.4)

#: other ways to fit the hazard on the last date; each was run once, none was chosen by its result
SPECIFICATIONS = {
    "as drawn": {},
    "charge-offs known with the last payment": {"lag": 0},
    "charge-offs known after three months": {"lag": 3},
    "charge-offs known after eight months": {"lag": 8},
    "smooth in age": {"baseline": "np.log(age)"},
    "repayment not modelled": {"ends": "default"},
    "term among the traits": {"more": ("term",)},
    "no list columns (job, home, purpose)": {"less": ("employment", "home", "purpose")},
    "credit record left out": {"less": ("delinquencies_2y", "public_records", "credit_history_years")},
}


def _filled(frame, known):
    """Blanks of numbers set to the median known on the day, as a handful of blanks separates the few known ends."""
    numbers = [name for name in TRAITS if pd.api.types.is_numeric_dtype(known[name])]
    return frame.assign(**{name: frame[name].fillna(known[name].median()) for name in numbers})


def readable(known, traits=TRAITS, **options):
    """Fit the hazard of default and of repayment; the score is the chance of default within term and lag.

    Parameters
    ----------
    known : LoanTape
        As of the decision date.
    traits : sequence of str
    **options
        As of :func:`p2prisk.standard_hazard.fit_standard_hazard`.

    Returns
    -------
    callable
        Frame of later loans -> array.
    """
    # hundreds of fits: the compiled kernel takes a third of the time at these sizes, once it is loaded
    tape = LoanTape(_filled(known.frame, known.frame), known.provenance)
    model = fit_standard_hazard(tape, traits, compiled=True, **options)
    return lambda frame: model.score(_filled(frame, known.frame))


def trees(known):
    """Fit gradient boosting to the same ends: how each month of each loan ended (running, default, repaid).

    Of the months in which a loan ran on, one in ten is kept, with weight ten. The score is the chance of default within
    term and lag, as for the hazard: the chances of the third month of a half-year stand for the six, and past the last
    half-year seen they are held. The setting is the one that e2-selection chose, with hindsight in favour of
    the trees.
    """
    seen = spells(known).frame
    frame, length = known.frame.loc[seen.index, list(TRAITS)], seen["exit"].to_numpy()
    rows = np.repeat(np.arange(len(frame)), length)
    month = np.arange(len(rows)) - np.repeat(np.cumsum(length) - length, length) + 1
    ended = np.where(month == length[rows], seen["ending"].cat.codes.to_numpy()[rows], 0)
    kept = (ended > 0) | (np.random.default_rng(SEED).random(len(rows)) < 1 / _ONE_IN)
    rows, month, ended = rows[kept], month[kept], ended[kept]
    setting = BOOSTING[replication("e2-selection")["boosting"]]
    model = HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=SEED, early_stopping=False, **setting
    )
    weights = np.where(ended > 0, 1.0, _ONE_IN)
    model.fit(frame.iloc[rows].reset_index(drop=True).assign(month=month), ended, sample_weight=weights)
    lists = {name: frame[name].dtype for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)}

    def score(later):
        ends = later["term"].to_numpy() + CHARGE_OFF_LAG
        # a level that no loan had is a blank to the trees
        levels = {name: later[name].cat.set_categories(dtype.categories) for name, dtype in lists.items()}
        later = later[list(TRAITS)].assign(**levels)
        running, default = np.ones(len(later)), np.zeros(len(later))
        for first in range(1, int(ends.max()) + 1, 6):
            if first + 2 <= length.max():
                chance = model.predict_proba(later.assign(month=first + 2))
            for number in range(first, first + 6):
                default += np.where(number <= ends, running * chance[:, 1], 0.0)
                running = running * chance[:, 0]
        return default

    return score


def _with_final_outcomes(tape, traits):
    """Make a fit of the hazard that learns from the final outcomes of the loans issued up to the date."""

    def fit(known):
        frame = tape.frame[tape.frame["issue_date"] <= known.provenance["record_date"]]
        return readable(LoanTape(frame.reset_index(drop=True), tape.provenance), traits)

    return fit


def realtime_study(tape):
    """Rank and level of the readable model, of boosting and of the sub-grade at rolling decision dates.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
    tables : dict of pandas.DataFrame
        ``known`` (what was on file at each date), ``rank`` (one row a date, window, group and model, with intervals
        that refit and DeLong's beside them), ``over_trees`` (hazard less trees, from the same resamples, with the
        standard error that its ends have from so few of them),
        ``hindsight``, ``specifications`` and ``shut_out`` (last date).

    Notes
    -----
    Intervals: estimate plus and minus 1.96 standard deviations over resamples of months of issue, of the loans to
    learn from and of the loans to judge, with a refit. A half-year has six months to draw from, which makes its
    interval a little too narrow. A resample without the one or two months in which 60 months began says nothing of
    that term at that date and counts for the rest.
    """
    known = _known(tape)
    dates = known.loc[known["losses"] >= LEAST_LOSSES, "date"].tolist()
    runs = ((WINDOW, dates), (YEAR, [LAST]))
    rank, over = [], []
    for window, when in runs:
        drawn = {}
        for name, fit, resamples in (("readable", readable, RESAMPLES), ("trees", trees, RESAMPLES_TREES)):
            found = _judge(tape, when, window, fit, resamples)
            drawn[name] = found
            rank.append(_with_delong(tape, found).assign(model=name, window=window))
        over.append(_over(*drawn.values()).assign(window=window))
    facts = {
        "first_loan": tape.frame["issue_date"].min(),
        "traits": list(TRAITS),
        "resamples": RESAMPLES,
        "resamples_trees": RESAMPLES_TREES,
        "least_losses": LEAST_LOSSES,
        "window": WINDOW,
        "last": LAST,
        "trees": dict(BOOSTING[replication("e2-selection")["boosting"]]),
    }
    return facts, {
        "known": known,
        "rank": pd.concat(rank),
        "over_trees": pd.concat(over),
        "hindsight": _hindsight(tape, runs),
        "specifications": _specifications(tape),
        "shut_out": _shut_out(tape),
    }


def _judge(tape, dates, window, fit, resamples=0, **options):
    options |= {"bootstrap": MonthBootstrap(resamples, seed=SEED) if resamples else None}
    return rolling_origin(tape, dates, fit, window=window, by="term", against="sub_grade", **options)


def _known(tape):
    """What was on file at each date: age of the platform, loans, losses, and which share of the final losses."""
    first, rows = tape.frame["issue_date"].min(), []
    for date in DATES:
        day, known = pd.Timestamp(date), tape.as_of(date).frame
        issued = tape.frame[tape.frame["issue_date"] <= day]
        long = issued["term"] == 60
        lost = known["status"] == "charged off"
        rows.append(
            {
                "date": date,
                "age": 12 * (day.year - first.year) + day.month - first.month + 1,
                "loans": len(known),
                "losses": int(lost.sum()),
                "final_losses": int(issued["bad"].sum()),
                "losses_60": int((lost & (known["term"] == 60)).sum()),
                "final_losses_60": int(issued.loc[long, "bad"].sum()),
            }
        )
    return pd.DataFrame(rows)


def _with_delong(tape, found):
    """The table of a run, with DeLong's interval of the difference, which holds the fit fixed."""
    code, term = tape.frame["sub_grade"].cat.codes.to_numpy(dtype=float), tape.frame["term"].to_numpy()
    rows = []
    for (date, group), row in found.table.set_index(["date", "group"]).iterrows():
        low = high = np.nan
        if date != "mean":
            part = found.scores[found.scores["date"] == date]
            part = part if group == "all" else part[term[part["row"]] == int(group)]
            pair = delong(part["event"], {"model": part["score"], "sub-grade": code[part["row"]]}).comparisons.iloc[0]
            low, high = pair["ci_low"], pair["ci_high"]
        rows.append({"date": date, "group": group, **row, "delong_low": low, "delong_high": high})
    return pd.DataFrame(rows).drop(columns=["unjudged", "known_events"])


def _over(first, second):
    """Difference of two runs with the same seed, resample by resample."""
    keys = ["date", "group"]
    both = first.draws.merge(second.draws, on=["resample", *keys], suffixes=("", "_other"))
    spread = (both["auc"] - both["auc_other"]).groupby([both["date"], both["group"]]).std(ddof=1)
    table = first.table[keys].assign(difference=first.table["auc"] - second.table["auc"])
    # few resamples: Student's t, as the spread itself is uncertain
    quantile = student.isf(0.025, both["resample"].nunique() - 1)
    half = quantile * spread.reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy()
    error = half / np.sqrt(2 * (both["resample"].nunique() - 1))
    return table.assign(low=table["difference"] - half, high=table["difference"] + half, error=error)


def _hindsight(tape, runs):
    """The hazard with final outcomes of the same loans; and with the term, whose effect hindsight alone can tell."""
    columns = ["date", "group", "loans", "auc", "auc_against", "difference", "predicted", "observed"]
    rows = []
    for window, when in runs:
        for name, traits in (("readable", TRAITS), ("readable with term", (*TRAITS, "term"))):
            found = _judge(tape, when, window, _with_final_outcomes(tape, traits)).table
            rows.append(found[columns].assign(model=name, window=window))
    return pd.concat(rows)


def _specifications(tape):
    rows = []
    for name, options in SPECIFICATIONS.items():
        options = dict(options)
        less, more, lag = options.pop("less", ()), options.pop("more", ()), options.pop("lag", None)
        traits = [trait for trait in TRAITS if trait not in less] + list(more)

        def fit(known, traits=traits, options=options):
            return readable(known, traits, **options)

        table = _judge(tape, [LAST], YEAR, fit, lag=lag).table
        rows.append(table[["group", "auc", "auc_against", "difference"]].assign(specification=name))
    return pd.concat(rows)


def _shut_out(tape):
    """Areas of both scores among the loans that a rule by either of them would still take.

    A score that decides who gets a loan is judged on those it let in. The platform's own rule cannot be undone with
    loans it took; a second, harder rule shows what a rule does to the rank of the score it uses.
    """
    scores = _judge(tape, [LAST], YEAR, readable).scores
    code = tape.frame["sub_grade"].cat.codes.to_numpy(dtype=float)[scores["row"]]
    term = tape.frame["term"].to_numpy()[scores["row"]]
    event, own, rows = scores["event"].to_numpy(), scores["score"].to_numpy(), []
    for group, inside in (("all", term > 0), ("36", term == 36)):
        for rule, by in (("sub-grade", code), ("readable", own)):
            for share in SHUT_OUT:
                kept = inside & (by <= np.quantile(by[inside], 1 - share))
                rows.append(
                    {
                        "group": group,
                        "rule": rule,
                        "shut_out": share,
                        "loans": int(kept.sum()),
                        "auc": auc(event[kept], own[kept]),
                        "auc_sub_grade": auc(event[kept], code[kept]),
                    }
                )
    return pd.DataFrame(rows)
