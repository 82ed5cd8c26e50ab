"""What the chapters read off the loans: shares, blanks, coefficient tables, effects in points, and words for them."""

import numpy as np
import pandas as pd

from p2pbook.traits import formula
from p2prisk.effects import contrast
from p2prisk.validation import jeffreys_interval


def class_shares(values):
    """Count the levels of an ordered column.

    Examples
    --------
    >>> class_shares(pd.Series(pd.Categorical(["B", "A", "B"], ["A", "B"], ordered=True)))
      level  loans     share
    0     A      1  0.333333
    1     B      2  0.666667
    """
    counts = values.value_counts().reindex(values.cat.categories)
    return pd.DataFrame(
        {"level": counts.index.astype(str), "loans": counts.to_numpy(), "share": counts.to_numpy() / counts.sum()}
    )


def with_interval(table, events="bad", loans="loans"):
    """Add to counts of events their ``rate`` with its 95 % Jeffreys interval, ``low`` and ``high``.

    Examples
    --------
    >>> with_interval(pd.DataFrame({"loans": [10], "bad": [0]})).round(3).to_dict("records")
    [{'loans': 10, 'bad': 0, 'rate': 0.0, 'low': 0.0, 'high': 0.217}]
    """
    low, high = jeffreys_interval(table[events].to_numpy(), table[loans].to_numpy())
    return table.assign(rate=table[events] / table[loans], low=low, high=high)


#: columns with blanks and what a blank means there
BLANKS = {
    "months_since_delinquency": "never happened",
    "months_since_90d_late": "never happened",
    "months_since_record": "never happened",
    "months_since_inquiry": "never happened",
    "income_joint": "does not apply",
    "employment_years": "unknown",
    "dti": "unknown",
    "income": "unknown",
    "utilisation": "unknown",
    "inquiries": "unknown",
    "bankruptcies": "unknown",
}

_BLANK_LABELS = {
    "months_since_delinquency": "months since last delinquency",
    "months_since_90d_late": "months since 90 days late",
    "months_since_record": "months since public record",
    "months_since_inquiry": "months since last inquiry",
    "income_joint": "income of both applicants",
    "employment_years": "years with employer",
    "dti": "debt-to-income ratio",
    "income": "income",
    "utilisation": "used share of card limits",
    "inquiries": "inquiries",
    "bankruptcies": "bankruptcies",
}


def blanks(frame, sample):
    """Count the blanks of a tape, with what each one means.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical columns.
    sample : str
        Name of the sample, for the table.

    Returns
    -------
    pandas.DataFrame
        ``column``, ``label``, ``sample``, ``rows``, ``share``, ``meaning``; columns without a blank are left out.
    """
    rows = []
    for name, meaning in BLANKS.items():
        if name in frame and frame[name].isna().any():
            count = int(frame[name].isna().sum())
            rows.append(
                {
                    "column": name,
                    "label": _BLANK_LABELS[name],
                    "sample": sample,
                    "rows": count,
                    "share": count / len(frame),
                    "meaning": meaning,
                }
            )
    return pd.DataFrame(rows)


def spread_by_level(frame, outcome, columns):
    """Quartiles of several columns within each level of an ordered outcome.

    Parameters
    ----------
    frame : pandas.DataFrame
    outcome : str
        Ordered column.
    columns : dict of str to str
        Column -> printed label.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``grade``, ``low``, ``median``, ``high``, ``loans``.
    """
    rows = []
    for name, label in columns.items():
        values = pd.Series(np.asarray(frame[name], dtype=float), index=frame.index)
        for level, part in values.groupby(frame[outcome], observed=True):
            low, median, high = part.dropna().quantile([0.25, 0.5, 0.75])
            rows.append(
                {
                    "label": label,
                    "grade": level,
                    "low": low,
                    "median": median,
                    "high": high,
                    "loans": int(part.notna().sum()),
                }
            )
    return pd.DataFrame(rows)


