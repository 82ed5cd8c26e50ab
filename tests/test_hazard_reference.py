"""The hazard against R on the expanded table, and against the truth it was simulated from."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2prisk.hazard import HazardLogit

HERE = Path(__file__).parent / "reference" / "hazard"
REFERENCE = json.loads((HERE / "reference.json").read_text())["fits"]
LOANS = pd.read_csv(HERE / "loans.csv").assign(linc=lambda f: np.log(f["income"]))
LOANS["ending"] = pd.Categorical.from_codes(LOANS["end"], ["open", "default", "repaid"])
LOANS["bad"] = (LOANS["end"] == 1).astype(int)
TRAITS = "dti + linc + C(home)"


def model(formula, **options):
    return HazardLogit.from_formula(formula, LOANS, exit="age", entry="entry", **options)


FITS = {
    "logit": lambda: model(f"bad ~ {TRAITS}"),
    "cloglog": lambda: model(f"bad ~ {TRAITS}", link="cloglog"),
    "spline": lambda: model("bad ~ dti + C(home)", baseline="bs(age, df=4)"),
    "weights": lambda: model("bad ~ dti + linc", freq_weights="n"),
    "strata": lambda: model("bad ~ dti", baseline=[3, 6], strata="term"),
    "varying": lambda: model("bad ~ dti + linc", varying={"dti": "np.log(age)"}),
    "varying_cloglog": lambda: model("bad ~ dti + linc", link="cloglog", varying={"dti": [5]}),
    "multinomial": lambda: model(f"ending ~ {TRAITS}"),
}
STEPS = {"ages 1-3": "a", "ages 4-6": "b", "ages 7-10": "c"}


def r_name(name):
    """Our name as R writes it: ``default: C(home)[T.OWN]`` -> ``homeOWN:1``."""
    cause, _, rest = name.rpartition(": ")
    tail = {"default": ":1", "repaid": ":2", "": ""}[cause]
    if rest.startswith("ages"):
        ages, _, stratum = rest.partition(" [")
        return f"step{STEPS[ages]}:fterm{stratum.removesuffix(']')}"
    special = {"baseline": "(Intercept)", "dti x np.log(age)": "dti_log", "dti x age>5": "late"}
    if rest in special:
        return special[rest]
    rest = rest.replace("bs(age, df=4)[", "b").replace("age ", "fat").replace("C(home)[T.", "home").replace("]", "")
    if rest.startswith("b") and rest[1:].isdigit():
        return f"b{int(rest[1:])}"
    return rest + tail


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("compiled", [False, True])
def test_estimates_are_those_of_r_on_the_expanded_table(name, compiled):
    theirs, made = REFERENCE[name], FITS[name]()
    ours = made.fit(compiled=compiled)
    assert sorted(map(r_name, ours.params.index)) == sorted(theirs["params"])
    for key, value in ours.params.items():
        assert value == pytest.approx(theirs["params"][r_name(key)], rel=1e-9, abs=1e-11)
        # glm's standard errors are those of the expected information, which a cloglog's observed one is not
        tolerance = 0.03 if "cloglog" in name else 1e-8
        assert ours.bse[key] == pytest.approx(theirs["se"][r_name(key)], rel=tolerance)
    # summed over weights, glm's log-likelihood is that of the repeated rows
    assert ours.llf == pytest.approx(theirs["loglik"], rel=1e-12)
    if name != "weights":
        assert ours.exposure == theirs["rows"]
    assert ours.digits > 12


def test_multinom_agrees_to_the_digits_it_has():
    ours, theirs = FITS["multinomial"]().fit(), REFERENCE["multinom"]
    for key, value in ours.params.items():
        cause, plain = key.split(": ", 1)
        assert value == pytest.approx(theirs[cause][r_name(plain)], abs=2e-4)
    assert ours.llf == pytest.approx(theirs["loglik"], rel=1e-9)


def test_competing_cloglog_is_the_maximum_of_the_likelihood_written_out():
    ours = model("ending ~ dti + C(home)", link="cloglog", baseline="np.log(age)").fit()
    theirs = REFERENCE["competing_cloglog"]
    np.testing.assert_allclose(ours.params, theirs["params"], atol=2e-6)
    assert ours.llf == pytest.approx(theirs["loglik"], rel=1e-12)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_curves_without_traits_are_those_of_survival(link):
    """The Aalen-Johansen estimate with late entry, from independent code."""
    ours, theirs = model("ending ~ 1", link=link).fit(), REFERENCE["curves"]
    ages = list(range(1, 11))
    one = LOANS.head(1)
    for cause in ("default", "repaid"):
        np.testing.assert_allclose(ours.predict(one, ages, cause=cause).iloc[0], theirs[cause], rtol=1e-12)
    np.testing.assert_allclose(ours.predict(one, ages, "survival").iloc[0], theirs["survival"], rtol=1e-12)


# -- coverage ------------------------------------------------------------


def study():
    spec = importlib.util.spec_from_file_location("hazard_coverage_study", HERE / "coverage_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COVERAGE = json.loads((HERE / "coverage.json").read_text()) if (HERE / "coverage.json").exists() else None


@pytest.mark.parametrize("design", ["logit", "cloglog"])
def test_intervals_cover_the_truth(design):
    stored = COVERAGE["designs"][design]
    assert COVERAGE["replications"] >= 1000 and stored["refused"] == 0
    for name, share in stored["coverage"].items():
        assert 0.935 <= share <= 0.965, name


@pytest.mark.parametrize("design", ["logit", "cloglog"])
def test_stored_coverage_is_what_the_code_gives(design):
    made = study()
    names, found = made.hits(design, COVERAGE["first"])
    assert (
        dict(zip(names, np.nansum(found, axis=0).astype(int).tolist(), strict=True))
        == (COVERAGE["designs"][design]["first_hits"])
    )
