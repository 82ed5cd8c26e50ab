"""The score card as a page element: set the attributes, see points, grade, probabilities and reasons."""

import html
from dataclasses import asdict
from functools import partial
from importlib import resources

import numpy as np
import pandas as pd
from scipy import special

from p2prisk.errors import DataError
from p2prisk.escape import escaped

_LEVEL = 0.95
_cell = partial(escaped, form="markdown")


def _asset(name):
    return (resources.files("p2prisk") / "assets" / name).read_text(encoding="utf-8")


def _short(value):
    """Numbers with twelve significant digits, in whatever holds them."""
    if isinstance(value, dict):
        return {key: _short(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_short(entry) for entry in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _observed(row, whose):
    """What became of the loans of a grade, in a sentence."""
    if not row.loans:
        return f"None of the {whose} has grade {row.grade}."
    return (
        f"Of {row.loans:,d} {whose} with grade {row.grade}, {100 * row.observed:.1f} % defaulted "
        f"({100 * row.ci_low:.1f} to {100 * row.ci_high:.1f} %); the grade is assigned {100 * row.pd:.1f} %."
    )


class ScorecardWidget:
    """An interactive score card; plain JavaScript inside the page, nothing is fetched.

    Shown by Jupyter and Quarto as HTML. Where there is no script, as in a PDF, the same object is a Markdown table of
    the default borrower.

    Parameters
    ----------
    card : Scorecard
    labels : dict, optional
        Characteristic -> words for the reader.
    defaults : dict, optional
        Characteristic -> attribute, or value of a number, shown first; the first attribute otherwise.
    name : str
        Identifier of the element in the page.
    observed : pandas.DataFrame, optional
        What became of other loans of each grade, from :func:`p2prisk.scorecard.grade_table`; it is printed beside the
        probability that the card assigns.
    whose : str
        Words for these loans.
    words : dict, optional
        Characteristic -> attribute -> words for the reader, where the attribute alone says too little.
    """

    def __init__(
        self, card, labels=None, defaults=None, name="scorecard", observed=None, whose="other loans", words=None
    ):
        self.card, self.labels, self.name, self.words = card, dict(labels or {}), name, dict(words or {})
        self.observed = {}
        if observed is not None:
            if card.scale is None or list(observed["grade"]) != list(card.scale.labels):
                raise DataError("observed rates need one row for each grade of the card's scale, best first")
            self.observed = {row.grade: _observed(row, whose) for row in observed.itertuples(index=False)}
        self.defaults = {}
        for item in card.characteristics:
            first = item.levels[0] if item.kind == "class" else f"{(item.low + item.high) / 2:g}"
            self.defaults[item.name] = str((defaults or {}).get(item.name, first))

    def data(self):
        """What the script computes with; the page holds twelve digits of it, which any machine agrees on."""
        card = self.card
        best = card.attributes.groupby("characteristic", sort=False)["points"].max()
        items = []
        for item in card.characteristics:
            plain = asdict(item)
            slopes = card._slopes_of[item.name]
            items.append(
                {
                    key: plain[key]
                    for key in (
                        "name",
                        "kind",
                        "parameters",
                        "levels",
                        "rows",
                        "transform",
                        "low",
                        "high",
                        "least",
                        "most",
                        "missing_row",
                    )
                }
                | {"neutral": float(card._neutral[item.name])}
                | {"centre": float(np.dot(item.mean, slopes)), "best": float(best[item.name])}
            )
            if item.kind == "class":
                # no bounds, and infinity is not JSON
                for key in ("low", "high", "least", "most"):
                    items[-1].pop(key)
        return {
            "characteristics": items,
            "parameters": list(card.slopes.index),
            "slopes": {name: float(value) for name, value in card.slopes.items()},
            "thresholds": card.thresholds.tolist(),
            "covariance": np.asarray(card.covariance).tolist(),
            "categories": list(card.categories),
            "cut": card.cut,
            "shift": card.shift,
            "digits": card.digits,
            "factor": float(card.factor),
            "losses": list(card.losses),
            "z": float(-special.ndtri((1 - _LEVEL) / 2)),
            "labels": self.labels,
            "scale": None if card.scale is None else card.scale.to_plain(),
            "observed": self.observed,
        }

    def __repr__(self):
        grades = 0 if self.card.scale is None else len(self.card.scale.labels)
        return f"<ScorecardWidget {self.name}: {len(self.card.characteristics)} characteristics, {grades} grades>"

    def _called(self, name, level):
        return self.words.get(name, {}).get(level, level)

    def _control(self, item):
        words = html.escape(self.labels.get(item.name, item.name))
        key = html.escape(f"{self.name}-{item.name}", quote=True)
        known = html.escape(item.name, quote=True)
        if item.kind == "class":
            options = "".join(
                f'<option value="{html.escape(level, quote=True)}"'
                f"{' selected' if level == self.defaults[item.name] else ''}>"
                f"{html.escape(self._called(item.name, level))}</option>"
                for level in item.levels
            )
            control = f'<select id="{key}" data-characteristic="{known}">{options}</select>'
        else:
            control = (
                f'<input type="number" step="any" id="{key}" data-characteristic="{known}" '
                f'value="{html.escape(self.defaults[item.name], quote=True)}">'
            )
        return (
            f'<div class="scorecard-item"><label for="{key}">{words}</label>{control}'
            f'<output for="{key}" data-points="{known}" aria-label="points">–</output></div>'
        )

    def _repr_html_(self):
        data = escaped(_short(self.data()), "json")
        controls = "".join(map(self._control, self.card.characteristics))
        return (
            f'<div class="scorecard widget" id="{self.name}" role="group" aria-label="Interactive score card">'
            f"<style>{_asset('scorecard.css')}</style>"
            f'<form>{controls}<p class="scorecard-buttons"><button type="button" data-part="reset">Reset</button> '
            '<button type="button" data-part="keep">Keep this borrower beside the next</button></p></form>'
            '<div role="status" aria-live="polite"><dl class="scorecard-sum">'
            '<div><dt>Score</dt><dd data-part="score">–</dd></div><div><dt>Grade</dt><dd data-part="grade">–</dd></div>'
            '<div><dt>Probability of default</dt><dd data-part="pd">–</dd>'
            '<dd class="scorecard-interval" data-part="interval"></dd></div></dl>'
            '<p class="scorecard-observed" data-part="observed"></p>'
            '<p class="scorecard-kept" data-part="kept" hidden></p></div>'
            # Quarto would read the table into its own document and the script would not find it again
            '<table data-quarto-disable-processing="true">'
            f"<caption>Outcome with {100 * _LEVEL:.0f}\u00a0% interval</caption>"
            '<thead><tr><th scope="col">Outcome</th><th scope="col">Chance</th><th scope="col">Interval</th>'
            '<th scope="col" class="scorecard-bar" aria-hidden="true"></th></tr></thead><tbody></tbody></table>'
            "<div>Reasons for the score, largest loss of points first:<ol></ol></div>"
            '<div>One answer that would change the grade:<ul data-part="changes"></ul></div>'
            '<p class="scorecard-note" data-part="note"></p>'
            f'<script type="application/json">{data}</script>'
            f"<script>{_asset('scorecard.js').replace('SCORECARD-ID', self.name)}</script></div>"
        )

    def default_borrower(self):
        """Frame of one row with the attributes shown first."""
        return pd.DataFrame(
            {
                item.name: [self.defaults[item.name] if item.kind == "class" else float(self.defaults[item.name])]
                for item in self.card.characteristics
            }
        )

    def _repr_markdown_(self):
        frame = self.default_borrower()
        scored = self.card.score(frame, drift="flag").iloc[0]
        points, band = self.card.points(frame).iloc[0], self.card.intervals(frame, _LEVEL).iloc[0]
        lines = ["| Characteristic | Attribute | Points |", "|:---|:---|---:|"]
        for item in self.card.characteristics:
            words = (self.labels.get(item.name, item.name), self._called(item.name, self.defaults[item.name]))
            lines.append(f"| {' | '.join(map(_cell, words))} | {points[item.name]:g} |")
        grade = "" if self.card.scale is None else f", grade {scored['grade']}"
        lines.append(f"| **Score{grade}** | | **{scored['score']:g}** |")
        chances = "; ".join(
            f"{name} {100 * band[(name, 'estimate')]:.1f} % ({100 * band[(name, 'lower')]:.1f} to "
            f"{100 * band[(name, 'upper')]:.1f} %)"
            for name in self.card.categories
        )
        came = f" {self.observed[scored['grade']]}" if self.observed else ""
        return "\n".join(lines) + f"\n\nChances with {100 * _LEVEL:.0f}\u00a0% intervals: {chances}.{came}\n"
