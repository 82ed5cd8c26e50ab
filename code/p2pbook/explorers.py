"""Things to move on a page: a few controls, and what they do to a result of the chapter.

Plain JavaScript inside the page, nothing is fetched; without a script, as in a PDF, the same object is a table at the
settings shown first. Each kind is computed twice, here and in ``assets/explorer.js``; a browser test compares the two.
"""

import html
import json
from dataclasses import dataclass, field
from importlib import resources

import numpy as np

from p2prisk.tables import number


@dataclass(frozen=True)
class Control:
    """A control: a slider with numbers, or a list to choose from.

    Attributes
    ----------
    name, label : str
    first : float or str
        Setting shown first.
    choices : tuple of str
        Of a list; empty for a slider.
    low, high, step : float
        Of a slider.
    """

    name: str
    label: str
    first: object
    choices: tuple = ()
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01

    def markup(self, prefix):
        """The control as HTML."""
        key, words = f"{prefix}-{html.escape(self.name, quote=True)}", html.escape(self.label)
        name = html.escape(self.name, quote=True)
        if self.choices:
            options = "".join(
                f"<option{' selected' if choice == self.first else ''}>{html.escape(choice)}</option>"
                for choice in self.choices
            )
            return (
                f'<div><label for="{key}">{words}</label>'
                f'<select id="{key}" data-control="{name}">{options}</select></div>'
            )
        digits = max(0, -int(np.floor(np.log10(self.step))))
        return (
            f'<div><label for="{key}">{words}:</label> <output for="{key}"></output>'
            f'<input type="range" id="{key}" data-control="{name}" data-digits="{digits}" min="{self.low:g}" '
            f'max="{self.high:g}" step="{self.step:g}" value="{self.first:g}"></div>'
        )


@dataclass(frozen=True)
class Explorer:
    """Controls, and a table with bars that follows them.

    Attributes
    ----------
    name : str
        Identifier of the element in the page.
    title : str
        What it is, for a reader who hears the page.
    kind : {"thresholds", "curves", "lookup"}
        How rows follow from the settings; see :func:`rows`.
    controls : tuple of Control
    data : dict
        What the kind computes with.
    heads : tuple of str
        Heads of the two columns.
    percent : bool
        Whether values are shares that are shown per hundred.
    digits : int
    most : float
        Value whose bar fills the column.
    """

    name: str
    title: str
    kind: str
    controls: tuple
    data: dict
    heads: tuple
    percent: bool = True
    digits: int = 1
    most: float = 1.0
    unit: str = field(default="")

    @property
    def first(self):
        """Settings shown first."""
        return {control.name: control.first for control in self.controls}

    def rows(self, settings=None):
        """Words and value of each row at some settings, by default those shown first.

        Returns
        -------
        list of tuple of (str, float or None)
        """
        return _KINDS[self.kind](self.data, settings or self.first)

    def _repr_html_(self):
        unit = " %" if self.percent else self.unit
        plain = {"kind": self.kind, "percent": self.percent, "digits": self.digits, "most": self.most, "unit": unit}
        words = json.dumps(self.data | plain, ensure_ascii=False).replace("</", "<\\/")
        controls = "".join(control.markup(self.name) for control in self.controls)
        style, script = (_asset(f"explorer.{kind}") for kind in ("css", "js"))
        return (
            f'<div class="explorer widget" id="{self.name}" role="group" aria-label="{html.escape(self.title)}">'
            f'<style>{style}</style><form>{controls}<button type="button">Reset</button></form>'
            '<div role="status" aria-live="polite"><table data-quarto-disable-processing="true"><thead><tr>'
            f'<th scope="col">{html.escape(self.heads[0])}</th><th scope="col">{html.escape(self.heads[1])}</th>'
            '<td class="explorer-bar"></td></tr></thead><tbody></tbody></table></div>'
            f'<script type="application/json">{words}</script>'
            f"<script>{script.replace('EXPLORER-ID', self.name)}</script></div>"
        )

    def _repr_markdown_(self):
        settings = "; ".join(
            f"{control.label}: {control.first if control.choices else number(control.first, 2)}"
            for control in self.controls
        )
        scale, unit = (100, " %") if self.percent else (1, self.unit)
        lines = [f"| {self.heads[0]} | {self.heads[1]} |", "|:---|---:|"]
        for words, value in self.rows():
            lines.append(f"| {words} | {'–' if value is None else number(scale * value, self.digits) + unit} |")
        return "\n".join(lines) + f"\n\nAt {settings}.\n"


