"""Canaries: personal values of thirty kinds, planted in every column, are in no byte that a command writes.

``python tests/test_private.py`` runs every kind in every column through every command, and prints a table (minutes).
"""

import contextlib
import io
import json
import os
import random
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import canaries
import headers
import p2prisk
from p2prisk import read_tape
from p2prisk.cli import main
from p2prisk.errors import DataError
from p2prisk.standard import fit_standard
from p2prisk.tape.choose import shown
from p2prisk.tape.privacy import kind_of, masked, name_kind, personal_columns, personal_name, pooled, scrubbed

COLUMNS = [name for name in canaries.tape(10).columns]


def ran(folder, *arguments):
    """All that a command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
    assert code in (0, 1, 2, 10, 11, 12, 13), out.getvalue()
    return out.getvalue()


def written(folder, frame, kind="csv", outcomes=("severity", "grade")):
    """Every byte that the commands print, or leave in the folder, for a tape."""
    source = folder / "in" / f"loans.{kind}"
    source.parent.mkdir(exist_ok=True)
    if kind == "csv":
        frame.to_csv(source, index=False)
    elif kind == "xlsx":
        frame.to_excel(source, index=False)
    else:
        frame.astype(str).to_parquet(source)
    folder = folder / "out"
    folder.mkdir(exist_ok=True)
    texts = [ran(folder, "check", source), ran(folder, "map", source)]
    lenient = (source, "--on-error", "missing")
    texts += [ran(folder, "check", *lenient, "--html", folder / "q.html")]
    texts += [ran(folder, "map", source, "--output", folder / "m.yml")]
    for outcome in outcomes:
        texts += [ran(folder, "fit", *lenient, "--outcome", outcome, "--output", folder / f"{outcome}.json")]
        model = folder / f"{outcome}.json"
        if model.exists():
            texts += [ran(folder, "score", *lenient, "--model", model, "--output", folder / f"{outcome}.csv")]
            texts += [ran(folder, "score", source, "--model", model, "--output", folder / f"{outcome}.parquet")]
            texts += [
                ran(folder, "score", *lenient, "--model", model, "--key", folder / "key", "--output", folder / "k.csv")
            ]
    return "\n".join(texts + left(folder))


def left(folder):
    """Every byte in a folder, as text."""
    texts = []
    for path in sorted(folder.rglob("*")):
        texts.append(path.name)
        if path.suffix == ".parquet":
            texts.append(pd.read_parquet(path).to_csv())
        elif path.is_file():
            texts.append(path.read_bytes().decode("utf-8", "replace"))
    return texts


def leaked(text, planted):
    """The planted values that are in a text, as they were or without their marks or with others."""
    bare = re.sub(_MARKS, "", text)
    found = [value for value in planted if value in text]
    letters = {value: re.sub(_MARKS, "", value) for value in planted}
    near = [value for value, own in letters.items() if len(own) >= 9 and own.isalnum() and own in bare]
    # not what the digits of several numbers make together: it begins and ends where a word does
    found += [value for value in near if re.search(rf"(?<!\w){_UP_TO_TWO_MARKS.join(letters[value])}(?!\w)", text)]
    return list(dict.fromkeys(found))


_MARKS = "[ .()/+-]"
_UP_TO_TWO_MARKS = rf"{_MARKS}{{,2}}"


def test_the_search_for_canaries_sees_them_in_other_marks_and_not_in_numbers():
    value = "320-89-5002"
    for text in ("a 320-89-5002.", "320895002", "320 89 5002|", "(320) 89-5002", "id:320.89.5002,"):
        assert leaked(text, [value])
    for text in ("0.501  3.20  0.895  0.0022", "0.0501 320895 002200", "1320895002", "320-89-500"):
        assert not leaked(text, [value])


def one_of_each(rng, columns, rows=400):
    """A tape with one value of every kind in each of the columns."""
    frame, planted = canaries.tape(rows), []
    for column in columns:
        for kind in canaries.KINDS:
            value = canaries.values(kind, 1, seed=f"{column}{rng.random()}")[0]
            frame.loc[rng.randrange(rows), column] = value
            planted.append(value)
    return frame, planted


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_one_value_of_every_kind_in_every_column_is_written_nowhere(tmp_path):
    # a grade that is on no scale stops every command; the next test looks at that
    frame, planted = one_of_each(random.Random(5), [name for name in COLUMNS if name != "grade"])
    text = written(tmp_path, frame)
    assert not leaked(text, planted)
    assert "severity" in text and len(text) > 50_000  # the commands did run


def test_commands_that_score_and_watch_write_no_value_of_any_kind(tmp_path):
    """Levels of single loans were segments of a challenge, and a number in the place of a term a row of the stress."""
    numbers = ["amount", "term", "rate", "income", "dti"]
    frame, planted = one_of_each(random.Random(11), [n for n in COLUMNS if n not in ("grade", *numbers)], rows=700)
    for row, name in enumerate(numbers * 3):  # few enough to stay outside the range of the model
        planted.append(canaries.values(("phone (CN)", "card", "identity (PL)")[row // 5], 1, seed=name)[0])
        frame.loc[row, name] = planted[-1]
    out = tmp_path / "out"
    out.mkdir()
    lenient = (_csv(tmp_path / "loans.csv", frame), "--on-error", "missing", "--record-date", "2023-01-01")
    own = (*lenient, "--model", out / "m.json")
    text = ran(out, "fit", *lenient, "--output", out / "m.json")
    text += ran(out, "score", *own, "--output", out / "s.csv")
    text += ran(out, "score", *own, "--key", tmp_path / "key", "--output", out / "s.parquet")
    text += ran(out, "keys", lenient[0], "--key", tmp_path / "key", "--output", tmp_path / "own.csv")
    text += ran(out, "monitor", *own, "--same-months", "--html", out / "w.html", "--json", out / "w.json")
    text += ran(out, "stress", *own, "--scenario", "example", "--html", out / "t.html", "--json", out / "t.json")
    against = ("--against", out / "m.json", "--same-months", "--by", "purpose,region,home")
    text += ran(out, "challenge", *own, *against, "--html", out / "c.html")
    made = {path.name for path in out.iterdir()}
    assert made == {"m.json", "s.csv", "s.parquet", "w.html", "w.json", "t.html", "t.json", "c.html"}, text[-300:]
    assert not leaked("\n".join([text, *left(out)]), planted)


def test_a_model_that_no_command_would_take_is_not_written(tmp_path, monkeypatch):
    """Telephone numbers among the terms left a slope that `score` refused, after `fit` had said that all was well."""
    monkeypatch.setattr("p2prisk.standard._STEEPEST", 1e-9)
    text = ran(tmp_path, "fit", _csv(tmp_path / "x.csv", canaries.tape(300)), "--output", tmp_path / "m.json")
    assert "not written, as no command would take it: the slope of" in text and not (tmp_path / "m.json").exists()


def test_a_stressed_book_shows_no_single_loan_and_one_odd_term_changes_no_answer(tmp_path):
    """A telephone number in the place of a term had a row of its own, and made the loss of the book no number."""
    frame = canaries.tape(400).drop(columns="grade")
    ran(tmp_path, "fit", _csv(tmp_path / "x.csv", frame), "--output", tmp_path / "m.json")
    frame.loc[0, "term"], frame.loc[1:2, "term"] = 134657496860, 48
    words = ("--model", tmp_path / "m.json", "--scenario", "example", "--on-error", "missing")
    text = ran(tmp_path, "stress", _csv(tmp_path / "y.csv", frame), *words, "--json", tmp_path / "s.json")
    found = json.loads((tmp_path / "s.json").read_text())
    whole = [row for row in found["table"] if row["grade"] == "all"]
    assert all(0 < row["expected_loss"] < 1 for row in whole) and "1346574" not in text
    assert min(row["loans"] for row in found["table"]) >= 5 and found["about"]["set_aside"] == 1
    assert any("2 loans of a grade and term that fewer than 5 share" in note for note in found["notes"])


def _csv(path, frame):
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("column", COLUMNS)
def test_values_that_do_not_belong_into_a_column_are_in_no_error(tmp_path, column):
    frame, planted = one_of_each(random.Random(6), [column])
    frame.to_csv(tmp_path / "loans.csv", index=False)
    text = ran(tmp_path, "check", tmp_path / "loans.csv")
    assert not leaked(text, planted)


@pytest.mark.parametrize("column", ["loan_id", "purpose", "counterparty", "region"])
def test_whole_columns_of_personal_data_are_written_nowhere(tmp_path, column):
    for kind in random.Random(column).sample(sorted(set(canaries.KINDS) - {"passport"}), 1):
        folder = tmp_path / re.sub(r"\W", "", kind)
        folder.mkdir()
        planted = canaries.values(kind, 300)
        frame = canaries.tape(len(planted)).assign(**{column: planted, "note": canaries.values(kind, 300, seed=1)})
        assert not leaked(written(folder, frame, outcomes=("grade",)), planted + frame["note"].tolist()), kind


@pytest.mark.parametrize("kind", sorted(set(canaries.KINDS) - {"passport"}))
def test_a_column_of_a_kind_is_recognised(kind):
    assert personal_columns(pd.DataFrame({"x": canaries.values(kind, 100)})), kind


def test_ordinary_columns_are_not_withheld():
    rng = np.random.default_rng(3)
    frame = canaries.tape(3000).drop(columns="note")
    frame["zip3"] = [f"{i % 1000:03d}xx" for i in range(3000)]
    frame["zip"] = [f"{i * 7 % 100_000:05d}" for i in range(3000)]
    frame["loan number"] = 100_000_000 + np.arange(3000)
    frame["contract"] = [f"{i:011d}" for i in range(3000)]
    frame["uuid"] = ["".join(rng.choice(list("0123456789abcdef"), 32)) for _ in range(3000)]
    frame["balance"] = rng.integers(10**9, 2 * 10**10, 3000) // 1000 * 1000
    frame["balance_cents"] = rng.integers(10**10, 10**11, 3000)
    frame["second"] = 1_600_000_000 + np.arange(3000) * 61
    frame["time"] = pd.date_range("2015-01-01", periods=3000, freq="h").strftime("%Y%m%d%H%M").tolist()
    frame["german"] = [f"{i % 28 + 1:02d}.{i % 12 + 1:02d}.20{i % 20:02d}" for i in range(3000)]
    frame["euro"] = [f"{i % 90 + 1}.{i % 900 + 100}.{i % 800 + 100},00" for i in range(3000)]
    frame["sub_grade"] = [f"{'ABCDEFG'[i % 7]}{i % 5 + 1}" for i in range(3000)]
    frame["title"] = rng.choice(["Debt Consolidation", "Home Improvement", "Car Loan", "Medical Expenses"], 3000)
    frame["用途"] = rng.choice(["周转", "购车", "装修", "教育"], 3000)
    frame["product_name"] = rng.choice(["Classic", "Flex"], 3000)
    frame["verified_phone"] = rng.choice(["yes", "no"], 3000)
    frame["手机认证"] = rng.choice(["成功认证", "未成功认证"], 3000)
    assert dict(personal_columns(frame)) == {}
    texts = ["loan_id", "zip3", "zip", "euro", "german", "sub_grade", "title", "用途", "issue_date", "amount", "rate"]
    assert {kind_of(value) for name in texts for value in frame[name].head(300)} == {None}


OFFICERS = (
    ["Maria Roth", "Jonas Petrov", "Giulia Bianchi", "Olof Lindqvist", "unknown"],
    ["MARIA ROTH", "JONAS PETROV"],
    ["Roth, Maria", "Petrov, Jonas", "Bianchi, Giulia"],
    ["王小明", "张丽华", "李强", "其他"],
    ["김민준", "이서연", "박지훈"],
    ["Иван Петров", "Ольга Смирнова"],
    ["Herr Weiss", "Frau Braun", "Frau Maier"],
)


@pytest.mark.parametrize("names", OFFICERS)
def test_a_column_whose_levels_are_persons_is_not_kept(tmp_path, names):
    """However many loans each of them handles: they were levels of the model and of every report."""
    frame = canaries.tape(400).assign(region=np.resize(names, 400), note="")
    source = _csv(tmp_path / "loans.csv", frame)
    text = ran(tmp_path, "check", source, "--html", tmp_path / "q.html")
    text += ran(tmp_path, "fit", source, "--outcome", "severity", "--output", tmp_path / "m.json")
    text += ran(tmp_path, "fit", source, "--predictors", "region", "--output", tmp_path / "n.json")
    source.unlink()
    assert not leaked("\n".join([text, *left(tmp_path)]), names[:-1])
    assert "no column region (personal data (names of persons): not kept)" in text


def test_places_firms_and_posts_are_no_persons():
    columns = {
        "region": "Álvaro Obregón|Benito Juárez|Miguel Hidalgo|Iztapalapa|San José|Santa María|San Luis Potosí",
        "employer": "Charles Schwab|Edward Jones|Robert Bosch",  # as a firm they are, in a column of firms
        "city": "Juan José Castelli|Carlos Casares|Luis Beltrán",
        "product": "Robert Bosch|Ernst & Young|Morgan Stanley|Wells Fargo",
        "job": "Driver|Registered Nurse|Office Manager|Vice President|Credit Analyst|Busfahrer",
        "用途": "周转|购车|装修|教育|马龙",
        "purpose": "Debt Consolidation|Car Loan|Maria Roth",  # one of three
    }
    frame = pd.DataFrame({name: np.resize(levels.split("|"), 300) for name, levels in columns.items()})
    assert dict(personal_columns(frame)) == {}


def test_names_of_columns_in_the_languages_of_the_readers():
    personal = (
        "Name borrower_name FirstName apellidos Nachname cognome prénom naam nazwisko förnamn ФИО 姓名 "
        "氏名 성명 phone MobileNo Telefonnummer teléfono 手机号码 電話番号 전화번호 "
        "e-mail E_Mail correo 邮箱 street Anschrift dirección indirizzo endereço адрес 住址 주소 "
        "SSN passport_no Reisepass 身份证号 codice_fiscale CPF aadhaar PESEL personnummer BSN "
        "주민등록번호 IBAN account_number Kontonummer 银行卡号 card_no dob Geburtsdatum birth_date "
        "出生日期 fecha_nacimiento WeChat QQ ip_address "
    )
    assert [name for name in personal.split() if not personal_name(name)] == []
    ordinary = (
        "amount term rate purpose grade sub_grade issue_d zip_code addr_state open_acc total_acc account_type "
        "product_name verification_status emp_length home_ownership dti status loan_id int_rate pub_rec 金额 期限 利率 "
        "借款类型 评级 手续费 title desc policy_code mths_since_last_record num_accts bank_name"
    )
    assert [name for name in ordinary.split() if personal_name(name)] == []


def test_a_header_that_is_a_loan_is_not_repeated(tmp_path):
    for kind in ("mail", "phone (CN)", "identity (CN)", "account (IBAN)"):
        (value,) = canaries.values(kind, 1)
        (tmp_path / "x.csv").write_text(f"amount,term,{value}\n1000,36,x\n", encoding="utf-8")
        for command in ("check", "map"):
            text = ran(tmp_path, command, tmp_path / "x.csv")
            assert not leaked(text, [value]) and "personal data" in text
    (tmp_path / "x.csv").write_text("Maria Roth,1000,36\nJon Doe,2000,36\n")
    mapping = {"columns": {"amount": {"from": "amount"}, "term": {"from": "term", "required": True}}}
    with pytest.raises(DataError) as caught:
        read_tape(tmp_path / "x.csv", format=mapping)
    assert "Maria" not in str(caught.value)


@pytest.mark.parametrize("name", ["rothmann, maria", "MARIA_ROTHMANN", "王小明", "E47215538", "C01X00T47"])
def test_a_column_a_file_or_a_sheet_named_after_a_person_is_not_named(tmp_path, name):
    what = "passport" if name[-2:].isdigit() or name == "C01X00T47" else "person's name"
    table = pd.DataFrame({name: [1, 2, 3] * 4})
    loans = pd.DataFrame({"amount": [1000] * 12, "term": [36] * 12, "status": ["paid", "default"] * 6})
    for frame in (table, loans.assign(**table), loans):
        frame.to_csv(tmp_path / f"loans {name}.csv", index=False)
        frame.to_csv(tmp_path / "loans.csv", index=False)
        for path in (tmp_path / f"loans {name}.csv", tmp_path / "loans.csv"):
            texts = [ran(tmp_path, command, path) for command in ("check", "map")]
            assert not leaked(" ".join(texts), [name])
            assert frame is loans or all(f"holds personal data ({what})" in text for text in texts)
    with pd.ExcelWriter(tmp_path / "x.xlsx") as book:
        for sheet in (name, f"2 {name}"):
            loans.to_excel(book, sheet_name=sheet, index=False)
    texts = [ran(tmp_path, "check", tmp_path / "x.xlsx", *more) for more in ((), ("--sheet", "none"))]
    assert not leaked(" ".join(texts), [name]) and all(f"hidden: {what}" in text for text in texts)


def test_names_of_persons_in_the_languages_of_the_readers():
    persons = (
        "Eva Müller;jürgen grossmann;AgnieszkaKowalska;Иван Петров;김민준;田中太郎;欧阳晓明;loans-2020_Maria.Roth.csv"
    )
    assert [name for name in persons.split(";") if name_kind(name) != "person's name"] == []
    assert (
        "Müller" not in scrubbed("column 'Eva Müller' is there twice")
        and scrubbed("a grace period") == "a grace period"
    )


def test_days_series_and_codes_are_no_passports_and_no_phones():
    for name in ("D20150131", "T31012015.csv", "V00001234", "FICO2024Q", "A1", "X123", "LC2007Q4.csv", "G12345.xlsx"):
        assert name_kind(name) is None, name
    assert [kind_of(text) for text in ("139.8765.22", "1.139.8765.2211", "139.876.522")] == [None] * 3
    assert kind_of("call 138.6512.7734 at night") == name_kind("138.6512.7734.csv") == "phone number"
    assert name_kind("13865127734.csv.gz") == "phone number" and name_kind("4111111111111111.xlsx") == "card number"
    assert name_kind("EA1234567.csv") == name_kind("M1234567") == "passport"


def test_no_usual_name_of_a_column_is_taken_for_a_person():
    names = {column for public in headers.HEADERS for column in headers.names_of(public)}
    folder = Path(p2prisk.__file__).parent / "assets"
    for asset in ("words.csv", "levels.csv", "columns.csv"):
        names |= {
            part for cell in pd.read_csv(folder / asset, dtype=str).stack().dropna() for part in str(cell).split("|")
        }
    names |= {change(name) for name in names for change in (str.title, str.upper, str.lower)}
    names |= set(
        "Grace Period;Jan Forecast;EVA Spread;LEA Code;Mark to Market;May Payments;Grant Date;San Jose".split(";")
    )
    names |= set(
        "余额 金额 高管 方式 江苏 石家庄 이자율 신용도 전화번호 山口県 Florida_Rate Bill_Amt1 Max_Amount".split()
    )
    assert len(names) > 4000 and [name for name in names if name_kind(name) == "person's name"] == []


def test_codes_of_personal_keys_are_traced_back_with_the_key_alone(tmp_path):
    keys = canaries.values("phone (CN)", 300)
    frame = canaries.tape(300).assign(loan_id=keys)
    frame.to_csv(tmp_path / "loans.csv", index=False)
    ran(tmp_path, "fit", tmp_path / "loans.csv", "--output", tmp_path / "m.json")
    score = ("score", tmp_path / "loans.csv", "--model", tmp_path / "m.json")
    ran(tmp_path, *score, "--key", tmp_path / "key", "--output", tmp_path / "a.csv")
    ran(tmp_path, *score, "--key", tmp_path / "key", "--rows", 7, "--output", tmp_path / "b.csv")
    ran(tmp_path, *score, "--key", tmp_path / "other", "--output", tmp_path / "c.csv")
    codes = [pd.read_csv(tmp_path / name)["loan_id"] for name in ("a.csv", "b.csv", "c.csv")]
    assert codes[0].equals(codes[1]) and not set(codes[0]) & set(codes[2]) and codes[0].nunique() == len(keys)
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    ran(tmp_path, "keys", tmp_path / "loans.csv", "--key", tmp_path / "key", "--output", tmp_path / "list.csv")
    back = pd.read_csv(tmp_path / "list.csv", dtype=str).set_index("code")["loan_id"]
    assert back[codes[0]].tolist() == keys
    text = ran(tmp_path, "keys", tmp_path / "loans.csv", "--key", tmp_path / "none", "--output", tmp_path / "list.csv")
    assert "is not there" in text and not (tmp_path / "none").exists()
    for weak in (b"", b"  \n", b"123456"):  # whoever guesses the key undoes the codes
        (tmp_path / "key").write_bytes(weak)
        text = ran(tmp_path, *score, "--key", tmp_path / "key", "--output", tmp_path / "d.csv")
        assert "holds no key of 32" in text and not (tmp_path / "d.csv").exists()


def test_the_model_names_no_level_of_fewer_than_five_loans_and_no_single_value():
    frame = canaries.tape(400)
    frame.loc[0, "purpose"], frame.loc[1, "income"] = "Maria Roth", 13812345678
    frame.loc[2:4, "region"] = "Atlantis"
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder) / "x.csv", index=False)
        tape = read_tape(Path(folder) / "x.csv")
    text = fit_standard(tape, "severity").to_json()
    assert not re.search("Maria|Atlantis|13812345678", text)
    small = canaries.tape(60)
    small.loc[0, "purpose"] = "Li Wei's"
    with tempfile.TemporaryDirectory() as folder:
        small.to_csv(Path(folder) / "x.csv", index=False)
        tape = read_tape(Path(folder) / "x.csv")
    assert "Li Wei" not in fit_standard(tape, "grade", ["purpose", "income"]).to_json()


def test_a_report_knows_no_key_and_no_counterparty(tmp_path):
    frame = canaries.tape(300)
    frame.loc[0, "purpose"] = "Maria Roth"
    frame.to_csv(tmp_path / "x.csv", index=False)
    tape = read_tape(tmp_path / "x.csv").private()
    assert set(tape.frame["counterparty"]) == {"party 1", "party 2"} and tape.frame["loan_id"].iloc[-1] == "300"
    assert "Maria Roth" not in set(tape.frame["purpose"]) and tape.frame["purpose"].notna().all()


def test_passwords_are_masked():
    for url in (
        "postgresql://me:hunter2@host/db",
        "postgresql://me:hunter2@x@host/db",
        "postgresql://me:a/hunter2@host/db",
        "postgresql://host/db?user=me&password=hunter2",
        "postgresql:/me:hunter2@host/db",
        "postgresql:me:hunter2@host",
        "post gres://me:hunter2@host/db",
        "mysql+nodriver://me:hunter2@host",
    ):
        text = ran(None, "check", url, "--query", "SELECT 1") + ran(None, "report", url) + ran(None, "map", url)
        assert "hunter2" not in text and text.count("p2prisk: ") == 3, url
        assert "hunter2" not in shown(url)
        assert "hunter2" not in ran(None, "check", "x.csv", url)  # an argument too many
        assert "hunter2" not in scrubbed(f"could not open {url} at all")


def test_messages_show_codes_but_no_one_s_words():
    assert masked("n.a.") == "'n.a.'" and masked("12,5x") == "'12,5x'" and masked("written down", 7) == "'written down'"
    for value in ("Li", "Maria", "Maria Roth", "王伟", "12 Elm", "E12345678"):
        assert value not in masked(value)
    assert masked("a@b.example", 99) == "(hidden: e-mail address)"
    assert kind_of("１３８１２３４５６７８") == "phone number" and kind_of("138\u200b1234\u200b5678") == "phone number"


def test_pooling_keeps_the_order_of_levels_and_the_rows():
    series = pd.Series(pd.Categorical(["b"] * 6 + ["c"] + ["a"] * 5 + [None], ["b", "c", "a"], ordered=True))
    out = pooled(series)
    assert out.isna().sum() == 1 and list(out.cat.categories) == ["b", "a", "other (fewer than 5 loans each)"]


def every_kind_everywhere():
    """Kinds x columns x commands, one tape each; the table of leaks."""
    rows = []
    for kind in canaries.KINDS:
        row = {"kind": kind, "tapes": 0, "values": 0, "leaked": 0}
        for column in COLUMNS:
            for whole in (False, True):
                if whole and (
                    column in ("amount", "issue_date", "term", "rate", "income", "dti", "status", "grade", "home")
                ):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    frame = canaries.tape(300)
                    planted = canaries.values(kind, 300 if whole else 3, seed=column)
                    frame.loc[: len(planted) - 1, column] = planted
                    found = leaked(
                        written(Path(folder), frame, kind="xlsx" if hash((kind, column)) % 4 == 0 else "csv"), planted
                    )
                row["tapes"] += 1
                row["values"] += len(planted)
                row["leaked"] += len(found)
                if found:
                    print(kind, column, whole, found[:2], file=sys.stderr)
        rows.append(row)
        print("| " + " | ".join(str(value) for value in row.values()) + " |", flush=True)
    return rows


if __name__ == "__main__":
    os.environ["PYTHONHASHSEED"] = "0"
    every_kind_everywhere()