def coefficient_table(result, traits, confidence=0.95):
    """Slopes of a study model with words, blocks and odds ratios.

    Parameters
    ----------
    result : OrderedResults
        Fitted on a design of `traits`.
    traits : sequence of Trait
    confidence : float

    Returns
    -------
    pandas.DataFrame
        One row a slope: ``name``, ``trait``, ``label``, ``block``, ``estimate``, ``se``, ``z``, ``odds_ratio``,
        ``low``, ``high`` (interval of the odds ratio).
    """
    from scipy.stats import norm

    by_name = {trait.name: trait for trait in traits}
    wide = norm.ppf(0.5 + confidence / 2)
    rows = []
    for name in result.params.index:
        base, _, level = name.partition("[")
        if base not in by_name:
            continue
        trait = by_name[base]
        level = level.rstrip("]").removeprefix("T.")
        estimate, se = float(result.params[name]), float(result.bse[name])
        rows.append(
            {
                "name": name,
                "trait": base,
                "label": f"{trait.label}: {level}" if level else trait.label,
                "block": trait.block,
                "estimate": estimate,
                "se": se,
                "z": estimate / se,
                "odds_ratio": np.exp(estimate),
                "low": np.exp(estimate - wide * se),
                "high": np.exp(estimate + wide * se),
            }
        )
    return pd.DataFrame(rows)


def printed_estimates(slopes):
    """The coefficient table as the book prints it.

    Parameters
    ----------
    slopes : pandas.DataFrame
        From :func:`coefficient_table`.

    Returns
    -------
    pandas.DataFrame
        ``trait (reference)``, ``slope``, ``standard error``, ``odds ratio``, ``from``, ``to``.
    """
    printed = {
        "label": "trait (reference)",
        "estimate": "slope",
        "se": "standard error",
        "odds_ratio": "odds ratio",
        "low": "from",
        "high": "to",
    }
    return slopes[list(printed)].rename(columns=printed)


def clearest(slopes, most=10):
    """The slopes furthest from zero in standard errors, sorted by their odds ratio.

    Parameters
    ----------
    slopes : pandas.DataFrame
        From :func:`coefficient_table`.
    most : int

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> slopes = pd.DataFrame({"name": ["a", "b", "c"], "z": [9.0, -5.0, 1.0], "odds_ratio": [1.1, 0.4, 3.0]})
    >>> clearest(slopes, 2)["name"].tolist()
    ['a', 'b']
    """
    return slopes.loc[slopes["z"].abs().nlargest(most).index].sort_values("odds_ratio", ascending=False)


def drawn_areas(auc, models):
    """Areas under the curve as :func:`p2pbook.figures.evidence.auc_comparison` draws them.

    Parameters
    ----------
    auc : pandas.DataFrame
        Indexed by model: ``auc``, ``ci_low``, ``ci_high``.
    models : sequence of str
        Models from top to bottom.
    """
    return auc.loc[list(models)].reset_index().rename(columns={"ci_low": "low", "ci_high": "high"})


def representative_borrowers(table, coefficients, terms=(36, 60)):
    """A strong, a typical and a weak borrower, each with both terms.

    The typical one has the median of every numeric trait and the commonest class of every other; the strong and the
    weak one have the quartile on the favourable or the unfavourable side of every numeric trait that is no flag.

    Parameters
    ----------
    table : pandas.DataFrame
        Design frame, from :func:`design`.
    coefficients : pandas.DataFrame
        From :func:`coefficient_table`; its signs say which quartile is favourable.
    terms : sequence of int
        Terms in months; ``long_term`` is set to one above 36.

    Returns
    -------
    pandas.DataFrame
        One row a borrower, indexed by name, with the columns of `table` that are traits.
    """
    slope = coefficients.set_index("name")["estimate"]
    traits = list(dict.fromkeys(coefficients["trait"]))
    rows = {}
    for kind, favourable in (("strong", 0.25), ("typical", 0.5), ("weak", 0.75)):
        row = {}
        for name in traits:
            column = table[name]
            if column.dtype.kind not in "fiu":
                row[name] = column.mode()[0]
            elif column.nunique() == 2:
                row[name] = float(column.median())
            else:
                level = favourable if slope[name] > 0 else 1 - favourable
                row[name] = float(column.quantile(level))
        for term in terms:
            rows[f"{kind}, {term} months"] = {**row, "long_term": float(term > 36)}
    frame = pd.DataFrame.from_dict(rows, orient="index")
    for name in traits:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            frame[name] = pd.Categorical(frame[name], table[name].cat.categories)
        elif table[name].dtype.kind in "fiu":
            frame[name] = frame[name].astype(float)
    return frame


