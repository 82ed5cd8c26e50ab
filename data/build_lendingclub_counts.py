"""Turn the resolved Lending Club loans of 2007 to 2011 into a table of counts that may be published.

    python data/build_lendingclub_counts.py [--input FILE] [--output FOLDER]

Writes three files into ``data/``:

``lendingclub_2007_2011_counts.csv``
    one row a combination of issue year, eight classes known at issue and the severity, with the count ``n``;
``lendingclub_2007_2011_classes.csv``
    what each class is, with its loans and loss rate in 2007-2010;
``lendingclub_2007_2011_binning.csv``
    what the classes cost: AUC for charge-off of the ordered logit on the classes and on the same eight attributes as
    numbers (and 14 purposes), by five-fold cross-validation inside 2007-2010, and fitted to 2007-2010 and read off
    on 2011, with DeLong's intervals and their difference. This is the only look at 2011 that the table took, after its
    classes were fixed.

The classes are chosen on the loans of 2007 to 2010 only. Directions are stated here, before looking: risk falls with
income, and rises with debt to income, inquiries and utilisation. Cut points are those of
:func:`p2prisk.tape.classes.monotone_cuts`. Purposes are ordered by their loss rate and split into adjacent groups by
the same rule. How many classes each attribute has was settled by the log-likelihood of a binary logit under five-fold
cross-validation inside 2007-2010, under the cap of 5,000 rows for the whole table. Only the count of rows, never an
outcome, was read from 2011 for that choice. Home, age of credit, amount, past delinquencies and the number of accounts
cost more rows than they bring: with any one of them added the table passes the cap or the likelihood does not rise.

Inside 2007-2010 the classes rank better than the numbers in the third file do, because the classes bend where the
numbers are held straight, and a little because the cut points have seen all folds. Out of time the numbers are ahead:
that difference is the cost.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from p2prisk import OrderedLogit, load
from p2prisk.tape.classes import best_partition, monotone_cuts, nearest_class, to_classes
from p2prisk.validation import delong

LAST_YEAR_OF_CHOICE = 2010
# attribute -> (column of the table, number of classes, does a larger value mean more risk?, significant digits)
NUMBERS = {
    "income": ("income_band", 3, False, 2),
    "dti": ("dti_band", 2, True, 2),
    "inquiries": ("inquiries_band", 4, True, 2),
    "utilisation": ("utilisation_band", 3, True, 2),
    "public_records": ("public_record", 2, True, 1),
}
WHOLE = {"inquiries", "public_records"}
GROUPS = ["lower loss", "middle loss", "higher loss"]
COLUMNS = [
    "issue_year",
    "term",
    "income_band",
    "dti_band",
    "employment_band",
    "inquiries_band",
    "utilisation_band",
    "public_record",
    "purpose_group",
    "severity",
]
ROW_CAP = 5000


def labels_of(cuts, whole):
    """Words for the classes between cut points."""
    if whole:
        edges = [0, *(int(cut) for cut in cuts)]
        between = [
            str(low) if high - low == 1 else f"{low} to {high - 1}" for low, high in zip(edges, edges[1:], strict=False)
        ]
        return [*between, f"{edges[-1]} and over"]
    words = [f"{cut:,.0f}" for cut in cuts]
    return [
        f"under {words[0]}",
        *(f"{low} to {high}" for low, high in zip(words, words[1:], strict=False)),
        f"{words[-1]} and over",
    ]


def classify(frame):
    """Put every loan into its classes.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of ``load("lendingclub-2007-2011")``.

    Returns
    -------
    table : pandas.DataFrame
        The columns of the table of counts, one row a loan.
    unknown : dict
        Column -> class in which unknown values were placed, and which loans these are.
    group : pandas.Series
        Purpose -> number of its group.
    """
    year = frame["issue_date"].dt.year
    choice = (year <= LAST_YEAR_OF_CHOICE).to_numpy()
    bad = frame["bad"].to_numpy()
    table = pd.DataFrame({"issue_year": year, "term": frame["term"], "severity": frame["severity"]})
    unknown = {}
    for name, (column, classes, increasing, digits) in NUMBERS.items():
        cuts = monotone_cuts(frame.loc[choice, name], bad[choice], classes, increasing, digits=digits)
        banded = pd.Series(to_classes(frame[name], cuts, labels_of(cuts, name in WHOLE)))
        place = nearest_class(banded[choice], bad[choice])
        unknown[column] = (place, banded.isna())
        table[column] = banded.fillna(place)
    stated = (frame["employment"] != "not stated").map({True: "stated", False: "not stated"})
    table["employment_band"] = pd.Categorical(stated, ["stated", "not stated"])
    by_purpose = pd.DataFrame({"purpose": frame["purpose"].astype(str), "bad": bad})[choice].groupby("purpose")["bad"]
    by_purpose = by_purpose.agg(["mean", "sum", "count"]).sort_values(["mean", "count"])
    starts = best_partition(by_purpose["sum"], by_purpose["count"], len(GROUPS), 0.03 * choice.sum())
    group = pd.Series([sum(place >= start for start in starts) for place in range(len(by_purpose))], by_purpose.index)
    table["purpose_group"] = pd.Categorical(
        frame["purpose"].astype(str).map(group).map(dict(enumerate(GROUPS))), GROUPS
    )
    return table, unknown, group


def build(frame, table, unknown, group):
    """Make the counts and the description of the classes.

    Parameters
    ----------
    frame : pandas.DataFrame
    table, unknown, group
        Of :func:`classify`.

    Returns
    -------
    counts, classes : pandas.DataFrame
    """
    bad = frame["bad"].to_numpy()
    choice = (table["issue_year"] <= LAST_YEAR_OF_CHOICE).to_numpy()
    counts = table.groupby(COLUMNS, observed=True).size().rename("n").reset_index()
    rows = []
    for column in COLUMNS[1:-1]:
        values = pd.Series(pd.Categorical(table[column]))
        for label in values.cat.categories:
            inside = (values == label).to_numpy()
            row = {
                "column": column,
                "class": label,
                "loans_2007_2010": int((inside & choice).sum()),
                "loss_rate_2007_2010": round(float(bad[inside & choice].mean()), 4),
                "loans": int(inside.sum()),
                "of_these_unknown": 0,
                "purposes": "",
            }
            if column in unknown and unknown[column][0] == label:
                row["of_these_unknown"] = int(unknown[column][1].sum())
            if column == "purpose_group":
                members = group.index[group == GROUPS.index(label)]
                row["purposes"] = "; ".join(sorted(members))
            rows.append(row)
    return counts, pd.DataFrame(rows)


def measure(frame, table):
    """What the classes cost.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of ``load("lendingclub-2007-2011")``.
    table : pandas.DataFrame
        The classes of the same loans, of :func:`classify`.

    Returns
    -------
    pandas.DataFrame
        ``sample``, ``predictors``, ``loans``, ``charged_off``, ``auc``, ``low``, ``high``; the rows ``difference``
        compare the two paired.
    """
    numbers = pd.DataFrame(
        {
            "log_income": np.log(frame["income"].fillna(frame["income"].median())),
            "dti": frame["dti"],
            "stated": (frame["employment"] != "not stated").astype(float),
            "log_inquiries": np.log1p(frame["inquiries"].fillna(0)),
            "utilisation": frame["utilisation"].fillna(0),
            "record": (frame["public_records"] > 0).astype(float),
            "long": (frame["term"] == 60).astype(float),
        }
    )
    designs = {
        "numbers": pd.concat([numbers, pd.get_dummies(frame["purpose"], drop_first=True, dtype=float)], axis=1),
        "classes": pd.concat(
            [
                pd.get_dummies(table[column].astype(str), prefix=column, drop_first=True, dtype=float)
                for column in COLUMNS[1:-1]
            ],
            axis=1,
        ),
    }
    severity, bad = frame["severity"], frame["bad"].to_numpy()
    choice = (table["issue_year"] <= LAST_YEAR_OF_CHOICE).to_numpy()
    inside = np.flatnonzero(choice)
    scores = {"2007-2010, five folds": {}, "2011": {}}
    for name, design in designs.items():
        folds = StratifiedKFold(5, shuffle=True, random_state=1).split(inside, bad[inside])
        held = np.empty(len(inside))
        for kept, left in folds:
            fitted = OrderedLogit(severity.iloc[inside[kept]], design.iloc[inside[kept]]).fit()
            held[left] = design.iloc[inside[left]].to_numpy() @ fitted.slopes.to_numpy()
        scores["2007-2010, five folds"][name] = held
        fitted = OrderedLogit(severity[choice], design[choice]).fit()
        scores["2011"][name] = design[~choice].to_numpy() @ fitted.slopes.to_numpy()
    rows = []
    for sample, both in scores.items():
        event = bad[inside] if sample != "2011" else bad[~choice]
        result = delong(event, both)
        for name in both:
            row = result.table.loc[name]
            rows.append([sample, name, len(event), int(event.sum()), row["auc"], row["ci_low"], row["ci_high"]])
        pair = result.comparisons.iloc[0]
        rows.append(
            [sample, "difference", len(event), int(event.sum()), pair["difference"], pair["ci_low"], pair["ci_high"]]
        )
    return pd.DataFrame(rows, columns=["sample", "predictors", "loans", "charged_off", "auc", "low", "high"]).round(5)


def main(arguments=None):
    """Build both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", help="lendingclub_2007_2011.csv.gz; default ../shared/data")
    parser.add_argument("--output", default=Path(__file__).parent, type=Path)
    options = parser.parse_args(arguments)
    frame = load("lendingclub-2007-2011", path=options.input).frame
    table, unknown, group = classify(frame)
    counts, classes = build(frame, table, unknown, group)
    if len(counts) > ROW_CAP:
        raise SystemExit(f"{len(counts):,d} rows of counts exceed the cap of {ROW_CAP:,d}: use fewer classes")
    for result, name in ((counts, "counts"), (classes, "classes"), (measure(frame, table), "binning")):
        path = options.output / f"lendingclub_2007_2011_{name}.csv"
        result.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        print(f"{path}: {len(result):,d} rows")


if __name__ == "__main__":
    main()
