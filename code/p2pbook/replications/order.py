"""Which traits carry the repayment model: with the policy exceptions, without them, and in 2011."""

import numpy as np
import pandas as pd
from scipy.special import expit

from p2pbook.lendingclub import FITTED_TO
from p2pbook.replications.selection import BAD_CUT, chosen_traits, outcome_sample
from p2pbook.replications.store import SEED
from p2pbook.traits import formula
from p2pbook.values import HALF
from p2prisk.ordered import OrderedLogit
from p2prisk.scorecard.classes import information_value, monotone_classes

#: resamples of the loans
DRAWS = 200


#: groups of traits that are ordered, and the blocks they make up
GROUPS = {
    "inquiries": ("inquiries", "inquiries_above_2"),
    "use of limits": ("utilisation", "no_balance", "balance", "balance_above_20k"),
    "purpose": ("purpose",),
    "record": ("public_record", "delinquency", "history"),
    "number of credit lines": ("open_accounts", "accounts"),
    "income": ("income", "income_above_40k", "income_above_100k"),
    "debt service": ("dti",),
    "employment not stated": ("unstated_job",),
    "home": ("tenant",),
    "term": ("long_term",),
    "amount": ("amount", "amount_above_6k"),
}

_BLOCKS = ("willingness", "ability", "loan")

#: pairs whose difference the text speaks of
PAIRS = (
    ("use of limits", "income"),
    ("inquiries", "income"),
    ("term", "use of limits"),
    ("term", "inquiries"),
    ("willingness", "ability"),
)

#: single columns whose information value is shown beside
_SINGLE = ("inquiries", "utilisation", "income")


def order_study(tape, draws=DRAWS):
    """Order the traits of the repayment model by what the fit loses without them, on three sets of loans.

    Parameters
    ----------
    tape : LoanTape
        ``lendingclub-2007-2011``; final outcomes, so that this is description with hindsight.
    draws : int
        Resamples of the loans.

    Returns
    -------
    facts : dict
        Loans of each sample, and what the exceptions are.
    tables : dict of pandas.DataFrame
        ``shares`` (one row a sample and group: share of fit lost, effect of one standard deviation in points of loans
        charged off), ``pairs`` (differences of shares), ``information`` (information values of single columns).

    Notes
    -----
    The share lost is that of likelihood: refits without the group, against the gain over year and state. Its standard
    error is that of the same share by Wald's quadratic form over resampled loans, one fit a draw; ``gap_wald`` says how
    far the form is from the likelihood on the loans themselves. A resample adds noise of its own to every trait, so
    that quantiles of the draws would lie too high for weak ones: the interval is the estimate and 1.96 standard errors.
    """
    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    exception = tape.frame["policy_exception"].loc[table.index].to_numpy(dtype=bool)
    early = (table["year"] <= FITTED_TO).to_numpy()
    samples = {"2007 to 2010": early, "2007 to 2010, without exceptions": early & ~exception, "2011": ~early}
    rows, pairs, sizes, information = [], [], [], []
    for name, mine in samples.items():
        part = _Sample(table[mine], traits)
        shares, differences = part.ordered(draws)
        rows.append(shares.assign(sample=name))
        pairs.append(differences.assign(sample=name))
        bad = (part.codes >= BAD_CUT).mean()
        sizes.append(
            {"sample": name, "loans": int(mine.sum()), "exceptions": int((mine & exception).sum()), "bad": bad}
        )
        information.append(_information(tape.frame.loc[table.index[mine]]).assign(sample=name))
    asked = tape.frame["inquiries"].loc[table.index].to_numpy(dtype=float)
    facts = {
        "draws": draws,
        "exceptions": int((early & exception).sum()),
        "share_exceptions": float(exception[early].mean()),
        "many_inquiries_exceptions": float((asked[early & exception] >= 4).mean()),
        "many_inquiries_others": float((asked[early & ~exception] >= 4).mean()),
    }
    return facts, {
        "samples": pd.DataFrame(sizes),
        "shares": pd.concat(rows),
        "pairs": pd.concat(pairs),
        "information": pd.concat(information),
    }


