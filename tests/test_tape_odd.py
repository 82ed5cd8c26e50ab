"""Odd tapes that are legitimate, and plain ones that are not: each was refused, read wrongly, or passed in silence."""

import contextlib
import csv
import io
import re

import numpy as np
import openpyxl
import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.policy.stressed import stress_model
from p2prisk.standard import fit_standard
from p2prisk.tape import study_sample
from p2prisk.tape.draft import draft_mapping
from p2prisk.tape.header import find_header
from test_tape_kinds import BAD, DAYS, LOANS, SOURCES, N, lines, rules


def found(path, mapping, column=None):
    said = read_tape(path, mapping).quality().findings
    return said if column is None else said[said["column"] == column]


# ---------------------------------------------------------------- money of small units


def small(units, of=LOANS):
    """The loans in a currency of which a euro is so many units."""
    return of.assign(**{name: (of[name] * units).round(-3).astype("int64") for name in ("amount", "income")})


@pytest.mark.parametrize("currency, units", [("VND", 27_000), ("IDR", 18_000), ("IRR", 700_000), ("KRW", 1_600)])
@pytest.mark.parametrize("named", [True, False])
def test_a_tape_in_small_units_is_no_tape_of_a_wrong_unit(put, currency, units, named):
    found_there = found(put(small(units)), rules(currency=currency if named else None))
    assert not found_there["what"].str.contains("outside").any() and not (found_there["level"] == "error").any()
    asked = found_there[found_there["what"].str.contains("small units")]
    assert not len(asked) if named else set(asked["level"]) <= {"note"}


@pytest.mark.parametrize("column", ["amount", "income"])
def test_an_absurd_value_is_found_whatever_the_currency(put, column):
    for units in (1, 27_000):
        frame = small(units)
        frame.loc[7, column] = frame[column].max() * 10**6
        said = found(put(frame), rules(currency="EUR" if units == 1 else "VND"), column)
        assert said["what"].str.contains(r"outside .* first in row 8\)").any(), (units, said)


def test_loans_of_a_hundred_million_are_asked_about_unless_the_currency_says_it(put):
    path = put(small(700_000))
    said = found(path, rules(currency="EUR"), "amount")
    assert (said["level"] == "error").any() and "currency: IDR" in said["remedy"].iloc[0]
    assert not len(found(path, rules(currency="IRR"), "amount"))
    alone = found(path, rules({"income": None}, currency=None), "amount")  # no income that speaks for it
    assert alone["level"].tolist() == ["warning"]


def test_amounts_of_two_scales_are_found_in_small_units_too(put):
    frame = small(27_000)
    frame.loc[::20, "amount"] //= 1000
    assert found(put(frame), rules(currency="VND"), "amount")["what"].str.contains("two scales: 12 rows").any()


def test_thousands_of_small_units_are_parted_as_the_rest_of_the_file(put):
    """``500.000`` thousand dong are beyond the ceiling of money in dollars, which said that the point is decimal."""
    frame = LOANS.assign(
        amount=[f"{x * 27 / 1000:.0f}.000" for x in LOANS["amount"]],
        dti=[f"{x:.2f}".replace(".", ",") for x in LOANS["dti"]],
    )
    tape = read_tape(put(frame, sep=";"), rules({"amount": {"from": "amount", "unit": "thousand"}}, currency="VND"))
    assert tape.frame["amount"].min() >= 10**6


def test_a_model_of_small_units_scores_and_stresses_its_own_rows(put):
    tape = read_tape(put(small(27_000)), rules(currency="VND"))
    model = fit_standard(study_sample(tape)[0])
    whole = model.score(tape.frame)["pd"]
    alone = [model.score(tape.frame.iloc[[row]])["pd"].iloc[0] for row in range(0, 40, 8)]
    assert alone == whole.iloc[0:40:8].tolist()
    traits = {"same": 1.0, "half": 0.5}
    plan = [{"name": name, "story": "", "traits": {"income": {"times": times}}} for name, times in traits.items()]
    table = stress_model(model, tape, {"scenarios": plan}).table.query("grade == 'all' and term.isna()")
    base, same, half = table["pd"]
    assert table["loans"].eq(len(tape)).all() and same == base != half


# ---------------------------------------------------------------- drafts that ask


