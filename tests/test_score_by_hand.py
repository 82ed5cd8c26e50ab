"""A card that no fit made: what it says of every loan, worked out with a pencil."""

import json
import sqlite3
from dataclasses import replace
from math import exp, inf, log, log1p, nan

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from p2prisk.errors import DataError, ModelError
from p2prisk.saved import save
from p2prisk.scorecard import MasterScale, Scorecard
from p2prisk.scorecard.characteristics import Characteristic
from p2prisk.scorecard.widget import ScorecardWidget

HOME = Characteristic(
    "home",
    "class",
    ("h1", "h2"),
    ("own", "rent", "else"),
    ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)),
    spare="else",
    rare=("boat", "36"),
    mean=(0.5, 0.125),
)
TERM = Characteristic(
    "term_band",
    "class",
    ("t1", "t2", "t3"),
    ("short", "middle", "long", "missing"),
    ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    band={"column": "months", "cuts": [24.0, 48.0]},
    mean=(0.25, 0.5, 0.0625),
)
USE = Characteristic(
    "use",
    "class",
    ("u1",),
    ("car", "trip"),
    ((0.0,), (1.0,)),
    band={"column": "why", "groups": {"1": "car", "bike": "car"}},
    mean=(0.375,),
)
INCOME = Characteristic(
    "income",
    "number",
    ("i1", "i2"),
    transform="log1p",
    least=0.0,
    most=9000.0,
    low=100.0,
    high=5000.0,
    missing_row=(log1p(700.0), 1.0),
    mean=(6.5, 0.25),
)
DTI = Characteristic("dti", "number", ("d1",), least=0.0, most=40.0, low=0.0, high=40.0, mean=(18.0,))
SLOPES = {"h1": 0.7, "h2": 1.1, "t1": 0.2, "t2": 0.9, "t3": 1.5, "u1": -0.6, "i1": -0.35, "i2": 0.8, "d1": 0.04}
CUTS = (-0.4, 1.3, 2.1)
CLASSES = ("paid", "late", "lost half", "lost all")
_ROOT = np.random.default_rng(4).normal(0, 0.08, (12, 12))
MEAN = {
    "home": 0.5 * 0.7 + 0.125 * 1.1,
    "term_band": 0.25 * 0.2 + 0.5 * 0.9 + 0.0625 * 1.5,
    "use": 0.375 * -0.6,
    "income": 6.5 * -0.35 + 0.25 * 0.8,
    "dti": 18.0 * 0.04,
}
CARD = Scorecard(
    characteristics=(HOME, TERM, USE, INCOME, DTI),
    slopes=pd.Series(SLOPES),
    thresholds=pd.Series(CUTS, ["a", "b", "c"]),
    covariance=_ROOT @ _ROOT.T,
    categories=CLASSES,
    default_from="lost half",
    base_score=500.0,
    base_odds=15.0,
    points_to_double=30.0,
    digits=1,
    shift=0.3,
    losses=(0.0, 0.05, 0.5, 0.9),
)
LOANS = pd.DataFrame(
    {
        "home": ["own", "rent", "else", "yurt", "boat", "rent"],
        "months": [23.9, 24.0, 48.0, np.nan, 12.0, 47.0],
        "why": ["1", "bike", "trip", "car", "trip", "trip"],
        "income": [50.0, 99.0, 5000.0, 7000.0, np.nan, 800.0],
        "dti": [0.0, 41.0, 40.0, 12.5, 3.0, np.nan],
    }
)
#: contribution of each characteristic of these loans to the log-odds of a worse class
ADDED = {
    "home": [0.0, 0.7, 1.1, 1.1, 1.1, 0.7],
    "term_band": [0.0, 0.2, 0.9, 1.5, 0.0, 0.2],
    "use": [0.0, 0.0, -0.6, 0.0, -0.6, -0.6],
    "income": [*(-0.35 * log1p(v) for v in (100, 100, 5000, 5000)), -0.35 * log1p(700) + 0.8, -0.35 * log1p(800)],
    "dti": [0.0, 1.6, 1.6, 0.5, 0.12, nan],
}
FACTOR = 30 / log(2)
NEUTRAL = (500 + FACTOR * (1.3 - sum(MEAN.values()) - log(15))) / 5


def tenth(value):
    """Rounded to one decimal, half away from zero."""
    return value if value != value else (1 if value >= 0 else -1) * int(abs(value) * 10 + 0.5) / 10


