"""What a card and a score take from a fitted model: classes, means, ranges, readings, grades."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_tapes import book, ended, tape_of
from p2prisk import OrderedLogit, Scorecard
from p2prisk.errors import DataError, ModelError
from p2prisk.ordered import OrderedResults, SequentialLogit
from p2prisk.scorecard import MasterScale, card_of_tape, scale_of_tape
from p2prisk.scorecard.characteristics import from_results, from_standard
from p2prisk.scorecard.scoring import LoanScorer, reading_for
from p2prisk.standard import fit_standard
from p2prisk.tape import study_sample
from p2prisk.terms import FitSettings


@pytest.fixture(scope="module")
def counts():
    """Loans with counts, three classes of outcome, a class of three levels and a number."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"home": rng.choice(list("abc"), 400), "x": rng.uniform(1, 9, 400).round(2)})
    worse = rng.logistic(size=400) + 0.4 * frame["x"] + 0.5 * (frame["home"] == "c")
    names = np.array(["paid", "late", "loss half", "loss all"])
    frame["end"] = pd.Categorical(names[np.digitize(worse, [1.5, 2.5, 3.5])], names, ordered=True)
    return frame.assign(n=rng.integers(1, 5, 400), y=rng.uniform(0, 3, 400))


def fitted(counts, terms="C(home) + np.log(x)", **more):
    return OrderedLogit.from_formula(f"end ~ {terms}", counts, freq_weights="n", **more).fit()


def test_the_first_class_called_a_loss_is_default(counts):
    result = fitted(counts)
    assert Scorecard.from_result(result).default_from == "loss half"
    for names, first in (
        (("paid", "default", "lost", "gone"), "default"),
        (("paid", "late", "bad", "default"), "bad"),
        (("default", "a", "b", "c"), "c"),
    ):
        called = counts.assign(end=counts["end"].cat.rename_categories(names))
        assert Scorecard.from_result(fitted(called)).default_from == first
    card = Scorecard.from_result(result, default_from="loss all", losses=[0, 0.1, 0.5, 1])
    assert (card.cut, card.losses, card.about) == (2, (0, 0.1, 0.5, 1), {"loans": int(counts["n"].sum())})
    assert Scorecard.from_result(result).losses == (0, 1, 2, 3)
    with pytest.raises(ModelError, match="default_from is 'paid'; it is one of late, loss half, loss all"):
        Scorecard.from_result(result, default_from="paid")
    with pytest.raises(ModelError, match="3 losses are given for 4 classes"):
        Scorecard.from_result(result, losses=[0, 1, 2])


def test_rows_means_and_range_are_those_of_the_data(counts):
    bands = {"home": {"column": "kind", "groups": {"1": "a"}}}
    home, x = from_results(fitted(counts), bands)
    assert (home.name, home.levels, home.band) == ("home", ("a", "b", "c"), bands["home"])
    assert home.rows == ((0, 0), (1, 0), (0, 1)) and len(home.parameters) == 2
    n = counts["n"].sum()
    assert home.mean == pytest.approx([counts["n"][counts["home"] == level].sum() / n for level in "bc"])
    assert (x.name, x.kind, x.transform) == ("x", "number", "log") and x.missing_row is None and x.band is None
    assert x.mean == pytest.approx([(np.log(counts["x"]) * counts["n"]).sum() / n])
    assert (x.low, x.high) == (x.least, x.most) == pytest.approx((counts["x"].min(), counts["x"].max()), rel=2e-9)
    assert x.least < counts["x"].min() and counts["x"].max() < x.most
    for term, transform in (("x", "identity"), ("np.log1p(x)", "log1p"), ("np.log2(x)", "log2")):
        (item,) = from_results(fitted(counts, term))
        assert item.transform == transform and item.least == pytest.approx(counts["x"].min(), rel=3e-9)
        if transform == "identity":
            assert (item.least, item.most) == (counts["x"].min(), counts["x"].max())
    assert from_results(fitted(counts, "x + C(home)"), ranges={"x": (0, 20)})[1].most in (20, np.inf)


