"""What single changes of the ordinal family's code would break, at the edges that no whole fit reaches.

Each test here was written because a seeded mutant (`benchmarks/mutants.py`) had passed all others.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from p2prisk.errors import ConvergenceError, DataError
from p2prisk.ordered import OrderedLogit
from p2prisk.ordered.batches import open_dataset
from p2prisk.ordered.bias_reduced import inverse_derivative
from p2prisk.ordered.design import design_from_formula, read_response
from p2prisk.ordered.fitting import check_range
from p2prisk.ordered.newton import maximise
from p2prisk.ordered.stored import plain_design, restored_design


def test_a_response_without_rows_and_one_of_one_row_are_refused_each_for_its_reason():
    with pytest.raises(DataError, match="has no rows"):
        read_response(np.array([], dtype=float))
    with pytest.raises(DataError, match="one level only"):
        read_response(np.array([1.0]))


def test_whole_numbers_are_classes_up_to_a_hundred_levels_or_half_the_rows():
    rows = np.arange(201.0) * 100  # far apart, so that no table is made of them
    accepted = read_response(rows[np.arange(201) % 100])
    assert len(accepted.categories) == 100
    with pytest.raises(DataError, match="101 distinct integers"):
        read_response(rows[np.arange(201) % 101])


@pytest.mark.parametrize(("levels", "kind"), [(127, np.int8), (128, np.int32)])
def test_codes_are_as_small_as_the_levels_allow(levels, kind):
    assert read_response(np.arange(3 * levels) % levels).codes.dtype == kind


def test_a_fraction_is_refused_with_and_without_an_infinite_value():
    for values in ([0.0, 1.0, 2.5] * 4, [0.0, 1.0, np.inf] * 4):
        with pytest.raises(DataError, match="not whole numbers"):
            read_response(np.array(values))


def test_a_folder_of_csv_files_is_read_as_what_it_holds(tmp_path):
    for part in ("a", "b"):
        pd.DataFrame({"x": [1, 2], "y": [0, 1]}).to_csv(tmp_path / f"{part}.csv", index=False)
    assert open_dataset(tmp_path).count_rows() == 4
    assert open_dataset(tmp_path / "a.csv").count_rows() == 2


def test_the_derivative_of_the_step_is_its_own_in_the_units_of_each_parameter():
    slope, scale = np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([1.0, 10.0])
    found = inverse_derivative(lambda at: SimpleNamespace(step=-slope @ at), np.array([0.3, -0.2]), scale)
    np.testing.assert_allclose(found, np.linalg.inv(slope * scale / scale[:, None]), rtol=1e-8)
    assert (inverse_derivative(lambda at: None, np.zeros(2), scale) == np.eye(2)).all()


def test_a_constant_column_may_be_nought_and_none_may_leave_the_range():
    check_range(np.array([0.0, -1.0]), np.array([0.0, 1.0]), ["nought", "plain"])
    with pytest.raises(DataError, match=r"huge \(up to 1e\+300\)"):
        check_range(np.array([0.0]), np.array([1e300]), ["huge"])


def test_a_name_that_holds_another_is_read_whole_in_a_constraint():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=300), "xx": rng.normal(size=300)})
    frame["y"] = np.digitize(frame["x"] + 2 * frame["xx"] + rng.logistic(size=300), [-1, 1])
    result = OrderedLogit.from_formula("y ~ x + xx", frame).fit()
    for text, difference in (
        ("xx = 1", result.params["xx"] - 1),
        ("xx - x = 0", result.params["xx"] - result.params["x"]),
    ):
        row = result.t_test(text).loc[text]
        assert row["z"] == pytest.approx(difference / row["se"]), text


class Hill:
    """A problem of one parameter, from functions of it: penalised and plain log-likelihood, score and information."""

    to_user = np.eye(1)

    def __init__(self, *parts):
        self.parts = parts

    def evaluate(self, at, order=2):
        penalised, plain, score, information = (float(part(at[0])) for part in self.parts)
        return penalised, plain, np.array([score]), np.array([[information]])


def test_a_coefficient_on_its_way_to_infinity_is_asked_about_at_the_seventh_step_and_each_third_after_it():
    def rising(at):
        return -np.log1p(np.exp(-at))

    asked = []
    endless = Hill(rising, rising, lambda at: 1 / (1 + np.exp(at)), lambda at: np.exp(at) / (1 + np.exp(at)) ** 2)
    with pytest.raises(ConvergenceError):
        maximise(endless, [0.0], diagnose=lambda at, step, history: asked.append(len(history)), max_iterations=14)
    assert asked == [7, 10, 13, 14]
    with pytest.raises(ConvergenceError, match="did not settle within 14"):
        maximise(endless, [0.0], max_iterations=14)


def test_the_penalised_log_likelihood_decides_whether_a_step_is_taken():
    found = maximise(
        Hill(lambda at: -((at - 1) ** 2), lambda at: -1000 * at, lambda at: -2 * (at - 1), lambda at: 2), [0.0]
    )
    assert found.params == pytest.approx([1.0]) and found.log_likelihood == pytest.approx(-1000)


def test_a_column_is_a_response_and_a_table_is_none():
    assert read_response(np.array([[0], [1], [2], [1]])).codes.tolist() == [0, 1, 2, 1]
    with pytest.raises((DataError, ValueError)):
        read_response(np.array([[0, 1], [2, 1]]))


def test_a_stored_design_is_refused_whose_terms_are_not_its_columns_or_whose_formula_lacks_its_making():
    frame = pd.DataFrame({"y": [0, 1, 2] * 20, "x": np.linspace(0, 1, 60) ** 2})
    plain = plain_design(design_from_formula("x", frame)[0])
    assert restored_design(plain).names == ["x"]
    for column in ("a", "z"):  # before and behind the column's own name
        with pytest.raises(DataError, match="terms of the model and its columns"):
            restored_design({**plain, "terms": {"x": [column]}})
    assert restored_design({**plain, "stored": None, "formula": None, "required": []}).names == ["x"]
    for part in ({"formula": None}, {"required": []}, {}):
        with pytest.raises(DataError, match="not how its columns are made"):
            restored_design({**plain, "stored": None, **part})


def test_a_step_that_is_far_too_long_has_no_likelihood_and_gives_no_warning():
    """Rows beyond the range of a number: the step is refused before its derivatives are weighted."""
    model = OrderedLogit([0, 1, 2], [[1.0], [1.0], [-1.0]], link="cloglog", freq_weights=[5, 5, 5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.loglike([0.0, 0.0, 709.5]) == -np.inf