def pencil(name, contribution):
    return tenth(NEUTRAL + FACTOR * (MEAN[name] - contribution))


POINTS = pd.DataFrame({name: [pencil(name, each) for each in own] for name, own in ADDED.items()})


def chance(eta, cut):
    return 1 / (1 + exp(-(eta + 0.3 - cut)))


# -- scores


def test_points_chances_and_flags_of_every_loan():
    pd.testing.assert_frame_equal(CARD.points(LOANS), POINTS, rtol=1e-12)
    scored = CARD.score(LOANS, drift="flag")
    assert list(scored) == [
        *("score", "pd", *(f"p_{name}" for name in CLASSES), "expected_severity"),
        *("missing", "new_level", "out_of_range", "refer"),
    ]
    for place in range(len(LOANS)):
        row, eta = scored.iloc[place], sum(own[place] for own in ADDED.values())
        over = [1.0, *(chance(eta, cut) for cut in CUTS), 0.0]
        p = [high - low for high, low in zip(over, over[1:], strict=False)]
        expected = [POINTS.iloc[place].sum(skipna=False), over[2], *p, 0.05 * p[1] + 0.5 * p[2] + 0.9 * p[3]]
        np.testing.assert_allclose(row.iloc[:7].to_numpy(dtype=float), expected, rtol=1e-11)
    assert scored["missing"].tolist() == [False, False, False, True, True, True]
    assert scored["new_level"].tolist() == [False, False, False, True, False, False]
    assert scored["out_of_range"].tolist() == [False, True, False, False, False, False]
    assert scored["refer"].tolist() == [False] * 5 + [True]
    assert len(CARD.score(LOANS.head(0))) == 0


def test_drift_is_told_with_its_numbers_and_first_row():
    words = (
        r"2 of 6 loans (have )?drifted \(1 with a level the card does not know, 1 outside the range it was made on; "
        r"first: row 1\)"
    )
    with pytest.raises(DataError, match=words):
        CARD.score(LOANS)
    with pytest.raises(
        DataError, match=r"1 of 4 loans (have )?drifted \(1 with a level the card does not know; first: r"
    ):
        CARD.score(LOANS.iloc[2:])
    with pytest.raises(DataError, match="drift is 'ignore'; it is 'refuse' or 'flag'"):
        CARD.score(LOANS, drift="ignore")
    with pytest.raises(DataError, match="the score card needs term_band or months, which the frame does not have"):
        CARD.score(LOANS.drop(columns="months"))
    with pytest.raises(DataError, match="the score card needs dti, which the frame does not have"):
        CARD.score(LOANS.drop(columns="dti"))
    # what the frame holds under the characteristic's own name is read before the raw column
    assert TERM.values(LOANS.assign(term_band="long")).eq("long").all() and TERM.source == "months"


def test_the_grade_stands_third_and_a_bound_belongs_to_the_better_grade():
    chances = CARD.score(LOANS, drift="flag")["pd"]
    middle = float(chances.iloc[0])
    graded = CARD.with_scale(MasterScale(("A", "B"), (middle,), (0.01, 0.2))).score(LOANS, drift="flag")
    assert list(graded).index("grade") == 2 and graded["grade"].tolist()[0] == "A"
    assert graded["grade"].isna().tolist() == [False] * 5 + [True]
    assert [g == "A" for g in graded["grade"][:5]] == [p <= middle for p in chances[:5]]


