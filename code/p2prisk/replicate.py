"""Frozen replications: results of loan files that are not part of the project, stored with all that made them.

``p2prisk replicate NAME --input FILE`` reads the micro file, checks its SHA-256, computes the study and writes
``data/replication/NAME.json``: name and hash of the input, rows read and used, versions, seed, and every estimate
with its interval. The chapters read these files through :func:`replication`; a test recomputes each one where the
micro file is at hand and fails on a difference beyond 1e-8.

The 2011 loans are a test set. The model is chosen by ``e2-selection`` inside 2007-2010 alone; ``e2-outcome`` then
looks at 2011 once, with every rival in the same run.
"""

import argparse
import json
import platform
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from p2prisk import study
from p2prisk.errors import DataError
from p2prisk.facts import data_directory
from p2prisk.policy.study import decisions, ratings
from p2prisk.sources import load, shared_directory

SEED = 2011
_PACKAGES = ("numpy", "scipy", "pandas", "formulaic", "scikit-learn", "statsmodels")


# -- the files ---------------------------------------------------------------------------------------------------


def directory():
    """Folder of the stored replications."""
    return data_directory() / "replication"


class Replication:
    """A stored replication: :attr:`facts` by name, :meth:`table` by name.

    Parameters
    ----------
    document : dict
        Content of the file.
    """

    def __init__(self, document):
        self.document = document
        self.facts = document["facts"]

    def table(self, name):
        """A stored table as a DataFrame."""
        if name not in self.document["tables"]:
            raise DataError(
                f"{self.document['name']} has no table {name!r}; it has " + ", ".join(self.document["tables"])
            )
        entry = self.document["tables"][name]
        return pd.DataFrame(entry["rows"], columns=entry["columns"])

    def __getitem__(self, name):
        return self.facts[name]

    def __repr__(self):
        return f"<Replication {self.document['name']}: {', '.join([*self.facts, *self.document['tables']])}>"


def replication(name):
    """Read a stored replication.

    Parameters
    ----------
    name : str
        One of :data:`STUDIES`.

    Returns
    -------
    Replication

    Raises
    ------
    DataError
        If there is none of that name.
    """
    file = directory() / f"{name}.json"
    if not file.is_file():
        raise DataError(
            f"no replication {name!r} in {file.parent}; make it with: p2prisk replicate {name} --input FILE"
        )
    return Replication(json.loads(file.read_text(encoding="utf-8")))


