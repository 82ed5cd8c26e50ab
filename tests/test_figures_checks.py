"""Every figure of the checks: takes `ax=`, returns the Axes, and has a fingerprint that follows its data."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from p2prisk import OrderedLogit, assumptions, validation
from p2prisk.figures import checks, forest
from p2prisk.figures.fingerprint import fingerprint


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=900), "kind": rng.choice(list("abc"), 900)})
    latent = frame["x"] + 0.5 * (frame["kind"] == "b") + rng.logistic(size=900)
    frame["y"] = np.digitize(latent, [-1, 0.5, 2])
    return frame, OrderedLogit.from_formula("y ~ x + C(kind)", frame).fit()


def power_frame():
    share = np.array([0.05, 0.4, 0.9])
    return pd.DataFrame(
        {"test": ["Brant"] * 3, "departure": [0, 1, 2], "share": share, "ci_low": share - 0.02, "ci_high": share}
    )


def make(name, frame, r):
    """What a figure draws, and its arguments."""
    if name == "slope_plot":
        return (assumptions.slopes_by_threshold(r),)
    if name == "residual_plot":
        return (assumptions.surrogate_by_predictor(r, "x"), "Rate (%)")
    if name == "qq_plot":
        return (assumptions.surrogate_quantiles(r),)
    if name == "reliability_plot":
        return (validation.reliability_by_cut(frame["y"], r.predict()),)
    if name == "forest_plot":
        ends = r.conf_int().loc[r.slopes.index]
        odds = {"odds_ratio": r.slopes, "low": ends["lower"], "high": ends["upper"]}
        return (np.exp(pd.DataFrame(odds)).assign(label=r.slopes.index),)
    return (power_frame(),)


DRAW = {name: getattr(module, name) for module in (checks, forest) for name in dir(module) if name.endswith("_plot")}


def test_all_figures_are_here():
    assert len(DRAW) == 6


@pytest.mark.parametrize("name", DRAW)
def test_figure(name, study):
    function, arguments = DRAW[name], make(name, *study)
    figure, ax = plt.subplots()
    assert function(*arguments, ax=ax) is ax
    first = fingerprint(figure)
    assert first["axes"][0]["xlabel"] and first["axes"][0]["artists"]
    other, own = plt.subplots()
    function(*arguments, ax=own)
    assert fingerprint(other) == first  # the same data draw the same figure
    changed = [a.copy() if isinstance(a, pd.DataFrame) else a for a in arguments]
    target = changed[0]
    attrs = target.attrs
    numbers = target.select_dtypes("number").columns
    target[numbers] = target[numbers].astype(float) * 0.9
    target.attrs = attrs
    third, new = plt.subplots()
    function(*changed, ax=new)
    assert fingerprint(third) != first
    alone = function(*arguments)
    assert isinstance(alone, matplotlib.axes.Axes) and alone is not ax
    plt.close("all")


def test_no_two_tests_of_a_picture_of_power_look_alike():
    """The eighth and the ninth test were of the colour of the first."""
    tests = ["Brant, x", "Brant, omnibus", "Likelihood ratio, x", "Likelihood ratio, omnibus", "Lipsitz"]
    tests += ["Fagerland–Hosmer", "Pulkstenis–Robinson chi-square", "Pulkstenis–Robinson deviance", "Spline of x"]
    rows = [(test, size, 0.5, 0.4, 0.6) for test in tests for size in (0.1, 0.2)]
    power = pd.DataFrame(rows, columns=["test", "departure", "share", "ci_low", "ci_high"])
    lines = checks.power_plot(power).get_lines()[: len(tests)]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(tests)
    assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color()
