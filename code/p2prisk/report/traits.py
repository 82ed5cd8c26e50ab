"""What a standard model says of each trait, in the units of whoever reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from p2prisk.errors import SeparationError
from p2prisk.standard import design_of
from p2prisk.tape import COLUMNS
from p2prisk.validation import holm

if TYPE_CHECKING:
    from p2prisk.report.judged import Judged
    from p2prisk.standard import StandardModel

_Z = 1.959963984540054
_UNITS = {"per cent": "percentage points", "months": "months", "years": "years", "days": "days", "points": "points"}


def _round_step(spread):
    """A round number near a standard deviation: 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> _round_step(7.3), _round_step(0.13), _round_step(31000)
    (5.0, 0.1, 20000.0)
    """
    power = 10.0 ** np.floor(np.log10(spread))
    return float(power * max(step for step in (1, 2, 5) if step <= spread / power + 1e-9))


def _compared(rule, column, values):
    """(what is compared with what, size of the difference on the model's scale) of one column of the design."""
    name = rule["column"]
    unit = COLUMNS[name].unit if name in COLUMNS else ""
    if column == f"{name}: missing" and rule["kind"] != "category":
        return ("missing, against no" if rule["kind"] == "flag" else "missing, against the median"), 1.0
    if rule["kind"] == "flag":
        return "yes, against no", 1.0
    if rule["kind"] == "category":
        return f"{column.removeprefix(f'{name}: ')}, against {_reference(rule)}", 1.0
    if rule["kind"] == "exposure":
        beyond = column.removeprefix("age of the loan").removeprefix(" past ")
        return "twice the age" + (f", besides, beyond {beyond}" if beyond else ""), float(np.log(2))
    if rule["log"]:
        return _counts(rule) if unit == "count" else ("twice as much", float(np.log(2)))
    if values is None:
        return f"one {_UNITS.get(unit, unit).removesuffix('s')} more", 1.0
    seen = np.unique(values)
    if len(seen) == 2:
        words = f" {_UNITS.get(unit, unit)}".rstrip()
        return f"{seen[1]:,.10g}{words}, against {seen[0]:,.10g}", float(seen[1] - seen[0])
    step = _round_step(np.std(values))
    return f"{step:,.10g} {_UNITS.get(unit, unit)} more".replace("  ", " "), step


def _counts(rule):
    """Two counts between the ends at which the model holds them: below the low end it knows of no difference.

    Examples
    --------
    >>> [_counts({"low": low, "high": high})[0] for low, high in ((0.0, 8.0), (2.0, 25.0), (3.0, 4.0))]
    ['one, against none', '5, against 2', '4, against 3']
    """
    first = float(np.ceil(rule["low"]))
    second = min(2 * first + 1, float(np.floor(rule["high"])))
    if second <= first:  # the ends lie within one count
        first, second = rule["low"], rule["high"]
    words = "one, against none" if (first, second) == (0, 1) else f"{second:,.10g}, against {first:,.10g}"
    return words, float(np.log1p(second) - np.log1p(first))


def in_units(rule: dict, column: str, frame: pd.DataFrame) -> tuple[str, float]:
    """As the table of odds ratios compares: what with what, and the difference on the model's scale.

    Parameters
    ----------
    rule : dict
        How the predictor is made.
    column : str
        Of the design.
    frame : pandas.DataFrame
        The loans whose spread a step of a number is taken from.

    Returns
    -------
    compared : str
    step : float
    """
    plain = rule["kind"] == "number" and not rule["log"] and column == rule["column"]
    return _compared(rule, column, design_of(frame, [rule])[0][column].to_numpy() if plain else None)


def _reference(rule):
    """Levels whose loans are those at zero in all columns of a category."""
    shown = {column.removeprefix(f"{rule['column']}: ") for column in rule["columns"]}
    return " or ".join(str(level) for level in rule["levels"] if str(level) not in shown)


def effects(model: StandardModel) -> pd.DataFrame:
    """Odds ratios of a worse class, a row a column of the design, the traits with the clearest evidence first.

    Parameters
    ----------
    model : StandardModel
        With the data of its fit.

    Returns
    -------
    pandas.DataFrame
        ``trait``, ``compared`` (in the trait's own units: twice as much for money, one against none for counts, a level
        against the reference), ``odds_ratio``, ``ci_low``, ``ci_high``, ``pvalue`` (of the column), ``trait_pvalue``
        (Wald test of all columns of the trait together, Holm's adjustment over the traits), ``step``, ``column``. The
        age of the loan, which is no trait, comes last.
    """
    results = model.results
    slopes, errors = results.slopes, results.bse.iloc[: len(results.slopes)]
    covariance = results.cov_params().iloc[: len(slopes), : len(slopes)].to_numpy()
    seen = None if results.model is None else pd.DataFrame(results.model.exog, columns=results.exog_names)
    rows, tests = [], []
    for rule in model.rules:
        at = [slopes.index.get_loc(column) for column in rule["columns"]]
        own = slopes.to_numpy()[at]
        scale = errors.to_numpy()[at]
        middle = covariance[np.ix_(at, at)] / np.outer(scale, scale)
        chi2 = float((own / scale) @ np.linalg.solve(middle, own / scale))
        # far in the tail the p-value is zero: its logarithm still tells which evidence is the clearer
        tests.append((stats.chi2.logsf(chi2, len(at)), rule))
        for place, column in zip(at, rule["columns"], strict=True):
            compared, step = _compared(rule, column, None if seen is None else seen[column].to_numpy())
            estimate, half = slopes.iloc[place] * step, _Z * errors.iloc[place] * step
            rows.append(
                {
                    "trait": "age of the loan" if rule["kind"] == "exposure" else rule["column"],
                    "compared": compared,
                    "odds_ratio": np.exp(estimate),
                    "ci_low": np.exp(estimate - half),
                    "ci_high": np.exp(estimate + half),
                    "pvalue": float(results.pvalues.iloc[place]),
                    "step": step,
                    "column": column,
                }
            )
    table = pd.DataFrame(rows)
    traits = [(log, rule["column"]) for log, rule in tests if rule["kind"] != "exposure"]
    adjusted = dict(zip([name for _, name in traits], holm([np.exp(log) for log, _ in traits]), strict=True))
    evidence = dict((name, log) for log, name in traits)
    table["trait_pvalue"] = table["trait"].map(adjusted)
    order = table.assign(evidence=table["trait"].map(evidence).fillna(1.0), size=-np.log(table["odds_ratio"]).abs())
    order = order.sort_values(["evidence", "trait", "size"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def strongest(model: StandardModel, judged: Judged | None = None) -> str:
    """The trait with the clearest evidence in words; none where the model does not beat chance.

    Parameters
    ----------
    model : StandardModel
    judged : Judged, optional
        The test of the model on other loans, where there is one.

    Returns
    -------
    str
        A sentence.
    """
    table = effects(model)
    table = table[table["trait"] != "age of the loan"]
    if judged is not None and judged.row["ci_low"] <= 0.5:
        return (
            "No trait is named: on loans that it was not built on, the model does not rank better than chance "
            f"(area {judged.row['auc']:.3f}, {judged.row['ci_low']:.3f} to {judged.row['ci_high']:.3f})."
        )
    if not model.results.llr_pvalue < 0.05:
        return (
            "No trait is named: the model does not fit better than the shares of the classes alone (likelihood-ratio "
            f"test, p = {model.results.llr_pvalue:.2f})."
        )
    best = table.iloc[0]
    if not best["trait_pvalue"] < 0.05:
        return (
            "No single trait stands out: taken together the traits tell something, but none does beyond chance by "
            "itself (Wald tests with Holm's adjustment)."
        )
    mine = table[table["trait"] == best["trait"]]
    row = mine.loc[mine["pvalue"].idxmin()]
    worse = "bad loan" if len(model.results.categories) == 2 else "worse class"
    more = f" Of its {len(mine)} comparisons this is the clearest." if len(mine) > 1 else ""
    return (
        f"The trait with the strongest evidence is {best['trait']}: {row['compared']} goes with odds of a {worse} "
        f"times {row['odds_ratio']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f}).{more}"
    )


def parallel_lines(model: StandardModel) -> pd.DataFrame:
    """Brant's test of every trait, with the largest departure in the units of the table of odds ratios.

    Parameters
    ----------
    model : StandardModel

    Returns
    -------
    pandas.DataFrame
        ``term``, ``chi2``, ``df``, ``pvalue``; ``compared``, ``cut``, ``departure``, ``departure_low``,
        ``departure_high``: at which cut the odds ratio of which comparison lies farthest from its mean over the cuts
        (weighted by the inverse of the covariance of the slopes, on the logarithmic scale),
        as a ratio of odds ratios with a 95 % interval that allows for the choice. Largest departures first, then the
        age of the loan, which is no trait, and the test of all together; with ``attrs["sentence"]``.

    Raises
    ------
    ModelError
        The test cannot be computed.
    """
    from p2prisk.assumptions import brant, fit_by_cut
    from p2prisk.assumptions.parallel import _departures

    try:
        fits = fit_by_cut(model.results, merge="categories")
    except SeparationError:  # a trait separates at every cut: the others can still be tested
        fits = fit_by_cut(model.results, merge="levels")
    kept = list(fits.params.columns)
    terms = {
        ("age of the loan" if rule["kind"] == "exposure" else rule["column"]): [c for c in rule["columns"] if c in kept]
        for rule in model.rules
    }
    untested = [term for term, columns in terms.items() if not columns]
    terms = {term: columns for term, columns in terms.items() if columns}
    test = brant(replace(fits, terms=terms))
    gap, error = _departures(fits)
    units = effects(model).set_index("column")
    rows = []
    for term, columns in terms.items():
        at = [kept.index(column) for column in columns]
        step = units["step"].reindex(columns).to_numpy()
        size = gap[:, at] * step
        cut, place = np.unravel_index(np.abs(size).argmax(), size.shape)
        # the farthest was picked: its interval allows for all it was picked from (Bonferroni)
        half = stats.norm.isf(0.025 / size.size) * error[cut, at[place]] * step[place]
        rows.append(
            {
                "term": term,
                **test.loc[term, ["chi2", "df", "pvalue"]],
                "compared": units.loc[columns[place], "compared"],
                "cut": str(fits.params.index[cut]).replace("|", " | "),
                "departure": np.exp(size[cut, place]),
                "departure_low": np.exp(size[cut, place] - half),
                "departure_high": np.exp(size[cut, place] + half),
            }
        )
    table = pd.DataFrame(rows)
    size = np.log(table["departure"]).abs().where(table["term"] != "age of the loan", -1.0)
    table = table.loc[size.sort_values(ascending=False, kind="stable").index]
    whole = test.loc["Omnibus", ["chi2", "df", "pvalue"]]
    out = pd.concat([table, pd.DataFrame([{"term": "all together", **whole}])], ignore_index=True)
    out["df"] = out["df"].astype(int)
    first = table.iloc[0]
    verdict = "are not parallel" if whole["pvalue"] < 0.05 else "may be parallel"
    sure = "" if first["departure_low"] > 1 or first["departure_high"] < 1 else ", an interval that holds one"
    out.attrs["sentence"] = (
        f"The lines {verdict} (chi-square {whole['chi2']:,.1f} on {int(whole['df'])} degrees of freedom). The largest "
        f"departure is that of {first['term']}: at the cut {first['cut']} the odds ratio of {first['compared']} is "
        f"{first['departure']:.2f} times its precision-weighted mean over the cuts ({first['departure_low']:.2f} to "
        f"{first['departure_high']:.2f}{sure})."
        + (f" To make the test computable, these were merged: {fits.merged}." if fits.merged else "")
        + (f" Not tested, as it separates the classes at some cut: {', '.join(untested)}." if untested else "")
    )
    return out
