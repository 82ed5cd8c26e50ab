"""Further members of the kinds of fault of ``test_tape_kinds``, which differ in mechanism from those tried there.

Each file is read right, or refused or asked about in words whose way out is tried with it.
"""

import contextlib
import io
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from made_tapes import book, ended, panel_of_stages, tape_of
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.report import TapeStudy
from p2prisk.tape import supports
from p2prisk.tape.draft import draft_mapping, guess_columns
from test_tape_kinds import BAD, DAYS, LOANS, SUM, N, asked, held, issued, lines, rules

ARABIC = str.maketrans("0123456789.,", "٠١٢٣٤٥٦٧٨٩٫٬")
HINDI = str.maketrans("0123456789", "०१२३४५६७८९")
SINCE_1904 = (DAYS - pd.Timestamp("1904-01-01")).dt.days
ISSUED = {"from": "issued"}


@pytest.fixture
def put(tmp_path):
    def write(content):
        content = content.to_csv(index=False) if isinstance(content, pd.DataFrame) else content
        (tmp_path / "loans.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "loans.csv"

    return write


def day(**more):
    return {"issue_date": ISSUED | more}


def column(name, cells):
    return LOANS.assign(**{name: list(cells)})


# ---------------------------------------------------------------- read right

#: kind, name, content, mapping
RIGHT = [
    (
        "T3",
        "Arabic digits, mark of thousands",
        column("amount", [f"{x:,}".translate(ARABIC) for x in LOANS.amount]),
        {},
    ),
    ("T3", "Arabic digits, decimal mark", column("dti", [f"{x:.2f}".translate(ARABIC) for x in LOANS.dti]), {}),
    ("T3", "Indian digits", column("amount", [str(x).translate(HINDI) for x in LOANS.amount]), {}),
    ("T10", "a date in Arabic digits", issued([x.translate(ARABIC) for x in LOANS.issued]), {}),
    ("T10", "days counted from 1904", issued(SINCE_1904), day(days_since="1904-01-01")),
    (
        "T10",
        "days counted from 1960",
        issued((DAYS - pd.Timestamp("1960-01-01")).dt.days),
        day(days_since="1960-01-01"),
    ),
    ("T10", "days counted from 1970", issued((DAYS - pd.Timestamp(0)).dt.days), day(days_since="1970-01-01")),
    *(
        ("T5", f"a part summed, and called {word}", lines(f"{word},,{SUM // 3},,,,,"), {})
        for word in ("Kokku", "المجموع", "รวม")
    ),
    ("T5", "a total of every number, called Kokku", lines(f"Kokku,,{SUM},12,{LOANS.income.sum()},18.1,,"), {}),
    ("T5", "sums of two groups", lines("rent,,100000,,,,,", "own,,120000,,,,,"), {}),
]


@pytest.mark.parametrize("kind, name, content, more", RIGHT, ids=[f"{row[0]}: {row[1]}" for row in RIGHT])
def test_the_same_loans(put, kind, name, content, more):
    tape = read_tape(put(content), rules(more))
    frame = tape.frame.reset_index(drop=True)
    for one in ("amount", "term", "income", "dti"):
        np.testing.assert_allclose(frame[one].to_numpy(dtype=float), LOANS[one].to_numpy(dtype=float))
    assert (frame["issue_date"] == DAYS).all() and (frame["bad"].to_numpy(dtype=bool) == BAD).all()
    assert tape.provenance["rows_read"] == N + sum(entry["rows"] for entry in tape.set_aside)


def test_year_and_month_of_two_columns(put):
    for month in (DAYS.dt.month, DAYS.dt.strftime("%B")):
        frame = LOANS.assign(y=DAYS.dt.year, month=month).drop(columns="issued")
        path = put(frame)
        said = read_tape(path, rules({"issue_date": {"from": "y"}})).quality().findings
        assert said["what"].str.contains("years only").any() and said["remedy"].str.contains("month_from").any()
        tape = read_tape(path, rules({"issue_date": {"from": "y", "month_from": "month"}}))
        assert (tape.frame["issue_date"] == DAYS.dt.to_period("M").dt.to_timestamp()).all()
        assert "year_only" not in tape.provenance
    with pytest.raises(DataError, match="row 1: '13'.*from 1 to 12"):
        read_tape(put(frame.assign(month=13)), rules({"issue_date": {"from": "y", "month_from": "month"}}))
    with pytest.raises(DataError, match="no column 'm'.*name the right column"):
        read_tape(path, rules({"issue_date": {"from": "y", "month_from": "m"}}))
    with pytest.raises(DataError, match="month_from is of a date only"):
        read_tape(path, rules({"issue_date": {"from": "y"}, "dti": {"from": "dti", "month_from": "month"}}))


@pytest.mark.parametrize("cells", [SINCE_1904.tolist(), SINCE_1904.astype(str).tolist()], ids=["numbers", "texts"])
def test_a_workbook_counts_its_days_from_its_own_first(tmp_path, cells):
    openpyxl = pytest.importorskip("openpyxl")
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(list(LOANS.columns))
    for row, cell in zip(LOANS.itertuples(index=False), cells, strict=True):
        book.active.append([row[0], cell, *row[2:]])
    book.save(tmp_path / "loans.xlsx")
    assert (read_tape(tmp_path / "loans.xlsx", rules()).frame["issue_date"] == DAYS).all()


@pytest.mark.parametrize("header, body", [(";", ","), (",", "\t"), ("\t", ",")])
def test_a_header_divided_by_another_mark_than_the_loans(put, header, body):
    text = LOANS.to_csv(index=False, sep=body).replace(body.join(LOANS.columns), header.join(LOANS.columns), 1)
    tape = read_tape(put(text), rules())
    assert tape.frame["amount"].tolist() == LOANS["amount"].tolist() and (tape.frame["bad"] == BAD).all()


def test_keys_whose_last_digits_a_spreadsheet_lost(put):
    said = read_tape(put(LOANS.assign(id=[f"1.{place:03d}E+11" for place in range(N)])), rules()).quality().findings
    hit = said[said["what"].str.contains("their last digits are lost")]
    assert hit["level"].tolist() == ["error"] and "as text" in hit["remedy"].iloc[0]


# ---------------------------------------------------------------- asked about, and the answer clears it


def unlike(every, value):
    return [value if place % every == 0 else x for place, x in enumerate(LOANS["issued"])]


def flagged(name):
    return LOANS.assign(**{name: (np.arange(N) % 5 < 2).astype(int)}).drop(columns="status")


def flag(name, **more):
    return {"bad": {"from": name} | more, "status": None}


SINCE = np.where(np.arange(N) % 3, 0, 5 + np.arange(N) % 60)
WORD = {"purpose": {"from": "use"}}
CLEAR = LOANS.assign(rate=10.0, paid=(LOANS.amount * 0.0879).round(2))
PAID = {"rate": {"from": "rate"}, "instalment": {"from": "paid"}}
#: kind, name, content, mapping, column and words of the finding, mapping that answers it (None: the file is to change)
ASKED = [
    ("T6", "ones for an income", held("income", 1), {}, "income", "hold 1, and the next value is", "missing: [1]"),
    ("T6", "cents for an amount", held("amount", 0.01), {}, "amount", "hold 0.01, and", "missing: [0.01]"),
    ("T6", "all ones", held("income", 111111), {}, "income", "hold 111111, and", "missing: [111111]"),
    ("T6", "counted up", held("income", 12345), {}, "income", "hold 12345, and", "missing: [12345]"),
    (
        "T6",
        "a score at its least",
        LOANS.assign(s=np.where(np.arange(N) % 10 == 0, 300, 500 + np.arange(N) % 300)),
        {"bureau_score": {"from": "s"}},
        "bureau_score",
        "hold 300, and",
        "missing: [300]",
    ),
    (
        "T6",
        "no months since, which is never",
        LOANS.assign(s=SINCE),
        {"months_since_delinquency": {"from": "s"}},
        "months_since_delinquency",
        "in this very month, or never",
        "missing: [0]",
    ),
    *(
        (
            "T6",
            f"{word} for a use",
            LOANS.assign(use=np.where(np.arange(N) % 9, "car", word)),
            WORD,
            "purpose",
            "level of its own",
            f"missing: ['{word}']",
        )
        for word in ("keine Angabe", "不详", "n.a.")
    ),
    (
        "T10",
        "a day long before all",
        issued(unlike(10, "2000-01-01")),
        {},
        "issue_date",
        "next date is 2015",
        "missing: ['2000-01-01']",
    ),
    (
        "T10",
        "days from an unknown first",
        issued(SINCE_1904),
        {},
        "issue_date",
        "days since 1899-12-30",
        "days_since: '1904-01-01'",
    ),
    (
        "T10",
        "years of two digits of another calendar",
        issued([f"{x:%d/%m}/{(x.year + 543) % 100}" for x in DAYS]),
        day(date=["%d/%m/%y"]),
        "issue_date",
        "1958 to 1960: of another calendar",
        None,
    ),
    (
        "T10",
        "years of an Islamic calendar",
        issued([f"{x.year - 579}-{x:%m-%d}" for x in DAYS]),
        {},
        "issue_date",
        "Islamic",
        None,
    ),
    (
        "T10",
        "midnight of another zone",
        issued((DAYS - pd.Timedelta(hours=1)).dt.strftime("%Y-%m-%dT%H:%M:%SZ")),
        {},
        "issue_date",
        "a day early",
        None,
    ),
    *(
        (
            "T1",
            f"bad is named {name}",
            flagged(name),
            flag(name),
            "bad",
            "after good loans",
            'recode: {"1": false, "0": true}',
        )
        for name in ("isGood", "non_default", "已还清")
    ),
    (
        "T14",
        "terms of 14 and 30",
        LOANS.assign(term=np.where(np.arange(N) % 2, 14, 30)),
        {},
        "term",
        "days where",
        "unit: days as months",
    ),
    ("T14", "terms of 30", LOANS.assign(term=30), {}, "term", "years where", "unit: years as months"),
    (
        "T14",
        "instalments in another currency",
        CLEAR.assign(paid=CLEAR.paid * 7.2),
        PAID,
        "instalment",
        "another currency",
        "unit: months",
    ),
    ("T14", "instalments of a week", CLEAR.assign(paid=CLEAR.paid / 4.3), PAID, "instalment", "not monthly", None),
    (
        "T14",
        "text encoded twice",
        LOANS.assign(use=np.where(np.arange(N) % 2, "GrÃ¶ÃŸe", "Miete")),
        WORD,
        "purpose",
        "encoded twice",
        None,
    ),
]


@pytest.mark.parametrize(
    "kind, name, content, more, column, says, answer", ASKED, ids=[f"{row[0]}: {row[1]}" for row in ASKED]
)
def test_what_is_doubtful_is_asked(put, kind, name, content, more, column, says, answer):
    path = put(content)
    hit = asked(path, rules(more), column, says, regex=False)
    assert len(hit) == 1 and hit["remedy"].iloc[0]
    if answer is not None:
        rule = (rules(more)["columns"][column]) | yaml.safe_load(answer)
        assert not len(asked(path, rules(more | {column: rule}), column, says, regex=False))


@pytest.mark.parametrize(
    "name, content, more",
    [
        ("a name of bad loans", flagged("not_repaid"), flag("not_repaid")),
        ("an outcome that is recoded", flagged("repaid"), flag("repaid", recode={"0": True, "1": False})),
        ("states of two letters", LOANS.assign(use=np.array(["ND", "SD", "NV", "NA"])[np.arange(N) % 4]), WORD),
        ("instalments that fit", CLEAR, PAID),
        ("terms of months", LOANS.assign(term=np.where(np.arange(N) % 2, 36, 60)), {}),
    ],
)
def test_what_is_plain_is_not_asked(put, name, content, more):
    said = read_tape(put(content), rules(more)).quality().findings
    words = "after good loans|level of its own|another currency|where months are meant"
    assert not said["what"].str.contains(words).any()


def test_a_day_that_no_calendar_has_is_text_in_quotation_marks(put, tmp_path):
    path, own = put(LOANS), tmp_path / "m.yml"
    own.write_text(yaml.safe_dump(rules()).replace("format: t", "title: 2020-13-45"))
    with pytest.raises(DataError, match="put it in quotation marks"):
        read_tape(path, own)
    own.write_text(own.read_text().replace("2020-13-45", "'2020-13-45'"))
    assert read_tape(path, own).provenance["title"] == "2020-13-45"


def test_pieces_in_folders_of_years_and_queries_of_a_file(put, tmp_path):
    path, folder = put(LOANS), tmp_path / "all"
    with pytest.raises(DataError, match="2 queries, and loans.csv is no database URL; give one"):
        read_tape(path, rules(), query=["select 1", "select 2"])
    assert len(read_tape(path, rules())) == N
    (folder / "year=2015").mkdir(parents=True)
    LOANS.to_parquet(folder / "year=2015" / "a.parquet")
    with pytest.raises(DataError, match="write the column into the files"):
        read_tape(folder, rules())
    LOANS.assign(year=2015).to_parquet(tmp_path / "all" / "a.parquet")
    (folder / "year=2015" / "a.parquet").unlink()
    assert len(read_tape(folder, rules())) == N


def test_a_code_that_looks_like_none_is_kept_where_the_mapping_names_it(put):
    path = put(LOANS.assign(use=np.array(["NA", "MI"])[np.arange(N) % 2]))
    assert read_tape(path, rules(WORD)).frame["purpose"].isna().sum() == N / 2
    told = {"purpose": {"from": "use", "recode": {"NA": "Napoli", "MI": "Milano"}}}
    assert read_tape(path, rules(told)).frame["purpose"].value_counts().tolist() == [N / 2, N / 2]


# ---------------------------------------------------------------- refused

ROWS = [list(LOANS.columns), *LOANS.to_numpy().tolist()]
PAGE = "<html><table>" + "".join(f"<tr><td>{row[0]}</td></tr>\n" for row in ROWS) + "</table></html>"
REFUSED = [
    ("T14", "a page saved as a table", PAGE, "HTML or XML.*export the loans as CSV"),
    ("T14", "a sheet in XML", '<?xml version="1.0"?>\n<Workbook></Workbook>\n', "HTML or XML"),
    ("T14", "JSON", LOANS.to_json(orient="records"), "JSON.*export the loans as CSV"),
    ("T14", "JSON, a line a loan", LOANS.to_json(orient="records", lines=True), "JSON"),
    ("T14", "a pickle", b"\x80\x04\x95" + bytes(99), "a pickle of Python"),
    ("T14", "a Stata file", b"<stata_dta><header>" + bytes(99), "a Stata file"),
    ("T14", "an Arrow file", b"ARROW1\0\0" + bytes(99), "an Arrow file"),
    (
        "T14",
        "a workbook under a password",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
        "under a password.*without",
    ),
    (
        "T3",
        "dollars on a tape in euros",
        column("amount", [f"${x}" for x in LOANS.amount]),
        r"say \$, which is not EUR",
    ),
    (
        "T10",
        "nines among days written as numbers",
        issued([f"{x:%Y%m%d}" if place % 10 else "99999999" for place, x in enumerate(DAYS)]),
        r'All but "99999999" are dates: name it under .missing.',
    ),
    *(
        (
            "T10",
            f"dates such as {form}",
            issued([form.format(y=x.year - 1911, e=x.year - 1988, d=x) for x in DAYS]),
            says,
        )
        for form, says in [
            ("{y}/{d:%m/%d}", "Republic of China .*: write"),
            ("{y}{d:%m%d}", "Republic of China"),
            ("民國{y}年{d:%m月%d日}", "Republic of China"),
            ("H{e}.{d:%m.%d}", "Japanese eras: write"),
            ("平成{e}年{d:%m月%d日}", "Japanese eras"),
        ]
    ),
    ("T10", "Korean dates", issued(DAYS.dt.strftime("%Y년 %m월 %d일")), r'date: \["%Y년 %m월 %d일"\] reads them all'),
    (
        "T8",
        "grades with plus and minus",
        LOANS.assign(grade=np.array(["A+", "A", "A-"])[np.arange(N) % 3]),
        "list the levels",
    ),
]


@pytest.mark.parametrize("kind, name, content, says", REFUSED, ids=[f"{row[0]}: {row[1]}" for row in REFUSED])
def test_what_cannot_be_read_is_refused(put, kind, name, content, says):
    more = {"grade": {"from": "grade"}} if isinstance(content, pd.DataFrame) and "grade" in content else {}
    with pytest.raises(DataError, match=says):
        read_tape(put(content), rules(more))


def test_an_opendocument_file_is_named(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "loans.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(DataError, match="an OpenDocument file; save it as .xlsx or CSV"):
        read_tape(tmp_path / "loans.ods", rules())


@pytest.mark.parametrize("pattern", ["%Y년 %m월 %d일", "%Y 年 %m 月 %d 日"])
def test_the_pattern_proposed_for_dates_with_blanks_reads_them(put, pattern):
    tape = read_tape(put(issued(DAYS.dt.strftime(pattern))), rules(day(date=[pattern])))
    assert (tape.frame["issue_date"] == DAYS).all()


def test_years_of_two_digits_are_never_to_come(put):
    cells = [f"{66 + place % 3}-{x:%m-%d}" for place, x in enumerate(DAYS)]
    tape = read_tape(put(issued(cells)), rules(day(date=["%y-%m-%d"])))
    assert tape.frame["issue_date"].dt.year.isin([1966, 1967, 1968]).all()


# ---------------------------------------------------------------- scores


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    frame = pd.concat([LOANS.assign(id=f"{k}-" + LOANS["id"]) for k in "ab"])
    frame.to_csv(folder / "loans.csv", index=False)
    (folder / "m.yml").write_text(yaml.safe_dump(rules()))
    with contextlib.redirect_stdout(io.StringIO()):
        assert (
            main(["fit", str(folder / "loans.csv"), "--map", str(folder / "m.yml"), "--output", str(folder / "m.json")])
            == 0
        )
    return folder


def scored(model, frame, *more):
    frame.to_csv(model / "new.csv", index=False)
    own = ["--model", str(model / "m.json"), "--output", str(model / "out.csv"), *more]
    return main(["score", str(model / "new.csv"), *own])


def test_a_mapping_in_another_currency_is_refused(model, capsys):
    (model / "usd.yml").write_text(yaml.safe_dump(rules(currency="USD")))
    assert scored(model, LOANS, "--map", str(model / "usd.yml")) == 2
    assert "are in USD, those of the model in EUR: convert them" in capsys.readouterr().err


def test_what_the_reader_did_to_a_cell_is_said(model, capsys):
    assert scored(model, LOANS.head(3).assign(dti=[-1, 12, 13])) == 0
    assert "dti: negative, which cannot be: set to missing [1 row]" in capsys.readouterr().err


@pytest.mark.parametrize("loans, said", [(1, False), (20, True)])
def test_few_loans_in_another_unit_are_enough_for_a_word(model, capsys, loans, said):
    assert scored(model, LOANS.head(loans).assign(dti=LOANS["dti"] / 100)) == 0
    assert ("another unit" in capsys.readouterr().err) == said
    assert scored(model, LOANS.head(loans)) == 0
    assert "another unit" not in capsys.readouterr().err


# ---------------------------------------------------------------- drafts

#: header of a public loan book -> what its columns mean
BOOKS = {
    "Zopa": {
        "Encrypted Loan ID": "loan_id",
        "Latest Status": "status",
        "Disbursal date": "issue_date",
        "Original Loan Amount": "amount",
        "Term": "term",
        "Lending rate": "rate",
    },
    "Funding Circle": {
        "Loan part ID": "loan_id",
        "Risk band": "grade",
        "Loan amount": "amount",
        "Status": "status",
        "Loan accepted date": "issue_date",
        "Term (months)": "term",
    },
    "Fannie Mae": {
        "Loan Identifier": "loan_id",
        "Original Interest Rate": "rate",
        "Original UPB": "amount",
        "Original Loan Term": "term",
        "Origination Date": "issue_date",
        "Property State": "region",
        "Borrower Credit Score at Origination": "bureau_score",
        "Current Actual UPB": "balance",
    },
    "a course": {
        "person_income": "income",
        "loan_intent": "purpose",
        "loan_grade": "grade",
        "loan_amnt": "amount",
        "loan_int_rate": "rate",
        "person_emp_length": "employment_years",
    },
    "another course": {"LoanID": "loan_id", "DTIRatio": "dti", "LoanTerm": "term", "CreditScore": "bureau_score"},
}


@pytest.mark.parametrize("book", BOOKS)
def test_headers_of_further_books_are_placed(book):
    assert {name: guess[0] for name, guess in guess_columns(list(BOOKS[book])).items()} == BOOKS[book]


def test_what_was_asked_for_or_defaulted_before_is_no_amount_and_no_outcome():
    names = ["loan_amount_requested", "disbursed_amount", "cb_person_default_on_file"]
    assert {name: guess[0] for name, guess in guess_columns(names).items()} == {"disbursed_amount": "amount"}


def test_year_and_month_of_issue_are_drafted_together(put, tmp_path):
    frame = LOANS.assign(issue_year=DAYS.dt.year, issue_month=DAYS.dt.month).drop(columns="issued")
    text, unplaced = draft_mapping(frame, "t")
    assert "issue_date: {from: issue_year, month_from: issue_month}" in text and not unplaced
    (tmp_path / "m.yml").write_text(text + "record_date: 2020-01-31\n")
    assert read_tape(put(frame), tmp_path / "m.yml").frame["issue_date"].dt.month.tolist() == DAYS.dt.month.tolist()


def test_an_order_of_grades_with_plus_and_minus_is_proposed():
    text, _ = draft_mapping(LOANS.assign(grade=np.array(["A+", "A", "A-", "B"])[np.arange(N) % 4]), "t")
    assert 'order: "?"' in text and '["A+", A, "A-", B]' in text


# ---------------------------------------------------------------- reports


def test_parallel_lines_without_the_trait_that_separates():
    frame = panel_of_stages()
    rng = np.random.default_rng(0)
    lost = (frame["status"] == "charged off").to_numpy()
    study = TapeStudy(tape_of(frame.assign(homeowner=lost & (rng.random(len(frame)) < 0.3))))
    table = study.parallel_lines()
    assert "homeowner" not in set(table["term"]) and {"income", "employment_status"} <= set(table["term"])
    assert "Not tested, as it separates the classes at some cut: homeowner." in table.attrs["sentence"]


def test_a_departure_is_from_the_mean_that_the_covariance_weighs():
    """Three logits by statsmodels, their joint covariance as Brant wrote it, and the generalised least-squares mean."""
    import statsmodels.api as sm

    study = TapeStudy(tape_of(panel_of_stages()))
    model = study.outcome_model.results.model
    names, rank = list(study.outcome_model.results.exog_names), study.sample.frame["severity"].cat.codes.to_numpy()
    design = sm.add_constant(np.asarray(model.exog, dtype=float))
    fits = [sm.Logit((rank > cut).astype(float), design).fit(disp=0) for cut in range(3)]
    chance = [fit.predict() for fit in fits]
    inverse = [np.linalg.inv(design.T @ (design * (p * (1 - p))[:, None])) for p in chance]
    at = 1 + names.index("employment_status: temp")
    slopes, joint = np.array([fit.params[at] for fit in fits]), np.empty((3, 3))
    for one in range(3):
        for two in range(one, 3):
            between = design.T @ (design * (chance[two] * (1 - chance[one]))[:, None])
            joint[one, two] = joint[two, one] = (inverse[one] @ between @ inverse[two])[at, at]
    weights = np.linalg.solve(joint, np.ones(3))
    away = slopes - slopes @ weights / weights.sum()
    table = study.parallel_lines()
    row = table.set_index("term").loc["employment_status"]
    assert row["compared"].startswith("temp")
    assert np.log(row["departure"]) == pytest.approx(away[np.abs(away).argmax()], rel=1e-6)
    assert "times its precision-weighted mean over the cuts" in table.attrs["sentence"]


def test_loans_that_were_seen_for_no_month_are_told_apart():
    study = TapeStudy(tape_of(book(dated=True, seed=7)))
    found = re.search(r"\(([\d,]+) loans issued by then, ([\d,]+) of them seen for a whole month", study.judged.built)
    issued_then, seen = (int(part.replace(",", "")) for part in found.groups())
    assert seen == study.judged.model.results.nobs < issued_then


@pytest.mark.parametrize("rare, kind", [("charged off", "bad"), ("paid", "good")])
def test_one_loan_of_an_outcome_makes_no_model(rare, kind):
    other = "paid" if rare == "charged off" else "charged off"
    frame = ended(size=300)
    frame["status"] = [rare if place == 5 else other for place in range(len(frame))]
    table = supports(tape_of(frame)).set_index("part")
    assert table.loc["outcome model", "why"] == f"only 1 {kind} loan"


def test_an_order_that_names_a_level_twice_is_refused(tmp_path):
    """Which of the two places holds is for the lender to say."""
    frame = pd.DataFrame({"amount": [1000.0] * 6, "mark": ["1", "2", "3"] * 2})
    frame.to_csv(tmp_path / "loans.csv", index=False)
    mapping = {"columns": {"amount": {"from": "amount"}, "grade": {"from": "mark", "order": ["1", "2", "1", "3"]}}}
    with pytest.raises(DataError, match="'order' names 1 twice"):
        read_tape(tmp_path / "loans.csv", mapping)
