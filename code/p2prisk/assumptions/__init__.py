"""Is the model allowed? Checks of a fitted ordered or sequential logit, each with the size of what it finds.

All take the result ``r`` of a fit (with its frequency weights) and say in words what they cannot compute and
why.

Parallel lines
    `brant` (Wald test, full covariance across the binary logits), `slopes_by_threshold` (size of the
    departure), `fit_by_cut` (the binary logits, to compute once for both), `likelihood_ratio_parallel`,
    `free_terms` (partial proportional odds), `probability_departure` (does it change any prediction?).
Goodness of fit
    `goodness_of_fit` (all tests in one table), `fagerland_hosmer`, `lipsitz`, `pulkstenis_robinson`, each
    with its table of observed and expected counts.
Residuals
    `surrogate_residuals`, `surrogate_quantiles` (Q-Q), `surrogate_by_predictor`, `surrogate_summary`.
Specification
    `linearity` and `spline_curve`, `restricted_cubic_spline`, `compare_links`, `compare_families`
    and `vuong` (models that are not nested), `variance_inflation`.
Influence
    `influence` (one-step deltas, most influential loans), `influence_refit` (exact).

The figures are in :mod:`p2prisk.figures.checks`.
"""

from p2prisk.assumptions.goodness import GoodnessOfFit, fagerland_hosmer, goodness_of_fit, lipsitz, pulkstenis_robinson
from p2prisk.assumptions.influence import influence, influence_refit
from p2prisk.assumptions.parallel import (
    CutFits,
    brant,
    fit_by_cut,
    free_terms,
    likelihood_ratio_parallel,
    probability_departure,
    slopes_by_threshold,
)
from p2prisk.assumptions.specification import (
    compare_families,
    compare_links,
    linearity,
    restricted_cubic_spline,
    spline_curve,
    variance_inflation,
    vuong,
)
from p2prisk.assumptions.surrogate import (
    surrogate_by_predictor,
    surrogate_quantiles,
    surrogate_residuals,
    surrogate_summary,
)

__all__ = [
    "CutFits",
    "GoodnessOfFit",
    "brant",
    "compare_families",
    "compare_links",
    "fagerland_hosmer",
    "fit_by_cut",
    "free_terms",
    "goodness_of_fit",
    "influence",
    "influence_refit",
    "likelihood_ratio_parallel",
    "linearity",
    "lipsitz",
    "probability_departure",
    "pulkstenis_robinson",
    "restricted_cubic_spline",
    "slopes_by_threshold",
    "spline_curve",
    "surrogate_by_predictor",
    "surrogate_quantiles",
    "surrogate_residuals",
    "surrogate_summary",
    "variance_inflation",
    "vuong",
]
