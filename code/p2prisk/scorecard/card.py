"""The score card: an ordered logit in points."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import special
from scipy.special import expit, logit

from p2prisk.errors import DataError, ModelError, count_of
from p2prisk.ordered.probabilities import class_probabilities
from p2prisk.saved import rebuilding, restore, save
from p2prisk.scorecard.calibration import shift_to_target
from p2prisk.scorecard.characteristics import MISSING, Characteristic, from_results, from_standard
from p2prisk.scorecard.master_scale import MasterScale
from p2prisk.standard import StandardModel
from p2prisk.tape.abreast import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike

    from p2prisk.kinds import PathLike
    from p2prisk.ordered.results import OrderedResults
    from p2prisk.scorecard.widget import ScorecardWidget

_FORMAT = "p2prisk.Scorecard/2"
_ROWS = 100_000
#: rows of which what is made on the way stays near the processor
_NEAR = 8192


def in_parts(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of a frame, a part at a time that stays small; of an empty one the empty frame."""
    return (frame.iloc[start : start + _ROWS] for start in range(0, max(len(frame), 1), _ROWS))


def _rounded(values, digits):
    """Round half away from zero, as SQL's ROUND does; None leaves the values as they are."""
    if digits is None:
        return values
    unit = 10.0**digits
    size = np.abs(values)
    size *= unit
    size += 0.5
    size = np.floor(size)
    size *= np.sign(values)
    size /= unit
    return size