def line_of(frame, name):
    """The line of a draft on a column, or on its source."""
    lines = draft_mapping(frame)[0].splitlines()
    return next(line.strip() for line in lines if line.strip().startswith(f"{name}:") or name in line)


def ends(days):
    return (DAYS + pd.to_timedelta(days, "D")).dt.strftime("%Y-%m-%d")


@pytest.mark.parametrize("name", ["Completion Date", "completion_date", "Closing Date", "CompletionDt"])
@pytest.mark.parametrize("days", [-20, 0, 12])
def test_the_completion_of_an_application_is_not_taken_for_the_end_of_a_loan(put, tmp_path, name, days):
    frame = LOANS.assign(**{name: ends(days)})
    text = draft_mapping(frame)[0]
    assert 'closed_date: {from: "?"}' in text and f"from: {name}" not in text
    (tmp_path / "draft.yml").write_text(text)
    with pytest.raises(DataError, match="column 'closed_date': which column is it"):
        read_tape(put(frame), tmp_path / "draft.yml")
    (tmp_path / "draft.yml").write_text("\n".join(x for x in text.splitlines() if "closed_date" not in x))
    assert len(read_tape(put(frame), tmp_path / "draft.yml")) == N


@pytest.mark.parametrize("name", ["Completion Date", "Completed on", "Funded/Completed", "Disbursed and completed"])
def test_a_completion_long_after_the_issue_is_the_end_of_a_loan(name):
    late = LOANS.assign(**{name: ends(np.random.default_rng(3).integers(60, 400, N))})
    assert "its days lie long after the issue" in line_of(late, "closed_date")
    soon = LOANS.assign(**{name: ends(5)})
    assert not line_of(soon, name).startswith(f"closed_date: {{from: {name}")


def test_a_day_of_the_end_in_plain_words_is_placed_whatever_its_days():
    assert line_of(LOANS.assign(closed_date=ends(3)), "closed_date").endswith("# sure")


@pytest.mark.parametrize(
    "name, bad, good",
    [
        ("repaid", "0", "1"),
        ("performing", "N", "Y"),
        ("paid_off", "false", "true"),
        ("IsRepaid", "no", "yes"),
        ("good_loan", "0.0", "1.0"),
        ("Fully Paid", "no", "yes"),
        ("non_default", "0", "1"),
        ("getilgt", "0", "1"),
    ],
)
def test_a_mark_of_the_good_loans_is_asked_about_with_both_readings(put, tmp_path, name, bad, good):
    frame = LOANS.drop(columns="status").assign(**{name: np.where(BAD, bad, good)})
    path = put(frame)
    text, unplaced = draft_mapping(pd.read_csv(path, dtype=str))
    line = next(line for line in text.splitlines() if line.startswith("  bad:"))
    assert name not in unplaced and "if the column marks the good ones" in line and "turned round" in line
    (tmp_path / "draft.yml").write_text(text)
    with pytest.raises(DataError, match="column 'bad': what is"):
        read_tape(path, tmp_path / "draft.yml")
    told = line.split("true for bad loans: ")[1].split(" if the")[0]
    rule = f"  bad: {{from: {name!r}, recode: {{{told}}}}}"
    (tmp_path / "draft.yml").write_text("\n".join(rule if "  bad:" in x else x for x in text.splitlines()))
    assert read_tape(path, tmp_path / "draft.yml").frame["bad"].tolist() == BAD.tolist()


def test_a_mark_of_the_good_loans_beside_a_status_is_no_question():
    text = draft_mapping(LOANS.assign(repaid=(~BAD).astype(int)))[0]
    assert "  bad:" not in text and "a mark of the good loans" in text


