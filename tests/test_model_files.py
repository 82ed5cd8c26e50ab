"""Model files are data: nothing in them runs, and a damaged, incomplete or foreign one is refused by name."""

import copy
import io
import itertools
import json
import pickle
import random
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from p2prisk import HazardLogit, OrderedLogit, Scorecard, SequentialLogit, load, selftest
from p2prisk.cli import main
from p2prisk.errors import DataError, ModelError, P2PRiskError
from p2prisk.hazard import HazardResults
from p2prisk.ordered import OrderedResults
from p2prisk.ordered.formula import NUMBERS, read_factor, read_formula
from p2prisk.saved import checksum, schema
from p2prisk.standard import StandardModel, fit_standard

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
FORMULA = "grade ~ np.log1p(income) + bs(dti, df=4) + C(home) + scale(amount):C(term) + I(amount ** 2 / 1e8)"


@pytest.fixture(scope="module")
def frame():
    found = load("lendingclub-2018").frame.dropna(subset=["income", "dti"]).head(1500)
    return found[found["income"] > 0].reset_index(drop=True).assign(one=1)


@pytest.fixture(scope="module")
def fitted(frame):
    return OrderedLogit.from_formula(FORMULA, frame).fit()


@pytest.fixture(scope="module")
def standard():
    return fit_standard(load("lendingclub-2018"), "grade", ["income", "home", "term", "dti"])


@pytest.fixture(scope="module")
def outcome_model(tmp_path_factory):
    """Text of a model with grades, as the command writes it."""
    folder = tmp_path_factory.mktemp("outcome")
    (folder / "loans.csv").write_text(selftest.loans(), encoding="utf-8")
    assert main(["fit", str(folder / "loans.csv"), "--output", str(folder / "m.json")]) == 0
    return (folder / "m.json").read_text(encoding="utf-8")


def signed(plain):
    """A file's text with the checksum that belongs to it, as a forger would write it."""
    return json.dumps({**plain, "checksum": checksum(plain)})


def resigned(plain):
    """The same for a standard model, whose model has a checksum of its own."""
    model = plain.get("model")
    return signed({**plain, "model": json.loads(signed(model))} if isinstance(model, dict) else plain)


# ---------------------------------------------------------------- nothing runs


