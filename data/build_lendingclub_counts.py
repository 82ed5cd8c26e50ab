"""Turn the resolved Lending Club loans of 2007 to 2011 into a table of counts that may be published.

    python data/build_lendingclub_counts.py [--input FILE] [--output FOLDER]

Writes two files into ``data/``:

``lendingclub_2007_2011_counts.csv``
    one row a combination of issue year, eight classes known at issue and the severity, with the count ``n``;
``lendingclub_2007_2011_classes.csv``
    what each class is, with its loans and loss rate in 2007-2010.

The classes are chosen on the loans of 2007 to 2010 only. Directions are stated here, before looking: risk falls
with income, and rises with debt to income, inquiries and utilisation. Cut points are those of
:func:`p2prisk.tape.classes.monotone_cuts`. Purposes are ordered by their loss rate and split into adjacent groups
by the same rule. How many classes each attribute has was settled by the log-likelihood of a binary logit under
five-fold cross-validation inside 2007-2010, under the cap of 5,000 rows for the whole table: AUC 0.679 there, as
much as 0.678 for a logit on fourteen ungrouped traits. Only the count of rows, never an outcome, was read from
2011 for that choice. Home, age of credit, amount, past delinquencies and the number of accounts cost more rows than
they bring: with any one of them added the table passes the cap or the likelihood does not rise.
"""

import argparse
from pathlib import Path

import pandas as pd

from p2prisk import load
from p2prisk.tape.classes import best_partition, monotone_cuts, nearest_class, to_classes

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
PURPOSE_GROUPS = 3
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


def build(frame):
    """Make the counts and the description of the classes.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of ``load("lendingclub-2007-2011")``.

    Returns
    -------
    counts, classes : pandas.DataFrame
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
    starts = best_partition(by_purpose["sum"], by_purpose["count"], PURPOSE_GROUPS, 0.03 * choice.sum())
    group = pd.Series([sum(place >= start for start in starts) for place in range(len(by_purpose))], by_purpose.index)
    names = ["lower loss", "middle loss", "higher loss"]
    table["purpose_group"] = pd.Categorical(frame["purpose"].astype(str).map(group).map(dict(enumerate(names))), names)

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
                members = group.index[group == names.index(label)]
                row["purposes"] = "; ".join(sorted(members))
            rows.append(row)
    return counts, pd.DataFrame(rows)


def main(arguments=None):
    """Build both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", help="lendingclub_2007_2011.csv.gz; default ../shared/data")
    parser.add_argument("--output", default=Path(__file__).parent, type=Path)
    options = parser.parse_args(arguments)
    counts, classes = build(load("lendingclub-2007-2011", path=options.input).frame)
    if len(counts) > ROW_CAP:
        raise SystemExit(f"{len(counts):,d} rows of counts exceed the cap of {ROW_CAP:,d}: use fewer classes")
    for table, name in ((counts, "counts"), (classes, "classes")):
        path = options.output / f"lendingclub_2007_2011_{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
        print(f"{path}: {len(table):,d} rows")


if __name__ == "__main__":
    main()
