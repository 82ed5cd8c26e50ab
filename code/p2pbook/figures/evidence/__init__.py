"""Figures of the evidence chapters. Each takes the table of a study function and draws it; none computes a result."""

from p2pbook.figures import lazy

__getattr__ = lazy(
    __name__,
    borrowers="missing_shares traits_by_grade loss_by_vintage risk_map loss_by_class information_values",
    effects="odds_ratio_forest several_a_row class_probabilities effect_curves incidence",
    ranks="rank_by_age ranks_by_date",
    places="auc_comparison agreement",
)