def escapes():
    """Texts that would run code, or read what they should not, if they were evaluated as Python."""
    payload = "open('CANARY', 'w')"
    starts = ["()", "[]", "''", "{}", "income", "np", "C", "I", "bs", "1", "(1).real", "np.log1p", "frame"]
    chains = [
        "__class__",
        "__class__.__base__.__subclasses__()",
        "__class__.__mro__[1].__subclasses__()[0]",
        "__init__.__globals__",
        "__globals__['__builtins__']['eval']",
        "__reduce_ex__(2)",
        "__doc__.__class__",
        "__getattribute__('x')",
    ]
    found = [f"{start}.{chain}" for start, chain in itertools.product(starts, chains)]
    found += [f"np.{name}" for name in ("core", "lib", "os", "sys", "load('x')", "fromfile('x')", "save('x', 1)")]
    found += [f"np.{name}(income)" for name in ("vectorize", "frompyfunc", "apply_along_axis", "load", "memmap", "sin")]
    found += [
        f"{name}({payload!r})"
        for name in ("eval", "exec", "compile", "__import__", "open", "input", "getattr", "globals", "vars", "print")
    ]
    found += ["__import__('os').system('touch CANARY')", "eval(compile('1', 'x', 'eval'))", "exit()", "help()"]
    found += [f"({word})" for word in (payload, f"lambda: {payload}", f"x := {payload}", f"yield {payload}")]
    found += [f"[{payload} for i in income]", f"{{{payload} for i in income}}", f"{{1: {payload}}}", f"[*{payload}]"]
    found += [f"(lambda: {payload})()", f"income if {payload} else dti", f"{payload} or income", f"not {payload}"]
    found += [
        f"f'{{{payload}}}'",
        f'f"{{{payload}}}"',
        f"rf'{{{payload}}}'",
        "'%s' % income",
        "'{0.__class__}'.format(income)",
    ]
    found += [
        "b'x'.decode()",
        "'''x'''",
        "'a' 'b'",
        "'\\x41'",
        "income;income",
        "income\nincome",
        "income#",
        "income\\\n",
    ]
    found += [f"Q({payload!r})", "Q('income')", 'Q("income").__class__', "Treatment('x')", "hashed(income, levels=9)"]
    found += [f"C(income, levels={payload})", f"C({payload})", "C(income.map(open))", "C(income, contr.__class__)"]
    found += ["C(income, contr.treatment.__init__)", "C(income, np.log(dti))", "C(lambda: 1)", "C(income, contr)(1)"]
    found += [f"bs(income, df={payload})", "bs(income, df=dti)", "bs(income, _state=1)", "bs(income, _context=1)"]
    found += ["bs(income, extrapolation=open('x'))", "bs(income)(1)", "bs(income, **dti)", "bs(*income)", "bs()", "C()"]
    found += ["scale(income).__class__", "scale(income)[0]", "poly(income, raw=True)", "center(income, 1, x=open)"]
    found += ["income[0]", "income[dti]", "income.values", "income.map(open)", "income.to_csv('CANARY')", "income()"]
    found += [
        "income @ dti",
        "income & dti",
        "income | dti",
        "income < dti",
        "income == dti",
        "~income",
        "income % dti",
    ]
    found += ["income // dti", "income << 1", "income is dti", "income in dti", "await income", "...", "$income", "!ls"]
    # letters that look alike, or that Python's own reader would make alike (NFKC)
    found += [
        "ｅval('1')",
        "𝓮𝓿𝓪𝓵('1')",
        "еval('1')",
        "np․log(income)",
        "np.ｌog(income)",
        "ℕp.log(income)",
        "ｎp.log(income)",
    ]
    found += [
        "С(home)",
        "Ⅽ(home)",
        "ᵇs(income)",
        "__ⅰmport__('os')",
        "np.log（income）",
        "income＋dti",
        "np．log(income)",
    ]
    found += ["income\u200b()", "\u202eincome()", "np.log\u00a0(income)\u2028;x", "\x00income", "income\ud800"]
    # texts that cost time or memory
    found += [
        "(" * 500 + "income" + ")" * 500,
        "I(" * 60 + "income" + ")" * 60,
        "-" * 3000 + "income",
        "+".join(["income"] * 5000),
    ]
    found += [
        "(income + dti + home + term) ** 99",
        "(a+b+c+d+e+f+g+h+i+j+k+l+m+n)**4",
        "1e999999 + income",
        "income ** ",
    ]
    found += [
        "bs(income, df=100000000)",
        "poly(income, 1000000000)",
        "bs(income, degree=10**9)",
        f"bs(income, knots=[{'1,' * 9999}1])",
    ]
    return list(dict.fromkeys(found))


@pytest.fixture
def watched(monkeypatch):
    """Whatever is compiled, executed, opened for writing or started in between."""
    seen = []

    def hook(event, arguments):
        if watching and (
            event
            in ("compile", "exec", "os.system", "subprocess.Popen", "os.exec", "os.fork", "import", "pickle.find_class")
            or (event == "open" and set(str(arguments[1])) & set("wax+"))
        ):
            seen.append((event, str(arguments)[:200]))

    watching = []
    sys.addaudithook(hook)  # a hook stays; it is dead outside the test
    yield seen, watching
    watching.clear()


def names_only(seen):
    """An import of a module that is there is no harm; a compile or exec of text is."""
    return [entry for entry in seen if entry[0] != "import"]


def test_there_are_two_hundred_escapes():
    assert len(escapes()) >= 200


