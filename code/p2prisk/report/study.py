"""The study of any loan tape: what the chapters of the tape edition (folder ``chapters/``) call."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from p2prisk.errors import DataError, count_of
from p2prisk.report import traits, words
from p2prisk.report.judged import Judged, judge, signed
from p2prisk.report.sections import BY_PART, SECTIONS
from p2prisk.report.settings import Settings
from p2prisk.standard import CANDIDATES, ON_REQUEST, fit_standard
from p2prisk.tape import COLUMNS, LoanTape
from p2prisk.tape.core import drop_unused_levels
from p2prisk.tape.event import Event, event_of, loan_ages
from p2prisk.tape.sample import study_sample, supports
from p2prisk.tape.wind_back import end_dates

if TYPE_CHECKING:
    from p2prisk.report.results import Results

#: horizons in months at which the table of ends is read
_AGES = (6, 12, 24, 36, 48, 60)


class TapeStudy:
    """What the study computes on a tape.

    Parameters
    ----------
    tape : LoanTape
        As read.
    settings : Settings, optional
        What the lender decided and asks for.

    Attributes
    ----------
    tape : LoanTape
        As read, with the lender's decisions.
    sample : LoanTape
        The loans on which the event can be seen; its ``bad`` is the event.
    event : Event or None
        What counts as bad, and by when: the same in every sentence and number.
    note : str
        How event and sample were chosen.
    parts : dict
        Part of the study -> reason why it is left out, empty where its section is written. What could not be computed
        when it was tried is among them (:meth:`results`).
    gaps : set of str
        Parts that are left out because our method failed, not for what the tape lacks.
    """

    def __init__(self, tape: LoanTape, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        tape = self.settings.decisions.apply(tape)
        sample, self.note = study_sample(tape, self.settings.decisions.get("horizon", "months"))
        self.tape, self.sample = tape.private(), sample.private()
        self.event: Event | None = event_of(sample)
        self._tables: dict[str, pd.DataFrame] = {}
        self.gaps: set[str] = set()
        self.parts = self._parts()

    def results(self) -> Results:
        """Everything that the report says and shows, computed once; no part stops the study.

        Returns
        -------
        Results
            Without the sections that are left out, whose reasons are in `parts`.
        """
        from p2prisk.report.card import TO_COMPLETE, model_card
        from p2prisk.report.checklist import checklist, count_sentence
        from p2prisk.report.review import review, review_sentence
        from p2prisk.report.sections import try_sections

        made = try_sections(self)
        checks = checklist(self)
        to_review = review(self, checks)
        none_taken = pd.DataFrame([("none", "the rules of this program chose")], columns=["decision", "reason"])
        report = self.quality
        made.values |= {
            "event": self.event_sentence(),
            "note": self.note,
            "about": self.about(),
            "possible": self.possible(),
            "columns_used": self.columns_used(),
            "set_aside": self.set_aside(),
            "quality_words": (
                "The check of the tape as read gives {}, {} and {}.".format(
                    *(count_of(report.count(level), level) for level in ("error", "warning", "note"))
                )
            ),
            "findings": report.findings[["level", "column", "what", "rows", "remedy"]].astype({"rows": int}),
            "quality_columns": report.columns,
            "missing": report.missing,
            "checklist": checks,
            "checklist_words": count_sentence(checks),
            "review": to_review,
            "review_words": review_sentence(to_review),
            "decisions": self.settings.decisions.table() if self.settings.decisions.plain else none_taken,
            "to_complete": pd.DataFrame(TO_COMPLETE, columns=["item", "what only you can say"]),
        }
        if not self.parts["outcome model"]:
            made.values["model_card"] = model_card(self, checks)
        if "answer" in made:
            made.values["strongest"] = self.strongest()
        return made

    def draw(self) -> None:
        """Go on with as many loans, drawn at random, as models and tests need; what is counted is counted before.

        An interval of a model is then that of the loans drawn. Nothing happens where the tape has no more of them, or
        holds counts.
        """
        most, sample, tape = self.settings.loans, self.sample, self.tape
        _ = self.quality.missing, self.totals
        if not self.parts["outcome model"]:
            self.outcome_shares()
        if "n" in sample.frame or len(sample) <= most:
            return
        generator = np.random.default_rng(20_100)
        mine, numbers = sample.row_numbers(), tape.row_numbers()
        drawn = np.sort(generator.choice(len(sample), most, replace=False))
        # of the rows outside the sample, which an earlier day may need, the same share
        others = generator.random(len(tape)) < most / len(sample)
        kept = np.where(np.isin(numbers, mine), np.isin(numbers, mine[drawn]), others)
        self.note += (
            f" Models and tests use {most:,d} of the {len(sample):,d} loans, drawn at random; counts use all of them."
        )
        self.sample, self.tape = _rows(sample, drawn), _rows(tape, np.flatnonzero(kept))
        for name in ("bad", "known"):
            self.__dict__.pop(name, None)

    @cached_property
    def totals(self) -> tuple[int, int, int]:
        """Loans of the sample, those with a known outcome, and the bad ones among them: before any are drawn."""
        if "bad" not in self.sample.frame and "severity" not in self.sample.frame:
            return int(self.weights.sum()), 0, 0
        known = self.bad.notna().to_numpy()
        bad = int((self.bad[known].to_numpy(dtype=float) * self.weights[known]).sum())
        return int(self.weights.sum()), int(self.weights[known].sum()), bad

    def _once(self, name, compute):
        """A table that is computed once."""
        if name not in self._tables:
            self._tables[name] = compute()
        return self._tables[name]

    def _parts(self):
        """Parts of the study, each with a section of its own, and what the tape lacks for them."""
        table = supports(self.sample).set_index("part")
        why = table["why"].where(~table["possible"], "").to_dict()
        frame, parts = self.sample.frame, {section.part: "" for section in SECTIONS}
        grade = why["grade model"]
        if not grade and self.sample.provenance.get("grade_order") == "unknown":
            grade = self.sample.provenance["grade_words"].rstrip(".")
        outcome = why["outcome model"]
        parts["traits one by one"] = outcome
        parts["by grade"] = why["grade against outcome"] or grade
        parts["by vintage"] = why["vintages"]
        parts["by age"] = self.undated
        parts["outcome model"] = outcome
        parts["grade model"] = grade
        levels = frame["severity"].nunique() if self.outcome == "severity" else 2
        parts["parallel lines"] = outcome or (
            "" if levels > 2 else "with two outcomes there is one cut, and nothing to be parallel"
        )
        parts["goodness of fit"] = outcome
        parts["test on other loans"] = outcome
        parts["score card"] = outcome
        parts["master scale"] = outcome
        priced = why["profit and pricing"] or parts["by grade"]
        if not priced and self.event.kind != "final":
            priced = f"a price needs the losses of the whole term; bad here is {self.event.name}"
        parts["prices by grade"] = priced
        parts["loss given default"] = why["loss given default"] or outcome
        held = [name for name in ("purpose", "region", "grade", "counterparty") if name in frame]
        parts["concentration"] = "" if held else "none of purpose, region, grade, counterparty is on the tape"
        return parts

    @cached_property
    def undated(self) -> str:
        """Why the ends of the loans are in no month; empty where they are."""
        if "n" in self.tape.frame:
            return "a table of counts dates no loan"
        return words.attempt(lambda: end_dates(self.tape.frame, self.tape.provenance.get("lag")))

    @cached_property
    def known(self) -> LoanTape:
        """The tape as read, one row a key: what can be wound back to a day."""
        frame = self.tape.frame
        again = frame["loan_id"].notna() & frame["loan_id"].duplicated() if "loan_id" in frame else None
        return self.tape if again is None or not again.any() else self.tape.keep(~again, "the same key again")

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
            ("kind", "simulated, " * self.tape.simulated + self.tape.kind),
        ]
        return pd.DataFrame(
            [(what, str(value)) for what, value in rows if value not in (None, "")], columns=["what", "value"]
        )

    def possible(self) -> pd.DataFrame:
        """Parts of the study and whether the tape carries them.

        Returns
        -------
        pandas.DataFrame
            ``part``, ``place`` (anchor of its section; empty where there is none), ``why not``.
        """
        rows = [(part, "" if why else BY_PART[part].anchor, why) for part, why in self.parts.items()]
        return pd.DataFrame(rows, columns=["part", "place", "why not"])

    def place(self, anchor: str) -> str:
        """Where to look for a section: at its anchor, or in the list of what is left out."""
        gone = {BY_PART[part].anchor for part, why in self.parts.items() if why}
        return "left-out" if anchor in gone else anchor

    def columns_used(self) -> pd.DataFrame:
        """Every column of the tape, and what became of it.

        Returns
        -------
        pandas.DataFrame
            ``column``, ``use``, ``why``: in the model, tried and left out, not tried, kept for another purpose, or not
            read.
        """
        model = None if self.parts["outcome model"] else self.outcome_model
        model = model or (None if self.parts["grade model"] else self.grade_model)
        used = {} if model is None else {rule["column"]: rule for rule in model.rules}
        left = {} if model is None else model.left_out
        purposes = {
            "platform": "set by the platform's model: a benchmark, never a predictor",
            "later": "known only after issue",
            "unsure": "may have been written after issue: no predictor",
            "key": "identifies a loan, a person or an account",
        }
        rows = []
        for name in self.sample.frame.columns:
            column = COLUMNS.get(name)
            if name in used:
                gone = [f"{key}: {why}" for key, why in left.items() if key.startswith(f"{name}: ") and key not in used]
                how = "age of the loan" if used[name]["kind"] == "exposure" else ""
                if used[name].get("log"):
                    how = "as a logarithm"
                rows.append((name, "in the model", "; ".join([how] * bool(how) + gone)))
            elif name in left:
                rows.append((name, "not tried" if name in ON_REQUEST else "tried, left out", left[name]))
            elif column is None:
                rows.append((name, "not tried", "no canonical column"))
            elif name in ("resolved", "mature", "severity", "bad"):
                rows.append((name, "outcome", "made from the state of the loan"))
            elif column.known != "issue":
                rows.append((name, "no predictor", purposes[column.known]))
            else:
                why = ON_REQUEST.get(name) or ("no model" if name in CANDIDATES else "a class of another column")
                rows.append((name, "not tried", why))
        rows += [(str(name), "not read", why) for name, why in self.tape.unused.items()]
        return pd.DataFrame(rows, columns=["column", "use", "why"])

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

    @property
    def gate(self) -> Any:
        """Quality report of the loans studied: that of the tape where they are all of it."""
        return self.quality if len(self.sample) == len(self.tape) else self.sample.quality()

    # ------------------------------------------------------------ outcome and identification

    @property
    def weights(self) -> Any:
        """Loans that each row of the sample stands for."""
        frame = self.sample.frame
        return frame["n"].to_numpy() if "n" in frame else np.ones(len(frame), dtype=np.int64)

    def loans(self) -> int:
        """Number of loans in the sample."""
        return self.totals[0]

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

    @property
    def outcome(self) -> str:
        """Column that the model of the outcome explains: ordered classes where the event has them."""
        frame = self.sample.frame
        return "severity" if "severity" in frame and frame["severity"].nunique() > 1 else "bad"

    def answer(self) -> str:
        """How many of the loans went bad, with the event and the interval, in words."""
        from p2prisk.validation import jeffreys_interval

        _, loans, bad = self.totals
        low, high = (100 * float(bound) for bound in jeffreys_interval(bad, loans))
        share = f"{100 * bad / loans:.1f} per cent ({low:.1f} to {high:.1f})"
        event = self.event
        if event is not None and event.seen != event.name:
            ages = loan_ages(self.sample.frame, event.record_date)
            text = (
                f"Of {loans:,d} loans seen on {event.record_date}, at a median age of "
                f"{count_of(round(float(np.median(ages))), 'month')}, {share} were {event.what}."
            )
            model = None if self.parts["outcome model"] else self.outcome_model
            if model is not None and model.rules[0]["kind"] == "exposure":
                at = float(model.score(self.sample.frame)["pd"].mean())
                text += f" The model puts the share of those {event.name} at {100 * at:.1f} per cent."
            return text
        return f"Of {loans:,d} loans, {share} were {event.name if event is not None else 'bad'}."

    def event_sentence(self) -> str:
        """What counts as bad in this study, in words."""
        if self.event is None:
            return "The tape says nothing of how its loans ended: there is no event to predict."
        if self.event.seen != self.event.name:
            what = (
                f"if it was {self.event.what}. Each loan was seen on {self.event.record_date}, at its own age; counts "
                f"and tests are of that day, and scores are the chance of being {self.event.name}"
            )
        else:
            ended = ", and every loan that is counted has ended" if self.event.kind == "final" else ""
            what = f"if it was {self.event.name}{ended}"
        return (
            f"In this study a loan is bad {what}. That event is what is counted, predicted, tested, scored and priced; "
            "where a section needs another one, it is left out."
        )

    def grade_sentence(self) -> str:
        """Whether the grades are in order, in words."""
        said = self.sample.provenance.get("grade_words", "")
        table = self.bad_by("grade", most=40)
        steps = np.diff(table["share"])
        pairs = zip(table["level"], table["level"][1:], steps, strict=False)
        falls = [f"from {better} to {worse}" for better, worse, step in pairs if step < 0]
        if not falls:
            order = "The share of bad loans rises from each grade to the next."
        elif len(falls) == len(steps):
            order = "The share of bad loans falls from each grade to the next: their order looks upside down."
            said = "" if said.startswith("The losses say the opposite") else said
        else:
            order = (
                f"The share of bad loans does not rise {', '.join(falls[:-1])}{' and ' * (len(falls) > 1)}{falls[-1]}."
            )
        return f"{said} {order}".strip()

    def vintage_sentence(self) -> str:
        """How periods of issue compare, in words."""
        kind, horizon = ("", None) if self.event is None else (self.event.kind, self.event.horizon)
        months = count_of(horizon or 0, "month")
        if self.event is not None and kind == "stage" and self.event.seen == self.event.name:
            return f"Every loan is seen on one day, and at the same age: {months} after issue."
        if kind == "stage":
            return (
                "Every loan is seen on one day: older periods of issue had more time to go bad, so their shares are "
                "not to be compared as they stand."
            )
        if kind == "within":
            return f"Every period is judged at the same age: {months} after issue."
        if kind == "final":
            return "Every loan is judged at its end." + self._terms_that_ended()
        return "Whether the loans of each period had the same time to go bad is not known."

    def _terms_that_ended(self):
        """What is to be known where only the shorter terms of the last periods have ended."""
        unended = [year for year in self.years() if self.terms(year, ended=False) - self.terms(year)]
        if not unended:
            return ""
        left = sorted(set().union(*map(self.terms, unended)))
        return (
            f" Of those issued from {min(unended)} on, only loans of {' or '.join(f'{term:g}' for term in left)} "
            "months have: they are not to be compared with the earlier ones as they stand."
        )

    def years(self) -> list[int]:
        """Years of issue of the loans studied."""
        frame = self.sample.frame
        if "issue_date" in frame:
            return sorted(map(int, frame["issue_date"].dt.year.dropna().unique()))
        return sorted(map(int, frame["issue_year"].dropna().unique())) if "issue_year" in frame else []

    def terms(self, year: int, ended: bool = True) -> set[float]:
        """Contracted terms of the loans of a year: of those studied, or of all on the tape."""
        frame = (self.sample if ended else self.tape).frame
        if not {"term", "issue_date"} <= set(frame):
            return set()
        return set(frame.loc[frame["issue_date"].dt.year == year, "term"].dropna().astype(float))

    def bad_share(self) -> float:
        """Share of bad loans among those with a known outcome."""
        return self.totals[2] / self.totals[1]

    def outcome_shares(self) -> pd.DataFrame:
        """Loans by level of the outcome.

        Returns
        -------
        pandas.DataFrame
            ``outcome``, ``loans``, ``share``.
        """
        return self._once("outcome", self._outcome_shares)

    def _outcome_shares(self):
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
            values = _in_words(pd.qcut(values, 5, duplicates="drop"))
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
        return self._once("information", self._information)

    def _information(self):
        from p2prisk.scorecard.classes import information_value, monotone_classes

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
        if not rows:
            raise DataError("every trait known at issue is the same in all loans")
        return pd.DataFrame(rows).sort_values("information value", ascending=False).reset_index(drop=True)

    # ------------------------------------------------------------ models

    @cached_property
    def outcome_model(self) -> Any:
        """The standard model of the outcome (:func:`p2prisk.standard.fit_standard`)."""
        model = fit_standard(self.sample, self.outcome)
        if self.settings.decisions.plain:
            model.about["decisions"] = self.settings.decisions.plain
        for entry in self.settings.decisions.plain.get("merge", ()):  # a new loan still says the old class
            for rule in model.rules:
                if rule["column"] == entry["trait"] and entry["into"] in rule.get("levels", ()):
                    rule.setdefault("merged", {}).update(dict.fromkeys(entry["classes"], entry["into"]))
        return model

    @cached_property
    def grade_model(self) -> Any:
        """The standard model of the platform's grade."""
        return fit_standard(self.sample, "grade")

    @cached_property
    def hazard(self) -> Any:
        """The standard hazard of the tape as read (:func:`p2prisk.standard_hazard.fit_standard_hazard`)."""
        from p2prisk.standard_hazard import fit_standard_hazard

        return fit_standard_hazard(self.known)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """How the loans end by age, all and by year of issue (:func:`p2prisk.report.ages.curves`)."""
        from p2prisk.report.ages import curves

        return curves(self)

    @cached_property
    def loss_model(self) -> Any:
        """The model of loss given default (:class:`p2prisk.report.losses.LossModel`)."""
        from p2prisk.report.losses import LossModel

        return LossModel(self)

    @cached_property
    def staged(self) -> Any:
        """Expected loss of the running loans (:class:`p2prisk.report.losses.StagedLoss`)."""
        from p2prisk.report.losses import StagedLoss

        return StagedLoss(self)

    @cached_property
    def declined(self) -> Any:
        """What can be said of declined applications (:class:`p2prisk.report.declined.Declined`)."""
        from p2prisk.report.declined import Declined

        return Declined(self)

    @cached_property
    def judged(self) -> Judged:
        """The test on loans the model was not built on."""
        found = judge(self)
        if self.sample.provenance.get("grade_order") == "unknown":  # nothing is compared with a grade of unknown order
            found.frame = found.frame.drop(columns="grade")
        return found

    def strongest(self, model: Any = None) -> str:
        """The trait with the clearest evidence in words (:func:`p2prisk.report.traits.strongest`)."""
        if model is not None and model.outcome == "grade":
            return traits.strongest(model)
        return traits.strongest(model or self.outcome_model, None if self.parts["test on other loans"] else self.judged)

    @staticmethod
    def odds(model: Any, most: Any = None) -> pd.DataFrame:
        """Odds ratios of a standard model in the traits' own units, the clearest evidence first, for print."""
        return traits.effects(model)[["trait", "compared", "odds_ratio", "ci_low", "ci_high", "pvalue"]][:most]

    def cutoff_sentence(self) -> str:
        """What a cut-off does on the loans tested, in words: that of the lender, or the one that page one suggests."""
        from p2prisk.report.decisions import suggested_cutoff
        from p2prisk.validation import jeffreys_interval

        judged, plain = self.judged, self.settings.decisions.plain.get("cutoff")
        whose, reason = "The cut-off of the lender is", ""
        if plain is None:
            plain, whose = suggested_cutoff(self).value, "No cut-off is decided. The one that page one suggests is"
        else:
            reason = f" ({plain['reason'].rstrip('.')})"
        if "pd" in plain:
            accepted, words = judged.pd <= plain["pd"], f"a probability of at most {100 * plain['pd']:g} per cent"
        else:
            order = np.argsort(judged.rank, kind="stable")
            share = np.cumsum(judged.weights[order]) / judged.weights.sum()
            accepted = np.zeros(len(order), dtype=bool)
            accepted[order[share <= plain["accept"] + 1e-12]] = True
            words = f"the safest {100 * plain['accept']:g} per cent"
        loans = int(judged.weights[accepted].sum())
        if not loans:
            return f"{whose} {words}{reason}: it would have accepted none of the loans tested."
        bad = int((judged.observed * judged.weights)[accepted].sum())
        low, high = (float(bound) for bound in jeffreys_interval(bad, loans))
        return (
            f"{whose} {words}{reason}: of the loans tested it would have "
            f"accepted {loans:,d} ({100 * loans / judged.loans:.0f} per cent), of which {100 * bad / loans:.1f} per "
            f"cent ({100 * low:.1f} to {100 * high:.1f}) were {self.event.seen if self.event else 'bad'}."
        )

    @staticmethod
    def fit_sentence(model: Any) -> str:
        """Size, exactness and fit of a standard model, in words."""
        results = model.results
        exact = "12 digits or more" if results.digits >= 12 else f"{results.digits:.0f} digits"  # as in the checklist
        return (
            f"The model has {count_of(len(results.exog_names), 'coefficient')} on {int(results.nobs):,d} loans; the "
            f"estimates are exact to {exact}. McFadden's pseudo-R² is {results.prsquared:.3f}."
        )

    def grade_fit_sentence(self) -> str:
        """What the traits explain of the grade, in words."""
        return (
            f"Of the grade, the traits on this tape explain a pseudo-R² of {self.grade_model.results.prsquared:.3f}. "
            f"{self.strongest(self.grade_model)}"
        )

    def card_sentence(self) -> str:
        """What the points mean, and how many loans have none, in words."""
        card, scored, event = self.card.card, self.card.scored, self.event
        frame = self.sample.frame
        each = frame.loc[scored.index, "n"].to_numpy() if "n" in frame else np.ones(len(scored), dtype=np.int64)
        loans, refer = int(each.sum()), int(each[scored["refer"].to_numpy()].sum())
        return (
            f"The outcome model in points; default here means: {event.name if event else 'bad'}. At "
            f"{card.base_score:.0f} points the odds of no default are {card.base_odds:.0f} to one, and "
            f"{card.points_to_double:.0f} points double them. "
            f"The points of a number run evenly from its low to its high end{_on_a_logarithm(card)}. "
            f"{self._rounding_sentence()} The table rounds the ends of a number too, so that a sum by hand may be one "
            "point off for each number between them. A missing value has points of its own where "
            "enough loans had it. Otherwise a number takes those of the median, and a loan with another gap is "
            f"referred to a person. Of {loans:,d} loans, {f'{refer:,d}' if refer else 'none'} "
            f"{'is' if refer == 1 else 'are'}."
        )

    def _rounding_sentence(self):
        frame = self.sample.frame
        off = self.card.rounding(frame.loc[self.card.scored.index, "n"] if "n" in frame else None)
        words = (
            f"Each is rounded, and the probability is not: the points of a loan lie up to {off['largest']:.1f} from "
            f"those of its probability, and {signed(off['mean'], 1)} on average."
        )
        if off["other_grade"] != off["other_grade"]:
            return words
        return (
            f"{words} By points alone {100 * off['other_grade']:.1f} per cent of the loans would be in another grade."
        )

    @staticmethod
    def remedies(model: Any) -> str:
        """What was done in a model where maximum likelihood had no finite estimate, in words."""
        return words.remedies(model)

    @cached_property
    def card(self) -> Any:
        """Card, grades and scored loans (:func:`p2prisk.scorecard.card_of_tape`)."""
        from p2prisk.scorecard import card_of_tape

        decided, frame = self.settings.decisions, self.sample.frame
        frame = frame if "bad" in frame else frame.assign(bad=self.bad)  # a table of counts may hold classes alone
        return card_of_tape(
            self.outcome_model, frame, decided.get("grades", "number") or 7, decided.get("grades", "bounds")
        )

    def scale(self) -> pd.DataFrame:
        """The master scale for print (:meth:`p2prisk.scorecard.any_tape.TapeCard.grades_in_per_cent`).

        Raises
        ------
        DataError
            The loans support none.
        """
        if self.card.grades is None:
            raise DataError(self.card.why)
        return self.card.grades_in_per_cent()

    def scale_rule(self) -> str:
        """How the bounds of the grades came about, in words."""
        if self.settings.decisions.get("grades", "bounds"):
            return "The bounds of the grades are a decision of the lender."
        return (
            "Grades were found by likelihood under four conditions: at least one loan in twenty and twenty defaults in "
            "each, rising default rates, and neighbours that differ beyond chance."
        )

    def scale_sentence(self) -> str:
        """In which grades the assigned rate misses what was observed, in words."""
        table = self.scale()
        gone = table.loc[~table["assigned"].between(table["low"], table["high"]), "grade"].astype(str).tolist()
        if not gone:
            return "Every assigned rate lies inside the interval of what was observed."
        one = len(gone) == 1
        return (
            f"The assigned {'rate' if one else 'rates'} of {'grade' if one else 'grades'} {', '.join(gone)} "
            f"{'lies outside the interval' if one else 'lie outside the intervals'} of what was observed, on the very "
            "loans of the fit: there the model misses the level."
        )

    # ------------------------------------------------------------ verification

    def parallel_lines(self) -> pd.DataFrame:
        """Brant's test of the outcome model by trait (:func:`p2prisk.report.traits.parallel_lines`)."""
        return self._once("parallel", lambda: traits.parallel_lines(self.outcome_model))

    @cached_property
    def goodness_of_fit(self) -> pd.DataFrame:
        """Tests of fit of the outcome model (:func:`p2prisk.assumptions.goodness_of_fit`), for print.

        Returns
        -------
        pandas.DataFrame
            ``test``, ``chi2``, ``df``, ``pvalue``, ``note``.
        """
        from p2prisk.assumptions import goodness_of_fit

        def compute():
            table = goodness_of_fit(self.outcome_model.results).rename_axis("test").reset_index()
            table["note"] = table["note"].str.replace(_FOR_PYTHON, "", regex=True)
            return table[["test", "chi2", "df", "pvalue", "note"]]

        return self._once("goodness", compute)

    # ------------------------------------------------------------ control

    def prices(self) -> pd.DataFrame:
        """What each grade pays, and what it would have to pay to make up for its losses.

        Loans of the commonest term whose rate, grade and outcome are known; the share of bad loans stands for the
        probability of default, and what comes back after default is taken from the tape where it says, else as nothing.

        Returns
        -------
        pandas.DataFrame
            ``grade``, ``loans``, ``bad``, ``rate`` (mean charged) and ``break_even`` as yearly shares; in `attrs`
            ``term``, ``recovery``, ``no_recovery`` (why none is known; empty where it is) and ``costs``.
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
        recovery, why = 0.0, "the tape is silent on it"
        if "recoveries" in frame:
            why = "the tape does not say what was owed"
        if {"recoveries", "principal_paid", "amount"} <= set(frame):
            told = frame[["recoveries", "principal_paid", "amount"]].notna().all(axis=1).to_numpy()
            lgd = loss_given_default(_with_fee(frame[part & told]))["lgd"]
            why = "" if len(lgd) else "the tape gives it for no bad loan"
            recovery = 1 - float(lgd.mean()) if len(lgd) else 0.0
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
        out.attrs.update(term=term, recovery=recovery, no_recovery=why, costs=costs)
        return out

    def prices_sentence(self) -> Any:
        """What the prices say, in words that follow the numbers."""
        table = self.prices()
        # a missing break-even rate: no rate makes up for the losses of the grade
        short = table[~(table["rate"] >= table["break_even"])]
        facts = table.attrs
        back = (
            f"{100 * facts['recovery']:.0f} per cent of what was owed came back after default, by the tape"
            if not facts["no_recovery"]
            else f"nothing is taken to come back after default: {facts['no_recovery']}"
        )
        costs = facts["costs"]
        late = f", and what comes back comes {costs.recovery_lag} months later" if facts["recovery"] > 0 else ""
        text = (
            f"On loans of {facts['term']} months, {back}; money costs {100 * costs.funding:.0f} per cent a year, "
            f"and {100 * costs.servicing:.0f} per cent of each payment goes to servicing. A default is taken to be as "
            f"likely in each month of the term, no loan to be repaid early{late}. "
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

    def given_default(self) -> pd.DataFrame:
        """What was lost of the principal owed at default, for all bad loans and by grade.

        Returns
        -------
        pandas.DataFrame
            ``loans``: all, or the grade; ``bad`` with known payments, ``owed`` (share of the amount at default),
            ``lost`` (of what was owed, mean over loans), ``low``, ``high`` (95 % normal interval of that mean),
            ``by_money`` (lost of all that was owed together).

        Raises
        ------
        DataError
            No bad loan with payments.
        """
        from p2prisk.report.losses import lost

        losses = lost(self)
        groups = [("all", losses)]
        if not self.parts["by grade"]:
            groups += [(str(grade), own) for grade, own in losses.groupby("grade", observed=True) if len(own) > 1]
        rows = []
        for name, own in groups:
            owed = own["owed"]
            half = 1.959963984540054 * own["lgd"].std() / np.sqrt(len(own))
            by_money = float((own["lgd"] * owed).sum() / owed.sum()) if owed.sum() > 0 else np.nan
            mean = own["lgd"].mean()
            rows.append((name, len(own), (owed / own["amount"]).mean(), mean, mean - half, mean + half, by_money))
        table = pd.DataFrame(rows, columns=["loans", "bad", "owed", "lost", "low", "high", "by_money"])
        table[["low", "high"]] = table[["low", "high"]].clip(0, 1)
        table.attrs["unknown"] = int((self.bad.fillna(0).to_numpy(dtype=float) > 0).sum() - len(losses))
        table.attrs["fee"] = "recovery_fee" in self.sample.frame
        return table

    def given_default_sentence(self) -> str:
        """What came back after default, in words."""
        table = self.given_default()
        row = table.iloc[0]
        gone = table.attrs["unknown"]
        return (
            f"At default {100 * row['owed']:.0f} per cent of the amount lent was still owed, on the mean of "
            f"{row['bad']:,d} bad loans; of what was owed {100 * row['lost']:.1f} per cent was lost "
            f"({100 * row['low']:.1f} to {100 * row['high']:.1f}), by money {100 * row['by_money']:.1f}. Recoveries "
            "are those on the tape on the day of its records, not discounted"
            + ("" if table.attrs["fee"] else ", and before the cost of collection, which the tape does not give")
            + "."
            + (f" Of {count_of(gone, 'further bad loan')} the tape does not say what came back." if gone else "")
        )

    def ends_by_age(self) -> pd.DataFrame:
        """Share of loans that had defaulted, or were repaid, by age: the running ones count as long as they are seen.

        Returns
        -------
        pandas.DataFrame
            ``months``, ``at_risk``, ``defaulted``, ``repaid``, as of :func:`p2prisk.report.ages.incidence`.
        """
        from p2prisk.hazard import spells
        from p2prisk.report.ages import incidence

        found = spells(self.known).frame
        table = incidence(found["exit"].to_numpy(), found["ending"].to_numpy(dtype=object))
        table = table[table["months"].isin(_AGES) | (table["months"] == min(table["months"].max(), _AGES[-1]))]
        return table[["months", "at_risk", "defaulted", "repaid"]].reset_index(drop=True)

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
        return check_limits(book, [Limit(name, 1.0) for name in columns], amount=money)[
            ["column", "value", "share", "effective"]
        ]


#: advice that a caller of the tests in Python can follow, and the reader of a report cannot
_FOR_PYTHON = re.compile(r"[:;.] *(name fewer factors|use fewer groups|use fagerland_hosmer).*$", re.IGNORECASE)


def _rows(tape, places):
    """Rows of a tape by their places, and nothing counted as set aside."""
    frame = drop_unused_levels(tape.frame.iloc[places].reset_index(drop=True))
    return replace(tape, frame=frame, rows=tape.row_numbers()[places])


def _on_a_logarithm(card):
    """Which numbers of a card run on a logarithm, in words: with them a printed card is added up by hand."""
    logs = [item.name for item in card.characteristics if item.kind == "number" and item.transform != "identity"]
    return f" ({', '.join(logs)}: on the logarithm of one more)" if logs else ""


def _with_fee(frame):
    """A frame with a collection fee of nothing where the tape gives none."""
    return frame if "recovery_fee" in frame else frame.assign(recovery_fee=0.0)


def _in_words(classes):
    """Classes of numbers with round edges in words."""
    intervals = classes.cat.categories
    edges = [intervals[0].left, *(interval.right for interval in intervals)]
    digits = next(d for d in (0, 1, 2, 3, 4, 6) if len({round(edge, d) for edge in edges}) == len(edges) or d == 6)
    shown = [f"{edge:,.{digits}f}" for edge in edges]
    names = [f"up to {shown[1]}", *(f"over {a} to {b}" for a, b in zip(shown[1:-2], shown[2:-1], strict=True))]
    if len(shown) > 2:
        names.append(f"over {shown[-2]}")
    return classes.cat.rename_categories(names).cat.as_ordered()