def _plain(value):
    """Turn numpy and pandas values into what JSON knows; a missing number becomes None."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _table(frame):
    return {
        "columns": [str(column) for column in frame.columns],
        "rows": [_plain(list(row)) for row in frame.itertuples(index=False, name=None)],
    }


def difference(stored, computed, path=""):
    """Largest relative difference between two documents, and where it is.

    Numbers are compared relative to the larger of one and their size; anything else must be equal.

    Returns
    -------
    size : float
        Infinite where something other than a number differs.
    where : str

    Examples
    --------
    >>> difference({"a": [1.0, 2.0]}, {"a": [1.0, 2.002]})
    (0.001, '/a/1')
    >>> difference({"a": 1}, {"b": 1})
    (inf, '')
    """
    pairs = []
    if isinstance(stored, dict) and isinstance(computed, dict):
        if stored.keys() != computed.keys():
            return np.inf, path
        pairs = [(stored[key], computed[key], f"{path}/{key}") for key in stored]
    elif isinstance(stored, list) and isinstance(computed, list):
        if len(stored) != len(computed):
            return np.inf, path
        pairs = [(a, b, f"{path}/{i}") for i, (a, b) in enumerate(zip(stored, computed, strict=True))]
    elif (
        isinstance(stored, bool)
        or isinstance(computed, bool)
        or not (isinstance(stored, int | float) and isinstance(computed, int | float))
    ):
        return (0.0 if type(stored) is type(computed) and stored == computed else np.inf), path
    else:
        return round(abs(stored - computed) / max(1.0, abs(stored)), 15), path
    worst = (0.0, path)
    for a, b, where in pairs:
        worst = max(worst, difference(a, b, where), key=lambda found: found[0])
    return worst


def replicate(name, path=None):
    """Compute a replication from the micro file.

    Parameters
    ----------
    name : str
        One of :data:`STUDIES`.
    path : path-like, optional
        The micro file; by default it is looked for beside the repository (see :mod:`p2prisk.sources`).

    Returns
    -------
    dict
        What the file in ``data/replication`` holds.
    """
    if name not in STUDIES:
        raise DataError(f"no replication is called {name!r}; known: {', '.join(STUDIES)}")
    source, compute = STUDIES[name]
    from threadpoolctl import threadpool_limits

    tape = load(source, path=path)
    # one thread: sums come out in the same order on every machine, and busy cores do not slow the trees down
    with threadpool_limits(1):
        facts, tables = compute(tape)
    aside = [{"reason": entry["reason"], "rows": entry["rows"]} for entry in tape.set_aside]
    return {
        "name": name,
        "input": {
            "data": source,
            "file": tape.provenance["path"],
            "sha256": tape.provenance["sha256"],
            "rows_read": tape.provenance["rows_read"],
            "rows": len(tape),
            "set_aside": _plain(aside),
            "source": tape.provenance["source"],
        },
        "seed": SEED,
        "versions": {"python": platform.python_version(), **{package: _version(package) for package in _PACKAGES}},
        "facts": _plain(facts),
        "tables": {key: _table(frame) for key, frame in tables.items()},
    }


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def dump(document):
    """The text of a replication file: stable, one row of a table a line."""
    tables = document["tables"]
    head = json.dumps({key: value for key, value in document.items() if key != "tables"}, indent=1, ensure_ascii=False)
    parts = []
    for name, table in tables.items():
        rows = ",\n   ".join(json.dumps(row, ensure_ascii=False) for row in table["rows"])
        parts.append(f'  {json.dumps(name)}: {{"columns": {json.dumps(table["columns"])},\n   "rows": [\n   {rows}]}}')
    return head[:-2] + ',\n "tables": {\n' + ",\n".join(parts) + "\n }\n}\n"


def main(argv=None):
    """Command ``p2prisk replicate``: recompute stored results from the micro file.

    Parameters
    ----------
    argv : list of str, optional

    Returns
    -------
    int
        0 when written or equal, 1 when ``--check`` finds a difference.
    """
    parser = argparse.ArgumentParser(
        prog="p2prisk replicate",
        description="Recompute the frozen results of loan files that are not part of the project.",
    )
    parser.add_argument("name", choices=[*STUDIES, "all"], help="which replication")
    parser.add_argument("--input", help="the micro file; by default it is looked for beside the repository")
    parser.add_argument("--check", action="store_true", help="compare with the stored file instead of writing it")
    arguments = parser.parse_args(argv)
    if arguments.name == "all" and arguments.input:
        parser.error(
            f"--input goes with one replication; without it the files are looked for in {shared_directory() / 'data'}"
        )
    worst = 0
    for name in STUDIES if arguments.name == "all" else [arguments.name]:
        start = time.perf_counter()
        document = replicate(name, arguments.input)
        seconds = time.perf_counter() - start
        if arguments.check:
            size, where = difference(replication(name).document["facts"], document["facts"], "facts")
            size, where = max(
                (size, where), difference(replication(name).document["tables"], document["tables"], "tables")
            )
            print(f"{name}: largest difference {size:.1e}" + (f" at {where}" if size else "") + f", {seconds:.0f} s")
            worst = max(worst, int(size > 1e-8))
        else:
            file = directory() / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dump(document), encoding="utf-8")
            print(f"{name}: {file.name} written, {file.stat().st_size / 1024:.0f} kB, {seconds:.0f} s")
    return worst


# -- E2: who borrows, and what goes wrong ------------------------------------------------------------------------

_PROFILE_COLUMNS = (
    ("inquiries", "inquiries in 6 months"),
    ("income", "income"),
    ("utilisation", "used share of card limits"),
    ("revolving_balance", "card balance"),
    ("amount", "amount"),
    ("dti", "debt-to-income ratio"),
    ("credit_history_years", "years of credit history"),
    ("open_accounts", "open credit lines"),
    ("total_accounts", "credit lines ever"),
    ("delinquencies_2y", "delinquencies in 2 years"),
    ("public_records", "public records"),
    ("months_since_delinquency", "months since delinquency"),
    ("employment_years", "years with employer"),
)
_PROFILE_CLASSES = (
    ("term", "term"),
    ("purpose", "purpose"),
    ("home", "home"),
    ("region", "state"),
    ("verification", "income verified"),
)
_PLATFORM_CLASSES = (("grade", "grade (platform)"), ("sub_grade", "sub-grade (platform)"))
#: traits that both Lending Club samples hold under the same definition
_SIDE_BY_SIDE = (
    ("amount", "amount, $"),
    ("income", "income, $"),
    ("dti", "debt service, % of income"),
    ("revolving_balance", "card balance, $"),
    ("utilisation", "used share of card limits, %"),
    ("inquiries", "inquiries in 6 months"),
)


def _with_interval(table, events="bad", loans="loans"):
    from p2prisk.validation import jeffreys_interval

    low, high = jeffreys_interval(table[events].to_numpy(), table[loans].to_numpy())
    return table.assign(rate=table[events] / table[loans], low=low, high=high)


def _class_label(row, unit=1.0):
    if np.isnan(row.lower):
        return "blank"
    if row.lower == row.upper:
        return f"{row.lower:,.0f}"
    return f"{row.lower:,.0f}–{row.upper:,.0f}"


def _profile(tape):
    from p2prisk.tape import COLUMNS

    frame = tape.frame
    bad = frame["bad"].to_numpy(dtype=bool)
    year = frame["issue_date"].dt.year
    by_year = (
        frame.groupby([year.rename("year"), "term"])
        .agg(
            loans=("bad", "size"), bad=("bad", "sum"), amount=("amount", "sum"), exceptions=("policy_exception", "sum")
        )
        .reset_index()
    )
    quarter = frame["issue_date"].dt.to_period("Q").dt.start_time.rename("date")
    vintages = frame.groupby([quarter, "term"]).agg(loans=("bad", "size"), bad=("bad", "sum")).reset_index()
    vintages = _with_interval(vintages[vintages["loans"] >= 50])
    severity = pd.crosstab(frame["grade"], frame["severity"]).rename_axis(columns=None).reset_index()
    severity["grade"] = severity["grade"].astype(str)
    risk_map = frame.groupby(["purpose", "term"], observed=True).agg(loans=("bad", "size"), bad=("bad", "sum"))
    risk_map = _with_interval(risk_map.reset_index().astype({"purpose": str}))
    # how traits and outcome go together is read off the years before the test year only
    early = frame[year.to_numpy() <= _LAST_TRAINING_YEAR]
    rows, classes = [], []
    for name, label in _PROFILE_COLUMNS:
        table = study.monotone_classes(early[name], early["bad"])
        value, noise = study.information_value(table)
        rows.append(
            {
                "column": name,
                "label": label,
                "block": COLUMNS[name].block,
                "classes": len(table),
                "information_value": value,
                "noise": noise,
            }
        )
        table = _with_interval(table)
        table["class_label"] = [_class_label(row) for row in table.itertuples()]
        table.insert(0, "label", label)
        classes.append(table)
    for name, label in (*_PROFILE_CLASSES, *_PLATFORM_CLASSES):
        table = early.groupby(name, observed=True).agg(loans=("bad", "size"), bad=("bad", "sum"))
        value, noise = study.information_value(table)
        rows.append(
            {
                "column": name,
                "label": label,
                "block": "place and time" if name == "region" else COLUMNS[name].block,
                "classes": len(table),
                "information_value": value,
                "noise": noise,
            }
        )
    years = {"first": tape.frame["issue_date"].min(), "last": tape.frame["issue_date"].max()}
    by_exception = frame.groupby("policy_exception")["bad"].agg(["size", "mean"])
    # a blank employment is on file from 2010 on only, so it is compared within that year
    newest = frame[year.to_numpy() == _LAST_TRAINING_YEAR]
    unstated = newest["employment"].astype(str) == "not stated"
    short_job = frame["employment"].astype(str).eq("under 2 years").groupby(year).mean()
    quarters = frame.groupby("term")[[name for name, _ in _SIDE_BY_SIDE]].quantile([0.25, 0.5, 0.75])
    quarters = quarters.rename_axis(["term", "quantile"]).reset_index()
    facts = {
        "loans": len(frame),
        "bad": int(bad.sum()),
        "bad_rate": bad.mean(),
        **years,
        "early_loans": len(early),
        "early_bad_rate": early["bad"].mean(),
        "amount": frame["amount"].sum(),
        "principal_lost": float((frame["amount"] - frame["principal_paid"])[bad].sum()),
        "recovered": float(frame["recoveries"][bad].sum()),
        "severity": {level: int(count) for level, count in frame["severity"].value_counts(sort=False).items()},
        "exceptions": int(by_exception.loc[True, "size"]),
        "bad_rate_exceptions": by_exception.loc[True, "mean"],
        "bad_rate_others": by_exception.loc[False, "mean"],
        "not_verified": (frame["verification"] == "not verified").mean(),
        "last_exception": frame.loc[frame["policy_exception"], "issue_date"].max(),
        "first_long_term": frame.loc[frame["term"] > 36, "issue_date"].min(),
        "first_unstated_job": frame.loc[frame["employment"].astype(str) == "not stated", "issue_date"].min(),
        "unstated_job_2010": int(unstated.sum()),
        "bad_rate_unstated_job_2010": newest["bad"][unstated].mean(),
        "bad_rate_stated_job_2010": newest["bad"][~unstated].mean(),
        "short_job_2009": float(short_job[2009]),
        "short_job_2010": float(short_job[2010]),
    }
    return facts, {
        "by_year": by_year,
        "vintages": vintages,
        "severity_by_grade": severity,
        "risk_map": risk_map,
        "information": pd.DataFrame(rows),
        "classes": pd.concat(classes),
        "blanks": study.blanks(frame, "Lending Club 2007-2011"),
        "quartiles": quarters,
        "by_outcome": study.spread_by_level(early, "severity", dict(_SIDE_BY_SIDE)),
    }


# -- E2: which model ---------------------------------------------------------------------------------------------

_BAD_CUT = 2  # severity code from which a loan is charged off
_LAST_TRAINING_YEAR = 2010
_GAIN = 0.0005  # least gain of the area under the curve that a step must bring
_CV_SEEDS = (SEED, SEED + 1)
_FOLDS = 5
_BOOSTING = (
    {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 15},
    {"max_iter": 150, "learning_rate": 0.05, "max_depth": 2},
    {"max_iter": 200, "learning_rate": 0.03, "max_depth": 3, "l2_regularization": 20.0},
)
_BOOSTING_COLUMNS = (
    "amount",
    "term",
    "purpose",
    "income",
    "dti",
    "employment",
    "home",
    "region",
    "inquiries",
    "delinquencies_2y",
    "months_since_delinquency",
    "public_records",
    "utilisation",
    "revolving_balance",
    "open_accounts",
    "total_accounts",
    "credit_history_years",
    "vintage",
)


def outcome_sample(tape, traits):
    """The loans of the outcome study: traits, severity, year, and what was set aside.

    Parameters
    ----------
    tape : LoanTape
        Lending Club 2007-2011.
    traits : sequence of Trait

    Returns
    -------
    table : pandas.DataFrame
        Traits, ``severity``, and ``year`` of issue; complete rows.
    reasons : pandas.DataFrame
        Blanks by column, see :func:`p2prisk.study.complete`.
    """
    table, reasons = study.complete(study.design(tape.frame, traits, "severity"))
    return table.assign(year=tape.frame["issue_date"].dt.year.loc[table.index]), reasons


def auc_within(event, score, group):
    """Area under the ROC curve from pairs of loans of the same group only, weighted by their number.

    A score that only knows in which year a loan was issued must not count as one that ranks borrowers.

    Examples
    --------
    >>> auc_within([0, 1, 0, 1], [1, 2, 7, 6], [2009, 2009, 2010, 2010])
    0.5
    """
    from p2prisk.validation import auc

    event, score, group = np.asarray(event, dtype=bool), np.asarray(score), np.asarray(group)
    total = pairs = 0.0
    for value in np.unique(group):
        mine = group == value
        count = float(event[mine].sum()) * float((~event[mine]).sum())
        if count:
            total += count * auc(event[mine], score[mine])
            pairs += count
    return float(total / pairs)


def _cross_validated(table, fit_predict):
    """Mean over seeds of the within-year area under the curve (charged off) and of the log score.

    `fit_predict` takes two masks over the rows of `table` and returns class probabilities of the second.
    """
    from p2prisk.validation import log_score, stratified_folds

    codes = table["severity"].cat.codes.to_numpy()
    found = []
    for seed in _CV_SEEDS:
        folds = stratified_folds(table["severity"], _FOLDS, seed)
        predicted = np.zeros((len(table), len(table["severity"].cat.categories)))
        for fold in np.unique(folds):
            held = folds == fold
            predicted[held] = np.asarray(fit_predict(~held, held))
        score = predicted[:, _BAD_CUT:].sum(axis=1)
        newest = (table["year"] == _LAST_TRAINING_YEAR).to_numpy()
        found.append(
            (
                auc_within(codes >= _BAD_CUT, score, table["year"]),
                auc_within((codes >= _BAD_CUT)[newest], score[newest], table["year"][newest]),
                log_score(codes, predicted),
            )
        )
    return np.mean(found, axis=0)


def _selection(tape):
    from p2prisk.ordered import OrderedLogit
    from p2prisk.validation import by_grade, gradient_boosting

    everything = [*study.OUTCOME_BASE, *(trait for step in study.OUTCOME_STEPS.values() for trait in step)]
    table, reasons = outcome_sample(tape, everything)
    table = table[table["year"] <= _LAST_TRAINING_YEAR]
    raw = tape.frame.loc[table.index]
    held = raw.assign(vintage=table["vintage"])[list(_BOOSTING_COLUMNS)].assign(
        severity=table["severity"], year=table["year"], sub_grade=raw["sub_grade"]
    )

    rows = []
    chosen = list(study.OUTCOME_BASE)

    def measure(name, fit_predict, slopes):
        value, newest, log = _cross_validated(table, fit_predict)
        return {"step": name, "slopes": slopes, "auc_within_year": value, "auc_2010": newest, "log_score": log}

    def logit(traits):
        # no trait learns from the data, so the design of all rows serves every fold
        model = OrderedLogit.from_formula(study.formula("severity", traits), table)
        codes, exog = model.endog_codes, model.exog
        return (lambda train, test: OrderedLogit(codes[train], exog[train]).fit().predict(exog[test]), exog.shape[1])

    def rival(maker):
        return lambda train, test: maker(held[train], held[test])

    current = measure("base", *logit(chosen))
    rows.append({**current, "gain": np.nan, "kept": True})
    for name, step in study.OUTCOME_STEPS.items():
        found = measure(name, *logit([*chosen, *step]))
        gain = found["auc_within_year"] - current["auc_within_year"]
        kept = gain >= _GAIN and found["log_score"] < current["log_score"]
        rows.append({**found, "gain": gain, "kept": kept})
        if kept:
            chosen, current = [*chosen, *step], found
    rivals = [{**measure("sub-grade", rival(by_grade("severity", "sub_grade")), 0), "options": ""}]
    for options in _BOOSTING:
        trees = gradient_boosting("severity", _BOOSTING_COLUMNS, seed=SEED, **options)
        found = measure("gradient boosting", rival(trees), 0)
        rivals.append({**found, "options": ", ".join(f"{key} {value:g}" for key, value in options.items())})
    best = max(range(1, len(rivals)), key=lambda i: rivals[i]["auc_within_year"])
    facts = {
        "loans": len(table),
        "folds": _FOLDS,
        "seeds": list(_CV_SEEDS),
        "least_gain": _GAIN,
        "chosen": [trait.name for trait in chosen],
        "boosting": best - 1,
        "auc_within_year": current["auc_within_year"],
        "auc_2010": current["auc_2010"],
    }
    return facts, {"steps": pd.DataFrame(rows), "rivals": pd.DataFrame(rivals), "set_aside": reasons}


# -- E2: what repayment shows, and the one look at 2011 ----------------------------------------------------------

#: looks at the outcomes of 2011 made in this project: a first try of 14 traits, a first table of counts, what the
#: classes of the committed counts cost (data/lendingclub_2007_2011_binning.csv), and this one
LOOKS_AT_2011 = 4
_CURVES = (
    ("inquiries", np.arange(0, 9), 0, "inquiries (0 = 1)"),
    ("income", np.geomspace(15_000, 250_000, 33), 50_000, "income, $ (50k = 1)"),
    ("amount", np.geomspace(1_000, 35_000, 33), 10_000, "amount, $ (10k = 1)"),
    ("revolving_balance", np.geomspace(500, 100_000, 33), 10_000, "card balance, $ (10k = 1)"),
    ("utilisation", np.linspace(0, 100, 21), 0, "card limits used, % (0 = 1)"),
    ("dti", np.linspace(0, 30, 16), 0, "debt service, % (0 = 1)"),
)


def chosen_traits():
    """The traits that the stored selection kept, in its order."""
    every = {
        trait.name: trait
        for trait in (*study.OUTCOME_BASE, *(trait for step in study.OUTCOME_STEPS.values() for trait in step))
    }
    return [every[name] for name in replication("e2-selection")["chosen"]]


def _rivals(tape, traits, free):
    """Makers of every model that is shown beside the ordered logit, on design frames."""
    from p2prisk.validation import binary_logits, by_grade, gradient_boosting, multinomial_logit, ordered_logit

    selection = replication("e2-selection")
    options = dict(_BOOSTING[selection["boosting"]])
    raw = tape.frame
    trees = gradient_boosting("severity", _BOOSTING_COLUMNS, seed=SEED, **options)

    def boosting(train, test):
        return trees(
            raw.loc[train.index].assign(vintage=train["vintage"], severity=train["severity"]),
            raw.loc[test.index].assign(vintage=test["vintage"], severity=test["severity"]),
        )

    words = study.formula("severity", traits)
    return {
        "ordered logit": ordered_logit(words),
        "ordered logit, base traits": ordered_logit(study.formula("severity", study.OUTCOME_BASE)),
        "gradient boosting": boosting,
        "sub-grade": by_grade("severity", "sub_grade"),
        "grade": by_grade("severity", "grade"),
        "ordered logit and sub-grade": ordered_logit(f"{words} + sub_grade_step"),
        "partial proportional odds": ordered_logit(words, nonparallel=list(free)),
        "binary logits, one a cut": binary_logits(words),
        "multinomial logit": multinomial_logit(words),
    }


#: traits whose slopes may differ by cut in the partial model: the largest departures in 2007-2010 (e2-verification)
_FREED = ("long_term", "amount", "amount_above_6k", "vintage")


#: willingness, taken apart; and what may just as well be called ability
_GROUPS = (
    ("inquiries", ("inquiries", "inquiries_above_2")),
    ("record", ("public_record", "delinquency", "history")),
    ("use of limits", ("utilisation", "no_balance", "balance", "balance_above_20k")),
    ("purpose", ("purpose",)),
    ("number of credit lines", ("open_accounts", "accounts")),
)


def _other_blocks(table, traits):
    """What the groups within willingness add, and the two blocks when groups are called otherwise."""
    group_of = {name: group for group, names in _GROUPS for name in names}

    def blocks(given, names=("ability", "willingness", "loan")):
        renamed = [replace(trait, block=given.get(trait.name, trait.block)) for trait in traits]
        return study.block_contributions(table, "severity", renamed, names)

    groups = blocks(group_of, ("ability", "loan", *dict(_GROUPS)))
    moved, rows = {}, [blocks({}).assign(assignment="as in the book")]
    for group, block in (("purpose", "loan"), ("use of limits", "ability"), ("inquiries", "ability")):
        moved |= {name: block for name in dict(_GROUPS)[group]}
        rows.append(blocks(moved).assign(assignment=f"and {group} to {block}"))
    return groups, pd.concat(rows)


def _outcome(tape):
    from p2prisk import OrderedLogit
    from p2prisk.validation import (
        calibration_by_cut,
        compare_on_test,
        delong,
        kolmogorov_smirnov,
        ordinal_scores,
        population_stability,
        reliability_by_cut,
        stability_table,
        subgroup_audit,
    )

    traits = chosen_traits()
    table, reasons = outcome_sample(tape, traits)
    frame = tape.frame.loc[table.index]
    table = table.assign(
        sub_grade=frame["sub_grade"],
        grade=frame["grade"],
        term=frame["term"],
        sub_grade_step=frame["sub_grade"].cat.codes / 5.0,
    )
    train, test = table[table["year"] <= _LAST_TRAINING_YEAR], table[table["year"] > _LAST_TRAINING_YEAR]
    bad = (test["severity"].cat.codes >= _BAD_CUT).to_numpy()
    words = study.formula("severity", traits)
    result = OrderedLogit.from_formula(words, train).fit()
    slopes = study.coefficient_table(result, traits)
    facts = {
        "looks_at_2011": LOOKS_AT_2011,
        "train": len(train),
        "test": len(test),
        "train_bad": int((train["severity"].cat.codes >= _BAD_CUT).sum()),
        "test_bad": int(bad.sum()),
        "set_aside": int(len(tape) - len(table)),
        "slopes": int(result.df_model),
        "digits": min(int(result.digits), 12),
        "llf": result.llf,
        "llnull": result.llnull,
        **study.explained(result).to_dict(),
        "freed": list(_FREED),
    }

    comparison = compare_on_test(train, test, "severity", _rivals(tape, traits, _FREED), reference="ordered logit")
    scores = {name: np.asarray(p)[:, _BAD_CUT:].sum(axis=1) for name, p in comparison.predictions.items()}
    facts["predicted_bad"] = {name: score.mean() for name, score in scores.items()}
    scores["sub-grade"] = test["sub_grade"].cat.codes.to_numpy(dtype=float)
    scores["grade"] = test["grade"].cat.codes.to_numpy(dtype=float)
    found = delong(bad, scores)
    by_term, by_term_differences = [], []
    for term in (36, 60):
        mine = (test["term"] == term).to_numpy()
        part = delong(
            bad[mine], {name: scores[name][mine] for name in ("ordered logit", "sub-grade", "gradient boosting")}
        )
        by_term.append(part.table.rename_axis("model").reset_index().assign(term=term))
        by_term_differences.append(part.comparisons.assign(term=term))
    own = comparison.predictions["ordered logit"]
    base = comparison.predictions["grade"]
    against_grade = ordinal_scores(test["severity"], own, base=base)
    facts["rps_skill_vs_grade"] = _row(against_grade, "ranked probability score", "skill")
    calibration = calibration_by_cut(test["severity"], own).reset_index()
    calibration_term = pd.concat(
        [
            calibration_by_cut(test["severity"][test["term"] == term], own[(test["term"] == term).to_numpy()])
            .reset_index()
            .assign(term=term)
            for term in (36, 60)
        ]
    )
    reliability = reliability_by_cut(test["severity"], own).reset_index()

    quarter = tape.frame["issue_date"].loc[test.index].dt.to_period("Q").dt.start_time
    drift = pd.DataFrame(
        {
            "quarter": quarter.dt.date.astype(str),
            "term": test["term"],
            "loans": 1,
            "bad": bad.astype(int),
            "predicted": scores["ordered logit"],
        }
    )
    drift = drift.groupby(["quarter", "term"]).agg({"loans": "sum", "bad": "sum", "predicted": "mean"}).reset_index()
    drift = _with_interval(drift)

    newest = train[train["year"] == _LAST_TRAINING_YEAR]
    score = population_stability(study.linear_index(result, newest), study.linear_index(result, test))
    names = [trait.name for trait in traits if trait.name not in ("vintage", "state")]
    stability = stability_table(newest[names], test[names]).reset_index()
    audit = subgroup_audit(bad, scores["ordered logit"], tape.frame["home"].loc[test.index].astype(str))
    facts.update(
        {
            "psi_score": score.psi,
            "psi_score_threshold": score.threshold,
            "ks": float(kolmogorov_smirnov(bad, scores["ordered logit"]).distance),
        }
    )

    thirds = pd.qcut(scores["ordered logit"], 3, labels=["low", "middle", "high"])
    inside = (
        pd.DataFrame({"grade": test["grade"].astype(str).to_numpy(), "own": thirds, "loans": 1, "bad": bad.astype(int)})
        .groupby(["grade", "own"], observed=True)
        .sum()
        .reset_index()
    )
    inside = _with_interval(inside.astype({"own": str}))

    blocks = study.block_contributions(train, "severity", traits)
    groups, assignments = _other_blocks(train, traits)
    only = {}
    for block in ("ability", "willingness", "loan"):
        keep = [trait for trait in traits if trait.block in (block, "place and time")]
        fit = OrderedLogit.from_formula(study.formula("severity", keep), train).fit()
        only[block] = study.linear_index(fit, test)
        without = [trait for trait in traits if trait.block != block]
        fit = OrderedLogit.from_formula(study.formula("severity", without), train).fit()
        only[f"all but {block}"] = study.linear_index(fit, test)
    place = [trait for trait in traits if trait.block == "place and time"]
    only["place and time"] = study.linear_index(
        OrderedLogit.from_formula(study.formula("severity", place), train).fit(), test
    )
    only["all"] = scores["ordered logit"]
    block_auc = delong(bad, only).table.rename_axis("traits").reset_index()

    both = OrderedLogit.from_formula(f"{words} + sub_grade_step", train).fit()
    grade_only = OrderedLogit.from_formula("severity ~ sub_grade_step + vintage", train).fit()
    facts.update(
        {
            "chi2_grade_added": 2 * (both.llf - result.llf),
            "chi2_traits_added": 2 * (both.llf - grade_only.llf),
            "df_traits_added": int(both.df_model - grade_only.df_model),
            "odds_ratio_sub_grade": study.contrast(both, {"sub_grade_step": 1.0})[2:],
            "odds_ratio_sub_grade_alone": study.contrast(grade_only, {"sub_grade_step": 1.0})[2:],
        }
    )
    curves = pd.concat([study.effect_curve(result, traits, *curve) for curve in _CURVES])
    thresholds = pd.DataFrame(
        {
            "threshold": result.thresholds.index,
            "estimate": result.thresholds.to_numpy(),
            "se": result.bse[result.thresholds.index].to_numpy(),
        }
    )
    profiles = study.representative_borrowers(train, slopes)
    probabilities = result.predict(profiles).rename_axis("borrower").reset_index()
    return facts, {
        "coefficients": slopes,
        "thresholds": thresholds,
        "curves": curves,
        "probabilities": probabilities,
        "scores": comparison.table.rename_axis("model").reset_index().drop(columns="seconds"),
        "auc": found.table.rename_axis("model").reset_index(),
        "auc_differences": found.comparisons,
        "auc_by_cut": comparison.auc_differences,
        "auc_by_term": pd.concat(by_term),
        "auc_by_term_differences": pd.concat(by_term_differences),
        "calibration": calibration,
        "calibration_by_term": calibration_term,
        "reliability": reliability,
        "drift": drift,
        "inside_grades": inside,
        "blocks": blocks,
        "groups": groups,
        "assignments": assignments,
        "block_auc": block_auc,
        "stability": stability,
        "by_home": audit.rename_axis("home").reset_index(),
        "set_aside": reasons,
    }


def _row(table, index, column):
    return {name: float(table.loc[index, name]) for name in (column, "ci_low", "ci_high")}


# -- E2: is the model allowed, and does another choice change the reading ------------------------------------------

_HALF = 1.959963984540054  # half width of a 95 % interval, in standard errors
_READ = (  # what the chapter reads aloud: label, weights of the slopes
    ("60 months", {"long_term": 1.0}),
    ("income doubled, 40k to 80k", {"income": 1.0, "income_above_40k": 1.0}),
    ("inquiries 0 to 3", {"inquiries": 2.0, "inquiries_above_2": float(np.log2(4 / 3))}),
    ("card limits used, +10 points", {"utilisation": 1.0}),
    ("public record", {"public_record": 1.0}),
    ("small business", {"purpose[T.small business]": 1.0}),
)


def _verification(tape):
    from p2prisk import OrderedLogit
    from p2prisk import assumptions as check

    traits = chosen_traits()
    table, _ = outcome_sample(tape, traits)
    train = table[table["year"] <= _LAST_TRAINING_YEAR]
    words = study.formula("severity", traits)
    result = OrderedLogit.from_formula(words, train).fit()
    labels = {trait.name: trait.label for trait in traits}
    lines = check.brant(result).rename_axis("term").reset_index()
    lines["label"] = lines["term"].map(labels).fillna(lines["term"])
    ratio = check.likelihood_ratio_parallel(result).rename_axis("term").reset_index()
    slopes = check.slopes_by_threshold(result)
    slopes = slopes if "column" in slopes else slopes.reset_index()
    partial = check.free_terms(result, list(_FREED))
    partial = partial if hasattr(partial, "params") else partial[0]
    moved = check.probability_departure(result, partial)
    fit = check.goodness_of_fit(result, terms=["long_term", "purpose", "public_record"]).rename_axis("test")
    links = check.compare_links(result).rename_axis("link").reset_index()
    inflation = check.variance_inflation(result).rename_axis("term").reset_index()
    straight = check.linearity(result).rename_axis("column").reset_index()
    loans = check.influence(result, top=5).reset_index(drop=True)
    facts = {
        "loans": len(train),
        "brant_chi2": float(lines.iloc[-1]["chi2"]),
        "brant_df": int(lines.iloc[-1]["df"]),
        "freed": list(_FREED),
    }
    moved_rows = (
        moved.reset_index()
        if isinstance(moved, pd.DataFrame)
        else pd.Series(moved).rename("value").rename_axis("measure").reset_index()
    )
    return facts, {
        "brant": lines,
        "likelihood_ratio": ratio,
        "slopes_by_cut": slopes,
        "moved": moved_rows,
        "goodness": fit.reset_index(),
        "links": links,
        "inflation": inflation,
        "linearity": straight,
        "influence": loans,
    }


def _robustness(tape):
    from p2prisk import OrderedLogit
    from p2prisk.tape import resolved_severity

    traits = chosen_traits()
    design = study.design(tape.frame, traits, "severity")
    year = tape.frame["issue_date"].dt.year
    everybody, _ = study.complete(design)
    early = everybody[year.loc[everybody.index] <= _LAST_TRAINING_YEAR]
    raw = tape.frame.loc[early.index]
    words = study.formula("severity", traits)
    filled = design.copy()
    for trait in traits:
        if filled[trait.name].dtype.kind == "f":
            filled[trait.name] = filled[trait.name].fillna(filled[trait.name].median())
    filled["delinquency"] = filled["delinquency"].fillna("never")
    filled = filled[year <= _LAST_TRAINING_YEAR]
    later = everybody.assign(
        vintage=pd.Categorical(year.loc[everybody.index].astype(str), ["2010", "2009", "2008", "2007", "2011"])
    )

    def without(*names):
        return study.formula("severity", [trait for trait in traits if trait.name not in names])

    def severity(half):
        return resolved_severity(raw, half=half)

    two = early["severity"].cat.codes.ge(_BAD_CUT).astype(int)
    three = early["severity"].cat.rename_categories({"paid late": "late"}).astype(str).replace({"late": "paid"})
    three = pd.Categorical(three, ["paid", "loss after half", "loss early"], ordered=True)
    quarter = raw["issue_date"].dt.to_period("Q").astype(str).to_numpy()
    short = early[early["long_term"] == 0]
    kept = early[~raw["policy_exception"].to_numpy()]
    probit_scale = float(np.pi / np.sqrt(3))

    def fit(formula, frame, scale=1.0, **options):
        cov = {key: options.pop(key) for key in ("cov_type", "groups") if key in options}
        return OrderedLogit.from_formula(formula, frame, **options).fit(**cov), scale, len(frame)

    weights = (raw["amount"] / raw["amount"].mean()).to_numpy()
    specifications = {
        "main": fit(words, early),
        "errors clustered by quarter": fit(words, early, cov_type="cluster", groups=quarter),
        "probit link (rescaled)": fit(words, early, scale=probit_scale, link="probit"),
        "charged off or not": fit(words, early.assign(severity=two)),
        "late fees ignored": fit(words, early.assign(severity=three)),
        "cut at a quarter repaid": fit(words, early.assign(severity=severity(0.25))),
        "cut at three quarters repaid": fit(words, early.assign(severity=severity(0.75))),
        "without policy exceptions": fit(words, kept),
        "blanks filled with medians": fit(words, filled),
        "weighted by amount": fit(words, early, freq_weights=weights, cov_type="HC0"),
        "36 months only": fit(without("long_term"), short),
        "without state": fit(without("state"), early),
        "without year": fit(without("vintage"), early),
        "all years to 2011": fit(words, later),
    }
    rows, sizes = [], []
    for name, (result, scale, loans) in specifications.items():
        sizes.append({"specification": name, "loans": loans, "slopes": int(result.df_model)})
        for label, combination in _READ:
            if not set(combination) <= set(result.params.index):
                continue
            estimate, se, *_ = study.contrast(result, combination)
            estimate, half = scale * estimate, _HALF * scale * se
            rows.append(
                {
                    "specification": name,
                    "label": label,
                    "estimate": estimate,
                    "se": scale * se,
                    "odds_ratio": np.exp(estimate),
                    "low": np.exp(estimate - half),
                    "high": np.exp(estimate + half),
                }
            )
    rows = pd.DataFrame(rows)
    main = rows[rows["specification"] == "main"].set_index("label")["estimate"]
    flipped = int((np.sign(rows["estimate"]) != np.sign(rows["label"].map(main))).sum())
    result = specifications["main"][0]
    return {"specifications": len(specifications), "flipped_signs": flipped, "draws": _DRAWS}, {
        "specifications": rows,
        "sizes": pd.DataFrame(sizes),
        "effects": _effects(result),
        "block_effects": _block_effects(result, traits),
    }


_DRAWS = 500  # draws of the estimates for the intervals of effects


def _loss(result, params, index):
    """Probability of being charged off at linear predictors `index`, shape (n, ...)."""
    threshold = params[len(params) - len(result.thresholds) + _BAD_CUT - 1]
    return 1 / (1 + np.exp(threshold - index))


def _draws(result):
    rng = np.random.default_rng(SEED)
    return rng.multivariate_normal(result.params.to_numpy(), result.cov_params().to_numpy(), _DRAWS, method="cholesky")


def _points(result, shifts):
    """Average change of the probability of being charged off, in points, with a 95 % interval from draws."""
    values = [shifts(params) for params in (result.params.to_numpy(), *_draws(result))]
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {"points": 100 * values[0], "low": 100 * low, "high": 100 * high}


def _effects(result):
    exog, names = result.model.exog, list(result.model.exog_names)
    rows = []
    for label, combination in _READ:
        step = np.zeros(len(names))
        for name, weight in combination.items():
            step[names.index(name)] = weight
        flags = [names.index(name) for name in combination if set(np.unique(exog[:, names.index(name)])) <= {0.0, 1.0}]
        start = exog.copy()
        start[:, flags] = 0.0

        def shift(params, start=start, step=step):
            index = start @ params[: len(names)]
            after = index + step @ params[: len(names)]
            return float(np.mean(_loss(result, params, after) - _loss(result, params, index)))

        rows.append({"label": label, **_points(result, shift)})
    return pd.DataFrame(rows)


def _block_effects(result, traits):
    """What one standard deviation of each block's part of the score does to the probability of being charged off."""
    exog, names = result.model.exog, list(result.model.exog_names)
    block_of = {trait.name: trait.block for trait in traits}
    rows = []
    for block in ("ability", "willingness", "loan", "place and time"):
        mine = [i for i, name in enumerate(names) if block_of[name.partition("[")[0]] == block]

        def shift(params, mine=mine):
            index = exog @ params[: len(names)]
            spread = float(np.std(exog[:, mine] @ params[mine]))
            return float(np.mean(_loss(result, params, index + spread) - _loss(result, params, index)))

        part = exog[:, mine] @ result.params.to_numpy()[mine]
        rows.append({"block": block, "spread": float(np.std(part)), **_points(result, shift)})
    return pd.DataFrame(rows)


