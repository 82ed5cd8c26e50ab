"""Tapes as lenders of other countries export them: read, or drafted, to the same loans as the English one.

Each file is a few made-up rows; the codes that a language has for paid and lost are those of its lenders.
"""

import io

import numpy as np
import pandas as pd
import pytest

from p2prisk import read_tape
from p2prisk.errors import DataError
from p2prisk.tape.draft import draft_mapping
from p2prisk.tape.encodings import other_encoding
from p2prisk.tape.mapping_file import parse_mapping
from test_tape_kinds import BAD, DAYS, LOANS, N, rules

MONTHLY = (LOANS.income / 12).round(2)


def comma(numbers):
    return [f"{number:,.2f}".replace(",", "\u00a0").replace(".", ",") for number in numbers]


def book(key, day, amount, term, rate, income, state, words, sign="", unit=" "):
    """A book of one language: names of its columns, words for paid and lost."""
    return pd.DataFrame(
        {
            key: [f"N{place}" for place in range(N)],
            day: DAYS.dt.strftime("%d.%m.%Y"),
            amount: [text + unit + sign for text in comma(LOANS.amount)],
            term: LOANS.term,
            rate: np.where(np.arange(N) % 2, "12,5", "9,25"),
            income: [text + unit + sign for text in comma(MONTHLY)],
            state: np.where(BAD, words[1], words[0]),
        }
    )


BOOKS = {
    "Russian": book(
        "Номер договора", "Дата выдачи", "Сумма займа, руб.", "Срок, мес.", "Ставка, % годовых", "Доход в месяц",
        "Статус займа", ("Погашен", "Списан"), "руб.",
    ),
    "Indonesian": book(
        "No Pinjaman", "Tanggal Pencairan", "Jumlah Pinjaman", "Tenor (bulan)", "Suku Bunga (% per tahun)",
        "Penghasilan Bulanan", "Status Pinjaman", ("Lunas", "Hapus buku"),
    ),
    "Polish": book(
        "Nr umowy", "Data wypłaty", "Kwota pożyczki", "Okres (mies.)", "Oprocentowanie", "Dochód miesięczny", "Stan",
        ("spłacona", "spisana"), "zł",
    ),
    "Turkish": book(
        "Kredi No", "Kullandırım Tarihi", "Kredi Tutarı", "Vade (Ay)", "Yıllık Faiz", "Aylık Gelir", "Durum",
        ("Kapandı", "Zarar"), "TL",
    ),
    "Czech": book(
        "Číslo smlouvy", "Datum poskytnutí", "Výše úvěru", "Splatnost (měsíce)", "Úroková sazba", "Měsíční příjem",
        "Stav", ("splaceno", "odepsáno"), "Kč",
    ),
    "Korean": book(
        "대출번호", "대출일자", "대출금액", "대출기간(개월)", "금리", "월소득", "대출상태", ("상환완료", "상각"), "원",
        unit="",
    ),
    "Vietnamese": book(
        "Mã khoản vay", "Ngày giải ngân", "Số tiền vay", "Kỳ hạn (tháng)", "Lãi suất (%/năm)", "Thu nhập hàng tháng",
        "Trạng thái", ("Đã tất toán", "Nợ xấu"),
    ),
}  # fmt: skip


@pytest.fixture
def put(tmp_path):
    def write(content, name="loans.csv", encoding="utf-8"):
        content = content.to_csv(index=False, sep=";") if isinstance(content, pd.DataFrame) else content
        (tmp_path / name).write_bytes(content.encode(encoding))
        return tmp_path / name

    return write


@pytest.mark.parametrize("language", BOOKS)
def test_a_book_of_another_language_is_drafted_and_read(put, language):
    """Nothing is left to be answered."""
    text, unplaced = draft_mapping(BOOKS[language].astype(str), "loans")
    assert not unplaced and '"?"' not in text.split("columns:")[1], text
    frame = read_tape(put(BOOKS[language]), parse_mapping(text)).frame
    np.testing.assert_allclose(frame["amount"].astype(float), LOANS["amount"].astype(float))
    np.testing.assert_allclose(frame["income"].astype(float), 12 * MONTHLY)
    assert frame["term"].tolist() == LOANS["term"].tolist() and (frame["issue_date"] == DAYS).all()
    assert frame["rate"].tolist() == [12.5 if place % 2 else 9.25 for place in range(N)]
    assert (frame["bad"].to_numpy(dtype=bool) == BAD).all()


@pytest.mark.parametrize(
    "name, unit", [("Срок, недель", "weeks"), ("Plazo (semanas)", "weeks"), ("Tenor (minggu)", "weeks")]
)
def test_terms_in_weeks_are_drafted_so(name, unit):
    text, _ = draft_mapping(pd.DataFrame({name: [12, 24, 52] * 10}), "loans")
    assert f"unit: {unit} as months" in text