def _asset(name):
    return (resources.files("p2pbook") / "assets" / name).read_text(encoding="utf-8")


def _thresholds(data, got):
    below = [*(1 / (1 + np.exp(-(np.array(data["thresholds"]) - got["eta"])))), 1.0]
    return list(zip(data["classes"], (float(p) for p in np.diff([0.0, *below])), strict=True))


def _curves(data, got):
    return [(curve["name"], float(np.interp(got["x"], curve["x"], curve["y"]))) for curve in data["curves"]]


def _lookup(data, got):
    return list(zip(data["names"], data["rows"][f"{got['case']} / {got['level']}"], strict=True))


_KINDS = {"thresholds": _thresholds, "curves": _curves, "lookup": _lookup}


def of_thresholds(result, digits=2):
    """Move a borrower along the latent scale of an ordered logit and see the chance of each class.

    Parameters
    ----------
    result : OrderedResults
    digits : int
        Digits of the linear predictors that the slider begins, ends and starts at: those of the data.
    """
    low, middle, high = (round(float(end), digits) for end in np.quantile(result.predict(which="linear"), [0, 0.5, 1]))
    return Explorer(
        name="explore-thresholds",
        title="Chance of each grade by the linear predictor of a borrower",
        kind="thresholds",
        controls=(Control("eta", "Linear predictor of the borrower", middle, low=low, high=high),),
        data={
            "thresholds": [float(f"{value:.12g}") for value in result.thresholds],
            "classes": [str(name) for name in result.categories],
        },
        heads=("Grade", "Chance"),
    )


def of_returns(shifts, returns):
    """Move the log odds of a worse outcome and see the lenders' return a year.

    Parameters
    ----------
    shifts : array_like
    returns : dict of str to sequence of float
        Loans -> return at each shift.
    """
    return Explorer(
        name="explore-returns",
        title="Lenders' return a year by the shift of the log odds",
        kind="curves",
        controls=(Control("x", "Shift of the log odds of a worse outcome", 0.5, low=min(shifts), high=max(shifts)),),
        data={
            "curves": [
                {"name": name, "x": [float(x) for x in shifts], "y": [float(f"{y:.10g}") for y in values]}
                for name, values in returns.items()
            ]
        },
        heads=("Loans", "Return a year"),
        most=float(max(abs(y) for values in returns.values() for y in values)),
    )


def of_detection(shares, causes, doses):
    """Choose a cause and a dose and see what share of simulated platforms each instrument noticed.

    Parameters
    ----------
    shares : pandas.DataFrame
        ``cause, dose, reading, share``.
    causes : dict of str to str
        Cause -> how it is called.
    doses : sequence of float
    """
    names = list(dict.fromkeys(shares["reading"]))
    by_case = shares.set_index(["cause", "dose", "reading"])["share"]
    return Explorer(
        name="explore-detection",
        title="Share of simulated platforms that each instrument noticed",
        kind="lookup",
        controls=(
            Control("case", "Cause", next(iter(causes.values())), tuple(causes.values())),
            Control("level", "Dose", f"{doses[-1]:g}", tuple(f"{dose:g}" for dose in doses)),
        ),
        data={
            "names": names,
            "rows": {
                f"{words} / {dose:g}": [float(by_case[cause, dose, name]) for name in names]
                for cause, words in causes.items()
                for dose in doses
            },
        },
        heads=("Instrument", "Noticed, simulated"),
        digits=0,
    )
