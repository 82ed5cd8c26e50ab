"""Watching the book: vintages, roll rates, forecasts, stability, calibration, CUSUM, early warning, the monthly report.

:func:`watch_model` compares new loans with a stored model and gives one verdict, :func:`challenge_model`
two stored models on the same loans. The rest works on a monthly panel (:func:`read_panel`) or on a tape with one
row a loan. Alerts come with their rate of false alarms; an index or a rate comes with what chance alone would do.
"""

from p2prisk.monitor.challenge import Challenge, Terms, challenge_model
from p2prisk.monitor.cusum import Cusum, calibrate_cusum
from p2prisk.monitor.drift import calibration_drift, stability_by_month, stability_from_counts
from p2prisk.monitor.forecast import check_forecast, check_vintages, forecast_states, forecast_vintages
from p2prisk.monitor.monthly import MonthlyReport, monthly_report
from p2prisk.monitor.panel import Panel, read_panel
from p2prisk.monitor.roll_rates import RollRates, goodman_interval, roll_rates, roll_rates_by_month
from p2prisk.monitor.vintages import vintage_curves, vintage_curves_from_events, vintage_curves_from_tape
from p2prisk.monitor.warning import RULES, check_warnings, early_warning
from p2prisk.monitor.watch import Limits, ModelWatch, Simulation, watch_model

__all__ = [
    "Challenge",
    "Cusum",
    "Limits",
    "ModelWatch",
    "MonthlyReport",
    "Panel",
    "RULES",
    "RollRates",
    "Simulation",
    "Terms",
    "calibrate_cusum",
    "calibration_drift",
    "challenge_model",
    "check_forecast",
    "check_vintages",
    "check_warnings",
    "early_warning",
    "forecast_states",
    "forecast_vintages",
    "goodman_interval",
    "monthly_report",
    "read_panel",
    "roll_rates",
    "roll_rates_by_month",
    "stability_by_month",
    "stability_from_counts",
    "vintage_curves",
    "vintage_curves_from_events",
    "vintage_curves_from_tape",
    "watch_model",
]
