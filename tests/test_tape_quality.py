"""The quality report: each defect planted in a clean tape is found, with its count, and nothing else is."""

import numpy as np
import pandas as pd
import pytest

from p2prisk.errors import DataError
from p2prisk.tape import COLUMNS, LoanTape, apply_mapping
from p2prisk.tape.choose import canonical_mapping
from p2prisk.tape.quality import _area, missing_by_year
from p2prisk.tape.schema import validate
from p2prisk.tape.tally import Tally


def clean(rows=400):
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "loan_id": [f"L{i}" for i in range(rows)],
            "issue_date": pd.to_datetime("2015-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D"),
            "amount": rng.integers(1000, 30_000, rows),
            "term": rng.choice([36, 60], rows),
            "income": rng.lognormal(10.8, 0.5, rows).round(2),
            "dti": rng.uniform(1, 35, rows).round(2),
            "inquiries": rng.integers(0, 5, rows),
            "utilisation": rng.uniform(0, 100, rows).round(1),
            "home": rng.choice(["own", "rent"], rows),
            "grade": rng.choice(list("ABC"), rows),
            "rate": rng.uniform(6, 25, rows).round(2),
            "status": rng.choice(["paid", "paid", "charged off"], rows),
            "last_payment_date": pd.to_datetime("2022-01-01") + pd.to_timedelta(np.arange(rows) % 300, "D"),
        }
    )


def tape_of(frame, record_date="2023-01-01"):
    return apply_mapping(frame, {**canonical_mapping(frame.columns), "record_date": record_date}, "test")


def found(frame, level, what, column=None, **options):
    report = tape_of(frame, **options).quality()
    hits = report.findings[(report.findings["level"] == level) & report.findings["what"].str.contains(what)]
    if column is not None:
        hits = hits[hits["column"] == column]
    assert len(hits) == 1, report.summary()
    return hits.iloc[0]


def test_a_clean_tape_has_no_finding():
    report = tape_of(clean()).quality()
    assert report.passed and report.count("warning") == 0, report.summary()
    assert report.rows_read == report.rows_kept == 400
    assert "0 errors, 0 warnings" in report.summary()


def test_same_key_twice():
    frame = clean()
    frame.loc[3:9, "loan_id"] = "L1"
    assert found(frame, "error", "the same key more than once", "loan_id")["rows"] == 7
    frame = clean()
    frame.loc[3, "loan_id"] = "L1"  # one in 400 moves no result
    assert found(frame, "warning", "the same key more than once", "loan_id")["rows"] == 1


def test_same_content_twice():
    frame = clean()
    frame.loc[[10, 11]] = frame.loc[[20, 20]].to_numpy()
    frame.loc[[10, 11], "loan_id"] = ["X1", "X2"]
    assert found(frame.infer_objects(), "warning", "equal in every column but the key")["rows"] == 2


def test_equal_rows_with_swapped_values_are_not_doubles():
    frame = clean()
    frame.loc[10] = frame.loc[20].to_numpy()
    frame.loc[10, ["loan_id", "amount", "term", "inquiries"]] = ["X", 60, 36, 1]
    frame.loc[20, ["amount", "term", "inquiries"]] = [36, 60, 1]
    assert tape_of(frame.infer_objects()).quality().count("warning") == 0


