"""Members of the kinds of fault of ``test_tape_kinds`` that were found later; each was read wrongly, without a word."""

import contextlib
import io
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import ConvergenceError, DataError
from p2prisk.standard import fit_standard
from p2prisk.tape.draft import draft_mapping, guess_columns
from test_tape_kinds import LOANS, lines, rules

ROUND = LOANS.assign(amount=LOANS["amount"].clip(lower=1000).round(-3), income=LOANS["income"].round(-3))


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


def test_another_unit_is_no_reason_to_recalibrate_and_is_said(model, capsys):
    """The verdict was to recalibrate, as for loans that had changed."""
    told = ["--model", str(model / "m.json"), "--map", str(model / "m.yml"), "--same-months"]
    for scale, says in ((100, True), (1, False)):
        column("dti", LOANS["dti"] / scale).to_csv(model / "later.csv", index=False)
        main(["monitor", str(model / "later.csv"), *told])
        said = capsys.readouterr().err
        assert ("dti: 100% of these loans lie where the lowest" in said and "in another unit?" in said) == says, said


# ---------------------------------------------------------------- rows that are no loans


def test_a_total_with_every_cell_filled_is_no_loan(put):
    total = f"L9999,2017-12-15,{LOANS['amount'].sum()},12,{LOANS['income'].sum()},18.1,rent,paid"
    tape = read_tape(put(lines(total)), rules())
    assert len(tape.frame) == len(LOANS) and tape.set_aside[0]["lines"] == [len(LOANS) + 1]
    large = f"L9999,2017-12-15,{LOANS['amount'].sum() + 50},12,54000,18.1,rent,paid"
    assert len(read_tape(put(lines(large)), rules()).frame) == len(LOANS) + 1


def test_where_every_balance_is_nought_no_loan_is_the_total(put):
    text = lines("").rstrip("\n").split("\n")
    text = [text[0] + ",balance", *(line + ",0" for line in text[1:]), ",2017-12-15,900,12,54000,18.1,rent,paid,0"]
    tape = read_tape(put("\n".join(text) + "\n"), rules({"balance": {"from": "balance"}}))
    assert len(tape.frame) + sum(len(part["lines"]) for part in tape.set_aside) == len(LOANS) + 1
    assert not any("total" in part["reason"] for part in tape.set_aside), tape.set_aside
    assert tape.frame["amount"].max() == LOANS["amount"].max()


def test_a_row_that_numbers_the_columns_is_no_loan(put):
    for row in ("1,2,3,4,5,6,7,8", "(1),(2),(3),(4),(5),(6),(7),(8)"):
        tape = read_tape(put(lines(row, at=1)), rules())
        assert len(tape.frame) == len(LOANS) and tape.set_aside[0]["lines"] == [1]


# ---------------------------------------------------------------- what `check` asks about


def findings(path, mapping, column):
    found = read_tape(path, mapping).quality().findings
    return found[found["column"] == column]


PLACES = np.array(["Berlin", "Hamburg", "München", "New York"])[np.arange(len(LOANS)) % 4]