def block_contributions(table, outcome, traits, blocks=("ability", "willingness", "loan")):
    """What each block of traits adds to the fit, alone and on top of all others.

    Parameters
    ----------
    table : pandas.DataFrame
        Design frame without gaps.
    outcome : str
        Ordered column of `table`.
    traits : sequence of Trait
    blocks : sequence of str
        Traits of other blocks stay in every model.

    Returns
    -------
    pandas.DataFrame
        ``block``, ``slopes``, ``chi2_added`` (2 x the log-likelihood lost without the block), ``share_added`` (of
        the full model's gain over the traits that always stay), ``chi2_alone``, ``share_alone``.
    """

    def fit(keep):
        keep = [trait for trait in traits if keep(trait)]
        if not keep:
            return None
        return OrderedLogit.from_formula(formula(outcome, keep), table).fit()

    from p2prisk.ordered import OrderedLogit

    full = fit(lambda trait: True)
    base = fit(lambda trait: trait.block not in blocks)
    floor, always = (full.llnull, 0) if base is None else (base.llf, len(base.model.exog_names))
    rows = []
    for block in blocks:
        without, alone = (
            fit(lambda t, b=block: t.block != b),
            fit(lambda t, b=block: t.block == b or t.block not in blocks),
        )
        rows.append(
            {
                "block": block,
                "slopes": len(alone.model.exog_names) - always,
                "chi2_added": 2 * (full.llf - without.llf),
                "share_added": (full.llf - without.llf) / (full.llf - floor),
                "chi2_alone": 2 * (alone.llf - floor),
                "share_alone": (alone.llf - floor) / (full.llf - floor),
            }
        )
    return pd.DataFrame(rows)


def relabel_classes(classes, thousands=()):
    """Short names for numeric classes: open ends, thousands as k.

    Parameters
    ----------
    classes : pandas.DataFrame
        ``label``, ``lower``, ``upper``, ``class_label``.
    thousands : tuple of str
        Labels whose values are printed in thousands.

    Returns
    -------
    pandas.DataFrame
        The same with ``class_label`` rewritten: the last class says "and over" as ``+``.

    Examples
    --------
    >>> frame = pd.DataFrame({"label": "income", "lower": [0.0, 4e4], "upper": [4e4, 6e6], "class_label": ""})
    >>> relabel_classes(frame, ("income",))["class_label"].tolist()
    ['0–40k', '40k+']
    """
    parts = []
    for label, part in classes.groupby("label", sort=False):
        unit, suffix = (1000, "k") if label in thousands else (1, "")
        names = []
        for i, row in enumerate(part.itertuples()):
            low, high = f"{row.lower / unit:,.0f}", f"{row.upper / unit:,.0f}"
            if i == len(part) - 1 and row.upper > row.lower:
                names.append(f"{low}{suffix}+")
            else:
                names.append(f"{low}{suffix}" if low == high else f"{low}–{high}{suffix}")
        parts.append(part.assign(class_label=names))
    return pd.concat(parts)


