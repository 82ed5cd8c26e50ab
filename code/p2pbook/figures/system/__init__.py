"""Figures of the risk system: watching, stress, the platform's own conduct, and the system on one page.

All of them are narrow, so that their words can still be read on a telephone.
"""

from p2pbook.figures import lazy

__getattr__ = lazy(
    __name__,
    watching="vintages vintage_forecast stability calibration cusum matrix forecast_check",
    stress="scenarios breaking funding_paths",
    platform="detection_matrix time_to_detection",
    whole="system_page",
)
