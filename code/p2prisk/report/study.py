"""The study of any loan tape: what the chapters of the tape edition (folder ``chapters/``) call."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, ModelError
from p2prisk.standard import fit_standard
from p2prisk.tape import LoanTape
from p2prisk.tape.sample import study_sample, supports

if TYPE_CHECKING:
    from p2prisk.kinds import PathLike

#: where the assembled project keeps the tape as read and the loans studied
_AS_READ, _STUDIED = Path("tape") / "as-read", Path("tape") / "studied"

#: least number of loans and of bad loans in the last period for a test out of time
_LEAST_LOANS, _LEAST_BAD = 200, 30


class TapeStudy:
    """What the study computes on a tape.

    Parameters
    ----------
    tape : LoanTape
        As read.

    Attributes
    ----------
    tape : LoanTape
        As read.
    sample : LoanTape
        The loans whose outcome can be trusted.
    note : str
        How the sample was chosen, one sentence.
    parts : dict
        Part of the study -> reason why it is impossible, empty where it is possible.
    """

    def __init__(self, tape: LoanTape) -> None:
        self._take(tape, *study_sample(tape))

    @classmethod
    def stored(cls, project: PathLike = ".") -> Self:
        """The study whose tape and sample :meth:`write` left in a project; the chapters call it.

        Raises
        ------
        DataError
            If nothing is stored there.
        """
        self = cls.__new__(cls)
        sample = LoanTape.stored(Path(project) / _STUDIED)
        self._take(LoanTape.stored(Path(project) / _AS_READ), sample, sample.provenance.pop("how_chosen"))
        return self

    def write(self, project: PathLike) -> None:
        """Leave the tape as read and the loans studied in a project."""
        self.tape.write(Path(project) / _AS_READ)
        sample = replace(self.sample, provenance={**self.sample.provenance, "how_chosen": self.note})
        sample.write(Path(project) / _STUDIED)

    def _take(self, tape, sample, note):
        self.tape, self.sample, self.note = tape, sample, note
        table = supports(self.sample)
        self.parts = dict(zip(table["part"], table["why"].where(~table["possible"], ""), strict=True))
        levels = self.sample.frame["severity"].nunique() if "severity" in self.sample.frame else 2
        self.parts["parallel lines"] = self.parts["outcome model"] or (
            "" if levels > 2 else "with two outcomes there is one cut, and nothing to be parallel"
        )
        if not self.parts.get("out of time") and self._periods() is None:
            self.parts["out of time"] = (
                f"no period of at least {_LEAST_LOANS} loans with {_LEAST_BAD} bad ones to "
                "test on, with as many before it"
            )

    # ------------------------------------------------------------ the tape

    @property
    def name(self) -> str:
        """Printed name of the tape: its title, else its file name."""
        facts = self.tape.provenance
        return str(facts.get("title") or facts.get("name") or facts.get("path") or "unnamed tape")

    @property
    def subtitle(self) -> Any:
        """File, rows, hash and record date in one line, for the title page."""
        facts = self.tape.provenance
        parts = [f"{facts.get('rows_read', len(self.tape)):,d} rows read, {self.loans():,d} loans studied"]
        if self.tape.simulated:
            parts.insert(0, "SIMULATED")
        if facts.get("path"):
            parts.insert(0, Path(str(facts["path"])).name)
        if facts.get("record_date"):
            parts.append(f"state of {facts['record_date']}")
        if facts.get("sha256"):
            parts.append(f"SHA-256 {facts['sha256'][:16]}…")
        return "; ".join(parts)

    def about(self) -> pd.DataFrame:
        """The tape in a few lines: file, hash, period, rows.

        Returns
        -------
        pandas.DataFrame
            ``what``, ``value``.
        """
        facts = self.tape.provenance
        digest = " ".join(re.findall(".{1,16}", facts.get("sha256") or ""))  # in pieces, so that a line can break
        rows = [
            ("name", self.name),
            ("file", facts.get("path")),
            ("SHA-256", digest),
            ("format", facts.get("format")),
            ("period of issue", facts.get("period")),
            ("state of the records", facts.get("record_date")),
            ("currency", facts.get("currency")),
            ("rows read", f"{facts.get('rows_read', len(self.tape)):,d}"),
            ("rows kept by the reader", f"{len(self.tape):,d}"),
            ("loans of the study", f"{self.loans():,d}"),
            ("kind", "simulated, " * self.tape.simulated + self.sample.kind),
        ]
        return pd.DataFrame(
            [(what, str(value)) for what, value in rows if value not in (None, "")], columns=["what", "value"]
        )

    def possible(self) -> pd.DataFrame:
        """Parts of the study and whether the tape carries them.

        Returns
        -------
        pandas.DataFrame
            ``part``, ``done``, ``why not``.
        """
        return pd.DataFrame(
            [{"part": part, "done": "no" if why else "yes", "why not": why} for part, why in self.parts.items()]
        )

    def set_aside(self) -> pd.DataFrame:
        """Rows that the reader or the study set aside, with reasons.

        Returns
        -------
        pandas.DataFrame
            ``reason``, ``rows``; one row that says so where there is none.
        """
        rows = [(entry["reason"], int(entry["rows"])) for entry in self.sample.set_aside]
        return pd.DataFrame(rows or [("nothing was set aside", 0)], columns=["reason", "rows"])

    @cached_property
    def quality(self) -> Any:
        """Quality report of the tape as read."""
        return self.tape.quality()

    # ------------------------------------------------------------ outcome and identification

    @property
    def weights(self) -> Any:
        """Loans that each row of the sample stands for."""
        frame = self.sample.frame
        return frame["n"].to_numpy() if "n" in frame else np.ones(len(frame), dtype=np.int64)

    def loans(self) -> int:
        """Number of loans in the sample."""
        return int(self.weights.sum())

    @cached_property
    def bad(self) -> Any:
        """Whether each row of the sample is a bad loan; NaN where the outcome is unknown."""
        frame = self.sample.frame
        if "bad" in frame:
            return frame["bad"].astype("Float64")
        if "severity" in frame:
            text = frame["severity"].astype(str)
            return text.str.startswith("loss").astype("Float64").where(frame["severity"].notna())
        raise DataError("the tape has no outcome; map the column that says how each loan ended (status)")

    def bad_share(self) -> float:
        """Share of bad loans among those with a known outcome."""
        known = self.bad.notna().to_numpy()
        return float((self.bad[known].to_numpy(dtype=float) * self.weights[known]).sum() / self.weights[known].sum())

    def outcome_shares(self) -> pd.DataFrame:
        """Loans by level of the outcome.

        Returns
        -------
        pandas.DataFrame
            ``outcome``, ``loans``, ``share``.
        """
        frame = self.sample.frame
        if "severity" in frame:
            level = frame["severity"]
        else:
            level = pd.Categorical(self.bad.map({0.0: "good", 1.0: "bad"}), ["good", "bad"], ordered=True)
        table = pd.Series(self.weights).groupby(level, observed=True).sum()
        return pd.DataFrame(
            {"outcome": table.index.astype(str), "loans": table.to_numpy(), "share": table.to_numpy() / table.sum()}
        )

    def bad_by(self, column: str | pd.Series, most: int = 12) -> pd.DataFrame:
        """Share of bad loans by level of a column, with Jeffreys intervals.

        Parameters
        ----------
        column : str or pandas.Series
            A column of the sample, or values for its rows; numbers with many values are cut at their quintiles.
        most : int
            Levels shown: the largest ones, in the order of the column where it has one, else by share.

        Returns
        -------
        pandas.DataFrame
            ``level``, ``loans``, ``bad``, ``share``, ``low``, ``high``.
        """
        from p2prisk.validation import jeffreys_interval

        values = self.sample.frame[column] if isinstance(column, str) else column
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and values.nunique() > most:
            values = pd.qcut(values, 5, duplicates="drop")
        known = self.bad.notna().to_numpy()
        parts = pd.DataFrame(
            {
                "level": values[known],
                "loans": self.weights[known],
                "bad": self.bad[known].to_numpy(dtype=float) * self.weights[known],
            }
        )
        table = parts.groupby("level", observed=True)[["loans", "bad"]].sum().astype(int)
        ordered = isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered
        table = table.loc[table["loans"].sort_values(ascending=False, kind="stable").index[:most]]
        table["share"] = table["bad"] / table["loans"]
        table = table.sort_index() if ordered or pd.api.types.is_numeric_dtype(values) else table.sort_values("share")
        table["low"], table["high"] = jeffreys_interval(table["bad"], table["loans"])
        table.insert(0, "label", table.index.astype(str))
        return table.reset_index(drop=True).rename(columns={"label": "level"})

    def vintages(self) -> pd.DataFrame:
        """Share of bad loans by period of issue: quarters, or years where the tape has no month.

        Returns
        -------
        pandas.DataFrame
            As :meth:`bad_by`.
        """
        frame = self.sample.frame
        if "issue_date" not in frame:
            return self.bad_by("issue_year", most=100)
        quarter = frame["issue_date"].dt.to_period("Q").astype(str).where(frame["issue_date"].notna(), "no date")
        table = self.bad_by(quarter, most=400)
        return table.sort_values("level").reset_index(drop=True)

    def information(self) -> pd.DataFrame:
        """Information value of each admissible predictor, against what noise alone would give.

        Returns
        -------
        pandas.DataFrame
            ``predictor``, ``classes``, ``information value``, ``noise``, ``block``; the most informative first.
        """
        from p2prisk.scorecard.classes import information_value, monotone_classes
        from p2prisk.tape import COLUMNS

        frame, known = self.sample.frame, self.bad.notna().to_numpy()
        bad, weights, rows = self.bad[known].to_numpy(dtype=float), self.weights[known], []
        for name in self.sample.known_at_issue():
            values = frame[name][known]
            if name in ("issue_date", "issue_year") or values.nunique() < 2:
                continue
            if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and "n" not in frame:
                classes = monotone_classes(values.to_numpy(dtype=float, na_value=np.nan), bad > 0)
            else:
                level = values.astype(object).where(values.notna(), "missing").astype(str)
                parts = pd.DataFrame({"level": level.to_numpy(), "loans": weights, "bad": bad * weights})
                classes = parts.groupby("level")[["loans", "bad"]].sum().reset_index(drop=True)
                if len(classes) > 60:
                    continue  # an open list (job titles, places) is no class
            value, noise = information_value(classes)
            rows.append(
                {
                    "predictor": name,
                    "classes": len(classes),
                    "information value": value,
                    "noise": noise,
                    "block": COLUMNS[name].block,
                }
            )
        return pd.DataFrame(rows).sort_values("information value", ascending=False).reset_index(drop=True)

    # ------------------------------------------------------------ models

    @cached_property
    def outcome_model(self) -> Any:
        """The standard model of the outcome (:func:`p2prisk.standard.fit_standard`)."""
        return fit_standard(
            self.sample,
            next(
                name
                for name in ("severity", "bad")
                if name in self.sample.frame and self.sample.frame[name].nunique() > 1
            ),
        )

    @cached_property
    def grade_model(self) -> Any:
        """The standard model of the platform's grade."""
        return fit_standard(self.sample, "grade")

    @staticmethod
    def odds(model: Any, most: Any = None) -> pd.DataFrame:
        """Odds ratios of a standard model, a number for one standard deviation, largest effects first.

        Returns
        -------
        pandas.DataFrame
            ``predictor``, ``odds_ratio``, ``ci_low``, ``ci_high``.
        """
        from p2prisk.effects import odds_ratios

        table = odds_ratios(model.results, per="sd")
        size = np.log(table["odds_ratio"]).abs()
        table = table.reindex(size.sort_values(ascending=False, kind="stable").index)[:most]
        return table[["odds_ratio", "ci_low", "ci_high"]].rename_axis("predictor").reset_index()

    @staticmethod
    def strongest(model: Any) -> str:
        """The largest effect of a model in words."""
        row = TapeStudy.odds(model, 1).iloc[0]
        way = "worse" if row["odds_ratio"] > 1 else "better"
        return (
            f"{row['predictor']} (odds of a {way} class times "
            f"{max(row['odds_ratio'], 1 / row['odds_ratio']):.2f} for one standard deviation, or against the "
            "reference level)"
        )

    @staticmethod
    def remedies(model: Any) -> Any:
        """What was done in a standard model where maximum likelihood had no finite estimate, in words."""
        if not model.notes:
            return "Every coefficient has a finite maximum likelihood estimate."
        return "Not everything could be estimated as it stands. " + " ".join(model.notes)

    # ------------------------------------------------------------ verification

    def parallel_lines(self, model: Any = None) -> pd.DataFrame:
        """Brant's test of the outcome model (or another), with what had to be merged.

        Returns
        -------
        pandas.DataFrame
            ``term, chi2, df, pvalue, departure, departure_low, departure_high``, the largest departures first, the
            omnibus last; with `attrs["sentence"]`. One row "none", with the reason in the sentence, where it cannot be
            computed.
        """
        from p2prisk.assumptions import brant

        results = (model or self.outcome_model).results
        try:
            table = brant(results, merge="auto")
        except ModelError as error:
            table = pd.DataFrame([{"term": "none"}])
            table.attrs["sentence"] = f"The test cannot be computed: {error}"
            return table
        merged = table.attrs.get("merged")
        omnibus = table.loc["Omnibus"]
        rest = table.drop(index="Omnibus")
        rest = rest.loc[rest["departure"].abs().sort_values(ascending=False, kind="stable").index]
        out = pd.concat([rest, table.loc[["Omnibus"]]]).rename_axis("term").reset_index()
        verdict = "are not parallel" if omnibus["pvalue"] < 0.05 else "may be parallel"
        out.attrs["sentence"] = (
            f"The lines {verdict} (chi-square {omnibus['chi2']:,.1f} on {int(omnibus['df'])} degrees of freedom). The "
            f"largest departure is that of {rest.index[0]}, {rest['departure'].iloc[0]:.2f} in log-odds for one "
            "standard deviation."
            + (f" To make the test computable, these were merged: {_words(merged)}." if merged else "")
        )
        return out

    def goodness_of_fit(self) -> pd.DataFrame:
        """Tests of fit of the outcome model (:func:`p2prisk.assumptions.goodness_of_fit`), for print.

        Returns
        -------
        pandas.DataFrame
            ``test``, ``chi2``, ``df``, ``pvalue``, ``note``.
        """
        from p2prisk.assumptions import goodness_of_fit

        try:
            table = goodness_of_fit(self.outcome_model.results).rename_axis("test").reset_index()
            return table[["test", "chi2", "df", "pvalue", "note"]]
        except ModelError as error:
            return pd.DataFrame([{"test": "none", "note": str(error)}])

    def _periods(self):
        """(mask of the loans to build on, mask of those to test on, name of the test period), or None."""
        frame = self.sample.frame
        if "issue_date" in frame:
            year = frame["issue_date"].dt.year
        elif "issue_year" in frame:
            year = frame["issue_year"]
        else:
            return None
        try:
            bad = self.bad
        except DataError:
            return None
        known, bad = bad.notna().to_numpy(), bad.fillna(0).to_numpy(dtype=float) * self.weights
        for last in sorted(year.dropna().unique(), reverse=True):
            test, build = (year == last).to_numpy() & known, (year < last).to_numpy() & known
            if all(
                self.weights[part].sum() >= _LEAST_LOANS and bad[part].sum() >= _LEAST_BAD for part in (test, build)
            ):
                return build, test, str(int(last))
        return None

    @cached_property
    def out_of_time(self) -> OutOfTime:
        """The outcome model built on earlier loans and tested on the last year of issue.

        Returns
        -------
        OutOfTime
        """
        build, test, name = self._periods()
        before = self.sample.keep(build, "kept for the test out of time")
        model = fit_standard(before, self.outcome_model.outcome)
        after = self.sample.frame[test].reset_index(drop=True)
        return OutOfTime(
            model, after, self.bad[test].to_numpy(dtype=float), self.weights[test], name, int(self.weights[build].sum())
        )

    # ------------------------------------------------------------ control

    def prices(self) -> pd.DataFrame:
        """What each grade pays, and what it would have to pay to make up for its losses.

        Loans of the commonest term whose rate, grade and outcome are known; the share of bad loans stands for the
        probability of default, and what comes back after default is taken from the tape where it says, else as nothing.

        Returns
        -------
        pandas.DataFrame
            ``grade``, ``loans``, ``bad``, ``rate`` (mean charged) and ``break_even`` as yearly shares; in `attrs`
            ``term``, ``recovery``, ``recovery_known`` and ``costs``.
        """
        from p2prisk.policy import Costs, break_even_rate, loss_given_default

        frame = self.sample.frame
        term = int(frame["term"].mode().iloc[0])
        part = ((frame["term"] == term) & self.bad.notna() & frame["grade"].notna() & frame["rate"].notna()).to_numpy()
        loans = pd.DataFrame(
            {
                "grade": frame["grade"][part],
                "rate": frame["rate"][part] / 100,
                "n": self.weights[part],
                "bad": self.bad[part].to_numpy(dtype=float) * self.weights[part],
            }
        )
        loans["interest"] = loans["rate"] * loans["n"]
        table = loans.groupby("grade", observed=True)[["n", "bad", "interest"]].sum()
        known = not self.parts["loss given default"] and "recovery_fee" in frame
        recovery = 1 - float(loss_given_default(frame[part])["lgd"].mean()) if known else 0.0
        costs = Costs()
        out = pd.DataFrame(
            {
                "grade": table.index.astype(str),
                "loans": table["n"].to_numpy(dtype=int),
                "bad": (table["bad"] / table["n"]).to_numpy(),
                "rate": (table["interest"] / table["n"]).to_numpy(),
            }
        )
        out["break_even"] = break_even_rate(out["bad"].to_numpy(), term, recovery=recovery, costs=costs)
        out.attrs.update(term=term, recovery=recovery, recovery_known=known, costs=costs)
        return out

    def prices_sentence(self) -> Any:
        """What the prices say, in words that follow the numbers."""
        table = self.prices()
        # a missing break-even rate: no rate makes up for the losses of the grade
        short = table[~(table["rate"] >= table["break_even"])]
        facts = table.attrs
        back = (
            f"{100 * facts['recovery']:.0f} per cent of what was owed came back after default, by the tape"
            if facts["recovery_known"]
            else "nothing is taken to come back after default: the tape is silent on it"
        )
        costs = facts["costs"]
        text = (
            f"On loans of {facts['term']} months, {back}; money costs {100 * costs.funding:.0f} per cent a year, "
            f"and {100 * costs.servicing:.0f} per cent of each payment goes to servicing. "
        )
        if short.empty:
            return text + "Every grade paid at least its break-even rate."
        if len(short) == len(table):
            return text + "No grade paid the rate that makes up for its losses."
        one = len(short) == 1
        return text + (
            f"{'Grade' if one else 'Grades'} {', '.join(short['grade'])} paid less than the rate that makes "
            f"up for {'its' if one else 'their'} losses."
        )

    def concentration(self) -> pd.DataFrame:
        """Largest share of the amount lent in one value of purpose, region, grade or counterparty.

        Returns
        -------
        pandas.DataFrame
            ``column``, ``value``, ``share``, ``effective`` (number of equal parts with the same Herfindahl index).
        """
        from p2prisk.policy import Limit, check_limits

        frame = self.sample.frame
        columns = [name for name in ("purpose", "region", "grade", "counterparty") if name in frame]
        if "amount" in frame and "n" not in frame:
            book = frame[frame["amount"].notna()]
            money = "amount"
        else:
            book, money = frame.assign(loans=self.weights), "loans"
        if not columns:
            return pd.DataFrame([{"column": "none of purpose, region, grade, counterparty is on the tape"}])
        return check_limits(book, [Limit(name, 1.0) for name in columns], amount=money)[
            ["column", "value", "share", "effective"]
        ]