def effect_curve(result, traits, column, values, reference, label):
    """Odds of a worse outcome along one canonical column, relative to a reference value.

    All traits made of that column alone move together, so that a bent line is drawn as one line.

    Parameters
    ----------
    result : OrderedResults
    traits : sequence of Trait
    column : str
        Canonical column, numeric.
    values : array_like
        Where to draw.
    reference : float
        Value with odds ratio one.
    label : str

    Returns
    -------
    pandas.DataFrame
        ``label``, ``value``, ``odds_ratio``, ``low``, ``high``.
    """
    mine = [trait for trait in traits if trait.columns == (column,) and trait.name in result.params.index]
    grid = pd.DataFrame({column: np.asarray(values, dtype=float)})
    origin = pd.DataFrame({column: [float(reference)]})
    rows = []
    steps = {
        trait.name: np.asarray(trait.compute(grid), dtype=float) - float(np.asarray(trait.compute(origin))[0])
        for trait in mine
    }
    for i, value in enumerate(grid[column]):
        if all(step[i] == 0 for step in steps.values()):
            rows.append((label, value, 1.0, 1.0, 1.0))
            continue
        rows.append((label, value, *contrast(result, {name: step[i] for name, step in steps.items()})[2:]))
    return pd.DataFrame(rows, columns=["label", "value", "odds_ratio", "low", "high"])


def effects_in_points(effects, traits, rows=None):
    """Average marginal effects as one row an effect and one column a class, in percentage points.

    Parameters
    ----------
    effects : pandas.DataFrame
        From :func:`p2prisk.average_marginal_effects`: ``term, contrast, category, effect, se``.
    traits : sequence of Trait
        For the words.
    rows : sequence of str, optional
        Traits to keep, in this order; all by default.

    Returns
    -------
    pandas.DataFrame
        ``trait``, one column a class (points), and ``largest se`` (points).
    """
    labels = {trait.name: trait.label for trait in traits}
    effects = effects[effects["term"].isin(labels if rows is None else rows)]
    classes = list(dict.fromkeys(effects["category"]))
    out = []
    for (term, compared), part in effects.groupby(["term", "contrast"], sort=False):
        level = compared.split(" - ")[0]
        name = labels[term] if compared in ("derivative", "1 - 0", "1.0 - 0.0") else f"{labels[term]}: {level}"
        values = part.set_index("category")
        out.append(
            {
                "order": 0 if rows is None else list(rows).index(term),
                "trait": name,
                **{str(label): 100 * values.loc[label, "effect"] for label in classes},
                "largest se": 100 * values["se"].max(),
            }
        )
    return pd.DataFrame(out).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def plain_name(name, labels=None):
    """Words for a column of a design matrix; `labels` has those of traits that are named elsewhere, with their units.

    Examples
    --------
    >>> plain_name("income_band[T.66,000 and over]"), plain_name("C(term)[T.60]", {"term": "Term, months"})
    ('income: 66,000 and over', 'Term, months: 60')
    """
    base, _, level = name.partition("[")
    base = base.removeprefix("C(").removesuffix(")")
    words = (labels or {}).get(base) or base.removesuffix("_band").removesuffix("_group").replace("_", " ")
    level = level.rstrip("]").removeprefix("T.")
    return f"{words}: {level}" if level else words


def merge_top(values, level, label):
    """Merge the categories of an ordered column from `level` on into one.

    Examples
    --------
    >>> grades = pd.Series(pd.Categorical(list("ABCC"), list("ABC"), ordered=True))
    >>> merge_top(grades, "B", "B-C").tolist()
    ['A', 'B-C', 'B-C', 'B-C']
    """
    categories = list(values.cat.categories)
    first = categories.index(level)
    codes = np.minimum(values.cat.codes.to_numpy(), first)
    return pd.Series(pd.Categorical.from_codes(codes, [*categories[:first], label], ordered=True), values.index)


def p_words(pvalue, digits=4):
    """A p-value for print; nothing below the last of its `digits` is told apart.

    Examples
    --------
    >>> p_words(0.03456), p_words(1e-9)
    ('0.0346', '<\xa00.0001')
    """
    least = 10.0**-digits
    return f"<\N{NO-BREAK SPACE}{least:.{digits}f}" if pvalue < least else f"{pvalue:.{digits}f}"