# -- E3: a second platform -----------------------------------------------------------------------------------------


def _common(tape, traits, outcome):
    table, reasons = study.complete(study.design(tape.frame, traits, outcome))
    return table, reasons


def _transfer(tape):
    """Slopes of the traits that Lending Club 2007-2011 shares with Prosper and with the later Lending Club sample."""
    from p2prisk import OrderedLogit

    frame = tape.frame
    tables, facts = [], {}
    for name, traits, mask in (
        ("prosper", study.PROSPER_TRAITS, frame["term"] == 36),
        ("modeldata", study.LATER_TRAITS, frame["term"] > 0),
    ):
        common = [trait for trait in traits if trait.name != "score"]
        table, _ = study.complete(study.design(frame[mask], common, "bad"))
        table["bad"] = table["bad"].astype(int)
        result = OrderedLogit.from_formula(study.formula("bad", common), table).fit()
        facts[name] = {"loans": len(table), "bad": int(table["bad"].sum())}
        tables.append(study.coefficient_table(result, common).assign(compared_with=name))
    return facts, {"coefficients": pd.concat(tables)}


def _prosper(tape):
    from p2prisk import OrderedLogit
    from p2prisk.validation import auc, delong, stratified_folds

    traits = study.PROSPER_TRAITS
    frame = tape.frame
    table, reasons = study.complete(study.design(frame, traits, "bad"))
    table["bad"] = table["bad"].astype(int)
    grade = frame["grade"].loc[table.index]
    table["grade_step"] = grade.cat.codes.to_numpy(dtype=float)
    rating = frame.groupby("grade", observed=True).agg(loans=("bad", "size"), bad=("bad", "sum")).reset_index()
    rating = _with_interval(rating.astype({"grade": str}))
    words = study.formula("bad", traits)
    result = OrderedLogit.from_formula(words, table).fit()
    without_score = [trait for trait in traits if trait.name != "score"]
    folds = stratified_folds(table["bad"], 10, SEED)
    out = {name: np.zeros(len(table)) for name in ("traits", "traits without score", "traits and rating")}
    formulas = {
        "traits": words,
        "traits without score": study.formula("bad", without_score),
        "traits and rating": f"{words} + grade_step",
    }
    for fold in np.unique(folds):
        held = folds == fold
        for name, formula in formulas.items():
            fit = OrderedLogit.from_formula(formula, table[~held]).fit()
            out[name][held] = study.linear_index(fit, table[held])
    out["rating"] = table["grade_step"].to_numpy()
    # the Lending Club slopes of the shared traits, applied as they are
    carried = replication("e2-transfer").table("coefficients").query("compared_with == 'prosper'")
    carried = carried.set_index("name")["estimate"]
    matrix = pd.DataFrame(result.model.exog, columns=result.model.exog_names)
    shared = [name for name in carried.index if name in matrix]
    out["Lending Club slopes"] = (matrix[shared] * carried[shared]).sum(axis=1).to_numpy()
    bad = table["bad"].to_numpy(dtype=bool)
    found = delong(bad, out)
    own = OrderedLogit.from_formula(
        study.formula(
            "bad",
            [
                t
                for t in without_score
                if t.name
                in set(replication("e2-transfer").table("coefficients").query("compared_with == 'prosper'")["trait"])
            ],
        ),
        table,
    ).fit()
    facts = {
        "loans": len(table),
        "bad": int(bad.sum()),
        "closed_not_in_cohort": int(sum(entry["rows"] for entry in tape.set_aside)),
        "first": frame["issue_date"].min(),
        "last": frame["issue_date"].max(),
        "folds": 10,
        "auc_own_shared": auc(bad, study.linear_index(own)),
        "shared": shared,
        "mcfadden": float(study.explained(result)["mcfadden"]),
    }
    step = study.contrast(OrderedLogit.from_formula("bad ~ grade_step", table).fit(), {"grade_step": 1.0})
    facts["odds_ratio_rating"] = step[2:]
    return facts, {
        "rating": rating,
        "coefficients": study.coefficient_table(result, traits),
        "shared_coefficients": study.coefficient_table(own, traits),
        "auc": found.table.rename_axis("model").reset_index(),
        "auc_differences": found.comparisons,
        "set_aside": reasons,
    }


STUDIES = {
    "e2-profile": ("lendingclub-2007-2011", _profile),
    "e2-selection": ("lendingclub-2007-2011", _selection),
    "e2-outcome": ("lendingclub-2007-2011", _outcome),
    "e2-decisions": ("lendingclub-2007-2011", decisions),
    "e3-ratings": ("prosper", ratings),
    "e2-verification": ("lendingclub-2007-2011", _verification),
    "e2-robustness": ("lendingclub-2007-2011", _robustness),
    "e2-transfer": ("lendingclub-2007-2011", _transfer),
    "e3-prosper": ("prosper", _prosper),
}


if __name__ == "__main__":
    raise SystemExit(main())
