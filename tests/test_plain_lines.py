"""A text file read at once is the file read line by line: the same cells, types, bits, counts and messages."""

import gzip
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from p2prisk.errors import DataError
from p2prisk.tape import numerals, plain_lines, privacy, quality, read_tape, severity, tally, text_file
from p2prisk.tape.keys import repeated, repeated_or_alike, without_spelling
from p2prisk.tape.mapping import builtin, builtin_names
from p2prisk.tape.mapping_file import parse_mapping
from p2prisk.tape.plain_lines import NotPlainError

CELLS = st.one_of(
    st.sampled_from(
        ["", "", "5", "5.0", "-3", "+7", " 8", "9 ", "1e5", "1.5E-3", "007", "0x1F", "nan", "NaN", "inf", "-inf", "NA"]
        + [
            "True",
            "false",
            "12,5",
            '"12,5"',
            '"a ""b"""',
            '""',
            '"5"',
            '5"',
            "n/a",
            "36 months",
            "2019-01-31",
            "王",
            "é",
        ]
        + ["99999999999999999999", "0.1234567890123456789", "1e-300", "-0", "-0.0", "15.470", ".5", "5.", "a;b", "1_0"]
    ),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(1, 900).map(lambda value: f"{value:.2f}"),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])


@st.composite
def files(draw):
    """Bytes of a table of four columns; most columns are of one kind, and some lines are broken."""
    kinds = [
        draw(st.one_of(st.just(CELLS), st.integers(0, 99).map(str).map(st.just), st.just(NUMBERS))) for _ in "abcd"
    ]
    rows = [[draw(kind) for kind in kinds] for _ in range(draw(st.integers(1, 12)))]
    lines = [",".join(row) for row in rows]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        odd = st.sampled_from(["", "x y,,,", "1,2", "1,2,3,4,5", "1,2,3,4,,", ",,,", '"1,2,3,4"', "a,b,c,"])
        lines.insert(draw(st.integers(0, len(lines))), draw(odd))
    end = draw(ENDS)
    text = end.join(["k,l,m,n", *lines]) + draw(st.sampled_from([end, ""]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode("utf-8", "replace")


NUMBERS = st.one_of(st.integers(0, 500).map(str), st.floats(0, 500).map(lambda x: f"{x:.2f}"), st.just(""))


def outcome(path, on_error):
    """What reading gives: the frame and all that is said, or the message."""
    mapping = {
        "columns": {"loan_id": {"from": "k"}, "amount": {"from": "l"}, "dti": {"from": "m"}, "term": {"from": "n"}}
    }
    try:
        return text_file.read_csv(path, on_error, None, ",", lambda header: mapping)
    except DataError as error:
        return str(error)


def both(path, on_error):
    """The same file by the plain way and line by line."""
    fast = outcome(path, on_error)
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*given):
            raise NotPlainError

        patch.setattr(text_file, "PlainLines", refuse)
        return fast, outcome(path, on_error)


def same(fast, slow):
    assert type(fast) is type(slow), (fast, slow)
    if isinstance(fast, str):
        assert fast == slow
        return
    assert fast[1:] == slow[1:]
    held = {name: "str" for name in fast[0] if isinstance(fast[0][name].dtype, pd.CategoricalDtype)}
    pd.testing.assert_frame_equal(fast[0].astype(held), slow[0], check_exact=True)
    for name in fast[0]:
        if fast[0][name].dtype == float:
            assert fast[0][name].to_numpy().tobytes() == slow[0][name].to_numpy().tobytes()


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@example(content=b"k,l,m,n\n0,,0,0\n0,99999999999999999999,0,0\n0,nan,0,0\n", on_error="raise")
@example(content=b"k,l,m,n\n0,+7,0,\n", on_error="raise")
@given(content=files(), on_error=st.sampled_from(["raise", "missing"]))
def test_read_at_once_or_line_by_line(tmp_path_factory, content, on_error):
    path = tmp_path_factory.mktemp("plain") / "tape.csv"
    path.write_bytes(content)
    same(*both(path, on_error))


def lines_of(n=6000):
    rng = np.random.default_rng(3)
    return [f"L{i},{rng.integers(1, 900)},{rng.uniform(1, 90):.2f},{rng.choice([36, 60])}" for i in range(n)]


@pytest.mark.parametrize(
    "late", ["L1,5,2.5,36.5", "L1,5.5,2.5,36", "L1,x,2.5,36", "L1,5,,", "L1,0x10,2,36", 'L1,"5",2,36']
)
def test_a_cell_far_down_decides_the_type_of_its_column_as_it_did(tmp_path, late):
    path = tmp_path / "tape.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["k,l,m,n", *lines_of(), late, ""]).encode()))
    same(*both(path, "missing"))


def test_the_usual_file_takes_the_plain_way(tmp_path, monkeypatch):
    path = tmp_path / "tape.csv"
    path.write_text("\n".join(["k,l,m,n", *lines_of(), ""]))
    monkeypatch.setattr(text_file, "_scan_records", lambda *given: pytest.fail("parsed line by line"))
    made = []
    plain = text_file.read_plain
    monkeypatch.setattr(text_file, "read_plain", lambda *given: made.append(plain(*given)) or made[-1])
    outcome(path, "raise")
    assert made and all(frame is not None for frame in made)


def test_blocks_may_end_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(text_file, "_BLOCK", 7)
    path = tmp_path / "tape.csv"
    path.write_text("\r\n".join(["k,l,m,n", *lines_of(60), "", "x y,,,", 'L1,"a,b",3,4', "L2,3,4,5"]), newline="")
    same(*both(path, "raise"))


def tape_of(path, n=6000):
    """A tape whose columns change their kind far down: gaps in whole numbers, marks of thousands or not, new levels."""
    rng = np.random.default_rng(11)
    rows = pd.DataFrame(
        {
            "loan_id": [f"L{i}" for i in range(n)],
            "issue_date": (np.datetime64("2015-01-01") + rng.integers(0, 900, n)).astype(str),
            "amount": rng.integers(10, 350, n) * 100,
            "term": rng.choice([36, 60], n),
            "income": np.exp(rng.normal(10, 0.5, n)).round(2),
            "dti": rng.uniform(1, 60, n).round(2),
            "rate": rng.uniform(5, 30, n).round(2),
            "inquiries": pd.array(np.where(np.arange(n) < n // 2, 1, rng.integers(0, 5, n)), "Int64"),
            "purpose": [f"purpose {i // 40}" for i in range(n)],
            "status": rng.choice(["paid", "paid", "charged off"], n),
        }
    )
    rows.loc[rng.integers(n // 2, n, 40), "inquiries"] = pd.NA
    rows.to_csv(path, index=False)
    return path


def test_small_blocks_and_parts_give_the_same_tape_and_the_same_report(tmp_path, monkeypatch):
    path = tape_of(tmp_path / "tape.csv")
    whole = read_tape(path)
    said = whole.quality().summary()
    blocks, made = [], []
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in (
            (plain_lines, "_BLOCK", 2000),
            (plain_lines, "_MANY", 20),
            (tally, "_PART", 97),
            (severity, "_PART", 101),
            (numerals, "_ROWS", 103),
        ):
            patch.setattr(module, name, size)
        batches, plain = plain_lines._batches, text_file.read_plain
        counted = lambda *given: (blocks.append(1) or batch for batch in batches(*given))  # noqa: E731
        patch.setattr(plain_lines, "_batches", counted)
        patch.setattr(text_file, "read_plain", lambda *given: made.append(plain(*given)) or made[-1])
        small = read_tape(path)
        assert small.quality().summary() == said
    assert len(blocks) > 50 and made[0] is not None
    pd.testing.assert_frame_equal(small.frame, whole.frame, check_exact=True)
    assert small.notes == whole.notes and small.provenance == whole.provenance

    def refuse(*given):
        raise NotPlainError

    monkeypatch.setattr(text_file, "PlainLines", refuse)
    slow = read_tape(path)
    pd.testing.assert_frame_equal(slow.frame, whole.frame, check_exact=True)
    assert slow.quality().summary() == said


@pytest.mark.parametrize(
    "values",
    [
        np.array([3.0, 1.0, 3.0, -2.0]),
        np.array([0.25, 1.5, 0.25]),
        np.array([1 / 3, 2.0]),
        np.array([np.inf, 1.0]),
        np.array([1e300, 5.0]),
        np.array([2**62, -(2**62)]),
        np.array([127, -128, 127], dtype=np.int8),
        np.array([True, False, True]),
        np.array(["2015-03-01", "2015-01-01", "2015-03-01"], dtype="M8[us]"),
        np.array(["2015-03-01T12:30", "2015-01-01T00:00"], dtype="M8[s]"),
    ],
    ids=str,
)
def test_distinct_values_are_counted_in_parts_as_at_once(values, monkeypatch):
    found, counts = np.unique(np.tile(values, 5), return_counts=True)
    monkeypatch.setattr(tally, "_PART", 2)
    own, mine = tally.counted(np.tile(values, 5))
    assert own.dtype == found.dtype and (own == found).all() and (mine == counts).all()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.from_regex(r"[A-Za-z]{0,3}[-_]?[0-9]{1,10}|[a-f0-9]{32}|Li Wei|\t?00 1|İ1|k１２", fullmatch=True), min_size=1
    )
)
def test_keys_are_judged_all_at_once_as_one_by_one(keys):
    keys = pd.Series(keys, dtype="str")
    forms = privacy.key_forms(keys)
    fast = privacy.odd_keys(keys, forms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(privacy, "_all_made", lambda *given: False)
        assert (fast == privacy.odd_keys(keys, forms)).all()
    spelled = keys.str.casefold().str.replace(r"^0+(?=\d)|\s+", "", regex=True)
    assert without_spelling(keys).tolist() == spelled.tolist()
    assert repeated(keys).tolist() == keys.duplicated().tolist()
    alike = spelled.duplicated(keep=False) & ~keys.duplicated(keep=False)
    again, found = repeated_or_alike(keys)
    assert again.tolist() == keys.duplicated().tolist() and found.tolist() == alike.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3) | st.none(), st.booleans()), min_size=2))