def test_a_formula_of_the_closed_language_runs_nothing(watched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen, watching = watched
    survived = []
    watching.append(True)
    for text in escapes():
        for read in (read_formula, read_factor):
            try:
                read(text, ("income", "dti", "home", "term"))
            except ModelError as error:
                assert len(str(error)) < 600
            else:
                survived.append((read.__name__, text))
    watching.clear()
    assert names_only(seen) == []
    assert not list(tmp_path.iterdir())
    # what is left is arithmetic or terms of the language, or an error once it is computed
    assert set(survived) == {
        ("read_factor", "(income + dti + home + term) ** 99"),
        ("read_factor", "1e999999 + income"),
        *itertools.product(
            ("read_formula", "read_factor"),
            ("bs(income, df=100000000)", "poly(income, 1000000000)", "bs(income, degree=10**9)"),
        ),
    }


PLACES = ["factor", "formula", "term", "name", "required", "column", "level", "category", "endog_name"]


def planted(plain, place, text):
    """A model file with a text in one of the places that hold texts."""
    plain = copy.deepcopy(plain)
    design, stored = plain["design"], plain["design"]["stored"]
    if place == "factor":
        old = next(iter(stored["factors"]))
        stored["factors"][text] = stored["factors"].pop(old)
        for piece in itertools.chain(*stored["columns"]):
            piece["factor"] = text if piece["factor"] == old else piece["factor"]
    elif place == "formula":
        plain["formula"] = design["formula"] = text
    elif place == "term":
        old = next(iter(design["terms"]))
        design["terms"][text] = design["terms"].pop(old)
    elif place == "name":
        old = design["names"][0]
        design["names"][0] = text
        design["terms"] = {
            term: [text if name == old else name for name in names] for term, names in design["terms"].items()
        }
    elif place == "required":
        design["required"] = [*design["required"][1:], text]
    elif place == "column":
        stored["columns"][0][0] = {"factor": text}
    elif place == "level":
        stored["factors"]["C(home)"]["levels"][0] = text
    elif place == "category":
        plain["categories"][0] = text
    else:
        plain["endog_name"] = text
    return plain


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_model_runs_nothing(place, fitted, frame, watched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen, watching = watched
    plain, few = json.loads(fitted.to_json()), frame.head(3)
    OrderedResults.from_json(fitted.to_json()).predict(few)  # what is imported once is imported
    texts = escapes() if place == "factor" else escapes()[::7]
    refused = 0
    for text in texts:
        try:
            file = signed(planted(plain, place, text))
        except (UnicodeEncodeError, ValueError):
            continue
        watching.append(True)
        try:
            OrderedResults.from_json(file).predict(few)
        except P2PRiskError:
            refused += 1
        finally:
            watching.clear()
    assert names_only(seen) == []
    assert not list(tmp_path.iterdir())
    if place in ("factor", "column"):
        assert refused >= len(texts) - 8


def test_no_word_of_the_command_line_or_of_a_mapping_runs(tmp_path, monkeypatch, watched, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("amount,term,status\n" + "1000,36,paid\n1000,36,charged off\n" * 20)
    main(["fit", "t.csv", "--output", "m.json"])
    before = sorted(path.name for path in tmp_path.iterdir())
    for text in escapes()[::12]:
        if "\0" in text or "\ud800" in text:
            continue
        rule = json.dumps({"columns": {"amount": {"from": text}, "term": {"from": "term", "recode": {text: text}}}})
        Path("t.yml").write_text(rule)
        for words in (
            ["fit", "t.csv", f"--predictors={text}", "--output", "n.json"],
            ["check", "t.csv", "--map", "t.yml"],
        ):
            try:
                assert main(words) in (0, 1, 2)
            except SystemExit as end:
                assert end.code == 2
    Path("t.yml").unlink()
    assert [name for name in sorted(path.name for path in tmp_path.iterdir()) if name != "n.json"] == before


# ---------------------------------------------------------------- the language says the same as formulaic


@pytest.mark.parametrize(
    "formula",
    [
        FORMULA,
        "grade ~ np.log1p(income) * C(home)",
        "grade ~ C(home, contr.sum) + C(term):dti + home:dti",
        "grade ~ cr(dti, df=4) + poly(amount, 2) + center(income)",
        "grade ~ scale(np.log(income)) + np.sqrt(amount) + np.minimum(dti, 30)",
        "grade ~ (dti + C(home) + income) ** 2 - dti:income",
        "grade ~ bs(dti, knots=[10, 20], lower_bound=0, upper_bound=1000) + {amount / income}",
        "grade ~ log(income) - 1 + np.maximum(dti, 5) ** 1 + np.abs(dti - 20):home",
    ],
)
def test_a_restored_model_scores_as_the_fit_does(formula, frame):
    result, data = OrderedLogit.from_formula(formula, frame).fit(penalty=1e-3), frame
    restored = OrderedResults.from_json(result.to_json())
    assert restored.design.spec is not None
    np.testing.assert_allclose(
        restored.design_matrix(data.head(200)), result.design_matrix(data.head(200)), rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(restored.predict(data.head(50)), result.predict(data.head(50)), rtol=1e-12)
    assert restored.to_json() == result.to_json()
    with pytest.raises(DataError):
        restored.predict(data.head(3).assign(**{restored.design.required[0]: np.nan}))


@pytest.mark.parametrize(
    "right",
    [
        "`贷款 (元)`",
        "C(`住 房`) + `贷款 (元)`",
        "`住 房`:`1st`",
        "np.log1p(`贷款 (元)`) * `住 房` + bs(`1st`, df=4)",
        "`a:b` + `q[1]`",
    ],
)
def test_columns_of_any_name_are_fitted_stored_and_scored(right):
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.uniform(0, 9, (300, 4)), columns=["贷款 (元)", "1st", "a:b", "q[1]"])
    data["住 房"], data["late"] = rng.choice(["自有", "租"], 300), rng.integers(0, 3, 300)
    result = OrderedLogit.from_formula(f"late ~ {right}", data).fit()
    plain = data.set_axis(["amount", "first", "ab", "q", "home", "late"], axis=1)
    renamed = right
    for odd, name in zip(data, plain, strict=True):
        renamed = renamed.replace(f"`{odd}`", name)
    expected = OrderedLogit.from_formula(f"late ~ {renamed}", plain).fit()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-10)
    for again in (result, OrderedResults.from_json(result.to_json()), pickle.loads(pickle.dumps(result))):
        np.testing.assert_allclose(again.predict(data), expected.predict(plain), rtol=1e-10)


def test_what_a_file_cannot_hold_is_said_before_it_is_written(frame):
    result = OrderedLogit.from_formula("grade ~ income + np.sin(dti)", frame).fit()
    with pytest.raises(ModelError, match="'np.sin' is no transform.*compute that column before the fit"):
        result.to_json()


def test_the_terms_of_a_formula_are_those_of_formulaic():
    from formulaic import Formula

    for text in (
        "a * b + c",
        "(a + b + c) ** 2 - a:b",
        "a:b + a + b:a",
        "0 + a + b",
        "np.log(a) * (b + C(c)) - 1",
        "a + b - a",
        "bs(a, df=3):C(b) + I(a ** 2)",
        "(a + b):(c + d)",
        "a**3 + 1",
    ):
        ours = {frozenset(factor.source.replace(" ", "") for factor in term) for term in read_formula(text)}
        theirs = {frozenset(str(factor).replace(" ", "") for factor in term.factors) for term in Formula(text)}
        assert ours == theirs - {frozenset({"1"})}, text


def test_a_transform_of_the_list_is_computed_and_none_other(frame):
    from p2prisk.ordered.formula import compute

    few = frame.head(5)
    for name, function in NUMBERS.items():
        if name in ("np.minimum", "np.maximum"):
            np.testing.assert_allclose(
                compute(read_factor(f"{name}(income, dti)"), few, {}), function(few.income, few.dti)
            )
        else:
            np.testing.assert_allclose(compute(read_factor(f"{name}(dti + 1)"), few, {}), function(few.dti + 1))
    assert compute(read_factor("-(2 ** 3 ** 2) + 4 / 8 - 1"), few, {}) == -512.5
    with pytest.raises(DataError, match="'home' is not numeric"):
        compute(read_factor("np.log(home)"), few, {})


# ---------------------------------------------------------------- what is refused


def kinds(frame, fitted, standard):
    sequential = SequentialLogit.from_formula("grade ~ np.log1p(income) + C(home)", frame).fit()
    rng = np.random.default_rng(1)
    size = 400
    spells = pd.DataFrame(
        {
            "ending": pd.Categorical.from_codes(rng.choice(3, size, p=[0.4, 0.4, 0.2]), ["running", "paid", "default"]),
            "age": rng.integers(1, 12, size),
            "dti": rng.uniform(0, 30, size),
        }
    )
    hazard = HazardLogit.from_formula("ending ~ scale(dti)", spells, exit="age", baseline=(3, 6)).fit()
    return {
        "ordered": (OrderedResults, fitted.to_json()),
        "sequential": (OrderedResults, sequential.to_json()),
        "hazard": (HazardResults, hazard.to_json()),
        "card": (Scorecard, Scorecard.from_result(standard, default_from="D").to_json()),
        "standard": (StandardModel, standard.to_json()),
    }


@pytest.fixture(scope="module")
def files(frame, fitted, standard):
    return kinds(frame, fitted, standard)


def test_what_is_written_keeps_to_the_published_schema(files):
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    for kind, text in files.values():
        assert next(validator.iter_errors(json.loads(text)), None) is None
        assert kind.from_json(text).to_json() == text


@pytest.mark.parametrize("name", ["ordered", "sequential", "hazard", "card", "standard"])
def test_any_change_is_seen(name, files):
    kind, text = files[name]
    plain = json.loads(text)
    spots = list(leaves(plain))
    for path in random.Random(7).sample(spots, min(60, len(spots))):
        changed = copy.deepcopy(plain)
        value = at(changed, path)
        put(changed, path, value + 1e-3 if isinstance(value, float) else "other" if isinstance(value, str) else 7)
        if changed == plain:
            continue
        with pytest.raises(DataError):
            kind.from_json(json.dumps(changed))


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, (*path, key))
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from leaves(entry, (*path, place))
    else:
        yield path


def at(value, path):
    for key in path:
        value = value[key]
    return value


def put(value, path, new):
    at(value, path[:-1])[path[-1]] = new


ODD = [
    None,
    True,
    -1,
    0,
    1e308,
    "",
    "x" * 5000,
    [],
    {},
    [[]],
    {"__array__": [1], "shape": [9]},
    {"__float__": "nan"},
    "missing",
]


@pytest.mark.parametrize("name", ["ordered", "sequential", "hazard", "card", "standard"])
def test_a_forged_file_is_refused_or_read_never_a_traceback(name, files, frame):
    """Whoever may write the file may write its checksum: what it says must still fit together."""
    kind, text = files[name]
    plain, generator = json.loads(text), random.Random(11)
    spots = list(leaves(plain)) + [path[:-1] for path in leaves(plain) if len(path) > 1]
    sign = resigned if name == "standard" else signed
    few, read = frame.head(3), 0
    for _ in range(150):
        changed = copy.deepcopy(plain)
        path = generator.choice(spots)
        if generator.random() < 0.2 and isinstance(at(changed, path[:-1]), dict):
            del at(changed, path[:-1])[path[-1]]
        else:
            put(changed, path, generator.choice(ODD))
        try:
            restored = kind.from_json(sign(changed))
        except DataError as error:
            assert str(error).startswith("this ")
            continue
        read += 1
        try:
            (restored.score if name in ("card", "standard") else restored.predict)(few)
        except (P2PRiskError, TypeError) as error:  # a hazard asks for a horizon
            assert name == "hazard" or isinstance(error, P2PRiskError)
    assert read < 100


def test_numbers_that_are_none_are_refused_by_name(tmp_path, standard):
    text = standard.to_json()
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        (tmp_path / "m.json").write_text(text.replace('"llf": ', f'"x": {word}, "llf": ', 1))
        with pytest.raises(DataError, match=rf"m.json holds {word}, which is no number"):
            StandardModel.from_json(tmp_path / "m.json")
    (tmp_path / "m.json").write_text(text.replace('"llf": ', '"llf": 1, "llf": ', 1))
    with pytest.raises(DataError, match="an entry twice"):
        StandardModel.from_json(tmp_path / "m.json")
    for odd in ("[" * 100_000, "1" * 10_000, '{"format": ' + "9" * 10_000 + "}", "\ufeff{}", ""):
        (tmp_path / "m.json").write_text(odd, encoding="utf-8")
        with pytest.raises(DataError, match=r"m\.json"):
            StandardModel.from_json(tmp_path / "m.json")
    with pytest.raises(DataError, match="is a folder"):
        StandardModel.from_json(tmp_path)


@pytest.mark.parametrize(
    "place, value",
    [
        (("scale", "labels", 0), "=cmd|'/c calc'!A1"),  # a formula in a file of scores
        (("scale", "labels", 0), " @SUM(A1)"),
        (("scale", "labels", 0), "\x1b[2J"),  # a command to the terminal
        (("scale", "labels", 0), "a\nb"),
        (("scale", "labels", 0), "2"),  # twice
        (("event", "what"), "\x1b]0;title\x07"),
        (("event", "what"), "abc\u202efdp"),
        (("event", "kind"), "other"),
        (("event", "horizon"), 1e99),
        (("event", "more"), 1),
        (("population", "attributes", "income", "edges"), [1.0, 1.0, 1.0, 1.0]),
        (("population", "attributes", "income", "edges"), ["a"] * 9),
        (("population", "attributes", "income", "counts"), [1.0, 2.0]),
        (("population", "score", "counts"), [0.0] * 11),
        (("population", "attributes"), "x"),
        (("population", "issued"), ["yesterday", "today"]),
        (("population", "more"), 1),
    ],
)
def test_what_a_model_prints_counts_and_calls_its_grades_is_held_to_the_schema(place, value, outcome_model):
    """A label became a formula in the scores and a command to the terminal; counts that are none, a traceback."""
    changed = json.loads(outcome_model)
    put(changed, place, value)
    with pytest.raises(DataError, match="is no whole model"):
        StandardModel.from_json(resigned(changed))
    StandardModel.from_json(resigned(json.loads(outcome_model)))


def test_a_model_that_no_fit_leaves_is_refused(standard):
    plain = json.loads(standard.to_json())

    def forged(change):
        other = copy.deepcopy(plain)
        change(other)
        return resigned(other)

    income = next(place for place, rule in enumerate(plain["rules"]) if rule["column"] == "income")
    home = next(place for place, rule in enumerate(plain["rules"]) if rule["column"] == "home")
    for change, words in (
        (lambda m: m["rules"][income].update(column="recovered"), "no column known at issue"),
        (lambda m: m["rules"][income].update(column="grade"), "no column known at issue"),
        (lambda m: m["rules"][income].update(low=1e9), "limits of income contradict"),
        (lambda m: m["rules"][home].update(spare="castle"), "levels of home contradict"),
        (lambda m: m["rules"].pop(income), "of different columns"),
        (lambda m: m["rules"].append(m["rules"][income]), "two rules"),
        (lambda m: m["model"]["params"]["__array__"].__setitem__(0, 1e6), "slope of .* that no fit leaves"),
        (lambda m: m["model"]["params"]["__array__"].__setitem__(-1, -99.0), "thresholds do not rise"),
        (lambda m: m["model"]["covariance"]["__array__"].__setitem__(0, -1.0), "covariance is none"),
        (lambda m: m["model"]["covariance"]["shape"].__setitem__(0, 2), "another size"),
        (lambda m: m.update(outcome="bad"), "none of the outcome bad"),
        (lambda m: m.pop("about"), "'about' is a required property"),
        (lambda m: m.update(format="p2prisk.StandardModel/1"), "another edition .* make it again with p2prisk fit"),
    ):
        with pytest.raises(DataError, match=words):
            StandardModel.from_json(forged(change))
            pytest.fail(words)


def test_a_state_that_is_not_whole_is_refused(fitted):
    """With a part missing, a transform would take it from the new loans: a score would depend on its company."""
    plain = json.loads(fitted.to_json())
    stored = plain["design"]["stored"]["factors"]
    for factor, state in (("bs(dti, df=4)", {}), ("bs(dti, df=4)", {"knots": [1]}), ("scale(amount)", {"ddof": 1})):
        assert factor in stored
        other = copy.deepcopy(plain)
        other["design"]["stored"]["factors"][factor]["states"] = [state]
        with pytest.raises(DataError, match="keeps of the fit is not whole"):
            OrderedResults.from_json(signed(other))


@pytest.mark.skipif(not (CASES / "trust").is_dir(), reason="the cases are not beside the repository")
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("trust/nanmodel.json", "of another edition.*make it again with p2prisk fit"),
        ("trust/wrongmodel.json", "of another edition.*make it again with p2prisk fit"),
        ("trust/m.json", "of another edition.*make it again with p2prisk fit"),
        ("17-model.json", "of another edition.*make it again with p2prisk fit"),
        ("33-model.json", "of another edition.*make it again with p2prisk fit"),
    ],
)
def test_models_of_the_first_edition_say_what_to_do(file, words, tmp_path, capsys):
    out = tmp_path / "s.csv"
    code = main(["score", str(CASES / "trust" / "loans.csv"), "--model", str(CASES / file), "--output", str(out)])
    message = capsys.readouterr().err
    assert code == 2 and not out.exists()
    import re

    assert re.search(words, message) and Path(file).name in message


def test_a_changed_model_scores_nothing(tmp_path, capsys, standard):
    """What was changed in one digit stops the command, as does what was cut off."""
    tape = tmp_path / "t.csv"
    frame = load("lendingclub-2018").frame.head(50)
    frame[["income", "home", "term", "dti", "amount"]].to_csv(tape, index=False)
    text = standard.to_json()
    first = json.loads(text)["model"]["params"]["__array__"][0]
    for broken in (text.replace(repr(first), repr(first * 1.5), 1), text[:-200], text + "x"):
        assert broken != text
        (tmp_path / "m.json").write_text(broken)
        code = main(["score", str(tape), "--model", str(tmp_path / "m.json"), "--output", str(tmp_path / "s.csv")])
        assert code == 2 and "m.json" in capsys.readouterr().err and not (tmp_path / "s.csv").exists()


def test_a_pickle_of_a_restored_model_scores(fitted, frame):
    import pickle

    restored = OrderedResults.from_json(fitted.to_json())
    again = pickle.load(io.BytesIO(pickle.dumps(restored)))
    pd.testing.assert_frame_equal(again.predict(frame.head(5)), fitted.predict(frame.head(5)))
