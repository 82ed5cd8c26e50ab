"""Merging the rare level that separates, by a written rule that scoring repeats.

Where a maximum likelihood estimate is infinite, the level of a categorical predictor that causes it is found and
merged as follows.

1. In the direction in which the likelihood rises without end every level of every main effect has an effect. Levels
   whose effect differs from that of the predictor's commonest level offend; the one with the fewest loans is taken.
2. It must be rare: at most :data:`RARE` of all loans. A commoner level that separates is a finding and no accident of
   small numbers; it is left to the analyst or to the bias-reduced fit.
3. It goes to the neighbour in the order of an ordered Categorical (of two neighbours, the one more like it),
   otherwise to the level most like it. Alike is measured by the mean number of the outcome class, 0 .. J - 1.

The merge is part of the design and travels with the scoring model, so that an applicant's score depends on the
applicant alone. Standard errors take it as given: that the outcomes chose it is not counted.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from p2prisk.errors import ModelError

#: largest share of the loans that a level may hold to be merged
RARE = 0.05


@dataclass(frozen=True)
class Factor:
    """A categorical predictor as the rule sees it.

    Attributes
    ----------
    column : str
    levels : list
    counts : ndarray, shape (levels, J)
        Loans of each level by outcome class.
    effects : ndarray, shape (levels,) or (levels, thresholds)
        Effect of each level along the direction of separation.
    ordered : bool
        Whether the order of the levels means something.
    """

    column: str
    levels: list
    counts: np.ndarray
    effects: np.ndarray
    ordered: bool = False

    def offenders(self):
        """Positions of the levels that offend, rarest first."""
        loans = self.counts.sum(axis=1)
        effects = np.reshape(self.effects, (len(loans), -1))
        gap = np.abs(effects - effects[loans.argmax()]).max(axis=1)
        return [int(i) for i in np.argsort(loans, kind="stable") if gap[i] > 1e-6 * np.abs(effects).max() and loans[i]]

    def target(self, position):
        """Position of the level that takes the level at ``position``."""
        loans = self.counts.sum(axis=1)
        others = [i for i in np.flatnonzero(loans) if i != position]
        if self.ordered:
            lower, upper = [i for i in others if i < position], [i for i in others if i > position]
            others = [*lower[-1:], *upper[:1]]
        with np.errstate(invalid="ignore"):
            mean = self.counts @ np.arange(self.counts.shape[1]) / loans
        return int(min(others, key=lambda i: abs(mean[i] - mean[position])))


@dataclass(frozen=True)
class Merge:
    """One level merged into another; as text, the sentence for the reader."""

    column: str
    level: object
    into: object
    counts: dict
    share: float
    ordered: bool
    levels_left: int

    def __str__(self):
        listed = ", ".join(f"{category} {n:,g}" for category, n in self.counts.items())
        why = "its neighbour" if self.ordered else "the level most like it"
        return (
            f"In {self.column} the level {self.level} ({sum(self.counts.values()):,g} loans, {self.share:.1%} of all: "
            f"{listed}) has no finite estimate; it is merged into {self.into}, {why}, here and when loans are scored."
            + (f" Then {self.column} has one level left and drops out." if self.levels_left == 1 else "")
        )


def next_merge(factors, categories):
    """The merge that the rule of this module asks for.

    Parameters
    ----------
    factors : list of Factor
    categories : list
        Labels of the outcome classes.

    Returns
    -------
    Merge or None
        ``None`` if no rare level offends.

    Examples
    --------
    >>> counts = np.array([[200, 100], [190, 100], [10, 0]])
    >>> home = Factor("home", ["OWN", "RENT", "OTHER"], counts, np.array([0.0, 0.0, -1.0]))
    >>> merge = next_merge([home], ["paid", "charged off"])
    >>> merge.level, merge.into
    ('OTHER', 'OWN')
    """
    found = []
    for factor in factors:
        loans = factor.counts.sum(axis=1)
        for position in factor.offenders():
            share = loans[position] / loans.sum()
            if share <= RARE and np.count_nonzero(loans) > 1:
                found.append((loans[position], len(found), factor, position, share))
    if not found:
        return None
    _, _, factor, position, share = min(found, key=lambda item: item[:2])
    counts = dict(zip(categories, factor.counts[position].tolist(), strict=True))
    into = factor.levels[factor.target(position)]
    left = int(np.count_nonzero(factor.counts.sum(axis=1))) - 1
    return Merge(factor.column, factor.levels[position], into, counts, float(share), factor.ordered, left)


def factors_of(model, direction):
    """The main effects of a model from a formula as :class:`Factor`.

    Parameters
    ----------
    model : OrdinalModel
    direction : ndarray, shape (n_slopes,)
        Direction of separation in the user's units.
    """
    design, layout = model.design, model.layout
    frame = recoded(model.frame, design.merges)
    weights = np.ones(model.n_rows) if model.weights is None else model.weights
    found = []
    for factor, levels in design.levels.items():
        columns, names = design.factor_columns.get(factor, []), design.terms.get(factor, [])
        if len(columns) != 1 or not names:
            continue
        series = frame[columns[0]]
        codes = pd.Index(levels).get_indexer(series.astype(object) if series.dtype == "category" else series)
        if (codes < 0).any():
            continue  # the factor transforms its column before it codes it: its levels are not the column's
        counts = np.zeros((len(levels), len(model.categories)))
        np.add.at(counts, (codes, model.endog_codes), weights)
        # the coding of each level, whatever the contrasts, from the first row that has it
        places = [model.exog_names.index(name) for name in names]
        seen, first = np.unique(codes, return_index=True)
        coding = np.zeros((len(levels), len(places)))
        coding[seen] = model.exog[np.ix_(first, places)]
        by_threshold = [
            coding @ [sum(direction[(layout.slope_columns == c) & (layout.slope_thresholds == t)]) for c in places]
            for t in range(-1, layout.n_thresholds)
        ]
        ordered = isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.ordered
        found.append(Factor(columns[0], list(levels), counts, np.array(by_threshold).T, ordered))
    return found


def recode(series, into):
    """The column with levels merged: ``into`` maps a level to the one that takes it."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = [level for level in series.cat.categories if level not in into]
        levels += [level for level in dict.fromkeys(into.values()) if level not in levels]
        values = series.astype(object).map(lambda v: into.get(v, v), na_action="ignore")
        return pd.Series(pd.Categorical(values, levels, ordered=series.cat.ordered), series.index, name=series.name)
    return series.map(lambda v: into.get(v, v), na_action="ignore")