def test_a_result_without_data_asks_for_a_range(counts):
    bare = OrderedResults.from_json(fitted(counts).to_json())
    home, x = from_results(bare, ranges={"x": (2, 8)})
    assert home.mean == pytest.approx((1 / 3, 1 / 3)) and (x.least, x.most, x.low, x.high) == (2, 8, 2, 8)
    assert x.mean == pytest.approx(((np.log(2) + np.log(8)) / 2,))
    with pytest.raises(ModelError, match=r"give ranges=\{'x': \(least, most\)\}, so that drift can be seen"):
        from_results(bare)


def test_a_fit_without_a_formula_has_numbers_alone(counts):
    result = OrderedLogit(counts["end"], counts[["x", "y"]]).fit()
    x, y = from_results(result)
    assert [(item.name, item.transform, item.most) for item in (x, y)] == [
        ("x", "identity", counts["x"].max()),
        ("y", "identity", counts["y"].max()),
    ]
    assert (x.mean, y.mean) == (pytest.approx((counts["x"].mean(),)), pytest.approx((counts["y"].mean(),)))


def test_models_that_no_card_can_print_are_refused_with_the_reason(counts):
    for terms, words in (
        (
            "I(x + y)",
            r"term 'I\(x \+ y\)' reads x, y: a card adds one column at a time; make a class of the combination first",
        ),
        ("C(home) + x:y", "term 'x:y' reads several columns: a card adds one"),
        ("np.sqrt(x)", r"'np.sqrt\(x\)' is no class and no plain, log, log1p or log2 number; cut 'x' into classes"),
        ("x + np.log(x)", "two terms read 'x'; a card has one characteristic a column: cut it into classes"),
        ("C(home, Sum)", r"are not treatment-coded classes \("),
    ):
        with pytest.raises(ModelError, match=words):
            from_results(fitted(counts, terms))
    with pytest.raises(ModelError, match="bands are given for a, b, which the model does not use"):
        from_results(fitted(counts), {"b": {}, "a": {}, "home": None})
    with pytest.raises(ModelError, match="the logit link, not 'probit'"):
        from_results(fitted(counts, link="probit"))
    with pytest.raises(ModelError, match="slopes that differ by threshold give no single score"):
        from_results(fitted(counts, nonparallel=["C(home)"]))
    with pytest.raises(ModelError, match="a sequential model has several"):
        from_results(SequentialLogit.from_formula("end ~ x", counts).fit())
    with pytest.raises(ModelError, match="the offset is not on it"):
        from_results(OrderedLogit(counts["end"], counts[["x"]], offset=counts["y"]).fit())


# -- any tape


@pytest.fixture(scope="module")
def loans():
    frame, rng = ended(size=1500), np.random.default_rng(1)
    phone = pd.Series(rng.random(1500) < 0.4).astype("boolean")
    phone[:100] = pd.NA
    frame = frame.assign(verified_phone=phone, income=frame["income"].mask(frame.index % 10 == 3))
    frame.loc[:7, "home"] = "other"
    return tape_of(frame)


@pytest.fixture(scope="module")
def model(loans):
    return fit_standard(loans, "bad", ["dti", "income", "home", "verified_phone"])


