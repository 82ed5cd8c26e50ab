"""From model to grade: points, reasons, master scale, calibration, overrides, exports.

:class:`Scorecard` turns a fitted ordered logit (or the standard model of any tape) into points.
:mod:`~p2prisk.scorecard.master_scale` finds and tests grades; :mod:`~p2prisk.scorecard.calibration` moves
probabilities to the default rate of the time; :mod:`~p2prisk.scorecard.overrides` says what a person may change.
"""

from p2prisk.scorecard.any_tape import card_of_tape, scale_of_tape
from p2prisk.scorecard.calibration import apply_shift, shift_to_target
from p2prisk.scorecard.card import Scorecard
from p2prisk.scorecard.characteristics import Characteristic, bands_from_labels, missing_as_level
from p2prisk.scorecard.master_scale import (
    MasterScale,
    build_master_scale,
    grade_table,
    homogeneity,
    map_to_ratings,
    most_prudent,
    separation,
)
from p2prisk.scorecard.overrides import OverridePolicy, apply_overrides, override_audit

__all__ = [
    "Characteristic",
    "MasterScale",
    "OverridePolicy",
    "Scorecard",
    "apply_overrides",
    "apply_shift",
    "bands_from_labels",
    "build_master_scale",
    "card_of_tape",
    "grade_table",
    "homogeneity",
    "map_to_ratings",
    "missing_as_level",
    "most_prudent",
    "override_audit",
    "scale_of_tape",
    "separation",
    "shift_to_target",
]