def recoded(frame, merges):
    """The frame with the merges of a design made; the frame itself if there are none."""
    absent = [column for column in merges if column not in frame]
    if not merges or absent:
        return frame  # a column that is missing is named by the design
    return frame.assign(**{column: recode(frame[column], into) for column, into in merges.items()})


def add_merge(merges, merge):
    """The merges of a design with one more; earlier ones into the level that now goes follow it."""
    into = {
        level: merge.into if target == merge.level else target for level, target in merges.get(merge.column, {}).items()
    }
    return {**merges, merge.column: {**into, merge.level: merge.into}}


def merge_levels(model, error):
    """The model with the rare level merged that caused a :class:`~p2prisk.errors.SeparationError`, and the merge.

    Raises
    ------
    SeparationError
        If the rule finds no level to merge: the error given, with the reason.
    """
    if model.design.spec is None or (model.design.levels and model.frame is None):
        raise ModelError(
            "on_separation='merge' needs a model from a formula with categorical predictors, in the session that "
            "read the data: only there a column of the data has levels to merge"
        ) from error
    merge = next_merge(factors_of(model, error.direction) if model.design.levels else [], model.categories)
    if merge is None:
        raise type(error)(
            f"{error}. No level was merged: the cause is a number, an interaction, or a level with more than "
            f"{RARE:.0%} of the loans, which is a finding and no accident; fit(on_separation='bias_reduced') "
            "gives finite estimates"
        ) from error
    return model.with_merge(merge), merge