def test_rules_of_a_model_become_characteristics(loans, model):
    dti, income, home, phone = from_standard(model)
    rules = {rule["column"]: rule for rule in model.rules}
    for item in (dti, income):
        rule = rules[item.name]
        assert all(getattr(item, name) == rule[name] for name in ("least", "most", "low", "high"))
        assert item.least < item.low < item.high < item.most
    assert (dti.transform, dti.missing_row, dti.parameters) == ("identity", (rules["dti"]["fill"],), ("dti",))
    assert dti.mean == dti.missing_row
    assert income.transform == "log1p" and income.parameters == ("income", "income: missing")
    assert income.missing_row == pytest.approx((np.log1p(rules["income"]["fill"]), 1))
    assert income.mean == (income.missing_row[0], 0)
    assert (
        home.rows[:3] == ((0, 0), (1, 0), (0, 1)) and home.rare == ("other",) and home.spare == rules["home"]["spare"]
    )
    assert phone.levels == ("False", "True", "missing") and phone.rows == ((0, 0), (1, 0), (0, 1))
    assert phone.spare is None and phone.rare == ()
    most = loans.frame["home"].value_counts().idxmax()
    assert home.mean == home.rows[home.levels.index(most)] and phone.mean == (0, 0)
    assert all(item.usual for item in (dti, income, home, phone))
    bare = from_standard(replace(model, results=OrderedResults.from_json(model.results.to_json())))
    assert bare == [dti, income, home, phone]
    earlier = from_standard(replace(model, population={}))  # a file of an earlier day does not say what is common
    assert [item.mean for item in earlier[2:]] == [(1 / 3, 1 / 3), (1 / 3, 1 / 3)]
    assert [item.usual for item in earlier] == [True, True, False, False]
    yes = replace(model, population={"attributes": {"verified_phone": {"levels": ["no", "yes"], "counts": [1.0, 2.0]}}})
    assert from_standard(yes)[3].mean == (1, 0)
    held = [{**rule, "fill": 1e9} if rule["column"] == "dti" else rule for rule in model.rules]
    assert from_standard(replace(model, rules=held))[0].missing_row == (dti.high,)
    flag = [{**rule, "columns": rule["columns"][::-1]} if rule["column"] == "income" else rule for rule in model.rules]
    with pytest.raises(ModelError, match="income itself is not in the model, only its missing flag; fit without it"):
        from_standard(replace(model, rules=flag))


def test_a_card_of_a_model_has_its_event_and_its_own_words(loans, model):
    made = card_of_tape(model, loans.frame)
    assert made.card.about["loans"] == 1500 and made.card.about["title"] == "made up" and made.why == ""
    assert made.card.default_from == "bad" and made.card.losses == (0, 1)
    assert list(made.scored)[2] == "grade" and made.grades["loans"].sum() == 1500
    assert made.card.score(loans.frame, "flag")["pd"].mean() == pytest.approx(loans.frame["bad"].mean(), abs=1e-6)
    printed = made.grades_in_per_cent()
    assert (
        printed["up_to"].tolist()[:-1] == [100 * b for b in made.card.scale.bounds]
        and printed["up_to"].isna()[-1:].all()
    )
    for ours, theirs in (("assigned", "pd"), ("observed", "observed"), ("low", "ci_low"), ("high", "ci_high")):
        assert printed[ours].tolist() == pytest.approx((100 * made.grades[theirs]).tolist())
    free = fit_standard(loans, "bad", ["dti"], FitSettings(link="probit"))
    with pytest.raises(ModelError, match="a card needs a proportional-odds logit"):
        Scorecard.from_result(free)