def test_the_printed_card_row_by_row():
    expected, best = [], {}
    for item in (HOME, TERM, USE):
        added = [sum(v * SLOPES[p] for v, p in zip(row, item.parameters, strict=True)) for row in item.rows]
        points = [pencil(item.name, each) for each in added]
        best[item.name] = max(points)
        expected += [
            (item.name, level, own, each, best[item.name] - own, True)
            for level, own, each in zip(item.levels, points, added, strict=True)
        ]
        if "missing" not in item.levels:
            expected.append((item.name, "missing", nan, nan, nan, False))
    low, high = (pencil("income", -0.35 * log1p(v)) for v in (100, 5000))
    gap = pencil("income", -0.35 * log1p(700) + 0.8)
    expected += [("income", "at 100", low, -0.35, high - low, True), ("income", "at 5,000", high, -0.35, 0.0, True)]
    expected += [("income", "missing", gap, nan, high - gap, True)]
    low, high = (pencil("dti", 0.04 * v) for v in (0, 40))
    expected += [("dti", "at 0", low, 0.04, 0.0, True), ("dti", "at 40", high, 0.04, low - high, True)]
    expected += [("dti", "missing", nan, nan, nan, False)]
    columns = ["characteristic", "attribute", "points", "coefficient", "lost", "estimated"]
    pd.testing.assert_frame_equal(CARD.attributes, pd.DataFrame(expected, columns=columns), rtol=1e-10)
    assert CARD.points_of("use", "trip") == pencil("use", -0.6) and CARD.points_of("dti", 90) == high
    with pytest.raises(DataError, match="the card has no 'age'; it has home, term_band, use, income, dti"):
        CARD.points_of("age", 1)
    one = replace(CARD, characteristics=(replace(INCOME, parameters=("i1",), missing_row=(5.0,), mean=(6.5,)),))
    assert one.attributes["estimated"].tolist() == [True, True, False]


def test_reasons_are_sorted_losses_and_ties_go_to_the_first():
    best = CARD.attributes.groupby("characteristic")["points"].max()[POINTS.columns]
    for n in (1, 3, 9):
        reasons = CARD.reasons(LOANS, n)
        assert list(reasons) == [f"{word}_{k + 1}" for k in range(min(n, 5)) for word in ("reason", "lost")]
        for place in range(len(LOANS)):
            lost = [(best[name] - POINTS[name][place], name) for name in POINTS]
            lost = sorted(((inf if size != size else size, name) for size, name in lost), key=lambda each: -each[0])
            for k, (size, name) in enumerate(lost[:n], 1):
                assert reasons[f"reason_{k}"][place] == (name if size > 0 else "")
                told = reasons[f"lost_{k}"][place]
                assert np.isnan(told) if size == inf else told == pytest.approx(size)
    with pytest.raises(DataError, match="n is 0; ask for one reason at least"):
        CARD.reasons(LOANS, 0)
    many = pd.concat([LOANS] * 1400, ignore_index=True)  # more than are held near the processor at a time
    assert (CARD.reasons(many).tail(6).to_numpy()[:5] == CARD.reasons(LOANS).to_numpy()[:5]).all()


@pytest.mark.parametrize("first", CLASSES[1:])
def test_intervals_are_the_delta_method_by_small_steps(first):
    frame, level = LOANS.iloc[:5], 0.8
    found = replace(CARD, default_from=first).intervals(frame, level)
    values = np.array([*SLOPES.values(), *CUTS])

    def chances(at):
        own = replace(CARD, slopes=pd.Series(at[:9], list(SLOPES)), thresholds=pd.Series(at[9:]), default_from=first)
        return own.score(frame, drift="flag")[[*(f"p_{name}" for name in CLASSES), "pd"]].to_numpy()

    p, steps = chances(values), 1e-5 * np.eye(12)
    slope = np.stack([(chances(values + step) - chances(values - step)) / 2e-5 for step in steps], axis=2)
    half = norm.ppf(0.9) * np.sqrt(np.einsum("nij,jk,nik->ni", slope, CARD.covariance, slope)) / (p * (1 - p))
    for j, name in enumerate([*CLASSES, "pd"]):
        assert list(found[name]) == ["estimate", "lower", "upper"]
        for column, side in (("estimate", 0), ("lower", -1), ("upper", 1)):
            odds = p[:, j] / (1 - p[:, j]) * np.exp(side * half[:, j])
            np.testing.assert_allclose(found[(name, column)], odds / (1 + odds), rtol=1e-6)


# -- codes and other parts


def test_codes_of_levels_gaps_rare_and_new_ones():
    frame = pd.DataFrame({"home": ["rent", None, "boat", "yurt", "else"]})
    for own in (frame, frame.astype("category"), frame.astype("string")):
        codes, gap, new = HOME.codes(own)
        assert codes.tolist() == [1, -1, 2, 2, 2]
        assert gap.tolist() == [False, True, False, False, False] and new.tolist() == [False] * 3 + [True, False]
    assert replace(HOME, spare=None).codes(frame)[0].tolist() == [1, -1, -1, -1, 2]
    codes, _, new = HOME.codes(pd.DataFrame({"home": [36.0, 36.5]}))
    assert codes.tolist() == [2, 2] and new.tolist() == [False, True]
    design, gap, new, outside = HOME.design(frame)
    np.testing.assert_array_equal(design, [[1, 0], [nan, nan], [0, 1], [0, 1], [0, 1]])
    assert outside.tolist() == [False] * 5 and gap.sum() == new.sum() == 1
    assert USE.values(pd.DataFrame({"why": ["bike", None, "trip"]})).fillna("-").tolist() == ["car", "-", "trip"]


