"""Chapter *From model to grade*: the score card of the one model, its grades, and what later loans say of them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p2pbook.known import stamp
from p2pbook.lendingclub import AFTER_ALL_ENDED, LABELS, book_card, calibration_by_year, class_losses
from p2pbook.replications import replication
from p2pbook.values import Value, count, share
from p2pbook.words import by_count, joined
from p2prisk.datasets import table
from p2prisk.ordered import OrderedLogit
from p2prisk.scorecard import OverridePolicy, Scorecard, grade_table, homogeneity, separation
from p2prisk.validation import auc, calibration_slope_intercept

#: The level of the tests of grades.
LEVEL = 0.05


@dataclass(frozen=True)
class Assessment:
    """Numbers and tables of the chapter."""

    #: the card with its scale; the loans it was made on, and those of 2011
    card: Scorecard
    train: pd.DataFrame
    test: pd.DataFrame
    questions: Value
    grades: Value
    loans_train: Value
    loans_test: Value
    #: losses of the loans to 2010: on file on the last day of 2010, and in the end
    known_losses: Value
    final_losses: Value
    #: scores of the riskiest and the safest borrower
    riskiest: Value
    safest: Value
    base_score: Value
    base_odds: Value
    points_to_double: Value
    auc_train: Value
    auc_test: Value
    #: characteristic -> most points it can cost
    inquiries_odds: Value
    employment_blank: Value
    employment_stated: Value
    #: sentences: grades whose probability proved too low, as the test finds it, and what came in the worst of them
    proved_too_low: str
    found_too_low: str
    too_bold: str
    safest_pd: Value
    safest_rate: Value
    #: calibration slopes in 2011: of the card, and of a binary logit
    slope: Value
    slope_binary: Value
    later: pd.DataFrame
    #: separation: smallest step between neighbours in points, largest p-value in 2011
    step_train: Value
    step_test: Value
    separation_pvalue: Value
    homogeneous: str
    loss_early: Value
    loss_late: Value
    years: pd.DataFrame
    #: year of issue -> odds of default as multiples of what the card says
    odds: dict[int, Value]
    most_overridden: Value
    #: group of purposes -> the purposes in it
    purposes: dict[str, str]
    #: made-up requests to overrule the card
    graded: pd.DataFrame
    requests: pd.DataFrame


@cache
@stamp(AFTER_ALL_ENDED)
def compute():
    """Compute the chapter.

    Returns
    -------
    Assessment
    """
    made = book_card(losses=class_losses())
    card, train, test = made.card, made.train, made.test
    early, late = card.score(train), card.score(test)
    graded, requests = _overrides()
    then = replication("e2-decisions")["as_known"]
    return Assessment(
        known_losses=count(then["known_losses"]),
        final_losses=count(then["final_losses"]),
        card=card,
        train=train,
        test=test,
        questions=count(len(card.characteristics)),
        grades=count(len(card.scale.labels)),
        loans_train=count(train["n"].sum()),
        loans_test=count(test["n"].sum()),
        auc_train=Value(auc(train["bad"], early["pd"], train["n"]), 3),
        auc_test=Value(auc(test["bad"], late["pd"], test["n"]), 3),
        purposes=_purposes(),
        graded=graded,
        requests=requests,
        **_points(card),
        **_grades(card, (train, early), (test, late)),
        **_slopes(train, test, late),
        **_elsewhere(card, pd.concat([train, test])),
    )


def _purposes():
    classes = table("lendingclub_2007_2011_classes").query("column == 'purpose_group'")
    return {
        group: names.replace("; ", ", ") for group, names in zip(classes["class"], classes["purposes"], strict=True)
    }


def _points(card):
    known = card.attributes[card.attributes["estimated"]].drop(columns="estimated")
    by_characteristic = known.groupby("characteristic")
    points = known.set_index(["characteristic", "attribute"])["points"]
    inquiries = known.loc[known["characteristic"] == "inquiries_band", "coefficient"]
    return {
        "safest": count(known.loc[known["lost"] == 0, "points"].sum()),
        "riskiest": count(by_characteristic["points"].min().sum()),
        "base_score": count(card.base_score),
        "base_odds": count(card.base_odds),
        "points_to_double": count(card.points_to_double),
        # from the coefficients, as points are rounded
        "inquiries_odds": Value(np.exp(np.ptp(inquiries)), 1),
        "employment_blank": count(points["employment_band", "not stated"]),
        "employment_stated": count(points["employment_band", "stated"]),
    }


def _grades(card, made_on, tested_on):
    scale, ((train, early), (test, late)) = card.scale, (made_on, tested_on)
    later = grade_table(scale, late["pd"], test["bad"], test["n"])
    by_grade, low = later.set_index("grade"), later.loc[later["pvalue_holm"] < LEVEL, "grade"].tolist()
    apart, apart_later = (
        separation(scale, scored["pd"], part["bad"], part["n"]) for part, scored in (made_on, tested_on)
    )
    losses = class_losses()
    return {
        "later": _shown(later, mean_by_grade(early["expected_severity"], early["grade"], train["n"])),
        "proved_too_low": proved_sentence(low, len(later)),
        "found_too_low": found_sentence(low, len(later)),
        "safest_pd": share(by_grade["pd"].iloc[0]),
        "safest_rate": share(by_grade["observed"].iloc[0]),
        "too_bold": too_bold_sentence(by_grade, low),
        "step_train": Value(100 * apart["difference"].min(), 1),
        "step_test": Value(100 * apart_later["difference"].min(), 1),
        "separation_pvalue": Value(apart_later["pvalue_holm"].max(), 4),
        "homogeneous": homogeneous_sentence(homogeneity(scale, early["pd"], train["bad"], train["n"])),
        "loss_early": share(losses[3], 0),
        "loss_late": share(losses[2], 0),
    }


def mean_by_grade(values, grades, loans):
    """Mean of a quantity over the loans of each grade, best first.

    Parameters
    ----------
    values, loans : pandas.Series
        The quantity, and how many loans have it.
    grades : pandas.Series of ordered categories

    Returns
    -------
    pandas.Series
        Index: every grade; missing where it has no loan.
    """
    loans = pd.Series(np.asarray(loans), index=grades.index)
    return (values * loans).groupby(grades, observed=False).sum() / loans.groupby(grades, observed=False).sum()


def _shown(later, expected):
    rates = ["pd", "observed", "prudent"]
    ends = zip(100 * later["ci_low"], 100 * later["ci_high"], strict=True)
    shown = later.assign(
        **100 * later[rates], loss=100 * expected.to_numpy(), interval=[f"{low:.1f}–{high:.1f}" for low, high in ends]
    )
    names = {
        "grade": "Grade",
        "loans": "Loans",
        "pd": "PD",
        "observed": "Rate",
        "interval": "Interval",
        "pvalue_holm": "p",
        "prudent": "Prudent",
        "loss": "Loss",
    }
    return shown[list(names)].rename(columns=names)


def proved_sentence(grades, of):
    """Say in a clause which grades have a probability that proved too low."""
    names = ", ".join(grades)
    return by_count(
        len(grades),
        of,
        none="the probability of no grade proved too low",
        one=f"the probability of grade {names} proved too low",
        some=f"the probabilities of grades {names} proved too low",
        every="the probabilities of all grades proved too low",
    )


def found_sentence(grades, of):
    """Say in which grades the test finds the probability too low."""
    names = ", ".join(grades)
    return by_count(
        len(grades), of, none="in no grade", one=f"in grade {names}", some=f"in grades {names}", every="in all grades"
    )


def homogeneous_sentence(inside, level=LEVEL):
    """Say in how many grades the halves do not differ beyond chance, and in which they differ most.

    Parameters
    ----------
    inside : pandas.DataFrame
        From :func:`p2prisk.scorecard.homogeneity`: ``grade, lowest, highest, pvalue_holm``.
    level : float

    Returns
    -------
    str
    """
    mixed = inside[inside["pvalue_holm"] < level]
    most = inside.loc[inside["pvalue_holm"].idxmin()]
    rates = f"{share(most['lowest'])} against {share(most['highest'])}"
    alike = by_count(
        len(inside) - len(mixed),
        len(inside),
        none="In all {whole} grades the halves differ beyond chance",
        one="In {part} of {whole} grades the halves do not differ beyond chance",
        some="In {part} of {whole} grades the halves do not differ beyond chance",
        every="In all {whole} grades the halves do not differ beyond chance",
    )
    differ = by_count(
        len(mixed),
        len(inside),
        none="",
        one=f". In grade {most['grade']} they do: {rates}",
        some=f". In grades {joined(mixed['grade'])} they do, in grade {most['grade']} most: {rates}",
        every=f", in grade {most['grade']} most: {rates}",
    )
    return alike + differ


def too_bold_sentence(by_grade, grades):
    """Say of the worst of the grades whose probability is too low what it says and what came."""
    if not grades:
        return "In no grade is it not careful enough"
    row = by_grade.loc[grades[-1]]
    return (
        f"In grade {grades[-1]} it says {share(row['pd'])} and {share(row['observed'])} defaulted: not careful enough"
    )


def _slopes(train, test, late):
    formula = "bad ~ " + " + ".join(f"C({name})" for name in LABELS)
    binary = OrderedLogit.from_formula(formula, train, freq_weights="n").fit()
    slopes = {}
    for name, forecast in {"slope": late["pd"], "slope_binary": np.asarray(binary.predict(test))[:, 1]}.items():
        row = calibration_slope_intercept(test["bad"], forecast, test["n"]).loc["slope"]
        slopes[name] = Value(row["value"], low=row["ci_low"], high=row["ci_high"])
    return slopes


def _elsewhere(card, counts):
    years = calibration_by_year(card, counts)
    return {
        "years": pd.DataFrame(
            {
                "Year": years["year"].astype(str),
                "Loans": years["loans"],
                "Card": 100 * years["predicted"],
                "Happened": 100 * years["observed"],
                "Shift": years["shift"],
                "Odds": years["odds"],
            }
        ),
        "odds": {year: Value(value) for year, value in years.set_index("year")["odds"].items()},
        "most_overridden": share(OverridePolicy().most, 0),
    }


def _overrides():
    reason, ids = OverridePolicy().reasons, list("abcd")
    graded = pd.DataFrame({"loan_id": ids, "grade": pd.Categorical(list("3523"), list("1234567"), ordered=True)})
    requests = pd.DataFrame(
        {
            "loan_id": ids,
            "grade": list("2257"),
            "by": "officer",
            "second": ["head", "head", None, None],
            "reason": [reason[0], reason[0], "a good impression", reason[1]],
        }
    )
    return graded, requests