def test_grades_are_found_counted_given_or_refused_with_the_reason(loans, model):
    frame = loans.frame
    usual = card_of_tape(model, frame)
    assert card_of_tape(model, frame, 2).card.scale.labels == ("1", "2") and len(usual.card.scale.labels) > 2
    bounds = [0.1, 0.4]
    given = card_of_tape(model, frame, bounds=bounds)
    chances = given.scored["pd"]
    assert given.card.scale == MasterScale.of_bounds(bounds, chances)
    assert given.scored["grade"].value_counts(sort=False).tolist() == np.histogram(chances, [0, *bounds, 1])[0].tolist()
    none = card_of_tape(model, frame, bounds=[1e-9, 0.4])
    assert none.grades is None and none.card.scale is None and none.why == "grade 1 of the given bounds holds no loan"
    assert list(none.grades_in_per_cent()) == list(usual.grades_in_per_cent()) and none.grades_in_per_cent().empty
    # a row may stand for several loans; those whose end is not known take no part
    twice = frame.assign(n=2, bad=frame["bad"].astype("boolean").mask(frame.index < 300))
    counted = card_of_tape(model, twice)
    assert counted.grades["loans"].sum() == 2 * 1200 == 2 * len(counted.scored)
    assert scale_of_tape(model, frame) == (usual.card.scale, "")
    assert scale_of_tape(model, frame, 2)[0].labels == ("1", "2")
    apart = tape_of(ended(size=6000, effect=0.1))
    clear = fit_standard(apart, "bad", ["dti"])
    assert (
        len(card_of_tape(clear, apart.frame).card.scale.labels) == len(scale_of_tape(clear, apart.frame)[0].labels) == 7
    )
    assert len(card_of_tape(clear, apart.frame, 8).card.scale.labels) == 8
    free = fit_standard(loans, "bad", ["dti", "income"], FitSettings(link="probit"))
    scale, why = scale_of_tape(free, twice)
    assert why == "" and scale.labels[0] == "1"
    chances = free.score(frame)["pd"][300:]
    found = pd.cut(chances, [0, *scale.bounds, 1])
    assert scale.pds == pytest.approx(chances.groupby(found, observed=True).mean().tolist())
    with pytest.raises(DataError, match="a card needs a model of how loans end, not of grade"):
        card_of_tape(replace(model, outcome="grade"), frame)
    for other in (model, free):  # with points and without
        with pytest.raises(DataError, match="a card needs a model of how loans end, not of grade"):
            scale_of_tape(replace(other, outcome="grade"), frame)


def test_loans_seen_at_different_ages_have_no_grades():
    tape, _ = study_sample(tape_of(book(size=900)))
    for settings in (None, FitSettings(link="probit")):
        live = fit_standard(tape, "bad", ["dti"], settings)
        scale, why = scale_of_tape(live, tape.frame)
        assert any(rule["kind"] == "exposure" for rule in live.rules) and scale is None
        assert why.endswith(f"observed their share of bad loans {live.event['horizon']} months after issue")
    live = fit_standard(tape, "bad", ["dti"])
    made = card_of_tape(live, tape.frame)
    assert made.why == why and made.grades is None and len(made.scored) == tape.frame["bad"].notna().sum()
    assert [item.name for item in made.card.characteristics] == ["dti"]


# -- loans that a stored model scores


def test_a_scorer_gives_the_cards_reasons_and_refers_what_has_no_points(loans, model):
    scorer = LoanScorer(replace(model, scale=MasterScale(("A", "B"), (0.3,), (0.1, 0.5)).to_plain()), reasons=2)
    frame = loans.frame.head(40).assign(home=loans.frame["home"].head(40).mask(loans.frame.index[:40] == 9))
    scored = scorer.score(frame)
    names = [*("points", "grade", "pd", "pd_low", "pd_high", "p_good", "p_bad", "log_odds", "reason_1", "lost_1")]
    names += ["reason_2", "lost_2", "missing", "new_level", "out_of_range", "refer"]
    assert list(scored) == names
    assert scored["refer"].tolist() == [place == 9 for place in range(40)] and np.isnan(scored["points"][9])
    assert scored["grade"].isna().sum() == 1
    assert (scored["grade"].drop(9) == np.where(scored["pd"].drop(9) <= 0.3, "A", "B")).all()
    assert scorer.loans == 40 and scorer.flags == {name: int(scored[name].sum()) for name in names[-4:]}
    scorer.score(frame.head(10))
    table = scorer.summary().set_index("grade")
    assert table["loans"].sum() == scorer.loans == 50 and table.loc["referred", ["loans", "share"]].tolist() == [
        2,
        0.04,
    ]
    assert table.index.tolist() == ["A", "B", "referred"] and scorer.flags["refer"] == 2
    own = pd.concat([scored, scored.head(10)])
    for grade in "AB":
        mine = own[own["grade"] == grade]
        means = [len(mine), len(mine) / 50, mine["pd"].mean(), mine["points"].mean()]
        assert table.loc[grade].tolist() == pytest.approx(means)
    plain = LoanScorer(model)
    assert len(plain.summary()) == 0 and plain.reasons == 4
    own = plain.score(loans.frame)
    assert plain.summary().to_numpy().tolist() == [
        ["all", 1500, 1, own["pd"].mean(), pytest.approx(own["points"].mean())]
    ]
    slopes, thresholds, covariance = model.at_horizon()
    design = np.column_stack([model.design(frame)[0][list(slopes.index)].to_numpy(dtype=float), -np.ones(40)])
    centre = design @ [*slopes, thresholds.iloc[0]]
    half = 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    for name, side in (("pd_low", -1), ("pd_high", 1)):
        np.testing.assert_allclose(scored[name], 1 / (1 + np.exp(-(centre + side * half))), rtol=1e-9)


