"""What a file of loans shows of those who run the platform: loans outside the credit policy, and each year's return."""

import numpy as np
import pandas as pd

from p2pbook.lendingclub import FITTED_TO, TESTED_ON
from p2pbook.replications.selection import BAD_CUT, chosen_traits, outcome_sample
from p2pbook.replications.store import SEED
from p2pbook.traits import formula
from p2pbook.values import HALF
from p2prisk.ordered import OrderedLogit
from p2prisk.validation import delong, jeffreys_interval, stratified_folds

#: folds in which the mark is predicted
_FOLDS = 5

#: three limits that mark most exceptions; they were read off these loans and are not the platform's own text
LIMITS = {"inquiries": 3, "history": 3.0, "dti": 25.0}

#: numbers of an application that the repayment model uses; it takes logarithms of most, and bends five of the lines
_NUMBERS = (
    "amount",
    "income",
    "dti",
    "inquiries",
    "utilisation",
    "public_records",
    "credit_history_years",
    "open_accounts",
    "total_accounts",
    "revolving_balance",
)

#: traits of the repayment model that are classes, and stay so in every form
_CLASSES = ("long_term", "unstated_job", "tenant", "delinquency", "purpose", "vintage", "state")

#: traits that bend a line, and the flag of an empty card
_BENDS = ("income_above_40k", "income_above_100k", "amount_above_6k", "balance_above_20k", "inquiries_above_2")


def management_study(tape):
    """Study the loans "not meeting the credit policy" and the return of each year's loans.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``.

    Returns
    -------
    facts : dict
        How well the mark is told from columns of the day of issue (``mark_auc``), what it adds to them
        (``given_traits_odds``), and what three limits mark.
    tables : dict of pandas.DataFrame
        ``by_mark`` (year of issue and mark: loans, charge-offs, return a year), ``by_year`` (all loans and each term,
        with intervals), ``limits`` (loans and marks beyond each limit), ``forms`` (what the mark adds to the same
        traits in other forms: that of the repayment model was chosen on these very loans and bends near a limit that
        the marked loans show, so that a bend can take up what belongs to the mark).
    """
    frame = tape.frame.assign(year=tape.frame["issue_date"].dt.year, **_money(tape.frame))
    facts, limits, forms = _mark(tape)
    return facts, {
        "by_mark": _returns(frame, ["year", "policy_exception"]),
        "by_year": pd.concat(
            [_returns(frame.assign(term="all"), ["year", "term"]), _returns(frame, ["year", "term"])], ignore_index=True
        ),
        "limits": limits,
        "forms": forms,
    }


def _money(frame):
    """What came in, what was lost, and dollar-years lent, as ``lendingclub_outcomes`` counts them."""
    lost = (frame["amount"] - frame["principal_paid"]).clip(lower=0) - (frame["recoveries"] - frame["recovery_fee"])
    return {
        "earned": frame["interest_paid"] + frame["late_fees"],
        "lost": lost.where(frame["bad"], 0.0),
        "lent": frame["interest_paid"] / (frame["rate"] / 100),
    }


def _returns(frame, keys):
    """Loans, charge-offs and return a year of each group; the interval is that of a ratio of two sums over loans."""
    rows = []
    for key, part in frame.groupby(keys, observed=True):
        came, lent = (part["earned"] - part["lost"]).to_numpy(dtype=float), part["lent"].to_numpy(dtype=float)
        yearly, loans, bad = came.sum() / lent.sum(), len(part), int(part["bad"].sum())
        half = HALF * np.sqrt(loans) * np.std(came - yearly * lent, ddof=1) / lent.sum()
        rate_low, rate_high = jeffreys_interval(bad, loans)
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "loans": loans,
                "bad": bad,
                "rate": bad / loans,
                "rate_low": float(rate_low),
                "rate_high": float(rate_high),
                "return": yearly,
                "return_low": yearly - half,
                "return_high": yearly + half,
            }
        )
    return pd.DataFrame(rows)


def _mark(tape):
    """How the mark is told from the day of issue, and what it adds to the traits."""
    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    early = table[table["year"] <= FITTED_TO]
    raw = tape.frame.loc[early.index]
    mark = raw["policy_exception"].astype(int).to_numpy()
    bad = (early["severity"].cat.codes >= BAD_CUT).astype(int)
    data = early.assign(bad=bad, mark=mark)
    score = np.full(len(data), np.nan)
    words = formula("mark", traits)
    folds = stratified_folds(mark, _FOLDS, SEED)
    for fold in range(_FOLDS):
        fit = OrderedLogit.from_formula(words, data[folds != fold]).fit()
        score[folds == fold] = np.asarray(fit.predict(data[folds == fold], which="linear"))
    area = delong(mark, score).table.iloc[0]
    alone = OrderedLogit.from_formula("bad ~ mark", data).fit()
    given = OrderedLogit.from_formula(formula("bad", traits) + " + mark", data).fit()
    forms = _forms(data, raw, traits)
    beyond, limits = _limits(tape.frame)
    marked = tape.frame["policy_exception"].to_numpy()
    before = (tape.frame["issue_date"].dt.year <= FITTED_TO).to_numpy()
    return (
        {
            "loans": len(tape.frame),
            "early_loans": int(before.sum()),
            "exceptions": int(marked.sum()),
            "bad_rate_exceptions": float(tape.frame["bad"][marked].mean()),
            "bad_rate_others": float(tape.frame["bad"][before & ~marked].mean()),
            **{f"mark_{name}": float(area[name]) for name in ("auc", "ci_low", "ci_high")},
            **_odds("unadjusted", alone),
            **_odds("given_traits", given),
            "marked_beyond": float(beyond[marked].mean()),
            "unmarked_beyond": float(beyond[before & ~marked].mean()),
            "beyond_marked": float(marked[before & beyond].mean()),
            "beyond_2011": float(beyond[~before].mean()),
        },
        limits,
        forms,
    )


