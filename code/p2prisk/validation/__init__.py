"""Does the model predict? Discrimination, calibration, ordinal scores, resampling, stability, rivals, groups.

Nothing here needs a particular model: the functions take outcomes, scores and probabilities of any origin,
and counts of loans (`freq_weights`). A score ranks from safe to bad. An ordinal outcome is an ordered
Categorical or integers, worse is higher; a table of class probabilities has one column a category, as
``r.predict(frame)`` gives it.

Discrimination
    `auc`; `delong` (AUCs with intervals, paired comparisons); `discrimination_by_cut` (AUC, Gini, KS at each
    cut); `delong_by_cut`; `concordance` (ordinal C index, Somers' D); `roc_curve`, `cap_curve`;
    `kolmogorov_smirnov`.
Calibration
    `reliability_table`, `reliability_by_cut` (Jeffreys intervals); `calibration_by_cut` (slope, intercept,
    ECE, Brier in one table); `calibration_slope_intercept`; `expected_calibration_error`;
    `brier_decomposition`; `flexible_calibration`, `calibration_distance` (smooth curve, ICI, E90);
    `jeffreys_interval`, `jeffreys_test`, `jeffreys_test_by_grade`, `holm`.
Ordinal scores
    `ordinal_scores` (RPS, log score, kappa with skill and intervals); `ranked_probability_score`, `log_score`
    and, a loan, `ranked_probability_scores`, `log_scores`; `quadratic_weighted_kappa`; `predicted_category`.
Decision dates
    `rolling_origin`: fit on what was known on each day, score the loans issued next, judge on their final outcomes;
    block bootstrap that refits.
Resampling
    `bootstrap` (stratified, grouped); `stratified_folds`, `cross_validate`; `out_of_time_split`;
    `sensitivity` (one model, several samples).
Stability
    `population_stability` (PSI with its sampling threshold); `stability_table` (all variables and the score);
    `by_class`, `stability_against` (a sample as counts of classes, and later loans against it).
Comparators
    `compare_models`, `compare_on_test` (one table, same loans); `corrected_half_width` (interval over folds); makers
    `ordered_logit`, `multinomial_logit`, `binary_logits`, `by_grade`, `gradient_boosting`, `base_rate`.
Subgroups
    `subgroup_audit`, `subgroup_calibration_test`.
"""

from p2prisk.validation.calibration import (
    brier_decomposition,
    calibration_by_cut,
    calibration_slope_intercept,
    expected_calibration_error,
    holm,
    jeffreys_interval,
    jeffreys_test,
    jeffreys_test_by_grade,
    reliability_by_cut,
    reliability_table,
)
from p2prisk.validation.comparators import (
    ModelComparison,
    base_rate,
    binary_logits,
    by_grade,
    compare_models,
    compare_on_test,
    corrected_half_width,
    gradient_boosting,
    multinomial_logit,
    ordered_logit,
)
from p2prisk.validation.discrimination import (
    Concordance,
    DeLongResult,
    KolmogorovSmirnov,
    auc,
    cap_curve,
    concordance,
    delong,
    delong_by_cut,
    discrimination_by_cut,
    kolmogorov_smirnov,
    roc_curve,
)
from p2prisk.validation.flexible import calibration_distance, flexible_calibration
from p2prisk.validation.population import by_class, class_counts, class_names, stability_against
from p2prisk.validation.resampling import (
    BootstrapResult,
    OutOfTimeSplit,
    bootstrap,
    cross_validate,
    out_of_time_split,
    sensitivity,
    stratified_folds,
)
from p2prisk.validation.rolling import MonthBootstrap, RollingOrigin, rolling_origin
from p2prisk.validation.scores import (
    log_score,
    log_scores,
    ordinal_scores,
    predicted_category,
    quadratic_weighted_kappa,
    ranked_probability_score,
    ranked_probability_scores,
)
from p2prisk.validation.stability import PopulationStability, population_stability, stability_table
from p2prisk.validation.subgroups import subgroup_audit, subgroup_calibration_test

__all__ = [
    "BootstrapResult",
    "Concordance",
    "DeLongResult",
    "KolmogorovSmirnov",
    "ModelComparison",
    "MonthBootstrap",
    "OutOfTimeSplit",
    "PopulationStability",
    "RollingOrigin",
    "auc",
    "base_rate",
    "binary_logits",
    "bootstrap",
    "brier_decomposition",
    "by_class",
    "by_grade",
    "calibration_by_cut",
    "calibration_distance",
    "calibration_slope_intercept",
    "cap_curve",
    "class_counts",
    "class_names",
    "compare_models",
    "compare_on_test",
    "concordance",
    "corrected_half_width",
    "cross_validate",
    "delong",
    "delong_by_cut",
    "discrimination_by_cut",
    "expected_calibration_error",
    "flexible_calibration",
    "gradient_boosting",
    "holm",
    "jeffreys_interval",
    "jeffreys_test",
    "jeffreys_test_by_grade",
    "kolmogorov_smirnov",
    "log_score",
    "log_scores",
    "multinomial_logit",
    "ordered_logit",
    "ordinal_scores",
    "out_of_time_split",
    "population_stability",
    "predicted_category",
    "quadratic_weighted_kappa",
    "ranked_probability_score",
    "ranked_probability_scores",
    "reliability_by_cut",
    "reliability_table",
    "roc_curve",
    "rolling_origin",
    "sensitivity",
    "stability_against",
    "stability_table",
    "stratified_folds",
    "subgroup_audit",
    "subgroup_calibration_test",
]