@pytest.mark.parametrize(
    "name, unit", [("Loan amount (£000)", "thousand"), ("年収(万円)", "ten thousand"), ("Сумма, тыс. руб.", "thousand")]
)
def test_units_of_money_in_the_header_are_drafted(name, unit):
    text, _ = draft_mapping(pd.DataFrame({name: np.arange(30) + 5.5}), "loans")
    assert f"unit: {unit}}}" in text


def test_cuotas_are_a_number_or_a_sum_by_their_values():
    count, money = (pd.DataFrame({"Cuotas": cells}) for cells in ([6, 12, 24] * 10, [123.45, 98.7, 310.2] * 10))
    assert "term: {from: Cuotas}" in draft_mapping(count, "loans")[0]
    assert "instalment: {from: Cuotas}" in draft_mapping(money, "loans")[0]


def test_a_draft_that_places_nothing_is_told_so(put, tmp_path):
    """It was said that none of the columns it names is in the header; it names none. The way out works."""
    path, rules_of = put("nyx,qorb\n1,2\n2,3\n"), tmp_path / "loans.yml"
    rules_of.write_text(draft_mapping(pd.read_csv(path), "loans")[0], encoding="utf-8")
    with pytest.raises(DataError, match="no column is placed; write which is which under columns"):
        read_tape(path, rules_of)
    rules_of.write_text("format: t\ncolumns: {amount: {from: nyx}}\n", encoding="utf-8")
    assert read_tape(path, rules_of).frame["amount"].tolist() == [1, 2]


def test_a_header_that_comes_again_is_not_drafted_as_loans():
    again = pd.DataFrame([LOANS.columns], columns=LOANS.columns)
    frame = pd.concat([LOANS.astype(str), again, LOANS.astype(str), again], ignore_index=True)
    assert draft_mapping(frame, "loans") == draft_mapping(pd.concat([LOANS.astype(str)] * 2), "loans")


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    "encoding, text",
    [
        ("cp1252", "vollständig zurückgezahlt"),  # one word alone: other readings have capitals inside it
        ("cp1251", BOOKS["Russian"].to_csv(sep=";")),
        ("cp1250", BOOKS["Czech"].to_csv(sep=";")),
    ],
)
def test_spaces_in_numbers_and_capitals_in_words_say_nothing_of_another_encoding(tmp_path, encoding, text):
    """Hundreds of numbers with a space without a break used to drown the words."""
    assert other_encoding(tmp_path / "loans.csv", io.BytesIO(text.encode(encoding))) == encoding


# ---------------------------------------------------------------- totals, days, inch marks


@pytest.mark.parametrize("more, rows", [(0, N), (1000, N + 1)])
def test_a_total_of_text_without_a_key_is_no_loan(put, more, rows):
    """A row that holds more than the sum is none of our business, and is kept with a word on its gaps."""
    frame = LOANS.drop(columns="id").assign(**{name: comma(LOANS[name]) for name in ("amount", "dti", "income")})
    last = dict.fromkeys(frame, "") | {"amount": comma([LOANS.amount.sum() + more])[0]}
    mapping = rules({"loan_id": None}, decimal=",")
    tape = read_tape(put(pd.concat([frame, pd.DataFrame([last])])), mapping)
    assert len(tape) == rows
    assert [entry["reason"] for entry in tape.set_aside] == ["total or average, not a loan"] * (rows == N)


def test_a_loan_of_the_last_hour_is_not_issued_after_the_record_date(put):
    hours = [f"{day:%Y-%m-%d} {9 + place % 9:02d}:15:00" for place, day in enumerate(DAYS)]
    mapping = rules() | {"record_date": None}
    said = read_tape(put(LOANS.assign(issued=hours).to_csv(index=False)), mapping).quality().findings
    assert not said["what"].str.contains("after the record date").any()


def test_one_day_for_all_ends_is_said_and_not_used(put):
    mapping = rules({"closed_date": {"from": "closed"}})
    tape = read_tape(
        put(LOANS.assign(closed="2021-06-30").to_csv(index=False)), mapping | {"record_date": "2022-01-31"}
    )
    said = tape.quality().findings["what"]
    assert said.str.contains(f"{N} of the {N} loans that ended did so on one day, 2021-06-30: no day").any()
    assert "closed_date" not in tape.frame
    some = ["2021-06-30" if place % 8 else "2021-05-31" for place in range(N)]
    kept = read_tape(put(LOANS.assign(closed=some).to_csv(index=False)), mapping | {"record_date": "2022-01-31"})
    assert "closed_date" in kept.frame


@pytest.mark.parametrize("cell, text", [('"12" tv"', '12" tv'), ('"12"" tv"', '12" tv'), ('"a "b" c"', 'a b" c"')])
def test_an_inch_mark_in_a_quoted_cell_stays(put, cell, text):
    """The last is no inch mark: it is read as before."""
    lines = LOANS.assign(use="car").to_csv(index=False).splitlines()
    lines[5] = lines[5].removesuffix("car") + cell
    frame = read_tape(put("\n".join(lines) + "\n"), rules({"purpose": {"from": "use"}})).frame
    assert frame["purpose"].astype(str).iloc[4] == text and frame["amount"].tolist() == LOANS["amount"].tolist()