def test_the_area_of_one_column_is_that_of_its_ranks(rows):
    score = np.array([np.nan if value is None else value / 3 for value, _ in rows])
    bad = np.array([flag for _, flag in rows])
    found = quality._area(tally.Tally(pd.Series(score)), tally.Tally(pd.Series(score[bad])), False)
    positives, negatives = bad.sum(), (~bad).sum()
    if not positives or not negatives or np.isnan(score).all():
        assert np.isnan(found)
        return
    gap = np.isnan(score)
    if gap.any():
        lower = bad[gap].mean() < bad[~gap].mean()
        score = np.where(gap, np.nanmin(score) - 1 if lower else np.nanmax(score) + 1, score)
    ranks = pd.Series(score).rank().to_numpy()
    area = (ranks[bad].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    assert found == max(area, 1 - area)


def test_the_mappings_of_the_package_are_the_same_by_either_parser():
    folder = resources.files("p2prisk") / "assets" / "formats"
    for name in builtin_names():
        assert builtin(name) == parse_mapping((folder / f"{name}.yml").read_text(encoding="utf-8"))


@settings(max_examples=400, deadline=None)
@given(st.from_regex(privacy._SHORT, fullmatch=True))
def test_what_is_too_short_to_be_anybodys_is_found_to_be_nobodys(text):
    text = privacy.plain_text(text)
    assert privacy.kind_of(text) is None and not privacy._is_name(text)
