"""Overrides: when a person may set another grade than the card, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.errors import DataError
from p2prisk.validation import jeffreys_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class OverridePolicy:
    """What a person may change.

    Attributes
    ----------
    notches_up : int
        Grades by which a loan may be placed better than the card says. Upward overrides lend to people that the card
        would price higher or decline: few notches, and a second signature.
    notches_down : int
        Grades by which it may be placed worse.
    reasons : tuple of str
        Admissible reasons. A reason that speaks of something the card already counts is no reason.
    most : float
        Share of overridden loans above which the card, not the loans, is to be looked at.
    """

    notches_up: int = 1
    notches_down: int = 7
    reasons: tuple = (
        "verified income not on file",
        "fraud suspicion",
        "record in error, corrected",
        "identity or address not verified",
        "information from the interview",
    )
    most: float = 0.05


def apply_overrides(
    loans: pd.DataFrame, overrides: pd.DataFrame, policy: OverridePolicy | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Apply overrides to graded loans, and refuse those outside the policy.

    Parameters
    ----------
    loans : pandas.DataFrame
        ``loan_id`` and ``grade`` (ordered categorical).
    overrides : pandas.DataFrame
        ``loan_id, grade`` (wanted), ``reason, by, second``; `second` is the second signature, needed upward.
    policy : OverridePolicy, optional

    Returns
    -------
    graded : pandas.DataFrame
        `loans` with ``final_grade`` and ``notches`` (positive is worse).
    log : pandas.DataFrame
        `overrides` with ``notches, accepted, why`` (empty where accepted).
    alarm : bool
        Whether the share of accepted overrides passes ``policy.most``.

    Raises
    ------
    DataError
        A column is absent, a loan is unknown or named twice, or the grade is not on the scale.
    """
    policy = policy or OverridePolicy()
    for frame, names, what in (
        (loans, ("loan_id", "grade"), "loans"),
        (overrides, ("loan_id", "grade", "reason", "by", "second"), "overrides"),
    ):
        absent = [name for name in names if name not in frame]
        if absent:
            raise DataError(f"{what} lack {', '.join(absent)}")
    if not (isinstance(loans["grade"].dtype, pd.CategoricalDtype) and loans["grade"].cat.ordered):
        raise DataError("grade must be an ordered Categorical, best first")
    if loans["loan_id"].duplicated().any() or overrides["loan_id"].duplicated().any():
        raise DataError("a loan_id occurs twice; one loan has one grade and at most one override")
    place = pd.Index(loans["loan_id"]).get_indexer(overrides["loan_id"])
    if (place < 0).any():
        raise DataError(f"override of an unknown loan: {overrides['loan_id'].iloc[int(np.argmax(place < 0))]}")
    labels = loans["grade"].cat.categories
    wanted = labels.get_indexer(overrides["grade"])
    if (wanted < 0).any():
        raise DataError(
            f"grade {overrides['grade'].iloc[int(np.argmax(wanted < 0))]!r} is not on the scale "
            f"({', '.join(map(str, labels))})"
        )
    own = loans["grade"].cat.codes.to_numpy()
    notches = wanted - own[place]
    signed = overrides["second"].notna().to_numpy() & (overrides["second"] != overrides["by"]).to_numpy()
    why = np.select(
        [
            own[place] < 0,
            ~overrides["reason"].isin(policy.reasons).to_numpy(),
            notches == 0,
            -notches > policy.notches_up,
            notches > policy.notches_down,
            (notches < 0) & ~signed,
        ],
        [
            "the card gives no grade: refer the loan",
            "not an admissible reason",
            "no change",
            f"more than {policy.notches_up} up",
            f"more than {policy.notches_down} down",
            "no second signature by another person",
        ],
        default="",
    )
    accepted = why == ""
    final = own.copy()
    final[place[accepted]] = wanted[accepted]
    graded = loans.assign(
        final_grade=pd.Categorical.from_codes(final, labels, ordered=True), notches=(final - own).astype(int)
    )
    log = overrides.assign(notches=notches, accepted=accepted, why=why)
    return graded, log, bool(accepted.sum() > policy.most * len(loans))


def override_audit(graded: pd.DataFrame, event: ArrayLike, confidence: float = 0.95) -> pd.DataFrame:
    """Did the people who overrode know better than the card?

    Parameters
    ----------
    graded : pandas.DataFrame
        Of :func:`apply_overrides`, loans that have ended.
    event : array_like of bool
        Default of each loan.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row a direction (``better than the card``, ``as the card``, ``worse than the card``): ``loans, events, rate,
        ci_low, ci_high``, ``at_card_grade`` and ``at_final_grade`` (rates that the loans left as the card graded them
        have in those grades). Upward overrides are worth keeping when their rate lies at the final grade's rather
        than at the card's.
    """
    event = np.asarray(event, float)
    if len(event) != len(graded):
        raise DataError(f"{len(event)} outcomes are given for {len(graded)} loans")
    notches = graded["notches"].to_numpy()
    left = notches == 0
    base = pd.Series(event[left]).groupby(graded["grade"].astype(object).to_numpy()[left]).mean()
    rows = []
    for label, mine in (
        ("better than the card", notches < 0),
        ("as the card", left),
        ("worse than the card", notches > 0),
    ):
        events, loans = float(event[mine].sum()), int(mine.sum())
        low, high = jeffreys_interval(events, loans, confidence) if loans else (np.nan, np.nan)
        rates = [
            base.reindex(graded[c].astype(object).to_numpy()[mine]).mean() if loans else np.nan
            for c in ("grade", "final_grade")
        ]
        rows.append(
            {
                "direction": label,
                "loans": loans,
                "events": int(events),
                "rate": events / loans if loans else np.nan,
                "ci_low": float(low),
                "ci_high": float(high),
                "at_card_grade": rates[0],
                "at_final_grade": rates[1],
            }
        )
    return pd.DataFrame(rows)