@dataclass(frozen=True)
class Scorecard:
    """An ordered logit as points that add up.

    ``score = base_score + factor * (log odds of no default - log base_odds)``, with
    ``factor = points_to_double / log 2``: at `base_score` the odds of no default are `base_odds` to one, and
    `points_to_double` more points double them (Thomas, Edelman and Crook 2002, ch. 4). The constant is spread
    evenly over the characteristics, centred on the average borrower of the fitted data: points above that
    average are a gain, points below it a loss. A card of a standard model is centred on its usual loan instead (the
    median of a number, the commonest class), which is in the model's file, so that whoever makes the card has the same;
    the constant is then spread in whole points, or rounding would err in one direction for most loans.

    Points are rounded (`digits`); probabilities are not, they come from the linear predictor itself.

    Attributes
    ----------
    characteristics : tuple of Characteristic
    slopes, thresholds : pandas.Series
        Of the ordered logit.
    covariance : ndarray, shape (k, k)
        Of slopes and thresholds.
    categories : tuple of str
        Classes of the outcome, best first.
    default_from : str
        First class that counts as default.
    base_score, base_odds, points_to_double : float
    digits : int or None
        Decimals of the points of each attribute; ``None`` leaves them unrounded.
    shift : float
        Added to the log-odds of every worse class: point-in-time calibration. Points do not change by it.
    scale : MasterScale or None
    losses : tuple of float
        Loss of each class as a share of the amount lent; the class number when not given.
    about : dict

    Notes
    -----
    Exports: :meth:`to_json`, :meth:`to_sql`. PMML and ONNX are not offered. ``skl2onnx``, the maintained
    converter to ONNX, knows scikit-learn's estimators and no cumulative logit; ``sklearn2pmml`` needs Java and again
    a scikit-learn pipeline. Writing either format by hand would be an exporter that this project would have to keep,
    for a model whose SQL is one expression.

    Examples
    --------
    >>> from p2prisk import OrderedLogit, load
    >>> counts = load("lendingclub-2007-2011-counts").frame
    >>> model = OrderedLogit.from_formula("severity ~ C(inquiries_band) + C(purpose_group)", counts, freq_weights="n")
    >>> card = Scorecard.from_result(model.fit(), default_from="loss after half")
    >>> card.attributes[["characteristic", "attribute", "points"]].head(3)
       characteristic attribute  points
    0  inquiries_band         0   289.0
    1  inquiries_band    1 to 2   280.0
    2  inquiries_band    3 to 4   271.0
    >>> int(card.score(counts.head(1))["score"].iloc[0])
    580
    """

    characteristics: tuple
    slopes: pd.Series
    thresholds: pd.Series
    covariance: np.ndarray
    categories: tuple
    default_from: str
    base_score: float = 600.0
    base_odds: float = 20.0
    points_to_double: float = 20.0
    digits: int | None = 0
    shift: float = 0.0
    scale: MasterScale | None = None
    losses: tuple = ()
    about: dict = field(default_factory=dict)

    # -- making ------------------------------------------------------------------------------------------------------

    @classmethod
    def from_result(
        cls,
        result: OrderedResults | StandardModel,
        *,
        default_from: str | None = None,
        bands: dict | None = None,
        ranges: dict | None = None,
        losses: Sequence[float] | None = None,
    ) -> Scorecard:
        """Make a card of a fitted model, in whole points; see :meth:`with_points` and :meth:`with_scale`.

        Parameters
        ----------
        result : OrderedResults or StandardModel
            Proportional-odds logit of classes, and of plain or logarithmic numbers; or the standard model of any tape.
            A term of a formula is a column of its own, which ``StandardModel.prepared`` makes before the card scores.
        default_from : str, optional
            First class of the outcome that counts as default; the first whose name starts with ``loss``, is ``bad``
            or ``default``, otherwise the worst.
        bands : dict, optional
            Characteristic -> how its classes are made of a raw column, see :class:`Characteristic`.
        ranges : dict, optional
            Column -> (least, most) for a result without data.
        losses : sequence of float, optional
            Loss of each class, for the expected severity.

        Raises
        ------
        ModelError
            Slopes by threshold, another link, an interaction, or a transform that cannot be printed.
        """
        if isinstance(result, StandardModel):
            if result.results.layout.free or result.results.link.name != "logit":
                raise ModelError("a card needs a proportional-odds logit")
            default_from = default_from or result.bad_from or None
            slopes, thresholds, covariance = result.at_horizon()
            characteristics, about, result = from_standard(result), dict(result.about), result.results
        else:
            characteristics, about = from_results(result, bands, ranges), {}
            slopes, thresholds = result.slopes.copy(), result.thresholds.copy()
            covariance = result.cov_params().to_numpy()
        categories = tuple(map(str, result.categories))
        if default_from is None:
            default_from = next((c for c in categories[1:] if c.startswith(("loss", "bad", "default"))), categories[-1])
        if str(default_from) not in categories[1:]:
            raise ModelError(f"default_from is {default_from!r}; it is one of {', '.join(categories[1:])}")
        if losses is not None and len(losses) != len(categories):
            raise ModelError(f"{len(losses)} losses are given for {len(categories)} classes")
        return cls(
            characteristics=tuple(characteristics),
            slopes=slopes,
            thresholds=thresholds,
            covariance=covariance,
            categories=categories,
            default_from=str(default_from),
            losses=tuple(map(float, range(len(categories)) if losses is None else losses)),
            about={**about, "loans": int(result.nobs)},
        )

    @property
    def cut(self) -> int:
        """Place of the threshold below which a loan does not default."""
        return self.categories.index(self.default_from) - 1

    @property
    def factor(self) -> float:
        """Points for a unit of the log-odds."""
        return self.points_to_double / np.log(2.0)

    @cached_property
    def _slopes_of(self):
        """Slopes of each characteristic, in the order of its parameters."""
        return {c.name: self.slopes.loc[list(c.parameters)].to_numpy() for c in self.characteristics}

    @cached_property
    def _neutral(self):
        """Points of the average borrower for each characteristic.

        Evenly spread; whole where the average is a usual loan: what rounding takes there, the next one gets.
        """
        mean = sum(float(np.dot(c.mean, self._slopes_of[c.name])) for c in self.characteristics)
        total = self.base_score + self.factor * (self.thresholds.iloc[self.cut] - mean - np.log(self.base_odds))
        even, carried, spread = total / len(self.characteristics), 0.0, {}
        for item in self.characteristics:
            spread[item.name] = even
            if item.usual:
                spread[item.name] = float(_rounded(np.array(even + carried), self.digits))
                carried += even - spread[item.name]
        return spread

    def _points(self, characteristic, contribution):
        mean = float(np.dot(characteristic.mean, self._slopes_of[characteristic.name]))
        return _rounded(self._neutral[characteristic.name] + self.factor * (mean - contribution), self.digits)

    @cached_property
    def _best(self):
        """Points of each characteristic's best attribute."""
        best = self.attributes.groupby("characteristic")["points"].max()
        return best[[c.name for c in self.characteristics]].to_numpy()

    # -- the card as a table -----------------------------------------------------------------------------------------

    @property
    def attributes(self) -> pd.DataFrame:
        """The card: one row an attribute.

        Returns
        -------
        pandas.DataFrame
            ``characteristic, attribute, points``, ``coefficient`` (log-odds of a worse class against the first
            attribute; for a number, of one unit of its transform), ``lost`` (points below the characteristic's best
            attribute) and ``estimated`` (False for a missing value without a coefficient of its own: it has the points
            of the median where the model fills it, and none where the loan is referred).
        """
        rows = []
        for item in self.characteristics:
            if item.kind == "class":
                contribution = item.contributions(self._slopes_of[item.name])
                points = self._points(item, contribution)
                for level, own, value in zip(item.levels, points, contribution, strict=True):
                    rows.append((item.name, level, own, value - contribution[0], points.max() - own, True))
                if MISSING not in item.levels:
                    rows.append((item.name, MISSING, np.nan, np.nan, np.nan, False))
                continue
            slope = float(self.slopes[item.parameters[0]])
            ends = [self.points_of(item.name, value) for value in (item.low, item.high)]
            for value, own in zip((item.low, item.high), ends, strict=True):
                rows.append((item.name, f"at {value:,.6g}", own, slope, max(ends) - own, True))
            if item.missing_row is None:
                rows.append((item.name, MISSING, np.nan, np.nan, np.nan, False))
            else:
                own = self.points_of(item.name, np.nan)
                rows.append((item.name, MISSING, own, np.nan, max(ends) - own, len(item.parameters) > 1))
        return pd.DataFrame(rows, columns=["characteristic", "attribute", "points", "coefficient", "lost", "estimated"])

    def points_of(self, characteristic: Any, value: float) -> float:
        """Points of one value of a characteristic.

        Examples
        --------
        See :class:`Scorecard`.
        """
        item = next((c for c in self.characteristics if c.name == characteristic), None)
        if item is None:
            raise DataError(
                f"the card has no {characteristic!r}; it has " + ", ".join(c.name for c in self.characteristics)
            )
        design, *_ = item.design(pd.DataFrame({characteristic: [value]}))
        return float(self._points(item, design[0] @ self._slopes_of[item.name]))

    # -- scoring -----------------------------------------------------------------------------------------------------

    def _evaluate(self, frame):
        """Linear predictor, points by characteristic and flags of every row."""
        size = len(frame)
        eta = np.zeros(size)
        points = np.empty((size, len(self.characteristics)), order="F")
        flags = {name: np.zeros(size, dtype=bool) for name in ("missing", "new_level", "out_of_range")}
        for place, item in enumerate(self.characteristics):
            if item.kind == "class":
                codes, gap, new = item.codes(frame)
                outside = None
                levels = item.contributions(self._slopes_of[item.name])
                eta += np.append(levels, np.nan)[codes]
                points[:, place] = np.append(self._points(item, levels), np.nan)[codes]
            else:
                design, gap, new, outside = item.design(frame)
                own = np.zeros(size)
                for j, slope in enumerate(
                    self._slopes_of[item.name]
                ):  # column by column: no sum depends on the number of rows
                    own += design[:, j] * slope
                eta += own
                points[:, place] = self._points(item, own)
            flags["missing"] |= gap
            flags["new_level"] |= new
            if outside is not None:
                flags["out_of_range"] |= outside
        return eta, points, flags

    def score(self, frame: pd.DataFrame, drift: Literal["refuse", "flag"] = "refuse") -> pd.DataFrame:
        """Score loans.

        Parameters
        ----------
        frame : pandas.DataFrame
            The characteristics' columns, or the raw columns they are made of.
        drift : {"refuse", "flag"}
            What to do with rows whose attributes lie outside the range, or are of a level, that the card was not made
            on. Flagged numbers are held at the range's end; a new level without a stand-in has no score.

        Returns
        -------
        pandas.DataFrame
            Index of `frame`; ``score``, ``pd`` (probability of default), ``p_CLASS`` for each class,
            ``expected_severity``, ``grade`` (if the card has a master scale), and flags ``missing``, ``new_level``,
            ``out_of_range``, ``refer`` (no score: some attribute has no estimate).

        Raises
        ------
        DataError
            A column is absent, or with ``drift="refuse"`` some row drifted.
        """
        if drift not in ("refuse", "flag"):
            raise DataError(f"drift is {drift!r}; it is 'refuse' or 'flag'")
        parts = list((in_order if len(frame) > _ROWS else map)(self._score_part, in_parts(frame)))
        merged = {name: np.concatenate([part.pop(name) for part in parts]) for name in [*parts[0]]}
        drifted = merged["new_level"] | merged["out_of_range"]
        if drift == "refuse" and drifted.any():
            kinds = [
                f"{int(merged[name].sum()):,d} {words}"
                for name, words in (
                    ("new_level", "with a level the card does not know"),
                    ("out_of_range", "outside the range it was made on"),
                )
                if merged[name].any()
            ]
            raise DataError(
                f"{drifted.sum():,d} of {count_of(len(frame), 'loan')} drifted ({', '.join(kinds)}; "
                f"first: row {int(np.argmax(drifted))}); look at them (drift='flag' marks them) or refit"
            )
        out = pd.DataFrame(merged, index=frame.index, copy=False)
        if self.scale is not None:
            out.insert(2, "grade", self.scale.grade(out["pd"]))
        return out

    def _score_part(self, frame):
        eta, points, flags = self._evaluate(frame)
        probability = self.class_probabilities(eta)
        worse = expit(eta + self.shift - self.thresholds.iloc[self.cut])
        total = np.zeros(len(frame))
        for place in range(points.shape[1]):
            total += points[:, place]
        return {
            "score": total,
            "pd": worse,
            **{f"p_{name}": probability[:, j] for j, name in enumerate(self.categories)},
            "expected_severity": probability @ np.asarray(self.losses),
            **flags,
            "refer": np.isnan(eta),
        }

    def class_probabilities(self, eta: ArrayLike) -> np.ndarray:
        """Probability of each class at linear predictors, shape (n, classes), under the card's calibration."""
        return class_probabilities(np.asarray(eta, float) + self.shift, self.thresholds)

    def points(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of every characteristic, one column each."""
        _, points, _ = self._evaluate(frame)
        return pd.DataFrame(points, frame.index, [c.name for c in self.characteristics], copy=False)

    def reasons(self, frame: pd.DataFrame, n: int = 3, points: pd.DataFrame | None = None) -> pd.DataFrame:
        """The characteristics that cost each loan the most points against their best attribute.

        Parameters
        ----------
        frame : pandas.DataFrame
        n : int
            Reasons a loan.
        points : pandas.DataFrame, optional
            Of :meth:`points`, where they are there already.

        Returns
        -------
        pandas.DataFrame
            ``reason_1, lost_1, reason_2, ...``; a loan that loses no points for want of a better attribute has empty
            text there. Ties go to the characteristic that comes first on the card.
        """
        if n < 1:
            raise DataError(f"n is {n}; ask for one reason at least")
        points = (self.points(frame) if points is None else points).to_numpy()
        names, count = [*(c.name for c in self.characteristics), ""], min(n, points.shape[1])
        codes, sizes = np.empty((count, len(points)), dtype=np.int16), np.empty((count, len(points)))
        for start in range(0, len(points), _NEAR):
            part = slice(start, start + _NEAR)
            lost = np.subtract(self._best, points[part], order="C")
            lost[np.isnan(lost)] = np.inf
            rows = np.arange(len(lost))
            for place in range(count):
                first = lost.argmax(axis=1)  # of ties the first
                size = lost[rows, first]
                lost[rows, first] = -np.inf
                codes[place, part] = np.where(size > 0, first, len(names) - 1)
                sizes[place, part] = np.where(np.isinf(size), np.nan, size)
        out: dict = {}
        for place in range(count):
            out[f"reason_{place + 1}"] = pd.Categorical.from_codes(codes[place], names)
            out[f"lost_{place + 1}"] = sizes[place]
        return pd.DataFrame(out, index=frame.index)

    def intervals(self, frame: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
        """Class probabilities and probability of default with delta-method intervals.

        Parameters
        ----------
        frame : pandas.DataFrame
        level : float

        Returns
        -------
        pandas.DataFrame
            Columns (class or ``pd``, ``estimate`` / ``lower`` / ``upper``); intervals are built on the logit scale.
        """
        if not 0 < level < 1:
            raise DataError(f"level is {level!r}; it lies between 0 and 1")
        names = list(self.slopes.index)
        exog = np.zeros((len(frame), len(names)))
        for item in self.characteristics:
            design, *_ = item.design(frame)
            exog[:, [names.index(p) for p in item.parameters]] = design
        eta = exog @ self.slopes.to_numpy()
        probability = self.class_probabilities(eta)
        below = expit(self.thresholds.to_numpy()[None, :] - (eta + self.shift)[:, None])
        density = below * (1 - below)
        classes, k = len(self.categories), len(names)
        jacobian = np.zeros((len(frame), classes + 1, k + classes - 1))
        cumulative = np.zeros((len(frame), classes + 1, k + classes - 1))
        cumulative[:, 1:-1, :k] = -density[:, :, None] * exog[:, None, :]
        cumulative[:, np.arange(1, classes), k + np.arange(classes - 1)] = density
        jacobian[:, :classes] = np.diff(cumulative, axis=1)
        jacobian[:, classes] = -cumulative[:, self.cut + 1]
        value = np.column_stack([probability, 1 - below[:, self.cut]])
        se = np.sqrt(np.maximum(np.einsum("njk,kl,njl->nj", jacobian, self.covariance, jacobian), 0.0))
        half = -special.ndtri((1 - level) / 2) * se / (value * (1 - value))
        parts = {"estimate": value, "lower": expit(logit(value) - half), "upper": expit(logit(value) + half)}
        columns = pd.MultiIndex.from_product([[*self.categories, "pd"], list(parts)])
        return pd.DataFrame(np.stack(list(parts.values()), axis=2).reshape(len(frame), -1), frame.index, columns)

    # -- calibration -------------------------------------------------------------------------------------------------

    def calibrated(self, frame: pd.DataFrame, target: float, freq_weights: ArrayLike | None = None) -> Scorecard:
        """The card with its probabilities moved so that the mean probability of default meets a target.

        Parameters
        ----------
        frame : pandas.DataFrame
            The portfolio whose mean is to meet the target.
        target : float
            Rate of default.
        freq_weights : array_like, optional

        Returns
        -------
        Scorecard
            With another :attr:`shift`; points are the same. ``card.uncalibrated()`` goes back.
        """
        plain = self.uncalibrated().score(frame, drift="flag")["pd"].to_numpy()
        return replace(self, shift=shift_to_target(plain, target, freq_weights))

    def uncalibrated(self) -> Scorecard:
        """The card without a shift."""
        return replace(self, shift=0.0)

    def with_points(
        self, base_score: float = 600, base_odds: float = 20, points_to_double: float = 20, digits: int | None = 0
    ) -> Scorecard:
        """The card in other points; probabilities stay.

        Parameters
        ----------
        base_score, base_odds, points_to_double : float
            At `base_score` the odds of no default are `base_odds` to one; so many points double them.
        digits : int or None
            Decimals of the points of each attribute; ``None`` leaves them unrounded.

        Raises
        ------
        ModelError
            Odds or points to double them are not positive.
        """
        for value, name in ((base_odds, "base_odds"), (points_to_double, "points_to_double")):
            if not value > 0:
                raise ModelError(f"{name} must be positive, not {value!r}")
        return replace(
            self,
            base_score=float(base_score),
            base_odds=float(base_odds),
            points_to_double=float(points_to_double),
            digits=digits,
        )

    def with_scale(self, scale: MasterScale) -> Scorecard:
        """The card with a master scale."""
        return replace(self, scale=scale)

    def score_at(self, probability: ArrayLike) -> np.ndarray:
        """Score at which the uncalibrated probability of default is `probability`."""
        return self.base_score - self.factor * (logit(np.asarray(probability, float)) + np.log(self.base_odds))

    # -- travel ------------------------------------------------------------------------------------------------------

    def to_json(self, path: PathLike | None = None) -> str:
        """The card as JSON text, written to `path` if given."""
        plain = {
            "format": _FORMAT,
            "characteristics": [_plain(asdict(item)) for item in self.characteristics],
            "slopes": {str(name): float(value) for name, value in self.slopes.items()},
            "thresholds": {str(name): float(value) for name, value in self.thresholds.items()},
            "covariance": np.asarray(self.covariance).tolist(),
            "scale": None if self.scale is None else self.scale.to_plain(),
            **{
                name: _plain(getattr(self, name))
                for name in (
                    "categories",
                    "default_from",
                    "base_score",
                    "base_odds",
                    "points_to_double",
                    "digits",
                    "shift",
                    "losses",
                    "about",
                )
            },
        }
        return save(plain, path)

    @classmethod
    def from_json(cls, text_or_path: PathLike) -> Scorecard:
        """Restore a card from the text or the file that :meth:`to_json` wrote.

        Raises
        ------
        DataError
            The file is absent, it is another kind of text, was changed since, or its parts do not fit together.
        """
        plain = restore(text_or_path, _FORMAT, "score card", "Scorecard.to_json")
        with rebuilding(text_or_path, "score card", "Scorecard.to_json"):
            return cls._rebuilt(plain)

    @classmethod
    def _rebuilt(cls, plain):
        _check_parts(plain)
        kept = ("default_from", "base_score", "base_odds", "points_to_double", "digits", "shift", "about")
        return cls(
            characteristics=tuple(_characteristic(item) for item in plain["characteristics"]),
            slopes=pd.Series(plain["slopes"], dtype=float),
            thresholds=pd.Series(plain["thresholds"], dtype=float),
            covariance=np.array(plain["covariance"]),
            categories=tuple(plain["categories"]),
            scale=None if plain["scale"] is None else MasterScale.from_plain(plain["scale"]),
            losses=tuple(plain["losses"]),
            **{name: plain[name] for name in kept},
        )

    def to_sql(self, dialect: str = "duckdb") -> str:
        """The score as one SQL expression; see :func:`p2prisk.scorecard.sql.score_expression`."""
        from p2prisk.scorecard.sql import score_expression

        return score_expression(self, dialect)

    def widget(self, labels: Any = None, defaults: Any = None, **shown: Any) -> ScorecardWidget:
        """The card as a page element that a reader can set; `shown` as in :mod:`p2prisk.scorecard.widget`."""
        from p2prisk.scorecard.widget import ScorecardWidget

        return ScorecardWidget(self, labels, defaults, **shown)


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _check_parts(plain):
    """Refuse a card whose characteristics, slopes and thresholds do not belong together."""
    slopes, classes, size = plain["slopes"], len(plain["categories"]), len(plain["slopes"]) + len(plain["thresholds"])
    used = [name for item in plain["characteristics"] for name in item["parameters"]]
    if sorted(used) != sorted(slopes) or len(plain["thresholds"]) != classes - 1 or len(plain["losses"]) != classes:
        raise DataError("its characteristics, slopes and classes are not of one model")
    if plain["default_from"] not in plain["categories"][1:]:
        raise DataError("the class from which a loan counts as bad is none of its classes")
    if not (np.diff(list(plain["thresholds"].values())) > 0).all():
        raise DataError("its thresholds do not rise from class to class")
    covariance = np.array(plain["covariance"], dtype=float)
    if covariance.shape != (size, size) or (np.diag(covariance) < 0).any():
        raise DataError("its covariance is none")
    for item in plain["characteristics"]:
        width = len(item["parameters"])
        rows = [*item["rows"], *([item["missing_row"]] if item["missing_row"] is not None else [])]
        sized = all(len(row) == width for row in (*rows, item["mean"])) and len(item["rows"]) == len(item["levels"])
        if not sized or float(item["low"]) > float(item["high"]) or float(item["least"]) > float(item["most"]):
            raise DataError(f"its characteristic {item['name']} is not whole")


def _characteristic(plain):
    """A characteristic from what :func:`_plain` made of it: tuples for lists, and numbers that JSON has no word for."""
    ends = {name: float(plain[name]) for name in ("least", "most", "low", "high")}
    lists = {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    return Characteristic(**plain | lists | ends | {"rows": tuple(map(tuple, plain["rows"]))})
