"""The sign table, the study table, the claims table and the glossary: complete, sourced, and counted right."""

import re
from pathlib import Path

import pandas as pd
import pytest

from p2pbook.literature import SIGNS, agreement, reader_agreement
from p2prisk.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
HAN = re.compile(r"[\u4e00-\u9fff]")


def read(name):
    return pd.read_csv(ROOT / "data" / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def signs():
    return read("literature_signs")


@pytest.fixture(scope="module")
def bibliography_keys():
    return set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text(encoding="utf-8"), re.MULTILINE))


def test_only_findings_that_were_read_are_in_the_sign_table(signs):
    assert set(signs["mark"]) <= {"read", "read-2nd"}


def test_every_finding_is_complete_and_has_a_reference(signs, bibliography_keys):
    assert not (signs == "").any(axis=None)
    assert set(signs["sign"]) <= set(SIGNS)
    assert set(signs["study"]) <= bibliography_keys
    assert set(signs["country"]) <= {"United States", "China", "Europe"}


def test_a_group_holds_its_variables_together(signs):
    assert (signs.groupby("variable")["group"].nunique() == 1).all()


def test_agreement_counts_every_finding_once(signs):
    counted = agreement(signs)
    assert counted["studies"].sum() == len(signs)
    assert (
        counted.loc["Income, higher", "riskier"]
        == (signs.query("variable == 'Income, higher' and sign == '+'").shape[0])
    )


def test_a_second_reader_coded_thirty_cells_or_more(signs):
    twice = read("literature_second_reading")
    cells = signs.set_index(["variable", "study"])["sign"]
    assert len(twice) >= 30 and not (twice == "").any(axis=None)
    apart = [row for row in twice.itertuples() if cells[row.variable, row.study] != row.first_sign]
    assert all(cells[row.variable, row.study] == row.sign and row.read_in == "full text" for row in apart)
    # no cell is safer for one reader and riskier for the other: the chapter says so
    assert {"+", "-"} not in [{row.first_sign, row.sign} for row in twice.itertuples()]


def test_kappa_by_hand():
    found = reader_agreement(list("++++----00??"), list("+++-----0?0?"))
    chance = (4 * 3 + 4 * 5 + 2 * 2 + 2 * 2) / 12**2
    assert found["cells"] == 12 and found["same"] == 9
    assert found["kappa"] == pytest.approx((9 / 12 - chance) / (1 - chance), abs=1e-12)
    assert found["low"] < found["kappa"] < found["high"] <= 1


@pytest.mark.parametrize(
    "found, verdict",
    [
        ("+-", "opposite signs"),
        ("+-0", "opposite signs"),
        ("+0", "sign against no effect"),
        ("-0?", "sign against no effect"),
        ("++", "agree"),
        ("--?", "agree"),
        ("00", "agree"),
        ("+", "one signed study"),
        ("0??", "one signed study"),
        ("?", "no sign stated"),
    ],
)
def test_verdicts(found, verdict):
    frame = pd.DataFrame({"group": "g", "variable": "v", "study": list("abcdef")[: len(found)], "sign": list(found)})
    assert agreement(frame).loc["v", "verdict"] == verdict


def test_unknown_sign_and_repeated_study_are_refused():
    frame = pd.DataFrame({"group": "g", "variable": "v", "study": ["a", "a"], "sign": ["+", "-"]})
    with pytest.raises(DataError, match="v / a"):
        agreement(frame)
    with pytest.raises(DataError, match="'x'"):
        agreement(frame.assign(study=["a", "b"], sign=["+", "x"]))


def test_study_table_has_twelve_full_rows(bibliography_keys):
    studies = read("literature_studies")
    assert len(studies) == 12
    assert studies["study"].is_unique
    assert set(studies["study"]) <= bibliography_keys
    assert not (studies == "").any(axis=None)


def test_loan_counts_of_the_evidence_table_are_those_of_the_data():
    from p2prisk import load

    loans = read("question_evidence").set_index("id")["loans"]
    assert int(loans["E1"]) == len(load("lendingclub-2018").frame)
    assert int(loans["E2b"]) == len(load("modeldata-lendingclub").frame)


def test_glossary_has_both_languages_and_no_repeats():
    glossary = read("glossary")
    assert len(glossary) >= 60
    assert not (glossary == "").any(axis=None)
    assert glossary["english"].is_unique and glossary["chinese"].is_unique
    assert glossary["chinese"].map(lambda text: bool(HAN.search(text))).all()
    assert not glossary["english"].map(lambda text: bool(HAN.search(text))).any()


def test_claims_table_names_five_causes_with_both_kinds_of_evidence():
    claims = read("question_claims")
    assert len(claims) == 5
    assert not (claims == "").any(axis=None)
    assert claims["chinese"].map(lambda text: bool(HAN.search(text))).all()


def test_figure_draws_every_finding(signs):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from p2pbook.figures.literature import sign_agreement

    counted = agreement(signs)
    figure, ax = plt.subplots()
    assert sign_agreement(signs, counted, ax=ax) is ax
    legend = 3
    marks = [line for line in ax.get_lines() if line.get_marker() in "os^"]
    assert len(marks) == len(signs) + legend
    hollow = [line for line in marks if line.get_markerfacecolor() == "white"]
    assert len(hollow) == counted["unstated"].sum()
    assert len(ax.get_yticklabels()) == len(counted)
    plt.close(figure)


def test_roles_figure_has_a_cell_for_every_task_and_form():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from p2pbook.figures.literature import who_bears

    roles = read("question_roles")
    columns = {name: name for name in roles.columns.drop("task")}
    ax = who_bears(roles, columns)
    assert len(ax.patches) == len(roles) * len(columns)
    assert [text.get_text() for text in ax.texts] == roles[list(columns)].to_numpy().ravel().tolist()
    plt.close(ax.figure)
