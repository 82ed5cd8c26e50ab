"""What is lost: a model of loss given default, and the expected loss of the loans that run, stage by stage.

Every assumption of the expected loss stands in a table beside it, with its figure and where that comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError, count_of
from p2prisk.standard import design_of, drop_copies, make_rules

if TYPE_CHECKING:
    from p2prisk.report.study import TapeStudy

_Z = 1.959963984540054
#: least number of bad loans with known payments on which a model of their losses rests
_FEWEST = 300
_STAGES = ("1: up to 30 days late", "2: more than 30 days late", "3: in default")


def lost(study: TapeStudy) -> pd.DataFrame:
    """The bad loans of the sample whose payments are known, with ``lgd`` and ``owed`` (money) added.

    Raises
    ------
    DataError
        Fewer than two.
    """
    from p2prisk.policy import loss_given_default

    frame = study.sample.frame
    needed = ["recoveries", "principal_paid", "amount"]
    part = (study.bad.fillna(0).to_numpy(dtype=float) > 0) & frame[needed].notna().all(axis=1).to_numpy()
    if part.sum() < 2:
        raise DataError("fewer than two bad loans have recoveries and principal on the tape")
    bad = frame[part].assign(bad=True)
    bad = bad if "recovery_fee" in bad else bad.assign(recovery_fee=0.0)
    found = loss_given_default(bad)
    return bad.assign(lgd=found["lgd"], owed=found["outstanding"] * bad["amount"]).reset_index(drop=True)


class LossModel:
    """A fractional logit of the loss given default on traits known at issue.

    Source: Papke and Wooldridge (1996), Journal of Applied Econometrics 11, eq. 4 and 9: quasi-likelihood of a share,
    with a robust covariance.

    Attributes
    ----------
    table : pandas.DataFrame
        ``trait``, ``compared``, ``effect`` (change of the mean loss, a share), ``low``, ``high``, ``pvalue``.
    loans : int
    tested : dict or None
        Mean loss predicted and observed, and their mean absolute errors, on the later third of the bad loans.
    """

    def __init__(self, study: TapeStudy) -> None:
        bad = lost(study)
        if len(bad) < _FEWEST:
            raise DataError(f"{len(bad):,d} bad loans have known payments; a model of their losses needs {_FEWEST}")
        if bad["lgd"].std() < 1e-6:
            raise DataError("every bad loan lost the same share")
        self.loans = len(bad)
        self._fit(bad, study.sample.frame)
        self.tested = self._test(bad)

    def _fit(self, bad, loans):
        from p2prisk.report.traits import in_units

        results, rules, kept = _fractional(bad)
        mean = results.predict()
        slope = results.params.to_numpy()[1:]
        weight = float((mean * (1 - mean)).mean())
        error = results.bse.to_numpy()[1:] * weight
        rows = []
        for rule in rules:
            for column in rule["columns"]:
                if column not in kept:
                    continue
                at = kept.index(column)
                compared, step = in_units(rule, column, loans)
                effect, half = slope[at] * weight * step, _Z * error[at] * abs(step)
                rows.append(
                    (rule["column"], compared, effect, effect - half, effect + half, results.pvalues.iloc[at + 1])
                )
        columns = ["trait", "compared", "effect", "low", "high", "pvalue"]
        self.table = pd.DataFrame(rows, columns=columns).sort_values("pvalue", kind="stable").reset_index(drop=True)

    def _test(self, bad):
        """Fit on the earlier two thirds of the bad loans, and predict the later third."""
        if "issue_date" not in bad:
            return None
        bad = bad.sort_values("issue_date", kind="stable").reset_index(drop=True)
        cut = len(bad) * 2 // 3
        early, late = bad[:cut].reset_index(drop=True), bad[cut:].reset_index(drop=True)
        try:
            results, rules, kept = _fractional(early)
        except ModelError:
            return None
        guess = results.predict(_with_constant(design_of(late, rules)[0][kept]))
        return {
            "predicted": float(guess.mean()),
            "observed": float(late["lgd"].mean()),
            "error": float((guess - late["lgd"]).abs().mean()),
            "error_of_mean": float((early["lgd"].mean() - late["lgd"]).abs().mean()),
            "loans": len(late),
        }

    def sentence(self) -> str:
        """What the model says and how it predicts, in words."""
        said = f"A fractional logit on {self.loans:,d} bad loans: "
        clear = self.table[self.table["pvalue"] < 0.05 / len(self.table)]
        if clear.empty:
            said += "no trait moves the loss beyond chance (Bonferroni over the rows of the table)."
        else:
            row = clear.iloc[0]
            near, far = sorted((abs(100 * row["low"]), abs(100 * row["high"])))
            said += (
                f"the clearest trait is {row['trait']}: {row['compared']} goes with a loss "
                f"{abs(100 * row['effect']):.1f} points {'higher' if row['effect'] > 0 else 'lower'} ({near:.1f} to "
                f"{far:.1f})."
            )
        if self.tested is None:
            return f"{said} The bad loans cannot be parted by time, so it is not tested."
        test = self.tested
        better = "less" if test["error"] < test["error_of_mean"] else "no less"
        return (
            f"{said} Fitted on the earlier two thirds it predicts a loss of {100 * test['predicted']:.1f} per cent for "
            f"the later {test['loans']:,d}, of which {100 * test['observed']:.1f} was lost; it errs by "
            f"{100 * test['error']:.1f} points a loan, {better} than the earlier mean does "
            f"({100 * test['error_of_mean']:.1f})."
        )


def _with_constant(design):
    out = design.astype(float).copy()
    out.insert(0, "constant", 1.0)
    return out


def _fractional(bad):
    import statsmodels.api as sm

    rules, _ = make_rules(bad)
    if not rules:
        raise ModelError("no predictor is left for the loss")
    design, _ = design_of(bad, rules)
    kept = drop_copies(design, {})
    fit = sm.GLM(bad["lgd"], _with_constant(design[kept]), family=sm.families.Binomial()).fit(cov_type="HC0")
    if not fit.converged:
        raise ModelError("the model of the loss does not settle")
    return fit, rules, kept


# ---------------------------------------------------------------- expected loss by stage


class StagedLoss:
    """Expected loss of the loans that run, in the three stages of IFRS 9, with every assumption.

    Attributes
    ----------
    table : pandas.DataFrame
        ``stage``, ``loans``, ``exposure``, ``pd`` (mean by exposure; a year ahead in stage 1, to the end in stage 2),
        ``lgd``, ``loss`` (money), ``coverage`` (of the exposure); the last row is all together.
    assumptions : pandas.DataFrame
        ``assumption``, ``figure``, ``from``.
    """

    def __init__(self, study: TapeStudy) -> None:
        frame, running = _running(study)
        lgd, source = _lgd(study)
        exposure, how = _exposure(running)
        stage = _stage(running)
        age, left = _age_and_term(study, running)
        model = study.hazard
        ahead = np.where(stage == 1, np.minimum(left, 12), left)
        probability = np.ones(len(running))
        live = (stage < 3) & (ahead > 0)
        if live.any():
            loans = running[live].assign(__ahead=ahead[live]).reset_index(drop=True)
            probability[live] = model.score(loans, horizon="__ahead", given=age[live]).to_numpy()
        probability[(stage < 3) & (ahead <= 0)] = 0.0
        rate = running["rate"].fillna(running["rate"].mean()).to_numpy(dtype=float) / 100 if "rate" in running else None
        discount = 1.0 if rate is None else np.where(stage < 3, (1 + rate) ** (-ahead / 24), 1.0)
        loss = exposure * probability * lgd * discount
        rows = []
        for name, mine in [*((_STAGES[k - 1], stage == k) for k in (1, 2, 3)), ("all", stage > 0)]:
            money = exposure[mine].sum()
            mean = float((exposure * probability)[mine].sum() / money) if money else np.nan
            rows.append(
                (
                    name,
                    int(mine.sum()),
                    money,
                    mean,
                    lgd,
                    loss[mine].sum(),
                    loss[mine].sum() / money if money else np.nan,
                )
            )
        self.table = pd.DataFrame(rows, columns=["stage", "loans", "exposure", "pd", "lgd", "loss", "coverage"])
        day, ours = study.tape.provenance["record_date"], "rule of this program"
        over = int(((left <= 0) & (stage < 3)).sum())
        rest = [
            ("day", str(day), "tape"),
            ("loans that run", f"{len(running):,d} of {len(frame):,d}", "status on the tape"),
            ("exposure at default", how, ours),
            ("loss given default", f"{100 * lgd:.1f} %", source),
            ("stage 2 begins", "more than 30 days late; no other rise of risk is looked for", "IFRS 9, 5.5.11"),
            ("stage 3 begins", "in default, or more than 90 days late where days are given", "IFRS 9, B5.5.37"),
            ("probability of default", "hazard by age and traits; it does not know that a loan is late", ours),
            ("which way that errs", "stage 2 is understated", "judgement"),
            (
                "look ahead",
                "12 months or the term that is left in stage 1; the term in stage 2",
                "IFRS 9, 5.5.3 and 5.5.5",
            ),
            ("term run out, still running", f"{count_of(over, 'loan')} without a probability", "tape"),
            ("discounting", "none: the tape has no rate" if rate is None else "own rate, half way ahead", ours),
            ("forward-looking scenarios", "none: only you can supply them", "not on the tape"),
        ]
        self.assumptions = pd.DataFrame(rest, columns=["assumption", "figure", "from"])

    def sentence(self) -> Any:
        """The expected loss of all, in words."""
        row = self.table.iloc[-1]
        return (
            f"On {count_of(row['loans'], 'running loan')} with an exposure of {row['exposure']:,.0f} the expected loss "
            f"is {row['loss']:,.0f}, {100 * row['coverage']:.1f} per cent. It is a calculation under the assumptions "
            "beside it, and no provision: scenarios, and a rise of risk since issue, are for you to add."
        )


def _running(study):
    frame = study.known.frame
    if "status" not in frame or "term" not in frame or "amount" not in frame:
        raise DataError("the tape lacks status, term or amount")
    status = frame["status"].astype(str)
    runs = status.isin(["current", "open", "in grace", "default"]) | status.str.startswith("late")
    running = frame[runs & frame["issue_date"].notna() & frame["term"].notna() & frame["amount"].notna()]
    if not (running["status"].astype(str) != "default").any():
        raise DataError("no loan on the tape is running: there is nothing that may still be lost")
    return frame, running.reset_index(drop=True)


def _stage(running):
    status = running["status"].astype(str)
    stage = np.where(status.str.startswith("late 31"), 2, 1)
    if "days_past_due" in running:
        days = running["days_past_due"].fillna(0).to_numpy(dtype=float)
        stage = np.where(days > 90, 3, np.where(days > 30, 2, stage))
    return np.where(status == "default", 3, stage)


def _exposure(running):
    amount = running["amount"].to_numpy(dtype=float)
    if "balance" in running and running["balance"].notna().any():
        held = running["balance"].to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isnan(held), amount, held), "balance on the tape; the amount where it is missing"
    if "principal_paid" in running:
        paid = running["principal_paid"].fillna(0).to_numpy(dtype=float)
        return np.maximum(amount - paid, 0.0), "amount less principal repaid"
    return amount, "the whole amount: the tape has neither balance nor principal repaid"


def _lgd(study):
    if not study.parts["loss given default"]:
        table = study.given_default()
        return float(table.iloc[0]["by_money"]), f"mean of {int(table.iloc[0]['bad']):,d} bad loans, by money"
    return 1.0, f"nothing comes back: {study.parts['loss given default']}"


def _age_and_term(study, running):
    from p2prisk.hazard.spells import months_between

    day = study.tape.provenance.get("record_date")
    if day is None:
        raise DataError("the tape has no record date")
    age = months_between(running["issue_date"], pd.Series(pd.Timestamp(day), running.index))
    age = np.maximum(age, 0).astype(int)
    return age, np.maximum(running["term"].to_numpy(dtype=float) - age, 0).astype(int)
