"""Decide, price, limit: what follows from a probability of default.

Value of a loan
    `Costs`, `contract_value`, `break_even_rate`, `price_table`, `highest_pd` (:mod:`~p2prisk.policy.value`);
    `realised_value` of ended loans, `loss_given_default`, `monthly_prepayment` (:mod:`~p2prisk.policy.realised`).
Cut-offs
    `profit_curve`, `acceptance_frontier`, `refer_band`, `refer_lines`, `expected_maximum_profit`
    (:mod:`~p2prisk.policy.cutoff`).
Limits
    `CAPS`, `room_under_caps`, `Limit`, `check_limits`, `room_under_limit` (:mod:`~p2prisk.policy.limits`).
A book under stress
    `stress_model` (:mod:`~p2prisk.policy.stressed`).
Rejected applicants
    `compare_reject_inference`, `default_rate_bounds` (:mod:`~p2prisk.policy.rejects`).
"""

from p2prisk.policy.cutoff import acceptance_frontier, expected_maximum_profit, profit_curve, refer_band, refer_lines
from p2prisk.policy.limits import CAPS, Limit, check_limits, room_under_caps, room_under_limit
from p2prisk.policy.realised import loss_given_default, monthly_prepayment, realised_value
from p2prisk.policy.rejects import compare_reject_inference, default_rate_bounds
from p2prisk.policy.stressed import StressedBook, stress_model
from p2prisk.policy.value import Costs, break_even_rate, contract_value, highest_pd, price_table

__all__ = [
    "CAPS",
    "Costs",
    "Limit",
    "StressedBook",
    "acceptance_frontier",
    "break_even_rate",
    "check_limits",
    "compare_reject_inference",
    "contract_value",
    "default_rate_bounds",
    "expected_maximum_profit",
    "highest_pd",
    "loss_given_default",
    "monthly_prepayment",
    "price_table",
    "profit_curve",
    "realised_value",
    "refer_band",
    "refer_lines",
    "room_under_caps",
    "room_under_limit",
    "stress_model",
]
