"""Members of the kinds of fault of ``test_tape_kinds`` that were found later; each was read wrongly, without a word."""

import contextlib
import io

import numpy as np
import pandas as pd
import pytest
import yaml

from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from test_tape_kinds import LOANS, rules

ROUND = LOANS.assign(amount=LOANS["amount"].clip(lower=1000).round(-3), income=LOANS["income"].round(-3))


@pytest.fixture
def put(tmp_path):
    def write(content, sep=","):
        content = content.to_csv(index=False, sep=sep) if isinstance(content, pd.DataFrame) else content
        (tmp_path / "loans.csv").write_text(content, encoding="utf-8")
        return tmp_path / "loans.csv"

    return write


def column(name, cells, of=LOANS):
    return of.assign(**{name: list(cells)})


def points(numbers):
    return [f"{x:,}".replace(",", ".") for x in numbers]


# ---------------------------------------------------------------- round thousands


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("both", [False, True])
def test_round_thousands_with_points_are_no_units(put, both, hole):
    """pandas reads ``45.000`` as 45; with amount and income both so, nothing else looked odd."""
    frame = column("amount", points(ROUND["amount"]), ROUND)
    frame = column("income", points(ROUND["income"]), frame) if both else frame
    frame.loc[5, "amount"] = None if hole else "1.000"
    with pytest.raises(DataError, match=r"'\d+\.000', which is \d+ if the point .* and [\d,]+,000 if the comma"):
        read_tape(put(frame), rules())
    told = {name: {"from": name, "decimal": ","} for name in ("amount", "income")[: 1 + both]}
    tape = read_tape(put(frame), rules(told)).frame
    assert tape["amount"].drop(5).tolist() == ROUND["amount"].drop(5).tolist()
    assert tape["income"].tolist() == ROUND["income"].tolist()


def test_the_commas_of_other_columns_decide_round_thousands(put):
    frame = column("amount", points(ROUND["amount"]), ROUND)
    frame = column("dti", [f"{x:.2f}".replace(".", ",") for x in ROUND["dti"]], frame)
    assert read_tape(put(frame, sep=";"), rules()).frame["amount"].tolist() == ROUND["amount"].tolist()


def test_a_few_round_thousands_among_whole_numbers_are_asked_about(put):
    cells = [f"{x:,}".replace(",", ".") if x % 1000 == 0 and x < 50_000 else str(x) for x in LOANS["amount"]]
    assert any(cell.endswith(".000") for cell in cells) and "." not in cells[0]
    with pytest.raises(DataError, match=r"nothing in the file decides"):
        read_tape(put(column("amount", cells)), rules())


@pytest.mark.parametrize("form", ["{:.1f}", "{:.2f}", "{:.3f}"])
def test_whole_numbers_with_noughts_behind_the_point_stay(put, form):
    frame = LOANS.assign(**{name: LOANS[name].map(form.format) for name in ("amount", "term", "income")})
    tape = read_tape(put(frame), rules()).frame
    for name in ("amount", "term", "income"):
        np.testing.assert_array_equal(tape[name], LOANS[name])


def test_one_cell_with_the_other_mark_does_not_turn_a_column(put):
    cells = [f"{x:,}" for x in LOANS["income"]]
    cells[7] = "45,5"
    with pytest.raises(DataError, match="'45,5' can only be read with a decimal comma, where the other columns have a"):
        read_tape(put(column("income", cells)), rules())
    cells[7] = "45.5"
    assert read_tape(put(column("income", cells)), rules()).frame["income"][8] == LOANS["income"][8]


# ---------------------------------------------------------------- scores


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    pd.concat([LOANS.assign(id=f"{k}-" + LOANS["id"]) for k in "ab"]).to_csv(folder / "loans.csv", index=False)
    (folder / "m.yml").write_text(yaml.safe_dump(rules()))
    told = ["--map", str(folder / "m.yml"), "--output", str(folder / "m.json")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["fit", str(folder / "loans.csv"), *told]) == 0
    return folder


def scored(model, frame, *more):
    """The chance of each applicant, or None where the file is refused."""
    frame.to_csv(model / "new.csv", index=False, sep=";")
    (model / "out.csv").unlink(missing_ok=True)
    told = ["--model", str(model / "m.json"), "--output", str(model / "out.csv"), *more]
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(["score", str(model / "new.csv"), *told])
    assert code in (0, 2)
    return None if code else pd.read_csv(model / "out.csv", dtype=str).set_index("loan_id")["pd"]


@pytest.mark.parametrize(
    "name, cell, other",
    [
        ("dti", "15,480", "9,25"),
        ("income", "45.000", "1.234.567"),
        ("income", "45,000", "45,5"),
        ("income", "45.000", 71234),
    ],
)
def test_the_mark_of_another_applicant_changes_no_score(model, name, cell, other):
    pair = column(name, [cell, other], LOANS.head(2).astype(object))
    alone, both = scored(model, pair.head(1)), scored(model, pair)
    assert alone is None or both is None or alone.iloc[0] == both.iloc[0]


def test_the_mark_of_a_file_of_applicants_can_be_said(model, capsys):
    pair = column("dti", ["15,480", "9,25"], LOANS.head(2))
    assert scored(model, pair) is None
    assert "'9,25' can only be read with a decimal comma, where the loans read before" in capsys.readouterr().err
    (model / "comma.yml").write_text(yaml.safe_dump(rules(decimal=",")))
    right = scored(model, column("dti", [15.48, 9.25], LOANS.head(2)))
    assert scored(model, pair, "--map", str(model / "comma.yml")).tolist() == right.tolist()