def test_numbers_keep_to_their_range_and_drift_beyond_what_was_seen():
    frame = pd.DataFrame({"income": [-1.0, 0.0, 99.0, 5001.0, 9000.0, 9000.5, nan]})
    number, gap, outside = INCOME.number(frame)
    np.testing.assert_array_equal(number, [100, 100, 100, 5000, 5000, 5000, nan])
    assert gap.tolist() == [False] * 6 + [True] and outside.tolist() == [True] + [False] * 4 + [True, False]
    free = replace(INCOME, least=-inf, most=inf, low=-inf, high=inf)
    for transform, form in (("identity", float), ("log", log), ("log1p", log1p), ("log2", np.log2)):
        design, gap, new, _ = replace(free, transform=transform).design(pd.DataFrame({"income": [8.0, nan]}))
        assert design.tolist() == [[pytest.approx(form(8.0)), 0.0], [log1p(700.0), 1.0]] and not new.any()
    assert np.isnan(replace(free, missing_row=None).design(frame.tail(1))[0]).all()
    assert Characteristic("x", "number", ("x",)).low == -inf and Characteristic("x", "number", ("x",)).most == inf


def test_points_and_their_scale():
    assert CARD.cut == 1 and CARD.factor == pytest.approx(FACTOR)
    assert CARD.score_at(1 / 16) == pytest.approx(500) and CARD.score_at(1 / 31) == pytest.approx(530)
    usual = CARD.with_points()
    assert (usual.base_score, usual.base_odds, usual.points_to_double, usual.digits) == (600, 20, 20, 0)
    assert usual.uncalibrated().shift == 0 and replace(usual, shift=0.0).score_at(1 / 21) == pytest.approx(600)
    with pytest.raises(ModelError, match="points_to_double must be positive, not -1"):
        CARD.with_points(points_to_double=-1)
    moved = CARD.calibrated(LOANS.iloc[:3], 0.4, [1, 2, 0])
    plain = CARD.uncalibrated().score(LOANS.iloc[:3], drift="flag")["pd"]
    meet = [1 / (1 + (1 / p - 1) * exp(-moved.shift)) for p in plain]
    assert (meet[0] + 2 * meet[1]) / 3 == pytest.approx(0.4)
    names = ("base_score", "base_odds", "points_to_double", "digits", "shift", "scale", "losses", "about")
    bare = Scorecard((DTI,), CARD.slopes, CARD.thresholds, CARD.covariance, CLASSES, "late")
    assert [getattr(bare, name) for name in names] == [600, 20, 20, 0, 0, None, (), {}]


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("not of one model", lambda card: card["slopes"].update(more=1.0)),
        ("not of one model", lambda card: card["slopes"].popitem()),
        ("not of one model", lambda card: card["thresholds"].popitem()),
        ("not of one model", lambda card: card["losses"].pop()),
        ("not of one model", lambda card: card["losses"].append(1.0)),
        ("not of one model", lambda card: (card["categories"].append("x"), card["losses"].append(1.0))),
        ("none of its classes", lambda card: card.update(default_from="x")),
        ("none of its classes", lambda card: card.update(default_from="paid")),
        ("do not rise", lambda card: card["thresholds"].update(c=1.3)),
        ("do not rise", lambda card: card["thresholds"].update(c=1.2)),
        ("its covariance is none", lambda card: card["covariance"].pop()),
        ("its covariance is none", lambda card: [row.append(0.0) for row in card["covariance"]]),
        ("its covariance is none", lambda card: card["covariance"][11].__setitem__(11, -1e-9)),
        ("characteristic dti is not whole", lambda card: card["characteristics"][4].update(missing_row=[1.0, 1.0])),
        ("characteristic dti is not whole", lambda card: card["characteristics"][4].update(mean=[])),
        ("characteristic dti is not whole", lambda card: card["characteristics"][4].update(low=41.0)),
        ("characteristic dti is not whole", lambda card: card["characteristics"][4].update(least=41.0)),
        ("characteristic home is not whole", lambda card: card["characteristics"][0]["levels"].pop()),
        ("characteristic home is not whole", lambda card: card["characteristics"][0]["rows"][2].append(0.0)),
    ],
)
def test_a_file_whose_parts_contradict_is_refused(words, change):
    plain = json.loads(CARD.to_json())
    again = Scorecard.from_json(save(plain))
    assert again.to_json() == CARD.to_json() and again.characteristics == CARD.characteristics
    change(plain)
    with pytest.raises(DataError, match=words):
        Scorecard.from_json(save(plain))