@pytest.mark.parametrize(
    "name, values", [("good", [1, 2, 3]), ("paid", [100.5, 20.0, 3.0]), ("current_account", [0, 1, 0])]
)
def test_what_sounds_good_and_is_no_mark_is_not_asked_about(name, values):
    frame = LOANS.drop(columns="status").assign(**{name: values * (N // 3)})
    assert "  bad:" not in draft_mapping(frame)[0]


# ---------------------------------------------------------------- headers over two rows


def over(upper, lower):
    rows = [upper, lower, *LOANS.astype(object).to_numpy().tolist()]
    return "\n".join(",".join(map(str, row)) for row in rows) + "\n"


NAMES = list(LOANS.columns)
TWO_ROWS = {
    "one name above": ([*[""] * 7, "status"], [*NAMES[:7], ""]),
    "names above at both ends": (["id", *[""] * 6, "status"], ["", *NAMES[1:7], ""]),
    "half above": (
        ["id", "issued", "", "", "", "dti", "", "status"],
        ["", "", "amount", "term", "income", "", "home", ""],
    ),
    "one name below": ([*NAMES[:5], "", *NAMES[6:]], [*[""] * 5, "dti", "", ""]),
    "a title and one name": (["Loan book of 2019", *[""] * 6, "status"], [*NAMES[:7], ""]),
}


@pytest.mark.parametrize("which", TWO_ROWS)
@pytest.mark.parametrize("workbook", [False, True])
def test_a_name_that_stands_in_one_of_two_header_rows_only_is_kept(put, tmp_path, which, workbook):
    path = put(over(*TWO_ROWS[which]))
    if workbook:
        book = openpyxl.Workbook()
        with path.open() as text:
            for row in csv.reader(text):
                book.active.append([cell or None for cell in row])
        path = tmp_path / "loans.xlsx"
        book.save(path)
    tape = read_tape(path, rules())
    assert set(SOURCES) <= set(tape.frame) and len(tape) == N and tape.frame["bad"].tolist() == BAD.tolist()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["map", str(path)]) == 0
    assert all(f"  {name}: {{from: {source}" in out.getvalue() for name, source in SOURCES.items())


def test_a_mapping_of_joined_names_finds_both_rows_again(put):
    upper = ["id", "status", "issued", "Loan", "", "Borrower", "", ""]
    lower = ["", "", "", "amount", "term", "income", "dti", "home"]
    order = ["id", "status", "issued", "amount", "term", "income", "dti", "home"]
    rows = [upper, lower, *LOANS[order].astype(object).to_numpy().tolist()]
    path = put("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    parts = {"amount": "Loan", "term": "Loan", "income": "Borrower", "dti": "Borrower", "home": "Borrower"}
    tape = read_tape(path, rules({name: {"from": f"{group} {name}"} for name, group in parts.items()}))
    assert set(SOURCES) <= set(tape.frame) and len(tape) == N


def test_a_title_above_a_column_without_a_name_is_no_name():
    assert find_header([["Loan book 2019", *[""] * 4], ["", *"abcd"], list("01234")])[1] == ["", *"abcd"]


# ---------------------------------------------------------------- totals of groups


REGIONS = LOANS.assign(region=np.repeat(["North", "South", "East", "West"], N // 4))


def grouped(make, of=REGIONS, below=True):
    parts = []
    for place, (region, own) in enumerate(of.groupby("region", sort=False)):
        total = pd.DataFrame([{**dict.fromkeys(of.columns), **make(region, own, place)}]).astype(object)
        parts += [own.astype(object), total] if below else [total, own.astype(object)]
    return pd.concat(parts, ignore_index=True)


def sums(own, *names):
    return {name: own[name].sum() for name in names or ("amount", "income", "term")}


TOTALS = {
    "a name with a number": lambda region, own, place: {"id": f"Subtotal region {place + 1}", **sums(own)},
    "a name in a column that is not read": lambda region, own, place: {"region": f"{region} Total", **sums(own)},
    "no name": lambda region, own, place: {**sums(own, "amount", "income")},
    "words where levels stand": lambda region, own, place: {"id": f"Sub {place}", "home": "60 loans", **sums(own)},
    "every cell filled": lambda region, own, place: {**own.iloc[-1], "id": f"T9{place}9", **sums(own)},
}


@pytest.mark.parametrize("which", TOTALS)
@pytest.mark.parametrize("below", [True, False])
def test_totals_of_groups_are_no_loans(put, which, below):
    tape = read_tape(put(grouped(TOTALS[which], below=below)), rules())
    assert [(entry["reason"], entry["rows"]) for entry in tape.set_aside] == [("total or average, not a loan", 4)]
    assert tape.frame["amount"].tolist() == LOANS["amount"].tolist()


def test_totals_of_totals_are_no_loans(put):
    frame = grouped(TOTALS["a name with a number"])
    frame.loc[len(frame)] = {**dict.fromkeys(frame.columns), **sums(LOANS), "id": "Sum 2019"}
    assert len(read_tape(put(frame), rules())) == N


def test_a_row_called_a_total_that_is_none_is_asked_about(put):
    wrong = {"amount": 99_999, "income": 123_456, "dti": 3.0, "home": "rent"}
    path = put(grouped(lambda region, own, place: {"id": f"Subtotal region {place + 1}", "term": 720, **wrong}))
    said = found(path, rules())
    said = said[said["what"].str.contains("called a total, but its figures are no sums")]
    assert said["level"].tolist() == ["error"] and said["rows"].tolist() == [4] and "61" in said["what"].iloc[0]
    assert said["remedy"].iloc[0].startswith("take these rows out")


def test_loans_that_add_up_by_chance_are_loans(put):
    """The third of three loans is the sum of the first two, and an applicant beside two others theirs."""
    frame = LOANS.assign(amount=[1000, 2000, 3000, 6000, *[500] * (N - 4)])
    frame.loc[2, "status"] = None
    assert len(read_tape(put(frame), rules())) == N
    frame = LOANS.assign(amount=[1000, 2500, 500, 4000, *[500] * (N - 4)])
    frame.loc[3, "status"] = None
    assert len(read_tape(put(frame), rules())) == N
    frame = LOANS.copy()
    frame.loc[7, ["amount", "income"]] = frame.loc[:6, ["amount", "income"]].sum()
    assert len(read_tape(put(frame), rules())) == N


# ---------------------------------------------------------------- years of other calendars

FORMS = (
    "{y}-{m:02d}-{d:02d}",
    "{d:02d}/{m:02d}/{y}",
    "{d:02d}.{m:02d}.{y}",
    "{y}{m:02d}{d:02d}",
    "{y}{m:02d}",
    "{m:02d}/{y}",
    "{y}",
)
CALENDARS = {
    543: "Buddhist calendar, 543 ahead",
    -1911: r"Republic of China \(Minguo\), 1911 behind",
    -579: r"Islamic calendar \(Hijri\)",
    -621: "Persian calendar",
}


@pytest.mark.parametrize("ahead", CALENDARS)
@pytest.mark.parametrize("form", FORMS)
def test_years_of_another_calendar_are_named_with_what_to_do(put, ahead, form):
    frame = LOANS.assign(issued=[form.format(y=day.year + ahead, m=day.month, d=15) for day in DAYS])
    path = put(frame)
    try:
        said = found(path, rules(), "issue_date")
        told = " ".join(said.loc[said["level"] == "error", "what"] + ". " + said["remedy"])
    except DataError as error:
        told = str(error)
    assert re.search(CALENDARS[ahead], told) and "as 2019-01-31, of the common calendar, in the export" in told
    assert re.search(CALENDARS[ahead], line_of(pd.read_csv(path, dtype=str), "issued"))


@pytest.mark.parametrize(
    "cell, says",
    [
        ("15 ม.ค. 2558", "Buddhist"),
        ("104年01月15日", "Minguo"),
        ("12/07/1436 هـ", "Hijri"),
        ("١٤٣٧/٠٧/١٢", "Hijri"),
        ("2072-01-15", "Nepal"),
    ],
)
def test_the_calendar_is_named_in_other_scripts_too(put, cell, says):
    path = put(LOANS.assign(issued=cell))
    try:
        told = " ".join(found(path, rules(), "issue_date")["what"])
    except DataError as error:
        told = str(error)
    assert says in told


def test_dates_in_digits_of_another_script_are_drafted():
    script = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    assert line_of(LOANS.assign(issued=LOANS["issued"].str.translate(script)), "issue_date").endswith("# sure")


def test_one_date_to_come_is_of_no_other_calendar(put):
    frame = LOANS.assign(issued=["2071-03-15", *LOANS["issued"][1:]])
    with pytest.raises(DataError, match="It lies in the future: correct the cell"):
        read_tape(put(frame), rules())


# ---------------------------------------------------------------- numbers that are more than a number


@pytest.mark.parametrize("mark", list("¹²³⁴₂①⓪ª"))
@pytest.mark.parametrize("name", ["amount", "income", "term"])
def test_the_mark_of_a_footnote_is_no_digit(put, mark, name):
    """``7800¹`` was read as 78001."""
    frame = LOANS.astype(object)
    frame.loc[3, name] = f"{frame.loc[3, name]}{mark}"
    with pytest.raises(DataError, match=r"1 value\(s\) cannot be read \(row 4"):
        read_tape(put(frame), rules())


def test_a_year_with_a_footnote_is_no_day_of_a_spreadsheet(put):
    with pytest.raises(DataError, match="cannot be read"):
        read_tape(put(LOANS.assign(issued=[f"{day.year}²" for day in DAYS])), rules())


def test_rates_as_factors_are_not_taken_for_fractions(put):
    """1.125 is 12.5 per cent; as a fraction, which the message proposed, it is 112.5."""
    frame = LOANS.assign(rate=[1 + (5 + place % 20) / 100 for place in range(N)])
    said = found(put(frame), rules({"rate": {"from": "rate"}}), "rate")
    assert (said["level"] == "error").any() and said["what"].str.contains("as a factor").any()
    assert not said["remedy"].str.contains("fraction").any()
    stated = found(put(frame), rules({"rate": {"from": "rate", "unit": "per cent"}}), "rate")
    assert not (stated["level"] == "error").any()


def test_9999_is_a_day_that_is_none_and_no_year_of_another_calendar(put):
    with pytest.raises(DataError, match="or name it under 'missing' if it stands for none"):
        read_tape(put(LOANS.assign(closed="9999-12-31")), rules({"closed_date": {"from": "closed"}}))


# ---------------------------------------------------------------- two tables in one file


@pytest.mark.parametrize("blank", ["", "\n"])
@pytest.mark.parametrize("swapped", [("amount", "income"), ("term", "dti"), ("id", "home")])
def test_a_header_that_comes_again_in_another_order_is_refused(put, blank, swapped):
    """The amounts of one half of the loans were the incomes of the other, with a note on a line set aside."""
    order = [dict(zip(swapped, swapped[::-1], strict=True)).get(name, name) for name in LOANS]
    below = LOANS.iloc[120:][order].to_csv(index=False)
    with pytest.raises(DataError, match="row 121 holds the header again in another order .* split the file there"):
        read_tape(put(LOANS.iloc[:120].to_csv(index=False) + blank + below), rules())
    same = put(LOANS.iloc[:120].to_csv(index=False) + blank + LOANS.iloc[120:].to_csv(index=False))
    assert len(read_tape(same, rules())) == N


# ---------------------------------------------------------------- odd files, with the answer that was written first

KEPT = "same"
HDR = "HDR,20200131,LENDER,,,,,\n"
#: name, content, mark, change of the mapping, the answer: the same loans, or what is said
ODD = [
    ("a trailer of a record file", lines("TRL,240,,,,,,"), ",", {}, KEPT),
    ("a trailer with the sum", lines(f"T,240,{LOANS['amount'].sum()},,,,,"), ",", {}, KEPT),
    ("a header of a record file", HDR + LOANS.to_csv(index=False), ",", {}, KEPT),
    ("what a client of a server adds", lines("", "(240 rows affected)"), ",", {}, KEPT),
    ("what another client adds", lines("240 rows in set (0.01 sec)"), ",", {}, KEPT),
    ("the end of the file in words", lines("-- end of file --"), ",", {}, KEPT),
    ("one word at the end", lines("EOF"), ",", {}, "line 242: 1 fields"),
    ("dashes below the names", lines("----,------,------,----,------,---,----,------", at=1), ",", {}, KEPT),
    ("lines of comment", "# of 2020\n# by AB\n" + LOANS.to_csv(index=False), ",", {}, KEPT),
    ("a comment among the loans", lines("# checked by AB", at=50), ",", {}, KEPT),
    ("a blank line behind every line", LOANS.to_csv(index=False).replace("\n", "\n\n"), ",", {}, KEPT),
    (
        "two files one behind the other",
        LOANS.to_csv(index=False) + "\ufeff" + LOANS.to_csv(index=False),
        ",",
        {},
        "key",
    ),
    ("blanks behind the names", LOANS.rename(columns=lambda name: f"{name} "), ",", {}, KEPT),
    ("names in capitals", LOANS.rename(columns=str.upper), ",", {}, "names are taken letter by letter"),
    ("rows as columns", LOANS.T.to_csv(header=False), ",", {"strict": True}, "no column 'issued'"),
    ("one line a loan and column", LOANS.melt("id"), ",", {}, "the same key more than once"),
    ("objects, one a line", LOANS.to_json(orient="records", lines=True), ",", {}, "is or holds JSON"),
    ("a table of a page", LOANS.to_html(index=False), ",", {}, "a table in HTML"),
    ("credits of a ledger", LOANS.assign(amount=LOANS["amount"].map("{:,}.00CR".format)), ";", {}, "cannot be read"),
    ("loans as what is owed", LOANS.assign(amount=-LOANS["amount"]), ",", {}, "negative, which cannot be"),
    ("lakhs", LOANS.assign(amount=[f"{x / 1e5:g} lakh" for x in LOANS["amount"]]), ",", {}, "write the numbers out"),
    ("thousands in one cell", LOANS.assign(amount=["10k", *LOANS["amount"][1:]]), ",", {}, "write the numbers out"),
    ("an error of a sheet", LOANS.assign(income=["#REF!", *LOANS["income"][1:]]), ",", {}, "cannot be read .row 1"),
    ("a star beside a number", LOANS.assign(amount=["2850*", *LOANS["amount"][1:]]), ",", {}, "cannot be read .row 1"),
    ("a half", LOANS.assign(dti=[f"{int(x)}½" for x in LOANS["dti"]]), ",", {}, "cannot be read"),
    ("two signs of per cent", LOANS.assign(dti=[f"{x}%%" for x in LOANS["dti"]]), ",", {}, "cannot be read"),
    ("debts in ratios", LOANS.assign(dti="1:3"), ",", {}, "cannot be read"),
    ("debts in brackets", LOANS.assign(dti=[f"({x})" for x in LOANS["dti"]]), ",", {}, "negative, which cannot be"),
    ("years and months of one length", LOANS.assign(term=["1 year", "12 months"] * (N // 2)), ",", {}, KEPT),
    ("digits of full width", LOANS.assign(term="１２"), ",", {}, KEPT),
    ("days with the hour of 24", LOANS.assign(issued=LOANS["issued"] + " 24:00:00"), ",", {}, "No usual pattern"),
    ("the day of the year", LOANS.assign(issued=DAYS.dt.strftime("%Y-%j")), ",", {}, "No usual pattern"),
    ("two days in a cell", LOANS.assign(issued=LOANS["issued"] + " - 2019-01-01"), ",", {}, "No usual pattern"),
    ("years among days", LOANS.assign(issued=["2015", *LOANS["issued"][1:]]), ",", {}, "The others are dates"),
    ("a universal time", LOANS.assign(issued=LOANS["issued"] + "T00:00:00.000Z"), ",", {}, KEPT),
    ("two states in a cell", LOANS.assign(status=LOANS["status"] + "/current"), ",", {}, "Known levels"),
    ("a state with its day", LOANS.assign(status=LOANS["status"] + " 2019-01-01"), ",", {}, "Known levels"),
    ("no word for the good", LOANS.assign(status=np.where(BAD, "charged off", "")), ",", {}, "no status"),
    ("a sign for the same again", LOANS.assign(home=["rent", *["do."] * (N - 1)]), ",", {}, "Known levels"),
]


@pytest.mark.parametrize("name, content, mark, top, answer", ODD, ids=[row[0] for row in ODD])
def test_an_odd_file_is_read_or_refused_as_was_written_first(put, name, content, mark, top, answer):
    path = put(content, sep=mark)
    try:
        tape = read_tape(path, rules(**top))
        said = "; ".join(tape.quality().findings.query("level != 'note'")["what"])
    except DataError as error:
        tape, said = None, str(error)
    if answer != KEPT:
        assert re.search(answer, said)
        return
    frame = tape.frame
    assert frame["loan_id"].tolist() == LOANS["id"].tolist() and frame["issue_date"].tolist() == DAYS.tolist()
    assert all(frame[column].tolist() == LOANS[column].tolist() for column in ("amount", "term", "income", "dti"))
    assert frame["home"].astype(str).tolist() == LOANS["home"].tolist() and frame["bad"].tolist() == BAD.tolist()