class _Sample:
    """One set of loans: the full model, and what it loses without each group."""

    def __init__(self, table, traits):
        # a year that is the only one tells nothing apart
        traits = [trait for trait in traits if trait.name != "vintage" or table["vintage"].nunique() > 1]
        table = table.assign(
            **{
                name: table[name].cat.remove_unused_categories()
                for name in ("vintage", "state", "delinquency", "purpose")
                if name in table
            }
        )
        model = OrderedLogit.from_formula(formula("severity", traits), table)
        self.codes, self.exog, self.columns = model.endog_codes, np.asarray(model.exog), list(model.exog_names)
        block = {trait.name: trait.block for trait in traits}
        owner = [column.partition("[")[0] for column in self.columns]
        self.base = np.array([block[name] not in _BLOCKS for name in owner])
        self.groups = {name: np.isin(owner, traits_) for name, traits_ in GROUPS.items()}
        self.groups |= {name: np.array([block[one] == name for one in owner]) for name in _BLOCKS}

    def ordered(self, draws):
        full = self._fit(np.ones(len(self.columns), dtype=bool))
        gain = full.llf - self._fit(self.base).llf
        exact = {name: (full.llf - self._fit(~mine).llf) / gain for name, mine in self.groups.items()}
        wald, points = self._read(full, np.ones(len(self.codes)))
        rng = np.random.default_rng(SEED)
        n = len(self.codes)
        drawn = [self._draw(rng.multinomial(n, np.full(n, 1 / n))) for _ in range(draws)]
        names = list(self.groups)
        shares = pd.DataFrame([one[0] for one in drawn], columns=names)
        moved = pd.DataFrame([one[1] for one in drawn], columns=names)
        rows = []
        for name, mine in self.groups.items():
            se, se_points = float(shares[name].std(ddof=1)), float(moved[name].std(ddof=1))
            rows.append(
                {
                    "group": name,
                    "slopes": int(mine.sum()),
                    "share": exact[name],
                    "se": se,
                    "low": exact[name] - HALF * se,
                    "high": exact[name] + HALF * se,
                    "gap_wald": wald[name] - exact[name],
                    "points": points[name],
                    "points_se": se_points,
                    "points_low": points[name] - HALF * se_points,
                    "points_high": points[name] + HALF * se_points,
                }
            )
        pairs = []
        for measure, value, spread in (("share", exact, shares), ("points", points, moved)):
            for first, second in PAIRS:
                gap, se = value[first] - value[second], float((spread[first] - spread[second]).std(ddof=1))
                ends = {"low": gap - HALF * se, "high": gap + HALF * se}
                pairs.append(
                    {"measure": measure, "first": first, "second": second, "difference": gap, "se": se, **ends}
                )
        return pd.DataFrame(rows), pd.DataFrame(pairs)

    def _fit(self, columns, rows=slice(None), weights=None):
        exog = self.exog[rows][:, columns]
        return OrderedLogit(self.codes[rows], exog, freq_weights=weights).fit()

    def _draw(self, weights):
        kept = weights > 0
        result = self._fit(np.ones(len(self.columns), dtype=bool), kept, weights[kept])
        return self._read(result, weights)

    def _read(self, result, weights):
        """Share lost by Wald's form, and points of loss for one standard deviation, by group."""
        slopes = result.slopes.to_numpy()
        covariance = result.cov_params().to_numpy()[: len(slopes), : len(slopes)]

        def form(mine):
            return slopes[mine] @ np.linalg.solve(covariance[np.ix_(mine, mine)], slopes[mine])

        whole = form(~self.base)
        index = self.exog @ slopes - result.thresholds.iloc[BAD_CUT - 1]
        before = expit(index)
        points = {}
        for name, mine in self.groups.items():
            part = self.exog[:, mine] @ slopes[mine]
            centre = np.average(part, weights=weights)
            spread = np.sqrt(np.average((part - centre) ** 2, weights=weights))
            points[name] = 100 * float(np.average(expit(index + spread) - before, weights=weights))
        return {name: float(form(mine) / whole) for name, mine in self.groups.items()}, points


def _information(frame):
    """Information value of single columns in monotone classes."""
    rows = []
    for name in _SINGLE:
        value, noise = information_value(monotone_classes(frame[name], frame["bad"]))
        rows.append({"column": name, "information_value": value, "noise": noise})
    return pd.DataFrame(rows)
