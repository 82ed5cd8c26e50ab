"""Shock the book: scenarios as shifts of the linear predictor, and the shock that breaks the platform.

A scenario moves the linear predictor of all loans or of a segment; the ordered logit turns that into class
probabilities, and the economics of the classes into losses, lenders' return and provisions.
"""

from p2prisk.ordered.probabilities import class_probabilities
from p2prisk.stress.book import Book, Economics, assess, default_probability, grade_migration, provision
from p2prisk.stress.run import funding_run, least_reinvestment, months_to_failure
from p2prisk.stress.scenarios import Scenario, breaking_point, breaking_shift, shift_to_default_rate, stress_table

__all__ = [
    "Book",
    "Economics",
    "Scenario",
    "assess",
    "breaking_point",
    "breaking_shift",
    "class_probabilities",
    "default_probability",
    "funding_run",
    "grade_migration",
    "least_reinvestment",
    "months_to_failure",
    "provision",
    "shift_to_default_rate",
    "stress_table",
]