class OutOfTime:
    """A test on loans issued after those the model was built on.

    Attributes
    ----------
    model : StandardModel
    period : str
        The year tested.
    built_on, tested_on, bad : int
        Loans, loans, bad loans.
    """

    def __init__(self, model, frame, bad, weights, period, built_on):
        self.model, self.period, self.built_on = model, period, built_on
        self.frame, self._bad, self._weights = frame, bad, weights
        self.tested_on, self.bad = int(weights.sum()), int((bad * weights).sum())
        scored = model.score(frame)
        self._probabilities = scored[[f"p_{level}" for level in model.results.categories]].to_numpy()
        self.flagged = {
            name: int((scored[name].to_numpy() * weights).sum()) for name in ("missing", "new_level", "out_of_range")
        }
        self._score = scored["score"].to_numpy()
        levels = [str(level) for level in model.results.categories]
        worst = [level.startswith("loss") or level in ("bad", "default") for level in levels]
        self._p_bad = self._probabilities[:, worst if any(worst) else [False] * (len(levels) - 1) + [True]].sum(axis=1)

    @cached_property
    def auc(self):
        """AUC of the model, and of the grade where the tape has one, with DeLong intervals and their difference.

        Returns
        -------
        DeLongResult
        """
        from p2prisk.validation import delong

        scores = {"standard model": self._score}
        if "grade" in self.frame and self.frame["grade"].nunique() > 1:
            graded = self.frame["grade"].notna().to_numpy()
            if graded.all():
                scores["platform grade"] = self.frame["grade"].cat.codes.to_numpy(dtype=float)
        return delong(self._bad > 0, scores, freq_weights=self._weights)

    def table(self):
        """AUC table for print: ``score, auc, ci_low, ci_high``."""
        return self.auc.table[["auc", "ci_low", "ci_high"]].rename_axis("score").reset_index()

    def reliability(self):
        """Predicted against observed share of bad loans in ten classes of the prediction.

        Returns
        -------
        pandas.DataFrame
            As :func:`p2prisk.validation.reliability_table`.
        """
        from p2prisk.validation import reliability_table

        return reliability_table(self._bad > 0, self._p_bad, freq_weights=self._weights)

    def frontier(self):
        """Share of bad loans among the accepted, by share accepted (:func:`p2prisk.policy.acceptance_frontier`)."""
        from p2prisk.policy import acceptance_frontier

        return acceptance_frontier(self._p_bad, self._bad, self._weights)

    def frontier_sentence(self):
        """What accepting the safest four fifths would have done, in words."""
        table = self.frontier()
        most = table.iloc[(table["accepted"] - 0.8).abs().argmin()]
        return (
            f"Of the loans of {self.period}, the safest {100 * most['accepted']:.0f} per cent by the model would "
            f"have had {100 * most['rate']:.1f} per cent bad ({100 * most['ci_low']:.1f} to "
            f"{100 * most['ci_high']:.1f}), against {100 * table['rate'].iloc[-1]:.1f} for all."
        )

    def sentence(self):
        """What the test says, in words that follow the numbers."""
        table = self.auc.table
        row = table.loc["standard model"]
        text = (
            f"Built on {self.built_on:,d} earlier loans and tested on {self.tested_on:,d} of {self.period}, of "
            f"which {self.bad:,d} went bad, the model ranks with an AUC of {row['auc']:.3f} "
            f"({row['ci_low']:.3f} to {row['ci_high']:.3f})."
        )
        if "platform grade" in table.index:
            pair = self.auc.comparisons.iloc[0]
            sign = 1 if pair["first"] == "standard model" else -1
            gap = sign * pair["difference"]
            low, high = sorted(sign * pair[["ci_low", "ci_high"]].to_numpy())
            verdict = "better than" if low > 0 else "worse than" if high < 0 else "not clearly different from"
            text += (
                f" That is {verdict} the platform's own grade, at {table.loc['platform grade', 'auc']:.3f} "
                f"(difference {gap:+.3f}, interval {low:+.3f} to {high:+.3f})."
            )
        predicted = float(np.average(self._p_bad, weights=self._weights))
        observed = self.bad / self.tested_on
        return text + (
            f" It predicted a share of bad loans of {100 * predicted:.1f} per cent, against "
            f"{100 * observed:.1f} observed."
        )


def _words(merged):
    if isinstance(merged, dict):
        return "; ".join(f"{key}: {value}" for key, value in merged.items())
    return "; ".join(str(item) for item in merged) if not isinstance(merged, str) else merged