def unlike(model, counts, edges, values):
    kept = {"dti": {"edges": edges, "counts": counts}, "home": {"levels": ["a"], "counts": [3]}}
    scorer = LoanScorer(replace(model, population={"attributes": kept}))
    return scorer.unlike(pd.DataFrame({"dti": values, "home": "a"}))


def test_another_unit_is_told_where_chance_does_not_explain_it(loans, model):
    edges, tens = [10.0, 20.0, 30.0, 40.0], [100, 200, 400, 200, 100, 50]
    assert unlike(model, tens, edges, [5.0] * 5) == unlike(model, tens, edges, [99.0] * 6) == []  # 0.1 ** 6 is no less
    (told,) = unlike(model, tens, edges, [5.0] * 7)
    assert told.startswith("dti: 100% of these loans lie where the lowest 10% of the loans of the fit lay; is it in an")
    (told,) = unlike(model, tens, edges, [99.0] * 18 + [25.0] * 2 + [np.nan] * 9)
    assert told.startswith("dti: 90% of these loans lie where the highest 10% of the loans of the fit lay")
    assert unlike(model, tens, edges, [99.0] * 17 + [25.0] * 2) == []
    assert unlike(model, [300, 175, 175, 175, 175, 0], edges, [5.0] * 90) == []  # three in ten are no end
    assert unlike(model, [400, 150, 150, 150, 150, 0], edges, [5.0] * 90) == []
    assert len(unlike(model, [299, 176, 175, 175, 175, 0], edges, [5.0] * 90)) == 1
    assert unlike(model, [100, 200, 400, 100, 0], edges[:3], [5.0] * 90) == []  # four classes say too little
    assert unlike(model, tens, edges, [np.nan] * 9) == []
    assert LoanScorer(model).unlike(loans.frame.drop(columns="dti")) == []
    # where none of the fit lay, two loans are as likely as one in a thousand each
    none = [0, 300, 400, 200, 100, 0]
    assert unlike(model, none, edges, [5.0] * 2) == [] and len(unlike(model, none, edges, [5.0] * 3)) == 1


RULES = {"dti": {"from": "debt"}, "income": {"from": ["a", "b"], "unit": "detect"}, "number.score": {"from": "s"}}


def read(new, own=RULES, decisions=None, inputs=("dti", "income"), rules=(), **more):
    own = None if own is None else {"columns": own, "currency": "EUR", "missing": ["9", 7]}
    reading = {"mapping": own, "decisions": decisions or {}}
    model = SimpleNamespace(reading=reading, inputs=list(inputs), rules=list(rules))
    return reading_for(model, {"columns": new, "missing": [7, 9], **more})


