"""Reject inference on applications that were declined: what the accepted loans can say of them, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from p2prisk.errors import DataError, count_of
from p2prisk.standard import fit_standard

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

#: by how much the odds of the declined exceed what their traits say
_FACTORS = (1.0, 1.5, 2.0, 4.0)


class Declined:
    """What a study can say of declined applications.

    Attributes
    ----------
    table : pandas.DataFrame
        ``assumption``, ``declined`` (share that would have gone bad), ``all`` (of all applicants). The first and the
        last row are bounds that no assumption narrows (Manski 1989, Journal of Human Resources 24).
    shared : list of str
        Traits that both the loans and the applications have.
    unseen : float
        Share of the declined with a value that no accepted loan had.
    gaps : float
        Share of the declined in which a trait is missing.
    """

    def __init__(self, study: TapeStudy) -> None:
        from p2prisk.policy import default_rate_bounds

        tape = study.settings.declined
        if tape is None:
            raise DataError("no declined applications are given (--declined FILE)")
        frame = tape.frame
        self.shared = [rule["column"] for rule in study.outcome_model.rules if rule["column"] in frame]
        self.shared = [name for name in self.shared if name != "issue_date" and frame[name].notna().any()]
        if not self.shared:
            raise DataError("the declined applications have none of the traits of the model")
        model = fit_standard(study.sample, study.outcome, self.shared)
        scored = model.score(frame)
        self.unseen = float((scored["new_level"] | scored["out_of_range"]).mean())
        self.gaps = float(scored["missing"].mean())
        self.loans, self.applications = study.loans(), len(frame)
        accepted = self.loans / (self.loans + self.applications)
        rate = study.bad_share()
        low, high = default_rate_bounds(rate, accepted)
        odds = logit(scored["pd"].to_numpy())
        rows = [("none of them would have gone bad", 0.0, low)]
        for factor in _FACTORS:
            share = float(expit(odds + np.log(factor)).mean())
            words = "as their traits say" if factor == 1 else f"odds {factor:g} times what their traits say"
            rows.append((words, share, accepted * rate + (1 - accepted) * share))
        rows.append(("all of them would have gone bad", 1.0, high))
        self.table = pd.DataFrame(rows, columns=["assumption", "declined", "all"])

    def sentence(self) -> Any:
        """What is known and what is assumed, in words."""
        first = self.table.iloc[1]
        gaps = (
            f"A trait is missing in {100 * self.gaps:.1f} per cent of them; where few loans lacked it, the model takes "
            "the median of the loans, or the stand-in of a rare class. "
            if self.gaps
            else ""
        )
        return (
            f"{self.applications:,d} declined applications share {count_of(len(self.shared), 'trait')} with the loans "
            f"({', '.join(self.shared)}). A model of that alone puts the share of the declined that would "
            f"have gone bad at {100 * first['declined']:.1f} per cent, if what the lender saw besides says nothing; "
            f"{100 * self.unseen:.1f} per cent of them have a value that no accepted loan had. "
            f"{gaps}What the loans cannot say is in the other rows. All applicants are here these applications and the "
            f"{count_of(self.loans, 'loan')} studied: the file has to be of the time in which these were issued."
        )
