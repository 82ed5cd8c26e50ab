"""Things to move on a page: a few controls, and what they do to a result of the chapter.

Plain JavaScript inside the page, nothing is fetched; without a script, as in a PDF, the same object is a table at the
settings shown first. Each kind is computed twice, here and in ``assets/explorer.js``; a browser test compares the two.
"""

import html
from dataclasses import dataclass, field
from importlib import resources

import numpy as np

from p2prisk.escape import escaped
from p2prisk.stress import funding_run
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
    percent : bool
        Whether a slider's setting is a share that is shown per hundred, as in the text; it stays a share where it is
        computed with.
    """

    name: str
    label: str
    first: object
    choices: tuple = ()
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    percent: bool = False

    def said(self, setting):
        """A setting as the page says it.

        >>> Control("cash", "Cash", 0.06, percent=True).said(0.06), Control("eta", "Risk", 0.3).said(-0.3)
        ('6 %', '−0.30')
        """
        if self.choices:
            return setting
        return number(setting * (100 if self.percent else 1), self.digits) + (" %" if self.percent else "")

    @property
    def digits(self):
        """Digits after the point that a setting is shown with: those of the step."""
        return max(0, -int(np.floor(np.log10(self.step * (100 if self.percent else 1)))))

    def markup(self, prefix):
        """The control as HTML."""
        # an identifier holds no space
        key, words = html.escape(f"{prefix}-{self.name}".replace(" ", "-"), quote=True), html.escape(self.label)
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
        percent = ' data-percent="true"' if self.percent else ""
        return (
            f'<div><label for="{key}">{words}:</label> <output for="{key}"></output>'
            f'<input type="range" id="{key}" data-control="{name}" data-digits="{self.digits}"{percent} '
            f'min="{self.low:g}" max="{self.high:g}" step="{self.step:g}" value="{self.first:g}"></div>'
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
    kind : {"thresholds", "curves", "lookup", "cutoff", "run"}
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
        words = escaped(self.data | plain, "json")
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
        shown = [control.said(control.first) for control in self.controls]
        labels = [control.label[0].lower() + control.label[1:] for control in self.controls]
        settings = "; ".join(f"{label}: {first}" for label, first in zip(labels, shown, strict=True))
        scale, unit = (100, " %") if self.percent else (1, self.unit)
        lines = [f"| {self.heads[0]} | {self.heads[1]} |", "|:---|---:|"]
        for words, value in self.rows():
            lines.append(f"| {words} | {'–' if value is None else number(scale * value, self.digits) + unit} |")
        return "\n".join(lines) + f"\n\nShown for {settings}.\n"


def _asset(name):
    return (resources.files("p2pbook") / "assets" / name).read_text(encoding="utf-8")


def _thresholds(data, got):
    below = [*(1 / (1 + np.exp(-(np.array(data["thresholds"]) - got["eta"])))), 1.0]
    return list(zip(data["classes"], (float(p) for p in np.diff([0.0, *below])), strict=True))


def _curves(data, got):
    return [(curve["name"], float(np.interp(got["x"], curve["x"], curve["y"]))) for curve in data["curves"]]


def _lookup(data, got):
    return list(zip(data["names"], data["rows"][" / ".join(got[name] for name in data["by"])], strict=True))


def _cutoff(data, got):
    sums, carries = np.zeros(4), data["caps"][f"{got['cap']} / {got['funding']}"]
    for term, curves in data["terms"].items():
        at = min(got["cutoff"], carries[term])
        wanted = [curves[name] for name in ("loans", "bad", "money", got["funding"])]
        sums += [np.interp(at, data["x"], column) for column in wanted]
    loans, bad, money, value = map(float, sums)
    price = data["price"][got["funding"]]
    price = float(np.interp(min(got["cutoff"], carries["36"]), price["x"], price["y"]))
    found = (loans, bad / loans if loans else None, value, value / money if money else None, price)
    return list(zip(data["names"], found, strict=True))


def _run(data, got):
    path = funding_run(
        1.0,
        got["cash"],
        asset_months=data["asset_months"],
        liability_months=float(got["due"]),
        reinvested=got["reinvested"],
        default_rate=got["default_rate"],
        horizon=data["months"][-1],
    )
    last, left = int(path["month"].iloc[-1]), float(path["cash"].iloc[-1])
    rows = [(f"After month {month}", float(path["cash"][month - 1])) for month in data["months"] if month < last]
    return [*rows, (f"Month {last}: nothing is left" if left < -1e-9 else f"After month {last}", left)]


_KINDS = {"thresholds": _thresholds, "curves": _curves, "lookup": _lookup, "cutoff": _cutoff, "run": _run}


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
        most=round(max(abs(y) for values in returns.values() for y in values), 6),
    )


def of_run(reinvested, cash, asset_months, due, horizon):
    """Move what lenders put in again, the cash at hand and what borrowers fail to pay; see how long the cash lasts.

    Parameters
    ----------
    reinvested, cash : float
        Settings shown first: share of money falling due that is put in again, and cash as a share of the loans.
    asset_months : int
        Months over which the loans repay.
    due : sequence of int
        Months over which lenders' money may fall due; the first is shown first.
    horizon : int
        Months looked at.

    Notes
    -----
    :func:`p2prisk.stress.funding_run`, written once more in the page.
    """
    return Explorer(
        name="explore-run",
        title="Cash of a simulated platform when lenders put less in again",
        kind="run",
        controls=(
            Control("reinvested", "Share invested again of what falls due", reinvested, percent=True),
            Control("due", "Lenders' money falls due over, months", f"{due[0]}", tuple(f"{months}" for months in due)),
            Control("cash", "Cash at hand, of the loans", cash, high=0.3, percent=True),
            Control("default_rate", "Instalments that do not come, a month", 0.0, high=0.1, percent=True),
        ),
        data={
            "asset_months": asset_months,
            "months": [month for month in (1, 2, 3, 6, 9, 12) if month < horizon] + [horizon],
        },
        heads=("Simulated", "Cash, of the loans"),
        most=0.3,
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
            "by": ["case", "level"],
            "rows": {
                f"{words} / {dose:g}": [float(by_case[cause, dose, name]) for name in names]
                for cause, words in causes.items()
                for dose in doses
            },
        },
        heads=("Instrument", "Noticed, simulated"),
        digits=0,
    )


def of_moves(moves):
    """Call groups of traits willingness or ability, and see which of the two carries more of the fit.

    Parameters
    ----------
    moves : pandas.DataFrame
        One row a way to call them: a column a group with ``willingness`` or ``ability``, and the share of the fit lost
        without each of the two.
    """
    groups = [name for name in moves.columns if name not in ("willingness", "ability")]
    rows = {
        " / ".join(row[group] for group in groups): [
            row["willingness"],
            row["ability"],
            row["willingness"] - row["ability"],
        ]
        for row in moves.to_dict("records")
    }
    return Explorer(
        name="explore-words",
        title="Share of the fit lost without willingness and without ability",
        kind="lookup",
        controls=tuple(
            Control(group, group.capitalize(), "willingness", ("willingness", "ability")) for group in groups
        ),
        data={"names": ["Willingness", "Ability", "Lead of willingness"], "by": list(groups), "rows": _short(rows)},
        heads=("Block", "Share of fit lost"),
        digits=0,
    )


def of_cutoffs(sums, prices, caps, funding):
    """Move the cut-off, the rate cap and the return that money must earn; see whom that accepts and what it brings.

    A cap refuses, term by term, whom no rate under it can carry. Between the points given everything runs straight.

    Parameters
    ----------
    sums : pandas.DataFrame
        ``term, cutoff, loans, bad, money`` and ``value_RATE``: sums below each cut-off, as shares of all.
    prices : dict of str to dict of str to list of float
        Words of the required return -> ``x``, ``y``: default probabilities, break-even rate of a 36-month loan there.
    caps : dict of str to dict of str to float
        ``CAP / RETURN`` in words -> term -> highest default probability that the cap carries.
    funding : dict of str to float
        Words -> return that the money must earn.
    """
    terms = {str(term): part for term, part in sums.groupby("term")}
    columns = {"loans": "loans", "bad": "bad", "money": "money"} | {
        words: f"value_{rate:g}" for words, rate in funding.items()
    }
    names = (
        "Loans accepted",
        "Default rate of the accepted",
        "Value, of the amount on offer",
        "Value, of the amount lent",
        "Break-even rate of the riskiest, 36 months",
    )
    return Explorer(
        name="explore-cutoff",
        title="Acceptance, loss and return by cut-off, rate cap and required return",
        kind="cutoff",
        controls=(
            Control("cutoff", "Highest default probability accepted", 0.3, low=0.05, high=0.7, percent=True),
            Control("cap", "Rate cap", "none", tuple(dict.fromkeys(key.split(" / ")[0] for key in caps))),
            Control("funding", "Money must earn a year", list(funding)[1], tuple(funding)),
        ),
        data={
            "names": list(names),
            "x": next(iter(terms.values()))["cutoff"].tolist(),
            "price": _short(prices),
            "caps": _short(caps),
            "terms": {
                term: {name: _short(part[column].tolist()) for name, column in columns.items()}
                for term, part in terms.items()
            },
        },
        heads=("Loans of 2011, in hindsight", "Result"),
    )


def _short(value):
    """Numbers with ten significant digits, in whatever holds them: any machine agrees on these."""
    if isinstance(value, dict):
        return {key: _short(entry) for key, entry in value.items()}
    return [_short(entry) for entry in value] if isinstance(value, list) else float(f"{value:.10g}")