def test_ends_that_meet_and_no_variance_are_no_contradiction():
    plain = json.loads(CARD.to_json())
    plain["characteristics"][4].update(low=3.0, high=3.0, least=5.0, most=5.0)
    plain["covariance"][0][0] = 0.0
    again = Scorecard.from_json(save(plain))
    assert again.characteristics[4].low == again.characteristics[4].high == 3.0
    own = replace(CARD, about={"a": np.float64(inf), "b": (np.int64(3), np.float32(0.5)), 4: nan})
    assert json.loads(own.to_json())["about"] == {"a": "inf", "b": [3, 0.5], "4": "nan"}


# -- elsewhere


@pytest.mark.parametrize("digits", [0, 1, None])
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_database_gives_the_same_score(dialect, digits):
    card = replace(CARD, digits=digits)
    more = pd.DataFrame({"home": [None, "own"], "months": [1.0, 90.0], "why": ["1", None], "income": 801, "dti": 7.77})
    frame = pd.concat([LOANS, more, more[1:].assign(why="tram"), more[1:].assign(why="bike")], ignore_index=True)
    query = f"SELECT {card.to_sql(dialect)} AS score FROM loans"
    if dialect == "sqlite":
        with sqlite3.connect(":memory:") as connection:
            frame.to_sql("loans", connection, index=False)
            found = pd.read_sql_query(query, connection)["score"]
    else:
        connection = pytest.importorskip("duckdb", reason="DuckDB is not installed: make more").connect()
        connection.register("loans", frame)
        found = connection.sql(query).df()["score"]
    wanted = card.score(frame, drift="flag")["score"]
    assert wanted.isna().tolist() == [False] * 5 + [True] * 4 + [False]
    np.testing.assert_allclose(found.to_numpy(dtype=float), wanted, rtol=1e-14)


def test_a_database_reads_the_word_missing_and_names_that_changed_places_as_python_does():
    gap = replace(HOME, levels=("own", "rent", "missing"), spare=None)
    turned = replace(USE, band={"column": "why", "groups": {"car": "trip", "trip": "car"}})
    card = replace(CARD, characteristics=(gap, turned))
    frame = pd.DataFrame({"home": ["own", "missing", None, "x"], "why": ["car", "trip", "car", "car"]})
    with sqlite3.connect(":memory:") as connection:
        frame.to_sql("loans", connection, index=False)
        found = pd.read_sql_query(f"SELECT {card.to_sql('sqlite')} AS score FROM loans", connection)["score"]
    wanted = card.score(frame, drift="flag")["score"]
    assert wanted.isna().tolist() == [False] * 3 + [True] and found.tolist() == pytest.approx(
        wanted.tolist(), nan_ok=True
    )


def test_the_words_of_each_dialect():
    texts = {dialect: CARD.to_sql(dialect) for dialect in ("duckdb", "sqlite", "postgresql")}
    for dialect, number in (("duckdb", "DOUBLE PRECISION"), ("sqlite", "REAL"), ("postgresql", "DOUBLE PRECISION")):
        text = texts[dialect]
        assert f'CASE WHEN CAST("dti" AS {number}) < 0.0 THEN 0.0 WHEN CAST("dti" AS {number}) > 40.0' in text
        assert text.count("NUMERIC), 1) AS DOUBLE PRECISION)") == (2 if dialect == "postgresql" else 0)
        assert text.count("\n+ CASE WHEN") == 4 and text.count("IS NULL THEN NULL") == 3
    with pytest.raises(DataError, match="dialect 'oracle' is unknown; choose duckdb, sqlite, postgresql"):
        CARD.to_sql("oracle")
    for transform, words in (("log", "LN((CASE"), ("log2", "(LN((CASE"), ("identity", "* (CASE")):
        item = replace(INCOME, transform=transform)
        assert words in replace(CARD, characteristics=(item,)).to_sql()