def test_a_mapping_is_read_as_that_of_the_fit_was():
    new = {"dti": {"from": "debt", "required": True}, "income": {"from": ["a", "b"], "unit": "detect"}}
    mapping, decisions, notes = read(new, decisions={"income": True, "dti": False})
    assert decisions == {"income": True, "dti": False} and notes == []
    assert mapping["columns"] == {**RULES, **new} and mapping["missing"] == [7, 9]
    # from another source what was decided for the old one does not hold
    assert read({"dti": {"from": "x"}}, decisions={"dti": True, "income": True})[1:] == ({"income": True}, [])
    for source, more in (("x", {"own": None}), ("x", {"decisions": {"income": True}}), (["a", "b"], {})):
        _, decisions, (note,) = read({"income": {"from": source, "unit": "detect"}}, **more)
        assert decisions["income"] is False and note.startswith("income: unit: detect asks other rows")
    assert read({"dti": {"from": "debt"}}, inputs=["dti"])[1] == {}
    assert read({"income": {"from": "b"}}, decisions={"income": True})[1] == {}  # one of two sources is another
    assert read({"dti": {"from": ["debt"]}}, decisions={"dti": True})[1] == {"dti": True}
    assert read({"dti": {"share_of": ["p", "q"]}}, {"dti": {"share_of": ["p", "q"]}}, {"dti": True})[1] == {"dti": True}


@pytest.mark.parametrize(
    "name, inputs, rules",
    [
        ("dti", ["dti"], ()),
        ("employment_years", ["employment"], ()),
        ("months_since_delinquency", ["delinquency_recency"], ()),
        ("months_since_record", ["record_recency"], ()),
        ("issue_date", ["dti"], [{"kind": "exposure", "column": "issue_date"}, {"kind": "number", "column": "x"}]),
    ],
)
def test_what_a_score_is_made_of_must_be_read_alike(name, inputs, rules):
    own, new = {name: {"from": "x", "unit": "a"}}, {name: {"from": "x", "scale": 2}}
    with pytest.raises(DataError, match=rf"reads {name} in another way .* \(scale, unit\): a score would mean"):
        read(new, own, inputs=inputs, rules=rules)
    read(new, own, inputs=["grade"], rules=[{"kind": "number", "column": name}])


def test_other_money_and_other_codes_for_gaps_are_refused():
    for more in ({}, {"currency": None}, {"currency": "EUR"}):
        read({}, **more) and read({"dti": {"from": "debt"}}, inputs=["dti"], **more)
    for name in ("dti", "home", "term"):  # a share, a class and months have no currency
        read({name: {"from": "debt"}}, inputs=[name], currency="GBP")
    with pytest.raises(DataError, match="the amounts of this mapping are in GBP, those of the model in EUR: convert"):
        read({"income": {"from": ["a", "b"], "unit": "detect"}}, decisions={"income": True}, currency="GBP")
    for codes in ([9], [6], []):
        with pytest.raises(DataError, match="the mapping names other missing codes"):
            read({"dti": {"from": "debt"}}, missing=codes)
    read({"dti": {"from": "debt"}}, None, missing=[9])
    own = {"columns": {"a": {}}}
    model = SimpleNamespace(reading={"mapping": own, "decisions": {"a": 1}}, inputs=[], rules=[])
    for mapping in (None, {}, {"columns": {}}):
        assert reading_for(model, mapping) == (own, {"a": 1}, [])


def test_pieces_change_nothing(loans, model, monkeypatch):
    from p2prisk.scorecard import card, scoring

    frame = loans.frame.head(10)
    models = [model, fit_standard(loans, "bad", ["dti", "income"], FitSettings(link="probit"))]

    def scores():
        parts = [LoanScorer(each).score(frame) for each in models]
        return [*parts, Scorecard.from_result(model).score(frame, "flag")]

    whole = scores()
    monkeypatch.setattr(scoring, "_ROWS", 4)
    monkeypatch.setattr(card, "_ROWS", 3)
    monkeypatch.setattr(card, "_NEAR", 3)
    for before, after in zip(whole, scores(), strict=True):
        pd.testing.assert_frame_equal(before, after, check_exact=True)
        assert before.filter(like="pd").gt(0.001).all(axis=None)