@pytest.mark.parametrize(
    "change, what, column",
    [
        ({"rate": lambda f: f["rate"] / 100}, "looks like a fraction", "rate"),
        ({"rate": lambda f: f["rate"] * 100}, "basis points", "rate"),
        ({"dti": lambda f: f["dti"] / 100}, "looks like a fraction", "dti"),
        ({"utilisation": lambda f: f["utilisation"] / 100}, "looks like a fraction", "utilisation"),
        ({"income": lambda f: f["income"] / 1000}, "thousands", "income"),
        ({"term": lambda f: f["term"] // 12}, "years where months", "term"),
    ],
)
def test_wrong_units_are_suspected(change, what, column):
    frame = clean().assign(**change)
    assert found(frame, "error", what, column)["remedy"]


def test_monthly_income_is_a_warning():
    found(clean().assign(income=lambda f: f["income"] / 12), "warning", "income per month", "income")


def test_impossible_dates():
    frame = clean()
    frame.loc[:4, "issue_date"] = pd.Timestamp("2024-01-01")
    assert "rows 1, 2, 3 ..." in found(frame, "error", "issue date after the record date")["what"]
    frame.loc[:4, "issue_date"] = pd.Timestamp("2231-01-01")
    with pytest.raises(DataError, match="row 1: .*2231.*in the future"):
        tape_of(frame)
    frame = clean()
    frame.loc[:2, "issue_date"] = pd.Timestamp("1915-01-01")
    assert found(frame, "error", "issue date before 1950")["rows"] == 3
    frame.loc[:2, "issue_date"] = pd.Timestamp("1985-01-01")  # an old loan is a loan
    assert tape_of(frame).quality().passed
    frame = clean()
    frame.loc[:2, "last_payment_date"] = pd.Timestamp("2014-01-01")
    assert found(frame, "error", "before the issue date", "last_payment_date")["rows"] == 3


def test_out_of_range_is_counted_with_the_worst_and_the_row():
    frame = clean()
    frame.loc[[7, 9], "dti"] = [1500.0, 2000.0]
    hit = found(frame, "warning", "outside 0 to 1,000 per cent", "dti")
    assert hit["rows"] == 2 and "worst 2,000, first in row 8" in hit["what"]


def test_missing_columns_and_constant_columns():
    frame = clean()
    frame.loc[:99, "income"] = np.nan
    assert found(frame, "warning", "25% missing", "income")["rows"] == 100
    found(clean().assign(term=36), "note", "constant", "term")


def test_a_predictor_written_after_the_outcome_is_suspected():
    frame = clean()
    bad = frame["status"] == "charged off"
    frame["inquiries"] = np.where(bad, 9, frame["inquiries"])
    assert "AUC of 1.000" in found(frame, "error", "alone ranks the outcome", "inquiries")["what"]
    frame = clean()
    frame.loc[frame["status"] == "paid", "dti"] = np.nan  # missing gives the outcome away
    found(frame, "error", "alone ranks the outcome", "dti")


def test_ended_loans_only_before_their_term():
    hit = found(clean(), "warning", "ended loans only", "mature", record_date="2018-06-01")
    assert hit["rows"] == int((tape_of(clean(), "2018-06-01").frame["mature"] == False).sum())  # noqa: E712


def test_few_loans_in_a_grade():
    frame = clean()
    frame["grade"] = np.where(np.arange(400) < 5, "D", frame["grade"])
    assert found(frame, "warning", "level 'D' has few loans", "grade")["rows"] == 5


def test_set_aside_adds_up():
    tape = tape_of(clean())
    kept = tape.keep(tape.frame["term"] == 36, "term other than 36 months")
    report = kept.quality()
    assert report.rows_read == 400 and report.rows_kept + report.set_aside["rows"].sum() == 400
    assert len(tape.frame) == 400  # the first tape is as it was
    with pytest.raises(DataError, match="no row is left"):
        tape.keep(tape.frame["term"] == 12, "x")


def test_the_area_of_one_column_against_sklearn():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    score, bad = pd.Series(rng.normal(size=300).round(1)), rng.random(300) < 0.3
    area = sklearn.roc_auc_score(bad, score)
    for values in (score, -score):
        assert _area(Tally(values), Tally(values[bad]), False) == pytest.approx(max(area, 1 - area), abs=1e-12)


def test_schema_holds_types_and_levels():
    frame = tape_of(clean()).frame
    assert not len(validate(frame))
    with pytest.raises(DataError, match="column 'amount' must be a number"):
        validate(frame.assign(amount=frame["amount"].astype(str)))
    with pytest.raises(DataError, match="column 'grade' must be an ordered category"):
        validate(frame.assign(grade=frame["grade"].astype(object)))
    with pytest.raises(DataError, match="column 'home' must be one of mortgage"):
        validate(frame.assign(home=pd.Categorical(["tent"] * len(frame))))
    with pytest.raises(DataError, match="not canonical columns: shoe_size"):
        validate(frame.assign(shoe_size=1))


def test_every_range_is_enforced():
    for name, column in COLUMNS.items():
        if column.minimum is not None:
            usual = [max(column.minimum, 1)] * 4  # the ceilings of money hang on the median
            frame = pd.DataFrame({name: [*usual, column.maximum, column.maximum + 1, column.minimum - 1]})
            assert validate(frame)["rows"].tolist() == [2], name


def test_missing_by_year_and_its_picture():
    import matplotlib

    matplotlib.use("Agg")
    from p2prisk.figures.tape import missingness

    frame = tape_of(clean()).frame
    frame.loc[frame["issue_date"].dt.year == 2015, "income"] = np.nan
    table = missing_by_year(frame)
    assert table.loc["income", 2015] == 1 and table.loc["income", 2016] == 0 and "status" not in table.index
    axes = missingness(table)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["income"]
    assert [text.get_text() for text in axes.texts] == ["100"]
    assert missingness(table * 0).texts[0].get_text() == "no missing value"


def test_report_on_a_table_of_counts():
    frame = pd.DataFrame({"term": [36, 60], "severity": pd.Categorical(["paid", "loss"], ordered=True), "n": [90, 10]})
    report = LoanTape(frame).quality()
    assert report.count("warning") == 1  # 'loss' has few loans, by its count