@pytest.mark.parametrize(
    "change",
    [str.upper, lambda x: x.replace("ü", "u"), lambda x: x.replace("ü", "u\u0308"), lambda x: x.replace(" ", "  "),
     lambda x: x.replace(" ", "\u00a0"), lambda x: x.replace(" ", "_"), lambda x: x + ".",
     lambda x: x.replace("B", "В")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["region", "class.place"])
def test_levels_that_differ_by_chance_are_asked_about(put, change, name):
    cells = [change(cell) if row % 3 else cell for row, cell in enumerate(PLACES)]
    frame = LOANS.assign(x=cells)
    hit = findings(put(frame), rules({name: {"from": "x"}}), name)
    assert hit["what"].str.contains("are two levels, which differ in").sum() == 1
    alike = {change(cell): cell for cell in set(PLACES) if change(cell) != cell}
    told = read_tape(put(frame), rules({name: {"from": "x", "recode": alike | {c: c for c in set(PLACES)}}}))
    assert (told.frame[name].astype(str) == PLACES).all() and not len(told.quality().findings.query("column == @name"))


@pytest.mark.parametrize("levels", [("<5", ">5"), ("A+", "A-"), ("1-3", "13"), ("か", "が"), ("car", "card")])
def test_levels_that_differ_in_meaning_are_not(put, levels):
    frame = LOANS.assign(x=np.array(levels)[np.arange(len(LOANS)) % 2])
    assert not len(findings(put(frame), rules({"class.place": {"from": "x"}}), "class.place"))


def many(size=1500, seed=4):
    rng = np.random.default_rng(seed)
    frame = pd.concat([LOANS.assign(id=f"{k}-" + LOANS["id"]) for k in range(size // len(LOANS) + 1)]).head(size)
    grade = rng.integers(0, 5, size)
    lost = rng.random(size) < 0.05 + 0.08 * grade
    return frame.assign(g=np.array(list("ABCDE"))[grade], status=np.where(lost, "charged off", "paid"))


@pytest.mark.parametrize("order, says", [("CADBE", "'C' stands nearer to the best than 'A'"), ("ABCDE", "")])
def test_grades_that_change_places_are_asked_about(put, order, says):
    """The area was above one half, so that nothing spoke against the order."""
    hit = findings(put(many()), rules({"grade": {"from": "g", "order": list(order)}}), "grade")
    assert hit["what"].str.contains(says, regex=False).any() if says else not len(hit)


def test_grades_in_two_ways_of_writing_are_told_apart(put):
    frame = many()
    for change in (str.lower, lambda grade: grade.translate(str.maketrans("ABCE", "АВСЕ"))):
        cells = [change(grade) if row % 2 else grade for row, grade in enumerate(frame["g"])]
        with pytest.raises(DataError, match="differ in capitals, accents, blanks or alphabet only: recode"):
            read_tape(put(frame.assign(g=cells)), rules({"grade": {"from": "g"}}))
        alike = {"recode": {change(grade): grade for grade in "ABCDE"}}
        assert (
            read_tape(put(frame.assign(g=cells)), rules({"grade": {"from": "g", **alike}})).frame["grade"].nunique()
            == 5
        )


def test_fractions_without_a_gap_to_per_cent_are_two_scales(put):
    rng = np.random.default_rng(2)
    for name, top in (("dti", 40.0), ("utilisation", 110.0)):
        values = rng.uniform(1, top, len(LOANS)).round(2)
        of_both = [round(x / 100, 4) if row % 4 == 0 else x for row, x in enumerate(values)]
        hit = findings(put(LOANS.assign(x=of_both)), rules({name: {"from": "x"}}), name)
        assert (hit["level"] == "error").any() and hit["what"].str.contains(
            r"two scales: \d+ rows with fractions"
        ).any()
        honest = rng.gamma(1.2, top / 4, len(LOANS)).clip(0.01, top).round(2)
        assert (honest < 1).sum() > 5
        assert not len(
            findings(put(LOANS.assign(x=honest)), rules({name: {"from": "x"}}), name).query("level == 'error'")
        )


def test_years_of_birth_are_no_ages_and_the_way_out_reads_them(put):
    frame = LOANS.assign(x=1950 + np.arange(len(LOANS)) % 45)
    hit = findings(put(frame), rules({"age": {"from": "x"}}), "age").iloc[0]
    assert hit["level"] == "error" and "years_before: issue_date" in hit["remedy"]
    ages = read_tape(put(frame), rules({"age": {"from": "x", "years_before": "issue_date", "date": ["%Y"]}})).frame[
        "age"
    ]
    assert ages.between(20, 69).all()
    months = findings(put(LOANS.assign(x=300 + np.arange(len(LOANS)))), rules({"age": {"from": "x"}}), "age").iloc[0]
    assert months["level"] == "error" and months["remedy"].startswith("unit: months as years")


def test_amounts_under_the_name_of_a_count_are_asked_about(put):
    frame = LOANS.assign(x=(LOANS["amount"] * 0.013).round(2))
    hit = findings(put(frame), rules({"collections_12m": {"from": "x"}}), "collections_12m")
    assert hit["what"].str.contains("a count, and no whole number in").any()


def test_a_question_mark_can_be_named_as_missing(tmp_path, put, capsys):
    path = put(column("home", np.where(np.arange(len(LOANS)) % 9, LOANS["home"], "?")))
    (tmp_path / "m.yml").write_text(yaml.safe_dump(rules({"home": {"from": "home", "missing": ["?"]}})))
    assert main(["check", str(path), "--map", str(tmp_path / "m.yml")]) == 0
    assert "values that the mapping names as missing [27 rows]" in capsys.readouterr().out


# ---------------------------------------------------------------- drafts

TRAPS = [
    ("Interest", lambda n: (n["amount"] * n["dti"] / 100).round(2), "rate"),
    ("collections", lambda n: np.where(n["dti"] > 20, 0, n["amount"] * 0.013).round(2), "collections_12m"),
    ("status", lambda n: np.where(n["dti"] > 20, "single", "married"), "status"),
]


@pytest.mark.parametrize("name, values, wrong", TRAPS, ids=[row[0] for row in TRAPS])
def test_a_name_is_not_believed_against_its_values(name, values, wrong):
    frame = LOANS.rename(columns={"status": "State of account"}).assign(**{name: values(LOANS)})
    assert guess_columns(frame.columns, frame).get(name, ("", ""))[0] != wrong


def test_of_two_columns_the_standing_of_loans_is_the_status():
    frame = LOANS.rename(columns={"status": "loan_status"})
    frame.insert(0, "status", np.where(LOANS["dti"] > 20, "north", "south"))
    assert guess_columns(frame.columns, frame)["loan_status"][0] == "status"
    text, _ = draft_mapping(frame)
    assert "its name suggests status, but the standing of loans is in loan_status" in text


def test_numbers_in_text_are_called_numbers():
    assert "shoe: not placed  # numbers, " in draft_mapping(LOANS.assign(shoe=LOANS["dti"].astype(str)))[0]


# ---------------------------------------------------------------- live books and panels


def running(share=2):
    """Two of `share` loans run; all were issued up to 2017, for a year."""
    return LOANS.assign(status=np.where(np.arange(len(LOANS)) % share, LOANS["status"], "current"))


def test_loans_that_run_long_after_their_term_are_asked_about(put):
    path = put(running())
    hit = findings(path, rules(record_date="2024-01-31"), "status")
    assert hit["what"].str.contains("the term ended more than a year before the record date 2024-01-31").any()
    assert not len(findings(path, rules(record_date="2018-01-31"), "status").query("level != 'note' and rows > 100"))


DAYS_OF = {"from": "days"}


@pytest.mark.parametrize(
    "status, days, level, says",
    [("paid", 400, "error", "paid, and more than 30"), ("late 31-120", 0, "error", "late by the status, and"),
     ("current", 95, "warning", "current, and more than 30"), ("current", 12, "", ""), ("charged off", 0, "", ""),
     ("late 31-120", 95, "", "")],
)  # fmt: skip
def test_a_status_that_the_days_past_due_contradict_is_said(put, status, days, level, says):
    """The days count; a paid loan with 400 of them was bad without a word."""
    mine = np.arange(len(LOANS)) % 5 == 1
    frame = running().assign(days=np.where(mine, days, 0))
    frame["status"] = frame["status"].mask(mine, status)
    hit = findings(put(frame), rules({"days_past_due": DAYS_OF}, record_date="2018-01-31"), "status")
    hit = hit[hit["what"].str.contains("the days count")]
    assert len(hit) == bool(level) and (not level or (hit["level"].iloc[0] == level and says in hit["what"].iloc[0]))


def panel():
    ends = ["2018-01-31", "2018-02-28", "2018-03-31"]
    return pd.concat([running().assign(as_of=day) for day in ends], ignore_index=True)


def test_a_month_end_to_come_is_an_error(tmp_path, put):
    frame = panel()
    frame.loc[3, "as_of"] = "2071-03-31"
    (tmp_path / "m.yml").write_text(yaml.safe_dump({k: v for k, v in rules().items() if k != "record_date"}))
    with pytest.raises(
        DataError, match="'as_of' says of which day a row is, and row 4 has 2071-03-31, which lies in the"
    ):
        read_tape(put(frame), tmp_path / "m.yml")
    tape = read_tape(put(panel()), tmp_path / "m.yml")
    assert len(tape.frame) == len(LOANS) and tape.provenance["record_date"] == "2018-03-31"


def test_loans_of_a_panel_that_end_and_run_again_are_said(put):
    frame = panel()
    frame["status"] = frame["status"].mask((frame["as_of"] == "2018-02-28") & (frame["id"] < "L0010"), "charged off")
    assert not any("running at the latest" in note["what"] for note in read_tape(put(panel()), rules()).notes)
    for words in ({}, {"charged off": "Verlust", "current": "laufend", "paid": "bezahlt"}):
        of_file = frame.assign(status=frame["status"].replace(words))
        told = rules({"status": {"from": "status", "recode": {v: k for k, v in words.items()}}} if words else {})
        said = [note for note in read_tape(put(of_file), told).notes if "running at the latest" in note["what"]]
        assert len(said) == 1 and said[0]["rows"] == (running()["status"].head(10) == "current").sum()


# ---------------------------------------------------------------- outcomes in disguise


@pytest.mark.parametrize(
    "name",
    "total_received Receipts TotalRec Inkasso_Stufe Zahlungseingänge dias_mora 逾期天数 retard_jours fallido".split(),
)
def test_a_name_that_speaks_of_later_is_refused_in_any_language(put, name):
    path = put(LOANS.assign(**{name: LOANS["amount"] + np.arange(len(LOANS))}))
    with pytest.raises(DataError, match="sounds like something known only after issue.*known_at_issue: true"):
        read_tape(path, rules({"number.x": {"from": name}}))
    assert "number.x" in read_tape(path, rules({"number.x": {"from": name, "known_at_issue": True}})).frame


@pytest.mark.parametrize("name", "agency legal_form recommended moratorium_zone payer_type rec_id".split())
def test_a_name_that_does_not_is_read(put, name):
    assert "number.x" in read_tape(put(LOANS.assign(**{name: LOANS["dti"]})), rules({"number.x": {"from": name}})).frame


def test_traits_that_tell_the_outcome_together_are_named(put):
    """Neither alone does; the advice was a keyword that no command has."""
    frame = many()
    part = np.where(frame["status"] == "paid", 1.1, 0.4)
    tape = read_tape(put(frame.assign(sum=(frame["amount"] * part).round(2))), rules({"number.sum": {"from": "sum"}}))
    with pytest.raises(ConvergenceError, match="amount, number.sum together tell the outcomes apart.*--predictors"):
        fit_standard(tape, "bad", ["amount", "number.sum"])


# ---------------------------------------------------------------- words of what cannot be read


MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
DATES = pd.to_datetime(LOANS["issued"])
EXPORT = "write the column as 2019-01-31 in the export"
UNREAD = [
    (
        "issued",
        [f"{day.day} {MONTHS[day.month - 1]} {day.year}" for day in DATES],
        "Names of months are read in English",
    ),
    ("issued", [f"{day.year}Q{day.quarter}" for day in DATES], "Quarters, half years and financial years are no dates"),
    ("issued", [f"FY{day.year}-P{day.month:02d}" for day in DATES], "Quarters, half years and financial years"),
    ("issued", [f"{day:%G-W%V}" for day in DATES], "Weeks are no dates"),
    (
        "issued",
        [f"{day:%d/%m/%Y}" if day.month > 6 else str(42000 + day.day) for day in DATES],
        "Day numbers of a spread",
    ),
    (
        "issued",
        ["2015-02-30", *LOANS["issued"][1:]],
        "The others are dates: correct the cell, or name it under 'missing'",
    ),
    (
        "amount",
        [f"{x / 1000:g}k" for x in LOANS["amount"]],
        "Words for thousands and more are not read: write the numbers",
    ),
    ("amount", [f"{x / 100000:g} lakh" for x in LOANS["amount"]], "Words for thousands and more are not read"),
    ("dti", [f"{x / 12:.4f}% p.m." for x in LOANS["dti"]], "rates of a month or a day: write them a year"),
    (
        "income",
        [f"{x // 10000}0000-{x // 10000}9999" for x in LOANS["income"]],
        "These are classes and no numbers: map",
    ),
]


@pytest.mark.parametrize("name, cells, says", UNREAD, ids=[row[2][:30] + row[0] for row in UNREAD])
def test_why_cells_cannot_be_read_is_said(put, name, cells, says):
    with pytest.raises(DataError, match="cannot be read.*" + re.escape(says)) as told:
        read_tape(put(column(name, cells)), rules())
    assert EXPORT in str(told.value) or name != "issued" or says.startswith("The others")


def test_classes_of_numbers_can_be_read_as_the_message_says(put):
    path = put(column("income", np.where(np.arange(len(LOANS)) % 3, LOANS["income"], ">90000")))
    with pytest.raises(DataError, match="map the column as class.NAME, or give each its number under 'recode'"):
        read_tape(path, rules())
    recoded = read_tape(path, rules({"income": {"from": "income", "recode": {">90000": 95000}}})).frame
    assert (recoded["income"][::3] == 95000).all() and recoded["income"][1] == LOANS["income"][1]
    assert "class.band" in read_tape(path, rules({"income": None, "class.band": {"from": "income"}})).frame
