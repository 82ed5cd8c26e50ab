"""The sequential (continuation-ratio, stopping-ratio) logit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from p2prisk.ordered.families import Sequential
from p2prisk.ordered.model import OrdinalModel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


class SequentialLogit(OrdinalModel):
    r"""Sequential model of an ordered response: one binary model a stage, with slopes shared by the stages.

    .. math:: \text{forward:}\quad P(Y = j \mid Y \ge j, x) = F(\theta_j - x'\beta) \qquad
    \text{backward:}\quad P(Y \le j \mid Y \le j + 1, x) = F(\theta_j - x'\beta)

    In both directions a positive coefficient moves a loan towards the higher (worse) category, as in
    :class:`OrderedLogit`. The thresholds need not increase, and every class has a positive probability whatever
    the slopes, so that `nonparallel` is free of the crossing lines of the cumulative model.

    Parameters
    ----------
    endog : array_like, shape (n,)
        Ordered pandas Categorical, or integers whose sorted values are the categories.
    exog : array_like or DataFrame, shape (n, p), or None
        Numeric columns without a constant.
    direction : {"forward", "backward"}
        ``"forward"`` where a loan reaches a category only by passing the lower ones (paid late, then charged
        off): each stage looks at the loans that got so far. ``"backward"`` starts from the highest category.
    link : {"logit", "probit", "cloglog", "loglog"}
    offset, freq_weights, nonparallel, missing
        As in :class:`OrderedLogit`.

    Attributes are those of :class:`OrdinalModel`. The estimates are labelled as in :class:`OrderedLogit`; the
    threshold ``"A|B"`` belongs to the stage that decides between A and what is above (forward), or between B and
    what is below (backward).

    Notes
    -----
    The log-likelihood is that of binary models on the rows repeated for each stage that they reach; the rows are
    never repeated here. With the cloglog link the forward model *is* the cumulative one with other thresholds,
    the grouped proportional hazards model (Laara and Matthews 1985, Biometrika 72).

    References
    ----------
    Fienberg 1980, The Analysis of Cross-Classified Categorical Data, chapter 6. Tutz 1991, Computational
    Statistics and Data Analysis 11. Agresti 2010, Analysis of Ordinal Categorical Data, section 4.2. Burkner and
    Vuorre 2019, Advances in Methods and Practices in Psychological Science 2.

    Examples
    --------
    >>> import pandas as pd
    >>> outcome = pd.DataFrame({
    ...     "late": [0, 1, 2] * 2, "term": [36] * 3 + [60] * 3, "n": [70, 20, 10, 50, 30, 20]
    ... })
    >>> r = SequentialLogit.from_formula("late ~ C(term)", outcome, freq_weights="n").fit()
    >>> r.params.round(3).to_dict()
    {'C(term)[T.60]': 0.699, '0|1': 0.767, '1|2': 0.963}
    """

    _family_of_parts = "forward"

    def __init__(
        self,
        endog: ArrayLike,
        exog: ArrayLike | pd.DataFrame | None = None,
        direction: Literal["forward", "backward"] = "forward",
        link: Literal["logit", "probit", "cloglog", "loglog"] = "logit",
        offset: ArrayLike | str | None = None,
        freq_weights: ArrayLike | None = None,
        nonparallel: Any = None,
        missing: str = "raise",
    ) -> None:
        self._from_arrays(Sequential(link, direction), endog, exog, offset, freq_weights, nonparallel, missing)

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: pd.DataFrame,
        direction: Literal["forward", "backward"] = "forward",
        link: Literal["logit", "probit", "cloglog", "loglog"] = "logit",
        **options: Any,
    ) -> Self:
        """Model from a formula; `options` are ``offset, freq_weights, nonparallel, missing, context`` of
        :meth:`OrderedLogit.from_formula`.

        Examples
        --------
        >>> import pandas as pd
        >>> counts = pd.DataFrame({"late": [0, 1, 2], "n": [50, 25, 25]})
        >>> r = SequentialLogit.from_formula("late ~ 1", counts, direction="backward", freq_weights="n").fit()
        >>> r.thresholds.round(4).to_dict()
        {'0|1': 0.6931, '1|2': 1.0986}
        """
        return cls._from_formula(Sequential(link, direction), formula, data, **options)

    @property
    def direction(self) -> str:
        return self.family.direction