def test_the_page_element_knows_the_card():
    scale = MasterScale(("A", "B"), (0.2,), (0.1, 0.4))
    card = replace(CARD, scale=scale)
    observed = pd.DataFrame(
        {"grade": ["A", "B"], "loans": [1200, 0], "observed": 0.123, "ci_low": 0.1, "ci_high": 0.15, "pd": 0.1}
    )
    shown = ScorecardWidget(card, {"home": "Your <home>"}, {"home": "rent", "dti": 7}, observed=observed, whose="loans")
    assert repr(shown) == "<ScorecardWidget scorecard: 5 characteristics, 2 grades>"
    assert repr(ScorecardWidget(CARD)).endswith("characteristics, 0 grades>")
    assert shown.defaults == {"home": "rent", "term_band": "short", "use": "car", "income": "2550", "dti": "7"}
    assert shown.observed == {
        "A": "Of 1,200 loans with grade A, 12.3 % defaulted (10.0 to 15.0 %); the grade is assigned 10.0 %.",
        "B": "None of the loans has grade B.",
    }
    data = shown.data()
    best = CARD.attributes.groupby("characteristic")["points"].max()
    for own, item in zip(data["characteristics"], CARD.characteristics, strict=True):
        assert own["neutral"] == pytest.approx(NEUTRAL)  # spread evenly: no mean is that of one usual loan
        assert own["best"] == best[item.name] and own["centre"] == pytest.approx(MEAN[item.name])
        assert ("low" in own) == ("most" in own) == (item.kind == "number") and own["rows"] == item.rows
    numbers = {name: data[name] for name in ("cut", "shift", "digits", "factor", "z")}
    wanted = {"cut": 1, "shift": 0.3, "digits": 1, "factor": FACTOR, "z": norm.ppf(0.975)}
    assert numbers == pytest.approx(wanted) and data["slopes"] == SLOPES and data["thresholds"] == list(CUTS)
    assert data["losses"] == [0.0, 0.05, 0.5, 0.9] and data["scale"] == scale.to_plain()
    for table in (observed[::-1], observed.head(1)):
        with pytest.raises(DataError, match="one row for each grade of the card's scale, best first"):
            ScorecardWidget(card, observed=table)
    with pytest.raises(DataError, match="one row for each grade"):
        ScorecardWidget(CARD, observed=observed)


def test_what_the_page_and_the_printed_page_show_first():
    card = replace(CARD, scale=MasterScale(("A", "B"), (0.2,), (0.1, 0.4)))
    shown = ScorecardWidget(
        card, {"home": "Your <home>"}, {"home": "rent", "dti": 7}, name="mine", words={"home": {"rent": "a <flat>"}}
    )
    page = shown._repr_html_()
    assert 'id="mine" role="group"' in page and "SCORECARD-ID" not in page and "with 95\u00a0% interval" in page
    assert '<label for="mine-home">Your &lt;home&gt;</label><select id="mine-home" data-characteristic="home">' in page
    assert (
        '<option value="rent" selected>a &lt;flat&gt;</option>' in page and '<option value="own">own</option>' in page
    )
    assert 'id="mine-dti" data-characteristic="dti" value="7">' in page and page.count(" selected>") == 3
    first = pd.DataFrame({"home": ["rent"], "term_band": "short", "use": "car", "income": 2550.0, "dti": 7.0})
    pd.testing.assert_frame_equal(shown.default_borrower(), first)
    text, scored, band = shown._repr_markdown_(), card.score(first).iloc[0], card.intervals(first).iloc[0]
    points = card.points(first).iloc[0]
    assert f"| Your \\<home\\> | a \\<flat\\> | {points['home']:g} |\n| term\\_band | short |" in text
    assert (
        f"\n| dti | 7 | {points['dti']:g} |\n| **Score, grade {scored['grade']}** | | **{scored['score']:g}** |" in text
    )
    told = [f"{n} {100 * a:.1f} % ({100 * b:.1f} to {100 * c:.1f} %)" for n in CLASSES for a, b, c in [band[n]]]
    assert text.endswith(f"\n\nChances with 95\u00a0% intervals: {'; '.join(told)}.\n")
    assert "| **Score** | |" in ScorecardWidget(CARD)._repr_markdown_()