def _forms(data, raw, traits):
    """Odds ratio of the mark given the same traits in other forms, on the same loans; the best form has the least AIC.

    Each form was run once and all are printed, whatever they say.
    """
    numbers = raw[list(_NUMBERS)].astype(float)
    straight = ((numbers - numbers.mean()) / numbers.std(ddof=0)).add_prefix("straight_")
    asked = numbers["inquiries"].clip(upper=8)
    held = straight.assign(straight_inquiries=asked)
    tenths = pd.DataFrame(
        {
            f"tenth_{name}": pd.Categorical(pd.qcut(numbers[name].rank(method="first"), 10, labels=False))
            for name in _NUMBERS
            if name not in ("inquiries", "public_records")
        },
        index=data.index,
    ).assign(inquiries_class=pd.Categorical(asked.astype(int)), public_record=data["public_record"])
    own, classes = [trait.name for trait in traits], list(_CLASSES)
    beyond = (
        pd.DataFrame(_beyond(raw), index=data.index).astype(float).set_axis(["limit_1", "limit_2", "limit_3"], axis=1)
    )
    ways = {
        "as in the repayment model": (own, None),
        "the same, inquiries as classes": (
            [name for name in own if not name.startswith("inquiries")],
            tenths[["inquiries_class"]],
        ),
        "the same, no line bent": ([name for name in own if name not in _BENDS], None),
        "the same, and the three limits": (own, beyond),
        "straight lines": (classes, straight),
        "straight lines, inquiries held at eight": (classes, held),
        "tenths of every number": (classes, tenths),
    }
    rows = []
    for words, (names, more) in ways.items():
        part = data[["bad", "mark", *names]]
        part = part if more is None else pd.concat([part, more], axis=1)
        fit = OrderedLogit.from_formula("bad ~ " + " + ".join(name for name in part if name != "bad"), part).fit()
        odds = {name.removeprefix("mark_"): value for name, value in _odds("mark", fit).items()}
        rows.append({"form": words, **odds, "slopes": len(fit.slopes), "aic": float(fit.aic)})
    return pd.DataFrame(rows)


def _odds(name, fit):
    estimate, se = float(fit.params["mark"]), float(fit.bse["mark"])
    return {
        f"{name}_odds": float(np.exp(estimate)),
        f"{name}_low": float(np.exp(estimate - HALF * se)),
        f"{name}_high": float(np.exp(estimate + HALF * se)),
        f"{name}_se": se,
    }


def _beyond(frame):
    """Which loans lie beyond each of three limits."""
    tests = {
        f"more than {LIMITS['inquiries']} inquiries in six months": frame["inquiries"] > LIMITS["inquiries"],
        f"credit history under {LIMITS['history']:g} years": frame["credit_history_years"] < LIMITS["history"],
        f"debt service of {LIMITS['dti']:g} % of income or more": frame["dti"] >= LIMITS["dti"],
    }
    return {words: rows.fillna(False).to_numpy(dtype=bool) for words, rows in tests.items()}


def _limits(frame):
    """Loans beyond each of three limits, and how many of these are marked; loans to 2010 and of 2011."""
    tests = _beyond(frame)
    beyond = np.any(list(tests.values()), axis=0)
    tests |= {"any of the three": beyond, "none of the three": ~beyond}
    before = (frame["issue_date"].dt.year <= FITTED_TO).to_numpy()
    later = (frame["issue_date"].dt.year == TESTED_ON).to_numpy()
    mark, bad = frame["policy_exception"].to_numpy(dtype=bool), frame["bad"].to_numpy(dtype=bool)
    rows = [
        {
            "limit": words,
            "loans": int((rows & before).sum()),
            "marked": float(mark[rows & before].mean()),
            "bad_rate": float(bad[rows & before].mean()),
            "loans_2011": int((rows & later).sum()),
            "marked_2011": int(mark[rows & later].sum()),
            "bad_2011": int(bad[rows & later].sum()),
        }
        for words, rows in tests.items()
    ]
    return beyond, pd.DataFrame(rows)
