"""Drafts: columns are placed by name and values, in six languages, and what only the lender knows is asked."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import headers
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.tape.draft import draft_mapping, guess_columns
from p2prisk.tape.mapping_file import parse_mapping

N = 60
ROW = np.arange(N)
VALUES = {
    "loan_id": [f"k{i:04d}" for i in ROW],
    "issue_date": pd.date_range("2015-01-20", periods=N, freq="11D").strftime("%Y-%m-%d"),
    "amount": 1000 + 250 * ROW,
    "term": np.array([12, 36, 60])[ROW % 3],
    "rate": 6.5 + ROW / 10,
    "income": 30000 + 500 * ROW,
    "age": 20 + ROW % 45,
    "status": np.array(["?", "!"])[ROW % 2],
    "purpose": np.array(["a", "b", "c"])[ROW % 3],
    "home": np.array(["?", "!"])[ROW % 2],
}
LANGUAGES = {
    "English": (
        ["Loan No.", "Disbursement Date", "Loan Amount (EUR)", "Tenor", "Interest Rate", "Annual Income"]
        + ["Borrower Age", "Loan Status", "Loan Purpose", "Housing"],
        ("Fully Paid", "Charged Off", "Rent", "Own"),
    ),
    "Chinese": (
        [
            "借款编号",
            "放款日期",
            "借款金额（元）",
            "借款期限",
            "年利率",
            "年收入",
            "年龄",
            "借款状态",
            "借款用途",
            "住房情况",
        ],
        ("已还清", "坏账", "租房", "自有"),
    ),
    "German": (
        ["Vertragsnummer", "Auszahlungsdatum", "Kredithöhe", "LAUFZEIT", "Zinssatz", "Jahreseinkommen", "Alter"]
        + ["Kreditstatus", "Verwendungszweck", "Wohnsituation"],
        ("zurückgezahlt", "Ausfall", "Miete", "Eigentum"),
    ),
    "French": (
        ["Numéro de prêt", "Date de déblocage", "Montant du prêt", "Durée (mois)", "Taux d'intérêt", "Revenu annuel"]
        + ["Âge", "Statut du prêt", "Objet du prêt", "Logement"],
        ("remboursé", "passé en perte", "locataire", "propriétaire"),
    ),
    "Spanish": (
        ["Número de préstamo", "Fecha de desembolso", "Monto del préstamo", "Plazo (meses)", "Tasa de interés"]
        + ["Ingresos anuales", "Edad", "Estado del crédito", "Destino", "Tipo de vivienda"],
        ("pagado", "castigado", "alquiler", "propia"),
    ),
    "Portuguese": (
        ["Número do contrato", "Data de liberação", "Valor do empréstimo", "Prazo em meses", "Taxa de juros"]
        + ["Renda anual", "Idade", "Situação do contrato", "Finalidade", "Moradia"],
        ("quitado", "prejuízo", "aluguel", "própria"),
    ),
}


def table(language):
    names, (paid, lost, rent, own) = LANGUAGES[language]
    frame = pd.DataFrame(VALUES)
    frame["status"] = np.array([paid, lost])[ROW % 2]
    frame["home"] = np.array([rent, own])[ROW % 2]
    return frame.set_axis(names, axis=1)


@pytest.mark.parametrize("name", headers.files())
def test_headers_of_public_files_are_placed_and_none_wrongly(name):
    meant, right, wrong, missed = headers.judged(headers.files()[name])
    assert not wrong
    assert meant >= 7 and right >= 0.8 * meant, missed


@pytest.mark.parametrize("name", headers.HEADERS)
def test_the_tables_have_the_columns_of_the_public_files(name):
    """None more, none fewer: a meaning is given to every column that the reader of the file meets."""
    assert sorted(headers.files()[name]) == sorted(headers.names_of(name))


@pytest.mark.parametrize(
    "name, file", [("Prosper", "prosper_closed_2009_2014"), ("Lending Club", "lendingclub_2007_2011")]
)
def test_the_columns_of_the_files_themselves_are_placed(name, file):
    """The tables of :mod:`headers` against the files, by their own names and values."""
    path = Path(__file__).parents[2] / "shared" / "data" / f"{file}.csv.gz"
    if not path.is_file():
        pytest.skip(f"{file} is not here; its header is tried with made-up values")
    real, table = pd.read_csv(path, nrows=4000, low_memory=False), headers.files()[name]
    known = {column: (table[column][0], real[column].to_numpy()) for column in real.columns if column in table}
    meant, right, wrong, missed = headers.judged(known)
    assert len(known) >= 0.85 * real.shape[1]  # the others are no columns of the public file
    assert not wrong and right >= 0.8 * meant, missed


@pytest.mark.parametrize("change", [str, str.upper, str.lower, lambda name: name.replace(" ", "_")])
@pytest.mark.parametrize("language", LANGUAGES)
def test_headers_in_six_languages_and_any_case(language, change):
    frame = table(language)
    frame.columns = [change(name) for name in frame.columns]
    guesses = guess_columns(list(frame.columns), frame)
    assert [guesses.get(name, ("",))[0] for name in frame.columns] == list(VALUES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_reads_its_own_file(language, tmp_path):
    frame = table(language)
    frame.to_csv(tmp_path / "loans.csv", index=False)
    text, unplaced = draft_mapping(frame, "loans")
    (tmp_path / "m.yml").write_text(text, encoding="utf-8")
    tape = read_tape(tmp_path / "loans.csv", tmp_path / "m.yml")
    assert not unplaced and tape.kind == "resolved" and tape.frame["bad"].tolist() == (ROW % 2 == 1).tolist()
    assert tape.frame["home"].tolist() == ["rent", "own"] * (N // 2)
    assert tape.frame["amount"].tolist() == VALUES["amount"].tolist()


@pytest.mark.parametrize(
    "name", ["TARGET", "default", "BAD", "class", "y", "Risk", "Kredit", "target", "是否违约", "Impago"]
)
@pytest.mark.parametrize("values", [[0, 1], ["0", "1"], [0.0, 1.0], ["good", "bad"], ["yes", "no"]])
def test_an_outcome_is_never_a_trait(name, values):
    frame = pd.DataFrame({name: np.array(values, dtype=object)[ROW % 2], "Loan Amount": VALUES["amount"]})
    guesses = guess_columns(list(frame.columns), frame)
    assert guesses.get(name, ("bad",))[0] == "bad" and guesses["Loan Amount"][0] == "amount"


@pytest.mark.parametrize(
    "name, values",
    [
        ("rate", [1, 2, 3, 4]),
        ("amount", [0, 1]),
        ("dti", ["low", "high"]),
        ("issue date", ["spring", "autumn"]),
        ("age", [1200, 45000]),
        ("status", [0, 1]),
        ("grade", ["good", "bad"]),
        ("homeowner", ["house", "flat", "boat", "tent"]),
        ("score", [0.1, 0.7]),
    ],
)
def test_a_name_that_its_values_contradict_is_not_believed(name, values):
    frame = pd.DataFrame({name: np.array(values, dtype=object)[ROW % len(values)], "id": VALUES["loan_id"]})
    text, unplaced = draft_mapping(frame, "t")
    assert name in unplaced
    assert re.search(rf"{name}: not placed .*its name suggests", text)


def test_a_draft_says_how_sure_it_is():
    frame = pd.DataFrame(
        {"Loan Amount": VALUES["amount"], "Intrest Rate": VALUES["rate"], "income_annual_usd": VALUES["income"]}
    )
    text, _ = draft_mapping(frame, "t")
    assert re.search(r"amount: .*# sure", text)
    assert re.search(r"rate: .*# guessed from a similar name", text)
    assert re.search(r"income: .*# likely: a name of the same words", text)


def test_open_questions_are_answered_one_by_one(tmp_path, capsys):
    frame = table("English")
    frame["Loan Status"] = np.array(["Fully Paid", "gone south"])[ROW % 2]
    frame["Disbursement Date"] = pd.date_range("2015-01-01", periods=N, freq="33D").map(
        lambda day: day.strftime("%m/02/%Y")
    )
    frame["Rating"] = np.array([1, 2, 3])[ROW % 3]
    path, own = tmp_path / "loans.csv", tmp_path / "m.yml"
    frame.to_csv(path, index=False)
    assert main(["map", str(path), "--output", str(own)]) == 0
    text = own.read_text(encoding="utf-8")
    assert parse_mapping(text)["columns"]  # valid YAML, questions and all
    capsys.readouterr()
    for asked, before, after in (
        ("column 'issue_date': date is open", 'date: "?"', 'date: ["%m/%d/%Y"]'),
        ("column 'grade': order is open", 'order: "?"', "order: [1, 2, 3]"),
        ("column 'status': what is 'gone south'?", 'gone south: "?"', "gone south: charged off"),
    ):
        assert main(["check", str(path), "--map", str(own)]) == 2
        assert asked in capsys.readouterr().err
        assert before in text
        text = text.replace(before, after)
        own.write_text(text, encoding="utf-8")
    assert main(["check", str(path), "--map", str(own)]) in (0, 1)
    tape = read_tape(path, own)
    assert tape.frame["bad"].sum() == N / 2 and tape.frame["issue_date"].dt.day.eq(2).all()


def test_units_are_drafted_from_names_and_values(tmp_path):
    frame = pd.DataFrame(
        {
            "id": VALUES["loan_id"],
            "Monthly income": 2000 + 10 * ROW,
            "interest rate": 0.05 + ROW / 1000,
            "DAYS_BIRTH": -(9000 + 100 * ROW),
            "DAYS_EMPLOYED": np.where(ROW % 5 == 4, 365243, -(1000 + ROW)),
            "借款金额(万元)": 1 + ROW / 10,
            "Loan term (years)": 1 + ROW % 3,
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    text, unplaced = draft_mapping(frame, "t")
    (tmp_path / "m.yml").write_text(text, encoding="utf-8")
    tape = read_tape(tmp_path / "a.csv", tmp_path / "m.yml").frame
    assert not unplaced
    assert tape["income"].iloc[0] == 24000 and tape["rate"].iloc[0] == 5 and tape["amount"].iloc[0] == 10000
    assert tape["age"].iloc[0] == pytest.approx(9000 / 365.25, abs=0.01) and tape["term"].iloc[0] == 12
    assert tape["employment_years"].isna().sum() == N / 5 and tape["employment_years"].iloc[0] > 2.7


def test_marks_and_month_ends_are_drafted(tmp_path):
    frame = table("German")
    frame["Kredithöhe"] = [f"{1 + i}.{i:03d},50" for i in ROW]
    frame["Zinssatz"] = [f"{6 + i / 10:.2f}".replace(".", ",") for i in ROW]
    frame["Stichtag"] = "2020-03-31"
    both = pd.concat([frame.assign(Stichtag="2020-02-29"), frame])
    both.to_csv(tmp_path / "a.csv", index=False, sep=";")
    assert main(["map", str(tmp_path / "a.csv"), "--output", str(tmp_path / "m.yml")]) == 0
    text = (tmp_path / "m.yml").read_text(encoding="utf-8")
    assert 'decimal: ","' in text and "record_date_from: [Stichtag]" in text
    tape = read_tape(tmp_path / "a.csv", tmp_path / "m.yml")
    assert len(tape) == N and tape.provenance["record_date"] == "2020-03-31"
    assert tape.frame["amount"].iloc[1] == 2001.5 and tape.frame["rate"].iloc[0] == 6


def test_a_mark_that_the_cells_do_not_tell_is_asked(tmp_path):
    frame = pd.DataFrame(
        {"id": VALUES["loan_id"], "amount": [f"{1 + i % 9}.{500 + i}" for i in ROW], "term": VALUES["term"]}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert main(["map", str(tmp_path / "a.csv"), "--output", str(tmp_path / "m.yml")]) == 0
    with pytest.raises(DataError, match="decimal is open"):
        read_tape(tmp_path / "a.csv", tmp_path / "m.yml")
    own = (tmp_path / "m.yml").read_text(encoding="utf-8").replace('decimal: "?"', 'decimal: ","')
    (tmp_path / "m.yml").write_text(own, encoding="utf-8")
    assert read_tape(tmp_path / "a.csv", tmp_path / "m.yml").frame["amount"].iloc[0] == 1500


def test_foreign_recodes_are_not_taken_without_a_look_at_the_values():
    frame = pd.DataFrame(
        {"emp_length": ROW % 12, "home_ownership": np.array(["RENT", "CASTLE"])[ROW % 2], "loan_amnt": 5000 + ROW}
    )
    columns = parse_mapping(draft_mapping(frame, "t")[0])["columns"]
    assert "recode" not in columns["employment_years"]
    assert columns["home"]["recode"] == {"RENT": "rent", "CASTLE": "?"}
